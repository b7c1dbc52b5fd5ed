// What crosses a wire, as the rig keeps it beside the trace: whole USB transfers and frames of the network, with bench
// time, and with card data masked before it gets here: no length changes and the masked bytes are told. A driver hands
// over what it saw and goes on; a tap may be called from a driver's own thread and never waits for the driver.
#pragma once

#include <cstdint>
#include <string>

#include "rig/bytes.hpp"
#include "rig/time.hpp"

namespace swiperig {

struct UsbTransfer {
  Time at{};
  std::uint16_t bus = 0, address = 0;
  std::uint8_t endpoint = 0;  ///< bit 7: towards the host
  bool interrupt = false;     ///< else bulk
  std::int32_t status = 0;    ///< 0, or a negative errno as the kernel's own monitor has it
  Bytes bytes;
  std::string masked;  ///< places in `bytes` from 0, "4-9, 16-21"; "": none
};

/// One message between the terminal and its host.
struct NetworkFrame {
  Time at{};
  std::uint32_t connection = 0;  ///< counted from 1
  bool from_terminal = true;
  Bytes bytes;
  std::string masked;
};

struct Tap {
  virtual ~Tap() = default;
  virtual void take(const UsbTransfer&) = 0;
  virtual void take(const NetworkFrame&) = 0;
  /// A frame of the network before it was masked. Nobody may keep it but a vault, sealed.
  virtual void take_whole(std::uint32_t /*connection*/, bool /*from_terminal*/, BytesView, Time) {}
};

}  // namespace swiperig
