#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "fixtures/contact_port.hpp"
#include "tests/contact_port_bench.hpp"

namespace swiperig {
namespace {

TEST_F(ContactPorts, GoodLinesOfAForeignPeerAreNotAnswered) {
  EXPECT_EQ(answers_to("{\"rail\":{\"mv\":3300}}\r\n\n{ \"key\" : \"F1\" }\n{\"error\":\"what?\",\"malformed\":1}\n"
                       "{\"head\":[{\"t_ns\":[5,5,9223372036854775807],\"track\":3}]}\n{\"key\":\"unfinished"),
            "");
  EXPECT_EQ(terminal.seen, (Seen{"0 s rail 3300 0", "0 s key F1", "0 s head 3:5,5,9223372036854775807,"}));
}

TEST_F(ContactPorts, EveryMalformedLineIsAnsweredCountedAndWithoutEffect) {
  std::string text = R"(x
{
[]
null
{}
"key"
{"key":"1","rail":{"mv":1}}
{"key":1}
{"key":""}
{"key":"12345678901234567"}
{"key":"a b"}
{"key":"a\u0000"}
{"key":"1"}{"key":"2"}
{"key":"1"} x
{"power":"off"}
{"draw":{"ma":1}}
{"rail":5000}
{"rail":{}}
{"rail":{"mv":-1}}
{"rail":{"mv":100001}}
{"rail":{"mv":5.5}}
{"rail":{"mv":5e3}}
{"rail":{"mv":"5000"}}
{"rail":{"mv":99999999999999999999}}
{"rail":{"mv":1,"slope_mv_per_s":null}}
{"rail":{"mv":1,"slope_mv_per_s":1000000001}}
{"rail":{"mv":1,"volts":5}}
{"head":[]}
{"head":{}}
{"head":[1]}
{"head":[{"track":0,"t_ns":[]}]}
{"head":[{"track":4,"t_ns":[]}]}
{"head":[{"track":2,"t_ns":5}]}
{"head":[{"track":2,"t_ns":[-1]}]}
{"head":[{"track":2,"t_ns":[5,4]}]}
{"head":[{"track":2,"t_ns":[0.5]}]}
{"head":[{"track":2,"t_ns":[]},{"track":2,"t_ns":[]}]}
{"head":[{"track":2,"t_ns":[],"more":1}]}
{"head":[{"track":2,"t_ns":[0,1],"amplitude_per_mille":[1000]}]}
{"head":[{"track":2,"t_ns":[0],"amplitude_per_mille":[-1]}]}
{"head":[{"track":2,"t_ns":[0],"amplitude_per_mille":[1000001]}]}
{"head":[{"track":2,"t_ns":[0],"amplitude_per_mille":1000}]}
{"head":[{"track":2,"amplitude_per_mille":[]}]}
{"tracks":[]}
{"tracks":";1=2?"}
{"tracks":[";1=2?"]}
{"tracks":[{"track":2}]}
{"tracks":[{"text":";1=2?"}]}
{"tracks":[{"track":0,"text":";1=2?"}]}
{"tracks":[{"track":2,"text":5}]}
{"tracks":[{"track":2,"text":";1=2A?"}]}
{"tracks":[{"track":2,"text":";1=2?"},{"track":2,"text":";1=2?"}]}
{"tracks":[{"track":2,"text":";1=2?","lrc":1}]}
{"pass":"felt"}
{"pass":1}
{"card":"pocket"}
{"card":1}
)";
  text += "{\"tracks\":[{\"track\":2,\"text\":\";" + std::string(105, '1') + "?\"}]}\n";
  text += "{\"key\":\"\xff\"}\n";
  text += std::string("{\"key\":\"\0\"}\n", 12);
  text += std::string(5000, '[') + "\n";
  const auto count = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  const std::string answers = answers_to(text + "{\"key\":\"OK\"}\n");
  EXPECT_EQ(static_cast<std::size_t>(std::count(answers.begin(), answers.end(), '\n')), count) << answers;
  for (std::size_t i = 1; i <= count; ++i) {
    EXPECT_NE(answers.find("\",\"malformed\":" + std::to_string(i) + "}\n"), std::string::npos) << i << answers;
  }
  EXPECT_TRUE(answers.starts_with("{\"error\":\"expected one JSON object"));
  EXPECT_EQ(terminal.seen, (Seen{"0 s key OK"}));
}

/// Whatever was said of a card, for a terminal with a reader.
struct Reads final : Contact {
  void rail(RailLine) override {}
  void key(std::string_view) override {}
  void head(const HeadSignal& signal) override {
    std::string& all = seen.emplace_back();
    for (const TrackSignal& one : signal) {
      const auto read = Reader().read(one.track, signal, false);
      const auto* text = std::get_if<TrackText>(&read);
      all += std::to_string(one.track) + (text == nullptr ? std::string("-") : text->text) + " ";
    }
  }
  std::vector<std::string> seen;
};

TEST_F(ContactPorts, AReadTrackReachesATerminalWithAHeadAsFlux) {
  Reads reads;
  ContactPort reading(clock, *listener, reads);
  std::string answers;
  clock.run([&]() -> Task<> {
    Crew crew(clock);
    crew.start(reading.run());
    co_await talk(R"({"tracks":[{"track":2,"text":";6212345678901265=30125010000000000000?"}]}
{"tracks":[{"text":"%B6212345678901265^TEST/CARD^3012?","track":1},{"track":2,"text":""}]}
)",
                  answers);
    reading.stop();
    co_await crew.join();
  }());
  EXPECT_EQ(answers, "{\"draw\":{\"ma\":0}}\n");
  EXPECT_EQ(reads.seen, (std::vector<std::string>{"2;6212345678901265=30125010000000000000? ",
                                                  "1%B6212345678901265^TEST/CARD^3012? 2- "}));
}

TEST_F(ContactPorts, ARobotWithAReaderTellsTextsAndWhatDidNotRead) {
  std::string heard;
  RemoteContact robot(clock, *dialer, TextReader{Reader()});
  clock.run([&]() -> Task<> {
    auto far = listener->accept();
    Crew crew(clock);
    crew.start(robot.run());
    const auto link = co_await std::move(far);
    crew.start(listen(*link, heard));
    const ContactLine card = read_contact_line(R"({"tracks":[{"track":2,"text":";6212345678901265=3012501?"}]})");
    HeadSignal signal = std::get<HeadSignal>(card);
    robot.head(signal);
    signal[0].t_ns.resize(100);
    robot.head(signal);
    robot.head({{3, {}}});
    co_await clock.sleep_for(std::chrono::seconds(1));
    robot.stop();
    co_await crew.join();
  }());
  EXPECT_EQ(heard,
            "{\"tracks\":[{\"track\":2,\"text\":\";6212345678901265=3012501?\"}]}\n"
            "{\"tracks\":[{\"track\":2,\"text\":\"\"}]}\n{\"pass\":\"plastic\"}\n|end");
}

TEST_F(ContactPorts, ALineOf64KiBPassesAndALongerOneIsOneError) {
  const std::string good = "{\"key\":\"OK\"}";
  const auto padded = [&](std::size_t size) { return good + std::string(size - good.size() - 1, ' ') + "\n"; };
  EXPECT_EQ(answers_to(padded(65536)), "");
  EXPECT_EQ(terminal.seen.size(), 1U);
}

TEST_F(ContactPorts, ALongerLineIsOneErrorAndTheNextOneCounts) {
  const std::string good = "{\"key\":\"OK\"}";
  const std::string answers = answers_to(good + std::string(65537 - good.size() - 1, ' ') + "\n" +
                                         std::string(3 << 20, 'x') + "\n" + good + "\n");
  EXPECT_EQ(answers,
            "{\"error\":\"expected a line of at most 65536 bytes\",\"malformed\":1}\n"
            "{\"error\":\"expected a line of at most 65536 bytes\",\"malformed\":2}\n");
  EXPECT_EQ(terminal.seen.size(), 1U);
}

TEST_F(ContactPorts, AFloodOfGarbageIsAnsweredOnlySoOften) {
  std::string garbage;
  for (int i = 0; i < 10'000; ++i) garbage += "garbage\n";
  const std::string answers = answers_to(garbage + "{\"key\":\"OK\"}\n");
  EXPECT_EQ(std::count(answers.begin(), answers.end(), '\n'), 64);
  EXPECT_EQ(terminal.seen.size(), 1U);
}

TEST_F(ContactPorts, AnyBytesAreNoCrash) {
  std::uint64_t state = 3;
  std::string noise;
  for (int i = 0; i < 400'000; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    noise += i % 3 == 0 ? static_cast<char>(state >> 40) : "{}[]\":,\nrailheadkey0123456789"[(state >> 40) % 29];
  }
  answers_to(noise + "\n{\"key\":\"OK\"}\n");
  ASSERT_FALSE(terminal.seen.empty());
  EXPECT_EQ(terminal.seen.back(), "0 s key OK");
}

}  // namespace
}  // namespace swiperig
