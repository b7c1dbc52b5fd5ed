// Which parts that a step names are the rig's own (rig/rig_faults.def) and no part of the terminal. Pure.
#pragma once

#include <string_view>

namespace swiperig {

inline bool is_rigs_own(std::string_view part) {
#define RIG_FAULT(name, state, text) \
  if (part == #name) return true;
#include "rig/rig_faults.def"
#undef RIG_FAULT
  return false;
}

}  // namespace swiperig
