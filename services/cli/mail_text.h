// The words of a mail of ours, for who has no mail program at hand. Pure.
#ifndef SERVICES_CLI_MAIL_TEXT_H_
#define SERVICES_CLI_MAIL_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace understudy::cli {

// The text of `mail`'s text/plain part, with LF line ends; empty if it is no mail as the notifier
// writes them: RFC 5322, multipart/alternative, its parts quoted-printable or base64.
std::string PlainTextOf(absl::string_view mail);

}  // namespace understudy::cli

#endif  // SERVICES_CLI_MAIL_TEXT_H_
