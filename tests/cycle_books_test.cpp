// The row of a cycle's books: what the rules read of it is in it, it comes back as it was, and nothing else is a row.
#include "rig/cycle_books.hpp"

#include <gtest/gtest.h>

#include "rig/standing.hpp"
#include "rig/transaction.hpp"
#include "tests/history.hpp"

namespace swiperig {
namespace {

CycleBooks books_of(const History& h) { return books_of(replay(h.events, full_scope()), full_scope()); }

std::string row_of(const CycleBooks& books, std::uint64_t base = 0) {
  std::string row;
  append_row(books, base, row);
  return row;
}

CycleBooks parsed(const std::string& row) {
  CycleBooks books;
  parse_row(row, books);
  return books;
}

History a_doubt_that_was_reversed() {
  History h;
  h.intent("sale", 1234);
  h.read_card();
  h.asked(1, 1234);
  h.told(1, "UNKNOWN", 1234);
  h.recover();
  h.reversed(1, 1234);
  h.good_sale(9, 100);
  h.book("journal", {History::row(1, 1234, "reversed"), History::row(9, 100, "approved")});
  h.book("ledger", {History::row(1, 1234, "reversed"), History::row(9, 100, "approved")});
  return h;
}

TEST(CycleBooks, ARowHasWhatEachBookSaidAndTheEventsThatSayIt) {
  const History h = a_doubt_that_was_reversed();
  const CycleBooks books = books_of(h);
  ASSERT_EQ(books.lines.size(), 2u);
  EXPECT_EQ(books.intents.front(), 1234);
  EXPECT_EQ(books.ledger, h.events.size());
  EXPECT_EQ(books.journal, h.events.size() - 1);
  EXPECT_EQ(books.issuer, 0u) << "no such book was read";
  const BookLine& a = books.lines[0];
  EXPECT_TRUE(a.doubt);
  EXPECT_EQ(a.told, BookState::unknown);
  EXPECT_EQ(a.journal, BookState::reversed);
  for (const std::uint64_t seq : {a.requested, a.told_at, a.reversed}) {
    EXPECT_TRUE(std::holds_alternative<Milestone>(h.events.at(seq - 1).body)) << seq;
  }
  EXPECT_EQ(std::get<Milestone>(h.events[a.reversed - 1].body).name, "reversal_response_left");
  EXPECT_EQ(parsed(row_of(books)), books);
  // in a run its events have other numbers; what did not happen has none there either
  CycleBooks later = parsed(row_of(books, 1000));
  EXPECT_EQ(later.ledger, 1000 + books.ledger);
  EXPECT_EQ(later.issuer, 0u);
  EXPECT_EQ(later.lines[0].requested, 1000 + a.requested);
  EXPECT_EQ(standings_of(later)[0].state, Standing::reversed) << "which changes nothing";
}

TEST(CycleBooks, WhatATerminalCallsItselfComesBackByteForByte) {
  CycleBooks books;
  books.lines.resize(2);
  books.lines[0].batch = "00\"]},\\\x01\x7f\n";
  books.lines[0].stan = "\xc3\xa9\xff";
  books.lines[0].ledger_minor = std::numeric_limits<std::int64_t>::min();
  books.lines[1].journal = BookState::other;
  EXPECT_EQ(parsed(row_of(books)), books);
  CycleBooks reused = books;
  parse_row(row_of({}), reused);
  EXPECT_EQ(reused, CycleBooks{}) << "of what was read before nothing is left";
}

TEST(CycleBooks, NothingElseIsARow) {
  const std::string row = row_of(books_of(a_doubt_that_was_reversed()));
  for (std::size_t n = 0; n < row.size(); ++n) EXPECT_THROW(parsed(row.substr(0, n)), std::runtime_error) << n;
  EXPECT_THROW(parsed(row + " "), std::runtime_error);
  for (const auto& [from, to] :
       std::initializer_list<std::pair<std::string, std::string>>{{"\"unknown\"", "\"UNKNOWN\""},
                                                                  {"\"sale\"", "\"sail\""},
                                                                  {"[1234,", "[12x4,"},
                                                                  {",1,0,0]", ",2,0,0]"},
                                                                  {"\"000001\"", "\"00\\n01\""},
                                                                  {"\"000001\"", "\"00\\u0g01\""},
                                                                  {"\"000001\"", "000001"}}) {
    std::string other = row;
    const auto at = other.find(from);
    ASSERT_NE(at, std::string::npos) << from << " in " << row;
    other.replace(at, from.size(), to);
    EXPECT_THROW(parsed(other), std::runtime_error) << to;
  }
  // any byte for any other: a row or refused, and never more
  for (std::size_t at = 0; at < row.size(); ++at) {
    for (int byte = 0; byte < 256; byte += 3) {
      std::string other = row;
      other[at] = static_cast<char>(byte);
      try {
        parsed(other);
      } catch (const std::runtime_error& e) {
        EXPECT_NE(std::string(e.what()).find("of its books: expected"), std::string::npos);
      }
    }
  }
}

TEST(CycleBooks, APurchaseThatIsChargedTwiceShowsInTheRow) {
  const auto bought = [](std::int64_t second) {
    History h;
    h.intent("sale", 1234);
    h.good_sale(1, 1234);
    if (second != 0) h.good_sale(2, second);
    h.recover();
    std::vector<Entry> rows = {History::row(1, 1234, "approved")};
    if (second != 0) rows.push_back(History::row(2, second, "approved"));
    h.book("journal", rows);
    h.book("ledger", rows);
    return overcharges_of(books_of(h));
  };
  ASSERT_EQ(bought(1234).size(), 1u);
  EXPECT_TRUE(bought(1234)[0].charged);
  EXPECT_FALSE(bought(1234)[0].credited);
  EXPECT_EQ(bought(1234)[0].charged_minor, 2468);
  EXPECT_EQ(bought(1234)[0].meant_minor, 1234);
  EXPECT_TRUE(bought(0).empty()) << "the twin";
}

}  // namespace
}  // namespace swiperig
