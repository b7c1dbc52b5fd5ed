// The only place that puts a bench together: opens links by scheme, makes drivers, and for virtual benches the fixtures
// that stand at the far ends. The same fixtures are served to other processes by `swiperig stand-in`.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bindings/bench_file.hpp"
#include "rig/bench.hpp"
#include "rig/cycle.hpp"
#include "rig/random.hpp"
#include "rig/tap.hpp"

namespace swiperig {

class GuardProcess;
class Guard;
struct GuardEnds;

/// What runs on an open, watched bench.
using OnBench = std::function<Task<>(Watch&)>;

/// What the bench can see, and what its terminal's profile declares.
Scope scope_of(const BenchFile&);

/// Opens the bench on a clock of its own (virtual or steady, as its links say), runs `work`, takes the bench down
/// again: whatever way `work` ends, the equipment is closed and awaited. Virtual benches get fresh fixtures: `defects`
/// are planted in terminal or host, `place` is where random draws are made. Throws EquipmentError or LinkError when
/// equipment does not answer. `tap`: keeps what crosses the terminal's wires, where the bench is real. Robot and supply
/// of a real bench are reached through a guardian: `guardian`, or one of this run's own.
void run_bench(const BenchFile& file, const std::set<std::string>& defects, const DrawPlace& place,
               const std::atomic<bool>& abort, Sink& sink, const OnBench& work, std::shared_ptr<Tap> tap = nullptr,
               GuardProcess* guardian = nullptr);

/// The same of a virtual bench on a clock of the caller's, who runs it. All that is given outlives the task.
Task<> on_virtual_bench(Clock&, const BenchFile&, const std::set<std::string>& defects, const DrawPlace& place,
                        const std::atomic<bool>& abort, Sink& sink, const OnBench& work);

/// What a case may want of the bench: what it sees, the books that are kept, the parts it moves, its cards by slot.
std::vector<std::string> abilities_of(const BenchFile&);

/// Takes a turn at the guardian whose ends these are, runs `inside` with it, and ends the turn: whatever way `inside`
/// ends, robot and supply are in their safe state after it, or what is thrown says that they may not be.
Task<> with_guard(Clock&, GuardEnds, const std::atomic<bool>& abort, const std::function<Task<>(Guard&)>& inside);

/// Serves one stand-in ("robot", "supply", "terminal", "host") in real time at the ends that the bench file names,
/// until `abort`. Throws ConfigError for another name.
void serve_stand_in(const std::string& role, const BenchFile& file, const std::set<std::string>& defects,
                    std::uint64_t seed, const std::atomic<bool>& abort);

}  // namespace swiperig
