#include "drivers/uri.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace swiperig {
namespace {

std::string shown(const std::variant<LinkUri, std::string>& result) {
  if (const auto* expected = std::get_if<std::string>(&result)) return "ERROR " + *expected;
  const LinkUri& uri = std::get<LinkUri>(result);
  std::string out = uri.scheme + " " + uri.address + " " + std::to_string(uri.port);
  for (const auto& [name, value] : uri.options) out += " " + name + "=" + value;
  return out;
}

struct Good {
  const char *text, *parts;
};
struct Bad {
  const char *text, *expected;
};

TEST(LinkUri, ReadsEverySchemeOfTheBenchFiles) {
  const Good table[] = {
      {"virtual:robot", "virtual robot 0"},
      {"virtual:host-2.a_b", "virtual host-2.a_b 0"},
      {"serial:/dev/ttyACM0", "serial /dev/ttyACM0 0 baud=115200"},
      {"serial:runs/stand-in/robot", "serial runs/stand-in/robot 0 baud=115200"},
      {"serial:/dev/ttyACM0?baud=9600", "serial /dev/ttyACM0 0 baud=9600"},
      {"serial:/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0",
       "serial /dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0 0 baud=115200"},
      {"tcp:supply.lab:5025", "tcp supply.lab 5025"},
      {"tcp:10.0.0.1:1", "tcp 10.0.0.1 1"},
      {"tcp:[::1]:5025", "tcp ::1 5025"},
      {"tcp:[fe80::1%eth0]:65535", "tcp fe80::1%eth0 65535"},
      {"usb:1234:5678", "usb 1234:5678 0 baud=115200 transfer=0"},
      {"usb:04B8:0AbC?port=1-2.3.4&serial=A/7&interface=1",
       "usb 04b8:0abc 0 baud=115200 interface=1 port=1-2.3.4 serial=A/7 transfer=0"},
      {"usb:0403:6001?chip=ftdi&transfer=16384&baud=9600&boot=04B8:0001",
       "usb 0403:6001 0 baud=9600 boot=04b8:0001 chip=ftdi transfer=16384"},
  };
  for (const Good& row : table) EXPECT_EQ(shown(parse_link_uri(row.text)), row.parts) << row.text;
}

TEST(LinkUri, SaysWhatWasExpectedInstead) {
  const Bad table[] = {
      {"", "one of virtual:<place>, serial:<device>?baud=<rate>, tcp:<host>:<port> or usb:<vendor>:<product>"},
      {"robot", "one of virtual:<place>"},
      {"bluetooth:robot", "usb:<vendor>:<product>, not the scheme \"bluetooth\""},
      {"TCP:host:1", "not the scheme \"TCP\""},
      {":robot", "not the scheme \"\""},
      {"virtual:", "the name of a place"},
      {"virtual:a:b", "the name of a place"},
      {"virtual:robot?x=1", "no option \"x\" for virtual"},
      {"serial:", "a device path, as in"},
      {"serial:ttyACM0", "a device path, as in"},
      {"serial:/dev/ttyACM0?", "an option as name=value"},
      {"serial:/dev/ttyACM0?baud", "an option as name=value"},
      {"serial:/dev/ttyACM0?baud=", "a baud rate in digits"},
      {"serial:/dev/ttyACM0?baud=fast", "a baud rate in digits"},
      {"serial:/dev/ttyACM0?baud=-9600", "a baud rate in digits"},
      {"serial:/dev/ttyACM0?baud=9600x", "a baud rate in digits"},
      {"serial:/dev/ttyACM0?baud=99999999999999999999", "a baud rate in digits"},
      {"serial:/dev/ttyACM0?baud=9600&baud=9600", "option \"baud\" only once"},
      {"serial:/dev/ttyACM0?baud=9600&", "an option as name=value"},
      {"serial:/dev/ttyACM0?parity=even", "no option \"parity\" for serial"},
      {"serial:/dev/tty ACM0", "no spaces or control characters"},
      {"serial:/dev/tty\nACM0", "no spaces or control characters"},
      {"tcp:", "a host and a port"},
      {"tcp:supply.lab", "a host and a port"},
      {"tcp::5025", "a host name or address before the port"},
      {"tcp:[::1]", "brackets around an IPv6 address"},
      {"tcp:::1:5025", "brackets around an IPv6 address"},
      {"tcp:[]:5025", "an IPv6 address within the brackets"},
      {"tcp:[supply]:5025", "an IPv6 address within the brackets"},
      {"tcp:supply/lab:5025", "a host name or address"},
      {"tcp:supply.lab:0", "a port from 1 to 65535"},
      {"tcp:supply.lab:65536", "a port from 1 to 65535"},
      {"tcp:supply.lab:", "a port from 1 to 65535"},
      {"tcp:supply.lab:+5", "a port from 1 to 65535"},
      {"tcp:supply.lab:5025?baud=1", "no option \"baud\" for tcp"},
      {"usb:1234", "four hex digits each"},
      {"usb:1234:567", "four hex digits each"},
      {"usb:1234:56g8", "four hex digits each"},
      {"usb:12345:5678", "four hex digits each"},
      {"usb:1234:5678?parity=even", "usb has serial, port, interface, baud"},
      {"usb:1234:5678?port=1", "a port path, as in ?port=1-2.3"},
      {"usb:1234:5678?port=-2", "a port path"},
      {"usb:1234:5678?port=1-", "a port path"},
      {"usb:1234:5678?port=1-2.", "a port path"},
      {"usb:1234:5678?port=1-.2", "a port path"},
      {"usb:1234:5678?port=1-2..3", "a port path"},
      {"usb:1234:5678?port=1.1-2", "a port path"},
      {"usb:1234:5678?port=../../etc", "a port path"},
      {"usb:1234:5678?serial=", "a serial number"},
      {"usb:1234:5678?interface=256", "the number of an interface"},
      {"usb:1234:5678?interface=", "the number of an interface"},
      {"usb:1234:5678?boot=1234", "the boot loader's vendor and product"},
      {"usb:1234:5678?transfer=1048577", "bytes of a transfer up to 1048576"},
      {"usb:1234:5678?chip=cp2102", "the kind of a serial chip"},
      {"usb:1234:5678?baud=fast", "a baud rate in digits"},
  };
  for (const Bad& row : table) {
    const std::string result = shown(parse_link_uri(row.text));
    EXPECT_EQ(result.find("ERROR link \""), 0U) << row.text << ": " << result;
    EXPECT_NE(result.find(row.expected), std::string::npos) << row.text << ": " << result;
  }
}

TEST(LinkUri, AnyBytesGiveAnAnswerOfBoundedLength) {
  std::uint64_t state = 7;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = round % 4 == 0 ? "" : round % 4 == 1 ? "tcp:" : round % 4 == 2 ? "usb:" : "serial:/";
    state = state * 6364136223846793005U + 1442695040888963407U;
    for (auto n = (state >> 33) % 24; n > 0; --n) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      text += round % 2 == 0 ? static_cast<char>(state >> 40) : "[]:?&=%.0a"[(state >> 40) % 10];
    }
    EXPECT_LT(shown(parse_link_uri(text)).size(), 400U);
  }
  const std::string huge(1 << 20, 'a');
  EXPECT_LT(shown(parse_link_uri("tcp:" + huge + ":1")).size(), 400U);
  EXPECT_EQ(shown(parse_link_uri("virtual:" + std::string(1000, 'a'))).substr(0, 8), "virtual ");
}

}  // namespace
}  // namespace swiperig
