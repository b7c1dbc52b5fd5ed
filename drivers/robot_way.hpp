// The way of the tool through one motion, leg by leg: pure, and the driver's only source of where to go, so that what
// is refused and what is done cannot differ. Between places it goes at the safe height and comes down only over them.
// Where several terminals share the robot, each has its region, into which the tool of a motion at another must not
// come below that region's top, nor the card that it holds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drivers/swiper_grbl.hpp"

namespace swiperig {

struct Leg {
  enum Kind { travel, height, stroke, grip, release, stay } kind;
  double x_mm = 0, y_mm = 0, z_mm = 0;  ///< where it ends
  double speed_mm_s = 0;
  bool holding = false;  ///< a card is in the jaws
  Duration lasts{};      ///< of stay: the card is where the motion brought it
};

/// From the slot at the safe height to the card in the jaws at the safe height; and back.
std::vector<Leg> pick_up(const GrblSettings&, const TaughtPlace& slot);
std::vector<Leg> put_back(const GrblSettings&, const TaughtPlace& slot);
/// Into the terminal's slot or field and out of it again, from the safe height to the safe height.
std::vector<Leg> dip_legs(const GrblSettings&, const Dip&);
std::vector<Leg> tap_legs(const GrblSettings&, const CardTap&);
std::vector<Leg> press_legs(const GrblSettings&, const Press&);
std::vector<Leg> park_legs(const GrblSettings&);
/// To where it homes from to prove its place.
std::vector<Leg> proving_legs(const GrblSettings&);

/// All of a motion that needs nothing but what is taught; a swipe's for a machine of the bench's acceleration. Only
/// after `refusal` has nothing against it.
std::vector<Leg> way_of(const GrblSettings&, const Motion&);

/// Why the legs cannot be gone: out of the travel, or into another terminal's region; or nothing. They begin anywhere
/// at the safe height.
std::optional<std::string> refuse_way(const GrblSettings&, const std::vector<Leg>&);

/// The same of a straight line for a tool that holds no card, whichever region is its own.
std::optional<std::string> refuse_line(const GrblSettings&, const ToolPlace& from, const ToolPlace& to);

/// Names of keys, in order.
std::vector<std::string> keys_of(const GrblSettings&, const Press&);

}  // namespace swiperig
