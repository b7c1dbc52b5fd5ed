#include "reports/consequences.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

Case lost() {
  Case c;
  c.name = "response lost";
  c.amount_minor = 1234;
  c.card = "debit";
  c.steps = {{"card_wanted", 1, 0ns, Swipe{"debit"}},
             {"response_entered", 1, 0ns, NetworkFault{NetworkFault::drop, {}}}};
  return c;
}

/// A response lost on its way, the sale in this state in the books in the end; told at 10 s, sold again at 30 s.
CycleRecord record(const std::string& journal, const std::string& ledger, bool sold_again = true) {
  CycleRecord c;
  c.case_name = "response lost";
  c.begun = Time(100s);
  const auto add = [&](Duration at, Source source, Body body) {
    Event e;
    e.seq = 1 + c.events.size();
    e.at = c.begun + at;
    e.source = source;
    e.body = std::move(body);
    c.events.push_back(std::move(e));
  };
  const auto rows = [](const std::string& state) {
    return state.empty() ? std::vector<Entry>() : std::vector<Entry>{{"000001", "000012", "sale", 1234, state}};
  };
  const Fields message = {{"mti", "0200"}, {"stan", "000012"}, {"batch", "000001"}, {"amount", "000000001234"}};
  Fields answer = message, told = {{"stan", "000012"}, {"batch", "000001"}, {"outcome", "UNKNOWN"}, {"amount", "1234"}};
  answer.insert(answer.end(), {{"code", "00"}, {"mac", "ok"}});
  add(0ms, Source::rig, Intent{"sale", 1234, "response lost"});        // 1
  add(100ms, Source::rig, Fired{0, true, "swipe"});                    // 2
  add(310ms, Source::network, Milestone{"request_entered", message});  // 3
  add(320ms, Source::network, Milestone{"response_entered", answer});  // 4
  add(320ms, Source::rig, Fired{1, true, "drop the message"});         // 5
  add(10s, Source::terminal, Milestone{"told", told});                 // 6
  add(10s, Source::rig, Intent{"recovery sale", 100, ""});             // 7
  if (sold_again) {
    told = {{"stan", "000013"}, {"batch", "000001"}, {"outcome", "APPROVED"}, {"amount", "100"}};
    add(30s, Source::terminal, Milestone{"told", told});  // 8
  }
  add(31s, Source::terminal, BookRead{"journal", rows(journal)});
  add(31s, Source::host, BookRead{"ledger", rows(ledger)});
  c.verdict.emplace();
  c.verdict->outcome = Outcome::pass;
  c.verdict->why = "money and books agree";
  c.verdict->in_doubt = 20s;
  c.verdict->diagnosis = {"network", "the response never left", {}, {3, 4}};
  return c;
}

TEST(Consequences, MoneyThatWasPutBackBalances) {
  const Money money = money_of({}, record("", "reversed"));
  EXPECT_TRUE(money.balanced);
  EXPECT_EQ(money.sentence, "no money was taken: told UNKNOWN 12.34, journal nothing, ledger reversed 12.34");
}

TEST(Consequences, MoneyBehindABrokenRuleDoesNot) {
  CycleRecord c = record("", "approved");
  c.verdict->findings = {{"I2", "cardholder charged 12.34, the terminal's journal has nothing", {5}}};
  const Money money = money_of({}, c);
  EXPECT_FALSE(money.balanced);
  EXPECT_THAT(money.sentence,
              StartsWith("cardholder charged 12.34, the terminal's journal has nothing; 12.34 was taken "
                         "from the cardholder: told UNKNOWN 12.34, journal nothing"));
}

TEST(Consequences, NorMoneyInDoubtOrBooksThatNobodyRead) {
  EXPECT_FALSE(money_of({}, record("pending", "approved")).balanced);
  CycleRecord unread = record("", "reversed");
  unread.events.pop_back();
  EXPECT_FALSE(money_of({}, unread).balanced);
  EXPECT_THAT(money_of({}, unread).sentence, HasSubstr("the host's ledger was not read"));
  CycleRecord cut_short = record("", "reversed");
  cut_short.verdict.reset();
  EXPECT_FALSE(money_of({}, cut_short).balanced);
}

TEST(Consequences, RecoveryIsFromTheDisturbanceToTheNextSaleAndTheEndOfDoubt) {
  EXPECT_EQ(recovery_of(lost(), record("", "reversed")), Duration(30s - 320ms));
  Case undisturbed = lost();
  undisturbed.steps.pop_back();
  EXPECT_EQ(recovery_of(undisturbed, record("", "reversed")), Duration(30s));
  CycleRecord doubted = record("", "reversed");
  doubted.verdict->in_doubt = 50s;
  EXPECT_EQ(recovery_of(lost(), doubted), Duration(50s));
  EXPECT_EQ(recovery_of(lost(), record("", "reversed", false)), std::nullopt);
}

std::vector<std::uint64_t> numbers(const std::vector<const Event*>& events) {
  std::vector<std::uint64_t> seqs;
  for (const Event* e : events) seqs.push_back(e->seq);
  return seqs;
}

TEST(Consequences, WhatIsCitedDecidesAndThenWhatWasDoneAndTold) {
  CycleRecord c = record("", "approved");
  EXPECT_THAT(numbers(decisive(lost(), c)), ElementsAre(3, 4, 5, 6, 10));
  c.verdict->findings = {{"I2", "charged", {9, 10}}};
  EXPECT_THAT(numbers(decisive(lost(), c)), ElementsAre(3, 4, 5, 9, 10));
  EXPECT_THAT(numbers(decisive(lost(), c, 2)), ElementsAre(9, 10)) << "findings come first";
}

TEST(Consequences, TextBeginsWithMoneyAndHidesWhatADeviceSaid) {
  CycleRecord c = record("", "reversed");
  c.case_name = "bad\x1b[2J";
  const std::string text = failure_text(lost(), {}, c, "more");
  EXPECT_THAT(text, StartsWith("bad\\x1B[2J: no money was taken"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 8);
  EXPECT_THAT(text, HasSubstr("\n  the rest: more"));
}

}  // namespace
}  // namespace swiperig
