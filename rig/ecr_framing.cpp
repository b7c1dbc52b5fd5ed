#include "rig/ecr_framing.hpp"

#include <algorithm>
#include <boost/crc.hpp>
#include <cstring>
#include <utility>

namespace swiperig {

namespace {

constexpr std::uint8_t kSoh = 0x01, kStx = 0x02, kEtx = 0x03, kEot = 0x04, kEnq = 0x05, kAck = 0x06, kDle = 0x10,
                       kNak = 0x15;
constexpr std::size_t kZvtHeader = 3, kZvtLongHeader = 5, kReportHeader = 2;
constexpr std::uint8_t kZvtLong = 0xFF;

std::uint8_t byte_at(std::string_view text, std::size_t at) { return static_cast<std::uint8_t>(text[at]); }

std::uint8_t lrc_of(const EcrFraming& f, std::string_view data) {
  using Over = EcrFraming::LrcOver;
  auto lrc = static_cast<unsigned>(f.lrc_start);
  for (const char c : data) lrc ^= static_cast<std::uint8_t>(c);
  if (f.lrc_over != Over::data) lrc ^= kEtx;
  if (f.lrc_over == Over::stx_data_etx) lrc ^= kStx;
  return static_cast<std::uint8_t>(lrc);
}

/// CRC-16 of the APDU and ETX, polynomial 0x1021 reflected, from zero.
unsigned crc_of(std::string_view apdu) {
  boost::crc_optimal<16, 0x1021, 0, 0, true, true> crc;
  crc.process_bytes(apdu.data(), apdu.size());
  crc.process_byte(kEtx);
  return crc.checksum();
}

/// How many bytes stand before the data, by the bytes that are there; 0: not known yet.
std::size_t header_bytes(const EcrFraming& f, std::string_view begun) {
  if (f.kind == EcrFraming::Kind::hid_report) return kReportHeader;
  if (f.kind == EcrFraming::Kind::length) return f.length_bytes;
  if (begun.size() < kZvtHeader) return 0;
  return byte_at(begun, 2) == kZvtLong ? kZvtLongHeader : kZvtHeader;
}

/// The data behind a whole header; nullopt: less than nothing.
std::optional<std::size_t> announced(const EcrFraming& f, std::string_view header) {
  if (f.kind == EcrFraming::Kind::zvt) {
    return header.size() == kZvtHeader ? byte_at(header, 2) : byte_at(header, 3) | byte_at(header, 4) << 8;
  }
  std::size_t length = 0;
  for (std::size_t i = 0; i < header.size(); ++i) {
    length = length << 8 | byte_at(header, f.little_endian ? header.size() - 1 - i : i);
  }
  if (!f.length_counts_itself) return length;
  return length < header.size() ? std::nullopt : std::optional(length - header.size());
}

}  // namespace

Cut EcrCutter::end(Cut::What what) {
  place_ = Place::outside;
  Cut cut{what, std::exchange(data_, {}), std::exchange(begun_, 0)};
  if (what == Cut::garbage) cut.data.clear();
  return cut;
}

std::optional<Cut> EcrCutter::begin(Place place, std::size_t size) {
  std::optional<Cut> before;
  if (begun_ > size) before = Cut{Cut::garbage, "", begun_ - size};
  begun_ = size;
  data_.clear();
  place_ = place;
  return before;
}

std::optional<Cut> EcrCutter::take(std::uint8_t byte) {
  ++begun_;
  switch (framing_.kind) {
    case EcrFraming::Kind::stx_etx_lrc: return lrc(byte);
    case EcrFraming::Kind::lines: return line(byte);
    case EcrFraming::Kind::zvt_serial: return crc(byte);
    default: return counted(byte);
  }
}

std::size_t EcrCutter::skim(std::string_view bytes) {
  std::size_t most = framing_.longest - std::min(framing_.longest, data_.size());
  const char *ends = "", *const begin = bytes.data();
  std::size_t signs = 0;
  switch (framing_.kind) {
    case EcrFraming::Kind::stx_etx_lrc:
      if (place_ != Place::inside) return 0;
      ends = "\x02\x03";
      signs = 2;
      break;
    case EcrFraming::Kind::lines:
      if (lost_) return 0;
      ends = "\n";
      signs = 1;
      break;
    case EcrFraming::Kind::zvt_serial:
      if (place_ != Place::inside) return 0;
      ends = "\x10";
      signs = 1;
      break;
    default: {
      const std::size_t header = header_bytes(framing_, data_);
      if (lost_ || header == 0 || data_.size() < header) return 0;
      const auto length = announced(framing_, std::string_view(data_).substr(0, header));
      if (!length || data_.size() + 1 >= header + *length) return 0;
      most = header + *length - data_.size() - 1;  // `take` has the last
    }
  }
  std::size_t n = std::min(most, bytes.size());
  for (std::size_t i = 0; i < signs; ++i) {
    if (const void* at = std::memchr(begin, ends[i], n))
      n = static_cast<std::size_t>(static_cast<const char*>(at) - begin);
  }
  data_.append(begin, n);
  begun_ += n;
  return n;
}

std::optional<Cut> EcrCutter::abandon() {
  lost_ = false;
  return begun_ == 0 ? std::nullopt : std::optional(end(Cut::garbage));
}

std::optional<Cut> EcrCutter::outside(std::uint8_t byte) {
  const bool sign = byte == kAck || byte == kNak || byte == kEnq || byte == kEot;
  if (sign) data_.push_back(static_cast<char>(byte));
  return end(sign ? Cut::sign : Cut::garbage);
}

std::optional<Cut> EcrCutter::inside(std::uint8_t byte) {
  if (data_.size() == framing_.longest) return end(Cut::garbage);
  data_.push_back(static_cast<char>(byte));
  return std::nullopt;
}

std::optional<Cut> EcrCutter::lrc(std::uint8_t byte) {
  switch (place_) {
    case Place::outside:
      if (byte == kStx) return begin(Place::inside, 1);
      if (byte == kSoh && framing_.progress) return begin(Place::progress, 1);
      return outside(byte);
    case Place::check: return end(byte == lrc_of(framing_, data_) ? Cut::frame : Cut::broken);
    case Place::progress:
      if (byte == kEot) return end(Cut::frame);
      if (byte == kStx) return begin(Place::inside, 1);
      return inside(byte);
    default:
      if (byte == kStx) return begin(Place::inside, 1);
      if (byte != kEtx) return inside(byte);
      place_ = Place::check;
      return std::nullopt;
  }
}

std::optional<Cut> EcrCutter::line(std::uint8_t byte) {
  if (byte == '\n') {
    if (std::exchange(lost_, false)) return end(Cut::garbage);
    if (data_.ends_with('\r')) data_.pop_back();
    return end(data_.empty() ? Cut::sign : Cut::frame);
  }
  if (!lost_ && data_.size() < framing_.longest) {
    data_.push_back(static_cast<char>(byte));
    return std::nullopt;
  }
  lost_ = true;  // until the line's end
  return end(Cut::garbage);
}

std::optional<Cut> EcrCutter::crc(std::uint8_t byte) {
  switch (place_) {
    case Place::outside:
      if (byte == kDle) return begin(Place::leading, 1);
      return outside(byte);
    case Place::leading:
      if (byte == kStx) return begin(Place::inside, 2);
      if (byte == kDle) return begin(Place::leading, 1);
      return end(Cut::garbage);
    case Place::inside:
      if (byte != kDle) return inside(byte);
      place_ = Place::escaped;
      return std::nullopt;
    case Place::escaped:
      place_ = byte == kEtx ? Place::check : Place::inside;
      if (byte == kEtx) return std::nullopt;
      if (byte == kDle) return inside(byte);
      if (byte == kStx) return begin(Place::inside, 2);
      return end(Cut::garbage);
    case Place::check:
      check_ = byte;
      place_ = Place::check_high;
      return std::nullopt;
    default: return end(crc_of(data_) == static_cast<unsigned>(check_ | byte << 8) ? Cut::frame : Cut::broken);
  }
}

std::optional<Cut> EcrCutter::counted(std::uint8_t byte) {
  if (lost_) return end(Cut::garbage);
  data_.push_back(static_cast<char>(byte));
  const std::size_t header = header_bytes(framing_, data_);
  if (header == 0 || data_.size() < header) return std::nullopt;
  const auto length = announced(framing_, std::string_view(data_).substr(0, header));
  if (!length || *length > framing_.longest) {
    lost_ = true;
    return end(Cut::garbage);
  }
  if (data_.size() < header + *length) return std::nullopt;
  if (framing_.kind == EcrFraming::Kind::zvt) return end(Cut::frame);  // the header says what it is
  data_.erase(0, header);
  return end(data_.empty() ? Cut::sign : Cut::frame);
}

std::string ecr_frame(const EcrFraming& f, std::string_view data) {
  std::string wire;
  switch (f.kind) {
    case EcrFraming::Kind::stx_etx_lrc:
      wire = static_cast<char>(kStx) + std::string(data) + static_cast<char>(kEtx);
      return wire + static_cast<char>(lrc_of(f, data));
    case EcrFraming::Kind::lines: return std::string(data) + '\n';
    case EcrFraming::Kind::zvt_serial: {
      wire = {static_cast<char>(kDle), static_cast<char>(kStx)};
      for (const char c : data) wire.append(c == static_cast<char>(kDle) ? 2 : 1, c);
      const unsigned crc = crc_of(data);
      wire += {static_cast<char>(kDle), static_cast<char>(kEtx), static_cast<char>(crc & 0xFF),
               static_cast<char>(crc >> 8)};
      return wire;
    }
    case EcrFraming::Kind::length: {
      const std::size_t length = data.size() + (f.length_counts_itself ? f.length_bytes : 0);
      for (std::size_t i = 0; i < f.length_bytes; ++i) {
        const std::size_t place = f.little_endian ? i : f.length_bytes - 1 - i;
        wire.push_back(static_cast<char>(length >> (8 * place)));
      }
      return wire.append(data);
    }
    default: return std::string(data);
  }
}

DataPlaces data_places(const EcrFraming& f, std::string_view wire) {
  DataPlaces places;
  std::size_t from = 0, to = wire.size();
  if (f.kind == EcrFraming::Kind::stx_etx_lrc && wire.size() >= 2) {
    const bool progress = byte_at(wire, 0) == kSoh;
    from = 1;
    to = wire.size() - (progress ? 1 : 2);
    if (!progress) places.check = {wire.size() - 1};
  } else if (f.kind == EcrFraming::Kind::lines) {
    to = wire.find_last_not_of("\r\n") + 1;
  } else if (f.kind == EcrFraming::Kind::zvt_serial && wire.size() >= 6) {
    from = 2;
    to = wire.size() - 4;
    places.check = {wire.size() - 2, wire.size() - 1};
  } else if (f.kind == EcrFraming::Kind::length) {
    from = f.length_bytes;
  }
  places.data.reserve(to > from ? to - from : 0);
  for (std::size_t i = from; i < to; ++i) {
    if (f.kind == EcrFraming::Kind::zvt_serial && byte_at(wire, i) == kDle) ++i;  // the second of a pair is the byte
    places.data.push_back(i);
  }
  return places;
}

}  // namespace swiperig
