// Any lines to the supply stand-in (first byte even), and any answers of a supply to the driver (odd).
#include "drivers/supply_scpi.hpp"
#include "fixtures/supply.hpp"
#include "tests/console.hpp"

using namespace swiperig;

namespace {

Task<> use(SupplyScpi& driver) {
  try {
    co_await driver.start();
    co_await driver.set(Supply{true});
    co_await driver.set(Supply{false});
  } catch (const std::runtime_error&) {  // told as such: equipment or link
  }
}

Task<> answer(Clock& clock, Console& supply, std::string said) {
  for (std::size_t at = 0; at < said.size() && !supply.closed();) {
    const std::size_t end = std::min(said.find('\n', at), said.size() - 1) + 1;
    try {
      co_await supply.send(said.substr(at, end - at));
    } catch (const LinkError&) {
      co_return;
    }
    at = end;
    co_await clock.sleep_for(std::chrono::milliseconds(3));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  if (count == 0 || count > 1024) return 0;
  const std::string said(reinterpret_cast<const char*>(bytes) + 1, count - 1);
  VirtualClock clock;
  auto [near, far] = make_pipe(clock);
  Console console(clock, std::move(far));
  if ((bytes[0] & 1) == 0) {
    TouchedTerminal terminal{clock};
    SupplyFixture supply(clock, std::move(near), terminal, {});
    run_with(
        clock, {[&] { return supply.run(); }, [&] { return console.serve(); }},
        [&]() -> Task<> {
          co_await console.send(said + "\nSYST:ERR?\n");
          co_await clock.sleep_for(std::chrono::seconds(2));
        },
        [&] {
          supply.stop();
          console.close();
        });
  } else {
    SupplyScpi driver(clock, std::move(near), {});
    run_with(
        clock, {[&] { return driver.serve(); }, [&] { return console.serve(); }, [&] { return use(driver); }},
        [&]() -> Task<> {
          co_await answer(clock, console, said);
          co_await clock.sleep_for(std::chrono::seconds(30));
        },
        [&] {
          driver.close();
          console.close();
        });
  }
  return 0;
}
