// The supply stand-in on a test's desk: a terminal that writes down its rail, a console.
#pragma once

#include <algorithm>

#include "fixtures/supply.hpp"
#include "tests/console.hpp"

namespace swiperig {

struct SupplyLab {
  explicit SupplyLab(SupplySettings settings = {}) : SupplyLab(make_pipe(clock), settings) {}
  void run(std::function<Task<>()> test) {
    run_with(clock, {[&] { return supply.run(); }, [&] { return console.serve(); }}, std::move(test), [&] {
      supply.stop();
      console.close();
    });
  }
  double rail_mv() const {
    if (terminal.rails.empty()) return 0;
    const auto& [at, line] = terminal.rails.back();
    const double s = std::chrono::duration<double>(clock.now() - at).count();
    return std::max(0.0, static_cast<double>(line.mv) + static_cast<double>(line.slope_mv_per_s) * s);
  }

  VirtualClock clock;
  TouchedTerminal terminal{clock};
  SupplyFixture supply;
  Console console;

 private:
  using Pipe = std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>>;
  SupplyLab(Pipe pipe, SupplySettings settings)
      : supply(clock, std::move(pipe.first), terminal, settings), console(clock, std::move(pipe.second)) {}
};

}  // namespace swiperig
