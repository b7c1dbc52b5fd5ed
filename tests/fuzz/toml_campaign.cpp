// Any text as a campaign file: read, or refused as ConfigError.
#include "bindings/campaign_file.hpp"
#include "tests/fuzz/tried_file.hpp"

using namespace swiperig;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  static const TriedFile file;
  const std::string_view text(reinterpret_cast<const char*>(bytes), count);
  try {
    (void)read_campaign(file.write(text));
  } catch (const ConfigError&) {
  }
  return 0;
}
