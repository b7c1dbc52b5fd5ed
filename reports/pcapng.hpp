// The capture format that tshark and Wireshark open: one section, one interface for each source with its own link type,
// nanoseconds, a comment on a packet where there is something to say. Little-endian blocks, written as text so that a
// file is the same on every machine. The reader takes what this writer writes; a file whose end was lost (a crash, a
// full disk) is read up to there, and any other bytes give an error with their offset.
#pragma once

#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "rig/bytes.hpp"
#include "rig/tap.hpp"

namespace swiperig {

struct CaptureError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class LinkType : std::uint16_t { ethernet = 1, user0 = 147, usb_linux_mmapped = 220 };

struct PcapSource {
  std::string name;
  LinkType type = LinkType::user0;
};

struct PcapPacket {
  std::uint32_t source = 0;
  std::int64_t ns = 0;  ///< never negative
  Bytes bytes;
  std::string comment;
};

/// At most this much of one packet is written or read.
constexpr std::size_t kMostPacketBytes = (1 << 20) + 64;

void append_section(const std::vector<PcapSource>& sources, std::string& out);
void append_packet(const PcapPacket& packet, std::string& out);
/// The same of bytes in two parts, the bulk of which is not copied more than once.
void append_packet(std::uint32_t source, std::int64_t ns, BytesView head, BytesView rest, std::string_view comment,
                   std::string& out);

class PcapngReader {
 public:
  /// Throws CaptureError when the file cannot be read or does not begin as such a file.
  explicit PcapngReader(const std::string& path);
  const std::vector<PcapSource>& sources() const { return sources_; }
  /// The next packet, and where in the file it is. False: the end.
  bool next(PcapPacket& packet, std::uint64_t& offset);
  PcapPacket at(std::uint64_t offset);
  /// The end of the last packet is missing.
  bool cut() const { return cut_; }

 private:
  bool block(std::uint32_t& type, std::string& body);
  PcapPacket parse(const std::string& body) const;
  [[noreturn]] void fail(const std::string& what) const;

  std::string path_;
  std::ifstream file_;
  std::uint64_t offset_ = 0;
  std::vector<PcapSource> sources_;
  bool cut_ = false;
};

/// As the kernel's own USB monitor would hand a transfer over: what stands before its bytes.
Bytes usb_head(const UsbTransfer& transfer);
/// The times within such a packet, which the format keeps twice.
void stamp_usb_packet(Bytes& packet, std::int64_t ns);

/// A TCP segment between 10.0.0.1 (the terminal, port 40000 and up) and 10.0.0.2 port 5000 (the host). `sequence` and
/// `acknowledged` count the bytes of this direction and of the other before it.
Bytes network_packet(const NetworkFrame& frame, std::uint32_t sequence, std::uint32_t acknowledged);

}  // namespace swiperig
