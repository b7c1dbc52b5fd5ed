#include "bindings/swipe_options.hpp"

#include "bindings/config.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kMostPasses = 1'000'000'000;
constexpr std::int64_t kMostMmS = 10'000, kMostMmS2 = 100'000, kCardMm = 85, kMostLiftMm = 20;
constexpr std::size_t kMostPlaces = 100;

/// What one key may say: a value, or in a case that measures a list of them.
struct Choice {
  const Value* value = nullptr;
  std::vector<Value> all() const { return value->is_array() ? value->array() : std::vector<Value>{*value}; }
};

void read_partial(const Value& v, Swipe& s) {
  const Table& t = v.table();
  if (const Value* from = t.find("from")) s.from_mm = from->quantity("mm", 0, kCardMm);
  if (const Value* to = t.find("to")) s.to_mm = to->quantity("mm", s.from_mm + 1, kCardMm);
  t.nothing_else();
  if (s.from_mm == 0 && s.to_mm == 0) v.refuse("from = \"... mm\" or to = \"... mm\", within the card");
}

void read_stop(const Value& v, Swipe& s) {
  const Table& t = v.table();
  s.stop_mm = t.at("at").quantity("mm", 1, kCardMm);
  s.stop_lasts = t.at("lasts").duration(1ms, 60s);
  t.nothing_else();
}

Swipe read_manner(const Table& t) {
  Swipe s;
  if (const Value* v = t.find("reverse")) s.reverse = v->flag();
  if (const Value* v = t.find("face")) s.face = v->word({"front", "back", "upside_down"});
  if (const Value* v = t.find("partial")) read_partial(*v, s);
  if (const Value* v = t.find("stop")) read_stop(*v, s);
  if (const Value* v = t.find("tilt")) s.tilt_mdeg = v->quantity("deg", 0, 20'000);
  if (const Value* v = t.find("twice")) s.twice = v->flag();
  if (const Value* v = t.find("lift")) s.lift_mm = v->quantity("mm", 0, kMostLiftMm);
  return s;
}

}  // namespace

std::vector<SwipeAt> read_swipes(const Value& card, const Value& swipe, const Value* reader_passes,
                                 const Value* measure) {
  Swipe manner;
  Choice speeds{&swipe}, accelerations;
  if (swipe.is_table()) {
    const Table& t = swipe.table();
    manner = read_manner(t);
    speeds.value = &t.at("speed");
    accelerations.value = t.find("acceleration");
    t.nothing_else();
  }
  const Choice cards{&card}, worn{reader_passes};
  int lists = 0;
  for (const Choice& choice : {cards, speeds, accelerations, worn}) {
    if (choice.value == nullptr || !choice.value->is_array()) continue;
    ++lists;
    const std::size_t places = choice.value->array().size();
    if (measure == nullptr) choice.value->refuse("one value; a list only in a case that measures");
    if (places == 0 || places > kMostPlaces) choice.value->refuse("1 to 100 values");
  }
  if (measure != nullptr && lists != 1) {
    measure->refuse("exactly one list, of card, speed, acceleration or reader_passes: the axis of what is measured");
  }
  std::vector<SwipeAt> out;
  const auto each_reader = [&](SwipeAt one) {
    if (reader_passes == nullptr) return out.push_back(std::move(one));
    for (const Value& passes : worn.all()) {
      one.reader_passes = passes.integer(0, kMostPasses);
      if (reader_passes->is_array()) one.axis = "reader_passes", one.at = std::to_string(one.reader_passes) + " passes";
      out.push_back(one);
    }
  };
  for (const Value& one_card : cards.all()) {
    for (const Value& speed : speeds.all()) {
      SwipeAt one;
      one.swipe = manner;
      one.swipe.card = one_card.text();
      one.swipe.speed_mm_s = speed.quantity("mm/s", 1, kMostMmS);
      if (card.is_array()) one.axis = "card", one.at = one_card.text();
      if (speeds.value->is_array()) one.axis = "speed", one.at = speed.text();
      if (accelerations.value == nullptr) {
        each_reader(one);
        continue;
      }
      for (const Value& acceleration : accelerations.all()) {
        one.swipe.acceleration_mm_s2 = acceleration.quantity("mm/s2", 0, kMostMmS2);
        if (accelerations.value->is_array()) one.axis = "acceleration", one.at = acceleration.text();
        each_reader(one);
      }
    }
  }
  return out;
}

}  // namespace swiperig
