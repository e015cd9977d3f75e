#include "common/twilio/form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace understudy::twilio {
namespace {

using ::testing::Pointee;

TEST(EncodeFormTest, Bytes) {
  const struct {
    Form form;
    const char* encoded;
  } kCases[] = {
      {{}, ""},
      {{{"a", "1"}}, "a=1"},
      {{{"b", "2"}, {"a", "1"}, {"b", "2"}}, "b=2&a=1&b=2"},
      {{{"From", "+14155551234"}}, "From=%2B14155551234"},
      {{{"Body", "two words"}}, "Body=two+words"},
      {{{"Empty", ""}}, "Empty="},
      {{{"", ""}}, "="},
      {{{"a&b", "c=d"}}, "a%26b=c%3Dd"},
      {{{"x", "AZaz09-_.*"}}, "x=AZaz09-_.*"},
      {{{"x", "~'()!@/:"}}, "x=%7E%27%28%29%21%40%2F%3A"},
      {{{"x", "\xC3\xB1\xE2\x82\xAC"}}, "x=%C3%B1%E2%82%AC"},
      {{{"x", "%41\r\n"}}, "x=%2541%0D%0A"},
      {{{"x", std::string("\0\xFF", 2)}}, "x=%00%FF"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(EncodeForm(c.form), c.encoded);
    EXPECT_EQ(DecodeForm(c.encoded), c.form) << c.encoded;
  }
}

TEST(DecodeFormTest, WhatStrangersSend) {
  const struct {
    const char* encoded;
    Form form;
  } kCases[] = {
      {"", {}},
      {"&", {}},
      {"&&a=1&&", {{"a", "1"}}},
      {"a", {{"a", ""}}},
      {"a=b=c", {{"a", "b=c"}}},
      {"=v", {{"", "v"}}},
      {"a=%2b%2B", {{"a", "++"}}},
      {"a=%", {{"a", "%"}}},
      {"a=%4", {{"a", "%4"}}},
      {"a=%41", {{"a", "A"}}},
      {"a=%4g", {{"a", "%4g"}}},
      {"a=%%41", {{"a", "%A"}}},
      {"a=%zz%26", {{"a", "%zz&"}}},
      {"a+b=c+d", {{"a b", "c d"}}},
      {"a=~ '", {{"a", "~ '"}}},
      {"a=1;b=2", {{"a", "1;b=2"}}},
  };
  for (const auto& c : kCases) EXPECT_EQ(DecodeForm(c.encoded), c.form) << c.encoded;
}

TEST(FormTest, WhatIsEncodedDecodesToItself) {
  std::mt19937 random(20240501);
  std::uniform_int_distribution<int> length(0, 12);
  std::uniform_int_distribution<int> byte(0, 255);
  const auto text = [&] {
    std::string out(static_cast<size_t>(length(random)), '\0');
    for (char& c : out) c = static_cast<char>(byte(random));
    return out;
  };
  for (int round = 0; round < 2000; ++round) {
    Form form(static_cast<size_t>(length(random)));
    for (Parameter& parameter : form) parameter = {.name = text(), .value = text()};
    EXPECT_EQ(DecodeForm(EncodeForm(form)), form) << "round " << round;
  }
}

TEST(AppendQueryTest, GoesBehindWhatIsThere) {
  const Form form = {{"a", "1"}, {"b", "x y"}};
  const struct {
    const char* url;
    const char* with_query;
  } kCases[] = {
      {"https://a.example", "https://a.example?a=1&b=x+y"},
      {"https://a.example/v", "https://a.example/v?a=1&b=x+y"},
      {"https://a.example/v?", "https://a.example/v?a=1&b=x+y"},
      {"https://a.example/v?foo", "https://a.example/v?foo&a=1&b=x+y"},
      {"https://a.example/v?foo=1&", "https://a.example/v?foo=1&a=1&b=x+y"},
      {"https://a.example/v?q=%20+", "https://a.example/v?q=%20+&a=1&b=x+y"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(AppendQuery(c.url, form), c.with_query);
    EXPECT_EQ(AppendQuery(c.url, {}), c.url);
  }
}

TEST(FindParameterTest, FirstOfTheNameByCase) {
  const Form form = {{"Digits", "1"}, {"digits", "2"}, {"Digits", "3"}, {"Empty", ""}};
  EXPECT_THAT(FindParameter(form, "Digits"), Pointee(std::string("1")));
  EXPECT_THAT(FindParameter(form, "digits"), Pointee(std::string("2")));
  EXPECT_THAT(FindParameter(form, "Empty"), Pointee(std::string()));
  EXPECT_EQ(FindParameter(form, "DIGITS"), nullptr);
  EXPECT_EQ(FindParameter({}, ""), nullptr);
}

}  // namespace
}  // namespace understudy::twilio
