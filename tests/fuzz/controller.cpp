// Any bytes from a sender to the controller stand-in, which is alive afterwards.
#include "fixtures/robot.hpp"
#include "tests/console.hpp"

using namespace swiperig;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  std::string said(reinterpret_cast<const char*>(bytes), count);
  VirtualClock clock;
  TouchedTerminal terminal{clock};
  const DrawPlace place;
  auto [near, far] = make_pipe(clock);
  Card card;
  card.track2 = ";6212345678901265=30125010000000000?";
  Robot robot(clock, std::move(near), terminal, {}, {{"A", card}}, place);
  Console console(clock, std::move(far));
  run_with(
      clock, {[&] { return robot.run(); }, [&] { return console.serve(); }},
      [&]() -> Task<> {
        co_await console.send("$X\n");
        co_await clock.sleep_for(std::chrono::milliseconds(20));
        co_await console.send(said + "\n");
        co_await clock.sleep_for(std::chrono::seconds(2));
        co_await console.send("?");
        co_await clock.sleep_for(std::chrono::seconds(1));
      },
      [&] {
        robot.stop();
        console.close();
      });
  return 0;
}
