// Counter-based randomness (Philox4x32-10, Salmon et al. 2011): a draw is a function of its place (seed, epoch, cycle,
// source, count), so a draw removed by shrinking shifts nothing else and epochs can run on any thread. Distributions
// are our own because std's differ between libraries. Never two draws in one expression.
#pragma once

#include <array>
#include <cstdint>

namespace swiperig {

constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};
  }
  return counter;
}

/// Where a draw is made; the bench advances `cycle`, fixtures hold a reference.
struct DrawPlace {
  std::uint64_t seed = 1;
  std::uint32_t epoch = 0;
  std::uint32_t cycle = 0;
};

/// The draws of one source in one cycle.
class Draws {
 public:
  constexpr Draws(std::uint64_t seed, std::uint32_t epoch, std::uint32_t cycle, std::uint32_t source)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        place_{0, source, cycle, epoch} {}

  constexpr Draws(const DrawPlace& at, std::uint32_t source) : Draws(at.seed, at.epoch, at.cycle, source) {}

  constexpr std::uint64_t next() {
    if (!half_) {
      block_ = philox(place_, key_);
      ++place_[0];
      half_ = true;
      return (std::uint64_t{block_[1]} << 32) | block_[0];
    }
    half_ = false;
    return (std::uint64_t{block_[3]} << 32) | block_[2];
  }
  /// In [0, 1), 53 bits.
  constexpr double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  /// In [0, n), 0 < n < 2^32.
  constexpr std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>(((next() >> 32) * std::uint64_t{n}) >> 32);
  }
  /// Mean 0, standard deviation 1, bounded by 3.46: the sum of four 16-bit uniforms. No libm, so the same everywhere.
  constexpr double normal() {
    const std::uint64_t bits = next();
    const auto sum =
        static_cast<double>((bits & 0xffff) + ((bits >> 16) & 0xffff) + ((bits >> 32) & 0xffff) + (bits >> 48));
    return (sum - 131070.0) * (1.0 / 37837.0);
  }

  struct Two {
    double first, second;
  };
  /// Two normals from one draw, each the sum of four bytes: in steps of 1/148 standard deviation.
  constexpr Two two_normals() {
    const std::uint64_t bits = next();
    constexpr std::uint64_t even = 0x00ff00ff00ff00ff;
    const std::uint64_t pairs = (bits & even) + ((bits >> 8) & even);
    const auto sum = [](std::uint64_t half) { return static_cast<double>((half & 0xffff) + ((half >> 16) & 0xffff)); };
    return {(sum(pairs) - 510) * (1.0 / 147.8), (sum(pairs >> 32) - 510) * (1.0 / 147.8)};
  }

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> place_;
  std::array<std::uint32_t, 4> block_{};
  bool half_ = false;
};

/// From the machine, never the same twice: for what is sealed. Nothing that happens on a bench may depend on it.
std::array<std::uint8_t, 32> fresh_salt();

}  // namespace swiperig
