#include "bindings/control.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "bindings/config.hpp"
#include "bindings/durable_file.hpp"
#include "bindings/keys.hpp"
#include "reports/visible.hpp"
#include "rig/bytes.hpp"
#include "rig/digest.hpp"

namespace swiperig {

namespace json = boost::json;

namespace {

constexpr std::int64_t control_schema = 1;
constexpr std::size_t deepest = 8, longest_id = 64, most_kept = 4096, piece = 256 << 10, most_words = 16 << 10;
constexpr std::int64_t longest_lease_s = 3600, usual_lease_s = 60;

struct Command {
  const char* name;
  Role least;
  bool acts;  ///< asked again under its id, it is not done again
  enum Lease { none, may, must } lease;
};
constexpr Command commands[] = {
    {"status", Role::observer, false, Command::none}, {"fetch", Role::observer, false, Command::none},
    {"check", Role::observer, false, Command::none},  {"open", Role::operates, true, Command::none},
    {"close", Role::operates, true, Command::must},   {"run", Role::operates, true, Command::must},
    {"act", Role::operates, true, Command::must},     {"rest", Role::operates, true, Command::must},
    {"stop", Role::operates, true, Command::must},    {"safe_state", Role::operates, true, Command::may},
    {"keys", Role::admin, true, Command::none},
};

std::uint64_t last_number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  if (std::filesystem::exists(path) && !(file >> number)) {
    throw ConfigError(path + ":1:1: expected the last fencing number of a lease; remove the file if nobody has one");
  }
  return number;
}

/// Durable before it is used, so that no number is given out twice.
void keep_number(const std::string& path, std::uint64_t number) {
  try {
    write_over(path, std::to_string(number) + "\n", 0600);
  } catch (const ConfigError& e) {
    throw ConfigError(std::string(e.what()) + ": the number of the lease cannot be kept, so there is none");
  }
}

}  // namespace

struct Control::Refused {
  const char* name;
  std::string why;
};

struct Control::Request {
  std::string id, campaign, run, said;
  const Command* command = nullptr;
  std::optional<std::uint64_t> fence, seed;
  std::optional<std::int64_t> cycles, lease_s, offset;
  bool take_over = false;

  json::object begin() const { return {{"schema", control_schema}, {"id", id}, {"command", command->name}}; }
  PortAnswer done(json::object more = {}) const {
    json::object all = begin();
    for (auto& [name, value] : more) all[name] = std::move(value);
    return {json::serialize(all), ""};
  }

  static Request read(std::string_view text);
};

Control::Request Control::Request::read(std::string_view text) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = deepest;
  const json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error || !value.is_object()) throw Refused{"request", "expected an object of JSON"};
  const json::object& all = value.get_object();
  Request r;
  if (const auto* id = all.if_contains("id"); id != nullptr && id->is_string()) {
    if (id->get_string().size() <= longest_id) r.id = std::string(id->get_string());
  }
  if (r.id.empty()) throw Refused{"request", "expected \"id\", 1 to 64 bytes of text that no other request has"};
  const auto wrong = [&](const std::string& expected) { return std::pair{r.id, Refused{"request", expected}}; };
  const auto* schema = all.if_contains("schema");
  if (schema == nullptr || !schema->is_int64() || schema->get_int64() != control_schema) {
    throw wrong("expected \"schema\": 1");
  }
  const auto* name = all.if_contains("command");
  for (const Command& c : commands) {
    if (name != nullptr && name->is_string() && name->get_string() == c.name) r.command = &c;
  }
  if (r.command == nullptr) {
    throw wrong("expected \"command\": open, close, run, act, rest, stop, status, safe_state, fetch, check or keys");
  }
  const std::string_view of = r.command->name;
  for (const auto& member : all) {
    const std::string_view key = member.key();
    const json::value& v = member.value();
    const auto whole = [&](std::int64_t least, std::int64_t most) {
      if (!v.is_int64() || v.get_int64() < least || v.get_int64() > most) {
        throw wrong("\"" + std::string(key) + "\": expected a whole number from " + std::to_string(least) + " to " +
                    std::to_string(most));
      }
      return v.get_int64();
    };
    const auto said = [&] {
      if (!v.is_string() || v.get_string().empty()) throw wrong("\"" + std::string(key) + "\": expected text");
      return std::string(v.get_string());
    };
    if (key == "schema" || key == "id" || key == "command") continue;
    if (key == "fence" && r.command->lease != Command::none) {
      r.fence = static_cast<std::uint64_t>(whole(1, INT64_MAX));
    } else if (key == "lease_s" && of == "open") {
      r.lease_s = whole(1, longest_lease_s);
    } else if (key == "take_over" && of == "open" && v.is_bool()) {
      r.take_over = v.get_bool();
    } else if (key == "campaign" && (of == "run" || of == "check")) {
      r.campaign = said();
    } else if (key == "do" && of == "act") {
      r.said = said();
    } else if (key == "seed" && (of == "run" || of == "act") && v.is_uint64()) {
      r.seed = v.get_uint64();
    } else if (key == "seed" && (of == "run" || of == "act")) {
      r.seed = static_cast<std::uint64_t>(whole(0, INT64_MAX));
    } else if (key == "cycles" && of == "run") {
      r.cycles = whole(1, 1'000'000'000);
    } else if (key == "run" && of == "fetch") {
      r.run = said();
    } else if (key == "offset" && of == "fetch") {
      r.offset = whole(0, INT64_MAX);
    } else {
      throw wrong("\"" + std::string(key) + "\" is not of this command, or not of its kind");
    }
  }
  if (r.command->lease == Command::must && !r.fence) throw wrong("expected \"fence\", as open answered it");
  if (of == "act" && r.said.empty()) throw wrong("expected \"do\", what is to be done now");
  if ((of == "run" || of == "check") && r.campaign.empty())
    throw wrong("expected \"campaign\", the text of a campaign file");
  if (of == "fetch" && (r.run.empty() || !r.offset)) throw wrong("expected \"run\" and \"offset\"");
  return r;
}

Control::Control(ControlledBench bench, std::string fences)
    : bench_(std::move(bench)), fences_(std::move(fences)), last_fence_(last_number(fences_)) {}

PortAnswer Control::answer(const Caller& caller, std::string_view text, double now_s) {
  const std::lock_guard lock(mutex_);
  const auto refuse = [](const std::string& id, const Refused& r) {
    json::object all{{"schema", control_schema}, {"refused", r.name}, {"error", r.why}};
    if (!id.empty()) all["id"] = id;
    return PortAnswer{json::serialize(all), ""};
  };
  std::string id;
  try {
    if (!caller.peer) throw Refused{"key", "your key is not listed any more"};
    const Request r = Request::read(text);
    id = r.id;
    if (caller.peer->role < r.command->least) {
      throw Refused{"role", caller.peer->name + " is " + role_name(caller.peer->role) + " here; " + r.command->name +
                                " takes " + role_name(r.command->least)};
    }
    if (const std::string_view name = r.command->name; !r.command->acts) {
      if (name == "check") return r.done({{"cases", bench_.check(r.campaign)}});
      return name == "status" ? status(r, now_s) : fetch(r);
    }
    const std::string asked = to_hex(sha256(bytes_of(text)));
    for (const Kept& k : kept_) {
      if (k.id != id || k.key != caller.key) continue;
      if (k.request == asked) return k.answer;
      throw Refused{"repeated_id", "this id was another request's; nothing was done"};
    }
    if (r.command->lease == Command::must || r.fence) check_lease(caller, r, now_s);
    if (kept_.size() >= most_kept) {
      // what was asked under an old lease is refused for that
      const auto old =
          std::find_if(kept_.begin(), kept_.end(), [&](const Kept& k) { return k.fence != fence_ || !held(now_s); });
      if (old == kept_.end()) throw Refused{"full", "too many requests under one lease: close it, and open again"};
      kept_.erase(old);
    }
    PortAnswer done = act(caller, r, now_s);
    kept_.push_back({caller.key, id, asked, r.fence ? *r.fence : fence_, done});
    return done;
  } catch (const Refused& r) {
    return refuse(id, r);
  } catch (const std::pair<std::string, Refused>& r) {
    return refuse(r.first, r.second);
  } catch (const ConfigError& e) {
    return refuse(id, {"request", visible(e.what())});
  } catch (const std::exception& e) {
    return refuse(id, {"fault", visible(e.what())});
  }
}

bool Control::held(double now_s) const {
  const bool runs = run_fence_ == fence_ && (job_ || doing_ == Doing::run);
  return fence_ != 0 && (now_s < until_s_ || runs);
}

void Control::check_lease(const Caller& caller, const Request& r, double now_s) const {
  if (r.fence == fence_ && caller.key == holder_key_ && held(now_s)) return;
  const std::string number = std::to_string(*r.fence);
  if (*r.fence > last_fence_ || (r.fence == fence_ && caller.key != holder_key_)) {
    throw Refused{"lease", "lease " + number + " is not yours: open answers one"};
  }
  throw Refused{"old_lease", "lease " + number + " has ended" +
                                 (held(now_s) ? ", and " + holder_name_ + " has the bench since" : "") +
                                 "; nothing was done: open again"};
}

PortAnswer Control::act(const Caller& caller, const Request& r, double now_s) {
  const std::string_view name = r.command->name;
  if (r.fence && *r.fence == fence_) hands.until_s = until_s_ = now_s + lease_s_;
  if (name == "open") return open(caller, r, now_s);
  if (name == "close") {
    if (working()) throw Refused{"busy", "a run is under way: stop it first"};
    fence_ = 0;
    return r.done();
  }
  if (name == "run") {
    if (working()) throw Refused{"busy", "the bench is busy: status says with what"};
    job_ = ControlJob{r.id, false, r.campaign, r.seed.value_or(1), r.cycles};
    run_ = Run{r.id, "waiting", "", "", 0};
    run_fence_ = fence_;
    by_hand_ = false;
    stop_run = false;
    return r.done({{"run", r.id}});
  }
  if (name == "act") return do_by_hand(r, now_s);
  if (name == "rest") {
    hands.leave();
    return r.done();
  }
  if (name == "stop") {
    if (doing_ == Doing::elsewhere) throw Refused{"busy", "the run is of somebody on the rig's own machine"};
    stop_run = true;
    return r.done();
  }
  if (name == "safe_state") {
    stop_run = true;
    safe_wanted_ = true;
    return r.done();
  }
  json::object listed;
  for (const auto& [key, peer] : bench_.reread()) listed[peer.name] = role_name(peer.role);
  return r.done({{"listed", std::move(listed)}});
}

/// The first one begins a run, which the others are part of.
PortAnswer Control::do_by_hand(const Request& r, double now_s) {
  const bool under_way = by_hand_ && run_fence_ == fence_ && (job_ || doing_ == Doing::run);
  if (working() && (!under_way || safe_wanted_ || stop_run)) {
    throw Refused{"busy", "the bench is busy: status says with what"};
  }
  ByHand what = bench_.by_hand(r.said);
  if (!under_way) hands.begin();
  hands.until_s = now_s + lease_s_;
  if (!hands.put(r.id, std::move(what))) throw Refused{"busy", "what was asked before is still being done"};
  if (!under_way) {
    job_ = ControlJob{r.id, true, "", r.seed.value_or(1), std::nullopt};
    run_ = Run{r.id, "waiting", "", "", 0};
    run_fence_ = fence_;
    by_hand_ = true;
    stop_run = false;
  }
  return r.done({{"run", run_->id}});
}

PortAnswer Control::open(const Caller& caller, const Request& r, double now_s) {
  if (held(now_s)) {
    if (!r.take_over) {
      throw Refused{"lease", holder_name_ + " has the bench; an admin may take it over, with \"take_over\": true"};
    }
    if (caller.peer->role != Role::admin) throw Refused{"role", "only an admin takes the bench from somebody"};
  }
  keep_number(fences_, last_fence_ + 1);
  fence_ = ++last_fence_;
  holder_key_ = caller.key;
  holder_name_ = caller.peer->name;
  lease_s_ = static_cast<double>(r.lease_s.value_or(usual_lease_s));
  until_s_ = now_s + lease_s_;
  return r.done({{"fence", fence_}, {"lease_s", r.lease_s.value_or(usual_lease_s)}, {"bench", bench_.name}});
}

PortAnswer Control::status(const Request& r, double now_s) const {
  const char* const states[] = {"idle", "running", "making_safe", "running"};
  json::object said{{"bench", bench_.name},
                    {"has", json::array(bench_.has.begin(), bench_.has.end())},
                    {"state", states[static_cast<std::size_t>(doing_)]}};
  if (job_) said["state"] = "running";
  if (doing_ == Doing::nothing && !job_ && safe_wanted_) said["state"] = "making_safe";
  if (!not_safe_.empty()) said["not_safe"] = not_safe_;
  if (held(now_s)) {
    said["lease"] = {{"name", holder_name_}, {"fence", fence_}, {"left_s", std::max(0.0, until_s_ - now_s)}};
  }
  if (run_) {
    json::object run{{"id", run_->id}, {"state", run_->state}};
    if (run_->state == "ended") {
      run["exit"] = run_->code;
      run["words"] = run_->words;
    }
    said["run"] = std::move(run);
  }
  if (auto hand = hands.told()) said["hand"] = std::move(*hand);
  return r.done(std::move(said));
}

PortAnswer Control::fetch(const Request& r) const {
  if (!run_ || run_->id != r.run || run_->state != "ended") {
    throw Refused{"request", "only the last run can be fetched, once it has ended"};
  }
  const std::string path = run_->folder + "/run.trace";
  std::ifstream file(path, std::ios::binary);
  std::error_code none;
  const auto size = std::filesystem::file_size(path, none);
  if (none || !file) throw Refused{"request", "that run left no trace"};
  std::string bytes(piece, '\0');
  file.seekg(*r.offset);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
  PortAnswer answer = r.done({{"run", r.run}, {"offset", *r.offset}, {"size", size}, {"bytes", bytes.size()}});
  answer.bytes = std::move(bytes);
  return answer;
}

std::optional<ControlJob> Control::take() {
  const std::lock_guard lock(mutex_);
  if (doing_ != Doing::nothing) return std::nullopt;
  if (job_) {
    doing_ = Doing::run;
    run_->state = "running";
    return std::exchange(job_, std::nullopt);
  }
  if (!std::exchange(safe_wanted_, false)) return std::nullopt;
  doing_ = Doing::safe_state;
  return ControlJob();
}

void Control::ended(int code, const std::string& words, const std::string& folder, double now_s) {
  const std::lock_guard lock(mutex_);
  hands.ended(words);
  if (doing_ == Doing::run) {
    run_->state = "ended";
    run_->code = code;
    std::size_t from = words.size() - std::min(words.size(), most_words);
    while (from < words.size() && (static_cast<unsigned char>(words[from]) & 0xC0U) == 0x80) ++from;
    run_->words = words.substr(from);
    run_->folder = folder;
  } else {
    not_safe_ = words;
  }
  doing_ = Doing::nothing;
  // hands that nobody moved were taken off when the lease was over
  if (run_fence_ == fence_ && !by_hand_) until_s_ = std::max(until_s_, now_s + lease_s_);
}

std::string Control::begin_elsewhere(double now_s) {
  const std::lock_guard lock(mutex_);
  if (held(now_s)) return holder_name_;
  doing_ = Doing::elsewhere;
  return "";
}

void Control::end_elsewhere() {
  const std::lock_guard lock(mutex_);
  doing_ = Doing::nothing;
}

}  // namespace swiperig
