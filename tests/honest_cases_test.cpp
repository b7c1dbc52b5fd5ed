// Cycles in which a long random run once accused an honest terminal, one by one: each passes now, and what made the
// difference is seen in a twin.
#include <gmock/gmock.h>

#include "tests/ran.hpp"

namespace swiperig {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Honest {
  std::map<std::string, std::set<std::string>> findings;
  std::vector<std::string> told;  ///< how each case ended, as the terminal said; recovery sales are left out
};

Honest of(const std::string& cases, const std::string& terminal) {
  const Folder folder;
  folder.write("honest.toml", "schema = 1\nname = \"honest\"\nrepeat = 1\nepoch_cycles = 10\n" + cases);
  const std::string profile = (project / "fixtures/terminals" / (terminal + ".toml")).string();
  const Ran ran = run(folder, "r", {folder / "honest.toml", "", profile});
  Honest honest{ran.findings, {}};
  for (const CycleRecord& c : ran.cycles) {
    EXPECT_TRUE(c.verdict->outcome == Outcome::pass || c.verdict->outcome == Outcome::fail) << c.verdict->why;
    bool counts = false;
    for (const Event& e : c.events) {
      if (const auto* intent = std::get_if<Intent>(&e.body)) counts = intent->detail == c.case_name;
      const auto* m = std::get_if<Milestone>(&e.body);
      if (counts && m != nullptr && m->name == "told") honest.told.emplace_back(field(m->fields, "outcome"));
    }
  }
  return honest;
}

TEST(HonestCases, ARefusalThatCannotBePutOnRecordIsNotToldAsOne) {
  const std::string cases = R"(
[[case]]
name = "tip refused, storage read-only"
kind = "tip"
amount = "7630.46"
cause = "setup"
must = ["response_left", "told"]
step = [
  { when = "connected", host = "unknown_terminal" },
  { when = "response_entered", part = "storage", state = "read_only", lasts = "17 s" },
]
)";
  const Honest unrecorded = of(cases, "fixture");
  EXPECT_THAT(unrecorded.findings, IsEmpty());
  EXPECT_THAT(unrecorded.told, ElementsAre("QUEUED"));
  const Honest recorded = of(replaced(cases, "\"response_entered\", part", "\"told\", part"), "fixture");
  EXPECT_THAT(recorded.findings, IsEmpty());
  EXPECT_THAT(recorded.told, ElementsAre("DECLINED")) << "the twin";
}

TEST(HonestCases, AnUnsignedAnswerTellsNoTime) {
  const std::string cases = R"(
[[case]]
name = "clock lost, an unsigned answer"
kind = "offline_sale"
amount = "168.47"
card = "debit"
swipe = "1000 mm/s"
cause = "forged"
must = ["response_left", "told"]
step = [
  { when = "start", host = "forged_unsigned" },
  { when = "request_at_host", after = "14 ms", part = "clock", state = "lost" },
]
)";
  EXPECT_THAT(of(cases, "at_once").findings, IsEmpty());
}

TEST(HonestCases, TwoForgeriesDoNotMakeAGenuineAnswer) {
  const std::string cases = R"(
[[case]]
name = "a wrong MAC altered once more"
kind = "offline_sale"
amount = "528.54"
card = "debit"
swipe = "500 mm/s"
cause = "forged"
must = ["response_left", "told"]
step = [
  { when = "start", host = "forged_mac" },
  { when = "response_entered", network = "alter", what = "mac" },
]
)";
  EXPECT_THAT(of(cases, "at_once").findings, IsEmpty());
}

TEST(HonestCases, ARepeatIsAnsweredAsBeforeWhateverTheHostThinksOfTheMerchantNow) {
  const std::string cases = R"(
[[case]]
name = "tip repeated after a hang"
kind = "tip"
amount = "0.23"
cause = "app_hang"
must = ["response_left"]
step = [
  { when = "idle", after = "25 ms", host = "unknown_merchant" },
  { when = "connected", part = "app", state = "hang" },
]
)";
  EXPECT_THAT(of(cases, "store_and_forward").findings, IsEmpty());
  const Honest first =
      of(replaced(cases, "\"idle\", after = \"25 ms\", host", "\"connected\", host"), "store_and_forward");
  EXPECT_THAT(first.findings, IsEmpty());
}

TEST(HonestCases, AKeyMismatchThatIsOverSpoilsNoLaterKey) {
  const std::string cases = R"(
[[case]]
name = "keys differ for a while after the logon's answer"
amount = "79.71"
card = "debit"
swipe = "700 mm/s"
cause = "none"
must = ["told"]
step = [{ when = "logon_response_left", after = "5 ms", part = "keys", state = "mismatch", lasts = "11 s" }]

[[case]]
name = "the next one signs as it should"
kind = "preauth_cancel"
amount = "686.88"
cause = "none"
must = ["told"]
)";
  EXPECT_THAT(of(cases, "store_and_forward").findings, IsEmpty());
}

TEST(HonestCases, AStorageThatTakesNothingEndsTheTriesOfThisOccasion) {
  const std::string cases = R"(
[[case]]
name = "reversal not confirmed, storage read-only"
amount = "242.21"
card = "debit"
swipe = "500 mm/s"
cause = "database"
must = ["storage_failed"]
step = [
  { when = "logon_response_left", after = "163 ms", host = "silent" },
  { when = "connected", nth = 2, part = "storage", state = "read_only" },
]
)";
  EXPECT_THAT(of(cases, "at_once").findings, IsEmpty());
}

TEST(HonestCases, ABatchThatWasNeverAcknowledgedIsSettledWithTheNext) {
  const std::string cases = R"(
[[case]]
name = "settlement refused on the way, register unplugged"
kind = "preauth_cancel"
amount = "980.27"
cause = "none"
must = ["told"]
step = [
  { when = "settlement_entered", after = "10 ms", part = "ecr_link", state = "unplugged" },
  { when = "settlement_response_entered", network = "alter", what = "code" },
]
)";
  EXPECT_THAT(of(cases, "at_once").findings, IsEmpty());
}

TEST(HonestCases, AReportedDoubtThatBothBooksHoldIsInBoth) {
  const std::string cases = R"(
[[case]]
name = "power lost after booking, reversal refused"
amount = "515.06"
card = "debit"
swipe = "500 mm/s"
cause = "power"
must = ["response_left"]
step = [
  { when = "response_entered", after = "14 ms", power = "off" },
  { when = "reversal_entered", after = "4 ms", host = "unknown_merchant" },
]
)";
  EXPECT_THAT(of(cases, "at_once").findings, IsEmpty());
}

TEST(HonestCases, KeysThatWereLoadedAnewMaySellAgainAndSignWrongly) {
  const std::string cases = R"(
[[case]]
name = "keys erased, then others loaded"
amount = "573.72"
card = "debit"
swipe = "500 mm/s"
cause = "setup"
must = ["told"]
step = [
  { when = "start", part = "keys", state = "erased" },
  { when = "start", after = "1.5 s", part = "keys", state = "mismatch", lasts = "12 s" },
]
)";
  EXPECT_THAT(of(cases, "fixture").findings, IsEmpty());
}

TEST(HonestCases, WhatATerminalCannotCheckTellsItNoTime) {
  const std::string sale = R"(
[[case]]
kind = "offline_sale"
amount = "305.26"
card = "debit"
swipe = "500 mm/s"
must = ["told"]
)";
  EXPECT_THAT(of(sale + R"(
name = "other keys"
cause = "setup"
step = [
  { when = "start", part = "keys", state = "mismatch", lasts = "10 s" },
  { when = "request_entered", part = "clock", state = "lost", lasts = "13 s" },
]
)",
                 "fixture")
                  .findings,
              IsEmpty());
  EXPECT_THAT(of(sale + R"(
name = "another terminal's answer"
cause = "forged"
step = [
  { when = "start", after = "24 ms", host = "forged_terminal" },
  { when = "request_at_host", after = "1 ms", part = "clock", state = "lost" },
]
)",
                 "store_and_forward")
                  .findings,
              IsEmpty());
  EXPECT_THAT(of(sale + R"(
name = "keys erased meanwhile"
cause = "setup"
step = [
  { when = "committed", after = "1 ms", part = "keys", state = "erased" },
  { when = "connected", after = "15 ms", host = "wrong_clock" },
]
)",
                 "fixture")
                  .findings,
              IsEmpty());
}

/// Nor does the answer to a request that the path has changed.
TEST(HonestCases, AnAnswerForAnotherAmountTellsNoTime) {
  const std::string cases = R"(
[[case]]
name = "amount changed on the way"
kind = "adjustment"
amount = "756.12"
cause = "forged"
must = ["told"]
step = [
  { when = "response_entered", part = "clock", state = "lost", lasts = "10 s" },
  { when = "request_entered", network = "alter", what = "amount" },
]
)";
  for (const char* terminal : {"fixture", "at_once", "store_and_forward"}) {
    EXPECT_THAT(of(cases, terminal).findings, IsEmpty()) << terminal;
  }
}

TEST(HonestCases, AFalseSecondAnswerBehindTheGenuineOneIsNotWhatWasTaken) {
  const std::string cases = R"(
[[case]]
name = "answered twice, the second changed"
kind = "offline_sale"
amount = "914.49"
card = "credit"
swipe = "700 mm/s"
cause = "none"
must = ["told"]
step = [
  { when = "response_entered", nth = 2, network = "alter", what = "code" },
  { when = "request_entered", host = "duplicated" },
]
)";
  EXPECT_THAT(of(cases, "store_and_forward").findings, IsEmpty());
}

}  // namespace
}  // namespace swiperig
