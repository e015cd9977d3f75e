#include "services/cli/call_options.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace understudy::cli {

using router::Method;
using twilio::Kind;

Option KindOption(Kind& out) {
  return {.name = "--kind", .set = [&out](absl::string_view value) {
            if (value != "voice" && value != "messaging") {
              return absl::InvalidArgumentError("is voice or messaging");
            }
            out = value == "voice" ? Kind::kVoice : Kind::kMessaging;
            return absl::OkStatus();
          }};
}

Option MethodOption(absl::string_view name, Method& out) {
  return {.name = name, .set = [&out](absl::string_view value) {
            const bool get = absl::EqualsIgnoreCase(value, "GET");
            if (!get && !absl::EqualsIgnoreCase(value, "POST")) {
              return absl::InvalidArgumentError("is GET or POST");
            }
            out = get ? Method::kGet : Method::kPost;
            return absl::OkStatus();
          }};
}

Option ParameterOption(twilio::Form& out) {
  return {.name = "--param", .repeats = true, .set = [&out](absl::string_view value) {
            const size_t equals = value.find('=');
            if (equals == 0 || equals == absl::string_view::npos) {
              return absl::InvalidArgumentError("is NAME=VALUE, such as From=+14155550100");
            }
            const absl::string_view name = value.substr(0, equals);
            if (twilio::FindParameter(out, name) != nullptr) {
              return absl::InvalidArgumentError(absl::StrCat(name, " is given twice"));
            }
            out.push_back({std::string(name), std::string(value.substr(equals + 1))});
            return absl::OkStatus();
          }};
}

Option AllowOption(std::vector<router::Cidr>& out) {
  return {.name = "--allow", .repeats = true, .set = [&out](absl::string_view value) {
            absl::StatusOr<router::Cidr> range = router::ParseCidr(value);
            if (range.ok()) out.push_back(*range);
            return range.status();
          }};
}

Option TimeoutOption(absl::Duration& out) {
  return {.name = "--timeout", .set = [&out](absl::string_view value) {
            if (!absl::ParseDuration(value, &out) || out < kMinTimeout || out > kMaxTimeout) {
              return absl::InvalidArgumentError("is a time from 100ms to 10m, such as 10s");
            }
            return absl::OkStatus();
          }};
}

twilio::Form SampleParameters(Kind kind, const std::string& called) {
  if (kind == Kind::kMessaging) {
    return {{"MessageSid", "SM00000000000000000000000000000001"},
            {"SmsSid", "SM00000000000000000000000000000001"},
            {"From", kCallerNumber},
            {"To", called},
            {"Body", "Hello"},
            {"NumMedia", "0"},
            {"NumSegments", "1"}};
  }
  return {{"CallSid", "CA00000000000000000000000000000001"},
          {"From", kCallerNumber},
          {"To", called},
          {"Caller", kCallerNumber},
          {"Called", called},
          {"CallStatus", "ringing"},
          {"Direction", "inbound"}};
}

}  // namespace understudy::cli
