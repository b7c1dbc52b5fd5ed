// What each kind of transaction does to the books of the stand-in host, and what it refuses.
#include <gtest/gtest.h>

#include "fixtures/ledger.hpp"
#include "rig/transaction_kinds.hpp"

namespace swiperig {
namespace {

const std::string pan = "6212345678901265";

struct Bank {
  Ledger ledger;
  int stan = 0;
  Bank() {
    ledger.accounts = test_accounts();
    ledger.account(pan)->balance_minor = 100'000;
  }
  /// The code, and the key in `last`.
  std::string ask(const std::string& kind, std::int64_t minor, RowKey about = {}) {
    last = {batch_text(1), batch_text(++stan)};
    const Sale sale{last, minor, pan, "3012", kind, about};
    const std::string code = judge_sale(ledger, sale, "2611");
    book(ledger, sale, code, {});
    return code;
  }
  RowKey made(const std::string& kind, std::int64_t minor, RowKey about = {}) {
    EXPECT_EQ(ask(kind, minor, about), "00") << kind;
    return last;
  }
  std::string undo(const RowKey& key, std::int64_t minor) { return reverse(ledger, {key, minor, pan, ""}); }
  std::int64_t balance() { return ledger.account(pan)->balance_minor; }
  std::int64_t held() { return ledger.account(pan)->held_minor; }
  RowKey last;
};

TEST(KindsLedger, AVoidNetsItsOriginalOnce) {
  Bank b;
  const RowKey sale = b.made("sale", 5000);
  EXPECT_EQ(b.balance(), 95'000);
  EXPECT_EQ(b.ask("void", 4000, sale), "64");
  EXPECT_EQ(b.ask("void", 5000, {"000001", "000099"}), "25");
  const RowKey undone = b.made("void", 5000, sale);
  EXPECT_EQ(b.balance(), 100'000);
  EXPECT_EQ(b.ask("void", 5000, sale), "22");
  EXPECT_EQ(totals_of(b.ledger, 1), (Totals{5000, 1, 5000, 1}));
  // a void that is reversed leaves the sale as it was, and it can be voided again
  EXPECT_EQ(b.undo(undone, 5000), "00");
  EXPECT_EQ(b.balance(), 95'000);
  b.made("void", 5000, sale);
  EXPECT_EQ(b.balance(), 100'000);
}

TEST(KindsLedger, ARefundHasARowOfItsOwnAndNeverExceedsTheSale) {
  Bank b;
  const RowKey sale = b.made("sale", 5000);
  b.made("refund", 2000, sale);
  EXPECT_EQ(b.ask("refund", 3001, sale), "64");
  EXPECT_EQ(b.ask("void", 5000, sale), "64") << "a part of it has been paid back";
  b.made("refund", 3000, sale);
  EXPECT_EQ(b.balance(), 100'000);
  EXPECT_EQ(b.ask("refund", 1, sale), "64");
}

TEST(KindsLedger, AHoldBlocksAndACompletionTakesItWithinTheLimit) {
  Bank b;
  const RowKey hold = b.made("preauth", 90'000);
  EXPECT_EQ(b.balance(), 100'000);
  EXPECT_EQ(b.held(), 90'000);
  EXPECT_EQ(b.ask("sale", 20'000), "51") << "blocked money can be spent once";
  EXPECT_EQ(b.ask("completion", 103'501, hold), "61");
  const RowKey taken = b.made("completion", 95'000, hold);
  EXPECT_EQ(b.balance(), 5'000);
  EXPECT_EQ(b.held(), 0);
  EXPECT_EQ(b.ask("completion", 10, hold), "22");
  EXPECT_EQ(b.ask("preauth_cancel", 90'000, hold), "22");
  EXPECT_EQ(b.undo(taken, 95'000), "00");
  EXPECT_EQ(b.balance(), 100'000);
  EXPECT_EQ(b.held(), 90'000) << "the hold is back";
  b.made("preauth_cancel", 90'000, hold);
  EXPECT_EQ(b.held(), 0);
  EXPECT_EQ(totals_of(b.ledger, 1), Totals{});
}

TEST(KindsLedger, EveryKindThatIsBookedHasARowAndConservesMoney) {
  for (const TransactionKind& kind : transaction_kinds) {
    EXPECT_EQ(has_row(kind.name), kind.booked) << kind.name;
    if (!kind.booked) continue;
    Bank b;
    RowKey about;
    if (!kind.original.empty()) {
      const TransactionKind& original = *kind_named(kind.original);
      if (!original.original.empty()) about = b.made(std::string(original.original), 5000);
      about = b.made(std::string(original.name), 5000, about);
    }
    const std::int64_t before = b.balance(), held_before = b.held();
    const RowKey key = b.made(std::string(kind.name), 5000, about);
    EXPECT_EQ(b.balance(), before - kind.sign * 5000) << kind.name;
    EXPECT_EQ(b.undo(key, 5000), "00");
    EXPECT_EQ(b.balance(), before) << kind.name;
    EXPECT_EQ(b.held(), held_before) << kind.name;
  }
}

}  // namespace
}  // namespace swiperig
