// What strategies are worth, from pairs of cycles: the same fault with the same draws, once without the strategy and
// once with it. For each strategy and fault it says how often nothing came back, how long the doubt lasted, how often
// money was gone without anybody at the till knowing, and how often the goods were sold; the differences with intervals
// (rig/statistics.hpp), and in a word what the strategy did. One that did nothing is shown as doing nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rig/statistics.hpp"
#include "rig/verdict.hpp"

namespace swiperig {

class Trials {
 public:
  /// A case of the campaign that is half of a comparison.
  void plan(const Case&);
  /// Cycles in order; a pair is cycle 2n, without, and 2n+1, with. Others than planned are passed over.
  void add(std::int64_t cycle, const std::string& case_name, const Verdict&);

  bool any() const { return !rows_.empty(); }
  std::string table() const;
  /// The array of summary.json, times in ms, shares in thousandths.
  std::string json() const;

  /// What a strategy did to one measure: `nothing`: to no pair; `not_shown`: its interval has both signs in it.
  enum class Did : std::uint8_t { nothing, not_shown, better, worse };

 private:
  struct Cell {
    std::string text, json;
    Did did;
  };
  struct Row {
    std::string strategy, strategy_zh, fault, cause;
    std::int64_t left_out = 0;
    PairCounts no_return, held, sold;
    std::int64_t held_minor[2] = {};
    std::int64_t doubt_ms[2] = {};  ///< sums
    std::int64_t shift_ms = 0, most_shift_ms = 0;
    double shift_squares = 0;
  };
  struct Half {
    std::int64_t cycle;
    std::size_t row;
    bool counts;
    bool no_return;
    Effect effect;
    std::int64_t doubt_ms;
  };
  static void count(PairCounts&, bool without, bool with);
  static Cell share(const char* name, const PairCounts&, bool less_is_better, const std::string& more = {});
  static Cell doubt(const Row&);
  static std::vector<Cell> cells(const Row&);
  /// By cause: the strategies that made something better there, and nothing worse.
  std::map<std::string, std::vector<const Row*>> helped() const;

  std::vector<Row> rows_;
  std::map<std::string, std::pair<std::size_t, bool>> places_;  ///< by case: row, and whether with
  std::optional<Half> first_;
};

}  // namespace swiperig
