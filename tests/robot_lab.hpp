// The robot stand-in on a test's desk: a terminal that writes down what touches it, a card in slot A, a console.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "fixtures/reader.hpp"
#include "fixtures/robot.hpp"
#include "tests/console.hpp"

namespace swiperig {

inline const std::string kTrack2 = ";6212345678901265=30125010000000000?";

struct RobotLab {
  explicit RobotLab(RobotGeometry geometry = {}) : RobotLab(make_pipe(clock), std::move(geometry)) {}
  void run(std::function<Task<>()> test) {
    run_with(clock, {[&] { return robot.run(); }, [&] { return console.serve(); }}, std::move(test), [&] {
      robot.stop();
      console.close();
    });
  }
  /// To the state in which a sender starts its work.
  Task<> homed() {
    auto banner = co_await console.line();
    EXPECT_EQ(banner, "Grbl 1.1h ['$' for help]");
    co_await console.line();
    auto ok = co_await console.ask("$H\n");
    EXPECT_EQ(ok, "ok");
  }
  /// Send and wait, line by line.
  Task<> all_ok(std::string lines) {
    while (!lines.empty()) {
      const std::size_t end = std::min(lines.find('\n'), lines.size() - 1) + 1;
      std::string line = lines.substr(0, end);
      lines.erase(0, end);
      if (line.back() != '\n') line += '\n';
      auto answer = co_await console.ask(line);
      EXPECT_EQ(answer, "ok") << line;
    }
  }
  std::string last_read(bool bidirectional = false) const {
    if (terminal.heads.empty()) return "nothing";
    const auto* track = track_of(terminal.heads.back().second, 2);
    if (track == nullptr) return "no track 2";
    const auto result = Reader().read(2, terminal.heads.back().second, bidirectional);
    if (const auto* text = std::get_if<TrackText>(&result)) return text->text;
    return std::string(name(std::get<TrackError>(result).fault));
  }

  VirtualClock clock;
  DrawPlace place;
  TouchedTerminal terminal{clock};
  Robot robot;
  Console console;

 private:
  using Pipe = std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>>;
  RobotLab(Pipe pipe, RobotGeometry geometry)
      : robot(clock, std::move(pipe.first), terminal, std::move(geometry), deck(), place),
        console(clock, std::move(pipe.second)) {}
  static std::map<std::string, Card> deck() {
    Card card;
    card.track2 = kTrack2;
    return {{"A", card}};
  }
};

}  // namespace swiperig
