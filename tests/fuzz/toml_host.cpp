// Any text as a host profile beside files of test keys: read, or refused as ConfigError.
#include "bindings/config.hpp"
#include "bindings/host_file.hpp"
#include "tests/fuzz/tried_file.hpp"

using namespace swiperig;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  static const TriedFile file({"toml_keys/des", "toml_keys/dukpt", "toml_keys/sm4"});
  const std::string_view text(reinterpret_cast<const char*>(bytes), count);
  try {
    BenchFile bench;
    read_host_profile(file.write(text), bench);
  } catch (const ConfigError&) {
  }
  return 0;
}
