// Two sales of one card and one amount, and a reversal that does not say which it is about: a host that looks by
// content finds two candidates and must not guess; the rig finds the terminal that left the name out, by its own rule,
// and no terminal that names it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rig/event.hpp"
#include "tests/folder.hpp"
#include "tests/ran.hpp"

namespace swiperig {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;

/// The recovery sale of the first case is one of the second's card and amount, in the same batch.
const char* const twins = R"(schema = 1
name = "twins"

[[case]]
name = "a sale before"
amount = "5.00"
card = "debit"
swipe = "500 mm/s"
cause = "none"
must = ["card_read", "response_left"]
settle = false

[[case]]
name = "its twin in doubt"
amount = "1.00"
card = "debit"
swipe = "500 mm/s"
cause = "network"
must = ["card_read", "response_entered"]
settle = false

[[case.step]]
when = "response_entered"
network = "drop"
)";

const std::string by_content = (project / "fixtures/hosts/x9_19.toml").string();

/// How many candidates the host told.
std::vector<std::string> candidates(const Ran& ran) {
  std::vector<std::string> out;
  for (const CycleRecord& cycle : ran.cycles) {
    for (const Event& e : cycle.events) {
      const auto* m = std::get_if<Milestone>(&e.body);
      if (m != nullptr && m->name == "unmatched") out.emplace_back(field(m->fields, "candidates"));
    }
  }
  return out;
}

TEST(NamelessReversal, OfTwoCandidatesTheHostTakesNoneAndTheTerminalIsFound) {
  const Folder folder;
  const Ran ran =
      run(folder, "r", {.campaign = folder.write("c.toml", twins), .defect = "names_no_original", .host = by_content});
  EXPECT_EQ(ran.exit_code, 1) << ran.said;
  EXPECT_THAT(candidates(ran), Contains("2"));
  ASSERT_THAT(ran.findings, Contains(Key("R_ORIGINAL"))) << ran.said;
  EXPECT_THAT(ran.findings.at("R_ORIGINAL"), testing::ElementsAre("its twin in doubt"));
  const auto& findings = ran.cycles.at(1).verdict->findings;
  const auto found =
      std::find_if(findings.begin(), findings.end(), [](const Finding& f) { return f.rule == "R_ORIGINAL"; });
  EXPECT_THAT(found->what, HasSubstr("names no transaction, and batch 000001 STAN"));
  EXPECT_THAT(found->what, HasSubstr("of 1.00 is in doubt"));
}

TEST(NamelessReversal, ATerminalThatNamesItsOriginalIsNotAccused) {
  const Folder folder;
  const Ran ran = run(folder, "r", {.campaign = folder.write("c.toml", twins), .host = by_content});
  EXPECT_EQ(ran.exit_code, 0) << ran.said;
  EXPECT_THAT(ran.findings, IsEmpty());
  EXPECT_THAT(candidates(ran), IsEmpty());
}

TEST(NamelessReversal, ANumberOfItsOwnIsNoOffenceWhileTheOriginalIsNamed) {
  const Folder folder;
  const std::string advances =
      folder.write("advances.toml", replaced(read_text(project / "fixtures/terminals/fixture.toml"),
                                             "reversal_stan = \"original\"", "reversal_stan = \"advances\""));
  const Ran ran =
      run(folder, "r", {.campaign = folder.write("c.toml", twins), .terminal = advances, .host = by_content});
  EXPECT_EQ(ran.exit_code, 0) << ran.said;
  EXPECT_THAT(ran.findings, Not(Contains(Key("R_ORIGINAL"))));
}

}  // namespace
}  // namespace swiperig
