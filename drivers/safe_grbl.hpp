// The safe state of a robot behind a GRBL 1.1 controller: feed hold, so that no steps are lost; once it says that it
// stands, or has had the time to, a soft reset, which drops what was planned and opens the jaws; parked when its place
// is known, unless it is to stay where it stands. It is known when a $H was seen to be answered by its own ok, and
// neither an alarm nor a banner came since.
#pragma once

#include <string>

#include "drivers/safe_state.hpp"

namespace swiperig {

struct GrblSettings;

/// Nobody may be near a robot that is parked.
enum class AfterReset { parks, stays };

class SafeGrbl final : public SafeState {
 public:
  explicit SafeGrbl(const GrblSettings&, AfterReset = AfterReset::parks);
  void passed(std::string_view bytes) noexcept override;
  void heard(std::string_view bytes) noexcept override;
  void begin(bool cut) noexcept override;
  Step step(double now_s) noexcept override;

 private:
  enum class Phase { hold, holding, resetting, asking, parking, end };
  void line(std::string_view text) noexcept;
  Step ask(double now_s, double every_s) noexcept;
  Step done(bool proved) noexcept;

  const std::string park_;
  const AfterReset after_;
  double hold_limit_s_ = 0, park_limit_s_ = 0;

  ShortLines to_it_, from_it_;
  int unanswered_ = 0;
  int home_in_ = 0;  // answers until that of $H, 0: none is awaited
  bool homed_ = false;

  Phase phase_ = Phase::end;
  double until_s_ = 0, ask_at_s_ = 0;
  int at_rest_ = 0;  // reports in a row that say so
  int oks_ = 0;
  bool banner_ = false, held_ = false, idle_ = false, alarm_ = false, proved_ = false;
};

}  // namespace swiperig
