// A SCPI supply as the bench's power switch. What it says is not believed: after each command its error queue is read
// empty, off is proved by the measured rail falling below a threshold (set it to the terminal's brown-out voltage to
// confirm a fault as early as it is one), on by the rail above another; neither in time is an EquipmentError, because
// unknown is never off. The rail stays off for a minimum time before it comes on again. A brown-out goes down and up in
// steps of its own (drivers/supply_steps.hpp) and lasts from the measured depth on; a supply that is too slow for what
// it was told is an EquipmentError. Where a battery or a cable feeds the terminal as well, its second rail is measured
// on another channel, and a reading is the higher of the two, but for what proves that the output is on: that is its
// own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "drivers/conversation.hpp"

namespace swiperig {

struct ScpiSettings {
  std::int64_t voltage_mv = 5000, current_limit_ma = 2000;
  std::int64_t off_below_mv = 500;
  std::int64_t on_above_mv = 4500;
  Duration command_time =
      std::chrono::milliseconds(20);  ///< of one command, its error queue and a measurement, at most
  std::int64_t resolution_mv = 10;    ///< of the set voltage
  int second_rail_channel = 0;        ///< which measures the terminal's other rail; 0: none does
  Duration settle_limit = std::chrono::seconds(2);
  Duration min_off = std::chrono::milliseconds(200);
  Duration reread = std::chrono::milliseconds(5);
  Duration reply_limit = std::chrono::seconds(1);
};

class SupplyScpi final : public PowerSwitch {
 public:
  SupplyScpi(Clock& clock, std::unique_ptr<Link> link, ScpiSettings settings);
  /// Feeds what the supply says; the bench runs it in its crew for as long as the driver lives. Ends after close().
  Task<> serve() { return talk_.serve(); }
  /// Asks who it is, sets voltage and current limit, reads them back; leaves the output alone. Throws EquipmentError.
  Task<> start();
  Task<Reading> set(Supply supply) override;
  Task<Reading> read() override;
  Task<> brown_out(BrownOut, std::function<void(Reading)> measured) override;
  void close() { talk_.close(); }

 private:
  Task<> command(std::string text);
  Task<std::string> query(std::string text);
  Task<std::int64_t> milli(std::string text);
  enum class Rails { own, higher };  ///< the output's, or the higher of it and the second
  Task<Reading> measure(Rails);
  Task<> go(std::int64_t to_mv, Duration time, std::int64_t steps, std::function<void(Reading)> seen);
  Task<> in_step();
  Task<> introduce();

  Conversation talk_;
  const ScpiSettings settings_;
  bool proved_off_ = false;
  std::int64_t set_mv_ = 0;   // other than voltage_mv: a brown-out is under way, or was cut short
  bool out_of_step_ = false;  // an answer is overdue and may still come
  std::optional<Time> off_since_;
};

}  // namespace swiperig
