#include "rig/clock.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fixtures/pipe.hpp"
#include "fixtures/virtual_clock.hpp"
#include "rig/crew.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;

Task<> sleep_and_note(Clock& clock, Time until, int name, std::vector<int>& woken) {
  co_await clock.sleep_until(until);
  woken.push_back(name);
}

Task<> run_all(Clock& clock, std::vector<Duration> sleeps, std::vector<int>& woken) {
  Crew crew(clock);
  int name = 0;
  for (const Duration d : sleeps) crew.start(sleep_and_note(clock, clock.now() + d, name++, woken));
  co_await crew.join();
}

TEST(VirtualClock, WakesInOrderOfDueTimeAndTakesNoMachineTime) {
  VirtualClock clock;
  std::vector<int> woken;
  clock.run(run_all(clock, {3h, 1s, 168h, 2ms}, woken));
  EXPECT_EQ(woken, (std::vector<int>{3, 1, 0, 2}));
  EXPECT_EQ(clock.now(), Time(168h));
}

TEST(VirtualClock, WakesTogetherInTheOrderTheyLayDown) {
  VirtualClock clock;
  std::vector<int> woken;
  clock.run(run_all(clock, std::vector<Duration>(50, 7ms), woken));
  ASSERT_EQ(woken.size(), 50U);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(woken[static_cast<std::size_t>(i)], i);
}

TEST(VirtualClock, KeepsAHundredThousandSleepersInOrder) {
  VirtualClock clock;
  std::vector<Duration> sleeps;
  std::uint64_t state = 1;
  for (int i = 0; i < 100'000; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    sleeps.emplace_back(static_cast<std::int64_t>(1 + (state >> 33) % 5000));
  }
  std::vector<int> woken;
  clock.run(run_all(clock, sleeps, woken));
  ASSERT_EQ(woken.size(), sleeps.size());
  for (std::size_t i = 1; i < woken.size(); ++i) {
    const auto a = static_cast<std::size_t>(woken[i - 1]), b = static_cast<std::size_t>(woken[i]);
    ASSERT_LT(std::pair(sleeps[a], a), std::pair(sleeps[b], b));
  }
}

Task<> wait_and_note(Clock& clock, Bell& bell, Time until, std::string& result) {
  const bool rung = co_await clock.wait(bell, until);
  result += rung ? "rung " : "due ";
  result += to_text(clock.now().time_since_epoch());
}

Task<> ring_at(Clock& clock, Bell& bell, Time at) {
  co_await clock.sleep_until(at);
  bell.ring();
}

Task<> both(Clock& clock, Task<> first, Task<> second) {
  Crew crew(clock);
  crew.start(std::move(first));
  crew.start(std::move(second));
  co_await crew.join();
}

std::string wait_until_5ms_rung_at(Duration ring, bool ringer_first) {
  VirtualClock clock;
  Bell bell;
  std::string result;
  Task<> wait = wait_and_note(clock, bell, Time(5ms), result);
  Task<> ringer = ring_at(clock, bell, Time(ring));
  if (ringer_first) {
    clock.run(both(clock, std::move(ringer), std::move(wait)));
  } else {
    clock.run(both(clock, std::move(wait), std::move(ringer)));
  }
  return result;
}

TEST(VirtualClock, ARingEndsAWaitEarlyAndADueTimeEndsItWithout) {
  EXPECT_EQ(wait_until_5ms_rung_at(3ms, false), "rung 3 ms");
  EXPECT_EQ(wait_until_5ms_rung_at(6ms, false), "due 5 ms");
}

TEST(VirtualClock, OfARingAndADueTimeAtOnceTheFirstInTheLoopsOrderCounts) {
  EXPECT_EQ(wait_until_5ms_rung_at(5ms, true), "rung 5 ms");
  EXPECT_EQ(wait_until_5ms_rung_at(5ms, false), "due 5 ms");
}

Task<> two_waits(Clock& clock, Bell& bell, std::string& result) {
  co_await wait_and_note(clock, bell, Time(5ms), result);
  result += ", ";
  co_await wait_and_note(clock, bell, Time(5ms), result);
}

TEST(VirtualClock, ARingBeforeTheWaitIsRememberedOnce) {
  VirtualClock clock;
  Bell bell;
  bell.ring();
  bell.ring();
  std::string result;
  clock.run(two_waits(clock, bell, result));
  EXPECT_EQ(result, "rung 0 s, due 5 ms");
}

Task<> wait_for_ever(Clock& clock, Bell& bell) { co_await clock.wait(bell, never); }

TEST(VirtualClock, AWaitThatNobodyCanEndIsReportedAndNotWaitedFor) {
  VirtualClock clock;
  Bell bell;
  EXPECT_THROW(clock.run(wait_for_ever(clock, bell)), std::logic_error);
}

TEST(VirtualClock, WhatWasGivenUpMayEndUnderALaterRun) {
  VirtualClock clock;
  Bell bell;
  std::string result;
  EXPECT_THROW(clock.run(wait_and_note(clock, bell, never, result)), std::logic_error);
  clock.run(ring_at(clock, bell, Time(1s)));
  EXPECT_EQ(result, "rung 1 s");
}

TEST(VirtualClock, AWaitThatSomebodyEndsIsNoDeadlock) {
  VirtualClock clock;
  Bell bell;
  EXPECT_NO_THROW(clock.run(both(clock, wait_for_ever(clock, bell), ring_at(clock, bell, Time(1h)))));
}

TEST(VirtualClock, SaysAtRunWhatMainThrew) {
  VirtualClock clock;
  auto fail = [](Clock& c) -> Task<> {
    co_await c.sleep_for(1s);
    throw std::runtime_error("robot on fire");
  };
  try {
    clock.run(fail(clock));
    FAIL() << "nothing thrown";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "robot on fire");
  }
  std::vector<int> woken;
  clock.run(run_all(clock, {1s}, woken));
  EXPECT_EQ(woken.size(), 1U);
}

TEST(SteadyClock, SleepsAtLeastAsLongAsAskedAndInOrder) {
  SteadyClock clock;
  std::vector<int> woken;
  const Time start = clock.now();
  clock.run(run_all(clock, {30ms, 1ms, 20ms, 1ms}, woken));
  EXPECT_EQ(woken, (std::vector<int>{1, 3, 2, 0}));
  EXPECT_GE(clock.now() - start, 30ms);
}

TEST(SteadyClock, ARingEndsAWaitThatWouldHaveBeenLong) {
  SteadyClock clock;
  Bell bell;
  std::string result;
  clock.run(both(clock, wait_and_note(clock, bell, Time(1h), result), ring_at(clock, bell, clock.now() + 1ms)));
  EXPECT_EQ(result.substr(0, 5), "rung ");
}

/// Something is ready all the time, as with a device that floods; gives up after `turns`.
Task<> be_busy(Clock& clock, const bool& enough, int turns, int& done) {
  for (; done < turns && !enough; ++done) co_await clock.yield();
}

Task<> set_at(Clock& clock, Time at, bool& what) {
  co_await clock.sleep_until(at);
  what = true;
}

TEST(SteadyClock, WakesSleepersThoughSomethingIsAlwaysReady) {
  SteadyClock clock;
  bool slept = false;
  int done = 0;
  clock.run(both(clock, set_at(clock, clock.now() + 5ms, slept), be_busy(clock, slept, 50'000'000, done)));
  EXPECT_LT(done, 50'000'000);
}

Task<> sleep_then(Clock& clock, Duration d, bool& ended, const char* fail) {
  co_await clock.sleep_for(d);
  ended = true;
  if (fail != nullptr) throw std::runtime_error(fail);
}

Task<> join_three(Clock& clock, bool& early, bool& late, std::string& caught, bool& idle_before, bool& idle_after) {
  Crew crew(clock);
  bool failed = false;
  crew.start(sleep_then(clock, 1s, early, nullptr));
  crew.start(sleep_then(clock, 2s, failed, "first failure"));
  crew.start(sleep_then(clock, 3s, late, "second failure"));
  idle_before = crew.idle();
  try {
    co_await crew.join();
  } catch (const std::runtime_error& e) {
    caught = e.what();
  }
  idle_after = crew.idle();
  co_await crew.join();
}

TEST(Crew, JoinsAllAndThenRethrowsTheFirstFailureOnce) {
  VirtualClock clock;
  bool early = false, late = false, idle_before = true, idle_after = false;
  std::string caught;
  clock.run(join_three(clock, early, late, caught, idle_before, idle_after));
  EXPECT_TRUE(early);
  EXPECT_TRUE(late) << "join returned while one was still at work";
  EXPECT_EQ(caught, "first failure");
  EXPECT_FALSE(idle_before);
  EXPECT_TRUE(idle_after);
  EXPECT_EQ(clock.now(), Time(3s));
}

Task<> start_again(Clock& clock, int& ended) {
  Crew crew(clock);
  for (int round = 0; round < 3; ++round) {
    bool done = false;
    crew.start(sleep_then(clock, 1s, done, nullptr));
    co_await clock.sleep_for(2s);
    crew.start(sleep_then(clock, 1s, done, nullptr));
    done = false;
    co_await crew.join();
    ended += done;
  }
}

TEST(Crew, JoinIsNotFooledByARoundThatEndedBefore) {
  VirtualClock clock;
  int ended = 0;
  clock.run(start_again(clock, ended));
  EXPECT_EQ(ended, 3);
  EXPECT_EQ(clock.now(), Time(9s));
}

Task<> accept_kind(std::unique_ptr<Listener>& listener, std::string& result) {
  try {
    auto link = co_await listener->accept();
    result = link ? "link" : "nothing";
  } catch (const LinkError& e) {
    result = e.kind == LinkError::closed ? "closed" : "other";
  }
}

Task<> take_away(Clock& clock, std::unique_ptr<Listener>& listener) {
  co_await clock.sleep_for(1s);
  listener.reset();
}

TEST(Pipe, AListenerDestroyedUnderAcceptEndsItAsClosed) {
  VirtualClock clock;
  PipeHub hub(clock);
  auto listener = hub.listen("host");
  std::string result;
  clock.run(both(clock, accept_kind(listener, result), take_away(clock, listener)));
  EXPECT_EQ(result, "closed");
}

Task<> dial_once(Clock& clock, std::unique_ptr<Dialer>& dialer) {
  co_await clock.sleep_for(1s);
  auto link = co_await dialer->dial();
}

TEST(Pipe, APlaceIsServedAgainAfterItsListenerWas) {
  VirtualClock clock;
  PipeHub hub(clock);
  auto dialer = hub.dialer("host");
  auto listener = hub.listen("host");
  listener.reset();
  EXPECT_THROW(clock.run(dial_once(clock, dialer)), LinkError);
  listener = hub.listen("host");
  std::string result;
  clock.run(both(clock, accept_kind(listener, result), dial_once(clock, dialer)));
  EXPECT_EQ(result, "link");
}

}  // namespace
}  // namespace swiperig
