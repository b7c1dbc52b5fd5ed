#include "rig/trace_tail.hpp"

#include <algorithm>
#include <iterator>

#include "rig/trace_statement.hpp"

namespace swiperig {

struct TraceTail::Extent {
  std::int64_t cycles = 0, events = 0;
  bool last_judged = true, ended = false;
  /// A run that is over has one message more.
  std::int64_t before_end() const { return 1 + 2 * cycles - (last_judged ? 0 : 1) + events; }
  std::int64_t size() const { return before_end() + (ended ? 1 : 0); }
};

struct TraceTail::Statements {
  explicit Statements(sqlite3* db)
      : begin(db, "BEGIN"),
        end(db, "COMMIT"),
        more_cycles(db, "SELECT cycle FROM cycles WHERE cycle>? ORDER BY cycle"),
        judged(db, "SELECT verdict IS NOT NULL FROM cycles WHERE cycle=?"),
        last_event(db, "SELECT first_seq+count-1 FROM chunks ORDER BY first_seq DESC LIMIT 1"),
        ended(db, "SELECT head IS NOT NULL FROM run"),
        first_seq(db, "SELECT first_seq FROM chunks WHERE cycle>=? ORDER BY cycle,first_seq LIMIT 1"),
        run(db,
            "SELECT campaign,bench,seed,rig_version,virtual,cycles_planned,begun_wall_s,wall_ms,ended_wall_s,head "
            "FROM run"),
        cycle(db,
              "SELECT cycle,begun_ns,case_name,ended_ns,outcome,cause,induced,head,verdict FROM cycles WHERE cycle=?"),
        chunks(db, "SELECT first_seq,events FROM chunks WHERE cycle=? AND first_seq+count>? ORDER BY first_seq") {}
  Statement begin, end, more_cycles, judged, last_event, ended, first_seq, run, cycle, chunks;
};

namespace {

/// One view of the file for several statements; a reader that kept it would let the write-ahead log grow.
class View {
 public:
  View(Statement& begin, Statement& end) : end_(end) { begin.step(); }
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  ~View() {
    try {
      end_.step();
    } catch (const TraceError&) {
      // nothing was written; the next statement that fails says why
    }
  }

 private:
  Statement& end_;
};

/// Leaves no row open behind a visitor that has enough.
struct Done {
  Statement& statement;
  ~Done() { statement.reset(); }
};

Database opened(const std::string& path) {
  sqlite3* db = nullptr;
  // never by another descriptor: closing one would drop the locks that the writer of this process holds on the file
  const int rc =
      sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database out(db);
  if (rc != SQLITE_OK) throw TraceError(path + ": cannot be read: " + sqlite3_errstr(rc));
  Statement(db, "PRAGMA query_only=ON").step();
  return out;
}

}  // namespace

TraceTail::TraceTail(const std::string& path) : db_(opened(path)) {
  Statement id(db_.get(), "SELECT id FROM run");
  if (!id.step()) throw TraceError(path + ": no run in it");
  run_id_ = id.text(0);
  statements_ = std::make_unique<Statements>(db_.get());
}

TraceTail::~TraceTail() = default;

TraceTail::Extent TraceTail::extent() {
  Statements& s = *statements_;
  const Done done[] = {{s.more_cycles}, {s.judged}, {s.last_event}, {s.ended}};
  s.more_cycles.bind(last_cycle_);
  while (s.more_cycles.step()) {
    const std::int64_t cycle = s.more_cycles.integer(0);
    if (stretches_.empty() || cycle != last_cycle_ + 1) stretches_.push_back({cycle, cycles_});
    last_cycle_ = cycle;
    ++cycles_;
  }
  Extent e;
  e.cycles = cycles_;
  if (cycles_ != 0) e.last_judged = s.judged.bind(last_cycle_).step() && s.judged.integer(0) != 0;
  if (s.last_event.step()) e.events = s.last_event.integer(0);
  e.ended = s.ended.step() && s.ended.integer(0) != 0;
  return e;
}

std::int64_t TraceTail::first_seq(std::int64_t cycle, const Extent& e) {
  Statement& s = statements_->first_seq;
  const Done done{s};
  return s.bind(cycle).step() ? s.integer(0) : e.events + 1;
}

std::int64_t TraceTail::cycle_at(std::int64_t place) const {
  const auto after = std::upper_bound(stretches_.begin(), stretches_.end(), place,
                                      [](std::int64_t wanted, const Stretch& s) { return wanted < s.place; });
  const Stretch& its = *std::prev(after);
  return its.cycle + (place - its.place);
}

std::int64_t TraceTail::place_of(std::int64_t number, const Extent& e) {
  std::int64_t low = 0, high = e.cycles - 1;
  while (low < high) {
    const std::int64_t middle = low + (high - low + 1) / 2;
    if (2 * middle + first_seq(cycle_at(middle), e) <= number) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

std::int64_t TraceTail::size() {
  const View view(statements_->begin, statements_->end);
  return extent().size();
}

void TraceTail::read(std::int64_t first, const std::function<bool(std::int64_t, const TailEntry&)>& visit) {
  Statements& s = *statements_;
  const View view(s.begin, s.end);
  const Extent e = extent();
  const Done done[] = {{s.run}, {s.cycle}, {s.chunks}};
  const bool has_run = s.run.step();
  std::int64_t number = first;
  if (!has_run || number < 0) return;
  if (number == 0) {
    const RunBegun run{s.run.view(0),         s.run.view(1),    s.run.view(2),   s.run.view(3),
                       s.run.integer(4) != 0, s.run.integer(5), s.run.integer(6)};
    if (!visit(number++, run)) return;
  }
  if (number < e.before_end()) {
    for (std::int64_t n = place_of(number, e); n < e.cycles; ++n) {
      const std::int64_t c = cycle_at(n);
      s.cycle.reset();
      if (!s.cycle.bind(c).step()) fail(db_.get(), "cycle " + std::to_string(c) + ", which is missing");
      std::int64_t seq = first_seq(c, e);
      if (number == 2 * n + seq) {
        if (!visit(number++, CycleBegun{c, s.cycle.integer(1), s.cycle.view(2)})) return;
      }
      seq = std::max(seq, number - 2 * n - 1);
      s.chunks.reset();
      s.chunks.bind(c).bind(seq);
      bool enough = false;
      while (!enough && s.chunks.step()) {
        read_chunk(s.chunks.view(1), s.chunks.integer(0), c, [&](const StoredLine& line) {
          if (line.seq < seq) return true;
          enough = !visit(number++, line);
          return !enough;
        });
      }
      if (enough) return;
      if (s.cycle.null(8)) break;
      const CycleJudged judged{c,
                               s.cycle.integer(3),
                               s.cycle.view(2),
                               s.cycle.view(4),
                               s.cycle.view(5),
                               s.cycle.view(6),
                               s.cycle.view(7),
                               s.cycle.view(8)};
      if (!visit(number++, judged)) return;
    }
  }
  if (e.ended && number == e.before_end()) {
    visit(number, RunEnded{e.cycles, e.events, s.run.integer(7), s.run.integer(8), s.run.view(9)});
  }
}

}  // namespace swiperig
