// Application, system or power: what the debug bridge of a smart terminal tells decides it, each answer with the twin
// that has no bridge. And what the driver of a link says is no word of the terminal.
#include <gtest/gtest.h>

#include <functional>

#include "rig/diagnose.hpp"
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
History approved() {
  History h = begun();
  h.read_card();
  h.asked(1, 1234);
  h.answered(1, 1234);
  return h;
}

std::uint64_t seen(History& h, const char* what, bool up, Duration unsure = 1s) {
  const std::uint64_t seq = h.add(Source::terminal, Presence{what, up});
  h.events.back().at_uncertainty = unsure;
  return seq;
}

/// What adb tells of a terminal without USB of its own: the same history without it gives less, and nothing wrong.
TEST(DiagnoseAdb, ProcessAndUptimeTellApplicationSystemAndPowerApart) {
  Scope blind = scope();
  blind.sources.erase("usb");
  struct Row {
    const char* words;
    const char* cause;
    std::vector<std::string> candidates;
    std::function<void(History&)> what;
  };
  const auto another_process = [](History& h) {
    h.wait(1s);
    seen(h, "app", false);
    seen(h, "app", true);
  };
  const auto new_system = [](History& h, std::int64_t rail_mv) {
    h.wait(1s);
    seen(h, "adb", false);
    if (rail_mv != 0) h.rail(rail_mv);
    h.wait(20s);
    seen(h, "adb", true);
    seen(h, "os", false, 22s);
    seen(h, "os", true, 22s);
    seen(h, "app", false, 22s);
    seen(h, "app", true, 22s);
  };
  const Row rows[] = {
      {"another process", "app_crash", {}, another_process},
      {"gone for good", "app_crash", {}, [](History& h) { seen(h, "app", false, 0s); }},
      {"gone, and adb with it",
       "unknown",
       {"app_crash", "os_crash"},
       [](History& h) {
         seen(h, "app", false, 0s);
         seen(h, "adb", false, 0s);
       }},
      {"gone after a watchdog's window",
       "app_hang",
       {},
       [&](History& h) {
         h.wait(10s);
         another_process(h);
       }},
      {"gone when it may have been the watchdog or not",
       "unknown",
       {"app_crash", "app_hang"},
       [&](History& h) {
         h.wait(7500ms);
         another_process(h);
       }},
      {"a new system, its power stayed", "os_crash", {}, [&](History& h) { new_system(h, 5000); }},
      {"a new system, near the brown-out level",
       "unknown",
       {"power", "os_crash"},
       [&](History& h) { new_system(h, 3400); }},
      {"a new system, and nobody measured", "unknown", {"os_crash", "power"}, [&](History& h) { new_system(h, 0); }},
      {"a new system, the rail was off", "power", {}, [&](History& h) { new_system(h, 0), h.rail(0); }},
      {"what was so before the case", "unknown", {}, [](History& h) { seen(h, "app", false, 60s); }},
      {"adb alone", "unknown", {}, [](History& h) { seen(h, "adb", false); }}};
  for (const Row& row : rows) {
    History h;
    h.wait(60s);
    h.intent("sale", 1234);
    h.add(Source::terminal, Text{"screen", "SWIPE CARD"});
    h.wait(30s);
    h.read_card();
    h.asked(1, 1234);
    h.answered(1, 1234);
    h.gave_up(1);
    row.what(h);
    h.wait(25s);
    h.silence();
    const Diagnosis d = diagnose(observed(h.events), blind);
    EXPECT_EQ(d.cause, row.cause) << row.words << ": " << d.why;
    if (!row.candidates.empty()) {
      EXPECT_EQ(d.candidates, row.candidates) << row.words << ": " << d.why;
    }
    std::vector<std::uint64_t> adb;
    for (const Event& e : h.events) {
      if (std::holds_alternative<Presence>(e.body)) adb.push_back(e.seq);
    }
    const Diagnosis twin = diagnose(observed(h.without(adb)), blind);
    EXPECT_EQ(twin.cause, std::string(row.cause) == "power" ? "power" : "unknown") << row.words << ": " << twin.why;
  }
}

TEST(DiagnoseAdb, ACrashThatAdbTellsRulesOutItsLookAlikes) {
  Scope blind = scope();
  blind.sources.erase("usb");
  const auto ruled_out = [&](const History& h) {
    std::vector<std::string> names;
    const Diagnosis d = diagnose(observed(h.events), blind);
    for (const auto& r : d.ruled_out) names.push_back(r.cause);
    return names;
  };
  History app = approved();
  app.wait(2s);
  seen(app, "app", false, 100ms);
  seen(app, "app", true, 100ms);
  app.silence();
  EXPECT_EQ(ruled_out(app), (std::vector<std::string>{"power", "os_crash", "app_hang"}));
  History os = approved();
  os.wait(2s);
  seen(os, "adb", false, 100ms);
  const std::uint64_t fed = os.rail(5000);
  seen(os, "adb", true, 100ms);
  seen(os, "os", false, 100ms);
  os.silence();
  EXPECT_EQ(ruled_out(os), (std::vector<std::string>{"power"}));
  os.events.erase(os.events.begin() + static_cast<std::ptrdiff_t>(fed) - 1);
  EXPECT_NE(ruled_out(os), (std::vector<std::string>{"power"})) << "the twin: nobody measured while it was away";
}

/// A driver says what became of its link: that is neither a word of the terminal nor a question it left unanswered.
TEST(DiagnoseAdb, ARemarkOfALinkIsNoWordOfTheTerminal) {
  const auto with = [](const char* place) {
    History h = begun();
    h.silence();
    h.add(Source::terminal, Text{place, "adb: R58: device offline"});
    return of(h.events).cause;
  };
  EXPECT_EQ(with("link"), "unknown");
  EXPECT_EQ(with("rig"), "app_hang") << "the twin";
  const auto after_swipe = [](const char* place) {
    History h = begun();
    h.mark(Source::terminal, "card_wanted");
    h.swipe();
    h.add(Source::terminal, Text{place, "usb: transfer error; opened again"});
    h.silence();
    Scope s = scope();
    s.sources.insert("card");
    return diagnose(observed(h.events), s).cause;
  };
  EXPECT_EQ(after_swipe("link"), "app_hang") << "it said nothing to the swipe";
  EXPECT_EQ(after_swipe("screen"), "unknown") << "the twin: it waits for a card";
}

}  // namespace
}  // namespace swiperig
