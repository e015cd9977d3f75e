// Follows what a mail server and we say to each other, and says what the end of it means. Pure:
// lines, and how libcurl ended, go in; what became of the mail comes out.
// Source: RFC 5321 (replies), 1047 (the end nobody knows), 3207 (STARTTLS), 3463 and 5248 (enhanced
// codes), 4954 (AUTH).
#ifndef SERVICES_NOTIFIER_MAIL_SMTP_DIALOGUE_H_
#define SERVICES_NOTIFIER_MAIL_SMTP_DIALOGUE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "services/notifier/mail/mailer.h"

namespace understudy::notifier {

// Of a reply; the rest is cut.
inline constexpr size_t kMaxReplyBytes = 500;

// What is being waited for.
enum class SmtpStep : uint8_t {
  kConnect,
  kTls,
  kGreeting,
  kEhlo,
  kStartTls,
  kAuth,
  kMail,
  kRcpt,
  kData,
  kBody,     // that the server takes it
  kVerdict,  // the reply to a mail that was sent to its end
};

struct SmtpDialogue {
  SmtpStep step = SmtpStep::kConnect;
  bool answered = false;  // what was said last has its reply
  bool in_reply = false;  // lines of one have come, its last has not
  bool is_quitting = false;
  int code = 0;            // of the last reply
  std::string reply = {};  // the last reply, or as much as came of it, as one line
};

// A command of ours, or what we say within AUTH, of which nothing is kept.
void OnSent(absl::string_view line, SmtpDialogue& dialogue);
// A line of the server's.
void OnReceived(absl::string_view line, SmtpDialogue& dialogue);
// Something else happened that begins `step`.
void OnStep(SmtpStep step, SmtpDialogue& dialogue);

struct SmtpEnd {
  SmtpDialogue dialogue = {};
  int curl_code = 0;
  std::string error_text = {};  // libcurl's
  long verify_result = 0;       // OpenSSL's, of the certificate
  bool expired = false;         // a time limit of ours ended it
  bool reused = false;          // the connection was that of an earlier mail
  std::string server = {};      // "mail.example.com:587"
  std::string recipient = {};
};

SendResult UnderstandEnd(const SmtpEnd& end);

// Whether a connection that was kept had gone by the time it was used again: nothing of this mail
// was dealt with, so a new connection is worth a try at once.
bool WasStaleConnection(const SmtpEnd& end);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_MAIL_SMTP_DIALOGUE_H_
