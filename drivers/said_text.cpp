#include "drivers/said_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "rig/text_rule.hpp"

namespace swiperig {

namespace {

/// Bytes of the UTF-8 character that `text` begins with; 0 if it begins with none, or with a control character.
std::size_t printable_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<std::uint8_t>(text[i])); };
  const unsigned first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7F ? 1 : 0;
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
  unsigned value = first & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    value = value << 6 | (byte(i) & 0x3F);
  }
  constexpr std::array<unsigned, 5> least = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value < 0xE000;
  const bool control = value < 0xA0;
  return value < least[size] || value > 0x10FFFF || surrogate || control ? 0 : size;
}

}  // namespace

std::string readable(std::string_view raw) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string text;
  while (!raw.empty()) {
    std::size_t n = printable_bytes(raw);
    if (n > 0) {
      text += raw.substr(0, n);
    } else {
      const auto byte = static_cast<std::uint8_t>(raw[0]);
      text += {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
      n = 1;
    }
    raw.remove_prefix(n);
  }
  return text;
}

void tell_text(const std::vector<TextRule>& rules, std::string place, std::string_view masked, Time at,
               std::deque<Seen>& seen) {
  const std::string text = readable(masked);
  seen.push_back({Text{place, text}, at, {}});
  std::vector<std::string_view> said;
  for (const TextRule& rule : rules) {
    if (rule.place != place || std::find(said.begin(), said.end(), rule.milestone) != said.end()) continue;
    auto fields = match(rule, text);
    if (!fields) continue;
    fields->insert(fields->end(), rule.with.begin(), rule.with.end());
    seen.push_back({Milestone{rule.milestone, std::move(*fields)}, at, {}});
    said.push_back(rule.milestone);
  }
}

}  // namespace swiperig
