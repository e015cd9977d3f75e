// Any bytes as the head of a response, cut into lines as libcurl cuts them.
#include <string>

#include "absl/strings/string_view.h"
#include "services/router/fetch/response_head.h"
#include "tests/fuzz/fuzz_target.h"

using absl::string_view;
using understudy::router::Header;
using understudy::router::ResponseHead;
using understudy::testing::Require;

namespace {

bool HasStrayByte(string_view text) {
  return text.find_first_of(string_view("\0\r\n", 3)) != string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  string_view input(reinterpret_cast<const char*>(data), size);
  ResponseHead head;
  size_t bytes = 0;
  int lines = 0;
  bool was_complete = false;
  while (!input.empty()) {
    const string_view line = input.substr(0, input.find('\n') + 1);  // npos + 1 is 0
    const string_view taken = line.empty() ? input : line;
    input.remove_prefix(taken.size());
    const bool is_taken = head.AddLine(taken);
    Require(is_taken == head.error().empty(), "a refusal gives its reason, and nothing else does");
    Require(!was_complete || head.complete(), "what is complete stays complete");
    if (!is_taken) return 0;
    bytes += taken.size();
    ++lines;
    was_complete = head.complete();
  }
  Require(bytes <= understudy::router::kMaxHeadBytes, "a head has so many bytes at most");
  Require(lines <= understudy::router::kMaxHeadLines, "a head has so many lines at most");
  size_t header_bytes = 0;
  for (const Header& header : head.headers()) {
    Require(!header.name.empty() && header.name.find_first_of(" \t:") == std::string::npos,
            "names are tokens");
    Require(!HasStrayByte(header.name) && !HasStrayByte(header.value),
            "nothing can break out of a header");
    header_bytes += header.name.size() + header.value.size();
  }
  Require(header_bytes <= bytes, "nothing is made up");
  if (!head.complete()) return 0;
  Require(head.status() >= 200 && head.status() <= 999, "a final status has three digits");
  Require(!head.ambiguous_length() || head.chunked(), "only chunks make a length ambiguous");
  return 0;
}
