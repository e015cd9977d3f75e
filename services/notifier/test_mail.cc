#include "services/notifier/test_mail.h"

#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "services/notifier/config.h"
#include "services/notifier/mail/digest.h"
#include "services/notifier/mail/make_mailer.h"
#include "services/notifier/mail/mime.h"

namespace understudy::notifier {
namespace {

// The value of `--name VALUE` or `--name=VALUE`; nullopt if it is not there.
std::optional<std::string> FindOption(int argc, char** argv, absl::string_view name) {
  for (int i = 1; i < argc; ++i) {
    absl::string_view word = argv[i];
    if (!absl::ConsumePrefix(&word, name)) continue;
    if (absl::ConsumePrefix(&word, "=")) return std::string(word);
    if (word.empty()) return i + 1 < argc ? std::string(argv[i + 1]) : std::string();
  }
  return std::nullopt;
}

int Fail(int status, absl::string_view what) {
  std::fprintf(stderr, "understudy-notifier: %s\n", std::string(what).c_str());
  return status;
}

int SendTestMail(const std::string& path, const std::string& address) {
  const absl::StatusOr<Mailbox> to = ParseMailbox(address);
  if (!to.ok()) return Fail(2, absl::StrCat(address, ": ", to.status().message()));
  const absl::StatusOr<NotifierConfig> config = LoadNotifierConfig(path);
  if (!config.ok()) {
    std::fprintf(stderr, "%s\n", std::string(config.status().message()).c_str());
    return 2;
  }
  const absl::StatusOr<std::unique_ptr<Mailer>> mailer =
      MakeMailer(config->smtp, config->mail_directory);
  if (!mailer.ok()) return Fail(2, mailer.status().message());

  const absl::Time now = absl::Now();
  const MailHead head = {.from = config->alerts.from,
                         .to = to->address,
                         .date = now,
                         .message_id = absl::StrCat("test.", absl::ToUnixMicros(now), "@",
                                                    config->alerts.from.domain())};
  const std::string way = config->smtp.has_value() ? config->smtp->url : config->mail_directory;
  std::printf("Sending a test mail to %s by %s ...\n", to->address.c_str(), way.c_str());
  std::fflush(stdout);
  const SendResult result = (*mailer)->Send({.recipient = to->address,
                                             .message_id = head.message_id,
                                             .bytes = BuildMail(head, RenderTest(now))});
  if (result.state == SendState::kAccepted) {
    std::printf("Accepted: %s\n", result.reply.c_str());
    return 0;
  }
  std::printf("Not sent (%s): %s\n", SendReasonName(result.reason), result.detail.c_str());
  if (!result.reply.empty()) std::printf("The server said: %s\n", result.reply.c_str());
  return 1;
}

}  // namespace

std::optional<int> SendTestMailIfAsked(int argc, char** argv) {
  const std::optional<std::string> address = FindOption(argc, argv, "--send-test-mail");
  if (!address.has_value()) return std::nullopt;
  const std::optional<std::string> path = FindOption(argc, argv, "--config");
  if (!path.has_value() || path->empty()) return Fail(2, "--send-test-mail needs --config FILE");
  if (address->empty()) return Fail(2, "--send-test-mail needs an address");
  return SendTestMail(*path, *address);
}

}  // namespace understudy::notifier
