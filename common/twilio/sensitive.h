// What is not written down, whoever sent it. Pure.
#ifndef COMMON_TWILIO_SENSITIVE_H_
#define COMMON_TWILIO_SENSITIVE_H_

#include "absl/strings/string_view.h"

namespace understudy::twilio {

// Stands in place of a value that is not kept.
inline constexpr char kNotKept[] = "[not kept]";

// Parameters whose values are not kept: what a caller typed (Digits may be a card number or a PIN),
// and what its name says is a secret (password, token, authorization and the like).
bool IsSecretParameter(absl::string_view name);

// Headers that are not kept: credentials, cookies, signatures. Without regard to case.
bool IsSecretHeader(absl::string_view name);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_SENSITIVE_H_
