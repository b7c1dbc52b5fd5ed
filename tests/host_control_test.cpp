#include "drivers/host_control.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "fixtures/host.hpp"
#include "fixtures/pipe.hpp"
#include "fixtures/virtual_clock.hpp"
#include "rig/random.hpp"
#include "tests/till.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

/// What a call ended with: "" or the error it threw, and whether that was the rig's equipment.
struct Told {
  std::string error;
  bool equipment = false, closed = false;
};
Task<Told> outcome(Task<> call) {
  Told told;
  try {
    co_await std::move(call);
  } catch (const EquipmentError& error) {
    told = {error.what(), true, false};
  } catch (const LinkError& error) {
    told = {error.what(), false, error.kind == LinkError::closed};
  }
  co_return told;
}
// g++ 12 frees an aggregate twice that is made inside the awaiting expression
Task<> behave(HostControl& control, std::string name, Duration lasts = {}) {
  const HostBehaviour behaviour{name, lasts, {}};
  co_await control.set(behaviour);
}
Task<> entries_of(HostControl& control, std::vector<Entry>* into = nullptr) {
  auto entries = co_await control.entries();
  if (into != nullptr) *into = std::move(entries);
}
Task<> next_of(HostControl& control, std::optional<Seen>* into = nullptr) {
  auto seen = co_await control.next();
  if (into != nullptr) into->emplace(std::move(seen));
}

/// The driver with the simulated host at its far end.
struct Served {
  VirtualClock clock;
  PipeHub hub{clock};
  std::unique_ptr<Listener> listener = hub.listen("host");
  std::unique_ptr<Dialer> dialer = hub.dialer("host");
  std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>> pipe = make_pipe(clock);
  HostControl control{clock, std::move(pipe.first)};
  Host host{clock, test_settings(), *listener, std::move(pipe.second)};
  Till till;

  Task<Ending> send(Message message) {
    auto link = co_await dialer->dial();
    auto ending = co_await exchange(clock, *link, till.frame(message), till.settings.profile.framing);
    co_return ending;
  }
  Task<> whole(const std::function<Task<>(Served&)>& body) {
    Crew crew(clock);
    crew.start(host.run());
    crew.start(control.serve());
    co_await body(*this);
    control.close();
    host.stop();
    co_await crew.join();
  }
  void run(const std::function<Task<>(Served&)>& body) { clock.run(whole(body)); }
};

TEST(HostControl, CustomerServiceKnowsASaleByItsReference) {
  Served served;
  served.run([](Served& s) -> Task<> {
    auto sold = co_await s.send(s.till.sale(2, 1234));
    const std::string reference(sold.answer.field(37));
    EXPECT_EQ(reference.size(), 12u);
    co_await s.control.look_up(reference);
    for (const char* name : {"request_at_host", "committed", "looked_up"}) {
      auto next = co_await s.control.next();
      const Milestone& m = std::get<Milestone>(next.body);
      EXPECT_EQ(m.name, name);
      if (m.name != "looked_up") continue;
      EXPECT_EQ(field(m.fields, "stan"), "000002");
      EXPECT_EQ(field(m.fields, "batch"), "000001");
      EXPECT_EQ(field(m.fields, "amount"), "000000001234");
      EXPECT_EQ(field(m.fields, "state"), "approved");
      EXPECT_EQ(field(m.fields, "rrn"), reference);
    }
    auto posted = co_await s.control.issuer().entries();
    EXPECT_EQ(posted.size(), 1u);
    EXPECT_EQ(posted.at(0).state, "posted");
    EXPECT_EQ(posted.at(0).amount_minor, 1234);
    co_await s.send(s.till.reversal(2, 1234));
    auto released = co_await s.control.issuer().entries();
    EXPECT_EQ(released.at(0).state, "released");
    co_await s.control.look_up("000000000000");  // nobody knows that one
    co_await s.control.look_up(reference);
    auto next = co_await s.control.next();
    EXPECT_EQ(field(std::get<Milestone>(next.body).fields, "state"), "reversed");
    std::string refused;
    try {
      co_await s.control.look_up("no reference at all");
    } catch (const EquipmentError& e) {
      refused = e.what();
    }
    EXPECT_NE(refused.find("not a retrieval reference"), std::string::npos) << refused;
  });
}

TEST(HostControl, ScriptsTheHostAndReadsWhatItDid) {
  Served served;
  served.run([](Served& s) -> Task<> {
    co_await behave(s.control, "decline");
    auto declined = co_await s.send(s.till.sale(2, 1234));
    EXPECT_EQ(declined.code(), "51");
    co_await behave(s.control, "slow", 1500us);
    const Time asked = s.clock.now();
    auto slow = co_await s.send(s.till.sale(3, 500));
    EXPECT_EQ(slow.code(), "00");
    EXPECT_EQ(s.clock.now() - asked, 32ms) << "milliseconds, rounded up";
    co_await behave(s.control, "normal");
    co_await s.send(s.till.sale(4, 700));
    co_await s.send(s.till.reversal(4, 700));
    co_await s.send(s.till.reversal(5, 900));

    std::string book;
    auto entries = co_await s.control.entries();
    for (const Entry& e : entries) {
      book += e.batch + " " + e.stan + " " + e.kind + " " + std::to_string(e.amount_minor) + " " + e.state + "\n";
    }
    EXPECT_EQ(book,
              "000001 000002 sale 1234 declined\n000001 000003 sale 500 approved\n"
              "000001 000004 sale 700 reversed\n000001 000005 sale 900 tombstone\n");

    std::string seen;
    for (int i = 0; i < 6; ++i) {
      auto next = co_await s.control.next();
      const Milestone& milestone = std::get<Milestone>(next.body);
      seen += milestone.name;
      for (const auto& [name, value] : milestone.fields) seen += " " + name + "=" + value;
      seen += "\n";
      EXPECT_TRUE(i != 0 || next.at == Time{});
      EXPECT_TRUE(i != 1 || next.at == Time(30ms));
    }
    EXPECT_EQ(seen.substr(0, seen.find("000003")),
              "request_at_host mti=0200 stan=000002 batch=000001 amount=000000001234\n"
              "committed mti=0200 stan=000002 batch=000001 amount=000000001234 code=51\n"
              "request_at_host mti=0200 stan=");
  });
}

TEST(HostControl, CommandsThatOverlapEachGetTheirOwnAnswer) {
  Served served;
  served.run([](Served& s) -> Task<> {
    co_await s.send(s.till.sale(2, 1234));
    Crew crew(s.clock);
    std::vector<Entry> first, second;
    crew.start(entries_of(s.control, &first));
    crew.start(behave(s.control, "silent"));
    crew.start(entries_of(s.control, &second));
    co_await crew.join();
    EXPECT_EQ(first.size(), 1U);
    EXPECT_EQ(second.size(), 1U);
  });
}

TEST(HostControl, ARefusedCommandIsAnEquipmentErrorAndTheNextOneWorks) {
  Served served;
  served.run([](Served& s) -> Task<> {
    auto refused = co_await outcome(behave(s.control, "angry"));
    EXPECT_TRUE(refused.equipment);
    EXPECT_NE(refused.error.find("no such behaviour"), std::string::npos) << refused.error;
    auto fine = co_await outcome(behave(s.control, "normal"));
    EXPECT_EQ(fine.error, "");
  });
}

TEST(HostControl, ABatchLargerThanAnyReadArrivesWhole) {
  Served served;
  served.run([](Served& s) -> Task<> {
    auto link = co_await s.dialer->dial();
    for (int stan = 1; stan <= 600; ++stan) {
      co_await exchange(s.clock, *link, s.till.frame(s.till.sale(stan, 100)), s.till.settings.profile.framing);
    }
    auto entries = co_await s.control.entries();
    EXPECT_EQ(entries.size(), 600U);
    EXPECT_EQ(entries.back().stan, "000600");
  });
}

TEST(HostControl, ClosingEndsTheCaptureAsTakenDown) {
  Served served;
  Told told;
  served.run([&told](Served& s) -> Task<> {
    Crew crew(s.clock);
    const auto wait = [&]() -> Task<> { told = co_await outcome(next_of(s.control)); };
    crew.start(wait());
    co_await s.clock.sleep_for(1s);
    s.control.close();
    co_await crew.join();
    auto late = co_await outcome(behave(s.control, "normal"));
    EXPECT_TRUE(late.equipment);
  });
  EXPECT_TRUE(told.closed);
  EXPECT_FALSE(told.equipment);
}

// --- a far end that is no host ---------------------------------------------------------------------------------

/// Says `says` to whatever the driver sends first, then nothing more, and closes if told to.
struct Hostile {
  VirtualClock clock;
  std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>> pipe = make_pipe(clock);
  HostControl control{clock, std::move(pipe.first)};
  std::unique_ptr<Link> peer = std::move(pipe.second);
  std::string says;
  bool hangs_up = false;

  Task<> play() {
    std::uint8_t chunk[256];
    try {
      std::size_t n = co_await peer->read_some(chunk);
      if (n != 0) co_await peer->write(bytes_of(says));
      if (hangs_up) peer->close(Close::fin);
      while (n != 0 && !hangs_up) n = co_await peer->read_some(chunk);
    } catch (const LinkError&) {
    }
  }
  Task<> whole(bool read_book, Told& told) {
    Crew crew(clock);
    crew.start(control.serve());
    crew.start(play());
    if (read_book) {
      told = co_await outcome(entries_of(control));
    } else {
      told = co_await outcome(behave(control, "normal"));
    }
    if (!told.error.empty()) capture = co_await outcome(next_of(control));
    control.close();
    co_await crew.join();
  }
  Told run(bool read_book) {
    Told told;
    clock.run(whole(read_book, told));
    return told;
  }
  Told capture;
};

const std::string kRow =
    R"({"entry":{"batch":"000001","stan":"000002","kind":"sale","amount_minor":5,"state":"approved"}})";

TEST(HostControl, HostilePeerIsNamedNeverBelieved) {
  const auto changed = [](const std::string& from, const std::string& to) {
    std::string row = kRow;
    return row.replace(row.find(from), from.size(), to) + "\n{\"end\":1}\n";
  };
  struct {
    bool book;
    std::string says, named;
  } const cases[] = {
      {false, "nonsense\n", "'nonsense'"},
      {false, "\n", "not a JSON object"},
      {false, "[1]\n", "not a JSON object"},
      {false, "{}\n", "not a JSON object"},
      {false, std::string(3, '\xFF') + "\n", "\\xFF"},
      {false, std::string(5000, 'x'), "over 4096"},
      {false, "{\"ok\":\"ledger\"}\n", "not the answer"},
      {false, "{\"ok\":\"behave\",\"x\":1}\n", "not an answer"},
      {false, "{\"end\":0}\n", "not the answer"},
      {false, kRow + "\n", "not the answer"},
      {false, "{\"milestone\":\"told\"}\n", "not a milestone"},
      {false, "{\"milestone\":\"committed\",\"stan\":2}\n", "not a milestone"},
      {false, "{\"milestone\":\"committed\",\"stan\":\"" + std::string(33, '1') + "\"}\n", "not a milestone"},
      {false, "{\"milestone\":\"committed\",\"stan\":\"a\\u0001\"}\n", "not a milestone"},
      {false, "{\"a\":{\"b\":{\"c\":{}}}}\n", "not a JSON object"},
      {false, "card 6212345678901265 seen\n", "621234******1265"},
      {true, "{\"ok\":\"behave\"}\n", "not the answer"},
      {true, "{\"end\":1}\n", "not the answer"},
      {true, kRow + "\n{\"end\":2}\n", "not the answer"},
      {true, changed("\"000001\"", "\"00001\""), "not a row"},
      {true, changed("\"000002\"", "2"), "not a row"},
      {true, changed(":5", ":-5"), "not a row"},
      {true, changed(":5", ":5.5"), "not a row"},
      {true, changed("approved", "fine"), "not a row"},
      {true, changed(",\"kind\":\"sale\"", ""), "not a row"},
  };
  for (const auto& c : cases) {
    Hostile peer;
    peer.says = c.says;
    const Told told = peer.run(c.book);
    EXPECT_TRUE(told.equipment) << c.says;
    EXPECT_NE(told.error.find(c.named), std::string::npos) << c.says << "\n" << told.error;
    EXPECT_EQ(told.error.find("6212345678901265"), std::string::npos);
    EXPECT_LT(told.error.size(), 200U);
    EXPECT_TRUE(peer.capture.equipment) << "the capture tells the same fault";
    EXPECT_EQ(peer.capture.error, told.error);
    EXPECT_EQ(peer.clock.now(), Time{}) << "at once, not by time-out";
  }
  Hostile honest;
  honest.says = kRow + "\n{\"end\":1}\n";
  EXPECT_EQ(honest.run(true).error, "");
}

TEST(HostControl, SilenceAndHangingUpAreEquipmentErrors) {
  Hostile silent;
  const Told told = silent.run(true);
  EXPECT_TRUE(told.equipment);
  EXPECT_NE(told.error.find("no answer within 5 s"), std::string::npos) << told.error;
  EXPECT_EQ(silent.clock.now(), Time(5s));
  Hostile half;
  half.says = kRow + "\n";
  EXPECT_TRUE(half.run(true).equipment);
  EXPECT_EQ(half.clock.now(), Time(5s));
  Hostile gone;
  gone.hangs_up = true;
  EXPECT_NE(gone.run(true).error.find("closed by the far end"), std::string::npos);
  EXPECT_EQ(gone.clock.now(), Time{});
}

TEST(HostControl, RandomBytesNeverCrashOrHangIt) {
  const std::string pieces[] = {
      "{", "}",   "\"", ":",  ",",   "\n", "\"ok\"", "\"behave\"", "\"end\"", "1", "\"milestone\"", "\"committed\"",
      "[", "\\u", kRow, "\n", "\xC3"};
  for (std::uint32_t run = 0; run < 500; ++run) {
    Draws draws(11, 0, run, 0);
    Hostile peer;
    const std::uint32_t count = draws.below(40);
    for (std::uint32_t i = 0; i < count; ++i) peer.says += pieces[draws.below(std::size(pieces))];
    const bool book = draws.below(2) == 0;
    const Told told = peer.run(book);
    EXPECT_TRUE(told.equipment || told.error.empty());
    EXPECT_LE(peer.clock.now(), Time(5s));
  }
}

}  // namespace
}  // namespace swiperig
