#include "services/cli/demo.h"

#include <grpcpp/grpcpp.h>
#include <httplib.h>
#include <understudy/notifier/v1/notifier_service.grpc.pb.h>
#include <understudy/router/v1/router_service.pb.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/serving/monotonic_clock.h"
#include "services/cli/answer.h"
#include "services/cli/call_options.h"
#include "services/cli/demo_scenes.h"
#include "services/cli/demo_servers.h"
#include "services/cli/demo_show.h"
#include "services/cli/demo_world.h"
#include "services/cli/mail_text.h"
#include "services/cli/metrics_change.h"
#include "services/cli/service_process.h"

namespace understudy::cli {
namespace {

namespace v1 = router::v1;
using twilio::Kind;

constexpr absl::Duration kAnswerTime = absl::Seconds(5);
constexpr absl::Duration kReportTime = absl::Seconds(2);
// From the last call: group_wait, and what a slow machine needs.
constexpr absl::Duration kMailTime = absl::Seconds(10);
constexpr absl::Duration kLookWhetherInterrupted = absl::Milliseconds(50);
constexpr absl::Duration kStopTime = absl::Seconds(5);
constexpr std::chrono::seconds kScrapeTime{2};
constexpr std::chrono::seconds kListTime{2};

constexpr int kShownMailLines = 2;
constexpr int kMostGroups = 200;  // of one page

bool IsInterrupted(const DemoOptions& options) {
  return options.is_interrupted && options.is_interrupted();
}

absl::StatusOr<Metrics> ScrapeCounters(ServiceProcess& service) {
  const int port = service.Port("admin");
  httplib::Client client("127.0.0.1", port);
  client.set_connection_timeout(kScrapeTime);
  client.set_read_timeout(kScrapeTime);
  const httplib::Result page = client.Get("/metrics");
  if (!page || page->status != 200) {
    return absl::UnavailableError(absl::StrCat("no metrics at 127.0.0.1:", port));
  }
  return ReadCounters(page->body);
}

absl::string_view FirstLine(absl::string_view text) {
  return text.substr(0, text.find('\n'));
}

// "fallback answered" of OUTCOME_FALLBACK_ANSWERED.
std::string OutcomeText(absl::string_view outcome) {
  return absl::AsciiStrToLower(
      absl::StrReplaceAll(absl::StripPrefix(outcome, "OUTCOME_"), {{"_", " "}}));
}

// What the router logged of a resolution: complete, as the line that ends it is waited for.
absl::StatusOr<std::vector<LogLine>> EventsOf(ServiceProcess& router,
                                              const std::string& resolution_id) {
  const auto is_of = [&](const LogLine& line, absl::string_view message) {
    return line.Text("message") == message && line.Text("resolution_id") == resolution_id;
  };
  std::vector<LogLine> events;
  const auto is_complete = [&](const std::vector<LogLine>& log) {
    events.clear();
    bool is_resolved = false;
    for (const LogLine& line : log) {
      if (is_of(line, "error event")) events.push_back(line);
      if (is_of(line, "resolution")) is_resolved = true;
    }
    return is_resolved;
  };
  if (router.WaitForLog(kReportTime, is_complete)) return events;
  return absl::DeadlineExceededError(
      absl::StrCat("the router's log has no resolution ", resolution_id));
}

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

void ShowEvents(const std::vector<LogLine>& events, Show& show) {
  if (events.empty()) show.Fact("event", "none");
  for (const LogLine& event : events) {
    show.Fact("event", absl::StrCat(event.Text("event_level"), " ", event.Number("error_code"),
                                    " at ", Printable(event.Text("error_url")), ", ",
                                    OutcomeText(event.Text("outcome"))));
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

void CheckEvents(const Scene& scene, const std::vector<LogLine>& events, Show& show) {
  const char* outcome = scene.source == v1::SOURCE_FALLBACK ? "OUTCOME_FALLBACK_ANSWERED"
                                                            : "OUTCOME_DEFAULT_ANSWERED";
  std::vector<ExpectedAttempt> reported;
  for (const LogLine& event : events) {
    reported.push_back(
        {event.Text("target") == "TARGET_PRIMARY" ? v1::TARGET_PRIMARY : v1::TARGET_FALLBACK,
         event.Number("error_code")});
    show.Expect("the event's level", "error", event.Text("event_level"));
    show.Expect("the event's outcome", outcome, event.Text("outcome"));
  }
  show.Expect("the events", CodesText(scene.events), CodesText(reported));
}

void Play(const Scene& scene, ServiceProcess& router, Show& show) {
  v1::ResolveTwiMLRequest request;
  request.set_kind(scene.kind == Kind::kVoice ? v1::KIND_VOICE : v1::KIND_MESSAGING);
  request.set_phone_number(scene.number);
  for (const twilio::Parameter& parameter : SampleParameters(scene.kind, scene.number)) {
    (*request.mutable_parameters())[parameter.name] = parameter.value;
  }
  const Answer answer = AskRouter(absl::StrCat("127.0.0.1:", router.Port("grpc")), /*tls=*/nullptr,
                                  request, kAnswerTime);
  if (!answer.status.ok()) {
    show.Fail(
        absl::StrCat("the router gave no document: ", Printable(answer.status.error_message())));
    return;
  }
  ShowAnswer(answer.response, show);
  const absl::StatusOr<std::vector<LogLine>> events =
      EventsOf(router, answer.response.resolution_id());
  if (events.ok()) {
    ShowEvents(*events, show);
    CheckEvents(scene, *events, show);
  } else {
    show.Fail(events.status().message());
  }
  CheckAnswer(scene, answer.response, show);
}

// Mails as the notifier's log tells them, the oldest first.
std::vector<LogLine> AcceptedMails(const std::vector<LogLine>& log) {
  std::vector<LogLine> mails;
  std::copy_if(log.begin(), log.end(), std::back_inserter(mails),
               [](const LogLine& line) { return line.Text("message") == "mail accepted"; });
  return mails;
}

// Waits until so many mails are out, kMailTime at most. nullopt if it was interrupted.
std::optional<std::vector<LogLine>> WaitForMails(size_t count, const DemoOptions& options,
                                                 ServiceProcess& notifier) {
  const auto are_out = [count](const std::vector<LogLine>& log) {
    return AcceptedMails(log).size() >= count;
  };
  const absl::Time give_up_at = serving::MonotonicNow() + kMailTime;
  while (!notifier.WaitForLog(kLookWhetherInterrupted, are_out)) {
    if (IsInterrupted(options)) return std::nullopt;
    if (serving::MonotonicNow() >= give_up_at) break;
  }
  return AcceptedMails(notifier.log());
}

void ShowMail(const LogLine& mail, Show& show) {
  const std::string subject = mail.Text("subject");
  const std::string path = mail.Text("reply");
  show.Line("");
  show.Fact("subject", Paint(show.style(), Color::kBold, Printable(subject)));
  std::ifstream file(path, std::ios::binary);
  const std::string text = PlainTextOf(std::string(std::istreambuf_iterator<char>(file), {}));
  int shown = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (shown == kShownMailLines) break;
    show.Fact(shown++ == 0 ? "text" : "", Printable(line));
  }
  show.Fact("file", Printable(path));
  if (shown == 0) show.Fail(absl::StrCat("there is no mail with a text in ", path));
  show.Expect("the recipient", kOperator, mail.Text("recipient"));
  show.Expect("the reason", "first", mail.Text("mail_reason"));
}

// What the notifier itself says it keeps.
void CheckGroups(const std::vector<Scene>& scenes, ServiceProcess& notifier, Show& show) {
  const auto stub = notifier::v1::NotifierService::NewStub(grpc::CreateChannel(
      absl::StrCat("127.0.0.1:", notifier.Port("grpc")), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kListTime);
  notifier::v1::ListErrorGroupsRequest request;
  request.set_page_size(kMostGroups);
  notifier::v1::ListErrorGroupsResponse response;
  const grpc::Status status = stub->ListErrorGroups(&context, request, &response);
  if (!status.ok()) {
    show.Fail(absl::StrCat("the notifier lists no groups: ", Printable(status.error_message())));
    return;
  }
  int64_t events = 0;
  int told = 0;
  for (const notifier::v1::ErrorGroup& group : response.groups()) {
    events += group.event_count();
    if (group.has_last_mail_at()) ++told;
  }
  show.Title("Counts");
  show.Line(absl::StrFormat("   %3d  events, of %d calls and messages", EventCount(scenes),
                            scenes.size()));
  show.Line(
      absl::StrFormat("   %3d  of them kept by the notifier, in %d groups: one for each kind, "
                      "code and web server",
                      events, response.groups_size()));
  show.Line(absl::StrFormat("   %3d  groups told of by mail", told));
  show.Expect("the events kept", EventCount(scenes), static_cast<int>(events));
  show.Expect("the groups", GroupCount(scenes), response.groups_size());
  show.Expect("the groups told of", GroupCount(scenes), told);
}

void ShowMails(const std::vector<Scene>& scenes, const std::vector<LogLine>& mails, Show& show) {
  show.Title(absl::StrCat("Mail to ", kOperator));
  for (const LogLine& mail : mails) ShowMail(mail, show);
  show.Expect("the mails", GroupCount(scenes), static_cast<int>(mails.size()));
}

struct Scrape {
  absl::StatusOr<Metrics> router = absl::UnknownError("not asked");
  absl::StatusOr<Metrics> notifier = absl::UnknownError("not asked");
};

Scrape ScrapeBoth(const DemoWorld& world) {
  return {.router = ScrapeCounters(*world.router), .notifier = ScrapeCounters(*world.notifier)};
}

void CheckMetrics(const char* whose, const absl::StatusOr<Metrics>& before,
                  const absl::StatusOr<Metrics>& after, const Metrics& expected, Show& show) {
  show.Title(absl::StrCat("The ", whose, "'s counters that moved"));
  if (before.ok() && after.ok()) {
    show.ExpectChange(expected, ChangeOf(*before, *after));
  } else {
    show.Fail(before.ok() ? after.status().message() : before.status().message());
  }
}

// The last of what there is to see, which may be looked at for as long as one likes.
void ShowPage(const DemoOptions& options, int port, Show& show) {
  show.Title("The operators' page");
  const std::string address = absl::StrCat("http://127.0.0.1:", port, "/");
  if (!options.stays) {
    show.Line(absl::StrCat("   ", address,
                           "\n   for as long as the notifier runs; `make demo STAY=1` keeps "
                           "it up to be looked at."));
    return;
  }
  show.Line(absl::StrCat("   ", address, "\n   Until Ctrl-C."));
  while (!IsInterrupted(options)) absl::SleepFor(kLookWhetherInterrupted);
}

// False if it was interrupted.
bool PlayAll(const std::vector<Scene>& scenes, const DemoOptions& options, DemoWorld& world,
             Show& show) {
  const Scrape before = ScrapeBoth(world);
  int number = 0;
  for (const Scene& scene : scenes) {
    if (IsInterrupted(options)) return false;
    show.Title(absl::StrCat(++number, "  ", scene.title, "  ", scene.number));
    Play(scene, *world.router, show);
  }
  const std::optional<std::vector<LogLine>> mails =
      WaitForMails(static_cast<size_t>(GroupCount(scenes)), options, *world.notifier);
  if (!mails.has_value()) return false;
  ShowMails(scenes, *mails, show);
  CheckGroups(scenes, *world.notifier, show);
  const Scrape after = ScrapeBoth(world);
  CheckMetrics("router", before.router, after.router, ExpectedRouterChange(scenes), show);
  CheckMetrics("notifier", before.notifier, after.notifier, ExpectedNotifierChange(scenes), show);
  return true;
}

}  // namespace

bool RunDemo(const DemoOptions& options, const Style& style, std::FILE* out) {
  const absl::Time begun_at = serving::MonotonicNow();
  Show show(style, out);
  const std::vector<Scene> scenes = Scenes();
  absl::StatusOr<DemoWorld> world = StartDemoWorld(scenes, options);
  if (!world.ok()) {
    show.Fail(PrintableLines(world.status().message()));
    return false;
  }
  show.Line(
      "Understudy on this machine: a router, a notifier, a primary and a fallback web server. "
      "Each\n"
      "number's primary behaves in its own way; whatever it does, the caller gets a document. An\n"
      "event is what the router reports of a failure; the notifier mails operators.");
  if (!PlayAll(scenes, options, *world, show)) {
    show.Fail("interrupted");
    return false;
  }
  ShowPage(options, world->notifier->Port("http"), show);
  show.Line("");
  for (ServiceProcess* service : {world->router.get(), world->notifier.get()}) {
    if (const absl::Status stopped = service->Stop(kStopTime); !stopped.ok()) {
      show.Fail(PrintableLines(stopped.message()));
    }
  }
  const std::string took = TimeText(serving::MonotonicNow() - begun_at);
  show.Line(
      show.all_good()
          ? absl::StrCat(Paint(style, Color::kGreen, "All as it should be"), ", in ", took,
                         "; both services stopped with status 0. The mails stay in\n",
                         Printable(world->mail_directory), ", for a mail program to open.")
          : absl::StrCat(Paint(style, Color::kRed, "Not all as it should be"), ", in ", took, "."));
  return show.all_good();
}

}  // namespace understudy::cli
