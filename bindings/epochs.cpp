#include "bindings/epochs.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "bindings/assembly.hpp"
#include "bindings/config.hpp"
#include "bindings/fork_gate.hpp"
#include "fixtures/virtual_clock.hpp"
#include "rig/crew.hpp"
#include "rig/drawn.hpp"

namespace swiperig {

namespace {

/// An epoch as it is made, in memory; the file gets it whole and in order.
class EpochSink final : public Sink {
 public:
  EpochSink(std::int64_t epoch, bool keep_events, std::function<void()> poll)
      : keep_events_(keep_events), poll_(std::move(poll)) {
    record.epoch = epoch;
  }
  void begin(std::int64_t cycle, const Case& done, Time at) override {
    if (is_drawn(done)) record.drawn.push_back(done);
    CycleRecord& c = record.cycles.emplace_back();
    if (record.cycles.size() > 1) c.lines.expect(record.cycles[record.cycles.size() - 2].lines);
    c.cycle = cycle;
    c.case_name = done.name;
    c.begun = at;
  }
  void event(const Event&) override {
    if (poll_) poll_();
  }
  /// The text of the whole cycle is made here at once: between the steps of a simulated bench, the code that makes it
  /// and the code of the bench drove each other out of the processor's caches.
  void verdict(std::int64_t, Time ended, const Verdict& v, std::span<const Event> events) override {
    CycleRecord& c = record.cycles.back();
    c.lines.add(events, record.head);
    if (keep_events_) c.events.assign(events.begin(), events.end());
    c.ended = ended;
    c.verdict = v;
    c.head = record.head;
    record.bench_time = ended.time_since_epoch();
  }
  EpochRecord record;

 private:
  bool keep_events_;
  std::function<void()> poll_;
};

std::uint64_t mix(std::uint64_t seed, std::int64_t epoch) {
  Draws draws(seed, static_cast<std::uint32_t>(epoch), 0, 0x45504f43);
  return draws.next();
}

/// Drops a last cycle that was begun and never judged.
void keep_judged(EpochRecord& record) {
  if (!record.cycles.empty() && !record.cycles.back().verdict) {
    if (!record.drawn.empty()) record.drawn.pop_back();
    record.cycles.pop_back();
  }
  record.head = record.cycles.empty() ? Digest{} : record.cycles.back().head;
}

/// Stopped by the user, an epoch has the cycles judged so far. `poll`: called at every event, may be empty.
EpochRecord run_epoch(const Plan& plan, std::int64_t epoch, const std::atomic<bool>& abort, bool& stopped,
                      std::function<void()> poll) {
  const std::int64_t first = plan.first_cycle + (epoch - plan.first_epoch) * plan.epoch_cycles;
  const std::int64_t last = std::min(first + plan.epoch_cycles, plan.cycles);
  const std::int64_t drawn = plan.drawn_as ? plan.drawn_as(epoch) : epoch;
  DrawPlace place{mix(plan.seed, drawn), static_cast<std::uint32_t>(drawn), 0};
  EpochSink sink(epoch, plan.keep_events, std::move(poll));
  const OnBench work = [&](Watch& watch) { return do_cycles(watch, plan, place, first, last); };
  try {
    const auto own = plan.bench_at ? plan.bench_at(first) : nullptr;
    run_bench(own ? *own : plan.bench, plan.defects, place, abort, sink, work);
  } catch (const Aborted&) {
    stopped = true;
    keep_judged(sink.record);
  }
  return std::move(sink.record);
}

}  // namespace

std::int64_t end_epoch(const Plan& plan) {
  return plan.first_epoch + (plan.cycles - plan.first_cycle + plan.epoch_cycles - 1) / plan.epoch_cycles;
}

Task<> do_cycles(Watch& watch, const Plan& plan, DrawPlace& place, std::int64_t first, std::int64_t last) {
  for (std::int64_t n = first; n < last; ++n) {
    place.cycle = static_cast<std::uint32_t>(n - first);
    Verdict verdict = co_await watch.cycle(plan.at(n, place), n);
  }
}

void run_epochs(const Plan& plan, int threads, const Stop& stop, const TakeEpoch& take) {
  const std::int64_t epochs = end_epoch(plan);
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::int64_t, EpochRecord> done;
  std::int64_t next = plan.first_epoch, taken = plan.first_epoch;
  std::exception_ptr failure;
  bool stopped = false;
  std::atomic<bool> abort = false;

  // at most a few finished epochs wait for an earlier one
  const auto worker = [&] {
    for (;;) {
      std::int64_t epoch = 0;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return failure || stopped || next >= epochs || next < taken + 2 * threads + 2; });
        if (failure || stopped || next >= epochs) return;
        epoch = next++;
      }
      try {
        bool cut = false;
        EpochRecord record = [&] {
          const BehindForkGate work;
          return run_epoch(plan, epoch, abort, cut, {});
        }();
        const std::lock_guard lock(mutex);
        stopped = stopped || cut;
        if (!record.cycles.empty()) done.emplace(epoch, std::move(record));
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
      changed.notify_all();
    }
  };
  std::vector<std::thread> workers;
  workers.reserve(static_cast<std::size_t>(threads));
  try {
    for (int i = 0; i < threads; ++i) workers.emplace_back(worker);
  } catch (const std::system_error& e) {
    abort = true;
    const std::lock_guard lock(mutex);
    failure = std::make_exception_ptr(std::runtime_error("thread " + std::to_string(workers.size() + 1) + " of " +
                                                         std::to_string(threads) + " cannot be started: " + e.what()));
  }
  {
    std::unique_lock lock(mutex);
    while (taken < epochs && !failure && !stopped) {
      changed.wait_for(lock, std::chrono::milliseconds(20));
      lock.unlock();
      if (stop()) abort = true;
      lock.lock();
      for (auto it = done.find(taken); it != done.end() && !failure && !stopped; it = done.find(taken)) {
        EpochRecord record = std::move(it->second);
        done.erase(it);
        ++taken;
        lock.unlock();
        changed.notify_all();
        try {
          const BehindForkGate work;
          take(std::move(record));
        } catch (...) {
          lock.lock();
          failure = std::current_exception();
          abort = true;
          continue;
        }
        lock.lock();
      }
    }
  }
  changed.notify_all();
  for (auto& w : workers) w.join();
  if (failure) std::rethrow_exception(failure);
  if (!stopped) return;
  for (auto& [epoch, record] : done) take(std::move(record));
  throw Aborted();
}

void run_epochs_here(const Plan& plan, const Stop& stop, const TakeEpoch& take) {
  std::atomic<bool> abort = false;
  const std::function<void()> poll = [&] {
    if (stop()) abort = true;
  };
  for (std::int64_t epoch = plan.first_epoch; epoch < end_epoch(plan); ++epoch) {
    bool cut = false;
    const BehindForkGate work;
    EpochRecord record = run_epoch(plan, epoch, abort, cut, poll);
    if (!record.cycles.empty()) take(std::move(record));
    if (cut) throw Aborted();
  }
}

class EpochByHand::Session final : public Hands {
 public:
  Session(const BenchFile& bench, const std::set<std::string>& defects, std::uint64_t seed)
      : place_{mix(seed, 0), 0, 0}, sink_(0, true, [this] {
          if (stop_ != nullptr && (*stop_)()) abort_ = true;
        }) {
    work_ = [this](Watch& watch) { return follow(watch); };
    const BehindForkGate work;
    crew_.start(whole(bench, defects));
  }

  std::vector<Event> perform(ByHand what, const Stop& stop) {
    wanted_ = std::move(what);
    seen_.clear();
    run(stop);
    if (failure_) std::rethrow_exception(failure_);
    if (over_) throw EquipmentError(why_);
    return std::move(seen_);
  }
  EpochRecord end(const Stop& stop) {
    leaving_ = true;
    run(stop);
    keep_judged(sink_.record);
    return std::move(sink_.record);
  }
  bool over() const { return over_; }

  bool asked() override { return wanted_.has_value() || leaving_; }
  std::optional<ByHand> take() override { return std::exchange(wanted_, std::nullopt); }
  void done(std::span<const Event> seen) override {
    seen_.assign(seen.begin(), seen.end());
    answered_.ring();
  }
  Duration every() const override { return Duration::max(); }

 private:
  void run(const Stop& stop) {
    if (over_) return;
    const BehindForkGate work;
    stop_ = &stop;
    if (watch_ != nullptr) watch_->nudge();
    clock_.run(until_answered());
    stop_ = nullptr;
  }
  Task<> until_answered() {
    co_await clock_.wait(answered_, never);
    if (over_) co_await crew_.join();
  }
  Task<> follow(Watch& watch) {
    watch_ = &watch;
    const Verdict verdict = co_await watch.by_hand(*this, 0);
    watch_ = nullptr;
    why_ = verdict.why;
  }
  Task<> whole(const BenchFile& bench, const std::set<std::string>& defects) {
    try {
      co_await on_virtual_bench(clock_, bench, defects, place_, abort_, sink_, work_);
    } catch (...) {
      failure_ = std::current_exception();
    }
    over_ = true;
    answered_.ring();
  }

  const DrawPlace place_;
  std::atomic<bool> abort_ = false;
  const Stop* stop_ = nullptr;
  EpochSink sink_;
  OnBench work_;
  Watch* watch_ = nullptr;
  Bell answered_;
  std::optional<ByHand> wanted_;
  std::vector<Event> seen_;
  std::exception_ptr failure_;
  std::string why_;
  bool leaving_ = false, over_ = false;
  VirtualClock clock_;
  Crew crew_{clock_};
};

EpochByHand::EpochByHand(const BenchFile& bench, const std::set<std::string>& defects, std::uint64_t seed)
    : session_(std::make_unique<Session>(bench, defects, seed)) {}

EpochByHand::~EpochByHand() {
  if (session_->over()) return;
  try {
    const Stop nobody_stops = [] { return false; };
    (void)session_->end(nobody_stops);
  } catch (const std::exception&) {
    // nobody is left who wants to know
  }
}

std::vector<Event> EpochByHand::perform(ByHand what, const Stop& stop) {
  return session_->perform(std::move(what), stop);
}

bool EpochByHand::over() const { return session_->over(); }

EpochRecord EpochByHand::end(const Stop& stop) { return session_->end(stop); }

std::set<std::string> known_defect(const std::string& name) {
  if (name.empty()) return {};
  std::string list;
#define DEFECT(defect, rule, text)    \
  if (name == #defect) return {name}; \
  list += (list.empty() ? "" : ", ") + std::string(#defect);
#define PART_DEFECT DEFECT
#define HOST_DEFECT DEFECT
#include "fixtures/defects.def"
#include "fixtures/host_defects.def"
#undef HOST_DEFECT
#undef PART_DEFECT
#undef DEFECT
  throw ConfigError("no seeded defect called \"" + name + "\": expected one of " + list);
}

}  // namespace swiperig
