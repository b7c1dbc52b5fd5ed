// Any bytes from a terminal over its cash register link, while the bench asks for its books.
#include "drivers/terminal_ecr.hpp"
#include "tests/console.hpp"

using namespace swiperig;

namespace {

Task<> read_all(TerminalEcr& driver) {
  try {
    for (;;) {
      const Seen seen = co_await driver.next();
      (void)seen;
    }
  } catch (const std::runtime_error&) {  // closed, or the terminal's end is gone
  }
}

Task<> ask(TerminalEcr& driver) {
  try {
    const auto rows = co_await driver.entries();
    (void)rows;
  } catch (const std::runtime_error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  VirtualClock clock;
  auto [near, far] = make_pipe(clock);
  TerminalEcr driver(clock, std::move(near),
                     {{"screen", "READ ERROR*", "read_error"},
                      {"ecr", "E|CARD|{pan}|{entry}", "card_read"},
                      {"ecr", "R|SALE|{batch}|{stan}|{outcome}|{code}|{amount}", "told"}});
  Console terminal(clock, std::move(far));
  const std::string said(reinterpret_cast<const char*>(bytes), count);
  run_with(
      clock,
      {[&] { return driver.serve(); }, [&] { return terminal.serve(); }, [&] { return read_all(driver); },
       [&] { return ask(driver); }},
      [&]() -> Task<> {
        co_await terminal.send(said);
        co_await clock.sleep_for(std::chrono::seconds(6));
      },
      [&] {
        driver.close();
        terminal.close();
      });
  return 0;
}
