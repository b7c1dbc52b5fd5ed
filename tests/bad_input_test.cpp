// The program among hostile files, full disks and mute devices: it ends, with the right code and one line that says
// why. Each case has a twin that goes well.
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "bindings/child.hpp"
#include "drivers/link_tcp.hpp"
#include "tests/program.hpp"

namespace swiperig {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Results of a good run, made once.
const Folder& good() {
  static const Folder folder;
  static const int code = swiperig(folder, {"run", demonstration, "--cycles", "11", "--out", "r"}).exit_code;
  EXPECT_EQ(code, 0);
  return folder;
}

Said judged_after(const char* sql) {
  const Folder folder;
  fs::copy(good() / "r", folder / "r", fs::copy_options::recursive);
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open((folder / "r/run.trace").c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
  return swiperig(folder, {"judge", "r"});
}

TEST(BadTrace, OnlyItsOwnTablesAreRead) {
  EXPECT_EQ(judged_after("SELECT 1").exit_code, 0);
  for (const char* sql :
       {"UPDATE run SET head=NULL; DROP TABLE seals; CREATE VIEW seals AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL "
        "SELECT x+1 FROM n) SELECT x FROM n",
        "CREATE TRIGGER t AFTER INSERT ON chunks BEGIN DELETE FROM chunks; END", "CREATE TABLE more(x)",
        "CREATE INDEX chunks_by_count ON chunks(count)"}) {
    const Said said = judged_after(sql);
    EXPECT_EQ(said.exit_code, 2) << sql;
    EXPECT_THAT(said.err, HasSubstr("its tables are not those of a trace"));
  }
}

TEST(BadTrace, AVerdictWithoutAHeadAndATimeOutOfRangeAreRefused) {
  const Said headless = judged_after("UPDATE cycles SET head=NULL WHERE cycle=3; UPDATE run SET head=NULL");
  EXPECT_EQ(headless.exit_code, 2);
  EXPECT_THAT(headless.err, HasSubstr("cycle 3 has a verdict and no head"));
  const Said late = judged_after("UPDATE cycles SET ended_ns=-5 WHERE cycle=3; UPDATE run SET head=NULL");
  EXPECT_EQ(late.exit_code, 2);
  EXPECT_THAT(late.err, HasSubstr("cycle 3: a time of -5 ns"));
  const Said unfinished = judged_after("UPDATE run SET head=NULL");
  EXPECT_EQ(unfinished.exit_code, 1) << "the twin: whole, but nothing says that it ended";
}

TEST(BadTrace, APipeIsNoTrace) {
  const Folder folder;
  fs::create_directory(folder / "r");
  ASSERT_EQ(mkfifo((folder / "r/run.trace").c_str(), 0600), 0);
  Program judge(folder, {"judge", "r"});
  EXPECT_EQ(judge.wait(10), 2);
  EXPECT_THAT(judge.err(), HasSubstr("run.trace: not a file"));
}

TEST(BadTrace, AShortFileWithItsLogBesideItIsLeftToSqlite) {
  const Folder folder;
  fs::copy(good() / "r", folder / "r", fs::copy_options::recursive);
  fs::resize_file(folder / "r/run.trace", fs::file_size(folder / "r/run.trace") - 4096);
  EXPECT_THAT(swiperig(folder, {"judge", "r"}).err, HasSubstr("cut off"));
  folder.write("r/run.trace-wal", "no log at all");
  const Said said = swiperig(folder, {"judge", "r"});
  EXPECT_EQ(said.exit_code, 2) << "damaged all the same";
  EXPECT_THAT(said.err, Not(HasSubstr("cut off")));
}

TEST(BadPlace, WhereNoResultsCanGoIsWrongUse) {
  const Folder folder;
  folder.write("a_file", "");
  fs::create_symlink("nowhere", folder / "dangling");
  for (const char* out : {"a_file", "/proc/x", "dangling", "/dev/null"}) {
    const Said said = swiperig(folder, {"run", demonstration, "--cycles", "1", "--out", out});
    EXPECT_EQ(said.exit_code, 2) << out;
    EXPECT_THAT(said.err, AllOf(HasSubstr(out), Not(HasSubstr("rig fault"))));
  }
  fs::create_directory(folder / "empty");
  EXPECT_EQ(swiperig(folder, {"run", demonstration, "--cycles", "11", "--out", "empty"}).exit_code, 0);
}

int shell(const Folder& folder, const std::string& line) {
  return run_child({"/bin/sh", "-c", "cd " + folder.path().string() + " && " + line});
}

TEST(BadPlace, AFullDiskIsARigFault) {
  const Folder folder;
  const std::string run = std::string(programs::swiperig) + " run " + demonstration + " --out ";
  EXPECT_EQ(shell(folder, "ulimit -f 200; " + run + "small --cycles 3000 >out 2>err"), 3);
  EXPECT_THAT(read_text(folder / "err"), AllOf(HasSubstr("rig fault"), HasSubstr("run.trace")));
  EXPECT_EQ(shell(folder, "ulimit -f 20000; " + run + "enough --cycles 11 >out 2>err"), 0);
}

TEST(BadPlace, OutputThatIsLostIsNotSuccess) {
  const std::string judge = std::string(programs::swiperig) + " judge r ";
  EXPECT_EQ(shell(good(), judge + ">/dev/full 2>/dev/null"), 3);
  EXPECT_EQ(shell(good(), judge + ">/dev/null"), 0);
  EXPECT_EQ(shell(good(), "(" + judge + "; echo $? >code) | true; sleep 0.1; exit $(cat code)"), 0)
      << "a reader that went away did not want it";
}

TEST(BadText, NoControlCharacterReachesTheOperator) {
  const Folder folder;
  const std::string text = replaced(read_text(demonstration), "\"good sale\"", "\"good \\u001b[2Jsale\"");
  const Said plan = swiperig(folder, {"plan", folder.write("c.toml", text)});
  EXPECT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_THAT(plan.out, AllOf(HasSubstr("good \\x1B[2Jsale"), Not(HasSubstr("\x1b"))));
  const std::string card = replaced(read_text(demonstration), "card = \"debit\"", "card = \"6212345678901265\"");
  const Said refused = swiperig(folder, {"plan", folder.write("d.toml", card)});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("621234******1265"), Not(HasSubstr("6212345678901265"))));
}

TEST(Ending, AHangupStopsInOrderUnlessTheUserSaidNohup) {
  const Folder folder;
  Program program(folder, {"run", demonstration, "--cycles", "1000000", "--out", "r"});
  ASSERT_TRUE(await(30, [&] { return program.err().find("cycles") != std::string::npos; }));
  program.signal(SIGHUP);
  EXPECT_EQ(program.wait(30), 3);
  EXPECT_THAT(program.err(), HasSubstr("stopped by the user"));
  EXPECT_EQ(swiperig(folder, {"judge", "r"}).exit_code, 1);
  const std::string run = std::string(programs::swiperig) + " run " + demonstration + " --cycles 400 --out n";
  EXPECT_EQ(shell(folder, "trap '' HUP; " + run + " >o 2>e & sleep 0.1; kill -HUP $!; wait $!"), 0);
}

TEST(Ending, AChildThatDoesNotListenIsEnded) {
  const pid_t deaf = start_child({"/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"});
  poll(nullptr, 0, 50);
  EXPECT_EQ(end_child(deaf, 50), 128 + SIGKILL);
  EXPECT_EQ(end_child(start_child({"/bin/sleep", "30"}), 5000), 128 + SIGTERM);
}

// devices that take the connection and never say a word
TEST(RealtimeEnding, CtrlCIsHeardWhileTheBenchIsOpened) {
  for (const bool stopped : {true, false}) {
    const Folder folder;
    for (const char* sub : {"benches", "terminals", "hosts"})
      fs::copy(project / "fixtures" / sub, folder.path() / sub, fs::copy_options::recursive);
    std::string text = read_text(folder / "benches/realtime.toml");
    SteadyClock clock;
    std::vector<std::unique_ptr<Listener>> mute;
    const auto taken = [&](bool serve) {
      std::uint16_t port = 0;
      auto listener = tcp_listener(clock, "127.0.0.1", 0, &port);
      if (serve) mute.push_back(std::move(listener));
      return "127.0.0.1:" + std::to_string(port);
    };
    for (const char* port : {"47302", "47305", "47306"})
      text = replaced(text, "127.0.0.1:" + std::string(port), taken(true));
    for (const char* port : {"47303", "47304"}) text = replaced(text, "127.0.0.1:" + std::string(port), taken(false));
    for (const char* device : {"ecr", "robot"})
      text = replaced(text, "serial:runs/stand-in/" + std::string(device) + "?baud=115200", "tcp:" + taken(true));
    const std::string bench = folder.write("benches/realtime.toml", text);
    Program run(folder, {"run", demonstration, "--bench", bench, "--cycles", "1", "--out", "out"});
    ASSERT_TRUE(await(10, [&] { return fs::exists(folder / "out/run.trace"); })) << run.err();
    await(0.15, [] { return false; });
    const double asked = machine_seconds();
    if (stopped) run.signal(SIGINT);
    EXPECT_EQ(run.wait(30), 3);
    if (stopped) {
      EXPECT_LT(machine_seconds() - asked, 3);
    }
    EXPECT_THAT(run.err(), HasSubstr(stopped ? "stopped by the user" : "rig fault"));
  }
}

}  // namespace
}  // namespace swiperig
