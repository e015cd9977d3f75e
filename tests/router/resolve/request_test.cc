#include "services/router/resolve/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/signature.h"
#include "common/version.h"

namespace understudy::router {
namespace {

using ::testing::ElementsAre;
using twilio::Form;

const Secret kToken("12345");

std::string HeaderOf(const Exchange& exchange, absl::string_view name) {
  std::string value = "(absent)";
  for (const Header& header : exchange.headers) {
    if (header.name != name) continue;
    EXPECT_EQ(value, "(absent)") << name << " is there twice";
    value = header.value;
  }
  return value;
}

Exchange Build(absl::string_view url, Method method, const Form& parameters,
               Kind kind = Kind::kVoice, const Secret& token = kToken) {
  const absl::StatusOr<twilio::Url> parsed = twilio::ParseUrl(url);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return BuildExchange(
      {.kind = kind, .auth_token = &token, .idempotency_token = "00000000-0000-5000-8000-000000"},
      *parsed, method, parameters);
}

TEST(BuildExchangeTest, PostCarriesTheFormInItsBody) {
  const Exchange exchange = Build("https://u:p@www.example.com/voice?tenant=7#rc=0", Method::kPost,
                                  {{"From", "+14155550100"}, {"Body", "a b&c"}});
  EXPECT_EQ(exchange.method, Method::kPost);
  EXPECT_EQ(exchange.url, "https://www.example.com/voice?tenant=7");
  EXPECT_EQ(exchange.body, "From=%2B14155550100&Body=a+b%26c");
  EXPECT_EQ(HeaderOf(exchange, "Content-Type"), "application/x-www-form-urlencoded; charset=UTF-8");
  EXPECT_EQ(HeaderOf(exchange, "Accept"), "*/*");
  EXPECT_EQ(HeaderOf(exchange, "I-Twilio-Idempotency-Token"), "00000000-0000-5000-8000-000000");
  EXPECT_EQ(HeaderOf(exchange, "Authorization"), "(absent)");
}

TEST(BuildExchangeTest, GetCarriesTheFormInItsQuery) {
  const Form form = {{"From", "+14155550100"}, {"Body", "a b&c"}};
  const std::string query = "From=%2B14155550100&Body=a+b%26c";
  const struct {
    const char* url;
    std::string requested;
  } kRows[] = {
      {"https://www.example.com", "https://www.example.com/?" + query},
      {"https://www.example.com/v", "https://www.example.com/v?" + query},
      {"https://www.example.com/v?", "https://www.example.com/v?" + query},
      {"https://www.example.com/v?tenant=7", "https://www.example.com/v?tenant=7&" + query},
      {"https://u:p@www.example.com/v?tenant=7#f", "https://www.example.com/v?tenant=7&" + query},
      // A configured query hides none of ours.
      {"https://www.example.com/v?From=me", "https://www.example.com/v?From=me&" + query},
  };
  for (const auto& row : kRows) {
    const Exchange exchange = Build(row.url, Method::kGet, form);
    EXPECT_EQ(exchange.url, row.requested);
    EXPECT_EQ(exchange.body, "");
    EXPECT_EQ(HeaderOf(exchange, "Content-Type"), "(absent)");
  }
}

TEST(WithoutNamesInQueryTest, LeavesOutWhatTheUrlSaysAlready) {
  const Form form = {{"From", "+14155550100"}, {"Body", "a b&c"}};
  const struct {
    const char* url;
    Form left;
  } kRows[] = {
      {"https://www.example.com/v", form},
      {"https://www.example.com/v?", form},
      {"https://www.example.com/v?from=me", form},
      {"https://www.example.com/v?From=me", {form[1]}},
      {"https://www.example.com/v?Fro%6D&x", {form[1]}},
      {"https://www.example.com/v?Body&From", {}},
  };
  for (const auto& row : kRows) EXPECT_EQ(WithoutNamesInQuery(form, row.url), row.left) << row.url;
}

TEST(BuildExchangeTest, SignsExactlyWhatIsSent) {
  const Form form = {{"CallSid", "CA1234567890ABCDE"}, {"Digits", "1234"}, {"To", "+1 (415)"}};
  for (const Kind kind : {Kind::kVoice, Kind::kMessaging}) {
    for (const char* url : {"https://www.example.com/v?x=1", "https://www.example.com:8443/v",
                            "http://www.example.com:80/v?To=you", "https://[::1]:443/"}) {
      for (const Method method : {Method::kPost, Method::kGet}) {
        const Exchange exchange = Build(url, method, form, kind);
        const std::string signed_url = twilio::SignedUrl(exchange.url, kind);
        EXPECT_EQ(HeaderOf(exchange, "X-Twilio-Signature"),
                  twilio::Sign(kToken, signed_url, twilio::DecodeForm(exchange.body)))
            << exchange.url;
        const bool port_signed = absl::StrContains(signed_url, ":8443");
        EXPECT_EQ(port_signed, absl::StrContains(url, ":8443") && kind == Kind::kMessaging);
      }
    }
  }
}

// One vector from outside, so that the two sides cannot be wrong together.
TEST(BuildExchangeTest, SignsAsTwilioDoes) {
  const Exchange exchange = Build("https://mycompany.com/myapp.php?foo=1&bar=2", Method::kPost,
                                  {{"CallSid", "CA1234567890ABCDE"},
                                   {"Caller", "+14158675309"},
                                   {"Digits", "1234"},
                                   {"From", "+14158675309"},
                                   {"To", "+18005551212"}});
  EXPECT_EQ(HeaderOf(exchange, "X-Twilio-Signature"), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
}

TEST(BuildExchangeTest, WithoutATokenNothingIsSigned) {
  const Exchange exchange =
      Build("https://www.example.com/", Method::kPost, {{"a", "b"}}, Kind::kVoice, Secret());
  EXPECT_EQ(HeaderOf(exchange, "X-Twilio-Signature"), "(absent)");
}

TEST(BuildExchangeTest, NamesItself) {
  const std::string agent =
      HeaderOf(Build("https://www.example.com/", Method::kGet, {}), "User-Agent");
  EXPECT_TRUE(absl::StartsWith(agent, absl::StrCat("Understudy/", kVersion))) << agent;
  EXPECT_TRUE(absl::StrContains(agent, "TwilioProxy/1.1")) << agent;
}

TEST(IdempotencyTokenTest, IsAUuidMadeFromItsSeed) {
  const std::string token = IdempotencyToken("AC1/request/primary");
  EXPECT_EQ(token, IdempotencyToken("AC1/request/primary"));
  ASSERT_EQ(token.size(), 36u);
  for (size_t i = 0; i < token.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      EXPECT_EQ(token[i], '-') << token;
    } else {
      EXPECT_TRUE(absl::StrContains("0123456789abcdef", token.substr(i, 1))) << token;
    }
  }
  EXPECT_EQ(token[14], '5') << token;  // made from a name
  EXPECT_TRUE(absl::StrContains("89ab", token.substr(19, 1))) << token;

  std::set<std::string> tokens;
  for (int i = 0; i < 1000; ++i) tokens.insert(IdempotencyToken(absl::StrCat("seed ", i)));
  EXPECT_EQ(tokens.size(), 1000u);
}

TEST(WithoutVerbParametersTest, LeavesWhatDescribesTheCall) {
  Form form = {{"CallSid", "CA1"},        {"Digits", "1"},         {"From", "+1"},
               {"RecordingUrl", "u"},     {"RecordingSid", "RE"},  {"RecordingDuration", "3"},
               {"SpeechResult", "yes"},   {"Confidence", "0.9"},   {"DialCallStatus", "busy"},
               {"DialCallSid", "CA2"},    {"DialBridged", "true"}, {"DialCallDuration", "7"},
               {"QueueResult", "hangup"}, {"QueueSid", "QU1"},     {"QueueTime", "9"},
               {"ErrorCode", "11200"},    {"digits", "2"}};
  EXPECT_THAT(
      WithoutVerbParameters(form),
      ElementsAre(twilio::Parameter{"CallSid", "CA1"}, twilio::Parameter{"From", "+1"},
                  twilio::Parameter{"ErrorCode", "11200"}, twilio::Parameter{"digits", "2"}));
}

TEST(CheckEndpointUrlTest, AcceptsWhatCanBeAskedAsItIsWritten) {
  for (const char* url : {"https://www.example.com/voice", "http://u:p@[::1]:8080/?x#rc=0&rp=all",
                          "https://www.example.com/#anchor", "https://www.example.com/#x=1"}) {
    EXPECT_TRUE(CheckEndpointUrl(url).ok()) << url << CheckEndpointUrl(url);
  }
  for (const char* url : {"", "www.example.com", "ftp://www.example.com/", "http://a_b/",
                          "https://www.example.com/#e=nowhere", "https://www.example.com/#rp=6xx",
                          "https://www.example.com/#ct=99", "https://www.example.com/#rc=six"}) {
    const absl::Status status = CheckEndpointUrl(url);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << url;
    EXPECT_FALSE(status.message().empty()) << url;
  }
}

TEST(BinNameTest, IsWhatStandsBehindTheScheme) {
  EXPECT_EQ(BinName("bin:apology"), "apology");
  EXPECT_EQ(BinName("bin:apology?Lang=de&x=1"), "apology");
  EXPECT_EQ(BinName("bin:"), "");
  for (const char* url :
       {"", "bin", "BIN:a", "https://bin:a@b.example/", "http://a.example/bin:b"}) {
    EXPECT_EQ(BinName(url), std::nullopt) << url;
  }
}

TEST(StepUrlTest, IsResolvedAgainstItsDocument) {
  constexpr char kBase[] = "https://www.example.com/calls/menu?tenant=7";
  const struct {
    const char* url;
    const char* absolute;
  } kCases[] = {
      {"next", "https://www.example.com/calls/next"},
      {"next?step=2", "https://www.example.com/calls/next?step=2"},
      {"/next", "https://www.example.com/next"},
      {"../next", "https://www.example.com/next"},
      {"?step=2", "https://www.example.com/calls/menu?step=2"},
      {"", kBase},
      {"  next\n", "https://www.example.com/calls/next"},
      {"next#rc=2&rp=5xx", "https://www.example.com/calls/next#rc=2&rp=5xx"},
      {"//other.example/a", "https://other.example/a"},
      {"//u:p@other.example/a#rc=0", "https://u:p@other.example/a#rc=0"},
      {"http://u:p@other.example/a?b#rc=0", "http://u:p@other.example/a?b#rc=0"},
      // No good: left to whoever asks for it to say so.
      {"ftp://other.example/", "ftp://other.example/"},
      {"htp:/x", "htp:/x"},
      {"http://", "http://"},
      {"bin:apology", "bin:apology"},
  };
  for (const auto& c : kCases) EXPECT_EQ(StepUrl(kBase, c.url), c.absolute) << c.url;
}

TEST(StepUrlTest, WithoutABaseOnlyAbsoluteOnesLeadAnywhere) {
  for (const char* base : {"", "bin:menu", "not a URL"}) {
    EXPECT_EQ(StepUrl(base, "https://a.example/b"), "https://a.example/b");
    EXPECT_EQ(StepUrl(base, "next"), "next");
    EXPECT_EQ(StepUrl(base, ""), "");
  }
}

}  // namespace
}  // namespace understudy::router
