// The books of a run: what its cycles leave behind, added up.
#include "reports/run_books.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "rig/transaction.hpp"
#include "tests/history.hpp"
#include "tests/ran.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

Standing stands(int stan, Standing::Class state, std::int64_t journal, std::int64_t ledger, std::int64_t told) {
  Standing a;
  a.batch = "000001";
  a.stan = History::text(stan);
  a.kind = "sale";
  a.sign = 1;
  a.journal_minor = journal;
  a.ledger_minor = ledger;
  a.told_minor = told;
  a.state = state;
  return a;
}
Standing carried(Standing a) {
  a.carried = true;
  return a;
}

std::vector<Standing> standings_of(const History& h) {
  return standings_of(books_of(replay(h.events, full_scope()), full_scope()));
}

struct Added {
  RunBooks books;
  CycleRecord record;
  Time now{};
  std::int64_t number = 0;

  void cycle(std::vector<Standing> standings, Outcome outcome = Outcome::pass) {
    CycleRecord c;
    c.cycle = number++;
    c.begun = now;
    now += 60s;
    c.ended = now;
    c.verdict = Verdict{};
    c.verdict->outcome = outcome;
    c.verdict->standings = std::move(standings);
    c.verdict->checked = {"I1"};
    c.verdict->not_observable = {"I2"};
    books.add(c);
  }
  void another_bench() { now = Time{}; }
  std::int64_t attempts(Standing::Class c) const { return books.classes()[c].attempts; }
};

TEST(RunBooks, EachAttemptIsInOneClassAndEveryUnitIsSummed) {
  Added all;
  all.cycle({stands(1, Standing::sold, 1234, 1234, 1234), stands(2, Standing::reversed, 0, 0, 0)});
  all.cycle({carried(stands(1, Standing::untold, 1234, 1234, 0)), stands(3, Standing::untold, 500, 500, 0)});
  Standing refund = stands(4, Standing::sold, 200, 200, 200);
  refund.sign = -1;
  all.cycle({refund});
  all.books.end();
  EXPECT_EQ(all.attempts(Standing::sold), 2);
  EXPECT_EQ(all.attempts(Standing::untold), 1);
  EXPECT_EQ(all.attempts(Standing::reversed), 1);
  std::int64_t count = 0;
  for (const RunBooks::Sums& s : all.books.classes()) count += s.attempts;
  EXPECT_EQ(count, 4) << "each once, however many cycles saw it";
  EXPECT_EQ(all.books.classes()[Standing::sold].ledger_minor, 1234 - 200);
  EXPECT_EQ(all.books.classes()[Standing::sold].told_minor, 1234 - 200);
  EXPECT_EQ(all.books.amended(), 0);
  EXPECT_THAT(all.books.findings(), IsEmpty());
}

TEST(RunBooks, ALateObservationAmendsTheCycleItBelongsTo) {
  Added all;
  all.cycle({stands(1, Standing::doubtful, 0, 1234, 0)}, Outcome::inconclusive);
  all.cycle({stands(1, Standing::reversed, 0, 0, 0), stands(2, Standing::sold, 100, 100, 100)});
  all.books.end();
  EXPECT_EQ(all.attempts(Standing::reversed), 1);
  EXPECT_EQ(all.attempts(Standing::doubtful), 0);
  EXPECT_EQ(all.books.amended(), 1);
  EXPECT_THAT(all.books.findings(), IsEmpty());
  EXPECT_THAT(all.books.table(), HasSubstr("1 attempts were amended"));
  // a book that is read at last is such an observation, too
  Added read;
  read.cycle({stands(1, Standing::doubtful, 0, 0, 0)}, Outcome::inconclusive);
  read.cycle({carried(stands(1, Standing::silent, 0, 1234, 0))});
  read.books.end();
  EXPECT_EQ(read.attempts(Standing::silent), 1);
  EXPECT_THAT(read.books.findings(), SizeIs(1)) << "and what it shows is found";
}

TEST(RunBooks, ADoubtHasADeadline) {
  const auto doubt = stands(1, Standing::doubtful, 0, 1234, 0);
  Added all;
  all.cycle({doubt}, Outcome::inconclusive);
  all.cycle({carried(doubt)}, Outcome::inconclusive);
  EXPECT_THAT(all.books.findings(), IsEmpty()) << "no cycle went through";
  all.cycle({carried(doubt)});
  EXPECT_THAT(all.books.findings(), SizeIs(1)) << "one did, and did not end it";
  all.cycle({carried(doubt)});
  EXPECT_THAT(all.books.findings(), SizeIs(1)) << "said once";
  all.cycle({stands(1, Standing::reversed, 0, 0, 0)});
  all.books.end();
  EXPECT_THAT(all.books.findings(), SizeIs(1)) << "too late";
  EXPECT_EQ(all.attempts(Standing::reversed), 1);
}

/// Twin of the above: nothing ends the doubt, and no cycle has found it.
TEST(RunBooks, NoDoubtPassesSilently) {
  Added all;
  all.cycle({stands(1, Standing::doubtful, 0, 1234, 0)}, Outcome::inconclusive);
  all.cycle({stands(2, Standing::sold, 100, 100, 100)});
  all.books.end();
  ASSERT_THAT(all.books.findings(), SizeIs(1));
  EXPECT_EQ(all.books.findings()[0].first, "cycle 0, batch 000001 STAN 000001: still in doubt 12.34");
  EXPECT_EQ(all.books.findings()[0].second, "循环 0，批次 000001 流水号 000001：结果仍未知 12.34");
  EXPECT_EQ(all.books.found(), 1);
  // on another bench the same number is another attempt, and cannot end it
  Added apart;
  apart.cycle({stands(1, Standing::doubtful, 0, 1234, 0)}, Outcome::inconclusive);
  apart.another_bench();
  apart.cycle({stands(1, Standing::reversed, 0, 0, 0)});
  apart.books.end();
  EXPECT_EQ(apart.books.found(), 1);
  EXPECT_EQ(apart.books.amended(), 0);
}

TEST(RunBooks, UnexplainedMoneyIsFoundUnlessACycleHasFoundIt) {
  for (const auto state :
       {Standing::silent, Standing::lost_record, Standing::free_goods, Standing::phantom, Standing::differs}) {
    Added all;
    all.cycle({stands(1, state, 1, 2, 3)});
    all.books.end();
    EXPECT_EQ(all.books.found(), 1) << standing_classes[state];
    EXPECT_TRUE(unexplained(state));
  }
  for (const auto state :
       {Standing::nothing, Standing::sold, Standing::untold, Standing::reversed, Standing::reported}) {
    Added all;
    all.cycle({stands(1, state, 1, 2, 3)});
    all.books.end();
    EXPECT_EQ(all.books.found(), 0) << standing_classes[state];
  }
  Added accused;
  CycleRecord c;
  c.ended = Time(60s);
  c.verdict = Verdict{};
  c.verdict->findings = {{"I2", "x", {}}};
  c.verdict->standings = {stands(1, Standing::silent, 0, 1234, 0)};
  accused.books.add(c);
  accused.books.end();
  EXPECT_EQ(accused.books.found(), 0);
}

TEST(RunBooks, TheIssuersBookIsComparedWhereItIsRead) {
  const auto found = [](std::int64_t issuer, const char* state, bool reversed_after = false) {
    History h;
    h.intent("sale", 1234);
    if (reversed_after) {
      h.asked(1, 1234);
      h.told(1, "UNKNOWN", 1234);
    } else {
      h.good_sale(1, 1234);
    }
    h.recover();
    h.book("journal",
           {History::row(1, 1234, reversed_after ? "pending" : "approved"), History::row(9, 100, "approved")});
    h.book("ledger", {History::row(1, 1234, "approved"), History::row(9, 100, "approved")});
    if (*state != '\0') h.book("issuer", {History::row(1, issuer, state), History::row(9, 100, "posted")});
    if (reversed_after) h.reversed(1, 1234);
    Added all;
    all.cycle(standings_of(h));
    all.books.end();
    return std::pair{all.books.table(), all.books.found()};
  };
  EXPECT_EQ(found(1234, "posted").second, 0);
  EXPECT_THAT(found(1234, "posted").first, Not(HasSubstr("not observable")));
  EXPECT_THAT(found(0, "").first, HasSubstr("not observable"));
  EXPECT_EQ(found(0, "").second, 0);
  EXPECT_EQ(found(1234, "released").second, 1);
  EXPECT_THAT(found(1234, "released").first, HasSubstr("the card's bank has 0.00, the host 12.34"));
  EXPECT_EQ(found(5000, "posted").second, 1);
  EXPECT_EQ(found(1234, "posted", true).second, 0) << "the ledger is the newer of the two";
}

/// A cycle that a rig fault ends has read its books before the sale: they say nothing about it.
TEST(RunBooks, ABookThatWasReadBeforeTheRequestCannotHaveIt) {
  for (const bool before : {true, false}) {
    History h;
    const auto read = [&] {
      h.book("journal", {});
      h.book("ledger", {});
    };
    h.intent("sale", 1234);
    h.read_card();
    if (before) read();
    h.asked(1, 1234);
    h.told(1, "APPROVED", 1234);
    if (!before) read();
    const auto all = standings_of(h);
    EXPECT_EQ(std::string(standing_classes[all.at(0).state]), before ? "unread" : "free_goods");
  }
}

TEST(RunBooks, EveryInvariantSaysWhetherItWasChecked) {
  Added all;
  all.cycle({});
  all.cycle({});
  const auto rules = boost::json::parse(all.books.json()).at("rules");
  EXPECT_EQ(boost::json::serialize(rules.at("I1")), R"({"checked":2,"not_observable":0,"not_reached":0})");
  EXPECT_EQ(boost::json::serialize(rules.at("I2")), R"({"checked":0,"not_observable":2,"not_reached":0})");
}

/// What an attempt is from what was seen of it.
TEST(RunBooks, AnAttemptIsClassedByTheThreeBooks) {
  const auto state = [](const char* told, const char* journal, const char* ledger, bool reversed = false) {
    History h;
    h.intent("sale", 1234);
    h.read_card();
    h.asked(1, 1234);
    if (*told != '\0') h.told(1, told, 1234);
    const auto rows = [](const char* s) {
      return *s == '\0' ? std::vector<Entry>{} : std::vector<Entry>{History::row(1, 1234, s)};
    };
    h.recover();
    h.book("journal", rows(journal));
    h.book("ledger", rows(ledger));
    if (reversed) h.reversed(1, 1234);
    const auto all = standings_of(h);
    return std::string(standing_classes[all.at(0).state]);
  };
  EXPECT_EQ(state("APPROVED", "approved", "approved"), "sold");
  EXPECT_EQ(state("", "approved", "approved"), "untold");
  EXPECT_EQ(state("UNKNOWN", "", ""), "nothing");
  EXPECT_EQ(state("UNKNOWN", "pending", "approved"), "doubtful");
  EXPECT_EQ(state("UNKNOWN", "pending", "approved", true), "reversed");
  EXPECT_EQ(state("UNKNOWN", "", "approved"), "silent");
  EXPECT_EQ(state("APPROVED", "", "approved"), "lost_record");
  EXPECT_EQ(state("APPROVED", "approved", ""), "free_goods");
  EXPECT_EQ(state("APPROVED", "", ""), "free_goods");
  EXPECT_EQ(state("DECLINED", "approved", ""), "phantom");
  // an advice that was delivered after the journal was read waits no more
  const auto advice = [&](const char* code, bool booked = true, bool closed = false, bool told = false) {
    History h;
    h.intent("offline_sale", 1234);
    h.mark(Source::network, "request_entered",
           {{"batch", "000001"},
            {"stan", History::text(1)},
            {"connection", "1"},
            {"amount", History::amount(1234)},
            {"kind", "offline_sale"}});
    h.recover();
    Entry row = History::row(1, 1234, "queued");
    row.kind = "offline_sale";
    h.book("journal", {row});
    row.state = "approved";
    h.book("ledger", booked ? std::vector{row} : std::vector<Entry>{});
    if (*code != '\0') h.answered(1, 1234, code);
    if (told) h.mark(Source::terminal, "gave_up", {{"batch", "000001"}, {"stan", History::text(1)}});
    if (closed) {  // and the books read again show the next batch
      h.mark(Source::terminal, "settled", {{"batch", "000001"}, {"outcome", "AGREED"}});
      h.book("journal", {});
      h.book("ledger", {});
    }
    return std::string(standing_classes[standings_of(h).at(0).state]);
  };
  EXPECT_EQ(advice("00"), "untold");
  EXPECT_EQ(advice("00", false), "untold") << "the ledger was read before it, too";
  EXPECT_EQ(advice("00", true, true), "untold") << "the batch is closed by now";
  EXPECT_EQ(advice("96", true, true), "doubtful") << "the twin";
  EXPECT_EQ(advice("96", false, false, true), "reported") << "the merchant has it on a receipt";
  EXPECT_EQ(advice(""), "doubtful") << "the twin";
  EXPECT_EQ(advice("96"), "doubtful");
  History cut;  // before any book was read
  cut.intent("sale", 1234);
  cut.asked(1, 1234);
  EXPECT_EQ(standings_of(cut).at(0).state, Standing::doubtful);
  cut.answered(1, 1234, "51");
  EXPECT_EQ(standings_of(cut).at(0).state, Standing::unread);
}

TEST(RunBooks, ARunOfAnHonestTerminalExplainsAllOfItsMoneyAndJudgesAlikeAgain) {
  const Folder folder;
  const Ran ran = run(folder, "d", {.campaign = (project / "fixtures/campaigns/random.toml").string(), .cycles = 600});
  EXPECT_EQ(ran.exit_code, 0) << ran.said;
  EXPECT_THAT(ran.said, HasSubstr("booked on both sides and told"));
  EXPECT_THAT(ran.said, Not(HasSubstr("\nrun: ")));
  const auto books = boost::json::parse(read_text(folder / "d/summary.json")).at("run_books");
  EXPECT_EQ(books.at("found").as_int64(), 0);
  const auto& classes = books.at("classes").as_object();
  EXPECT_GT(classes.at("sold").at("attempts").as_int64(), 600);
  // what is in doubt, reported or unread may stand on one side; all else is on both or on none
  for (const char* name : {"nothing", "sold", "untold", "reversed"}) {
    ASSERT_TRUE(classes.contains(name)) << name;
    EXPECT_EQ(classes.at(name).at("journal_minor"), classes.at(name).at("ledger_minor")) << name;
  }
  testing::internal::CaptureStdout();
  EXPECT_EQ(judge_again(folder / "d"), 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr(boost::json::serialize(books)));
}

/// Twin: one whose journal loses its last record in a crash.
TEST(RunBooks, ADefectiveTerminalsMoneyIsNotExplained) {
  const Folder folder;
  const Ran ran = run(folder, "d",
                      {.campaign = (project / "fixtures/campaigns/random.toml").string(),
                       .defect = "loses_journal_on_crash",
                       .cycles = 600});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.said, HasSubstr("not in the journal"));
}

}  // namespace
}  // namespace swiperig
