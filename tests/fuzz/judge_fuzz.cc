// Any bytes as a reply: the first chooses kind, codes and what there is of headers, the second the
// status, the first line is a header's value, the rest is the body.
#include <algorithm>
#include <iterator>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "common/twilio/error_codes.h"
#include "common/twilio/twiml.h"
#include "services/router/resolve/judge.h"
#include "tests/fuzz/fuzz_target.h"

using absl::string_view;
using understudy::router::Document;
using understudy::router::Failure;
using understudy::router::Judge;
using understudy::router::Kind;
using understudy::router::Redirect;
using understudy::router::Reply;
using understudy::router::RetrievalCodes;
using understudy::router::RetryClass;
using understudy::router::Verdict;
using understudy::testing::Require;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const Kind kind = (data[0] & 1) == 0 ? Kind::kVoice : Kind::kMessaging;
  const RetrievalCodes codes =
      (data[0] & 2) == 0 ? RetrievalCodes::kClassic : RetrievalCodes::kSpecific;
  constexpr int kStatuses[] = {200, 204, 299, 301, 302, 307, 308, 404, 500, 999};
  const string_view rest(reinterpret_cast<const char*>(data + 2), size - 2);
  const string_view line = rest.substr(0, rest.find('\n'));

  Reply reply = {.answered = true,
                 .status = kStatuses[data[1] % std::size(kStatuses)],
                 .chunked = (data[0] & 4) != 0,
                 .body = std::string(rest.substr(std::min(line.size() + 1, rest.size())))};
  const char* const name = (data[0] & 8) == 0 ? "Content-Type" : "Location";
  reply.headers.push_back({name, std::string(line)});
  if ((data[0] & 16) != 0) reply.headers.push_back({"Content-Type", "text/xml"});

  const Verdict verdict = Judge(reply, kind, codes, "https://www.example.com/?a=1&b=2");
  if (const auto* document = std::get_if<Document>(&verdict)) {
    Require(reply.status / 100 == 2, "a document comes with a status of 2xx");
    const auto report = understudy::twilio::CheckTwiml(document->twiml, kind);
    Require(!report.fatal.has_value(), "a document can be executed");
    Require(std::equal(report.warnings.begin(), report.warnings.end(), document->warnings.begin(),
                       document->warnings.end(),
                       [](const auto& a, const auto& b) {
                         return a.code == b.code && a.level == b.level && a.message == b.message &&
                                a.line == b.line && a.column == b.column;
                       }),
            "its warnings are told");
    const Verdict again = Judge({.answered = true,
                                 .status = 200,
                                 .headers = {{"Content-Type", "text/xml"}},
                                 .body = document->twiml},
                                kind, codes, "https://www.example.com/");
    const auto* same = std::get_if<Document>(&again);
    Require(same != nullptr && same->twiml == document->twiml &&
                same->warnings.size() == document->warnings.size(),
            "a good document stays good");
  } else if (const auto* redirect = std::get_if<Redirect>(&verdict)) {
    Require(reply.status / 100 == 3 && redirect->location == line,
            "a redirect comes with a status of 3xx and its Location");
    Require(redirect->keep_method == (reply.status == 307), "307 keeps the method");
  } else {
    const Failure& failure = std::get<Failure>(verdict);
    const auto* code = understudy::twilio::FindErrorCode(failure.code);
    Require(code != nullptr && code->fatal, "a failure's code is a fatal one");
    Require(!failure.detail.empty(), "a failure says what is wrong");
    Require((failure.retry == RetryClass::k4xx) == (reply.status / 100 == 4) &&
                (failure.retry == RetryClass::k5xx) == (reply.status / 100 == 5),
            "only statuses are worth another try");
  }
  return 0;
}
