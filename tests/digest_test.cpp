#include "rig/digest.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace swiperig {
namespace {

TEST(Digest, PublishedValues) {
  EXPECT_EQ(to_hex(sha256({})), "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855");
  EXPECT_EQ(to_hex(sha256(bytes_of("abc"))), "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
  EXPECT_EQ(to_hex(sha256(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248D6A61D20638B8E5C026930C3E6039A33CE45964FF2167F6ECEDD419DB06C1");
  EXPECT_NE(sha256(bytes_of("abd")), sha256(bytes_of("abc")));
}

TEST(Digest, ChainIsTheHashOfHeadAndLine) {
  Digest head{};
  const std::string line = "2024-06-17 swipe 1\n";
  chain(head, line);
  Bytes whole(32, 0);
  whole.insert(whole.end(), line.begin(), line.end());
  EXPECT_EQ(head, sha256(whole));
  Digest second = head;
  chain(second, "");
  EXPECT_EQ(second, sha256(head));
}

TEST(Digest, AnyChangeOfTheLinesChangesTheHead) {
  const auto head_of = [](const std::vector<std::string>& lines) {
    Digest head{};
    for (const auto& line : lines) chain(head, line);
    return head;
  };
  const Digest good = head_of({"a", "b", "c"});
  EXPECT_EQ(head_of({"a", "b", "c"}), good);
  EXPECT_NE(head_of({"a", "c"}), good);
  EXPECT_NE(head_of({"b", "a", "c"}), good);
  EXPECT_NE(head_of({"a", "B", "c"}), good);
  EXPECT_NE(head_of({"ab", "", "c"}), good);
}

TEST(Digest, ThreadsAgree) {
  std::vector<Digest> heads(4);
  std::vector<std::thread> threads;
  for (auto& head : heads) {
    threads.emplace_back([&head] {
      for (int i = 0; i < 1000; ++i) chain(head, std::to_string(i));
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& head : heads) EXPECT_EQ(head, heads[0]);
  EXPECT_NE(heads[0], Digest{});
}

}  // namespace
}  // namespace swiperig
