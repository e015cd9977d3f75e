// SEAM: the way out for mail. `mail/` implements it for SMTP and for a directory, the tests for a
// world of their own.
#ifndef SERVICES_NOTIFIER_MAIL_MAILER_H_
#define SERVICES_NOTIFIER_MAIL_MAILER_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace understudy::notifier {

// How long one attempt may take, whatever the server does. Much of it is for the server's verdict
// on a mail it has in full: giving up there means that the mail may come twice.
inline constexpr absl::Duration kSendTimeout = absl::Minutes(3);

// One mail to one recipient, complete: sending it again sends the same bytes.
struct OutgoingMail {
  std::string recipient = {};   // address alone, as RCPT TO has it
  std::string message_id = {};  // without angle brackets
  std::string bytes = {};       // RFC 5322, CRLF line ends, not dot-stuffed
};

// What became of an attempt. "Accepted" means that the server took responsibility; between the end
// of the message and its reply nobody knows (RFC 1047), which is a state of its own.
enum class SendState : uint8_t {
  kAccepted,
  kTemporary,  // try again later
  kPermanent,  // for this recipient; trying again is of no use
  kAmbiguous,  // sent to the end, no reply came: the mail may be there or not
};

// Why it was not accepted; a closed set, for labels and for deciding when to try again.
enum class SendReason : uint8_t {
  kNone,
  kHostUnknown,
  kConnectFailed,
  kTimeout,
  kGreetingRefused,  // whenever the server says it
  kTlsMissing,       // required on one side, and not there on the other
  kTlsFailed,        // handshake, injected replies
  kCertificate,      // untrusted, expired, or of another host
  kAuthentication,   // the server does not take the credentials
  kSenderRefused,    // whenever the server says it
  kRecipientRefused,
  kContentRefused,
  kRateLimited,  // 421, 4.7.x, 4xx to AUTH, greylisting
  kTooLarge,
  kProtocol,
  kConnectionLost,
  kCannotWrite,  // of a directory
};
inline constexpr int kSendReasons = 17;
// "connect_failed" and the like.
const char* SendReasonName(SendReason reason);

struct SendResult {
  SendState state = SendState::kTemporary;
  SendReason reason = SendReason::kNone;
  std::string detail = {};  // one sentence an operator can act on; no password, one line
  std::string reply = {};   // the server's last reply, or the file written; one line, cut
  // Whether the server, rather than this mail, is at fault: others need not be tried for a while.
  bool server_failed = false;
};

class Mailer {
 public:
  virtual ~Mailer() = default;

  // Blocks until the mail is settled, at most kSendTimeout. From one thread at a time.
  virtual SendResult Send(const OutgoingMail& mail) = 0;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_MAIL_MAILER_H_
