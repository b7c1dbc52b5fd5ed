// Cycles on virtual benches, an epoch at a time: each epoch is so many cycles on a fresh bench with a seed of its own,
// in memory until it is whole. Epochs run on any number of threads and are handed on in order, so that what comes of
// them does not depend on it. Whoever waits is asked every 20 ms whether he wants to stop; then the bench is brought to
// rest, the cycles judged so far are handed on, and Aborted is thrown.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bindings/bench_file.hpp"
#include "rig/cycle.hpp"
#include "rig/hands.hpp"
#include "rig/random.hpp"
#include "rig/trace.hpp"

namespace swiperig {

struct Plan {
  const BenchFile& bench;
  std::set<std::string> defects;  ///< planted in the terminal or the host
  std::uint64_t seed = 1;
  std::int64_t cycles = 1, epoch_cycles = 50;
  /// The case of a cycle whose draws are made at `place`; from any thread.
  std::function<Case(std::int64_t cycle, const DrawPlace& place)> at;
  bool keep_events = false;  ///< in the records, beside their lines
  /// The bench of the epoch that begins with this cycle; empty: `bench`.
  std::function<std::shared_ptr<const BenchFile>(std::int64_t cycle)> bench_at = {};
  /// Epochs for which it gives the same number make the same draws; empty: each its own.
  std::function<std::int64_t(std::int64_t epoch)> drawn_as = {};
  std::int64_t first_cycle = 0, first_epoch = 0;  ///< those before are done
};

/// The epoch behind the last of the plan.
std::int64_t end_epoch(const Plan&);

/// Whether the user wants to stop; asked by the thread that waits, never by one that works.
using Stop = std::function<bool()>;
using TakeEpoch = std::function<void(EpochRecord)>;

/// On threads of their own.
void run_epochs(const Plan&, int threads, const Stop&, const TakeEpoch&);
/// The same in the caller's thread.
void run_epochs_here(const Plan&, const Stop&, const TakeEpoch&);

/// One cycle that is done by hand on a virtual bench of its own, whose time stands still between one thing and the
/// next. Behind the fork gate while something is done. Not thread-safe.
class EpochByHand {
 public:
  /// The bench and the defects outlive it.
  EpochByHand(const BenchFile&, const std::set<std::string>& defects, std::uint64_t seed);
  /// Drops what was done, unless it has ended.
  ~EpochByHand();
  EpochByHand(const EpochByHand&) = delete;
  EpochByHand& operator=(const EpochByHand&) = delete;
  /// What was seen since the last time. Throws what ended it: Aborted, EquipmentError, LinkError.
  std::vector<Event> perform(ByHand, const Stop&);
  /// It has ended, by whatever was thrown, or by end().
  bool over() const;
  /// Brings the bench to rest. A cycle that was stopped has no verdict, and is none of the record.
  EpochRecord end(const Stop&);

 private:
  class Session;
  std::unique_ptr<Session> session_;
};

/// Cycles first..last on one watched bench, whose draws are made at `place`.
Task<> do_cycles(Watch&, const Plan&, DrawPlace& place, std::int64_t first, std::int64_t last);

/// The seeded defect of that name, or none. Throws ConfigError that lists them.
std::set<std::string> known_defect(const std::string& name);

}  // namespace swiperig
