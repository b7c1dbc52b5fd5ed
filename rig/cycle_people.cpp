// What the people at the till do by themselves: before a case, when the card could not be read, and after it, until the
// next customer comes.
#include "rig/cycle.hpp"
#include "rig/cycle_steps.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

constexpr Duration answer_limit = 2s, reach_for_card = 2s;

}  // namespace

Task<> Watch::prepare(Case c) {
  if (!c.habits.updates_software) co_return;
  post(Source::rig, Intent{"preparation", 0, "software update"});
  press("update", 0);
  co_await milestone("served", 60s);
  co_await acting_.join();
  std::erase_if(waiting_, [](const Waiting& w) { return w.number < 0; });
  if (!idle_) co_await milestone("idle", 10s);
  throw_if_broken();
}

/// The swipes that follow a card that could not be read; how many of them a reader may fail to read before the last.
int Watch::swipe_again(const Case& c) {
  const auto at_read_error = [&](int nth, const std::string& card) {
    waiting_.push_back({Step{"read_error", nth, reach_for_card, Swipe{card}}, -1});
  };
  const bool cleans = !c.habits.cleaning_card.empty();
  if (c.card.empty() || (!cleans && !c.habits.follows_guidance)) return 0;
  if (cleans) at_read_error(1, c.habits.cleaning_card);
  at_read_error(cleans ? 2 : 1, c.card);
  return cleans ? 2 : 1;
}

/// Never the sale again: what became of it is asked for.
Task<> Watch::find_out(Habits habits) {
  if (powered_ && !idle_) co_await milestone("idle", 10s);
  if (habits.asks_last_result && bench_.last_result != nullptr) {
    co_await bench_.last_result->ask_last_result();
    co_await milestone("last_result", answer_limit);
  }
  if (habits.queries_status && idle_ && told_ && !keys_of(bench_.terminal, "status_query").empty()) {
    press("status_query", 0);
    co_await milestone("told", bench_.terminal.answer_timeout * 2);
    co_await acting_.join();
    if (!idle_) co_await milestone("idle", 10s);
  }
  if (!habits.looks_up || bench_.service == nullptr) co_return;
  if (reference_.empty() && idle_) {
    press("reprint", 0);
    co_await milestone("reference", 10s);
    co_await acting_.join();
    if (!idle_) co_await milestone("idle", 10s);
  }
  if (reference_.empty()) co_return;
  co_await bench_.service->look_up(reference_);
  co_await drain();
}

/// Life goes on: a terminal without power is switched on again, what is not known is asked for, and then nobody comes
/// for a while. The disturbances go on as well.
Task<> Watch::afterwards(Case c) {
  if (c.quiet.count() == 0) co_return;
  post(Source::rig, Intent{"afterwards", 0, ""});
  const Time next_customer = over_ + c.quiet;
  if (!powered_) co_await restart_terminal();
  if (!known_) co_await find_out(c.habits);
  throw_if_broken();
  std::erase_if(waiting_, [](const Waiting& w) { return w.number < 0 && w.due == never; });
  Test nothing = [](const Event&) { return false; };
  co_await until(std::move(nothing), next_customer);
  if (!c.habits.service_card.empty() && powered_) {
    StepAction clean = Swipe{c.habits.service_card};
    co_await perform(std::move(clean));
  }
  co_await acting_.join();
  throw_if_broken();
}

}  // namespace swiperig
