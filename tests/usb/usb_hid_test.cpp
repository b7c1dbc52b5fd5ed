// Human-interface devices: reports by their descriptor, from a device whose descriptor or whose reports may lie.
#include <gmock/gmock.h>

#include "drivers/terminal_ecr.hpp"
#include "tests/usb/usb_lab.hpp"

namespace swiperig {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Reports 1 of seven bytes and 2 of three.
const char* const kVendor =
    "0600FF0901A10185017508950709018102850295030902810"
    "2C0";
const char* const kKeyboard =
    "05010906A1010507150025657508950881"
    "00C0";

struct Kept final : Tap {
  void take(const UsbTransfer& t) override {
    if (!t.bytes.empty()) bytes.push_back(to_hex(t.bytes));
  }
  void take(const NetworkFrame&) override {}
  std::vector<std::string> bytes;
};

class UsbHid : public UsbLab {
 protected:
  UsbHid() {
    TerminalLink words;
    words.framing.kind = EcrFraming::Kind::hid_report;
    words.framing.binary = false;
    words.acknowledges = TerminalLink::Acknowledges::nothing;
    words.places.clear();
    settings.session.words = std::make_shared<const TerminalLink>(words);
  }
  /// A device that says this of its reports.
  MockUsb& plug(const char* hex, std::size_t announced = 0) {
    const Bytes descriptor = from_hex(hex).value_or(Bytes{});
    const std::size_t size = announced == 0 ? descriptor.size() : announced;
    device.emplace(machine, MockShape{.descriptors = hid_descriptors(size), .drivers = {{0, "usbhid"}}});
    device->answer_controls([descriptor](const Bytes& setup) -> std::optional<Bytes> {
      const bool asks = setup[0] == 0x81 && setup[1] == 6 && setup[3] == 0x22;
      return asks ? std::optional(descriptor) : std::nullopt;
    });
    device->plug();
    return *device;
  }

  std::optional<MockUsb> device;
};

TEST_F(UsbHid, ReportsComeByIdAndLength) {
  MockUsb& d = plug(kVendor);
  with_link([&]() -> Task<> {
    d.send(std::string("\x01READY\0\0", 8));
    d.send(
        "\x02"
        "abc");
    const bool all = co_await until([&] { return text.size() == 16; });
    EXPECT_TRUE(all) << text.size();
  });
  EXPECT_EQ(to_hex(bytes_of(text)),
            "0008015245414459000000040261"
            "6263");
  EXPECT_THAT(remarks(), IsEmpty());
  EXPECT_THAT(d.calls(), ElementsAre("detach 0", "claim 0", "release 0", "attach 0"));
}

TEST_F(UsbHid, ReportsThatLieAreToldAndNotHandedOver) {
  MockUsb& d = plug(kVendor);
  with_link([&]() -> Task<> {
    d.send("\x09zzz");
    d.send("\x02zz");
    d.send("\x02" + std::string(40, 'z'));
    d.send(
        "\x02"
        "abc");
    const bool all = co_await until([&] { return text.size() == 6 && remarks().size() == 3; });
    EXPECT_TRUE(all);
  });
  EXPECT_EQ(text.substr(2),
            "\x02"
            "abc");
  EXPECT_THAT(remarks(), ElementsAre(HasSubstr("report 9, which its descriptor does not have"),
                                     HasSubstr("report 2 of 2 bytes where its descriptor says 3"),
                                     HasSubstr("report 2 of 40 bytes where its descriptor says 3")));
}

TEST_F(UsbHid, ADeviceThatOnlyLiesIsNotToldOfForEver) {
  MockUsb& d = plug(kVendor);
  with_link([&]() -> Task<> {
    d.flood({9, 9, 9});
    const bool many = co_await until([&] { return d.submits() > 2000; });
    EXPECT_TRUE(many);
  });
  ASSERT_EQ(remarks().size(), 16U);
  EXPECT_THAT(remarks().back(), HasSubstr("is not told"));
  EXPECT_EQ(text, "");
}

TEST_F(UsbHid, ADescriptorThatCannotBeIsRefusedWithItsPlace) {
  MockUsb& d = plug("A101750895018102");
  EXPECT_THAT(refusal(), HasSubstr("1-2 1d6b:0104 serial 42: its report descriptor cannot be: byte 8: a collection "
                                   "does not end"));
  EXPECT_EQ(d.calls().back(), "attach 0") << "the kernel's driver gets it back all the same";
}

TEST_F(UsbHid, ADescriptorOfAnImpossibleSizeIsNotAskedFor) {
  plug(kVendor, 5000);
  EXPECT_THAT(refusal(), HasSubstr("its report descriptor has 5000 bytes, more than 4096"));
}

TEST_F(UsbHid, ADeviceThatDoesNotTellItsReportsIsRefused) {
  MockUsb& d = plug(kVendor);
  d.answer_controls([](const Bytes&) { return std::nullopt; });
  EXPECT_THAT(refusal(), HasSubstr("does not tell its report descriptor"));
}

TEST_F(UsbHid, WhatIsNoHumanInterfaceDeviceIsRefused) {
  MockUsb other(machine, {.descriptors = vendor_descriptors()});
  other.plug();
  EXPECT_THAT(refusal(), HasSubstr("no human-interface device"));
  settings.session.words.reset();
  EXPECT_EQ(refusal(), "") << "the twin: nobody wants its reports";
}

TEST_F(UsbHid, WhatIsTypedOnAKeyboardIsKeptByItsLengthAlone) {
  const auto kept = std::make_shared<Kept>();
  tap = kept;
  MockUsb& d = plug(kKeyboard);
  with_link([&]() -> Task<> {
    d.send(Bytes{0, 0, 0x23, 0, 0, 0, 0, 0});
    const bool all = co_await until([&] { return text.size() == 11; });
    EXPECT_TRUE(all);
  });
  EXPECT_THAT(kept->bytes, ElementsAre("2A2A2A2A2A2A2A2A"));
}

TEST_F(UsbHid, ACardNumberInReportsIsKeptMasked) {
  const auto kept = std::make_shared<Kept>();
  tap = kept;
  MockUsb& d = plug(kVendor);
  with_link([&]() -> Task<> {
    d.send(
        "\x01"
        "CARD 62");
    d.send(
        "\x01"
        "1234567");
    d.send(
        "\x01"
        "8901265");
    const bool all = co_await until([&] { return text.size() == 30; });
    EXPECT_TRUE(all);
  });
  EXPECT_THAT(kept->bytes, ElementsAre("01" + to_hex(bytes_of("CARD 62")), "01" + to_hex(bytes_of("*******")),
                                       "01" + to_hex(bytes_of("*******"))));
}

TEST_F(UsbHid, AProfilesRulesSeeReports) {
  MockUsb& d = plug(kVendor);
  std::vector<std::string> said;
  run([&]() -> Task<> {
    terminal = co_await usb_link(clock, settings, tap);
    TerminalEcr driver(clock, std::move(terminal.link), {{"ecr", "report 1: READY", "idle"}}, *settings.session.words);
    Crew crew(clock);
    crew.start(driver.serve());
    d.send(std::string("\x01READY\0\0", 8));
    for (int i = 0; i < 2; ++i) {
      const Seen one = co_await driver.next();
      if (const auto* t = std::get_if<Text>(&one.body)) said.push_back(t->text);
      if (const auto* m = std::get_if<Milestone>(&one.body)) said.push_back("!" + m->name);
    }
    driver.close();
    co_await crew.join();
    terminal = {};
  });
  EXPECT_THAT(said, ElementsAre("report 1: READY", "!idle"));
}

}  // namespace
}  // namespace swiperig
