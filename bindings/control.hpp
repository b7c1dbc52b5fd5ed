// What others may have a served bench do, as requests and answers (reports/schemas/control.json): who may, and when.
// One at a time has the bench, by a lease whose fencing number is above every earlier one; what is asked under an old
// lease is refused. A request that acts is done once whatever happens on the way: asked again under the same id it gets
// the same answer. Roles are checked for each request. Sockets are elsewhere (reports/answer_port.hpp), and what acts
// is the serving process (bindings/serve.cpp), which takes one job after another from here.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/hand_desk.hpp"
#include "reports/answer_port.hpp"

namespace swiperig {

struct ControlJob {
  std::string run;       ///< the id of its request; "": make the bench safe
  bool by_hand = false;  ///< instead of a campaign, what comes over Control::hands
  std::string campaign;  ///< text of a campaign file
  std::uint64_t seed = 1;
  std::optional<std::int64_t> cycles;
};

/// What is known of the bench. The functions throw ConfigError.
struct ControlledBench {
  std::string name;
  std::vector<std::string> has;                                   ///< that cases may want
  std::function<AllowList()> reread;                              ///< the allow-list again, for the admin who asks
  std::function<ByHand(const std::string& said)> by_hand;         ///< TOML
  std::function<std::size_t(const std::string& campaign)> check;  ///< how many cases, if the bench can do them
};

class Control {
 public:
  /// `fences`: the file that keeps the last fencing number.
  Control(ControlledBench, std::string fences);

  /// Total: what is no request is told as what was expected. `now_s`: of one clock that never goes back.
  PortAnswer answer(const Caller&, std::string_view request, double now_s);

  /// To be done now, by the one who serves; it says when that has ended: the exit code and last words of a run, the
  /// folder of its trace, or "" and why the bench was not proved safe.
  std::optional<ControlJob> take();
  void ended(int code, const std::string& words, const std::string& folder, double now_s);
  /// A run of somebody on this machine begins, unless the answer names who has the bench.
  std::string begin_elsewhere(double now_s);
  void end_elsewhere();
  /// The run under way is to stop.
  std::atomic<bool> stop_run = false;
  /// For the run that is done by hand.
  HandDesk hands;

 private:
  struct Request;
  struct Refused;
  struct Kept {
    std::string key, id, request;  ///< the request as its hash
    std::uint64_t fence;
    PortAnswer answer;
  };
  struct Run {
    std::string id, state = "waiting", words, folder;
    int code = 0;
  };
  bool held(double now_s) const;
  void check_lease(const Caller&, const Request&, double now_s) const;
  PortAnswer act(const Caller&, const Request&, double now_s);
  PortAnswer open(const Caller&, const Request&, double now_s);
  PortAnswer do_by_hand(const Request&, double now_s);
  PortAnswer status(const Request&, double now_s) const;
  PortAnswer fetch(const Request&) const;
  bool working() const { return job_.has_value() || safe_wanted_ || doing_ != Doing::nothing; }

  const ControlledBench bench_;
  const std::string fences_;
  mutable std::mutex mutex_;
  std::uint64_t fence_ = 0;  ///< 0: nobody has the bench
  std::uint64_t last_fence_ = 0;
  std::uint64_t run_fence_ = 0;  ///< under which the last run was asked for
  std::string holder_key_, holder_name_;
  double lease_s_ = 0, until_s_ = 0;
  enum class Doing { nothing, run, safe_state, elsewhere } doing_ = Doing::nothing;
  std::optional<ControlJob> job_;
  bool by_hand_ = false;  ///< the last run is
  bool safe_wanted_ = false;
  std::string not_safe_;
  std::optional<Run> run_;  ///< the last
  std::deque<Kept> kept_;
};

}  // namespace swiperig
