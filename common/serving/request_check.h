// What a public server demands of a request's head, on top of what its parser does: everything
// that two readers could understand in two ways is refused. Pure.
//
// Sources: RFC 9112, 2.2 (line ends), 3.2 (target and Host), 5.2 (folded lines), 6 (where a body
// ends), 11.2 (request smuggling); RFC 9110, 10.1.1 (Expect), 15.5.16 (unknown codings).
#ifndef COMMON_SERVING_REQUEST_CHECK_H_
#define COMMON_SERVING_REQUEST_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "common/serving/http_message.h"

namespace understudy::serving {

// Of one request.
struct RequestLimits {
  size_t head_bytes =
      size_t{16} * 1024;                // request line, headers, their line ends; over it 414, 431
  int headers = 100;                    // over it 431
  size_t body_bytes = size_t{1} << 20;  // with a chunked coding taken off; over it 413
  // Kept for every connection, so that those who send much leave room for ordinary requests; more
  // than that is taken from what all share, and over it 503.
  size_t own_bytes = size_t{8} * 1024;
};

// Why a request is not read on. Whatever follows it on the connection has no meaning.
struct Refusal {
  int status = 400;
  absl::string_view reason = {};  // a sentence for the sender; a constant
};

// Finds the end of a head while its bytes come in, and refuses what no parser should see: line
// ends other than CRLF, folded lines, control characters, too much of it. One empty line before
// the request line is passed over.
class HeadScanner {
 public:
  explicit HeadScanner(const RequestLimits& limits) : limits_(limits) {}

  enum class State : uint8_t { kMore, kWhole, kRefused };

  // Goes on with `head`: all that came so far, from the head's first byte on; there may be more
  // behind its end. REQUIRES: no call has said anything but kMore.
  State Scan(absl::string_view head);

  // Where the request line begins, and where the head has ended. REQUIRES: kWhole.
  size_t begin() const { return begin_; }
  size_t end() const { return at_; }

  // REQUIRES: kRefused.
  const Refusal& refusal() const { return refusal_; }

 private:
  State Refuse(int status, absl::string_view reason);
  State EndLine();

  RequestLimits limits_;
  size_t begin_ = 0;
  size_t at_ = 0;          // what is before it has been looked at
  size_t line_begin_ = 0;  // of the line it is in
  int lines_ = 0;          // that have ended and were not empty
  bool after_cr_ = false;
  Refusal refusal_ = {};
};

// What a head says about where its request goes, and where its body ends.
struct Framing {
  std::string path = {};  // as in HttpRequest
  std::string query = {};
  bool is_chunked = false;
  size_t body_bytes = 0;  // if it is not chunked
  bool expects_continue = false;

  bool has_body() const { return is_chunked || body_bytes > 0; }
};

// Judges a whole head of HTTP/1.`minor_version` by its method, target and headers, whose syntax is
// known to be good.
std::variant<Framing, Refusal> CheckHead(int minor_version, absl::string_view method,
                                         absl::string_view target, const HttpHeaders& headers,
                                         const RequestLimits& limits);

}  // namespace understudy::serving

#endif  // COMMON_SERVING_REQUEST_CHECK_H_
