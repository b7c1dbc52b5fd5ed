// Whether a bench can do and see what a case wants, and what a campaign would do, told before anything moves.
#include <algorithm>
#include <set>
#include <sstream>

#include "bindings/campaign_file.hpp"
#include "bindings/config.hpp"
#include "bindings/drawn_case.hpp"
#include "bindings/network_options.hpp"
#include "bindings/power_options.hpp"
#include "bindings/relay_options.hpp"
#include "drivers/supply_steps.hpp"
#include "reports/visible.hpp"
#include "rig/drawn.hpp"
#include "rig/rig_faults.hpp"
#include "rig/transaction_kinds.hpp"

namespace swiperig {

namespace {

constexpr std::int64_t most_drawn_cases_told = 20;

/// Whatever keys of the terminal's profile the case may press, each once, all digits for an amount or a number.
Press every_key(const TerminalProfile& profile, const Case& c) {
  std::string sequences = profile.sale_keys + " " + profile.settle_keys;
  for (const std::string& name : kinds_done(c.kind)) sequences += " " + std::string(keys_of(profile, name));
  std::istringstream words(sequences);
  std::set<std::string> keys;
  for (std::string word; words >> word;) {
    if (word != "{amount}" && word != "{stan}") {
      keys.insert(word);
      continue;
    }
    for (char digit = '0'; digit <= '9'; ++digit) keys.emplace(1, digit);
  }
  Press press;
  for (const std::string& pin : c.pins) keys.insert("PIN:" + pin);
  for (const std::string& key : keys) press.keys += (press.keys.empty() ? "" : " ") + key;
  return press;
}

bool seen_there(const std::string& milestone, const BenchFile& bench) {
#define MILESTONE(m, who, text)                                                \
  if (milestone == #m)                                                         \
    return std::string_view(#who) != "terminal" ||                             \
           std::any_of(bench.profile.rules.begin(), bench.profile.rules.end(), \
                       [&](const TextRule& rule) { return rule.milestone == milestone; });
#include "rig/milestones.def"
#undef MILESTONE
  return false;
}

std::string step_refusal(const Step& s, const Case& c, const BenchFile& bench) {
  if (std::string why = relay_refusal(s, bench); !why.empty()) return why;
  if (!seen_there(s.when, bench)) return "nobody there sees " + s.when;
  if (const auto* part = std::get_if<PartState>(&s.action)) {
    if (is_rigs_own(part->part) && !bench.is_virtual)
      return "the rig's own " + part->part + " fails on virtual benches";
    const bool by_adb = bench.adb_serial && (part->part == "app" || part->part == "os") && part->state == "crash";
    if (!bench.parts && !by_adb) return "nothing there puts the terminal's parts into a state";
    if (!part->which.empty() && !bench.robot.keys.contains(part->which))
      return "nobody there knows a key " + part->which;
  }
  if (const auto motion = motion_of(s.action)) {
    if (const auto why = refusal(bench.robot, *motion)) return *why;
  }
  if (const auto* dip = std::get_if<BrownOut>(&s.action)) {
    if (bench.hub) return "a port of a hub is on or off, it cannot be lowered: a supply_scpi can";
    if (const auto why = refusal(bench.supply, *dip)) return *why;
  }
  const auto* fault = std::get_if<NetworkFault>(&s.action);
  if (fault == nullptr) return {};
  if (bench.terminal_side.scheme != "virtual") {
    if (const std::string why = refusal_over_tcp(*fault); !why.empty()) return why;
  }
  if (fault->kind == NetworkFault::delay || fault->kind == NetworkFault::reorder) {
    const Duration patience = c.patience.count() != 0 ? c.patience : bench.profile.no_return_limit;
    if (fault->lasts >= patience)
      return "a delay of " + to_text(fault->lasts) + " outlasts the case's patience of " + to_text(patience);
  }
  return {};
}

/// One case as its effects; of a swept one how many there are.
void tell(std::ostream& out, const Campaign& campaign, const Case& c) {
  const bool swept = !c.sweep.series.empty();
  out << "\n"
      << visible(swept ? c.sweep.series : c.name) << (c.point.empty() ? "" : " (" + visible(c.point) + ")") << "\n";
  for (const std::string& name : kinds_done(c.kind)) {
    if (name != c.kind)
      out << "  first, undisturbed: " << name << " of "
          << amount_text(c.original_minor != 0 ? c.original_minor : c.amount_minor) << "\n";
  }
  const TransactionKind* kind = kind_named(c.kind);
  const bool asks_card = kind != nullptr && kind->asks_card;
  out << "  " << visible(c.kind) << (c.amount_minor == 0 ? "" : " of " + amount_text(c.amount_minor))
      << (!c.card.empty() ? " with card \"" + visible(c.card) + "\""
          : asks_card     ? ", no card is swiped"
                          : "")
      << "\n";
  if (swept) {
    const auto places = std::count_if(campaign.cases.begin(), campaign.cases.end(),
                                      [&](const Case& one) { return one.sweep.series == c.sweep.series; });
    out << "  swept " << visible(campaign.sweeps.at(c.sweep.series)) << ": " << places
        << " cases, of which this is the first\n";
  }
  for (const Step& s : c.steps) out << "  " << visible(describe(s)) << "\n";
  for (const std::string& pin : c.pins) out << "  at pin_wanted: type the PIN \"" << visible(pin) << "\"\n";
  if (c.current_log.count() != 0) out << "  voltage and current read every " << to_text(c.current_log) << "\n";
  if (is_drawn(c)) return;
  out << "  counts only if seen:";
  for (const auto& m : c.must) out << " " << m;
  if (!c.measure.milestone.empty()) out << "\n  measures whether it sees " << c.measure.milestone;
  out << "\n  induces: " << c.cause << "\n  then: power off and on, boot, recovery sale of 1.00, books read"
      << (c.settle ? ", settlement" : "") << "\n";
}

/// One strategy under one fault, and whatever both halves of a pair have in common.
void tell(std::ostream& out, const Campaign& campaign, const TrialPlan& trial) {
  const Case& c = campaign.cases[trial.first];
  out << "\n"
      << visible(c.trial.strategy) << (c.trial.strategy_zh.empty() ? "" : " " + visible(c.trial.strategy_zh))
      << " against \"" << visible(c.trial.fault) << "\", which induces " << c.cause << ": " << campaign.repeat
      << " pairs";
  if (trial.places > 1) out << ", each at one of " << trial.places << " places drawn, of which this is the first";
  out << "\n";
  for (const Step& s : c.steps) out << "  " << visible(describe(s)) << "\n";
  out << "  then nobody comes for " << to_text(c.quiet) << "\n";
}

}  // namespace

std::string refusal(const Case& c, const BenchFile& bench) {
  for (const std::string& name : kinds_done(c.kind)) {
    if (keys_of(bench.profile, name).empty()) return "its terminal has no keys for " + name;
  }
  if (const auto why = refusal(bench.robot, every_key(bench.profile, c))) return *why;
  for (const std::string& m : c.must) {
    if (!seen_there(m, bench) || !relay_sees(m, bench)) return "nobody there sees " + m;
  }
  for (const Step& s : c.steps) {
    if (std::string why = step_refusal(s, c, bench); !why.empty()) return why;
  }
  return power_refusal(c, bench);
}

void check_feasible(const Case& c, const BenchFile& bench) {
  const std::string why = refusal(c, bench);
  if (why.empty()) return;
  throw ConfigError(c.where + ": case \"" + c.name + "\" cannot be done on bench \"" + bench.name + "\": " + why);
}

void check_feasible(const Campaign& campaign, const BenchFile& bench) {
  if (campaign.wear.any() && !bench.is_virtual) {
    throw ConfigError(campaign.path + ": wear is set in a simulated reader; bench \"" + bench.name +
                      "\" has a real one");
  }
  for (const Case& c : campaign.cases) check_feasible(c, bench);
  if (!campaign.random) return;
  for (const std::string& kind : campaign.random->kinds) {
    Case plain;
    plain.kind = kind;
    if (const std::string why = refusal(plain, bench); !why.empty()) {
      throw ConfigError(campaign.random->where + ": a " + kind + " cannot be done on bench \"" + bench.name +
                        "\": " + why);
    }
  }
}

std::string plan(const Campaign& campaign, const BenchFile& bench, std::uint64_t seed) {
  std::ostringstream out;
  out << "campaign " << visible(campaign.name) << " on bench " << visible(bench.name)
      << (bench.is_virtual ? " (virtual time)" : " (real time)") << ", ";
  if (campaign.random) {
    out << campaign.random->cycles << " cases drawn with seed " << seed << ", each with at most "
        << campaign.random->most_faults << " faults\n";
  } else if (!campaign.trials.empty()) {
    out << campaign.strategies.size() << " strategies, with and without under " << campaign.trials.size()
        << " faults in all\n";
  } else {
    out << campaign.cases.size() << " cases, " << campaign.repeat << " times\n";
  }
  out << "before each case: network clear, host normal, power on at " << bench.supply.voltage_mv
      << " mV, terminal idle\n";
  if (campaign.random) {
    const std::int64_t told = std::min(campaign.random->cycles, most_drawn_cases_told);
    for (std::int64_t n = 0; n < told; ++n) tell(out, campaign, draw_case(*campaign.random, bench, seed, n));
    if (told < campaign.random->cycles) out << "\nand " << campaign.random->cycles - told << " more\n";
    out << "\nafter each: power off and on, boot, recovery sale of 1.00, books read, settlement\n";
    return out.str();
  }
  for (const TrialPlan& trial : campaign.trials) tell(out, campaign, trial);
  if (!campaign.trials.empty()) return out.str();
  for (std::size_t i = 0; i < campaign.cases.size(); ++i) {
    const std::string& series = campaign.cases[i].sweep.series;
    const bool told = i > 0 && !series.empty() && campaign.cases[i - 1].sweep.series == series;
    if (!told) tell(out, campaign, campaign.cases[i]);  // the first of a sweep stands for all
  }
  return out.str();
}

}  // namespace swiperig
