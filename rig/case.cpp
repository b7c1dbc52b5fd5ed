#include "rig/case.hpp"

namespace swiperig {

namespace {

struct FaultRow {
  std::string_view name;
  NetworkFault::Upon upon;
};
constexpr FaultRow fault_rows[] = {
#define NETWORK_FAULT(name, upon, text) {#name, NetworkFault::upon},
#include "rig/network_faults.def"
#undef NETWORK_FAULT
};

struct Describe {
  std::string operator()(const Swipe& a) const {
    return "swipe card \"" + a.card + "\" at " + std::to_string(a.speed_mm_s) + " mm/s" +
           (a.reverse ? ", the wrong way round" : "") + (manner_of(a).empty() ? "" : ", " + manner_of(a));
  }
  std::string operator()(const Press& a) const { return "press " + a.keys; }
  std::string operator()(const Dip& a) const {
    return "dip card \"" + a.card + "\" for " + to_text(a.dwell) + (manner_of(a).empty() ? "" : ", " + manner_of(a));
  }
  std::string operator()(const CardTap& a) const {
    return "tap card \"" + a.card + "\" for " + to_text(a.hold) + (manner_of(a).empty() ? "" : ", " + manner_of(a));
  }
  std::string operator()(const Supply& a) const { return a.on ? "switch the power on" : "cut the power"; }
  std::string operator()(const BrownOut& a) const {
    const auto ramp = [&](const char* word, Duration d) {
      return d.count() == 0 ? std::string() : std::string(", ") + word + " over " + to_text(d);
    };
    return "lower the rail to " + std::to_string(a.to_mv) + " mV for " + to_text(a.lasts) + ramp("falling", a.fall) +
           ramp("rising", a.rise) + (a.steps == 0 ? "" : ", in " + std::to_string(a.steps) + " steps");
  }
  std::string operator()(const NetworkFault& a) const {
    const std::string lasts = a.lasts.count() == 0 ? " until the bench is at rest" : " for " + to_text(a.lasts);
    const std::string only = a.side == NetworkFault::both   ? ""
                             : a.side == NetworkFault::host ? ", towards the host only"
                                                            : ", towards the terminal only";
    const std::string count = std::to_string(a.count);
    const std::string ending = a.then == NetworkFault::silence    ? "nothing more"
                               : a.then == NetworkFault::in_order ? "close the connection in order" + only
                                                                  : "reset the connection" + only;
    switch (a.kind) {
      case NetworkFault::drop: return "drop the message";
      case NetworkFault::delay: return "hold the message back for " + to_text(a.lasts);
      case NetworkFault::outage: return "cut the network" + lasts;
      case NetworkFault::fin: return "close the connection in order instead of delivering the message" + only;
      case NetworkFault::reset: return "reset the connection instead of delivering the message" + only;
      case NetworkFault::cut: return "let " + count + " bytes of the message go on, then " + ending;
      case NetworkFault::duplicate: return "deliver the message twice";
      case NetworkFault::reorder:
        return "hold the message back until the next of its direction has gone on" +
               (a.lasts.count() == 0 ? "" : ", at most " + to_text(a.lasts));
      case NetworkFault::alter:
        return "change the " + a.what + (a.what == "bit" ? " " + count : "") + " in the message, its MAC as it was";
      case NetworkFault::replay: return "deliver an older message of the host instead";
      case NetworkFault::jitter: return "let each message wait for up to " + to_text(a.wait) + "," + lasts;
      case NetworkFault::rate: return "let " + count + " bytes a second pass" + lasts;
      case NetworkFault::unanswered: return "answer nobody who dials" + lasts;
      case NetworkFault::refused: return "refuse whoever dials" + lasts;
      case NetworkFault::unresolved: return "let the host's name not be found" + lasts;
      case NetworkFault::accept_reset: return "reset every connection as soon as it is made" + lasts;
      case NetworkFault::accept_slow: return "answer whoever dials only after " + to_text(a.wait) + "," + lasts;
      case NetworkFault::cut_after:
        return "let " + count + " bytes of the " + (a.sender == NetworkFault::host ? "host" : "terminal") +
               "'s go on over the connection, then " + ending;
    }
    return {};
  }
  std::string operator()(const HostBehaviour& a) const {
    return "host: " + a.name + (a.code.empty() ? "" : " with code " + a.code) +
           (a.lasts.count() == 0 ? "" : ", " + to_text(a.lasts));
  }
  std::string operator()(const PartState& a) const {
    return a.part + ": " + a.state + (a.which.empty() ? "" : " (" + a.which + ")") +
           (a.lasts.count() == 0 ? "" : " for " + to_text(a.lasts));
  }
};

}  // namespace

NetworkFault::Upon NetworkFault::upon() const { return fault_rows[kind].upon; }

std::string_view to_string(NetworkFault::Kind kind) { return fault_rows[kind].name; }

Impairment condition_of(const NetworkFault& fault) {
  Impairment i;
  i.lasts = fault.lasts;
  i.outage = fault.kind == NetworkFault::outage;
  if (fault.kind == NetworkFault::rate) i.bytes_per_s = fault.count;
  if (fault.kind == NetworkFault::jitter) i.jitter = fault.wait;
  if (fault.upon() == NetworkFault::door) i.door = to_string(fault.kind), i.door_wait = fault.wait;
  return i;
}

std::string describe(const StepAction& action) { return std::visit(Describe{}, action); }

std::string describe(const Impairment& i) {
  std::string text;
  const auto add = [&](NetworkFault::Kind kind, Duration wait, std::int64_t count) {
    text += (text.empty() ? "" : "; ") + describe(StepAction(NetworkFault{kind, i.lasts, wait, count}));
  };
  if (i.outage) add(NetworkFault::outage, {}, 0);
  if (i.bytes_per_s != 0) add(NetworkFault::rate, {}, i.bytes_per_s);
  if (i.jitter.count() != 0) add(NetworkFault::jitter, i.jitter, 0);
  for (std::size_t kind = 0; kind < std::size(fault_rows); ++kind) {
    if (i.door == fault_rows[kind].name) add(static_cast<NetworkFault::Kind>(kind), i.door_wait, 0);
  }
  return text.empty() ? "the network is clear again" : text;
}

std::string describe(const Step& step) {
  std::string text = "at " + step.when;
  if (step.nth != 1) text += " (" + std::to_string(step.nth) + ".)";
  if (step.after.count() != 0) text += " + " + to_text(step.after);
  return text + ": " + describe(step.action);
}

}  // namespace swiperig
