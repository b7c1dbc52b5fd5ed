// Brown-outs as a campaign has them: what the terminal makes of them, what stands in the trace, and which benches are
// refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bindings/campaign_file.hpp"
#include "bindings/config.hpp"
#include "tests/ran.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const std::string shipped = (project / "fixtures/campaigns/brown_out.toml").string();

template <class B>
std::vector<std::pair<Time, B>> all_of(const CycleRecord& cycle, const std::string& from = "") {
  std::vector<std::pair<Time, B>> out;
  bool within = from.empty();
  for (const Event& e : cycle.events) {
    if (const auto* i = std::get_if<Intent>(&e.body)) within = within || i->detail == from;
    if (const auto* i = std::get_if<Intent>(&e.body)) within = within && i->what != "recovery sale";
    if (const auto* b = std::get_if<B>(&e.body); b != nullptr && within) out.emplace_back(e.at, *b);
  }
  return out;
}

bool booted_within(const CycleRecord& cycle) {
  for (const auto& [at, m] : all_of<Milestone>(cycle, cycle.case_name)) {
    if (m.name == "booted") return true;
  }
  return false;
}

TEST(BrownOut, BelowTheTerminalsLevelItStartsAnewAndAboveItDoesNot) {
  const Folder folder;
  const Ran ran = run(folder, "r", {.campaign = shipped});
  EXPECT_EQ(ran.exit_code, 0) << ran.said;
  int low = 0, high = 0;
  for (const CycleRecord& c : ran.cycles) {
    const auto dips = all_of<BrownOut>(c);
    ASSERT_EQ(dips.size(), 1u) << c.case_name;
    const bool below = dips[0].second.to_mv < 3300;
    EXPECT_EQ(booted_within(c), below) << c.case_name;
    EXPECT_EQ(c.verdict->diagnosis.cause, below ? "power" : "none") << c.case_name;
    ++(below ? low : high);
  }
  EXPECT_GE(low, 6);
  EXPECT_GE(high, 5);
}

TEST(BrownOut, TheMeasuredCrossingsAreInTheTrace) {
  const Folder folder;
  const Ran ran = run(folder, "r", {.campaign = shipped});
  const CycleRecord& c = ran.cycles[2];  // the rail falls over 400 ms to 3.1 V
  const Time told = all_of<BrownOut>(c)[0].first;
  const auto readings = all_of<Reading>(c, c.case_name);
  ASSERT_GE(readings.size(), 4u);
  EXPECT_LT(readings[0].second.rail_mv, 3300);
  EXPECT_GT(readings[0].second.rail_mv, 3100) << "the crossing, before the depth";
  EXPECT_GT(readings[0].first - told, 300ms);
  EXPECT_LE(readings[1].second.rail_mv, 3131);
  EXPECT_EQ(readings.back().second.rail_mv, 5000);
  EXPECT_NEAR(std::chrono::duration<double>(readings.back().first - readings[1].first).count(), 0.08, 0.01);
}

TEST(BrownOut, TheCurrentIsLoggedWhereTheCaseAsksForIt) {
  const Folder folder;
  const Ran ran = run(folder, "r", {.campaign = shipped});
  const auto logged = all_of<Reading>(ran.cycles[0], ran.cycles[0].case_name);
  ASSERT_GT(logged.size(), 20u);
  bool idle = false, booting = false, dark = false;
  Duration longest{};
  for (std::size_t i = 0; i < logged.size(); ++i) {
    idle = idle || logged[i].second.draw_ma == 150;
    booting = booting || logged[i].second.draw_ma == 350;
    dark = dark || logged[i].second.rail_mv < 3300;
    if (i > 0) longest = std::max(longest, logged[i].first - logged[i - 1].first);
  }
  EXPECT_TRUE(idle && booting && dark);
  EXPECT_LE(longest, 400ms);
  EXPECT_LT(all_of<Reading>(ran.cycles[1], ran.cycles[1].case_name).size(), 6u) << "the twin: nobody asked for one";
}

TEST(BrownOut, OneSeedOneHead) {
  const Folder folder;
  EXPECT_EQ(run(folder, "a", {.campaign = shipped, .seed = 4}).head,
            run(folder, "b", {.campaign = shipped, .seed = 4}).head);
}

class BrownOutFile : public testing::Test {
 protected:
  BrownOutFile() {
    for (const char* sub : {"benches", "terminals", "hosts"}) {
      std::filesystem::copy(project / "fixtures" / sub, folder.path() / sub, std::filesystem::copy_options::recursive);
    }
  }
  /// How a case with this step is refused on a bench with this in [power], from the file's name on; "": it is not.
  std::string refused(const std::string& step, const std::string& power = "", const std::string& more = "") {
    const std::string campaign =
        "schema = 1\nname = \"one\"\n[[case]]\nname = \"dark\"\namount = \"1.00\"\ncard = \"debit\"\n"
        "swipe = \"500 mm/s\"\ncause = \"power\"\nmust = [\"card_read\"]\n" +
        more + step;
    const std::string line = "current_limit = \"2 A\"";
    const std::string bench = replaced(read_text(project / "fixtures/benches/virtual.toml"), line, line + "\n" + power);
    try {
      check_feasible(read_campaign(folder.write("c.toml", campaign)),
                     read_bench(folder.write("benches/v.toml", bench)));
    } catch (const ConfigError& e) {
      return replaced(e.what(), folder.path().string() + "/", "");
    }
    return "";
  }
  Folder folder;
};

TEST_F(BrownOutFile, WhatIsWrongIsToldAtItsPlace) {
  const auto step = [](const std::string& what) { return "step = [{ when = \"told\", " + what + " }]\n"; };
  EXPECT_EQ(refused(step("brown_out = { to = \"3.1 V\", lasts = \"80 ms\" }")), "");
  EXPECT_THAT(refused(step("brown_out = { to = \"3.1\", lasts = \"80 ms\" }")),
              StartsWith("c.toml:10:45: expected a quantity in V or mV"));
  EXPECT_THAT(refused(step("brown_out = { to = \"3.1 V\" }")), HasSubstr("\"lasts\" is missing"));
  EXPECT_THAT(refused(step("brown_out = { to = \"3.1 V\", lasts = \"80 ms\", deep = true }")),
              HasSubstr("unknown key \"deep\""));
  EXPECT_THAT(refused(step("brown_out = { to = \"3.1 V\", lasts = \"80 ms\" }, lasts = \"1 s\"")),
              HasSubstr("expected lasts within brown_out"));
  EXPECT_THAT(refused(step("brown_out = { to = \"3.1 V\", lasts = \"80 ms\" }, power = \"off\"")),
              HasSubstr("expected exactly one of network, power, brown_out"));
}

TEST_F(BrownOutFile, WhatTheSupplyCannotDoIsRefusedBeforeAnythingMoves) {
  const std::string fall =
      "step = [{ when = \"told\", brown_out = { to = \"3.1 V\", lasts = \"80 ms\", fall = \"100 ms\" } }]\n";
  EXPECT_EQ(refused(fall), "");
  EXPECT_THAT(refused(fall, "command_time = \"60 ms\""),
              AllOf(StartsWith("c.toml:3:1: case \"dark\" cannot be done on bench \"virtual\": "),
                    HasSubstr("finer than this supply's steps of 60 ms")));
  EXPECT_THAT(refused(fall, "resolution = \"1 V\""), HasSubstr("is finer than this supply's 1000 mV"));
  EXPECT_EQ(refused("", "", "current_log = \"20 ms\"\n"), "");
  EXPECT_THAT(refused("", "", "current_log = \"10 ms\"\n"), HasSubstr("finer than the 20 ms that this supply takes"));
}

TEST_F(BrownOutFile, ATerminalThatLivesOnABatteryIsRefusedUnlessBothRailsAreMeasured) {
  const std::string cut = "step = [{ when = \"told\", power = \"off\" }]\n";
  for (const char* by : {"battery", "cable"}) {
    const std::string fed = std::string("also_fed_by = \"") + by + "\"";
    EXPECT_THAT(refused(cut, fed), AllOf(StartsWith("c.toml:3:1: case \"dark\" cannot be done on bench"),
                                         HasSubstr("benches/v.toml:42:15"), HasSubstr(by),
                                         HasSubstr("a power fault is proved only where both rails are measured"),
                                         HasSubstr("expected second_rail_channel = 2 there")));
    EXPECT_THAT(refused("", fed), HasSubstr("the restart by power after the case is proved only"));
    EXPECT_EQ(refused(cut, fed + "\nsecond_rail_channel = 2"), "");
  }
  EXPECT_EQ(refused(cut), "");
  EXPECT_THAT(refused(cut, "second_rail_channel = 2"), HasSubstr("expected also_fed_by"));
  EXPECT_THAT(refused(cut, "also_fed_by = \"sunlight\""), HasSubstr("expected one of battery, cable"));
}

}  // namespace
}  // namespace swiperig
