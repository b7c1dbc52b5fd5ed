#include "drivers/supply_scpi.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "drivers/supply_steps.hpp"
#include "rig/time.hpp"

namespace swiperig {
namespace {

constexpr int kErrorsToDrain = 32;

std::string volts(std::int64_t mv) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%lld.%03lld", static_cast<long long>(mv / 1000),
                static_cast<long long>(mv % 1000));
  return text.data();
}

}  // namespace

SupplyScpi::SupplyScpi(Clock& clock, std::unique_ptr<Link> link, ScpiSettings settings)
    : talk_(clock, std::move(link), "supply"), settings_(settings) {}

Task<std::string> SupplyScpi::query(std::string text) {
  talk_.forget();
  co_await talk_.say(text + "\n");
  auto line = co_await talk_.hear(talk_.clock().now() + settings_.reply_limit);
  if (!line) {
    out_of_step_ = true;
    talk_.fail("no answer to " + text + " within " + to_text(settings_.reply_limit));
  }
  co_return std::move(*line);
}

/// A number in volts or amperes, as thousandths.
Task<std::int64_t> SupplyScpi::milli(std::string text) {
  const std::string line = co_await query(text);
  const std::size_t start = line.starts_with('+') ? 1 : 0;
  double value = 0;
  const auto [end, error] = std::from_chars(line.data() + start, line.data() + line.size(), value);
  if (error != std::errc{} || end != line.data() + line.size() || !(std::abs(value) < 1e4)) {
    talk_.fail("answered '" + shown(line) + "' to " + text + " where a number was expected");
  }
  co_return std::llround(value * 1000);
}

/// Sends a command and reads the error queue empty. The first error is the one that is told.
Task<> SupplyScpi::command(std::string text) {
  co_await talk_.say(text + "\n");
  std::string first;
  for (int i = 0; i < kErrorsToDrain; ++i) {
    const std::string line = co_await query("SYST:ERR?");
    int number = 0;
    const std::size_t start = line.starts_with('+') ? 1 : 0;
    const auto [end, error] = std::from_chars(line.data() + start, line.data() + line.size(), number);
    const bool whole = error == std::errc{} && (end == line.data() + line.size() || *end == ',');
    if (!whole) talk_.fail("answered '" + shown(line) + "' to SYST:ERR?");
    if (number == 0) {
      if (!first.empty()) talk_.fail("refused " + text + ": " + first);
      co_return;
    }
    if (first.empty()) first = shown(line);
  }
  talk_.fail("error queue does not end after " + std::to_string(kErrorsToDrain) + " entries, the first: " + first);
}

/// Asks for its name: four fields, never mistaken for a number or an entry of the error queue.
Task<> SupplyScpi::introduce() {
  const std::string name = co_await query("*IDN?");
  const bool numeric = !name.empty() && std::string_view("+-.0123456789").find(name[0]) != std::string_view::npos;
  if (numeric || std::count(name.begin(), name.end(), ',') < 2) talk_.fail("answered '" + shown(name) + "' to *IDN?");
  co_await talk_.say("*CLS\n");
}

/// After an answer that did not come in time, waits until none comes any more: a late one is never taken for the next.
Task<> SupplyScpi::in_step() {
  if (!out_of_step_) co_return;
  const Time limit = talk_.clock().now() + settings_.settle_limit + settings_.reply_limit;
  for (;;) {
    auto late = co_await talk_.hear(talk_.clock().now() + settings_.reply_limit);
    if (!late) break;
    if (talk_.clock().now() >= limit) talk_.fail("talks without end: '" + shown(*late) + "'");
  }
  co_await introduce();
  out_of_step_ = false;
}

Task<> SupplyScpi::start() {
  auto floor = co_await talk_.floor();
  co_await in_step();
  co_await introduce();
  co_await command("VOLT " + volts(settings_.voltage_mv));
  set_mv_ = settings_.voltage_mv;
  co_await command("CURR " + volts(settings_.current_limit_ma));
  const std::int64_t set_mv = co_await milli("VOLT?");
  const std::int64_t limit_ma = co_await milli("CURR?");
  // a setting is taken in the supply's own steps
  if (std::abs(set_mv - settings_.voltage_mv) * 100 > settings_.voltage_mv) {
    talk_.fail("was set to " + volts(settings_.voltage_mv) + " V, says " + volts(set_mv) + " V");
  }
  if (std::abs(limit_ma - settings_.current_limit_ma) * 50 > settings_.current_limit_ma) {
    talk_.fail("was limited to " + volts(settings_.current_limit_ma) + " A, says " + volts(limit_ma) + " A");
  }
}

/// The current first, so that the voltage that decides is the youngest.
Task<Reading> SupplyScpi::measure(Rails which) {
  Reading reading;
  reading.draw_ma = co_await milli("MEAS:CURR?");
  reading.rail_mv = co_await milli("MEAS:VOLT?");
  if (which == Rails::higher && settings_.second_rail_channel != 0) {
    const std::int64_t other_mv = co_await milli("MEAS:VOLT? (@" + std::to_string(settings_.second_rail_channel) + ")");
    reading.rail_mv = std::max(reading.rail_mv, other_mv);
  }
  co_return reading;
}

Task<Reading> SupplyScpi::read() {
  auto floor = co_await talk_.floor();
  co_await in_step();
  auto reading = co_await measure(Rails::higher);
  co_return reading;
}

Task<Reading> SupplyScpi::set(Supply supply) {
  auto floor = co_await talk_.floor();
  co_await in_step();
  Clock& clock = talk_.clock();
  if (supply.on && off_since_) co_await clock.sleep_until(*off_since_ + settings_.min_off);
  if (supply.on) off_since_.reset();
  if (supply.on && set_mv_ != settings_.voltage_mv) {
    co_await command("VOLT " + volts(settings_.voltage_mv));
    set_mv_ = settings_.voltage_mv;
  }
  if (!supply.on && !proved_off_) off_since_ = clock.now();  // until it is proved, from the word on
  proved_off_ = proved_off_ && !supply.on;
  const char* word = supply.on ? "OUTP ON" : "OUTP OFF";
  co_await command(word);
  const Time limit = clock.now() + settings_.settle_limit;
  Reading reading;
  for (;;) {
    // a battery proves no output, and an output no battery
    const Rails which = supply.on ? Rails::own : Rails::higher;
    reading = co_await measure(which);
    if (supply.on ? reading.rail_mv > settings_.on_above_mv : reading.rail_mv < settings_.off_below_mv) break;
    if (clock.now() >= limit) {
      const std::string says = co_await query("OUTP?");
      const bool says_on = says == "1" || says == "ON";
      const bool says_off = says == "0" || says == "OFF";
      talk_.fail("is to be " + std::string(supply.on ? "on" : "off") + ", says " +
                 (says_on    ? "on"
                  : says_off ? "off"
                             : "'" + shown(says) + "'") +
                 ", rail " + (supply.on ? "only " : "still ") + volts(reading.rail_mv) + " V after " +
                 to_text(settings_.settle_limit));
    }
    co_await clock.sleep_for(settings_.reread);
  }
  if (!supply.on && !proved_off_) {
    proved_off_ = true;
    off_since_ = clock.now();
  }
  co_return reading;
}

/// Takes the set voltage there step by step, each in its time, and says what the rail was after each.
Task<> SupplyScpi::go(std::int64_t to_mv, Duration time, std::int64_t steps, std::function<void(Reading)> seen) {
  const Rails which = to_mv == settings_.voltage_mv ? Rails::own : Rails::higher;
  Clock& clock = talk_.clock();
  const auto found = rail_steps(settings_, set_mv_, to_mv, time, time.count() == 0 ? 0 : steps);
  if (const auto* why = std::get_if<std::string>(&found)) talk_.fail("refused: " + *why);
  const Time begun = clock.now();
  for (const RailStep& step : std::get<std::vector<RailStep>>(found)) {
    co_await clock.sleep_until(begun + step.after);
    const Duration late = clock.now() - begun - step.after;
    if (late > settings_.command_time) {
      talk_.fail("is slower than its command_time of " + to_text(settings_.command_time) +
                 ": a step of the ramp came " + to_text(late) + " late");
    }
    set_mv_ = step.mv;  // also when it is not known whether it was done
    co_await command("VOLT " + volts(step.mv));
    const Reading reading = co_await measure(which);
    seen(reading);
  }
}

Task<> SupplyScpi::brown_out(BrownOut b, std::function<void(Reading)> measured) {
  if (const auto why = refusal(settings_, b)) talk_.fail("refused: " + *why);
  Clock& clock = talk_.clock();
  const std::int64_t low_mv = low_enough_mv(settings_, b);
  std::optional<Time> low;
  bool crossed = false;
  const std::function<void(Reading)> falling = [&](Reading r) {
    const bool there = r.rail_mv <= low_mv;
    if (there || (!crossed && r.rail_mv < settings_.off_below_mv)) measured(r);
    crossed = crossed || r.rail_mv < settings_.off_below_mv;
    if (there && !low) low = clock.now();
  };
  {
    auto floor = co_await talk_.floor();
    co_await in_step();
    co_await go(b.to_mv, b.fall, b.steps, falling);
    for (const Time limit = clock.now() + settings_.settle_limit; !low;) {
      if (clock.now() >= limit) {
        talk_.fail("is to be at " + volts(b.to_mv) + " V, and its rail is not after " +
                   to_text(settings_.settle_limit));
      }
      co_await clock.sleep_for(settings_.reread);
      const Reading reading = co_await measure(Rails::higher);
      falling(reading);
    }
  }
  if (b.lasts >= settings_.command_time * 4) {
    co_await clock.sleep_until(*low + b.lasts / 2);
    auto floor = co_await talk_.floor();
    const Reading reading = co_await measure(Rails::higher);
    measured(reading);
    if (reading.rail_mv > low_mv) talk_.fail("did not stay at " + volts(b.to_mv) + " V, but rose by itself");
  }
  co_await clock.sleep_until(*low + b.lasts);
  auto floor = co_await talk_.floor();
  co_await in_step();
  const Duration late = clock.now() - *low - b.lasts;
  if (late > settings_.command_time) talk_.fail("was kept from ending the brown-out for " + to_text(late));
  Reading reading;
  const std::function<void(Reading)> rising = [&](Reading r) { reading = r; };
  co_await go(settings_.voltage_mv, b.rise, b.steps, rising);
  for (const Time limit = clock.now() + settings_.settle_limit; reading.rail_mv <= settings_.on_above_mv;) {
    if (clock.now() >= limit) talk_.fail("is to be on again, rail only " + volts(reading.rail_mv) + " V");
    co_await clock.sleep_for(settings_.reread);
    reading = co_await measure(Rails::own);
  }
  measured(reading);
}

}  // namespace swiperig
