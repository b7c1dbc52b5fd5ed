// A thousand connections through the relay at once: each carries its own, and nothing of them is left.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <iterator>
#include <vector>

#include "tests/relay_stage.hpp"
#include "tests/tls_peer.hpp"

namespace swiperig {
namespace {

std::size_t open_descriptors() {
  const auto all = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}
Task<> shake(TlsLink& link) {
  const bool shaken = co_await link.handshake([]() -> Task<> { co_return; });
  EXPECT_TRUE(shaken);
}
/// TLS from both ends to the relay.
Task<> secure(Stage& stage, Call& call, std::shared_ptr<const TlsEnd> terminal, std::shared_ptr<const TlsEnd> host) {
  auto there = std::make_unique<TlsLink>(std::move(call.terminal), std::move(terminal));
  auto here = std::make_unique<TlsLink>(std::move(call.host), std::move(host));
  Crew crew(stage.clock);
  crew.start(shake(*there));
  crew.start(shake(*here));
  co_await crew.join();
  call.terminal = std::move(there);
  call.host = std::move(here);
}
Task<> thousand_calls(Stage& stage, bool tls, std::vector<Call>& calls, int& answered) {
  std::shared_ptr<const TlsEnd> to_relay, at_host;
  if (tls) {
    to_relay = TlsEnd::client(certificates().ca("rig"), "localhost");
    at_host = TlsEnd::server(certificates().certificate("host"), certificates().key("host"));
  }
  for (Call& call : calls) {
    call = co_await connect(stage);
    if (tls) co_await secure(stage, call, to_relay, at_host);
  }
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
void thousand(bool tls) {
  rlimit open = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &open), 0);
  open.rlim_cur = open.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &open), 0);
  ASSERT_GE(open.rlim_cur, 4096U) << "four descriptors for each connection, all of them in this process";
  if (tls) (void)certificates();  // made once for all tests
  const std::size_t before = open_descriptors();
  int answered = 0;
  {
    Sockets ground;
    RelaySettings settings;
    if (tls) {
      settings.terminal_tls = TlsEnd::server(certificates().certificate("rig"), certificates().key("rig"));
      settings.host_tls = TlsEnd::client(certificates().ca("host"), "host.lab");
    }
    Stage stage(ground, settings);
    std::vector<Call> calls(1000);
    stage.run([&](Stage& s) { return thousand_calls(s, tls, calls, answered); });
    EXPECT_EQ(stage.fault, "");
    EXPECT_EQ(stage.milestones["connected"], 1000);
    EXPECT_EQ(stage.milestones["response_left"], 1000);
    calls.clear();
  }
  EXPECT_EQ(answered, 1000);
  EXPECT_EQ(open_descriptors(), before);
}
TEST(RealtimeRelayConnections, AThousandAtOnceAndNoDescriptorIsLeft) { thousand(false); }
TEST(RealtimeRelayConnections, AThousandOverTlsAtOnceAndNoDescriptorIsLeft) { thousand(true); }

}  // namespace
}  // namespace swiperig
