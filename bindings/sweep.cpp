#include "bindings/sweep.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

std::string worded(std::string word, const std::string& value) { return word.replace(word.find('#'), 1, value); }

}  // namespace

Duration Sweeps::duration(const Value& v, const std::string& word, Duration least, Duration most, Set set) {
  const Read value = [&](const Value& one) { return one.duration(least, most).count(); };
  const Read by = [&](const Value& one) { return one.duration(1us, most).count(); };
  const Text text = [](std::int64_t ns) { return to_text(Duration(ns)); };
  return Duration(read(v, word, value, by, text, std::move(set)));
}

std::int64_t Sweeps::integer(const Value& v, const std::string& word, std::int64_t least, std::int64_t most, Set set) {
  const Read value = [&](const Value& one) { return one.integer(least, most); };
  const Read by = [&](const Value& one) { return one.integer(1, most); };
  const Text text = [](std::int64_t n) { return std::to_string(n); };
  return read(v, word, value, by, text, std::move(set));
}

std::int64_t Sweeps::quantity(const Value& v, const std::string& word, std::string_view unit, const std::string& small,
                              std::int64_t least, std::int64_t most, Set set) {
  const Read value = [&](const Value& one) { return one.quantity(unit, least, most); };
  const Read by = [&](const Value& one) { return one.quantity(unit, 1, most); };
  const Text text = [small](std::int64_t n) { return std::to_string(n) + " " + small; };
  return read(v, word, value, by, text, std::move(set));
}

std::int64_t Sweeps::amount(const Value& v, const std::string& word, Set set) {
  const Read value = [](const Value& one) { return one.amount(); };
  return read(v, word, value, value, amount_text, std::move(set));
}

std::int64_t Sweeps::read(const Value& v, const std::string& word, const Read& value, const Read& by, Text text,
                          Set set) {
  if (!v.is_table()) return value(v);
  const Table& t = v.table();
  Axis axis{word, value(t.at("from")), value(t.at("to")), by(t.at("by")), std::move(set), std::move(text)};
  if (const Value* bisect = t.find("bisect")) {
    axis.coarse = by(*bisect);
    if (axis.coarse % axis.by != 0) bisect->refuse("a whole number of by");
    const Value* repeats = t.find("repeats");
    axis.repeats = repeats == nullptr ? 30 : repeats->integer(1, 1000);
  }
  t.nothing_else();
  if (axis.to < axis.from) t.at("to").refuse("a value that is not below from");
  if (const std::int64_t rest = (axis.to - axis.from) % axis.coarse; rest != 0) {
    t.at("to").refuse(std::string("from and a whole number of ") + (axis.repeats != 0 ? "bisect" : "by") + ": " +
                      axis.text(axis.to - rest) + " would be the last");
  }
  if (axis.places() > most_cases) v.refuse("a sweep of at most " + std::to_string(most_cases) + " values");
  axes_.push_back(std::move(axis));
  return axes_.back().from;
}

std::vector<Case> Sweeps::expand(const Value& at, const Case& one) const {
  std::size_t places = 1;
  for (const Axis& axis : axes_) {
    if (axis.repeats != 0 && axes_.size() > 1) at.refuse("no other sweep in a case whose border is looked for");
    places *= axis.places();
    if (places > most_cases) at.refuse("sweeps that make at most " + std::to_string(most_cases) + " cases together");
  }
  std::vector<Case> all;
  all.reserve(places);
  for (std::size_t n = 0; n < places; ++n) {
    Case& c = all.emplace_back(one);
    if (axes_.empty()) break;
    c.sweep.series = one.name;
    std::size_t rest = n, span = places;
    for (const Axis& axis : axes_) {
      span /= axis.places();
      const std::int64_t value = axis.from + static_cast<std::int64_t>(rest / span) * axis.by;
      rest %= span;
      axis.set(c, value);
      c.sweep.repeats = axis.repeats;
      c.sweep.first = (value - axis.from) % axis.coarse == 0;
      c.sweep.at += (c.sweep.at.empty() ? "" : ", ") + worded(axis.word, axis.text(value));
    }
    c.name += ", " + c.sweep.at;
  }
  return all;
}

std::string Sweeps::words() const {
  std::string out;
  for (const Axis& axis : axes_) {
    out += (out.empty() ? "" : ", ") +
           worded(axis.word, axis.text(axis.from) + " to " + axis.text(axis.to) + " by " + axis.text(axis.by));
    if (axis.repeats != 0) {
      out += ", bisected from steps of " + axis.text(axis.coarse) + ", both sides of a border " +
             std::to_string(axis.repeats) + " times";
    }
  }
  return out;
}

}  // namespace swiperig
