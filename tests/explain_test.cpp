#include "reports/explain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/visible.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

Case response_lost() {
  Case c;
  c.name = "response lost";
  c.point = "P10";
  c.amount_minor = 1234;
  c.card = "good";
  c.cause = "network";
  Step drop;
  drop.when = "response_entered";
  drop.action = NetworkFault{NetworkFault::drop, {}};
  c.steps = {drop};
  return c;
}

/// A response lost on its way, never reversed: the cardholder stays charged.
CycleRecord charged_in_silence() {
  CycleRecord c;
  c.cycle = 7;
  c.case_name = "response lost";
  c.begun = Time(100s);
  const auto add = [&](Duration at, Source source, Body body) {
    Event e;
    e.seq = 40 + c.events.size();
    e.cycle = 7;
    e.at = c.begun + at;
    e.source = source;
    e.body = std::move(body);
    c.events.push_back(std::move(e));
  };
  const Fields message = {{"mti", "0200"}, {"stan", "000012"}, {"batch", "000001"}, {"amount", "000000001234"}};
  Fields answer = message;
  answer.insert(answer.end(), {{"code", "00"}, {"mac", "ok"}});
  add(0ms, Source::rig, Intent{"sale", 1234, "response lost"});                                  // 40
  add(1500us, Source::actuator, Swipe{"good", 500, true});                                       // 41
  add(300ms, Source::actuator, MotionDone{"swipe", 498, true});                                  // 42
  add(310ms, Source::network, Milestone{"request_entered", message});                            // 43
  add(311ms, Source::network, Milestone{"request_left", message});                               // 44
  add(320ms, Source::network, Milestone{"response_entered", answer});                            // 45
  add(320ms, Source::rig, Fired{0, true, "drop the message"});                                   // 46
  add(400ms, Source::power, Reading{5012, 310});                                                 // 47
  add(90s, Source::rig, Silence{90s});                                                           // 48
  add(91s, Source::terminal, BookRead{"journal", {}});                                           // 49
  add(91s, Source::host, BookRead{"ledger", {{"000001", "000012", "sale", 1234, "approved"}}});  // 50
  Verdict v;
  v.outcome = Outcome::fail;
  v.why = "cardholder charged 12.34, the terminal's journal has nothing";
  v.findings = {{"I2", v.why, {50}}};
  v.diagnosis = {"network", "the response never left the network", {"host_slow"}, {45}};
  v.induced = "network";
  v.checked = {"I1", "I2"};
  v.not_observable = {"I9"};
  v.in_doubt = 90s;
  c.verdict = v;
  return c;
}

TEST(Explain, TellsEveryEventWithItsTime) {
  const std::string text = explain(response_lost(), Scope{}, charged_in_silence());
  EXPECT_THAT(text, HasSubstr("cycle 7: response lost (P10), a sale of 12.34 with card \"good\""));
  EXPECT_THAT(text, HasSubstr("planned at response_entered: drop the message"));
  EXPECT_THAT(text, ContainsRegex("40 +0.000  rig +sale of 12.34 begins"));
  EXPECT_THAT(text, ContainsRegex("41 +1.500  actuator  swipe card \"good\" at 500 mm/s, the wrong way round"));
  EXPECT_THAT(text, ContainsRegex("42 +300.000  actuator  swipe done, measured 498 mm/s, the wrong way round"));
  EXPECT_THAT(text,
              ContainsRegex("45 +320.000  network   response_entered: .*stan 000012, amount 12.34, code 00, mac ok"));
  EXPECT_THAT(text, HasSubstr("step 1 done: drop the message"));
  EXPECT_THAT(text, HasSubstr("rail 5012 mV, draws 310 mA"));
  EXPECT_THAT(text, ContainsRegex("48 +90000.000  rig +nothing came back for 90 s"));
}

TEST(Explain, ShowsTheMoneyInThreeBooks) {
  const std::string text = explain(response_lost(), Scope{}, charged_in_silence());
  EXPECT_THAT(text, HasSubstr("batch 000001 STAN 000012, a request of 12.34:  told nothing  |  journal nothing  |  "
                              "ledger approved 12.34"));
  CycleRecord unread = charged_in_silence();
  unread.events.resize(9);
  EXPECT_THAT(explain(response_lost(), Scope{}, unread), HasSubstr("journal not read  |  ledger not read"));
}

TEST(Explain, MarksTheLinesThatDecided) {
  const std::string text = explain(response_lost(), Scope{}, charged_in_silence());
  EXPECT_THAT(text, ContainsRegex("\n \\* +45 "));
  EXPECT_THAT(text, ContainsRegex("\n!  +50 "));
  EXPECT_THAT(text, ContainsRegex("\n   +44 "));
  EXPECT_THAT(text, HasSubstr("finding I2: cardholder charged 12.34"));
  EXPECT_THAT(text, HasSubstr("diagnosis: network (network, \xE7\xBD\x91\xE7\xBB\x9C), because"));
  EXPECT_THAT(text, HasSubstr("it could be host_slow"));
  EXPECT_THAT(text, HasSubstr("outcome: fail, because"));
  EXPECT_THAT(text, HasSubstr("not observable on this bench: I9"));
}

TEST(Explain, ACycleCutShortIsInconclusive) {
  CycleRecord c = charged_in_silence();
  c.verdict.reset();
  EXPECT_THAT(explain(response_lost(), Scope{}, c),
              HasSubstr("outcome: inconclusive, because the cycle was cut short"));
}

TEST(Explain, WhatDevicesSayMovesNoCursor) {
  CycleRecord c = charged_in_silence();
  const std::string hostile = std::string("\x1b]0;x\x07\r\n\xE2\x80\xAE", 11) + std::string(1, '\0') + "\x9b\xff";
  c.case_name = hostile;
  for (const Body& body :
       {Body(Text{hostile, hostile}), Body(Milestone{hostile, {{"stan", hostile}, {"amount", hostile}}}),
        Body(Presence{hostile, true}), Body(EquipmentFault{hostile}),
        Body(BookRead{hostile, {{hostile, hostile, hostile, 1, hostile}}}), Body(Fired{0, false, hostile}),
        Body(Armed{0, hostile}), Body(Intent{hostile, 1, hostile}), Body(MotionDone{hostile, 1, false}),
        Body(Swipe{hostile, 1, false}), Body(Press{hostile}), Body(HostBehaviour{hostile, {}, {}}),
        Body(PartState{hostile, hostile, hostile, {}})}) {
    Event e;
    e.seq = 60 + c.events.size();
    e.body = body;
    c.events.push_back(e);
  }
  c.verdict->why = c.verdict->diagnosis.why = c.verdict->findings[0].what = hostile;
  c.verdict->diagnosis.cause = c.verdict->induced = hostile;
  const std::string text = explain(response_lost(), Scope{}, c);
  for (const char* bad : {"\x1b", "\x07", "\r", "\xE2\x80\xAE", "\x9b", "\xff"}) EXPECT_THAT(text, Not(HasSubstr(bad)));
  EXPECT_EQ(text.find('\0'), std::string::npos);
  EXPECT_THAT(text, HasSubstr("\\x1B]0;x\\x07\\x0D\\x0A\\u{202E}\\x00\\x9B\\xFF"));
}

TEST(Visible, LeavesPlainAndChineseTextAlone) {
  EXPECT_EQ(visible("APPROVED 12.34 \xE4\xBA\xA4\xE6\x98\x93\xE6\x88\x90\xE5\x8A\x9F"),
            "APPROVED 12.34 \xE4\xBA\xA4\xE6\x98\x93\xE6\x88\x90\xE5\x8A\x9F");
  EXPECT_EQ(visible("\xE4\xBA"), "\\xE4\\xBA");                             // cut off
  EXPECT_EQ(visible("\xC0\xAF\xED\xA0\x80"), "\\xC0\\xAF\\xED\\xA0\\x80");  // overlong, surrogate
  EXPECT_EQ(visible("\xF3\xA0\x80\x81 \xC2\x85 \xE2\x80\x8B"), "\\u{E0001} \\u{0085} \\u{200B}");
}

/// A doubt of cycle 7 that cycle 9 ended.
TEST(Explain, WhatCameLaterAmendsTheCycleItBelongsTo) {
  const auto cycle = [](std::int64_t number, Standing::Class state, bool carried, std::int64_t minor) {
    CycleRecord c;
    c.cycle = number;
    c.verdict = Verdict{};
    Standing& one = c.verdict->standings.emplace_back();
    one.batch = "000001";
    one.stan = "000012";
    one.state = state;
    one.carried = carried;
    one.ledger_minor = minor;
    return c;
  };
  const CycleRecord doubt = cycle(7, Standing::doubtful, false, 1234);
  const CycleRecord still = cycle(8, Standing::doubtful, true, 1234), ended = cycle(9, Standing::reversed, false, 0);
  const std::vector<CycleRecord> later = {still, ended};
  EXPECT_EQ(amendments(doubt, later),
            "amended by cycle 9: batch 000001 STAN 000012 is booked and undone (已入账并冲正): journal 0.00, ledger "
            "0.00\n");
  EXPECT_EQ(amendments(doubt, std::vector{still}), "") << "the twin: nothing new was seen";
  EXPECT_EQ(amendments(still, std::vector{ended}), "") << "it is not that cycle's own";
  CycleRecord cut = doubt;
  cut.verdict.reset();
  EXPECT_EQ(amendments(cut, later), "");
}

}  // namespace
}  // namespace swiperig
