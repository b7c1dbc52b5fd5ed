// No vacuous pass: a case counts only when its steps fired, its milestones were seen, the terminal recovered and the
// books were read; and what the rig itself broke is never held against the terminal.
#include "rig/verdict.hpp"

#include <gtest/gtest.h>

#include "tests/history.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

Case lost_response() {
  Case c;
  c.name = "response lost";
  c.amount_minor = 1234;
  c.card = "debit";
  c.cause = "network";
  c.must = {"card_read", "response_entered"};
  c.steps.push_back({"card_wanted", 1, 0ns, Swipe{"debit", 500, false}});
  c.steps.push_back({"response_entered", 1, 0ns, NetworkFault{NetworkFault::drop, 0ns}});
  c.settle = false;
  return c;
}

/// What to leave out of, or to add to, an honest terminal's lost response.
struct Twist {
  bool card_read = true, response = true, fired = true, recovery = true, journal = true, ledger = true,
       silent_charge = false;
  std::string recovery_outcome = "APPROVED", fault = "";
  bool missed_first = false;
};

History history(const Twist& t = {}) {
  History h;
  h.intent("sale", 1234);
  h.mark(Source::terminal, "card_wanted");
  h.swipe();
  h.add(Source::rig, Fired{0, true, "swipe"});
  if (t.card_read) h.mark(Source::terminal, "card_read");
  h.asked(1, 1234);
  if (t.response) h.wire("response_entered", 1, 1234, "00");
  if (t.missed_first) h.add(Source::network, Fired{1, false, "the message was let go"});
  if (t.fired) h.add(Source::network, Fired{1, true, "drop the message"});
  h.gave_up(1);
  h.silence();
  if (!t.fault.empty()) h.add(Source::rig, EquipmentFault{t.fault});
  if (!t.recovery) return h;
  h.intent("recovery sale", 100);
  h.rail(0);
  h.rail(5000);
  h.reversed(1, 1234);
  h.read_card();
  h.asked(9, 100);
  const bool approved = t.recovery_outcome == "APPROVED";
  h.answered(9, 100, approved ? "00" : "96");
  h.told(9, t.recovery_outcome.c_str(), 100);
  std::vector<Entry> journal = {History::row(1, 1234, "reversed")}, ledger = journal;
  if (t.silent_charge) ledger = {History::row(1, 1234, "approved")};
  if (approved) {
    journal.push_back(History::row(9, 100, "approved"));
    ledger.push_back(History::row(9, 100, "approved"));
  }
  if (t.journal) h.book("journal", journal);
  if (t.ledger) h.book("ledger", ledger);
  return h;
}

Verdict of(const Twist& t, const Case& c = lost_response()) { return judge(c, full_scope(), history(t).events); }

// a measurement has two answers and no fault; without one it is neither
TEST(Verdict, ACaseThatMeasuresSaysWhetherItsMilestoneWasSeen) {
  EXPECT_FALSE(of({}).measured);
  Case c = lost_response();
  c.measure = {"card_read", "forward", "speed", "500 mm/s"};
  c.must = {"card_wanted"};
  const Verdict read = of({}, c);
  EXPECT_EQ(read.outcome, Outcome::pass) << read.why;
  EXPECT_EQ(read.measured, true);
  Twist misread;
  misread.card_read = false;
  const Verdict not_read = of(misread, c);  // the card_read of the recovery sale does not count
  EXPECT_EQ(not_read.outcome, Outcome::pass) << not_read.why;
  EXPECT_EQ(not_read.measured, false);
  EXPECT_EQ(parse_verdict(to_json(read)).measured, true);
  EXPECT_EQ(parse_verdict(to_json(not_read)).measured, false);
  EXPECT_FALSE(parse_verdict(to_json(of({}))).measured);
}

void expect_inconclusive(const Twist& t, const char* why, const Case& c = lost_response()) {
  const Verdict v = of(t, c);
  EXPECT_EQ(v.outcome, Outcome::inconclusive) << v.why;
  EXPECT_NE(v.why.find(why), std::string::npos) << v.why;
}

TEST(Verdict, AnHonestTerminalPasses) {
  const Verdict v = of({});
  EXPECT_EQ(v.outcome, Outcome::pass) << v.why;
  EXPECT_EQ(v.diagnosis.cause, "network");
  EXPECT_EQ(v.induced, "network");
  EXPECT_TRUE(v.no_return) << "the sale was neither approved nor declined";
  EXPECT_GT(v.in_doubt, 0ns);
  EXPECT_TRUE(v.findings.empty());
}

TEST(Verdict, WhatProvesNothingIsInconclusive) {
  expect_inconclusive({.card_read = false}, "must see card_read");
  expect_inconclusive({.response = false}, "must see response_entered");
  expect_inconclusive({.fired = false}, "step 2 never fired");
  expect_inconclusive({.recovery = false}, "before the recovery sale");
  expect_inconclusive({.journal = false}, "journal was not read");
  expect_inconclusive({.ledger = false}, "ledger was not read");
  expect_inconclusive({.recovery_outcome = "DECLINED"}, "recovery sale was not approved");
  Case settling = lost_response();
  settling.settle = true;
  expect_inconclusive({}, "settlement did not end", settling);
  Case more = lost_response();
  more.must.push_back("silence");
  EXPECT_EQ(of({}, more).outcome, Outcome::pass);
  more.must.push_back("committed");
  expect_inconclusive({}, "must see committed", more);
}

TEST(Verdict, AMilestoneOfTheRecoveryIsNotOneOfTheCase) {
  Case c = lost_response();
  c.must = {"response_left"};  // the recovery sale had one, the case did not
  expect_inconclusive({}, "must see response_left", c);
}

TEST(Verdict, AStepThatCameTooLateDidNotCome) {
  expect_inconclusive({.fired = false, .missed_first = true}, "let go");
  // done in the end, after the held message had been let go
  expect_inconclusive({.missed_first = true}, "let go");
}

TEST(Verdict, AFindingFailsEvenAnIncompleteCase) {
  Twist t{.silent_charge = true};
  EXPECT_EQ(of(t).outcome, Outcome::fail);
  EXPECT_NE(of(t).why.find("12.34"), std::string::npos) << of(t).why;
  t.fired = false;
  EXPECT_EQ(of(t).outcome, Outcome::fail) << "money was lost, whatever the step did";
  t.silent_charge = false;
  EXPECT_EQ(of(t).outcome, Outcome::inconclusive);
}

TEST(Verdict, WhatTheRigBrokeIsAnErrorWithoutFindings) {
  const Verdict v = of({.silent_charge = true, .fault = "the supply does not answer"});
  EXPECT_EQ(v.outcome, Outcome::error);
  EXPECT_EQ(v.why, "the supply does not answer");
  EXPECT_TRUE(v.findings.empty());
  EXPECT_EQ(v.diagnosis.cause, "rig_fault");
}

TEST(Verdict, ABenchWithoutALedgerMayPass) {
  Scope scope = full_scope();
  scope.books = {"journal"};
  const Verdict v = judge(lost_response(), scope, history({.ledger = false}).events);
  EXPECT_EQ(v.outcome, Outcome::pass) << v.why;
  EXPECT_TRUE(std::find(v.not_observable.begin(), v.not_observable.end(), "I1") != v.not_observable.end());
}

TEST(Verdict, OutcomesAreOrdered) {
  EXPECT_LT(Outcome::pass, Outcome::inconclusive);
  EXPECT_LT(Outcome::inconclusive, Outcome::fail);
  EXPECT_LT(Outcome::fail, Outcome::error);
  for (const auto o : {Outcome::pass, Outcome::inconclusive, Outcome::fail, Outcome::error})
    EXPECT_EQ(parse_outcome(to_string(o)), o);
  EXPECT_THROW(parse_outcome("passed"), std::runtime_error);
}

TEST(Verdict, JudgingTwiceSaysTheSame) {
  for (const Twist& t : {Twist{}, Twist{.silent_charge = true}, Twist{.fired = false}})
    EXPECT_EQ(to_json(of(t)), to_json(of(t)));
  EXPECT_NE(to_json(of({})), to_json(of({.silent_charge = true})));
}

TEST(VerdictJson, ComesBackAndRefusesWhatItIsNot) {
  const Verdict v = of({.silent_charge = true});
  const std::string json = to_json(v);
  EXPECT_EQ(to_json(parse_verdict(json)), json);
  EXPECT_EQ(to_json(parse_scope(to_json(full_scope()))), to_json(full_scope()));
  Case c = lost_response();
  c.steps.push_back({"told", 2, 3ms, Supply{false}});
  c.steps.push_back({"start", 1, 0ns, HostBehaviour{"decline", 5s, "61"}});
  c.steps.push_back({"start", 1, 0ns, Press{"1 2 OK"}});
  c.steps.push_back({"request_left", 1, 0ns, NetworkFault{NetworkFault::outage, 4s}});
  EXPECT_EQ(to_json(parse_case(to_json(c))), to_json(c));
  const auto refusal = [](const std::string& text) {
    try {
      parse_verdict(text);
    } catch (const std::runtime_error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  for (const char* member : {"outcome", "findings", "diagnosis", "in_doubt_ns", "no_return"}) {
    std::string other = json;
    other[other.find("\"" + std::string(member) + "\"") + 1] = 'X';
    EXPECT_NE(refusal(other).find(member), std::string::npos) << refusal(other);
  }
  EXPECT_NE(refusal(""), "");
  EXPECT_NE(refusal("[]"), "");
  EXPECT_EQ(refusal(json), "");
}

}  // namespace
}  // namespace swiperig
