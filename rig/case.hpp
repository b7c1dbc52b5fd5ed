// What to do, as data. A case is one shopping intent and the steps that disturb it; a step waits for the nth occurrence
// of a milestone, then `after`, then acts. Because *when* is a milestone, moving a fault over every point and offset is
// a loop over data. A case names card slots, never card numbers, and says which milestones must have been seen for it
// to count at all.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "rig/event.hpp"

namespace swiperig {

/// A fault in the path, armed before anything moves and decided on the message itself.
struct NetworkFault {
  enum Kind {
    drop,    ///< this message is lost; the connection stays as it is
    delay,   ///< this message goes on `lasts` later
    outage,  ///< from this message on nothing passes, for `lasts` (0: until the bench is at rest)
    fin,     ///< instead of this message the connection is closed in order, on both sides
    reset,   ///< instead of this message the connection is reset, on both sides
  } kind = drop;
  Duration lasts{};
};

using StepAction = std::variant<Swipe, Press, Supply, NetworkFault, HostBehaviour>;

struct Step {
  std::string when = "start";
  int nth = 1;
  Duration after{};
  StepAction action;
};
/// "at response_entered: drop the message", in plain words.
std::string describe(const Step&);
std::string describe(const StepAction&);

/// A case that measures is one point of a curve: whether `milestone` was seen is what it finds out, and neither answer
/// is a fault of anybody.
struct Measurement {
  std::string milestone;         ///< "": the case measures nothing
  std::string series, axis, at;  ///< a line of the chart ("forward"), its x ("speed"), where on it ("500 mm/s")
};

struct Case {
  std::string name;
  std::string point;  ///< P1..P21 of DOMAIN.md 3.2, or ""
  std::int64_t amount_minor = 0;
  std::string card;               ///< card slot
  std::vector<Step> steps;        ///< the swipe among them
  std::string cause = "none";     ///< what is being induced, from rig/causes.def; diagnose never sees it
  std::vector<std::string> must;  ///< milestones that must have been seen, or the case does not count
  Duration patience{};            ///< 0: the terminal profile's no-return limit
  bool settle = true;             ///< settle after the recovery sale
  Measurement measure = {};
  std::string where;  ///< file:line:column it was read from
};

}  // namespace swiperig
