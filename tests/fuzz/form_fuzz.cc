// Any bytes as a form.
#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "common/twilio/form.h"
#include "tests/fuzz/fuzz_target.h"

using understudy::testing::Require;
using understudy::twilio::AppendQuery;
using understudy::twilio::DecodeForm;
using understudy::twilio::EncodeForm;
using understudy::twilio::Form;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const Form form = DecodeForm(input);
  const std::string encoded = EncodeForm(form);
  Require(DecodeForm(encoded) == form, "what is encoded decodes to itself");
  for (const char c : encoded) {
    Require(absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                absl::string_view("-_.*%+=&").find(c) != absl::string_view::npos,
            "an encoded form may stand in a URL");
  }
  const absl::string_view url = "https://a.example/v?x";
  const std::string with_query = AppendQuery(url, form);
  Require(form.empty() ? with_query == url : with_query.substr(url.size() + 1) == encoded,
          "a query is appended as it is encoded");
  return 0;
}
