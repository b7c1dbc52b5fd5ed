#include "fixtures/host.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <vector>

#include "fixtures/pipe.hpp"
#include "fixtures/virtual_clock.hpp"
#include "rig/random.hpp"
#include "tests/till.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

/// A host on a virtual network, with raw lines to and from its control link.
struct Stand {
  explicit Stand(HostSettings settings = test_settings()) {
    till.settings = settings;
    auto [near, far] = make_pipe(clock);
    control = std::move(near);
    host = std::make_unique<Host>(clock, settings, *listener, std::move(far));
  }

  void run(const std::function<Task<>(Stand&)>& body) {
    clock.run(whole(body));
  }
  Task<> whole(const std::function<Task<>(Stand&)>& body) {
    Crew crew(clock);
    crew.start(host->run());
    crew.start(hear());
    co_await body(*this);
    host->stop();
    co_await crew.join();
  }
  Task<> hear() {
    std::uint8_t chunk[64];
    std::string line;
    for (;;) {
      std::size_t n = 0;
      try {
        n = co_await control->read_some(chunk);
      } catch (const LinkError&) {
      }
      if (n == 0) break;
      for (const char c : text_of(BytesView(chunk, n))) {
        if (c != '\n') {
          line += c;
          continue;
        }
        lines.push_back(line);
        line.clear();
      }
    }
  }

  Task<Ending> send(Message message, Duration limit = 60s) {
    auto ending = co_await send_bytes(till.frame(message), limit);
    co_return ending;
  }
  /// On a connection of its own, as a terminal does.
  Task<Ending> send_bytes(Bytes frame, Duration limit = 60s) {
    auto link = co_await dialer->dial();
    auto ending = co_await exchange(clock, *link, std::move(frame), till.settings.profile.framing, limit);
    co_return ending;
  }
  /// Says one control line and returns what came back at once.
  Task<std::vector<std::string>> say(std::string line) {
    const std::size_t before = lines.size();
    line += "\n";
    co_await control->write(bytes_of(line));
    co_await clock.sleep_for(1ms);
    co_return std::vector<std::string>(lines.begin() + static_cast<std::ptrdiff_t>(before), lines.end());
  }
  Task<> behave(std::string name, int lasts_ms = 0) {
    auto heard = co_await say("{\"behave\":\"" + name + "\",\"lasts_ms\":" + std::to_string(lasts_ms) + "}");
    EXPECT_EQ(heard, std::vector<std::string>{"{\"ok\":\"behave\"}"}) << name;
  }
  /// "000002 approved 1234" of the open batch, one a row.
  Task<std::vector<std::string>> book() {
    auto heard = co_await say("{\"ledger\":\"open\"}");
    std::vector<std::string> rows;
    for (const std::string& line : heard) {
      const auto value = [&](const std::string& name) {
        const std::size_t at = line.find("\"" + name + "\":") + name.size() + 3;
        const std::size_t end = line.find_first_of(",}", at);
        const std::string text = line.substr(at, end - at);
        return text.front() == '"' ? text.substr(1, text.size() - 2) : text;
      };
      if (line.starts_with("{\"entry\"")) rows.push_back(value("stan") + " " + value("state") + " " + value("amount_minor"));
    }
    EXPECT_EQ(heard.back(), "{\"end\":" + std::to_string(rows.size()) + "}");
    co_return rows;
  }
  std::vector<std::string> milestones() const {
    std::vector<std::string> out;
    for (const std::string& line : lines) {
      if (line.starts_with("{\"milestone\"")) out.push_back(line);
    }
    return out;
  }

  VirtualClock clock;
  PipeHub hub{clock};
  std::unique_ptr<Listener> listener = hub.listen("host");
  std::unique_ptr<Dialer> dialer = hub.dialer("host");
  std::unique_ptr<Link> control;
  std::unique_ptr<Host> host;
  Till till;
  std::vector<std::string> lines;
};

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
    for (const std::uint8_t byte : sale) {
      if (&byte == &sale.back()) break;
      co_await link->write({&byte, 1});
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

// --- behaviours ------------------------------------------------------------------------------------------------

struct Expected {
  const char* behaviour;
  int lasts_ms;
  const char* sale;        // how the sale ends, or its code
  int sale_after_ms;       // from the request; -1: not asked
  const char* row;         // state of the sale's row afterwards, "" for none
  const char* reversal;    // how a reversal of it ends while the behaviour is still set
  const char* settlement;
};
const Expected kBehaviours[] = {
    {"normal", 0, "00", 30, "approved", "00", "00"},
    {"slow", 4000, "00", 4030, "approved", "00", "00"},
    {"silent", 0, "nothing", -1, "", "nothing", "nothing"},
    {"commit_silent", 0, "nothing", -1, "approved", "00", "00"},
    {"reset", 0, "reset", 30, "", "reset", "reset"},
    {"decline", 0, "51", 30, "declined", "12", "00"},
    {"truncated", 0, "part then fin", 30, "approved", "00", "00"},
    {"wrong_mac", 0, "00", 30, "approved", "00", "00"},
    {"late", 70'000, "nothing", -1, "approved", "00", "00"},
    {"maintenance", 0, "96", 30, "", "96", "96"},
};

std::string outcome(const Ending& ending) { return ending.how == "answer" ? ending.code() : ending.how; }

class Behaviours : public testing::TestWithParam<Expected> {};

TEST_P(Behaviours, DoesExactlyWhatItsRowSays) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    const Expected expected = GetParam();
    co_await s.behave(expected.behaviour, expected.lasts_ms);
    const Time asked = s.clock.now();
    auto sale = co_await s.send(s.till.sale(2, 1234));
    EXPECT_EQ(outcome(sale), expected.sale);
    if (expected.sale_after_ms >= 0) {
      EXPECT_EQ(sale.at - asked, std::chrono::milliseconds(expected.sale_after_ms));
    }
    if (sale.how == "answer") {
      EXPECT_EQ(s.till.right_mac(sale), std::string(expected.behaviour) != "wrong_mac");
    }
    auto rows = co_await s.book();
    const std::string row = expected.row;
    EXPECT_EQ(rows, row.empty() ? Rows{} : Rows{"000002 " + row + " 1234"});
    EXPECT_EQ(s.milestones().size(), row.empty() ? 1U : 2U);

    auto reversal = co_await s.send(s.till.reversal(2, 1234));
    EXPECT_EQ(outcome(reversal), expected.reversal);
    EXPECT_TRUE(reversal.how != "answer" || s.till.right_mac(reversal));
    auto settlement = co_await s.send(s.till.settlement(3, 0, 0));
    EXPECT_EQ(outcome(settlement), expected.settlement);

    co_await s.behave("normal");
    auto logon = co_await s.send(s.till.logon(9));
    EXPECT_EQ(logon.code(), "00") << "and it ends when told";
  });
}
INSTANTIATE_TEST_SUITE_P(Host, Behaviours, testing::ValuesIn(kBehaviours),
                         [](const auto& row) { return std::string(row.param.behaviour); });

TEST(Host, LateCommitsAtOnceWhereSlowCommitsLate) {
  for (const std::string name : {"late", "slow"}) {
    Stand stand;
    stand.run([name](Stand& s) -> Task<> {
      co_await s.behave(name, 5000);
      Crew crew(s.clock);
      Ending ending;
      const auto ask = [&]() -> Task<> { ending = co_await s.send(s.till.sale(2, 1234)); };
      const Time asked = s.clock.now();
      crew.start(ask());
      co_await s.clock.sleep_for(1s);
      auto rows = co_await s.book();
      EXPECT_EQ(rows.size(), name == "late" ? 1U : 0U);
      co_await crew.join();
      EXPECT_EQ(outcome(ending), "00");
      EXPECT_EQ(ending.at - asked, 5030ms);
    });
  }
}

TEST(Host, RefuseTurnsAwayConnectionsUntilToldOtherwise) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    co_await s.behave("refuse");
    for (int i = 0; i < 2; ++i) {
      bool refused = false;
      try {
        auto link = co_await s.dialer->dial();
      } catch (const LinkError& error) {
        refused = error.kind == LinkError::refused;
      }
      EXPECT_TRUE(refused);
      co_await s.clock.sleep_for(1s);
    }
    co_await s.behave("normal");
    auto ending = co_await s.send(s.till.sale(2, 100));
    EXPECT_EQ(outcome(ending), "00");
    // within one instant
    co_await s.control->write(bytes_of("{\"behave\":\"refuse\"}\n{\"behave\":\"normal\"}\n"));
    co_await s.clock.sleep_for(1ms);
    auto again = co_await s.send(s.till.sale(3, 100));
    EXPECT_EQ(outcome(again), "00");
  });
}

const std::string kNoCommands[] = {"", "nonsense", "[]", "{}", "{\"behave\":1}", "{\"behave\":\"angry\"}",
                                   "{\"behave\":\"slow\",\"lasts_ms\":-1}", "{\"behave\":\"slow\",\"lasts_ms\":1.5}",
                                   "{\"behave\":\"slow\",\"lasts_ms\":\"1\"}", "{\"behave\":\"slow\",\"for\":1}",
                                   "{\"ledger\":\"closed\"}", "{\"ledger\":\"open\",\"x\":1}", std::string(2000, '['),
                                   std::string(9000, 'x'), "{\"behave\":\"normal\"} x", std::string("\0\xFF\x80", 3)};

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

// --- conservation ----------------------------------------------------------------------------------------------

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
