// Talking in lines with one device: bytes in become bounded lines in a bounded queue, waited for with a deadline; only
// one of several callers has the floor at a time, in the order they asked. What the device sends is never trusted: an
// overlong line, a flood or a closed link is an EquipmentError for whoever listens next, never a crash or a hang.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "rig/equipment.hpp"
#include "rig/link.hpp"

namespace swiperig {

/// At most 60 characters of what a device said, control characters as \xNN, fit for an error message.
std::string shown(std::string_view line);

class Conversation {
 public:
  /// `device` names the other side in errors: "swiper", "supply".
  Conversation(Clock& clock, std::unique_ptr<Link> link, std::string device);
  ~Conversation();
  /// Reads until the link closes; whoever put the bench together runs it in its crew. Does not throw.
  Task<> serve();
  void close();

  /// The right to talk; given up when it goes out of scope.
  class Floor {
   public:
    explicit Floor(Conversation& whose) : whose_(&whose) {}
    Floor(Floor&& other) noexcept : whose_(std::exchange(other.whose_, nullptr)) {}
    Floor& operator=(Floor&&) = delete;
    ~Floor();

   private:
    Conversation* whose_;
  };
  Task<Floor> floor();

  Task<> say(std::string text);
  /// The next line without its end; nullopt when `until` came first. Throws EquipmentError.
  Task<std::optional<std::string>> hear(Time until);
  /// Forgets lines nobody listened to.
  void forget() { lines_.clear(); }
  /// "swiper: " + what.
  [[noreturn]] void fail(const std::string& what) const;
  Clock& clock() { return clock_; }

 private:
  void take(std::string_view bytes);

  Clock& clock_;
  std::unique_ptr<Link> link_;
  const std::string device_;
  std::deque<std::string> lines_;
  std::string partial_;
  std::string fault_;  // why nothing more can be heard
  Bell heard_;
  bool taken_ = false;
  std::deque<Bell*> waiting_;
};

}  // namespace swiperig
