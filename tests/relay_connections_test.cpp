// A thousand connections through the relay at once: each carries its own, and nothing of them is left.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <iterator>
#include <vector>

#include "tests/relay_stage.hpp"

namespace swiperig {
namespace {

std::size_t open_descriptors() {
  const auto all = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}
Task<> thousand_calls(Stage& stage, std::vector<Call>& calls, int& answered) {
  for (Call& call : calls) call = co_await connect(stage);
  EXPECT_GT(open_descriptors(), 4 * calls.size());
  const int n = static_cast<int>(calls.size());
  std::array<std::uint8_t, 4096> chunk;
  for (int i = 0; i < n; ++i) {
    const Bytes bytes = request(i);
    co_await calls[static_cast<std::size_t>(i)].terminal->write(bytes);
  }
  for (int i = 0; i < n; ++i) {
    Link& host = *calls[static_cast<std::size_t>(i)].host;
    const std::size_t got = co_await host.read_some(chunk);
    EXPECT_EQ(Bytes(chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(got)), request(i));
    const Bytes bytes = response(i);
    co_await host.write(bytes);
  }
  for (int i = 0; i < n; ++i) {
    const std::size_t got = co_await calls[static_cast<std::size_t>(i)].terminal->read_some(chunk);
    answered += Bytes(chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(got)) == response(i) ? 1 : 0;
  }
  for (Call& call : calls) call.terminal->close(Close::fin);
  for (Call& call : calls) call.host->close(Close::fin);
  co_await stage.until_milestone("closed", 2 * n);
}
TEST(RealtimeRelayConnections, AThousandConnectionsAtOnceAndNoDescriptorIsLeft) {
  rlimit open = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &open), 0);
  open.rlim_cur = open.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &open), 0);
  ASSERT_GE(open.rlim_cur, 4096U) << "four descriptors for each connection, all of them in this process";
  const std::size_t before = open_descriptors();
  int answered = 0;
  {
    Sockets ground;
    Stage stage(ground);
    std::vector<Call> calls(1000);
    stage.run([&](Stage& s) { return thousand_calls(s, calls, answered); });
    EXPECT_EQ(stage.fault, "");
    EXPECT_EQ(stage.milestones["connected"], 1000);
    EXPECT_EQ(stage.milestones["response_left"], 1000);
    calls.clear();
  }
  EXPECT_EQ(answered, 1000);
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace swiperig
