// Campaign files: the shipped one is read and can be done on both shipped benches; a case that is wrong, or that a
// bench cannot do or see exactly, is refused with its place before anything moves.
#include "bindings/campaign_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bindings/config.hpp"
#include "rig/verdict.hpp"
#include "tests/folder.hpp"
#include "tests/mutation.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string shipped() { return read_text(project / "fixtures/campaigns/no_return.toml"); }
BenchFile virtual_bench() { return read_bench((project / "fixtures/benches/virtual.toml").string()); }

const std::string good =
    "schema = 1\n"                   //  1
    "name = \"one\"\n"               //  2
    "\n"                             //  3
    "[[case]]\n"                     //  4
    "name = \"lost\"\n"              //  5
    "amount = \"12.34\"\n"           //  6
    "card = \"debit\"\n"             //  7
    "swipe = \"500 mm/s\"\n"         //  8
    "cause = \"network\"\n"          //  9
    "must = [\"card_read\"]\n"       // 10
    "\n"                             // 11
    "[[case.step]]\n"                // 12
    "when = \"response_entered\"\n"  // 13
    "network = \"drop\"\n";          // 14

/// How reading it and checking it against the bench is refused, from the file's name on; "" when it is not.
std::string refused(const std::string& text, const BenchFile& bench) {
  const Folder folder;
  const std::string path = folder.write("c.toml", text);
  try {
    check_feasible(read_campaign(path), bench);
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), StartsWith(path));
    return std::string(e.what()).substr(folder.path().string().size() + 1);
  }
  return "";
}

TEST(CampaignFile, TheDemonstrationIsReadAndFeasible) {
  const Campaign c = read_campaign((project / "fixtures/campaigns/no_return.toml").string());
  EXPECT_EQ(c.name, "no_return");
  EXPECT_GE(c.cases.size(), 8u);
  std::set<std::string> points;
  for (const Case& one : c.cases) points.insert(one.point);
  for (const char* point : {"P1", "P5", "P10", "P11", "P13"}) EXPECT_TRUE(points.contains(point)) << point;
  for (const char* bench : {"virtual", "realtime"}) {
    EXPECT_NO_THROW(check_feasible(c, read_bench((project / "fixtures/benches").string() + "/" + bench + ".toml")));
  }
}

TEST(CampaignFile, TheSwipeIsAStepOfItsOwn) {
  const Folder folder;
  const Campaign c = read_campaign(folder.write("c.toml", good));
  ASSERT_EQ(c.cases.size(), 1u);
  ASSERT_EQ(c.cases[0].steps.size(), 2u);
  EXPECT_EQ(c.cases[0].steps[0].when, "card_wanted");
  EXPECT_EQ(std::get<Swipe>(c.cases[0].steps[0].action).speed_mm_s, 500);
  EXPECT_EQ(std::get<NetworkFault>(c.cases[0].steps[1].action).kind, NetworkFault::drop);
  EXPECT_EQ(c.cases[0].amount_minor, 1234);
  EXPECT_EQ(refused(good, virtual_bench()), "");
}

struct Wrong {
  const char* name;
  std::string from, to;
  std::string said;
  friend void PrintTo(const Wrong& w, std::ostream* out) { *out << w.name; }
};
class CampaignWrong : public testing::TestWithParam<Wrong> {};

TEST_P(CampaignWrong, IsRefusedAtItsPlace) {
  EXPECT_THAT(refused(replaced(good, GetParam().from, GetParam().to), virtual_bench()), StartsWith(GetParam().said));
}

const std::string drop = "network = \"drop\"";
const std::string when = "when = \"response_entered\"";
const std::string infeasible = "c.toml:4:1: case \"lost\" cannot be done on bench \"virtual\": ";

const std::vector<Wrong> wrong = {
    {"unknown_key", "schema = 1", "schema = 1\ncolour = 1", "c.toml:2:10: unknown key \"colour\""},
    {"duplicate_key", "schema = 1", "schema = 1\nschema = 1", "c.toml:2:"},
    {"schema_missing", "schema = 1\n", "", "c.toml:1:1: \"schema\" is missing"},
    {"name_that_leaves_the_folder", "\"one\"", "\"../one\"", "c.toml:2:8: expected a name of letters, digits, - and _"},
    {"name_empty", "\"one\"", "\"\"", "c.toml:2:8: expected a name of letters"},
    {"repeat_zero", "name = \"one\"", "name = \"one\"\nrepeat = 0", "c.toml:3:10: expected a whole number from 1"},
    {"repeat_as_text", "name = \"one\"", "name = \"one\"\nrepeat = \"3\"",
     "c.toml:3:10: expected a whole number from 1"},
    {"case_unknown_key", "card = \"debit\"", "card = \"debit\"\nchip = true", "c.toml:8:8: unknown key \"chip\""},
    {"case_without_amount", "amount = \"12.34\"\n", "", "c.toml:4:1: \"amount\" is missing"},
    {"amount_as_number", "\"12.34\"", "12.34", "c.toml:6:10: expected an amount in quotes"},
    {"amount_in_thousandths", "\"12.34\"", "\"12.345\"", "c.toml:6:10: expected an amount in quotes"},
    {"swipe_without_unit", "\"500 mm/s\"", "500", "c.toml:8:9: expected a quantity in mm/s"},
    {"swipe_of_wrong_unit", "\"500 mm/s\"", "\"0.5 m/s\"", "c.toml:8:9: expected a quantity in mm/s"},
    {"swipe_unknown_key", "\"500 mm/s\"", "{ speed = \"500 mm/s\", backwards = true }", "c.toml:8:"},
    {"swipe_reverse_as_text", "\"500 mm/s\"", "{ speed = \"500 mm/s\", reverse = \"yes\" }",
     "c.toml:8:41: expected true or false"},
    {"cause_unknown", "cause = \"network\"", "cause = \"gremlins\"", "c.toml:9:9: expected one of none, card_reader, "},
    {"must_empty", "[\"card_read\"]", "[]", "c.toml:10:8: expected at least one milestone"},
    {"must_unknown", "[\"card_read\"]", "[\"card_read\", \"moon_landing\"]",
     "c.toml:10:22: expected one of start, card_wanted, "},
    {"must_as_text", "[\"card_read\"]", "\"card_read\"", "c.toml:10:8: expected a list"},
    {"patience_too_short", "cause = \"network\"", "cause = \"network\"\npatience = \"999 ms\"",
     "c.toml:10:12: expected a duration"},
    {"step_when_unknown", "response_entered", "response_eaten", "c.toml:13:8: expected one of start, card_wanted, "},
    {"step_nth_zero", drop, drop + "\nnth = 0", "c.toml:15:7: expected a whole number from 1 to 1000"},
    {"step_without_action", drop + "\n", "",
     "c.toml:12:1: expected exactly one of network, power, brown_out, host, part, press in a step"},
    {"step_with_two_actions", drop, drop + "\npower = \"off\"",
     "c.toml:12:1: expected exactly one of network, power, brown_out, host, part, press in a step"},
    {"step_unknown_key", drop, drop + "\nloudness = 11", "c.toml:15:12: unknown key \"loudness\""},
    {"network_fault_unknown", "\"drop\"", "\"eat\"", "c.toml:14:11: expected one of drop, delay, outage, fin, reset"},
    {"delay_without_lasts", "\"drop\"", "\"delay\"", "c.toml:14:11: expected lasts = ... with delay"},
    {"drop_with_lasts", drop, drop + "\nlasts = \"3 s\"", "c.toml:15:9: expected no lasts with drop"},
    {"fin_with_lasts", drop, "network = \"fin\"\nlasts = \"3 s\"", "c.toml:15:9: expected no lasts with fin"},
    {"lasts_of_wrong_unit", drop, "network = \"delay\"\nlasts = \"3 h\"", "c.toml:15:9: expected a duration"},
    {"lasts_too_long", drop, "network = \"delay\"\nlasts = \"601 s\"", "c.toml:15:9: expected a duration"},
    {"drop_with_after", drop, drop + "\nafter = \"3 ms\"",
     "c.toml:14:11: expected a message fault at a ..._entered milestone without after"},
    {"drop_of_what_has_left", when, "when = \"response_left\"",
     "c.toml:14:11: expected a message fault at a ..._entered milestone"},
    {"drop_at_start", when, "when = \"start\"", "c.toml:14:11: expected a message fault at a ..._entered milestone"},
    {"drop_with_a_swept_after", drop, drop + "\nafter = { from = \"0 s\", to = \"2 s\", by = \"1 s\" }",
     "c.toml:14:11: expected a message fault at a ..._entered milestone without after"},
    {"cut_without_bytes", drop, "network = \"cut\"", "c.toml:14:11: expected bytes = ... with cut, found \"cut\""},
    {"cut_of_nothing", drop, "network = \"cut\"\nbytes = 0", "c.toml:15:9: expected a whole number from 1 to 4096"},
    {"cut_then_what", drop, "network = \"cut\"\nbytes = 9\nthen = \"bang\"",
     "c.toml:16:8: expected one of silence, fin, reset"},
    {"silence_towards_one_side", drop, "network = \"cut\"\nbytes = 9\nside = \"host\"",
     "c.toml:16:8: expected no side with cut"},
    {"bytes_of_a_drop", drop, drop + "\nbytes = 9", "c.toml:15:9: expected no bytes with drop"},
    {"fin_towards_nobody", drop, "network = \"fin\"\nside = \"left\"",
     "c.toml:15:8: expected one of both, terminal, host"},
    {"alter_without_what", drop, "network = \"alter\"", "c.toml:14:11: expected what = ... with alter"},
    {"alter_what", drop, "network = \"alter\"\nwhat = \"mood\"", "c.toml:15:8: expected one of mac, stan, amount, "},
    {"alter_a_bit_of_the_mac", drop, "network = \"alter\"\nwhat = \"mac\"\nbit = 3",
     "c.toml:16:7: expected no bit with alter"},
    {"alter_which_bit", drop, "network = \"alter\"\nwhat = \"bit\"", "c.toml:14:11: expected bit = ... with alter"},
    {"replay_of_a_request", when + "\n" + drop, "when = \"request_entered\"\nnetwork = \"replay\"",
     "c.toml:14:11: expected replay where the host's messages enter"},
    {"jitter_without_wait", drop, "network = \"jitter\"", "c.toml:14:11: expected wait = ... with jitter"},
    {"rate_of_nothing", drop, "network = \"rate\"\nbytes_per_s = 0", "c.toml:15:15: expected a whole number from 1"},
    {"slow_accept_without_wait", drop, "network = \"accept_slow\"",
     "c.toml:14:11: expected wait = ... with accept_slow"},
    {"power_on", drop, "power = \"on\"", "c.toml:14:9: expected one of off"},
    {"power_with_lasts", drop, "power = \"off\"\nlasts = \"3 s\"", "c.toml:15:9: expected no lasts with power"},
    {"part_without_state", drop, "part = \"printer\"", "c.toml:12:1: \"state\" is missing"},
    {"part_unknown", drop, "part = \"laser\"\nstate = \"off\"",
     "c.toml:14:8: expected one of keypad, display, printer"},
    {"part_in_a_state_of_another", drop, "part = \"printer\"\nstate = \"mute\"",
     "c.toml:15:9: expected one of out_of_paper, cover_open, head_hot, sound"},
    {"part_which_of_no_keypad", drop, "part = \"printer\"\nstate = \"sound\"\nwhich = \"OK\"",
     "c.toml:16:9: expected which only with keypad"},
    {"part_lasts_wrongly", drop, "part = \"printer\"\nstate = \"head_hot\"\nlasts = 3", "c.toml:16:9: expected"},
    {"state_without_part", drop, drop + "\nstate = \"mute\"", "c.toml:15:9: unknown key \"state\""},
    {"part_key_unknown", drop, "part = \"keypad\"\nstate = \"dead\"\nwhich = \"F9\"",
     infeasible + "nobody there knows a key F9"},
    {"card_and_no_swipe", "\"500 mm/s\"", "\"none\"", "c.toml:7:8: unknown key \"card\""},
    {"host_unknown", drop, "host = \"angry\"", "c.toml:14:8: expected one of normal, slow, "},
    {"host_slow_without_lasts", drop, "host = \"slow\"", "c.toml:14:8: expected lasts = \"...\" with slow"},
    {"host_silent_with_lasts", drop, "host = \"silent\"\nlasts = \"3 s\"",
     "c.toml:15:9: expected no lasts with silent"},
    {"host_policy_without_code", drop, "host = \"policy\"", "c.toml:14:8: expected code = \"...\" with policy"},
    {"host_policy_with_another_code", drop, "host = \"policy\"\ncode = \"51\"",
     "c.toml:15:8: expected one of the codes 61 65 57 13"},
    {"host_silent_with_code", drop, "host = \"silent\"\ncode = \"51\"", "c.toml:15:8: expected no code with silent"},
    {"after_negative", drop, "power = \"off\"\nafter = \"-1 s\"", "c.toml:15:9: expected a duration"},
    {"two_of_one_name", drop + "\n", drop + "\n" + good.substr(good.find("[[case]]")),
     "c.toml:15:1: expected a case name that is not used twice"},
    {"no_case", good.substr(good.find("[[case]]")), "case = []\n", "c.toml:4:8: expected at least one [[case]]"},
    {"cases_missing", good.substr(good.find("[[case]]")), "", "c.toml:1:1: \"case\" is missing"},
    {"case_is_a_table", "[[case]]", "[case]", "c.toml:4:1: expected a list"},
    {"swipe_of_two_speeds", "\"500 mm/s\"", "[\"500 mm/s\", \"600 mm/s\"]",
     "c.toml:8:9: expected one value; a list only in a case that measures"},
    {"card_list_without_measure", "\"debit\"", "[\"debit\"]", "c.toml:7:8: expected one value"},
    {"face_unknown", "\"500 mm/s\"", "{ speed = \"500 mm/s\", face = \"left\" }",
     "c.toml:8:38: expected one of front, back, upside_down, found \"left\""},
    {"tilt_without_unit", "\"500 mm/s\"", "{ speed = \"500 mm/s\", tilt = 2 }",
     "c.toml:8:38: expected a quantity in deg"},
    {"partial_of_nothing", "\"500 mm/s\"", "{ speed = \"500 mm/s\", partial = {} }",
     "c.toml:8:41: expected from = \"... mm\" or to = \"... mm\", within the card"},
    {"partial_backwards", "\"500 mm/s\"", "{ speed = \"500 mm/s\", partial = { from = \"40 mm\", to = \"40 mm\" } }",
     "c.toml:8:64: expected a quantity in mm, from 41 to 85 mm"},
    {"stop_without_end", "\"500 mm/s\"", "{ speed = \"500 mm/s\", stop = { at = \"40 mm\" } }",
     "c.toml:8:38: \"lasts\" is missing"},
    {"twice_is_no_number", "\"500 mm/s\"", "{ speed = \"500 mm/s\", twice = 2 }",
     "c.toml:8:39: expected true or false"},
    {"swipe_with_more", "\"500 mm/s\"", "{ speed = \"500 mm/s\", force = \"2 N\" }",
     "c.toml:8:39: unknown key \"force\""},
    {"measure_with_a_cause", "cause =", "measure = \"card_read\"\ncause =", "c.toml:10:9: expected no cause"},
    {"measure_of_nobody", "cause = \"network\"", "measure = \"card_eaten\"", "c.toml:9:11: expected one of "},
    {"measure_over_nothing", "cause = \"network\"", "measure = \"card_read\"",
     "c.toml:9:11: expected exactly one list, of card, speed, acceleration or reader_passes"},
    {"bench_absent", "name = \"one\"", "name = \"one\"\nbench = \"absent.toml\"",
     "c.toml:3:9: expected the name of a file, relative to this one"},
    // what this bench cannot do or see
    {"turned_card", "\"500 mm/s\"", "{ speed = \"500 mm/s\", face = \"back\" }",
     infeasible + "this robot cannot turn a card"},
    {"tilted_card", "\"500 mm/s\"", "{ speed = \"500 mm/s\", tilt = \"2 deg\" }",
     infeasible + "this robot cannot tilt a card: the one in slot 'debit' lies at 0 mdeg, not 2000"},
    {"accelerating_card", "\"500 mm/s\"", "{ speed = \"500 mm/s\", acceleration = \"2000 mm/s2\" }",
     infeasible + "its acceleration may not be set"},
    {"partial_too_short_for_the_speed", "\"500 mm/s\"",
     "{ speed = \"500 mm/s\", partial = { from = \"40 mm\", to = \"45 mm\" } }",
     infeasible + "500 mm/s is not reached within 5.000 mm from rest to rest"},
    {"swipe_beyond_the_robot", "500 mm/s", "2501 mm/s", infeasible},
    {"swipe_too_slow_for_the_robot", "500 mm/s", "19 mm/s", infeasible},
    {"card_slot_unknown", "\"debit\"", "\"gold\"", infeasible},
    {"delay_beyond_patience", drop, "network = \"delay\"\nlasts = \"25 s\"",
     infeasible + "a delay of 25 s outlasts the case's patience of 25 s"},
    {"delay_beyond_own_patience", drop,
     "network = \"delay\"\nlasts = \"6 s\"\n[[case]]\npatience = \"5 s\"\nname = \"x\"\namount = "
     "\"1.00\"\ncard = \"debit\"\nswipe = \"500 mm/s\"\ncause = \"network\"\nmust = [\"card_read\"]\n[[case.step]]\n" +
         when + "\nnetwork = \"delay\"\nlasts = \"6 s\"\n",
     "c.toml:16:1: case \"x\" cannot be done on bench \"virtual\": a delay of 6 s outlasts the case's patience of 5 s"},
};
INSTANTIATE_TEST_SUITE_P(Files, CampaignWrong, testing::ValuesIn(wrong),
                         [](const testing::TestParamInfo<Wrong>& one) { return one.param.name; });

TEST(CampaignFile, OrdinaryVariationsAreRead) {
  const std::pair<std::string, std::string> fine[] = {
      {drop, "network = \"delay\"\nlasts = \"24 s\""},
      {drop, "network = \"outage\""},
      {drop, "network = \"outage\"\nafter = \"3 ms\"\nlasts = \"10 s\""},
      {drop, "network = \"reset\"\nnth = 2"},
      {drop, "network = \"cut\"\nbytes = 9\nthen = \"reset\"\nside = \"host\""},
      {drop, "network = \"cut\"\nbytes = { from = 1, to = 9, by = 2 }"},
      {drop, "network = \"fin\"\nside = \"terminal\""},
      {drop, "network = \"duplicate\""},
      {drop, "network = \"reorder\"\nlasts = \"3 s\""},
      {drop, "network = \"alter\"\nwhat = \"bit\"\nbit = { from = 0, to = 80, by = 8 }"},
      {drop, "network = \"replay\""},
      {drop, "network = \"jitter\"\nwait = \"200 ms\"\nlasts = \"20 s\""},
      {drop, "network = \"rate\"\nbytes_per_s = 300"},
      {when + "\n" + drop, "when = \"start\"\nnetwork = \"unanswered\""},
      {when + "\n" + drop, "when = \"start\"\nnetwork = \"accept_slow\"\nwait = \"2 s\""},
      {drop, "power = \"off\"\nafter = \"3 ms\""},
      {drop, "host = \"slow\"\nlasts = \"3 s\""},
      {"\"500 mm/s\"", "{ speed = \"2000 mm/s\", reverse = true }"},
      {"\"500 mm/s\"", "\"20 mm/s\""},
      {"\"500 mm/s\"", "{ speed = \"500 mm/s\", partial = { to = \"40 mm\" }, twice = true }"},
      {"\"500 mm/s\"", "{ speed = \"500 mm/s\", stop = { at = \"40 mm\", lasts = \"300 ms\" } }"},
  };
  for (const auto& [from, to] : fine) EXPECT_EQ(refused(replaced(good, from, to), virtual_bench()), "") << to;
}

TEST(CampaignFile, ACaseThatMeasuresIsOneCaseForEveryPlaceOfItsList) {
  const Campaign c = read_campaign((project / "fixtures/campaigns/reader_curve.toml").string());
  const BenchFile bench = read_bench(c.bench);
  EXPECT_EQ(bench.name, "reader");
  EXPECT_NO_THROW(check_feasible(c, bench));
  std::set<std::string> axes, series;
  for (const Case& one : c.cases) {
    EXPECT_EQ(one.measure.milestone, "card_read");
    EXPECT_EQ(one.name, one.measure.series + ", " + one.measure.at);
    EXPECT_EQ(std::get<Swipe>(one.steps.at(0).action).card, one.card);
    axes.insert(one.measure.axis);
    series.insert(one.measure.series);
    const Case again = parse_case(to_json(one));
    EXPECT_EQ(again.measure.at, one.measure.at);
    EXPECT_EQ(to_json(again), to_json(one));
  }
  EXPECT_EQ(axes, (std::set<std::string>{"acceleration", "card", "reader_passes", "speed"}));
  EXPECT_EQ(series.size(), 9u);
  // the usual bench has neither the cards nor the controller
  EXPECT_THROW(check_feasible(c, virtual_bench()), ConfigError);
}

// a milestone that only the terminal can show needs a rule in its profile
TEST(CampaignFile, WhatNobodySeesIsRefused) {
  BenchFile bench = virtual_bench();
  EXPECT_EQ(refused(good, bench), "");
  std::erase_if(bench.profile.rules, [](const TextRule& r) { return r.milestone == "card_read"; });
  EXPECT_EQ(refused(good, bench), infeasible + "nobody there sees card_read");
  bench = virtual_bench();
  std::erase_if(bench.profile.rules, [](const TextRule& r) { return r.milestone == "card_wanted"; });
  EXPECT_EQ(refused(good, bench), infeasible + "nobody there sees card_wanted");
}

// a TCP relay cannot withhold a SYN-ACK: exact or refused
TEST(CampaignFile, WhatTheDoorOfATcpRelayCannotDoIsRefused) {
  const BenchFile real = read_bench((project / "fixtures/benches/realtime.toml").string());
  const std::string all = when + "\n" + drop;
  const auto on_tcp = [&](const std::string& fault) {
    return refused(replaced(good, all, "when = \"start\"\nnetwork = " + fault), real);
  };
  const std::string cannot = "c.toml:4:1: case \"lost\" cannot be done on bench \"realtime\": a relay over TCP ";
  EXPECT_THAT(on_tcp("\"unanswered\""), StartsWith(cannot + "cannot withhold a SYN-ACK"));
  EXPECT_THAT(on_tcp("\"accept_slow\"\nwait = \"1 s\""), StartsWith(cannot + "cannot withhold a SYN-ACK"));
  EXPECT_THAT(on_tcp("\"refused\""), StartsWith(cannot + "cannot refuse"));
  EXPECT_THAT(on_tcp("\"unresolved\""), StartsWith(cannot + "does not answer name queries"));
  EXPECT_EQ(on_tcp("\"accept_reset\""), "");
  EXPECT_EQ(on_tcp("\"outage\""), "");
}

// an untaught key would stop the robot in mid-cycle
TEST(CampaignFile, KeysThatNobodyTaughtAreRefused) {
  BenchFile bench = virtual_bench();
  bench.robot.keys.erase("OK");
  EXPECT_THAT(refused(good, bench), AllOf(StartsWith(infeasible), HasSubstr("OK")));
  bench = virtual_bench();
  bench.robot.keys.erase("3");
  EXPECT_THAT(refused(good, bench), StartsWith(infeasible + "a key is not taught"));
  bench = virtual_bench();
  bench.robot.keys.erase("F2");
  EXPECT_THAT(refused(good, bench), AllOf(StartsWith(infeasible), HasSubstr("F2")));
}

TEST(CampaignFile, ThePlanNamesEveryEffect) {
  const Campaign c = read_campaign((project / "fixtures/campaigns/no_return.toml").string());
  const std::string text = plan(c, virtual_bench());
  for (const Case& one : c.cases) {
    EXPECT_THAT(text, HasSubstr("\n" + one.name));
    for (const Step& s : one.steps) EXPECT_THAT(text, HasSubstr(describe(s)));
  }
}

TEST(CampaignFile, MutationsAreReadOrRefused) {
  const std::string text = shipped();
  const BenchFile bench = virtual_bench();
  const Folder folder;
  int read = 0, refusals = 0;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    Draws draws(1, 0, i, 6);
    const std::string bad = damaged(text, draws);
    const std::string path = folder.write("c.toml", bad);
    try {
      const Campaign c = read_campaign(path);
      check_feasible(c, bench);
      EXPECT_FALSE(plan(c, bench).empty());
      ++read;
    } catch (const ConfigError&) {
      ++refusals;
    } catch (const std::exception& e) {
      FAIL() << "mutation " << i << ": " << e.what() << "\n" << bad;
    }
  }
  EXPECT_GT(read, 500);
  EXPECT_GT(refusals, 5'000);
}

}  // namespace
}  // namespace swiperig
