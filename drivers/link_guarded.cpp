#include "drivers/link_guarded.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "drivers/link_fd.hpp"

namespace swiperig {

using namespace std::chrono_literals;

struct GuardTurn {
  int control = -1;
  std::uint64_t number = 0;
  std::string lost;  ///< why the turn is over, "": it is not
  bool granted = false, safe = false, reset = false;
  int unproved = 0;

  void hear();
  void say(GuardWord::Kind kind) const;
};

namespace {

constexpr Duration kBeat = 20ms;
constexpr Duration kAnswer = 2ms;      // how often an answer is looked for
constexpr Duration kGrantLimit = 40s;  // one that has just been started opens ports and dials first
constexpr Duration kSafeLimit = 70s;   // above the guardian's own

class GuardedStream final : public FdStream {
 public:
  GuardedStream(Clock& clock, int fd, std::string name, std::shared_ptr<GuardTurn> turn)
      : FdStream(clock, fd, std::move(name)), turn_(std::move(turn)) {}

 private:
  std::ptrdiff_t get(std::span<std::uint8_t> into) override {
    // a packet is received whole or cut: what the reader has no room for is kept for its next turn
    if (kept_at_ == kept_end_) {
      const ssize_t n = ::recv(fd(), kept_.data(), kept_.size(), 0);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) end();
      if (n < 0) return n;
      kept_at_ = 0;
      kept_end_ = static_cast<std::size_t>(n);
    }
    const std::size_t n = std::min(into.size(), kept_end_ - kept_at_);
    std::memcpy(into.data(), kept_.data() + kept_at_, n);
    kept_at_ += n;
    return static_cast<std::ptrdiff_t>(n);
  }
  std::ptrdiff_t put(std::span<const std::uint8_t> bytes) override {
    GuardPacket packet;
    packet.number = turn_->number;
    const std::size_t n = std::min(bytes.size(), packet.bytes.size());
    std::memcpy(packet.bytes.data(), bytes.data(), n);
    const ssize_t sent = ::send(fd(), &packet, kGuardHead + n, MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::ptrdiff_t>(n);
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) end();
    return -1;
  }
  void finish() override { shut(); }
  void abort() override {}
  void leave() override {}
  [[noreturn]] void end() {
    turn_->hear();
    const bool lost = !turn_->lost.empty();
    throw LinkError(LinkError::reset, name() + ": " + (lost ? turn_->lost : "the device is gone (unplugged?)"));
  }

  std::shared_ptr<GuardTurn> turn_;
  std::array<std::uint8_t, kGuardBytes> kept_;
  std::size_t kept_at_ = 0, kept_end_ = 0;
};

/// What was said before this turn is nobody's answer.
void forget(int fd) {
  std::array<std::uint8_t, kGuardBytes> unread;
  for (int most = 1000; most > 0 && ::recv(fd, unread.data(), unread.size(), MSG_DONTWAIT) > 0; --most) {
  }
}

}  // namespace

const char* words_of(Taken why) noexcept {
  switch (why) {
    case Taken::by_rest: return "the turn is over";
    case Taken::controller_gone: return "the controller is gone";
    case Taken::controller_hung: return "no beat of the controller for 100 ms";
    case Taken::told_to_end: return "the guardian was told to end";
    case Taken::lock_gone: return "the bench's lock file was removed or cannot be written";
    case Taken::instrument_gone: return "the connection to an instrument is gone";
    case Taken::breach: return "a packet that no controller sends";
  }
  return "?";
}

void GuardTurn::hear() {
  for (;;) {
    GuardWord word;
    const ssize_t n = ::recv(control, &word, sizeof word, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    // told once, and before what the guardian said last: it ended with something of ours unread
    if (n < 0 && errno == ECONNRESET && !std::exchange(reset, true)) continue;
    if (n != static_cast<ssize_t>(sizeof word)) {
      if (lost.empty()) lost = "the guardian has ended";
      return;
    }
    switch (word.kind) {
      case GuardWord::refused:
        word.text.back() = '\0';
        lost = word.text.data();
        break;
      case GuardWord::granted:
        number = word.number;
        granted = true;
        break;
      case GuardWord::safe:
        safe = true;
        unproved = static_cast<int>(word.unproved);
        break;
      case GuardWord::lost:
        if (lost.empty()) lost = std::string("the guardian took the instruments back: ") + words_of(word.why);
        break;
      default: break;
    }
  }
}

void GuardTurn::say(GuardWord::Kind kind) const {
  GuardWord word;
  word.kind = kind;
  word.number = number;
  word.at_s = machine_seconds();
  ::send(control, &word, sizeof word, MSG_DONTWAIT | MSG_NOSIGNAL);  // whether it arrived shows in the answer
}

Guard::Guard(Clock& clock, GuardEnds ends) : clock_(clock), ends_(ends), turn_(std::make_shared<GuardTurn>()) {
  turn_->control = ends.control;
}

Guard::~Guard() = default;

std::uint64_t Guard::number() const { return turn_->number; }

Task<> Guard::take(const std::atomic<bool>& give_up) {
  GuardTurn& turn = *turn_;
  for (const int fd : {ends_.actuator, ends_.power}) {
    if (fd >= 0) forget(fd);
  }
  turn.say(GuardWord::take);
  const Time until = clock_.now() + kGrantLimit;
  for (;;) {
    turn.hear();
    if (!turn.lost.empty()) throw LinkError(LinkError::failed, turn.lost);
    if (turn.granted) co_return;
    if (give_up.load()) throw LinkError(LinkError::closed, "guardian: no longer wanted");
    if (clock_.now() >= until) throw LinkError(LinkError::failed, "guardian: no answer");
    co_await clock_.sleep_for(kAnswer);
  }
}

Task<> Guard::serve() {
  while (!closed_ && turn_->lost.empty()) {
    turn_->say(GuardWord::beat);
    turn_->hear();
    co_await clock_.wait(closing_, clock_.now() + kBeat);
  }
  if (turn_->lost.empty()) co_return;
  for (const int fd : {ends_.actuator, ends_.power}) {
    if (fd >= 0) ::shutdown(fd, SHUT_RDWR);  // whoever waits for an instrument hears why it says nothing any more
  }
}

std::unique_ptr<Link> Guard::actuator() {
  const int fd = ::fcntl(ends_.actuator, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) throw LinkError(LinkError::failed, "guardian: " + std::generic_category().message(errno));
  return std::make_unique<FdLink>(std::make_shared<GuardedStream>(clock_, fd, "robot", turn_));
}

std::unique_ptr<Link> Guard::power() {
  const int fd = ::fcntl(ends_.power, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) throw LinkError(LinkError::failed, "guardian: " + std::generic_category().message(errno));
  return std::make_unique<FdLink>(std::make_shared<GuardedStream>(clock_, fd, "supply", turn_));
}

Task<int> Guard::rest() {
  GuardTurn& turn = *turn_;
  turn.say(GuardWord::rest);
  const Time until = clock_.now() + kSafeLimit;
  for (;;) {
    turn.hear();
    if (turn.safe) co_return turn.unproved;
    if (turn.lost == "the guardian has ended" || clock_.now() >= until) break;
    co_await clock_.sleep_for(kAnswer);
  }
  throw LinkError(LinkError::failed, "guardian: it does not say that robot and supply are safe: look at them");
}

struct BeatsMeanwhile::Thread {
  std::mutex mutex;
  std::condition_variable over;
  bool done = false;
  std::thread beating;
};

BeatsMeanwhile::BeatsMeanwhile(std::shared_ptr<const GuardTurn> turn) : thread_(std::make_unique<Thread>()) {
  thread_->beating = std::thread([&on = *thread_, turn = std::move(turn)] {
    const double until_s = machine_seconds() + kLongestWrite_s;
    std::unique_lock lock(on.mutex);
    while (!on.done && machine_seconds() < until_s) {
      turn->say(GuardWord::beat);
      on.over.wait_for(lock, kBeat);
    }
  });
}

BeatsMeanwhile::~BeatsMeanwhile() {
  {
    const std::lock_guard lock(thread_->mutex);
    thread_->done = true;
  }
  thread_->over.notify_all();
  thread_->beating.join();
}

std::unique_ptr<BeatsMeanwhile> Guard::beat_meanwhile() const { return std::make_unique<BeatsMeanwhile>(turn_); }

void Guard::close() {
  closed_ = true;
  closing_.ring();
}

}  // namespace swiperig
