#include "bindings/run.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <thread>

#include "bindings/assembly.hpp"
#include "bindings/attribution.hpp"
#include "bindings/campaign_file.hpp"
#include "bindings/child.hpp"
#include "bindings/config.hpp"
#include "bindings/drawn_case.hpp"
#include "bindings/epochs.hpp"
#include "bindings/host_file.hpp"
#include "bindings/keys.hpp"
#include "bindings/out_folder.hpp"
#include "bindings/places.hpp"
#include "bindings/publish_url.hpp"
#include "bindings/strategies.hpp"
#include "bindings/vault.hpp"
#include "reports/capture_file.hpp"
#include "reports/publisher.hpp"
#include "reports/summary.hpp"
#include "reports/visible.hpp"
#include "rig/drawn.hpp"
#include "rig/hands.hpp"
#include "rig/mask.hpp"
#include "rig/trace_file.hpp"

namespace swiperig {

namespace {

namespace fs = std::filesystem;

/// A live line on a terminal, a plain line every few seconds elsewhere.
class Progress {
 public:
  explicit Progress(std::int64_t cycles) : total(cycles), tty_(isatty(STDERR_FILENO) != 0), began_(machine_seconds()) {}
  void show(const Outcomes& outcomes, bool last) {
    const double now = machine_seconds();
    const std::int64_t done = outcomes.total();
    if (!last && now - shown_ < (tty_ ? 0.1 : 5.0)) return;
    if (!tty_ && done == told_) return;
    shown_ = now;
    told_ = done;
    const double rate = now > began_ ? static_cast<double>(done) / (now - began_) : 0;
    std::optional<Duration> left;
    if (rate > 0) left = Duration(static_cast<std::int64_t>(static_cast<double>(total - done) / rate * 1e9));
    const std::string line = progress_line(done, total, rate, left, outcomes);
    std::fprintf(stderr, tty_ ? "\r\033[K%s%s" : "%s%s", line.c_str(), tty_ && !last ? "" : "\n");
    std::fflush(stderr);
  }

  std::int64_t total;  ///< cycles

 private:
  std::int64_t told_ = -1;
  bool tty_;
  double began_, shown_ = -1e9;
};

/// A real bench: the file is written as things happen.
class LiveSink final : public Sink {
 public:
  LiveSink(TraceWriter& trace, Summary& summary, Progress& progress, Publisher* publisher, Vault* vault)
      : trace_(trace), summary_(summary), progress_(progress), publisher_(publisher), vault_(vault) {}
  void begin(std::int64_t cycle, const Case& c, Time at) override {
    record_ = {};
    open_ = true;
    record_.cycle = cycle;
    record_.case_name = c.name;
    record_.begun = at;
    if (is_drawn(c)) trace_.add_case(c);
    trace_.begin(cycle, c.name, at);
    if (publisher_ != nullptr) publisher_->grown();
  }
  void event(const Event& e) override {
    trace_.event(e);
    if (vault_ != nullptr) vault_->event(e);
    if (publisher_ != nullptr) publisher_->grown();
    record_.events.push_back(e);
  }
  void verdict(std::int64_t cycle, Time ended, const Verdict& v, std::span<const Event>) override {
    trace_.verdict(cycle, ended, v);
    if (publisher_ != nullptr) publisher_->grown();
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
  Publisher* publisher_;
  Vault* vault_;
  CycleRecord record_;
};

int exit_code(Outcome worst) { return worst == Outcome::pass ? 0 : worst == Outcome::error ? 3 : 1; }

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw TraceError(path.string() + ": cannot be written");
}

/// Followers that are behind are answered for a while, if that was asked for. What went wrong, or "".
std::string end_publishing(Publisher& publisher, Duration linger, const std::atomic<bool>& stop) {
  const double until = machine_seconds() + static_cast<double>(linger.count()) / 1e9;
  while (machine_seconds() < until && !stop) poll(nullptr, 0, 20);
  return publisher.end();
}

Task<> do_hands(Watch& watch, Hands& hands) { Verdict verdict = co_await watch.by_hand(hands, 0); }

using More = std::function<void(Plan&, const Summary&)>;

/// Round after round, until `more` adds no cycles.
Task<> do_rounds(Watch& watch, Plan& plan, DrawPlace& place, const Summary& summary, const More& more,
                 Progress& progress) {
  while (plan.first_cycle < plan.cycles) {
    co_await do_cycles(watch, plan, place, plan.first_cycle, plan.cycles);
    ++place.epoch;  // its cycles count from 0 again, and draw otherwise
    plan.first_cycle = plan.cycles;
    more(plan, summary);
    progress.total = plan.cycles;
  }
}

/// The campaign on its bench, into a trace that has been begun. Once all cycles of the plan are done, `more` may add
/// some. TraceError: the trace can take no more.
int record_campaign(Plan plan, const More& more, const RunInfo& info, const RunOptions& options,
                    const std::string& directory, TraceWriter& trace, Publisher* publisher,
                    const std::atomic<bool>& stop, GuardProcess* guardian) {
  Summary summary(info);
  Progress progress(plan.cycles);
  const double began = machine_seconds();
  Duration bench_time{};
  std::string failure;
  bool aborted = false;
  std::shared_ptr<CaptureFile> kept;
  std::shared_ptr<Vault> vault;
  try {
    if (plan.bench.is_virtual) {
      const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
      while (plan.first_cycle < plan.cycles) {
        run_epochs(
            plan, options.threads > 0 ? options.threads : cores, [&] { return stop.load(); },
            [&](EpochRecord record) {
              trace.epoch(record);
              if (publisher != nullptr) publisher->grown();
              for (const CycleRecord& c : record.cycles) summary.add(c);
              bench_time += record.bench_time;
              progress.show(summary.outcomes(), false);
            });
        plan.first_epoch = end_epoch(plan);
        plan.first_cycle = plan.cycles;
        more(plan, summary);
        progress.total = plan.cycles;
      }
    } else {
      kept = std::make_shared<CaptureFile>(directory + "/wires.pcapng");
      std::shared_ptr<Tap> wires = kept;
      if (const auto& settings = plan.bench.vault) {
        vault = std::make_shared<Vault>(directory, info.id, *settings, plan.bench.host_profile.framing, kept);
        wires = vault;
      }
      LiveSink sink(trace, summary, progress, publisher, vault.get());
      DrawPlace place{options.seed, 0, 0};
      const OnBench work = [&](Watch& watch) {
        return options.hands != nullptr ? do_hands(watch, *options.hands)
                                        : do_rounds(watch, plan, place, summary, more, progress);
      };
      try {
        run_bench(plan.bench, {}, place, stop, sink, work, wires, guardian);
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
  if (vault) {
    const std::string lost = vault->finish();
    if (failure.empty()) failure = lost;
    if (lost.empty()) trace.vault(vault->head());
  }
  const auto wall_ms = static_cast<std::int64_t>((machine_seconds() - began) * 1000);
  const Digest head = trace.finish(wall_ms);
  if (publisher != nullptr) publisher->grown();
  summary.end(hex(head), wall_ms, bench_time);
  progress.show(summary.outcomes(), true);
  write_file(fs::path(directory) / "summary.json", summary.json());
  std::cout << summary.closing_table();
  if (run_child({"/usr/bin/python3", std::string(source_dir) + "/reports/report.py", directory}) != 0) {
    std::cerr << "swiperig: the report could not be made; the trace and summary.json are complete\n";
    if (failure.empty()) failure = "no report";
  }
  if (kept) std::cout << "wires   " << directory << "/wires.pcapng\n";
  if (vault) {
    std::cout << "vault   " << directory << "/vault: " << vault->head().messages << " messages, sha256 "
              << hex(vault->head().sha256) << "\n";
  }
  std::cout << "trace   " << directory << "/run.trace\nsummary " << directory << "/summary.json\nreport  " << directory
            << "/report.html\n";
  if (publisher != nullptr) {
    const std::string unpublished = end_publishing(*publisher, options.linger, stop);
    if (!unpublished.empty()) std::cerr << "swiperig: publishing stopped: " << visible(unpublished) << "\n";
    if (failure.empty()) failure = unpublished;
  }
  if (!failure.empty()) {
    std::cerr << "swiperig: " << (aborted ? "" : "rig fault: ") << visible(scrub(failure)) << "\n";
    return 3;
  }
  return exit_code(summary.worst());
}

Campaign campaign_by_hand() {
  Campaign campaign;
  campaign.name = "by_hand";
  campaign.cases = {case_by_hand()};
  return campaign;
}

}  // namespace

int run_campaign(const RunOptions& options, const std::atomic<bool>& stop, GuardProcess* guardian) {
  Campaign campaign = options.hands != nullptr ? campaign_by_hand() : read_campaign(options.campaign);
  BenchFile bench = read_bench(bench_or_virtual(options.bench.empty() ? campaign.bench : options.bench),
                               options.terminal.empty() ? campaign.terminal : options.terminal);
  if (!options.host.empty()) read_host_profile(options.host, bench);
  if (options.hands == nullptr) check_feasible(campaign, bench);
  add_pairs(campaign, bench);
  add_trials(campaign, bench);
  const std::size_t round = campaign.trials.empty() ? campaign.cases.size() : 2 * campaign.trials.size();
  const std::int64_t cycles =
      campaign.random ? campaign.random->cycles : static_cast<std::int64_t>(round) * campaign.repeat;
  Plan plan{bench, known_defect(options.defect), options.seed, cycles, campaign.epoch_cycles, {}};
  plan.at = [&](std::int64_t cycle, const DrawPlace& place) {
    return case_at(campaign, bench, options.seed, cycle, place);
  };
  if (!campaign.trials.empty()) {
    plan.bench_at = [&](std::int64_t cycle) {
      return std::shared_ptr<const BenchFile>(std::shared_ptr<void>(), &trial_bench(campaign, cycle));  // not its own
    };
    plan.drawn_as = [&](std::int64_t cycle) { return trial_draws(campaign, cycle); };
  }
  if (campaign.wear.any()) {
    plan.bench_at = [&](std::int64_t cycle) {
      return std::make_shared<const BenchFile>(worn(bench, campaign.wear, written_case(campaign, cycle), cycle));
    };
  }
  More more = [](Plan&, const Summary&) {};
  if (campaign.looks_for_borders()) {
    if (options.cycles) {
      throw ConfigError(campaign.path +
                        ": --cycles cannot be given: it looks for borders and does as many cycles as that takes");
    }
    plan.cycles = order_first_round(campaign);
    more = [&](Plan& next, const Summary& so_far) { next.cycles = order_next(campaign, so_far.to_do()); };
  }
  if (options.cycles) plan.cycles = *options.cycles;
  if (!plan.defects.empty() && !bench.is_virtual) {
    throw ConfigError(
        "--defect plants a defect in a virtual terminal; for a real-time bench give it to `swiperig stand-in`");
  }
  std::optional<Publisher> publisher;
  try {
    if (!options.publish.empty()) {
      const bool keys = !options.key.empty();
      const Endpoints at = private_endpoints(options.publish, keys);
      publisher.emplace(at, keys ? std::optional(read_access(options.key)) : std::nullopt);
    }
  } catch (const PublishError& e) {
    throw ConfigError(e.what());
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
  std::copy_if(campaign.cases.begin(), campaign.cases.end(), std::back_inserter(info.cases),
               [](const Case& c) { return !is_drawn(c); });  // those come with their cycles
  TraceWriter trace(directory + "/run.trace", info, !bench.is_virtual);
  try {
    if (publisher) publisher->begin(directory + "/run.trace");
    return record_campaign(plan, more, info, options, directory, trace, publisher ? &*publisher : nullptr, stop,
                           guardian);
  } catch (const TraceError& e) {
    throw std::runtime_error(std::string(e.what()) + "; what was recorded before is in " + directory + "/run.trace");
  }
}

}  // namespace swiperig
