// What a cycle says in the end: outcome, why, which cause, and the numbers of the events that decided. Verdicts are
// ordered, a summary is the maximum; `error` is the rig's own fault and never counts against the terminal. All of it is
// a pure function of the case, what the bench could see, and the events.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "rig/case.hpp"
#include "rig/effect.hpp"
#include "rig/event.hpp"
#include "rig/standing.hpp"

namespace swiperig {

enum class Outcome { pass, inconclusive, fail, error };
std::string_view to_string(Outcome);
Outcome parse_outcome(std::string_view);

/// A rule broken. `rule`: I1..I10 of DOMAIN.md 3.5, or R_MAC (2.7: an approval with a wrong MAC is not booked),
/// R_MATCH (2.7: nor one that does not answer the request), R_LATE (2.7: nor one after the terminal had to give up),
/// R_ANSWER (2.7: nothing is approved without a valid response), R_HINT (3.3 2: a misread is answered by a prompt),
/// R_SECRET (2.7: no track data or PIN block in a 0400), R_REVERSAL (2.7: only what may be reversed is, with its own
/// amount), R_REPEAT (2.7: only advices are sent again by themselves), R_RETRY (2.5: what was declined is not asked
/// again), R_ORIGINAL (2.4, 2.7: fields 37 and 61 name what the transaction or reversal is about), R_BALANCE (2.4: the
/// balance told is the host's), R_STANDS, R_CHIP, R_FALLBACK, R_TAMPER, R_CLOCK (rig/part_rules.hpp).
/// H_BOOKED, H_ONCE, H_DECLINED, H_UNDONE, H_TOTALS (rig/host_rules.hpp): the host broke them.
struct Finding {
  std::string rule;
  std::string what;                     ///< one sentence: what happened to whose money
  std::vector<std::uint64_t> evidence;  ///< event numbers
  std::string what_zh = {};             ///< the sentence in Chinese
};

/// A cause that looks like the one that was found, and what was seen that speaks against it.
struct RuledOut {
  std::string cause, why;
  std::vector<std::uint64_t> evidence;
};

/// The blind answer to "why did nothing come back".
struct Diagnosis {
  std::string cause = "unknown";  ///< from rig/causes.def
  std::string why;
  std::vector<std::string> candidates;  ///< what else it could be, for `unknown`
  std::vector<std::uint64_t> evidence;
  std::vector<RuledOut> ruled_out = {};  ///< what else was considered, and why it is not that
  std::vector<std::string> open = {};    ///< what else was considered, and nothing that was seen speaks against
  /// proved: whatever looks like it is ruled out; likely: something is open; none: the cause is unknown.
  std::string_view confidence() const { return cause == "unknown" ? "none" : open.empty() ? "proved" : "likely"; }
};

struct Verdict {
  Outcome outcome = Outcome::inconclusive;
  std::string why;
  std::vector<Finding> findings;
  Diagnosis diagnosis;
  std::string induced = "none";                      ///< what the case induced; none behind the border of a sweep
  std::vector<std::string> causes;                   ///< of a drawn case that was tried: any of them is a right answer
  std::vector<std::string> checked, not_observable;  ///< rules
  std::vector<std::string> not_reached;              ///< rules for which this cycle ended too early
  Duration in_doubt{};                               ///< first byte of a request to quiescence; 0: no doubt
  std::vector<std::string> points = {};              ///< of DOMAIN.md 3.2, of a case that names one: where it came to
  std::optional<bool> measured;                      ///< of a case that measures: its milestone was seen
  bool no_return = false;                            ///< neither approval nor decline was told
  CycleBooks books = {};                             ///< what the money rules read; a row of its own in the trace
  std::vector<Standing> standings = {};              ///< how its attempts stand, by `books`
  std::optional<Effect> effect = {};                 ///< of a case that tries a strategy
};

/// What the bench can see, and what the terminal's profile declares: all that a judgement may lean on beside events.
struct Scope {
  /// network, host, terminal, power, actuator; usb, screen; current (the supply measures what is drawn), card (the
  /// actuator sees the card between its jaws)
  std::set<std::string, std::less<>> sources;
  std::set<std::string, std::less<>> books;  ///< journal, ledger
  Duration answer_timeout{};
  std::int64_t min_speed_mm_s = 0, max_speed_mm_s = 0;
  std::int64_t brownout_mv = 0;
  /// At the level itself a terminal is without power as well.
  bool without_power(std::int64_t rail_mv) const { return rail_mv <= brownout_mv; }
  bool bidirectional_reader = false;
  int reversal_tries = 3;  ///< 0: endless
  bool keep_reversal_after_last_try = true;
  bool reverses_host_timeouts = false;                                ///< codes 68 and 98 leave the doubt open
  bool secrets_in_reversal = false;                                   ///< fields 35, 36, 52 are allowed in a 0400
  int completion_limit_percent = 115;                                 ///< of the pre-authorisation
  bool unprinted_sale_stands = true;                                  ///< whatever the printer does
  Duration watchdog{};                                                ///< its window; 0: not declared
  bool mac = true;                                                    ///< the host signs its approvals
  std::vector<std::string> reversal_done_codes = {"00", "12", "25"};  ///< field 39 that ends a reversal
};

Verdict judge(const Case&, const Scope&, std::span<const Event> events);
/// Every event number in it, from those of a cycle to those of a trace.
void renumber(Verdict&, std::uint64_t base);

std::string to_json(const Verdict&);
std::string to_json(const Scope&);
std::string to_json(const Case&);
/// Throw std::runtime_error that says what was expected.
Verdict parse_verdict(std::string_view json);
Scope parse_scope(std::string_view json);
Case parse_case(std::string_view json);

}  // namespace swiperig
