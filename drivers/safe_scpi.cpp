#include "drivers/safe_scpi.hpp"

#include <algorithm>

#include "rig/decimal.hpp"

namespace swiperig {
namespace {

constexpr int kTries = 3, kMostAsked = 100;
constexpr double kReplyLimit = 0.7, kAgain = 0.1;
// no SCPI word or number has a '#' at its end: whatever stands before it is an error, and done by nobody
constexpr std::string_view kSpoil = "#\n";

std::string said(SafeOutput output, std::int64_t voltage_mv) {
  std::string text(kSpoil);
  if (output == SafeOutput::on && voltage_mv != 0) {
    text += "VOLT " + decimal(static_cast<double>(voltage_mv) / 1000) + "\n";
  }
  return text + (output == SafeOutput::on ? "OUTP ON" : "OUTP OFF") + "\nOUTP?\n";
}

}  // namespace

SafeScpi::SafeScpi(SafeOutput output, std::int64_t voltage_mv) : output_(output), text_(said(output, voltage_mv)) {}

void SafeScpi::passed(std::string_view bytes) noexcept {
  for (const char c : bytes) {
    // the queries of a line are answered by one line
    if (to_it_.take(c) && to_it_.text().find('?') != std::string_view::npos && asked_ < kMostAsked) ++asked_;
  }
}

void SafeScpi::heard(std::string_view bytes) noexcept {
  for (const char c : bytes) {
    if (!from_it_.take(c) || from_it_.text().empty()) continue;  // "\r\n" ends one line, not two
    if (asked_ > 0) {
      --asked_;  // of the controller's own question
      continue;
    }
    if (!making_) continue;
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
  if (tries_ > 0) asked_ = 0;  // an answer that has not come by now was never given
  ++tries_;
  denied_ = confirmed_ = false;
  until_s_ = now_s + kReplyLimit;
  const std::string_view text = text_;
  return {spoil ? text : text.substr(kSpoil.size()), until_s_};
}

}  // namespace swiperig
