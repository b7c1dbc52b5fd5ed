// The text in which a trace keeps events: what Lines writes is read back as it was, and nothing else is read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rig/trace.hpp"

namespace swiperig {
namespace {
using namespace std::chrono_literals;
using testing::HasSubstr;

Event an_event(Duration at, Body body) {
  Event e;
  e.at = Time(at);
  e.source = Source::terminal;
  e.body = std::move(body);
  return e;
}

TEST(TraceChunk, WhatLinesWroteComesBack) {
  Lines lines;
  Digest head{}, again{};
  const std::vector<Event> two = {an_event(7ns, Text{"screen", "a \"quoted\" \\ {[ line\n\x01\xff"}),
                                  an_event(Duration(0), Milestone{"told", {{"outcome", "}]"}, {"empty", ""}}})};
  const Event third = an_event(9s, BookRead{"journal", {Entry{}, Entry{}}});
  lines.add(two, head);
  lines.add({&third, 1}, head);
  EXPECT_EQ(lines.size(), 3U);
  std::vector<std::string> seen;
  EXPECT_EQ(read_chunk(lines.chunk(), 5, 2,
                       [&](const StoredLine& line) {
                         chain(again, line);
                         seen.push_back(std::to_string(line.seq) + "/" + std::to_string(line.cycle) + " " +
                                        std::to_string(line.at_ns) + " " + std::string(line.kind));
                         EXPECT_NO_THROW((void)parse_body(line.kind, line.body)) << line.body;
                         return true;
                       }),
            3U);
  EXPECT_EQ(seen, (std::vector<std::string>{"5/2 7 text", "6/2 0 milestone", "7/2 9000000000 book_read"}));
  EXPECT_EQ(hex(again), hex(head));
  EXPECT_EQ(read_chunk(lines.chunk(), 5, 2, [](const StoredLine&) { return false; }), 1U) << "who has enough is left";
}

TEST(TraceChunk, TheHeadIsOfTheCanonicalLines) {
  const Event e = an_event(7ns, Press{"1 2 OK"});
  Lines lines;
  Digest head{}, plain{};
  lines.add({&e, 1}, head);
  std::string line;
  append_canonical(e, line);
  chain(plain, line);
  EXPECT_EQ(hex(head), hex(plain));
}

TEST(TraceChunk, AnythingElseIsRefusedWithItsPlace) {
  const std::string one = "[1,0,\"rig\",\"press\",{\"keys\":\"1\"}]";
  const auto refusal = [](const std::string& text) {
    try {
      read_chunk(text, 1, 0, [](const StoredLine&) { return true; });
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(refusal("[" + one + "," + one + "]"), "") << "the twin";
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"", "byte 0 of its text: expected '['"},
      {"[]", "byte 1 of its text: expected '['"},
      {"[" + one, "expected ']'"},
      {"[" + one + "]x", "expected the end"},
      {"[" + one + ", " + one + "]", "expected '['"},
      {"[[01,0,", "byte 2 of its text: expected an integer"},
      {"[[-0,0,", "expected an integer"},
      {"[[99999999999999999999,0,", "expected an integer"},
      {"[[,0,", "expected an integer"},
      {"[[1,0,\"Rig\"", "expected '\"'"},
      {"[[1,0,rig", "expected '\"'"},
      {"[[1,0,\"rig\",\"text\",[]]]", "expected '{'"},
      {"[[1,0,\"rig\",\"text\",{\"a\":\"b", "expected '\"'"},
      {"[[1,0,\"rig\",\"text\",{\"a\":\"b\\", "expected '\"'"},
      {"[[1,0,\"rig\",\"text\",{\"a\":{}", "expected '}'"}};
  for (const auto& [text, why] : wrong) EXPECT_THAT(refusal(text), HasSubstr(why)) << text;
  const std::string whole = "[" + one + "," + one + "]";
  for (std::size_t cut = 0; cut < whole.size(); ++cut) EXPECT_NE(refusal(whole.substr(0, cut)), "") << cut;
}

}  // namespace
}  // namespace swiperig
