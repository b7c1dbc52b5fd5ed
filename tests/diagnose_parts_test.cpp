// Which part of the terminal it was: each answer from the observations that prove it, another answer without them, and
// `unknown` with candidates where two parts look alike from outside.
#include <gtest/gtest.h>

#include <algorithm>

#include "rig/diagnose.hpp"
#include "rig/part_rules.hpp"
#include "tests/history.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

Scope scope() {
  Scope s = full_scope();
  s.sources.insert("usb");
  s.watchdog = 8s;
  return s;
}
Diagnosis of(const std::vector<Event>& events) { return diagnose(observed(events), scope()); }

History begun() {
  History h;
  h.intent("sale", 1234);
  h.add(Source::actuator, MotionDone{"press", 0, false, "1 2 3 4 OK"});
  return h;
}
std::uint64_t screen(History& h, const char* text) { return h.add(Source::terminal, Text{"screen", text}); }
History read() {
  History h = begun();
  screen(h, "SWIPE CARD");
  h.read_card();
  screen(h, "PROCESSING");
  return h;
}
History approved() {
  History h = read();
  h.asked(1, 1234);
  h.answered(1, 1234);
  return h;
}
void booted(History& h) {
  h.add(Source::terminal, Text{"ecr", "E|BOOT|POS 1.0"});
  h.mark(Source::terminal, "booted");
}
void reset(History& h) {
  h.mark(Source::network, "closed", {{"connection", "1"}, {"by", "terminal"}, {"how", "reset"}});
}
std::uint64_t usb(History& h, bool up) { return h.add(Source::terminal, Presence{"usb", up}); }

struct Rule {
  const char* cause;
  const char* words;
  History history;
};

std::vector<Rule> rules() {
  std::vector<Rule> all;
  const auto add = [&](const char* cause, const char* words, History h) {
    all.push_back({cause, words, std::move(h)});
  };
  {
    History h = begun();
    h.silence();
    h.book("journal", {});
    add("keypad", "was awake", h);
  }
  {
    History h = begun();
    h.silence();
    h.add(Source::terminal, Text{"rig", "the terminal did not tell its journal"});
    add("app_hang", "did not answer its register", h);
  }
  {
    History h = begun();
    screen(h, "SWIPE CARD");
    h.read_card();
    screen(h, "PROCESSING");
    h.asked(1, 12334);
    h.answered(1, 12334);
    h.told(1, "APPROVED", 12334);
    add("keypad", "were hit, and the terminal took 123.34", h);
  }
  {
    History h = begun();
    screen(h, "SWIPE CARD");
    h.read_card();
    h.asked(1, 1234);
    h.answered(1, 1234);
    h.told(1, "APPROVED", 1234);
    add("display", "showed nothing of it", h);
  }
  {
    History h = approved();
    h.mark(Source::terminal, "printer_failed");
    h.told(1, "APPROVED", 1234);
    add("printer", "does not print", h);
  }
  {
    History h = begun();
    h.mark(Source::terminal, "chip_failed");
    screen(h, "SWIPE CARD");
    h.read_card();
    screen(h, "PROCESSING");
    h.asked(1, 1234);
    h.answered(1, 1234);
    History dark = h;  // nobody at the screen learns that it went well
    screen(h, "APPROVED");
    h.told(1, "APPROVED", 1234);
    add("fallback", "the stripe was", h);
    dark.told(1, "APPROVED", 1234);
    add("display", "showed nothing of it", dark);
  }
  {
    History h = begun();
    h.mark(Source::terminal, "chip_failed");
    h.silence();
    add("chip", "no card was read after it", h);
  }
  {
    History h = approved();
    h.mark(Source::terminal, "chip_refused");
    h.told(1, "UNKNOWN", 1234);
    add("chip", "refused by the chip", h);
  }
  {
    History h = approved();
    usb(h, false);
    h.wait(5s);
    usb(h, true);
    booted(h);
    h.silence();
    add("os_crash", "vanished from its USB", h);
  }
  {
    History h = approved();
    reset(h);
    h.wait(3s);
    booted(h);
    h.silence();
    add("app_crash", "sooner than its watchdog", h);
  }
  {
    History h = begun();
    screen(h, "SWIPE CARD");
    h.mark(Source::terminal, "card_wanted");
    h.wait(3s);
    booted(h);
    h.silence();
    add("app_crash", "ended and started again", h);
  }
  {
    History h = approved();
    h.wait(8s);
    reset(h);
    h.wait(3s);
    booted(h);
    h.silence();
    add("app_hang", "owed a word", h);
  }
  {
    History h = begun();
    screen(h, "SWIPE CARD");
    h.mark(Source::terminal, "card_wanted");
    h.swipe();
    h.wait(11s);
    booted(h);
    h.silence();
    add("app_hang", "owed a word", h);
  }
  {
    History h = approved();
    h.wait(25s);
    h.silence();
    add("app_hang", "its connection stayed open", h);
  }
  {
    History h = read();
    h.mark(Source::terminal, "storage_failed");
    add("database", "takes no record", h);
  }
  {
    History h = approved();
    h.mark(Source::terminal, "clock_lost");
    screen(h, "APPROVED");
    h.told(1, "APPROVED", 1234);
    add("clock", "had lost the time", h);
  }
  {
    History h = read();
    h.mark(Source::terminal, "tampered");
    add("setup", "keys are erased", h);
  }
  {
    History h = read();
    h.asked(1, 1234);
    h.answered(1, 1234, "A0", "absent");
    h.told(1, "DECLINED", 1234);
    add("setup", "A0", h);
  }
  {
    History h = approved();
    h.gave_up(1);
    screen(h, "APPROVED");
    h.mark(Source::terminal, "printed");
    h.silence();
    add("ecr_link", "the register was told no result", h);
  }
  return all;
}

TEST(DiagnoseParts, EachByItsEvidence) {
  for (const Rule& r : rules()) {
    const Diagnosis d = of(r.history.events);
    EXPECT_EQ(d.cause, r.cause) << r.words << ": " << d.why;
    EXPECT_NE(d.why.find(r.words), std::string::npos) << r.cause << ": " << d.why;
    ASSERT_FALSE(d.evidence.empty()) << r.cause;
    EXPECT_TRUE(std::is_sorted(d.evidence.begin(), d.evidence.end()));
    const Diagnosis blind = of(r.history.without(d.evidence));
    EXPECT_TRUE(blind.cause != d.cause || blind.why != d.why) << r.cause << " does not rest on what it cites";
  }
}

TEST(DiagnoseParts, WhatWasDoneToThePartsIsNeverSeen) {
  for (const Rule& r : rules()) {
    History with;
    for (const Event& e : r.history.events) {
      with.events.push_back(e);
      Event command = e;
      command.body = PartState{"printer", "out_of_paper"};
      with.events.push_back(command);
    }
    const Diagnosis a = of(r.history.events), b = of(with.events);
    EXPECT_EQ(a.cause + a.why, b.cause + b.why);
  }
}

TEST(DiagnoseParts, WhatLooksAlikeIsUnknown) {
  const auto expect_unknown = [](const History& h, const Scope& s, const std::vector<std::string>& candidates) {
    const Diagnosis d = diagnose(observed(h.events), s);
    EXPECT_EQ(d.cause, "unknown") << d.why;
    EXPECT_EQ(d.candidates, candidates) << d.why;
  };
  // it waited for the host, rightly, when it was restarted: a crash now, or a hang then
  History waiting = read();
  waiting.asked(1, 1234);
  waiting.wait(9s);
  reset(waiting);
  waiting.wait(3s);
  booted(waiting);
  waiting.silence();
  expect_unknown(waiting, scope(), {"app_crash", "app_hang"});
  // nobody saw the USB, or nobody knows the watchdog's window
  History crash = approved();
  reset(crash);
  crash.wait(3s);
  booted(crash);
  crash.silence();
  EXPECT_EQ(of(crash.events).cause, "app_crash");
  Scope no_usb = scope(), no_window = scope();
  no_usb.sources.erase("usb");
  no_window.watchdog = {};
  expect_unknown(crash, no_usb, {"app_crash", "app_hang", "os_crash"});
  expect_unknown(crash, no_window, {"app_crash", "app_hang"});
}

/// DOMAIN.md 3.4, 3: gone from its USB while the current is normal; without that nobody knows that its power stayed.
TEST(DiagnoseParts, GoneFromItsUsbIsACrashOnlyWhereItsPowerStayed) {
  const auto gone = [](std::int64_t lowest_mv, bool back) {
    History h = approved();
    h.rail(lowest_mv);
    usb(h, false);
    h.wait(5s);
    if (back) usb(h, true);
    if (back) booted(h);
    h.silence();
    return h;
  };
  EXPECT_EQ(of(gone(5000, true).events).cause, "os_crash");
  EXPECT_EQ(of(gone(3500, true).events).cause, "os_crash");
  EXPECT_EQ(of(gone(5000, false).events).candidates, (std::vector<std::string>{"os_crash", "power"}));
  EXPECT_EQ(of(gone(3400, true).events).candidates, (std::vector<std::string>{"power", "os_crash"}));
  EXPECT_EQ(of(gone(3300, true).events).cause, "power") << "at the level itself it is without power";
}

TEST(DiagnoseParts, ACrashAfterTheResultIsNoneAndAPowerLossIsPower) {
  History late = approved();
  screen(late, "APPROVED");
  late.told(1, "APPROVED", 1234);
  usb(late, false);
  late.wait(5s);
  booted(late);
  EXPECT_EQ(of(late.events).cause, "none");
  History dark = approved();
  usb(dark, false);
  dark.rail(0);
  EXPECT_EQ(of(dark.events).cause, "power");
}

std::string findings(const History& h, const Scope& s) {
  std::string all;
  for (const Finding& f : part_findings(replay(h.events, s), s)) {
    all += (all.empty() ? "" : " ") + f.rule;
    EXPECT_FALSE(f.evidence.empty()) << f.what;
    EXPECT_TRUE(std::is_sorted(f.evidence.begin(), f.evidence.end()));
  }
  return all;
}

TEST(PartRules, ABookedSaleIsNotReversedForWantOfPaper) {
  History h = approved();
  h.mark(Source::terminal, "printer_failed");
  h.told(1, "UNKNOWN", 1234);
  EXPECT_EQ(findings(h, scope()), "");
  h.reversed(1, 1234);
  EXPECT_EQ(findings(h, scope()), "R_STANDS");
  Scope reverses = scope();
  reverses.unprinted_sale_stands = false;
  EXPECT_EQ(findings(h, reverses), "");
  History otherwise = approved();  // reversed, and the printer failed at something else before
  otherwise.reversed(1, 1234);
  EXPECT_EQ(findings(otherwise, scope()), "");
}

TEST(PartRules, WhatTheChipRefusedIsNotTaken) {
  History h = approved();
  h.mark(Source::terminal, "chip_refused");
  h.told(1, "UNKNOWN", 1234);
  EXPECT_EQ(findings(h, scope()), "");
  h.told(1, "APPROVED", 1234);
  EXPECT_EQ(findings(h, scope()), "R_CHIP");
  h.reversed(1, 1234);
  EXPECT_EQ(findings(h, scope()), "");
}

TEST(PartRules, ASwipeForABrokenChipSaysSo) {
  const auto sale = [](const char* entry, const char* reason, bool failed) {
    History h = begun();
    if (failed) h.mark(Source::terminal, "chip_failed");
    h.read_card();
    Fields f = {{"batch", "000001"}, {"stan", "000001"}, {"amount", "1234"}, {"entry", entry}};
    if (*reason != '\0') f.emplace_back("entry_reason", reason);
    h.mark(Source::network, "request_entered", f);
    return findings(h, scope());
  };
  EXPECT_EQ(sale("022", "", true), "R_FALLBACK");
  EXPECT_EQ(sale("022", "1", true), "R_FALLBACK");
  EXPECT_EQ(sale("022", "2", true), "");
  EXPECT_EQ(sale("802", "", true), "");
  EXPECT_EQ(sale("052", "", true), "");
  EXPECT_EQ(sale("022", "", false), "");
}

TEST(PartRules, NothingIsSoldWithoutKeys) {
  History h = begun();
  h.mark(Source::terminal, "tampered");
  h.read_card();
  History ready = h;
  h.asked(1, 1234);
  EXPECT_EQ(findings(h, scope()), "R_TAMPER");
  for (const char* keys : {"sound", "mismatch", "erased"}) {
    History loaded = ready;
    loaded.add(Source::rig, PartState{"keys", keys});
    loaded.asked(1, 1234);
    EXPECT_EQ(findings(loaded, scope()), std::string(keys) == "erased" ? "R_TAMPER" : "") << keys;
  }
  ready.mark(Source::terminal, "idle");  // its keys are loaded anew
  ready.asked(1, 1234);
  EXPECT_EQ(findings(ready, scope()), "");
}

TEST(PartRules, AReceiptSaysTheTimeThatTheHostHasTold) {
  const auto sale = [](const char* host, const char* paper, bool before) {
    History h = read();
    h.asked(1, 1234);
    const Fields receipt = {{"batch", "000001"}, {"stan", "000001"}, {"date", paper}};
    if (before) h.mark(Source::terminal, "printed", receipt);
    h.mark(Source::network, "response_left",
           {{"batch", "000001"}, {"stan", "000001"}, {"code", "00"}, {"mac", "ok"}, {"clock", host}});
    if (!before) h.mark(Source::terminal, "printed", receipt);
    return findings(h, scope());
  };
  EXPECT_EQ(sale("1123101500", "1123101501", false), "");
  EXPECT_EQ(sale("1123101500", "0101000003", false), "R_CLOCK");
  EXPECT_EQ(sale("1123101500", "1124101500", false), "R_CLOCK");
  EXPECT_EQ(sale("1231235959", "0101000001", false), "") << "the year ended in between";
  EXPECT_EQ(sale("0228235959", "0301000000", false), "") << "so did February, in most years";
  EXPECT_EQ(sale("0228235959", "0229000000", false), "");
  EXPECT_EQ(sale("0228225959", "0301010000", false), "R_CLOCK");
  EXPECT_EQ(sale("1123101500", "0101000003", true), "") << "nobody had told it the time";
  EXPECT_EQ(sale("1123101500", "nonsense", false), "");
}

TEST(PartRules, AClockThatIsLostAfterwardsHasToBeToldAnewAndByItsOwnAnswer) {
  const auto sale = [](bool lost, const char* again) {
    History h = read();
    h.asked(1, 1234);
    const auto told = [&](const char* stan) {
      h.mark(Source::network, "response_left",
             {{"batch", "000001"}, {"stan", stan}, {"connection", "1"}, {"mac", "ok"}, {"clock", "1123101500"}});
    };
    told("000001");
    if (lost) h.add(Source::rig, PartState{"clock", "lost"});
    if (*again != '\0') told(again);
    h.mark(Source::terminal, "printed", {{"batch", "000001"}, {"stan", "000001"}, {"date", "0101000003"}});
    return findings(h, scope());
  };
  EXPECT_EQ(sale(false, ""), "R_CLOCK");
  EXPECT_EQ(sale(true, ""), "");
  EXPECT_EQ(sale(true, "000001"), "R_CLOCK");
  EXPECT_EQ(sale(true, "000007"), "") << "an older answer, replayed";
}

TEST(PartRules, WhatATerminalMustNotBelieveTellsItNoTime) {
  struct Told {
    const char *asked_mac = "ok", *mac = "ok", *tid = "99900001";
    const char* keys = "";  ///< their state before the answer
    bool erased_then = false;
  };
  const auto sale = [](const Told& told) {
    History h = read();
    if (*told.keys != '\0') h.add(Source::rig, PartState{"keys", told.keys});
    h.mark(Source::network, "request_entered",
           {{"batch", "000001"},
            {"stan", "000001"},
            {"connection", "1"},
            {"amount", History::amount(1234)},
            {"proc", "000000"},
            {"tid", "99900001"},
            {"mac", told.asked_mac}});
    h.mark(Source::network, "response_left",
           {{"batch", "000001"},
            {"stan", "000001"},
            {"connection", "1"},
            {"tid", told.tid},
            {"code", "00"},
            {"mac", told.mac},
            {"clock", "1123101500"}});
    if (told.erased_then) h.add(Source::rig, PartState{"keys", "erased"});
    h.mark(Source::terminal, "printed", {{"batch", "000001"}, {"stan", "000001"}, {"date", "0101000003"}});
    return findings(h, scope());
  };
  EXPECT_EQ(sale({}), "R_CLOCK") << "the twin: nothing was wrong with the answer";
  EXPECT_EQ(sale({"absent", "absent"}), "R_CLOCK") << "nor where nothing is signed";
  EXPECT_EQ(sale({"ok", "absent"}).find("R_CLOCK"), std::string::npos);
  EXPECT_EQ(sale({"wrong", "ok"}).find("R_CLOCK"), std::string::npos) << "with other keys it looks wrong";
  EXPECT_EQ(sale({"ok", "ok", "99900002"}).find("R_CLOCK"), std::string::npos);
  EXPECT_EQ(sale({"ok", "ok", "99900001", "mismatch"}).find("R_CLOCK"), std::string::npos);
  EXPECT_EQ(sale({"ok", "ok", "99900001", "", true}).find("R_CLOCK"), std::string::npos);
  EXPECT_EQ(sale({"ok", "ok", "99900001", "sound"}), "R_CLOCK");
}

TEST(PartRules, WhatNobodyWasToldCanBeAskedFor) {
  const auto asked = [](const char* outcome, const char* journal) {
    History h = approved();
    h.silence();
    Fields f;
    if (*outcome != '\0') f = {{"batch", "000001"}, {"stan", "000001"}, {"outcome", outcome}};
    h.mark(Source::terminal, "last_result", f);
    h.book("journal", {History::row(1, 1234, journal)});
    h.book("ledger", {History::row(1, 1234, "approved")});
    return findings(h, scope());
  };
  EXPECT_EQ(asked("APPROVED", "approved"), "");
  EXPECT_EQ(asked("", "approved"), "I2");
  EXPECT_EQ(asked("UNKNOWN", "approved"), "I2");
  EXPECT_EQ(asked("UNKNOWN", "pending"), "");
}

}  // namespace
}  // namespace swiperig
