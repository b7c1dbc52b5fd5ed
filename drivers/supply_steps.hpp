// What a supply does with its set voltage when the rail is to fall or rise over some time: a staircase whose steps are
// no finer, in time or in volts, than the instrument can really do. Pure, so that what is refused beforehand and what
// is done cannot differ.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "drivers/supply_scpi.hpp"

namespace swiperig {

struct RailStep {
  Duration after{};  ///< the ramp's beginning
  std::int64_t mv = 0;
};

/// From one voltage to another over `time` (0: in one step), in `steps` (0: as many as it can), the last of them at the
/// end; or why this supply cannot do it.
std::variant<std::vector<RailStep>, std::string> rail_steps(const ScpiSettings&, std::int64_t from_mv,
                                                            std::int64_t to_mv, Duration time, std::int64_t steps);

/// Why this supply cannot do this brown-out, or nothing.
std::optional<std::string> refusal(const ScpiSettings&, const BrownOut&);

/// How high the rail may be measured and still be as low as it was told to go.
std::int64_t low_enough_mv(const ScpiSettings&, const BrownOut&);

}  // namespace swiperig
