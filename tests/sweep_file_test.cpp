// Sweeps in campaign files: one case per value, named after it; windows that are not met exactly are refused with their
// place; a run says where the borders lie, and a sweep that changes nothing anywhere proves nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bindings/campaign_file.hpp"
#include "bindings/sweep.hpp"
#include "reports/summary.hpp"
#include "rig/verdict.hpp"
#include "tests/folder.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string head =
    "schema = 1\nname = \"one\"\n\n[[case]]\nname = \"cut\"\namount = \"12.34\"\ncard = \"debit\"\n"
    "swipe = \"500 mm/s\"\ncause = \"power\"\nmust = [\"card_read\"]\n\n[[case.step]]\nwhen = \"response_left\"\n"
    "power = \"off\"\n";

Campaign read(const std::string& text) {
  const Folder folder;
  return read_campaign(folder.write("c.toml", text));
}

std::string refused(const std::string& text) {
  const Folder folder;
  const std::string path = folder.write("c.toml", text);
  try {
    read_campaign(path);
  } catch (const ConfigError& e) {
    return std::string(e.what()).substr(folder.path().string().size() + 1);
  }
  return "";
}

TEST(SweepFile, OneCasePerValueInOrder) {
  const Campaign c = read(head + "after = { from = \"0 ms\", to = \"50 ms\", by = \"5 ms\" }\n");
  ASSERT_EQ(c.cases.size(), 11u);
  for (std::size_t i = 0; i < c.cases.size(); ++i) {
    EXPECT_EQ(c.cases[i].steps[1].after, std::chrono::milliseconds(5 * i));
    EXPECT_EQ(c.cases[i].sweep.series, "cut");
    EXPECT_EQ(c.cases[i].name, "cut, " + c.cases[i].sweep.at);
    EXPECT_EQ(to_json(parse_case(to_json(c.cases[i]))), to_json(c.cases[i]));
  }
  EXPECT_EQ(c.cases[7].name, "cut, after 35 ms");
  const Campaign plain = read(head);  // the twin
  ASSERT_EQ(plain.cases.size(), 1u);
  EXPECT_EQ(plain.cases[0].name, "cut");
  EXPECT_EQ(plain.cases[0].sweep.series, "");
  EXPECT_THAT(to_json(plain.cases[0]), Not(HasSubstr("sweep")));
}

TEST(SweepFile, SeveralMakeAllTheirCombinations) {
  std::string text = head + "after = { from = \"1 ms\", to = \"3 ms\", by = \"1 ms\" }\n";
  text.replace(text.find("\"12.34\""), 7, "{ from = \"1.00\", to = \"3.00\", by = \"2.00\" }");
  const Campaign c = read(text);
  ASSERT_EQ(c.cases.size(), 6u);
  std::set<std::pair<std::int64_t, Duration>> seen;
  for (const Case& one : c.cases) seen.insert({one.amount_minor, one.steps[1].after});
  EXPECT_EQ(seen.size(), 6u);
  EXPECT_EQ(c.cases[5].name, "cut, amount 3.00, after 3 ms");
  EXPECT_EQ(c.sweeps.at("cut"), "amount 1.00 to 3.00 by 2.00, after 1 ms to 3 ms by 1 ms");
}

TEST(SweepFile, DurationsAndCountsOfStepsAreSwept) {
  std::string text = head;
  text.replace(text.find("power = \"off\""), 13,
               "network = \"outage\"\nlasts = { from = \"1 s\", to = \"2 s\", by = \"500 ms\" }\n"
               "nth = { from = 1, to = 2, by = 1 }");
  const Campaign c = read(text);
  ASSERT_EQ(c.cases.size(), 6u);
  EXPECT_EQ(c.cases[5].name, "cut, nth 2, for 2 s");
  EXPECT_EQ(c.cases[5].steps[1].nth, 2);
  EXPECT_EQ(std::get<NetworkFault>(c.cases[5].steps[1].action).lasts, 2s);
}

TEST(SweepFile, AWindowThatIsNotMetExactlyIsRefused) {
  const auto after = [](const std::string& window) { return refused(head + "after = " + window + "\n"); };
  EXPECT_EQ(after("{ from = \"0 ms\", to = \"500 ms\", by = \"5 ms\" }"), "");
  EXPECT_THAT(after("{ from = \"0 ms\", to = \"501 ms\", by = \"5 ms\" }"),
              StartsWith("c.toml:15:31: expected from and a whole number of by: 500 ms would be the last"));
  EXPECT_THAT(after("{ from = \"9 ms\", to = \"4 ms\", by = \"5 ms\" }"),
              StartsWith("c.toml:15:31: expected a value that is not below from"));
  EXPECT_THAT(after("{ from = \"0 ms\", to = \"5 ms\", by = \"0 ms\" }"),
              StartsWith("c.toml:15:44: expected a duration"));
  EXPECT_THAT(after("{ from = \"0 ms\", to = \"5 ms\" }"), StartsWith("c.toml:15:9: \"by\" is missing"));
  EXPECT_THAT(after("{ from = 0, to = \"5 ms\", by = \"1 ms\" }"), StartsWith("c.toml:15:18: expected a duration"));
  EXPECT_THAT(after("{ from = \"0 ms\", to = \"5 ms\", by = \"1 ms\", at = 1 }"), HasSubstr("unknown key \"at\""));
  EXPECT_THAT(after("{ from = \"0 ms\", to = \"1 s\", by = \"1 us\" }"),
              StartsWith("c.toml:15:9: expected a sweep of at most 20000 values"));
  EXPECT_THAT(refused(head + "after = { from = \"0 ms\", to = \"1 s\", by = \"1 ms\" }\n"
                             "nth = { from = 1, to = 20, by = 1 }\n"),
              StartsWith("c.toml:4:1: expected sweeps that make at most 20000 cases together"));
}

TEST(SweepFile, ThePlanSaysASweepOnce) {
  const Campaign c = read(head + "after = { from = \"0 ms\", to = \"500 ms\", by = \"5 ms\" }\n");
  const std::string text = plan(c, read_bench((project / "fixtures/benches/virtual.toml").string()));
  EXPECT_THAT(text, HasSubstr("\ncut\n"));
  EXPECT_THAT(text, HasSubstr("  swept after 0 s to 500 ms by 5 ms: 101 cases"));
  EXPECT_THAT(text, Not(HasSubstr("35 ms")));
}

Verdict ended(const char* cause, bool in_doubt) {
  Verdict v;
  v.outcome = Outcome::pass;
  v.diagnosis.cause = cause;
  v.induced = "power";
  if (in_doubt) v.in_doubt = 3s;
  return v;
}

Summary swept(const std::vector<Verdict>& verdicts) {
  RunInfo run;
  run.cases = read(head + "after = { from = \"0 ms\", to = \"4 ms\", by = \"1 ms\" }\n").cases;
  run.cycles_planned = 5;
  Summary s(run);
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    CycleRecord cycle;
    cycle.case_name = run.cases[i].name;
    cycle.verdict = verdicts[i];
    s.add(cycle);
  }
  return s;
}

TEST(SweepFile, TheSummarySaysWhereTheBordersAre) {
  const Summary s = swept(
      {ended("power", true), ended("power", true), ended("power", false), ended("none", false), ended("none", false)});
  EXPECT_EQ(s.worst(), Outcome::pass);
  EXPECT_THAT(s.closing_table(), HasSubstr("sweep cut: after 0 s to after 1 ms power, in doubt; after 2 ms power; "
                                           "after 3 ms to after 4 ms none\n"));
  EXPECT_THAT(s.json(), HasSubstr(R"({"from": "after 2 ms", "to": "after 2 ms", "seen": "power"})"));
}

TEST(SweepFile, ASweepThatChangesNothingProvesNothing) {
  const Summary s = swept(std::vector<Verdict>(5, ended("none", false)));
  EXPECT_EQ(s.worst(), Outcome::inconclusive);
  EXPECT_THAT(s.closing_table(), HasSubstr("after 0 s to after 4 ms none: nowhere did it change anything\n"));
}

}  // namespace
}  // namespace swiperig
