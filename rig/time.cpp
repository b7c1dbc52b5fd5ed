#include "rig/time.hpp"

#include <cstdlib>

namespace swiperig {

std::string to_text(Duration d) {
  const std::int64_t ns = d.count();
  const std::uint64_t magnitude = ns < 0 ? 0 - static_cast<std::uint64_t>(ns) : static_cast<std::uint64_t>(ns);
  struct Unit {
    std::uint64_t ns;
    const char* name;
    int digits;
  };
  static constexpr Unit units[] = {{1'000'000'000, "s", 6}, {1'000'000, "ms", 6}, {1'000, "us", 3}, {1, "ns", 0}};
  const Unit* unit = &units[3];
  for (const Unit& u : units) {
    if (magnitude >= u.ns) {
      unit = &u;
      break;
    }
  }
  if (magnitude == 0) unit = &units[0];
  std::string text = (ns < 0 ? "-" : "") + std::to_string(magnitude / unit->ns);
  std::uint64_t rest = magnitude % unit->ns;
  if (rest != 0) {
    text += '.';
    std::uint64_t scale = unit->ns / 10;
    for (int digit = 0; digit < unit->digits && rest != 0 && scale != 0; ++digit, scale /= 10) {
      text += static_cast<char>('0' + rest / scale);
      rest %= scale;
    }
  }
  return text + " " + unit->name;
}

std::string amount_text(std::int64_t amount_minor) {
  const std::uint64_t magnitude =
      amount_minor < 0 ? 0 - static_cast<std::uint64_t>(amount_minor) : static_cast<std::uint64_t>(amount_minor);
  const std::uint64_t cents = magnitude % 100;
  return (amount_minor < 0 ? "-" : "") + std::to_string(magnitude / 100) + (cents < 10 ? ".0" : ".") +
         std::to_string(cents);
}

}  // namespace swiperig
