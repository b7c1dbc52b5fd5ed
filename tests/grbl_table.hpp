// The GRBL stand-in against the protocol of DOMAIN.md 4.1, row by row: what was sent before, what is sent, and all that
// must be heard within `wait`. Written from the document; where that only names a thing, from the notes it cites
// (interface.md, jogging.md of GRBL), and rows that say "firmware" from the order of checks in the source of GRBL 1.1,
// where its notes say otherwise or nothing.
#pragma once

#include <ostream>

#include "tests/conversation_table.hpp"
#include "tests/robot_lab.hpp"

namespace swiperig {

struct GrblStep {
  std::string sent;
  Duration wait = std::chrono::milliseconds(100);
};

struct GrblRow {
  std::string rule;
  std::vector<GrblStep> before;
  std::string sent;
  std::vector<std::string> wanted;
  Duration wait = std::chrono::milliseconds(100);
  void (*wire)(RobotWiring&) = nullptr;       ///< before power-up
  void (*wire_late)(RobotWiring&) = nullptr;  ///< before `sent`
};
inline void PrintTo(const GrblRow& row, std::ostream* out) { *out << row.rule << ": " << row.sent; }

// States to begin in, as what brings a controller there.
using GrblSteps = std::vector<GrblStep>;
inline const Duration kGrblLong = std::chrono::seconds(20);
inline GrblSteps locked() { return {{""}}; }
inline GrblSteps homed() { return {{""}, {"$H\n", kGrblLong}}; }
/// `one` after another.
inline GrblSteps then(GrblSteps steps, std::string sent, Duration wait = std::chrono::milliseconds(100)) {
  steps.push_back({std::move(sent), wait});
  return steps;
}
inline GrblSteps running() { return then(homed(), "G1 X400 F6000\n"); }  // 4 s
inline GrblSteps jogging() { return then(homed(), "$J=X400 F6000\n"); }
inline GrblSteps checking() { return then(homed(), "$C\n"); }
inline GrblSteps asleep() { return then(homed(), "$SLP\n"); }
inline GrblSteps homing() { return then(locked(), "$H\n", std::chrono::milliseconds(10)); }
/// At 100 mm/s and 100 mm/s2: a second to stop.
inline GrblSteps sluggish() {
  return then(then(homed(), "$120=100\n"), "G1 X400 F6000\n", std::chrono::milliseconds(1500));
}

inline const std::string kGrblBanner = "Grbl 1.1h ['$' for help]";
inline const std::string kGrblLocked = "[MSG:'$H'|'$X' to unlock]";

inline Lines play(const GrblRow& row) {
  RobotLab lab;
  if (row.wire != nullptr) row.wire(lab.robot.wiring);
  Lines heard;
  lab.run([&]() -> Task<> {
    for (const GrblStep& step : row.before) {
      co_await lab.console.send(step.sent);
      co_await lab.clock.sleep_for(step.wait);
      co_await hear_all(lab.console, Duration(0));
    }
    if (row.wire_late != nullptr) row.wire_late(lab.robot.wiring);
    co_await lab.console.send(row.sent);
    co_await lab.clock.sleep_for(row.wait);
    auto lines = co_await hear_all(lab.console, Duration(0));
    heard = std::move(lines);
  });
  return heard;
}

/// Those of `names` with which no wanted line of the rows begins.
inline Lines missing(const Lines& names, const std::vector<GrblRow>& rows) {
  Lines out;
  for (const auto& name : names) {
    bool found = false;
    for (const auto& row : rows) {
      for (const auto& line : row.wanted) found = found || line == name || line.starts_with(name + "|");
    }
    if (!found) out.push_back(name);
  }
  return out;
}

}  // namespace swiperig
