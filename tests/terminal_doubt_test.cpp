// What the simulated terminal does when answers are lost, wrong or late, and how a batch in doubt is closed.
#include "tests/terminal_rig.hpp"

namespace swiperig::terminal_rig {
namespace {

TEST(TerminalDoubt, NoResponseIsReversedAfterAPowerLossBeforeTheNextSale) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    r.peer.twist = once("0200", 1, lose);
    co_await r.boot();
    const std::string result = co_await r.sale("5 1 0 0");
    EXPECT_EQ(result, "R|SALE|000042|000002|UNKNOWN||5100");
    EXPECT_EQ(r.reg.count("S|NO RESPONSE"), 1);
    EXPECT_EQ(r.peer.ends.back(), "fin");
    EXPECT_EQ(r.peer.charged.size(), 1U);
    co_await r.power_cycle();
    Texts journal = co_await r.reg.journal();
    EXPECT_EQ(journal, Texts{"000042|000002|sale|5100|pending"});
    const std::string next = co_await r.sale("1");
    EXPECT_EQ(next, "R|SALE|000042|000003|APPROVED|00|1");
    EXPECT_EQ(r.peer.mtis(), (Texts{"0800", "0200", "0400", "0200"}));
    if (r.peer.heard.size() != 4) co_return;
    const auto* original = &r.peer.heard[1];
    const auto* reversal = &r.peer.heard[2];
    for (const int same : {3, 4, 11, 22, 25, 41, 42, 49}) {
      EXPECT_EQ(text_field(reversal, same), text_field(original, same));
    }
    EXPECT_EQ(text_field(reversal, 39), "98");
    EXPECT_EQ(text_field(reversal, 61), "000042000002");
    EXPECT_TRUE(reversal->mac_right);
    for (const int secret : {35, 36, 52}) EXPECT_FALSE(reversal->message.has(secret));
    EXPECT_FALSE(r.peer.charged.contains("000002"));
    journal = co_await r.reg.journal();
    EXPECT_EQ(journal, Texts{"000042|000003|sale|1|approved"});
  }(rig));
}

TEST(TerminalDoubt, AResponseAfterTheTimeoutIsNeverAccepted) {
  for (const auto& [late, outcome] : {std::pair{seconds(59), "APPROVED"}, std::pair{seconds(61), "UNKNOWN"}}) {
    TestRig rig;
    rig.run([](TestRig& r, Duration after, std::string expected) -> Task<> {
      r.peer.twist = once("0200", 1, [after](Peer::Reply& reply) { reply.after = after; });
      co_await r.boot();
      const std::string result = co_await r.sale("1");
      EXPECT_NE(result.find(expected), result.npos) << result;
      co_await r.clock.sleep_for(seconds(10));
      const Texts journal = co_await r.reg.journal();
      EXPECT_EQ(journal.size(), 1U);
      EXPECT_EQ(journal[0].ends_with("pending"), expected == "UNKNOWN");
    }(rig, late, outcome));
  }
}

TEST(TerminalDoubt, AForeignTraceNumberIsPassedOver) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    r.peer.twist = [&r](const Message& request, int, Peer::Reply& reply) {
      if (request.mti() != "0200") return;
      Message other = request;
      other.set(11, "000777");
      r.peer.sale_code = "51";
      Bytes both = r.peer.answer_to(other);
      r.peer.sale_code = "00";
      both.insert(both.end(), reply.bytes.begin(), reply.bytes.end());
      reply.bytes = both;
    };
    co_await r.boot();
    const std::string result = co_await r.sale("1");
    EXPECT_EQ(result, "R|SALE|000042|000002|APPROVED|00|1");
  }(rig));
}

/// Sells with the twisted answer, sells again, and returns field 39 of the reversal in between.
std::string reason_after(TerminalSettings settings, std::function<void(Peer&)> arrange) {
  TestRig rig(std::move(settings));
  std::string reason = "no reversal";
  rig.run([](TestRig& r, std::function<void(Peer&)> set_up, std::string& out) -> Task<> {
    set_up(r.peer);
    co_await r.boot();
    const std::string first = co_await r.sale("1");
    EXPECT_NE(first.find("UNKNOWN"), first.npos) << first;
    r.peer.edit = nullptr;
    const std::string second = co_await r.sale("2");
    EXPECT_NE(second.find("APPROVED"), second.npos) << second;
    const auto reversals = r.peer.all("0400");
    EXPECT_EQ(reversals.size(), 1U);
    if (reversals.size() == 1) out = text_field(reversals[0], 39);
    EXPECT_EQ(r.peer.charged.size(), 1U);
  }(rig, std::move(arrange), reason));
  return reason;
}

TEST(TerminalDoubt, TheReasonSaysWhatCameBack) {
  const auto twist = [](std::function<void(Peer::Reply&)> change) {
    return [change](Peer& p) { p.twist = once("0200", 1, change); };
  };
  const auto edit = [](int number, std::string value) {
    return [=](Peer& p) {
      p.edit = [=](Message& a) {
        if (a.mti() == "0210" && number != 0) a.set(number, value);
        if (a.mti() == "0210" && number == 0) a.set_mti(value);
      };
    };
  };
  EXPECT_EQ(reason_after(test_settings(), twist(lose)), "98");
  EXPECT_EQ(reason_after(test_settings(), twist([](Peer::Reply& r) { r.bytes.clear(), r.then_fin = true; })), "98");
  EXPECT_EQ(reason_after(test_settings(), twist([](Peer::Reply& r) { r.bytes.resize(40); })), "06");
  EXPECT_EQ(reason_after(test_settings(), twist([](Peer::Reply& r) { r.bytes.resize(40), r.then_fin = true; })), "06");
  EXPECT_EQ(reason_after(test_settings(), twist([](Peer::Reply& r) { r.bytes.assign(60, 0xFF); })), "06");
  EXPECT_EQ(reason_after(test_settings(), twist([](Peer::Reply& r) { r.bytes[20] ^= 0x80; })), "06");
  EXPECT_EQ(reason_after(test_settings(), edit(0, "0230")), "06");
  EXPECT_EQ(reason_after(test_settings(), edit(4, "000000000002")), "06");
  EXPECT_EQ(reason_after(test_settings(), edit(41, "99900002")), "06");
  EXPECT_EQ(reason_after(test_settings(), edit(11, "000777")), "06");
  EXPECT_EQ(reason_after(test_settings(), edit(39, "10")), "06");
  EXPECT_EQ(reason_after(test_settings(), twist(spoil_mac)), "A0");
}

TEST(TerminalDoubt, AReversalThatCannotFinishStopsTheSale) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    r.peer.twist = once("0200", 1, lose);
    r.peer.reversal_code = "96";
    co_await r.boot();
    co_await r.sale("1");
    std::string result = co_await r.sale("2");
    EXPECT_EQ(result, "R|SALE|000042|000003|FAILED||2");
    EXPECT_EQ(r.reg.count("S|REVERSAL PENDING"), 1);
    EXPECT_EQ(r.peer.all("0400").size(), 3U);
    result = co_await r.settle();
    EXPECT_EQ(result, "R|SETTLE|000042|FAILED|0|0");
    for (const char* done : {"00", "12", "25"}) {
      r.peer.reversal_code = done;
      result = co_await r.sale("2");
      EXPECT_NE(result.find("APPROVED"), result.npos) << done;
      r.peer.twist = once("0200", static_cast<int>(r.peer.all("0200").size()) + 1, lose);
      co_await r.sale("3");
    }
  }(rig));
}

TEST(TerminalDoubt, AReversalAnswerWithoutItsMacEndsNothing) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    r.peer.twist = [](const Message& request, int nth, Peer::Reply& reply) {
      if (request.mti() == "0200" && nth == 1) lose(reply);
      if (request.mti() == "0400" && nth == 1) spoil_mac(reply);
    };
    co_await r.boot();
    co_await r.sale("1");
    co_await r.sale("2");
    EXPECT_EQ(r.peer.mtis(), (Texts{"0800", "0200", "0400", "0400", "0200"}));
  }(rig));
}

TEST(TerminalDoubt, TheOtherHabitClearsAfterTheLastTryAndReports) {
  TerminalSettings settings = test_settings();
  settings.profile.keep_reversal_after_last_try = false;
  TestRig rig(settings);
  rig.run([](TestRig& r) -> Task<> {
    r.peer.twist = once("0200", 1, lose);
    r.peer.reversal_code = "96";
    co_await r.boot();
    co_await r.sale("1");
    const std::string result = co_await r.sale("2");
    EXPECT_NE(result.find("APPROVED"), result.npos);
    EXPECT_EQ(r.reg.count("P|REVERSAL NOT CONFIRMED BATCH 000042 TRACE 000002 AMOUNT 0.01"), 1);
    EXPECT_EQ(r.peer.all("0400").size(), 3U);
  }(rig));
}

TEST(TerminalDoubt, OnlyTheHostsAnswerToTheEndMessageLetsTheJournalGo) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    r.peer.twist = once("0320", 1, lose);
    co_await r.boot();
    co_await r.sale("5");
    std::string result = co_await r.settle();
    EXPECT_EQ(result, "R|SETTLE|000042|FAILED|1|5");
    Texts journal = co_await r.reg.journal();
    EXPECT_EQ(journal.size(), 1U);
    r.peer.edit = [](Message& a) {
      if (a.mti() == "0330") a.set(39, "96");
    };
    result = co_await r.sale("6");  // not into a batch that the host may have closed
    EXPECT_EQ(result, "R|SALE|000042|000006|FAILED||6");
    EXPECT_EQ(r.reg.count("S|SETTLEMENT PENDING"), 1);
    r.peer.edit = nullptr;
    r.peer.batch = "000043";
    co_await r.power_cycle();
    result = co_await r.sale("6");
    EXPECT_EQ(result, "R|SALE|000043|000009|APPROVED|00|6");
    EXPECT_EQ(r.reg.count("R|SETTLE|000042|AGREED|1|5"), 1);
    EXPECT_EQ(r.peer.mtis(), (Texts{"0800", "0200", "0500", "0320", "0320", "0320", "0800", "0200"}));
  }(rig));
}

TEST(TerminalDoubt, ALostComparisonIsMadeAgainBeforeAnythingIsSold) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    r.peer.twist = once("0500", 1, lose);
    co_await r.boot();
    co_await r.sale("5");
    std::string result = co_await r.settle();
    EXPECT_EQ(result, "R|SETTLE|000042|FAILED|1|5");
    r.peer.batch = "000043";  // this host closed the batch when it compared
    result = co_await r.sale("6");
    EXPECT_EQ(result, "R|SALE|000043|000007|APPROVED|00|6");
    EXPECT_EQ(r.peer.mtis(), (Texts{"0800", "0200", "0500", "0500", "0320", "0800", "0200"}));
  }(rig));
}

TEST(TerminalDoubt, AHostThatWasNeverReachedHasComparedNothing) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    co_await r.boot();
    co_await r.sale("5");
    r.listener->close();
    std::string result = co_await r.settle();
    EXPECT_EQ(result, "R|SETTLE|000042|FAILED|1|5");
    r.listener->reopen();
    Crew again(r.clock);
    again.start(r.peer.run());
    result = co_await r.sale("6");
    r.listener->close();
    co_await again.join();
    EXPECT_EQ(result, "R|SALE|000042|000004|APPROVED|00|6");
    EXPECT_EQ(r.peer.mtis(), (Texts{"0800", "0200", "0200"}));
  }(rig));
}

TEST(TerminalDoubt, BooksThatDifferAfterAllAreComparedAnew) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    r.peer.edit = [&r](Message& a) {
      if (a.mti() == "0330" && r.peer.all("0320").size() == 1) a.set(39, "95");
    };
    co_await r.boot();
    co_await r.sale("5");
    std::string result = co_await r.settle();
    EXPECT_EQ(result, "R|SETTLE|000042|FAILED|1|5");
    r.peer.charged["999999"] = 1;
    result = co_await r.settle();
    EXPECT_EQ(result, "R|SETTLE|000042|DIFFERED|1|5");
    EXPECT_EQ(r.peer.mtis(), (Texts{"0800", "0200", "0500", "0320", "0500", "0320", "0320"}));
  }(rig));
}

}  // namespace
}  // namespace swiperig::terminal_rig
