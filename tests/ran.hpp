// A campaign, run as the command line runs it, and what a test wants to know of it.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "bindings/run.hpp"
#include "rig/trace_file.hpp"
#include "tests/folder.hpp"

namespace swiperig {

struct Ran {
  int exit_code = 0;
  std::string head, said;
  std::vector<CycleRecord> cycles;
  std::map<std::string, std::set<std::string>> findings;  ///< rule to cases
  std::map<Outcome, int> outcomes;
  int wrong_diagnoses = 0;
};

struct Way {
  std::string campaign, defect = "", terminal = "";
  std::uint64_t seed = 1;
  std::optional<std::int64_t> cycles = {};
  int threads = 2;
  std::string bench = "", host = "";
};

inline Ran run(const Folder& folder, const std::string& out, const Way& way) {
  RunOptions options;
  options.campaign = way.campaign;
  options.out = folder / out;
  options.defect = way.defect;
  options.terminal = way.terminal;
  options.bench = way.bench;
  options.host = way.host;
  options.seed = way.seed;
  options.cycles = way.cycles;
  options.threads = way.threads;
  Ran ran;
  const std::atomic<bool> never_stopped = false;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  ran.exit_code = run_campaign(options, never_stopped);
  ran.said = testing::internal::GetCapturedStdout() + testing::internal::GetCapturedStderr();
  const TraceReader trace(folder / out + "/run.trace");
  ran.head = trace.head();
  trace.for_each([&](const CycleRecord& c) {
    ran.cycles.push_back(c);
    ++ran.outcomes[c.verdict->outcome];
    ran.wrong_diagnoses += c.verdict->diagnosis.cause != c.verdict->induced;
    for (const Finding& f : c.verdict->findings) ran.findings[f.rule].insert(c.case_name);
  });
  return ran;
}

}  // namespace swiperig
