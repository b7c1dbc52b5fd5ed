// What the command line does, one function a verb. Each returns the exit code: 0 all passed, 1 a case failed or stayed
// inconclusive, 3 rig fault or stopped by the user; wrong files throw ConfigError or TraceError (2).
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rig/time.hpp"

namespace swiperig {

class GuardProcess;
class Hands;

struct RunOptions {
  std::string campaign, bench, host, out, defect;  ///< host: profile to use instead of the bench's own
  std::string terminal;                            ///< terminal-profile file instead of the bench's own
  std::uint64_t seed = 1;
  std::optional<std::int64_t> cycles;
  int threads = 0;         ///< 0: as many as the machine has cores; real benches use one
  std::string publish;     ///< URL (bindings/publish_url.hpp); "": nobody follows
  std::string key;         ///< the publisher's secret key file, the allow-list beside it; "": without keys
  Hands* hands = nullptr;  ///< instead of a campaign, what they do
  Duration linger{};       ///< how long followers are answered after the end
};

/// `guardian`: of the bench, where the caller holds it.
int run_campaign(const RunOptions&, const std::atomic<bool>& abort, GuardProcess* guardian = nullptr);
int judge_again(const std::string& directory);
/// The books of the whole run added up again from the rows that its trace keeps, without its events.
int add_up_books(const std::string& directory);
/// Writes `out`, or `directory`/run.pcapng.
int export_run(const std::string& directory, const std::string& format, const std::string& out);
int explain_cycle(const std::string& directory, std::int64_t cycle);
/// `seed`: of the cases that a campaign draws.
int print_plan(const std::string& campaign, const std::string& bench, const std::string& terminal, std::uint64_t seed);
int list_names(const std::string& what);
struct FluxOptions {
  std::string bench, card;
  std::int64_t speed_mm_s = 500, acceleration_mm_s2 = 0, passes = 1;
  bool reverse = false;
  std::uint64_t seed = 1;
};
/// What a head would see of a stand-in card, a line of the contact port's JSON for each pass.
int print_flux(const FluxOptions&);
/// Makes a test CA and the relay's certificate, which is for `names`, in a folder that has none yet.
int make_ca(const std::string& folder, std::vector<std::string> names);
int check_bench(const std::string& bench, const std::string& terminal);
/// Follows a run at the URL it is published at, a line for each cycle, until it has ended; from that message on, or
/// from now. `key`: own secret key file, `server`: the run's public key or its file. Returns what the run would: 0, 1
/// or 3 by its worst verdict seen.
struct WatchOptions {
  std::string url, key, server;
  std::optional<std::int64_t> from;
};
int watch_run(const WatchOptions&, const std::atomic<bool>& stop);
/// Serves one stand-in of a real-time bench, or with an empty role all four as processes of their own.
int stand_in(const std::string& role, const std::string& bench, const std::string& terminal, const std::string& defect,
             std::uint64_t seed, const std::atomic<bool>& abort);

}  // namespace swiperig
