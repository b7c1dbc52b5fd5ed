// How worn the stand-in reader and the cards are in a cycle. `[wear] passes_per_cycle = 2000`: each cycle stands for so
// many swipes of every card, and a run wears the reader and its cards out, whatever thread does which epoch.
// `reader_passes = 400000` in a case, or a list of such where it measures: the reader has been through that before it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace swiperig {

struct BenchFile;
struct Case;
class Value;

struct Wear {
  std::int64_t passes_per_cycle = 0;
  std::map<std::string, std::int64_t> reader_passes;  ///< by name of case
  bool any() const { return passes_per_cycle != 0 || !reader_passes.empty(); }
};

/// `[wear]`. Throws ConfigError.
std::int64_t read_passes_per_cycle(const Value&);

/// The bench on which `c` is done as the `cycle`th of a run.
BenchFile worn(const BenchFile&, const Wear&, const Case& c, std::int64_t cycle);

}  // namespace swiperig
