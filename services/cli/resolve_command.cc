#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/serving/grpc_error.h"
#include "services/cli/answer.h"
#include "services/cli/call_options.h"
#include "services/cli/command.h"
#include "services/cli/grpc_target.h"

namespace understudy::cli {
namespace {

namespace v1 = router::v1;
using twilio::Kind;

constexpr char kUsage[] = R"(Usage: understudy resolve --number +1... [OPTIONS]
       understudy resolve --url URL [--fallback-url URL] [OPTIONS]

Has one call or message answered and shows who answered, each request to a web server with the
time it took, what was wrong, and the document.

Who resolves it:
  --router HOST:PORT        a router, over gRPC (default 127.0.0.1:50051)
  --tls-ca FILE             over TLS, believing certificates of the authorities in FILE (PEM)
  --tls-certificate FILE    with --tls-ca: the certificate to show a router that asks for one
  --tls-key FILE            and its key
  --local                   this process, with no router at all
  --config FILE             with --local: a router's configuration, for its numbers and limits
  --allow CIDR              with --local: addresses that may be dialled besides the public ones;
                            repeatable

What is called:
  --number NUMBER           one of the configured numbers, such as +14155550199
  --url URL                 or the handler itself: the primary URL
  --method METHOD           its method, POST (default) or GET
  --fallback-url URL        asked when the primary fails
  --fallback-method METHOD  POST (default) or GET
  --account SID             the account; with --url its token signs the requests, if the router
                            has one (default AC and 32 zeros: unsigned)
  --kind KIND               voice (default) or messaging
  --param NAME=VALUE        a parameter of the request; repeatable. Without any, those of a call
                            (CallSid, From, To, CallStatus, ...) or message (MessageSid, From, To,
                            Body, ...) from +14155550100 are made up
  --timeout TIME            wait at most so long, such as 10s (default 31s: both web servers at
                            their slowest)
  --request-id ID           the same id again shows web servers the same idempotency token

A step later in the call:
  --document URL            request this URL, from an action or a <Redirect>, in the primary's place
  --document-method METHOD  its method, POST (default) or GET
  --base-url URL            what --document is relative to: where its document came from
  --error-code CODE         the document could not be executed, with this code of Twilio's: ask the
                            fallback straight away
  --error-url URL           the URL that failed then
  --session FILE            keep the call's cookies and credentials in FILE from step to step

  --json                    print the ResolveTwiMLResponse as JSON and nothing else

Exit status: 0 the primary answered, 3 the fallback did, 4 the default document had to; 1 the
request was refused or there was nobody to ask, 2 wrong usage or a wrong configuration.
)";

constexpr char kDefaultRouter[] = "127.0.0.1:50051";
// Two web servers at their slowest, and the way there.
constexpr absl::Duration kDefaultTimeout = absl::Seconds(31);

constexpr int kExitFallback = 3;
constexpr int kExitDefault = 4;

// Empty: not given.
struct ResolveOptions {
  std::string router = {};
  serving::TlsFiles tls = {};
  bool local = false;
  std::string config = {};
  std::vector<router::Cidr> allow = {};
  std::string number = {};
  std::string url = {};
  std::string fallback_url = {};
  router::Method method = router::Method::kPost;
  router::Method fallback_method = router::Method::kPost;
  std::string account = {};
  Kind kind = Kind::kVoice;
  twilio::Form parameters = {};
  absl::Duration timeout = kDefaultTimeout;
  std::string request_id = {};
  std::string document = {};
  router::Method document_method = router::Method::kPost;
  std::string base_url = {};
  int error_code = 0;
  std::string error_url = {};
  std::string session_file = {};
  bool json = false;
};

Option ErrorCodeOption(int& out) {
  return {.name = "--error-code", .set = [&out](absl::string_view text) {
            if (absl::SimpleAtoi(text, &out)) return absl::OkStatus();
            return absl::InvalidArgumentError("must be a number, such as 12100");
          }};
}

absl::StatusOr<ResolveOptions> ReadOptions(Arguments arguments) {
  ResolveOptions given;
  const absl::StatusOr<std::vector<std::string>> words =
      ParseOptions(arguments, {Text("--router", given.router),
                               Text("--tls-ca", given.tls.ca),
                               Text("--tls-certificate", given.tls.certificate),
                               Text("--tls-key", given.tls.key),
                               Flag("--local", given.local),
                               Text("--config", given.config),
                               AllowOption(given.allow),
                               Text("--number", given.number),
                               Text("--url", given.url),
                               MethodOption("--method", given.method),
                               Text("--fallback-url", given.fallback_url),
                               MethodOption("--fallback-method", given.fallback_method),
                               Text("--account", given.account),
                               KindOption(given.kind),
                               ParameterOption(given.parameters),
                               TimeoutOption(given.timeout),
                               Text("--request-id", given.request_id),
                               Text("--document", given.document),
                               MethodOption("--document-method", given.document_method),
                               Text("--base-url", given.base_url),
                               ErrorCodeOption(given.error_code),
                               Text("--error-url", given.error_url),
                               Text("--session", given.session_file),
                               Flag("--json", given.json)});
  if (!words.ok()) return words.status();
  std::string mistake;
  if (!words->empty()) {
    mistake = absl::StrCat("\"", words->front(),
                           "\" is no option; a URL follows --url, a number "
                           "--number");
  } else if (given.number.empty() == given.url.empty()) {
    mistake = "one of --number and --url says what to resolve";
  } else if (given.url.empty() && !given.fallback_url.empty()) {
    mistake = "--fallback-url goes with --url; a number has its own";
  } else if (given.local && !given.router.empty()) {
    mistake = "--local asks no router: --router has no meaning with it";
  } else if (given.local && !given.tls.ca.empty()) {
    mistake = "--local asks no router: --tls-ca has no meaning with it";
  } else if (const std::string tls = TlsUsageMistake(given.tls); !tls.empty()) {
    mistake = tls;
  } else if (!given.local && !given.config.empty()) {
    mistake = "--config goes with --local; a router has its own";
  } else if (!given.local && !given.allow.empty()) {
    mistake = "--allow goes with --local; a router has its own rule (egress in its configuration)";
  } else if (given.document.empty() && !given.base_url.empty()) {
    mistake = "--base-url goes with --document";
  } else if ((given.error_code == 0) != given.error_url.empty()) {
    mistake = "--error-code and --error-url go together";
  } else if (given.error_code != 0 && !given.document.empty()) {
    mistake = "--document asks for a document, --error-code says that one failed: one of them";
  }
  if (!mistake.empty()) return absl::InvalidArgumentError(mistake);
  return given;
}

v1::Method ToProto(router::Method method) {
  return method == router::Method::kGet ? v1::METHOD_GET : v1::METHOD_POST;
}

// What the step before left; nothing if it is the first.
std::string ReadSession(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool WriteSession(const std::string& path, const std::string& session) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(session.data(), static_cast<std::streamsize>(session.size()));
  file.flush();
  return file.good();
}

v1::ResolveTwiMLRequest RequestOf(const ResolveOptions& given) {
  v1::ResolveTwiMLRequest request;
  if (!given.document.empty()) {
    request.mutable_document()->set_url(given.document);
    request.mutable_document()->set_method(ToProto(given.document_method));
    request.mutable_document()->set_base_url(given.base_url);
  } else if (given.error_code != 0) {
    request.mutable_failure()->set_error_code(given.error_code);
    request.mutable_failure()->set_error_url(given.error_url);
  }
  if (!given.session_file.empty()) request.set_session(ReadSession(given.session_file));
  request.set_kind(given.kind == Kind::kVoice ? v1::KIND_VOICE : v1::KIND_MESSAGING);
  request.set_account_sid(given.account);
  request.set_request_id(given.request_id);
  if (given.url.empty()) {
    request.set_phone_number(given.number);
  } else {
    if (given.account.empty()) request.set_account_sid(kNoAccountSid);
    v1::Handler& handler = *request.mutable_handler();
    handler.set_url(given.url);
    handler.set_method(ToProto(given.method));
    handler.set_fallback_url(given.fallback_url);
    handler.set_fallback_method(ToProto(given.fallback_method));
  }
  const twilio::Form parameters =
      given.parameters.empty()
          ? SampleParameters(given.kind, given.number.empty() ? kCalledNumber : given.number)
          : given.parameters;
  for (const twilio::Parameter& parameter : parameters) {
    (*request.mutable_parameters())[parameter.name] = parameter.value;
  }
  return request;
}

// The option that fills a field of the request.
std::string OptionOf(absl::string_view field) {
  if (field == "phone_number") return "--number";
  if (field == "account_sid") return "--account";
  if (field == "request_id") return "--request-id";
  if (field == "kind") return "--kind";
  if (absl::StartsWith(field, "parameters")) return "--param";
  if (field == "handler.fallback_url") return "--fallback-url";
  if (field == "failure.error_code") return "--error-code";
  if (field == "failure.error_url") return "--error-url";
  return field == "handler.url" ? "--url" : "";
}

// Why there is no answer, and what to do about it.
std::string Explain(const grpc::Status& status, const ResolveOptions& given) {
  const serving::CallerError error = serving::FromStatus(status);
  const std::string router = given.router.empty() ? kDefaultRouter : given.router;
  if (!error.reason.empty()) {
    const std::string option = OptionOf(error.field);
    return absl::StrCat("refused: ", error.message, "\n  reason  ", error.reason,
                        error.field.empty() ? "" : "\n  field   ", error.field,
                        option.empty() ? "" : absl::StrCat(" (", option, ")"));
  }
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      if (const std::string advice = TlsAdvice(error.message, given.tls, "router");
          !advice.empty()) {
        return absl::StrCat("no TLS with ", router, "\n  ", error.message, "\n", advice);
      }
      return absl::StrCat("no router answers at ", router, "\n  ", error.message,
                          "\nStart one with understudy-router --config FILE, name another with "
                          "--router HOST:PORT,\nor do without one: --local.");
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return absl::StrCat("no answer from the router at ", router, " within ",
                          absl::FormatDuration(given.timeout), " (--timeout)");
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return absl::StrCat("the router at ", router, " is busy: ", error.message, "; try again in ",
                          absl::FormatDuration(serving::RetryDelay(status)));
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::StrCat("what answers at ", router, " is no router: ", error.message);
    default:
      return error.message;
  }
}

bool WasStopped(const v1::ResolveTwiMLResponse& response) {
  for (const v1::Attempt& attempt : response.attempts()) {
    if (attempt.phase() == v1::PHASE_POLICY) return true;
  }
  return false;
}

int ExitStatusOf(v1::Source source) {
  switch (source) {
    case v1::SOURCE_PRIMARY:
      return kExitGood;
    case v1::SOURCE_FALLBACK:
      return kExitFallback;
    default:
      return kExitDefault;
  }
}

}  // namespace

int ResolveCommand(Arguments arguments) {
  if (WantsHelp(arguments)) {
    Print(stdout, kUsage);
    return kExitGood;
  }
  const absl::StatusOr<ResolveOptions> given = ReadOptions(arguments);
  if (!given.ok()) return UsageError("resolve", given.status().message());

  const v1::ResolveTwiMLRequest request = RequestOf(*given);
  Answer answer;
  if (given->local) {
    router::RouterConfig config;
    if (!given->config.empty()) {
      absl::StatusOr<router::RouterConfig> loaded = router::LoadRouterConfig(given->config);
      if (!loaded.ok()) {
        Print(stderr, absl::StrCat(Printable(loaded.status().message()), "\n"));
        return kExitUsage;
      }
      config = *std::move(loaded);
    }
    config.egress.allow.insert(config.egress.allow.end(), given->allow.begin(), given->allow.end());
    LocalAnswer local = ResolveLocally(config, request, given->timeout);
    answer = {.status = std::move(local.status), .response = std::move(local.response)};
  } else {
    serving::TlsMaterial tls;
    if (const std::optional<serving::TlsMistake> mistake = serving::LoadTls(given->tls, tls)) {
      return UsageError("resolve", mistake->what);
    }
    answer = AskRouter(given->router.empty() ? kDefaultRouter : given->router,
                       given->tls.ca.empty() ? nullptr : &tls, request, given->timeout);
  }
  if (!answer.status.ok()) {
    Print(
        stderr,
        absl::StrCat("understudy resolve: ", PrintableLines(Explain(answer.status, *given)), "\n"));
    return kExitFailed;
  }
  if (!given->session_file.empty() &&
      !WriteSession(given->session_file, answer.response.session())) {
    Print(stderr, absl::StrCat("understudy resolve: cannot write the session to ",
                               Printable(given->session_file), "\n"));
    return kExitFailed;
  }
  if (given->json) {
    Print(stdout, RenderJson(answer.response));
  } else {
    Print(stdout, RenderAnswer(answer.response, StyleFor(stdout)));
    if (given->local && WasStopped(answer.response)) Print(stderr, kAllowHint);
  }
  return ExitStatusOf(answer.response.source());
}

}  // namespace understudy::cli
