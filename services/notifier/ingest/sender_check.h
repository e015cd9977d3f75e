// Whether a request comes from whom it says: Twilio's by its signature, senders of our own events
// by HTTP Basic with an account's sid and auth token. Pure.
// Source: Twilio, "Webhooks Security".
#ifndef SERVICES_NOTIFIER_INGEST_SENDER_CHECK_H_
#define SERVICES_NOTIFIER_INGEST_SENDER_CHECK_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/serving/http_message.h"
#include "common/twilio/account.h"
#include "common/twilio/form.h"

namespace understudy::notifier {

using twilio::Account;

struct SenderProblem {
  int http_status = 403;
  std::string reason = {};  // stable, such as "SIGNATURE_WRONG"; a label
  std::string message = {};
};

// nullopt if `request`, whose parameters are `parameters`, was signed by the account it names, or
// needs not be: that account has no token, or no account is configured at all. The URL that was
// signed is `public_url` and the request's path and query; without a `public_url` it is what the
// Host header says.
std::optional<SenderProblem> CheckTwilioRequest(const std::vector<Account>& accounts,
                                                absl::string_view public_url,
                                                const serving::HttpRequest& request,
                                                const twilio::Form& body,
                                                const twilio::Form& parameters);

// The account whose credentials `request` brings; "" where no account has a token, so that nobody
// needs any.
struct BasicSender {
  std::optional<SenderProblem> problem = {};
  std::string account_sid = {};
};
BasicSender CheckBasicRequest(const std::vector<Account>& accounts,
                              const serving::HttpRequest& request);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_INGEST_SENDER_CHECK_H_
