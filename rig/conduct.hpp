// Rules about what the terminal sent, whatever it cost: each looks at one attempt and says what was wrong with it.
// Pure.
#pragma once

#include "rig/attempt_facts.hpp"

namespace swiperig {

struct ConductRule {
  const char* name;
  bool needs_told;  ///< judges what the terminal said, too
  void (*judge)(const AttemptFacts&, const Attempt&, std::vector<Finding>&);
};

extern const ConductRule conduct_rules[6];

}  // namespace swiperig
