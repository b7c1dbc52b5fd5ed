// A host on a virtual network, a till that talks to it in bytes, and raw lines to and from its control link.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fixtures/host.hpp"
#include "fixtures/pipe.hpp"
#include "fixtures/virtual_clock.hpp"
#include "tests/till.hpp"

namespace swiperig {

struct Stand {
  explicit Stand(HostSettings settings = test_settings()) {
    till.settings = settings;
    auto [near, far] = make_pipe(clock);
    control = std::move(near);
    host = std::make_unique<Host>(clock, settings, *listener, std::move(far));
  }

  void run(const std::function<Task<>(Stand&)>& body) { clock.run(whole(body)); }
  Task<> whole(const std::function<Task<>(Stand&)>& body) {
    Crew crew(clock);
    crew.start(host->run());
    crew.start(hear());
    co_await body(*this);
    host->stop();
    co_await crew.join();
  }
  Task<> hear() {
    std::uint8_t chunk[64];
    std::string line;
    for (;;) {
      std::size_t n = 0;
      try {
        n = co_await control->read_some(chunk);
      } catch (const LinkError&) {
      }
      if (n == 0) break;
      for (const char c : text_of(BytesView(chunk, n))) {
        if (c != '\n') {
          line += c;
          continue;
        }
        lines.push_back(line);
        line.clear();
      }
    }
  }

  Task<Ending> send(Message message, Duration limit = std::chrono::seconds(60)) {
    auto ending = co_await send_bytes(till.frame(message), limit);
    co_return ending;
  }
  /// On a connection of its own, as a terminal does.
  Task<Ending> send_bytes(Bytes frame, Duration limit = std::chrono::seconds(60)) {
    auto link = co_await dialer->dial();
    auto ending = co_await exchange(clock, *link, std::move(frame), till.settings.profile.framing, limit);
    co_return ending;
  }
  /// Says one control line and returns what came back at once.
  Task<std::vector<std::string>> say(std::string line) {
    const std::size_t before = lines.size();
    line += "\n";
    co_await control->write(bytes_of(line));
    co_await clock.sleep_for(std::chrono::milliseconds(1));
    co_return std::vector<std::string>(lines.begin() + static_cast<std::ptrdiff_t>(before), lines.end());
  }
  Task<> behave(std::string name, int lasts_ms = 0) {
    auto heard = co_await say("{\"behave\":\"" + name + "\",\"lasts_ms\":" + std::to_string(lasts_ms) + "}");
    EXPECT_EQ(heard, std::vector<std::string>{"{\"ok\":\"behave\"}"}) << name;
  }
  /// "000002 approved 1234" of the open batch, one a row.
  Task<std::vector<std::string>> book() {
    auto heard = co_await say("{\"ledger\":\"open\"}");
    std::vector<std::string> rows;
    for (const std::string& line : heard) {
      const auto value = [&](const std::string& name) {
        const std::size_t at = line.find("\"" + name + "\":") + name.size() + 3;
        const std::size_t end = line.find_first_of(",}", at);
        const std::string text = line.substr(at, end - at);
        return text.front() == '"' ? text.substr(1, text.size() - 2) : text;
      };
      if (!line.starts_with("{\"entry\"")) continue;
      rows.push_back(value("stan") + " " + value("state") + " " + value("amount_minor"));
    }
    EXPECT_EQ(heard.back(), "{\"end\":" + std::to_string(rows.size()) + "}");
    co_return rows;
  }
  std::vector<std::string> milestones() const {
    std::vector<std::string> out;
    for (const std::string& line : lines) {
      if (line.starts_with("{\"milestone\"")) out.push_back(line);
    }
    return out;
  }

  VirtualClock clock;
  PipeHub hub{clock};
  std::unique_ptr<Listener> listener = hub.listen("host");
  std::unique_ptr<Dialer> dialer = hub.dialer("host");
  std::unique_ptr<Link> control;
  std::unique_ptr<Host> host;
  Till till;
  std::vector<std::string> lines;
};

}  // namespace swiperig
