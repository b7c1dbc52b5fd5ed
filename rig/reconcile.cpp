#include "rig/reconcile.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "rig/conduct.hpp"
#include "rig/host_rules.hpp"
#include "rig/part_rules.hpp"
#include "rig/standing.hpp"

namespace swiperig {

namespace {

Mark book(const Transaction& t, const char* name) {
  const auto it = t.books.find(name);
  return it == t.books.end() ? Mark{} : it->second;
}

class Rules : private AttemptFacts {
 public:
  Rules(const Transaction& t, const Scope& scope)
      : AttemptFacts(t, scope), journal_(book(t, "journal")), ledger_(book(t, "ledger")) {}

  Reconciliation run() {
    result_.books = books_of(t_, scope_);
    find_host_faults();
    const bool wire = scope_.sources.contains("network");
    const bool told = scope_.sources.contains("terminal");
    const bool journal = scope_.books.contains("journal");
    const bool ledger = scope_.books.contains("ledger");
    // what the terminal did comes before what it cost
    check("R_MAC", wire && scope_.mac && (journal || told), true, [&] { each(&Rules::authentic); });
    check("R_MATCH", wire && (journal || told), true, [&] { each(&Rules::matched); });
    check("R_LATE", wire && (journal || told), true, [&] { each(&Rules::in_time); });
    check("R_ANSWER", wire && (journal || told), true, [&] { each(&Rules::answered_first); });
    check("R_HINT", told, t_.swipe_begun && !(ignored() && !card_was_there()), [&] { hint(); });
    for (const ConductRule& rule : conduct_rules) {
      check(rule.name, wire && (told || !rule.needs_told), true, [&] {
        for (const Attempt& a : t_.attempts) {
          const std::size_t before = result_.findings.size();
          if (!a.carried) rule.judge(*this, a, result_.findings);
          tell_money(a, before);
        }
      });
    }
    for (auto& rule : part_rules(scope_)) result_.checked.push_back(std::move(rule));
    for (auto& finding : part_findings(t_, scope_)) result_.findings.push_back(std::move(finding));
    check("I9", wire && journal, bool(journal_), [&] { each(&Rules::durable); });
    check("I8", wire, true, [&] { order(); });
    check("I7", wire, true, [&] { each(&Rules::unique_keys); });
    for (const char* rule : host_rules) check(rule, wire && ledger, bool(ledger_), [&] { tell_host_faults(rule); });
    check("H_TOTALS", wire && ledger, bool(ledger_), [&] {
      if (host_totals_) result_.findings.push_back(*host_totals_);
    });
    check("I1", ledger, bool(ledger_), [&] { no_double_charge(); });
    check("I2", journal && ledger, journal_ && ledger_, [&] { each(&Rules::no_silent_charge); });
    check("I3", ledger && told, bool(ledger_), [&] { each(&Rules::no_free_goods); });
    check("I4", ledger && wire, bool(ledger_), [&] { each(&Rules::no_foreign_values); });
    check("I5", journal && ledger, journal_ && ledger_, [&] { books_agree(); });
    check("I6", journal && ledger, journal_ && ledger_, [&] { each(&Rules::told_reversal); });
    check("I10", wire, true, [&] { each(&Rules::bounded); });
    doubt_time();
    return std::move(result_);
  }

 private:
  template <class Rule>
  void check(const char* name, bool observable, bool reached, Rule rule) {
    (!observable ? result_.not_observable : reached ? result_.checked : result_.not_reached).emplace_back(name);
    if (observable && reached) rule();
  }
  void each(void (Rules::*rule)(const Attempt&)) {
    for (const Attempt& a : t_.attempts) {
      const std::size_t before = result_.findings.size();
      if (!a.carried) (this->*rule)(a);
      tell_money(a, before);
    }
  }
  /// What was done wrong is half of it: the findings since `before` say where the money of their attempt is.
  void tell_money(const Attempt& a, std::size_t before) {
    for (std::size_t i = before; i < result_.findings.size(); ++i) {
      Finding& f = result_.findings[i];
      const bool said = f.rule.starts_with("I") && f.rule.size() == 2 && f.rule < "I7";  // it is what they are about
      if (said) continue;
      const Sentence where = money(a);
      f.what += ": " + where.en;
      f.what_zh += "：" + where.zh;
    }
  }

  void find(const char* rule, Sentence what, std::initializer_list<Mark> marks) {
    result_.findings.push_back({rule, std::move(what.en), proof(marks), std::move(what.zh)});
  }

  /// Money the host holds for the attempt; where its book belies it, what it has said.
  std::int64_t charged(const Attempt& a) const {
    const auto fault = host_faults_.find(&a);
    if (fault != host_faults_.end()) return fault->second.said_minor;
    return a.ledger == "approved" ? a.ledger_amount_minor : 0;
  }

  void find_host_faults() {
    if (!ledger_ || !scope_.sources.contains("network") || !scope_.books.contains("ledger")) return;
    for (const Attempt& a : t_.attempts) {
      if (auto fault = host_fault(*this, a)) host_faults_.emplace(&a, *std::move(fault));
    }
    if (host_faults_.empty()) host_totals_ = host_totals(*this);
  }
  void tell_host_faults(const char* rule) {
    for (const Attempt& a : t_.attempts) {  // in the order of attempts, not of addresses
      const auto fault = host_faults_.find(&a);
      if (fault != host_faults_.end() && fault->second.finding.rule == rule)
        result_.findings.push_back(fault->second.finding);
    }
  }

  void no_double_charge() {
    CycleBooks said = result_.books;
    for (std::size_t i = 0; i < said.lines.size() && !host_faults_.empty(); ++i) {
      if (!host_faults_.contains(&t_.attempts[i])) continue;
      said.lines[i].ledger_minor = charged(t_.attempts[i]);
      said.lines[i].ledger = said.lines[i].ledger_minor != 0 ? BookState::approved : BookState::nothing;
    }
    for (const Overcharge& over : overcharges_of(said)) {
      const IntentSeen& intent = t_.intents[over.intent];
      const std::string meant = amount_text(over.meant_minor);
      Mark last;
      for (const Attempt& a : t_.attempts) {
        if (a.intent == static_cast<int>(over.intent) && a.committed) last = a.committed;
      }
      if (over.credited) {
        const std::string sum = amount_text(over.credited_minor);
        find("I4",
             {"cardholder credited " + sum + ", and " + meant + " was meant", "应退 " + meant + "，持卡人实得 " + sum},
             {intent.begun, last, ledger_});
      }
      if (over.charged) {
        const std::string sum = amount_text(over.charged_minor);
        find("I1",
             {"cardholder charged " + sum + " for a purchase of " + meant, "购物应付 " + meant + "，持卡人被扣 " + sum},
             {intent.begun, last, ledger_});
      }
    }
  }

  void no_silent_charge(const Attempt& a) {
    if (charged(a) == 0) return;
    if (a.journal == "approved" && (a.told_outcome == "DECLINED" || a.told_outcome == "FAILED")) {
      find("I2",
           {"cardholder " + done_to(a).en + amount_text(charged(a)) + ", and " +
                (a.told_outcome == "FAILED" ? "failure" : "decline") + " was told (" + key(a) + ")",
            "持卡人" + done_to(a).zh + amount_text(charged(a)) + "，却被告知" +
                (a.told_outcome == "FAILED" ? "失败" : "拒绝") + "（" + key_zh(a) + "）"},
           {a.entered, a.committed, a.told, journal_, ledger_});
    }
    // a doubt that the terminal still holds is not silent yet: I10 watches its end
    if (a.journal == "approved" || open_in_journal(a)) return;
    if (ended(a) && !a.reversal_ended) return;  // reported: the merchant has the slip
    find("I2",
         {"cardholder " + done_to(a).en + amount_text(charged(a)) + ", the terminal's journal has " +
              (a.journal.empty() ? "nothing" : a.journal) + " (" + key(a) + ")",
          "持卡人" + done_to(a).zh + amount_text(charged(a)) + "，终端流水中" + state_zh(a.journal) + "（" + key_zh(a) +
              "）"},
         {a.entered, a.committed, a.told, journal_, ledger_});
  }

  /// The path has changed a message of it that nobody signs: no terminal can know.
  bool changed_unsigned(const Attempt& a) const { return a.mangled && !scope_.mac; }

  void no_free_goods(const Attempt& a) {
    if (a.told_outcome != "APPROVED" || !a.kind->booked || a.closed_unread || changed_unsigned(a)) return;
    if (charged(a) == a.told_amount_minor) return;
    find("I3",
         {"told approved for " + amount_text(a.told_amount_minor) + ", but the host holds " + amount_text(charged(a)) +
              " (" + key(a) + "): the merchant loses",
          "告知批准 " + amount_text(a.told_amount_minor) + "，主机入账 " + amount_text(charged(a)) + "：商户受损（" +
              key_zh(a) + "）"},
         {a.told, a.reversal_ended, ledger_});
  }

  void no_foreign_values(const Attempt& a) {
    if (charged(a) == 0 || (a.entered && charged(a) == a.amount_minor)) return;
    find("I4",
         {"the host holds " + amount_text(charged(a)) + " for a request of " + amount_text(a.amount_minor) + " (" +
              key(a) + ")",
          "请求 " + amount_text(a.amount_minor) + "，主机入账 " + amount_text(charged(a)) + "（" + key_zh(a) + "）"},
         {a.entered, ledger_});
  }

  /// What happened to the cardholder's money, in words.
  static Sentence done_to(const Attempt& a) {
    if (a.kind->name == "preauth") return {"blocked for ", "被冻结 "};
    return a.kind->sign < 0 ? Sentence{"credited ", "获退 "} : Sentence{"charged ", "被扣 "};
  }
  static std::string state_zh(const std::string& journal) {
    if (journal.empty()) return "没有记录";
    if (journal == "declined") return "记为拒绝";
    if (journal == "reversed") return "记为已冲正";
    return "记为 " + journal;
  }

  void books_agree() {
    std::map<const TransactionKind*, std::array<StatedTotals, 2>> sums;  // journal and ledger
    bool slip = false;                                                   // that the totals differ has been reported
    StatedTotals booked, whole;  // what a settlement has to say, that of earlier cycles too; of its batch, of all
    for (const Attempt& a : t_.attempts) {
      // an advice that still waited then is delivered before the totals are made
      const bool delivered = a.journal == "queued" && a.response_left.seq > journal_.seq && approved_code(a.code) &&
                             a.response_left.seq < t_.settlement_entered.seq;
      if ((a.journal == "approved" || delivered) && a.kind->sign != 0) {
        whole.amount_minor += a.kind->sign * a.journal_amount_minor, ++whole.count;
        if (a.batch == t_.settlement_batch)
          booked.amount_minor += a.kind->sign * a.journal_amount_minor, ++booked.count;
      }
      if (a.carried) continue;
      if (changed_unsigned(a)) {
        slip = true;
        continue;
      }
      auto& [journal, ledger] = sums[a.kind];
      if (a.journal == "approved") journal.amount_minor += a.journal_amount_minor, ++journal.count;
      const bool reported = (ended(a) && !a.reversal_ended) || a.journal == "unconfirmed";
      slip = slip || reported;
      if (charged(a) != 0 && !open_in_journal(a) && (!reported || a.journal == "approved"))
        ledger.amount_minor += charged(a), ++ledger.count;
    }
    for (const TransactionKind& kind : transaction_kinds) {  // in the order of the table, not of addresses
      const auto at = sums.find(&kind);
      if (at == sums.end() || at->second[0] == at->second[1]) continue;
      const auto& [journal, ledger] = at->second;
      std::string name(kind.name);
      std::replace(name.begin(), name.end(), '_', ' ');
      find("I5",
           {"the journal shows " + std::to_string(journal.count) + " " + name + "s of " +
                amount_text(journal.amount_minor) + ", the ledger " + std::to_string(ledger.count) + " of " +
                amount_text(ledger.amount_minor),
            "终端流水" + std::string(kind.chinese) + " " + std::to_string(journal.count) + " 笔共 " +
                amount_text(journal.amount_minor) + "，主机账 " + std::to_string(ledger.count) + " 笔共 " +
                amount_text(ledger.amount_minor)},
           {journal_, ledger_, t_.settled});
      return;
    }
    if (slip || t_.closed_unheard) return;  // who has closed a batch alone counts another one
    const auto asked = stated_totals(t_.settlement_totals);
    // a batch that was never acknowledged is settled with the next, and the host has closed it already
    if (asked && *asked == whole && whole != booked) return;
    if (asked && t_.settlement_entered.seq > journal_.seq && *asked != booked) {
      find("I5",
           {"the settlement request says " + std::to_string(asked->count) + " transactions of " +
                amount_text(asked->amount_minor) + ", the journal showed " + std::to_string(booked.count) + " of " +
                amount_text(booked.amount_minor),
            "结算请求报 " + std::to_string(asked->count) + " 笔共 " + amount_text(asked->amount_minor) +
                "，终端流水为 " + std::to_string(booked.count) + " 笔共 " + amount_text(booked.amount_minor)},
           {journal_, t_.settlement_entered});
      return;
    }
    if (!host_faults_.empty() || host_totals_) return;  // it differs from itself
    const std::string& flags = t_.settlement_answer;
    const bool differs = flags.size() == 62 && (flags[30] == '2' || flags[61] == '2');
    if (t_.settlement_outcome == "DIFFERED" || (differs && t_.settlement_outcome == "AGREED")) {
      find("I5", {"the host's totals differ from the terminal's settlement request", "主机总计与终端结算请求不符"},
           {t_.settlement_left, t_.settlement_answered, t_.settled});
    }
  }

  void told_reversal(const Attempt& a) {
    if (a.journal != "reversed" || (charged(a) == 0 && a.told_outcome != "APPROVED")) return;
    const std::string held = amount_text(charged(a));
    find("I6",
         {"the journal shows a reversal, but " +
              (charged(a) != 0 ? "the host still holds " + held : std::string("approval was told")) + " (" + key(a) +
              ")",
          "终端流水记为已冲正，" + (charged(a) != 0 ? "主机仍入账 " + held : std::string("却告知批准")) + "（" +
              key_zh(a) + "）"},
         {a.told, a.reversal_entered, journal_, ledger_});
  }

  void unique_keys(const Attempt& a) {
    if (!a.reused_key) return;
    find("I7", {"two different requests share " + key(a), "两笔不同请求共用" + key_zh(a)},
         {a.entered, Mark{a.reused_seq, {}}});
  }

  Sentence kind_name(const Sent& s) const {
    if (s.kind != Sent::request) return {"the settlement", "结算"};
    for (const Attempt& a : t_.attempts) {
      if (a.stan == s.stan && a.batch == s.batch)
        return {"a new " + std::string(a.kind->name), "新的" + std::string(a.kind->chinese)};
    }
    return {"a new transaction", "新交易"};
  }

  void order() {
    const Attempt* doubtful = nullptr;
    for (const Sent& s : t_.sent) {
      if (doubtful != nullptr && ended(*doubtful) && ended(*doubtful).seq < s.mark.seq) doubtful = nullptr;
      if (doubtful != nullptr && s.kind != Sent::reversal && (s.stan != doubtful->stan || s.batch != doubtful->batch)) {
        find("I8",
             {kind_name(s).en + " left the terminal while " + key(*doubtful) + " was in doubt and not reversed",
              key_zh(*doubtful) + " 结果未知且未冲正，终端就发出了" + kind_name(s).zh},
             {doubtful->entered, s.mark});
        doubtful = nullptr;
      }
      if (s.kind == Sent::request) {
        const auto it = std::find_if(t_.attempts.begin(), t_.attempts.end(),
                                     [&](const Attempt& a) { return a.stan == s.stan && a.batch == s.batch; });
        if (in_doubt(*it) && !forgotten_.contains(key(*it))) doubtful = &*it;
      }
      if (s.kind == Sent::settlement) advices_first(s);
    }
  }

  /// DOMAIN.md 2.9: a batch that the host does not know whole is not settled, or what waits is lost with it.
  void advices_first(const Sent& settlement) {
    const std::uint64_t then = settlement.mark.seq;
    for (const Attempt& a : t_.attempts) {
      if (a.batch != settlement.batch || !a.entered || a.kind->unanswered != WhenUnanswered::repeat) continue;
      const bool ended = a.response_left && a.response_left.seq < then && !undelivered(a);
      // one that the journal no longer held was forgotten before, which is I10's to say
      const bool read = journal_.seq > a.entered.seq && journal_.seq < then;
      if (a.entered.seq > then || ended || (read && a.journal != "queued")) continue;
      settled_over_.insert(key(a));
      find("I8",
           {"the settlement left the terminal while the " + std::string(a.kind->name) + " " + key(a) +
                " was not delivered",
            std::string(a.kind->chinese) + " " + key_zh(a) + " 尚未送达，终端就发出了结算"},
           {a.entered, settlement.mark});
    }
  }

  /// A pending reversal that vanished over a power loss, or a booked record that did.
  void durable(const Attempt& a) {
    if (a.told_outcome == "APPROVED" && a.journal.empty() && !a.reversal_entered && a.kind->booked &&
        !a.closed_unread) {
      find("I9",
           {"the booked record of " + key(a) + " is gone from the journal",
            "已入账的记录从终端流水中消失（" + key_zh(a) + "）"},
           {a.told, journal_});
    }
    // what the journal did not hold before the power went is not lost with it: then I10 says all there is to say
    const bool lost = std::any_of(t_.power_lost.begin(), t_.power_lost.end(), [&](const Mark& power) {
      const Mark clear = ended(a);
      return power.seq > a.entered.seq && !(a.seen_clear && a.seen_clear.seq < power.seq) &&
             !(clear && clear.seq < power.seq);
    });
    if (in_doubt(a) && lost && !a.reversal_entered && a.journal != "approved" && a.journal != "pending") {
      find("I9",
           {"the pending reversal of " + key(a) + " did not survive the power loss: never sent, no longer pending",
            "待冲正标志未能在断电后保留：从未发出，也不再待冲正（" + key_zh(a) + "）"},
           {a.entered, t_.power_lost.back(), journal_});
      forgotten_.insert(key(a));  // that the doubt never ended follows from it
    }
  }

  void bounded(const Attempt& a) {
    // a restart and the next sale may fall into one occasion
    if (scope_.reversal_tries != 0 && a.most_reversals > scope_.reversal_tries * 2) {
      find("I10",
           {std::to_string(a.most_reversals) + " reversals for " + key(a) + " at one occasion",
            "一次机会内对 " + key_zh(a) + " 冲正 " + std::to_string(a.most_reversals) + " 次"},
           {a.entered, a.reversal_entered});
    }
    if (t_.recovery && journal_ && undelivered(a) && a.journal != "queued" && !settled_over_.contains(key(a))) {
      find("I10",
           {"the " + std::string(a.kind->name) + " " + key(a) + " was never answered, and is sent no more",
            std::string(a.kind->chinese) + " " + key_zh(a) + " 从未得到应答，终端也不再发送"},
           {a.entered, a.response_left, journal_});
    }
    if (!in_doubt(a) || ended(a) || forgotten_.contains(key(a))) return;
    if (!t_.recovery) return;  // the cycle was cut short: nothing can be said about the end of the doubt
    const std::string sum = amount_text(charged(a));
    find("I10",
         {key(a) + " is still in doubt at the end" + (charged(a) != 0 ? ": cardholder charged " + sum : std::string()) +
              (charged(a) != 0 ? ", reversal never accepted" : ": reversal never accepted"),
          key_zh(a) + " 到最后结果仍未知：" + (charged(a) != 0 ? "持卡人被扣 " + sum + "，" : std::string()) +
              "冲正从未被接受"},
         {a.entered, a.reversal_entered, journal_, ledger_});
  }

  /// As approved, by nothing but an answer of its own.
  bool taken(const Attempt& a) const {
    return a.told_outcome == "APPROVED" || (a.journal == "approved" && !confirmed(a));
  }

  void matched(const Attempt& a) {
    if (!a.foreign || !taken(a) || (a.response_left && approved_code(a.code))) return;
    find("R_MATCH",
         {"the terminal took " + key(a) + ", " + amount_text(a.amount_minor) +
              ", as approved by an answer that is not its own" + (a.foreign_what.empty() ? "" : ": " + a.foreign_what),
          "终端把不属于 " + key_zh(a) + "（" + amount_text(a.amount_minor) + "）的应答当作批准"},
         {a.entered, a.foreign, a.told, journal_});
  }

  void in_time(const Attempt& a) {
    if (!a.left || !a.first_response_left || !taken(a) || !approved_code(a.code)) return;
    const Duration after = a.first_response_left.at - a.left.at;
    if (after <= scope_.answer_timeout + late_slack) return;
    find("R_LATE",
         {"the terminal took " + key(a) + ", " + amount_text(a.amount_minor) + ", as approved by an answer that came " +
              to_text(after) + " after the request; it had to give up after " + to_text(scope_.answer_timeout),
          "应答在请求后 " + to_text(after) + " 才到，终端仍把 " + key_zh(a) + "（" + amount_text(a.amount_minor) +
              "）当作批准；应在 " + to_text(scope_.answer_timeout) + " 后放弃"},
         {a.left, a.first_response_left, a.told, journal_});
  }

  void answered_first(const Attempt& a) {
    if (!taken(a) || a.foreign) return;
    if (undelivered(a) && a.told_outcome != "APPROVED") return;  // an advice is booked before anybody is asked
    if (!a.entered || (a.response_left && approved_code(a.code))) return;
    find("R_ANSWER",
         {"the terminal took " + key(a) + ", " + amount_text(a.amount_minor) + ", as approved " +
              (a.response_left ? "although the host declined with code " + a.code
                               : std::string("although no response reached it")),
          (a.response_left ? "主机以 " + a.code + " 拒绝" : std::string("没有任何应答到达")) + "，终端却把 " +
              key_zh(a) + "（" + amount_text(a.amount_minor) + "）当作批准"},
         {a.entered, a.response_entered, a.response_left, a.told, journal_});
  }

  void authentic(const Attempt& a) {
    if (!forged(a) || !a.response_left) return;
    if (a.journal != "approved" && a.told_outcome != "APPROVED") return;
    if (a.reversal_ended) return;
    find("R_MAC",
         {std::string("an approval with ") + (a.mac == "wrong" ? "a wrong" : "no") + " MAC was taken as valid (" +
              key(a) + ", " + amount_text(a.amount_minor) + ")",
          std::string(a.mac == "wrong" ? "MAC 错误" : "没有 MAC") + "的批准被当作有效（" + key_zh(a) + "，" +
              amount_text(a.amount_minor) + "）"},
         {a.response_left, a.told, journal_});
  }

  /// A card was swiped, was not read, and the terminal said nothing of it though it could.
  bool ignored() const {
    if (t_.card_read || t_.read_error || !t_.silence || t_.fault) return false;
    if (t_.parts.failed && t_.parts.failed.seq < t_.silence.seq) return false;  // it could not
    if (t_.silence.seq < t_.swipe_begun.seq) return false;
    // what was asked for was read, whatever the terminal told of it
    if (std::any_of(t_.attempts.begin(), t_.attempts.end(),
                    [&](const Attempt& a) { return a.entered && a.intent == t_.case_intent; }))
      return false;
    const auto spoke = t_.last_text.seq > t_.swipe_begun.seq && t_.last_text.seq < t_.silence.seq;
    const bool dark =
        std::any_of(t_.power_lost.begin(), t_.power_lost.end(), [&](const Mark& m) { return m.seq < t_.silence.seq; });
    return !spoke && !dark;
  }
  /// An actuator that misses the card shows the terminal nothing to speak of.
  bool card_was_there() const { return scope_.sources.contains("card") || t_.card_proved; }

  void hint() {
    if (!ignored()) return;
    find("R_HINT",
         {"the card was swiped, was not read, and the terminal said nothing: no money moved",
          "刷卡未能读出，终端没有任何提示：未动用资金"},
         {t_.swipe_begun, t_.silence, t_.card_proved});
  }

  void doubt_time() {
    for (const Attempt& a : t_.attempts) {
      if (!in_doubt(a) || !a.entered) continue;
      const Time end = ended(a) ? ended(a).at : journal_ ? journal_.at : a.entered.at;
      result_.in_doubt = std::max(result_.in_doubt, end - a.entered.at);
    }
  }

  Mark journal_, ledger_;
  std::map<const Attempt*, HostFault> host_faults_;
  std::optional<Finding> host_totals_;
  std::set<std::string> forgotten_;     // attempts whose pending reversal was lost
  std::set<std::string> settled_over_;  // advices that a settlement did not wait for
  Reconciliation result_;
};

}  // namespace

Reconciliation reconcile(const Transaction& t, const Scope& scope) { return Rules(t, scope).run(); }

}  // namespace swiperig
