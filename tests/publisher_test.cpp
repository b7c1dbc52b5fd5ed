// A run and those who follow it, as processes and sockets: nothing lost however late or slow a follower is, nothing
// harmed by what strangers send, and the same head as without an audience.
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/json.hpp>
#include <cstring>
#include <zmq.hpp>

#include "reports/follower.hpp"
#include "rig/trace_file.hpp"
#include "tests/program.hpp"

namespace swiperig {
namespace {

namespace json = boost::json;
using testing::AllOf;
using testing::HasSubstr;

struct Stage {
  explicit Stage(std::string cycles, std::string linger = "120s")
      : live("ipc://" + (folder / "own/run")),
        run(folder,
            {"run", demonstration, "--cycles", std::move(cycles), "--out", "out", "--publish", live, "--linger",
             std::move(linger)},
            "run") {}
  Endpoints at() const { return {live, live + ".backfill"}; }
  std::string trace() const { return folder / "out/run.trace"; }
  /// Ends the waiting for followers.
  void end() {
    run.signal(SIGINT);
    EXPECT_EQ(run.wait(), 0) << run.err();
  }

  const Folder folder;
  const std::string live;
  Program run;
};

std::string plain(std::string_view stored) { return json::serialize(json::parse({stored.data(), stored.size()})); }

/// What a follower should have been told, from the closed trace.
std::vector<std::string> expected(const std::string& path) {
  const TraceReader trace(path);
  std::vector<std::string> out = {"health running " + trace.run().campaign};
  trace.for_each([&](const CycleRecord& c) {
    const std::string cycle = std::to_string(c.cycle);
    out.push_back("cycle " + cycle + " " + c.case_name);
    for (const Event& e : c.events) {
      std::string body;
      append_json(e.body, body);
      out.push_back("event " + cycle + " " + std::to_string(e.seq) + " " +
                    std::to_string(e.at.time_since_epoch().count()) + " " + std::string(kind_of(e.body)) + " " +
                    plain(body));
    }
    out.push_back("verdict " + cycle + " " + plain(to_json(*c.verdict)));
  });
  out.push_back("health ended " + trace.head());
  return out;
}

std::string as_expected(const Followed& told) {
  const json::object m = json::parse(told.json).as_object();
  EXPECT_EQ(m.at("seq").as_int64(), told.seq);
  const std::string topic = told.topic.substr(told.topic.rfind('/') + 1);
  EXPECT_EQ(told.topic, "run/" + std::string(m.at("run").as_string()) + "/" + topic);
  const auto text = [&](const char* name) { return std::string(m.at(name).as_string()); };
  const auto number = [&](const char* name) { return std::to_string(m.at(name).as_int64()); };
  if (topic == "health") return "health " + text("state") + " " + text(text("state") == "ended" ? "head" : "campaign");
  if (topic == "cycle") return "cycle " + number("cycle") + " " + text("case");
  if (topic == "verdict") return "verdict " + number("cycle") + " " + json::serialize(m.at("verdict"));
  return "event " + number("cycle") + " " + number("event") + " " + number("at_ns") + " " + text("kind") + " " +
         json::serialize(m.at("body"));
}

std::vector<std::string> all(Follower& follower) {
  std::vector<std::string> out;
  while (!follower.ended()) {
    if (const auto told = follower.next(200)) {
      if (told->seq != static_cast<std::int64_t>(out.size())) ADD_FAILURE() << "message " << told->seq << " again";
      out.push_back(as_expected(*told));
    }
  }
  return out;
}

TEST(Publisher, TheLateAndTheStoppedHaveEveryMessageOnce) {
  Stage stage("400");
  Follower stopped(stage.at(), 0);
  std::vector<std::string> first = {as_expected(stopped.next(1000).value())};
  // the twin: the same queues, and nobody to ask
  zmq::context_t context;
  zmq::socket_t no_backfill(context, zmq::socket_type::sub);
  no_backfill.set(zmq::sockopt::rcvtimeo, 500);
  no_backfill.connect(stage.live);
  no_backfill.set(zmq::sockopt::subscribe, "run/");
  await(60, [&] { return std::filesystem::exists(stage.folder / "out/report.html"); });
  // by now more was sent than is kept for anybody
  Follower late(stage.at(), 0);
  const auto told = all(late);
  while (!stopped.ended()) {
    if (const auto more = stopped.next(200)) first.push_back(as_expected(*more));
  }
  stage.end();
  const auto wanted = expected(stage.trace());
  EXPECT_TRUE(told == wanted);
  EXPECT_TRUE(first == wanted);
  std::size_t had = 0;
  for (zmq::message_t frame; no_backfill.recv(frame);) had += frame.more() ? 0 : 1;
  EXPECT_LT(had, wanted.size()) << "nothing was dropped: the queues were never full";
}

TEST(Publisher, WithoutABackFillTheLateOneSaysWhatIsMissing) {
  Stage stage("400");
  Endpoints deaf = stage.at();
  deaf.backfill += ".nobody";
  try {
    Follower follower(deaf, 0, std::nullopt, 1500);
    ADD_FAILURE() << "followed " << follower.run_id();
  } catch (const FollowError& e) {
    EXPECT_THAT(e.what(), HasSubstr("no answer at " + deaf.backfill));
  }
  // and the one that is cut off in the middle
  Follower follower(stage.at(), 0);
  ASSERT_TRUE(follower.next(1000));
  stage.run.signal(SIGKILL);
  stage.run.wait();
  std::string why;
  try {
    while (!follower.ended()) follower.next(200);
  } catch (const FollowError& e) {
    why = e.what();
  }
  EXPECT_THAT(why, AllOf(HasSubstr("are missing"), HasSubstr("run.trace")));
}

TEST(Publisher, ARunThatIsNotAskedToLingerEndsAtOnceAndItsHeadIsTheSame) {
  Stage stage("60", "0s");
  zmq::context_t context;
  zmq::socket_t never_reads(context, zmq::socket_type::sub);
  never_reads.set(zmq::sockopt::rcvhwm, 1);
  never_reads.set(zmq::sockopt::linger, 0);
  never_reads.connect(stage.live);
  never_reads.set(zmq::sockopt::subscribe, "run/");
  EXPECT_EQ(stage.run.wait(), 0) << stage.run.err();
  const Said alone = swiperig(stage.folder, {"run", demonstration, "--cycles", "60", "--out", "alone"});
  EXPECT_EQ(alone.exit_code, 0);
  EXPECT_EQ(TraceReader(stage.trace()).head(), TraceReader(stage.folder / "alone/run.trace").head());
  EXPECT_FALSE(std::filesystem::exists(stage.trace() + "-wal")) << "the trace was not closed";
}

/// One request's answer: its first frame, or "(silence)".
std::string asked(zmq::context_t& context, const std::string& at, const std::string& request, int limit_ms = 5000) {
  zmq::socket_t socket(context, zmq::socket_type::req);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::rcvtimeo, limit_ms);
  socket.connect(at);
  socket.send(zmq::buffer(request), zmq::send_flags::none);
  zmq::message_t answer;
  return socket.recv(answer) ? answer.to_string() : "(silence)";
}

TEST(Publisher, StrangersAreToldWhatWasExpectedAndTheRunGoesOn) {
  Stage stage("200");
  Follower follower(stage.at(), 0);
  zmq::context_t context;
  const std::string at = stage.at().backfill;
  for (const auto& [request, told] : std::vector<std::pair<std::string, std::string>>{
           {"", "expected {"},
           {"GET / HTTP/1.1\r\n\r\n", "expected {"},
           {std::string(4000, '['), "expected {"},
           {std::string("\0\xff\x80", 3), "expected {"},
           {"[]", "expected {"},
           {"{}", R"(expected \"from\")"},
           {R"({"from":-1})", "an integer from 0"},
           {R"({"from":1.5})", "an integer from 0"},
           {R"({"from":99999999999999999999})", "an integer from 0"},
           {R"({"from":0,"at_most":0})", "from 1"},
           {R"({"from":0,"swipe":"debit"})", "only"},
           {R"({"from":0,"run":"another"})", "unknown run: this socket tells of run " + follower.run_id()}}) {
    EXPECT_THAT(asked(context, at, request), AllOf(HasSubstr("\"error\""), HasSubstr(told))) << request;
  }
  EXPECT_THAT(asked(context, at, R"({"from":9223372036854775807})"), HasSubstr("\"count\":0"));
  EXPECT_THAT(asked(context, at, R"({"from":0,"at_most":1,"run":")" + follower.run_id() + "\"}"),
              HasSubstr("\"count\":1"));
  EXPECT_EQ(asked(context, at, std::string(5 << 20, 'x'), 300), "(silence)");
  {
    zmq::socket_t frames(context, zmq::socket_type::dealer);
    frames.set(zmq::sockopt::linger, 0);
    frames.set(zmq::sockopt::rcvtimeo, 300);
    frames.connect(at);
    for (int i = 0; i < 1000; ++i) frames.send(zmq::buffer("{}", 2), zmq::send_flags::sndmore);
    frames.send(zmq::buffer("{}", 2), zmq::send_flags::none);
    zmq::message_t answer;
    EXPECT_FALSE(frames.recv(answer));
  }
  for (const std::string& url : {stage.live, at}) {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    std::strncpy(where.sun_path, url.c_str() + 6, sizeof where.sun_path - 1);
    ASSERT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where), 0);
    const std::string garbage(10'000, '\xff');
    EXPECT_GT(send(fd, garbage.data(), garbage.size(), MSG_NOSIGNAL), 0);
    close(fd);
  }
  const auto told = all(follower);
  stage.end();
  EXPECT_TRUE(told == expected(stage.trace()));
}

TEST(Publisher, WatchSaysALineForEachCycle) {
  Stage stage("11");
  const Said watch = swiperig(stage.folder, {"watch", stage.live, "--from", "0"});
  EXPECT_EQ(watch.exit_code, 0) << watch.err;
  EXPECT_THAT(watch.out, AllOf(HasSubstr("of campaign no_return on bench virtual, seed 1\ncycle 0  pass"),
                               HasSubstr("\ncycle 10  pass"), HasSubstr("\nthe run has ended, head ")));
  EXPECT_THAT(watch.out, testing::Not(HasSubstr("\r")));
  // at the end there is nothing new to tell
  const Said too_late = swiperig(stage.folder, {"watch", stage.live, "--from", "1"});
  EXPECT_THAT(too_late.out, testing::StartsWith("cycle 0  pass"));
  stage.end();
}

TEST(Publisher, WhatIsNoRunIsNotFollowed) {
  const std::string header = R"({"schema":1,"run":"r","from":0,"count":1,"size":9})";
  const std::string first = R"({"schema":1,"run":"r","seq":0,"state":"running","cycles_planned":1})";
  using Frames = std::vector<std::string>;
  for (const auto& [frames, told] :
       std::vector<std::pair<Frames, std::string>>{{{"\xff\x1b[2J"}, "not a JSON object"},
                                                   {{"[1]"}, "not a JSON object"},
                                                   {{"{}"}, "without \"schema\""},
                                                   {{R"({"schema":2,"run":"r"})"}, "reads schema 1"},
                                                   {{R"({"schema":1,"run":"r","error":"\u001b[2J"})"}, "\\x1B[2J"},
                                                   {{R"({"schema":1,"run":"r"})"}, "without \"size\""},
                                                   {{header}, "no first message"},
                                                   {{header, "run/r/health"}, "odd length"},
                                                   {{header, "run/r/health", "{"}, "not a JSON object"},
                                                   {{header, "run/r/health", R"({"seq":5})"}, "leaves messages out"},
                                                   {{header, "run/r/health", R"({"seq":0})"}, "not of a swiperig run"},
                                                   {{header, "run/r/health", first}, "not of a swiperig run"}}) {
    const Folder folder;
    zmq::context_t context;
    zmq::socket_t answers(context, zmq::socket_type::rep);
    answers.set(zmq::sockopt::linger, 0);
    answers.set(zmq::sockopt::rcvtimeo, 20'000);
    answers.bind("ipc://" + (folder / "run.backfill"));
    Program watch(folder, {"watch", "ipc://" + (folder / "run"), "--from", "0"});
    for (int question = 0; question < (frames.back() == first ? 2 : 1); ++question) {
      zmq::message_t request;
      ASSERT_TRUE(answers.recv(request));
      for (std::size_t i = 0; i < frames.size(); ++i) {
        answers.send(zmq::buffer(frames[i]), i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
      }
    }
    EXPECT_EQ(watch.wait(), 2) << told;
    EXPECT_THAT(watch.err(), HasSubstr(told));
  }
}

TEST(Publisher, WrongWaysToPublishAreRefusedBeforeAnythingMoves) {
  const Folder folder;
  folder.write("open/other", "mine");
  std::filesystem::permissions(folder / "open", std::filesystem::perms(0755));
  folder.write("own/file", "mine");
  std::filesystem::permissions(folder / "own", std::filesystem::perms(0700));
  for (const auto& [url, told] :
       std::vector<std::pair<std::string, std::string>>{{"tcp://127.0.0.1:5555", "without keys (CURVE)"},
                                                        {"tcp://0.0.0.0:5555", "CURVE"},
                                                        {"tcp://*:5555", "CURVE"},
                                                        {"tcp://[::]:5555", "CURVE"},
                                                        {"tcp://192.0.2.1:5555", "CURVE"},
                                                        {"tcp://127.0.0.1.example:5555", "CURVE"},
                                                        {"tcp://127.0.0.1", "CURVE"},
                                                        {"tcp://", "CURVE"},
                                                        {"tcp://127.0.0.1:5555;tcp://0.0.0.0:5555", "CURVE"},
                                                        {"ipc://run", "a path from the root"},
                                                        {"ipc://@run", "a path from the root"},
                                                        {"ipc://*", "a path from the root"},
                                                        {"ipc:///tmp/", "a name is missing"},
                                                        {"ipc:///" + std::string(200, 'x'), "at most 98 fit"},
                                                        {"ipc:///run", "others may enter"},
                                                        {"inproc://run", "not an address"},
                                                        {"udp://127.0.0.1:5555", "not an address"},
                                                        {"ipc://" + (folder / "open/run"), "mode 0700"},
                                                        {"ipc://" + (folder / "none/none/run"), "No such file"},
                                                        {"ipc://" + (folder / "own/file/run"), "expected a folder"},
                                                        {"ipc://" + (folder / "own/file"), "a file is in the way"}}) {
    const Said run = swiperig(folder, {"run", demonstration, "--cycles", "1", "--out", "out", "--publish", url});
    EXPECT_EQ(run.exit_code, 2) << url;
    EXPECT_THAT(run.err, HasSubstr(told)) << url;
    EXPECT_FALSE(std::filesystem::exists(folder / "out")) << url;
  }
  for (const auto& [url, told] :
       std::vector<std::pair<std::string, std::string>>{{"tcp://127.0.0.1:0", "a port from 1 to 65534"},
                                                        {"tcp://127.0.0.1:65535", "a port from 1 to 65534"},
                                                        {"tcp://127.0.0.1", "an address is missing"},
                                                        {"tcp://:5555", "an address is missing"},
                                                        {"tcp://[::1:5555", "an address is missing"},
                                                        {"tcp://127.0.0.1:5555;tcp://0.0.0.0:5555", "is missing"},
                                                        {"tcp://127.0.0.1:5555", "no.key_secret"}}) {
    const Said run = swiperig(
        folder, {"run", demonstration, "--cycles", "1", "--out", "out", "--publish", url, "--key", "no.key_secret"});
    EXPECT_EQ(run.exit_code, 2) << url;
    EXPECT_THAT(run.err, HasSubstr(told)) << url;
    EXPECT_FALSE(std::filesystem::exists(folder / "out")) << url;
  }
  EXPECT_EQ(read_text(folder / "own/file"), "mine");
  EXPECT_EQ(swiperig(folder, {"watch", "tcp://192.0.2.1:5555"}).exit_code, 2);
  EXPECT_EQ(swiperig(folder, {"run", demonstration, "--linger", "1s"}).exit_code, 2);
  EXPECT_EQ(swiperig(folder, {"run", demonstration, "--publish", "ipc:///tmp/x/y", "--linger", "1"}).exit_code, 2);
}

TEST(Publisher, TwoRunsDoNotShareAnAddress) {
  Stage stage("1");
  const Follower follower(stage.at(), 0);
  const Said second =
      swiperig(stage.folder, {"run", demonstration, "--cycles", "1", "--out", "second", "--publish", stage.live});
  EXPECT_EQ(second.exit_code, 2);
  EXPECT_THAT(second.err, HasSubstr("somebody publishes there already"));
  stage.run.signal(SIGKILL);
  stage.run.wait();
  // what a run leaves behind that was killed is nobody's
  const Said third =
      swiperig(stage.folder, {"run", demonstration, "--cycles", "1", "--out", "third", "--publish", stage.live});
  EXPECT_EQ(third.exit_code, 0) << third.err;
}

}  // namespace
}  // namespace swiperig
