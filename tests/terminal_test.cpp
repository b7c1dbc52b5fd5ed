// What the simulated terminal does when nobody disturbs it, and at its reader, keypad, rail and register.
#include "tests/terminal_rig.hpp"

namespace swiperig::terminal_rig {
namespace {

Time at_ms(std::int64_t ms) { return Time{} + milliseconds(ms); }

TEST(Terminal, BootsFromTheRailAndTellsItsCurrent) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    co_await r.clock.sleep_for(seconds(1));
    r.terminal.rail({0, 1'000'000});  // reaches 4.5 V after 4.5 ms
    co_await r.clock.sleep_for(milliseconds(5));
    r.terminal.rail({5000, 0});
    co_await r.reg.wait_for("S|READY");
    EXPECT_EQ(r.reg.said.size(), 2U);
    EXPECT_EQ(r.reg.said[0].text, "E|BOOT|fixture 1.0");
    EXPECT_GE(r.clock.now(), at_ms(2504));
    EXPECT_LE(r.clock.now(), at_ms(2505));
    co_await r.sale("5 1 0 0");
    r.cut();
    Texts draws;
    for (const auto& [_, ma] : r.draws) draws.push_back(std::to_string(ma));
    EXPECT_EQ(draws, (Texts{"350", "150", "400", "150", "0"}));
  }(rig));
  TestRig low;
  low.run([](TestRig& r) -> Task<> {
    r.terminal.rail({4400, 0});
    co_await r.clock.sleep_for(seconds(60));
    EXPECT_TRUE(r.reg.said.empty());
    EXPECT_TRUE(r.draws.empty());
  }(low));
}

TEST(Terminal, DiesExactlyWhenTheRailCrossesBrownOut) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    co_await r.boot();
    const Time off = r.clock.now();
    r.terminal.rail({5000, -212'500});  // 1.7 V in 8 ms
    co_await r.clock.sleep_for(seconds(1));
    EXPECT_EQ(r.draws.back().second, 0);
    EXPECT_EQ(r.draws.back().first, off + milliseconds(8));
    // a dip that does not reach the level is survived
    co_await r.boot();
    const std::size_t said = r.reg.said.size();
    r.terminal.rail({5000, -200'000});
    co_await r.clock.sleep_for(milliseconds(8));
    r.terminal.rail({3400, 0});
    co_await r.clock.sleep_for(seconds(5));
    EXPECT_EQ(r.reg.said.size(), said);
    EXPECT_EQ(r.draws.back().second, 150);
  }(rig));
}

TEST(Terminal, GoodSaleSendsThePublishedBytesBooksAndTells) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    co_await r.boot();
    const std::string result = co_await r.sale("5 1 0 0");
    EXPECT_EQ(result, "R|SALE|000042|000002|APPROVED|00|5100");
    EXPECT_EQ(r.peer.mtis(), (Texts{"0800", "0200"}));
    if (r.peer.heard.size() != 2) co_return;
    // vectors/iso8583_unionpay.json: "sign-in request", "sale request no PIN"
    EXPECT_EQ(to_hex(r.peer.heard[0].frame),
              "003C600003000060310031100008000020000000C000120000013939393030303031393939303030303030303030303031"
              "00110000000100300003303031");
    EXPECT_EQ(to_hex(r.peer.heard[1].frame),
              "0062600003000060310031100002003020048020C08011000000000000005100000002022000376212345678901265D301"
              "250100000000000000393939303030303139393930303030303030303030303131353600122200004200053541443630414331");
    EXPECT_EQ(r.peer.ends, (Texts{"fin", "fin"}));
    EXPECT_EQ(r.reg.count("E|CARD|621234******1265|02"), 1);
    EXPECT_EQ(r.reg.count("S|APPROVED"), 1);
    EXPECT_GE(r.reg.count("P|"), 4);
    for (const auto& said : r.reg.said) EXPECT_EQ(said.text.find("6212345678901265"), said.text.npos);
    const Texts journal = co_await r.reg.journal();
    EXPECT_EQ(journal, Texts{"000042|000002|sale|5100|approved"});
    // the next one needs no logon, and the journal outlives the power
    const std::string second = co_await r.sale("7 0 0");
    EXPECT_EQ(second, "R|SALE|000042|000003|APPROVED|00|700");
    co_await r.power_cycle();
    const Texts after = co_await r.reg.journal();
    EXPECT_EQ(after, (Texts{"000042|000002|sale|5100|approved", "000042|000003|sale|700|approved"}));
    EXPECT_EQ(r.peer.all("0400").size(), 0U);
  }(rig));
}

TEST(Terminal, DeclinedSaleLeavesNoDoubt) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    r.peer.sale_code = "51";
    co_await r.boot();
    const std::string result = co_await r.sale("5 1 0 0");
    EXPECT_EQ(result, "R|SALE|000042|000002|DECLINED|51|5100");
    const Texts journal = co_await r.reg.journal();
    EXPECT_TRUE(journal.empty());
    EXPECT_EQ(r.reg.count("P|"), 0);
    r.peer.sale_code = "00";
    co_await r.sale("1");
    EXPECT_EQ(r.peer.mtis(), (Texts{"0800", "0200", "0200"}));
  }(rig));
}

TEST(Terminal, ASignInCodeMakesItLogOnAgain) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    co_await r.boot();
    r.peer.sale_code = "A0";
    co_await r.sale("1");
    r.peer.sale_code = "00";
    co_await r.sale("2");
    EXPECT_EQ(r.peer.mtis(), (Texts{"0800", "0200", "0800", "0200"}));
    // or the host asks for it in the header of a good answer
    r.peer.edit = [](Message& a) {
      if (a.mti() == "0210") a.set_header({0x60, 0x31, 0x03, 0x31, 0x10, 0x00});
    };
    co_await r.sale("3");
    co_await r.sale("4");
    EXPECT_EQ(r.peer.mtis(), (Texts{"0800", "0200", "0800", "0200", "0200", "0800", "0200"}));
    EXPECT_EQ(r.peer.charged.size(), 3U);
  }(rig));
}

TEST(Terminal, AWrongKeyCheckValueRefusesTheLogon) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    r.peer.wrong_check_value = true;
    co_await r.boot();
    std::string result = co_await r.sale("1");
    EXPECT_EQ(result, "R|SALE|000001|000002|FAILED||1");
    EXPECT_EQ(r.reg.count("S|LOGON FAILED"), 1);
    EXPECT_EQ(r.peer.mtis(), Texts{"0800"});
    r.peer.wrong_check_value = false;
    result = co_await r.sale("1");
    EXPECT_EQ(result, "R|SALE|000042|000004|APPROVED|00|1");
  }(rig));
}

TEST(Terminal, NoConnectionMeansNoSaleAndNoDoubt) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    co_await r.boot();
    co_await r.sale("1");
    r.listener->close();
    const std::string result = co_await r.sale("2");
    EXPECT_EQ(result, "R|SALE|000042|000003|FAILED||2");
    const Texts journal = co_await r.reg.journal();
    EXPECT_EQ(journal, Texts{"000042|000002|sale|1|approved"});
  }(rig));
}

// the switch in the slot: a card that gives no signal gets a hint too (DOMAIN.md 1.7, 3.3 2)
TEST(Terminal, PlasticAndTwoCardsInOneAreReadErrors) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    co_await r.boot();
    r.terminal.pass(Surface::cleaning);  // nobody asked for a card: the head is wiped, no more
    r.keys("5 OK");
    co_await r.reg.wait_for("S|SWIPE CARD");
    EXPECT_EQ(r.reg.count("S|READ ERROR"), 0);
    r.terminal.pass(Surface::plastic);
    std::string prompt = co_await r.reg.wait_for("S|", seconds(1));
    EXPECT_EQ(prompt, "S|READ ERROR - SWIPE AGAIN");
    HeadSignal two = swipe_of(kTrack2);
    std::vector<std::uint8_t> bits(60, 0);
    for (const auto bit : encode_track(1, "%B6212345678901232^TEST/CARD^30125010000000000?")) bits.push_back(bit);
    bits.insert(bits.end(), 60, 0);
    TrackSignal& track1 = two.emplace_back();
    track1.track = 1;
    track1.t_ns = crossing_times_ns(transitions(bits, kTrack1BitsPerInch), 500, 0);
    r.terminal.head(two);
    prompt = co_await r.reg.wait_for("S|", seconds(1));
    EXPECT_EQ(prompt, "S|READ ERROR - SWIPE AGAIN");
    two[1].t_ns.clear();  // without the other track 1 it is a card
    r.terminal.head(two);
    const std::string result = co_await r.reg.wait_for("R|SALE", seconds(300));
    EXPECT_EQ(result, "R|SALE|000042|000002|APPROVED|00|5");
  }(rig));
}

TEST(Terminal, CardsThatCannotBeReadAreAskedForThreeTimes) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    co_await r.boot();
    r.keys("5 OK");
    co_await r.reg.wait_for("S|SWIPE CARD");
    r.terminal.head({});  // bare plastic: nothing at all
    r.terminal.head({TrackSignal{2, {}}});
    co_await r.clock.sleep_for(seconds(5));
    EXPECT_EQ(r.reg.said.back().text, "S|SWIPE CARD");
    r.terminal.head(worn_swipe());
    std::string prompt = co_await r.reg.wait_for("S|", seconds(1));
    EXPECT_EQ(prompt, "S|READ ERROR - SWIPE AGAIN");
    r.terminal.head(swipe_of(";6212345678901264=30125010000000000000?"));  // reads, but Luhn says no
    prompt = co_await r.reg.wait_for("S|", seconds(1));
    EXPECT_EQ(prompt, "S|READ ERROR - SWIPE AGAIN");
    r.terminal.head(swipe_of(kTrack2, true));  // this reader reads one way only
    prompt = co_await r.reg.wait_for("S|READY", seconds(1));
    EXPECT_EQ(prompt, "S|READY");
    EXPECT_EQ(r.reg.count("S|READ ERROR"), 3);
    EXPECT_TRUE(r.peer.heard.empty());
    const std::string result = co_await r.sale("5");
    EXPECT_EQ(result, "R|SALE|000042|000002|APPROVED|00|5");
  }(rig));
}

TEST(Terminal, ABidirectionalReaderReadsBackwards) {
  TerminalSettings settings = test_settings();
  settings.profile.bidirectional_reader = true;
  TestRig rig(settings);
  rig.run([](TestRig& r) -> Task<> {
    co_await r.boot();
    r.keys("5 OK");
    co_await r.reg.wait_for("S|SWIPE CARD");
    r.terminal.head(swipe_of(kTrack2, true));
    const std::string result = co_await r.reg.wait_for("R|SALE");
    EXPECT_EQ(result, "R|SALE|000042|000002|APPROVED|00|5");
  }(rig));
}

TEST(Terminal, AChipCardIsSentToTheSlot) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    co_await r.boot();
    r.keys("5 OK");
    co_await r.reg.wait_for("S|SWIPE CARD");
    r.terminal.head(swipe_of(";6212345678901265=30122010000000000000?"));
    std::string screen = co_await r.reg.wait_for("S|", seconds(1));
    EXPECT_EQ(screen, "S|USE CHIP");
    screen = co_await r.reg.wait_for("S|", seconds(5));
    EXPECT_EQ(screen, "S|READY");
    EXPECT_TRUE(r.peer.heard.empty());
  }(rig));
}

TEST(Terminal, CancelPatienceAndAmountsOfNothingLeadBackToReady) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    co_await r.boot();
    r.keys("0 0 OK");
    co_await r.clock.sleep_for(seconds(2));
    EXPECT_EQ(r.reg.count("S|SWIPE CARD"), 0);
    r.terminal.head(swipe_of(kTrack2));  // nobody asked
    r.keys("7 OK");
    co_await r.reg.wait_for("S|SWIPE CARD");
    r.keys("CANCEL");
    std::string screen = co_await r.reg.wait_for("S|", seconds(1));
    EXPECT_EQ(screen, "S|READY");
    r.keys("7 OK");
    co_await r.reg.wait_for("S|SWIPE CARD");
    const Time asked = r.clock.now();
    screen = co_await r.reg.wait_for("S|");
    EXPECT_EQ(screen, "S|READY");
    EXPECT_EQ(r.clock.now(), asked + seconds(60));
    EXPECT_TRUE(r.peer.heard.empty());
  }(rig));
}

TEST(Terminal, AResultIsRepeatedUntilAcknowledgedAndNothingWaitsForIt) {
  TestRig deaf;
  deaf.run([](TestRig& r) -> Task<> {
    r.reg.acknowledges = false;
    co_await r.boot();
    co_await r.present("5");
    co_await r.reg.wait_for("R|SALE");
    const Time told = r.clock.now();
    co_await r.reg.wait_for("S|READY");
    EXPECT_EQ(r.clock.now(), told + seconds(1));
    co_await r.clock.sleep_for(seconds(20));
    EXPECT_EQ(r.reg.count("R|SALE"), 4);
  }(deaf));
  TestRig picky;
  picky.run([](TestRig& r) -> Task<> {
    r.reg.naks = 2;
    co_await r.boot();
    co_await r.present("5");
    co_await r.reg.wait_for("R|SALE");
    const Time told = r.clock.now();
    co_await r.clock.sleep_for(milliseconds(10));
    EXPECT_EQ(r.reg.count("R|SALE"), 3);
    EXPECT_EQ(r.reg.said.back().at, told);
    co_await r.clock.sleep_for(seconds(20));
    EXPECT_EQ(r.reg.count("R|SALE"), 3);
  }(picky));
  TestRig gone;  // the register's cable is pulled: the sale does not care
  gone.run([](TestRig& r) -> Task<> {
    co_await r.boot();
    co_await r.present("5");
    r.reg.close();
    co_await r.clock.sleep_for(seconds(10));
    EXPECT_EQ(r.peer.charged.size(), 1U);
    r.terminal.key("6");
    r.terminal.key("OK");
    co_await r.clock.sleep_for(seconds(1));
    r.terminal.head(swipe_of(kTrack2));
    co_await r.clock.sleep_for(seconds(10));
    EXPECT_EQ(r.peer.charged.size(), 2U);
  }(gone));
}

TEST(Terminal, TheJournalIsToldOnlyByALivingTerminal) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    Texts journal = co_await r.reg.journal();
    EXPECT_EQ(journal, Texts{"silent"});
    co_await r.boot();
    journal = co_await r.reg.journal();
    EXPECT_TRUE(journal.empty());
    co_await r.reg.write("\x02J?\x03\x77");  // wrong LRC
    const std::string answer = co_await r.reg.wait_for("J", seconds(2));
    EXPECT_EQ(answer, "");
  }(rig));
}

TEST(Terminal, SettlementThatAgreesClosesTheBatch) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    co_await r.boot();
    co_await r.sale("5 1 0 0");
    const std::string result = co_await r.settle();
    EXPECT_EQ(result, "R|SETTLE|000042|AGREED|1|5100");
    EXPECT_EQ(r.reg.count("S|SETTLED"), 1);
    EXPECT_EQ(r.peer.mtis(), (Texts{"0800", "0200", "0500", "0320"}));
    if (r.peer.heard.size() != 4) co_return;
    const Message& totals = r.peer.heard[2].message;
    EXPECT_EQ(totals.field(48), "00000000510000100000000000000000000000000000000000000000000000");
    EXPECT_EQ(totals.field(60), "00000042201");
    EXPECT_EQ(r.peer.heard[3].message.field(60), "00000042202");
    const Texts journal = co_await r.reg.journal();
    EXPECT_TRUE(journal.empty());
    r.peer.batch = "000043";
    const std::string next = co_await r.sale("1");
    EXPECT_EQ(next, "R|SALE|000043|000006|APPROVED|00|1");
  }(rig));
}

TEST(Terminal, SettlementThatDiffersUploadsEveryRecord) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    co_await r.boot();
    for (int i = 0; i < 10; ++i) co_await r.sale("5 1 0 0");
    r.peer.charged["999999"] = 1;  // the host knows one more
    const std::string result = co_await r.settle();
    EXPECT_EQ(result, "R|SETTLE|000042|DIFFERED|10|51000");
    const auto uploads = r.peer.all("0320");
    EXPECT_EQ(uploads.size(), 3U);
    if (uploads.size() != 3) co_return;
    EXPECT_EQ(uploads[0]->message.field(48).substr(0, 42), "080000000200006212345678901265000000005100");
    EXPECT_EQ(uploads[0]->message.field(60), "00000042201");
    EXPECT_EQ(uploads[1]->message.field(48).substr(0, 2), "02");
    EXPECT_EQ(uploads[2]->message.field(60), "00000042207");
    EXPECT_EQ(uploads[2]->message.field(48), "0010");
  }(rig));
}

TEST(Terminal, SettlementThatFailsKeepsTheJournal) {
  TestRig rig;
  rig.run([](TestRig& r) -> Task<> {
    co_await r.boot();
    co_await r.sale("5");
    r.peer.totals_flag = "3";
    std::string result = co_await r.settle();
    EXPECT_EQ(result, "R|SETTLE|000042|FAILED|1|5");
    const Texts journal = co_await r.reg.journal();
    EXPECT_EQ(journal.size(), 1U);
    r.peer.totals_flag = "";
    result = co_await r.settle();
    EXPECT_EQ(result, "R|SETTLE|000042|AGREED|1|5");
  }(rig));
}

}  // namespace
}  // namespace swiperig::terminal_rig
