// The controller's side of its guardian: a turn at the instruments, and links to them that drivers use like any other.
// The turn lives by the beats of serve(), which runs in the bench's crew: a clock loop that stands still is what a hung
// controller is, so no thread beats for it, but for the few seconds in which it waits for a disk with the bench at
// rest. Once the turn is lost, whatever waits at a link ends with LinkError that says why, and nothing that is written
// arrives.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "drivers/guard_word.hpp"
#include "rig/clock.hpp"
#include "rig/link.hpp"

namespace swiperig {

/// The controller's ends of the pairs; power is -1 where no guarded supply is.
struct GuardEnds {
  int control = -1, actuator = -1, power = -1;
};

/// The pairs' state, shared with the links.
struct GuardTurn;

constexpr int kLongestWrite_s = 5;  ///< of a disk that is asked to make something durable

class BeatsMeanwhile {
 public:
  explicit BeatsMeanwhile(std::shared_ptr<const GuardTurn>);
  ~BeatsMeanwhile();
  BeatsMeanwhile(const BeatsMeanwhile&) = delete;
  BeatsMeanwhile& operator=(const BeatsMeanwhile&) = delete;

 private:
  struct Thread;
  std::unique_ptr<Thread> thread_;
};

class Guard {
 public:
  /// Does not own `ends`; one Guard at a time uses them.
  Guard(Clock& clock, GuardEnds ends);
  ~Guard();
  /// Waits until the guardian has opened the instruments, then takes a turn. Throws LinkError with what the guardian
  /// refused, LinkError{closed} when `give_up` says so.
  Task<> take(const std::atomic<bool>& give_up);
  /// Beats until close() or the turn is lost.
  Task<> serve();
  /// Of a turn that was taken. Closing a link leaves the instrument as it is.
  std::unique_ptr<Link> actuator();
  std::unique_ptr<Link> power();
  /// Ends the turn; how many instruments did not confirm that they are safe. Throws LinkError when the guardian does
  /// not say that they are.
  Task<int> rest();
  void close();
  std::uint64_t number() const;
  /// Beats from a thread of its own while what it returns lives, for kLongestWrite at most.
  std::unique_ptr<BeatsMeanwhile> beat_meanwhile() const;

 private:
  Clock& clock_;
  GuardEnds ends_;
  std::shared_ptr<GuardTurn> turn_;
  Bell closing_;
  bool closed_ = false;
};

/// "no beat for 100 ms"
const char* words_of(Taken) noexcept;

}  // namespace swiperig
