// run.trace on disk: SQLite, schema in rig/trace.sql. Writing never retries and a failed write ends the run. A begun
// cycle and a verdict are durable when the call returns; events in between reach the operating system at once and the
// disk with the next durable call, so that nothing on the fault path waits for a disk. Reading checks the whole chain
// first: a damaged or foreign file is refused with the place.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "rig/trace.hpp"
#include "rig/trace_open.hpp"

namespace swiperig {

class Statement;

struct TraceError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class TraceWriter {
 public:
  /// Makes the file; refuses to overwrite one. `durable`: real equipment, every begin and verdict is synced.
  TraceWriter(const std::string& path, const RunInfo& run, bool durable);
  ~TraceWriter();

  /// A case that was drawn for the cycle that begins next.
  void add_case(const Case&);

  // Real equipment: as it happens. One epoch, number 0.
  void begin(std::int64_t cycle, const std::string& case_name, Time at);
  void event(const Event&);
  void verdict(std::int64_t cycle, Time ended, const Verdict&);

  /// Virtual benches: a whole epoch at once, in order.
  void epoch(const EpochRecord&);

  /// What the vault beside it has come to; before the end.
  void vault(const VaultHead&);
  /// Ends the run in order and returns its head. `wall_ms`: how long it took.
  Digest finish(std::int64_t wall_ms);

  std::uint64_t events() const { return seq_; }

 private:
  void exec(const char* sql);
  void insert(std::int64_t cycle, const Lines&);
  void insert_books(std::int64_t cycle, std::int64_t epoch, const Verdict&, std::uint64_t base);

  Database db_;
  std::unique_ptr<Statement> insert_chunk_, insert_books_;
  std::string row_;
  bool durable_;
  std::uint64_t seq_ = 0;
  std::int64_t first_cycle_ = 0, cycles_ = 0;
  Digest epoch_head_{}, run_head_{};
  Time last_{};
  bool live_ = false;
};

/// A run read back, checked against its heads.
class TraceReader {
 public:
  /// Throws TraceError that names the file and the place of the damage.
  explicit TraceReader(const std::string& path);
  ~TraceReader();

  /// Without the cases that were drawn: case_named has every one.
  const RunInfo& run() const { return run_; }
  /// Throws TraceError where the trace has no such case.
  Case case_named(const std::string& name) const;
  /// "" when the run did not end in order.
  const std::string& head() const { return head_; }
  std::int64_t wall_ms() const { return wall_ms_; }
  /// Seconds since 1970 when bench time was zero.
  std::int64_t begun_wall_s() const { return begun_wall_s_; }
  Duration bench_time() const { return bench_time_; }
  std::uint64_t events() const { return events_; }
  /// None: the run had no vault, or did not end in order.
  std::optional<VaultHead> vault() const;
  /// Every cycle in order, its events with it.
  void for_each(const std::function<void(const CycleRecord&)>&) const;
  std::optional<CycleRecord> cycle(std::int64_t number) const;
  /// Their numbers in order.
  std::vector<std::int64_t> cycles() const;
  /// Every event in order, unparsed.
  void for_each_line(const std::function<void(const StoredLine&)>&) const;

 private:
  void check() const;
  CycleRecord load(std::int64_t number) const;
  std::int64_t tell(const Statement& chunks, std::int64_t cycle, const std::function<void(const StoredLine&)>&) const;

  std::string path_;
  Database db_;
  RunInfo run_;
  std::string head_;
  std::int64_t wall_ms_ = 0, begun_wall_s_ = 0;
  Duration bench_time_{};
  std::uint64_t events_ = 0;
};

}  // namespace swiperig
