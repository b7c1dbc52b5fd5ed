// A SCPI supply as the bench's power switch. What it says is not believed: after each command its error queue is read
// empty, off is proved by the measured rail falling below a threshold (set it to the terminal's brown-out voltage to
// confirm a fault as early as it is one), on by the rail above another; neither in time is an EquipmentError, because
// unknown is never off. The rail stays off for a minimum time before it comes on again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "drivers/conversation.hpp"

namespace swiperig {

struct ScpiSettings {
  std::int64_t voltage_mv = 5000, current_limit_ma = 2000;
  std::int64_t off_below_mv = 500;
  std::int64_t on_above_mv = 4500;
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
  void close() { talk_.close(); }

 private:
  Task<> command(std::string text);
  Task<std::string> query(std::string text);
  Task<std::int64_t> milli(std::string text);
  Task<Reading> measure();
  Task<> in_step();
  Task<> introduce();

  Conversation talk_;
  const ScpiSettings settings_;
  bool proved_off_ = false;
  bool out_of_step_ = false;  // an answer is overdue and may still come
  Time off_since_{};
};

}  // namespace swiperig
