// Any text as a terminal profile: read, or refused as ConfigError.
#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "tests/fuzz/tried_file.hpp"

using namespace swiperig;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  static const TriedFile file;
  const std::string_view text(reinterpret_cast<const char*>(bytes), count);
  try {
    (void)read_terminal_profile(file.write(text));
  } catch (const ConfigError&) {
  }
  return 0;
}
