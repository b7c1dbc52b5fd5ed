// A run that a serving controller does for somebody else, and what the two say to each other over the local socket of
// the bench: lines of JSON. First the caller's request, {"run":{...}} with what `swiperig run` was told and the folder
// it was called in; then at any time {"stop":true}. The server answers with {"out":"..."} and {"err":"..."}, the run's
// words as they come, and at last {"exit":N}. The run does not end with its caller: who goes away finds the results in
// their folder.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "bindings/run.hpp"

namespace swiperig {

constexpr std::size_t longest_serve_line = 1 << 20;

struct BenchFile;

struct ServeRequest {
  RunOptions options;
  std::string folder;
};
std::string to_line(const ServeRequest&);
/// Total: what is no request is told as what was expected.
std::variant<ServeRequest, std::string> parse_request(std::string_view line);
std::string words_line(const char* stream, std::string_view words);
std::string exit_line(int code);

/// Where the controller of a bench listens.
std::string serve_socket(const BenchFile&);

/// Has the run done by the controller that serves its bench; nothing where the bench is virtual or nobody serves it.
/// When `stop` is set the run is asked to stop, and ends with the bench at rest.
std::optional<int> run_where_served(const RunOptions&, const std::atomic<bool>& stop);

}  // namespace swiperig
