#include "reports/pcapng.hpp"

#include <algorithm>
#include <cassert>

namespace swiperig {

namespace {

constexpr std::uint32_t kSection = 0x0A0D0D0A, kInterface = 1, kPacket = 6, kByteOrder = 0x1A2B3C4D;
constexpr std::uint16_t kComment = 1, kName = 2, kResolution = 9, kApplication = 4;
constexpr std::size_t kUsbHead = 64, kUsbSeconds = 16;
constexpr std::size_t kMostComment = 60'000;
constexpr std::size_t kMostSources = 64;

void put(std::uint64_t value, std::size_t bytes, std::string& out) {
  for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

void put_big(std::uint64_t value, std::size_t bytes, std::string& out) {
  for (std::size_t i = bytes; i > 0; --i) out += static_cast<char>(value >> (8 * (i - 1)));
}

std::uint64_t number(std::string_view text, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(text[at + i])} << (8 * i);
  }
  return value;
}

std::size_t padded(std::size_t size) { return (size + 3) / 4 * 4; }

void put_padded(std::string_view bytes, std::string& out) {
  out += bytes;
  out.append(padded(bytes.size()) - bytes.size(), '\0');
}

void put_option(std::uint16_t code, std::string_view value, std::string& out) {
  put(code, 2, out);
  put(value.size(), 2, out);
  put_padded(value, out);
}

void put_block(std::uint32_t type, std::string_view body, std::string& out) {
  const std::size_t total = body.size() + 12;
  put(type, 4, out);
  put(total, 4, out);
  out += body;
  put(total, 4, out);
}

std::uint16_t checksum(std::string_view bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    sum += static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]) << 8 |
                                      static_cast<unsigned char>(bytes[i + 1]));
  }
  while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

Bytes as_bytes(std::string_view text) { return {text.begin(), text.end()}; }

/// The value of option `code`, or "".
std::string_view option(std::string_view options, std::uint16_t code) {
  while (options.size() >= 4) {
    const auto its = static_cast<std::uint16_t>(number(options, 0, 2));
    const std::size_t size = number(options, 2, 2);
    if (its == 0 || padded(size) > options.size() - 4) return {};
    if (its == code) return options.substr(4, size);
    options.remove_prefix(4 + padded(size));
  }
  return {};
}

}  // namespace

void append_section(const std::vector<PcapSource>& sources, std::string& out) {
  assert(sources.size() <= kMostSources);
  std::string body;
  put(kByteOrder, 4, body);
  put(1, 2, body);
  put(0, 2, body);
  put(~std::uint64_t{0}, 8, body);  // how long the section is, is not known
  put_option(kApplication, "swiperig", body);
  put_option(0, "", body);
  put_block(kSection, body, out);
  for (const PcapSource& source : sources) {
    body.clear();
    put(static_cast<std::uint16_t>(source.type), 2, body);
    put(0, 2, body);
    put(0, 4, body);
    put_option(kName, source.name, body);
    put_option(kResolution, "\x09", body);
    put_option(0, "", body);
    put_block(kInterface, body, out);
  }
}

void append_packet(std::uint32_t source, std::int64_t time, BytesView head, BytesView rest, std::string_view comment,
                   std::string& out) {
  const std::size_t size = head.size() + rest.size();
  rest = rest.first(std::min(rest.size(), kMostPacketBytes - head.size()));
  comment = comment.substr(0, kMostComment);
  const std::size_t kept = head.size() + rest.size();
  const std::size_t options = comment.empty() ? 0 : 8 + padded(comment.size());
  const std::size_t total = 32 + padded(kept) + options;
  const auto ns = static_cast<std::uint64_t>(time);
  out.reserve(out.size() + total);
  put(kPacket, 4, out);
  put(total, 4, out);
  put(source, 4, out);
  put(ns >> 32, 4, out);
  put(ns & 0xFFFFFFFF, 4, out);
  put(kept, 4, out);
  put(size, 4, out);
  out += text_of(head);
  out += text_of(rest);
  out.append(padded(kept) - kept, '\0');
  if (!comment.empty()) {
    put_option(kComment, comment, out);
    put_option(0, "", out);
  }
  put(total, 4, out);
}

void append_packet(const PcapPacket& packet, std::string& out) {
  append_packet(packet.source, packet.ns, {}, packet.bytes, packet.comment, out);
}

void PcapngReader::fail(const std::string& what) const {
  throw CaptureError(path_ + ": offset " + std::to_string(offset_) + ": " + what);
}

PcapngReader::PcapngReader(const std::string& path) : path_(path), file_(path, std::ios::binary) {
  if (!file_) throw CaptureError(path_ + ": cannot be read");
  std::uint32_t type = 0;
  std::string body;
  if (!block(type, body) || type != kSection || body.size() < 16 || number(body, 0, 4) != kByteOrder) {
    offset_ = 0;
    fail("not a capture of the rig (expected a little-endian pcapng section)");
  }
  for (;;) {
    const std::uint64_t before = offset_;
    if (!block(type, body)) return;
    if (type == kPacket) {
      offset_ = before;
      file_.clear();
      file_.seekg(static_cast<std::streamoff>(before));
      return;
    }
    if (type != kInterface || body.size() < 8 || sources_.size() == kMostSources) fail("no description of a source");
    sources_.push_back(
        {std::string(option(std::string_view(body).substr(8), kName)), static_cast<LinkType>(number(body, 0, 2))});
  }
}

/// False: the end, which may be in the middle of a block.
bool PcapngReader::block(std::uint32_t& type, std::string& body) {
  std::string head(8, '\0');
  file_.read(head.data(), 8);
  if (file_.gcount() < 8) {
    cut_ = file_.gcount() != 0;
    return false;
  }
  type = static_cast<std::uint32_t>(number(head, 0, 4));
  const std::size_t total = number(head, 4, 4);
  if (total < 12 || total % 4 != 0 || total > kMostPacketBytes + kMostComment + 64) {
    fail("a block of " + std::to_string(total) + " bytes");
  }
  body.resize(total - 8);
  file_.read(body.data(), static_cast<std::streamsize>(body.size()));
  if (static_cast<std::size_t>(file_.gcount()) < body.size()) {
    cut_ = true;
    return false;
  }
  if (number(body, body.size() - 4, 4) != total) fail("a block whose two lengths differ");
  body.resize(body.size() - 4);
  offset_ += total;
  return true;
}

PcapPacket PcapngReader::parse(const std::string& body) const {
  if (body.size() < 20) fail("a packet without its head");
  PcapPacket packet;
  packet.source = static_cast<std::uint32_t>(number(body, 0, 4));
  if (packet.source >= sources_.size()) fail("a packet of a source that is not described");
  packet.ns = static_cast<std::int64_t>(number(body, 4, 4) << 32 | number(body, 8, 4));
  const std::size_t size = number(body, 12, 4);
  if (packet.ns < 0 || padded(size) > body.size() - 20) fail("a packet longer than its block");
  const std::string_view all(body);
  packet.bytes = as_bytes(all.substr(20, size));
  packet.comment = option(all.substr(20 + padded(size)), kComment);
  return packet;
}

bool PcapngReader::next(PcapPacket& packet, std::uint64_t& offset) {
  offset = offset_;
  std::uint32_t type = 0;
  std::string body;
  if (!block(type, body)) return false;
  if (type != kPacket) fail("a block that is no packet");
  packet = parse(body);
  return true;
}

PcapPacket PcapngReader::at(std::uint64_t offset) {
  file_.clear();
  file_.seekg(static_cast<std::streamoff>(offset));
  offset_ = offset;
  PcapPacket packet;
  std::uint64_t ignored = 0;
  if (!next(packet, ignored)) fail("a packet that was there before");
  return packet;
}

Bytes usb_head(const UsbTransfer& t) {
  std::string out;
  put(std::uint64_t{t.endpoint} << 32 | std::uint64_t{t.address} << 8 | t.bus, 8, out);  // which transfer: its pipe
  out += 'C';
  put(t.interrupt ? 1 : 3, 1, out);
  put(t.endpoint, 1, out);
  put(t.address, 1, out);
  put(t.bus, 2, out);
  out += '-';
  out += t.bytes.empty() ? '<' : '\0';
  put(0, 12, out);  // times: stamp_usb_packet
  put(static_cast<std::uint32_t>(t.status), 4, out);
  put(t.bytes.size(), 4, out);
  put(t.bytes.size(), 4, out);
  put(0, 24, out);
  Bytes packet = as_bytes(out);
  stamp_usb_packet(packet, t.at.time_since_epoch().count());
  return packet;
}

void stamp_usb_packet(Bytes& packet, std::int64_t ns) {
  if (packet.size() < kUsbHead) return;
  std::string times;
  put(static_cast<std::uint64_t>(ns / 1'000'000'000), 8, times);
  put(static_cast<std::uint64_t>(ns % 1'000'000'000 / 1000), 4, times);
  std::copy(times.begin(), times.end(), packet.begin() + kUsbSeconds);
}

Bytes network_packet(const NetworkFrame& frame, std::uint32_t sequence, std::uint32_t acknowledged) {
  constexpr std::uint16_t host_port = 5000;
  const auto terminal_port = static_cast<std::uint16_t>(40'000 + frame.connection % 20'000);
  const std::string terminal("\x0a\x00\x00\x01", 4), host("\x0a\x00\x00\x02", 4);
  const std::size_t payload = std::min<std::size_t>(frame.bytes.size(), 65'535 - 40);
  std::string ip;
  put_big(0x4500, 2, ip);
  put_big(40 + payload, 2, ip);
  put_big(0, 4, ip);
  put_big(0x4006, 2, ip);  // 64 hops, TCP
  put_big(0, 2, ip);
  ip += frame.from_terminal ? terminal + host : host + terminal;
  const std::uint16_t sum = checksum(ip);
  ip[10] = static_cast<char>(sum >> 8);
  ip[11] = static_cast<char>(sum & 0xFF);
  std::string out(12, '\0');
  put_big(0x0800, 2, out);
  out += ip;
  put_big(frame.from_terminal ? terminal_port : host_port, 2, out);
  put_big(frame.from_terminal ? host_port : terminal_port, 2, out);
  put_big(1 + std::uint64_t{sequence}, 4, out);
  put_big(1 + std::uint64_t{acknowledged}, 4, out);
  put_big(0x5018, 2, out);  // PSH and ACK
  put_big(0xFFFF, 2, out);
  put_big(0, 4, out);
  out += text_of(BytesView(frame.bytes).first(payload));
  return as_bytes(out);
}

}  // namespace swiperig
