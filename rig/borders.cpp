#include "rig/borders.hpp"

#include <algorithm>

#include "rig/statistics.hpp"

namespace swiperig {

std::string how_it_ended(const Verdict& v) {
  std::string out;
  for (const std::string& point : v.points) out += point + " ";
  out += v.diagnosis.cause;
  if (v.in_doubt.count() != 0) out += ", in doubt";
  if (v.outcome == Outcome::fail || v.outcome == Outcome::error) out += ", " + std::string(to_string(v.outcome));
  return out;
}

std::int64_t SweptPlace::done() const {
  std::int64_t n = 0;
  for (const auto& [end, times] : ends) n += times;
  return n;
}

std::string SweptPlace::mostly() const {
  const auto most =
      std::max_element(ends.begin(), ends.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == ends.end() ? "" : most->first;
}

std::vector<std::size_t> next_places(std::span<const SweptPlace> places, std::int64_t repeats) {
  std::vector<std::size_t> next;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i].first && places[i].ends.empty()) next.push_back(i);
  }
  if (!next.empty()) return next;
  const std::vector<Border> found = borders(places);
  for (const Border& b : found) {
    if (b.behind - b.before > 1) next.push_back(b.before + (b.behind - b.before) / 2);
  }
  if (!next.empty()) return next;
  std::vector<std::size_t> sides;
  for (const Border& b : found) sides.insert(sides.end(), {b.before, b.behind});
  sides.erase(std::unique(sides.begin(), sides.end()), sides.end());  // one place may stand between two borders
  for (const std::size_t side : sides) {
    const std::int64_t left = repeats - places[side].done();
    if (left > 0) next.insert(next.end(), static_cast<std::size_t>(left), side);
  }
  return next;
}

std::vector<Border> borders(std::span<const SweptPlace> places) {
  std::vector<Border> out;
  std::size_t before = places.size();
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i].ends.empty()) continue;
    if (before != places.size()) {
      const std::string end = places[before].mostly();
      if (end != places[i].mostly()) {
        const auto behind = places[i].ends.find(end);
        const std::int64_t still = behind == places[i].ends.end() ? 0 : behind->second;
        out.push_back(
            {before, i,
             wilson(places[before].ends.at(end), places[before].done()).low > wilson(still, places[i].done()).high});
      }
    }
    before = i;
  }
  return out;
}

}  // namespace swiperig
