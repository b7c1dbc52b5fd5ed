#include "rig/trace_file.hpp"

#include <sqlite3.h>

#include <cassert>
#include <filesystem>
#include <map>

#include "rig/clock.hpp"
#include "rig/trace_books.hpp"
#include "rig/trace_statement.hpp"

namespace swiperig {

namespace {

Digest unhex(const std::string& text) {
  Digest digest{};
  const auto bytes = from_hex(text);
  if (bytes && bytes->size() == digest.size()) std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

/// The digest of all that is beside the events, as rig/trace.sql says.
Digest digest_of_contents(sqlite3* db) {
  static constexpr const char* rows[] = {
      "SELECT quote(id)||'|'||quote(campaign)||'|'||quote(bench)||'|'||quote(seed)||'|'||quote(virtual)||'|'||"
      "quote(cycles_planned)||'|'||quote(scope)||'|'||quote(rig_version)||'|'||quote(begun_wall_s)||'|'||"
      "quote(ended_wall_s)||'|'||quote(wall_ms)||'|'||quote(head) FROM run",
      "SELECT quote(name)||'|'||quote(body) FROM cases ORDER BY rowid",
      "SELECT quote(epoch)||'|'||quote(first_cycle)||'|'||quote(cycles)||'|'||quote(bench_ns)||'|'||quote(head) "
      "FROM epochs ORDER BY epoch",
      "SELECT quote(cycle)||'|'||quote(epoch)||'|'||quote(case_name)||'|'||quote(begun_ns)||'|'||quote(ended_ns)||'|'||"
      "quote(outcome)||'|'||quote(cause)||'|'||quote(induced)||'|'||quote(verdict)||'|'||quote(head) "
      "FROM cycles ORDER BY cycle",
      "SELECT quote(messages)||'|'||quote(sha256) FROM vault"};
  Digest digest{};
  for (const char* query : rows) {
    Statement row(db, query);
    while (row.step()) chain(digest, row.view(0));
  }
  return digest;
}

/// Times of a trace can be subtracted without leaving their type.
Time time_of(std::int64_t ns) {
  if (ns < 0 || ns > std::int64_t{1} << 62) throw std::runtime_error("a time of " + std::to_string(ns) + " ns");
  return Time(Duration(ns));
}

Event event_of(const StoredLine& line) {
  Event e;
  e.seq = static_cast<std::uint64_t>(line.seq);
  e.cycle = line.cycle;
  e.at = time_of(line.at_ns);
  e.at_uncertainty = time_of(line.at_uncertainty_ns).time_since_epoch();
  e.source = parse_source(line.source);
  e.body = parse_body(line.kind, line.body);
  return e;
}

}  // namespace

void TraceWriter::exec(const char* sql) {
  if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(db_.get(), sql);
}

TraceWriter::TraceWriter(const std::string& path, const RunInfo& run, bool durable) : durable_(durable) {
  if (std::filesystem::exists(path)) throw TraceError(path + " exists: a trace is never overwritten");
  sqlite3* db = nullptr;
  const int rc = sqlite3_open_v2(
      path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX,
      nullptr);
  db_.reset(db);
  if (rc != SQLITE_OK) throw TraceError(path + ": cannot be made: " + sqlite3_errstr(rc));
  // a cycle of a virtual bench is a long row; a real one writes, and syncs, an event at a time
  if (!durable) exec("PRAGMA page_size=8192");
  exec(("PRAGMA application_id=" + std::to_string(trace_application_id)).c_str());
  exec(("PRAGMA user_version=" + std::to_string(trace_schema_version)).c_str());
  exec("PRAGMA journal_mode=WAL");
  exec("PRAGMA synchronous=NORMAL");
  exec("BEGIN");
  exec(trace_schema);
  Statement(db_.get(), "INSERT INTO run VALUES(?,?,?,?,?,?,?,?,?,NULL,NULL,NULL)")
      .bind(run.id)
      .bind(run.campaign)
      .bind(run.bench)
      .bind(std::to_string(run.seed))
      .bind(std::int64_t{run.is_virtual})
      .bind(run.cycles_planned)
      .bind(to_json(run.scope))
      .bind("0.1.0")
      .bind(wall_clock_s())
      .step();
  for (const Case& c : run.cases) add_case(c);
  exec("COMMIT");
  insert_chunk_ = std::make_unique<Statement>(db_.get(), "INSERT INTO chunks VALUES(?,?,?,?)");
  insert_books_ = std::make_unique<Statement>(db_.get(), "INSERT INTO books VALUES(?,?,?,?)");
}

TraceWriter::~TraceWriter() = default;

void TraceWriter::add_case(const Case& c) {
  Statement(db_.get(), "INSERT INTO cases VALUES(?,?)").bind(c.name).bind(to_json(c)).step();
}

void TraceWriter::begin(std::int64_t cycle, const std::string& case_name, Time at) {
  live_ = true;
  if (durable_) exec("PRAGMA synchronous=FULL");
  Statement(db_.get(), "INSERT INTO cycles(cycle,epoch,case_name,begun_ns) VALUES(?,0,?,?)")
      .bind(cycle)
      .bind(case_name)
      .bind(at.time_since_epoch().count())
      .step();
  if (durable_) exec("PRAGMA synchronous=NORMAL");
  ++cycles_;
}

void TraceWriter::insert(std::int64_t cycle, const Lines& lines) {
  if (lines.size() == 0) return;
  insert_chunk_->bind(static_cast<std::int64_t>(seq_ + 1))
      .bind(cycle)
      .bind(static_cast<std::int64_t>(lines.size()))
      .lend(lines.chunk())
      .step();
  seq_ += lines.size();
}

void TraceWriter::insert_books(std::int64_t cycle, std::int64_t epoch, const Verdict& v, std::uint64_t base) {
  row_.clear();
  append_row(v.books, base, row_);
  insert_books_->bind(cycle).bind(epoch).bind(to_string(v.outcome)).lend(row_).step();
}

void TraceWriter::event(const Event& e) {
  assert(e.seq == seq_ + 1 && "events are numbered as they arrive");
  Lines one;
  one.add({&e, 1}, epoch_head_);
  insert(e.cycle, one);
  last_ = e.at;
}

void TraceWriter::verdict(std::int64_t cycle, Time ended, const Verdict& v) {
  insert_books(cycle, 0, v, 0);  // durable with the verdict
  if (durable_) exec("PRAGMA synchronous=FULL");
  Statement(db_.get(), "UPDATE cycles SET ended_ns=?,outcome=?,cause=?,induced=?,verdict=?,head=? WHERE cycle=?")
      .bind(ended.time_since_epoch().count())
      .bind(to_string(v.outcome))
      .bind(v.diagnosis.cause)
      .bind(v.induced)
      .bind(to_json(v))
      .bind(hex(epoch_head_))
      .bind(cycle)
      .step();
  if (durable_) exec("PRAGMA synchronous=NORMAL");
  last_ = ended;
}

void TraceWriter::epoch(const EpochRecord& record) {
  exec("BEGIN");
  for (const Case& c : record.drawn) add_case(c);
  Statement row(db_.get(), "INSERT INTO cycles VALUES(?,?,?,?,?,?,?,?,?,?)");
  const std::uint64_t base = seq_;
  for (const CycleRecord& c : record.cycles) {
    insert(c.cycle, c.lines);
    assert(c.verdict && "an epoch is written when all its cycles have ended");
    Verdict v = *c.verdict;
    renumber(v, base);
    insert_books(c.cycle, record.epoch, v, base);
    row.bind(c.cycle)
        .bind(record.epoch)
        .bind(c.case_name)
        .bind(c.begun.time_since_epoch().count())
        .bind(c.ended.time_since_epoch().count())
        .bind(to_string(v.outcome))
        .bind(v.diagnosis.cause)
        .bind(v.induced)
        .bind(to_json(v))
        .bind(hex(c.head))
        .step();
  }
  Statement(db_.get(), "INSERT INTO epochs VALUES(?,?,?,?,?)")
      .bind(record.epoch)
      .bind(record.cycles.empty() ? 0 : record.cycles.front().cycle)
      .bind(static_cast<std::int64_t>(record.cycles.size()))
      .bind(record.bench_time.count())
      .bind(hex(record.head))
      .step();
  exec("COMMIT");
  fold(run_head_, record.head);
}

void TraceWriter::vault(const VaultHead& head) {
  Statement(db_.get(), "INSERT INTO vault VALUES(?,?)").bind(head.messages).bind(hex(head.sha256)).step();
}

Digest TraceWriter::finish(std::int64_t wall_ms) {
  exec("BEGIN");
  if (live_) {
    // a cycle cut short has no verdict, but its events are part of the head
    Statement(db_.get(), "UPDATE cycles SET head=? WHERE head IS NULL").bind(hex(epoch_head_)).step();
    Statement(db_.get(), "INSERT INTO epochs VALUES(0,0,?,?,?)")
        .bind(cycles_)
        .bind(last_.time_since_epoch().count())
        .bind(hex(epoch_head_))
        .step();
    fold(run_head_, epoch_head_);
  }
  // whoever goes on for as long as it takes has planned what was done
  Statement(db_.get(),
            "UPDATE run SET ended_wall_s=?,wall_ms=?,head=?,"
            "cycles_planned=max(cycles_planned,(SELECT count(*) FROM cycles))")
      .bind(wall_clock_s())
      .bind(wall_ms)
      .bind(hex(run_head_))
      .step();
  Statement(db_.get(), "INSERT INTO contents VALUES(?,?)")
      .bind(hex(digest_of_contents(db_.get())))
      .bind(hex(digest_of_books(db_.get())))
      .step();
  exec("COMMIT");
  exec("PRAGMA wal_checkpoint(TRUNCATE)");
  return run_head_;
}

TraceReader::TraceReader(const std::string& path) : path_(path) {
  db_ = open_trace(path);
  check();
  Statement run(db_.get(),
                "SELECT id,campaign,bench,seed,virtual,cycles_planned,scope,head,wall_ms,begun_wall_s FROM run");
  if (!run.step()) throw TraceError(path + ": no run in it");
  run_.id = run.text(0);
  run_.campaign = run.text(1);
  run_.bench = run.text(2);
  run_.seed = std::strtoull(run.text(3).c_str(), nullptr, 10);
  run_.is_virtual = run.integer(4) != 0;
  run_.cycles_planned = run.integer(5);
  head_ = run.text(7);
  wall_ms_ = run.integer(8);
  begun_wall_s_ = run.integer(9);
  try {
    run_.scope = parse_scope(run.text(6));
    // as to_json writes the cause of a drawn case; in a text the quotes would be escaped
    Statement cases(db_.get(), "SELECT body FROM cases WHERE instr(body,'\"cause\":\"drawn\"')=0 ORDER BY rowid");
    while (cases.step()) run_.cases.push_back(parse_case(cases.text(0)));
  } catch (const TraceError&) {
    throw;
  } catch (const std::runtime_error& e) {
    throw TraceError(path + ": tables run or cases: " + e.what());
  }
  Statement sums(db_.get(),
                 "SELECT (SELECT coalesce(sum(bench_ns),0) FROM epochs),(SELECT coalesce(sum(count),0) FROM chunks)");
  sums.step();
  bench_time_ = Duration(sums.integer(0));
  events_ = static_cast<std::uint64_t>(sums.integer(1));
}

TraceReader::~TraceReader() = default;

std::optional<VaultHead> TraceReader::vault() const {
  Statement row(db_.get(), "SELECT messages,sha256 FROM vault");
  if (head_.empty() || !row.step()) return std::nullopt;
  return VaultHead{row.integer(0), unhex(row.text(1))};
}

Case TraceReader::case_named(const std::string& name) const {
  Statement found(db_.get(), "SELECT body FROM cases WHERE name=?");
  if (!found.bind(name).step()) throw TraceError(path_ + ": a cycle of case \"" + name + "\", which it does not have");
  try {
    return parse_case(found.text(0));
  } catch (const std::runtime_error& e) {
    throw TraceError(path_ + ": case \"" + name + "\": " + e.what());
  }
}

void TraceReader::check() const {
  {
    Statement integrity(db_.get(), "PRAGMA integrity_check(1)");
    if (integrity.step() && integrity.view(0) != "ok") {
      const std::string what = integrity.text(0);
      std::string place;
      if (const auto at = what.find("page "); at != std::string::npos) {
        Statement page(db_.get(), "PRAGMA page_size");
        page.step();
        place =
            "offset " + std::to_string((std::strtoll(what.c_str() + at + 5, nullptr, 10) - 1) * page.integer(0)) + ": ";
      }
      throw TraceError(path_ + ": " + place + "damaged: " + what);
    }
  }
  Statement cycles(db_.get(), "SELECT cycle,epoch,head,verdict IS NOT NULL FROM cycles ORDER BY cycle");
  Statement chunks(db_.get(), "SELECT first_seq,count,events FROM chunks WHERE cycle=? ORDER BY first_seq");
  Digest head{};
  std::int64_t epoch = -1, expected_seq = 1;
  std::map<std::int64_t, Digest> heads;  // of epochs, as their events say
  while (cycles.step()) {
    if (cycles.integer(1) != epoch) {
      epoch = cycles.integer(1);
      head = Digest{};
    }
    const std::int64_t cycle = cycles.integer(0), first = expected_seq;
    const auto in_cycle = " (cycle " + std::to_string(cycle) + ")";
    chunks.bind(cycle);
    while (chunks.step()) {
      if (chunks.integer(0) != expected_seq) {
        throw TraceError(path_ + ": event " + std::to_string(expected_seq) + " is missing" + in_cycle);
      }
      expected_seq += tell(chunks, cycle, [&](const StoredLine& line) { chain(head, line); });
    }
    const std::int64_t last = expected_seq - 1;
    if (cycles.null(2) && cycles.integer(3) != 0) {
      throw TraceError(path_ + ": cycle " + std::to_string(cycle) + " has a verdict and no head to prove it by");
    }
    if (!cycles.null(2) && unhex(cycles.text(2)) != head) {
      if (last < first) throw TraceError(path_ + ": events are missing" + in_cycle);
      throw TraceError(path_ + ": events " + std::to_string(first) + " to " + std::to_string(last) + in_cycle +
                       " are not what was recorded: the head does not fit");
    }
    heads[epoch] = head;
  }
  Statement more(db_.get(), "SELECT count(*) FROM chunks WHERE cycle NOT IN (SELECT cycle FROM cycles)");
  more.step();
  if (more.integer(0) != 0) throw TraceError(path_ + ": events that belong to no cycle");
  Statement run(db_.get(), "SELECT head FROM run");
  if (!run.step() || run.null(0)) return;
  Digest run_head{};
  Statement epochs(db_.get(), "SELECT epoch,head FROM epochs ORDER BY epoch");
  while (epochs.step()) {
    // a last cycle that was cut short has no head of its own
    if (epochs.text(1) != hex(heads[epochs.integer(0)])) {
      throw TraceError(path_ + ": epoch " + epochs.text(0) + ": its head does not fit its last cycle");
    }
    fold(run_head, unhex(epochs.text(1)));
  }
  if (unhex(run.text(0)) != run_head) throw TraceError(path_ + ": the head of the run does not fit its epochs");
  Statement contents(db_.get(), "SELECT sha256,books FROM contents");
  if (!contents.step() || contents.text(0) != hex(digest_of_contents(db_.get()))) {
    throw TraceError(
        path_ + ": tables run, cases, epochs, cycles or vault are not what was recorded: their digest does not fit");
  }
  if (contents.text(1) != hex(digest_of_books(db_.get()))) {
    throw TraceError(path_ + ": table books is not what was recorded: its digest does not fit");
  }
}

/// The events of the row at which `chunks` stands: first_seq, count, events. Returns how many.
std::int64_t TraceReader::tell(const Statement& chunks, std::int64_t cycle,
                               const std::function<void(const StoredLine&)>& visit) const {
  const std::int64_t first = chunks.integer(0);
  const auto refused = [&](const std::string& why) {
    return TraceError(path_ + ": events from " + std::to_string(first) + " on (cycle " + std::to_string(cycle) +
                      ") are not what was recorded: " + why);
  };
  std::size_t told = 0;
  try {
    told = read_chunk(chunks.view(2), first, cycle, [&](const StoredLine& line) {
      visit(line);
      return true;
    });
  } catch (const TraceError&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw refused(error.what());
  }
  if (std::cmp_not_equal(told, chunks.integer(1))) {
    throw refused(std::to_string(chunks.integer(1)) + " expected, " + std::to_string(told) + " found");
  }
  return chunks.integer(1);
}

CycleRecord TraceReader::load(std::int64_t number) const {
  Statement cycle(db_.get(), "SELECT case_name,begun_ns,ended_ns,verdict,head FROM cycles WHERE cycle=?");
  cycle.bind(number).step();
  CycleRecord record;
  record.cycle = number;
  record.case_name = cycle.text(0);
  try {
    record.begun = time_of(cycle.integer(1));
    record.ended = time_of(cycle.integer(2));
    if (!cycle.null(3)) record.verdict = parse_verdict(cycle.text(3));
    record.head = unhex(cycle.text(4));
    Statement books(db_.get(), "SELECT books FROM books WHERE cycle=?");
    if (record.verdict && books.bind(number).step()) {
      parse_row(books.view(0), record.verdict->books);
      record.verdict->standings = standings_of(record.verdict->books);
    }
    Statement chunks(db_.get(), "SELECT first_seq,count,events FROM chunks WHERE cycle=? ORDER BY first_seq");
    chunks.bind(number);
    while (chunks.step()) {
      tell(chunks, number, [&](const StoredLine& line) {
        try {
          record.events.push_back(event_of(line));
        } catch (const std::runtime_error& error) {
          throw TraceError(path_ + ": event " + std::to_string(line.seq) + ": " + error.what());
        }
      });
    }
  } catch (const TraceError&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw TraceError(path_ + ": cycle " + std::to_string(number) + ": " + error.what());
  }
  return record;
}

void TraceReader::for_each(const std::function<void(const CycleRecord&)>& visit) const {
  Statement cycles(db_.get(), "SELECT cycle FROM cycles ORDER BY cycle");
  while (cycles.step()) visit(load(cycles.integer(0)));
}

void TraceReader::for_each_line(const std::function<void(const StoredLine&)>& visit) const {
  Statement chunks(db_.get(), "SELECT first_seq,count,events,cycle FROM chunks ORDER BY first_seq");
  while (chunks.step()) tell(chunks, chunks.integer(3), visit);
}

std::vector<std::int64_t> TraceReader::cycles() const {
  std::vector<std::int64_t> numbers;
  Statement cycles(db_.get(), "SELECT cycle FROM cycles ORDER BY cycle");
  while (cycles.step()) numbers.push_back(cycles.integer(0));
  return numbers;
}

std::optional<CycleRecord> TraceReader::cycle(std::int64_t number) const {
  Statement found(db_.get(), "SELECT 1 FROM cycles WHERE cycle=?");
  if (!found.bind(number).step()) return std::nullopt;
  return load(number);
}

}  // namespace swiperig
