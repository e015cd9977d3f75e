// What web servers answer in the tests: complete replies, and the ways not to get one.
#ifndef TESTS_SIM_REPLIES_H_
#define TESTS_SIM_REPLIES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "services/router/resolve/call.h"

namespace understudy::testing {

// Valid TwiML, for calls and for messages.
inline constexpr absl::string_view kVoiceTwiml = "<Response><Say>Hello</Say></Response>";
inline constexpr absl::string_view kMessagingTwiml =
    "<Response><Message>Hello</Message></Response>";

// 200 with that body.
router::Reply Document(absl::string_view body, absl::string_view content_type = "text/xml");

// No body, no headers.
router::Reply Status(int status);

router::Reply RedirectTo(absl::string_view location, int status = 302);

// 401, asking for what `www_authenticate` says.
router::Reply Unauthorized(absl::string_view www_authenticate);

// No response that counts. `answered`: some part of one had arrived.
router::Reply Failed(router::NetError error, bool answered = false);

}  // namespace understudy::testing

#endif  // TESTS_SIM_REPLIES_H_
