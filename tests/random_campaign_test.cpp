// Campaigns drawn at random: the draw is a function of seed and number, reaches every row of every table and nothing
// that the bench cannot do; an honest terminal breaks no rule in it, and a planted defect is found.
#include <gmock/gmock.h>

#include <algorithm>

#include "bindings/config.hpp"
#include "bindings/drawn_case.hpp"
#include "rig/drawn.hpp"
#include "rig/host_behaviour.hpp"
#include "rig/transaction_kinds.hpp"
#include "tests/ran.hpp"

namespace swiperig {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const std::string shipped = (project / "fixtures/campaigns/random.toml").string();

BenchFile bench_with(const std::string& terminal = "fixture") {
  return read_bench((project / "fixtures/benches/virtual.toml").string(),
                    (project / "fixtures/terminals" / (terminal + ".toml")).string());
}

RandomCases anything() {
  RandomCases random;
  random.cycles = 20'000;
  random.where = "random.toml:1:1";
  return random;
}

/// The words of every table row that occurs in the case.
void note_rows(const Case& c, std::set<std::string>& rows) {
  rows.insert("kind " + c.kind);
  for (const Step& s : c.steps) {
    rows.insert("when " + s.when);
    if (const auto* f = std::get_if<NetworkFault>(&s.action)) {
      rows.insert("network " + std::string(to_string(f->kind)));
      if (!f->what.empty()) rows.insert("alter " + f->what);
    } else if (const auto* h = std::get_if<HostBehaviour>(&s.action)) {
      rows.insert("host " + h->name);
    } else if (const auto* p = std::get_if<PartState>(&s.action)) {
      rows.insert("part " + p->part + " " + p->state);
    } else if (std::holds_alternative<Supply>(s.action)) {
      rows.insert("power");
    }
  }
}

std::set<std::string> every_row() {
  std::set<std::string> rows = {"power", "kind parameters", "kind update"};
  for (const TransactionKind& kind : transaction_kinds) rows.insert("kind " + std::string(kind.name));
  for (const HostBehaviourRow& row : host_behaviour_rows) rows.insert("host " + std::string(row.name));
  for (const char* row : {
#define NETWORK_FAULT(name, upon, text) "network " #name,
#include "rig/network_faults.def"
#undef NETWORK_FAULT
#define PART(part, state, section, text) "part " #part " " #state,
#include "rig/parts.def"
#undef PART
#define MILESTONE(name, who, text) "when " #name,
#include "rig/milestones.def"
#undef MILESTONE
       }) {
    rows.insert(row);
  }
  rows.erase("when silence");  // no event brings it: no step can wait for it
  for (const char* row : {"when reference", "when looked_up"}) rows.erase(row);  // people bring them who were told to
  rows.erase("network cut_after");                                               // is for benches that see no messages
  rows.erase("when tls_failed");                                                 // a miswired bench brings it
  return rows;
}

TEST(RandomCampaign, EveryDrawnCaseCanBeDoneAndEveryRowOfEveryTableIsDrawn) {
  for (const char* terminal : {"fixture", "at_once", "store_and_forward"}) {
    const BenchFile bench = bench_with(terminal);
    std::set<std::string> rows;
    std::size_t most_steps = 0;
    for (std::int64_t n = 0; n < 20'000; ++n) {
      const Case c = draw_case(anything(), bench, 7, n);
      ASSERT_EQ(refusal(c, bench), "") << to_json(c);
      ASSERT_EQ(second_fault_of_one_message(c), 0u) << to_json(c);
      ASSERT_EQ(to_json(parse_case(to_json(c))), to_json(c));
      most_steps = std::max(most_steps, c.steps.size());
      note_rows(c, rows);
    }
    std::vector<std::string> missing;
    const std::set<std::string> wanted = every_row();
    std::set_difference(wanted.begin(), wanted.end(), rows.begin(), rows.end(), std::back_inserter(missing));
    EXPECT_THAT(missing, IsEmpty()) << terminal;
    EXPECT_EQ(most_steps, 3u) << "the swipe and two faults";
  }
}

TEST(RandomCampaign, WhatCannotBeDoneIsRefusedByTheSameCheck) {  // the twin of the case above
  const BenchFile bench = bench_with();
  Case c = draw_case(anything(), bench, 7, 0);
  ASSERT_EQ(refusal(c, bench), "");
  c.steps.push_back({"response_entered", 1, Duration{}, NetworkFault{NetworkFault::delay, std::chrono::hours(1)}});
  EXPECT_THAT(refusal(c, bench), HasSubstr("outlasts"));
  c.steps = {{"request_entered", 1, Duration{}, NetworkFault{}}, {"request_entered", 1, Duration{}, Supply{false}}};
  EXPECT_EQ(second_fault_of_one_message(c), 1u);
}

TEST(RandomCampaign, OneSeedDrawsTheSameCasesAndAnotherSeedOthers) {
  const BenchFile bench = bench_with();
  int same = 0;
  std::set<std::string> names;
  for (std::int64_t n = 99; n >= 0; --n) {
    const Case c = draw_case(anything(), bench, 1, n);
    EXPECT_EQ(to_json(c), to_json(draw_case(anything(), bench, 1, n)));
    same += to_json(c) == to_json(draw_case(anything(), bench, 2, n));
    names.insert(c.name);
  }
  EXPECT_EQ(names.size(), 100u);
  EXPECT_LT(same, 10);
  const std::int64_t far = std::int64_t{1} << 32;  // numbers beyond 32 bits are places of their own
  EXPECT_NE(to_json(draw_case(anything(), bench, 1, far)), to_json(draw_case(anything(), bench, 1, 0)));
}

TEST(RandomCampaign, DrawsWhatItIsToldTo) {
  const BenchFile bench = bench_with();
  RandomCases random = anything();
  random.kinds = {"void", "balance"};
  random.most_faults = 0;
  std::set<std::string> kinds;
  for (std::int64_t n = 0; n < 200; ++n) {
    const Case c = draw_case(random, bench, 1, n);
    kinds.insert(c.kind);
    EXPECT_LE(c.steps.size(), 1u);
  }
  EXPECT_EQ(kinds, (std::set<std::string>{"balance", "void"}));
}

TEST(RandomCampaign, DrawsNothingThatTheBenchLacks) {
  BenchFile bench = bench_with();
  bench.parts.reset();
  bench.profile.more_keys.erase("preauth");
  bench.terminal_side.scheme = "tcp";
  std::set<std::string> rows;
  for (std::int64_t n = 0; n < 5'000; ++n) note_rows(draw_case(anything(), bench, 1, n), rows);
  for (const std::string& row : rows) EXPECT_THAT(row, Not(StartsWith("part "))) << row;
  for (const char* row : {"kind preauth", "kind completion", "kind completion_cancel", "network unanswered"})
    EXPECT_THAT(rows, Not(Contains(row)));
  EXPECT_THAT(rows, AllOf(Contains("network drop"), Contains("host silent")));
  bench.profile.sale_keys.clear();  // and so there is no kind at all that begins with a sale
  bench.profile.more_keys.clear();
  EXPECT_THROW(draw_case(anything(), bench, 1, 0), ConfigError);
}

std::string refused(const std::string& text) {
  const Folder folder;
  const std::string path = folder.write("c.toml", "schema = 1\nname = \"one\"\n" + text);
  try {
    check_feasible(read_campaign(path), bench_with());
  } catch (const ConfigError& e) {
    return std::string(e.what()).substr(folder.path().string().size() + 1);
  }
  return "";
}

TEST(RandomCampaign, IsReadStrictlyAndRefusedWithItsPlace) {
  EXPECT_EQ(refused("[random]\ncycles = 5\nmost_faults = 1\nkinds = [\"sale\", \"update\"]\n"), "");
  EXPECT_THAT(refused("[random]\ncycles = 5\ncircles = 5\n"), AllOf(StartsWith("c.toml:5:"), HasSubstr("circles")));
  EXPECT_THAT(refused("[random]\nmost_faults = 2\n"), HasSubstr("cycles"));
  EXPECT_THAT(refused("[random]\ncycles = 0\n"), StartsWith("c.toml:4:"));
  EXPECT_THAT(refused("[random]\ncycles = 5\nmost_faults = 9\n"), StartsWith("c.toml:5:"));
  EXPECT_THAT(refused("[random]\ncycles = 5\nkinds = [\"sail\"]\n"), AllOf(StartsWith("c.toml:5:"), HasSubstr("sale")));
  EXPECT_THAT(refused("[random]\ncycles = 5\nkinds = []\n"), HasSubstr("at least one kind"));
  EXPECT_THAT(refused("repeat = 2\n[random]\ncycles = 5\n"), AllOf(StartsWith("c.toml:3:"), HasSubstr("repeat")));
  EXPECT_THAT(refused("[random]\ncycles = 5\n[[case]]\nname = \"a\"\n"), HasSubstr("either [[case]] or [random]"));
  const Campaign c = read_campaign(shipped);
  EXPECT_EQ(c.random->cycles, 100'000);
  EXPECT_EQ(c.random->most_faults, 2);
  BenchFile bench = bench_with();
  bench.profile.more_keys.erase("void");
  Campaign of_voids = c;
  of_voids.random->kinds = {"void"};
  EXPECT_THROW(check_feasible(of_voids, bench), ConfigError);
  EXPECT_NO_THROW(check_feasible(c, bench));
}

TEST(RandomCampaign, ThePlanTellsTheFirstCasesAndHowManyMoreThereAre) {
  const std::string text = plan(read_campaign(shipped), bench_with(), 3);
  EXPECT_THAT(text, AllOf(HasSubstr("100000 cases drawn with seed 3"), HasSubstr("and 99980 more")));
  EXPECT_THAT(text, HasSubstr(draw_case(anything(), bench_with(), 3, 19).name + "\n"));
  EXPECT_THAT(text, Not(HasSubstr(draw_case(anything(), bench_with(), 3, 20).name + "\n")));
  EXPECT_NE(text, plan(read_campaign(shipped), bench_with(), 4));
}

TEST(RandomCampaign, AnHonestTerminalBreaksNoRuleAndNothingIsCountedAsDiagnosed) {
  const Folder folder;
  const Ran ran = run(folder, "d", {shipped, "", "", 5, 400});
  EXPECT_EQ(ran.cycles.size(), 400u);
  EXPECT_THAT(ran.findings, IsEmpty());
  for (const CycleRecord& c : ran.cycles) EXPECT_EQ(c.verdict->outcome, Outcome::pass) << c.verdict->why;
  EXPECT_THAT(ran.said, HasSubstr("diagnosis right 0, wrong 0, unknown 0"));
  EXPECT_THAT(ran.said, AllOf(HasSubstr("\ndrawn sale "), Not(HasSubstr("\ndrawn sale 1"))));
  EXPECT_EQ(run(folder, "e", {shipped, "", "", 5, 400, 1}).head, ran.head) << "whatever the number of threads";
  EXPECT_NE(run(folder, "f", {shipped, "", "", 6, 100}).head, run(folder, "g", {shipped, "", "", 5, 100}).head);

  // every cycle is judged by the case that the trace holds for it, and is judged the same
  const TraceReader trace(folder / "d/run.trace");
  EXPECT_THAT(trace.run().cases, IsEmpty());
  EXPECT_THROW(trace.case_named("drawn sale 400"), TraceError);
  int idle = 0;
  trace.for_each([&](const CycleRecord& cycle) {
    Case c = trace.case_named(cycle.case_name);
    EXPECT_EQ(to_json(c), to_json(draw_case(*read_campaign(shipped).random, bench_with(), 5, cycle.cycle)));
    EXPECT_EQ(to_json(judge(c, trace.run().scope, cycle.events)), to_json(*cycle.verdict));
    c.cause = "network";  // a case that claims a cause must have done what it says
    idle += judge(c, trace.run().scope, cycle.events).outcome == Outcome::inconclusive;
  });
  EXPECT_GT(idle, 0);
}

TEST(RandomCampaign, APlantedDefectIsFoundByItsOwnRule) {
  struct Planted {
    const char *defect, *rule;
  };
  for (const Planted& planted :
       {Planted{"forgets_reversal_after_power_loss", "I9"}, Planted{"accepts_wrong_mac", "R_MAC"},
        Planted{"sells_before_reversal", "I8"}, Planted{"forgets_advice", "I10"}}) {
    const Folder folder;
    const Ran ran = run(folder, "d", {shipped, planted.defect, "", 5, 2000});
    EXPECT_EQ(ran.exit_code, 1);
    EXPECT_THAT(ran.findings, Contains(testing::Key(std::string(planted.rule)))) << planted.defect;
  }
}

}  // namespace
}  // namespace swiperig
