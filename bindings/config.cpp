#include "bindings/config.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include "reports/visible.hpp"
#include "rig/decimal.hpp"
#include "rig/mask.hpp"

namespace swiperig {

namespace {

constexpr std::uintmax_t max_file_bytes = 1 << 20;
constexpr int max_depth = 32;
constexpr int deepest_text = 100;  // a little more than max_depth, whose refusal names the column

struct Number {
  std::int64_t whole = 0;
  std::int64_t billionths = 0;
  std::string_view rest;
  bool good = false;
};

/// A decimal number without sign or exponent, then the rest without leading blanks.
Number decimal(std::string_view text) {
  Number n;
  const char* end = text.data() + text.size();
  auto r = std::from_chars(text.data(), end, n.whole);
  if (r.ec != std::errc{} || n.whole < 0 || text.empty() || text[0] == '-') return n;
  const char* at = r.ptr;
  if (at != end && *at == '.') {
    std::int64_t scale = 100'000'000;
    const char* first = ++at;
    while (at != end && *at >= '0' && *at <= '9') {
      n.billionths += scale * (*at - '0');
      scale /= 10;
      if (scale == 0 && at + 1 != end && at[1] >= '0' && at[1] <= '9') return n;
      ++at;
    }
    if (at == first) return n;
  }
  while (at != end && *at == ' ') ++at;
  n.rest = {at, static_cast<std::size_t>(end - at)};
  n.good = true;
  return n;
}

/// number * scale, or -1 when that is not whole or too large.
std::int64_t scaled(const Number& n, std::int64_t scale) {
  std::int64_t whole = 0;
  if (__builtin_mul_overflow(n.whole, scale, &whole)) return -1;
  std::int64_t part = 0;
  if (__builtin_mul_overflow(n.billionths, scale, &part) || part % 1'000'000'000 != 0) return -1;
  return whole + part / 1'000'000'000;
}

/// The first line that nests deeper than any file of ours, or 0. toml++ descends once per bracket and once per dot of a
/// key, and its tables go away in the same way: a hostile file must not reach the end of the stack.
int too_deep_at(std::string_view text) {
  std::vector<int> open;  // levels at each open bracket
  int level = 0, line = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '#') {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (c == '"' || c == '\'') {
      const bool long_one = text.substr(i, 3) == std::string(3, c);
      const std::string_view end = text.substr(i, long_one ? 3 : 1);
      for (i += end.size(); i < text.size() && text.substr(i, end.size()) != end; ++i) {
        if (text[i] == '\n') ++line;
        if (text[i] == '\n' && !long_one) break;
        if (text[i] == '\\' && c == '"') ++i;
      }
      i += end.size() - 1;
      // a long one may end in up to two quotes of its own
      for (int own = 0; long_one && own < 2 && i + 1 < text.size() && text[i + 1] == c; ++own) ++i;
    } else if (c == '[' || c == '{') {
      open.push_back(level++);
    } else if ((c == ']' || c == '}') && !open.empty()) {
      level = open.back();
      open.pop_back();
    } else if (c == '.') {
      ++level;
    } else if (c == '\n' || c == ',') {
      line += c == '\n';
      level = open.empty() ? 0 : open.back() + 1;
    }
    if (level > deepest_text) return line;
  }
  return 0;
}

}  // namespace

struct ConfigReader {
  std::shared_ptr<const std::string> file;

  Value read(const toml::node& node, int depth) const {
    const auto& begin = node.source().begin;
    const Place place{file, static_cast<int>(begin.line), static_cast<int>(begin.column)};
    const Value unread(Value::Content(), place);
    if (depth > max_depth) unread.refuse("at most " + std::to_string(max_depth) + " levels");
    if (const auto* s = node.as_string()) return {s->get(), place};
    if (const auto* i = node.as_integer()) return {i->get(), place};
    if (const auto* f = node.as_floating_point()) return {f->get(), place};
    if (const auto* b = node.as_boolean()) return {b->get(), place};
    if (const auto* a = node.as_array()) {
      auto array = std::make_shared<Value::Array>();
      for (const auto& element : *a) array->push_back(read(element, depth + 1));
      return {std::move(array), place};
    }
    const auto* t = node.as_table();
    if (t == nullptr) unread.refuse("text, a number, true or false, a list or a table");
    std::map<std::string, Value> values;
    for (const auto& [key, element] : *t) values.emplace(std::string(key.str()), read(element, depth + 1));
    return {std::make_shared<Table>(std::move(values), place), place};
  }
};

namespace {

std::string text_of(const Place& place) {
  std::string text = *place.file + ":" + std::to_string(place.line);
  return place.column == 0 ? text : text + ":" + std::to_string(place.column);
}

}  // namespace

std::string Value::where() const { return text_of(place_); }

void Value::refuse(const std::string& expected) const {
  std::string found;
  if (const auto* s = std::get_if<std::string>(&value_)) found = "\"" + visible(scrub(*s).substr(0, 60)) + "\"";
  if (const auto* i = std::get_if<std::int64_t>(&value_)) found = scrub(std::to_string(*i));
  if (const auto* f = std::get_if<double>(&value_)) {
    char digits[32];
    found.assign(digits, std::to_chars(digits, digits + sizeof digits, *f).ptr);
    if (found.find_first_not_of("-0123456789") == std::string::npos) found += ".0";  // no whole number
    found = scrub(found);
  }
  if (const auto* b = std::get_if<bool>(&value_)) found = *b ? "true" : "false";
  if (std::holds_alternative<std::shared_ptr<Array>>(value_)) found = "a list";
  throw ConfigError(where() + ": expected " + expected + (found.empty() ? "" : ", found " + found));
}

std::string Value::file() const { return place_.file ? *place_.file : ""; }

std::string Value::text() const {
  const auto* s = std::get_if<std::string>(&value_);
  if (s == nullptr) refuse("text in quotes");
  return *s;
}

std::int64_t Value::integer(std::int64_t least, std::int64_t most) const {
  const auto* i = std::get_if<std::int64_t>(&value_);
  if (i == nullptr || *i < least || *i > most) {
    refuse("a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return *i;
}

double Value::number(double least, double most) const {
  const auto* i = std::get_if<std::int64_t>(&value_);
  const auto* f = std::get_if<double>(&value_);
  const double v = i != nullptr ? static_cast<double>(*i) : f != nullptr ? *f : std::nan("");
  if (!(v >= least && v <= most)) {
    refuse("a number from " + swiperig::decimal(least, 0) + " to " + swiperig::decimal(most, 0));
  }
  return v;
}

bool Value::flag() const {
  const auto* b = std::get_if<bool>(&value_);
  if (b == nullptr) refuse("true or false");
  return *b;
}

const Value::Array& Value::array() const {
  const auto* a = std::get_if<std::shared_ptr<Array>>(&value_);
  if (a == nullptr) refuse("a list [ ... ]");
  return **a;
}

const Table& Value::table() const {
  const auto* t = std::get_if<std::shared_ptr<Table>>(&value_);
  if (t == nullptr) refuse("a table");
  return **t;
}

Duration Value::duration(Duration least, Duration most) const {
  const std::string expected = "a duration with its unit (s, ms, us) from " + to_text(least) + " to " + to_text(most);
  if (!std::holds_alternative<std::string>(value_)) refuse(expected);
  const std::string t = text();
  const Number n = decimal(t);
  const std::int64_t unit = !n.good          ? 0
                            : n.rest == "s"  ? 1'000'000'000
                            : n.rest == "ms" ? 1'000'000
                            : n.rest == "us" ? 1'000
                                             : 0;
  const std::int64_t ns = unit == 0 ? -1 : scaled(n, unit);
  if (ns < least.count() || ns > most.count()) refuse(expected);
  return Duration(ns);
}

std::int64_t Value::amount() const {
  const std::string expected = "an amount in quotes such as \"12.34\", from 0.01 to 9999999999.99";
  if (!std::holds_alternative<std::string>(value_)) refuse(expected);
  const std::string t = text();
  const Number n = decimal(t);
  const std::int64_t minor = n.good && n.rest.empty() ? scaled(n, 100) : -1;
  if (minor < 1 || minor > 999'999'999'999) refuse(expected);
  return minor;
}

std::int64_t Value::quantity(std::string_view unit, std::int64_t least, std::int64_t most) const {
  const bool thousandths = unit == "V" || unit == "A" || unit == "deg";
  const std::string small = thousandths ? "m" + std::string(unit) : std::string(unit);
  const std::string expected = "a quantity in " + std::string(unit) + (thousandths ? " or " + small : "") + ", from " +
                               std::to_string(least) + " to " + std::to_string(most) + " " + small + ", written as \"" +
                               (thousandths ? "5 " : "500 ") + std::string(unit) + "\"";
  if (!std::holds_alternative<std::string>(value_)) refuse(expected);
  const std::string t = text();
  const Number n = decimal(t);
  std::int64_t v = -1;
  if (n.good && n.rest == unit) v = scaled(n, thousandths ? 1000 : 1);
  if (n.good && thousandths && n.rest == small) v = scaled(n, 1);
  if (v < least || v > most) refuse(expected);
  return v;
}

std::string Value::word(const std::vector<std::string>& choices) const {
  std::string list;
  for (const auto& c : choices) list += (list.empty() ? "" : ", ") + c;
  if (!std::holds_alternative<std::string>(value_)) refuse("one of " + list);
  const std::string t = text();
  if (std::find(choices.begin(), choices.end(), t) == choices.end()) refuse("one of " + list);
  return t;
}

const Value* Table::find(const std::string& key) const {
  asked_[key] = true;
  const auto it = values_.find(key);
  return it == values_.end() ? nullptr : &it->second;
}

const Value& Table::at(const std::string& key) const {
  const Value* v = find(key);
  if (v == nullptr) throw ConfigError(text_of(place_) + ": \"" + key + "\" is missing");
  return *v;
}

const std::map<std::string, Value>& Table::all() const {
  for (const auto& [key, value] : values_) asked_[key] = true;
  return values_;
}

std::shared_ptr<Table> Table::over(const Table& rest) const {
  std::map<std::string, Value> both = values_;
  for (const auto& [name, value] : rest.values_) {
    const auto [mine, absent] = both.emplace(name, value);
    if (!absent && mine->second.is_table() && value.is_table())
      mine->second = {mine->second.table().over(value.table()), mine->second.table().place_};
  }
  return std::make_shared<Table>(std::move(both), place_);
}

void Table::nothing_else() const {
  for (const auto& [key, value] : values_) {
    if (asked_.contains(key)) continue;
    std::string known;
    for (const auto& [name, asked] : asked_) known += (known.empty() ? "" : ", ") + name;
    throw ConfigError(value.where() + ": unknown key \"" + visible(key) + "\", expected one of " + known);
  }
}

std::shared_ptr<Table> read_config(const std::string& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error || !std::filesystem::is_regular_file(path, error)) throw ConfigError(path + ": no such file");
  if (bytes > max_file_bytes) throw ConfigError(path + ": larger than 1 MiB");
  std::ifstream file(path, std::ios::binary);
  // so many as it said: a file of the kernel may have no end, or wait
  std::string content(bytes, '\0');
  if (!file.read(content.data(), static_cast<std::streamsize>(bytes))) throw ConfigError(path + ": cannot be read");
  return parse_config(content, path);
}

std::shared_ptr<Table> parse_config(const std::string& content, const std::string& path) {
  if (const int line = too_deep_at(content)) {
    throw ConfigError(path + ":" + std::to_string(line) + ":1: expected at most " + std::to_string(max_depth) +
                      " levels");
  }
  try {
    const toml::table root = toml::parse(content, path);
    const ConfigReader reader{std::make_shared<const std::string>(path)};
    const Value v = reader.read(root, 0);
    auto table = std::make_shared<Table>(v.table());
    return table;
  } catch (const toml::parse_error& e) {
    throw ConfigError(path + ":" + std::to_string(e.source().begin.line) + ":" +
                      std::to_string(e.source().begin.column) + ": " + std::string(e.description()));
  }
}

}  // namespace swiperig
