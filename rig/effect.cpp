#include "rig/effect.hpp"

#include <algorithm>

#include "rig/transaction.hpp"

namespace swiperig {

namespace {

/// Whether the fact was there when the next customer came.
bool in_time(const Mark& fact, const Mark& next) { return fact && (!next || fact.seq < next.seq); }

bool is_query(const Attempt& a) { return !a.kind->booked && a.kind->original == "sale"; }

/// APPROVED, DECLINED, REVERSED, or "": nobody at the till knows.
std::string outcome_of(const Transaction& t, const Attempt& a) {
  const auto known = [](const std::string& outcome) {
    return outcome == "APPROVED" || outcome == "DECLINED" || outcome == "REVERSED";
  };
  if (in_time(a.told, t.recovery) && known(a.told_outcome)) return a.told_outcome;
  if (a.found_out && known(a.found_out_outcome)) return a.found_out_outcome;
  for (const Attempt& query : t.attempts) {
    const bool about = is_query(query) && query.original == a.batch + a.stan;
    if (about && in_time(query.told, t.recovery) && known(query.told_outcome)) return query.told_outcome;
  }
  return {};
}

}  // namespace

Effect effect_of(const Transaction& t) {
  Effect effect;
  for (const Attempt& a : t.attempts) {
    if (a.intent < 0 || a.intent != t.case_intent) continue;
    const std::string outcome = outcome_of(t, a);
    effect.known = effect.known || !outcome.empty();
    effect.sold = effect.sold || outcome == "APPROVED";
    const bool charged = a.committed && a.kind->sign > 0 && (a.ledger == "approved" || a.ledger == "reversed");
    const bool given_back = in_time(a.reversal_ended, t.recovery);
    if (charged && !given_back && outcome != "APPROVED") effect.held_minor += a.amount_minor;
  }
  return effect;
}

}  // namespace swiperig
