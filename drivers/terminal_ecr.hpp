// What a payment terminal says over its cash register link: STX data ETX LRC, LRC the XOR of data and ETX. S| lines are
// its screen, P| lines its receipt, everything else is the ECR interface; each becomes a Text, scrubbed of card
// numbers, and the milestones that rules of the terminal's profile see in it. Results (R|) are acknowledged, and an
// exact repeat within 2.5 s is told once. The terminal's journal is asked for with J?, its last result
// with L?. Any bytes are safe: a frame with
// a wrong LRC is refused and told as such, what is no frame is told as garbage.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rig/bytes.hpp"
#include "rig/crew.hpp"
#include "rig/equipment.hpp"
#include "rig/link.hpp"
#include "rig/profile.hpp"

namespace swiperig {

class TerminalEcr final : public Capture, public Book, public LastResult {
 public:
  static constexpr std::size_t kMaxDataBytes = 1024;

  TerminalEcr(Clock& clock, std::unique_ptr<Link> link, std::vector<TextRule> rules)
      : clock_(clock), link_(std::move(link)), rules_(std::move(rules)), sends_(clock) {}

  /// Reads the link for the bench's lifetime; ends at `close` or when the terminal's end is gone.
  Task<> serve();
  /// Throws LinkError{closed} after `close`, EquipmentError when the terminal's end is gone.
  Task<Seen> next() override;
  /// Asks the terminal; throws EquipmentError if it does not tell within 5 s or tells nonsense.
  Task<std::vector<Entry>> entries() override;
  /// What the terminal says to it is told as any other text. Throws EquipmentError when the terminal's end is gone.
  Task<> ask_last_result() override;
  void close();

 private:
  void take(std::uint8_t byte);
  void take_frame();
  void report(std::string place, std::string_view text);
  void report_garbage();
  void ask(std::string_view request);
  bool take_book_row(std::string_view data);
  Task<> flush();
  Task<> send();

  Clock& clock_;
  std::unique_ptr<Link> link_;
  std::vector<TextRule> rules_;
  bool closed_ = false;
  bool lost_ = false;
  std::string lost_why_;  ///< ": why", where the link has said so

  enum class Place : std::uint8_t { outside, inside, lrc } place_ = Place::outside;
  std::string data_;
  std::size_t garbage_ = 0;
  Time garbage_at_{};
  std::string last_result_;
  Time last_result_at_{};

  std::deque<Seen> seen_;
  Bell has_seen_;
  Bytes outgoing_;
  bool sending_ = false;
  Crew sends_;  // requests under way, while nobody waits for their writing

  bool asked_ = false;
  bool told_ = false;
  std::string book_fault_;
  std::vector<Entry> rows_;
  Bell book_news_;
};

}  // namespace swiperig
