// What a payment terminal says over its cash register link, cut into frames, masked and put into words as its profile
// says (rig/ecr_words.hpp): each frame becomes a Text of its place, and the milestones that the profile's rules see in
// it. Results, or all frames, are acknowledged, and an exact repeat of one within 2.5 s is told once. The fixture
// terminal's journal is asked for with J?, its last result with L?; a profile may have other words or none. Any bytes
// are safe: a frame with a wrong LRC or CRC is refused and told as such, what is no frame is told as garbage.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rig/bytes.hpp"
#include "rig/crew.hpp"
#include "rig/ecr_framing.hpp"
#include "rig/ecr_words.hpp"
#include "rig/equipment.hpp"
#include "rig/link.hpp"
#include "rig/profile.hpp"

namespace swiperig {

class TerminalEcr final : public Capture, public Book, public LastResult {
 public:
  TerminalEcr(Clock& clock, std::unique_ptr<Link> link, std::vector<TextRule> rules, TerminalLink words = {})
      : clock_(clock),
        link_(std::move(link)),
        rules_(std::move(rules)),
        words_(std::move(words)),
        cutter_(words_.framing),
        masker_(words_),
        sends_(clock) {}

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
  void take(Cut cut);
  void take_frame(std::string data);
  bool acknowledge(std::string_view data);
  void answer_sign(std::string_view sign);
  void lose_the_thread();
  void report(std::string place, std::string_view text);
  void report_garbage();
  void ask(std::string_view request);
  bool take_book_row(std::string_view data);
  Task<> flush();
  Task<> send();

  Clock& clock_;
  std::unique_ptr<Link> link_;
  std::vector<TextRule> rules_;
  const TerminalLink words_;
  EcrCutter cutter_;
  FrameMasker masker_;
  Time heard_at_{};
  bool closed_ = false;
  bool lost_ = false;
  std::string lost_why_;  ///< ": why", where the link has said so

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
