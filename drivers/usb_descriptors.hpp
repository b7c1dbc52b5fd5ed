// What a USB device says it is: its device descriptor and every configuration behind it, as the kernel keeps them
// (`descriptors` below /sys/bus/usb/devices). Read before the device is opened, so that a device that lies about itself
// is refused while nothing depends on it. Reading is total: any bytes give either the tree or a sentence with the
// offset of what cannot be; every descriptor moves on by at least two bytes and lies wholly within its configuration,
// and what is kept is bounded by the input, at most 64 KiB.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "rig/bytes.hpp"

namespace swiperig {

struct UsbEndpoint {
  std::uint8_t address = 0;      ///< bit 7: towards the host
  std::uint8_t attributes = 0;   ///< bits 0-1: control, isochronous, bulk, interrupt
  std::uint16_t max_packet = 0;  ///< bytes, 0 to 2047: what the device says
  bool in() const { return (address & 0x80) != 0; }
  bool bulk() const { return (attributes & 3) == 2; }
  bool interrupt() const { return (attributes & 3) == 3; }
};

struct UsbInterface {
  std::uint8_t configuration = 0, number = 0, alternate = 0;
  std::uint8_t device_class = 0, subclass = 0, protocol = 0;
  std::vector<UsbEndpoint> endpoints;
  std::optional<std::uint8_t> data_interface;  ///< of a CDC control interface, by its union descriptor
  std::uint8_t acm_capabilities = 0;           ///< of a CDC-ACM control interface; bit 1: it takes a line coding
  std::uint16_t hid_descriptor_bytes = 0;      ///< of a human-interface device: its report descriptor; 0: none
  bool hid() const { return device_class == 3; }
};

struct UsbDescriptors {
  std::uint16_t vendor = 0, product = 0;
  std::vector<UsbInterface> interfaces;  ///< of all configurations, every alternate setting
};

std::variant<UsbDescriptors, std::string> parse_usb_descriptors(BytesView bytes);

}  // namespace swiperig
