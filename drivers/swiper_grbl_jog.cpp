// Jogs: for people who teach. The controller cancels them cleanly (0x85), without losing its place.
#include <cmath>

#include "drivers/robot_way.hpp"
#include "drivers/swipe_path.hpp"
#include "drivers/swiper_grbl.hpp"
#include "rig/decimal.hpp"

namespace swiperig {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(100);
constexpr double kThereMm = 0.05;

}  // namespace

void SwiperGrbl::cancel_jog() {
  jog_cancelled_ = true;
  jog_news_.ring();
}

Task<bool> SwiperGrbl::jog(ToolPlace to, double speed_mm_s) {
  auto floor = co_await talk_.floor();
  co_await catch_up();
  if (!homed_) talk_.fail("position unknown (" + why_lost_ + "), home first");
  if (const auto why = refuse_line(settings_, place(), to)) talk_.fail("refused: " + *why);
  if (!(speed_mm_s > 0 && speed_mm_s <= static_cast<double>(settings_.max_speed_mm_s))) {
    talk_.fail("refused: a speed of " + decimal(speed_mm_s) + " mm/s");
  }
  homed_ = false;
  why_lost_ = "a jog was cut short";
  jog_cancelled_ = false;
  Clock& clock = talk_.clock();
  const double way_mm = std::hypot(to.x_mm - x_mm_, to.y_mm - y_mm_, to.z_mm - z_mm_);
  pending_s_ = move_seconds(way_mm, speed_mm_s, slowest_mm_s2_);
  const Time limit = clock.now() + Duration(std::llround(pending_s_ * 1e9)) + settings_.reply_limit;
  co_await line("$J=G53 G90 G21 X" + decimal(to.x_mm) + " Y" + decimal(to.y_mm) + " Z" + decimal(to.z_mm) + " F" +
                decimal(speed_mm_s * 60));
  bool told = false;
  for (;;) {
    if (jog_cancelled_ && !told) {
      co_await talk_.say("\x85");
      told = true;
    }
    const GrblLine now = co_await ask_state();
    if (now.kind != GrblLine::status || !now.placed) lost("no answer to a status query in a jog");
    const bool there = std::abs(now.x_mm - to.x_mm) <= kThereMm && std::abs(now.y_mm - to.y_mm) <= kThereMm &&
                       std::abs(now.z_mm - to.z_mm) <= kThereMm;
    if (now.state == "Idle" && (there || told)) {
      x_mm_ = now.x_mm, y_mm_ = now.y_mm, z_mm_ = now.z_mm;
      pending_s_ = 0;
      homed_ = true;
      co_return there;
    }
    const bool goes = now.state == "Idle" || now.state == "Jog";
    if (!goes || clock.now() >= limit) lost("says " + shown(now.state) + " in a jog");
    co_await clock.wait(jog_news_, clock.now() + kLook);
  }
}

}  // namespace swiperig
