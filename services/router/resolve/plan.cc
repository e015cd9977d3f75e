#include "services/router/resolve/plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/router/resolve/judge.h"

namespace understudy::router {
namespace {

constexpr int kInvalidUrl = 11100;
constexpr int kTooManyRedirects = 11215;
constexpr int kInvalidRedirect = 11216;
constexpr size_t kMaxExcerptBytes = 512;

// The path and query of a canonical URL: what Digest calls the uri.
absl::string_view RequestTarget(absl::string_view canonical) {
  const size_t path = canonical.find('/', canonical.find("://") + 3);
  return path == absl::string_view::npos ? absl::string_view("/") : canonical.substr(path);
}

void AddIfAbsent(twilio::Form& form, absl::string_view name, absl::string_view value) {
  if (twilio::FindParameter(form, name) == nullptr) {
    form.push_back({std::string(name), std::string(value)});
  }
}

void Replace(twilio::Form& form, absl::string_view name, std::string value) {
  form.erase(std::remove_if(form.begin(), form.end(),
                            [&](const twilio::Parameter& p) { return p.name == name; }),
             form.end());
  form.push_back({std::string(name), std::move(value)});
}

}  // namespace

Plan::Plan(Call call, std::shared_ptr<const Route> route, const Limits& limits)
    : call_(std::move(call)), route_(std::move(route)), limits_(limits) {
  if (!call_.account_sid.empty()) AddIfAbsent(call_.parameters, "AccountSid", call_.account_sid);
  AddIfAbsent(call_.parameters, "ApiVersion", "2010-04-01");
}

Step Plan::Begin(absl::Time now) {
  return BeginTarget(Target::kPrimary, now);
}

twilio::Form Plan::ParametersFor(Target target) const {
  twilio::Form parameters = call_.parameters;
  if (target == Target::kFallback) {
    const Fault& why = outcome_.faults.front();
    Replace(parameters, "ErrorCode", absl::StrCat(why.code));
    Replace(parameters, "ErrorUrl", why.url);
  }
  return parameters;
}

// How long `target` may take from now on. A caller in a hurry still gets the fallback tried: the
// primary then leaves it what it needs, but keeps the larger part.
absl::Duration Plan::TimeFor(Target target, const Overrides& overrides, absl::Time now) const {
  const absl::Duration own =
      std::min(limits_.total_timeout, overrides.total_timeout.value_or(limits_.total_timeout));
  const absl::Duration left = call_.deadline - limits_.reply_reserve - now;
  if (target == Target::kFallback || !route_->handler.fallback.has_value()) {
    return std::min(own, left);
  }
  return std::min(own, std::max(left - limits_.total_timeout, left * kPrimaryShare));
}

Step Plan::BeginTarget(Target target, absl::Time now) {
  const Endpoint& endpoint =
      target == Target::kPrimary ? route_->handler.primary : *route_->handler.fallback;
  fetch_ = Fetch{.target = target,
                 .error_url = RedactUrl(endpoint.url),
                 .method = endpoint.method,
                 .parameters = ParametersFor(target),
                 .begun_at = now,
                 .ends_at = now};

  absl::StatusOr<Url> url = ParseUrl(endpoint.url);
  if (!url.ok()) {
    return LeaveTarget({.code = kInvalidUrl, .detail = std::string(url.status().message())}, now);
  }
  fetch_.overrides = ParseOverrides(url->fragment);
  for (std::string& warning : fetch_.overrides.warnings) {
    outcome_.notes.push_back(absl::StrCat(fetch_.error_url, ": ", warning));
  }
  if (fetch_.overrides.error_code != 0) {
    return LeaveTarget({.code = fetch_.overrides.error_code, .detail = fetch_.overrides.error},
                       now);
  }
  fetch_.ends_at = now + TimeFor(target, fetch_.overrides, now);
  fetch_.credentials = {.user = url->user, .password = Secret(url->password)};
  fetch_.credentials_origin = url->origin();
  const absl::string_view seed = call_.request_id.empty() ? call_.id : call_.request_id;
  fetch_.context = {
      .kind = call_.kind,
      .auth_token = &route_->auth_token,
      .idempotency_token = IdempotencyToken(absl::StrCat(
          call_.account_sid, "/", seed, target == Target::kPrimary ? "/primary" : "/fallback"))};
  fetch_.url = *std::move(url);
  if (fetch_.ends_at <= now) {
    const int code = CodeOf(NetError::kTotalTimeout, route_->codes);
    return LeaveTarget({.code = code, .detail = "the caller's deadline left no time to ask"}, now);
  }
  return NextExchange();
}

Step Plan::NextExchange() {
  ++fetch_.requests_made;
  const bool redirected_to_get = fetch_.redirects_made > 0 && fetch_.method == Method::kGet;
  Exchange exchange =
      BuildExchange(fetch_.context, fetch_.url, fetch_.method,
                    redirected_to_get ? WithoutNamesInQuery(fetch_.parameters, fetch_.url.canonical)
                                      : fetch_.parameters);
  fetch_.authorized =
      fetch_.challenge.has_value() && fetch_.url.origin() == fetch_.credentials_origin;
  if (fetch_.authorized) {
    exchange.headers.push_back(
        {"Authorization",
         Authorize(*fetch_.challenge, fetch_.credentials, fetch_.method,
                   RequestTarget(exchange.url), ++fetch_.challenge_uses,
                   IdempotencyToken(absl::StrCat(call_.id, "/cnonce/", fetch_.requests_made)))});
  }
  const Overrides& overrides = fetch_.overrides;
  exchange.send_sni = overrides.send_sni;
  exchange.connect_timeout = overrides.connect_timeout.value_or(limits_.connect_timeout);
  exchange.read_timeout = overrides.read_timeout.value_or(limits_.read_timeout);
  exchange.give_up_at = fetch_.ends_at;
  return exchange;
}

Step Plan::OnReply(const Reply& reply) {
  const absl::Time now = reply.finished_at;
  outcome_.attempts.push_back({.target = fetch_.target,
                               .url = fetch_.error_url,
                               .method = fetch_.method,
                               .remote_address = reply.remote_address,
                               .http_status = reply.status,
                               .timings = reply.timings});
  if (reply.error == NetError::kCancelled) {
    outcome_.cancelled = true;
    return Finish(Source::kDefault, {}, {});
  }
  if (reply.error == NetError::kNone && reply.status == 401 && AnswerChallenge(reply)) {
    Attempt& attempt = outcome_.attempts.back();
    attempt.phase = Phase::kStatus;
    attempt.detail = "the server asked for credentials; they follow";
    return NextExchange();
  }

  Verdict verdict = Judge(reply, call_.kind, route_->codes, fetch_.error_url);
  if (auto* document = std::get_if<Document>(&verdict)) {
    outcome_.warnings = std::move(document->warnings);
    return Finish(fetch_.target == Target::kPrimary ? Source::kPrimary : Source::kFallback,
                  std::move(document->twiml), fetch_.error_url);
  }
  if (auto* redirect = std::get_if<Redirect>(&verdict)) {
    return FollowRedirect(reply, redirect->location, redirect->keep_method);
  }
  const Failure& failure = std::get<Failure>(verdict);
  if (MayRetry(failure, now)) {
    Attempt& attempt = outcome_.attempts.back();
    attempt.error_code = failure.code;
    attempt.phase = failure.phase;
    attempt.detail = failure.detail;
    ++fetch_.retries_made;
    return NextExchange();
  }
  return Fail(failure, reply);
}

// Credentials are shown only after the server asked, once per request, and only to the origin they
// were written for.
bool Plan::AnswerChallenge(const Reply& reply) {
  if (fetch_.authorized || fetch_.credentials.empty() ||
      fetch_.url.origin() != fetch_.credentials_origin || reply.finished_at >= fetch_.ends_at) {
    return false;
  }
  fetch_.challenge = PickChallenge(reply.headers);
  fetch_.challenge_uses = 0;
  return fetch_.challenge.has_value();
}

bool Plan::MayRetry(const Failure& failure, absl::Time now) const {
  if (fetch_.retries_made >= fetch_.overrides.retries || now >= fetch_.ends_at) return false;
  const RetryPolicy& policy = fetch_.overrides.retry_on;
  switch (failure.retry) {
    case RetryClass::kNever:
      return false;
    case RetryClass::kConnect:
      return policy.connect;
    case RetryClass::kRead:
      return policy.read;
    case RetryClass::k4xx:
      return policy.status_4xx;
    case RetryClass::k5xx:
      return policy.status_5xx;
  }
  return false;
}

Step Plan::FollowRedirect(const Reply& reply, const std::string& location, bool keep_method) {
  if (fetch_.redirects_made >= limits_.max_redirects) {
    return Fail({.code = kTooManyRedirects,
                 .phase = Phase::kRedirect,
                 .detail = absl::StrCat("the server redirected more than ", limits_.max_redirects,
                                        " times")},
                reply);
  }
  absl::StatusOr<Url> next = JoinUrl(fetch_.url, location);
  if (!next.ok()) {
    return Fail({.code = kInvalidRedirect,
                 .phase = Phase::kRedirect,
                 .detail = std::string(next.status().message())},
                reply);
  }
  if (reply.finished_at >= fetch_.ends_at) {
    return Fail({.code = CodeOf(NetError::kTotalTimeout, route_->codes),
                 .phase = Phase::kRedirect,
                 .detail = "the time was over before the redirect could be followed"},
                reply);
  }
  ++fetch_.redirects_made;
  if (!keep_method) {
    fetch_.method = Method::kGet;
    fetch_.parameters = WithoutVerbParameters(fetch_.parameters);
  }
  if (!next->user.empty() || !next->password.empty()) {
    fetch_.credentials = {.user = next->user, .password = Secret(next->password)};
    fetch_.credentials_origin = next->origin();
    fetch_.challenge.reset();
  }
  fetch_.url = *std::move(next);
  fetch_.error_url = fetch_.url.canonical;
  return NextExchange();
}

Step Plan::Fail(const Failure& failure, const Reply& reply) {
  Attempt& attempt = outcome_.attempts.back();
  attempt.error_code = failure.code;
  attempt.phase = failure.phase;
  attempt.detail = failure.detail;
  return LeaveTarget({.code = failure.code,
                      .phase = failure.phase,
                      .http_status = reply.status,
                      .detail = failure.detail,
                      .response_excerpt = reply.body.substr(0, kMaxExcerptBytes)},
                     reply.finished_at);
}

// The target is done with, and `fault` is why: its fallback gets its one chance, if it has one.
Step Plan::LeaveTarget(Fault fault, absl::Time now) {
  fault.target = fetch_.target;
  fault.url = fetch_.error_url;
  fault.attempts = fetch_.requests_made;
  fault.elapsed = now - fetch_.begun_at;
  outcome_.faults.push_back(std::move(fault));

  const bool time_left = now < call_.deadline - limits_.reply_reserve;
  if (fetch_.target == Target::kPrimary && route_->handler.fallback.has_value() && time_left) {
    return BeginTarget(Target::kFallback, now);
  }
  return Finish(Source::kDefault, *route_->default_document, {});
}

Step Plan::Finish(Source source, std::string document, std::string document_url) {
  outcome_.source = source;
  outcome_.document = std::move(document);
  outcome_.document_url = std::move(document_url);
  return std::move(outcome_);
}

}  // namespace understudy::router
