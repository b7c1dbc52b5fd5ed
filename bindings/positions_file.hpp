// What a robot was taught, as the file that a bench names with `positions` (format: bindings/actuator_file.hpp).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "drivers/swiper_grbl.hpp"

namespace swiperig {

class Table;

struct Positions {
  std::map<std::string, TaughtPlace> keys, cards;
  std::map<std::string, double> heights;  ///< clear, hover, press, grip, swipe
  std::optional<TaughtPlace> head;
  std::optional<double> swipe_from, swipe_to;
  std::optional<ToolPlace> chip_slot, field;
};

/// What a file holds; an empty table holds nothing. Throws ConfigError.
Positions read_positions(const Table&);
std::string to_toml(const Positions&);

}  // namespace swiperig
