#include "rig/standing.hpp"

#include "rig/attempt_facts.hpp"

namespace swiperig {

namespace {

Standing::Class class_of(const AttemptFacts& facts, const Attempt& a, const Standing& sums, bool told) {
  const Transaction& t = facts.transaction();
  const bool journal = sums.journal_minor != 0, ledger = sums.ledger_minor != 0;
  if (!a.kind->booked) return Standing::nothing;
  if (a.closed_unread || !t.books.contains("journal") || !t.books.contains("ledger")) {
    if (a.reversal_ended) return Standing::reversed;
    return facts.in_doubt(a) && !facts.ended(a) ? Standing::doubtful : Standing::unread;
  }
  if (a.journal == "unconfirmed" && a.gave_up) return Standing::reported;
  if (facts.open_in_journal(a)) return Standing::doubtful;
  if (journal && ledger && sums.journal_minor != sums.ledger_minor) return Standing::differs;
  if (journal && ledger) return told ? Standing::sold : Standing::untold;
  if (ledger && facts.ended(a) && !a.reversal_ended) return Standing::reported;
  if (ledger) return told ? Standing::lost_record : Standing::silent;
  if (told) return Standing::free_goods;
  if (journal) return Standing::phantom;
  return a.ledger == "reversed" || a.journal == "reversed" ? Standing::reversed : Standing::nothing;
}

}  // namespace

std::vector<Standing> standings_of(const Transaction& t, const Scope& scope) {
  const AttemptFacts facts(t, scope);
  std::vector<Standing> all;
  all.reserve(t.attempts.size());
  for (const Attempt& a : t.attempts) {
    Standing one;
    one.batch = a.batch;
    one.stan = a.stan;
    one.kind = a.kind->name;
    one.sign = a.kind->sign;
    one.journal_minor = a.journal == "approved" ? a.journal_amount_minor : 0;
    one.ledger_minor = a.ledger == "approved" ? a.ledger_amount_minor : 0;
    const bool told = a.kind->booked && a.told_outcome == "APPROVED";
    one.told_minor = told ? a.told_amount_minor : 0;
    one.issuer_minor = a.issuer == "held" || a.issuer == "posted" ? a.issuer_amount_minor : 0;
    const auto read = t.books.find("issuer");
    one.issuer_read = read != t.books.end();
    const bool comparable = one.issuer_read && t.books.contains("ledger") && a.kind->name == "sale" && !a.carried &&
                            a.reversal_ended.seq < read->second.seq;  // else the ledger is the newer of the two
    one.issuer_differs = comparable && one.issuer_minor != one.ledger_minor;
    one.state = class_of(facts, a, one, told);
    one.carried = a.carried;
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace swiperig
