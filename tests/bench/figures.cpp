// Figures, printed as one JSON object; ratios are judged, not absolute times. No test.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "drivers/link_tcp.hpp"
#include "drivers/relay.hpp"
#include "fixtures/virtual_clock.hpp"
#include "rig/crew.hpp"
#include "tests/bench/books_rates.hpp"
#include "tests/bench/capture_rates.hpp"
#include "tests/bench/codec_rates.hpp"
#include "tests/bench/offset_rates.hpp"
#include "tests/bench/publish_rates.hpp"
#include "tests/bench/relay_rates.hpp"
#include "tests/bench/usb_rates.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

Task<> sleeper(Clock& clock, int times) {
  for (int i = 0; i < times; ++i) co_await clock.sleep_for(1us);
}

Task<> sleepers(Clock& clock, int count, int times) {
  Crew crew(clock);
  for (int i = 0; i < count; ++i) crew.start(sleeper(clock, times));
  co_await crew.join();
}

/// Wake-ups per second of a virtual clock with so many coroutines asleep.
double wakeups_per_s(int count) {
  VirtualClock clock;
  const int times = 4'000'000 / count;
  const double began = machine_seconds();
  clock.run(sleepers(clock, count, times));
  return static_cast<double>(clock.wakeups()) / (machine_seconds() - began);
}

boost::asio::awaitable<void> poster(boost::asio::io_context& context, int times) {
  for (int i = 0; i < times; ++i) co_await boost::asio::post(context, boost::asio::use_awaitable);
}

/// The neighbour: a coroutine that only posts itself.
double posts_per_s() {
  boost::asio::io_context context(1);
  const int times = 2'000'000;
  const double began = machine_seconds();
  boost::asio::co_spawn(context, poster(context, times), [](std::exception_ptr) {});
  context.run();
  return times / (machine_seconds() - began);
}

Bytes frame(std::string_view mti, int stan) {
  Message m;
  m.set_mti(mti);
  const std::string digits = std::to_string(stan);
  m.set(11, std::string(6 - digits.size(), '0') + digits);
  m.set(41, "99900001");
  m.set(42, "999000000000001");
  Bytes out;
  pack(m, Framing{}, out);
  return out;
}

Task<> answer_at_once(Clock&, Listener& listener, int connections) {
  for (int i = 0; i < connections; ++i) {
    std::unique_ptr<Link> link = co_await listener.accept();
    std::uint8_t buffer[512];
    std::size_t n = 0;
    try {
      n = co_await link->read_some(buffer);
    } catch (const LinkError&) {
      n = 0;
    }
    if (n == 0) continue;
    const Bytes response = frame("0210", i + 1);
    try {
      co_await link->write(response);
    } catch (const LinkError&) {
      continue;
    }
    link->close(Close::fin);
  }
}

struct Reader {
  std::unique_ptr<Link> link;
  std::size_t got = 0;
  Bell done;
};

Task<> read_into(Reader& reader) {
  std::uint8_t buffer[512];
  try {
    reader.got = co_await reader.link->read_some(buffer);
  } catch (const LinkError&) {
    reader.got = 0;
  }
  reader.done.ring();
}

Task<> connections(Clock& clock, bool armed, int count, int& reached) {
  std::uint16_t relay_port = 0, host_port = 0;
  auto host = tcp_listener(clock, "127.0.0.1", 0, &host_port);
  Relay relay(clock, tcp_listener(clock, "127.0.0.1", 0, &relay_port), tcp_dialer(clock, "127.0.0.1", host_port),
              HostProfile{});
  auto dialer = tcp_dialer(clock, "127.0.0.1", relay_port);
  Crew crew(clock);
  crew.start(relay.serve());
  crew.start(answer_at_once(clock, *host, count));
  for (int i = 0; i < count; ++i) {
    if (armed) relay.arm({0, "response_entered", 1, NetworkFault{NetworkFault::drop, 0ns}, false, 0ns});
    Reader terminal;
    terminal.link = co_await dialer->dial();
    const Bytes request = frame("0200", i + 1);
    co_await terminal.link->write(request);
    Crew reading(clock);
    reading.start(read_into(terminal));
    co_await clock.wait(terminal.done, clock.now() + (armed ? 20ms : 2000ms));
    terminal.link->close(Close::reset);
    co_await reading.join();
    if (terminal.got > 0) ++reached;
    relay.set(Impairment{});
  }
  relay.close();
  host->close();
  co_await crew.join();
}

int responses_that_reached(bool armed, int count) {
  SteadyClock clock;
  int reached = 0;
  clock.run(connections(clock, armed, count, reached));
  return reached;
}

}  // namespace
}  // namespace swiperig

int main(int argc, char** argv) {
  using namespace swiperig;
  int slipped = 0;
  const auto offsets = [&] { return offset_rates(slipped); };
  using Figures = std::function<std::string()>;
  for (const auto& [name, figures] : {std::pair<std::string_view, Figures>{"publishing", publish_rates},
                                      {"relay", relay_rates},
                                      {"offsets", offsets},
                                      {"capture", capture_rates},
                                      {"usb", usb_rates_here}}) {  // usb: under umockdev's library
    if (argc != 2 || argv[1] != name) continue;
    std::printf("{%s}\n", figures().c_str());  // these alone
    return slipped == 0 ? 0 : 1;
  }
  const std::string relay = relay_rates();  // it forks: before there is any thread
  const double one = wakeups_per_s(1), hundred = wakeups_per_s(100), many = wakeups_per_s(10'000);
  const double posts = posts_per_s();
  const int armed = responses_that_reached(true, 1000), unarmed = responses_that_reached(false, 1000);
  std::printf(
      "{\"virtual_clock_wakeups_per_s\":{\"1\":%.0f,\"100\":%.0f,\"10000\":%.0f},\"asio_post_per_s\":%.0f,"
      "\"wakeup_to_post_ratio_100\":%.2f,\"armed_drop_over_tcp\":{\"connections\":1000,\"responses_that_reached\":%d},"
      "\"without_the_fault\":{\"connections\":1000,\"responses_that_reached\":%d},%s",
      one, hundred, many, posts, hundred / posts, armed, unarmed, relay.c_str());
  for (const Figures& figures : {Figures(codec_rates), Figures(capture_rates), Figures(books_rates),
                                 Figures(publish_rates), Figures(offsets), Figures(usb_rates)}) {
    const std::string text = figures();
    if (!text.empty()) std::printf(",%s", text.c_str());
  }
  std::printf("}\n");
  return armed == 0 && unarmed == 1000 && slipped == 0 ? 0 : 1;
}
