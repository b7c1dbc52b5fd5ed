#include "bindings/strategies.hpp"

#include <algorithm>
#include <set>

#include "bindings/assembly.hpp"
#include "bindings/sweep.hpp"
#include "rig/random.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t draw_source = 0x53545241;  // "STRA"

void switch_terminal(const Table& t, TerminalProfile& p) {
  read_terminal_habits(t, p);
  if (const Value* v = t.find("watchdog")) p.watchdog = v->duration(1s, 600s);
  t.nothing_else();
}

void switch_people(const Table& t, const BenchFile& bench, Habits& habits) {
  const auto flag = [&](const char* key, bool& habit) {
    if (const Value* v = t.find(key)) habit = v->flag();
  };
  flag("follows_guidance", habits.follows_guidance);
  flag("asks_last_result", habits.asks_last_result);
  flag("queries_status", habits.queries_status);
  flag("looks_up_reference", habits.looks_up);
  flag("updates_software", habits.updates_software);
  for (const auto& [key, slot] : {std::pair{"cleans_reader", &Habits::cleaning_card},
                                  std::pair{"reader_cleaned_afterwards", &Habits::service_card}}) {
    const Value* v = t.find(key);
    if (v == nullptr) continue;
    habits.*slot = v->text();
    const auto card = bench.cards.find(v->text());
    if (card == bench.cards.end() || !card->second.cleaning) v->refuse("the slot of a cleaning card of the bench");
  }
  if (habits.updates_software && keys_of(bench.profile, "update").empty())
    t.at("updates_software").refuse("no updates_software: the terminal has no keys for update");
  t.nothing_else();
}

void switch_all(const Value& said, BenchFile& bench, Habits& habits) {
  const Table& t = said.table();
  if (const Value* v = t.find("terminal")) switch_terminal(v->table(), bench.profile);
  if (const Value* v = t.find("host")) {
    const Table& host = v->table();
    if (const Value* notice = host.find("maintenance_notice")) bench.host_profile.maintenance_notice = notice->flag();
    host.nothing_else();
  }
  if (const Value* v = t.find("operator")) switch_people(v->table(), bench, habits);
  if (const Value* v = t.find("reader")) read_reader(v->table(), bench.reader);
  t.nothing_else();
}

/// The campaign's cases of a fault: one, or all of a sweep.
std::vector<Case> cases_of(const std::vector<Case>& all, const std::string& fault) {
  std::vector<Case> found;
  std::copy_if(all.begin(), all.end(), std::back_inserter(found),
               [&](const Case& c) { return c.sweep.series.empty() ? c.name == fault : c.sweep.series == fault; });
  return found;
}

/// One half of a trial: its bench, and its cases behind the others.
BenchFile add_half(Campaign& campaign, const BenchFile& bench, const Strategy& strategy, const std::string& fault,
                   const std::vector<Case>& cases, bool with) {
  BenchFile own = bench;
  Habits habits;
  if (const auto at = campaign.settings.find(fault); at != campaign.settings.end()) switch_all(at->second, own, habits);
  if (strategy.without.is_table()) switch_all(strategy.without, own, habits);
  if (with) switch_all(strategy.with, own, habits);
  std::shared_ptr<const Scope> declares;
  if (const Scope scope = scope_of(own); to_json(scope) != to_json(scope_of(bench)))
    declares = std::make_shared<const Scope>(scope);
  for (Case c : cases) {
    c.trial = {strategy.name, strategy.chinese, fault, with};
    c.name = strategy.name + (with ? ", with: " : ", without: ") + c.name;
    c.sweep = {};
    c.habits = habits;
    c.declares = declares;
    if (c.quiet.count() == 0) c.quiet = 120s;
    check_feasible(c, own);
    campaign.cases.push_back(std::move(c));
  }
  return own;
}

const TrialPlan& trial_of(const Campaign& campaign, std::int64_t cycle) {
  return campaign.trials[static_cast<std::size_t>(cycle / 2) % campaign.trials.size()];
}

}  // namespace

Strategy read_strategy(const Value& v) {
  const Table& t = v.table();
  Strategy s;
  s.where = v.where();
  s.name = t.at("name").text();
  if (s.name.empty() || s.name.size() > 60) t.at("name").refuse("a name of 1 to 60 characters");
  if (const Value* chinese = t.find("chinese")) s.chinese = chinese->text();
  s.with = t.at("with");
  s.with.table();
  if (const Value* without = t.find("without")) {
    s.without = *without;
    s.without.table();
  }
  for (const Value& fault : t.at("faults").array()) s.faults.push_back(fault.text());
  if (s.faults.empty()) t.at("faults").refuse("at least one of the campaign's cases");
  t.nothing_else();
  return s;
}

void add_trials(Campaign& campaign, const BenchFile& bench) {
  if (campaign.strategies.empty()) return;
  if (!bench.is_virtual) {
    throw ConfigError(campaign.path +
                      ": strategies are compared on terminals that differ in nothing else, which needs "
                      "a virtual bench, not \"" +
                      bench.name + "\"");
  }
  const std::vector<Case> faults = std::exchange(campaign.cases, {});
  std::set<std::string> used;
  std::vector<std::string> order;
  for (const Strategy& strategy : campaign.strategies) {
    if (!used.insert(strategy.name).second)
      throw ConfigError(strategy.where + ": expected a strategy name that is not used twice");
    std::set<std::string> tried;
    for (const std::string& fault : strategy.faults) {
      const std::vector<Case> cases = cases_of(faults, fault);
      if (cases.empty() || !tried.insert(fault).second) {
        throw ConfigError(strategy.where + ": strategy \"" + strategy.name + "\": expected faults that are cases of " +
                          "the campaign, each once, not \"" + fault + "\"");
      }
      if (campaign.cases.size() + 2 * cases.size() > most_cases) {
        throw ConfigError(strategy.where + ": at most " + std::to_string(most_cases) +
                          " cases, with and without, in all");
      }
      if (std::find(order.begin(), order.end(), fault) == order.end()) order.push_back(fault);
      TrialPlan plan;
      plan.fault = static_cast<std::size_t>(std::find(order.begin(), order.end(), fault) - order.begin());
      plan.first = campaign.cases.size();
      plan.places = cases.size();
      plan.without = add_half(campaign, bench, strategy, fault, cases, false);
      plan.with = add_half(campaign, bench, strategy, fault, cases, true);
      campaign.trials.push_back(std::move(plan));
    }
  }
}

std::int64_t trial_draws(const Campaign& campaign, std::int64_t cycle) {
  const auto trials = static_cast<std::int64_t>(campaign.trials.size());
  return cycle / 2 / trials * trials + static_cast<std::int64_t>(trial_of(campaign, cycle).fault);
}

const Case& trial_case(const Campaign& campaign, std::uint64_t seed, std::int64_t cycle) {
  const TrialPlan& trial = trial_of(campaign, cycle);
  Draws draws(seed, static_cast<std::uint32_t>(trial_draws(campaign, cycle)), 0, draw_source);
  const std::size_t place = draws.below(static_cast<std::uint32_t>(trial.places));
  return campaign.cases[trial.first + place + (cycle % 2 == 0 ? 0 : trial.places)];
}

const BenchFile& trial_bench(const Campaign& campaign, std::int64_t cycle) {
  const TrialPlan& trial = trial_of(campaign, cycle);
  return cycle % 2 == 0 ? trial.without : trial.with;
}

}  // namespace swiperig
