// What `check` found, as text for people and as JSON for scripts. Pure.
#ifndef SERVICES_CLI_CHECK_REPORT_H_
#define SERVICES_CLI_CHECK_REPORT_H_

#include <understudy/router/v1/router_service.pb.h>

#include <optional>
#include <string>
#include <vector>

#include "common/twilio/error_codes.h"
#include "common/twilio/twiml.h"
#include "services/cli/render.h"

namespace understudy::cli {

struct CheckedDocument {
  std::string name = {};  // of the file; "-"; the URL
  std::string text = {};  // what the findings have their places in
  // Code 0: Twilio has none for it. Line 0: it has no place.
  std::vector<twilio::Finding> findings = {};
  // Of a URL: how it came, as text, and the answer.
  std::string requests = {};
  std::optional<router::v1::ResolveTwiMLResponse> response = {};
};

// How many findings of the level there are in all.
int CountOf(const std::vector<CheckedDocument>& documents, twilio::Level level);

// How it came; then a line for each finding, "name:line:column: error: message [code]", and its
// place in the text. Empty for a file in which nothing is wrong.
std::string RenderDocument(const CheckedDocument& document, const Style& style);

// The pages of all codes; last a line that counts: "good", or "2 documents: 1 error, 3 warnings".
std::string RenderCount(const std::vector<CheckedDocument>& documents, const Style& style);

// An understudy.cli.v1.CheckReport in proto3 JSON, every field in it, with a newline at its end.
std::string RenderJson(const std::vector<CheckedDocument>& documents);

}  // namespace understudy::cli

#endif  // SERVICES_CLI_CHECK_REPORT_H_
