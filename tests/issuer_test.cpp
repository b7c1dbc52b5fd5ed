// The issuer's book by itself: what it holds, posts and lets go, and that it makes and loses no money.
#include "fixtures/issuer.hpp"

#include <gtest/gtest.h>

namespace swiperig {
namespace {

struct Bank {
  std::vector<Account> accounts = test_accounts();
  Issuer issuer{accounts};
  const std::string pan = accounts.front().pan;
  const std::int64_t began_with = accounts.front().balance_minor;

  bool ask(const char* stan, std::int64_t minor) {
    Sale sale;
    sale.key = {"000001", stan};
    sale.amount_minor = minor;
    sale.pan = pan;
    return issuer.ask(sale);
  }
  HoldState state(const char* stan) const { return issuer.holds().at({"000001", stan}).state; }
  ~Bank() { EXPECT_EQ(issuer.position(pan).sum(), began_with); }
};

TEST(Issuer, ASaleIsHeldOnceThenPostedThenGivenBackOnce) {
  Bank bank;
  EXPECT_TRUE(bank.ask("000002", 1234));
  EXPECT_FALSE(bank.ask("000002", 1234)) << "a repeat";
  bank.issuer.post({"000001", "000002"});
  EXPECT_FALSE(bank.ask("000002", 1234));
  EXPECT_EQ(bank.issuer.position(bank.pan).posted_minor, 1234);
  EXPECT_TRUE(bank.issuer.release({"000001", "000002"}));
  EXPECT_FALSE(bank.issuer.release({"000001", "000002"}));
  EXPECT_EQ(bank.state("000002"), HoldState::released);
}

/// A request that the host refused, its number altered on the way, must not shadow the sale that has it by right.
TEST(Issuer, WhatWasLetGoMayBeAskedForAnew) {
  Bank bank;
  EXPECT_TRUE(bank.ask("000003", 16697));
  EXPECT_TRUE(bank.issuer.release({"000001", "000003"}));
  EXPECT_TRUE(bank.ask("000003", 100));
  bank.issuer.post({"000001", "000003"});
  EXPECT_EQ(bank.issuer.position(bank.pan).posted_minor, 100);
  EXPECT_EQ(bank.state("000003"), HoldState::posted);
}

TEST(Issuer, AdvicesAndMoneyBackArePostedOnceAndUndone) {
  Bank bank;
  const auto tell = [&](const char* stan, std::int64_t minor, int moves) {
    Sale sale;
    sale.key = {"000001", stan};
    sale.amount_minor = minor;
    sale.pan = bank.pan;
    bank.issuer.tell(sale, moves);
    return bank.issuer.position(bank.pan).posted_minor;
  };
  EXPECT_EQ(tell("000002", 1234, 1), 1234);
  EXPECT_EQ(tell("000002", 1234, 1), 1234) << "a repeat";
  EXPECT_EQ(tell("000003", 200, -1), 1034) << "money back";
  EXPECT_EQ(tell("000004", 100, 0), 1034) << "what moves nothing";
  EXPECT_TRUE(bank.issuer.release({"000001", "000003"}));
  EXPECT_EQ(bank.issuer.position(bank.pan).posted_minor, 1234) << "and not given back, after all";
}

TEST(Issuer, NobodyGetsWhatIsNotThere) {
  Bank bank;
  EXPECT_FALSE(bank.ask("000004", bank.began_with + 1));
  EXPECT_FALSE(bank.ask("000005", 0));
  EXPECT_TRUE(bank.issuer.holds().empty());
}

}  // namespace
}  // namespace swiperig
