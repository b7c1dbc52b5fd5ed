// A file that a fuzzer tries, in a folder in memory, and the files that it names beside it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "bindings/places.hpp"

namespace swiperig {

class TriedFile {
 public:
  /// `kept`: seeds of other fuzzers that lie beside it under their own names, "toml_keys/des".
  explicit TriedFile(std::initializer_list<const char*> kept = {}) {
    std::string pattern = "/dev/shm/swiperig-fuzz-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    folder_ = pattern;
    for (const char* seed : kept) {
      const auto from = std::filesystem::path(source_dir) / "tests/fuzz/corpus" / seed;
      std::filesystem::copy_file(from, folder_ / from.filename());
    }
  }
  ~TriedFile() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  TriedFile(const TriedFile&) = delete;
  TriedFile& operator=(const TriedFile&) = delete;

  /// Where it is, with this text; another one beside it by its name.
  std::string write(std::string_view text, const char* name = "tried") const {
    std::string path = folder_ / name;
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || ::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
    ::close(fd);
    return path;
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace swiperig
