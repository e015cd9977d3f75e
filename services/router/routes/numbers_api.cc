#include "services/router/routes/numbers_api.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/serving/log.h"
#include "common/twilio/content_type.h"
#include "common/twilio/form.h"
#include "common/twilio/rest.h"
#include "services/router/routes/resource_json.h"
#include "services/router/routes/rest_target.h"

namespace understudy::router {
namespace {

using serving::HttpRequest;
using serving::HttpResponse;
using serving::Log;
using serving::LogLevel;
using serving::RestReply;
using twilio::Form;
using twilio::MakeRestError;
using twilio::RestError;

constexpr char kFormType[] = "application/x-www-form-urlencoded";
constexpr size_t kMaxPatternBytes = 64;

// The form, or the error for what makes it none.
std::variant<Form, RestError> ReadForm(absl::string_view encoded) {
  std::variant<Form, twilio::FormProblem> read = twilio::ReadStrictForm(encoded);
  if (auto* problem = std::get_if<twilio::FormProblem>(&read)) {
    return MakeRestError(20422, std::move(problem->message));
  }
  return std::get<Form>(std::move(read));
}

std::variant<Form, RestError> ReadBody(const HttpRequest& request) {
  if (request.body.empty()) return Form();
  const std::string* type = serving::FindHeader(request.headers, "Content-Type");
  if (type == nullptr || twilio::ParseContentType(*type).type != kFormType) {
    return MakeRestError(20422, absl::StrCat("The Content-Type must be ", kFormType, "."));
  }
  return ReadForm(request.body);
}

std::string ValueOf(const Form& form, absl::string_view name) {
  const std::string* value = twilio::FindParameter(form, name);
  return value == nullptr ? std::string() : *value;
}

std::optional<std::string> ValueIfAny(const Form& form, absl::string_view name) {
  const std::string* value = twilio::FindParameter(form, name);
  return value == nullptr ? std::nullopt : std::make_optional(*value);
}

// Whoever forgets to escape the '+' of a number has a space in its place.
std::string PatternOf(const Form& query) {
  std::string pattern = ValueOf(query, "PhoneNumber");
  if (!pattern.empty() && pattern[0] == ' ') pattern[0] = '+';
  return pattern;
}

bool IsPattern(absl::string_view text) {
  return text.size() <= kMaxPatternBytes &&
         text.find_first_not_of("+*0123456789") == absl::string_view::npos &&
         text.find('+', 1) == absl::string_view::npos;
}

bool IsOneOf(absl::string_view value, std::initializer_list<absl::string_view> values) {
  return value.empty() || std::find(values.begin(), values.end(), value) != values.end();
}

RestReply ToReply(const ResourceError& error) {
  return RestReply::Error({.code = error.code, .message = error.message, .status = error.status});
}

}  // namespace

struct NumbersApi::Asked {
  const HttpRequest& http;
  RestTarget target = {};
  std::string method = {};  // GET, POST or DELETE
  Form query = {};
  Form body = {};

  bool is_for_list() const {
    return target.kind == RestTarget::Kind::kNumbers ||
           target.kind == RestTarget::Kind::kApplications;
  }

  // What became of a request for one resource; `write` makes its JSON.
  template <typename T>
  RestReply ToResource(const Answer<T>& answer, std::string (*write)(const T&)) const {
    if (const auto* error = std::get_if<ResourceError>(&answer)) return ToReply(*error);
    const T& resource = std::get<T>(answer);
    if (method == "GET") return RestReply::Json(200, write(resource));
    LogChange(resource.sid);
    return RestReply::Json(is_for_list() ? 201 : 200, write(resource));
  }

  RestReply ToDeleted(const Answer<Deleted>& answer) const {
    if (const auto* error = std::get_if<ResourceError>(&answer)) return ToReply(*error);
    LogChange(target.sid);
    return {.http = {.status = 204, .content_type = ""}};
  }

  template <typename T>
  RestReply ToPage(absl::string_view key, const twilio::PageAsked& page,
                   const Answer<Page<T>>& answer, std::string (*write)(const T&)) const {
    if (const auto* error = std::get_if<ResourceError>(&answer)) return ToReply(*error);
    const auto& list = std::get<Page<T>>(answer);
    std::vector<std::string> items;
    items.reserve(list.items.size());
    for (const T& item : list.items) items.push_back(write(item));
    return RestReply::Json(200, PageJson(key, items,
                                         {.path = http.path,
                                          .query = query,
                                          .page = page,
                                          .next_token = list.next_token,
                                          .previous_token = list.previous_token}));
  }

  // Who changed what: the log keeps it.
  void LogChange(const std::string& sid) const {
    Log(LogLevel::kInfo, "numbers API: change",
        {{"action", method == "DELETE" ? "delete"
                    : is_for_list()    ? "create"
                                       : "update"},
         {"account_sid", target.account_sid},
         {"sid", sid},
         {"remote_address", http.remote_address}});
  }
};

NumbersApi::NumbersApi(Numbers* numbers, Accounts accounts, OnAnswered on_answered)
    : numbers_(numbers),
      on_answered_(std::move(on_answered)),
      accounts_(std::make_shared<const Accounts>(std::move(accounts))) {}

void NumbersApi::SetAccounts(Accounts accounts) {
  auto shared = std::make_shared<const Accounts>(std::move(accounts));
  MutexLock lock(mutex_);
  accounts_ = std::move(shared);
}

std::shared_ptr<const NumbersApi::Accounts> NumbersApi::accounts() const {
  MutexLock lock(mutex_);
  return accounts_;
}

HttpResponse NumbersApi::Handle(const HttpRequest& request) {
  RestReply reply = Respond(request);
  on_answered_(reply.error_code);
  return std::move(reply.http);
}

RestReply NumbersApi::Respond(const HttpRequest& request) {
  if (numbers_ == nullptr) return RestReply::NotFound(request.path);
  std::optional<RestTarget> target = ReadRestTarget(request.path);
  if (!target.has_value()) return RestReply::NotFound(request.path);
  const std::shared_ptr<const Accounts> accounts = this->accounts();
  auto signed_in = serving::SignIn(request, *accounts, limiter_, "numbers API");
  if (auto* const refusal = std::get_if<RestReply>(&signed_in)) return std::move(*refusal);
  if (std::get<const twilio::Account*>(signed_in)->sid != target->account_sid) {
    return RestReply::NotFound(request.path);
  }

  Asked asked{.http = request, .target = *std::move(target)};
  asked.method = request.method == "HEAD" ? "GET" : request.method;
  const bool is_list = asked.is_for_list();
  if (asked.method != "GET" && asked.method != "POST" && (is_list || asked.method != "DELETE")) {
    return RestReply::MethodNotAllowed(is_list ? "GET, POST" : "GET, POST, DELETE");
  }
  std::variant<Form, RestError> query = ReadForm(request.query);
  if (const auto* error = std::get_if<RestError>(&query)) return RestReply::Error(*error);
  asked.query = std::get<Form>(std::move(query));
  std::variant<Form, RestError> body = ReadBody(request);
  if (const auto* error = std::get_if<RestError>(&body)) return RestReply::Error(*error);
  asked.body = std::get<Form>(std::move(body));

  switch (asked.target.kind) {
    case RestTarget::Kind::kNumbers:
      return asked.method == "GET" ? ListNumbers(asked) : CreateNumber(asked);
    case RestTarget::Kind::kNumber:
      return ForNumber(asked);
    case RestTarget::Kind::kApplications:
      return asked.method == "GET" ? ListApplications(asked) : CreateApplication(asked);
    case RestTarget::Kind::kApplication:
      break;
  }
  return ForApplication(asked);
}

RestReply NumbersApi::ListNumbers(const Asked& asked) {
  const std::variant<twilio::PageAsked, RestError> read = twilio::ReadPage(asked.query);
  if (const auto* error = std::get_if<RestError>(&read)) return RestReply::Error(*error);
  const auto& page = std::get<twilio::PageAsked>(read);
  NumberFilter filter{.phone_number = PatternOf(asked.query),
                      .friendly_name = ValueIfAny(asked.query, "FriendlyName"),
                      .type = asked.target.number_type};
  if (!IsPattern(filter.phone_number)) {
    return RestReply::Error(MakeRestError(
        20422, absl::StrCat("PhoneNumber must be a pattern of digits and '*' for any digits, with "
                            "a '+' before them or none, of up to ",
                            kMaxPatternBytes, " characters.")));
  }
  const std::string origin = ValueOf(asked.query, "Origin");
  if (!IsOneOf(origin, {"twilio", "hosted"})) {
    return RestReply::Error(MakeRestError(20422, "Origin must be 'twilio' or 'hosted'."));
  }
  // It says whether to have those that are beta as well; none of ours is.
  if (!IsOneOf(absl::AsciiStrToLower(ValueOf(asked.query, "Beta")), {"true", "false"})) {
    return RestReply::Error(MakeRestError(20422, "Beta must be 'true' or 'false'."));
  }
  constexpr char kKey[] = "incoming_phone_numbers";
  if (!IsOneOf(origin, {kNumberOrigin})) {
    return asked.ToPage<IncomingPhoneNumber>(kKey, page, Page<IncomingPhoneNumber>(), NumberJson);
  }
  return asked.ToPage(kKey, page,
                      numbers_->ListNumbers(asked.target.account_sid, filter,
                                            {.size = page.page_size, .token = page.token}),
                      NumberJson);
}

RestReply NumbersApi::CreateNumber(const Asked& asked) {
  const RestTarget& target = asked.target;
  return asked.ToResource(
      numbers_->CreateNumber(target.account_sid, target.number_type, asked.body, absl::Now()),
      NumberJson);
}

RestReply NumbersApi::ForNumber(const Asked& asked) {
  const std::string& account_sid = asked.target.account_sid;
  const std::string& sid = asked.target.sid;
  if (asked.method == "DELETE") {
    return asked.ToDeleted(numbers_->DeleteNumber(account_sid, sid, absl::Now()));
  }
  return asked.ToResource(asked.method == "GET"
                              ? numbers_->FetchNumber(account_sid, sid)
                              : numbers_->UpdateNumber(account_sid, sid, asked.body, absl::Now()),
                          NumberJson);
}

RestReply NumbersApi::ListApplications(const Asked& asked) {
  const std::variant<twilio::PageAsked, RestError> read = twilio::ReadPage(asked.query);
  if (const auto* error = std::get_if<RestError>(&read)) return RestReply::Error(*error);
  const auto& page = std::get<twilio::PageAsked>(read);
  return asked.ToPage(
      "applications", page,
      numbers_->ListApplications(asked.target.account_sid,
                                 {.friendly_name = ValueIfAny(asked.query, "FriendlyName")},
                                 {.size = page.page_size, .token = page.token}),
      ApplicationJson);
}

RestReply NumbersApi::CreateApplication(const Asked& asked) {
  return asked.ToResource(
      numbers_->CreateApplication(asked.target.account_sid, asked.body, absl::Now()),
      ApplicationJson);
}

RestReply NumbersApi::ForApplication(const Asked& asked) {
  const std::string& account_sid = asked.target.account_sid;
  const std::string& sid = asked.target.sid;
  if (asked.method == "DELETE") {
    return asked.ToDeleted(numbers_->DeleteApplication(account_sid, sid, absl::Now()));
  }
  return asked.ToResource(asked.method == "GET" ? numbers_->FetchApplication(account_sid, sid)
                                                : numbers_->UpdateApplication(
                                                      account_sid, sid, asked.body, absl::Now()),
                          ApplicationJson);
}

}  // namespace understudy::router
