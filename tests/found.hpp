// What the rules find in a history written by hand.
#pragma once

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "rig/reconcile.hpp"
#include "tests/history.hpp"

namespace swiperig {

using Seqs = std::vector<std::uint64_t>;

inline Reconciliation of(const History& h) { return reconcile(replay(h.events, full_scope()), full_scope()); }

inline std::string rules(const Reconciliation& r) {
  std::string all;
  for (const Finding& f : r.findings) all += (all.empty() ? "" : " ") + f.rule;
  return all;
}

/// Every sum in a sentence: "12.34".
inline std::multiset<std::string> sums(const std::string& sentence) {
  static const std::regex sum("[0-9]+\\.[0-9]{2}(?![0-9])");
  std::multiset<std::string> all;
  for (std::sregex_iterator at(sentence.begin(), sentence.end(), sum), end; at != end; ++at) all.insert(at->str());
  return all;
}

/// Exactly this rule, citing at least these events, in a sentence that has these words.
inline void expect_only(const History& h, const std::string& rule, const Seqs& cited,
                        const std::vector<std::string>& words) {
  const Reconciliation r = of(h);
  EXPECT_EQ(rules(r), rule);
  if (r.findings.empty()) return;
  const Finding& f = r.findings.front();
  for (const auto seq : cited) {
    EXPECT_TRUE(std::find(f.evidence.begin(), f.evidence.end(), seq) != f.evidence.end())
        << rule << " must cite event " << seq;
  }
  EXPECT_TRUE(std::is_sorted(f.evidence.begin(), f.evidence.end()));
  EXPECT_FALSE(f.what_zh.empty());
  EXPECT_EQ(sums(f.what_zh), sums(f.what)) << "both languages tell the same money";
  for (const auto seq : f.evidence) EXPECT_TRUE(seq >= 1 && seq <= h.events.size());
  for (const auto& word : words) EXPECT_NE(f.what.find(word), std::string::npos) << f.what;
}
inline void expect_honest(const History& h) {
  const Reconciliation r = of(h);
  EXPECT_EQ(rules(r), "") << (r.findings.empty() ? "" : r.findings.front().what);
}

struct Books {
  std::uint64_t journal, ledger;
};
/// Both books with the recovery sale in them.
inline Books books(History& h, std::vector<Entry> journal, std::vector<Entry> ledger) {
  journal.push_back(History::row(9, 100, "approved"));
  ledger.push_back(History::row(9, 100, "approved"));
  return {h.book("journal", std::move(journal)), h.book("ledger", std::move(ledger))};
}
inline History begun() {
  History h;
  h.intent("sale", 1234);
  return h;
}

}  // namespace swiperig
