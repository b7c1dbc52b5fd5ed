#include "drivers/swiper_grbl.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "rig/time.hpp"

namespace swiperig {
namespace {

constexpr int kPlaceTries = 10;
constexpr Duration kPlacePause = std::chrono::milliseconds(100);
constexpr double kPlaceToleranceMm = 0.05;
constexpr double kDwellSeconds = 0.01;
constexpr double kTimingShare = 0.05;  // of the time a swipe should take
constexpr double kTimingSlackSeconds = 0.02;
constexpr int kGarbageLines = 8;
constexpr std::size_t kKeys = 64;

std::string number(double value) {
  std::array<char, 48> text;
  std::snprintf(text.data(), text.size(), "%.3f", value);
  return text.data();
}

double seconds(Duration d) { return static_cast<double>(d.count()) * 1e-9; }
Duration duration(double s) { return Duration(std::llround(s * 1e9)); }

/// Time of a straight move from rest to rest.
double move_seconds(double way_mm, double speed_mm_s, double acceleration_mm_s2) {
  way_mm = std::abs(way_mm);
  if (way_mm < speed_mm_s * speed_mm_s / acceleration_mm_s2) return 2 * std::sqrt(way_mm / acceleration_mm_s2);
  return way_mm / speed_mm_s + speed_mm_s / acceleration_mm_s2;
}

/// The cruise speed of the trapezoid that takes this long: the inverse of move_seconds.
double cruise_speed(double way_mm, double taken_s, double acceleration_mm_s2) {
  const double square = taken_s * taken_s - 4 * std::abs(way_mm) / acceleration_mm_s2;
  return (taken_s - std::sqrt(std::max(square, 0.0))) * acceleration_mm_s2 / 2;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

bool inside(const GrblSettings& s, double x_mm, double y_mm, double z_mm) {
  return x_mm >= 0 && x_mm <= s.travel_x_mm && y_mm >= 0 && y_mm <= s.travel_y_mm && z_mm <= 0 &&
         z_mm >= -s.travel_z_mm;
}

std::optional<std::string> refuse_swipe(const GrblSettings& s, const Swipe& swipe) {
  const auto slot = s.slots.find(swipe.card);
  if (slot == s.slots.end()) return "no card slot '" + shown(swipe.card) + "' is taught";
  if (swipe.speed_mm_s < s.min_speed_mm_s || swipe.speed_mm_s > s.max_speed_mm_s) {
    return "speed " + std::to_string(swipe.speed_mm_s) + " mm/s is not within " + std::to_string(s.min_speed_mm_s) +
           " to " + std::to_string(s.max_speed_mm_s);
  }
  if (!inside(s, slot->second.x_mm, slot->second.y_mm, s.grip_z_mm)) {
    return "card slot '" + shown(swipe.card) + "' lies outside the travel";
  }
  if (!inside(s, s.swipe_start_x_mm, s.swipe_y_mm, s.swipe_z_mm) ||
      !inside(s, s.swipe_end_x_mm, s.swipe_y_mm, s.swipe_z_mm)) {
    return "the swipe line lies outside the travel";
  }
  const double speed = static_cast<double>(swipe.speed_mm_s);
  const double run_up_mm = speed * speed / (2 * s.acceleration_mm_s2);
  const double room_mm =
      std::min(s.head_x_mm - s.swipe_start_x_mm, s.swipe_end_x_mm - s.head_x_mm) - s.card_length_mm / 2;
  if (!(run_up_mm <= room_mm)) {
    return "a run-up of " + number(run_up_mm) + " mm to " + std::to_string(swipe.speed_mm_s) +
           " mm/s does not fit into " + number(room_mm) + " mm beside the head";
  }
  return std::nullopt;
}

std::optional<std::string> refuse_press(const GrblSettings& s, const Press& press) {
  const auto keys = words_of(press.keys);
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

}  // namespace

std::optional<std::string> refusal(const GrblSettings& s, const Motion& motion) {
  if (!(s.clear_z_mm <= 0) || s.clear_z_mm < s.hover_z_mm || s.hover_z_mm < s.press_z_mm) {
    return "the heights are not in order: clear, hover, press";
  }
  if (const auto* swipe = std::get_if<Swipe>(&motion)) return refuse_swipe(s, *swipe);
  if (const auto* press = std::get_if<Press>(&motion)) return refuse_press(s, *press);
  if (!inside(s, s.park_x_mm, s.park_y_mm, s.clear_z_mm)) return "the parking place lies outside the travel";
  return std::nullopt;
}

SwiperGrbl::SwiperGrbl(Clock& clock, std::unique_ptr<Link> link, GrblSettings settings)
    : talk_(clock, std::move(link), "swiper"),
      settings_(std::move(settings)),
      acceleration_mm_s2_(settings_.acceleration_mm_s2) {}

void SwiperGrbl::lost(const std::string& why) {
  homed_ = false;
  why_lost_ = why;
  talk_.fail(why);
}

/// The next line that means something; nullopt: silence.
Task<std::optional<GrblLine>> SwiperGrbl::listen(Time until) {
  for (;;) {
    auto text = co_await talk_.hear(until);
    if (!text) co_return std::nullopt;
    GrblLine line = parse_grbl(*text);
    if (line.kind != GrblLine::garbage) {
      garbage_ = 0;
      co_return line;
    }
    if (++garbage_ > kGarbageLines) lost("does not speak GRBL: '" + shown(*text) + "'");
  }
}

/// What it says to "?", or a line of kind garbage if it says nothing.
Task<GrblLine> SwiperGrbl::ask_state() {
  co_await talk_.say("?");
  const Time until = talk_.clock().now() + settings_.reply_limit;
  for (;;) {
    auto line = co_await listen(until);
    if (!line) co_return GrblLine{};
    if (line->kind == GrblLine::alarm) lost(words_of_alarm(line->number));
    if (line->kind == GrblLine::banner) lost("restarted in the middle of a motion, position unknown");
    if (line->kind == GrblLine::status) co_return std::move(*line);
  }
}

/// Sends one line and waits for its ok; the time at which it came.
Task<Time> SwiperGrbl::line(std::string text) {
  co_await talk_.say(text + "\n");
  const Time until = talk_.clock().now() + settings_.reply_limit + duration(pending_s_);
  for (;;) {
    auto answer = co_await listen(until);
    if (!answer) {
      const GrblLine now = co_await ask_state();
      lost("no answer to a line in time, " +
           (now.kind == GrblLine::status ? "it says " + shown(now.state) : std::string("nor to a status query")));
    }
    switch (answer->kind) {
      case GrblLine::ok: co_return talk_.clock().now();
      case GrblLine::error: lost(words_of_error(answer->number));
      case GrblLine::alarm: lost(words_of_alarm(answer->number));
      case GrblLine::banner: lost("restarted in the middle of a motion, position unknown");
      default: break;
    }
  }
}

/// Waits until all accepted motion is done: the dwell's ok comes when the planner has run empty.
Task<Time> SwiperGrbl::settle() {
  auto at = co_await line("G4 P" + number(kDwellSeconds));
  pending_s_ = 0;
  co_return at;
}

Task<> SwiperGrbl::check_place() {
  GrblLine now;
  for (int i = 0; i < kPlaceTries; ++i) {
    now = co_await ask_state();
    if (now.kind != GrblLine::status) lost("no answer to a status query");
    if (!now.placed) lost("its status tells no machine position, set $10=1");
    const bool there = std::abs(now.x_mm - x_mm_) <= kPlaceToleranceMm &&
                       std::abs(now.y_mm - y_mm_) <= kPlaceToleranceMm &&
                       std::abs(now.z_mm - z_mm_) <= kPlaceToleranceMm;
    if (now.state == "Idle" && there) co_return;
    if (now.state == "Alarm" || now.state.starts_with("Hold") || now.state.starts_with("Door")) break;
    co_await talk_.clock().sleep_for(kPlacePause);
  }
  lost("says " + shown(now.state) + " at " + number(now.x_mm) + ", " + number(now.y_mm) + ", " + number(now.z_mm) +
       " where Idle at " + number(x_mm_) + ", " + number(y_mm_) + ", " + number(z_mm_) + " was expected");
}

Task<bool> SwiperGrbl::hear_banner(Time until) {
  for (;;) {
    auto line = co_await listen(until);
    if (!line) co_return false;
    if (line->kind == GrblLine::banner) co_return true;
  }
}

/// Gets the controller to its banner: by itself if its port was just opened, else hold (steps are not lost) and reset.
Task<> SwiperGrbl::wake(bool just_opened) {
  Clock& clock = talk_.clock();
  garbage_ = 0;
  pending_s_ = 0;
  bool awake = false;
  if (just_opened) awake = co_await hear_banner(clock.now() + settings_.reply_limit);
  if (!awake) {
    talk_.forget();
    co_await talk_.say("!");
    co_await clock.sleep_for(duration(static_cast<double>(settings_.max_speed_mm_s) / settings_.acceleration_mm_s2) +
                             kPlacePause);
    co_await talk_.say("\x18");
    awake = co_await hear_banner(clock.now() + settings_.reply_limit);
  }
  if (!awake) lost("no GRBL banner within " + to_text(settings_.reply_limit) + " of a reset");
}

/// Its own limits must allow what the envelope promises; else a fast swipe would silently be a slow one.
Task<> SwiperGrbl::check_machine() {
  co_await talk_.say("$$\n");
  std::map<int, double> told;
  const Time until = talk_.clock().now() + settings_.reply_limit;
  for (;;) {
    auto line = co_await listen(until);
    if (!line) lost("no answer to $$");
    if (line->kind == GrblLine::ok) break;
    if (line->kind == GrblLine::error) lost(words_of_error(line->number));
    if (line->kind == GrblLine::alarm) lost(words_of_alarm(line->number));
    if (line->kind == GrblLine::setting) told[line->number] = line->value;
  }
  const auto at_least = [&](int setting, double wanted, const char* what) {
    const auto found = told.find(setting);
    if (found == told.end()) lost("does not tell its setting $" + std::to_string(setting));
    if (found->second >= wanted * (1 - 1e-6)) return;
    lost(std::string("its ") + what + " ($" + std::to_string(setting) + "=" + number(found->second) +
         ") is below the bench's " + number(wanted));
  };
  const auto travel_mm_min = static_cast<double>(settings_.travel_speed_mm_s) * 60;
  at_least(110, static_cast<double>(settings_.max_speed_mm_s) * 60, "X rate");
  at_least(111, travel_mm_min, "Y rate");
  at_least(112, static_cast<double>(settings_.z_speed_mm_s) * 60, "Z rate");
  at_least(120, settings_.acceleration_mm_s2, "X acceleration");
  at_least(130, settings_.travel_x_mm, "X travel");
  at_least(131, settings_.travel_y_mm, "Y travel");
  at_least(132, settings_.travel_z_mm, "Z travel");
  acceleration_mm_s2_ = told[120];
}

Task<> SwiperGrbl::home() {
  pending_s_ = seconds(settings_.homing_limit);
  co_await line("$H");
  pending_s_ = 0;
  co_await line("G21 G90 G94 M5 M9");
  const GrblLine now = co_await ask_state();
  if (now.state != "Idle" || !now.placed) lost("is not idle after homing, but " + shown(now.state));
  x_mm_ = now.x_mm;
  y_mm_ = now.y_mm;
  z_mm_ = now.z_mm;
  homed_ = true;
}

Task<> SwiperGrbl::start() {
  auto floor = co_await talk_.floor();
  homed_ = false;
  co_await wake(true);
  co_await check_machine();
  co_await home();
}

Task<> SwiperGrbl::go(double x_mm, double y_mm) {
  const double speed = static_cast<double>(settings_.travel_speed_mm_s);
  co_await line("G1 X" + number(x_mm) + " Y" + number(y_mm) + " F" + number(speed * 60));
  // of the controller's accelerations only X's is asked for; the limit has reply_limit to spare
  pending_s_ += move_seconds(std::hypot(x_mm - x_mm_, y_mm - y_mm_), speed, acceleration_mm_s2_);
  x_mm_ = x_mm;
  y_mm_ = y_mm;
}

Task<> SwiperGrbl::height(double z_mm) {
  const double speed = static_cast<double>(settings_.z_speed_mm_s);
  co_await line("G1 Z" + number(z_mm) + " F" + number(speed * 60));
  pending_s_ += std::abs(z_mm - z_mm_) / speed + 0.2;
  z_mm_ = z_mm;
}

Task<> SwiperGrbl::jaws(bool closed) {
  const char* word = closed ? "M8" : "M9";
  co_await line(word);
  pending_s_ = seconds(settings_.grip_time);
  co_await line("G4 P" + number(seconds(settings_.grip_time)));
  pending_s_ = 0;
}

/// Hears what was said since the last motion: after a restart or an alarm in between the position is unknown.
Task<> SwiperGrbl::catch_up() {
  garbage_ = 0;
  if (!homed_) talk_.forget();
  for (;;) {
    auto line = co_await listen(talk_.clock().now());
    if (!line) break;
    if (line->kind != GrblLine::alarm && line->kind != GrblLine::banner) continue;
    homed_ = false;
    why_lost_ = line->kind == GrblLine::alarm ? words_of_alarm(line->number) : "it restarted by itself";
  }
}

Task<MotionDone> SwiperGrbl::swipe(Swipe swipe) {
  const TaughtPlace slot = settings_.slots.at(swipe.card);
  const double from = swipe.reverse ? settings_.swipe_end_x_mm : settings_.swipe_start_x_mm;
  const double to = swipe.reverse ? settings_.swipe_start_x_mm : settings_.swipe_end_x_mm;
  const double speed = static_cast<double>(swipe.speed_mm_s);
  co_await go(slot.x_mm, slot.y_mm);
  co_await height(settings_.grip_z_mm);
  co_await jaws(true);
  co_await height(settings_.clear_z_mm);
  co_await go(from, settings_.swipe_y_mm);
  co_await height(settings_.swipe_z_mm);
  co_await settle();
  const Time accepted = co_await line("G1 X" + number(to) + " F" + number(speed * 60));
  const double expected_s = move_seconds(to - from, speed, acceleration_mm_s2_);
  pending_s_ = expected_s;
  x_mm_ = to;
  const Time done = co_await settle();
  co_await check_place();
  const double taken_s = seconds(done - accepted) - kDwellSeconds;
  if (std::abs(taken_s - expected_s) > expected_s * kTimingShare + kTimingSlackSeconds) {
    lost("the swipe took " + number(taken_s) + " s where " + number(expected_s) + " s was expected: held or slowed");
  }
  co_await height(settings_.clear_z_mm);
  co_await go(slot.x_mm, slot.y_mm);
  co_await height(settings_.grip_z_mm);
  co_await jaws(false);
  co_await height(settings_.clear_z_mm);
  co_await settle();
  co_await check_place();
  MotionDone motion;
  motion.what = "swipe";
  motion.speed_mm_s = std::llround(cruise_speed(to - from, taken_s, acceleration_mm_s2_));
  motion.reverse = swipe.reverse;
  co_return motion;
}

Task<MotionDone> SwiperGrbl::press(Press press) {
  const auto keys = words_of(press.keys);
  for (const auto& name : keys) {
    const TaughtPlace key = settings_.keys.at(name);
    co_await go(key.x_mm, key.y_mm);
    co_await height(settings_.press_z_mm);
    co_await height(settings_.hover_z_mm);
  }
  co_await height(settings_.clear_z_mm);
  co_await settle();
  co_await check_place();
  MotionDone motion;
  motion.what = "press";
  co_return motion;
}

Task<MotionDone> SwiperGrbl::park() {
  co_await height(settings_.clear_z_mm);
  co_await go(settings_.park_x_mm, settings_.park_y_mm);
  co_await settle();
  co_await check_place();
  MotionDone motion;
  motion.what = "park";
  co_return motion;
}

Task<MotionDone> SwiperGrbl::perform(Motion motion) {
  if (const auto why = refusal(settings_, motion)) talk_.fail("refused: " + *why);
  auto floor = co_await talk_.floor();
  const bool parks = std::holds_alternative<Park>(motion);
  co_await catch_up();
  if (!homed_ && !parks) talk_.fail("position unknown (" + why_lost_ + "), park first");
  if (!homed_) {
    co_await wake(false);
    co_await check_machine();
    co_await home();
  }
  // whatever ends this early, the position is unknown after it
  homed_ = false;
  why_lost_ = "a motion was cut short";
  MotionDone done;
  if (parks) {
    done = co_await park();
  } else if (const auto* card = std::get_if<Swipe>(&motion)) {
    done = co_await swipe(*card);
  } else {
    done = co_await press(std::get<Press>(motion));
  }
  homed_ = true;
  co_return done;
}

}  // namespace swiperig
