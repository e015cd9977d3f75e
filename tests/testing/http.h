// HTTP/1.1 messages as the test worlds need them: written to order, and read as they were sent.
// Its decoding is independent of the product's, which it serves to check.
#ifndef TESTS_TESTING_HTTP_H_
#define TESTS_TESTING_HTTP_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace understudy::testing {

// Names and values in order, doubles kept: header fields and form parameters.
using Fields = std::vector<std::pair<std::string, std::string>>;

// The first value of that name, compared without case; empty if there is none.
std::string Find(const Fields& fields, absl::string_view name);

// Decodes "a=1&b=x+y%21". A percent sign without two hexadecimal digits stands for itself.
Fields ParseForm(absl::string_view form);

// A well-formed answer.
struct Reply {
  int status = 200;
  std::string content_type = "text/xml";  // empty: no Content-Type
  // Sent after Content-Type. Content-Length is added unless it, or Transfer-Encoding, is among
  // them or the status (1xx, 204, 304) allows no body.
  Fields headers = {};
  std::string body = {};
  bool closes = false;  // says "Connection: close" and does so
};

// The reply as it goes over the wire.
std::string ToBytes(const Reply& reply);

// `body` in chunks of `chunk_bytes` with the last-chunk after them: a body for
// "Transfer-Encoding: chunked".
std::string Chunked(absl::string_view body, size_t chunk_bytes = 1024);

// `bytes` compressed: a body for "Content-Encoding: gzip".
std::string Gzip(absl::string_view bytes);

// A request as it was sent.
struct Request {
  int connection = 0;  // the index of its connection, in order of acceptance
  std::string method = {};
  std::string target = {};   // path and query, raw
  std::string path = {};     // raw
  Fields query = {};         // decoded
  std::string version = {};  // "HTTP/1.1"
  Fields headers = {};       // values without surrounding white space
  std::string body = {};     // with a chunked coding taken off

  // The first header of that name, compared without case; empty if there is none.
  std::string header(absl::string_view name) const { return Find(headers, name); }
};

}  // namespace understudy::testing

#endif  // TESTS_TESTING_HTTP_H_
