#include "reports/run_books.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "reports/table.hpp"
#include "reports/visible.hpp"

namespace swiperig {

namespace json = boost::json;

namespace {

constexpr std::size_t most_findings = 100;

struct Words {
  std::string_view english, chinese;
};
constexpr Words words[] = {
    {"no money in any book", "各账均无款项"},
    {"booked on both sides and told", "双方入账且已告知"},
    {"booked on both sides and not told", "双方入账而未告知"},
    {"booked and undone", "已入账并冲正"},
    {"still in doubt", "结果仍未知"},
    {"reported as not to be ended", "已报告无法了结"},
    {"no book was read that could have it", "未读到相应账目"},
    {"charged, not in the journal, not told", "已扣款，终端无记录且未告知"},
    {"charged and told, not in the journal", "已扣款且已告知，终端无记录"},
    {"told approved, not charged", "告知批准而未扣款"},
    {"in the journal alone", "仅终端有记录"},
    {"booked on both sides, not for the same amount", "双方入账而金额不同"},
};

bool wanting(const Standing& s) { return unexplained(s.state) || s.issuer_differs; }

}  // namespace

std::pair<std::string_view, std::string_view> words_of(Standing::Class c) {
  return {words[c].english, words[c].chinese};
}

void RunBooks::add(const CycleRecord& c) {
  if (c.begun < ended_) close_bench();
  ended_ = std::max(c.ended, c.begun);
  if (!c.verdict) return;
  for (const std::string& rule : c.verdict->checked) ++rules_[rule][0];
  for (const std::string& rule : c.verdict->not_observable) ++rules_[rule][1];
  for (const std::string& rule : c.verdict->not_reached) ++rules_[rule][2];
  see(c.cycle, !c.verdict->findings.empty() || c.verdict->outcome == Outcome::error, c.verdict->outcome,
      c.verdict->standings);
}

void RunBooks::add(const StoredBooks& c) {
  if (c.epoch != std::exchange(epoch_, c.epoch)) close_bench();
  const bool accused = c.outcome == Outcome::fail || c.outcome == Outcome::error;
  stand(c.books, standings_);
  see(c.cycle, accused, c.outcome, standings_);
  if (accused) return;
  for (const Overcharge& over : overcharges_of(c.books)) {
    ++found_;
    const std::string cycle = std::to_string(c.cycle), meant = amount_text(over.meant_minor);
    const std::string sum = amount_text(over.charged ? over.charged_minor : over.credited_minor);
    note("cycle " + cycle + ": cardholder " + (over.charged ? "charged " : "credited ") + sum + " instead of " + meant,
         "循环 " + cycle + "：持卡人" + (over.charged ? "被扣 " : "获退 ") + sum + "，应为 " + meant);
  }
}

void RunBooks::see(std::int64_t cycle, bool accused, Outcome outcome, std::span<const Standing> standings) {
  for (const Standing& seen : standings) {
    const auto [at, is_new] = open_.try_emplace({seen.batch, seen.stan});
    Open& kept = at->second;
    issuer_ = issuer_ || seen.issuer_read;
    if (is_new) kept = {seen, cycle, cycle, accused};
    kept.last = cycle;
    if (is_new) continue;
    kept.accused = kept.accused || accused;
    if (amend(kept.seen, seen)) ++amended_;
  }
  const bool went_through = outcome == Outcome::pass || outcome == Outcome::fail;
  for (auto& [key, one] : open_) {
    if (went_through && one.cycle < cycle && one.seen.state == Standing::doubtful) accuse(one);
  }
  // what no book has any more and nothing is open about comes to its end
  for (auto at = open_.begin(); at != open_.end();) {
    Open& one = at->second;
    const bool over = one.last + late_cycles < cycle && !unsettled(one.seen.state);
    if (over && wanting(one.seen)) accuse(one);
    if (over) close(one);
    at = over ? open_.erase(at) : std::next(at);
  }
}

void RunBooks::note(std::string english, std::string chinese) {
  if (findings_.size() < most_findings) findings_.emplace_back(std::move(english), std::move(chinese));
}

void RunBooks::end() {
  close_bench();
  ended_ = Time{};
  epoch_ = 0;
}

void RunBooks::close_bench() {
  for (auto& [key, one] : open_) {
    if (wanting(one.seen) || one.seen.state == Standing::doubtful) accuse(one);
    close(one);
  }
  open_.clear();
}

void RunBooks::close(const Open& one) {
  const Standing& a = one.seen;
  Sums& sums = classes_[a.state];
  const int sign = a.sign < 0 ? -1 : 1;
  ++sums.attempts;
  sums.journal_minor += sign * a.journal_minor;
  sums.ledger_minor += sign * a.ledger_minor;
  sums.told_minor += sign * a.told_minor;
  sums.issuer_minor += sign * a.issuer_minor;
}

/// Once, and not where a cycle has done so.
void RunBooks::accuse(Open& one) {
  if (std::exchange(one.accused, true)) return;
  ++found_;
  if (findings_.size() == most_findings) return;
  const Standing& a = one.seen;
  const std::int64_t minor = std::max({a.ledger_minor, a.told_minor, a.journal_minor});
  const std::string cycle = std::to_string(one.cycle), sum = minor == 0 ? "" : " " + amount_text(minor);
  std::string english = std::string(words[a.state].english) + sum, chinese = std::string(words[a.state].chinese) + sum;
  if (a.issuer_differs && !unexplained(a.state)) {
    const std::string bank = amount_text(a.issuer_minor), host = amount_text(a.ledger_minor);
    english = "the card's bank has " + bank + ", the host " + host;
    chinese = "发卡行账为 " + bank + "，主机账为 " + host;
  }
  note("cycle " + cycle + ", batch " + a.batch + " STAN " + a.stan + ": " + english,
       "循环 " + cycle + "，批次 " + a.batch + " 流水号 " + a.stan + "：" + chinese);
}

bool RunBooks::any() const {
  return std::any_of(classes_.begin(), classes_.end(), [](const Sums& s) { return s.attempts != 0; });
}

std::string RunBooks::table() const {
  std::vector<std::vector<std::string>> rows = {{"over the run", "attempts", "journal", "ledger", "told", "issuer"}};
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    const Sums& s = classes_[i];
    if (s.attempts == 0) continue;
    rows.push_back({std::string(words[i].english), std::to_string(s.attempts), amount_text(s.journal_minor),
                    amount_text(s.ledger_minor), amount_text(s.told_minor),
                    issuer_ ? amount_text(s.issuer_minor) : "not observable"});
  }
  std::string out = aligned(rows);
  if (amended_ != 0) out += std::to_string(amended_) + " attempts were amended by a later cycle\n";
  for (const auto& [english, chinese] : findings_) out += "run: " + visible(english) + " " + visible(chinese) + "\n";
  return out;
}

std::string RunBooks::json() const {
  json::object classes, rules;
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    const Sums& s = classes_[i];
    if (s.attempts == 0) continue;
    json::object one{{"what", words[i].english},       {"what_zh", words[i].chinese},
                     {"attempts", s.attempts},         {"journal_minor", s.journal_minor},
                     {"ledger_minor", s.ledger_minor}, {"told_minor", s.told_minor}};
    if (issuer_) one.emplace("issuer_minor", s.issuer_minor);
    classes.emplace(standing_classes[i], std::move(one));
  }
  for (const auto& [rule, counts] : rules_) {
    rules.emplace(rule,
                  json::object{{"checked", counts[0]}, {"not_observable", counts[1]}, {"not_reached", counts[2]}});
  }
  json::array findings;
  for (const auto& [english, chinese] : findings_) findings.push_back({{"what", english}, {"what_zh", chinese}});
  return json::serialize(json::object{{"classes", std::move(classes)},
                                      {"amended", amended_},
                                      {"found", found_},
                                      {"findings", std::move(findings)},
                                      {"rules", std::move(rules)}});
}

}  // namespace swiperig
