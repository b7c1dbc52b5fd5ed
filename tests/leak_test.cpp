// Card data and keys leave the equipment nowhere: what a run writes is searched byte by byte, in every dress a number
// or a key could wear, by a scanner that first has to find all of what was planted for it.
#include <gmock/gmock.h>

#include "rig/bytes.hpp"
#include "tests/program.hpp"

namespace swiperig {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string base64(std::string_view bytes) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<std::uint8_t>(c);
    for (count += 8; count >= 6; count -= 6) out += letters[(bits >> (count - 6)) & 63];
  }
  return out;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string wide(std::string_view text, bool big_endian) {
  std::string out;
  for (const char c : text) out += big_endian ? std::string{'\0', c} : std::string{c, '\0'};
  return out;
}

struct Needle {
  std::string name, bytes;
};

/// The dresses of one text or one byte string.
void dress(const std::string& name, const std::string& bytes, std::vector<Needle>& out) {
  const std::string hex = to_hex(bytes_of(bytes));
  out.push_back({name + " plain", bytes});
  out.push_back({name + " HEX", hex});
  out.push_back({name + " hex", lower(hex)});
  out.push_back({name + " utf-16le", wide(bytes, false)});
  out.push_back({name + " utf-16be", wide(bytes, true)});
  for (std::size_t offset = 0; offset < 3; ++offset) {
    // whole sextets of the value only, wherever in the stream it begins
    const std::size_t skip = (3 - offset) % 3;
    std::string part = base64(bytes.substr(skip, (bytes.size() - skip) / 3 * 3));
    out.push_back({name + " base64 at " + std::to_string(offset), part});
  }
}

/// A number also as packed digits, on a byte and on a nibble.
void dress_digits(const std::string& name, const std::string& digits, std::vector<Needle>& out) {
  dress(name, digits, out);
  const auto packed = [](const std::string& even) {
    const auto bytes = from_hex(even);
    return std::string(text_of(*bytes));
  };
  out.push_back({name + " bcd", packed(digits.substr(0, digits.size() / 2 * 2))});
  out.push_back({name + " bcd shifted", packed(digits.substr(1, (digits.size() - 1) / 2 * 2))});
  out.push_back({name + " hex of bcd", to_hex(bytes_of(packed(digits.substr(0, digits.size() / 2 * 2))))});
}

const std::vector<std::string> pans = {"6212345678901265", "6212345678901232"};
const std::string track_rest = "30125010000000000000";
const std::vector<std::string> secret_keys = {"0123456789ABCDEFFEDCBA9876543210", "10101010101010102020202020202020",
                                              "3131313131313131"};

std::vector<Needle> needles() {
  std::vector<Needle> out;
  for (const std::string& pan : pans) {
    dress_digits("pan " + pan.substr(12), pan, out);
    for (const char separator : {'=', 'D', 'd'}) out.push_back({"track", pan.substr(4) + separator});
  }
  dress_digits("discretionary", track_rest, out);
  for (const std::string& key : secret_keys) {
    const auto bytes = from_hex(key);
    dress("key " + key.substr(0, 4), std::string(text_of(*bytes)), out);
  }
  return out;
}

std::vector<std::string> found_in(std::string_view haystack) {
  std::vector<std::string> found;
  for (const Needle& n : needles()) {
    if (haystack.find(n.bytes) != std::string_view::npos) found.push_back(n.name);
  }
  return found;
}

/// Longest run of digits in the text that contains the start of the test cards' numbers.
std::vector<std::string> numbers_in(const std::string& text) {
  std::vector<std::string> long_ones;
  for (std::size_t at = text.find("621234"); at != std::string::npos; at = text.find("621234", at + 1)) {
    std::size_t end = at;
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end]))) ++end;
    if (end - at > 6) long_ones.push_back(text.substr(at, end - at));
  }
  return long_ones;
}

TEST(Leak, TheScannerFindsWhatIsPlanted) {
  const std::vector<Needle> all = needles();
  std::size_t found = 0;
  for (const Needle& n : all) {
    EXPECT_GE(n.bytes.size(), 7u) << n.name << " would be found by chance";
    const std::string file = std::string(1000, 'x') + n.bytes + std::string(1000, 'y');
    const auto seen = found_in(file);
    EXPECT_THAT(seen, testing::Contains(n.name));
    found += !seen.empty();
  }
  EXPECT_EQ(found, all.size());
  EXPECT_THAT(found_in(std::string(100'000, '3') + "621234******1265"), IsEmpty());
  // a value inside base64 of something longer is found whatever its offset
  for (const char* before : {"", "a", "ab", "abc"}) {
    EXPECT_FALSE(found_in(base64(before + pans[0] + "=3012")).empty()) << before;
    EXPECT_FALSE(found_in(base64(before + std::string(text_of(*from_hex(secret_keys[0]))))).empty()) << before;
  }
  EXPECT_THAT(numbers_in("pan 621234567890****"), ElementsAre("621234567890"));
  EXPECT_THAT(numbers_in("pan 621234******1265"), IsEmpty());
}

void expect_clean(const Folder& folder, const std::string& directory, int cycles) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (!entry.is_regular_file()) continue;
    const std::string bytes = read_text(entry.path());
    EXPECT_THAT(found_in(bytes), IsEmpty()) << entry.path();
    EXPECT_THAT(numbers_in(bytes), IsEmpty()) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 5u) << "trace, summary, report and what the run said";
  const std::string trace = read_text(folder / (directory + "/run.trace"));
  EXPECT_NE(trace.find("621234******"), std::string::npos) << "no masked number either: there was nothing to leak";
  for (int cycle = 0; cycle < cycles; ++cycle) {
    const Said told = swiperig(folder, {"explain", directory, "--cycle", std::to_string(cycle)});
    EXPECT_EQ(told.exit_code, 0);
    EXPECT_THAT(found_in(told.out + told.err), IsEmpty()) << cycle;
    EXPECT_THAT(numbers_in(told.out + told.err), IsEmpty()) << cycle;
  }
}

TEST(Leak, ACampaignLeavesNoCardDataBehind) {
  const Folder folder;
  ASSERT_EQ(swiperig(folder, {"run", demonstration, "--cycles", "22", "--out", "r"}).exit_code, 0);
  expect_clean(folder, "r", 22);
}

TEST(Leak, NorDoDefects) {
  for (const char* defect : {"accepts_wrong_mac", "hangs_on_misread"}) {
    const Folder folder;
    ASSERT_EQ(swiperig(folder, {"run", demonstration, "--cycles", "11", "--defect", defect, "--out", "r"}).exit_code,
              1);
    expect_clean(folder, "r", 11);
  }
}

// words about files: plan, check and refusals never show what the files keep
TEST(Leak, NorDoPlanAndCheck) {
  const Folder folder;
  const std::string bench = (project / "fixtures/benches/virtual.toml").string();
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"plan", demonstration}, {"check", bench}}) {
    const Said said = swiperig(folder, arguments);
    EXPECT_EQ(said.exit_code, 0);
    EXPECT_THAT(found_in(said.out + said.err), IsEmpty());
  }
}

}  // namespace
}  // namespace swiperig
