#include "bindings/host_file.hpp"

#include <algorithm>
#include <vector>

#include "bindings/config.hpp"

namespace swiperig {

using namespace std::chrono_literals;

namespace {

std::vector<std::string> mac_names() {
  std::vector<std::string> names;
  for (int kind = 0; kind <= static_cast<int>(MacKind::none); ++kind) {
    names.emplace_back(name(static_cast<MacKind>(kind)));
  }
  return names;
}

template <class Choice>
Choice chosen(const Value& v, const std::vector<std::string>& names) {
  const std::string word = v.word(names);
  return static_cast<Choice>(std::find(names.begin(), names.end(), word) - names.begin());
}

std::string code(const Value& v) {
  const std::string text = v.text();
  if (text.size() != 2) v.refuse("a response code of two characters");
  return text;
}

/// Hexadecimal digits of one of these sizes in bytes.
Bytes secret(const Value& v, const std::vector<std::size_t>& sizes) {
  const auto bytes = v.is_text() ? from_hex(v.text()) : std::nullopt;
  if (bytes && std::find(sizes.begin(), sizes.end(), bytes->size()) != sizes.end()) return *bytes;
  // not refuse(): that would show the key
  std::string digits;
  for (const std::size_t size : sizes) digits += (digits.empty() ? "" : " or ") + std::to_string(2 * size);
  throw ConfigError(v.where() + ": expected " + digits + " hexadecimal digits in quotes");
}

/// `sizes`: what fits the key's use.
Bytes key(const Table& t, Cipher cipher, const std::vector<std::size_t>& sizes) {
  const Bytes bytes = secret(t.at("key"), sizes);
  const auto check = from_hex(t.at("check_value").text());
  const CheckValue right = CipherKey::make(cipher, bytes)->check_value();
  if (!check || check->size() != 4 || !std::equal(check->begin(), check->end(), right.begin())) {
    t.at("check_value").refuse("the check value of this key, " + to_hex(right));
  }
  return bytes;
}

Bytes key(const Value& section, Cipher cipher, const std::vector<std::size_t>& sizes) {
  const Table& t = section.table();
  Bytes bytes = key(t, cipher, sizes);
  t.nothing_else();
  return bytes;
}

void read_keys(const std::string& path, BenchFile& bench) {
  HostProfile& h = bench.host_profile;
  const auto keys = read_config(path);
  const Value& schema = keys->at("schema");
  if (schema.integer(1, 1) != 1) schema.refuse("schema 1");
  const Cipher cipher = cipher_of(h.mac);
  if (h.mac == MacKind::dukpt) {
    const Table& t = keys->at("derivation").table();
    h.derivation_key = key(t, cipher, {16});
    h.first_ksn = secret(t.at("first_ksn"), {kKsnBytes});
    if (dukpt_ksn(h.first_ksn, 0) != h.first_ksn) {
      t.at("first_ksn").refuse("a key serial number whose last 21 bits, the count, are zero");
    }
    t.nothing_else();
    bench.mac_key = h.derivation_key;
  } else {
    const std::vector<std::size_t> either = {8, 16};
    const std::vector<std::size_t> single = {8}, twice = {16};
    const bool des = cipher == Cipher::des;
    h.master_key = key(keys->at("master"), cipher, des ? either : twice);
    bench.pin_key = key(keys->at("pin"), cipher, twice);
    bench.mac_key = key(keys->at("mac"), cipher,
                        h.mac == MacKind::unionpay_ecb || h.mac == MacKind::none ? either
                        : h.mac == MacKind::x9_9                                 ? single
                                                                                 : twice);
    if (const Value* track = keys->find("track")) bench.track_key = key(*track, cipher, twice);
  }
  keys->nothing_else();
}

void read_key_habits(const Table& t, HostProfile& h) {
  if (const Value* v = t.find("layout")) {
    h.key_layout = chosen<KeyLayout>(*v, {"filled", "bare", "none"});
    if ((h.key_layout == KeyLayout::none) != (h.mac == MacKind::dukpt)) v->refuse("none with dukpt, and only there");
  } else if (h.mac == MacKind::dukpt) {
    h.key_layout = KeyLayout::none;
  }
  if (const Value* v = t.find("sign_in")) h.sign_in = v->word({"001", "003", "004"});
  if (const Value* v = t.find("ksn_field")) {
    if (h.mac != MacKind::dukpt) v->refuse("ksn_field with dukpt only");
    h.ksn_field = static_cast<int>(v->integer(55, 62));
    if (field_spec(h.ksn_field).kind != FieldKind::lllb) v->refuse("a field of raw bytes, 55 or 62");
  }
  t.nothing_else();
}

void read_framing(const Table& t, HostProfile& h) {
  h.framing.prefix = chosen<LengthPrefix>(t.at("length_prefix"), {"binary", "binary_with_itself", "bcd", "ascii"});
  h.framing.tpdu = t.at("tpdu").flag();
  h.framing.header_bytes = static_cast<std::uint8_t>(t.at("header_bytes").integer(0, 6));
  if (const Value* v = t.find("tpdu_swap")) {
    h.tpdu_swap = v->flag();
    if (!h.framing.tpdu) v->refuse("tpdu_swap with tpdu = true only");
  }
  t.nothing_else();
}

void read_answers(const Table& t, HostProfile& h) {
  if (const Value* v = t.find("issuer_silent")) h.issuer_silent_code = v->word({"68", "91", "98"});
  if (const Value* v = t.find("maintenance")) h.maintenance_code = v->word({"90", "91", "96"});
  if (const Value* v = t.find("repeated")) h.repeated_code = v->word({"stored", "94"}) == "94" ? "94" : "";
  t.nothing_else();
}

void read_reversals(const Table& t, HostProfile& h) {
  if (const Value* v = t.find("not_found")) h.not_found_code = v->word({"00", "12", "25"});
  if (const Value* v = t.find("of_declined")) h.of_declined_code = v->word({"00", "12", "25"});
  if (const Value* v = t.find("by_content")) h.ambiguous_code = v->word({"25", "64"});
  if (const Value* v = t.find("refuses_secrets")) h.refuses_secrets = v->flag();
  t.nothing_else();
  for (const auto& [what, text] : {std::pair{"not_found", &h.not_found_code}, {"of_declined", &h.of_declined_code}}) {
    if (std::find(h.reversal_done_codes.begin(), h.reversal_done_codes.end(), *text) == h.reversal_done_codes.end()) {
      t.self().refuse(std::string(what) + " to be among reversal_done_codes: such a reversal would never end");
    }
  }
}

}  // namespace

void read_host_profile(const std::string& path, BenchFile& bench) {
  const auto root = read_config(path);
  const Value& schema = root->at("schema");
  if (schema.integer(1, 1) != 1) schema.refuse("schema 1");
  bench.host_profile = HostProfile{};
  bench.pin_key.clear();
  bench.track_key.clear();
  HostProfile& h = bench.host_profile;
  h.acquirer = root->at("acquirer").text();
  h.mac = chosen<MacKind>(root->at("mac"), mac_names());
  read_framing(root->at("framing").table(), h);
  h.issuer_timeout = root->at("issuer_timeout").duration(1s, 120s);
  if (h.issuer_timeout >= bench.profile.answer_timeout) {
    root->at("issuer_timeout")
        .refuse("less than the terminal's answer time-out of " + to_text(bench.profile.answer_timeout));
  }
  h.reversal_done_codes.clear();
  for (const Value& v : root->at("reversal_done_codes").array()) h.reversal_done_codes.push_back(code(v));
  if (const Value* v = root->find("connection")) h.kept_open = v->word({"one_message", "kept_open"}) == "kept_open";
  if (h.mac == MacKind::dukpt) h.key_layout = KeyLayout::none;
  if (const Value* v = root->find("keys")) read_key_habits(v->table(), h);
  if (const Value* v = root->find("answers")) read_answers(v->table(), h);
  if (const Value* v = root->find("maintenance_notice")) h.maintenance_notice = v->flag();
  if (const Value* v = root->find("reversals")) read_reversals(v->table(), h);
  const Value& keys = root->at("test_keys");
  const std::string keys_path = beside(keys);
  root->nothing_else();
  read_keys(keys_path, bench);
  if (h.sign_in == "004" && bench.track_key.empty()) keys.refuse("a file with a [track] key: the sign-in is 004");
  if (h.sign_in == "001" && bench.mac_key.size() != 8) keys.refuse("a [mac] key of 8 bytes: the sign-in is 001");
}

}  // namespace swiperig
