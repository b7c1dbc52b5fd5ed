#include "tests/bench/capture_rates.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "reports/capture_file.hpp"
#include "rig/clock.hpp"
#include "rig/masked_stream.hpp"

namespace swiperig {

namespace {

/// What a terminal says, over and over, cut into transfers of this size.
Bytes said(std::size_t size, bool binary) {
  const std::string text = "\x02S|SWIPE CARD\x03\x02P|CARD 6212345678901265 AMOUNT 12.34 APPROVED 000042\x03";
  Bytes bytes(size);
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 1664525 + 1013904223;
    bytes[i] = binary ? static_cast<std::uint8_t>(state >> 24) : static_cast<std::uint8_t>(text[i % text.size()]);
  }
  return bytes;
}

/// Bytes masked and in the file, in millions a second.
double rate(const Bytes& bytes) {
  const std::string path = (std::filesystem::temp_directory_path() / "swiperig-rate.pcapng").string();
  std::filesystem::remove(path);
  double passed = 0, kept = 0;
  {
    CaptureFile file(path, std::uint64_t{1} << 30);
    MaskedStream stream;
    const double began = machine_seconds();
    for (; passed < 1 && kept < 9e8; passed = machine_seconds() - began) {
      for (std::size_t done = 0; done < (1 << 20); done += bytes.size()) {
        UsbTransfer t;
        t.bytes = bytes;
        for (const UsbTransfer& one : stream.push(std::move(t))) file.take(one);
        kept += static_cast<double>(bytes.size());
      }
    }
    if (!file.finish().empty()) std::abort();
  }
  std::filesystem::remove(path);
  return kept / passed / 1e6;
}

}  // namespace

std::string capture_rates() {
  char text[240];
  std::snprintf(text, sizeof text,
                "\"capture_mb_per_s\":{\"text_16384\":%.1f,\"text_512\":%.1f,\"text_64\":%.1f,\"binary_16384\":%.1f}",
                rate(said(16384, false)), rate(said(512, false)), rate(said(64, false)), rate(said(16384, true)));
  return text;
}

}  // namespace swiperig
