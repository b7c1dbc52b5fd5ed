// Any text as a bench file beside a terminal profile and a host profile: read, or refused as ConfigError.
#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "tests/fuzz/tried_file.hpp"

using namespace swiperig;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  static const TriedFile file({"toml_terminal/terminal", "toml_host/host", "toml_keys/des"});
  const std::string_view text(reinterpret_cast<const char*>(bytes), count);
  try {
    (void)read_bench(file.write(text));
  } catch (const ConfigError&) {
  }
  return 0;
}
