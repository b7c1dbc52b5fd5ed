// The campaign about parts, judged: an honest terminal passes every case and each part is told from the others without
// looking at what was done to it; a terminal with a planted defect is found by that defect's own rule.
#include <gmock/gmock.h>

#include "rig/trace_file.hpp"
#include "tests/program.hpp"

namespace swiperig {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;

const std::string shipped = (project / "fixtures/campaigns/parts.toml").string();

struct Ran {
  Said said;
  std::vector<CycleRecord> cycles;
  std::map<std::string, std::set<std::string>> findings;  ///< rule to cases
};

Ran run(const std::string& defect, std::uint64_t seed = 1, int cycles = 0, int threads = 2) {
  const Folder folder;
  std::vector<std::string> words = {
      "run", shipped, "--out", "d", "--seed", std::to_string(seed), "--threads", std::to_string(threads)};
  if (cycles != 0) words.insert(words.end(), {"--cycles", std::to_string(cycles)});
  if (!defect.empty()) words.insert(words.end(), {"--defect", defect});
  Ran ran;
  ran.said = swiperig(folder, words);
  const TraceReader trace(folder / "d/run.trace");
  trace.for_each([&](const CycleRecord& c) {
    ran.cycles.push_back(c);
    for (const Finding& f : c.verdict->findings) ran.findings[f.rule].insert(c.case_name);
  });
  return ran;
}

TEST(PartsCampaign, EveryPartIsToldApartAndTheMoneyIsSafe) {
  const Ran ran = run("", 3, 99);
  EXPECT_EQ(ran.said.exit_code, 0) << ran.said.out << ran.said.err;
  EXPECT_EQ(ran.cycles.size(), 99u);
  EXPECT_THAT(ran.findings, IsEmpty());
  for (const CycleRecord& c : ran.cycles) {
    EXPECT_EQ(c.verdict->outcome, Outcome::pass) << c.case_name << ": " << c.verdict->why;
    EXPECT_EQ(c.verdict->diagnosis.cause, c.verdict->induced) << c.case_name << ": " << c.verdict->diagnosis.why;
    EXPECT_FALSE(c.verdict->diagnosis.evidence.empty() && c.verdict->induced != "none") << c.case_name;
  }
}

struct Defect {
  const char *name, *rule;
  friend void PrintTo(const Defect& d, std::ostream* out) { *out << d.name; }
};
const std::vector<Defect> defects = {
#define DEFECT(name, rule, text)
#define PART_DEFECT(name, rule, text) {#name, #rule},
#include "fixtures/defects.def"
#undef PART_DEFECT
#undef DEFECT
};
class PartsCampaignDefect : public testing::TestWithParam<Defect> {};

TEST_P(PartsCampaignDefect, IsFoundByItsOwnRule) {
  const Ran ran = run(GetParam().name);
  EXPECT_EQ(ran.said.exit_code, 1) << ran.said.out << ran.said.err;
  EXPECT_THAT(ran.findings, Contains(Key(std::string(GetParam().rule))));
  // what a defect costs is money, and money has rules of its own
  const std::set<std::string> money = {"I1", "I2", "I3", "I5", "I6"};
  for (const auto& [rule, cases] : ran.findings) {
    EXPECT_TRUE(rule == GetParam().rule || money.contains(rule)) << rule << " in " << *cases.begin();
  }
  for (const CycleRecord& c : ran.cycles) {
    EXPECT_NE(c.verdict->outcome, Outcome::error) << c.case_name << ": " << c.verdict->why;
    for (const Finding& f : c.verdict->findings) EXPECT_FALSE(f.evidence.empty()) << f.rule;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeded, PartsCampaignDefect, testing::ValuesIn(defects),
                         [](const testing::TestParamInfo<Defect>& one) { return std::string(one.param.name); });

TEST(PartsCampaign, ABenchThatCannotReachThePartsRefusesThemBeforeAnythingMoves) {
  const Folder folder;
  std::string bench = read_text((project / "fixtures/benches/virtual.toml").string());
  const auto from = bench.find("[parts]"), to = bench.find("[stand_in]");
  ASSERT_LT(from, to);
  bench.erase(from, to - from);
  for (const char* name : {"terminals", "hosts"}) {
    std::filesystem::create_directory_symlink(project / "fixtures" / name, std::filesystem::path(folder / name));
  }
  std::filesystem::create_directory(folder / "benches");
  folder.write("benches/sealed.toml", bench);
  const Said sealed = swiperig(folder, {"run", shipped, "--bench", "benches/sealed.toml", "--out", "d"});
  EXPECT_EQ(sealed.exit_code, 2);
  EXPECT_THAT(sealed.err, HasSubstr("nothing there puts the terminal's parts into a state"));
  EXPECT_FALSE(std::filesystem::exists(folder / "d"));
  const std::string good = (project / "fixtures/campaigns/no_return.toml").string();
  EXPECT_EQ(swiperig(folder, {"plan", good, "--bench", "benches/sealed.toml"}).exit_code, 0);
}

}  // namespace
}  // namespace swiperig
