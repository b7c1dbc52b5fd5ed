#include "drivers/swiper_grbl.hpp"

#include <cmath>
#include <utility>
#include <vector>

#include "drivers/robot_way.hpp"
#include "drivers/swipe_path.hpp"
#include "rig/decimal.hpp"
#include "rig/time.hpp"

namespace swiperig {
namespace {

constexpr int kPlaceTries = 10;
constexpr Duration kHomingSlack = std::chrono::milliseconds(40);
constexpr Duration kPlacePause = std::chrono::milliseconds(100);
constexpr double kPlaceToleranceMm = 0.05;
constexpr double kDwellSeconds = 0.01;
constexpr double kTimingShare = 0.05;  // of the time a swipe should take
constexpr double kTimingSlackSeconds = 0.02;
constexpr std::size_t kReceiveBytes = 127;  // of a line that it has not read yet

double seconds(Duration d) { return static_cast<double>(d.count()) * 1e-9; }
Duration duration(double s) { return Duration(std::llround(s * 1e9)); }

}  // namespace

SwiperGrbl::SwiperGrbl(Clock& clock, std::unique_ptr<Link> link, GrblSettings settings)
    : talk_(clock, std::move(link), "swiper"),
      settings_(std::move(settings)),
      acceleration_mm_s2_(settings_.acceleration_mm_s2),
      slowest_mm_s2_(settings_.acceleration_mm_s2) {}

void SwiperGrbl::lost(const std::string& why) {
  homed_ = false;
  why_lost_ = why;
  talk_.fail(why);
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
    if (sent < lines.size()) burst.reserve(kReceiveBytes);
    while (sent < lines.size() && unread_bytes + lines[sent].size() < kReceiveBytes) {
      unread_bytes += lines[sent].size() + 1;
      (burst += lines[sent++]) += '\n';
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

// G53, in every line of motion: work offsets live in the controller's EEPROM, and anybody's sender may have set them.
void SwiperGrbl::go(double x_mm, double y_mm) {
  const double speed = static_cast<double>(settings_.travel_speed_mm_s);
  queue_.push_back("G53 G1 X" + decimal(x_mm) + " Y" + decimal(y_mm) + " F" + decimal(speed * 60));
  pending_s_ += move_seconds(std::hypot(x_mm - x_mm_, y_mm - y_mm_), speed, slowest_mm_s2_);
  x_mm_ = x_mm;
  y_mm_ = y_mm;
}

void SwiperGrbl::height(double z_mm) {
  const double speed = static_cast<double>(settings_.z_speed_mm_s);
  queue_.push_back("G53 G1 Z" + decimal(z_mm) + " F" + decimal(speed * 60));
  pending_s_ += std::abs(z_mm - z_mm_) / speed + 0.2;
  z_mm_ = z_mm;
}

Task<> SwiperGrbl::jaws(bool closed) {
  queue_.emplace_back(closed ? "M8" : "M9");
  pending_s_ += seconds(settings_.grip_time);
  co_await line("G4 P" + decimal(seconds(settings_.grip_time)));
  pending_s_ = 0;
}

/// What the sensor between the jaws must say now.
Task<> SwiperGrbl::expect_card(bool there) {
  if (!settings_.card_sensor) co_return;
  const GrblLine now = co_await ask_state();
  if (now.kind != GrblLine::status) lost("no answer to a status query");
  if (now.probe == there) co_return;
  lost(there ? "there is no card between its jaws: it lies elsewhere, was lost, or steps were"
             : "there is still a card between its open jaws, or its sensor is stuck");
}

/// How long the card stayed, measured; before it nothing of the way may be left.
Task<Duration> SwiperGrbl::stay(Duration lasts) {
  const Time came = co_await settle();
  pending_s_ = seconds(lasts);
  const Time went = co_await line("G4 P" + decimal(seconds(lasts) - kDwellSeconds));
  pending_s_ = 0;
  const Duration held = went - came + duration(kDwellSeconds);
  if (std::abs(seconds(held - lasts)) > seconds(lasts) * kTimingShare + kTimingSlackSeconds) {
    lost("the card was held there for " + to_text(held) + " where " + to_text(lasts) + " was wanted");
  }
  co_return held;
}

/// Every leg after the other; returns how long a card was held where they brought it, if it was.
Task<Duration> SwiperGrbl::follow(std::vector<Leg> legs) {
  Duration held{};
  for (const Leg& leg : legs) {
    switch (leg.kind) {
      case Leg::travel: go(leg.x_mm, leg.y_mm); break;
      case Leg::height: height(leg.z_mm); break;
      case Leg::stroke:
        queue_.push_back("G53 G1 X" + decimal(leg.x_mm) + " F" + decimal(leg.speed_mm_s * 60));
        pending_s_ += move_seconds(leg.x_mm - x_mm_, leg.speed_mm_s, slowest_mm_s2_);
        x_mm_ = leg.x_mm;
        break;
      case Leg::grip:
        co_await expect_card(false);
        co_await jaws(true);
        co_await expect_card(true);
        break;
      case Leg::release:
        co_await expect_card(true);
        co_await jaws(false);
        co_await expect_card(false);
        break;
      case Leg::stay: held = co_await stay(leg.lasts); break;
    }
  }
  co_return held;
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
  height(path.z_mm);
  co_await settle();
  const double usual_mm_s2 = acceleration_mm_s2_;
  co_await set_acceleration(path.acceleration_mm_s2);
  const std::string feed = " F" + decimal(path.feed_mm_s * 60);
  const double expected_s = path.expected_s + seconds(stop);
  pending_s_ = expected_s;
  const Time begun = co_await line("G53 G1 X" + decimal(path.stop_x_mm.value_or(path.to_x_mm)) + feed);
  // the dwell's ok comes at its end: what follows it must be there already
  if (path.stop_x_mm) {
    queue_.push_back("G4 P" + decimal(seconds(stop)));
    co_await line("G53 G1 X" + decimal(path.to_x_mm) + feed);
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
  co_await follow(pick_up(settings_, slot));
  double speed_mm_s = co_await pass(path, swipe.stop_lasts);
  std::string before;
  if (swipe.twice) {
    before = ", first at " + std::to_string(std::llround(speed_mm_s)) + " mm/s";
    const double again_mm_s = co_await pass(path, swipe.stop_lasts);
    speed_mm_s = again_mm_s;
  }
  co_await follow(put_back(settings_, slot));
  co_await settle();
  co_await check_place();
  MotionDone motion;
  motion.what = "swipe";
  motion.speed_mm_s = std::llround(speed_mm_s);
  motion.reverse = swipe.reverse;
  motion.manner = manner_of(swipe) + before;
  co_return motion;
}

Task<MotionDone> SwiperGrbl::press(Press press) {
  co_await follow(press_legs(settings_, press));
  co_await settle();
  co_await check_place();
  MotionDone motion;
  motion.what = "press";
  motion.manner = press.keys;
  co_return motion;
}

Task<MotionDone> SwiperGrbl::present(std::string card, MotionDone motion, std::vector<Leg> legs) {
  co_await follow(pick_up(settings_, settings_.slots.at(card)));
  motion.held = co_await follow(std::move(legs));
  co_await settle();
  co_await check_place();
  co_await follow(put_back(settings_, settings_.slots.at(card)));
  co_await settle();
  co_await check_place();
  co_return motion;
}

Task<MotionDone> SwiperGrbl::park() {
  height(settings_.clear_z_mm);
  co_await follow(park_legs(settings_));
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
    co_await follow(proving_legs(settings_));
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
  } else if (const auto* chip = std::get_if<Dip>(&motion)) {
    done.what = "dip";
    done.manner = manner_of(*chip);
    done = co_await present(chip->card, std::move(done), dip_legs(settings_, *chip));
  } else if (const auto* contactless = std::get_if<CardTap>(&motion)) {
    done.what = "tap";
    done.manner = manner_of(*contactless);
    done = co_await present(contactless->card, std::move(done), tap_legs(settings_, *contactless));
  } else {
    done = co_await press(std::get<Press>(motion));
  }
  homed_ = true;
  co_return done;
}

}  // namespace swiperig
