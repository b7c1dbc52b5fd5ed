// Terminal-profile files as data: who a terminal model is, what it promises, and how what it says maps to milestones.
#include <array>

#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "rig/transaction_kinds.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

/// A switch with two named places; the first is the usual one.
void set(bool& second, const Table& t, const char* key, const std::array<std::string, 2>& words) {
  if (const Value* v = t.find(key)) second = v->word({words.begin(), words.end()}) == words[1];
}

}  // namespace

void read_terminal_habits(const Table& online, TerminalProfile& p) {
  if (const Value* v = online.find("reversal_habit")) {
    const std::string habit = v->word({"before_next_sale", "at_once", "store_and_forward"});
    if (habit == "at_once") p.reversal_habit = ReversalHabit::at_once;
    if (habit == "store_and_forward") p.reversal_habit = ReversalHabit::store_and_forward;
  }
  if (const Value* v = online.find("forward_after")) {
    if (p.reversal_habit != ReversalHabit::store_and_forward) v->refuse("forward_after only with store_and_forward");
    p.forward_after = v->duration(100ms, 600s);
  }
  if (const Value* v = online.find("reverses_host_timeouts")) p.reverses_host_timeouts = v->flag();
  set(p.secrets_in_reversal, online, "secrets_in_reversal", {"forbidden", "allowed"});
  set(p.reversal_takes_stan, online, "reversal_stan", {"original", "advances"});
  set(p.asks_pin, online, "pin", {"never", "by_service_code"});
  set(p.keeps_connection, online, "connection", {"per_transaction", "kept_open"});
  set(p.relogon_at_once, online, "relogon", {"next_sale", "at_once"});
  set(p.spare_storage, online, "journal_area", {"one", "with_a_spare"});
  set(p.update_mends_hang, online, "update_mends", {"nothing", "hangs"});
  if (const Value* v = online.find("connect_tries")) p.connect_tries = static_cast<int>(v->integer(1, 9));
  if (const Value* v = online.find("completion_limit_percent")) {
    p.completion_limit_percent = static_cast<int>(v->integer(100, 200));
  }
  if (const Value* v = online.find("e_signature")) p.e_signature = v->flag();
  if (const Value* v = online.find("largest_batch")) p.largest_batch = static_cast<int>(v->integer(50, 2000));
}

namespace {

/// The kinds of transaction and the services that the model has beside sale and settlement.
void read_more_keys(const Table& keys, TerminalProfile& p) {
  const auto add = [&](std::string_view name, bool amount, bool original) {
    const Value* v = keys.find(std::string(name));
    if (v == nullptr) return;
    std::string line = v->text();
    if ((line.find("{amount}") != std::string::npos) != amount ||
        (line.find("{stan}") != std::string::npos) != original)
      v->refuse(std::string("keys with ") + (amount ? "{amount}" : "no {amount}") + " and " +
                (original ? "{stan}" : "no {stan}"));
    p.more_keys.emplace(name, std::move(line));
  };
  for (const TransactionKind& kind : transaction_kinds) {
    if (kind.name != "sale") add(kind.name, kind.asks_amount, !kind.original.empty());
  }
  for (const ServiceKind& service : service_kinds) {
    if (service.name == "parameters" || service.name == "update") add(service.name, false, false);
  }
}

}  // namespace

TerminalProfile read_terminal_profile(const std::string& path) {
  const auto root = read_config(path);
  root->at("schema").integer(1, 1);
  TerminalProfile p;
  const Table& identity = root->at("identity").table();
  p.maker = identity.at("maker").text();
  p.model = identity.at("model").text();
  p.application = identity.at("application").text();
  p.acquirer = identity.at("acquirer").text();
  p.merchant = identity.at("merchant").text();
  p.terminal = identity.at("terminal").text();
  if (p.merchant.size() != 15) identity.at("merchant").refuse("15 characters");
  if (p.terminal.size() != 8) identity.at("terminal").refuse("8 characters");
  identity.nothing_else();
  const Table& online = root->at("online").table();
  p.answer_timeout = online.at("answer_timeout").duration(10s, 120s);
  p.connect_timeout = online.at("connect_timeout").duration(5s, 60s);
  const Value& tries = online.at("reversal_tries");
  p.reversal_tries =
      tries.is_text() && tries.word({"endless"}) == "endless" ? 0 : static_cast<int>(tries.integer(1, 9));
  p.keep_reversal_after_last_try = online.at("after_last_try").word({"keep", "clear_and_report"}) == "keep";
  if (const Value* v = online.find("unprinted_sale")) {
    p.unprinted_sale_stands = v->word({"stands", "is_reversed"}) == "stands";
  }
  p.no_return_limit = online.at("no_return_limit").duration(p.answer_timeout + 1s, 600s);
  read_terminal_habits(online, p);
  online.nothing_else();
  const Table& reader = root->at("reader").table();
  p.bidirectional_reader = reader.at("bidirectional").flag();
  p.min_speed_mm_s = reader.at("min_speed").quantity("mm/s", 1, 5000);
  p.max_speed_mm_s = reader.at("max_speed").quantity("mm/s", p.min_speed_mm_s, 5000);
  if (const Value* v = reader.find("fallback_entry")) p.fallback_entry = v->word({"02", "80"});
  reader.nothing_else();
  const Table& power = root->at("power").table();
  p.brownout_mv = power.at("brownout").quantity("V", 500, 60'000);
  p.boot_limit = power.at("boot_limit").duration(1s, 600s);
  if (const Value* v = power.find("watchdog")) p.watchdog = v->duration(1s, 600s);
  power.nothing_else();
  const Table& keys = root->at("keys").table();
  p.sale_keys = keys.at("sale").text();
  p.settle_keys = keys.at("settle").text();
  read_more_keys(keys, p);
  keys.nothing_else();
  p.rules = read_text_rules(root->at("says"));
  read_terminal_link(*root, p.link);
  read_android(*root, p);
  root->nothing_else();
  return p;
}

}  // namespace swiperig
