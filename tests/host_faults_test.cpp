// What a host does wrong on command, seen from the wire and from its control link: forged, replayed, doubled and late
// answers, an issuer that does not answer, a process that dies, limits that change, reversals that fit nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fixtures/host.hpp"
#include "tests/host_stand.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using Rows = std::vector<std::string>;

/// Everything that comes on one connection within `limit`.
Task<Bytes> collect(Stand& s, Bytes frame, Duration limit) {
  Bytes all;
  auto link = co_await s.dialer->dial();
  Bell done;
  Crew crew(s.clock);
  bool given_up = false;
  crew.start(give_up(s.clock, done, *link, limit, given_up));
  std::uint8_t chunk[512];
  try {
    co_await link->write(frame);
    for (std::size_t n = 1; n != 0;) {
      n = co_await link->read_some(chunk);
      all.insert(all.end(), chunk, chunk + n);
    }
  } catch (const LinkError&) {
  }
  done.ring();
  co_await crew.join();
  co_return all;
}

std::vector<Message> messages_in(Bytes stream, const Framing& framing = {}) {
  std::vector<Message> out;
  for (;;) {
    const FrameLength length = frame_length(stream, framing);
    if (length.state != FrameLength::State::ready) break;
    Message m;
    const auto end = stream.begin() + static_cast<std::ptrdiff_t>(length.total);
    EXPECT_FALSE(unpack(BytesView(stream).subspan(2, length.total - 2), framing, m));
    out.push_back(m);
    stream.erase(stream.begin(), end);
  }
  EXPECT_TRUE(stream.empty());
  return out;
}

Task<Rows> issuer_book(Stand& s) {
  std::string line = "{\"ledger\":\"issuer\"}";
  auto heard = co_await s.say(line);
  Rows rows;
  for (const std::string& row : heard) {
    if (!row.starts_with("{\"entry\"")) continue;
    const auto at = row.find("\"stan\":\"") + 8;
    const auto state = row.find("\"state\":\"") + 9;
    rows.push_back(row.substr(at, 6) + " " + row.substr(state, row.find('"', state) - state));
  }
  co_return rows;
}

Task<> behave(Stand& s, std::string name, std::string code, int lasts_ms) {
  std::string line = "{\"behave\":\"" + name + "\",\"lasts_ms\":" + std::to_string(lasts_ms);
  if (!code.empty()) line += ",\"code\":\"" + code + "\"";
  line += "}";
  auto heard = co_await s.say(line);
  EXPECT_EQ(heard, Rows{"{\"ok\":\"behave\"}"}) << name;
}

std::string last_milestone(const Stand& s) {
  const Rows all = s.milestones();
  return all.empty() ? "" : all.back();
}

struct Forged {
  const char *behaviour, *what;
  bool right_mac;
  int field;  ///< that differs from the request
  friend void PrintTo(const Forged& f, std::ostream* out) { *out << f.behaviour; }
};
class HostForgery : public testing::TestWithParam<Forged> {};

TEST_P(HostForgery, ApprovesWhatIsNeverBooked) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    const Forged forged = GetParam();
    co_await behave(s, forged.behaviour, "", 0);
    const Message request = s.till.sale(2, 1234);
    auto ending = co_await s.send(request);
    EXPECT_EQ(ending.how, "answer");
    EXPECT_EQ(ending.code(), "00");
    EXPECT_TRUE(ending.answer.has(38));
    EXPECT_EQ(s.till.right_mac(ending), forged.right_mac);
    EXPECT_EQ(ending.answer.has(64), std::string(forged.what) != "unsigned");
    for (const int field : {4, 11, 41, 42}) {
      EXPECT_EQ(ending.answer.field(field) != request.field(field), field == forged.field) << field;
    }
    auto rows = co_await s.book();
    EXPECT_TRUE(rows.empty());
    auto held = co_await issuer_book(s);
    EXPECT_TRUE(held.empty());
    auto reversal = co_await s.send(s.till.reversal(2, 1234));
    EXPECT_EQ(reversal.code(), "25");
    EXPECT_TRUE(s.till.right_mac(reversal));
  });
}
INSTANTIATE_TEST_SUITE_P(Host, HostForgery,
                         testing::Values(Forged{"forged_unsigned", "unsigned", false, 0},
                                         Forged{"forged_mac", "wrong MAC", false, 0},
                                         Forged{"forged_stan", "other STAN", true, 11},
                                         Forged{"forged_amount", "other amount", true, 4},
                                         Forged{"forged_terminal", "other terminal", true, 41}));

TEST(HostAnswer, ReplayedIsTheOlderApprovalByteForByte) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    co_await behave(s, "replayed", "", 0);
    auto none = co_await s.send(s.till.sale(2, 1234), 5s);
    EXPECT_EQ(none.how, "nothing") << "there is no older one yet";
    co_await behave(s, "normal", "", 0);
    auto first = co_await s.send(s.till.sale(3, 500));
    co_await s.send(s.till.sale(4, 600, "4111111111111111"));  // declined: not worth replaying
    co_await behave(s, "replayed", "", 0);
    auto again = co_await s.send(s.till.sale(5, 700));
    EXPECT_EQ(to_hex(again.bytes), to_hex(first.bytes));
    auto rows = co_await s.book();
    EXPECT_EQ(rows.size(), 2U);
  });
}

TEST(HostAnswer, DuplicatedComesTwiceAndIsBookedOnce) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    co_await behave(s, "duplicated", "", 0);
    Bytes frame = s.till.frame(s.till.sale(2, 1234));
    auto all = co_await collect(s, frame, 2s);
    const auto answers = messages_in(all);
    EXPECT_EQ(answers.size(), 2U);
    if (answers.size() != 2) co_return;
    EXPECT_TRUE(answers[0] == answers[1]);
    auto rows = co_await s.book();
    EXPECT_EQ(rows, Rows{"000002 approved 1234"});
  });
}

TEST(HostAnswer, ReorderedComesBehindTheNextOne) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    co_await behave(s, "reordered", "", 0);
    auto nothing = co_await s.send(s.till.sale(2, 1234), 5s);
    EXPECT_EQ(nothing.how, "nothing");
    auto rows = co_await s.book();
    EXPECT_EQ(rows, Rows{"000002 approved 1234"});
    co_await behave(s, "normal", "", 0);
    Bytes frame = s.till.frame(s.till.reversal(2, 1234));
    auto all = co_await collect(s, frame, 2s);
    const auto answers = messages_in(all);
    EXPECT_EQ(answers.size(), 2U);
    if (answers.size() != 2) co_return;
    EXPECT_EQ(answers[0].mti(), "0410");
    EXPECT_EQ(answers[1].mti(), "0210");
    EXPECT_EQ(answers[1].field(11), "000002");
    Bytes next = s.till.frame(s.till.sale(3, 100));
    auto later = co_await collect(s, next, 2s);
    EXPECT_EQ(messages_in(later).size(), 1U) << "once";
  });
}

TEST(HostAnswer, WrongKindDamageClockAndFeeAreOnTheWireOnly) {
  for (const std::string name : {"wrong_mti", "damaged", "wrong_clock", "fee"}) {
    Stand stand;
    stand.run([name](Stand& s) -> Task<> {
      co_await behave(s, name, "", 0);
      auto ending = co_await s.send(s.till.sale(2, 1234));
      EXPECT_EQ(ending.how, name == "damaged" ? "garbage" : "answer");
      if (name != "damaged") {
        EXPECT_TRUE(s.till.right_mac(ending)) << name;
        EXPECT_EQ(ending.answer.mti(), name == "wrong_mti" ? "0230" : "0210");
        EXPECT_EQ(ending.answer.field(13), name == "wrong_clock" ? "0615" : "1123");
        EXPECT_EQ(ending.answer.has(54), name == "fee");
      }
      auto rows = co_await s.book();
      EXPECT_EQ(rows, Rows{"000002 approved 1234"});
      // what is stored is the answer as it should have been
      co_await behave(s, "normal", "", 0);
      auto again = co_await s.send(s.till.sale(2, 1234));
      EXPECT_EQ(again.answer.mti(), "0210");
      EXPECT_EQ(again.answer.field(13), "1123");
      EXPECT_FALSE(again.answer.has(54));
    });
  }
}

TEST(HostIssuer, SilentIsDeclinedInTimeAndUndoneThere) {
  for (const std::string code : {"", "68", "91"}) {
    Stand stand;
    stand.run([code](Stand& s) -> Task<> {
      co_await behave(s, "issuer_silent", code, 0);
      const Time asked = s.clock.now();
      auto ending = co_await s.send(s.till.sale(2, 1234));
      EXPECT_EQ(ending.code(), code.empty() ? "98" : code);
      EXPECT_EQ(ending.at - asked, 25'030ms);
      auto held = co_await issuer_book(s);
      EXPECT_EQ(held, Rows{"000002 released"});
      auto rows = co_await s.book();
      EXPECT_EQ(rows, Rows{"000002 declined 1234"});
      EXPECT_THAT(last_milestone(s), HasSubstr("\"issuer_reversed\""));
    });
  }
}

TEST(HostIssuer, LateAfterTheTimeOutIsAboutNothingAnyMore) {
  for (const int after_ms : {24'000, 40'000}) {
    Stand stand;
    stand.run([after_ms](Stand& s) -> Task<> {
      co_await behave(s, "issuer_late", "", after_ms);
      const Time asked = s.clock.now();
      auto ending = co_await s.send(s.till.sale(2, 1234));
      const bool in_time = after_ms < 25'000;
      EXPECT_EQ(ending.code(), in_time ? "00" : "98");
      EXPECT_EQ(ending.at - asked, in_time ? 24'030ms : 25'030ms);
      co_await s.clock.sleep_for(20s);
      auto held = co_await issuer_book(s);
      EXPECT_EQ(held, Rows{in_time ? "000002 posted" : "000002 released"});
      if (in_time) {
        EXPECT_THAT(last_milestone(s), HasSubstr("\"committed\""));
      } else {
        EXPECT_THAT(last_milestone(s), HasSubstr(R"("unmatched","mti":"0200","stan":"000002")"));
        EXPECT_THAT(last_milestone(s), HasSubstr(R"("near":"000001/000002","differs":"39")"));
      }
    });
  }
}

TEST(HostIssuer, MoneyIsConservedAndPostingsAreTheLedgersSales) {
  Issuer issuer({{"6212345678901265", "3012", "", 10'000, 0}});
  const std::string pan = "6212345678901265";
  const auto sale = [&](const char* stan, std::int64_t minor) { return Sale{{"000001", stan}, minor, pan, "3012"}; };
  EXPECT_TRUE(issuer.ask(sale("000001", 4000)));
  EXPECT_FALSE(issuer.ask(sale("000001", 4000))) << "asked before";
  EXPECT_FALSE(issuer.ask(sale("000002", 6001))) << "not enough left";
  EXPECT_TRUE(issuer.ask(sale("000003", 6000)));
  EXPECT_FALSE(issuer.ask({{"000001", "000004"}, 1, "4111111111111111", "3012"})) << "not its card";
  issuer.post({"000001", "000001"});
  EXPECT_EQ(issuer.position(pan).posted_minor, 4000);
  EXPECT_EQ(issuer.position(pan).held_minor, 6000);
  EXPECT_EQ(issuer.position(pan).sum(), 10'000);
  EXPECT_TRUE(issuer.release({"000001", "000003"}));
  EXPECT_FALSE(issuer.release({"000001", "000003"}));
  EXPECT_TRUE(issuer.release({"000001", "000001"}));
  EXPECT_EQ(issuer.position(pan).available_minor, 10'000);
  issuer.post({"000001", "000001"});
  EXPECT_EQ(issuer.position(pan).posted_minor, 0) << "what was let go is not posted";
}

TEST(HostIssuer, AgreesWithTheLedgerAfterWhateverHappened) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    const char* const names[] = {"normal",    "commit_silent", "forged_mac", "issuer_silent", "decline",
                                 "wrong_mti", "late",          "silent",     "reordered",     "normal"};
    int stan = 1;
    for (const std::string name : names) {
      co_await behave(s, name, "", name == "late" ? 100 : 0);
      ++stan;
      co_await s.send(s.till.sale(stan, 100 * stan), 60s);
      co_await behave(s, "normal", "", 0);
      if (stan % 3 == 0) co_await s.send(s.till.reversal(stan, 100 * stan));
    }
    auto rows = co_await s.book();
    auto held = co_await issuer_book(s);
    std::size_t approved = 0, posted = 0;
    for (const auto& row : rows) approved += row.find("approved") != row.npos;
    for (const auto& row : held) posted += row.ends_with("posted");
    EXPECT_GT(approved, 2U);
    EXPECT_EQ(approved, posted);
    for (const auto& row : held) EXPECT_THAT(row, Not(HasSubstr("held"))) << "nothing is left hanging";
  });
}

Task<std::string> dialled(Stand& s) {
  std::string how = "connected";
  try {
    auto link = co_await s.dialer->dial();
  } catch (const LinkError& error) {
    how = error.kind == LinkError::refused ? "refused" : "failed";
  }
  co_return how;
}

TEST(HostDeath, BeforeTheCommitLeavesAHoldAndAfterItTheWholeSale) {
  for (const bool after : {false, true}) {
    Stand stand;
    stand.run([after](Stand& s) -> Task<> {
      co_await behave(s, after ? "die_after_commit" : "die_before_commit", "", 3000);
      auto ending = co_await s.send(s.till.sale(2, 1234));
      EXPECT_EQ(ending.how, "reset");
      EXPECT_THAT(last_milestone(s), HasSubstr("host_died"));
      auto while_dead = co_await dialled(s);
      EXPECT_EQ(while_dead, "refused");
      auto rows = co_await s.book();
      EXPECT_EQ(rows, after ? Rows{"000002 approved 1234"} : Rows{});
      auto held = co_await issuer_book(s);
      EXPECT_EQ(held, Rows{after ? "000002 posted" : "000002 held"});
      co_await s.clock.sleep_for(3s);
      EXPECT_THAT(last_milestone(s), HasSubstr("host_restarted"));
      auto reversal = co_await s.send(s.till.reversal(2, 1234));
      EXPECT_EQ(reversal.code(), after ? "00" : "25");
      auto let_go = co_await issuer_book(s);
      EXPECT_EQ(let_go, Rows{"000002 released"});
      auto next = co_await s.send(s.till.sale(3, 100));
      EXPECT_EQ(next.code(), "00") << "it behaves again";
    });
  }
}

Bytes half_a_message() { return {0, 40, 0x60}; }

TEST(HostDeath, TakesEveryConnectionAndTheAnswersInMemoryWithIt) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    co_await behave(s, "reordered", "", 0);
    co_await s.send(s.till.sale(2, 1234), 5s);  // its answer waits in memory
    co_await behave(s, "die_after_commit", "", 0);
    Crew crew(s.clock);
    Ending other;
    const Bytes half = half_a_message();
    const auto bystander = [&]() -> Task<> { other = co_await s.send_bytes(half); };
    crew.start(bystander());
    co_await s.clock.sleep_for(1ms);
    co_await s.send(s.till.sale(3, 100));
    co_await crew.join();
    EXPECT_EQ(other.how, "reset");
    co_await s.clock.sleep_for(600s);
    auto still = co_await dialled(s);
    EXPECT_EQ(still, "refused") << "until it is told otherwise";
    auto restarted = co_await s.say("{\"behave\":\"normal\"}");
    EXPECT_EQ(restarted.size(), 2U);
    EXPECT_THAT(restarted.front(), HasSubstr("host_restarted"));
    Bytes frame = s.till.frame(s.till.sale(2, 1234));
    auto all = co_await collect(s, frame, 2s);
    const auto answers = messages_in(all);
    EXPECT_EQ(answers.size(), 1U) << "the stored answer, and not the one that was held";
    if (!answers.empty()) {
      EXPECT_EQ(answers[0].field(39), "00");
    }
  });
}

TEST(HostConnection, OneMessageMeansOne) {
  for (const bool kept : {false, true}) {
    HostSettings settings = test_settings();
    settings.profile.kept_open = kept;
    Stand stand(settings);
    stand.run([kept](Stand& s) -> Task<> {
      Bytes two = s.till.frame(s.till.sale(2, 100));
      const Bytes second = s.till.frame(s.till.sale(3, 200));
      two.insert(two.end(), second.begin(), second.end());
      auto all = co_await collect(s, two, 5s);
      EXPECT_EQ(messages_in(all).size(), kept ? 2U : 1U);
      auto rows = co_await s.book();
      EXPECT_EQ(rows.size(), kept ? 2U : 1U);
    });
  }
}

TEST(HostPolicy, ALimitAppliesFromTheInstantItIsTold) {
  for (const std::string code : {"61", "65", "57", "13"}) {
    Stand stand;
    stand.run([code](Stand& s) -> Task<> {
      auto before = co_await s.send(s.till.sale(2, 1234));
      EXPECT_EQ(before.code(), "00");
      co_await behave(s, "policy", code, 0);
      auto after = co_await s.send(s.till.sale(3, 1234));
      EXPECT_EQ(after.code(), code);
      EXPECT_EQ(after.answer.header()[2] & 0x0F, 1) << "asks to fetch the parameters";
      EXPECT_TRUE(s.till.right_mac(after));
      // the limit is a limit: what keeps within it passes
      auto small = co_await s.send(s.till.sale(4, 100));
      EXPECT_EQ(small.code(), code == "61" ? "00" : code);
      auto large = co_await s.send(s.till.sale(5, 100'000));
      EXPECT_EQ(large.code(), code == "13" ? "00" : code);
      co_await behave(s, "normal", "", 0);
      auto again = co_await s.send(s.till.sale(6, 1234));
      EXPECT_EQ(again.code(), "00");
    });
  }
}

const char* const kRefused[] = {R"({"behave":"policy","code":"51"})", R"({"behave":"maintenance","code":"00"})",
                                R"({"behave":"silent","code":"51"})", R"({"behave":"decline","code":"5"})",
                                R"({"behave":"policy","code":"1 "})"};

TEST(HostPolicy, CodesThatABehaviourDoesNotHaveAreRefused) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    for (const std::string line : kRefused) {
      auto heard = co_await s.say(line);
      EXPECT_EQ(heard.size(), 1U);
      EXPECT_THAT(heard.front(), HasSubstr("error")) << line;
    }
    co_await behave(s, "maintenance", "90", 0);
    auto ending = co_await s.send(s.till.sale(2, 100));
    EXPECT_EQ(ending.code(), "90");
  });
}

TEST(HostReversal, SaysByWhichFieldsTheNearestDiffers) {
  Stand stand;
  stand.run([](Stand& s) -> Task<> {
    auto nothing = co_await s.send(s.till.reversal(9, 100));
    EXPECT_EQ(nothing.code(), "25");
    EXPECT_THAT(last_milestone(s), HasSubstr("\"unmatched\""));
    EXPECT_THAT(last_milestone(s), Not(HasSubstr("near")));
    co_await s.send(s.till.sale(2, 5100));
    co_await s.send(s.till.sale(3, 700));
    co_await s.send(s.till.reversal(7, 5100));
    EXPECT_THAT(
        last_milestone(s),
        HasSubstr(R"("stan":"000007","batch":"000001","amount":"000000005100","near":"000001/000002","differs":"11")"));
    co_await s.send(s.till.reversal(3, 701));
    EXPECT_THAT(last_milestone(s), HasSubstr(R"("near":"000001/000003","differs":"4")"));
    co_await s.send(s.till.reversal(3, 700, "6212345678901232"));
    EXPECT_THAT(last_milestone(s), HasSubstr(R"("near":"000001/000003","differs":"2")"));
    Message old = s.till.reversal(3, 700);
    old.set(61, "000009000003");
    co_await s.send(old);
    EXPECT_THAT(last_milestone(s), HasSubstr(R"("near":"000001/000003","differs":"60")"));
    // the twin: what fits says nothing
    const std::size_t told = s.milestones().size();
    auto good = co_await s.send(s.till.reversal(3, 700));
    EXPECT_EQ(good.code(), "00");
    EXPECT_EQ(s.milestones().size(), told);
  });
}

TEST(HostReversal, OfTwoThatFitNoneIsTakenWithoutAName) {
  for (const bool by_content : {false, true}) {
    HostSettings settings = test_settings();
    settings.profile.ambiguous_code = by_content ? "64" : "";
    Stand stand(settings);
    stand.run([by_content](Stand& s) -> Task<> {
      co_await s.send(s.till.sale(2, 5100));
      co_await s.send(s.till.sale(3, 5100));
      co_await s.send(s.till.sale(4, 700));
      Message nameless = s.till.reversal(8, 5100);
      nameless.clear(61);
      auto both = co_await s.send(nameless);
      EXPECT_EQ(both.code(), by_content ? "64" : "25");
      EXPECT_THAT(last_milestone(s), HasSubstr(R"("differs":"11")"));
      if (by_content) {
        EXPECT_THAT(last_milestone(s), HasSubstr(R"("candidates":"2")"));
      }
      Message only = s.till.reversal(9, 700);
      only.clear(61);
      auto one = co_await s.send(only);
      EXPECT_EQ(one.code(), by_content ? "00" : "25");
      auto named = co_await s.send(s.till.reversal(3, 5100));
      EXPECT_EQ(named.code(), "00");
      // with one left the same reversal is no longer ambiguous
      auto rest = co_await s.send(nameless);
      EXPECT_EQ(rest.code(), by_content ? "00" : "25");
    });
  }
}

TEST(HostReversal, FollowsTheProfilesPolicy) {
  HostSettings settings = test_settings();
  settings.profile.not_found_code = "00";
  settings.profile.of_declined_code = "25";
  settings.profile.refuses_secrets = true;
  settings.profile.repeated_code = "94";
  Stand stand(settings);
  stand.run([](Stand& s) -> Task<> {
    auto nothing = co_await s.send(s.till.reversal(9, 100));
    EXPECT_EQ(nothing.code(), "00");
    co_await s.send(s.till.sale(2, 5100, "4111111111111111"));
    auto declined = co_await s.send(s.till.reversal(2, 5100, "4111111111111111"));
    EXPECT_EQ(declined.code(), "25");
    co_await s.send(s.till.sale(3, 700));
    auto repeated = co_await s.send(s.till.sale(3, 700));
    EXPECT_EQ(repeated.code(), "94");
    Message telling = s.till.reversal(3, 700);
    telling.set(35, std::string(kCard) + "=30125010000000000");
    auto refused = co_await s.send(telling);
    EXPECT_EQ(refused.code(), "30");
    auto taken = co_await s.send(s.till.reversal(3, 700));
    EXPECT_EQ(taken.code(), "00");
  });
}

}  // namespace
}  // namespace swiperig
