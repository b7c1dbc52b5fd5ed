#include "tests/bench/capture_rates.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "bindings/bench_file.hpp"
#include "bindings/places.hpp"
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

/// What a terminal of this profile says, frame after frame, cut into transfers of this size.
struct Spoken {
  Spoken(const char* profile, const std::vector<std::string>& frames) {
    const std::string path = std::string(source_dir) + "/fixtures/terminals/" + profile;
    link = std::make_shared<const TerminalLink>(read_terminal_profile(path).link);
    for (const std::string& data : frames) whole += ecr_frame(link->framing, data);
  }
  Bytes cut(std::size_t size) const {
    Bytes bytes(size / whole.size() * whole.size() + (size < whole.size() ? size : 0));
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(whole[i % whole.size()]);
    return bytes;
  }
  std::shared_ptr<const TerminalLink> link;
  std::string whole;
};

/// A ZVT command with this behind its header.
std::string apdu(std::string_view command, std::string_view rest) {
  return std::string(command) + static_cast<char>(rest.size()) + std::string(rest);
}

/// A sale on a ZVT link: its card number stands in packed digits in the status information.
Spoken zvt() {
  using namespace std::string_view_literals;
  return {"zvt.toml",
          {apdu("\x04\xff", "\x0a\x00"sv),
           apdu("\x04\x0f",
                "\x27\x00\x04\x00\x00\x00\x00\x51\x00\x0b\x00\x01\x23\x0c\x14\x25\x36\x0d\x11\x29"
                "\x22\xf0\xf8\x62\x12\x34\x56\x78\x90\x12\x65"sv),
           apdu("\x06\xd1", "\x00TRACE   000123"sv), apdu("\x06\x0f", ""sv)}};
}

Spoken ecr() {
  return {"ecr_link.toml",
          {"0900|78|SWIPE CARD", "0220|02|CARD|6212345678901265|", "0900|81|ENTER PIN",
           "0210|00|99900001|000123|A12345|000000001234|APPROVED", "0910|SALE 12.34 TRACE 000123"}};
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

/// The processor's time of this program: others on the machine take none of it.
double core_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// The masking alone, nothing written, a second of one core.
double masking_rate(const Bytes& bytes, const std::shared_ptr<const TerminalLink>& link) {
  MaskedStream stream(link);
  double passed = 0, masked = 0;
  std::size_t kept = 0;
  const double began = core_seconds();
  for (; passed < 1; passed = core_seconds() - began) {
    for (std::size_t done = 0; done < (1 << 20); done += bytes.size()) {
      UsbTransfer t;
      t.bytes = bytes;
      kept += stream.push(std::move(t)).size();
      masked += static_cast<double>(bytes.size());
    }
  }
  if (kept == 0) std::abort();
  return masked / passed / 1e6;
}

}  // namespace

std::string masking_rates() {
  std::string all = "\"masking_by_frames_mb_per_core_s\":{";
  const std::pair<const char*, Spoken> speakers[] = {{"zvt_packed", zvt()}, {"ecr_text", ecr()}};
  for (const auto& [name, spoken] : speakers) {
    for (const std::size_t size : {std::size_t{16384}, std::size_t{512}, std::size_t{64}}) {
      const Bytes bytes = spoken.cut(size);
      char text[80];
      std::snprintf(text, sizeof text, "%s\"%s_%zu\":%.1f", all.back() == '{' ? "" : ",", name, size,
                    masking_rate(bytes, spoken.link));
      all += text;
    }
  }
  return all + "}";
}

std::string capture_rates() {
  char text[240];
  std::snprintf(text, sizeof text,
                "\"capture_mb_per_s\":{\"text_16384\":%.1f,\"text_512\":%.1f,\"text_64\":%.1f,\"binary_16384\":%.1f}",
                rate(said(16384, false)), rate(said(512, false)), rate(said(64, false)), rate(said(16384, true)));
  return text + ("," + masking_rates());
}

}  // namespace swiperig
