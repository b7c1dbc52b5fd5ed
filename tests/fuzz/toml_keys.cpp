// Any text as a file of test keys, of a host that takes such keys: read, or refused as ConfigError, which shows none.
#include <array>

#include "bindings/config.hpp"
#include "bindings/host_file.hpp"
#include "tests/fuzz/tried_file.hpp"

using namespace swiperig;

namespace {

constexpr std::array<const char*, 3> macs = {"unionpay_ecb", "sm4_cbc", "dukpt"};

std::string host_with(const char* mac) {
  return std::string("schema = 1\nacquirer = \"any\"\nmac = \"") + mac +
         "\"\nissuer_timeout = \"5 s\"\nreversal_done_codes = [\"00\", \"12\", \"25\"]\ntest_keys = \"tried\"\n"
         "[framing]\nlength_prefix = \"binary\"\ntpdu = false\nheader_bytes = 0\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  static const TriedFile file;
  static const std::array<std::string, 3> hosts = {file.write(host_with(macs[0]), macs[0]),
                                                   file.write(host_with(macs[1]), macs[1]),
                                                   file.write(host_with(macs[2]), macs[2])};
  const std::string_view text(reinterpret_cast<const char*>(bytes), count);
  file.write(text);
  const std::size_t host = text.find("derivation") != std::string_view::npos ? 2
                           : text.find("sm4") != std::string_view::npos      ? 1
                                                                             : 0;
  try {
    BenchFile bench;
    read_host_profile(hosts[host], bench);
  } catch (const ConfigError&) {
  }
  return 0;
}
