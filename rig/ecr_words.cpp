#include "rig/ecr_words.hpp"

#include <algorithm>

#include "rig/bytes.hpp"
#include "rig/mask.hpp"
#include "rig/zvt.hpp"

namespace swiperig {

namespace {

constexpr char kMaskedByte = '\xEE';  // two nibbles that are no digits
constexpr std::size_t kMinPan = 13, kMaxPan = 19, kFirst = 6, kLast = 4;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
unsigned nibble(char c, bool high) {
  return high ? static_cast<std::uint8_t>(c) >> 4 : static_cast<std::uint8_t>(c) & 15;
}

void set_nibble(char& c, bool high, unsigned to) {
  const unsigned old = static_cast<std::uint8_t>(c);
  c = static_cast<char>(high ? (old & 0x0F) | to << 4 : (old & 0xF0) | to);
}

void blank(std::string& data, std::size_t from, std::size_t to, bool binary) {
  std::fill(data.begin() + static_cast<std::ptrdiff_t>(from), data.begin() + static_cast<std::ptrdiff_t>(to),
            binary ? kMaskedByte : '*');
}

/// Leaves the first six and the last four digits of as many as a card number has, of others none.
template <class IsDigit, class Hide>
void mask_digits(std::size_t places, IsDigit is_digit_at, Hide hide) {
  std::size_t digits = 0, seen = 0;
  for (std::size_t i = 0; i < places; ++i) digits += is_digit_at(i) ? 1U : 0U;
  const bool pan = digits >= kMinPan && digits <= kMaxPan;
  for (std::size_t i = 0; i < places; ++i) {
    if (!is_digit_at(i)) continue;
    if (!pan || (seen >= kFirst && seen + kLast < digits)) hide(i);
    ++seen;
  }
}

void mask_text_pan(std::string& data, std::size_t from, std::size_t to) {
  mask_digits(
      to - from, [&](std::size_t i) { return is_digit(data[from + i]); }, [&](std::size_t i) { data[from + i] = '*'; });
}

void mask_packed_pan(std::string& data, std::size_t from, std::size_t to) {
  // what follows a separator nibble is no card number any more
  bool behind = false;
  for (std::size_t i = 2 * from; i < 2 * to; ++i) {
    if (behind) set_nibble(data[i / 2], i % 2 == 0, 0xE);
    behind = behind || nibble(data[i / 2], i % 2 == 0) == 0xD;
  }
  mask_digits(
      2 * (to - from), [&](std::size_t i) { return nibble(data[from + i / 2], i % 2 == 0) <= 9; },
      [&](std::size_t i) { set_nibble(data[from + i / 2], i % 2 == 0, 0xE); });
}

void apply(const MaskRule& rule, bool binary, std::string& data) {
  if (!data.starts_with(rule.begins)) return;
  std::size_t from = std::min(rule.from, data.size());
  std::size_t to = rule.to < data.size() ? rule.to + 1 : data.size();
  while (from < to) {
    std::size_t end = to;
    if (!rule.after.empty()) {
      const std::size_t at = data.find(rule.after, from);
      if (at == data.npos || at + rule.after.size() > to) return;
      from = at + rule.after.size();
    }
    if (!rule.until.empty()) end = std::min(to, data.find(rule.until, from));
    switch (rule.leaves) {
      case MaskRule::Leaves::nothing: blank(data, from, end, binary); break;
      case MaskRule::Leaves::pan: mask_text_pan(data, from, end); break;
      case MaskRule::Leaves::packed_pan: mask_packed_pan(data, from, end); break;
    }
    if (rule.after.empty()) return;
    from = end;
  }
}

std::string hex_of(std::string_view data) { return to_hex(bytes_of(data)); }

/// Card numbers as two digits in a byte, wherever they are: of a frame whose layout nobody has told.
void scrub_packed(std::string& data) {
  const std::string hex = hex_of(data), masked = scrub(hex);
  for (std::size_t i = 0; i < hex.size(); ++i) {
    if (hex[i] != masked[i]) set_nibble(data[i / 2], i % 2 == 0, 0xE);
  }
}

void mask_zvt(std::string& apdu) {
  const std::string_view as_it_was = apdu;  // the fields are of one length before and behind
  for_each_zvt_field(as_it_was, [&](const ZvtField& f) {
    const std::size_t to = f.from + f.size;
    if (f.told == ZvtTold::secret) blank(apdu, f.from, to, true);
    if (f.told == ZvtTold::pan) mask_packed_pan(apdu, f.from, to);
    const std::string_view text = as_it_was.substr(f.from, f.size);
    if (f.told == ZvtTold::text && may_hold_card_data(text)) apdu.replace(f.from, f.size, scrub(text));
  });
}

std::string pairs(std::string_view data) {
  const std::string hex = hex_of(data);
  std::string text;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    if (i > 0) text += ' ';
    text += hex.substr(i, 2);
  }
  return text;
}

std::string zvt_text(std::string_view apdu) {
  std::string text = pairs(apdu.substr(0, 2));
  for (const ZvtField& f : zvt_fields(apdu)) {
    const std::string_view value = apdu.substr(f.from, f.size);
    if (f.name.empty()) {
      text += " unread=" + std::to_string(f.size) + ";";
      continue;
    }
    text += ' ' + std::string(f.name) + '=';
    if (f.told == ZvtTold::secret) text.append(f.size, '*');
    if (f.told == ZvtTold::text) text += value;
    if (f.packed) text += hex_of(value);
    text += ';';
  }
  return text;
}

}  // namespace

void FrameMasker::mask_edges(std::string& report) {
  constexpr std::size_t few = 3;  // so many digits tell nothing
  const auto hide = [&](std::size_t from, std::size_t to) {
    if (to - from > few) blank(report, from, to, false);
  };
  const bool ends_in_one = report.size() > 1 && is_digit(report.back());
  std::size_t head = 1, tail = report.size();
  while (head < report.size() && is_digit(report[head])) ++head;
  while (ends_in_one && tail > 1 && is_digit(report[tail - 1])) --tail;
  if (goes_on_) hide(1, head);
  hide(tail, report.size());
  goes_on_ = ends_in_one;
}

void FrameMasker::mask(std::string& data) {
  if (link_.framing.is_zvt()) mask_zvt(data);
  for (const MaskRule& rule : link_.masks) apply(rule, link_.framing.binary, data);
  if (link_.framing.is_zvt()) return;
  if (may_hold_card_data(data)) data = scrub(data);
  if (link_.framing.binary) scrub_packed(data);
  if (link_.framing.kind == EcrFraming::Kind::hid_report && !data.empty()) mask_edges(data);
}

std::string frame_text(const TerminalLink& link, std::string_view data) {
  if (link.framing.is_zvt()) return zvt_text(data);
  if (link.framing.kind == EcrFraming::Kind::hid_report && !data.empty()) {
    const std::string id = "report " + std::to_string(static_cast<std::uint8_t>(data[0])) + ": ";
    data.remove_prefix(1);
    if (link.framing.binary) return id + pairs(data);
    return id + std::string(data.substr(0, data.find_last_not_of('\0') + 1));
  }
  return link.framing.binary ? pairs(data) : std::string(data);
}

void FrameMasker::put(std::string_view data, std::string_view masked, std::string& wire) const {
  const DataPlaces places = data_places(link_.framing, wire);
  const bool escapes = link_.framing.kind == EcrFraming::Kind::zvt_serial;
  const std::size_t size = std::min(data.size(), places.data.size());
  for (std::size_t i = 0; i < size; ++i) {
    if (masked[i] == data[i]) continue;
    // an escaped byte goes with what escapes it
    if (escapes && data[i] == '\x10') wire[places.data[i] - 1] = masked[i];
    wire[places.data[i]] = masked[i];
  }
  for (const std::size_t at : places.check) wire[at] = link_.framing.binary ? kMaskedByte : '*';
}

}  // namespace swiperig
