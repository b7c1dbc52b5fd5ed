// What the simulated terminal does when the power goes at any moment, and with each seeded defect beside its honest
// twin.
#include "tests/terminal_rig.hpp"

namespace swiperig::terminal_rig {
namespace {

TEST(TerminalPowerCut, TheConnectionIsLeftAloneAndResetAtTheNextStart) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    r.peer.twist = once("0200", 1, lose);
    co_await r.boot();
    co_await r.present("1");
    co_await r.clock.wait(r.peer.sale_answered, never);
    r.cut();
    const std::size_t ends = r.peer.ends.size();
    co_await r.clock.sleep_for(seconds(300));
    EXPECT_EQ(r.peer.ends.size(), ends);
    EXPECT_EQ(r.reg.count("R|SALE"), 0);
    co_await r.boot();
    EXPECT_EQ(r.peer.ends.size(), ends + 1);
    EXPECT_EQ(r.peer.ends.back(), "reset");
  }(rig));
}

/// Cuts the power `ms` after the response, starts again, sells and settles; says how the first sale ended.
std::string ending_of_cut_after(std::int64_t ms, std::set<std::string> defects = {}) {
  TestRig rig(test_settings(std::move(defects)));
  std::string ending;
  rig.run([](TestRig& r, std::int64_t offset, std::string& out) -> Task<> {
    co_await r.boot();
    co_await r.present("5 1 0 0");
    co_await r.clock.wait(r.peer.sale_answered, never);
    co_await r.clock.sleep_for(milliseconds(offset));
    r.cut();
    co_await r.clock.sleep_for(seconds(1));
    co_await r.boot();
    const int told = r.reg.count("R|SALE|000042|000002|APPROVED");
    Texts journal = co_await r.reg.journal();
    std::string rows;
    for (const auto& row : journal) rows += row.substr(row.rfind('|') + 1) + " ";
    const std::string second = co_await r.sale("1");
    EXPECT_NE(second.find("|APPROVED|"), second.npos) << offset;
    const bool booked = rows.find("approved") != rows.npos;
    const bool reversed = !r.peer.all("0400").empty();
    const bool charged = r.peer.charged.contains("000002");
    journal = co_await r.reg.journal();
    const bool standing = std::count(journal.begin(), journal.end(), "000042|000002|sale|5100|approved") == 1;
    EXPECT_EQ(charged, standing) << offset;
    EXPECT_EQ(charged, !reversed) << offset;
    if (told > 0) {
      EXPECT_TRUE(standing) << offset;
    }
    if (reversed) {
      EXPECT_EQ(text_field(r.peer.all("0400")[0], 39) == "96", booked) << offset;
    }
    const std::string settled = co_await r.settle();
    EXPECT_NE(settled.find("AGREED"), settled.npos) << offset;
    out = rows + (reversed ? "reversed" : "kept") + (told > 0 ? " told" : "");
  }(rig, ms, ending));
  return ending;
}

TEST(TerminalPowerCut, AtEveryMillisecondAfterTheResponseTheSaleIsBookedOrReversedNeverNeither) {
  std::map<std::string, int> endings;
  for (std::int64_t ms = 0; ms <= 60; ++ms) ++endings[ending_of_cut_after(ms)];
  // before it is booked; booked with the flag still on; booked and cleared; told as well
  EXPECT_EQ(endings.size(), 4U);
  EXPECT_GT(endings["pending reversed"], 15);
  EXPECT_GT(endings["approved pending reversed"], 4);
  EXPECT_GT(endings["approved kept"], 15);
  EXPECT_GT(endings["approved kept told"], 8);
}

TEST(TerminalPowerCut, WhileArmingNoNumberIsEverUsedTwice) {
  for (std::int64_t ms = 0; ms <= 120; ms += 1) {
    TestRig rig;
    rig.run([](TestRig& r, std::int64_t offset) -> Task<> {
      co_await r.boot();
      co_await r.present("1");
      co_await r.clock.sleep_for(milliseconds(offset));
      r.cut();
      co_await r.clock.sleep_for(seconds(1));
      co_await r.boot();
      const std::string result = co_await r.sale("2");
      EXPECT_NE(result.find("APPROVED"), result.npos) << offset;
      std::map<std::string, int> uses;
      for (const auto& heard : r.peer.heard) {
        if (heard.message.mti() != "0400") ++uses[text_field(&heard, 11)];
      }
      for (const auto& [stan, n] : uses) EXPECT_EQ(n, 1) << stan << " at " << offset;
      const Texts journal = co_await r.reg.journal();
      EXPECT_EQ(r.peer.charged.size(),
                static_cast<std::size_t>(std::count_if(journal.begin(), journal.end(),
                                                       [](const auto& row) { return row.ends_with("approved"); })))
          << offset;
    }(rig, ms));
  }
}

TEST(TerminalPowerCut, InsideASettlementItGoesOnWhereItStopped) {
  for (const bool differs : {false, true}) {
    int cut_short = 0;
    for (std::int64_t ms = 0; ms <= 180; ms += 3) {
      TestRig rig;
      rig.run([](TestRig& r, bool one_more, std::int64_t offset, int& unfinished) -> Task<> {
        co_await r.boot();
        co_await r.sale("5");
        co_await r.sale("6");
        if (one_more) r.peer.charged["999999"] = 1;
        r.keys("F2 OK");
        co_await r.clock.sleep_for(milliseconds(offset));
        r.cut();
        co_await r.clock.sleep_for(seconds(1));
        co_await r.boot();
        const Texts journal = co_await r.reg.journal();
        bool confirmed = false;
        for (const auto* heard : r.peer.all("0320")) {
          const std::string code = text_field(heard, 60);
          confirmed = confirmed || code.ends_with("202") || code.ends_with("207");
        }
        EXPECT_EQ(journal.size(), journal.empty() ? 0U : 2U) << offset;
        if (journal.empty()) {
          EXPECT_TRUE(confirmed) << offset;
        }
        if (journal.empty()) co_return;
        ++unfinished;
        const std::size_t totals_asked = r.peer.all("0500").size();
        const std::size_t messages = r.peer.all("0320").size();
        const std::string result = co_await r.settle();
        EXPECT_EQ(result, one_more ? "R|SETTLE|000042|DIFFERED|2|11" : "R|SETTLE|000042|AGREED|2|11") << offset;
        // once the host has compared, it is not asked again
        if (messages > 0) {
          EXPECT_EQ(r.peer.all("0500").size(), totals_asked) << offset;
        }
        const Texts after = co_await r.reg.journal();
        EXPECT_TRUE(after.empty()) << offset;
      }(rig, differs, ms, cut_short));
    }
    EXPECT_GT(cut_short, 15);
  }
}

TEST(TerminalDefect, ForgetsTheReversalOnlyAfterAPowerLoss) {
  for (const bool defective : {false, true}) {
    std::set<std::string> defects;
    if (defective) defects.insert("forgets_reversal_after_power_loss");
    TestRig rig(test_settings(defects));
    rig.run([](TestRig& r, bool forgets) -> Task<> {
      r.peer.twist = [](const Message& request, int nth, Peer::Reply& reply) {
        if (request.mti() == "0200" && nth != 2) lose(reply);
      };
      co_await r.boot();
      co_await r.sale("1");
      co_await r.sale("2");
      EXPECT_EQ(r.peer.all("0400").size(), 1U);  // without a power loss it remembers
      co_await r.sale("3");
      co_await r.power_cycle();
      const Texts journal = co_await r.reg.journal();
      EXPECT_EQ(journal.size(), forgets ? 1U : 2U);
      co_await r.sale("4");
      EXPECT_EQ(r.peer.all("0400").size(), forgets ? 1U : 2U);
      EXPECT_EQ(r.peer.charged.contains("000004"), forgets);
    }(rig, defective));
  }
}

TEST(TerminalDefect, SellsBeforeTheReversalAndStillOwesIt) {
  for (const bool defective : {false, true}) {
    std::set<std::string> defects;
    if (defective) defects.insert("sells_before_reversal");
    TestRig rig(test_settings(defects));
    rig.run([](TestRig& r, bool eager) -> Task<> {
      r.peer.twist = once("0200", 1, lose);
      co_await r.boot();
      co_await r.sale("1");
      const std::string result = co_await r.sale("2");
      EXPECT_NE(result.find("APPROVED"), result.npos);
      const std::string settled = co_await r.settle();
      EXPECT_EQ(settled, "R|SETTLE|000042|AGREED|1|2");
      const Texts honest = {"0800", "0200", "0400", "0200", "0500", "0320"};
      const Texts wrong = {"0800", "0200", "0200", "0400", "0500", "0320"};
      EXPECT_EQ(r.peer.mtis(), eager ? wrong : honest);
    }(rig, defective));
  }
}

TEST(TerminalDefect, AcceptsAnApprovalWithAWrongMac) {
  for (const bool defective : {false, true}) {
    std::set<std::string> defects;
    if (defective) defects.insert("accepts_wrong_mac");
    TestRig rig(test_settings(defects));
    rig.run([](TestRig& r, bool gullible) -> Task<> {
      r.peer.twist = once("0200", 1, spoil_mac);
      co_await r.boot();
      const std::string result = co_await r.sale("1");
      EXPECT_NE(result.find(gullible ? "APPROVED" : "UNKNOWN"), result.npos) << result;
      const Texts journal = co_await r.reg.journal();
      EXPECT_EQ(journal, Texts{gullible ? "000042|000002|sale|1|approved" : "000042|000002|sale|1|pending"});
    }(rig, defective));
  }
}

TEST(TerminalDefect, HangsOnAMisreadUntilThePowerIsCycled) {
  for (const bool defective : {false, true}) {
    std::set<std::string> defects;
    if (defective) defects.insert("hangs_on_misread");
    TestRig rig(test_settings(defects));
    rig.run([](TestRig& r, bool hangs) -> Task<> {
      co_await r.boot();
      co_await r.sale("1");
      r.keys("5 OK");
      co_await r.reg.wait_for("S|SWIPE CARD");
      r.terminal.head(worn_swipe());
      std::string prompt = co_await r.reg.wait_for("S|", seconds(120));
      EXPECT_EQ(prompt, hangs ? "" : "S|READ ERROR - SWIPE AGAIN");
      r.keys("CANCEL");
      prompt = co_await r.reg.wait_for("S|READY", seconds(10));
      EXPECT_EQ(prompt, hangs ? "" : "S|READY");
      Texts journal = co_await r.reg.journal();
      EXPECT_EQ(journal, Texts{hangs ? "silent" : "000042|000002|sale|1|approved"});
      co_await r.power_cycle();
      const std::string result = co_await r.sale("2");
      EXPECT_NE(result.find("APPROVED"), result.npos);
    }(rig, defective));
  }
}

}  // namespace
}  // namespace swiperig::terminal_rig
