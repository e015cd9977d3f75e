// Request parameters in order, and application/x-www-form-urlencoded both ways.
//
// Pure functions, safe from any thread. Work and memory are linear in the input: the caller bounds
// the body or query it passes in.
#ifndef COMMON_TWILIO_FORM_H_
#define COMMON_TWILIO_FORM_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace understudy::twilio {

// Decoded bytes, by convention UTF-8. Names are case-sensitive and may repeat.
struct Parameter {
  std::string name = {};
  std::string value = {};

  friend bool operator==(const Parameter&, const Parameter&) = default;
};

// The order is kept on the wire; to Twilio it means nothing.
using Form = std::vector<Parameter>;

// name=value joined by '&'. Letters, digits and - _ . * stay as they are, a space becomes '+',
// every other byte %XX in upper case. '~' is escaped too: so do browsers' forms and Java's encoder,
// and a reader that follows RFC 3986 decodes it all the same.
std::string EncodeForm(const Form& form);

// The inverse of EncodeForm. Never fails, whatever a stranger sends: a '%' without two hex digits
// behind it stays as it is, a piece without '=' is a name with an empty value, an empty piece
// ("a=1&&b=2") is skipped. The bytes decoded need not be UTF-8.
Form DecodeForm(absl::string_view encoded);

// `url` with the form behind its query: after '?', or after '&' where there is a query already.
// An empty form leaves it as it is. REQUIRES: `url` has no fragment.
std::string AppendQuery(absl::string_view url, const Form& form);

// The value of the first parameter of that name; null if there is none. Lives as long as `form`
// is neither changed nor destroyed.
const std::string* FindParameter(const Form& form, absl::string_view name);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_FORM_H_
