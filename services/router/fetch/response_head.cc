#include "services/router/fetch/response_head.h"

#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace understudy::router {
namespace {

bool IsTokenCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("!#$%&'*+-.^_`|~", absl::string_view(&c, 1));
}

}  // namespace

bool ResponseHead::Break(absl::string_view why) {
  error_ = std::string(why);
  return false;
}

bool ResponseHead::AddLine(absl::string_view line) {
  bytes_ += line.size();
  ++lines_;
  if (bytes_ > kMaxHeadBytes) {
    return Break(absl::StrCat("the response's headers are larger than ", kMaxHeadBytes, " bytes"));
  }
  if (lines_ > kMaxHeadLines) {
    return Break(absl::StrCat("the response has more than ", kMaxHeadLines, " header lines"));
  }
  if (absl::EndsWith(line, "\n")) line.remove_suffix(1);
  if (absl::EndsWith(line, "\r")) line.remove_suffix(1);
  if (line.find('\0') != absl::string_view::npos || line.find('\r') != absl::string_view::npos) {
    return Break("a header line has a NUL or a stray CR");
  }
  if (complete_) return true;  // a trailer: counted, not used
  if (!in_head_) return AddStatusLine(line);
  if (line.empty()) return Finish();
  return AddField(line);
}

bool ResponseHead::AddStatusLine(absl::string_view line) {
  const size_t blank = line.find(' ');
  int status = 0;
  if (!absl::StartsWith(line, "HTTP/1.") || blank == absl::string_view::npos ||
      !absl::SimpleAtoi(line.substr(blank + 1, 3), &status) || status < 100) {
    return Break("the status line is malformed");
  }
  in_head_ = true;
  status_ = status;
  chunked_ = false;
  content_length_.reset();
  headers_.clear();
  return true;
}

bool ResponseHead::AddField(absl::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') {  // the old way to go on with a value
    if (headers_.empty()) return Break("the first header line continues nothing");
    absl::StrAppend(&headers_.back().value, " ", absl::StripAsciiWhitespace(line));
    return true;
  }
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos || colon == 0) {
    return Break("a header line has no name, or no colon after it");
  }
  for (char c : line.substr(0, colon)) {
    if (!IsTokenCharacter(c)) return Break("a header's name has a character that none may have");
  }
  headers_.push_back({std::string(line.substr(0, colon)),
                      std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)))});
  return true;
}

bool ResponseHead::Finish() {
  in_head_ = false;
  if (status_ == 101) return Break("the server switched to another protocol");
  if (status_ < 200) return true;  // an interim response: another head follows
  bool encoded = false;
  for (const Header& header : headers_) {
    if (absl::EqualsIgnoreCase(header.name, "content-length")) {
      const bool digits = !header.value.empty() &&
                          header.value.find_first_not_of("0123456789") == std::string::npos;
      if (!digits) return Break("the Content-Length is not a number");
      uint64_t length = 0;
      // Past 64 bits is past every limit.
      if (!absl::SimpleAtoi(header.value, &length)) length = std::numeric_limits<uint64_t>::max();
      if (content_length_.has_value() && *content_length_ != length) {
        return Break("the response has two Content-Length headers that differ");
      }
      content_length_ = length;
    } else if (absl::EqualsIgnoreCase(header.name, "transfer-encoding")) {
      if (!absl::EqualsIgnoreCase(header.value, "chunked") || chunked_) {
        return Break("the Transfer-Encoding is not \"chunked\"");
      }
      chunked_ = true;
    } else if (absl::EqualsIgnoreCase(header.name, "content-encoding")) {
      const bool undoable = absl::EqualsIgnoreCase(header.value, "gzip") ||
                            absl::EqualsIgnoreCase(header.value, "x-gzip") ||
                            absl::EqualsIgnoreCase(header.value, "identity");
      if (!undoable || encoded) return Break("the Content-Encoding is not gzip, once");
      encoded = true;
    }
  }
  complete_ = true;
  return true;
}

}  // namespace understudy::router
