#include "drivers/relay.hpp"

#include <vector>

namespace swiperig {

namespace {

constexpr std::size_t kMostUnsentBytes = 256 << 10;                  // of one direction of one connection
constexpr std::size_t kReadBytes = 4096, kMostReadBytes = 64 << 10;  // messages are short, a stream is not

Order tls_failed(int connection, bool terminal, std::string what) {
  return Report{Milestone{"tls_failed",
                          {{"connection", std::to_string(connection)},
                           {"with", terminal ? "terminal" : "host"},
                           {"what", std::move(what)}}}};
}

}  // namespace

Relay::Relay(Clock& clock, std::unique_ptr<Listener> terminal_side, std::unique_ptr<Dialer> host_side,
             const HostProfile& host, const DrawPlace* place, std::shared_ptr<Tap> tap, RelaySettings settings)
    : clock_(clock),
      terminal_side_(std::move(terminal_side)),
      host_side_(std::move(host_side)),
      settings_(std::move(settings)),
      path_(host, place, settings_.opaque),
      tap_(std::move(tap), host.framing, settings_.opaque),
      crew_(clock) {}

Relay::~Relay() = default;

Task<> Relay::serve() {
  crew_.start(release());
  for (;;) {
    std::unique_ptr<Link> link;
    try {
      link = co_await terminal_side_->accept();
    } catch (const LinkError& e) {
      if (e.kind != LinkError::closed) fail(e.what());
      break;
    }
    if (link == nullptr || path_.door() == Reception::reset) {
      if (link != nullptr) link->close(Close::reset);
      Orders orders;
      path_.turned_away(++numbers_, orders);
      carry(std::move(orders));
      continue;
    }
    if (open_ == settings_.most_connections) {
      fail("more than " + std::to_string(settings_.most_connections) +
           " connections at a time: the terminal does not close them");
      break;
    }
    ++open_;
    crew_.start(converse(++numbers_, std::move(link)));
  }
  close();
  co_await crew_.join();
}

void Relay::close() {
  if (closed_) return;
  closed_ = true;
  terminal_side_->close();
  host_side_->close();
  for (auto& [number, connection] : connections_) {
    for (Side* side : {&connection->terminal, &connection->host}) {
      side->reset = side->over = true;
      if (side->link) side->link->close(Close::reset);
      side->work.ring();
      side->room.ring();
    }
  }
  due_changed_.ring();
  reported_.ring();
}

/// The first fault is told; no byte goes on that nobody would see.
void Relay::fail(std::string what) {
  if (fault_.empty()) fault_ = "relay: " + std::move(what);
  close();
}

void Relay::set(Impairment impairment) {
  Orders orders;
  path_.set(impairment, clock_.now(), orders);
  carry(std::move(orders));
}

void Relay::confirm(int step, bool release) {
  Orders orders;
  path_.confirm(step, release, orders);
  carry(std::move(orders));
}

Task<Seen> Relay::next() {
  while (reports_.empty()) {
    if (!fault_.empty()) throw EquipmentError(fault_);
    if (closed_) throw LinkError(LinkError::closed, "relay closed");
    co_await clock_.wait(reported_, never);
  }
  Seen seen = std::move(reports_.front());
  reports_.pop_front();
  co_return seen;
}

Task<> Relay::release() {
  while (!closed_) {
    const Time due = path_.due();
    const bool rung = co_await clock_.wait(due_changed_, due);
    if (rung) continue;
    Orders orders;
    path_.tick(clock_.now(), orders);
    carry(std::move(orders));
  }
}

void Relay::carry(Orders orders) {
  for (Order& order : orders) {
    if (auto* report = std::get_if<Report>(&order)) {
      reports_.push_back(Seen{std::move(report->body), clock_.now(), Duration{}});
      reported_.ring();
      continue;
    }
    if (const auto* meet = std::get_if<Meet>(&order)) {
      // a connection that is to be reset must first be made
      const Reception how = meet->how == Reception::reset ? Reception::open : meet->how;
      if (!terminal_side_->meet(how, meet->wait)) fail("its listener cannot turn a caller away like that");
      continue;
    }
    const bool to_host =
        std::holds_alternative<Forward>(order) ? std::get<Forward>(order).to_host : std::get<HangUp>(order).host_side;
    const int number = std::holds_alternative<Forward>(order) ? std::get<Forward>(order).connection
                                                              : std::get<HangUp>(order).connection;
    const auto it = connections_.find(number);
    if (it == connections_.end()) continue;
    Side& side = to_host ? it->second->host : it->second->terminal;
    const Side& other = to_host ? it->second->terminal : it->second->host;
    if (auto* hang_up = std::get_if<HangUp>(&order);
        hang_up != nullptr && hang_up->how == Close::reset && !hang_up->after_all) {
      side.reset = true;
      if (side.link) side.link->close(Close::reset);
    } else if (auto* forward = std::get_if<Forward>(&order)) {
      side.unsent += forward->bytes.size();
      side.outbox.emplace_back(std::move(*forward));
    } else {
      side.announces_end = !hang_up->after_all && other.tls != nullptr && other.tls->end_was_announced();
      side.outbox.emplace_back(*hang_up);
    }
    side.work.ring();
  }
  for (auto& [number, connection] : connections_) {
    connection->terminal.room.ring();
    connection->host.room.ring();
  }
  due_changed_.ring();
}

Task<> Relay::converse(int number, std::unique_ptr<Link> terminal) {
  auto connection = std::make_shared<Connection>();
  connection->terminal.link = std::move(terminal);
  connections_[number] = connection;
  bool reached = true;
  try {
    connection->host.link = co_await host_side_->dial();
  } catch (const LinkError& e) {
    reached = false;
    if (e.kind != LinkError::refused && !closed_) fail(e.what());
  }
  if (closed_) reached = false;
  Orders orders;
  if (reached) {
    path_.opened(number, clock_.now(), orders);
  } else if (fault_.empty()) {
    path_.refused(number, orders);
  }
  carry(std::move(orders));
  if (reached && settings_.terminal_tls) {
    // the host's first, so that no terminal is answered whose host is not there
    reached = co_await secure(number, *connection, false);
    if (reached) reached = co_await secure(number, *connection, true);
  }
  if (reached) {
    Crew writers(clock_);
    writers.start(write(connection->terminal));
    writers.start(write(connection->host));
    {
      Crew readers(clock_);
      readers.start(read(number, *connection, true));
      readers.start(read(number, *connection, false));
      co_await readers.join();
    }
    // who has closed its sending direction may still be owed what waits
    while (!closed_ && path_.held_bytes(number, true) + path_.held_bytes(number, false) > 0) {
      co_await clock_.wait(connection->host.room, never);
    }
    for (Side* side : {&connection->terminal, &connection->host}) {
      side->over = true;
      side->work.ring();
    }
    co_await writers.join();
    if (!connection->host.reset) connection->host.link->close(Close::fin);
    if (!connection->terminal.reset) connection->terminal.link->close(Close::fin);
  }
  path_.forget(number);
  tap_.forget(number, clock_.now());
  connections_.erase(number);
  --open_;
}

/// TLS with one side. False: there is none, that is told, and both sides are closed.
Task<bool> Relay::secure(int number, Connection& connection, bool terminal) {
  Side& side = terminal ? connection.terminal : connection.host;
  auto tls = std::make_unique<TlsLink>(std::move(side.link), terminal ? settings_.terminal_tls : settings_.host_tls);
  side.tls = tls.get();
  side.link = std::move(tls);
  Bell done;
  Crew crew(clock_);
  crew.start(end_in_time(side, done));
  bool secured = false;
  std::string wrong;
  Close how = Close::fin;
  try {
    secured = co_await side.tls->handshake([this, &side] { return line(side); });
  } catch (const TlsError& e) {
    wrong = e.what();
    if (terminal && e.why == TlsError::alert) wrong += ": is our CA installed in it, and is the certificate for us?";
  } catch (const LinkError&) {
    how = Close::reset;
  }
  done.ring();
  co_await crew.join();
  if (secured && !closed_) co_return true;
  if (closed_) co_return false;
  const char* with = terminal ? "terminal" : "host";
  const std::string what = !wrong.empty() ? wrong
                           : side.late    ? "no end of the handshake within " + to_text(settings_.handshake_limit)
                                          : "the connection ended within the handshake";
  Orders orders;
  orders.push_back(tls_failed(number, terminal, what));
  if (wrong.empty() && !side.late) path_.ended(number, terminal, how, clock_.now(), orders);
  carry(std::move(orders));
  if (side.late) how = Close::reset;
  for (Side* one : {&connection.terminal, &connection.host}) {
    if (!one->reset) one->link->close(how);
    one->reset = true;
  }
  // no terminal has done wrong by not trusting us, and none is told what its host's certificate is worth
  if (!wrong.empty()) fail(std::string("TLS with the ") + with + ": " + wrong);
  co_return false;
}

/// Lets a flight of a handshake wait until the line is there.
Task<> Relay::line(Side& side) {
  while (path_.out(clock_.now()) && !closed_) co_await clock_.wait(side.room, never);
}

/// A handshake that does not end is ended; an outage takes none of its time.
Task<> Relay::end_in_time(Side& side, Bell& done) {
  for (;;) {
    const bool rung = co_await clock_.wait(done, clock_.now() + settings_.handshake_limit);
    if (rung) co_return;
    if (path_.out(clock_.now())) continue;
    side.late = true;
    side.link->close(Close::reset);
  }
}

Task<> Relay::read(int number, Connection& connection, bool from_terminal) {
  Side& side = from_terminal ? connection.terminal : connection.host;
  Side& onward = from_terminal ? connection.host : connection.terminal;
  std::vector<std::uint8_t> buffer(kReadBytes);
  for (;;) {
    std::size_t n = 0;
    bool reset = false;
    std::string broken;
    while (!side.reset && onward.unsent + path_.held_bytes(number, from_terminal) > kMostUnsentBytes) {
      co_await clock_.wait(onward.room, never);
    }
    try {
      n = co_await side.link->read_some(buffer);
    } catch (const TlsError& e) {
      reset = true;
      broken = e.what();
    } catch (const LinkError&) {
      reset = true;
    }
    if (n == 0 && side.reset) co_return;  // we did it
    Orders orders;
    if (n > 0) {
      tap_.bytes(number, from_terminal, BytesView(buffer.data(), n), clock_.now());
      path_.bytes(number, from_terminal, BytesView(buffer.data(), n), clock_.now(), orders);
    } else {
      if (!broken.empty()) orders.push_back(tls_failed(number, from_terminal, std::move(broken)));
      const char* tls = side.tls == nullptr || reset ? "" : side.tls->end_was_announced() ? "close_notify" : "bare";
      path_.ended(number, from_terminal, reset ? Close::reset : Close::fin, clock_.now(), orders, tls);
    }
    carry(std::move(orders));
    if (n == 0) co_return;
    if (n == buffer.size()) buffer.resize(kMostReadBytes);
  }
}

Task<> Relay::write(Side& side) {
  for (;;) {
    while (side.outbox.empty()) {
      if (side.over) co_return;
      co_await clock_.wait(side.work, never);
    }
    auto item = std::move(side.outbox.front());
    side.outbox.pop_front();
    if (side.reset) {
      side.unsent = 0;
      side.outbox.clear();
      side.room.ring();
      continue;
    }
    if (const auto* hang_up = std::get_if<HangUp>(&item)) {
      side.reset = hang_up->how == Close::reset;
      if (side.announces_end && !side.reset) {
        try {
          co_await side.tls->announce_end();
        } catch (const LinkError&) {  // it is gone already
        }
      }
      side.link->close(side.reset ? Close::reset : Close::half);
      continue;
    }
    const Forward& forward = std::get<Forward>(item);
    bool written = true;
    try {
      co_await side.link->write(forward.bytes);
    } catch (const LinkError&) {
      written = false;  // the reader of this side sees why
    }
    side.unsent -= forward.bytes.size();
    side.room.ring();
    if (written && forward.message != 0) {
      Orders orders;
      path_.sent(forward.message, clock_.now(), orders);
      carry(std::move(orders));
    }
  }
}

}  // namespace swiperig
