#include "rig/trace_open.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "rig/trace_file.hpp"

namespace swiperig {

namespace fs = std::filesystem;

// rig/trace.sql, put in at build time
const char* const trace_schema =
#include "trace.sql.inc"
    ;

namespace {

constexpr std::size_t most_objects = 100;  // of a schema, before it is certainly another one

/// Reading a pipe would wait for somebody to write.
void check_kind(const std::string& path) {
  std::error_code error;
  if (!fs::exists(path, error)) throw TraceError(path + ": cannot be read");
  for (const char* beside : {"", "-wal", "-shm", "-journal"}) {
    if (fs::exists(path + beside, error) && !fs::is_regular_file(path + beside, error)) {
      throw TraceError(path + beside + ": not a file");
    }
  }
}

bool has_wal(const std::string& path) {
  std::error_code error;
  const auto bytes = fs::file_size(path + "-wal", error);
  return !error && bytes != 0;
}

void check_header(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw TraceError(path + ": cannot be read");
  char magic[100] = {};
  file.read(magic, sizeof magic);
  if (file.gcount() < 100 || std::memcmp(magic, "SQLite format 3", 16) != 0) {
    throw TraceError(path + ": offset 0: not a trace (expected a SQLite database)");
  }
  const auto big_endian = [&](int at) {
    return (std::uint32_t{static_cast<unsigned char>(magic[at])} << 24) |
           (std::uint32_t{static_cast<unsigned char>(magic[at + 1])} << 16) |
           (std::uint32_t{static_cast<unsigned char>(magic[at + 2])} << 8) |
           std::uint32_t{static_cast<unsigned char>(magic[at + 3])};
  };
  if (big_endian(68) != trace_application_id) {
    throw TraceError(path + ": offset 68: a SQLite database, but not a trace (expected application id SWIP)");
  }
  if (big_endian(60) != trace_schema_version) {
    throw TraceError(path + ": offset 60: trace schema version " + std::to_string(big_endian(60)) +
                     ", this program reads version " + std::to_string(trace_schema_version));
  }
  // a disk that was full in the middle of a checkpoint: the log beside the file has the missing pages
  if (has_wal(path)) return;
  const std::uint64_t page = (static_cast<unsigned char>(magic[16]) << 8) | static_cast<unsigned char>(magic[17]);
  const std::uint64_t expected = std::uint64_t{big_endian(28)} * (page == 1 ? 65536 : page);
  const std::uint64_t size = fs::file_size(path);
  if (size < expected) {
    throw TraceError(path + ": offset " + std::to_string(size) + ": cut off (" + std::to_string(expected) +
                     " bytes expected)");
  }
}

/// Of every object its type, name and text, by name. Returns SQLite's code.
int objects_of(sqlite3* db, std::vector<std::string>& objects) {
  const auto add = [](void* to, int columns, char** values, char**) {
    std::string object;
    for (int i = 0; i < columns; ++i) object += std::string(values[i] == nullptr ? "" : values[i]) + "\n";
    auto& list = *static_cast<std::vector<std::string>*>(to);
    list.push_back(std::move(object));
    return list.size() > most_objects ? 1 : 0;
  };
  return sqlite3_exec(db, "PRAGMA trusted_schema=OFF; SELECT type,name,tbl_name,sql FROM sqlite_master ORDER BY name",
                      add, &objects, nullptr);
}

std::vector<std::string> known_objects() {
  sqlite3* db = nullptr;
  sqlite3_open(":memory:", &db);
  const Database memory(db);
  sqlite3_exec(db, trace_schema, nullptr, nullptr, nullptr);
  std::vector<std::string> objects;
  objects_of(db, objects);
  return objects;
}

/// As a URI: a folder that cannot be written to cannot hold the lock files of an ordinary opening.
std::string immutable_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : fs::absolute(path).string()) {
    if (c == '%' || c == '?' || c == '#') {
      uri += c == '%' ? "%25" : c == '?' ? "%3f" : "%23";
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

}  // namespace

void CloseDatabase::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

Database open_trace(const std::string& path) {
  check_kind(path);
  check_header(path);
  std::vector<std::string> objects;
  sqlite3* db = nullptr;
  int rc = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, nullptr);
  Database opened(db);
  if (rc == SQLITE_OK) rc = objects_of(db, objects);
  if (((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY) && !has_wal(path)) {
    objects.clear();
    rc = sqlite3_open_v2(immutable_uri(path).c_str(), &db,
                         SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE, nullptr);
    opened.reset(db);
    if (rc == SQLITE_OK) rc = objects_of(db, objects);
  }
  if (rc != SQLITE_OK && rc != SQLITE_ABORT) throw TraceError(path + ": " + sqlite3_errmsg(db) + ", at its schema");
  if (objects != known_objects()) {
    throw TraceError(path + ": its tables are not those of a trace (expected exactly the schema of rig/trace.sql)");
  }
  return opened;
}

}  // namespace swiperig
