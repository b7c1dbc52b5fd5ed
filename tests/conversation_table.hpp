// Tables of what is said to a stand-in and what it must answer: a row's lines may hold `*` for any characters, and
// whatever was heard is compared whole. A row that could not fail would prove nothing, so each is also compared with
// expectations that are wrong.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/console.hpp"

namespace swiperig {

using Lines = std::vector<std::string>;

inline bool fits(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] != '*') return !text.empty() && pattern[0] == text[0] && fits(pattern.substr(1), text.substr(1));
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (fits(pattern.substr(1), text.substr(i))) return true;
  }
  return false;
}

/// "", or where what was heard is not what was wanted.
inline std::string difference(const Lines& wanted, const Lines& heard) {
  for (std::size_t i = 0; i < std::max(wanted.size(), heard.size()); ++i) {
    if (i >= wanted.size()) return "more than wanted: " + heard[i];
    if (i >= heard.size()) return "never heard: " + wanted[i];
    if (!fits(wanted[i], heard[i])) return "heard " + heard[i] + ", wanted " + wanted[i];
  }
  return {};
}

/// All lines until there is silence for so long.
inline Task<Lines> hear_all(Console& console, Duration silence) {
  Lines heard;
  for (;;) {
    std::string line = co_await console.line(silence);
    if (line == "(silence)" || line == "(closed)") co_return heard;
    heard.push_back(std::move(line));
  }
}

/// Right as it is; and wrong with a line more, a line less, or any line another one.
inline void expect_row(const Lines& wanted, const Lines& heard, const std::string& what) {
  EXPECT_EQ(difference(wanted, heard), "") << what;
  Lines wrong = wanted;
  wrong.push_back("ok");
  EXPECT_NE(difference(wrong, heard), "") << what << ": one line more is not seen";
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    wrong = wanted;
    wrong.erase(wrong.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_NE(difference(wrong, heard), "") << what << ": without line " << i;
    wrong = wanted;
    wrong[i].insert(0, "!");
    EXPECT_NE(difference(wrong, heard), "") << what << ": with another line " << i;
  }
}

}  // namespace swiperig
