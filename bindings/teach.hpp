// `swiperig teach`: somebody at the robot types lines, it jogs, and where it stands is marked and stored. It moves only
// by jogs within the envelope and the regions of the bench, and only once it was told to home. A jog ends at once with
// `stop`, with the end of what is typed (Ctrl-D) and with Ctrl-C. What was marked goes to the bench's positions file
// with `save`, in one step, the old file beside it.
#pragma once

#include <atomic>
#include <memory>
#include <ostream>
#include <string>

#include "bindings/actuator_file.hpp"
#include "bindings/positions_file.hpp"
#include "rig/clock.hpp"
#include "rig/link.hpp"

namespace swiperig {

/// One session: lines from `typed` until their end, `quit` or `stop`; answers to `out`. `robot` is served by the
/// session's own crew. Returns 0; 1 where marks were not saved.
Task<int> teach_session(Clock& clock, TeachBench bench, std::unique_ptr<Link> robot, std::unique_ptr<Link> typed,
                        std::ostream& out, const std::atomic<bool>& stop);

/// The verb: the robot behind its guardian, standard input and output. Returns the exit code. Throws ConfigError,
/// EquipmentError, LinkError.
int teach_bench(const std::string& bench, const std::atomic<bool>& stop);

}  // namespace swiperig
