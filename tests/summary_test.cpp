#include "reports/summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>

#include "rig/trace_file.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

RunInfo two_cases() {
  RunInfo run;
  run.id = "r1";
  run.campaign = "no_return";
  run.bench = "virtual";
  run.seed = 18446744073709551615u;
  run.cycles_planned = 4;
  Case good, lost;
  good.name = "good sale";
  lost.name = "response lost";
  lost.point = "P10";
  lost.cause = "network";
  run.cases = {good, lost};
  return run;
}

CycleRecord ended(const char* name, Outcome outcome, const char* cause, const char* induced) {
  CycleRecord c;
  c.case_name = name;
  c.events.resize(3);
  c.verdict = Verdict{};
  c.verdict->outcome = outcome;
  c.verdict->diagnosis.cause = cause;
  c.verdict->induced = induced;
  return c;
}

boost::json::object read(const Summary& s) { return boost::json::parse(s.json()).as_object(); }

TEST(Summary, SaysHowTheRunWent) {
  Summary s(two_cases());
  s.add(ended("good sale", Outcome::pass, "none", "none"));
  s.add(ended("response lost", Outcome::pass, "network", "network"));
  s.add(ended("response lost", Outcome::inconclusive, "host_down", "network"));
  CycleRecord bad = ended("response lost", Outcome::fail, "unknown", "network");
  bad.verdict->findings = {{"I2", "x", {}}, {"I10", "y", {}}};
  s.add(bad);
  s.end("ab12", 2500, 90s);
  const auto j = read(s);
  EXPECT_EQ(j.at("schema").as_int64(), 1);
  EXPECT_EQ(j.at("campaign").as_string(), "no_return");
  EXPECT_EQ(j.at("bench").as_string(), "virtual");
  EXPECT_EQ(j.at("seed").as_uint64(), 18446744073709551615u);
  EXPECT_TRUE(j.at("virtual").as_bool());
  EXPECT_EQ(j.at("cycles").as_int64(), 4);
  EXPECT_EQ(boost::json::serialize(j.at("outcomes")), R"({"pass":2,"inconclusive":1,"fail":1,"error":0})");
  EXPECT_EQ(boost::json::serialize(j.at("causes")), R"({"host_down":1,"network":1,"none":1,"unknown":1})");
  EXPECT_EQ(boost::json::serialize(j.at("findings")), R"({"I10":1,"I2":1})");
  EXPECT_EQ(boost::json::serialize(j.at("diagnosis")), R"({"right":2,"wrong":1,"unknown":1})");
  EXPECT_DOUBLE_EQ(j.at("wall_s").as_double(), 2.5);
  EXPECT_DOUBLE_EQ(j.at("bench_s").as_double(), 90);
  EXPECT_DOUBLE_EQ(j.at("cycles_per_s").as_double(), 1.6);
  EXPECT_EQ(j.at("events").as_int64(), 12);
  EXPECT_EQ(j.at("head").as_string(), "ab12");
  EXPECT_EQ(j.size(), 15u);
  EXPECT_EQ(s.worst(), Outcome::fail);
}

TEST(Summary, CountsACycleCutShortAsInconclusive) {
  Summary s(two_cases());
  CycleRecord cut;
  cut.case_name = "good sale";
  s.add(cut);
  EXPECT_EQ(s.worst(), Outcome::inconclusive);
  EXPECT_EQ(boost::json::serialize(read(s).at("diagnosis")), R"({"right":0,"wrong":0,"unknown":0})");
}

TEST(Summary, PassesOnlyWhenAllPlannedCyclesDid) {
  RunInfo none = two_cases();
  none.cycles_planned = 0;
  EXPECT_EQ(Summary(none).worst(), Outcome::inconclusive) << "nothing was seen to pass";
  Summary s(two_cases());
  for (int done = 0; done < 4; ++done) {
    EXPECT_EQ(s.worst(), Outcome::inconclusive) << done << " of 4";
    s.add(ended("good sale", Outcome::pass, "none", "none"));
  }
  EXPECT_EQ(s.worst(), Outcome::pass);
}

TEST(Summary, TheRigsOwnFaultIsNoDiagnosisUnlessInduced) {
  Summary s(two_cases());
  s.add(ended("good sale", Outcome::error, "rig_fault", "none"));
  EXPECT_EQ(boost::json::serialize(read(s).at("diagnosis")), R"({"right":0,"wrong":0,"unknown":0})");
  EXPECT_EQ(s.worst(), Outcome::error);
  s.add(ended("good sale", Outcome::error, "rig_fault", "rig_fault"));
  EXPECT_EQ(boost::json::serialize(read(s).at("diagnosis")), R"({"right":1,"wrong":0,"unknown":0})");
}

/// Of cases that were tried: what the rig did is its own, or is called the terminal's.
TEST(Summary, CountsHowOftenTheTerminalIsAccusedOfARigFault) {
  const auto tried = [](Outcome outcome, const char* said, std::vector<std::string> causes) {
    CycleRecord c = ended("drawn sale 1", outcome, said, "drawn");
    c.verdict->causes = std::move(causes);
    return c;
  };
  Summary s(two_cases());
  for (int i = 0; i < 4; ++i) s.add(tried(Outcome::error, "rig_fault", {"rig_fault"}));
  EXPECT_EQ(s.worst(), Outcome::pass) << "that is what its cases were about";
  EXPECT_EQ(boost::json::serialize(read(s).at("rig_faults")),
            R"({"cycles":4,"beside_another":0,"called_terminal_fault":0})");
  s.add(tried(Outcome::pass, "power", {"power", "rig_fault"}));
  EXPECT_EQ(read(s).at("rig_faults").at("beside_another").as_int64(), 1);
  s.add(tried(Outcome::pass, "unknown", {"rig_fault"}));
  EXPECT_EQ(read(s).at("rig_faults").at("beside_another").as_int64(), 1) << "nothing hid that one";
  EXPECT_EQ(read(s).at("rig_faults").at("called_terminal_fault").as_int64(), 0) << "both are true; nobody is accused";
  s.add(tried(Outcome::pass, "os_crash", {"rig_fault"}));
  EXPECT_EQ(read(s).at("rig_faults").at("called_terminal_fault").as_int64(), 1);
  CycleRecord found = tried(Outcome::fail, "rig_fault", {"rig_fault"});
  found.verdict->findings = {{"I2", "x", {}}};
  s.add(found);
  EXPECT_EQ(read(s).at("rig_faults").at("called_terminal_fault").as_int64(), 2);
  s.add(tried(Outcome::error, "rig_fault", {"none"}));
  EXPECT_EQ(s.worst(), Outcome::error) << "the rig broke by itself";
}

TEST(Summary, HostileNamesStayInsideTheirString) {
  RunInfo run = two_cases();
  run.campaign = "a\",\n\"cycles\":9,\"b\":\"\x1b";
  Summary s(run);
  EXPECT_EQ(read(s).at("campaign").as_string(), run.campaign);
  EXPECT_EQ(read(s).at("cycles").as_int64(), 0);
}

TEST(Summary, TableHasARowForEveryCaseInOrder) {
  RunInfo run = two_cases();
  run.cases[0].name = "good \x1b[31m\xE5\x88\xB7\xE5\x8D\xA1";
  Summary s(run);
  s.add(ended("response lost", Outcome::pass, "network", "network"));
  CycleRecord bad = ended("response lost", Outcome::fail, "network", "network");
  bad.verdict->findings = {{"I2", "x", {}}, {"I2", "y", {}}};
  s.add(bad);
  const std::string table = s.closing_table();
  EXPECT_THAT(table, HasSubstr("good \\x1B[31m\xE5\x88\xB7\xE5\x8D\xA1"));
  EXPECT_THAT(table, Not(HasSubstr("\x1b")));
  EXPECT_THAT(table, testing::ContainsRegex("response lost +P10 +- +2 +pass 1, fail 1 +network x2 +I2 x2"));
  EXPECT_LT(table.find("good"), table.find("response lost"));
  EXPECT_THAT(table, HasSubstr("2 cycles: pass 1, fail 1; diagnosis right 2, wrong 0, unknown 0"));
}

TEST(Summary, ProgressIsOneLine) {
  Outcomes o;
  o[Outcome::pass] = 11;
  o[Outcome::fail] = 1;
  EXPECT_EQ(progress_line(12, 400, 52.1, 7400ms, o), "12/400 cycles   3 %   52/s   8 s left   pass 11, fail 1");
  EXPECT_EQ(progress_line(0, 400, 0, std::nullopt, {}), "0/400 cycles   0 %   0.00/s   -");
  EXPECT_EQ(progress_line(1, 3, 0.012, 2h + 5min, o), "1/3 cycles   33 %   0.01/s   2 h 5 min left   pass 11, fail 1");
}

TEST(Summary, ReadsARunThatWasKilled) {
  std::string dir = (std::filesystem::temp_directory_path() / "summary_test.XXXXXX").string();
  ASSERT_NE(mkdtemp(dir.data()), nullptr);
  const std::string path = dir + "/run.trace";
  {
    TraceWriter writer(path, two_cases(), false);
    writer.begin(0, "good sale", Time{});
    Event e;
    e.seq = 1;
    e.body = Intent{"sale", 1234, "good sale"};
    writer.event(e);
    writer.verdict(0, Time(1s), *ended("good sale", Outcome::pass, "none", "none").verdict);
    writer.begin(1, "response lost", Time(1s));
  }
  const Summary s = summarise(TraceReader(path));
  EXPECT_EQ(boost::json::serialize(read(s).at("outcomes")), R"({"pass":1,"inconclusive":1,"fail":0,"error":0})");
  EXPECT_EQ(read(s).at("head").as_string(), "");
  EXPECT_EQ(read(s).at("events").as_int64(), 1);
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace swiperig
