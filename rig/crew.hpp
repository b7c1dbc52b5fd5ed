// Coroutines that must have ended before their starter returns. Nothing in swiperig is detached: what a function
// starts it joins. A failure of one is kept and rethrown by join; the others are asked to end by whoever owns what they
// wait for (closing a link, ringing a bell).
#pragma once

#include <exception>

#include "rig/clock.hpp"

namespace swiperig {

class Crew {
 public:
  explicit Crew(Clock& clock) : clock_(clock) {}
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew();
  void start(Task<> work);
  /// Waits until all have ended; rethrows the first failure.
  Task<> join();
  bool idle() const { return running_ == 0; }

 private:
  Clock& clock_;
  Bell ended_;
  int running_ = 0;
  std::exception_ptr failure_;
};

}  // namespace swiperig
