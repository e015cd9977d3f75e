// What `resolve` and `check` both let their user say about the call.
#ifndef SERVICES_CLI_CALL_OPTIONS_H_
#define SERVICES_CLI_CALL_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/twilio/form.h"
#include "common/twilio/kind.h"
#include "services/cli/options.h"
#include "services/router/fetch/egress.h"
#include "services/router/resolve/call.h"

namespace understudy::cli {

// The account of a call whose user named none: well-formed, nobody's.
inline constexpr char kNoAccountSid[] = "AC00000000000000000000000000000000";
inline constexpr char kCallerNumber[] = "+14155550100";
inline constexpr char kCalledNumber[] = "+14155550199";

// Of --timeout.
inline constexpr absl::Duration kMinTimeout = absl::Milliseconds(100);
inline constexpr absl::Duration kMaxTimeout = absl::Minutes(10);

Option KindOption(twilio::Kind& out);  // --kind
Option MethodOption(absl::string_view name, router::Method& out);
Option ParameterOption(twilio::Form& out);           // --param; no name twice
Option AllowOption(std::vector<router::Cidr>& out);  // --allow
Option TimeoutOption(absl::Duration& out);           // --timeout

// What a real call, or message, from kCallerNumber to `called` would bring.
twilio::Form SampleParameters(twilio::Kind kind, const std::string& called);

// Beside what the egress rule stopped, where a user can do something about it.
inline constexpr char kAllowHint[] =
    "Loopback, private and other special addresses are shut unless opened with --allow CIDR;\n"
    "for a server on this machine: --allow 127.0.0.0/8 --allow ::1\n";

}  // namespace understudy::cli

#endif  // SERVICES_CLI_CALL_OPTIONS_H_
