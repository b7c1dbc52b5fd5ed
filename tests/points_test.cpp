// Every point of a sale at which nothing comes back: the campaign passes for the honest terminal, hits what it says,
// and finds seeded defects by their own rules.
#include "rig/points.hpp"

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
      const Diagnosis& found = c.verdict->diagnosis;
      // once the card is read, a hung application and a line that takes no connection look alike from outside
      if (c.case_name == "P2 application hangs at the card") {
        EXPECT_THAT(found.candidates, Contains(c.verdict->induced)) << habit;
        continue;
      }
      EXPECT_EQ(found.cause, c.verdict->induced) << habit << ", " << c.case_name << ": " << found.why;
    }
  }
}

TEST(Points, EveryPointIsNamedAndReached) {
  const Folder folder;
  const Ran ran = run(folder, "r", {.campaign = points});
  std::set<std::string> reached;  // in a case that names it
  for (const Case& c : read_campaign(points).cases) {
    const std::vector<std::string> named = points_named(c.point);
    for (const CycleRecord& cycle : ran.cycles) {
      if (cycle.case_name != c.name) continue;
      for (const std::string& point : cycle.verdict->points) {
        if (std::find(named.begin(), named.end(), point) != named.end()) reached.insert(point);
      }
    }
  }
  for (int n = 1; n <= 21; ++n) EXPECT_TRUE(reached.contains("P" + std::to_string(n))) << "P" << n;
}

/// The whole of a campaign of one case that names `point` and loses the message at `when`.
std::string losing(const char* point, const char* when, const char* window = "") {
  return std::string("schema = 1\nname = \"one\"\n[[case]]\nname = \"one\"\npoint = \"") + point +
         "\"\namount = \"12.34\"\ncard = \"debit\"\nswipe = \"500 mm/s\"\ncause = \"network\"\nmust = "
         "[\"card_read\"]\n[[case.step]]\nwhen = "
         "\"" +
         when + "\"\n" + (*window == '\0' ? "network = \"drop\"\n" : window);
}

TEST(Points, ACaseThatComesToAnotherPointThanItNamesProvesNothing) {
  const Folder folder;
  const Ran right = run(folder, "right", {.campaign = folder.write("right.toml", losing("P5", "request_entered"))});
  EXPECT_EQ(right.exit_code, 0) << right.said;
  EXPECT_THAT(right.cycles[0].verdict->points, testing::ElementsAre("P5"));
  const Ran wrong = run(folder, "wrong", {.campaign = folder.write("wrong.toml", losing("P10", "request_entered"))});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_EQ(wrong.cycles[0].verdict->outcome, Outcome::inconclusive);
  EXPECT_EQ(wrong.cycles[0].verdict->why, "the case is for P10, and came to P5");
}

TEST(Points, ASweepMustComeToEachPointThatItNames) {
  const Folder folder;
  const char* window = "network = \"delay\"\nlasts = { from = \"11 s\", to = \"12 s\", by = \"1 s\" }\n";
  const std::string both = folder.write("both.toml", losing("P11 P14", "response_entered", window));
  const Ran ran = run(folder, "r", {.campaign = both});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_EQ(ran.outcomes.at(Outcome::pass), 2);
  EXPECT_THAT(ran.said, testing::HasSubstr("sweep one: never came to P14"));
  const std::string one = folder.write("one.toml", losing("P11", "response_entered", window));
  EXPECT_EQ(run(folder, "s", {.campaign = one}).exit_code, 0);
}

TEST(Points, NamesAreThoseOfTheDocument) {
  EXPECT_THAT(points_named("P1 P21"), testing::ElementsAre("P1", "P21"));
  for (const char* wrong : {"", "P0", "P22", "P", "p3", "P3,P4", "P03", "P3x"})
    EXPECT_THAT(points_named(wrong), IsEmpty());
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
