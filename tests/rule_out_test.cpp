// What a diagnosis has considered beside its answer: what looks like it is ruled out by an event, and stays open where
// that event is missing. An answer with something open is likely, not proved.
#include <gtest/gtest.h>

#include <set>

#include "rig/diagnose.hpp"
#include "tests/history.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

Scope sees_usb() {
  Scope s = full_scope();
  s.sources.insert("usb");
  s.watchdog = 8s;
  return s;
}
Diagnosis of(const std::vector<Event>& events) { return diagnose(observed(events), sees_usb()); }

std::string ruled_out(const Diagnosis& d) {
  std::string all;
  for (const RuledOut& r : d.ruled_out) all += (all.empty() ? "" : " ") + r.cause;
  return all;
}
std::string open(const Diagnosis& d) {
  std::string all;
  for (const std::string& name : d.open) all += (all.empty() ? "" : " ") + name;
  return all;
}

TEST(RuleOut, ANetworkThatHoldsTheResponseIsProvedByWhatTheTerminalStillDid) {
  History h = asked();
  const auto entered = h.wire("response_entered", 1, 1234, "00");
  h.wait(10s);
  const auto gave_up = h.gave_up(1);
  const Diagnosis d = of(h.events);
  EXPECT_EQ(d.cause, "network");
  EXPECT_EQ(ruled_out(d), "power app_hang host_down");
  EXPECT_EQ(d.confidence(), "proved");
  EXPECT_EQ(d.ruled_out[0].evidence, std::vector{gave_up});
  EXPECT_EQ(d.ruled_out[2].evidence, std::vector{entered});
  // without what speaks against them, they stay open
  const Diagnosis less = of(h.without({gave_up}));
  EXPECT_EQ(less.cause, "network");
  EXPECT_EQ(open(less), "power app_hang");
  EXPECT_EQ(less.confidence(), "likely");
}

TEST(RuleOut, BetweenThePathAndTheHostOnlyTheHostTells) {
  History h = asked();
  const auto at_host = h.wire("request_at_host", 1);
  h.wait(10s);
  h.gave_up(1);
  EXPECT_EQ(of(h.events).cause, "host_down");
  EXPECT_EQ(of(h.events).confidence(), "proved");
  const Diagnosis less = of(h.without({at_host}));
  EXPECT_EQ(less.cause, "host_down");
  EXPECT_EQ(open(less), "network") << "lost behind the path it looks the same";
}

TEST(RuleOut, ACrashOfTheSystemIsProvedByItsRailAlone) {
  History h = asked();
  h.answered(1, 1234);
  h.add(Source::terminal, Presence{"usb", false});
  h.wait(1s);
  const auto rail = h.rail(5000);
  h.wait(4s);
  h.add(Source::terminal, Presence{"usb", true});
  h.mark(Source::terminal, "booted");
  h.silence();
  EXPECT_EQ(of(h.events).cause, "os_crash");
  EXPECT_EQ(ruled_out(of(h.events)), "power");
  EXPECT_EQ(open(of(h.without({rail}))), "power") << "it may have been dark for a moment";
}

TEST(RuleOut, AReaderIsTheReadersAndASwipeTheOperatorsAsFarAsIsKnown) {
  const auto misread = [](std::int64_t speed_mm_s, bool recovers) {
    History h;
    h.intent("sale", 1234);
    h.mark(Source::terminal, "card_wanted");
    h.swipe(speed_mm_s);
    h.mark(Source::terminal, "read_error");
    if (recovers) h.recover();
    return of(h.events);
  };
  EXPECT_EQ(misread(500, false).cause, "card_reader");
  EXPECT_EQ(misread(500, false).confidence(), "proved");
  EXPECT_EQ(misread(1800, true).cause, "operator_swipe");
  EXPECT_EQ(ruled_out(misread(1800, true)), "card_reader");
  EXPECT_EQ(misread(1800, false).confidence(), "likely") << "nobody knows whether that card can be read at all";
}

TEST(RuleOut, ADeclineIsTheHostsWhereItIsSigned) {
  const auto declined = [](const char* mac) {
    History h = asked();
    h.answered(1, 1234, "51", mac);
    h.told(1, "DECLINED", 1234);
    return of(h.events);
  };
  EXPECT_EQ(declined("ok").cause, "funds");
  EXPECT_EQ(ruled_out(declined("ok")), "forged");
  EXPECT_EQ(declined("absent").cause, "funds");
  EXPECT_EQ(open(declined("absent")), "forged");
}

TEST(RuleOut, UnknownHasCandidatesAndNoConfidence) {
  History h = asked();
  h.answered(1, 1234);
  const Diagnosis d = of(h.events);
  EXPECT_EQ(d.cause, "unknown");
  EXPECT_EQ(d.confidence(), "none");
  EXPECT_TRUE(d.ruled_out.empty() && d.open.empty());
  EXPECT_FALSE(d.candidates.empty());
}

TEST(RuleOut, TheTableNamesCausesAndItselfNever) {
  std::set<std::string> causes;
#define CAUSE(name, section, parent, english, chinese) causes.insert(#name);
#include "rig/causes.def"
#undef CAUSE
  std::set<std::pair<std::string, std::string>> seen;
#define LOOK_ALIKE(cause, other)                                                                  \
  EXPECT_TRUE(causes.count(#cause) == 1 && causes.count(#other) == 1) << #cause << " " << #other; \
  EXPECT_STRNE(#cause, #other);                                                                   \
  EXPECT_TRUE(seen.emplace(#cause, #other).second) << #cause << " " << #other;
#include "rig/look_alikes.def"
#undef LOOK_ALIKE
  EXPECT_GT(seen.size(), 25u);
}

TEST(RuleOut, IsStoredWithTheVerdict) {
  Verdict v;
  v.diagnosis = {"network", "why", {}, {7}, {{"power", "it went on", {9}}}, {"host_down"}};
  const Verdict back = parse_verdict(to_json(v));
  EXPECT_EQ(to_json(back), to_json(v));
  EXPECT_EQ(ruled_out(back.diagnosis), "power");
  EXPECT_EQ(back.diagnosis.confidence(), "likely");
  Verdict moved = v;
  renumber(moved, 100);
  EXPECT_EQ(moved.diagnosis.evidence.at(0), 107u);
  EXPECT_EQ(moved.diagnosis.ruled_out.at(0).evidence.at(0), 109u);
}

}  // namespace
}  // namespace swiperig
