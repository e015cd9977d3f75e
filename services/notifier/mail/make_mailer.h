// The mailer that a configuration asks for.
#ifndef SERVICES_NOTIFIER_MAIL_MAKE_MAILER_H_
#define SERVICES_NOTIFIER_MAIL_MAKE_MAILER_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "services/notifier/mail/mailer.h"
#include "services/notifier/mail/smtp_mailer.h"

namespace understudy::notifier {

// SMTP if there are options for it, else files in `directory`. Errors are SmtpMailer::Create's.
absl::StatusOr<std::unique_ptr<Mailer>> MakeMailer(const std::optional<SmtpOptions>& smtp,
                                                   const std::string& directory);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_MAIL_MAKE_MAILER_H_
