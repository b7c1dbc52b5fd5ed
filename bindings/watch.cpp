// `swiperig watch`: a run as it happens, from another program or another seat.
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <iostream>

#include "bindings/config.hpp"
#include "bindings/keys.hpp"
#include "bindings/publish_url.hpp"
#include "bindings/run.hpp"
#include "reports/follower.hpp"
#include "reports/summary.hpp"
#include "reports/visible.hpp"
#include "rig/clock.hpp"

namespace swiperig {

namespace {

namespace json = boost::json;

/// Verdicts as lines; on a terminal the cycle that is under way below them.
class Display {
 public:
  explicit Display(std::int64_t planned) : planned_(planned), tty_(isatty(STDOUT_FILENO) != 0) {}

  void show(const json::object& m, const std::string& topic) {
    if (topic.ends_with("/verdict")) {
      const Outcome outcome = parse_outcome(text(m, "outcome"));
      ++outcomes_[outcome];
      if (outcome > worst_) worst_ = outcome;
      const auto& verdict = m.at("verdict").as_object();
      line("cycle " + std::to_string(m.at("cycle").as_int64()) + "  " + text(m, "outcome") + "  " + text(m, "cause") +
           "  " + text(m, "case") + (outcome == Outcome::pass ? "" : ": " + text(verdict, "why")));
    } else if (topic.ends_with("/cycle")) {
      under_way_ = "cycle " + std::to_string(m.at("cycle").as_int64()) + "  " + text(m, "case");
      below(false);
    } else if (topic.ends_with("/health")) {
      const std::string state = text(m, "state");
      line(state == "ended" ? "the run has ended, head " + text(m, "head")
                            : "run " + text(m, "run") + " of campaign " + text(m, "campaign") + " on bench " +
                                  text(m, "bench") + ", seed " + text(m, "seed"));
    }
  }
  /// The last line stays.
  void close() {
    below(true);
    if (tty_) std::cout << "\n";
  }
  Outcome worst() const { return worst_; }

 private:
  static std::string text(const json::object& m, const char* name) { return std::string(m.at(name).as_string()); }
  void line(const std::string& what) {
    if (tty_) std::cout << "\r\033[K";
    std::cout << visible(what) << "\n";
    if (!tty_) std::cout.flush();
    below(false);
  }
  void below(bool now) {
    const double at = machine_seconds();
    if (!tty_ || (!now && at - shown_ < 0.1)) return;
    shown_ = at;
    const std::int64_t done = outcomes_.total();
    const double rate = static_cast<double>(done) / std::max(at - began_, 0.001);
    std::cout << "\r\033[K" << progress_line(done, planned_, rate, std::nullopt, outcomes_) << "   "
              << visible(under_way_) << std::flush;
  }

  std::int64_t planned_;
  bool tty_;
  double began_ = machine_seconds(), shown_ = -1e9;
  std::string under_way_;
  Outcomes outcomes_;
  Outcome worst_ = Outcome::pass;
};

}  // namespace

int watch_run(const WatchOptions& o, const std::atomic<bool>& stop) try {
  const bool keys = !o.key.empty();
  Follower follower(endpoints_of(o.url, keys), o.from,
                    keys ? std::optional(ClientKeys{read_key_pair(o.key), read_public_key(o.server)}) : std::nullopt);
  Display display(json::parse(follower.first()).at("cycles_planned").as_int64());
  while (!stop && !follower.ended()) {
    try {
      const auto told = follower.next(500);
      if (told && !told->topic.ends_with("/event")) display.show(json::parse(told->json).as_object(), told->topic);
    } catch (const FollowError& e) {
      display.close();
      throw;
    }
  }
  display.close();
  if (stop) return 3;
  return display.worst() == Outcome::pass ? 0 : display.worst() == Outcome::error ? 3 : 1;
} catch (const FollowError& e) {
  throw ConfigError(e.what());
} catch (const ConfigError&) {
  throw;
} catch (const std::exception& e) {
  throw ConfigError(o.url + ": a message that is not of a swiperig run: " + e.what());
}

}  // namespace swiperig
