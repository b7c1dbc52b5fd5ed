// What a cycle does to the bench, and how the bench comes to rest again.
#include <optional>
#include <utility>

#include "rig/cycle.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

Body action_of(const Motion& motion) {
  if (const auto* swipe = std::get_if<Swipe>(&motion)) return *swipe;
  if (const auto* press = std::get_if<Press>(&motion)) return *press;
  if (const auto* dip = std::get_if<Dip>(&motion)) return *dip;
  return std::get<CardTap>(motion);
}

}  // namespace

Task<> Watch::perform(StepAction action, int held) {
  if (const auto motion = motion_of(action)) {
    post(Source::actuator, action_of(*motion));
    placed_ = false;
    Motion now = *motion;
    MotionDone done = co_await bench_.actuator->perform(std::move(now));
    placed_ = true;
    post(Source::actuator, std::move(done));
  } else if (const auto* dip = std::get_if<BrownOut>(&action)) {
    co_await brown_out(*dip, held);
  } else if (const auto* supply = std::get_if<Supply>(&action)) {
    post(Source::power, *supply);
    if (!supply->on) powered_ = false;  // also when it cannot be proved: rest switches it on again
    Reading reading = co_await bench_.power->set(*supply);
    powered_ = supply->on;
    if (!powered_) idle_ = false;
    post(Source::power, reading);
  } else if (const auto* fault = std::get_if<NetworkFault>(&action)) {
    const Impairment condition = condition_of(*fault);
    post(Source::network, condition);
    bench_.network->set(condition);
  } else if (const auto* part = std::get_if<PartState>(&action)) {
    if (part->state != "sound") sound_ = false;
    post(Source::rig, *part);
    co_await bench_.parts->set(*part);
    if (part->lasts.count() != 0) {
      waiting_.push_back({Step{"start", 1, 0ns, PartState{part->part, "sound", part->which}}, -1});
      waiting_.back().due = bench_.clock.now() + part->lasts;
    }
  } else {
    const HostBehaviour behaviour = std::get<HostBehaviour>(action);
    post(Source::host, behaviour);
    co_await bench_.host->set(behaviour);
  }
}

/// The moments at which the rail was measured are the record; a message that the path holds goes on once it is as low
/// as it should be, into a terminal that has survived that or not.
Task<> Watch::brown_out(BrownOut dip, int held) {
  post(Source::power, dip);
  powered_ = false;  // also when it is cut short: rest brings the voltage back
  browned_out_ = true;
  bool confirmed = false;
  const std::function<void(Reading)> measured = [&](Reading reading) {
    post(Source::power, reading);
    if (bench_.scope.without_power(reading.rail_mv)) idle_ = false;
    const bool low = bench_.scope.without_power(reading.rail_mv) || reading.rail_mv <= dip.to_mv + dip.to_mv / 50;
    if (held >= 0 && low && !std::exchange(confirmed, true)) bench_.network->confirm(held, true);
  };
  co_await bench_.power->brown_out(dip, measured);
  powered_ = true;
}

/// Readings one after the other, each as soon as it is due and the one before it has come.
Task<> Watch::log_current(Duration every) {
  std::string failure;
  try {
    for (Time due = bench_.clock.now(); logging_; due = std::max(due + every, bench_.clock.now())) {
      co_await bench_.clock.wait(log_over_, due);
      if (!logging_) break;
      Reading reading = co_await bench_.power->read();
      if (logging_) post(Source::power, reading);
    }
  } catch (const EquipmentError& e) {
    failure = e.what();
  }
  if (!failure.empty()) post(Source::rig, EquipmentFault{failure});
}

void Watch::end_log() {
  if (std::exchange(logging_, false)) log_over_.ring();
}

Task<> Watch::clear() {
  if (bench_.parts != nullptr && !sound_) {
    StepAction mend = PartState{"all", "sound"};
    co_await perform(std::move(mend));
    sound_ = true;
  }
  if (bench_.network != nullptr) bench_.network->set(Impairment{});
  if (bench_.host != nullptr) {
    HostBehaviour normal;
    co_await bench_.host->set(std::move(normal));
  }
}

Task<> Watch::rest() {
  std::string failure;
  try {
    co_await clear();
  } catch (const std::runtime_error& e) {
    failure = e.what();  // one device that fails keeps no other from its rest
  }
  if (bench_.power != nullptr && !powered_) {
    const Supply on{true};
    Reading reading = co_await bench_.power->set(on);
    powered_ = true;
    post(Source::power, reading);
  }
  if (!failure.empty()) throw EquipmentError(failure);
}

}  // namespace swiperig
