// Reading of TOML: what is wrong is told with its place and what was expected; hostile files are refused, never a
// crash.
#include "bindings/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/folder.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// What the refusal says, without the directory; "" when nothing is refused.
std::string refusal_of(const std::string& text, const std::function<void(const Table&)>& read) {
  const Folder folder;
  const std::string path = folder.write("f.toml", text);
  try {
    const auto root = read_config(path);
    read(*root);
  } catch (const ConfigError& e) {
    const std::string what = e.what();
    EXPECT_THAT(what, StartsWith(folder.path().string() + "/"));
    return what.substr(folder.path().string().size() + 1);
  }
  return "";
}

const auto nothing = [](const Table&) {};

TEST(Config, QuantitiesAreExact) {
  const std::string text =
      "a = \"60 s\"\nb = \"250 us\"\nc = \"1.5ms\"\nd = \"12.34\"\ne = \"500 mm/s\"\nf = \"3.3 V\"\n"
      "g = \"300 mA\"\nh = 7\ni = true\nj = \"two\"\nk = [1, 2]\n[l]\nm = \"x\"\n";
  EXPECT_EQ(refusal_of(text,
                       [](const Table& t) {
                         EXPECT_EQ(t.at("a").duration(0ns, 60s), 60s);
                         EXPECT_EQ(t.at("b").duration(0ns, 60s), 250us);
                         EXPECT_EQ(t.at("c").duration(0ns, 60s), 1500us);
                         EXPECT_EQ(t.at("d").amount(), 1234);
                         EXPECT_EQ(t.at("e").quantity("mm/s", 1, 5000), 500);
                         EXPECT_EQ(t.at("f").quantity("V", 0, 60'000), 3300);
                         EXPECT_EQ(t.at("g").quantity("A", 0, 60'000), 300);
                         EXPECT_EQ(t.at("h").integer(7, 7), 7);
                         EXPECT_TRUE(t.at("i").flag());
                         EXPECT_EQ(t.at("j").word({"one", "two"}), "two");
                         EXPECT_EQ(t.at("k").array().size(), 2u);
                         EXPECT_EQ(t.at("l").table().at("m").text(), "x");
                         t.nothing_else();
                       }),
            "");
}

struct Wrong {
  const char* name;
  std::string text;
  std::function<void(const Table&)> read;
  std::string said;  ///< how the refusal begins
  friend void PrintTo(const Wrong& w, std::ostream* out) { *out << w.name; }
};
class ConfigWrong : public testing::TestWithParam<Wrong> {};

TEST_P(ConfigWrong, IsRefusedAtItsPlace) {
  const std::string said = refusal_of(GetParam().text, GetParam().read);
  EXPECT_THAT(said, StartsWith(GetParam().said));
}

const auto seconds = [](const Table& t) { t.at("a").duration(1s, 60s); };
const auto volts = [](const Table& t) { t.at("a").quantity("V", 1000, 60'000); };
const auto speed = [](const Table& t) { t.at("a").quantity("mm/s", 1, 5000); };
const auto money = [](const Table& t) { t.at("a").amount(); };
const auto number = [](const Table& t) { t.at("a").integer(1, 9); };
const auto only_a = [](const Table& t) {
  t.find("a");
  t.nothing_else();
};

const std::string duration_1_60 = "f.toml:1:5: expected a duration with its unit (s, ms, us) from 1 s to 60 s, found ";
const std::string volts_1_60 =
    "f.toml:1:5: expected a quantity in V or mV, from 1000 to 60000 mV, written as \"5 V\", found ";
const std::string speed_1_5000 =
    "f.toml:1:5: expected a quantity in mm/s, from 1 to 5000 mm/s, written as \"500 mm/s\", found ";
const std::string amount_expected =
    "f.toml:1:5: expected an amount in quotes such as \"12.34\", from 0.01 to 9999999999.99, found ";

std::string name_of(const testing::TestParamInfo<Wrong>& one) { return one.param.name; }

const std::vector<Wrong> values = {
    {"unknown_key", "a = 1\n\n  b = 2\n", only_a, "f.toml:3:7: unknown key \"b\", expected one of a"},
    {"duplicate_key", "a = 1\na = 2\n", nothing, "f.toml:2:"},
    {"duplicate_table", "[t]\na = 1\n[t]\nb = 1\n", nothing, "f.toml:3:"},
    {"missing_key", "\n[t]\nb = 1\n", [](const Table& t) { t.at("t").table().at("a"); },
     "f.toml:2:1: \"a\" is missing"},
    {"missing_key_at_root", "b = 1\n", [](const Table& t) { t.at("a"); }, "f.toml:1:1: \"a\" is missing"},
    {"wrong_type", "a = \"7\"\n", number, "f.toml:1:5: expected a whole number from 1 to 9, found \"7\""},
    {"real_for_whole", "a = 7.0\n", number, "f.toml:1:5: expected a whole number from 1 to 9, found 7.0"},
    {"below", "a = 0\n", number, "f.toml:1:5: expected a whole number from 1 to 9, found 0"},
    {"above", "a = 10\n", number, "f.toml:1:5: expected a whole number from 1 to 9, found 10"},
    {"above_all", "a = 9223372036854775808\n", number, "f.toml:1:"},
    {"no_text", "a = 1\n", [](const Table& t) { t.at("a").text(); }, "f.toml:1:5: expected text in quotes"},
    {"no_flag", "a = \"true\"\n", [](const Table& t) { t.at("a").flag(); }, "f.toml:1:5: expected true or false"},
    {"no_list", "a = 1\n", [](const Table& t) { t.at("a").array(); }, "f.toml:1:5: expected a list"},
    {"no_table", "a = 1\n", [](const Table& t) { t.at("a").table(); }, "f.toml:1:5: expected a table, found 1"},
    {"no_such_word", "a = \"three\"\n",
     [](const Table& t) {
       t.at("a").word({"one", "two"});
     },
     "f.toml:1:5: expected one of one, two, found \"three\""},
    {"a_date", "a = 2026-01-01\n", nothing, "f.toml:1:5: expected text, a number, true or false"},
    {"duration_without_unit", "a = \"5\"\n", seconds, duration_1_60 + "\"5\""},
    {"duration_as_number", "a = 5\n", seconds, duration_1_60 + "5"},
    {"duration_of_another_unit", "a = \"5 min\"\n", seconds, duration_1_60},
    {"duration_too_short", "a = \"999 ms\"\n", seconds, duration_1_60},
    {"duration_too_long", "a = \"61 s\"\n", seconds, duration_1_60},
    {"duration_negative", "a = \"-5 s\"\n", seconds, duration_1_60},
    {"duration_overflows", "a = \"9223372036854775807 s\"\n", seconds, duration_1_60},
    {"duration_overflows_digits", "a = \"99999999999999999999999 s\"\n", seconds, duration_1_60},
    {"duration_empty", "a = \"\"\n", seconds, duration_1_60},
    {"duration_with_more", "a = \"5 s s\"\n", seconds, duration_1_60},
    {"duration_too_fine", "a = \"5.0000000001 s\"\n", seconds, duration_1_60},
    {"voltage_without_unit", "a = \"5\"\n", volts, volts_1_60},
    {"voltage_in_amperes", "a = \"5 A\"\n", volts, volts_1_60},
    {"voltage_too_high", "a = \"60.001 V\"\n", volts, volts_1_60},
    {"voltage_too_low", "a = \"999 mV\"\n", volts, volts_1_60},
    {"voltage_not_whole", "a = \"5.0001 V\"\n", volts, volts_1_60},
    {"speed_in_metres", "a = \"1 m/s\"\n", speed, speed_1_5000},
    {"speed_too_high", "a = \"5001 mm/s\"\n", speed, speed_1_5000},
    {"speed_zero", "a = \"0 mm/s\"\n", speed, speed_1_5000},
    {"speed_not_a_number", "a = \"nan mm/s\"\n", speed, speed_1_5000},
    {"amount_without_quotes", "a = 12.34\n", money, amount_expected},
    {"amount_of_nothing", "a = \"0.00\"\n", money, amount_expected},
    {"amount_with_three_places", "a = \"12.345\"\n", money, amount_expected},
    {"amount_with_currency", "a = \"12.34 CNY\"\n", money, amount_expected},
    {"amount_too_large", "a = \"10000000000.00\"\n", money, amount_expected},
    {"a_card_number_as_text", "a = \"6212345678901265\"\n", number,
     "f.toml:1:5: expected a whole number from 1 to 9, found \"621234******1265\""},
    {"a_card_number_without_quotes", "a = 6212345678901265\n", [](const Table& t) { t.at("a").text(); },
     "f.toml:1:5: expected text in quotes, found 621234******1265"},
    {"amount_negative", "a = \"-1.00\"\n", money, amount_expected},
};
INSTANTIATE_TEST_SUITE_P(Values, ConfigWrong, testing::ValuesIn(values), name_of);

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

const std::vector<Wrong> hostile = {
    {"invalid_utf8", "a = 1\nb = \"\xff\xfe\"\n", nothing, "f.toml:2:"},
    {"overlong_utf8", "b = \"\xc0\xaf\"\n", nothing, "f.toml:1:"},
    {"surrogate", "b = \"\xed\xa0\x80\"\n", nothing, "f.toml:1:"},
    {"zero_byte", std::string("a = 1\nb = \"x\0y\"\n", 15), nothing, "f.toml:2:"},
    {"zero_bytes_only", std::string(4096, '\0'), nothing, "f.toml:1:"},
    // toml++ in a header asserts here, the packaged library refuses
    {"header_that_starts_with_a_dot", "[.a]\n", nothing, "f.toml:1:2:"},
    {"header_of_no_key", "a = 1\n[$]\n", nothing, "f.toml:2:2:"},
    {"header_across_lines", "[\na]\n", nothing, "f.toml:1:2:"},
    {"unfinished_text", "a = \"x\n", nothing, "f.toml:1:"},
    {"not_toml", "<?xml version=\"1.0\"?>", nothing, "f.toml:1:1:"},
    {"many_lists", "a = " + repeated("[", 100'000), nothing, "f.toml"},
    {"many_tables", "a = " + repeated("{a=", 100'000), nothing, "f.toml"},
    {"lists_behind_a_comment", "#" + repeated("]", 100'000) + "\na = " + repeated("[", 100'000), nothing, "f.toml"},
    {"deep_lists", "a = " + repeated("[", 100) + repeated("]", 100), nothing, "f.toml:1:"},
    {"dots", repeated("a.", 200'000) + "a = 1\n", nothing, "f.toml"},
    {"dots_in_a_header", "[" + repeated("a.", 200'000) + "a]\nb = 1\n", nothing, "f.toml"},
    {"tables_behind_quotes_at_a_long_end", "x = [\"\"\"a\"\"\"\", {" + repeated("a.", 150'000) + "a=1}]", nothing,
     "f.toml"},
    {"tables_in_quotes_at_a_long_end", "x = [\"\"\"a\"\"\"\", " + repeated("{a=", 100'000), nothing, "f.toml"},
    {"lists_behind_apostrophes_at_a_long_end", "x = ['''a'''', " + repeated("[", 100'000), nothing, "f.toml"},
    {"a_mebibyte_and_one_byte", "#" + std::string(1 << 20, 'x'), nothing, "f.toml: larger than 1 MiB"},
};
INSTANTIATE_TEST_SUITE_P(Hostile, ConfigWrong, testing::ValuesIn(hostile), name_of);

TEST(Config, AMebibyteIsRead) { EXPECT_EQ(refusal_of("#" + std::string((1 << 20) - 1, 'x'), nothing), ""); }

TEST(Config, BracketsInTextAndCommentsAreNotNesting) {
  EXPECT_EQ(refusal_of("# " + repeated("[", 1000) + "\na = \"" + repeated("{", 1000) + "\"\nb = [[[1]]]\n", nothing),
            "");
  EXPECT_EQ(
      refusal_of("a = [\"\"\"x\"\"\"\"\", '''y'''', \"\", \"" + repeated("[", 1000) + "\"]\nb = [[[1]]]\n", nothing),
      "");
}

TEST(Config, WhatIsNoFileIsRefused) {
  const Folder folder;
  const auto said = [](const std::string& path) -> std::string {
    try {
      read_config(path);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(said(folder / "absent.toml"), (folder / "absent.toml") + ": no such file");
  EXPECT_THAT(said(folder.path().string()), EndsWith(": no such file"));
  EXPECT_THAT(said("/proc/self/mem"), Not(HasSubstr("larger")));  // says it is empty: nothing is read
  EXPECT_THAT(said("/dev/zero"), EndsWith(": no such file"));
  EXPECT_THAT(said(folder / std::string(5000, 'x')), EndsWith(": no such file"));
  EXPECT_THAT(said(""), EndsWith(": no such file"));
}

TEST(Config, AnEmptyFileIsATableWithoutKeys) {
  EXPECT_THAT(refusal_of("", [](const Table& t) { t.at("schema"); }), HasSubstr("\"schema\" is missing"));
}

TEST(Config, ControlCharactersDoNotReachTheMessage) {
  const std::string said = refusal_of("a = \"\\u001b[2Jx\"\n", number);
  EXPECT_THAT(said, AllOf(HasSubstr("expected a whole number"), Not(HasSubstr("\x1b"))));
}

}  // namespace
}  // namespace swiperig
