// The faults F01 to F10 of a USB connection, each by its number.
#include <gmock/gmock.h>

#include <cstring>

#include "tests/usb/usb_lab.hpp"

namespace swiperig {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// What came back of the transfers, by how they ended.
struct Counts final : Tap {
  void take(const UsbTransfer& t) override {
    const std::lock_guard lock(mutex);
    ++by_status[t.status];
    ++all;
  }
  void take(const NetworkFrame&) override {}
  std::mutex mutex;
  std::map<int, int> by_status;
  std::uint64_t all = 0;
};

class UsbFaults : public UsbLab {
 protected:
  UsbFaults() : device(machine, {.descriptors = vendor_descriptors()}) {
    counts = std::make_shared<Counts>();
    tap = counts;
    device.plug();
  }
  /// Sends and waits until it has been read.
  Task<> heard(std::string what) {
    const std::size_t before = text.size();
    device.send(what);
    const bool all = co_await until([&] { return text.size() == before + what.size(); });
    EXPECT_TRUE(all) << "\"" << what << "\" was not read";
  }
  Task<> in_flight_again() {
    const bool all = co_await until([&] { return device.in_flight() == 8; });
    EXPECT_TRUE(all);
  }

  MockUsb device;
  std::shared_ptr<Counts> counts;
};

class UsbUnplug : public UsbFaults, public testing::WithParamInterface<int> {};

TEST_P(UsbUnplug, F01AndF05GivesOneCompletionEachAndReadingGoesOnAtTheNextAddress) {
  with_link([&]() -> Task<> {
    co_await heard("one ");
    co_await in_flight_again();
    device.unplug(GetParam());
    const bool left = co_await until([&] { return presence().size() == 2; });
    EXPECT_TRUE(left);
    EXPECT_EQ(counts->by_status[0], 1);
    device.move_to(9);
    device.plug();
    co_await in_flight_again();
    co_await heard("two");
    co_await in_flight_again();
  });
  EXPECT_EQ(text, "one two");
  EXPECT_THAT(presence(),
              ElementsAre("usb+ 1-2 1d6b:0104 serial 42, address 2", "usb- 1-2 1d6b:0104 serial 42, address 2",
                          "usb+ 1-2 1d6b:0104 serial 42, address 9"));
  EXPECT_THAT(remarks(), IsEmpty());
  EXPECT_EQ(counts->all, device.submits()) << "as many completions as transfers were sent off";
  EXPECT_EQ(seen[1].at_uncertainty, Duration{}) << "the broken transfer is the witness";
  EXPECT_LT(seen[2].at_uncertainty, 1s);
}
INSTANTIATE_TEST_SUITE_P(Statuses, UsbUnplug, testing::Values(-EPROTO, -ESHUTDOWN, -EILSEQ));

TEST_F(UsbFaults, F01ATransferErrorOfADeviceThatStaysIsNoDeparture) {
  with_link([&]() -> Task<> {
    co_await heard("one ");
    device.send(Bytes{}, -EPROTO);
    const bool remarked = co_await until([&] { return !remarks().empty(); });
    EXPECT_TRUE(remarked);
    co_await in_flight_again();
    co_await heard("two");
  });
  EXPECT_EQ(text, "one two");
  EXPECT_EQ(presence().size(), 1U);
  EXPECT_THAT(remarks(), ElementsAre(AllOf(HasSubstr("transfer error"), HasSubstr("opened again"))));
}

TEST_F(UsbFaults, F01ADeviceThatBreaksEveryTransferEndsTheLink) {
  with_link([&]() -> Task<> {
    for (int i = 0; i < 8 && read_end.empty(); ++i) {
      co_await in_flight_again();
      device.send(Bytes{}, -EPROTO);
      const auto told = remarks().size();
      const bool next = co_await until([&] { return remarks().size() > told || !read_end.empty(); });
      EXPECT_TRUE(next);
    }
    EXPECT_THAT(read_end, AllOf(HasSubstr("1-2 1d6b:0104"), HasSubstr("5 times again")));
    const bool told = co_await until([&] { return !see_end.empty(); });
    EXPECT_TRUE(told);
  });
  EXPECT_EQ(see_end, read_end);
}

TEST_F(UsbFaults, F02ClosesWithTransfersInFlightAThousandTimes) {
  settings.wait = 2s;
  Duration worst{};
  for (int i = 0; i < 1000; ++i) {
    run([&]() -> Task<> {
      UsbTerminal opened = co_await usb_link(clock, settings, tap);
      const Time before = clock.now();
      if (i % 2 == 0) opened.link->close(i % 4 == 0 ? Close::fin : Close::reset);
      opened = {};
      worst = std::max(worst, clock.now() - before);
    });
  }
  EXPECT_LT(worst, 250ms);
  EXPECT_EQ(device.in_flight(), 0U);
  EXPECT_EQ(counts->all, device.submits());
  EXPECT_EQ(counts->by_status[-ENOENT], 8000);
  RecordProperty("slowest_close_us", static_cast<int>(worst / 1us));
}

TEST_F(UsbFaults, F02AWriteThatNobodyTakesEndsHalfASecondAfterClosing) {
  device.take_nothing(true);
  std::string written;
  Duration took{};
  with_link([&]() -> Task<> {
    Crew crew(clock);
    crew.start([](Link& link, std::string& how) -> Task<> {
      try {
        co_await link.write(bytes_of("hello"));
        how = "written";
      } catch (const LinkError& e) {
        how = e.kind == LinkError::closed ? "closed" : "broken";
      }
    }(*terminal.link, written));
    co_await clock.sleep_for(20ms);
    EXPECT_EQ(written, "");
    const Time before = clock.now();
    terminal.link->close(Close::fin);
    co_await crew.join();
    took = clock.now() - before;
  });
  EXPECT_EQ(written, "closed");
  EXPECT_GE(took, 400ms);
  EXPECT_LT(took, 1s);
}

TEST_F(UsbFaults, F02TransfersThatNeverComeBackAreLeftBehindWithinTwoSeconds) {
  run([&]() -> Task<> {
    UsbTerminal opened = co_await usb_link(clock, settings, tap);
    device.refuse_cancel(true);
    const Time before = clock.now();
    opened = {};
    EXPECT_GE(clock.now() - before, 900ms) << "they were waited for";
    EXPECT_LT(clock.now() - before, 2500ms);
  });
  device.refuse_cancel(false);
}

TEST_F(UsbFaults, F03TheThreadStopsTenThousandTimes) {
  Duration worst{};
  for (int i = 0; i < 10'000; ++i) {
    auto thread = std::make_unique<UsbThread>(clock);
    if (i % 3 == 0) thread->desk()->post([] {});
    const Time before = clock.now();
    thread.reset();
    worst = std::max(worst, clock.now() - before);
  }
  EXPECT_LT(worst, 250ms);
  RecordProperty("slowest_stop_us", static_cast<int>(worst / 1us));
}

TEST_F(UsbFaults, F04AStormOfTenThousandEventsChangesNothing) {
  with_link([&]() -> Task<> {
    for (int i = 0; i < 10'000; ++i) {
      umockdev_testbed_uevent(machine.testbed(), "/sys/devices/usb1/1-2", i % 2 == 0 ? "remove" : "add");
      co_await clock.yield();  // the fake broadcast holds few
      if (i % 100 == 0) co_await heard("x");
    }
  });
  EXPECT_EQ(text, std::string(100, 'x'));
  EXPECT_EQ(presence().size(), 1U) << "it never left";
}

TEST_F(UsbFaults, F05TheSerialNumberIsFollowedToAnotherPort) {
  settings.device.serial = "42";
  MockUsb twin(machine, {.port = "1-3", .address = 3, .descriptors = vendor_descriptors(), .serial = "43"});
  twin.plug();
  MockUsb swapped(machine, {.port = "1-3", .address = 11, .descriptors = vendor_descriptors(), .serial = "42"});
  MockUsb stranger(machine, {.port = "1-2", .address = 12, .descriptors = vendor_descriptors(), .serial = "43"});
  with_link([&]() -> Task<> {
    co_await heard("one ");
    device.unplug();
    twin.unplug();
    const bool left = co_await until([&] { return presence().size() == 2; });
    EXPECT_TRUE(left);
    stranger.plug();
    swapped.plug();
    swapped.send("two");
    const bool all = co_await until([&] { return text == "one two"; });
    EXPECT_TRUE(all);
    EXPECT_EQ(stranger.submits(), 0U);
  });
  EXPECT_EQ(presence().back(), "usb+ 1-3 1d6b:0104 serial 42, address 11");
}

TEST_F(UsbFaults, F06ThreeEnumerationsInAMomentAndABootLoader) {
  settings.boot = UsbWanted{0x1d6b, 0x0001, "", ""};
  MockUsb boot(machine, {.port = "1-2", .address = 3, .descriptors = vendor_descriptors(1), .serial = ""});
  with_link([&]() -> Task<> {
    co_await heard("one ");
    device.unplug();
    boot.plug();
    const bool booting = co_await until([&] { return presence().size() == 3; });
    EXPECT_TRUE(booting);
    boot.unplug();
    for (int address = 4; address < 7; ++address) {
      device.move_to(address);
      device.plug();
      co_await clock.sleep_for(10ms);
      if (address < 6) device.unplug();
    }
    co_await in_flight_again();
    co_await heard("two");
  });
  EXPECT_EQ(text, "one two");
  const auto all = presence();
  EXPECT_EQ(all[2], "usb_boot+ 1-2 1d6b:0001, address 3");
  EXPECT_THAT(all, Contains("usb_boot- 1-2 1d6b:0001, address 3"));
  EXPECT_EQ(all.back(), "usb+ 1-2 1d6b:0104 serial 42, address 6") << "the newest wins";
}

TEST_F(UsbFaults, F08AStallIsClearedThreeTimesAndNotForEver) {
  with_link([&]() -> Task<> {
    for (int i = 0; i < 3; ++i) {
      device.send(Bytes{}, -EPIPE);
      const auto cleared = static_cast<std::ptrdiff_t>(i + 1);
      const bool done = co_await until([&] {
        const auto calls = device.calls();
        return std::count(calls.begin(), calls.end(), "clear_halt") == cleared;
      });
      EXPECT_TRUE(done);
      co_await in_flight_again();
    }
    co_await heard("still there");
    EXPECT_THAT(remarks(), IsEmpty());
    for (int i = 0; i < 4; ++i) {
      co_await in_flight_again();
      device.send(Bytes{}, -EPIPE);
    }
    const bool told = co_await until([&] { return !remarks().empty(); });
    EXPECT_TRUE(told);
  });
  EXPECT_THAT(remarks(), ElementsAre(HasSubstr("stalls again and again")));
}

TEST_F(UsbFaults, F08BabbleIsToldAndItsBytesAreNot) {
  with_link([&]() -> Task<> {
    co_await heard("one ");
    device.send(Bytes(7, 0x55), -EOVERFLOW);
    const bool told = co_await until([&] { return !remarks().empty(); });
    EXPECT_TRUE(told);
    co_await in_flight_again();
    co_await heard("two");
  });
  EXPECT_EQ(text, "one two");
  EXPECT_THAT(remarks(), ElementsAre(HasSubstr("babble")));
}

TEST_F(UsbFaults, F08EmptyTransfersAreNoEnd) {
  with_link([&]() -> Task<> {
    for (int i = 0; i < 500; ++i) device.send(Bytes{});
    co_await heard("text");
  });
  EXPECT_EQ(text, "text");
  EXPECT_EQ(counts->by_status[0], 501);
}

TEST_F(UsbFaults, F08EndlessBytesWaitForTheReaderAndLeaveTheRestOfTheBenchItsTurn) {
  settings.session.transfer_bytes = 16384;
  run([&]() -> Task<> {
    terminal = co_await usb_link(clock, settings, tap);
    device.flood(Bytes(16384, 'x'));
    co_await clock.sleep_for(500ms);
    const auto flying = device.submits();
    co_await clock.sleep_for(200ms);
    EXPECT_EQ(device.submits(), flying) << "what nobody reads is left with the device";
    EXPECT_LE(flying, 64U + 8 + 8);
    Crew crew(clock);
    crew.start(read_all());
    const Time before = clock.now();
    int turns = 0;
    for (; clock.now() < before + 200ms; ++turns) co_await clock.sleep_for(1ms);
    EXPECT_GT(turns, 20);
    EXPECT_GT(text.size(), 1U << 20) << "reading goes on";
    terminal.link->close(Close::fin);
    co_await crew.join();
    terminal = {};
  });
  EXPECT_EQ(read_end, "closed");
}

TEST_F(UsbFaults, F09ADeviceThatLiesIsRefusedByItsName) {
  Bytes lie = vendor_descriptors();
  lie[27] = 0;  // the interface descriptor's length
  MockUsb liar(machine, {.port = "1-5", .address = 5, .descriptors = lie, .serial = "L"});
  liar.plug();
  settings.device.serial = "L";
  EXPECT_THAT(refusal(), AllOf(HasSubstr("1-5 1d6b:0104 serial L"), HasSubstr("byte 27: a descriptor of length 0")));
}

TEST_F(UsbFaults, F10AKernelThatDoesNotAnswerIsARigFaultInFiveSeconds) {
  device.hang_claim(true);
  const Time before = clock.now();
  EXPECT_THAT(refusal(), AllOf(HasSubstr("1-2 1d6b:0104"), HasSubstr("the kernel has not answered within 5 s")));
  EXPECT_LT(clock.now() - before, 8s) << "the thread within the kernel is not waited for for ever";
  device.hang_claim(false);
}

}  // namespace
}  // namespace swiperig
