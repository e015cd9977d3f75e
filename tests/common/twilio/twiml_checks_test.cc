#include "common/twilio/twiml_checks.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace understudy::twilio {
namespace {

struct Row {
  std::string text;
  bool good = false;
};

TEST(TwimlChecksTest, Integers) {
  const struct {
    const char* text;
    int number;
  } kRows[] = {
      {"0", 0},           {"1", 1},           {"007", 7}, {"2147483647", 2147483647},
      {"2147483648", -1}, {"9999999999", -1}, {"", -1},   {"-1", -1},
      {"+1", -1},         {"1.0", -1},        {" 1", -1}, {"1 ", -1},
      {"x", -1},          {"0x1", -1},
  };
  for (const auto& row : kRows) EXPECT_EQ(ReadInteger(row.text), row.number) << row.text;
}

TEST(TwimlChecksTest, Urls) {
  const Row kRows[] = {
      {"https://www.example.com/voice?a=1&b=2#rc=2", true},
      {"http://user:secret@example.com:8080/", true},
      {"HTTPS://EXAMPLE.COM", true},
      {" \nhttps://www.example.com/a\n ", true},
      {"http://[2001:db8::1]:80/a", true},
      {"https://b\xC3\xBC"
       "cher.example/\xC3\xBC",
       true},
      {"https://127.0.0.1:1/a", true},
      {"https://example.com:65535/", true},
      {"https://example.com:/", true},
      {"", true},
      {"/a/b.xml", true},
      {"a.xml?time=12:30", true},
      {"../a", true},
      {"?a=b:c", true},
      {"//cdn.example.com/a.mp3", true},
      {"www.example.com/a", true},
      {"https://example.com:0/", false},
      {"https://example.com:65536/", false},
      {"https://example.com:80x/", false},
      {"https://", false},
      {"https:///a", false},
      {"https://:80/a", false},
      {"https://user@/a", false},
      {"https:/example.com", false},
      {"https:example.com", false},
      {"//", false},
      {"://example.com", false},
      {"ftp://example.com/a", false},
      {"mailto:a@example.com", false},
      {"example.com:80/a", false},
      {"javascript:alert(1)", false},
      {"https://exa mple.com/", false},
      {"https://example.com/a b.mp3", false},
      {"/a\tb", false},
      {"/a\x7F", false},
      {"https://example.com/a\nhttps://example.com/b", false},
      {"https://exa\"mple.com/", false},
      {"http://[2001:db8::1/a", false},
      {"http://[x]/a", false},
      {"http://[]/a", true},  // what is inside is for the parser that dials
      {"wss://example.com/a", false},
  };
  for (const Row& row : kRows) EXPECT_EQ(IsUrl(row.text, false), row.good) << row.text;
  EXPECT_TRUE(IsUrl("wss://example.com/a", true));
  EXPECT_TRUE(IsUrl("https://example.com/a", true));
  EXPECT_FALSE(IsUrl("ftp://example.com/a", true));
}

TEST(TwimlChecksTest, PhoneNumbers) {
  const Row kRows[] = {
      {"+14155550100", true},
      {" +14155550100\n", true},
      {"+1 (415) 555-0100", true},
      {"415-555-0100", true},
      {"(415) 555.0100", true},
      {"911", true},
      {"+12", true},
      {"+123456789012345", true},
      {"+1234567890123456", false},
      {"+1", false},
      {"+0415", false},
      {"+", false},
      {"", false},
      {"-", false},
      {"++14155550100", false},
      {"1+4155550100", false},
      {"1-800-FLOWERS", false},
      {"alice", false},
      {"sip:alice@example.com", false},
      {"+1415555010\xC2\xA0", false},
  };
  for (const Row& row : kRows) EXPECT_EQ(IsDialable(row.text), row.good) << row.text;
}

TEST(TwimlChecksTest, SipUris) {
  const Row kRows[] = {
      {"sip:alice@example.com", true},
      {"SIPS:alice@example.com:5061;transport=tls?x-a=b", true},
      {" sip:example.com ", true},
      {"sip:", false},
      {"sip:alice@", false},
      {"sip:al ice@example.com", false},
      {"alice@example.com", false},
      {"tel:+14155550100", false},
      {"", false},
  };
  for (const Row& row : kRows) EXPECT_EQ(IsSipUri(row.text), row.good) << row.text;
}

TEST(TwimlChecksTest, CharactersAreCountedNotBytes) {
  EXPECT_EQ(CountCharacters(""), 0u);
  EXPECT_EQ(CountCharacters("abc"), 3u);
  EXPECT_EQ(CountCharacters("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), 3u);
}

TEST(TwimlChecksTest, Values) {
  const AttributeRule keys = {.keys = "0123456789*#",
                              .code = 13310,
                              .most = 1,
                              .too_long_code = 13311,
                              .type = ValueType::kKeys};
  EXPECT_EQ(CheckValue(keys, ""), 0);
  EXPECT_EQ(CheckValue(keys, "*"), 0);
  EXPECT_EQ(CheckValue(keys, "12"), 13311);
  EXPECT_EQ(CheckValue(keys, "x"), 13310);
  EXPECT_EQ(CheckValue(keys, "1x"), 13310);

  const AttributeRule bounded = {.code = 13910, .least = 1, .most = 9, .type = ValueType::kInteger};
  EXPECT_EQ(CheckValue(bounded, "0"), 13910);
  EXPECT_EQ(CheckValue(bounded, "1"), 0);
  EXPECT_EQ(CheckValue(bounded, "9"), 0);
  EXPECT_EQ(CheckValue(bounded, "10"), 13910);

  const AttributeRule reason = {.most = 3};
  EXPECT_EQ(CheckValue(reason, "\xC3\xA9\xC3\xA9\xC3\xA9"), 0);
  EXPECT_EQ(CheckValue(reason, "abcd"), 12200);

  const AttributeRule some = {.type = ValueType::kSomeOf, .values = ValueSet::kGatherInput};
  EXPECT_EQ(FirstUnknownWord(some, "dtmf speech"), std::nullopt);
  EXPECT_EQ(FirstUnknownWord(some, "dtmf voice"), "voice");
  EXPECT_EQ(FirstUnknownWord(some, "dtmf  speech"), "");
  EXPECT_EQ(FirstUnknownWord(some, "dtmf "), "");
  EXPECT_EQ(FirstUnknownWord(some, ""), "");
}

}  // namespace
}  // namespace understudy::twilio
