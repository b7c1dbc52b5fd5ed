// The campaign of host faults on the virtual bench: an honest terminal passes every case with every shipped acquirer,
// the cause is named, and a terminal that believes what it must not is found by the rule it breaks.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "bindings/run.hpp"
#include "rig/trace_file.hpp"
#include "tests/folder.hpp"

namespace swiperig {
namespace {

using testing::Contains;
using testing::IsSubsetOf;

const std::string host_faults = (project / "fixtures/campaigns/host_faults.toml").string();

struct Ran {
  int exit_code = 0;
  std::string said;
  std::vector<CycleRecord> cycles;
  std::set<std::string> milestones;
};

Ran run(const std::string& defect, const std::string& host = "") {
  const Folder folder;
  RunOptions options;
  options.campaign = host_faults;
  options.out = folder / "r";
  options.defect = defect;
  if (!host.empty()) options.host = (project / "fixtures/hosts" / (host + ".toml")).string();
  Ran ran;
  const std::atomic<bool> never_stopped = false;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  ran.exit_code = run_campaign(options, never_stopped);
  ran.said = testing::internal::GetCapturedStdout() + testing::internal::GetCapturedStderr();
  const TraceReader trace(folder / "r/run.trace");
  trace.for_each([&](const CycleRecord& c) {
    ran.cycles.push_back(c);
    for (const Event& e : c.events) {
      if (const auto* m = std::get_if<Milestone>(&e.body)) ran.milestones.insert(m->name);
    }
  });
  return ran;
}

class HostCampaign : public testing::TestWithParam<const char*> {};

TEST_P(HostCampaign, AnHonestTerminalPassesAndEveryCauseIsNamed) {
  const Ran ran = run("", GetParam());
  EXPECT_EQ(ran.exit_code, 0) << ran.said;
  EXPECT_EQ(ran.cycles.size(), 31U);
  for (const CycleRecord& c : ran.cycles) {
    EXPECT_EQ(c.verdict->outcome, Outcome::pass) << c.case_name << ": " << c.verdict->why;
    EXPECT_TRUE(c.verdict->findings.empty()) << c.case_name;
    EXPECT_EQ(c.verdict->diagnosis.cause, c.verdict->induced) << c.case_name << ": " << c.verdict->diagnosis.why;
  }
  for (const char* name : {"unmatched", "issuer_reversed", "host_died", "host_restarted", "garbage", "other_left"}) {
    EXPECT_THAT(ran.milestones, Contains(std::string(name)));
  }
}
INSTANTIATE_TEST_SUITE_P(Shipped, HostCampaign, testing::Values("unionpay", "x9_19", "dukpt", "sm4"));

struct Seeded {
  const char *defect, *rule;
  std::set<std::string> cases;  ///< that detect it
  friend void PrintTo(const Seeded& s, std::ostream* out) { *out << s.defect; }
};
class HostDefect : public testing::TestWithParam<Seeded> {};

TEST_P(HostDefect, IsFoundByItsOwnRuleWhereAndOnlyWhereTheHostProvokesIt) {
  const Seeded& seeded = GetParam();
  const Ran ran = run(seeded.defect);
  EXPECT_EQ(ran.exit_code, 1) << ran.said;
  std::set<std::string> found;
  for (const CycleRecord& c : ran.cycles) {
    for (const Finding& f : c.verdict->findings) {
      if (f.rule == seeded.rule) found.insert(c.case_name);
      EXPECT_TRUE(seeded.cases.contains(c.case_name)) << c.case_name << ": " << f.rule << " " << f.what;
      EXPECT_FALSE(f.evidence.empty());
    }
  }
  EXPECT_EQ(found, seeded.cases);
}
INSTANTIATE_TEST_SUITE_P(
    Seeded, HostDefect,
    testing::Values(Seeded{"accepts_foreign_stan", "R_MATCH", {"approval of another STAN"}},
                    Seeded{"accepts_other_amount", "R_MATCH", {"approval of another amount"}},
                    Seeded{"accepts_other_terminal", "R_MATCH", {"approval of another terminal"}},
                    Seeded{"takes_replayed_response",
                           "R_MATCH",
                           {"approval of another STAN", "approval of another amount", "older approval replayed"}},
                    Seeded{"accepts_wrong_mac", "R_MAC", {"approval without a MAC", "approval with a wrong MAC"}},
                    Seeded{"accepts_unsigned_approval", "R_MAC", {"approval without a MAC"}},
                    Seeded{"accepts_late_response", "R_LATE", {"response late"}},
                    Seeded{"believes_truncated_response", "R_ANSWER", {"response truncated"}},
                    Seeded{"tells_missing_balance", "R_BALANCE", {"approval without the balance"}}),
    [](const testing::TestParamInfo<Seeded>& one) { return std::string(one.param.defect); });

}  // namespace
}  // namespace swiperig
