// An Android smart terminal, read through an adb server over TCP: its log line by line as Texts of the place "log" and
// the milestones that its profile's rules see in them; whether adb has it ("adb"), and its payment application by
// process ID ("app"), as Presence, and that its system restarted ("os"), by its uptime: each was so at most as long
// before as the observation is uncertain. The application can be stopped (am force-stop) and
// the system restarted, as states of parts. All of it is more than a production terminal allows: one that is locked,
// unplugged or not there at all is told as such and asked again, and the bench goes on without.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rig/clock.hpp"
#include "rig/crew.hpp"
#include "rig/ecr_words.hpp"
#include "rig/equipment.hpp"
#include "rig/link.hpp"
#include "rig/profile.hpp"

namespace swiperig {

/// One word, or several where blanks are allowed, that the terminal's shell takes as they are: at least one character,
/// letters, digits and any of these.
bool is_shell_word(std::string_view text, std::string_view also);
inline constexpr std::string_view adb_package_signs = "._", adb_filter_signs = "._-:* ";

struct AdbSettings {
  std::string serial;   ///< as `adb devices` shows it
  std::string package;  ///< of the payment application
  std::string log_filter = "*:I";
  Duration look_every = std::chrono::seconds(1);
};

class TerminalAdb final : public Capture, public PartSwitch {
 public:
  /// Throws std::invalid_argument for a package or a filter that is more than one word for the terminal's shell.
  TerminalAdb(Clock& clock, std::unique_ptr<Dialer> server, AdbSettings settings, std::vector<TextRule> rules,
              std::vector<MaskRule> masks);

  /// Reads for the bench's lifetime; ends at `close`.
  Task<> serve();
  /// Throws LinkError{closed} after `close`.
  Task<Seen> next() override;
  /// The application's crash and the system's; throws EquipmentError for anything else, and where adb does not do it.
  Task<> set(PartState) override;
  void close();

 private:
  struct Turn;  // one connection, ended at close
  Task<> read_log();
  Task<> look();
  Task<std::string> ask(std::string service);
  Task<std::unique_ptr<Turn>> open(std::string service);
  void take_log(const Cut& cut);
  void take_look(const std::string& said, Time asked);
  void lost(const std::string& why);
  void there();
  void tell(Body body, Duration unsure = {});

  Clock& clock_;
  std::unique_ptr<Dialer> server_;
  const AdbSettings settings_;
  const std::vector<TextRule> rules_;
  TerminalLink words_;
  FrameMasker masker_;
  Crew crew_;
  bool closed_ = false, there_ = false;
  std::string last_fault_, pid_;
  Time looked_{};           ///< when it was last asked and told
  Time started_ = never;    ///< its system, at the latest
  std::size_t untold_ = 0;  ///< lines that found no room
  std::vector<Link*> open_;
  std::deque<Seen> seen_;
  Bell seen_bell_, stops_log_, stops_look_;
};

}  // namespace swiperig
