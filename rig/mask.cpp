#include "rig/mask.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "rig/track.hpp"

namespace swiperig {
namespace {

constexpr std::size_t kMinPan = 13;
constexpr std::size_t kMaxPan = 19;
constexpr std::size_t kCommonPan = 16;
constexpr std::size_t kHexDump = 24;  // hex digits in a row that count as a dump

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); }
bool divides(char c) { return c == ' ' || c == '-' || c == '.' || c == '/' || c == '_' || c == '\t'; }
constexpr std::size_t kMostDividers = 3;  // between two groups of one number

std::size_t end_of_digits(std::string_view text, std::size_t from) {
  while (from < text.size() && is_digit(text[from])) ++from;
  return from;
}

// Card numbers that may begin anywhere inside a dump: the prefixes of the schemes keep chance hits rare.
bool scheme_prefix(std::string_view d) {
  if (d[0] == '4') return true;
  const int two = (d[0] - '0') * 10 + (d[1] - '0');
  return (two >= 51 && two <= 55) || (two >= 22 && two <= 27) || (two >= 34 && two <= 39) || two == 30 || two == 60 ||
         two == 62 || two == 64 || two == 65 || two == 81;
}

// Every rule looks at the original text and only adds stars, so no hit can hide another from a later rule.
class Scrubber {
 public:
  explicit Scrubber(std::string_view original) : original_(original), text_(original) {}

  std::string run() {
    mask_groups();
    std::size_t hex_end = 0;
    bool in_dump = false;
    for (std::size_t i = 0; i < original_.size();) {
      if (i >= hex_end && is_hex(original_[i])) {
        hex_end = i;
        while (hex_end < original_.size() && is_hex(original_[hex_end])) ++hex_end;
        in_dump = hex_end - i >= kHexDump;
      }
      i = is_digit(original_[i]) ? mask_run(i, end_of_digits(original_, i), in_dump && i < hex_end) : i + 1;
    }
    return std::move(text_);
  }

 private:
  void blank(std::size_t from, std::size_t to) {
    for (; from < to; ++from) text_[from] = '*';
  }

  // The digits of [from, to) but the first `keep_first` and the last `keep_last`; dividers stay.
  void blank_digits(std::size_t from, std::size_t to, std::size_t keep_first, std::size_t keep_last) {
    std::size_t digits = 0;
    for (std::size_t i = from; i < to; ++i) digits += is_digit(original_[i]) ? 1U : 0U;
    std::size_t seen = 0;
    for (std::size_t i = from; i < to; ++i) {
      if (!is_digit(original_[i])) continue;
      if (seen >= keep_first && seen + keep_last < digits) text_[i] = '*';
      ++seen;
    }
  }

  // In front of a track separator no Luhn is asked: a misread card is a card too.
  void mask_pan_before(std::size_t from, std::size_t to) {
    const std::size_t length = to - from;
    if (length > kMaxPan) mask_windows(from, to);
    blank_digits(to - std::min(length, kMaxPan), to, length >= kMinPan && length <= kMaxPan ? 6 : 0, 4);
  }

  void mask_windows(std::size_t from, std::size_t to, std::size_t least = kMinPan) {
    for (std::size_t at = from; at + least <= to; ++at) {
      if (!scheme_prefix(original_.substr(at, 2))) continue;
      for (std::size_t length = std::min(kMaxPan, to - at); length >= least; --length) {
        if (!luhn_valid(original_.substr(at, length))) continue;
        blank_digits(at, at + length, 6, 4);
        break;
      }
    }
  }

  // One run of digits and what follows it; returns where to go on.
  std::size_t mask_run(std::size_t from, std::size_t to, bool in_dump) {
    const std::size_t length = to - from;
    const char next = to < original_.size() ? original_[to] : '\0';
    const char behind = to + 1 < original_.size() ? original_[to + 1] : '\0';
    if (next == '^' && length >= 8) {
      mask_pan_before(from, to);
      return mask_track1_rest(to + 1);
    }
    const bool nibble_d = (next == 'D' || next == 'd') && length >= 12;
    if ((nibble_d || (next == '=' && length >= 8)) && (is_digit(behind) || behind == '=')) {
      mask_pan_before(from, to);
      std::size_t end = to + 1;
      while (end < original_.size() && (is_digit(original_[end]) || original_[end] == '=' || original_[end] == next)) {
        ++end;
      }
      blank(to + 1, end);
      return end;
    }
    if (length >= kMinPan && length <= kMaxPan && original_[from] > '1' && luhn_valid(original_.substr(from, length))) {
      blank_digits(from, to, 6, 4);
    } else if (in_dump || length > kMaxPan) {
      mask_windows(from, to);
    } else if (length > kCommonPan) {
      mask_windows(from, to, kCommonPan);  // with a few digits of something else joined to it
    }
    return to;
  }

  // Name and discretionary data up to the end sentinel, or the end of the line where that is lost.
  std::size_t mask_track1_rest(std::size_t i) {
    bool in_name = true;
    for (; i < original_.size() && original_[i] != '?' && original_[i] != '\n' && original_[i] != '\r'; ++i) {
      if (in_name && original_[i] == '^') {
        in_name = false;
      } else {
        text_[i] = '*';
      }
    }
    return i;
  }

  // A card number written in groups: tries every group as its start, the longest number first.
  void mask_groups() {
    for (std::size_t from = 0; from < original_.size(); from = end_of_digits(original_, from) + 1) {
      if (!is_digit(original_[from]) || original_[from] < '2') continue;
      std::array<char, kMaxPan> digits{};
      std::size_t count = 0;
      std::size_t best = 0;
      std::size_t groups = 0;
      for (std::size_t i = from; i < original_.size() && is_digit(original_[i]);) {
        const std::size_t end = end_of_digits(original_, i);
        if (count + (end - i) > kMaxPan) break;
        for (; i < end; ++i) digits[count++] = original_[i];
        ++groups;
        if (groups > 1 && count >= kMinPan && luhn_valid({digits.data(), count})) best = end;
        i = end;
        while (i < original_.size() && i - end < kMostDividers && divides(original_[i])) ++i;
        if (i == end) break;
      }
      if (best != 0) blank_digits(from, best, 6, 4);
    }
  }

  std::string_view original_;
  std::string text_;
};

/// Digits and dividers in the writings of East Asia, as ASCII; `bytes`: how many each character took.
std::string folded(std::string_view text, std::vector<std::uint8_t>& bytes) {
  static constexpr struct {
    std::string_view from;
    char to;
  } dividers[] = {{"\u00a0", ' '}, {"\u3000", ' '}, {"\u2007", ' '}, {"\u2009", ' '}, {"\u202f", ' '}, {"\u2010", '-'},
                  {"\u2011", '-'}, {"\u2012", '-'}, {"\u2013", '-'}, {"\u2014", '-'}, {"\u2212", '-'}, {"\uff0d", '-'},
                  {"\uff0e", '.'}, {"\uff0f", '/'}, {"\uff3f", '_'}, {"\uff1d", '='}, {"\uff3e", '^'}};
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += bytes.back()) {
    out += text[i];
    bytes.push_back(1);
    if (static_cast<unsigned char>(text[i]) < 0x80) continue;
    const std::string_view rest = text.substr(i);
    if (rest.size() >= 3 && rest.starts_with("\xef\xbc") && rest[2] >= '\x90' && rest[2] <= '\x99') {
      out.back() = static_cast<char>('0' + (rest[2] - '\x90'));
      bytes.back() = 3;
    }
    for (const auto& d : dividers) {
      if (!rest.starts_with(d.from)) continue;
      out.back() = d.to;
      bytes.back() = static_cast<std::uint8_t>(d.from.size());
    }
  }
  return out;
}

std::string mask_track(std::string_view value) {
  const std::size_t separator = value.find('=');
  std::string out(value.size(), '*');
  if (separator > kMaxPan) return out;  // none, or no card number in front of it
  out.replace(0, separator, mask_pan(value.substr(0, separator)));
  out[separator] = '=';
  return out;
}

}  // namespace

std::string mask_pan(std::string_view pan, PanMask mask) {
  if (pan.size() < kMinPan) return std::string(pan.size(), '*');
  const std::size_t first = mask == PanMask::last4 ? 0 : mask == PanMask::first8_last4 && pan.size() >= 16 ? 8 : 6;
  std::string out(pan);
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(first), out.end() - 4, '*');
  return out;
}

bool may_hold_card_data(std::string_view text) {
  // every rule wants thirteen digits with nothing but dividers between them, or eight before a separator of tracks; in
  // the writings of East Asia, where a lead byte stands for a sign of either kind, eight that no control character
  // parts
  std::size_t digits = 0, signs = 0;
  bool ascii = true;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_digit(c)) {
      ++signs;
      if (++digits == kMinPan) return true;
    } else if (byte >= 0x80) {
      ascii = false;
      if (byte == 0xEF) ++signs;
    } else {
      if (digits >= 8 && (c == '=' || c == '^' || c == 'D' || c == 'd')) return true;
      if (!divides(c)) digits = 0;
      if (byte < 0x20 && c != '\t') signs = 0;
    }
    if (!ascii && signs >= 8) return true;
  }
  return false;
}

std::string scrub(std::string_view free_text) {
  if (!may_hold_card_data(free_text)) return std::string(free_text);
  const bool ascii = std::all_of(free_text.begin(), free_text.end(), [](char c) { return (c & 0x80) == 0; });
  if (ascii) return Scrubber(free_text).run();
  std::vector<std::uint8_t> bytes;
  const std::string plain = folded(free_text, bytes);
  const std::string masked = Scrubber(plain).run();
  std::string out(free_text);
  for (std::size_t i = 0, at = 0; i < plain.size(); at += bytes[i++]) {
    if (masked[i] != plain[i]) std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(at), bytes[i], '*');
  }
  return out;
}

void mask_fields(Message& message) {
  const auto replace = [&](int field, auto masked) {
    if (message.has(field)) message.set(field, masked(message.field(field)));
  };
  const auto stars = [](std::string_view value) { return std::string(value.size(), '*'); };
  replace(2, [](std::string_view value) { return mask_pan(value); });
  replace(35, mask_track);
  replace(36, mask_track);
  replace(48, scrub);
  replace(52, stars);
  replace(55, stars);
  if (message.mti() == "0810") replace(62, stars);
}

}  // namespace swiperig
