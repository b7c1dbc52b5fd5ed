// The only source of time. Bench time is nanoseconds since the bench was put together; nothing in swiperig names a
// system clock but SteadyClock. A clock keeps one heap of sleepers and one loop: it runs what is ready, and only when
// nothing is ready it lets time pass until the earliest sleeper is due. How time passes is all that a derived clock
// says: the steady clock waits for it, the virtual clock (fixtures) jumps to it. Sleepers due together wake in the
// order they lay down, so virtual and real time run the same code in the same order. Not thread-safe: one clock, one
// io_context, one thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "rig/time.hpp"

namespace swiperig {

template <class T = void>
using Task = boost::asio::awaitable<T>;

class Clock;

/// What a coroutine sleeps at until somebody rings or the time comes. Rings are remembered: ringing a bell at which
/// nobody waits makes the next wait return at once. One waiter at a time.
class Bell {
 public:
  Bell() = default;
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;
  ~Bell();
  void ring();

 private:
  friend class Clock;
  using Resume = boost::asio::async_result<boost::asio::use_awaitable_t<>, void()>::handler_type;
  std::optional<Resume> resume_;
  Clock* clock_ = nullptr;
  std::size_t place_ = 0;  // in the clock's heap, from 1; 0: not there
  Time due_ = never;
  std::uint64_t turn_ = 0;
  bool rung_ = false;
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;

  /// Sleeps until `bell` rings (true) or `until` comes (false). A ring and a due time at the same instant: whichever
  /// came first in the loop's order.
  Task<bool> wait(Bell& bell, Time until);
  Task<> sleep_until(Time until);
  Task<> sleep_for(Duration d) { return sleep_until(now() + d); }

  /// Runs the loop until `main` has ended; rethrows what it threw. `main` must have awaited all it started.
  void run(Task<> main);

  boost::asio::io_context& context() { return context_; }
  /// Times a sleeper was woken: the clock's own measure of work.
  std::uint64_t wakeups() const { return wakeups_; }

 protected:
  Clock() : context_(1) {}
  /// Lets time pass until `until` (never: no sleeper) or until something is ready; runs what became ready.
  /// Returns false when nothing can ever become ready.
  virtual bool pass(Time until) = 0;

 private:
  friend class Bell;
  bool before(const Bell* a, const Bell* b) const;
  void put(std::size_t place, Bell* bell);
  void sift_up(std::size_t place);
  void sift_down(std::size_t place);
  void lay_down(Bell& bell, Time until);
  void forget(Bell& bell);
  void wake(Bell& bell);

  std::vector<Bell*> sleepers_;  // 4-ary heap by (due, turn)
  std::uint64_t turns_ = 0;
  std::uint64_t wakeups_ = 0;
  boost::asio::io_context context_;  // last: it may own coroutines that still sleep here
};

/// Time of the machine's monotonic clock, from zero at construction.
class SteadyClock final : public Clock {
 public:
  SteadyClock();
  Time now() const override;

 protected:
  bool pass(Time until) override;

 private:
  std::chrono::steady_clock::time_point start_;
  boost::asio::steady_timer timer_;
  Time armed_ = never;
};

/// Wall-clock seconds since 1970 for the anchors of a trace; never part of a head or a verdict.
std::int64_t wall_clock_s();

/// Elapsed machine time in seconds, for progress lines and rates only.
double machine_seconds();

}  // namespace swiperig
