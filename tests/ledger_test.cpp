#include "fixtures/ledger.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "rig/random.hpp"
#include "tests/till.hpp"

namespace swiperig {
namespace {

/// "" when no money was made or lost against `began_with`.
std::string audit(const Ledger& ledger, std::int64_t began_with) {
  std::int64_t sum = 0;
  for (const Account& account : ledger.accounts) {
    if (account.balance_minor < 0) return "an account is below zero";
    sum += account.balance_minor;
  }
  for (const auto& [key, row] : ledger.rows) {
    if (row.state == RowState::approved) sum += row.amount_minor;
    if (row.response.empty() != (row.state == RowState::tombstone)) return "a row without its stored answer";
  }
  return sum == began_with ? "" : "money was made or lost";
}

TEST(Ledger, AuditFiresOnWhatItLooksFor) {
  Ledger ledger;
  ledger.accounts = {{kCard, "3012", "", 1000, 0}};
  book(ledger, {{"000001", "000002"}, 400, kCard, "3012"}, "00", {1});
  EXPECT_EQ(audit(ledger, 1000), "");
  Ledger twice = ledger;
  twice.accounts[0].balance_minor += 400;
  EXPECT_NE(audit(twice, 1000), "");
  Ledger bare = ledger;
  bare.find({"000001", "000002"})->response.clear();
  EXPECT_NE(audit(bare, 1000), "");
}

TEST(Ledger, MoneyIsConservedOverRandomConversations) {
  constexpr const char* cards[] = {kCard, "6212345678901232", "4111111111111111"};
  std::map<std::string, int> codes;
  for (std::uint32_t run = 0; run < 2000; ++run) {
    Draws draws(7, 0, run, 0);
    HostSettings settings = test_settings();
    settings.accounts = {{cards[0], "3012", "", 500, 0}, {cards[1], "3012", "", 300, 0}};
    Acquirer acquirer(settings);
    Till till;
    std::map<RowKey, std::int64_t> charged;  // from the answers alone
    std::map<RowKey, bool> buried;
    const std::uint32_t messages = 1 + draws.below(30);
    for (std::uint32_t i = 0; i < messages; ++i) {
      const std::uint32_t what = draws.below(20);
      const int stan = 1 + static_cast<int>(draws.below(6));
      const auto amount = static_cast<std::int64_t>(draws.below(4)) * 50;
      const std::uint32_t card = draws.below(3);
      Message m = till.sale(stan, amount, cards[card]);
      if (what >= 9) m = till.reversal(stan, amount, cards[card]);
      if (what == 16) m = till.logon(stan);
      if (what >= 17) {
        std::int64_t sum = 0;
        for (const auto& [key, value] : charged) sum += key.first == till.batch ? value : 0;
        const auto count = std::count_if(charged.begin(), charged.end(),
                                         [&](const auto& row) { return row.first.first == till.batch; });
        m = till.settlement(stan, sum + (what == 17 ? 1 : 0), static_cast<int>(count));
      }
      Bytes frame = till.frame(m);
      if (what == 8) frame.back() ^= 1;
      Message request;
      ASSERT_FALSE(unpack(BytesView(frame).subspan(2), settings.profile.framing, request));
      const auto before = acquirer.ledger().rows;
      const Answer answer = acquirer.answer(request, frame, Time(std::chrono::seconds(i)),
                                            draws.below(10) == 0 ? Policy::decline : Policy::normal);
      Message reply;
      ASSERT_FALSE(unpack(BytesView(answer.frame).subspan(2), settings.profile.framing, reply));
      const std::string code(reply.field(39));
      ++codes[std::string(reply.mti()) + " " + code];
      const RowKey key{till.batch, std::string(m.field(11))};
      if (m.mti() == "0200" && code == "00") {
        ASSERT_FALSE(buried[key]) << "run " << run << ": approved after its reversal";
        ASSERT_TRUE(!charged.contains(key) || charged[key] == amount) << "run " << run;
        charged[key] = amount;
      }
      if (m.mti() == "0400" && (code == "00" || code == "25")) {
        if (code == "00") charged.erase(key);
        if (!charged.contains(key)) buried[key] = true;
      }
      if (m.mti() == "0800") till.batch = std::string(reply.field(60).substr(2, 6));
      if (m.mti() == "0500" && code == "00") {
        ASSERT_EQ(reply.field(48)[30], what == 17 ? '2' : '1') << "run " << run;
      }
      ASSERT_EQ(audit(acquirer.ledger(), 800), "") << "run " << run << " message " << i;
      std::int64_t approved = 0;
      for (const auto& [name, row] : acquirer.ledger().rows) {
        if (row.state == RowState::approved) approved += row.amount_minor;
        const auto old = before.find(name);
        if (old == before.end() || old->second.state == row.state) continue;
        ASSERT_TRUE(old->second.state == RowState::approved && row.state == RowState::reversed) << "run " << run;
      }
      std::int64_t told = 0;
      for (const auto& [name, value] : charged) told += value;
      ASSERT_EQ(approved, told) << "run " << run << ": the ledger and its answers disagree";
    }
  }
  for (const char* reached : {"0210 00", "0210 13", "0210 14", "0210 51", "0210 77", "0210 94", "0210 A0", "0410 00",
                              "0410 12", "0410 25", "0410 64", "0510 00", "0810 00"}) {
    EXPECT_GT(codes[reached], 20) << reached;
  }
}

}  // namespace
}  // namespace swiperig
