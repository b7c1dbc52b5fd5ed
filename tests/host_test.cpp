#include "fixtures/host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/host_stand.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using Rows = std::vector<std::string>;

TEST(Host, LogonHandsOutKeysThatDecryptToTheWorkingKeys) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    const auto master = DesKey::make(s.till.settings.profile.master_key);
    auto ending = co_await s.send(s.till.logon());
    EXPECT_EQ(ending.how, "answer");
    EXPECT_EQ(ending.answer.mti(), "0810");
    EXPECT_EQ(ending.code(), "00");
    EXPECT_EQ(ending.answer.field(60), "00000001003");
    EXPECT_EQ(to_hex(ending.answer.tpdu()), "6000000003");
    EXPECT_EQ(ending.answer.field(12), "101500");
    EXPECT_EQ(ending.answer.field(13), "1123");
    EXPECT_FALSE(ending.answer.has(64));
    const BytesView keys = bytes_of(ending.answer.field(62));
    EXPECT_EQ(keys.size(), 40U);
    if (keys.size() != 40) co_return;
    EXPECT_EQ(*master->decrypt(keys.first(16)), s.till.settings.pin_key);
    EXPECT_EQ(to_hex(keys.subspan(16, 4)), "D679A35B");
    EXPECT_EQ(*master->decrypt(keys.subspan(20, 8)), s.till.settings.mac_key);
    EXPECT_EQ(to_hex(keys.subspan(28, 8)), "0000000000000000");
    EXPECT_EQ(to_hex(keys.subspan(36, 4)), "40826A58");
    auto single = co_await s.send(s.till.logon(2, "001"));
    EXPECT_EQ(single.answer.field(62).size(), 24U);
    EXPECT_EQ(to_hex(bytes_of(single.answer.field(62)).subspan(12, 12)), "32C8EBB76A8CC12940826A58");
    auto unknown = co_await s.send(s.till.logon(3, "004"));
    EXPECT_EQ(unknown.code(), "40");
  });
}

// g++ 12 cannot build a list of strings in a coroutine
Rows sale_told() {
  return {
      R"({"milestone":"request_at_host","mti":"0200","stan":"000002","batch":"000001","amount":"000000005100"})",
      R"({"milestone":"committed","mti":"0200","stan":"000002","batch":"000001","amount":"000000005100","code":"00"})"};
}
Rows reversal_book() {
  return {"000002 reversed 5100", "000003 tombstone 700", "000004 declined 700", "000005 reversed 900"};
}

TEST(Host, SaleIsBookedThenAnsweredAndTold) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    const Time asked = s.clock.now();
    auto ending = co_await s.send(s.till.sale(2, 5100));
    EXPECT_EQ(ending.answer.mti(), "0210");
    EXPECT_EQ(ending.code(), "00");
    EXPECT_EQ(ending.at - asked, 30ms);
    std::string has;
    ending.answer.for_each([&](int number, std::string_view) { has += std::to_string(number) + " "; });
    EXPECT_EQ(has, "2 3 4 11 12 13 15 25 32 37 38 39 41 42 49 60 64 ");
    EXPECT_EQ(ending.answer.field(60), "22000001");
    EXPECT_TRUE(s.till.right_mac(ending));
    auto rows = co_await s.book();
    EXPECT_EQ(rows, Rows{"000002 approved 5100"});
    const Rows told = sale_told();
    EXPECT_EQ(s.milestones(), told);
  });
}

TEST(Host, ARepeatGetsTheStoredAnswerAndOtherContentIsRefused) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    auto first = co_await s.send(s.till.sale(2, 5100));
    co_await s.clock.sleep_for(10s);
    auto again = co_await s.send(s.till.sale(2, 5100));
    EXPECT_EQ(to_hex(again.bytes), to_hex(first.bytes));
    auto other_amount = co_await s.send(s.till.sale(2, 5101));
    EXPECT_EQ(other_amount.code(), "94");
    auto other_card = co_await s.send(s.till.sale(2, 5100, "6212345678901232"));
    EXPECT_EQ(other_card.code(), "94");
    auto rows = co_await s.book();
    EXPECT_EQ(rows, Rows{"000002 approved 5100"});
    EXPECT_EQ(s.milestones().size(), 5U);  // four requests seen, one commit
  });
}

TEST(Host, ReversalIsIdempotentAndTombstonesRefuseTheLateOriginal) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    co_await s.send(s.till.sale(2, 5100));
    auto wrong_amount = co_await s.send(s.till.reversal(2, 5000));
    EXPECT_EQ(wrong_amount.code(), "64");
    auto wrong_card = co_await s.send(s.till.reversal(2, 5100, "6212345678901232"));
    EXPECT_EQ(wrong_card.code(), "25");
    auto untouched = co_await s.book();
    EXPECT_EQ(untouched, Rows{"000002 approved 5100"});
    auto undone = co_await s.send(s.till.reversal(2, 5100));
    EXPECT_EQ(undone.code(), "00");
    EXPECT_EQ(undone.answer.mti(), "0410");
    EXPECT_TRUE(s.till.right_mac(undone));
    auto again = co_await s.send(s.till.reversal(2, 5100));
    EXPECT_EQ(again.code(), "00");
    auto revived = co_await s.send(s.till.sale(2, 5100));
    EXPECT_EQ(revived.code(), "94");

    auto nothing = co_await s.send(s.till.reversal(3, 700));
    EXPECT_EQ(nothing.code(), "25");
    auto nothing_still = co_await s.send(s.till.reversal(3, 700));
    EXPECT_EQ(nothing_still.code(), "25");
    auto too_late = co_await s.send(s.till.sale(3, 700));
    EXPECT_EQ(too_late.code(), "94");

    auto declined = co_await s.send(s.till.sale(4, 700, "4111111111111111"));
    EXPECT_EQ(declined.code(), "14");
    auto not_approved = co_await s.send(s.till.reversal(4, 700, "4111111111111111"));
    EXPECT_EQ(not_approved.code(), "12");

    // a terminal that counts its STAN on still names the original in field 61
    co_await s.send(s.till.sale(5, 900));
    Message counted = s.till.reversal(6, 900);
    counted.set(61, "000001000005");
    auto by_61 = co_await s.send(counted);
    EXPECT_EQ(by_61.code(), "00");

    auto rows = co_await s.book();
    const Rows expected = reversal_book();
    EXPECT_EQ(rows, expected);
  });
}

TEST(Host, RefusalsSayWhyAndOnlyIssuerDeclinesAreBooked) {
  HostSettings settings = test_settings();
  settings.accounts.push_back({"4242424242424242", "3012", "1234", 1000, 0});
  settings.accounts.push_back({"5555555555554444", "2610", "", 1000, 0});
  Stand stand(settings);
  stand.run([](Stand& s) -> Task<> {
    Bytes damaged = s.till.frame(s.till.sale(2, 100));
    damaged.back() ^= 1;
    auto bad_mac = co_await s.send_bytes(damaged);
    EXPECT_EQ(bad_mac.code(), "A0");
    EXPECT_EQ(bad_mac.answer.header()[2] & 15, 3) << "asks to sign in again";
    Bytes changed = s.till.frame(s.till.sale(2, 100));
    changed[s.till.settings.profile.framing.header_bytes + 22] ^= 1;  // in the amount
    auto bad_amount = co_await s.send_bytes(changed);
    EXPECT_EQ(bad_amount.code(), "A0");
    Message m = s.till.sale(3, 100);
    m.set(42, "999000000000002");
    auto merchant = co_await s.send(m);
    EXPECT_EQ(merchant.code(), "03");
    m = s.till.sale(3, 100);
    m.set(41, "99900002");
    auto terminal = co_await s.send(m);
    EXPECT_EQ(terminal.code(), "97");
    m = s.till.sale(3, 100);
    m.set(60, "220000020005");
    auto batch = co_await s.send(m);
    EXPECT_EQ(batch.code(), "77");
    m = s.till.sale(3, 100);
    m.clear(35);
    auto no_card = co_await s.send(m);
    EXPECT_EQ(no_card.code(), "30");
    m = s.till.sale(3, 100);
    m.set(3, "310000");
    auto balance = co_await s.send(m);
    EXPECT_EQ(balance.code(), "40");
    auto rows = co_await s.book();
    EXPECT_EQ(rows, Rows{}) << "none of these was processed";

    auto zero = co_await s.send(s.till.sale(10, 0));
    EXPECT_EQ(zero.code(), "13");
    auto card = co_await s.send(s.till.sale(11, 100, "4111111111111111"));
    EXPECT_EQ(card.code(), "14");
    auto expiry = co_await s.send(s.till.sale(12, 100, kCard, "3011"));
    EXPECT_EQ(expiry.code(), "54");
    auto expired = co_await s.send(s.till.sale(13, 100, "5555555555554444", "2610"));
    EXPECT_EQ(expired.code(), "54");
    auto funds = co_await s.send(s.till.sale(14, 1001, "4242424242424242"));
    EXPECT_EQ(funds.code(), "51");
    EXPECT_FALSE(funds.answer.has(38));
    EXPECT_TRUE(s.till.right_mac(funds));

    const auto with_pin = [&](int stan, const char* pin, const char* pan_in_block) {
      Message sale = s.till.sale(stan, 1000, "4242424242424242");
      const Block block = DesKey::make(s.till.settings.pin_key)->encrypt_block(*pin_block_format0(pin, pan_in_block));
      sale.set(22, "021");
      sale.set(52, text_of(block));
      return sale;
    };
    auto no_block = co_await s.send(with_pin(15, "1234", kCard));
    EXPECT_EQ(no_block.code(), "99");
    auto wrong_pin = co_await s.send(with_pin(16, "1235", "4242424242424242"));
    EXPECT_EQ(wrong_pin.code(), "55");
    auto right_pin = co_await s.send(with_pin(17, "1234", "4242424242424242"));
    EXPECT_EQ(right_pin.code(), "00");
    for (int stan = 18; stan < 20; ++stan) co_await s.send(with_pin(stan, "1235", "4242424242424242"));
    auto third = co_await s.send(with_pin(20, "1235", "4242424242424242"));
    EXPECT_EQ(third.code(), "75");
    auto locked = co_await s.send(with_pin(21, "1234", "4242424242424242"));
    EXPECT_EQ(locked.code(), "75");
    rows = co_await s.book();
    EXPECT_EQ(rows.size(), 12U);
    EXPECT_EQ(rows[7], "000017 approved 1000");
  });
}

TEST(Host, SettlementThatAgreesClosesTheBatch) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    co_await s.send(s.till.sale(2, 5100));
    co_await s.send(s.till.sale(3, 900));
    co_await s.send(s.till.reversal(3, 900));
    auto logon_again = co_await s.send(s.till.logon(4));
    EXPECT_EQ(logon_again.answer.field(60), "00000001003") << "an unsettled batch goes on";
    auto agreed = co_await s.send(s.till.settlement(5, 5100, 1));
    EXPECT_EQ(agreed.answer.mti(), "0510");
    EXPECT_EQ(agreed.answer.field(48), "00000000510000100000000000000010000000000000000000000000000001");
    auto rows = co_await s.book();
    EXPECT_EQ(rows, Rows{});
    auto cut_off = co_await s.send(s.till.settlement(5, 5100, 1));
    EXPECT_EQ(cut_off.answer.field(48)[30], '1') << "a settlement that lost its answer can be repeated";
    auto end = co_await s.send(s.till.upload(6, "202", "0001"));
    EXPECT_EQ(end.answer.mti(), "0330");
    EXPECT_EQ(end.code(), "00");
    auto closed = co_await s.send(s.till.sale(7, 100));
    EXPECT_EQ(closed.code(), "77");
    auto next = co_await s.send(s.till.logon(8));
    EXPECT_EQ(next.answer.field(60), "00000002003");
    s.till.batch = "000002";
    auto fresh = co_await s.send(s.till.sale(2, 100));
    EXPECT_EQ(fresh.code(), "00") << "a STAN may repeat in another batch";
  });
}

TEST(Host, SettlementThatDiffersWaitsForTheUpload) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    co_await s.send(s.till.sale(2, 5100));
    auto differs = co_await s.send(s.till.settlement(5, 5200, 1));
    EXPECT_EQ(differs.code(), "00");
    EXPECT_EQ(differs.answer.field(48), "00000000510000100000000000000020000000000000000000000000000001");
    auto feigned = co_await s.send(s.till.upload(6, "202", "0001"));
    EXPECT_EQ(feigned.code(), "95") << "a terminal that ends as if it had agreed is told so";
    auto rows = co_await s.book();
    EXPECT_EQ(rows.size(), 1U);
    auto torn = co_await s.send(s.till.upload(7, "201", "020000000200006212345678901265000000005100"));
    EXPECT_EQ(torn.code(), "30");
    auto record = co_await s.send(s.till.upload(8, "201", "010000000200006212345678901265000000005100"));
    EXPECT_EQ(record.code(), "00");
    auto end = co_await s.send(s.till.upload(9, "207", "0001"));
    EXPECT_EQ(end.code(), "00");
    rows = co_await s.book();
    EXPECT_EQ(rows, Rows{});
    auto next = co_await s.send(s.till.logon(10));
    EXPECT_EQ(next.answer.field(60), "00000002003");
    Message echo = s.till.blank("0820", 11);
    echo.set(60, "00000002301");
    auto pong = co_await s.send(echo);
    EXPECT_EQ(pong.answer.mti(), "0830");
    EXPECT_EQ(pong.code(), "00");
  });
}

TEST(Host, OneConnectionMayCarrySeveralMessagesInPieces) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    auto link = co_await s.dialer->dial();
    const Framing framing = s.till.settings.profile.framing;
    auto logon = co_await exchange(s.clock, *link, s.till.frame(s.till.logon()), framing);
    EXPECT_EQ(logon.code(), "00");
    const Bytes sale = s.till.frame(s.till.sale(2, 100));
    for (std::size_t at = 0; at + 1 < sale.size(); ++at) {
      co_await link->write(BytesView(sale).subspan(at, 1));
      co_await s.clock.sleep_for(1ms);
    }
    EXPECT_TRUE(s.milestones().empty()) << "the last byte is missing";
    auto ending = co_await exchange(s.clock, *link, Bytes(1, sale.back()), framing);
    EXPECT_EQ(ending.code(), "00");
    // a terminal cut off in the middle of a request leaves nothing behind
    co_await link->write(BytesView(sale).first(50));
    link->close(Close::reset);
    co_await s.clock.sleep_for(1s);
    EXPECT_EQ(s.milestones().size(), 2U);
  });
}

TEST(Host, GarbageClosesItsConnectionAndBooksNothing) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    auto bad_length = co_await s.send_bytes(Bytes(3, 0xFF));
    EXPECT_EQ(bad_length.how, "fin");
    Bytes no_message = s.till.frame(s.till.sale(2, 100));
    no_message[15] |= 0x80;  // announces a second bitmap
    auto unpackable = co_await s.send_bytes(no_message);
    EXPECT_EQ(unpackable.how, "fin");
    Message response = s.till.sale(2, 100);
    response.set_mti("0210");
    auto backwards = co_await s.send(response);
    EXPECT_EQ(backwards.how, "fin");
    auto rows = co_await s.book();
    EXPECT_EQ(rows, Rows{});
    EXPECT_TRUE(s.milestones().empty());
    auto after = co_await s.send(s.till.sale(2, 100));
    EXPECT_EQ(after.code(), "00");
  });
}

const std::string kNoCommands[] = {"",
                                   "nonsense",
                                   "[]",
                                   "{}",
                                   "{\"behave\":1}",
                                   "{\"behave\":\"angry\"}",
                                   "{\"behave\":\"slow\",\"lasts_ms\":-1}",
                                   "{\"behave\":\"slow\",\"lasts_ms\":1.5}",
                                   "{\"behave\":\"slow\",\"lasts_ms\":\"1\"}",
                                   "{\"behave\":\"slow\",\"for\":1}",
                                   "{\"ledger\":\"closed\"}",
                                   "{\"ledger\":\"open\",\"x\":1}",
                                   std::string(2000, '['),
                                   std::string(9000, 'x'),
                                   "{\"behave\":\"normal\"} x",
                                   std::string("\0\xFF\x80", 3)};

TEST(Host, ControlLinesThatAreNoCommandsAreRefusedAndTheNextOneWorks) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    for (const std::string& line : kNoCommands) {
      auto heard = co_await s.say(line);
      EXPECT_EQ(heard.size(), 1U) << line;
      EXPECT_TRUE(!heard.empty() && heard[0].starts_with("{\"error\":")) << line;
    }
    co_await s.behave("normal");
    auto sale = co_await s.send(s.till.sale(2, 100));
    EXPECT_EQ(sale.code(), "00");
  });
}

TEST(Host, StopEndsConnectionsThatWaitOrAreThoughtAbout) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    co_await s.behave("late", 600'000);
    auto idle = co_await s.dialer->dial();
    auto busy = co_await s.dialer->dial();
    co_await busy->write(s.till.frame(s.till.sale(2, 100)));
    co_await s.clock.sleep_for(1s);
  });
  EXPECT_LT(stand.clock.now(), Time(2s));
}

TEST(Host, KeysThatFitNothingAreRefusedBeforeAnythingMoves) {
  VirtualClock clock;
  PipeHub hub(clock);
  auto listener = hub.listen("host");
  const auto with = [&](auto change) {
    HostSettings settings = test_settings();
    change(settings);
    Host host(clock, settings, *listener, nullptr);
  };
  EXPECT_NO_THROW(with([](HostSettings&) {}));
  EXPECT_THROW(with([](HostSettings& s) { s.mac_key.resize(7); }), std::invalid_argument);
  EXPECT_THROW(with([](HostSettings& s) { s.pin_key.resize(8); }), std::invalid_argument);
  EXPECT_THROW(with([](HostSettings& s) { s.profile.master_key.resize(3); }), std::invalid_argument);
  EXPECT_THROW(with([](HostSettings& s) { s.profile.mac = MacKind::x9_19_pad1; }), std::invalid_argument);
  EXPECT_THROW(with([](HostSettings& s) { s.acquirer_id = "12a"; }), std::invalid_argument);
}

TEST(Host, AReversalOfAnotherTerminalIsToldByTheFieldsThatDoNotFit) {
  Stand stand(test_settings());
  stand.run([](Stand& s) -> Task<> {
    co_await s.send(s.till.sale(3, 700));
    Message elsewhere = s.till.reversal(3, 700);
    elsewhere.set(41, "99900002");
    auto refused = co_await s.send(elsewhere);
    EXPECT_EQ(refused.code(), "97");
    EXPECT_THAT(s.milestones().back(), testing::HasSubstr(R"("near":"000001/000003","differs":"41")"));
    elsewhere.set(42, "999000000000002");
    refused = co_await s.send(elsewhere);
    EXPECT_EQ(refused.code(), "03");
    EXPECT_THAT(s.milestones().back(), testing::HasSubstr(R"("near":"000001/000003","differs":"41,42")"));
  });
}

}  // namespace
}  // namespace swiperig
