#include "tests/bench/relay_rates.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <optional>
#include <vector>

#include "drivers/link_tcp.hpp"
#include "drivers/relay.hpp"
#include "tests/frames.hpp"

namespace swiperig {

namespace {

using namespace std::chrono_literals;

constexpr int kRounds = 15, kMessages = 1500;
constexpr std::size_t kStreamBytes = std::size_t{1} << 30, kChunk = 256 << 10;

[[noreturn]] void give_up(const char* doing) {
  std::perror(doing);
  std::exit(2);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

int listen_somewhere(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at = loopback(0);
  socklen_t size = sizeof at;
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(fd, 64) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
    give_up("listen");
  }
  port = ntohs(at.sin_port);
  return fd;
}

int connect_to(std::uint16_t port) {
  for (int tries = 0;; ++tries) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in at = loopback(port);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0) {
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return fd;
    }
    ::close(fd);
    if (tries == 200) give_up("connect");
    ::usleep(10'000);
  }
}

bool read_all(int fd, std::span<std::uint8_t> into) {
  while (!into.empty()) {
    const ssize_t n = ::read(fd, into.data(), into.size());
    if (n <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

bool write_all(int fd, BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

/// A process of its own, which ends with this one at the latest.
class Helper {
 public:
  explicit Helper(const std::function<void()>& work) : pid_(::fork()) {
    if (pid_ < 0) give_up("fork");
    if (pid_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    work();
    ::_exit(0);
  }
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;
  ~Helper() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

/// The host: an answer for every request, one connection at a time; what begins with 0xff is a stream that it swallows.
void be_host(int listener, std::size_t request_bytes, const Bytes& answer) {
  std::vector<std::uint8_t> in(kChunk);
  for (;;) {
    const int fd = ::accept(listener, nullptr, nullptr);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::uint8_t first = 0;
    if (::recv(fd, &first, 1, MSG_PEEK) == 1 && first == 0xff) {
      std::size_t got = 0;
      for (ssize_t n = 0; got < kStreamBytes && (n = ::read(fd, in.data(), in.size())) > 0;) {
        got += static_cast<std::size_t>(n);
      }
      write_all(fd, answer);  // a whole message: the relay holds what is begun of one
      while (::read(fd, in.data(), in.size()) > 0) {
      }
    } else {
      while (read_all(fd, std::span(in).first(request_bytes)) && write_all(fd, answer)) {
      }
    }
    ::close(fd);
  }
}

/// `armed`: a step that waits for a message that never comes; every message is compared with it.
void be_relay(std::uint16_t host_port, bool armed, int tell_port) {
  SteadyClock clock;
  std::uint16_t port = 0;
  HostProfile profile;
  Relay relay(clock, tcp_listener(clock, "127.0.0.1", 0, &port), tcp_dialer(clock, "127.0.0.1", host_port), profile);
  if (armed) relay.arm({0, "response_entered", 1'000'000'000, NetworkFault{NetworkFault::drop, 0ns}, false, 0ns});
  if (::write(tell_port, &port, sizeof port) != sizeof port) give_up("relay");
  const auto swallow = [](Relay& r) -> Task<> {
    for (;;) (void)co_await r.next();
  };
  clock.run([](Clock& c, Relay& r, auto reports) -> Task<> {
    Crew crew(c);
    crew.start(reports(r));
    crew.start(r.serve());
    co_await crew.join();
  }(clock, relay, swallow));
}

std::uint16_t told(int fd) {
  std::uint16_t port = 0;
  if (::read(fd, &port, sizeof port) != sizeof port) give_up("relay");
  return port;
}

struct Times {
  double p50_us, p99_us;
};

Times ask(std::uint16_t port, const Bytes& request, std::size_t answer_bytes) {
  const int fd = connect_to(port);
  std::vector<std::uint8_t> in(answer_bytes);
  std::vector<double> took_us;
  took_us.reserve(kMessages);
  for (int i = 0; i < kMessages + 100; ++i) {
    const double began = machine_seconds();
    if (!write_all(fd, request) || !read_all(fd, in)) give_up("ping");
    if (i >= 100) took_us.push_back((machine_seconds() - began) * 1e6);
  }
  ::close(fd);
  std::sort(took_us.begin(), took_us.end());
  return {took_us[took_us.size() / 2], took_us[took_us.size() * 99 / 100]};
}

double stream_mib_per_s(std::uint16_t port, std::size_t answer_bytes) {
  const int fd = connect_to(port);
  const std::vector<std::uint8_t> chunk(kChunk, 0xff);
  std::vector<std::uint8_t> done(answer_bytes);
  const double began = machine_seconds();
  for (std::size_t sent = 0; sent < kStreamBytes; sent += kChunk) {
    if (!write_all(fd, chunk)) give_up("stream");
  }
  if (!read_all(fd, done)) give_up("stream");
  const double took = machine_seconds() - began;
  ::close(fd);
  return static_cast<double>(kStreamBytes >> 20) / took;
}

/// haproxy in front of the host, from a file of its own in a folder of its own.
class Haproxy {
 public:
  static bool installed() { return ::access("/usr/sbin/haproxy", X_OK) == 0; }
  explicit Haproxy(std::uint16_t host_port) {
    ::close(listen_somewhere(port));
    char name[] = "/tmp/swiperig-haproxy-XXXXXX";
    if (::mkdtemp(name) == nullptr) give_up("mkdtemp");
    folder_ = name;
    std::ofstream(folder_ + "/conf") << "global\n  nbthread 1\n  maxconn 100\ndefaults\n  mode tcp\n"
                                        "  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
                                        "listen path\n  bind 127.0.0.1:"
                                     << port << "\n  server host 127.0.0.1:" << host_port << "\n";
    process_.emplace([this] {
      const int quiet = ::open("/dev/null", O_WRONLY);
      ::dup2(quiet, 1);
      ::dup2(quiet, 2);
      const std::string conf = folder_ + "/conf";
      ::execl("/usr/sbin/haproxy", "haproxy", "-db", "-f", conf.c_str(), nullptr);
    });
  }
  Haproxy(const Haproxy&) = delete;
  Haproxy& operator=(const Haproxy&) = delete;
  ~Haproxy() {
    process_.reset();
    ::unlink((folder_ + "/conf").c_str());
    ::rmdir(folder_.c_str());
  }
  std::uint16_t port = 0;

 private:
  std::string folder_;
  std::optional<Helper> process_;
};

double median(std::vector<double> of) {
  std::sort(of.begin(), of.end());
  return of.empty() ? 0 : of[of.size() / 2];
}

struct Way {
  const char* name;
  std::uint16_t port;
  std::vector<double> p50_us{}, p99_us{}, mib_per_s{};
};

}  // namespace

std::string relay_rates() {
  cpu_set_t all, one;
  ::sched_getaffinity(0, sizeof all, &all);
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
  }
  ::sched_setaffinity(0, sizeof one, &one);

  const Bytes request = frame("0200", 1), answer = frame("0210", 1);
  std::uint16_t host_port = 0;
  const int listener = listen_somewhere(host_port);
  int tell[2];
  if (::pipe(tell) != 0) give_up("pipe");
  const Helper host([&] { be_host(listener, request.size(), answer); });
  const Helper unarmed([&] { be_relay(host_port, false, tell[1]); });
  const std::uint16_t unarmed_port = told(tell[0]);
  const Helper armed([&] { be_relay(host_port, true, tell[1]); });
  const std::uint16_t armed_port = told(tell[0]);
  std::optional<Haproxy> haproxy;
  if (Haproxy::installed()) haproxy.emplace(host_port);

  std::vector<Way> ways{{"direct", host_port}, {"relay", unarmed_port}, {"armed", armed_port}};
  if (haproxy) ways.push_back({"haproxy", haproxy->port});
  for (int round = 0; round < kRounds; ++round) {
    for (Way& way : ways) {
      const Times times = ask(way.port, request, answer.size());
      way.p50_us.push_back(times.p50_us);
      way.p99_us.push_back(times.p99_us);
      if (round % 5 == 0 && way.port != armed_port) way.mib_per_s.push_back(stream_mib_per_s(way.port, answer.size()));
    }
  }
  ::close(tell[0]), ::close(tell[1]), ::close(listener);
  ::sched_setaffinity(0, sizeof all, &all);

  std::string json = "\"relay\":{";
  char text[200];
  for (const Way& way : ways) {
    std::snprintf(text, sizeof text, "%s\"%s\":{\"p50_us\":%.1f,\"p99_us\":%.1f,\"mib_per_s\":%.0f}",
                  &way == ways.data() ? "" : ",", way.name, median(way.p50_us), median(way.p99_us),
                  median(way.mib_per_s));
    json += text;
  }
  if (haproxy) {
    const auto added = [&](const std::vector<double> Way::*percentile, std::size_t way) {
      std::vector<double> ratios;
      for (int round = 0; round < kRounds; ++round) {
        const auto r = static_cast<std::size_t>(round);
        const double direct = (ways[0].*percentile)[r];
        ratios.push_back(((ways[way].*percentile)[r] - direct) / ((ways[3].*percentile)[r] - direct));
      }
      return median(ratios);
    };
    std::snprintf(text, sizeof text,
                  ",\"added_to_haproxys\":{\"p50\":%.2f,\"p99\":%.2f,\"armed_p50\":%.2f,\"armed_p99\":%.2f},"
                  "\"stream_to_haproxys\":%.2f",
                  added(&Way::p50_us, 1), added(&Way::p99_us, 1), added(&Way::p50_us, 2), added(&Way::p99_us, 2),
                  median(ways[1].mib_per_s) / median(ways[3].mib_per_s));
    json += text;
  } else {
    json += ",\"added_to_haproxys\":null,\"stream_to_haproxys\":null";
  }
  return json + "}";
}

}  // namespace swiperig
