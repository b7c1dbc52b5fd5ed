// Every row of the table of kinds under every fault, for the three habits of reversing: an honest terminal is never
// accused. The rows are walked, not listed: a new kind is swept without a word here.
#include <gtest/gtest.h>

#include <atomic>

#include "bindings/assembly.hpp"
#include "bindings/places.hpp"
#include "rig/transaction_kinds.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

const std::string fixtures = std::string(source_dir) + "/fixtures/";

Case of(const TransactionKind& kind, const std::string& what, std::string cause, Step step) {
  Case c;
  c.name = std::string(kind.name) + ", " + what;
  c.kind = kind.name;
  c.amount_minor = kind.asks_amount || !kind.original.empty() ? 1234 : 0;
  c.cause = std::move(cause);
  if (kind.asks_card) {
    c.card = "debit";
    c.steps.push_back({"card_wanted", 1, 0ns, Swipe{"debit", 500, false}});
  }
  c.steps.push_back(std::move(step));
  return c;
}

std::vector<Case> faults_on(const TransactionKind& kind) {
  std::vector<Case> cases;
  for (const char* when : {"request_entered", "response_entered"}) {
    for (const auto fault : {NetworkFault::drop, NetworkFault::fin, NetworkFault::reset, NetworkFault::outage}) {
      cases.push_back(of(kind, std::string("fault ") + std::to_string(fault) + " at " + when, "network",
                         {when, 1, 0ns, NetworkFault{fault, 0ns}}));
    }
    cases.push_back(
        of(kind, std::string("delay at ") + when, "network", {when, 1, 0ns, NetworkFault{NetworkFault::delay, 11s}}));
  }
  for (const char* when : {"request_left", "committed", "response_left"}) {
    cases.push_back(
        of(kind, std::string("outage at ") + when, "network", {when, 1, 1ms, NetworkFault{NetworkFault::outage, 4s}}));
  }
  for (const char* when : {"request_entered", "request_left", "committed", "response_entered", "told"}) {
    cases.push_back(of(kind, std::string("power at ") + when, "power", {when, 1, 0ns, Supply{false}}));
  }
  for (const int ms : {0, 3, 6, 9, 12, 15, 18, 21, 30}) {
    cases.push_back(of(kind, "power " + std::to_string(ms) + " ms after the response", "power",
                       {"response_left", 1, std::chrono::milliseconds(ms), Supply{false}}));
  }
  for (const char* name :
       {"silent", "commit_silent", "refuse", "reset", "decline", "truncated", "wrong_mac", "maintenance"}) {
    cases.push_back(
        of(kind, std::string("host ") + name, "host_down", {"start", 1, 0ns, HostBehaviour{name, 0ns, {}}}));
  }
  for (const Duration late : {Duration(9s), Duration(11s)}) {
    cases.push_back(of(kind, "late " + to_text(late), "host_slow", {"start", 1, 0ns, HostBehaviour{"late", late, {}}}));
  }
  return cases;
}

class Verdicts final : public Sink {
 public:
  void begin(std::int64_t, const Case& c, Time) override { now_ = c.name; }
  void event(const Event&) override {}
  void verdict(std::int64_t, Time, const Verdict& v, std::span<const Event>) override { all.emplace_back(now_, v); }
  std::vector<std::pair<std::string, Verdict>> all;

 private:
  std::string now_;
};

Task<> every(Watch& watch, const std::vector<Case>& cases, DrawPlace& place) {
  for (std::size_t i = 0; i < cases.size(); ++i) {
    place.cycle = static_cast<std::uint32_t>(i);
    Verdict verdict = co_await watch.cycle(cases[i], static_cast<std::int64_t>(i));
  }
}

class KindsSweep : public testing::TestWithParam<const char*> {};

TEST_P(KindsSweep, AnHonestTerminalIsNeverAccused) {
  const BenchFile bench = read_bench(fixtures + "benches/virtual.toml", fixtures + "terminals/" + GetParam() + ".toml");
  int passed = 0, missed = 0;
  for (const TransactionKind& kind : transaction_kinds) {
    const std::vector<Case> cases = faults_on(kind);
    DrawPlace place{42, 0, 0};
    const std::atomic<bool> abort = false;
    Verdicts verdicts;
    run_bench(bench, {}, place, abort, verdicts, [&](Watch& watch) { return every(watch, cases, place); });
    ASSERT_EQ(verdicts.all.size(), cases.size());
    int passed_here = 0;
    for (const auto& [name, v] : verdicts.all) {
      EXPECT_TRUE(v.findings.empty()) << name << ": " << v.findings.front().rule << " " << v.findings.front().what;
      // a fault that came too late to change anything does not count; it is no failure either
      const bool too_late = v.outcome == Outcome::inconclusive && v.diagnosis.cause == "none";
      EXPECT_TRUE(v.outcome == Outcome::pass || too_late) << name << ": " << v.why;
      (too_late ? missed : passed_here) += 1;
    }
    EXPECT_GE(passed_here, 20) << kind.name << ": most of its faults must count";
    passed += passed_here;
  }
  EXPECT_GT(passed, 2 * missed);  // a power cut after all has been told counts for none of them
}

INSTANTIATE_TEST_SUITE_P(Habits, KindsSweep, testing::Values("fixture", "at_once", "store_and_forward"),
                         [](const testing::TestParamInfo<const char*>& one) { return std::string(one.param); });

}  // namespace
}  // namespace swiperig
