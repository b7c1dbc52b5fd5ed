#include "rig/clock.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cassert>
#include <stdexcept>

namespace swiperig {

namespace asio = boost::asio;

Bell::~Bell() {
  if (clock_ != nullptr) clock_->forget(*this);
}

void Bell::ring() {
  rung_ = true;
  if (waiting_) clock_->wake(*this);
}

bool Clock::before(const Bell* a, const Bell* b) const {
  return a->due_ != b->due_ ? a->due_ < b->due_ : a->turn_ < b->turn_;
}

void Clock::put(std::size_t place, Bell* bell) {
  sleepers_[place] = bell;
  bell->place_ = place + 1;
}

void Clock::sift_up(std::size_t place) {
  Bell* bell = sleepers_[place];
  while (place > 0) {
    const std::size_t parent = (place - 1) / 4;
    if (!before(bell, sleepers_[parent])) break;
    put(place, sleepers_[parent]);
    place = parent;
  }
  put(place, bell);
}

void Clock::sift_down(std::size_t place) {
  Bell* bell = sleepers_[place];
  for (;;) {
    std::size_t least = place;
    const Bell* best = bell;
    for (std::size_t child = place * 4 + 1, end = std::min(child + 4, sleepers_.size()); child < end; ++child) {
      if (before(sleepers_[child], best)) {
        least = child;
        best = sleepers_[child];
      }
    }
    if (least == place) break;
    put(place, sleepers_[least]);
    place = least;
  }
  put(place, bell);
}

void Clock::lay_down(Bell& bell, Time until, std::coroutine_handle<> who) {
  assert(!bell.waiting_ && "one waiter at a bell");
  bell.waiting_ = who;
  bell.clock_ = this;
  bell.due_ = until;
  bell.turn_ = ++turns_;
  if (until == never) return;
  sleepers_.push_back(&bell);
  sift_up(sleepers_.size() - 1);
}

void Clock::forget(Bell& bell) {
  if (bell.place_ == 0) return;
  const std::size_t place = bell.place_ - 1;
  bell.place_ = 0;
  Bell* last = sleepers_.back();
  sleepers_.pop_back();
  if (last == &bell) return;
  sleepers_[place] = last;
  if (place > 0 && before(last, sleepers_[(place - 1) / 4])) {
    sift_up(place);
  } else {
    sift_down(place);
  }
}

void Clock::wake(Bell& bell) {
  forget(bell);
  ++wakeups_;
  ready_.push_back(std::exchange(bell.waiting_, {}));
}

void Clock::wake_due() {
  if (sleepers_.empty()) return;
  for (const Time at = now(); !sleepers_.empty() && sleepers_.front()->due_ <= at;) wake(*sleepers_.front());
}

/// A task that nobody awaits but the clock: its frame ends itself.
struct Clock::Root {
  struct promise_type {
    Clock& clock;
    std::size_t place = 0;
    promise_type(Clock& c, Task<>&, OnEnd&) : clock(c) {}
    ~promise_type() {
      clock.roots_[place] = clock.roots_.back();
      Handle::from_address(clock.roots_[place].address()).promise().place = place;
      clock.roots_.pop_back();
    }
    Root get_return_object() {
      const auto self = Handle::from_promise(*this);
      place = clock.roots_.size();
      clock.roots_.push_back(self);
      return {self};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const { std::terminate(); }  // on_end must not throw
    static void* operator new(std::size_t bytes) { return detail::take_frame(bytes); }
    static void operator delete(void* frame, std::size_t bytes) noexcept { detail::give_frame(frame, bytes); }
  };
  using Handle = std::coroutine_handle<promise_type>;
  Handle handle;
};

Clock::Root Clock::root(Task<> work, OnEnd on_end) {
  std::exception_ptr failure;
  try {
    co_await std::move(work);
  } catch (...) {
    failure = std::current_exception();
  }
  on_end(failure);
}

void Clock::start(Task<> work, OnEnd on_end) { root(std::move(work), std::move(on_end)).handle.resume(); }

Clock::Clock(bool runs_on) : runs_on_(runs_on) {}

Clock::~Clock() {
  // what was given up: nothing of it runs again
  ready_.clear();
  while (!roots_.empty()) roots_.back().destroy();
}

asio::io_context& Clock::context() {
  if (!context_) context_ = std::make_unique<asio::io_context>(1);
  return *context_;
}

/// One round: what is ready now, not what becomes ready by it. False: nothing was.
bool Clock::run_ready() {
  if (ready_.empty()) return false;
  assert(running_.empty() && "a clock's loop runs once");
  running_.swap(ready_);
  for (const std::coroutine_handle<> who : running_) {
    who.resume();
    if (runs_on_) wake_due();
  }
  running_.clear();
  return true;
}

void Clock::run(Task<> main) {
  struct End {
    bool reached = false;
    std::exception_ptr failure;
  };
  // shared: a main that was given up below may still end under a later run
  const auto end = std::make_shared<End>();
  start(std::move(main), [end](std::exception_ptr e) {
    end->failure = e;
    end->reached = true;
  });
  const auto poll = [this] {
    if (!context_) return false;
    context_->restart();
    return context_->poll() > 0;
  };
  while (!end->reached) {
    // in real time something may be ready always, and descriptors and sleepers want their turn
    if (run_ready()) {
      poll();
      if (runs_on_) wake_due();
      continue;
    }
    const Time next = sleepers_.empty() ? never : sleepers_.front()->due_;
    if (!pass(next)) throw std::logic_error("every coroutine waits for another: nothing can ring");
    wake_due();
  }
  while (run_ready() || poll()) {
  }
  if (end->failure) std::rethrow_exception(end->failure);
}

struct SteadyClock::Timer {
  explicit Timer(asio::io_context& context) : timer(context) {}
  asio::steady_timer timer;
};

SteadyClock::SteadyClock()
    : Clock(true), start_(std::chrono::steady_clock::now()), timer_(std::make_unique<Timer>(context())) {}

SteadyClock::~SteadyClock() = default;

Time SteadyClock::now() const { return Time(std::chrono::steady_clock::now() - start_); }

bool SteadyClock::pass(Time until) {
  if (until != armed_) {
    armed_ = until;
    if (until == never) {
      timer_->timer.cancel();
    } else {
      timer_->timer.expires_at(start_ + until.time_since_epoch());
      timer_->timer.async_wait([](const boost::system::error_code&) {});
    }
  }
  if (until <= now()) return true;
  context().restart();
  context().run_one();
  if (armed_ <= now()) armed_ = never;
  return true;
}

std::int64_t wall_clock_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

double machine_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace swiperig
