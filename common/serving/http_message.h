// HTTP requests and responses as the handlers of a public server see them, and a response's head
// as it goes over the wire. Pure.
#ifndef COMMON_SERVING_HTTP_MESSAGE_H_
#define COMMON_SERVING_HTTP_MESSAGE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace understudy::serving {

struct HttpHeader {
  std::string name = {};   // a token, in the sender's spelling
  std::string value = {};  // without white space around it; bytes, by convention UTF-8

  friend bool operator==(const HttpHeader&, const HttpHeader&) = default;
};
// In the order of the wire; names may repeat.
using HttpHeaders = std::vector<HttpHeader>;

// RFC 9110, 5.6.2: what methods and the names of headers are made of; not empty.
bool IsToken(absl::string_view text);

// The value of the first header of that name, compared without case; null if there is none. Lives
// as long as `headers` is neither changed nor destroyed.
const std::string* FindHeader(const HttpHeaders& headers, absl::string_view name);

struct HttpRequest {
  std::string method = {};  // any token: "GET"
  std::string target = {};  // as sent: "/fallback?ErrorCode=11200", "http://host/fallback", "*"
  std::string path = {};    // of the target, not decoded: begins with '/', or is "*"
  std::string query = {};   // behind the '?', not decoded (twilio::DecodeForm does)
  HttpHeaders headers = {};
  std::string body = {};            // with a chunked coding taken off
  std::string remote_address = {};  // of the peer, which may be a proxy; without its port
  bool is_tls = false;

  friend bool operator==(const HttpRequest&, const HttpRequest&) = default;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";  // empty: no Content-Type
  HttpHeaders headers = {};                                // further ones; see CheckResponse
  std::string body = {};
};

// InvalidArgument if `response` cannot be sent as it is: its status is not one of 200 to 599, a
// header would break out of its line, or is one that the server writes itself (Connection,
// Content-Length, Content-Type, Date, Transfer-Encoding).
absl::Status CheckResponse(const HttpResponse& response);

// Whether a response of that status has a body, and so a length (RFC 9110, 6.4.1).
bool HasBody(int status);

// Status line, headers and the blank line. Content-Length is that of the body, which behind HEAD
// does not follow. Adds X-Content-Type-Options: nosniff where `response` says nothing else about
// it; nothing tells who serves. REQUIRES: CheckResponse is OK.
std::string ResponseHead(const HttpResponse& response, bool keeps_alive, absl::Time date);

}  // namespace understudy::serving

#endif  // COMMON_SERVING_HTTP_MESSAGE_H_
