// The shipped program against a terminal on USB, from swipe to verdict: the stand-in terminal's cash register link is
// carried to and from a USB device, and swiperig, a process of its own, finds that device by its identity.
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <boost/json.hpp>
#include <thread>

#include "drivers/link_serial.hpp"
#include "reports/pcapng.hpp"
#include "rig/crew.hpp"
#include "rig/trace_file.hpp"
#include "tests/realtime_bench.hpp"
#include "tests/usb/mock_usb.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Carries bytes between the stand-in's serial port and the USB device, until the end of the test.
class Carried {
 public:
  Carried(MockUsb& device, std::string port) : device_(device), port_(std::move(port)), thread_([this] { run(); }) {}
  ~Carried() {
    stop_ = true;
    thread_.join();
  }

 private:
  void run() {
    SteadyClock clock;
    auto link = serial_link(clock, port_, 115200);
    clock.run([](Carried& self, Clock& c, Link& serial) -> Task<> {
      Crew crew(c);
      crew.start(self.to_device(serial));
      for (std::size_t done = 0; !self.stop_;) {
        const std::vector<Bytes> all = self.device_.received();
        for (; done < all.size(); ++done) co_await serial.write(all[done]);
        co_await c.sleep_for(2ms);
      }
      serial.close(Close::fin);
      co_await crew.join();
    }(*this, clock, *link));
  }
  Task<> to_device(Link& serial) {
    std::array<std::uint8_t, 64> chunk;  // a full-speed packet
    for (;;) {
      const std::size_t n = co_await serial.read_some(chunk);
      if (n == 0) break;  // closed at the end of the test
      device_.send(Bytes(chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(n)));
    }
  }

  MockUsb& device_;
  std::string port_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

TEST(RealtimeUsb, ACampaignPassesOverUsbAndItsCaptureIsWholeAndMasked) {
  MockMachine machine;
  MockUsb device(machine, {.descriptors = acm_descriptors(), .drivers = {{0, "cdc_acm"}, {1, "cdc_acm"}}});
  device.plug();
  const Folder folder;
  const std::string serial_bench = bench_in(folder);
  const std::string ecr = "serial:" + (folder / "tty/ecr") + "?baud=115200";
  const std::string bench =
      folder.write("benches/usb.toml", replaced(read_text(serial_bench), ecr, "usb:1d6b:0105?serial=42"));
  const Said checked = swiperig(folder, {"check", bench});
  EXPECT_EQ(checked.exit_code, 0) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr("1-2 1d6b:0105 serial 42, interface 1"));

  const Served served(folder, serial_bench);
  const Carried carried(device, folder / "tty/ecr");
  const std::string out = folder / "out";
  Program run(folder, {"run", demonstration, "--bench", bench, "--cycles", "3", "--out", out});
  EXPECT_EQ(run.wait(200), 0) << run.out() << run.err();
  const auto summary = boost::json::parse(read_text(out + "/summary.json"));
  EXPECT_EQ(summary.at("outcomes").at("pass"), 3);
  EXPECT_EQ(device.calls().back(), "attach 0") << "the kernel has its port back";

  int there = 0;
  const TraceReader trace(out + "/run.trace");
  trace.for_each([&](const CycleRecord& cycle) {
    for (const Event& e : cycle.events) {
      const auto* presence = std::get_if<Presence>(&e.body);
      there += presence != nullptr && presence->up && presence->where == "1-2 1d6b:0105 serial 42, address 2";
    }
  });
  EXPECT_EQ(there, 1);

  std::uint64_t usb = 0, network = 0, masked = 0;
  PcapngReader wires(out + "/wires.pcapng");
  PcapPacket packet;
  for (std::uint64_t at = 0; wires.next(packet, at);) {
    ++(packet.source == 0 ? usb : network);
    masked += packet.comment.starts_with("masked: ");
  }
  EXPECT_FALSE(wires.cut());
  EXPECT_GT(usb, 50U);
  EXPECT_GT(network, 12U);
  EXPECT_GT(masked, 6U);
  const std::string all = read_text(out + "/wires.pcapng");
  EXPECT_THAT(all, AllOf(HasSubstr("SWIPE CARD"), HasSubstr("621234******1265"), Not(HasSubstr("6212345678901265")),
                         Not(HasSubstr("\x62\x12\x34\x56\x78\x90\x12\x65"))));

  const Said exported = swiperig(folder, {"export", out, "--format", "pcapng"});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_THAT(exported.out, HasSubstr(std::to_string(usb) + " USB transfers, " + std::to_string(network) +
                                      " network messages, " + std::to_string(trace.events()) + " events, 3 verdicts"));
  const std::string dissect =
      "tshark -r " + out + "/run.pcapng -d tcp.port==5000,iso8583 2>" + (folder / "err") + " -Y '";
  const auto count = [&](const std::string& filter) {
    const std::string command = dissect + filter + "' | wc -l >" + (folder / "count");
    EXPECT_EQ(std::system(command.c_str()), 0);
    return std::stoull(read_text(folder / "count"));
  };
  EXPECT_EQ(count("usb"), usb) << read_text(folder / "err");
  EXPECT_EQ(count("tcp"), network);
  EXPECT_EQ(count("frame.interface_name == \"verdicts\""), 3U);
  EXPECT_EQ(count("usb.endpoint_address == 0x82 && usb.capdata contains \"SWIPE CARD\""), 6U);
}

}  // namespace
}  // namespace swiperig
