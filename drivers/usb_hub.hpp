// One port of a USB hub, by the hub class requests. The kernel keeps its own driver on the hub: requests to a port need
// no interface. For the USB thread alone.
#pragma once

#include <chrono>
#include <optional>

#include "drivers/usb_device.hpp"
#include "rig/link.hpp"

struct libusb_context;

namespace swiperig {

struct UsbHubSettings {
  UsbWanted hub;
  int port = 1;
  std::optional<UsbWanted> twin;  ///< the same hub as a USB 3 device: both are switched
  Duration off_limit = std::chrono::seconds(2), on_limit = std::chrono::seconds(20);
  Duration min_off = std::chrono::seconds(2);
};

struct UsbHubPort {
  UsbDevice hub;
  int port = 0;  ///< from 1
};

/// Refuses (LinkError{failed}) a hub that does not switch its ports one by one, or has no such port.
void check_hub_port(libusb_context* context, const UsbHubPort& port);
void set_hub_power(libusb_context* context, const UsbHubPort& port, bool on);
/// The port's own word about its power.
bool hub_power(libusb_context* context, const UsbHubPort& port);

}  // namespace swiperig
