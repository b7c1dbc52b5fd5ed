// What a cycle's events say, folded: attempts join by batch and STAN, and marks are the events that prove them.
#include "rig/transaction.hpp"

#include <gtest/gtest.h>

#include "tests/history.hpp"

namespace swiperig {
namespace {

const Scope scope = full_scope();

TEST(Transaction, AGoodSaleIsOneAttemptWithAllItsMarks) {
  History h;
  h.intent("sale", 1234);
  h.good_sale(1, 1234);
  const auto journal = h.book("journal", {History::row(1, 1234, "approved")});
  h.book("ledger", {History::row(1, 1234, "approved")});
  const Transaction t = replay(h.events, scope);
  ASSERT_EQ(t.attempts.size(), 1U);
  const Attempt& a = t.attempts[0];
  EXPECT_EQ(a.batch + "/" + a.stan, "000001/000001");
  EXPECT_EQ(a.intent, 0);
  EXPECT_EQ(a.amount_minor, 1234);
  EXPECT_LT(a.entered.seq, a.left.seq);
  EXPECT_LT(a.left.seq, a.response_entered.seq);
  EXPECT_LT(a.response_entered.seq, a.response_left.seq);
  EXPECT_LT(a.response_left.seq, a.told.seq);
  EXPECT_EQ(a.code, "00");
  EXPECT_EQ(a.told_outcome, "APPROVED");
  EXPECT_EQ(a.journal, "approved");
  EXPECT_EQ(a.ledger_amount_minor, 1234);
  EXPECT_EQ(t.books.at("journal").seq, journal);
  EXPECT_TRUE(t.card_read);
  EXPECT_FALSE(t.silence);
  EXPECT_FALSE(t.recovery);
  EXPECT_TRUE(t.power_lost.empty());
}

TEST(Transaction, NothingIsSeenThatWasNot) {
  const Transaction t = replay({}, scope);
  EXPECT_TRUE(t.attempts.empty());
  EXPECT_TRUE(t.intents.empty());
  EXPECT_FALSE(t.card_read || t.silence || t.fault || t.swiped);
}

TEST(Transaction, AttemptsBelongToTheIntentDuringWhichTheyWereAsked) {
  History h;
  h.intent("sale", 1234);
  h.asked(1, 1234);
  h.recover();
  const Transaction t = replay(h.events, scope);
  ASSERT_EQ(t.attempts.size(), 2U);
  EXPECT_EQ(t.attempts[0].intent, 0);
  EXPECT_EQ(t.attempts[1].intent, 1);
  EXPECT_TRUE(t.recovery);
  EXPECT_EQ(t.intents[1].amount_minor, 100);
}

TEST(Transaction, AResponseOfAnotherBatchIsAnotherAttempt) {
  History h;
  h.intent("sale", 1234);
  h.asked(1, 1234);
  h.mark(Source::network, "response_entered", {{"batch", "000002"}, {"stan", "000001"}, {"code", "00"}});
  EXPECT_FALSE(replay(h.events, scope).attempts[0].response_entered);
  h.wire("response_entered", 1, 1234, "00");
  EXPECT_TRUE(replay(h.events, scope).attempts[0].response_entered);
}

TEST(Transaction, ATerminalThatDoesNotSayItsBatchMeansItsLastAttemptOfThatNumber) {
  History h;
  h.intent("sale", 1234);
  h.asked(1, 1234);
  h.mark(Source::terminal, "told", {{"stan", "000001"}, {"outcome", "DECLINED"}});
  const Transaction t = replay(h.events, scope);
  ASSERT_EQ(t.attempts.size(), 1U);
  EXPECT_EQ(t.attempts[0].told_outcome, "DECLINED");
  // nobody's number, and another batch that it does say: attempts of which nothing else is known
  h.mark(Source::terminal, "told", {{"stan", "000009"}, {"outcome", "DECLINED"}});
  h.mark(Source::terminal, "told", {{"batch", "000002"}, {"stan", "000001"}, {"outcome", "APPROVED"}});
  const Transaction more = replay(h.events, scope);
  ASSERT_EQ(more.attempts.size(), 3U);
  EXPECT_EQ(more.attempts[0].told_outcome, "DECLINED");
  EXPECT_EQ(more.attempts[2].batch, "000002");
}

TEST(Transaction, AReversalEndsByTheCodesThatEndIt) {
  for (const auto& [code, ends, undoes] :
       {std::tuple{"00", true, true}, {"25", true, false}, {"12", true, false}, {"96", false, false}}) {
    History h;
    h.intent("sale", 1234);
    h.asked(1, 1234);
    h.book("ledger", {History::row(1, 1234, "approved")});
    h.reversed(1, 1234, code);
    const Transaction t = replay(h.events, scope);
    EXPECT_EQ(bool(t.attempts[0].reversal_ended), ends) << code;
    EXPECT_EQ(t.attempts[0].ledger, undoes ? "reversed" : "approved") << code << ": only 00 says that money went back";
    EXPECT_EQ(t.attempts[0].reversals, 1);
  }
}

TEST(Transaction, PowerIsLostAtTheBrownoutLevelAndBelowOnly) {
  History h;
  h.rail(3301);
  EXPECT_TRUE(replay(h.events, scope).power_lost.empty());
  const auto seq = h.rail(3300);  // millivolts are rounded
  ASSERT_EQ(replay(h.events, scope).power_lost.size(), 1U);
  EXPECT_EQ(replay(h.events, scope).power_lost[0].seq, seq);
}

TEST(Transaction, TheSwipeOfTheRecoveryIsNotTheOneOfTheCase) {
  History h;
  h.intent("sale", 1234);
  const auto seq = h.swipe(1800);
  h.recover();
  const Transaction t = replay(h.events, scope);
  EXPECT_EQ(t.swiped.seq, seq);
  EXPECT_EQ(t.swipe->speed_mm_s, 1800);
  EXPECT_FALSE(t.card_read);
}

TEST(Transaction, ARepeatIsNoReuseOfAKeyButAnotherAmountIs) {
  History h;
  h.intent("sale", 1234);
  h.asked(1, 1234);
  h.asked(1, 1234);
  EXPECT_FALSE(replay(h.events, scope).attempts[0].reused_key);
  const auto seq = h.wire("request_entered", 1, 1235);
  const Transaction t = replay(h.events, scope);
  EXPECT_TRUE(t.attempts[0].reused_key);
  EXPECT_EQ(t.attempts[0].reused_seq, seq);
}

TEST(Transaction, APendingRowDoesNotHideTheRecordBesideIt) {
  const auto journal_of = [](std::vector<Entry> rows) {
    History h;
    h.intent("sale", 1234);
    h.asked(1, 1234);
    h.book("journal", std::move(rows));
    return replay(h.events, scope).attempts[0].journal;
  };
  EXPECT_EQ(journal_of({History::row(1, 1234, "approved"), History::row(1, 1234, "pending")}), "approved");
  EXPECT_EQ(journal_of({History::row(1, 1234, "pending"), History::row(1, 1234, "approved")}), "approved");
  EXPECT_EQ(journal_of({History::row(1, 1234, "pending")}), "pending");
  EXPECT_EQ(journal_of({History::row(2, 1234, "approved")}), "");
}

}  // namespace
}  // namespace swiperig
