#include "rig/cycle_books.hpp"

#include <charconv>
#include <stdexcept>

#include "rig/attempt_facts.hpp"

namespace swiperig {

namespace {

constexpr std::string_view state_names[] = {"",         "approved",    "declined",  "reversed", "pending",
                                            "queued",   "unconfirmed", "tombstone", "held",     "posted",
                                            "released", "unknown",     "failed",    "other"};

/// Of a book in lower case, of what was told in upper.
BookState state_of(std::string_view word) {
  constexpr std::string_view told[] = {"APPROVED", "DECLINED", "REVERSED", "UNKNOWN", "FAILED"};
  constexpr BookState meant[] = {BookState::approved, BookState::declined, BookState::reversed, BookState::unknown,
                                 BookState::failed};
  for (std::size_t i = 0; i < std::size(told); ++i) {
    if (word == told[i]) return meant[i];
  }
  for (std::size_t i = 0; i < std::size(state_names) - 1; ++i) {
    if (word == state_names[i]) return static_cast<BookState>(i);
  }
  return BookState::other;
}

std::uint64_t read_at(const Transaction& t, const char* book) {
  const auto at = t.books.find(book);
  return at == t.books.end() ? 0 : at->second.seq;
}

void append(std::int64_t n, std::string& out) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, n);
  out.append(digits, end.ptr);
}

/// What terminals say of themselves may be anything.
void append(std::string_view text, std::string& out) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '"' || c == '\\') {
      out.append("\\u00") += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

/// Reads what append_row writes, and nothing else.
class Row {
 public:
  explicit Row(std::string_view text) : text_(text) {}

  bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  void expect(char c) {
    if (!next_is(c)) refuse(std::string("'") + c + "'");
    ++at_;
  }
  void expect_end() const {
    if (at_ != text_.size()) refuse("the end");
  }
  std::int64_t integer() {
    std::int64_t n = 0;
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), n);
    if (error != std::errc{}) refuse("an integer");
    at_ += static_cast<std::size_t>(end - begin);
    return n;
  }
  std::uint64_t number() {
    const std::int64_t n = integer();
    if (n < 0) refuse("a number of an event");
    return static_cast<std::uint64_t>(n);
  }
  bool flag() {
    const std::int64_t n = integer();
    if (n != 0 && n != 1) refuse("0 or 1");
    return n == 1;
  }
  void text(std::string& into) {
    expect('"');
    const std::size_t end = text_.find_first_of("\"\\", at_);
    if (end == std::string_view::npos) refuse("'\"'");
    into.assign(text_, at_, end - at_);
    at_ = end;
    while (!next_is('"')) {
      if (text_.substr(at_, 4) != "\\u00" || text_.size() < at_ + 6) refuse("\\u00 and two digits");
      unsigned byte = 0;
      const char* const digits = text_.data() + at_ + 4;
      if (std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) refuse("two digits");
      into += static_cast<char>(byte);
      at_ += 6;
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\') into += text_[at_++];
    }
    ++at_;
  }
  std::string_view word() {
    expect('"');
    const std::size_t begin = at_;
    while (at_ < text_.size() && ((text_[at_] >= 'a' && text_[at_] <= 'z') || text_[at_] == '_')) ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    expect('"');
    return word;
  }
  BookState state() {
    const std::string_view name = word();
    for (std::size_t i = 0; i < std::size(state_names); ++i) {
      if (name == state_names[i]) return static_cast<BookState>(i);
    }
    refuse("a state");
  }
  const TransactionKind* kind() {
    const std::string_view name = word();
    const TransactionKind* const found = kind_named(name);
    if (found == nullptr) refuse("a kind of transaction");
    return found;
  }

 private:
  [[noreturn]] void refuse(const std::string& expected) const {
    throw std::runtime_error("byte " + std::to_string(at_) + " of its books: expected " + expected);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

CycleBooks books_of(const Transaction& t, const Scope& scope) {
  const AttemptFacts facts(t, scope);
  CycleBooks books;
  books.journal = read_at(t, "journal");
  books.ledger = read_at(t, "ledger");
  books.issuer = read_at(t, "issuer");
  for (const IntentSeen& intent : t.intents) books.intents.push_back(intent.amount_minor);
  books.lines.reserve(t.attempts.size());
  for (const Attempt& a : t.attempts) {
    BookLine& line = books.lines.emplace_back();
    line.batch = a.batch;
    line.stan = a.stan;
    line.kind = a.kind;
    line.intent = a.intent;
    line.requested_minor = a.amount_minor;
    line.told = state_of(a.told_outcome);
    line.journal = state_of(a.journal);
    line.ledger = state_of(a.ledger);
    line.issuer = state_of(a.issuer);
    line.told_minor = a.told_amount_minor;
    line.journal_minor = a.journal_amount_minor;
    line.ledger_minor = a.ledger_amount_minor;
    line.issuer_minor = a.issuer_amount_minor;
    line.requested = a.entered.seq;
    line.told_at = a.told.seq;
    line.reversed = a.reversal_ended.seq;
    line.ended = facts.ended(a).seq;
    line.gave_up = a.gave_up.seq;
    line.doubt = facts.in_doubt(a);
    // what is delivered after the books were read, the answer of the host says of both
    if (line.journal == BookState::queued && a.response_left.seq > a.journal_read.seq && approved_code(a.code) &&
        !facts.forged(a)) {
      line.journal = BookState::approved;
      if (line.ledger == BookState::nothing && a.response_left.seq > books.ledger) {
        line.ledger = BookState::approved;
        line.ledger_minor = a.amount_minor;
      }
    }
    line.carried = a.carried;
    line.unread = a.closed_unread;
  }
  return books;
}

void append_row(const CycleBooks& books, std::uint64_t base, std::string& out) {
  const auto next = [&](const auto& value) {
    if (out.back() != '[') out += ',';
    append(value, out);
  };
  const auto number = [&](std::uint64_t seq) { next(static_cast<std::int64_t>(seq == 0 ? 0 : base + seq)); };
  const auto state = [&](BookState s) { next(state_names[static_cast<std::size_t>(s)]); };
  out += '[';
  for (const std::uint64_t seq : {books.journal, books.ledger, books.issuer}) number(seq);
  out += ",[";
  for (const std::int64_t minor : books.intents) next(minor);
  out += "],[";
  for (const BookLine& line : books.lines) {
    out += out.back() == ']' ? ",[" : "[";
    for (const std::string_view name : {std::string_view(line.batch), std::string_view(line.stan), line.kind->name})
      next(name);
    next(line.intent), next(line.requested_minor), number(line.requested);
    state(line.told), next(line.told_minor), number(line.told_at);
    state(line.journal), next(line.journal_minor), state(line.ledger), next(line.ledger_minor);
    state(line.issuer), next(line.issuer_minor);
    number(line.reversed), number(line.ended), number(line.gave_up);
    for (const bool flag : {line.doubt, line.carried, line.unread}) next(std::int64_t{flag});
    out += ']';
  }
  out += "]]";
}

void parse_row(std::string_view text, CycleBooks& into) {
  Row row(text);
  row.expect('[');
  into.journal = row.number();
  row.expect(','), into.ledger = row.number();
  row.expect(','), into.issuer = row.number();
  row.expect(','), row.expect('[');
  into.intents.clear();
  while (!row.next_is(']')) {
    if (!into.intents.empty()) row.expect(',');
    into.intents.push_back(row.integer());
  }
  row.expect(']'), row.expect(','), row.expect('[');
  std::size_t count = 0;
  while (!row.next_is(']')) {
    if (count != 0) row.expect(',');
    if (count == into.lines.size()) into.lines.emplace_back();
    BookLine& line = into.lines[count++];
    row.expect('[');
    row.text(line.batch);
    row.expect(','), row.text(line.stan);
    row.expect(','), line.kind = row.kind();
    row.expect(','), line.intent = row.integer();
    row.expect(','), line.requested_minor = row.integer();
    row.expect(','), line.requested = row.number();
    row.expect(','), line.told = row.state();
    row.expect(','), line.told_minor = row.integer();
    row.expect(','), line.told_at = row.number();
    row.expect(','), line.journal = row.state();
    row.expect(','), line.journal_minor = row.integer();
    row.expect(','), line.ledger = row.state();
    row.expect(','), line.ledger_minor = row.integer();
    row.expect(','), line.issuer = row.state();
    row.expect(','), line.issuer_minor = row.integer();
    row.expect(','), line.reversed = row.number();
    row.expect(','), line.ended = row.number();
    row.expect(','), line.gave_up = row.number();
    row.expect(','), line.doubt = row.flag();
    row.expect(','), line.carried = row.flag();
    row.expect(','), line.unread = row.flag();
    row.expect(']');
  }
  into.lines.resize(count);
  row.expect(']'), row.expect(']');
  row.expect_end();
}

}  // namespace swiperig
