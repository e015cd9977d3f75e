// Any bytes as the fields of a mail, and as a mailbox in a configuration.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/notifier/mail/mime.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/notifier/mail/mail_rules.h"

using understudy::notifier::BuildMail;
using understudy::notifier::Digest;
using understudy::notifier::Mailbox;
using understudy::notifier::MailHead;
using understudy::notifier::ParseMailbox;
using understudy::testing::BrokenMailRule;
using understudy::testing::Require;

namespace {

// A byte that says how many follow, and these.
std::string Take(absl::string_view& input) {
  if (input.empty()) return "";
  const size_t size = std::min<size_t>(static_cast<unsigned char>(input[0]), input.size() - 1);
  std::string taken(input.substr(1, size));
  input.remove_prefix(1 + size);
  return taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  absl::string_view input(reinterpret_cast<const char*>(data), size);
  MailHead head{.date = absl::UnixEpoch()};
  const absl::StatusOr<Mailbox> from = ParseMailbox(input);
  if (from.ok()) {
    head.from = *from;
    head.to = from->address;
    const std::string mail = BuildMail(head, {});
    Require(absl::string_view(mail).find(absl::StrCat("\r\nTo: ", from->address, "\r\n")) !=
                absl::string_view::npos,
            "an address that was accepted is used as it is");
  }
  head.from.name = Take(input);
  head.from.address = Take(input);
  head.to = Take(input);
  head.message_id = Take(input);
  head.in_reply_to = Take(input);
  head.references = Take(input);
  head.list_id = Take(input);
  Digest digest{.subject = Take(input)};
  digest.text = Take(input);
  digest.html = std::string(input);
  Require(BrokenMailRule(BuildMail(head, digest)).empty(), "a mail keeps the rules");
  return 0;
}
