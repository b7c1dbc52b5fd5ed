// Why nothing came back, by DOMAIN.md 3.4: each cause from the observations that prove it, `unknown` with candidates
// when they are cut away, and never from what the rig was told to do.
#include "rig/diagnose.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "tests/history.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

Diagnosis of(const std::vector<Event>& events) { return diagnose(observed(events), full_scope()); }

History begun() {
  History h;
  h.intent("sale", 1234);
  return h;
}
History misread(std::int64_t speed_mm_s, bool reverse) {
  History h = begun();
  h.mark(Source::terminal, "card_wanted");
  h.swipe(speed_mm_s, reverse);
  h.add(Source::terminal, Text{"screen", "READ ERROR"});
  h.mark(Source::terminal, "read_error");
  return h;
}
History asked() {
  History h = begun();
  h.read_card();
  h.asked(1, 1234);
  return h;
}
History declined(const char* code) {
  History h = asked();
  h.answered(1, 1234, code);
  h.told(1, "DECLINED", 1234);
  return h;
}

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
  {  // 1
    History h = asked();
    h.add(Source::rig, EquipmentFault{"the actuator is in alarm"});
    h.rail(0);
    add("rig_fault", "actuator is in alarm", h);
  }
  {  // 2
    History h = asked();
    h.rail(120);
    h.silence();
    add("power", "brown-out", h);
  }
  add("operator_swipe", "1800 mm/s", misread(1800, false));  // 5
  add("operator_swipe", "40 mm/s", misread(40, false));
  add("operator_swipe", "wrong way", misread(500, true));
  add("card_reader", "within the reader's limits", misread(500, false));
  {  // 6
    History h = begun();
    h.silence();
    h.book("journal", {});
    add("keypad", "never asked for the card", h);
  }
  {  // 7
    History h = begun();
    h.mark(Source::terminal, "card_wanted");
    h.swipe();
    h.silence();
    h.recover();
    add("app_hang", "said nothing", h);
  }
  {  // 8
    History h = begun();
    h.read_card();
    h.wire("request_entered", 1, 1234);
    h.gave_up(1);
    add("network", "never left it towards the host", h);
  }
  {  // 9
    History h = begun();
    h.read_card();
    h.mark(Source::network, "refused", {{"connection", "1"}});
    add("host_down", "refused", h);
  }
  {
    History h = asked();
    h.gave_up(1);
    add("host_down", "nothing came back", h);
  }
  {
    History h = asked();
    h.wire("request_at_host", 1);
    h.gave_up(1);
    add("host_down", "never answered", h);
  }
  {  // 10
    History h = asked();
    h.wire("response_entered", 1, 1234, "00");
    h.gave_up(1);
    add("network", "never left it towards the terminal", h);
  }
  {  // 11
    History h = asked();
    h.wait(11s);
    h.answered(1, 1234);
    add("host_slow", "11", h);
  }
  {
    History h = asked();
    h.wire("response_entered", 1, 1234, "00");
    h.wait(11s);
    h.wire("response_left", 1, 1234, "00");
    add("network", "too long", h);
  }
  {  // 12
    History h = asked();
    h.answered(1, 1234, "00", "wrong");
    add("forged", "wrong MAC", h);
  }
  {
    History h = asked();
    h.mark(Source::network, "garbage", {{"connection", "1"}, {"from", "host"}, {"bytes", "20"}});
    add("forged", "no message", h);
  }
  // 13
  add("funds", "51", declined("51"));
  add("wrong_pin", "55", declined("55"));
  add("policy", "61", declined("61"));
  add("host_down", "96", declined("96"));
  add("setup", "03", declined("03"));
  add("forged", "34", declined("34"));
  add("fallback", "45", declined("45"));
  add("wrong_amount", "13", declined("13"));
  {  // 17
    History h = begun();
    h.read_card();
    h.asked(1, 12340);
    h.answered(1, 12340);
    h.told(1, "APPROVED", 12340);
    add("wrong_amount", "123.40 instead of 12.34", h);
  }
  {
    History h = begun();
    h.good_sale(1, 1234);
    add("none", "approved and told", h);
  }
  return all;
}

TEST(Diagnose, EachRuleByItsEvidence) {
  for (const Rule& r : rules()) {
    const Diagnosis d = of(r.history.events);
    EXPECT_EQ(d.cause, r.cause) << r.words << ": " << d.why;
    EXPECT_NE(d.why.find(r.words), std::string::npos) << d.why;
    EXPECT_TRUE(d.candidates.empty());
    EXPECT_TRUE(std::is_sorted(d.evidence.begin(), d.evidence.end()));
    for (const auto seq : d.evidence) EXPECT_LE(seq, r.history.events.size());
  }
}

TEST(Diagnose, WithoutItsEvidenceTheAnswerIsAnother) {
  for (const Rule& r : rules()) {
    const Diagnosis d = of(r.history.events);
    ASSERT_FALSE(d.evidence.empty()) << r.cause << ": a diagnosis without evidence";
    const Diagnosis blind = of(r.history.without(d.evidence));
    EXPECT_TRUE(blind.cause != d.cause || blind.why != d.why)
        << r.cause << " (" << r.words << ") does not rest on what it cites";
  }
}

TEST(Diagnose, WhatDoesNotDecideIsUnknownWithCandidates) {
  const auto expect_unknown = [](const History& h, const std::vector<std::string>& candidates) {
    const Diagnosis d = of(h.events);
    EXPECT_EQ(d.cause, "unknown") << d.why;
    for (const auto& c : candidates) {
      EXPECT_TRUE(std::find(d.candidates.begin(), d.candidates.end(), c) != d.candidates.end())
          << c << " for " << d.why;
    }
  };
  History nothing = begun();
  nothing.silence();
  expect_unknown(nothing, {"keypad", "app_hang"});
  History read = begun();
  read.read_card();
  read.silence();
  expect_unknown(read, {"app_hang", "network"});
  History waiting = begun();
  waiting.mark(Source::terminal, "card_wanted");
  waiting.silence();
  expect_unknown(waiting, {"card_reader", "operator_swipe"});
  History ignored = waiting;  // nobody knows that a card was swiped at all
  ignored.events.pop_back();
  ignored.swipe();
  ignored.silence();
  expect_unknown(ignored, {"app_hang", "rig_fault"});
  ignored.recover();
  EXPECT_EQ(of(ignored.events).cause, "app_hang") << "the twin: it was read later";
  History approved = asked();
  approved.answered(1, 1234);
  expect_unknown(approved, {"app_crash", "app_hang"});
  History not_booked = approved;
  not_booked.book("journal", {});
  expect_unknown(not_booked, {"database"});  // 14
  History not_told = approved;
  not_told.book("journal", {History::row(1, 1234, "approved")});
  expect_unknown(not_told, {"display", "printer"});  // 15
  // the twin: told, it is decided
  not_told.told(1, "APPROVED", 1234);
  EXPECT_EQ(of(not_told.events).cause, "none");
}

TEST(Diagnose, CommandsNeverReachIt) {
  // commands say that the host is down, the power is cut and the card swiped wrongly; observations say a good sale
  History h;
  h.intent("sale", 1234);
  h.add(Source::rig, Armed{0, "cut the power"});
  h.add(Source::power, Supply{false});
  h.add(Source::network, Impairment{true, 0ns});
  h.add(Source::host, HostBehaviour{"refuse", 0ns, ""});
  h.add(Source::actuator, Swipe{"debit", 9000, true});
  h.add(Source::rig, Fired{0, true, "cut the power"});
  h.good_sale(1, 1234);
  EXPECT_EQ(of(h.events).cause, "none");
  for (const Event& e : observed(h.events).events) {
    EXPECT_TRUE(e.is_observation());
    EXPECT_FALSE(std::holds_alternative<Fired>(e.body)) << "that a step fired says what was injected";
  }
  // the other way round: nothing was commanded, the rail fell
  History dark = asked();
  dark.rail(0);
  EXPECT_EQ(of(dark.events).cause, "power");
  // and with or without its commands a history has one diagnosis
  for (const Rule& r : rules()) {
    History with;
    for (const Event& e : r.history.events) {
      with.events.push_back(e);
      for (const Body& command :
           {Body{Supply{false}}, Body{HostBehaviour{"silent", 0ns, ""}}, Body{Fired{1, true, "drop the message"}}}) {
        Event c = e;
        c.body = command;
        with.events.push_back(c);
      }
    }
    const Diagnosis a = of(r.history.events), b = of(with.events);
    EXPECT_EQ(a.cause + a.why, b.cause + b.why);
    EXPECT_EQ(a.evidence, b.evidence);
  }
}

TEST(Diagnose, TheRecoveryIsNotTheCase) {
  History h = asked();
  h.gave_up(1);
  h.recover();
  h.book("journal", {});
  EXPECT_EQ(of(h.events).cause, "host_down") << "the rail falls in every recovery, and its sale is approved";
  const Observed o = observed(h.events);
  EXPECT_EQ(o.amount_minor, 1234);
  EXPECT_TRUE(std::holds_alternative<BookRead>(o.events.back().body));
}

}  // namespace
}  // namespace swiperig
