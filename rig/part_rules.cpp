#include "rig/part_rules.hpp"

#include <algorithm>

namespace swiperig {

namespace {

std::string key(const Attempt& a) { return "batch " + a.batch + " STAN " + a.stan; }

Finding found(const char* rule, std::string what, std::initializer_list<Mark> marks) {
  Finding f{rule, std::move(what), {}};
  for (const Mark& m : marks) {
    if (m) f.evidence.push_back(m.seq);
  }
  std::sort(f.evidence.begin(), f.evidence.end());
  return f;
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
      a.response_left.seq < p.printer_failed.seq && a.code == "00" && a.reversal_entered) {
    out.push_back(found("R_STANDS",
                        "a sale that was booked is reversed because its receipt did not come out (" + key(a) + ")",
                        {a.response_left, p.printer_failed, a.reversal_entered}));
  }
  if (this_one && p.chip_refused && taken && !a.reversal_entered) {
    out.push_back(found("R_CHIP", "the chip refused the approved sale, and it was taken all the same (" + key(a) + ")",
                        {a.response_left, p.chip_refused, a.told, book(t, "journal")}));
  }
  const bool swiped = a.entry.starts_with("02");
  if (this_one && p.chip_failed && a.entered && p.chip_failed.seq < a.entered.seq && swiped && a.entry_reason != "2") {
    out.push_back(found(
        "R_FALLBACK", "a card was swiped because its chip had failed, and the request does not say so (" + key(a) + ")",
        {p.chip_failed, a.entered}));
  }
  if (a.last_result && this_one && a.journal == "approved" && a.ledger == "approved" && !a.told &&
      a.last_result_outcome != "APPROVED") {
    out.push_back(found("I2",
                        "cardholder charged " + amount_text(a.ledger_amount_minor) +
                            ", nobody was told, and asked for its last result the terminal does not name it (" +
                            key(a) + ")",
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
    out.push_back(
        found("R_TAMPER", "a request left the terminal after its keys were erased", {p.tampered, p.sold_tampered}));
  }
  if (p.misdated) {
    out.push_back(found("R_CLOCK",
                        "the host told the time, " + p.host_time + ", and a receipt after it says " + p.receipt_time,
                        {p.told_time, p.misdated}));
  }
  for (const Attempt& a : t.attempts) {
    if (!a.carried) of_attempt(t, scope, a, out);
  }
  return out;
}

}  // namespace swiperig
