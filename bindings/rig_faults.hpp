// The part switch of a virtual bench: the terminal's parts over their port as on any bench, and the rig's own robot and
// supply, which a step makes fail (rig/rig_faults.def) by what stands in for them. Put at rest, both are sound again.
#pragma once

#include "fixtures/robot.hpp"
#include "fixtures/supply.hpp"
#include "rig/equipment.hpp"

namespace swiperig {

class RigFaults final : public PartSwitch {
 public:
  RigFaults(PartSwitch& terminal, Robot& robot, SupplyFixture& supply)
      : terminal_(terminal), robot_(robot), supply_(supply) {}
  Task<> set(PartState state) override {
    const bool all = state.part == "all";
    if (all || state.part == "robot") robot_.fail(state.state);
    if (all || state.part == "supply") supply_.fail(state.state);
    if (all || (state.part != "robot" && state.part != "supply")) co_await terminal_.set(std::move(state));
  }

 private:
  PartSwitch& terminal_;
  Robot& robot_;
  SupplyFixture& supply_;
};

}  // namespace swiperig
