#include "common/serving/rest_door.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/serving/log.h"
#include "common/serving/monotonic_clock.h"

namespace understudy::serving {
namespace {

constexpr size_t kMaxShownPathBytes = 256;
constexpr absl::Duration kBusyRetry = absl::Seconds(1);

}  // namespace

RestReply RestReply::Json(int status, std::string json) {
  return {.http = {.status = status, .content_type = twilio::kRestJson, .body = std::move(json)}};
}

RestReply RestReply::Error(const twilio::RestError& error) {
  RestReply reply = Json(error.status, twilio::RestErrorJson(error));
  reply.error_code = error.code;
  if (error.status == 503) reply.AddRetryAfter(kBusyRetry);
  return reply;
}

RestReply RestReply::NotFound(absl::string_view path) {
  return Error(twilio::NotFound(path.substr(0, kMaxShownPathBytes)));
}

RestReply RestReply::MethodNotAllowed(absl::string_view allowed) {
  RestReply reply = Error(twilio::MakeRestError(20004, "Method not allowed"));
  reply.http.headers.push_back({"Allow", std::string(allowed)});
  return reply;
}

void RestReply::AddRetryAfter(absl::Duration wait) {
  const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(wait, absl::Seconds(1)));
  http.headers.push_back({"Retry-After", absl::StrCat(seconds)});
}

std::variant<const twilio::Account*, RestReply> SignIn(const HttpRequest& request,
                                                       absl::Span<const twilio::Account> accounts,
                                                       LoginLimiter& limiter,
                                                       absl::string_view door) {
  RestReply refusal = RestReply::Error(twilio::Unauthenticated());
  refusal.http.headers.push_back({"WWW-Authenticate", twilio::kRestChallenge});
  const std::string* const header = FindHeader(request.headers, "Authorization");
  if (header == nullptr) return refusal;
  const std::optional<BasicCredentials> credentials = ReadBasic(*header);
  if (!credentials.has_value()) return refusal;

  const auto account =
      std::find_if(accounts.begin(), accounts.end(),
                   [&](const twilio::Account& known) { return known.sid == credentials->user; });
  const bool is_right = account != accounts.end() && !account->auth_token.empty() &&
                        IsSameSecret(credentials->password, account->auth_token);
  if (const std::optional<absl::Duration> wait =
          limiter.Attempt(request.remote_address, credentials->user, is_right, MonotonicNow())) {
    RestReply reply = RestReply::Error(twilio::MakeRestError(
        20429,
        "Too many wrong passwords came from your address or for this account. Try again "
        "after the time in Retry-After."));
    reply.AddRetryAfter(*wait);
    return reply;
  }
  if (!is_right) {
    Log(LogLevel::kWarning, absl::StrCat(door, ": wrong password"),
        {{"user", credentials->user}, {"remote_address", request.remote_address}});
    return refusal;
  }
  return &*account;
}

HttpResponse RestRefusal(int status, absl::string_view reason) {
  return {.status = status,
          .content_type = twilio::kRestJson,
          .body = twilio::RestErrorJson(twilio::HttpRefusal(status, reason))};
}

}  // namespace understudy::serving
