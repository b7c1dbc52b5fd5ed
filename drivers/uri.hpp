// Where a bench file says a device is: "virtual:robot", "serial:/dev/ttyACM0?baud=115200", "tcp:supply.lab:5025",
// "tcp:[::1]:5025", "usb:1234:5678". The scheme is the only thing in which a bench on equipment and a virtual one
// differ. Reading is total: any text gives either a link or a sentence that says what was expected instead.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

namespace swiperig {

struct LinkUri {
  std::string scheme;      ///< virtual, serial, tcp or usb
  std::string address;     ///< place, device path, host without brackets, or "vvvv:pppp" in lower-case hex
  std::uint16_t port = 0;  ///< tcp only
  /// serial: baud (always there; 115200 unless given). usb: baud and transfer (always there);
  /// port, serial, interface, boot and chip where given.
  std::map<std::string, std::string> options;
};

std::variant<LinkUri, std::string> parse_link_uri(std::string_view text);
/// The device without its options: "serial:/dev/ttyACM0", "tcp:supply.lab:5025".
std::string device_of(const LinkUri&);

}  // namespace swiperig
