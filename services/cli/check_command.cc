#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/serving/grpc_error.h"
#include "common/twilio/charset.h"
#include "common/twilio/content_type.h"
#include "common/twilio/error_codes.h"
#include "common/twilio/twiml.h"
#include "common/twilio/url.h"
#include "services/cli/answer.h"
#include "services/cli/call_options.h"
#include "services/cli/command.h"

namespace understudy::cli {
namespace {

namespace v1 = router::v1;
using twilio::Kind;

constexpr char kUsage[] = R"(Usage: understudy check URL [OPTIONS]

Fetches one URL as Twilio would, redirects, retries and the URL's connection overrides included,
and says everything that is wrong with the answer: the code and its page, the line of the document
and the place in it. The URL is http or https; files are not read.

  --kind KIND             voice (default) or messaging
  --method METHOD         POST (default) or GET
  --param NAME=VALUE      a parameter of the request; repeatable. Without any, those of a call
                          (CallSid, From, To, CallStatus, ...) or message (MessageSid, From, To,
                          Body, ...) from +14155550100 are made up
  --auth-token-file FILE  sign the request (X-Twilio-Signature) with the token in this file
  --allow CIDR            addresses that may be dialled besides the public ones, such as
                          127.0.0.0/8; repeatable
  --json                  print the ResolveTwiMLResponse of a call with this URL and no fallback
                          as JSON and nothing else

Exit status: 0 nothing is wrong, 3 the document runs but there are warnings, 1 it cannot be had or
cannot run, 2 wrong usage.
)";

constexpr int kExitWarnings = 3;
constexpr absl::Duration kTimeout = absl::Seconds(16);  // more than a URL gets
constexpr size_t kMaxTokenBytes = 256;

struct CheckOptions {
  std::string url = {};
  Kind kind = Kind::kVoice;
  router::Method method = router::Method::kPost;
  twilio::Form parameters = {};
  Secret token = {};
  std::vector<router::Cidr> allow = {};
  bool json = false;
};

absl::Status ReadToken(absl::string_view path, Secret& out) {
  std::ifstream file{std::string(path), std::ios::binary};
  if (!file) return absl::InvalidArgumentError(absl::StrCat("cannot read ", path));
  std::string text(kMaxTokenBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxTokenBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has more than ", kMaxTokenBytes, " bytes: it is no token"));
  }
  absl::StripAsciiWhitespace(&text);
  if (text.empty()) return absl::InvalidArgumentError(absl::StrCat(path, " is empty"));
  out = Secret(std::move(text));
  return absl::OkStatus();
}

absl::StatusOr<CheckOptions> ReadOptions(Arguments arguments) {
  CheckOptions given;
  const Option token_file = {.name = "--auth-token-file", .set = [&given](absl::string_view path) {
                               return ReadToken(path, given.token);
                             }};
  absl::StatusOr<std::vector<std::string>> words =
      ParseOptions(arguments, {KindOption(given.kind), MethodOption("--method", given.method),
                               ParameterOption(given.parameters), token_file,
                               AllowOption(given.allow), Flag("--json", given.json)});
  if (!words.ok()) return words.status();
  if (words->size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("takes one URL, not ", words->empty() ? "none" : "several"));
  }
  given.url = std::move(words->front());
  if (absl::StatusOr<twilio::Url> url = twilio::ParseUrl(given.url); !url.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("takes an http or https URL; files are not read: ", url.status().message()));
  }
  return given;
}

v1::ResolveTwiMLRequest RequestOf(const CheckOptions& given) {
  v1::ResolveTwiMLRequest request;
  request.set_kind(given.kind == Kind::kVoice ? v1::KIND_VOICE : v1::KIND_MESSAGING);
  request.set_account_sid(kNoAccountSid);
  request.mutable_handler()->set_url(given.url);
  request.mutable_handler()->set_method(given.method == router::Method::kGet ? v1::METHOD_GET
                                                                             : v1::METHOD_POST);
  const twilio::Form parameters =
      given.parameters.empty() ? SampleParameters(given.kind, kCalledNumber) : given.parameters;
  for (const twilio::Parameter& parameter : parameters) {
    (*request.mutable_parameters())[parameter.name] = parameter.value;
  }
  return request;
}

twilio::ContentType ContentTypeOf(const router::Reply& reply) {
  for (const router::Header& header : reply.headers) {
    if (absl::EqualsIgnoreCase(header.name, "content-type")) {
      return twilio::ParseContentType(header.value);
    }
  }
  return {};
}

// What is wrong with a document, and the document it is wrong in.
struct Mistake {
  int code = 0;
  std::string message = {};
  int line = 0;  // 0: it has no place
  int column = 0;
};

struct Findings {
  std::string document = {};  // as it came, in UTF-8
  std::vector<Mistake> errors = {};
  std::vector<Mistake> warnings = {};
};

Findings FindingsOf(const LocalAnswer& answer, Kind kind) {
  const router::Outcome& outcome = answer.outcome;
  Findings findings;
  for (const std::string& note : outcome.notes) findings.warnings.push_back({.message = note});
  for (const router::Warning& warning : outcome.warnings) {
    findings.document = outcome.document;
    findings.warnings.push_back({.code = warning.code,
                                 .message = warning.message,
                                 .line = warning.line,
                                 .column = warning.column});
  }
  for (const router::Fault& fault : outcome.faults) {
    Mistake& mistake =
        findings.errors.emplace_back(Mistake{.code = fault.code, .message = fault.detail});
    if (fault.phase != router::Phase::kParse) continue;
    // The fault says its place in a sentence only; looked at again, the document says it in
    // numbers.
    const router::Reply& reply = answer.last_reply;
    absl::StatusOr<std::string> text = twilio::ToUtf8(reply.body, ContentTypeOf(reply).charset);
    if (!text.ok()) continue;
    const std::optional<twilio::Finding> fatal = twilio::CheckTwiml(*text, kind).fatal;
    if (!fatal.has_value()) continue;
    mistake.message = fatal->message;
    mistake.line = fatal->line;
    mistake.column = fatal->column;
    findings.document = *std::move(text);
  }
  return findings;
}

std::string RenderMistake(const Mistake& mistake, const char* level, Color color,
                          const std::string& document, const Style& style) {
  std::string out = Paint(style, color, level);
  if (mistake.code != 0) absl::StrAppend(&out, " ", CodeText(mistake.code));
  if (mistake.line != 0) {
    absl::StrAppend(&out, ", line ", mistake.line, ", column ", mistake.column);
  }
  absl::StrAppend(&out, ": ", Printable(mistake.message), "\n");
  if (mistake.line != 0) {
    absl::StrAppend(&out, RenderPlace(document, mistake.line, mistake.column, style));
  }
  if (mistake.code != 0) {
    absl::StrAppend(&out, Paint(style, Color::kDim, twilio::ErrorCodePage(mistake.code)), "\n");
  }
  return out;
}

// "HTTP 200, text/xml, 93 bytes"; empty without an answer.
std::string RenderReply(const router::Reply& reply) {
  if (reply.status == 0) return {};
  const std::string type = ContentTypeOf(reply).type;
  return absl::StrCat("HTTP ", reply.status, ", ", type.empty() ? "no Content-Type" : type, ", ",
                      reply.body.size(), " bytes");
}

std::string RenderFindings(const LocalAnswer& answer, const Findings& findings,
                           const Style& style) {
  const router::Reply& reply = answer.last_reply;
  v1::ResolveTwiMLResponse response = answer.response;
  if (!findings.errors.empty() && !response.attempts().empty()) {
    // Told below, with its place.
    v1::Attempt& last = *response.mutable_attempts()->rbegin();
    last.clear_error_code();
    last.clear_detail();
  }
  std::string out = RenderAttempts(response, style);
  const std::string came = Printable(RenderReply(reply));
  if (!came.empty()) absl::StrAppend(&out, out.empty() ? "" : "\n", came, "\n");
  if (findings.errors.empty() && findings.warnings.empty()) {
    absl::StrAppend(&out, Paint(style, Color::kGreen, "good"), "\n");
  }
  for (const Mistake& error : findings.errors) {
    absl::StrAppend(&out, "\n",
                    RenderMistake(error, "error", Color::kRed, findings.document, style));
  }
  for (const Mistake& warning : findings.warnings) {
    absl::StrAppend(&out, "\n",
                    RenderMistake(warning, "warning", Color::kYellow, findings.document, style));
  }
  return out;
}

}  // namespace

int CheckCommand(Arguments arguments) {
  if (WantsHelp(arguments)) {
    Print(stdout, kUsage);
    return kExitGood;
  }
  const absl::StatusOr<CheckOptions> given = ReadOptions(arguments);
  if (!given.ok()) return UsageError("check", given.status().message());

  router::RouterConfig config;
  config.accounts = {{.sid = kNoAccountSid, .auth_token = given->token}};
  config.egress.allow = given->allow;
  const LocalAnswer answer = ResolveLocally(config, RequestOf(*given), kTimeout);
  if (!answer.status.ok()) {
    Print(stderr,
          absl::StrCat("understudy check: ", Printable(answer.status.error_message()), "\n"));
    return kExitFailed;
  }
  const Findings findings = FindingsOf(answer, given->kind);
  if (given->json) {
    Print(stdout, RenderJson(answer.response));
  } else {
    Print(stdout, RenderFindings(answer, findings, StyleFor(stdout)));
    if (!answer.outcome.attempts.empty() &&
        answer.outcome.attempts.back().phase == router::Phase::kPolicy) {
      Print(stderr, kAllowHint);
    }
  }
  if (!findings.errors.empty()) return kExitFailed;
  return findings.warnings.empty() ? kExitGood : kExitWarnings;
}

}  // namespace understudy::cli
