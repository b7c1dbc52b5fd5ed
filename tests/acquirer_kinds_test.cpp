// What the stand-in acquirer answers to kinds that move nothing, and how it asks for a download of parameters.
#include <gtest/gtest.h>

#include "fixtures/acquirer.hpp"
#include "tests/till.hpp"

namespace swiperig {
namespace {

struct Counter {
  Acquirer acquirer{test_settings()};
  Till till;

  Message ask(const Message& request) {
    const Bytes frame = till.frame(request);
    Message whole;
    EXPECT_FALSE(unpack(BytesView(frame).subspan(2), till.settings.profile.framing, whole));
    const Answer answer = acquirer.answer(whole, frame, Time{}, Policy::normal);
    Message reply;
    EXPECT_FALSE(unpack(BytesView(answer.frame).subspan(2), till.settings.profile.framing, reply));
    return reply;
  }
  Message balance(int stan) const {
    Message m = till.sale(stan, 1);
    m.clear(4);
    m.set(3, "310000");
    m.set(60, "01" + till.batch + "0005");
    return m;
  }
  Message status(int stan, const std::string& original) const {
    Message m = till.sale(stan, 1);
    m.clear(4);
    m.set(3, "531000");
    m.set(61, till.batch + original);
    return m;
  }
};

TEST(AcquirerKinds, ABalanceIsWhatIsLeftAndLeavesNoRow) {
  Counter c;
  const Message before = c.ask(c.balance(2));
  EXPECT_EQ(before.field(39), "00");
  ASSERT_EQ(before.field(54).size(), 20U);
  c.ask(c.till.sale(3, 5000));
  const Message after = c.ask(c.balance(4));
  const auto left = [](const Message& m) { return std::stoll(std::string(m.field(54).substr(8))); };
  EXPECT_GE(left(before), left(after));
  EXPECT_EQ(c.acquirer.ledger().rows.size(), 1U);
}

TEST(AcquirerKinds, AStatusQuerySaysWhatBecameOfASale) {
  Counter c;
  c.ask(c.till.sale(2, 5000));
  c.ask(c.till.sale(3, 0));
  EXPECT_EQ(c.ask(c.status(4, "000002")).field(39), "00");
  EXPECT_EQ(c.ask(c.status(5, "000003")).field(39), "12");
  EXPECT_EQ(c.ask(c.status(6, "000099")).field(39), "25");
  c.ask(c.till.reversal(2, 5000));
  EXPECT_EQ(c.ask(c.status(7, "000002")).field(39), "25") << "undone: as if it had never been";
  EXPECT_EQ(c.acquirer.ledger().rows.size(), 2U);
}

TEST(AcquirerKinds, ParametersAreAskedForUntilTheyAreLoaded) {
  Counter c;
  EXPECT_EQ(c.ask(c.till.sale(2, 100)).header()[2] & 0x0F, 0);
  c.acquirer.announce_parameters("VERSION=2;LIMIT=500");
  EXPECT_EQ(c.ask(c.till.sale(3, 100)).header()[2] & 0x0F, 1);
  const Message loaded = c.ask(c.till.logon(4, "360"));
  EXPECT_EQ(loaded.field(39), "00");
  EXPECT_EQ(loaded.field(62), "VERSION=2;LIMIT=500");
  EXPECT_EQ(c.ask(c.till.sale(5, 100)).header()[2] & 0x0F, 0);
}

}  // namespace
}  // namespace swiperig
