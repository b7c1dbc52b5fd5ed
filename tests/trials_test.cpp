// What the table of strategies says of pairs whose outcome is written down here.
#include "reports/trials.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

Case half(bool with, const char* fault = "host silent") {
  Case c;
  c.trial = {"watchdog", "看门狗", fault, with};
  c.name = row_of(c.trial);
  c.cause = "host_down";
  return c;
}

struct Seen {
  bool known = true, sold = true;
  std::int64_t held_minor = 0;
  Duration in_doubt{};
  Outcome outcome = Outcome::pass;
};

class TrialsTest : public testing::Test {
 protected:
  TrialsTest() {
    for (const char* fault : {"host silent", "power cut"}) {
      trials.plan(half(false, fault));
      trials.plan(half(true, fault));
    }
  }
  void pair(const Seen& without, const Seen& with, const char* fault = "host silent") {
    one(without, half(false, fault).name);
    one(with, half(true, fault).name);
  }
  void one(const Seen& seen, const std::string& name) {
    Verdict v;
    v.outcome = seen.outcome;
    v.no_return = !seen.known;
    v.in_doubt = seen.in_doubt;
    v.effect = Effect{seen.known, seen.sold, seen.held_minor};
    trials.add(cycle++, name, v);
  }
  std::string did(const char* measure, std::size_t row = 0) {
    const auto rows = boost::json::parse(trials.json()).as_array();
    return std::string(rows.at(row).at(measure).at("did").as_string());
  }
  Trials trials;
  std::int64_t cycle = 0;
};

constexpr Seen lost = {false, false, 1234, 120s}, fine = {};

TEST_F(TrialsTest, SaysWhatAStrategyChanged) {
  for (int i = 0; i < 20; ++i) pair(lost, fine);
  for (const char* measure : {"no_return", "in_doubt", "held", "sold"}) EXPECT_EQ(did(measure), "better") << measure;
  EXPECT_THAT(trials.table(), HasSubstr("watchdog 看门狗"));
  EXPECT_THAT(trials.table(), HasSubstr("100 -> 0 % (-100 to "));
  EXPECT_THAT(trials.table(), HasSubstr("120.0 -> 0.0 s (-120.0 to -120.0)"));
  EXPECT_THAT(trials.table(), HasSubstr("host_down: watchdog\n"));
  const auto row = boost::json::parse(trials.json()).as_array().at(0);
  EXPECT_EQ(row.at("pairs").as_int64(), 20);
  EXPECT_EQ(row.at("held").at("without_minor").as_int64(), 20 * 1234);
  EXPECT_EQ(row.at("held").at("with_minor").as_int64(), 0);
}

TEST_F(TrialsTest, OneThatDoesNothingIsShownAsDoingNothing) {
  for (int i = 0; i < 20; ++i) pair(lost, lost);
  for (const char* measure : {"no_return", "in_doubt", "held", "sold"}) EXPECT_EQ(did(measure), "nothing") << measure;
  EXPECT_THAT(trials.table(), HasSubstr("host_down: nothing helped"));
  EXPECT_THAT(trials.table(), Not(HasSubstr("->")));
}

TEST_F(TrialsTest, OneThatHarmsIsShownAsHarmingAndHelpsNobody) {
  Seen slow = fine;
  slow.in_doubt = 60s;
  for (int i = 0; i < 20; ++i) pair(fine, slow);
  EXPECT_EQ(did("in_doubt"), "worse");
  EXPECT_EQ(did("sold"), "nothing");
  Seen sells = slow, unsold = fine;
  unsold.sold = false;
  for (int i = 0; i < 20; ++i) pair(unsold, sells, "power cut");
  EXPECT_EQ(did("sold", 1), "better");
  EXPECT_EQ(did("in_doubt", 1), "worse");
  EXPECT_THAT(trials.table(), HasSubstr("nothing helped")) << "better here and worse there is no help";
}

TEST_F(TrialsTest, WhatChanceExplainsIsNotShown) {
  for (int i = 0; i < 18; ++i) pair(lost, lost);
  pair(lost, fine);
  pair(fine, lost);
  EXPECT_EQ(did("no_return"), "not shown");
  EXPECT_EQ(did("in_doubt"), "not shown");
}

TEST_F(TrialsTest, ADoubtThatIsAMomentShorterIsNoShorter) {
  Seen sooner = lost;
  sooner.in_doubt = lost.in_doubt - 400ms;
  for (int i = 0; i < 20; ++i) pair(lost, sooner);
  EXPECT_EQ(did("in_doubt"), "nothing");
}

TEST_F(TrialsTest, OnlyWholePairsThatCountAreCounted) {
  Seen cut = fine;
  cut.outcome = Outcome::inconclusive;
  pair(lost, cut);
  pair(lost, fine);
  one(fine, half(true).name);   // without its other half
  one(fine, half(false).name);  // likewise
  const auto row = boost::json::parse(trials.json()).as_array().at(0);
  EXPECT_EQ(row.at("pairs").as_int64(), 1);
  EXPECT_EQ(row.at("left_out").as_int64(), 1);
  EXPECT_THAT(trials.table(), HasSubstr("1 of 2"));
}

}  // namespace
}  // namespace swiperig
