#include "tests/testing/request_reader.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace understudy::testing {

Reading RequestReader::ReadLine(std::string& line) {
  size_t searched = 0;
  for (;;) {
    const size_t end = unread_.find("\r\n", searched);
    if (end != std::string::npos && end + 2 <= bytes_left_) {
      line = unread_.substr(0, end);
      unread_.erase(0, end + 2);
      bytes_left_ -= end + 2;
      return Reading::kDone;
    }
    if (unread_.size() >= bytes_left_) return Reading::kBad;
    searched = unread_.empty() ? 0 : unread_.size() - 1;
    if (!wire_.Read(unread_)) return Reading::kEnded;
  }
}

Reading RequestReader::ReadBytes(size_t count, std::string& bytes) {
  if (count > bytes_left_) return Reading::kBad;
  while (unread_.size() < count) {
    if (!wire_.Read(unread_)) return Reading::kEnded;
  }
  bytes.append(unread_, 0, count);
  unread_.erase(0, count);
  bytes_left_ -= count;
  return Reading::kDone;
}

Reading RequestReader::ReadHead(Request& request) {
  bytes_left_ = bytes_max_;
  if (unread_.empty() && !wire_.Read(unread_)) return Reading::kEnded;
  // Told by the first byte, so that a TLS client does not wait for a line's end from itself.
  if (!absl::ascii_isupper(static_cast<unsigned char>(unread_[0]))) return Reading::kBad;

  std::string line;
  if (const Reading reading = ReadLine(line); reading != Reading::kDone) return reading;
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  if (words.size() != 3) return Reading::kBad;
  request.method = words[0];
  request.target = words[1];
  request.version = words[2];
  if (request.version != "HTTP/1.1" && request.version != "HTTP/1.0") return Reading::kBad;
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(request.target, absl::MaxSplits('?', 1));
  request.path = std::string(parts.first);
  request.query = ParseForm(parts.second);

  for (;;) {
    if (const Reading reading = ReadLine(line); reading != Reading::kDone) return reading;
    if (line.empty()) return Reading::kDone;
    const size_t colon = line.find(':');
    if (colon == std::string::npos) return Reading::kBad;
    request.headers.emplace_back(line.substr(0, colon),
                                 absl::StripAsciiWhitespace(line.substr(colon + 1)));
  }
}

Reading RequestReader::ReadBody(Request& request) {
  if (absl::EqualsIgnoreCase(request.header("Transfer-Encoding"), "chunked")) {
    return ReadChunks(request.body);
  }
  const std::string length = request.header("Content-Length");
  size_t count = 0;
  if (!length.empty() && !absl::SimpleAtoi(length, &count)) return Reading::kBad;
  return ReadBytes(count, request.body);
}

Reading RequestReader::ReadChunks(std::string& body) {
  std::string line;
  for (;;) {
    if (const Reading reading = ReadLine(line); reading != Reading::kDone) return reading;
    size_t count = 0;
    if (!absl::SimpleHexAtoi(line.substr(0, line.find(';')), &count)) return Reading::kBad;
    if (count == 0) break;
    if (const Reading reading = ReadBytes(count, body); reading != Reading::kDone) return reading;
    if (const Reading reading = ReadLine(line); reading != Reading::kDone) return reading;
    if (!line.empty()) return Reading::kBad;
  }
  do {  // trailer fields, then an empty line
    if (const Reading reading = ReadLine(line); reading != Reading::kDone) return reading;
  } while (!line.empty());
  return Reading::kDone;
}

}  // namespace understudy::testing
