#include "rig/parts_seen.hpp"

#include <charconv>

namespace swiperig {

namespace {

/// What happens within it is one sign of life.
constexpr Duration kMoment = std::chrono::milliseconds(10);

/// Seconds from the beginning of the year, which a stamp does not name, to MMDDhhmmss; -1: it is none.
std::int64_t second_of_year(std::string_view stamp, int leap) {
  constexpr int days_before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  if (stamp.size() != 10) return -1;
  int parts[5] = {};
  for (std::size_t i = 0; i < 5; ++i) {
    const char* at = stamp.data() + 2 * i;
    if (std::from_chars(at, at + 2, parts[i]).ptr != at + 2) return -1;
  }
  if (parts[0] < 1 || parts[0] > 12) return -1;
  const std::int64_t day = days_before[parts[0] - 1] + (parts[0] > 2 ? leap : 0) + parts[1];
  return ((day * 24 + parts[2]) * 60 + parts[3]) * 60 + parts[4];
}

/// Further apart than two clocks that were set to one another, whatever the year; its end between them is no distance.
bool another_time(std::string_view a, std::string_view b) {
  constexpr std::int64_t kSlack = 3600, kYear = 365 * 86400;
  for (const int leap : {0, 1}) {
    const std::int64_t first = second_of_year(a, leap), second = second_of_year(b, leap);
    if (first < 0 || second < 0) return false;
    const std::int64_t apart = first < second ? second - first : first - second;
    if (apart <= kSlack || apart >= kYear - kSlack) return false;
  }
  return true;
}

}  // namespace

void PartsFold::lives(Mark at) {
  if (at.at - alive_.at > kMoment) alive_before_ = alive_;
  alive_ = at;
}

/// What adb tells was so for a while before it was seen: what may have been so before the case is none of it.
void PartsFold::see(const Presence& presence, Duration unsure, Mark at, PartsSeen& p) {
  const bool of_case = at.at - unsure >= *begun_;
  if (presence.what == "usb") {
    if (!presence.up && !p.usb_lost) p.usb_lost = at;
    if (presence.up && p.usb_lost && !p.usb_back) p.usb_back = at;
  } else if (presence.what == "adb") {
    p.adb_lost = presence.up ? Mark{} : at;
  } else if (presence.what == "os") {
    if (!presence.up && of_case && !p.system_new) p.system_new = at;
  } else if (presence.what == "app") {
    if (presence.up && p.app_gone && !p.app_back) p.app_back = at;
    if (presence.up || p.app_gone || !of_case) return;
    p.app_gone = at;
    p.app_gone_since = at.at - unsure;
    if (!p.restarted) p.alive = alive_;
  }
}

void PartsFold::operator()(const Event& e, Transaction& t) {
  const Mark at{e.seq, e.at};
  if (!begun_) begun_ = e.at;
  PartsSeen& p = t.parts;
  if (const auto* m = std::get_if<Milestone>(&e.body)) {
    see(*m, at, t);
  } else if (const auto* text = std::get_if<Text>(&e.body)) {
    if (!terminal_says(*text)) return;
    lives(at);
    if (text->place != "screen" || t.silence || t.recovery) return;
    if (!p.first_screen) p.first_screen = at;
    if (!told_) p.last_screen = at;
  } else if (std::holds_alternative<Intent>(e.body)) {
    told_ = false;
  } else if (const auto* presence = std::get_if<Presence>(&e.body)) {
    if (!t.recovery) see(*presence, e.at_uncertainty, at, p);
  } else if (const auto* reading = std::get_if<Reading>(&e.body)) {
    const bool away = (p.usb_lost && !p.usb_back) || p.adb_lost;
    if (away && !p.fed && !scope_.without_power(reading->rail_mv)) p.fed = at;
  } else if (const auto* done = std::get_if<MotionDone>(&e.body)) {
    if (done->what != "press" || t.recovery) return;
    if (!p.pins_wanted.empty()) {
      constexpr std::string_view pin = "PIN:";
      const std::string_view keys = done->manner;
      p.pins_typed.emplace_back(at, keys.starts_with(pin) ? keys.substr(pin.size(), keys.find(' ') - pin.size()) : "");
    }
    if (p.pressed) return;
    p.pressed = at;
    p.keys = done->manner;
  } else if (const auto* part = std::get_if<PartState>(&e.body)) {
    if (part->state != "sound" && part->state != "good" && !p.failed) p.failed = at;
    if (part->part == "keys" || part->part == "all") {
      if (part->state != "erased") keyless_ = false;  // loaded anew, be they the right ones or not
      keys_ill_ = part->state != "sound";
      if (keys_ill_ && !p.misdated) p.told_time = Mark{};  // what has just arrived may not have been checked yet
    }
    if (part->part == "clock" && part->state == "lost" && !p.misdated) p.told_time = Mark{};  // and has to be told anew
  }
}

void PartsFold::see(const Milestone& m, Mark at, Transaction& t) {
  PartsSeen& p = t.parts;
  const std::string_view name = m.name;
  const auto get = [&](std::string_view what) { return field(m.fields, what); };
  if (name == "idle") keyless_ = false;
  if (name == "told") told_ = true;
  if (name == "request_entered" && keyless_ && !p.sold_tampered) p.sold_tampered = at;
  const std::string_view connection = get("connection");
  if (name.ends_with("_entered") && !name.ends_with("response_entered") && !connection.empty()) {
    asked_[std::string(connection)] = {std::string(get("stan")), std::string(get("tid")), std::string(get("mac")),
                                       std::string(get("amount"))};
  }
  const auto asked = asked_.find(connection);
  // what a terminal must not believe tells it no time
  const bool other_amount = asked != asked_.end() && !asked->second.amount.empty() && !get("amount").empty() &&
                            asked->second.amount != get("amount") && get("code") != "10";
  const bool its_own =
      asked == asked_.end() ||
      (!other_amount && asked->second.stan == get("stan") && asked->second.terminal == get("tid") &&
       asked->second.mac != "wrong" && (asked->second.mac == "absent" || (get("mac") != "absent" && !keys_ill_)));
  if (!p.misdated && its_own && name.ends_with("response_left") && get("mac") != "wrong" && get("clock").size() == 10) {
    p.told_time = at;
    p.host_time = get("clock");
  }
  if (name == "printed" && p.told_time && !p.misdated && another_time(get("date"), p.host_time)) {
    p.misdated = at;
    p.receipt_time = get("date");
  }
  if (name == "tampered") {
    keyless_ = true;
    if (!p.tampered) p.tampered = at;
  }
  if (name == "booted" && !t.recovery && !p.restarted) {
    p.restarted = at;
    p.alive = at.at - alive_.at > kMoment ? alive_ : alive_before_;
  }
  if (name == "closed" && get("by") == "terminal" && get("how") == "reset" && !t.recovery && !p.reset) p.reset = at;
  if (name.ends_with("_entered") && !name.ends_with("response_entered")) lives(at);
  if (t.recovery) return;
  if (name == "pin_wanted") p.pins_wanted.push_back(at);
  for (const auto& [called, mark] : {std::pair{"printed", &p.printed},
                                     {"printer_failed", &p.printer_failed},
                                     {"chip_failed", &p.chip_failed},
                                     {"chip_refused", &p.chip_refused},
                                     {"storage_failed", &p.storage_failed},
                                     {"clock_lost", &p.clock_lost}}) {
    if (name == called && !*mark) *mark = at;
  }
}

}  // namespace swiperig
