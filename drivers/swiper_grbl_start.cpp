// Getting a GRBL controller to the point where motions can be asked of it: its banner, its own limits, home.
#include <algorithm>
#include <cmath>
#include <map>

#include "drivers/swiper_grbl.hpp"
#include "rig/decimal.hpp"
#include "rig/time.hpp"

namespace swiperig {
namespace {

constexpr Duration kHoldPause = std::chrono::milliseconds(100);
constexpr double kFrameMm = 0.05;          // how far beyond its travel a homed machine may say it is
constexpr double kLeastAcceleration = 10;  // mm/s2, what GRBL is delivered with: with less, waits are without end

// why a port is open and nobody speaks GRBL there
constexpr const char* kLookAt =
    "; look at the baud rate in its link (GRBL 1.1: 115200), at what else has its port open, and at its power";
constexpr int kGarbageLines = 8;

double seconds(Duration d) { return static_cast<double>(d.count()) * 1e-9; }
Duration duration(double s) { return Duration(std::llround(s * 1e9)); }

}  // namespace

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
    if (++garbage_ > kGarbageLines) lost("does not speak GRBL: '" + shown(*text) + "'" + kLookAt);
  }
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
                             kHoldPause);
    co_await talk_.say("\x18");
    awake = co_await hear_banner(clock.now() + settings_.reply_limit);
  }
  if (!awake) lost("no GRBL banner within " + to_text(settings_.reply_limit) + " of a reset" + kLookAt);
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
  const auto must_be = [&](int setting, int wanted, const char* why) {
    const auto found = told.find(setting);
    if (found == told.end()) lost("does not tell its setting $" + std::to_string(setting));
    if (found->second == wanted) return;
    lost(std::string(why) + " ($" + std::to_string(setting) + "=" + decimal(found->second, 0) + "): set $" +
         std::to_string(setting) + "=" + std::to_string(wanted));
  };
  must_be(13, 0, "its reports are in inches");
  must_be(22, 1, "its homing is off");
  must_be(20, 1, "its soft limits are off");
  const auto at_least = [&](int setting, double wanted, const char* what, const char* whose = "bench's") {
    const auto found = told.find(setting);
    if (found == told.end()) lost("does not tell its setting $" + std::to_string(setting));
    if (found->second >= wanted * (1 - 1e-6)) return;
    lost(std::string("its ") + what + " ($" + std::to_string(setting) + "=" + decimal(found->second) +
         ") is below the " + whose + " " + decimal(wanted));
  };
  const auto at_most = [&](int setting, double most, const std::string& what) {
    if (most == 0 || !told.contains(setting) || told[setting] <= most * (1 + 1e-6)) return;
    lost("its " + what + " ($" + std::to_string(setting) + "=" + decimal(told[setting]) +
         ") is above the envelope of this machine: set $" + std::to_string(setting) + "=" + decimal(most));
  };
  const std::string axes = "XYZ";
  for (int axis = 0; axis < 3; ++axis) {
    at_most(110 + axis, settings_.envelope_mm_s * 60, std::string(1, axes[axis]) + " rate");
    at_most(120 + axis, settings_.envelope_mm_s2, std::string(1, axes[axis]) + " acceleration");
  }
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
  acceleration_mm_s2_ = slowest_mm_s2_ = told[120];
  for (const int setting : {121, 122}) {
    at_least(setting, kLeastAcceleration, setting == 121 ? "Y acceleration" : "Z acceleration", "rig's least of");
    slowest_mm_s2_ = std::min(slowest_mm_s2_, told[setting]);
  }
}

Task<> SwiperGrbl::home() {
  pending_s_ = seconds(settings_.homing_limit);
  co_await line("$H");
  pending_s_ = 0;
  co_await line("G21 G90 G94 M5 M9");
  const GrblLine now = co_await ask_state();
  if (now.kind != GrblLine::status) lost("no answer to a status query after homing");
  if (now.state != "Idle") lost("is not idle after homing, but " + shown(now.state));
  if (!now.placed) lost("its status tells no machine position, set $10=1");
  x_mm_ = std::clamp(now.x_mm, 0.0, settings_.travel_x_mm);
  y_mm_ = std::clamp(now.y_mm, 0.0, settings_.travel_y_mm);
  z_mm_ = std::clamp(now.z_mm, -settings_.travel_z_mm, 0.0);
  if (std::max({std::abs(now.x_mm - x_mm_), std::abs(now.y_mm - y_mm_), std::abs(now.z_mm - z_mm_)}) > kFrameMm) {
    lost("says after homing that it is at " + decimal(now.x_mm) + ", " + decimal(now.y_mm) + ", " + decimal(now.z_mm) +
         ", outside the travel of " + decimal(settings_.travel_x_mm, 0) + " x " + decimal(settings_.travel_y_mm, 0) +
         " x " + decimal(settings_.travel_z_mm, 0) +
         " mm: the rig counts X and Y up from 0 at their low ends, Z down from 0 at the top. Build GRBL with "
         "HOMING_FORCE_SET_ORIGIN (config.h), and let X and Y home to their low ends ($23=3, or as the motors turn)");
  }
  homed_ = true;
}

Task<> SwiperGrbl::start() {
  auto floor = co_await talk_.floor();
  homed_ = false;
  co_await wake(true);
  co_await check_machine();
  co_await home();
}

}  // namespace swiperig
