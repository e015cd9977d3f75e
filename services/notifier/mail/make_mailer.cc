#include "services/notifier/mail/make_mailer.h"

#include <utility>

#include "services/notifier/mail/directory_mailer.h"

namespace understudy::notifier {

absl::StatusOr<std::unique_ptr<Mailer>> MakeMailer(const std::optional<SmtpOptions>& smtp,
                                                   const std::string& directory) {
  if (!smtp.has_value()) return std::make_unique<DirectoryMailer>(directory);
  absl::StatusOr<std::unique_ptr<SmtpMailer>> mailer = SmtpMailer::Create(*smtp);
  if (!mailer.ok()) return mailer.status();
  return *std::move(mailer);
}

}  // namespace understudy::notifier
