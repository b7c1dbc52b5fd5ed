#include "rig/transaction.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "rig/attempt_facts.hpp"
#include "rig/iso8583.hpp"
#include "rig/parts_seen.hpp"

namespace swiperig {

namespace {

std::int64_t number(std::string_view digits) { return std::strtoll(std::string(digits).c_str(), nullptr, 10); }

/// Whether the field is among the numbers ("3,4,35").
bool has_field(std::string_view numbers, std::string_view wanted) {
  while (!numbers.empty()) {
    const std::string_view one = numbers.substr(0, numbers.find(','));
    if (one == wanted) return true;
    numbers.remove_prefix(std::min(numbers.size(), one.size() + 1));
  }
  return false;
}
bool has_secret(std::string_view numbers) {
  return has_field(numbers, "35") || has_field(numbers, "36") || has_field(numbers, "52");
}

class Fold {
 public:
  Fold(Transaction& t, const Scope& scope) : t_(t), scope_(scope), parts_(scope) {}

  void operator()(const Event& e) {
    at_ = Mark{e.seq, e.at};
    parts_(e, t_);
    std::visit([&](const auto& body) { see(body); }, e.body);
  }

 private:
  template <class Other>
  void see(const Other&) {}

  void see(const Intent& i) {
    t_.intents.push_back({i.what, i.amount_minor, at_});
    tries_.clear();
    if (i.what == "recovery sale" && !t_.recovery) t_.recovery = at_;
    if (t_.case_intent < 0 && begins_case(i.what)) begin_case();
  }
  /// What was seen while the originals were made is none of the case's.
  void begin_case() {
    t_.case_intent = static_cast<int>(t_.intents.size()) - 1;
    t_.swipe_begun = t_.swiped = t_.card_read = t_.read_error = t_.card_wanted = t_.refused = t_.garbage = Mark{};
    t_.silence = t_.last_text = t_.lowest = Mark{};
    t_.swipe.reset();
    t_.logon = Attempt{};
  }
  void see(const Swipe& s) {
    slot_ = s.card;
    if (t_.recovery || t_.swipe_begun) return;
    t_.swipe_begun = at_;
    case_slot_ = slot_;
  }
  void see(const MotionDone& m) {
    if (m.what != "swipe" || t_.recovery) return;
    if (!t_.swipe_begun) t_.swipe_begun = at_;
    t_.swiped = at_;
    t_.swipe = m;
  }
  void see(const Reading& r) {
    if (!t_.recovery && (!t_.lowest || r.rail_mv < t_.lowest_mv)) {
      t_.lowest = at_;
      t_.lowest_mv = r.rail_mv;
    }
    const bool low = scope_.without_power(r.rail_mv);
    if (low && !low_) t_.power_lost.push_back(at_);  // the terminal's own restart among them
    low_ = low;
  }
  void see(const EquipmentFault& f) {
    if (t_.fault) return;
    t_.fault = at_;
    t_.fault_what = f.what;
  }
  void see(const Silence&) {
    if (!t_.silence) t_.silence = at_;
  }
  void see(const Text& text) {
    if (!t_.silence && terminal_says(text)) t_.last_text = at_;
  }
  void see(const BookRead& b) {
    t_.books[b.book] = at_;
    if (b.book == "issuer") {
      for (const Entry& row : b.entries) {  // of every batch: most are of earlier cycles
        Attempt* a = t_.find(row.batch, row.stan);
        if (a == nullptr) continue;
        a->issuer = row.state;
        a->issuer_amount_minor = row.amount_minor;
      }
      return;
    }
    const bool journal = b.book == "journal";
    std::set<std::string> shown;
    for (const Entry& row : b.entries) shown.insert(row.batch);
    for (Attempt& a : t_.attempts) {  // what was read before is overtaken, but for batches that are closed and gone
      const bool closed = closed_.contains(a.batch) || (!journal && closed_by_host_.contains(a.batch));
      if (closed && !shown.contains(a.batch)) {
        a.closed_unread = a.closed_unread || (a.entered && a.journal.empty() && a.ledger.empty());
        continue;
      }
      (journal ? a.journal : a.ledger).clear();
      (journal ? a.journal_amount_minor : a.ledger_amount_minor) = 0;
      if (!journal) a.ledger_read = at_, a.postings = 0;
    }
    for (const Entry& row : b.entries) {
      const TransactionKind* kind = kind_named(row.kind);
      if (kind == nullptr && row.state != "tombstone") continue;
      Attempt& a = attempt(row.batch, row.stan);
      if (kind != nullptr && !a.entered) a.kind = kind;
      (journal ? a.journal_read : a.ledger_read) = at_;
      if (!journal && row.state == "approved") ++a.postings;
      std::string& state = journal ? a.journal : a.ledger;
      std::int64_t& amount = journal ? a.journal_amount_minor : a.ledger_amount_minor;
      // a posting the other way round under its key gives back
      const bool contrary = !journal && kind != nullptr && kind->sign * a.kind->sign < 0;
      const std::int64_t minor = contrary ? -row.amount_minor : row.amount_minor;
      if (state == row.state && state == "approved") {
        amount += minor;  // posted twice
      } else if (state != "approved" && (state.empty() || row.state != "pending") && !row.state.empty()) {
        state = row.state;  // a pending row stands beside the record that it doubts
        amount = minor;
      }
    }
    for (Attempt& a : t_.attempts) {
      if (journal && a.entered && a.journal != "pending" && !a.seen_clear) a.seen_clear = at_;
    }
    if (t_.intents.empty()) {
      for (const Attempt& a : t_.attempts) before_[a.batch + "/" + a.stan] = a;
    }
  }

 public:
  /// The card of the case was read some time in the cycle: so it was there, and the actuator knows where.
  void tell_card() {
    const auto read = slots_read_.find(case_slot_);
    if (read != slots_read_.end()) t_.card_proved = read->second;
  }
  /// What earlier cycles left in the books and this one did not touch is theirs.
  void tell_carried() {
    for (Attempt& a : t_.attempts) {
      const auto old = before_.find(a.batch + "/" + a.stan);
      if (old == before_.end() || a.entered || a.told || a.reversal_entered) continue;
      const Attempt& b = old->second;
      a.carried = a.journal == b.journal && a.ledger == b.ledger && a.journal_amount_minor == b.journal_amount_minor &&
                  a.ledger_amount_minor == b.ledger_amount_minor;
    }
  }

 private:
  void see(const Milestone& m) {
    const auto get = [&](std::string_view name) { return field(m.fields, name); };
    const std::string_view name = m.name;
    if (name == "refused" || name == "unreached") t_.refusals.push_back(at_);
    if (name == "card_read" && !slots_read_.contains(slot_)) slots_read_.emplace(slot_, at_);
    if (!t_.recovery) {
      if (name == "card_read") t_.card_read = at_;
      if (name == "read_error") t_.read_error = at_;
      if (name == "card_wanted") t_.card_wanted = at_;
      if (name == "refused") t_.refused = at_;
      if (name == "over_limit") t_.over_limit = at_;
      if (name == "unreached") t_.unreached = at_;
      if (name == "garbage") {
        t_.garbage = at_;
        t_.garbage_from = get("from");
      }
    }
    if (name.starts_with("logon_") && !t_.recovery) see_logon(name, m.fields);
    if (const auto it = expected_.find(get("connection")); it != expected_.end() && !fits(it->second, name, m.fields)) {
      return;
    }
    if (name == "closed" && get("by") == "terminal") {
      if (t_.logon.entered && get("connection") == logon_connection_) t_.logon.closed_by_terminal = at_;
      const auto it = by_connection_.find(std::string(get("connection")));
      if (it != by_connection_.end() && !t_.attempts[it->second].closed_by_terminal) {
        t_.attempts[it->second].closed_by_terminal = at_;
      }
    } else if (name == "request_entered") {
      Attempt& a = attempt(get("batch"), get("stan"));
      const std::int64_t amount = number(get("amount"));
      if (a.entered && (a.amount_minor != amount || a.proc != get("proc") || a.pan != get("pan"))) {
        a.reused_key = true;
        a.reused_seq = at_.seq;
      }
      a.entered = at_;
      a.amount_minor = amount;
      a.proc = get("proc");
      a.pan = get("pan");
      a.entry = get("entry");
      a.entry_reason = get("entry_reason");
      ++a.requests;
      a.original = get("original");
      a.original_rrn = get("rrn");
      const TransactionKind* kind = kind_named(get("kind"));
      a.kind = kind != nullptr ? kind : &the_sale;
      // an advice that is sent again belongs to whoever wanted it first
      if (a.intent < 0 || a.reused_key) a.intent = wanted(*a.kind, amount);
      const auto index = static_cast<std::size_t>(&a - t_.attempts.data());
      by_connection_[std::string(get("connection"))] = index;
      expected_[std::string(get("connection"))] = {index, response_mti(get("mti")), m.fields};
      t_.sent.push_back({Sent::request, a.batch, a.stan, at_});
    } else if (name == "request_left") {
      const auto asked = expected_.find(get("connection"));
      if (asked == expected_.end()) {
        attempt(get("batch"), get("stan")).left = at_;
        return;
      }
      Attempt& a = t_.attempts[asked->second.attempt];
      a.left = at_;
      for (const char* what : {"stan", "amount", "mac", "proc"}) {
        if (get(what) != field(asked->second.request, what)) a.mangled = at_;
      }
    } else if (name == "request_at_host") {
      attempt(get("batch"), get("stan")).at_host = at_;
    } else if (name == "committed") {
      attempt(get("batch"), get("stan")).committed = at_;
    } else if (name == "response_entered" || name == "response_left") {
      // what the path changed in a request its answer has too, and is the answer to it all the same; nor has a terminal
      // to look at the batch of an answer whose other fields fit
      const auto asked = expected_.find(get("connection"));
      const bool its = asked != expected_.end() && (t_.attempts[asked->second.attempt].mangled ||
                                                    get("stan") == field(asked->second.request, "stan"));
      if (!its && strays(m)) return;
      Attempt& a = its ? t_.attempts[asked->second.attempt] : attempt(get("batch"), get("stan"));
      if (name == "response_entered" && is_the_hosts(get("mac"), approved_code(std::string(get("code"))))) {
        a.host_code = get("code");
        (approved_code(a.host_code) ? a.host_approved : a.host_declined) = at_;
      }
      // a second answer to one request counts once it reaches the terminal
      if (name == "response_entered" && a.response_left.seq > a.entered.seq) return;
      // unless the first was genuine: then the terminal has hung up on it
      if (a.response_left.seq > a.entered.seq && a.mac == "ok") return;
      (name == "response_entered" ? a.response_entered : a.response_left) = at_;
      if (name == "response_left" && a.response_entered && a.code != get("code")) a.mangled = at_;
      if (name == "response_left" && !a.first_response_left) a.first_response_left = at_;
      a.code = get("code");
      a.mac = get("mac");
      a.rrn = get("rrn");
      a.balance = get("balance");
      if (a.balance.empty() && !get("has").empty() && !has_field(get("has"), "54")) a.balance = no_balance;
    } else if (name == "other_left") {
      const auto it = by_connection_.find(std::string(get("connection")));
      if (it == by_connection_.end()) return;
      Attempt& a = t_.attempts[it->second];
      const bool to_host = get("from") == "terminal" || (get("from").empty() && !a.left);
      (to_host ? a.mangled : a.foreign) = at_;
    } else if (name == "reversal_entered") {
      expected_.erase(std::string(get("connection")));
      Attempt& a = attempt(get("batch"), get("stan"));
      a.reversal_entered = at_;
      ++a.reversals;
      a.reversal_amount_minor = number(get("amount"));
      a.most_reversals = std::max(a.most_reversals, ++tries_[a.batch + "/" + a.stan]);
      if (has_secret(get("has"))) a.secret = at_;
      if (get("original") == "none") a.unnamed = at_;
      const bool same_card = get("pan").empty() || a.pan.empty() || get("pan") == a.pan;
      reversal_on_[std::string(get("connection"))] = {a.batch, a.stan, std::string(get("amount")), !same_card};
      t_.sent.push_back({Sent::reversal, a.batch, a.stan, at_});
    } else if (name == "reversal_left") {
      const auto asked = reversal_on_.find(std::string(get("connection")));
      if (asked == reversal_on_.end()) return;
      Reversing& r = asked->second;
      r.changed = r.changed || get("stan") != r.stan || get("batch") != r.batch || get("amount") != r.amount;
    } else if (name == "reversal_response_entered") {
      const auto asked = reversal_on_.find(std::string(get("connection")));
      if (asked == reversal_on_.end() || asked->second.changed || !is_the_hosts(get("mac"), true)) return;
      if (!ends_reversal(get("code"))) return;
      Attempt& a = attempt(asked->second.batch, asked->second.stan);
      a.host_undone = at_;
      a.host_undone_code = get("code");
    } else if (name == "reversal_response_left") {
      // the answer has the number of the try; the connection says what was tried
      const auto asked = reversal_on_.find(std::string(get("connection")));
      const bool known = asked != reversal_on_.end();
      Attempt& a = known ? attempt(asked->second.batch, asked->second.stan) : attempt(get("batch"), get("stan"));
      a.reversal_code = get("code");
      if (ends_reversal(a.reversal_code)) {
        a.reversal_ended = at_;
        // books read earlier are overtaken by it; the other codes undo nothing
        if (a.ledger == "approved" && a.reversal_code == "00") a.ledger = "reversed";
        if (a.journal == "pending") a.journal = "reversed";
      }
    } else if (name == "served") {
      t_.served = at_;
      t_.served_outcome = get("outcome");
    } else if (name == "booted") {
      tries_.clear();
    } else if (name == "last_result") {
      // asked of the last sale, whichever it names
      const auto last =
          std::max_element(t_.attempts.begin(), t_.attempts.end(),
                           [](const Attempt& a, const Attempt& b) { return a.entered.seq < b.entered.seq; });
      if (last == t_.attempts.end() || !last->entered) return;
      last->last_result = at_;
      const bool named = last->batch == get("batch") && last->stan == get("stan");
      last->last_result_outcome = named ? std::string(get("outcome")) : "";
      if (named && !t_.recovery) {
        last->found_out = at_;
        last->found_out_outcome = last->last_result_outcome;
      }
    } else if (name == "looked_up") {
      Attempt* a = t_.find(get("batch"), get("stan"));
      if (a != nullptr && !t_.recovery) {
        a->found_out = at_;
        const std::string_view state = get("state");
        a->found_out_outcome = state == "approved" ? "APPROVED" : state == "declined" ? "DECLINED" : "REVERSED";
      }
    } else if (name == "gave_up") {
      attempt(get("batch"), get("stan")).gave_up = at_;
    } else if (name == "settlement_entered") {
      t_.settlement_totals = get("totals");
      t_.settlement_said.clear();
      t_.settlement_batch = get("batch");
      t_.settlement_entered = at_;
      t_.sent.push_back({Sent::settlement, std::string(get("batch")), "", at_});
    } else if (name == "settlement_left") {
      t_.settlement_left = at_;
    } else if (name == "settlement_response_entered") {
      const std::string_view flags = get("totals");
      t_.settlement_said = flags;
      t_.settlement_said_at = at_;
      const bool agreed = flags.size() == 62 && flags[30] == '1' && flags[61] == '1';
      if (agreed && get("code") == "00" && t_.settlement_entered) closed_by_host_.insert(t_.settlement_batch);
    } else if (name == "settlement_response_left") {
      t_.settlement_answer = get("totals");
      t_.settlement_answered = at_;
    } else if (name == "upload_entered") {
      // 202 and 207 end the batch: once the terminal has the host's answer, it may let its journal go
      const bool ends = get("function") == "202" || get("function") == "207";
      closing_[std::string(get("connection"))] = ends ? std::string(get("batch")) : "";
    } else if (name == "upload_response_left") {
      const auto closing = closing_.find(std::string(get("connection")));
      if (closing != closing_.end() && !closing->second.empty() && get("code") == "00") closed_.insert(closing->second);
    } else if (name == "settled") {
      t_.settled = at_;
      if (get("outcome") != "FAILED") {
        closed_.insert(std::string(get("batch")));
      } else if (closed_by_host_.contains(std::string(get("batch")))) {
        t_.closed_unheard = at_;
      }
      t_.settlement_outcome = get("outcome");
    } else if (name == "told" && !get("stan").empty()) {
      Attempt& a = told_attempt(get("batch"), get("stan"));
      a.told = at_;
      a.told_outcome = get("outcome");
      // a rule without {amount} says of the request that it was approved
      a.told_amount_minor = get("amount").empty() ? a.amount_minor : number(get("amount"));
      if (a.intent < 0) a.intent = static_cast<int>(t_.intents.size()) - 1;
    }
  }

  struct Expected {
    std::size_t attempt = 0;
    std::string mti;
    Fields request;
  };

  /// An answer that the host itself has signed, or that need not be.
  bool is_the_hosts(std::string_view mac, bool binding) const {
    return mac == "ok" || (mac != "wrong" && (!scope_.mac || (!binding && mac == "absent")));
  }
  bool ends_reversal(std::string_view code) const {
    const auto& done = scope_.reversal_done_codes;
    return std::find(done.begin(), done.end(), code) != done.end();
  }

  /// Whether a message of the host on the connection of a request may be its answer. One that is not is
  /// foreign once the terminal has it, and is nobody's answer.
  bool fits(const Expected& expected, std::string_view name, const Fields& fields) {
    const std::string_view mti = field(fields, "mti");
    const bool unread = mti.empty() && field(fields, "from") == "host" && name.starts_with("other_");
    if (!unread && (mti.size() != 4 || is_request(mti))) return true;
    std::string what = unread ? "it cannot be read" : "";
    const auto compare = [&](std::string_view wanted, std::string_view got, const char* called) {
      if (!what.empty() || unread || wanted.empty() || wanted == got) return;
      what = std::string(called) + " " + (got.empty() ? "missing" : std::string(got)) + " instead of " +
             std::string(wanted);
    };
    const Fields& request = expected.request;
    compare(expected.mti, mti, "MTI");
    compare(field(request, "stan"), field(fields, "stan"), "STAN");
    // a part of the amount may be approved
    if (field(fields, "code") != "10" && !field(fields, "amount").empty()) {
      compare(field(request, "amount"), field(fields, "amount"), "amount");
    }
    compare(field(request, "tid"), field(fields, "tid"), "terminal");
    compare(field(request, "mid"), field(fields, "mid"), "merchant");
    if (what.empty()) return true;
    Attempt& a = t_.attempts[expected.attempt];
    if (name.ends_with("_left") && !a.foreign) {
      a.foreign = at_;
      a.foreign_what = what;
    }
    return false;
  }

  void see_logon(std::string_view name, const Fields& fields) {
    Attempt& a = t_.logon;
    if (name == "logon_entered") {
      a.entered = at_;
      a.stan = field(fields, "stan");
      logon_connection_ = field(fields, "connection");
    } else if (name == "logon_left") {
      a.left = at_;
    } else {
      (name == "logon_response_entered" ? a.response_entered : a.response_left) = at_;
      if (name == "logon_response_left" && a.response_entered && a.code != field(fields, "code")) a.mangled = at_;
      a.code = field(fields, "code");
    }
  }

  /// What went on to the terminal after a request, and is no response to it nor to any other.
  bool strays(const Milestone& m) {
    const auto it = by_connection_.find(std::string(field(m.fields, "connection")));
    const Attempt* known = t_.find(field(m.fields, "batch"), field(m.fields, "stan"));
    if (it == by_connection_.end() || (known != nullptr && known->entered)) return false;
    if (m.name.ends_with("_left")) t_.attempts[it->second].foreign = at_;
    return true;
  }

  /// Whose request of this kind and amount it is: an advice may go out when the next transaction does.
  int wanted(const TransactionKind& kind, std::int64_t amount_minor) const {
    const int last = static_cast<int>(t_.intents.size()) - 1;
    if (kind.unanswered != WhenUnanswered::repeat) return last;
    for (int i = last; i >= 0; --i) {
      const IntentSeen& intent = t_.intents[static_cast<std::size_t>(i)];
      if (intent.what == kind.name && intent.amount_minor == amount_minor) return i;
    }
    return last;
  }

  /// A terminal that does not say its batch means its last attempt of that number.
  Attempt& told_attempt(std::string_view batch, std::string_view stan) {
    const auto last = std::find_if(t_.attempts.rbegin(), t_.attempts.rend(),
                                   [&](const Attempt& a) { return batch.empty() && a.stan == stan; });
    return last == t_.attempts.rend() ? attempt(batch, stan) : *last;
  }

  Attempt& attempt(std::string_view batch, std::string_view stan) {
    if (Attempt* a = t_.find(batch, stan)) return *a;
    Attempt& a = t_.attempts.emplace_back();
    a.batch = batch;
    a.stan = stan;
    return a;
  }

  Transaction& t_;
  const Scope& scope_;
  PartsFold parts_;
  Mark at_;
  bool low_ = false;              // the last that was measured
  std::string slot_, case_slot_;  // of the swipe that was last, and of the case's
  std::map<std::string, Mark> slots_read_;
  std::map<std::string, std::size_t> by_connection_;
  std::map<std::string, Expected, std::less<>> expected_;  // by connection: whose answer is awaited there
  std::string logon_connection_;
  struct Reversing {
    std::string batch, stan, amount;
    bool changed = false;  // it went on as another one, or names another card
  };
  std::map<std::string, Reversing> reversal_on_;  // by connection
  std::map<std::string, int> tries_;              // reversals at this occasion
  std::map<std::string, std::string> closing_;    // by connection: the batch that its upload ends, or ""
  std::set<std::string> closed_;                  // batches settled: gone from the books, and rightly
  std::set<std::string> closed_by_host_;          // the host said so, whatever the terminal heard of it
  std::map<std::string, Attempt> before_;         // as the books had them when the cycle began
};

}  // namespace

Attempt* Transaction::find(std::string_view batch, std::string_view stan) {
  for (Attempt& a : attempts) {
    if (a.stan == stan && a.batch == batch) return &a;
  }
  return nullptr;
}

bool begins_case(std::string_view what) {
  return kind_named(what) != nullptr || what == "parameters" || what == "update";
}

Transaction replay(std::span<const Event> events, const Scope& scope) {
  Transaction t;
  Fold fold(t, scope);
  for (const Event& e : events) fold(e);
  fold.tell_carried();
  fold.tell_card();
  return t;
}

}  // namespace swiperig
