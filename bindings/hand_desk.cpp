#include "bindings/hand_desk.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <utility>

#include "rig/clock.hpp"

namespace swiperig {

namespace json = boost::json;

namespace {

constexpr std::size_t most_told = 1000;  // events; the trace has them all

json::object told_of(const Event& e) {
  std::string body;
  append_json(e.body, body);
  boost::system::error_code error;
  json::parse_options options;
  options.allow_invalid_utf8 = true;  // as devices said it
  json::value read = json::parse(body, error, {}, options);
  return {{"event", e.seq},
          {"cycle", e.cycle},
          {"at_ns", e.at.time_since_epoch().count()},
          {"at_uncertainty_ns", e.at_uncertainty.count()},
          {"source", to_string(e.source)},
          {"kind", kind_of(e.body)},
          {"body", std::move(read)}};
}

}  // namespace

void HandDesk::begin() {
  const std::lock_guard lock(mutex_);
  wanted_.reset();
  id_.clear();
  error_.clear();
  seen_.clear();
  leaving_ = false;
  done_ = true;
}

bool HandDesk::put(const std::string& id, ByHand what) {
  const std::lock_guard lock(mutex_);
  if (!done_) return false;
  id_ = id;
  wanted_ = std::move(what);
  done_ = false;
  seen_.clear();
  return true;
}

void HandDesk::leave() {
  const std::lock_guard lock(mutex_);
  leaving_ = true;
}

void HandDesk::ended(const std::string& why) {
  const std::lock_guard lock(mutex_);
  wanted_.reset();
  if (!std::exchange(done_, true)) error_ = why.empty() ? "hands were taken off the bench before" : why;
}

std::optional<json::object> HandDesk::told() const {
  const std::lock_guard lock(mutex_);
  if (id_.empty()) return std::nullopt;
  json::object all{{"id", id_}, {"state", done_ ? "done" : "waiting"}};
  if (done_ && !error_.empty()) all["error"] = error_;
  if (done_ && error_.empty()) all["events"] = seen_;
  return all;
}

bool HandDesk::asked() {
  const std::lock_guard lock(mutex_);
  return wanted_.has_value() || leaving_ || machine_seconds() >= until_s;
}

std::optional<ByHand> HandDesk::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(wanted_, std::nullopt);
}

void HandDesk::done(std::span<const Event> seen) {
  const std::lock_guard lock(mutex_);
  for (const Event& e : seen.last(std::min(seen.size(), most_told))) seen_.push_back(told_of(e));
  done_ = true;
}

Duration HandDesk::every() const { return std::chrono::milliseconds(5); }

}  // namespace swiperig
