#include "drivers/hid_report.hpp"

#include <gmock/gmock.h>

namespace swiperig {
namespace {

using testing::HasSubstr;

/// The example of the HID specification's appendix B.1: a keyboard as a BIOS knows it.
const char* const kKeyboard =
    "05010906A101050719E029E71500250175019508810295017508810195057501050819012905910295017503910195067508150025650507"
    "19002965"
    "8100C0";
/// A vendor's reports: 1 of seven bytes, 2 of three, towards the device 3 of one.
const char* const kVendor =
    "0600FF0901A101"
    "85017508950709018102"
    "85029503090281028503950109039102"
    "C0";

HidReports reports(std::string_view hex) {
  auto parsed = parse_hid_reports(from_hex(hex).value_or(Bytes{}));
  if (const auto* why = std::get_if<std::string>(&parsed)) ADD_FAILURE() << *why;
  return std::holds_alternative<HidReports>(parsed) ? std::get<HidReports>(parsed) : HidReports{};
}

std::string refusal(std::string_view hex) {
  const auto parsed = parse_hid_reports(from_hex(hex).value_or(Bytes{}));
  const auto* why = std::get_if<std::string>(&parsed);
  return why == nullptr ? "" : *why;
}

TEST(HidReport, TheKeyboardOfTheSpecification) {
  const HidReports r = reports(kKeyboard);
  EXPECT_TRUE(r.keyboard);
  EXPECT_FALSE(r.numbered);
  ASSERT_EQ(r.in.size(), 1U);
  EXPECT_EQ(r.in[0].bytes, 8U);
  ASSERT_EQ(r.out.size(), 1U);
  EXPECT_EQ(r.out[0].bytes, 1U);
  EXPECT_EQ(r.longest_in(), 8U);
}

TEST(HidReport, NumberedReportsOfAVendor) {
  const HidReports r = reports(kVendor);
  EXPECT_FALSE(r.keyboard);
  EXPECT_TRUE(r.numbered);
  ASSERT_EQ(r.in.size(), 2U);
  EXPECT_EQ(r.in[0].bytes, 7U);
  EXPECT_EQ(r.in[1].bytes, 3U);
  EXPECT_EQ(r.longest_in(), 8U);
}

TEST(HidReport, PushAndPopKeepWhatWasSaid) {
  // 8 bits x 4, pushed; 1 bit x 3 of another report; popped, and 8 bits x 4 again
  const HidReports r = reports(
      "A101"
      "7508"
      "9504"
      "8102"
      "A4"
      "7501"
      "9503"
      "8102"
      "B4"
      "8102"
      "C0");
  ASSERT_EQ(r.in.size(), 1U);
  EXPECT_EQ(r.in[0].bytes, 9U) << "67 bits";
}

TEST(HidReport, WhatCannotBeIsRefusedWithItsPlace) {
  EXPECT_EQ(refusal(kVendor), "");
  EXPECT_EQ(refusal(""), "byte 0: no report at all");
  EXPECT_THAT(refusal("A101"
                      "C0"),
              HasSubstr("no report at all"));
  EXPECT_EQ(refusal("C0"), "byte 0: an end without a collection");
  EXPECT_EQ(refusal("A101"
                    "750895018102"),
            "byte 8: a collection does not end");
  EXPECT_EQ(refusal("0601"), "byte 0: an item of 2 bytes where 1 are left");
  EXPECT_EQ(refusal("FE"), "byte 0: a long item that goes on behind the end");
  EXPECT_EQ(refusal("FEFF00"), "byte 0: a long item that goes on behind the end");
  EXPECT_EQ(refusal("FE0200AABB"
                    "750895018102"),
            "");
  EXPECT_EQ(refusal("77FFFFFFFF"), "byte 0: a field of 4294967295 bits");
  EXPECT_EQ(refusal("97FFFFFFFF"), "byte 0: 4294967295 fields");
  EXPECT_THAT(refusal("750897010001008102"), HasSubstr("byte 2: 65537 fields"));
  EXPECT_THAT(refusal("76000197000001008102"), HasSubstr("byte 8: a report of more than 8192 bytes"));
  EXPECT_EQ(refusal("8500"), "byte 0: report ID 0");
  EXPECT_EQ(refusal("750895018102"
                    "8501"),
            "byte 6: a report ID behind fields that have none");
  EXPECT_EQ(refusal("B4"), "byte 0: a pop without a push");
  std::string pushes, collections;
  for (int i = 0; i < 17; ++i) pushes += "A4";
  EXPECT_EQ(refusal(pushes), "byte 16: more than 16 pushes");
  for (int i = 0; i < 65; ++i) collections += "A100";
  EXPECT_EQ(refusal(collections), "byte 128: more than 64 collections within one another");
  EXPECT_THAT(refusal(std::string(2 * 4097, '0')), HasSubstr("more than 4096 bytes"));
}

std::string lie(const HidReports& r, std::string_view hex) {
  const Bytes bytes = from_hex(hex).value_or(Bytes{});
  const auto read = read_hid_report(r, bytes);
  const auto* why = std::get_if<std::string>(&read);
  return why == nullptr ? "" : *why;
}

TEST(HidReport, AReportThatLiesIsNone) {
  const HidReports r = reports(kVendor);
  EXPECT_EQ(lie(r, "0101020304050607"), "");
  EXPECT_EQ(lie(r, "02010203"), "");
  EXPECT_EQ(lie(r, ""), "a report without its ID");
  EXPECT_EQ(lie(r, "09010203"), "report 9, which its descriptor does not have");
  EXPECT_EQ(lie(r, "020102"), "report 2 of 2 bytes where its descriptor says 3");
  EXPECT_EQ(lie(r, "0201020304"), "report 2 of 4 bytes where its descriptor says 3");
  EXPECT_EQ(lie(r, "0301"), "report 3, which its descriptor does not have") << "that one goes the other way";
  EXPECT_EQ(lie(reports(kKeyboard), "0000040000000000"), "");
  EXPECT_EQ(lie(reports(kKeyboard), "00"), "report 0 of 1 bytes where its descriptor says 8");
}

}  // namespace
}  // namespace swiperig
