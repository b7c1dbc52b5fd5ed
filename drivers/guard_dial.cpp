#include "drivers/guard_dial.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>

#include "rig/link.hpp"

namespace swiperig {
namespace {

constexpr double kDialLimit = 20;

/// 0, or why not.
int connect_until(int fd, const addrinfo& to, double until_s) {
  if (::connect(fd, to.ai_addr, to.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  for (;;) {
    const double left_s = until_s - machine_seconds();
    if (left_s <= 0) return ETIMEDOUT;
    pollfd ready{fd, POLLOUT, 0};
    if (::poll(&ready, 1, static_cast<int>(left_s * 1000) + 1) != 1) continue;
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 ? errno : error;
  }
}

}  // namespace

DialledInstrument dial_instrument(const std::string& host, std::uint16_t port) {
  const std::string name =
      "tcp:" + (host.find(':') == host.npos ? host : "[" + host + "]") + ":" + std::to_string(port);
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_socktype = SOCK_STREAM;
  const int unknown = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found);
  if (unknown != 0) throw LinkError(LinkError::failed, name + ": " + ::gai_strerror(unknown));
  const double until_s = machine_seconds() + kDialLimit;
  DialledInstrument one;
  int error = ECONNREFUSED;
  for (const addrinfo* to = found; to != nullptr && one.device < 0; to = to->ai_next) {
    const int fd = ::socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    error = fd < 0 ? errno : connect_until(fd, *to, until_s);
    if (fd >= 0 && error != 0) ::close(fd);
    if (error != 0) continue;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    const unsigned unanswered_ms = 2000;  // a far end that died in silence is known before the safe bytes give up
    ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof unanswered_ms);
    one.device = fd;
    std::memcpy(&one.where, to->ai_addr, to->ai_addrlen);
    one.where_bytes = to->ai_addrlen;
  }
  ::freeaddrinfo(found);
  if (one.device < 0) {
    throw LinkError(error == ECONNREFUSED || error == ETIMEDOUT ? LinkError::refused : LinkError::failed,
                    name + ": " + std::generic_category().message(error));
  }
  return one;
}

int claim_instrument(int device) {
  sockaddr_storage far{};
  socklen_t size = sizeof far;
  std::string name;
  if (::getpeername(device, reinterpret_cast<sockaddr*>(&far), &size) == 0) {
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    ::getnameinfo(reinterpret_cast<const sockaddr*>(&far), size, host.data(), host.size(), port.data(), port.size(),
                  NI_NUMERICHOST | NI_NUMERICSERV);
    name = "tcp:" + std::string(host.data()) + ":" + port.data();
  } else {
    struct stat at = {};
    ::fstat(device, &at);
    name = "device " + std::to_string(major(at.st_rdev)) + ":" + std::to_string(minor(at.st_rdev));
  }
  // a name that is in no folder and goes with the process
  const std::string claimed = "swiperig " + name;
  sockaddr_un own{};
  own.sun_family = AF_UNIX;
  std::memcpy(own.sun_path + 1, claimed.data(), std::min(claimed.size(), sizeof own.sun_path - 1));
  const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + claimed.size());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&own), std::min<socklen_t>(bytes, sizeof own)) == 0)
    return fd;
  if (fd >= 0) ::close(fd);
  throw LinkError(LinkError::failed,
                  name + ": another controller of this machine has it, under another name, as another " +
                      "user or in another session: end that one");
}

}  // namespace swiperig
