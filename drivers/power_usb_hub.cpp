#include "drivers/power_usb_hub.hpp"

#include <algorithm>

namespace swiperig {

using namespace std::chrono_literals;

namespace {

constexpr Duration kLookAgain = 50ms;
constexpr std::int64_t kNominalMv = 5000;

/// Whether a device hangs on this port, or behind it.
bool behind(const UsbDevice& d, const UsbHubPort& port) {
  const std::string path = port.hub.port + "." + std::to_string(port.port);
  return d.port == path || d.port.starts_with(path + ".");
}

}  // namespace

PowerUsbHub::PowerUsbHub(Clock& clock, UsbHubSettings settings)
    : clock_(clock), settings_(std::move(settings)), thread_(clock), news_(clock) {}

std::string PowerUsbHub::name() const {
  return "hub " + to_text(settings_.hub) + ", its port " + std::to_string(settings_.port);
}

void PowerUsbHub::fail(const std::string& why) const { throw EquipmentError(name() + ": " + why); }

Task<std::vector<UsbHubPort>> PowerUsbHub::ports() {
  const std::function<std::vector<UsbHubPort>()> work = [s = settings_] {
    const std::vector<UsbDevice> devices = usb_devices();
    std::vector<UsbHubPort> found;
    std::vector<UsbWanted> wanted = {s.hub};
    if (s.twin) wanted.push_back(*s.twin);
    for (const UsbWanted& one : wanted) {
      const auto chosen = choose(devices, one);
      if (const auto* why = std::get_if<std::string>(&chosen)) throw LinkError(LinkError::failed, *why);
      const UsbDevice* hub = std::get<const UsbDevice*>(chosen);
      if (hub == nullptr) {
        throw LinkError(LinkError::failed, "no such hub as " + to_text(one) + " (" + plugged_in(devices) + ")");
      }
      found.push_back({*hub, s.port});
    }
    return found;
  };
  const std::string doing = name() + ": looking for it";
  auto found = co_await usb_call(clock_, thread_.desk(), work, doing);
  co_return found;
}

Task<> PowerUsbHub::start() {
  std::string why;
  try {
    const std::vector<UsbHubPort> all = co_await ports();
    const std::function<bool()> work = [all, desk = thread_.desk()] {
      for (const UsbHubPort& port : all) check_hub_port(desk->context, port);
      return true;
    };
    const std::string doing = name() + ": asking the hub";
    co_await usb_call(clock_, thread_.desk(), work, doing);
    const Seen seen = co_await look();
    if (!seen.power) co_await switch_on();
  } catch (const LinkError& e) {
    why = e.what();
  }
  if (!why.empty()) fail(why);
}

Task<> PowerUsbHub::switch_all(bool on) {
  const std::vector<UsbHubPort> all = co_await ports();
  const std::function<bool()> work = [all, on, desk = thread_.desk()] {
    for (const UsbHubPort& port : all) set_hub_power(desk->context, port, on);
    return true;
  };
  const std::string doing = name() + ": switching";
  co_await usb_call(clock_, thread_.desk(), work, doing);
}

Task<PowerUsbHub::Seen> PowerUsbHub::look() {
  const std::vector<UsbHubPort> all = co_await ports();
  const std::function<Seen()> work = [all, desk = thread_.desk()] {
    Seen seen;
    for (const UsbHubPort& port : all) seen.power = hub_power(desk->context, port) || seen.power;
    for (const UsbDevice& d : usb_devices()) {
      seen.occupied =
          seen.occupied || std::any_of(all.begin(), all.end(), [&](const UsbHubPort& p) { return behind(d, p); });
    }
    return seen;
  };
  const std::string doing = name() + ": asking the hub";
  auto seen = co_await usb_call(clock_, thread_.desk(), work, doing);
  co_return seen;
}

Task<> PowerUsbHub::pause(Time until) {
  co_await clock_.wait(news_.bell(), std::min(until, clock_.now() + kLookAgain));
  if (closed_) throw LinkError(LinkError::closed, "closed while it was switched");
}

Task<> PowerUsbHub::switch_on() {
  co_await switch_all(true);
  for (const Time limit = clock_.now() + settings_.on_limit;;) {
    const Seen seen = co_await look();
    if (seen.power && seen.occupied) co_return;
    if (clock_.now() >= limit) fail(seen.power ? "on, and nothing is plugged in there" : "does not go on");
    co_await pause(limit);
  }
}

Task<> PowerUsbHub::switch_off() {
  co_await switch_all(false);
  std::optional<Time> gone;
  for (const Time limit = clock_.now() + settings_.off_limit;;) {
    const Seen seen = co_await look();
    const Time now = clock_.now();
    const bool off = !seen.power && !seen.occupied;
    if (gone && !off) fail("not proved off: it came back by itself after " + to_text(now - *gone));
    if (off && !gone) gone = now;
    if (gone && now - *gone >= settings_.min_off) co_return;
    if (!gone && now >= limit) {
      fail(seen.occupied ? "not proved off: what is plugged in there did not leave"
                         : "not proved off: its port says on");
    }
    co_await pause(gone ? *gone + settings_.min_off : limit);
  }
}

Task<Reading> PowerUsbHub::set(Supply supply) {
  std::string why;
  try {
    if (supply.on) {
      co_await switch_on();
    } else {
      co_await switch_off();
    }
  } catch (const LinkError& e) {
    why = e.what();
  }
  if (!why.empty()) fail(why);
  co_return Reading{supply.on ? kNominalMv : 0, 0};
}

Task<Reading> PowerUsbHub::read() {
  std::string why;
  Seen seen;
  try {
    seen = co_await look();
  } catch (const LinkError& e) {
    why = e.what();
  }
  if (!why.empty()) fail(why);
  if (seen.power != seen.occupied) fail(seen.power ? "on, and nothing is plugged in" : "off, and something is there");
  co_return Reading{seen.power ? kNominalMv : 0, 0};
}

void PowerUsbHub::close() {
  closed_ = true;
  news_.bell().ring();
}

}  // namespace swiperig
