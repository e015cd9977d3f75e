#include "services/router/resolve/judge.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/charset.h"
#include "common/twilio/content_type.h"
#include "common/twilio/documents.h"
#include "common/twilio/twiml.h"
#include "services/router/resolve/set_cookie.h"

namespace understudy::router {
namespace {

constexpr int kHttpRetrievalFailure = 11200;
constexpr int kHttpErrorResponse = 11217;
constexpr int kProtocolViolation = 11206;
constexpr int kInvalidRedirect = 11216;
constexpr int kEmptyChunkedBody = 11770;
constexpr int kParseFailure = 12100;
constexpr int kInvalidContentType = 12300;

struct NetErrorRow {
  NetError error;
  RetryClass retry;
  int classic;
  int specific;
};

constexpr NetErrorRow kNetErrors[] = {
    {NetError::kNameNotFound, RetryClass::kNever, 11210, 11210},
    {NetError::kDnsFailed, RetryClass::kNever, 11210, 11210},
    {NetError::kDnsTimeout, RetryClass::kNever, 11210, 11210},
    {NetError::kAddressDenied, RetryClass::kNever, 11205, 11205},
    {NetError::kConnectTimeout, RetryClass::kConnect, 11205, 11201},
    {NetError::kConnectRefused, RetryClass::kConnect, 11205, 11202},
    {NetError::kUnreachable, RetryClass::kConnect, 11205, 11202},
    {NetError::kTlsHandshake, RetryClass::kConnect, 11220, 11220},
    {NetError::kTlsTimeout, RetryClass::kConnect, 11220, 11220},
    // A certificate will not be another one half a second later: no retry.
    {NetError::kCertificateName, RetryClass::kNever, 11235, 11235},
    {NetError::kCertificateExpired, RetryClass::kNever, 11236, 11236},
    {NetError::kCertificateUntrusted, RetryClass::kNever, 11237, 11237},
    {NetError::kReadTimeout, RetryClass::kRead, 11205, 11205},
    {NetError::kTotalTimeout, RetryClass::kNever, 11205, 11203},
    {NetError::kConnectionLost, RetryClass::kNever, 11205, 11205},
    {NetError::kMalformed, RetryClass::kNever, 11206, 11251},
    {NetError::kBodyTooLarge, RetryClass::kNever, 11750, 11750},
    {NetError::kNoResources, RetryClass::kNever, 12400, 12400},
};

const NetErrorRow* FindRow(NetError error) {
  for (const NetErrorRow& row : kNetErrors) {
    if (row.error == error) return &row;
  }
  return nullptr;
}

Failure NetFailure(const Reply& reply, RetrievalCodes codes) {
  const NetErrorRow* row = FindRow(reply.error);
  RetryClass retry = row == nullptr ? RetryClass::kNever : row->retry;
  if (reply.answered) retry = RetryClass::kNever;  // a partial answer is never asked for again
  return {.code = CodeOf(reply.error, codes),
          .phase = reply.phase,
          .retry = retry,
          .detail = reply.detail};
}

Failure StatusFailure(const Reply& reply, RetrievalCodes codes) {
  const RetryClass retry = reply.status / 100 == 4   ? RetryClass::k4xx
                           : reply.status / 100 == 5 ? RetryClass::k5xx
                                                     : RetryClass::kNever;
  return {.code = codes == RetrievalCodes::kClassic ? kHttpRetrievalFailure : kHttpErrorResponse,
          .phase = Phase::kStatus,
          .retry = retry,
          .detail = absl::StrCat("the server answered with HTTP status ", reply.status)};
}

Verdict JudgeRedirect(const Reply& reply) {
  const bool followed =
      reply.status == 301 || reply.status == 302 || reply.status == 303 || reply.status == 307;
  if (!followed) {
    return Failure{.code = kInvalidRedirect,
                   .phase = Phase::kRedirect,
                   .detail = absl::StrCat("HTTP status ", reply.status,
                                          " is not a redirect that is followed; 301, 302, 303 "
                                          "and 307 are")};
  }
  const Header* location = nullptr;
  for (const Header& header : reply.headers) {
    if (!absl::EqualsIgnoreCase(header.name, "location")) continue;
    if (location != nullptr && location->value != header.value) {
      return Failure{.code = kInvalidRedirect,
                     .phase = Phase::kRedirect,
                     .detail = "the redirect has two Location headers that differ"};
    }
    location = &header;
  }
  if (location == nullptr) {
    return Failure{
        .code = kInvalidRedirect,
        .phase = Phase::kRedirect,
        .detail = absl::StrCat("HTTP status ", reply.status, " came without a Location")};
  }
  return Redirect{.location = location->value, .keep_method = reply.status == 307};
}

Verdict JudgeEmpty(const Reply& reply, Kind kind) {
  if (reply.chunked) {
    return Failure{.code = kEmptyChunkedBody,
                   .phase = Phase::kContent,
                   .detail = "the response is chunked and has no body"};
  }
  if (kind == Kind::kVoice) {
    return Failure{.code = kParseFailure,
                   .phase = Phase::kContent,
                   .detail = "the response has no body; an empty answer to a call is <Response/>"};
  }
  if (reply.status == 204) return Document{.twiml = twilio::DefaultDocument(kind, {})};
  return Failure{.code = kHttpRetrievalFailure,
                 .phase = Phase::kContent,
                 .detail =
                     "the response has no body; to send no reply, answer <Response/> or "
                     "HTTP status 204"};
}

// The one Content-Type of the response, or why it has none.
std::optional<Failure> FindContentType(const Reply& reply, RetrievalCodes codes,
                                       twilio::ContentType& type) {
  const Header* found = nullptr;
  for (const Header& header : reply.headers) {
    if (!absl::EqualsIgnoreCase(header.name, "content-type")) continue;
    if (found != nullptr && found->value != header.value) {
      return Failure{.code = kInvalidContentType,
                     .phase = Phase::kContent,
                     .detail = "the response has two Content-Type headers that differ"};
    }
    found = &header;
  }
  if (found == nullptr || absl::StripAsciiWhitespace(found->value).empty()) {
    return Failure{
        .code = codes == RetrievalCodes::kClassic ? kInvalidContentType : kHttpRetrievalFailure,
        .phase = Phase::kContent,
        .detail = "the response has no Content-Type; TwiML is text/xml"};
  }
  type = twilio::ParseContentType(found->value);
  return std::nullopt;
}

Document WithFindings(std::string twiml, std::vector<twilio::Finding> findings) {
  Document document{.twiml = std::move(twiml)};
  document.warnings.reserve(findings.size());
  for (twilio::Finding& finding : findings) {
    document.warnings.push_back({.code = finding.code,
                                 .level = finding.level,
                                 .message = std::move(finding.message),
                                 .line = finding.line,
                                 .column = finding.column});
  }
  return document;
}

// Sound is played from its URL, unless its first bytes are those of another format than it is
// labelled as. A format without a head can neither be recognized nor be contradicted.
Verdict JudgeAudio(absl::string_view body, const twilio::ContentType& type, absl::string_view url) {
  const twilio::AudioFormat named = twilio::NamedAudio(type);
  const twilio::AudioFormat found = twilio::DetectAudio(body);
  if (named != twilio::AudioFormat::kUnknown && found != twilio::AudioFormat::kUnknown &&
      named != found) {
    return Failure{
        .code = kHttpRetrievalFailure,
        .phase = Phase::kContent,
        .detail = absl::StrCat("the Content-Type is ", type.type, ", but the body begins like ",
                               twilio::AudioFormatName(found))};
  }
  return Document{.twiml = twilio::PlayDocument(url)};
}

// Plain text is run if it is TwiML after all, else said to a caller or sent as the reply.
Verdict JudgeText(const std::string& text, Kind kind) {
  Verdict as_twiml = JudgeTwiml(text, kind);
  if (std::holds_alternative<Document>(as_twiml)) return as_twiml;
  std::string words =
      kind == Kind::kVoice ? twilio::SayDocument(text) : twilio::MessageDocument(text);
  // That there is too much of it is found in what we made of it. Of what escaping made so large
  // that CheckTwiml does not look at it, nothing is said.
  std::vector<twilio::Finding> findings = twilio::CheckTwiml(words, kind).warnings;
  return WithFindings(std::move(words), std::move(findings));
}

}  // namespace

Verdict JudgeTwiml(std::string text, Kind kind) {
  twilio::TwimlReport report = twilio::CheckTwiml(text, kind);
  if (report.fatal.has_value()) {
    return Failure{.code = report.fatal->code,
                   .phase = Phase::kParse,
                   .detail = absl::StrCat("line ", report.fatal->line, ", column ",
                                          report.fatal->column, ": ", report.fatal->message)};
  }
  return WithFindings(std::move(text), std::move(report.warnings));
}

int CodeOf(NetError error, RetrievalCodes codes) {
  const NetErrorRow* row = FindRow(error);
  if (row == nullptr) return 0;
  return codes == RetrievalCodes::kClassic ? row->classic : row->specific;
}

Verdict Judge(const Reply& reply, Kind kind, RetrievalCodes codes, absl::string_view url) {
  if (reply.error != NetError::kNone) return NetFailure(reply, codes);
  if (std::optional<std::string> mistake = FindCookieMistake(reply.headers)) {
    return Failure{
        .code = kProtocolViolation, .phase = Phase::kProtocol, .detail = *std::move(mistake)};
  }
  if (reply.status / 100 == 3) return JudgeRedirect(reply);
  if (reply.status / 100 != 2) return StatusFailure(reply, codes);
  if (reply.body.empty()) return JudgeEmpty(reply, kind);

  twilio::ContentType type;
  if (std::optional<Failure> failure = FindContentType(reply, codes, type)) return *failure;
  const twilio::ContentClass content = twilio::Classify(type);
  if (content == twilio::ContentClass::kAudio && kind == Kind::kVoice) {
    return JudgeAudio(reply.body, type, url);
  }
  if (content != twilio::ContentClass::kTwiml && content != twilio::ContentClass::kText) {
    return Failure{.code = kInvalidContentType,
                   .phase = Phase::kContent,
                   .detail = absl::StrCat("the Content-Type is ", type.type,
                                          "; a document is text/xml, application/xml, text/html "
                                          "or text/plain")};
  }
  absl::StatusOr<std::string> text = twilio::ToUtf8(reply.body, type.charset);
  if (!text.ok()) {
    return Failure{.code = kParseFailure,
                   .phase = Phase::kParse,
                   .detail = std::string(text.status().message())};
  }
  return content == twilio::ContentClass::kTwiml ? JudgeTwiml(*std::move(text), kind)
                                                 : JudgeText(*text, kind);
}

}  // namespace understudy::router
