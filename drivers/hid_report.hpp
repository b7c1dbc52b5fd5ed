// What a human-interface device says of its reports: the report descriptor of one interface, read before a report is
// believed. Reading is total: any bytes give either the reports or a sentence with the offset of what cannot be. Every
// item moves on by at least one byte and lies wholly within the descriptor; stack, collections, reports and their sizes
// are bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "rig/bytes.hpp"

namespace swiperig {

struct HidReports {
  struct Report {
    std::uint8_t id = 0;    ///< 0: the device numbers none
    std::size_t bytes = 0;  ///< without the ID
  };
  std::vector<Report> in, out;
  bool numbered = false;  ///< every report begins with its ID
  bool keyboard = false;  ///< keys are in its reports: what is typed there may be a card
  /// Of the longest report towards the rig, its ID included.
  std::size_t longest_in() const;
};

constexpr std::size_t kMostHidDescriptorBytes = 4096;

std::variant<HidReports, std::string> parse_hid_reports(BytesView descriptor);

struct HidReport {
  std::uint8_t id = 0;
  BytesView bytes;  ///< without the ID
};

/// One transfer as the report that it should be, or a sentence how it lies.
std::variant<HidReport, std::string> read_hid_report(const HidReports& reports, BytesView transfer);

}  // namespace swiperig
