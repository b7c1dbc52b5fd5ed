// What equipment of this machine may be asked for at most, whatever a bench file says: root's file
// /etc/swiperig/envelope.toml. A bench file can only narrow it; one that wants more is refused where it says so. The
// file that $SWIPERIG_ENVELOPE names, if any, holds as well: it takes nothing away from root's, so anybody may give it.
//   schema = 1
//   max_speed = "1000 mm/s"          each limit may be left out: then there is none
//   max_acceleration_mm_s2 = 8000
//   travel_mm = [500, 280, 60]       X, Y, Z: also every taught place must lie within
//   max_voltage = "9 V"
//   max_current = "2 A"
#pragma once

#include <string>

namespace swiperig {

class Table;
struct BenchFile;

/// Refuses what in the bench file `root` is beyond the envelopes of this machine; narrows what it leaves open. Throws
/// ConfigError, also when the machine's own file is wrong or not root's alone.
void hold_envelope(const Table& root, BenchFile& bench);

/// The same by one file. `roots`: it must be root's, and nobody else may be able to write it.
void hold_envelope(const std::string& path, bool roots, const Table& root, BenchFile& bench);

/// Whether anybody has said what this machine may do at most.
bool envelope_given();

/// Where the envelope of a machine is.
constexpr const char* machine_envelope = "/etc/swiperig/envelope.toml";

}  // namespace swiperig
