// The habits of a terminal in doubt, each an honest one: when it reverses, how often, under which number, on which
// line.
#include "tests/terminal_rig.hpp"

namespace swiperig::terminal_rig {
namespace {

TerminalSettings with(ReversalHabit habit) {
  TerminalSettings s = test_settings();
  s.profile.reversal_habit = habit;
  return s;
}

TEST(TerminalHabit, EachHasItsMomentForTheReversal) {
  struct Expected {
    ReversalHabit habit;
    Texts at_result, after_a_while, after_next_sale;
  };
  const Texts asked = {"0800", "0200"}, reversed = {"0800", "0200", "0400"}, sold = {"0800", "0200", "0400", "0200"};
  for (const Expected& e : {Expected{ReversalHabit::before_next_sale, asked, asked, sold},
                            Expected{ReversalHabit::at_once, reversed, reversed, sold},
                            Expected{ReversalHabit::store_and_forward, asked, reversed, sold}}) {
    TestRig rig(with(e.habit));
    rig.run([](TestRig& r, Expected expected) -> Task<> {
      r.peer.twist = once("0200", 1, lose);
      co_await r.boot();
      const std::string result = co_await r.sale("5 1 0 0");
      EXPECT_EQ(result, "R|SALE|000042|000002|UNKNOWN||5100");
      EXPECT_EQ(r.peer.mtis(), expected.at_result);
      co_await r.clock.sleep_for(seconds(5));
      EXPECT_EQ(r.peer.mtis(), expected.after_a_while);
      co_await r.sale("1");
      EXPECT_EQ(r.peer.mtis(), expected.after_next_sale);
      EXPECT_EQ(r.peer.charged.size(), 1U);
    }(rig, e));
  }
}

TEST(TerminalHabit, InTheBackgroundAReversalGivesWay) {
  TerminalSettings settings = with(ReversalHabit::store_and_forward);
  settings.profile.reversal_tries = 0;
  settings.profile.answer_timeout = seconds(4);
  TestRig rig(settings);
  rig.run([](TestRig& r) -> Task<> {
    r.peer.twist = [](const Message& request, int nth, Peer::Reply& reply) {
      if (request.mti() == "0200" ? nth == 1 : request.mti() == "0400" && nth <= 3) lose(reply);
    };
    co_await r.boot();
    co_await r.sale("5 1 0 0");
    co_await r.clock.sleep_for(seconds(8));
    EXPECT_EQ(r.peer.all("0400").size(), 2U) << "tried without end";
    const std::string next = co_await r.sale("1");
    EXPECT_EQ(next, "R|SALE|000042|000003|APPROVED|00|1");
    EXPECT_EQ(r.peer.all("0400").size(), 4U) << "and again for the sale that waits";
  }(rig));
}

TEST(TerminalHabit, ClearedAndReportedOnlyAfterItsTries) {
  for (const int tries : {1, 2}) {
    TerminalSettings settings = with(ReversalHabit::at_once);
    settings.profile.reversal_tries = tries;
    settings.profile.keep_reversal_after_last_try = false;
    TestRig rig(settings);
    rig.run([](TestRig& r, int most) -> Task<> {
      r.peer.twist = [](const Message& request, int nth, Peer::Reply& reply) {
        if (request.mti() == "0400" || (request.mti() == "0200" && nth == 1)) lose(reply);
      };
      co_await r.boot();
      co_await r.sale("5 1 0 0");
      co_await r.clock.sleep_for(seconds(200));
      EXPECT_EQ(r.peer.all("0400").size(), static_cast<std::size_t>(most));
      EXPECT_EQ(r.reg.count("P|REVERSAL NOT CONFIRMED BATCH 000042 TRACE 000002"), 1);
      const Texts journal = co_await r.reg.journal();
      EXPECT_EQ(journal, Texts{});
    }(rig, tries));
  }
}

TEST(TerminalHabit, ATryThatDidNotLeaveIsNone) {
  TerminalSettings settings = with(ReversalHabit::before_next_sale);
  settings.profile.reversal_tries = 1;
  settings.profile.keep_reversal_after_last_try = false;
  TestRig rig(settings);
  rig.run([](TestRig& r) -> Task<> {
    r.peer.twist = once("0200", 1, lose);
    co_await r.boot();
    co_await r.sale("5 1 0 0");
    r.listener->close();
    const std::string next = co_await r.sale("1");
    EXPECT_NE(next.find("FAILED"), next.npos) << next;
    const Texts journal = co_await r.reg.journal();
    EXPECT_EQ(journal, Texts{"000042|000002|sale|5100|pending"});
  }(rig));
}

TEST(TerminalHabit, AReversalMayTakeANumberOfItsOwn) {
  TerminalSettings settings = with(ReversalHabit::at_once);
  settings.profile.reversal_takes_stan = true;
  settings.profile.secrets_in_reversal = true;
  TestRig rig(settings);
  rig.run([](TestRig& r) -> Task<> {
    r.peer.twist = once("0200", 1, lose);
    r.peer.reversal_code = "00";
    co_await r.boot();
    co_await r.sale("5 1 0 0");
    const auto reversals = r.peer.all("0400");
    EXPECT_EQ(reversals.size(), 1U);
    if (reversals.size() != 1) co_return;
    EXPECT_EQ(text_field(reversals[0], 11), "000003");
    EXPECT_EQ(text_field(reversals[0], 61), "000042000002");
    EXPECT_TRUE(reversals[0]->message.has(35)) << "this profile allows it";
    const Texts journal = co_await r.reg.journal();
    EXPECT_EQ(journal, Texts{});
  }(rig));
}

TEST(TerminalHabit, CodesOfAHostThatTimedOutMayLeaveTheDoubt) {
  for (const bool reverses : {false, true}) {
    TerminalSettings settings = with(ReversalHabit::at_once);
    settings.profile.reverses_host_timeouts = reverses;
    TestRig rig(settings);
    rig.run([](TestRig& r, bool doubtful) -> Task<> {
      r.peer.sale_code = "68";
      co_await r.boot();
      const std::string result = co_await r.sale("1");
      EXPECT_NE(result.find(doubtful ? "UNKNOWN" : "DECLINED|68"), result.npos) << result;
      EXPECT_EQ(r.peer.all("0400").size(), doubtful ? 1U : 0U);
    }(rig, reverses));
  }
}

TEST(TerminalHabit, ALineThatStaysOpenIsDroppedAfterSilence) {
  TerminalSettings settings = with(ReversalHabit::at_once);
  settings.profile.keeps_connection = true;
  TestRig rig(settings);
  rig.run([](TestRig& r) -> Task<> {
    co_await r.boot();
    co_await r.sale("1");
    co_await r.sale("2");
    EXPECT_EQ(r.peer.mtis(), (Texts{"0800", "0200", "0200"}));
    EXPECT_EQ(r.peer.ends, Texts{}) << "one connection for all";
    r.peer.twist = once("0200", 3, lose);
    co_await r.sale("3");
    EXPECT_EQ(r.peer.ends, Texts{"fin"}) << "nothing late may be heard on it";
    co_await r.sale("4");
    EXPECT_EQ(r.peer.ends.size(), 1U);
    EXPECT_EQ(r.peer.charged.size(), 3U);
    co_await r.power_cycle();
    const std::string after = co_await r.sale("5");
    EXPECT_NE(after.find("APPROVED"), after.npos);
    EXPECT_EQ(r.peer.ends, (Texts{"fin", "reset"}));
  }(rig));
}

}  // namespace
}  // namespace swiperig::terminal_rig
