// Keys as files: made so that nobody else reads them, never printed, and refused with file and line.
#include "bindings/keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "bindings/config.hpp"
#include "tests/program.hpp"

namespace swiperig {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

unsigned mode_of(const std::string& path) {
  struct stat at = {};
  EXPECT_EQ(stat(path.c_str(), &at), 0) << path;
  return at.st_mode & 0777U;
}

template <class Work>
std::string refused(Work work) {
  try {
    work();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "(let through)";
}

TEST(KeyFiles, AreMadeForTheirOwnerAndTheSecretIsNotPrinted) {
  const Folder folder;
  const std::string dir = folder / "deep/keys";
  const Said made = swiperig(folder, {"keys", "new", "rig", "--dir", dir});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_EQ(mode_of(dir), 0700U);
  EXPECT_EQ(mode_of(dir + "/rig.key_secret"), 0600U);
  const KeyPair pair = read_key_pair(dir + "/rig.key_secret");
  EXPECT_EQ(pair.open, public_of(pair.secret));
  EXPECT_EQ(pair.open, read_public_key(dir + "/rig.key"));
  EXPECT_THAT(read_text(dir + "/rig.key"), Not(HasSubstr(pair.secret)));
  ASSERT_EQ(swiperig(folder, {"keys", "allow", "self", dir + "/rig.key", "--role", "admin", "--dir", dir}).exit_code,
            0);
  const Said listed = swiperig(folder, {"keys", "list", dir});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_THAT(listed.out, AllOf(HasSubstr("rig"), HasSubstr("admin"), HasSubstr(pair.open)));
  for (const Said& said : {made, listed}) EXPECT_THAT(said.out + said.err, Not(HasSubstr(pair.secret)));
  const Said again = swiperig(folder, {"keys", "new", "rig", "--dir", dir});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr("is there already"));
  EXPECT_EQ(read_key_pair(dir + "/rig.key_secret").secret, pair.secret);
}

TEST(KeyFiles, WhoIsAllowedIsReadBack) {
  const Folder folder;
  const std::string dir = folder / "keys";
  const KeyPair one = new_key_pair(), two = new_key_pair();
  ASSERT_EQ(swiperig(folder, {"keys", "allow", "wall", one.open, "--role", "observer", "--dir", dir}).exit_code, 0);
  ASSERT_EQ(swiperig(folder, {"keys", "allow", "till", two.open, "--role", "operator", "--dir", dir}).exit_code, 0);
  const AllowList allowed = read_allow_list(dir + "/allow.toml");
  EXPECT_EQ(allowed.at(one.open).name, "wall");
  EXPECT_EQ(allowed.at(two.open).role, Role::operates);
  for (const auto& [words, told] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"wall", new_key_pair().open, "--role", "admin"}, "wall is listed already"},
           {{"other", one.open, "--role", "admin"}, "listed already, as wall"},
           {{"other", "short", "--role", "admin"}, "expected a public key"},
           {{"other", one.open + "x", "--role", "admin"}, "expected a public key"},
           {{"../other", new_key_pair().open, "--role", "admin"}, "expected a name"},
           {{"other", new_key_pair().open, "--role", "king"}, "--role"}}) {
    std::vector<std::string> all = {"keys", "allow"};
    all.insert(all.end(), words.begin(), words.end());
    all.insert(all.end(), {"--dir", dir});
    const Said said = swiperig(folder, all);
    EXPECT_EQ(said.exit_code, 2) << told;
    EXPECT_THAT(said.err, HasSubstr(told));
  }
  EXPECT_EQ(read_allow_list(dir + "/allow.toml").size(), 2U);
}

TEST(KeyFiles, AFolderOthersMayEnterIsRefused) {
  const Folder folder;
  folder.write("open/file", "x");
  std::filesystem::permissions(folder / "open", std::filesystem::perms(0755));
  const Said said = swiperig(folder, {"keys", "new", "rig", "--dir", folder / "open"});
  EXPECT_EQ(said.exit_code, 2);
  EXPECT_THAT(said.err, AllOf(HasSubstr("take the keys"), HasSubstr("0700")));
  EXPECT_FALSE(std::filesystem::exists(folder / "open/rig.key_secret"));
}

TEST(KeyFiles, WrongSecretFilesAreRefusedWithLineAndWithoutTheirText) {
  const Folder folder;
  const KeyPair pair = new_key_pair();
  const std::string good = "curve\n    public-key = \"" + pair.open + "\"\n    secret-key = \"" + pair.secret + "\"\n";
  const auto told = [&](const std::string& text, int mode = 0600) {
    const std::string path = folder.write("rig.key_secret", text);
    std::filesystem::permissions(path, std::filesystem::perms(mode));
    const std::string words = refused([&] { read_key_pair(path); });
    EXPECT_THAT(words, Not(HasSubstr(pair.secret)));
    return words;
  };
  EXPECT_EQ(told(good), "(let through)");
  EXPECT_THAT(told(good, 0640), HasSubstr("mode 0600"));
  EXPECT_THAT(told(""), HasSubstr("rig.key_secret"));
  EXPECT_THAT(told("curve\n    public-key = \"" + pair.open + "\"\n"), HasSubstr("expected a secret-key"));
  EXPECT_THAT(told(replaced(good, pair.open, new_key_pair().open)), HasSubstr("belongs to it"));
  EXPECT_THAT(told(replaced(good, pair.secret, "short")), HasSubstr("rig.key_secret:3:1: expected a key of 40"));
  EXPECT_THAT(told("curve\nshell\n"), HasSubstr(":2:1: expected \"metadata\" or \"curve\""));
  EXPECT_THAT(told("curve\n    secret-key " + pair.secret + "\n"), HasSubstr(":2:1: expected NAME = "));
  EXPECT_THAT(told(good + "    secret-key = \"" + pair.secret + "\"\n"), HasSubstr(":4:1: a second secret-key"));
  EXPECT_THAT(refused([&] { read_key_pair(folder / "none"); }), HasSubstr("swiperig keys new"));
}

TEST(KeyFiles, WrongAllowListsAreRefusedWithFileAndLine) {
  const Folder folder;
  const std::string key = new_key_pair().open;
  const std::string good = "[wall]\npublic_key = \"" + key + "\"\nrole = \"observer\"\n";
  const auto told = [&](const std::string& text) {
    const std::string path = folder.write("allow.toml", text);
    return refused([&] { read_allow_list(path); });
  };
  EXPECT_EQ(told(good), "(let through)");
  EXPECT_THAT(told(replaced(good, key, "short")), AllOf(HasSubstr("allow.toml:2:"), HasSubstr("40 characters")));
  EXPECT_THAT(told(replaced(good, "observer", "king")), AllOf(HasSubstr("allow.toml:3:"), HasSubstr("operator")));
  EXPECT_THAT(told("[wall]\nrole = \"observer\"\n"), AllOf(HasSubstr("allow.toml:1:"), HasSubstr("public_key")));
  EXPECT_THAT(told(good + "shell = \"x\"\n"), HasSubstr("allow.toml:4:"));
  EXPECT_THAT(told(good + replaced(good, "[wall]", "[yard]")), AllOf(HasSubstr("allow.toml:5:"), HasSubstr("wall")));
  EXPECT_THAT(told(good + good), HasSubstr("allow.toml:"));
  EXPECT_THAT(told("# nobody\n"), HasSubstr("nobody is listed"));
  EXPECT_THAT(told("wall = 7\n"), HasSubstr("allow.toml:1:"));
}

}  // namespace
}  // namespace swiperig
