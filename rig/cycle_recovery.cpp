// What follows every case: the terminal restarted, one sale that makes its doubts visible, the books, the settlement.
#include <algorithm>

#include "rig/cycle.hpp"
#include "rig/cycle_steps.hpp"
#include "rig/transaction_kinds.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t recovery_amount_minor = 100;
constexpr Duration answer_limit = 2s;
constexpr Duration card_limit = 3s;

}  // namespace

Task<> Watch::restart_terminal() {
  StepAction off = Supply{false};
  StepAction on = Supply{true};
  if (powered_) co_await perform(std::move(off));
  co_await drain();  // a start that was under way is not the one that is wanted
  co_await perform(std::move(on));
  idle_ = false;
  const bool booted = co_await milestone("booted", bench_.terminal.boot_limit);
  throw_if_broken();
  if (!booted) co_return;
  if (!idle_) co_await milestone("idle", bench_.terminal.boot_limit);
  throw_if_broken();
}

/// A book as it is now; one that the terminal does not tell stays unread.
Task<> Watch::read(Source source, const char* name, Book* book) {
  if (book == nullptr) co_return;
  std::string silence;
  try {
    std::vector<Entry> rows = co_await book->entries();
    post(source, BookRead{name, std::move(rows)});
  } catch (const NoAnswer& e) {
    silence = e.what();
  }
  if (!silence.empty()) post(source, Text{"rig", silence});
}

/// One transaction with the good card, until its own result is told (true), power is lost or it takes too long. What an
/// older sale still has to tell is not its result.
Task<bool> Watch::sell(const TransactionKind* kind, std::int64_t amount_minor) {
  const std::set<std::string> older = asked_;
  if (kind->asks_card) waiting_.push_back({Step{"card_wanted", 1, 0ns, Swipe{bench_.good_card}}, -1});
  press(kind->name, amount_minor);
  bool told = false;
  const Test over = [&](const Event& e) {
    const auto* reading = std::get_if<Reading>(&e.body);
    if (reading != nullptr && bench_.scope.without_power(reading->rail_mv)) return true;
    const auto* m = std::get_if<Milestone>(&e.body);
    told = m != nullptr && m->name == "told" && !older.contains(key_of(*m));
    return told;
  };
  const Time limit = bench_.clock.now() + patience_of(bench_.terminal);
  co_await until(over, limit);
  co_await acting_.join();
  std::erase_if(waiting_, [](const Waiting& w) { return w.number < 0; });
  co_await drain();
  throw_if_broken();
  co_return told;
}

/// For steps whose moment comes only after the case: a restart, a sale and a settlement into which they act.
Task<> Watch::second_sale(Case c) {
  post(Source::rig, Intent{"second sale", recovery_amount_minor, ""});
  co_await clear();
  for (const Waiting& w : waiting_) arm(w);
  co_await restart_terminal();
  if (idle_) co_await sell(&the_sale, recovery_amount_minor);
  const auto of_settlement = [](const Waiting& w) { return !w.step.when.starts_with("reversal_"); };
  const bool settles = std::any_of(waiting_.begin(), waiting_.end(), of_settlement);
  if (!idle_ && powered_) co_await milestone("idle", 10s);
  if (settles && idle_ && c.settle) {
    co_await read(Source::terminal, "journal", bench_.journal);
    co_await read(Source::host, "ledger", bench_.ledger);
    post(Source::rig, Intent{"disturbed settlement", 0, ""});
    press("settlement", 0);
    co_await milestone("settled", bench_.terminal.answer_timeout * 2 + 30s);
    co_await acting_.join();
    std::erase_if(waiting_, [](const Waiting& w) { return w.number < 0; });
    co_await drain();
    if (!settled_ && !idle_ && powered_) co_await milestone("idle", 10s);
    // a batch that is not closed must still be there
    if (!settled_ && idle_) co_await read(Source::terminal, "journal", bench_.journal);
  }
  throw_if_broken();
  for (const Waiting& w : waiting_) {
    if (w.number >= 0) post(Source::rig, Fired{w.number, false, "its moment never came (" + describe(w.step) + ")"});
  }
  waiting_.clear();
}

/// The terminal has gone quiet: what the supply does by itself is its own fault, and a rail that is up and gives
/// nothing is not the terminal's.
Task<> Watch::look_at_rail() {
  const bool quiet = std::any_of(events_.begin(), events_.end(),
                                 [](const Event& e) { return std::holds_alternative<Silence>(e.body); });
  if (!powered_ || (idle_ && !quiet) || bench_.power == nullptr) co_return;
  Reading reading = co_await bench_.power->read();
  const bool dark = bench_.scope.without_power(reading.rail_mv);
  if (!dark && (reading.draw_ma != 0 || !bench_.scope.sources.contains("current"))) co_return;
  post(Source::power, reading);
  const std::string rail = "the rail is at " + std::to_string(reading.rail_mv) + " mV";
  if (dark) throw EquipmentError("supply: it was switched on, and " + rail);
  throw EquipmentError("supply: it says that " + rail + ", and that nothing is drawn from it");
}

/// The last that is known of the terminal is that it asked for the PIN.
bool Watch::waits_for_pin() const {
  const auto last = std::find_if(events_.rbegin(), events_.rend(), [](const Event& e) {
    return e.source == Source::terminal && std::holds_alternative<Milestone>(e.body);
  });
  return powered_ && last != events_.rend() && is_milestone(*last, "pin_wanted");
}

/// A terminal that is awake and has not asked for the card may wait for it all the same, where nobody can see it ask: a
/// swipe tells a dark display from keys that did nothing.
Task<> Watch::swipe_unasked(Case c) {
  co_await drain();
  const bool asked =
      std::any_of(events_.begin(), events_.end(), [](const Event& e) { return is_milestone(e, "card_wanted"); });
  const bool awake = !events_.empty() && std::holds_alternative<BookRead>(events_.back().body);
  const TransactionKind* kind = kind_named(c.kind);
  if (kind == nullptr || !kind->asks_card || asked || !awake) co_return;
  StepAction swipe = Swipe{c.card.empty() ? bench_.good_card : c.card};
  co_await perform(std::move(swipe));
  const bool taken = co_await milestone("card_read", card_limit);
  if (taken) co_await milestone("told", patience_of(bench_.terminal));
  throw_if_broken();
}

Task<> Watch::recover(Case c) {
  co_await look_at_rail();
  // what the terminal holds before it is restarted tells a reversal lost in the restart from one never made
  if ((idle_ || waits_for_pin()) && !approved_) {
    co_await read(Source::terminal, "journal", bench_.journal);
    if (idle_) co_await swipe_unasked(c);
  }
  if (!waiting_.empty()) co_await second_sale(c);
  post(Source::rig, Intent{"recovery sale", recovery_amount_minor, ""});
  co_await clear();
  co_await restart_terminal();
  if (idle_ && !told_ && !asked_.empty() && bench_.last_result != nullptr) {
    // never the sale again: what became of it is asked for
    co_await bench_.last_result->ask_last_result();
    co_await milestone("last_result", answer_limit);
  }
  bool recovered = false;
  if (idle_) recovered = co_await sell(&the_sale, recovery_amount_minor);
  recovered = recovered && approved_;
  if (idle_ || told_) {
    if (!idle_) co_await milestone("idle", 10s);
    // a refusal may be what mends it: the host asks for a new sign-in, and the next sale is approved
    if (idle_ && !approved_) {
      post(Source::rig, Intent{"recovery sale", recovery_amount_minor, "once more"});
      recovered = co_await sell(&the_sale, recovery_amount_minor);
      recovered = recovered && approved_;
    }
  }
  // a terminal that cannot be sold with is accused only by an actuator that hits what it aims at
  if (!recovered && bench_.actuator != nullptr) {
    Motion prove = ProvePlace{};
    placed_ = false;
    co_await bench_.actuator->perform(std::move(prove));
    placed_ = true;
  }
  co_await read(Source::terminal, "journal", bench_.journal);
  co_await read(Source::host, "ledger", bench_.ledger);
  co_await read(Source::host, "issuer", bench_.issuer);
  if (c.settle) {
    if (!idle_) co_await milestone("idle", 10s);
    throw_if_broken();
    post(Source::rig, Intent{"settlement", 0, ""});
    StepAction settle = Press{bench_.terminal.settle_keys};
    co_await perform(std::move(settle));
    co_await milestone("settled", patience_of(bench_.terminal));
    throw_if_broken();
    if (!idle_) co_await milestone("idle", 10s);
  }
  co_await drain();
  throw_if_broken();
}

}  // namespace swiperig
