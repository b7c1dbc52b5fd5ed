// Campaign files: cases as data, read strictly, and refused as a whole when a bench cannot do or see one of them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bindings/bench_file.hpp"
#include "rig/case.hpp"

namespace swiperig {

struct Campaign {
  std::string path, name;
  std::string bench;  ///< the file of the bench it is meant for, or ""
  std::vector<Case> cases;
  std::map<std::string, std::string> sweeps;  ///< the window of each sweep, in words
  std::int64_t repeat = 1;                    ///< cycles of each case unless told otherwise
  std::int64_t epoch_cycles = 50;             ///< cycles on one virtual bench before a fresh one
};

/// Throws ConfigError.
Campaign read_campaign(const std::string& path);

/// Throws ConfigError that names the place in the campaign and what the bench lacks.
void check_feasible(const Campaign&, const BenchFile&);

/// Every effect of the campaign on this bench, in plain lines, before anything moves.
std::string plan(const Campaign&, const BenchFile&);

}  // namespace swiperig
