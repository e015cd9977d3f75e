#include "services/notifier/page/page_door.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/serving/monotonic_clock.h"
#include "common/twilio/form.h"
#include "services/notifier/page/chart.h"
#include "services/notifier/page/page.h"
#include "services/notifier/page/page_files.h"
#include "services/notifier/page/page_query.h"

namespace understudy::notifier {
namespace {

using absl::string_view;
using serving::HttpRequest;
using serving::HttpResponse;

constexpr char kHtml[] = "text/html; charset=utf-8";

// Nothing but what this port serves is ever loaded, and nothing that stands in a document runs.
constexpr char kPolicy[] =
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

void AddHeaders(bool is_file, HttpResponse& response) {
  response.headers.push_back({"Content-Security-Policy", kPolicy});
  response.headers.push_back({"Referrer-Policy", "same-origin"});
  response.headers.push_back({"X-Frame-Options", "DENY"});
  response.headers.push_back({"Cross-Origin-Opener-Policy", "same-origin"});
  response.headers.push_back({"Cross-Origin-Resource-Policy", "same-origin"});
  // Of a document also because numbers are in it.
  response.headers.push_back({"Cache-Control", is_file ? "private, max-age=60" : "no-store"});
}

}  // namespace

const char* PageResultName(PageResult result) {
  switch (result) {
    case PageResult::kAnswered:
      return "answered";
    case PageResult::kNotFound:
      return "not_found";
    case PageResult::kUnauthorized:
      return "unauthorized";
    case PageResult::kSlowedDown:
      return "slowed_down";
    case PageResult::kRefused:
      return "refused";
    case PageResult::kFailed:
      return "failed";
  }
  return "";
}

// One request.
class PageDoor::Visit {
 public:
  Visit(PageDoor& door, const PageSettings& settings, const HttpRequest& request)
      : door_(door),
        settings_(settings),
        request_(request),
        look_({.now = absl::Now(), .mask_numbers = settings.mask_numbers}) {}

  PageResult result() const { return result_; }

  HttpResponse Answer() {
    if (!settings_.is_on()) {
      result_ = PageResult::kNotFound;
      return {.status = 404,
              .body = "There is no page here: page in the notifier's configuration is not set.\n"};
    }
    std::optional<HttpResponse> refusal = CheckPassword();
    HttpResponse response = refusal.has_value() ? *std::move(refusal) : Serve();
    AddHeaders(is_file_, response);
    return response;
  }

 private:
  std::optional<HttpResponse> CheckPassword() {
    if (settings_.open) return std::nullopt;
    const std::string* const header = serving::FindHeader(request_.headers, "Authorization");
    const std::optional<serving::BasicCredentials> shown =
        header == nullptr ? std::nullopt : serving::ReadBasic(*header);
    if (shown.has_value()) {
      // Both are compared, whichever is wrong.
      const bool is_user = serving::IsSameSecret(Secret(shown->user), Secret(settings_.user));
      const bool is_password = serving::IsSameSecret(shown->password, settings_.password);
      const bool is_right = is_user && is_password;
      const std::optional<absl::Duration> wait = door_.limiter_.Attempt(
          request_.remote_address, shown->user, is_right, serving::MonotonicNow());
      if (wait.has_value()) {
        result_ = PageResult::kSlowedDown;
        HttpResponse response = {.status = 429,
                                 .body = "There were too many wrong passwords. Try later.\n"};
        response.headers.push_back({"Retry-After", absl::StrCat(absl::ToInt64Seconds(*wait) + 1)});
        return response;
      }
      if (is_right) return std::nullopt;
    }
    result_ = PageResult::kUnauthorized;
    HttpResponse response = {.status = 401, .body = "This page needs a name and a password.\n"};
    response.headers.push_back(
        {"WWW-Authenticate", "Basic realm=\"Understudy, for operators\", charset=\"UTF-8\""});
    return response;
  }

  HttpResponse Serve() {
    if (request_.method != "GET" && request_.method != "HEAD") {
      result_ = PageResult::kRefused;
      HttpResponse response = {.status = 405, .body = "The page takes GET.\n"};
      response.headers.push_back({"Allow", "GET, HEAD"});
      return response;
    }
    if (request_.query.size() > kMaxQueryBytes) {
      return Sorry(414, PageResult::kRefused, "That is too long",
                   "The query is longer than anything this page can be asked.");
    }
    query_ = twilio::DecodeForm(request_.query);
    const string_view path = request_.path;
    for (const PageFile& file : PageFiles()) {
      if (path != file.path) continue;
      is_file_ = true;
      return {.content_type = std::string(file.content_type), .body = std::string(file.content)};
    }
    if (path == "/") return Overview();
    if (path == "/groups") return Groups();
    if (path == "/search") return Search();
    string_view rest = path;
    if (absl::ConsumePrefix(&rest, "/groups/")) return OneGroup(ReadNumber(rest));
    if (absl::ConsumePrefix(&rest, "/events/")) return OneEvent(ReadNumber(rest));
    return NotThere();
  }

  std::string Asked(string_view name) const {
    const std::string* const value = twilio::FindParameter(query_, name);
    return value == nullptr ? std::string() : *value;
  }

  static HttpResponse Document(std::string html, int status = 200) {
    return {.status = status, .content_type = kHtml, .body = std::move(html)};
  }

  HttpResponse Sorry(int status, PageResult result, string_view title, string_view sentence) {
    result_ = result;
    return Document(SorryPage(title, sentence, look_), status);
  }

  HttpResponse NotThere() {
    return Sorry(404, PageResult::kNotFound, "There is nothing here",
                 "What was here may be gone: events are kept for a time, and groups that are quiet "
                 "go with their last event.");
  }

  HttpResponse Failed() {
    return Sorry(503, PageResult::kFailed, "The store does not answer",
                 "What is kept cannot be read now. The notifier's log says why; new events are "
                 "refused or wait meanwhile.");
  }

  // Groups of a state and their last day. False if the store failed.
  bool List(bool open, std::optional<Store::GroupPlace> before, int max,
            std::vector<ShownGroup>& groups, std::optional<Store::GroupPlace>& rest) {
    auto listed = door_.store_.ListGroups({.open = open}, before, max + 1);
    if (!listed.ok()) return false;
    if (listed->size() > static_cast<size_t>(max)) {
      listed->pop_back();
      rest = listed->back().place;
    }
    std::vector<int64_t> ids;
    ids.reserve(listed->size());
    for (const Store::ListedGroup& group : *listed) ids.push_back(group.group.id);
    const auto hours = door_.store_.CountsByHour(ids, BeginOfSparkline(look_.now));
    if (!hours.ok()) return false;
    for (Store::ListedGroup& group : *listed) {
      const int64_t id = group.group.id;
      groups.push_back(
          {.group = std::move(group.group), .hours = SparklineOf(*hours, id, look_.now)});
    }
    return true;
  }

  HttpResponse Overview() {
    OverviewView view = {.hours = ReadHours(Asked("hours"))};
    auto minutes = door_.store_.CountsByMinute(BeginOfColumns(view.hours, look_.now));
    const auto status = door_.store_.ReadStatus();
    std::optional<Store::GroupPlace> more_open;
    std::optional<Store::GroupPlace> more_quiet;
    if (!minutes.ok() || !status.ok() ||
        !List(true, std::nullopt, kOpenGroupsOfOverview, view.open, more_open) ||
        !List(false, std::nullopt, kQuietGroupsOfOverview, view.quiet, more_quiet)) {
      return Failed();
    }
    view.minutes = *std::move(minutes);
    view.status = *status;
    view.has_more_open = more_open.has_value();
    view.has_more_quiet = more_quiet.has_value();
    return Document(OverviewPage(view, look_));
  }

  HttpResponse Groups() {
    const std::optional<Store::GroupPlace> before = ReadGroupPlace(Asked("before"));
    GroupListView view = {.open = Asked("state") != "quiet", .is_first = !before.has_value()};
    const auto status = door_.store_.ReadStatus();
    if (!status.ok() || !List(view.open, before, kGroupsOfPage, view.groups, view.rest)) {
      return Failed();
    }
    view.total = view.open ? status->open_groups : status->recovered_groups;
    return Document(GroupListPage(view, look_));
  }

  HttpResponse OneGroup(std::optional<int64_t> id) {
    if (!id.has_value()) return NotThere();
    auto group = door_.store_.FindGroup(*id);
    if (!group.ok()) return Failed();
    if (!group->has_value()) return NotThere();
    const int64_t before_row = ReadNumber(Asked("before")).value_or(0);
    const auto hours = door_.store_.CountsByHour({*id}, BeginOfSparkline(look_.now));
    auto events =
        door_.store_.Search({.filter = {.group_id = *id}}, before_row, kEventsOfPage, kMaxLookedAt);
    if (!hours.ok() || !events.ok()) return Failed();
    return Document(GroupPage(
        {.group = {.group = **std::move(group), .hours = SparklineOf(*hours, *id, look_.now)},
         .events = std::move(events->events),
         .is_first = before_row == 0,
         .rest_before_row = events->rest_before_row},
        look_));
  }

  HttpResponse OneEvent(std::optional<int64_t> row) {
    if (!row.has_value()) return NotThere();
    auto stored = door_.store_.FindEvent(*row);
    if (!stored.ok()) return Failed();
    if (!stored->has_value()) return NotThere();
    auto group = door_.store_.FindGroup((*stored)->group_id);
    if (!group.ok()) return Failed();
    return Document(EventPage({.stored = **std::move(stored), .group = *std::move(group)}, look_));
  }

  HttpResponse Search() {
    const int64_t before_row = ReadNumber(Asked("before")).value_or(0);
    SearchView view = {.search = ReadSearch(Asked("q"), Asked("from"), Asked("to")),
                       .is_first = before_row == 0};
    if (!view.search.understood.empty()) {
      auto found = door_.store_.Search(view.search.search, before_row, kEventsOfPage, kMaxLookedAt);
      if (!found.ok()) return Failed();
      view.found = *std::move(found);
    }
    const int status = view.search.problem.empty() ? 200 : 400;
    if (status == 400) result_ = PageResult::kRefused;
    return Document(SearchPage(view, look_), status);
  }

  PageDoor& door_;
  const PageSettings& settings_;
  const HttpRequest& request_;
  const PageLook look_;
  twilio::Form query_ = {};
  bool is_file_ = false;
  PageResult result_ = PageResult::kAnswered;
};

PageDoor::PageDoor(Store& store, PageSettings settings, Hooks hooks)
    : store_(store),
      hooks_(std::move(hooks)),
      settings_(std::make_shared<const PageSettings>(std::move(settings))) {}

void PageDoor::SetSettings(PageSettings settings) {
  auto shared = std::make_shared<const PageSettings>(std::move(settings));
  MutexLock lock(mutex_);
  settings_ = std::move(shared);
}

std::shared_ptr<const PageSettings> PageDoor::settings() const {
  MutexLock lock(mutex_);
  return settings_;
}

bool PageDoor::Owns(string_view path) {
  if (path == "/events/twilio") return false;  // where Twilio's event streams come in
  if (path == "/" || path == "/search" || path == "/groups" || absl::StartsWith(path, "/groups/") ||
      absl::StartsWith(path, "/events/")) {
    return true;
  }
  for (const PageFile& file : PageFiles()) {
    if (path == file.path) return true;
  }
  return false;
}

HttpResponse PageDoor::Handle(const HttpRequest& request) {
  const absl::Time begun_at = serving::MonotonicNow();
  const std::shared_ptr<const PageSettings> settings = this->settings();
  Visit visit(*this, *settings, request);
  HttpResponse response = visit.Answer();
  hooks_.on_request(visit.result(), serving::MonotonicNow() - begun_at);
  return response;
}

}  // namespace understudy::notifier
