#include "rig/masked_frame.hpp"

#include <algorithm>

#include "rig/mask.hpp"

namespace swiperig {

namespace {

bool of_digits(FieldKind kind) {
  return kind == FieldKind::n || kind == FieldKind::nl || kind == FieldKind::lln || kind == FieldKind::llz ||
         kind == FieldKind::llln || kind == FieldKind::lllz;
}

/// Whether the frame is one whole message that comes back byte for byte.
bool read_whole(BytesView frame, const Framing& framing, Message& message) {
  const std::size_t prefix = prefix_bytes(framing);
  Bytes again;
  return frame.size() > prefix && !unpack(frame.subspan(prefix), framing, message) && !pack(message, framing, again) &&
         std::equal(again.begin(), again.end(), frame.begin(), frame.end());
}

/// With zeros where digits were masked; none where it does not come out as long as it was.
std::optional<Bytes> packed(Message& message, const Framing& framing, std::size_t size) {
  for (int field = 1; field <= 64; ++field) {
    if (!message.has(field) || !of_digits(field_spec(field).kind)) continue;
    std::string digits(message.field(field));
    std::replace(digits.begin(), digits.end(), '*', '0');
    message.set(field, digits);
  }
  Bytes again;
  if (pack(message, framing, again) || again.size() != size) return std::nullopt;
  return again;
}

/// The card number that field 2, 35 or 36 is of. On track 3 a format code of two digits is before it.
std::string_view number_in(int field, std::string_view value) {
  const std::string_view number = value.substr(0, value.find('='));
  return field == 36 && number.size() > 2 ? number.substr(2) : number;
}

}  // namespace

Bytes masked_frame(BytesView frame, const Framing& framing) {
  Message message;
  if (read_whole(frame, framing, message)) {
    mask_fields(message);
    if (auto masked = packed(message, framing, frame.size())) return *std::move(masked);
  }
  Bytes blank(frame.begin(), frame.end());
  const std::size_t prefix = std::min(prefix_bytes(framing), blank.size());
  std::fill(blank.begin() + static_cast<std::ptrdiff_t>(prefix), blank.end(), static_cast<std::uint8_t>('*'));
  return blank;
}

std::optional<Bytes> test_card_frame(BytesView frame, const Framing& framing, const TestCards& cards,
                                     bool answers_one) {
  Message message;
  if (!read_whole(frame, framing, message)) return std::nullopt;
  Message kept = message;
  mask_fields(kept);
  bool its_own = answers_one;
  for (const int field : {2, 35, 36}) {
    if (!message.has(field)) continue;
    const bool declared = cards.contains(number_in(field, message.field(field)));
    if (!declared && field == 2) return std::nullopt;
    its_own = its_own || declared;
    if (declared) kept.set(field, message.field(field));
  }
  if (!its_own) return std::nullopt;
  return packed(kept, framing, frame.size());
}

}  // namespace swiperig
