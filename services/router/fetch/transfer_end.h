// What libcurl's end of a transfer means. libcurl's own result is too coarse, and in places wrong,
// for us: so what we saw on the way decides together with it. Pure.
#ifndef SERVICES_ROUTER_FETCH_TRANSFER_END_H_
#define SERVICES_ROUTER_FETCH_TRANSFER_END_H_

#include <cstdint>
#include <string>

#include "services/router/fetch/egress.h"
#include "services/router/resolve/call.h"

namespace understudy::router {

// Why we ended a transfer ourselves, if we did.
enum class Stop : uint8_t {
  kNone,
  kReadTimeout,
  kTotalTimeout,
  kErrorBody,  // the body of an error page is not worth a longer wait
  kBodyTooLarge,
  kEnough,      // an audio answer: its beginning is all there is to know
  kBadHeaders,  // a rule of response_head.h; `stop_detail` names it
  kCancelled,
};

struct TransferEnd {
  int curl_code = 0;            // CURLcode
  int os_errno = 0;             // of the last connect
  long verify_result = 0;       // X509_V_..., of the certificate
  std::string error_text = {};  // libcurl's own words
  Stop stop = Stop::kNone;
  std::string stop_detail = {};

  bool https = false;
  AddressClass denied = AddressClass::kPublic;  // of the last address the egress rule shut
  bool out_of_sockets = false;
  bool socket_opened = false;  // a connection was tried, or one was there
  bool tcp_connected = false;
  bool request_begun = false;  // connected, TLS included: the request may go out
  bool request_sent = false;   // all of it, as far as the system tells
  bool got_bytes = false;      // some of a response
  bool tls_cut = false;        // the body ends with the connection, and TLS was not ended properly
  bool head_complete = false;  // the blank line after the final response's headers came
  int status = 0;
};

struct NetFault {
  NetError error = NetError::kNone;
  Phase phase = Phase::kNone;
  std::string detail = {};
};

// kNone if the response is complete, or complete enough: of an answer outside 2xx the status says
// all, so a fault in its body does not count.
NetFault UnderstandEnd(const TransferEnd& end);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_FETCH_TRANSFER_END_H_
