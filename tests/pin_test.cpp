// The PIN from the robot's keys to field 52 and the issuer's answer: typed by name, asked for again, locked, kept out
// of every reversal and every file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "tests/ran.hpp"

namespace swiperig {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::UnorderedElementsAre;

const std::string pins = (project / "fixtures/campaigns/pin.toml").string();

const std::string pin_bench = (project / "fixtures/benches/pin.toml").string();

/// The project's fixtures in a folder, with one text of one file replaced.
std::string bench_with(const Folder& folder, const std::string& file, const std::string& from, const std::string& to) {
  std::filesystem::copy(project / "fixtures", folder / "fixtures", std::filesystem::copy_options::recursive);
  folder.write("fixtures/benches/" + file, replaced(read_text(project / "fixtures/benches" / file), from, to));
  return folder / "fixtures/benches/pin.toml";
}

/// A campaign that stands elsewhere finds the bench through the command line.
std::string of_its_bench(const std::string& campaign) {
  return replaced(campaign, "bench = \"../benches/pin.toml\"\n", "");
}

std::string numbers(const CycleRecord& c, std::string_view milestone) {
  for (const Event& e : c.events) {
    const auto* m = std::get_if<Milestone>(&e.body);
    if (m != nullptr && m->name == milestone) return "," + std::string(field(m->fields, "has")) + ",";
  }
  return {};
}

TEST(Pin, AnHonestTerminalPassesWithEachHabit) {
  for (const char* habit : {"fixture", "at_once", "store_and_forward"}) {
    const Folder folder;
    const Ran ran =
        run(folder, "r", {.campaign = pins, .terminal = (project / "fixtures/terminals" / habit).string() + ".toml"});
    EXPECT_EQ(ran.exit_code, 0) << habit << ran.said;
    EXPECT_THAT(ran.findings, IsEmpty());
    EXPECT_EQ(ran.outcomes.at(Outcome::pass), static_cast<int>(ran.cycles.size()));
    EXPECT_EQ(ran.wrong_diagnoses, 0);
  }
}

TEST(Pin, IsHiddenUnderTheKeyOfEveryKindOfHost) {
  for (const char* host : {"dukpt", "sm4", "x9_19"}) {
    const Folder folder;
    const std::string bench =
        bench_with(folder, "virtual.toml", "../hosts/unionpay.toml", std::string("../hosts/") + host + ".toml");
    const Ran ran = run(folder, "r", {.campaign = pins, .bench = bench});
    EXPECT_EQ(ran.exit_code, 0) << host << ran.said;
    EXPECT_EQ(ran.wrong_diagnoses, 0) << host;
  }
}

TEST(Pin, AnotherPinThanTheIssuersIsRefused) {
  const Folder folder;
  const std::string campaign = of_its_bench(replaced(read_text(pins), "pin = \"debit_pin\"", "pin = \"wrong\""));
  const Ran ran = run(folder, "r", {.campaign = folder.write("c.toml", campaign), .bench = pin_bench});
  EXPECT_NE(ran.exit_code, 0);
  EXPECT_EQ(ran.cycles.front().case_name, "right PIN");
  EXPECT_EQ(ran.cycles.front().verdict->diagnosis.cause, "wrong_pin");
}

TEST(Pin, GoesOutInTheRequestAndNeverInItsReversal) {
  const Folder folder;
  const Ran ran = run(folder, "r", {.campaign = pins});
  for (const CycleRecord& c : ran.cycles) {
    if (c.case_name != "response to a PIN lost") continue;
    EXPECT_THAT(numbers(c, "request_entered"), AllOf(HasSubstr(",22,"), HasSubstr(",26,"), HasSubstr(",52,53,")));
    EXPECT_THAT(numbers(c, "reversal_entered"), AllOf(HasSubstr(",22,"), Not(HasSubstr(",52,"))));
    return;
  }
  FAIL() << "no such case";
}

TEST(Pin, EachDefectIsFoundByItsOwnRule) {
  const std::pair<const char*, const char*> rules[] = {
      {"resends_wrong_pin", "R_RETRY"}, {"asks_pin_after_lock", "R_RETRY"}, {"keeps_pin_in_reversal", "R_SECRET"}};
  for (const auto& [defect, rule] : rules) {
    const Folder folder;
    const Ran ran = run(folder, "r", {.campaign = pins, .defect = defect});
    EXPECT_THAT(ran.findings, UnorderedElementsAre(Key(rule))) << defect;
  }
}

TEST(Pin, StandsInNoFileThatTheRigWrites) {
  const Folder folder;
  const std::string digits = "583016472905";
  const std::string bench = bench_with(folder, "pins.toml", "\"4321\"", "\"" + digits + "\"");
  const Ran ran = run(folder, "r", {.campaign = pins, .bench = bench});
  EXPECT_EQ(ran.exit_code, 0) << ran.said;
  std::string spaced;
  for (const char c : digits) spaced += std::string(spaced.empty() ? "" : " ") + c;
  int files = 0, named = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder / "r")) {
    if (!file.is_regular_file()) continue;
    const std::string text = read_text(file.path());
    ++files;
    named += text.find("PIN:wrong") != std::string::npos;  // what is searched for would be found
    EXPECT_EQ(text.find(digits), std::string::npos) << file.path();
    EXPECT_EQ(text.find(spaced), std::string::npos) << file.path();
  }
  EXPECT_GE(files, 3);
  EXPECT_GE(named, 1);
}

TEST(Pin, UnknownNamesAndBadFilesAreRefusedBeforeAnythingMoves) {
  const Folder folder;
  const auto refusal_of = [&](const Way& way) {
    try {
      run(folder, "r", way);
    } catch (const std::exception& e) {
      testing::internal::GetCapturedStdout();
      return std::string(e.what()) + testing::internal::GetCapturedStderr();
    }
    return std::string("nothing");
  };
  const std::string unknown =
      folder.write("c.toml", of_its_bench(replaced(read_text(pins), "\"wrong\"", "\"nobodys\"")));
  EXPECT_THAT(refusal_of({.campaign = unknown, .bench = pin_bench}),
              AllOf(HasSubstr("c.toml"), HasSubstr("no PIN 'nobodys' is in the file of pins")));
  for (const char* bad : {"\"123\"", "\"1234567890123\"", "\"12a4\"", "1234"}) {
    const Folder other;
    const std::string bench = bench_with(other, "pins.toml", "\"4321\"", bad);
    try {
      read_bench(bench);
      ADD_FAILURE() << bad;
    } catch (const ConfigError& e) {
      EXPECT_THAT(e.what(),
                  AllOf(HasSubstr("pins.toml:5"), HasSubstr("a PIN of 4 to 12 digits"), Not(HasSubstr("123"))))
          << bad;
    }
  }
}

}  // namespace
}  // namespace swiperig
