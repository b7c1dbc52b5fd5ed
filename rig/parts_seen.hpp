// What is seen of a terminal's own parts, folded over the events of a case: texts and milestones that name a part,
// signs of life, restarts, and the time on its receipts against the host's.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "rig/transaction.hpp"

namespace swiperig {

class PartsFold {
 public:
  explicit PartsFold(const Scope& scope) : scope_(scope) {}
  void operator()(const Event& e, Transaction& t);

 private:
  void lives(Mark at);
  void see(const Milestone& m, Mark at, Transaction& t);
  void see(const Presence& presence, Duration unsure, Mark at, PartsSeen& p);

  const Scope& scope_;
  std::optional<Time> begun_;
  Mark alive_, alive_before_;  // the last two different moments with a sign of life
  bool told_ = false;          // what the screen shows after it says nothing of the result
  bool keyless_ = false;       // its keys are erased, and it has not become ready since
  struct Asked {
    std::string stan, terminal, mac, amount;  // of the request whose answer is awaited
  };
  std::map<std::string, Asked, std::less<>> asked_;  // by connection
  bool keys_ill_ = false;                            // nothing that is signed is believed
};

}  // namespace swiperig
