#include "bindings/power_options.hpp"

#include <algorithm>

#include "bindings/config.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

BrownOut& dip_of(Case& c, std::size_t number) { return std::get<BrownOut>(c.steps[number].action); }

}  // namespace

BrownOut read_brown_out(const Value& v, std::size_t number, Sweeps& sweeps) {
  const Table& t = v.table();
  BrownOut b;
  const auto to = [number](Case& c, std::int64_t mv) { dip_of(c, number).to_mv = mv; };
  b.to_mv = sweeps.quantity(t.at("to"), "at #", "V", "mV", 100, 60'000, to);
  const auto lasts = [number](Case& c, std::int64_t ns) { dip_of(c, number).lasts = Duration(ns); };
  b.lasts = sweeps.duration(t.at("lasts"), "for #", 1ms, 10s, lasts);
  if (const Value* fall = t.find("fall")) {
    const auto set = [number](Case& c, std::int64_t ns) { dip_of(c, number).fall = Duration(ns); };
    b.fall = sweeps.duration(*fall, "falling over #", 1ms, 10s, set);
  }
  if (const Value* rise = t.find("rise")) {
    const auto set = [number](Case& c, std::int64_t ns) { dip_of(c, number).rise = Duration(ns); };
    b.rise = sweeps.duration(*rise, "rising over #", 1ms, 10s, set);
  }
  if (const Value* steps = t.find("steps")) b.steps = steps->integer(2, 1000);
  t.nothing_else();
  return b;
}

std::string power_refusal(const Case& c, const BenchFile& bench) {
  if (c.current_log.count() != 0) {
    if (bench.hub) return "a hub measures no current to log";
    if (c.current_log < bench.supply.command_time) {
      return "a current_log every " + to_text(c.current_log) + " is finer than the " +
             to_text(bench.supply.command_time) + " that this supply takes (command_time)";
    }
  }
  if (bench.also_fed_by.empty() || bench.supply.second_rail_channel != 0) return {};
  const bool cuts = std::any_of(c.steps.begin(), c.steps.end(), [](const Step& s) {
    return std::holds_alternative<Supply>(s.action) || std::holds_alternative<BrownOut>(s.action);
  });
  return "its terminal is also fed by a " + bench.also_fed_by + " (" + bench.also_fed_where + "), so that " +
         (cuts ? "a power fault" : "the restart by power after the case") +
         " is proved only where both rails are measured: expected second_rail_channel = 2 there, or the " +
         bench.also_fed_by + " taken away and also_fed_by with it";
}

}  // namespace swiperig
