#include "tests/bench/usb_rates.hpp"

#ifdef SWIPERIG_UMOCKDEV

#include <algorithm>
#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "drivers/link_usb.hpp"
#include "drivers/terminal_ecr.hpp"
#include "rig/crew.hpp"
#include "tests/usb/mock_usb.hpp"

namespace swiperig {

namespace {

using namespace std::chrono_literals;

constexpr int kRounds = 2000;

struct Completions final : Tap {
  void take(const UsbTransfer& t) override {
    const std::lock_guard lock(mutex);
    if (!t.bytes.empty()) at.push_back(t.at);
  }
  void take(const NetworkFrame&) override {}
  std::mutex mutex;
  std::vector<Time> at;
};

double us(std::vector<Duration>& took, std::size_t per_mille) {
  std::sort(took.begin(), took.end());
  return static_cast<double>(took[took.size() * per_mille / 1000].count()) / 1000;
}

/// Each frame by itself, as a terminal speaks; `arrived`: when its event is there for the pump of the inbox.
Task<> listen(SteadyClock& clock, MockUsb& device, std::shared_ptr<Tap> tap, std::vector<Time>& arrived) {
  UsbLinkSettings settings;
  settings.device = {0x1d6b, 0x0104, "", ""};
  UsbTerminal terminal = co_await usb_link(clock, settings, tap);
  TerminalEcr ecr(clock, std::move(terminal.link), {});
  Crew crew(clock);
  crew.start(ecr.serve());
  for (int i = 0; i < kRounds; ++i) {
    co_await clock.sleep_for(1ms);
    device.send(ecr_frame(EcrFraming(), "S|READY " + std::to_string(i)));
    const Seen seen = co_await ecr.next();
    arrived.push_back(clock.now());
  }
  ecr.close();
  co_await crew.join();
}

/// The neighbour: another thread posts to a loop that sleeps.
std::vector<Duration> posts() {
  boost::asio::io_context loop(1);
  const auto stays = boost::asio::make_work_guard(loop);
  SteadyClock clock;
  std::vector<Duration> took;
  std::thread other([&] {
    for (int i = 0; i < kRounds; ++i) {
      SteadyClock pause;
      pause.run([](SteadyClock& c) -> Task<> { co_await c.sleep_for(1ms); }(pause));
      boost::asio::post(loop, [&, posted = clock.now()] {
        took.push_back(clock.now() - posted);
        if (took.size() == kRounds) loop.stop();
      });
    }
  });
  loop.run();
  other.join();
  return took;
}

}  // namespace

std::string usb_rates_here() {
  const auto completions = std::make_shared<Completions>();
  std::vector<Time> arrived;
  {
    MockMachine machine;
    MockUsb device(machine, {.descriptors = vendor_descriptors()});
    device.plug();
    SteadyClock clock;
    clock.run(listen(clock, device, completions, arrived));
  }
  std::vector<Duration> took, bare = posts();
  for (std::size_t i = 0; i < std::min(arrived.size(), completions->at.size()); ++i) {
    took.push_back(arrived[i] - completions->at[i]);
  }
  char text[320];
  std::snprintf(text, sizeof text,
                "\"usb_completion_to_event_us\":{\"p50\":%.1f,\"p99\":%.1f},\"post_from_a_thread_us\":{\"p50\":%.1f,"
                "\"p99\":%.1f},\"completion_to_post_ratio\":{\"p50\":%.2f,\"p99\":%.2f}",
                us(took, 500), us(took, 990), us(bare, 500), us(bare, 990), us(took, 500) / us(bare, 500),
                us(took, 990) / us(bare, 990));
  return text;
}

std::string usb_rates() {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  std::FILE* child = popen(("LD_PRELOAD=" SWIPERIG_UMOCKDEV " '" + self + "' usb").c_str(), "r");
  std::string said;
  std::array<char, 512> part;
  while (child != nullptr && std::fgets(part.data(), part.size(), child) != nullptr) said += part.data();
  if (child == nullptr || pclose(child) != 0 || said.size() < 3) return "\"usb\":\"not measured\"";
  return said.substr(1, said.rfind('}') - 1);
}

}  // namespace swiperig

#else

namespace swiperig {

std::string usb_rates() { return "\"usb\":\"umockdev is not installed\""; }
std::string usb_rates_here() { return usb_rates(); }

}  // namespace swiperig

#endif
