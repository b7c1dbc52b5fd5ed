#include "rig/text_rule.hpp"

namespace swiperig {

std::optional<Fields> match(const TextRule& rule, std::string_view text) {
  std::string_view pattern = rule.match;
  Fields fields;
  // whether the text before the next literal is open, and the name under which it is kept ("": not kept)
  bool open = pattern.starts_with('*');
  std::string_view name;
  if (open) pattern.remove_prefix(1);
  const bool open_end = pattern.ends_with('*');
  if (open_end) pattern.remove_suffix(1);
  const auto keep = [&](std::string_view value) {
    if (!name.empty()) fields.emplace_back(name, value);
    name = {};
  };
  for (;;) {
    std::size_t brace = pattern.find('{');
    const std::size_t brace_end = brace == pattern.npos ? pattern.npos : pattern.find('}', brace);
    if (brace_end == pattern.npos) brace = pattern.npos;
    const std::string_view literal = pattern.substr(0, brace);
    const bool last = brace == pattern.npos;
    if (text.size() < literal.size()) return std::nullopt;
    std::size_t at = 0;
    if (open) at = last && (!open_end || literal.empty()) ? text.size() - literal.size() : text.find(literal);
    if (at == text.npos || text.substr(at, literal.size()) != literal) return std::nullopt;
    keep(text.substr(0, at));
    text.remove_prefix(at + literal.size());
    if (last) break;
    open = true;
    name = pattern.substr(brace + 1, brace_end - brace - 1);
    pattern.remove_prefix(brace_end + 1);
  }
  if (!open_end && !text.empty()) return std::nullopt;
  return fields;
}

}  // namespace swiperig
