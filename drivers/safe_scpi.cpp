#include "drivers/safe_scpi.hpp"

#include <algorithm>

namespace swiperig {
namespace {

constexpr int kTries = 3;
constexpr double kReplyLimit = 1, kAgain = 0.1;
// no SCPI word or number has a '#' at its end: whatever stands before it is an error, and done by nobody
constexpr std::string_view kOff = "#\nOUTP OFF\nOUTP?\n", kOn = "#\nOUTP ON\nOUTP?\n";
constexpr std::size_t kSpoil = 2;

}  // namespace

void SafeScpi::passed(std::string_view bytes) noexcept {
  for (const char c : bytes) to_it_.take(c);
}

void SafeScpi::heard(std::string_view bytes) noexcept {
  for (const char c : bytes) {
    if (!from_it_.take(c) || !making_) continue;
    const std::string_view text = from_it_.text();
    const bool on = text == "1" || text == "ON", off = text == "0" || text == "OFF";
    if (output_ == SafeOutput::on ? on : off) confirmed_ = true;
    if (output_ == SafeOutput::on ? off : on) denied_ = true;
  }
}

void SafeScpi::begin(bool cut) noexcept {
  cut_ = cut || to_it_.in_line();
  to_it_.forget();
  making_ = true;
  confirmed_ = denied_ = false;
  tries_ = 0;
  until_s_ = 0;
}

SafeState::Step SafeScpi::step(double now_s) noexcept {
  if (output_ == SafeOutput::leave || (confirmed_ && tries_ > 0)) {
    making_ = false;
    return {{}, 0, true, true};
  }
  if (denied_) {
    denied_ = false;
    until_s_ = std::min(until_s_, now_s + kAgain);
  }
  if (tries_ > 0 && now_s < until_s_) return {{}, until_s_};
  if (tries_ == kTries) {
    making_ = false;
    return {{}, 0, true, false};
  }
  const bool spoil = cut_ || tries_ > 0;
  ++tries_;
  denied_ = confirmed_ = false;
  until_s_ = now_s + kReplyLimit;
  const std::string_view text = output_ == SafeOutput::on ? kOn : kOff;
  return {spoil ? text : text.substr(kSpoil), until_s_};
}

}  // namespace swiperig
