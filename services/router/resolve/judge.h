// What a reply is worth: a document, a redirect, or a failure with Twilio's code for it.
// Source: Twilio, "Error and Warning Dictionary", "TwiML for Programmable Voice" and
// "... Messaging" (content types), "Availability and Reliability". Pure.
#ifndef SERVICES_ROUTER_RESOLVE_JUDGE_H_
#define SERVICES_ROUTER_RESOLVE_JUDGE_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/router/resolve/call.h"

namespace understudy::router {

struct Document {
  std::string twiml = {};  // UTF-8, well-formed, root Response
  std::vector<Warning> warnings = {};
};

struct Redirect {
  std::string location = {};  // as the server wrote it
  bool keep_method = false;   // 307; else the next request is a GET
};

// Which rule of a retry policy a failure falls under.
enum class RetryClass : uint8_t { kNever, kConnect, kRead, k4xx, k5xx };

struct Failure {
  int code = 0;
  Phase phase = Phase::kNone;
  RetryClass retry = RetryClass::kNever;
  std::string detail = {};  // one sentence a stranger can act on
};

using Verdict = std::variant<Document, Redirect, Failure>;

// `url` is what was requested, without added parameters: an audio answer becomes a Play of it, and
// of its body only the first bytes are looked at.
// REQUIRES: reply.error is not kCancelled. Whether a redirect may be followed is the plan's to say.
Verdict Judge(const Reply& reply, Kind kind, RetrievalCodes codes, absl::string_view url);

// The same for a document that did not come by HTTP: a Document or a Failure. `text` is in UTF-8.
Verdict JudgeTwiml(std::string text, Kind kind);

// The code for an error below HTTP.
int CodeOf(NetError error, RetrievalCodes codes);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_RESOLVE_JUDGE_H_
