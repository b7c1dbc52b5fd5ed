// The append-only record of a run: events by cycle, cycles by epoch, and the head that proves them. An epoch is the
// unit of parallelism and regeneration: so many cycles on a fresh bench with a seed of its own, so that the head of a
// run does not depend on how many threads ran it.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "rig/digest.hpp"
#include "rig/event.hpp"
#include "rig/verdict.hpp"

namespace swiperig {

/// Events as they are stored and hashed: made once, while the cycle runs.
class Lines {
 public:
  struct Line {
    Time at{};
    Duration at_uncertainty{};
    Source source = Source::rig;
    std::string_view kind;
    std::size_t begin = 0, body = 0, end = 0;  ///< in the text
  };
  /// Adds the event and extends the head by it.
  void add(const Event&, Digest& head);
  std::size_t size() const { return lines_.size(); }
  const Line& operator[](std::size_t i) const { return lines_[i]; }
  std::string_view body(const Line& line) const {
    return std::string_view(text_).substr(line.body, line.end - line.body);
  }

 private:
  std::string text_;
  std::vector<Line> lines_;
};

struct CycleRecord {
  std::int64_t cycle = 0;
  std::string case_name;
  Time begun{}, ended{};
  std::vector<Event> events;       ///< as read back, or as they happen on a real bench
  Lines lines;                     ///< of an epoch that is to be written: instead of `events`, or the same
  std::optional<Verdict> verdict;  ///< absent: cut short
  Digest head{};                   ///< of the epoch, after this cycle
};

/// How many events a cycle has, in whichever form.
inline std::size_t event_count(const CycleRecord& c) { return std::max(c.events.size(), c.lines.size()); }

struct EpochRecord {
  std::int64_t epoch = 0;
  std::vector<Case> drawn;  ///< cases of its cycles that the run's plan does not name
  std::vector<CycleRecord> cycles;
  Duration bench_time{};
  Digest head{};
};

/// What is known of a run before it begins.
struct RunInfo {
  std::string id, campaign, bench;
  std::uint64_t seed = 1;
  bool is_virtual = true;
  std::int64_t cycles_planned = 0;
  Scope scope;
  std::vector<Case> cases;  ///< without drawn ones, which are written as they come
};

/// Adds an epoch's head to the run's.
void fold(Digest& run_head, const Digest& epoch_head);
/// Lower-case hex.
std::string hex(const Digest&);

}  // namespace swiperig
