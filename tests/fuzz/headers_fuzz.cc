// Any bytes as a Content-Type and as a URL that is signed.
#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "common/twilio/content_type.h"
#include "common/twilio/signature.h"
#include "tests/fuzz/fuzz_target.h"

using absl::string_view;
using understudy::Secret;
using understudy::testing::Require;
using understudy::twilio::Classify;
using understudy::twilio::ContentType;
using understudy::twilio::Kind;
using understudy::twilio::ParseContentType;
using understudy::twilio::Sign;
using understudy::twilio::SignatureMatches;
using understudy::twilio::SignedUrl;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const string_view input(reinterpret_cast<const char*>(data), size);

  const ContentType content_type = ParseContentType(input);
  Require(content_type.type == absl::AsciiStrToLower(content_type.type), "types are lower case");
  Require(content_type.type == absl::StripAsciiWhitespace(content_type.type),
          "types have no white space around them");
  Require(content_type.type.size() + content_type.charset.size() <= input.size(),
          "nothing is made up");
  Require(Classify(ParseContentType(content_type.type)) == Classify(content_type),
          "a type alone is classified as with its parameters");

  const Secret token("12345");
  for (const Kind kind : {Kind::kVoice, Kind::kMessaging}) {
    const std::string url = SignedUrl(input, kind);
    Require(url.find('#') == std::string::npos, "fragments are not signed");
    Require(SignedUrl(url, kind) == url, "a signed URL is signed as it is");
    // A server sees the URL with its port.
    Require(SignatureMatches(token, SignedUrl(input, Kind::kMessaging), {}, Sign(token, url, {})),
            "we accept what we sign");
  }
  return 0;
}
