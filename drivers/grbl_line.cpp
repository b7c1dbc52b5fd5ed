#include "drivers/grbl_line.hpp"

#include <algorithm>
#include <array>
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

namespace {

template <std::size_t count>
std::string named(std::string_view what, int number, const std::array<std::string_view, count>& words) {
  const bool known = number >= 1 && static_cast<std::size_t>(number) <= count;
  const std::string_view name = known ? words.at(static_cast<std::size_t>(number) - 1) : std::string_view();
  return std::string(what) + " " + std::to_string(number) + ": " +
         std::string(name.empty() ? "none that GRBL 1.1 has" : name);
}

}  // namespace

std::string words_of_alarm(int number) {
  static constexpr std::array<std::string_view, 10> words = {
      "a limit switch was hit, position lost",
      "the target is outside the machine",
      "reset in motion, position lost",
      "probing failed, the probe was not at rest before it",
      "probing failed, nothing was touched on the way",
      "reset while homing",
      "door opened while homing",
      "homing could not pull off the switch",
      "homing did not find the switch",
      "homing did not find the second switch",
  };
  return named("alarm", number, words);
}

std::string words_of_error(int number) {
  static constexpr std::array<std::string_view, 38> words = {
      "a letter was expected",
      "bad number",
      "unknown $ command",
      "a negative value where none may be",
      "homing is not enabled, set $22=1",
      "step pulses shorter than 3 us",
      "its memory could not be read, settings are as delivered",
      "not idle",
      "locked, needs homing",
      "soft limits need homing, set $22=1",
      "line too long",
      "more steps per second than it can make",
      "the safety door is open",
      "the line is too long to be stored",
      "the jog leaves the travel",
      "bad jog",
      "laser mode needs a variable spindle",
      "",
      "",
      "unsupported command",
      "two commands of one group in a line",
      "no feed rate",
      "a whole number was expected",
      "two commands in a line that both want the axes",
      "a word twice in a line",
      "a command that needs axes, without any",
      "a line number beyond 9999999",
      "a command without its P or L",
      "no such work coordinates, G54 to G59 are all",
      "G53 without G0 or G1",
      "axes where no motion is on (G80)",
      "an arc without an axis in its plane",
      "bad target",
      "an arc that its radius cannot make",
      "an arc without its middle",
      "words that no command in the line uses",
      "a tool length along another axis than the tool's",
      "no such tool",
  };
  return named("error", number, words);
}

}  // namespace swiperig
