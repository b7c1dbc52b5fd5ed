// What the path did, and what came too late to count, is not the terminal's doing.
#include "rig/diagnose.hpp"
#include "tests/found.hpp"

namespace swiperig {
namespace {

TEST(ReconcilePath, ASecondAnswerCountsOnlyWhereTheFirstDidNotAndItReachesTheTerminal) {
  const auto sold = [](const char* first_mac, bool delivered, const char* code, const char* mac) {
    History h = begun();
    h.read_card();
    h.asked(1, 1234);
    h.wire("response_entered", 1, 1234, "00", first_mac);
    h.wire("response_left", 1, 1234, "00", first_mac);
    h.wire("response_entered", 1, 1234, code, mac);
    if (delivered) h.wire("response_left", 1, 1234, code, mac);
    h.told(1, "APPROVED", 1234);
    h.recover();
    books(h, {History::row(1, 1234, "approved")}, {History::row(1, 1234, "approved")});
    return rules(of(h));
  };
  for (const bool delivered : {false, true}) {
    EXPECT_EQ(sold("ok", delivered, "90", "ok"), "") << "the terminal has hung up on the first";
    EXPECT_EQ(sold("ok", delivered, "00", "wrong"), "");
  }
  EXPECT_EQ(sold("wrong", false, "00", "ok"), "R_MAC") << "the twins: it had nothing better";
  EXPECT_EQ(sold("wrong", true, "00", "ok"), "");
  EXPECT_EQ(sold("wrong", true, "90", "ok"), "R_ANSWER");
  EXPECT_EQ(sold("wrong", true, "00", "wrong"), "R_MAC");
}

TEST(ReconcilePath, ALateSecondAnswerMakesTheHostNoSlowerThanItWas) {
  const auto cause = [](Duration after, bool first) {
    History h = begun();
    h.read_card();
    h.asked(1, 1234);
    if (first) h.answered(1, 1234);
    if (first) h.told(1, "APPROVED", 1234);
    h.wait(after);
    h.wire("response_entered", 1, 1234);
    return diagnose(observed(h.events), full_scope()).cause;
  };
  EXPECT_EQ(cause(std::chrono::seconds(15), true), "none");
  EXPECT_EQ(cause(std::chrono::seconds(15), false), "host_slow");
}

TEST(ReconcilePath, AStoredAdviceBelongsToWhoeverWantedIt) {
  const auto sent = [](std::int64_t wanted_minor) {
    History h;
    h.intent("offline_sale", wanted_minor);
    h.read_card();
    h.intent("recovery sale", 100);
    h.rail(0);
    h.rail(5000);
    h.mark(Source::network, "request_entered",
           {{"batch", "000001"},
            {"stan", "000003"},
            {"connection", "3"},
            {"kind", "offline_sale"},
            {"amount", History::amount(500)},
            {"proc", "000000"},
            {"mac", "ok"}});
    h.wire("request_left", 3, 500);
    h.answered(3, 500);
    h.good_sale(9, 100);
    Entry row = History::row(3, 500, "approved");
    row.kind = "offline_sale";
    books(h, {row}, {row});
    return rules(of(h));
  };
  EXPECT_EQ(sent(500), "");
  EXPECT_EQ(sent(700), "I1") << "the twin: nobody wanted it, and it is charged beside the sale";
}

/// A settlement that the host accepts and the terminal hears something else of; then a second one.
std::string settled(const char* host_says, const char* terminal_hears, bool journal_says_so) {
  const std::string totals = "000000001334002000000000000000" + std::string(32, '0');
  std::string agreed = totals;
  agreed[30] = agreed[61] = '1';
  History h = begun();
  h.good_sale(1, 1234);
  h.recover();
  const std::vector<Entry> rows = {History::row(1, 1234, "approved"), History::row(9, 100, "approved")};
  h.book("journal", rows);
  h.book("ledger", rows);
  h.mark(Source::network, "settlement_entered", {{"batch", "000001"}, {"totals", totals}});
  h.mark(Source::network, "settlement_response_entered",
         {{"batch", "000001"}, {"totals", agreed}, {"code", host_says}});
  h.mark(Source::network, "settlement_response_left",
         {{"batch", "000001"}, {"totals", agreed}, {"code", terminal_hears}});
  h.mark(Source::terminal, "settled", {{"batch", "000001"}, {"outcome", "FAILED"}});
  h.book("journal", journal_says_so ? rows : std::vector<Entry>{});
  h.book("ledger", {});
  h.mark(Source::network, "settlement_entered", {{"batch", "000002"}, {"totals", totals}});
  h.mark(Source::terminal, "settled", {{"batch", "000002"}, {"outcome", "DIFFERED"}});
  return rules(of(h));
}

TEST(ReconcilePath, WhatTheHostClosedAloneIsGoneFromItsBookRightly) {
  EXPECT_EQ(settled("00", "05", true), "");
  EXPECT_NE(settled("05", "05", true).find("I3"), std::string::npos) << "the twin: the host closed nothing";
  EXPECT_NE(settled("00", "05", false).find("I9"), std::string::npos) << "the terminal had no right to let it go";
}

TEST(ReconcilePath, AReversalReportedAsGivenUpIsNotLostWithThePower) {
  const auto cut = [](bool reported, bool may) {
    History h = begun();
    h.read_card();
    h.asked(1, 1234);
    h.told(1, "UNKNOWN", 1234);
    h.mark(Source::network, "refused");
    h.mark(Source::network, "refused");
    if (reported) h.mark(Source::terminal, "gave_up", {{"batch", "000001"}, {"stan", "000001"}});
    h.recover();
    books(h, {}, {History::row(1, 1234, "approved")});
    Scope scope = full_scope();
    scope.reversal_tries = 2;
    scope.keep_reversal_after_last_try = !may;
    return rules(reconcile(replay(h.events, scope), scope));
  };
  EXPECT_EQ(cut(true, true), "");
  EXPECT_NE(cut(false, true).find("I9"), std::string::npos);
  EXPECT_NE(cut(true, false).find("I9"), std::string::npos) << "this profile keeps it";
}

TEST(ReconcilePath, WhatWasSettledBeforeAnybodyReadItIsNotGone) {
  const auto settled = [](bool closed) {
    History h = begun();
    h.good_sale(1, 1234);
    h.mark(Source::network, "upload_entered", {{"batch", "000001"}, {"function", "202"}, {"connection", "70"}});
    h.mark(Source::network, "upload_response_left",
           {{"batch", "000001"}, {"code", closed ? "00" : "96"}, {"connection", "70"}});
    h.intent("recovery sale", 100);
    h.book("journal", {});
    h.book("ledger", {});
    return rules(of(h));
  };
  EXPECT_EQ(settled(true), "");
  EXPECT_NE(settled(false).find("I9"), std::string::npos);
  EXPECT_NE(settled(false).find("H_BOOKED"), std::string::npos) << "nor had the host a reason to let it go";
}

TEST(ReconcilePath, APrinterThatFailsAfterTheReversalIsNotWhyItWasMade) {
  const auto reversed = [](bool before) {
    History h = begun();
    h.read_card();
    h.asked(1, 1234);
    h.answered(1, 1234);
    if (before) h.mark(Source::terminal, "printer_failed");
    h.reversed(1, 1234);
    if (!before) h.mark(Source::terminal, "printer_failed");
    h.recover();
    books(h, {History::row(1, 1234, "reversed")}, {History::row(1, 1234, "reversed")});
    return rules(of(h));
  };
  EXPECT_EQ(reversed(false), "");
  EXPECT_EQ(reversed(true), "R_STANDS");
}

TEST(ReconcilePath, WhereNothingIsSignedNoMacIsChecked) {
  const auto checked = [](bool signs) {
    History h = begun();
    h.good_sale(1, 1234);
    Scope scope = full_scope();
    scope.mac = signs;
    const auto rules_checked = reconcile(replay(h.events, scope), scope).checked;
    return std::find(rules_checked.begin(), rules_checked.end(), "R_MAC") != rules_checked.end();
  };
  EXPECT_TRUE(checked(true));
  EXPECT_FALSE(checked(false));
}

TEST(ReconcilePath, TheAnswerToARequestThatThePathChangedIsItsAnswer) {
  const auto declined = [](bool answered) {
    History h = begun();
    h.read_card();
    h.wire("request_entered", 1, 1234);
    Fields changed = {{"batch", "000011"}, {"stan", History::text(1)},
                      {"connection", "1"}, {"amount", History::amount(1234)},
                      {"proc", "000000"},  {"mac", "wrong"}};
    h.mark(Source::network, "request_left", changed);
    changed.back().second = "ok";
    changed.emplace_back("code", "A0");
    if (answered) h.mark(Source::network, "response_entered", changed);
    if (answered) h.mark(Source::network, "response_left", changed);
    h.told(1, "DECLINED", 1234);
    h.recover();
    books(h, {}, {});
    return rules(of(h));
  };
  EXPECT_EQ(declined(true), "");
  EXPECT_EQ(declined(false), "I9") << "the twin: without an answer it is in doubt";
}

}  // namespace
}  // namespace swiperig
