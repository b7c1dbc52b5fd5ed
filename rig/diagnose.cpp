#include "rig/diagnose.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "rig/diagnose_parts.hpp"
#include "rig/rule_out.hpp"

namespace swiperig {

namespace {

/// DOMAIN.md 2.5: which class of cause a declining code stands for.
std::string cause_of_code(const std::string& code) {
  static constexpr std::string_view host[] = {"06", "68", "90", "91", "92", "96", "98"};
  static constexpr std::string_view pin[] = {"38", "55", "75"};
  static constexpr std::string_view fraud[] = {"04", "07", "33", "34", "35", "36", "37", "41", "43", "59", "63"};
  // A0: what reached the host is what left the terminal, so their keys differ
  static constexpr std::string_view setup[] = {"03", "97", "14", "15", "54", "30", "77", "94", "A0"};
  const auto in = [&](auto& set) { return std::find(std::begin(set), std::end(set), code) != std::end(set); };
  if (code == "51") return "funds";
  if (code == "45") return "fallback";
  if (code == "13" || code == "64") return "wrong_amount";
  if (in(host)) return "host_down";
  if (in(pin)) return "wrong_pin";
  if (in(fraud)) return "forged";
  if (in(setup)) return "setup";
  return "policy";
}

/// When the case was over for whoever waits at the terminal. What was told of a sale that never left counts as well.
Mark told_of(const Transaction& t, const Attempt* a) {
  if (a != nullptr && a->told) return a->told;
  for (const Attempt& other : t.attempts) {
    if (other.told && !other.entered) return other.told;
  }
  return t.served;
}

/// The terminal asked for a PIN, and no request came of it.
Diagnosis without_pin(const Observed& o, const Transaction& t) {
  const PartsSeen& p = t.parts;
  const Mark asked = p.pins_wanted.back();
  const Mark typed = p.pins_typed.empty() ? Mark{} : p.pins_typed.back().first;
  if (typed.seq < asked.seq) {
    return answer("wrong_pin", "the terminal asked for the PIN, and no key was hit", {asked, t.silence});
  }
  if (o.awake != 0) {
    return answer("keypad", "the keys of the PIN were hit, and the terminal, which was awake, went on waiting for it",
                  {asked, typed, t.silence, Mark{o.awake, {}}});
  }
  if (o.asleep != 0) {
    return answer("app_hang", "the keys of the PIN were hit, and the terminal did not answer its register either",
                  {asked, typed, t.silence, Mark{o.asleep, {}}});
  }
  return undecided("the keys of the PIN were hit, and the terminal sent no request", {"keypad", "app_hang"},
                   {asked, typed, t.silence});
}

Diagnosis without_request(const Observed& o, const Transaction& t, const Scope& scope) {
  const bool odd = t.swipe && !t.swipe->manner.empty() && !t.swipe->manner.starts_with("twice");
  const bool bad_swipe =
      odd || (t.swipe && (t.swipe->speed_mm_s > scope.max_speed_mm_s || t.swipe->speed_mm_s < scope.min_speed_mm_s ||
                          (t.swipe->reverse && !scope.bidirectional_reader)));
  if (t.unreached) {
    return answer("network", "the terminal dialled the host and no connection came to be", {t.unreached, t.refused});
  }
  if (t.refused) return answer("host_down", "the host refused the connection", {t.refused});
  const auto told = std::find_if(t.attempts.begin(), t.attempts.end(),
                                 [](const Attempt& a) { return a.told && !a.entered && a.told_amount_minor != 0; });
  if (t.over_limit && told != t.attempts.end() && told->told_amount_minor != o.amount_minor &&
      pressed_minor(t) == o.amount_minor) {
    return answer("keypad",
                  "the keys of " + amount_text(o.amount_minor) + " were hit, and the terminal refused " +
                      amount_text(told->told_amount_minor),
                  {t.parts.pressed, t.over_limit, told->told});
  }
  if (t.over_limit) return answer("wrong_amount", "the terminal itself refused the amount", {t.over_limit});
  if (t.read_error) {
    if (bad_swipe) {
      return answer("operator_swipe",
                    odd                ? "the card was swiped " + t.swipe->manner + " and could not be read"
                    : t.swipe->reverse ? "the card was swiped the wrong way round and could not be read"
                                       : "the card was swiped at " + std::to_string(t.swipe->speed_mm_s) +
                                             " mm/s, outside what the reader takes, and could not be read",
                    {t.swiped, t.read_error});
    }
    return answer("card_reader", "a swipe within the reader's limits could not be read", {t.swiped, t.read_error});
  }
  if (!t.parts.pins_wanted.empty()) return without_pin(o, t);
  if (t.card_read) {
    return undecided("the card was read, but no request reached the network", {"app_hang", "network"},
                     {t.card_read, t.silence});
  }
  if (t.swiped && t.swiped.seq < t.silence.seq) {
    // the motion is told when all of it is over: the terminal may have spoken before
    const bool spoke = t.last_text.seq > t.card_wanted.seq;
    if (!spoke && o.card == 0 && !scope.sources.contains("card")) {
      return undecided("the terminal said nothing to a swipe, and nothing tells that a card was there",
                       {"app_hang", "card_reader", "rig_fault"}, {t.swiped, t.silence});
    }
    if (!spoke) {
      return answer("app_hang", "after the swipe of a card that can be read the terminal said nothing at all",
                    {t.swiped, t.silence, Mark{o.card, {}}});
    }
  }
  if (o.service && t.silence && t.parts.last_screen) {
    return answer("ecr_link", "the screen went on, and the register was told no end of it",
                  {t.parts.last_screen, t.silence});
  }
  if (!t.card_wanted && t.silence && o.awake != 0) {
    return answer("keypad", "the terminal never asked for the card, and was awake", {t.silence, Mark{o.awake, {}}});
  }
  if (!t.card_wanted && t.silence && o.asleep != 0) {
    return answer("app_hang", "the terminal never asked for the card, and did not answer its register either",
                  {t.silence, Mark{o.asleep, {}}});
  }
  if (!t.card_wanted)
    return undecided("the case ended before the terminal asked for the card", {"keypad", "app_hang"}, {});
  return undecided("the terminal waits for a card that it did not get", {"card_reader", "operator_swipe"},
                   {t.card_wanted, t.silence});
}

/// When the PIN that is the card's own was typed, if the terminal made this request of it.
Mark own_pin_typed(const Observed& o, const Transaction& t, const Attempt& a) {
  Mark asked;
  for (const Mark& m : t.parts.pins_wanted) {
    if (m.seq < a.entered.seq) asked = m;
  }
  const auto& typed = t.parts.pins_typed;  // told when the motion is over, perhaps after the request
  const auto it = std::find_if(typed.begin(), typed.end(), [&](const auto& one) { return one.first.seq > asked.seq; });
  return asked && it != typed.end() && it->second == o.slot ? it->first : Mark{};
}

/// The attempt that decides; null: none.
const Attempt* attempt_of(const Transaction& t) {
  const auto sent = [](const Attempt& a) { return bool(a.entered); };
  auto it = std::find_if(t.attempts.begin(), t.attempts.end(), sent);
  // a wrong PIN is asked for again, and the next one decides
  while (it != t.attempts.end() && it->code == "55") {
    const auto next = std::find_if(it + 1, t.attempts.end(), [&](const Attempt& a) {
      return sent(a) && a.intent == it->intent && a.entered.seq > it->response_left.seq;
    });
    if (next == t.attempts.end()) break;
    it = next;
  }
  if (it != t.attempts.end()) return &*it;
  // a logon that did not come back explains the sale that never left
  const bool explains = t.logon.entered && (t.logon.code != "00" || !t.logon.response_left);
  return explains ? &t.logon : nullptr;
}

Diagnosis first_match(const Observed& o, const Transaction& t, const Attempt* a, const Scope& scope) {
  if (t.fault) return answer("rig_fault", "the rig's own equipment failed: " + t.fault_what, {t.fault});
  const Mark done = told_of(t, a);
  if (!t.power_lost.empty() && !(done && done.seq < t.power_lost.front().seq)) {
    return answer("power", "the rail fell below the brown-out level before anything was told", {t.power_lost.front()});
  }
  if (auto gone = diagnose_gone(t, a, done, scope)) return *std::move(gone);
  if (auto said = diagnose_said(t, a, done)) return *std::move(said);
  if (a == nullptr && t.served) {
    if (t.served_outcome == "DONE") return answer("none", "done and told", {t.served});
    return undecided("the terminal said that it failed", {"network", "host_down"}, {t.served});
  }
  if (a == nullptr) return without_request(o, t, scope);

  const Mark& gave_up = a->closed_by_terminal;
  if (a->mangled && (a->told_outcome != "APPROVED" || !scope.mac)) {
    return answer("forged", "a message of it was changed on its way", {a->entered, a->response_entered, a->mangled});
  }
  if (!a->left) {
    return answer("network", "the terminal's request reached the network and never left it towards the host",
                  {a->entered, gave_up});
  }
  if (!a->response_entered && a->left.at - a->entered.at > scope.answer_timeout / 2) {
    return answer("network", "the request was under way for most of the time that the terminal waits",
                  {a->entered, a->left, gave_up});
  }
  if (a->foreign && !a->response_left) {
    return answer("forged",
                  "what reached the terminal was no response to its request" +
                      (a->foreign_what.empty() ? "" : ": " + a->foreign_what),
                  {a->left, a->foreign});
  }
  if (!a->response_entered) {
    if (t.garbage && t.garbage_from == "host") {
      return answer("forged", "the host's side sent bytes that are no message", {a->left, t.garbage});
    }
    return answer("host_down",
                  a->at_host ? "the host had the request and never answered"
                             : "the request went out to the host and nothing came back",
                  {a->left, a->at_host, gave_up});
  }
  if (a->response_entered.at - a->left.at > scope.answer_timeout) {
    return answer("host_slow",
                  "the host answered after " + to_text(a->response_entered.at - a->left.at) + ", the terminal waits " +
                      to_text(scope.answer_timeout),
                  {a->left, a->response_entered});
  }
  if (!a->response_left) {
    return answer("network", "the response reached the network and never left it towards the terminal",
                  {a->response_entered, gave_up});
  }
  if (a->response_left.at - a->entered.at > scope.answer_timeout) {
    return answer("network", "the response was under way for too long",
                  {a->entered, a->response_entered, a->response_left});
  }
  const bool approved = a->code == "00" || a->code == "10" || a->code == "11" || a->code == "16";
  if (a->mac == "wrong" || (a->mac == "absent" && scope.mac && approved && a != &t.logon)) {
    return answer(
        "forged",
        std::string("the response reached the terminal with ") + (a->mac == "wrong" ? "a wrong MAC" : "no MAC"),
        {a->response_left});
  }
  if (const Mark typed = own_pin_typed(o, t, *a); typed && a->code == "55") {
    return answer("keypad", "the keys of the card's own PIN were hit, and the host was asked about another one",
                  {typed, a->entered, a->response_left});
  }
  if (!approved) {
    return answer(cause_of_code(a->code), "the host declined with code " + a->code, {a->response_left, a->told});
  }
  if (a->told_outcome == "APPROVED") {
    if (a->kind->booked && o.amount_minor != 0 && a->told_amount_minor != o.amount_minor) {
      if (pressed_minor(t) == o.amount_minor) {
        return answer("keypad",
                      "the keys of " + amount_text(o.amount_minor) + " were hit, and the terminal took " +
                          amount_text(a->told_amount_minor),
                      {t.parts.pressed, a->entered, a->told});
      }
      return answer("wrong_amount",
                    "everything agrees but the amount: " + amount_text(a->told_amount_minor) + " instead of " +
                        amount_text(o.amount_minor),
                    {a->entered, a->told});
    }
    if (auto part = diagnose_approved(t, *a, scope)) return *std::move(part);
    return answer("none", "approved and told", {a->response_left, a->told});
  }
  if (!a->kind->booked) {
    return undecided("answered, but nothing was told", {"display", "app_crash", "app_hang"}, {a->response_left});
  }
  if (auto standing = diagnose_untold(t, *a, scope)) return *std::move(standing);
  if (t.books.contains("journal") && a->journal.empty()) {
    return undecided("approved on the wire, but the terminal has no record of it",
                     {"database", "app_crash", "app_hang"}, {a->response_left, t.books.at("journal")});
  }
  if (a->journal == "approved") {
    return undecided("approved and booked, but nothing was told", {"display", "printer", "app_crash"},
                     {a->response_left, t.books.at("journal")});
  }
  return undecided("a valid approval was delivered and did not become a sale", {"app_crash", "app_hang", "database"},
                   {a->response_left, a->told});
}

}  // namespace

Observed observed(std::span<const Event> events) {
  Observed o;
  bool begun = false, after = false;
  std::string slot;
  std::optional<std::string> of_case;
  std::map<std::string, std::uint64_t> read;  // by slot
  for (const Event& e : events) {
    if (const auto* swipe = std::get_if<Swipe>(&e.body)) slot = swipe->card;
    const auto* moved = std::get_if<MotionDone>(&e.body);
    if (begun && !after && !of_case && moved != nullptr && moved->what == "swipe") of_case = slot;
    const auto* milestone = std::get_if<Milestone>(&e.body);
    if (milestone != nullptr && milestone->name == "card_read") read.emplace(slot, e.seq);
    if (const auto* intent = std::get_if<Intent>(&e.body)) {
      const bool its_own = begins_case(intent->what);
      if (its_own) o.amount_minor = intent->amount_minor;
      if (its_own) o.service = kind_named(intent->what) == nullptr;
      begun = begun || its_own;
      after = after || (begun && !its_own);
    }
    const bool fault = std::holds_alternative<EquipmentFault>(e.body);
    // that a step fired says what was injected
    if (!e.is_observation() || std::holds_alternative<Fired>(e.body) || (!begun && !fault)) continue;
    const bool book = std::holds_alternative<BookRead>(e.body);
    if (begun && !after) {
      const auto* text = std::get_if<Text>(&e.body);
      if (book && std::get<BookRead>(e.body).book == "journal") o.awake = e.seq;
      if (text != nullptr && text->place == "rig") o.asleep = e.seq;
    }
    // what the rig breaks at any time makes the cycle count for nothing
    if (!after || book || fault) o.events.push_back(e);
  }
  if (of_case && read.contains(*of_case)) o.card = read[*of_case];
  o.slot = of_case.value_or("");
  return o;
}

Diagnosis diagnose(const Observed& o, const Scope& scope) {
  const Transaction t = replay(o.events, scope);
  const Attempt* a = attempt_of(t);
  Diagnosis d = first_match(o, t, a, scope);
  rule_out(d, {o.card, t, a, told_of(t, a), scope});
  return d;
}

}  // namespace swiperig
