// A TOML file read strictly: every value knows where it stands, every key must be asked for, every quantity has a unit
// and a range. What is wrong is told as file:line:column, what was found and what was expected. Programs that write no
// file make the same values, so that both are refused in the same words. toml++ stays in config.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rig/time.hpp"

namespace swiperig {

/// Wrong file, campaign, bench or case: nothing has moved.
struct ConfigError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Table;

/// Where a value stands.
struct Place {
  std::shared_ptr<const std::string> file;
  int line = 0, column = 0;  ///< column 0: not known
};

class Value {
 public:
  using Array = std::vector<Value>;
  using Content = std::variant<std::monostate, std::string, std::int64_t, double, bool, std::shared_ptr<Array>,
                               std::shared_ptr<Table>>;
  Value() = default;
  /// `monostate`: something that no file can say; whoever asks for it refuses it.
  Value(Content content, Place place) : value_(std::move(content)), place_(std::move(place)) {}

  std::string where() const;  ///< file:line:column
  std::string file() const;   ///< in which it stands; "": in none
  [[noreturn]] void refuse(const std::string& expected) const;

  std::string text() const;
  std::int64_t integer(std::int64_t least, std::int64_t most) const;
  /// A whole number or a decimal fraction.
  double number(double least, double most) const;
  bool flag() const;
  const Array& array() const;
  const Table& table() const;
  bool is_array() const { return std::holds_alternative<std::shared_ptr<Array>>(value_); }
  bool is_text() const { return std::holds_alternative<std::string>(value_); }
  bool is_table() const { return std::holds_alternative<std::shared_ptr<Table>>(value_); }

  /// "60 s", "3 ms", "250 us".
  Duration duration(Duration least, Duration most) const;
  /// "12.34": minor units.
  std::int64_t amount() const;
  /// "500 mm/s", "5 V", "300 mA": `unit` one of mm/s, mm/s2, mm, um, V, A, deg; thousandths of V, A and deg.
  std::int64_t quantity(std::string_view unit, std::int64_t least, std::int64_t most) const;
  /// One of these words.
  std::string word(const std::vector<std::string>& choices) const;

 private:
  Content value_;
  Place place_;
};

class Table {
 public:
  Table() = default;
  Table(std::map<std::string, Value> values, Place place) : values_(std::move(values)), place_(std::move(place)) {}

  /// The value, or a refusal that says which key is missing where.
  const Value& at(const std::string& key) const;
  /// The value, or null when the key is absent.
  const Value* find(const std::string& key) const;
  /// Names and values in the order of names.
  const std::map<std::string, Value>& all() const;
  /// Refuses keys that nobody asked for. `allowed`: what the author may have meant.
  void nothing_else() const;
  /// These values, and where there is none `rest`'s; of two tables of one name the same again.
  std::shared_ptr<Table> over(const Table& rest) const;
  /// The table where it stands, to be refused as a whole.
  Value self() const { return {Value::Content(), place_}; }

 private:
  std::map<std::string, Value> values_;
  mutable std::map<std::string, bool> asked_;
  Place place_;
};

/// Reads a file of at most 1 MiB. Throws ConfigError.
std::shared_ptr<Table> read_config(const std::string& path);
/// The same of a text that is to become the file.
std::shared_ptr<Table> parse_config(const std::string& content, const std::string& path);

}  // namespace swiperig
