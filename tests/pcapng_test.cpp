#include "reports/pcapng.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "reports/capture_file.hpp"
#include "rig/masked_frame.hpp"
#include "tests/folder.hpp"

namespace swiperig {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Pcapng : public testing::Test {
 protected:
  std::string path() const { return folder / "wires.pcapng"; }
  void write(const std::string& text) const { std::ofstream(path(), std::ios::binary) << text; }
  std::string text() const {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string error() const {
    try {
      PcapngReader reader(path());
      PcapPacket packet;
      for (std::uint64_t at = 0; reader.next(packet, at);) {
      }
      return reader.cut() ? "cut" : "read";
    } catch (const CaptureError& e) {
      return e.what();
    }
  }
  static std::string example() {
    std::string out;
    append_section({{"usb", LinkType::usb_linux_mmapped}, {"rig", LinkType::user0}}, out);
    append_packet({0, 1'700'000'000'123'456'789, Bytes{1, 2, 3, 4, 5}, "five"}, out);
    append_packet({1, 7, {}, ""}, out);
    return out;
  }

  Folder folder;
};

TEST_F(Pcapng, WhatIsWrittenIsRead) {
  write(example());
  PcapngReader reader(path());
  ASSERT_EQ(reader.sources().size(), 2U);
  EXPECT_EQ(reader.sources()[0].name, "usb");
  EXPECT_EQ(reader.sources()[1].type, LinkType::user0);
  PcapPacket packet;
  std::uint64_t first = 0, at = 0;
  ASSERT_TRUE(reader.next(packet, first));
  EXPECT_EQ(packet.ns, 1'700'000'000'123'456'789);
  EXPECT_EQ(packet.bytes, (Bytes{1, 2, 3, 4, 5}));
  EXPECT_EQ(packet.comment, "five");
  ASSERT_TRUE(reader.next(packet, at));
  EXPECT_EQ(packet.source, 1U);
  EXPECT_FALSE(reader.next(packet, at));
  EXPECT_FALSE(reader.cut());
  EXPECT_EQ(reader.at(first).comment, "five");
}

TEST_F(Pcapng, ALostEndIsToldAndTheRestIsRead) {
  const std::string whole = example();
  std::size_t cut = 0;
  for (std::size_t size = whole.size() - 1; size > whole.size() - 32; --size) {
    write(whole.substr(0, size));
    EXPECT_EQ(error(), "cut") << size;
    ++cut;
  }
  EXPECT_EQ(cut, 31U);
}

TEST_F(Pcapng, OtherBytesAreRefusedWithTheirPlace) {
  write("");
  EXPECT_THAT(error(), HasSubstr("offset 0: not a capture of the rig"));
  write("SQLite format 3 and so on and on and on");
  EXPECT_THAT(error(), HasSubstr("offset 0: "));
  std::string wrong = example();
  const std::size_t last = wrong.size() - 32;
  wrong[last + 28] = 1;
  write(wrong);
  EXPECT_THAT(error(), HasSubstr("two lengths differ"));
  wrong = example();
  wrong[last + 8] = 2;
  write(wrong);
  EXPECT_THAT(error(), HasSubstr("a source that is not described"));
  wrong = example();
  wrong[last + 20] = 1;
  write(wrong);
  EXPECT_THAT(error(), HasSubstr("a packet longer than its block"));
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string any = example();
    for (int i = 0; i < 4; ++i) any[random() % any.size()] = static_cast<char>(random());
    write(any);
    EXPECT_NE(error(), "") << "an answer, whatever it is";
  }
}

TEST_F(Pcapng, ACaptureIsBoundedAndSaysWhatIsNotInIt) {
  std::string told;
  {
    CaptureFile file(path(), 4000);
    UsbTransfer t;
    t.bytes = Bytes(100, 'x');
    for (int i = 0; i < 100; ++i) file.take(t);
    told = file.finish();
  }
  EXPECT_THAT(told, HasSubstr("packets more are not in it"));
  EXPECT_LT(std::filesystem::file_size(path()), 4500U);
  PcapngReader reader(path());
  PcapPacket packet;
  int kept = 0;
  for (std::uint64_t at = 0; reader.next(packet, at);) ++kept;
  EXPECT_THAT(packet.comment, StartsWith("the capture is full: " + std::to_string(100 - (kept - 1))));
  EXPECT_THROW(CaptureFile again(path()), CaptureError) << "never overwritten";
}

TEST_F(Pcapng, APacketIsInTheFileWhenItWasTaken) {
  CaptureFile file(path());
  UsbTransfer t;
  t.bytes = {'h', 'i'};
  t.masked = "0-1";
  file.take(t);
  EXPECT_THAT(text(), HasSubstr("masked: bytes 0-1"));
  EXPECT_EQ(file.finish(), "");
}

TEST(MaskedFrame, CardDataGoesAndTheRestStaysInItsPlace) {
  Framing framing;
  Message message;
  message.set_mti("0200");
  message.set(2, "6212345678901265");
  message.set(3, "000000");
  message.set(4, "000000001234");
  message.set(11, "000042");
  message.set(35, "6212345678901265=30125010000000000000");
  message.set(52, std::string("\x01\x02\x03\x04\x05\x06\x07\x08", 8));
  Bytes frame;
  ASSERT_FALSE(pack(message, framing, frame));
  const Bytes masked = masked_frame(frame, framing);
  ASSERT_EQ(masked.size(), frame.size());
  Message again;
  ASSERT_FALSE(unpack(BytesView(masked).subspan(prefix_bytes(framing)), framing, again));
  EXPECT_EQ(again.field(2), "6212340000001265");
  EXPECT_EQ(again.field(4), "000000001234");
  EXPECT_EQ(again.field(11), "000042");
  EXPECT_EQ(again.field(35), "6212340000001265=00000000000000000000");
  EXPECT_EQ(again.field(52), "********");

  Bytes odd = frame;
  odd.push_back(0);
  const Bytes blank = masked_frame(odd, framing);
  ASSERT_EQ(blank.size(), odd.size());
  const std::size_t prefix = prefix_bytes(framing);
  EXPECT_EQ(text_of(BytesView(blank).subspan(prefix)), std::string(odd.size() - prefix, '*'));
  EXPECT_EQ(masked_frame(Bytes{1}, framing), Bytes{1});
}

}  // namespace
}  // namespace swiperig
