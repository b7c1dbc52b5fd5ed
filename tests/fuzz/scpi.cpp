// Any answers of a supply to its driver, one to each line that it sends (first byte odd), and any lines to the supply
// stand-in (even).
#include "drivers/supply_scpi.hpp"
#include "fixtures/supply.hpp"
#include "tests/console.hpp"
#include "tests/fuzz/said_link.hpp"

using namespace swiperig;

namespace {

Task<> use(SupplyScpi& driver) {
  try {
    co_await driver.start();
    co_await driver.set(Supply{true});
    co_await driver.set(Supply{false});
    co_await driver.brown_out({2000, std::chrono::milliseconds(50)}, [](Reading) {});
  } catch (const std::runtime_error&) {  // told as such: equipment or link
  }
  driver.close();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  if (count == 0) return 0;
  const std::string said(reinterpret_cast<const char*>(bytes) + 1, count - 1);
  const bool to_driver = (bytes[0] & 1) != 0;
  VirtualClock clock;
  const auto link = [&](std::string text, SaidLink::Pace pace) {
    return std::make_unique<SaidLink>(clock, std::move(text), pace);
  };
  const auto session = [&]() -> Task<> {
    Crew crew(clock);
    if (to_driver) {
      SupplyScpi driver(clock, link(said, SaidLink::Pace::a_line_for_each_write), {});
      crew.start(driver.serve());
      crew.start(use(driver));
      co_await crew.join();
    } else {
      TouchedTerminal terminal{clock};
      SupplyFixture supply(clock, link(said + "\nSYST:ERR?\n", SaidLink::Pace::at_once), terminal, {});
      crew.start(supply.run());
      co_await clock.sleep_for(std::chrono::seconds(2));
      supply.stop();
      co_await crew.join();
    }
  };
  clock.run(session());
  return 0;
}
