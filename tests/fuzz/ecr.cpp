// Any bytes from a terminal over its cash register link, while the bench asks for its books.
#include "drivers/terminal_ecr.hpp"
#include "fixtures/virtual_clock.hpp"
#include "tests/fuzz/said_link.hpp"

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
  static const std::vector<TextRule> rules = {{"screen", "READ ERROR*", "read_error"},
                                              {"ecr", "E|CARD|{pan}|{entry}", "card_read"},
                                              {"ecr", "R|SALE|{batch}|{stan}|{outcome}|{code}|{amount}", "told"}};
  VirtualClock clock;
  const std::string said(reinterpret_cast<const char*>(bytes), count);
  TerminalEcr driver(clock, std::make_unique<SaidLink>(clock, said, SaidLink::Pace::at_once), rules);
  const auto session = [&]() -> Task<> {
    Crew crew(clock);
    crew.start(ask(driver));
    crew.start(read_all(driver));
    crew.start(driver.serve());
    co_await crew.join();
  };
  clock.run(session());
  return 0;
}
