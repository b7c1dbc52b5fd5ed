#include "rig/track.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/vectors.hpp"

namespace swiperig {
namespace {

using Bits = std::vector<std::uint8_t>;
using Result = std::variant<TrackText, TrackError>;

std::string text(const boost::json::value& value) { return std::string(value.as_string()); }
int track_of(const boost::json::value& value) { return static_cast<int>(value.at("track").as_int64()); }

Bits bits_of(const boost::json::value& value) {
  Bits out;
  for (const char c : value.as_string()) out.push_back(c == '1' ? 1 : 0);
  return out;
}

Bits surrounded(const Bits& bits, std::size_t zeros) {
  Bits out(zeros, 0);
  out.insert(out.end(), bits.begin(), bits.end());
  out.insert(out.end(), zeros, 0);
  return out;
}

std::string fault(const Result& result) {
  const auto* error = std::get_if<TrackError>(&result);
  return error == nullptr ? "" : std::string(name(error->fault));
}

TEST(Luhn, EveryVector) {
  const auto file = vectors_in("luhn.json");
  for (const auto& v : file.at("vectors").as_array()) {
    const std::string pan = text(v.at("pan"));
    EXPECT_EQ(luhn_valid(pan), v.at("valid").as_bool()) << pan;
    if (!v.at("valid").as_bool()) continue;
    // every single wrong digit is caught
    for (std::size_t i = 0; i < pan.size(); ++i) {
      for (char c = '0'; c <= '9'; ++c) {
        std::string wrong = pan;
        wrong[i] = c;
        EXPECT_EQ(luhn_valid(wrong), c == pan[i]);
      }
    }
    // and every adjacent swap but that of 0 and 9
    for (std::size_t i = 0; i + 1 < pan.size(); ++i) {
      std::string swapped = pan;
      std::swap(swapped[i], swapped[i + 1]);
      const bool blind =
          pan[i] == pan[i + 1] || (std::min(pan[i], pan[i + 1]) == '0' && std::max(pan[i], pan[i + 1]) == '9');
      EXPECT_EQ(luhn_valid(swapped), blind) << swapped;
    }
  }
  for (const auto& v : file.at("check_digit").as_array()) {
    EXPECT_EQ(std::string(1, luhn_digit(text(v.at("body")))), text(v.at("digit")));
    EXPECT_TRUE(luhn_valid(text(v.at("body")) + text(v.at("digit"))));
  }
  for (const auto& v : file.at("undetected_transposition").as_array()) {
    EXPECT_EQ(luhn_valid(text(v.at("a"))), luhn_valid(text(v.at("b"))));
    EXPECT_NE(text(v.at("a")), text(v.at("b")));
  }
  EXPECT_TRUE(luhn_valid("4000000000009"
                         "00") == luhn_valid("4000000000000"
                                             "90"));
  EXPECT_FALSE(luhn_valid(""));
  EXPECT_FALSE(luhn_valid("4111 1111"));
  EXPECT_EQ(luhn_digit(""), '\0');
  EXPECT_EQ(luhn_digit("12x"), '\0');
}

TEST(Track, EveryVectorBothWays) {
  const auto file = vectors_in("tracks.json");
  std::size_t count = 0;
  for (const auto& v : file.at("vectors").as_array()) {
    SCOPED_TRACE(text(v.at("name")));
    const int track = track_of(v);
    const Bits bits = bits_of(v.at("bits"));
    EXPECT_EQ(encode_track(track, text(v.at("text"))), bits);
    EXPECT_EQ(bits.size(),
              static_cast<std::size_t>(v.at("bits_per_char").as_int64() * v.at("chars_with_lrc").as_int64()));
    for (const std::size_t zeros : {0U, 1U, 22U, 61U}) {
      const Result result = decode_track(track, surrounded(bits, zeros));
      ASSERT_TRUE(std::holds_alternative<TrackText>(result)) << fault(result);
      const auto& read = std::get<TrackText>(result);
      EXPECT_EQ(read.text, text(v.at("text")));
      EXPECT_EQ(read.lrc, v.at("lrc_value").as_int64());
      EXPECT_EQ(read.first_bit, zeros);
      EXPECT_FALSE(read.reversed);
    }
    Bits reversed = bits_of(v.at("reversed_bits"));
    // the wrong way round it is no text, turned it is
    EXPECT_NE(fault(decode_track(track, surrounded(reversed, 25))), "");
    std::reverse(reversed.begin(), reversed.end());
    EXPECT_EQ(reversed, bits);
    ++count;
  }
  EXPECT_EQ(count, 10U);
}

TEST(Track, EveryNegativeVector) {
  const auto file = vectors_in("tracks.json");
  std::size_t count = 0;
  for (const auto& v : file.at("negative").as_array()) {
    SCOPED_TRACE(text(v.at("name")));
    const Result result = decode_track(track_of(v), bits_of(v.at("bits")));
    EXPECT_EQ(fault(result), text(v.at("expect")));
    if (const auto* index = v.as_object().if_contains("char_index")) {
      EXPECT_EQ(std::get<TrackError>(result).character, static_cast<std::size_t>(index->as_int64()));
      EXPECT_EQ(std::get<TrackError>(result).bit, static_cast<std::size_t>(index->as_int64()) * 5);
    }
    ++count;
  }
  EXPECT_EQ(count, 6U);
}

TEST(Track, EveryFlippedBitIsSeenInItsCharacter) {
  const auto file = vectors_in("tracks.json");
  for (const auto& v : file.at("vectors").as_array()) {
    const int track = track_of(v);
    const std::size_t width = static_cast<std::size_t>(v.at("bits_per_char").as_int64());
    const Bits bits = bits_of(v.at("bits"));
    // behind the start sentinel, whose damage hides the track
    for (std::size_t i = width; i < bits.size(); ++i) {
      Bits bad = bits;
      bad[i] ^= 1;
      const Result result = decode_track(track, bad);
      ASSERT_TRUE(std::holds_alternative<TrackError>(result));
      const auto& error = std::get<TrackError>(result);
      EXPECT_EQ(error.character, i / width);
      EXPECT_EQ(name(error.fault), i / width + 1 == bits.size() / width ? "lrc_parity_error" : "parity_error");
    }
    for (std::size_t i = 0; i < width; ++i) {
      Bits bad = bits;
      bad[i] ^= 1;
      EXPECT_NE(fault(decode_track(track, bad)), "");
    }
  }
}

TEST(Track, FourFlipsInARectangleGoUnseen) {
  // a limit of the code on the stripe, not of this decoder: same two columns in two characters
  Bits bits = encode_track(2, ";6212345678901265=3012?");
  for (const std::size_t i : {10U, 11U, 15U, 16U}) bits[i] ^= 1;
  const Result result = decode_track(2, bits);
  ASSERT_TRUE(std::holds_alternative<TrackText>(result)) << fault(result);
  EXPECT_NE(std::get<TrackText>(result).text, ";6212345678901265=3012?");
}

TEST(Track, LimitsOfLengthAndCharacterSet) {
  const std::string longest = ";" + std::string(104, '1') + "?";
  Bits bits = encode_track(3, longest);
  EXPECT_EQ(bits.size(), 535U);
  const Result read = decode_track(3, bits);
  ASSERT_TRUE(std::holds_alternative<TrackText>(read));
  EXPECT_EQ(std::get<TrackText>(read).text, longest);
  EXPECT_TRUE(encode_track(3, ";" + std::string(105, '1') + "?").empty());
  bits = encode_track(3, ";" + std::string(105, '1'));
  const Bits more = encode_track(3, std::string(50, '2'));
  bits.insert(bits.end(), more.begin(), more.end());
  EXPECT_EQ(fault(decode_track(3, bits)), "too_long");
  EXPECT_EQ(fault(decode_track(3, Bits(100000, 1))), "no_start_sentinel");
  bits = encode_track(2, ";12?");
  bits.resize(bits.size() - 1);
  EXPECT_EQ(fault(decode_track(2, bits)), "no_lrc");
  for (const int track : {-1, 0, 4}) {
    EXPECT_TRUE(encode_track(track, ";1?").empty());
    EXPECT_EQ(fault(decode_track(track, bits)), "no_such_track");
  }
  EXPECT_TRUE(encode_track(2, ";A?").empty());
  EXPECT_TRUE(encode_track(1, "%b?").empty());
  EXPECT_FALSE(encode_track(1, "%B?").empty());
  EXPECT_TRUE(encode_track(2, "").empty());
  EXPECT_TRUE(encode_track(1, "\xFF").empty());
}

TEST(Track2, PartsAndErrors) {
  const auto parse = [](std::string_view line) {
    const auto result = parse_track2(line);
    const auto* parts = std::get_if<Track2>(&result);
    if (parts == nullptr) return "error " + std::to_string(std::get<TextError>(result).offset);
    std::string out;
    for (const auto part : {parts->pan, parts->expiry_yymm, parts->service_code, parts->discretionary}) {
      out += std::string(part) + "/";
    }
    return out + (parts->chip_preferred() ? "chip" : "swipe");
  };
  EXPECT_EQ(parse(";6212345678901265=30125010000000000000?"), "6212345678901265/3012/501/0000000000000/swipe");
  EXPECT_EQ(parse("6212345678901265=30125010000000000000"), "6212345678901265/3012/501/0000000000000/swipe");
  EXPECT_EQ(parse("6212345678901265D3012501"), "6212345678901265/3012/501//swipe");
  EXPECT_EQ(parse(";6200000000000005=30122010000000000000?"), "6200000000000005/3012/201/0000000000000/chip");
  EXPECT_EQ(parse("6205500000000000004=3012"), "6205500000000000004/3012///swipe");
  EXPECT_EQ(parse(""), "error 0");
  EXPECT_EQ(parse(";"), "error 1");
  EXPECT_EQ(parse(";=?"), "error 1");
  EXPECT_EQ(parse(";6212345678901265=3012501"), "error 25");
  EXPECT_EQ(parse("6212345678901265"), "error 16");
  EXPECT_EQ(parse("62123456x8901265=3012501"), "error 8");
  EXPECT_EQ(parse("6212345678901265=301"), "error 20");
  EXPECT_EQ(parse("6212345678901265=30125"), "error 22");
  EXPECT_EQ(parse("62123456789012651111=3012501"), "error 20");
  EXPECT_EQ(parse("1234567=3012501"), "error 7");
  EXPECT_EQ(parse("6212345678901265=3012501=123"), "error 24");
  EXPECT_EQ(parse("6212345678901265=301250100000000000000"), "error 37");
  const auto file = vectors_in("tracks.json");
  for (const auto& v : file.at("vectors").as_array()) {
    if (track_of(v) != 2 || text(v.at("name")) == "t2-minimal") continue;
    EXPECT_EQ(parse(text(v.at("text"))).rfind("error", 0), std::string::npos);
  }
}

TEST(Track, AnyBitsGiveATextOrAnError) {
  std::uint64_t state = 42;
  const auto next = [&state] {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::uint32_t>(state >> 33);
  };
  const Bits good = encode_track(2, ";6212345678901265=30125010000000000000?");
  std::size_t read = 0;
  std::size_t refused = 0;
  Bits bits;
  for (int round = 0; round < 200000; ++round) {
    const int track = 1 + round % 3;
    if (round % 2 == 0) {
      bits.resize(next() % 300);
      for (auto& bit : bits) bit = static_cast<std::uint8_t>(next());
    } else {
      bits = good;
      for (std::uint32_t n = next() % 3; n > 0; --n) bits[next() % bits.size()] ^= 1;
      if (next() % 4 == 0) bits.resize(next() % (bits.size() + 20));
    }
    const Result result = decode_track(track, bits);
    if (const auto* value = std::get_if<TrackText>(&result)) {
      ++read;
      ASSERT_LT(value->text.size(), kMaxTrackChars);
      ASSERT_FALSE(encode_track(track, value->text).empty());
    } else {
      ++refused;
      ASSERT_LE(std::get<TrackError>(result).bit, bits.size());
    }
    std::string line;
    for (std::size_t i = next() % 45; i > 0; --i) line += static_cast<char>("0123456789=D;?x"[next() % 15]);
    (void)parse_track2(line);
  }
  EXPECT_GT(read, 1000U);
  EXPECT_GT(refused, 1000U);
}

}  // namespace
}  // namespace swiperig
