#include "bindings/run.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>

#include "bindings/assembly.hpp"
#include "bindings/campaign_file.hpp"
#include "bindings/child.hpp"
#include "bindings/config.hpp"
#include "bindings/drawn_case.hpp"
#include "bindings/host_file.hpp"
#include "reports/capture_file.hpp"
#include "reports/summary.hpp"
#include "reports/visible.hpp"
#include "rig/drawn.hpp"
#include "rig/mask.hpp"
#include "rig/trace_file.hpp"

namespace swiperig {

namespace {

namespace fs = std::filesystem;

/// An epoch as it is made, in memory; the file gets it whole and in order.
class EpochSink final : public Sink {
 public:
  explicit EpochSink(std::int64_t epoch) { record.epoch = epoch; }
  void begin(std::int64_t cycle, const Case& done, Time at) override {
    if (is_drawn(done)) record.drawn.push_back(done);
    CycleRecord& c = record.cycles.emplace_back();
    c.cycle = cycle;
    c.case_name = done.name;
    c.begun = at;
  }
  void event(const Event& e) override { record.cycles.back().lines.add(e, record.head); }
  void verdict(std::int64_t, Time ended, const Verdict& v) override {
    CycleRecord& c = record.cycles.back();
    c.ended = ended;
    c.verdict = v;
    c.head = record.head;
    record.bench_time = ended.time_since_epoch();
  }
  EpochRecord record;
};

/// A live line on a terminal, a plain line every few seconds elsewhere.
class Progress {
 public:
  explicit Progress(std::int64_t total) : total_(total), tty_(isatty(STDERR_FILENO) != 0), began_(machine_seconds()) {}
  void show(const Outcomes& outcomes, bool last) {
    const double now = machine_seconds();
    const std::int64_t done = outcomes.total();
    if (!last && now - shown_ < (tty_ ? 0.1 : 5.0)) return;
    if (!tty_ && done == told_) return;
    shown_ = now;
    told_ = done;
    const double rate = now > began_ ? static_cast<double>(done) / (now - began_) : 0;
    std::optional<Duration> left;
    if (rate > 0) left = Duration(static_cast<std::int64_t>(static_cast<double>(total_ - done) / rate * 1e9));
    const std::string line = progress_line(done, total_, rate, left, outcomes);
    std::fprintf(stderr, tty_ ? "\r\033[K%s%s" : "%s%s", line.c_str(), tty_ && !last ? "" : "\n");
    std::fflush(stderr);
  }

 private:
  std::int64_t total_, told_ = -1;
  bool tty_;
  double began_, shown_ = -1e9;
};

/// A real bench: the file is written as things happen.
class LiveSink final : public Sink {
 public:
  LiveSink(TraceWriter& trace, Summary& summary, Progress& progress)
      : trace_(trace), summary_(summary), progress_(progress) {}
  void begin(std::int64_t cycle, const Case& c, Time at) override {
    record_ = {};
    open_ = true;
    record_.cycle = cycle;
    record_.case_name = c.name;
    if (is_drawn(c)) trace_.add_case(c);
    trace_.begin(cycle, c.name, at);
  }
  void event(const Event& e) override {
    trace_.event(e);
    record_.events.push_back(e);
  }
  void verdict(std::int64_t cycle, Time ended, const Verdict& v) override {
    trace_.verdict(cycle, ended, v);
    record_.ended = ended;
    record_.verdict = v;
    open_ = false;
    summary_.add(record_);
    progress_.show(summary_.outcomes(), false);
    bench_time = ended.time_since_epoch();
  }
  /// A cycle that was begun and never judged counts as cut short.
  void end() {
    if (open_) summary_.add(record_);
  }
  Duration bench_time{};

 private:
  bool open_ = false;
  TraceWriter& trace_;
  Summary& summary_;
  Progress& progress_;
  CycleRecord record_;
};

std::string fresh_directory(const std::string& wanted, const std::string& campaign) try {
  if (!wanted.empty()) {
    if (fs::exists(wanted) && !(fs::is_directory(wanted) && fs::is_empty(wanted))) {
      throw ConfigError(wanted + ": expected a new or empty directory; a trace is never overwritten");
    }
    fs::create_directories(wanted);
    return wanted;
  }
  fs::create_directories("runs");
  for (int n = 1;; ++n) {
    const std::string name = "runs/" + campaign + "-" + std::to_string(n);
    if (fs::create_directory(name)) return name;
  }
} catch (const fs::filesystem_error& e) {
  throw ConfigError(e.path1().string() + ": expected a place for the results: " + e.code().message());
}

std::uint64_t mix(std::uint64_t seed, std::int64_t epoch) {
  Draws draws(seed, static_cast<std::uint32_t>(epoch), 0, 0x45504f43);
  return draws.next();
}

struct Plan {
  const Campaign& campaign;
  const BenchFile& bench;
  std::uint64_t seed;
  std::int64_t cycles;
  std::set<std::string> defects;
  Case at(std::int64_t cycle) const {
    if (campaign.random) return draw_case(*campaign.random, bench, seed, cycle);
    return campaign.cases[static_cast<std::size_t>(cycle) % campaign.cases.size()];
  }
};

/// Cycles first..last on one watched bench.
Task<> do_cycles(Watch& watch, const Plan& plan, DrawPlace& place, std::int64_t first, std::int64_t last) {
  for (std::int64_t n = first; n < last; ++n) {
    place.cycle = static_cast<std::uint32_t>(n - first);
    Verdict verdict = co_await watch.cycle(plan.at(n), n);
  }
}

/// Drops a last cycle that was begun and never judged.
void keep_judged(EpochRecord& record) {
  if (!record.cycles.empty() && !record.cycles.back().verdict) {
    if (!record.drawn.empty()) record.drawn.pop_back();
    record.cycles.pop_back();
  }
  record.head = record.cycles.empty() ? Digest{} : record.cycles.back().head;
}

/// Stopped by the user, an epoch has the cycles judged so far.
EpochRecord run_epoch(const Plan& plan, std::int64_t epoch, const std::atomic<bool>& abort, bool& stopped) {
  const std::int64_t first = epoch * plan.campaign.epoch_cycles;
  const std::int64_t last = std::min(first + plan.campaign.epoch_cycles, plan.cycles);
  DrawPlace place{mix(plan.seed, epoch), static_cast<std::uint32_t>(epoch), 0};
  EpochSink sink(epoch);
  const OnBench work = [&](Watch& watch) { return do_cycles(watch, plan, place, first, last); };
  try {
    run_bench(plan.bench, plan.defects, place, abort, sink, work);
  } catch (const Aborted&) {
    stopped = true;
    keep_judged(sink.record);
  }
  return std::move(sink.record);
}

/// Epochs on so many threads, handed on in order; at most a few finished ones wait for an earlier one. Stopped, the
/// cycles that were judged are handed on all the same, then Aborted is thrown.
void run_epochs(const Plan& plan, int threads, const std::atomic<bool>& stop,
                const std::function<void(EpochRecord)>& take) {
  const std::int64_t epochs = (plan.cycles + plan.campaign.epoch_cycles - 1) / plan.campaign.epoch_cycles;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::int64_t, EpochRecord> done;
  std::int64_t next = 0, taken = 0;
  std::exception_ptr failure;
  bool stopped = false;
  std::atomic<bool> abort = false;

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
        EpochRecord record = run_epoch(plan, epoch, abort, cut);
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
  for (int i = 0; i < threads; ++i) workers.emplace_back(worker);
  {
    std::unique_lock lock(mutex);
    while (taken < epochs && !failure && !stopped) {
      changed.wait_for(lock, std::chrono::milliseconds(50));
      if (stop.load()) abort = true;
      for (auto it = done.find(taken); it != done.end() && !failure && !stopped; it = done.find(taken)) {
        EpochRecord record = std::move(it->second);
        done.erase(it);
        ++taken;
        lock.unlock();
        changed.notify_all();
        try {
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

std::set<std::string> known_defect(const std::string& name) {
  if (name.empty()) return {};
  std::string list;
#define DEFECT(defect, rule, text)    \
  if (name == #defect) return {name}; \
  list += (list.empty() ? "" : ", ") + std::string(#defect);
#define PART_DEFECT DEFECT
#include "fixtures/defects.def"
#undef PART_DEFECT
#undef DEFECT
  throw ConfigError("no seeded defect called \"" + name + "\": expected one of " + list);
}

int exit_code(Outcome worst) { return worst == Outcome::pass ? 0 : worst == Outcome::error ? 3 : 1; }

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw TraceError(path.string() + ": cannot be written");
}

std::string default_bench(const std::string& given) {
  return given.empty() ? std::string(SWIPERIG_SOURCE_DIR) + "/fixtures/benches/virtual.toml" : given;
}

/// The campaign on its bench, into a trace that has been begun. TraceError: the trace can take no more.
int record_campaign(const Plan& plan, const RunInfo& info, const RunOptions& options, const std::string& directory,
                    TraceWriter& trace, const std::atomic<bool>& stop) {
  Summary summary(info);
  Progress progress(plan.cycles);
  const double began = machine_seconds();
  Duration bench_time{};
  std::string failure;
  bool aborted = false;
  std::shared_ptr<CaptureFile> kept;
  try {
    if (plan.bench.is_virtual) {
      const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
      run_epochs(plan, options.threads > 0 ? options.threads : cores, stop, [&](EpochRecord record) {
        trace.epoch(record);
        for (const CycleRecord& c : record.cycles) summary.add(c);
        bench_time += record.bench_time;
        progress.show(summary.outcomes(), false);
      });
    } else {
      LiveSink sink(trace, summary, progress);
      const auto wires = std::make_shared<CaptureFile>(directory + "/wires.pcapng");
      kept = wires;
      DrawPlace place{options.seed, 0, 0};
      const OnBench work = [&](Watch& watch) { return do_cycles(watch, plan, place, 0, plan.cycles); };
      try {
        run_bench(plan.bench, {}, place, stop, sink, work, wires);
      } catch (...) {
        bench_time = sink.bench_time;
        sink.end();
        throw;
      }
      bench_time = sink.bench_time;
    }
  } catch (const Aborted& e) {
    aborted = true;
    failure = e.what();
  } catch (const EquipmentError& e) {
    failure = e.what();
  } catch (const LinkError& e) {
    failure = e.what();
  }
  if (kept) {
    const std::string lost = kept->finish();
    if (failure.empty()) failure = lost;
  }
  const auto wall_ms = static_cast<std::int64_t>((machine_seconds() - began) * 1000);
  const Digest head = trace.finish(wall_ms);
  summary.end(hex(head), wall_ms, bench_time);
  progress.show(summary.outcomes(), true);
  write_file(fs::path(directory) / "summary.json", summary.json());
  std::cout << summary.closing_table();
  if (run_child({"/usr/bin/python3", std::string(SWIPERIG_SOURCE_DIR) + "/reports/report.py", directory}) != 0) {
    std::cerr << "swiperig: the report could not be made; the trace and summary.json are complete\n";
    if (failure.empty()) failure = "no report";
  }
  if (kept) std::cout << "wires   " << directory << "/wires.pcapng\n";
  std::cout << "trace   " << directory << "/run.trace\nsummary " << directory << "/summary.json\nreport  " << directory
            << "/report.html\n";
  if (!failure.empty()) {
    std::cerr << "swiperig: " << (aborted ? "" : "rig fault: ") << visible(scrub(failure)) << "\n";
    return 3;
  }
  return exit_code(summary.worst());
}

}  // namespace

int run_campaign(const RunOptions& options, const std::atomic<bool>& stop) {
  const Campaign campaign = read_campaign(options.campaign);
  BenchFile bench = read_bench(default_bench(options.bench.empty() ? campaign.bench : options.bench), options.terminal);
  if (!options.host.empty()) read_host_profile(options.host, bench);
  check_feasible(campaign, bench);
  const std::int64_t cycles =
      campaign.random ? campaign.random->cycles : static_cast<std::int64_t>(campaign.cases.size()) * campaign.repeat;
  Plan plan{campaign, bench, options.seed, cycles, known_defect(options.defect)};
  if (options.cycles) plan.cycles = *options.cycles;
  if (!plan.defects.empty() && !bench.is_virtual) {
    throw ConfigError(
        "--defect plants a defect in a virtual terminal; for a real-time bench give it to `swiperig stand-in`");
  }
  const std::string directory = fresh_directory(options.out, campaign.name);

  RunInfo info;
  info.id = campaign.name + "-" + std::to_string(wall_clock_s()) + "-" + std::to_string(getpid());
  info.campaign = campaign.name;
  info.bench = bench.name;
  info.seed = options.seed;
  info.is_virtual = bench.is_virtual;
  info.cycles_planned = plan.cycles;
  info.scope = scope_of(bench);
  info.cases = campaign.cases;
  TraceWriter trace(directory + "/run.trace", info, !bench.is_virtual);
  try {
    return record_campaign(plan, info, options, directory, trace, stop);
  } catch (const TraceError& e) {
    throw std::runtime_error(std::string(e.what()) + "; what was recorded before is in " + directory + "/run.trace");
  }
}

}  // namespace swiperig
