// What a terminal may take as an answer, and what the books of several cycles say together.
#include <gmock/gmock.h>

#include "tests/found.hpp"

namespace swiperig {
namespace {

TEST(ReconcileBooks, NothingIsApprovedWithoutAResponse) {
  const auto taken = [](bool response, const char* code) {
    History h = begun();
    h.read_card();
    h.asked(1, 1234);
    if (response) h.answered(1, 1234, code);
    h.told(1, "APPROVED", 1234);
    h.recover();
    books(h, {History::row(1, 1234, "approved")}, {History::row(1, 1234, "approved")});
    return rules(of(h));
  };
  EXPECT_EQ(taken(false, ""), "R_ANSWER");
  EXPECT_EQ(taken(true, "51"), "R_ANSWER H_DECLINED I3 I5") << "and the host booked what it declined";
  EXPECT_EQ(taken(true, "00"), "");
}

/// A refund whose answer was lost, and about which the host was asked afterwards.
TEST(ReconcileBooks, WhatTheHostConfirmsWhenAskedIsNoApprovalOutOfNothing) {
  const auto asked_about = [](const char* code, const char* mac) {
    History h;
    h.intent("refund", 1234);
    h.read_card();
    const auto request = [&](int stan, const char* kind, const char* original) {
      for (const char* name : {"request_entered", "request_left"}) {
        h.mark(Source::network, name,
               {{"batch", "000001"},
                {"stan", History::text(stan)},
                {"connection", std::to_string(stan)},
                {"amount", stan == 1 ? History::amount(1234) : ""},
                {"kind", kind},
                {"original", original}});
      }
    };
    request(1, "refund", "000001000004");
    h.told(1, "UNKNOWN", 1234);
    h.intent("afterwards", 0);
    if (*code != '\0') {
      request(2, "status_query", "000001000001");
      h.answered(2, 0, code, mac);
      h.told(2, "APPROVED", 0);
    }
    h.recover();
    Entry refund = History::row(1, 1234, "approved");
    refund.kind = "refund";
    books(h, {refund}, {refund});
    return rules(of(h));
  };
  EXPECT_EQ(asked_about("00", "ok"), "");
  EXPECT_EQ(asked_about("", ""), "R_ANSWER") << "the twin: nobody was asked";
  EXPECT_THAT(asked_about("25", "ok"), testing::HasSubstr("R_ANSWER")) << "nor does a refusal confirm it";
  EXPECT_THAT(asked_about("00", "wrong"), testing::HasSubstr("R_ANSWER")) << "nor an answer that is forged";
}

TEST(ReconcileBooks, AnUnsignedApprovalIsForgedWhereTheHostSigns) {
  const auto taken = [](bool signs) {
    History h = begun();
    h.read_card();
    h.asked(1, 1234);
    h.wire("response_entered", 1, 1234, "00", "absent");
    h.wire("response_left", 1, 1234, "00", "absent");
    h.told(1, "APPROVED", 1234);
    h.recover();
    books(h, {History::row(1, 1234, "approved")}, {History::row(1, 1234, "approved")});
    Scope scope = full_scope();
    scope.mac = signs;
    return rules(reconcile(replay(h.events, scope), scope));
  };
  EXPECT_EQ(taken(true), "R_MAC");
  EXPECT_EQ(taken(false), "");
}

TEST(ReconcileBooks, TwoPostingsOfOneKeyAreTheHosts) {
  const auto posted = [](int times) {
    History h = begun();
    h.good_sale(1, 1234);
    h.recover();
    std::vector<Entry> ledger(static_cast<std::size_t>(times), History::row(1, 1234, "approved"));
    books(h, {History::row(1, 1234, "approved")}, ledger);
    return rules(of(h));
  };
  EXPECT_EQ(posted(2), "H_ONCE");
  EXPECT_EQ(posted(1), "");
}

TEST(ReconcileBooks, WhatEarlierCyclesLeftInTheBooksIsTheirs) {
  const auto with_rest = [](bool known) {
    History h;
    const std::vector<Entry> rest = {History::row(5, 777, "approved")};
    if (known) {
      h.book("journal", rest);
      h.book("ledger", rest);
    }
    h.intent("sale", 1234);
    h.good_sale(1, 1234);
    h.recover();
    books(h, {rest[0], History::row(1, 1234, "approved")}, {rest[0], History::row(1, 1234, "approved")});
    return rules(of(h));
  };
  EXPECT_EQ(with_rest(true), "");
  EXPECT_EQ(with_rest(false), "I4") << "the twin: a row that nobody asked for";
}

TEST(ReconcileBooks, ASettlementSaysWhatTheJournalShowed) {
  const auto settled = [](const char* totals, const char* answer) {
    History h = begun();
    h.good_sale(1, 1234);
    h.recover();
    books(h, {History::row(1, 1234, "approved")}, {History::row(1, 1234, "approved")});
    h.mark(Source::network, "settlement_entered", {{"batch", "000001"}, {"totals", totals}});
    h.mark(Source::network, "settlement_response_left", {{"batch", "000001"}, {"totals", answer}});
    h.mark(Source::terminal, "settled", {{"outcome", "AGREED"}});
    return rules(of(h));
  };
  // the books of these histories have the recovery sale of 1.00 too
  const std::string two = "000000001334002000000000000000" + std::string(32, '0');
  const std::string one = "000000001234001000000000000000" + std::string(32, '0');
  std::string agrees = two, differs = two;
  agrees[30] = agrees[61] = '1';
  differs[30] = '2';
  EXPECT_EQ(settled(two.c_str(), agrees.c_str()), "");
  EXPECT_EQ(settled(one.c_str(), agrees.c_str()), "I5");
  EXPECT_EQ(settled(two.c_str(), differs.c_str()), "I5") << "the host disagreed, and agreement was told";
}

TEST(ReconcileBooks, ABatchThatWasNeverAcknowledgedMayBeSettledWithTheNext) {
  const auto settled = [](const char* batch, const char* totals) {
    History h = begun();
    h.good_sale(1, 1234);
    h.recover();
    books(h, {History::row(1, 1234, "approved")}, {History::row(1, 1234, "approved")});
    std::string differs = std::string(totals) + std::string(32, '0');
    h.mark(Source::network, "settlement_entered", {{"batch", batch}, {"totals", differs}});
    differs[30] = '2';
    h.mark(Source::network, "settlement_response_left", {{"batch", batch}, {"totals", differs}});
    h.mark(Source::terminal, "settled", {{"outcome", "DIFFERED"}});
    return rules(of(h));
  };
  const char *all = "000000001334002000000000000000", *more = "000000001434003000000000000000";
  EXPECT_EQ(settled("000002", all), "") << "all that the journal shows, of the batch before";
  EXPECT_EQ(settled("000002", more), "I5") << "the twin: more than it shows";
  EXPECT_EQ(settled("000001", all), "I5") << "of its own batch the host may not differ";
}

TEST(ReconcileBooks, ABatchThatTheHostHasClosedMayBeGoneThoughNobodyHeardIt) {
  const auto ended = [](const char* function, const char* code) {
    History h = begun();
    h.good_sale(1, 1234);
    h.recover();
    books(h, {History::row(1, 1234, "approved")}, {History::row(1, 1234, "approved")});
    h.mark(Source::network, "upload_entered", {{"batch", "000001"}, {"function", function}, {"connection", "70"}});
    h.mark(Source::network, "upload_response_left", {{"batch", "000001"}, {"code", code}, {"connection", "70"}});
    h.book("journal", {});
    h.book("ledger", {});
    return rules(of(h));
  };
  EXPECT_EQ(ended("202", "00"), "");
  EXPECT_NE(ended("201", "00").find("I9"), std::string::npos) << "only a part of the upload";
  EXPECT_NE(ended("202", "96").find("I9"), std::string::npos) << "the host did not take it";
}

TEST(ReconcileBooks, AnAdviceThatWaitedIsDeliveredBeforeTheTotals) {
  const auto settled = [](bool delivered) {
    History h = begun();
    h.recover();
    h.mark(Source::network, "request_entered",
           {{"batch", "000001"},
            {"stan", "000003"},
            {"connection", "3"},
            {"kind", "offline_sale"},
            {"amount", History::amount(500)},
            {"proc", "000000"},
            {"mac", "ok"}});
    h.wire("request_left", 3, 500);
    Entry row = History::row(3, 500, "queued");
    row.kind = "offline_sale";
    books(h, {row}, {});
    if (delivered) h.answered(3, 500);
    h.mark(Source::network, "settlement_entered",
           {{"batch", "000001"}, {"totals", "000000000600002000000000000000" + std::string(32, '0')}});
    const std::string all = rules(of(h));
    return all.find("I5") != std::string::npos;
  };
  EXPECT_FALSE(settled(true));
  EXPECT_TRUE(settled(false));
}

/// DOMAIN.md 2.9: what was stored is delivered first, or the batch waits.
TEST(ReconcileBooks, ASettlementWaitsForTheAdvices) {
  const auto settled = [](const char* code, bool kept) {
    History h;
    h.intent("offline_sale", 500);
    for (const char* name : {"request_entered", "request_left"}) {
      h.mark(Source::network, name,
             {{"batch", "000001"},
              {"stan", "000003"},
              {"connection", "3"},
              {"kind", "offline_sale"},
              {"amount", History::amount(500)}});
    }
    if (*code != '\0') h.answered(3, 500, code);
    Entry row = History::row(3, 500, kept ? "queued" : "approved");
    row.kind = "offline_sale";
    h.book("journal", {row});
    h.mark(Source::network, "settlement_entered", {{"batch", "000001"}, {"totals", ""}});
    return rules(of(h));
  };
  EXPECT_EQ(settled("", true), "I8");
  EXPECT_EQ(settled("96", true), "I8") << "not now, said the host";
  EXPECT_EQ(settled("00", true), "");
  EXPECT_EQ(settled("51", true), "") << "refused for good";
  EXPECT_EQ(settled("", false), "") << "forgotten before: not the settlement's doing";
}

}  // namespace
}  // namespace swiperig
