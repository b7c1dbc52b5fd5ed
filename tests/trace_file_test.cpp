// A trace is evidence: what was written comes back, anybody can recompute its head, and what was damaged, cut off or
// never was a trace is refused with the place instead of being believed.
#include "rig/trace_file.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>

#include "rig/random.hpp"
#include "tests/trace_place.hpp"

namespace swiperig {
namespace {
using namespace std::chrono_literals;

RunInfo a_run(bool is_virtual) {
  RunInfo run;
  run.id = "demo-1";
  run.campaign = "demo";
  run.bench = "virtual";
  run.seed = 0xFEDCBA9876543210;
  run.is_virtual = is_virtual;
  run.cycles_planned = 6;
  run.scope.sources = {"network", "host", "terminal"};
  run.scope.books = {"journal", "ledger"};
  run.scope.answer_timeout = 10s;
  run.scope.brownout_mv = 3300;
  for (const char* name : {"good sale", "request lost"}) {
    Case c;
    c.name = name;
    c.amount_minor = 1234;
    c.card = "debit";
    c.steps.push_back({"card_wanted", 1, 3ms, Swipe{"debit", 500, false}});
    c.steps.push_back({"request_entered", 2, 0ns, NetworkFault{NetworkFault::delay, 5s}});
    run.cases.push_back(c);
  }
  return run;
}

Verdict a_verdict(std::uint64_t seq) {
  Verdict v;
  v.outcome = Outcome::fail;
  v.why = "cardholder charged 12.34";
  v.findings.push_back({"I2", "cardholder charged 12.34", {seq, seq + 1}});
  v.diagnosis = {"network", "lost", {"host_down"}, {seq + 2}};
  v.checked = {"I1", "I2"};
  v.not_observable = {"I3"};
  v.in_doubt = 3s;
  v.no_return = true;
  return v;
}

/// Events of many kinds, told apart by their number; `change` is called with each before it counts.
using Change = std::function<void(Event&)>;
std::vector<Event> events_of(std::int64_t cycle, std::uint64_t first_seq, const Change& change = {}) {
  std::vector<Event> events;
  const auto add = [&](Source source, Body body) {
    Event e;
    e.seq = first_seq + events.size();
    e.cycle = cycle;
    e.at = Time(Duration(static_cast<std::int64_t>(e.seq) * 1'000'003));
    e.at_uncertainty = Duration(static_cast<std::int64_t>(e.seq % 7));
    e.source = source;
    e.body = std::move(body);
    if (change) change(e);
    events.push_back(std::move(e));
  };
  add(Source::rig, Intent{"sale", 1234, "case " + std::to_string(cycle)});
  add(Source::rig, Armed{1, "drop the message"});
  add(Source::actuator, Swipe{"debit", 500, false});
  add(Source::network, Milestone{"request_entered", {{"stan", std::to_string(cycle)}, {"batch", "000001"}}});
  add(Source::power, Reading{5000, 100 + cycle});
  add(Source::terminal, Text{"screen", std::string("a\0\"\\\x7f|", 6) + std::to_string(cycle)});
  add(Source::host, BookRead{"ledger", {{"000001", "000002", "sale", 1234, "approved"}}});
  return events;
}

EpochRecord an_epoch(std::int64_t number, std::int64_t first_cycle, int cycles, const Change& change = {}) {
  EpochRecord epoch;
  epoch.epoch = number;
  std::uint64_t seq = 1;
  for (int n = 0; n < cycles; ++n) {
    CycleRecord c;
    c.cycle = first_cycle + n;
    c.case_name = n % 2 == 0 ? "good sale" : "request lost";
    c.begun = Time(Duration(n));
    c.ended = Time(Duration(n + 1000));
    c.events = events_of(c.cycle, seq, change);
    c.lines.add(c.events, epoch.head);
    c.verdict = a_verdict(seq);
    c.head = epoch.head;
    seq += c.events.size();
    epoch.cycles.push_back(std::move(c));
  }
  epoch.bench_time = 7s;
  return epoch;
}

Digest write_virtual(const std::string& path, const Change& change = {}) {
  TraceWriter writer(path, a_run(true), false);
  writer.epoch(an_epoch(0, 0, 2, change));
  writer.epoch(an_epoch(1, 2, 2, change));
  return writer.finish(1500);
}

void write_live_cycle(TraceWriter& writer, std::int64_t cycle, std::uint64_t& seq, bool finished = true) {
  writer.begin(cycle, "good sale", Time(Duration(cycle)));
  const std::uint64_t first = seq;
  for (const Event& e : events_of(cycle, seq)) {
    writer.event(e);
    ++seq;
  }
  if (finished) writer.verdict(cycle, Time(Duration(cycle + 500)), a_verdict(first));
}

/// All that can be read back, as one text.
std::string content(const TraceReader& reader) {
  const RunInfo& run = reader.run();
  std::string text = run.id + "\n" + run.campaign + "\n" + run.bench + "\n" + std::to_string(run.seed) + "\n" +
                     std::to_string(run.is_virtual) + std::to_string(run.cycles_planned) + "\n" + to_json(run.scope) +
                     "\n";
  for (const Case& c : run.cases) text += to_json(c) + "\n";
  text += reader.head() + "\n" + std::to_string(reader.wall_ms()) + " " + std::to_string(reader.bench_time().count()) +
          " " + std::to_string(reader.events()) + "\n";
  reader.for_each([&](const CycleRecord& c) {
    text += std::to_string(c.cycle) + " " + c.case_name + " " + std::to_string(c.begun.time_since_epoch().count()) +
            " " + std::to_string(c.ended.time_since_epoch().count()) + " " + hex(c.head) + "\n";
    text += (c.verdict ? to_json(*c.verdict) : "none") + "\n";
    for (const Event& e : c.events) {
      text += std::to_string(e.seq) + " " + std::to_string(e.cycle) + " ";
      append_canonical(e, text);
      text += "\n";
    }
  });
  return text;
}

std::string refusal(const std::string& path) {
  try {
    TraceReader reader(path);
    content(reader);
  } catch (const TraceError& e) {
    return e.what();
  }
  return {};
}

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void spit(const std::string& path, std::string_view bytes) {
  fs::remove(path + "-wal");
  fs::remove(path + "-shm");
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// --- a stranger with sqlite3 and sha256sum ---------------------------------------------------------------------------

std::string head_by_sql(const std::string& path) {
  std::string run(32, '\0');
  for (const auto& epoch : query(path, "SELECT epoch, head FROM epochs ORDER BY epoch")) {
    std::string head(32, '\0');
    for (const auto& line : query(path,
                                  "SELECT at_ns||'|'||at_uncertainty_ns||'|'||source||'|'||kind||'|'||body FROM events "
                                  "JOIN cycles USING(cycle) WHERE epoch=" +
                                      epoch[0] + " ORDER BY seq")) {
      head = sha256_of(head + line[0]);
    }
    EXPECT_EQ(lower_hex(head), epoch[1]);
    run = sha256_of(run + epoch[1]);
  }
  return lower_hex(run);
}

TEST(TraceFile, WhatAVirtualBenchWroteComesBack) {
  const Place place;
  const Digest head = write_virtual(place.file());
  const TraceReader reader(place.file());
  EXPECT_EQ(reader.head(), hex(head));
  EXPECT_EQ(reader.run().seed, 0xFEDCBA9876543210);
  EXPECT_EQ(to_json(reader.run().scope), to_json(a_run(true).scope));
  ASSERT_EQ(reader.run().cases.size(), 2U);
  EXPECT_EQ(to_json(reader.run().cases[1]), to_json(a_run(true).cases[1]));
  EXPECT_EQ(reader.wall_ms(), 1500);
  EXPECT_EQ(reader.bench_time(), 14s);
  EXPECT_EQ(reader.events(), 28U);
  std::int64_t cycle = 0;
  std::uint64_t seq = 0;
  reader.for_each([&](const CycleRecord& c) {
    EXPECT_EQ(c.cycle, cycle);
    const EpochRecord epoch = an_epoch(cycle / 2, cycle / 2 * 2, 2);
    const CycleRecord& written = epoch.cycles[static_cast<std::size_t>(cycle % 2)];
    EXPECT_EQ(c.case_name, written.case_name);
    EXPECT_EQ(c.begun, written.begun);
    EXPECT_EQ(c.ended, written.ended);
    EXPECT_EQ(c.head, written.head);
    ASSERT_EQ(c.events.size(), written.events.size());
    for (std::size_t i = 0; i < c.events.size(); ++i) {
      EXPECT_EQ(c.events[i].seq, ++seq) << "numbers go on from epoch to epoch";
      EXPECT_EQ(c.events[i].cycle, cycle);
      std::string a, b;
      append_canonical(c.events[i], a);
      append_canonical(written.events[i], b);
      EXPECT_EQ(a, b);
    }
    // evidence points at the same events, by their numbers in the run
    ASSERT_TRUE(c.verdict);
    EXPECT_EQ(to_json(*c.verdict), to_json(a_verdict(c.events.front().seq)));
    ++cycle;
  });
  EXPECT_EQ(cycle, 4);
  EXPECT_EQ(reader.cycle(3)->events.front().seq, 22U);
  EXPECT_FALSE(reader.cycle(4));
}

TEST(TraceFile, WhatARealBenchWroteComesBack) {
  for (const bool durable : {false, true}) {
    const Place place;
    Digest head{};
    {
      TraceWriter writer(place.file(), a_run(false), durable);
      std::uint64_t seq = 1;
      for (const std::int64_t cycle : {0, 1, 2}) write_live_cycle(writer, cycle, seq);
      EXPECT_EQ(writer.events(), 21U);
      head = writer.finish(10);
    }
    const TraceReader reader(place.file());
    EXPECT_EQ(reader.head(), hex(head));
    EXPECT_EQ(head_by_sql(place.file()), hex(head));
    int cycles = 0;
    reader.for_each([&](const CycleRecord& c) {
      ++cycles;
      EXPECT_EQ(c.events.size(), 7U);
      EXPECT_EQ(to_json(*c.verdict), to_json(a_verdict(c.events.front().seq)));
    });
    EXPECT_EQ(cycles, 3);
  }
}

TEST(TraceFile, AnybodyCanRecomputeTheHead) {
  const Place place;
  const Digest head = write_virtual(place.file());
  EXPECT_EQ(head_by_sql(place.file()), hex(head));
  EXPECT_EQ(query(place.file(), "SELECT head FROM run")[0][0], hex(head));
  EXPECT_EQ(query(place.file(), "PRAGMA user_version")[0][0], "5");
  // and the digest of the rest
  std::string digest(32, '\0');
  for (const char* columns : {"run", "cases", "epochs", "cycles", "vault"}) {
    std::string sum;
    for (const auto& column :
         query(place.file(), std::string("SELECT name FROM pragma_table_info('") + columns + "')")) {
      sum += (sum.empty() ? "quote(" : "||'|'||quote(") + column[0] + ")";
    }
    for (const auto& row : query(place.file(), "SELECT " + sum + " FROM " + columns + " ORDER BY rowid")) {
      digest = sha256_of(digest + row[0]);
    }
  }
  EXPECT_EQ(query(place.file(), "SELECT sha256 FROM contents")[0][0], lower_hex(digest));
}

TEST(TraceFile, SameEventsSameHeadAnyChangeAnother) {
  const Place place;
  const Digest head = write_virtual(place.file("a"));
  EXPECT_EQ(write_virtual(place.file("b")), head);
  int n = 0;
  const auto with = [&](std::int64_t cycle, std::size_t index, const Change& change) {
    return write_virtual(place.file("c" + std::to_string(n++)), [&](Event& e) {
      if (e.cycle == cycle && (e.seq - 1) % 7 == index) change(e);
    });
  };
  for (const std::int64_t cycle : {0, 1, 2, 3}) {
    for (const std::size_t index : {0U, 3U, 6U}) {
      EXPECT_NE(with(cycle, index, [](Event& e) { e.at += Duration(1); }), head);
      EXPECT_NE(with(cycle, index, [](Event& e) { e.at_uncertainty += Duration(1); }), head);
    }
    EXPECT_NE(with(cycle, 4, [](Event& e) { ++std::get<Reading>(e.body).draw_ma; }), head);
    EXPECT_NE(with(cycle, 5, [](Event& e) { std::get<Text>(e.body).text += " "; }), head);
    EXPECT_NE(with(cycle, 2, [](Event& e) { e.source = Source::rig; }), head);
  }
  EXPECT_EQ(with(0, 0, [](Event&) {}), head);
}

TEST(TraceFile, NeverOverwrites) {
  const Place place;
  write_virtual(place.file());
  const std::string before = slurp(place.file());
  EXPECT_THROW(TraceWriter(place.file(), a_run(true), false), TraceError);
  EXPECT_EQ(slurp(place.file()), before);
  EXPECT_THROW(TraceWriter(place.file("no/such/folder"), a_run(true), false), TraceError);
}

TEST(TraceFile, AFlippedBitIsRefusedOrChangesNothing) {
  const Place place;
  write_virtual(place.file());
  const std::string whole = slurp(place.file());
  const std::string honest = content(TraceReader(place.file()));
  Draws draws(5, 0, 0, 0);
  int refused = 0, harmless = 0;
  const auto flip = [&](std::size_t at, unsigned bit) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ (1U << bit));
    spit(place.file("bad"), bytes);
    const std::string why = refusal(place.file("bad"));
    if (why.empty()) {
      ++harmless;
      ASSERT_EQ(content(TraceReader(place.file("bad"))), honest) << "byte " << at << " bit " << bit;
    } else {
      ++refused;
      ASSERT_NE(why.find("bad"), std::string::npos) << why;
      ASSERT_GT(why.size(), place.file("bad").size() + 10) << why;
    }
  };
  for (std::size_t i = 0; i < 200; ++i) {
    const std::size_t at = i * whole.size() / 200 + draws.below(static_cast<std::uint32_t>(whole.size() / 200));
    flip(at, draws.below(8));
    if (HasFatalFailure()) return;
  }
  // where something is written, wherever that is
  for (const char* text : {"demo-1", "18364758544493064720", "\"outcome\"", "000001", "good sale", "cardholder",
                           "request_entered", "cycles_planned INTEGER", "first_seq INTEGER"}) {
    std::size_t found = 0;
    for (std::size_t at = whole.find(text); at != whole.npos && found < 4; at = whole.find(text, at + 1), ++found) {
      for (const unsigned bit : {0U, 5U}) flip(at + 1, bit);
      if (HasFatalFailure()) return;
    }
    EXPECT_GT(found, 0U) << text;
  }
  EXPECT_GT(refused, 40);
  EXPECT_GT(harmless, 10) << "most of a small SQLite file is free space";
}

TEST(TraceFile, ADamagedEventIsNamed) {
  const Place place;
  write_virtual(place.file());
  alter_events(place.file(), "UPDATE e SET body=replace(body,'103','104') WHERE seq=26");
  EXPECT_NE(refusal(place.file()).find("events 22 to 28 (cycle 3)"), std::string::npos) << refusal(place.file());
  const Place missing;
  write_virtual(missing.file());
  alter_events(missing.file(), "DELETE FROM e WHERE seq=9");
  EXPECT_NE(refusal(missing.file()).find("event 9 is missing"), std::string::npos) << refusal(missing.file());
  const Place swapped;
  write_virtual(swapped.file());
  alter_events(swapped.file(),
               "UPDATE e SET seq=-1 WHERE seq=9; UPDATE e SET seq=9 WHERE seq=10; UPDATE e SET seq=10 WHERE seq=-1");
  EXPECT_NE(refusal(swapped.file()).find("events 8 to 14"), std::string::npos);
  const Place untouched;
  write_virtual(untouched.file());
  alter_events(untouched.file(), "SELECT 1");
  EXPECT_EQ(refusal(untouched.file()), "") << "the twin: the same events, one row each";
  for (const auto& [sql, why] :
       {std::pair{"UPDATE chunks SET count=count+1 WHERE cycle=2", "8 expected, 7 found"},
        std::pair{"UPDATE chunks SET events='[]' WHERE cycle=2", "byte 1 of its text: expected '['"},
        std::pair{"DELETE FROM chunks WHERE cycle=2", "events are missing (cycle 2)"}}) {
    const Place other;
    write_virtual(other.file());
    query(other.file(), sql);
    EXPECT_NE(refusal(other.file()).find(why), std::string::npos) << sql << ": " << refusal(other.file());
  }
  // verdicts, cases and the run itself are evidence as well
  for (const char* sql :
       {"UPDATE cycles SET outcome='pass' WHERE cycle=1", "UPDATE cycles SET verdict=replace(verdict,'fail','pass')",
        "UPDATE run SET seed='7'", "UPDATE cases SET body=replace(body,'1234','1235')", "DELETE FROM contents",
        "UPDATE run SET head=upper(head)", "UPDATE epochs SET bench_ns=1", "DELETE FROM cases"}) {
    const Place other;
    write_virtual(other.file());
    EXPECT_EQ(refusal(other.file()), "");
    query(other.file(), sql);
    EXPECT_NE(refusal(other.file()).find(other.file()), std::string::npos) << sql;
  }
}

TEST(TraceFile, CutOffAnywhereIsRefused) {
  const Place place;
  write_virtual(place.file());
  const std::string whole = slurp(place.file());
  for (std::size_t i = 0; i < 100; ++i) {
    const std::size_t length = i * whole.size() / 100;
    spit(place.file("cut"), std::string_view(whole).substr(0, length));
    const std::string why = refusal(place.file("cut"));
    ASSERT_NE(why.find("offset "), std::string::npos) << length << ": " << why;
    if (length >= 100) {
      EXPECT_NE(why.find("offset " + std::to_string(length)), std::string::npos) << why;
    }
  }
  spit(place.file("cut"), whole);
  EXPECT_EQ(refusal(place.file("cut")), "");
}

TEST(TraceFile, ForeignFilesAreRefusedWithTheOffset) {
  const Place place;
  EXPECT_NE(refusal(place.file("none")).find("none"), std::string::npos);
  const auto refused_at = [&](std::string_view bytes, const char* offset) {
    spit(place.file("foreign"), bytes);
    const std::string why = refusal(place.file("foreign"));
    EXPECT_NE(why.find(offset), std::string::npos) << why;
    EXPECT_NE(why.find("foreign"), std::string::npos) << why;
  };
  refused_at("", "offset 0");
  refused_at("{\"schema\":1}\n", "offset 0");
  refused_at(std::string(1 << 20, '\0'), "offset 0");
  refused_at("SQLite format 3", "offset 0");
  query(place.file("other"), "CREATE TABLE t(x); INSERT INTO t VALUES(1)");
  refused_at(slurp(place.file("other")), "offset 68");
  write_virtual(place.file());
  query(place.file(), "PRAGMA user_version=3; PRAGMA wal_checkpoint(TRUNCATE)");
  refused_at(slurp(place.file()), "offset 60");
  EXPECT_NE(refusal(place.file()).find("version 3"), std::string::npos);
}

TEST(TraceFile, AWriterKilledInMidCycleLeavesWhatItWrote) {
  for (const bool by_signal : {false, true}) {
    const Place place;
    const pid_t child = fork();
    if (child == 0) {
      TraceWriter writer(place.file(), a_run(false), true);
      std::uint64_t seq = 1;
      write_live_cycle(writer, 0, seq);
      write_live_cycle(writer, 1, seq, false);
      if (by_signal) kill(getpid(), SIGKILL);
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(by_signal, WIFSIGNALED(status));
    const TraceReader reader(place.file());
    EXPECT_EQ(reader.head(), "") << "the run did not end in order";
    EXPECT_EQ(reader.events(), 14U);
    ASSERT_TRUE(reader.cycle(0)->verdict);
    EXPECT_EQ(reader.cycle(0)->verdict->outcome, Outcome::fail);
    ASSERT_TRUE(reader.cycle(1));
    EXPECT_FALSE(reader.cycle(1)->verdict) << "cut short";
    EXPECT_EQ(reader.cycle(1)->events.size(), 7U);
    EXPECT_FALSE(reader.cycle(2));
    // damage is seen all the same
    alter_events(place.file(), "UPDATE e SET body=replace(body,'100','101') WHERE seq=5");
    EXPECT_NE(refusal(place.file()).find("cycle 0"), std::string::npos) << refusal(place.file());
  }
}

TEST(TraceFile, ARunStoppedInMidCycleEndsInOrder) {
  const Place place;
  std::uint64_t seq = 1;
  TraceWriter writer(place.file(), a_run(false), true);
  write_live_cycle(writer, 0, seq);
  write_live_cycle(writer, 1, seq, false);
  const Digest head = writer.finish(10);
  EXPECT_EQ(head_by_sql(place.file()), hex(head));
  const TraceReader reader(place.file());
  EXPECT_EQ(reader.head(), hex(head));
  EXPECT_FALSE(reader.cycle(1)->verdict);
  EXPECT_EQ(query(place.file(), "SELECT coalesce(outcome,'inconclusive') FROM cycles WHERE cycle=1")[0][0],
            "inconclusive");
}

}  // namespace
}  // namespace swiperig
