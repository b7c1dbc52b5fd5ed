// What a cycle does to the bench, and how the bench comes to rest again.
#include "rig/cycle.hpp"

namespace swiperig {

using namespace std::chrono_literals;

Task<> Watch::perform(StepAction action) {
  if (const auto* swipe = std::get_if<Swipe>(&action)) {
    post(Source::actuator, *swipe);
    placed_ = false;
    MotionDone done = co_await bench_.actuator->perform(*swipe);
    placed_ = true;
    post(Source::actuator, std::move(done));
  } else if (const auto* press = std::get_if<Press>(&action)) {
    post(Source::actuator, *press);
    placed_ = false;
    MotionDone done = co_await bench_.actuator->perform(*press);
    placed_ = true;
    post(Source::actuator, std::move(done));
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
