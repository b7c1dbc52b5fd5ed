#include "drivers/usb_news.hpp"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace swiperig {

namespace {

constexpr std::uint32_t kKernelGroup = 1;
constexpr int kMostInOneTurn = 4096;  // a storm of news is one ring

int listen_to_kernel() {
  const int fd = ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
  if (fd < 0) return -1;
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = kKernelGroup;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

}  // namespace

struct UsbNews::Ear : std::enable_shared_from_this<Ear> {
  explicit Ear(Clock& clock) : descriptor(clock.context()) {}

  void listen() {
    descriptor.async_wait(boost::asio::posix::descriptor_base::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& e) {
                            if (!e) self->hear();
                          });
  }
  void hear() {
    std::array<char, 64> heard;
    int left = kMostInOneTurn;
    // news lost for want of room (ENOBUFS) is news too
    while (left-- > 0 && (::recv(descriptor.native_handle(), heard.data(), heard.size(), 0) > 0 || errno == ENOBUFS)) {
    }
    const bool goes_on = left < 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    bell.ring();
    if (goes_on) listen();
  }

  boost::asio::posix::stream_descriptor descriptor;
  Bell bell;
};

UsbNews::UsbNews(Clock& clock) : ear_(std::make_shared<Ear>(clock)) {
  const int fd = listen_to_kernel();
  if (fd < 0) return;
  ear_->descriptor.assign(fd);
  ear_->listen();
}

UsbNews::~UsbNews() {
  boost::system::error_code ignored;
  ear_->descriptor.close(ignored);
}

Bell& UsbNews::bell() { return ear_->bell; }

}  // namespace swiperig
