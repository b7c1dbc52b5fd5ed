#include "reports/answer_port.hpp"

#include <thread>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "reports/door.hpp"
#include "reports/gate.hpp"
#include "reports/publisher.hpp"

namespace swiperig {

namespace {
constexpr int most_waiting = 8;  // questions or answers of one peer
}

class AnswerPort::Station {
 public:
  Station(const std::string& url, const std::optional<Access>& access, Ask ask)
      : ask_(std::move(ask)),
        list_(access),
        socket_(context_, zmq::socket_type::router),
        bell_(context_, zmq::socket_type::pair),
        rope_(context_, zmq::socket_type::pair) {
    socket_.set(zmq::sockopt::sndhwm, most_waiting);
    socket_.set(zmq::sockopt::rcvhwm, most_waiting);
    socket_.set(zmq::sockopt::linger, 100);
    if (access) gate_.emplace(context_, access->allowed);
    door_.emplace(context_, socket_, url, static_cast<std::int64_t>(longest_question), access ? &access->own : nullptr);
    if (access) prove_closed(url, access->own.open, zmq::socket_type::req);
    bell_.bind("inproc://bell");
    rope_.connect("inproc://bell");
    thread_ = std::thread([this] { work(); });
  }
  ~Station() {
    rope_.send(zmq::message_t(), zmq::send_flags::dontwait);
    thread_.join();
  }
  void allow(AllowList allowed) {
    if (gate_) gate_->allow(std::move(allowed));
  }

 private:
  void work() {
    try {
      for (;;) {
        zmq::pollitem_t items[3] = {{bell_.handle(), 0, ZMQ_POLLIN, 0}, {socket_.handle(), 0, ZMQ_POLLIN, 0}};
        if (gate_) items[2] = door_->bell();
        if (zmq_poll(items, gate_ ? 3 : 2, list_.sleep_ms()) < 0) {
          if (zmq_errno() == EINTR) continue;
          return;
        }
        if (gate_ && list_.look(*gate_)) door_->turn_out();
        if ((items[0].revents & ZMQ_POLLIN) != 0) return;
        if ((items[1].revents & ZMQ_POLLIN) != 0) answer();
        if ((items[2].revents & ZMQ_POLLIN) != 0) door_->look();
      }
    } catch (const zmq::error_t&) {
      // nobody is answered any more; the bench is with its guardian
    }
  }

  void answer() {
    std::vector<zmq::message_t> frames;
    for (bool more = true; more;) {
      zmq::message_t frame;
      if (!socket_.recv(frame, zmq::recv_flags::dontwait)) return;
      more = frame.more();
      if (frames.size() < 4) frames.push_back(std::move(frame));
    }
    if (frames.size() != 3 || frames[1].size() != 0) return;
    Caller caller;
    if (gate_) {
      const char* key = zmq_msg_gets(frames[2].handle(), "User-Id");
      caller.key = key == nullptr ? "?" : key;
      caller.peer = gate_->find(caller.key);
    } else {
      caller.peer = ListedPeer{"owner", Role::admin};
    }
    const PortAnswer told = ask_(caller, frames[2].to_string_view());
    const auto more = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
    socket_.send(frames[0], more);
    socket_.send(zmq::message_t(), more);
    socket_.send(zmq::buffer(told.json), told.bytes.empty() ? zmq::send_flags::dontwait : more);
    if (!told.bytes.empty()) socket_.send(zmq::buffer(told.bytes), zmq::send_flags::dontwait);
  }

  Ask ask_;
  ListWatch list_;
  zmq::context_t context_;
  std::optional<Gate> gate_;
  zmq::socket_t socket_;
  std::optional<Door> door_;
  zmq::socket_t bell_, rope_;  // the thread's end, and the end of whoever rings
  std::thread thread_;
};

AnswerPort::AnswerPort(const std::string& url, const std::optional<Access>& access, Ask ask) try
    : station_(std::make_unique<Station>(url, access, std::move(ask))) {
} catch (const zmq::error_t& e) {
  throw PublishError(url + ": cannot be bound: " + e.what() + "; name another address, or end what is there");
} catch (const std::runtime_error& e) {
  throw PublishError(e.what());
}

AnswerPort::~AnswerPort() = default;

void AnswerPort::allow(AllowList allowed) { station_->allow(std::move(allowed)); }

}  // namespace swiperig
