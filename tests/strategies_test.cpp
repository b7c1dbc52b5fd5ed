// Strategies compared in pairs of cycles: what the shipped campaign shows of each, a twin in which nothing may be
// shown, and what is refused.
#include "bindings/strategies.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "tests/ran.hpp"

namespace swiperig {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string shipped = (project / "fixtures/campaigns/strategies.toml").string();

json::array rows_of(const Folder& folder, const std::string& out) {
  return json::parse(read_text(folder / out + "/summary.json")).at("strategies").as_array();
}
bool is(const json::value& row, const char* did) {
  for (const char* measure : {"no_return", "in_doubt", "held", "sold"}) {
    if (row.at(measure).at("did").as_string() == did) return true;
  }
  return false;
}

TEST(Strategies, TheShippedCampaignMeasuresEachAndAccusesNobody) {
  const Folder folder;
  const Ran ran = run(folder, "d", {.campaign = shipped});
  EXPECT_EQ(ran.exit_code, 0) << ran.said;
  EXPECT_THAT(ran.findings, IsEmpty());
  const json::array rows = rows_of(folder, "d");
  std::map<std::string, bool> helped, idle;
  for (const json::value& row : rows) {
    const std::string name(row.at("strategy").as_string());
    helped[name] = helped[name] || is(row, "better");
    idle[name] = idle[name] || !(is(row, "better") || is(row, "worse"));
    EXPECT_FALSE(is(row, "worse")) << row;
    EXPECT_EQ(row.at("left_out").as_int64(), 0) << row;
    EXPECT_EQ(row.at("pairs").as_int64(), 40) << row;
  }
  for (const char* strategy :
       {"retry on network change", "store and forward", "last-result query", "watchdog", "re-logon", "status query",
        "cleaning the reader", "software update", "maintenance notice", "operator guidance",
        "data recovery after storage failure", "customer-service look-up by retrieval reference"}) {
    ASSERT_TRUE(helped.contains(strategy)) << strategy;
    EXPECT_TRUE(helped[strategy]) << strategy;
    EXPECT_TRUE(idle[strategy]) << strategy << " must have a fault that it cannot help against";
  }
  EXPECT_EQ(helped.size(), 12u);
  // the measurement that reports cite is this one
  const json::value stored = json::parse(read_text(project / "reports/strategies.json"));
  EXPECT_EQ(stored.at("strategies").as_array(), rows)
      << "measure anew: swiperig run fixtures/campaigns/strategies.toml --out D, then "
         "python3 reports/helped.py D/summary.json > reports/strategies.json";
}

const char* const head =
    "schema = 1\nname = \"few\"\nepoch_cycles = 1\nrepeat = 6\n"
    "[[case]]\nname = \"hangs\"\namount = \"12.34\"\ncard = \"debit\"\nswipe = \"500 mm/s\"\ncause = \"app_hang\"\n"
    "must = [\"card_read\"]\nstep = [{ when = \"card_read\", after = { from = \"0 ms\", to = \"350 ms\", by = \"10 "
    "ms\" }, part = \"app\", state = \"hang\" }]\n"
    "[[case]]\nname = \"late\"\namount = \"12.34\"\ncard = \"debit\"\nswipe = \"500 mm/s\"\ncause = \"network\"\n"
    "must = [\"card_read\"]\nstep = [{ when = \"response_entered\", network = \"delay\", lasts = { from = \"8 s\", to "
    "= \"16 s\", by = \"1 s\" } }]\n";

std::string strategy(const std::string& with, const std::string& faults = "\"hangs\", \"late\"",
                     const std::string& more = "") {
  return std::string(head) + "[[strategy]]\nname = \"one\"\nchinese = \"一\"\nwith = " + with + "\nfaults = [" +
         faults + "]\n" + more;
}

/// Twin: what is switched is already so, and no row may show anything.
TEST(Strategies, OneThatSwitchesNothingDoesNothing) {
  const Folder folder;
  for (const char* nothing : {"{ terminal = { connect_tries = 1, relogon = \"next_sale\", journal_area = \"one\" } }",
                              "{ operator = { follows_guidance = true, updates_software = true } }"}) {
    const std::string out = nothing[4] == 'e' ? "a" : "b";
    const Ran ran = run(folder, out, {.campaign = folder.write("c.toml", strategy(nothing))});
    EXPECT_EQ(ran.exit_code, 0) << ran.said;
    ASSERT_EQ(ran.cycles.size(), 24u);
    for (const json::value& row : rows_of(folder, out)) {
      for (const char* did : {"better", "worse", "not shown"}) EXPECT_FALSE(is(row, did)) << row;
    }
    EXPECT_THAT(ran.said, HasSubstr("nothing helped"));
    EXPECT_THAT(ran.said, Not(HasSubstr("->")));
  }
}

TEST(Strategies, OneSeedGivesOneTableWhateverTheThreads) {
  const Folder folder;
  const std::string campaign =
      folder.write("c.toml", strategy("{ terminal = { reversal_habit = \"store_and_forward\" } }"));
  const Ran one = run(folder, "a", {.campaign = campaign, .seed = 5, .threads = 1});
  const Ran two = run(folder, "b", {.campaign = campaign, .seed = 5, .threads = 2});
  const Ran other = run(folder, "c", {.campaign = campaign, .seed = 6});
  EXPECT_EQ(one.head, two.head);
  EXPECT_NE(one.head, other.head);
  EXPECT_EQ(rows_of(folder, "a"), rows_of(folder, "b"));
  EXPECT_TRUE(is(rows_of(folder, "a").at(1), "better"));
  // both halves of a pair met the same place of the fault
  for (std::size_t i = 0; i < one.cycles.size(); i += 2) {
    const std::string &without = one.cycles[i].case_name, &with = one.cycles[i + 1].case_name;
    EXPECT_EQ(without.substr(without.find(": ")), with.substr(with.find(": ")));
    EXPECT_THAT(without, HasSubstr(", without: "));
  }
}

TEST(Strategies, AStoredRunIsJudgedAgainWithWhatItsTerminalsPromised) {
  const Folder folder;
  const std::string campaign = folder.write("c.toml", strategy("{ terminal = { watchdog = \"4 s\" } }"));
  const Ran ran = run(folder, "d", {.campaign = campaign});
  testing::internal::CaptureStdout();
  const int again = judge_again(folder / "d");
  const std::string said = testing::internal::GetCapturedStdout();
  EXPECT_EQ(again, ran.exit_code) << said;
  EXPECT_THAT(said, Not(HasSubstr("judged otherwise")));
}

TEST(Strategies, ThePlanTellsEachFaultOnce) {
  Campaign campaign = read_campaign(shipped);
  const BenchFile bench = read_bench((project / "fixtures/benches/reader.toml").string(), campaign.terminal);
  add_trials(campaign, bench);
  const std::string told = plan(campaign, bench, 1);
  EXPECT_THAT(told, HasSubstr("12 strategies, with and without under 41 faults in all"));
  EXPECT_THAT(told,
              HasSubstr("watchdog 看门狗 against \"application hangs\", which induces app_hang: 40 pairs, each at "
                        "one of 36 places drawn"));
  EXPECT_LT(std::count(told.begin(), told.end(), '\n'), 300);
}

TEST(Strategies, WhatCannotBeComparedIsRefused) {
  const Folder folder;
  const auto refused = [&](const std::string& text, const char* on = "reader.toml") {
    try {
      Campaign campaign = read_campaign(folder.write("c.toml", text));
      add_trials(campaign, read_bench((project / "fixtures/benches" / on).string()));
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const std::string good = "{ terminal = { connect_tries = 3 } }";
  EXPECT_EQ(refused(strategy(good)), "");
  EXPECT_THAT(refused(strategy(good), "realtime.toml"), HasSubstr("virtual bench"));
  EXPECT_THAT(refused(strategy(good, "\"nobody\"")), HasSubstr("\"nobody\""));
  EXPECT_THAT(refused(strategy(good, "\"late\", \"late\"")), HasSubstr("each once"));
  EXPECT_THAT(refused(strategy(good, "")), HasSubstr("at least one"));
  EXPECT_THAT(refused(strategy("{ terminal = { connect_tries = 10 } }")), HasSubstr("1 to 9"));
  EXPECT_THAT(refused(strategy("{ terminal = { conect_tries = 3 } }")), HasSubstr("conect_tries"));
  EXPECT_THAT(refused(strategy("{ acquirer = {} }")), HasSubstr("acquirer"));
  EXPECT_THAT(refused(strategy("{ operator = { cleans_reader = \"debit\" } }")), HasSubstr("cleaning card"));
  EXPECT_THAT(refused(strategy("{ operator = { cleans_reader = \"cleaning\" } }"), "virtual.toml"),
              HasSubstr("cleaning card"));
  EXPECT_THAT(refused(strategy("true")), HasSubstr("c.toml:"));
  EXPECT_THAT(
      refused(strategy(good, "\"late\"", "[[strategy]]\nname = \"one\"\nwith = " + good + "\nfaults = [\"late\"]\n")),
      HasSubstr("not used twice"));
  EXPECT_THAT(refused(replaced(strategy(good), "epoch_cycles = 1\n", "")), HasSubstr("epoch_cycles = 1"));
  EXPECT_THAT(refused(std::string(head) + "with = { reader = { dirt = \"3 um\" } }\n"), HasSubstr("with"))
      << "a campaign without strategies has nothing to compare";
}

}  // namespace
}  // namespace swiperig
