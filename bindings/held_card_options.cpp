#include "bindings/held_card_options.hpp"

#include "bindings/config.hpp"

namespace swiperig {

using namespace std::chrono_literals;

Dip read_dip(const Value& v, const std::string& card, Sweeps& sweeps) {
  const Table& t = v.table();
  Dip dip;
  dip.card = card;
  const auto dwell = [](Case& c, std::int64_t ns) { std::get<Dip>(c.steps.front().action).dwell = Duration(ns); };
  dip.dwell = sweeps.duration(t.at("dwell"), "pulled after #", 20ms, 60s, dwell);
  if (const Value* depth = t.find("depth")) {
    const auto set = [](Case& c, std::int64_t mm) { std::get<Dip>(c.steps.front().action).depth_mm = mm; };
    dip.depth_mm = sweeps.quantity(*depth, "# deep", "mm", "mm", 1, 80, set);
  }
  if (const Value* speed = t.find("speed")) dip.speed_mm_s = speed->quantity("mm/s", 1, 1000);
  t.nothing_else();
  return dip;
}

CardTap read_tap(const Value& v, const std::string& card, Sweeps& sweeps) {
  const Table& t = v.table();
  CardTap tap;
  tap.card = card;
  const auto hold = [](Case& c, std::int64_t ns) { std::get<CardTap>(c.steps.front().action).hold = Duration(ns); };
  tap.hold = sweeps.duration(t.at("hold"), "held for #", 20ms, 60s, hold);
  if (const Value* height = t.find("height")) {
    const auto set = [](Case& c, std::int64_t mm) { std::get<CardTap>(c.steps.front().action).height_mm = mm; };
    tap.height_mm = sweeps.quantity(*height, "# above", "mm", "mm", 0, 200, set);
  }
  t.nothing_else();
  return tap;
}

}  // namespace swiperig
