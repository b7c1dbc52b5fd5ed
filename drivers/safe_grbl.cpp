#include "drivers/safe_grbl.hpp"

#include <algorithm>
#include <cmath>

#include "drivers/swiper_grbl.hpp"
#include "rig/decimal.hpp"

namespace swiperig {
namespace {

constexpr double kAskHolding = 0.025, kAskLater = 0.1;
constexpr double kHoldSlack = 0.25;                    // beyond the braking itself: the planner's and the line's share
constexpr double kBannerLimit = 1.5, kStateLimit = 1;  // GRBL says its banner within 0.1 s of a reset
constexpr char kReset = '\x18';

/// Realtime bytes are no part of a line.
bool realtime(char c) { return c == '?' || c == '!' || c == '~' || static_cast<unsigned char>(c) >= 0x80; }

}  // namespace

SafeGrbl::SafeGrbl(const GrblSettings& s, AfterReset after)
    : park_("G21 G90 G94\nG53 G1 Z" + decimal(s.clear_z_mm) + " F" + decimal(static_cast<double>(s.z_speed_mm_s) * 60) +
            "\nG53 G1 X" + decimal(s.park_x_mm) + " Y" + decimal(s.park_y_mm) + " F" +
            decimal(static_cast<double>(s.travel_speed_mm_s) * 60) + "\n"),
      after_(after) {
  hold_limit_s_ = static_cast<double>(s.max_speed_mm_s) / s.acceleration_mm_s2 + kHoldSlack;
  park_limit_s_ = std::hypot(s.travel_x_mm, s.travel_y_mm) / static_cast<double>(s.travel_speed_mm_s) +
                  s.travel_z_mm / static_cast<double>(s.z_speed_mm_s) +
                  static_cast<double>(s.travel_speed_mm_s + s.z_speed_mm_s) / s.acceleration_mm_s2 + kBannerLimit;
}

void SafeGrbl::passed(std::string_view bytes) noexcept {
  for (const char c : bytes) {
    if (c == kReset) {
      unanswered_ = home_in_ = 0;
      to_it_.forget();
    } else if (!realtime(c) && to_it_.take(c)) {
      ++unanswered_;
      if (to_it_.text() == "$H") home_in_ = unanswered_;
    }
  }
}

void SafeGrbl::heard(std::string_view bytes) noexcept {
  for (const char c : bytes) {
    if (from_it_.take(c) && !from_it_.text().empty()) line(from_it_.text());
  }
}

void SafeGrbl::line(std::string_view text) noexcept {
  const bool making = phase_ != Phase::end;
  if (text == "ok" || text.starts_with("error:")) {
    if (text == "ok") ++oks_;
    idle_ = false;  // a report of before: `?` overtakes lines
    if (unanswered_ > 0) --unanswered_;
    if (home_in_ > 0 && --home_in_ == 0) homed_ = text == "ok";
  } else if (text.starts_with("ALARM:")) {
    homed_ = false;
    home_in_ = 0;
    alarm_ = true;
  } else if (text.starts_with("Grbl ")) {
    // the one that follows our own reset is no surprise
    if (phase_ != Phase::resetting) homed_ = false;
    unanswered_ = home_in_ = 0;
    banner_ = true;
  } else if (text[0] == '<' && making) {
    const std::string_view state = text.substr(1, text.find_first_of("|>") - 1);
    held_ = state == "Hold:0";
    idle_ = state == "Idle";
    if (state == "Alarm") alarm_ = true;
    const bool moves = state == "Run" || state == "Jog" || state == "Home" || state == "Hold:1" || state == "Door:2" ||
                       state == "Door:3";
    at_rest_ = moves ? 0 : at_rest_ + 1;
  }
}

void SafeGrbl::begin(bool) noexcept {
  phase_ = Phase::hold;  // half a line is dropped by the reset
  banner_ = held_ = idle_ = alarm_ = false;
  at_rest_ = 0;
}

SafeState::Step SafeGrbl::ask(double now_s, double every_s) noexcept {
  if (now_s < ask_at_s_) return {{}, std::min(ask_at_s_, until_s_)};
  ask_at_s_ = now_s + every_s;
  return {"?", std::min(ask_at_s_, until_s_)};
}

SafeState::Step SafeGrbl::done(bool proved) noexcept {
  phase_ = Phase::end;
  proved_ = proved;
  return {{}, 0, true, proved};
}

SafeState::Step SafeGrbl::step(double now_s) noexcept {
  switch (phase_) {
    case Phase::hold:
      phase_ = Phase::holding;
      until_s_ = now_s + hold_limit_s_;
      ask_at_s_ = now_s + kAskHolding;
      return {"!?", ask_at_s_};
    case Phase::holding:
      // a report may have been under way before the hold, so that one alone does not count unless it tells of the hold
      if (!held_ && at_rest_ < 2 && now_s < until_s_) return ask(now_s, kAskHolding);
      phase_ = Phase::resetting;
      until_s_ = now_s + kBannerLimit;
      banner_ = alarm_ = false;
      return {{&kReset, 1}, until_s_};
    case Phase::resetting:
      if (!banner_) return now_s < until_s_ ? Step{{}, until_s_} : done(false);
      phase_ = Phase::asking;
      banner_ = idle_ = false;
      at_rest_ = 0;
      until_s_ = now_s + kStateLimit;
      ask_at_s_ = now_s + kAskLater;
      return {"?", ask_at_s_};
    case Phase::asking:
      if (at_rest_ == 0) return now_s < until_s_ ? ask(now_s, kAskLater) : done(false);
      if (!idle_ || alarm_ || !homed_ || after_ == AfterReset::stays) return done(true);
      phase_ = Phase::parking;
      oks_ = 0;
      idle_ = false;
      until_s_ = now_s + park_limit_s_;
      ask_at_s_ = now_s + kAskLater;
      return {park_, ask_at_s_};
    case Phase::parking:
      if (alarm_ || banner_) return done(false);
      if (oks_ >= 3 && idle_) return done(true);
      if (now_s >= until_s_) {
        done(false);
        return {"!", 0, true, false};
      }
      return ask(now_s, kAskLater);
    default: return {{}, 0, true, proved_};
  }
}

}  // namespace swiperig
