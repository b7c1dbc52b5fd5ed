#include "rig/reconcile.hpp"

#include <algorithm>
#include <set>

namespace swiperig {

namespace {

std::string key(const Attempt& a) { return "batch " + a.batch + " STAN " + a.stan; }

std::vector<std::uint64_t> proof(std::initializer_list<Mark> marks) {
  std::vector<std::uint64_t> seqs;
  for (const Mark& m : marks) {
    if (m) seqs.push_back(m.seq);
  }
  std::sort(seqs.begin(), seqs.end());
  seqs.erase(std::unique(seqs.begin(), seqs.end()), seqs.end());
  return seqs;
}

bool approved_code(const std::string& code) { return code == "00" || code == "11" || code == "16" || code == "10"; }

Mark book(const Transaction& t, const char* name) {
  const auto it = t.books.find(name);
  return it == t.books.end() ? Mark{} : it->second;
}

/// Money the host holds for the attempt.
std::int64_t charged(const Attempt& a) { return a.ledger == "approved" ? a.ledger_amount_minor : 0; }

/// The terminal has the right to regard the attempt as answered.
bool answered(const Attempt& a) { return a.response_left && a.mac != "wrong" && !a.code.empty(); }

/// Money may have moved and the terminal cannot know.
bool in_doubt(const Attempt& a) {
  if (!a.entered || a.journal == "approved" || a.told_outcome == "APPROVED") return false;
  return !answered(a) || approved_code(a.code);
}

bool power_lost_after(const Transaction& t, const Mark& mark) {
  return std::any_of(t.power_lost.begin(), t.power_lost.end(), [&](const Mark& lost) { return lost.seq > mark.seq; });
}

class Rules {
 public:
  Rules(const Transaction& t, const Scope& scope)
      : t_(t), scope_(scope), journal_(book(t, "journal")), ledger_(book(t, "ledger")) {}

  Reconciliation run() {
    const bool wire = scope_.sources.contains("network");
    const bool told = scope_.sources.contains("terminal");
    // what the terminal did comes before what it cost
    check("R_MAC", wire && (journal_ || told), [&] { each(&Rules::authentic); });
    check("R_HINT", told && t_.swiped, [&] { hint(); });
    check("I9", wire && journal_, [&] { each(&Rules::durable); });
    check("I8", wire, [&] { order(); });
    check("I7", wire, [&] { each(&Rules::unique_keys); });
    check("I1", bool(ledger_), [&] { no_double_charge(); });
    check("I2", journal_ && ledger_, [&] { each(&Rules::no_silent_charge); });
    check("I3", ledger_ && told, [&] { each(&Rules::no_free_goods); });
    check("I4", ledger_ && wire, [&] { each(&Rules::no_foreign_values); });
    check("I5", journal_ && ledger_, [&] { books_agree(); });
    check("I6", journal_ && ledger_, [&] { each(&Rules::told_reversal); });
    check("I10", wire, [&] { each(&Rules::bounded); });
    doubt_time();
    return std::move(result_);
  }

 private:
  template <class Rule>
  void check(const char* name, bool observable, Rule rule) {
    (observable ? result_.checked : result_.not_observable).emplace_back(name);
    if (observable) rule();
  }
  void each(void (Rules::*rule)(const Attempt&)) {
    for (const Attempt& a : t_.attempts) (this->*rule)(a);
  }
  void find(const char* rule, std::string what, std::initializer_list<Mark> marks) {
    result_.findings.push_back({rule, std::move(what), proof(marks)});
  }

  /// What ends the doubt: a reversal answered as the host profile says, or, where the terminal profile allows to clear
  /// after the last try, the report of it. Null while it is open.
  Mark ended(const Attempt& a) const {
    if (a.reversal_ended || scope_.keep_reversal_after_last_try || a.reversals < scope_.reversal_tries)
      return a.reversal_ended;
    return a.gave_up;
  }

  void no_double_charge() {
    for (std::size_t i = 0; i < t_.intents.size(); ++i) {
      std::int64_t sum = 0;
      Mark last;
      for (const Attempt& a : t_.attempts) {
        if (a.intent != static_cast<int>(i)) continue;
        sum += charged(a);
        if (a.committed) last = a.committed;
      }
      if (sum > t_.intents[i].amount_minor) {
        find("I1",
             "cardholder charged " + amount_text(sum) + " for a purchase of " + amount_text(t_.intents[i].amount_minor),
             {t_.intents[i].begun, last, ledger_});
      }
    }
  }

  void no_silent_charge(const Attempt& a) {
    // a doubt that the terminal still holds is not silent yet: I10 watches its end
    if (charged(a) == 0 || a.journal == "approved" || a.journal == "pending") return;
    if (ended(a) && !a.reversal_ended) return;  // reported: the merchant has the slip
    find("I2",
         "cardholder charged " + amount_text(charged(a)) + ", the terminal's journal has " +
             (a.journal.empty() ? "nothing" : a.journal) + " (" + key(a) + ")",
         {a.entered, a.committed, a.told, journal_, ledger_});
  }

  void no_free_goods(const Attempt& a) {
    if (a.told_outcome != "APPROVED") return;
    if (charged(a) == a.told_amount_minor) return;
    find("I3",
         "told approved for " + amount_text(a.told_amount_minor) + ", but the host holds " + amount_text(charged(a)) +
             " (" + key(a) + "): the merchant loses",
         {a.told, a.reversal_ended, ledger_});
  }

  void no_foreign_values(const Attempt& a) {
    if (charged(a) == 0 || (a.entered && charged(a) == a.amount_minor)) return;
    find("I4",
         "the host holds " + amount_text(charged(a)) + " for a request of " + amount_text(a.amount_minor) + " (" +
             key(a) + ")",
         {a.entered, ledger_});
  }

  void books_agree() {
    std::int64_t journal_sum = 0, ledger_sum = 0, journal_count = 0, ledger_count = 0;
    bool slip = false;  // that the totals differ has been reported
    for (const Attempt& a : t_.attempts) {
      if (a.journal == "approved") journal_sum += a.journal_amount_minor, ++journal_count;
      const bool reported = ended(a) && !a.reversal_ended;
      slip = slip || reported;
      if (a.ledger == "approved" && a.journal != "pending" && !reported)
        ledger_sum += a.ledger_amount_minor, ++ledger_count;
    }
    if (journal_sum != ledger_sum || journal_count != ledger_count) {
      find("I5",
           "the journal shows " + std::to_string(journal_count) + " sales of " + amount_text(journal_sum) +
               ", the ledger " + std::to_string(ledger_count) + " of " + amount_text(ledger_sum),
           {journal_, ledger_, t_.settled});
      return;
    }
    if (t_.settlement_outcome == "DIFFERED" && !slip) {
      find("I5", "the host's totals differ from the terminal's settlement request", {t_.settlement_left, t_.settled});
    }
  }

  void told_reversal(const Attempt& a) {
    if (a.journal != "reversed" || (charged(a) == 0 && a.told_outcome != "APPROVED")) return;
    find("I6",
         "the journal shows a reversal, but " +
             (charged(a) != 0 ? "the host still holds " + amount_text(charged(a)) : std::string("approval was told")) +
             " (" + key(a) + ")",
         {a.told, a.reversal_entered, journal_, ledger_});
  }

  void unique_keys(const Attempt& a) {
    if (!a.reused_key) return;
    find("I7", "two different requests share " + key(a), {a.entered, Mark{a.reused_seq, {}}});
  }

  void order() {
    const Attempt* doubtful = nullptr;
    for (const Sent& s : t_.sent) {
      if (doubtful != nullptr && ended(*doubtful) && ended(*doubtful).seq < s.mark.seq) doubtful = nullptr;
      if (doubtful != nullptr && s.kind != Sent::reversal && (s.stan != doubtful->stan || s.batch != doubtful->batch)) {
        find("I8",
             std::string(s.kind == Sent::request ? "a new sale" : "the settlement") + " left the terminal while " +
                 key(*doubtful) + " was in doubt and not reversed",
             {doubtful->entered, s.mark});
        doubtful = nullptr;
      }
      if (s.kind == Sent::request) {
        const auto it = std::find_if(t_.attempts.begin(), t_.attempts.end(),
                                     [&](const Attempt& a) { return a.stan == s.stan && a.batch == s.batch; });
        if (in_doubt(*it) && !forgotten_.contains(key(*it))) doubtful = &*it;
      }
    }
  }

  /// A pending reversal that vanished over a power loss, or a booked record that did.
  void durable(const Attempt& a) {
    if (a.told_outcome == "APPROVED" && a.journal.empty() && !a.reversal_entered) {
      find("I9", "the booked record of " + key(a) + " is gone from the journal", {a.told, journal_});
    }
    if (in_doubt(a) && power_lost_after(t_, a.entered) && !a.reversal_entered && a.journal != "approved" &&
        a.journal != "pending") {
      find("I9", "the pending reversal of " + key(a) + " did not survive the power loss: never sent, no longer pending",
           {a.entered, t_.power_lost.back(), journal_});
      forgotten_.insert(key(a));  // that the doubt never ended follows from it
    }
  }

  void bounded(const Attempt& a) {
    if (a.reversals > scope_.reversal_tries * 2) {
      find("I10", std::to_string(a.reversals) + " reversals for " + key(a), {a.entered, a.reversal_entered});
    }
    if (!in_doubt(a) || ended(a) || forgotten_.contains(key(a))) return;
    if (!t_.recovery) return;  // the cycle was cut short: nothing can be said about the end of the doubt
    find("I10",
         key(a) + " is still in doubt at the end" +
             (charged(a) != 0 ? ": cardholder charged " + amount_text(charged(a)) + ", reversal never accepted"
                              : std::string(": reversal never accepted")),
         {a.entered, a.reversal_entered, journal_, ledger_});
  }

  void authentic(const Attempt& a) {
    if (a.mac != "wrong" || !a.response_left) return;
    if (a.journal != "approved" && a.told_outcome != "APPROVED") return;
    if (a.reversal_ended) return;
    find("R_MAC",
         "an approval with a wrong MAC was taken as valid (" + key(a) + ", " + amount_text(a.amount_minor) + ")",
         {a.response_left, a.told, journal_});
  }

  void hint() {
    if (t_.card_read || t_.read_error || !t_.silence || t_.fault) return;
    if (t_.silence.seq < t_.swiped.seq) return;
    // what was asked for was read, whatever the terminal told of it
    if (std::any_of(t_.attempts.begin(), t_.attempts.end(),
                    [&](const Attempt& a) { return a.entered && a.intent == 0; }))
      return;
    const auto spoke = t_.last_text.seq > t_.swiped.seq && t_.last_text.seq < t_.silence.seq;
    const bool dark =
        std::any_of(t_.power_lost.begin(), t_.power_lost.end(), [&](const Mark& m) { return m.seq < t_.silence.seq; });
    if (spoke || dark) return;
    find("R_HINT", "the card was swiped, was not read, and the terminal said nothing", {t_.swiped, t_.silence});
  }

  void doubt_time() {
    for (const Attempt& a : t_.attempts) {
      if (!in_doubt(a) || !a.entered) continue;
      const Time end = ended(a) ? ended(a).at : journal_ ? journal_.at : a.entered.at;
      result_.in_doubt = std::max(result_.in_doubt, end - a.entered.at);
    }
  }

  const Transaction& t_;
  const Scope& scope_;
  Mark journal_, ledger_;
  std::set<std::string> forgotten_;  // attempts whose pending reversal was lost
  Reconciliation result_;
};

}  // namespace

Reconciliation reconcile(const Transaction& t, const Scope& scope) { return Rules(t, scope).run(); }

}  // namespace swiperig
