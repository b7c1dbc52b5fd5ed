#include "rig/ecr_framing.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "rig/bytes.hpp"
#include "tests/vectors.hpp"

namespace swiperig {
namespace {

using Kind = EcrFraming::Kind;
using Over = EcrFraming::LrcOver;

EcrFraming framing(Kind kind) {
  EcrFraming f;
  f.kind = kind;
  return f;
}

std::string wire(std::string_view hex) { return std::string(text_of(from_hex(hex).value_or(Bytes{}))); }

/// "frame:data", "broken", "sign", "garbage 3"; every byte is in one of them or begun.
std::vector<std::string> cuts(EcrCutter& cutter, std::string_view bytes) {
  std::vector<std::string> all;
  std::size_t sizes = 0;
  const std::size_t before = cutter.begun();
  for (const char c : bytes) {
    const auto cut = cutter.take(static_cast<std::uint8_t>(c));
    if (!cut) continue;
    sizes += cut->size;
    switch (cut->what) {
      case Cut::frame: all.push_back("frame:" + cut->data); break;
      case Cut::broken: all.emplace_back("broken"); break;
      case Cut::sign: all.emplace_back("sign"); break;
      case Cut::garbage: all.push_back("garbage " + std::to_string(cut->size)); break;
    }
  }
  EXPECT_EQ(sizes + cutter.begun(), before + bytes.size());
  return all;
}

std::vector<std::string> cut(const EcrFraming& f, std::string_view bytes) {
  EcrCutter cutter(f);
  return cuts(cutter, bytes);
}

using Cuts = std::vector<std::string>;

/// The same with as many bytes at once as can be.
Cuts skimmed(const EcrFraming& f, std::string_view bytes) {
  EcrCutter cutter(f);
  Cuts all;
  while (!bytes.empty()) {
    const std::size_t n = cutter.skim(bytes);
    bytes.remove_prefix(n);
    if (bytes.empty()) break;
    for (std::string& one : cuts(cutter, bytes.substr(0, 1))) all.push_back(std::move(one));
    bytes.remove_prefix(1);
  }
  all.push_back("begun " + std::to_string(cutter.begun()));
  return all;
}

TEST(EcrFraming, BytesTakenAtOnceAreCutAsOneByOne) {
  constexpr std::string_view signs("\x01\x02\x03\x04\x05\x06\x10\x15\r\n\x00\x01\x7f\xff|0", 16);
  std::uint32_t state = 1;
  const auto draw = [&](std::uint32_t n) { return ((state = state * 1664525 + 1013904223) >> 16) % n; };
  std::size_t frames = 0;
  for (int round = 0; round < 6000; ++round) {
    EcrFraming f = framing(static_cast<Kind>(round % 6));
    f.longest = 12;
    f.progress = round % 4 == 0;
    f.length_bytes = 1;
    std::string bytes;
    for (std::uint32_t n = 1 + draw(8); n > 0; --n) {
      std::string data;
      for (std::uint32_t size = draw(16); size > 0; --size) data += draw(3) == 0 ? signs[draw(16)] : 'a';
      bytes += draw(3) == 0 ? data : ecr_frame(f, data);
    }
    Cuts one_by_one;
    EcrCutter cutter(f);
    one_by_one = cuts(cutter, bytes);
    frames += static_cast<std::size_t>(
        std::count_if(one_by_one.begin(), one_by_one.end(), [](auto& c) { return c.starts_with("frame"); }));
    one_by_one.push_back("begun " + std::to_string(cutter.begun()));
    ASSERT_EQ(skimmed(f, bytes), one_by_one) << round;
  }
  EXPECT_GT(frames, 3000U);
}

TEST(EcrFraming, EveryLrcVariantOfTheVectorsAndNoOther) {
  const auto file = vectors_in("frames.json");
  EcrFraming f;
  const std::string published = wire(std::string(file.at("stx_etx_lrc").as_array()[0].at("frame_hex").as_string()));
  EXPECT_EQ(cut(f, published), Cuts{"frame:0200|123|"});
  EXPECT_EQ(ecr_frame(f, "0200|123|"), published);
  const Over variants[] = {Over::data_etx, Over::data, Over::stx_data_etx};
  f.lrc_start = 0x7F;
  for (std::size_t right = 0; right < 3; ++right) {
    const auto& v = file.at("stx_etx_lrc_7f").as_array()[right];
    const std::string bytes = wire(std::string(v.at("frame_hex").as_string()));
    for (std::size_t i = 0; i < 3; ++i) {
      f.lrc_over = variants[i];
      EXPECT_EQ(cut(f, bytes), i == right ? Cuts{"frame:000000010s"} : Cuts{"broken"}) << right << i;
      if (i == right) {
        EXPECT_EQ(ecr_frame(f, "000000010s"), bytes);
      }
    }
  }
}

TEST(EcrFraming, ZvtOnASerialLine) {
  const auto file = vectors_in("frames.json");
  const EcrFraming f = framing(Kind::zvt_serial);
  for (const auto& v : file.at("zvt_serial").as_array()) {
    const std::string bytes = wire(std::string(v.at("frame_hex").as_string()));
    const std::string apdu = wire(std::string(v.at("apdu_hex").as_string()));
    EXPECT_EQ(cut(f, bytes), Cuts{"frame:" + apdu});
    EXPECT_EQ(ecr_frame(f, apdu), bytes);
    std::string lying = bytes;
    lying.back() = static_cast<char>(lying.back() ^ 1);
    EXPECT_EQ(cut(f, lying), Cuts{"broken"});
  }
  for (const auto& v : file.at("zvt_published").as_array()) {
    const Cuts all = cut(f, wire(std::string(v.as_string())));
    ASSERT_EQ(all.size(), 1U);
    EXPECT_TRUE(all[0].starts_with("frame:")) << all[0];
  }
  EXPECT_EQ(cut(f, "\x06noise"), (Cuts{"sign", "garbage 1", "garbage 1", "garbage 1", "garbage 1", "garbage 1"}));
  EXPECT_EQ(cut(f,
                "\x10\x02"
                "ab\x10\x02" +
                    ecr_frame(f, "x").substr(2)),
            (Cuts{"garbage 4", "frame:x"}));
  EXPECT_EQ(cut(f,
                "\x10\x02"
                "a\x10z"),
            Cuts{"garbage 5"});
}

TEST(EcrFraming, LinesEndWithLfOrCrLf) {
  EcrFraming f = framing(Kind::lines);
  f.longest = 4;
  EXPECT_EQ(cut(f, "abcd\r\nab\n\n"), (Cuts{"garbage 5", "garbage 1", "frame:ab", "sign"})) << "CR is a fifth";
  EXPECT_EQ(cut(f, "abc\r\nab\n"), (Cuts{"frame:abc", "frame:ab"}));
  EXPECT_EQ(cut(f, std::string("a\0\n", 3)), Cuts{"frame:" + std::string("a\0", 2)});
}

TEST(EcrFraming, LengthsOfEveryKindAndLiesAboutThem) {
  EcrFraming f = framing(Kind::length);
  EXPECT_EQ(cut(f, wire("0003414243"
                        "0000"
                        "000141")),
            (Cuts{"frame:ABC", "sign", "frame:A"}));
  EXPECT_EQ(ecr_frame(f, "ABC"), wire("0003414243"));
  f.little_endian = true;
  f.length_counts_itself = true;
  EXPECT_EQ(cut(f, wire("0500414243")), Cuts{"frame:ABC"});
  EXPECT_EQ(ecr_frame(f, "ABC"), wire("0500414243"));
  EcrCutter lied(f);
  EXPECT_EQ(cuts(lied, wire("01004142")), (Cuts{"garbage 2", "garbage 1", "garbage 1"})) << "less than itself";
  EXPECT_TRUE(lied.lost());
  EXPECT_FALSE(lied.abandon());
  EXPECT_EQ(cuts(lied, wire("0500414243")), Cuts{"frame:ABC"}) << "after the pause";
  EXPECT_EQ(cut(f, wire("FFFF4142")), (Cuts{"garbage 2", "garbage 1", "garbage 1"})) << "more than any frame has";
}

TEST(EcrFraming, BareZvtHasShortAndLongLengths) {
  const EcrFraming f = framing(Kind::zvt);
  EXPECT_EQ(cut(f, wire("800000"
                        "0601020102")),
            (Cuts{"frame:" + wire("800000"), "frame:" + wire("0601020102")}));
  EXPECT_EQ(cut(f, wire("06D1FF0300") + "abc"), Cuts{"frame:" + wire("06D1FF0300") + "abc"});
  EXPECT_EQ(cut(f, wire("06D1FFFFFF") + "a"), (Cuts{"garbage 5", "garbage 1"}));
}

TEST(EcrFraming, ReportsComeAsTheLinkHandsThemOver) {
  const EcrFraming f = framing(Kind::hid_report);
  EXPECT_EQ(cut(f, wire("0003024142"
                        "000205FF")),
            (Cuts{"frame:\x02"
                  "AB",
                  "frame:" + wire("05FF")}));
}

TEST(EcrFraming, ProgressFramesHaveNoLrc) {
  EcrFraming f;
  f.progress = true;
  EXPECT_EQ(cut(f, "\x01WAIT\x04" + ecr_frame(f, "R") + "\x05"), (Cuts{"frame:WAIT", "frame:R", "sign"}));
  EXPECT_EQ(cut(f, "\x01WAI" + ecr_frame(f, "R")), (Cuts{"garbage 4", "frame:R"}));
  f.progress = false;
  EXPECT_EQ(cut(f, "\x01" + ecr_frame(f, "R")), (Cuts{"garbage 1", "frame:R"}));
}

TEST(EcrFraming, AnyBytesInAnyFramingAreCountedOnce) {
  std::uint32_t state = 7;
  for (int kind = 0; kind <= static_cast<int>(Kind::hid_report); ++kind) {
    EcrFraming f = framing(static_cast<Kind>(kind));
    f.longest = 64;
    f.progress = true;
    EcrCutter cutter(f);
    for (int round = 0; round < 200; ++round) {
      std::string bytes;
      for (int i = 0; i < 50; ++i) {
        state = state * 1664525 + 1013904223;
        constexpr std::string_view likely("\x02\x03\x10\x10\x06\x00\x01\n\r\xFF", 10);
        const std::uint32_t pick = state >> 24;
        bytes.push_back(pick < 160 ? likely[pick % likely.size()] : static_cast<char>(pick));
      }
      cuts(cutter, bytes);
      EXPECT_LE(cutter.begun(), 2 * 64 + 8U);
      if (round % 20 == 0) (void)cutter.abandon();
    }
  }
}

}  // namespace
}  // namespace swiperig
