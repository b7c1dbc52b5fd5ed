#include "rig/attempt_facts.hpp"

#include <algorithm>

#include "rig/time.hpp"

namespace swiperig {

std::string key(const Attempt& a) { return "batch " + a.batch + " STAN " + a.stan; }
std::string key_zh(const Attempt& a) { return "批次 " + a.batch + " 流水号 " + a.stan; }

std::vector<std::uint64_t> proof(std::initializer_list<Mark> marks) {
  std::vector<std::uint64_t> seqs;
  for (const Mark& m : marks) {
    if (m) seqs.push_back(m.seq);
  }
  std::sort(seqs.begin(), seqs.end());
  seqs.erase(std::unique(seqs.begin(), seqs.end()), seqs.end());
  return seqs;
}

bool is_passing(const std::string& code) {
  static constexpr std::string_view codes[] = {"06", "09", "19", "22", "55", "68", "77", "90",
                                               "91", "92", "96", "98", "99", "A0", "A7"};
  return std::find(std::begin(codes), std::end(codes), code) != std::end(codes);
}

bool approved_code(const std::string& code) { return code == "00" || code == "11" || code == "16" || code == "10"; }

bool AttemptFacts::forged(const Attempt& a) const {
  return a.mac == "wrong" || (a.mac == "absent" && scope_.mac && approved_code(a.code));
}

bool AttemptFacts::answered(const Attempt& a) const {
  if (!a.response_left || forged(a) || a.code.empty()) return false;
  return !a.left || a.response_left.at - a.left.at <= scope_.answer_timeout + late_slack;
}

bool AttemptFacts::in_doubt(const Attempt& a) const {
  if (a.kind->unanswered != WhenUnanswered::reverse) return false;
  if (!a.entered || a.journal == "approved" || a.told_outcome == "APPROVED") return false;
  const bool host_timed_out = a.code == "68" || a.code == "98";
  return !answered(a) || approved_code(a.code) || (host_timed_out && scope_.reverses_host_timeouts);
}

bool AttemptFacts::undelivered(const Attempt& a) const {
  if (a.kind->unanswered != WhenUnanswered::repeat || !a.entered) return false;
  // a wrong PIN is asked for again under another number; the advice itself is over
  return !a.response_left || forged(a) || a.code.empty() || (is_passing(a.code) && a.code != "55");
}

bool AttemptFacts::confirmed(const Attempt& a) const {
  return std::any_of(t_.attempts.begin(), t_.attempts.end(), [&](const Attempt& query) {
    const bool about = !query.kind->booked && query.entered && query.original == a.batch + a.stan;
    return about && answered(query) && approved_code(query.code);
  });
}

bool AttemptFacts::open_in_journal(const Attempt& a) const {
  return a.journal == "pending" || a.journal == "queued" || a.journal == "unconfirmed";
}

Sentence AttemptFacts::money(const Attempt& a) const {
  Sentence s;
  const std::int64_t held = a.ledger == "approved" ? a.ledger_amount_minor : 0;
  const std::string amount = amount_text(held != 0 ? held : a.amount_minor);
  if (!t_.books.contains("ledger")) {
    s = {"what the host holds of " + amount + " was not read", "主机是否持有 " + amount + " 未能读取"};
  } else if (held == 0) {
    s = {"cardholder charged nothing", "持卡人未被扣款"};
  } else if (a.kind->name == "preauth") {
    s = {"cardholder blocked for " + amount, "持卡人被冻结 " + amount};
  } else if (a.kind->sign < 0) {
    s = {"cardholder credited " + amount, "持卡人获退 " + amount};
  } else {
    s = {"cardholder charged " + amount, "持卡人被扣 " + amount};
  }
  const auto state_zh = [](const std::string& state) -> std::string {
    if (state.empty()) return "没有记录";
    if (state == "approved" || state == "APPROVED") return "批准";
    if (state == "declined" || state == "DECLINED") return "拒绝";
    if (state == "reversed") return "已冲正";
    return state == "pending" ? "待冲正" : state;
  };
  if (t_.books.contains("journal")) {
    s.en += ", merchant's journal shows " + (a.journal.empty() ? std::string("nothing") : a.journal);
    s.zh += "，商户流水" + (a.journal.empty() ? state_zh("") : "记为" + state_zh(a.journal));
  }
  s.en += a.told_outcome.empty() ? ", nothing told" : ", told " + a.told_outcome;
  s.zh += a.told_outcome.empty() ? "，未告知结果" : "，告知" + state_zh(a.told_outcome);
  if (a.reversal_ended) {
    s.en += ", reversed";
    s.zh += "，已冲正";
  } else if (a.reversal_entered) {
    s.en += ", reversal not confirmed";
    s.zh += "，冲正未获确认";
  } else if (in_doubt(a)) {
    s.en += ", reversal never sent";
    s.zh += "，从未发出冲正";
  }
  return s;
}

const Attempt* AttemptFacts::original_of(const Attempt& a) const {
  if (a.original.size() != 12) return nullptr;
  const auto at = std::find_if(t_.attempts.begin(), t_.attempts.end(), [&](const Attempt& o) {
    return o.batch == a.original.substr(0, 6) && o.stan == a.original.substr(6);
  });
  return at == t_.attempts.end() ? nullptr : &*at;
}

Mark AttemptFacts::ended(const Attempt& a) const {
  const bool may_give_up = !scope_.keep_reversal_after_last_try && scope_.reversal_tries != 0;
  if (a.reversal_ended || !may_give_up || !a.gave_up) return a.reversal_ended;
  // a terminal that reached the network's door and no host has tried too
  const auto refused = std::count_if(t_.refusals.begin(), t_.refusals.end(),
                                     [&](const Mark& r) { return r.seq > a.entered.seq && r.seq < a.gave_up.seq; });
  return a.reversals + refused >= scope_.reversal_tries ? a.gave_up : a.reversal_ended;
}

}  // namespace swiperig
