// What crossed the terminal's wires, kept beside the trace as it happens: a capture file of two sources, USB transfers
// and network messages, in bench time from zero. A packet has reached the operating system when `take` returns. Taken
// from any thread; never throws there: what went wrong is told at the end. Bounded: behind the bound packets are
// counted and no longer kept, and the file says so.
#pragma once

#include <fstream>
#include <map>
#include <mutex>

#include "reports/pcapng.hpp"

namespace swiperig {

class CaptureFile final : public Tap {
 public:
  static constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 30;

  /// Throws CaptureError when it cannot be made, or is there.
  explicit CaptureFile(const std::string& path, std::uint64_t most_bytes = kMostBytes);
  void take(const UsbTransfer& transfer) override;
  void take(const NetworkFrame& frame) override;
  /// No packet comes any more. What could not be written; "": all was.
  std::string finish();

  static const std::vector<PcapSource>& sources();

 private:
  void keep(std::uint32_t source, Time at, BytesView head, BytesView bytes, const std::string& masked);
  void write(std::uint32_t source, Time at, BytesView head, BytesView bytes, const std::string& comment);

  const std::string path_;
  const std::uint64_t most_bytes_;
  std::mutex mutex_;
  std::ofstream file_;
  std::string block_;
  std::uint64_t written_ = 0, left_out_ = 0;
  Time last_{};
  bool failed_ = false;
  struct Sent {
    std::uint32_t by_terminal = 0, by_host = 0;
  };
  std::map<std::uint32_t, Sent> connections_;
};

}  // namespace swiperig
