#include "rig/part_rules.hpp"

#include "rig/attempt_facts.hpp"

namespace swiperig {

namespace {

Finding found(const char* rule, Sentence what, std::initializer_list<Mark> marks) {
  return {rule, std::move(what.en), proof(marks), std::move(what.zh)};
}

Mark book(const Transaction& t, const char* name) {
  const auto it = t.books.find(name);
  return it == t.books.end() ? Mark{} : it->second;
}

void of_attempt(const Transaction& t, const Scope& scope, const Attempt& a, std::vector<Finding>& out) {
  const PartsSeen& p = t.parts;
  const bool taken = a.journal == "approved" || a.told_outcome == "APPROVED";
  const bool this_one = a.intent >= 0 && a.intent == t.case_intent;
  if (scope.unprinted_sale_stands && this_one && p.printer_failed && a.response_left &&
      a.response_left.seq < p.printer_failed.seq && a.code == "00" && p.printer_failed.seq < a.reversal_entered.seq) {
    out.push_back(found("R_STANDS",
                        {"a sale that was booked is reversed because its receipt did not come out (" + key(a) + ")",
                         "已入账的消费因未出凭条而被冲正（" + key_zh(a) + "）"},
                        {a.response_left, p.printer_failed, a.reversal_entered}));
  }
  if (this_one && p.chip_refused && taken && !a.reversal_entered) {
    out.push_back(found("R_CHIP",
                        {"the chip refused the approved sale, and it was taken all the same (" + key(a) + ")",
                         "芯片拒绝了已批准的消费，终端仍然入账（" + key_zh(a) + "）"},
                        {a.response_left, p.chip_refused, a.told, book(t, "journal")}));
  }
  const bool swiped = a.entry.starts_with("02");
  if (this_one && p.chip_failed && a.entered && p.chip_failed.seq < a.entered.seq && swiped && a.entry_reason != "2") {
    out.push_back(
        found("R_FALLBACK",
              {"a card was swiped because its chip had failed, and the request does not say so (" + key(a) + ")",
               "芯片失败后降级刷卡，请求中却未注明（" + key_zh(a) + "）"},
              {p.chip_failed, a.entered}));
  }
  if (a.last_result && this_one && a.journal == "approved" && a.ledger == "approved" && !a.told &&
      a.last_result_outcome != "APPROVED") {
    out.push_back(
        found("I2",
              {"cardholder charged " + amount_text(a.ledger_amount_minor) +
                   ", nobody was told, and asked for its last result the terminal does not name it (" + key(a) + ")",
               "持卡人被扣 " + amount_text(a.ledger_amount_minor) + "，无人被告知，查询末笔结果时终端也不承认（" +
                   key_zh(a) + "）"},
              {a.entered, a.last_result, book(t, "journal"), book(t, "ledger")}));
  }
}

}  // namespace

std::vector<std::string> part_rules(const Scope& scope) {
  if (!scope.sources.contains("terminal") || !scope.sources.contains("network")) return {};
  return {"R_STANDS", "R_CHIP", "R_FALLBACK", "R_TAMPER", "R_CLOCK"};
}

std::vector<Finding> part_findings(const Transaction& t, const Scope& scope) {
  std::vector<Finding> out;
  const PartsSeen& p = t.parts;
  if (p.sold_tampered) {
    out.push_back(found("R_TAMPER",
                        {"a request left the terminal after its keys were erased", "密钥被擦除后终端仍发出请求"},
                        {p.tampered, p.sold_tampered}));
  }
  if (p.misdated) {
    out.push_back(found("R_CLOCK",
                        {"the host told the time, " + p.host_time + ", and a receipt after it says " + p.receipt_time,
                         "主机告知时间 " + p.host_time + "，其后的凭条却印 " + p.receipt_time},
                        {p.told_time, p.misdated}));
  }
  const AttemptFacts facts(t, scope);
  for (const Attempt& a : t.attempts) {
    const std::size_t before = out.size();
    if (!a.carried) of_attempt(t, scope, a, out);
    for (std::size_t i = before; i < out.size(); ++i) {
      const Sentence where = facts.money(a);
      out[i].what += ": " + where.en;
      out[i].what_zh += "：" + where.zh;
    }
  }
  return out;
}

}  // namespace swiperig
