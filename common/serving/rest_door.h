// What every door has that speaks Twilio's REST API: answers as Twilio's SDKs read them, and who
// may come in. Source: Twilio, "Twilio's Response", "Requests to Twilio".
#ifndef COMMON_SERVING_REST_DOOR_H_
#define COMMON_SERVING_REST_DOOR_H_

#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/serving/basic_auth.h"
#include "common/serving/http_message.h"
#include "common/twilio/account.h"
#include "common/twilio/rest.h"

namespace understudy::serving {

// An answer, and the error in it.
struct RestReply {
  HttpResponse http = {};
  int error_code = 0;  // Twilio's; 0: none

  static RestReply Json(int status, std::string json);
  // One of 503 says that it may be tried again in a second.
  static RestReply Error(const twilio::RestError& error);
  // 20404; of a long path it shows the beginning.
  static RestReply NotFound(absl::string_view path);
  // 20004; `allowed` as in the Allow header.
  static RestReply MethodNotAllowed(absl::string_view allowed);

  void AddRetryAfter(absl::Duration wait);  // in whole seconds, rounded up
};

// The one of `accounts` whose sid and auth token the request brings; else the refusal: 20003, and
// 20429 for those who guess. An account without a token has no way in. A wrong password is logged
// under the name of the door, "numbers API" for instance. From any thread.
std::variant<const twilio::Account*, RestReply> SignIn(const HttpRequest& request,
                                                       absl::Span<const twilio::Account> accounts,
                                                       LoginLimiter& limiter,
                                                       absl::string_view door);

// What the server in front of a door writes where it refuses by itself: the same as any other
// error.
HttpResponse RestRefusal(int status, absl::string_view reason);

}  // namespace understudy::serving

#endif  // COMMON_SERVING_REST_DOOR_H_
