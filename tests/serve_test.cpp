// A bench that is served: runs of others are done by its controller, whatever becomes of those who asked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <zmq.hpp>

#include "bindings/served_run.hpp"
#include "rig/trace_file.hpp"
#include "tests/guard_lane.hpp"

namespace swiperig {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(ServeRequests, ComeBackAsTheyWereSent) {
  ServeRequest request;
  request.options.campaign = "c\n\"x\".toml";
  request.options.seed = 18'000'000'000'000'000'000U;
  request.options.cycles = 7;
  request.options.linger = std::chrono::seconds(3);
  request.folder = "/somewhere";
  const auto back = std::get<ServeRequest>(parse_request(to_line(request)));
  EXPECT_EQ(back.options.campaign, request.options.campaign);
  EXPECT_EQ(back.options.seed, request.options.seed);
  EXPECT_EQ(back.options.cycles, request.options.cycles);
  EXPECT_EQ(back.options.linger, request.options.linger);
  EXPECT_EQ(back.folder, request.folder);
}

TEST(ServeRequests, WhatIsNoneIsToldAsWhatWasExpected) {
  for (const char* line : {"", "{", "[]", "{\"run\":7}", "{\"run\":{}}", "{\"run\":{\"campaign\":\"c\"}}",
                           "{\"run\":{\"campaign\":\"c\",\"folder\":\"relative\"}}",
                           "{\"run\":{\"campaign\":\"c\",\"folder\":\"/f\",\"seed\":-1}}",
                           "{\"run\":{\"campaign\":\"c\",\"folder\":\"/f\",\"cycles\":0}}",
                           "{\"run\":{\"campaign\":\"c\",\"folder\":\"/f\",\"shell\":\"rm\"}}",
                           "{\"run\":{\"campaign\":\"c\",\"folder\":\"/f\"},\"more\":1}"}) {
    EXPECT_TRUE(std::holds_alternative<std::string>(parse_request(line))) << line;
  }
  EXPECT_TRUE(std::holds_alternative<ServeRequest>(parse_request("{\"run\":{\"campaign\":\"c\",\"folder\":\"/f\"}}")));
}

TEST(ServeVerb, AVirtualBenchIsNotServed) {
  const Folder folder;
  const Said said = swiperig(folder, {"serve", (project / "fixtures/benches/virtual.toml").string()});
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.err, HasSubstr("virtual"));
}

TEST(GuardVerb, ByHandItIsRefusedAsItsControllerIsMissing) {
  const Folder folder;
  const Said said = swiperig(folder, {"guard", (project / "fixtures/benches/realtime.toml").string()});
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.err, HasSubstr("is started by a controller"));
}

class RealtimeServe : public testing::Test {
 protected:
  RealtimeServe() : bench(bench_in(folder)), stands(folder, bench) {
    const std::string text = read_text(bench);
    const auto link = text.find("\"tcp:127.0.0.1:", text.find("[power]")) + 15;
    std::from_chars(text.data() + link, text.data() + link + 5, supply_port);
    EXPECT_TRUE(await(20, [&] {
      try {
        return supply_says(supply_port) == "0";
      } catch (const LinkError&) {
        return false;
      }
    }));
    await(1, [] { return false; });  // the others have come up, too
    server.emplace(folder, std::vector<std::string>{"serve", bench, "--control", control}, "server");
    EXPECT_TRUE(await(20, [&] { return server->out().find("serving") != std::string::npos; })) << server->err();
  }
  std::vector<std::string> run_words(const std::string& out) const {
    return {"run", demonstration, "--bench", bench, "--cycles", "1", "--out", folder / out};
  }
  /// Waits until a run is in the middle of its first cycle.
  bool moves(Program& run, const std::string& out) const {
    return await(30, [&] { return run.ended() || std::filesystem::exists(folder / (out + "/run.trace")); }) &&
           !await(8, [&] { return run.ended(); });
  }
  /// After the server has gone.
  void expect_safe() const {
    const std::string robot = robot_says(folder / "tty/robot");
    EXPECT_THAT(robot, testing::StartsWith("Idle|"));
    EXPECT_EQ(supply_says(supply_port), "0");
  }

  /// What the control socket answers.
  boost::json::object ask(boost::json::object request) const {
    request.insert({{"schema", 1}, {"id", std::to_string(++asked)}});
    zmq::context_t context;
    zmq::socket_t socket(context, zmq::socket_type::req);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::rcvtimeo, 10'000);
    socket.connect(control);
    socket.send(zmq::buffer(boost::json::serialize(request)), zmq::send_flags::none);
    zmq::message_t answer;
    if (!socket.recv(answer)) return {{"refused", "(silence)"}};
    return boost::json::parse(answer.to_string()).as_object();
  }
  std::string state() const { return std::string(ask({{"command", "status"}}).at("state").as_string()); }

  Folder folder;
  mutable int asked = 0;
  std::string control = "ipc://" + (folder / "own/control");
  std::string bench;
  std::uint16_t supply_port = 0;
  Served stands;
  std::optional<Program> server;
};

TEST_F(RealtimeServe, DoesARunAndTellsItsWordsAndItsEnd) {
  Program run(folder, run_words("out"), "run");
  ASSERT_TRUE(moves(run, "out")) << run.err() << server->err();
  const Said other = swiperig(folder, run_words("other"));
  EXPECT_EQ(other.exit_code, 3);
  EXPECT_THAT(other.err, HasSubstr("busy"));
  EXPECT_EQ(run.wait(100), 0) << run.err();
  EXPECT_THAT(run.out(), AllOf(HasSubstr("1 cycles: pass 1"), HasSubstr("report.html")));
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(20), 0) << server->err();
  expect_safe();
}

TEST_F(RealtimeServe, AGuardianThatHasEndedIsReplacedAndTheNextRunEnds) {
  pid_t guardian = 0;
  std::ifstream("/proc/" + std::to_string(server->pid()) + "/task/" + std::to_string(server->pid()) + "/children") >>
      guardian;
  ASSERT_GT(guardian, 0);
  ASSERT_EQ(kill(guardian, SIGTERM), 0);
  ASSERT_TRUE(await(20, [&] { return !std::filesystem::exists("/proc/" + std::to_string(guardian) + "/exe"); }));
  Program run(folder, run_words("out"), "run");
  EXPECT_EQ(run.wait(100), 0) << run.err() << server->err();
  // the same robot by another file: its limits may be others
  std::filesystem::copy_file(bench, std::filesystem::path(bench).replace_filename("other.toml"));
  const Said other = swiperig(
      folder, {"run", demonstration, "--bench", std::filesystem::path(bench).replace_filename("other.toml").string(),
               "--cycles", "1", "--out", folder / "other"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("this robot is served for"));
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(20), 0) << server->err();
  expect_safe();
}

TEST_F(RealtimeServe, CtrlCOfTheCallerStopsTheRunAndTheServerServesOn) {
  Program run(folder, run_words("out"), "run");
  ASSERT_TRUE(moves(run, "out")) << run.err() << run.out() << server->err() << server->out();
  run.signal(SIGINT);
  EXPECT_EQ(run.wait(30), 3);
  EXPECT_THAT(run.err(), HasSubstr("stopped"));
  EXPECT_FALSE(TraceReader(folder / "out/run.trace").head().empty());
  EXPECT_FALSE(server->ended());
  Program next(folder, run_words("next"), "next");
  EXPECT_TRUE(moves(next, "next")) << "the server serves on: " << next.err();
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(30), 0) << server->err();
  EXPECT_EQ(next.wait(10), 3);
  expect_safe();
}

TEST_F(RealtimeServe, ARunOutlivesItsCaller) {
  {
    Program run(folder, run_words("out"), "run");
    ASSERT_TRUE(moves(run, "out")) << run.err() << run.out() << server->err() << server->out();
    run.signal(SIGKILL);
    run.wait(5);
  }
  EXPECT_TRUE(await(100, [&] { return std::filesystem::exists(folder / "out/report.html"); })) << server->err();
  EXPECT_THAT(read_text(folder / "out/summary.json"), HasSubstr("\"pass\": 1"));
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(20), 0);
  expect_safe();
}

TEST_F(RealtimeServe, OverTheControlSocketARunIsDoneStoppedAndTheBenchMadeSafe) {
  const std::string sale =
      "schema = 1\nname = \"sent\"\n[[case]]\nname = \"good sale\"\namount = \"12.34\"\n"
      "card = \"debit\"\nswipe = \"500 mm/s\"\ncause = \"none\"\nmust = [\"told\"]\n";
  const auto ended = [&] {
    poll(nullptr, 0, 200);  // the bench needs the machine, too
    return state() == "idle";
  };
  const auto fence = ask({{"command", "open"}, {"lease_s", 3600}}).at("fence");
  // what is wrong with a campaign is told, and nothing moves
  ask({{"command", "run"}, {"fence", fence}, {"campaign", replaced(sale, "debit", "none_such")}});
  ASSERT_TRUE(await(20, ended));
  auto run = ask({{"command", "status"}}).at("run").as_object();
  EXPECT_EQ(run.at("exit").as_int64(), 2);
  EXPECT_THAT(std::string(run.at("words").as_string()), HasSubstr("none_such"));
  ask({{"command", "run"}, {"fence", fence}, {"campaign", replaced(sale, "[[", "bench = \"other.toml\"\n[[")}});
  ASSERT_TRUE(await(20, ended));
  EXPECT_THAT(std::string(ask({{"command", "status"}}).at("run").at("words").as_string()), HasSubstr("names no files"));
  // and when it is only asked about
  const auto refused = ask({{"command", "check"}, {"campaign", replaced(sale, "[[", "bench = \"other.toml\"\n[[")}});
  EXPECT_THAT(std::string(refused.at("error").as_string()), HasSubstr("names no files"));
  EXPECT_EQ(ask({{"command", "check"}, {"campaign", sale}}).at("cases").as_int64(), 1);

  const auto begun = ask({{"command", "run"}, {"fence", fence}, {"campaign", sale}});
  ASSERT_FALSE(begun.contains("refused")) << begun;
  const Said other = swiperig(folder, run_words("other"));
  EXPECT_EQ(other.exit_code, 3);
  EXPECT_THAT(other.err, testing::AnyOf(HasSubstr("busy"), HasSubstr("leased to owner")));
  EXPECT_EQ(ask({{"command", "run"}, {"fence", fence}, {"campaign", sale}}).at("refused"), "busy");
  ASSERT_TRUE(await(100, ended)) << server->err();
  run = ask({{"command", "status"}}).at("run").as_object();
  EXPECT_EQ(run.at("exit").as_int64(), 0) << run;
  const auto fetched = ask({{"command", "fetch"}, {"run", begun.at("run")}, {"offset", 0}});
  EXPECT_GT(fetched.at("bytes").as_int64(), 1000);

  ask({{"command", "run"}, {"fence", fence}, {"campaign", sale}, {"cycles", 100}});
  ASSERT_FALSE(await(8, ended));
  ask({{"command", "stop"}, {"fence", fence}});
  EXPECT_TRUE(await(30, ended));
  run = ask({{"command", "status"}}).at("run").as_object();
  EXPECT_EQ(run.at("exit").as_int64(), 3);
  EXPECT_THAT(std::string(run.at("words").as_string()), HasSubstr("stopped"));
  ask({{"command", "safe_state"}});
  EXPECT_TRUE(await(30, ended));
  EXPECT_FALSE(ask({{"command", "status"}}).contains("not_safe"));
  ask({{"command", "close"}, {"fence", fence}});
  EXPECT_EQ(ask({{"command", "run"}, {"fence", fence}, {"campaign", sale}}).at("refused"), "old_lease");
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(20), 0) << server->err();
  expect_safe();
}

TEST_F(RealtimeServe, F37AServerThatIsKilledLeavesTheBenchSafeAndItsCallerIsTold) {
  Program run(folder, run_words("out"), "run");
  ASSERT_TRUE(moves(run, "out")) << run.err() << run.out() << server->err() << server->out();
  server->signal(SIGKILL);
  server->wait(5);
  EXPECT_EQ(run.wait(20), 3);
  EXPECT_THAT(run.err(), HasSubstr("has ended"));
  EXPECT_TRUE(await(20, [&] {
    try {
      return supply_says(supply_port) == "0" && robot_says(folder / "tty/robot").starts_with("Idle|");
    } catch (const LinkError&) {
      return false;  // its guardian still has them
    }
  }));
}

}  // namespace
}  // namespace swiperig
