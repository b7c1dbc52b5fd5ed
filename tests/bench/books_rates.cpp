#include "tests/bench/books_rates.hpp"

#include <sqlite3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "bindings/assembly.hpp"
#include "bindings/attribution.hpp"
#include "bindings/epochs.hpp"
#include "bindings/places.hpp"
#include "reports/run_books.hpp"
#include "rig/clock.hpp"
#include "rig/trace_books.hpp"
#include "rig/trace_file.hpp"

namespace swiperig {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t drawn = 2000, times_over = 50;

/// Drawn cycles of an honest terminal, written so many times over as the epochs of one run.
std::int64_t write_run(const std::string& path, std::int64_t times) {
  const std::string files = std::string(source_dir) + "/fixtures/";
  const Campaign campaign = read_campaign(files + "campaigns/random.toml");
  const BenchFile bench = read_bench(files + "benches/virtual.toml", "");
  Plan plan{bench, {}, 1, drawn, campaign.epoch_cycles, {}};
  plan.at = [&](std::int64_t cycle, const DrawPlace& place) { return case_at(campaign, bench, 1, cycle, place); };
  std::vector<EpochRecord> epochs;
  run_epochs_here(
      plan, [] { return false; }, [&](EpochRecord record) { epochs.push_back(std::move(record)); });
  RunInfo info;
  info.cycles_planned = drawn * times;
  info.scope = scope_of(bench);
  TraceWriter trace(path, info, false);
  for (std::int64_t i = 0; i < times; ++i) {
    for (EpochRecord& epoch : epochs) {
      if (i != 0) epoch.drawn.clear();
      trace.epoch(epoch);
      epoch.epoch += static_cast<std::int64_t>(epochs.size());
      for (CycleRecord& c : epoch.cycles) c.cycle += drawn;
    }
  }
  trace.finish(0);
  return drawn * times;
}

std::int64_t attempts_in(const std::string& path) {
  BooksReader trace(path);
  RunBooks books;
  while (const StoredBooks* one = trace.next()) books.add(*one);
  books.end();
  std::int64_t attempts = 0;
  for (const RunBooks::Sums& sums : books.classes()) attempts += sums.attempts;
  if (books.found() != 0 || attempts < drawn) std::abort();
  return attempts;
}

void scan(const std::string& path) {
  sqlite3* db = nullptr;
  sqlite3_open(path.c_str(), &db);
  sqlite3_exec(db, "SELECT sum(length(books)) FROM books", nullptr, nullptr, nullptr);
  sqlite3_close(db);
}

void judge_all(const std::string& path) {
  const TraceReader trace(path);
  trace.for_each([&](const CycleRecord& c) {
    const Verdict again = judge(trace.case_named(c.case_name), trace.run().scope, c.events);
    if (again.books != c.verdict->books) std::abort();
  });
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// Seconds of this program, not of others beside it.
template <class Work>
double seconds(Work work) {
  const double began = cpu_seconds();
  work();
  return cpu_seconds() - began;
}

}  // namespace

std::string books_rates() {
  std::string folder = (fs::temp_directory_path() / "swiperig-books-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return "\"stored_books\":null";
  const std::string few = folder + "/few.trace", many = folder + "/many.trace";
  const auto judged = static_cast<double>(write_run(few, 1)), cycles = static_cast<double>(write_run(many, times_over));
  std::int64_t attempts = 0;
  const double added = cycles / seconds([&] { attempts = attempts_in(many); });
  const double scanned = cycles / seconds([&] { scan(many); });
  const double again = judged / seconds([&] { judge_all(few); });
  fs::remove_all(folder);
  char text[400];
  std::snprintf(text, sizeof text,
                "\"stored_books\":{\"cycles\":%.0f,\"attempts\":%lld,\"reconciled_per_s\":%.0f,"
                "\"sqlite_scan_of_the_rows_per_s\":%.0f,\"judged_from_events_per_s\":%.0f,"
                "\"reconciled_to_judged\":%.0f}",
                cycles, static_cast<long long>(attempts), added, scanned, again, added / again);
  return text;
}

}  // namespace swiperig
