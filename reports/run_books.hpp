// The books of a whole run: every attempt in exactly one class, and every unit of money summed over journal, ledger and
// what was told. An attempt belongs to the cycle that first saw it; what a later cycle of the same bench sees of it
// amends it, and a doubt that was open when its cycle ended, however that ended, stays on the list until something ends
// it. Its deadline is the end of the next cycle that went through: that began with a restart and made a sale, before
// which every doubt has to be ended. Fed a cycle at a time; keeps only what is still open.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "rig/standing.hpp"
#include "rig/trace.hpp"
#include "rig/trace_books.hpp"

namespace swiperig {

/// Cycles of a bench after which nothing late comes any more.
inline constexpr std::int64_t late_cycles = 20;

/// "booked and undone", in English and Chinese.
std::pair<std::string_view, std::string_view> words_of(Standing::Class);

class RunBooks {
 public:
  /// In order. A cycle that begins before the last one has ended is the first on another bench.
  void add(const CycleRecord&);
  /// The same from the row that a trace keeps for it; what a purchase was charged too often is found here, too, where
  /// its cycle has not done so.
  void add(const StoredBooks&);
  /// No cycle comes any more: what is open stays so.
  void end();

  struct Sums {
    std::int64_t attempts = 0, journal_minor = 0, ledger_minor = 0, told_minor = 0,
                 issuer_minor = 0;  ///< signed by kind
  };
  const std::array<Sums, std::size(standing_classes)>& classes() const { return classes_; }
  std::int64_t amended() const { return amended_; }
  /// What no cycle has found: money that is not explained, doubts that nobody has ended. One sentence each, in English
  /// and Chinese; at most the first hundred.
  const std::vector<std::pair<std::string, std::string>>& findings() const { return findings_; }
  std::int64_t found() const { return found_; }

  bool any() const;
  std::string table() const;
  std::string json() const;  ///< an object

 private:
  struct Open {
    Standing seen;
    std::int64_t cycle = 0, last = 0;  ///< that saw it first, and last
    bool accused = false;              ///< a cycle has found it
  };
  void see(std::int64_t cycle, bool accused, Outcome, std::span<const Standing>);
  void note(std::string english, std::string chinese);
  void close_bench();
  void close(const Open&);
  void accuse(Open&);

  std::map<std::pair<std::string, std::string>, Open> open_;  ///< by batch and STAN, of this bench
  std::array<Sums, std::size(standing_classes)> classes_{};
  std::map<std::string, std::array<std::int64_t, 3>> rules_;  ///< cycles: checked, not observable, not reached
  std::vector<std::pair<std::string, std::string>> findings_;
  std::int64_t amended_ = 0, found_ = 0;
  bool issuer_ = false;  ///< the book of the card's bank was read
  Time ended_{};
  std::int64_t epoch_ = 0;
  std::vector<Standing> standings_;  ///< of a row, used again
};

}  // namespace swiperig
