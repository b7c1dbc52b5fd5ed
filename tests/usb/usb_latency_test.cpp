// From a transfer's completion to whoever reads the link: the rig's own part of the way, in figures.
#include <algorithm>
#include <cstdio>

#include "tests/usb/usb_lab.hpp"

namespace swiperig {
namespace {

struct Completions final : Tap {
  void take(const UsbTransfer& t) override {
    const std::lock_guard lock(mutex);
    if (!t.bytes.empty()) at.push_back(t.at);
  }
  void take(const NetworkFrame&) override {}
  std::mutex mutex;
  std::vector<Time> at;
};

class RealtimeUsbLatency : public UsbLab {};

TEST_F(RealtimeUsbLatency, FromCompletionToTheReader) {
  MockUsb device(machine, {.descriptors = vendor_descriptors()});
  device.plug();
  const auto completions = std::make_shared<Completions>();
  tap = completions;
  std::vector<Time> read;
  run([&]() -> Task<> {
    terminal = co_await usb_link(clock, settings, tap);
    std::array<std::uint8_t, 64> chunk;
    for (int i = 0; i < 1000; ++i) {
      co_await clock.sleep_for(1ms);
      device.send("\x02S|READY\x03");
      const std::size_t n = co_await terminal.link->read_some(chunk);
      read.push_back(clock.now());
      EXPECT_EQ(n, 9U);
    }
    terminal.link->close(Close::fin);
    terminal = {};
  });
  ASSERT_EQ(completions->at.size(), read.size());
  std::vector<Duration> took;
  for (std::size_t i = 0; i < read.size(); ++i) took.push_back(read[i] - completions->at[i]);
  std::sort(took.begin(), took.end());
  const auto us = [&](std::size_t i) { return static_cast<long>(took[i] / 1us); };
  std::printf("completion to reader, us: p50 %ld p99 %ld max %ld\n", us(500), us(990), us(999));
  EXPECT_GE(took.front(), Duration{}) << "read before it was complete";
  EXPECT_LT(took[990], 20ms) << "even on a busy machine";
}

}  // namespace
}  // namespace swiperig
