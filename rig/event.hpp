// What was done (actions) or seen (observations), the one currency of the rig. An event is a time, its uncertainty, a
// source and a flat body; bodies hold integers and text only, so that the canonical JSON of a body is the same on every
// machine and a stranger can recompute the head with sqlite3 and sha256sum. Order between sources may be asserted only
// where their intervals do not overlap. Card numbers are masked before a body is made.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "rig/time.hpp"

namespace swiperig {

enum class Source : std::uint8_t { rig, actuator, power, network, host, terminal };
std::string_view to_string(Source);

/// Named values in a fixed order: decoded, masked fields of a message or of a text.
using Fields = std::vector<std::pair<std::string, std::string>>;
/// The value of `name`, or "".
std::string_view field(const Fields&, std::string_view name);

// --- actions -------------------------------------------------------------------------------------------------------
struct Swipe {
  std::string card;  ///< card slot of the bench, never a number
  std::int64_t speed_mm_s = 500;
  bool reverse = false;  ///< end of the stripe first
  // what an ordinary swipe has not
  std::string face = "front";           ///< "back": stripe away from the head; "upside_down": the other long edge
  std::int64_t acceleration_mm_s2 = 0;  ///< under the head, from `speed_mm_s` at the leading edge on; 0: steady
  std::int64_t from_mm = 0, to_mm = 0;  ///< only so much of the card passes, from the leading edge; to 0: all of it
  std::int64_t stop_mm = 0;             ///< the card stands still there for `stop_lasts`
  Duration stop_lasts{};
  std::int64_t tilt_mdeg = 0;
  bool twice = false;
  std::int64_t lift_mm = 0;  ///< the card passes so far above the floor of the reader's slot
};
/// What is not ordinary about a swipe beside speed and direction: "back of the card, twice"; "": nothing.
std::string manner_of(const Swipe&);
struct Press {
  std::string keys;  ///< key names separated by one space: "1 2 3 4 OK"; a PIN by its name: "PIN:debit_pin OK"
};
/// A chip card put into the terminal's slot and pulled out again.
struct Dip {
  std::string card;           ///< card slot of the bench
  Duration dwell{};           ///< from its end of the way in until it is pulled
  std::int64_t depth_mm = 0;  ///< 0: all the way
  std::int64_t speed_mm_s = 100;
};
/// A card held to the terminal's contactless field.
struct CardTap {
  std::string card;
  Duration hold{};
  std::int64_t height_mm = 0;  ///< above the taught place
};
/// What is not as usual about it: "only 20 mm deep"; "": nothing.
std::string manner_of(const Dip&);
std::string manner_of(const CardTap&);
struct Supply {
  bool on = true;
};
/// The rail goes down while it stays on, and comes back.
struct BrownOut {
  std::int64_t to_mv = 0;
  Duration lasts{};         ///< from the rail being measured there until it is told to rise
  Duration fall{}, rise{};  ///< 0: as fast as it goes
  std::int64_t steps = 0;   ///< of each ramp; 0: as many as the supply can do
};
/// What the network does to everything, from now on. Per-message faults are armed instead (rig/path.hpp).
struct Impairment {
  bool outage = false;           ///< nothing passes, nobody is told
  Duration lasts{};              ///< 0: until cleared
  std::int64_t bytes_per_s = 0;  ///< of each direction; 0: as fast as it comes
  Duration jitter{};             ///< the longest that a message waits
  std::string door = {};         ///< what meets whoever dials, from rig/network_faults.def; "": let in
  Duration door_wait{};          ///< of accept_slow
  bool any() const { return outage || bytes_per_s != 0 || jitter.count() != 0 || !door.empty(); }
};
/// What the acquirer's host does from now on; names and meanings in rig/host_behaviours.def.
struct HostBehaviour {
  std::string name = "normal";
  Duration lasts{};  ///< for behaviours that take time (slow, late)
  std::string code;  ///< field 39 of a decline
};
/// A part of the terminal is in this state from now on; names and meanings in rig/parts.def. State "sound": as it
/// should be; part "all": every one.
struct PartState {
  std::string part, state;
  std::string which = {};  ///< of a keypad: the key; "": all of them
  Duration lasts{};        ///< 0: until the bench is at rest
};
/// The case begins: its name, its intent and what is armed, in words.
struct Intent {
  std::string what;  ///< "sale", "recovery sale", "settlement"
  std::int64_t amount_minor = 0;
  std::string detail;  ///< the case's name
};
/// Step `step` of the case, armed before anything moved.
struct Armed {
  int step = 0;
  std::string what;
};

// --- observations --------------------------------------------------------------------------------------------------
struct Milestone {
  std::string name;  ///< one of rig/milestones.def
  Fields fields;
};
struct Text {
  std::string place;  ///< "screen", "receipt", "ecr", "log"; of the rig itself "rig", of a link's driver "link"
  std::string text;   ///< scrubbed of card numbers, control characters shown as \xNN
};
struct Reading {
  std::int64_t rail_mv = 0;
  std::int64_t draw_ma = 0;
};
struct MotionDone {
  std::string what;             ///< "swipe", "press", "dip", "tap", "park"
  std::int64_t speed_mm_s = 0;  ///< measured over the stripe; 0 for others
  bool reverse = false;
  std::string manner = {};  ///< manner_of what was performed; of a press, the keys that were hit
  Duration held{};          ///< of a dip or a tap: how long the card was there, measured
};
struct Presence {
  std::string what;  ///< "usb", its own connection; "usb_boot", while it boots; "adb", and by that "app", "os"; "host"
  bool up = false;
  std::string where = {};  ///< port path, identity and address of a USB device
};
/// One row of a book as its keeper told it.
struct Entry {
  std::string batch, stan, kind;  ///< kind: sale, void, ...
  std::int64_t amount_minor = 0;
  std::string state;  ///< approved, declined, reversed, pending, tombstone
};
struct BookRead {
  std::string book;  ///< "journal", "ledger"
  std::vector<Entry> entries;
};
/// A step did what it should (`done`), or could not in time.
struct Fired {
  int step = 0;
  bool done = true;
  std::string what;
};
struct EquipmentFault {
  std::string what;
};
/// Nothing came back, for this long.
struct Silence {
  Duration lasted{};
};

using Body =
    std::variant<Swipe, Press, Dip, CardTap, Supply, BrownOut, Impairment, HostBehaviour, PartState, Intent, Armed,
                 Milestone, Text, Reading, MotionDone, Presence, BookRead, Fired, EquipmentFault, Silence>;
/// Index of the first observation in Body; actions come before it.
inline constexpr std::size_t first_observation = 11;  // Milestone

struct Event {
  std::uint64_t seq = 0;   ///< order of arrival, from 1 in its run
  std::int64_t cycle = 0;  ///< from 0
  Time at{};
  Duration at_uncertainty{};
  Source source = Source::rig;
  Body body;
  bool is_observation() const { return body.index() >= first_observation; }
};

/// The body's name as stored: "swipe", "milestone", ...
std::string_view kind_of(const Body&);
/// Appends the body as canonical JSON: fixed key order, integers and strings only, no spaces.
void append_json(const Body&, std::string& out);
/// The line that the head is made of: at_ns|uncertainty_ns|source|kind|json.
void append_canonical(const Event&, std::string& out);
/// All of it that stands before the json.
void append_prefix(std::int64_t at_ns, std::int64_t at_uncertainty_ns, std::string_view source, std::string_view kind,
                   std::string& out);
/// As a trace's chunk has it: [at_ns,at_uncertainty_ns,"source","kind",body]. Returns where the body begins in `out`.
std::size_t append_line(const Event&, std::string& out);
/// Reads back what append_json wrote. Throws std::runtime_error that says what was expected.
Body parse_body(std::string_view kind, std::string_view json);
Source parse_source(std::string_view);

}  // namespace swiperig
