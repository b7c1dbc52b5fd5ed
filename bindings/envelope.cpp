#include "bindings/envelope.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "bindings/actuator_file.hpp"
#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "drivers/swipe_path.hpp"

namespace swiperig {
namespace {

void check_owner(const std::string& path) {
  struct stat at = {};
  if (stat(path.c_str(), &at) != 0) throw ConfigError(path + ": " + std::strerror(errno));
  if (at.st_uid != 0 || (at.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    throw ConfigError(path + ": expected a file of root that nobody else may write (chown root, chmod 644)");
  }
}

[[noreturn]] void refuse(const Value& wanted, const std::string& most, const Value& limit) {
  wanted.refuse("at most " + most + ", the envelope of this machine (" + limit.where() + ")");
}

/// A limit in the envelope, and the same in the bench file.
void hold(const Table& envelope, const char* key, const Value* wanted, std::string_view unit, std::int64_t least,
          std::int64_t most) {
  const Value* limit = envelope.find(key);
  if (limit == nullptr) return;
  const std::int64_t at_most = limit->quantity(unit, least, most);
  if (wanted != nullptr && wanted->quantity(unit, least, most) > at_most) refuse(*wanted, limit->text(), *limit);
}

void hold_acceleration(const Table& envelope, const Table& actuator) {
  const Value* limit = envelope.find("max_acceleration_mm_s2");
  if (limit == nullptr) return;
  const std::int64_t most = limit->integer(100, 100'000);
  const Value& wanted = actuator.at("acceleration_mm_s2");
  if (wanted.integer(100, 100'000) > most) refuse(wanted, std::to_string(most), *limit);
}

/// Every place that the robot goes to for this bench, at the height at which it is there. `within`: the travel in
/// words.
void hold_places(const Table& actuator, const BenchFile& bench, const std::string& within) {
  const GrblSettings& robot = bench.robot;
  const Table& taught = places_of(actuator, bench);
  const auto hold = [&](const Value& at, double x_mm, double y_mm, double z_mm, const std::string& what = "a place") {
    if (!inside(robot, x_mm, y_mm, z_mm)) at.refuse(what + " within " + within);
  };
  const auto hold_all = [&](const char* table, double z_mm) {
    const Value* there = taught.find(table);
    if (there == nullptr) return;
    for (const auto& [name, value] : there->table().all()) {
      const TaughtPlace p = taught_place(value);
      hold(value, p.x_mm, p.y_mm, z_mm);
    }
  };
  if (const Value* heights = taught.find("heights_mm")) {
    for (const auto& [name, value] : heights->table().all()) hold(value, 0, 0, value.number(-5000, 0), "a height");
  }
  hold_all("keys_mm", robot.press_z_mm);
  hold_all("cards_mm", robot.grip_z_mm);
  if (const Value* places = taught.find("places_mm")) {
    for (const auto& [name, value] : places->table().all()) {
      if (name == "head") hold(value, robot.head_x_mm, robot.swipe_y_mm, robot.swipe_z_mm);
      if (name == "swipe_from") hold(value, robot.swipe_start_x_mm, robot.swipe_y_mm, robot.swipe_z_mm);
      if (name == "swipe_to") hold(value, robot.swipe_end_x_mm, robot.swipe_y_mm, robot.swipe_z_mm);
      if (name == "field" && robot.field) hold(value, robot.field->at.x_mm, robot.field->at.y_mm, robot.field->z_mm);
      if (name != "chip_slot" || !robot.chip_slot) continue;
      const GrblChipSlot& chip = *robot.chip_slot;
      hold(value, chip.at.x_mm, chip.at.y_mm, chip.z_mm);
      hold(value, chip.at.x_mm + chip.depth_mm, chip.at.y_mm, chip.z_mm, "a slot, as deep as it is,");
    }
  }
  if (const Value* park = actuator.find("park_mm")) hold(*park, robot.park_x_mm, robot.park_y_mm, robot.clear_z_mm);
}

void hold_travel(const Table& envelope, const Table& actuator, BenchFile& bench) {
  GrblSettings& robot = bench.robot;
  const Value* limit = envelope.find("travel_mm");
  if (limit == nullptr) return;
  const std::array<double*, 3> travel = {&robot.travel_x_mm, &robot.travel_y_mm, &robot.travel_z_mm};
  const auto& sides = limit->array();
  if (sides.size() != 3) limit->refuse("the travel in mm, [x, y, z]");
  std::string text;
  for (std::size_t i = 0; i < travel.size(); ++i) {
    const std::int64_t most_mm = sides[i].integer(1, 5000);
    text += (i == 0 ? "" : " x ") + std::to_string(most_mm) + (i == 2 ? " mm" : "");
    if (const Value* wanted = actuator.find("travel_mm")) {
      const Value& side = wanted->array().at(i);
      if (side.integer(1, 5000) > most_mm) refuse(side, std::to_string(most_mm) + " mm", *limit);
    }
    *travel[i] = std::min(*travel[i], static_cast<double>(most_mm));
  }
  hold_places(actuator, bench, text + ", the travel of this machine (" + limit->where() + ")");
}

}  // namespace

void hold_envelope(const std::string& path, bool roots, const Table& root, BenchFile& bench) {
  if (roots) check_owner(path);
  const auto envelope = read_config(path);
  envelope->at("schema").integer(1, 1);
  const Table& actuator = root.at("actuator").table();
  const Table& power = root.at("power").table();
  hold(*envelope, "max_speed", &actuator.at("max_speed"), "mm/s", 1, 5000);
  hold_acceleration(*envelope, actuator);
  hold_travel(*envelope, actuator, bench);
  if (const Value* v = envelope->find("max_speed")) {
    bench.robot.envelope_mm_s = static_cast<double>(v->quantity("mm/s", 1, 5000));
  }
  if (const Value* v = envelope->find("max_acceleration_mm_s2")) {
    bench.robot.envelope_mm_s2 = static_cast<double>(v->integer(100, 100'000));
  }
  hold(*envelope, "max_voltage", power.find("voltage"), "V", 1000, 60'000);
  hold(*envelope, "max_current", power.find("current_limit"), "A", 10, 20'000);
  envelope->nothing_else();
}

bool envelope_given() {
  struct stat at = {};
  const char* more = std::getenv("SWIPERIG_ENVELOPE");
  return stat(machine_envelope, &at) == 0 || (more != nullptr && *more != '\0');
}

void hold_envelope(const Table& root, BenchFile& bench) {
  struct stat at = {};
  if (stat(machine_envelope, &at) == 0 || errno != ENOENT) hold_envelope(machine_envelope, true, root, bench);
  const char* more = std::getenv("SWIPERIG_ENVELOPE");
  if (more != nullptr && *more != '\0') hold_envelope(more, false, root, bench);
}

}  // namespace swiperig
