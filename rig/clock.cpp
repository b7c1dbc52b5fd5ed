#include "rig/clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <cassert>
#include <exception>
#include <memory>
#include <stdexcept>

namespace swiperig {

namespace asio = boost::asio;

Bell::~Bell() {
  if (clock_ != nullptr) clock_->forget(*this);
}

void Bell::ring() {
  rung_ = true;
  if (resume_) clock_->wake(*this);
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

void Clock::lay_down(Bell& bell, Time until) {
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
  auto resume = std::move(*bell.resume_);
  bell.resume_.reset();
  asio::post(context_, std::move(resume));
}

Task<bool> Clock::wait(Bell& bell, Time until) {
  assert(!bell.resume_ && "one waiter at a bell");
  if (!bell.rung_ && until > now()) {
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [this, &bell, until](auto handler) {
          bell.resume_.emplace(std::move(handler));
          lay_down(bell, until);
        },
        asio::use_awaitable);
  }
  const bool rung = bell.rung_;
  bell.rung_ = false;
  co_return rung;
}

Task<> Clock::sleep_until(Time until) {
  Bell nobody_rings;
  co_await wait(nobody_rings, until);
}

void Clock::run(Task<> main) {
  struct End {
    bool reached = false;
    std::exception_ptr failure;
  };
  // shared: a main that was given up below may still end under a later run
  const auto end = std::make_shared<End>();
  asio::co_spawn(context_, std::move(main), [end](std::exception_ptr e) {
    end->failure = e;
    end->reached = true;
  });
  const auto wake_due = [this] {
    while (!sleepers_.empty() && sleepers_.front()->due_ <= now()) wake(*sleepers_.front());
  };
  while (!end->reached) {
    context_.restart();
    // one at a time: in real time something may be ready always, and sleepers come due meanwhile
    while (!end->reached && context_.poll_one() > 0) wake_due();
    if (end->reached) break;
    const Time next = sleepers_.empty() ? never : sleepers_.front()->due_;
    if (!pass(next)) throw std::logic_error("every coroutine waits for another: nothing can ring");
    wake_due();
  }
  context_.restart();
  while (context_.poll() > 0) {
  }
  if (end->failure) std::rethrow_exception(end->failure);
}

SteadyClock::SteadyClock() : start_(std::chrono::steady_clock::now()), timer_(context()) {}

Time SteadyClock::now() const { return Time(std::chrono::steady_clock::now() - start_); }

bool SteadyClock::pass(Time until) {
  if (until != armed_) {
    armed_ = until;
    if (until == never) {
      timer_.cancel();
    } else {
      timer_.expires_at(start_ + until.time_since_epoch());
      timer_.async_wait([](const boost::system::error_code&) {});
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
