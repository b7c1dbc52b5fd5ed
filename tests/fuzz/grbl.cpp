// Any lines from a controller to the driver's parser: each is of one kind, and its numbers are said in words.
#include <algorithm>

#include "drivers/grbl_line.hpp"

using namespace swiperig;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  std::string_view said(reinterpret_cast<const char*>(bytes), count);
  while (!said.empty()) {
    const std::size_t end = std::min(said.find('\n'), said.size());
    const GrblLine line = parse_grbl(said.substr(0, end));
    (void)words_of_alarm(line.number);
    (void)words_of_error(line.number);
    said.remove_prefix(std::min(end + 1, said.size()));
  }
  return 0;
}
