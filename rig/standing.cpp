#include "rig/standing.hpp"

#include <algorithm>

namespace swiperig {

namespace {

bool open_in_journal(const BookLine& a) {
  return a.journal == BookState::pending || a.journal == BookState::queued || a.journal == BookState::unconfirmed;
}

Standing::Class class_of(const CycleBooks& books, const BookLine& a, const Standing& sums, bool told) {
  const bool journal = sums.journal_minor != 0, ledger = sums.ledger_minor != 0;
  if (!a.kind->booked) return Standing::nothing;
  // a cycle that was cut short read its books before
  const bool newer = !a.carried && a.ledger == BookState::nothing && a.requested > books.ledger;
  if (a.unread || newer || books.journal == 0 || books.ledger == 0) {
    if (a.reversed != 0) return Standing::reversed;
    return a.doubt && a.ended == 0 ? Standing::doubtful : Standing::unread;
  }
  const bool kept = a.journal == BookState::unconfirmed || a.journal == BookState::queued;
  if (kept && a.gave_up != 0) return Standing::reported;
  if (open_in_journal(a)) return Standing::doubtful;
  if (journal && ledger && sums.journal_minor != sums.ledger_minor) return Standing::differs;
  if (journal && ledger) return told ? Standing::sold : Standing::untold;
  if (ledger && a.ended != 0 && a.reversed == 0) return Standing::reported;
  if (ledger) return told ? Standing::lost_record : Standing::silent;
  if (told) return Standing::free_goods;
  if (journal) return Standing::phantom;
  return a.ledger == BookState::reversed || a.journal == BookState::reversed ? Standing::reversed : Standing::nothing;
}

}  // namespace

bool amend(Standing& kept, const Standing& seen) {
  if (!unsettled(kept.state) && (seen.carried || unsettled(seen.state))) return false;
  const bool changed = seen.state != kept.state || seen.issuer_differs != kept.issuer_differs ||
                       seen.ledger_minor != kept.ledger_minor || seen.journal_minor != kept.journal_minor;
  // what was told of it before is not untold because nobody says it again
  const std::int64_t told = std::max(kept.told_minor, seen.told_minor);
  kept = seen;
  kept.told_minor = told;
  if (kept.state == Standing::untold && told != 0) kept.state = Standing::sold;
  return changed;
}

void stand(const CycleBooks& books, std::vector<Standing>& into) {
  into.resize(books.lines.size());
  for (std::size_t i = 0; i < into.size(); ++i) {
    const BookLine& a = books.lines[i];
    Standing& one = into[i];
    one.batch = a.batch;
    one.stan = a.stan;
    one.kind = a.kind->name;
    one.sign = a.kind->sign;
    one.journal_minor = a.journal == BookState::approved ? a.journal_minor : 0;
    one.ledger_minor = a.ledger == BookState::approved ? a.ledger_minor : 0;
    const bool told = a.kind->booked && a.told == BookState::approved;
    one.told_minor = told ? a.told_minor : 0;
    one.issuer_minor = a.issuer == BookState::held || a.issuer == BookState::posted ? a.issuer_minor : 0;
    one.issuer_read = books.issuer != 0;
    const bool comparable = one.issuer_read && books.ledger != 0 && a.kind->sign != 0 && !a.carried &&
                            std::max(a.requested, a.reversed) < books.issuer;  // else the ledger is the newer
    one.issuer_differs = comparable && one.issuer_minor != one.ledger_minor;
    one.state = class_of(books, a, one, told);
    one.carried = a.carried;
  }
}

std::vector<Standing> standings_of(const CycleBooks& books) {
  std::vector<Standing> all;
  stand(books, all);
  return all;
}

std::vector<Overcharge> overcharges_of(const CycleBooks& books) {
  std::vector<Overcharge> all;
  for (std::size_t i = 0; i < books.intents.size(); ++i) {
    Overcharge one{i, books.intents[i]};
    int times = 0;
    for (const BookLine& a : books.lines) {
      if (a.intent != static_cast<std::int64_t>(i) || a.ledger != BookState::approved || a.ledger_minor == 0) continue;
      (a.kind->sign >= 0 ? one.charged_minor : one.credited_minor) += a.ledger_minor;
      // what was keyed wrong is charged once, and is no fault of the terminal's
      times += a.ledger_minor == a.requested_minor ? 1 : 2;
    }
    one.charged = times > 1 && one.charged_minor > one.meant_minor;
    one.credited = times > 1 && one.credited_minor > one.meant_minor;
    if (one.charged || one.credited) all.push_back(one);
  }
  return all;
}

}  // namespace swiperig
