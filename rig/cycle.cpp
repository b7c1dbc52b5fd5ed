#include "rig/cycle.hpp"

#include <algorithm>

#include "rig/cycle_steps.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t inbox_limit = 65536;

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
    const bool held = held_in_path(step);
    const bool confirms_itself = std::holds_alternative<BrownOut>(step.action);
    co_await perform(step.action, held ? number : -1);
    // without power the message is lost with the terminal; a host or a part that has changed must get it
    if (held && !confirms_itself) bench_.network->confirm(number, !std::holds_alternative<Supply>(step.action));
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

void Watch::record(Event&& event) {
  event.seq = ++seq_;
  event.cycle = cycle_;
  if (const auto* m = std::get_if<Milestone>(&event.body)) {
    if (m->name == "idle") idle_ = true;
    if (m->name == "request_entered") asked_.insert(key_of(*m));
    if (m->name == "told") {
      told_ = true;
      approved_ = field(m->fields, "outcome") == "APPROVED";
      told_stan_ = field(m->fields, "stan");
      known_ = approved_ || field(m->fields, "outcome") == "DECLINED";
    }
    if (m->name == "reference") reference_ = field(m->fields, "rrn");
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
      if (!fault.is_condition()) linger_ = std::max(linger_, event.at + fault.lasts + 1s);
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
Task<bool> Watch::until(Test test, Deadline deadline) {
  for (;;) {
    while (!inbox_.empty()) {
      record(std::move(inbox_.front()));
      inbox_.pop_front();
      if (test(events_.back())) co_return true;
    }
    if (broken_) co_return false;
    if (bench_.abort != nullptr && bench_.abort->load()) co_return false;
    const Time now = bench_.clock.now();
    const Time end = deadline();
    Time wake = end;
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
    if (now >= end) co_return false;
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

Task<> Watch::whole_case(Case c) {
  co_await prepare(c);
  const bool made = co_await make_originals(c);
  if (made) co_await run_case(c);
  throw_if_broken();
  if (made) co_await afterwards(c);
  co_await recover(c);
}

Task<Verdict> Watch::cycle(Case c, std::int64_t number) { return recorded(std::move(c), number, nullptr); }

Task<Verdict> Watch::by_hand(Hands& hands, std::int64_t number) { return recorded(case_by_hand(), number, &hands); }

Task<Verdict> Watch::recorded(Case c, std::int64_t number, Hands* hands) {
  cycle_ = number;
  events_.clear();
  waiting_.clear();
  asked_.clear();
  approved_ = false;
  told_ = known_ = false;
  reference_.clear();
  broken_ = false;
  browned_out_ = false;
  sink_.begin(number, c, bench_.clock.now());
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
    if (!settled_ && idle_ && hands == nullptr) {
      co_await read(Source::terminal, "journal", bench_.journal);
      co_await read(Source::host, "ledger", bench_.ledger);
    }
    settled_ = false;
    if (hands != nullptr) {
      co_await do_by_hand(*hands);
    } else if (idle_) {
      co_await whole_case(c);
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
  end_log();
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
  sink_.verdict(number, bench_.clock.now(), verdict, events_);
  co_return verdict;
}

}  // namespace swiperig
