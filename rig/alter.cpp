#include "rig/alter.hpp"

#include <string>

namespace swiperig {

namespace {

/// Another digit or letter in the last place.
std::string another_last(std::string_view text) {
  std::string out(text);
  char& last = out.back();
  last = last == '9' ? '0' : last >= '0' && last < '9' ? static_cast<char>(last + 1) : last == 'X' ? 'Y' : 'X';
  return out;
}

/// 0210 becomes 0230 and 0430 becomes 0410: a response of another kind.
std::string another_mti(std::string_view mti) {
  std::string out(mti);
  out[2] = out[2] == '1' ? '3' : '1';
  return out;
}

/// 00 becomes 05 and anything else 00.
std::string another_code(std::string_view code) { return code == "00" ? "05" : "00"; }

/// The flag behind the local half: 1 agrees, 2 differs.
std::string another_flag(std::string_view totals) {
  std::string out(totals);
  out[30] = out[30] == '2' ? '1' : '2';
  return out;
}

}  // namespace

std::optional<Bytes> altered(BytesView frame, const Framing& framing, std::string_view what, std::int64_t bit) {
  Bytes out(frame.begin(), frame.end());
  if (what == "bit") {
    if (bit < 0 || static_cast<std::size_t>(bit / 8) >= out.size()) return std::nullopt;
    out[static_cast<std::size_t>(bit / 8)] ^= static_cast<std::uint8_t>(0x80U >> (bit % 8));
    return out;
  }
  const FrameLength length = frame_length(frame, framing);
  if (length.state != FrameLength::State::ready || length.total != frame.size()) return std::nullopt;
  Message m;
  if (unpack(frame.subspan(prefix_bytes(framing)), framing, m)) return std::nullopt;
  bool changed = true;
  const auto change = [&](int field, auto another) {
    changed = m.has(field) && m.set(field, another(std::string(m.field(field))));
  };
  if (what == "mac") {
    if (!m.has(64)) return std::nullopt;
    out[out.size() - 8] ^= 0x80;  // not the bit that a host which signs wrongly gets wrong
    return out;
  }
  if (what == "mti") changed = m.set_mti(another_mti(m.mti()));
  if (what == "stan") change(11, another_last);
  if (what == "amount") change(4, another_last);
  if (what == "terminal") change(41, another_last);
  if (what == "code") change(39, another_code);
  if (what == "totals") {
    if (m.field(48).size() != 62) return std::nullopt;
    change(48, another_flag);
  }
  if (!changed || pack(m, framing, out)) return std::nullopt;
  return out;
}

}  // namespace swiperig
