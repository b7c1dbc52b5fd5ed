// The relay between a terminal and a host, over pipes in virtual time and over real sockets: an armed fault is exact
// however fast the host answers, and how a connection ended on one side is how it ends on the other.
#include "drivers/relay.hpp"

#include <gtest/gtest.h>

#include "tests/relay_stage.hpp"

namespace swiperig {
namespace {

/// Answers every connection at once with one response, and goes on listening to it until it ends.
Task<> prompt_host(Stage& stage, int connections) {
  for (int n = 0; n < connections; ++n) {
    std::unique_ptr<Link> link = co_await stage.ground.host_side->accept();
    std::array<std::uint8_t, 4096> chunk;
    const std::size_t got = co_await link->read_some(chunk);
    EXPECT_EQ(got, request(1).size());
    const Bytes answer = response(1);
    co_await link->write(answer);
    Heard rest;
    co_await listen_to(*link, rest);
    link->close(Close::fin);
  }
}

/// Connects, asks, waits `patience` for anything, gives up in order. Returns what came.
Task<Heard> ask(Stage& stage, Duration patience) {
  Heard heard;
  std::unique_ptr<Link> link = co_await stage.ground.to_relay->dial();
  Crew crew(stage.clock);
  crew.start(listen_to(*link, heard));
  const Bytes bytes = request(1);
  co_await link->write(bytes);
  co_await stage.until_milestone("response_entered", 1);
  const Time deadline = stage.clock.now() + patience;
  Bell nothing;
  while (heard.bytes.empty() && stage.clock.now() < deadline) {
    co_await stage.clock.wait(nothing, std::min(deadline, stage.clock.now() + 1ms));
  }
  link->close(Close::fin);
  co_await crew.join();
  co_return heard;
}

Task<> responses(Stage& stage, int connections, bool drop, int& came) {
  Crew crew(stage.clock);
  crew.start(prompt_host(stage, connections));
  for (int n = 0; n < connections; ++n) {
    stage.milestones.clear();
    if (drop) stage.relay.arm({0, "response_entered", 1, {NetworkFault::drop, 0s}, false, {}});
    Heard heard = co_await ask(stage, drop ? 5ms : 2000ms);
    came += heard.bytes.empty() ? 0 : 1;
    stage.relay.set({});
  }
  co_await crew.join();
}

template <class Where>
int responses_of(int connections, bool drop) {
  Where ground;
  Stage stage(ground);
  int came = 0;
  stage.run([&](Stage& s) { return responses(s, connections, drop, came); });
  return came;
}

TEST(Relay, NoDroppedResponseSlipsThrough) {
  EXPECT_EQ(responses_of<Pipes>(200, true), 0);
  EXPECT_EQ(responses_of<Pipes>(200, false), 200) << "the twin: without the fault all arrive";
}
TEST(RealtimeRelay, NoDroppedResponseSlipsThroughASocket) {
  EXPECT_EQ(responses_of<Sockets>(200, true), 0);
  EXPECT_EQ(responses_of<Sockets>(200, false), 200) << "the twin: without the fault all arrive";
}

Task<> meet_a_refusal(Stage& stage, Heard& heard) {
  stage.ground.host_side->close();
  std::unique_ptr<Link> link = co_await stage.ground.to_relay->dial();
  co_await listen_to(*link, heard);
  co_await stage.until_milestone("refused");
}
Task<> meet_a_host(Stage& stage, Heard& heard) {
  std::unique_ptr<Link> link = co_await stage.ground.to_relay->dial();
  std::unique_ptr<Link> host = co_await stage.ground.host_side->accept();
  host->close(Close::fin);
  co_await listen_to(*link, heard);
  link->close(Close::fin);
}
template <class Where>
void refusal() {
  Where refusing, honest;
  Stage stage(refusing);
  Heard heard;
  stage.run([&](Stage& s) { return meet_a_refusal(s, heard); });
  EXPECT_EQ(heard.end, "reset");
  EXPECT_EQ(stage.milestones["refused"], 1);
  EXPECT_EQ(stage.milestones["connected"], 0);
  Stage twin(honest);
  Heard orderly;
  twin.run([&](Stage& s) { return meet_a_host(s, orderly); });
  EXPECT_EQ(orderly.end, "fin");
  EXPECT_EQ(twin.milestones["refused"], 0);
  EXPECT_EQ(twin.milestones["connected"], 1);
}
TEST(Relay, F30ARefusedHostIsAResetAtTheTerminal) { refusal<Pipes>(); }
TEST(RealtimeRelay, F30ARefusedHostIsAResetAtTheTerminal) { refusal<Sockets>(); }

Task<> give_up_and_be_answered(Stage& stage, Heard& at_host) {
  Call call = co_await connect(stage);
  const Bytes ask = request(1), answer = response(1);
  co_await call.terminal->write(ask);
  co_await stage.until_milestone("request_left");
  call.terminal->close(Close::fin);  // gave up, in order
  co_await listen_to(*call.host, at_host);
  EXPECT_EQ(stage.milestones["response_entered"], 0);
  co_await call.host->write(answer);
  co_await stage.until_milestone("response_entered");
  call.host->close(Close::fin);
}
template <class Where>
void late_response() {
  Where ground;
  Stage stage(ground);
  Heard at_host;
  stage.run([&](Stage& s) { return give_up_and_be_answered(s, at_host); });
  EXPECT_EQ(at_host.bytes, request(1));
  EXPECT_EQ(at_host.end, "fin");
  EXPECT_EQ(stage.milestones["response_entered"], 1);
}
TEST(Relay, AResponseAfterTheTerminalGaveUpIsStillSeen) { late_response<Pipes>(); }
TEST(RealtimeRelay, AResponseAfterTheTerminalGaveUpIsStillSeen) { late_response<Sockets>(); }

Task<> end_one_side(Stage& stage, bool by_terminal, Close how, Heard& heard) {
  Call call = co_await connect(stage);
  Link& ending = by_terminal ? *call.terminal : *call.host;
  Link& other = by_terminal ? *call.host : *call.terminal;
  ending.close(how);
  co_await listen_to(other, heard);
  other.close(Close::fin);
  co_await stage.until_milestone("closed");
}
template <class Where>
void endings() {
  for (const bool by_terminal : {true, false}) {
    for (const Close how : {Close::fin, Close::reset}) {
      Where ground;
      Stage stage(ground);
      Heard heard;
      stage.run([&](Stage& s) { return end_one_side(s, by_terminal, how, heard); });
      EXPECT_EQ(heard.end, how == Close::fin ? "fin" : "reset") << (by_terminal ? "by the terminal" : "by the host");
    }
  }
}
TEST(Relay, F30FinStaysFinAndResetStaysReset) { endings<Pipes>(); }
TEST(RealtimeRelay, F30FinStaysFinAndResetStaysReset) { endings<Sockets>(); }

Task<> close_in_flight(Stage& stage, std::array<Heard, 3>& heard) {
  std::array<Call, 3> calls;
  for (Call& call : calls) call = co_await connect(stage);
  stage.relay.arm({0, "request_entered", 1, {NetworkFault::delay, 1h}, false, {}});
  const Bytes ask = request(1);
  for (Call& call : calls) co_await call.terminal->write(ask);
  co_await stage.until_milestone("request_entered", 3);
  stage.relay.close();
  stage.relay_closed = true;
  for (std::size_t i = 0; i < calls.size(); ++i) co_await listen_to(*calls[i].terminal, heard[i]);
}
template <class Where>
void closing() {
  Where ground;
  Stage stage(ground);
  std::array<Heard, 3> heard;
  const double began = machine_seconds();
  stage.run([&](Stage& s) { return close_in_flight(s, heard); });  // ends: serve() has joined all it started
  EXPECT_LT(machine_seconds() - began, 10);
  EXPECT_LT(stage.clock.now(), Time(10s)) << "nobody waited for the delayed message";
  for (const Heard& h : heard) EXPECT_EQ(h.end, "reset");
}
TEST(Relay, CloseEndsWhatIsInFlight) { closing<Pipes>(); }
TEST(RealtimeRelay, CloseEndsWhatIsInFlight) { closing<Sockets>(); }

Task<> cut_off(Stage& stage, NetworkFault::Ending then, Heard& heard) {
  Call call = co_await connect(stage);
  NetworkFault fault{NetworkFault::cut};
  fault.count = 7;
  fault.then = then;
  fault.side = NetworkFault::terminal;
  stage.relay.arm({0, "response_entered", 1, fault, false, {}});
  const Bytes answer = response(1);
  co_await call.host->write(answer);
  co_await listen_to(*call.terminal, heard);
  call.terminal->close(Close::fin);
  call.host->close(Close::fin);
}
template <class Where>
void cut_offs() {
  for (const auto then : {NetworkFault::in_order, NetworkFault::broken}) {
    Where ground;
    Stage stage(ground);
    Heard heard;
    stage.run([&](Stage& s) { return cut_off(s, then, heard); });
    EXPECT_EQ(heard.end, then == NetworkFault::in_order ? "fin" : "reset");
    const Bytes whole = response(1);
    EXPECT_EQ(heard.bytes, Bytes(whole.begin(), whole.begin() + 7)) << "before the end, " << then;
  }
}
TEST(Relay, F30ACutMessageArrivesSoFarAndThenTheEnd) { cut_offs<Pipes>(); }
TEST(RealtimeRelay, F30ACutMessageArrivesSoFarAndThenTheEnd) { cut_offs<Sockets>(); }

Task<> delayed(Stage& stage, Time& sent, Time& arrived) {
  Call call = co_await connect(stage);
  stage.relay.arm({0, "response_entered", 1, {NetworkFault::delay, 3s}, false, {}});
  const Bytes answer = response(1);
  sent = stage.clock.now();
  co_await call.host->write(answer);
  call.host->close(Close::fin);
  Heard heard;
  co_await listen_to(*call.terminal, heard);
  arrived = stage.clock.now();
  EXPECT_EQ(heard.bytes, answer);
  EXPECT_EQ(heard.end, "fin");
  call.terminal->close(Close::fin);
}
TEST(Relay, ADelayIsExactAndTheEndWaitsBehindIt) {
  Pipes ground;
  Stage stage(ground);
  Time sent{}, arrived{};
  stage.run([&](Stage& s) { return delayed(s, sent, arrived); });
  EXPECT_EQ(arrived - sent, 3s);
}

Task<> owed(Stage& stage, Heard& heard) {
  Call call = co_await connect(stage);
  stage.relay.arm({0, "response_entered", 1, {NetworkFault::delay, 50ms}, false, {}});
  const Bytes bytes = response(1);
  call.terminal->close(Close::half);
  co_await call.host->write(bytes);
  call.host->close(Close::fin);
  co_await listen_to(*call.terminal, heard);
  call.terminal->close(Close::fin);
}
template <class Where>
void owed_to_who_has_half_closed() {
  Where ground;
  Stage stage(ground);
  Heard heard;
  stage.run([&](Stage& s) { return owed(s, heard); });
  EXPECT_EQ(heard.bytes, response(1));
  EXPECT_EQ(heard.end, "fin");
}
TEST(Relay, WhatWaitsArrivesThoughBothHaveClosedTheirSending) { owed_to_who_has_half_closed<Pipes>(); }
TEST(RealtimeRelay, WhatWaitsArrivesThoughBothHaveClosedTheirSending) { owed_to_who_has_half_closed<Sockets>(); }

Task<> a_delay_within_an_outage(Stage& stage, Time& arrived) {
  Call call = co_await connect(stage);
  stage.relay.arm({0, "response_entered", 1, {NetworkFault::delay, 1s}, false, {}});
  const Bytes answer = response(1);
  co_await call.host->write(answer);
  co_await stage.until_milestone("response_entered");
  stage.relay.set({true, 10s});
  std::array<std::uint8_t, 4096> chunk;
  const std::size_t n = co_await call.terminal->read_some(chunk);
  EXPECT_EQ(n, answer.size());
  arrived = stage.clock.now();
  call.terminal->close(Close::reset);
  call.host->close(Close::reset);
}
TEST(Relay, AnOutageOutlastsADelayWithoutSpinning) {
  Pipes ground;
  Stage stage(ground);
  Time arrived{};
  stage.run([&](Stage& s) { return a_delay_within_an_outage(s, arrived); });
  EXPECT_EQ(arrived, Time(10s));
  EXPECT_LT(stage.clock.wakeups(), 200U);
}

Task<> write_whole(Link& link, const Bytes& bytes, bool& written) {
  co_await link.write(bytes);
  written = true;
}
Task<> flood(Stage& stage, bool outage, std::size_t& before, std::size_t& after) {
  Call call = co_await connect(stage);
  if (outage) stage.relay.set({true, 10s});
  Bytes all;
  while (all.size() < 4U << 20) all = std::move(all) + response(1);
  bool written = false;
  Crew crew(stage.clock);
  crew.start(write_whole(*call.host, all, written));
  co_await stage.clock.sleep_for(100ms);
  before = static_cast<std::size_t>(stage.milestones["response_entered"]) * response(1).size();
  Heard heard;
  crew.start(listen_to(*call.terminal, heard));
  while (!written || heard.bytes.size() < all.size()) co_await stage.clock.sleep_for(10ms);
  after = heard.bytes.size();
  EXPECT_TRUE(heard.bytes == all);
  call.host->close(Close::fin);
  call.terminal->close(Close::fin);
  co_await crew.join();
}
template <class Where>
void bounded(bool outage, std::size_t most) {
  Where ground;
  Stage stage(ground);
  std::size_t before = 0, after = 0;
  stage.run([&](Stage& s) { return flood(s, outage, before, after); });
  EXPECT_GT(before, 0U);
  EXPECT_LT(before, most);
  EXPECT_GE(after, 4U << 20) << "nothing is lost once it is taken";
}
TEST(Relay, AnOutageHoldsNoMoreThanItsMeasure) { bounded<Pipes>(true, 300 << 10); }
// the kernel keeps what it likes on both sides; a reader that is taken from gets all
TEST(RealtimeRelay, F30WhoeverTakesNothingIsReadForNoFurther) {
  Sockets ground;
  Stage stage(ground);
  bool written = false, stuck = false;
  stage.run([&](Stage& s) -> Task<> {
    return [](Stage& st, bool& done, bool& held) -> Task<> {
      Call call = co_await connect(st);
      const Bytes all(64U << 20, 'x');
      Crew crew(st.clock);
      crew.start(write_whole(*call.host, all, done));
      co_await st.clock.sleep_for(150ms);
      held = !done;
      Heard heard;
      crew.start(listen_to(*call.terminal, heard));
      while (heard.bytes.size() < all.size()) co_await st.clock.sleep_for(10ms);
      call.host->close(Close::fin);
      call.terminal->close(Close::fin);
      co_await crew.join();
    }(s, written, stuck);
  });
  EXPECT_TRUE(stuck) << "64 MiB went into the relay though nobody took them";
  EXPECT_TRUE(written);
}

struct BrokenDialer final : Dialer {
  explicit BrokenDialer(LinkError::Kind k) : kind(k) {}
  Task<std::unique_ptr<Link>> dial() override {
    throw LinkError(kind, "Too many open files");
    co_return nullptr;
  }
  void close() override {}
  void give_up() override {}
  LinkError::Kind kind;
};
struct BrokenListener final : Listener {
  Task<std::unique_ptr<Link>> accept() override {
    throw LinkError(LinkError::failed, "accept: Too many open files");
    co_return nullptr;
  }
  void close() override {}
  void reopen() override {}
};
Task<> one_caller(Stage& stage, std::string& end) {
  try {
    std::unique_ptr<Link> link = co_await stage.ground.to_relay->dial();
    Heard heard;
    co_await listen_to(*link, heard);
    end = heard.end;
  } catch (const LinkError&) {
    end = "refused";
  }
  co_await stage.clock.sleep_for(1ms);
}
TEST(Relay, WhatFailsOnThisSideIsTheRigsFault) {
  for (const auto kind : {LinkError::refused, LinkError::failed}) {
    Pipes ground;
    ground.to_host = std::make_unique<BrokenDialer>(kind);
    Stage stage(ground);
    std::string end;
    stage.run([&](Stage& s) { return one_caller(s, end); });
    EXPECT_EQ(end, "reset");
    EXPECT_EQ(stage.milestones["refused"], kind == LinkError::refused ? 1 : 0);
    EXPECT_EQ(stage.fault, kind == LinkError::refused ? "" : "relay: Too many open files");
  }
  Pipes ground;
  ground.relay_side = std::make_unique<BrokenListener>();
  Stage stage(ground);
  stage.run([](Stage& s) -> Task<> { co_await s.clock.sleep_for(1ms); });
  EXPECT_EQ(stage.fault, "relay: accept: Too many open files");
}

TEST(Relay, ConnectionsAreCounted) {
  for (const std::size_t count : {1000U, 1001U}) {
    Pipes ground;
    Stage stage(ground);
    stage.run([&](Stage& s) -> Task<> {
      return [](Stage& st, std::size_t n) -> Task<> {
        std::vector<std::unique_ptr<Link>> callers;
        for (std::size_t i = 0; i < n; ++i) {
          auto link = co_await st.ground.to_relay->dial();
          callers.push_back(std::move(link));
        }
        co_await st.clock.sleep_for(1ms);
      }(s, count);
    });
    EXPECT_EQ(stage.fault.empty(), count == 1000U) << stage.fault;
  }
}

}  // namespace
}  // namespace swiperig
