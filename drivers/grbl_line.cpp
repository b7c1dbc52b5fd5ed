#include "drivers/grbl_line.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace swiperig {
namespace {

/// The number that `text` is, all of it.
template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view cut(std::string_view& text, char at) {
  const std::size_t end = std::min(text.find(at), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

GrblLine parse_status(std::string_view inside) {
  GrblLine line;
  line.kind = GrblLine::status;
  line.state = cut(inside, '|');
  while (!inside.empty()) {
    std::string_view part = cut(inside, '|');
    if (part.starts_with("Pn:")) line.probe = part.find('P', 3) != std::string_view::npos;
    if (!part.starts_with("MPos:")) continue;
    part.remove_prefix(5);
    const auto x = whole_number<double>(cut(part, ','));
    const auto y = whole_number<double>(cut(part, ','));
    const auto z = whole_number<double>(cut(part, ','));
    line.placed = x && y && z && std::isfinite(*x) && std::isfinite(*y) && std::isfinite(*z);
    if (!line.placed) return {};
    line.x_mm = *x;
    line.y_mm = *y;
    line.z_mm = *z;
  }
  return line;
}

}  // namespace

GrblLine parse_grbl(std::string_view text) {
  GrblLine line;
  const auto numbered = [&](std::string_view prefix, GrblLine::Kind kind) {
    if (!text.starts_with(prefix)) return false;
    const auto number = whole_number<int>(text.substr(prefix.size()));
    if (!number) return false;
    line.kind = kind;
    line.number = *number;
    return true;
  };
  if (text == "ok") {
    line.kind = GrblLine::ok;
  } else if (numbered("error:", GrblLine::error) || numbered("ALARM:", GrblLine::alarm)) {
    return line;
  } else if (text.starts_with("Grbl ")) {
    line.kind = GrblLine::banner;
  } else if (text.size() >= 2 && text.front() == '<' && text.back() == '>') {
    return parse_status(text.substr(1, text.size() - 2));
  } else if (text.starts_with('$')) {
    text.remove_prefix(1);
    const auto number = whole_number<int>(cut(text, '='));
    const auto value = whole_number<double>(text);
    if (!number || !value || !std::isfinite(*value)) return line;
    line.kind = GrblLine::setting;
    line.number = *number;
    line.value = *value;
  } else if (text.starts_with('[') || text.starts_with('>')) {
    line.kind = GrblLine::message;
  }
  return line;
}

std::string words_of_alarm(int number) {
  const char* words = "of an unknown kind";
  switch (number) {
    case 1: words = "a limit switch was hit, position lost"; break;
    case 2: words = "the target is outside the machine"; break;
    case 3: words = "reset in motion, position lost"; break;
    case 4:
    case 5: words = "probing failed"; break;
    case 6: words = "reset while homing"; break;
    case 7: words = "door opened while homing"; break;
    case 8: words = "homing could not pull off the switch"; break;
    case 9: words = "homing did not find the switch"; break;
    case 10: words = "homing did not find the second switch"; break;
    default: break;
  }
  return "alarm " + std::to_string(number) + ": " + words;
}

std::string words_of_error(int number) {
  const char* words = "see the controller's list";
  switch (number) {
    case 1: words = "a letter was expected"; break;
    case 2: words = "bad number"; break;
    case 3: words = "unknown $ command"; break;
    case 5: words = "homing is not enabled"; break;
    case 8: words = "not idle"; break;
    case 9: words = "locked, needs homing"; break;
    case 11: words = "line too long"; break;
    case 15: words = "the jog leaves the travel"; break;
    case 16: words = "bad jog"; break;
    case 20: words = "unsupported command"; break;
    case 22: words = "no feed rate"; break;
    case 33: words = "bad target"; break;
    default: break;
  }
  return "error " + std::to_string(number) + ": " + words;
}

}  // namespace swiperig
