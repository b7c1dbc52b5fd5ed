#include "rig/iso8583.hpp"

#include <algorithm>
#include <cstring>

namespace swiperig {
namespace {

constexpr std::array<FieldSpec, 65> make_table() {
  using K = FieldKind;
  std::array<FieldSpec, 65> t{};
  t[2] = {K::lln, 19};
  t[3] = {K::n, 6};
  t[4] = {K::n, 12};
  t[11] = {K::n, 6};
  t[12] = {K::n, 6};
  t[13] = {K::n, 4};
  t[14] = {K::n, 4};
  t[15] = {K::n, 4};
  t[22] = {K::nl, 3};
  t[23] = {K::n, 3};
  t[25] = {K::n, 2};
  t[26] = {K::n, 2};
  t[32] = {K::lln, 11};
  t[35] = {K::llz, 37};
  t[36] = {K::lllz, 104};
  t[37] = {K::an, 12};
  t[38] = {K::an, 6};
  t[39] = {K::an, 2};
  t[41] = {K::an, 8};
  t[42] = {K::an, 15};
  t[44] = {K::llan, 25};
  t[48] = {K::llln, 322};
  t[49] = {K::an, 3};
  t[52] = {K::b, 8};
  t[53] = {K::n, 16};
  t[54] = {K::lllan, 20};
  t[55] = {K::lllb, 255};
  t[60] = {K::llln, 17};
  t[61] = {K::llln, 29};
  t[62] = {K::lllb, 512};
  t[63] = {K::lllan, 163};
  t[64] = {K::b, 8};
  return t;
}
constexpr std::array<FieldSpec, 65> kTable = make_table();

constexpr std::array<std::uint16_t, 66> make_slots() {
  std::array<std::uint16_t, 66> at{};
  for (std::size_t f = 0; f < 65; ++f) at[f + 1] = static_cast<std::uint16_t>(at[f] + kTable[f].max);
  return at;
}
constexpr std::array<std::uint16_t, 66> kSlot = make_slots();
static_assert(kSlot[65] <= Message::kSlotBytes);

// How a kind is laid out, so that pack and unpack share one rule.
struct Layout {
  std::uint8_t length_bytes = 0;
  bool bcd = false;
  bool separator = false;  // nibble D is '='
  bool pad_left = false;
};
constexpr Layout layout_of(FieldKind kind) {
  switch (kind) {
    case FieldKind::n: return {0, true, false, true};
    case FieldKind::nl: return {0, true, false, false};
    case FieldKind::lln: return {1, true, false, false};
    case FieldKind::llz: return {1, true, true, false};
    case FieldKind::llln: return {2, true, false, false};
    case FieldKind::lllz: return {2, true, true, false};
    case FieldKind::llan: return {1, false, false, false};
    case FieldKind::lllan:
    case FieldKind::lllb: return {2, false, false, false};
    case FieldKind::an:
    case FieldKind::b:
    case FieldKind::unknown: break;
  }
  return {};
}
constexpr std::array<Layout, 65> make_layouts() {
  std::array<Layout, 65> out{};
  for (std::size_t f = 0; f < 65; ++f) out[f] = layout_of(kTable[f].kind);
  return out;
}
constexpr std::array<Layout, 65> kLayout = make_layouts();

// Two characters per BCD byte; a 0 character marks a nibble that is not allowed.
using Pairs = std::array<std::array<char, 2>, 256>;
constexpr Pairs make_pairs(bool separator) {
  Pairs out{};
  for (std::size_t i = 0; i < 256; ++i) {
    const std::size_t nibbles[2] = {i >> 4, i & 15};
    bool good = true;
    for (std::size_t n : nibbles) good = good && (n <= 9 || (separator && n == 13));
    for (std::size_t k = 0; good && k < 2; ++k)
      out[i][k] = nibbles[k] == 13 ? '=' : static_cast<char>('0' + nibbles[k]);
  }
  return out;
}
constexpr Pairs kDigitPairs = make_pairs(false);
constexpr Pairs kTrackPairs = make_pairs(true);

// Value of a character as a nibble, FF where it has none.
constexpr std::array<std::uint8_t, 256> make_nibbles(bool separator) {
  std::array<std::uint8_t, 256> out{};
  for (auto& n : out) n = 0xFF;
  for (std::size_t d = 0; d < 10; ++d) out['0' + d] = static_cast<std::uint8_t>(d);
  if (separator) out['='] = 13;
  return out;
}
constexpr std::array<std::uint8_t, 256> kDigitNibbles = make_nibbles(false);
constexpr std::array<std::uint8_t, 256> kTrackNibbles = make_nibbles(true);

std::optional<std::size_t> bcd_number(BytesView bytes) {
  std::size_t value = 0;
  for (const std::uint8_t byte : bytes) {
    if (kDigitPairs[byte][0] == 0) return std::nullopt;
    value = value * 100 + (byte >> 4) * 10U + (byte & 15U);
  }
  return value;
}

bool four_digits(std::string_view mti) {
  return mti.size() == 4 && std::all_of(mti.begin(), mti.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::size_t head_bytes(const Framing& framing) { return (framing.tpdu ? 5U : 0U) + framing.header_bytes; }

void put_bcd(std::uint8_t* to, std::size_t value) { *to = static_cast<std::uint8_t>(value / 10 * 16 + value % 10); }

// `digits` characters from packed BCD; nullopt if good, else the index of the bad byte.
std::optional<std::size_t> read_bcd(const std::uint8_t* from, std::size_t digits, const Layout& layout, char* to) {
  const Pairs& pairs = layout.separator ? kTrackPairs : kDigitPairs;
  const std::size_t bytes = (digits + 1) / 2;
  const bool odd = digits % 2 != 0;
  std::size_t i = 0;
  std::size_t even_end = bytes;
  if (odd && layout.pad_left) {
    if (from[0] > 9) return 0;
    *to++ = static_cast<char>('0' + from[0]);
    i = 1;
  } else if (odd) {
    --even_end;
  }
  for (; i < even_end; ++i, to += 2) {
    const auto& pair = pairs[from[i]];
    if (pair[0] == 0) return i;
    std::memcpy(to, pair.data(), 2);
  }
  if (even_end < bytes) {
    const auto& pair = pairs[from[even_end]];
    if (pair[0] == 0 || (from[even_end] & 15) != 0) return even_end;
    *to = pair[0];
  }
  return std::nullopt;
}

// Packed BCD of the characters; false if one has no nibble.
bool write_bcd(std::string_view value, const Layout& layout, std::uint8_t* to) {
  const auto& nibbles = layout.separator ? kTrackNibbles : kDigitNibbles;
  const auto nibble = [&](std::size_t i) { return nibbles[static_cast<std::uint8_t>(value[i])]; };
  unsigned bad = 0;
  std::size_t i = 0;
  if (value.size() % 2 != 0 && layout.pad_left) {
    *to++ = nibble(0);
    bad = nibble(0);
    i = 1;
  }
  for (; i + 1 < value.size(); i += 2) {
    const unsigned high = nibble(i);
    const unsigned low = nibble(i + 1);
    bad |= high | low;
    *to++ = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (i < value.size()) {
    *to = static_cast<std::uint8_t>(nibble(i) << 4);
    bad |= nibble(i);
  }
  return (bad & 0xF0U) == 0;
}

}  // namespace

FieldSpec field_spec(int field) {
  return field >= 1 && field <= 64 ? kTable[static_cast<std::size_t>(field)] : FieldSpec{};
}

bool Message::set_mti(std::string_view digits) {
  if (!four_digits(digits)) return false;
  std::copy(digits.begin(), digits.end(), mti_.begin());
  return true;
}

void Message::swap_tpdu() {
  std::swap(tpdu_[1], tpdu_[3]);
  std::swap(tpdu_[2], tpdu_[4]);
}

std::string_view Message::field(int field) const {
  if (!has(field)) return {};
  const auto f = static_cast<std::size_t>(field);
  return {slots_.data() + kSlot[f], length_[f]};
}

bool Message::set(int field, std::string_view value) {
  clear(field);
  const FieldSpec spec = field_spec(field);
  if (spec.kind == FieldKind::unknown || value.size() > spec.max) {
    refused_ = field;
    return false;
  }
  const auto f = static_cast<std::size_t>(field);
  if (!value.empty()) std::memmove(slots_.data() + kSlot[f], value.data(), value.size());
  length_[f] = static_cast<std::uint16_t>(value.size());
  present_ |= std::uint64_t{1} << (64 - field);
  return true;
}

void Message::clear(int field) {
  if (has(field)) present_ &= ~(std::uint64_t{1} << (64 - field));
  if (refused_ == field) refused_.reset();
}

void Message::reset() {
  present_ = 0;
  refused_.reset();
  mti_ = {'0', '0', '0', '0'};
  tpdu_ = {};
  header_ = {};
}

bool Message::operator==(const Message& other) const {
  if (present_ != other.present_ || refused_ != other.refused_ || mti_ != other.mti_ || tpdu_ != other.tpdu_ ||
      header_ != other.header_) {
    return false;
  }
  bool same = true;
  for_each([&](int number, std::string_view value) { same = same && value == other.field(number); });
  return same;
}

class Unpacker {
 public:
  Unpacker(BytesView frame, Message& out) : frame_(frame), out_(out) {}

  std::optional<CodecError> run(const Framing& framing) {
    out_.reset();
    if (framing.header_bytes > 6) return fail(0, "header_bytes over 6");
    if (left() < head_bytes(framing) + 10) return fail(0, "too short for header, MTI and bitmap");
    if (framing.tpdu) take(out_.tpdu_.data(), 5);
    take(out_.header_.data(), framing.header_bytes);
    if (const auto bad = read_bcd(here(), 4, {}, out_.mti_.data())) {
      out_.mti_ = {'0', '0', '0', '0'};
      at_ += *bad;
      return fail(0, "MTI is not BCD");
    }
    at_ += 2;
    std::uint64_t bitmap = 0;
    for (std::size_t i = 0; i < 8; ++i) bitmap = bitmap << 8 | frame_[at_ + i];
    if (bitmap >> 63 != 0) return fail(1, "secondary bitmap");
    const std::size_t bitmap_at = at_;
    at_ += 8;
    for (; bitmap != 0; bitmap &= ~(std::uint64_t{1} << (63 - std::countl_zero(bitmap)))) {
      const int field = std::countl_zero(bitmap) + 1;
      if (kTable[static_cast<std::size_t>(field)].kind == FieldKind::unknown) {
        at_ = bitmap_at + static_cast<std::size_t>(field - 1) / 8;
        return fail(field, "unknown field");
      }
      if (auto error = read_field(field)) return error;
    }
    if (left() != 0) return fail(0, "bytes behind the last field");
    return std::nullopt;
  }

 private:
  std::size_t left() const { return frame_.size() - at_; }
  const std::uint8_t* here() const { return frame_.data() + at_; }
  std::optional<CodecError> fail(int field, const char* what) const { return CodecError{field, at_, what}; }
  void take(std::uint8_t* to, std::size_t count) {
    std::copy_n(here(), count, to);
    at_ += count;
  }

  std::optional<CodecError> read_field(int field) {
    const auto f = static_cast<std::size_t>(field);
    const Layout& layout = kLayout[f];
    std::size_t count = kTable[f].max;
    if (layout.length_bytes != 0) {
      if (left() < layout.length_bytes) return fail(field, "truncated length");
      const auto stated = bcd_number({here(), layout.length_bytes});
      if (!stated) return fail(field, "length is not BCD");
      if (*stated > count) return fail(field, "length over maximum");
      count = *stated;
      at_ += layout.length_bytes;
    }
    const std::size_t bytes = layout.bcd ? (count + 1) / 2 : count;
    if (left() < bytes) return fail(field, "truncated");
    char* const to = out_.slots_.data() + kSlot[f];
    if (!layout.bcd) {
      std::copy_n(here(), bytes, to);
    } else if (const auto bad = read_bcd(here(), count, layout, to)) {
      at_ += *bad;
      return fail(field, "not BCD, or pad nibble not zero");
    }
    at_ += bytes;
    out_.length_[f] = static_cast<std::uint16_t>(count);
    out_.present_ |= std::uint64_t{1} << (64 - field);
    return std::nullopt;
  }

  BytesView frame_;
  std::size_t at_ = 0;
  Message& out_;
};

std::optional<CodecError> unpack(BytesView frame, const Framing& framing, Message& out) {
  return Unpacker(frame, out).run(framing);
}

std::optional<CodecError> pack(const Message& message, const Framing& framing, Bytes& out) {
  const std::size_t prefix = prefix_bytes(framing);
  const auto fail = [&](int field, std::size_t offset, const char* what) {
    out.clear();
    return CodecError{field, offset, what};
  };
  if (framing.header_bytes > 6) return fail(0, prefix, "header_bytes over 6");
  if (message.refused_) return fail(*message.refused_, 0, "value refused: unknown field or over maximum");
  std::size_t body = head_bytes(framing) + 10;
  message.for_each([&](int number, std::string_view value) {
    const Layout& layout = kLayout[static_cast<std::size_t>(number)];
    body += layout.length_bytes + (layout.bcd ? (value.size() + 1) / 2 : value.size());
  });
  out.resize(prefix + body);
  std::uint8_t* to = out.data();
  const std::size_t stated = framing.prefix == LengthPrefix::binary_including_self ? body + prefix : body;
  if (framing.prefix == LengthPrefix::ascii4) {
    std::size_t rest = stated;
    for (std::size_t i = 4; i-- > 0; rest /= 10) to[i] = static_cast<std::uint8_t>('0' + rest % 10);
  } else if (framing.prefix == LengthPrefix::bcd) {
    put_bcd(to, stated / 100);
    put_bcd(to + 1, stated % 100);
  } else {
    to[0] = static_cast<std::uint8_t>(stated >> 8);
    to[1] = static_cast<std::uint8_t>(stated);
  }
  to += prefix;
  if (framing.tpdu) to = std::copy(message.tpdu_.begin(), message.tpdu_.end(), to);
  to = std::copy_n(message.header_.begin(), framing.header_bytes, to);
  write_bcd(message.mti(), {}, to);
  to += 2;
  for (int shift = 56; shift >= 0; shift -= 8) *to++ = static_cast<std::uint8_t>(message.present_ >> shift);
  for (std::uint64_t rest = message.present_; rest != 0; rest &= ~(std::uint64_t{1} << (63 - std::countl_zero(rest)))) {
    const int number = std::countl_zero(rest) + 1;
    const auto f = static_cast<std::size_t>(number);
    const std::string_view value(message.slots_.data() + kSlot[f], message.length_[f]);
    const Layout& layout = kLayout[f];
    const auto offset = static_cast<std::size_t>(to - out.data());
    if (layout.length_bytes == 0 && value.size() != kTable[f].max) return fail(number, offset, "not the fixed length");
    if (layout.length_bytes == 2) put_bcd(to++, value.size() / 100);
    if (layout.length_bytes != 0) put_bcd(to++, value.size() % 100);
    if (!layout.bcd) {
      to = std::copy(value.begin(), value.end(), to);
      continue;
    }
    if (!write_bcd(value, layout, to)) return fail(number, offset, "not digits");
    to += (value.size() + 1) / 2;
  }
  return std::nullopt;
}

}  // namespace swiperig
