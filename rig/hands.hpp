// What somebody does on a bench by hand, one thing after another, to find out what happens: traced like a case, in one
// cycle that claims nothing. Rules about money hold for it all the same.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>

#include "rig/case.hpp"

namespace swiperig {

/// Time passes, until a milestone is seen where one is named.
struct Pause {
  Duration most{};
  std::string milestone = {};
};
/// Voltage and current are read.
struct LookAtRail {};
/// The parts are sound, the network is clear, and the host is as it should be.
struct Mend {};
using ByHand = std::variant<StepAction, Pause, LookAtRail, Mend>;

/// Whose hands they are.
class Hands {
 public:
  virtual ~Hands() = default;
  /// Something is to be done, or nothing more is.
  virtual bool asked() = 0;
  /// What is to be done now; nothing: that was all.
  virtual std::optional<ByHand> take() = 0;
  /// That was done; all that was seen since the last time.
  virtual void done(std::span<const Event>) = 0;
  /// How often to ask; never: the watch is nudged.
  virtual Duration every() const = 0;
};

/// The case of such a cycle.
Case case_by_hand();

}  // namespace swiperig
