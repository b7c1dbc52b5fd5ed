// The shipped profiles of terminals that are known by their register link alone: their bytes become milestones through
// the driver that ships, and what is hostile becomes text that can be shown. And what such a profile may not say.
#include <gmock/gmock.h>

#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "drivers/terminal_ecr.hpp"
#include "fixtures/pipe.hpp"
#include "fixtures/virtual_clock.hpp"
#include "tests/folder.hpp"
#include "tests/fuzz/said_link.hpp"

namespace swiperig {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string profile_path(const char* name) { return (project / "fixtures/terminals" / name).string(); }

std::string hex(std::string_view digits) { return std::string(text_of(from_hex(digits).value_or(Bytes{}))); }

/// Keeps what the driver writes.
class Heard final : public Link {
 public:
  Heard(Clock& clock, std::string said, std::string& written)
      : said_(clock, std::move(said), SaidLink::Pace::at_once), written_(written) {}
  Task<std::size_t> read_some(std::span<std::uint8_t> into) override { return said_.read_some(into); }
  Task<> write(std::span<const std::uint8_t> bytes) override {
    written_ += text_of(bytes);
    co_return;
  }
  void close(Close how) override { said_.close(how); }

 private:
  SaidLink said_;
  std::string& written_;
};

struct Session {
  std::vector<std::string> seen;
  std::string written;
};

/// What a terminal of this profile said, as the bench sees it.
Session session(const TerminalProfile& profile, const std::string& said) {
  Session s;
  VirtualClock clock;
  TerminalEcr driver(clock, std::make_unique<Heard>(clock, said, s.written), profile.rules, profile.link);
  const auto listen = [&]() -> Task<> {
    try {
      for (;;) {
        const Seen one = co_await driver.next();
        if (const auto* text = std::get_if<Text>(&one.body)) s.seen.push_back(text->place + ":" + text->text);
        if (const auto* m = std::get_if<Milestone>(&one.body)) {
          std::string line = "!" + m->name;
          for (const auto& [name, value] : m->fields) line += " " + name + "=" + value;
          s.seen.push_back(line);
        }
      }
    } catch (const EquipmentError&) {  // everything has been said
    }
  };
  const auto all = [&]() -> Task<> {
    Crew crew(clock);
    crew.start(listen());
    crew.start(driver.serve());
    co_await crew.join();
  };
  clock.run(all());
  return s;
}

TEST(EcrProfile, TheGenericTerminalsFramesBecomeMilestones) {
  const TerminalProfile p = read_terminal_profile(profile_path("ecr_link.toml"));
  const auto f = [&](std::string_view data) { return ecr_frame(p.link.framing, data); };
  const std::string result = f("0210|00|99900001|000007|A1B2C3|5100|");
  const Session s = session(p, f("0900|READY") + f("0900|78|INSERT CARD") + "\x01WORKING\x04" + "\x05" +
                                   f("0220|02|CARD|6212345678901266|") + result + result + f("0930|SIGNATURE BYTES") +
                                   f("0910|SALE 51.00 TRACE 000007") + f("0210|51|99900001|000008||700|"));
  EXPECT_THAT(s.seen,
              ElementsAre("screen:READY", "!idle", "screen:78|INSERT CARD", "!card_wanted", "ecr:WORKING",
                          "ecr:0220|02|CARD|621234******1266|", "!card_read entry=02 pan=621234******1266",
                          "ecr:0210|00|99900001|000007|A1B2C3|5100|",
                          "!told terminal=99900001 stan=000007 authorisation=A1B2C3 amount=5100 code=00 kind=sale "
                          "outcome=APPROVED",
                          "ecr:0930|***************", "receipt:SALE 51.00 TRACE 000007", "!printed stan=000007",
                          "ecr:0210|51|99900001|000008||700|",
                          "!told code=51 terminal=99900001 stan=000008 authorisation= amount=700 kind=sale "
                          "outcome=DECLINED"));
  EXPECT_EQ(s.written, std::string(10, '\x06')) << "each frame and the enquiry";
}

TEST(EcrProfile, HostileBytesBecomeTextThatCanBeShown) {
  const TerminalProfile p = read_terminal_profile(profile_path("ecr_link.toml"));
  const auto f = [&](std::string_view data) { return ecr_frame(p.link.framing, data); };
  std::string lying = f("0900|READY");
  lying.back() = static_cast<char>(lying.back() ^ 0x20);
  const std::string nul("0900|A\0B\x1B[2J\xC3\xFF", 14);
  const std::string endless = "\x02" + std::string(5000, '7');
  const Session s = session(p, f(nul) + lying + endless + f("0900|READY"));
  EXPECT_THAT(s.seen, ElementsAre("screen:A\\x00B\\x1B[2J\\xC3\\xFF", "ecr:wrong LRC: 13 bytes",
                                  "ecr:garbage: 5001 bytes", "screen:READY", "!idle"));
  EXPECT_EQ(s.written, "\x06\x15\x06");
}

TEST(EcrProfile, AZvtTerminalsCommandsBecomeMilestones) {
  const TerminalProfile p = read_terminal_profile(profile_path("zvt.toml"));
  const auto f = [&](std::string_view apdu) { return ecr_frame(p.link.framing, hex(apdu)); };
  const Session s = session(p, f("04FF010A") +
                                   f("040F18"
                                     "2700"
                                     "040000000051000B000007"
                                     "22F0F86212345678901265") +
                                   f("040F06"
                                     "276E"
                                     "0B000008") +
                                   f("060F00") + "\x06" + f("800000"));
  EXPECT_THAT(s.seen,
              ElementsAre("screen:status=0A;", "!card_wanted",
                          "ecr:04 0F amount=000000005100; trace=000007; pan=621234EEEEEE1265; result=00;",
                          "!told amount=000000005100 stan=000007 code=00 kind=sale outcome=APPROVED",
                          "ecr:04 0F trace=000008; result=6E;", "!told stan=000008 code=6E kind=sale outcome=DECLINED",
                          "ecr:06 0F", "!idle", "ecr:80 00"));
  const std::string done = "\x06" + f("800000");
  EXPECT_EQ(s.written, done + done + done + done + "\x06");
}

TEST(EcrProfile, ALengthThatLiesCostsWhatComesBeforeTheNextPause) {
  TerminalLink words;
  words.framing.kind = EcrFraming::Kind::length;
  words.acknowledges = TerminalLink::Acknowledges::nothing;
  words.places.clear();
  VirtualClock clock;
  auto ends = make_pipe(clock);
  TerminalEcr driver(clock, std::move(ends.first), {{"ecr", "READY", "idle"}}, words);
  std::vector<std::string> seen;
  const auto listen = [&]() -> Task<> {
    try {
      for (;;) {
        const Seen one = co_await driver.next();
        if (const auto* text = std::get_if<Text>(&one.body)) seen.push_back(text->text);
        if (const auto* m = std::get_if<Milestone>(&one.body)) seen.push_back("!" + m->name);
      }
    } catch (const std::runtime_error&) {
    }
  };
  const auto talk = [&]() -> Task<> {
    const std::string ready = ecr_frame(words.framing, "READY");
    const std::string lying = hex("FFFF") + ready;
    co_await ends.second->write(bytes_of(lying));
    co_await clock.sleep_for(std::chrono::seconds(1));
    co_await ends.second->write(bytes_of(ready));
    co_await clock.sleep_for(std::chrono::seconds(3));
    co_await ends.second->write(bytes_of(ready));
    co_await clock.sleep_for(std::chrono::seconds(1));
    driver.close();
  };
  const auto all = [&]() -> Task<> {
    Crew crew(clock);
    crew.start(driver.serve());
    crew.start(listen());
    crew.start(talk());
    co_await crew.join();
  };
  clock.run(all());
  EXPECT_THAT(seen, ElementsAre("garbage: 9 bytes", "garbage: 7 bytes", "READY", "!idle"));
}

TEST(EcrProfile, WhatAsksNothingHasNoJournalAndTheFixtureTerminalHas) {
  EXPECT_EQ(read_terminal_profile(profile_path("zvt.toml")).link.journal, "");
  EXPECT_EQ(read_terminal_profile(profile_path("zvt.toml")).link.last_result, hex("062003000000"));
  const TerminalLink link = read_terminal_profile(profile_path("fixture.toml")).link;
  EXPECT_EQ(link.journal + link.last_result + link.results, "J?L?R|");
}

/// What is said about the generic profile with one text in place of another.
std::string refusal(const std::string& old_text, const std::string& new_text) {
  const Folder folder;
  const std::string path =
      folder.write("t.toml", replaced(read_text(profile_path("ecr_link.toml")), old_text, new_text));
  try {
    (void)read_terminal_profile(path);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(EcrProfile, WhatAProfileMayNotSay) {
  EXPECT_EQ(refusal("lrc_start = \"00\"", "lrc_start = \"7F\""), "");
  EXPECT_THAT(refusal("lrc_start = \"00\"", "lrc_start = \"7\""), HasSubstr("t.toml:37:13: "));
  EXPECT_THAT(refusal("\"stx_etx_lrc\"", "\"stx\""), HasSubstr("zvt_serial"));
  EXPECT_THAT(refusal("lrc = \"data_etx\"", "lrc = \"etx\""), HasSubstr("stx_data_etx"));
  EXPECT_THAT(refusal("framing = \"stx_etx_lrc\"", "framing = \"length\""), HasSubstr("length_bytes"));
  EXPECT_THAT(refusal("framing = \"stx_etx_lrc\"", "framing = \"lines\""), HasSubstr("lrc")) << "lines have none";
  EXPECT_THAT(refusal("leaves = \"pan\"", "leaves = \"packed_pan\""), HasSubstr("binary"));
  EXPECT_THAT(refusal("bytes = [5]", "bytes = [5, 4]"), HasSubstr("expected"));
  EXPECT_THAT(refusal("code = \"00\", outcome = \"APPROVED\" }\n\n[[says]]                ",
                      "amount = \"1\", outcome = \"APPROVED\" }\n\n[[says]]                "),
              HasSubstr("no field that `match` captures"));
  EXPECT_THAT(refusal("acknowledge = \"frames\"", "acknowledge = \"results\""), HasSubstr("results"));
}

}  // namespace
}  // namespace swiperig
