// Whether a request comes from whom it says: Twilio's by its signature, senders of our own events
// by HTTP Basic with an account's sid and auth token, event streams by either. Pure.
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

// Who sent a batch of an event stream whose events name `named` accounts, the most likely first.
// Credentials are HTTP Basic, as above (a sink's URL may hold them), or the signature of one of the
// named accounts over the URL with its bodySHA256.
struct StreamSender {
  std::optional<SenderProblem> problem = {};
  std::string account_sid = {};  // empty: nobody needs to be anybody
  bool is_proven = false;        // else that account has no token, and is believed
};
StreamSender CheckStreamRequest(const std::vector<Account>& accounts, absl::string_view public_url,
                                const serving::HttpRequest& request,
                                const std::vector<std::string>& named);

// Whether `sender` may tell of an event of `account_sid`, whose parent is `master_account_sid` if
// it has one: of its own, and, proven, of subaccounts that have no token of their own here.
bool MayTellOf(const std::vector<Account>& accounts, const StreamSender& sender,
               absl::string_view account_sid, absl::string_view master_account_sid);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_INGEST_SENDER_CHECK_H_
