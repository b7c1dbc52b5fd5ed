// A terminal's contact port as the rig uses it: puts parts into states, and sees whether the terminal is there on its
// USB. Lines of JSON (fixtures/contact_port.hpp says which); the terminal repeats a part line once the part is in that
// state, and answers with an error what it cannot do. Anything else breaks the link for good: every call from then on
// throws EquipmentError with that reason.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "rig/equipment.hpp"
#include "rig/link.hpp"

namespace swiperig {

class PartPort final : public PartSwitch, public Capture {
 public:
  PartPort(Clock& clock, std::unique_ptr<Link> link) : clock_(clock), link_(std::move(link)) {}
  /// Reads until `close` or a fault; never throws for what the far end does: the calls below tell.
  Task<> serve();
  /// One at a time and within 5 s.
  Task<> set(PartState) override;
  Task<Seen> next() override;
  void close();

 private:
  void take(std::string_view line);
  void fault(std::string what);

  Clock& clock_;
  std::unique_ptr<Link> link_;
  std::string asked_;  // the line whose repetition is waited for
  std::string refused_;
  std::deque<Seen> seen_;
  std::deque<Bell*> turns_;
  bool busy_ = false;
  Bell answered_, arrived_;
  std::string fault_;
  bool closed_ = false;
};

}  // namespace swiperig
