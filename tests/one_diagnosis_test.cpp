// Two injections that leave the same behind get one diagnosis. The faults of thousands of drawn cases are put into one
// and the same sale at one and the same place of the draws; cycles of which the diagnosis sees the same are grouped,
// and a group has one answer. And an answer does not change when everything that says what was injected is another's.
#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "bindings/assembly.hpp"
#include "bindings/attribution.hpp"
#include "bindings/config.hpp"
#include "bindings/drawn_case.hpp"
#include "rig/diagnose.hpp"
#include "tests/ran.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

struct Injected {
  Case plan;
  std::vector<Event> events;
};
using Injections = std::vector<Injected>;
using Diagnoser = std::function<Diagnosis(const Case&, std::span<const Event>, const Scope&)>;

const BenchFile& bench() {
  static const BenchFile file = read_bench((project / "fixtures/benches/virtual.toml").string());
  return file;
}

/// The one that ships.
Diagnosis blind(const Case& c, std::span<const Event> events, const Scope& scope) {
  return judge(c, scope, events).diagnosis;
}
/// One that looks into the plan before it looks at what was seen.
Diagnosis peeking(const Case& c, std::span<const Event> events, const Scope& scope) {
  Diagnosis d = blind(c, events, scope);
  if (c.steps.size() > 1) d.cause = describe(c.steps.back());
  return d;
}

/// One sale of 12.34 with a good card, disturbed by what was drawn for another.
const Injections& injections() {
  static const Injections all = [] {
    RandomCases random;
    random.kinds = {"sale"};
    random.attribute = random.rig_faults = true;
    Injections out;
    for (std::int64_t n = 0; n < 3000; ++n) {
      Case c = draw_case(random, bench(), 11, n);
      c.amount_minor = 1234;
      c.card = bench().good_card;
      c.pins.clear();
      Swipe well;
      well.card = c.card;
      std::erase_if(c.steps, [](const Step& s) { return presents_card(s.action); });
      c.steps.insert(c.steps.begin(), Step{"card_wanted", 1, 0ns, well});
      out.push_back({c, seen_of(c, bench(), DrawPlace{7, 0, 0})});
    }
    return out;
  }();
  return all;
}

std::string text_of(const Observed& o) {
  const auto place = [&](std::uint64_t seq) {
    const auto at = std::find_if(o.events.begin(), o.events.end(), [&](const Event& e) { return e.seq == seq; });
    return seq == 0 ? "none" : at == o.events.end() ? "later" : std::to_string(at - o.events.begin());
  };
  std::string out = std::to_string(o.amount_minor) + (o.service ? " service " : " ") + o.slot + " " + place(o.awake) +
                    " " + place(o.asleep) + " " + place(o.card) + "\n";
  for (Event e : o.events) {
    e.at -= o.events.front().at.time_since_epoch();
    append_canonical(e, out);
    out += '\n';
  }
  return out;
}

std::string answer(const Diagnosis& d) {
  std::string out = d.cause + ", " + std::string(d.confidence());
  for (const std::string& c : d.candidates) out += " " + c;
  return out;
}

struct Groups {
  int several = 0;  ///< of more than one plan
  std::vector<std::string> split;
};
Groups grouped(const Injections& all, const Scope& scope, const Diagnoser& diagnoser) {
  struct Group {
    std::set<std::string> plans, answers;
  };
  std::map<std::string, Group> groups;
  for (const Injected& one : all) {
    Group& group = groups[text_of(observed(one.events))];
    std::string plan;
    for (const Step& s : one.plan.steps) plan += describe(s) + "; ";
    group.plans.insert(plan);
    group.answers.insert(answer(diagnoser(one.plan, one.events, scope)));
  }
  Groups found;
  for (const auto& [seen, group] : groups) {
    found.several += group.plans.size() > 1;
    if (group.answers.size() > 1) found.split.push_back(*group.answers.begin() + " | " + *group.answers.rbegin());
  }
  return found;
}

/// What says, or may say, what was injected.
bool tells_plan(const Event& e) {
  if (std::holds_alternative<Intent>(e.body) || std::holds_alternative<Swipe>(e.body)) return false;  // the customer's
  return !e.is_observation() || std::holds_alternative<Fired>(e.body);
}

/// The same cycle with another's plan, and with the words of that plan among its events; null: with none at all.
Injected with_plan_of(const Injected& one, const Injected* other) {
  Injected changed{other == nullptr ? Case{} : other->plan, {}};
  changed.plan.declares = one.plan.declares;
  if (other != nullptr) {
    std::copy_if(other->events.begin(), other->events.end(), std::back_inserter(changed.events), tells_plan);
    for (Event& e : changed.events) e.seq += 1'000'000;  // numbers of no event of this cycle
  }
  std::copy_if(one.events.begin(), one.events.end(), std::back_inserter(changed.events),
               [](const Event& e) { return !tells_plan(e); });
  for (Event& e : changed.events) {
    if (auto* intent = std::get_if<Intent>(&e.body)) intent->detail.clear();
  }
  return changed;
}

/// How many are diagnosed otherwise, to the letter, when the plan is another or none.
int swayed(const Injections& all, const Scope& scope, const Diagnoser& diagnoser) {
  const auto whole = [&](const Injected& one) {
    Verdict v;
    v.diagnosis = diagnoser(one.plan, one.events, scope);
    return to_json(v);
  };
  int swayed = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string before = whole(all[i]);
    const Injected& other = all[(i + 1) % all.size()];
    swayed += whole(with_plan_of(all[i], &other)) != before || whole(with_plan_of(all[i], nullptr)) != before;
  }
  return swayed;
}

TEST(OneDiagnosis, OfTwoInjectionsThatLeaveTheSameBehind) {
  const Groups found = grouped(injections(), scope_of(bench()), blind);
  EXPECT_THAT(found.split, testing::IsEmpty());
  EXPECT_GT(found.several, 30) << "different plans that look the same";
}

TEST(OneDiagnosis, TwinADiagnosisThatPeeksAtThePlanIsCaught) {
  EXPECT_GT(grouped(injections(), scope_of(bench()), peeking).split.size(), 30U);
  EXPECT_GT(swayed(injections(), scope_of(bench()), peeking), 1000);
}

TEST(OneDiagnosis, WhatWasInjectedChangesNoneWhereWhatWasSeenStays) {
  EXPECT_EQ(swayed(injections(), scope_of(bench()), blind), 0);
}

/// Of every kind of transaction, swiped in any manner, as the campaign about attribution draws them.
TEST(OneDiagnosis, NorInTheCampaignAboutAttribution) {
  const Folder folder;
  const Ran ran = run(
      folder, "d", {.campaign = (project / "fixtures/campaigns/attribution.toml").string(), .seed = 5, .cycles = 500});
  const TraceReader trace(folder / "d/run.trace");
  Injections all;
  for (const CycleRecord& c : ran.cycles) all.push_back({trace.case_named(c.case_name), c.events});
  ASSERT_EQ(all.size(), 500U);
  EXPECT_EQ(swayed(all, trace.run().scope, blind), 0);
  EXPECT_GT(swayed(all, trace.run().scope, peeking), 100) << "the twin";
}

}  // namespace
}  // namespace swiperig
