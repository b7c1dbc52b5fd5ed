// Doing a case once: the only verb that acts. Every capture has a pump that lives as long as the bench, every step acts
// in a coroutine of its own, and both may do one thing to the rest: put an event in the one inbox. One loop takes
// events out in order, writes them to the sink and opens the gates of the milestones they reach. Waiting is data in
// that loop (a due time), so it can be cancelled by forgetting it; acting is a coroutine, and is always awaited.
#pragma once

#include <deque>
#include <functional>
#include <set>
#include <span>
#include <stdexcept>
#include <utility>

#include "rig/bench.hpp"
#include "rig/crew.hpp"
#include "rig/hands.hpp"
#include "rig/trace.hpp"
#include "rig/transaction_kinds.hpp"

namespace swiperig {

/// Where a cycle's record goes while it is made.
struct Sink {
  virtual ~Sink() = default;
  /// The cycle, and its case where no other has it, is durable before its first motion.
  virtual void begin(std::int64_t cycle, const Case& c, Time at) = 0;
  virtual void event(const Event&) = 0;
  /// Durable when it returns. With all that was told of the cycle.
  virtual void verdict(std::int64_t cycle, Time ended, const Verdict&, std::span<const Event>) = 0;
};

/// The user wants to stop: the bench has been brought to rest.
struct Aborted : std::runtime_error {
  Aborted() : std::runtime_error("stopped by the user; the bench is at rest") {}
};

/// A bench under observation.
class Watch {
 public:
  Watch(Bench& bench, Sink& sink);
  /// Starts the pumps.
  void open();
  /// Awaits them; the owner of the captures has closed what they read from.
  Task<> close();

  /// Puts the bench at rest, does the case, lets the terminal recover, makes its doubts visible, reads the books and
  /// judges. Equipment that fails gives outcome `error`. Throws Aborted.
  Task<Verdict> cycle(Case c, std::int64_t number);
  /// The same for what is done by hand; nothing is sold afterwards.
  Task<Verdict> by_hand(Hands& hands, std::int64_t number);
  /// Network clear, host as it should be, power on. Throws EquipmentError.
  Task<> rest();
  /// Looks at Bench::abort now instead of at the next event.
  void nudge() { arrived_.ring(); }

 private:
  struct Waiting {
    Step step;
    int number;  ///< index in the case; -1: the cycle's own
    int seen = 0;
    Time due = never;
  };
  using Test = std::function<bool(const Event&)>;

  void post(Source source, Body body, Time at, Duration uncertainty = {});
  void post(Source source, Body body) { post(source, std::move(body), bench_.clock.now()); }
  Task<> pump(Source source, Capture* capture);
  Task<> act(Step step, int number);
  /// `held`: the step for which the path holds a message, -1: none.
  Task<> perform(StepAction action, int held = -1);
  Task<> brown_out(BrownOut dip, int held);
  Task<> log_current(Duration every);
  void end_log();
  void record(Event&& event);
  void open_gates(const Event& event);
  /// Asked anew whenever anything happens.
  using Deadline = std::function<Time()>;
  Task<bool> until(Test test, Deadline deadline);
  Task<bool> until(Test test, Time deadline) {
    return until(std::move(test), Deadline([deadline] { return deadline; }));
  }
  Task<> clear();
  Task<> drain();
  Task<bool> milestone(std::string name, Duration limit);
  void press(std::string_view name, std::int64_t amount_minor);
  bool waits_for_pin() const;
  Task<bool> make_originals(Case c);
  /// Between the begin and the verdict of a cycle: `hands`, or where there are none the case.
  Task<Verdict> recorded(Case c, std::int64_t number, Hands* hands);
  Task<> whole_case(Case c);
  Task<> do_by_hand(Hands& hands);
  Task<> do_one(ByHand what);
  Task<> run_case(Case c);
  Task<> let_it_clear_up();
  Task<> prepare(Case c);
  int swipe_again(const Case& c);
  Task<> afterwards(Case c);
  Task<> find_out(Habits habits);
  Task<> second_sale(Case c);
  Task<> look_at_rail();
  Task<> swipe_unasked(Case c);
  Task<> recover(Case c);
  void arm(const Waiting& waiting);
  Task<> read(Source source, const char* name, Book* book);
  Task<bool> sell(const TransactionKind* kind, std::int64_t amount_minor);
  Task<> restart_terminal();
  void throw_if_broken() const;

  Bench& bench_;
  Sink& sink_;
  Crew pumps_, acting_;
  std::deque<Event> inbox_;
  Bell arrived_;
  std::vector<Event> events_;  ///< of this cycle
  std::vector<Waiting> waiting_;
  Time over_{};            ///< the case's result was told, or its patience ended
  Time linger_{};          ///< a message is still under way until then
  Duration host_lasts_{};  ///< how late the host answers in this case
  std::uint64_t seq_ = 0;
  std::int64_t cycle_ = 0;
  int acting_count_ = 0;
  bool settled_ = false;         ///< nothing of an earlier cycle is left in the books
  bool approved_ = false;        ///< the last that was told
  std::string told_stan_;        ///< and its number: what the next kind may be about
  bool told_ = false;            ///< anything was told of a sale in this cycle
  bool known_ = false;           ///< and how it ended
  std::string reference_;        ///< on the last receipt
  std::set<std::string> asked_;  ///< batch/STAN of the requests seen in this cycle
  bool idle_ = false;            ///< the last the terminal said is that it is ready
  bool powered_ = false;
  bool browned_out_ = false;  ///< in this case: that the rail was low does not mean that the power is gone
  bool logging_ = false;      ///< voltage and current are read all the time
  Bell log_over_;
  bool sound_ = false;   ///< all parts of the terminal are as they should be
  bool placed_ = true;   ///< no motion was cut short since the actuator was last at rest
  bool broken_ = false;  ///< equipment failed in this cycle
  std::string broken_what_;
  std::string blind_;  ///< why a capture ended: no later cycle can be seen whole
};

}  // namespace swiperig
