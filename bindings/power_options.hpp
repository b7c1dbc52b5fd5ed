// What a case says about the power, read from its file; and whether a bench can prove that a terminal's power is gone.
#pragma once

#include <cstddef>
#include <string>

#include "bindings/bench_file.hpp"
#include "bindings/sweep.hpp"
#include "rig/case.hpp"

namespace swiperig {

/// `{ to = "3.1 V", lasts = "80 ms" }`, and where it falls or rises slowly `fall = "100 ms"`, `rise`, `steps = 5`; of
/// step `number`. `to`, `lasts`, `fall` and `rise` may be swept. Throws ConfigError.
BrownOut read_brown_out(const Value&, std::size_t number, Sweeps&);

/// Why this bench cannot do to the terminal's power what the case wants, or "".
std::string power_refusal(const Case&, const BenchFile&);

}  // namespace swiperig
