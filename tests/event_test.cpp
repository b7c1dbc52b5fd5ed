// What is recorded must come back unchanged, and its text must be the same on every machine: the head is made of it.
#include "rig/event.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <set>

namespace swiperig {
namespace {

std::string json_of(const Body& body) {
  std::string text;
  append_json(body, text);
  return text;
}

std::string refusal(std::string_view kind, std::string_view json) {
  try {
    parse_body(kind, json);
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return {};
}

struct Golden {
  Body body;
  std::string kind, json;
};

std::vector<Golden> goldens() {
  using namespace std::chrono_literals;
  return {
      {Swipe{"debit", 500, false, "back", 2000, 10, 40, 20, 300ms, 2000, false}, "swipe",
       R"({"card":"debit","speed_mm_s":500,"reverse":false,"face":"back","acceleration_mm_s2":2000,"from_mm":10,)"
       R"("to_mm":40,"stop_mm":20,"stop_lasts_ns":300000000,"tilt_mdeg":2000})"},
      {Swipe{"debit", 500, true}, "swipe", R"({"card":"debit","speed_mm_s":500,"reverse":true})"},
      {Press{"1 2 OK"}, "press", R"({"keys":"1 2 OK"})"},
      {Dip{"debit", 3s, 20, 80}, "dip", R"({"card":"debit","dwell_ns":3000000000,"depth_mm":20,"speed_mm_s":80})"},
      {Dip{"debit", 3s}, "dip", R"({"card":"debit","dwell_ns":3000000000})"},
      {CardTap{"debit", 500ms, 15}, "tap", R"({"card":"debit","hold_ns":500000000,"height_mm":15})"},
      {Supply{false}, "supply", R"({"on":false})"},
      {BrownOut{3100, 80ms}, "brown_out", R"({"to_mv":3100,"lasts_ns":80000000})"},
      {BrownOut{3100, 80ms, 200ms, 100ms, 5}, "brown_out",
       R"({"to_mv":3100,"lasts_ns":80000000,"fall_ns":200000000,"rise_ns":100000000,"steps":5})"},
      {Impairment{true, 1500ms}, "impairment", R"({"outage":true,"lasts_ns":1500000000})"},
      {HostBehaviour{"late", 2s, "61"}, "host_behaviour", R"({"name":"late","lasts_ns":2000000000,"code":"61"})"},
      {PartState{"keypad", "dead", "OK", 2s}, "part",
       R"({"part":"keypad","state":"dead","which":"OK","lasts_ns":2000000000})"},
      {PartState{"printer", "out_of_paper"}, "part", R"({"part":"printer","state":"out_of_paper"})"},
      {Intent{"sale", 1234, "good sale"}, "intent", R"({"what":"sale","amount_minor":1234,"detail":"good sale"})"},
      {Armed{3, "drop"}, "armed", R"({"step":3,"what":"drop"})"},
      {Milestone{"told", {{"stan", "000001"}, {"amount", "1234"}}}, "milestone",
       R"({"name":"told","fields":{"stan":"000001","amount":"1234"}})"},
      {Text{"screen", "READY"}, "text", R"({"place":"screen","text":"READY"})"},
      {Reading{4998, -3}, "reading", R"({"rail_mv":4998,"draw_ma":-3})"},
      {MotionDone{"swipe", 498, false}, "motion_done", R"({"what":"swipe","speed_mm_s":498,"reverse":false})"},
      {MotionDone{"dip", 0, false, "", 3s}, "motion_done",
       R"({"what":"dip","speed_mm_s":0,"reverse":false,"held_ns":3000000000})"},
      {Presence{"host", true}, "presence", R"({"what":"host","up":true})"},
      {BookRead{"ledger", {{"000001", "000002", "sale", 100, "approved"}, {"000001", "000003", "void", -100, ""}}},
       "book_read",
       R"({"book":"ledger","entries":[{"batch":"000001","stan":"000002","kind":"sale","amount_minor":100,)"
       R"("state":"approved"},)"
       R"({"batch":"000001","stan":"000003","kind":"void","amount_minor":-100,"state":""}]})"},
      {Fired{0, false, "late"}, "fired", R"({"step":0,"done":false,"what":"late"})"},
      {EquipmentFault{"alarm 1"}, "equipment_fault", R"({"what":"alarm 1"})"},
      {Silence{90s}, "silence", R"({"lasted_ns":90000000000})"},
  };
}

TEST(Event, EveryKindHasOneTextAndComesBackFromIt) {
  std::set<std::size_t> kinds;
  for (const Golden& g : goldens()) {
    SCOPED_TRACE(g.kind);
    kinds.insert(g.body.index());
    EXPECT_EQ(kind_of(g.body), g.kind);
    EXPECT_EQ(json_of(g.body), g.json);
    const Body back = parse_body(g.kind, g.json);
    EXPECT_EQ(back.index(), g.body.index());
    EXPECT_EQ(json_of(back), g.json);
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<Body>) << "a kind without a golden text";
}

// what a swipe usually has not is left out, so that a trace from before it could be said reads the same
TEST(Event, WhatIsUsualAboutASwipeIsNotSaid) {
  Swipe twice{"debit", 500, false};
  EXPECT_EQ(json_of(twice), R"({"card":"debit","speed_mm_s":500,"reverse":false})");
  EXPECT_EQ(manner_of(twice), "");
  twice.twice = true;
  const std::string said = json_of(twice);
  EXPECT_EQ(said, R"({"card":"debit","speed_mm_s":500,"reverse":false,"twice":true})");
  EXPECT_TRUE(std::get<Swipe>(parse_body("swipe", said)).twice);
  EXPECT_EQ(manner_of(twice), "twice");
  Swipe lifted{"debit", 500, false};
  lifted.lift_mm = 3;
  EXPECT_EQ(json_of(lifted), R"({"card":"debit","speed_mm_s":500,"reverse":false,"lift_mm":3})");
  EXPECT_EQ(std::get<Swipe>(parse_body("swipe", json_of(lifted))).lift_mm, 3);
  EXPECT_EQ(manner_of(lifted), "3 mm above the floor of the slot");
  EXPECT_EQ(json_of(MotionDone{"swipe", 500, false, "twice"}),
            R"({"what":"swipe","speed_mm_s":500,"reverse":false,"manner":"twice"})");
}

TEST(Event, AnyOtherValueIsAnotherText) {
  for (const Golden& g : goldens()) {
    // the twin: one digit, letter or flag changed is seen in what comes back
    std::string other = g.json;
    const auto at = other.find_last_of("0123456789ltRke");
    ASSERT_NE(at, std::string::npos);
    std::string changed = other;
    if (const auto flag = other.find("true"); flag != std::string::npos) {
      changed.replace(flag, 4, "false");
    } else if (const auto off = other.find("false"); off != std::string::npos) {
      changed.replace(off, 5, "true");
    } else if (const auto digit = other.find_last_of("123456789"); digit != std::string::npos) {
      changed[digit] = changed[digit] == '9' ? '1' : static_cast<char>(changed[digit] + 1);
    } else {
      changed[changed.rfind('"') - 1] = 'z';
    }
    EXPECT_EQ(json_of(parse_body(g.kind, changed)), changed);
    EXPECT_NE(changed, json_of(g.body));
  }
}

TEST(Event, TheLineOfTheHeadIsTimeUncertaintySourceKindBody) {
  Event e;
  e.seq = 7;
  e.cycle = 3;
  e.at = Time(Duration(1234));
  e.at_uncertainty = Duration(5);
  e.source = Source::power;
  e.body = Supply{true};
  std::string line;
  append_canonical(e, line);
  EXPECT_EQ(line, R"(1234|5|power|supply|{"on":true})");
  // neither number nor cycle is in it: an epoch has one head wherever it stands in a run
  e.seq = 8;
  e.cycle = 4;
  std::string again;
  append_canonical(e, again);
  EXPECT_EQ(again, line);
  e.at += Duration(1);
  std::string later;
  append_canonical(e, later);
  EXPECT_NE(later, line);
}

TEST(Event, HostileTextSurvives) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  const std::vector<std::string> hostile = {std::string("a\0b", 3),
                                            "\x7f",
                                            "\"\\\"\\",
                                            "\\u0000",
                                            "\r\n\t",
                                            "\x80",
                                            "\xc3",
                                            "\xed\xa0\x80",
                                            "\xff\xfe",
                                            "\xf5\x80\x80\x80",
                                            "卡号",
                                            all,
                                            std::string(65536, '\\'),
                                            std::string(65536, '\0'),
                                            ""};
  for (const std::string& text : hostile) {
    SCOPED_TRACE(text.size());
    const Body bodies[] = {Text{"screen", text}, Milestone{"told", {{text, text}, {"stan", text}}},
                           EquipmentFault{text}, BookRead{"journal", {{text, text, text, 1, text}}}};
    for (const Body& body : bodies) {
      const std::string json = json_of(body);
      for (const char c : json) {
        const auto byte = static_cast<unsigned char>(c);
        ASSERT_TRUE(byte >= 0x20 && byte != 0x7f) << "a raw control character in the trace";
      }
      Body back;
      ASSERT_NO_THROW(back = parse_body(kind_of(body), json));
      ASSERT_EQ(json_of(back), json);
    }
    ASSERT_EQ(std::get<Text>(parse_body("text", json_of(bodies[0]))).text, text);
    const auto back = std::get<Milestone>(parse_body("milestone", json_of(bodies[1])));
    ASSERT_EQ(back.fields, std::get<Milestone>(bodies[1]).fields);
  }
}

TEST(Event, NumbersKeepTheirWholeRange) {
  for (const std::int64_t n : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::int64_t{0},
                               std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(std::get<Reading>(parse_body("reading", json_of(Reading{n, 0}))).rail_mv, n);
    EXPECT_EQ(std::get<Silence>(parse_body("silence", json_of(Silence{Duration(n)}))).lasted.count(), n);
  }
}

TEST(Event, WhatIsNoBodyIsRefusedByName) {
  const struct {
    const char *kind, *json, *named;
  } bad[] = {
      {"swipes", R"({"card":"a","speed_mm_s":1,"reverse":false})", "swipes"},
      {"", "{}", "unknown kind"},
      {"swipe", R"({"card":"a","reverse":false})", "speed_mm_s"},
      {"swipe", R"({"card":"a","speed_mm_s":1,"reverse":false,"x":1})", "swipe"},
      {"swipe", R"({"card":1,"speed_mm_s":1,"reverse":false})", "card"},
      {"swipe", R"({"card":"a","speed_mm_s":"1","reverse":false})", "speed_mm_s"},
      {"swipe", R"({"card":"a","speed_mm_s":1.5,"reverse":false})", "speed_mm_s"},
      {"swipe", R"({"card":"a","speed_mm_s":1,"reverse":1})", "reverse"},
      {"reading", R"({"rail_mv":9223372036854775808,"draw_ma":0})", "rail_mv"},
      {"fired", R"({"step":4294967296,"done":true,"what":""})", "step"},
      {"milestone", R"({"name":"told","fields":[]})", "fields"},
      {"milestone", R"({"name":"told","fields":{"stan":1}})", "stan"},
      {"book_read", R"({"book":"ledger","entries":{}})", "entries"},
      {"book_read", R"({"book":"ledger","entries":[1]})", "entries"},
      {"book_read", R"({"book":"ledger","entries":[{"batch":"1"}]})", "stan"},
      {"book_read", R"({"book":"b","entries":[{"batch":"","stan":"","kind":"","amount_minor":1,"state":"","x":1}]})",
       "entries"},
      {"press", "", "object"},
      {"press", "[]", "object"},
      {"press", R"({"keys":"1")", "object"},
      {"press",
       R"({"keys":"1"} )"
       "x",
       "object"},
  };
  for (const auto& b : bad) {
    EXPECT_NE(refusal(b.kind, b.json).find(b.named), std::string::npos)
        << b.kind << " " << b.json << ": " << refusal(b.kind, b.json);
  }
  // the twin: the same bodies put right are taken
  EXPECT_EQ(refusal("swipe", R"({"card":"a","speed_mm_s":1,"reverse":false})"), "");
  EXPECT_EQ(refusal("fired", R"({"step":42,"done":true,"what":""})"), "");
  EXPECT_EQ(
      refusal("book_read", R"({"book":"b","entries":[{"batch":"","stan":"","kind":"","amount_minor":1,"state":""}]})"),
      "");
}

TEST(Event, SourcesAndTheLineBetweenActionsAndObservations) {
  for (const auto source :
       {Source::rig, Source::actuator, Source::power, Source::network, Source::host, Source::terminal}) {
    EXPECT_EQ(parse_source(to_string(source)), source);
  }
  EXPECT_THROW(parse_source("printer"), std::runtime_error);
  const std::set<std::string> actions = {"swipe",      "press",          "dip",  "tap",    "supply", "brown_out",
                                         "impairment", "host_behaviour", "part", "intent", "armed"};
  for (const Golden& g : goldens()) {
    Event e;
    e.body = g.body;
    EXPECT_EQ(e.is_observation(), !actions.contains(g.kind)) << g.kind;
  }
}

}  // namespace
}  // namespace swiperig
