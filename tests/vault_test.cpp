#include "bindings/vault.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "drivers/frame_tap.hpp"
#include "rig/trace_file.hpp"
#include "rig/wire.hpp"
#include "tests/program.hpp"

namespace swiperig {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

const std::string kTest = "6212345678901265", kOther = "6212345678901232", kPinBlock = "\x11\x22\x33\x44pinb";
const std::string kKey(64, 'a'), kForeign(64, 'b');
const Framing kFraming;

struct Fields8583 {
  std::string mti = "0200", stan = "000001", pan = {}, track2 = {}, records = {};
  bool pin = true;
};

Bytes packed(const Fields8583& f) {
  Message m;
  m.set_mti(f.mti);
  m.set(11, f.stan);
  m.set(4, "000000001234");
  if (!f.pan.empty()) m.set(2, f.pan);
  if (!f.track2.empty()) m.set(35, f.track2);
  if (!f.records.empty()) m.set(48, f.records);
  if (f.pin) m.set(52, kPinBlock);
  if (f.pin) m.set(55, "\x9f\x26 chip");
  Bytes out;
  EXPECT_FALSE(pack(m, kFraming, out));
  return out;
}

Message read(BytesView frame) {
  Message m;
  EXPECT_FALSE(unpack(frame.subspan(prefix_bytes(kFraming)), kFraming, m));
  return m;
}

std::string lower(const std::string& upper_hex) {
  std::string text = upper_hex;
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

TEST(Seal, OpensWhatItClosedAndNothingElse) {
  const Bytes key(32, 1), other(32, 2), salt(32, 3), clear = {1, 2, 3};
  const Seal seal(key, salt), again(key, salt), foreign(other, salt), next_run(key, Bytes(32, 4));
  const Bytes closed = seal.close(7, clear, bytes_of("beside"));
  EXPECT_EQ(closed.size(), clear.size() + Seal::kTagBytes);
  EXPECT_EQ(again.open(7, closed, bytes_of("beside")), clear);
  EXPECT_EQ(seal.open(8, closed, bytes_of("beside")), std::nullopt);
  EXPECT_EQ(seal.open(7, closed, bytes_of("besides")), std::nullopt);
  EXPECT_EQ(foreign.open(7, closed, bytes_of("beside")), std::nullopt);
  EXPECT_EQ(next_run.open(7, closed, bytes_of("beside")), std::nullopt);
  for (std::size_t i = 0; i < closed.size(); ++i) {
    Bytes changed = closed;
    changed[i] ^= 1;
    EXPECT_EQ(seal.open(7, changed, bytes_of("beside")), std::nullopt) << i;
  }
  EXPECT_EQ(seal.open(7, Bytes(15), {}), std::nullopt) << "shorter than a tag";
  EXPECT_EQ(seal.mark(), again.mark());
  EXPECT_NE(seal.mark(), foreign.mark());
  EXPECT_NE(seal.mark(), next_run.mark());
  EXPECT_NE(seal.close(8, clear, {}), seal.close(7, clear, {}));
  EXPECT_EQ(seal.open(9, seal.close(9, {}, {}), {}), Bytes{}) << "of nothing";
}

TEST(TestCardFrame, KeepsTheCardAndNeverPinChipOrAnotherCard) {
  const TestCards cards = {kTest};
  const Bytes frame =
      packed({.pan = kTest, .track2 = kTest + "=30125010000000000000", .records = "22" + kOther + "000000"});
  const auto kept = test_card_frame(frame, kFraming, cards, false);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->size(), frame.size());
  const Message m = read(*kept), was = read(frame);
  EXPECT_EQ(m.field(2), kTest);
  EXPECT_EQ(m.field(35), was.field(35));
  EXPECT_EQ(m.field(4), was.field(4));
  EXPECT_EQ(m.field(52), "********");
  EXPECT_EQ(m.field(55), std::string(was.field(55).size(), '*'));
  EXPECT_THAT(std::string(m.field(48)), Not(HasSubstr(kOther)));
  // on track 2 alone, and beside a track of another card
  EXPECT_TRUE(test_card_frame(packed({.track2 = kTest + "=3012501"}), kFraming, cards, false));
  const auto mixed = test_card_frame(packed({.pan = kTest, .track2 = kOther + "=3012501"}), kFraming, cards, false);
  ASSERT_TRUE(mixed);
  EXPECT_THAT(std::string(text_of(*mixed)), Not(HasSubstr(kOther)));
  EXPECT_EQ(read(*mixed).field(35).find(kOther.substr(6, 6)), std::string::npos);
}

TEST(TestCardFrame, TakesNothingOfACardThatIsNotDeclared) {
  const TestCards cards = {kTest};
  for (const bool answers : {false, true}) {
    EXPECT_FALSE(test_card_frame(packed({.pan = kOther}), kFraming, cards, answers));
    EXPECT_FALSE(test_card_frame(packed({.pan = kOther, .track2 = kTest + "=3012501"}), kFraming, cards, answers));
    EXPECT_FALSE(test_card_frame(packed({.pan = kTest.substr(0, 15)}), kFraming, cards, answers)) << "a part of it";
    EXPECT_FALSE(test_card_frame(packed({.pan = kTest}), kFraming, {}, answers)) << "none is declared";
    EXPECT_FALSE(test_card_frame(bytes_of("\x01no message of " + kTest), kFraming, cards, answers));
  }
  EXPECT_FALSE(test_card_frame(packed({}), kFraming, cards, false)) << "without any number";
  EXPECT_TRUE(test_card_frame(packed({.mti = "0210"}), kFraming, cards, true)) << "the answer to one of its own";
}

/// Takes everything and counts it.
struct Counted final : Tap {
  void take(const UsbTransfer&) override { ++transfers; }
  void take(const NetworkFrame& f) override {
    all += text_of(f.bytes);
    ++frames;
  }
  int transfers = 0, frames = 0;
  std::string all;
};

class VaultTest : public testing::Test {
 protected:
  VaultTest() {
    EXPECT_EQ(chmod(key(kKey, "key").c_str(), 0600), 0);
    EXPECT_EQ(chmod(key(kForeign, "foreign").c_str(), 0600), 0);
    std::filesystem::create_directories(run());
  }
  std::string key(const std::string& text, const std::string& name) const { return folder.write(name, text + "\n"); }
  std::string run() const { return folder / "run"; }
  std::string path() const { return folder / "run/vault"; }

  /// A run of one cycle in which these frames pass, request and response in turn, each on the connection of its pair.
  void record(const std::vector<Bytes>& frames, bool in_order = true) {
    RunInfo info;
    info.id = "run-1";
    info.is_virtual = false;
    info.cycles_planned = 1;
    Case c;
    c.name = "sale";
    info.cases = {c};
    TraceWriter trace(run() + "/run.trace", info, false);
    trace.begin(0, "sale", Time{});
    const auto vault =
        std::make_shared<Vault>(run(), info.id, VaultSettings{*from_hex(kKey), {kTest}}, kFraming, onward);
    FrameTap tap(vault, kFraming);
    Wire wire{HostProfile{}};
    std::uint64_t seq = 0;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const int connection = static_cast<int>(i / 2) + 1;
      const bool up = i % 2 == 0;
      tap.bytes(connection, up, frames[i], Time(1ms * static_cast<int>(i)));
      Wire::Look look = wire.look(up, frames[i]);
      look.fields.emplace_back("connection", std::to_string(connection));
      Event e;
      e.seq = ++seq;
      e.at = Time(1ms * static_cast<int>(i));
      e.source = Source::network;
      e.body = Milestone{look.stem + "_entered", look.fields};
      trace.event(e);
      vault->event(e);
    }
    EXPECT_EQ(vault->finish(), "");
    head = vault->head();
    if (!in_order) return;
    trace.vault(head);
    trace.finish(1);
  }
  void record_two() {
    record({packed({.stan = "000001", .pan = kTest}), packed({.mti = "0210", .stan = "000001", .pin = false}),
            packed({.stan = "000002", .pan = kOther}), packed({.mti = "0210", .stan = "000002", .pin = false}),
            packed({.stan = "000003", .track2 = kTest + "=3012501"})});
  }
  Said open(const std::string& key_name = "key", std::vector<std::string> more = {"--reason", "a test"}) const {
    std::vector<std::string> words = {"vault", run(), "--key", folder / key_name};
    words.insert(words.end(), more.begin(), more.end());
    return swiperig(folder, words);
  }
  std::string log() const { return read_text(path() + ".access"); }

  Folder folder;
  std::shared_ptr<Counted> onward = std::make_shared<Counted>();
  VaultHead head;
};

TEST_F(VaultTest, ShowsWholeMessagesOfTestCardsToTheHolderOfTheKey) {
  record_two();
  EXPECT_EQ(head.messages, 3) << "of five that passed";
  EXPECT_EQ(onward->frames, 5) << "all of them masked, as ever";
  const Said all = open();
  ASSERT_EQ(all.exit_code, 0) << all.err;
  EXPECT_THAT(all.out, HasSubstr("3 messages, sha256 " + hex(head.sha256)));
  EXPECT_THAT(all.out, HasSubstr("event 1 at 0.000000 s, connection 1, from the terminal"));
  EXPECT_THAT(all.out, HasSubstr("event 2 at 0.001000 s, connection 1, from the host"));
  EXPECT_THAT(all.out, HasSubstr("event 5 at 0.004000 s, connection 3, from the terminal"));
  EXPECT_THAT(all.out, HasSubstr("    2  " + kTest));
  EXPECT_THAT(all.out, HasSubstr("   35  " + kTest + "=3012501"));
  EXPECT_THAT(all.out, HasSubstr("   52  ********"));
  EXPECT_THAT(all.out, Not(HasSubstr(kOther)));
  const Said one = open("key", {"--event", "5", "--reason", "a test"});
  ASSERT_EQ(one.exit_code, 0) << one.err;
  EXPECT_THAT(one.out, HasSubstr("event 5 at"));
  EXPECT_THAT(one.out, Not(HasSubstr("event 1 at")));
  EXPECT_EQ(open("key", {"--event", "3", "--reason", "a test"}).exit_code, 2) << "an event of another card";
}

TEST_F(VaultTest, NoFileHasInTheClearWhatIsSealed) {
  record_two();
  open();
  for (const char* name : {"vault", "vault.access", "run.trace"}) {
    const std::string text = lower(read_text(run() + "/" + name));
    for (const std::string& secret : {kTest, kOther, kPinBlock}) {
      EXPECT_EQ(text.find(lower(secret)), std::string::npos) << name;
      EXPECT_EQ(text.find(lower(to_hex(bytes_of(secret)))), std::string::npos) << name;
    }
  }
  EXPECT_EQ(onward->all.find(kTest), std::string::npos);
  for (const char* name : {"vault", "vault.access"}) {
    struct stat at = {};
    ASSERT_EQ(stat((run() + "/" + name).c_str(), &at), 0);
    EXPECT_EQ(at.st_mode & 0777, 0600U) << name;
  }
}

TEST_F(VaultTest, EveryOpeningIsLoggedBeforeAnythingIsShown) {
  record_two();
  ASSERT_EQ(open().exit_code, 0);
  ASSERT_EQ(open("key", {"--event", "1", "--reason", "case " + kOther}).exit_code, 0);
  const std::string text = log();
  EXPECT_THAT(text, HasSubstr("\n1|20"));
  EXPECT_THAT(text, HasSubstr("|" + std::to_string(getuid()) + " "));
  EXPECT_THAT(text, HasSubstr("|all 3 messages|a test|"));
  EXPECT_THAT(text, HasSubstr("|event 1|case 621234******1232|")) << "no number gets in by way of the reason";
  // refused is what has no reason, or one that is more than a line
  for (const char* reason : {"", "  ", "two\nlines", "a|b"}) {
    EXPECT_EQ(open("key", {"--reason", reason}).exit_code, 2) << reason;
  }
  EXPECT_EQ(log(), text);
  // where it cannot be written, nothing is shown
  std::filesystem::rename(path() + ".access", folder / "elsewhere");
  const Said gone = open();
  EXPECT_EQ(gone.exit_code, 2);
  EXPECT_THAT(gone.err, HasSubstr("vault.access: nothing is shown without its access log"));
  EXPECT_EQ(gone.out, "");
}

TEST_F(VaultTest, ALogThatWasChangedIsNamedAndNothingIsShown) {
  record_two();
  ASSERT_EQ(open().exit_code, 0);
  ASSERT_EQ(open().exit_code, 0);
  const std::string text = log();
  const std::size_t second = text.find("\n1|") + 1, third = text.find("\n2|") + 1;
  const std::pair<std::string, const char*> damages[] = {
      {replaced(text, "a test", "no test"), ":2:1: changed"},
      {text.substr(0, second) + text.substr(third), ":2:1: changed"},
      {text.substr(0, text.size() - 1), ":3:1: truncated"},
      {text + "3|2026-01-01T00:00:00Z|0 root|all 3 messages|forged|" + std::string(64, '0') + "\n", ":4:1: changed"},
      {"", "truncated: nothing is in it"}};
  for (const auto& [damaged, said] : damages) {
    folder.write("run/vault.access", damaged);
    const Said refused = open();
    EXPECT_EQ(refused.exit_code, 2) << said;
    EXPECT_THAT(refused.err, HasSubstr(said));
    EXPECT_THAT(refused.err, HasSubstr("vault.access"));
    EXPECT_EQ(refused.out, "");
  }
  folder.write("run/vault.access", text);
  EXPECT_EQ(open().exit_code, 0) << "the twin";
}

TEST_F(VaultTest, AForeignKeyIsRefused) {
  record_two();
  const std::string before = log();
  const Said refused = open("foreign");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("foreign: a foreign key"));
  EXPECT_EQ(refused.out, "");
  EXPECT_EQ(log(), before);
  key("aa", "short");
  chmod((folder / "short").c_str(), 0600);
  EXPECT_THAT(open("short").err, HasSubstr("short:1:1: expected a key of 64 hex digits"));
  chmod((folder / "key").c_str(), 0640);
  EXPECT_THAT(open().err, HasSubstr("others can read this key"));
  EXPECT_THAT(open("nobody").err, HasSubstr("nobody: expected a vault's key file"));
}

TEST_F(VaultTest, AChangedOrTruncatedFileIsRefusedByName) {
  record_two();
  const std::string text = read_text(path());
  const std::size_t last = text.rfind("\n3|") + 1, middle = text.find("\n2|") + 1;
  std::string flipped = text;
  flipped[last - 2] = flipped[last - 2] == '0' ? '1' : '0';
  const std::pair<std::string, const char*> damages[] = {
      {flipped, "vault: changed"},
      {replaced(text, "\n2|2|", "\n2|1|"), "vault: changed"},
      {text.substr(0, last), "vault: truncated: 2 messages, and its trace names 3"},
      {text.substr(0, text.size() - 1), "vault:4:1: truncated"},
      {text.substr(0, text.size() - 9), "vault:4:1: truncated"},
      {text.substr(0, middle) + text.substr(last), "vault:3:1: not as it was written: expected message 2"},
      {text + text.substr(last), "vault:5:1: not as it was written"},
      {replaced(text, "|run-1|", "|run-2|"), "the vault of another run, run-2"},
      {"", "truncated"},
      {"hello\n", "vault:1:1: not as it was written"}};
  for (const auto& [damaged, said] : damages) {
    folder.write("run/vault", damaged);
    const Said refused = open();
    EXPECT_EQ(refused.exit_code, 2) << said;
    EXPECT_THAT(refused.err, HasSubstr(said));
    EXPECT_EQ(refused.out, "");
    EXPECT_EQ(swiperig(folder, {"judge", run()}).exit_code, 2) << "found without a key, too";
  }
  folder.write("run/vault", text);
  EXPECT_EQ(open().exit_code, 0) << "the twin";
  EXPECT_THAT(swiperig(folder, {"judge", run()}).out, HasSubstr("vault: 3 messages"));
  std::filesystem::remove(path());
  EXPECT_THAT(swiperig(folder, {"judge", run()}).err, HasSubstr("there is no vault"));
}

TEST_F(VaultTest, OfARunThatDidNotEndInOrderNothingSaysThatItIsWhole) {
  record({packed({.pan = kTest}), packed({.mti = "0210", .pin = false})}, false);
  const Said said = open();
  EXPECT_EQ(said.exit_code, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr("the run did not end in order: nothing proves that they are all"));
  // each message is proved all the same
  const std::string text = read_text(path());
  folder.write("run/vault", replaced(text, "\n1|1|", "\n1|7|"));
  EXPECT_THAT(open().err, HasSubstr("vault:2:1: changed"));
}

TEST_F(VaultTest, AMessageThatNoEventTellsIsKeptWithoutOne) {
  const auto vault = std::make_shared<Vault>(run(), "run-1", VaultSettings{*from_hex(kKey), {kTest}}, kFraming, onward);
  const Bytes frame = packed({.pan = kTest});
  for (int i = 0; i < 100; ++i) vault->take_whole(1, true, frame, Time(1ms));
  EXPECT_EQ(vault->head().messages, 36) << "it waits for the events of 64 at most";
  EXPECT_EQ(vault->finish(), "");
  EXPECT_EQ(vault->head().messages, 100);
  const StoredVault stored(run());
  EXPECT_EQ(stored.head, vault->head());
  for (const StoredMessage& m : stored.messages) EXPECT_EQ(m.event, 0U);
  EXPECT_NE(stored.messages[0].sealed, stored.messages[1].sealed) << "the same frame";
}

TEST_F(VaultTest, IsNeverOverwritten) {
  record_two();
  EXPECT_THROW(Vault(run(), "run-1", VaultSettings{*from_hex(kKey), {kTest}}, kFraming, onward), TraceError);
}

class VaultSection : public testing::Test {
 protected:
  VaultSection() {
    for (const char* sub : {"benches", "terminals", "hosts"}) {
      std::filesystem::copy(project / "fixtures" / sub, folder.path() / sub, std::filesystem::copy_options::recursive);
    }
    folder.write("benches/key", kKey);
    chmod((folder / "benches/key").c_str(), 0600);
  }
  std::string read(const std::string& section, const std::string& name = "realtime.toml") const {
    const auto bench =
        folder.write("benches/mine.toml", "schema = 1\nextends = \"" + name + "\"\nname = \"mine\"\n" + section);
    try {
      last = read_bench(bench).vault;
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  }
  mutable std::optional<VaultSettings> last;
  Folder folder;
};

TEST_F(VaultSection, DeclaresTestCardsAndTheirKey) {
  const std::string good = "[vault]\nkey_file = \"key\"\ntest_cards = [\"" + kTest + "\"]\n";
  EXPECT_EQ(read(good), "");
  ASSERT_TRUE(last);
  EXPECT_EQ(last->test_cards, TestCards{kTest});
  EXPECT_EQ(last->key, *from_hex(kKey));
  EXPECT_EQ(read(""), "");
  EXPECT_FALSE(last) << "without the section there is none";
  const std::pair<std::string, const char*> wrong[] = {
      {replaced(good, "\"key\"", "\"nobody\""), "mine.toml:5:12: expected the name of a file"},
      {replaced(good, kTest, "6212345678901266"), "mine.toml:6:15: expected the whole number of a test card"},
      {replaced(good, kTest, "621234"), "mine.toml:6:15: expected the whole number of a test card"},
      {replaced(good, "[\"" + kTest + "\"]", "[]"), "at least one number"},
      {replaced(good, "\"]", "\", \"" + kTest + "\"]"), "each once"},
      {replaced(good, "test_cards", "cards"), "test_cards"},
      {good + "more = 1\n", "unknown key \"more\""}};
  for (const auto& [section, said] : wrong) {
    EXPECT_THAT(read(section), HasSubstr(said));
    EXPECT_THAT(read(section), Not(HasSubstr("6212345678901266"))) << "not told in an error either";
  }
  EXPECT_THAT(read(good, "virtual.toml"), HasSubstr("mine.toml:5:12: expected no [vault]: a virtual bench"));
  EXPECT_THAT(read("[network]\ntls = \"opaque\"\n" + good), HasSubstr("no message is seen"));
  chmod((folder / "benches/key").c_str(), 0644);
  EXPECT_THAT(read(good), HasSubstr("others can read this key"));
}

}  // namespace
}  // namespace swiperig
