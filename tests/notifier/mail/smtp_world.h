// A mailer and the scripted mail server it sends to.
#ifndef TESTS_NOTIFIER_MAIL_SMTP_WORLD_H_
#define TESTS_NOTIFIER_MAIL_SMTP_WORLD_H_

#include <memory>
#include <string>

#include "services/notifier/mail/smtp_mailer.h"
#include "tests/testing/certificates.h"
#include "tests/testing/smtp_server.h"

namespace understudy::testing {

inline constexpr char kSender[] = "understudy@example.com";
inline constexpr char kRecipient[] = "ops@example.com";

// An authority for all tests of a binary, and the path of its file.
const TestAuthority& TestRoot();
const std::string& TestCaFile();
// Of a server at 127.0.0.1 and "mail.test".
Certificate GoodCertificate();

// A small mail.
notifier::OutgoingMail TestMail(const std::string& recipient = kRecipient);

// Options for a server in the clear, patient with everything.
notifier::SmtpOptions PlainOptions(const std::string& url);
// For one that must speak TLS.
notifier::SmtpOptions TlsOnlyOptions(const std::string& url);
// The same, and short of patience for one step.
notifier::SmtpOptions Impatient(notifier::SmtpOptions options);

// Ends the process if the options are refused.
std::unique_ptr<notifier::SmtpMailer> MailerOf(notifier::SmtpOptions options);

}  // namespace understudy::testing

#endif  // TESTS_NOTIFIER_MAIL_SMTP_WORLD_H_
