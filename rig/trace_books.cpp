#include "rig/trace_books.hpp"

#include <charconv>

#include "rig/trace.hpp"
#include "rig/trace_statement.hpp"

namespace swiperig {

namespace {

constexpr const char* all_rows = "SELECT cycle,epoch,outcome,books FROM books ORDER BY cycle";

void append(std::int64_t n, std::string& out) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr) += '|';
}

/// The row as rig/trace.sql hashes it.
void line_of(const Statement& row, std::string& line) {
  line.clear();
  append(row.integer(0), line);
  append(row.integer(1), line);
  line.append(row.view(2)) += '|';
  line.append(row.view(3)) += '\n';
}

}  // namespace

BooksReader::BooksReader(const std::string& path) : path_(path), db_(open_trace(path)) {
  Statement contents(db_.get(), "SELECT books,(SELECT sum(cycles) FROM epochs) FROM contents");
  if (contents.step()) {
    recorded_ = contents.text(0);
    cycles_ = contents.integer(1);
  }
  rows_ = std::make_unique<Statement>(db_.get(), all_rows);
}

BooksReader::~BooksReader() = default;

const StoredBooks* BooksReader::next() {
  if (!rows_->step()) {
    if (cycles_ >= 0 && hex(digest_.end()) != recorded_) {
      throw TraceError(path_ + ": table books is not what was recorded: its digest does not fit");
    }
    return nullptr;
  }
  line_of(*rows_, line_);
  digest_.add(line_);
  now_.cycle = rows_->integer(0);
  now_.epoch = rows_->integer(1);
  try {
    now_.outcome = parse_outcome(rows_->view(2));
    parse_row(rows_->view(3), now_.books);
  } catch (const std::runtime_error& e) {
    throw TraceError(path_ + ": cycle " + std::to_string(now_.cycle) + ": " + e.what());
  }
  return &now_;
}

Digest digest_of_books(sqlite3* db) {
  Statement row(db, all_rows);
  Sha256 digest;
  for (std::string line; row.step();) {
    line_of(row, line);
    digest.add(line);
  }
  return digest.end();
}

}  // namespace swiperig
