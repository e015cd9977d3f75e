#include "services/router/resolve/plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/router/resolve/judge.h"
#include "services/router/resolve/set_cookie.h"

namespace understudy::router {
namespace {

constexpr int kInvalidUrl = 11100;
constexpr int kTooManyRedirects = 11215;
constexpr int kInvalidRedirect = 11216;
constexpr int kBodyTooLarge = 11750;
constexpr size_t kMaxExcerptBytes = 512;

// The path and query of a canonical URL: what Digest calls the uri.
absl::string_view RequestTarget(absl::string_view canonical) {
  const size_t path = canonical.find('/', canonical.find("://") + 3);
  return path == absl::string_view::npos ? absl::string_view("/") : canonical.substr(path);
}

Source SourceOf(Target target) {
  return target == Target::kPrimary ? Source::kPrimary : Source::kFallback;
}

absl::string_view TargetName(Target target) {
  return target == Target::kPrimary ? "primary" : "fallback";
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
  cookies_ = std::move(call_.session.cookies);
  for (Grant& grant : call_.session.grants) {
    logins_.push_back({.origin = std::move(grant.origin),
                       .credentials = std::move(grant.credentials),
                       .challenge = std::move(grant.challenge),
                       .uses = grant.uses,
                       .accepted = true});
  }
}

Step Plan::Begin(absl::Time now) {
  if (!call_.failure.has_value()) return BeginTarget(Target::kPrimary, now);
  fetch_ = Fetch{.error_url = twilio::RedactUrl(call_.failure->url), .begun_at = now};
  return LeaveTarget(
      {.code = call_.failure->code, .detail = "the platform could not execute the document"}, now);
}

const twilio::Form& Plan::Parameters() const {
  return fetch_.own_parameters.has_value() ? *fetch_.own_parameters : call_.parameters;
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
                 .error_url = twilio::RedactUrl(endpoint.url),
                 .method = endpoint.method,
                 .begun_at = now,
                 .ends_at = now};
  if (target == Target::kFallback) {
    const Fault& why = outcome_.faults.front();
    twilio::Form& parameters = fetch_.own_parameters.emplace(call_.parameters);
    Replace(parameters, "ErrorCode", absl::StrCat(why.code));
    Replace(parameters, "ErrorUrl", why.url);
  }
  if (endpoint.bin != nullptr) return AnswerFromBin(endpoint, now);
  // What a URL brought and no server accepted was for that URL's fetch.
  logins_.erase(std::remove_if(logins_.begin(), logins_.end(),
                               [](const Login& login) { return !login.accepted; }),
                logins_.end());
  for (Login& login : logins_) login.asked_now = false;

  absl::StatusOr<twilio::Url> url = twilio::ParseUrl(endpoint.url);
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
  TakeLogin(*url);
  const absl::string_view seed = call_.request_id.empty() ? call_.id : call_.request_id;
  fetch_.context = {.kind = call_.kind,
                    .auth_token = &route_->auth_token,
                    .idempotency_token = IdempotencyToken(
                        absl::StrCat(call_.account_sid, "/", seed, "/", TargetName(target)))};
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
  twilio::Form unsaid;
  if (redirected_to_get) unsaid = WithoutNamesInQuery(Parameters(), fetch_.url.canonical);
  Exchange exchange = BuildExchange(fetch_.context, fetch_.url, fetch_.method,
                                    redirected_to_get ? unsaid : Parameters());
  Login* const login = FindLogin(fetch_.url.origin());
  fetch_.authorized = login != nullptr && login->challenge.has_value();
  if (fetch_.authorized) {
    exchange.headers.push_back(
        {"Authorization",
         Authorize(*login->challenge, login->credentials, fetch_.method,
                   RequestTarget(exchange.url), ++login->uses,
                   IdempotencyToken(absl::StrCat(call_.id, "/cnonce/", TargetName(fetch_.target),
                                                 "/", fetch_.requests_made)))});
  }
  exchange.cookies = cookies_;
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
  Remember(reply);
  if (reply.error == NetError::kNone && reply.status == 401 && AnswerChallenge(reply)) {
    Attempt& attempt = outcome_.attempts.back();
    attempt.phase = Phase::kStatus;
    attempt.detail = "the server asked for credentials; they follow";
    return NextExchange();
  }

  Verdict verdict = Judge(reply, call_.kind, route_->codes, fetch_.error_url);
  if (auto* document = std::get_if<Document>(&verdict)) {
    outcome_.warnings = std::move(document->warnings);
    if (!outcome_.warnings.empty()) outcome_.evidence = TakeEvidence(reply.headers);
    return Finish(SourceOf(fetch_.target), std::move(document->twiml), fetch_.error_url);
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
// were written for. What an earlier fetch of the call was asked may be out of date: then once more.
bool Plan::AnswerChallenge(const Reply& reply) {
  Login* const login = FindLogin(fetch_.url.origin());
  if (login == nullptr || (fetch_.authorized && login->asked_now) ||
      reply.finished_at >= fetch_.ends_at) {
    return false;
  }
  login->accepted = false;
  login->challenge = PickChallenge(reply.headers);
  login->asked_now = true;
  login->uses = 0;
  return login->challenge.has_value();
}

// The credentials of `url`, if it has any, are from now on those for its origin.
void Plan::TakeLogin(const twilio::Url& url) {
  Credentials credentials = {.user = url.user, .password = Secret(url.password)};
  if (credentials.empty()) return;
  Login* login = FindLogin(url.origin());
  if (login == nullptr) {
    login = &logins_.emplace_back();
  } else if (login->credentials == credentials) {
    return;
  }
  *login = {.origin = url.origin(), .credentials = std::move(credentials)};
}

Plan::Login* Plan::FindLogin(const std::string& origin) {
  for (Login& login : logins_) {
    if (login.origin == origin) return &login;
  }
  return nullptr;
}

// What the rest of the call may use. Cookies of a response that breaks the rules for them may not
// be kept.
void Plan::Remember(const Reply& reply) {
  if (reply.error == NetError::kNone && fetch_.authorized && reply.status != 401) {
    FindLogin(fetch_.url.origin())->accepted = true;
  }
  if (!reply.cookies.has_value() || FindCookieMistake(reply.headers).has_value()) return;
  Session session = {.cookies = *reply.cookies};
  outcome_.session_parts_left_out += FitSession(session, kMaxEncodedSessionBytes);
  cookies_ = std::move(session.cookies);
}

Session Plan::SessionNow() const {
  Session session = {.cookies = cookies_};
  for (const Login& login : logins_) {
    if (!login.accepted) continue;
    session.grants.push_back({.origin = login.origin,
                              .credentials = login.credentials,
                              .challenge = *login.challenge,
                              .uses = login.uses});
  }
  return session;
}

// Opens no socket: as good as the configuration, in which it was judged for every parameter.
Step Plan::AnswerFromBin(const Endpoint& endpoint, absl::Time now) {
  // What the URL's own query says comes before the call's, as in a request.
  const size_t query = endpoint.url.find('?');
  twilio::Form parameters;
  if (query != std::string::npos) {
    parameters = twilio::DecodeForm(absl::string_view(endpoint.url).substr(query + 1));
  }
  parameters.insert(parameters.end(), Parameters().begin(), Parameters().end());
  absl::StatusOr<std::string> text = endpoint.bin->text.Render(parameters);
  if (!text.ok()) {
    return LeaveTarget({.code = kBodyTooLarge,
                        .phase = Phase::kContent,
                        .detail = std::string(text.status().message())},
                       now);
  }
  Verdict verdict = JudgeTwiml(*std::move(text), call_.kind);
  if (auto* failure = std::get_if<Failure>(&verdict)) {
    return LeaveTarget(
        {.code = failure->code, .phase = failure->phase, .detail = std::move(failure->detail)},
        now);
  }
  Document& document = std::get<Document>(verdict);
  outcome_.warnings = std::move(document.warnings);
  if (!outcome_.warnings.empty()) outcome_.evidence = TakeEvidence({});
  return Finish(SourceOf(fetch_.target), std::move(document.twiml), fetch_.error_url);
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
  absl::StatusOr<twilio::Url> next = twilio::JoinUrl(fetch_.url, location);
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
    fetch_.own_parameters = WithoutVerbParameters(Parameters());
  }
  TakeLogin(*next);
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
                      .response_excerpt = reply.body.substr(0, kMaxExcerptBytes),
                      .evidence = {.response_headers = reply.headers}},
                     reply.finished_at);
}

// The target is done with: its request is not needed any more.
Evidence Plan::TakeEvidence(Headers response_headers) {
  Evidence evidence = {.response_headers = std::move(response_headers)};
  if (fetch_.own_parameters.has_value()) {
    evidence.parameters = *std::move(fetch_.own_parameters);
  } else {
    evidence.parameters = call_.parameters;
  }
  if (fetch_.requests_made > 0) {
    evidence.request_headers.push_back(
        {"I-Twilio-Idempotency-Token", fetch_.context.idempotency_token});
  }
  return evidence;
}

// The target is done with, and `fault` is why: its fallback gets its one chance, if it has one.
Step Plan::LeaveTarget(Fault fault, absl::Time now) {
  fault.target = fetch_.target;
  fault.url = fetch_.error_url;
  fault.attempts = fetch_.requests_made;
  fault.elapsed = now - fetch_.begun_at;
  fault.evidence = TakeEvidence(std::move(fault.evidence.response_headers));
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
  outcome_.session = SessionNow();
  outcome_.session_parts_left_out += FitSession(outcome_.session, kMaxEncodedSessionBytes);
  return std::move(outcome_);
}

}  // namespace understudy::router
