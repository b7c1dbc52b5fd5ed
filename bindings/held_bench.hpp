// A virtual bench that a program holds: it is told cases, one call after another, and everything goes into one trace.
// Each call begins on a fresh bench with the bench's seed, so that what a case does depends on nothing that was run
// before it. Not thread-safe. A process that was forked off must not touch it: the trace is the parent's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bindings/epochs.hpp"
#include "rig/trace_file.hpp"

namespace swiperig {

class Value;

struct HeldBenchOptions {
  std::string path;            ///< bench file
  std::string terminal, host;  ///< profiles instead of the bench's own, or ""
  std::string out;             ///< new or empty folder; "": runs/<name>-<n>
  std::string name = "python";
  std::string defect;  ///< planted in the terminal, or ""
  std::uint64_t seed = 1;
};

class HeldBench {
 public:
  /// Throws ConfigError, also of a bench that is not virtual.
  explicit HeldBench(const HeldBenchOptions&);
  ~HeldBench();
  HeldBench(const HeldBench&) = delete;
  HeldBench& operator=(const HeldBench&) = delete;

  struct Amount {
    std::int64_t cycles = 1;  ///< cases in turn
    int threads = 0;          ///< 0: the caller's own
  };
  /// Each cycle as it was recorded, with its events, and the case as the trace has it.
  using TakeCycle = std::function<void(CycleRecord, const Case&)>;
  /// Throws ConfigError when the bench cannot do one of them, Aborted, TraceError; EquipmentError or LinkError.
  void run(std::vector<Case>, const Amount&, const Stop&, const TakeCycle&);

  /// Does one thing by hand, on a bench that is kept for it, and returns what was seen since the last time, numbered as
  /// the trace will have it. Throws as run does.
  std::vector<Event> by_hand(const Value& said, const Stop&);
  /// Ends what is done by hand, with the bench at rest; nothing: there was nothing, or it was stopped. So does run.
  std::optional<CycleRecord> end_by_hand(const Stop&);

  /// Ends the trace in order; "": nothing was run. Again: the same head.
  std::string close();

  const BenchFile& file() const { return file_; }
  const Scope& scope() const { return scope_; }
  std::uint64_t seed() const { return options_.seed; }
  const std::string& folder() const { return folder_; }  ///< "" until something ran
  const std::string& run_id() const { return run_id_; }

 private:
  void begin_trace();
  void keep(EpochRecord, const std::function<void(CycleRecord)>& take);
  void name_apart(Case&);
  void refuse_foreign_process() const;

  HeldBenchOptions options_;
  BenchFile file_;
  Scope scope_;
  std::set<std::string> defects_;
  std::string folder_, run_id_, head_;
  std::unique_ptr<TraceWriter> trace_;
  std::unique_ptr<EpochByHand> by_hand_;
  std::map<std::string, std::string> cases_;  ///< of the trace, by name: what they are
  std::int64_t cycles_ = 0, epochs_ = 0;
  double began_ = 0;
  int owner_;  ///< process
  bool closed_ = false, failed_ = false;
};

}  // namespace swiperig
