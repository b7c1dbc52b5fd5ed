// How a terminal's bytes become frames, as its profile says it, and back. Cutting is total: any bytes give frames,
// broken frames, single signs of the line and garbage, of which every byte is counted once, in bounded memory. A
// framing that announces a length cannot find the next beginning by itself: once it is lost everything is garbage until
// `abandon`, which whoever reads calls after a pause of the line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace swiperig {

struct EcrFraming {
  enum class Kind : std::uint8_t {
    stx_etx_lrc,  ///< STX data ETX LRC
    lines,        ///< up to LF or CR LF
    zvt_serial,   ///< DLE STX, the APDU with DLE doubled, DLE ETX, CRC-16
    zvt,          ///< bare APDUs, as over TCP
    length,       ///< data behind its length
    hid_report,   ///< reports as the USB link hands them over: two bytes of length, report ID, report
  };
  enum class LrcOver : std::uint8_t { data_etx, data, stx_data_etx };
  Kind kind = Kind::stx_etx_lrc;
  LrcOver lrc_over = LrcOver::data_etx;
  std::uint8_t lrc_start = 0;
  bool progress = false;  ///< SOH data EOT beside the frames, without LRC
  std::size_t length_bytes = 2;
  bool little_endian = false;
  bool length_counts_itself = false;
  bool binary = false;  ///< the data are no characters
  std::size_t longest = 1024;

  bool is_zvt() const { return kind == Kind::zvt || kind == Kind::zvt_serial; }
  bool finds_beginnings() const { return kind <= Kind::zvt_serial; }
};

struct Cut {
  enum What : std::uint8_t {
    frame,
    broken,   ///< whole, with a wrong LRC or CRC
    sign,     ///< ACK, NAK, ENQ, EOT by itself, or an empty frame
    garbage,  ///< or the beginning of a frame that does not end
  };
  What what = garbage;
  std::string data;      ///< of a frame; of a sign, its byte
  std::size_t size = 0;  ///< on the wire
};

class EcrCutter {
 public:
  explicit EcrCutter(const EcrFraming& framing) : framing_(framing) {}
  /// Takes as many of these bytes at once as end nothing and begin nothing; the one behind them is for `take`.
  std::size_t skim(std::string_view bytes);
  /// The next byte; what ends with it or, where a beginning cut off another frame, before it.
  std::optional<Cut> take(std::uint8_t byte);
  /// What was begun will not go on; nothing where nothing was.
  std::optional<Cut> abandon();
  /// Bytes since the last cut.
  std::size_t begun() const { return begun_; }
  bool lost() const { return lost_; }

 private:
  enum class Place : std::uint8_t { outside, leading, inside, progress, escaped, check, check_high };
  std::optional<Cut> lrc(std::uint8_t byte);
  std::optional<Cut> line(std::uint8_t byte);
  std::optional<Cut> crc(std::uint8_t byte);
  std::optional<Cut> counted(std::uint8_t byte);
  std::optional<Cut> outside(std::uint8_t byte);
  std::optional<Cut> inside(std::uint8_t byte);
  /// A new frame began with the last `size` bytes; what was before it is garbage.
  std::optional<Cut> begin(Place place, std::size_t size);
  Cut end(Cut::What what);

  EcrFraming framing_;
  Place place_ = Place::outside;
  std::string data_;
  std::size_t begun_ = 0;
  std::uint8_t check_ = 0;
  bool lost_ = false;
};

/// The data as a frame on the wire.
std::string ecr_frame(const EcrFraming& framing, std::string_view data);

/// Where each byte of a frame's data is on the wire; behind the last of them, its check value's bytes.
struct DataPlaces {
  std::vector<std::size_t> data, check;
};
DataPlaces data_places(const EcrFraming& framing, std::string_view wire);

}  // namespace swiperig
