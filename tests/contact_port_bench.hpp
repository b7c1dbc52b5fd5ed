// A contact port, a supply dialling it and foreign peers, in one virtual time; shared by the tests of the port.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "fixtures/contact_port.hpp"
#include "fixtures/pipe.hpp"
#include "fixtures/virtual_clock.hpp"
#include "rig/bytes.hpp"

namespace swiperig {

/// Writes down what touches it, and when.
struct Touched final : Contact {
  explicit Touched(Clock& c) : clock(c) {}
  void note(const std::string& what) { seen.push_back(to_text(clock.now().time_since_epoch()) + " " + what); }
  void rail(RailLine line) override {
    note("rail " + std::to_string(line.mv) + " " + std::to_string(line.slope_mv_per_s));
  }
  void head(const HeadSignal& signal) override {
    std::string what = "head";
    for (const TrackSignal& track : signal) {
      what += " " + std::to_string(track.track) + ":";
      for (const std::int64_t t : track.t_ns) what += std::to_string(t) + ",";
      for (const std::int32_t a : track.amplitude_per_mille) what += "~" + std::to_string(a);
    }
    note(what);
  }
  void pass(Surface surface) override { note(surface == Surface::cleaning ? "cleaning" : "plastic"); }
  void card(CardAt at) override {
    note(at == CardAt::slot ? "card slot" : at == CardAt::field ? "card field" : "card none");
  }
  void key(std::string_view name) override {
    if (name == "EXPLODE") throw std::runtime_error("terminal on fire");
    note("key " + std::string(name));
  }
  Clock& clock;
  std::vector<std::string> seen;
};

struct Meter final : DrawListener {
  void draw(std::int64_t ma) override { seen.push_back(ma); }
  std::vector<std::int64_t> seen;
};

using Seen = std::vector<std::string>;

class ContactPorts : public testing::Test {
 protected:
  /// Runs `script` beside the port and the supply, then stops both.
  void run(std::function<Task<>()> script) { clock.run(all(std::move(script))); }
  /// Runs `script` with nothing beside it.
  void alone(std::function<Task<>()> script) { clock.run(script()); }
  Task<> all(std::function<Task<>()> script) {
    Crew crew(clock);
    crew.start(port.run());
    crew.start(supply.run());
    co_await script();
    supply.stop();
    port.stop();
    co_await crew.join();
  }
  /// Sends `text` as a foreign peer does and returns what comes back until 1 s later.
  Task<> talk(std::string text, std::string& answers) {
    auto link = co_await dialer->dial();
    Crew crew(clock);
    crew.start(listen(*link, answers));
    co_await link->write(bytes_of(text));
    co_await clock.sleep_for(std::chrono::seconds(1));
    listening_ = false;
    link->close(Close::fin);
    co_await crew.join();
    listening_ = true;
  }
  Task<> listen(Link& link, std::string& heard) {
    std::array<std::uint8_t, 256> chunk;
    try {
      for (;;) {
        const std::size_t n = co_await link.read_some(chunk);
        if (n == 0) break;
        heard += text_of(std::span(chunk).first(n));
      }
      if (listening_) heard += "|end";
    } catch (const LinkError& e) {
      if (e.kind == LinkError::reset) heard += "|reset";
    }
  }
  /// What the port answers to `text`, after the first draw line.
  std::string answers_to(const std::string& text) {
    std::string answers;
    run([&]() -> Task<> { co_await talk(text, answers); });
    const std::string first = "{\"draw\":{\"ma\":0}}\n";
    EXPECT_TRUE(answers.starts_with(first)) << answers;
    return answers.substr(std::min(first.size(), answers.size()));
  }

  bool listening_ = true;
  VirtualClock clock;
  PipeHub hub{clock};
  std::unique_ptr<Listener> listener = hub.listen("contact");
  std::unique_ptr<Dialer> dialer = hub.dialer("contact");
  Touched terminal{clock};
  ContactPort port{clock, *listener, terminal};
  RemoteContact supply{clock, *dialer};
  Meter meter;
};

}  // namespace swiperig
