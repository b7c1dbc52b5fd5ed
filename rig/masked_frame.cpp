#include "rig/masked_frame.hpp"

#include <algorithm>

#include "rig/mask.hpp"

namespace swiperig {

namespace {

bool of_digits(FieldKind kind) {
  return kind == FieldKind::n || kind == FieldKind::nl || kind == FieldKind::lln || kind == FieldKind::llz ||
         kind == FieldKind::llln || kind == FieldKind::lllz;
}

}  // namespace

Bytes masked_frame(BytesView frame, const Framing& framing) {
  Bytes blank(frame.begin(), frame.end());
  const std::size_t prefix = std::min(prefix_bytes(framing), blank.size());
  std::fill(blank.begin() + static_cast<std::ptrdiff_t>(prefix), blank.end(), static_cast<std::uint8_t>('*'));

  Message message;
  Bytes again;
  if (frame.size() <= prefix || unpack(frame.subspan(prefix), framing, message)) return blank;
  if (pack(message, framing, again) || !std::equal(again.begin(), again.end(), frame.begin(), frame.end())) {
    return blank;
  }
  mask_fields(message);
  for (int field = 1; field <= 64; ++field) {
    if (!message.has(field) || !of_digits(field_spec(field).kind)) continue;
    std::string digits(message.field(field));
    std::replace(digits.begin(), digits.end(), '*', '0');
    message.set(field, digits);
  }
  if (pack(message, framing, again) || again.size() != frame.size()) return blank;
  return again;
}

}  // namespace swiperig
