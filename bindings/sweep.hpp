// Parameters that a campaign sweeps: where one value is expected, `{ from = "0 ms", to = "500 ms", by = "5 ms" }`
// stands for a case per value, named after it. Several in one case make all their combinations. The window is met
// exactly or refused: `to` is `from` and a whole number of `by`. With `bisect = "50 ms"` only every so much of it is
// done at first; where two neighbours end otherwise the border between them is looked for down to `by`, and both its
// sides are done `repeats` times (rig/borders.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/config.hpp"
#include "rig/case.hpp"

namespace swiperig {

inline constexpr std::size_t most_cases = 20'000;  ///< of a campaign, sweeps and all

/// The sweeps of one case.
class Sweeps {
 public:
  using Set = std::function<void(Case&, std::int64_t)>;

  /// Each returns the value, or the first of a sweep; `set` puts one into the case. `word`: how the name of a case says
  /// it, with # for the value ("after #").
  Duration duration(const Value&, const std::string& word, Duration least, Duration most, Set set);
  std::int64_t integer(const Value&, const std::string& word, std::int64_t least, std::int64_t most, Set set);
  /// Of a unit of Value::quantity; `small` is the one that names of cases say.
  std::int64_t quantity(const Value&, const std::string& word, std::string_view unit, const std::string& small,
                        std::int64_t least, std::int64_t most, Set set);
  std::int64_t amount(const Value&, const std::string& word, Set set);

  bool empty() const { return axes_.empty(); }
  bool look_for_borders() const { return !axes_.empty() && axes_.front().repeats != 0; }
  /// The case, or one for every value; `at` is where a refusal points.
  std::vector<Case> expand(const Value& at, const Case&) const;
  /// "after 0 s to 500 ms by 5 ms", or "".
  std::string words() const;

 private:
  using Read = std::function<std::int64_t(const Value&)>;
  using Text = std::function<std::string(std::int64_t)>;
  struct Axis {
    std::string word;
    std::int64_t from, to, by;
    Set set;
    Text text;
    std::int64_t coarse = by, repeats = 0;
    std::size_t places() const { return static_cast<std::size_t>((to - from) / by) + 1; }
  };
  std::int64_t read(const Value&, const std::string& word, const Read& value, const Read& by, Text text, Set set);

  std::vector<Axis> axes_;
};

}  // namespace swiperig
