#include "reports/follower.hpp"

#include <boost/json.hpp>
#include <cerrno>
#include <deque>
#include <iterator>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "reports/messages.hpp"

namespace swiperig {

namespace json = boost::json;

namespace {

constexpr std::int64_t longest_message = 16 << 20;
constexpr int answer_ms = 5000;

/// What a follower must know of a message or a header; it is parsed for this in a buffer that is used again.
class Facts {
 public:
  explicit Facts(const zmq::message_t& frame) : memory_(buffer_) {
    boost::system::error_code error;
    const auto text = frame.to_string_view();
    value_ = json::parse({text.data(), text.size()}, error, json::storage_ptr(&memory_));
    if (error || !value_.is_object()) throw FollowError("what was published is not a JSON object: not a swiperig run?");
  }
  std::int64_t number(const char* name) const {
    const json::value* value = value_.get_object().if_contains(name);
    if (value == nullptr || !value->is_int64()) {
      throw FollowError(std::string("a message without \"") + name + "\": not a swiperig run?");
    }
    return value->get_int64();
  }
  std::string text(const char* name) const {
    const json::value* value = value_.get_object().if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
  }
  bool has(const char* name) const { return value_.get_object().contains(name); }
  void check_schema() const {
    if (const auto schema = number("schema"); schema != message_schema) {
      throw FollowError("messages of schema " + std::to_string(schema) + ": this program reads schema " +
                        std::to_string(message_schema));
    }
  }

 private:
  unsigned char buffer_[2048] = {};
  json::monotonic_resource memory_;
  json::value value_ = json::value(json::storage_ptr(&memory_));
};

}  // namespace

class Follower::Ear {
 public:
  Ear(const Endpoints& at, std::optional<std::int64_t> from, const std::optional<ClientKeys>& keys, int wait_ms)
      : at_(at), live_(context_, zmq::socket_type::sub), asking_(context_, zmq::socket_type::req) {
    live_.set(zmq::sockopt::linger, 0);
    asking_.set(zmq::sockopt::linger, 0);
    for (zmq::socket_t* socket : {&live_, &asking_}) {
      socket->set(zmq::sockopt::maxmsgsize, longest_message);
      socket->set(zmq::sockopt::reconnect_ivl_max, 1000);
      socket->set(zmq::sockopt::ipv6, 1);
      if (!keys) continue;
      socket->set(zmq::sockopt::curve_serverkey, keys->server);
      socket->set(zmq::sockopt::curve_publickey, keys->own.open);
      socket->set(zmq::sockopt::curve_secretkey, keys->own.secret);
    }
    live_.connect(at.live);
    asking_.connect(at.backfill);
    std::vector<Followed> begin;
    const auto size = ask(0, 1, wait_ms, begin);
    if (!size) {
      throw FollowError("nobody publishes at " + at.live + " (no answer at " + at.backfill + " within " +
                        std::to_string(wait_ms / 1000) + " s): is `swiperig run ... --publish " + at.live +
                        "` running" + (keys ? ", with this key, and does its allow.toml list yours?" : "?"));
    }
    if (begin.size() != 1) throw FollowError(at.backfill + " has no first message of its run: not a swiperig run?");
    first = begin.front().json;
    next_ = from.value_or(*size);
    live_.set(zmq::sockopt::subscribe, "run/" + run + "/");
  }

  std::optional<Followed> next(int limit_ms) {
    for (;;) {
      if (!filled_.empty()) {
        Followed told = std::move(filled_.front());
        filled_.pop_front();
        return told;
      }
      if (ended_) return std::nullopt;
      if (!readable(live_, behind_ ? 0 : limit_ms)) {
        // the last messages may be the lost ones, and nothing comes after them that would show it
        fill();
        if (filled_.empty()) return std::nullopt;
        continue;
      }
      zmq::message_t topic, text;
      if (!live_.recv(topic, zmq::recv_flags::dontwait)) continue;
      if (!topic.more() || !live_.recv(text, zmq::recv_flags::dontwait) || text.more()) {
        throw FollowError("a message that is not a topic and a text: not a swiperig run?");
      }
      const Facts facts(text);
      facts.check_schema();
      const std::int64_t seq = facts.number("seq");
      if (seq > next_) {
        fill();
        if (filled_.empty()) throw FollowError("messages from " + std::to_string(next_) + " on are not answered");
      }
      if (seq == next_) filled_.push_back(take(topic, text, facts));
    }
  }

  bool ended() const { return ended_ && filled_.empty(); }
  std::string run, first;

 private:
  static bool readable(zmq::socket_t& socket, int limit_ms) {
    zmq::pollitem_t item{socket.handle(), 0, ZMQ_POLLIN, 0};
    int ready = 0;
    do {
      ready = zmq_poll(&item, 1, limit_ms);
    } while (ready < 0 && zmq_errno() == EINTR);
    if (ready < 0) throw FollowError(std::string("ZeroMQ: ") + zmq_strerror(zmq_errno()));
    return ready > 0;
  }

  Followed take(const zmq::message_t& topic, const zmq::message_t& text, const Facts& facts) {
    ++next_;
    ended_ = facts.text("state") == "ended";
    return {next_ - 1, topic.to_string(), text.to_string()};
  }

  void fill() {
    std::vector<Followed> told;
    if (!ask(next_, 1000, answer_ms, told)) {
      throw FollowError("messages from " + std::to_string(next_) + " on are missing, and " + at_.backfill +
                        " does not answer: the run is over or was ended. All of it is in its run.trace; --linger 60s "
                        "lets a run answer for a while after its end");
    }
    filled_.insert(filled_.end(), std::make_move_iterator(told.begin()), std::make_move_iterator(told.end()));
  }

  /// How many messages there are, and those from `from` on; nothing: no answer.
  std::optional<std::int64_t> ask(std::int64_t from, std::int64_t at_most, int wait_ms, std::vector<Followed>& told) {
    json::object request{{"from", from}, {"at_most", at_most}};
    if (!run.empty()) request["run"] = run;
    const std::string text = json::serialize(request);
    asking_.send(zmq::buffer(text), zmq::send_flags::none);
    if (!readable(asking_, wait_ms)) return std::nullopt;
    std::vector<zmq::message_t> frames;
    do {
      if (!asking_.recv(frames.emplace_back(), zmq::recv_flags::dontwait)) return std::nullopt;
    } while (frames.back().more());
    const Facts header(frames[0]);
    header.check_schema();
    if (header.has("error")) throw FollowError(at_.backfill + ": " + header.text("error"));
    if (run.empty()) {
      run = header.text("run");
      next_ = from;
    }
    const std::int64_t size = header.number("size");
    if (frames.size() % 2 == 0) throw FollowError("an answer of odd length: not a swiperig run?");
    for (std::size_t i = 1; i + 1 < frames.size(); i += 2) {
      const Facts facts(frames[i + 1]);
      if (facts.number("seq") != next_) throw FollowError("an answer that leaves messages out");
      told.push_back(take(frames[i], frames[i + 1], facts));
    }
    behind_ = size > next_;
    return size;
  }

  Endpoints at_;
  zmq::context_t context_;
  zmq::socket_t live_, asking_;
  std::deque<Followed> filled_;
  std::int64_t next_ = 0;
  bool ended_ = false, behind_ = false;
};

Follower::Follower(const Endpoints& at, std::optional<std::int64_t> from, const std::optional<ClientKeys>& keys,
                   int wait_ms) try
    : ear_(std::make_unique<Ear>(at, from, keys, wait_ms)) {
} catch (const zmq::error_t& e) {
  throw FollowError(at.live + ": cannot be followed: " + e.what());
}

Follower::~Follower() = default;

std::optional<Followed> Follower::next(int limit_ms) { return ear_->next(limit_ms); }
bool Follower::ended() const { return ear_->ended(); }
const std::string& Follower::run_id() const { return ear_->run; }
const std::string& Follower::first() const { return ear_->first; }

}  // namespace swiperig
