#include "reports/consequences.hpp"

#include <algorithm>
#include <cstdio>

#include "reports/explain.hpp"
#include "reports/visible.hpp"
#include "rig/transaction.hpp"

namespace swiperig {

namespace {

bool is_about_money(const Finding& f) { return f.rule.starts_with("I") || f.rule.starts_with("H_"); }

std::string state_text(const std::string& state, std::int64_t minor) {
  return state.empty() ? "nothing" : visible(state) + " " + amount_text(minor);
}

/// "told APPROVED 12.34, journal nothing, ledger reversed 12.34".
std::string books_text(const MoneyRow& r, const Transaction& t) {
  const auto book = [&](const char* name, const std::string& state, std::int64_t minor) {
    return std::string(name) + " " + (t.books.contains(name) ? state_text(state, minor) : "not read");
  };
  return "told " + state_text(r.told, r.told_minor) + ", " + book("journal", r.journal, r.journal_minor) + ", " +
         book("ledger", r.ledger, r.ledger_minor);
}

/// What became of the case's own attempts; those of its originals and of the recovery are others.
std::string sentence_of(const Transaction& t, const std::vector<MoneyRow>& rows) {
  std::int64_t taken = 0, given = 0;
  std::string books;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].of_case) continue;
    const std::int64_t charged = rows[i].ledger == "approved" ? rows[i].ledger_minor : 0;
    const int sign = t.attempts[i].kind->sign;
    if (sign > 0) taken += charged;
    if (sign < 0) given += charged;
    books += (books.empty() ? "" : "; ") + books_text(rows[i], t);
  }
  if (!t.books.contains("ledger")) return "nobody knows what became of the money: the host's ledger was not read";
  if (books.empty()) return "no money was taken: the case made no attempt at it";
  if (taken == 0 && given == 0) return "no money was taken: " + books;
  std::string moved = taken != 0 ? amount_text(taken) + " was taken from the cardholder" : "";
  if (given != 0) moved += (moved.empty() ? "" : " and ") + amount_text(given) + " was given back";
  return moved + ": " + books;
}

std::string line(const Event& e, Time begun) {
  char place[48];
  std::snprintf(place, sizeof place, "%6llu %12.3f ms  ", static_cast<unsigned long long>(e.seq),
                static_cast<double>((e.at - begun).count()) / 1e6);
  std::string source(to_string(e.source));
  source.resize(8, ' ');
  return place + source + "  " + sentence(e);
}

}  // namespace

Money money_of(const Scope& scope, const CycleRecord& cycle) {
  const Transaction t = replay(cycle.events, scope);
  Money money;
  bool doubt = false;
  for (const Attempt& a : t.attempts) {
    MoneyRow row;
    row.batch = a.batch;
    row.stan = a.stan;
    row.of_case = t.intents.empty() || (a.intent >= 0 && a.intent == t.case_intent);  // by hand nothing is announced
    row.requested_minor = a.amount_minor;
    row.told = a.told_outcome;
    row.told_minor = a.told_amount_minor;
    row.journal = a.journal;
    row.journal_minor = a.journal_amount_minor;
    row.ledger = a.ledger;
    row.ledger_minor = a.ledger_amount_minor;
    doubt = doubt || a.journal == "pending";
    money.rows.push_back(std::move(row));
  }
  const Finding* broken = nullptr;
  if (cycle.verdict) {
    const auto& all = cycle.verdict->findings;
    const auto it = std::find_if(all.begin(), all.end(), is_about_money);
    if (it != all.end()) broken = &*it;
  }
  money.balanced = cycle.verdict && cycle.verdict->outcome != Outcome::error && broken == nullptr && !doubt &&
                   t.books.contains("journal") && t.books.contains("ledger");
  money.sentence = (broken != nullptr ? visible(broken->what) + "; " : "") + sentence_of(t, money.rows);
  return money;
}

std::optional<Duration> recovery_of(const Case& c, const CycleRecord& cycle) {
  std::optional<Time> disturbed, began, sold;
  bool recovering = false;
  for (const Event& e : cycle.events) {
    if (const auto* intent = std::get_if<Intent>(&e.body)) {
      if (begins_case(intent->what) && !began) began = e.at;
      recovering = intent->what == "recovery sale";
    }
    if (const auto* fired = std::get_if<Fired>(&e.body); fired != nullptr && fired->done && !disturbed) {
      const auto step = static_cast<std::size_t>(fired->step);
      if (step < c.steps.size() && !presents_card(c.steps[step].action)) disturbed = e.at;
    }
    const auto* m = std::get_if<Milestone>(&e.body);
    if (recovering && !sold && m != nullptr && m->name == "told" && field(m->fields, "outcome") == "APPROVED")
      sold = e.at;
  }
  if (!sold || !began || !cycle.verdict) return std::nullopt;
  return std::max(*sold - disturbed.value_or(*began), cycle.verdict->in_doubt);
}

std::vector<const Event*> decisive(const Case& c, const CycleRecord& cycle, std::size_t most) {
  std::vector<const Event*> chosen;
  const auto choose = [&](const Event& e) {
    if (chosen.size() < most && std::find(chosen.begin(), chosen.end(), &e) == chosen.end()) chosen.push_back(&e);
  };
  const auto cite = [&](const std::vector<std::uint64_t>& seqs) {
    for (const Event& e : cycle.events) {
      if (std::find(seqs.begin(), seqs.end(), e.seq) != seqs.end()) choose(e);
    }
  };
  if (cycle.verdict) {
    for (const Finding& f : cycle.verdict->findings) cite(f.evidence);
    cite(cycle.verdict->diagnosis.evidence);
  }
  for (const Event& e : cycle.events) {
    if (std::holds_alternative<EquipmentFault>(e.body)) choose(e);
  }
  for (const Event& e : cycle.events) {
    const auto* fired = std::get_if<Fired>(&e.body);
    const auto step = static_cast<std::size_t>(fired == nullptr ? 0 : fired->step);
    if (fired != nullptr && (step >= c.steps.size() || !presents_card(c.steps[step].action))) choose(e);
  }
  for (const std::string_view name : {"told", "committed", "request_entered"}) {
    bool of_case = false;
    for (const Event& e : cycle.events) {
      if (const auto* intent = std::get_if<Intent>(&e.body)) of_case = begins_case(intent->what);
      const auto* m = std::get_if<Milestone>(&e.body);
      if (of_case && m != nullptr && m->name == name) choose(e);
    }
  }
  for (auto it = cycle.events.rbegin(); it != cycle.events.rend(); ++it) {
    if (std::holds_alternative<BookRead>(it->body)) choose(*it);
  }
  std::sort(chosen.begin(), chosen.end(), [](const Event* a, const Event* b) { return a->seq < b->seq; });
  return chosen;
}

std::string failure_text(const Case& c, const Scope& scope, const CycleRecord& cycle, const std::string& more) {
  std::string out = visible(cycle.case_name) + ": " + money_of(scope, cycle).sentence + "\n";
  if (cycle.verdict) {
    const Verdict& v = *cycle.verdict;
    out += "  " + std::string(to_string(v.outcome)) + ", because " + visible(v.why) + "\n  cause " +
           visible(v.diagnosis.cause) + ", because " + visible(v.diagnosis.why) + "\n";
    for (const Finding& f : v.findings) out += "  broken " + visible(f.rule) + ": " + visible(f.what) + "\n";
  }
  for (const Event* e : decisive(c, cycle)) out += "  " + line(*e, cycle.begun) + "\n";
  return out + "  the rest: " + more;
}

}  // namespace swiperig
