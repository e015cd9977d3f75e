#include "common/twilio/kept_form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace understudy::twilio {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

size_t BytesOf(const Form& form) {
  size_t bytes = 0;
  for (const auto& [name, value] : form) bytes += name.size() + value.size();
  return bytes;
}

Form Numbered(size_t count) {
  Form form;
  for (size_t i = 0; i < count; ++i) form.push_back({absl::StrCat("n", i), "v"});
  return form;
}

TEST(KeptParametersTest, OrdinaryOnesStayAsTheyAre) {
  const Form form = {{"CallSid", "CA1"}, {"From", "+14155550100"}, {"SpeechResult", "yes"},
                     {"Empty", ""},      {"From", "again"},        {"FinishedOnKey", "#"}};
  EXPECT_EQ(KeptParameters(form), form);
  EXPECT_THAT(KeptParameters({}), IsEmpty());
}

TEST(KeptParametersTest, SecretsAreNotKept) {
  for (const char* name :
       {"Digits", "digits", "Password", "user_passwd", "Passcode", "ClientSecret", "AccessToken",
        "token", "ApiKey", "api_key", "x-api-key", "SipHeader_Authorization", "Credentials"}) {
    EXPECT_EQ(KeptParameters({{name, "hunter2"}}), (Form{{name, kNotKept}}));
  }
  EXPECT_EQ(KeptParameters({{"Dig\nits", "1"}, {"Digits2", "1"}}),
            (Form{{"Dig its", "1"}, {"Digits2", "1"}}));
}

TEST(KeptParametersTest, UrlsLoseTheirCredentials) {
  EXPECT_EQ(KeptParameters({{"ErrorUrl", "HTTPS://u:hunter2@www.example.com/a?b=c@d#rc=2"},
                            {"Body", "write to me@example.com, see https://example.com/#top"}}),
            (Form{{"ErrorUrl", "HTTPS://www.example.com/a?b=c@d"},
                  {"Body", "write to me@example.com, see https://example.com/#top"}}));
}

TEST(KeptParametersTest, TextsBecomeHarmless) {
  EXPECT_EQ(KeptParameters({{"a\xFF", "b\xFF\r\nc\x7f"}, {"", "no name"}}),
            (Form{{"a\xEF\xBF\xBD", "b\xEF\xBF\xBD  c "}}));
}

TEST(KeptParametersTest, TheirNumberIsBounded) {
  EXPECT_THAT(KeptParameters(Numbered(kMaxKeptParameters)), SizeIs(kMaxKeptParameters));
  EXPECT_EQ(KeptParameters(Numbered(kMaxKeptParameters + 1)), Numbered(kMaxKeptParameters));
}

TEST(KeptParametersTest, NamesAndValuesAreCutBetweenCharacters) {
  const std::string tail = "\xC3\xA9";
  for (const size_t over : {size_t{0}, size_t{1}, size_t{100000}}) {
    const std::string name(kMaxKeptNameBytes - 1, 'n');
    const std::string value(kMaxKeptValueBytes - 1, 'v');
    EXPECT_EQ(KeptParameters(
                  {{name + tail + std::string(over, 'n'), value + tail + std::string(over, 'v')}}),
              (Form{{name, value}}));
    EXPECT_EQ(KeptParameters(
                  {{name + 'n' + std::string(over, 'n'), value + 'v' + std::string(over, 'v')}}),
              (Form{{name + 'n', value + 'v'}}));
  }
}

TEST(KeptParametersTest, AllTogetherAreBounded) {
  // Four of the longest leave no room, not even for a name.
  Form form;
  for (const char* name : {"a", "b", "c", "d"}) {
    form.push_back({name, std::string(kMaxKeptValueBytes - 1, 'v')});
  }
  ASSERT_EQ(BytesOf(form), kMaxKeptParametersBytes);
  EXPECT_EQ(KeptParameters(form), form);
  Form more = form;
  more.push_back({"e", ""});
  EXPECT_EQ(KeptParameters(more), form);
  // A byte less leaves room for one.
  form.back().value.pop_back();
  more = form;
  more.push_back({"e", "value"});
  form.push_back({"e", ""});
  EXPECT_EQ(KeptParameters(more), form);
}

TEST(KeptHeadersTest, SecretsAreLeftOut) {
  const Form kept = {
      {"Content-Type", "text/html"}, {"I-Twilio-Idempotency-Token", "0123"}, {"Server", "nginx"}};
  Form headers = kept;
  for (const char* name : {"Cookie", "Set-Cookie", "set-cookie2", "Authorization",
                           "Proxy-Authorization", "WWW-Authenticate", "Authentication-Info",
                           "X-Twilio-Signature", "X-Api-Key", "X-Auth-Token"}) {
    headers.push_back({name, "hunter2"});
  }
  EXPECT_EQ(KeptHeaders(headers), kept);
}

TEST(KeptHeadersTest, ThoseOfOneNameAreOne) {
  EXPECT_EQ(KeptHeaders({{"Via", "a"}, {"Server", "s"}, {"via", "b"}, {"VIA", "c"}}),
            (Form{{"Via", "a, b, c"}, {"Server", "s"}}));
}

TEST(KeptHeadersTest, AreBounded) {
  EXPECT_EQ(KeptHeaders(Numbered(kMaxKeptHeaders)), Numbered(kMaxKeptHeaders));
  EXPECT_EQ(KeptHeaders(Numbered(kMaxKeptHeaders + 1)), Numbered(kMaxKeptHeaders));
  EXPECT_EQ(KeptHeaders(Numbered(100000)), Numbered(kMaxKeptHeaders));
  const Form large = {
      {"a", std::string(5000, 'x')}, {"b", std::string(5000, 'y')}, {"c", std::string(5000, 'z')}};
  EXPECT_EQ(BytesOf(KeptHeaders(large)), kMaxKeptHeadersBytes);
}

TEST(KeptFormTest, IsItselfWhenItIsKeptAgain) {
  Form form = Numbered(40);
  form.push_back({"Digits", "1234"});
  form.push_back({"Url", "http://u:p@example.com/" + std::string(2000, '\xE9')});
  form.push_back({"Body", std::string(100000, '\xE9')});
  for (const Form& kept : {KeptParameters(form), KeptHeaders(form)}) {
    EXPECT_EQ(KeptParameters(kept), kept);
    EXPECT_EQ(KeptHeaders(KeptHeaders(kept)), KeptHeaders(kept));
  }
}

}  // namespace
}  // namespace understudy::twilio
