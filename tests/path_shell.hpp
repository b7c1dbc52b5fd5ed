// A path with the bookkeeping of a relay around it, for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "rig/path.hpp"
#include "tests/frames.hpp"

namespace swiperig {

using namespace std::chrono_literals;

constexpr bool from_terminal = true, from_host = false;

/// Carries orders out and remembers them.
struct Shell {
  Path path{HostProfile{}};
  Time now{};
  std::map<std::pair<int, bool>, Bytes> out;           ///< by connection and whether to the host
  std::map<std::pair<int, bool>, std::string> ending;  ///< of the same
  std::vector<Body> reports;
  std::vector<Meet> met;
  bool after_the_end = false;

  void carry(Orders orders) {
    for (Order& order : orders) {
      if (auto* f = std::get_if<Forward>(&order)) {
        after_the_end = after_the_end || ending.contains({f->connection, f->to_host});
        Bytes& lane = out[{f->connection, f->to_host}];
        lane.insert(lane.end(), f->bytes.begin(), f->bytes.end());
        if (f->message == 0) continue;
        Orders more;
        path.sent(f->message, now, more);
        carry(std::move(more));
      } else if (const auto* h = std::get_if<HangUp>(&order)) {
        ending[{h->connection, h->host_side}] = h->how == Close::fin     ? "fin"
                                                : h->how == Close::reset ? "reset"
                                                                         : "half";
      } else if (const auto* m = std::get_if<Meet>(&order)) {
        met.push_back(*m);
      } else {
        reports.push_back(std::get<Report>(order).body);
      }
    }
  }
  template <class Call>
  void with(Call call) {
    Orders orders;
    call(orders);
    carry(std::move(orders));
  }
  void open(int c) {
    with([&](Orders& o) { path.opened(c, now, o); });
  }
  void in(int c, bool from, BytesView bytes) {
    with([&](Orders& o) { path.bytes(c, from, bytes, now, o); });
  }
  void end(int c, bool from, Close how = Close::fin) {
    with([&](Orders& o) { path.ended(c, from, how, now, o); });
  }
  void set(Impairment i) {
    with([&](Orders& o) { path.set(i, now, o); });
  }
  void confirm(int step, bool release) {
    with([&](Orders& o) { path.confirm(step, release, o); });
  }
  /// Lets time pass, ticking when due.
  void pass(Duration d) {
    const Time until = now + d;
    while (path.due() <= until) {
      now = std::max(now, path.due());
      with([&](Orders& o) { path.tick(now, o); });
      ASSERT_GT(path.due(), now) << "a due time that never passes: the shell would spin";
    }
    now = until;
  }
  void arm(int step, std::string when, NetworkFault fault, int nth = 1) {
    path.arm({step, std::move(when), nth, fault, false, {}});
  }
  void hold(int step, std::string when, Duration most) { path.arm({step, std::move(when), 1, {}, true, most}); }

  int count(std::string_view milestone) const {
    return static_cast<int>(std::count_if(reports.begin(), reports.end(), [&](const Body& b) {
      const auto* m = std::get_if<Milestone>(&b);
      return m != nullptr && m->name == milestone;
    }));
  }
  /// "" when the step was not reported.
  std::string fired(int step) const {
    for (const Body& b : reports) {
      const auto* f = std::get_if<Fired>(&b);
      if (f != nullptr && f->step == step) return f->done ? "done" : "late";
    }
    return {};
  }
  Bytes to_host(int c = 1) { return out[{c, true}]; }
  Bytes to_terminal(int c = 1) { return out[{c, false}]; }
  std::string end_at_host(int c = 1) const { return end_at({c, true}); }
  std::string end_at_terminal(int c = 1) const { return end_at({c, false}); }
  std::string end_at(std::pair<int, bool> side) const {
    const auto it = ending.find(side);
    return it == ending.end() ? std::string() : it->second;
  }
};

}  // namespace swiperig
