#include "drivers/supply_steps.hpp"

#include <algorithm>
#include <cstdlib>

#include "rig/time.hpp"

namespace swiperig {
namespace {

constexpr std::int64_t kMostSteps = 1000;

std::string mv(std::int64_t value) { return std::to_string(value) + " mV"; }

}  // namespace

std::variant<std::vector<RailStep>, std::string> rail_steps(const ScpiSettings& s, std::int64_t from_mv,
                                                            std::int64_t to_mv, Duration time, std::int64_t steps) {
  if (time.count() == 0) {
    if (steps != 0) return "steps without a time to fall or to rise in";
    return std::vector<RailStep>{{Duration{}, to_mv}};
  }
  const std::int64_t way_mv = std::abs(to_mv - from_mv);
  if (steps == 0) steps = std::min({time / s.command_time, way_mv / s.resolution_mv, kMostSteps});
  if (steps < 2) {
    return "a ramp of " + mv(way_mv) + " in " + to_text(time) + " is finer than this supply's steps of " +
           to_text(s.command_time) + " and " + mv(s.resolution_mv) + ": it takes two of them at least";
  }
  if (time / steps < s.command_time) {
    return std::to_string(steps) + " steps in " + to_text(time) + " are finer than the " + to_text(s.command_time) +
           " that this supply takes for one";
  }
  if (way_mv / steps < s.resolution_mv) {
    return std::to_string(steps) + " steps over " + mv(way_mv) + " are finer than this supply's " + mv(s.resolution_mv);
  }
  std::vector<RailStep> out;
  for (std::int64_t i = 1; i <= steps; ++i) {
    const std::int64_t raw_mv = (to_mv - from_mv) * i / steps;
    const std::int64_t whole_mv = raw_mv / s.resolution_mv * s.resolution_mv;
    out.push_back({time * i / steps, i == steps ? to_mv : from_mv + whole_mv});
  }
  return out;
}

std::optional<std::string> refusal(const ScpiSettings& s, const BrownOut& b) {
  if (b.to_mv >= s.voltage_mv) return "a brown-out to " + mv(b.to_mv) + " does not lower its " + mv(s.voltage_mv);
  if (b.to_mv % s.resolution_mv != 0) {
    return "a brown-out to " + mv(b.to_mv) + " is finer than this supply's " + mv(s.resolution_mv);
  }
  if (b.lasts < s.command_time) {
    return "a brown-out of " + to_text(b.lasts) + " is shorter than the " + to_text(s.command_time) +
           " that this supply takes for a command";
  }
  if (b.steps != 0 && b.fall.count() == 0 && b.rise.count() == 0) return "steps without a time to fall or to rise in";
  for (const Duration time : {b.fall, b.rise}) {
    if (time.count() == 0) continue;
    const auto found = rail_steps(s, s.voltage_mv, b.to_mv, time, b.steps);
    if (const auto* why = std::get_if<std::string>(&found)) return *why;
  }
  return std::nullopt;
}

std::int64_t low_enough_mv(const ScpiSettings& s, const BrownOut& b) {
  return b.to_mv + std::max(b.to_mv / 100, s.resolution_mv);
}

}  // namespace swiperig
