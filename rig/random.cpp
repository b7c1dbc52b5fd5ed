#include "rig/random.hpp"

#include <random>

namespace swiperig {

std::array<std::uint8_t, 32> fresh_salt() {
  std::array<std::uint8_t, 32> salt{};
  std::random_device machine;
  for (std::uint8_t& byte : salt) byte = static_cast<std::uint8_t>(machine());
  return salt;
}

}  // namespace swiperig
