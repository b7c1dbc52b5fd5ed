#include "drivers/guard.hpp"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "rig/clock.hpp"

namespace swiperig {
namespace {

constexpr double kNever = 1e18;
constexpr double kSafeLimit = 60;  // for everything that makes safe, whatever an instrument does
constexpr double kRedialLimit = 1;
constexpr double kLockCheck = 0.02;
constexpr int kMostWords = 1024;  // at once: twenty seconds of beats, a millisecond of a flood
constexpr double kTakeLimit = 2;  // for a controller that has started a guardian to take its turn

struct Seat {
  GuardedInstrument* instrument = nullptr;
  std::array<std::uint8_t, kGuardBytes> out{}, in{};  // to the instrument, to the controller
  std::size_t out_at = 0, out_end = 0, in_at = 0, in_end = 0;
  // while it is made safe
  bool done = true, proved = true, dialling = false, dialled = false;
  double again_s = 0, give_up_s = 0;

  bool out_waits() const { return out_at < out_end; }
  bool in_waits() const { return in_at < in_end; }
};

class Guardian {
 public:
  explicit Guardian(GuardPost& post) : post_(post), began_s_(machine_seconds()) {
    for (std::size_t i = 0; i < std::min(post.instruments.size(), seats_.size()); ++i) {
      seats_[i].instrument = &post.instruments[i];
      ++count_;
    }
  }

  GuardEnd run() noexcept {
    while (!(state_ == State::safe && leaving_)) {
      wait();
      hear_controller();
      const double now_s = machine_seconds();
      if (state_ == State::open) check_turn(now_s);
      if (state_ == State::closed && now_s - began_s_ > kTakeLimit) leave(Taken::controller_hung);
      for (Seat& seat : seats()) serve(seat, now_s);
      if (state_ == State::making) make_safe(now_s);
    }
    return end_;
  }

 private:
  enum class State { closed, open, making, safe };  // closed: nobody has a turn, and nobody had one yet

  std::span<Seat> seats() { return {seats_.data(), count_}; }

  void wait() noexcept {
    std::array<pollfd, 7> fds{};
    std::size_t n = 0;
    const auto add = [&](int fd, short events) {
      if (fd >= 0 && events != 0) fds[n++] = {fd, events, 0};
    };
    if (!gone_) {
      add(post_.control, POLLIN);
      add(post_.controller, POLLIN);
    }
    add(post_.told, POLLIN);
    double until_s = kNever;
    if (state_ == State::open) until_s = std::min(beat_s_ + kDeadMan, lock_checked_s_ + kLockCheck);
    if (state_ == State::closed) until_s = began_s_ + kTakeLimit;
    for (Seat& seat : seats()) {
      const bool writes = seat.out_waits() || seat.dialling;
      add(seat.instrument->device, static_cast<short>((seat.in_waits() ? 0 : POLLIN) | (writes ? POLLOUT : 0)));
      // old packets are thrown away at once, new ones wait until the last has gone
      const bool listens = !(state_ == State::open && writes);
      if (!gone_) {
        add(seat.instrument->channel, static_cast<short>((listens ? POLLIN : 0) | (seat.in_waits() ? POLLOUT : 0)));
      }
      if (state_ == State::making && !seat.done) {
        until_s = std::min({until_s, seat.give_up_s, writes ? kNever : seat.again_s});
      }
    }
    const double left_s = until_s - machine_seconds();
    timespec left{};
    if (left_s > 0) {
      left.tv_sec = static_cast<time_t>(std::min(left_s, 3600.0));
      left.tv_nsec = static_cast<long>((std::min(left_s, 3600.0) - static_cast<double>(left.tv_sec)) * 1e9);
    }
    ::ppoll(fds.data(), n, &left, nullptr);
    for (std::size_t i = 0; i < n; ++i) {
      if (fds[i].fd == post_.controller && fds[i].revents != 0) controller_gone();
      if (fds[i].fd == post_.told && fds[i].revents != 0) {
        ::close(post_.told);
        post_.told = -1;
        leave(Taken::told_to_end);
      }
    }
  }

  void controller_gone() noexcept {
    gone_ = true;
    for (Seat& seat : seats()) seat.in_at = seat.in_end = 0;
    leave(Taken::controller_gone);
  }

  void hear_controller() noexcept {
    for (int words = 0; !gone_; ++words) {
      if (words == kMostWords) return leave(Taken::breach);  // a flood would keep us from the clock
      GuardWord word;
      const ssize_t n = ::recv(post_.control, &word, sizeof word, MSG_DONTWAIT);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
      if (n <= 0) return controller_gone();
      if (n != static_cast<ssize_t>(sizeof word)) return leave(Taken::breach);
      take(word);
    }
  }

  void take(const GuardWord& word) noexcept {
    const double now_s = machine_seconds();
    if (!(word.at_s >= 0)) return leave(Taken::breach);
    if (word.kind == GuardWord::take && (state_ == State::closed || state_ == State::safe) && !leaving_) {
      open(now_s);
    } else if (state_ != State::open || word.number != number_) {
      return;  // of a turn that is over
    } else if (word.kind == GuardWord::beat) {
      if (word.at_s - beat_s_ > kDeadMan) return leave(Taken::controller_hung);
      beat_s_ = std::clamp(word.at_s, beat_s_, std::max(beat_s_, now_s));
    } else if (word.kind == GuardWord::rest) {
      close_turn(Taken::by_rest);
    }
  }

  void open(double now_s) noexcept {
    const bool whole =
        std::all_of(seats().begin(), seats().end(), [](const Seat& s) { return s.instrument->device >= 0; });
    if (!whole) return leave(Taken::instrument_gone);
    const std::uint64_t number = post_.lock->holds() ? post_.lock->next() : 0;
    if (number == 0) return leave(Taken::lock_gone);
    number_ = end_.number = number;
    state_ = State::open;
    beat_s_ = now_s;
    lock_checked_s_ = now_s;
    for (Seat& seat : seats()) seat.out_at = seat.out_end = 0;
    say(GuardWord::granted, Taken::by_rest);
  }

  /// No beat in time. One that was said in time and is heard late, because it is we who were held up, counts.
  bool overdue() noexcept {
    if (machine_seconds() - beat_s_ <= kDeadMan) return false;
    hear_controller();
    return state_ == State::open && machine_seconds() - beat_s_ > kDeadMan;
  }

  void check_turn(double now_s) noexcept {
    if (overdue()) return leave(Taken::controller_hung);
    if (state_ != State::open) return;
    if (now_s - lock_checked_s_ < kLockCheck) return;
    lock_checked_s_ = now_s;
    if (!post_.lock->holds()) leave(Taken::lock_gone);
  }

  void say(GuardWord::Kind kind, Taken why) noexcept {
    GuardWord word;
    word.kind = kind;
    word.why = why;
    word.number = number_;
    word.unproved = end_.unproved;
    ::send(post_.control, &word, sizeof word, MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  /// The turn is over and there will be no other.
  void leave(Taken why) noexcept {
    if (leaving_) return;
    leaving_ = true;
    if (state_ == State::making) return;
    if (state_ == State::safe) return part(why);
    close_turn(why);
  }

  /// Between two turns: it is safe already, but whoever wants the next one is told why there is none.
  void part(Taken why) noexcept {
    if (why == Taken::controller_gone || why == Taken::told_to_end) return;
    end_.why = why;
    say(GuardWord::lost, why);
  }

  /// From here on no byte of this turn reaches an instrument.
  void close_turn(Taken why) noexcept {
    end_.why = why;
    end_.unproved = 0;
    state_ = State::making;
    const double now_s = machine_seconds();
    for (Seat& seat : seats()) {
      // what the port has not sent yet would be in the way of the first safe byte
      if (seat.instrument->serial && seat.instrument->device >= 0) ::tcflush(seat.instrument->device, TCOFLUSH);
      if (!seat.instrument->serial) reset_stalled(seat);
      seat.instrument->safe->begin(seat.out_waits() || seat.instrument->serial);
      seat.out_at = seat.out_end = 0;
      seat.in_at = seat.in_end = 0;  // a controller that does not listen keeps nobody from hearing the instrument
      seat.done = seat.proved = seat.dialled = false;
      seat.again_s = 0;
      seat.give_up_s = now_s + kSafeLimit;
    }
    make_safe(now_s);
    if (why != Taken::by_rest) say(GuardWord::lost, why);
  }

  /// A connection whose far end takes nothing holds what a turn that is over wrote: with it that goes, and the safe
  /// bytes take another.
  void reset_stalled(Seat& seat) noexcept {
    int unsent = 0;
    const int device = seat.instrument->device;
    if (device < 0 || seat.instrument->where_bytes == 0) return;
    if (::ioctl(device, SIOCOUTQNSD, &unsent) != 0 || unsent == 0) return;
    const linger at_once{1, 0};
    ::setsockopt(device, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    lose(seat);
  }

  void make_safe(double now_s) noexcept {
    bool all = true;
    for (Seat& seat : seats()) {
      while (!seat.done && step(seat, now_s)) {
      }
      all = all && seat.done;
    }
    if (!all) return;
    end_.unproved = 0;
    for (const Seat& seat : seats()) end_.unproved += seat.proved ? 0 : 1;
    state_ = State::safe;
    say(GuardWord::safe, end_.why);
    if (!lost_one_ || leaving_) return;
    leaving_ = true;  // the controller's driver has read an end: another guardian dials anew
    say(GuardWord::lost, Taken::instrument_gone);
  }

  /// True: there may be more to do at once.
  bool step(Seat& seat, double now_s) noexcept {
    if (now_s >= seat.give_up_s) {
      if (seat.dialling) lose(seat);
      seat.done = true;
      return false;
    }
    if (seat.dialling) return false;
    if (seat.instrument->device < 0 && !redial(seat, now_s)) {
      seat.done = true;
      return false;
    }
    if (seat.dialling || seat.out_waits()) return false;
    const SafeState::Step next = seat.instrument->safe->step(now_s);
    seat.again_s = next.again_s;
    seat.out_at = 0;
    seat.out_end = std::min(next.say.size(), seat.out.size());
    std::memcpy(seat.out.data(), next.say.data(), seat.out_end);
    put(seat);
    seat.done = next.done;
    seat.proved = next.proved;
    return seat.again_s <= now_s;
  }

  /// Once: a supply that lives on TCP may have lost its connection together with its controller.
  bool redial(Seat& seat, double now_s) noexcept {
    GuardedInstrument& one = *seat.instrument;
    if (seat.dialled || one.where_bytes == 0) return false;
    seat.dialled = true;
    one.device = ::socket(one.where.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (one.device < 0) return false;
    const int dialled = ::connect(one.device, reinterpret_cast<const sockaddr*>(&one.where), one.where_bytes);
    if (dialled != 0 && errno != EINPROGRESS) {
      lose(seat);
      return false;
    }
    seat.dialling = dialled != 0;
    if (seat.dialling) seat.give_up_s = now_s + kRedialLimit;
    one.safe->begin(true);
    return true;
  }

  void connected(Seat& seat, double now_s) noexcept {
    int error = 0;
    socklen_t size = sizeof error;
    pollfd ready{seat.instrument->device, POLLOUT, 0};
    if (::poll(&ready, 1, 0) != 1) return;
    seat.dialling = false;
    if (::getsockopt(seat.instrument->device, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) lose(seat);
    seat.give_up_s = now_s + kSafeLimit;
  }

  void serve(Seat& seat, double now_s) noexcept {
    if (seat.dialling) connected(seat, now_s);
    if (seat.dialling) return;
    put(seat);
    hear_instrument(seat);
    if (!gone_) {
      if (seat.in_waits()) tell_controller(seat);
      hear_channel(seat);
    }
  }

  void lose(Seat& seat) noexcept {
    lost_one_ = true;
    ::close(seat.instrument->device);
    seat.instrument->device = -1;
    seat.out_at = seat.out_end = 0;
    seat.dialling = false;
    // the controller's driver reads an end
    if (seat.instrument->channel >= 0) ::shutdown(seat.instrument->channel, SHUT_WR);
    if (state_ == State::safe) leave(Taken::instrument_gone);  // another guardian dials anew
  }

  void put(Seat& seat) noexcept {
    while (seat.out_waits() && seat.instrument->device >= 0) {
      const ssize_t n = ::write(seat.instrument->device, seat.out.data() + seat.out_at, seat.out_end - seat.out_at);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
      if (n <= 0) return lose(seat);
      if (state_ == State::open) {
        seat.instrument->safe->passed(
            {reinterpret_cast<const char*>(seat.out.data()) + seat.out_at, static_cast<std::size_t>(n)});
      }
      seat.out_at += static_cast<std::size_t>(n);
    }
  }

  void hear_instrument(Seat& seat) noexcept {
    if (seat.in_waits() || seat.instrument->device < 0) return;
    const ssize_t n = ::read(seat.instrument->device, seat.in.data(), seat.in.size());
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (n <= 0) return lose(seat);
    seat.instrument->safe->heard({reinterpret_cast<const char*>(seat.in.data()), static_cast<std::size_t>(n)});
    if (state_ == State::making) seat.again_s = 0;
    seat.in_at = 0;
    // before its turn a controller may hear the instrument's greeting, between turns and after them nothing
    seat.in_end = state_ == State::open || state_ == State::closed ? static_cast<std::size_t>(n) : 0;
  }

  void tell_controller(Seat& seat) noexcept {
    const ssize_t n = ::send(seat.instrument->channel, seat.in.data() + seat.in_at, seat.in_end - seat.in_at,
                             MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    seat.in_at = seat.in_end;  // all of it, or nobody is there
  }

  void hear_channel(Seat& seat) noexcept {
    // a flood of old packets keeps nobody from being made safe
    for (int most = 64; most > 0 && !(state_ == State::open && seat.out_waits()); --most) {
      GuardPacket packet;
      const ssize_t n = ::recv(seat.instrument->channel, &packet, sizeof packet, MSG_DONTWAIT | MSG_TRUNC);
      if (n < 0) return;
      if (n == 0) return closed_channel(seat);
      if (state_ != State::open) continue;
      if (n < static_cast<ssize_t>(kGuardHead) || n > static_cast<ssize_t>(sizeof packet) || packet.number > number_) {
        return leave(Taken::breach);
      }
      if (packet.number != number_) continue;
      // it may have been read long after it was written
      if (overdue()) return leave(Taken::controller_hung);
      if (state_ != State::open) continue;
      seat.out_at = 0;
      seat.out_end = static_cast<std::size_t>(n) - kGuardHead;
      std::memcpy(seat.out.data(), packet.bytes.data(), seat.out_end);
      put(seat);
    }
  }

  /// A controller that has gone closes all its ends; one end alone says nothing that the others do not.
  void closed_channel(Seat& seat) noexcept {
    ::close(seat.instrument->channel);
    seat.instrument->channel = -1;
  }

  GuardPost& post_;
  std::array<Seat, 2> seats_;
  std::size_t count_ = 0;
  State state_ = State::closed;
  bool leaving_ = false, gone_ = false, lost_one_ = false;
  std::uint64_t number_ = 0;
  double began_s_, beat_s_ = 0, lock_checked_s_ = 0;
  GuardEnd end_;
};

}  // namespace

GuardEnd stand_guard(GuardPost& post) noexcept { return Guardian(post).run(); }

}  // namespace swiperig
