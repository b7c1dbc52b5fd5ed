// Why nothing came back, from observations alone: commands, armed faults and the host's script are never passed, so the
// answer cannot be read off what was injected. The rules are those of DOMAIN.md 3.4, first match wins; evidence that
// does not decide gives `unknown` with candidates, never a guess.
#pragma once

#include <span>

#include "rig/event.hpp"
#include "rig/verdict.hpp"

namespace swiperig {

/// Observations of the case itself, without the recovery that followed, but with the books that were read.
struct Observed {
  std::int64_t amount_minor = 0;  ///< what the customer meant to pay
  bool service = false;           ///< no transaction, but what keys start: parameters, update
  std::vector<Event> events;      ///< observations only
  std::uint64_t awake = 0;        ///< before it was restarted, the terminal told the register its journal
  std::uint64_t asleep = 0;       ///< or it did not
  std::string slot;               ///< of the card that was swiped
  std::uint64_t card = 0;         ///< the card that was swiped was read, in this sale or another of the cycle
};

/// Keeps what `diagnose` may see: drops every action and everything after the case but the books.
Observed observed(std::span<const Event> events);

Diagnosis diagnose(const Observed&, const Scope&);

}  // namespace swiperig
