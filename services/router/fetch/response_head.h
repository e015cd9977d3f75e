// The head of a response, line by line as libcurl hands it over, and the rules libcurl leaves to
// us: a block that ends with its blank line, one Content-Length, no NUL or stray CR, codings we
// can undo, and limits. Pure.
#ifndef SERVICES_ROUTER_FETCH_RESPONSE_HEAD_H_
#define SERVICES_ROUTER_FETCH_RESPONSE_HEAD_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "services/router/resolve/call.h"

namespace understudy::router {

// Of all heads of one response together, interim (1xx) ones and trailers included.
inline constexpr size_t kMaxHeadBytes = size_t{64} * 1024;
inline constexpr int kMaxHeadLines = 256;

class ResponseHead {
 public:
  // Takes the next line with its line end. False: the response breaks a rule, and error() says
  // which; nothing more may be added.
  bool AddLine(absl::string_view line);

  bool complete() const { return complete_; }  // the final response's blank line has come
  int status() const { return status_; }
  const Headers& headers() const { return headers_; }
  bool chunked() const { return chunked_; }
  std::optional<uint64_t> content_length() const { return content_length_; }
  // A length and a chunked coding both: which one the peer means cannot be known for the next
  // response, so the connection must not be used again.
  bool ambiguous_length() const { return chunked_ && content_length_.has_value(); }
  const std::string& error() const { return error_; }

 private:
  bool Break(absl::string_view why);
  bool AddStatusLine(absl::string_view line);
  bool AddField(absl::string_view line);
  bool Finish();

  size_t bytes_ = 0;
  int lines_ = 0;
  bool in_head_ = false;
  bool complete_ = false;
  int status_ = 0;
  bool chunked_ = false;
  std::optional<uint64_t> content_length_ = {};
  Headers headers_ = {};
  std::string error_ = {};
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_FETCH_RESPONSE_HEAD_H_
