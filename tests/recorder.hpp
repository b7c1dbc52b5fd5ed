// Two TCP instruments for tests of who may speak to them: a robot and a supply that answer just enough for a guardian
// to make them safe, and write down every byte that arrived, in its order and with its time.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "rig/clock.hpp"

namespace swiperig {

class Recorder {
 public:
  struct Said {
    double at_s;
    std::string text;
  };

  Recorder() {
    for (Instrument* one : {&robot_, &supply_}) listen_for(*one);
    thread_ = std::thread([this] { serve(); });
  }
  ~Recorder() {
    stop_ = true;
    thread_.join();
    for (Instrument* one : {&robot_, &supply_}) {
      ::close(one->listener);
      for (const int fd : one->callers) ::close(fd);
    }
  }
  std::uint16_t robot_port() const { return robot_.port; }
  std::uint16_t supply_port() const { return supply_.port; }
  std::string robot() const { return all(robot_); }
  std::string supply() const { return all(supply_); }
  std::vector<Said> robot_said() const {
    const std::lock_guard lock(mutex_);
    return robot_.heard;
  }
  std::vector<Said> supply_said() const {
    const std::lock_guard lock(mutex_);
    return supply_.heard;
  }
  /// Hangs up on whoever is connected.
  void hang_up() { hang_up_ = true; }
  std::atomic<bool> mute = false;          ///< answers nothing
  std::atomic<bool> robot_floods = false;  ///< the robot talks without end, as fast as it is taken
  std::size_t flooded_bytes() const { return flooded_bytes_; }

 private:
  struct Instrument {
    int listener = -1;
    std::uint16_t port = 0;
    std::vector<int> callers;
    std::vector<Said> heard;
  };

  static void listen_for(Instrument& one) {
    one.listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    auto* where = reinterpret_cast<sockaddr*>(&at);
    if (::bind(one.listener, where, size) != 0 || ::listen(one.listener, 64) != 0 ||
        ::getsockname(one.listener, where, &size) != 0) {
      throw std::runtime_error("no port for a recorder");
    }
    one.port = ntohs(at.sin_port);
  }
  std::string all(const Instrument& one) const {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const Said& said : one.heard) text += said.text;
    return text;
  }
  void serve() {
    while (!stop_) {
      std::vector<pollfd> fds;
      for (const Instrument* one : {&robot_, &supply_}) {
        fds.push_back({one->listener, POLLIN, 0});
        for (const int fd : one->callers) fds.push_back({fd, POLLIN, 0});
      }
      poll(fds.data(), fds.size(), robot_floods ? 0 : 20);
      if (robot_floods) flood();
      const bool hang_up = hang_up_.exchange(false);
      for (Instrument* one : {&robot_, &supply_}) {
        for (std::size_t i = 0; i < one->callers.size();) hear(*one, i, hang_up) ? ++i : i;
        pollfd more{one->listener, POLLIN, 0};
        if (poll(&more, 1, 0) == 1) {
          one->callers.push_back(::accept4(one->listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        }
      }
    }
  }
  void flood() {
    static const std::string lines(1 << 16, '\n');
    for (const int fd : robot_.callers) {
      const ssize_t n = ::send(fd, lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) flooded_bytes_ += static_cast<std::size_t>(n);
    }
  }
  /// False: that caller has gone.
  bool hear(Instrument& one, std::size_t i, bool hang_up) {
    const int fd = one.callers[i];
    std::array<char, 4096> some;
    const ssize_t n = ::recv(fd, some.data(), some.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN && !hang_up) return true;
    if (n <= 0) {
      ::close(fd);
      one.callers.erase(one.callers.begin() + static_cast<std::ptrdiff_t>(i));
      return false;
    }
    const std::string text(some.data(), static_cast<std::size_t>(n));
    {
      const std::lock_guard lock(mutex_);
      one.heard.push_back({machine_seconds(), text});
    }
    std::string answer;
    if (&one == &robot_) {
      for (const char c : text) {
        if (c == '?') answer += "<Idle|MPos:0.000,0.000,0.000|FS:0,0>\r\n";
        if (c == '\x18') answer += "\r\nGrbl 1.1h ['$' for help]\r\n";
        if (c == '\n') answer += "ok\r\n";
      }
    } else if (text.find("OUTP?") != text.npos) {
      answer = "0\n";
    }
    if (!mute && !answer.empty()) (void)!::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return true;
  }

  mutable std::mutex mutex_;
  Instrument robot_, supply_;
  std::atomic<bool> stop_ = false, hang_up_ = false;
  std::atomic<std::size_t> flooded_bytes_ = 0;
  std::thread thread_;
};

}  // namespace swiperig
