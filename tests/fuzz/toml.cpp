// Any text as each kind of file the program reads; the first byte says which: c campaign, b bench, t terminal profile,
// h host profile (a whole bench that names it), k test keys. A file is read or refused as ConfigError, nothing else.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "bindings/campaign_file.hpp"
#include "bindings/config.hpp"

using namespace swiperig;
namespace fs = std::filesystem;

namespace {

/// A copy of the fixtures' files in memory, of which one is what is tried.
struct Files {
  Files() {
    std::string pattern = "/dev/shm/swiperig-fuzz-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path = pattern;
    for (const char* sub : {"benches", "terminals", "hosts", "campaigns"})
      fs::copy(fs::path(SWIPERIG_SOURCE_DIR) / "fixtures" / sub, path / sub, fs::copy_options::recursive);
    for (const char* sub : {"h", "k"}) {
      fs::create_directory(path / sub);
      for (const char* part : {"benches", "terminals", "hosts"})
        fs::copy(path / part, path / sub / part, fs::copy_options::recursive);
    }
  }
  ~Files() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string write(const char* name, std::string_view text) const {
    std::ofstream(path / name, std::ios::binary) << text;
    return path / name;
  }
  fs::path path;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  static const Files files;
  if (count == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, count - 1);
  try {
    if (bytes[0] == 'c') (void)read_campaign(files.write("campaigns/tried.toml", text));
    if (bytes[0] == 'b') (void)read_bench(files.write("benches/tried.toml", text));
    if (bytes[0] == 't') (void)read_terminal_profile(files.write("terminals/tried.toml", text));
    if (bytes[0] == 'h') {
      files.write("h/hosts/unionpay.toml", text);
      (void)read_bench(files.path / "h/benches/virtual.toml");
    }
    if (bytes[0] == 'k') {
      files.write("k/hosts/test_keys.toml", text);
      (void)read_bench(files.path / "k/benches/virtual.toml");
    }
  } catch (const ConfigError&) {
  }
  return 0;
}
