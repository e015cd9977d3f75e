// What is written down of a request that went wrong: its parameters and headers, bounded, and never
// a secret. Pure.
//
// Texts become UTF-8 without control characters, names without one are left out, URLs lose their
// credentials and fragments. The result of a result is itself.
#ifndef COMMON_TWILIO_KEPT_FORM_H_
#define COMMON_TWILIO_KEPT_FORM_H_

#include <cstddef>

#include "common/twilio/form.h"

namespace understudy::twilio {

// Stands in place of a value that is not kept.
inline constexpr char kNotKept[] = "[not kept]";

// What is over a limit is cut, between characters, or left out.
inline constexpr size_t kMaxKeptNameBytes = 256;
// So that one long text does not push out the others.
inline constexpr size_t kMaxKeptValueBytes = 1024;
inline constexpr size_t kMaxKeptParameters = 64;
inline constexpr size_t kMaxKeptParametersBytes = 4096;  // names and values together
inline constexpr size_t kMaxKeptHeaders = 32;
inline constexpr size_t kMaxKeptHeadersBytes = 2048;

// kNotKept stands for what a caller typed (Digits may be a card number or a PIN), and for what the
// name says is a secret (password, token, authorization and the like).
Form KeptParameters(const Form& parameters);

// Without credentials, cookies and signatures. Of headers that came more than once the values are
// joined, as HTTP allows.
Form KeptHeaders(const Form& headers);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_KEPT_FORM_H_
