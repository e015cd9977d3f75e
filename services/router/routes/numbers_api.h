// The REST door of the numbers: IncomingPhoneNumbers and Applications as Twilio's SDKs know them,
// in front of what keeps them. It says who may come in, reads what they ask for and writes the
// answer; what is right and wrong about a number is not its affair (number_resource.h).
// Source: Twilio, "IncomingPhoneNumber resource", "Application resource", "Twilio's Response".
#ifndef SERVICES_ROUTER_ROUTES_NUMBERS_API_H_
#define SERVICES_ROUTER_ROUTES_NUMBERS_API_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/mutex.h"
#include "common/serving/basic_auth.h"
#include "common/serving/http_message.h"
#include "common/serving/rest_door.h"
#include "common/twilio/account.h"
#include "services/router/routes/numbers.h"

namespace understudy::router {

class NumbersApi {
 public:
  // A request was answered; `error_code` is Twilio's, 0 where there was none.
  using OnAnswered = std::function<void(int error_code)>;

  // `numbers` must outlive it; null: there are none, and every request is answered 404. Accounts
  // without a token have no way in.
  NumbersApi(Numbers* numbers, std::vector<twilio::Account> accounts, OnAnswered on_answered);

  // From any thread, as is Handle. Counts for requests that come from now on.
  void SetAccounts(std::vector<twilio::Account> accounts);

  serving::HttpResponse Handle(const serving::HttpRequest& request);

 private:
  using Accounts = std::vector<twilio::Account>;
  struct Asked;  // a request that may come in, read

  std::shared_ptr<const Accounts> accounts() const;
  serving::RestReply Respond(const serving::HttpRequest& request);
  serving::RestReply ListNumbers(const Asked& asked);
  serving::RestReply CreateNumber(const Asked& asked);
  serving::RestReply ForNumber(const Asked& asked);
  serving::RestReply ListApplications(const Asked& asked);
  serving::RestReply CreateApplication(const Asked& asked);
  serving::RestReply ForApplication(const Asked& asked);

  Numbers* const numbers_;
  const OnAnswered on_answered_;
  serving::LoginLimiter limiter_;
  mutable Mutex mutex_;
  std::shared_ptr<const Accounts> accounts_ GUARDED_BY(mutex_);
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_ROUTES_NUMBERS_API_H_
