// What a case has come to when the next customer comes, over histories written by hand.
#include "rig/effect.hpp"

#include <gtest/gtest.h>

#include "rig/transaction.hpp"
#include "tests/history.hpp"

namespace swiperig {
namespace {

/// A sale that the host has booked and nobody was told of.
struct Lost : History {
  Lost() {
    intent("sale", 1234);
    read_card();
    asked(1, 1234);
    mark(Source::host, "committed", {{"batch", "000001"}, {"stan", text(1)}, {"code", "00"}});
    silence();
    intent("afterwards", 0);
  }
  Effect ended(const char* ledger) {
    recover();
    book("ledger", {row(1, 1234, ledger), row(9, 100, "approved")});
    return effect_of(replay(events, full_scope()));
  }
  void last_result(const char* outcome, int stan = 1) {
    mark(Source::terminal, "last_result", {{"batch", "000001"}, {"stan", text(stan)}, {"outcome", outcome}});
  }
  void looked_up(const char* state, int stan = 1) {
    mark(Source::host, "looked_up", {{"batch", "000001"}, {"stan", text(stan)}, {"state", state}});
  }
};

TEST(Effect, MoneyIsHeldWhileNobodyKnows) {
  Lost h;
  h.told(1, "UNKNOWN", 1234);
  const Effect effect = h.ended("approved");
  EXPECT_FALSE(effect.known);
  EXPECT_FALSE(effect.sold);
  EXPECT_EQ(effect.held_minor, 1234);
}

TEST(Effect, AReversalInTimeGivesItBackAndOneAfterwardsDoesNot) {
  Lost in_time, late;
  in_time.reversed(1, 1234);
  EXPECT_EQ(in_time.ended("reversed").held_minor, 0);
  late.intent("recovery sale", 100);
  late.reversed(1, 1234);
  EXPECT_EQ(late.ended("reversed").held_minor, 1234);
}

TEST(Effect, WhoeverAsksKnows) {
  Lost asked_till, asked_service, told;
  asked_till.last_result("APPROVED");
  asked_service.looked_up("approved");
  told.told(1, "APPROVED", 1234);
  for (Lost* h : {&asked_till, &asked_service, &told}) {
    const Effect effect = h->ended("approved");
    EXPECT_TRUE(effect.known);
    EXPECT_TRUE(effect.sold);
    EXPECT_EQ(effect.held_minor, 0);
  }
  Lost reversed;
  reversed.looked_up("reversed");
  EXPECT_TRUE(reversed.ended("reversed").known);
  EXPECT_FALSE(reversed.ended("reversed").sold);
}

TEST(Effect, AnAnswerThatDoesNotSayItOrComesTooLateIsNone) {
  Lost unknown, other, late;
  unknown.last_result("UNKNOWN");
  other.looked_up("approved", 7);
  late.intent("recovery sale", 100);
  late.last_result("APPROVED");
  for (Lost* h : {&unknown, &other, &late}) {
    const Effect effect = h->ended("approved");
    EXPECT_FALSE(effect.known);
    EXPECT_EQ(effect.held_minor, 1234);
  }
}

}  // namespace
}  // namespace swiperig
