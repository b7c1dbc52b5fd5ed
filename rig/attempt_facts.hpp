// What can be said of one attempt from what was seen of it, before any rule judges: whether its answer was genuine and
// in time, whether the terminal must be in doubt about it, and what ended the doubt. Pure.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "rig/transaction.hpp"
#include "rig/verdict.hpp"

namespace swiperig {

/// Nobody can tell within this whether an answer was still in time: the terminal's timer is its own.
inline constexpr Duration late_slack = std::chrono::seconds(1);

/// "batch 000001 STAN 000007"; "批次 000001 流水号 000007".
std::string key(const Attempt&);
std::string key_zh(const Attempt&);

/// One sentence in the two languages of a report.
struct Sentence {
  std::string en, zh;
};
/// The numbers of the events that prove something, in order, each once.
std::vector<std::uint64_t> proof(std::initializer_list<Mark> marks);
bool approved_code(const std::string& code);
/// Nothing was booked, and the same may be asked again (DOMAIN.md 2.5, classes R, S, T).
bool is_passing(const std::string& code);

class AttemptFacts {
 public:
  AttemptFacts(const Transaction& t, const Scope& scope) : t_(t), scope_(scope) {}

  /// An approval that the host did not sign, or not with its key.
  bool forged(const Attempt&) const;
  /// The terminal has the right to regard the attempt as answered.
  bool answered(const Attempt&) const;
  /// Money may have moved and the terminal cannot know.
  bool in_doubt(const Attempt&) const;
  /// An advice that no answer has ended.
  bool undelivered(const Attempt&) const;
  /// The host was asked about it and has said that it stands.
  bool confirmed(const Attempt&) const;
  /// The terminal holds it open by itself, or has said that it cannot end it.
  bool open_in_journal(const Attempt&) const;
  /// What the request names as the transaction it is about; null: nothing that was seen.
  const Attempt* original_of(const Attempt&) const;
  /// What ends the doubt: a reversal answered as the host profile says, or, where the terminal profile allows to clear
  /// after the last try, the report of it. Null while it is open.
  Mark ended(const Attempt&) const;
  /// Where its money is: "cardholder charged 12.34, merchant's journal shows declined, told DECLINED, reversal never
  /// sent".
  Sentence money(const Attempt&) const;

  const Transaction& transaction() const { return t_; }
  const Scope& scope() const { return scope_; }

 protected:
  const Transaction& t_;
  const Scope& scope_;
};

}  // namespace swiperig
