// A trace while it grows, as numbered messages: the run begins (number 0), each cycle begins, its events, its verdict,
// the run ends in order. The number is a pure function of the trace's order, so that it is the same whenever it is
// read, and only what is committed is seen. The n-th cycle in order, from 0, begins at 2 n + the seq of its first
// event; event s of it is 2 n + 1 + s, its verdict the next; only a last cycle may have none. Any range is found by a
// binary search, so that memory does not grow with the run. One thread at a time; the writer may be in the same
// process.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rig/trace_file.hpp"

namespace swiperig {

/// Views live as long as the call that tells them.
struct RunBegun {
  std::string_view campaign, bench, seed, rig_version;  ///< seed: decimal
  bool is_virtual;
  std::int64_t cycles_planned, begun_wall_s;
};
struct CycleBegun {
  std::int64_t cycle, begun_ns;
  std::string_view case_name;
};
struct CycleJudged {
  std::int64_t cycle, ended_ns;
  std::string_view case_name, outcome, cause, induced, head, verdict;  ///< verdict: JSON
};
struct RunEnded {
  std::int64_t cycles, events, wall_ms, ended_wall_s;
  std::string_view head;
};
using TailEntry = std::variant<RunBegun, CycleBegun, StoredLine, CycleJudged, RunEnded>;

class TraceTail {
 public:
  /// Of a trace that this program writes or wrote: it is not checked. Throws TraceError, as the others do.
  explicit TraceTail(const std::string& path);
  ~TraceTail();
  TraceTail(const TraceTail&) = delete;
  TraceTail& operator=(const TraceTail&) = delete;

  const std::string& run_id() const { return run_id_; }
  /// How many messages there are by now.
  std::int64_t size();
  /// Tells messages first, first + 1, ... until there are no more or `visit` returns false.
  void read(std::int64_t first, const std::function<bool(std::int64_t number, const TailEntry&)>& visit);

 private:
  /// Cycles whose numbers follow each other; a run that was stopped may leave some out.
  struct Stretch {
    std::int64_t cycle, place;
  };
  struct Extent;
  struct Statements;
  Extent extent();
  std::int64_t cycle_at(std::int64_t place) const;
  std::int64_t first_seq(std::int64_t cycle, const Extent&);
  std::int64_t place_of(std::int64_t number, const Extent&);

  Database db_;
  std::string run_id_;
  std::vector<Stretch> stretches_;
  std::int64_t cycles_ = 0, last_cycle_ = -1;
  std::unique_ptr<Statements> statements_;
};

}  // namespace swiperig
