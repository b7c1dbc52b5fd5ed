// Who may have a served bench do what, and when: every command with every credential that does not do, each with the
// twin that is let through.
#include "bindings/control.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "reports/door.hpp"
#include "rig/clock.hpp"
#include "tests/keyed.hpp"
#include "tests/program.hpp"

namespace swiperig {
namespace {

namespace json = boost::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const std::vector<std::string> all_commands = {"open",   "close",      "run",   "act",   "rest", "stop",
                                               "status", "safe_state", "fetch", "check", "keys"};

/// A request as it should be; `fence` where the command takes one.
std::string request(const std::string& command, const std::string& id, std::int64_t fence) {
  json::object all{{"schema", 1}, {"id", id}, {"command", command}};
  if (fence != 0 && (command == "close" || command == "run" || command == "act" || command == "rest" ||
                     command == "stop" || command == "safe_state"))
    all["fence"] = fence;
  if (command == "run" || command == "check") all["campaign"] = "schema = 1";
  if (command == "act") all["do"] = "mend = true";
  if (command == "fetch") all.insert({{"run", "r"}, {"offset", 0}});
  return json::serialize(all);
}

/// A control without a bench: the test takes the jobs.
struct Desk {
  std::string ask(const std::string& who, Role role, const std::string& text) {
    return control.answer({"key of " + who, ListedPeer{who, role}}, text, now_s).json;
  }
  std::string till(const std::string& command, const std::string& id, std::int64_t fence = 0) {
    return ask("till", Role::operates, request(command, id, fence));
  }
  std::string boss(const std::string& command, const std::string& id, std::int64_t fence = 0) {
    return ask("boss", Role::admin, request(command, id, fence));
  }
  static std::int64_t fence_of(const std::string& answer) {
    const json::object all = json::parse(answer).as_object();
    return all.contains("fence") ? all.at("fence").as_int64() : 0;
  }
  Folder folder;
  double now_s = 100;
  Control control{{"lab",
                   {"network"},
                   [] {
                     return AllowList{{"k", {"wall", Role::observer}}};
                   },
                   [](const std::string&) { return ByHand(Mend{}); },
                   [](const std::string&) { return std::size_t{1}; }},
                  folder / "lease"};
};

std::string refused(const std::string& answer) {
  const json::object all = json::parse(answer).as_object();
  return all.contains("refused") ? std::string(all.at("refused").as_string()) : "";
}

TEST(Control, AnObserverAsksAndMovesNothing) {
  Desk desk;
  const std::int64_t fence = desk.fence_of(desk.till("open", "1"));
  for (const std::string& command : all_commands) {
    const std::string told = desk.ask("wall", Role::observer, request(command, "o" + command, fence));
    const bool asks = command == "status" || command == "fetch" || command == "check";
    EXPECT_EQ(refused(told), command == "fetch" ? "request" : asks ? "" : "role") << command << told;
    // nor does an operator what an admin may
    EXPECT_EQ(refused(desk.till(command, "t" + command, fence)) == "role", command == "keys") << command;
  }
}

TEST(Control, WhoIsNotListedAnyMoreIsRefusedEverything) {
  Desk desk;
  for (const std::string& command : all_commands) {
    EXPECT_EQ(refused(desk.control.answer({"gone", std::nullopt}, request(command, command, 1), 1).json), "key");
  }
}

TEST(Control, F34AnOldLeaseIsRefusedByName) {
  Desk desk;
  const std::int64_t old = desk.fence_of(desk.till("open", "1"));
  ASSERT_GT(old, 0);
  EXPECT_EQ(refused(desk.till("run", "r1", old)), "") << "the twin: while it lasts it is good";
  ASSERT_EQ(desk.control.take()->run, "r1");
  desk.control.ended(0, "", "", desk.now_s);
  EXPECT_EQ(refused(desk.ask("other", Role::operates, request("open", "o1", 0))), "lease");
  desk.now_s += 61;  // nobody was heard of for as long as it lasts
  const std::string again = desk.ask("other", Role::operates, request("open", "o2", 0));
  EXPECT_GT(desk.fence_of(again), old);
  for (const char* command : {"run", "stop", "safe_state", "close"}) {
    const std::string told = desk.till(command, std::string("late") + command, old);
    EXPECT_EQ(refused(told), "old_lease") << command;
    EXPECT_THAT(told,
                AllOf(HasSubstr("lease " + std::to_string(old) + " has ended"), HasSubstr("other has the bench")));
    // and one that was never given out, or is another's
    EXPECT_EQ(refused(desk.till(command, std::string("high") + command, old + 50)), "lease") << command;
    EXPECT_EQ(refused(desk.till(command, std::string("his") + command, desk.fence_of(again))), "lease") << command;
  }
  EXPECT_FALSE(desk.control.take()) << "something of an old lease is to be done";
  // a server that begins anew goes on counting
  Control next({"lab", {}, nullptr, nullptr, nullptr}, desk.folder / "lease");
  const Caller till{"key of till", ListedPeer{"till", Role::operates}};
  EXPECT_GT(desk.fence_of(next.answer(till, request("open", "n", 0), 0).json), desk.fence_of(again));
  EXPECT_EQ(refused(next.answer(till, request("run", "n2", old), 0).json), "old_lease");
}

TEST(Control, ALeaseOutlastsItsRunAndAnAdminTakesItOver) {
  Desk desk;
  const std::int64_t fence = desk.fence_of(desk.till("open", "1"));
  EXPECT_EQ(refused(desk.till("run", "r1", fence)), "");
  ASSERT_TRUE(desk.control.take());
  desk.now_s += 1000;
  EXPECT_EQ(refused(desk.ask("other", Role::operates, request("open", "o1", 0))), "lease");
  const std::string over = R"({"schema":1,"id":"x","command":"open","take_over":true})";
  EXPECT_EQ(refused(desk.ask("other", Role::operates, over)), "role");
  const std::int64_t taken = desk.fence_of(desk.ask("boss", Role::admin, over));
  EXPECT_GT(taken, fence);
  EXPECT_EQ(refused(desk.till("stop", "s1", fence)), "old_lease");
  EXPECT_FALSE(desk.control.stop_run);
  EXPECT_EQ(refused(desk.boss("stop", "s2", taken)), "");
  EXPECT_TRUE(desk.control.stop_run);
}

TEST(Control, ARepeatedIdIsAnsweredAgainAndNothingIsDoneAgain) {
  Desk desk;
  const std::string opened = desk.till("open", "1");
  const std::int64_t fence = desk.fence_of(opened);
  EXPECT_EQ(desk.till("open", "1"), opened);
  const std::string first = desk.till("run", "r1", fence);
  EXPECT_EQ(refused(first), "");
  ASSERT_TRUE(desk.control.take());
  EXPECT_EQ(desk.till("run", "r1", fence), first);
  desk.control.ended(0, "", "", desk.now_s);
  EXPECT_EQ(desk.till("run", "r1", fence), first);
  EXPECT_FALSE(desk.control.take()) << "it is done twice";
  // even when its lease is long over
  desk.now_s += 1000;
  EXPECT_EQ(desk.till("run", "r1", fence), first);
  EXPECT_FALSE(desk.control.take());
  // the id of another request, and the twin with one of its own
  EXPECT_EQ(refused(desk.till("stop", "r1", fence)), "repeated_id");
  const std::int64_t next = desk.fence_of(desk.till("open", "2"));
  EXPECT_EQ(refused(desk.till("run", "r2", next)), "");
  EXPECT_TRUE(desk.control.take());
  // another peer's ids are its own
  EXPECT_EQ(refused(desk.ask("other", Role::operates, request("safe_state", "r1", 0))), "");
}

TEST(Control, WhatIsKeptOfRequestsIsBoundedAndNothingIsForgottenThatCouldActAgain) {
  Desk desk;
  const std::int64_t fence = desk.fence_of(desk.till("open", "first"));
  std::string last;
  for (int i = 0; i < 5000; ++i) last = desk.till("stop", "s" + std::to_string(i), fence);
  EXPECT_EQ(refused(last), "full");
  EXPECT_EQ(refused(desk.till("stop", "s0", fence)), "") << "answered again";
  desk.now_s += 61;
  const std::int64_t next = desk.fence_of(desk.till("open", "second"));
  EXPECT_EQ(refused(desk.till("run", "r", next)), "");
  EXPECT_NE(refused(desk.till("stop", "s0", fence)) + refused(desk.till("stop", "fresh", fence)), "");
}

TEST(Control, SafeStateComesAfterTheRunThatItStops) {
  Desk desk;
  const std::int64_t fence = desk.fence_of(desk.till("open", "1"));
  desk.till("run", "r1", fence);
  ASSERT_EQ(desk.control.take()->run, "r1");
  EXPECT_EQ(refused(desk.ask("other", Role::operates, request("safe_state", "z", 0))), "") << "without a lease";
  EXPECT_TRUE(desk.control.stop_run);
  EXPECT_FALSE(desk.control.take());
  desk.control.ended(3, "stopped", "/nowhere", desk.now_s);
  EXPECT_THAT(desk.till("status", "s"), AllOf(HasSubstr("\"making_safe\""), HasSubstr("\"exit\":3")));
  EXPECT_EQ(desk.control.take()->run, "");
  desk.control.ended(3, "the supply does not answer", "", desk.now_s);
  EXPECT_THAT(desk.till("status", "s"), AllOf(HasSubstr("\"idle\""), HasSubstr("the supply does not answer")));
}

TEST(Control, OneOnThisMachineAndOneFromElsewhereDoNotShareTheBench) {
  Desk desk;
  EXPECT_EQ(desk.control.begin_elsewhere(desk.now_s), "");
  const std::int64_t fence = desk.fence_of(desk.till("open", "1"));
  EXPECT_EQ(refused(desk.till("run", "r1", fence)), "busy");
  EXPECT_EQ(refused(desk.till("stop", "s1", fence)), "busy");
  desk.control.end_elsewhere();
  EXPECT_EQ(desk.control.begin_elsewhere(desk.now_s), "till");
  EXPECT_EQ(refused(desk.till("run", "r2", fence)), "");
}

TEST(Control, WhatIsNoRequestIsToldAsWhatWasExpected) {
  Desk desk;
  std::string deep = R"({"schema":1,"id":"d","command":"status","x":)";
  for (int i = 0; i < 2000; ++i) deep += "[";
  for (const auto& [text, told] : std::vector<std::pair<std::string, std::string>>{
           {"", "an object of JSON"},
           {"\xff\xfe", "an object of JSON"},
           {"[]", "an object of JSON"},
           {deep, "an object of JSON"},
           {"{}", "expected \\\"id\\\""},
           {R"({"id":7})", "expected \\\"id\\\""},
           {R"({"id":")" + std::string(65, 'x') + "\"}", "expected \\\"id\\\""},
           {R"({"id":"1","command":"status"})", "schema"},
           {R"({"id":"1","schema":2,"command":"status"})", "schema"},
           {R"({"id":"1","schema":1,"command":"shell"})", "expected \\\"command\\\""},
           {R"({"id":"1","schema":1,"command":"status","fence":1})", "is not of this command"},
           {R"({"id":"1","schema":1,"command":"run","fence":0})", "from 1"},
           {R"({"id":"1","schema":1,"command":"run","campaign":"x"})", "expected \\\"fence\\\""},
           {R"({"id":"1","schema":1,"command":"run","fence":1})", "expected \\\"campaign\\\""},
           {R"({"id":"1","schema":1,"command":"run","fence":1,"campaign":"x","seed":-1})", "from 0"},
           {R"({"id":"1","schema":1,"command":"run","fence":1,"campaign":"x","defect":"y"})", "is not of this command"},
           {R"({"id":"1","schema":1,"command":"open","lease_s":1e9})", "from 1 to 3600"},
           {R"({"id":"1","schema":1,"command":"fetch","run":"x"})", "offset"}}) {
    const std::string answer = desk.ask("boss", Role::admin, text);
    EXPECT_EQ(refused(answer), "request") << text.substr(0, 100);
    EXPECT_THAT(answer, HasSubstr(told)) << text.substr(0, 100);
  }
  EXPECT_EQ(refused(desk.ask("boss", Role::admin, R"({"id":"1","schema":1,"command":"status"})")), "");
}

/// The same over TCP with keys.
struct Port {
  Port() : port(free_ports()), url("tcp://127.0.0.1:" + std::to_string(port)) {
    answers.emplace(url, keys.access(), [this](const Caller& caller, std::string_view text) {
      ++heard;
      return control.answer(caller, text, machine_seconds());
    });
  }
  /// "": no answer within so long.
  std::string ask(const std::optional<ClientKeys>& with, const std::string& text, int limit_ms = 10'000) {
    zmq::socket_t asks(context, zmq::socket_type::req);
    asks.set(zmq::sockopt::linger, 0);
    asks.set(zmq::sockopt::rcvtimeo, limit_ms);
    if (with) show(asks, *with);
    asks.connect(url);
    asks.send(zmq::buffer(text), zmq::send_flags::none);
    zmq::message_t answer;
    return asks.recv(answer) ? answer.to_string() : "";
  }
  const Keyed keys;
  const std::uint16_t port;
  const std::string url;
  zmq::context_t context;
  std::atomic<int> heard = 0;
  Control control{{"lab",
                   {},
                   [this] {
                     AllowList allowed = read_allow_list(keys.dir + "/allow.toml");
                     answers->allow(allowed);
                     return allowed;
                   },
                   nullptr,
                   nullptr},
                  keys.folder / "lease"};
  std::optional<AnswerPort> answers;
};

TEST(Control, WhatIsDoneByHandIsOneRunAndEachIsDoneOnce) {
  Desk desk;
  const std::int64_t fence = desk.fence_of(desk.till("open", "0"));
  const std::string told = desk.till("act", "1", fence);
  EXPECT_THAT(told, HasSubstr("\"run\":\"1\"")) << told;
  EXPECT_EQ(desk.till("act", "1", fence), told) << "the same id again is the same answer";
  EXPECT_EQ(refused(desk.till("act", "2", fence)), "busy") << "the one before is not done";
  const auto job = desk.control.take();
  ASSERT_TRUE(job && job->by_hand);
  EXPECT_TRUE(desk.control.hands.asked());
  EXPECT_TRUE(desk.control.hands.take());
  EXPECT_FALSE(desk.control.hands.take()) << "once";
  desk.control.hands.done({});
  EXPECT_THAT(desk.till("status", "3"), HasSubstr(R"("hand":{"id":"1","state":"done","events":[]})"));
  EXPECT_THAT(desk.till("act", "4", fence), HasSubstr("\"run\":\"1\""));
  EXPECT_EQ(refused(desk.till("run", "5", fence)), "busy");
  EXPECT_EQ(refused(desk.boss("act", "1", fence)), "lease");
  EXPECT_EQ(refused(desk.till("rest", "6", fence)), "");
  desk.control.ended(3, "the robot is gone", "", desk.now_s);
  EXPECT_THAT(desk.till("status", "7"), HasSubstr(R"("hand":{"id":"4","state":"done","error":"the robot is gone"})"));
  EXPECT_EQ(refused(desk.till("act", "8", fence)), "") << "and the next begins a run of its own";
}

TEST(Control, HandsAreOffWhenTheLeaseIsOver) {
  HandDesk hands;
  hands.begin();
  hands.until_s = machine_seconds() + 60;
  EXPECT_FALSE(hands.asked());
  hands.until_s = machine_seconds() - 1;
  EXPECT_TRUE(hands.asked());
  EXPECT_FALSE(hands.take());
}

TEST(ControlPort, F33EveryCommandWithoutAKeyOrWithAWrongOneIsNotEvenRead) {
  Port port;
  ClientKeys wrong_server = port.keys.client("boss");
  wrong_server.server = new_key_pair().open;
  for (const std::string& command : all_commands) {
    const std::string text = request(command, command, 1);
    EXPECT_EQ(port.ask(std::nullopt, text, 100), "") << command;
    EXPECT_EQ(port.ask(port.keys.client("stranger"), text, 100), "") << command;
    EXPECT_EQ(port.ask(wrong_server, text, 100), "") << command;
  }
  EXPECT_EQ(port.heard, 0);
  for (const std::string& command : all_commands) {
    EXPECT_THAT(port.ask(port.keys.client("boss"), request(command, command, 1)), StartsWith("{\"schema\":1"))
        << command;
  }
  EXPECT_EQ(port.heard, std::ssize(all_commands));
}

TEST(ControlPort, TheRoleIsThatOfTheKey) {
  Port port;
  EXPECT_EQ(refused(port.ask(port.keys.client("wall"), request("open", "1", 0))), "role");
  EXPECT_EQ(refused(port.ask(port.keys.client("wall"), request("status", "2", 0))), "");
  EXPECT_EQ(refused(port.ask(port.keys.client("till"), request("open", "1", 0))), "");
  EXPECT_EQ(refused(port.ask(port.keys.client("till"), request("keys", "2", 0))), "role");
  EXPECT_EQ(refused(port.ask(port.keys.client("boss"), request("keys", "1", 0))), "");
}

TEST(ControlPort, AKeyThatIsWithdrawnIsOutAtOnce) {
  Port port;
  const std::string list = port.keys.dir + "/allow.toml", text = read_text(list);
  EXPECT_EQ(refused(port.ask(port.keys.client("wall"), request("status", "1", 0))), "");
  std::ofstream(list) << text.substr(text.find("[till]"));
  EXPECT_THAT(port.ask(port.keys.client("boss"), request("keys", "1", 0)), testing::Not(HasSubstr("wall")));
  EXPECT_EQ(port.ask(port.keys.client("wall"), request("status", "2", 0), 300), "");
  EXPECT_EQ(refused(port.ask(port.keys.client("till"), request("status", "2", 0))), "");
}

TEST(ControlPort, AKeyTakenFromTheFileIsOutWithinTwoSeconds) {
  Port port;
  const std::string list = port.keys.dir + "/allow.toml", text = read_text(list);
  EXPECT_EQ(refused(port.ask(port.keys.client("wall"), request("status", "1", 0))), "");
  poll(nullptr, 0, 2000);
  EXPECT_EQ(refused(port.ask(port.keys.client("wall"), request("status", "2", 0))), "") << "while nothing changed";
  std::ofstream(list) << text.substr(text.find("[till]"));
  poll(nullptr, 0, 2000);
  EXPECT_EQ(port.ask(port.keys.client("wall"), request("status", "3", 0), 300), "");
  EXPECT_EQ(refused(port.ask(port.keys.client("till"), request("status", "4", 0), 10'000)), "");
}

TEST(ControlPort, F32HostilePeersHarmNobody) {
  Port port;
  const ClientKeys till = port.keys.client("till");
  for (const std::string& bytes :
       {std::string(10'000, '\xff'), curve_greeting() + two_gigabytes(), std::string("GET /open HTTP/1.1\r\n\r\n")}) {
    const Raw hostile(port.port);
    hostile.say(bytes);
    EXPECT_TRUE(hostile.ended(10'000));
  }
  EXPECT_EQ(port.ask(till, std::string(70'000, ' '), 300), "") << "longer than any request";
  EXPECT_EQ(refused(port.ask(till, std::string(60'000, ' '))), "request");
  const std::size_t before = open_files(getpid());
  {
    constexpr std::size_t many = 10'000;
    ASSERT_GE(raise_open_files(), many + 1000) << "the machine allows this test no such crowd";
    std::vector<Raw> crowd;
    for (std::size_t i = 0; i < many; ++i) crowd.emplace_back(port.port);
    poll(nullptr, 0, 300);
    EXPECT_GT(open_files(getpid()) - before, many + 100) << "the crowd never came in";
    EXPECT_LT(open_files(getpid()) - before, many + most_connections + 150);
    EXPECT_EQ(refused(port.ask(till, request("status", "0", 0), 60'000)), "") << "past the crowd";
  }
  EXPECT_EQ(refused(port.ask(till, request("status", "1", 0), 30'000)), "");
}

TEST(ControlPort, WithoutKeysOverTcpNothingIsServed) {
  const Folder folder;
  const std::string bench = (project / "fixtures/benches/realtime.toml").string();
  const Said said = swiperig(folder, {"serve", bench, "--control", "ipc://relative"});
  EXPECT_EQ(said.exit_code, 2) << said.err;
  const Said open = swiperig(folder, {"serve", bench, "--control", "tcp://127.0.0.1:5555"});
  EXPECT_EQ(open.exit_code, 2);
  EXPECT_THAT(open.err, HasSubstr("swiperig keys new"));
}

}  // namespace
}  // namespace swiperig
