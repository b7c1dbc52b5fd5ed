#include "drivers/robot_way.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "drivers/swipe_path.hpp"
#include "rig/decimal.hpp"
#include "rig/time.hpp"

namespace swiperig {
namespace {

constexpr std::size_t kKeys = 64;
constexpr double kBeforeMouthMm = 5;
constexpr double kProvingPlaceMm = 20;  // in x and y: near the switches, so that millimetres are much of the way
constexpr Duration kShortestStay = std::chrono::milliseconds(20), kLongestStay = std::chrono::seconds(60);

/// Legs as one writes them down: each from where the last one ended.
struct Way {
  const GrblSettings& s;
  std::vector<Leg> legs;
  Leg at;

  explicit Way(const GrblSettings& settings) : s(settings) {
    at.kind = Leg::travel;
    at.z_mm = s.clear_z_mm;
  }
  void add(Leg::Kind kind, double speed_mm_s) {
    at.kind = kind;
    at.speed_mm_s = speed_mm_s;
    legs.push_back(at);
  }
  void go(double x_mm, double y_mm) {
    at.x_mm = x_mm, at.y_mm = y_mm;
    add(Leg::travel, static_cast<double>(s.travel_speed_mm_s));
  }
  void height(double z_mm) {
    at.z_mm = z_mm;
    add(Leg::height, static_cast<double>(s.z_speed_mm_s));
  }
  void stroke(double x_mm, double speed_mm_s) {
    at.x_mm = x_mm;
    add(Leg::stroke, speed_mm_s);
  }
  void jaws(bool closed) {
    at.holding = closed;
    add(closed ? Leg::grip : Leg::release, 0);
  }
  void stay(Duration lasts) {
    at.lasts = lasts;
    add(Leg::stay, 0);
    at.lasts = {};
  }
};

void append(std::vector<Leg>& to, std::vector<Leg> more) { to.insert(to.end(), more.begin(), more.end()); }

std::string place_text(const ToolPlace& p) {
  return decimal(p.x_mm, 1) + ", " + decimal(p.y_mm, 1) + ", " + decimal(p.z_mm, 1);
}

/// Whether the straight line comes into the box below its top, the tool widened along X by what it holds.
bool enters(const GrblRegion& r, const ToolPlace& a, const ToolPlace& b, double half_card_mm) {
  double from = 0, to = 1;
  const double inf = std::numeric_limits<double>::infinity();
  const std::array<std::array<double, 4>, 3> axes = {
      {{a.x_mm, b.x_mm, r.from_x_mm - half_card_mm, r.to_x_mm + half_card_mm},
       {a.y_mm, b.y_mm, r.from_y_mm, r.to_y_mm},
       {a.z_mm, b.z_mm, -inf, r.top_z_mm - 1e-6}}};
  for (const auto& [begin, end, low, high] : axes) {
    if (begin == end) {
      if (begin < low || begin > high) return false;
      continue;
    }
    const double one = (low - begin) / (end - begin), other = (high - begin) / (end - begin);
    from = std::max(from, std::min(one, other));
    to = std::min(to, std::max(one, other));
  }
  return from <= to;
}

std::optional<std::string> refuse_segment(const GrblSettings& s, const ToolPlace& from, const ToolPlace& to,
                                          bool holding) {
  for (const auto& [name, region] : s.regions) {
    if (name == s.region || !enters(region, from, to, holding ? s.card_length_mm / 2 : 0)) continue;
    return "the way from " + place_text(from) + " to " + place_text(to) + " enters the region of '" + name +
           "' below its top at " + decimal(region.top_z_mm, 1);
  }
  return std::nullopt;
}

std::vector<std::string> words_of(const Press& press) {
  std::string_view text = press.keys;
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

/// "debit" of "PIN:debit"; "": it is a key.
std::string pin_name(std::string_view word) {
  constexpr std::string_view pin = "PIN:";
  return word.starts_with(pin) ? std::string(word.substr(pin.size())) : std::string();
}

std::optional<std::string> refuse_press(const GrblSettings& s, const Press& press) {
  for (const auto& word : words_of(press)) {
    const std::string name = pin_name(word);
    if (!name.empty() && !s.pins.contains(name)) return "no PIN '" + shown(name) + "' is in the file of pins";
  }
  const auto keys = keys_of(s, press);
  if (keys.empty()) return "no keys to press";
  if (keys.size() > kKeys) return "more than " + std::to_string(kKeys) + " keys at once";
  for (const auto& name : keys) {
    const auto key = s.keys.find(name);
    // which key it was may be part of a PIN
    if (key == s.keys.end()) return name.size() == 1 ? "a key is not taught" : "no key '" + shown(name) + "' is taught";
    if (!inside(s, key->second.x_mm, key->second.y_mm, s.press_z_mm)) return "a key lies outside the travel";
  }
  return std::nullopt;
}

std::optional<std::string> refuse_slot(const GrblSettings& s, const std::string& card) {
  const auto slot = s.slots.find(card);
  if (slot == s.slots.end()) return "no card slot '" + shown(card) + "' is taught";
  if (!inside(s, slot->second.x_mm, slot->second.y_mm, s.grip_z_mm)) {
    return "card slot '" + shown(card) + "' lies outside the travel";
  }
  return std::nullopt;
}

std::optional<std::string> refuse_stay(const char* what, Duration lasts) {
  if (lasts >= kShortestStay && lasts <= kLongestStay) return std::nullopt;
  return std::string(what) + " for " + to_text(lasts) + " is not within " + to_text(kShortestStay) + " to " +
         to_text(kLongestStay);
}

std::optional<std::string> refuse_dip(const GrblSettings& s, const Dip& dip) {
  if (auto why = refuse_slot(s, dip.card)) return why;
  if (!s.chip_slot) return "no chip_slot of the terminal is taught";
  if (dip.depth_mm < 0 || static_cast<double>(dip.depth_mm) > s.chip_slot->depth_mm) {
    return std::to_string(dip.depth_mm) + " mm is deeper than the chip slot's " + decimal(s.chip_slot->depth_mm, 1);
  }
  if (dip.speed_mm_s < s.min_speed_mm_s || dip.speed_mm_s > s.max_speed_mm_s) {
    return "speed " + std::to_string(dip.speed_mm_s) + " mm/s is not within " + std::to_string(s.min_speed_mm_s) +
           " to " + std::to_string(s.max_speed_mm_s);
  }
  return refuse_stay("a dip", dip.dwell);
}

std::optional<std::string> refuse_tap(const GrblSettings& s, const CardTap& tap) {
  if (auto why = refuse_slot(s, tap.card)) return why;
  if (!s.field) return "no field of the terminal is taught";
  if (tap.height_mm < 0 || s.field->z_mm + static_cast<double>(tap.height_mm) > s.clear_z_mm) {
    return "a tap " + std::to_string(tap.height_mm) + " mm above the field is above the safe height";
  }
  return refuse_stay("a tap", tap.hold);
}

std::optional<std::string> refuse_what(const GrblSettings& s, const Motion& motion) {
  if (const auto* swipe = std::get_if<Swipe>(&motion)) {
    auto path = swipe_path(s, *swipe, s.acceleration_mm_s2);
    if (auto* why = std::get_if<std::string>(&path)) return std::move(*why);
    return std::nullopt;
  }
  if (const auto* press = std::get_if<Press>(&motion)) return refuse_press(s, *press);
  if (const auto* dip = std::get_if<Dip>(&motion)) return refuse_dip(s, *dip);
  if (const auto* tap = std::get_if<CardTap>(&motion)) return refuse_tap(s, *tap);
  if (!inside(s, s.park_x_mm, s.park_y_mm, s.clear_z_mm)) return "the parking place lies outside the travel";
  return std::nullopt;
}

std::vector<Leg> with_card(const GrblSettings& s, const std::string& card, std::vector<Leg> between) {
  const TaughtPlace slot = s.slots.at(card);
  std::vector<Leg> legs = pick_up(s, slot);
  append(legs, std::move(between));
  append(legs, put_back(s, slot));
  return legs;
}

std::vector<Leg> swipe_legs(const GrblSettings& s, const Swipe& swipe) {
  const auto path = std::get<SwipePath>(swipe_path(s, swipe, s.acceleration_mm_s2));
  Way way(s);
  way.at.holding = true;
  for (int passes = swipe.twice ? 2 : 1; passes > 0; --passes) {
    way.go(path.from_x_mm, s.swipe_y_mm);
    way.height(path.z_mm);
    way.stroke(path.to_x_mm, path.feed_mm_s);
    way.height(s.clear_z_mm);
  }
  return std::move(way.legs);
}

}  // namespace

std::vector<std::string> keys_of(const GrblSettings& s, const Press& press) {
  std::vector<std::string> keys;
  for (std::string& word : words_of(press)) {
    const auto pin = s.pins.find(pin_name(word));
    if (pin == s.pins.end()) {
      keys.push_back(std::move(word));
      continue;
    }
    for (const char digit : pin->second) keys.emplace_back(1, digit);
  }
  return keys;
}

std::vector<Leg> pick_up(const GrblSettings& s, const TaughtPlace& slot) {
  Way way(s);
  way.go(slot.x_mm, slot.y_mm);
  way.height(s.grip_z_mm);
  way.jaws(true);
  way.height(s.clear_z_mm);
  return std::move(way.legs);
}

std::vector<Leg> put_back(const GrblSettings& s, const TaughtPlace& slot) {
  Way way(s);
  way.at.holding = true;
  way.go(slot.x_mm, slot.y_mm);
  way.height(s.grip_z_mm);
  way.jaws(false);
  way.height(s.clear_z_mm);
  return std::move(way.legs);
}

std::vector<Leg> dip_legs(const GrblSettings& s, const Dip& dip) {
  const GrblChipSlot& chip = *s.chip_slot;
  const double depth_mm = dip.depth_mm == 0 ? chip.depth_mm : static_cast<double>(dip.depth_mm);
  const auto speed = static_cast<double>(dip.speed_mm_s);
  Way way(s);
  way.at.holding = true;
  way.go(chip.at.x_mm - kBeforeMouthMm, chip.at.y_mm);
  way.height(chip.z_mm);
  way.stroke(chip.at.x_mm + depth_mm, speed);
  way.stay(dip.dwell);
  way.stroke(chip.at.x_mm - kBeforeMouthMm, speed);
  way.height(s.clear_z_mm);
  return std::move(way.legs);
}

std::vector<Leg> tap_legs(const GrblSettings& s, const CardTap& tap) {
  Way way(s);
  way.at.holding = true;
  way.go(s.field->at.x_mm, s.field->at.y_mm);
  way.height(s.field->z_mm + static_cast<double>(tap.height_mm));
  way.stay(tap.hold);
  way.height(s.clear_z_mm);
  return std::move(way.legs);
}

std::vector<Leg> press_legs(const GrblSettings& s, const Press& press) {
  Way way(s);
  for (const auto& name : keys_of(s, press)) {
    const TaughtPlace key = s.keys.at(name);
    way.go(key.x_mm, key.y_mm);
    way.height(s.press_z_mm);
    way.height(s.hover_z_mm);
  }
  way.height(s.clear_z_mm);
  return std::move(way.legs);
}

std::vector<Leg> park_legs(const GrblSettings& s) {
  Way way(s);
  way.go(s.park_x_mm, s.park_y_mm);
  return std::move(way.legs);
}

std::vector<Leg> proving_legs(const GrblSettings& s) {
  Way way(s);
  way.go(kProvingPlaceMm, kProvingPlaceMm);
  return std::move(way.legs);
}

std::vector<Leg> way_of(const GrblSettings& s, const Motion& motion) {
  if (const auto* swipe = std::get_if<Swipe>(&motion)) return with_card(s, swipe->card, swipe_legs(s, *swipe));
  if (const auto* press = std::get_if<Press>(&motion)) return press_legs(s, *press);
  if (const auto* dip = std::get_if<Dip>(&motion)) return with_card(s, dip->card, dip_legs(s, *dip));
  if (const auto* tap = std::get_if<CardTap>(&motion)) return with_card(s, tap->card, tap_legs(s, *tap));
  return std::holds_alternative<ProvePlace>(motion) ? proving_legs(s) : park_legs(s);
}

std::optional<std::string> refuse_line(const GrblSettings& s, const ToolPlace& from, const ToolPlace& to) {
  for (const ToolPlace& p : {from, to}) {
    if (!inside(s, p.x_mm, p.y_mm, p.z_mm)) return place_text(p) + " lies outside the travel";
  }
  return refuse_segment(s, from, to, false);
}

std::optional<std::string> refuse_way(const GrblSettings& s, const std::vector<Leg>& legs) {
  for (const auto& [name, region] : s.regions) {
    if (name != s.region && region.top_z_mm > s.clear_z_mm) {
      return "the safe height of " + decimal(s.clear_z_mm, 1) + " is below the top of region '" + name + "' at " +
             decimal(region.top_z_mm, 1);
    }
  }
  std::optional<ToolPlace> from;
  for (const Leg& leg : legs) {
    const ToolPlace to{leg.x_mm, leg.y_mm, leg.z_mm};
    if (!inside(s, to.x_mm, to.y_mm, to.z_mm)) return "a way to " + place_text(to) + " leaves the travel";
    if (auto why = refuse_segment(s, from.value_or(to), to, leg.holding)) return why;
    from = to;
  }
  return std::nullopt;
}

std::optional<std::string> refusal(const GrblSettings& s, const Motion& motion) {
  if (!(s.clear_z_mm <= 0) || s.clear_z_mm < s.hover_z_mm || s.hover_z_mm < s.press_z_mm) {
    return "the heights are not in order: clear, hover, press";
  }
  if (auto why = refuse_what(s, motion)) return why;
  return refuse_way(s, way_of(s, motion));
}

}  // namespace swiperig
