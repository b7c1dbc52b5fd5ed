#include "tests/bench/offset_rates.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <memory>
#include <vector>

#include "drivers/link_tcp.hpp"
#include "drivers/relay.hpp"
#include "rig/crew.hpp"
#include "tests/frames.hpp"

namespace swiperig {

namespace {

using namespace std::chrono_literals;

constexpr int kTrials = 1000;

struct Trials {
  Duration offset, host_delay;
  std::vector<double> error_us = {};
  int slipped = 0, arrived = 0;
};

/// When a request and its response entered the path, when that was cut, and when the response arrived.
struct Trial {
  Time request{}, response{}, cut{}, arrival{};
};

Task<> answer_each(Clock& clock, Listener& listener, int count, Duration delay) {
  const Bytes answer = response(1);
  std::array<std::uint8_t, 512> buffer;
  for (int i = 0; i < count; ++i) {
    std::unique_ptr<Link> link = co_await listener.accept();
    try {
      (void)co_await link->read_some(buffer);
      if (delay.count() != 0) co_await clock.sleep_for(delay);
      co_await link->write(answer);
      while (co_await link->read_some(buffer) > 0) {
      }
    } catch (const LinkError&) {  // cut off
    }
  }
}

Task<> watch(Trial& trial, Relay& relay) {
  try {
    for (;;) {
      Seen seen = co_await relay.next();
      if (std::holds_alternative<Fired>(seen.body)) trial.cut = seen.at;
      const auto* m = std::get_if<Milestone>(&seen.body);
      if (m != nullptr && m->name == "request_entered") trial.request = seen.at;
      if (m != nullptr && m->name == "response_entered") trial.response = seen.at;
    }
  } catch (const LinkError&) {
  }
}

Task<> hear(Clock& clock, Trial& trial, Link& link) {
  std::array<std::uint8_t, 512> buffer;
  try {
    if (co_await link.read_some(buffer) > 0) trial.arrival = clock.now();
  } catch (const LinkError&) {
  }
}

Task<> try_out(Clock& clock, Trials& trials) {
  std::uint16_t relay_port = 0, host_port = 0;
  auto host = tcp_listener(clock, "127.0.0.1", 0, &host_port);
  Relay relay(clock, tcp_listener(clock, "127.0.0.1", 0, &relay_port), tcp_dialer(clock, "127.0.0.1", host_port),
              HostProfile{});
  auto dialer = tcp_dialer(clock, "127.0.0.1", relay_port);
  Trial trial;
  Crew crew(clock);
  crew.start(relay.serve());
  crew.start(watch(trial, relay));
  crew.start(answer_each(clock, *host, kTrials, trials.host_delay));
  for (int i = 0; i < kTrials; ++i) {
    trial = {};
    relay.arm({0, "request_entered", 1, NetworkFault{NetworkFault::outage}, false, 0ns, trials.offset});
    std::unique_ptr<Link> terminal = co_await dialer->dial();
    Crew listener(clock);
    listener.start(hear(clock, trial, *terminal));
    const Bytes bytes = request(i + 1);
    co_await terminal->write(bytes);
    while (trial.cut == Time{}) co_await clock.sleep_for(100us);
    co_await clock.sleep_for(trials.host_delay + 1ms);  // whatever comes has come
    terminal->close(Close::reset);
    co_await listener.join();
    relay.set(Impairment{});
    const Time due = trial.request + trials.offset;
    trials.error_us.push_back(std::abs(std::chrono::duration<double, std::micro>(trial.cut - due).count()));
    if (trial.arrival == Time{}) continue;
    ++trials.arrived;
    if (trial.response >= due) ++trials.slipped;
  }
  relay.close();
  host->close();
  co_await crew.join();
}

double percentile(std::vector<double>& all, double share) {
  std::sort(all.begin(), all.end());
  return all[static_cast<std::size_t>(share * static_cast<double>(all.size() - 1))];
}

}  // namespace

std::string offset_rates(int& slipped) {
  slipped = 0;
  std::string json = "\"cut_at_offset\":[";
  for (const Duration delay : {Duration(0), Duration(1ms)}) {
    for (const Duration offset : {Duration(0), Duration(1ms), Duration(3ms), Duration(10ms)}) {
      Trials trials{offset, delay};
      SteadyClock clock;
      clock.run(try_out(clock, trials));
      slipped += trials.slipped;
      char text[200];
      std::snprintf(text, sizeof text,
                    "%s{\"host_delay_ms\":%d,\"offset_ms\":%d,\"trials\":%d,\"slipped\":%d,\"arrived_before\":%d,"
                    "\"error_p50_us\":%.1f,\"error_p99_us\":%.1f}",
                    json.back() == '[' ? "" : ",", static_cast<int>(delay / 1ms), static_cast<int>(offset / 1ms),
                    kTrials, trials.slipped, trials.arrived - trials.slipped, percentile(trials.error_us, 0.5),
                    percentile(trials.error_us, 0.99));
      json += text;
    }
  }
  return json + "]";
}

}  // namespace swiperig
