// Doing a case: faults wait for what they are tied to, what moves is awaited, what fails is the rig's own error, and
// however a cycle ends the bench is at rest afterwards. The equipment is made by hand, in virtual time.
#include "rig/cycle.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "fixtures/virtual_clock.hpp"
#include "tests/history.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

/// Says what it was told to say, when it is due.
struct Mouth final : Capture {
  explicit Mouth(Clock& c) : clock(c) {}
  void say(Duration in, Body body) {
    words.push_back({clock.now() + in, std::move(body)});
    std::stable_sort(words.begin(), words.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    news.ring();
  }
  void close() {
    closed = true;
    news.ring();
  }
  Task<Seen> next() override {
    for (;;) {
      if (closed) throw LinkError(LinkError::closed, "taken down");
      if (!broken.empty()) throw EquipmentError(broken);
      if (reset) throw LinkError(LinkError::reset, "the capture's link broke");
      if (!words.empty() && words.front().first <= clock.now()) break;
      co_await clock.wait(news, words.empty() ? never : words.front().first);
    }
    Seen seen{std::move(words.front().second), words.front().first, 0ns};
    words.pop_front();
    co_return seen;
  }
  Clock& clock;
  std::deque<std::pair<Time, Body>> words;
  Bell news;
  std::string broken;
  bool closed = false, reset = false;
};

/// A terminal, its network and its host as one honest whole, and all the equipment around it.
struct Lab final : Actuator, PowerSwitch, NetworkImpairment, HostScript, Book {
  VirtualClock clock;
  Mouth mouth{clock};
  Bench bench{.clock = clock};
  std::atomic<bool> abort = false;

  // what to break
  std::string break_swipe, break_off, break_books, break_host;
  bool unreadable = false, abort_at_swipe = false;
  Duration slow_press = 5s;

  // what was done
  std::vector<ArmedStep> armed;
  std::vector<std::tuple<int, bool, Time>> confirmed;
  std::string host = "?";
  bool on = false, network_clear = false, moving = false, two_at_once = false;
  std::optional<Time> off_at;
  int stan = 0;
  std::vector<Entry> rows;

  Lab() {
    bench.actuator = this;
    bench.power = this;
    bench.network = this;
    bench.host = this;
    bench.journal = this;
    bench.ledger = this;
    bench.captures = {{Source::terminal, &mouth}};
    bench.scope = full_scope();
    bench.terminal.answer_timeout = 10s;
    bench.terminal.no_return_limit = 25s;
    bench.good_card = "good";
    bench.abort = &abort;
  }

  Task<MotionDone> perform(Motion motion) override {
    two_at_once = two_at_once || moving;
    moving = true;
    const auto* swipe = std::get_if<Swipe>(&motion);
    const auto* press = std::get_if<Press>(&motion);
    const bool sale = press != nullptr && press->keys.ends_with("OK");
    if (swipe != nullptr && abort_at_swipe) abort = true;
    co_await clock.sleep_for(swipe != nullptr || sale ? 100ms : slow_press);
    moving = false;
    if (swipe != nullptr && !break_swipe.empty()) throw EquipmentError(break_swipe);
    if (on && sale) {
      amount = amount == 0 ? 1234 : 100;
      mouth.say(10ms, Milestone{"card_wanted", {}});
    }
    if (on && swipe != nullptr && !unreadable) this->sale();
    MotionDone done{swipe != nullptr ? "swipe" : "press", swipe != nullptr ? 500 : 0, false};
    co_return done;
  }
  void sale() {
    ++stan;
    History words;
    words.mark(Source::terminal, "card_read");
    words.wire("request_entered", stan, amount);
    words.wire("request_left", stan, amount);
    words.wire("response_entered", stan, amount, "00");
    for (std::size_t i = 0; i < words.events.size(); ++i) mouth.say(10ms * (i + 1), words.events[i].body);
    const auto step =
        std::find_if(armed.begin(), armed.end(), [](const ArmedStep& s) { return s.when == "response_entered"; });
    if (step == armed.end()) {
      finish(50ms);
    } else if (!step->hold) {
      mouth.say(40ms, Fired{step->step, true, "dropped"});
      rows.push_back(History::row(stan, amount, "reversed"));
    }
  }
  void finish(Duration in) {
    History words;
    words.wire("response_left", stan, amount, "00");
    words.told(stan, "APPROVED", amount);
    words.mark(Source::terminal, "idle");
    for (std::size_t i = 0; i < words.events.size(); ++i) mouth.say(in + 10ms * i, words.events[i].body);
    rows.push_back(History::row(stan, amount, "approved"));
  }

  Task<Reading> set(Supply supply) override {
    co_await clock.sleep_for(40ms);
    if (!supply.on) {
      on = false;
      off_at = clock.now();
      mouth.words.clear();
      if (!break_off.empty()) throw EquipmentError(break_off);
    } else if (!on) {
      on = true;
      mouth.say(1s, Milestone{"booted", {}});
      mouth.say(2s, Milestone{"idle", {}});
    }
    Reading reading{on ? 5000 : 0, 0};
    co_return reading;
  }
  Task<Reading> read() override {
    Reading reading{on ? 5000 : 0, 0};
    co_return reading;
  }

  void set(Impairment i) override {
    network_clear = !i.outage;
    if (network_clear) armed.clear();
  }
  void arm(ArmedStep step) override {
    network_clear = false;
    armed.push_back(step);
    ever_armed.push_back(std::move(step));
  }
  void confirm(int step, bool release) override {
    confirmed.emplace_back(step, release, clock.now());
    if (release) finish(10ms);
  }

  Task<> set(HostBehaviour behaviour) override {
    if (behaviour.name != "normal" && !break_host.empty()) throw EquipmentError(break_host);
    host = behaviour.name;
    co_return;
  }

  Task<std::vector<Entry>> entries() override {
    if (!break_books.empty()) throw EquipmentError(break_books);
    co_return rows;
  }

  std::int64_t amount = 0;
  std::vector<ArmedStep> ever_armed;
};

struct Record final : Sink {
  void begin(std::int64_t, const Case&, Time) override { ++begun; }
  void event(const Event& e) override { events.push_back(e); }
  void verdict(std::int64_t, Time, const Verdict&, std::span<const Event>) override { ++verdicts; }
  /// Number of the first event after `from` for which `test` holds; 0: none.
  template <class Body, class Test>
  std::uint64_t first(Test test, std::uint64_t from = 0) const {
    for (const Event& e : events) {
      const auto* body = std::get_if<Body>(&e.body);
      if (e.seq > from && body != nullptr && test(*body)) return e.seq;
    }
    return 0;
  }
  std::uint64_t milestone(std::string_view name) const {
    return first<Milestone>([&](const Milestone& m) { return m.name == name; });
  }
  std::uint64_t recovery() const {
    return first<Intent>([](const Intent& i) { return i.what == "recovery sale"; });
  }
  std::vector<Event> events;
  int begun = 0, verdicts = 0;
};

/// One cycle on a lab, and how it ended.
struct Bout {
  explicit Bout(Lab& l) : lab(l) {}
  Lab& lab;
  Record record;
  std::optional<Verdict> verdict;
  bool aborted = false, moving_at_the_end = false;

  void operator()(Case c) {
    Watch watch(lab.bench, record);
    lab.clock.run(all(watch, std::move(c)));
  }
  Task<> all(Watch& watch, Case c) {
    watch.open();
    try {
      Verdict v = co_await watch.cycle(std::move(c), 0);
      verdict = std::move(v);
    } catch (const Aborted&) {
      aborted = true;
    }
    moving_at_the_end = lab.moving;
    lab.mouth.close();
    co_await watch.close();
  }
  std::string outcome() const { return verdict ? std::string(to_string(verdict->outcome)) : "none"; }
};

void expect_at_rest(const Bout& run, const char* after) {
  EXPECT_TRUE(run.lab.network_clear) << after;
  EXPECT_EQ(run.lab.host, "normal") << after;
  EXPECT_TRUE(run.lab.on) << after;
  EXPECT_FALSE(run.moving_at_the_end) << after;
  EXPECT_FALSE(run.lab.two_at_once) << after;
}

Case sale(std::vector<Step> steps = {}) {
  Case c;
  c.name = "a case";
  c.amount_minor = 1234;
  c.card = "debit";
  c.must = {"card_read"};
  c.settle = false;
  c.steps.push_back({"card_wanted", 1, 0ns, Swipe{"debit", 500, false}});
  c.steps.insert(c.steps.end(), steps.begin(), steps.end());
  return c;
}

TEST(Cycle, AGoodSalePassesAndItsRecordIsInOrder) {
  Lab lab;
  Bout run(lab);
  run(sale());
  EXPECT_EQ(run.outcome(), "pass") << run.verdict->why;
  EXPECT_EQ(run.record.begun, 1);
  EXPECT_EQ(run.record.verdicts, 1);
  EXPECT_FALSE(lab.two_at_once);
  std::uint64_t seq = 0;
  for (const Event& e : run.record.events) EXPECT_EQ(e.seq, ++seq);
  // they are read before the case as well, where nobody knows what an earlier one left
  const auto book =
      run.record.first<BookRead>([](const BookRead& b) { return b.book == "ledger"; }, run.record.milestone("told"));
  EXPECT_LT(run.record.milestone("card_wanted"), run.record.milestone("told"));
  EXPECT_LT(run.record.milestone("told"), run.record.recovery());
  EXPECT_LT(run.record.recovery(), book);
  // the twin: a card that was never read proves nothing
  Lab dirty;
  dirty.unreadable = true;
  Bout misread(dirty);
  misread(sale());
  EXPECT_NE(misread.outcome(), "pass");
  EXPECT_NE(misread.record.first<Silence>([](const Silence&) { return true; }), 0U);
}

TEST(Cycle, APowerFaultHoldsTheMessageUntilTheRailIsDown) {
  Lab lab;
  Bout run(lab);
  run(sale({{"response_entered", 1, 0ns, Supply{false}}}));
  ASSERT_FALSE(lab.ever_armed.empty());
  EXPECT_TRUE(lab.ever_armed[0].hold);
  EXPECT_EQ(lab.ever_armed[0].when, "response_entered");
  EXPECT_EQ(lab.ever_armed[0].hold_max, 5s) << "half of the terminal's time-out";
  ASSERT_EQ(lab.confirmed.size(), 1U);
  const auto& [step, release, at] = lab.confirmed[0];
  EXPECT_EQ(step, 1);
  EXPECT_FALSE(release) << "the message is lost with the terminal";
  const auto& r = run.record;
  const auto entered = r.milestone("response_entered");
  const auto commanded = r.first<Supply>([](const Supply& s) { return !s.on; }, entered);
  const auto measured = r.first<Reading>([](const Reading& v) { return v.rail_mv == 0; });
  const auto fired = r.first<Fired>([](const Fired& f) { return f.step == 1 && f.done; });
  EXPECT_TRUE(entered != 0 && entered < commanded && commanded < measured && measured < fired)
      << entered << commanded << measured << fired;
  EXPECT_GE(at, r.events[measured - 1].at) << "confirmed by the measurement, not by the command";
  EXPECT_TRUE(lab.on);
  // the twin: a host that has changed must get the message
  Lab other;
  Bout changed(other);
  changed(sale({{"response_entered", 1, 0ns, HostBehaviour{"silent", 0ns, ""}}}));
  ASSERT_EQ(other.confirmed.size(), 1U);
  EXPECT_TRUE(std::get<1>(other.confirmed[0]));
  EXPECT_EQ(other.host, "normal") << "at the end";
}

TEST(Cycle, EquipmentThatFailsIsAnErrorAndTheBenchIsAtRest) {
  const struct {
    const char* what;
    std::string Lab::*broken;
  } failures[] = {{"the actuator is in alarm", &Lab::break_swipe},
                  {"the rail does not fall", &Lab::break_off},
                  {"the ledger does not answer", &Lab::break_books},
                  {"the host's script does not answer", &Lab::break_host}};
  for (const auto& f : failures) {
    Lab lab;
    lab.*f.broken = f.what;
    Bout run(lab);
    run(sale({{"card_read", 1, 0ns, HostBehaviour{"silent", 0ns, ""}}, {"response_entered", 1, 0ns, Supply{false}}}));
    EXPECT_EQ(run.outcome(), "error") << f.what;
    EXPECT_NE(run.verdict->why.find(f.what), std::string::npos) << run.verdict->why;
    EXPECT_TRUE(run.verdict->findings.empty());
    EXPECT_NE(run.record.first<EquipmentFault>([](const EquipmentFault&) { return true; }), 0U);
    expect_at_rest(run, f.what);
  }
  Lab honest;
  Bout run(honest);
  run(sale({{"card_read", 1, 0ns, HostBehaviour{"silent", 0ns, ""}}, {"response_entered", 1, 0ns, Supply{false}}}));
  EXPECT_NE(run.outcome(), "error");
}

TEST(Cycle, ACaptureThatFailsIsAnError) {
  for (const bool reset : {false, true}) {
    Lab lab;
    (reset ? lab.mouth.reset : lab.unreadable) = true;
    if (!reset) lab.mouth.broken = "the camera is gone";
    Bout run(lab);
    run(sale());
    EXPECT_EQ(run.outcome(), "error");
    EXPECT_NE(run.verdict->why.find(reset ? "link broke" : "camera is gone"), std::string::npos) << run.verdict->why;
    expect_at_rest(run, "a capture failed");
  }
}

TEST(Cycle, StoppedInMidCycleTheBenchComesToRest) {
  for (const bool dark : {false, true}) {
    Lab lab;
    lab.abort_at_swipe = true;
    Bout run(lab);
    // in the dark twin the power is off when the user stops
    std::vector<Step> steps = {{"start", 1, 0ns, HostBehaviour{"silent", 0ns, ""}}};
    if (dark) steps.push_back({"card_wanted", 1, 0ns, Supply{false}});
    run(sale(steps));
    EXPECT_TRUE(run.aborted);
    EXPECT_EQ(run.record.begun, 1);
    EXPECT_EQ(run.record.verdicts, 0) << "a cycle cut short has no verdict";
    EXPECT_EQ(run.record.recovery(), 0U);
    EXPECT_EQ(lab.off_at.has_value(), dark);
    expect_at_rest(run, "stopped");
  }
  Lab lab;
  Bout run(lab);
  run(sale());
  EXPECT_FALSE(run.aborted);
}

TEST(Cycle, AStepWhoseMomentNeverCameIsRecorded) {
  Lab lab;
  Bout run(lab);
  run(sale({{"committed", 1, 0ns, Supply{false}}, {"told", 2, 0ns, Supply{false}}}));
  for (const int step : {1, 2}) {
    EXPECT_NE(run.record.first<Fired>([&](const Fired& f) { return f.step == step && !f.done; }), 0U) << step;
    EXPECT_EQ(run.record.first<Fired>([&](const Fired& f) { return f.step == step && f.done; }), 0U) << step;
  }
  EXPECT_NE(run.record.first<Fired>([](const Fired& f) { return f.step == 0 && f.done; }), 0U);
  EXPECT_EQ(run.outcome(), "inconclusive");
  EXPECT_NE(run.verdict->why.find("step 2"), std::string::npos) << run.verdict->why;
}

TEST(Cycle, WhatStillMovesWhenTheCaseEndsIsAwaited) {
  Lab lab;
  Bout run(lab);
  run(sale({{"card_read", 1, 0ns, Press{"F1"}}}));  // five seconds; the sale is told long before
  const auto& r = run.record;
  const auto told = r.milestone("told");
  const auto moved = r.first<MotionDone>([](const MotionDone& m) { return m.what == "press"; }, told);
  EXPECT_LT(told, moved);
  EXPECT_LT(moved, r.recovery());
  EXPECT_FALSE(lab.two_at_once) << "the recovery began while the actuator was moving";
  EXPECT_EQ(run.outcome(), "pass") << run.verdict->why;
}

TEST(Cycle, AStepAfterTheEndOfTheSaleStillActs) {
  for (const Duration after : {Duration(0), Duration(3s)}) {
    Lab lab;
    Bout run(lab);
    run(sale({{"told", 1, after, Supply{false}}}));
    EXPECT_NE(run.record.first<Fired>([](const Fired& f) { return f.step == 1 && f.done; }), 0U) << to_text(after);
    EXPECT_EQ(run.record.first<Fired>([](const Fired& f) { return f.step == 1 && !f.done; }), 0U);
    const auto told = run.record.milestone("told");
    const auto cut = run.record.first<Supply>([](const Supply& s) { return !s.on; }, told);
    EXPECT_EQ(run.record.events[cut - 1].at - run.record.events[told - 1].at, after);
    EXPECT_LT(cut, run.record.recovery());
  }
}

TEST(Cycle, AFaultInThePathIsArmedBeforeAnythingMoves) {
  Lab lab;
  Bout run(lab);
  run(sale({{"response_entered", 1, 0ns, NetworkFault{NetworkFault::drop, 0ns}}}));
  ASSERT_EQ(lab.ever_armed.size(), 1U);
  EXPECT_FALSE(lab.ever_armed[0].hold);
  const auto armed = run.record.first<Armed>([](const Armed& a) { return a.step == 1; });
  const auto moved = run.record.first<MotionDone>([](const MotionDone&) { return true; });
  EXPECT_TRUE(armed != 0 && armed < moved);
  EXPECT_NE(run.record.first<Silence>([](const Silence&) { return true; }), 0U) << "nothing came back";
  EXPECT_TRUE(lab.confirmed.empty());
}

// the disk is full in mid-cycle: nothing more is recorded, but the bench does not stay as it is
TEST(Cycle, ATraceThatTakesNoMoreLeavesTheBenchAtRest) {
  struct Full : std::runtime_error {
    using std::runtime_error::runtime_error;
  };
  struct Disk final : Sink {
    void begin(std::int64_t, const Case&, Time) override {}
    void event(const Event& e) override {
      if (full) ++after;
      if (is_sale(e)) full = true;
      if (full) throw Full("disk full");
    }
    static bool is_sale(const Event& e) { return std::holds_alternative<Swipe>(e.body); }
    void verdict(std::int64_t, Time, const Verdict&, std::span<const Event>) override { ++after; }
    bool full = false;
    int after = 0;
  } disk;
  Lab lab;
  Bout run(lab);
  Watch watch(lab.bench, disk);
  std::string why;
  lab.clock.run([](Bout& bout, Watch& w, std::string& said) -> Task<> {
    Case c = sale({{"start", 1, 0ns, HostBehaviour{"silent", 0ns, ""}}, {"card_wanted", 1, 0ns, Supply{false}}});
    try {
      co_await bout.all(w, std::move(c));
    } catch (const Full& e) {
      said = e.what();
    }
    bout.moving_at_the_end = bout.lab.moving;
    bout.lab.mouth.close();
    co_await w.close();
  }(run, watch, why));
  EXPECT_EQ(why, "disk full");
  EXPECT_EQ(disk.after, 0) << "a sink that failed was called again";
  expect_at_rest(run, "the disk was full");
}

}  // namespace
}  // namespace swiperig
