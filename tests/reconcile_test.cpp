// One history for each rule that breaks exactly that rule, and its honest twin with no finding. A finding says what
// happened to how much of whose money and cites the events that prove it.
#include "rig/reconcile.hpp"

#include "tests/found.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

TEST(Reconcile, AGoodSaleHasNoFindingAndEveryRuleWasChecked) {
  History h = begun();
  h.good_sale(1, 1234);
  h.recover();
  books(h, {History::row(1, 1234, "approved")}, {History::row(1, 1234, "approved")});
  expect_honest(h);
  const Reconciliation r = of(h);
  EXPECT_EQ(r.checked.size(), 31U);
  EXPECT_TRUE(r.not_observable.empty());
  EXPECT_EQ(r.in_doubt, 0ns);
}

TEST(Reconcile, WhatTheBenchCannotSeeIsNotChecked) {
  History h = begun();
  h.good_sale(1, 1234);
  h.recover();
  Scope blind = full_scope();
  blind.sources = {"power", "actuator"};
  blind.books = {};
  const Reconciliation r = reconcile(replay(h.events, blind), blind);
  EXPECT_TRUE(r.checked.empty());
  EXPECT_EQ(r.not_observable.size(), 26U);
  // the twin: a bench that could see it, in a cycle that ended before the books were read
  const Reconciliation early = of(h);
  EXPECT_TRUE(early.not_observable.empty());
  EXPECT_EQ(early.not_reached.front(), "I9");
  EXPECT_EQ(early.not_reached.back(), "I6");
}

TEST(Reconcile, I1DoubleCharge) {
  History h;
  const auto intent = h.intent("sale", 1234);
  h.good_sale(1, 1234);
  h.asked(2, 1234);
  h.answered(2, 1234);
  h.told(2, "APPROVED", 1234);
  History honest = begun();
  honest.good_sale(1, 1234);
  honest.asked(2, 1234);
  honest.answered(2, 1234, "51");
  honest.told(2, "DECLINED", 1234);
  for (History* x : {&h, &honest}) x->recover();
  const Books b = books(h, {History::row(1, 1234, "approved"), History::row(2, 1234, "approved")},
                        {History::row(1, 1234, "approved"), History::row(2, 1234, "approved")});
  expect_only(h, "I1", {intent, b.ledger}, {"24.68", "12.34", "cardholder"});
  books(honest, {History::row(1, 1234, "approved"), History::row(2, 1234, "declined")},
        {History::row(1, 1234, "approved")});
  expect_honest(honest);
}

TEST(Reconcile, I2SilentCharge) {
  const auto told_declined = [](bool charged, Books& b, std::uint64_t& entered) {
    History h = begun();
    h.read_card();
    entered = h.wire("request_entered", 1, 1234);
    h.wire("request_left", 1, 1234);
    h.answered(1, 1234, charged ? "00" : "51");
    h.told(1, "DECLINED", 1234);
    h.recover();
    b = charged ? books(h, {History::row(1, 1234, "approved")}, {History::row(1, 1234, "approved")})
                : books(h, {History::row(1, 1234, "declined")}, {});
    return h;
  };
  Books b{};
  std::uint64_t entered = 0;
  const History h = told_declined(true, b, entered);
  expect_only(h, "I2", {entered, b.journal, b.ledger}, {"charged 12.34", "decline was told", "STAN 000001"});
  expect_honest(told_declined(false, b, entered));
}

TEST(Reconcile, I3FreeGoods) {
  const auto told_approved = [](const char* state, Books& b, std::uint64_t& told) {
    History h = begun();
    h.read_card();
    h.asked(1, 1234);
    h.answered(1, 1234);
    if (*state == 'r') h.reversed(1, 1234);
    told = h.told(1, "APPROVED", 1234);
    h.recover();
    b = books(h, {History::row(1, 1234, "approved")}, {History::row(1, 1234, state)});
    return h;
  };
  Books b{};
  std::uint64_t told = 0;
  const History h = told_approved("reversed", b, told);
  expect_only(h, "I3 I5", {told, b.ledger}, {"12.34", "0.00", "merchant loses"});
  expect_honest(told_approved("approved", b, told));
}

TEST(Reconcile, I4ForeignValues) {
  const auto held = [](std::int64_t minor, Books& b, std::uint64_t& entered) {
    History h;
    h.intent("sale", 1234);
    h.read_card();
    entered = h.wire("request_entered", 1, 1234);
    h.wire("request_left", 1, 1234);
    h.answered(1, 1234);
    h.recover();
    b = books(h, {History::row(1, minor, "approved")}, {History::row(1, minor, "approved")});
    return h;
  };
  Books b{};
  std::uint64_t entered = 0;
  const History less = held(1200, b, entered);
  expect_only(less, "H_BOOKED I5", {entered, b.ledger}, {"12.00", "12.34"});  // and the terminal wrote 12.00, too
  expect_honest(held(1234, b, entered));
  // money for a request that nobody saw
  History phantom = begun();
  phantom.good_sale(1, 1234);
  phantom.recover();
  const Books p = books(phantom, {History::row(1, 1234, "approved"), History::row(7, 500, "approved")},
                        {History::row(1, 1234, "approved"), History::row(7, 500, "approved")});
  expect_only(phantom, "I4", {p.ledger}, {"5.00", "STAN 000007"});
}

TEST(Reconcile, I5BooksDiffer) {
  const auto settled = [](const char* outcome, std::int64_t journal_minor) {
    History h = begun();
    h.good_sale(1, 1234);
    h.recover();
    books(h, {History::row(1, journal_minor, "approved")}, {History::row(1, 1234, "approved")});
    h.intent("settlement", 0);
    h.mark(Source::network, "settlement_entered", {{"batch", "000001"}, {"totals", "0002"}});
    h.mark(Source::network, "settlement_left", {{"batch", "000001"}});
    h.mark(Source::terminal, "settled", {{"outcome", outcome}});
    return h;
  };
  const History differed = settled("DIFFERED", 1234);
  expect_only(differed, "I5", {differed.events.size(), differed.events.size() - 1}, {"totals differ"});
  const History wrong = settled("AGREED", 1200);
  expect_only(wrong, "I5", {wrong.events.size()}, {"13.00", "13.34", "2 sales"});
  expect_honest(settled("AGREED", 1234));
}

TEST(Reconcile, I6ToldReversal) {
  const auto reversed = [](bool asked, Books& b) {
    History h = begun();
    h.read_card();
    h.asked(1, 1234);
    h.answered(1, 1234);
    if (asked) h.reversed(1, 1234);
    h.recover();
    b = books(h, {History::row(1, 1234, "reversed")}, {History::row(1, 1234, asked ? "reversed" : "approved")});
    return h;
  };
  Books b{};
  const History h = reversed(false, b);
  const Reconciliation r = of(h);
  // a charge that the journal shows as reversed is silent, makes the books differ, is a told reversal, and did not
  // survive the restart
  EXPECT_EQ(rules(r), "I9 I2 I5 I6");
  ASSERT_EQ(r.findings.size(), 4U);
  EXPECT_NE(r.findings[3].what.find("12.34"), std::string::npos);
  EXPECT_EQ(r.findings[3].evidence.back(), b.ledger);
  expect_honest(reversed(true, b));
}

TEST(Reconcile, I7KeysAreUnique) {
  const auto second = [](std::int64_t minor, std::uint64_t& again) {
    History h = begun();
    h.read_card();
    h.wire("request_entered", 1, 1234);
    again = h.wire("request_entered", 1, minor);
    h.wire("request_left", 1, minor);
    h.answered(1, minor, "51");
    h.told(1, "DECLINED", minor);
    h.recover();
    books(h, {}, {});
    return h;
  };
  std::uint64_t again = 0;
  const History h = second(4321, again);
  expect_only(h, "I7", {again}, {"STAN 000001"});
  expect_honest(second(1234, again));
}

TEST(Reconcile, I8NothingLeavesWhileADoubtIsOpen) {
  const auto lost_response = [](bool reversal_first, std::uint64_t& entered, std::uint64_t& next) {
    History h = begun();
    h.read_card();
    entered = h.wire("request_entered", 1, 1234);
    h.wire("request_left", 1, 1234);
    h.silence();
    h.intent("recovery sale", 100);
    if (reversal_first) h.reversed(1, 1234);
    h.read_card();
    next = h.wire("request_entered", 9, 100);
    h.wire("request_left", 9, 100);
    h.answered(9, 100);
    h.told(9, "APPROVED", 100);
    if (!reversal_first) h.reversed(1, 1234);
    books(h, {History::row(1, 1234, "reversed")}, {History::row(1, 1234, "reversed")});
    return h;
  };
  std::uint64_t entered = 0, next = 0;
  const History h = lost_response(false, entered, next);
  expect_only(h, "I8", {entered, next}, {"new sale", "STAN 000001"});
  const History honest = lost_response(true, entered, next);
  expect_honest(honest);
  EXPECT_GT(of(honest).in_doubt, 0ns);
  // neither may the settlement
  History settling = begun();
  settling.read_card();
  settling.asked(1, 1234);
  const auto settlement = settling.mark(Source::network, "settlement_entered", {{"batch", "000001"}});
  settling.reversed(1, 1234);
  settling.recover();
  books(settling, {History::row(1, 1234, "reversed")}, {History::row(1, 1234, "reversed")});
  expect_only(settling, "I8", {settlement}, {"settlement"});
}

TEST(Reconcile, I9APendingReversalSurvivesThePowerLoss) {
  const auto cut = [](bool kept, Books& b, std::uint64_t& lost) {
    History h = begun();
    h.read_card();
    h.asked(1, 1234);
    lost = h.rail(0);
    h.silence();
    h.intent("recovery sale", 100);
    h.rail(5000);
    if (kept) h.reversed(1, 1234);
    h.good_sale(9, 100);
    b = kept ? books(h, {History::row(1, 1234, "reversed")}, {History::row(1, 1234, "reversed")}) : books(h, {}, {});
    return h;
  };
  Books b{};
  std::uint64_t lost = 0;
  const History h = cut(false, b, lost);
  expect_only(h, "I9", {lost, b.journal}, {"pending reversal", "STAN 000001"});
  expect_honest(cut(true, b, lost));
  // a booked record neither
  History gone = begun();
  gone.read_card();
  gone.asked(1, 1234);
  gone.answered(1, 1234);
  const auto told = gone.told(1, "APPROVED", 1234);
  gone.recover();
  const Books books_of_gone = books(gone, {}, {History::row(1, 1234, "approved")});
  const Reconciliation r = of(gone);
  EXPECT_EQ(rules(r), "I9 I2 I5");
  EXPECT_EQ(r.findings.front().evidence, (Seqs{told, books_of_gone.journal}));
}

TEST(Reconcile, AReversalThatWasNeverPendingIsNotLostByAPowerCut) {
  const auto restarted = [](bool read, bool pending) {
    History h = begun();
    h.read_card();
    h.asked(1, 1234);
    if (read) h.book("journal", pending ? std::vector<Entry>{History::row(1, 1234, "pending")} : std::vector<Entry>{});
    h.recover();
    books(h, {}, {History::row(1, 1234, "approved")});
    return rules(of(h));
  };
  EXPECT_EQ(restarted(true, true).substr(0, 2), "I9");
  EXPECT_EQ(restarted(false, false).substr(0, 2), "I9");
  const std::string never = restarted(true, false);
  EXPECT_EQ(never.find("I9"), std::string::npos) << never;
  EXPECT_NE(never.find("I10"), std::string::npos) << never;
}

TEST(Reconcile, I10EveryDoubtEnds) {
  const auto tried = [](const char* code, std::uint64_t& entered) {
    History h = begun();
    h.read_card();
    entered = h.wire("request_entered", 1, 1234);
    h.wire("request_left", 1, 1234);
    h.recover();
    h.reversed(1, 1234, code);
    const bool ended = std::string(code) == "00";
    books(h, {History::row(1, 1234, ended ? "reversed" : "pending")},
          {History::row(1, 1234, ended ? "reversed" : "approved")});
    return h;
  };
  std::uint64_t entered = 0;
  const History h = tried("96", entered);
  const Reconciliation r = of(h);
  EXPECT_EQ(rules(r), "I8 I10") << "the recovery sale went ahead of it";
  ASSERT_EQ(r.findings.size(), 2U);
  EXPECT_NE(r.findings[1].what.find("12.34"), std::string::npos) << r.findings[1].what;
  EXPECT_EQ(r.findings[1].evidence.front(), entered);
  EXPECT_EQ(rules(of(tried("00", entered))), "I8") << "the twin: a doubt that ended";
  // the other habit: cleared after the last try, with a report
  const auto cleared = [&](bool reported, int refused = 0, int tries = 3) {
    History given = begun();
    given.read_card();
    given.asked(1, 1234);
    for (int n = 0; n < refused; ++n) given.mark(Source::network, "refused", {{"connection", "9"}});
    for (int n = 0; n < tries; ++n) given.reversed(1, 1234, "96");
    if (reported) given.mark(Source::terminal, "gave_up", {{"batch", "000001"}, {"stan", History::text(1)}});
    given.recover();
    books(given, {}, {History::row(1, 1234, "approved")});
    Scope habit = full_scope();
    habit.keep_reversal_after_last_try = false;
    return reconcile(replay(given.events, habit), habit);
  };
  EXPECT_EQ(rules(cleared(true)), "");
  EXPECT_EQ(rules(cleared(false)), "I8 I2 I5 I10") << "cleared without a word";
  EXPECT_EQ(rules(cleared(true, 2, 1)), "") << "a host that cannot be reached was tried all the same";
  EXPECT_EQ(rules(cleared(true, 1, 1)), "I8 I2 I5 I10") << "cleared too early";
  // nor does it take for ever
  History often = begun();
  often.read_card();
  often.asked(1, 1234);
  for (int n = 0; n < 7; ++n) often.reversed(1, 1234, n < 6 ? "96" : "00");
  often.recover();
  books(often, {History::row(1, 1234, "reversed")}, {});
  expect_only(often, "I10", {}, {"7 reversals"});
}

TEST(Reconcile, AWrongMacIsNotTakenAsAnApproval) {
  const auto answered = [](const char* mac, std::uint64_t& left) {
    History h = begun();
    h.read_card();
    h.asked(1, 1234);
    h.wire("response_entered", 1, 1234, "00", mac);
    left = h.wire("response_left", 1, 1234, "00", mac);
    h.told(1, "APPROVED", 1234);
    h.recover();
    books(h, {History::row(1, 1234, "approved")}, {History::row(1, 1234, "approved")});
    return h;
  };
  std::uint64_t left = 0;
  const History h = answered("wrong", left);
  expect_only(h, "R_MAC", {left}, {"wrong MAC", "12.34"});
  expect_honest(answered("ok", left));
}

TEST(Reconcile, AMisreadIsAnsweredByAPrompt) {
  const auto misread = [](bool hint, std::uint64_t& swiped, std::uint64_t& silence) {
    History h = begun();
    h.mark(Source::terminal, "card_wanted");
    swiped = h.swipe(1800);
    if (hint) {
      h.add(Source::terminal, Text{"screen", "READ ERROR"});
      h.mark(Source::terminal, "read_error");
    }
    silence = h.silence();
    h.recover();
    books(h, {}, {});
    return h;
  };
  std::uint64_t swiped = 0, silence = 0;
  const History h = misread(false, swiped, silence);
  expect_only(h, "R_HINT", {swiped, silence}, {"said nothing", "no money moved"});
  expect_honest(misread(true, swiped, silence));
  // any words will do, also those that no rule maps, and what is said in the recovery does not hide them
  History words = begun();
  words.mark(Source::terminal, "card_wanted");
  words.swipe(1800);
  words.add(Source::terminal, Text{"screen", "TRY AGAIN"});
  words.silence();
  words.recover();
  words.add(Source::terminal, Text{"screen", "READY"});
  books(words, {}, {});
  expect_honest(words);
  // a card that was asked about was read, even if the terminal does not say so
  History quiet = begun();
  quiet.swipe();
  quiet.asked(1, 1234);
  quiet.silence();
  quiet.recover();
  EXPECT_EQ(rules(of(quiet)).find("R_HINT"), std::string::npos);
}

/// An actuator that brings no card shows the terminal nothing: whose card was never read is not held against it.
TEST(Reconcile, ASilenceAccusesOnlyWhereACardWasThere) {
  const auto swiped = [](const char* slot, const char* recovers_with) {
    History h = begun();
    h.mark(Source::terminal, "card_wanted");
    h.add(Source::actuator, Swipe{slot, 500});
    h.swipe();
    h.silence();
    h.intent("recovery sale", 100);
    h.add(Source::actuator, Swipe{recovers_with, 500});
    h.good_sale(9, 100);
    books(h, {}, {});
    return h;
  };
  const auto names = [](const History& h, const Scope& s) {
    const Reconciliation r = reconcile(replay(h.events, s), s);
    const bool accused = std::any_of(r.findings.begin(), r.findings.end(), [](auto& f) { return f.rule == "R_HINT"; });
    const bool open = std::count(r.not_reached.begin(), r.not_reached.end(), "R_HINT") == 1;
    return std::string(accused ? "accused" : open ? "open" : "checked");
  };
  Scope sees_card = full_scope();
  sees_card.sources.insert("card");
  EXPECT_EQ(names(swiped("debit", "debit"), full_scope()), "accused");
  EXPECT_EQ(names(swiped("empty", "debit"), full_scope()), "open") << "nobody knows whether a card lies there";
  EXPECT_EQ(names(swiped("empty", "debit"), sees_card), "accused") << "a sensor between the jaws saw it";
  Case c;
  c.cause = "none";
  const Verdict v = judge(c, full_scope(), swiped("empty", "debit").events);
  EXPECT_EQ(v.outcome, Outcome::inconclusive);
  EXPECT_NE(v.why.find("nothing tells that a card was there"), std::string::npos) << v.why;
  EXPECT_EQ(v.diagnosis.cause, "unknown") << v.diagnosis.why;
  EXPECT_EQ(judge(c, full_scope(), swiped("debit", "debit").events).diagnosis.cause, "app_hang");
}

/// DOMAIN.md 3.5: journal approved, ledger charged, approval told.
TEST(Reconcile, TheEightCells) {
  const struct {
    bool journal, ledger, told;
    const char* broken;
  } cells[] = {{true, true, true, ""},
               {false, false, false, ""},
               {true, true, false, "I2"},
               {false, true, false, "H_DECLINED"},
               {false, true, true, "I9 I2 I5"},
               {true, false, true, "H_BOOKED"},
               {false, false, true, "I9 H_BOOKED I2 I5"},
               {true, false, false, "H_BOOKED I2"}};
  for (const auto& cell : cells) {
    History h = begun();
    h.read_card();
    h.asked(1, 1234);
    h.answered(1, 1234, cell.journal || cell.told ? "00" : "51");
    h.told(1, cell.told ? "APPROVED" : "DECLINED", 1234);
    h.recover();
    std::vector<Entry> journal, ledger;
    if (cell.journal) journal.push_back(History::row(1, 1234, "approved"));
    if (cell.ledger) ledger.push_back(History::row(1, 1234, "approved"));
    books(h, journal, ledger);
    EXPECT_EQ(rules(of(h)), cell.broken) << cell.journal << cell.ledger << cell.told;
  }
  // P15: booked and charged, and nobody was told anything; the sale stands
  History mute = begun();
  mute.read_card();
  mute.asked(1, 1234);
  mute.answered(1, 1234);
  mute.recover();
  books(mute, {History::row(1, 1234, "approved")}, {History::row(1, 1234, "approved")});
  expect_honest(mute);
}

}  // namespace
}  // namespace swiperig
