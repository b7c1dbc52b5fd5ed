// The simulated terminal when one of its parts fails: what it sends, says, prints and keeps.
#include <gmock/gmock.h>

#include "tests/terminal_rig.hpp"

namespace swiperig {
namespace {

using namespace terminal_rig;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TerminalSettings watched(std::set<std::string> defects = {}) {
  TerminalSettings s = test_settings(std::move(defects));
  s.profile.watchdog = seconds(8);
  return s;
}

struct PartsRig : TestRig, UsbListener {
  explicit PartsRig(TerminalSettings settings = watched()) : TestRig(std::move(settings)) { terminal.listen_usb(this); }
  void set(const char* part, const char* state, const char* which = "") {
    EXPECT_EQ(terminal.part(PartState{part, state, which}), "") << part << " " << state;
  }
  void mend() { set("all", "sound"); }
  std::vector<std::string> said(std::string_view start) const {
    std::vector<std::string> out;
    for (const auto& s : reg.said) {
      if (s.text.starts_with(start)) out.push_back(s.text);
    }
    return out;
  }
  void usb(bool up) override { presence.push_back(up); }
  std::vector<bool> presence;
};

TEST(TerminalParts, UnknownPartsAndStatesAreRefused) {
  PartsRig rig;
  for (const auto& [part, state] : {std::pair{"laser", "off"}, {"printer", "dead"}, {"", ""}, {"all", "dead"}}) {
    EXPECT_NE(rig.terminal.part(PartState{part, state}), "") << part;
  }
  EXPECT_NE(rig.terminal.part(PartState{"printer", "out_of_paper", "OK"}), "") << "which is of a keypad";
  EXPECT_EQ(rig.terminal.part(PartState{"printer", "sound"}), "");
}

TEST(TerminalParts, AKeypadGivesNoneOneOrTwoStrokes) {
  TerminalParts parts;
  Keypad keypad(parts);
  const auto strokes = [&](std::string_view keys) {
    std::string out;
    for (const char key : keys) out += std::to_string(keypad.strokes(std::string(1, key)));
    return out;
  };
  EXPECT_EQ(strokes("123"), "111");
  parts.set({"keypad", "dead", "2"});
  parts.set({"keypad", "bouncing", "3"});
  EXPECT_EQ(strokes("123"), "102");
  parts.set({"keypad", "stuck", "1"});
  EXPECT_EQ(strokes("311311"), "210000");
  parts.set({"keypad", "sound", "1"});
  EXPECT_EQ(strokes("1231"), "1021");
  parts.set({"keypad", "dead"});
  EXPECT_EQ(strokes("123"), "000");
  parts.set({"all", "sound"});
  EXPECT_EQ(strokes("123"), "111");
}

TEST(TerminalParts, ASaleWithoutPaperStandsAndIsReprinted) {
  PartsRig rig;
  rig.run([](PartsRig& r) -> Task<> {
    co_await r.boot();
    r.set("printer", "out_of_paper");
    const std::string result = co_await r.sale("1 2 3 4");
    EXPECT_THAT(result, HasSubstr("|APPROVED|"));
    EXPECT_THAT(r.said("P|"), IsEmpty());
    EXPECT_THAT(r.said("S|PRINTER"), Contains("S|PRINTER OUT OF PAPER - REPRINT F2 1 OK"));
    r.mend();
    r.keys("F2 1 OK");
    const std::string again = co_await r.reg.wait_for("P|AMOUNT");
    EXPECT_EQ(again, "P|AMOUNT 12.34");
    EXPECT_THAT(r.said("P|"), Contains("P|REPRINT"));
    co_await r.reg.wait_for("S|READY");
    const auto rows = co_await r.reg.journal();
    EXPECT_THAT(rows, testing::ElementsAre(HasSubstr("|1234|approved")));
    EXPECT_THAT(r.peer.mtis(), Not(Contains("0400")));
  }(rig));
}

TEST(TerminalParts, AHotHeadPrintsOnceItIsCool) {
  PartsRig rig;
  rig.run([](PartsRig& r) -> Task<> {
    co_await r.boot();
    co_await r.present("1 2 3 4");
    r.set("printer", "head_hot");
    const Time hot = r.clock.now();
    const std::string result = co_await r.reg.wait_for("R|SALE");
    EXPECT_THAT(result, HasSubstr("|APPROVED|"));
    EXPECT_LT(r.clock.now() - hot, seconds(1)) << "the result does not wait for the printer";
    const std::string paper = co_await r.reg.wait_for("P|AMOUNT");
    EXPECT_EQ(paper, "P|AMOUNT 12.34");
    EXPECT_EQ(r.clock.now() - hot, milliseconds(7500));
  }(rig));
}

TEST(TerminalParts, WhereTheProfileSaysSoAnUnprintedSaleIsReversed) {
  TerminalSettings settings = watched();
  settings.profile.unprinted_sale_stands = false;
  PartsRig rig(settings);
  rig.run([](PartsRig& r) -> Task<> {
    co_await r.boot();
    r.set("printer", "cover_open");
    const std::string result = co_await r.sale("1 2 3 4");
    EXPECT_THAT(result, HasSubstr("|UNKNOWN|"));
    r.mend();
    co_await r.sale("1 0 0");
    // the twin: a swipe has no chip's data and says so
    EXPECT_EQ(text_field(r.peer.all("0200").back(), 23) + text_field(r.peer.all("0200").back(), 55), "");
    EXPECT_THAT(r.said("P|SALE").back(), testing::EndsWith(" SWIPED"));
    const auto reversals = r.peer.all("0400");
    EXPECT_EQ(reversals.size(), 1u);
    if (reversals.empty()) co_return;
    EXPECT_EQ(text_field(reversals[0], 39), "96");
    EXPECT_EQ(r.peer.charged.size(), 1u);
  }(rig));
}

TEST(TerminalParts, ADarkDisplayShowsWhatIsOnItOnceItIsLit) {
  PartsRig rig;
  rig.run([](PartsRig& r) -> Task<> {
    co_await r.boot();
    co_await r.present("1 2 3 4");
    r.set("display", "dark");
    const std::string result = co_await r.reg.wait_for("R|SALE");
    EXPECT_THAT(result, HasSubstr("|APPROVED|"));
    co_await r.clock.sleep_for(seconds(3));
    EXPECT_EQ(r.said("S|").back(), "S|SWIPE CARD");
    r.set("display", "sound");
    const std::string lit = co_await r.reg.wait_for("S|");
    EXPECT_EQ(lit, "S|READY");
  }(rig));
}

TEST(TerminalParts, AChipIsReadAndItsRefusalReversesWith96) {
  PartsRig rig;
  rig.run([](PartsRig& r) -> Task<> {
    co_await r.boot();
    r.set("chip", "good");
    r.keys("1 2 3 4 OK");
    std::string result = co_await r.reg.wait_for("R|SALE");
    EXPECT_THAT(result, HasSubstr("|APPROVED|"));
    EXPECT_EQ(text_field(r.peer.all("0200").back(), 22), "052");
    EXPECT_EQ(text_field(r.peer.all("0200").back(), 23), "001");
    EXPECT_THAT(text_field(r.peer.all("0200").back(), 55), HasSubstr("\x9F\x26\x08"));
    EXPECT_THAT(r.said("P|SALE").back(), testing::EndsWith(" CHIP"));
    EXPECT_THAT(r.said("E|CARD"), testing::ElementsAre("E|CARD|621234******1265|05"));
    co_await r.reg.wait_for("S|READY");
    r.set("chip", "refuses");
    r.keys("5 0 0 OK");
    result = co_await r.reg.wait_for("R|SALE");
    EXPECT_THAT(result, HasSubstr("|UNKNOWN|"));
    EXPECT_THAT(r.said("S|"), Contains("S|CARD REFUSED - REVERSING"));
    co_await r.reg.wait_for("S|READY");
    r.mend();
    co_await r.sale("1 0 0");
    const auto reversals = r.peer.all("0400");
    EXPECT_EQ(reversals.size(), 1u);
    if (reversals.empty()) co_return;
    EXPECT_EQ(text_field(reversals[0], 39), "96");
    EXPECT_EQ(text_field(reversals[0], 22), "052");
    EXPECT_EQ(r.peer.charged.size(), 2u);
  }(rig));
}

/// Fields 22 and 60 of a swipe for a mute chip.
std::pair<std::string, std::string> fallback(TerminalSettings settings) {
  PartsRig rig(std::move(settings));
  std::pair<std::string, std::string> fields;
  rig.run([](PartsRig& r, std::pair<std::string, std::string>& out) -> Task<> {
    co_await r.boot();
    r.set("chip", "mute");
    const std::string result = co_await r.sale("1 2 3 4");
    EXPECT_THAT(result, HasSubstr("|APPROVED|"));
    EXPECT_THAT(r.said("S|"), Contains("S|CHIP ERROR"));
    out = {text_field(r.peer.all("0200").back(), 22), text_field(r.peer.all("0200").back(), 60)};
  }(rig, fields));
  return fields;
}

TEST(TerminalParts, ASwipeForABrokenChipSaysSo) {
  using Fields = std::pair<std::string, std::string>;
  EXPECT_EQ(fallback(watched()), (Fields{"022", "2200004200052"}));
  TerminalSettings eighty = watched();
  eighty.profile.fallback_entry = "80";
  EXPECT_EQ(fallback(eighty), (Fields{"802", "2200004200052"}));
  EXPECT_EQ(fallback(watched({"no_fallback_flag"})), (Fields{"022", "220000420005"}));
}

TEST(TerminalParts, AnApplicationCrashResetsItsConnectionAndTheRestKeepsRunning) {
  PartsRig rig;
  rig.peer.twist = once("0200", 1, lose);
  rig.run([](PartsRig& r) -> Task<> {
    co_await r.boot();
    co_await r.present("1 2 3 4");
    co_await r.clock.sleep_for(seconds(1));
    const std::size_t ends = r.peer.ends.size();
    r.set("app", "crash");
    const Time crashed = r.clock.now();
    co_await r.clock.sleep_for(milliseconds(1));
    EXPECT_EQ(r.peer.ends.size(), ends + 1);
    EXPECT_EQ(r.peer.ends.back(), "reset");
    r.keys("9 9 OK");  // nobody is there to take them
    const std::string boot = co_await r.reg.wait_for("E|BOOT");
    EXPECT_EQ(boot, "E|BOOT|fixture 1.0");
    EXPECT_EQ(r.clock.now() - crashed, milliseconds(2600));
    EXPECT_EQ(r.presence, (std::vector<bool>{false, true})) << "its system has not noticed";
    for (const auto& [at, ma] : r.draws) {
      if (at > crashed) {
        EXPECT_NE(ma, 0);
      }
    }
    co_await r.reg.wait_for("S|READY");
    co_await r.sale("1 0 0");
    EXPECT_EQ(r.peer.all("0400").size(), 1u);
    EXPECT_EQ(r.peer.charged.size(), 1u);
  }(rig));
}

TEST(TerminalParts, ASystemCrashIsSilentAndVanishesFromUsbWhileTheCurrentStays) {
  PartsRig rig;
  rig.peer.twist = once("0200", 1, lose);
  rig.run([](PartsRig& r) -> Task<> {
    co_await r.boot();
    co_await r.present("1 2 3 4");
    co_await r.clock.sleep_for(seconds(1));
    const std::size_t ends = r.peer.ends.size();
    r.set("os", "crash");
    const Time crashed = r.clock.now();
    co_await r.clock.sleep_for(seconds(4));
    EXPECT_EQ(r.peer.ends.size(), ends) << "nobody is told";
    EXPECT_EQ(r.presence, (std::vector<bool>{false, true, false}));
    const std::string boot = co_await r.reg.wait_for("E|BOOT");
    EXPECT_EQ(boot, "E|BOOT|fixture 1.0");
    EXPECT_EQ(r.presence, (std::vector<bool>{false, true, false, true}));
    EXPECT_EQ(r.peer.ends.back(), "reset") << "a machine that has started anew does not know the connection";
    for (const auto& [at, ma] : r.draws) {
      if (at > crashed) {
        EXPECT_NE(ma, 0);
      }
    }
    co_await r.reg.wait_for("S|READY");
    co_await r.sale("1 0 0");
    EXPECT_EQ(r.peer.charged.size(), 1u);
  }(rig));
}

TEST(TerminalParts, AHangingApplicationIsKilledByTheWatchdogOrStaysForGood) {
  for (const bool watchdog : {true, false}) {
    PartsRig rig;
    rig.run([](PartsRig& r, bool guarded) -> Task<> {
      co_await r.boot();
      if (!guarded) r.set("watchdog", "off");
      co_await r.present("1 2 3 4");
      r.set("app", "hang");
      const Time hung = r.clock.now();
      const auto asked = co_await r.reg.journal();
      EXPECT_THAT(asked, testing::ElementsAre("silent"));
      const std::string boot = co_await r.reg.wait_for("E|BOOT", seconds(60));
      EXPECT_EQ(boot.empty(), !guarded);
      if (guarded) {
        EXPECT_EQ(r.clock.now() - hung, milliseconds(8000 + 2600));
      }
      if (!guarded) {
        r.set("watchdog", "sound");
        const std::string late = co_await r.reg.wait_for("E|BOOT", seconds(60));
        EXPECT_NE(late, "") << "it bites as soon as it is back";
      }
    }(rig, watchdog));
  }
}

TEST(TerminalParts, AFullStorageRefusesTheSaleAndLaterReversesItWith96) {
  PartsRig rig;
  rig.run([](PartsRig& r) -> Task<> {
    co_await r.boot();
    r.set("storage", "full");
    std::string result = co_await r.sale("1 2 3 4");
    EXPECT_THAT(result, HasSubstr("|FAILED|"));
    EXPECT_THAT(r.peer.mtis(), Not(Contains("0200")));
    r.mend();
    co_await r.present("1 2 3 4");
    co_await r.clock.wait(r.peer.sale_answered, never);
    r.set("storage", "full");
    result = co_await r.reg.wait_for("R|SALE");
    EXPECT_THAT(result, HasSubstr("|UNKNOWN|"));
    EXPECT_THAT(r.said("S|"), Contains("S|STORAGE FULL - REVERSING"));
    const auto rows = co_await r.reg.journal();
    EXPECT_THAT(rows, testing::ElementsAre(HasSubstr("|pending")));
    r.mend();
    co_await r.power_cycle();
    co_await r.sale("1 0 0");
    const auto reversals = r.peer.all("0400");
    EXPECT_EQ(reversals.size(), 1u);
    if (reversals.empty()) co_return;
    EXPECT_EQ(text_field(reversals[0], 39), "96");
    EXPECT_EQ(r.peer.charged.size(), 1u);
  }(rig));
}

TEST(TerminalParts, AReadOnlyStorageTakesNoNumberAndSendsNothing) {
  PartsRig rig;
  rig.run([](PartsRig& r) -> Task<> {
    co_await r.boot();
    r.set("storage", "read_only");
    const std::string result = co_await r.sale("1 2 3 4");
    EXPECT_THAT(result, HasSubstr("||FAILED||1234")) << "no number of its own, so none is told";
    EXPECT_THAT(r.peer.mtis(), IsEmpty());
    r.keys("F2 OK");
    const std::string settled = co_await r.reg.wait_for("R|SETTLE");
    EXPECT_THAT(settled, HasSubstr("|FAILED|"));
    EXPECT_THAT(r.peer.mtis(), IsEmpty());
  }(rig));
}

/// Power cut so long after the response was sent, with a storage that tears; the journal after the restart.
std::vector<std::string> after_cut(milliseconds later, const std::set<std::string>& defects) {
  PartsRig rig(watched(defects));
  std::vector<std::string> rows;
  rig.run([](PartsRig& r, milliseconds after, std::vector<std::string>& out) -> Task<> {
    co_await r.boot();
    r.set("storage", "torn_write");
    co_await r.present("1 2 3 4");
    co_await r.clock.wait(r.peer.sale_answered, never);
    co_await r.clock.sleep_for(after);
    co_await r.power_cycle();
    out = co_await r.reg.journal();
  }(rig, later, rows));
  return rows;
}

TEST(TerminalParts, ATornRecordIsKnownForWhatItIs) {
  int torn = 0;
  for (int ms = 0; ms < 40; ++ms) {
    const auto rows = after_cut(milliseconds(ms), {});
    EXPECT_FALSE(rows.empty()) << ms;
    for (const auto& row : rows) EXPECT_THAT(row, HasSubstr("|1234|")) << ms << ": half a record is told";
    const auto believed = after_cut(milliseconds(ms), {"believes_torn_record"});
    torn += believed == Texts{"000042|000002|sale|1024|approved"};
  }
  EXPECT_GE(torn, 5) << "the twin: no cut has hit the record while it was written";
}

TEST(TerminalParts, ALostClockIsSetByTheHost) {
  for (const bool stubborn : {false, true}) {
    PartsRig rig(watched(stubborn ? std::set<std::string>{"keeps_old_clock"} : std::set<std::string>{}));
    rig.run([](PartsRig& r, bool old) -> Task<> {
      co_await r.boot();
      r.set("clock", "lost");
      co_await r.sale("1 2 3 4");
      EXPECT_THAT(r.said("S|"), Contains("S|CLOCK NOT SET"));
      EXPECT_THAT(r.said("P|BATCH"), testing::ElementsAre(HasSubstr(old ? "DATE 0101" : "DATE 11231015")));
    }(rig, stubborn));
  }
}

TEST(TerminalParts, AClockTakesOnlyATime) {
  TerminalClock clock;
  const Time now{std::chrono::seconds(90)};
  EXPECT_EQ(clock.stamp(now), "1123101630");
  clock.lose(now);
  EXPECT_TRUE(clock.lost());
  EXPECT_EQ(clock.stamp(now + seconds(5)), "0101000005");
  for (const auto& [mmdd, hhmmss] : {std::pair{"", ""},
                                     {"1332", "101010"},
                                     {"1123", "250000"},
                                     {"0230", "000000"},
                                     {"11x3", "101010"},
                                     {"1123", "1010"},
                                     {"1123", "10106x"}}) {
    clock.adopt(mmdd, hhmmss, now);
    EXPECT_TRUE(clock.lost()) << mmdd << hhmmss;
  }
  clock.adopt("0229", "235959", now);  // no 29th of February in this year
  EXPECT_TRUE(clock.lost());
  clock.adopt("1231", "235959", now);
  EXPECT_FALSE(clock.lost());
  EXPECT_EQ(clock.stamp(now + seconds(1)), "0101000000");
}

TEST(TerminalParts, TamperProtectionErasesTheKeysAndNothingIsSoldUntilTheyAreLoadedAnew) {
  PartsRig rig;
  rig.run([](PartsRig& r) -> Task<> {
    co_await r.boot();
    co_await r.sale("1 0 0");
    r.set("keys", "erased");
    co_await r.clock.sleep_for(milliseconds(1));
    EXPECT_THAT(r.said("S|"), Contains("S|TAMPERED - CALL SERVICE"));
    co_await r.present("1 2 3 4");
    const std::string result = co_await r.reg.wait_for("R|SALE");
    EXPECT_THAT(result, HasSubstr("|FAILED|"));
    EXPECT_EQ(r.peer.all("0200").size(), 1u);
    r.cut();
    co_await r.clock.sleep_for(seconds(1));
    r.terminal.rail({5000, 0});
    co_await r.reg.wait_for("E|BOOT");
    const std::string early = co_await r.reg.wait_for("S|READY", seconds(5));
    EXPECT_EQ(early, "");
    r.mend();
    const std::string ready = co_await r.reg.wait_for("S|READY");
    EXPECT_EQ(ready, "S|READY");
    const std::string sold = co_await r.sale("1 2 3 4");
    EXPECT_THAT(sold, HasSubstr("|APPROVED|"));
    EXPECT_EQ(r.peer.all("0800").size(), 2u);
  }(rig));
}

TEST(TerminalParts, AnUnheardResultIsRepeatedThreeTimesAndThenAskedFor) {
  for (const char* state : {"unplugged", "swallows", "noisy"}) {
    PartsRig rig;
    rig.run([](PartsRig& r, std::string how) -> Task<> {
      co_await r.boot();
      co_await r.present("1 2 3 4");
      if (how == "noisy") {
        r.reg.naks = 100;  // what a register does with damaged frames
      } else {
        r.set("ecr_link", how.c_str());
      }
      co_await r.clock.sleep_for(seconds(10));
      EXPECT_EQ(r.reg.count("R|SALE"), how == "noisy" ? 4 : 0);
      EXPECT_THAT(r.said("P|AMOUNT"), testing::ElementsAre("P|AMOUNT 12.34")) << "paper needs no register";
      r.mend();
      r.reg.naks = 0;
      co_await r.reg.write("\x02L?\x03\x70");
      const std::string asked = co_await r.reg.wait_for("L|", seconds(1));
      EXPECT_THAT(asked, HasSubstr("L|SALE|000042|000002|APPROVED|00|1234"));
      co_await r.power_cycle();
      co_await r.reg.write("\x02L?\x03\x70");
      const std::string later = co_await r.reg.wait_for("L|", seconds(1));
      EXPECT_EQ(later, asked) << "it is durable";
      EXPECT_EQ(r.peer.all("0200").size(), 1u);
    }(rig, state));
  }
}

}  // namespace
}  // namespace swiperig
