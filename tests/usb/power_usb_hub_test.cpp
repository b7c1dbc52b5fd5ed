// A hub as the power switch, and the hubs that lie: F07.
#include "drivers/power_usb_hub.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/usb/mock_usb.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

class UsbHubPower : public testing::Test {
 protected:
  UsbHubPower()
      : hub(machine, {.port = "1-1", .address = 5, .descriptors = hub_descriptors(), .serial = ""}),
        terminal(machine, {.port = "1-1.3", .address = 6, .descriptors = vendor_descriptors()}) {
    hub.answer_controls([this](const Bytes& setup) { return answer(setup); });
    hub.plug();
    terminal.plug();
    settings.hub = {0x2109, 0x3431, "1-1", ""};
    settings.port = 3;
    settings.off_limit = 300ms;
    settings.on_limit = 500ms;
    settings.min_off = 300ms;
  }
  ~UsbHubPower() override {
    if (mover.joinable()) mover.join();
  }

  /// The hub's side, in umockdev's thread; devices move in one of their own.
  std::optional<Bytes> answer(const Bytes& setup) {
    const std::lock_guard lock(mutex);
    if (setup[0] == 0xA0) return Bytes{9, 0x29, 4, characteristics, 0, 50, 100, 0, 0};
    if (setup[1] == 0) return Bytes{static_cast<std::uint8_t>(power && there), static_cast<std::uint8_t>(power), 0, 0};
    requests.push_back((setup[1] == 3 ? "on " : "off ") + std::to_string(setup[4]));
    if (setup[2] != 8) return std::nullopt;
    const bool on = setup[1] == 3;
    if (says_so) power = on;
    if (does_so) move(on);
    return Bytes();
  }
  void move(bool on) {
    if (there == on) return;
    there = on;
    if (mover.joinable()) mover.join();
    mover = std::thread([this, on, back = comes_back_after] {
      std::this_thread::sleep_for(20ms);
      on ? terminal.plug() : terminal.unplug();
      if (on || back == 0ms) return;
      std::this_thread::sleep_for(back);
      terminal.plug();
    });
  }

  /// "5000" or "0", or what went wrong.
  std::string set(bool on) {
    return did([on](PowerUsbHub& power_switch) -> Task<std::string> {
      const Supply supply{on};
      Reading reading = co_await power_switch.set(supply);
      co_return std::to_string(reading.rail_mv);
    });
  }
  std::string did(std::function<Task<std::string>(PowerUsbHub&)> what) {
    std::string out;
    clock.run([](UsbHubPower& self, std::function<Task<std::string>(PowerUsbHub&)> work, std::string& said) -> Task<> {
      PowerUsbHub power_switch(self.clock, self.settings);
      try {
        co_await power_switch.start();
        said = co_await work(power_switch);
      } catch (const EquipmentError& e) {
        said = e.what();
      }
    }(*this, std::move(what), out));
    return out;
  }

  MockMachine machine;
  SteadyClock clock;
  MockUsb hub, terminal;
  UsbHubSettings settings;
  std::mutex mutex;
  std::thread mover;
  bool power = true, there = true, says_so = true, does_so = true;
  std::chrono::milliseconds comes_back_after = 0ms;
  std::uint8_t characteristics = 0x09;  ///< switched one by one
  std::vector<std::string> requests;
};

TEST_F(UsbHubPower, OffIsProvedByAbsenceThatLastsAndOnByArrival) {
  const Time before = clock.now();
  EXPECT_EQ(set(false), "0");
  EXPECT_GE(clock.now() - before, 300ms) << "it stays off so long";
  EXPECT_THAT(requests, ElementsAre("off 3"));
  requests.clear();
  power = false;
  EXPECT_EQ(did([](PowerUsbHub&) -> Task<std::string> { co_return "started"; }), "started");
  EXPECT_THAT(requests, ElementsAre("on 3")) << "a port that was left off is switched on, for what is opened on it";
  EXPECT_EQ(set(true), "5000");
}

TEST_F(UsbHubPower, BothHalvesOfAUsb3HubAreSwitchedAndBothMustBeOff) {
  MockUsb twin(machine, {.port = "1-4", .address = 8, .descriptors = hub_descriptors(0x0813), .serial = ""});
  bool twin_obeys = true, twin_power = true;
  std::vector<std::string> of_twin;
  twin.answer_controls([&](const Bytes& setup) -> std::optional<Bytes> {
    const std::lock_guard lock(mutex);
    if (setup[0] == 0xA0) return Bytes{9, 0x29, 4, 9, 0, 50, 100, 0, 0};
    if (setup[1] == 0) return Bytes{0, static_cast<std::uint8_t>(twin_power), 0, 0};
    of_twin.push_back((setup[1] == 3 ? "on " : "off ") + std::to_string(setup[4]));
    if (twin_obeys) twin_power = setup[1] == 3;
    return Bytes();
  });
  twin.plug();
  settings.twin = UsbWanted{0x2109, 0x0813, "1-4", ""};
  EXPECT_EQ(set(false), "0");
  EXPECT_THAT(requests, ElementsAre("off 3"));
  EXPECT_THAT(of_twin, ElementsAre("off 3"));
  EXPECT_EQ(set(true), "5000");
  twin_obeys = false;
  EXPECT_THAT(set(false), HasSubstr("its port says on"));
}

TEST_F(UsbHubPower, F07AHubThatDoesNothingIsNotProvedOff) {
  does_so = false;
  EXPECT_THAT(set(false), AllOf(HasSubstr("hub usb:2109:3431 port 1-1, its port 3: "), HasSubstr("did not leave")));
}

TEST_F(UsbHubPower, F07APortThatSaysOnIsNotProvedOff) {
  says_so = false;
  EXPECT_THAT(set(false), HasSubstr("its port says on"));
}

TEST_F(UsbHubPower, F07PowerThatReturnsByItselfIsNotProvedOff) {
  comes_back_after = 150ms;
  EXPECT_THAT(set(false), HasSubstr("not proved off: it came back by itself after"));
}

TEST_F(UsbHubPower, F07WhatDoesNotComeBackIsAFault) {
  EXPECT_EQ(set(false), "0");
  does_so = false;
  EXPECT_THAT(set(true), HasSubstr("on, and nothing is plugged in there"));
}

TEST_F(UsbHubPower, F07AHubThatGoesWithItsDevicesIsAFault) {
  std::thread brown_out([&] {
    std::this_thread::sleep_for(100ms);
    hub.unplug();
  });
  EXPECT_THAT(set(false), AllOf(HasSubstr("hub usb:2109:3431 port 1-1, its port 3: "),
                                AnyOf(HasSubstr("no such hub"), HasSubstr("cannot open it"), HasSubstr("switching"),
                                      HasSubstr("asked for"))));
  brown_out.join();
}

TEST_F(UsbHubPower, HubsThatCannotDoItAreRefusedBeforeAnythingIsSwitched) {
  characteristics = 0x08;
  EXPECT_THAT(set(false), HasSubstr("does not switch the power of one port alone"));
  characteristics = 0x09;
  settings.port = 5;
  EXPECT_THAT(set(false), HasSubstr("has ports 1 to 4, not 5"));
  settings.hub.port = "1-9";
  EXPECT_THAT(set(false), AllOf(HasSubstr("no such hub"), HasSubstr("plugged in: 1-1 2109:3431, 1-1.3 1d6b:0104")));
  EXPECT_TRUE(requests.empty());
}

}  // namespace
}  // namespace swiperig
