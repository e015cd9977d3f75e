// Any bytes as the value of Set-Cookie.
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "services/router/resolve/set_cookie.h"
#include "tests/fuzz/fuzz_target.h"

using understudy::router::FindCookieMistake;
using understudy::testing::Require;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string value(reinterpret_cast<const char*>(data), size);
  const auto mistake = FindCookieMistake({{"Set-Cookie", value}});
  if (mistake.has_value()) {
    Require(mistake->size() < 200, "what is said about it is bounded, and shows no value");
    return 0;
  }
  const absl::string_view pair = absl::string_view(value).substr(0, value.find(';'));
  const size_t equals = pair.find('=');
  Require(equals != absl::string_view::npos, "a cookie has a name and a value");
  Require(!absl::StripAsciiWhitespace(pair.substr(0, equals)).empty(), "the name is not empty");
  for (const char c : pair) {
    Require(absl::string_view("\t\r\n\v\f").find(c) == absl::string_view::npos,
            "no tab and no line break");
  }
  return 0;
}
