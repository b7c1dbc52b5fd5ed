// `swiperig check`: what a bench is, and each way in which it is miswired, told where it is written and with what to
// do. Nothing is opened but a port of this machine, for a moment; what is not plugged in is told and no fault of the
// file.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "bindings/envelope.hpp"
#include "bindings/guard_process.hpp"
#include "bindings/power_options.hpp"
#include "bindings/relay_options.hpp"
#include "bindings/run.hpp"
#include "drivers/link_tcp.hpp"
#include "drivers/link_usb.hpp"
#include "reports/visible.hpp"
#include "rig/transaction_kinds.hpp"

namespace swiperig {

namespace {

void row(const std::string& name, const std::string& more) {
  std::cout << "  " << visible(name) << std::string(name.size() < 28 ? 28 - name.size() : 1, ' ') << visible(more)
            << "\n";
}

/// What the terminal promises about a doubt.
std::string doubt_text(const TerminalProfile& p) {
  const char* when = p.reversal_habit == ReversalHabit::at_once             ? "reverses at once"
                     : p.reversal_habit == ReversalHabit::store_and_forward ? "stores and forwards the reversal"
                                                                            : "reverses before the next sale";
  const std::string tries = p.reversal_tries == 0 ? "endless tries" : std::to_string(p.reversal_tries) + " tries";
  return std::string(when) + ", " + tries + ", then " +
         (p.keep_reversal_after_last_try ? "keeps it pending" : "clears it and reports");
}

/// Where the terminal is plugged in, or what is there instead. Nothing is opened.
std::string usb_text(const LinkUri& uri, bool reports) {
  const UsbLinkSettings settings = usb_settings(uri);
  const std::vector<UsbDevice> devices = usb_devices();
  const auto found = choose(devices, settings.device);
  if (const auto* why = std::get_if<std::string>(&found)) return to_text(settings.device) + ": " + *why;
  const UsbDevice* device = std::get<const UsbDevice*>(found);
  if (device == nullptr) return to_text(settings.device) + ": not there now; " + plugged_in(devices);
  const auto pipes = find_pipes(*device, settings.interface, reports);
  if (const auto* why = std::get_if<std::string>(&pipes)) return to_text(*device) + ": " + *why;
  return to_text(*device) + ", interface " + std::to_string(std::get<UsbPipes>(pipes).interface);
}

/// Every key that the terminal's profile ever presses must be taught.
void check_keys(const BenchFile& b) {
  std::string all = b.profile.sale_keys + " " + b.profile.settle_keys;
  for (const TransactionKind& kind : transaction_kinds) all += " " + std::string(keys_of(b.profile, kind.name));
  std::istringstream words(all);
  for (std::string word; words >> word;) {
    std::string wanted = word == "{amount}" || word == "{stan}" ? "0 1 2 3 4 5 6 7 8 9" : word;
    std::istringstream keys(wanted);
    for (std::string key; keys >> key;) {
      if (b.robot.keys.contains(key)) continue;
      std::string taught;
      for (const auto& [name, place] : b.robot.keys) taught += " " + name;
      throw ConfigError(b.keys_where + ": expected a key \"" + visible(key) +
                        "\", which the terminal's profile presses; "
                        "taught are" +
                        visible(taught) + ": name it as the profile does, or teach it (swiperig teach)");
    }
  }
}

/// The relay's own end is a port of this machine that nobody else has.
void check_relay(const BenchFile& b) {
  SteadyClock clock;
  std::string why;
  try {
    tcp_listener(clock, b.terminal_side.address, b.terminal_side.port);
  } catch (const LinkError& e) {
    why = e.what();
  }
  if (why.empty()) return;
  throw ConfigError(b.terminal_side_where +
                    ": expected a port of this machine that is free, for the terminal to dial: " + why +
                    " (another run or serve of this bench? `ss -ltnp` shows who has it)");
}

void check_wiring(const BenchFile& b) {
  check_keys(b);
  Case any;
  const std::string power = power_refusal(any, b);
  if (!power.empty()) throw ConfigError(b.also_fed_where + ": no case can be done here: " + power);
  Swipe ordinary;
  ordinary.card = b.good_card;
  if (const auto why = refusal(b.robot, ordinary)) {
    throw ConfigError(b.path + ": [actuator]: no case can be done here, because the swipe of each recovery sale (" +
                      describe(StepAction(ordinary)) + ") cannot: " + *why);
  }
  if (!b.is_virtual) check_relay(b);
}

/// Devices that are not there now, or that this user may not open.
void ports(const BenchFile& b) {
  for (const auto& [what, uri] : {std::pair{"actuator", &b.actuator}, {"power", &b.power}, {"terminal", &b.terminal}}) {
    if (uri->scheme != "serial") continue;
    if (access(uri->address.c_str(), R_OK | W_OK) != 0) {
      const int error = errno;
      row("port", std::string(what) + ": " + uri->address + ": " + std::strerror(error) +
                      (error == EACCES ? "; add this user to the group of the device (dialout)"
                                       : "; is it plugged in? ls /dev/serial/by-id"));
    }
    if (uri == &b.actuator && uri->options.at("baud") != "115200") {
      row("note", "GRBL 1.1 speaks at 115200 baud unless it was built otherwise, not at " + uri->options.at("baud"));
    }
  }
}

}  // namespace

int check_bench(const std::string& path, const std::string& terminal) {
  const BenchFile b = read_bench(path, terminal);
  check_wiring(b);
  std::cout << "bench " << visible(b.name) << ": " << (b.is_virtual ? "virtual time" : "real time") << "\n";
  row("terminal", b.profile.maker + " " + b.profile.model + ", " + b.profile.application);
  if (b.terminal.scheme == "usb")
    row("on USB", usb_text(b.terminal, b.profile.link.framing.kind == EcrFraming::Kind::hid_report));
  row("in doubt", doubt_text(b.profile));
  row("reader", std::to_string(b.profile.min_speed_mm_s) + " to " + std::to_string(b.profile.max_speed_mm_s) + " mm/s" +
                    (b.profile.bidirectional_reader ? ", both ways" : ", one way"));
  row("actuator", std::to_string(b.robot.slots.size()) + " cards, " + std::to_string(b.robot.keys.size()) + " keys" +
                      (b.robot.chip_slot ? ", chip slot" : "") + (b.robot.field ? ", field" : "") + ", at most " +
                      std::to_string(b.robot.max_speed_mm_s) + " mm/s");
  if (!b.is_virtual && !b.robot.card_sensor) {
    row("note", "no card_sensor: a robot that misses a card looks like a terminal that says nothing");
  }
  if (!b.robot.regions.empty()) {
    row("shared", "by " + std::to_string(b.robot.regions.size()) + " terminals; this one is '" + b.robot.region + "'");
  }
  row("power", b.hub ? "hub " + to_text(b.hub->hub) + " port " + std::to_string(b.hub->port) + "; off is gone for " +
                           to_text(b.hub->min_off)
                     : std::to_string(b.supply.voltage_mv) + " mV; off is below " +
                           std::to_string(b.profile.brownout_mv) + " mV; ramps by " +
                           std::to_string(b.supply.resolution_mv) + " mV and " + to_text(b.supply.command_time) +
                           (b.supply.second_rail_channel == 0 ? "" : "; a second rail is measured"));
  if (!b.is_virtual) {
    row("guardian", std::string("nobody drives: robot held, reset, parked if homed; power ") +
                        (b.hub                                ? "left to the hub"
                         : b.safe_output == SafeOutput::on    ? "on"
                         : b.safe_output == SafeOutput::leave ? "left as it is"
                                                              : "off"));
    const std::string lacks = take_realtime();
    leave_realtime();
    if (!lacks.empty()) row("note", "the guardian, started by this user: " + lacks);
    row("envelope", std::filesystem::exists(machine_envelope)
                        ? std::string("within ") + machine_envelope
                        : std::string("none: root may limit this machine in ") + machine_envelope);
  }
  row("relay", relay_text(b));
  row("host", b.host_profile.acquirer);
  if (b.vault) row("vault", "keeps messages of " + std::to_string(b.vault->test_cards.size()) + " test cards, sealed");
  if (!b.is_virtual) ports(b);
  const Motion fastest = Swipe{b.good_card, b.profile.max_speed_mm_s, false};
  if (const auto why = refusal(b.robot, fastest)) {
    row("note",
        "the reader's fastest swipe (" + std::to_string(b.profile.max_speed_mm_s) + " mm/s) is out of reach: " + *why);
  }
  std::vector<std::string> unseen;
#define MILESTONE(name, who, text)                                                                                  \
  if (std::string_view(#who) == "terminal" && std::none_of(b.profile.rules.begin(), b.profile.rules.end(),          \
                                                           [](const TextRule& r) { return r.milestone == #name; })) \
    unseen.emplace_back(#name);
#include "rig/milestones.def"
#undef MILESTONE
  for (const auto& name : unseen) row("not seen", name + ": no rule of the terminal's profile maps to it");
  std::cout << "the file is in order; cards move only with `run`\n";
  return 0;
}

}  // namespace swiperig
