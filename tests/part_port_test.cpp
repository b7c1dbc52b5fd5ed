// The contact port's driver against a far end written by hand, and against the terminal's own port.
#include "drivers/part_port.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "fixtures/contact_port.hpp"
#include "fixtures/pipe.hpp"
#include "fixtures/terminal_parts.hpp"
#include "fixtures/virtual_clock.hpp"
#include "rig/bytes.hpp"

namespace swiperig {
namespace {

using testing::HasSubstr;

class PartPorts : public testing::Test {
 protected:
  /// Runs `script` beside the driver, and what the far end says at once and to each line.
  void run(std::string at_once, std::function<std::string(const std::string&)> answer, std::function<Task<>()> script) {
    clock.run(all(std::move(at_once), std::move(answer), std::move(script)));
  }
  Task<> all(std::string at_once, std::function<std::string(const std::string&)> answer,
             std::function<Task<>()> script) {
    Crew crew(clock);
    crew.start(port.serve());
    crew.start(serve(std::move(at_once), std::move(answer)));
    co_await script();
    port.close();
    co_await crew.join();
  }
  Task<> serve(std::string at_once, std::function<std::string(const std::string&)> answer) {
    std::array<std::uint8_t, 256> chunk;
    try {
      if (!at_once.empty()) co_await far->write(bytes_of(at_once));
      for (;;) {
        const std::size_t n = co_await far->read_some(chunk);
        if (n == 0) break;
        const std::string said = answer(std::string(text_of(std::span(chunk).first(n))));
        if (!said.empty()) co_await far->write(bytes_of(said));
      }
    } catch (const LinkError&) {
    }
  }
  Task<> expect_error(PartState state, std::string words) {
    std::string what;
    try {
      co_await port.set(std::move(state));
    } catch (const EquipmentError& e) {
      what = e.what();
    }
    EXPECT_THAT(what, HasSubstr(words));
  }

  VirtualClock clock;
  std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>> ends = make_pipe(clock);
  std::unique_ptr<Link> far = std::move(ends.second);
  PartPort port{clock, std::move(ends.first)};
};

const PartState no_paper{"printer", "out_of_paper"};

TEST_F(PartPorts, ALineIsSaidAndItsRepetitionAwaited) {
  std::string heard;
  const auto echo = [&](const std::string& line) {
    heard += line;
    // members in another order say the same
    return line.find("keypad") == line.npos
               ? line
               : std::string("{\"part\":{\"which\":\"OK\",\"state\":\"dead\",\"part\":\"keypad\"}}\n");
  };
  run("{\"draw\":{\"ma\":5}}\n", echo, [&]() -> Task<> {
    co_await port.set(no_paper);
    PartState key{"keypad", "dead", "OK"};
    co_await port.set(std::move(key));
  });
  EXPECT_EQ(heard,
            "{\"part\":{\"part\":\"printer\",\"state\":\"out_of_paper\"}}\n"
            "{\"part\":{\"part\":\"keypad\",\"state\":\"dead\",\"which\":\"OK\"}}\n");
}

TEST_F(PartPorts, UsbIsSeen) {
  run(
      "{\"usb\":\"up\"}\n{\"usb\":\"down\"}\n", [](const std::string&) { return std::string(); },
      [&]() -> Task<> {
        for (const bool up : {true, false}) {
          Seen seen = co_await port.next();
          EXPECT_EQ(std::get<Presence>(seen.body).what, "usb");
          EXPECT_EQ(std::get<Presence>(seen.body).up, up);
        }
      });
}

TEST_F(PartPorts, ARefusalIsAnErrorAndTheNextOneMayStillBeDone) {
  int lines = 0;
  const auto once = [&](const std::string& line) {
    return ++lines == 1 ? std::string("{\"error\":\"expected a state of the printer\",\"malformed\":1}\n") : line;
  };
  run("", once, [&]() -> Task<> {
    co_await expect_error(no_paper, "expected a state of the printer");
    co_await port.set(no_paper);
  });
}

TEST(PartPortFaults, SilenceAndNonsenseBreakTheLinkForGood) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "no answer within 5 s"},
      {"{\"part\":{\"part\":\"printer\",\"state\":\"cover_open\"}}\n", "not the answer to what was asked"},
      {"hello\n", "not a JSON object"},
      {"{}\n", "not a JSON object"}};
  for (const auto& [said, words] : cases) {
    VirtualClock fresh;
    auto pipe = make_pipe(fresh);
    PartPort one(fresh, std::move(pipe.first));
    const auto play = [&]() -> Task<> {
      Crew crew(fresh);
      crew.start(one.serve());
      const std::string line = said;
      if (!line.empty()) {
        crew.start([](Link& link, std::string text) -> Task<> {
          std::array<std::uint8_t, 256> chunk;
          co_await link.read_some(chunk);
          co_await link.write(bytes_of(text));
        }(*pipe.second, line));
      }
      for (int i = 0; i < 2; ++i) {
        std::string what;
        try {
          co_await one.set(no_paper);
        } catch (const EquipmentError& e) {
          what = e.what();
        }
        EXPECT_THAT(what, HasSubstr(words)) << said;
      }
      one.close();
      co_await crew.join();
    };
    fresh.run(play());
  }
}

TEST(PartPortFaults, AnAnswerNobodyAskedForAndAnEndlessLineAreFaults) {
  for (const std::string& said :
       {std::string("{\"part\":{\"part\":\"printer\",\"state\":\"sound\"}}\n"), std::string(5000, 'x')}) {
    VirtualClock fresh;
    auto pipe = make_pipe(fresh);
    PartPort one(fresh, std::move(pipe.first));
    const auto play = [&]() -> Task<> {
      Crew crew(fresh);
      crew.start(one.serve());
      try {
        co_await pipe.second->write(bytes_of(said));
      } catch (const LinkError&) {
      }
      bool failed = false;
      try {
        co_await one.next();
      } catch (const EquipmentError&) {
        failed = true;
      }
      EXPECT_TRUE(failed);
      one.close();
      co_await crew.join();
    };
    fresh.run(play());
  }
}

/// A terminal with parts behind the real port.
struct WithParts final : Contact {
  void rail(RailLine) override {}
  void head(const HeadSignal&) override {}
  void key(std::string_view) override {}
  std::string part(const PartState& state) override { return parts.set(state); }
  TerminalParts parts;
};

TEST(ContactPortParts, ThePortPutsPartsIntoStatesAndSaysWhetherTheTerminalIsThere) {
  VirtualClock clock;
  PipeHub hub(clock);
  WithParts terminal_with;
  auto place = hub.listen("parts");
  auto dial = hub.dialer("parts");
  ContactPort served(clock, *place, terminal_with);
  const auto play = [&]() -> Task<> {
    Crew crew(clock);
    crew.start(served.run());
    served.usb(true);
    auto link = co_await dial->dial();
    PartPort driver(clock, std::move(link));
    crew.start(driver.serve());
    Seen seen = co_await driver.next();
    EXPECT_TRUE(std::get<Presence>(seen.body).up);
    co_await driver.set(no_paper);
    EXPECT_TRUE(terminal_with.parts.is("printer", "out_of_paper"));
    std::string refused;
    try {
      PartState odd{"printer", "on_fire"};
      co_await driver.set(std::move(odd));
    } catch (const EquipmentError& e) {
      refused = e.what();
    }
    EXPECT_THAT(refused, HasSubstr("a state of the printer"));
    PartState all{"all", "sound"};
    co_await driver.set(std::move(all));
    EXPECT_TRUE(terminal_with.parts.sound());
    driver.close();
    served.stop();
    co_await crew.join();
  };
  clock.run(play());
}

TEST(ContactPortParts, MalformedPartsAreAnsweredAndWithoutEffect) {
  for (const char* line :
       {R"({"part":"printer"})", R"({"part":{}})", R"({"part":{"part":"printer"}})", R"({"part":{"state":"dead"}})",
        R"({"part":{"part":1,"state":"dead"}})", R"({"part":{"part":"a b","state":"dead"}})",
        R"({"part":{"part":"keypad","state":"dead","which":""}})",
        R"({"part":{"part":"keypad","state":"dead","more":"x"}})", R"({"usb":"up"})", R"({"usb":1})"}) {
    const std::string answers = [&] {
      VirtualClock own;
      PipeHub own_hub(own);
      auto place = own_hub.listen("c");
      auto dial = own_hub.dialer("c");
      WithParts one;
      ContactPort served(own, *place, one);
      std::string heard;
      own.run([](Clock& clock_, ContactPort& p, Dialer& d, std::string text, std::string& out) -> Task<> {
        Crew crew(clock_);
        crew.start(p.run());
        auto link = co_await d.dial();
        co_await link->write(bytes_of(text));
        std::array<std::uint8_t, 512> chunk;
        while (out.find("error") == out.npos) {
          const std::size_t n = co_await link->read_some(chunk);
          if (n == 0) break;
          out += text_of(std::span(chunk).first(n));
        }
        link->close(Close::fin);
        p.stop();
        co_await crew.join();
      }(own, served, *dial, std::string(line) + "\n", heard));
      EXPECT_TRUE(one.parts.sound()) << line;
      return heard;
    }();
    EXPECT_THAT(answers, HasSubstr("\"error\":\"expected")) << line;
  }
}

}  // namespace
}  // namespace swiperig
