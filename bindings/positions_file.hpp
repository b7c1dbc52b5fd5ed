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

/// Puts `text` in the file's place in one step, durably, the file of before beside it as PATH.old. Throws
/// std::runtime_error; the file is then what it was.
void replace_keeping_old(const std::string& path, const std::string& text);

}  // namespace swiperig
