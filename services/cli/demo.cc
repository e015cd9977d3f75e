#include "services/cli/demo.h"

#include <httplib.h>
#include <stdlib.h>
#include <understudy/router/v1/router_service.pb.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/serving/monotonic_clock.h"
#include "services/cli/answer.h"
#include "services/cli/call_options.h"
#include "services/cli/command.h"
#include "services/cli/demo_servers.h"
#include "services/cli/metrics_change.h"
#include "services/cli/router_process.h"

namespace understudy::cli {
namespace {

namespace v1 = router::v1;
using twilio::Kind;

constexpr char kAccountSid[] = "AC00000000000000000000000000000001";
constexpr char kAuthToken[] = "the auth token of the demo";
// So that a server that hangs is given up after a second.
constexpr char kShortTimes[] = "#ct=500&rt=1000&tt=2000";

constexpr absl::Duration kStartTime = absl::Seconds(5);
constexpr absl::Duration kAnswerTime = absl::Seconds(5);
constexpr absl::Duration kReportTime = absl::Seconds(2);
constexpr absl::Duration kStopTime = absl::Seconds(2);
constexpr std::chrono::seconds kScrapeTime{2};

constexpr int kNoError = 0;
constexpr int kHttpRetrievalFailure = 11200;
constexpr int kHttpConnectionFailure = 11205;
constexpr int kDocumentParseFailure = 12100;

constexpr absl::string_view kGone;  // in place of a path: nothing listens

struct ExpectedAttempt {
  v1::Target target = v1::TARGET_PRIMARY;
  int error_code = kNoError;
};
const char* ExpectedTarget(const ExpectedAttempt& attempt) {
  return attempt.target == v1::TARGET_FALLBACK ? "fallback" : "primary";
}
constexpr ExpectedAttempt Primary(int code) {
  return {v1::TARGET_PRIMARY, code};
}
constexpr ExpectedAttempt Fallback(int code) {
  return {v1::TARGET_FALLBACK, code};
}

struct Scene {
  const char* title = "";
  const char* number = "";
  Kind kind = Kind::kVoice;
  absl::string_view primary = kVoicePath;
  absl::string_view fallback = kVoicePath;

  v1::Source source = v1::SOURCE_PRIMARY;
  int error_code = kNoError;
  std::vector<ExpectedAttempt> attempts = {};  // a refused connection is tried once more
  std::vector<ExpectedAttempt> events = {};
};

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

// A folder of its own, removed with what is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::error_code error;
    path_ = (std::filesystem::temp_directory_path(error) / "understudy-demo-XXXXXX").string();
    if (error || mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  absl::StatusOr<std::string> Write(const char* name, const std::string& text) const {
    const std::string path = absl::StrCat(path_, "/", name);
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    if (path_.empty() || !file) {
      return absl::UnavailableError("cannot write into the folder for temporary files");
    }
    return path;
  }

 private:
  std::string path_;
};

struct Servers {
  std::unique_ptr<DemoServer> primary = {};
  std::unique_ptr<DemoServer> fallback = {};
  std::unique_ptr<SilentPort> no_primary = {};
  std::unique_ptr<SilentPort> no_fallback = {};

  std::string PrimaryUrl(const Scene& scene) const {
    return scene.primary == kGone ? no_primary->url(kVoicePath) : primary->url(scene.primary);
  }
  std::string FallbackUrl(const Scene& scene) const {
    return scene.fallback == kGone ? no_fallback->url(kVoicePath) : fallback->url(scene.fallback);
  }
};

absl::StatusOr<Servers> StartServers(bool fallback_works) {
  const Secret token{kAuthToken};
  absl::StatusOr<std::unique_ptr<DemoServer>> primary = DemoServer::Start("primary", token);
  if (!primary.ok()) return primary.status();
  absl::StatusOr<std::unique_ptr<DemoServer>> fallback =
      DemoServer::Start("fallback", token, fallback_works);
  if (!fallback.ok()) return fallback.status();
  absl::StatusOr<std::unique_ptr<SilentPort>> no_primary = SilentPort::Take();
  if (!no_primary.ok()) return no_primary.status();
  absl::StatusOr<std::unique_ptr<SilentPort>> no_fallback = SilentPort::Take();
  if (!no_fallback.ok()) return no_fallback.status();
  return Servers{.primary = *std::move(primary),
                 .fallback = *std::move(fallback),
                 .no_primary = *std::move(no_primary),
                 .no_fallback = *std::move(no_fallback)};
}

std::string ConfigText(const std::vector<Scene>& scenes, const Servers& servers,
                       const std::string& token_path) {
  std::string text = absl::StrCat(
      "grpc: {listen: 127.0.0.1:0}\n"
      "admin: {listen: 127.0.0.1:0}\n"
      "egress: {allow: [127.0.0.0/8]}\n"
      "accounts:\n"
      "  - {sid: ",
      kAccountSid, ", auth_token_file: \"", token_path, "\"}\n", "numbers:\n");
  for (const Scene& scene : scenes) {
    absl::StrAppend(&text, "  - phone_number: \"", scene.number, "\"\n",
                    "    account_sid: ", kAccountSid, "\n", "    ", twilio::KindName(scene.kind),
                    ":\n", "      url: \"", servers.PrimaryUrl(scene), kShortTimes, "\"\n",
                    "      fallback_url: \"", servers.FallbackUrl(scene), kShortTimes, "\"\n");
  }
  return text;
}

absl::StatusOr<Metrics> ScrapeCounters(int admin_port) {
  httplib::Client client("127.0.0.1", admin_port);
  client.set_connection_timeout(kScrapeTime);
  client.set_read_timeout(kScrapeTime);
  const httplib::Result page = client.Get("/metrics");
  if (!page || page->status != 200) {
    return absl::UnavailableError(absl::StrCat("no metrics at 127.0.0.1:", admin_port));
  }
  return ReadCounters(page->body);
}

// What all scenes together should add to the counters.
Metrics ExpectedChange(const std::vector<Scene>& scenes) {
  Metrics change;
  for (const Scene& scene : scenes) {
    const char* source = scene.source == v1::SOURCE_PRIMARY    ? "primary"
                         : scene.source == v1::SOURCE_FALLBACK ? "fallback"
                                                               : "default";
    change[absl::StrFormat("understudy_resolutions_total{kind=\"%s\",source=\"%s\"}",
                           twilio::KindName(scene.kind), source)] += 1;
    for (const ExpectedAttempt& attempt : scene.attempts) {
      change[absl::StrFormat("understudy_attempts_total{error_code=\"%d\",target=\"%s\"}",
                             attempt.error_code, ExpectedTarget(attempt))] += 1;
    }
  }
  return change;
}

// "primary 11205, fallback 0".
std::string CodesText(const std::vector<ExpectedAttempt>& attempts) {
  return absl::StrJoin(attempts, ", ", [](std::string* out, const ExpectedAttempt& attempt) {
    absl::StrAppend(out, ExpectedTarget(attempt), " ", attempt.error_code);
  });
}

absl::string_view FirstLine(absl::string_view text) {
  return text.substr(0, text.find('\n'));
}

// "fallback answered" of OUTCOME_FALLBACK_ANSWERED.
std::string OutcomeText(absl::string_view outcome) {
  return absl::AsciiStrToLower(
      absl::StrReplaceAll(absl::StripPrefix(outcome, "OUTCOME_"), {{"_", " "}}));
}

// Prints, and compares what came with what should have.
class Show {
 public:
  Show(const Style& style, std::FILE* out) : style_(style), out_(out) {}

  bool all_good() const { return mistakes_ == 0; }

  void Line(absl::string_view text) { Print(out_, absl::StrCat(text, "\n")); }
  void Title(int number, const Scene& scene) {
    Line(absl::StrCat("\n", number, "  ", Paint(style_, Color::kBold, scene.title), "  ",
                      Paint(style_, Color::kDim, scene.number)));
  }
  void Fact(absl::string_view name, absl::string_view text) {
    Line(absl::StrFormat("   %-9s %s", name, text));
  }
  void Expect(absl::string_view what, absl::string_view expected, absl::string_view came) {
    if (expected == came) return;
    Fail(absl::StrCat(what, ": expected ", expected, ", came ", came));
  }
  void Fail(absl::string_view what) {
    ++mistakes_;
    Line(absl::StrCat("   ", Paint(style_, Color::kRed, "NOT AS EXPECTED"), "  ", what));
  }
  const Style& style() const { return style_; }

 private:
  const Style style_;
  std::FILE* const out_;
  int mistakes_ = 0;
};

void ShowAnswer(const v1::ResolveTwiMLResponse& response, Show& show) {
  const Color color = response.source() == v1::SOURCE_PRIMARY    ? Color::kGreen
                      : response.source() == v1::SOURCE_FALLBACK ? Color::kYellow
                                                                 : Color::kRed;
  show.Fact("answer", absl::StrCat(Paint(show.style(), color, WhoAnswered(response)), " in ",
                                   TimeText(TotalTime(response))));
  for (const v1::Attempt& attempt : response.attempts()) {
    const std::string error =
        attempt.error_code() == 0 ? "" : absl::StrCat("  ", CodeText(attempt.error_code()));
    show.Fact("request", absl::StrFormat("%-8s  %-9s %8s%s", TargetName(attempt),
                                         AttemptEnd(attempt), TimeText(TotalTime(attempt)), error));
  }
  show.Fact("document", Printable(FirstLine(response.twiml())));
}

void ShowEvents(const std::vector<LoggedEvent>& events, Show& show) {
  if (events.empty()) show.Fact("event", "none");
  for (const LoggedEvent& event : events) {
    show.Fact("event", absl::StrCat(event.level, " ", event.error_code, " at ",
                                    Printable(event.error_url), ", ", OutcomeText(event.outcome)));
  }
}

void CheckAnswer(const Scene& scene, const v1::ResolveTwiMLResponse& response, Show& show) {
  v1::ResolveTwiMLResponse expected;
  expected.set_source(scene.source);
  show.Expect("the answer", WhoAnswered(expected), WhoAnswered(response));
  show.Expect("the error code", absl::StrCat(scene.error_code),
              absl::StrCat(response.error_code()));
  std::vector<ExpectedAttempt> attempts;
  for (const v1::Attempt& attempt : response.attempts()) {
    attempts.push_back({attempt.target(), attempt.error_code()});
  }
  show.Expect("the requests", CodesText(scene.attempts), CodesText(attempts));
  if (scene.source == v1::SOURCE_FALLBACK &&
      !absl::StrContains(response.twiml(), ToldCode(scene.error_code))) {
    show.Fail(absl::StrCat("the fallback was not told ErrorCode ", scene.error_code));
  }
}

void CheckEvents(const Scene& scene, const std::vector<LoggedEvent>& events, Show& show) {
  const char* outcome = scene.source == v1::SOURCE_FALLBACK ? "OUTCOME_FALLBACK_ANSWERED"
                                                            : "OUTCOME_DEFAULT_ANSWERED";
  std::vector<ExpectedAttempt> reported;
  for (const LoggedEvent& event : events) {
    reported.push_back({event.target == "TARGET_PRIMARY" ? v1::TARGET_PRIMARY : v1::TARGET_FALLBACK,
                        event.error_code});
    show.Expect("the event's level", "error", event.level);
    show.Expect("the event's outcome", outcome, event.outcome);
  }
  show.Expect("the events", scene.events.empty() ? "none" : CodesText(scene.events),
              reported.empty() ? "none" : CodesText(reported));
}

void Play(const Scene& scene, RouterProcess& router, Show& show) {
  v1::ResolveTwiMLRequest request;
  request.set_kind(scene.kind == Kind::kVoice ? v1::KIND_VOICE : v1::KIND_MESSAGING);
  request.set_phone_number(scene.number);
  for (const twilio::Parameter& parameter : SampleParameters(scene.kind, scene.number)) {
    (*request.mutable_parameters())[parameter.name] = parameter.value;
  }
  const Answer answer =
      AskRouter(absl::StrCat("127.0.0.1:", router.grpc_port()), request, kAnswerTime);
  if (!answer.status.ok()) {
    show.Fail(
        absl::StrCat("the router gave no document: ", Printable(answer.status.error_message())));
    return;
  }
  ShowAnswer(answer.response, show);
  const absl::StatusOr<std::vector<LoggedEvent>> events =
      router.EventsOf(answer.response.resolution_id(), kReportTime);
  if (events.ok()) {
    ShowEvents(*events, show);
    CheckEvents(scene, *events, show);
  } else {
    show.Fail(events.status().message());
  }
  CheckAnswer(scene, answer.response, show);
}

void ShowMetrics(const Metrics& change, const Metrics& expected, Show& show) {
  show.Line(absl::StrCat("\n", Paint(show.style(), Color::kBold, "Counters that moved")));
  for (const auto& [series, moved] : change) {
    show.Line(absl::StrFormat("   %+3g  %s", moved, series));
  }
  for (const auto& [series, should] : expected) {
    const auto moved = change.find(series);
    const double by = moved == change.end() ? 0 : moved->second;
    show.Expect(series, absl::StrFormat("%+g", should), absl::StrFormat("%+g", by));
  }
  for (const auto& [series, moved] : change) {
    if (expected.count(series) == 0) {
      show.Fail(absl::StrFormat("%s: expected not to move, came %+g", series, moved));
    }
  }
}

}  // namespace

bool RunDemo(const DemoOptions& options, const Style& style, std::FILE* out) {
  const absl::Time begun_at = serving::MonotonicNow();
  Show show(style, out);
  const std::vector<Scene> scenes = Scenes();
  const absl::StatusOr<Servers> servers = StartServers(options.fallback_works);
  if (!servers.ok()) {
    show.Fail(servers.status().message());
    return false;
  }
  const TemporaryFolder folder;
  const absl::StatusOr<std::string> token = folder.Write("auth-token", kAuthToken);
  const absl::StatusOr<std::string> config =
      token.ok() ? folder.Write("router.yaml", ConfigText(scenes, *servers, *token))
                 : token.status();
  if (!config.ok()) {
    show.Fail(config.status().message());
    return false;
  }
  const absl::StatusOr<std::unique_ptr<RouterProcess>> started =
      RouterProcess::Start(options.router_binary, *config, kStartTime);
  if (!started.ok()) {
    show.Fail(PrintableLines(started.status().message()));
    return false;
  }
  RouterProcess& router = **started;
  show.Line(
      "Understudy on this machine: a router, a primary and a fallback web server. Each number's\n"
      "primary behaves in its own way; whatever it does, the caller gets a document. An event is\n"
      "what the router reports, for someone to be told.");
  const absl::StatusOr<Metrics> before = ScrapeCounters(router.admin_port());

  int number = 0;
  for (const Scene& scene : scenes) {
    if (options.is_interrupted && options.is_interrupted()) {
      show.Fail("interrupted");
      return false;
    }
    show.Title(++number, scene);
    Play(scene, router, show);
  }

  const absl::StatusOr<Metrics> after = ScrapeCounters(router.admin_port());
  if (before.ok() && after.ok()) {
    ShowMetrics(ChangeOf(*before, *after), ExpectedChange(scenes), show);
  } else {
    show.Fail(before.ok() ? after.status().message() : before.status().message());
  }
  show.Line("");
  if (const absl::Status stopped = router.Stop(kStopTime); !stopped.ok()) {
    show.Fail(PrintableLines(stopped.message()));
  }
  const std::string took = TimeText(serving::MonotonicNow() - begun_at);
  show.Line(show.all_good() ? absl::StrCat(Paint(style, Color::kGreen, "All as it should be"),
                                           ", in ", took, "; the router stopped with status 0.")
                            : absl::StrCat(Paint(style, Color::kRed, "Not all as it should be"),
                                           ", in ", took, "."));
  return show.all_good();
}

}  // namespace understudy::cli
