// Mail by SMTP: libcurl, one transaction for each mail, and the connection kept for the next one.
//
// libcurl speaks SMTP and TLS. What it leaves open is done here: names (host_lookup.h), a time
// limit for every step, whether a kept connection can be used again, and what an end means
// (smtp_dialogue.h). docs/decisions says which measurement is behind each.
#ifndef SERVICES_NOTIFIER_MAIL_SMTP_MAILER_H_
#define SERVICES_NOTIFIER_MAIL_SMTP_MAILER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/notifier/mail/mailer.h"

namespace understudy::notifier {

// How long over its total_timeout an attempt may be: libcurl looks at the time once a second while
// it waits for the reply to a mail, and for the one to QUIT.
inline constexpr absl::Duration kSendOverrun = absl::Seconds(5);
// A connection is not used again after so long idle, nor after so long at all.
inline constexpr absl::Duration kMaxSmtpConnectionIdle = absl::Seconds(60);
inline constexpr absl::Duration kMaxSmtpConnectionAge = absl::Minutes(10);
// How long the addresses of the mail server are taken as known. Older ones serve only while the
// name servers do not answer.
inline constexpr absl::Duration kMaxHostAddressesAge = absl::Seconds(60);

enum class StartTls : uint8_t {
  kRequired,
  kOpportunistic,  // if the server offers it; then it has to succeed
  kOff,
};

struct SmtpOptions {
  std::string url = {};                     // "smtp://mail.example.com:587", "smtps://..."
  StartTls starttls = StartTls::kRequired;  // of smtp:
  std::string sender = {};                  // address, of the envelope: bounces go there
  std::string helo_name = {};               // in EHLO; empty: this machine's name
  std::string username = {};                // empty: no AUTH
  std::string password_file = {};           // read for each mail
  bool allow_credentials_in_clear = false;  // where TLS is not required
  std::string ca_file = "/etc/ssl/certs/ca-certificates.crt";
  std::vector<std::string> dns_servers = {};  // none: the system's
  absl::Duration connect_timeout = absl::Seconds(10);
  absl::Duration step_timeout =
      absl::Seconds(30);  // a reply, the TLS handshake, progress in a mail
  // All of an attempt; what is left of it after the last byte of a mail is for the verdict.
  absl::Duration total_timeout = kSendTimeout - kSendOverrun;
  // In whole seconds, at least 1.
  absl::Duration max_connection_idle = kMaxSmtpConnectionIdle;
  absl::Duration max_connection_age = kMaxSmtpConnectionAge;
};

// A password never leaves this class but in AUTH, and there not without TLS unless options say so:
// results that would repeat it have "***" in its place.
class SmtpMailer : public Mailer {
 public:
  // InvalidArgument, with the option to blame, if these options are none that can work or would
  // send credentials in the clear. FailedPrecondition if the CA file holds no certificate.
  // Connects to nothing.
  static absl::StatusOr<std::unique_ptr<SmtpMailer>> Create(SmtpOptions options);

  // Says QUIT on the connection that is kept, and waits for no answer.
  ~SmtpMailer() override;

  SendResult Send(const OutgoingMail& mail) override;

 private:
  class Connection;

  explicit SmtpMailer(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_MAIL_SMTP_MAILER_H_
