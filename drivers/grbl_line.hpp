// One line from a GRBL 1.1 controller, taken apart. Total: any text gives a kind; what is nothing known is garbage.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace swiperig {

struct GrblLine {
  enum Kind { ok, error, alarm, banner, status, setting, message, garbage } kind = garbage;
  int number = 0;       ///< of an error, an alarm or a setting
  double value = 0;     ///< of a setting
  std::string state;    ///< of a status report: "Idle", "Hold:0"
  bool probe = false;   ///< the report tells that the probe's pin is on
  bool placed = false;  ///< the report tells a machine position
  double x_mm = 0, y_mm = 0, z_mm = 0;
};

GrblLine parse_grbl(std::string_view line);
/// "alarm 3: reset in motion, position lost"
std::string words_of_alarm(int number);
std::string words_of_error(int number);

}  // namespace swiperig
