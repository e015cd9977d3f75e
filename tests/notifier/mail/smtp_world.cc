#include "tests/notifier/mail/smtp_world.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {

using notifier::OutgoingMail;
using notifier::SmtpMailer;
using notifier::SmtpOptions;
using notifier::StartTls;

const TestAuthority& TestRoot() {
  static const auto* const root = new TestAuthority();
  return *root;
}

const std::string& TestCaFile() {
  static const TempDir folder;
  static const auto* const path = new std::string(TestRoot().WriteCaFile(folder.path()));
  return *path;
}

Certificate GoodCertificate() {
  return TestRoot().Issue({.dns_names = {"mail.test"}, .ip_addresses = {"127.0.0.1"}});
}

OutgoingMail TestMail(const std::string& recipient) {
  return {.recipient = recipient,
          .message_id = "g7.1@example.com",
          .bytes = absl::StrCat("From: ", kSender, "\r\nTo: ", recipient,
                                "\r\nSubject: A test\r\n\r\nOne line.\r\n")};
}

SmtpOptions PlainOptions(const std::string& url) {
  return {.url = url,
          .starttls = StartTls::kOff,
          .sender = kSender,
          .helo_name = "notifier.test",
          .ca_file = TestCaFile()};
}

SmtpOptions TlsOnlyOptions(const std::string& url) {
  SmtpOptions options = PlainOptions(url);
  options.starttls = StartTls::kRequired;
  return options;
}

SmtpOptions Impatient(SmtpOptions options) {
  options.step_timeout = absl::Milliseconds(700);
  options.total_timeout = absl::Seconds(4);
  return options;
}

std::unique_ptr<SmtpMailer> MailerOf(SmtpOptions options) {
  absl::StatusOr<std::unique_ptr<SmtpMailer>> mailer = SmtpMailer::Create(std::move(options));
  Require(mailer.ok(), mailer.status().ToString());
  return *std::move(mailer);
}

}  // namespace understudy::testing
