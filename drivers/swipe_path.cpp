#include "drivers/swipe_path.hpp"

#include <cmath>
#include <cstdio>

#include "rig/decimal.hpp"

namespace swiperig {
namespace {

std::string whole(double value) { return std::to_string(std::llround(value)); }

/// What the magazine would have to offer, because this robot cannot do it: turning and tilting.
std::optional<std::string> refuse_lie(const GrblSettings& s, const Swipe& swipe) {
  const auto found = s.lies.find(swipe.card);
  const CardLie lie = found == s.lies.end() ? CardLie{} : found->second;
  if (swipe.face != lie.face) {
    return "this robot cannot turn a card: the one in slot '" + shown(swipe.card) + "' lies " + lie.face + ", not " +
           shown(swipe.face);
  }
  if (swipe.tilt_mdeg != lie.tilt_mdeg) {
    return "this robot cannot tilt a card: the one in slot '" + shown(swipe.card) + "' lies at " +
           std::to_string(lie.tilt_mdeg) + " mdeg, not " + std::to_string(swipe.tilt_mdeg);
  }
  return std::nullopt;
}

using Path = std::variant<SwipePath, std::string>;

/// All ramp: `speed` when the leading edge reaches the head, and ever faster until the trailing edge has left.
Path ramp(const GrblSettings& s, const Swipe& swipe) {
  const double a = static_cast<double>(swipe.acceleration_mm_s2);
  if (swipe.from_mm != 0 || swipe.to_mm != 0 || swipe.stop_mm != 0) {
    return "a card that accelerates under the head cannot also stop or start there";
  }
  if (!s.acceleration_settable) return "its acceleration may not be set (acceleration_settable)";
  if (a > s.acceleration_mm_s2) {
    return "an acceleration of " + whole(a) + " mm/s2 is more than its " + whole(s.acceleration_mm_s2);
  }
  const double v = static_cast<double>(swipe.speed_mm_s);
  const double run_up_mm = v * v / (2 * a), up_mm = run_up_mm + s.card_length_mm;
  const double end_speed = std::sqrt(2 * a * up_mm);
  if (end_speed > static_cast<double>(s.max_speed_mm_s)) {
    return "the card would leave the head at " + whole(end_speed) + " mm/s, more than " +
           std::to_string(s.max_speed_mm_s);
  }
  const double way = swipe.reverse ? -1 : 1;
  SwipePath path;
  path.all_ramp = true;
  path.run_up_mm = run_up_mm;
  path.acceleration_mm_s2 = a;
  path.from_x_mm = s.head_x_mm - way * (s.card_length_mm / 2 + run_up_mm);
  path.to_x_mm = path.from_x_mm + way * 2 * up_mm;
  path.feed_mm_s = end_speed * 1.001;
  path.expected_s = 2 * end_speed / a;
  const auto on_the_line = [&](double x_mm) { return x_mm >= s.swipe_start_x_mm && x_mm <= s.swipe_end_x_mm; };
  if (!on_the_line(path.from_x_mm) || !on_the_line(path.to_x_mm)) {
    return "a ramp of " + decimal(up_mm) + " mm up and down does not fit on the swipe line";
  }
  return path;
}

Path cruise(const GrblSettings& s, const Swipe& swipe, double a) {
  const double v = static_cast<double>(swipe.speed_mm_s), length = s.card_length_mm;
  const double from = static_cast<double>(swipe.from_mm);
  const double to = swipe.to_mm == 0 ? length : static_cast<double>(swipe.to_mm);
  if (from < 0 || to > length || from >= to) return "a card is seen from somewhere to further on, within its length";
  const double way = swipe.reverse ? -1 : 1;
  const auto x_of = [&](double passed_mm) { return s.head_x_mm + way * (passed_mm - length / 2); };
  SwipePath path;
  path.acceleration_mm_s2 = a;
  path.feed_mm_s = v;
  const double begin = swipe.reverse ? s.swipe_end_x_mm : s.swipe_start_x_mm;
  const double end = swipe.reverse ? s.swipe_start_x_mm : s.swipe_end_x_mm;
  path.from_x_mm = from > 0 ? x_of(from) : begin;
  path.to_x_mm = to < length ? x_of(to) : end;
  const double ramp_mm = v * v / (2 * a);
  if (from == 0) {
    const double room_mm = std::min(s.head_x_mm - s.swipe_start_x_mm, s.swipe_end_x_mm - s.head_x_mm) - length / 2;
    if (!(ramp_mm <= room_mm)) {
      return "a run-up of " + decimal(ramp_mm) + " mm to " + std::to_string(swipe.speed_mm_s) +
             " mm/s does not fit into " + decimal(room_mm) + " mm beside the head";
    }
  }
  const auto legs = [&]() -> std::array<double, 2> {
    if (swipe.stop_mm == 0) return {path.way_mm(), path.way_mm()};
    return {std::abs(*path.stop_x_mm - path.from_x_mm), std::abs(path.to_x_mm - *path.stop_x_mm)};
  };
  if (swipe.stop_mm != 0) {
    const double stop = static_cast<double>(swipe.stop_mm);
    if (stop <= from || stop >= to) return "the place of the stop is not within what passes";
    path.stop_x_mm = x_of(stop);
  }
  for (const double leg_mm : legs()) {
    if (leg_mm < 2 * ramp_mm) {
      return std::to_string(swipe.speed_mm_s) + " mm/s is not reached within " + decimal(leg_mm) +
             " mm from rest to rest";
    }
  }
  path.expected_s = path.way_mm() / v + (path.stop_x_mm ? 2 : 1) * v / a;
  return path;
}

}  // namespace

double move_seconds(double way_mm, double speed_mm_s, double acceleration_mm_s2) {
  way_mm = std::abs(way_mm);
  if (way_mm < speed_mm_s * speed_mm_s / acceleration_mm_s2) return 2 * std::sqrt(way_mm / acceleration_mm_s2);
  return way_mm / speed_mm_s + speed_mm_s / acceleration_mm_s2;
}

bool inside(const GrblSettings& s, double x_mm, double y_mm, double z_mm) {
  return x_mm >= 0 && x_mm <= s.travel_x_mm && y_mm >= 0 && y_mm <= s.travel_y_mm && z_mm <= 0 &&
         z_mm >= -s.travel_z_mm;
}

double SwipePath::speed_mm_s(double taken_s) const {
  if (all_ramp) {
    // the ramp that takes this long is steeper or flatter; the card is under the head in its upper half
    const double a = 4 * way_mm() / (taken_s * taken_s);
    return (std::sqrt(2 * a * run_up_mm) + std::sqrt(a * way_mm())) / 2;
  }
  const double a = stop_x_mm ? acceleration_mm_s2 / 2 : acceleration_mm_s2;
  const double square = taken_s * taken_s - 4 * way_mm() / a;
  return (taken_s - std::sqrt(std::max(square, 0.0))) * a / 2;
}

std::variant<SwipePath, std::string> swipe_path(const GrblSettings& s, const Swipe& swipe,
                                                double machine_acceleration_mm_s2) {
  const auto slot = s.slots.find(swipe.card);
  if (slot == s.slots.end()) return "no card slot '" + shown(swipe.card) + "' is taught";
  if (swipe.speed_mm_s < s.min_speed_mm_s || swipe.speed_mm_s > s.max_speed_mm_s) {
    return "speed " + std::to_string(swipe.speed_mm_s) + " mm/s is not within " + std::to_string(s.min_speed_mm_s) +
           " to " + std::to_string(s.max_speed_mm_s);
  }
  if (!inside(s, slot->second.x_mm, slot->second.y_mm, s.grip_z_mm)) {
    return "card slot '" + shown(swipe.card) + "' lies outside the travel";
  }
  if (!inside(s, s.swipe_start_x_mm, s.swipe_y_mm, s.swipe_z_mm) ||
      !inside(s, s.swipe_end_x_mm, s.swipe_y_mm, s.swipe_z_mm)) {
    return "the swipe line lies outside the travel";
  }
  const double z_mm = s.swipe_z_mm + static_cast<double>(swipe.lift_mm);
  if (swipe.lift_mm < 0 || z_mm > s.clear_z_mm) {
    return "a swipe " + std::to_string(swipe.lift_mm) + " mm above the floor of the slot is above the safe height";
  }
  if (auto why = refuse_lie(s, swipe)) return *why;
  auto path = swipe.acceleration_mm_s2 != 0 ? ramp(s, swipe) : cruise(s, swipe, machine_acceleration_mm_s2);
  if (auto* found = std::get_if<SwipePath>(&path)) found->z_mm = z_mm;
  return path;
}

}  // namespace swiperig
