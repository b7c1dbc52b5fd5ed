// The append-only record of a run: events by cycle, cycles by epoch, and the head that proves them. An epoch is the
// unit of parallelism and regeneration: so many cycles on a fresh bench with a seed of its own, so that the head of a
// run does not depend on how many threads ran it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rig/digest.hpp"
#include "rig/event.hpp"
#include "rig/verdict.hpp"

namespace swiperig {

struct CycleRecord {
  std::int64_t cycle = 0;
  std::string case_name;
  Time begun{}, ended{};
  std::vector<Event> events;       ///< seq counts from 1 within the epoch until written
  std::optional<Verdict> verdict;  ///< absent: cut short
  Digest head{};                   ///< of the epoch, after this cycle
};

struct EpochRecord {
  std::int64_t epoch = 0;
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
  std::vector<Case> cases;
};

/// Adds an event to a head.
void extend(Digest& head, const Event&, std::string& scratch);
/// Adds an epoch's head to the run's.
void fold(Digest& run_head, const Digest& epoch_head);
/// Lower-case hex.
std::string hex(const Digest&);

}  // namespace swiperig
