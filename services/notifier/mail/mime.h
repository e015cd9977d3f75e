// From what a mail says to its bytes. Pure.
// Source: RFC 5322 (format), 2045 to 2047 (MIME, encoded words), 2046 (multipart/alternative),
// 3834 (Auto-Submitted), 5321 (line lengths).
#ifndef SERVICES_NOTIFIER_MAIL_MIME_H_
#define SERVICES_NOTIFIER_MAIL_MIME_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/notifier/mail/digest.h"

namespace understudy::notifier {

inline constexpr size_t kMaxMailboxNameBytes = 200;

// A mailbox as configurations write it: `Understudy <understudy@example.com>` or the address alone.
struct Mailbox {
  std::string name = {};     // UTF-8, may be empty
  std::string address = {};  // local@domain, ASCII

  std::string domain() const;
  friend bool operator==(const Mailbox&, const Mailbox&) = default;
};
// InvalidArgument with a sentence for anything else: no comments, groups, quoted local parts or
// address literals.
absl::StatusOr<Mailbox> ParseMailbox(absl::string_view text);

struct MailHead {
  Mailbox from = {};
  std::string to = {};  // address
  absl::Time date = {};
  std::string message_id = {};   // without angle brackets
  std::string in_reply_to = {};  // the same; empty: begins a thread
  std::string references = {};   // the thread's root; empty as well
  std::string list_id = {};      // "alerts.understudy.example.com"; empty: none
};

// RFC 5322 bytes with CRLF line ends, none longer than 998 bytes, text and HTML as one
// multipart/alternative; the same for the same arguments. Whatever stands in subject, names and
// bodies, headers stay ours: control characters and what is no UTF-8 become U+FFFD, and what cannot
// stand in an address or a message id is left out of it.
std::string BuildMail(const MailHead& head, const Digest& digest);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_MAIL_MIME_H_
