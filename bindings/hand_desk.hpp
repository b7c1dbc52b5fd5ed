// Between whoever moves a served bench by hand, one request after another, and the run that does it. Thread-safe: asked
// by the port's thread, done by the bench's.
#pragma once

#include <atomic>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <mutex>
#include <optional>
#include <string>

#include "rig/hands.hpp"

namespace swiperig {

class HandDesk final : public Hands {
 public:
  /// Nobody's hands yet; when `until_s` has come they are off again, unless it is moved on.
  void begin();
  /// To be done. False: something still is.
  bool put(const std::string& id, ByHand);
  /// Nothing more is to be done.
  void leave();
  /// It has ended, by `why` where that is not "".
  void ended(const std::string& why);
  /// What became of the last: {"id", "state": "waiting" or "done", "events" or "error"}; nothing: there was none.
  std::optional<boost::json::object> told() const;
  std::atomic<double> until_s = 0;  ///< of the machine's clock

  bool asked() override;
  std::optional<ByHand> take() override;
  void done(std::span<const Event>) override;
  Duration every() const override;

 private:
  mutable std::mutex mutex_;
  std::optional<ByHand> wanted_;
  std::string id_, error_;
  bool leaving_ = false, done_ = true;
  boost::json::array seen_;
};

}  // namespace swiperig
