// Which of two causes that act at once a diagnosis has to give, and whether what is seen tells it: the reviewed table
// rig/cause_pairs.def, looked up. It judges diagnose and shares nothing with it. Pure.
#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

namespace swiperig {

struct CausePair {
  std::string_view accepted, other;
  bool apart;
  std::string_view why;
};

inline constexpr CausePair cause_pairs[] = {
#define CAUSE_PAIR(accepted, other, apart, why) {#accepted, #other, std::string_view(#apart) == "yes", why},
#include "rig/cause_pairs.def"
#undef CAUSE_PAIR
};

/// In either order; null: nobody has reviewed it.
inline const CausePair* pair_of(std::string_view a, std::string_view b) {
  const auto at = std::find_if(std::begin(cause_pairs), std::end(cause_pairs), [&](const CausePair& p) {
    return (p.accepted == a && p.other == b) || (p.accepted == b && p.other == a);
  });
  return at == std::end(cause_pairs) ? nullptr : at;
}

}  // namespace swiperig
