#include "bindings/serve.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "bindings/assembly.hpp"
#include "bindings/bench_file.hpp"
#include "bindings/by_hand_words.hpp"
#include "bindings/campaign_file.hpp"
#include "bindings/config.hpp"
#include "bindings/control.hpp"
#include "bindings/guard_process.hpp"
#include "bindings/keys.hpp"
#include "bindings/out_folder.hpp"
#include "bindings/publish_url.hpp"
#include "bindings/served_run.hpp"
#include "reports/answer_port.hpp"
#include "reports/visible.hpp"
#include "rig/clock.hpp"
#include "rig/mask.hpp"

namespace swiperig {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kWordsKept = 1 << 20;  // of a caller that does not listen
constexpr int kRequestLimit_ms = 2000, kLastWords_ms = 2000;

struct Fd {
  explicit Fd(int fd = -1) : number(fd) {}
  Fd(Fd&& other) noexcept : number(std::exchange(other.number, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(number, other.number);
    return *this;
  }
  ~Fd() { close(); }
  void close() {
    if (number >= 0) ::close(std::exchange(number, -1));
  }
  int number;
};

Fd listen_at(const std::string& path) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (path.size() >= sizeof at.sun_path) throw ConfigError(path + ": too long for the name of a socket");
  std::memcpy(at.sun_path, path.data(), path.size());
  // whoever left one here did not have the bench's lock any more
  ::unlink(path.c_str());
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (listener.number < 0 || ::bind(listener.number, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
      ::listen(listener.number, 16) != 0) {
    throw ConfigError(path + ": cannot listen: " + std::generic_category().message(errno));
  }
  return listener;
}

/// The next who calls and is the same user.
Fd accept_own(int listener) {
  Fd caller(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  ucred who{};
  socklen_t size = sizeof who;
  if (caller.number >= 0 &&
      (::getsockopt(caller.number, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || who.uid != ::geteuid())) {
    caller.close();
  }
  return caller;
}

void prove_safe(const GuardProcess& guard, const std::atomic<bool>& stop) {
  SteadyClock clock;
  const auto nothing = [](Guard&) -> Task<> { co_return; };
  clock.run(with_guard(clock, guard.ends(), stop, nothing));
}

/// A guardian that has made the bench safe once: everything can be reached.
void begin_guard(std::optional<GuardProcess>& guard, const BenchFile& bench, const std::atomic<bool>& stop) {
  guard.reset();
  guard.emplace(bench);
  try {
    prove_safe(*guard, stop);
  } catch (...) {
    guard.reset();  // nobody goes on with a bench that was never proved safe
    throw;
  }
}

/// All that somebody is told who gets no run.
void refuse(int caller, const std::string& words, int code) {
  const std::string line = words_line("err", "swiperig: " + words + "\n") + exit_line(code);
  (void)!::send(caller, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/// Standard output and error of this process as pipes, for the time of a run: nobody who does not read may hold it up.
class Words {
 public:
  Words() {
    for (std::size_t i = 0; i < 2; ++i) {
      std::array<int, 2> ends{};
      if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "serve");
      from[i] = Fd(ends[0]);
      before_[i] = Fd(::fcntl(places[i], F_DUPFD_CLOEXEC, 3));
      ::dup2(ends[1], places[i]);
      ::close(ends[1]);
    }
  }
  /// Nothing more will be said.
  void end() {
    std::cout.flush();
    std::cout.clear();
    for (std::size_t i = 0; i < 2; ++i) {
      if (before_[i].number >= 0) ::dup2(before_[i].number, places[i]);
      before_[i].close();
    }
  }
  ~Words() { end(); }
  std::array<Fd, 2> from;

 private:
  static constexpr std::array<int, 2> places = {STDOUT_FILENO, STDERR_FILENO};
  std::array<Fd, 2> before_;
};

/// Between a run and its caller, in a thread of its own: words out, the wish to stop in, and others turned away.
class Relaying {
 public:
  /// `heard`: what the caller has said behind its request. Without a caller (-1) its words are kept.
  Relaying(int caller, int listener, std::string heard, Words& words, const std::atomic<bool>& stop,
           std::atomic<bool>& stop_run)
      : caller_(caller),
        listener_(listener),
        heard_(std::move(heard)),
        words_(words),
        stop_(stop),
        stop_run_(stop_run),
        gone_(caller < 0) {
    look_for_stop();
  }

  void run() {
    while (words_.from[0].number >= 0 || words_.from[1].number >= 0) {
      if (stop_.load()) stop_run_ = true;
      std::array<pollfd, 4> fds = {
          {{words_.from[0].number, POLLIN, 0},
           {words_.from[1].number, POLLIN, 0},
           {gone_ ? -1 : caller_, static_cast<short>(POLLIN | (out_.empty() ? 0 : POLLOUT)), 0},
           {listener_, POLLIN, 0}}};
      ::poll(fds.data(), fds.size(), 50);
      for (std::size_t i = 0; i < 2; ++i) {
        if (fds[i].revents != 0) take(i);
      }
      if (!gone_ && (fds[2].revents & (POLLIN | POLLHUP)) != 0) hear();
      if (fds[3].revents != 0) turn_away();
      put();
    }
  }

  const std::string& kept() const { return kept_; }

  void last_words(const std::string& line) {
    out_ += line;
    for (int left_ms = kLastWords_ms; left_ms > 0 && !gone_ && !out_.empty(); left_ms -= 10) {
      put();
      if (!out_.empty()) ::poll(nullptr, 0, 10);
    }
  }

 private:
  void take(std::size_t stream) {
    std::array<char, 4096> some;
    const ssize_t n = ::read(words_.from[stream].number, some.data(), some.size());
    if (n < 0 && errno == EINTR) return;
    if (n <= 0) return words_.from[stream].close();
    if (caller_ < 0 && kept_.size() < kWordsKept) kept_.append(some.data(), static_cast<std::size_t>(n));
    if (!gone_ && out_.size() < kWordsKept) {
      out_ += words_line(stream == 0 ? "out" : "err", {some.data(), static_cast<std::size_t>(n)});
    }
  }
  void hear() {
    std::array<char, 256> some;
    const ssize_t n = ::recv(caller_, some.data(), some.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    // the run goes on without its caller
    if (n <= 0) {
      gone_ = true;
      return;
    }
    heard_.append(some.data(), static_cast<std::size_t>(n));
    look_for_stop();
  }
  void look_for_stop() {
    for (std::size_t end = heard_.find('\n'); end != heard_.npos; end = heard_.find('\n')) {
      if (heard_.compare(0, end, "{\"stop\":true}") == 0) stop_run_ = true;
      heard_.erase(0, end + 1);
    }
    if (heard_.size() > longest_serve_line) gone_ = true;  // what never ends is nobody to talk to
  }
  void put() {
    while (!gone_ && !out_.empty()) {
      const ssize_t n = ::send(caller_, out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (n <= 0) {
        gone_ = true;
        return;
      }
      out_.erase(0, static_cast<std::size_t>(n));
    }
  }
  void turn_away() const {
    const Fd other = accept_own(listener_);
    if (other.number < 0) return;
    refuse(other.number, "the bench is busy with another run; try again when that has ended", 3);
    ::shutdown(other.number, SHUT_WR);
  }

  const int caller_, listener_;
  std::string heard_;
  Words& words_;
  const std::atomic<bool>& stop_;
  std::atomic<bool>& stop_run_;
  bool gone_;
  std::string out_, kept_;
};

/// The caller's request line, "" when none comes in time; what it says behind it stays in `heard`.
std::string request_line(int caller, std::string& heard) {
  for (int left_ms = kRequestLimit_ms; left_ms > 0 && heard.find('\n') == heard.npos; left_ms -= 50) {
    pollfd ready{caller, POLLIN, 0};
    if (::poll(&ready, 1, 50) != 1) continue;
    std::array<char, 4096> some;
    const ssize_t n = ::recv(caller, some.data(), some.size(), MSG_DONTWAIT);
    if (n <= 0 || heard.size() > longest_serve_line) return "";
    heard.append(some.data(), static_cast<std::size_t>(n));
  }
  const std::size_t end = heard.find('\n');
  if (end == heard.npos) return "";
  const std::string line = heard.substr(0, end);
  heard.erase(0, end + 1);
  return line;
}

/// A campaign that is sent names no files of this machine.
void refuse_files(const Table& campaign) {
  for (const char* file : {"bench", "terminal"}) {
    if (const Value* v = campaign.find(file)) v->refuse("no such key: a campaign that is sent names no files");
  }
}

int do_run(const ServeRequest& request, std::optional<GuardProcess>& guard, const BenchFile& bench,
           const std::atomic<bool>& stop_run, bool sent) try {
  fs::current_path(request.folder);
  RunOptions options = request.options;
  if (options.bench != fs::canonical(bench.path).string()) {
    throw ConfigError("this robot is served for " + bench.path + ", not for " + options.bench +
                      ": run that one, or end the server and serve the other");
  }
  if (sent && options.hands == nullptr) refuse_files(*read_config(options.campaign));
  options.bench = bench.path;
  if (options.terminal.empty()) options.terminal = bench.other_terminal;
  return run_campaign(options, stop_run, &*guard);
} catch (const ConfigError& e) {
  std::cerr << "swiperig: " << visible(scrub(e.what())) << "\n";
  return 2;
} catch (const std::exception& e) {
  std::cerr << "swiperig: rig fault: " << visible(scrub(e.what())) << "\n";
  return 3;
}

void serve_caller(int caller, int listener, std::optional<GuardProcess>& guard, const BenchFile& bench,
                  const std::atomic<bool>& stop, std::atomic<bool>& stop_run) {
  std::string heard;
  const auto request = parse_request(request_line(caller, heard));
  if (const auto* expected = std::get_if<std::string>(&request)) {
    return refuse(caller, "no request of a run: " + *expected, 2);
  }
  try {
    // One that took the bench back has ended with it. Before our words become pipes: a guardian keeps what it was born
    // with, and the end of the words would never come.
    if (!guard || guard->ended()) begin_guard(guard, bench, stop);
  } catch (const std::exception& e) {
    return refuse(caller, "rig fault: " + visible(scrub(e.what())), 3);
  }
  stop_run = false;
  Words words;
  Relaying relaying(caller, listener, std::move(heard), words, stop, stop_run);
  std::thread thread([&] { relaying.run(); });
  const int code = do_run(std::get<ServeRequest>(request), guard, bench, stop_run, false);
  words.end();
  thread.join();
  relaying.last_words(exit_line(code));
}

/// What somebody asked for over the control socket.
void do_job(const ControlJob& job, Control& control, int listener, std::optional<GuardProcess>& guard,
            const BenchFile& bench, const fs::path& home, const std::atomic<bool>& stop) {
  const bool is_run = !job.run.empty();
  ServeRequest request;
  try {
    if (!guard || guard->ended()) {
      begin_guard(guard, bench, stop);
    } else if (!is_run) {
      prove_safe(*guard, stop);
    }
    if (!is_run) return control.ended(0, "", "", machine_seconds());
    fs::current_path(home);
    request.folder = home.string();
    request.options.campaign = serve_socket(bench) + ".campaign.toml";
    std::ofstream(request.options.campaign, std::ios::binary) << job.campaign;
    if (job.by_hand) request.options.hands = &control.hands;
    request.options.bench = fs::canonical(bench.path).string();
    request.options.seed = job.seed;
    request.options.cycles = job.cycles;
    request.options.out = fs::absolute(fresh_directory("", "control")).string();
  } catch (const std::exception& e) {
    return control.ended(3, "swiperig: rig fault: " + visible(scrub(e.what())) + "\n", "", machine_seconds());
  }
  Words words;
  Relaying relaying(-1, listener, "", words, stop, control.stop_run);
  std::thread thread([&] { relaying.run(); });
  const int code = do_run(request, guard, bench, control.stop_run, true);
  words.end();
  thread.join();
  control.ended(code, relaying.kept(), request.options.out, machine_seconds());
}

ByHand by_hand_of(const std::string& said, const BenchFile& bench) {
  const Place at{std::make_shared<const std::string>("do"), 1, 1};
  return read_by_hand({parse_config(said, *at.file), at}, bench);
}

/// How many cases the campaign has; refused where the bench cannot do one.
std::size_t feasible(const std::string& text, const BenchFile& bench) {
  const auto sent = parse_config(text, "campaign");
  refuse_files(*sent);
  const Campaign campaign = read_campaign(*sent, "campaign");
  check_feasible(campaign, bench);
  return campaign.cases.size();
}

/// The control socket and what is asked over it, where there is one.
struct Controlled {
  Controlled(const ServeOptions& o, const BenchFile& bench)
      : control({bench.name, abilities_of(bench), [this, key = o.key] { return reread(key); },
                 [&bench](const std::string& said) { return by_hand_of(said, bench); },
                 [&bench](const std::string& campaign) { return feasible(campaign, bench); }},
                serve_socket(bench) + ".lease") {
    const auto access = o.key.empty() ? std::nullopt : std::optional(read_access(o.key));
    port.emplace(o.control, access, [this](const Caller& caller, std::string_view text) {
      return control.answer(caller, text, machine_seconds());
    });
    ready = true;
  }
  AllowList reread(const std::string& key) {
    if (key.empty()) throw ConfigError("this control socket has no keys: its folder says who may come");
    if (!ready) throw ConfigError("not ready yet: ask again");
    AllowList allowed = read_allow_list(allow_list_beside(key));
    port->allow(allowed);
    return allowed;
  }

  std::atomic<bool> ready = false;
  Control control;
  std::optional<AnswerPort> port;
};

}  // namespace

int serve_bench(const ServeOptions& o, const std::atomic<bool>& stop) try {
  const std::string whole = fs::absolute(o.bench).string();
  const BenchFile bench = read_bench(whole, o.terminal.empty() ? "" : fs::absolute(o.terminal).string());
  const std::string& path = o.bench;
  const fs::path home = fs::current_path();
  if (bench.is_virtual)
    throw ConfigError(path + ": a virtual bench runs in its caller's process; nobody has to serve it");
  if (!o.control.empty()) check_private(o.control, !o.key.empty());
  std::optional<GuardProcess> guard;
  begin_guard(guard, bench, stop);
  const std::string socket = serve_socket(bench);
  const Fd listener = listen_at(socket);
  std::optional<Controlled> controlled;
  if (!o.control.empty()) controlled.emplace(o, bench);
  Control* const control = controlled ? &controlled->control : nullptr;
  std::atomic<bool> stop_own = false;
  std::cout << "serving " << visible(bench.name) << "; `swiperig run --bench " << visible(path)
            << "` comes here; Ctrl-C ends it" << std::endl;
  while (!stop.load()) {
    if (const auto job = control != nullptr ? control->take() : std::nullopt) {
      do_job(*job, *control, listener.number, guard, bench, home, stop);
    }
    pollfd ready{listener.number, POLLIN, 0};
    if (::poll(&ready, 1, 50) != 1) continue;
    const Fd caller = accept_own(listener.number);
    if (caller.number < 0) continue;
    const std::string holder = control != nullptr ? control->begin_elsewhere(machine_seconds()) : "";
    if (!holder.empty()) {
      refuse(caller.number, "the bench is leased to " + holder + "; try again when that has ended", 3);
      continue;
    }
    serve_caller(caller.number, listener.number, guard, bench, stop, control ? control->stop_run : stop_own);
    if (control != nullptr) control->end_elsewhere();
  }
  ::unlink(socket.c_str());
  return 0;
} catch (const PublishError& e) {
  throw ConfigError(e.what());
}

}  // namespace swiperig
