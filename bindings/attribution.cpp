#include "bindings/attribution.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <set>

#include "bindings/assembly.hpp"
#include "bindings/config.hpp"
#include "bindings/drawn_case.hpp"
#include "bindings/strategies.hpp"
#include "rig/cause_pairs.hpp"
#include "rig/drawn.hpp"
#include "rig/induced.hpp"

namespace swiperig {

namespace {

class Events final : public Sink {
 public:
  void begin(std::int64_t, const Case&, Time) override {}
  void event(const Event& e) override { all.push_back(e); }
  void verdict(std::int64_t, Time, const Verdict&, std::span<const Event>) override {}
  std::vector<Event> all;
};

Task<> do_once(Watch& watch, const Case& c) { Verdict verdict = co_await watch.cycle(c, 0); }

/// What the rig broke itself makes the whole cycle count for nothing, whenever it was.
bool broke(const std::vector<Event>& events) {
  return std::any_of(events.begin(), events.end(),
                     [](const Event& e) { return std::holds_alternative<EquipmentFault>(e.body); });
}

/// How the card is swiped, which card and what is keyed: of two cases at most one may say something.
bool at_the_counter(const Case& c, const BenchFile& bench) {
  const std::vector<Induced> faults = induced(c, scope_of(bench), bench.good_card);
  // without it every step is still there; a chip that fails leaves the stripe to be swiped in any manner
  return c.card.empty() || std::any_of(faults.begin(), faults.end(), [&](const Induced& fault) {
           return fault.without.steps.size() == c.steps.size() && fault.causes.front() != "fallback";
         });
}

}  // namespace

std::vector<Event> seen_of(const Case& c, const BenchFile& bench, const DrawPlace& place) {
  Events events;
  const std::atomic<bool> abort = false;
  const OnBench work = [&](Watch& watch) { return do_once(watch, c); };
  run_bench(bench, {}, place, abort, events, work);
  return std::move(events.all);
}

Case attributed(Case c, const BenchFile& bench, const DrawPlace& place) {
  const Scope scope = scope_of(bench);
  const std::vector<Induced> faults = induced(c, scope, bench.good_card);
  std::set<std::string> causes;
  std::vector<const Induced*> acted;
  if (!faults.empty()) {
    const std::vector<Event> events = seen_of(c, bench, place);
    const std::vector<std::string> all = traits(events);
    for (const Induced& fault : faults) {
      const bool known = std::all_of(fault.causes.begin(), fault.causes.end(),
                                     [&](const std::string& cause) { return causes.contains(cause); });
      if (known) continue;
      const std::vector<Event> left = seen_of(fault.without, bench, place);
      if (traits(left) == all && broke(left) == broke(events)) continue;
      acted.push_back(&fault);
      causes.insert(fault.causes.begin(), fault.causes.end());
    }
    const std::vector<Event> plain = seen_of(undisturbed(c, scope, bench.good_card), bench, place);
    if (broke(events) && !broke(plain)) causes.insert("rig_fault");  // also where two of it would each have been enough
    if (noticed(plain) == noticed(events) && !broke(events)) {
      causes = {"none"};
    } else if (causes.empty()) {  // each would have been enough
      for (const Induced& fault : faults) {
        causes.insert(fault.causes.begin(), fault.causes.end());
        acted.push_back(&fault);
      }
    }
  }
  if (causes.empty()) causes = {"none"};
  if (c.name.starts_with(pair_prefix) && acted.size() == 2 && !causes.contains("none")) {
    const std::string &a = acted[0]->causes.front(), &b = acted[1]->causes.front();
    c.both = {a, b};
    if (const CausePair* pair = pair_of(a, b)) {
      const std::vector<std::string>& accepted = acted[pair->accepted == a ? 0 : 1]->causes;
      causes = {accepted.begin(), accepted.end()};
    }
  }
  c.causes.assign(causes.begin(), causes.end());
  return c;
}

Case case_at(const Campaign& campaign, const BenchFile& bench, std::uint64_t seed, std::int64_t cycle,
             const DrawPlace& place) {
  if (campaign.random) {
    Case c = draw_case(*campaign.random, bench, seed, cycle);
    return campaign.random->attribute ? attributed(std::move(c), bench, place) : c;
  }
  if (!campaign.trials.empty()) return trial_case(campaign, seed, cycle);
  Case c = written_case(campaign, cycle);
  if (!is_drawn(c)) return c;
  c.name = c.name.substr(0, c.name.rfind(' ') + 1) + std::to_string(cycle);
  return attributed(std::move(c), bench, place);
}

std::optional<Case> together(const Case& a, const Case& b) {
  if (a.kind != b.kind || a.amount_minor != b.amount_minor || a.original_minor != b.original_minor) return std::nullopt;
  Case c = a;
  std::copy_if(b.steps.begin(), b.steps.end(), std::back_inserter(c.steps),
               [](const Step& s) { return !presents_card(s.action); });
  c.cause = drawn_cause;
  c.name = std::string(pair_prefix) + a.name + ", " + b.name;
  c.point.clear();
  c.must = {};
  c.patience = std::max(a.patience, b.patience);
  return c;
}

void add_pairs(Campaign& campaign, const BenchFile& bench) {
  if (!bench.is_virtual && (campaign.pairs || (campaign.random && campaign.random->attribute)))
    throw ConfigError(campaign.path +
                      ": cases are tried without each of their faults, which needs a virtual bench, not \"" +
                      bench.name + "\"");
  if (!campaign.pairs) return;
  const std::size_t alone = campaign.cases.size();
  for (std::size_t i = 0; i < alone; ++i) {
    for (std::size_t j = i + 1; j < alone; ++j) {
      const Case &a = campaign.cases[i], &b = campaign.cases[j];
      const bool b_swipes = at_the_counter(b, bench);
      if (b_swipes && at_the_counter(a, bench)) continue;
      std::optional<Case> both = b_swipes ? together(b, a) : together(a, b);
      if (!both || second_fault_of_one_message(*both) != 0 || !refusal(*both, bench).empty()) continue;
      both->name += " " + std::to_string(campaign.cases.size());
      campaign.cases.push_back(*std::move(both));
    }
  }
}

}  // namespace swiperig
