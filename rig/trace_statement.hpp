// One statement of a trace's database, prepared, bound and stepped, for the files that know SQLite. Whatever SQLite
// refuses is a TraceError that names the file and the statement. An open read keeps its view of the file until the
// statement is done or gone.
#pragma once

#include <sqlite3.h>

#include <string>
#include <string_view>

#include "rig/trace_file.hpp"

namespace swiperig {

[[noreturn]] inline void fail(sqlite3* db, const std::string& doing) {
  const std::string what = sqlite3_errmsg(db);
  const char* file = sqlite3_db_filename(db, "main");
  throw TraceError(std::string(file == nullptr ? "run.trace" : file) + ": " + what + ", at: " + doing);
}

class Statement {
 public:
  Statement(sqlite3* db, const char* sql) : db_(db) {
    if (sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr) != SQLITE_OK) fail(db, sql);
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  Statement& bind(std::int64_t v) {
    sqlite3_bind_int64(statement_, ++bound_, v);
    return *this;
  }
  Statement& bind(std::string_view v) {
    sqlite3_bind_text(statement_, ++bound_, v.data(), static_cast<int>(v.size()), SQLITE_TRANSIENT);
    return *this;
  }
  /// Of text that stays as it is until the step.
  Statement& lend(std::string_view v) {
    sqlite3_bind_text(statement_, ++bound_, v.data(), static_cast<int>(v.size()), SQLITE_STATIC);
    return *this;
  }
  Statement& bind(const std::string& v) { return bind(std::string_view(v)); }
  Statement& bind(const char* v) { return bind(std::string_view(v)); }
  bool step() {
    const int rc = sqlite3_step(statement_);
    if (rc == SQLITE_ROW) return true;
    if (rc != SQLITE_DONE) fail(db_, sqlite3_sql(statement_));
    reset();
    return false;
  }
  /// Ready to be bound again, though there may be more rows.
  void reset() {
    sqlite3_reset(statement_);
    bound_ = 0;
  }
  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  bool null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  std::string text(int column) const {
    const auto* t = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return t == nullptr ? std::string()
                        : std::string(t, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
  }
  std::string_view view(int column) const {
    const auto* t = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return t == nullptr ? std::string_view()
                        : std::string_view(t, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
  }

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
};

}  // namespace swiperig
