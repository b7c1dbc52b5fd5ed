#include "rig/text_rule.hpp"

#include <gtest/gtest.h>

#include <string>

namespace swiperig {
namespace {

std::optional<Fields> try_rule(std::string pattern, std::string_view text) {
  return match(TextRule{"screen", std::move(pattern), "m"}, text);
}

TEST(TextRule, LiteralTextMatchesWholeTextOnly) {
  EXPECT_TRUE(try_rule("READY", "READY"));
  EXPECT_FALSE(try_rule("READY", "READY "));
  EXPECT_FALSE(try_rule("READY", "NOT READY"));
  EXPECT_FALSE(try_rule("READY", "REA"));
  EXPECT_FALSE(try_rule("READY", ""));
  EXPECT_TRUE(try_rule("", ""));
  EXPECT_FALSE(try_rule("", "x"));
}

TEST(TextRule, StarStandsForAnythingAtEitherEndOnly) {
  EXPECT_TRUE(try_rule("READ ERROR*", "READ ERROR - SWIPE AGAIN"));
  EXPECT_TRUE(try_rule("READ ERROR*", "READ ERROR"));
  EXPECT_FALSE(try_rule("READ ERROR*", "A READ ERROR"));
  EXPECT_TRUE(try_rule("*APPROVED", "SALE APPROVED"));
  EXPECT_FALSE(try_rule("*APPROVED", "APPROVED!"));
  EXPECT_TRUE(try_rule("*DECL*", "CARD DECLINED"));
  EXPECT_FALSE(try_rule("*DECL*", "CARD DEC"));
  EXPECT_TRUE(try_rule("*", ""));
  EXPECT_TRUE(try_rule("*", "anything"));
  EXPECT_TRUE(try_rule("A*B", "A*B"));
  EXPECT_FALSE(try_rule("A*B", "AxB"));
}

TEST(TextRule, CapturesComeInTheOrderOfTheRule) {
  const auto told = try_rule("R|SALE|{batch}|{stan}|{outcome}|{code}|{amount}", "R|SALE|000042|000002|UNKNOWN||5100");
  ASSERT_TRUE(told);
  const Fields expected = {
      {"batch", "000042"}, {"stan", "000002"}, {"outcome", "UNKNOWN"}, {"code", ""}, {"amount", "5100"}};
  EXPECT_EQ(*told, expected);
  EXPECT_FALSE(try_rule("R|SALE|{batch}|{stan}|{outcome}|{code}|{amount}", "R|SALE|000042|000002|UNKNOWN|"));
  EXPECT_FALSE(try_rule("R|SALE|{batch}|{stan}", "R|SETTLE|000042|000002"));
}

TEST(TextRule, ACaptureEndsWhereTheNextLiteralFirstFitsAndTheLastOneAtTheEnd) {
  const auto middle = try_rule("{a}-{b}!", "x-y-z!");
  ASSERT_TRUE(middle);
  EXPECT_EQ(field(*middle, "a"), "x");
  EXPECT_EQ(field(*middle, "b"), "y-z");
  const auto suffix = try_rule("{a} kr", "10 kr or 20 kr");
  ASSERT_TRUE(suffix);
  EXPECT_EQ(field(*suffix, "a"), "10 kr or 20");
  const auto ends = try_rule("*TOTAL {amount} EUR*", "A TOTAL 5.00 EUR B");
  ASSERT_TRUE(ends);
  EXPECT_EQ(field(*ends, "amount"), "5.00");
}

TEST(TextRule, OddRulesAreStillRules) {
  EXPECT_TRUE(try_rule("a{b", "a{b"));
  EXPECT_FALSE(try_rule("a{b", "ac"));
  EXPECT_TRUE(try_rule("a}b", "a}b"));
  const auto unnamed = try_rule("A{}B", "AxyB");
  ASSERT_TRUE(unnamed);
  EXPECT_TRUE(unnamed->empty());
  const auto touching = try_rule("{a}{b}", "xy");
  ASSERT_TRUE(touching);
  EXPECT_EQ(field(*touching, "a"), "");
  EXPECT_EQ(field(*touching, "b"), "xy");
  EXPECT_FALSE(try_rule("aa{x}aa", "aaa"));
}

TEST(TextRule, AnyBytesAreSafe) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  for (const char* pattern : {"", "*", "{", "}", "{}", "*{a}*", "{a}{b}*", "**", "***", "{a", "*{"}) {
    for (std::size_t cut = 0; cut <= all.size(); cut += 7) try_rule(pattern, std::string_view(all).substr(cut));
    try_rule(all, all);
  }
  EXPECT_TRUE(try_rule("*{a}*", all));
}

}  // namespace
}  // namespace swiperig
