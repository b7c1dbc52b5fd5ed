#include "bindings/held_bench.hpp"

#include <unistd.h>

#include "bindings/assembly.hpp"
#include "bindings/by_hand_words.hpp"
#include "bindings/campaign_file.hpp"
#include "bindings/config.hpp"
#include "bindings/host_file.hpp"
#include "bindings/out_folder.hpp"
#include "rig/clock.hpp"

namespace swiperig {

namespace {

std::atomic<int> begun = 0;  // traces of this process: none has the id of another

/// Event numbers as the trace has them.
void renumber(CycleRecord& c, std::uint64_t base) {
  for (Event& e : c.events) {
    e.seq += base;
    e.cycle = c.cycle;
  }
  renumber(*c.verdict, base);
}

}  // namespace

HeldBench::HeldBench(const HeldBenchOptions& options)
    : options_(options), file_(read_bench(options.path, options.terminal)), owner_(getpid()) {
  if (!options.host.empty()) read_host_profile(options.host, file_);
  if (!file_.is_virtual) {
    throw ConfigError(file_.path +
                      ": expected a virtual bench; one with equipment is not run inside another program: " +
                      "use `swiperig run CAMPAIGN --bench " + file_.path + "`");
  }
  scope_ = scope_of(file_);
  defects_ = known_defect(options.defect);
}

HeldBench::~HeldBench() {
  if (owner_ != getpid()) {
    // NOLINTBEGIN: the file and its locks are the parent's, and so is what waits
    (void)trace_.release();
    (void)by_hand_.release();
    // NOLINTEND
    return;
  }
  try {
    close();
  } catch (const std::exception&) {
    // whoever wants to know closes it himself; the trace reads as one that did not end in order
  }
}

void HeldBench::refuse_foreign_process() const {
  if (owner_ != getpid()) {
    throw ConfigError("this bench belongs to process " + std::to_string(owner_) +
                      ", of which this one is a fork: open a bench of its own");
  }
  if (closed_) {
    throw ConfigError("this bench is closed, its trace " + std::string(failed_ ? "can take no more" : "is complete") +
                      ": open another one");
  }
}

void HeldBench::begin_trace() {
  began_ = machine_seconds();
  const std::string folder = fresh_directory(options_.out, options_.name);
  RunInfo info;
  info.id = options_.name + "-" + std::to_string(wall_clock_s()) + "-" + std::to_string(owner_) + "-" +
            std::to_string(++begun);
  info.campaign = options_.name;
  info.bench = file_.name;
  info.seed = options_.seed;
  info.scope = scope_;
  trace_ = std::make_unique<TraceWriter>(folder + "/run.trace", info, false);
  folder_ = folder;
  run_id_ = info.id;
}

/// A trace has each name once; another case of the same name gets a number.
void HeldBench::name_apart(Case& c) {
  const std::string wanted = c.name;
  for (int n = 2;; ++n) {
    std::string text = to_json(c);
    const auto [it, is_new] = cases_.try_emplace(c.name, text);
    if (is_new) trace_->add_case(c);
    if (it->second == text) return;
    c.name = wanted + " (" + std::to_string(n) + ")";
  }
}

/// What comes behind what the trace has.
void HeldBench::keep(EpochRecord record, const std::function<void(CycleRecord)>& take) {
  const std::uint64_t base = trace_->events();
  const std::int64_t first = cycles_;
  for (CycleRecord& c : record.cycles) c.cycle += first;
  record.epoch = epochs_;
  try {
    trace_->epoch(record);
  } catch (const TraceError&) {  // it does not end in order: what comes next would hide what is missing
    closed_ = failed_ = true;
    throw;
  }
  ++epochs_;
  for (CycleRecord& c : record.cycles) {
    cycles_ = c.cycle + 1;
    renumber(c, base);
    c.lines = {};
    take(std::move(c));
  }
}

void HeldBench::run(std::vector<Case> cases, const Amount& amount, const Stop& stop, const TakeCycle& take) {
  refuse_foreign_process();
  for (const Case& c : cases) check_feasible(c, file_);
  (void)end_by_hand(stop);
  if (!trace_) begin_trace();
  for (Case& c : cases) name_apart(c);

  const auto case_of = [&](std::int64_t cycle) -> const Case& {
    return cases[static_cast<std::size_t>(cycle) % cases.size()];
  };
  Plan plan{file_,         defects_, options_.seed,
            amount.cycles, 50,       [&](std::int64_t cycle, const DrawPlace&) { return case_of(cycle); },
            true};
  const std::int64_t first = cycles_;
  const TakeEpoch keep_epoch = [&](EpochRecord record) {
    const std::int64_t epoch_began = record.cycles.front().cycle;
    for (CycleRecord& c : record.cycles) c.cycle -= epoch_began;
    keep(std::move(record), [&](CycleRecord c) {
      const Case& done = case_of(c.cycle - first);
      take(std::move(c), done);
    });
  };
  if (amount.threads == 0) {
    run_epochs_here(plan, stop, keep_epoch);
  } else {
    run_epochs(plan, amount.threads, stop, keep_epoch);
  }
}

std::vector<Event> HeldBench::by_hand(const Value& said, const Stop& stop) {
  refuse_foreign_process();
  ByHand what = read_by_hand(said, file_);
  if (!trace_) begin_trace();
  if (!by_hand_) by_hand_ = std::make_unique<EpochByHand>(file_, defects_, options_.seed);
  std::vector<Event> seen;
  try {
    seen = by_hand_->perform(std::move(what), stop);
  } catch (...) {
    const std::exception_ptr why = std::current_exception();
    (void)end_by_hand(stop);
    std::rethrow_exception(why);
  }
  for (Event& e : seen) {
    e.seq += trace_->events();
    e.cycle = cycles_;
  }
  return seen;
}

std::optional<CycleRecord> HeldBench::end_by_hand(const Stop& stop) {
  if (!by_hand_) return std::nullopt;
  EpochRecord record = by_hand_->end(stop);
  by_hand_.reset();
  if (record.cycles.empty()) return std::nullopt;
  Case done = case_by_hand();
  name_apart(done);
  std::optional<CycleRecord> ended;
  keep(std::move(record), [&](CycleRecord c) { ended = std::move(c); });
  return ended;
}

std::string HeldBench::close() {
  if (owner_ != getpid()) return head_;
  if (failed_) trace_.reset();
  if (closed_) return head_;
  const Stop nobody_stops = [] { return false; };
  (void)end_by_hand(nobody_stops);
  closed_ = true;
  if (!trace_) return head_;
  head_ = hex(trace_->finish(static_cast<std::int64_t>((machine_seconds() - began_) * 1000)));
  trace_.reset();
  return head_;
}

}  // namespace swiperig
