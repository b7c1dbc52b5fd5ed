// For tests of what is reached with keys: a folder of them, sockets that show one or none, and raw connections of those
// who do not mean well.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "bindings/keys.hpp"
#include "tests/folder.hpp"

namespace swiperig {

/// A rig's keys, and of everybody who is listed: wall (observer), till (operator), boss (admin).
struct Keyed {
  Keyed() {
    testing::internal::CaptureStdout();
    for (const char* name : {"rig", "wall", "till", "boss", "stranger"}) new_keys(dir, name);
    allow_key(dir, "wall", open("wall"), "observer");
    allow_key(dir, "till", open("till"), "operator");
    allow_key(dir, "boss", open("boss"), "admin");
    testing::internal::GetCapturedStdout();
  }
  std::string secret(const std::string& name) const { return dir + "/" + name + ".key_secret"; }
  std::string open(const std::string& name) const { return dir + "/" + name + ".key"; }
  Access access() const { return read_access(secret("rig")); }
  ClientKeys client(const std::string& name) const {
    return {read_key_pair(secret(name)), read_public_key(open("rig"))};
  }

  const Folder folder;
  const std::string dir = folder / "keys";
};

inline void show(zmq::socket_t& socket, const ClientKeys& keys) {
  socket.set(zmq::sockopt::curve_serverkey, keys.server);
  socket.set(zmq::sockopt::curve_publickey, keys.own.open);
  socket.set(zmq::sockopt::curve_secretkey, keys.own.secret);
}

inline sockaddr_in local(std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(port);
  return at;
}

/// The first of two ports that nobody has.
inline std::uint16_t free_ports() {
  for (int tries = 0; tries < 50; ++tries) {
    const int first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
              next = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at = local(0);
    socklen_t size = sizeof at;
    bool both = bind(first, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0 &&
                getsockname(first, reinterpret_cast<sockaddr*>(&at), &size) == 0;
    const auto port = ntohs(at.sin_port);
    sockaddr_in beside = local(static_cast<std::uint16_t>(port + 1));
    both = both && bind(next, reinterpret_cast<sockaddr*>(&beside), sizeof beside) == 0;
    close(first);
    close(next);
    if (both) return port;
  }
  ADD_FAILURE() << "no two ports are free";
  return 0;
}

/// A connection without any manners.
class Raw {
 public:
  /// Does not wait for the connection to be there.
  explicit Raw(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const sockaddr_in at = local(port);
    (void)!connect(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at);
  }
  Raw(Raw&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Raw() {
    if (fd_ >= 0) close(fd_);
  }
  void say(const std::string& bytes) const {
    pollfd ready{fd_, POLLOUT, 0};
    EXPECT_EQ(poll(&ready, 1, 5000), 1);
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  /// The other side ended it within so long.
  bool ended(int limit_ms) const {
    for (std::string some(4096, '\0');;) {
      pollfd ready{fd_, POLLIN, 0};
      if (poll(&ready, 1, limit_ms) != 1) return false;
      if (recv(fd_, some.data(), some.size(), MSG_DONTWAIT) <= 0) return true;
    }
  }

 private:
  int fd_;
};

/// How a peer with keys begins; what follows is a command of any length.
inline std::string curve_greeting() {
  std::string text("\xff\0\0\0\0\0\0\0\x01\x7f\x03\0CURVE", 17);
  text.resize(64, '\0');
  return text;
}
/// A command of 2 GiB begins.
inline std::string two_gigabytes() { return std::string("\x06\0\0\0\0\x80\0\0\0", 9) + std::string(1000, 'x'); }

/// As many as this process may have open.
inline std::size_t raise_open_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

inline std::size_t open_files(pid_t pid) {
  const auto all = std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}
inline std::int64_t resident_kib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; status >> word;) {
    std::int64_t kib = 0;
    if (word == "VmRSS:" && status >> kib) return kib;
  }
  return 0;
}

}  // namespace swiperig
