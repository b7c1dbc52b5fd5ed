// A text damaged at random places, the same way for the same seed.
#pragma once

#include <string>

#include "rig/random.hpp"

namespace swiperig {

inline std::string damaged(std::string text, Draws& draws) {
  const std::uint32_t times = 1 + draws.below(4);
  for (std::uint32_t i = 0; i < times && !text.empty(); ++i) {
    const std::uint32_t kind = draws.below(5);
    const std::uint32_t at = draws.below(static_cast<std::uint32_t>(text.size()));
    const std::uint32_t more = draws.below(256);
    switch (kind) {
      case 0: text[at] = static_cast<char>(text[at] ^ (1 << (more % 8))); break;
      case 1: text[at] = static_cast<char>(more); break;
      case 2: text.erase(at, 1 + more % 16); break;
      case 3: text.insert(at, 1, static_cast<char>(more)); break;
      default: text.insert(at, text.substr(more % text.size(), 1 + more % 32));
    }
  }
  return text;
}

}  // namespace swiperig
