#include "drivers/usb_hub.hpp"

#include <fcntl.h>
#include <libusb.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>
#include <system_error>

namespace swiperig {

namespace {

constexpr std::uint8_t kOfHub = 0xA0, kToPort = 0x23, kOfPort = 0xA3;
constexpr std::uint8_t kGetStatus = 0, kClearFeature = 1, kSetFeature = 3, kGetDescriptor = 6;
constexpr std::uint16_t kPortPower = 8, kHub2 = 0x2900, kHub3 = 0x2A00;
constexpr std::uint16_t kPower2 = 0x0100, kPower3 = 0x0200;
constexpr unsigned kPatienceMs = 1000;

class OpenHub {
 public:
  OpenHub(libusb_context* context, const UsbDevice& hub) : hub_(hub) {
    fd_ = ::open(hub.node().c_str(), O_RDWR | O_CLOEXEC);
    if (fd_ < 0) {
      const int error = errno;
      const bool denied = error == EACCES || error == EPERM;
      refuse(hub.node() + ": " + std::generic_category().message(error) +
             (denied ? "; install drivers/70-swiperig.rules with the hub's vendor and product" : ""));
    }
    const int e = libusb_wrap_sys_device(context, fd_, &handle_);
    if (e == 0) return;
    ::close(fd_);
    refuse(std::string("cannot open it: ") + libusb_strerror(e));
  }
  OpenHub(const OpenHub&) = delete;
  OpenHub& operator=(const OpenHub&) = delete;
  ~OpenHub() {
    libusb_close(handle_);
    ::close(fd_);
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw LinkError(LinkError::failed, "hub " + to_text(hub_) + ": " + why);
  }
  /// How many bytes came.
  std::size_t request(std::uint8_t type, std::uint8_t what, std::uint16_t value, int port, std::span<std::uint8_t> into,
                      const char* doing) const {
    const int n = libusb_control_transfer(handle_, type, what, value, static_cast<std::uint16_t>(port), into.data(),
                                          static_cast<std::uint16_t>(into.size()), kPatienceMs);
    if (n < 0) refuse(std::string(doing) + ": " + libusb_strerror(n));
    return static_cast<std::size_t>(n);
  }

 private:
  const UsbDevice hub_;
  int fd_ = -1;
  libusb_device_handle* handle_ = nullptr;
};

}  // namespace

void check_hub_port(libusb_context* context, const UsbHubPort& port) {
  const OpenHub hub(context, port.hub);
  std::array<std::uint8_t, 16> descriptor{};
  const std::uint16_t kind = port.hub.superspeed ? kHub3 : kHub2;
  const std::size_t n = hub.request(kOfHub, kGetDescriptor, kind, 0, descriptor, "asked what it is");
  if (n < 7 || descriptor[1] != kind >> 8) hub.refuse("is no hub");
  if (port.port < 1 || port.port > descriptor[2]) {
    hub.refuse("has ports 1 to " + std::to_string(descriptor[2]) + ", not " + std::to_string(port.port));
  }
  if ((descriptor[3] & 3) != 1) hub.refuse("does not switch the power of one port alone; take another hub");
}

void set_hub_power(libusb_context* context, const UsbHubPort& port, bool on) {
  const OpenHub hub(context, port.hub);
  hub.request(kToPort, on ? kSetFeature : kClearFeature, kPortPower, port.port, {}, "switching a port");
}

bool hub_power(libusb_context* context, const UsbHubPort& port) {
  const OpenHub hub(context, port.hub);
  std::array<std::uint8_t, 4> status{};
  if (hub.request(kOfPort, kGetStatus, 0, port.port, status, "asked for a port's state") != status.size()) {
    hub.refuse("did not tell a port's state");
  }
  const auto bits = static_cast<std::uint16_t>(status[0] | status[1] << 8);
  return (bits & (port.hub.superspeed ? kPower3 : kPower2)) != 0;
}

}  // namespace swiperig
