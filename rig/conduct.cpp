#include "rig/conduct.hpp"

#include <algorithm>
#include <cstdlib>

namespace swiperig {

namespace {

void note(std::vector<Finding>& findings, const char* rule, Sentence what, std::initializer_list<Mark> marks) {
  findings.push_back({rule, std::move(what.en), proof(marks), std::move(what.zh)});
}

/// DOMAIN.md 2.7: a host finds the original by field 61, or else by the number. A reversal that has neither leaves it
/// to guess by card and amount, and where two fit it must not guess.
void nameless_reversal(const AttemptFacts& facts, const Attempt& a, std::vector<Finding>& findings) {
  const std::vector<Attempt>& all = facts.transaction().attempts;
  const auto meant = std::find_if(all.begin(), all.end(), [&](const Attempt& b) {
    return b.entered && b.entered.seq < a.unnamed.seq && b.amount_minor == a.reversal_amount_minor && facts.in_doubt(b);
  });
  if (meant == all.end()) return;
  note(findings, "R_ORIGINAL",
       {"the reversal under STAN " + a.stan + " names no transaction, and " + key(*meant) + " of " +
            amount_text(meant->amount_minor) + " is in doubt",
        "流水号 " + a.stan + " 的冲正未指明原交易，而 " + key_zh(*meant) + " 金额 " + amount_text(meant->amount_minor) +
            " 结果未知"},
       {meant->entered, a.unnamed});
}

/// DOMAIN.md 2.4: field 61 names the transaction it is about, 37 that one's reference, and no more than its amount.
void right_original(const AttemptFacts& facts, const Attempt& a, std::vector<Finding>& findings) {
  if (a.unnamed && !a.entered) nameless_reversal(facts, a, findings);
  if (!a.entered || a.kind->original.empty() || a.intent < 0 || a.intent != facts.transaction().case_intent) return;
  const auto meant =
      std::find_if(facts.transaction().attempts.begin(), facts.transaction().attempts.end(),
                   [&](const Attempt& o) { return o.entered && o.intent == facts.transaction().case_intent - 1; });
  if (meant == facts.transaction().attempts.end()) return;
  if (facts.original_of(a) != &*meant || (!meant->rrn.empty() && a.original_rrn != meant->rrn)) {
    note(findings, "R_ORIGINAL",
         {"the " + std::string(a.kind->name) + " " + key(a) + " names another transaction than " + key(*meant) +
              ", which it is about",
          std::string(a.kind->chinese) + " " + key_zh(a) + " 指向的不是原交易 " + key_zh(*meant)},
         {meant->entered, meant->response_left, a.entered});
    return;
  }
  const std::int64_t percent = a.kind->original == "preauth" ? facts.scope().completion_limit_percent : 100;
  const std::int64_t most = meant->amount_minor / 100 * percent + meant->amount_minor % 100 * percent / 100;
  const bool limited = a.kind->takes_all || a.kind->sign < 0 || a.kind->original == "preauth";
  if (limited && (a.amount_minor > most || (a.kind->takes_all && a.amount_minor != meant->amount_minor))) {
    note(findings, "I4",
         {"the " + std::string(a.kind->name) + " " + key(a) + " asks for " + amount_text(a.amount_minor) +
              ", and what it is about was " + amount_text(meant->amount_minor),
          std::string(a.kind->chinese) + " " + key_zh(a) + " 请求 " + amount_text(a.amount_minor) + "，原交易为 " +
              amount_text(meant->amount_minor)},
         {meant->entered, a.entered});
  }
}

void right_reversal(const AttemptFacts&, const Attempt& a, std::vector<Finding>& findings) {
  if (!a.reversal_entered || !a.entered) return;
  if (a.kind->unanswered != WhenUnanswered::reverse) {
    note(findings, "R_REVERSAL",
         {"a " + std::string(a.kind->name) + " is never reversed, and " + key(a) + " was",
          std::string(a.kind->chinese) + "不得冲正，" + key_zh(a) + " 却被冲正"},
         {a.entered, a.reversal_entered});
  } else if (a.reversal_amount_minor != a.amount_minor && a.reversal_amount_minor != 0) {
    note(
        findings, "R_REVERSAL",
        {key(a) + " of " + amount_text(a.amount_minor) + " is reversed with " + amount_text(a.reversal_amount_minor),
         key_zh(a) + " 金额 " + amount_text(a.amount_minor) + "，冲正金额却是 " + amount_text(a.reversal_amount_minor)},
        {a.entered, a.reversal_entered});
  }
}

/// What is neither reversed nor stored goes out once: a second refund pays twice.
void sent_once(const AttemptFacts&, const Attempt& a, std::vector<Finding>& findings) {
  if (a.requests < 2 || a.reused_key || a.kind->unanswered != WhenUnanswered::nothing) return;
  note(findings, "R_REPEAT",
       {"the " + std::string(a.kind->name) + " " + key(a) + " was sent " + std::to_string(a.requests) + " times",
        std::string(a.kind->chinese) + " " + key_zh(a) + " 被发送 " + std::to_string(a.requests) + " 次"},
       {a.entered});
}

void no_retry(const AttemptFacts& facts, const Attempt& a, std::vector<Finding>& findings) {
  const bool wrong_pin = a.code == "55";
  if (!a.entered || a.intent < 0 || !facts.answered(a) || approved_code(a.code)) return;
  if (is_passing(a.code) && !wrong_pin) return;
  const auto again =
      std::find_if(facts.transaction().attempts.begin(), facts.transaction().attempts.end(), [&](const Attempt& b) {
        return b.intent == a.intent && b.entered.seq > a.response_left.seq && b.kind == a.kind;
      });
  if (again == facts.transaction().attempts.end()) return;
  if (wrong_pin) {
    // right, where the PIN was asked for again; of a terminal that is not seen asking nobody knows
    const std::vector<Mark>& asked = facts.transaction().parts.pins_wanted;
    const bool between = std::any_of(asked.begin(), asked.end(), [&](const Mark& m) {
      return m.seq > a.response_left.seq && m.seq < again->entered.seq;
    });
    if (asked.empty() || between) return;
  }
  note(findings, "R_RETRY",
       {key(a) + " was declined with code " + a.code + ", and asked again by itself as " + key(*again),
        key_zh(a) + " 已被 " + a.code + " 拒绝，终端又自行以 " + key_zh(*again) + " 重新请求"},
       {a.entered, a.response_left, again->entered});
}

void right_balance(const AttemptFacts&, const Attempt& a, std::vector<Finding>& findings) {
  if (a.kind->name != "balance" || a.told_outcome != "APPROVED" || a.balance.empty()) return;
  if (a.balance == no_balance) {
    note(findings, "R_BALANCE",
         {"a balance of " + amount_text(a.told_amount_minor) + " was told, and the host's answer said none",
          "告知余额 " + amount_text(a.told_amount_minor) + "，主机应答中没有余额"},
         {a.response_left, a.told});
    return;
  }
  const std::int64_t balance = std::strtoll(a.balance.c_str(), nullptr, 10);
  if (balance == a.told_amount_minor) return;
  note(findings, "R_BALANCE",
       {"a balance of " + amount_text(a.told_amount_minor) + " was told, and the host said " + amount_text(balance),
        "告知余额 " + amount_text(a.told_amount_minor) + "，主机所报为 " + amount_text(balance)},
       {a.response_left, a.told});
}

void no_secret(const AttemptFacts& facts, const Attempt& a, std::vector<Finding>& findings) {
  if (!a.secret || facts.scope().secrets_in_reversal) return;
  note(findings, "R_SECRET",
       {"a reversal of " + key(a) + " carries track data or a PIN block, which must not be kept",
        key_zh(a) + " 的冲正带有不得保存的磁道或 PIN 数据"},
       {a.entered, a.secret});
}

}  // namespace

const ConductRule conduct_rules[6] = {{"R_ORIGINAL", false, right_original}, {"R_REVERSAL", false, right_reversal},
                                      {"R_REPEAT", false, sent_once},        {"R_RETRY", false, no_retry},
                                      {"R_BALANCE", true, right_balance},    {"R_SECRET", false, no_secret}};

}  // namespace swiperig
