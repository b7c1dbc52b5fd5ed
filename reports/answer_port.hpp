// A ROUTER socket that answers, in a thread of its own: one request of one frame, one answer of JSON and perhaps bytes.
// Whoever asks otherwise than a REQ socket does (three frames, one of them empty) gets nothing.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "reports/access.hpp"

namespace swiperig {

struct Caller {
  std::string key;                 ///< public; "": a socket without keys, reached by its owner alone
  std::optional<ListedPeer> peer;  ///< nothing: let in once, and not listed any more
};

struct PortAnswer {
  std::string json, bytes;
};

constexpr std::size_t longest_question = 64 << 10;

class AnswerPort {
 public:
  using Ask = std::function<PortAnswer(const Caller&, std::string_view)>;
  /// Binds, and with `access` proves that strangers are kept out. `ask` is called by the port's thread and does not
  /// throw. Throws PublishError.
  AnswerPort(const std::string& url, const std::optional<Access>& access, Ask ask);
  ~AnswerPort();
  AnswerPort(const AnswerPort&) = delete;
  AnswerPort& operator=(const AnswerPort&) = delete;
  /// Who may come from now on; from any thread.
  void allow(AllowList);

 private:
  class Station;
  std::unique_ptr<Station> station_;
};

}  // namespace swiperig
