// Reconciliation from what a trace keeps of the books: it says what the run said, and what somebody has changed there
// is refused, or found by who reads the events.
#include <gmock/gmock.h>

#include "reports/run_books.hpp"
#include "rig/trace_books.hpp"
#include "tests/ran.hpp"
#include "tests/trace_place.hpp"

namespace swiperig {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Answered {
  int exit_code = 0;
  std::string said;
};
Answered books_of(const Folder& folder) {
  testing::internal::CaptureStdout();
  Answered a;
  a.exit_code = add_up_books(folder / "d");
  a.said = testing::internal::GetCapturedStdout();
  return a;
}
Answered judged(const Folder& folder) {
  testing::internal::CaptureStdout();
  Answered a;
  a.exit_code = judge_again(folder / "d");
  a.said = testing::internal::GetCapturedStdout();
  return a;
}

Way drawn(const char* defect, std::int64_t cycles) {
  return {.campaign = (project / "fixtures/campaigns/random.toml").string(), .defect = defect, .cycles = cycles};
}

/// What a run said of its books: from their heading on.
std::string table_of(const std::string& said) {
  const auto begin = said.find("over the run ");
  const auto end = said.find(" cycles", said.find('\n', begin));
  return said.substr(begin, said.rfind('\n', end) - begin);
}

/// Does `sql` to the trace and writes the digest of books anew, as somebody would who wants to be believed.
void forge(const Folder& folder, const std::string& sql) {
  const std::string file = folder / "d/run.trace";
  query(file, sql);
  std::string rows;
  for (const auto& row : query(file, "SELECT cycle||'|'||epoch||'|'||outcome||'|'||books FROM books ORDER BY cycle"))
    rows += row[0] + "\n";
  query(file, "UPDATE contents SET books='" + lower_hex(sha256_of(rows)) + "'; PRAGMA wal_checkpoint(TRUNCATE)");
}

TEST(StoredBooks, SayWhatTheRunSaid) {
  const Folder folder;
  const Ran ran = run(folder, "d", drawn("", 400));
  const Answered books = books_of(folder);
  EXPECT_EQ(books.exit_code, 0) << books.said;
  EXPECT_THAT(books.said, HasSubstr(table_of(ran.said)));
  EXPECT_THAT(books.said, HasSubstr("400 cycles, "));
  EXPECT_THAT(books.said, HasSubstr("every unit of money is explained"));
  EXPECT_EQ(judged(folder).exit_code, 0);
}

TEST(StoredBooks, MoneyThatNobodyExplainsIsNotExplainedThereEither) {
  const Folder folder;
  const Ran ran = run(folder, "d", drawn("loses_journal_on_crash", 600));
  const Answered books = books_of(folder);
  EXPECT_EQ(books.exit_code, 1);
  EXPECT_THAT(books.said, HasSubstr(table_of(ran.said)));
  EXPECT_THAT(books.said, HasSubstr("is not explained"));
}

TEST(StoredBooks, ARowThatWasChangedIsRefused) {
  const Folder folder;
  run(folder, "d", drawn("", 50));
  query(folder / "d/run.trace",
        "UPDATE books SET books=replace(books,'\"approved\",100,\"approved\",100','\"approved\",100,\"approved\",900') "
        "WHERE cycle=7; PRAGMA wal_checkpoint(TRUNCATE)");
  for (const auto& reads : {+[](const Folder& f) { books_of(f); }, +[](const Folder& f) { judged(f); }}) {
    try {
      reads(folder);
      FAIL() << "it was believed";
    } catch (const TraceError& e) {
      testing::internal::GetCapturedStdout();
      EXPECT_THAT(e.what(), HasSubstr("table books is not what was recorded"));
    }
  }
}

/// With a digest that fits the forgery only the events can tell.
TEST(StoredBooks, AForgedRowIsFoundByWhoeverReadsTheEvents) {
  const Folder folder;
  run(folder, "d", drawn("", 50));
  forge(folder,
        "UPDATE books SET books=replace(books,'\"approved\",100,\"approved\",100',"
        "'\"approved\",100,\"approved\",900') WHERE cycle=7");
  const Answered books = books_of(folder);
  EXPECT_EQ(books.exit_code, 1);
  EXPECT_THAT(books.said, HasSubstr("booked on both sides, not for the same amount"));
  const Answered judge = judged(folder);
  EXPECT_EQ(judge.exit_code, 1);
  EXPECT_THAT(judge.said, HasSubstr("of 1 cycles the table books has not what their events say"));
}

TEST(StoredBooks, ARowThatIsGoneIsMissed) {
  const Folder folder;
  run(folder, "d", drawn("", 50));
  forge(folder, "DELETE FROM books WHERE cycle=7");
  EXPECT_EQ(books_of(folder).exit_code, 1);
  EXPECT_THAT(books_of(folder).said, HasSubstr("1 cycles have no verdict, and no books"));
  EXPECT_EQ(judged(folder).exit_code, 1);
  query(folder / "d/run.trace", "DELETE FROM contents; PRAGMA wal_checkpoint(TRUNCATE)");
  EXPECT_EQ(books_of(folder).exit_code, 1);
  EXPECT_THAT(books_of(folder).said, HasSubstr("nothing proves these rows"));
}

TEST(StoredBooks, WhatIsNoRowIsRefusedWithItsCycle) {
  const Folder folder;
  run(folder, "d", drawn("", 50));
  forge(folder, "UPDATE books SET books=substr(books,1,20) WHERE cycle=7");
  try {
    books_of(folder);
    FAIL() << "it was believed";
  } catch (const TraceError& e) {
    testing::internal::GetCapturedStdout();
    EXPECT_THAT(e.what(), HasSubstr("cycle 7: byte "));
  }
}

/// A purchase charged twice, of a cycle that says it passed.
TEST(StoredBooks, APurchaseChargedTwiceIsFoundFromTheRows) {
  const auto found = [](Outcome outcome, std::int64_t second) {
    StoredBooks one;
    one.outcome = outcome;
    one.books.journal = one.books.ledger = 9;
    one.books.intents = {1234};
    for (const std::int64_t minor : {std::int64_t{1234}, second}) {
      BookLine& line = one.books.lines.emplace_back();
      line.batch = "000001";
      line.stan = std::to_string(one.books.lines.size());
      line.intent = 0;
      line.told = line.journal = line.ledger = minor == 0 ? BookState::declined : BookState::approved;
      line.requested_minor = 1234;
      line.told_minor = line.journal_minor = line.ledger_minor = minor;
    }
    RunBooks books;
    books.add(one);
    books.end();
    return books.table() + std::to_string(books.found());
  };
  EXPECT_THAT(found(Outcome::pass, 1234), HasSubstr("cardholder charged 24.68 instead of 12.34"));
  EXPECT_THAT(found(Outcome::pass, 0), testing::EndsWith("\n0")) << "the twin";
  EXPECT_THAT(found(Outcome::fail, 1234), testing::EndsWith("\n0")) << "its cycle has found it";
}

}  // namespace
}  // namespace swiperig
