#include "tests/bench/publish_rates.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "bindings/assembly.hpp"
#include "bindings/campaign_file.hpp"
#include "bindings/epochs.hpp"
#include "bindings/places.hpp"
#include "reports/publisher.hpp"
#include "rig/clock.hpp"
#include "rig/trace_file.hpp"

namespace swiperig {

namespace {

namespace fs = std::filesystem;

constexpr int rounds = 7;
constexpr std::int64_t cycles = 400;
constexpr std::int64_t usual = 50, short_epoch = 2;  // cycles of an epoch

double thread_cpu_s() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

double middle(std::vector<double> all) {
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

/// A folder of this round.
struct Folder {
  Folder() {
    std::string name = "/tmp/swiperig.XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string path;
};

struct Stage {
  Stage()
      : campaign(read_campaign(std::string(source_dir) + "/fixtures/campaigns/no_return.toml")),
        bench(read_bench(std::string(source_dir) + "/fixtures/benches/virtual.toml", "")) {
    info.scope = scope_of(bench);
    info.cases = campaign.cases;
    info.id = "figures";
  }
  void run(std::int64_t cycles_an_epoch, const std::function<void(EpochRecord)>& take) const {
    Plan plan{bench, {}, 1, cycles, cycles_an_epoch, {}};
    plan.at = [&](std::int64_t n, const DrawPlace&) {
      return campaign.cases[static_cast<std::size_t>(n) % campaign.cases.size()];
    };
    run_epochs_here(
        plan, [] { return false; }, take);
  }
  const Campaign campaign;
  const BenchFile bench;
  RunInfo info;
};

/// Somebody who follows in a thread of his own.
class Listener {
 public:
  Listener(const std::string& url, const std::optional<ClientKeys>& keys, bool stopped = false)
      : socket_(context_, zmq::socket_type::sub) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvhwm, 10'000);
    socket_.set(zmq::sockopt::rcvtimeo, 50);
    socket_.set(zmq::sockopt::subscribe, "");
    if (keys) {
      socket_.set(zmq::sockopt::curve_serverkey, keys->server);
      socket_.set(zmq::sockopt::curve_publickey, keys->own.open);
      socket_.set(zmq::sockopt::curve_secretkey, keys->own.secret);
    }
    socket_.connect(url);
    if (!stopped) thread_ = std::thread([this] { listen(); });
  }
  ~Listener() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
  }
  /// Messages heard by now, and when the last came.
  std::int64_t heard() const { return heard_; }
  double last_s() const { return last_s_; }

 private:
  void listen() {
    zmq::message_t frame;
    while (!over_) {
      if (!socket_.recv(frame)) continue;
      if (frame.more()) continue;
      ++heard_;
      last_s_ = machine_seconds();
    }
  }
  zmq::context_t context_;
  zmq::socket_t socket_;
  std::atomic<bool> over_ = false;
  std::atomic<std::int64_t> heard_ = 0;
  std::atomic<double> last_s_ = 0;
  std::thread thread_;
};

struct Keys {
  KeyPair rig = new_key_pair(), wall = new_key_pair();
  Access access() const { return {rig, {{wall.open, {"wall", Role::observer}}}}; }
  ClientKeys client() const { return {wall, rig.open}; }
};

double rate_of(const Listener& listener, double began_s, std::int64_t before_it, std::int64_t wanted) {
  const double until = machine_seconds() + 5;
  for (std::int64_t before = -1; machine_seconds() < until && listener.heard() < wanted;) {
    if (listener.heard() == before && machine_seconds() - listener.last_s() > 0.5) break;
    before = listener.heard();
    ::poll(nullptr, 0, 5);
  }
  return static_cast<double>(listener.heard() - before_it) / (listener.last_s() - began_s);
}

/// Messages a second that come to a follower of a publisher whose trace has grown by a whole run at once.
double published_per_s(const Stage& stage, const std::vector<EpochRecord>& epochs, const std::string& url,
                       const Keys* keys, std::int64_t& messages) {
  const Folder folder;
  TraceWriter trace(folder.path + "/run.trace", stage.info, false);
  const std::string next = url.starts_with("tcp") ? url.substr(0, url.size() - 1) + "1" : url + ".backfill";
  Publisher publisher({url, next}, keys != nullptr ? std::optional(keys->access()) : std::nullopt);
  publisher.begin(folder.path + "/run.trace");
  const Listener listener(url, keys != nullptr ? std::optional(keys->client()) : std::nullopt);
  auto next_epoch = epochs.begin();
  while (listener.heard() == 0 && next_epoch + 1 != epochs.end()) {  // until it has come in
    ::poll(nullptr, 0, 200);
    trace.epoch(*next_epoch++);
    publisher.grown();
    ::poll(nullptr, 0, 200);
  }
  const std::int64_t before = listener.heard();
  std::int64_t grown = 0;
  for (; next_epoch != epochs.end(); ++next_epoch) {
    trace.epoch(*next_epoch);
    for (const CycleRecord& c : next_epoch->cycles) grown += 2 + static_cast<std::int64_t>(event_count(c));
  }
  const double began = machine_seconds();
  publisher.grown();
  const double rate = rate_of(listener, began, before, before + grown);
  messages = listener.heard() - before;
  return rate;
}

/// The neighbour: so many messages of that size from memory, with the same bounds.
double bare_per_s(const std::string& url, const Keys* keys, std::int64_t messages, std::size_t bytes) {
  zmq::context_t context;
  zmq::socket_t socket(context, zmq::socket_type::pub);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::sndhwm, 10'000);
  if (keys != nullptr) {
    socket.set(zmq::sockopt::curve_server, 1);
    socket.set(zmq::sockopt::curve_secretkey, keys->rig.secret);
  }
  socket.bind(url);
  const Listener listener(url, keys != nullptr ? std::optional(keys->client()) : std::nullopt);
  ::poll(nullptr, 0, 1000);
  const std::string topic = "run/figures/event", text(bytes, 'x');
  const double began = machine_seconds();
  for (std::int64_t i = 0; i < messages; ++i) {
    socket.send(zmq::buffer(topic), zmq::send_flags::sndmore | zmq::send_flags::dontwait);
    socket.send(zmq::buffer(text), zmq::send_flags::dontwait);
  }
  return rate_of(listener, began, 0, messages);
}

/// Processor seconds of the thread that makes the cycles, an epoch each.
std::vector<double> loop_s(const Stage& stage, std::int64_t cycles_an_epoch, int followers, bool stopped) {
  const Folder folder;
  std::vector<double> took;
  const std::string url = "ipc://" + folder.path + "/run";
  TraceWriter trace(folder.path + "/run.trace", stage.info, false);
  std::optional<Publisher> publisher;
  std::vector<std::unique_ptr<Listener>> audience;
  if (followers > 0) {
    publisher.emplace(Endpoints{url, url + ".backfill"});
    publisher->begin(folder.path + "/run.trace");
    for (int i = 0; i < followers; ++i) {
      audience.push_back(std::make_unique<Listener>(url, std::nullopt, stopped));
    }
    ::poll(nullptr, 0, 200);
  }
  double before = thread_cpu_s();
  stage.run(cycles_an_epoch, [&](EpochRecord record) {
    trace.epoch(record);
    if (publisher) publisher->grown();
    const double now = thread_cpu_s();
    took.push_back(now - before);
    before = now;
  });
  return took;
}

double sum_of(const std::vector<double>& all) {
  double sum = 0;
  for (const double one : all) sum += one;
  return sum;
}

double p99_of(std::vector<double> all) {
  std::sort(all.begin(), all.end());
  return all[all.size() * 99 / 100];
}

}  // namespace

std::string publish_rates() {
  const Stage stage;
  std::vector<EpochRecord> epochs;
  std::size_t bytes = 0, messages_in_all = 0;
  stage.run(usual, [&](EpochRecord record) {
    for (const CycleRecord& c : record.cycles) {
      bytes += c.lines.chunk().size();
      messages_in_all += event_count(c);
    }
    epochs.push_back(std::move(record));
  });
  bytes = bytes / messages_in_all + 120;  // a message has its run, number, source and kind in words
  const Keys keys;
  std::vector<double> plain, curve, plain_rate, bare_rate, curve_rate, bare_curve_rate;
  for (int i = 0; i < rounds; ++i) {
    const Folder folder;
    std::int64_t heard = 0;
    plain_rate.push_back(published_per_s(stage, epochs, "ipc://" + folder.path + "/p", nullptr, heard));
    bare_rate.push_back(bare_per_s("ipc://" + folder.path + "/b", nullptr, heard, bytes));
    plain.push_back(plain_rate.back() / bare_rate.back());
    const int port = 20'000 + getpid() % 2'000 * 20;
    const std::string tcp = "tcp://127.0.0.1:";
    curve_rate.push_back(published_per_s(stage, epochs, tcp + std::to_string(port), &keys, heard));
    bare_curve_rate.push_back(bare_per_s(tcp + std::to_string(port + 10), &keys, heard, bytes));
    curve.push_back(curve_rate.back() / bare_curve_rate.back());
  }
  std::vector<double> four, stopped, tail;
  for (int i = 0; i < rounds; ++i) {
    const double before = sum_of(loop_s(stage, usual, 0, false)), with_four = sum_of(loop_s(stage, usual, 4, false));
    const double with_one = sum_of(loop_s(stage, usual, 1, true)), after = sum_of(loop_s(stage, usual, 0, false));
    four.push_back(2 * with_four / (before + after));
    stopped.push_back(2 * with_one / (before + after));
    const double first = p99_of(loop_s(stage, short_epoch, 0, false));
    const double its = p99_of(loop_s(stage, short_epoch, 1, true));
    tail.push_back(2 * its / (first + p99_of(loop_s(stage, short_epoch, 0, false))));
  }
  char text[700];
  std::snprintf(text, sizeof text,
                "\"publishing\":{\"rounds\":%d,\"message_bytes\":%zu,\"pub_per_s\":%.0f,\"bare_pub_per_s\":%.0f,"
                "\"pub_to_bare\":%.2f,\"curve_pub_per_s\":%.0f,\"bare_curve_pub_per_s\":%.0f,\"curve_to_bare\":%.2f,"
                "\"loop_cpu_four_followers_to_alone\":%.3f,\"loop_cpu_stopped_follower_to_alone\":%.3f,"
                "\"loop_p99_stopped_follower_to_alone\":%.3f}",
                rounds, bytes, middle(plain_rate), middle(bare_rate), middle(plain), middle(curve_rate),
                middle(bare_curve_rate), middle(curve), middle(four), middle(stopped), middle(tail));
  return text;
}

}  // namespace swiperig
