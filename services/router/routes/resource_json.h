// Numbers and applications as JSON, field by field as Twilio's SDKs read them. Pure.
// Source: Twilio, "IncomingPhoneNumber resource", "Application resource", "Twilio's Response".
#ifndef SERVICES_ROUTER_ROUTES_RESOURCE_JSON_H_
#define SERVICES_ROUTER_ROUTES_RESOURCE_JSON_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/twilio/form.h"
#include "common/twilio/rest.h"
#include "services/router/routes/number_resource.h"

namespace understudy::router {

// Fields without a value are "" where they hold a URL or an application, else null.
std::string NumberJson(const IncomingPhoneNumber& number);
std::string ApplicationJson(const Application& application);

// Where a page stands among the others of its list.
struct PageLinks {
  std::string path = {};    // of the list
  twilio::Form query = {};  // what was asked for
  twilio::PageAsked page = {};
  std::string next_token = {};      // empty: this is the last
  std::string previous_token = {};  // empty: this is the first
};

// A page whose array is called `key`; its items are JSON. Its keys are these and no more: an SDK
// takes the one that it does not know for the array.
std::string PageJson(absl::string_view key, const std::vector<std::string>& items,
                     const PageLinks& links);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_ROUTES_RESOURCE_JSON_H_
