#include "rig/cycle.hpp"

#include <algorithm>

namespace swiperig {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t recovery_amount_minor = 100;
constexpr std::size_t inbox_limit = 65536;
constexpr Duration answer_limit = 2s;

/// Key names for a line of keys: {amount} becomes the digits.
std::string keys_for(const std::string& keys, std::int64_t amount_minor) {
  std::string digits;
  for (const char c : std::to_string(amount_minor)) {
    if (!digits.empty()) digits += ' ';
    digits += c;
  }
  std::string out = keys;
  if (const auto at = out.find("{amount}"); at != std::string::npos) out.replace(at, 8, digits);
  return out;
}

bool is_milestone(const Event& e, std::string_view name) {
  const auto* m = std::get_if<Milestone>(&e.body);
  return m != nullptr && m->name == name;
}

bool held_in_path(const Step& s) {
  return s.after.count() == 0 && s.when.ends_with("_entered") && !std::holds_alternative<NetworkFault>(s.action) &&
         !std::holds_alternative<Swipe>(s.action) && !std::holds_alternative<Press>(s.action);
}

/// Its moment may come only after the case: the terminal clears up at its next sale, and settles at the end.
bool comes_after_the_case(const Step& s) {
  constexpr std::string_view later[] = {"reversal_", "settlement_", "upload_", "settled"};
  return std::any_of(std::begin(later), std::end(later), [&](auto with) { return s.when.starts_with(with); });
}

std::string key_of(const Milestone& m) {
  return std::string(field(m.fields, "batch")) + "/" + std::string(field(m.fields, "stan"));
}

bool decided_in_path(const Step& s) {
  return s.after.count() == 0 && s.when.ends_with("_entered") && std::holds_alternative<NetworkFault>(s.action);
}

}  // namespace

Watch::Watch(Bench& bench, Sink& sink) : bench_(bench), sink_(sink), pumps_(bench.clock), acting_(bench.clock) {}

void Watch::open() {
  for (const auto& [source, capture] : bench_.captures) pumps_.start(pump(source, capture));
}
Task<> Watch::close() { co_await pumps_.join(); }

void Watch::post(Source source, Body body, Time at, Duration uncertainty) {
  if (inbox_.size() == inbox_limit)
    body = EquipmentFault{"the rig's inbox is full: events came faster than they could be recorded"};
  if (inbox_.size() > inbox_limit) return;  // the fault above ends the cycle
  Event e;
  e.at = at;
  e.at_uncertainty = uncertainty;
  e.source = source;
  e.body = std::move(body);
  inbox_.push_back(std::move(e));
  arrived_.ring();
}

Task<> Watch::pump(Source source, Capture* capture) {
  for (;;) {
    try {
      Seen seen = co_await capture->next();
      post(source, std::move(seen.body), seen.at, seen.at_uncertainty);
      continue;
    } catch (const LinkError& e) {
      if (e.kind == LinkError::closed) co_return;
      blind_ = e.what();
    } catch (const EquipmentError& e) {
      blind_ = e.what();
    }
    post(source, EquipmentFault{blind_});
    co_return;
  }
}

Task<> Watch::act(Step step, int number) {
  std::string failure;
  try {
    co_await perform(step.action);
    // without power the message is lost with the terminal; a host or a part that has changed must get it
    if (held_in_path(step)) bench_.network->confirm(number, !std::holds_alternative<Supply>(step.action));
    if (number >= 0) post(Source::rig, Fired{number, true, describe(step.action)});
  } catch (const EquipmentError& e) {
    failure = e.what();
  } catch (const LinkError& e) {
    failure = e.what();
  }
  if (!failure.empty()) post(Source::rig, EquipmentFault{failure});
  --acting_count_;
  arrived_.ring();
}

void Watch::record(Event event) {
  event.seq = ++seq_;
  event.cycle = cycle_;
  if (const auto* m = std::get_if<Milestone>(&event.body)) {
    if (m->name == "idle") idle_ = true;
    if (m->name == "request_entered") asked_.insert(key_of(*m));
    if (m->name == "told") told_ = true;
    if (m->name == "told") approved_ = field(m->fields, "outcome") == "APPROVED";
    if (m->name == "settled") settled_ = field(m->fields, "outcome") != "FAILED";
  }
  if (const auto* text = std::get_if<Text>(&event.body); text != nullptr && text->place == "screen") idle_ = false;
  if (const auto* fault = std::get_if<EquipmentFault>(&event.body)) {
    if (!broken_) broken_what_ = fault->what;
    broken_ = true;
  }
  sink_.event(event);
  open_gates(event);
  events_.push_back(std::move(event));
}

void Watch::open_gates(const Event& event) {
  if (const auto* fired = std::get_if<Fired>(&event.body); fired != nullptr && fired->done) {
    for (const Waiting& w : waiting_) {
      if (w.number != fired->step || !decided_in_path(w.step)) continue;
      const auto& fault = std::get<NetworkFault>(w.step.action);
      if (fault.upon() == NetworkFault::message) linger_ = std::max(linger_, event.at + fault.lasts + 1s);
    }
    std::erase_if(waiting_, [&](const Waiting& w) { return w.number == fired->step && decided_in_path(w.step); });
  }
  const auto* m = std::get_if<Milestone>(&event.body);
  if (m == nullptr) return;
  if (m->name == "request_left") linger_ = std::max(linger_, event.at + host_lasts_);
  for (Waiting& w : waiting_) {
    if (w.due != never || w.step.when != m->name) continue;
    if (++w.seen == w.step.nth && !decided_in_path(w.step)) w.due = event.at + w.step.after;
  }
}

/// Takes events out of the inbox and lets due steps act until `test` holds for one (true) or the deadline passes.
Task<bool> Watch::until(Test test, Time deadline) {
  for (;;) {
    while (!inbox_.empty()) {
      Event event = std::move(inbox_.front());
      inbox_.pop_front();
      record(std::move(event));
      if (test(events_.back())) co_return true;
    }
    if (broken_) co_return false;
    if (bench_.abort != nullptr && bench_.abort->load()) co_return false;
    const Time now = bench_.clock.now();
    Time wake = deadline;
    for (std::size_t i = 0; i < waiting_.size();) {
      if (waiting_[i].due <= now) {
        Waiting ready = std::move(waiting_[i]);
        waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
        ++acting_count_;
        acting_.start(act(std::move(ready.step), ready.number));
        continue;
      }
      wake = std::min(wake, waiting_[i].due);
      ++i;
    }
    if (!inbox_.empty()) continue;
    if (now >= deadline) co_return false;
    co_await bench_.clock.wait(arrived_, wake);
  }
}

Task<bool> Watch::milestone(std::string name, Duration limit) {
  const Time deadline = bench_.clock.now() + limit;
  Test test = [name](const Event& e) { return is_milestone(e, name); };
  const bool reached = co_await until(std::move(test), deadline);
  co_return reached;
}

/// Records what has already arrived.
Task<> Watch::drain() {
  Test never_enough = [](const Event&) { return false; };
  co_await until(std::move(never_enough), bench_.clock.now());
}

void Watch::throw_if_broken() const {
  if (bench_.abort != nullptr && bench_.abort->load()) throw Aborted();
  if (broken_) throw EquipmentError(broken_what_);
}

Task<> Watch::restart_terminal() {
  StepAction off = Supply{false};
  StepAction on = Supply{true};
  if (powered_) co_await perform(std::move(off));
  co_await perform(std::move(on));
  idle_ = false;
  const bool booted = co_await milestone("booted", bench_.terminal.boot_limit);
  throw_if_broken();
  if (!booted) co_return;
  if (!idle_) co_await milestone("idle", bench_.terminal.boot_limit);
  throw_if_broken();
}

/// The keys of a sale, at once.
void Watch::key_in(std::int64_t amount_minor) {
  waiting_.push_back({Step{"start", 1, 0ns, Press{keys_for(bench_.terminal.sale_keys, amount_minor)}}, -1});
  waiting_.back().due = bench_.clock.now();
}

/// Tells the network of a step that it decides, or for which it holds the message.
void Watch::arm(const Waiting& w) {
  const int nth = w.step.nth - w.seen;
  if (decided_in_path(w.step)) {
    bench_.network->arm({w.number, w.step.when, nth, std::get<NetworkFault>(w.step.action), false, {}});
  } else if (held_in_path(w.step)) {
    bench_.network->arm({w.number, w.step.when, nth, {}, true, bench_.terminal.answer_timeout / 2});
  }
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
  post(Source::rig, Intent{"sale", c.amount_minor, c.name});
  key_in(c.amount_minor);

  const Time began = bench_.clock.now();
  Time deadline = began + patience;
  bool told = false;
  // true whenever the end of the case has come nearer or moved
  const Test news = [&](const Event& e) {
    if (is_milestone(e, "card_read")) {
      deadline = e.at + patience;
      return true;
    }
    if (is_milestone(e, "told") || is_milestone(e, "read_error")) {
      told = true;
      return true;
    }
    // without power nothing can come back any more
    const auto* reading = std::get_if<Reading>(&e.body);
    if (reading == nullptr || reading->rail_mv >= bench_.scope.brownout_mv) return false;
    deadline = std::min(deadline, e.at + Duration(1s));
    return true;
  };
  while (!told && !broken_ && bench_.clock.now() < deadline) {
    const Time limit = deadline;
    co_await until(news, limit);
    if (bench_.abort != nullptr && bench_.abort->load()) break;
  }
  if (!told && !broken_) post(Source::rig, Silence{bench_.clock.now() - began});
  // a step whose moment has come acts, however long after it
  const auto acting = [this] {
    return acting_count_ > 0 ||
           std::any_of(waiting_.begin(), waiting_.end(), [](const Waiting& w) { return w.due != never; });
  };
  // whatever still acts is awaited without a limit, what is under way until then: who stops acting changes the limit
  const Test settled_down = [acting](const Event&) { return !acting(); };
  while (!broken_ && (acting() || bench_.clock.now() < linger_)) {
    const Time limit = acting() ? never : linger_;
    co_await until(settled_down, limit);
    if (broken_ || (bench_.abort != nullptr && bench_.abort->load())) break;
  }
  co_await acting_.join();
  std::erase_if(waiting_, [this](const Waiting& w) {
    if (comes_after_the_case(w.step)) return false;
    if (w.number >= 0) post(Source::rig, Fired{w.number, false, "its moment never came (" + describe(w.step) + ")"});
    return true;
  });
  host_lasts_ = Duration{};
  co_await drain();
}

/// One sale, until its own result is told (true), power is lost or it takes too long. What an older sale still has to
/// tell is not its result.
Task<bool> Watch::sell(std::int64_t amount_minor) {
  const std::set<std::string> older = asked_;
  waiting_.push_back({Step{"card_wanted", 1, 0ns, Swipe{bench_.good_card}}, -1});
  key_in(amount_minor);
  bool told = false;
  const Test over = [&](const Event& e) {
    const auto* reading = std::get_if<Reading>(&e.body);
    if (reading != nullptr && reading->rail_mv < bench_.scope.brownout_mv) return true;
    const auto* m = std::get_if<Milestone>(&e.body);
    told = m != nullptr && m->name == "told" && !older.contains(key_of(*m));
    return told;
  };
  const Time limit = bench_.clock.now() + bench_.terminal.answer_timeout * (bench_.terminal.reversal_tries + 1) + 30s;
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
  if (idle_) co_await sell(recovery_amount_minor);
  const auto of_settlement = [](const Waiting& w) { return !w.step.when.starts_with("reversal_"); };
  const bool settles = std::any_of(waiting_.begin(), waiting_.end(), of_settlement);
  if (!idle_ && powered_) co_await milestone("idle", 10s);
  if (settles && idle_ && c.settle) {
    co_await read(Source::terminal, "journal", bench_.journal);
    co_await read(Source::host, "ledger", bench_.ledger);
    post(Source::rig, Intent{"disturbed settlement", 0, ""});
    StepAction settle = Press{bench_.terminal.settle_keys};
    co_await perform(std::move(settle));
    co_await milestone("settled", bench_.terminal.answer_timeout * 2 + 30s);
    co_await acting_.join();
    co_await drain();
  }
  throw_if_broken();
  for (const Waiting& w : waiting_) {
    post(Source::rig, Fired{w.number, false, "its moment never came (" + describe(w.step) + ")"});
  }
  waiting_.clear();
}

Task<> Watch::recover(Case c) {
  // what the terminal holds before it is restarted tells a reversal lost in the restart from one never made
  if (idle_ && !approved_) co_await read(Source::terminal, "journal", bench_.journal);
  if (!waiting_.empty()) co_await second_sale(c);
  post(Source::rig, Intent{"recovery sale", recovery_amount_minor, ""});
  co_await clear();
  co_await restart_terminal();
  const Duration tries = bench_.terminal.answer_timeout * (bench_.terminal.reversal_tries + 1);
  if (idle_ && !told_ && !asked_.empty() && bench_.last_result != nullptr) {
    // never the sale again: what became of it is asked for
    co_await bench_.last_result->ask_last_result();
    co_await milestone("last_result", answer_limit);
  }
  if (idle_) co_await sell(recovery_amount_minor);
  co_await read(Source::terminal, "journal", bench_.journal);
  co_await read(Source::host, "ledger", bench_.ledger);
  if (c.settle) {
    if (!idle_) co_await milestone("idle", 10s);
    throw_if_broken();
    post(Source::rig, Intent{"settlement", 0, ""});
    StepAction settle = Press{bench_.terminal.settle_keys};
    co_await perform(std::move(settle));
    co_await milestone("settled", tries + 30s);
    throw_if_broken();
    if (!idle_) co_await milestone("idle", 10s);
  }
  co_await drain();
  throw_if_broken();
}

Task<Verdict> Watch::cycle(Case c, std::int64_t number) {
  cycle_ = number;
  events_.clear();
  waiting_.clear();
  asked_.clear();
  approved_ = false;
  told_ = false;
  broken_ = false;
  sink_.begin(number, c.name, bench_.clock.now());
  std::string failure;
  bool aborted = false;
  std::exception_ptr unrecorded;
  try {
    if (!blind_.empty()) throw EquipmentError(blind_);
    if (!placed_) {
      Motion park = Park{};
      co_await bench_.actuator->perform(std::move(park));
      placed_ = true;
    }
    co_await clear();
    if (!idle_) co_await restart_terminal();
    if (!settled_ && idle_) {
      co_await read(Source::terminal, "journal", bench_.journal);
      co_await read(Source::host, "ledger", bench_.ledger);
    }
    settled_ = false;
    if (idle_) {
      co_await run_case(c);
      throw_if_broken();
      co_await recover(c);
    } else {
      post(Source::rig, Silence{bench_.terminal.boot_limit});  // an observation: power is on, and it says nothing
    }
  } catch (const Aborted&) {
    aborted = true;
  } catch (const EquipmentError& e) {
    failure = e.what();
  } catch (const LinkError& e) {
    failure = std::string("a link of the rig failed: ") + e.what();
  } catch (...) {
    unrecorded = std::current_exception();  // the sink can take no more
  }
  waiting_.clear();
  co_await acting_.join();
  if (!failure.empty() && !broken_) post(Source::rig, EquipmentFault{failure});
  if (aborted || !failure.empty() || unrecorded) {
    idle_ = false;
    try {
      co_await rest();
    } catch (const std::runtime_error& e) {
      post(Source::rig, EquipmentFault{std::string("the bench could not be put at rest: ") + e.what()});
    }
  }
  if (unrecorded) std::rethrow_exception(unrecorded);
  while (!inbox_.empty()) {
    Event event = std::move(inbox_.front());
    inbox_.pop_front();
    record(std::move(event));
  }
  if (aborted) throw Aborted();
  Verdict verdict = judge(c, bench_.scope, events_);
  sink_.verdict(number, bench_.clock.now(), verdict);
  co_return verdict;
}

}  // namespace swiperig
