// For tests of stand-ins and of drivers: an end of a pipe that a test speaks and listens at by hand, and a terminal
// that writes down what touches it.
#pragma once

#include <array>
#include <deque>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fixtures/contact.hpp"
#include "fixtures/pipe.hpp"
#include "fixtures/virtual_clock.hpp"
#include "rig/crew.hpp"

namespace swiperig {

class Console {
 public:
  Console(Clock& clock, std::unique_ptr<Link> link) : clock_(clock), link_(std::move(link)) {}
  Task<> serve() {
    std::array<std::uint8_t, 256> buffer;
    try {
      for (;;) {
        const std::size_t n = co_await link_->read_some(buffer);
        if (n == 0) break;
        for (std::size_t i = 0; i < n; ++i) {
          const char c = static_cast<char>(buffer[i]);
          if (realtime.find(c) != std::string::npos) {
            lines_.push_back(std::string(1, c));
          } else if (c != '\n' && c != '\r') {
            partial_ += c;
          } else if (!partial_.empty()) {
            lines_.push_back(std::exchange(partial_, {}));
          }
        }
        heard_.ring();
      }
    } catch (const LinkError&) {
    }
    closed_ = true;
    heard_.ring();
  }
  Task<> send(std::string text) {
    co_await link_->write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  /// The next line; "(silence)" after `limit`, "(closed)" when nothing can come.
  Task<std::string> line(Duration limit = std::chrono::seconds(60)) {
    const Time until = clock_.now() + limit;
    for (;;) {
      if (!lines_.empty()) {
        std::string line = std::move(lines_.front());
        lines_.pop_front();
        co_return line;
      }
      if (closed_) co_return "(closed)";
      const bool rung = co_await clock_.wait(heard_, until);
      if (!rung) co_return "(silence)";
    }
  }
  Task<std::string> ask(std::string text, Duration limit = std::chrono::seconds(60)) {
    co_await send(text);
    auto answer = co_await line(limit);
    co_return answer;
  }
  void close() { link_->close(Close::fin); }
  bool closed() const { return closed_; }

  std::string realtime;  ///< bytes that are a line of their own

 private:
  Clock& clock_;
  std::unique_ptr<Link> link_;
  std::deque<std::string> lines_;
  std::string partial_;
  bool closed_ = false;
  Bell heard_;
};

struct TouchedTerminal final : Contact {
  explicit TouchedTerminal(Clock& c) : clock(c) {}
  void rail(RailLine line) override { rails.push_back({clock.now(), line}); }
  void head(const HeadSignal& signal) override { heads.push_back({clock.now(), signal}); }
  void card(CardAt at) override { cards.emplace_back(clock.now(), at); }
  void key(std::string_view name) override { keys += std::string(name) + " "; }

  Clock& clock;
  std::vector<std::pair<Time, RailLine>> rails;
  std::vector<std::pair<Time, HeadSignal>> heads;
  std::vector<std::pair<Time, CardAt>> cards;
  std::string keys;
};

inline const TrackSignal* track_of(const HeadSignal& signal, int track) {
  for (const auto& one : signal) {
    if (one.track == track) return &one;
  }
  return nullptr;
}

/// Runs `test` while `staff` serve; then `end` ends them. Rethrows what the test threw.
inline void run_with(Clock& clock, std::vector<std::function<Task<>()>> staff, std::function<Task<>()> test,
                     std::function<void()> end) {
  const auto session = [&]() -> Task<> {
    Crew crew(clock);
    for (auto& one : staff) crew.start(one());
    std::exception_ptr failure;
    try {
      co_await test();
    } catch (...) {
      failure = std::current_exception();
    }
    end();
    co_await crew.join();
    if (failure) std::rethrow_exception(failure);
  };
  clock.run(session());
}

}  // namespace swiperig
