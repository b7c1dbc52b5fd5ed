// A run in numbers: how its cycles ended, what was diagnosed and how often that was right, which rules were broken.
// Fed one cycle at a time, so that it costs no memory per cycle; everything it gives is text made from what it was fed.
// The confusion matrix says of everything that was induced what was diagnosed how often.
// A cycle without a verdict was cut short and counts as inconclusive. What the rig itself broke says nothing about
// diagnosis, so an `error` counts there only where a rig fault was what the case induced.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reports/run_books.hpp"
#include "reports/trials.hpp"
#include "rig/borders.hpp"
#include "rig/trace.hpp"

namespace swiperig {

class TraceReader;

/// Cycles by outcome.
class Outcomes {
 public:
  std::int64_t& operator[](Outcome o) { return counts_[static_cast<std::size_t>(o)]; }
  std::int64_t operator[](Outcome o) const { return counts_[static_cast<std::size_t>(o)]; }
  std::int64_t total() const { return counts_[0] + counts_[1] + counts_[2] + counts_[3]; }

 private:
  std::array<std::int64_t, 4> counts_{};
};

class Summary {
 public:
  explicit Summary(const RunInfo& run);

  void add(const CycleRecord&);
  /// How the run ended; head "": not in order.
  void end(std::string head, std::int64_t wall_ms, Duration bench_time);

  const Outcomes& outcomes() const { return outcomes_; }
  /// The worst that happened; at best inconclusive while planned cycles are missing or a sweep found nothing.
  Outcome worst() const;

  /// The cases by name that are to be done next to find the borders of its sweeps, each as often as it stands here;
  /// empty: all are found, or none is looked for.
  std::vector<std::string> to_do() const;

  /// The text of summary.json, schema 1, one member a line.
  std::string json() const;
  /// One row per case of the run in the campaign's order, and one for all of a sweep: point, cycles, outcomes,
  /// diagnosed causes, findings. Under it where the borders of each sweep lie, and how its sides ended.
  std::string closing_table() const;

 private:
  using Counts = std::map<std::string, std::int64_t>;
  struct PlaceNames {
    std::string of_case, at;  ///< "after 35 ms"
  };
  struct Row {
    std::string name, point, cause = "none";
    Outcomes outcomes;
    Counts causes, findings, points;
    std::vector<SweptPlace> places;  ///< of a sweep
    std::vector<PlaceNames> names;   ///< of each
    std::int64_t repeats = 0;        ///< on both sides of a border
  };
  struct Position {
    std::size_t row, place;
  };
  struct Span {
    std::string from, to, seen;
  };
  Position& position(const std::string& case_name);
  /// Neighbouring places of a sweep that were done and ended alike, put together.
  std::vector<Span> spans(const Row&) const;
  /// A sweep that was done whole and changed nothing anywhere.
  bool idle(const Row&) const;
  /// Some place of a sweep that is to be done whatever the others show was not done yet.
  static bool undone(const Row&);
  /// The points that a sweep names and that none of its cycles came to, separated by a space; of one not yet done: "".
  std::string missed(const Row&) const;

  std::string campaign_, bench_, head_;
  std::uint64_t seed_;
  bool is_virtual_;
  std::int64_t planned_;
  Scope scope_;
  std::int64_t wall_ms_ = 0;
  Duration bench_time_{};
  std::int64_t events_ = 0, right_ = 0, wrong_ = 0, unknown_ = 0;
  std::int64_t rig_faults_ = 0, called_terminals_ = 0;  ///< tried cases in which the rig's own equipment failed
  std::int64_t meant_errors_ = 0;                       ///< cycles that a rig fault of their case has ended
  std::int64_t beside_another_ = 0;                     ///< and those that it has not, as another cause hid it
  Outcomes outcomes_;
  Counts causes_, findings_;
  Trials trials_;
  RunBooks books_;
  bool tried_ = false;                       ///< some cases were tried without each of their faults
  std::map<std::string, Counts> confusion_;  ///< what was induced, "network or power", and what was diagnosed
  std::vector<Row> rows_;
  std::map<std::string, Position> positions_;  ///< by name of case
};

/// The summary of a run on disk.
Summary summarise(const TraceReader&);

/// One line without a line break: "12/400 cycles   3 %   52.1/s   8 s left   pass 11, fail 1".
std::string progress_line(std::int64_t done, std::int64_t total, double cycles_per_s, std::optional<Duration> left,
                          const Outcomes&);

}  // namespace swiperig
