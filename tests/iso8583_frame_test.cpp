#include <gtest/gtest.h>

#include <map>

#include "rig/iso8583.hpp"

namespace swiperig {
namespace {

// "sale response approved" of iso8583_unionpay.json
Bytes sale_response() {
  return from_hex(
             "007360000000036031003110000210703A00810EC0801116621234567890126500000000000000510000000210151211231123"
             "0008000000003130313531323030303030323030303030323030393939303030303139393930303030303030303030303131"
             "35360008220000423233463744314132")
      .value();
}

BytesView body(const Bytes& frame) { return BytesView(frame).subspan(2); }

TEST(Iso8583Frame, FramingVariants) {
  Message m;
  ASSERT_FALSE(unpack(body(sale_response()), {}, m));
  const std::array<std::pair<LengthPrefix, const char*>, 4> prefixes = {{
      {LengthPrefix::binary_excluding_self, "0073"},
      {LengthPrefix::binary_including_self, "0075"},
      {LengthPrefix::bcd, "0115"},
      {LengthPrefix::ascii4, "30313135"},
  }};
  for (const auto& [prefix, expected] : prefixes) {
    Framing framing;
    framing.prefix = prefix;
    Bytes frame;
    ASSERT_FALSE(pack(m, framing, frame));
    const std::size_t n = prefix_bytes(framing);
    EXPECT_EQ(to_hex(BytesView(frame).first(n)), expected);
    for (std::size_t have = 0; have <= frame.size() + 3; ++have) {
      Bytes stream = frame;
      stream.resize(have, 0x55);
      const FrameLength length = frame_length(stream, framing);
      const bool ready = have >= frame.size();
      EXPECT_EQ(length.state, ready ? FrameLength::State::ready : FrameLength::State::need_more);
      EXPECT_EQ(length.total, have < n ? 0 : frame.size());
    }
    Message read;
    EXPECT_FALSE(unpack(BytesView(frame).subspan(n), framing, read));
    EXPECT_EQ(mac_span(frame, framing).size(), frame.size() - n - 19);
    framing.tpdu = false;
    framing.header_bytes = 0;
    ASSERT_FALSE(pack(m, framing, frame));
    EXPECT_EQ(to_hex(BytesView(frame).subspan(n, 2)), "0210");
    ASSERT_FALSE(unpack(BytesView(frame).subspan(n), framing, read));
    EXPECT_EQ(read.field(4), "000000005100");
    EXPECT_TRUE(unpack(BytesView(frame).subspan(n), {}, read));
  }
  const auto state = [](const char* start, LengthPrefix prefix) {
    return frame_length(from_hex(start).value(), {prefix, true, 6}).state;
  };
  EXPECT_EQ(state("0FFE", LengthPrefix::binary_excluding_self), FrameLength::State::need_more);
  EXPECT_EQ(state("0FFF", LengthPrefix::binary_excluding_self), FrameLength::State::bad);
  EXPECT_EQ(state("0014", LengthPrefix::binary_excluding_self), FrameLength::State::bad);
  EXPECT_EQ(state("0015", LengthPrefix::binary_excluding_self), FrameLength::State::need_more);
  EXPECT_EQ(state("0016", LengthPrefix::binary_including_self), FrameLength::State::bad);
  EXPECT_EQ(state("0000", LengthPrefix::binary_including_self), FrameLength::State::bad);
  EXPECT_EQ(state("01A0", LengthPrefix::bcd), FrameLength::State::bad);
  EXPECT_EQ(state("3031313A", LengthPrefix::ascii4), FrameLength::State::bad);
}

TEST(Iso8583Frame, ClassesAndAnswers) {
  const std::map<std::string, MessageClass> classes = {
      {"0100", MessageClass::preauth},      {"0110", MessageClass::preauth},      {"0200", MessageClass::sale},
      {"0210", MessageClass::sale},         {"0220", MessageClass::advice},       {"0230", MessageClass::advice},
      {"0320", MessageClass::batch_upload}, {"0330", MessageClass::batch_upload}, {"0400", MessageClass::reversal},
      {"0401", MessageClass::reversal},     {"0410", MessageClass::reversal},     {"0500", MessageClass::settlement},
      {"0510", MessageClass::settlement},   {"0800", MessageClass::logon},        {"0810", MessageClass::logon},
      {"0820", MessageClass::logoff},       {"0830", MessageClass::logoff},       {"0600", MessageClass::other},
      {"1200", MessageClass::other},        {"020", MessageClass::other},         {"", MessageClass::other},
      {"02x0", MessageClass::other},        {"0240", MessageClass::other},
  };
  for (const auto& [mti, expected] : classes) EXPECT_EQ(classify(mti), expected) << mti;
  EXPECT_EQ(name(classify("0320")), "batch_upload");
  EXPECT_EQ(response_mti("0200"), "0210");
  EXPECT_EQ(response_mti("0820"), "0830");
  EXPECT_EQ(response_mti("0401"), "0410");
  EXPECT_EQ(response_mti("0210"), "");
  EXPECT_EQ(response_mti("abcd"), "");
  EXPECT_TRUE(is_request("0400"));
  EXPECT_FALSE(is_request("0410"));
  Message m;
  m.set_tpdu({0x60, 0x00, 0x03, 0x12, 0x34});
  m.swap_tpdu();
  EXPECT_EQ(m.tpdu(), (std::array<std::uint8_t, 5>{0x60, 0x12, 0x34, 0x00, 0x03}));
}

TEST(Iso8583Frame, MacSpanNeedsField64) {
  const Bytes frame = sale_response();
  for (std::size_t cut = 0; cut < 31; ++cut) EXPECT_TRUE(mac_span(BytesView(frame).first(cut), {}).empty());
  Bytes without = frame;
  without[22] &= 0xFE;
  EXPECT_TRUE(mac_span(without, {}).empty());
  EXPECT_FALSE(place_mac(without, {}, {}));
  Bytes with = frame;
  EXPECT_TRUE(place_mac(with, {}, {}));
  EXPECT_NE(with, frame);
}

TEST(Hex, BothWays) {
  EXPECT_EQ(to_hex(from_hex("00aBfF10").value()), "00ABFF10");
  EXPECT_TRUE(from_hex("").value().empty());
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
  EXPECT_FALSE(from_hex("0 "));
}

}  // namespace
}  // namespace swiperig
