#include "common/twilio/twiml_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace understudy::twilio {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> ChildTags(Kind kind, const ElementRule& element) {
  std::vector<std::string> tags;
  for (const uint8_t child : element.children) {
    tags.emplace_back(ElementRules(kind)[child].tag);
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
  EXPECT_EQ(ElementRules(Kind::kVoice).size(), 59u);
  EXPECT_EQ(ElementRules(Kind::kMessaging).size(), 6u);
  for (const Kind kind : {Kind::kVoice, Kind::kMessaging}) {
    SCOPED_TRACE(KindName(kind));
    std::set<uint8_t> reached = {0};
    for (const ElementRule& element : ElementRules(kind)) {
      std::set<std::string> seen;
      for (const uint8_t child : element.children) {
        ASSERT_LT(child, ElementRules(kind).size()) << element.tag;
        EXPECT_TRUE(seen.insert(std::string(ElementRules(kind)[child].tag)).second) << element.tag;
        reached.insert(child);
      }
      seen.clear();
      for (const AttributeRule& attribute : element.attributes) {
        EXPECT_TRUE(seen.insert(std::string(attribute.name)).second) << attribute.name;
        EXPECT_EQ(FindAttribute(element, attribute.name), &attribute);
        const bool enumerated =
            attribute.type == ValueType::kOneOf || attribute.type == ValueType::kSomeOf;
        EXPECT_EQ(attribute.values != ValueSet::kAny, enumerated) << attribute.name;
        EXPECT_EQ(ValuesOf(attribute.values).empty(), !enumerated) << attribute.name;
      }
    }
    for (size_t i = 0; i < ElementRules(kind).size(); ++i) {
      EXPECT_TRUE(reached.contains(static_cast<uint8_t>(i))) << ElementRules(kind)[i].tag;
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
  EXPECT_NE(FindAttribute(dial, "timeLimit"), nullptr);
  EXPECT_EQ(FindAttribute(dial, "timelimit"), nullptr);
}

TEST(TwimlSchemaTest, TheTwoSips) {
  const ElementRule& dialled = Find(Kind::kVoice, {"Dial", "Sip"});
  const ElementRule& referred = Find(Kind::kVoice, {"Refer", "Sip"});
  EXPECT_EQ(dialled.tag, referred.tag);
  EXPECT_NE(FindAttribute(dialled, "username"), nullptr);
  EXPECT_THAT(ChildTags(Kind::kVoice, dialled), ElementsAre("Headers", "Uri"));
  EXPECT_THAT(referred.attributes, IsEmpty());
  EXPECT_THAT(referred.children, IsEmpty());
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
    const AttributeRule* const rule = FindAttribute(Find(Kind::kVoice, c.path), c.attribute);
    ASSERT_NE(rule, nullptr) << c.attribute;
    EXPECT_EQ(rule->type, c.type) << c.attribute;
  }
}

TEST(TwimlSchemaTest, Text) {
  EXPECT_EQ(ResponseRule(Kind::kVoice).text, TextRule::kNone);
  EXPECT_EQ(Find(Kind::kVoice, {"Gather"}).text, TextRule::kNone);
  EXPECT_EQ(Find(Kind::kVoice, {"Say"}).text, TextRule::kRequired);
  EXPECT_EQ(Find(Kind::kVoice, {"Play"}).text, TextRule::kAllowed);         // digits will do
  EXPECT_EQ(Find(Kind::kMessaging, {"Message"}).text, TextRule::kAllowed);  // so will Body, Media
}

TEST(TwimlSchemaTest, ValuesBeyondTheSdks) {
  EXPECT_THAT(Values(FindAttribute(Find(Kind::kVoice, {"Dial"}), "record")->values),
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

}  // namespace
}  // namespace understudy::twilio
