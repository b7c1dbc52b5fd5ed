#include "drivers/terminal_ecr.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <string>

#include "fixtures/pipe.hpp"
#include "fixtures/virtual_clock.hpp"
#include "rig/crew.hpp"

namespace swiperig {
namespace {

const std::vector<TextRule> kRules = {
    {"screen", "READY", "idle"},
    {"screen", "SWIPE CARD", "card_wanted"},
    {"ecr", "E|CARD|{pan}|{entry}", "card_read"},
    {"screen", "READ ERROR*", "read_error"},
    {"ecr", "R|SALE|{batch}|{stan}|{outcome}|{code}|{amount}", "told"},
    {"ecr", "R|SETTLE|{batch}|{outcome}|{count}|{amount}", "settled"},
    {"ecr", "E|BOOT|{application}", "booted"},
};

/// A frame with its check value counted the long way.
std::string framed(std::string_view data) {
  std::string out = "\x02";
  out += data;
  out += '\x03';
  unsigned lrc = 0;
  for (std::size_t i = 1; i < out.size(); ++i) lrc ^= static_cast<unsigned char>(out[i]);
  return out + static_cast<char>(lrc);
}

struct Desk {
  VirtualClock clock;
  std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>> pipe = make_pipe(clock);
  TerminalEcr driver{clock, std::move(pipe.first), kRules};
  std::unique_ptr<Link> terminal = std::move(pipe.second);
  std::string from_driver;

  Task<> listen() {
    std::array<std::uint8_t, 64> chunk;
    try {
      for (;;) {
        const std::size_t n = co_await terminal->read_some(chunk);
        if (n == 0) break;
        from_driver += text_of(BytesView(chunk).first(n));
        if (answer && from_driver.ends_with(framed("J?"))) {
          const std::string reply = answer();
          co_await terminal->write(bytes_of(reply));
        }
      }
    } catch (const LinkError&) {
    }
  }
  Task<> say(std::string bytes) { co_await terminal->write(bytes_of(bytes)); }
  /// What next() gives, in words.
  Task<std::vector<std::string>> seen(std::size_t count) {
    std::vector<std::string> out;
    while (out.size() < count) {
      const Seen s = co_await driver.next();
      if (const auto* text = std::get_if<Text>(&s.body)) {
        out.push_back(text->place + ":" + text->text);
      } else {
        const auto& milestone = std::get<Milestone>(s.body);
        std::string line = "!" + milestone.name;
        for (const auto& [name, value] : milestone.fields) line += " " + name + "=" + value;
        out.push_back(line);
      }
    }
    co_return out;
  }
  void run(Task<> scenario) {
    clock.run([](Desk& desk, Task<> play) -> Task<> {
      Crew crew(desk.clock);
      crew.start(desk.driver.serve());
      crew.start(desk.listen());
      std::exception_ptr failure;
      try {
        co_await std::move(play);
      } catch (...) {
        failure = std::current_exception();
      }
      co_await desk.clock.sleep_for(std::chrono::milliseconds(1));  // what is under way arrives
      desk.driver.close();
      desk.terminal->close(Close::fin);
      co_await crew.join();
      if (failure) std::rethrow_exception(failure);
    }(*this, std::move(scenario)));
  }
  std::function<std::string()> answer;
};

using Lines = std::vector<std::string>;

TEST(TerminalEcr, PublishedFrameIsUnderstood) {
  Desk desk;
  desk.run([](Desk& d) -> Task<> {
    // the register protocol's own example, LRC 31
    const std::string example(
        "\x02"
        "0200|123|"
        "\x03\x31",
        12);
    co_await d.say(example);
    const Lines lines = co_await d.seen(1);
    EXPECT_EQ(lines, Lines{"ecr:0200|123|"});
  }(desk));
  EXPECT_EQ(desk.from_driver, "");
}

TEST(TerminalEcr, TextsBecomeTextsAndMilestones) {
  Desk desk;
  desk.run([](Desk& d) -> Task<> {
    co_await d.say(framed("E|BOOT|9.1") + framed("S|READY") + framed("S|SWIPE CARD") +
                   framed("E|CARD|621234******1265|02") + framed("P|AMOUNT 51.00") +
                   framed("S|READ ERROR - SWIPE AGAIN") + framed("R|SALE|000042|000002|APPROVED|00|5100") +
                   framed("R|SETTLE|000042|AGREED|1|5100"));
    const Lines lines = co_await d.seen(15);
    const Lines expected = {"ecr:E|BOOT|9.1",
                            "!booted application=9.1",
                            "screen:READY",
                            "!idle",
                            "screen:SWIPE CARD",
                            "!card_wanted",
                            "ecr:E|CARD|621234******1265|02",
                            "!card_read pan=621234******1265 entry=02",
                            "receipt:AMOUNT 51.00",
                            "screen:READ ERROR - SWIPE AGAIN",
                            "!read_error",
                            "ecr:R|SALE|000042|000002|APPROVED|00|5100",
                            "!told batch=000042 stan=000002 outcome=APPROVED code=00 amount=5100",
                            "ecr:R|SETTLE|000042|AGREED|1|5100",
                            "!settled batch=000042 outcome=AGREED count=1 amount=5100"};
    EXPECT_EQ(lines, expected);
  }(desk));
  EXPECT_EQ(desk.from_driver, "\x06\x06");
}

TEST(TerminalEcr, PlaceDecidesWhichRulesApply) {
  Desk desk;
  desk.run([](Desk& d) -> Task<> {
    co_await d.say(framed("P|READY") + framed("READY") + framed("S|E|BOOT|1"));
    const Lines lines = co_await d.seen(3);
    EXPECT_EQ(lines, (Lines{"receipt:READY", "ecr:READY", "screen:E|BOOT|1"}));
  }(desk));
}

TEST(TerminalEcr, CardNumbersAndStrangeBytesNeverComeThrough) {
  Desk desk;
  desk.run([](Desk& d) -> Task<> {
    co_await d.say(framed("S|CARD 6212345678901265") + framed("P|\x01\xC3\xA9\xC3\xFF\xED\xA0\x80\x7F\xC2\x85"));
    const Lines lines = co_await d.seen(2);
    EXPECT_EQ(lines[0], "screen:CARD 621234******1265");
    EXPECT_EQ(lines[1], "receipt:\\x01\xC3\xA9\\xC3\\xFF\\xED\\xA0\\x80\\x7F\\xC2\\x85");
  }(desk));
}

TEST(TerminalEcr, WrongLrcIsRefusedAndARepeatedResultIsToldOnce) {
  Desk desk;
  desk.run([](Desk& d) -> Task<> {
    std::string broken = framed("R|SALE|000042|000002|APPROVED|00|5100");
    broken[20] = 'x';
    co_await d.say(broken);
    Lines lines = co_await d.seen(1);
    EXPECT_EQ(lines, Lines{"ecr:wrong LRC: 40 bytes"});
    co_await d.clock.sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(d.from_driver, "\x15");
    for (int i = 0; i < 4; ++i) {
      co_await d.say(framed("R|SALE|000042|000002|APPROVED|00|5100"));
      co_await d.clock.sleep_for(std::chrono::seconds(1));
    }
    co_await d.say(framed("R|SALE|000042|000003|APPROVED|00|5100"));
    lines = co_await d.seen(4);
    EXPECT_EQ(lines[0], "ecr:R|SALE|000042|000002|APPROVED|00|5100");
    EXPECT_EQ(lines[2], "ecr:R|SALE|000042|000003|APPROVED|00|5100");
  }(desk));
  EXPECT_EQ(desk.from_driver, "\x15\x06\x06\x06\x06\x06");
}

TEST(TerminalEcr, TheSameWordsMuchLaterAreAnotherResult) {
  Desk desk;
  desk.run([](Desk& d) -> Task<> {
    co_await d.say(framed("R|SETTLE|000042|FAILED|1|5100"));
    co_await d.clock.sleep_for(std::chrono::seconds(30));
    co_await d.say(framed("R|SETTLE|000042|FAILED|1|5100"));
    const Lines lines = co_await d.seen(4);
    EXPECT_EQ(lines[1], lines[3]);
  }(desk));
}

TEST(TerminalEcr, GarbageIsCountedOncePerBurst) {
  Desk desk;
  desk.run([](Desk& d) -> Task<> {
    co_await d.say("noise");
    co_await d.clock.sleep_for(std::chrono::milliseconds(50));
    co_await d.say("more");
    Lines lines = co_await d.seen(1);
    EXPECT_EQ(lines, Lines{"ecr:garbage: 9 bytes"});
    EXPECT_LT(d.clock.now(), Time{} + std::chrono::milliseconds(300));
    // a frame cut off by a power loss, then the next one
    co_await d.say("\x02S|REA" + framed("S|READY"));
    lines = co_await d.seen(3);
    EXPECT_EQ(lines, (Lines{"ecr:garbage: 6 bytes", "screen:READY", "!idle"}));
    // one frame of the largest size, and one over it
    co_await d.say(framed("S|" + std::string(1022, 'a')));
    lines = co_await d.seen(1);
    EXPECT_EQ(lines[0].size(), 7 + 1022U);
    co_await d.say(framed("S|" + std::string(1023, 'a')));
    lines = co_await d.seen(1);
    EXPECT_EQ(lines, Lines{"ecr:garbage: 1028 bytes"});
  }(desk));
}

TEST(TerminalEcr, JournalIsReadRowByRow) {
  Desk desk;
  desk.answer = [] {
    return framed("J|000042|000002|sale|5100|approved") + framed("S|READY") +
           framed("J|000042|000003|sale|700|pending") + framed("J.|2");
  };
  desk.run([](Desk& d) -> Task<> {
    const auto rows = co_await d.driver.entries();
    EXPECT_EQ(rows.size(), 2U);
    if (rows.size() != 2) co_return;
    EXPECT_EQ(rows[0].batch + rows[0].stan + rows[0].kind + rows[0].state, "000042000002saleapproved");
    EXPECT_EQ(rows[0].amount_minor, 5100);
    EXPECT_EQ(rows[1].state, "pending");
    const Lines lines = co_await d.seen(2);  // the rows are no texts, what came between them is
    EXPECT_EQ(lines, (Lines{"screen:READY", "!idle"}));
  }(desk));
}

template <class Error>
Task<> expect_error(Desk& d, std::string part) {
  std::string what = "no such error";
  try {
    co_await d.driver.entries();
  } catch (const Error& e) {
    what = e.what();
  }
  EXPECT_NE(what.find(part), std::string::npos) << what;
}

TEST(TerminalEcr, AJournalThatDoesNotComeOrDoesNotAddUpIsNoAnswer) {
  Desk silent;
  silent.run([](Desk& d) -> Task<> {
    co_await expect_error<NoAnswer>(d, "terminal did not tell its journal");
    EXPECT_EQ(d.clock.now(), Time{} + std::chrono::seconds(5));
  }(silent));
  Desk wrong;
  wrong.answer = [] { return framed("J|000042|000002|sale|5100|approved") + framed("J.|2"); };
  wrong.run(expect_error<NoAnswer>(wrong, "told 1 journal rows and counted 2"));
  Desk odd;
  odd.answer = [] { return framed("J|000042|000002|sale|much|approved") + framed("J.|1"); };
  odd.run(expect_error<NoAnswer>(odd, "no amount"));
}

TEST(TerminalEcr, AClosedLinkEndsNextAndALostOneIsAFault) {
  Desk closed;
  closed.run([](Desk& d) -> Task<> {
    d.driver.close();
    bool ended = false;
    try {
      co_await d.driver.next();
    } catch (const LinkError& e) {
      ended = e.kind == LinkError::closed;
    }
    EXPECT_TRUE(ended);
  }(closed));
  Desk lost;
  lost.run([](Desk& d) -> Task<> {
    co_await d.say(framed("S|READY"));
    d.terminal->close(Close::fin);
    const Lines lines = co_await d.seen(2);  // what was said before still counts
    EXPECT_EQ(lines.back(), "!idle");
    bool fault = false;
    try {
      co_await d.driver.next();
    } catch (const EquipmentError&) {
      fault = true;
    }
    EXPECT_TRUE(fault);
    co_await expect_error<EquipmentError>(d, "gone");
  }(lost));
}

TEST(TerminalEcr, AnyBytesAreSafe) {
  Desk desk;
  desk.run([](Desk& d) -> Task<> {
    std::uint32_t state = 1;
    for (int round = 0; round < 300; ++round) {
      std::string bytes;
      for (int i = 0; i < 100; ++i) {
        state = state * 1664525 + 1013904223;
        constexpr std::string_view likely = "\x02\x03\x06\x15RSPEJ|.?{}*";
        const std::uint32_t pick = state >> 24;
        bytes.push_back(pick < 128 ? likely[pick % likely.size()] : static_cast<char>(pick));
      }
      co_await d.say(bytes);
    }
    co_await d.say("\x02\x03\x03" + framed("S|READY"));
    std::string last;
    while (last != "!idle") {
      const Lines lines = co_await d.seen(1);
      last = lines[0];
    }
  }(desk));
}

/// Takes no byte until it is closed, as a terminal that never reads once its buffer is full.
struct Deaf final : Link {
  Deaf(Clock& c, std::unique_ptr<Link> l) : clock(c), link(std::move(l)) {}
  Task<std::size_t> read_some(std::span<std::uint8_t> into) override { return link->read_some(into); }
  Task<> write(std::span<const std::uint8_t>) override {
    while (!closed) co_await clock.wait(bell, never);
    throw LinkError(LinkError::closed, "closed here while writing");
  }
  void close(Close how) override {
    closed = true;
    bell.ring();
    link->close(how);
  }
  Clock& clock;
  std::unique_ptr<Link> link;
  Bell bell;
  bool closed = false;
};

TEST(TerminalEcr, ATerminalThatTakesNothingDoesNotTellItsJournal) {
  for (const bool acknowledging : {false, true}) {
    VirtualClock clock;
    auto [near, far] = make_pipe(clock);
    TerminalEcr driver(clock, std::make_unique<Deaf>(clock, std::move(near)), kRules);
    std::string why;
    clock.run([](Clock& c, TerminalEcr& ecr, Link& terminal, bool first, std::string& told) -> Task<> {
      Crew crew(c);
      crew.start(ecr.serve());
      const std::string result = framed("R|X");
      if (first) co_await terminal.write(bytes_of(result));
      co_await c.sleep_for(std::chrono::milliseconds(1));
      try {
        auto rows = co_await ecr.entries();
      } catch (const NoAnswer& e) {
        told = e.what();
      }
      ecr.close();
      co_await crew.join();  // comes to an end
    }(clock, driver, *far, acknowledging, why));
    EXPECT_EQ(why, "the terminal did not tell its journal");
    EXPECT_LT(clock.now(), Time(std::chrono::seconds(6)));
  }
}

}  // namespace
}  // namespace swiperig
