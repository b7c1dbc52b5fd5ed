#include "bindings/assembly.hpp"

#include <optional>

#include "bindings/config.hpp"
#include "bindings/guard_process.hpp"
#include "bindings/relay_options.hpp"
#include "bindings/resting_sink.hpp"
#include "bindings/rig_faults.hpp"
#include "bindings/terminal_driver.hpp"
#include "drivers/host_control.hpp"
#include "drivers/link_guarded.hpp"
#include "drivers/link_serial.hpp"
#include "drivers/link_served.hpp"
#include "drivers/link_tcp.hpp"
#include "drivers/link_usb.hpp"
#include "drivers/part_port.hpp"
#include "drivers/power_usb_hub.hpp"
#include "drivers/relay.hpp"
#include "fixtures/contact_port.hpp"
#include "fixtures/host.hpp"
#include "fixtures/pipe.hpp"
#include "fixtures/robot.hpp"
#include "fixtures/supply.hpp"
#include "fixtures/terminal.hpp"
#include "fixtures/virtual_clock.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

int baud_of(const LinkUri& uri) { return std::stoi(uri.options.at("baud")); }

/// What ends the waiting of the moment, when the user wants to stop.
using Ending = std::function<void()>;

Task<> watch_abort(Clock& clock, const std::atomic<bool>& abort, const Ending& ending, Bell& done) {
  for (bool ended = false; !ended;) {
    ended = co_await clock.wait(done, clock.now() + 50ms);
    if (abort.load() && ending) ending();
  }
}

Task<std::unique_ptr<Link>> open_link(Clock& clock, LinkUri uri, Ending& ending) {
  if (uri.scheme == "serial") co_return serial_link(clock, uri.address, baud_of(uri));
  auto dialer = tcp_dialer(clock, uri.address, uri.port);
  ending = [&dialer] { dialer->close(); };
  struct Over {
    Ending& ending;
    ~Over() { ending = nullptr; }
  } over{ending};
  std::unique_ptr<Link> link = co_await dialer->dial();
  co_return link;
}

struct DeviceLinks {
  std::unique_ptr<Link> robot, supply, ecr, control;
  std::unique_ptr<Link> parts = {};
  std::unique_ptr<Capture> presence = {};  ///< of a terminal on USB
};

/// The links of a real bench but those that its guardian owns, one after the other. Throws Aborted when the user does
/// not want to wait for them.
Task<> open_links(Clock& clock, const BenchFile& file, const std::shared_ptr<Tap>& tap, const std::atomic<bool>& abort,
                  DeviceLinks& links) {
  Crew crew(clock);
  Bell done;
  Ending ending;
  crew.start(watch_abort(clock, abort, ending, done));
  std::exception_ptr failure;
  try {
    std::vector<std::pair<const LinkUri*, std::unique_ptr<Link>*>> wanted = {{&file.host, &links.control}};
    if (!file.adb_serial) wanted.insert(wanted.begin(), {&file.terminal, &links.ecr});
    if (file.parts) wanted.emplace_back(&*file.parts, &links.parts);
    for (const auto& [uri, link] : wanted) {
      if (uri->scheme == "usb") {
        UsbLinkSettings settings = usb_settings(*uri);
        settings.session.words = words_of(file.profile.link);
        // a supply is spoken to later, and may find the terminal off
        if (!file.hub) settings.may_be_off = file.profile.boot_limit + 30s;
        UsbTerminal terminal = co_await usb_link(clock, settings, tap);
        *link = std::move(terminal.link);
        links.presence = std::move(terminal.presence);
        continue;
      }
      *link = co_await open_link(clock, *uri, ending);
    }
  } catch (...) {
    failure = std::current_exception();
  }
  done.ring();
  co_await crew.join();
  if (abort.load()) throw Aborted();
  if (failure) std::rethrow_exception(failure);
}

/// The device's own end of a link: a pseudo-terminal where the bench has a serial port, a port where it has TCP.
std::unique_ptr<Link> serve_link(Clock& clock, const LinkUri& uri) {
  if (uri.scheme == "serial") return pty_link(clock, uri.address);
  if (uri.scheme == "usb") throw ConfigError("what is on USB has no stand-in; give its link as serial: or tcp:");
  return served_link(tcp_listener(clock, uri.address, uri.port));
}

std::map<std::string, Card> deck_of(const BenchFile& file) { return {file.cards.begin(), file.cards.end()}; }

RobotGeometry geometry_of(const BenchFile& file) {
  RobotGeometry g;
  g.slots.clear();
  for (const auto& [name, c] : file.cards) g.slots[name] = {c.at.x_mm, c.at.y_mm};
  if (file.robot.chip_slot) g.chip_at = {file.robot.chip_slot->at.x_mm, file.robot.chip_slot->at.y_mm};
  if (file.robot.field) g.field_at = {file.robot.field->at.x_mm, file.robot.field->at.y_mm};
  return g;
}

SupplySettings supply_of(const BenchFile& file) {
  SupplySettings s;
  s.voltage_mv = file.supply.voltage_mv;
  return s;
}

HostSettings host_of(const BenchFile& file, const std::set<std::string>& defects, const DrawPlace& place) {
  HostSettings s;
  s.defects = defects;
  s.profile = file.host_profile;
  s.merchant = file.profile.merchant;
  s.terminal = file.profile.terminal;
  if (!file.pin_key.empty()) s.pin_key = file.pin_key;
  s.mac_key = file.mac_key;
  s.track_key = file.track_key;
  s.think_spread = 20ms;
  s.place = &place;
  for (const auto& [name, card] : file.cards) {
    const auto pin = file.robot.pins.find(name);
    if (pin != file.robot.pins.end()) give_pin(s.accounts, card.track2, pin->second);
  }
  return s;
}

/// The far ends of a virtual bench, each serving its link in the device's own language.
struct VirtualFixtures {
  VirtualFixtures(Clock& clock, const BenchFile& file, const std::set<std::string>& defects, const DrawPlace& place)
      : hub(clock),
        robot_ends(make_pipe(clock)),
        supply_ends(make_pipe(clock)),
        ecr_ends(make_pipe(clock)),
        control_ends(make_pipe(clock)),
        acquirer(hub.dialer(file.terminal_side.address)),
        host_listener(hub.listen(file.host_side.address)),
        contact_listener(hub.listen(file.contact.address)),
        terminal(clock, TerminalSettings{file.profile, file.host_profile, defects, file.reader}, *acquirer,
                 std::move(ecr_ends.second), nullptr),
        robot(clock, std::move(robot_ends.second), terminal, geometry_of(file), deck_of(file), place),
        supply(clock, std::move(supply_ends.second), terminal, supply_of(file)),
        host(clock, host_of(file, defects, place), *host_listener, std::move(control_ends.second)),
        contact(clock, *contact_listener, terminal) {
    terminal.listen_draw(&supply);
    terminal.listen_usb(&contact);
    robot.wiring.card_sensor = file.robot.card_sensor;
  }
  void start(Crew& crew) {
    crew.start(terminal.run());
    crew.start(robot.run());
    crew.start(supply.run());
    crew.start(host.run());
    crew.start(contact.run());
  }
  void stop() {
    terminal.stop();
    robot.stop();
    supply.stop();
    host.stop();
    acquirer->close();
    contact.stop();
  }

  using Ends = std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>>;
  PipeHub hub;
  Ends robot_ends, supply_ends, ecr_ends, control_ends;
  std::unique_ptr<Dialer> acquirer;
  std::unique_ptr<Listener> host_listener, contact_listener;
  Terminal terminal;
  Robot robot;
  SupplyFixture supply;
  Host host;
  ContactPort contact;
};

/// What switches the power on this bench: one of the two.
struct PowerDriver {
  std::optional<SupplyScpi> supply;
  std::optional<PowerUsbHub> hub;
  PowerSwitch* power() { return supply ? static_cast<PowerSwitch*>(&*supply) : &*hub; }
  Task<> start() { return supply ? supply->start() : hub->start(); }
  void close() {
    if (supply) supply->close();
    if (hub) hub->close();
  }
};

Task<> with_bench(Clock& clock, const BenchFile& file, const std::set<std::string>& defects, const DrawPlace& place,
                  const std::atomic<bool>& abort, Sink& sink, const OnBench& work, std::shared_ptr<Tap> tap,
                  Guard* guard) {
  Crew crew(clock);
  std::optional<VirtualFixtures> fixtures;
  DeviceLinks links;
  PowerDriver power;
  if (file.hub) {
    power.hub.emplace(clock, *file.hub);
    co_await power.start();  // what hangs on the port must be there to be opened
  }
  std::unique_ptr<Listener> terminal_side;
  std::unique_ptr<Dialer> host_side;
  if (file.is_virtual) {
    fixtures.emplace(clock, file, defects, place);
    links = {std::move(fixtures->robot_ends.first), std::move(fixtures->supply_ends.first),
             std::move(fixtures->ecr_ends.first), std::move(fixtures->control_ends.first)};
    terminal_side = fixtures->hub.listen(file.terminal_side.address);
    host_side = fixtures->hub.dialer(file.host_side.address);
    fixtures->start(crew);
    std::exception_ptr unreached;
    if (file.parts) {
      const auto dialer = fixtures->hub.dialer(file.parts->address);
      try {
        links.parts = co_await dialer->dial();
      } catch (...) {
        unreached = std::current_exception();
      }
    }
    if (unreached) {  // nobody listens at the address that the bench file names
      fixtures->stop();
      co_await crew.join();
      std::rethrow_exception(unreached);
    }
  } else {
    co_await open_links(clock, file, tap, abort, links);
    links.robot = guard->actuator();
    if (!file.hub) links.supply = guard->power();
    make_room(file);
    terminal_side = tcp_listener(clock, file.terminal_side.address, file.terminal_side.port);
    host_side = tcp_dialer(clock, file.host_side.address, file.host_side.port);
  }
  SwiperGrbl actuator(clock, std::move(links.robot), file.robot);
  if (links.supply) power.supply.emplace(clock, std::move(links.supply), file.supply);
  Relay network(clock, std::move(terminal_side), std::move(host_side), file.host_profile, &place, tap, file.relay);
  TerminalDriver terminal(clock, file, std::move(links.ecr));
  HostControl host(clock, std::move(links.control));
  std::optional<PartPort> parts;
  if (links.parts) parts.emplace(clock, std::move(links.parts));

  Bench bench{clock};
  bench.actuator = &actuator;
  bench.power = power.power();
  bench.network = &network;
  bench.host = &host;
  if (terminal.ecr && !file.profile.link.journal.empty()) bench.journal = &*terminal.ecr;
  bench.ledger = &host;
  if (file.issuer_book) bench.issuer = &host.issuer();
  bench.captures = {{Source::network, &network}, {Source::terminal, terminal.capture()}, {Source::host, &host}};
  std::optional<RigFaults> rig_faults;
  if (parts && fixtures) rig_faults.emplace(*parts, fixtures->robot, fixtures->supply);
  if (parts) {
    bench.parts = rig_faults ? static_cast<PartSwitch*>(&*rig_faults) : &*parts;
    bench.captures.emplace_back(Source::terminal, &*parts);
  }
  if (!parts && terminal.adb) bench.parts = &*terminal.adb;
  if (links.presence) bench.captures.emplace_back(Source::terminal, links.presence.get());
  if (terminal.ecr && !file.profile.link.last_result.empty()) bench.last_result = &*terminal.ecr;
  bench.service = &host;
  bench.terminal = file.profile;
  bench.scope = scope_of(file);
  bench.hold_max = file.hold_max;
  bench.good_card = file.good_card;
  bench.abort = &abort;
  std::optional<RestingSink> resting;
  if (guard != nullptr) resting.emplace(*guard, sink);
  Watch watch(bench, resting ? static_cast<Sink&>(*resting) : sink);

  crew.start(actuator.serve());
  if (power.supply) crew.start(power.supply->serve());
  crew.start(network.serve());
  crew.start(terminal.serve());
  crew.start(host.serve());
  if (parts) crew.start(parts->serve());
  Bell done;
  Ending ending = [&] {
    actuator.close();
    power.close();
  };
  if (!file.is_virtual) crew.start(watch_abort(clock, abort, ending, done));
  watch.open();
  std::exception_ptr failure;
  bool started = false;
  try {
    if (power.supply) co_await power.start();
    co_await actuator.start();
    ending = [&] { watch.nudge(); };
    started = true;
    co_await work(watch);
  } catch (...) {
    failure = std::current_exception();
  }
  if (!started && abort.load()) failure = std::make_exception_ptr(Aborted());
  done.ring();
  actuator.close();
  power.close();
  network.close();
  terminal.close();
  host.close();
  if (parts) parts->close();
  if (fixtures) fixtures->stop();
  try {
    co_await watch.close();
  } catch (...) {
    if (!failure) failure = std::current_exception();
  }
  try {
    co_await crew.join();
  } catch (...) {
    if (!failure) failure = std::current_exception();
  }
  if (failure) std::rethrow_exception(failure);
}

/// Runs `stop` once the user wants to end.
Task<> until_abort(Clock& clock, const std::atomic<bool>& abort, std::function<void()> stop) {
  while (!abort.load()) co_await clock.sleep_for(100ms);
  stop();
}

Task<> stand_in_terminal(Clock& clock, const BenchFile& file, const std::set<std::string>& defects,
                         const std::atomic<bool>& abort) {
  auto acquirer = tcp_dialer(clock, file.terminal_side.address, file.terminal_side.port);
  Terminal terminal(clock, TerminalSettings{file.profile, file.host_profile, defects, file.reader}, *acquirer,
                    serve_link(clock, file.terminal), nullptr);
  auto listener = tcp_listener(clock, file.contact.address, file.contact.port);
  ContactPort port(clock, *listener, terminal);
  terminal.listen_draw(&port);
  terminal.listen_usb(&port);
  Crew crew(clock);
  crew.start(terminal.run());
  crew.start(port.run());
  crew.start(until_abort(clock, abort, [&] {
    terminal.stop();
    port.stop();
  }));
  co_await crew.join();
}

Task<> stand_in_robot(Clock& clock, const BenchFile& file, const DrawPlace& place, const std::atomic<bool>& abort) {
  auto dialer = tcp_dialer(clock, file.contact.address, file.contact.port);
  std::optional<TextReader> reader;
  if (file.swipes_as_text) reader = TextReader{Reader(file.reader), file.profile.bidirectional_reader};
  RemoteContact contact(clock, *dialer, reader);
  Robot robot(clock, serve_link(clock, file.actuator), contact, geometry_of(file), deck_of(file), place);
  robot.wiring.card_sensor = file.robot.card_sensor;
  Crew crew(clock);
  crew.start(contact.run());
  crew.start(robot.run());
  crew.start(until_abort(clock, abort, [&] {
    robot.stop();
    contact.stop();
  }));
  co_await crew.join();
}

Task<> stand_in_supply(Clock& clock, const BenchFile& file, const std::atomic<bool>& abort) {
  auto dialer = tcp_dialer(clock, file.contact.address, file.contact.port);
  RemoteContact contact(clock, *dialer);
  SupplyFixture supply(clock, serve_link(clock, file.power), contact, supply_of(file));
  contact.listen_draw(&supply);
  Crew crew(clock);
  crew.start(contact.run());
  crew.start(supply.run());
  crew.start(until_abort(clock, abort, [&] {
    supply.stop();
    contact.stop();
  }));
  co_await crew.join();
}

Task<> stand_in_host(Clock& clock, const BenchFile& file, const std::set<std::string>& defects, const DrawPlace& place,
                     const std::atomic<bool>& abort) {
  auto listener = tcp_listener(clock, file.host_side.address, file.host_side.port);
  Host host(clock, host_of(file, defects, place), *listener, serve_link(clock, file.host));
  Crew crew(clock);
  crew.start(host.run());
  crew.start(until_abort(clock, abort, [&] { host.stop(); }));
  co_await crew.join();
}

}  // namespace

Task<> with_guard(Clock& clock, GuardEnds ends, const std::atomic<bool>& abort,
                  const std::function<Task<>(Guard&)>& inside) {
  Guard guard(clock, ends);
  std::exception_ptr failure;
  try {
    co_await guard.take(abort);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure && abort.load()) throw Aborted();
  if (failure) std::rethrow_exception(failure);
  Crew crew(clock);
  crew.start(guard.serve());
  try {
    co_await inside(guard);
  } catch (...) {
    failure = std::current_exception();
  }
  std::string unsafe;
  try {
    const int unproved = co_await guard.rest();
    if (unproved > 0) unsafe = "robot or supply did not confirm that it is safe: look at them";
  } catch (const LinkError& e) {
    unsafe = e.what();
  }
  guard.close();
  co_await crew.join();
  if (!unsafe.empty()) {
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const Aborted&) {
      unsafe = "stopped by the user; and " + unsafe;
    } catch (const std::exception& e) {
      unsafe = std::string(e.what()) + "; and " + unsafe;
    }
    throw EquipmentError(unsafe);
  }
  if (failure) std::rethrow_exception(failure);
}

Task<> on_virtual_bench(Clock& clock, const BenchFile& file, const std::set<std::string>& defects,
                        const DrawPlace& place, const std::atomic<bool>& abort, Sink& sink, const OnBench& work) {
  return with_bench(clock, file, defects, place, abort, sink, work, nullptr, nullptr);
}

void run_bench(const BenchFile& file, const std::set<std::string>& defects, const DrawPlace& place,
               const std::atomic<bool>& abort, Sink& sink, const OnBench& work, std::shared_ptr<Tap> tap,
               GuardProcess* guardian) {
  if (file.is_virtual) {
    VirtualClock clock;
    clock.run(with_bench(clock, file, defects, place, abort, sink, work, std::move(tap), nullptr));
    return;
  }
  SteadyClock clock;
  std::optional<GuardProcess> own;
  if (guardian == nullptr) guardian = &own.emplace(file);
  const auto inside = [&](Guard& guard) {
    return with_bench(clock, file, defects, place, abort, sink, work, tap, &guard);
  };
  clock.run(with_guard(clock, guardian->ends(), abort, inside));
}

void serve_stand_in(const std::string& role, const BenchFile& file, const std::set<std::string>& defects,
                    std::uint64_t seed, const std::atomic<bool>& abort) {
  if (file.is_virtual)
    throw ConfigError(file.path + ": a virtual bench has no stand-ins to serve; use a real-time bench");
  SteadyClock clock;
  const DrawPlace place{seed, 0, 0};
  if (role == "terminal") {
    clock.run(stand_in_terminal(clock, file, defects, abort));
  } else if (role == "robot") {
    clock.run(stand_in_robot(clock, file, place, abort));
  } else if (role == "supply") {
    clock.run(stand_in_supply(clock, file, abort));
  } else if (role == "host") {
    clock.run(stand_in_host(clock, file, defects, place, abort));
  } else {
    throw ConfigError("no stand-in called \"" + role + "\": expected robot, supply, terminal or host");
  }
}

}  // namespace swiperig
