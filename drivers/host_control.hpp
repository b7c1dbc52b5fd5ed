// The rig's end of a scriptable test host: tells it how to behave, reads its open batch, and captures what it says
// happened (request_at_host, committed). One JSON object a line, integers and strings only. Commands may overlap; the
// host answers in order, each within 5 s. A line that is none of the protocol, an answer nobody asked for, a time-out
// or the host's closing breaks the link for good: every call from then on throws EquipmentError with that reason.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rig/equipment.hpp"
#include "rig/link.hpp"

namespace swiperig {

class HostControl final : public HostScript, public Book, public CustomerService, public Capture {
 public:
  HostControl(Clock& clock, std::unique_ptr<Link> link) : clock_(clock), link_(std::move(link)) {}
  /// Moves bytes both ways until `close` or a fault; never throws for what the far end does: the calls below tell.
  Task<> serve();
  /// Returns when the host has confirmed. Throws EquipmentError, also for a behaviour the host does not know.
  Task<> set(HostBehaviour) override;
  Task<std::vector<Entry>> entries() override;
  /// The book of the card's bank, where the host tells it: of every batch, states held, posted, released.
  Book& issuer() { return issuer_; }
  /// Throws EquipmentError, also for what is no reference.
  Task<> look_up(std::string reference) override;
  Task<Seen> next() override;
  void close();

 private:
  struct Asked {
    bool wants_entries = false;
    std::string_view ok = "behave";
    bool done = false;
    std::string refused;
    std::vector<Entry> entries;
    Bell answered;
  };

  struct IssuerBook final : Book {
    explicit IssuerBook(HostControl& control) : host(control) {}
    Task<std::vector<Entry>> entries() override { return host.rows("issuer"); }
    HostControl& host;
  };

  Task<std::vector<Entry>> rows(std::string book);
  Task<> read();
  Task<> write();
  Task<> ask(Asked& asked, std::string line);
  void take(std::string_view line);
  void fault(std::string what);

  Clock& clock_;
  std::unique_ptr<Link> link_;
  std::deque<std::string> outbox_;
  std::deque<Asked*> asked_;
  std::deque<Seen> seen_;
  Bell outgoing_, arrived_;
  std::string fault_;
  bool closed_ = false;
  IssuerBook issuer_{*this};
};

}  // namespace swiperig
