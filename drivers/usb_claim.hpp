// A USB device in the rig's hands: its node is open, its interfaces are taken from whatever driver of the kernel had
// them, a CDC-ACM port has its line set. What was taken is given back when this is destroyed, in the opposite order.
// For the USB thread alone, and never within a callback of libusb.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drivers/hid_report.hpp"
#include "drivers/usb_device.hpp"
#include "rig/link.hpp"

struct libusb_context;
struct libusb_device_handle;

namespace swiperig {

/// The device's node may not be opened (yet): udev gives it its group some time after it arrived.
struct UsbDenied : LinkError {
  using LinkError::LinkError;
};

/// How a serial port is set: 8N1 at this rate, both control lines up.
struct UsbLine {
  int baud = 115200;
  bool ftdi = false;  ///< a chip of FTDI's, not a CDC-ACM port
};

/// An FTDI chip begins every packet with so many bytes of its own.
constexpr std::size_t kFtdiStatusBytes = 2;

/// How an FTDI chip of type BM or younger is told a rate: 17 bits, the upper for the request's index. None: it has no
/// rate within 3 %.
std::optional<std::uint32_t> ftdi_divisor(int baud);

class UsbClaim {
 public:
  /// Throws UsbDenied, LinkError{reset} when the device has gone meanwhile, LinkError{failed}.
  UsbClaim(libusb_context* context, const UsbDevice& device, const UsbPipes& pipes, const UsbLine& line);
  UsbClaim(const UsbClaim&) = delete;
  UsbClaim& operator=(const UsbClaim&) = delete;
  ~UsbClaim();
  libusb_device_handle* handle() const { return handle_; }
  /// What the device says of its reports. Throws LinkError{failed} with what is wrong there.
  HidReports reports(const UsbPipes& pipes) const;

 private:
  void open(libusb_context* context);
  void take(std::uint8_t interface);
  void set_line(std::uint8_t interface, int baud);
  void set_ftdi(std::uint16_t channel, int baud);
  void give_back();
  [[noreturn]] void refuse(int error, const std::string& doing) const;

  const UsbDevice device_;
  int fd_ = -1;
  libusb_device_handle* handle_ = nullptr;
  std::vector<std::uint8_t> claimed_, driven_;  ///< interfaces; those that a driver of the kernel had
};

}  // namespace swiperig
