// The guardian: owns the descriptors of actuator and supply, passes a controller's bytes on for as long as it lives and
// beats, and brings the instruments to their safe state when it does not. A process of its own; from stand_guard() on
// it allocates nothing, throws nothing, reads no file and calls no library but the kernel. Its turns are numbered: a
// turn's bytes pass only while it is the present one, and only within kDeadMan of its last beat, so that a controller
// which comes back late acts no more. A gone or hung controller, a lock that was removed, a packet with a number from
// the future and SIGTERM end the turn, make everything safe and end the guardian; `rest` ends the turn alone.
// It is no safety function: it asks the instruments to stop. The emergency stop is wired.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <span>

#include "drivers/bench_lock.hpp"
#include "drivers/guard_word.hpp"
#include "drivers/safe_state.hpp"

namespace swiperig {

/// One instrument and who speaks to it.
struct GuardedInstrument {
  int device = -1;   ///< non-blocking: a serial port or a TCP connection
  int channel = -1;  ///< the guardian's end of the controller's pair
  SafeState* safe = nullptr;
  bool serial = false;
  sockaddr_storage where{};  ///< of TCP: dialled again when it has to be made safe and the connection is gone
  socklen_t where_bytes = 0;
};

struct GuardPost {
  int control = -1;     ///< pair with the controller
  int controller = -1;  ///< its pidfd
  int told = -1;        ///< signalfd of SIGTERM
  BenchLock* lock = nullptr;
  std::span<GuardedInstrument> instruments;  ///< at most two
};

struct GuardEnd {
  Taken why{};
  std::uint64_t number = 0;    ///< of the last turn, 0: there was none
  std::uint32_t unproved = 0;  ///< instruments that did not confirm their safe state
};

/// Until the controller is gone or was taken the bench away, and everything is safe. All descriptors are non-blocking.
GuardEnd stand_guard(GuardPost& post) noexcept;

}  // namespace swiperig
