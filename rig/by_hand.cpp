// A cycle that is done by hand.
#include <algorithm>

#include "rig/cycle.hpp"
#include "rig/cycle_steps.hpp"
#include "rig/drawn.hpp"
#include "rig/hands.hpp"

namespace swiperig {

namespace {

constexpr Time at_once{};  // has come

}  // namespace

Case case_by_hand() {
  Case c;
  c.name = "by hand";
  c.kind = kind_by_hand;
  c.cause = unclaimed_cause;
  c.settle = false;
  return c;
}

Task<> Watch::do_by_hand(Hands& hands) {
  const Test nothing_else = [](const Event&) { return false; };
  std::size_t told = 0, acted = 0;
  for (;;) {
    Deadline called = [&] {
      if (hands.asked()) return at_once;
      return hands.every() == Duration::max() ? never : bench_.clock.now() + hands.every();
    };
    co_await until(nothing_else, std::move(called));
    throw_if_broken();
    std::optional<ByHand> what = hands.take();
    if (!what) break;
    if (const auto* pause = std::get_if<Pause>(&*what)) {
      // what came of the last that was done may have been seen while that ended
      const std::string name = pause->milestone;
      Test seen = [name](const Event& e) { return is_milestone(e, name); };
      const auto last = events_.begin() + static_cast<std::ptrdiff_t>(acted);
      const Time limit = bench_.clock.now() + pause->most;
      if (!std::any_of(last, events_.end(), seen)) co_await until(std::move(seen), limit);
    } else {
      acted = events_.size();
      co_await do_one(std::move(*what));
    }
    co_await drain();
    throw_if_broken();
    hands.done(std::span(events_).subspan(told));
    told = events_.size();
  }
  waiting_.clear();
  co_await rest();
  co_await drain();
  if (!idle_) co_await milestone("idle", bench_.terminal.boot_limit);
  throw_if_broken();
  // one that is not ready tells nothing of its books, and then nothing is said of them
  if (idle_) {
    co_await read(Source::terminal, "journal", bench_.journal);
    co_await read(Source::host, "ledger", bench_.ledger);
  }
  co_await drain();
  throw_if_broken();
}

Task<> Watch::do_one(ByHand what) {
  if (std::holds_alternative<LookAtRail>(what)) {
    Reading reading = co_await bench_.power->read();
    post(Source::power, reading);
  } else if (std::holds_alternative<Mend>(what)) {
    co_await clear();
  } else {
    Step step{"start", 1, Duration(), std::get<StepAction>(std::move(what))};
    ++acting_count_;
    acting_.start(act(std::move(step), -1));
    Test nothing_else = [](const Event&) { return false; };
    Deadline done = [this] { return acting_count_ > 0 ? never : at_once; };
    co_await until(std::move(nothing_else), std::move(done));
    co_await acting_.join();
  }
}

}  // namespace swiperig
