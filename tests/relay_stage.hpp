// A relay between two ends that a test plays, over pipes in virtual time or over real sockets.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "drivers/link_tcp.hpp"
#include "drivers/relay.hpp"
#include "fixtures/pipe.hpp"
#include "fixtures/virtual_clock.hpp"
#include "rig/crew.hpp"
#include "tests/frames.hpp"

namespace swiperig {

using namespace std::chrono_literals;

/// What one end heard: whole text of bytes, and how it ended.
struct Heard {
  Bytes bytes;
  std::string end;
};

inline Task<> listen_to(Link& link, Heard& heard) {
  std::array<std::uint8_t, 4096> chunk;
  try {
    for (;;) {
      const std::size_t n = co_await link.read_some(chunk);
      if (n == 0) break;
      heard.bytes.insert(heard.bytes.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(n));
    }
    heard.end = "fin";
  } catch (const LinkError& e) {
    heard.end = e.kind == LinkError::reset ? "reset" : e.kind == LinkError::closed ? "closed" : "failed";
  }
}

/// Either kind of time and of links; the clock outlives what waits on it.
struct Ground {
  std::unique_ptr<Clock> clock;
  std::unique_ptr<PipeHub> hub;
  std::unique_ptr<Listener> relay_side, host_side;
  std::unique_ptr<Dialer> to_relay, to_host;
};
struct Pipes final : Ground {
  Pipes() {
    clock = std::make_unique<VirtualClock>();
    hub = std::make_unique<PipeHub>(*clock);
    relay_side = hub->listen("relay");
    host_side = hub->listen("host");
    to_relay = hub->dialer("relay");
    to_host = hub->dialer("host");
  }
};
struct Sockets final : Ground {
  Sockets() {
    clock = std::make_unique<SteadyClock>();
    std::uint16_t relay_port = 0, host_port = 0;
    relay_side = tcp_listener(*clock, "127.0.0.1", 0, &relay_port);
    host_side = tcp_listener(*clock, "127.0.0.1", 0, &host_port);
    to_relay = tcp_dialer(*clock, "127.0.0.1", relay_port);
    to_host = tcp_dialer(*clock, "127.0.0.1", host_port);
  }
};

/// A relay being watched; `play` is the test.
struct Stage {
  explicit Stage(Ground& g, RelaySettings settings = {})
      : ground(g),
        clock(*g.clock),
        relay(clock, std::move(g.relay_side), std::move(g.to_host), {}, nullptr, nullptr, std::move(settings)) {}

  void run(std::function<Task<>(Stage&)> play) { clock.run(perform(std::move(play))); }

  Task<> perform(std::function<Task<>(Stage&)> play) {
    Crew crew(clock);
    crew.start(relay.serve());
    crew.start(watch());
    co_await play(*this);
    if (!relay_closed) relay.close();
    co_await crew.join();
  }
  Task<> watch() {
    try {
      for (;;) {
        Seen seen = co_await relay.next();
        if (const auto* m = std::get_if<Milestone>(&seen.body)) ++milestones[m->name];
        reported.ring();
      }
    } catch (const LinkError&) {
    } catch (const EquipmentError& e) {
      fault = e.what();
    }
  }
  Task<> until_milestone(std::string name, int n = 1) {
    const Time deadline = clock.now() + 5s;
    while (milestones[name] < n && clock.now() < deadline) co_await clock.wait(reported, deadline);
    EXPECT_GE(milestones[name], n) << name;
  }

  Ground& ground;
  Clock& clock;
  Relay relay;
  std::map<std::string, int> milestones;
  std::string fault;
  Bell reported;
  bool relay_closed = false;
};

/// Both ends of one connection through the relay.
struct Call {
  std::unique_ptr<Link> terminal, host;
};
inline Task<Call> connect(Stage& stage) {
  Call call;
  call.terminal = co_await stage.ground.to_relay->dial();
  call.host = co_await stage.ground.host_side->accept();
  co_return call;
}

}  // namespace swiperig
