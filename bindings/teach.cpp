#include "bindings/teach.hpp"

#include <charconv>
#include <cmath>
#include <deque>
#include <iostream>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "bindings/assembly.hpp"
#include "bindings/config.hpp"
#include "bindings/durable_file.hpp"
#include "bindings/guard_process.hpp"
#include "drivers/link_guarded.hpp"
#include "drivers/link_typed.hpp"
#include "reports/visible.hpp"
#include "rig/crew.hpp"
#include "rig/decimal.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kLineBytes = 200, kLines = 1000;
constexpr double kUsualSpeed = 20;
constexpr const char* kHelp =
    "  home                        find the switches; before it nothing moves\n"
    "  x+10  y-0.5  z-2  x+1 y+1   jog by so many mm, straight\n"
    "  go X Y                      up to the safe height, and there\n"
    "  up                          to the safe height\n"
    "  speed 5                     of jogs, in mm/s\n"
    "  stop                        ends a jog that is under way; so does Ctrl-C\n"
    "  where                       says where the tool is\n"
    "  key NAME, card NAME         marks this place: the middle of a key, a card slot\n"
    "  head, swipe_from, swipe_to  marks the reader's head, and the ends of the swipe\n"
    "  chip_slot, field            marks them, the card's leading edge at the mouth, or the card in the field\n"
    "  height NAME                 marks this height: clear, hover, press, grip or swipe\n"
    "  forget key NAME, forget card NAME\n"
    "  show                        what is marked\n"
    "  save                        to the positions file; the old one stays beside it\n"
    "  quit                        ends; what was not saved is lost with `quit!`\n";

std::string text_of(const ToolPlace& p) {
  return "x " + decimal(p.x_mm) + "  y " + decimal(p.y_mm) + "  z " + decimal(p.z_mm);
}

/// What is typed, as lines, while something else goes on.
class Typed {
 public:
  Typed(Clock& clock, std::unique_ptr<Link> link, SwiperGrbl& robot)
      : clock_(clock), link_(std::move(link)), robot_(robot) {}
  Task<> listen() {
    std::array<std::uint8_t, 256> buffer;
    std::string partial;
    try {
      for (;;) {
        const std::size_t n = co_await link_->read_some(buffer);
        if (n == 0) break;
        for (std::size_t i = 0; i < n; ++i) {
          const char c = static_cast<char>(buffer[i]);
          if (c == '\n') {
            take(std::exchange(partial, {}));
          } else if (partial.size() < kLineBytes) {
            partial += c;
          }
        }
      }
    } catch (const LinkError&) {
    }
    end();
  }
  /// Nothing more is typed: what moves stops.
  void end() {
    over_ = true;
    robot_.cancel_jog();
    news_.ring();
  }
  void close() { link_->close(Close::fin); }
  Task<std::optional<std::string>> line() {
    while (lines_.empty() && !over_) co_await clock_.wait(news_, never);
    if (lines_.empty() || stopped_) co_return std::nullopt;
    std::string next = std::move(lines_.front());
    lines_.pop_front();
    co_return next;
  }
  /// Lines that are still to come are not done.
  void stop() {
    stopped_ = true;
    end();
  }

 private:
  void take(std::string line) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    // whatever was typed behind a jog waits for its end, but not this
    if (line == "stop" || line == "!") {
      lines_.clear();
      robot_.cancel_jog();
    } else if (lines_.size() < kLines) {
      lines_.push_back(std::move(line));
    }
    news_.ring();
  }
  Clock& clock_;
  std::unique_ptr<Link> link_;
  SwiperGrbl& robot_;
  std::deque<std::string> lines_;
  Bell news_;
  bool over_ = false, stopped_ = false;
};

std::optional<double> number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// One person's session.
class Session {
 public:
  Session(TeachBench bench, SwiperGrbl& robot, std::ostream& out)
      : bench_(std::move(bench)), robot_(robot), out_(out), marked_(read_positions(*bench_.bench.positions)) {}

  Task<> run(Typed& typed) {
    out_ << "teaching the robot of bench " << visible(bench_.bench.name) << ", positions in " << bench_.positions_path
         << "\nkeep clear, then type home; help says what else there is\n";
    while (!done_) {
      out_.flush();
      auto line = co_await typed.line();
      if (!line) break;
      std::string why;
      try {
        co_await obey(*line);
      } catch (const std::runtime_error& e) {
        why = e.what();
      }
      if (!why.empty()) out_ << "no: " << visible(why) << "\n";
    }
    if (unsaved_) out_ << "what was marked is not saved\n";
    out_.flush();
  }
  bool unsaved() const { return unsaved_; }

 private:
  Task<> obey(std::string line) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    if (words.empty()) co_return;
    const std::string& verb = words[0];
    const bool alone = words.size() == 1;
    if (verb == "help" && alone) {
      out_ << kHelp;
    } else if (verb == "home" && alone) {
      out_ << "homing\n";
      out_.flush();
      co_await robot_.start();
      homed_ = true;
      out_ << text_of(robot_.place()) << "\n";
    } else if (verb == "where" && alone) {
      out_ << text_of(here()) << "\n";
    } else if (verb == "up" && alone) {
      co_await move({here().x_mm, here().y_mm, bench_.bench.robot.clear_z_mm});
    } else if (verb == "go" && words.size() == 3 && number(words[1]) && number(words[2])) {
      co_await move({here().x_mm, here().y_mm, bench_.bench.robot.clear_z_mm});
      co_await move({*number(words[1]), *number(words[2]), bench_.bench.robot.clear_z_mm});
    } else if (verb == "speed" && words.size() == 2 && number(words[1])) {
      const auto most = static_cast<double>(bench_.bench.robot.max_speed_mm_s);
      const double wanted = *number(words[1]);
      if (!(wanted >= 0.1 && wanted <= most))
        throw std::runtime_error("a speed is 0.1 to " + decimal(most, 0) + " mm/s");
      speed_mm_s_ = wanted;
    } else if (is_jog(words)) {
      co_await jog(words);
    } else if (verb == "show" && alone) {
      out_ << to_toml(marked_);
    } else if (verb == "save" && alone) {
      save();
    } else if (verb == "quit" && alone && unsaved_) {
      out_ << "no: what was marked is not saved: save, or quit!\n";
    } else if ((verb == "quit" || verb == "quit!") && alone) {
      done_ = true;
    } else {
      mark(words);
    }
  }

  static bool is_jog(const std::vector<std::string>& words) {
    for (const std::string& w : words) {
      const bool axis = w.size() > 2 && (w[0] == 'x' || w[0] == 'y' || w[0] == 'z') && (w[1] == '+' || w[1] == '-');
      if (!axis || !number(std::string_view(w).substr(1))) return false;
    }
    return true;
  }

  ToolPlace here() const {
    if (!homed_) throw std::runtime_error("nobody knows where the tool is: home first");
    return robot_.place();
  }

  Task<> jog(std::vector<std::string> words) {
    ToolPlace to = here();
    for (const std::string& w : words) {
      double& axis = w[0] == 'x' ? to.x_mm : w[0] == 'y' ? to.y_mm : to.z_mm;
      axis += *number(std::string_view(w).substr(1));
    }
    co_await move(to);
  }

  Task<> move(ToolPlace to) {
    const bool arrived = co_await robot_.jog(to, speed_mm_s_);
    out_ << text_of(robot_.place()) << (arrived ? "\n" : "  stopped\n");
  }

  void mark(const std::vector<std::string>& words) {
    const std::string& verb = words[0];
    const bool named = words.size() == 2;
    if (words.size() == 3 && verb == "forget" && (words[1] == "key" || words[1] == "card")) {
      auto& from = words[1] == "key" ? marked_.keys : marked_.cards;
      if (from.erase(words[2]) == 0) throw std::runtime_error("there is no " + words[1] + " " + words[2]);
    } else if (named && (verb == "key" || verb == "card")) {
      const ToolPlace p = here();
      (verb == "key" ? marked_.keys : marked_.cards)[words[1]] = {p.x_mm, p.y_mm};
    } else if (named && verb == "height") {
      const std::string& name = words[1];
      if (name != "clear" && name != "hover" && name != "press" && name != "grip" && name != "swipe") {
        throw std::runtime_error("a height is clear, hover, press, grip or swipe");
      }
      marked_.heights[name] = here().z_mm;
    } else if (words.size() == 1 && verb == "head") {
      marked_.head = {here().x_mm, here().y_mm};
    } else if (words.size() == 1 && verb == "swipe_from") {
      marked_.swipe_from = here().x_mm;
    } else if (words.size() == 1 && verb == "swipe_to") {
      marked_.swipe_to = here().x_mm;
    } else if (words.size() == 1 && verb == "chip_slot") {
      marked_.chip_slot = here();
    } else if (words.size() == 1 && verb == "field") {
      marked_.field = here();
    } else {
      throw std::runtime_error("not understood: " + words[0] + "; help says what there is");
    }
    unsaved_ = true;
    out_ << "marked\n";
  }

  /// Only what a bench would take is stored.
  void save() {
    check_positions(bench_, to_toml(marked_));
    replace_keeping_old(bench_.positions_path, to_toml(marked_), 0644);
    unsaved_ = false;
    out_ << "saved: " << marked_.keys.size() << " keys, " << marked_.cards.size() << " cards\n";
  }

  TeachBench bench_;
  SwiperGrbl& robot_;
  std::ostream& out_;
  Positions marked_;
  double speed_mm_s_ = kUsualSpeed;
  bool homed_ = false, unsaved_ = false, done_ = false;
};

Task<> watch_stop(Clock& clock, const std::atomic<bool>& stop, Typed& typed, Bell& done) {
  for (bool over = false; !over;) {
    over = co_await clock.wait(done, clock.now() + 20ms);
    if (stop.load()) typed.stop();
  }
}

}  // namespace

Task<int> teach_session(Clock& clock, TeachBench bench, std::unique_ptr<Link> robot, std::unique_ptr<Link> typed,
                        std::ostream& out, const std::atomic<bool>& stop) {
  SwiperGrbl driver(clock, std::move(robot), bench.bench.robot);
  Typed lines(clock, std::move(typed), driver);
  Session session(std::move(bench), driver, out);
  Crew crew(clock);
  Bell done;
  crew.start(driver.serve());
  crew.start(lines.listen());
  crew.start(watch_stop(clock, stop, lines, done));
  std::exception_ptr failure;
  try {
    co_await session.run(lines);
  } catch (...) {
    failure = std::current_exception();
  }
  done.ring();
  lines.close();
  driver.close();
  co_await crew.join();
  if (failure) std::rethrow_exception(failure);
  co_return session.unsaved() ? 1 : 0;
}

int teach_bench(const std::string& path, const std::atomic<bool>& stop) {
  TeachBench bench = read_teach_bench(path);
  if (bench.bench.is_virtual) {
    throw ConfigError(path + ": a virtual bench has no robot to teach; swiperig stand-in serves one in real time");
  }
  SteadyClock clock;
  GuardProcess guardian(bench.bench);
  int code = 0;
  const auto inside = [&](Guard& guard) -> Task<> {
    code = co_await teach_session(clock, bench, guard.actuator(), typed_link(clock), std::cout, stop);
  };
  clock.run(with_guard(clock, guardian.ends(), stop, inside));
  return code;
}

}  // namespace swiperig
