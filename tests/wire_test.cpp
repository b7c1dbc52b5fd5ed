#include "rig/wire.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <vector>

#include "tests/vectors.hpp"

namespace swiperig {
namespace {

const std::string kTmk = "0123456789ABCDEFFEDCBA9876543210";

HostProfile profile(MacKind mac = MacKind::unionpay_ecb) {
  HostProfile host;
  host.mac = mac;
  host.master_key = *from_hex(kTmk);
  return host;
}

const boost::json::object& vectors() {
  static const boost::json::value file = vectors_in("iso8583_unionpay.json");
  return file.as_object();
}

struct Vector {
  std::string name, mti;
  Bytes frame;
  std::map<int, std::string> fields;
  bool from_terminal() const { return (mti[2] - '0') % 2 == 0; }
};
std::vector<Vector> messages() {
  std::vector<Vector> out;
  for (const auto& v : vectors().at("vectors").as_array()) {
    Vector vector{std::string(v.at("name").as_string()),
                  std::string(v.at("mti").as_string()),
                  *from_hex(v.at("frame_hex").as_string()),
                  {}};
    for (const auto& field : v.at("fields").as_object()) {
      vector.fields[std::stoi(std::string(field.key()))] = std::string(field.value().as_string());
    }
    out.push_back(std::move(vector));
  }
  return out;
}
Vector message(const std::string& name) {
  for (Vector& v : std::vector<Vector>(messages())) {
    if (v.name == name) return v;
  }
  ADD_FAILURE() << "no vector " << name;
  return {};
}

Bytes packed(const Message& m) {
  Bytes out;
  EXPECT_FALSE(pack(m, Framing{}, out));
  return out;
}

TEST(Wire, EveryVectorIsNamedAndItsMacChecked) {
  const std::map<std::string, std::string> stems = {
      {"0100", "request"}, {"0110", "response"},        {"0220", "request"},    {"0230", "response"},
      {"0200", "request"}, {"0210", "response"},        {"0400", "reversal"},   {"0410", "reversal_response"},
      {"0320", "upload"},  {"0330", "upload_response"}, {"0500", "settlement"}, {"0510", "settlement_response"},
      {"0800", "logon"},   {"0810", "logon_response"}};
  Wire wire(profile());
  std::map<std::string, int> macs;
  for (const Vector& v : messages()) {
    SCOPED_TRACE(v.name);
    const Wire::Look look = wire.look(v.from_terminal(), v.frame);
    EXPECT_TRUE(look.good);
    const auto stem = stems.find(v.mti);
    EXPECT_EQ(look.stem, stem == stems.end() ? "other" : stem->second);
    EXPECT_EQ(field(look.fields, "mti"), v.mti);
    const std::map<std::string, int> raw = {{"stan", 11}, {"amount", 4}, {"proc", 3}, {"entry", 22},
                                            {"mid", 42},  {"tid", 41},   {"rrn", 37}};
    for (const auto& [name, number] : raw) {
      const auto value = v.fields.find(number);
      EXPECT_EQ(field(look.fields, name), value == v.fields.end() ? "" : value->second) << name;
    }
    EXPECT_EQ(field(look.fields, "batch"), v.fields.at(60).substr(2, 6));
    const std::string code = v.fields.contains(39) ? v.fields.at(39) : "";
    EXPECT_EQ(field(look.fields, "code"), v.mti == "0400" ? "" : code);
    EXPECT_EQ(field(look.fields, "reason"), v.mti == "0400" ? code : "");
    EXPECT_EQ(field(look.fields, "totals"), v.mti.starts_with("05") ? v.fields.at(48) : "");
    std::string has;
    for (const auto& [number, value] : v.fields) has += (has.empty() ? "" : ",") + std::to_string(number);
    EXPECT_EQ(field(look.fields, "has"), has);
    EXPECT_EQ(field(look.fields, "mac"), v.fields.contains(64) ? "ok" : "absent");
    EXPECT_EQ(field(look.fields, "pan"), v.fields.contains(2) || v.fields.contains(35) ? "621234******1265" : "");
    ++macs[std::string(field(look.fields, "mac"))];
  }
  EXPECT_GE(macs["ok"], 15);
  EXPECT_GE(macs["absent"], 5);
}

TEST(Wire, AnyFlippedBitUnderTheMacIsSeen) {
  Wire wire(profile());
  const Vector sale = message("sale request");
  EXPECT_EQ(field(wire.look(true, sale.frame).fields, "mac"), "unchecked") << "no logon has passed";
  wire.look(false, message("sign-in response").frame);
  EXPECT_EQ(field(wire.look(true, sale.frame).fields, "mac"), "ok");
  int still_messages = 0;
  for (std::size_t bit = 13 * 8; bit < sale.frame.size() * 8; ++bit) {
    Bytes frame = sale.frame;
    frame[bit / 8] ^= static_cast<std::uint8_t>(0x80 >> bit % 8);
    const Wire::Look look = wire.look(true, frame);
    if (!look.good || field(look.fields, "mac") == "absent") continue;
    EXPECT_EQ(field(look.fields, "mac"), "wrong") << "bit " << bit;
    ++still_messages;
  }
  EXPECT_GT(still_messages, 400);
}

// --- keys ------------------------------------------------------------------------------------------------------

struct Layout {
  const char* name;
  std::size_t pin_key, mac_key, slot, track_key;
};
const Layout kLayouts[] = {{"24", 8, 8, 8, 0},         {"32", 16, 8, 8, 0},   {"40", 16, 8, 16, 0},
                           {"52", 16, 8, 8, 16},       {"60", 16, 8, 16, 16}, {"40 long", 16, 16, 16, 0},
                           {"60 long", 16, 16, 16, 16}};
const Bytes kMacKey = *from_hex("31313131313131317373737373737373");

Bytes logon_response(const Layout& layout, bool good_check, const char* code = "00") {
  const DesKey master = *DesKey::make(*from_hex(kTmk));
  Bytes keys;
  const auto put = [&](Bytes clear, std::size_t slot, bool good) {
    const Bytes cipher = *master.encrypt(clear);
    keys.insert(keys.end(), cipher.begin(), cipher.end());
    keys.resize(keys.size() + slot - clear.size());
    auto check = DesKey::make(clear)->check_value();
    if (!good) check[0] ^= 1;
    keys.insert(keys.end(), check.begin(), check.end());
  };
  put(Bytes(layout.pin_key, 0x10), layout.pin_key, true);
  put(Bytes(kMacKey.begin(), kMacKey.begin() + static_cast<std::ptrdiff_t>(layout.mac_key)), layout.slot, good_check);
  if (layout.track_key != 0) put(Bytes(layout.track_key, 0x40), layout.track_key, true);
  Message m;
  m.set_mti("0810");
  m.set(11, "000001");
  m.set(39, code);
  m.set(60, "00000042003");
  m.set(62, text_of(keys));
  return packed(m);
}
Bytes sale_under(MacKind kind, BytesView key) {
  Message m;
  m.set_mti("0200");
  m.set(4, "000000001234");
  m.set(11, "000002");
  m.set(64, std::string(8, '\0'));
  Bytes frame = packed(m);
  EXPECT_TRUE(place_mac(frame, Framing{}, *mac(kind, key, mac_span(frame, Framing{}))));
  return frame;
}
std::string mac_after(Bytes logon, MacKind kind, std::size_t key_bytes) {
  Wire wire(profile(kind));
  EXPECT_TRUE(wire.look(false, logon).good);
  const Bytes sale = sale_under(kind, BytesView(kMacKey).first(key_bytes));
  return std::string(field(wire.look(true, sale).fields, "mac"));
}

TEST(Wire, LearnsTheMacKeyFromEitherLayoutIfItsCheckValueIsRight) {
  for (const Layout& layout : kLayouts) {
    SCOPED_TRACE(layout.name);
    EXPECT_EQ(mac_after(logon_response(layout, true), MacKind::unionpay_ecb, layout.mac_key), "ok");
    EXPECT_EQ(mac_after(logon_response(layout, false), MacKind::unionpay_ecb, layout.mac_key), "unchecked");
    EXPECT_EQ(mac_after(logon_response(layout, true, "97"), MacKind::unionpay_ecb, layout.mac_key), "unchecked");
    const MacKind other = layout.mac_key == 16 ? MacKind::x9_19_pad1 : MacKind::x9_9;
    EXPECT_EQ(mac_after(logon_response(layout, true), other, layout.mac_key), "ok");
    EXPECT_EQ(mac_after(logon_response(layout, true), MacKind::none, layout.mac_key), "unchecked");
  }
}

TEST(Wire, AKeyThatCannotBeKnownLeavesMacsUnchecked) {
  HostProfile keyless = profile();
  keyless.master_key.clear();
  Wire wire(keyless);
  wire.look(false, message("sign-in response").frame);
  EXPECT_EQ(field(wire.look(true, message("sale request").frame).fields, "mac"), "unchecked");
  // a logon response that the terminal "sends" teaches nothing
  Wire fooled(profile());
  EXPECT_EQ(fooled.look(true, message("sign-in response").frame).stem, "other");
  EXPECT_EQ(field(fooled.look(true, message("sale request").frame).fields, "mac"), "unchecked");
}

TEST(Wire, WhatIsNoWholeMessageIsNotGood) {
  Wire wire(profile());
  const Bytes frame = message("sale request").frame;
  for (std::size_t n = 0; n < frame.size(); ++n) {
    const Wire::Look look = wire.look(true, BytesView(frame).first(n));
    EXPECT_FALSE(look.good);
    EXPECT_EQ(look.stem, "other");
    EXPECT_TRUE(look.fields.empty());
  }
  Bytes longer = frame;
  longer.push_back(0);
  EXPECT_FALSE(wire.look(true, longer).good);
  Bytes wrong_prefix = frame;
  --wrong_prefix[1];
  EXPECT_FALSE(wire.look(true, wrong_prefix).good);
  Bytes second_bitmap = frame;
  second_bitmap[15] |= 0x80;
  EXPECT_FALSE(wire.look(true, second_bitmap).good);
}

// --- secrets ---------------------------------------------------------------------------------------------------

/// What of the secrets in `v` can be found in the fields, as text, packed, or as hex of either; "" for none.
std::string leak(const Vector& v, const Fields& fields) {
  std::string hay;
  for (const auto& [name, value] : fields) hay += name + "|" + value + "|";
  hay += to_hex(bytes_of(hay));
  std::vector<std::string> needles;
  const auto add = [&](const std::string& secret) {
    needles.push_back(secret);
    needles.push_back(to_hex(bytes_of(secret)));
    if (const auto bytes = from_hex(secret)) needles.emplace_back(text_of(*bytes));
  };
  const auto& keys = vectors().at("keys").as_object();
  for (const auto& key : keys) add(std::string(key.value().as_string()));
  for (const int secret : {36, 52, 55, 62}) {
    if (v.fields.contains(secret)) add(v.fields.at(secret));
  }
  std::string pan = v.fields.contains(2) ? v.fields.at(2) : "";
  if (v.fields.contains(35)) {
    const std::string track = v.fields.at(35);
    pan = track.substr(0, track.find('='));
    add(track);
    add(track.substr(pan.size() + 1));
    std::string packed_track = track;
    packed_track[pan.size()] = 'D';
    add(packed_track);
  }
  // eight digits in a row are more than the first six or the last four
  for (std::size_t at = 0; at + 8 <= pan.size(); ++at) add(pan.substr(at, 8));
  for (const std::string& needle : needles) {
    if (hay.find(needle) != std::string::npos) return to_hex(bytes_of(needle));
  }
  return "";
}

TEST(Wire, NoSecretOfAnyVectorIsInAnyField) {
  Wire wire(profile());
  for (const Vector& v : messages()) {
    const Wire::Look look = wire.look(v.from_terminal(), v.frame);
    EXPECT_EQ(leak(v, look.fields), "") << v.name;
  }
}

TEST(Wire, TheScanForSecretsFiresOnEachEncoding) {
  const Vector sale = message("sale request");
  const std::string pan = "6212345678901265";
  const std::string pin_block = sale.fields.at(52);
  const std::string leaks[] = {pan,
                               "x" + pan.substr(3, 8),
                               to_hex(bytes_of(pan)),
                               std::string(text_of(*from_hex(pan))),
                               sale.fields.at(35),
                               sale.fields.at(35).substr(17),
                               pin_block,
                               std::string(text_of(*from_hex(pin_block))),
                               kTmk,
                               "3131313131313131"};
  for (const std::string& secret : leaks) EXPECT_NE(leak(sale, Fields{{"rrn", secret}}), "") << secret;
  EXPECT_EQ(leak(sale, Fields{{"pan", "621234******1265"}}), "");
}

TEST(Wire, TextFromTheFarEndIsMadePrintable) {
  Message m;
  m.set_mti("0210");
  m.set(37, std::string("a\0\x1B[2J\xFF\n|\"\\b", 12));
  m.set(39, "\x01x");
  m.set(2, "12345678");
  Wire wire(profile());
  const Wire::Look look = wire.look(false, packed(m));
  EXPECT_TRUE(look.good);
  EXPECT_EQ(field(look.fields, "rrn"), "a??[2J??|\"\\b");
  EXPECT_EQ(field(look.fields, "code"), "?x");
  EXPECT_EQ(field(look.fields, "pan"), "********");
}

}  // namespace
}  // namespace swiperig
