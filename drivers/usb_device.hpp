// Which USB device is meant, and where in it the bytes flow. The kernel's own list below /sys/bus/usb/devices is the
// truth: it is there with and without udev, and it is read again rather than kept up by counting arrivals, so that a
// device that comes and goes ten times in a moment is simply there or not. The port path (bus-port.port) stays the same
// when a device comes back at a new address; the address never chooses. Everything here is data and functions of data
// but `usb_devices`, which may wait for the kernel and belongs in the USB thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "drivers/usb_descriptors.hpp"

namespace swiperig {

struct UsbDevice {
  std::string port;  ///< "1-2.3": bus 1, hub port 2, port 3 of the hub there
  int bus = 0, address = 0;
  std::uint16_t vendor = 0, product = 0;
  std::string serial;  ///< "" where it has none
  std::uint8_t configuration = 0;
  bool superspeed = false;  ///< USB 3
  UsbDescriptors descriptors;
  std::string fault;  ///< what is wrong with its descriptors; "": nothing
  std::string node() const;
  bool operator==(const UsbDevice& o) const { return port == o.port && bus == o.bus && address == o.address; }
};

/// "1-2.3 1234:5678 serial 42", as every error text names a device.
std::string to_text(const UsbDevice&);

/// What is plugged in now, by port path. Root hubs are left out; a device that goes while it is read is left out too.
/// `root`: where sysfs is, for tests.
std::vector<UsbDevice> usb_devices(const std::string& root = "/sys");

struct UsbWanted {
  std::uint16_t vendor = 0, product = 0;
  std::string port, serial;  ///< "": any
};
std::string to_text(const UsbWanted&);
bool fits(const UsbDevice&, const UsbWanted&);

/// The one device that fits, nullptr when there is none, or a sentence that names every candidate.
std::variant<const UsbDevice*, std::string> choose(const std::vector<UsbDevice>& devices, const UsbWanted& wanted);

/// All that is plugged in, for an error sentence; at most eight of them.
std::string plugged_in(const std::vector<UsbDevice>& devices);

struct UsbPipes {
  std::uint8_t interface = 0, alternate = 0;
  std::optional<std::uint8_t> control_interface;  ///< of CDC-ACM
  bool takes_line_coding = false;
  bool alone = true;  ///< the device has no other interface
  bool hid = false;   ///< of a human-interface device
  std::uint16_t hid_descriptor_bytes = 0;
  UsbEndpoint in;
  std::optional<UsbEndpoint> out;  ///< none: it only talks
};

/// The pair of bulk or interrupt endpoints of `interface`, or without it of the one interface that can be meant: a CDC
/// data interface or a vendor's own, or the human-interface device where its reports are wanted. Otherwise a sentence
/// that lists the interfaces.
std::variant<UsbPipes, std::string> find_pipes(const UsbDevice&, std::optional<std::uint8_t> interface,
                                               bool reports = false);

}  // namespace swiperig
