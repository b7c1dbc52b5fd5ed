// The campaigns of faults upon the path: every fault of rig/network_faults.def is in some shipped case, an honest
// terminal passes with each habit, and one that is not is found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bindings/campaign_file.hpp"
#include "tests/ran.hpp"

namespace swiperig {
namespace {

std::string file(const char* folder, const char* name) {
  return (project / "fixtures" / folder / name).string() + ".toml";
}

void expect_honest(const char* campaign, const char* terminal) {
  const Folder folder;
  const Ran ran = run(folder, "r", {.campaign = file("campaigns", campaign), .terminal = file("terminals", terminal)});
  EXPECT_EQ(ran.exit_code, 0) << terminal << ran.said;
  EXPECT_THAT(ran.findings, testing::IsEmpty());
  EXPECT_EQ(ran.wrong_diagnoses, 0) << terminal << ran.said;
}

TEST(PathCampaign, AnHonestTerminalPassesWithEachHabit) {
  for (const char* terminal : {"fixture", "at_once", "store_and_forward"}) expect_honest("path", terminal);
  // nothing overtakes where the next message comes with the next customer only
  for (const char* terminal : {"at_once", "store_and_forward"}) expect_honest("reorder", terminal);
}

TEST(PathCampaign, ADefectIsFoundByItsOwnRule) {
  const Folder folder;
  const Ran ran = run(folder, "r", {.campaign = file("campaigns", "path"), .defect = "sells_before_reversal"});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_TRUE(ran.findings.contains("I8"));
}

TEST(PathCampaign, EveryFaultOfThePathIsInSomeCase) {
  std::set<std::string> missing = {
#define NETWORK_FAULT(name, upon, text) #name,
#include "rig/network_faults.def"
#undef NETWORK_FAULT
  };
  bool nth = false;
  for (const char* name : {"points", "path", "reorder"}) {
    for (const Case& c : read_campaign(file("campaigns", name)).cases) {
      for (const Step& s : c.steps) {
        nth = nth || s.nth > 1;
        if (const auto* fault = std::get_if<NetworkFault>(&s.action))
          missing.erase(std::string(to_string(fault->kind)));
      }
    }
  }
  EXPECT_THAT(missing, testing::ElementsAre("cut_after")) << "which is for benches that see no messages (RelayOptions)";
  EXPECT_TRUE(nth);
}

}  // namespace
}  // namespace swiperig
