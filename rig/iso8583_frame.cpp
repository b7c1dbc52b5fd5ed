#include <algorithm>

#include "rig/iso8583.hpp"

namespace swiperig {
namespace {

bool four_digits(std::string_view text) {
  return text.size() == 4 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::size_t head_bytes(const Framing& framing) { return (framing.tpdu ? 5U : 0U) + framing.header_bytes; }

std::optional<std::size_t> bcd_number(BytesView two_bytes) {
  std::size_t value = 0;
  for (const std::uint8_t byte : two_bytes) {
    if (byte >> 4 > 9 || (byte & 15) > 9) return std::nullopt;
    value = value * 100 + (byte >> 4) * 10U + (byte & 15U);
  }
  return value;
}

}  // namespace

std::size_t prefix_bytes(const Framing& framing) { return framing.prefix == LengthPrefix::ascii4 ? 4 : 2; }

FrameLength frame_length(BytesView stream, const Framing& framing) {
  using State = FrameLength::State;
  const std::size_t prefix = prefix_bytes(framing);
  if (stream.size() < prefix) return {State::need_more, 0};
  std::size_t stated = 0;
  if (framing.prefix == LengthPrefix::ascii4) {
    if (!four_digits(text_of(stream.first(4)))) return {State::bad, 0};
    for (std::size_t i = 0; i < 4; ++i) stated = stated * 10 + (stream[i] - std::size_t{'0'});
  } else if (framing.prefix == LengthPrefix::bcd) {
    const auto number = bcd_number(stream.first(2));
    if (!number) return {State::bad, 0};
    stated = *number;
  } else {
    stated = std::size_t{stream[0]} << 8 | stream[1];
  }
  const std::size_t total = framing.prefix == LengthPrefix::binary_including_self ? stated : stated + prefix;
  if (total < prefix + head_bytes(framing) + 10 || total > kMaxFrameBytes) return {State::bad, total};
  return {stream.size() < total ? State::need_more : State::ready, total};
}

BytesView mac_span_of_body(BytesView body, const Framing& framing) {
  const std::size_t head = head_bytes(framing);
  if (body.size() < head + 18 || (body[head + 9] & 1) == 0) return {};
  return body.subspan(head, body.size() - head - 8);
}

BytesView mac_span(BytesView frame, const Framing& framing) {
  const std::size_t prefix = prefix_bytes(framing);
  return frame.size() < prefix ? BytesView{} : mac_span_of_body(frame.subspan(prefix), framing);
}

bool place_mac(Bytes& frame, const Framing& framing, const std::array<std::uint8_t, 8>& mac) {
  if (mac_span(frame, framing).empty()) return false;
  std::copy(mac.begin(), mac.end(), frame.end() - 8);
  return true;
}

MessageClass classify(std::string_view mti) {
  if (!four_digits(mti) || mti[0] != '0') return MessageClass::other;
  const char function = mti[2];
  const bool plain = function == '0' || function == '1';
  const bool notice = function == '2' || function == '3';
  switch (mti[1]) {
    case '1': return plain ? MessageClass::preauth : MessageClass::other;
    case '2': return plain ? MessageClass::sale : notice ? MessageClass::advice : MessageClass::other;
    case '3': return notice ? MessageClass::batch_upload : MessageClass::other;
    case '4': return plain || notice ? MessageClass::reversal : MessageClass::other;
    case '5': return plain ? MessageClass::settlement : MessageClass::other;
    case '8': return plain ? MessageClass::logon : notice ? MessageClass::logoff : MessageClass::other;
    default: return MessageClass::other;
  }
}

std::string_view name(MessageClass kind) {
  switch (kind) {
    case MessageClass::sale: return "sale";
    case MessageClass::reversal: return "reversal";
    case MessageClass::logon: return "logon";
    case MessageClass::logoff: return "logoff";
    case MessageClass::settlement: return "settlement";
    case MessageClass::batch_upload: return "batch_upload";
    case MessageClass::advice: return "advice";
    case MessageClass::preauth: return "preauth";
    case MessageClass::other: break;
  }
  return "other";
}

bool is_request(std::string_view mti) { return four_digits(mti) && (mti[2] - '0') % 2 == 0; }

std::string response_mti(std::string_view request) {
  if (!is_request(request)) return {};
  std::string out(request);
  ++out[2];
  // a repeat (odd origin) is answered like its first copy
  out[3] = static_cast<char>(out[3] - (out[3] - '0') % 2);
  return out;
}

}  // namespace swiperig
