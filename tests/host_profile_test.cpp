// Acquirers as files: the demonstration campaign passes with every shipped one, with every kind of MAC and every
// framing, and what is wrong in a file is refused at its place.
#include <gmock/gmock.h>

#include <algorithm>
#include <boost/json.hpp>

#include "bindings/config.hpp"
#include "bindings/host_file.hpp"
#include "rig/trace_file.hpp"
#include "tests/program.hpp"

namespace swiperig {
namespace {

using testing::HasSubstr;
using testing::Not;

namespace fs = std::filesystem;

const std::string no_return = (project / "fixtures/campaigns/no_return.toml").string();

/// MACs seen on the wire: "ok" and how often.
std::map<std::string, int> macs_of(const std::string& directory) {
  std::map<std::string, int> macs;
  const TraceReader trace(directory + "/run.trace");
  trace.for_each([&](const CycleRecord& c) {
    for (const Event& e : c.events) {
      const auto* m = std::get_if<Milestone>(&e.body);
      if (m != nullptr && m->name.ends_with("_left")) ++macs[std::string(field(m->fields, "mac"))];
    }
  });
  return macs;
}

class HostProfiles : public testing::TestWithParam<std::string> {};

TEST_P(HostProfiles, TheDemonstrationPassesAndEveryMacIsRight) {
  const Folder folder;
  const std::string profile = (project / "fixtures/hosts" / (GetParam() + ".toml")).string();
  const Said run = swiperig(folder, {"run", no_return, "--host", profile, "--cycles", "11", "--out", "d"});
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  const auto macs = macs_of(folder / "d");
  EXPECT_GT(macs.at("ok"), 40);
  EXPECT_EQ(macs.at("wrong"), 1) << "the forged one";
  EXPECT_EQ(macs.count("unchecked"), 0U);
}
INSTANTIATE_TEST_SUITE_P(Shipped, HostProfiles, testing::Values("unionpay", "x9_19", "dukpt", "sm4"));

struct Made {
  const char *mac, *mac_key, *sign_in, *layout, *prefix;
  bool tpdu;
  int header_bytes;
  friend void PrintTo(const Made& m, std::ostream* out) { *out << m.mac << " " << m.sign_in << " " << m.layout; }
};
const char* const kSingle = "3131313131313131";
const char* const kDouble = "31313131313131313737373737373737";
const Made kMade[] = {{"unionpay_ecb", kSingle, "001", "bare", "binary", false, 6},
                      {"unionpay_ecb", kDouble, "003", "filled", "bcd", true, 0},
                      {"x9_9", kSingle, "003", "bare", "ascii", true, 6},
                      {"x9_9", kSingle, "004", "filled", "binary_with_itself", false, 0},
                      {"x9_19_pad1", kDouble, "004", "bare", "binary", true, 3},
                      {"tdes_ecb", kDouble, "003", "filled", "binary", true, 6},
                      {"tdes_cbc", kDouble, "003", "filled", "bcd", false, 6},
                      {"sm4_cbc", kDouble, "003", "bare", "ascii", false, 0},
                      {"none", kSingle, "003", "bare", "binary", true, 6}};

std::string key_section(const char* name, Cipher cipher, const char* key) {
  const auto check = CipherKey::make(cipher, *from_hex(key))->check_value();
  return std::string("[") + name + "]\nkey = \"" + key + "\"\ncheck_value = \"" + to_hex(check) + "\"\n";
}

std::string write_profile(const Folder& folder, const Made& m) {
  const Cipher cipher = std::string(m.mac).starts_with("sm4") ? Cipher::sm4 : Cipher::des;
  folder.write("keys.toml", "schema = 1\n" + key_section("master", cipher, "0123456789ABCDEFFEDCBA9876543210") +
                                key_section("pin", cipher, "10101010101010102020202020202020") +
                                key_section("mac", cipher, m.mac_key) +
                                key_section("track", cipher, "41414141414141414242424242424242"));
  return folder.write("host.toml", std::string("schema = 1\nacquirer = \"made\"\nmac = \"") + m.mac +
                                       "\"\nissuer_timeout = \"5 s\"\nreversal_done_codes = [\"00\", \"12\", \"25\"]\n"
                                       "test_keys = \"keys.toml\"\n[framing]\nlength_prefix = \"" +
                                       m.prefix + "\"\ntpdu = " + (m.tpdu ? "true" : "false") +
                                       "\nheader_bytes = " + std::to_string(m.header_bytes) + "\n[keys]\nlayout = \"" +
                                       m.layout + "\"\nsign_in = \"" + m.sign_in + "\"\n");
}

class MadeProfiles : public testing::TestWithParam<Made> {};

TEST_P(MadeProfiles, EveryMacLayoutAndFramingCarriesASale) {
  const Folder folder;
  const std::string profile = write_profile(folder, GetParam());
  const Said run = swiperig(folder, {"run", no_return, "--host", profile, "--cycles", "7", "--out", "d"});
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  const auto macs = macs_of(folder / "d");
  const bool none = std::string(GetParam().mac) == "none";
  EXPECT_GT(none ? macs.at("absent") : macs.at("ok"), 20);
  EXPECT_EQ(macs.count("wrong") + macs.count("unchecked"), 0U);
}
INSTANTIATE_TEST_SUITE_P(Made, MadeProfiles, testing::ValuesIn(kMade));

/// What reading says of a shipped host profile in which `from` became `to`; "" if nothing.
std::string refused(const std::string& file, const std::string& from, const std::string& to) {
  const Folder folder;
  for (const auto& entry : fs::directory_iterator(project / "fixtures/hosts")) {
    std::string text = read_text(entry.path().string());
    const std::string name = entry.path().filename().string();
    if (name == file) {
      const auto at = text.find(from);
      EXPECT_NE(at, std::string::npos) << from;
      text.replace(at, from.size(), to);
    }
    folder.write(name, text);
  }
  BenchFile bench = read_bench((project / "fixtures/benches/virtual.toml").string());
  try {
    const auto keys = file.find("_keys");
    read_host_profile(folder / (keys == std::string::npos ? file : file.substr(0, keys) + ".toml"), bench);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return {};
}

struct Wrong {
  const char *name, *file, *from, *to, *said;
  friend void PrintTo(const Wrong& w, std::ostream* out) { *out << w.name; }
};
class HostProfileWrong : public testing::TestWithParam<Wrong> {};

TEST_P(HostProfileWrong, IsRefusedAtItsPlace) {
  EXPECT_THAT(refused(GetParam().file, GetParam().from, GetParam().to), HasSubstr(GetParam().said));
  EXPECT_EQ(refused(GetParam().file, GetParam().from, GetParam().from), "") << "and nothing else is wrong with it";
}

INSTANTIATE_TEST_SUITE_P(
    Files, HostProfileWrong,
    testing::Values(
        Wrong{"derivation_check", "dukpt_keys.toml", "08D7B4FB", "08D7B4FA",
              "dukpt_keys.toml:7:15: expected the check value of this key, 08D7B4FB"},
        Wrong{"sm4_check_is_not_des", "sm4_keys.toml", "2677F46B", "08D7B4FB",
              "sm4_keys.toml:7:15: expected the check"},
        Wrong{"ksn_counts", "dukpt_keys.toml", "E00000", "E00001",
              "dukpt_keys.toml:8:13: expected a key serial number"},
        Wrong{"ksn_short", "dukpt_keys.toml", "FFFF98", "FF98", "dukpt_keys.toml:8:13: expected 20 hexadecimal digits"},
        Wrong{"single_key_for_x9_19", "x9_19_keys.toml", "31313131313131313737373737373737", "3131313131313131",
              "x9_19_keys.toml:14:7: expected 32 hexadecimal digits"},
        Wrong{"no_track_key", "sm4_keys.toml", "[track]", "[trace]", "sm4_keys.toml:17:1: unknown key \"trace\""},
        Wrong{"ksn_field_of_text", "dukpt.toml", "ksn_field = 62", "ksn_field = 60",
              "dukpt.toml:18:13: expected a field of raw bytes, 55 or 62"},
        Wrong{"ksn_field_without_dukpt", "sm4.toml", "sign_in = \"004\"", "ksn_field = 62",
              "sm4.toml:18:13: expected ksn_field"},
        Wrong{"keys_without_logon_keys", "sm4.toml", "\"filled\"", "\"none\"",
              "sm4.toml:17:10: expected none with dukpt"},
        Wrong{"logon_keys_with_dukpt", "dukpt.toml", "\"none\"", "\"bare\"",
              "dukpt.toml:17:10: expected none with dukpt"},
        Wrong{"single_sign_in_with_long_key", "x9_19.toml", "layout = \"bare\"", "sign_in = \"001\"",
              "x9_19.toml:9:13: expected a [mac] key of 8 bytes"},
        Wrong{"swap_without_tpdu", "dukpt.toml", "tpdu = false", "tpdu = false\ntpdu_swap = true",
              "dukpt.toml:14:13: expected tpdu_swap with tpdu = true only"},
        Wrong{"reversal_never_ends", "x9_19.toml", "of_declined = \"25\"", "of_declined = \"12\"",
              "x9_19.toml:25:1: expected of_declined to be among reversal_done_codes"},
        Wrong{"ambiguous_code", "x9_19.toml", "\"64\"", "\"00\"", "expected one of 25, 64"},
        Wrong{"issuer_silent_code", "dukpt.toml", "\"91\"", "\"00\"", "expected one of 68, 91, 98"},
        Wrong{"issuer_slower_than_the_terminal", "sm4.toml", "\"5 s\"", "\"10 s\"",
              "sm4.toml:6:18: expected less than the terminal's answer time-out of 10 s"},
        Wrong{"connection_unknown", "sm4.toml", "kept_open", "kept", "expected one of one_message, kept_open"}),
    [](const testing::TestParamInfo<Wrong>& one) { return std::string(one.param.name); });

TEST(HostProfile, RefusalsDoNotShowKeys) {
  EXPECT_THAT(refused("sm4_keys.toml", "\"31313131313131313737373737373737\"", "\"3131313131313131373737373737\""),
              Not(HasSubstr("313131")));
  EXPECT_THAT(refused("dukpt_keys.toml", "08D7B4FB", "00000000"), Not(HasSubstr("0123456789ABCDEF")));
}

}  // namespace
}  // namespace swiperig
