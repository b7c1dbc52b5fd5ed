#include "rig/points.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "rig/attempt_facts.hpp"

namespace swiperig {

namespace {

constexpr int kPoints = 21;

/// What a step of the case did to the terminal itself; whether a brown-out did, the measured rail says.
bool kills(const StepAction& action) {
  if (const auto* supply = std::get_if<Supply>(&action)) return !supply->on;
  const auto* part = std::get_if<PartState>(&action);
  return part != nullptr && ((part->part == "app" && part->state != "sound") || part->part == "os");
}

/// Milestones of which as many leave the path as enter it, unless something is lost there.
bool counted(std::string_view name) {
  return name.starts_with("reversal_") || name.starts_with("settlement_") || name.starts_with("upload_");
}

bool is_issuers_silence(std::string_view code) { return code == "68" || code == "91" || code == "98"; }

class Reached {
 public:
  Reached(const Case& c, const Transaction& t, const Scope& scope, std::span<const Event> events)
      : case_(c), t_(t), scope_(scope), facts_(t, scope), begun_(begun()) {
    for (const Event& e : events) see(e);
    new_occasion();
    for (const Attempt& a : t.attempts) {
      if (a.carried) continue;
      if (a.intent >= 0 && a.intent == t.case_intent) sale(a);
      if (!a.entered && begun_ != 0 && (a.reversal_entered.seq > begun_ || a.journal == "pending"))
        put(3, died_ != 0 || !turned_away());
      reversal(a);
    }
    const bool asked = std::any_of(t.attempts.begin(), t.attempts.end(), [&](const Attempt& a) {
      return a.entered && a.intent >= 0 && a.intent == t.case_intent;
    });
    put(1, t.swipe_begun && !t.card_read && !asked && died_ == 0);
    put(2, t.card_read && !asked && !has(3) && died_ > t.card_read.seq);
    put(4, !asked && turned_away() && !has(3));
    settlement();
  }

  std::vector<std::string> list() const {
    std::vector<std::string> out;
    for (int n = 1; n <= kPoints; ++n) {
      if (has(n)) out.push_back("P" + std::to_string(n));
    }
    return out;
  }

 private:
  std::uint64_t begun() const {
    return t_.case_intent < 0 ? 0 : t_.intents[static_cast<std::size_t>(t_.case_intent)].begun.seq;
  }
  bool turned_away() const {
    return std::any_of(t_.refusals.begin(), t_.refusals.end(),
                       [&](const Mark& m) { return m.seq > begun_ && (!t_.recovery || m.seq < t_.recovery.seq); });
  }
  void put(int point, bool reached) { reached_[static_cast<std::size_t>(point)] |= reached; }
  bool has(int point) const { return reached_[static_cast<std::size_t>(point)]; }

  void see(const Event& e) {
    if (const auto* fired = std::get_if<Fired>(&e.body)) {
      const auto step = static_cast<std::size_t>(fired->step);
      if (!fired->done || fired->step < 0 || step >= case_.steps.size()) return;
      const Step& s = case_.steps[step];
      if (kills(s.action)) die(e.seq);
      if (const auto* fault = std::get_if<NetworkFault>(&s.action)) faults_[s.when].insert(fault->kind);
      if (const auto* part = std::get_if<PartState>(&s.action)) parts_.insert(part->part);
      return;
    }
    if (const auto* read = std::get_if<BookRead>(&e.body)) {
      for (const Entry& row : read->entries) {
        if (read->book == "journal") rows_[row.batch + "/" + row.stan].insert(row.state);
      }
      return;
    }
    if (std::holds_alternative<BrownOut>(e.body)) browned_out_ = true;
    if (const auto* reading = std::get_if<Reading>(&e.body)) {
      if (browned_out_ && alive_ && scope_.without_power(reading->rail_mv)) die(e.seq);
      return;
    }
    if (std::holds_alternative<Intent>(e.body)) new_occasion();
    const auto* m = std::get_if<Milestone>(&e.body);
    if (m == nullptr) return;
    if (m->name == "booted") {
      alive_ = true;
      new_occasion();
    }
    if (m->name == "host_died") host_died_ = e.seq;
    see_try(*m, e.seq);
    if (m->name == "settlement_entered" && settling_ == 0) settling_ = e.seq;
    if (m->name == "settled") settled_ = e.seq;
    if (counted(m->name)) ++seen_[m->name];
    if (m->name == "reversal_entered") {
      const std::string key = std::string(field(m->fields, "batch")) + "/" + std::string(field(m->fields, "stan"));
      if (ended_.contains(key)) repeated_.insert(key);
      ++tries_[key];
      reversal_on_[std::string(field(m->fields, "connection"))] = key;
    }
    if (m->name == "reversal_response_left") {
      const auto on = reversal_on_.find(std::string(field(m->fields, "connection")));
      const auto& done = scope_.reversal_done_codes;
      const bool ends = std::find(done.begin(), done.end(), field(m->fields, "code")) != done.end();
      if (on != reversal_on_.end() && ends) ended_.insert(on->second);
    }
  }

  void die(std::uint64_t seq) {
    if (died_ == 0) died_ = seq;
    last_died_ = seq;
    alive_ = false;
  }

  /// The first time that a request was sent; what is repeated later does not make good what became of that.
  void see_try(const Milestone& m, std::uint64_t seq) {
    const auto get = [&](std::string_view name) { return field(m.fields, name); };
    const auto once = [&](std::uint64_t& mark) {
      if (mark == 0) mark = seq;
    };
    if (m.name == "request_entered") {
      std::string key = std::string(get("batch")) + "/" + std::string(get("stan"));
      if (tries_of_.try_emplace(key).second) try_on_[std::string(get("connection"))] = std::move(key);
    } else if (m.name == "request_at_host" || m.name == "committed") {
      const auto it = tries_of_.find(std::string(get("batch")) + "/" + std::string(get("stan")));
      if (it != tries_of_.end()) once(m.name == "committed" ? it->second.committed : it->second.at_host);
    } else if (const auto on = try_on_.find(get("connection")); on != try_on_.end()) {
      Try& one = tries_of_[on->second];
      if (m.name == "request_left") once(one.left);
      if (m.name == "response_entered") once(one.answered);
      if (m.name == "response_left") {
        if (one.delivered == 0) one.to_the_dead = !alive_;
        once(one.delivered);
      }
      if (m.name == "closed" && get("by") == "terminal") once(one.hung_up);
      if (m.name == "response_entered" || m.name == "response_left") one.code = get("code"), one.mac = get("mac");
    }
  }

  /// The terminal starts, or the next customer comes: what was tried as often as may be, and has no end, has run out.
  void new_occasion() {
    for (const auto& [key, tries] : tries_) {
      if (scope_.reversal_tries > 0 && tries >= scope_.reversal_tries && !ended_.contains(key)) in_vain_.insert(key);
    }
    tries_.clear();
  }

  bool struck(const char* when, std::initializer_list<NetworkFault::Kind> kinds) const {
    const auto at = faults_.find(when);
    if (at == faults_.end()) return false;
    return std::any_of(kinds.begin(), kinds.end(), [&](NetworkFault::Kind kind) { return at->second.contains(kind); });
  }
  void sale(const Attempt& a) {
    const auto found = tries_of_.find(a.batch + "/" + a.stan);
    if (found == tries_of_.end()) return;
    const Try& one = found->second;
    const bool cut = struck("request_entered", {NetworkFault::cut});
    put(6, one.left == 0 && cut);
    const bool in_vain = one.hung_up != 0 && one.left > one.hung_up;
    put(5, (one.left == 0 && !cut) || in_vain);
    if (one.left == 0 || in_vain) return;
    const bool taken = one.at_host != 0 || !scope_.sources.contains("host");
    const bool booked_there = one.committed != 0 && (one.hung_up == 0 || one.committed < one.hung_up);
    put(7, taken && !booked_there && host_died_ > one.left && one.answered == 0);
    put(8, taken && (is_issuers_silence(one.code) || (!booked_there && one.answered == 0 && host_died_ == 0)));
    put(9, booked_there && one.answered == 0);
    const bool late = one.hung_up != 0 && (one.delivered > one.hung_up || one.answered > one.hung_up);
    const bool slowed = struck("response_entered", {NetworkFault::delay, NetworkFault::reorder}) || line_slowed();
    put(11, late || (one.answered != 0 && one.delivered == 0 && slowed));
    put(10, one.answered != 0 && (one.delivered == 0 || one.to_the_dead) && !has(11));
    put(12, a.foreign || a.mangled || t_.garbage || (one.delivered != 0 && (one.mac == "wrong" || facts_.forged(a))) ||
                struck("response_entered", {NetworkFault::alter, NetworkFault::replay, NetworkFault::duplicate}) ||
                struck("request_entered", {NetworkFault::alter, NetworkFault::duplicate}));
    const bool approved = one.delivered != 0 && approved_code(one.code) && one.mac != "wrong";
    const bool told = a.told && a.told_outcome == "APPROVED";
    const auto rows = rows_.find(a.batch + "/" + a.stan);
    const bool booked = rows != rows_.end() && (rows->second.contains("approved") || rows->second.contains("reversed"));
    // what is repeated until it is answered is in doubt by being repeated
    const bool doubted = a.reversal_entered.seq > one.delivered || a.requests > 1;
    const bool died = one.answered != 0 && last_died_ > one.answered;
    put(13, approved && !told_before_death(a) && died && (!booked || (a.requests > 1 && doubted)));
    put(14, approved && !told && died && booked && doubted);
    put(15, approved && booked && !doubted && ((!told && died) || t_.parts.printer_failed));
    // a terminal that takes back what it cannot print is at the same point, and ends it otherwise
    put(15, approved && !scope_.unprinted_sale_stands && t_.parts.printer_failed.seq > one.delivered);
    put(15, told && parts_.contains("display"));
    put(16, approved && booked && !doubted && !told && parts_.contains("ecr_link"));
  }
  bool told_before_death(const Attempt& a) const {
    return a.told && a.told.seq < last_died_ && a.told_outcome == "APPROVED";
  }
  bool line_slowed() const {
    for (const auto& [when, kinds] : faults_) {
      if (kinds.contains(NetworkFault::rate) || kinds.contains(NetworkFault::jitter) ||
          kinds.contains(NetworkFault::outage)) {
        return true;
      }
    }
    return false;
  }

  void reversal(const Attempt& a) {
    if (a.reversal_entered.seq <= begun_) return;
    put(17, seen("reversal_entered") > seen("reversal_left") || faults_.contains("reversal_entered"));
    put(18, seen("reversal_response_entered") > seen("reversal_response_left") ||
                faults_.contains("reversal_response_entered"));
    put(19, last_died_ != 0 && repeated_.contains(a.batch + "/" + a.stan));
    put(20, a.gave_up.seq > begun_ || in_vain_.contains(a.batch + "/" + a.stan));
  }

  void settlement() {
    for (const char* stem : {"settlement", "settlement_response", "upload", "upload_response"}) {
      const std::string name(stem);
      put(21, seen(name + "_entered") > seen(name + "_left"));
    }
    put(21, settling_ != 0 && last_died_ > settling_ && settled_ > last_died_);
  }
  int seen(const std::string& name) const {
    const auto it = seen_.find(name);
    return it == seen_.end() ? 0 : it->second;
  }

  /// Event numbers; 0: not seen.
  struct Try {
    std::uint64_t left = 0, at_host = 0, committed = 0, answered = 0, delivered = 0, hung_up = 0;
    bool to_the_dead = false;  ///< delivered while nobody was there
    std::string code, mac;     ///< of the response
  };

  const Case& case_;
  const Transaction& t_;
  const Scope& scope_;
  AttemptFacts facts_;
  std::uint64_t begun_;
  bool alive_ = true, browned_out_ = false;
  std::uint64_t died_ = 0, last_died_ = 0, host_died_ = 0, settling_ = 0, settled_ = 0;  // event numbers
  std::map<std::string, std::set<NetworkFault::Kind>, std::less<>> faults_;              // that fired, by when
  std::set<std::string, std::less<>> parts_;
  std::map<std::string, int> seen_, tries_;
  std::map<std::string, Try> tries_of_;                     // by batch/STAN
  std::map<std::string, std::string, std::less<>> try_on_;  // connection: batch/STAN
  std::map<std::string, std::string> reversal_on_;          // connection: batch/STAN
  std::map<std::string, std::set<std::string>> rows_;       // of the journal, all that was ever read
  std::set<std::string> ended_, repeated_, in_vain_;        // by batch/STAN
  std::array<bool, kPoints + 1> reached_{};
};

}  // namespace

std::vector<std::string> points_reached(const Case& c, const Transaction& t, const Scope& scope,
                                        std::span<const Event> events) {
  return Reached(c, t, scope, events).list();
}

std::vector<std::string> points_named(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string word(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool number = word.size() >= 2 && word.size() <= 3 && word[0] == 'P' && word[1] >= '1' && word[1] <= '9' &&
                        (word.size() == 2 || (word[2] >= '0' && word[2] <= '9'));
    if (!number || std::stoi(word.substr(1)) > kPoints) return {};
    out.push_back(word);
  }
  return out;
}

bool observable(std::string_view point, const Scope& scope) {
  const auto any = [&](std::initializer_list<std::string_view> these) {
    return std::find(these.begin(), these.end(), point) != these.end();
  };
  if (any({"P7", "P8", "P9"})) return scope.sources.contains("host");
  if (any({"P3", "P13", "P14", "P15"})) return scope.books.contains("journal");
  if (point == "P20") return scope.reversal_tries > 0;  // else there is no last one
  return true;
}

}  // namespace swiperig
