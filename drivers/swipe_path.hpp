// How the tool goes for one swipe: geometry, pure, so that what is refused and what is done cannot differ. A gripped
// card lies along X with its middle under the tool, its start edge towards +X; a forward swipe moves in +X. GRBL
// accelerates every axis by one fixed rate ($120), so a card that is to accelerate under the head gets a move that is
// all ramp: up to the place where the trailing edge leaves the head, and down again over the same length.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "drivers/swiper_grbl.hpp"

namespace swiperig {

struct SwipePath {
  double from_x_mm = 0, to_x_mm = 0;
  std::optional<double> stop_x_mm;
  double z_mm = 0;                ///< of the tool while the card passes
  double feed_mm_s = 0;           ///< of the move: the cruise speed, or more than an accelerating card reaches
  double acceleration_mm_s2 = 0;  ///< of the machine while the card passes
  double expected_s = 0;          ///< from rest to rest, without the stop
  /// Mean speed of the card under the head for a move that took so long, without the stop.
  double speed_mm_s(double taken_s) const;
  bool all_ramp = false;
  double run_up_mm = 0;  ///< of an all-ramp move: to where the leading edge reaches the head
  double way_mm() const { return to_x_mm > from_x_mm ? to_x_mm - from_x_mm : from_x_mm - to_x_mm; }
};

/// The path for a machine of this acceleration, or why it cannot be.
std::variant<SwipePath, std::string> swipe_path(const GrblSettings&, const Swipe&, double machine_acceleration_mm_s2);

/// Time of a straight move from rest to rest.
double move_seconds(double way_mm, double speed_mm_s, double acceleration_mm_s2);

bool inside(const GrblSettings&, double x_mm, double y_mm, double z_mm);

}  // namespace swiperig
