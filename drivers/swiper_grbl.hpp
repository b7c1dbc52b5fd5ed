// A robot behind a GRBL 1.1 controller as the bench's actuator. Everything is checked against the taught map and the
// envelope before a byte is sent; lines go as the controller's buffer has room for them; "ok" only means accepted, so
// each motion ends with a dwell whose ok comes when the planner is empty, then a status report that must say Idle and
// the right place. Silence, an alarm, an error, a banner nobody asked for: EquipmentError in words, and the position
// counts as unknown until the next start() or Park homes again; a half swipe is never resumed. The speed in MotionDone
// is measured: from the time between the ok that accepted the swipe's line and the ok of the dwell behind it, the
// cruise speed of the trapezoid with the controller's own acceleration that takes as long (of a card that accelerates:
// its mean speed). It is no encoder: a belt that slips shows elsewhere. A dip or a tap is measured from the ok behind
// the way in to the ok of the dwell. Steps that are lost without an alarm no controller tells: where a sensor looks
// between the jaws, a card that is not there when it was gripped, or no more when it is put back, is an EquipmentError,
// so that no terminal is blamed for a card that nobody showed it. Where the tool goes is drivers/robot_way.hpp.
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
struct ToolPlace {
  double x_mm = 0, y_mm = 0, z_mm = 0;
};

/// The terminal's slot for chip cards. The card goes in towards +X.
struct GrblChipSlot {
  TaughtPlace at;        ///< of the tool when the card's leading edge is at the mouth
  double z_mm = -25;     ///< and its height
  double depth_mm = 45;  ///< how far a card goes in
};
/// The terminal's contactless field.
struct GrblField {
  TaughtPlace at;
  double z_mm = -30;  ///< of the tool when the card it holds is where a customer would hold it
};
/// Where another terminal stands: no lower than its top may the tool be there, with a card in its jaws.
struct GrblRegion {
  double from_x_mm = 0, from_y_mm = 0, to_x_mm = 0, to_y_mm = 0, top_z_mm = 0;
};

/// How a card lies in its slot where that is not straight, its stripe towards the head: the robot has no axis for it.
struct CardLie {
  std::string face = "front";  ///< as in Swipe
  std::int64_t tilt_mdeg = 0;
};

/// The taught map (machine coordinates, millimetres) and the envelope.
struct GrblSettings {
  std::map<std::string, TaughtPlace> keys, slots;
  std::map<std::string, std::string> pins;  ///< digits by the name that cases give; they never leave the driver
  std::map<std::string, CardLie> lies;      ///< slots whose card does not lie straight
  std::optional<GrblChipSlot> chip_slot;
  std::optional<GrblField> field;
  std::map<std::string, GrblRegion> regions;  ///< of all terminals that share the robot
  std::string region;                         ///< the one of this bench's own; "": it shares with nobody
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
  double envelope_mm_s = 0, envelope_mm_s2 = 0;  ///< what the controller's own limits may be at most; 0: anything
  bool acceleration_settable = false;            ///< $120 may be written for a swipe: wears an EEPROM of 100 000 writes
  bool card_sensor = false;  ///< between the jaws, at the controller's probe pin: on where a card is
  Duration grip_time = std::chrono::milliseconds(50);
  Duration reply_limit = std::chrono::seconds(2);  ///< silence, beyond the time the motion itself takes
  Duration homing_limit = std::chrono::seconds(60);
};

struct SwipePath;
struct Leg;

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
  /// Straight there, at most so fast; false: cancelled on the way, wherever it came to rest. Throws EquipmentError,
  /// also for a place out of the travel or a way through another terminal's region.
  Task<bool> jog(ToolPlace to, double speed_mm_s);
  /// Ends the jog that is under way, if any.
  void cancel_jog();
  /// Where the tool is, of a robot that was homed.
  ToolPlace place() const { return {x_mm_, y_mm_, z_mm_}; }
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
  Task<Duration> follow(std::vector<Leg> legs);
  Task<Duration> stay(Duration lasts);
  Task<> jaws(bool closed);
  Task<> expect_card(bool there);
  Task<> catch_up();
  Task<MotionDone> swipe(Swipe swipe);
  Task<MotionDone> press(Press press);
  /// Takes the card out of its slot, holds it to the terminal along `legs`, and puts it back.
  Task<MotionDone> present(std::string card, MotionDone motion, std::vector<Leg> legs);
  Task<MotionDone> park();
  Task<> prove_place();
  [[noreturn]] void lost(const std::string& why);

  Conversation talk_;
  const GrblSettings settings_;
  double acceleration_mm_s2_, slowest_mm_s2_;  // of X; of all axes
  bool homed_ = false;                         // the place is known and nothing is under way
  std::string why_lost_ = "it was never started";
  int garbage_ = 0;
  std::vector<std::string> queue_;  // lines to be sent with the next that is waited for
  double pending_s_ = 0;            // of motion queued or accepted and not waited for
  Bell jog_news_;
  bool jog_cancelled_ = false;
  double x_mm_ = 0, y_mm_ = 0, z_mm_ = 0;  // where the last of them leads
};

}  // namespace swiperig
