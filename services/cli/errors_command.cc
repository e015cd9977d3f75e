#include <grpcpp/client_context.h>
#include <understudy/notifier/v1/notifier_service.grpc.pb.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/serving/grpc_error.h"
#include "common/serving/stop_signal.h"
#include "services/cli/call_options.h"
#include "services/cli/command.h"
#include "services/cli/grpc_target.h"
#include "services/cli/options.h"
#include "services/cli/output.h"
#include "services/cli/render_event.h"
#include "services/cli/table.h"
#include "services/cli/time_options.h"

namespace understudy::cli {
namespace {

namespace v1 = notifier::v1;
using serving::StopSignal;

constexpr char kUsage[] = R"(Usage: understudy errors list [OPTIONS]
       understudy errors groups [OPTIONS]
       understudy errors show ID [OPTIONS]
       understudy errors tail [OPTIONS]

What went wrong on calls and messages, as a notifier keeps it.

  list     events, the newest first
  groups   events that operators hear of together: of one account, kind, code and host
  show     all that is known of one event: what its code means, each request with its times, what
           was sent and came back, what to check
  tail     the newest events, then those that come, until Ctrl-C. Goes on when the notifier is back
           from a restart; nothing is shown twice and nothing left out

Which ones:
  --code CODE         with this error code, such as 11200
  --host HOST         whose URL is of this host (with its port, if the URL has one)
  --account SID       of this account
  --number NUMBER     on calls or messages to this number (not for groups)
  --call SID          of this call or message (not for groups)
  --group ID          of this group
  --state STATE       for groups: open or recovered
  --since TIME        of the last 30s, 15m, 2h, 7d, ...
  --from TIME         from this time on, such as 2026-11-24 or "2026-11-24 13:30" (UTC), or with a
                      zone: 2026-11-24T13:30:00+01:00
  --to TIME           and before this one (not for tail). Of groups it is the last event's time
  --limit COUNT       at most so many (default 50), or "all" of them. For tail: so many of those
                      that are there already (default 10)

Where they are:
  --notifier HOST:PORT      a notifier, over gRPC (default 127.0.0.1:50052)
  --tls-ca FILE             over TLS, believing certificates of the authorities in FILE (PEM)
  --tls-certificate FILE    with --tls-ca: the certificate to show a notifier that asks for one
  --tls-key FILE            and its key
  --timeout TIME            wait at most so long for an answer (default 10s)

  --json              print each as an ErrorEvent or ErrorGroup in JSON, one a line

Times are in UTC. On a terminal lines are cut to its width, and coloured unless NO_COLOR is set.

Exit status: 0 it was listed, even if there is nothing; 1 there is no such event, or no notifier to
ask; 2 wrong usage.
)";

constexpr char kDefaultNotifier[] = "127.0.0.1:50052";
constexpr absl::Duration kDefaultTimeout = absl::Seconds(10);
constexpr int64_t kDefaultLimit = 50;
constexpr int64_t kDefaultTailLimit = 10;
constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();
// What the service gives at most at a time.
constexpr int64_t kMaxPageSize = 200;

// How often tail looks for new events, and for the end of the one it waits for.
constexpr absl::Duration kLookEvery = absl::Milliseconds(500);
constexpr absl::Duration kLookForAnswerEvery = absl::Milliseconds(10);

struct ErrorsOptions {
  std::string verb = {};
  std::string id = {};  // to show
  std::string notifier = kDefaultNotifier;
  serving::TlsFiles tls = {};
  absl::Duration timeout = kDefaultTimeout;
  int error_code = 0;  // 0 and empty: any
  std::string host = {};
  std::string account = {};
  std::string number = {};
  std::string call = {};
  std::string group = {};
  v1::GroupState state = v1::GROUP_STATE_UNSPECIFIED;
  std::optional<absl::Duration> since = {};
  std::optional<absl::Time> from = {};
  std::optional<absl::Time> to = {};
  std::optional<int64_t> limit = {};
  bool json = false;
};

Option CodeOption(int& out) {
  return {.name = "--code", .set = [&out](absl::string_view text) {
            if (absl::SimpleAtoi(text, &out) && out > 0) return absl::OkStatus();
            return absl::InvalidArgumentError("is a number, such as 11200");
          }};
}

Option StateOption(v1::GroupState& out) {
  return {.name = "--state", .set = [&out](absl::string_view text) {
            if (text != "open" && text != "recovered") {
              return absl::InvalidArgumentError("is open or recovered");
            }
            out = text == "open" ? v1::GROUP_STATE_OPEN : v1::GROUP_STATE_RECOVERED;
            return absl::OkStatus();
          }};
}

Option LimitOption(std::optional<int64_t>& out) {
  return {.name = "--limit", .set = [&out](absl::string_view text) {
            int64_t count = kNoLimit;
            if (text != "all" && (!absl::SimpleAtoi(text, &count) || count < 0)) {
              return absl::InvalidArgumentError("is a number or \"all\"");
            }
            out = count;
            return absl::OkStatus();
          }};
}

// What of the options has no meaning with the others; empty if all has.
std::string MistakeOf(const ErrorsOptions& given, const std::vector<std::string>& words) {
  constexpr absl::string_view kVerbs[] = {"list", "groups", "show", "tail"};
  const std::string& verb = given.verb;
  if (verb.empty()) return "takes list, groups, show or tail";
  if (std::find(std::begin(kVerbs), std::end(kVerbs), verb) == std::end(kVerbs)) {
    const absl::string_view near = NearestName(verb, kVerbs);
    return absl::StrCat("takes list, groups, show or tail, not ", verb,
                        near.empty() ? "" : "; did you mean ", near, near.empty() ? "" : "?");
  }
  const size_t expected = verb == "show" ? 2 : 1;
  if (words.size() < expected) return "show takes the ID of an event, as list has it";
  if (words.size() > expected) return absl::StrCat(verb, " takes no ", words[expected]);
  const bool has_time = given.since.has_value() || given.from.has_value() || given.to.has_value();
  const bool is_narrowed = given.error_code != 0 || !given.host.empty() || !given.account.empty() ||
                           has_time || given.limit.has_value();
  const bool is_of_events = !given.number.empty() || !given.call.empty();
  if (verb == "show" && (is_narrowed || is_of_events || !given.group.empty())) {
    return "show takes an ID and no filters";
  }
  if (verb == "groups" && is_of_events) return "--number and --call are for list and tail";
  if (verb != "groups" && given.state != v1::GROUP_STATE_UNSPECIFIED) {
    return "--state is for groups";
  }
  if (verb == "tail" && given.to.has_value()) return "tail has no end: --to is not for it";
  if (given.since.has_value() && (given.from.has_value() || given.to.has_value())) {
    return "--since says it from now on, --from and --to by the clock: one of the two";
  }
  if (given.from.has_value() && given.to.has_value() && *given.from >= *given.to) {
    return "--from is not before --to";
  }
  return TlsUsageMistake(given.tls);
}

absl::StatusOr<ErrorsOptions> ReadOptions(Arguments arguments) {
  ErrorsOptions given;
  absl::StatusOr<std::vector<std::string>> words = ParseOptions(
      arguments,
      {Text("--notifier", given.notifier), Text("--tls-ca", given.tls.ca),
       Text("--tls-certificate", given.tls.certificate), Text("--tls-key", given.tls.key),
       TimeoutOption(given.timeout), CodeOption(given.error_code), Text("--host", given.host),
       Text("--account", given.account), Text("--number", given.number), Text("--call", given.call),
       Text("--group", given.group), StateOption(given.state), SinceOption(given.since),
       TimeOption("--from", given.from), TimeOption("--to", given.to), LimitOption(given.limit),
       Flag("--json", given.json)});
  if (!words.ok()) return words.status();
  if (!words->empty()) given.verb = words->front();
  if (words->size() > 1) given.id = (*words)[1];
  const std::string mistake = MistakeOf(given, *words);
  if (!mistake.empty()) return absl::InvalidArgumentError(mistake);
  if (given.since.has_value()) given.from = absl::Now() - *given.since;
  return given;
}

void SetTime(absl::Time time, google::protobuf::Timestamp* out) {
  const timespec spec = absl::ToTimespec(time);
  out->set_seconds(spec.tv_sec);
  out->set_nanos(static_cast<int32_t>(spec.tv_nsec));
}

v1::ListErrorEventsRequest EventsRequest(const ErrorsOptions& given) {
  v1::ListErrorEventsRequest request;
  request.set_event_id(given.id);
  request.set_account_sid(given.account);
  request.set_resource_sid(given.call);
  request.set_phone_number(given.number);
  request.set_error_code(given.error_code);
  request.set_host(given.host);
  request.set_group_id(given.group);
  if (given.from.has_value()) SetTime(*given.from, request.mutable_start_time());
  if (given.to.has_value()) SetTime(*given.to, request.mutable_end_time());
  return request;
}

v1::ListErrorGroupsRequest GroupsRequest(const ErrorsOptions& given) {
  v1::ListErrorGroupsRequest request;
  request.set_account_sid(given.account);
  request.set_error_code(given.error_code);
  request.set_host(given.host);
  request.set_group_id(given.group);
  request.set_state(given.state);
  return request;
}

int32_t PageSize(int64_t wanted) {
  return static_cast<int32_t>(std::clamp<int64_t>(wanted, 1, kMaxPageSize));
}

// Asks the notifier of the options.
class Notifier {
 public:
  // `is_over`, called now and then while an answer is waited for, cancels it by saying true.
  Notifier(const ErrorsOptions& given, const serving::TlsMaterial* tls,
           std::function<bool()> is_over)
      : stub_(v1::NotifierService::NewStub(Connect(given.notifier, tls))),
        timeout_(given.timeout),
        is_over_(std::move(is_over)) {}

  grpc::Status List(const v1::ListErrorEventsRequest& request,
                    v1::ListErrorEventsResponse& response) {
    return Ask([&](grpc::ClientContext* context, std::function<void(grpc::Status)> done) {
      response.Clear();
      stub_->async()->ListErrorEvents(context, &request, &response, std::move(done));
    });
  }
  grpc::Status List(const v1::ListErrorGroupsRequest& request,
                    v1::ListErrorGroupsResponse& response) {
    return Ask([&](grpc::ClientContext* context, std::function<void(grpc::Status)> done) {
      response.Clear();
      stub_->async()->ListErrorGroups(context, &request, &response, std::move(done));
    });
  }

 private:
  template <typename Call>
  grpc::Status Ask(const Call& call) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout_));
    // Shared: its setter may still be inside when the getter is done.
    const auto promise = std::make_shared<std::promise<grpc::Status>>();
    std::future<grpc::Status> status = promise->get_future();
    call(&context, [promise](grpc::Status end) { promise->set_value(std::move(end)); });
    while (status.wait_for(absl::ToChronoMilliseconds(kLookForAnswerEvery)) !=
           std::future_status::ready) {
      if (!is_over_()) continue;
      context.TryCancel();
      break;
    }
    return status.get();
  }

  const std::unique_ptr<v1::NotifierService::Stub> stub_;
  const absl::Duration timeout_;
  const std::function<bool()> is_over_;
};

// Why there is no answer, and what to do about it.
std::string Explain(const grpc::Status& status, const ErrorsOptions& given) {
  const serving::CallerError error = serving::FromStatus(status);
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      if (const std::string advice = TlsAdvice(error.message, given.tls, "notifier");
          !advice.empty()) {
        return absl::StrCat("no TLS with ", given.notifier, "\n  ", error.message, "\n", advice);
      }
      return absl::StrCat("no notifier answers at ", given.notifier, "\n  ", error.message,
                          "\nStart one with understudy-notifier --config FILE, or name another "
                          "with --notifier HOST:PORT.");
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return absl::StrCat("no answer from the notifier at ", given.notifier, " within ",
                          absl::FormatDuration(given.timeout), " (--timeout)");
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::StrCat("what answers at ", given.notifier, " is no notifier: ", error.message);
    default:
      return error.message;
  }
}

int Fail(absl::string_view what) {
  Print(stderr, absl::StrCat("understudy errors: ", PrintableLines(what), "\n"));
  return kExitFailed;
}

int ExitStatusOf(Written written) {
  return written == Written::kFailed ? kExitFailed : kExitGood;
}

// Prints events and groups as the options want them.
class Printer {
 public:
  Printer(const ErrorsOptions& given, std::vector<Column> columns)
      : json_(given.json), table_(std::move(columns), TerminalWidth(), StyleFor(stdout)) {}

  template <typename Messages>
  Written Print(const Messages& messages,
                std::vector<Cell> (*cells)(const typename Messages::value_type&)) {
    std::string text;
    if (json_) {
      for (const auto& message : messages) text += RenderJsonLine(message);
    } else if (!messages.empty()) {
      std::vector<std::vector<Cell>> rows;
      rows.reserve(static_cast<size_t>(messages.size()));
      for (const auto& message : messages) rows.push_back(cells(message));
      text = table_.Render(rows);
    }
    return WriteOut("errors", text);
  }

 private:
  const bool json_;
  Table table_;
};

// On a terminal an empty list is said to be one.
void SayIfNone(bool none, const ErrorsOptions& given, absl::string_view what) {
  if (none && !given.json) Print(stderr, absl::StrCat("no ", what, "\n"));
}

int List(const ErrorsOptions& given, Notifier& notifier) {
  Printer printer(given, EventColumns());
  v1::ListErrorEventsRequest request = EventsRequest(given);
  v1::ListErrorEventsResponse page;
  int64_t left = given.limit.value_or(kDefaultLimit);
  bool none = true;
  while (left > 0) {
    request.set_page_size(PageSize(left));
    if (const grpc::Status status = notifier.List(request, page); !status.ok()) {
      return Fail(Explain(status, given));
    }
    const Written written = printer.Print(page.events(), &EventCells);
    if (written != Written::kAll) return ExitStatusOf(written);
    none = none && page.events().empty();
    left -= page.events_size();
    if (page.next_page_token().empty()) break;
    request.set_page_token(page.next_page_token());
  }
  SayIfNone(none, given, "events");
  return kExitGood;
}

int Groups(const ErrorsOptions& given, Notifier& notifier) {
  Printer printer(given, GroupColumns());
  v1::ListErrorGroupsRequest request = GroupsRequest(given);
  v1::ListErrorGroupsResponse page;
  int64_t left = given.limit.value_or(kDefaultLimit);
  bool none = true;
  const auto is_wanted = [&given](const v1::ErrorGroup& group) {
    const absl::Time at = absl::FromUnixSeconds(group.last_event_at().seconds()) +
                          absl::Nanoseconds(group.last_event_at().nanos());
    return at >= given.from.value_or(absl::InfinitePast()) &&
           at < given.to.value_or(absl::InfiniteFuture());
  };
  while (left > 0) {
    const bool is_filtered = given.from.has_value() || given.to.has_value();
    request.set_page_size(PageSize(is_filtered ? kMaxPageSize : left));
    if (const grpc::Status status = notifier.List(request, page); !status.ok()) {
      return Fail(Explain(status, given));
    }
    std::vector<v1::ErrorGroup> groups;
    std::copy_if(page.groups().begin(), page.groups().end(), std::back_inserter(groups), is_wanted);
    groups.resize(static_cast<size_t>(std::min(left, static_cast<int64_t>(groups.size()))));
    const Written written = printer.Print(groups, &GroupCells);
    if (written != Written::kAll) return ExitStatusOf(written);
    none = none && groups.empty();
    left -= static_cast<int64_t>(groups.size());
    if (page.next_page_token().empty()) break;
    request.set_page_token(page.next_page_token());
  }
  SayIfNone(none, given, "groups");
  return kExitGood;
}

// The group of `event`; nullopt if it cannot be had.
std::optional<v1::ErrorGroup> GroupOf(const v1::ErrorEvent& event, Notifier& notifier) {
  v1::ListErrorGroupsRequest request;
  request.set_group_id(event.group_id());
  v1::ListErrorGroupsResponse page;
  if (event.group_id().empty() || !notifier.List(request, page).ok() || page.groups().empty()) {
    return std::nullopt;
  }
  return page.groups(0);
}

int Show(const ErrorsOptions& given, Notifier& notifier) {
  v1::ListErrorEventsResponse found;
  if (const grpc::Status status = notifier.List(EventsRequest(given), found); !status.ok()) {
    return Fail(Explain(status, given));
  }
  if (found.events().empty()) {
    return Fail(absl::StrCat("there is no event ", given.id,
                             "; the notifier keeps them for store.retention"));
  }
  const v1::ErrorEvent& event = found.events(0);
  if (given.json) return ExitStatusOf(WriteOut("errors", RenderJsonLine(event)));
  const std::optional<v1::ErrorGroup> group = GroupOf(event, notifier);
  return ExitStatusOf(WriteOut("errors", RenderEvent(event, group.has_value() ? &*group : nullptr,
                                                     absl::Now(), StyleFor(stdout))));
}

// The newest events that there are, at most `limit`, the oldest of them first; `token` becomes
// where to go on from.
grpc::Status FirstEvents(const ErrorsOptions& given, int64_t limit, Notifier& notifier,
                         std::vector<v1::ErrorEvent>& events, std::string& token) {
  v1::ListErrorEventsRequest request = EventsRequest(given);
  v1::ListErrorEventsResponse page;
  do {
    const int64_t left = limit - static_cast<int64_t>(events.size());
    request.set_page_size(PageSize(left));
    if (grpc::Status status = notifier.List(request, page); !status.ok()) return status;
    if (token.empty()) token = page.newest_token();
    const auto count = static_cast<int>(std::min<int64_t>(page.events_size(), left));
    events.insert(events.end(), page.events().begin(), page.events().begin() + count);
    request.set_page_token(page.next_page_token());
  } while (!page.next_page_token().empty() && static_cast<int64_t>(events.size()) < limit);
  std::reverse(events.begin(), events.end());
  return grpc::Status::OK;
}

// What passes when the notifier is back, or has less to do.
bool MayPass(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED ||
         status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
}

void Note(absl::string_view what) {
  Print(stderr, absl::StrCat("understudy errors: ", Printable(what), "\n"));
}

int Tail(const ErrorsOptions& given, Notifier& notifier, const std::function<bool()>& is_over,
         const std::function<void()>& wait) {
  Printer printer(given, EventColumns());
  std::vector<v1::ErrorEvent> first;
  std::string token;
  const grpc::Status status =
      FirstEvents(given, given.limit.value_or(kDefaultTailLimit), notifier, first, token);
  if (is_over()) return kExitGood;
  if (!status.ok()) return Fail(Explain(status, given));
  Written written = printer.Print(first, &EventCells);

  bool is_away = false;
  v1::ListErrorEventsRequest request = EventsRequest(given);
  request.set_page_size(PageSize(kMaxPageSize));
  v1::ListErrorEventsResponse page;
  while (written == Written::kAll) {
    if (page.events_size() < kMaxPageSize) wait();
    if (is_over() || NobodyReads()) return kExitGood;
    request.set_after_token(token);
    const grpc::Status asked = notifier.List(request, page);
    if (is_over()) return kExitGood;
    if (asked.ok()) {
      if (std::exchange(is_away, false)) Note("the notifier is back");
      token = page.newest_token();
      written = printer.Print(page.events(), &EventCells);
    } else if (serving::FromStatus(asked).reason == "AFTER_TOKEN_UNKNOWN") {
      Note("the notifier has begun a new database; following it from its beginning");
      token = "0";
    } else if (!MayPass(asked)) {
      return Fail(Explain(asked, given));
    } else if (!std::exchange(is_away, true)) {
      Note(absl::StrCat("the notifier at ", given.notifier,
                        " does not answer, trying again: ", asked.error_message()));
    }
  }
  return ExitStatusOf(written);
}

}  // namespace

int ErrorsCommand(Arguments arguments) {
  if (WantsHelp(arguments)) {
    Print(stdout, kUsage);
    return kExitGood;
  }
  const absl::StatusOr<ErrorsOptions> given = ReadOptions(arguments);
  if (!given.ok()) return UsageError("errors", given.status().message());
  serving::TlsMaterial material;
  if (const std::optional<serving::TlsMistake> mistake = serving::LoadTls(given->tls, material)) {
    return UsageError("errors", mistake->what);
  }
  const serving::TlsMaterial* tls = given->tls.ca.empty() ? nullptr : &material;

  if (given->verb == "tail") {
    StopSignal signals;
    bool is_over = false;
    const auto wait_for = [&](absl::Duration time) {
      is_over = is_over || signals.Wait(time) != StopSignal::Event::kTimeout;
      return is_over;
    };
    const auto is_over_now = [&] { return wait_for(absl::ZeroDuration()); };
    Notifier notifier(*given, tls, is_over_now);
    return Tail(*given, notifier, is_over_now, [&] { wait_for(kLookEvery); });
  }
  Notifier notifier(*given, tls, [] { return false; });
  if (given->verb == "groups") return Groups(*given, notifier);
  return given->verb == "show" ? Show(*given, notifier) : List(*given, notifier);
}

}  // namespace understudy::cli
