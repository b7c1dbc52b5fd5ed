#include "rig/host_rules.hpp"

#include <algorithm>

namespace swiperig {

namespace {

/// What its book has of it.
Sentence held(const Attempt& a) {
  const std::string sum = amount_text(a.ledger_amount_minor);
  if (a.ledger == "approved" && a.postings > 1) {
    const std::string times = std::to_string(a.postings);
    return {"its book has it " + times + " times, " + sum + " in all", "其账入账 " + times + " 次，共 " + sum};
  }
  if (a.ledger == "approved") return {"its book has " + sum, "其账为 " + sum};
  return {"its book has nothing", "其账无此笔"};
}

/// A settlement since then may have closed its batch.
bool closed_since(const Transaction& t, const Attempt& a, const Mark& since) {
  return std::any_of(t.sent.begin(), t.sent.end(), [&](const Sent& s) {
    return s.kind == Sent::settlement && s.batch == a.batch && s.mark.seq > since.seq && s.mark.seq < a.ledger_read.seq;
  });
}

Mark ledger_of(const Transaction& t) {
  const auto at = t.books.find("ledger");
  return at == t.books.end() ? Mark{} : at->second;
}

}  // namespace

std::optional<HostFault> host_fault(const AttemptFacts& facts, const Attempt& a) {
  const Transaction& t = facts.transaction();
  if (a.carried || !a.entered || !a.kind->booked || a.reused_key) return std::nullopt;
  const auto read_since = [&](const Mark& word) {
    return word && a.ledger_read.seq > word.seq && !closed_since(t, a, word);
  };
  const bool booked = a.ledger == "approved";
  const Sentence has = held(a);
  const std::string asked = amount_text(a.amount_minor);
  const auto fault = [&](const char* rule, std::int64_t said_minor, const Sentence& said, const Mark& word) {
    Finding f;
    f.rule = rule;
    f.what = "the host " + said.en + ", and " + has.en + " (" + key(a) + "): the host's fault";
    f.what_zh = "主机" + said.zh + "，" + has.zh + "（" + key_zh(a) + "）：主机之过";
    f.evidence = proof({a.entered, a.committed, word, a.ledger_read});
    return HostFault{std::move(f), said_minor};
  };
  if (booked && read_since(a.host_undone)) {
    const std::string &code = a.host_undone_code, sum = amount_text(a.reversal_amount_minor);
    return fault("H_UNDONE", 0,
                 {"answered " + code + " to the reversal of " + sum, "对 " + sum + " 的冲正应答 " + code},
                 a.host_undone);
  }
  if (a.mangled) return std::nullopt;  // who knows what it was asked for
  // what it was asked twice it may refuse the second time, and have booked the first
  const bool only_word = !a.host_approved && a.host_code != "94" && a.requests == 1;
  if (booked && only_word && read_since(a.host_declined)) {
    return fault("H_DECLINED", 0,
                 {"declined " + asked + " with code " + a.host_code, "以 " + a.host_code + " 拒绝 " + asked},
                 a.host_declined);
  }
  if (booked && a.postings > 1 && read_since(a.entered)) {
    return fault("H_ONCE", a.amount_minor, {"was asked for " + asked, "收到 " + asked + " 的请求"}, a.host_approved);
  }
  // a reversal without a name may have undone it, and so may one whose answer nobody saw
  const bool undone = a.reversal_entered || std::any_of(t.attempts.begin(), t.attempts.end(),
                                                        [](const Attempt& b) { return bool(b.unnamed); });
  const bool as_approved = booked && (a.ledger_amount_minor == a.amount_minor || a.host_code == "10");
  if (!as_approved && !undone && read_since(a.host_approved)) {
    return fault("H_BOOKED", a.amount_minor, {"approved " + asked, "批准 " + asked}, a.host_approved);
  }
  return std::nullopt;
}

std::optional<Finding> host_totals(const AttemptFacts& facts) {
  const Transaction& t = facts.transaction();
  const Mark ledger = ledger_of(t);
  const auto said = stated_totals(t.settlement_said), asked = stated_totals(t.settlement_totals);
  if (!said || !asked || *said == *asked || !ledger || ledger.seq > t.settlement_entered.seq) return std::nullopt;
  StatedTotals own;
  for (const Attempt& a : t.attempts) {
    if (a.batch != t.settlement_batch || a.kind->sign == 0) continue;
    std::int64_t minor = a.ledger == "approved" ? a.ledger_amount_minor : 0;
    const bool newer = a.entered.seq > a.ledger_read.seq || a.reversal_entered.seq > a.ledger_read.seq;
    if (newer) {
      const bool approved = a.host_approved.seq > a.ledger_read.seq, undone = a.host_undone.seq > a.ledger_read.seq;
      if (!approved && !undone && a.host_declined.seq <= a.ledger_read.seq) return std::nullopt;  // nobody knows
      if (undone) minor = 0;
      if (approved && !undone) minor = a.amount_minor;
    }
    if (minor == 0) continue;
    own.amount_minor += a.kind->sign * minor;
    own.count += std::max(1, newer ? 1 : a.postings);
  }
  if (*said == own) return std::nullopt;
  const auto text = [](const StatedTotals& s) {
    return std::to_string(s.count) + " of " + amount_text(s.amount_minor);
  };
  const auto text_zh = [](const StatedTotals& s) {
    return std::to_string(s.count) + " 笔共 " + amount_text(s.amount_minor);
  };
  Finding f;
  f.rule = "H_TOTALS";
  f.what = "the host's totals in the settlement are " + text(*said) + ", and its book had " + text(own) +
           ": the host's fault";
  f.what_zh = "主机结算总计为 " + text_zh(*said) + "，其账为 " + text_zh(own) + "：主机之过";
  f.evidence = proof({ledger, t.settlement_entered, t.settlement_said_at});
  return f;
}

std::optional<StatedTotals> stated_totals(const std::string& field48) {
  if (field48.size() != 62 || field48.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t digits) { return std::stoll(field48.substr(at, digits)); };
  StatedTotals t;
  for (const std::size_t half : {0U, 31U}) {
    t.amount_minor += number(half, 12) - number(half + 15, 12);
    t.count += number(half + 12, 3) + number(half + 27, 3);
  }
  return t;
}

}  // namespace swiperig
