#include "drivers/usb_claim.hpp"

#include <fcntl.h>
#include <libusb.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <span>
#include <system_error>

namespace swiperig {

namespace {

constexpr unsigned kControlMs = 1000;
constexpr std::uint8_t kSetLineCoding = 0x20, kSetControlLines = 0x22, kDtrRts = 3;
constexpr std::uint8_t kFromInterface = 0x81, kGetDescriptor = 6, kHidReports = 0x22;
constexpr std::uint8_t kToInterface = 0x21;  // class request, host to device
constexpr std::uint8_t kToFtdi = 0x40;       // vendor request, host to device
constexpr std::uint8_t kFtdiReset = 0, kFtdiLines = 1, kFtdiBaud = 3, kFtdiFormat = 4;
constexpr std::uint16_t kFtdiDtrRts = 0x0303, kFtdi8N1 = 8;
constexpr int kFtdiClock = 24'000'000;  // eighths of the rate's divisor

}  // namespace

std::optional<std::uint32_t> ftdi_divisor(int baud) {
  if (baud < 1) return std::nullopt;
  const std::int64_t eighths = (kFtdiClock + std::int64_t{baud} / 2) / baud;
  if (eighths < 8 || eighths >> 3 > 0x3FFF) return std::nullopt;
  if (std::abs(kFtdiClock / eighths - baud) * 100 > std::int64_t{baud} * 3) return std::nullopt;
  static constexpr std::array<std::uint32_t, 8> codes = {0, 3, 2, 4, 1, 5, 6, 7};
  const auto divisor = static_cast<std::uint32_t>(eighths >> 3) | codes[static_cast<std::size_t>(eighths & 7)] << 14;
  // the two fastest rates have codes of their own
  return divisor == 1 ? 0 : divisor == 0x4001 ? 1 : divisor;
}

UsbClaim::UsbClaim(libusb_context* context, const UsbDevice& device, const UsbPipes& pipes, const UsbLine& line)
    : device_(device) {
  try {
    open(context);
    if (pipes.control_interface) take(*pipes.control_interface);
    take(pipes.interface);
    if (pipes.alternate != 0) {
      const int e = libusb_set_interface_alt_setting(handle_, pipes.interface, pipes.alternate);
      if (e != 0) refuse(e, "cannot set alternate " + std::to_string(pipes.alternate));
    }
    if (pipes.takes_line_coding) set_line(*pipes.control_interface, line.baud);
    if (line.ftdi) set_ftdi(static_cast<std::uint16_t>(pipes.alone ? 0 : pipes.interface + 1), line.baud);
  } catch (...) {
    give_back();
    throw;
  }
}

UsbClaim::~UsbClaim() { give_back(); }

/// In the opposite order, so that a driver of two interfaces finds both free.
void UsbClaim::give_back() {
  if (handle_ != nullptr) {
    for (auto i = claimed_.rbegin(); i != claimed_.rend(); ++i) libusb_release_interface(handle_, *i);
    for (auto i = driven_.rbegin(); i != driven_.rend(); ++i) libusb_attach_kernel_driver(handle_, *i);
    libusb_close(handle_);
  }
  if (fd_ >= 0) ::close(fd_);
}

void UsbClaim::refuse(int error, const std::string& doing) const {
  const std::string text = to_text(device_) + ": " + doing + ": ";
  const bool gone = error == LIBUSB_ERROR_NO_DEVICE || error == LIBUSB_ERROR_IO || error == LIBUSB_ERROR_NOT_FOUND;
  if (gone) throw LinkError(LinkError::reset, text + "the device does not answer");
  if (error == LIBUSB_ERROR_BUSY) {
    throw LinkError(LinkError::failed, text + "taken by another program; find it with fuser " + device_.node());
  }
  throw LinkError(LinkError::failed, text + libusb_strerror(error));
}

void UsbClaim::open(libusb_context* context) {
  fd_ = ::open(device_.node().c_str(), O_RDWR | O_CLOEXEC);
  if (fd_ < 0) {
    const int error = errno;
    const std::string text = to_text(device_) + ": " + device_.node() + ": ";
    if (error == EACCES || error == EPERM) {
      throw UsbDenied(LinkError::failed, text +
                                             "permission denied; install drivers/70-swiperig.rules in "
                                             "/etc/udev/rules.d with this device's vendor and product, and plug it in "
                                             "again");
    }
    const bool gone = error == ENOENT || error == ENODEV || error == ENXIO || error == EIO;
    throw LinkError(gone ? LinkError::reset : LinkError::failed, text + std::generic_category().message(error));
  }
  if (const int e = libusb_wrap_sys_device(context, fd_, &handle_); e != 0) refuse(e, "cannot open it");
}

void UsbClaim::take(std::uint8_t interface) {
  const std::string which = "interface " + std::to_string(interface);
  if (libusb_kernel_driver_active(handle_, interface) == 1) {
    if (const int e = libusb_detach_kernel_driver(handle_, interface); e != 0) {
      refuse(e, "cannot take " + which + " from the kernel's driver");
    }
    driven_.push_back(interface);
  }
  if (const int e = libusb_claim_interface(handle_, interface); e != 0) refuse(e, "cannot claim " + which);
  claimed_.push_back(interface);
}

/// 8N1 and both control lines up, as opening a serial port would.
void UsbClaim::set_line(std::uint8_t interface, int baud) {
  const auto request = [&](std::uint8_t what, std::uint16_t value, std::span<std::uint8_t> bytes) {
    return libusb_control_transfer(handle_, kToInterface, what, value, interface, bytes.data(),
                                   static_cast<std::uint16_t>(bytes.size()), kControlMs);
  };
  std::array<std::uint8_t, 7> coding = {0, 0, 0, 0, 0, 0, 8};
  for (std::size_t i = 0; i < 4; ++i) coding[i] = static_cast<std::uint8_t>(baud >> (8 * i));
  const int n = request(kSetLineCoding, 0, coding);
  if (n != static_cast<int>(coding.size())) {
    refuse(n < 0 ? n : LIBUSB_ERROR_OTHER, "does not take " + std::to_string(baud) + " baud");
  }
  if (const int e = request(kSetControlLines, kDtrRts, {}); e < 0) refuse(e, "does not take its control lines");
}

void UsbClaim::set_ftdi(std::uint16_t channel, int baud) {
  const auto divisor = ftdi_divisor(baud);
  if (!divisor) {
    throw LinkError(LinkError::failed, to_text(device_) + ": an FTDI chip has no rate of " + std::to_string(baud) +
                                           " baud; 300 to 3000000 have one");
  }
  const auto request = [&](std::uint8_t what, std::uint32_t value, std::uint16_t index) {
    const int e = libusb_control_transfer(handle_, kToFtdi, what, static_cast<std::uint16_t>(value), index, nullptr, 0,
                                          kControlMs);
    if (e < 0) refuse(e, "is no FTDI chip (?chip=ftdi): request " + std::to_string(what));
  };
  const auto upper = static_cast<std::uint16_t>(*divisor >> 16);
  request(kFtdiReset, 0, channel);
  // of several channels the number is in the low byte, and the divisor's upper bit beside it
  request(kFtdiBaud, *divisor, channel == 0 ? upper : static_cast<std::uint16_t>(upper << 8 | channel));
  request(kFtdiFormat, kFtdi8N1, channel);
  request(kFtdiLines, kFtdiDtrRts, channel);
}

HidReports UsbClaim::reports(const UsbPipes& pipes) const {
  if (pipes.hid_descriptor_bytes > kMostHidDescriptorBytes) {
    throw LinkError(LinkError::failed, to_text(device_) + ": its report descriptor has " +
                                           std::to_string(pipes.hid_descriptor_bytes) + " bytes, more than 4096");
  }
  Bytes bytes(pipes.hid_descriptor_bytes);
  const int n = libusb_control_transfer(handle_, kFromInterface, kGetDescriptor, kHidReports << 8, pipes.interface,
                                        bytes.data(), pipes.hid_descriptor_bytes, kControlMs);
  if (n < 0) refuse(n, "does not tell its report descriptor");
  bytes.resize(static_cast<std::size_t>(n));
  auto parsed = parse_hid_reports(bytes);
  if (const auto* why = std::get_if<std::string>(&parsed)) {
    throw LinkError(LinkError::failed, to_text(device_) + ": its report descriptor cannot be: " + *why);
  }
  return std::get<HidReports>(std::move(parsed));
}

}  // namespace swiperig
