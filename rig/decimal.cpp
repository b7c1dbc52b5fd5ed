#include "rig/decimal.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace swiperig {

std::string decimal(double value, int places) {
  static constexpr std::array<double, 5> scales = {1, 10, 100, 1000, 10'000};
  std::array<char, 340> text;  // whatever a double may be
  const double scaled = std::abs(value) * scales[static_cast<std::size_t>(places)] + 0.5;
  if (!(scaled < 1e15)) {
    char* const end = text.data() + text.size();
    return {text.data(), std::to_chars(text.data(), end, value, std::chars_format::fixed, places).ptr};
  }
  // digit by digit from the end: several times as fast as the shortest exact way
  char* const end = text.data() + 32;
  char* at = end;
  auto left = static_cast<std::uint64_t>(scaled);
  for (int place = 0; left != 0 || place <= places; ++place) {
    if (place == places && places > 0) *--at = '.';
    *--at = static_cast<char>('0' + left % 10);
    left /= 10;
  }
  if (std::signbit(value)) *--at = '-';
  return {at, end};
}

}  // namespace swiperig
