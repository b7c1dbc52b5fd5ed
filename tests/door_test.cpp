// What is reached with keys: who is listed comes in, whoever is not stays out, and those who do not mean well harm
// nobody.
#include "reports/door.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/follower.hpp"
#include "reports/gate.hpp"
#include "rig/trace_file.hpp"
#include "tests/keyed.hpp"
#include "tests/program.hpp"

namespace swiperig {
namespace {

using testing::HasSubstr;

struct Opened {
  explicit Opened(bool gated) : port(free_ports()), url("tcp://127.0.0.1:" + std::to_string(port)) {
    if (gated) gate.emplace(context, keys.access().allowed);
    socket.set(zmq::sockopt::linger, 0);
    const KeyPair own = keys.access().own;
    door.emplace(context, socket, url, 4096, &own);
  }
  std::string server() const { return keys.access().own.open; }

  const Keyed keys;
  const std::uint16_t port;
  const std::string url;
  zmq::context_t context;
  std::optional<Gate> gate;
  zmq::socket_t socket{context, zmq::socket_type::router};
  std::optional<Door> door;
};

std::string proof(const Opened& opened, const std::string& url) {
  try {
    prove_closed(url, opened.server(), zmq::socket_type::req);
    return "closed";
  } catch (const std::runtime_error& e) {
    return e.what();
  }
}

TEST(SelfTest, AGateThatKeepsStrangersOutPasses) {
  const Opened opened(true);
  EXPECT_EQ(proof(opened, opened.url), "closed");
}

TEST(SelfTest, WithoutAGateTheStrangerGetsInAndNothingIsOpened) {
  const Opened opened(false);
  EXPECT_THAT(proof(opened, opened.url), HasSubstr("it was let in; nothing is opened"));
}

TEST(SelfTest, WhatDoesNotAnswerProvesNothing) {
  const Opened opened(true);
  EXPECT_THAT(proof(opened, "tcp://127.0.0.1:" + std::to_string(free_ports())), HasSubstr("nothing is proved"));
}

/// A run over TCP with keys.
struct KeyedRun {
  explicit KeyedRun(std::string cycles)
      : port(free_ports()),
        at{"tcp://127.0.0.1:" + std::to_string(port), "tcp://127.0.0.1:" + std::to_string(port + 1)},
        run(keys.folder, {"run", demonstration, "--cycles", std::move(cycles), "--out", "out", "--publish", at.live,
                          "--key", keys.secret("rig"), "--linger", "120s"}) {}
  /// How many messages somebody with these keys is told, or what it is told instead.
  std::string told(const std::optional<ClientKeys>& with, int wait_ms = 20'000) const {
    try {
      Follower follower(at, 0, with, wait_ms);
      std::int64_t count = 0;
      while (!follower.ended()) count += follower.next(200) ? 1 : 0;
      return std::to_string(count);
    } catch (const FollowError& e) {
      return e.what();
    }
  }
  /// Of the whole run.
  std::string messages() const {
    const TraceReader trace(keys.folder / "out/run.trace");
    std::int64_t count = 2;
    trace.for_each([&](const CycleRecord& c) { count += 2 + static_cast<std::int64_t>(c.events.size()); });
    return std::to_string(count);
  }
  void end() {
    run.signal(SIGINT);
    EXPECT_EQ(run.wait(), 0) << run.err();
  }

  const Keyed keys;
  const std::uint16_t port;
  const Endpoints at;
  Program run;
};

TEST(KeyedPublisher, WhoIsListedFollowsAndNobodyElse) {
  KeyedRun stage("44");
  const std::string all = stage.told(stage.keys.client("wall"));
  EXPECT_EQ(all, stage.messages());
  const std::string no_answer = "no answer at";
  EXPECT_THAT(stage.told(std::nullopt, 1000), HasSubstr(no_answer));
  EXPECT_THAT(stage.told(stage.keys.client("stranger"), 1000), HasSubstr("does its allow.toml list yours?"));
  ClientKeys other_server = stage.keys.client("wall");
  other_server.server = new_key_pair().open;
  EXPECT_THAT(stage.told(other_server, 1000), HasSubstr(no_answer));
  ClientKeys others_name = stage.keys.client("stranger");
  others_name.own.open = stage.keys.client("wall").own.open;
  EXPECT_THAT(stage.told(others_name, 1000), HasSubstr(no_answer)) << "a public key alone proves nothing";
  const Said watch = swiperig(stage.keys.folder, {"watch", stage.at.live, "--from", "0", "--key",
                                                  stage.keys.secret("wall"), "--server", stage.keys.open("rig")});
  EXPECT_EQ(watch.exit_code, 0) << watch.err;
  EXPECT_THAT(watch.out, HasSubstr("\ncycle 43  pass"));
  EXPECT_EQ(stage.told(stage.keys.client("till")), all);
  stage.end();
}

TEST(KeyedPublisher, WithoutAnAllowListNothingStarts) {
  const Keyed keys;
  std::filesystem::remove(keys.dir + "/allow.toml");
  const Said run =
      swiperig(keys.folder, {"run", demonstration, "--cycles", "1", "--out", "out", "--publish",
                             "tcp://127.0.0.1:" + std::to_string(free_ports()), "--key", keys.secret("rig")});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("swiperig keys allow"));
  EXPECT_FALSE(std::filesystem::exists(keys.folder / "out"));
}

TEST(KeyedPublisher, F32GarbageGreetingsHarmNobody) {
  KeyedRun stage("44");
  const std::string all = stage.told(stage.keys.client("wall"));
  for (const std::uint16_t port : {stage.port, static_cast<std::uint16_t>(stage.port + 1)}) {
    for (const std::string& garbage :
         {std::string(10'000, '\xff'), std::string("GET / HTTP/1.1\r\n\r\n"), std::string(64, '\0'),
          curve_greeting() + std::string(500, '\x7f'), std::string("\x16\x03\x01")}) {
      const Raw hostile(port);
      hostile.say(garbage);
      EXPECT_TRUE(hostile.ended(10'000)) << "it was not turned away";
    }
  }
  EXPECT_EQ(stage.told(stage.keys.client("wall")), all);
  stage.end();
}

TEST(KeyedPublisher, F32AFrameOfTwoGigabytesIsCutOff) {
  KeyedRun stage("44");
  const std::string all = stage.told(stage.keys.client("wall"));
  const std::int64_t before = resident_kib(stage.run.pid());
  for (const std::uint16_t port : {stage.port, static_cast<std::uint16_t>(stage.port + 1)}) {
    const Raw hostile(port);
    hostile.say(curve_greeting() + two_gigabytes());
    EXPECT_TRUE(hostile.ended(10'000));
  }
  // the twin has keys and sends what is short enough, then what is not
  zmq::context_t context;
  for (const std::size_t size : {std::size_t{30}, std::size_t{5} << 20}) {
    zmq::socket_t asks(context, zmq::socket_type::req);
    asks.set(zmq::sockopt::linger, 0);
    asks.set(zmq::sockopt::rcvtimeo, size < 100 ? 10'000 : 500);
    show(asks, stage.keys.client("wall"));
    asks.connect(stage.at.backfill);
    asks.send(zmq::buffer(std::string(size, 'x')), zmq::send_flags::none);
    zmq::message_t answer;
    EXPECT_EQ(asks.recv(answer).has_value(), size < 100) << size;
  }
  EXPECT_LT(resident_kib(stage.run.pid()), before + 16'000);
  EXPECT_EQ(stage.told(stage.keys.client("wall")), all);
  stage.end();
}

/// Somebody who is inside, and what became of that.
struct Insider {
  Insider(zmq::context_t& context, const ClientKeys& keys, const std::string& url, const std::string& name)
      : socket(context, zmq::socket_type::sub), seen(context, zmq::socket_type::pair) {
    socket.set(zmq::sockopt::linger, 0);
    show(socket, keys);
    zmq_socket_monitor(socket.handle(), ("inproc://" + name).c_str(),
                       ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_DISCONNECTED);
    seen.connect("inproc://" + name);
    socket.connect(url);
  }
  ~Insider() { zmq_socket_monitor(socket.handle(), nullptr, 0); }
  /// The next that happens, within so long; 0: nothing.
  int next(int limit_ms) {
    zmq::pollitem_t item{seen.handle(), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, limit_ms) != 1) return 0;
    zmq::message_t event, from;
    (void)seen.recv(event);
    (void)seen.recv(from);
    std::uint16_t what = 0;
    std::memcpy(&what, event.data(), sizeof what);
    return what;
  }
  zmq::socket_t socket, seen;
};

TEST(KeyedPublisher, AKeyTakenFromTheListIsOutWithinTwoSecondsAndTheOthersComeBack) {
  KeyedRun stage("44");
  const std::string list = stage.keys.dir + "/allow.toml", text = read_text(list),
                    all = [&] { return stage.told(stage.keys.client("wall")); }();
  EXPECT_EQ(all, stage.messages());
  zmq::context_t context;
  Insider wall(context, stage.keys.client("wall"), stage.at.live, "wall");
  Insider till(context, stage.keys.client("till"), stage.at.live, "till");
  EXPECT_EQ(wall.next(5000), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  EXPECT_EQ(till.next(5000), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  // the twins: a list that is wrong changes nothing, nor does one with one more
  std::ofstream(list) << "[wall";
  EXPECT_EQ(wall.next(2000), 0);
  std::ofstream(list) << text << "[more]\npublic_key = \"" << new_key_pair().open << "\"\nrole = \"observer\"\n";
  EXPECT_EQ(wall.next(2000), 0);
  std::ofstream(list) << text.substr(text.find("[till]"));
  EXPECT_EQ(wall.next(2000), ZMQ_EVENT_DISCONNECTED);
  EXPECT_EQ(wall.next(5000), ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
  EXPECT_EQ(till.next(2000), ZMQ_EVENT_DISCONNECTED);
  EXPECT_EQ(till.next(5000), ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  EXPECT_THAT(stage.told(stage.keys.client("wall"), 1000), HasSubstr("does its allow.toml list yours?"));
  EXPECT_EQ(stage.told(stage.keys.client("till")), all);
  stage.end();
  EXPECT_THAT(stage.run.err(), HasSubstr("until that is mended, who was listed before still is"));
}

TEST(KeyedPublisher, F32TenThousandConnectionsAreBoundedAndWhoIsInsideStays) {
  KeyedRun stage("400");
  zmq::context_t context;
  zmq::socket_t inside(context, zmq::socket_type::req);
  inside.set(zmq::sockopt::linger, 0);
  inside.set(zmq::sockopt::rcvtimeo, 10'000);
  show(inside, stage.keys.client("wall"));
  inside.connect(stage.at.backfill);
  const auto asked = [&] {
    inside.send(zmq::str_buffer("{\"from\":0,\"at_most\":1}"), zmq::send_flags::none);
    std::size_t frames = 0;
    for (zmq::message_t frame; inside.recv(frame);) {
      ++frames;
      if (!frame.more()) break;
    }
    return frames;
  };
  EXPECT_EQ(asked(), 3U);
  const std::size_t before = open_files(stage.run.pid());
  std::size_t most = 0;
  {
    std::vector<Raw> crowd;
    ASSERT_GE(raise_open_files(), 11'000U) << "the machine allows this test no such crowd";
    for (int i = 0; i < 10'000; ++i) {
      crowd.emplace_back(static_cast<std::uint16_t>(stage.port + 1));
      if (i % 500 == 0) {
        EXPECT_EQ(asked(), 3U) << "after " << i;
        most = std::max(most, open_files(stage.run.pid()) - before);
      }
    }
    EXPECT_EQ(asked(), 3U);
    most = std::max(most, open_files(stage.run.pid()) - before);
  }
  EXPECT_GT(most, 100U) << "the crowd never came in";
  EXPECT_LT(most, most_connections + 150);
  // the crowd is gone, and the next comes in
  const std::string all = stage.told(stage.keys.client("wall"), 30'000);
  EXPECT_EQ(all, stage.messages());
  stage.end();
}

}  // namespace
}  // namespace swiperig
