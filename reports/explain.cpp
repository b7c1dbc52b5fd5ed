#include "reports/explain.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "reports/run_books.hpp"
#include "reports/visible.hpp"
#include "rig/transaction.hpp"

namespace swiperig {

namespace {

struct Named {
  std::string_view name, text, also;
};

constexpr Named causes[] = {
#define CAUSE(name, section, parent, english, chinese) {#name, english, chinese},
#include "rig/causes.def"
#undef CAUSE
};
constexpr Named milestones[] = {
#define MILESTONE(name, observer, meaning) {#name, meaning, ""},
#include "rig/milestones.def"
#undef MILESTONE
};

template <class Table>
const Named* look_up(const Table& table, std::string_view name) {
  const auto it = std::find_if(std::begin(table), std::end(table), [&](const Named& n) { return n.name == name; });
  return it == std::end(table) ? nullptr : &*it;
}

std::string cause_text(const std::string& name) {
  const Named* cause = look_up(causes, name);
  if (cause == nullptr) return visible(name);
  return name + " (" + std::string(cause->text) + ", " + std::string(cause->also) + ")";
}

/// What a reader wants of a message; the rest is in the trace.
constexpr std::string_view telling[] = {"stan", "amount", "code", "reason", "mac",     "outcome",    "by",        "how",
                                        "from", "bytes",  "what", "near",   "differs", "candidates", "connection"};

std::string telling_fields(const Fields& fields) {
  std::string out;
  for (const std::string_view name : telling) {
    const auto it = std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.first == name; });
    if (it == fields.end() || it->second.empty()) continue;
    const std::string& value = it->second;
    const bool digits = std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!out.empty()) out += ", ";
    out += std::string(name) + " ";
    out += name == "amount" && digits && value.size() <= 12 ? amount_text(std::atoll(value.c_str())) : visible(value);
  }
  return out;
}

std::string row_text(const Entry& e) {
  std::string out =
      "STAN " + visible(e.stan) + " " + visible(e.kind) + " " + amount_text(e.amount_minor) + " " + visible(e.state);
  return e.batch.empty() ? out : "batch " + visible(e.batch) + " " + out;
}

struct Say {
  std::string operator()(const Swipe& b) const { return visible(describe(StepAction(b))); }
  std::string operator()(const Press& b) const { return visible(describe(StepAction(b))); }
  std::string operator()(const Dip& b) const { return visible(describe(StepAction(b))); }
  std::string operator()(const CardTap& b) const { return visible(describe(StepAction(b))); }
  std::string operator()(const Supply& b) const { return describe(StepAction(b)); }
  std::string operator()(const BrownOut& b) const { return describe(StepAction(b)); }
  std::string operator()(const HostBehaviour& b) const { return "from now on " + visible(describe(StepAction(b))); }
  std::string operator()(const PartState& b) const { return "from now on " + visible(describe(StepAction(b))); }
  std::string operator()(const Impairment& b) const { return describe(b); }
  std::string operator()(const Intent& b) const {
    std::string out = visible(b.what);
    if (b.amount_minor != 0) out += " of " + amount_text(b.amount_minor);
    return out + " begins" + (b.detail.empty() ? "" : " (" + visible(b.detail) + ")");
  }
  std::string operator()(const Armed& b) const {
    return "step " + std::to_string(b.step + 1) + " armed: " + visible(b.what);
  }
  std::string operator()(const Milestone& b) const {
    const Named* known = look_up(milestones, b.name);
    const std::string fields = telling_fields(b.fields);
    return visible(b.name) + ": " +
           (known == nullptr ? "a milestone unknown to this program" : std::string(known->text)) +
           (fields.empty() ? "" : " [" + fields + "]");
  }
  std::string operator()(const Text& b) const { return visible(b.place) + " shows \"" + visible(b.text) + "\""; }
  std::string operator()(const Reading& b) const {
    return "measured: rail " + std::to_string(b.rail_mv) + " mV, draws " + std::to_string(b.draw_ma) + " mA";
  }
  std::string operator()(const MotionDone& b) const {
    std::string out = visible(b.what) + " done";
    if (b.speed_mm_s != 0) out += ", measured " + std::to_string(b.speed_mm_s) + " mm/s";
    if (b.held.count() != 0) out += ", held there for " + to_text(b.held);
    return out + (b.reverse ? ", the wrong way round" : "");
  }
  std::string operator()(const Presence& b) const {
    return visible(b.what) + (b.up ? " is there" : " is gone") + (b.where.empty() ? "" : ": " + visible(b.where));
  }
  std::string operator()(const BookRead& b) const {
    std::string out = visible(b.book) + " read: ";
    if (b.entries.empty()) return out + "nothing in it";
    for (std::size_t i = 0; i < b.entries.size(); ++i) out += (i == 0 ? "" : "; ") + row_text(b.entries[i]);
    return out;
  }
  std::string operator()(const Fired& b) const {
    return "step " + std::to_string(b.step + 1) + (b.done ? " done: " : " missed: ") + visible(b.what);
  }
  std::string operator()(const EquipmentFault& b) const { return "the rig's own equipment failed: " + visible(b.what); }
  std::string operator()(const Silence& b) const { return "nothing came back for " + to_text(b.lasted); }
};

std::string milliseconds(Duration d) {
  char text[32];
  std::snprintf(text, sizeof text, "%13.3f", static_cast<double>(d.count()) / 1e6);
  return text;
}

std::string event_numbers(const std::vector<std::uint64_t>& seqs) {
  std::string out;
  for (const std::uint64_t seq : seqs) out += (out.empty() ? "" : ", ") + std::to_string(seq);
  return out.empty() ? "" : " [events " + out + "]";
}

std::string state_text(const std::string& state, std::int64_t amount_minor) {
  if (state.empty()) return "nothing";
  return visible(state) + " " + amount_text(amount_minor);
}

std::string money(const Scope& scope, const CycleRecord& cycle) {
  const Transaction t = replay(cycle.events, scope);
  std::string out = "money, as the three books have it:\n";
  for (const Attempt& a : t.attempts) {
    out += "  batch " + visible(a.batch) + " STAN " + visible(a.stan);
    if (a.entered) out += ", a request of " + amount_text(a.amount_minor);
    out += ":  told " + state_text(a.told_outcome, a.told_amount_minor);
    out += "  |  journal " + (t.books.contains("journal") ? state_text(a.journal, a.journal_amount_minor) : "not read");
    out +=
        "  |  ledger " + (t.books.contains("ledger") ? state_text(a.ledger, a.ledger_amount_minor) : "not read") + "\n";
  }
  if (t.attempts.empty()) out += "  no request, nothing told, no rows\n";
  return out;
}

std::string judgement(const Verdict& v) {
  std::string out;
  for (const Finding& f : v.findings) {
    out += "finding " + visible(f.rule) + ": " + visible(f.what) + event_numbers(f.evidence) + "\n";
    if (!f.what_zh.empty()) out += "    " + visible(f.what_zh) + "\n";
  }
  if (v.findings.empty()) out += "findings: none\n";
  out += "checked:";
  for (const std::string& rule : v.checked) out += " " + visible(rule);
  if (!v.not_reached.empty()) {
    out += "; not reached in this cycle:";
    for (const std::string& rule : v.not_reached) out += " " + visible(rule);
  }
  if (!v.not_observable.empty()) {
    out += "; not observable on this bench:";
    for (const std::string& rule : v.not_observable) out += " " + visible(rule);
  }
  out += "\n";
  if (v.in_doubt.count() != 0) out += "time in doubt: " + to_text(v.in_doubt) + "\n";
  out += "outcome: " + std::string(to_string(v.outcome)) + ", because " + visible(v.why) + "\n";
  out += "diagnosis: " + cause_text(v.diagnosis.cause) + ", because " + visible(v.diagnosis.why) +
         event_numbers(v.diagnosis.evidence) + "\n";
  for (const std::string& candidate : v.diagnosis.candidates) out += "  it could be " + cause_text(candidate) + "\n";
  if (v.diagnosis.cause != "none") out += "confidence: " + std::string(v.diagnosis.confidence()) + "\n";
  for (const RuledOut& r : v.diagnosis.ruled_out)
    out += "  not " + cause_text(r.cause) + ": " + visible(r.why) + event_numbers(r.evidence) + "\n";
  for (const std::string& other : v.diagnosis.open) out += "  nothing rules out " + cause_text(other) + "\n";
  out += "induced by the case: " + cause_text(v.induced) + "\n";
  if (!v.points.empty()) out += "came to:";
  for (const std::string& point : v.points) out += " " + point;
  if (!v.points.empty()) out += "\n";
  return out;
}

}  // namespace

std::string sentence(const Event& event) { return std::visit(Say{}, event.body); }

std::string amendments(const CycleRecord& cycle, std::span<const CycleRecord> later) {
  if (!cycle.verdict) return {};
  std::string out;
  for (Standing stands : cycle.verdict->standings) {
    if (stands.carried) continue;  // it belongs to the cycle that first saw it
    for (const CycleRecord& l : later) {
      if (!l.verdict) continue;
      for (const Standing& seen : l.verdict->standings) {
        const bool same = seen.batch == stands.batch && seen.stan == stands.stan;
        if (!same || !amend(stands, seen)) continue;
        const auto [english, chinese] = words_of(stands.state);
        out += "amended by cycle " + std::to_string(l.cycle) + ": batch " + visible(stands.batch) + " STAN " +
               visible(stands.stan) + " is " + std::string(english) + " (" + std::string(chinese) + "): journal " +
               amount_text(stands.journal_minor) + ", ledger " + amount_text(stands.ledger_minor) + "\n";
      }
    }
  }
  return out;
}

std::string explain(const Case& c, const Scope& scope, const CycleRecord& cycle) {
  std::string out = "cycle " + std::to_string(cycle.cycle) + ": " + visible(cycle.case_name);
  if (!c.point.empty()) out += " (" + visible(c.point) + ")";
  out += ", a " + visible(c.kind) + (c.amount_minor == 0 ? "" : " of " + amount_text(c.amount_minor));
  out += c.card.empty() ? "\n" : " with card \"" + visible(c.card) + "\"\n";
  for (const Step& step : c.steps) out += "  planned " + visible(describe(step)) + "\n";
  out += "\n   event            ms  source    what\n";
  for (const Event& e : cycle.events) {
    const auto decides = [&](const std::vector<std::uint64_t>& seqs) {
      return std::find(seqs.begin(), seqs.end(), e.seq) != seqs.end();
    };
    const bool diagnosis = cycle.verdict && decides(cycle.verdict->diagnosis.evidence);
    const bool finding = cycle.verdict && std::any_of(cycle.verdict->findings.begin(), cycle.verdict->findings.end(),
                                                      [&](const Finding& f) { return decides(f.evidence); });
    char seq[24];
    std::snprintf(seq, sizeof seq, "%6llu", static_cast<unsigned long long>(e.seq));
    std::string source(to_string(e.source));
    source.resize(8, ' ');
    out += std::string(finding ? "!" : " ") + (diagnosis ? "*" : " ") + seq + milliseconds(e.at - cycle.begun) + "  " +
           source + "  " + sentence(e) + "\n";
  }
  out += "\n" + money(scope, cycle) + "\n";
  if (!cycle.verdict) return out + "outcome: inconclusive, because the cycle was cut short and has no verdict\n";
  return out + judgement(*cycle.verdict);
}

}  // namespace swiperig
