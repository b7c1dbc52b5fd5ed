// What faults come to is found out by leaving them away, and the diagnosis is judged by that: a fault that changes
// nothing is not counted, two that do are either a right answer, and what nobody notices is "none".
#include "bindings/attribution.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "bindings/assembly.hpp"
#include "bindings/config.hpp"
#include "rig/cause_pairs.hpp"
#include "rig/diagnose.hpp"
#include "rig/induced.hpp"
#include "tests/history.hpp"
#include "tests/ran.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const BenchFile& bench() {
  static const BenchFile file = read_bench((project / "fixtures/benches/reader.toml").string());
  return file;
}

Case sale(std::vector<Step> faults, const std::string& card = "debit") {
  Case c;
  c.name = "drawn sale 1";
  c.amount_minor = 1234;
  c.card = card;
  c.cause = "drawn";
  Swipe swipe;
  swipe.card = card;
  c.steps.push_back({"card_wanted", 1, 0ns, swipe});
  c.steps.insert(c.steps.end(), faults.begin(), faults.end());
  return c;
}
Step network(const char* when, NetworkFault::Kind kind, Duration lasts = 0ns) {
  NetworkFault fault;
  fault.kind = kind;
  fault.lasts = lasts;
  return {when, 1, 0ns, fault};
}
std::vector<std::string> causes_of(std::vector<Step> faults) {
  return attributed(sale(std::move(faults)), bench(), DrawPlace{7, 0, 0}).causes;
}

TEST(Attribution, AFaultCountsWhenItChangedWhatIsSeen) {
  const Step lost = network("request_entered", NetworkFault::drop);
  const Step silent = {"start", 1, 0ns, HostBehaviour{"silent", 0ns, ""}};
  const Step dark = {"card_read", 1, 0ns, PartState{"display", "dark"}};
  EXPECT_THAT(causes_of({}), ElementsAre("none"));
  EXPECT_THAT(causes_of({lost}), ElementsAre("network"));
  EXPECT_THAT(causes_of({lost, silent}), ElementsAre("network")) << "the host never had it";
  EXPECT_THAT(causes_of({silent}), ElementsAre("host_down")) << "the twin";
  EXPECT_THAT(causes_of({silent, dark}), ElementsAre("display", "host_down"));
  EXPECT_THAT(causes_of({network("settlement_entered", NetworkFault::drop)}), ElementsAre("none"))
      << "after the result was told";
}

/// Every way in which the rig's own equipment fails, in the middle of a sale.
TEST(Attribution, WhatTheRigHasBrokenIsTheRigs) {
  const Folder folder;
  const Step off = {"request_at_host", 1, 0ns, Supply{false}};
  std::set<std::string> all;
  for (const auto& [part, state] : std::initializer_list<std::pair<std::string, std::string>>{
#define RIG_FAULT(name, what, text) {#name, #what},
#include "rig/rig_faults.def"
#undef RIG_FAULT
       }) {
    const Step broken = {"card_wanted", 1, 0ns, PartState{part, state}};
    const bool later = part == "supply" && state != "off";  // it shows once the supply is to be switched off
    EXPECT_THAT(later ? causes_of({broken, off}) : causes_of({broken}), testing::Contains("rig_fault"))
        << part << state;
    all.insert(part + " " + state);
  }
  const Ran ran = run(folder, "d", {.campaign = (project / "fixtures/campaigns/rig_faults.toml").string()});
  EXPECT_EQ(ran.exit_code, 3) << ran.said;
  for (const CycleRecord& c : ran.cycles) {
    EXPECT_EQ(all.erase(c.case_name), 1U) << c.case_name;
    EXPECT_EQ(c.verdict->outcome, Outcome::error) << c.case_name << ": " << c.verdict->why;
    EXPECT_EQ(c.verdict->diagnosis.cause, "rig_fault") << c.case_name;
    EXPECT_THAT(c.verdict->findings, IsEmpty()) << c.case_name;
  }
  EXPECT_THAT(all, IsEmpty()) << "in no case of the campaign";
  // a supply that has gone off and tells its set voltage is betrayed by the current; two alarms are one too many
  const Step first = {"card_wanted", 1, 0ns, PartState{"supply", "off"}};
  const Step then = {"card_wanted", 1, 1ms, PartState{"supply", "lies"}};
  const Step alarm = {"response_left", 1, 20ms, PartState{"robot", "alarm"}};
  EXPECT_THAT(causes_of({first, then}), testing::Contains("rig_fault"));
  const Step decline = {"start", 1, 0ns, HostBehaviour{"decline", 0ns, "51"}};
  EXPECT_THAT(causes_of({decline, alarm, alarm}), ElementsAre("funds", "rig_fault")) << "either alarm is enough";
  const std::string lying =
      "schema = 1\nname = \"lying\"\nepoch_cycles = 1\n[[case]]\nname = \"off and lying\"\namount = "
      "\"12.34\"\ncard = \"debit\"\nswipe = \"500 mm/s\"\ncause = \"rig_fault\"\nmust = "
      "[\"card_wanted\"]\nstep = [{ when = \"card_wanted\", part = \"supply\", state = \"off\" }, { when = "
      "\"card_wanted\", after = \"1 ms\", part = \"supply\", state = \"lies\" }]\n";
  const Ran lied = run(folder, "l", {.campaign = folder.write("lying.toml", lying)});
  EXPECT_EQ(lied.exit_code, 3) << lied.said;
  EXPECT_EQ(lied.cycles.at(0).verdict->diagnosis.cause, "rig_fault");
  EXPECT_THAT(lied.cycles.at(0).verdict->why, HasSubstr("nothing is drawn from it"));
  // a bench with equipment has no such switch
  Case real = sale({{"card_wanted", 1, 0ns, PartState{"robot", "alarm"}}});
  EXPECT_EQ(refusal(real, bench()), "");
  const BenchFile realtime = read_bench((project / "fixtures/benches/realtime.toml").string());
  EXPECT_THAT(refusal(real, realtime), HasSubstr("virtual benches"));
}

TEST(Attribution, WhatNobodyNoticesIsNothing) {
  EXPECT_THAT(causes_of({network("request_entered", NetworkFault::duplicate)}), ElementsAre("none"));
  EXPECT_THAT(causes_of({network("response_entered", NetworkFault::delay, 300ms)}), ElementsAre("none"));
  EXPECT_THAT(causes_of({network("response_entered", NetworkFault::delay, 12s)}), ElementsAre("network"));
}

TEST(Attribution, WhereEachFaultWouldHaveBeenEnoughNoneIsForgotten) {
  const Step off = {"card_read", 1, 0ns, Supply{false}};
  EXPECT_THAT(causes_of({off, off}), ElementsAre("power"));
}

TEST(Attribution, EveryFaultOfACaseCanBeLeftAway) {
  const Scope scope = scope_of(bench());
  Case c = sale({network("request_entered", NetworkFault::drop)}, "worn_1m");
  std::get<Swipe>(c.steps.front().action).speed_mm_s = 2000;
  c.keyed_minor = 12340;
  std::vector<std::string> causes;
  for (const Induced& one : induced(c, scope, "debit")) {
    causes.insert(causes.end(), one.causes.begin(), one.causes.end());
    EXPECT_LT(induced(one.without, scope, "debit").size(), induced(c, scope, "debit").size()) << one.causes.front();
  }
  EXPECT_THAT(causes, ElementsAre("wrong_amount", "operator_swipe", "card_reader", "policy", "network"));
  EXPECT_THAT(induced(undisturbed(c, scope, "debit"), scope, "debit"), IsEmpty());
  EXPECT_EQ(undisturbed(c, scope, "debit").amount_minor, 1234);
}

TEST(Attribution, TraitsAreWhatWasSeenAndNotWhen) {
  const auto history = [](Duration waited, const char* code) {
    History h;
    h.intent("sale", 1234);
    h.read_card();
    h.asked(1, 1234);
    h.wait(waited);
    h.answered(1, 1234, code);
    h.told(1, "APPROVED", 1234);
    h.recover();
    return traits(h.events);
  };
  EXPECT_EQ(history(0ms, "00"), history(300ms, "00"));
  EXPECT_NE(history(0ms, "00"), history(0ms, "51"));
  EXPECT_THAT(history(0ms, "00"), Not(testing::Contains(HasSubstr("rail")))) << "the recovery is not the case's";
}

TEST(Attribution, TwoCasesTogetherWhereTheyCanBe) {
  Campaign campaign = read_campaign((project / "fixtures/campaigns/causes.toml").string());
  const std::size_t alone = campaign.cases.size();
  add_pairs(campaign, bench());
  ASSERT_GT(campaign.cases.size(), 10 * alone);
  for (std::size_t i = alone; i < campaign.cases.size(); ++i) {
    const Case& c = campaign.cases[i];
    EXPECT_EQ(refusal(c, bench()), "") << c.name;
    EXPECT_EQ(second_fault_of_one_message(c), 0u) << c.name;
    const auto swipes = std::count_if(c.steps.begin(), c.steps.end(),
                                      [](const Step& s) { return std::holds_alternative<Swipe>(s.action); });
    EXPECT_LE(swipes, 1) << c.name;
  }
  const auto both = [&](std::size_t a, const char* kind) {
    Case other = campaign.cases[a];
    other.kind = kind;
    return together(campaign.cases[a], other).has_value();
  };
  EXPECT_TRUE(both(0, "sale"));
  EXPECT_FALSE(both(0, "refund"));
}

TEST(Attribution, EveryCauseAloneAndInPairsIsTold) {
  const Folder folder;
  const Ran ran = run(folder, "d", {.campaign = (project / "fixtures/campaigns/causes.toml").string()});
  EXPECT_EQ(ran.exit_code, 0) << ran.said;
  EXPECT_THAT(ran.findings, IsEmpty());
  EXPECT_THAT(ran.said, HasSubstr("\ninduced"));
  EXPECT_THAT(ran.said, HasSubstr("wrong 0"));
  std::set<std::string> alone;
  int unknown = 0;
  for (const CycleRecord& c : ran.cycles) {
    if (c.verdict->causes.empty()) {
      EXPECT_EQ(c.verdict->diagnosis.cause, c.verdict->induced) << c.case_name;
      alone.insert(c.verdict->induced);
      continue;
    }
    unknown += c.verdict->diagnosis.cause == "unknown";
    EXPECT_TRUE(c.verdict->diagnosis.cause == "unknown" ||
                std::count(c.verdict->causes.begin(), c.verdict->causes.end(), c.verdict->diagnosis.cause) == 1)
        << c.case_name << ": " << c.verdict->diagnosis.cause;
  }
  EXPECT_LE(unknown, 4);
  for (const char* cause :
       {"card_reader", "operator_swipe", "keypad",   "display", "printer",   "chip",      "os_crash",
        "app_crash",   "app_hang",       "database", "network", "host_down", "host_slow", "wrong_amount",
        "wrong_pin",   "policy",         "forged",   "power",   "clock",     "setup",     "fallback"}) {
    EXPECT_TRUE(alone.contains(cause)) << cause;
  }
}

/// The reviewed table is about the shipped pairs: all that act together, and no others.
TEST(Attribution, EveryPairThatActsIsReviewedAndNoRowIsStale) {
  const Folder folder;
  const Ran ran = run(folder, "d", {.campaign = (project / "fixtures/campaigns/causes.toml").string()});
  const TraceReader trace(folder / "d/run.trace");
  std::set<const CausePair*> used;
  int apart = 0, told = 0;
  for (const CycleRecord& c : ran.cycles) {
    const std::vector<std::string> both = trace.case_named(c.case_name).both;
    if (both.empty() || both[0] == both[1]) continue;
    const CausePair* pair = pair_of(both[0], both[1]);
    ASSERT_NE(pair, nullptr) << c.case_name << ": " << both[0] << " and " << both[1] << " are not reviewed";
    used.insert(pair);
    EXPECT_EQ(std::count(c.verdict->causes.begin(), c.verdict->causes.end(), pair->accepted), 1) << c.case_name;
    EXPECT_EQ(std::count(c.verdict->causes.begin(), c.verdict->causes.end(), pair->other), 0) << c.case_name;
    // what cannot be told apart is not told; everything else is, and rightly
    EXPECT_EQ(c.verdict->diagnosis.cause != "unknown", pair->apart) << c.case_name << ": " << pair->why;
    apart += pair->apart;
    told += c.verdict->diagnosis.cause != "unknown";
  }
  for (const CausePair& pair : cause_pairs) {
    EXPECT_TRUE(used.contains(&pair)) << pair.accepted << " and " << pair.other
                                      << ": nothing in the campaign does both";
  }
  EXPECT_EQ(apart, told);
  EXPECT_GT(apart, 100);
}

TEST(Attribution, TheReviewedTableNamesCausesOnceAndSaysWhy) {
  std::set<std::string_view> names;
#define CAUSE(name, section, parent, english, chinese) names.insert(#name);
#include "rig/causes.def"
#undef CAUSE
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const CausePair& pair : cause_pairs) {
    EXPECT_TRUE(names.contains(pair.accepted) && names.contains(pair.other)) << pair.accepted << " " << pair.other;
    EXPECT_NE(pair.accepted, pair.other);
    EXPECT_GT(pair.why.size(), 20u);
    EXPECT_TRUE(seen.insert(std::minmax(pair.accepted, pair.other)).second) << pair.accepted << " " << pair.other;
    EXPECT_EQ(pair_of(pair.accepted, pair.other), &pair);
    EXPECT_EQ(pair_of(pair.other, pair.accepted), &pair);
  }
  EXPECT_EQ(pair_of("network", "network"), nullptr);
  EXPECT_EQ(pair_of("network", "none"), nullptr);
}

/// Twin: the other of the two is a wrong answer now.
TEST(Attribution, OfAReviewedPairOneAnswerIsRight) {
  Case c =
      sale({{"start", 1, 0ns, HostBehaviour{"silent", 0ns, ""}}, {"card_read", 1, 0ns, PartState{"display", "dark"}}});
  EXPECT_THAT(attributed(c, bench(), DrawPlace{7, 0, 0}).causes, ElementsAre("display", "host_down"));
  c.name = "pair of host silent, display dark 1";
  const Case pair = attributed(c, bench(), DrawPlace{7, 0, 0});
  EXPECT_THAT(pair.causes, ElementsAre("host_down"));
  EXPECT_THAT(pair.both, ElementsAre("host_down", "display"));
}

TEST(Attribution, RandomFaultsAreAttributedAndRarelyWrongly) {
  const Folder folder;
  const Ran ran = run(
      folder, "d", {.campaign = (project / "fixtures/campaigns/attribution.toml").string(), .seed = 3, .cycles = 1500});
  EXPECT_EQ(ran.exit_code, 0) << ran.said;
  int right = 0, wrong = 0, unproved = 0;
  for (const CycleRecord& c : ran.cycles) {
    ASSERT_FALSE(c.verdict->causes.empty()) << c.case_name;
    const std::string& said = c.verdict->diagnosis.cause;
    const bool accepted = std::count(c.verdict->causes.begin(), c.verdict->causes.end(), said) == 1;
    right += accepted;
    wrong += !accepted && said != "unknown";
    // without what it cites the same is not said from the same
    Observed without = observed(c.events);
    const Scope scope = scope_of(bench());
    const Diagnosis before = diagnose(without, scope);
    std::erase_if(without.events, [&](const Event& e) {
      return std::count(before.evidence.begin(), before.evidence.end(), e.seq) != 0;
    });
    const Diagnosis after = diagnose(without, scope);
    unproved += !before.evidence.empty() && after.cause == before.cause && after.evidence == before.evidence;
  }
  EXPECT_GE(right, 1500 * 99 / 100) << ran.said;
  EXPECT_THAT(ran.said, HasSubstr("called terminal fault: 0\n"));
  EXPECT_LE(wrong, 3) << ran.said;
  EXPECT_EQ(unproved, 0);
}

TEST(Attribution, IsRefusedWhereCasesCannotBeTried) {
  const Folder folder;
  const auto refused = [&](const std::string& text, const char* on) {
    const std::string path = folder.write("c.toml", "schema = 1\nname = \"one\"\n" + text);
    try {
      Campaign campaign = read_campaign(path);
      add_pairs(campaign, read_bench((project / "fixtures/benches" / on).string()));
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const std::string one =
      "[[case]]\nname = \"a\"\namount = \"1.00\"\nswipe = \"none\"\ncause = \"none\"\nmust = [\"silence\"]\n";
  EXPECT_EQ(refused("pairs = true\nepoch_cycles = 1\n" + one, "virtual.toml"), "");
  EXPECT_THAT(refused("pairs = true\n" + one, "virtual.toml"), HasSubstr("epoch_cycles = 1"));
  EXPECT_THAT(refused("pairs = true\nepoch_cycles = 1\n" + one, "realtime.toml"), HasSubstr("virtual bench"));
  EXPECT_THAT(refused("[random]\ncycles = 5\nattribute = true\n", "virtual.toml"), HasSubstr("epoch_cycles = 1"));
  EXPECT_THAT(refused("epoch_cycles = 1\n[random]\ncycles = 5\nattribute = true\n", "realtime.toml"),
              HasSubstr("virtual bench"));
  EXPECT_EQ(refused(one + "keyed = \"10.00\"\n", "virtual.toml"), "");
  EXPECT_THAT(refused("[[case]]\nname = \"a\"\nkind = \"parameters\"\nkeyed = \"10.00\"\n", "virtual.toml"),
              HasSubstr("asks for an amount"));
}

}  // namespace
}  // namespace swiperig
