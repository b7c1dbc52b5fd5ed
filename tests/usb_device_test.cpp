#include "drivers/usb_device.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace swiperig {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

const Bytes kDevice = {18, 1, 0, 2, 0, 0, 0, 64, 0x34, 0x12, 0x78, 0x56, 0, 1, 1, 2, 3, 1};

/// A configuration around `rest`, its total length right.
Bytes configuration(std::uint8_t value, const Bytes& rest) {
  const std::size_t total = 9 + rest.size();
  return joined(
      {{9, 2, static_cast<std::uint8_t>(total), static_cast<std::uint8_t>(total >> 8), 1, value, 0, 0xc0, 50}, rest});
}
Bytes interface(std::uint8_t number, std::uint8_t device_class, std::uint8_t subclass = 0, std::uint8_t alternate = 0) {
  return {9, 4, number, alternate, 2, device_class, subclass, 0, 0};
}
Bytes endpoint(std::uint8_t address, std::uint8_t attributes, std::uint16_t packet = 64) {
  return {7, 5, address, attributes, static_cast<std::uint8_t>(packet), static_cast<std::uint8_t>(packet >> 8), 0};
}
const Bytes kPair = joined({endpoint(0x81, 2), endpoint(0x02, 2)});

std::string refusal(const Bytes& bytes) {
  const auto parsed = parse_usb_descriptors(bytes);
  const auto* why = std::get_if<std::string>(&parsed);
  return why == nullptr ? "read" : *why;
}

UsbDevice device(const Bytes& configurations, std::uint8_t active = 1) {
  UsbDevice d;
  d.port = "1-2";
  d.vendor = 0x1234;
  d.product = 0x5678;
  d.configuration = active;
  auto parsed = parse_usb_descriptors(joined({kDevice, configurations}));
  if (auto* why = std::get_if<std::string>(&parsed)) ADD_FAILURE() << *why;
  d.descriptors = std::get<UsbDescriptors>(std::move(parsed));
  return d;
}

std::string pipes(const UsbDevice& d, std::optional<std::uint8_t> wanted = {}) {
  const auto found = find_pipes(d, wanted);
  if (const auto* why = std::get_if<std::string>(&found)) return *why;
  const UsbPipes p = std::get<UsbPipes>(found);
  return "interface " + std::to_string(p.interface) + "." + std::to_string(p.alternate) + " in " +
         std::to_string(p.in.address) + (p.out ? " out " + std::to_string(p.out->address) : "") +
         (p.control_interface ? " control " + std::to_string(*p.control_interface) : "") +
         (p.takes_line_coding ? " line" : "");
}

TEST(UsbDescriptors, AreReadAsFarAsTheyGo) {
  const auto parsed =
      parse_usb_descriptors(joined({kDevice, configuration(1, joined({interface(0, 0xff), kPair, {5, 0x30, 0, 0, 0}})),
                                    configuration(2, joined({interface(0, 3), endpoint(0x81, 3, 8)}))}));
  const auto& d = std::get<UsbDescriptors>(parsed);
  EXPECT_EQ(d.vendor, 0x1234);
  EXPECT_EQ(d.product, 0x5678);
  ASSERT_EQ(d.interfaces.size(), 2U);
  EXPECT_EQ(d.interfaces[0].endpoints.size(), 2U);
  EXPECT_TRUE(d.interfaces[0].endpoints[0].in() && d.interfaces[0].endpoints[0].bulk());
  EXPECT_EQ(d.interfaces[1].configuration, 2);
  EXPECT_TRUE(d.interfaces[1].endpoints[0].interrupt());
}

TEST(UsbDescriptors, F09LiesAreRefusedWithTheirPlace) {
  const auto with = [](const Bytes& rest) { return joined({kDevice, configuration(1, rest)}); };
  const Bytes good = with(joined({interface(0, 0xff), kPair}));
  ASSERT_EQ(refusal(good), "read");
  EXPECT_EQ(refusal({}), "byte 0: no device descriptor of 18 bytes");
  EXPECT_EQ(refusal(Bytes(17, 18)), "byte 0: no device descriptor of 18 bytes");
  EXPECT_THAT(refusal(with(joined({interface(0, 0xff), {0, 5}}))), StartsWith("byte 36: a descriptor of length 0"));
  EXPECT_THAT(refusal(with(joined({interface(0, 0xff), {1, 5}}))), StartsWith("byte 36: a descriptor of length 1"));
  EXPECT_THAT(refusal(with(joined({interface(0, 0xff), {255, 5, 1}}))), HasSubstr("length 255 where 3 bytes are left"));
  EXPECT_THAT(refusal(with({8, 4, 0, 0, 0, 0, 0, 0})), HasSubstr("interface descriptor shorter"));
  EXPECT_THAT(refusal(with(joined({interface(0, 0xff), {6, 5, 1, 2, 64, 0}}))),
              HasSubstr("endpoint descriptor shorter"));
  EXPECT_THAT(refusal(with(endpoint(0x81, 2))), HasSubstr("an endpoint before any interface"));
  EXPECT_THAT(refusal(with(joined({interface(0, 0xff), interface(0, 0xff)}))), HasSubstr("described twice"));
  EXPECT_THAT(refusal(with(joined({interface(0, 0xff), kPair, kPair}))), HasSubstr("one endpoint twice"));
  Bytes longer = good;
  longer[20] = 0xff;
  longer[21] = 0xff;
  EXPECT_THAT(refusal(longer), StartsWith("byte 18: a configuration of 65535 bytes where 32 are left"));
  Bytes shorter = good;
  shorter[20] = 8;
  EXPECT_THAT(refusal(shorter), StartsWith("byte 18: a configuration of 8 bytes"));
  for (std::size_t cut = 18; cut < good.size(); ++cut) {
    const Bytes part(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(cut));
    EXPECT_EQ(refusal(part) == "read", cut == 18) << cut;
  }
  EXPECT_THAT(refusal(joined({kDevice, Bytes(65536, 2)})), HasSubstr("more than 64 KiB"));
}

TEST(UsbDevices, TheInterfaceIsFoundOrTheChoiceIsAskedFor) {
  const Bytes vendor = joined({interface(2, 0xff), endpoint(0x83, 3, 64)});
  const Bytes acm =
      joined({interface(0, 2, 2), {5, 0x24, 6, 0, 1}, {4, 0x24, 2, 2}, endpoint(0x84, 3, 8), interface(1, 10), kPair});
  EXPECT_EQ(pipes(device(configuration(1, joined({interface(0, 0xff), kPair})))), "interface 0.0 in 129 out 2");
  EXPECT_EQ(pipes(device(configuration(1, acm))), "interface 1.0 in 129 out 2 control 0 line");
  const UsbDevice composite = device(configuration(1, joined({acm, vendor})));
  EXPECT_THAT(pipes(composite), AllOf(HasSubstr("several interfaces may be meant"), HasSubstr("?interface="),
                                      HasSubstr("1 (class 0a/00/00)"), HasSubstr("2 (class ff/00/00)")));
  EXPECT_EQ(pipes(composite, 2), "interface 2.0 in 131");
  EXPECT_EQ(pipes(composite, 1), "interface 1.0 in 129 out 2 control 0 line");
  EXPECT_THAT(pipes(composite, 7), AllOf(HasSubstr("no interface 7"), HasSubstr("it has 0 (class 02/02/00)")));
  // a debugging port, a disk and a set configuration in which it is not
  const Bytes adb = joined({interface(0, 0xff, 0x42), kPair});
  EXPECT_THAT(pipes(device(configuration(1, adb))), HasSubstr("no CDC data or vendor interface"));
  EXPECT_EQ(pipes(device(configuration(1, joined({adb, vendor})))), "interface 2.0 in 131");
  EXPECT_THAT(pipes(device(configuration(1, joined({interface(0, 8), kPair})))), HasSubstr("no CDC data or vendor"));
  EXPECT_THAT(pipes(device(configuration(1, vendor), 2)), HasSubstr("it has none in its configuration"));
  // endpoints only in its second setting
  EXPECT_EQ(pipes(device(configuration(1, joined({interface(0, 0xff), interface(0, 0xff, 0, 1), kPair})))),
            "interface 0.1 in 129 out 2");
  // packets of no size are no pipe
  EXPECT_THAT(pipes(device(configuration(1, joined({interface(0, 0xff), endpoint(0x81, 2, 0)})))), HasSubstr("no CDC"));
}

TEST(UsbDevices, PortIdentityAndSerialMustAllFit) {
  UsbDevice a = device(configuration(1, joined({interface(0, 0xff), kPair}))), b = a;
  a.serial = "A";
  b.port = "1-3";
  b.serial = "B\x1b[2J";
  const std::vector<UsbDevice> both = {a, b};
  const auto chosen = [&](UsbWanted w) {
    const auto found = choose(both, w);
    if (const auto* why = std::get_if<std::string>(&found)) return *why;
    const UsbDevice* one = std::get<const UsbDevice*>(found);
    return one == nullptr ? std::string("none") : one->port;
  };
  EXPECT_EQ(chosen({0x1234, 0x5678, "", "A"}), "1-2");
  EXPECT_EQ(chosen({0x1234, 0x5678, "1-3", ""}), "1-3");
  EXPECT_EQ(chosen({0x1234, 0x5678, "1-3", "A"}), "none");
  EXPECT_EQ(chosen({0x1234, 0x5679, "", ""}), "none");
  EXPECT_THAT(chosen({0x1234, 0x5678, "", ""}), AllOf(HasSubstr("2 devices fit"), HasSubstr("1-2 1234:5678 serial A"),
                                                      HasSubstr("1-3 1234:5678 serial B?[2J")));
}

}  // namespace
}  // namespace swiperig
