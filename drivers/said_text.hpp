// What a terminal said, as observations: the text as it may be shown (control characters and what is no UTF-8 as \xNN),
// and the milestones that the rules of its profile see in it. Of several rules for one milestone the first that fits
// counts. The text has been masked.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "rig/equipment.hpp"
#include "rig/profile.hpp"

namespace swiperig {

std::string readable(std::string_view raw);
void tell_text(const std::vector<TextRule>& rules, std::string place, std::string_view masked, Time at,
               std::deque<Seen>& seen);

}  // namespace swiperig
