// Campaign files: cases as data, read strictly, and refused as a whole when a bench cannot do or see one of them. A
// campaign has cases of its own, or has them drawn at random (bindings/drawn_case.hpp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "bindings/wear.hpp"
#include "rig/case.hpp"

namespace swiperig {

/// `[random]`: what cases are drawn from, one for each cycle.
struct RandomCases {
  std::int64_t cycles = 0;         ///< unless told otherwise
  std::int64_t most_faults = 2;    ///< of a case
  std::vector<std::string> kinds;  ///< empty: all that the terminal has
  bool attribute = false;          ///< each case is tried without each of its faults (bindings/attribution.hpp)
  bool rig_faults = false;         ///< the rig's own equipment fails, too (rig/rig_faults.def)
  std::string where;               ///< file:line:column
};

/// `[[strategy]]`: what is compared, with it and without it, under each of its faults.
struct Strategy {
  std::string name, chinese;
  Value with, without;              ///< switches (bindings/strategies.hpp); `without` may be no table
  std::vector<std::string> faults;  ///< cases of the campaign, a sweep by its name
  std::string where;
};

/// One strategy under one fault: `places` cases without it from `first` on, and as many with it behind them.
struct TrialPlan {
  std::size_t fault = 0, first = 0, places = 1;
  BenchFile without, with;
};

struct Campaign {
  std::string path, name;
  std::string bench;     ///< the file of the bench it is meant for, or ""
  std::string terminal;  ///< of the terminal profile instead of the bench's own, or ""
  std::vector<Case> cases;
  std::optional<RandomCases> random;          ///< instead of cases
  std::vector<Strategy> strategies;           ///< the cases are their faults
  std::map<std::string, Value> settings;      ///< switches of a fault, by its name: they hold with and without
  std::vector<TrialPlan> trials;              ///< made by add_trials
  bool pairs = false;                         ///< every two of the cases together, too
  std::map<std::string, std::string> sweeps;  ///< the window of each sweep, in words
  std::vector<std::size_t> order;             ///< which case each cycle does; empty: all of them in turn
  Wear wear;
  std::int64_t repeat = 1;         ///< cycles of each case unless told otherwise
  std::int64_t epoch_cycles = 50;  ///< cycles on one virtual bench before a fresh one

  bool looks_for_borders() const {
    return std::any_of(cases.begin(), cases.end(), [](const Case& c) { return c.sweep.repeats != 0; });
  }
};

/// What the file says that cycle to do, of a campaign that has cases of its own.
const Case& written_case(const Campaign&, std::int64_t cycle);

/// Of a campaign that looks for borders: puts its first round into `order`, or behind it the cases of these names. Each
/// returns how many cycles there are then.
std::int64_t order_first_round(Campaign&);
std::int64_t order_next(Campaign&, const std::vector<std::string>& names);

/// Throws ConfigError.
Campaign read_campaign(const std::string& path);
/// Of the text of such a file; the files that it names are beside `path`.
Campaign read_campaign(const Table& root, const std::string& path);

/// One case; or one for every value of what it sweeps, or for every place on the axis that it measures along. The
/// window of a sweep, in words, goes into `windows`, how worn its reader is into `wear`. Throws ConfigError, also where
/// `wear` is null and the case says something about it.
std::vector<Case> read_case(const Value&, std::map<std::string, std::string>& windows, Wear* wear = nullptr);

/// One step, in which nothing is swept. Throws ConfigError.
Step read_step(const Value&);

std::vector<std::string> milestone_names();
/// What a case can be: every transaction, and the services that keys start.
std::vector<std::string> kind_names();
/// The kind of a case and what that is about in turn, none of which a terminal may lack.
std::vector<std::string> kinds_done(const std::string& kind);
/// Two steps at the same message, which can meet but one: the later's index; 0: none.
std::size_t second_fault_of_one_message(const Case&);

/// What the bench lacks for the case, or "".
std::string refusal(const Case&, const BenchFile&);
/// Throw ConfigError that names the place of the case and what the bench lacks.
void check_feasible(const Case&, const BenchFile&);
void check_feasible(const Campaign&, const BenchFile&);

/// Every effect of the campaign on this bench, in plain lines, before anything moves; of drawn cases, the first ones
/// that `seed` gives.
std::string plan(const Campaign&, const BenchFile&, std::uint64_t seed = 1);

}  // namespace swiperig
