#include "rig/track.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

namespace swiperig {
namespace {

struct Alphabet {
  std::size_t data_bits;
  char zero;  // the character whose value is 0
  unsigned start;
  unsigned end;
};

std::optional<Alphabet> alphabet(int track) {
  switch (track) {
    case 1: return Alphabet{6, ' ', 0x05, 0x1F};
    case 2:
    case 3: return Alphabet{4, '0', 0x0B, 0x0F};
    default: return std::nullopt;
  }
}

bool all_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Sum with the last digit doubled or not.
unsigned luhn_sum(std::string_view digits, bool double_last) {
  unsigned sum = 0;
  bool twice = double_last;
  for (std::size_t i = digits.size(); i-- > 0; twice = !twice) {
    unsigned digit = static_cast<unsigned>(digits[i] - '0') * (twice ? 2U : 1U);
    if (digit > 9) digit -= 9;
    sum += digit;
  }
  return sum;
}

unsigned odd_parity(unsigned data) { return (static_cast<unsigned>(std::popcount(data)) + 1U) % 2U; }

void append_character(std::vector<std::uint8_t>& bits, unsigned value, std::size_t data_bits) {
  for (std::size_t i = 0; i < data_bits; ++i) bits.push_back(static_cast<std::uint8_t>(value >> i & 1U));
  bits.push_back(static_cast<std::uint8_t>(odd_parity(value)));
}

// A character with its parity bit on top of the data bits; the caller has checked that the bits are there.
unsigned character_at(std::span<const std::uint8_t> bits, std::size_t at, std::size_t count) {
  unsigned value = 0;
  for (std::size_t i = 0; i < count; ++i) value |= (bits[at + i] != 0 ? 1U : 0U) << i;
  return value;
}

}  // namespace

bool luhn_valid(std::string_view digits) {
  return !digits.empty() && all_digits(digits) && luhn_sum(digits, false) % 10 == 0;
}

char luhn_digit(std::string_view body) {
  if (body.empty() || !all_digits(body)) return '\0';
  return static_cast<char>('0' + (10 - luhn_sum(body, true) % 10) % 10);
}

std::vector<std::uint8_t> encode_track(int track, std::string_view text) {
  const auto set = alphabet(track);
  if (!set || text.empty() || text.size() >= kMaxTrackChars) return {};
  std::vector<std::uint8_t> bits;
  bits.reserve((text.size() + 1) * (set->data_bits + 1));
  unsigned lrc = 0;
  for (const char c : text) {
    const int value = c - set->zero;
    if (value < 0 || value >= 1 << set->data_bits) return {};
    append_character(bits, static_cast<unsigned>(value), set->data_bits);
    lrc ^= static_cast<unsigned>(value);
  }
  append_character(bits, lrc, set->data_bits);
  return bits;
}

std::string_view name(TrackFault fault) {
  switch (fault) {
    case TrackFault::no_transitions: return "no_transitions";
    case TrackFault::no_lock: return "no_lock";
    case TrackFault::no_start_sentinel: return "no_start_sentinel";
    case TrackFault::parity: return "parity_error";
    case TrackFault::no_end_sentinel: return "no_end_sentinel";
    case TrackFault::no_lrc: return "no_lrc";
    case TrackFault::lrc_parity: return "lrc_parity_error";
    case TrackFault::lrc: return "lrc_error";
    case TrackFault::too_long: return "too_long";
    case TrackFault::no_such_track: break;
  }
  return "no_such_track";
}

std::variant<TrackText, TrackError> decode_track(int track, std::span<const std::uint8_t> bits) {
  const auto set = alphabet(track);
  if (!set) return TrackError{TrackFault::no_such_track};
  if (bits.empty()) return TrackError{TrackFault::no_transitions};
  const std::size_t width = set->data_bits + 1;
  const unsigned sentinel = set->start | odd_parity(set->start) << set->data_bits;
  std::size_t first = 0;
  unsigned window = 0;
  // the window holds the last `width` bits, oldest lowest
  for (std::size_t i = 0;; ++i) {
    if (i == bits.size()) return TrackError{TrackFault::no_start_sentinel, 0, bits.size()};
    window = window >> 1 | (bits[i] != 0 ? 1U : 0U) << set->data_bits;
    if (i + 1 >= width && window == sentinel) {
      first = i + 1 - width;
      break;
    }
  }
  std::array<char, kMaxTrackChars> text{};
  unsigned lrc = 0;
  std::size_t count = 0;
  for (bool ended = false; !ended; ++count) {
    const std::size_t at = first + count * width;
    if (count + 1 == kMaxTrackChars) return TrackError{TrackFault::too_long, count, at};
    if (bits.size() - at < width) return TrackError{TrackFault::no_end_sentinel, count, at};
    const unsigned raw = character_at(bits, at, width);
    if (std::popcount(raw) % 2 == 0) return TrackError{TrackFault::parity, count, at};
    const unsigned value = raw & ((1U << set->data_bits) - 1U);
    lrc ^= value;
    text[count] = static_cast<char>(set->zero + static_cast<char>(value));
    ended = value == set->end;
  }
  const std::size_t at = first + count * width;
  if (bits.size() - at < width) return TrackError{TrackFault::no_lrc, count, at};
  const unsigned raw = character_at(bits, at, width);
  if (std::popcount(raw) % 2 == 0) return TrackError{TrackFault::lrc_parity, count, at};
  if ((raw & ((1U << set->data_bits) - 1U)) != lrc) return TrackError{TrackFault::lrc, count, at};
  return TrackText{std::string(text.data(), count), static_cast<std::uint8_t>(lrc), first, false};
}

std::variant<Track2, TextError> parse_track2(std::string_view text) {
  std::size_t skipped = 0;
  if (!text.empty() && text.front() == ';') {
    text.remove_prefix(1);
    skipped = 1;
    if (text.empty() || text.back() != '?') return TextError{skipped + text.size(), "no end sentinel"};
    text.remove_suffix(1);
  }
  if (text.size() > 37) return TextError{skipped + 37, "over 37 characters"};
  const std::size_t separator = text.find_first_of("=D");
  if (separator == std::string_view::npos) return TextError{skipped + text.size(), "no separator"};
  const std::string_view rest = text.substr(separator + 1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i != separator && (text[i] < '0' || text[i] > '9')) return TextError{skipped + i, "not a digit"};
  }
  if (separator < 8 || separator > 19) return TextError{skipped + separator, "PAN is not 8-19 digits"};
  if (rest.size() < 4) return TextError{skipped + text.size(), "expiry is short"};
  Track2 out{text.substr(0, separator), rest.substr(0, 4), {}, {}};
  if (rest.size() == 4) return out;
  if (rest.size() < 7) return TextError{skipped + text.size(), "service code is short"};
  out.service_code = rest.substr(4, 3);
  out.discretionary = rest.substr(7);
  return out;
}

}  // namespace swiperig
