#include "common/twilio/twiml_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/twilio/error_codes.h"

namespace understudy::twilio {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> ChildTags(Kind kind, const ElementRule& element) {
  std::vector<std::string> tags;
  for (size_t i = 0; i < ElementRules(kind).size(); ++i) {
    if ((element.children >> i & 1) != 0) tags.emplace_back(ElementRules(kind)[i].tag);
  }
  return tags;
}

std::vector<std::string> Values(ValueSet set) {
  std::vector<std::string> values;
  for (const absl::string_view value : ValuesOf(set)) values.emplace_back(value);
  return values;
}

const ElementRule& Find(Kind kind, std::vector<const char*> path) {
  const ElementRule* element = &ResponseRule(kind);
  for (const char* const tag : path) {
    element = FindChild(kind, *element, tag);
    if (element == nullptr) ADD_FAILURE() << "no " << tag;
  }
  return *element;
}

TEST(TwimlSchemaTest, TablesAreWhole) {
  EXPECT_EQ(ElementRules(Kind::kVoice).size(), 62u);
  EXPECT_EQ(ElementRules(Kind::kMessaging).size(), 6u);
  for (const Kind kind : {Kind::kVoice, Kind::kMessaging}) {
    SCOPED_TRACE(KindName(kind));
    const absl::Span<const ElementRule> rules = ElementRules(kind);
    ASSERT_LE(rules.size(), 64u);
    uint64_t reached = 1;
    for (const ElementRule& element : rules) {
      SCOPED_TRACE(element.tag);
      std::set<std::string> seen;
      for (const std::string& tag : ChildTags(kind, element)) {
        EXPECT_TRUE(seen.insert(tag).second) << tag;
        EXPECT_NE(FindChild(kind, element, tag), nullptr);
      }
      reached |= element.children;
      size_t required = 0;
      seen.clear();
      for (const AttributeRule& attribute : element.attributes) {
        SCOPED_TRACE(attribute.name);
        EXPECT_TRUE(seen.insert(std::string(attribute.name)).second);
        EXPECT_EQ(FindAttribute(kind, element, attribute.name), &attribute);
        const bool enumerated =
            attribute.type == ValueType::kOneOf || attribute.type == ValueType::kSomeOf;
        EXPECT_EQ(attribute.values != ValueSet::kAny, enumerated);
        EXPECT_EQ(ValuesOf(attribute.values).empty(), !enumerated);
        EXPECT_EQ(attribute.keys.empty(), attribute.type != ValueType::kKeys);
        EXPECT_NE(FindErrorCode(attribute.code), nullptr);
        EXPECT_NE(FindErrorCode(attribute.too_long_code), nullptr);
        if (attribute.required) ++required;
      }
      EXPECT_EQ(element.required_attributes, required);
      EXPECT_NE(FindErrorCode(element.missing_code), nullptr);
      EXPECT_NE(FindErrorCode(element.text_code), nullptr);
    }
    EXPECT_EQ(reached, ~uint64_t{0} >> (64 - rules.size()));
  }
}

// A tag that means two elements: they stand next to each other and differ by their parent.
TEST(TwimlSchemaTest, SharedTags) {
  for (const Kind kind : {Kind::kVoice, Kind::kMessaging}) {
    const absl::Span<const ElementRule> rules = ElementRules(kind);
    std::set<std::string> tags;
    for (size_t i = 0; i < rules.size(); ++i) {
      const bool is_second = i > 0 && rules[i].tag == rules[i - 1].tag;
      EXPECT_EQ(tags.insert(std::string(rules[i].tag)).second, !is_second) << rules[i].tag;
      EXPECT_EQ(rules[i].only_in.empty(), !is_second) << rules[i].tag;
      for (const ElementRule& parent : rules) {
        const bool is_child = (parent.children >> i & 1) != 0;
        if (is_second) {
          EXPECT_EQ(is_child, parent.tag == rules[i].only_in) << parent.tag;
        }
      }
    }
  }
}

TEST(TwimlSchemaTest, WhatADocumentMayHold) {
  EXPECT_THAT(
      ChildTags(Kind::kVoice, ResponseRule(Kind::kVoice)),
      ElementsAre("Connect", "Dial", "Echo", "Enqueue", "Gather", "Hangup", "Leave", "Pause", "Pay",
                  "Play", "Record", "Redirect", "Refer", "Reject", "Say", "Sms", "Start", "Stop"));
  EXPECT_THAT(ChildTags(Kind::kMessaging, ResponseRule(Kind::kMessaging)),
              ElementsAre("Message", "Redirect", "Sms"));
  EXPECT_THAT(ChildTags(Kind::kVoice, Find(Kind::kVoice, {"Gather"})),
              ElementsAre("Pause", "Play", "Say"));
  EXPECT_THAT(ChildTags(Kind::kMessaging, Find(Kind::kMessaging, {"Message"})),
              ElementsAre("Body", "Media"));
}

TEST(TwimlSchemaTest, NamesAreCaseSensitive) {
  const ElementRule& response = ResponseRule(Kind::kVoice);
  EXPECT_NE(FindChild(Kind::kVoice, response, "Say"), nullptr);
  EXPECT_EQ(FindChild(Kind::kVoice, response, "say"), nullptr);
  EXPECT_EQ(FindChild(Kind::kVoice, response, ""), nullptr);
  EXPECT_EQ(FindChild(Kind::kVoice, response, "Response"), nullptr);
  const ElementRule& dial = Find(Kind::kVoice, {"Dial"});
  EXPECT_NE(FindAttribute(Kind::kVoice, dial, "timeLimit"), nullptr);
  EXPECT_EQ(FindAttribute(Kind::kVoice, dial, "timelimit"), nullptr);
}

TEST(TwimlSchemaTest, TheTwoSips) {
  const ElementRule& dialled = Find(Kind::kVoice, {"Dial", "Sip"});
  const ElementRule& referred = Find(Kind::kVoice, {"Refer", "Sip"});
  EXPECT_EQ(dialled.tag, referred.tag);
  EXPECT_NE(FindAttribute(Kind::kVoice, dialled, "username"), nullptr);
  EXPECT_THAT(ChildTags(Kind::kVoice, dialled), ElementsAre("Headers", "Uri"));
  EXPECT_THAT(referred.attributes, IsEmpty());
  EXPECT_EQ(referred.children, 0u);
}

TEST(TwimlSchemaTest, Types) {
  const struct {
    std::vector<const char*> path;
    const char* attribute;
    ValueType type;
  } kCases[] = {
      {{"Dial"}, "callerId", ValueType::kString},
      {{"Dial"}, "callReason", ValueType::kString},
      {{"Dial"}, "hangupOnStar", ValueType::kBoolean},
      {{"Dial"}, "timeout", ValueType::kInteger},
      {{"Dial"}, "record", ValueType::kOneOf},
      {{"Dial"}, "recordingStatusCallbackEvent", ValueType::kSomeOf},
      {{"Gather"}, "input", ValueType::kSomeOf},
      {{"Pay", "Prompt"}, "attempt", ValueType::kIntegers},
      {{"Say", "lang"}, "xml:lang", ValueType::kOneOf},
      {{"Say", "say-as"}, "interpret-as", ValueType::kOneOf},
  };
  for (const auto& c : kCases) {
    const AttributeRule* const rule =
        FindAttribute(Kind::kVoice, Find(Kind::kVoice, c.path), c.attribute);
    ASSERT_NE(rule, nullptr) << c.attribute;
    EXPECT_EQ(rule->type, c.type) << c.attribute;
  }
}

TEST(TwimlSchemaTest, Text) {
  EXPECT_EQ(ResponseRule(Kind::kVoice).text, TextRule::kNone);
  EXPECT_EQ(Find(Kind::kVoice, {"Gather"}).text, TextRule::kNone);
  EXPECT_EQ(Find(Kind::kVoice, {"Say"}).text, TextRule::kRequired);
  EXPECT_EQ(Find(Kind::kVoice, {"Play"}).text, TextRule::kRequiredOrReplaced);
  EXPECT_EQ(Find(Kind::kVoice, {"Gather", "Play"}).text, TextRule::kRequired);
  EXPECT_EQ(Find(Kind::kMessaging, {"Message"}).text, TextRule::kRequiredOrElement);
}

TEST(TwimlSchemaTest, ValuesBeyondTheSdks) {
  EXPECT_THAT(Values(FindAttribute(Kind::kVoice, Find(Kind::kVoice, {"Dial"}), "record")->values),
              ElementsAre("do-not-record", "record-from-answer", "record-from-ringing",
                          "record-from-answer-dual", "record-from-ringing-dual", "true", "false"));
  const std::vector<std::string> errors = Values(ValueSet::kPromptErrorType);
  EXPECT_THAT(errors, Contains("invalid-bank-routing-number"));
  EXPECT_THAT(errors, Contains("invalid-bank-account-number"));
}

TEST(TwimlSchemaTest, ValueSets) {
  EXPECT_THAT(Values(ValueSet::kAny), IsEmpty());
  EXPECT_THAT(Values(ValueSet::kHttpMethod), ElementsAre("GET", "POST"));
  EXPECT_THAT(Values(ValueSet::kRejectReason), ElementsAre("rejected", "busy"));
  EXPECT_EQ(Values(ValueSet::kRingTone).size(), 40u);
  EXPECT_EQ(Values(ValueSet::kGatherLanguage).size(), 130u);
  EXPECT_EQ(Values(ValueSet::kSayLanguage).size(), 69u);
  EXPECT_EQ(Values(ValueSet::kSayVoice).size(), 900u);
  EXPECT_EQ(Values(ValueSet::kSsmlLanguage).size(), 37u);
  EXPECT_THAT(Values(ValueSet::kSayVoice), Contains("Polly.Joanna"));
  EXPECT_THAT(Values(ValueSet::kSayVoice), Not(Contains("")));
}

TEST(TwimlSchemaTest, HasValue) {
  for (int i = 0; i <= static_cast<int>(ValueSet::kTrim); ++i) {
    const auto set = static_cast<ValueSet>(i);
    for (const absl::string_view value : ValuesOf(set)) {
      EXPECT_TRUE(HasValue(set, value)) << value;
      EXPECT_FALSE(HasValue(set, absl::StrCat(value, "-"))) << value;
    }
    EXPECT_FALSE(HasValue(set, "")) << i;
    EXPECT_FALSE(HasValue(set, "no such value")) << i;
  }
}

TEST(TwimlSchemaTest, LanguagesWithoutARegion) {
  EXPECT_TRUE(HasValue(ValueSet::kSayLanguage, "es"));
  EXPECT_TRUE(HasValue(ValueSet::kSayLanguage, "cmn"));
  EXPECT_FALSE(HasValue(ValueSet::kSayLanguage, "e"));
  EXPECT_FALSE(HasValue(ValueSet::kSayLanguage, "es-"));
  EXPECT_FALSE(HasValue(ValueSet::kSayLanguage, "xx"));
  // Of Gather the dictionary says so itself: "en" is a mistake.
  EXPECT_FALSE(HasValue(ValueSet::kGatherLanguage, "en"));
}

}  // namespace
}  // namespace understudy::twilio
