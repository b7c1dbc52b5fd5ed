#include "rig/verdict.hpp"

#include <algorithm>

#include "rig/contradiction.hpp"
#include "rig/diagnose.hpp"
#include "rig/drawn.hpp"
#include "rig/points.hpp"
#include "rig/reconcile.hpp"
#include "rig/transaction.hpp"

namespace swiperig {

namespace {

/// The milestone was seen before the recovery that follows a case.
bool seen_in_case(const std::string& name, const Transaction& t, std::span<const Event> events) {
  return std::any_of(events.begin(), events.end(), [&](const Event& e) {
    if (t.recovery && e.seq > t.recovery.seq) return false;
    if (t.case_intent >= 0 && e.seq < t.intents[static_cast<std::size_t>(t.case_intent)].begun.seq) return false;
    if (name == "silence") return std::holds_alternative<Silence>(e.body);
    const auto* m = std::get_if<Milestone>(&e.body);
    return m != nullptr && m->name == name;
  });
}

/// Why the case does not count, or "". A case in which the card was never read, or a step never fired, proves nothing;
/// but a strategy may keep away from the moment of the fault.
std::string what_is_missing(const Case& c, const Scope& scope, const Transaction& t, std::span<const Event> events,
                            const std::vector<std::string>& points, bool unproved_card) {
  if (std::string impossible = contradiction(events); !impossible.empty()) return impossible;
  if (is_by_hand(c)) return "it was done by hand, and proves nothing";
  for (const std::string& name : c.must) {
    if (!seen_in_case(name, t, events)) return "the case must see " + name + " to count, and did not";
  }
  for (std::size_t step = 0; step < c.steps.size() && !is_drawn(c) && !c.trial.with; ++step) {
    bool fired = false;
    for (const Event& e : events) {
      const auto* f = std::get_if<Fired>(&e.body);
      if (f == nullptr || f->step != static_cast<int>(step)) continue;
      // done in the end, but too late for the message that was held for it, is not done
      if (!f->done) return "step " + std::to_string(step + 1) + ": " + f->what;
      fired = true;
    }
    if (!fired) return "step " + std::to_string(step + 1) + " never fired (" + describe(c.steps[step]) + ")";
  }
  if (t.intents.empty()) return "the terminal did not become ready";
  if (unproved_card) return "the terminal said nothing to a swipe, and nothing tells that a card was there";
  if (t.case_intent < 0) return "what the case is about could not be made";
  if (!t.recovery) return "the cycle ended before the recovery sale";
  const auto* recovered = static_cast<const Attempt*>(nullptr);
  for (const Attempt& a : t.attempts) {
    if (a.intent >= 0 && t.intents[static_cast<std::size_t>(a.intent)].what == "recovery sale") recovered = &a;
  }
  if (recovered == nullptr || recovered->told_outcome != "APPROVED") return "the recovery sale was not approved";
  for (const std::string& book : scope.books) {
    const auto read = t.books.find(book);
    if (read == t.books.end() || read->second.seq < t.recovery.seq) return "the " + book + " was not read";
  }
  if (c.settle && !t.settled) return "the settlement did not end";
  // of a sweep, some values come to the point and some to its neighbours: the run says which
  const std::vector<std::string> named = points_named(c.point);
  const bool demanded = c.sweep.series.empty() && c.trial.strategy.empty() && !named.empty() &&
                        std::all_of(named.begin(), named.end(), [&](const auto& p) { return observable(p, scope); });
  const bool there = std::find_first_of(named.begin(), named.end(), points.begin(), points.end()) != named.end();
  if (demanded && !there) {
    std::string came_to;
    for (const std::string& p : points) came_to += (came_to.empty() ? "" : ", ") + p;
    return "the case is for " + c.point + ", and came to " + (came_to.empty() ? "no point at all" : came_to);
  }
  return {};
}

}  // namespace

void renumber(Verdict& v, std::uint64_t base) {
  const auto shift = [&](std::vector<std::uint64_t>& numbers) {
    for (auto& n : numbers) n += base;
  };
  for (Finding& f : v.findings) shift(f.evidence);
  for (RuledOut& r : v.diagnosis.ruled_out) shift(r.evidence);
  shift(v.diagnosis.evidence);
}

Verdict judge(const Case& c, const Scope& of_run, std::span<const Event> events) {
  const Scope& scope = c.declares ? *c.declares : of_run;
  const Transaction t = replay(events, scope);
  Reconciliation books = reconcile(t, scope);
  Verdict v;
  v.findings = std::move(books.findings);
  v.checked = std::move(books.checked);
  v.not_observable = std::move(books.not_observable);
  v.not_reached = std::move(books.not_reached);
  v.in_doubt = books.in_doubt;
  v.books = std::move(books.books);
  v.standings = standings_of(v.books);
  v.diagnosis = diagnose(observed(events), scope);
  v.induced = c.cause;
  v.causes = c.causes;
  if (!c.measure.milestone.empty()) v.measured = seen_in_case(c.measure.milestone, t, events);
  const auto sale = std::find_if(t.attempts.begin(), t.attempts.end(),
                                 [&](const Attempt& a) { return a.intent >= 0 && a.intent == t.case_intent; });
  const bool tried = t.card_read || (sale != t.attempts.end() && sale->entered);
  v.no_return =
      tried && (sale == t.attempts.end() || (sale->told_outcome != "APPROVED" && sale->told_outcome != "DECLINED"));

  if (!c.trial.strategy.empty()) {
    v.effect = effect_of(t);
    v.no_return = !v.effect->known;
  }
  const bool may_change_nothing = !c.sweep.series.empty() || !c.trial.strategy.empty();

  if (!c.point.empty()) v.points = points_reached(c, t, scope, events);
  const bool unproved_card =
      t.swipe_begun && std::find(v.not_reached.begin(), v.not_reached.end(), "R_HINT") != v.not_reached.end();
  const std::string missing = what_is_missing(c, scope, t, events, v.points, unproved_card);
  if (t.fault) {
    // what the rig itself broke says nothing about the terminal
    v.outcome = Outcome::error;
    v.why = t.fault_what;
    v.findings.clear();
  } else if (!v.findings.empty()) {
    v.outcome = Outcome::fail;
    v.why = v.findings.front().what;
  } else if (!missing.empty()) {
    v.outcome = Outcome::inconclusive;
    v.why = missing;
  } else if (c.cause != "none" && v.diagnosis.cause == "none" && !may_change_nothing && !claims_no_cause(c.cause)) {
    v.outcome = Outcome::inconclusive;
    v.why = "what the case induced changed nothing: " + v.diagnosis.why;
  } else {
    // a sweep crosses the border behind which its fault changes nothing, and so induces nothing; that it has one is the
    // run's to say
    if (may_change_nothing && v.diagnosis.cause == "none") v.induced = "none";
    v.outcome = Outcome::pass;
    v.why = "money and books agree; " + v.diagnosis.why;
  }
  return v;
}

}  // namespace swiperig
