// The controller's end of a guarded link: what an instrument says at once arrives whole, however little is read at
// once.
#include "drivers/link_guarded.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "rig/bytes.hpp"

namespace swiperig {
namespace {

struct Pair {
  std::array<int, 2> ends{-1, -1};
  Pair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0); }
  ~Pair() {
    for (const int end : ends) close(end);
  }
};

Task<> read_all(Link& link, std::size_t at_once, std::size_t wanted, std::string& heard) {
  std::vector<std::uint8_t> room(at_once);
  while (heard.size() < wanted) {
    const std::size_t n = co_await link.read_some(room);
    heard += text_of(BytesView(room).first(n));
  }
}

TEST(GuardedLink, WhatIsSaidAtOnceArrivesWholeInSmallReads) {
  std::string said;
  for (int i = 0; said.size() < kGuardBytes; ++i) said += "$" + std::to_string(i) + "=1\r\n";
  said.resize(kGuardBytes);
  for (const std::size_t at_once : {7U, 512U, 1024U, 4096U}) {
    const Pair control, actuator;
    SteadyClock clock;
    Guard guard(clock, {control.ends[0], actuator.ends[0], -1});
    const auto link = guard.actuator();
    for (const std::string& packet : {said, std::string("ok\r\n")}) {
      ASSERT_EQ(send(actuator.ends[1], packet.data(), packet.size(), 0), static_cast<ssize_t>(packet.size()));
    }
    std::string heard;
    clock.run(read_all(*link, at_once, said.size() + 4, heard));
    EXPECT_EQ(heard, said + "ok\r\n") << at_once;
  }
}

}  // namespace
}  // namespace swiperig
