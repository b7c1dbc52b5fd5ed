// A robot behind a GRBL 1.1 controller as the bench's actuator. Everything is checked against the taught map and the
// envelope before a byte is sent; lines go as the controller's buffer has room for them; "ok" only means accepted, so
// each motion ends with a dwell whose ok comes when the planner is empty, then a status report that must say Idle and
// the right place. Silence, an alarm, an error, a banner nobody asked for: EquipmentError in words, and the position
// counts as unknown until the next start() or Park homes again; a half swipe is never resumed. The speed in MotionDone
// is measured: from the time between the ok that accepted the swipe's line and the ok of the dwell behind it, the
// cruise speed of the trapezoid with the controller's own acceleration that takes as long (of a card that accelerates:
// its mean speed). It is no encoder: a belt that slips shows elsewhere.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/conversation.hpp"
#include "drivers/grbl_line.hpp"

namespace swiperig {

struct TaughtPlace {
  double x_mm = 0, y_mm = 0;
};

/// How a card lies in its slot where that is not straight, its stripe towards the head: the robot has no axis for it.
struct CardLie {
  std::string face = "front";  ///< as in Swipe
  std::int64_t tilt_mdeg = 0;
};

/// The taught map (machine coordinates, millimetres) and the envelope.
struct GrblSettings {
  std::map<std::string, TaughtPlace> keys, slots;
  std::map<std::string, CardLie> lies;  ///< slots whose card does not lie straight
  double head_x_mm = 260, swipe_y_mm = 60;
  double swipe_start_x_mm = 50, swipe_end_x_mm = 470;  ///< a reverse swipe goes from the end to the start
  double clear_z_mm = 0;                               ///< travelling
  double hover_z_mm = -34;                             ///< between key presses
  double press_z_mm = -41, grip_z_mm = -51, swipe_z_mm = -31;
  double park_x_mm = 20, park_y_mm = 280;
  double travel_x_mm = 520, travel_y_mm = 300, travel_z_mm = 60;
  double card_length_mm = 85.6;
  std::int64_t min_speed_mm_s = 20, max_speed_mm_s = 2500;
  std::int64_t travel_speed_mm_s = 500, z_speed_mm_s = 200;
  double acceleration_mm_s2 = 15'000;
  bool acceleration_settable = false;  ///< $120 may be written for a swipe: wears an EEPROM of 100 000 writes
  Duration grip_time = std::chrono::milliseconds(50);
  Duration reply_limit = std::chrono::seconds(2);  ///< silence, beyond the time the motion itself takes
  Duration homing_limit = std::chrono::seconds(60);
};

struct SwipePath;

/// Why this motion cannot be performed, or nothing. Pure.
std::optional<std::string> refusal(const GrblSettings&, const Motion&);

class SwiperGrbl final : public Actuator {
 public:
  SwiperGrbl(Clock& clock, std::unique_ptr<Link> link, GrblSettings settings);
  /// Feeds what the controller says; the bench runs it in its crew for as long as the driver lives. Ends after close().
  Task<> serve() { return talk_.serve(); }
  /// Wakes the controller, checks that its own limits allow the envelope, homes. Throws EquipmentError.
  Task<> start();
  Task<MotionDone> perform(Motion motion) override;
  void close() { talk_.close(); }

 private:
  Task<std::optional<GrblLine>> listen(Time until);
  Task<Time> line(std::string text);
  Task<double> pass(SwipePath path, Duration stop);
  Task<> set_acceleration(double mm_s2);
  Task<Time> settle();
  Task<> check_place();
  Task<GrblLine> ask_state();
  Task<bool> hear_banner(Time until);
  Task<> wake(bool just_opened);
  Task<> check_machine();
  Task<> home();
  void go(double x_mm, double y_mm);
  void height(double z_mm);
  Task<> jaws(bool closed);
  Task<> catch_up();
  Task<MotionDone> swipe(Swipe swipe);
  Task<MotionDone> press(Press press);
  Task<MotionDone> park();
  Task<> prove_place();
  [[noreturn]] void lost(const std::string& why);

  Conversation talk_;
  const GrblSettings settings_;
  double acceleration_mm_s2_;
  bool homed_ = false;  // the place is known and nothing is under way
  std::string why_lost_ = "it was never started";
  int garbage_ = 0;
  std::vector<std::string> queue_;         // lines to be sent with the next that is waited for
  double pending_s_ = 0;                   // of motion queued or accepted and not waited for
  double x_mm_ = 0, y_mm_ = 0, z_mm_ = 0;  // where the last of them leads
};

}  // namespace swiperig
