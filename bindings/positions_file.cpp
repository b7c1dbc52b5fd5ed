#include "bindings/positions_file.hpp"

#include <algorithm>

#include "bindings/config.hpp"
#include "rig/decimal.hpp"

namespace swiperig {
namespace {

constexpr double kMostMm = 5000;

std::string number(double mm) {
  std::string text = decimal(mm);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string key_of(const std::string& name) {
  const auto bare = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  if (!name.empty() && std::all_of(name.begin(), name.end(), bare)) return name;
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string row(const std::string& name, std::initializer_list<double> mm) {
  std::string out = key_of(name) + " = [";
  for (const double one : mm) out += (out.back() == '[' ? "" : ", ") + number(one);
  return out + "]\n";
}

std::string rows(const std::map<std::string, TaughtPlace>& places) {
  std::string out;
  for (const auto& [name, p] : places) out += row(name, {p.x_mm, p.y_mm});
  return out;
}

ToolPlace tool_place(const Value& v) {
  const auto& xyz = v.array();
  if (xyz.size() != 3) v.refuse("three coordinates in mm, [x, y, z]");
  return {xyz[0].number(0, kMostMm), xyz[1].number(0, kMostMm), xyz[2].number(-kMostMm, 0)};
}

TaughtPlace flat(const Value& v) {
  const auto& xy = v.array();
  if (xy.size() != 2) v.refuse("two coordinates in mm, [x, y]");
  return {xy[0].number(0, kMostMm), xy[1].number(0, kMostMm)};
}

}  // namespace

Positions read_positions(const Table& t) {
  Positions p;
  for (const auto& [table, into] : {std::pair{"keys_mm", &p.keys}, {"cards_mm", &p.cards}}) {
    const Value* v = t.find(table);
    if (v == nullptr) continue;
    for (const auto& [name, place] : v->table().all()) (*into)[name] = flat(place);
  }
  if (const Value* v = t.find("heights_mm")) {
    for (const auto& [name, z] : v->table().all()) p.heights[name] = z.number(-kMostMm, 0);
  }
  const Value* places = t.find("places_mm");
  if (places == nullptr) return p;
  const Table& named = places->table();
  if (const Value* v = named.find("head")) p.head = flat(*v);
  if (const Value* v = named.find("swipe_from")) p.swipe_from = v->number(0, kMostMm);
  if (const Value* v = named.find("swipe_to")) p.swipe_to = v->number(0, kMostMm);
  if (const Value* v = named.find("chip_slot")) p.chip_slot = tool_place(*v);
  if (const Value* v = named.find("field")) p.field = tool_place(*v);
  named.nothing_else();
  return p;
}

std::string to_toml(const Positions& p) {
  std::string out = "# Taught positions in mm, machine coordinates; written by `swiperig teach`.\nschema = 1\n";
  out += "\n[keys_mm]\n" + rows(p.keys) + "\n[cards_mm]\n" + rows(p.cards);
  if (!p.heights.empty()) out += "\n[heights_mm]\n";
  for (const auto& [name, z_mm] : p.heights) out += key_of(name) + " = " + number(z_mm) + "\n";
  std::string places;
  if (p.head) places += row("head", {p.head->x_mm, p.head->y_mm});
  if (p.swipe_from) places += "swipe_from = " + number(*p.swipe_from) + "\n";
  if (p.swipe_to) places += "swipe_to = " + number(*p.swipe_to) + "\n";
  if (p.chip_slot) places += row("chip_slot", {p.chip_slot->x_mm, p.chip_slot->y_mm, p.chip_slot->z_mm});
  if (p.field) places += row("field", {p.field->x_mm, p.field->y_mm, p.field->z_mm});
  return places.empty() ? out : out + "\n[places_mm]\n" + places;
}

}  // namespace swiperig
