#include "drivers/frame_tap.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace swiperig {
namespace {

using namespace std::chrono_literals;

struct Kept final : Tap {
  void take(const UsbTransfer&) override {}
  void take(const NetworkFrame& f) override { frames.push_back(f); }
  std::vector<NetworkFrame> frames;
};

const Framing kFraming;

Bytes sale(const std::string& stan) {
  Message message;
  message.set_mti("0200");
  message.set(2, "6212345678901265");
  message.set(11, stan);
  Bytes frame;
  EXPECT_FALSE(pack(message, kFraming, frame));
  return frame;
}

std::string stan_of(const NetworkFrame& frame) {
  Message message;
  if (unpack(BytesView(frame.bytes).subspan(prefix_bytes(kFraming)), kFraming, message)) return "unread";
  return std::string(message.field(11)) + " " + std::string(message.field(2));
}

class FrameTapTest : public testing::Test {
 protected:
  std::shared_ptr<Kept> kept = std::make_shared<Kept>();
  FrameTap tap{kept, kFraming};
};

TEST_F(FrameTapTest, FramesAreFoundHoweverTheyAreCut) {
  Bytes two = sale("000001");
  const Bytes second = sale("000002");
  two.insert(two.end(), second.begin(), second.end());
  for (std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{40}, two.size()}) {
    kept->frames.clear();
    for (std::size_t at = 0; at < two.size(); at += step) {
      const BytesView part = BytesView(two).subspan(at, std::min(step, two.size() - at));
      tap.bytes(7, true, part, Time(std::chrono::milliseconds(at)));
    }
    ASSERT_EQ(kept->frames.size(), 2U) << step;
    EXPECT_EQ(stan_of(kept->frames[0]), "000001 6212340000001265");
    EXPECT_EQ(stan_of(kept->frames[1]), "000002 6212340000001265");
    EXPECT_NE(kept->frames[0].masked, "");
    EXPECT_EQ(kept->frames[0].connection, 7U);
    EXPECT_TRUE(kept->frames[0].from_terminal);
  }
}

TEST_F(FrameTapTest, DirectionsAndConnectionsDoNotMix) {
  const Bytes frame = sale("000001");
  const BytesView head = BytesView(frame).first(10), tail = BytesView(frame).subspan(10);
  tap.bytes(1, true, head, Time(1ms));
  tap.bytes(1, false, head, Time(2ms));
  tap.bytes(2, true, head, Time(3ms));
  tap.bytes(1, false, tail, Time(4ms));
  ASSERT_EQ(kept->frames.size(), 1U);
  EXPECT_FALSE(kept->frames[0].from_terminal);
  EXPECT_EQ(kept->frames[0].at, Time(4ms)) << "when it was whole";
  tap.forget(1, Time(5ms));
  ASSERT_EQ(kept->frames.size(), 2U) << "what was begun is kept, without a byte of it";
  EXPECT_EQ(text_of(kept->frames[1].bytes), "**********");
  tap.forget(1, Time(6ms));
  EXPECT_EQ(kept->frames.size(), 2U);
}

TEST_F(FrameTapTest, AStreamWithoutFramesIsKeptByItsLength) {
  const std::string card = "\xff\xff;6212345678901265=30125010000000000000?";
  tap.bytes(1, true, bytes_of(card), Time(1ms));
  tap.bytes(1, true, bytes_of(card), Time(2ms));
  ASSERT_EQ(kept->frames.size(), 2U);
  for (const NetworkFrame& f : kept->frames) EXPECT_EQ(text_of(f.bytes), std::string(card.size(), '*'));
  EXPECT_EQ(kept->frames[0].masked, "0-" + std::to_string(card.size() - 1));
}

TEST_F(FrameTapTest, WithoutATapNothingIsDone) {
  FrameTap none(nullptr, kFraming);
  none.bytes(1, true, sale("000001"), Time(1ms));
  none.forget(1, Time(2ms));
}

}  // namespace
}  // namespace swiperig
