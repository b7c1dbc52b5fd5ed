#include "rig/trace.hpp"

#include <charconv>
#include <stdexcept>

namespace swiperig {

namespace {

/// Reads what Lines writes, and nothing else.
class ChunkReader {
 public:
  explicit ChunkReader(std::string_view text) : text_(text) {}

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
    const std::size_t digits = static_cast<std::size_t>(end - begin) - (n < 0 ? 1 : 0);
    if (error != std::errc{} || (*begin == '-' && n == 0) || (digits > 1 && begin[n < 0 ? 1 : 0] == '0')) {
      refuse("an integer");
    }
    at_ += static_cast<std::size_t>(end - begin);
    return n;
  }
  std::string_view name() {
    expect('"');
    const std::size_t begin = at_;
    while (at_ < text_.size() && ((text_[at_] >= 'a' && text_[at_] <= 'z') || text_[at_] == '_')) ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    expect('"');
    return name;
  }
  /// Whatever stands between matching braces; what it says is the reader's of bodies to judge.
  std::string_view body() {
    const std::size_t begin = at_;
    if (!next_is('{')) refuse("'{'");
    for (int open = 0; at_ < text_.size();) {
      const char c = text_[at_++];
      if (c == '"') {
        skip_string();
      } else if (c == '{' || c == '[') {
        ++open;
      } else if ((c == '}' || c == ']') && --open == 0) {
        return text_.substr(begin, at_ - begin);
      }
    }
    refuse("'}'");
  }

 private:
  void skip_string() {
    for (;;) {
      at_ = text_.find_first_of("\"\\", at_);
      if (at_ == std::string_view::npos) {
        at_ = text_.size();
        refuse("'\"'");
      }
      if (text_[at_++] == '"') return;
      at_ = std::min(at_ + 1, text_.size());
    }
  }
  [[noreturn]] void refuse(const std::string& expected) const {
    throw std::runtime_error("byte " + std::to_string(at_) + " of its text: expected " + expected);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

void Lines::add(std::span<const Event> events, Digest& head) {
  // first all the text, then all the hashes
  std::vector<std::pair<std::size_t, std::size_t>> bodies;  // begin and end in text_
  bodies.reserve(events.size());
  for (const Event& event : events) {
    if (text_.empty())
      text_ = "[";
    else
      text_.back() = ',';
    const std::size_t body = append_line(event, text_);
    bodies.emplace_back(body, text_.size() - 1);
    text_ += ']';
  }
  std::string prefix;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    prefix.clear();
    append_prefix(event.at.time_since_epoch().count(), event.at_uncertainty.count(), to_string(event.source),
                  kind_of(event.body), prefix);
    chain(head, prefix, std::string_view(text_).substr(bodies[i].first, bodies[i].second - bodies[i].first));
  }
  size_ += events.size();
}

std::size_t read_chunk(std::string_view chunk, std::int64_t first_seq, std::int64_t cycle,
                       const std::function<bool(const StoredLine&)>& visit) {
  ChunkReader reader(chunk);
  std::size_t told = 0;
  reader.expect('[');
  do {
    StoredLine line{first_seq + static_cast<std::int64_t>(told), cycle, 0, 0, {}, {}, {}};
    if (told > 0) reader.expect(',');
    reader.expect('[');
    line.at_ns = reader.integer();
    reader.expect(',');
    line.at_uncertainty_ns = reader.integer();
    reader.expect(',');
    line.source = reader.name();
    reader.expect(',');
    line.kind = reader.name();
    reader.expect(',');
    line.body = reader.body();
    reader.expect(']');
    ++told;
    if (!visit(line)) return told;
  } while (reader.next_is(','));
  reader.expect(']');
  reader.expect_end();
  return told;
}

void chain(Digest& head, const StoredLine& line) {
  std::string prefix;
  append_prefix(line.at_ns, line.at_uncertainty_ns, line.source, line.kind, prefix);
  chain(head, prefix, line.body);
}

void fold(Digest& run_head, const Digest& epoch_head) { chain(run_head, hex(epoch_head)); }

std::string hex(const Digest& digest) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : digest) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace swiperig
