// The books of a stored run, a row a cycle (rig/trace.sql, table books), read for themselves: no event is read and no
// head recomputed, so that a run of days is reconciled again in seconds. The table's own digest is checked at its end;
// that its rows are what the events say, `swiperig judge` proves. One prepared statement, memory that is used again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "rig/cycle_books.hpp"
#include "rig/digest.hpp"
#include "rig/trace_open.hpp"
#include "rig/verdict.hpp"

namespace swiperig {

class Statement;

struct StoredBooks {
  std::int64_t cycle = 0, epoch = 0;
  Outcome outcome = Outcome::inconclusive;
  CycleBooks books;
};

class BooksReader {
 public:
  /// Throws TraceError where the file is no trace.
  explicit BooksReader(const std::string& path);
  ~BooksReader();

  /// The next cycle in order, for as long as nothing else is asked; null at the end. Throws TraceError that names the
  /// cycle where a row is none, and at the end where the rows are not what was recorded.
  const StoredBooks* next();
  /// How many cycles the run has done; -1: it did not end in order, and nothing proves its rows.
  std::int64_t cycles() const { return cycles_; }

 private:
  std::string path_;
  Database db_;
  std::unique_ptr<Statement> rows_;
  Sha256 digest_;
  StoredBooks now_;
  std::string recorded_, line_;
  std::int64_t cycles_ = -1;
};

/// Of the whole table.
Digest digest_of_books(sqlite3*);

}  // namespace swiperig
