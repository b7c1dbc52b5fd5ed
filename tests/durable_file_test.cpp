// Files that must not be half there: what was there stays where the new one cannot be written; a secret is its owner's.
#include "bindings/durable_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "bindings/config.hpp"
#include "tests/folder.hpp"

namespace swiperig {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

mode_t mode_of(const std::string& path) {
  struct stat at = {};
  return stat(path.c_str(), &at) == 0 ? at.st_mode & 07777 : 0;
}

TEST(DurableFile, ANewOneIsNeverWrittenOverAnother) {
  const Folder folder;
  const std::string path = folder / "key";
  write_new(path, "one\n", 0600);
  EXPECT_EQ(read_text(path), "one\n");
  EXPECT_EQ(mode_of(path), 0600u);
  EXPECT_THAT([&] { write_new(path, "two\n", 0600); }, ThrowsMessage<ConfigError>(HasSubstr("is there already")));
  EXPECT_EQ(read_text(path), "one\n");
}

TEST(DurableFile, WhatIsWrittenOverIsThereWholeOrAsItWas) {
  const Folder folder;
  const std::string path = folder / "fence";
  write_over(path, "1\n", 0600);
  folder.write("fence.new", "cut short");
  write_over(path, "2\n", 0600);
  EXPECT_EQ(read_text(path), "2\n");
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  std::filesystem::create_directory(path + ".new");
  EXPECT_THROW(write_over(path, "3\n", 0600), ConfigError);
  EXPECT_EQ(read_text(path), "2\n");
}

TEST(DurableFile, ALinkIsReplacedAndNotFollowed) {
  const Folder folder;
  const std::string elsewhere = folder.write("elsewhere", "mine\n"), path = folder / "fence";
  std::filesystem::create_symlink(elsewhere, path);
  write_over(path, "1\n", 0600);
  EXPECT_EQ(read_text(elsewhere), "mine\n");
  EXPECT_FALSE(std::filesystem::is_symlink(path));
}

TEST(DurableFile, ASecretIsItsOwnersAlone) {
  const Folder folder;
  const std::string path = folder / "key";
  write_new(path, "secret\n", 0600);
  EXPECT_TRUE(is_only_ours(path));
  for (const mode_t more : {0640u, 0604u, 0620u}) {
    ASSERT_EQ(chmod(path.c_str(), more), 0);
    EXPECT_FALSE(is_only_ours(path)) << more;
  }
  EXPECT_FALSE(is_only_ours(folder / "nothing"));
  EXPECT_FALSE(is_only_ours(folder.path().string()));
}

}  // namespace
}  // namespace swiperig
