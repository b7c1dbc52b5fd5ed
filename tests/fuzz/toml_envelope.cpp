// Any text as the envelope of a machine, held against a bench; the first byte 'p': as a file of taught positions
// instead. Read, or refused as ConfigError, and what it narrowed is no wider than it was.
#include <cstdlib>

#include "bindings/actuator_file.hpp"
#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "bindings/envelope.hpp"
#include "bindings/places.hpp"
#include "bindings/positions_file.hpp"
#include "tests/fuzz/tried_file.hpp"

using namespace swiperig;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  static const TriedFile file;
  static const std::string bench_path = bench_or_virtual("");
  static const BenchFile whole = read_bench(bench_path);
  static const std::shared_ptr<Table> root = read_config(bench_path);
  const std::string_view text(reinterpret_cast<const char*>(bytes), count);
  try {
    if (text.starts_with('p')) {
      (void)to_toml(read_positions(*parse_config(std::string(text.substr(1)), "positions.toml")));
      return 0;
    }
    GrblSettings robot = whole.robot;
    BenchFile bench;
    bench.robot = robot;
    hold_envelope(file.write(text), false, *root, bench);
    if (bench.robot.travel_x_mm > robot.travel_x_mm || bench.robot.travel_z_mm > robot.travel_z_mm) std::abort();
  } catch (const ConfigError&) {
  }
  return 0;
}
