// The words of the router: plain values that pass between its rooms. Nothing here does anything.
//
// All times are on one monotonic clock of the process, carried as absl::Time: differences mean
// something, the date does not. So a step of the wall clock neither hurries nor stalls a call.
#ifndef SERVICES_ROUTER_RESOLVE_CALL_H_
#define SERVICES_ROUTER_RESOLVE_CALL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/secret.h"
#include "common/twilio/bin_template.h"
#include "common/twilio/error_codes.h"
#include "common/twilio/form.h"
#include "common/twilio/kind.h"
#include "services/router/resolve/session.h"

namespace understudy::router {

using twilio::Kind;

enum class Method : uint8_t { kPost, kGet };

// A TwiML document that the router keeps itself.
struct Bin {
  std::string name;
  twilio::BinTemplate text;
};

struct Endpoint {
  std::string url = {};  // as configured: with credentials and fragment, or bin:NAME
  Method method = Method::kPost;
  std::shared_ptr<const Bin> bin = {};  // of a bin:NAME; else null

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// What a number is configured with, for one kind: where a document comes from.
struct Handler {
  Endpoint primary = {};
  std::optional<Endpoint> fallback = {};

  friend bool operator==(const Handler&, const Handler&) = default;
};

enum class Target : uint8_t { kPrimary, kFallback };
enum class Source : uint8_t { kPrimary, kFallback, kDefault };

// Which of Twilio's two sets of codes names a failed retrieval ("Error and Warning Dictionary"):
// kClassic folds most connection failures into 11205 and HTTP errors into 11200, kSpecific keeps
// 11201, 11202, 11203, 11217 and 11251 apart.
enum class RetrievalCodes : uint8_t { kClassic, kSpecific };

// Where in the life of a request it failed.
enum class Phase : uint8_t {
  kNone,    // it did not fail
  kPolicy,  // we may not dial that address
  kDns,
  kConnect,
  kTls,
  kSend,
  kHeaders,  // waiting for, or reading, the response's head
  kBody,
  kProtocol,  // what came is not HTTP as it should be
  kStatus,
  kRedirect,
  kContent,  // type, size or encoding of the body
  kParse,    // the document itself
};

// How long a call may take, whoever asks. Overrides in a URL's fragment narrow it for that URL.
struct Limits {
  absl::Duration connect_timeout = absl::Seconds(5);  // one attempt: TCP and TLS
  absl::Duration read_timeout = absl::Seconds(15);    // to the first byte, and between packets
  absl::Duration total_timeout = absl::Seconds(15);   // one target: retries and redirects included
  int max_redirects = 10;
  // Kept back from the caller's deadline so that our answer arrives before it.
  absl::Duration reply_reserve = absl::Milliseconds(100);
};

// Executing a document failed on the platform, which says so: the fallback is asked at once.
struct ReportedFailure {
  int code = 0;
  std::string url = {};
};

// One request of a platform for a document.
struct Call {
  std::string id = {};          // resolution id: ties response, log line and events together
  std::string request_id = {};  // the caller's own id, or empty: seeds the idempotency tokens
  Kind kind = Kind::kVoice;
  std::string account_sid = {};
  twilio::Form parameters = {};
  std::optional<ReportedFailure> failure = {};
  Session session = {};  // as the last document of this call left it
  absl::Time deadline = absl::InfiniteFuture();
};

// Who answers that call, and with which voice.
struct Route {
  Handler handler = {};
  Secret auth_token = {};  // empty: requests go out unsigned
  std::shared_ptr<const std::string> default_document = {};
  RetrievalCodes codes = RetrievalCodes::kClassic;
};

struct Header {
  std::string name = {};
  std::string value = {};

  friend bool operator==(const Header&, const Header&) = default;
};
using Headers = std::vector<Header>;

// One HTTP request to make: complete, so that making it takes no decision.
struct Exchange {
  std::string url = {};   // canonical http(s) URL without credentials or fragment, as signed
  std::string host = {};  // of `url`, so that nobody reads that again; an IPv6 address without [ ]
  uint16_t port = 0;
  bool is_https = false;
  Method method = Method::kPost;
  std::string body = {};  // form-encoded; empty for GET
  Headers headers = {};
  Cookies cookies = {};  // of the call so far; the fetcher sends those that are for this URL
  bool send_sni = true;
  absl::Duration connect_timeout = {};
  absl::Duration read_timeout = {};
  absl::Time give_up_at = {};
};

// What can go wrong before there is an HTTP response to judge. The judge turns each into a code.
enum class NetError : uint8_t {
  kNone,
  kCancelled,
  kNameNotFound,  // no such name, or it has no address
  kDnsFailed,     // the name servers could not say
  kDnsTimeout,
  kAddressDenied,  // every address of the host is shut by the egress rule
  kConnectTimeout,
  kConnectRefused,
  kUnreachable,  // no route, or the network said no
  kTlsHandshake,
  kTlsTimeout,
  kCertificateName,
  kCertificateExpired,
  kCertificateUntrusted,
  kReadTimeout,
  kTotalTimeout,
  kConnectionLost,  // reset or closed by the peer without a complete response
  kMalformed,       // not HTTP: status line, headers, lengths, chunks, encoding
  kBodyTooLarge,
  kNoResources,  // our own fault: no sockets, no memory
};

struct Timings {
  absl::Duration dns = {};
  absl::Duration connect = {};
  absl::Duration tls = {};
  absl::Duration first_byte = {};  // from the request sent
  absl::Duration total = {};
};

// How an exchange ended. With `error` kNone the response is complete, whatever its status.
struct Reply {
  NetError error = NetError::kNone;
  Phase phase = Phase::kNone;  // where `error` struck
  std::string detail = {};     // one sentence about `error`
  bool answered = false;       // some part of a response had arrived
  int status = 0;
  Headers headers = {};  // of the final response, in order
  // The exchange's, as the response changed them; nullopt: not at all.
  std::optional<Cookies> cookies = {};
  bool chunked = false;
  std::string body = {};            // decoded
  bool body_cut = false;            // the body went on: it is audio, and its beginning is enough
  std::string remote_address = {};  // "192.0.2.1:443"; empty if nothing was dialled
  Timings timings = {};
  absl::Time finished_at = {};
};

// One request that was made, as the caller hears of it.
struct Attempt {
  Target target = Target::kPrimary;
  std::string url = {};  // without credentials
  Method method = Method::kPost;
  std::string remote_address = {};
  int http_status = 0;
  int error_code = 0;
  Phase phase = Phase::kNone;
  std::string detail = {};
  Timings timings = {};
};

// What is wrong with a document that is executed all the same.
struct Warning {
  int code = 0;
  twilio::Level level = twilio::Level::kWarning;
  std::string message = {};
  int line = 0;
  int column = 0;
};

// What went over the wire, for whoever looks for the cause. Kept of what went wrong alone.
struct Evidence {
  twilio::Form parameters = {};  // of the request, also where it could not be made
  Headers request_headers = {};  // what tells this request from others
  Headers response_headers = {};
};

// A target that could not give a document. The owner's failure, not ours: a value and no Status.
struct Fault {
  int code = 0;
  Target target = Target::kPrimary;
  std::string url = {};  // the URL that failed: no credentials, no fragment, no added parameters
  Phase phase = Phase::kNone;
  int http_status = 0;
  std::string detail = {};
  int attempts = 0;
  absl::Duration elapsed = {};
  std::string response_excerpt = {};
  Evidence evidence = {};
};

// The end of a call.
struct Outcome {
  Source source = Source::kDefault;
  bool cancelled = false;  // the caller went away: nobody reads the document
  std::string document = {};
  std::string document_url = {};  // final URL after redirects, or bin:NAME; empty for the default
  std::vector<Attempt> attempts = {};
  std::vector<Fault> faults = {};  // in order; the first is why we left the primary
  std::vector<Warning> warnings = {};
  Evidence evidence = {};  // of the document with the warnings
  Session session = {};    // for the next document of this call
  // Cookies and credentials that kMaxSessionBytes has no room for.
  int session_parts_left_out = 0;
  std::vector<std::string> notes = {};  // for the log: what was odd and had no consequence
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_RESOLVE_CALL_H_
