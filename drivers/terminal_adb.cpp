#include "drivers/terminal_adb.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <span>
#include <stdexcept>
#include <utility>

#include "drivers/said_text.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kStatusBytes = 4, kMostAnswer = 4096, kMostSeen = 65'536, kMostFaultText = 512;
constexpr Duration kAnswerLimit = 5s;  // of a service that ends by itself
constexpr Duration kAgain = 500ms;

std::string framed(std::string_view service) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (int shift = 12; shift >= 0; shift -= 4) text += digits[service.size() >> shift & 15];
  return text.append(service);
}

template <class Number>
bool read_number(std::string_view text, Number& value, int radix = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, radix);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

TerminalLink log_words(std::vector<MaskRule> masks) {
  TerminalLink words;
  words.framing.kind = EcrFraming::Kind::lines;
  words.masks = std::move(masks);
  return words;
}

/// The server or the terminal did not do it: what they said.
struct AdbFault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace

bool is_shell_word(std::string_view text, std::string_view also) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || also.find(c) != also.npos;
  });
}

/// A connection that has been asked for something.
struct TerminalAdb::Turn {
  Turn(TerminalAdb& a, std::unique_ptr<Link> l) : adb(a), link(std::move(l)) { adb.open_.push_back(link.get()); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { std::erase(adb.open_, link.get()); }

  /// Exactly `size` bytes.
  Task<std::string> exactly(std::size_t size) {
    std::string text;
    while (text.size() < size) {
      std::array<std::uint8_t, 512> chunk;
      const std::size_t n =
          co_await link->read_some(std::span(chunk).first(std::min(chunk.size(), size - text.size())));
      if (n == 0) throw AdbFault("the connection ended within an answer");
      text += text_of(BytesView(chunk).first(n));
    }
    co_return text;
  }

  Task<> request(std::string service) {
    const std::string text = framed(service);
    co_await link->write(bytes_of(text));
    const std::string status = co_await exactly(kStatusBytes);
    if (status == "OKAY") co_return;
    if (status != "FAIL") throw AdbFault("no adb server: it answered \"" + readable(status) + "\"");
    const std::string length = co_await exactly(kStatusBytes);
    std::size_t size = 0;
    if (!read_number(length, size, 16)) throw AdbFault("no adb server: a length of \"" + readable(length) + "\"");
    std::string why = co_await exactly(std::min(size, kMostFaultText));
    std::replace(why.begin(), why.end(), '\n', ' ');
    throw AdbFault(readable(why));
  }

  /// To the end of the connection.
  Task<std::string> rest() {
    std::string text;
    std::array<std::uint8_t, 512> chunk;
    for (;;) {
      const std::size_t n = co_await link->read_some(chunk);
      if (n == 0) break;
      text += text_of(BytesView(chunk).first(n));
      if (text.size() > kMostAnswer) throw AdbFault("more than 4096 bytes where a few were asked for");
    }
    co_return text;
  }

  TerminalAdb& adb;
  std::unique_ptr<Link> link;
};

TerminalAdb::TerminalAdb(Clock& clock, std::unique_ptr<Dialer> server, AdbSettings settings,
                         std::vector<TextRule> rules, std::vector<MaskRule> masks)
    : clock_(clock),
      server_(std::move(server)),
      settings_(std::move(settings)),
      rules_(std::move(rules)),
      words_(log_words(std::move(masks))),
      masker_(words_),
      crew_(clock) {
  if (!is_shell_word(settings_.package, adb_package_signs))
    throw std::invalid_argument("a package name of letters, digits, '.' and '_'");
  if (!is_shell_word(settings_.log_filter, adb_filter_signs))
    throw std::invalid_argument("a filter as in \"POS:I *:S\"");
}

Task<std::unique_ptr<TerminalAdb::Turn>> TerminalAdb::open(std::string service) {
  std::unique_ptr<Link> link = co_await server_->dial();
  auto turn = std::make_unique<Turn>(*this, std::move(link));
  if (closed_) throw LinkError(LinkError::closed, "closed here");
  std::string transport = "host:transport:" + settings_.serial;
  co_await turn->request(std::move(transport));
  co_await turn->request(std::move(service));
  co_return turn;
}

/// A service that ends by itself; AdbFault when it does not in time.
Task<std::string> TerminalAdb::ask(std::string service) {
  struct Answer {
    std::string text;
    std::exception_ptr failure;
    bool over = false;
    Bell bell;
  } answer;
  std::unique_ptr<Turn> turn;
  Link* waited_for = nullptr;
  const auto work = [&]() -> Task<> {
    try {
      std::unique_ptr<Link> link = co_await server_->dial();
      waited_for = link.get();
      turn = std::make_unique<Turn>(*this, std::move(link));
      std::string transport = "host:transport:" + settings_.serial;
      co_await turn->request(std::move(transport));
      co_await turn->request(service);
      answer.text = co_await turn->rest();
    } catch (...) {
      answer.failure = std::current_exception();
    }
    answer.over = true;
    answer.bell.ring();
  };
  Crew crew(clock_);
  crew.start(work());
  const Time limit = clock_.now() + kAnswerLimit;
  while (!answer.over && clock_.now() < limit) co_await clock_.wait(answer.bell, limit);
  const bool late = !answer.over;
  if (late && waited_for != nullptr) waited_for->close(Close::reset);
  if (late && waited_for == nullptr) server_->give_up();
  co_await crew.join();
  if (late) throw AdbFault("no answer within 5 s");
  if (answer.failure) std::rethrow_exception(answer.failure);
  co_return std::move(answer.text);
}

Task<> TerminalAdb::serve() {
  crew_.start(read_log());
  crew_.start(look());
  co_await crew_.join();
}

/// Asks for what the log says from now on, again whenever that ends.
Task<> TerminalAdb::read_log() {
  while (!closed_) {
    EcrCutter cutter(words_.framing);
    try {
      std::string service = "exec:logcat -v brief -T 1 " + settings_.log_filter;
      auto turn = co_await open(std::move(service));
      std::array<std::uint8_t, 4096> chunk;
      while (!closed_) {
        const std::size_t n = co_await turn->link->read_some(chunk);
        if (n == 0) break;
        for (std::size_t i = 0; i < n; ++i) {
          if (const auto cut = cutter.take(chunk[i])) take_log(*cut);
        }
        co_await clock_.yield();  // a log that never ends leaves the bench its turn
      }
    } catch (const std::runtime_error&) {  // told by look(), which asks as well
    }
    if (!closed_) co_await clock_.wait(stops_log_, clock_.now() + kAgain);
  }
}

void TerminalAdb::take_log(const Cut& cut) {
  if (cut.what != Cut::frame) return;  // longer than any line, or empty
  if (seen_.size() >= kMostSeen) {
    ++untold_;
    return;
  }
  if (untold_ > 0) tell(Text{"link", "adb: " + std::to_string(std::exchange(untold_, 0)) + " log lines found no room"});
  std::string line = cut.data;
  masker_.mask(line);
  tell_text(rules_, "log", line, clock_.now(), seen_);
  seen_bell_.ring();
}

/// Whether terminal and application are there, and since when.
Task<> TerminalAdb::look() {
  while (!closed_) {
    std::string why;
    try {
      std::string service = "exec:pidof -s " + settings_.package + "; echo; cat /proc/uptime";
      const Time asked = clock_.now();
      const std::string said = co_await ask(std::move(service));
      take_look(said, asked);
    } catch (const AdbFault& e) {
      why = e.what();
    } catch (const LinkError& e) {
      why = e.kind == LinkError::closed ? "" : std::string("the adb server cannot be reached: ") + e.what();
    }
    if (!closed_ && !why.empty()) lost(why);
    if (!closed_) co_await clock_.wait(stops_look_, clock_.now() + settings_.look_every);
  }
}

/// "1234\n\n5678.90 4321.00\n": the process ID, or nothing, an empty line, the uptime in seconds.
void TerminalAdb::take_look(const std::string& said, Time asked) {
  std::string_view text = said;
  if (!text.ends_with('\n')) return lost("no uptime: the answer ended early");
  const auto line = [&] {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(text.size(), end + 1));
    if (one.ends_with('\r')) one.remove_suffix(1);
    return one;
  };
  std::int64_t pid = 0, uptime = 0;
  std::string_view first = line();
  const bool runs = !first.empty();
  if (runs && (!read_number(first, pid) || pid < 1))
    return lost("no process ID: \"" + readable(first.substr(0, 80)) + "\"");
  if (runs) line();
  const std::string_view last = line();
  if (!read_number(last.substr(0, last.find('.')), uptime) || uptime < 0) {
    return lost("no uptime: \"" + readable(last.substr(0, 80)) + "\"");
  }
  there();
  const Time now = clock_.now();
  const Duration since = asked - looked_, unsure = started_ == never ? settings_.look_every : now - looked_;
  looked_ = asked;
  // read at some moment between question and answer, and of whole seconds; by a clock that may go a little otherwise
  const Time earliest = asked - std::chrono::seconds(uptime + 1), latest = now - std::chrono::seconds(uptime);
  if (started_ != never && earliest > started_ + since / 1000) {
    tell(Presence{"os", false, settings_.serial}, unsure);
    tell(Presence{"os", true, settings_.serial + ", up for " + std::to_string(uptime) + " s"}, unsure);
  }
  started_ = latest;
  const std::string process = runs ? std::to_string(pid) : "";
  if (process == pid_) return;
  if (!pid_.empty()) tell(Presence{"app", false, settings_.package + ", process " + pid_}, unsure);
  if (!process.empty()) tell(Presence{"app", true, settings_.package + ", process " + process}, unsure);
  pid_ = process;
}

void TerminalAdb::there() {
  last_fault_.clear();
  if (!std::exchange(there_, true)) tell(Presence{"adb", true, settings_.serial}, settings_.look_every);
}

void TerminalAdb::lost(const std::string& why) {
  // of application and system nothing is known from here on, which is not that they ended
  if (std::exchange(there_, false)) tell(Presence{"adb", false, settings_.serial}, clock_.now() - looked_);
  if (why != last_fault_) tell(Text{"link", "adb: " + settings_.serial + ": " + why});
  last_fault_ = why;
}

void TerminalAdb::tell(Body body, Duration unsure) {
  seen_.push_back({std::move(body), clock_.now(), unsure});
  seen_bell_.ring();
}

Task<Seen> TerminalAdb::next() {
  while (seen_.empty()) {
    if (closed_) throw LinkError(LinkError::closed, "closed here");
    co_await clock_.wait(seen_bell_, never);
  }
  Seen seen = std::move(seen_.front());
  seen_.pop_front();
  co_return seen;
}

Task<> TerminalAdb::set(PartState state) {
  std::string service;
  if (state.part == "app" && state.state == "crash") service = "exec:am force-stop " + settings_.package;
  if (state.part == "os" && state.state == "crash") service = "reboot:";
  const bool nothing = state.state == "sound";  // what crashed comes back by itself
  if (service.empty() && !nothing)
    throw EquipmentError("adb does not make a terminal's " + state.part + " " + state.state);
  if (nothing) co_return;
  std::string why;
  try {
    const std::string said = co_await ask(std::move(service));
    if (!said.empty()) why = readable(std::string_view(said).substr(0, 200));
  } catch (const std::runtime_error& e) {
    why = e.what();
  }
  if (!why.empty())
    throw EquipmentError("adb: " + settings_.serial + ": " + state.part + " " + state.state + ": " + why);
}

void TerminalAdb::close() {
  if (std::exchange(closed_, true)) return;
  server_->close();
  for (Link* link : open_) link->close(Close::reset);
  seen_bell_.ring();
  stops_log_.ring();
  stops_look_.ring();
}

}  // namespace swiperig
