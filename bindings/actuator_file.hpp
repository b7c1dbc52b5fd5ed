// [actuator] of a bench file: what the robot may do, the places it was taught, and the regions of the terminals that
// share it. The places are in the bench file itself, or in a file of their own that `swiperig teach` writes
// (`positions = "lab.positions.toml"`):
//   schema = 1
//   [keys_mm]                      the middle of each key: 1 = [400, 120]
//   [cards_mm]                     each card slot of the magazine: debit = [100, 200]
//   [heights_mm]                   clear, hover, press, grip, swipe: of the tool, 0 at the top, negative below
//   [places_mm]                    head = [x, y], swipe_from = x, swipe_to = x, chip_slot = [x, y, z], field = [x, y,
//   z]
// Millimetres, whole or with a fraction, in the machine's own coordinates. Whatever is left out is as usual; a terminal
// without a chip_slot or a field gets no dips or taps.
#pragma once

#include <string>

#include "bindings/bench_file.hpp"

namespace swiperig {

TaughtPlace taught_place(const Value&);

/// All of the table but driver and link. Throws ConfigError, also for a place that the robot cannot reach.
void read_actuator(const Table& actuator, const std::string& path, BenchFile&);

/// Moves between the places of a case keep to the bench's own limits, and where the bench does not say where the robot
/// parks, it parks inside its travel.
void fit_robot(const Table& actuator, GrblSettings&);

/// The table that the places of this bench are in.
const Table& places_of(const Table& actuator, const BenchFile&);

/// What teaching needs to know of a bench: its robot, and the places that were taught so far; the rest of the file may
/// still be wrong. `positions_path` is where they go; it need not be there yet. Throws ConfigError.
struct TeachBench {
  BenchFile bench;
  std::string positions_path;
};
TeachBench read_teach_bench(const std::string& path);
/// Refuses a text for the positions file that the bench could not take. Throws ConfigError.
void check_positions(const TeachBench&, const std::string& text);

}  // namespace swiperig
