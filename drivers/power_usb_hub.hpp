// The power of a terminal that lives on its USB port, switched by the hub. A hub measures nothing and many lie, so off
// is proved: the port says so, and whatever was plugged in is gone and stays away for the whole minimum off time; on,
// that something is there again. Anything else is an EquipmentError, because unknown is never off. What cannot be seen
// from the bus is a hub that cuts the data lines and leaves the power on: a bench that cares measures the rail. A
// Reading of this driver says 0 mV for proved off, the port's nominal 5000 mV for on, and no current.
#pragma once

#include <memory>
#include <vector>

#include "drivers/usb_hub.hpp"
#include "drivers/usb_news.hpp"
#include "drivers/usb_thread.hpp"
#include "rig/equipment.hpp"

namespace swiperig {

class PowerUsbHub final : public PowerSwitch {
 public:
  PowerUsbHub(Clock& clock, UsbHubSettings settings);
  /// Finds the hub, refuses one that cannot do it, and switches a port on that was left off: whatever is opened on it
  /// must be there. Throws EquipmentError.
  Task<> start();
  Task<Reading> set(Supply supply) override;
  Task<Reading> read() override;
  void close();

 private:
  struct Seen {
    bool power = false;     ///< of any of the ports
    bool occupied = false;  ///< something is plugged in
  };
  Task<std::vector<UsbHubPort>> ports();
  Task<> switch_all(bool on);
  Task<> switch_on();
  Task<> switch_off();
  Task<Seen> look();
  Task<> pause(Time until);
  std::string name() const;
  [[noreturn]] void fail(const std::string& why) const;

  Clock& clock_;
  const UsbHubSettings settings_;
  UsbThread thread_;
  UsbNews news_;
  bool closed_ = false;
};

}  // namespace swiperig
