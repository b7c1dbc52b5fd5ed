#include "rig/case.hpp"

namespace swiperig {

namespace {

struct Describe {
  std::string operator()(const Swipe& a) const {
    return "swipe card \"" + a.card + "\" at " + std::to_string(a.speed_mm_s) + " mm/s" +
           (a.reverse ? ", the wrong way round" : "") + (manner_of(a).empty() ? "" : ", " + manner_of(a));
  }
  std::string operator()(const Press& a) const { return "press " + a.keys; }
  std::string operator()(const Supply& a) const { return a.on ? "switch the power on" : "cut the power"; }
  std::string operator()(const NetworkFault& a) const {
    const std::string lasts = a.lasts.count() == 0 ? " until the bench is at rest" : " for " + to_text(a.lasts);
    switch (a.kind) {
      case NetworkFault::drop: return "drop the message";
      case NetworkFault::delay: return "hold the message back for " + to_text(a.lasts);
      case NetworkFault::outage: return "cut the network" + lasts;
      case NetworkFault::fin: return "close the connection in order instead of delivering the message";
      case NetworkFault::reset: return "reset the connection instead of delivering the message";
    }
    return {};
  }
  std::string operator()(const HostBehaviour& a) const {
    return "host: " + a.name + (a.code.empty() ? "" : " with code " + a.code) +
           (a.lasts.count() == 0 ? "" : ", " + to_text(a.lasts));
  }
};

}  // namespace

std::string describe(const StepAction& action) { return std::visit(Describe{}, action); }

std::string describe(const Step& step) {
  std::string text = "at " + step.when;
  if (step.nth != 1) text += " (" + std::to_string(step.nth) + ".)";
  if (step.after.count() != 0) text += " + " + to_text(step.after);
  return text + ": " + describe(step.action);
}

}  // namespace swiperig
