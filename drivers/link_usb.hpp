// A terminal's USB connection as a link that outlives the terminal: it is unplugged, loses power, reboots through its
// boot loader and comes back at another address, and reading simply goes on. What was on its way is lost as it would be
// on a serial line, and what is written while nobody is there is lost too; that the device left, arrived or had to be
// opened again is told as observations with their own times, beside the bytes. A link ends by itself only where the rig
// cannot go on: two devices fit, the node may not be opened, another program has it, a device that stays and breaks
// every transfer, a kernel that does not answer. All errors name the device and say what to do.
#pragma once

#include <memory>
#include <optional>

#include "drivers/uri.hpp"
#include "drivers/usb_session.hpp"
#include "rig/equipment.hpp"

namespace swiperig {

struct UsbLinkSettings {
  UsbWanted device;
  std::optional<UsbWanted> boot;  ///< what the terminal is while it boots, told as "usb_boot"
  std::optional<std::uint8_t> interface;
  UsbSettings session;
  Duration wait = std::chrono::seconds(2);  ///< for the device when the link is made
  /// Where the rig itself switches the terminal on: from then on it may be away so long before its first arrival.
  Duration may_be_off{};
  /// The reports of a human-interface device are wanted, as the terminal's profile says.
  bool reports() const { return session.words && session.words->framing.kind == EcrFraming::Kind::hid_report; }
};

/// Of a link that parse_link_uri has read with scheme usb: which device.
UsbWanted usb_wanted(const LinkUri& uri);
/// And how it is spoken to.
UsbLinkSettings usb_settings(const LinkUri& uri);

struct UsbTerminal {
  /// read_some gives at most one transfer.
  std::unique_ptr<Link> link;
  /// Presence of "usb" and "usb_boot", and Text of "link" when transfers broke with the device still there. It is seen
  /// while the link is read.
  std::unique_ptr<Capture> presence;
};

/// Opens the device, which must be there unless it may be off. Throws LinkError{failed}. `tap` may be null.
Task<UsbTerminal> usb_link(Clock& clock, UsbLinkSettings settings, std::shared_ptr<Tap> tap);

}  // namespace swiperig
