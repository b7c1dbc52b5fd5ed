// What keys order, and a terminal's services: new software, parameters.
#include "fixtures/terminal_keys.hpp"

#include "tests/terminal_rig.hpp"

namespace swiperig::terminal_rig {
namespace {

TerminalProfile many_kinds() {
  TerminalProfile p;
  p.more_keys = {{"void", "F2 2 OK {stan} OK"}, {"refund", "F2 3 OK {stan} OK {amount} OK"}, {"update", "F2 1 5 OK"}};
  return p;
}

/// Kind or service, amount and number of what the keys order; "": nothing.
std::string ordered(std::string_view keys) {
  static const TerminalProfile profile = many_kinds();
  KeyLines lines(profile);
  std::string out;
  while (!keys.empty()) {
    const std::string_view key = keys.substr(0, keys.find(' '));
    keys.remove_prefix(std::min(keys.size(), key.size() + 1));
    const auto order = lines.press(key);
    if (!order) continue;
    const std::string_view name = order->kind != nullptr ? order->kind->name : order->service->name;
    out += (out.empty() ? "" : ", ") + std::string(name) + " " + std::to_string(order->amount_minor) + " " +
           order->original_stan;
  }
  return out;
}

TEST(TerminalKeys, EachLineOfTheProfileOrdersItsKind) {
  EXPECT_EQ(ordered("1 2 3 4 OK"), "sale 1234 ");
  EXPECT_EQ(ordered("F2 OK"), "settlement 0 ");
  EXPECT_EQ(ordered("F2 2 OK 7 OK"), "void 0 000007");
  EXPECT_EQ(ordered("F2 3 OK 0 0 0 0 1 2 OK 5 0 0 OK"), "refund 500 000012");
  EXPECT_EQ(ordered("F2 1 5 OK"), "update 0 ");
  EXPECT_EQ(ordered("1 OK F2 OK"), "sale 1 , settlement 0 ");
}

TEST(TerminalKeys, WhatFitsNoLineBeginsAnewOrIsPassedOver) {
  EXPECT_EQ(ordered("OK"), "");
  EXPECT_EQ(ordered("0 OK"), "");
  EXPECT_EQ(ordered("0 OK 5 OK"), "sale 5 ") << "an OK behind nothing yet is passed over";
  EXPECT_EQ(ordered("5 F2 OK"), "settlement 0 ");
  EXPECT_EQ(ordered("F2 9 OK 5 OK"), "sale 5 ") << "no such item of the menu";
  EXPECT_EQ(ordered("F2 2 OK OK 7 OK"), "void 0 000007");
  EXPECT_EQ(ordered("1 1 1 1 1 1 1 1 1 1 2 OK"), "sale 1111111111 ") << "no more than ten digits";
}

TEST(TerminalService, NewSoftwareKeepsWhatTheOldOneOwed) {
  TerminalSettings settings = test_settings();
  settings.profile.more_keys = {{"update", "F2 1 5 OK"}};
  for (const bool cut : {false, true}) {
    TestRig rig(settings);
    rig.run([](TestRig& r, bool cut_short) -> Task<> {
      r.peer.twist = once("0200", 1, lose);
      co_await r.boot();
      co_await r.sale("5 1 0 0");
      r.keys("F2 1 5 OK");
      const std::string half = co_await r.reg.wait_for("S|UPDATING 50 %", seconds(10));
      EXPECT_FALSE(half.empty());
      if (!cut_short) {
        const std::string done = co_await r.reg.wait_for("R|UPDATE", seconds(10));
        EXPECT_EQ(done, "R|UPDATE|DONE|fixture 1.0 UPDATE 1");
      }
      r.cut();
      co_await r.clock.sleep_for(seconds(1));
      r.terminal.rail({5000, 0});
      const std::string booted = co_await r.reg.wait_for("E|BOOT", seconds(10));
      EXPECT_EQ(booted, cut_short ? "E|BOOT|fixture 1.0" : "E|BOOT|fixture 1.0 UPDATE 1");
      co_await r.reg.wait_for("S|READY", seconds(5));
      EXPECT_EQ(r.reg.count("S|UPDATE BROKEN OFF"), cut_short ? 1 : 0);
      const Texts journal = co_await r.reg.journal();
      EXPECT_EQ(journal, Texts{"000042|000002|sale|5100|pending"});
      co_await r.sale("1");
      EXPECT_EQ(r.peer.all("0400").size(), 1U);
    }(rig, cut));
  }
}

TEST(TerminalService, ParametersSetALimitAndWhatIsNoneChangesNothing) {
  struct Download {
    std::string text, result, next;
  };
  for (const Download& d : {Download{"VERSION=7;LIMIT=500", "R|PARAMETERS|DONE|7", "FAILED"},
                            Download{"VERSION=7;LIMIT=0", "R|PARAMETERS|DONE|7", "APPROVED"},
                            Download{"VERSION=7", "R|PARAMETERS|FAILED|0", "APPROVED"},
                            Download{"LIMIT=5x;VERSION=7", "R|PARAMETERS|FAILED|0", "APPROVED"}}) {
    TerminalSettings settings = test_settings();
    settings.profile.more_keys = {{"parameters", "F2 1 4 OK"}};
    TestRig rig(settings);
    rig.run([](TestRig& r, Download expected) -> Task<> {
      r.peer.edit = [expected](Message& a) {
        if (a.mti() == "0810" && a.field(60).ends_with("360")) a.set(62, expected.text);
      };
      co_await r.boot();
      co_await r.sale("1");
      r.keys("F2 1 4 OK");
      const std::string result = co_await r.reg.wait_for("R|PARAMETERS", seconds(20));
      EXPECT_EQ(result, expected.result);
      co_await r.reg.wait_for("S|READY", seconds(5));
      const std::string next = co_await r.sale("5 0 1");
      EXPECT_NE(next.find(expected.next), next.npos) << next;
    }(rig, d));
  }
}

}  // namespace
}  // namespace swiperig::terminal_rig
