#include "rig/iso8583.hpp"

#include <gtest/gtest.h>

#include <map>

#include "rig/mac.hpp"
#include "tests/vectors.hpp"

namespace swiperig {
namespace {

std::string text(const boost::json::value& value) { return std::string(value.as_string()); }
Bytes hex(const boost::json::value& value) { return from_hex(text(value)).value(); }

template <std::size_t N>
std::array<std::uint8_t, N> fixed(const Bytes& bytes) {
  std::array<std::uint8_t, N> out{};
  EXPECT_EQ(bytes.size(), N);
  std::copy_n(bytes.begin(), std::min(N, bytes.size()), out.begin());
  return out;
}

bool raw(int field) {
  const FieldKind kind = field_spec(field).kind;
  return kind == FieldKind::b || kind == FieldKind::lllb;
}

Message message_of(const boost::json::object& vector) {
  Message m;
  EXPECT_TRUE(m.set_mti(text(vector.at("mti"))));
  m.set_tpdu(fixed<5>(hex(vector.at("tpdu"))));
  m.set_header(fixed<6>(hex(vector.at("header"))));
  for (const auto& field : vector.at("fields").as_object()) {
    const int number = std::stoi(std::string(field.key()));
    const std::string value = text(field.value());
    EXPECT_TRUE(m.set(number, raw(number) ? std::string(text_of(from_hex(value).value())) : value)) << number;
  }
  return m;
}

Bytes sale_response() {
  const auto file = vectors_in("iso8583_unionpay.json");
  for (const auto& v : file.at("vectors").as_array()) {
    if (text(v.at("name")) == "sale response approved") return hex(v.at("frame_hex"));
  }
  return {};
}

BytesView body(const Bytes& frame) { return BytesView(frame).subspan(2); }

// A fixed generator, so that a crash can be run again.
struct Lcg {
  std::uint64_t state;
  std::uint32_t next() {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::uint32_t>(state >> 33);
  }
};

TEST(Iso8583, TableIsTheVectorFilesTable) {
  const std::map<std::string, FieldKind> kinds = {
      {"n", FieldKind::n},       {"nl", FieldKind::nl},     {"lln", FieldKind::lln},     {"llz", FieldKind::llz},
      {"llln", FieldKind::llln}, {"lllz", FieldKind::lllz}, {"an", FieldKind::an},       {"llan", FieldKind::llan},
      {"b", FieldKind::b},       {"lllb", FieldKind::lllb}, {"lllan", FieldKind::lllan},
  };
  const auto file = vectors_in("iso8583_unionpay.json");
  const auto& table = file.at("field_table").as_object();
  std::size_t known = 0;
  for (int f = -1; f <= 66; ++f) {
    const auto* row = table.if_contains(std::to_string(f));
    const FieldSpec spec = field_spec(f);
    ASSERT_EQ(row != nullptr, spec.kind != FieldKind::unknown) << f;
    if (row == nullptr) continue;
    ++known;
    EXPECT_EQ(kinds.at(text(row->at("kind"))), spec.kind) << f;
    EXPECT_EQ(row->at("max").as_int64(), spec.max) << f;
  }
  EXPECT_EQ(known, table.size());
}

TEST(Iso8583, EveryVectorPacksAndUnpacksByteForByte) {
  const auto file = vectors_in("iso8583_unionpay.json");
  const Bytes key = hex(file.at("keys").at("mac_key"));
  const auto mac_key = MacKey::make(MacKind::unionpay_ecb, key);
  ASSERT_TRUE(mac_key);
  std::size_t count = 0;
  Message read;
  for (const auto& value : file.at("vectors").as_array()) {
    const auto& vector = value.as_object();
    SCOPED_TRACE(text(vector.at("name")));
    const Bytes frame = hex(vector.at("frame_hex"));
    const Message made = message_of(vector);
    Bytes packed;
    const auto pack_error = pack(made, {}, packed);
    ASSERT_FALSE(pack_error) << pack_error->what;
    EXPECT_EQ(to_hex(packed), to_hex(frame));
    EXPECT_EQ(vector.at("length").as_int64() + 2, static_cast<std::int64_t>(packed.size()));
    const auto error = unpack(body(frame), {}, read);
    ASSERT_FALSE(error) << error->field << " " << error->what;
    EXPECT_TRUE(read == made);
    EXPECT_EQ(read.mti(), text(vector.at("mti")));
    Bytes bitmap;
    for (int shift = 56; shift >= 0; shift -= 8) bitmap.push_back(static_cast<std::uint8_t>(read.bitmap() >> shift));
    EXPECT_EQ(to_hex(bitmap), text(vector.at("bitmap")));
    const FrameLength length = frame_length(frame, {});
    EXPECT_EQ(length.state, FrameLength::State::ready);
    EXPECT_EQ(length.total, frame.size());
    if (vector.at("mac").is_null()) {
      EXPECT_TRUE(mac_span(frame, {}).empty());
    } else {
      const BytesView covered = mac_span(frame, {});
      ASSERT_EQ(covered.size(), frame.size() - 2 - 11 - 8);
      EXPECT_TRUE(mac_key->verify(covered, read.field(64)));
      EXPECT_EQ(read.field(64), text(vector.at("mac").at("mac_ascii")));
      Bytes changed = frame;
      changed[changed.size() - 9] ^= 1;
      EXPECT_FALSE(mac_key->verify(mac_span(changed, {}), read.field(64)));
      Message blank = made;
      blank.set(64, std::string(8, '\0'));
      Bytes sent;
      ASSERT_FALSE(pack(blank, {}, sent));
      ASSERT_TRUE(place_mac(sent, {}, mac_key->mac(mac_span(sent, {}))));
      EXPECT_EQ(to_hex(sent), to_hex(frame));
    }
    // every cut is noticed, and a byte too many as well
    for (std::size_t cut = 2; cut < frame.size(); ++cut) {
      EXPECT_TRUE(unpack(BytesView(frame).subspan(2, cut - 2), {}, read)) << cut;
      EXPECT_EQ(frame_length(BytesView(frame).first(cut), {}).state, FrameLength::State::need_more);
    }
    Bytes longer = frame;
    longer.push_back(0);
    const auto trailing = unpack(body(longer), {}, read);
    ASSERT_TRUE(trailing);
    EXPECT_EQ(trailing->offset, frame.size() - 2);
    ++count;
  }
  EXPECT_EQ(count, 27U);
}

TEST(Iso8583, NegativeVectors) {
  const auto file = vectors_in("iso8583_negative.json");
  const auto keys = vectors_in("iso8583_unionpay.json");
  const auto mac_key = MacKey::make(MacKind::unionpay_ecb, hex(keys.at("keys").at("mac_key")));
  ASSERT_TRUE(mac_key);
  std::size_t count = 0;
  for (const auto& v : file.at("negative").as_array()) {
    const std::string name = text(v.at("name"));
    const std::string expect = text(v.at("expect"));
    SCOPED_TRACE(name);
    const Bytes frame = hex(v.at("hex"));
    const FrameLength length = frame_length(frame, {});
    Message m;
    if (expect.rfind("incomplete", 0) == 0) {
      EXPECT_EQ(length.state, FrameLength::State::need_more);
      EXPECT_EQ(length.total, 0x75U);
      EXPECT_TRUE(unpack(body(frame), {}, m));
    } else if (name == "length too small") {
      EXPECT_EQ(length.state, FrameLength::State::bad);
    } else if (expect.rfind("mac_error", 0) == 0) {
      ASSERT_FALSE(unpack(body(frame), {}, m));
      EXPECT_FALSE(mac_key->verify(mac_span(frame, {}), m.field(64)));
    } else {
      EXPECT_EQ(expect.rfind("reject", 0), 0U);
      EXPECT_EQ(length.state, FrameLength::State::ready);
      const auto error = unpack(body(frame), {}, m);
      ASSERT_TRUE(error);
      const std::map<std::string, std::pair<int, std::size_t>> where = {
          {"bitmap bit 1 set", {1, 13}},
          {"LLVAR length over maximum", {2, 21}},
          {"non-BCD nibble in amount", {4, 37}},
      };
      EXPECT_EQ(error->field, where.at(name).first);
      EXPECT_EQ(error->offset, where.at(name).second) << error->what;
    }
    ++count;
  }
  EXPECT_EQ(count, 8U);
  // the unspoilt frame passes all of these
  Message m;
  const Bytes good = sale_response();
  ASSERT_FALSE(unpack(body(good), {}, m));
  EXPECT_TRUE(mac_key->verify(mac_span(good, {}), m.field(64)));
}

TEST(Iso8583, PadNibblesAndUnknownFieldsAreLocated) {
  Message m;
  m.set_mti("0200");
  m.set(22, "021");
  m.set(23, "007");
  m.set(35, "6212345678901265=3012501000000000000");
  m.set(2, "6205500000000000004");
  Bytes frame;
  ASSERT_FALSE(pack(m, {}, frame));
  // 2: length 19 and its pad on the right; 22 pad right, 23 pad left; 35 has 36 digits
  EXPECT_EQ(to_hex(BytesView(frame).subspan(23)),
            "196205500000000000004002100007366212345678901265D3012501000000000000");
  Message read;
  ASSERT_FALSE(unpack(body(frame), {}, read));
  EXPECT_TRUE(read == m);
  const auto spoil = [&](std::size_t at, std::uint8_t value) {
    Bytes bad = frame;
    bad[at] = value;
    return unpack(body(bad), {}, read);
  };
  struct Case {
    std::size_t at;
    std::uint8_t value;
    int field;
  };
  for (const Case c : {Case{33, 0x41, 2}, Case{35, 0x11, 22}, Case{36, 0x10, 23}, Case{46, 0x6C, 35}}) {
    const auto error = spoil(c.at, c.value);
    ASSERT_TRUE(error) << c.field;
    EXPECT_EQ(error->field, c.field);
    EXPECT_EQ(error->offset, c.at - 2);
  }
  const auto unknown = spoil(16, 0x80);
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->field, 9);
  EXPECT_EQ(unknown->offset, 14U);
  const auto strange = spoil(21, 0x01);
  ASSERT_TRUE(strange);
  EXPECT_EQ(strange->field, 56);
  EXPECT_EQ(strange->offset, 19U);
}

TEST(Iso8583, PackRefusesWhatItCannotSay) {
  Message m;
  m.set_mti("0200");
  Bytes out;
  ASSERT_FALSE(pack(m, {}, out));
  EXPECT_FALSE(m.set_mti("02"));
  EXPECT_FALSE(m.set_mti("02A0"));
  m.set(4, "5100");
  auto error = pack(m, {}, out);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->field, 4);
  EXPECT_TRUE(out.empty());
  m.set(4, "00000000510x");
  ASSERT_TRUE(pack(m, {}, out));
  m.set(4, "000000005100");
  ASSERT_FALSE(pack(m, {}, out));
  for (const int field : {-1, 0, 1, 5, 65}) {
    EXPECT_FALSE(m.set(field, "1"));
    error = pack(m, {}, out);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->field, field);
    m.clear(field);
    ASSERT_FALSE(pack(m, {}, out));
  }
  EXPECT_FALSE(m.set(2, std::string(20, '1')));
  EXPECT_FALSE(m.has(2));
  EXPECT_TRUE(pack(m, {}, out));
  EXPECT_TRUE(m.set(2, std::string(19, '1')));
  EXPECT_FALSE(pack(m, {}, out));
  m.set(35, "12=34D");
  EXPECT_TRUE(pack(m, {}, out));
  Framing wide;
  wide.header_bytes = 7;
  EXPECT_TRUE(pack(Message(), wide, out));
  EXPECT_TRUE(unpack(Bytes(100, 0), wide, m));
}

TEST(Iso8583, AllFieldsAtTheirLimitsFitAndReturn) {
  Message m;
  m.set_mti("0200");
  for (int f = 2; f <= 64; ++f) {
    const FieldSpec spec = field_spec(f);
    if (spec.kind == FieldKind::unknown) continue;
    EXPECT_TRUE(m.set(f, std::string(spec.max, '9')));
  }
  Bytes frame;
  ASSERT_FALSE(pack(m, {}, frame));
  Message read;
  ASSERT_FALSE(unpack(body(frame), {}, read));
  EXPECT_TRUE(read == m);
  for (int f = 2; f <= 64; ++f) {
    const FieldSpec spec = field_spec(f);
    if (spec.kind == FieldKind::unknown) continue;
    EXPECT_EQ(read.field(f), std::string(spec.max, '9'));
  }
  EXPECT_FALSE(read == Message());
  // an emptied variable field stays a field
  m.set(48, "");
  ASSERT_FALSE(pack(m, {}, frame));
  ASSERT_FALSE(unpack(body(frame), {}, read));
  EXPECT_TRUE(read.has(48));
  EXPECT_TRUE(read.field(48).empty());
}

TEST(Iso8583, AnyBytesGiveAMessageOrAnError) {
  const auto file = vectors_in("iso8583_unionpay.json");
  std::vector<Bytes> frames;
  for (const auto& v : file.at("vectors").as_array()) frames.push_back(hex(v.at("frame_hex")));
  Lcg random{20240617};
  Message m;
  Bytes again;
  std::size_t read = 0;
  std::size_t refused = 0;
  for (int round = 0; round < 200000; ++round) {
    Bytes frame;
    if (round % 4 == 0) {
      frame.resize(random.next() % 200);
      for (auto& byte : frame) byte = static_cast<std::uint8_t>(random.next());
    } else {
      frame = frames[random.next() % frames.size()];
      for (std::uint32_t n = 1 + random.next() % 3; n > 0; --n) {
        frame[random.next() % frame.size()] ^= static_cast<std::uint8_t>(1U << random.next() % 8);
      }
      if (random.next() % 5 == 0) frame.resize(random.next() % (frame.size() + 9));
    }
    (void)frame_length(frame, {});
    const BytesView view = frame.size() < 2 ? BytesView(frame) : body(frame);
    const auto error = unpack(view, {}, m);
    if (error) {
      ++refused;
      ASSERT_LE(error->offset, view.size());
      continue;
    }
    ++read;
    // what was read says exactly the bytes it came from
    ASSERT_FALSE(pack(m, {}, again));
    ASSERT_TRUE(std::equal(view.begin(), view.end(), again.begin() + 2, again.end()));
  }
  EXPECT_GT(read, 10000U);
  EXPECT_GT(refused, 10000U);
}

}  // namespace
}  // namespace swiperig
