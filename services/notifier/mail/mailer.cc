#include "services/notifier/mail/mailer.h"

namespace understudy::notifier {

const char* SendReasonName(SendReason reason) {
  switch (reason) {
    case SendReason::kNone:
      return "none";
    case SendReason::kHostUnknown:
      return "host_unknown";
    case SendReason::kConnectFailed:
      return "connect_failed";
    case SendReason::kTimeout:
      return "timeout";
    case SendReason::kGreetingRefused:
      return "greeting_refused";
    case SendReason::kTlsMissing:
      return "tls_missing";
    case SendReason::kTlsFailed:
      return "tls_failed";
    case SendReason::kCertificate:
      return "certificate";
    case SendReason::kAuthentication:
      return "authentication";
    case SendReason::kSenderRefused:
      return "sender_refused";
    case SendReason::kRecipientRefused:
      return "recipient_refused";
    case SendReason::kContentRefused:
      return "content_refused";
    case SendReason::kRateLimited:
      return "rate_limited";
    case SendReason::kTooLarge:
      return "too_large";
    case SendReason::kProtocol:
      return "protocol";
    case SendReason::kConnectionLost:
      return "connection_lost";
    case SendReason::kCannotWrite:
      return "cannot_write";
  }
  return "none";
}

}  // namespace understudy::notifier
