// What each fault that libcurl was seen to report means for a call. The fields of every row are
// what libcurl 7.88 gave for that fault on the wire.
#include "services/router/fetch/transfer_end.h"

#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include <cerrno>

namespace understudy::router {
namespace {

using ::testing::HasSubstr;

struct Row {
  const char* name;
  TransferEnd end;
  NetError error;
  Phase phase;
  const char* detail;  // words of it
};

void Check(const Row& row) {
  const NetFault fault = UnderstandEnd(row.end);
  EXPECT_EQ(fault.error, row.error) << row.name << ": " << fault.detail;
  EXPECT_EQ(fault.phase, row.phase) << row.name << ": " << fault.detail;
  EXPECT_THAT(fault.detail, HasSubstr(row.detail)) << row.name;
}

// How far a transfer came.
TransferEnd Dialled() {
  return {.socket_opened = true};
}

TransferEnd Handshaking() {
  TransferEnd end = Dialled();
  end.https = true;
  end.tcp_connected = true;
  return end;
}

TransferEnd Sending() {
  TransferEnd end = Dialled();
  end.tcp_connected = true;
  end.request_begun = true;
  return end;
}

TransferEnd Waiting() {
  TransferEnd end = Sending();
  end.request_sent = true;
  return end;
}

TransferEnd InHead() {
  TransferEnd end = Waiting();
  end.got_bytes = true;
  end.status = 200;
  return end;
}

TransferEnd InBody(int status = 200) {
  TransferEnd end = InHead();
  end.head_complete = true;
  end.status = status;
  return end;
}

TransferEnd Over(TransferEnd end, CURLcode code, const char* text = "") {
  end.curl_code = code;
  end.error_text = text;
  return end;
}

TransferEnd Stopped(TransferEnd end, Stop stop, const char* detail = "") {
  end.stop = stop;
  end.stop_detail = detail;
  return end;
}

TransferEnd WithErrno(TransferEnd end, int os_errno) {
  end.os_errno = os_errno;
  return end;
}

TransferEnd WithVerdict(long verify_result) {
  TransferEnd end = Over(Handshaking(), CURLE_PEER_FAILED_VERIFICATION);
  end.verify_result = verify_result;
  return end;
}

TransferEnd Https(TransferEnd end) {
  end.https = true;
  return end;
}

TEST(UnderstandEndTest, BeforeARequest) {
  TransferEnd denied = Over({}, CURLE_COULDNT_CONNECT);
  denied.denied = AddressClass::kLinkLocal;
  TransferEnd no_sockets = Over({}, CURLE_COULDNT_CONNECT);
  no_sockets.out_of_sockets = true;
  TransferEnd no_sockets_and_denied = no_sockets;
  no_sockets_and_denied.denied = AddressClass::kLinkLocal;
  const Row kRows[] = {
      {"unknown host", Over({}, CURLE_COULDNT_RESOLVE_HOST), NetError::kNameNotFound, Phase::kDns,
       "no address"},
      {"address denied by us", denied, NetError::kAddressDenied, Phase::kPolicy, "(link_local)"},
      {"our sockets used up", no_sockets, NetError::kNoResources, Phase::kConnect, "no sockets"},
      {"our sockets used up, blamed on nobody", no_sockets_and_denied, NetError::kNoResources,
       Phase::kConnect, "no sockets"},
      {"no listener", WithErrno(Over(Dialled(), CURLE_COULDNT_CONNECT), ECONNREFUSED),
       NetError::kConnectRefused, Phase::kConnect, "refused"},
      {"reset while connecting", WithErrno(Over(Dialled(), CURLE_COULDNT_CONNECT), ECONNRESET),
       NetError::kConnectRefused, Phase::kConnect, "reset"},
      {"SYN unanswered, the system's patience",
       WithErrno(Over(Dialled(), CURLE_COULDNT_CONNECT), ETIMEDOUT), NetError::kConnectTimeout,
       Phase::kConnect, "connect timeout"},
      {"SYN unanswered, ours", WithErrno(Over(Dialled(), CURLE_OPERATION_TIMEDOUT), ETIMEDOUT),
       NetError::kConnectTimeout, Phase::kConnect, "connect timeout"},
      {"SYN of https unanswered", Over(Https(Dialled()), CURLE_OPERATION_TIMEDOUT),
       NetError::kConnectTimeout, Phase::kConnect, "connect timeout"},
      {"host unreachable", WithErrno(Over(Dialled(), CURLE_COULDNT_CONNECT), EHOSTUNREACH),
       NetError::kUnreachable, Phase::kConnect, "cannot be reached"},
      {"net unreachable", WithErrno(Over(Dialled(), CURLE_COULDNT_CONNECT), ENETUNREACH),
       NetError::kUnreachable, Phase::kConnect, "cannot be reached"},
      {"no reason given", Over(Dialled(), CURLE_COULDNT_CONNECT), NetError::kUnreachable,
       Phase::kConnect, "no route"},
      {"no memory", Over({}, CURLE_OUT_OF_MEMORY), NetError::kNoResources, Phase::kConnect,
       "memory"},
      {"an end nobody foresaw", Over({}, CURLE_FAILED_INIT, "out of luck"), NetError::kNoResources,
       Phase::kConnect, "out of luck (2)"},
      {"the same without words", Over({}, CURLE_FAILED_INIT), NetError::kNoResources,
       Phase::kConnect, "libcurl error (2)"},
  };
  for (const Row& row : kRows) Check(row);
}

TEST(UnderstandEndTest, Tls) {
  TransferEnd missing_client_certificate =
      Over(Https(Waiting()), CURLE_RECV_ERROR,
           "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required");
  const Row kRows[] = {
      {"TLS 1.0 only, or a close in the handshake",
       Over(Handshaking(), CURLE_SSL_CONNECT_ERROR, "unsupported protocol"),
       NetError::kTlsHandshake, Phase::kTls, "unsupported protocol"},
      {"handshake never ends",
       Over(Handshaking(), CURLE_OPERATION_TIMEDOUT, "SSL connection timeout"),
       NetError::kTlsTimeout, Phase::kTls, "handshake did not finish"},
      {"handshake when the total time ends", Stopped(Handshaking(), Stop::kTotalTimeout),
       NetError::kTotalTimeout, Phase::kTls, "during the TLS handshake"},
      {"wrong name, as OpenSSL says it", WithVerdict(X509_V_ERR_HOSTNAME_MISMATCH),
       NetError::kCertificateName, Phase::kTls, "another name"},
      {"wrong address, as OpenSSL says it", WithVerdict(X509_V_ERR_IP_ADDRESS_MISMATCH),
       NetError::kCertificateName, Phase::kTls, "another name"},
      {"wrong name, as libcurl says it", WithVerdict(X509_V_ERR_UNSPECIFIED),
       NetError::kCertificateName, Phase::kTls, "another name"},
      {"wrong name, with a good chain", WithVerdict(X509_V_OK), NetError::kCertificateName,
       Phase::kTls, "another name"},
      {"expired", WithVerdict(X509_V_ERR_CERT_HAS_EXPIRED), NetError::kCertificateExpired,
       Phase::kTls, "has expired"},
      {"not yet valid", WithVerdict(X509_V_ERR_CERT_NOT_YET_VALID), NetError::kCertificateExpired,
       Phase::kTls, "not valid yet"},
      {"self-signed", WithVerdict(X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT),
       NetError::kCertificateUntrusted, Phase::kTls, "no trusted root"},
      {"a root of its own", WithVerdict(X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN),
       NetError::kCertificateUntrusted, Phase::kTls, "no trusted root"},
      {"unknown CA", WithVerdict(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY),
       NetError::kCertificateUntrusted, Phase::kTls, "no trusted root"},
      {"short chain", WithVerdict(X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE),
       NetError::kCertificateUntrusted, Phase::kTls, "no trusted root"},
      {"weak key", WithVerdict(X509_V_ERR_EE_KEY_TOO_SMALL), NetError::kCertificateUntrusted,
       Phase::kTls, "no trusted root"},
      {"client certificate demanded, seen when the answer is read", missing_client_certificate,
       NetError::kTlsHandshake, Phase::kTls, "with an alert"},
      {"the same alert while we send",
       Over(Https(Sending()), CURLE_SEND_ERROR, "tlsv13 alert certificate required"),
       NetError::kTlsHandshake, Phase::kTls, "with an alert"},
      {"the same alert and nothing else",
       Over(Https(Waiting()), CURLE_GOT_NOTHING, "sslv3 alert handshake failure"),
       NetError::kTlsHandshake, Phase::kTls, "with an alert"},
      {"the word in a plain connection means nothing", Over(Waiting(), CURLE_RECV_ERROR, "alert"),
       NetError::kConnectionLost, Phase::kHeaders, "without an answer"},
  };
  for (const Row& row : kRows) Check(row);
}

TEST(UnderstandEndTest, WhileTheServerShouldAnswer) {
  const Row kRows[] = {
      {"accepts, closes", Over(Waiting(), CURLE_GOT_NOTHING), NetError::kConnectionLost,
       Phase::kHeaders, "without an answer"},
      {"reset",
       WithErrno(Over(Waiting(), CURLE_RECV_ERROR, "Connection reset by peer"), ECONNRESET),
       NetError::kConnectionLost, Phase::kHeaders, "without an answer"},
      {"reset while we send", Over(Sending(), CURLE_SEND_ERROR, "Send failure: Broken pipe"),
       NetError::kConnectionLost, Phase::kHeaders, "without an answer"},
      {"reset inside the head",
       Over(InHead(), CURLE_RECV_ERROR, "Recv failure: Connection reset by peer"),
       NetError::kConnectionLost, Phase::kHeaders, "in the middle"},
      {"ends well without a byte", Over(Waiting(), CURLE_OK), NetError::kConnectionLost,
       Phase::kHeaders, "without an answer"},
      {"accepts, never answers: read timeout", Stopped(Waiting(), Stop::kReadTimeout),
       NetError::kReadTimeout, Phase::kHeaders, "before the server had answered"},
      {"accepts, never answers: total time", Stopped(Waiting(), Stop::kTotalTimeout),
       NetError::kTotalTimeout, Phase::kHeaders, "before the server had answered"},
      {"never takes the request", Stopped(Sending(), Stop::kTotalTimeout), NetError::kTotalTimeout,
       Phase::kSend, "taken the request"},
      {"never connects", Stopped(Dialled(), Stop::kTotalTimeout), NetError::kTotalTimeout,
       Phase::kConnect, "before the connection was made"},
      {"stops inside the head", Stopped(InHead(), Stop::kReadTimeout), NetError::kReadTimeout,
       Phase::kHeaders, "before the server had answered"},
      {"stops inside the body", Stopped(InBody(), Stop::kReadTimeout), NetError::kReadTimeout,
       Phase::kBody, "in the middle"},
      {"the caller has gone", Stopped(InBody(), Stop::kCancelled), NetError::kCancelled,
       Phase::kNone, ""},
      {"the caller has gone from an error page", Stopped(InBody(500), Stop::kCancelled),
       NetError::kCancelled, Phase::kNone, ""},
  };
  for (const Row& row : kRows) Check(row);
}

TEST(UnderstandEndTest, WhatIsNotHttp) {
  TransferEnd switched = Over(InHead(), CURLE_GOT_NOTHING);
  switched.status = 101;
  TransferEnd cut_tls = Over(Https(InBody()), CURLE_OK);
  cut_tls.tls_cut = true;
  const Row kRows[] = {
      {"binary junk, HTTP/0.9, a bad version or status line",
       Over(Waiting(), CURLE_UNSUPPORTED_PROTOCOL, "Received HTTP/0.9 when not allowed"),
       NetError::kMalformed, Phase::kProtocol, "HTTP/1.1"},
      {"header without colon, negative length", Over(InHead(), CURLE_WEIRD_SERVER_REPLY),
       NetError::kMalformed, Phase::kProtocol, "malformed header"},
      {"head cut, which libcurl takes for an answer", Over(InHead(), CURLE_OK),
       NetError::kMalformed, Phase::kProtocol, "inside the response's headers"},
      {"body shorter than its length, cut chunks", Over(InBody(), CURLE_PARTIAL_FILE),
       NetError::kMalformed, Phase::kBody, "shorter"},
      {"bad chunk size",
       Over(InBody(), CURLE_RECV_ERROR, "Illegal or missing hexadecimal sequence in chunked"),
       NetError::kMalformed, Phase::kBody, "chunks"},
      {"the other words for it",
       Over(InBody(), CURLE_RECV_ERROR, "Problem (2) in the Chunked-Encoded data"),
       NetError::kMalformed, Phase::kBody, "chunks"},
      {"headers past libcurl's own limit",
       Over(InHead(), CURLE_RECV_ERROR, "Too large response headers: 307317 > 307200"),
       NetError::kMalformed, Phase::kHeaders, "too large"},
      {"a header line past libcurl's own limit", Over(InHead(), CURLE_OUT_OF_MEMORY),
       NetError::kMalformed, Phase::kProtocol, "too long"},
      {"the same as the first line", Over(Waiting(), CURLE_OUT_OF_MEMORY), NetError::kMalformed,
       Phase::kProtocol, "too long"},
      {"101 Switching Protocols", switched, NetError::kMalformed, Phase::kProtocol,
       "another protocol"},
      {"a bad content encoding", Over(InBody(), CURLE_BAD_CONTENT_ENCODING), NetError::kMalformed,
       Phase::kBody, "Content-Encoding"},
      {"more codings than libcurl undoes", Over(InHead(), CURLE_BAD_CONTENT_ENCODING),
       NetError::kMalformed, Phase::kProtocol, "too many codings"},
      {"a rule of ours", Stopped(InHead(), Stop::kBadHeaders, "two lengths"), NetError::kMalformed,
       Phase::kProtocol, "two lengths"},
      {"a body that may have been cut short", cut_tls, NetError::kMalformed, Phase::kBody,
       "TLS connection was cut"},
      {"http to a TLS port, closed", Over(Waiting(), CURLE_UNSUPPORTED_PROTOCOL),
       NetError::kMalformed, Phase::kProtocol, "HTTP/1.1"},
  };
  for (const Row& row : kRows) Check(row);
}

TEST(UnderstandEndTest, BodiesPastTheLimit) {
  const Row kRows[] = {
      {"counted by us", Stopped(InBody(), Stop::kBodyTooLarge, "more than 65536 bytes"),
       NetError::kBodyTooLarge, Phase::kContent, "more than 65536 bytes"},
      {"by its length", Over(InBody(), CURLE_FILESIZE_EXCEEDED), NetError::kBodyTooLarge,
       Phase::kContent, "larger than the limit"},
  };
  for (const Row& row : kRows) Check(row);
}

TEST(UnderstandEndTest, EnoughIsNoFault) {
  TransferEnd end = Stopped(InBody(), Stop::kEnough);
  end.curl_code = CURLE_WRITE_ERROR;  // libcurl's word for what we told it
  EXPECT_EQ(UnderstandEnd(end).error, NetError::kNone);
}

TEST(UnderstandEndTest, AStatusOutside2xxSaysAll) {
  for (const int status : {301, 304, 400, 404, 429, 500, 503, 999}) {
    for (const TransferEnd& end :
         {Over(InBody(status), CURLE_OK), Over(InBody(status), CURLE_PARTIAL_FILE),
          Over(InBody(status), CURLE_RECV_ERROR), Over(InBody(status), CURLE_BAD_CONTENT_ENCODING),
          Stopped(InBody(status), Stop::kErrorBody), Stopped(InBody(status), Stop::kTotalTimeout),
          Stopped(InBody(status), Stop::kReadTimeout),
          Stopped(InBody(status), Stop::kBodyTooLarge)}) {
      EXPECT_EQ(UnderstandEnd(end).error, NetError::kNone) << status;
    }
    // But its head must have been one.
    EXPECT_EQ(UnderstandEnd(Stopped(InBody(status), Stop::kBadHeaders)).error,
              NetError::kMalformed);
    TransferEnd cut = Over(InHead(), CURLE_OK);
    cut.status = status;
    EXPECT_EQ(UnderstandEnd(cut).error, NetError::kMalformed) << status;
  }
}

TEST(UnderstandEndTest, ACompleteAnswerIsNoFault) {
  for (const int status : {200, 201, 204, 299}) {
    const NetFault fault = UnderstandEnd(Over(InBody(status), CURLE_OK));
    EXPECT_EQ(fault.error, NetError::kNone) << status;
    EXPECT_EQ(fault.phase, Phase::kNone) << status;
    EXPECT_EQ(fault.detail, "") << status;
  }
}

}  // namespace
}  // namespace understudy::router
