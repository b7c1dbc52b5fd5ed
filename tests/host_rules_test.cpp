// The host's own duties: a history for each rule in which its book belies what it said, with the honest twin, and every
// defect planted in the simulated host, which is found by its own rule and never blamed on the terminal.
#include "rig/host_rules.hpp"

#include <gmock/gmock.h>

#include "tests/found.hpp"
#include "tests/ran.hpp"

namespace swiperig {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct Said {
  const char *code = "00", *reversal = "";  ///< "": no such answer
  std::vector<Entry> ledger = {};
  const char* mac = "ok";
};
/// A sale of 12.34, booked by the terminal where it was approved and not reversed.
History of_host(const Said& s) {
  History h = begun();
  h.read_card();
  h.asked(1, 1234);
  const bool reversed = *s.reversal != '\0', approved = std::string(s.code) == "00" && !reversed;
  if (reversed) h.wire("response_entered", 1, 1234, s.code, s.mac);
  if (!reversed) h.answered(1, 1234, s.code, s.mac);
  h.told(1, approved ? "APPROVED" : reversed ? "UNKNOWN" : "DECLINED", 1234);
  if (reversed) h.reversed(1, 1234, s.reversal);
  h.recover();
  books(h, {History::row(1, 1234, approved ? "approved" : reversed ? "reversed" : "declined")}, s.ledger);
  return h;
}
Entry approved(std::int64_t minor) { return History::row(1, minor, "approved"); }
Entry undone() { return History::row(1, 1234, "reversed"); }

TEST(HostRules, WhatItApprovedIsInItsBook) {
  expect_only(of_host({.ledger = {}}), "H_BOOKED", {5}, {"the host approved 12.34", "nothing", "the host's fault"});
  expect_only(of_host({.ledger = {approved(1235)}}), "H_BOOKED", {}, {"12.34", "12.35"});
  expect_honest(of_host({.ledger = {approved(1234)}}));
}

TEST(HostRules, OnceForOneRequest) {
  expect_only(of_host({.ledger = {approved(1234), approved(1234)}}), "H_ONCE", {}, {"2 times", "24.68", "12.34"});
}

TEST(HostRules, WhatItDeclinedIsNot) {
  expect_only(of_host({.code = "51", .ledger = {approved(1234)}}), "H_DECLINED", {}, {"code 51", "12.34"});
  expect_only(of_host({.code = "51", .ledger = {approved(1234)}, .mac = "absent"}), "H_DECLINED", {}, {"code 51"});
  expect_honest(of_host({.code = "51"}));
}

TEST(HostRules, WhatItUndidIsUndoneAndOnce) {
  for (const char* code : {"00", "25"}) {
    expect_only(of_host({.reversal = code, .ledger = {approved(1234)}}), "H_UNDONE", {}, {code, "12.34"});
  }
  Entry again = approved(1234);
  again.kind = "refund";
  expect_only(of_host({.reversal = "00", .ledger = {undone(), again}}), "H_UNDONE", {}, {"-12.34"});
  expect_honest(of_host({.reversal = "00", .ledger = {undone()}}));
  expect_honest(of_host({.reversal = "25"}));
}

TEST(HostRules, ItsTotalsAreThoseOfItsBook) {
  const auto settled = [](const char* said) {
    History h = of_host({.ledger = {approved(1234)}});
    const std::string asked = "000000001334002000000000000000" + std::string(32, '0');
    h.mark(Source::network, "settlement_entered", {{"batch", "000001"}, {"totals", asked}});
    std::string answer = said + std::string("000000000000000") + "2" + std::string(30, '0') + "1";
    if (std::string(said) == "000000001334002") answer[30] = '1';
    for (const char* name : {"settlement_response_entered", "settlement_response_left"})
      h.mark(Source::network, name, {{"batch", "000001"}, {"code", "00"}, {"totals", answer}});
    const bool agreed = answer[30] == '1';
    h.mark(Source::terminal, "settled", {{"batch", "000001"}, {"outcome", agreed ? "AGREED" : "DIFFERED"}});
    return h;
  };
  expect_only(settled("000000000100001"), "H_TOTALS", {}, {"1 of 1.00", "2 of 13.34", "the host's fault"});
  expect_honest(settled("000000001334002"));
}

/// What is not the host's own word, or is about a book that nobody read since, is not held against it.
TEST(HostRules, OnlyItsOwnWordCounts) {
  const std::string forged = rules(of(of_host({.mac = "wrong"})));
  EXPECT_THAT(forged, Not(HasSubstr("H_"))) << "the path, or a thief, said so";
  EXPECT_THAT(forged, HasSubstr("I3"));
  History unread = begun();
  unread.read_card();
  unread.asked(1, 1234);
  unread.book("journal", {});
  unread.book("ledger", {});
  unread.answered(1, 1234);
  unread.told(1, "APPROVED", 1234);
  EXPECT_THAT(rules(of(unread)), Not(HasSubstr("H_")));
  History changed = begun();
  changed.read_card();
  changed.wire("request_entered", 1, 1234);
  changed.wire("request_left", 1, 9999);
  changed.answered(1, 1234);
  changed.told(1, "APPROVED", 1234);
  changed.recover();
  books(changed, {approved(1234)}, {});
  EXPECT_THAT(rules(of(changed)), Not(HasSubstr("H_"))) << "the host was asked for something else";
}

struct Planted {
  const char *defect, *rule;
  friend void PrintTo(const Planted& p, std::ostream* out) { *out << p.defect; }
};
const std::vector<Planted> planted = {
#define HOST_DEFECT(name, rule, text) {#name, #rule},
#include "fixtures/host_defects.def"
#undef HOST_DEFECT
};
Ran ran(const Folder& folder, const std::string& name, const std::string& defect) {
  return run(folder, name,
             {.campaign = (project / "fixtures/campaigns" / (name + ".toml")).string(), .defect = defect});
}

class DefectOfTheHost : public testing::TestWithParam<Planted> {};

TEST_P(DefectOfTheHost, IsFoundByItsOwnRuleAndNeverBlamedOnTheTerminal) {
  const Folder folder;
  int found = 0;
  for (const char* name : {"no_return", "kinds", "reorder"}) {
    const Ran one = ran(folder, name, GetParam().defect);
    for (const auto& [rule, cases] : one.findings) {
      EXPECT_EQ(rule, GetParam().rule) << name << ": " << *cases.begin();
      found += static_cast<int>(cases.size());
    }
    EXPECT_EQ(one.outcomes.count(Outcome::error), 0U) << name;
  }
  EXPECT_GT(found, 0);
}
INSTANTIATE_TEST_SUITE_P(Seeded, DefectOfTheHost, testing::ValuesIn(planted),
                         [](const testing::TestParamInfo<Planted>& one) { return std::string(one.param.defect); });

TEST(HostRules, AnHostWithoutADefectIsNotAccused) {
  const Folder folder;
  for (const char* name : {"no_return", "kinds", "reorder"}) {
    EXPECT_THAT(ran(folder, name, "").findings, IsEmpty()) << name;
  }
}

}  // namespace
}  // namespace swiperig
