// The network between the terminal and the host as a TCP relay without privileges: it accepts the terminal's
// connections, dials the host for each, and carries out what rig/path decides. Armed faults are decided on the message
// itself, so none slips through. What a relay cannot do it does not offer: over TCP it cannot withhold a SYN-ACK, so in
// an outage a terminal still connects and is then met with silence; a listener that can is told how to meet whoever
// dials. Whoever sends faster than the other side takes is read no further, as TCP would have it. TLS is ended on both
// sides, where the terminal trusts our CA, so that the messages within meet all that is armed; a FIN stays with or
// without TLS's own end before it, as it came, and an armed FIN is the network's, without. Or TLS passes unread.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include "drivers/frame_tap.hpp"
#include "drivers/link_tls.hpp"
#include "rig/crew.hpp"
#include "rig/equipment.hpp"
#include "rig/path.hpp"

namespace swiperig {

struct RelaySettings {
  std::shared_ptr<const TlsEnd> terminal_tls = {}, host_tls = {};  ///< both, or neither: no TLS is ended here
  bool opaque = false;                                             ///< what passes is not read
  std::size_t most_connections = 1000;                             ///< at a time
  Duration handshake_limit = std::chrono::seconds(20);             ///< one that takes longer is ended, and told
};

class Relay final : public NetworkImpairment, public Capture {
 public:
  Relay(Clock& clock, std::unique_ptr<Listener> terminal_side, std::unique_ptr<Dialer> host_side,
        const HostProfile& host, const DrawPlace* place = nullptr, std::shared_ptr<Tap> tap = nullptr,
        RelaySettings settings = {});
  ~Relay() override;

  /// Carries connections until close().
  Task<> serve();
  void close();

  void set(Impairment) override;
  void arm(ArmedStep step) override { path_.arm(std::move(step)); }
  void confirm(int step, bool release) override;
  Task<Seen> next() override;

 private:
  struct Side {
    std::unique_ptr<Link> link;
    TlsLink* tls = nullptr;  ///< the link, where TLS ends here
    std::deque<std::variant<Forward, HangUp>> outbox;
    std::size_t unsent = 0;  ///< bytes in the outbox
    Bell work;
    Bell room;                   ///< for the reader of the other side: something has gone on
    bool reset = false;          ///< we closed it
    bool over = false;           ///< no more writing
    bool announces_end = false;  ///< of TLS, before the FIN that goes on
    bool late = false;           ///< its handshake took too long
  };
  struct Connection {
    Side terminal, host;
  };

  Task<> converse(int number, std::unique_ptr<Link> terminal);
  Task<bool> secure(int number, Connection& connection, bool terminal);
  Task<> line(Side& side);
  Task<> end_in_time(Side& side, Bell& done);
  Task<> read(int number, Connection& connection, bool from_terminal);
  Task<> write(Side& side);
  Task<> release();
  void carry(Orders orders);
  void fail(std::string what);

  Clock& clock_;
  std::unique_ptr<Listener> terminal_side_;
  std::unique_ptr<Dialer> host_side_;
  RelaySettings settings_;
  Path path_;
  FrameTap tap_;
  Crew crew_;
  std::map<int, std::shared_ptr<Connection>> connections_;
  int numbers_ = 0;
  std::size_t open_ = 0;
  std::string fault_;  ///< the rig's own: the relay is no path any more
  Bell due_changed_;
  Bell reported_;
  std::deque<Seen> reports_;
  bool closed_ = false;
};

}  // namespace swiperig
