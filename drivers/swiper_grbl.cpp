#include "drivers/swiper_grbl.hpp"

#include <cmath>
#include <utility>
#include <vector>

#include "drivers/swipe_path.hpp"
#include "rig/decimal.hpp"
#include "rig/time.hpp"

namespace swiperig {
namespace {

constexpr int kPlaceTries = 10;
constexpr double kProvingPlaceMm =
    20;  // in x and y: near the switches, so that millimetres are a large part of the way
constexpr Duration kHomingSlack = std::chrono::milliseconds(40);
constexpr Duration kPlacePause = std::chrono::milliseconds(100);
constexpr double kPlaceToleranceMm = 0.05;
constexpr double kDwellSeconds = 0.01;
constexpr double kTimingShare = 0.05;  // of the time a swipe should take
constexpr double kTimingSlackSeconds = 0.02;
constexpr int kGarbageLines = 8;
constexpr std::size_t kKeys = 64;
constexpr std::size_t kReceiveBytes = 127;  // of a line that it has not read yet

double seconds(Duration d) { return static_cast<double>(d.count()) * 1e-9; }
Duration duration(double s) { return Duration(std::llround(s * 1e9)); }

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
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
  if (const auto* swipe = std::get_if<Swipe>(&motion)) {
    auto path = swipe_path(s, *swipe, s.acceleration_mm_s2);
    if (auto* why = std::get_if<std::string>(&path)) return std::move(*why);
    return std::nullopt;
  }
  if (const auto* press = std::get_if<Press>(&motion)) return refuse_press(s, *press);
  if (!inside(s, s.park_x_mm, s.park_y_mm, s.clear_z_mm)) return "the parking place lies outside the travel";
  if (std::holds_alternative<ProvePlace>(motion) && !inside(s, kProvingPlaceMm, kProvingPlaceMm, s.clear_z_mm))
    return "the place where it is proved lies outside the travel";
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

/// Sends the queued lines and this one, as many at a time as the controller's buffer takes, and waits for all oks; when
/// the last one came.
Task<Time> SwiperGrbl::line(std::string text) {
  std::vector<std::string> lines = std::exchange(queue_, {});
  lines.push_back(std::move(text));
  const Time until = talk_.clock().now() + settings_.reply_limit + duration(pending_s_);
  std::size_t sent = 0, answered = 0, unread_bytes = 0;
  for (;;) {
    std::string burst;
    while (sent < lines.size() && unread_bytes + lines[sent].size() < kReceiveBytes) {
      unread_bytes += lines[sent].size() + 1;
      burst += lines[sent++] + "\n";
    }
    if (!burst.empty()) co_await talk_.say(std::move(burst));
    auto answer = co_await listen(until);
    if (!answer) {
      const GrblLine now = co_await ask_state();
      lost("no answer to a line in time, " +
           (now.kind == GrblLine::status ? "it says " + shown(now.state) : std::string("nor to a status query")));
    }
    switch (answer->kind) {
      case GrblLine::ok:
        unread_bytes -= lines[answered].size() + 1;
        if (++answered == lines.size()) co_return talk_.clock().now();
        break;
      case GrblLine::error: lost(words_of_error(answer->number));
      case GrblLine::alarm: lost(words_of_alarm(answer->number));
      case GrblLine::banner: lost("restarted in the middle of a motion, position unknown");
      default: break;
    }
  }
}

/// Waits until all accepted motion is done: the dwell's ok comes when the planner has run empty.
Task<Time> SwiperGrbl::settle() {
  auto at = co_await line("G4 P" + decimal(kDwellSeconds));
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
  lost("says " + shown(now.state) + " at " + decimal(now.x_mm) + ", " + decimal(now.y_mm) + ", " + decimal(now.z_mm) +
       " where Idle at " + decimal(x_mm_) + ", " + decimal(y_mm_) + ", " + decimal(z_mm_) + " was expected");
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
    lost(std::string("its ") + what + " ($" + std::to_string(setting) + "=" + decimal(found->second) +
         ") is below the bench's " + decimal(wanted));
  };
  const auto travel_mm_min = static_cast<double>(settings_.travel_speed_mm_s) * 60;
  at_least(110, static_cast<double>(settings_.max_speed_mm_s) * 60, "X rate");
  at_least(111, travel_mm_min, "Y rate");
  at_least(112, static_cast<double>(settings_.z_speed_mm_s) * 60, "Z rate");
  if (settings_.acceleration_settable && told.contains(120) && told[120] < settings_.acceleration_mm_s2) {
    // a swipe that was cut short may have left its own
    co_await line("$120=" + decimal(settings_.acceleration_mm_s2));
    told[120] = settings_.acceleration_mm_s2;
  }
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

void SwiperGrbl::go(double x_mm, double y_mm) {
  const double speed = static_cast<double>(settings_.travel_speed_mm_s);
  queue_.push_back("G1 X" + decimal(x_mm) + " Y" + decimal(y_mm) + " F" + decimal(speed * 60));
  // of the controller's accelerations only X's is asked for; the limit has reply_limit to spare
  pending_s_ += move_seconds(std::hypot(x_mm - x_mm_, y_mm - y_mm_), speed, acceleration_mm_s2_);
  x_mm_ = x_mm;
  y_mm_ = y_mm;
}

void SwiperGrbl::height(double z_mm) {
  const double speed = static_cast<double>(settings_.z_speed_mm_s);
  queue_.push_back("G1 Z" + decimal(z_mm) + " F" + decimal(speed * 60));
  pending_s_ += std::abs(z_mm - z_mm_) / speed + 0.2;
  z_mm_ = z_mm;
}

Task<> SwiperGrbl::jaws(bool closed) {
  queue_.emplace_back(closed ? "M8" : "M9");
  pending_s_ += seconds(settings_.grip_time);
  co_await line("G4 P" + decimal(seconds(settings_.grip_time)));
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

Task<> SwiperGrbl::set_acceleration(double mm_s2) {
  if (mm_s2 == acceleration_mm_s2_) co_return;
  // never streamed: while it writes its EEPROM the controller hears nothing
  co_await line("$120=" + decimal(mm_s2));
  acceleration_mm_s2_ = mm_s2;
}

/// One pass of the gripped card, from above the beginning of the path to above its end; how fast it was.
Task<double> SwiperGrbl::pass(SwipePath path, Duration stop) {
  go(path.from_x_mm, settings_.swipe_y_mm);
  height(settings_.swipe_z_mm);
  co_await settle();
  const double usual_mm_s2 = acceleration_mm_s2_;
  co_await set_acceleration(path.acceleration_mm_s2);
  const std::string feed = " F" + decimal(path.feed_mm_s * 60);
  const double expected_s = path.expected_s + seconds(stop);
  pending_s_ = expected_s;
  const Time begun = co_await line("G1 X" + decimal(path.stop_x_mm.value_or(path.to_x_mm)) + feed);
  // the dwell's ok comes at its end: what follows it must be there already
  if (path.stop_x_mm) {
    queue_.push_back("G4 P" + decimal(seconds(stop)));
    co_await line("G1 X" + decimal(path.to_x_mm) + feed);
  }
  pending_s_ = expected_s;
  x_mm_ = path.to_x_mm;
  const Time done = co_await settle();
  co_await check_place();
  const double taken_s = seconds(done - begun) - kDwellSeconds;
  if (std::abs(taken_s - expected_s) > expected_s * kTimingShare + kTimingSlackSeconds) {
    lost("the swipe took " + decimal(taken_s) + " s where " + decimal(expected_s) + " s was expected: held or slowed");
  }
  co_await set_acceleration(usual_mm_s2);
  height(settings_.clear_z_mm);
  co_return path.speed_mm_s(taken_s - seconds(stop));
}

Task<MotionDone> SwiperGrbl::swipe(Swipe swipe) {
  const TaughtPlace slot = settings_.slots.at(swipe.card);
  const auto found = swipe_path(settings_, swipe, acceleration_mm_s2_);
  if (const auto* why = std::get_if<std::string>(&found)) lost(*why);
  const SwipePath path = std::get<SwipePath>(found);
  go(slot.x_mm, slot.y_mm);
  height(settings_.grip_z_mm);
  co_await jaws(true);
  height(settings_.clear_z_mm);
  double speed_mm_s = co_await pass(path, swipe.stop_lasts);
  if (swipe.twice) {
    const double again_mm_s = co_await pass(path, swipe.stop_lasts);
    speed_mm_s = again_mm_s;
  }
  go(slot.x_mm, slot.y_mm);
  height(settings_.grip_z_mm);
  co_await jaws(false);
  height(settings_.clear_z_mm);
  co_await settle();
  co_await check_place();
  MotionDone motion;
  motion.what = "swipe";
  motion.speed_mm_s = std::llround(speed_mm_s);
  motion.reverse = swipe.reverse;
  motion.manner = manner_of(swipe);
  co_return motion;
}

Task<MotionDone> SwiperGrbl::press(Press press) {
  const auto keys = words_of(press.keys);
  for (const auto& name : keys) {
    const TaughtPlace key = settings_.keys.at(name);
    go(key.x_mm, key.y_mm);
    height(settings_.press_z_mm);
    height(settings_.hover_z_mm);
  }
  height(settings_.clear_z_mm);
  co_await settle();
  co_await check_place();
  MotionDone motion;
  motion.what = "press";
  motion.manner = press.keys;
  co_return motion;
}

Task<MotionDone> SwiperGrbl::park() {
  height(settings_.clear_z_mm);
  go(settings_.park_x_mm, settings_.park_y_mm);
  co_await settle();
  co_await check_place();
  MotionDone motion;
  motion.what = "park";
  co_return motion;
}

/// A controller that counts its steps does not know of one that it lost. Homed twice from the same place it takes as
/// long the second time as the first, unless the place was another one the first time.
Task<> SwiperGrbl::prove_place() {
  Duration took[2] = {};
  for (Duration& each : took) {
    height(settings_.clear_z_mm);
    go(kProvingPlaceMm, kProvingPlaceMm);
    co_await settle();
    const Time begun = talk_.clock().now();
    co_await home();
    each = talk_.clock().now() - begun;
  }
  const Duration apart = took[0] - took[1];
  if (apart < kHomingSlack && apart > -kHomingSlack) co_return;
  lost("has lost steps: homing took " + to_text(took[0]) + ", and " + to_text(took[1]) + " from the true place");
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
  queue_.clear();
  homed_ = false;
  why_lost_ = "a motion was cut short";
  MotionDone done;
  if (parks) {
    done = co_await park();
  } else if (std::holds_alternative<ProvePlace>(motion)) {
    done.what = "prove place";
    co_await prove_place();
  } else if (const auto* card = std::get_if<Swipe>(&motion)) {
    done = co_await swipe(*card);
  } else {
    done = co_await press(std::get<Press>(motion));
  }
  homed_ = true;
  co_return done;
}

}  // namespace swiperig
