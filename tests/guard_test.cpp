// The guardian as it ships: controllers that are killed, stopped and hung at random instants, and afterwards the
// question whether robot and supply are safe.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/guard_lane.hpp"

namespace swiperig {
namespace {

using testing::HasSubstr;

constexpr int lanes = 5;

/// `tests/run --long` asks for more.
int rounds_wanted() {
  const char* more = std::getenv("SWIPERIG_GUARD_ROUNDS");
  return more != nullptr ? std::atoi(more) : 1000;
}

int descriptors_of_children() {
  int count = 0;
  const std::string children = read_text("/proc/self/task/" + std::to_string(getpid()) + "/children");
  for (std::size_t at = 0; at < children.size();) {
    const auto end = children.find(' ', at);
    for (const auto& fd : std::filesystem::directory_iterator("/proc/" + children.substr(at, end - at) + "/fd")) {
      count += !fd.path().empty();
    }
    at = end + 1;
  }
  return count;
}

/// Once it has not changed for a second: a stand-in may still be closing what it was asked by.
int settled_descriptors() {
  int last = descriptors_of_children();
  double since = machine_seconds();
  EXPECT_TRUE(await(20, [&] {
    const int now = descriptors_of_children();
    if (now != last) since = machine_seconds();
    last = now;
    return machine_seconds() - since > 1;
  }));
  return last;
}

TEST(RealtimeGuardian, F20F37AControllerKilledStoppedOrHungAtRandomLeavesTheBenchSafe) {
  std::vector<std::unique_ptr<Instruments>> benches;
  for (int i = 0; i < lanes; ++i) benches.push_back(std::make_unique<Instruments>());
  const int descriptors = settled_descriptors();
  EXPECT_GT(descriptors, 2 * lanes);
  const int each = (rounds_wanted() + lanes - 1) / lanes;
  std::vector<Lane> running;
  for (int i = 0; i < lanes; ++i) {
    running.push_back(start_lane(*benches[static_cast<std::size_t>(i)], static_cast<std::uint32_t>(i), each, true));
  }
  int rounds = 0, moving = 0;
  for (const Lane& lane : running) {
    const Tally tally = end_lane(lane);
    EXPECT_EQ(tally.wrong, 0) << tally.first.data();
    rounds += tally.rounds;
    moving += tally.moving;
  }
  EXPECT_GE(rounds, rounds_wanted());
  EXPECT_GT(moving, rounds / 2) << "as often as not it was moving when it ended";
  for (const auto& bench : benches) {
    EXPECT_TRUE(bench->free());
    EXPECT_EQ(bench->left_there().size(), 2U) << "a lock file for the robot and one for the supply, and no socket";
  }
  EXPECT_EQ(settled_descriptors(), descriptors) << "connections of the stand-ins";
}

TEST(RealtimeGuardian, WithoutAGuardianTheSameRoundsLeaveItRunning) {
  const Instruments bench;
  const Tally tally = end_lane(start_lane(bench, 99, 10, false));
  EXPECT_EQ(tally.moving, 10);
  EXPECT_EQ(tally.wrong, 10) << "the twin: each time the robot ran on or the supply stayed on";
  EXPECT_THAT(tally.first.data(), HasSubstr("round 0"));
}

}  // namespace
}  // namespace swiperig
