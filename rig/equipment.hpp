// The whole contract a driver author learns: what moves the card and the keys, what switches the power, what disturbs
// the network, what scripts the test host, what sees, and who keeps a book. A factory returns a ready object or throws;
// the destructor ends it. A driver never logs, retries, sleeps on a clock of its own or names a file.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "rig/case.hpp"
#include "rig/clock.hpp"
#include "rig/event.hpp"
#include "rig/link.hpp"
#include "rig/path.hpp"

namespace swiperig {

/// The rig's own equipment failed: outcome `error`, never held against the terminal.
struct EquipmentError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The device under test did not answer: an observation, no fault of the rig.
struct NoAnswer : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Park {};
/// Finds out whether it stands where it thinks it does; a fault where it does not, and then it does.
struct ProvePlace {};
using Motion = std::variant<Swipe, Press, Park, Dip, CardTap, ProvePlace>;

/// What the actuator does of a step; nothing of most.
inline std::optional<Motion> motion_of(const StepAction& action) {
  if (const auto* swipe = std::get_if<Swipe>(&action)) return *swipe;
  if (const auto* press = std::get_if<Press>(&action)) return *press;
  if (const auto* dip = std::get_if<Dip>(&action)) return *dip;
  if (const auto* tap = std::get_if<CardTap>(&action)) return *tap;
  return std::nullopt;
}

struct Actuator {
  virtual ~Actuator() = default;
  /// Performs the whole motion and returns what was measured. Throws EquipmentError.
  virtual Task<MotionDone> perform(Motion) = 0;
};

struct PowerSwitch {
  virtual ~PowerSwitch() = default;
  /// Returns once the rail is *measured* on or off; throws EquipmentError when it cannot be proved.
  virtual Task<Reading> set(Supply) = 0;
  virtual Task<Reading> read() = 0;
  /// Lowers the rail, and raises it again; `measured` is told when the rail is first seen below the terminal's
  /// brown-out level, whenever it was proved as low as it should be, and once it is back. Throws EquipmentError.
  virtual Task<> brown_out(BrownOut, std::function<void(Reading)> /*measured*/) {
    throw EquipmentError("what switches this bench's power cannot lower it");
  }
};

struct NetworkImpairment {
  virtual ~NetworkImpairment() = default;
  /// An outage now, or (default-constructed) the end of every disturbance, armed steps included.
  virtual void set(Impairment) = 0;
  virtual void arm(ArmedStep) = 0;
  /// The fault that a held message waited for has happened: the message goes on into it (`release`), or is lost.
  virtual void confirm(int step, bool release) = 0;
};

/// The script of a test host; a bench with a real acquirer has none, and cases that need one are refused.
struct HostScript {
  virtual ~HostScript() = default;
  virtual Task<> set(HostBehaviour) = 0;
};

/// What puts the terminal's own parts into a state: relays at a prepared sample, a debugging port, a simulated
/// terminal's contact port. A bench with a sealed terminal has none, and cases that need one are refused.
struct PartSwitch {
  virtual ~PartSwitch() = default;
  /// Returns once the part is in the state; throws EquipmentError, also for a part that the terminal has not.
  virtual Task<> set(PartState) = 0;
};

/// The cash register's one question beside the journal.
struct LastResult {
  virtual ~LastResult() = default;
  /// Asks what became of the last sale; what the terminal says to it is an observation.
  virtual Task<> ask_last_result() = 0;
};

/// The acquirer's people, who can be asked about a sale by the retrieval reference on its receipt.
struct CustomerService {
  virtual ~CustomerService() = default;
  /// What they say is an observation, looked_up; a reference that they do not know is answered by none.
  virtual Task<> look_up(std::string reference) = 0;
};

struct Seen {
  Body body;
  Time at{};
  Duration at_uncertainty{};
};

struct Capture {
  virtual ~Capture() = default;
  /// The next observation. Throws LinkError{closed} when the bench is being taken down, EquipmentError otherwise.
  virtual Task<Seen> next() = 0;
};

struct Book {
  virtual ~Book() = default;
  /// All rows of the open batch. Throws NoAnswer when the keeper is under test and does not tell it, EquipmentError
  /// when the rig's own way to it is gone.
  virtual Task<std::vector<Entry>> entries() = 0;
};

}  // namespace swiperig
