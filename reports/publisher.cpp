#include "reports/publisher.hpp"

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <cerrno>
#include <optional>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "reports/door.hpp"
#include "reports/gate.hpp"
#include "reports/messages.hpp"
#include "rig/trace_tail.hpp"

namespace swiperig {

namespace json = boost::json;

namespace {

constexpr int most_waiting = 10'000;             // messages for one follower
constexpr int most_answers = 4;                  // waiting for one that asks and does not listen
constexpr std::int64_t longest_request = 4096;   // bytes
constexpr std::int64_t page = 1024;              // messages sent before anybody who asked is answered
constexpr std::int64_t farthest_behind = 65536;  // messages, before the rest is left to the back-fill
constexpr std::int64_t most_in_answer = 1000;
constexpr std::size_t answer_bytes = 1 << 20;
constexpr int closing_ms = 100;  // for what is still on its way to a follower

struct Request {
  std::int64_t from = 0, at_most = most_in_answer;
};

/// Throws std::runtime_error that says what was expected.
Request request_of(std::string_view text, const std::string& run) {
  boost::system::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) throw std::runtime_error(R"(expected {"from": 0, "at_most": 1000})");
  Request request;
  bool has_from = false;
  for (const auto& [key, member] : value.get_object()) {
    if (key == "run") {
      if (!member.is_string() || std::string_view(member.get_string()) != run) {
        throw std::runtime_error("unknown run: this socket tells of run " + run);
      }
    } else if (key == "from" && member.is_int64() && member.get_int64() >= 0) {
      request.from = member.get_int64();
      has_from = true;
    } else if (key == "at_most" && member.is_int64() && member.get_int64() >= 1) {
      request.at_most = std::min(member.get_int64(), most_in_answer);
    } else {
      throw std::runtime_error(R"(expected "from" (an integer from 0), "at_most" (from 1) and "run" only)");
    }
  }
  if (!has_from) throw std::runtime_error(R"(expected "from", the number of the first message)");
  return request;
}

}  // namespace

class Publisher::Station {
 public:
  Station(const Endpoints& at, const std::optional<Access>& access)
      : list_(access),
        live_(context_, zmq::socket_type::xpub),  // a PUB that knows whether anybody listens
        backfill_(context_, zmq::socket_type::router),
        bell_(context_, zmq::socket_type::pair),
        rope_(context_, zmq::socket_type::pair) {
    live_.set(zmq::sockopt::sndhwm, most_waiting);
    backfill_.set(zmq::sockopt::sndhwm, most_answers);
    backfill_.set(zmq::sockopt::rcvhwm, most_answers);
    live_.set(zmq::sockopt::linger, closing_ms);
    backfill_.set(zmq::sockopt::linger, closing_ms);
    if (access) gate_.emplace(context_, access->allowed);
    open(backfill_door_, backfill_, at.backfill, access);
    open(live_door_, live_, at.live, access);
    if (access) {
      prove_closed(at.backfill, access->own.open, zmq::socket_type::req);
      prove_closed(at.live, access->own.open, zmq::socket_type::sub);
    }
    bell_.bind("inproc://bell");
    rope_.connect("inproc://bell");
  }
  ~Station() { stop(false); }

  void begin(const std::string& trace) {
    tail_ = std::make_unique<TraceTail>(trace);
    pending_ = true;
    thread_ = std::thread([this] { work(); });
  }

  void grown() {
    if (!pending_.exchange(true)) ring();
  }

  std::string stop(bool send_rest) {
    if (!thread_.joinable()) return failure_;
    (send_rest ? ending_ : leaving_) = true;
    ring();
    thread_.join();
    tail_.reset();
    return failure_;
  }

 private:
  void open(std::optional<Door>& door, zmq::socket_t& socket, const std::string& url,
            const std::optional<Access>& access) {
    try {
      door.emplace(context_, socket, url, longest_request, access ? &access->own : nullptr);
    } catch (const zmq::error_t& e) {
      throw PublishError(url + ": cannot be bound: " + e.what() + "; name another address, or end what is there");
    }
  }

  void ring() { rope_.send(zmq::message_t(), zmq::send_flags::dontwait); }

  void work() {
    try {
      // what was told to begin with is in the file already
      for (bool more = true; !leaving_;) {
        zmq::pollitem_t items[5] = {{bell_.handle(), 0, ZMQ_POLLIN, 0},
                                    {backfill_.handle(), 0, ZMQ_POLLIN, 0},
                                    {live_.handle(), 0, ZMQ_POLLIN, 0}};
        if (gate_) {
          items[3] = backfill_door_->bell();
          items[4] = live_door_->bell();
        }
        if (more) {
          const bool last = ending_;
          pending_ = false;
          more = send_page();
          if (last && !more) return;
        }
        if (zmq_poll(items, gate_ ? 5 : 3, more ? 0 : list_.sleep_ms()) < 0) {
          if (zmq_errno() == EINTR) continue;
          throw zmq::error_t();
        }
        if (gate_ && list_.look(*gate_)) {
          backfill_door_->turn_out();
          live_door_->turn_out();
        }
        zmq::message_t ignored;
        if ((items[0].revents & ZMQ_POLLIN) != 0) {
          while (bell_.recv(ignored, zmq::recv_flags::dontwait)) more = true;
        }
        if ((items[1].revents & ZMQ_POLLIN) != 0) answer();
        if ((items[2].revents & ZMQ_POLLIN) != 0) count_listeners();
        if ((items[3].revents & ZMQ_POLLIN) != 0) backfill_door_->look();
        if ((items[4].revents & ZMQ_POLLIN) != 0) live_door_->look();
      }
    } catch (const std::exception& e) {
      failure_ = e.what();
    }
  }

  /// Whoever comes is told by the next message what it missed.
  void count_listeners() {
    zmq::message_t change;
    while (live_.recv(change, zmq::recv_flags::dontwait)) {
      if (change.size() != 0) topics_ += *change.data<char>() == 1 ? 1 : *change.data<char>() == 0 ? -1 : 0;
    }
  }

  /// Whether there may be more.
  bool send_page() {
    const std::int64_t size = tail_->size();
    if (topics_ <= 0) {
      next_ = size;
      return false;
    }
    if (size - next_ > farthest_behind) next_ = size - page;
    std::int64_t sent = 0;
    tail_->read(next_, [&](std::int64_t number, const TailEntry& entry) {
      publish_into(sent_, tail_->run_id(), number, entry);
      const PublishedMessage& m = sent_;
      live_.send(zmq::buffer(m.topic), zmq::send_flags::sndmore | zmq::send_flags::dontwait);
      live_.send(zmq::buffer(m.json), zmq::send_flags::dontwait);
      next_ = number + 1;
      return ++sent < page;
    });
    return sent == page;
  }

  /// Whoever asks otherwise than in three frames, one of them empty, gets nothing.
  void answer() {
    std::vector<zmq::message_t> frames;
    do {
      zmq::message_t frame;
      if (!backfill_.recv(frame, zmq::recv_flags::dontwait)) return;
      const bool more = frame.more();
      if (frames.size() < 4) frames.push_back(std::move(frame));
      if (!more) break;
    } while (true);
    if (frames.size() != 3 || frames[1].size() != 0) return;
    json::object header{{"schema", message_schema}, {"run", tail_->run_id()}};
    std::vector<PublishedMessage> messages;
    try {
      const Request request = request_of(frames[2].to_string_view(), tail_->run_id());
      std::size_t bytes = 0;
      header["size"] = tail_->size();
      tail_->read(request.from, [&](std::int64_t number, const TailEntry& entry) {
        messages.push_back(published(tail_->run_id(), number, entry));
        bytes += messages.back().json.size();
        return static_cast<std::int64_t>(messages.size()) < request.at_most && bytes < answer_bytes;
      });
      header["from"] = request.from;
      header["count"] = messages.size();
    } catch (const TraceError&) {
      throw;
    } catch (const std::runtime_error& e) {
      header["error"] = e.what();
    }
    const auto more = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
    const std::string head = json::serialize(header);
    backfill_.send(frames[0], more);
    backfill_.send(zmq::message_t(), more);
    backfill_.send(zmq::buffer(head), messages.empty() ? zmq::send_flags::dontwait : more);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      backfill_.send(zmq::buffer(messages[i].topic), more);
      backfill_.send(zmq::buffer(messages[i].json), i + 1 == messages.size() ? zmq::send_flags::dontwait : more);
    }
  }

  zmq::context_t context_;
  std::optional<Gate> gate_;
  ListWatch list_;
  zmq::socket_t live_, backfill_;
  std::optional<Door> backfill_door_, live_door_;
  zmq::socket_t bell_, rope_;  // the thread's end, and the end of whoever rings
  std::unique_ptr<TraceTail> tail_;
  std::int64_t next_ = 0;
  PublishedMessage sent_;
  std::int64_t topics_ = 0;  // that somebody listens to
  std::atomic<bool> pending_ = false, ending_ = false, leaving_ = false;
  std::string failure_;
  std::thread thread_;
};

Publisher::Publisher(const Endpoints& at, const std::optional<Access>& access) try
    : station_(std::make_unique<Station>(at, access)) {
} catch (const PublishError&) {
  throw;
} catch (const zmq::error_t& e) {
  throw PublishError(std::string("ZeroMQ: ") + e.what());
} catch (const std::runtime_error& e) {
  throw PublishError(e.what());
}

Publisher::~Publisher() = default;

void Publisher::begin(const std::string& trace) { station_->begin(trace); }

void Publisher::grown() { station_->grown(); }

std::string Publisher::end() { return station_->stop(true); }

}  // namespace swiperig
