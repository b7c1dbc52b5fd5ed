// The append-only record of a run: events by cycle, cycles by epoch, and the head that proves them. An epoch is the
// unit of parallelism and regeneration: so many cycles on a fresh bench with a seed of its own, so that the head of a
// run does not depend on how many threads ran it.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rig/digest.hpp"
#include "rig/event.hpp"
#include "rig/verdict.hpp"

namespace swiperig {

/// Consecutive events of a cycle as they are stored and hashed: made once, while the cycle runs.
class Lines {
 public:
  /// Adds the events and extends the head by them.
  void add(std::span<const Event>, Digest& head);
  /// Makes room at once for about as much text as `like` has.
  void expect(const Lines& like) { text_.reserve(like.text_.size() + like.text_.size() / 8); }
  std::size_t size() const { return size_; }
  /// As a trace keeps them (rig/trace.sql, chunks.events).
  std::string_view chunk() const { return text_; }

 private:
  std::string text_;
  std::size_t size_ = 0;
};

/// An event as the file has it, for as long as the call that tells it.
struct StoredLine {
  std::int64_t seq, cycle, at_ns, at_uncertainty_ns;
  std::string_view source, kind, body;
};

/// Tells the events of a chunk, numbered from `first_seq`, until `visit` returns false. Returns how many it told.
/// Throws std::runtime_error that names the byte at which the text is not as Lines writes it.
std::size_t read_chunk(std::string_view chunk, std::int64_t first_seq, std::int64_t cycle,
                       const std::function<bool(const StoredLine&)>& visit);

/// Extends the head by an event.
void chain(Digest& head, const StoredLine&);

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

/// Of a vault beside a trace: how many messages are sealed in it, and the end of the chain of its lines.
struct VaultHead {
  std::int64_t messages = 0;
  Digest sha256{};
  bool operator==(const VaultHead&) const = default;
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
