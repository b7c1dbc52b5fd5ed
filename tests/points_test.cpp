// Every point of a sale at which nothing comes back: the campaign passes for the honest terminal, hits what it says,
// and finds seeded defects by their own rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bindings/campaign_file.hpp"
#include "tests/ran.hpp"

namespace swiperig {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Key;

const std::string points = (project / "fixtures/campaigns/points.toml").string();

TEST(Points, AnHonestTerminalPassesAtEveryOneWithEachHabit) {
  for (const char* habit : {"fixture", "at_once", "store_and_forward"}) {
    const Folder folder;
    const std::string terminal = (project / "fixtures/terminals" / habit).string() + ".toml";
    const Ran ran = run(folder, "r", {.campaign = points, .terminal = terminal});
    EXPECT_EQ(ran.exit_code, 0) << habit << ran.said;
    EXPECT_THAT(ran.findings, IsEmpty());
    EXPECT_EQ(ran.outcomes.at(Outcome::pass), static_cast<int>(ran.cycles.size()));
    for (const CycleRecord& c : ran.cycles) {
      EXPECT_EQ(c.verdict->outcome, Outcome::pass) << habit << ", " << c.case_name << ": " << c.verdict->why;
      EXPECT_EQ(c.verdict->diagnosis.cause, c.verdict->induced)
          << habit << ", " << c.case_name << ": " << c.verdict->diagnosis.why;
    }
  }
}

TEST(Points, EveryPointHasACase) {
  std::set<std::string> found;
  for (const Case& c : read_campaign(points).cases) found.insert(c.point);
  for (int n = 1; n <= 21; ++n) EXPECT_TRUE(found.contains("P" + std::to_string(n))) << "P" << n;
}

TEST(Points, ASweepCrossesTheBordersOfItsPoint) {
  const Folder folder;
  const Ran ran = run(folder, "r", {.campaign = points});
  std::map<std::string, std::set<std::string>> causes;  // by sweep
  for (const Case& c : read_campaign(points).cases) {
    for (const CycleRecord& cycle : ran.cycles) {
      if (!c.sweep.series.empty() && cycle.case_name == c.name) {
        causes[c.sweep.series].insert(cycle.verdict->diagnosis.cause);
      }
    }
  }
  const std::pair<const char*, std::set<std::string>> both_sides[] = {
      {"P4 SYN-ACK late", {"network", "none"}},
      {"P5 outage from the request on", {"network", "none"}},
      {"P11 response late", {"network", "none"}},
      {"P11 response around the time-out", {"network", "none"}},
      {"P15 power cut around the telling", {"power", "none"}},
      {"P6 request cut, then reset", {"network"}},
  };
  for (const auto& [sweep, expected] : both_sides) EXPECT_EQ(causes[sweep], expected) << sweep;
}

/// Defects that a plain sale can show.
class PointsDefect : public testing::TestWithParam<const char*> {};

TEST_P(PointsDefect, IsFoundByItsOwnRule) {
  const std::map<std::string, std::string> rules = {
#define DEFECT(name, rule, text) {#name, #rule},
#define PART_DEFECT DEFECT
#include "fixtures/defects.def"
#undef PART_DEFECT
#undef DEFECT
  };
  const Folder folder;
  const Ran ran = run(folder, "r", {.campaign = points, .defect = GetParam()});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.findings, Contains(Key(rules.at(GetParam()))));
  EXPECT_EQ(ran.outcomes.count(Outcome::error), 0u) << "a defect of the terminal is no fault of the rig";
}

INSTANTIATE_TEST_SUITE_P(Seeded, PointsDefect,
                         testing::Values("forgets_reversal_after_power_loss", "sells_before_reversal",
                                         "accepts_wrong_mac", "hangs_on_misread", "reverses_unprinted_sale",
                                         "repeats_unheard_sale", "denies_last_result", "loses_journal_on_crash"),
                         [](const testing::TestParamInfo<const char*>& one) { return std::string(one.param); });

}  // namespace
}  // namespace swiperig
