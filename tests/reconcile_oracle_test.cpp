// Every short history of one sale and its recovery, judged twice: by the rules, and by the sentences of DOMAIN.md 3.5,
// 2.7 and 2.8 read anew, as conditions over what was asked, answered, told and booked. The two share no code.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "rig/reconcile.hpp"
#include "tests/history.hpp"

namespace swiperig {
namespace {

enum class Answer { none, approval, decline, unsigned_approval };
enum class Reversal { none, sent, done, not_found };

struct Short {
  Answer answer;
  Reversal reversal;
  const char *told, *journal;  // "": nothing
  int posted;                  // how often the host has it; -1: it has undone it
  bool power_lost;

  std::string words() const {
    return "answer " + std::to_string(static_cast<int>(answer)) + ", reversal " +
           std::to_string(static_cast<int>(reversal)) + ", told " + told + ", journal " + journal + ", posted " +
           std::to_string(posted) + (power_lost ? ", power lost" : "");
  }
};

constexpr std::int64_t price = 1234;

std::set<std::string> by_the_rules(const Short& s) {
  History h;
  h.intent("sale", price);
  h.read_card();
  h.asked(1, price);
  if (s.answer == Answer::approval) h.answered(1, price);
  if (s.answer == Answer::decline) h.answered(1, price, "51");
  if (s.answer == Answer::unsigned_approval) h.answered(1, price, "00", "wrong");
  if (*s.told != '\0') h.told(1, s.told, price);
  if (s.power_lost) h.rail(0);
  if (s.power_lost) h.rail(5000);
  if (s.reversal == Reversal::sent) h.wire("reversal_entered", 1, price);
  if (s.reversal == Reversal::done) h.reversed(1, price, "00");
  if (s.reversal == Reversal::not_found) h.reversed(1, price, "25");
  h.intent("recovery sale", 100);
  h.good_sale(9, 100);
  std::vector<Entry> journal = {History::row(9, 100, "approved")}, ledger = journal;
  if (*s.journal != '\0') journal.push_back(History::row(1, price, s.journal));
  for (int n = 0; n < s.posted; ++n) ledger.push_back(History::row(1, price, "approved"));
  if (s.posted < 0) ledger.push_back(History::row(1, price, "reversed"));
  h.book("journal", journal);
  h.book("ledger", ledger);
  std::set<std::string> found;
  for (const Finding& f : reconcile(replay(h.events, full_scope()), full_scope()).findings) found.insert(f.rule);
  return found;
}

std::set<std::string> by_the_sentences(const Short& s) {
  const std::string told = s.told, journal = s.journal;
  std::int64_t held = s.posted > 0 ? s.posted * price : 0;
  const bool booked = journal == "approved", holds_doubt = journal == "pending";
  const bool took = booked || told == "APPROVED";
  const bool undone = s.reversal == Reversal::done || s.reversal == Reversal::not_found;
  std::set<std::string> broken;

  // where the host's book is not what it said last, it is the host's, and the terminal is judged by what was said
  if (undone && held > 0) {
    broken.insert("H_UNDONE");
    held = 0;
  } else if (s.answer == Answer::decline && held > 0) {
    broken.insert("H_DECLINED");
    held = 0;
  } else if (held > price) {
    broken.insert("H_ONCE");
    held = price;
  } else if (s.answer == Answer::approval && s.reversal == Reversal::none && held == 0) {
    broken.insert("H_BOOKED");
    held = price;
  }
  // whatever is charged is in the journal, and nobody was told the contrary; a doubt still held is judged when it ends
  if (held > 0 && booked && (told == "DECLINED" || told == "FAILED")) broken.insert("I2");
  if (held > 0 && !booked && !holds_doubt) broken.insert("I2");
  // who was told approved has paid
  if (told == "APPROVED" && held != price) broken.insert("I3");
  // count and sum of both books; what is in doubt is in neither
  const std::int64_t ours = booked ? price : 0, theirs = holds_doubt ? 0 : held;
  if (ours != theirs) broken.insert("I5");
  // a reversal that the journal shows has happened, and was no approval
  if (journal == "reversed" && (held > 0 || told == "APPROVED")) broken.insert("I6");
  // nothing is taken as approved without an authentic approval
  if (took && (s.answer == Answer::none || s.answer == Answer::decline)) broken.insert("R_ANSWER");
  if (took && s.answer == Answer::unsigned_approval && !undone) broken.insert("R_MAC");
  // what was told as approved stays in the journal
  if (told == "APPROVED" && journal.empty() && s.reversal == Reversal::none) broken.insert("I9");

  // a request without a decline that counts, and not taken, is in doubt until a reversal of it is answered
  const bool in_doubt = !took && s.answer != Answer::decline;
  if (!in_doubt || undone) return broken;
  const bool forgotten = s.power_lost && s.reversal == Reversal::none && !holds_doubt;
  if (forgotten) {
    broken.insert("I9");
  } else {
    broken.insert({"I8", "I10"});  // the recovery sale left all the same, and the doubt has no end
  }
  return broken;
}

std::string joined(const std::set<std::string>& rules) {
  std::string all;
  for (const std::string& rule : rules) all += (all.empty() ? "" : " ") + rule;
  return all;
}

TEST(ReconcileOracle, AllShortHistoriesAreJudgedAlike) {
  int histories = 0, clean = 0;
  std::set<std::string> seen;
  for (const Answer answer : {Answer::none, Answer::approval, Answer::decline, Answer::unsigned_approval}) {
    for (const Reversal reversal : {Reversal::none, Reversal::sent, Reversal::done, Reversal::not_found}) {
      for (const char* told : {"", "APPROVED", "DECLINED", "FAILED", "UNKNOWN"}) {
        for (const char* journal : {"", "approved", "declined", "reversed", "pending"}) {
          for (const int posted : {-1, 0, 1, 2}) {
            for (const bool power_lost : {false, true}) {
              const Short s{answer, reversal, told, journal, posted, power_lost};
              const std::set<std::string> expected = by_the_sentences(s);
              EXPECT_EQ(joined(by_the_rules(s)), joined(expected)) << s.words();
              ++histories;
              clean += expected.empty();
              seen.insert(expected.begin(), expected.end());
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(histories, 4 * 4 * 5 * 5 * 4 * 2);
  EXPECT_GT(clean, 100) << "some of them are honest";
  EXPECT_EQ(joined(seen), "H_BOOKED H_DECLINED H_ONCE H_UNDONE I10 I2 I3 I5 I6 I8 I9 R_ANSWER R_MAC")
      << "and every rule is broken somewhere";
}

}  // namespace
}  // namespace swiperig
