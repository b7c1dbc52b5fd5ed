#include "reports/gate.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "rig/clock.hpp"

namespace swiperig {

namespace {

constexpr int proof_ms = 5000;

/// Where somebody on this machine reaches what is bound there.
std::string reached_at(std::string url) {
  for (const auto& [all, one] : {std::pair<std::string, std::string>{"tcp://*:", "tcp://127.0.0.1:"},
                                 {"tcp://0.0.0.0:", "tcp://127.0.0.1:"},
                                 {"tcp://[::]:", "tcp://[::1]:"}}) {
    if (url.starts_with(all)) url.replace(0, all.size(), one);
  }
  return url;
}

bool readable(zmq::socket_t& socket, int limit_ms) {
  zmq::pollitem_t item{socket.handle(), 0, ZMQ_POLLIN, 0};
  int ready = 0;
  do {
    ready = zmq_poll(&item, 1, limit_ms);
  } while (ready < 0 && zmq_errno() == EINTR);
  return ready > 0;
}

}  // namespace

Gate::Gate(zmq::context_t& context, AllowList allowed)
    : asked_(context, zmq::socket_type::rep),
      bell_(context, zmq::socket_type::pair),
      rope_(context, zmq::socket_type::pair),
      allowed_(std::move(allowed)) {
  for (zmq::socket_t* socket : {&asked_, &bell_, &rope_}) socket->set(zmq::sockopt::linger, 0);
  asked_.bind("inproc://zeromq.zap.01");
  bell_.bind("inproc://gate");
  rope_.connect("inproc://gate");
  thread_ = std::thread([this] { work(); });
}

Gate::~Gate() {
  rope_.send(zmq::message_t(), zmq::send_flags::dontwait);
  thread_.join();
}

bool Gate::allow(AllowList allowed) {
  const std::lock_guard lock(mutex_);
  const bool fewer =
      std::any_of(allowed_.begin(), allowed_.end(), [&](const auto& one) { return !allowed.contains(one.first); });
  allowed_ = std::move(allowed);
  return fewer;
}

bool ListWatch::look(Gate& gate) {
  if (!changed_) return false;
  const double now = machine_seconds();
  if (now < next_s_) return false;
  next_s_ = now + every_ms / 1000.0;
  std::optional<AllowList> list = changed_();
  return list && gate.allow(std::move(*list));
}

std::optional<ListedPeer> Gate::find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto at = allowed_.find(key);
  return at == allowed_.end() ? std::nullopt : std::optional(at->second);
}

void Gate::work() {
  try {
    for (;;) {
      zmq::pollitem_t items[] = {{bell_.handle(), 0, ZMQ_POLLIN, 0}, {asked_.handle(), 0, ZMQ_POLLIN, 0}};
      if (zmq_poll(items, 2, -1) < 0 && zmq_errno() != EINTR) return;
      if ((items[0].revents & ZMQ_POLLIN) != 0) return;
      if ((items[1].revents & ZMQ_POLLIN) != 0) answer();
    }
  } catch (const zmq::error_t&) {
    // nobody answers any more, and so nobody is let in any more
  }
}

/// https://rfc.zeromq.org/spec/27: version, request id, domain, address, identity, mechanism, key.
void Gate::answer() {
  std::vector<zmq::message_t> frames;
  do {
    if (!asked_.recv(frames.emplace_back(), zmq::recv_flags::dontwait)) return;
  } while (frames.back().more());
  std::string key;
  if (frames.size() == 7 && frames[5].to_string_view() == "CURVE" && frames[6].size() == 32) {
    std::array<char, 41> text{};
    zmq_z85_encode(text.data(), static_cast<const std::uint8_t*>(frames[6].data()), 32);
    key = text.data();
  }
  const bool listed = find(key).has_value();
  const std::string id = frames.size() > 1 ? frames[1].to_string() : "";
  const std::string parts[] = {"1.0", id, listed ? "200" : "400", listed ? "" : "not listed", listed ? key : "", ""};
  for (std::size_t i = 0; i < std::size(parts); ++i) {
    asked_.send(zmq::buffer(parts[i]), i + 1 < std::size(parts) ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
}

void prove_closed(const std::string& url, const std::string& server_key, zmq::socket_type as) {
  zmq::context_t context;
  zmq::socket_t seen(context, zmq::socket_type::pair), stranger(context, as);
  const KeyPair nobody = new_key_pair();
  stranger.set(zmq::sockopt::linger, 0);
  stranger.set(zmq::sockopt::ipv6, 1);
  stranger.set(zmq::sockopt::curve_serverkey, server_key);
  stranger.set(zmq::sockopt::curve_publickey, nobody.open);
  stranger.set(zmq::sockopt::curve_secretkey, nobody.secret);
  seen.set(zmq::sockopt::linger, 0);
  constexpr int told = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                       ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
  if (zmq_socket_monitor(stranger.handle(), "inproc://seen", told) != 0) throw zmq::error_t();
  seen.connect("inproc://seen");
  stranger.connect(reached_at(url));
  const std::string self_test = url + ": self-test with a key that is not listed: ";
  zmq::message_t event, from;
  if (!readable(seen, proof_ms) || !seen.recv(event, zmq::recv_flags::dontwait) || event.size() < 6) {
    throw std::runtime_error(self_test + "no answer, so nothing is proved and nothing is opened");
  }
  std::uint16_t what = 0;
  std::uint32_t status = 0;
  std::memcpy(&what, event.data(), 2);
  std::memcpy(&status, event.data<char>() + 2, 4);
  zmq_socket_monitor(stranger.handle(), nullptr, 0);
  if (what == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) throw std::runtime_error(self_test + "it was let in; nothing is opened");
  if (what != ZMQ_EVENT_HANDSHAKE_FAILED_AUTH || status != 400) {
    throw std::runtime_error(self_test + "it failed for another reason, so nothing is proved and nothing is opened");
  }
}

}  // namespace swiperig
