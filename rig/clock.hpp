// The only source of time. Bench time is nanoseconds since the bench was put together; nothing in swiperig names a
// system clock but SteadyClock. A clock keeps one queue of coroutines that are ready, one heap of those that sleep, and
// one loop: it runs what is ready, and only when nothing is ready it lets time pass until the earliest sleeper is due.
// How time passes is all that a derived clock says: the steady clock waits for it, the virtual clock (fixtures) jumps
// to it. Sleepers due together wake in the order they lay down, so virtual and real time run the same code in the same
// order. Drivers that wait for descriptors do so at the clock's io_context, made when first asked for. Not thread-safe:
// one clock, one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "rig/task.hpp"
#include "rig/time.hpp"

namespace boost::asio {
class io_context;
}

namespace swiperig {

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
  std::coroutine_handle<> waiting_;
  Clock* clock_ = nullptr;
  std::size_t place_ = 0;  // in the clock's heap, from 1; 0: not there
  Time due_ = never;
  std::uint64_t turn_ = 0;
  bool rung_ = false;
};

class Clock {
 public:
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock();
  virtual Time now() const = 0;

  class Wait {
   public:
    Wait(Clock& clock, Bell& bell, Time until) : clock_(clock), bell_(bell), until_(until) {}
    bool await_ready() const { return bell_.rung_ || until_ <= clock_.now(); }
    void await_suspend(std::coroutine_handle<> who) { clock_.lay_down(bell_, until_, who); }
    bool await_resume() { return std::exchange(bell_.rung_, false); }

   private:
    Clock& clock_;
    Bell& bell_;
    Time until_;
  };
  class Sleep {
   public:
    Sleep(Clock& clock, Time until) : clock_(clock), until_(until) {}
    bool await_ready() const { return until_ <= clock_.now(); }
    void await_suspend(std::coroutine_handle<> who) { clock_.lay_down(nobody_rings_, until_, who); }
    void await_resume() const {}

   private:
    Clock& clock_;
    Time until_;
    Bell nobody_rings_;
  };
  struct Yield {
    Clock& clock;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> who) { clock.ready_.push_back(who); }
    void await_resume() const {}
  };

  /// Sleeps until `bell` rings (true) or `until` comes (false). A ring and a due time at the same instant: whichever
  /// came first in the loop's order.
  Wait wait(Bell& bell, Time until) { return {*this, bell, until}; }
  Sleep sleep_until(Time until) { return {*this, until}; }
  Sleep sleep_for(Duration d) { return {*this, now() + d}; }
  /// Lets everything that is ready go first.
  Yield yield() { return {*this}; }

  /// Runs the loop until `main` has ended; rethrows what it threw. `main` must have awaited all it started.
  void run(Task<> main);

  /// For drivers: where operations of the system are waited for.
  boost::asio::io_context& context();
  /// Times a sleeper was woken: the clock's own measure of work.
  std::uint64_t wakeups() const { return wakeups_; }

 protected:
  /// `runs_on`: time passes while coroutines run, so sleepers may be due after any of them.
  explicit Clock(bool runs_on);
  /// Lets time pass until `until` (never: no sleeper) or until something is ready; runs what became ready.
  /// Returns false when nothing can ever become ready.
  virtual bool pass(Time until) = 0;

 private:
  friend class Bell;
  friend class Crew;
  struct Root;
  using OnEnd = std::function<void(std::exception_ptr)>;

  bool before(const Bell* a, const Bell* b) const;
  void put(std::size_t place, Bell* bell);
  void sift_up(std::size_t place);
  void sift_down(std::size_t place);
  void lay_down(Bell& bell, Time until, std::coroutine_handle<> who);
  void forget(Bell& bell);
  void wake(Bell& bell);
  void wake_due();
  bool run_ready();
  /// Starts `work` at once; tells `on_end` when it has ended.
  void start(Task<> work, OnEnd on_end);
  Root root(Task<> work, OnEnd on_end);

  std::vector<Bell*> sleepers_;  // 4-ary heap by (due, turn)
  std::vector<std::coroutine_handle<>> ready_, running_;
  std::uint64_t turns_ = 0;
  std::uint64_t wakeups_ = 0;
  std::vector<std::coroutine_handle<>> roots_;  // started and not ended
  std::unique_ptr<boost::asio::io_context> context_;
  const bool runs_on_;
};

/// Time of the machine's monotonic clock, from zero at construction.
class SteadyClock final : public Clock {
 public:
  SteadyClock();
  ~SteadyClock() override;
  Time now() const override;

 protected:
  bool pass(Time until) override;

 private:
  struct Timer;
  std::chrono::steady_clock::time_point start_;
  std::unique_ptr<Timer> timer_;
  Time armed_ = never;
};

/// Wall-clock seconds since 1970 for the anchors of a trace; never part of a head or a verdict.
std::int64_t wall_clock_s();

/// Elapsed machine time in seconds, for progress lines and rates only.
double machine_seconds();

}  // namespace swiperig
