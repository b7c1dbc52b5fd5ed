// A record that another program made may lack events, have them twice or have them wrong. Each event of cycles that
// passed is taken away, doubled and contradicted in turn: what carried the verdict never leaves the same pass behind.
#include <gmock/gmock.h>

#include <algorithm>

#include "rig/contradiction.hpp"
#include "tests/history.hpp"
#include "tests/ran.hpp"

namespace swiperig {
namespace {

using testing::HasSubstr;

struct Passed {
  Case c;
  std::vector<Event> events;
  Verdict verdict;
};

struct Sample {
  Scope scope;
  std::vector<Passed> cycles;
};

const Sample& sample() {
  static const Sample all = [] {
    const Folder folder;
    const Ran ran = run(folder, "d", {.campaign = (project / "fixtures/campaigns/no_return.toml").string()});
    const TraceReader trace(folder / "d/run.trace");
    Sample s;
    s.scope = trace.run().scope;
    for (const CycleRecord& c : ran.cycles) {
      EXPECT_EQ(c.verdict->outcome, Outcome::pass) << c.case_name;
      s.cycles.push_back({trace.case_named(c.case_name), c.events, *c.verdict});
    }
    return s;
  }();
  return all;
}

bool cites(const Verdict& v, std::uint64_t seq) {
  return std::count(v.diagnosis.evidence.begin(), v.diagnosis.evidence.end(), seq) != 0;
}

/// A pass for the same reason; what was changed is no part of it where another event says the same.
bool same_pass(const Passed& p, const std::vector<Event>& events, std::uint64_t changed = 0) {
  const Verdict v = judge(p.c, sample().scope, events);
  const bool elsewhere = changed != 0 && cites(p.verdict, changed) && !cites(v, changed);
  return v.outcome == Outcome::pass && v.diagnosis.cause == p.verdict.diagnosis.cause &&
         v.diagnosis.why == p.verdict.diagnosis.why && !elsewhere;
}

std::vector<Event> without(const Passed& p, std::size_t at) {
  std::vector<Event> rest = p.events;
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
  return rest;
}

std::vector<Event> doubled(const Passed& p, std::size_t at) {
  std::vector<Event> more = p.events;
  more.insert(more.begin() + static_cast<std::ptrdiff_t>(at), p.events[at]);
  for (std::size_t i = at + 1; i < more.size(); ++i) ++more[i].seq;
  return more;
}

/// The event says another thing; empty: it says nothing that could be otherwise.
std::vector<Event> contradicted(const Passed& p, std::size_t at) {
  std::vector<Event> other = p.events;
  Body& body = other[at].body;
  bool changed = false;
  if (auto* m = std::get_if<Milestone>(&body)) {
    for (auto& [name, value] : m->fields) {
      const std::string before = value;
      if (name == "amount") value = "000000999999";
      if (name == "code") value = value == "00" ? "51" : "00";
      if (name == "mac" && value != "absent") value = value == "ok" ? "wrong" : "ok";
      if (name == "outcome") value = value == "APPROVED" ? "DECLINED" : "APPROVED";
      changed = changed || value != before;
    }
  } else if (auto* book = std::get_if<BookRead>(&body)) {
    for (Entry& row : book->entries) row.state = row.state == "approved" ? "reversed" : "approved";
    changed = !book->entries.empty();
  } else if (auto* reading = std::get_if<Reading>(&body)) {
    reading->rail_mv = reading->rail_mv < 4000 ? 5000 : 0;
    changed = true;
  } else if (auto* fired = std::get_if<Fired>(&body)) {
    fired->done = !fired->done;
    changed = true;
  }
  return changed ? other : std::vector<Event>{};
}

/// What the verdict of the cycle rests on: what the diagnosis cites, what the case says that it must see, that its
/// steps acted, that the low-value sale went well, and the books that were read last.
std::vector<std::size_t> evidence(const Passed& p) {
  std::vector<std::size_t> all;
  std::set<std::string> must(p.c.must.begin(), p.c.must.end()), found, last_books;
  std::size_t recovered = 0;
  for (std::size_t i = 0; i < p.events.size(); ++i) {
    const Event& e = p.events[i];
    const auto& cited = p.verdict.diagnosis.evidence;
    const auto* m = std::get_if<Milestone>(&e.body);
    if (m != nullptr && m->name == "told") recovered = i;
    const bool needed = m != nullptr && must.contains(m->name) && found.insert(m->name).second;
    const auto* intent = std::get_if<Intent>(&e.body);
    const bool acted = std::holds_alternative<Fired>(e.body) || (intent != nullptr && intent->what != "settlement");
    if (std::count(cited.begin(), cited.end(), e.seq) != 0 || needed || acted) all.push_back(i);
  }
  all.push_back(recovered);
  for (std::size_t i = p.events.size(); i-- > 0;) {
    const auto* book = std::get_if<BookRead>(&p.events[i].body);
    if (book != nullptr && last_books.insert(book->book).second) all.push_back(i);
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

std::string described(const Passed& p, std::size_t at) {
  std::string out = p.c.name + ", event " + std::to_string(at) + ": ";
  append_json(p.events[at].body, out);
  return out;
}

TEST(ForeignTrace, WhatCarriedTheVerdictIsNotMissedInVain) {
  int dropped = 0;
  for (const Passed& p : sample().cycles) {
    ASSERT_TRUE(same_pass(p, p.events)) << p.c.name;
    for (const std::size_t at : evidence(p)) {
      ++dropped;
      const auto* m = std::get_if<Milestone>(&p.events[at].body);
      const bool confirms = m != nullptr && m->name == "closed";  // that it hung up says again that it gave up
      EXPECT_EQ(same_pass(p, without(p, at)), confirms) << described(p, at);
    }
  }
  EXPECT_GT(dropped, 80);
}

TEST(ForeignTrace, WhatCarriedTheVerdictIsNotContradictedInVain) {
  int tried = 0;
  for (const Passed& p : sample().cycles) {
    for (const std::size_t at : evidence(p)) {
      const std::vector<Event> other = contradicted(p, at);
      if (other.empty()) continue;
      ++tried;
      EXPECT_FALSE(same_pass(p, other, p.events[at].seq)) << described(p, at);
    }
  }
  EXPECT_GT(tried, 50);
}

/// Only what may honestly come twice at one moment may: a text, a response that a host sends twice, what two steps ask
/// for and its measurement.
TEST(ForeignTrace, AnEventThatIsThereTwiceProvesNothing) {
  int refused = 0, passed = 0;
  for (const Passed& p : sample().cycles) {
    for (std::size_t at = 0; at < p.events.size(); ++at) {
      const auto* m = std::get_if<Milestone>(&p.events[at].body);
      const Body& body = p.events[at].body;
      const bool asked = !p.events[at].is_observation() && !std::holds_alternative<Intent>(body) &&
                         !std::holds_alternative<Armed>(body);
      const bool may = asked || std::holds_alternative<Text>(body) || std::holds_alternative<Reading>(body) ||
                       (m != nullptr && m->name.find("response_entered") != std::string::npos);
      const Verdict v = judge(p.c, sample().scope, doubled(p, at));
      EXPECT_EQ(v.outcome == Outcome::pass, may) << described(p, at) << ": " << v.why;
      refused += v.outcome != Outcome::pass;
      passed += v.outcome == Outcome::pass;
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(passed, 100);
}

TEST(ForeignTrace, WhatCannotHaveHappenedIsSaidWithItsEvent) {
  const Passed& good = sample().cycles.front();
  EXPECT_EQ(contradiction(good.events), "");
  std::set<std::string> reasons;
  for (const Passed& p : sample().cycles) {
    for (std::size_t at = 0; at < p.events.size(); ++at) {
      const std::string what = contradiction(without(p, at));
      if (!what.empty()) reasons.insert(what.substr(what.find(": ") + 2));
    }
  }
  for (const char* reason : {"nothing of it had entered the path", "the host committed what never reached it",
                             "that nothing asked for", "was never armed", "that was never made"}) {
    EXPECT_TRUE(std::any_of(reasons.begin(), reasons.end(), [&](const std::string& r) {
      return r.find(reason) != std::string::npos;
    })) << reason;
  }
  std::vector<Event> swapped = good.events;
  std::swap(swapped[3].seq, swapped[4].seq);
  EXPECT_THAT(contradiction(swapped), HasSubstr("not above the one before it"));
}

/// Two tries of one advice, held back by an outage and let go at its end.
TEST(ForeignTrace, WhatWasHeldBackArrivesTogether) {
  const auto arrived = [](int left) {
    History h;
    for (const char* name : {"request_entered", "request_left"}) {
      for (int n = 1; n <= left; ++n)
        h.mark(Source::network, name, {{"batch", "000001"}, {"stan", "000001"}, {"connection", std::to_string(n)}});
    }
    for (int n = 0; n < 2; ++n) h.mark(Source::host, "request_at_host", {{"batch", "000001"}, {"stan", "000001"}});
    for (Event& e : h.events) e.at = h.now;
    return contradiction(h.events);
  };
  EXPECT_EQ(arrived(2), "");
  EXPECT_THAT(arrived(1), HasSubstr("says again")) << "the twin: it left once";
}

}  // namespace
}  // namespace swiperig
