#include "reports/summary.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>

#include "reports/table.hpp"
#include "reports/visible.hpp"
#include "rig/drawn.hpp"
#include "rig/points.hpp"
#include "rig/trace_file.hpp"

namespace swiperig {

namespace {

constexpr Outcome all_outcomes[] = {Outcome::pass, Outcome::inconclusive, Outcome::fail, Outcome::error};

std::string quoted(const std::string& text) { return boost::json::serialize(boost::json::string_view(text)); }

/// Thousandths as a decimal number.
std::string decimal(std::int64_t thousandths) {
  char text[32];
  std::snprintf(text, sizeof text, "%lld.%03lld", static_cast<long long>(thousandths / 1000),
                static_cast<long long>(thousandths % 1000));
  return text;
}

std::string object(const std::map<std::string, std::int64_t>& counts) {
  std::string out = "{";
  for (const auto& [name, count] : counts) {
    if (out.size() > 1) out += ", ";
    out += quoted(name) + ": " + std::to_string(count);
  }
  return out + "}";
}

std::string object(const Outcomes& outcomes) {
  std::string out = "{";
  for (const Outcome o : all_outcomes) {
    if (out.size() > 1) out += ", ";
    out += '"' + std::string(to_string(o)) + "\": " + std::to_string(outcomes[o]);
  }
  return out + "}";
}

std::string listed(const std::map<std::string, std::int64_t>& counts) {
  if (counts.empty()) return "-";
  std::string out;
  for (const auto& [name, count] : counts) {
    if (!out.empty()) out += ", ";
    out += visible(name);
    if (count != 1) out += " x" + std::to_string(count);
  }
  return out;
}

std::string listed(const Outcomes& outcomes) {
  std::string out;
  for (const Outcome o : all_outcomes) {
    if (outcomes[o] == 0) continue;
    if (!out.empty()) out += ", ";
    out += std::string(to_string(o)) + " " + std::to_string(outcomes[o]);
  }
  return out.empty() ? "-" : out;
}

}  // namespace

Summary::Summary(const RunInfo& run)
    : campaign_(run.campaign),
      bench_(run.bench),
      seed_(run.seed),
      is_virtual_(run.is_virtual),
      planned_(run.cycles_planned),
      scope_(run.scope) {
  for (const Case& c : run.cases) {
    if (!c.trial.strategy.empty()) {
      const std::string name = row_of(c.trial);
      if (rows_.empty() || rows_.back().name != name)
        rows_.push_back({name, c.point, c.cause, {}, {}, {}, {}, {}, {}, 0});
      positions_.emplace(c.name, Position{rows_.size() - 1, 0});
      trials_.plan(c);
      continue;
    }
    const bool swept = !c.sweep.series.empty();
    if (!swept || rows_.empty() || rows_.back().name != c.sweep.series || rows_.back().places.empty()) {
      rows_.push_back({swept ? c.sweep.series : c.name, c.point, c.cause, {}, {}, {}, {}, {}, {}, 0});
    }
    Row& r = rows_.back();
    positions_.emplace(c.name, Position{rows_.size() - 1, r.places.size()});
    if (!swept) continue;
    r.places.push_back({c.sweep.first, {}});
    r.names.push_back({c.name, c.sweep.at});
    r.repeats = c.sweep.repeats;
  }
}

Summary::Position& Summary::position(const std::string& case_name) {
  const auto [it, is_new] = positions_.try_emplace(case_name, Position{rows_.size(), 0});
  if (is_new) rows_.push_back({case_name, "", "none", {}, {}, {}, {}, {}, {}, 0});
  return it->second;
}

void Summary::add(const CycleRecord& cycle) {
  const bool drawn = cycle.verdict && cycle.verdict->induced == drawn_cause;
  const Position at = position(drawn ? row_of_drawn(cycle.case_name) : cycle.case_name);
  Row& r = rows_[at.row];
  events_ += static_cast<std::int64_t>(event_count(cycle));
  const Outcome outcome = cycle.verdict ? cycle.verdict->outcome : Outcome::inconclusive;
  ++outcomes_[outcome];
  ++r.outcomes[outcome];
  if (!cycle.verdict) return;
  const Verdict& v = *cycle.verdict;
  trials_.add(cycle.cycle, cycle.case_name, v);
  books_.add(cycle);
  ++causes_[v.diagnosis.cause];
  ++r.causes[v.diagnosis.cause];
  if (at.place < r.places.size()) ++r.places[at.place].ends[how_it_ended(v)];
  for (const Finding& f : v.findings) {
    ++findings_[f.rule];
    ++r.findings[f.rule];
  }
  for (const std::string& point : v.points) ++r.points[point];
  const bool tried = drawn && !v.causes.empty();
  if (v.measured || v.effect || (!tried && claims_no_cause(v.induced)))
    return;  // no cause is claimed that a diagnosis could find
  // a fault that did not come to be was not induced
  if (outcome == Outcome::inconclusive && !tried && v.diagnosis.cause == "none") return;
  const std::vector<std::string> induced = tried ? v.causes : std::vector{v.induced};
  const bool by_rig = std::find(induced.begin(), induced.end(), "rig_fault") != induced.end();
  if (outcome == Outcome::error && !by_rig) return;
  tried_ = tried_ || tried;
  const bool right = std::find(induced.begin(), induced.end(), v.diagnosis.cause) != induced.end();
  if (tried && by_rig) {
    ++rig_faults_;
    meant_errors_ += outcome == Outcome::error;
    // a power cut that was meant, and the rig's own output off at the same time: nothing is broken then
    beside_another_ += outcome != Outcome::error && induced.size() > 1;
    const bool nobody = v.diagnosis.cause == "unknown" || v.diagnosis.cause == "none";
    // of two causes that act the other is true as well; a finding accuses the terminal of what the rig did
    if (!v.findings.empty() || (!nobody && !right)) ++called_terminals_;
  }
  ++(v.diagnosis.cause == "unknown" ? unknown_ : right ? right_ : wrong_);
  std::string either;
  for (const std::string& cause : induced) either += (either.empty() ? "" : " or ") + cause;
  ++confusion_[either][v.diagnosis.cause];
}

void Summary::end(std::string head, std::int64_t wall_ms, Duration bench_time) {
  head_ = std::move(head);
  wall_ms_ = wall_ms;
  bench_time_ = bench_time;
  books_.end();
}

Outcome Summary::worst() const {
  const std::int64_t done = outcomes_.total();
  Outcome worst = done == 0 || done < planned_ ? Outcome::inconclusive : Outcome::pass;
  for (const Outcome o : all_outcomes) {
    if (o != Outcome::pass && outcomes_[o] > (o == Outcome::error ? meant_errors_ : 0)) worst = o;
  }
  const bool one_idle =
      std::any_of(rows_.begin(), rows_.end(), [&](const Row& r) { return idle(r) || !missed(r).empty(); });
  if (books_.found() != 0) worst = std::max(worst, Outcome::fail);
  return one_idle || !to_do().empty() ? std::max(worst, Outcome::inconclusive) : worst;
}

std::vector<std::string> Summary::to_do() const {
  std::vector<std::string> out;
  for (const Row& r : rows_) {
    if (r.repeats == 0) continue;
    for (const std::size_t place : next_places(r.places, r.repeats)) out.push_back(r.names[place].of_case);
  }
  return out;
}

bool Summary::undone(const Row& r) {
  return std::any_of(r.places.begin(), r.places.end(), [](const SweptPlace& p) { return p.first && p.ends.empty(); });
}

bool Summary::idle(const Row& r) const {
  const auto nothing = [](const auto& end) { return end.first == "none"; };
  return r.cause != "none" && !r.places.empty() && !undone(r) &&
         std::all_of(r.places.begin(), r.places.end(),
                     [&](const SweptPlace& p) { return std::all_of(p.ends.begin(), p.ends.end(), nothing); });
}

std::string Summary::missed(const Row& r) const {
  std::string out;
  if (r.places.empty() || undone(r)) return out;
  for (const std::string& point : points_named(r.point)) {
    if (observable(point, scope_) && !r.points.contains(point)) out += (out.empty() ? "" : " ") + point;
  }
  return out;
}

std::vector<Summary::Span> Summary::spans(const Row& r) const {
  std::vector<Span> out;
  for (std::size_t i = 0; i < r.places.size(); ++i) {
    const SweptPlace& p = r.places[i];
    if (p.ends.empty() && !p.first) continue;  // between two that ended alike
    const std::string seen = p.ends.empty() ? "not done" : p.ends.size() > 1 ? "now this, now that" : p.mostly();
    if (out.empty() || out.back().seen != seen) out.push_back({r.names[i].at, r.names[i].at, seen});
    out.back().to = r.names[i].at;
  }
  return out;
}

std::string Summary::json() const {
  const std::int64_t cycles = outcomes_.total();
  const std::int64_t per_s = wall_ms_ > 0 ? cycles * 1'000'000 / wall_ms_ : 0;
  std::string out = "{\n  \"schema\": 1";
  const auto member = [&](const char* name, const std::string& value) {
    out += ",\n  \"" + std::string(name) + "\": " + value;
  };
  member("campaign", quoted(campaign_));
  member("bench", quoted(bench_));
  member("seed", std::to_string(seed_));
  member("virtual", is_virtual_ ? "true" : "false");
  member("cycles", std::to_string(cycles));
  member("outcomes", object(outcomes_));
  member("causes", object(causes_));
  member("findings", object(findings_));
  member("diagnosis", "{\"right\": " + std::to_string(right_) + ", \"wrong\": " + std::to_string(wrong_) +
                          ", \"unknown\": " + std::to_string(unknown_) + "}");
  std::string confusion;
  for (const auto& [induced, diagnosed] : confusion_)
    confusion += (confusion.empty() ? "" : ",\n    ") + quoted(induced) + ": " + object(diagnosed);
  if (tried_) member("confusion", "{\n    " + confusion + "}");
  if (rig_faults_ != 0) {
    member("rig_faults", "{\"cycles\": " + std::to_string(rig_faults_) +
                             ", \"beside_another\": " + std::to_string(beside_another_) +
                             ", \"called_terminal_fault\": " + std::to_string(called_terminals_) + "}");
  }
  std::string sweeps;
  for (const Row& r : rows_) {
    if (r.places.empty()) continue;
    std::string list;
    for (const Span& span : spans(r)) {
      list += (list.empty() ? "" : ", ") + std::string("{\"from\": ") + quoted(span.from) +
              ", \"to\": " + quoted(span.to) + ", \"seen\": " + quoted(span.seen) + "}";
    }
    sweeps += (sweeps.empty() ? "" : ", ") + quoted(r.name) + ": [" + list + "]";
  }
  if (!sweeps.empty()) member("sweeps", "{" + sweeps + "}");
  std::string found;
  for (const Row& r : rows_) {
    if (r.repeats == 0) continue;
    std::string list;
    for (const Border& b : borders(r.places)) {
      const auto side = [&](std::size_t place) {
        return "{\"at\": " + quoted(r.names[place].at) + ", \"seen\": " + object(r.places[place].ends) + "}";
      };
      list += (list.empty() ? "" : ", ") + std::string("{\"before\": ") + side(b.before) +
              ", \"behind\": " + side(b.behind) + ", \"differ\": " + (b.differ ? "true" : "false") + "}";
    }
    found += (found.empty() ? "" : ",\n    ") + quoted(r.name) + ": [" + list + "]";
  }
  if (!found.empty()) member("borders", "{\n    " + found + "}");
  std::string points;
  for (const Row& r : rows_) {
    if (!r.points.empty()) points += (points.empty() ? "" : ",\n    ") + quoted(r.name) + ": " + object(r.points);
  }
  if (!points.empty()) member("points", "{\n    " + points + "}");
  if (trials_.any()) member("strategies", trials_.json());
  if (books_.any()) member("run_books", books_.json());
  member("wall_s", decimal(wall_ms_));
  member("bench_s", decimal(bench_time_.count() / 1'000'000));
  member("cycles_per_s", decimal(per_s));
  member("events", std::to_string(events_));
  member("head", quoted(head_));
  return out + "\n}\n";
}

std::string Summary::closing_table() const {
  std::vector<std::vector<std::string>> table = {
      {"case", "point", "reached", "cycles", "outcomes", "diagnosed", "findings"}};
  for (const Row& r : rows_) {
    if (trials_.any() && r.findings.empty() && r.outcomes.total() == r.outcomes[Outcome::pass]) continue;
    table.push_back({visible(r.name), r.point.empty() ? "-" : visible(r.point), listed(r.points),
                     std::to_string(r.outcomes.total()), listed(r.outcomes), listed(r.causes), listed(r.findings)});
  }
  std::string out = trials_.any() ? trials_.table() + "\n" : "";
  if (!trials_.any() || table.size() > 1) out += aligned(table);
  for (const Row& r : rows_) {
    if (r.places.empty()) continue;
    out += "sweep " + visible(r.name) + ":";
    for (const Span& span : spans(r)) {
      out += (out.back() == ':' ? " " : "; ") + visible(span.from) +
             (span.from == span.to ? "" : " to " + visible(span.to)) + " " + visible(span.seen);
    }
    out += idle(r) ? ": nowhere did it change anything\n" : "\n";
    if (r.repeats != 0) {
      for (const Border& b : borders(r.places)) {
        out += "border of " + visible(r.name) + ": " + visible(r.names[b.before].at) + " " +
               listed(r.places[b.before].ends) + " | " + visible(r.names[b.behind].at) + " " +
               listed(r.places[b.behind].ends) + (b.differ ? "\n" : ": the sides do not differ (95 %)\n");
      }
    }
    if (const std::string points = missed(r); !points.empty()) {
      out += "sweep " + visible(r.name) + ": never came to " + points + "\n";
    }
  }
  if (tried_) {
    std::vector<std::vector<std::string>> matrix = {{"induced", "diagnosed"}};
    for (const auto& [induced, diagnosed] : confusion_) matrix.push_back({induced, listed(diagnosed)});
    out += "\n" + aligned(matrix);
    if (rig_faults_ != 0) {
      out += "the rig's own equipment failed in " + std::to_string(rig_faults_) +
             " of them; called terminal fault: " + std::to_string(called_terminals_) + "\n";
    }
  }
  if (books_.any()) out += "\n" + books_.table();
  out += std::to_string(outcomes_.total()) + " cycles: " + listed(outcomes_) + "; diagnosis right " +
         std::to_string(right_) + ", wrong " + std::to_string(wrong_) + ", unknown " + std::to_string(unknown_) + "\n";
  return out;
}

Summary summarise(const TraceReader& reader) {
  Summary summary(reader.run());
  reader.for_each([&](const CycleRecord& cycle) { summary.add(cycle); });
  summary.end(reader.head(), reader.wall_ms(), reader.bench_time());
  return summary;
}

std::string progress_line(std::int64_t done, std::int64_t total, double cycles_per_s, std::optional<Duration> left,
                          const Outcomes& outcomes) {
  char rate[48];
  std::snprintf(rate, sizeof rate, cycles_per_s < 10 ? "%.2f/s" : "%.0f/s", cycles_per_s);
  std::string out = std::to_string(done) + "/" + std::to_string(total) + " cycles   " +
                    std::to_string(total > 0 ? done * 100 / total : 100) + " %   " + rate + "   ";
  if (left) {
    const std::int64_t s = (left->count() + 999'999'999) / 1'000'000'000;
    if (s >= 3600)
      out += std::to_string(s / 3600) + " h " + std::to_string(s % 3600 / 60) + " min left   ";
    else if (s >= 60)
      out += std::to_string(s / 60) + " min " + std::to_string(s % 60) + " s left   ";
    else
      out += std::to_string(s) + " s left   ";
  }
  return out + listed(outcomes);
}

}  // namespace swiperig
