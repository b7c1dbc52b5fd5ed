// What a controller and its guardian say to each other. They share three pairs of sequenced packet sockets, so that a
// message comes whole or not at all: on the first, GuardWord both ways; on one for each instrument, bytes. Towards the
// instrument a packet begins with the fencing number (8 bytes, the machine's order; both ends are one machine and one
// program), then 1 to kGuardBytes bytes of the instrument's language; from the instrument come its bytes alone.
// A controller takes the bench (`take`, answered by `granted` with the number of its turn; its first beat is the
// grant), beats at least every kDeadMan seconds, and ends its turn by `rest`, answered by `safe` when the instruments
// are in their safe state.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace swiperig {

constexpr double kDeadMan = 0.1;  ///< s without a beat after which a controller counts as hung
constexpr std::size_t kGuardBytes = 1024;

/// Why a guardian took the instruments back.
enum class Taken : std::uint32_t {
  by_rest,
  controller_gone,
  controller_hung,
  told_to_end,
  lock_gone,
  instrument_gone,
  breach
};

struct GuardWord {
  enum Kind : std::uint32_t { take, beat, rest, refused, granted, safe, lost };
  Kind kind{};
  Taken why{};               ///< of lost and safe
  std::uint32_t unproved{};  ///< of safe: instruments that did not confirm it
  std::uint32_t unused{};
  std::uint64_t number{};
  double at_s{};                 ///< of what a controller says: machine_seconds() when it was said
  std::array<char, 480> text{};  ///< of refused: the reason, ends with 0
};

/// A packet towards an instrument.
struct GuardPacket {
  std::uint64_t number{};
  std::array<std::uint8_t, kGuardBytes> bytes{};
};
constexpr std::size_t kGuardHead = sizeof(std::uint64_t);
static_assert(sizeof(GuardPacket) == kGuardHead + kGuardBytes);

/// Where the guardian finds its ends of the pairs.
constexpr int kGuardControl = 3, kGuardActuator = 4, kGuardPower = 5;

}  // namespace swiperig
