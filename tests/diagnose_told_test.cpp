// What happened after the result was told explains nothing, and what the path changed is seen from both of its sides.
#include <gtest/gtest.h>

#include "rig/diagnose.hpp"
#include "rig/reconcile.hpp"
#include "tests/history.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

std::string cause(const History& h, const Scope& scope = full_scope()) {
  return diagnose(observed(h.events), scope).cause;
}

TEST(DiagnoseTold, APowerCutAfterAServiceOrAFailedSaleIsNotWhy) {
  const auto served = [](bool before) {
    History h;
    h.intent("update", 0);
    if (!before) h.rail(0);
    h.mark(Source::terminal, "served", {{"outcome", "DONE"}});
    if (before) h.rail(0);
    return cause(h);
  };
  EXPECT_EQ(served(true), "none");
  EXPECT_EQ(served(false), "power");
  const auto never_left = [](bool before) {
    History h;
    h.intent("sale", 1234);
    h.read_card();
    h.mark(Source::network, "logon_entered", {{"stan", "000001"}, {"connection", "1"}});
    h.mark(Source::network, "logon_left", {{"stan", "000001"}, {"connection", "1"}});
    h.mark(Source::network, "logon_response_entered", {{"code", "97"}, {"connection", "1"}});
    h.mark(Source::network, "logon_response_left", {{"code", "97"}, {"connection", "1"}});
    if (!before) h.rail(0);
    h.told(2, "FAILED", 1234);
    if (before) h.rail(0);
    return cause(h);
  };
  EXPECT_EQ(never_left(true), "setup");
  EXPECT_EQ(never_left(false), "power");
}

TEST(DiagnoseTold, AMessageThatLeavesAsAnotherOneWasChangedOnItsWay) {
  const auto left = [](const char* mac, int stan) {
    History h;
    h.intent("sale", 1234);
    h.read_card();
    h.wire("request_entered", 1, 1234);
    h.mark(Source::network, "request_left",
           {{"batch", "000001"},
            {"stan", History::text(stan)},
            {"connection", "1"},
            {"amount", History::amount(1234)},
            {"proc", "000000"},
            {"mac", mac}});
    h.answered(1, 1234, "A0");
    h.told(1, "DECLINED", 1234);
    return cause(h);
  };
  EXPECT_EQ(left("wrong", 1), "forged");
  EXPECT_EQ(left("ok", 6), "forged");
  EXPECT_EQ(left("ok", 1), "setup") << "the twin: as it came";
  const auto signed_in = [](const char* code) {
    History h;
    h.intent("sale", 1234);
    h.read_card();
    h.mark(Source::network, "logon_entered", {{"stan", "000001"}, {"connection", "1"}});
    h.mark(Source::network, "logon_left", {{"stan", "000001"}, {"connection", "1"}});
    h.mark(Source::network, "logon_response_entered", {{"code", code}, {"connection", "1"}});
    h.mark(Source::network, "logon_response_left", {{"code", "05"}, {"connection", "1"}});
    return cause(h);
  };
  EXPECT_EQ(signed_in("00"), "forged");
  EXPECT_EQ(signed_in("05"), "policy");
}

TEST(DiagnoseTold, AScreenThatTheBenchSeesAndThatShowsNothingIsDark) {
  const auto shown = [](bool sees, bool shows, bool afterwards) {
    History h = asked();
    h.answered(1, 1234);
    if (shows) h.add(Source::terminal, Text{"screen", "APPROVED"});
    h.told(1, "APPROVED", 1234);
    if (afterwards) h.add(Source::terminal, Text{"screen", "READY"});
    Scope scope = full_scope();
    if (sees) scope.sources.insert("screen");
    return cause(h, scope);
  };
  EXPECT_EQ(shown(true, false, false), "display");
  EXPECT_EQ(shown(true, false, true), "display") << "light again, and the result was never on it";
  EXPECT_EQ(shown(true, true, true), "none");
  EXPECT_EQ(shown(false, false, false), "none") << "nobody looks at it";
}

TEST(DiagnoseTold, ErasedKeysExplainWhatIsToldAfterThem) {
  const auto erased = [](bool before) {
    History h = asked();
    if (before) h.mark(Source::terminal, "tampered");
    h.answered(1, 1234, "51");
    h.told(1, "DECLINED", 1234);
    if (!before) h.mark(Source::terminal, "tampered");
    return cause(h);
  };
  EXPECT_EQ(erased(true), "setup");
  EXPECT_EQ(erased(false), "funds");
}

TEST(DiagnoseTold, KeysThatWereLoadedAnewMaySell) {
  const auto sold = [](bool loaded) {
    History h;
    h.intent("sale", 1234);
    h.mark(Source::terminal, "tampered");
    if (loaded) h.add(Source::rig, PartState{"keys", "sound"});
    h.good_sale(1, 1234);
    h.recover();
    const std::vector<Entry> rows = {History::row(1, 1234, "approved"), History::row(9, 100, "approved")};
    h.book("journal", rows);
    h.book("ledger", rows);
    std::string all;
    for (const Finding& f : reconcile(replay(h.events, full_scope()), full_scope()).findings) all += f.rule;
    return all;
  };
  EXPECT_EQ(sold(true), "");
  EXPECT_EQ(sold(false), "R_TAMPER");
}

TEST(DiagnoseTold, AServiceWhoseEndTheRegisterNeverHeard) {
  const auto service = [](const char* what, bool shows) {
    History h;
    h.intent(what, 0);
    if (shows) h.add(Source::terminal, Text{"screen", "PARAMETERS"});
    h.silence();
    h.book("journal", {});
    return cause(h);
  };
  EXPECT_EQ(service("parameters", true), "ecr_link");
  EXPECT_EQ(service("parameters", false), "keypad");
  EXPECT_EQ(service("sale", true), "keypad");
}

}  // namespace
}  // namespace swiperig
