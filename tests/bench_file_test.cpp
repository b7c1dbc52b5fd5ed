// Bench, terminal-profile, host-profile and key files: every shipped one is read, and whatever is wrong in one is told
// with its place before anything moves.
#include "bindings/bench_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bindings/config.hpp"
#include "tests/folder.hpp"
#include "tests/mutation.hpp"

namespace swiperig {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

/// The shipped fixture files, copied, to be damaged.
class BenchFiles : public testing::Test {
 protected:
  BenchFiles() {
    for (const char* sub : {"benches", "terminals", "hosts"}) {
      fs::copy(project / "fixtures" / sub, folder.path() / sub, fs::copy_options::recursive);
    }
  }
  /// Replaces `from` in `file` and says how reading the bench is refused, from the fixture folder on; "" when it is
  /// not.
  std::string refused(const std::string& file, const std::string& from, const std::string& to) {
    const std::string before = read_text(folder / file);
    folder.write(file, replaced(before, from, to));
    const std::string said = read();
    folder.write(file, before);
    return said;
  }
  std::string read(const std::string& bench = "benches/virtual.toml") {
    try {
      read_bench(folder / bench);
    } catch (const ConfigError& e) {
      const std::string said = e.what();
      return said.starts_with(folder.path().string()) ? said.substr(folder.path().string().size() + 1) : said;
    }
    return "";
  }
  Folder folder;
};

TEST(BenchFile, ShippedFilesAreRead) {
  const BenchFile in_memory = read_bench((project / "fixtures/benches/virtual.toml").string());
  const BenchFile served = read_bench((project / "fixtures/benches/realtime.toml").string());
  EXPECT_TRUE(in_memory.is_virtual);
  EXPECT_FALSE(served.is_virtual);
  EXPECT_EQ(in_memory.robot.slots.size(), 2u);
  EXPECT_EQ(in_memory.robot.keys.size(), 13u);
  EXPECT_EQ(in_memory.supply.voltage_mv, 5000);
  EXPECT_EQ(in_memory.profile.answer_timeout, 10s);
  EXPECT_EQ(in_memory.host_profile.issuer_timeout, 5s);
  EXPECT_EQ(in_memory.cards.at("debit").track2, ";6212345678901265=30125010000000000000?");
  EXPECT_EQ(served.actuator.scheme, "serial");
  EXPECT_EQ(served.power.scheme, "tcp");
}

TEST(BenchFile, ATerminalOnUsbAndItsHubAreTwoLinesEach) {
  const Folder folder;
  for (const char* sub : {"benches", "terminals", "hosts"}) {
    std::filesystem::copy(project / "fixtures" / sub, folder.path() / sub, std::filesystem::copy_options::recursive);
  }
  std::string text = read_text(folder / "benches/realtime.toml");
  text = replaced(text, "serial:runs/stand-in/ecr?baud=115200", "usb:1234:5678?serial=42&boot=1234:0001");
  text = replaced(text,
                  "driver = \"supply_scpi\"\nlink = \"tcp:127.0.0.1:47302\"\nvoltage = \"5 V\"\n"
                  "current_limit = \"2 A\"\n",
                  "driver = \"power_usb_hub\"\nlink = \"usb:2109:3431?port=1-1\"\ntwin = \"usb:2109:0813?port=2-1\"\n"
                  "hub_port = 3\nmin_off = \"4 s\"\n");
  const BenchFile b = read_bench(folder.write("benches/realtime.toml", text));
  EXPECT_FALSE(b.is_virtual);
  EXPECT_EQ(b.terminal.options.at("boot"), "1234:0001");
  ASSERT_TRUE(b.hub.has_value());
  EXPECT_EQ(to_text(b.hub->hub), "usb:2109:3431 port 1-1");
  EXPECT_EQ(to_text(*b.hub->twin), "usb:2109:0813 port 2-1");
  EXPECT_EQ(b.hub->port, 3);
  EXPECT_EQ(b.hub->min_off, 4s);
}

TEST(BenchFile, AForeignTerminalMayBeToldTextsForSwipes) {
  const std::string path = (project / "fixtures/benches/foreign.toml").string();
  EXPECT_TRUE(read_bench(path).swipes_as_text);
  EXPECT_FALSE(read_bench(path).is_virtual);
  Folder folder;
  for (const char* sub : {"hosts", "foreign"}) {
    std::filesystem::copy(project / "fixtures" / sub, folder.path() / sub, std::filesystem::copy_options::recursive);
  }
  const std::string text = replaced(read_text(path), "swipes = \"text\"", "swipes = \"flux\"");
  EXPECT_FALSE(read_bench(folder.write("benches/foreign.toml", text)).swipes_as_text) << "the twin";
}

TEST(BenchFile, TheReadersBenchHasEveryKindOfCard) {
  const BenchFile b = read_bench((project / "fixtures/benches/reader.toml").string());
  EXPECT_TRUE(b.robot.acceleration_settable);
  EXPECT_EQ(b.robot.lies.at("turned").face, "back");
  EXPECT_EQ(b.robot.lies.at("tilted").tilt_mdeg, 3000);
  EXPECT_EQ(b.cards.at("turned").lies, Card::Lies::back);
  EXPECT_EQ(b.cards.at("tilted").tilt_deg, 3);
  EXPECT_EQ(b.cards.at("dirty").dirt_um, 150);
  EXPECT_EQ(b.cards.at("worn_200k").swipes, 200'000);
  EXPECT_TRUE(b.cards.at("cleaning").cleaning);
  EXPECT_EQ(b.reader.life_passes, 1'000'000);
  EXPECT_DOUBLE_EQ(b.reader.dirt_um_per_pass, 0.002);
  for (const auto& [name, card] : b.cards) EXPECT_EQ(fault_of(card), "") << name;
}

// the promise of the architecture: a bench on equipment differs in nothing but its links
TEST(BenchFile, RealTimeDiffersInLinksAndNamesOnly) {
  std::istringstream in_memory(read_text(project / "fixtures/benches/virtual.toml"));
  std::istringstream served(read_text(project / "fixtures/benches/realtime.toml"));
  const auto significant = [](std::istringstream& in) {
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) {
      const std::string key = line.substr(0, line.find(' '));
      const bool names_a_link = key == "link" || key == "terminal_side" || key == "host_side" || key == "contact";
      if (!line.starts_with("#") && key != "name" && !names_a_link) lines.push_back(line);
    }
    return lines;
  };
  EXPECT_EQ(significant(in_memory), significant(served));
}

TEST_F(BenchFiles, TheCopyIsInOrder) {
  EXPECT_EQ(read(), "");
  EXPECT_EQ(read("benches/realtime.toml"), "");
}

TEST_F(BenchFiles, OneThatExtendsAnotherSaysOnlyWhatDiffers) {
  folder.write("benches/mine.toml",
               "schema = 1\nextends = \"virtual.toml\"\nname = \"mine\"\n\n[power]\nvoltage = \"9 V\"\n");
  const BenchFile mine = read_bench(folder / "benches/mine.toml"),
                  extended = read_bench(folder / "benches/virtual.toml");
  EXPECT_EQ(mine.name, "mine");
  EXPECT_EQ(mine.supply.voltage_mv, 9000);
  EXPECT_EQ(extended.supply.voltage_mv, 5000);
  EXPECT_EQ(mine.supply.current_limit_ma, extended.supply.current_limit_ma);
  EXPECT_EQ(mine.cards.size(), extended.cards.size());
}

TEST_F(BenchFiles, WhatIsWrongIsToldWhereItStands) {
  const std::string head = "schema = 1\nextends = \"virtual.toml\"\nname = \"mine\"\n";
  folder.write("benches/mine.toml", head + "[power]\nvoltag = \"9 V\"\n");
  EXPECT_THAT(read("benches/mine.toml"), HasSubstr("mine.toml:5:10: unknown key \"voltag\""));
  folder.write("benches/mine.toml", head);
  folder.write("benches/virtual.toml", replaced(read_text(folder / "benches/virtual.toml"), "\"5 V\"", "\"5 A\""));
  EXPECT_THAT(read("benches/mine.toml"), HasSubstr("virtual.toml:40:11: expected a quantity in V"));
  folder.write("benches/virtual.toml",
               replaced(read_text(folder / "benches/virtual.toml"), "schema = 1", "schema = 2"));
  EXPECT_THAT(read("benches/mine.toml"), HasSubstr("virtual.toml:3:10: expected a whole number from 1 to 1"));
  folder.write("benches/yours.toml", "schema = 1\nextends = \"mine.toml\"\nname = \"yours\"\n");
  EXPECT_THAT(read("benches/yours.toml"), HasSubstr("yours.toml:2:11: expected a bench that extends none itself"));
  folder.write("benches/mine.toml", "schema = 1\nextends = \"nobody.toml\"\nname = \"mine\"\n");
  EXPECT_THAT(read("benches/mine.toml"), HasSubstr("mine.toml:2:11: expected the name of a file"));
}

struct Wrong {
  const char* name;
  const char* file;
  std::string from, to;
  std::string said;
  friend void PrintTo(const Wrong& w, std::ostream* out) { *out << w.name; }
};
class BenchWrong : public BenchFiles, public testing::WithParamInterface<Wrong> {};

TEST_P(BenchWrong, IsRefusedAtItsPlace) {
  EXPECT_THAT(refused(GetParam().file, GetParam().from, GetParam().to), HasSubstr(GetParam().said));
}

const char* const bench = "benches/virtual.toml";
const char* const terminal = "terminals/fixture.toml";
const char* const host = "hosts/unionpay.toml";
const char* const keys = "hosts/test_keys.toml";

const std::string supply =
    "driver = \"supply_scpi\"\nlink = \"virtual:supply\"\nvoltage = \"5 V\"\ncurrent_limit = \"2 A\"\n";
const std::string credit = "[stand_in.cards.credit]", stand_in = "[stand_in.cards.debit]", power = "[power]";

const std::vector<Wrong> wrong = {
    // bench
    {"unknown_key", bench, "name = \"virtual\"", "name = \"virtual\"\ncolour = \"red\"",
     "benches/virtual.toml:5:10: unknown key \"colour\", expected one of actuator, extends, host, name, "},
    {"duplicate_key", bench, "name = \"virtual\"", "name = \"virtual\"\nname = \"other\"", "benches/virtual.toml:5:"},
    {"duplicate_section", bench, "[power]", "[actuator]", "benches/virtual.toml:"},
    {"schema_missing", bench, "schema = 1\n", "", "benches/virtual.toml:1:1: \"schema\" is missing"},
    {"schema_of_the_future", bench, "schema = 1", "schema = 2",
     "benches/virtual.toml:3:10: expected a whole number from 1 to 1, found 2"},
    {"no_power_section", bench,
     "[power]\ndriver = \"supply_scpi\"\nlink = \"virtual:supply\"\nvoltage = \"5 V\"\n"
     "current_limit = \"2 A\"\n",
     "", ": \"power\" is missing"},
    {"no_driver_in_actuator", bench, "[actuator]", "[robot]", "benches/virtual.toml:18:1: \"driver\" is missing"},
    {"no_network_section", bench, "[network]\n", "[net]\n", "benches/virtual.toml:1:1: \"network\" is missing"},
    {"section_that_is_a_value", bench, "name = \"virtual\"\n", "name = \"virtual\"\nstand_in = 1\n",
     "benches/virtual.toml:"},
    {"driver_of_another_kind", bench, "driver = \"swiper_grbl\"", "driver = \"supply_scpi\"",
     "benches/virtual.toml:12:10: expected one of swiper_grbl, found \"supply_scpi\""},
    {"driver_missing", bench, "driver = \"relay\"\n", "", "benches/virtual.toml:43:1: \"driver\" is missing"},
    {"key_in_section", bench, "voltage = \"5 V\"", "voltage = \"5 V\"\nvoltages = \"5 V\"",
     "benches/virtual.toml:41:12: unknown key \"voltages\""},
    {"speed_out_of_range", bench, "2500 mm/s", "5001 mm/s",
     "benches/virtual.toml:14:13: expected a quantity in mm/s, from 1 to 5000 mm/s"},
    {"speed_without_unit", bench, "\"2500 mm/s\"", "2500", "benches/virtual.toml:14:13: expected a quantity in mm/s"},
    {"acceleration_as_text", bench, "15000", "\"15000\"", "benches/virtual.toml:15:22: expected a whole number"},
    {"voltage_out_of_range", bench, "voltage = \"5 V\"", "voltage = \"61 V\"",
     "benches/virtual.toml:40:11: expected a quantity in V or mV"},
    {"voltage_of_wrong_unit", bench, "voltage = \"5 V\"", "voltage = \"5 A\"",
     "benches/virtual.toml:40:11: expected a quantity in V or mV"},
    {"voltage_below_brownout", bench, "voltage = \"5 V\"", "voltage = \"3300 mV\"",
     "benches/virtual.toml:40:11: expected more than the terminal's brown-out level of 3300 mV"},
    {"current_out_of_range", bench, "current_limit = \"2 A\"", "current_limit = \"9 mA\"",
     "benches/virtual.toml:41:17: "},
    {"key_place_of_three", bench, "OK = [432, 78]", "OK = [432, 78, 1]", "expected two coordinates in mm, [x, y]"},
    {"key_place_below_zero", bench, "OK = [432, 78]", "OK = [-1, 78]", "expected a number from 0 to 5000, found -1"},
    {"good_card_unknown", bench, "good_card = \"debit\"", "good_card = \"gold\"",
     "benches/virtual.toml:16:13: expected one of the cards in cards_mm, found \"gold\""},
    {"link_without_scheme", bench, "\"virtual:robot\"", "\"robot\"", "benches/virtual.toml:13:8: expected "},
    {"link_scheme_unknown", bench, "\"virtual:robot\"", "\"telepathy:robot\"", "benches/virtual.toml:13:8: expected "},
    {"link_port_out_of_range", bench, "\"virtual:robot\"", "\"tcp:127.0.0.1:65536\"",
     "benches/virtual.toml:13:8: expected "},
    {"link_usb", bench, "\"virtual:robot\"", "\"usb:1234:5678\"", "usb: is for the terminal's own connection"},
    {"terminal_on_usb_in_virtual_time", bench, "\"virtual:ecr\"", "\"usb:1234:5678\"", "all links virtual: or none"},
    {"hub_port_missing", bench, supply, "driver = \"power_usb_hub\"\nlink = \"usb:2109:3431\"\n",
     "\"hub_port\" is missing"},
    {"hub_that_is_no_device", bench, supply, "driver = \"power_usb_hub\"\nlink = \"virtual:supply\"\nhub_port = 1\n",
     "expected usb:<vendor>:<product>"},
    {"hub_with_a_voltage", bench, supply,
     "driver = \"power_usb_hub\"\nlink = \"usb:2109:3431\"\nhub_port = 1\nvoltage = \"5 V\"\n",
     "unknown key \"voltage\""},
    {"virtual_and_real", bench, "\"virtual:robot\"", "\"tcp:127.0.0.1:4000\"", "expected all links virtual: or none"},
    {"contact_real", bench, "\"virtual:contact\"", "\"tcp:127.0.0.1:4000\"", "expected all links virtual: or none"},
    {"profile_absent", bench, "../terminals/fixture.toml", "../terminals/absent.toml",
     "benches/virtual.toml:9:11: expected the name of a file, relative to this one"},
    {"profile_is_a_folder", bench, "../terminals/fixture.toml", "../terminals",
     "benches/virtual.toml:9:11: expected the name of a file"},
    {"profile_is_absolute", bench, "../terminals/fixture.toml", (project / "fixtures/terminals/fixture.toml").string(),
     "benches/virtual.toml:9:11: expected the name of a file, relative to this one"},
    {"profile_name_too_long", bench, "../terminals/fixture.toml", std::string(5000, 'x'),
     "benches/virtual.toml:9:11: expected the name of a file"},
    {"profile_name_with_zero", bench, "../terminals/fixture.toml", "../terminals/fixture.toml\\u0000x",
     "benches/virtual.toml:9:11: expected the name of a file"},
    {"swipes_unknown", bench, "[stand_in] ", "[stand_in]\nswipes = \"audio\" ",
     "expected one of flux, text, found \"audio\""},
    {"swipes_as_text_where_there_is_a_head", bench, "[stand_in] ", "[stand_in]\nswipes = \"text\" ",
     "expected flux: the terminal of a virtual bench has a head"},
    {"card_without_tracks", bench, "track2 = \";6212345678901232=30125010000000000000?\"\n", "",
     "expected a card with at least one track"},
    {"card_jitter_out_of_range", bench, "[stand_in.cards.credit]", "[stand_in.cards.credit]\njitter_per_mille = 301",
     "expected a whole number from 0 to 300, found 301"},
    {"card_dropout_out_of_range", bench, credit, credit + "\ndropout_per_million = 1000001",
     "expected a whole number from 0 to 1000000, found 1000001"},
    {"card_burst_out_of_range", bench, credit, credit + "\nburst_per_million = -1", "expected a whole number from 0"},
    {"card_density_out_of_range", bench, credit, credit + "\ndensity_per_mille = 919",
     "expected a whole number from 920 to 1080, found 919"},
    {"card_strength_out_of_range", bench, credit, credit + "\nstrength_per_mille = 1301",
     "expected a whole number from 0 to 1300, found 1301"},
    {"card_dirt_without_unit", bench, credit, credit + "\ndirt = 10", "expected a quantity in um, from 0 to 500 um"},
    {"card_dirt_of_wrong_unit", bench, credit, credit + "\ndirt = \"1 mm\"", "expected a quantity in um"},
    {"card_tilt_out_of_range", bench, credit, credit + "\ntilt = \"21 deg\"", "expected a quantity in deg or mdeg"},
    {"card_erased_backwards", bench, credit, credit + "\nerased_mm = [40, 30]",
     "expected a whole number from 41 to 86"},
    {"card_erased_at_one_place", bench, credit, credit + "\nerased_mm = [40]", "expected two places in mm, [from, to]"},
    {"card_scratched_beside", bench, credit, credit + "\nscratches_mm = [86]", "expected a whole number from 0 to 85"},
    {"card_passes_negative", bench, credit, credit + "\npasses = -1", "expected a whole number from 0"},
    {"card_without_life", bench, credit, credit + "\nlife_passes = 0", "expected a whole number from 1"},
    {"card_lies_sideways", bench, credit, credit + "\nlies = \"sideways\"",
     "expected one of front, back, upside_down, found \"sideways\""},
    {"card_for_cleaning_with_a_track", bench, credit, credit + "\ncleaning = true", "or a cleaning card without any"},
    {"reader_unknown_key", bench, stand_in, "[stand_in.reader]\nbrand = 1\n" + stand_in, "unknown key \"brand\""},
    {"reader_dirt_out_of_range", bench, stand_in, "[stand_in.reader]\ndirt = \"501 um\"\n" + stand_in,
     "expected a quantity in um, from 0 to 500 um"},
    {"reader_without_life", bench, stand_in, "[stand_in.reader]\nlife_passes = 0\n" + stand_in,
     "expected a whole number from 1"},
    {"lie_of_no_card", bench, power, "[actuator.cards_lie]\ngold = { face = \"back\" }\n" + power,
     "expected one of the cards in cards_mm as a name, not gold"},
    {"lie_of_the_good_card", bench, power, "[actuator.cards_lie]\ndebit = { face = \"back\" }\n" + power,
     "expected a card that lies straight"},
    {"lie_unknown", bench, power, "[actuator.cards_lie]\ncredit = { face = \"left\" }\n" + power,
     "expected one of front, back, upside_down"},
    {"settable_is_no_word", bench, "acceleration_mm_s2 = 15000",
     "acceleration_mm_s2 = 15000\nacceleration_settable = \"yes\"", "expected true or false"},
    {"card_with_more", bench, "[stand_in.cards.credit]", "[stand_in.cards.credit]\npin = \"1234\"",
     "unknown key \"pin\""},
    {"no_stand_in", bench, "[stand_in]", "[standin]", "benches/virtual.toml:64:1: \"contact\" is missing"},
    // terminal profile
    {"profile_unknown_key", terminal, "[reader]", "[reader]\ncolour = 1",
     "terminals/fixture.toml:31:10: unknown key \"colour\""},
    {"merchant_too_short", terminal, "999000000000001", "99900000000000",
     "terminals/fixture.toml:10:12: expected 15 characters"},
    {"terminal_too_long", terminal, "99900001", "999000012", "terminals/fixture.toml:11:12: expected 8 characters"},
    {"timeout_too_short", terminal, "answer_timeout = \"10 s\"", "answer_timeout = \"9 s\"",
     "terminals/fixture.toml:14:18: expected a duration with its unit (s, ms, us) from 10 s to 120 s, found \"9 s\""},
    {"timeout_without_unit", terminal, "answer_timeout = \"10 s\"", "answer_timeout = 10",
     "terminals/fixture.toml:14:18: expected a duration"},
    {"limit_within_timeout", terminal, "no_return_limit = \"25 s\"", "no_return_limit = \"10 s\"",
     "terminals/fixture.toml:28:19: expected a duration with its unit (s, ms, us) from 11 s"},
    {"tries_zero", terminal, "reversal_tries = 3", "reversal_tries = 0",
     "terminals/fixture.toml:17:18: expected a whole number from 1 to 9"},
    {"after_last_try_unknown", terminal, "\"keep\"", "\"forget\"", "expected one of keep, clear_and_report"},
    {"speeds_crossed", terminal, "1524 mm/s", "75 mm/s",
     "terminals/fixture.toml:33:13: expected a quantity in mm/s, from 76"},
    {"bidirectional_is_no_word", terminal, "bidirectional = false", "bidirectional = \"no\"",
     "terminals/fixture.toml:31:17: expected true or false"},
    {"rule_of_unknown_place", terminal, "place = \"ecr\"", "place = \"lamp\"", "expected one of screen, receipt, ecr"},
    {"rule_of_network_milestone", terminal, "milestone = \"booted\"", "milestone = \"request_left\"",
     "expected one of card_wanted, card_read, "},
    {"says_is_no_list", terminal, "[keys]", "says = 1\n[keys]", "terminals/fixture.toml"},
    // host profile
    {"prefix_unknown", host, "\"binary\"", "\"decimal\"",
     "hosts/unionpay.toml:13:17: expected one of binary, binary_with_itself, bcd, ascii"},
    {"header_too_long", host, "header_bytes = 6", "header_bytes = 7",
     "hosts/unionpay.toml:16:16: expected a whole number from 0 to 6"},
    {"mac_unknown", host, "mac = \"unionpay_ecb\"", "mac = \"crc\"",
     "hosts/unionpay.toml:6:7: expected one of unionpay_ecb"},
    {"code_of_three", host, "\"25\"", "\"255\"",
     "hosts/unionpay.toml:8:36: expected a response code of two characters"},
    {"codes_no_list", host, "[\"00\", \"12\", \"25\"]", "\"00\"", "hosts/unionpay.toml:8:23: expected a list"},
    {"keys_absent", host, "\"test_keys.toml\"", "\"no_keys.toml\"",
     "hosts/unionpay.toml:10:13: expected the name of a file"},
    {"host_framing_missing", host, "[framing]", "[frame]", ": \"framing\" is missing"},
    // keys
    {"check_value_wrong", keys, "08D7B4FB", "08D7B4FC",
     "hosts/test_keys.toml:7:15: expected the check value of this key, 08D7B4FB"},
    {"key_changed", keys, "3131313131313131", "3231313131313131",
     "hosts/test_keys.toml:15:15: expected the check value of this key"},
    {"key_of_odd_length", keys, "3131313131313131", "313131313131313",
     "hosts/test_keys.toml:14:7: expected 16 or 32 hexadecimal digits"},
    {"key_without_quotes", keys, "\"3131313131313131\"", "3131313131313131",
     "hosts/test_keys.toml:14:7: expected 16 or 32 hexadecimal digits in quotes"},
    {"key_of_three_parts", keys, "3131313131313131", std::string(48, '3'),
     "hosts/test_keys.toml:14:7: expected 16 or 32 hexadecimal digits"},
    {"key_missing", keys, "[mac]", "[max]", ": \"mac\" is missing"},
};
INSTANTIATE_TEST_SUITE_P(Files, BenchWrong, testing::ValuesIn(wrong),
                         [](const testing::TestParamInfo<Wrong>& one) { return one.param.name; });

// a check value tells that a key is wrong; it must not tell the key
TEST_F(BenchFiles, RefusalsOfKeysDoNotShowThem) {
  const std::string said = refused(keys, "check_value = \"08D7B4FB\"", "check_value = \"00000000\"");
  EXPECT_THAT(said, HasSubstr("check value"));
  EXPECT_THAT(said, testing::Not(HasSubstr("0123456789ABCDEF")));
  EXPECT_THAT(refused(keys, "3131313131313131", "31313131313131"), testing::Not(HasSubstr("313131")));
}

TEST_F(BenchFiles, ABenchOfEquipmentNeedsNoStandIns) {
  std::string text = read_text(folder / "benches/realtime.toml");
  folder.write("benches/realtime.toml", text.substr(0, text.find("[stand_in]")));
  EXPECT_EQ(read("benches/realtime.toml"), "");
  text = read_text(folder / bench);
  folder.write(bench, text.substr(0, text.find("[stand_in]")));
  EXPECT_THAT(read(), HasSubstr("a virtual bench needs [stand_in]"));
}

/// Damages one file 2,000 times: the bench is read or refused, never anything else.
void damage(const std::string& file, const std::string& bench_file, std::uint32_t source) {
  const Folder folder;
  for (const char* sub : {"benches", "terminals", "hosts"}) {
    fs::copy(project / "fixtures" / sub, folder.path() / sub, fs::copy_options::recursive);
  }
  const std::string good = read_text(folder / file);
  int read = 0, refused = 0;
  for (std::uint32_t i = 0; i < 2'000; ++i) {
    Draws draws(1, 0, i, source);
    const std::string text = damaged(good, draws);
    folder.write(file, text);
    try {
      read_bench(folder / bench_file);
      ++read;
    } catch (const ConfigError& e) {
      ++refused;
      if (std::string_view(e.what()).empty()) ADD_FAILURE() << "a refusal that says nothing, " << i;
    } catch (const std::exception& e) {
      FAIL() << "mutation " << i << ": " << e.what() << "\n" << text;
    }
  }
  EXPECT_GT(read, 40);
  EXPECT_GT(refused, 1'000);
}

TEST(BenchFileMutation, Virtual) { damage("benches/virtual.toml", "benches/virtual.toml", 1); }
TEST(BenchFileMutation, RealTime) { damage("benches/realtime.toml", "benches/realtime.toml", 2); }
TEST(BenchFileMutation, Terminal) { damage("terminals/fixture.toml", "benches/virtual.toml", 3); }
TEST(BenchFileMutation, Host) { damage("hosts/unionpay.toml", "benches/virtual.toml", 4); }
TEST(BenchFileMutation, Keys) { damage("hosts/test_keys.toml", "benches/virtual.toml", 5); }

}  // namespace
}  // namespace swiperig
