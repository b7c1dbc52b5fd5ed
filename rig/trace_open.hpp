// Opening a file that is said to be a trace and may be anything: not a file at all, another database, a trace of
// another schema, a database whose tables were replaced by views that never end. All that is found out before its
// first row is read, so that the rest of the reader deals with damage only.
#pragma once

#include <memory>
#include <string>

struct sqlite3;

namespace swiperig {

constexpr int trace_application_id = 0x53574950;  // "SWIP"
constexpr int trace_schema_version = 5;
/// The text of rig/trace.sql.
extern const char* const trace_schema;

struct CloseDatabase {
  void operator()(sqlite3* db) const;
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

/// Throws TraceError, with the offset where there is one. Where the folder takes no lock files, an orderly ended trace
/// is read all the same.
Database open_trace(const std::string& path);

}  // namespace swiperig
