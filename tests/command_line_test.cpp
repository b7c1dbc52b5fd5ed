// The program as its user meets it: exit codes, what it says, what it leaves behind, and how it ends when it is ended.
#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "rig/trace_file.hpp"
#include "tests/program.hpp"

namespace swiperig {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

boost::json::object summary_of(const std::string& directory) {
  return boost::json::parse(read_text(directory + "/summary.json")).as_object();
}

std::vector<std::string> keys_of(const boost::json::value& v) {
  std::vector<std::string> keys;
  for (const auto& member : v.as_object()) keys.emplace_back(member.key());
  return keys;
}

std::int64_t sum_of(const boost::json::value& v) {
  std::int64_t sum = 0;
  for (const auto& member : v.as_object()) sum += member.value().as_int64();
  return sum;
}

TEST(CommandLine, AGoodRunPassesAndLeavesItsResults) {
  const Folder folder;
  const Said run = swiperig(folder, {"run", demonstration, "--cycles", "22", "--seed", "7"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("good sale"), HasSubstr("runs/no_return-1/report.html")));
  EXPECT_THAT(run.err, Not(HasSubstr("\r"))) << "a live line where nobody sees it live";
  const std::string directory = folder / "runs/no_return-1";

  const auto summary = summary_of(directory);
  EXPECT_THAT(keys_of(summary),
              ElementsAre("schema", "campaign", "bench", "seed", "virtual", "cycles", "outcomes", "causes", "findings",
                          "diagnosis", "points", "run_books", "wall_s", "bench_s", "cycles_per_s", "events", "head"));
  EXPECT_THAT(keys_of(summary.at("outcomes")), ElementsAre("pass", "inconclusive", "fail", "error"));
  EXPECT_THAT(keys_of(summary.at("diagnosis")), ElementsAre("right", "wrong", "unknown"));
  EXPECT_EQ(summary.at("schema"), 1);
  EXPECT_EQ(summary.at("campaign"), "no_return");
  EXPECT_EQ(summary.at("bench"), "virtual");
  EXPECT_EQ(summary.at("seed"), 7);
  EXPECT_EQ(summary.at("virtual"), true);
  EXPECT_EQ(summary.at("cycles"), 22);
  EXPECT_EQ(summary.at("outcomes").at("pass"), 22);
  EXPECT_EQ(sum_of(summary.at("outcomes")), 22);
  EXPECT_EQ(sum_of(summary.at("diagnosis")), 22);
  EXPECT_EQ(sum_of(summary.at("causes")), 22);
  EXPECT_TRUE(summary.at("findings").as_object().empty());
  EXPECT_GT(summary.at("wall_s").to_number<double>(), 0);
  EXPECT_GT(summary.at("bench_s").to_number<double>(), 22 * 5);

  const TraceReader trace(directory + "/run.trace");
  EXPECT_EQ(summary.at("head").as_string(), boost::json::string(trace.head()));
  EXPECT_EQ(summary.at("events").to_number<std::uint64_t>(), trace.events());
  const std::string page = read_text(directory + "/report.html");
  EXPECT_THAT(page, AllOf(HasSubstr("<html"), HasSubstr("good sale"), HasSubstr(trace.head())));
}

TEST(CommandLine, DirectoriesCountUpAndAreNeverOverwritten) {
  const Folder folder;
  for (int n = 1; n <= 3; ++n) {
    EXPECT_EQ(swiperig(folder, {"run", demonstration, "--cycles", "1"}).exit_code, 0);
    EXPECT_TRUE(fs::exists(folder / ("runs/no_return-" + std::to_string(n) + "/run.trace")));
  }
  const std::string before = read_text(folder / "runs/no_return-1/run.trace");
  const Said again = swiperig(folder, {"run", demonstration, "--cycles", "1", "--out", "runs/no_return-1"});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr("runs/no_return-1: expected a new or empty directory"));
  EXPECT_EQ(read_text(folder / "runs/no_return-1/run.trace"), before);
  folder.write("mine/notes.txt", "mine");
  EXPECT_EQ(swiperig(folder, {"run", demonstration, "--cycles", "1", "--out", "mine"}).exit_code, 2);
  EXPECT_EQ(read_text(folder / "mine/notes.txt"), "mine");
}

TEST(CommandLine, ADefectIsAFailure) {
  const Folder folder;
  const Said run =
      swiperig(folder, {"run", demonstration, "--cycles", "11", "--defect", "accepts_wrong_mac", "--out", "d"});
  EXPECT_EQ(run.exit_code, 1) << run.err;
  EXPECT_TRUE(summary_of(folder / "d").at("findings").as_object().contains("R_MAC"));
  EXPECT_EQ(swiperig(folder, {"judge", "d"}).exit_code, 1);
  const TraceReader trace(folder / "d/run.trace");
  std::int64_t failed = -1;
  trace.for_each([&](const CycleRecord& c) {
    if (c.verdict->outcome == Outcome::fail) failed = c.cycle;
  });
  ASSERT_GE(failed, 0);
  const Said told = swiperig(folder, {"explain", "d", "--cycle", std::to_string(failed)});
  EXPECT_EQ(told.exit_code, 0);
  EXPECT_THAT(told.out, AllOf(HasSubstr("R_MAC"), HasSubstr("forged")));
  EXPECT_THAT(read_text(folder / "d/report.html"), HasSubstr("R_MAC"));
}

struct Use {
  std::vector<std::string> arguments;
  const char* said;
};

TEST(CommandLine, WrongUseIsTwoAndLeavesNothing) {
  const Folder folder;
  folder.write("bad.toml", "schema = 1\nname = \"bad\"\ncolour = \"red\"\n");
  folder.write("foreign/run.trace", "This is not a trace.\n");
  folder.write("empty/run.trace", "");
  const Use uses[] = {
      {{}, "ubcommand"},
      {{"fly"}, "no subcommand \"fly\""},
      {{"run"}, "CAMPAIGN"},
      {{"run", demonstration, "--colour"}, "--colour"},
      {{"run", demonstration, "--cycles", "0"}, "--cycles"},
      {{"run", demonstration, "--cycles", "many"}, "--cycles"},
      {{"run", demonstration, "--seed", "-1"}, "--seed"},
      {{"run", "absent.toml"}, "absent.toml: no such file"},
      {{"run", "bad.toml"}, "bad.toml:1:1: \"case\" is missing"},
      {{"run", demonstration, "--bench", "absent.toml"}, "absent.toml: no such file"},
      {{"run", demonstration, "--bench", "bad.toml"}, "bad.toml:1:1: \"terminal\" is missing"},
      {{"run", demonstration, "--bench", demonstration}, "no_return.toml:"},
      {{"run", demonstration, "--defect", "eats_cards"}, "expected one of forgets_reversal_after_power_loss"},
      {{"run", demonstration, "--bench", (project / "fixtures/benches/realtime.toml").string(), "--defect",
        "accepts_wrong_mac"},
       "swiperig stand-in"},
      {{"plan", "absent.toml"}, "no such file"},
      {{"check", "bad.toml"}, "bad.toml:"},
      {{"list", "colours"}, "colours"},
      {{"judge", "absent"}, "absent/run.trace"},
      {{"judge", "foreign"}, "foreign/run.trace"},
      {{"judge", "empty"}, "empty/run.trace"},
      {{"explain", "foreign", "--cycle", "0"}, "foreign/run.trace"},
      {{"explain", "foreign"}, "--cycle"},
      {{"stand-in", "--bench", "absent.toml"}, "no such file"},
      {{"stand-in", "barista", "--bench", "bad.toml"}, "barista"},
      {{"stand-in", "robot", "--bench", (project / "fixtures/benches/virtual.toml").string()}, "virtual bench"},
  };
  for (const Use& use : uses) {
    const Said said = swiperig(folder, use.arguments);
    EXPECT_EQ(said.exit_code, 2) << use.said << "\n" << said.out << said.err;
    EXPECT_THAT(said.err, HasSubstr(use.said));
  }
  EXPECT_FALSE(fs::exists(folder / "runs")) << "refused, and yet a directory was made";
}

TEST(CommandLine, EveryVerbHasHelpWithAnExample) {
  const Folder folder;
  const Said all = swiperig(folder, {"--help"});
  EXPECT_EQ(all.exit_code, 0);
  EXPECT_THAT(all.out, AllOf(HasSubstr("exit codes: 0 all passed"), HasSubstr("examples:")));
  for (const char* verb : {"run", "judge", "explain", "plan", "list", "check", "flux", "stand-in"}) {
    EXPECT_THAT(all.out, HasSubstr(verb));
    const Said one = swiperig(folder, {verb, "--help"});
    EXPECT_EQ(one.exit_code, 0) << verb;
    EXPECT_THAT(one.out, HasSubstr(std::string("example: swiperig ") + verb + " ")) << verb;
  }
}

TEST(CommandLine, ExamplesOfHelpWork) {
  const Folder folder;
  fs::create_directory_symlink(project / "fixtures", folder / "fixtures");
  const auto example = [&](const std::string& verb) {
    const std::string help = swiperig(folder, {verb, "--help"}).out;
    const std::string mark = "example: swiperig ";
    const std::size_t at = help.find(mark);
    std::vector<std::string> words;
    if (at == std::string::npos) return words;
    std::istringstream line(help.substr(at + mark.size(), help.find('\n', at) - at - mark.size()));
    for (std::string word; line >> word;) words.push_back(word);
    return words;
  };
  EXPECT_EQ(swiperig(folder, {"run", demonstration, "--cycles", "11"}).exit_code,
            0);  // runs/no_return-1 for the others
  for (const char* verb : {"run", "judge", "explain", "plan", "list", "check"}) {
    const Said said = swiperig(folder, example(verb));
    EXPECT_EQ(said.exit_code, 0) << verb << "\n" << said.err;
    EXPECT_FALSE(said.out.empty()) << verb;
  }
}

TEST(CommandLine, NamesAreListed) {
  const Folder folder;
  const auto list = [&](const char* what) { return swiperig(folder, {"list", what}).out; };
  EXPECT_THAT(list("drivers"), AllOf(HasSubstr("swiper_grbl"), HasSubstr("relay")));
  EXPECT_THAT(list("fixtures"), AllOf(HasSubstr("robot"), HasSubstr("host")));
  EXPECT_THAT(list("defects"), AllOf(HasSubstr("accepts_wrong_mac"), HasSubstr("hangs_on_misread")));
  EXPECT_THAT(list("milestones"), AllOf(HasSubstr("response_entered"), HasSubstr("silence")));
  EXPECT_THAT(list("causes"), AllOf(HasSubstr("network"), HasSubstr("网络")));
}

TEST(CommandLine, JudgeAgreesWithTheRun) {
  const Folder folder;
  ASSERT_EQ(swiperig(folder, {"run", demonstration, "--cycles", "11", "--out", "r"}).exit_code, 0);
  const Said again = swiperig(folder, {"judge", "r"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.out, HasSubstr(read_text(folder / "r/summary.json")));
  EXPECT_THAT(again.out, Not(HasSubstr("judged otherwise")));
  const Said absent = swiperig(folder, {"explain", "r", "--cycle", "11"});
  EXPECT_EQ(absent.exit_code, 2);
  EXPECT_THAT(absent.err, HasSubstr("no cycle 11; the run planned cycles 0 to 10"));
  EXPECT_EQ(swiperig(folder, {"explain", "r", "--cycle", "-1"}).exit_code, 2);
}

// one changed byte anywhere in what was recorded is noticed
TEST(CommandLine, ADamagedTraceIsRefused) {
  const Folder folder;
  ASSERT_EQ(swiperig(folder, {"run", demonstration, "--cycles", "11", "--out", "r"}).exit_code, 0);
  const std::string good = read_text(folder / "r/run.trace");
  const auto judged = [&](const std::string& bytes) {
    fs::remove_all(folder / "bad");
    folder.write("bad/run.trace", bytes);
    return swiperig(folder, {"judge", "bad"});
  };
  EXPECT_EQ(judged(good).exit_code, 0);
  std::string bytes = good;
  const std::size_t at = bytes.find("\"rail_mv\":5");
  ASSERT_NE(at, std::string::npos);
  bytes[at + 10] = '4';
  const Said changed = judged(bytes);
  EXPECT_EQ(changed.exit_code, 2);
  EXPECT_THAT(changed.err, AllOf(HasSubstr("bad/run.trace"), HasSubstr("cycle")));
  for (const std::size_t size : {good.size() / 2, good.size() - 4096, std::size_t{100}, std::size_t{16}}) {
    const Said cut = judged(good.substr(0, size));
    EXPECT_EQ(cut.exit_code, 2) << size << "\n" << cut.out;
    EXPECT_THAT(cut.err, HasSubstr("bad/run.trace"));
  }
  bytes = good;
  bytes[68] = 'X';  // the application id
  EXPECT_EQ(judged(bytes).exit_code, 2);
  bytes = good;
  std::fill(bytes.begin() + 8192, bytes.begin() + 12288, '\0');
  EXPECT_EQ(judged(bytes).exit_code, 2);
}

/// Waits until the run has told of finished cycles, so that it is stopped in its middle.
bool in_the_middle(const Program& program) {
  return await(30, [&] { return program.err().find("cycles") != std::string::npos; });
}

TEST(CommandLine, CtrlCEndsAVirtualRunInOrder) {
  const Folder folder;
  Program program(folder, {"run", demonstration, "--cycles", "1000000", "--out", "r"});
  ASSERT_TRUE(in_the_middle(program)) << program.err();
  const double asked = machine_seconds();
  program.signal(SIGINT);
  EXPECT_EQ(program.wait(30), 3);
  EXPECT_LT(machine_seconds() - asked, 5);
  EXPECT_THAT(program.err(), HasSubstr("stopped by the user"));
  const auto summary = summary_of(folder / "r");
  const TraceReader trace(folder / "r/run.trace");
  EXPECT_EQ(summary.at("head").as_string(), boost::json::string(trace.head()));
  EXPECT_NE(trace.head(), "") << "the run did not end in order";
  std::int64_t cycles = 0;
  trace.for_each([&](const CycleRecord&) { ++cycles; });
  EXPECT_EQ(summary.at("cycles"), cycles) << "what was not run is not counted";
  EXPECT_GT(cycles, 0);
  EXPECT_LT(cycles, 1'000'000);
  EXPECT_EQ(sum_of(summary.at("outcomes")), cycles);
  EXPECT_TRUE(fs::exists(folder / "r/report.html"));
  EXPECT_EQ(swiperig(folder, {"judge", "r"}).exit_code, 1) << "not all that was planned passed";
}

TEST(CommandLine, ATraceOutlivesItsWriter) {
  const Folder folder;
  Program program(folder, {"run", demonstration, "--cycles", "1000000", "--out", "r"});
  ASSERT_TRUE(in_the_middle(program)) << program.err();
  program.signal(SIGKILL);
  EXPECT_EQ(program.wait(10), 128 + SIGKILL);
  const Said judged = swiperig(folder, {"judge", "r"});
  EXPECT_EQ(judged.exit_code, 1) << judged.err;
  EXPECT_THAT(judged.out, AllOf(HasSubstr("the run did not end in order"), HasSubstr("\"head\": \"\"")));
  EXPECT_EQ(swiperig(folder, {"explain", "r", "--cycle", "5"}).exit_code, 0);
}

TEST(CommandLine, CheckAndPlanMoveNothing) {
  const Folder folder;
  const Said check = swiperig(folder, {"check", (project / "fixtures/benches/realtime.toml").string()});
  EXPECT_EQ(check.exit_code, 0);
  EXPECT_THAT(check.out,
              AllOf(HasSubstr("bench realtime: real time"), HasSubstr("5000 mV"), HasSubstr("at most 2500 mm/s")));
  const Said plan = swiperig(folder, {"plan", demonstration});
  EXPECT_EQ(plan.exit_code, 0);
  EXPECT_THAT(plan.out, AllOf(HasSubstr("response lost (P10)"), HasSubstr("drop")));
  EXPECT_FALSE(fs::exists(folder / "runs"));
}

}  // namespace
}  // namespace swiperig
