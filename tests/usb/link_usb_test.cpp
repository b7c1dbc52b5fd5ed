#include "drivers/link_usb.hpp"

#include <gmock/gmock.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

#include <thread>

#include "tests/usb/usb_lab.hpp"

namespace swiperig {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Bytes bytes(const std::string& text) { return {text.begin(), text.end()}; }

/// Nobody, as far as files are concerned; threads begin with their maker's rights.
struct AsNobody {
  AsNobody() { ::setfsuid(65534); }
  ~AsNobody() { ::setfsuid(0); }
};

class UsbLink : public UsbLab {
 protected:
  /// Others may look into the testbed, and open the device as far as `mode` says.
  void let_others(mode_t mode) {
    for (const char* place : {"", "/ioctl/dev/bus/usb/001/002"}) ::chmod((machine.root() + place).c_str(), 0777);
    ASSERT_EQ(::chmod((machine.root() + "/dev/bus/usb/001/002").c_str(), mode), 0);
  }
};

TEST_F(UsbLink, ATransferIsReadAtATimeAndInOrder) {
  MockUsb device(machine, {.descriptors = vendor_descriptors()});
  device.plug();
  with_link([&]() -> Task<> {
    device.send("AP");
    device.send("PR");
    device.send("OVED");
    const bool all = co_await until([&] { return text.size() == 8; });
    EXPECT_TRUE(all);
    const bool again = co_await until([&] { return device.in_flight() == 8; });
    EXPECT_TRUE(again) << device.in_flight() << " transfers wait, not as many as before";
  });
  EXPECT_EQ(text, "APPROVED");
  EXPECT_THAT(reads, ElementsAre(2, 2, 4));
  EXPECT_EQ(read_end, "closed");
  EXPECT_EQ(see_end, "closed");
  EXPECT_THAT(presence(), ElementsAre("usb+ 1-2 1d6b:0104 serial 42, address 2"));
  EXPECT_EQ(device.in_flight(), 0U);
}

TEST_F(UsbLink, InterruptEndpointsCarryTheSame) {
  MockUsb device(machine, {.descriptors = vendor_descriptors(0x0104, 3)});
  device.plug();
  with_link([&]() -> Task<> {
    device.send("report");
    co_await terminal.link->write(bytes_of("ask"));
    const bool all = co_await until([&] { return text == "report"; });
    EXPECT_TRUE(all);
  });
  EXPECT_THAT(device.received(), ElementsAre(bytes("ask")));
}

TEST_F(UsbLink, WhatIsWrittenArrivesWhole) {
  MockUsb device(machine, {.descriptors = vendor_descriptors()});
  device.plug();
  const std::string large(100'000, 'x');
  with_link([&]() -> Task<> {
    co_await terminal.link->write(bytes_of("J?"));
    co_await terminal.link->write(bytes_of(large));
  });
  std::string all;
  for (const Bytes& one : device.received()) all += text_of(one);
  EXPECT_TRUE(all == "J?" + large) << all.size() << " bytes";
}

TEST_F(UsbLink, AnAcmPortIsTakenFromTheKernelSetUpAndGivenBack) {
  MockUsb device(machine, {.descriptors = acm_descriptors(), .drivers = {{0, "cdc_acm"}, {1, "cdc_acm"}}});
  device.plug();
  settings.device.product = 0x0105;
  settings.session.line.baud = 9600;
  with_link([&]() -> Task<> {
    device.send("\x02S|READY\x03");
    const bool all = co_await until([&] { return text.size() == 9; });
    EXPECT_TRUE(all);
  });
  // CDC 1.1, 6.2.12 and 6.2.14: 9600 baud, one stop bit, no parity, eight bits; then DTR and RTS
  EXPECT_THAT(device.controls(), ElementsAre(Bytes{0x21, 0x20, 0, 0, 0, 0, 7, 0, 0x80, 0x25, 0, 0, 0, 0, 8},
                                             Bytes{0x21, 0x22, 3, 0, 0, 0, 0, 0}));
  EXPECT_THAT(device.calls(), ElementsAre("detach 0", "claim 0", "claim 1", "release 1", "release 0", "attach 0"));
}

TEST_F(UsbLink, APortThatDoesNotTakeItsLineIsRefused) {
  MockUsb device(machine, {.descriptors = acm_descriptors(), .drivers = {{0, "cdc_acm"}, {1, "cdc_acm"}}});
  device.plug();
  device.stall_controls(true);
  settings.device.product = 0x0105;
  EXPECT_THAT(refusal(), HasSubstr("1-2 1d6b:0105 serial 42: does not take 115200 baud"));
  EXPECT_EQ(device.calls().back(), "attach 0") << "the kernel's driver gets its interface back all the same";
}

TEST_F(UsbLink, AnFtdiChipIsSetUpAndItsStatusBytesAreNotTheTerminals) {
  MockUsb device(machine, {.descriptors = vendor_descriptors(), .drivers = {{0, "ftdi_sio"}}});
  device.plug();
  settings.session.line = {9600, true};
  settings.session.transfer_bytes = 1024;
  with_link([&]() -> Task<> {
    device.send(Bytes{0x01, 0x60});
    device.send("\x01\x60" + std::string(510, 'a') + "\x01\x60" + "bc");
    const bool all = co_await until([&] { return text.size() >= 512; });
    EXPECT_TRUE(all);
  });
  EXPECT_EQ(text, std::string(510, 'a') + "bc");
  EXPECT_EQ(reads.size(), 1U);
  // reset; 9600 baud is 312 and a half; 8N1; DTR and RTS
  EXPECT_THAT(device.controls(), ElementsAre(Bytes{0x40, 0, 0, 0, 0, 0, 0, 0}, Bytes{0x40, 3, 0x38, 0x41, 0, 0, 0, 0},
                                             Bytes{0x40, 4, 8, 0, 0, 0, 0, 0}, Bytes{0x40, 1, 3, 3, 0, 0, 0, 0}));
}

TEST_F(UsbLink, WhatIsNoFtdiChipIsRefused) {
  MockUsb device(machine, {.descriptors = vendor_descriptors()});
  device.plug();
  settings.session.line = {9600, true};
  device.stall_controls(true);
  EXPECT_THAT(refusal(), HasSubstr("is no FTDI chip (?chip=ftdi)"));
  device.stall_controls(false);
  settings.session.line.baud = 100;
  EXPECT_THAT(refusal(), HasSubstr("no rate of 100 baud"));
}

TEST(UsbFtdi, RatesAreEighthsOfADivisor) {
  const std::pair<int, std::uint32_t> table[] = {{300, 0x2710},    {1200, 0x09C4},   {9600, 0x4138},   {19200, 0x809C},
                                                 {38400, 0xC04E},  {57600, 0xC034},  {115200, 0x001A}, {230400, 0x000D},
                                                 {460800, 0x4006}, {921600, 0x8003}, {3'000'000, 0}};
  for (const auto& [baud, divisor] : table) EXPECT_EQ(ftdi_divisor(baud), divisor) << baud;
  for (const int baud : {-1, 0, 100, 2'800'000, 5'800'000}) EXPECT_EQ(ftdi_divisor(baud), std::nullopt) << baud;
}

TEST_F(UsbLink, WhatOnlyTalksIsReadAndTakesNothing) {
  Bytes only_in = vendor_descriptors();
  only_in.resize(only_in.size() - 7);
  only_in[20] = 25;  // the configuration's length
  MockUsb device(machine, {.descriptors = only_in});
  device.plug();
  std::string why;
  with_link([&]() -> Task<> {
    device.send("log");
    const bool all = co_await until([&] { return text == "log"; });
    EXPECT_TRUE(all);
    try {
      co_await terminal.link->write(bytes_of("J?"));
    } catch (const LinkError& e) {
      why = e.what();
    }
  });
  EXPECT_THAT(why, HasSubstr("1-2 1d6b:0104 serial 42: takes nothing"));
}

TEST_F(UsbLink, SaysWhatIsMissingAndWhatIsThere) {
  EXPECT_THAT(refusal(), AllOf(HasSubstr("usb:1d6b:0104: no such device"), HasSubstr("nothing is plugged in")));
  MockUsb other(machine, {.port = "1-7", .address = 7, .descriptors = vendor_descriptors(0x0999), .serial = "other"});
  other.plug();
  EXPECT_THAT(refusal(), HasSubstr("plugged in: 1-7 1d6b:0999 serial other"));
}

TEST_F(UsbLink, TwoThatFitAreAnErrorThatNamesBoth) {
  MockUsb one(machine, {.port = "1-2", .address = 2, .descriptors = vendor_descriptors(), .serial = "A"});
  MockUsb two(machine, {.port = "1-3", .address = 3, .descriptors = vendor_descriptors(), .serial = "B"});
  one.plug();
  two.plug();
  EXPECT_THAT(refusal(), AllOf(HasSubstr("2 devices fit"), HasSubstr("1-2 1d6b:0104 serial A"),
                               HasSubstr("1-3 1d6b:0104 serial B"), HasSubstr("?port=")));
  settings.device.serial = "B";
  EXPECT_EQ(refusal(), "");
  settings.device.port = "1-2";
  EXPECT_THAT(refusal(), HasSubstr("no such device")) << "port and serial must both fit";
}

TEST_F(UsbLink, ADeviceThatIsNotConfiguredYetIsWaitedFor) {
  MockUsb device(machine, {.descriptors = vendor_descriptors()});
  device.plug();
  const auto configure = [&](const char* value) {
    umockdev_testbed_set_attribute(machine.testbed(), "/sys/devices/usb1/1-2", "bConfigurationValue", value);
  };
  configure("\n");
  std::thread kernel([&] {
    std::this_thread::sleep_for(250ms);
    configure("1\n");
  });
  EXPECT_EQ(refusal(), "");
  kernel.join();
  EXPECT_GE(clock.now(), Time(240ms));
  configure("\n");
  EXPECT_THAT(refusal(), HasSubstr("it has none in its configuration")) << "but not for ever";
}

TEST_F(UsbLink, WithoutPermissionTheRuleIsNamed) {
  MockUsb device(machine, {.descriptors = vendor_descriptors()});
  device.plug();
  if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED: only the superuser can be somebody else";
  let_others(0600);
  std::string why;
  {
    const AsNobody nobody;
    why = refusal();
  }
  EXPECT_THAT(why, AllOf(HasSubstr("1-2 1d6b:0104 serial 42: /dev/bus/usb/001/002: permission denied"),
                         HasSubstr("drivers/70-swiperig.rules")));
  EXPECT_EQ(refusal(), "");
}

TEST_F(UsbLink, APlaceThatUdevOpensLateIsWaitedFor) {
  MockUsb device(machine, {.descriptors = vendor_descriptors()});
  device.plug();
  const std::string node = machine.root() + "/dev/bus/usb/001/002";
  if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED: only the superuser can be somebody else";
  let_others(0600);
  std::thread udev([&] {
    std::this_thread::sleep_for(300ms);
    ::chmod(node.c_str(), 0666);
  });
  {
    const AsNobody nobody;
    EXPECT_EQ(refusal(), "");
  }
  EXPECT_GE(clock.now(), Time(290ms));
  udev.join();
}

}  // namespace
}  // namespace swiperig
