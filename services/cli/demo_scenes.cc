#include "services/cli/demo_scenes.h"

#include <set>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace understudy::cli {
namespace {

namespace v1 = router::v1;
using twilio::Kind;

constexpr int kHttpRetrievalFailure = 11200;
constexpr int kHttpConnectionFailure = 11205;
constexpr int kDocumentParseFailure = 12100;

const char* ExpectedTarget(const ExpectedAttempt& attempt) {
  return attempt.target == v1::TARGET_FALLBACK ? "fallback" : "primary";
}
constexpr ExpectedAttempt Primary(int code) {
  return {v1::TARGET_PRIMARY, code};
}
constexpr ExpectedAttempt Fallback(int code) {
  return {v1::TARGET_FALLBACK, code};
}

const char* SourceName(v1::Source source) {
  return source == v1::SOURCE_PRIMARY    ? "primary"
         : source == v1::SOURCE_FALLBACK ? "fallback"
                                         : "default";
}

}  // namespace

std::vector<Scene> Scenes() {
  return {
      {.title = "A healthy call", .number = "+14155550101", .attempts = {Primary(kNoError)}},
      {.title = "The primary answers 500",
       .number = "+14155550102",
       .primary = kErrorPath,
       .source = v1::SOURCE_FALLBACK,
       .error_code = kHttpRetrievalFailure,
       .attempts = {Primary(kHttpRetrievalFailure), Fallback(kNoError)},
       .events = {Primary(kHttpRetrievalFailure)}},
      {.title = "The primary is gone: nothing listens",
       .number = "+14155550103",
       .primary = kGone,
       .source = v1::SOURCE_FALLBACK,
       .error_code = kHttpConnectionFailure,
       .attempts = {Primary(kHttpConnectionFailure), Primary(kHttpConnectionFailure),
                    Fallback(kNoError)},
       .events = {Primary(kHttpConnectionFailure)}},
      {.title = "The primary hangs",
       .number = "+14155550104",
       .primary = kHangPath,
       .source = v1::SOURCE_FALLBACK,
       .error_code = kHttpConnectionFailure,
       .attempts = {Primary(kHttpConnectionFailure), Fallback(kNoError)},
       .events = {Primary(kHttpConnectionFailure)}},
      {.title = "The primary returns broken TwiML",
       .number = "+14155550105",
       .primary = kBrokenPath,
       .source = v1::SOURCE_FALLBACK,
       .error_code = kDocumentParseFailure,
       .attempts = {Primary(kDocumentParseFailure), Fallback(kNoError)},
       .events = {Primary(kDocumentParseFailure)}},
      {.title = "Both are gone: the caller still hears something",
       .number = "+14155550106",
       .primary = kGone,
       .fallback = kGone,
       .source = v1::SOURCE_DEFAULT,
       .error_code = kHttpConnectionFailure,
       .attempts = {Primary(kHttpConnectionFailure), Primary(kHttpConnectionFailure),
                    Fallback(kHttpConnectionFailure), Fallback(kHttpConnectionFailure)},
       .events = {Primary(kHttpConnectionFailure), Fallback(kHttpConnectionFailure)}},
      {.title = "An SMS, and its primary answers 500",
       .number = "+14155550107",
       .kind = Kind::kMessaging,
       .primary = kErrorPath,
       .fallback = kMessagePath,
       .source = v1::SOURCE_FALLBACK,
       .error_code = kHttpRetrievalFailure,
       .attempts = {Primary(kHttpRetrievalFailure), Fallback(kNoError)},
       .events = {Primary(kHttpRetrievalFailure)}},
  };
}

std::string CodesText(const std::vector<ExpectedAttempt>& attempts) {
  if (attempts.empty()) return "none";
  return absl::StrJoin(attempts, ", ", [](std::string* out, const ExpectedAttempt& attempt) {
    absl::StrAppend(out, ExpectedTarget(attempt), " ", attempt.error_code);
  });
}

int EventCount(const std::vector<Scene>& scenes) {
  size_t count = 0;
  for (const Scene& scene : scenes) count += scene.events.size();
  return static_cast<int>(count);
}

int GroupCount(const std::vector<Scene>& scenes) {
  std::set<std::tuple<Kind, int, v1::Target, bool>> groups;
  for (const Scene& scene : scenes) {
    for (const ExpectedAttempt& event : scene.events) {
      const absl::string_view path =
          event.target == v1::TARGET_PRIMARY ? scene.primary : scene.fallback;
      groups.insert({scene.kind, event.error_code, event.target, path == kGone});
    }
  }
  return static_cast<int>(groups.size());
}

Metrics ExpectedRouterChange(const std::vector<Scene>& scenes) {
  Metrics change;
  for (const Scene& scene : scenes) {
    change[absl::StrFormat("understudy_resolutions_total{kind=\"%s\",source=\"%s\"}",
                           twilio::KindName(scene.kind), SourceName(scene.source))] += 1;
    for (const ExpectedAttempt& attempt : scene.attempts) {
      change[absl::StrFormat("understudy_attempts_total{error_code=\"%d\",target=\"%s\"}",
                             attempt.error_code, ExpectedTarget(attempt))] += 1;
    }
  }
  change["understudy_outbox_sent_total"] = EventCount(scenes);
  return change;
}

Metrics ExpectedNotifierChange(const std::vector<Scene>& scenes) {
  Metrics change;
  for (const Scene& scene : scenes) {
    for (const ExpectedAttempt& event : scene.events) {
      change[absl::StrFormat(
          "understudy_error_events_total{error_code=\"%d\",kind=\"%s\",outcome=\"%s_answered\"}",
          event.error_code, twilio::KindName(scene.kind), SourceName(scene.source))] += 1;
    }
  }
  const int groups = GroupCount(scenes);
  change["understudy_mails_written_total{reason=\"first\"}"] = groups;
  change["understudy_mails_total{reason=\"none\",result=\"accepted\"}"] = groups;
  return change;
}

}  // namespace understudy::cli
