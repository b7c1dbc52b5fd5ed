// What the keys did: another amount than the finger hit, or nothing at all, and what only looks like it.
#include <gtest/gtest.h>

#include "rig/diagnose.hpp"
#include "tests/history.hpp"

namespace swiperig {
namespace {

Diagnosis of(const std::vector<Event>& events) {
  Scope scope = full_scope();
  scope.sources.insert("screen");
  return diagnose(observed(events), scope);
}

History begun() {
  History h;
  h.intent("sale", 1234);
  h.add(Source::actuator, MotionDone{"press", 0, false, "1 2 3 4 OK"});
  return h;
}

TEST(DiagnoseKeypad, AnAmountNobodyKeyedIsTheKeypads) {
  const auto amount_taken = [](const char* keys) {
    History h;
    h.intent("sale", 1234);
    if (*keys != '\0') h.add(Source::actuator, MotionDone{"press", 0, false, keys});
    h.read_card();
    h.asked(1, 12340);
    h.answered(1, 12340);
    h.told(1, "APPROVED", 12340);
    return of(h.events).cause;
  };
  EXPECT_EQ(amount_taken("1 2 3 4 OK"), "keypad");
  EXPECT_EQ(amount_taken("1 2 3 4 0 OK"), "wrong_amount");
  EXPECT_EQ(amount_taken(""), "wrong_amount");
  // of another kind than a sale: its menu, the number that it is about, the amount
  EXPECT_EQ(amount_taken("F2 1 1 OK 0 0 0 0 0 2 OK 1 2 3 4 OK"), "keypad");
  EXPECT_EQ(amount_taken("F2 1 1 OK 0 0 1 2 3 4 OK 1 2 3 4 0 OK"), "wrong_amount");
  EXPECT_EQ(amount_taken("1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 OK"), "wrong_amount") << "nobody means that";
}

TEST(DiagnoseKeypad, AnAmountThatIsRefusedIsTheKeypadsWhereNobodyKeyedIt) {
  const auto refused = [](const char* keys, std::int64_t told_minor) {
    History h;
    h.intent("completion", 1234);
    h.add(Source::actuator, MotionDone{"press", 0, false, keys});
    h.mark(Source::terminal, "over_limit");
    h.told(1, "FAILED", told_minor);
    return of(h.events).cause;
  };
  EXPECT_EQ(refused("F2 6 OK 0 0 2 OK 1 2 3 4 OK", 12344), "keypad");
  EXPECT_EQ(refused("F2 6 OK 0 0 2 OK 1 2 3 4 4 OK", 12344), "wrong_amount");
  EXPECT_EQ(refused("F2 6 OK 0 0 2 OK 1 2 3 4 OK", 1234), "wrong_amount") << "as it was keyed";
}

/// Awake, and it never asked for the card: it may only have been impossible to see.
TEST(DiagnoseKeypad, ACardShownUnaskedTellsADarkScreenFromADeadKeypad) {
  const auto shown = [](bool read) {
    History h = begun();
    h.silence();
    h.book("journal", {});
    h.swipe();
    if (read) {
      h.mark(Source::terminal, "card_read");
      h.asked(1, 1234);
      h.answered(1, 1234);
      h.told(1, "APPROVED", 1234);
    }
    return of(h.events).cause;
  };
  EXPECT_EQ(shown(true), "display");
  EXPECT_EQ(shown(false), "keypad");
}

}  // namespace
}  // namespace swiperig
