// X-Twilio-Signature: made for requests we send, checked on requests we get.
//
// A signature is the base64 of HMAC-SHA1, keyed with the account's auth token, over the URL
// followed by the sorted form parameters (Twilio: "Webhooks Security").
// Pure functions, safe from any thread; no result and no message contains the token.
#ifndef COMMON_TWILIO_SIGNATURE_H_
#define COMMON_TWILIO_SIGNATURE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "common/secret.h"
#include "common/twilio/form.h"
#include "common/twilio/kind.h"

namespace understudy::twilio {

// What Twilio puts under its signature for a request to `url`: no user:password@, no fragment, and
// no port where the scheme is https and the document is for a call; any other explicit port stays.
// Everything else is byte for byte the URL requested.
std::string SignedUrl(absl::string_view url, Kind kind);

// The header's value for exactly this URL and these form parameters (decoded; empty for GET and
// for bodies that are no form). A name that repeats counts once for each distinct value.
std::string Sign(const Secret& token, absl::string_view url, const Form& body);

// Whether `signature` is one Twilio may have made for this request. As lenient as the validators of
// Twilio's SDKs: `url` may stand with or without its port, with that of its scheme where it has
// none, and with the apostrophes of its query written as %27. Compares in constant time.
// An empty token matches nothing.
bool SignatureMatches(const Secret& token, absl::string_view url, const Form& body,
                      absl::string_view signature);

// The same for a body that is no form: the URL is signed alone, and its parameter bodySHA256 must
// be the lower-case hex SHA-256 of `raw_body`.
bool JsonSignatureMatches(const Secret& token, absl::string_view url, absl::string_view raw_body,
                          absl::string_view signature);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_SIGNATURE_H_
