// The machine's envelope: a bench file can narrow it and never widen it.
#include "bindings/envelope.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "tests/folder.hpp"
#include "tests/program.hpp"

namespace swiperig {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string as_wide =
    "schema = 1\nmax_speed = \"2500 mm/s\"\nmax_acceleration_mm_s2 = 15000\ntravel_mm = [520, 300, 60]\n"
    "max_voltage = \"5 V\"\nmax_current = \"2 A\"\n";

class EnvelopeTest : public testing::Test {
 protected:
  EnvelopeTest() {
    for (const char* sub : {"benches", "terminals", "hosts"}) {
      std::filesystem::copy(project / "fixtures" / sub, folder.path() / sub, std::filesystem::copy_options::recursive);
    }
  }
  /// What is wrong with the bench under this envelope, "": nothing.
  std::string refused(const std::string& envelope, const std::string& bench = "realtime.toml") {
    setenv("SWIPERIG_ENVELOPE", folder.write("envelope.toml", envelope).c_str(), 1);
    std::string why;
    try {
      robot = read_bench(folder / "benches/" + bench).robot;
    } catch (const ConfigError& e) {
      why = e.what();
    }
    unsetenv("SWIPERIG_ENVELOPE");
    return why;
  }
  void rewrite(const std::string& from, const std::string& to) {
    folder.write("benches/realtime.toml", replaced(read_text(folder / "benches/realtime.toml"), from, to));
  }
  Folder folder;
  GrblSettings robot;
};

TEST_F(EnvelopeTest, ABenchWithinItIsTaken) { EXPECT_EQ(refused(as_wide), ""); }

TEST_F(EnvelopeTest, WhoWantsMoreIsToldWhereAndHowMuchThereIs) {
  const struct {
    const char *from, *to, *at, *most;
  } rows[] = {{"2500 mm/s", "2499 mm/s", "realtime.toml:14:13", "at most 2499 mm/s"},
              {"= 15000", "= 14999", "realtime.toml:15:22", "at most 14999"},
              {"5 V", "4.999 V", "realtime.toml:40:11", "at most 4.999 V"},
              {"2 A", "1.999 A", "realtime.toml:41:17", "at most 1.999 A"},
              {"[520", "[431", "realtime.toml:21:5", "a place within 431 x 300 x 60 mm"},
              {"300,", "214,", "realtime.toml:35:10", "a place within 520 x 214 x 60 mm"}};
  for (const auto& row : rows) {
    const std::string why = refused(replaced(as_wide, row.from, row.to));
    EXPECT_THAT(why, AllOf(HasSubstr(row.at), HasSubstr(row.most), HasSubstr("envelope.toml:"))) << row.to;
  }
}

TEST_F(EnvelopeTest, EveryPlaceOfTheBenchLiesWithinItsTravel) {
  rewrite("chip_slot = [300, 30, -25]",
          "chip_slot = [400, 30, -25]\nhead = [260, 60]\nswipe_from = 50\nswipe_to = 470");
  rewrite("good_card = \"debit\"", "park_mm = [20, 290]\ngood_card = \"debit\"");
  rewrite("[power]", "[actuator.heights_mm]\ngrip = -51\nswipe = -31\n[power]");
  const std::string text = read_text(folder / "benches/realtime.toml");
  const auto at = [&](const std::string& name) {
    const auto place = text.find("\n" + name);
    EXPECT_NE(place, text.npos) << name;
    return "realtime.toml:" + std::to_string(2 + std::count(text.begin(), text.begin() + long(place), '\n')) + ":";
  };
  const struct {
    const char *travel, *what;
  } rows[] = {{"[520, 300, 50]", "grip ="},
              {"[479, 300, 60]", "field ="},
              {"[469, 300, 60]", "swipe_to ="},
              {"[444, 300, 60]", "chip_slot ="},
              {"[520, 289, 60]", "park_mm ="}};
  EXPECT_EQ(refused(replaced(as_wide, "[520, 300, 60]", "[480, 290, 51]")), "") << "the twin";
  for (const auto& row : rows) {
    if (std::string_view(row.what).starts_with("swipe_to")) rewrite("field = [480", "field = [440");
    if (std::string_view(row.what).starts_with("chip")) rewrite("swipe_to = 470", "swipe_to = 440");
    const std::string why = refused(replaced(as_wide, "[520, 300, 60]", row.travel));
    EXPECT_THAT(why, AllOf(HasSubstr(at(row.what)), HasSubstr("the travel of this machine"))) << row.travel;
  }
  EXPECT_EQ(refused(replaced(as_wide, "[520, 300, 60]", "[445, 290, 51]")), "") << "as deep as the chip slot is";
}

TEST_F(EnvelopeTest, AParkingPlaceThatTheBenchGivesIsLeftWhereItIs) {
  rewrite("good_card = \"debit\"", "park_mm = [510, 295]\ngood_card = \"debit\"");
  EXPECT_EQ(refused(as_wide), "");
  EXPECT_EQ(robot.park_x_mm, 510);
  EXPECT_EQ(robot.park_y_mm, 295);
  rewrite("park_mm = [510, 295]", "park_mm = [510, 301]\ntravel_mm = [520, 300, 60]");
  EXPECT_THAT(refused(as_wide), AllOf(HasSubstr("realtime.toml:16:11"), HasSubstr("within the robot's travel")));
}

TEST_F(EnvelopeTest, TheTravelOfABenchMayBeNarrowerAndNotWider) {
  rewrite("good_card = \"debit\"", "travel_mm = [500, 300, 60]\ngood_card = \"debit\"");
  EXPECT_EQ(refused(as_wide), "");
  EXPECT_EQ(robot.travel_x_mm, 500);
  EXPECT_THAT(refused(replaced(as_wide, "[520", "[499")), AllOf(HasSubstr(":16:14"), HasSubstr("at most 499 mm")));
  EXPECT_EQ(refused("schema = 1\n"), "") << "a limit that is left out is none";
}

TEST_F(EnvelopeTest, TravelThatTheBenchLeavesOpenIsTheMachines) {
  EXPECT_EQ(refused(replaced(as_wide, "[520, 300, 60]", "[480, 290, 55]")), "");
  EXPECT_EQ(robot.travel_x_mm, 480);
  EXPECT_EQ(robot.travel_y_mm, 290);
  EXPECT_EQ(robot.travel_z_mm, 55);
}

TEST_F(EnvelopeTest, WhatNoCaseAsksForKeepsToItTooParkingAndTravelling) {
  rewrite("good_card = \"debit\"", "travel_mm = [500, 290, 60]\ngood_card = \"debit\"");
  EXPECT_EQ(refused(as_wide), "");
  EXPECT_FALSE(refusal(robot, Park{}));
  EXPECT_EQ(robot.park_y_mm, 270);
  EXPECT_LE(robot.travel_speed_mm_s, robot.max_speed_mm_s);
  GrblSettings far = robot;
  far.park_y_mm = 295;
  EXPECT_TRUE(refusal(far, Park{})) << "the twin";
}

TEST_F(EnvelopeTest, AVirtualBenchHasNoMachine) {
  EXPECT_EQ(refused("schema = 1\nmax_speed = \"1 mm/s\"\n", "virtual.toml"), "");
}

TEST_F(EnvelopeTest, WhatIsNoLimitIsRefused) {
  EXPECT_THAT(refused("schema = 1\nmax_sped = \"1 mm/s\"\n"), HasSubstr("envelope.toml:2"));
  EXPECT_THAT(refused("schema = 1\nmax_speed = 7\n"), HasSubstr("envelope.toml:2"));
  EXPECT_THAT(refused("schema = 2\n"), HasSubstr("envelope.toml:1"));
}

TEST_F(EnvelopeTest, TheMachinesOwnIsRootsAlone) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make a file of root";
  const std::string path = folder.write("etc.toml", as_wide);
  const auto root = read_config(folder / "benches/realtime.toml");
  BenchFile bench;
  chmod(path.c_str(), 0644);
  EXPECT_NO_THROW(hold_envelope(path, true, *root, bench));
  chmod(path.c_str(), 0664);
  EXPECT_THROW(hold_envelope(path, true, *root, bench), ConfigError);
  chmod(path.c_str(), 0644);
  ASSERT_EQ(chown(path.c_str(), 1, 0), 0);
  EXPECT_THROW(hold_envelope(path, true, *root, bench), ConfigError);
}

}  // namespace
}  // namespace swiperig
