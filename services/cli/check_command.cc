#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/serving/grpc_error.h"
#include "common/twilio/bin_template.h"
#include "common/twilio/charset.h"
#include "common/twilio/content_type.h"
#include "common/twilio/error_codes.h"
#include "common/twilio/text_place.h"
#include "common/twilio/twiml.h"
#include "common/twilio/url.h"
#include "services/cli/answer.h"
#include "services/cli/call_options.h"
#include "services/cli/check_report.h"
#include "services/cli/command.h"

namespace understudy::cli {
namespace {

namespace v1 = router::v1;
using twilio::Finding;
using twilio::Kind;
using twilio::Level;

constexpr char kUsage[] = R"(Usage: understudy check FILE|URL|- ... [OPTIONS]

Says everything that is wrong with TwiML documents, as a compiler does:

  reply.xml:3:5: warning: <Foo> is not allowed in <Response> [12200]

A FILE, or - for standard input, is judged like an answer of type text/xml: at most 65536 bytes,
in UTF-8 unless a byte order mark or its XML declaration says otherwise. A URL (http or https) is
requested as Twilio would, redirects, retries and the URL's connection overrides included; each
request is shown with the time it took.

  --kind KIND             voice (default) or messaging: what the documents answer
  --bin                   the files are TwiML bins: templates with {{Name}}, {{#Name}}...{{/Name}}
                          and so on, judged however their sections turn out
  --json                  print a report as JSON and nothing else (below)

For URLs:
  --method METHOD         POST (default) or GET
  --param NAME=VALUE      a parameter of the request; repeatable. Without any, those of a call
                          (CallSid, From, To, CallStatus, ...) or message (MessageSid, From, To,
                          Body, ...) from +14155550100 are made up
  --auth-token-file FILE  sign the request (X-Twilio-Signature) with the token in this file
  --allow CIDR            addresses that may be dialled besides the public ones, such as
                          127.0.0.0/8; repeatable
  --ca-file FILE          the authorities trusted for https, in PEM form (default
                          /etc/ssl/certs/ca-certificates.crt)

The report is {"documents": [{"name", "findings": [{"level": "LEVEL_ERROR" or "LEVEL_WARNING",
"code", "message", "line", "column", "page"}], "response"}], "errors", "warnings"}. Code 0 is none
in Twilio's dictionary, line 0 no place in the document; "response" is there for URLs: the
ResolveTwiMLResponse of a call with this URL and no fallback.

Exit status, by the worst there is in any of the documents: 0 nothing is wrong; 3 there are
warnings, the documents run; 1 there are errors: a document cannot be had, cannot run, or stops at
a verb that cannot; 2 wrong usage.
)";

constexpr int kExitWarnings = 3;
constexpr absl::Duration kTimeout = absl::Seconds(16);  // more than a URL gets
constexpr size_t kMaxTokenBytes = 256;
// What a router takes of an answer by default.
constexpr size_t kMaxDocumentBytes = 65536;
constexpr int kParseFailure = 12100;
constexpr int kTooLarge = 11750;

struct CheckOptions {
  std::vector<std::string> names = {};  // files, URLs, "-"
  Kind kind = Kind::kVoice;
  bool is_bin = false;
  router::Method method = router::Method::kPost;
  twilio::Form parameters = {};
  Secret token = {};
  std::vector<router::Cidr> allow = {};
  std::string ca_file = {};  // empty: not given
  bool json = false;
};

bool IsUrl(absl::string_view name) {
  return absl::StrContains(name, "://");
}

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

// `option`, remembering in `given` that it was given.
Option Noted(Option option, absl::string_view& given) {
  option.set = [set = std::move(option.set), name = option.name, &given](absl::string_view value) {
    given = name;
    return set(value);
  };
  return option;
}

absl::StatusOr<CheckOptions> ReadOptions(Arguments arguments) {
  CheckOptions given;
  absl::string_view for_urls;  // an option that says nothing about files
  const Option token_file = {.name = "--auth-token-file", .set = [&given](absl::string_view path) {
                               return ReadToken(path, given.token);
                             }};
  absl::StatusOr<std::vector<std::string>> words = ParseOptions(
      arguments, {KindOption(given.kind), Flag("--bin", given.is_bin), Flag("--json", given.json),
                  Noted(MethodOption("--method", given.method), for_urls),
                  Noted(ParameterOption(given.parameters), for_urls), Noted(token_file, for_urls),
                  Noted(AllowOption(given.allow), for_urls),
                  Noted(Text("--ca-file", given.ca_file), for_urls)});
  if (!words.ok()) return words.status();
  given.names = *std::move(words);
  if (given.names.empty()) {
    return absl::InvalidArgumentError("takes a FILE, a URL or - for standard input");
  }
  for (const std::string& name : given.names) {
    if (!IsUrl(name)) continue;
    if (given.is_bin) {
      return absl::InvalidArgumentError("--bin is for files: a web server answers with documents");
    }
    if (absl::StatusOr<twilio::Url> url = twilio::ParseUrl(name); !url.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(twilio::RedactUrl(name), ": ", url.status().message()));
    }
  }
  if (!for_urls.empty() && std::none_of(given.names.begin(), given.names.end(), IsUrl)) {
    return absl::InvalidArgumentError(absl::StrCat(for_urls, " is for URLs, and there is none"));
  }
  if (std::count(given.names.begin(), given.names.end(), "-") > 1) {
    return absl::InvalidArgumentError("- is given twice, and standard input can be read once");
  }
  return given;
}

// Judges what came as a document, or as a bin; what it is encoded in, `charset` says first.
CheckedDocument Judge(absl::string_view bytes, absl::string_view charset,
                      const CheckOptions& given) {
  CheckedDocument checked;
  absl::StatusOr<std::string> text = twilio::ToUtf8(bytes, charset);
  if (!text.ok()) {
    Finding unreadable = {.code = kParseFailure, .message = std::string(text.status().message())};
    if (absl::EndsWith(unreadable.message, ": not UTF-8")) {
      // Almost a text all the same: it has lines, and can be shown.
      absl::ConsumePrefix(&bytes, "\xEF\xBB\xBF");
      const twilio::TextPlace place = twilio::PlaceOf(bytes, twilio::ValidUtf8Prefix(bytes));
      unreadable.message =
          "Not UTF-8; a document in another encoding names it in its XML declaration";
      unreadable.line = place.line;
      unreadable.column = place.column;
      checked.text = std::string(bytes);
    }
    checked.findings.push_back(std::move(unreadable));
    return checked;
  }
  twilio::TwimlReport report =
      given.is_bin ? twilio::CheckBin(*text, given.kind) : twilio::CheckTwiml(*text, given.kind);
  checked.text = *std::move(text);
  checked.findings = std::move(report.warnings);
  if (report.fatal.has_value()) checked.findings = {*std::move(report.fatal)};
  return checked;
}

// The bytes of a file, or of standard input for "-"; one more than a document may have at most. An
// error's message is the system's.
absl::StatusOr<std::string> ReadBytes(const std::string& name) {
  std::FILE* const file = name == "-" ? stdin : std::fopen(name.c_str(), "rbe");
  if (file == nullptr) return absl::NotFoundError(std::generic_category().message(errno));
  std::string bytes(kMaxDocumentBytes + 1, '\0');
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
  const int error = std::ferror(file) != 0 ? errno : 0;
  if (file != stdin) std::fclose(file);
  if (error != 0) return absl::UnavailableError(std::generic_category().message(error));
  return bytes;
}

CheckedDocument CheckFile(const std::string& name, const CheckOptions& given) {
  CheckedDocument checked;
  const absl::StatusOr<std::string> bytes = ReadBytes(name);
  if (!bytes.ok()) {
    checked.findings.push_back({.message = std::string(bytes.status().message())});
  } else if (bytes->size() > kMaxDocumentBytes) {
    checked.findings.push_back(
        {.code = kTooLarge,
         .message = absl::StrCat("The document has more than ", kMaxDocumentBytes, " bytes")});
  } else {
    checked = Judge(*bytes, /*charset=*/{}, given);
  }
  checked.name = name;
  return checked;
}

v1::ResolveTwiMLRequest RequestOf(const std::string& url, const CheckOptions& given) {
  v1::ResolveTwiMLRequest request;
  request.set_kind(given.kind == Kind::kVoice ? v1::KIND_VOICE : v1::KIND_MESSAGING);
  request.set_account_sid(kNoAccountSid);
  request.mutable_handler()->set_url(url);
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

Level LevelOf(int code) {
  const twilio::ErrorCode* const known = twilio::FindErrorCode(code);
  return known == nullptr ? Level::kWarning : known->level;
}

CheckedDocument CheckAnswer(const std::string& name, const LocalAnswer& answer,
                            const CheckOptions& given) {
  const router::Outcome& outcome = answer.outcome;
  CheckedDocument checked;
  for (const router::Fault& fault : outcome.faults) {
    if (fault.phase == router::Phase::kParse) {
      // The fault says its place in a sentence only; looked at again, the document says it in
      // numbers.
      const router::Reply& reply = answer.last_reply;
      checked = Judge(reply.body, ContentTypeOf(reply).charset, given);
    }
    if (CountOf({checked}, Level::kError) == 0) {
      checked.findings.push_back({.code = fault.code, .message = fault.detail});
    }
  }
  if (outcome.faults.empty()) checked.text = outcome.document;
  for (const router::Warning& warning : outcome.warnings) {
    checked.findings.push_back({.code = warning.code,
                                .level = LevelOf(warning.code),
                                .message = warning.message,
                                .line = warning.line,
                                .column = warning.column});
  }
  for (absl::string_view note : outcome.notes) {
    absl::ConsumePrefix(&note, absl::StrCat(name, ": "));
    checked.findings.push_back({.level = Level::kWarning, .message = std::string(note)});
  }
  return checked;
}

// "HTTP 200, text/xml, 93 bytes"; empty without an answer.
std::string RenderReply(const router::Reply& reply) {
  if (reply.status == 0) return {};
  const std::string type = ContentTypeOf(reply).type;
  return absl::StrCat("HTTP ", reply.status, ", ", type.empty() ? "no Content-Type" : type, ", ",
                      reply.body.size(), " bytes");
}

// The requests, and what came of them.
std::string RenderRequests(const LocalAnswer& answer, const Style& style) {
  v1::ResolveTwiMLResponse response = answer.response;
  if (!answer.outcome.faults.empty() && !response.attempts().empty()) {
    // Told below, with its place.
    v1::Attempt& last = *response.mutable_attempts()->rbegin();
    last.clear_error_code();
    last.clear_detail();
  }
  std::string out = RenderAttempts(response, style);
  const std::string came = Printable(RenderReply(answer.last_reply));
  if (!came.empty()) absl::StrAppend(&out, out.empty() ? "" : "\n", came, "\n");
  return out;
}

CheckedDocument CheckUrl(const std::string& url, const CheckOptions& given, const Style& style) {
  router::RouterConfig config;
  config.accounts = {{.sid = kNoAccountSid, .auth_token = given.token}};
  config.egress.allow = given.allow;
  if (!given.ca_file.empty()) config.ca_file = given.ca_file;
  const LocalAnswer answer = ResolveLocally(config, RequestOf(url, given), kTimeout);

  const std::string name = twilio::RedactUrl(url);
  CheckedDocument checked;
  if (answer.status.ok()) {
    checked = CheckAnswer(name, answer, given);
    checked.response = answer.response;
    checked.requests = RenderRequests(answer, style);
  } else {
    checked.findings.push_back({.message = answer.status.error_message()});
  }
  checked.name = name;
  return checked;
}

bool WasDenied(const CheckedDocument& document) {
  return document.response.has_value() && !document.response->attempts().empty() &&
         document.response->attempts().rbegin()->phase() == v1::PHASE_POLICY;
}

}  // namespace

int CheckCommand(Arguments arguments) {
  if (WantsHelp(arguments)) {
    Print(stdout, kUsage);
    return kExitGood;
  }
  const absl::StatusOr<CheckOptions> given = ReadOptions(arguments);
  if (!given.ok()) return UsageError("check", given.status().message());

  const Style style = StyleFor(stdout);
  std::vector<CheckedDocument> documents;
  std::optional<bool> was_url;  // what is printed last
  for (const std::string& name : given->names) {
    documents.push_back(IsUrl(name) ? CheckUrl(name, *given, style) : CheckFile(name, *given));
    const std::string text = RenderDocument(documents.back(), style);
    if (given->json || text.empty()) continue;
    // A file's findings are lines like those of the file before; requests stand apart.
    const bool stands_apart = was_url.has_value() && (*was_url || IsUrl(name));
    Print(stdout, absl::StrCat(stands_apart ? "\n" : "", text));
    was_url = IsUrl(name);
  }
  Print(stdout, given->json ? RenderJson(documents) : RenderCount(documents, style));
  if (!given->json && std::any_of(documents.begin(), documents.end(), WasDenied)) {
    Print(stderr, kAllowHint);
  }
  if (CountOf(documents, Level::kError) > 0) return kExitFailed;
  return CountOf(documents, Level::kWarning) > 0 ? kExitWarnings : kExitGood;
}

}  // namespace understudy::cli
