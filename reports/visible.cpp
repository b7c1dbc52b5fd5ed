#include "reports/visible.hpp"

#include <cstdint>
#include <iterator>
#include <utility>

namespace swiperig {

namespace {

constexpr char digits[] = "0123456789ABCDEF";

struct Character {
  std::uint32_t code = 0;
  std::size_t length = 0;  ///< 0: no valid UTF-8 here
};

Character next(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xf0 && first < 0xf5   ? 4
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xc2 && first < 0xe0 ? 2
                                                             : 0;
  if (length == 0 || text.size() < length) return {};
  std::uint32_t code = first & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = (code << 6) | (byte(i) & 0x3f);
  }
  static constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {code, length};
}

bool misleading(std::uint32_t code) {
  static constexpr std::pair<std::uint32_t, std::uint32_t> ranges[] = {
      {0x80, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},    {0x115f, 0x1160}, {0x180e, 0x180e},
      {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},  {0x3164, 0x3164}, {0xfe00, 0xfe0f},
      {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xe0000, 0xe0fff}};
  for (const auto& [first, last] : ranges) {
    if (code >= first && code <= last) return true;
  }
  return false;
}

}  // namespace

std::size_t utf8_length(std::string_view text) { return next(text).length; }

std::string visible(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character c = next(text);
    if (c.length == 0 || c.code < 0x20 || c.code == 0x7f) {
      const auto byte = static_cast<unsigned char>(text[0]);
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
      text.remove_prefix(1);
      continue;
    }
    if (misleading(c.code)) {
      char hex[8];
      char* at = std::end(hex);
      for (std::uint32_t rest = c.code; rest != 0 || std::end(hex) - at < 4; rest >>= 4) *--at = digits[rest & 15];
      out.append("\\u{").append(at, std::end(hex)).append("}");
    } else {
      out += text.substr(0, c.length);
    }
    text.remove_prefix(c.length);
  }
  return out;
}

}  // namespace swiperig
