#pragma once
// Magnetic stripe contents: the Luhn check, the text of a track to the bits that pass the head and back, and the parts
// of track 2. Bits are one per byte (0 or 1), in forward swipe order, each character least significant bit first with
// odd parity last; track 1 has 6+1 bits a character, tracks 2 and 3 have 4+1. Decoders are total: any bits give a text
// or the first fault with its place.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace swiperig {

inline constexpr std::size_t kMaxTrackChars = 107;  // sentinels and LRC included

// True for one or more digits whose Luhn sum is 0 mod 10; blind to a swap of adjacent 0 and 9.
bool luhn_valid(std::string_view digits);

// The digit that completes `body`; '\0' if the body is empty or not all digits.
char luhn_digit(std::string_view body);

// Bits of `text` (sentinels included by the caller) and its LRC, without clocking zeros. Nothing is required of the
// text but its character set, so faulty cards can be made. Empty for a track other than 1-3, a character the track
// cannot hold (1: 20-5F, 2 and 3: 30-3F hex), an empty text or one over 106 characters.
std::vector<std::uint8_t> encode_track(int track, std::string_view text);

struct TrackText {
  std::string text;           // start to end sentinel
  std::uint8_t lrc = 0;       // data bits of the LRC character
  std::size_t first_bit = 0;  // of the start sentinel, in reading order
  bool reversed = false;      // read against the swipe (read_track only)
};

enum class TrackFault : std::uint8_t {
  no_transitions,
  no_lock,
  no_start_sentinel,
  parity,
  no_end_sentinel,
  no_lrc,
  lrc_parity,
  lrc,
  too_long,
  no_such_track
};

// character counts from the start sentinel (0); bit is where that character starts, in reading order.
struct TrackError {
  TrackFault fault = TrackFault::no_transitions;
  std::size_t character = 0;
  std::size_t bit = 0;
  bool reversed = false;
};

// "parity_error", "no_end_sentinel", ...
std::string_view name(TrackFault fault);

// Looks for the start sentinel bit by bit, then reads characters up to the end sentinel and the LRC. Bits behind the
// LRC are ignored. Any non-zero byte is a 1.
std::variant<TrackText, TrackError> decode_track(int track, std::span<const std::uint8_t> bits);

// Views into the parsed text. Missing parts behind the expiry are empty.
struct Track2 {
  std::string_view pan;           // 8-19 digits, Luhn not checked
  std::string_view expiry_yymm;   // 4 digits, the month not checked
  std::string_view service_code;  // 3 digits
  std::string_view discretionary;
  // First digit of the service code 2 or 6: most terminals refuse the swipe and ask for the chip.
  bool chip_preferred() const { return !service_code.empty() && (service_code[0] == '2' || service_code[0] == '6'); }
};

struct TextError {
  std::size_t offset = 0;
  std::string_view what;
};

// `text` with or without sentinels, separator '=' or 'D', at most 37 characters between the sentinels.
std::variant<Track2, TextError> parse_track2(std::string_view text);

}  // namespace swiperig
