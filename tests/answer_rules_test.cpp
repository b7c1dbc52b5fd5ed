// The rules about answers that are not the one to the request, or not in time, each with a history that breaks exactly
// it and its honest twin; and the diagnosis of the same histories.
#include "rig/diagnose.hpp"
#include "tests/found.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

/// A request of STAN 1 with everything an answer is compared by.
void ask(History& h) {
  h.read_card();
  const Fields f = {{"mti", "0200"}, {"batch", "000001"}, {"stan", "000001"}, {"amount", "000000001234"},
                    {"mid", "M"},    {"tid", "T"},        {"connection", "1"}};
  h.mark(Source::network, "request_entered", f);
  h.mark(Source::network, "request_left", f);
}
/// An answer on its connection in which one field is something else.
std::uint64_t answer(History& h, const std::string& other = "", const std::string& value = "",
                     const std::string& stem = "response") {
  Fields f = {{"mti", "0210"}, {"batch", "000001"}, {"stan", "000001"}, {"amount", "000000001234"}, {"code", "00"},
              {"mid", "M"},    {"tid", "T"},        {"mac", "ok"},      {"connection", "1"}};
  for (auto& [name, v] : f) {
    if (name == other) v = value;
  }
  h.mark(Source::network, (stem + "_entered").c_str(), f);
  return h.mark(Source::network, (stem + "_left").c_str(), f);
}

struct Misfit {
  const char *field, *value, *stem, *said;
};
const Misfit kMisfits[] = {{"stan", "000007", "response", "STAN 000007 instead of 000001"},
                           {"amount", "000000012340", "response", "amount 000000012340 instead of 000000001234"},
                           {"tid", "U", "response", "terminal U instead of T"},
                           {"mid", "N", "response", "merchant N instead of M"},
                           {"mti", "0230", "other", "MTI 0230 instead of 0210"}};

TEST(AnswerRule, MatchOfEveryField) {
  for (const Misfit& m : kMisfits) {
    SCOPED_TRACE(m.said);
    History h = begun();
    ask(h);
    const auto left = answer(h, m.field, m.value, m.stem);
    const auto told = h.told(1, "APPROVED", 1234);
    h.recover();
    books(h, {History::row(1, 1234, "approved")}, {History::row(1, 1234, "approved")});
    expect_only(h, "R_MATCH", {left, told}, {"12.34", m.said});
    EXPECT_EQ(diagnose(observed(h.events), full_scope()).cause, "forged");

    History honest = begun();
    ask(honest);
    answer(honest, m.field, m.value, m.stem);
    honest.told(1, "UNKNOWN", 1234);
    honest.intent("recovery sale", 100);
    honest.reversed(1, 1234, "25");
    honest.good_sale(9, 100);
    books(honest, {}, {});
    expect_honest(honest);
    EXPECT_EQ(diagnose(observed(honest.events), full_scope()).cause, "forged");

    // the right one behind it ends the matter
    History both = begun();
    ask(both);
    answer(both, m.field, m.value, m.stem);
    answer(both);
    both.told(1, "APPROVED", 1234);
    both.recover();
    books(both, {History::row(1, 1234, "approved")}, {History::row(1, 1234, "approved")});
    expect_honest(both);
    EXPECT_EQ(diagnose(observed(both.events), full_scope()).cause, "none");
  }
}

TEST(AnswerRule, MatchOfWhatCannotBeRead) {
  History h = begun();
  ask(h);
  const Fields f = {{"connection", "1"}, {"from", "host"}};
  h.mark(Source::network, "other_entered", f);
  const auto left = h.mark(Source::network, "other_left", f);
  h.told(1, "APPROVED", 1234);
  h.recover();
  books(h, {History::row(1, 1234, "approved")}, {History::row(1, 1234, "approved")});
  expect_only(h, "R_MATCH", {left}, {"cannot be read"});
}

TEST(AnswerRule, APartOfTheAmountMayBeApproved) {
  History h = begun();
  ask(h);
  Fields f = {{"mti", "0210"}, {"batch", "000001"}, {"stan", "000001"}, {"amount", "000000001000"}, {"code", "10"},
              {"mac", "ok"},   {"mid", "M"},        {"tid", "T"},       {"connection", "1"}};
  h.mark(Source::network, "response_entered", f);
  h.mark(Source::network, "response_left", f);
  const Transaction t = replay(h.events, full_scope());
  EXPECT_FALSE(t.attempts.front().foreign);
  EXPECT_EQ(t.attempts.front().code, "10");
}

TEST(AnswerRule, LateIsAfterTheTimeOutOfTheProfile) {
  for (const bool late : {false, true}) {
    History h = begun();
    ask(h);
    h.wait(late ? 12s : 10s);
    const auto left = answer(h);
    const auto told = h.told(1, "APPROVED", 1234);
    h.recover();
    books(h, {History::row(1, 1234, "approved")}, {History::row(1, 1234, "approved")});
    if (late) {
      expect_only(h, "R_LATE", {left, told}, {"12.34", "10 s"});
    } else {
      expect_honest(h);
    }
  }
  // the same late answer to a terminal that has given up, and reverses
  History dropped = begun();
  ask(dropped);
  dropped.wait(10s);
  dropped.told(1, "UNKNOWN", 1234);
  dropped.wait(2s);
  answer(dropped);
  dropped.intent("recovery sale", 100);
  dropped.reversed(1, 1234);
  dropped.good_sale(9, 100);
  books(dropped, {}, {History::row(1, 1234, "reversed")});
  expect_honest(dropped);
}

}  // namespace
}  // namespace swiperig
