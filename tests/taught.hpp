// For tests of the GRBL driver: the map as somebody would teach it on the robot stand-in, and motions.
#pragma once

#include <string>

#include "drivers/swiper_grbl.hpp"
#include "fixtures/robot_geometry.hpp"
#include "tests/failure_of.hpp"

namespace swiperig {

/// The map as somebody would teach it on the robot of fixtures/robot_geometry.hpp.
inline GrblSettings taught() {
  GrblSettings settings;
  const RobotGeometry robot;
  for (const auto& [name, spot] : robot.keys) settings.keys[name] = {spot.x_mm, spot.y_mm};
  for (const auto& [name, spot] : robot.slots) settings.slots[name] = {spot.x_mm, spot.y_mm};
  return settings;
}

inline Swipe a_swipe(std::int64_t speed_mm_s = 500, bool reverse = false) {
  Swipe swipe;
  swipe.card = "A";
  swipe.speed_mm_s = speed_mm_s;
  swipe.reverse = reverse;
  return swipe;
}

inline Press a_press(std::string keys) {
  Press press;
  press.keys = std::move(keys);
  return press;
}

}  // namespace swiperig
