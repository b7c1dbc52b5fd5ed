// What a scripted host can be told to do, as a table: names as cases use them, and what may be told with each.
#pragma once

#include <cstdint>
#include <string_view>

namespace swiperig {

struct HostBehaviourRow {
  enum Lasts : std::uint8_t { no, may, must };
  const char* name;
  Lasts lasts;        ///< whether a duration is told with it
  const char* codes;  ///< of field 39, separated by spaces; "*": any; "": none may be told
  const char* text;
  bool takes(std::string_view code) const {
    const std::string_view all = codes;
    return code.size() == 2 && (all == "*" || (code.find(' ') == code.npos && all.find(code) != all.npos));
  }
};
inline constexpr HostBehaviourRow host_behaviour_rows[] = {
#define HOST_BEHAVIOUR(name, lasts, codes, text) {#name, HostBehaviourRow::lasts, codes, text},
#include "rig/host_behaviours.def"
#undef HOST_BEHAVIOUR
};

}  // namespace swiperig
