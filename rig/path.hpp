// What happens to every byte between the terminal and the host, decided before the byte goes on. Pure: bytes, times and
// armed steps in; orders (forward, hang up, report) out. The relay and any other shell carry the orders out and do
// nothing else, so a fault is exact by construction: sniffing first and cutting afterwards lets the response slip
// through. A message waits until it is whole; a message that is lost takes the rest of its direction of that connection
// with it, as a lost TCP segment does; an outage holds bytes back, and when it ends in time they arrive late. What
// holds from now on is of two kinds: the line (outage, rate, jitter) and the door, which says how whoever dials is met.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "rig/bytes.hpp"
#include "rig/case.hpp"
#include "rig/close.hpp"
#include "rig/event.hpp"
#include "rig/profile.hpp"
#include "rig/random.hpp"
#include "rig/reception.hpp"
#include "rig/wire.hpp"

namespace swiperig {

/// A step armed in the path: fires on the nth message that reaches `when` (a ..._entered milestone), upon what the nth
/// connection carries (`connected`) or, what holds from its moment on, `after` any milestone of the path: then what
/// enters at that moment or later meets it, however late anybody wakes.
struct ArmedStep {
  int step = 0;  ///< index in the case
  std::string when;
  int nth = 1;
  NetworkFault fault;
  bool hold = false;    ///< instead of `fault`: hold the message until confirm(step)
  Duration hold_max{};  ///< no message is held longer, for a step or by `fault`; 0: by a fault as long as that says
  Duration after{};     ///< of a condition: from the milestone on
};

/// `message`: the number to give to Path::sent once the last byte has gone on; 0: no whole message.
struct Forward {
  int connection;
  bool to_host;
  Bytes bytes;
  std::uint64_t message;
};
/// Close one side of a connection. `after_all`: not before what was forwarded to it has gone on.
struct HangUp {
  int connection;
  bool host_side;
  Close how;
  bool after_all = false;
};
struct Report {
  Body body;
};
/// How whoever dials is met from now on.
struct Meet {
  Reception how;
  Duration wait;
};
/// What a fault upon the door (rig/network_faults.def) means for whoever dials.
Reception reception_of(std::string_view door);
using Order = std::variant<Forward, HangUp, Report, Meet>;
using Orders = std::vector<Order>;

class Path {
 public:
  /// `place`: where jitter is drawn; null: at a fixed place. `opaque`: bytes pass unread, there are no messages.
  explicit Path(const HostProfile& host, const DrawPlace* place = nullptr, bool opaque = false)
      : framing_(host.framing), wire_(host), place_(place), opaque_(opaque) {}

  void arm(ArmedStep step) { armed_.push_back(std::move(step)); }
  /// A condition from now on; or the end of every disturbance: armed steps are forgotten, what is held is dropped and
  /// its connection reset, so that nothing of one case arrives in the next.
  void set(Impairment, Time now, Orders&);
  /// The fault that a held message waited for is a fact: the message goes on into it (`release`), or is lost.
  void confirm(int step, bool release, Orders&);

  void opened(int connection, Time now, Orders&);
  void refused(int connection, Orders&);
  /// Somebody dialled and no connection came to be.
  void turned_away(int connection, Orders&);
  Reception door() const { return door_; }
  void bytes(int connection, bool from_terminal, BytesView, Time now, Orders&);
  /// One side closed its sending direction (fin) or broke the connection (reset). `tls`: how TLS says it; "": no TLS.
  void ended(int connection, bool from_terminal, Close how, Time now, Orders&, std::string_view tls = {});
  /// The last byte of `message` has gone on.
  void sent(std::uint64_t message, Time now, Orders&);
  /// Bytes of one direction that wait for a delay, an outage or a step to end.
  std::size_t held_bytes(int connection, bool from_terminal) const;
  /// Both sides are closed and nobody will name the connection again.
  void forget(int connection) { connections_.erase(connection); }

  /// Nothing passes now.
  bool out(Time now) const { return outage_ && now < outage_until_; }

  /// Releases what is due; due(): when the next release is, or never.
  void tick(Time now, Orders&);
  Time due() const;

 private:
  struct Held {
    Bytes bytes;  ///< empty: the end of the stream
    std::uint64_t message = 0;
    Time until{};  ///< passed: as soon as what is before it has gone on
    int waits_for_step = -1;
    Close end = Close::fin;
    int reordered_by = -1;  ///< the step that wants the next message of the direction in front of it
  };
  struct Lane {
    Bytes partial;
    std::deque<Held> held;
    bool dead = false;   ///< what was lost took the rest with it
    bool ended = false;  ///< its sender has closed
    bool raw = false;    ///< not our framing: passed on unread
    std::optional<ArmedStep> cut_after = {};
    std::int64_t left = 0;  ///< bytes that go on before that
  };
  struct Connection {
    Lane up, down;  ///< up: terminal to host
  };
  struct Older {
    Bytes last, before;
  };
  struct Passing {
    std::string stem;
    Fields fields;
  };

  Lane& lane(int connection, bool from_terminal);
  std::optional<ArmedStep> take_armed(std::string_view when, int nth);
  void reach(std::string_view milestone, int nth, Time now);
  void come(Time now, Orders&);
  void message(int connection, bool from_terminal, Bytes, Time now, Orders&);
  void meet_armed(const std::string& entered, int nth, int connection, bool from_terminal, Held, Time now, Orders&);
  void strike(const ArmedStep&, int connection, bool from_terminal, Held, Time now, Orders&);
  void cut(const NetworkFault&, int connection, bool from_terminal, Held, Time now, Orders&);
  bool replace(const NetworkFault&, int connection, bool from_terminal, Held&);
  std::vector<std::pair<int, Held>> take_reordered(bool from_terminal);
  void wait_on_the_line(int connection, bool from_terminal, Held, Time now);
  void pass(int connection, bool from_terminal, Held, Time now, Orders&);
  void order(int connection, bool from_terminal, Held, Orders&);
  void lose(int connection, bool from_terminal);
  void reset_both(int connection, Orders&);

  Framing framing_;
  Wire wire_;
  std::vector<ArmedStep> armed_;
  std::vector<std::pair<Time, ArmedStep>> later_;  ///< conditions whose milestone was, and when they come
  std::map<std::string, int, std::less<>> seen_;   ///< messages per milestone since the last clear
  std::map<int, Connection> connections_;
  std::map<std::uint64_t, Passing> passing_;         ///< whole messages whose last byte has not gone on yet
  std::map<std::string, Older, std::less<>> older_;  ///< of the host, by kind
  std::uint64_t messages_ = 0;
  bool outage_ = false;
  Time outage_until_ = never;
  std::int64_t bytes_per_s_ = 0;
  Time slow_until_{};  ///< the end of that rate
  Duration jitter_{};
  Time jitter_until_{};
  Time line_free_[2]{};  ///< when each direction has carried what it was given, while it has a rate
  Reception door_ = Reception::open;
  Time door_until_ = never;
  const DrawPlace* place_;
  bool opaque_;
  std::uint32_t jittered_ = 0;  ///< messages since the last clear, for draws that do not shift each other
};

}  // namespace swiperig
