// What to do, as data. A case is one shopping intent, a transaction of any kind, and the steps that disturb it; a step
// waits for the nth occurrence of a milestone, then `after`, then acts. Because *when* is a milestone, moving a fault
// over every point and offset is a loop over data. A case names card slots, never card numbers, and says which
// milestones must have been seen for it to count at all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rig/event.hpp"

namespace swiperig {

/// What is done to the network, armed before anything moves; faults upon a message or a connection are decided there.
struct NetworkFault {
  enum Kind {
#define NETWORK_FAULT(name, upon, text) name,
#include "rig/network_faults.def"
#undef NETWORK_FAULT
  } kind = drop;
  enum Upon { message, line, door, connection };
  enum Ending { silence, in_order, broken };  ///< of a connection: nothing is told, FIN, RST
  enum Side { both, terminal, host };

  Duration lasts{};        ///< delay: how long; reorder: at most; line and door: how long, 0 until the bench is at rest
  Duration wait{};         ///< jitter: the longest; accept_slow: until the SYN-ACK
  std::int64_t count = 0;  ///< cut, cut_after: bytes that go on; rate: bytes a second; alter a bit: which
  Ending then = silence;   ///< cut, cut_after
  Side side = both;        ///< fin, reset, cut, cut_after: who is told
  std::string what = {};   ///< alter: one of alterations (rig/alter.hpp)
  Side sender = host;      ///< cut_after: whose bytes are counted

  Upon upon() const;
  /// From its moment on; else it meets what it is armed for.
  bool is_condition() const { return upon() == line || upon() == door; }
};
std::string_view to_string(NetworkFault::Kind);
/// The same as something that holds from now on; of a fault upon a message: nothing.
Impairment condition_of(const NetworkFault&);

using StepAction = std::variant<Swipe, Press, Supply, NetworkFault, HostBehaviour, PartState, BrownOut, Dip, CardTap>;
/// How the customer's card comes to the terminal; every other step disturbs.
inline bool presents_card(const StepAction& a) {
  return std::holds_alternative<Swipe>(a) || std::holds_alternative<Dip>(a) || std::holds_alternative<CardTap>(a);
}

struct Step {
  std::string when = "start";
  int nth = 1;
  Duration after{};
  StepAction action;
};
/// "at response_entered: drop the message", in plain words.
std::string describe(const Step&);
std::string describe(const StepAction&);
std::string describe(const Impairment&);

/// A case that measures is one point of a curve: whether `milestone` was seen is what it finds out, and neither answer
/// is a fault of anybody.
struct Measurement {
  std::string milestone;         ///< "": the case measures nothing
  std::string series, axis, at;  ///< a line of the chart ("forward"), its x ("speed"), where on it ("500 mm/s")
};

/// Where a case stands in a sweep: what is disturbed may end otherwise on either side of a border.
struct SweepPlace {
  std::string series;  ///< the sweep's name; "": the case is none of a sweep
  std::string at;      ///< "after 35 ms"
  /// How often both sides of a border are done (rig/borders.hpp); 0: none is looked for and every place is done.
  std::int64_t repeats = 0;
  bool first = true;  ///< done before any border is known
};

/// What the people at a till do by themselves, beside pressing keys and swiping once.
struct Habits {
  bool follows_guidance =
      false;                  ///< swipe once more, and well, where the terminal says that it could not read the card
  std::string cleaning_card;  ///< its slot: swiped before the card is, once more; "": they do not clean the reader
  std::string service_card;   ///< its slot: swiped by whoever looks after the terminal before the next customer comes
  bool asks_last_result = false;  ///< the register asks for it where nothing was told
  bool queries_status = false;    ///< ask the host about what the terminal knows no end of
  bool looks_up = false;          ///< ask customer service, with the retrieval reference on the receipt
  bool updates_software = false;  ///< before the sale
  bool operator==(const Habits&) const = default;
};

/// One half of a comparison: the same fault with a strategy and without it.
struct Trial {
  std::string strategy, strategy_zh, fault;  ///< "": the case is none
  bool with = false;
};

/// "last-result query: register hears nothing, with"
inline std::string row_of(const Trial& t) { return t.strategy + ": " + t.fault + (t.with ? ", with" : ", without"); }

struct Scope;

struct Case {
  std::string name;
  std::string point;  ///< P1..P21 of DOMAIN.md 3.2, or ""
  std::int64_t amount_minor = 0;
  std::string kind = "sale";        ///< of rig/transaction_kinds.hpp: a transaction, or parameters, update
  std::int64_t original_minor = 0;  ///< what the kind is about is made first, for this amount; 0: for the case's
  std::int64_t keyed_minor = 0;     ///< keyed by mistake instead of the amount; 0: the amount
  std::string card;                 ///< card slot; "": the kind asks for none
  std::vector<std::string> pins;    ///< typed when the terminal asks for a PIN, one each time; names, never digits
  std::vector<Step> steps;          ///< the swipe among them
  std::string cause = "none";       ///< what is being induced, from rig/causes.def; diagnose never sees it
  std::vector<std::string> causes;  ///< of a drawn case that was tried: what its faults come to ("none": nothing)
  std::vector<std::string> both;    ///< of a pair that was tried: the causes of its two faults, where both acted
  std::vector<std::string> must;    ///< milestones that must have been seen, or the case does not count
  Duration patience{};              ///< 0: the terminal profile's no-return limit
  bool settle = true;               ///< settle after the recovery sale
  Duration current_log{};           ///< voltage and current are read so often while the case lasts; 0: they are not
  Measurement measure = {};
  SweepPlace sweep = {};
  Habits habits = {};
  Duration quiet{};  ///< after the case, until the next customer comes
  Trial trial = {};
  std::shared_ptr<const Scope> declares = {};  ///< what its terminal promises, where that is not what the run's does
  std::string where;                           ///< file:line:column it was read from
};

}  // namespace swiperig
