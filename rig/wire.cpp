#include "rig/wire.hpp"

#include <algorithm>
#include <charconv>

#include "rig/mask.hpp"
#include "rig/transaction_kinds.hpp"

namespace swiperig {
namespace {

std::string_view stem_of(MessageClass kind, bool request) {
  switch (kind) {
    case MessageClass::sale:
    case MessageClass::advice:
    case MessageClass::preauth: return request ? "request" : "response";
    case MessageClass::reversal: return request ? "reversal" : "reversal_response";
    case MessageClass::settlement: return request ? "settlement" : "settlement_response";
    case MessageClass::batch_upload: return request ? "upload" : "upload_response";
    case MessageClass::logon: return request ? "logon" : "logon_response";
    default: break;
  }
  return "other";
}

/// Text fields hold whatever the far end sent.
std::string printable(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

std::string field_numbers(const Message& message) {
  std::string out;
  message.for_each([&](int number, std::string_view) {
    char digits[2];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    if (!out.empty()) out += ',';
    out.append(digits, end);
  });
  return out;
}

bool all_zero(BytesView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

}  // namespace

Wire::Wire(const HostProfile& host) : host_(host), master_key_(CipherKey::make(cipher_of(host.mac), host.master_key)) {
  if (host.mac == MacKind::dukpt) mac_key_ = MacKey::make(host.mac, host.derivation_key);
}

Wire::Look Wire::look(bool from_terminal, BytesView frame) {
  Look look{"other", {}, false};
  const FrameLength length = frame_length(frame, host_.framing);
  if (length.state != FrameLength::State::ready || length.total != frame.size()) return look;
  const Message& m = message_;
  if (unpack(frame.subspan(prefix_bytes(host_.framing)), host_.framing, message_)) return look;
  look.good = true;

  const MessageClass kind = classify(m.mti());
  const bool request = is_request(m.mti());
  if (request == from_terminal) look.stem = stem_of(kind, request);
  // a download goes under the MTI of a logon
  if (kind == MessageClass::logon && m.field(60).size() >= 11 && m.field(60)[8] == '3') look.stem = "other";
  if (look.stem == "logon_response" && m.field(39) == "00") learn(m.field(62));

  Fields& out = look.fields;
  out.reserve(15);
  out.emplace_back("mti", m.mti());
  // a reversal is about the transaction that it names, whatever number it took for itself
  const std::string_view original = m.field(61);
  const bool names_original = look.stem == "reversal" && original.size() >= 12;
  if (m.has(11)) out.emplace_back("stan", names_original ? original.substr(6, 6) : m.field(11));
  if (names_original && original.substr(6, 6) != m.field(11)) out.emplace_back("own_stan", m.field(11));
  if (look.stem == "reversal" && !names_original) out.emplace_back("original", "none");
  if (m.field(60).size() >= 8) {
    out.emplace_back("batch", names_original ? original.substr(0, 6) : m.field(60).substr(2, 6));
  }
  if (look.stem == "request") {
    const TransactionKind* known = kind_of(m.mti(), m.field(3), m.field(60).substr(0, 2));
    if (known != nullptr && known != &the_sale) out.emplace_back("kind", known->name);
    if (original.size() >= 12) out.emplace_back("original", original.substr(0, 12));
  }
  if (m.has(4)) out.emplace_back("amount", m.field(4));
  if (m.field(54).size() == 20) out.emplace_back("balance", m.field(54).substr(8));
  if (m.has(39)) out.emplace_back(look.stem == "reversal" ? "reason" : "code", printable(m.field(39)));
  if (m.has(3)) out.emplace_back("proc", m.field(3));
  const std::string_view track2 = m.field(35);
  const std::string_view pan = m.has(2) ? m.field(2) : track2.substr(0, track2.find('='));
  if (!pan.empty()) out.emplace_back("pan", mask_pan(pan));
  if (m.has(22)) out.emplace_back("entry", m.field(22));
  if (m.field(60).size() >= 13) out.emplace_back("entry_reason", m.field(60).substr(12, 1));
  if (!request && m.field(12).size() == 6 && m.field(13).size() == 4) {
    out.emplace_back("clock", std::string(m.field(13)) + std::string(m.field(12)));
  }
  if (look.stem == "upload" && m.field(60).size() >= 11) out.emplace_back("function", m.field(60).substr(8, 3));
  if (kind == MessageClass::settlement && m.has(48)) out.emplace_back("totals", m.field(48));
  if (m.has(42)) out.emplace_back("mid", printable(m.field(42)));
  if (m.has(41)) out.emplace_back("tid", printable(m.field(41)));
  if (m.has(37)) out.emplace_back("rrn", printable(m.field(37)));
  out.emplace_back("has", field_numbers(m));
  out.emplace_back("mac", mac_state(frame));
  return look;
}

// PIN key, check, MAC key, check, then perhaps a track key and its check. A PIN key of 16 bytes is followed by a MAC
// key of 8, by one of 8 and eight zero bytes, or by one of 16; the length says where it ends, the check value whether
// that was right.
void Wire::learn(std::string_view field62) {
  if (host_.mac == MacKind::dukpt || (mac_key_ && learned_ == field62)) return;
  mac_key_.reset();
  learned_ = field62;
  if (!master_key_) return;
  const BytesView keys = bytes_of(field62);
  const std::size_t pin_key = keys.size() == 24 ? 8 : 16;
  std::size_t slot = 16;
  if (keys.size() == 24 || keys.size() == 32 || keys.size() == 52)
    slot = 8;
  else if (keys.size() != 40 && keys.size() != 60)
    return;
  BytesView cipher = keys.subspan(pin_key + 4, slot);
  const BytesView check = keys.subspan(pin_key + 4 + slot, 4);
  if (slot == 16 && all_zero(cipher.last(8))) cipher = cipher.first(8);
  const auto clear = master_key_->decrypt(cipher);
  const auto key = clear ? CipherKey::make(cipher_of(host_.mac), *clear) : std::nullopt;
  if (!key) return;
  const CheckValue value = key->check_value();
  if (std::equal(check.begin(), check.end(), value.begin())) mac_key_ = MacKey::make(host_.mac, *clear);
}

std::string_view Wire::mac_state(BytesView frame) const {
  if (!message_.has(64)) return "absent";
  if (!mac_key_ || host_.mac == MacKind::none) return "unchecked";
  const bool right = mac_key_->verify(mac_span(frame, host_.framing), message_.field(64), mac_turn(host_, message_));
  return right ? "ok" : "wrong";
}

}  // namespace swiperig
