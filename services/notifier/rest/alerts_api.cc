#include "services/notifier/rest/alerts_api.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/twilio/form.h"
#include "services/notifier/rest/alert_resource.h"

namespace understudy::notifier {
namespace {

using serving::HttpRequest;
using serving::HttpResponse;
using serving::RestReply;
using twilio::MakeRestError;
using twilio::RestError;

// A page's token: the way to go, and the row it begins behind.
constexpr absl::string_view kOlder = "PA";
constexpr absl::string_view kNewer = "PB";

struct Place {
  int64_t row = 0;  // 0: the newest
  bool is_newer = false;
};

// nullopt for a token that no page of ours has.
std::optional<Place> ReadToken(absl::string_view token) {
  Place place;
  if (token.empty()) return place;
  place.is_newer = absl::ConsumePrefix(&token, kNewer);
  if (!place.is_newer && !absl::ConsumePrefix(&token, kOlder)) return std::nullopt;
  if (!absl::SimpleAtoi(token, &place.row) || place.row <= 0) return std::nullopt;
  return place;
}

std::string TokenOf(absl::string_view way, int64_t row) {
  return absl::StrCat(way, row);
}

std::string BaseUrl(const HttpRequest& request, const std::string& public_url) {
  if (!public_url.empty()) return std::string(absl::StripSuffix(public_url, "/"));
  const std::string* host = serving::FindHeader(request.headers, "Host");
  return absl::StrCat(request.is_tls ? "https://" : "http://", host == nullptr ? "" : *host);
}

RestReply Busy() {
  return RestReply::Error(MakeRestError(20503, "The alerts cannot be read now. Try again later."));
}

}  // namespace

AlertsApi::AlertsApi(Store& store, AlertsSettings settings, OnAnswered on_answered)
    : store_(store),
      on_answered_(std::move(on_answered)),
      settings_(std::make_shared<const AlertsSettings>(std::move(settings))) {}

void AlertsApi::SetSettings(AlertsSettings settings) {
  auto shared = std::make_shared<const AlertsSettings>(std::move(settings));
  MutexLock lock(mutex_);
  settings_ = std::move(shared);
}

std::shared_ptr<const AlertsSettings> AlertsApi::settings() const {
  MutexLock lock(mutex_);
  return settings_;
}

bool AlertsApi::Serves(absl::string_view path) {
  return absl::ConsumePrefix(&path, kAlertsPath) && (path.empty() || path[0] == '/');
}

HttpResponse AlertsApi::Handle(const HttpRequest& request) {
  RestReply reply = Respond(request);
  on_answered_(reply.error_code);
  return std::move(reply.http);
}

RestReply AlertsApi::Respond(const HttpRequest& request) {
  const std::shared_ptr<const AlertsSettings> settings = this->settings();
  auto signed_in = serving::SignIn(request, settings->accounts, limiter_, "alerts API");
  if (auto* const refusal = std::get_if<RestReply>(&signed_in)) return std::move(*refusal);
  const std::string& account_sid = std::get<const twilio::Account*>(signed_in)->sid;
  if (request.method != "GET" && request.method != "HEAD") {
    return RestReply::MethodNotAllowed("GET");
  }
  const std::string base_url = BaseUrl(request, settings->public_url);
  return request.path == kAlertsPath ? List(request, account_sid, base_url)
                                     : Fetch(request, account_sid, base_url);
}

RestReply AlertsApi::List(const HttpRequest& request, const std::string& account_sid,
                          const std::string& base_url) {
  std::variant<twilio::Form, twilio::FormProblem> form = twilio::ReadStrictForm(request.query);
  if (auto* problem = std::get_if<twilio::FormProblem>(&form)) {
    return RestReply::Error(MakeRestError(20422, std::move(problem->message)));
  }
  AlertLinks links = {.base_url = base_url, .query = std::get<twilio::Form>(std::move(form))};
  const std::variant<AlertQuery, RestError> read = ReadAlertQuery(links.query);
  if (const auto* error = std::get_if<RestError>(&read)) return RestReply::Error(*error);
  const auto& query = std::get<AlertQuery>(read);
  std::variant<twilio::PageAsked, RestError> page = twilio::ReadPage(links.query);
  if (const auto* error = std::get_if<RestError>(&page)) return RestReply::Error(*error);
  links.page = std::get<twilio::PageAsked>(std::move(page));
  const std::optional<Place> place = ReadToken(links.page.token);
  if (!place.has_value()) return RestReply::Error(twilio::InvalidPageToken());
  if (query.matches_none) return RestReply::Json(200, AlertPageJson({}, links));

  const EventFilter filter = {.account_sid = account_sid,
                              .level = query.level,
                              .after_row = place->is_newer ? place->row : 0,
                              .oldest_first = place->is_newer,
                              .start = query.start,
                              .end = query.end};
  absl::StatusOr<std::vector<StoredEvent>> alerts =
      store_.ListEvents(filter, place->is_newer ? 0 : place->row, links.page.page_size + 1);
  if (!alerts.ok()) return Busy();
  const bool is_last = static_cast<int>(alerts->size()) <= links.page.page_size;
  if (!is_last) alerts->pop_back();
  if (place->is_newer) std::reverse(alerts->begin(), alerts->end());
  if (!alerts->empty()) {
    if (place->is_newer || !is_last) links.next_token = TokenOf(kOlder, alerts->back().row);
    if (place->is_newer ? !is_last : place->row > 0) {
      links.previous_token = TokenOf(kNewer, alerts->front().row);
    }
  }
  return RestReply::Json(200, AlertPageJson(*alerts, links));
}

RestReply AlertsApi::Fetch(const HttpRequest& request, const std::string& account_sid,
                           const std::string& base_url) {
  const std::string sid = request.path.substr(std::string(kAlertsPath).size() + 1);
  if (!IsAlertSid(sid)) return RestReply::NotFound(request.path);
  EventFilter filter = {.event_id = TwilioEventId(sid), .account_sid = account_sid};
  absl::StatusOr<std::vector<StoredEvent>> found = store_.ListEvents(filter, 0, 1);
  if (found.ok() && found->empty()) {
    const int64_t row = AlertRow(sid);
    if (row <= 0 || row >= std::numeric_limits<int64_t>::max()) {
      return RestReply::NotFound(request.path);
    }
    filter = {.account_sid = account_sid, .after_row = row - 1};
    found = store_.ListEvents(filter, row + 1, 1);
  }
  if (!found.ok()) return Busy();
  if (found->empty() || AlertSid(found->front()) != sid) return RestReply::NotFound(request.path);
  return RestReply::Json(200, AlertInstanceJson(found->front(), base_url));
}

}  // namespace understudy::notifier
