#include "drivers/link_usb.hpp"

#include <charconv>
#include <deque>
#include <utility>

#include "drivers/usb_news.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

constexpr Duration kLookAgain = 100ms;
constexpr Duration kUdevGrace = 3s;      // after a device arrived, until its node has its group
constexpr Duration kMayStillGo = 200ms;  // an unplugged device breaks its transfers before it leaves the list
constexpr Duration kLastWords = 500ms;
constexpr int kMostRestarts = 5;  // without a byte between them
constexpr std::size_t kMostSeen = 65'536;

std::uint16_t hex16(std::string_view text) {
  std::uint16_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

UsbWanted identity_of(std::string_view text) { return {hex16(text.substr(0, 4)), hex16(text.substr(5)), "", ""}; }

/// "" where it is not given.
std::string option(const LinkUri& uri, const char* name) {
  const auto it = uri.options.find(name);
  return it == uri.options.end() ? std::string() : it->second;
}

std::string where(const UsbDevice& d) { return to_text(d) + ", address " + std::to_string(d.address); }

struct UsbAbsent : LinkError {
  using LinkError::LinkError;
};

/// What link, capture and the coroutines suspended in them share.
class UsbPort {
 public:
  UsbPort(Clock& clock, UsbLinkSettings settings, std::shared_ptr<Tap> tap)
      : clock_(clock),
        settings_(std::move(settings)),
        tap_(std::move(tap)),
        thread_(std::make_unique<UsbThread>(clock)),
        desk_(thread_->desk()),
        news_(clock) {}

  using Self = std::shared_ptr<UsbPort>;

  static Task<std::size_t> read_some(Self self, std::span<std::uint8_t> into) {
    std::exception_ptr failure;
    try {
      const std::size_t n = co_await read(self, into);
      co_return n;
    } catch (const LinkError& e) {
      if (e.kind == LinkError::closed) co_return 0;
      self->fault_ = e.what();
      failure = std::current_exception();
    }
    self->seen_bell_.ring();
    std::rethrow_exception(failure);
  }

  static Task<> write(Self self, std::span<const std::uint8_t> bytes) {
    if (self->closed_ || self->finished_) throw LinkError(LinkError::closed, self->name() + ": write after closing");
    const auto session = self->session_;
    if (!session) {
      co_await self->clock_.yield();
      co_return;
    }
    if (!session->takes_bytes()) {
      throw LinkError(LinkError::failed,
                      to_text(session->device()) + ": takes nothing: no endpoint towards the device");
    }
    self->writing_ = true;
    bool lost = false;
    try {
      co_await UsbSession::write(self->clock_, session, bytes);
    } catch (const LinkError&) {
      lost = true;  // with the device; whoever reads is told
    }
    self->writing_ = false;
    if (!self->closed_) co_return;
    session->end();
    if (lost) throw LinkError(LinkError::closed, self->name() + ": closed here while writing");
  }

  void close(Close how) {
    if (closed_) return;
    finished_ = true;
    if (how == Close::half) return;
    closed_ = true;
    news_.bell().ring();
    seen_bell_.ring();
    if (!session_) return;
    if (how == Close::fin && writing_) {
      session_->stop_reading(clock_.now() + kLastWords);
    } else {
      session_->end();
    }
  }

  /// Nothing of the device is held any more.
  void drop() {
    close(Close::reset);
    if (session_) session_->end();
    thread_.reset();
  }

  /// Looks until there is an open session. LinkError{failed} once `until` has come without the device.
  static Task<> connect(Self self, Time until) {
    std::optional<UsbDevice> tried;
    Time patience = never;
    for (;;) {
      const std::vector<UsbDevice> devices = co_await look(self);
      const UsbDevice* device = self->note(devices);
      std::shared_ptr<UsbSession> session;
      if (device != nullptr) {
        if (!tried || !(*tried == *device)) patience = self->clock_.now() + kUdevGrace;
        tried = *device;
        session = co_await open(self, *device, self->clock_.now() >= patience);
      }
      if (self->closed_) {
        if (session) session->end();
        throw LinkError(LinkError::closed, self->name() + ": closed here while waiting for the device");
      }
      if (session) {
        self->session_ = session;
        self->first_until_ = never;
        co_return;
      }
      if (device == nullptr && self->clock_.now() >= until) {
        throw UsbAbsent(LinkError::failed, self->name() + ": no such device; is it plugged in and switched on? (" +
                                               plugged_in(devices) + ")");
      }
      co_await self->clock_.wait(self->news_.bell(), self->clock_.now() + kLookAgain);
    }
  }

  bool may_be_off() {
    first_until_ = clock_.now() + settings_.may_be_off;
    return settings_.may_be_off.count() > 0;
  }

  static Task<Seen> next(Self self) {
    while (self->seen_.empty()) {
      if (self->closed_) throw LinkError(LinkError::closed, self->name() + ": closed");
      if (!self->fault_.empty()) throw EquipmentError(self->fault_);
      co_await self->clock_.wait(self->seen_bell_, never);
    }
    Seen seen = std::move(self->seen_.front());
    self->seen_.pop_front();
    co_return seen;
  }

 private:
  std::string name() const { return to_text(settings_.device); }

  static Task<std::size_t> read(Self self, std::span<std::uint8_t> into) {
    for (;;) {
      if (self->closed_) co_return 0;
      if (!self->session_) co_await connect(self, self->first_until_);
      const auto session = self->session_;
      std::size_t n = 0;
      try {
        n = co_await UsbSession::read_some(self->clock_, session, into);
      } catch (const LinkError&) {
        n = 0;
      }
      if (self->closed_) co_return 0;
      if (n > 0) {
        self->restarts_ = 0;
        co_return n;
      }
      self->session_.reset();
      co_await after_break(self, session);
    }
  }

  /// The session broke: did the device leave, or is it only broken?
  static Task<> after_break(Self self, std::shared_ptr<UsbSession> session) {
    Time at{};
    const std::string why = session->broken(at);
    self->broken_at_ = at;
    const UsbDevice was = session->device();
    for (const Time limit = at + kMayStillGo; !self->closed_;) {
      const std::vector<UsbDevice> devices = co_await look(self);
      const UsbDevice* there = self->note(devices);
      if (there == nullptr || !(*there == was)) break;
      if (self->clock_.now() >= limit) {
        if (++self->restarts_ > kMostRestarts) {
          throw LinkError(LinkError::failed, why + "; opened " + std::to_string(kMostRestarts) +
                                                 " times again, and never a byte; exchange cable, hub or device");
        }
        self->see(Text{"link", "usb: " + why + "; opened again"}, at, {});
        break;
      }
      co_await self->clock_.wait(self->news_.bell(), self->clock_.now() + kLookAgain / 5);
    }
    self->broken_at_ = never;
  }

  static Task<std::vector<UsbDevice>> look(Self self) {
    const std::function<std::vector<UsbDevice>()> work = [] { return usb_devices(); };
    const std::string doing = self->name() + ": looking for it";
    auto devices = co_await usb_call(self->clock_, self->desk_, work, doing);
    co_return devices;
  }

  /// Null: it may not be opened yet, or went meanwhile. `last`: either is an error now.
  static Task<std::shared_ptr<UsbSession>> open(Self self, UsbDevice device, bool last) {
    // the kernel tells of a device before it has configured it
    if (device.configuration == 0 && !last) co_return std::shared_ptr<UsbSession>();
    const auto found = find_pipes(device, self->settings_.interface, self->settings_.reports());
    if (const auto* why = std::get_if<std::string>(&found)) {
      throw LinkError(LinkError::failed, to_text(device) + ": " + *why);
    }
    const UsbPipes pipes = std::get<UsbPipes>(found);
    UsbSettings session_settings = self->settings_.session;
    session_settings.remark = [weak = std::weak_ptr<UsbPort>(self)](const std::string& what, Time at) {
      const Self port = weak.lock();
      if (port && port->seen_.size() < kMostSeen) port->see(Text{"link", "usb: " + what}, at, {});
    };
    const std::function<std::shared_ptr<UsbSession>()> work = [desk = self->desk_, device, pipes,
                                                               settings = session_settings, kept = self->tap_] {
      return UsbSession::open(desk, device, pipes, settings, kept);
    };
    const std::string doing = to_text(device) + ": opening it";
    std::shared_ptr<UsbSession> session;
    try {
      session = co_await usb_call(self->clock_, self->desk_, work, doing);
    } catch (const UsbDenied&) {
      if (last) throw;
    } catch (const LinkError& e) {
      if (last) throw LinkError(LinkError::failed, e.what());
      if (e.kind != LinkError::reset) throw;
    }
    co_return session;
  }

  /// Tells what has changed since the last look; the device that is meant, if it is there.
  const UsbDevice* note(const std::vector<UsbDevice>& devices) {
    const auto found = choose(devices, settings_.device);
    if (const auto* why = std::get_if<std::string>(&found)) throw LinkError(LinkError::failed, name() + ": " + *why);
    const UsbDevice* device = std::get<const UsbDevice*>(found);
    const Time now = clock_.now(), before = std::exchange(looked_, now);
    const UsbDevice* boot = nullptr;
    for (const UsbDevice& d : devices) {
      if (settings_.boot && fits(d, *settings_.boot) &&
          (settings_.device.port.empty() || d.port == settings_.device.port))
        boot = &d;
    }
    tell_change("usb", device, device_, before, now, broken_at_);
    tell_change("usb_boot", boot, boot_, before, now, never);
    return device;
  }

  void tell_change(const char* what, const UsbDevice* there, std::optional<UsbDevice>& known, Time before, Time now,
                   Time left) {
    if (known && (there == nullptr || !(*there == *known))) {
      // the first transfer that broke is the better witness
      const bool witnessed = left != never;
      see(Presence{what, false, where(*known)}, witnessed ? left : now, witnessed ? Duration{} : now - before);
      known.reset();
    }
    if (!known && there != nullptr) {
      see(Presence{what, true, where(*there)}, now, now - before);
      known = *there;
    }
  }

  void see(Body body, Time at, Duration uncertainty) {
    if (seen_.size() >= kMostSeen) throw LinkError(LinkError::failed, name() + ": more news than anybody reads");
    seen_.push_back({std::move(body), at, uncertainty});
    seen_bell_.ring();
  }

  Clock& clock_;
  const UsbLinkSettings settings_;
  const std::shared_ptr<Tap> tap_;
  std::unique_ptr<UsbThread> thread_;
  const std::shared_ptr<UsbDesk> desk_;
  UsbNews news_;
  std::shared_ptr<UsbSession> session_;
  std::optional<UsbDevice> device_, boot_;
  Time first_until_ = never;  ///< it has never been there
  Time looked_{}, broken_at_ = never;
  int restarts_ = 0;
  bool closed_ = false, finished_ = false, writing_ = false;
  std::string fault_;
  std::deque<Seen> seen_;
  Bell seen_bell_;
};

class UsbLink final : public Link {
 public:
  explicit UsbLink(std::shared_ptr<UsbPort> port) : port_(std::move(port)) {}
  ~UsbLink() override { port_->drop(); }
  Task<std::size_t> read_some(std::span<std::uint8_t> into) override { return UsbPort::read_some(port_, into); }
  Task<> write(std::span<const std::uint8_t> bytes) override { return UsbPort::write(port_, bytes); }
  void close(Close how) override { port_->close(how); }

 private:
  std::shared_ptr<UsbPort> port_;
};

class UsbPresence final : public Capture {
 public:
  explicit UsbPresence(std::shared_ptr<UsbPort> port) : port_(std::move(port)) {}
  Task<Seen> next() override { return UsbPort::next(port_); }

 private:
  std::shared_ptr<UsbPort> port_;
};

}  // namespace

UsbWanted usb_wanted(const LinkUri& uri) {
  UsbWanted wanted = identity_of(uri.address);
  wanted.port = option(uri, "port");
  wanted.serial = option(uri, "serial");
  return wanted;
}

UsbLinkSettings usb_settings(const LinkUri& uri) {
  UsbLinkSettings s;
  s.device = usb_wanted(uri);
  if (const std::string boot = option(uri, "boot"); !boot.empty()) s.boot = identity_of(boot);
  if (const std::string number = option(uri, "interface"); !number.empty()) {
    s.interface = static_cast<std::uint8_t>(std::stoi(number));
  }
  s.session.line.ftdi = option(uri, "chip") == "ftdi";
  s.session.line.baud = std::stoi(option(uri, "baud"));
  s.session.transfer_bytes = static_cast<std::size_t>(std::stoi(option(uri, "transfer")));
  return s;
}

Task<UsbTerminal> usb_link(Clock& clock, UsbLinkSettings settings, std::shared_ptr<Tap> tap) {
  const Time until = clock.now() + settings.wait;
  const auto port = std::make_shared<UsbPort>(clock, std::move(settings), std::move(tap));
  UsbTerminal terminal;
  terminal.link = std::make_unique<UsbLink>(port);
  try {
    co_await UsbPort::connect(port, until);
  } catch (const UsbAbsent&) {
    if (!port->may_be_off()) throw;
  }
  terminal.presence = std::make_unique<UsbPresence>(port);
  co_return terminal;
}

}  // namespace swiperig
