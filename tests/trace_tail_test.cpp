// The numbers of messages: the same wherever reading begins and whenever it is done, without gaps even where a run was
// stopped, and nothing before it is in the file.
#include "rig/trace_tail.hpp"

#include <gmock/gmock.h>

#include "tests/folder.hpp"

namespace swiperig {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

RunInfo a_run(bool is_virtual) {
  RunInfo run;
  run.id = "demo-1";
  run.campaign = "demo";
  run.is_virtual = is_virtual;
  run.cycles_planned = 100;
  Case c;
  c.name = "sale";
  run.cases.push_back(c);
  return run;
}

Event an_event(std::int64_t cycle, std::uint64_t seq) {
  Event e;
  e.seq = seq;
  e.cycle = cycle;
  e.at = Time(Duration(static_cast<std::int64_t>(seq) * 10));
  e.body = Press{"OK"};
  return e;
}

Verdict a_verdict() {
  Verdict v;
  v.outcome = Outcome::pass;
  return v;
}

/// Judged cycles first..last, each with one event more than the one before.
EpochRecord an_epoch(std::int64_t number, std::int64_t first, std::int64_t last) {
  EpochRecord record;
  record.epoch = number;
  for (std::int64_t c = first; c <= last; ++c) {
    CycleRecord& cycle = record.cycles.emplace_back();
    cycle.cycle = c;
    cycle.case_name = "sale";
    std::vector<Event> events;
    for (std::int64_t i = 0; i <= c; ++i) events.push_back(an_event(c, static_cast<std::uint64_t>(i) + 1));
    cycle.lines.add(events, record.head);
    cycle.verdict = a_verdict();
    cycle.head = record.head;
  }
  return record;
}

std::string words(const RunBegun& r) { return "run " + std::string(r.campaign); }
std::string words(const CycleBegun& c) { return "cycle " + std::to_string(c.cycle); }
std::string words(const StoredLine& e) { return "event " + std::to_string(e.seq) + " of " + std::to_string(e.cycle); }
std::string words(const CycleJudged& v) { return "verdict " + std::to_string(v.cycle); }
std::string words(const RunEnded& r) { return "ended " + std::to_string(r.cycles) + " " + std::to_string(r.events); }

std::vector<std::string> from(TraceTail& tail, std::int64_t first) {
  std::vector<std::string> out;
  tail.read(first, [&](std::int64_t number, const TailEntry& entry) {
    EXPECT_EQ(number, first + static_cast<std::int64_t>(out.size()));
    out.push_back(std::visit([](const auto& e) { return words(e); }, entry));
    return true;
  });
  return out;
}

/// All of it, after reading from everywhere has given the same.
std::vector<std::string> everything(TraceTail& tail) {
  const auto all = from(tail, 0);
  EXPECT_EQ(tail.size(), static_cast<std::int64_t>(all.size()));
  for (std::size_t n = 0; n <= all.size() + 1; ++n) {
    const auto rest = from(tail, static_cast<std::int64_t>(n));
    EXPECT_EQ(rest, std::vector(all.begin() + static_cast<std::ptrdiff_t>(std::min(n, all.size())), all.end())) << n;
  }
  return all;
}

TEST(TraceTail, AStoppedRunHasNoGap) {
  const Folder folder;
  const std::string path = folder / "run.trace";
  TraceWriter writer(path, a_run(true), false);
  TraceTail tail(path);
  EXPECT_THAT(everything(tail), ElementsAre("run demo"));
  writer.epoch(an_epoch(0, 0, 1));
  EXPECT_THAT(everything(tail), ElementsAre("run demo", "cycle 0", "event 1 of 0", "verdict 0", "cycle 1",
                                            "event 2 of 1", "event 3 of 1", "verdict 1"));
  // epochs that others were at when it was stopped
  writer.epoch(an_epoch(2, 4, 5));
  writer.epoch(an_epoch(4, 8, 9));
  const auto before = everything(tail);
  EXPECT_EQ(before.size(), 1u + 6 * 2 + 3 + 11 + 19);
  writer.finish(5);
  auto after = everything(tail);
  EXPECT_EQ(after.back(), "ended 6 33");
  after.pop_back();
  EXPECT_EQ(after, before);
  TraceTail fresh(path);
  EXPECT_EQ(everything(fresh).size(), before.size() + 1);
}

TEST(TraceTail, ALiveRunIsSeenMessageByMessage) {
  const Folder folder;
  const std::string path = folder / "run.trace";
  TraceWriter writer(path, a_run(false), true);
  TraceTail tail(path);
  std::int64_t size = 1;
  const auto one_more = [&](const std::string& what) {
    EXPECT_THAT(from(tail, size), ElementsAre(what));
    EXPECT_EQ(tail.size(), ++size);
  };
  EXPECT_THAT(from(tail, 1), IsEmpty());
  writer.begin(0, "sale", Time{});
  one_more("cycle 0");
  writer.event(an_event(0, 1));
  one_more("event 1 of 0");
  writer.verdict(0, Time{}, a_verdict());
  one_more("verdict 0");
  writer.begin(1, "sale", Time{});
  one_more("cycle 1");
  writer.event(an_event(1, 2));
  one_more("event 2 of 1");
  // cut short
  writer.finish(5);
  one_more("ended 2 2");
  EXPECT_EQ(everything(tail).size(), 7u);
}

TEST(TraceTail, ACycleThatHasNothingYetIsOne) {
  const Folder folder;
  const std::string path = folder / "run.trace";
  TraceWriter writer(path, a_run(false), true);
  writer.begin(0, "sale", Time{});
  TraceTail tail(path);
  EXPECT_THAT(everything(tail), ElementsAre("run demo", "cycle 0"));
  writer.finish(5);
  EXPECT_THAT(everything(tail), ElementsAre("run demo", "cycle 0", "ended 1 0"));
  EXPECT_THAT(from(tail, -1), IsEmpty());
}

TEST(TraceTail, ReadingStopsWhereItIsToldTo) {
  const Folder folder;
  const std::string path = folder / "run.trace";
  TraceWriter writer(path, a_run(true), false);
  writer.epoch(an_epoch(0, 0, 3));
  TraceTail tail(path);
  int visits = 0;
  tail.read(2, [&](std::int64_t, const TailEntry&) { return ++visits < 3; });
  EXPECT_EQ(visits, 3);
  EXPECT_EQ(everything(tail).size(), 19u);
  EXPECT_THROW(TraceTail(folder / "none"), TraceError);
  EXPECT_FALSE(std::filesystem::exists(folder / "none"));
}

}  // namespace
}  // namespace swiperig
