// The equipment around one terminal, put together: references, no behaviour, no lookup by name. What a bench lacks is
// null, and a case that needs it is refused before anything moves.
#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "rig/equipment.hpp"
#include "rig/profile.hpp"
#include "rig/verdict.hpp"

namespace swiperig {

struct Bench {
  Clock& clock;
  Actuator* actuator = nullptr;
  PowerSwitch* power = nullptr;
  NetworkImpairment* network = nullptr;
  HostScript* host = nullptr;
  PartSwitch* parts = nullptr;
  LastResult* last_result = nullptr;
  CustomerService* service = nullptr;
  Book* journal = nullptr;
  Book* ledger = nullptr;
  Book* issuer = nullptr;
  std::vector<std::pair<Source, Capture*>> captures{};
  TerminalProfile terminal{};
  Scope scope{};
  Duration hold_max{};                       ///< see ArmedStep; 0: for a step half of the terminal's time-out
  std::string good_card{};                   ///< slot of the card for recovery sales
  const std::atomic<bool>* abort = nullptr;  ///< set from outside: bring the bench to rest and end
};

}  // namespace swiperig
