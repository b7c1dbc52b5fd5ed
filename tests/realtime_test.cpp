// The demonstration campaign in real time: stand-ins in processes of their own, on pseudo-terminals and TCP ports, with
// the real relay socket in the path. Only the links of the bench differ from the virtual one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "drivers/link_tcp.hpp"
#include "reports/follower.hpp"
#include "rig/trace_file.hpp"
#include "tests/realtime_bench.hpp"

namespace swiperig {
namespace {

using testing::HasSubstr;

TEST(Realtime, TheDemonstrationCampaignPasses) {
  const Folder folder;
  const std::string bench = bench_in(folder);
  folder.write("benches/key", std::string(64, 'a'));
  std::filesystem::permissions(folder / "benches/key", std::filesystem::perms(0600));
  const std::string with_vault = folder.write(
      "benches/vault.toml",
      "schema = 1\nextends = \"realtime.toml\"\nname = \"realtime, with a vault\"\n[vault]\nkey_file = \"key\"\n"
      "test_cards = [\"6212345678901265\"]\n");
  const Served served(folder, bench);
  Program run(folder, {"run", demonstration, "--bench", with_vault, "--cycles", "11", "--out", folder / "out"});
  EXPECT_EQ(run.wait(290), 0) << run.out() << run.err();
  // each message of the debit card that a request or its response was told by is in the vault, under that event
  const Said opened = swiperig(
      folder, {"vault", folder / "out", "--key", folder / "benches/key", "--reason", "a test of the whole run"});
  EXPECT_EQ(opened.exit_code, 0) << opened.err;
  const TraceReader trace(folder / "out/run.trace");
  std::size_t requests = 0;
  trace.for_each([&](const CycleRecord& c) {
    for (const Event& e : c.events) {
      const auto* m = std::get_if<Milestone>(&e.body);
      if (m == nullptr || m->name != "request_entered" || field(m->fields, "pan") != "621234******1265") continue;
      ++requests;
      EXPECT_THAT(opened.out, HasSubstr("event " + std::to_string(e.seq) + " at "));
    }
  });
  EXPECT_GE(requests, 11U);
  EXPECT_THAT(opened.out, HasSubstr("  6212345678901265\n"));
  EXPECT_THAT(opened.out, testing::Not(HasSubstr("6212345678901232"))) << "the credit card is not declared";
  EXPECT_THAT(opened.out, testing::Not(HasSubstr("no event"))) << "every one was told";
  const auto summary = boost::json::parse(read_text(folder / "out/summary.json"));
  EXPECT_EQ(summary.at("outcomes").at("pass"), 11);
  EXPECT_EQ(summary.at("diagnosis").at("right"), 11);
  EXPECT_FALSE(summary.at("virtual").as_bool());
}

TEST(RealtimeStops, CtrlCLeavesTheBenchAtRestAndTheTraceClosed) {
  const Folder folder;
  const std::string bench = bench_in(folder);
  const Served served(folder, bench);
  Program run(folder, {"run", demonstration, "--bench", bench, "--cycles", "11", "--out", folder / "out"});
  ASSERT_TRUE(await(20, [&] { return std::filesystem::exists(folder / "out/run.trace"); }));
  await(8, [&] { return run.ended(); });  // into the first cycle
  run.signal(SIGINT);
  EXPECT_EQ(run.wait(15), 3) << run.err();
  EXPECT_THAT(run.err(), HasSubstr("stopped"));
  const TraceReader trace(folder / "out/run.trace");
  EXPECT_FALSE(trace.head().empty());
  const auto cycle = trace.cycle(0);
  ASSERT_TRUE(cycle.has_value());
  EXPECT_FALSE(cycle->verdict.has_value());
}

TEST(RealtimePublisher, EventsAreToldWhileTheirCycleIsUnderWay) {
  const Folder folder;
  const std::string bench = bench_in(folder);
  const Served served(folder, bench);
  const std::string url = "ipc://" + (folder / "own/run");
  Program run(folder, {"run", demonstration, "--bench", bench, "--out", folder / "out", "--publish", url});
  Follower follower({url, url + ".backfill"}, 0, std::nullopt, 20'000);
  std::int64_t told = 0;
  for (int quiet = 0; told < 5 && quiet < 20;) follower.next(1000) ? ++told : ++quiet;
  ASSERT_EQ(told, 5) << run.err();
  EXPECT_FALSE(TraceReader(folder / "out/run.trace").cycle(0)->verdict.has_value());
  run.signal(SIGINT);
  std::string last;
  while (!follower.ended()) {
    if (const auto more = follower.next(500)) {
      EXPECT_EQ(more->seq, told++);
      last = more->json;
    }
  }
  EXPECT_EQ(run.wait(15), 3) << run.err();
  const TraceReader trace(folder / "out/run.trace");
  EXPECT_THAT(last, HasSubstr(trace.head()));
  EXPECT_EQ(told, 1 + 1 + static_cast<std::int64_t>(trace.events()) + 1) << "the run, its cycle, its events, its end";
}

/// A disk may need longer than the dead-man to make a cycle durable; one that does not come back has hung us.
TEST(RealtimeStops, ASlowDiskIsNoControllerThatHangs) {
  for (const bool hangs : {false, true}) {
    const Folder folder;
    const std::string bench = bench_in(folder);
    const Served served(folder, bench);
    setenv("LD_PRELOAD", programs::slow_disk, 1);
    setenv("SWIPERIG_DISK_MS", hangs ? "6000" : "400", 1);
    Program run(folder, {"run", demonstration, "--bench", bench, "--cycles", "1", "--out", folder / "out"});
    unsetenv("LD_PRELOAD");
    unsetenv("SWIPERIG_DISK_MS");
    EXPECT_EQ(run.wait(120), hangs ? 3 : 0) << run.out() << run.err();
    EXPECT_EQ(run.err().find("no beat of the controller") != std::string::npos, hangs) << run.err();
  }
}

TEST(RealtimeStops, AWriterKilledInMidCycleLeavesAnUnfinishedCycle) {
  const Folder folder;
  const std::string bench = bench_in(folder);
  const Served served(folder, bench);
  Program run(folder, {"run", demonstration, "--bench", bench, "--cycles", "11", "--out", folder / "out"});
  ASSERT_TRUE(await(20, [&] { return std::filesystem::exists(folder / "out/run.trace"); }));
  await(8, [&] { return run.ended(); });
  run.signal(SIGKILL);
  run.wait(5);
  const Said judged = swiperig(folder, {"judge", folder / "out"});
  EXPECT_EQ(judged.exit_code, 1) << judged.err;
  EXPECT_THAT(judged.out, HasSubstr("\"inconclusive\": 1"));
  EXPECT_THAT(judged.out, HasSubstr("did not end in order"));
}

TEST(RealtimeStops, EquipmentThatDiesIsARigFault) {
  const Folder folder;
  const std::string bench = bench_in(folder);
  const Folder host_in, terminal_in, robot_in, supply_in;
  Program host(host_in, {"stand-in", "host", "--bench", bench});
  Program terminal(terminal_in, {"stand-in", "terminal", "--bench", bench});
  Program robot(robot_in, {"stand-in", "robot", "--bench", bench});
  Program supply(supply_in, {"stand-in", "supply", "--bench", bench});
  ASSERT_TRUE(await(20, [&] { return ports_made(folder); }));
  await(1, [] { return false; });
  Program run(folder, {"run", demonstration, "--bench", bench, "--cycles", "1", "--out", folder / "out"});
  ASSERT_TRUE(await(20, [&] { return std::filesystem::exists(folder / "out/run.trace"); }));
  await(8, [&] { return run.ended(); });
  supply.signal(SIGKILL);
  EXPECT_EQ(run.wait(60), 3) << run.out() << run.err();
  const auto summary = boost::json::parse(read_text(folder / "out/summary.json"));
  EXPECT_EQ(summary.at("outcomes").at("fail"), 0);
  for (Program* p : {&host, &terminal, &robot}) {
    p->signal(SIGTERM);
    p->wait(10);
  }
}

}  // namespace
}  // namespace swiperig
