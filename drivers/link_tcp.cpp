#include "drivers/link_tcp.hpp"

#include <sys/socket.h>

#include <array>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <set>
#include <utility>
#include <vector>

#include "drivers/link_fd.hpp"

namespace swiperig {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr Duration kDialTimeout = std::chrono::seconds(20);
constexpr std::size_t kDrainBytes = 1 << 20;

class TcpStream final : public FdStream {
 public:
  using FdStream::FdStream;

 private:
  std::ptrdiff_t get(std::span<std::uint8_t> into) override { return ::recv(fd(), into.data(), into.size(), 0); }
  std::ptrdiff_t put(std::span<const std::uint8_t> bytes) override {
    return ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  void finish() override { ::shutdown(fd(), SHUT_WR); }
  void abort() override {
    const linger at_once{1, 0};
    ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  void leave() override {
    std::array<std::uint8_t, 16384> unread;
    for (std::size_t drained = 0; drained < kDrainBytes;) {
      const std::ptrdiff_t n = ::recv(fd(), unread.data(), unread.size(), MSG_DONTWAIT);
      if (n <= 0) break;
      drained += static_cast<std::size_t>(n);
    }
  }
};

std::string name_of(const std::string& host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "tcp:[" + host + "]:" : "tcp:" + host + ":") + std::to_string(port);
}

std::string name_of(const tcp::endpoint& end) { return name_of(end.address().to_string(), end.port()); }

/// What a dial shares with the operations it has under way, which may end after it.
struct Attempt {
  explicit Attempt(asio::io_context& context) : resolver(context), socket(context) {}
  tcp::resolver resolver;
  tcp::socket socket;
  std::vector<tcp::endpoint> ends;
  error_code error;
  Bell ended;
  bool done = false;
};

/// What a dialer shares with its dials, which may end after it.
struct Dials {
  std::set<Bell*> under_way;
  bool closed = false;
};

Task<> await_end(Clock& clock, std::shared_ptr<Dials> dials, std::shared_ptr<Attempt> attempt, Time deadline,
                 std::string name) {
  while (!attempt->done) {
    dials->under_way.insert(&attempt->ended);
    const bool rung = co_await clock.wait(attempt->ended, deadline);
    dials->under_way.erase(&attempt->ended);
    if (rung && !dials->closed) continue;
    error_code ignored;
    attempt->resolver.cancel();
    attempt->socket.close(ignored);
    if (dials->closed) throw LinkError(LinkError::closed, name + ": no longer wanted");
    throw LinkError(LinkError::refused, name + ": no answer within " + to_text(kDialTimeout));
  }
  attempt->done = false;
}

void start_resolving(const std::shared_ptr<Attempt>& attempt, const std::string& host, std::uint16_t port) {
  attempt->resolver.async_resolve(host, std::to_string(port),
                                  [attempt](const error_code& e, const tcp::resolver::results_type& found) {
                                    attempt->error = e;
                                    for (const auto& entry : found) attempt->ends.push_back(entry.endpoint());
                                    attempt->done = true;
                                    attempt->ended.ring();
                                  });
}

void start_connecting(const std::shared_ptr<Attempt>& attempt, const tcp::endpoint& end) {
  error_code ignored;
  attempt->socket.close(ignored);
  attempt->socket.async_connect(end, [attempt](const error_code& e) {
    attempt->error = e;
    attempt->done = true;
    attempt->ended.ring();
  });
}

/// Dialling a free port of this machine may connect a socket to itself; nobody listens there.
bool to_itself(const tcp::socket& socket) {
  error_code near, far;
  const tcp::endpoint here = socket.local_endpoint(near);
  const tcp::endpoint there = socket.remote_endpoint(far);
  return !near && !far && here == there;
}

Task<std::unique_ptr<Link>> dial_to(Clock& clock, std::shared_ptr<Dials> dials, std::string host, std::uint16_t port) {
  const std::string name = name_of(host, port);
  if (dials->closed) throw LinkError(LinkError::closed, name + ": no longer wanted");
  const Time deadline = clock.now() + kDialTimeout;
  auto attempt = std::make_shared<Attempt>(clock.context());
  error_code not_numeric;
  const auto address = asio::ip::make_address(host, not_numeric);
  if (!not_numeric) {
    attempt->ends.emplace_back(address, port);
  } else {
    start_resolving(attempt, host, port);
    co_await await_end(clock, dials, attempt, deadline, name);
    if (attempt->error) throw LinkError(LinkError::failed, name + ": " + attempt->error.message());
  }
  bool refused = false;
  std::string why = "no address";
  for (const tcp::endpoint& end : attempt->ends) {
    start_connecting(attempt, end);
    co_await await_end(clock, dials, attempt, deadline, name);
    const bool nobody =
        attempt->error == asio::error::connection_refused || (!attempt->error && to_itself(attempt->socket));
    refused = nobody || attempt->error == asio::error::timed_out || attempt->error == asio::error::host_unreachable ||
              attempt->error == asio::error::network_unreachable;
    if (!attempt->error && !refused) co_return tcp_link(clock, std::move(attempt->socket));
    why = nobody ? "refused, nobody listens there" : attempt->error.message();
  }
  throw LinkError(refused ? LinkError::refused : LinkError::failed, name + ": " + why);
}

class TcpDialer final : public Dialer {
 public:
  TcpDialer(Clock& clock, std::string host, std::uint16_t port) : clock_(clock), host_(std::move(host)), port_(port) {}
  Task<std::unique_ptr<Link>> dial() override { return dial_to(clock_, dials_, host_, port_); }
  void close() override {
    dials_->closed = true;
    for (Bell* bell : dials_->under_way) bell->ring();
  }
  void give_up() override {
    const bool closed = dials_->closed;
    close();
    dials_ = std::make_shared<Dials>();
    dials_->closed = closed;
  }

 private:
  Clock& clock_;
  std::string host_;
  std::uint16_t port_;
  std::shared_ptr<Dials> dials_ = std::make_shared<Dials>();
};

/// What a listener shares with the coroutine suspended in accept.
struct Door : std::enable_shared_from_this<Door> {
  Door(Clock& c, tcp::endpoint e) : clock(c), at(e), acceptor(c.context()) {}

  void open() {
    error_code e;
    acceptor.open(at.protocol(), e);
    if (!e) acceptor.set_option(asio::socket_base::reuse_address(true), e);
    if (!e) acceptor.bind(at, e);
    if (!e) acceptor.listen(asio::socket_base::max_listen_connections, e);
    if (!e) acceptor.non_blocking(true, e);
    if (!e) at = acceptor.local_endpoint(e);
    if (!e) return;
    error_code ignored;
    acceptor.close(ignored);
    throw LinkError(LinkError::failed, name_of(at) + ": cannot listen: " + e.message());
  }

  void close() {
    error_code ignored;
    acceptor.close(ignored);
    ++times_closed;
  }

  void watch() {
    if (armed) return;
    armed = true;
    acceptor.async_wait(tcp::acceptor::wait_read, [self = shared_from_this()](const error_code&) {
      self->armed = false;
      self->arrived.ring();
    });
  }

  Clock& clock;
  tcp::endpoint at;
  tcp::acceptor acceptor;
  Bell arrived;
  bool armed = false;
  int times_closed = 0;
};

Task<std::unique_ptr<Link>> accept_at(std::shared_ptr<Door> door) {
  const int times_closed = door->times_closed;
  for (;;) {
    if (door->times_closed != times_closed || !door->acceptor.is_open()) break;
    tcp::socket socket(door->clock.context());
    error_code e;
    door->acceptor.accept(socket, e);
    if (!e) {
      auto link = tcp_link(door->clock, std::move(socket));
      co_await door->clock.yield();
      if (door->times_closed != times_closed) break;
      co_return link;
    }
    if (e == asio::error::connection_aborted || e == asio::error::interrupted) continue;
    if (e != asio::error::would_block && e != asio::error::try_again) {
      throw LinkError(LinkError::failed, name_of(door->at) + ": accept: " + e.message());
    }
    door->watch();
    co_await door->clock.wait(door->arrived, never);
  }
  throw LinkError(LinkError::closed, name_of(door->at) + ": no longer listening");
}

class TcpListener final : public Listener {
 public:
  explicit TcpListener(std::shared_ptr<Door> door) : door_(std::move(door)) {}
  ~TcpListener() override { door_->close(); }
  Task<std::unique_ptr<Link>> accept() override { return accept_at(door_); }
  void close() override { door_->close(); }
  void reopen() override {
    if (!door_->acceptor.is_open()) door_->open();
  }

 private:
  std::shared_ptr<Door> door_;
};

tcp::endpoint place_of(asio::io_context& context, const std::string& host, std::uint16_t port) {
  if (host.empty()) return {tcp::v4(), port};
  error_code e;
  const auto address = asio::ip::make_address(host, e);
  if (!e) return {address, port};
  tcp::resolver resolver(context);
  const auto found = resolver.resolve(host, std::to_string(port), e);
  if (e || found.empty()) throw LinkError(LinkError::failed, name_of(host, port) + ": cannot listen: " + e.message());
  return found.begin()->endpoint();
}

}  // namespace

std::unique_ptr<Link> tcp_link(Clock& clock, tcp::socket socket) {
  error_code e;
  const tcp::endpoint far = socket.remote_endpoint(e);
  socket.set_option(tcp::no_delay(true), e);
  return std::make_unique<FdLink>(std::make_shared<TcpStream>(clock, socket.release(), name_of(far)));
}

std::unique_ptr<Dialer> tcp_dialer(Clock& clock, const std::string& host, std::uint16_t port) {
  return std::make_unique<TcpDialer>(clock, host, port);
}

std::unique_ptr<Listener> tcp_listener(Clock& clock, const std::string& host, std::uint16_t port,
                                       std::uint16_t* bound_port) {
  auto door = std::make_shared<Door>(clock, place_of(clock.context(), host, port));
  door->open();
  if (bound_port != nullptr) *bound_port = door->at.port();
  return std::make_unique<TcpListener>(std::move(door));
}

}  // namespace swiperig
