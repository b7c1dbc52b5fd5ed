// Questions about the steps and events of a cycle that more than one part of it asks: where a step is decided, and
// which transaction a milestone speaks of. Pure.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "rig/case.hpp"
#include "rig/event.hpp"

namespace swiperig {

inline bool is_milestone(const Event& e, std::string_view name) {
  const auto* m = std::get_if<Milestone>(&e.body);
  return m != nullptr && m->name == name;
}

/// The path holds the message while the step acts.
inline bool held_in_path(const Step& s) {
  return s.after.count() == 0 && s.when.ends_with("_entered") && !std::holds_alternative<NetworkFault>(s.action) &&
         !presents_card(s.action) && !std::holds_alternative<Press>(s.action);
}

/// The path does what the step says, at its own milestone or exactly so long after it.
inline bool decided_in_path(const Step& s) {
  return std::holds_alternative<NetworkFault>(s.action) &&
         (s.when.ends_with("_entered") || s.when.ends_with("_left") || s.when == "connected");
}

/// Its moment may come only after the case: the terminal clears up at its next sale, and settles at the end.
inline bool comes_after_the_case(const Step& s) {
  constexpr std::string_view later[] = {"reversal_", "settlement_", "upload_", "settled"};
  return std::any_of(std::begin(later), std::end(later), [&](auto with) { return s.when.starts_with(with); });
}

/// Batch and STAN of what the milestone is about.
inline std::string key_of(const Milestone& m) {
  return std::string(field(m.fields, "batch")) + "/" + std::string(field(m.fields, "stan"));
}

/// Key names for a line of keys: {amount} and {stan} become digits, a key each.
inline std::string keys_for(std::string_view keys, std::int64_t amount_minor, std::string_view stan) {
  std::string out(keys);
  const auto put = [&](std::string_view place, std::string_view typed) {
    const auto at = out.find(place);
    if (at == std::string::npos) return;
    std::string digits;
    for (const char c : typed) {
      if (!digits.empty()) digits += ' ';
      digits += c;
    }
    out.replace(at, place.size(), digits);
  };
  put("{amount}", std::to_string(amount_minor));
  put("{stan}", stan);
  return out;
}

}  // namespace swiperig
