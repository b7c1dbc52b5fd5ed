#pragma once
// The ISO 8583 messages of UnionPay-style acquirers: one table of 64 field encodings, a Message that holds all values
// in fixed slots (no allocation per field, so a Message can be reused for every frame), and the frame around it:
// length prefix, TPDU, application header, MTI, bitmap, fields. Values are text: digits for the n kinds, digits and
// '=' for tracks, the bytes themselves for an and b kinds. Parsers are total: any bytes give a message or a located
// error. Nothing is repaired silently: a wrong length, nibble, pad or a leftover byte is an error.
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rig/bytes.hpp"

namespace swiperig {

// n fixed digits (odd: zero nibble on the left), nl the same with the zero on the right, z digits and '=' (nibble D),
// an bytes of text, b raw bytes; ll / lll a BCD length of one / two bytes in front (digits for n and z, else bytes).
enum class FieldKind : std::uint8_t { unknown, n, nl, lln, llz, llln, lllz, an, llan, lllan, b, lllb };

struct FieldSpec {
  FieldKind kind = FieldKind::unknown;
  std::uint16_t max = 0;  // digits or bytes; the exact length for fixed kinds
};

// Encoding of field 1-64; kind unknown for fields these acquirers do not use and for any other number.
FieldSpec field_spec(int field);

enum class LengthPrefix : std::uint8_t { binary_excluding_self, binary_including_self, bcd, ascii4 };

// How a host frames its messages. header_bytes is 0-6.
struct Framing {
  LengthPrefix prefix = LengthPrefix::binary_excluding_self;
  bool tpdu = true;
  std::uint8_t header_bytes = 6;
  bool operator==(const Framing&) const = default;
};

// field 0 means frame, MTI or bitmap; offset counts bytes of the view given to unpack, or of the frame pack writes.
struct CodecError {
  int field = 0;
  std::size_t offset = 0;
  std::string what;
};

inline constexpr std::size_t kMaxFrameBytes = 4096;  // with its prefix

class Message {
 public:
  static constexpr std::size_t kSlotBytes = 1792;

  std::string_view mti() const { return {mti_.data(), mti_.size()}; }
  // False, and the message unchanged, unless exactly four digits.
  bool set_mti(std::string_view four_digits);

  const std::array<std::uint8_t, 5>& tpdu() const { return tpdu_; }
  void set_tpdu(const std::array<std::uint8_t, 5>& tpdu) { tpdu_ = tpdu; }
  // Exchanges destination and source, as an answer does.
  void swap_tpdu();

  // Only the first Framing::header_bytes travel.
  const std::array<std::uint8_t, 6>& header() const { return header_; }
  void set_header(const std::array<std::uint8_t, 6>& header) { header_ = header; }

  bool has(int field) const { return field >= 1 && field <= 64 && ((present_ >> (64 - field)) & 1U) != 0; }
  // Empty when absent; valid until the field is set or cleared, or the message dies.
  std::string_view field(int field) const;
  // Stores a copy. A field the table does not know or a value over its maximum is refused: false, the field becomes
  // absent, and pack fails with that field until it is set rightly or cleared. Digits are checked by pack.
  bool set(int field, std::string_view value);
  void clear(int field);
  // Back to a message without MTI, fields, TPDU or header.
  void reset();

  // Field 1 is the most significant bit.
  std::uint64_t bitmap() const { return present_; }
  // Field numbers present, in order, to a callable.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::uint64_t rest = present_; rest != 0; rest &= ~(std::uint64_t{1} << (63 - std::countl_zero(rest)))) {
      const int number = std::countl_zero(rest) + 1;
      visit(number, field(number));
    }
  }

  bool operator==(const Message& other) const;

 private:
  friend class Unpacker;
  friend std::optional<CodecError> pack(const Message&, const Framing&, Bytes&);

  std::array<char, kSlotBytes> slots_{};
  std::array<std::uint16_t, 65> length_{};
  std::uint64_t present_ = 0;
  std::optional<int> refused_;
  std::array<char, 4> mti_{'0', '0', '0', '0'};
  std::array<std::uint8_t, 5> tpdu_{};
  std::array<std::uint8_t, 6> header_{};
};

// Reads a frame without its length prefix into `out`, whose storage is reused; after an error `out` holds the fields
// read so far. Rejects a secondary bitmap, unknown fields, lengths over the maximum, nibbles that are no digits, pad
// nibbles that are not zero, truncation and trailing bytes.
std::optional<CodecError> unpack(BytesView frame_without_length_prefix, const Framing& framing, Message& out);

// Writes the whole frame with its length prefix into `out` (storage reused). Fixed fields must have their exact
// length; after an error `out` is empty.
std::optional<CodecError> pack(const Message& message, const Framing& framing, Bytes& out);

// ready: the first `total` bytes are one frame, prefix included. need_more: total is the frame's size once the prefix
// is there, else 0. bad: the prefix cannot start a frame (not digits, too short for TPDU + header + MTI + bitmap, or
// over kMaxFrameBytes); the stream cannot be resynchronised.
struct FrameLength {
  enum class State : std::uint8_t { need_more, ready, bad };
  State state = State::need_more;
  std::size_t total = 0;
};
FrameLength frame_length(BytesView start_of_stream, const Framing& framing);

// Bytes the length prefix takes: 4 for ascii4, else 2.
std::size_t prefix_bytes(const Framing& framing);

// What the MAC of a frame covers: MTI through the byte before field 64. Empty if the frame is too short or its bitmap
// has no field 64. To send: set 64 to eight zero bytes, pack, MAC this span, place_mac.
BytesView mac_span(BytesView frame_with_prefix, const Framing& framing);
BytesView mac_span_of_body(BytesView frame_without_length_prefix, const Framing& framing);

// Overwrites field 64, the frame's last eight bytes; false, and nothing written, if the frame has none.
bool place_mac(Bytes& frame_with_prefix, const Framing& framing, const std::array<std::uint8_t, 8>& mac);

enum class MessageClass : std::uint8_t {
  sale,
  reversal,
  logon,
  logoff,
  settlement,
  batch_upload,
  advice,
  preauth,
  other
};

// By version, class and function digit (requests and responses alike); the origin digit is ignored. `logoff` is all of
// 082x/083x: sign-out, echo, status.
MessageClass classify(std::string_view mti);
std::string_view name(MessageClass kind);

// Four digits whose function digit is even.
bool is_request(std::string_view mti);

// 0200 -> 0210, a repeat 0401 -> 0410; empty unless is_request.
std::string response_mti(std::string_view request);

}  // namespace swiperig
