// A case as it runs: everything armed, the card asked for and swiped, and then patience.
#include <algorithm>

#include "rig/cycle.hpp"
#include "rig/cycle_steps.hpp"
#include "rig/transaction_kinds.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

constexpr Duration reach_for_keys = 1s;

}  // namespace

/// The keys of a kind or a service, at once.
void Watch::press(std::string_view name, std::int64_t amount_minor) {
  const std::string keys = keys_for(keys_of(bench_.terminal, name), amount_minor, told_stan_);
  waiting_.push_back({Step{"start", 1, 0ns, Press{keys}}, -1});
  waiting_.back().due = bench_.clock.now();
}

/// Tells the network of a step that it decides, or for which it holds the message.
void Watch::arm(const Waiting& w) {
  const int nth = w.step.nth - w.seen;
  if (decided_in_path(w.step)) {
    bench_.network->arm(
        {w.number, w.step.when, nth, std::get<NetworkFault>(w.step.action), false, bench_.hold_max, w.step.after});
  } else if (held_in_path(w.step)) {
    const Duration most = bench_.hold_max.count() != 0 ? bench_.hold_max : bench_.terminal.answer_timeout / 2;
    bench_.network->arm({w.number, w.step.when, nth, {}, true, most});
  }
}

/// A terminal that reverses by itself gets the time for it; what it does then belongs to the case.
Task<> Watch::let_it_clear_up() {
  const TerminalProfile& terminal = bench_.terminal;
  if (terminal.reversal_habit == ReversalHabit::before_next_sale) co_return;
  bool over = false;
  const Test news = [&](const Event& e) {
    const auto* reading = std::get_if<Reading>(&e.body);
    if (reading != nullptr && bench_.scope.without_power(reading->rail_mv)) over = true;
    if (is_milestone(e, "reversal_response_left")) over = true;
    return over || is_milestone(e, "idle");
  };
  Time limit = bench_.clock.now() + patience_of(terminal);
  if (!idle_) co_await until(news, limit);
  if (over || terminal.reversal_habit == ReversalHabit::at_once) co_return;
  limit = bench_.clock.now() + terminal.forward_after + terminal.answer_timeout + 1s;
  co_await until(news, limit);
}

/// What the case is about, and what that is about, the oldest first, undisturbed: each is an intent of its own. False:
/// one of them was not approved.
Task<bool> Watch::make_originals(Case c) {
  std::vector<const TransactionKind*> chain;
  const TransactionKind* kind = kind_named(c.kind);
  while (kind != nullptr && !kind->original.empty()) {
    kind = kind_named(kind->original);
    chain.insert(chain.begin(), kind);
  }
  const std::int64_t amount = c.original_minor != 0 ? c.original_minor : c.amount_minor;
  for (const TransactionKind* one : chain) {
    post(Source::rig, Intent{"original", amount, std::string(one->name)});
    const bool told = co_await sell(one, amount);
    if (!told || !approved_) co_return false;
    if (!idle_) co_await milestone("idle", 10s);
    throw_if_broken();
  }
  told_ = known_ = false;
  reference_.clear();
  if (!chain.empty()) co_await clear();  // messages are counted from here
  co_return true;
}

Task<> Watch::run_case(Case c) {
  const Duration patience = c.patience.count() != 0 ? c.patience : bench_.terminal.no_return_limit;
  linger_ = Time{};
  host_lasts_ = Duration{};
  for (std::size_t i = 0; i < c.steps.size(); ++i) {
    const Step& step = c.steps[i];
    const int number = static_cast<int>(i);
    post(Source::rig, Armed{number, describe(step)});
    const auto* behaviour = std::get_if<HostBehaviour>(&step.action);
    if (behaviour != nullptr && behaviour->lasts.count() != 0) host_lasts_ = behaviour->lasts + Duration(1s);
    waiting_.push_back({step, number});
    arm(waiting_.back());
    if (step.when == "start") {
      waiting_.back().due = bench_.clock.now() + step.after;
      const bool part = std::holds_alternative<PartState>(step.action);
      if ((behaviour != nullptr || part) && step.after.count() == 0) {
        // the host plays its part, and the terminal's parts are as they shall be, before the card moves
        const Waiting ready = waiting_.back();
        waiting_.pop_back();
        ++acting_count_;
        Step step_now = ready.step;
        co_await act(std::move(step_now), ready.number);
      }
    }
  }
  if (c.current_log.count() != 0) {
    logging_ = true;
    acting_.start(log_current(c.current_log));
  }
  post(Source::rig, Intent{c.kind, c.amount_minor, c.name});
  press(c.kind, c.keyed_minor != 0 ? c.keyed_minor : c.amount_minor);

  const Time began = bench_.clock.now();
  Time deadline = began + patience;
  bool told = false, doubtful = false;
  int swipes_left = swipe_again(c);
  for (std::size_t i = 0; i < c.pins.size(); ++i) {
    const Press typed{"PIN:" + c.pins[i] + " OK"};
    waiting_.push_back({Step{"pin_wanted", static_cast<int>(i) + 1, reach_for_keys, typed}, -1});
  }
  // true whenever the end of the case has come nearer or moved
  const Test news = [&](const Event& e) {
    if (is_milestone(e, "card_read") || is_milestone(e, "pin_wanted")) {
      deadline = e.at + patience;
      return true;
    }
    if (is_milestone(e, "read_error") && swipes_left-- > 0) {
      deadline = e.at + patience;
      return true;
    }
    if (is_milestone(e, "told") || is_milestone(e, "served") || is_milestone(e, "read_error")) {
      told = true;
      doubtful = is_milestone(e, "told") && field(std::get<Milestone>(e.body).fields, "outcome") == "UNKNOWN";
      return true;
    }
    // without power nothing can come back any more; after a brown-out a terminal that starts anew says that it did
    const auto* reading = std::get_if<Reading>(&e.body);
    const bool dark = reading != nullptr && bench_.scope.without_power(reading->rail_mv);
    if (browned_out_ ? !is_milestone(e, "booted") : !dark) return false;
    deadline = std::min(deadline, e.at + Duration(1s));
    return true;
  };
  while (!told && !broken_ && bench_.clock.now() < deadline) {
    const Time limit = deadline;
    co_await until(news, limit);
    if (bench_.abort != nullptr && bench_.abort->load()) break;
  }
  over_ = bench_.clock.now();
  if (!told && !broken_) post(Source::rig, Silence{bench_.clock.now() - began});
  if (doubtful && powered_ && !broken_) co_await let_it_clear_up();
  // a step whose moment has come acts, however long after it
  const auto acting = [this] {
    return acting_count_ > 0 ||
           std::any_of(waiting_.begin(), waiting_.end(), [](const Waiting& w) { return w.due != never; });
  };
  // whatever still acts is awaited without a limit, what is under way until then
  Test nothing_else = [](const Event&) { return false; };
  Deadline settled_down = [this, acting] { return acting() ? never : linger_; };
  co_await until(std::move(nothing_else), std::move(settled_down));
  end_log();
  co_await acting_.join();
  std::erase_if(waiting_, [this](const Waiting& w) {
    if (comes_after_the_case(w.step)) return false;
    if (w.number >= 0) post(Source::rig, Fired{w.number, false, "its moment never came (" + describe(w.step) + ")"});
    return true;
  });
  host_lasts_ = Duration{};
  co_await drain();
}

}  // namespace swiperig
