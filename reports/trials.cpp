#include "reports/trials.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>

#include "reports/table.hpp"
#include "reports/visible.hpp"

namespace swiperig {

namespace json = boost::json;

namespace {

/// Two cycles of a pair differ by so much because the bench is another one, not because anything was won.
constexpr std::int64_t same_ms = 1000;

constexpr std::string_view words[] = {"nothing", "not shown", "better", "worse"};
constexpr std::string_view measures[] = {"no return", "in doubt", "held", "sold"};

std::int64_t thousandths(double share) { return std::llround(share * 1000); }

std::string percent(std::int64_t k, std::int64_t n) {
  return n == 0 ? "-" : std::to_string(std::llround(100.0 * static_cast<double>(k) / static_cast<double>(n)));
}

std::string seconds(double ms) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", ms / 1000);
  return text;
}

json::array ends(const Interval& i, double scale) {
  return {std::llround(i.low * scale), std::llround(i.high * scale)};
}

Trials::Did did(bool any, const Interval& difference, bool less_is_better) {
  if (!any) return Trials::Did::nothing;
  if (difference.high < 0) return less_is_better ? Trials::Did::better : Trials::Did::worse;
  if (difference.low > 0) return less_is_better ? Trials::Did::worse : Trials::Did::better;
  return Trials::Did::not_shown;
}

std::string_view word(Trials::Did d) { return words[static_cast<std::size_t>(d)]; }

}  // namespace

void Trials::plan(const Case& c) {
  const auto of_row = [&](const Row& r) { return r.strategy == c.trial.strategy && r.fault == c.trial.fault; };
  auto at = std::find_if(rows_.begin(), rows_.end(), of_row);
  if (at == rows_.end()) {
    Row row;
    row.strategy = c.trial.strategy;
    row.strategy_zh = c.trial.strategy_zh;
    row.fault = c.trial.fault;
    row.cause = c.cause;
    at = rows_.insert(rows_.end(), std::move(row));
  }
  places_[c.name] = {static_cast<std::size_t>(at - rows_.begin()), c.trial.with};
}

void Trials::add(std::int64_t cycle, const std::string& case_name, const Verdict& v) {
  const auto place = places_.find(case_name);
  if (place == places_.end()) return;
  const auto [row, with] = place->second;
  const bool counts = v.effect && (v.outcome == Outcome::pass || v.outcome == Outcome::fail);
  const Half half{cycle, row, counts, v.no_return, v.effect.value_or(Effect{}), v.in_doubt.count() / 1'000'000};
  if (!with) {
    first_ = half;
    return;
  }
  if (!first_ || first_->cycle + 1 != cycle || first_->row != row) return;
  const Half without = *std::exchange(first_, std::nullopt);
  Row& r = rows_[row];
  if (!without.counts || !half.counts) {
    ++r.left_out;
    return;
  }
  count(r.no_return, without.no_return, half.no_return);
  count(r.sold, without.effect.sold, half.effect.sold);
  count(r.held, without.effect.held_minor != 0, half.effect.held_minor != 0);
  r.held_minor[0] += without.effect.held_minor;
  r.held_minor[1] += half.effect.held_minor;
  r.doubt_ms[0] += without.doubt_ms;
  r.doubt_ms[1] += half.doubt_ms;
  const std::int64_t shift = half.doubt_ms - without.doubt_ms;
  r.shift_ms += shift;
  r.shift_squares += static_cast<double>(shift) * static_cast<double>(shift);
  r.most_shift_ms = std::max(r.most_shift_ms, std::abs(shift));
}

void Trials::count(PairCounts& c, bool without, bool with) {
  ++(without && with ? c.both : without ? c.first : with ? c.second : c.neither);
}

Trials::Cell Trials::share(const char* name, const PairCounts& c, bool less_is_better, const std::string& more) {
  const std::int64_t n = c.pairs(), without = c.both + c.first, with = c.both + c.second;
  const Interval difference = newcombe_paired(c);
  Cell cell{percent(without, n) + " %", "", did(c.first + c.second != 0, difference, less_is_better)};
  if (cell.did != Did::nothing) {
    cell.text = percent(without, n) + " -> " + percent(with, n) + " % (" + percent(thousandths(difference.low), 1000) +
                " to " + percent(thousandths(difference.high), 1000) + ")";
  }
  json::object out{{"without", without},
                   {"with", with},
                   {"without_interval", ends(wilson(without, n), 1000)},
                   {"with_interval", ends(wilson(with, n), 1000)},
                   {"difference_interval", ends(difference, 1000)},
                   {"did", word(cell.did)}};
  cell.json = "\"" + std::string(name) + "\": " + json::serialize(out);
  if (!more.empty()) cell.json.insert(cell.json.size() - 1, more);
  return cell;
}

Trials::Cell Trials::doubt(const Row& r) {
  const std::int64_t n = r.no_return.pairs();
  const auto mean = [n](std::int64_t sum) { return n == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(n); };
  Cell cell{seconds(mean(r.doubt_ms[0])) + " s", "", Did::nothing};
  json::object out{{"without_ms", std::llround(mean(r.doubt_ms[0]))}, {"with_ms", std::llround(mean(r.doubt_ms[1]))}};
  if (n > 1) {
    const Interval shift = mean_interval(n, static_cast<double>(r.shift_ms), r.shift_squares);
    cell.did = did(r.most_shift_ms >= same_ms, shift, true);
    if (cell.did != Did::nothing) {
      cell.text = seconds(mean(r.doubt_ms[0])) + " -> " + seconds(mean(r.doubt_ms[1])) + " s (" + seconds(shift.low) +
                  " to " + seconds(shift.high) + ")";
    }
    out.emplace("difference_interval_ms", ends(shift, 1));
  } else if (r.most_shift_ms >= same_ms) {
    cell.did = Did::not_shown;
  }
  out.emplace("did", word(cell.did));
  cell.json = "\"in_doubt\": " + json::serialize(out);
  return cell;
}

std::vector<Trials::Cell> Trials::cells(const Row& r) {
  const std::string minor =
      ",\"without_minor\":" + std::to_string(r.held_minor[0]) + ",\"with_minor\":" + std::to_string(r.held_minor[1]);
  return {share("no_return", r.no_return, true), doubt(r), share("held", r.held, true, minor),
          share("sold", r.sold, false)};
}

std::map<std::string, std::vector<const Trials::Row*>> Trials::helped() const {
  std::map<std::string, std::vector<const Row*>> out;
  for (const Row& r : rows_) {
    const std::vector<Cell> all = cells(r);
    const auto any = [&](Did d) {
      return std::any_of(all.begin(), all.end(), [d](const Cell& c) { return c.did == d; });
    };
    auto& of_cause = out[r.cause];
    if (any(Did::better) && !any(Did::worse)) of_cause.push_back(&r);
  }
  return out;
}

std::string Trials::table() const {
  std::vector<std::vector<std::string>> rows = {
      {"strategy", "fault", "pairs", "no return", "in doubt", "held", "sold", "what it does"}};
  std::string above;
  for (const Row& r : rows_) {
    const std::vector<Cell> all = cells(r);
    std::string what;
    for (const Did d : {Did::better, Did::worse, Did::not_shown}) {
      std::string list;
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].did == d) list += (list.empty() ? "" : ", ") + std::string(measures[i]);
      }
      if (!list.empty()) what += (what.empty() ? "" : "; ") + std::string(word(d)) + ": " + list;
    }
    const std::string pairs = std::to_string(r.no_return.pairs()) +
                              (r.left_out == 0 ? "" : " of " + std::to_string(r.no_return.pairs() + r.left_out));
    if (above != r.strategy)
      rows.push_back({visible(r.strategy) + " " + visible(r.strategy_zh), "", "", "", "", "", "", ""});
    above = r.strategy;
    rows.push_back({"", visible(r.fault), pairs, all[0].text, all[1].text, all[2].text, all[3].text,
                    what.empty() ? "nothing" : what});
  }
  std::string out = aligned(rows) + "\n";
  for (const auto& [cause, strategies] : helped()) {
    std::vector<std::string> names;
    for (const Row* r : strategies) {
      if (std::find(names.begin(), names.end(), r->strategy) == names.end()) names.push_back(r->strategy);
    }
    out += cause + ": ";
    for (std::size_t i = 0; i < names.size(); ++i) out += (i == 0 ? "" : ", ") + visible(names[i]);
    out += names.empty() ? "nothing helped\n" : "\n";
  }
  return out;
}

std::string Trials::json() const {
  std::string out;
  for (const Row& r : rows_) {
    json::object head{{"strategy", r.strategy}, {"strategy_zh", r.strategy_zh}, {"fault", r.fault},
                      {"cause", r.cause},       {"pairs", r.no_return.pairs()}, {"left_out", r.left_out}};
    std::string line = json::serialize(head);
    line.pop_back();
    for (const Cell& cell : cells(r)) line += ", " + cell.json;
    out += (out.empty() ? "" : ",\n    ") + line + "}";
  }
  return "[\n    " + out + "\n  ]";
}

}  // namespace swiperig
