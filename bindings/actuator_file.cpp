#include "bindings/actuator_file.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>

#include "bindings/config.hpp"
#include "bindings/envelope.hpp"
#include "drivers/robot_way.hpp"
#include "drivers/swipe_path.hpp"
#include "rig/decimal.hpp"

namespace swiperig {

namespace {

constexpr double kMostMm = 5000;
constexpr const char* kPlaces[] = {"keys_mm", "cards_mm", "heights_mm", "places_mm"};

double across(const Value& v) { return v.number(0, kMostMm); }
double height(const Value& v) { return v.number(-kMostMm, 0); }

ToolPlace tool_place(const Value& v) {
  const auto& xyz = v.array();
  if (xyz.size() != 3) v.refuse("three coordinates in mm, [x, y, z]");
  return {across(xyz[0]), across(xyz[1]), height(xyz[2])};
}

/// How the robot's cards lie in their slots where not straight.
void read_lies(const Table& all, GrblSettings& robot) {
  for (const auto& [name, v] : all.all()) {
    const Table& t = v.table();
    if (!robot.slots.contains(name)) v.refuse("one of the cards in cards_mm as a name, not " + name);
    CardLie lie;
    if (const Value* face = t.find("face")) lie.face = face->word({"front", "back", "upside_down"});
    if (const Value* tilt = t.find("tilt")) lie.tilt_mdeg = tilt->quantity("deg", 0, 20'000);
    t.nothing_else();
    robot.lies.emplace(name, std::move(lie));
  }
}

void read_travel(const Value& v, GrblSettings& robot) {
  const auto& sides = v.array();
  if (sides.size() != 3) v.refuse("the travel in mm, [x, y, z]");
  robot.travel_x_mm = static_cast<double>(sides[0].integer(1, 5000));
  robot.travel_y_mm = static_cast<double>(sides[1].integer(1, 5000));
  robot.travel_z_mm = static_cast<double>(sides[2].integer(1, 5000));
}

bool overlap(const GrblRegion& a, const GrblRegion& b) {
  return a.from_x_mm < b.to_x_mm && b.from_x_mm < a.to_x_mm && a.from_y_mm < b.to_y_mm && b.from_y_mm < a.to_y_mm;
}

/// Where the terminals stand that share the robot, and which of them is this bench's.
void read_regions(const Table& actuator, GrblSettings& robot) {
  const Value* own = actuator.find("region");
  const Value* all = actuator.find("regions");
  if (own == nullptr && all == nullptr) return;
  if (all == nullptr) own->refuse("[actuator.regions] beside it: where each terminal stands");
  for (const auto& [name, v] : all->table().all()) {
    const Table& t = v.table();
    const TaughtPlace from = taught_place(t.at("from_mm")), to = taught_place(t.at("to_mm"));
    const GrblRegion region{from.x_mm, from.y_mm, to.x_mm, to.y_mm, height(t.at("top_mm"))};
    t.nothing_else();
    if (from.x_mm >= to.x_mm || from.y_mm >= to.y_mm) t.at("to_mm").refuse("a corner beyond from_mm, in X and in Y");
    for (const auto& [other, there] : robot.regions) {
      if (overlap(region, there)) v.refuse("a region that does not overlap '" + other + "'");
    }
    if (region.top_z_mm > robot.clear_z_mm) {
      t.at("top_mm").refuse("a top below the safe height of " + decimal(robot.clear_z_mm, 1) +
                            " mm (heights_mm.clear), at which the robot travels");
    }
    robot.regions.emplace(name, region);
  }
  if (own == nullptr) all->refuse("region = \"...\" beside it: which of them is this bench's terminal");
  robot.region = own->text();
  if (!robot.regions.contains(robot.region)) own->refuse("one of the regions in [actuator.regions]");
}

void read_machine(const Table& actuator, GrblSettings& robot) {
  robot.max_speed_mm_s = actuator.at("max_speed").quantity("mm/s", 1, 5000);
  robot.acceleration_mm_s2 = static_cast<double>(actuator.at("acceleration_mm_s2").integer(100, 100'000));
  if (const Value* v = actuator.find("travel_mm")) read_travel(*v, robot);
  if (const Value* v = actuator.find("card_sensor")) robot.card_sensor = v->word({"probe", "none"}) == "probe";
  if (const Value* v = actuator.find("acceleration_settable")) robot.acceleration_settable = v->flag();
}

std::string travel_text(const GrblSettings& s) {
  return decimal(s.travel_x_mm, 0) + " x " + decimal(s.travel_y_mm, 0) + " x " + decimal(s.travel_z_mm, 0) + " mm";
}

void reach(const Value& at, const GrblSettings& s, const ToolPlace& p) {
  if (!inside(s, p.x_mm, p.y_mm, p.z_mm))
    at.refuse("a place within the robot's travel of " + travel_text(s) + " (travel_mm)");
}

/// Over a place the tool comes down to `z`, from the safe height.
void come_down(const Value& at, const GrblSettings& s, const TaughtPlace& p, double z_mm) {
  reach(at, s, {p.x_mm, p.y_mm, z_mm});
  const auto why = refuse_line(s, {p.x_mm, p.y_mm, s.clear_z_mm}, {p.x_mm, p.y_mm, z_mm});
  if (why) at.refuse("a place that no other terminal's region is in the way of: " + *why);
}

void read_heights(const Table& t, GrblSettings& s) {
  const std::pair<const char*, double*> all[] = {{"clear", &s.clear_z_mm},
                                                 {"hover", &s.hover_z_mm},
                                                 {"press", &s.press_z_mm},
                                                 {"grip", &s.grip_z_mm},
                                                 {"swipe", &s.swipe_z_mm}};
  for (const auto& [name, z_mm] : all) {
    const Value* v = t.find(name);
    if (v == nullptr) continue;
    *z_mm = height(*v);
    if (-*z_mm > s.travel_z_mm) v->refuse("a height within the robot's travel of " + travel_text(s) + " (travel_mm)");
  }
  t.nothing_else();
  if (s.clear_z_mm < s.hover_z_mm || s.hover_z_mm < s.press_z_mm) {
    t.self().refuse("heights in order: clear (" + decimal(s.clear_z_mm, 1) + ") above hover (" +
                    decimal(s.hover_z_mm, 1) + ") above press (" + decimal(s.press_z_mm, 1) + ")");
  }
}

void read_places(const Table& t, GrblSettings& s) {
  if (const Value* v = t.find("head")) {
    const TaughtPlace head = taught_place(*v);
    s.head_x_mm = head.x_mm, s.swipe_y_mm = head.y_mm;
    reach(*v, s, {s.head_x_mm, s.swipe_y_mm, s.swipe_z_mm});
  }
  for (const auto& [name, x_mm] : {std::pair{"swipe_from", &s.swipe_start_x_mm}, {"swipe_to", &s.swipe_end_x_mm}}) {
    const Value* v = t.find(name);
    if (v == nullptr) continue;
    *x_mm = across(*v);
    reach(*v, s, {*x_mm, s.swipe_y_mm, s.swipe_z_mm});
  }
  if (const Value* v = t.find("chip_slot")) {
    const ToolPlace p = tool_place(*v);
    s.chip_slot = {{p.x_mm, p.y_mm}, p.z_mm};
    come_down(*v, s, s.chip_slot->at, p.z_mm);
  }
  if (const Value* v = t.find("field")) {
    const ToolPlace p = tool_place(*v);
    s.field = {{p.x_mm, p.y_mm}, p.z_mm};
    come_down(*v, s, s.field->at, p.z_mm);
  }
  t.nothing_else();
}

/// The heights, and what is taught at them; regions are known by then.
void read_taught(const Table& places, GrblSettings& s, bool all) {
  const Value* keys = all ? &places.at("keys_mm") : places.find("keys_mm");
  const Value* cards = all ? &places.at("cards_mm") : places.find("cards_mm");
  if (const Value* v = places.find("places_mm")) read_places(v->table(), s);
  if (keys != nullptr) {
    const auto own = s.regions.find(s.region);
    for (const auto& [name, v] : keys->table().all()) {
      const TaughtPlace p = s.keys[name] = taught_place(v);
      come_down(v, s, p, s.press_z_mm);
      if (own == s.regions.end()) continue;
      const GrblRegion& r = own->second;
      if (p.x_mm < r.from_x_mm || p.x_mm > r.to_x_mm || p.y_mm < r.from_y_mm || p.y_mm > r.to_y_mm) {
        v.refuse("a key within the region of its terminal, '" + s.region + "'");
      }
    }
  }
  if (cards == nullptr) return;
  for (const auto& [name, v] : cards->table().all()) come_down(v, s, s.slots[name] = taught_place(v), s.grip_z_mm);
}

/// A card goes in as far as the slot is deep.
void read_chip_depth(const Table& actuator, const Table& places, GrblSettings& s) {
  const Value* depth = actuator.find("chip_depth");
  if (depth != nullptr && !s.chip_slot) depth->refuse("chip_slot in places_mm beside it");
  if (!s.chip_slot) return;
  GrblChipSlot& chip = *s.chip_slot;
  if (depth != nullptr) chip.depth_mm = static_cast<double>(depth->quantity("mm", 5, 80));
  const Value& where = depth != nullptr ? *depth : places.at("places_mm").table().at("chip_slot");
  reach(where, s, {chip.at.x_mm + chip.depth_mm, chip.at.y_mm, chip.z_mm});
}

void read_park(const Table& actuator, GrblSettings& s) {
  const Value* v = actuator.find("park_mm");
  if (v == nullptr) return;
  const TaughtPlace p = taught_place(*v);
  reach(*v, s, {p.x_mm, p.y_mm, s.clear_z_mm});
  s.park_x_mm = p.x_mm, s.park_y_mm = p.y_mm;
}

std::string positions_beside(const Value& name) {
  const std::filesystem::path relative = name.text();
  if (relative.empty() || relative.is_absolute()) name.refuse("the name of a file, relative to this one");
  return (std::filesystem::path(name.file()).parent_path() / relative).lexically_normal().string();
}

void open_positions(const Table& actuator, const std::string& path, BenchFile& b) {
  const Value* positions = actuator.find("positions");
  if (positions == nullptr) return;
  for (const char* key : kPlaces) {
    if (const Value* odd = actuator.find(key)) odd->refuse(std::string("no ") + key + " beside positions: it is there");
  }
  const std::string file = positions_beside(*positions);
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    positions->refuse("a file of taught positions; `swiperig teach " + path + "` makes it");
  }
  b.positions = read_config(file);
  b.positions->at("schema").integer(1, 1);
}

}  // namespace

TaughtPlace taught_place(const Value& v) {
  const auto& xy = v.array();
  if (xy.size() != 2) v.refuse("two coordinates in mm, [x, y]");
  return {across(xy[0]), across(xy[1])};
}

const Table& places_of(const Table& actuator, const BenchFile& b) { return b.positions ? *b.positions : actuator; }

/// Digits by name; an error shows none of them.
void read_pins(const std::string& file, const Value& at, BenchFile& b) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) at.refuse("a file of test PINs: schema = 1 and NAME = \"1234\"");
  const auto pins = read_config(file);
  pins->at("schema").integer(1, 1);
  for (const auto& [name, v] : pins->all()) {
    if (name == "schema") continue;
    const std::string digits = v.is_text() ? v.text() : "";
    const bool good = digits.size() >= 4 && digits.size() <= 12 &&
                      digits.find_first_not_of("0123456789") == std::string::npos &&
                      name.find(' ') == std::string::npos;
    if (!good) throw ConfigError(v.where() + ": expected a PIN of 4 to 12 digits in quotes, under a name of one word");
    b.robot.pins.emplace(name, digits);
  }
}

void read_actuator(const Table& actuator, const std::string& path, BenchFile& b) {
  read_machine(actuator, b.robot);
  open_positions(actuator, path, b);
  const Table& places = places_of(actuator, b);
  if (const Value* v = places.find("heights_mm")) read_heights(v->table(), b.robot);
  read_regions(actuator, b.robot);
  read_taught(places, b.robot, true);
  b.keys_where = places.at("keys_mm").where();
  read_chip_depth(actuator, places, b.robot);
  read_park(actuator, b.robot);
  if (const Value* v = actuator.find("cards_lie")) read_lies(v->table(), b.robot);
  if (const Value* v = actuator.find("pins")) read_pins(positions_beside(*v), *v, b);
  b.good_card = actuator.at("good_card").text();
  if (!b.robot.slots.contains(b.good_card)) actuator.at("good_card").refuse("one of the cards in cards_mm");
  if (b.robot.lies.contains(b.good_card)) actuator.at("good_card").refuse("a card that lies straight");
  if (b.positions) b.positions->nothing_else();
  if (const Value* v = actuator.find("envelope")) {
    v->word({"required"});
    if (b.actuator.scheme != "virtual" && !envelope_given()) {
      v->refuse(std::string("the envelope of this machine, ") + machine_envelope +
                ", where root says max_speed, max_acceleration_mm_s2, travel_mm, max_voltage and max_current; there is "
                "none: write it, or take this line out");
    }
  }
}

void fit_robot(const Table& actuator, GrblSettings& s) {
  s.travel_speed_mm_s = std::min(s.travel_speed_mm_s, s.max_speed_mm_s);
  s.z_speed_mm_s = std::min(s.z_speed_mm_s, s.max_speed_mm_s);
  if (actuator.find("park_mm") != nullptr) return;
  s.park_x_mm = std::clamp(s.park_x_mm, 0.0, std::max(0.0, s.travel_x_mm - 20));
  s.park_y_mm = std::clamp(s.park_y_mm, 0.0, std::max(0.0, s.travel_y_mm - 20));
}

TeachBench read_teach_bench(const std::string& path) {
  const auto root = read_bench_table(path);
  TeachBench teach;
  BenchFile& b = teach.bench;
  b.path = path;
  b.name = root->at("name").text();
  const Table& actuator = root->at("actuator").table();
  b.actuator = actuator_link(actuator.at("link"));
  b.is_virtual = b.actuator.scheme == "virtual";
  read_machine(actuator, b.robot);
  const Value* positions = actuator.find("positions");
  if (positions == nullptr) {
    actuator.self().refuse("positions = \"NAME.toml\" in [actuator]: the file that what is taught goes to");
  }
  teach.positions_path = positions_beside(*positions);
  std::error_code error;
  b.positions = std::filesystem::exists(teach.positions_path, error) ? read_config(teach.positions_path)
                                                                     : std::make_shared<Table>();
  if (const Value* v = b.positions->find("heights_mm")) read_heights(v->table(), b.robot);
  read_regions(actuator, b.robot);
  read_taught(*b.positions, b.robot, false);
  read_park(actuator, b.robot);
  if (!b.is_virtual) hold_envelope(*root, b);
  fit_robot(actuator, b.robot);
  return teach;
}

void check_positions(const TeachBench& teach, const std::string& text) {
  const auto table = parse_config(text, teach.positions_path);
  GrblSettings robot = teach.bench.robot;
  if (const Value* v = table->find("heights_mm")) read_heights(v->table(), robot);
  read_taught(*table, robot, true);
}

}  // namespace swiperig
