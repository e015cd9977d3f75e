#include "services/router/fetch/transfer_end.h"

#include <curl/curl.h>
#include <openssl/x509_vfy.h>

#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace understudy::router {
namespace {

Phase WaitingPhase(const TransferEnd& end) {
  if (!end.tcp_connected) return Phase::kConnect;
  if (!end.request_begun) return end.https ? Phase::kTls : Phase::kConnect;
  if (!end.request_sent) return Phase::kSend;
  return end.head_complete ? Phase::kBody : Phase::kHeaders;
}

const char* WaitingFor(Phase phase) {
  switch (phase) {
    case Phase::kConnect:
      return "before the connection was made";
    case Phase::kTls:
      return "during the TLS handshake";
    case Phase::kSend:
      return "before the server had taken the request";
    case Phase::kHeaders:
      return "before the server had answered";
    default:
      return "in the middle of the response's body";
  }
}

NetFault ConnectTimeout(const TransferEnd& end) {
  if (end.https && end.tcp_connected) {
    return {NetError::kTlsTimeout, Phase::kTls,
            "the TLS handshake did not finish within the connect timeout"};
  }
  return {NetError::kConnectTimeout, Phase::kConnect,
          "the connection was not made within the connect timeout"};
}

NetFault ConnectFailure(const TransferEnd& end) {
  if (end.out_of_sockets) {
    return {NetError::kNoResources, Phase::kConnect, "this router has no sockets left"};
  }
  if (!MayDial(end.denied)) {
    return {NetError::kAddressDenied, Phase::kPolicy,
            absl::StrCat("the address is not one this router may dial (",
                         AddressClassName(end.denied), ")")};
  }
  switch (end.os_errno) {
    case ECONNREFUSED:
      return {NetError::kConnectRefused, Phase::kConnect,
              "the connection was refused; nothing listens on that port"};
    case ETIMEDOUT:
      return {NetError::kConnectTimeout, Phase::kConnect,
              "the connection was not made within the connect timeout"};
    case ECONNRESET:
      return {NetError::kConnectRefused, Phase::kConnect,
              "the connection was reset while it was made"};
    default:
      return {NetError::kUnreachable, Phase::kConnect,
              absl::StrCat("the server cannot be reached: ",
                           end.os_errno == 0 ? "no route" : std::strerror(end.os_errno))};
  }
}

NetFault CertificateFault(long verify_result) {
  const std::string reason = X509_verify_cert_error_string(verify_result);
  switch (verify_result) {
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED:  // libcurl's own look at the name, without OpenSSL's say
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return {NetError::kCertificateName, Phase::kTls,
              "the certificate is for another name than the URL's host"};
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {NetError::kCertificateExpired, Phase::kTls, "the certificate has expired"};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {NetError::kCertificateExpired, Phase::kTls, "the certificate is not valid yet"};
    default:
      return {NetError::kCertificateUntrusted, Phase::kTls,
              absl::StrCat("the certificate leads to no trusted root: ", reason)};
  }
}

NetFault Malformed(Phase phase, absl::string_view what) {
  return {NetError::kMalformed, phase, std::string(what)};
}

NetFault Lost(const TransferEnd& end) {
  return {NetError::kConnectionLost, end.head_complete ? Phase::kBody : Phase::kHeaders,
          end.got_bytes ? "the server broke the connection off in the middle of its answer"
                        : "the server closed the connection without an answer"};
}

// The peer's side of TLS ended the connection with an alert after the handshake, as TLS 1.3 does
// when a client certificate is missing.
bool IsTlsAlert(const TransferEnd& end) {
  return end.https && absl::StrContains(end.error_text, "alert");
}

NetFault ReceiveFailure(const TransferEnd& end) {
  if (IsTlsAlert(end)) {
    return {NetError::kTlsHandshake, Phase::kTls,
            absl::StrCat("the server ended TLS with an alert: ", end.error_text)};
  }
  if (absl::StrContains(end.error_text, "chunk") || absl::StrContains(end.error_text, "Chunk")) {
    return Malformed(Phase::kBody, "the response's chunks are malformed");
  }
  if (absl::StrContains(end.error_text, "eader") && !absl::StrContains(end.error_text, "reset")) {
    return Malformed(Phase::kHeaders, "the response's headers are too large or malformed");
  }
  return Lost(end);
}

}  // namespace

NetFault UnderstandEnd(const TransferEnd& end) {
  if (end.stop == Stop::kCancelled) return {NetError::kCancelled, Phase::kNone, ""};
  const bool is_decided = end.head_complete && end.status / 100 != 2 && end.status / 100 != 1;
  if (is_decided && end.stop != Stop::kBadHeaders) return {};

  switch (end.stop) {
    case Stop::kReadTimeout:
      return {NetError::kReadTimeout, WaitingPhase(end),
              absl::StrCat("the read timeout passed ", WaitingFor(WaitingPhase(end)))};
    case Stop::kTotalTimeout:
      return {NetError::kTotalTimeout, WaitingPhase(end),
              absl::StrCat("the total time was over ", WaitingFor(WaitingPhase(end)))};
    case Stop::kBodyTooLarge:
      return {NetError::kBodyTooLarge, Phase::kContent, end.stop_detail};
    case Stop::kEnough:
      return {};
    case Stop::kBadHeaders:
      return Malformed(Phase::kProtocol, end.stop_detail);
    case Stop::kNone:
    case Stop::kErrorBody:
    case Stop::kCancelled:
      break;
  }

  switch (end.curl_code) {
    case CURLE_OK:
      // libcurl takes a cut TLS connection for the body's end; an attacker may have cut it.
      if (end.tls_cut) return Malformed(Phase::kBody, "the TLS connection was cut in the body");
      if (end.head_complete) return {};
      if (!end.got_bytes) return Lost(end);
      return Malformed(Phase::kProtocol, "the connection ended inside the response's headers");
    case CURLE_COULDNT_RESOLVE_HOST:  // we always give it addresses
      return {NetError::kNameNotFound, Phase::kDns, "the host has no address"};
    case CURLE_COULDNT_CONNECT:
      return ConnectFailure(end);
    case CURLE_OPERATION_TIMEDOUT:
      return ConnectTimeout(end);
    case CURLE_SSL_CONNECT_ERROR:
      return {NetError::kTlsHandshake, Phase::kTls,
              absl::StrCat("the TLS handshake failed: ", end.error_text)};
    case CURLE_PEER_FAILED_VERIFICATION:
      return CertificateFault(end.verify_result);
    case CURLE_GOT_NOTHING:
      if (end.status == 101) {
        return Malformed(Phase::kProtocol, "the server switched to another protocol");
      }
      return IsTlsAlert(end) ? ReceiveFailure(end) : Lost(end);
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return ReceiveFailure(end);
    case CURLE_PARTIAL_FILE:
      return Malformed(Phase::kBody, "the response's body is shorter than it says");
    case CURLE_BAD_CONTENT_ENCODING:
      if (!end.head_complete) {
        return Malformed(Phase::kProtocol, "the response's Content-Encoding has too many codings");
      }
      return Malformed(Phase::kBody, "the response's Content-Encoding does not fit its bytes");
    case CURLE_WEIRD_SERVER_REPLY:
      return Malformed(Phase::kProtocol, "the response has a malformed header");
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Malformed(Phase::kProtocol, "the server does not speak HTTP/1.1");
    case CURLE_FILESIZE_EXCEEDED:
      return {NetError::kBodyTooLarge, Phase::kContent, "the body is larger than the limit"};
    case CURLE_OUT_OF_MEMORY:  // libcurl's word for a header line it will not hold
      if (end.got_bytes || end.request_begun) {
        return Malformed(Phase::kProtocol, "the response has a header line that is too long");
      }
      return {NetError::kNoResources, Phase::kConnect, "this router has no memory left"};
    default:
      return {NetError::kNoResources, WaitingPhase(end),
              absl::StrCat("the request could not be made: ",
                           end.error_text.empty() ? "libcurl error" : end.error_text, " (",
                           end.curl_code, ")")};
  }
}

}  // namespace understudy::router
