#include "bindings/wear.hpp"

#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "rig/case.hpp"

namespace swiperig {

std::int64_t read_passes_per_cycle(const Value& v) {
  const Table& t = v.table();
  const std::int64_t passes = t.at("passes_per_cycle").integer(1, 1'000'000);
  t.nothing_else();
  return passes;
}

BenchFile worn(const BenchFile& bench, const Wear& wear, const Case& c, std::int64_t cycle) {
  BenchFile own = bench;
  const std::int64_t before = cycle * wear.passes_per_cycle;
  for (auto& [slot, card] : own.cards) card.swipes += before;
  const auto set = wear.reader_passes.find(c.name);
  own.reader.passes = set == wear.reader_passes.end() ? bench.reader.passes + before : set->second;
  own.reader.dirt_um += static_cast<double>(before) * bench.reader.dirt_um_per_pass;
  return own;
}

}  // namespace swiperig
