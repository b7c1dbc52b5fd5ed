// How a terminal model speaks to its register, as its profile file says it: frames, who says what, what is card data.
#include <algorithm>

#include "bindings/bench_file.hpp"
#include "bindings/config.hpp"
#include "drivers/terminal_adb.hpp"
#include "rig/bytes.hpp"

namespace swiperig {

namespace {

constexpr std::size_t kMostText = 256;

/// Characters, or hex pairs where the link's data are none.
std::string said(const Value& v, bool binary) {
  const std::string text = v.text();
  if (text.empty() || text.size() > kMostText) v.refuse("1 to 256 characters");
  if (!binary) return text;
  std::string packed = text;
  std::erase(packed, ' ');
  const auto bytes = from_hex(packed);
  if (!bytes) v.refuse("bytes as pairs of hex digits, as in \"06 20\"");
  return std::string(text_of(*bytes));
}

EcrFraming::Kind kind_of(const Value& v) {
  using Kind = EcrFraming::Kind;
  static const std::vector<std::pair<std::string, Kind>> kinds = {
      {"stx_etx_lrc", Kind::stx_etx_lrc}, {"lines", Kind::lines},
      {"zvt_serial", Kind::zvt_serial},   {"zvt", Kind::zvt},
      {"length", Kind::length},           {"hid_report", Kind::hid_report}};
  std::vector<std::string> names;
  for (const auto& [name, kind] : kinds) names.push_back(name);
  const std::string name = v.word(names);
  return std::find_if(kinds.begin(), kinds.end(), [&](const auto& k) { return k.first == name; })->second;
}

void read_lrc(const Table& t, EcrFraming& f) {
  using Over = EcrFraming::LrcOver;
  if (const Value* v = t.find("lrc")) {
    const std::string over = v->word({"data_etx", "data", "stx_data_etx"});
    f.lrc_over = over == "data" ? Over::data : over == "data_etx" ? Over::data_etx : Over::stx_data_etx;
  }
  if (const Value* v = t.find("lrc_start")) {
    const auto byte = from_hex(v->text());
    if (!byte || byte->size() != 1) v->refuse("one byte as two hex digits, as in \"7F\"");
    f.lrc_start = byte->front();
  }
  if (const Value* v = t.find("progress")) f.progress = v->word({"none", "soh_eot"}) == "soh_eot";
}

EcrFraming read_framing(const Table& t) {
  EcrFraming f;
  f.kind = kind_of(t.at("framing"));
  if (f.kind == EcrFraming::Kind::stx_etx_lrc) read_lrc(t, f);
  if (f.kind == EcrFraming::Kind::length) {
    f.length_bytes = static_cast<std::size_t>(t.at("length_bytes").integer(1, 4));
    if (const Value* v = t.find("byte_order")) f.little_endian = v->word({"big", "little"}) == "little";
    if (const Value* v = t.find("length_counts")) f.length_counts_itself = v->word({"data", "all"}) == "all";
  }
  f.binary = f.is_zvt();
  if (f.kind == EcrFraming::Kind::length || f.kind == EcrFraming::Kind::hid_report) {
    f.binary = t.at("content").word({"text", "binary"}) == "binary";
  }
  if (const Value* v = t.find("longest")) f.longest = static_cast<std::size_t>(v->integer(16, 8192));
  return f;
}

MaskRule read_mask(const Table& t, bool binary) {
  using Leaves = MaskRule::Leaves;
  MaskRule rule;
  if (const Value* v = t.find("begins")) rule.begins = said(*v, binary);
  if (const Value* v = t.find("after")) rule.after = said(*v, binary);
  if (const Value* v = t.find("until")) rule.until = said(*v, binary);
  if (const Value* v = t.find("bytes")) {
    const auto& ends = v->array();
    if (ends.empty() || ends.size() > 2)
      v->refuse("the first byte and the last, from 0, as in [5, 12]; or [5], to the end");
    rule.from = static_cast<std::size_t>(ends[0].integer(0, 8191));
    if (ends.size() == 2)
      rule.to = static_cast<std::size_t>(ends[1].integer(static_cast<std::int64_t>(rule.from), 8191));
  }
  const std::string leaves = t.at("leaves").word({"nothing", "pan", "packed_pan"});
  rule.leaves = leaves == "nothing" ? Leaves::nothing : leaves == "pan" ? Leaves::pan : Leaves::packed_pan;
  if (rule.leaves == Leaves::packed_pan && !binary)
    t.at("leaves").refuse("packed_pan only where the content is binary");
  t.nothing_else();
  return rule;
}

}  // namespace

std::vector<TextRule> read_text_rules(const Value& says) {
  std::vector<TextRule> rules;
  for (const Value& v : says.array()) {
    const Table& t = v.table();
    TextRule rule;
    rule.place = t.at("place").word({"screen", "receipt", "ecr", "log"});
    rule.match = t.at("match").text();
    std::vector<std::string> names;
#define MILESTONE(name, who, text) \
  if (std::string_view(#who) == "terminal") names.emplace_back(#name);
#include "rig/milestones.def"
#undef MILESTONE
    rule.milestone = t.at("milestone").word(names);
    if (const Value* with = t.find("with")) {
      for (const auto& [name, value] : with->table().all()) {
        if (rule.match.find('{' + name + '}') != std::string::npos) value.refuse("no field that `match` captures, too");
        rule.with.emplace_back(name, value.text());
      }
    }
    t.nothing_else();
    rules.push_back(std::move(rule));
  }
  return rules;
}

void read_android(const Table& root, TerminalProfile& p) {
  const Value* section = root.find("android");
  if (section == nullptr) return;
  const Table& t = section->table();
  const auto plain = [&](const char* key, std::string_view also) {
    const std::string text = t.at(key).text();
    const bool good = text.size() <= kMostText && is_shell_word(text, also);
    if (!good) t.at(key).refuse("letters, digits and any of \"" + std::string(also) + "\"");
    return text;
  };
  p.package = plain("package", adb_package_signs);
  p.log_filter = plain("log", adb_filter_signs);
  t.nothing_else();
}

void read_terminal_link(const Table& root, TerminalLink& link) {
  const Value* section = root.find("link");
  if (section != nullptr) {
    const Table& t = section->table();
    link = {};
    link.framing = read_framing(t);
    const bool binary = link.framing.binary;
    link.places.clear();
    link.results = link.journal = link.last_result = "";
    link.acknowledges = TerminalLink::Acknowledges::frames;
    if (const Value* v = t.find("acknowledge")) {
      const std::string what = v->word({"frames", "results", "nothing"});
      if (what == "results") {
        link.acknowledges = TerminalLink::Acknowledges::results;
        link.results = said(t.at("results"), binary);
      }
      if (what == "nothing") link.acknowledges = TerminalLink::Acknowledges::nothing;
    }
    if (const Value* v = t.find("journal")) link.journal = said(*v, binary);
    if (const Value* v = t.find("last_result")) link.last_result = said(*v, binary);
    if (const Value* v = t.find("places")) {
      const Table& places = v->table();
      for (const char* place : {"screen", "receipt"}) {
        if (const Value* begins = places.find(place)) link.places.emplace_back(place, said(*begins, false));
      }
      places.nothing_else();
    }
    t.nothing_else();
  }
  if (const Value* masks = root.find("mask")) {
    for (const Value& v : masks->array()) link.masks.push_back(read_mask(v.table(), link.framing.binary));
  }
}

}  // namespace swiperig
