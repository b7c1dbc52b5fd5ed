// Messages are JSON that any reader takes, whatever text and bytes a far end put into a trace.
#include "reports/messages.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace swiperig {
namespace {

namespace json = boost::json;

TEST(Messages, AnEventIsItsRowAndItsBodyAsStored) {
  const StoredLine line{7, 3, 1000, 20, "terminal", "text", R"({"place":"screen","text":"\u0007 \"OK\" 交易"})"};
  const PublishedMessage m = published("demo-1", 12, line);
  EXPECT_EQ(m.topic, "run/demo-1/event");
  EXPECT_EQ(m.json, R"({"schema":1,"run":"demo-1","seq":12,"cycle":3,"event":7,"at_ns":1000,"at_uncertainty_ns":20,)"
                    R"("source":"terminal","kind":"text","body":{"place":"screen","text":"\u0007 \"OK\" 交易"}})");
}

TEST(Messages, BytesThatAreNoUtf8AreTold) {
  const StoredLine line{1, 0, 0, 0, "host", "text", "{\"text\":\"a\xff\xe4\xba\xa4\xc3\"}"};
  const auto body = json::parse(published("r", 1, line).json).at("body");
  EXPECT_EQ(body.at("text").as_string(), "a\\xff\xe4\xba\xa4\\xc3");
}

TEST(Messages, NamesAreEscaped) {
  const std::string name = "say \"hi\" \\ \n\x01\x1f \xc0\x80 \xed\xa0\x80 end\xf0";
  const PublishedMessage m = published("r", 1, CycleBegun{4, 5, name});
  EXPECT_EQ(m.topic, "run/r/cycle");
  EXPECT_EQ(json::parse(m.json).at("case").as_string(), "say \"hi\" \\ \n\x01\x1f \\xc0\\x80 \\xed\\xa0\\x80 end\\xf0");
}

TEST(Messages, HealthIsTheBeginningAndTheEnd) {
  const auto begun = json::parse(published("r", 0, RunBegun{"demo", "virtual", "7", "0.1.0", true, 6, 1}).json);
  EXPECT_EQ(begun.at("state"), "running");
  EXPECT_EQ(begun.at("virtual"), true);
  EXPECT_EQ(begun.at("seed"), "7");
  const PublishedMessage ended = published("r", 9, RunEnded{6, 40, 5, 2, "ab"});
  EXPECT_EQ(ended.topic, "run/r/health");
  EXPECT_EQ(json::parse(ended.json).at("state"), "ended");
}

}  // namespace
}  // namespace swiperig
