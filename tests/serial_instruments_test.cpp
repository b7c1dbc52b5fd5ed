// Robot and supply on serial lines, as far as a pseudo-terminal is one: a controller that resets when its port is
// opened, and a sale with its power cut whose supply speaks SCPI over a serial line, behind the guardian.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <climits>

#include "drivers/link_serial.hpp"
#include "drivers/swiper_grbl.hpp"
#include "fixtures/reader.hpp"
#include "fixtures/robot.hpp"
#include "rig/crew.hpp"
#include "tests/console.hpp"
#include "tests/guard_lane.hpp"
#include "tests/taught.hpp"

namespace swiperig {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

/// The board's end of a pseudo-terminal. A pseudo-terminal has no DTR: that it is opened after everybody had closed it
/// with HUPCL, or for the first time, stands for its rising edge, which is what resets a board.
class Board final : public Link {
 public:
  explicit Board(Clock& clock) : clock_(clock), fd_(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)) {
    std::array<char, PATH_MAX> far{};
    EXPECT_EQ(::grantpt(fd_), 0);
    EXPECT_EQ(::unlockpt(fd_), 0);
    EXPECT_EQ(::ptsname_r(fd_, far.data(), far.size()), 0);
    device = far.data();
    ::close(::open(device.c_str(), O_RDWR | O_NOCTTY));  // before that a master does not tell of it
  }
  ~Board() override { ::close(fd_); }
  Task<std::size_t> read_some(std::span<std::uint8_t> into) override {
    while (!over_) {
      const ssize_t n = ::read(fd_, into.data(), into.size());
      if (n < 0 && errno == EIO) {
        termios line{};
        if (open_ && ::tcgetattr(fd_, &line) == 0) dtr_ = (line.c_cflag & HUPCL) == 0;
        open_ = false;
      } else if (!open_) {
        open_ = true;
        if (!dtr_) ++resets;
        if (!std::exchange(dtr_, true)) {
          into[0] = 0x18;
          co_return 1;
        }
      } else if (n > 0) {
        heard.append(into.begin(), into.begin() + n);
        co_return static_cast<std::size_t>(n);
      }
      co_await clock_.sleep_for(1ms);
    }
    co_return 0;
  }
  Task<> write(std::span<const std::uint8_t> bytes) override {
    if (::write(fd_, bytes.data(), bytes.size()) < 0) co_return;
  }
  void close(Close) override { over_ = true; }

  std::string device, heard;
  int resets = 0;

 private:
  Clock& clock_;
  int fd_;
  bool open_ = false, dtr_ = false, over_ = false;
};

/// A visit: the port is opened, the robot homed, a key pressed, the port closed.
Task<std::string> visit(Clock& clock, Board& board) {
  board.heard.clear();
  std::string why;
  SwiperGrbl driver(clock, serial_link(clock, board.device, 115200), taught());
  Crew crew(clock);
  crew.start(driver.serve());
  auto failed = co_await failure_of(driver.start());
  why = failed;
  if (why.empty()) {
    auto pressing = co_await failure_of(driver.perform(a_press("1")));
    why = pressing;
  }
  driver.close();
  co_await crew.join();
  co_await clock.sleep_for(20ms);
  co_return why;
}

TEST(RealtimeSerialRobot, F12AControllerThatResetsWhenItsPortIsOpenedIsExpectedToAndOnlyOnce) {
  SteadyClock clock;
  DrawPlace place;
  TouchedTerminal terminal(clock);
  auto end = std::make_unique<Board>(clock);
  Board& board = *end;
  RobotGeometry near;  // to the switches
  near.start_x_mm = near.start_y_mm = 5;
  Robot robot(clock, std::move(end), terminal, near, {}, place);
  robot.fail("silent");  // the banner of its power-up was before anybody listened
  const auto test = [&]() -> Task<> {
    Crew crew(clock);
    crew.start(robot.run());
    co_await clock.sleep_for(50ms);
    robot.fail("sound");
    auto why = co_await visit(clock, board);
    EXPECT_EQ(why, "");
    EXPECT_EQ(board.resets, 1);
    EXPECT_THAT(board.heard.substr(0, board.heard.find("$H")), Not(HasSubstr("\x18")))
        << "the port's own banner was enough";
    EXPECT_EQ(terminal.keys, "1 ");
    why = co_await visit(clock, board);
    EXPECT_EQ(why, "");
    EXPECT_EQ(board.resets, 1) << "HUPCL is off: DTR stays, and whoever opens the port next resets nothing";
    EXPECT_THAT(board.heard, HasSubstr("\x18")) << "so the driver has reset it";
    EXPECT_EQ(terminal.keys, "1 1 ");
    // the twin: somebody else's program leaves HUPCL as terminals usually have it
    const int other = ::open(board.device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK);
    co_await clock.sleep_for(20ms);
    termios line{};
    EXPECT_EQ(::tcgetattr(other, &line), 0);
    line.c_cflag |= HUPCL;
    EXPECT_EQ(::tcsetattr(other, TCSANOW, &line), 0);
    ::close(other);
    co_await clock.sleep_for(20ms);
    why = co_await visit(clock, board);
    EXPECT_EQ(why, "");
    EXPECT_EQ(board.resets, 2);
    EXPECT_EQ(terminal.keys, "1 1 1 ");
    robot.stop();
    co_await crew.join();
  };
  clock.run(test());
}

const char* const a_power_cut =
    "schema = 1\nname = \"power\"\n[[case]]\nname = \"power cut\"\namount = \"12.34\"\ncard = \"debit\"\n"
    "swipe = \"500 mm/s\"\ncause = \"power\"\nmust = [\"card_read\", \"response_left\"]\n"
    "step = [{ when = \"response_left\", power = \"off\" }]\n";

std::string with_supply_on(const Folder& folder, const std::string& tty) {
  std::string text = read_text(bench_in(folder));
  const auto link = text.find("link = ", text.find("[power]"));
  text.replace(link, text.find('\n', link) - link, "link = \"serial:" + tty + "?baud=9600\"");
  return folder.write("benches/realtime.toml", text);
}

TEST(RealtimeSerialSupply, ASaleWithItsPowerCutOverASerialLineBehindTheGuardian) {
  const Folder folder;
  const std::string tty = folder / "tty/supply", bench = with_supply_on(folder, tty);
  const Served served(folder, bench);
  ASSERT_TRUE(await(20, [&] { return std::filesystem::exists(tty); }));
  Program run(folder, {"run", folder.write("power.toml", a_power_cut), "--bench", bench, "--out", folder / "out"});
  EXPECT_EQ(run.wait(200), 0) << run.out() << run.err();
  const auto summary = boost::json::parse(read_text(folder / "out/summary.json"));
  EXPECT_EQ(summary.at("outcomes").at("pass"), 1) << run.out();
  EXPECT_EQ(summary.at("diagnosis").at("right"), 1);
  // and then the guardian has switched it off
  const int fd = open_serial(tty, 9600);
  EXPECT_EQ(ask_device(fd, "OUTP?\n", "\n").substr(0, 1), "0");
  EXPECT_EQ(ask_device(fd, "OUTP ON\nOUTP?\n", "\n").substr(0, 1), "1") << "the twin: it can be on";
  ask_device(fd, "OUTP OFF\nOUTP?\n", "\n");
  ::close(fd);
}

TEST(RealtimeSerialSupply, TheTwinWhoseLineIsTakenMovesNothing) {
  const Folder folder;
  const std::string tty = folder / "tty/supply", bench = with_supply_on(folder, tty);
  const Served served(folder, bench);
  ASSERT_TRUE(await(20, [&] { return std::filesystem::exists(tty); }));
  const int other = open_serial(tty, 9600);
  const Said said =
      swiperig(folder, {"run", folder.write("power.toml", a_power_cut), "--bench", bench, "--out", folder / "out"});
  EXPECT_EQ(said.exit_code, 3) << said.out;
  EXPECT_THAT(said.err, HasSubstr("taken by another program"));
  ::close(other);
}

}  // namespace
}  // namespace swiperig
