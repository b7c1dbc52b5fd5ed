// Bench, terminal-profile and host-profile files as data. A bench file differs from a virtual one in nothing but the
// URIs of its links; time is virtual when they are, and a bench is never half of each.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "bindings/vault.hpp"
#include "drivers/relay.hpp"
#include "drivers/safe_scpi.hpp"
#include "drivers/supply_scpi.hpp"
#include "drivers/swiper_grbl.hpp"
#include "drivers/uri.hpp"
#include "drivers/usb_hub.hpp"
#include "fixtures/card.hpp"
#include "fixtures/reader.hpp"
#include "rig/profile.hpp"

namespace swiperig {

class Table;
class Value;

/// A card as a stand-in robot's magazine holds it: real benches have the card itself.
struct CardFile : Card {
  TaughtPlace at;
};

struct BenchFile {
  std::string path, name;
  std::string other_terminal;  ///< profile file instead of the bench's own
  bool is_virtual = true;
  std::string keys_where, terminal_side_where;  ///< file:line:column
  LinkUri actuator, power, terminal_side, host_side, terminal, host;
  std::optional<std::string> adb_serial;  ///< the terminal's link is an adb server, and this is its device there
  std::optional<LinkUri> parts;           ///< what puts the terminal's parts into states, where there is anything
  GrblSettings robot;
  std::shared_ptr<Table> positions;  ///< the file that what was taught is in; null: the bench file itself
  RelaySettings relay;
  Duration hold_max{};  ///< 0: the bench says none
  ScpiSettings supply;
  std::string also_fed_by;                   ///< the terminal lives on that, too: battery, cable; ""
  std::string also_fed_where;                ///< file:line:column that says so
  SafeOutput safe_output = SafeOutput::off;  ///< when nobody drives the bench
  std::optional<UsbHubSettings> hub;         ///< what switches the power instead of a supply
  TerminalProfile profile;
  HostProfile host_profile;
  std::string good_card;
  bool issuer_book = false;  ///< the host tells what the card's bank holds, too
  // what only stand-ins need; a bench with equipment has no such section
  LinkUri contact;              ///< where robot and supply touch the terminal
  bool swipes_as_text = false;  ///< that terminal's model has no head
  std::map<std::string, CardFile> cards;
  ReaderSettings reader;
  std::optional<VaultSettings> vault;  ///< whole messages of test cards are kept
  Bytes pin_key, mac_key, track_key;   ///< working keys that the stand-in host hands out; empty: none
};

/// `terminal_profile`: the file of another terminal than the bench's own. Throws ConfigError.
BenchFile read_bench(const std::string& path, const std::string& terminal_profile = {});
/// Of a robot, a supply or another device: usb: is for the terminal's own connection.
LinkUri actuator_link(const Value&);
/// What a bench file says, and where it says nothing the one that it `extends`.
std::shared_ptr<Table> read_bench_table(const std::string& path);
/// The path of a file that is named relative to the one in which its name stands, and is there.
std::string beside(const Value& name);
TerminalProfile read_terminal_profile(const std::string& path);
/// How the terminal handles doubt, its line and its storage, where it is not as usual (DOMAIN.md 2.11).
void read_terminal_habits(const Table&, TerminalProfile&);
/// How it speaks to its register: [link] and [[mask]] of the profile, where it has them.
void read_terminal_link(const Table& root, TerminalLink&);
/// What of a smart terminal is read through adb: [android], where it has it.
void read_android(const Table& root, TerminalProfile&);
/// What it says and what that means: [[says]].
std::vector<TextRule> read_text_rules(const Value&);
void read_reader(const Table&, ReaderSettings&);

}  // namespace swiperig
