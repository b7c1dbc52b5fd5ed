// The safe state of a SCPI supply: its output as the bench file says, asked back. A command that was cut off in the
// middle is spoiled first, so that half a number never becomes a voltage. Setting an output is idempotent, so it is
// said again, a bounded number of times, where the supply does not confirm it.
#pragma once

#include <cstdint>
#include <string>

#include "drivers/safe_state.hpp"

namespace swiperig {

enum class SafeOutput { off, on, leave };

class SafeScpi final : public SafeState {
 public:
  /// `voltage_mv`: what an output that is to be on is set to first, in case a brown-out was under way; 0: left alone.
  explicit SafeScpi(SafeOutput output, std::int64_t voltage_mv = 0);
  void passed(std::string_view bytes) noexcept override;
  void heard(std::string_view bytes) noexcept override;
  void begin(bool cut) noexcept override;
  Step step(double now_s) noexcept override;

 private:
  const SafeOutput output_;
  const std::string text_;  // ready before it is needed
  ShortLines to_it_, from_it_;
  bool cut_ = false, making_ = false, confirmed_ = false, denied_ = false;
  int tries_ = 0, asked_ = 0;
  double until_s_ = 0;
};

}  // namespace swiperig
