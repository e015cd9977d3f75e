// Mail as files: for development, for demos, and for machines that have no mail server within
// reach.
#ifndef SERVICES_NOTIFIER_MAIL_DIRECTORY_MAILER_H_
#define SERVICES_NOTIFIER_MAIL_DIRECTORY_MAILER_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "services/notifier/mail/mailer.h"

namespace understudy::notifier {

// Of a file's name, ".eml" included.
inline constexpr size_t kMaxMailFileNameBytes = 200;

// Each mail becomes one file, MESSAGE-ID.eml. It appears whole, and is on disk when Send returns;
// sent again it replaces itself. The folder is made if it is missing, its parent is not.
class DirectoryMailer : public Mailer {
 public:
  explicit DirectoryMailer(std::string directory);

  // kAccepted with the file's path as `reply`, or kTemporary for kCannotWrite.
  SendResult Send(const OutgoingMail& mail) override;

 private:
  std::string directory_;
};

// The name of the file for a mail: letters, digits and "@.+-_" only, not hidden. Other message ids
// get other names, also where they had to be changed or cut.
std::string MailFileName(absl::string_view message_id);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_MAIL_DIRECTORY_MAILER_H_
