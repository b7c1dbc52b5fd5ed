// The demonstration campaign on the virtual bench, judged: an honest terminal is never accused, every seeded defect is
// found by its own rule, every fault that is said to be induced changes what is seen, and one seed gives one head.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "tests/ran.hpp"

namespace swiperig {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;

const std::string shipped = (project / "fixtures/campaigns/no_return.toml").string();

/// The demonstration campaign, three rounds of it.
Way demonstration(Way way = {.campaign = shipped}) {
  if (!way.cycles) way.cycles = 33;
  return way;
}

TEST(Campaign, ThreeRoundsPassAndEveryCauseIsNamed) {
  const Folder folder;
  const Ran ran = run(folder, "r", demonstration());
  EXPECT_EQ(ran.exit_code, 0) << ran.said;
  EXPECT_EQ(ran.cycles.size(), 33u);
  EXPECT_EQ(ran.outcomes.at(Outcome::pass), 33);
  for (const CycleRecord& c : ran.cycles) {
    EXPECT_EQ(c.verdict->diagnosis.cause, c.verdict->induced) << c.cycle << " " << c.case_name;
    EXPECT_FALSE(c.verdict->diagnosis.evidence.empty() && c.verdict->induced != "none") << c.case_name;
  }
}

TEST(Campaign, EveryKindPassesWithEachHabit) {
  const std::string kinds = (project / "fixtures/campaigns/kinds.toml").string();
  for (const char* terminal : {"fixture", "at_once", "store_and_forward"}) {
    const Folder folder;
    const std::string profile = (project / "fixtures/terminals" / terminal).string() + ".toml";
    const Ran ran = run(folder, "r", {.campaign = kinds, .terminal = profile, .seed = 3, .cycles = 100});
    EXPECT_EQ(ran.exit_code, 0) << terminal << ran.said;
    EXPECT_THAT(ran.findings, IsEmpty()) << terminal;
    EXPECT_EQ(ran.wrong_diagnoses, 0) << terminal << ran.said;
  }
}

TEST(Campaign, AnHonestTerminalIsNeverAccused) {
  const Folder folder;
  const Ran ran = run(folder, "r", demonstration({.campaign = shipped, .seed = 11, .cycles = 300}));
  EXPECT_THAT(ran.findings, IsEmpty());
  EXPECT_EQ(ran.outcomes.at(Outcome::pass), 300) << ran.said;
  EXPECT_EQ(ran.wrong_diagnoses, 0);
}

TEST(Campaign, OneSeedOneHead) {
  const Folder folder;
  const Ran first = run(folder, "a", demonstration({.campaign = shipped, .seed = 5, .cycles = 66, .threads = 1}));
  const Ran again = run(folder, "b", demonstration({.campaign = shipped, .seed = 5, .cycles = 66, .threads = 1}));
  const Ran two = run(folder, "c", demonstration({.campaign = shipped, .seed = 5, .cycles = 66, .threads = 2}));
  const Ran other = run(folder, "d", demonstration({.campaign = shipped, .seed = 6, .cycles = 66, .threads = 2}));
  EXPECT_EQ(first.head.size(), 64u);
  EXPECT_EQ(first.head, again.head);
  EXPECT_EQ(first.head, two.head) << "threads show in the trace";
  EXPECT_NE(first.head, other.head) << "the seed does not show in the trace";
}

struct Defect {
  const char *name, *rule;
  friend void PrintTo(const Defect& d, std::ostream* out) { *out << d.name; }
};
const std::vector<Defect> defects = {
#define DEFECT(name, rule, text) {#name, #rule},
#include "fixtures/defects.def"
#undef DEFECT
};
class CampaignDefect : public testing::TestWithParam<Defect> {};

/// The shipped campaigns in which a defect may show, in the order in which they are tried.
const char* const searched[] = {"no_return", "kinds", "host_faults", "pin"};

TEST_P(CampaignDefect, IsFoundByItsOwnRule) {
  const Folder folder;
  Ran ran;
  for (const char* name : searched) {
    const std::string campaign = (project / "fixtures/campaigns" / name).string() + ".toml";
    ran = run(folder, name, {.campaign = campaign, .defect = GetParam().name, .cycles = 80});
    if (ran.findings.contains(GetParam().rule)) break;
  }
  EXPECT_EQ(ran.exit_code, 1) << ran.said;
  EXPECT_THAT(ran.findings, Contains(Key(std::string(GetParam().rule))));
  EXPECT_EQ(ran.outcomes.count(Outcome::error), 0u) << "a defect of the terminal is no fault of the rig";
  for (const CycleRecord& c : ran.cycles) {
    for (const Finding& f : c.verdict->findings) {
      EXPECT_FALSE(f.evidence.empty()) << f.rule;
      for (const std::uint64_t seq : f.evidence) {
        EXPECT_TRUE(seq >= c.events.front().seq && seq <= c.events.back().seq)
            << f.rule << " cites a stranger, " << seq;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeded, CampaignDefect, testing::ValuesIn(defects),
                         [](const testing::TestParamInfo<Defect>& one) { return std::string(one.param.name); });

/// The campaign with every disturbance taken out and every card swiped as it should be.
std::string undisturbed(const std::string& text) {
  std::istringstream in(text);
  std::string out;
  bool in_step = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("[[")) in_step = line == "[[case.step]]";
    if (in_step) continue;
    out += (line.starts_with("swipe = ") ? "swipe = \"500 mm/s\"" : line) + "\n";
  }
  return out;
}

/// What was seen of the case itself by whoever is not the rig: names, codes and outcomes, without times.
std::vector<std::string> seen(const CycleRecord& c) {
  std::vector<std::string> out;
  for (const Event& e : c.events) {
    if (const auto* m = std::get_if<Milestone>(&e.body)) {
      out.push_back(m->name + " " + std::string(field(m->fields, "code")) + " " + std::string(field(m->fields, "mac")) +
                    " " + std::string(field(m->fields, "outcome")));
    } else if (const auto* t = std::get_if<Text>(&e.body)) {
      out.push_back(t->place + " " + t->text);
    }
  }
  return out;
}

TEST(Campaign, EveryInducedFaultMatters) {
  const Folder folder;
  const std::string plain = folder.write("plain.toml", undisturbed(read_text(shipped)));
  const Ran with = run(folder, "with", demonstration({.campaign = shipped, .cycles = 11}));
  const Ran without = run(folder, "without", demonstration({.campaign = plain, .cycles = 11}));
  ASSERT_EQ(with.cycles.size(), without.cycles.size());
  int disturbed = 0;
  for (std::size_t i = 0; i < with.cycles.size(); ++i) {
    const CycleRecord &a = with.cycles[i], &b = without.cycles[i];
    EXPECT_EQ(b.verdict->diagnosis.cause, "none") << b.case_name << ": nothing was done to it";
    if (a.verdict->induced == "none") {
      EXPECT_EQ(seen(a), seen(b)) << a.case_name;
    } else {
      ++disturbed;
      EXPECT_NE(seen(a), seen(b)) << a.case_name;
      EXPECT_NE(b.verdict->diagnosis.cause, b.verdict->induced) << b.case_name;
    }
  }
  EXPECT_GE(disturbed, 8);
}

std::string judged_again(const std::string& directory, int& exit_code) {
  testing::internal::CaptureStdout();
  try {
    exit_code = judge_again(directory);
  } catch (const TraceError& e) {
    return testing::internal::GetCapturedStdout() + e.what();
  }
  return testing::internal::GetCapturedStdout();
}

TEST(Campaign, TheTraceAloneGivesTheSameVerdicts) {
  const Folder folder;
  const Ran good = run(folder, "good", demonstration({.campaign = shipped, .cycles = 33}));
  const Ran bad =
      run(folder, "bad", demonstration({.campaign = shipped, .defect = "sells_before_reversal", .cycles = 33}));
  int exit_code = -1;
  EXPECT_THAT(judged_again(folder / "good", exit_code), Not(HasSubstr("judged otherwise")));
  EXPECT_EQ(exit_code, 0);
  EXPECT_THAT(judged_again(folder / "bad", exit_code), Not(HasSubstr("judged otherwise")));
  EXPECT_EQ(exit_code, bad.exit_code);

  // the twin: somebody made a verdict friendlier afterwards
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((folder / "good/run.trace").c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db,
                         "UPDATE cycles SET verdict = replace(verdict, '\"cause\":\"network\"', '\"cause\":\"power\"') "
                         "WHERE cycle = 5",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  ASSERT_EQ(sqlite3_changes(db), 1);
  sqlite3_close(db);
  EXPECT_THAT(judged_again(folder / "good", exit_code), HasSubstr("not what was recorded"));
}

}  // namespace
}  // namespace swiperig
