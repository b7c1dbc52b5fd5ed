// A folder for a trace, and what the sqlite3 library alone sees of it and does to it.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace swiperig {

namespace fs = std::filesystem;

/// A folder that goes with its test.
struct Place {
  fs::path path;
  Place() {
    std::string name = (fs::temp_directory_path() / "swiperig-trace-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder");
    path = name;
  }
  ~Place() { fs::remove_all(path); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  std::string file(const std::string& name = "run.trace") const { return (path / name).string(); }
};

inline std::string sha256_of(const std::string& bytes) {
  unsigned char out[32];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), out, &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<char*>(out), size};
}
inline std::string lower_hex(const std::string& bytes) {
  std::string text;
  for (const unsigned char c : bytes) {
    text += "0123456789abcdef"[c >> 4];
    text += "0123456789abcdef"[c & 15];
  }
  return text;
}
inline std::vector<std::vector<std::string>> query(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  std::vector<std::vector<std::string>> rows;
  char* error = nullptr;
  sqlite3_exec(
      db, sql.c_str(),
      [](void* to, int n, char** values, char**) {
        auto& row = static_cast<std::vector<std::vector<std::string>>*>(to)->emplace_back();
        for (int i = 0; i < n; ++i) row.emplace_back(values[i] == nullptr ? "NULL" : values[i]);
        return 0;
      },
      &rows, &error);
  EXPECT_EQ(error, nullptr) << error;
  sqlite3_close(db);
  return rows;
}
/// The trace after `sql` was done to a table `e` with all its events, one row each.
inline void alter_events(const std::string& path, const std::string& sql) {
  query(path, "CREATE TEMP TABLE e AS SELECT * FROM events ORDER BY seq; " + sql +
                  "; DELETE FROM chunks; INSERT INTO chunks SELECT seq, cycle, 1, json_array(json_array(at_ns, "
                  "at_uncertainty_ns, source, kind, json(body))) FROM e");
}

}  // namespace swiperig
