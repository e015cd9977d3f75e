// Walks testdata/twiml_schema.json, the elements and attributes that Twilio's own SDKs write, and
// judges a document for each thing it says: what belongs somewhere is taken without a word there,
// and warned about everywhere else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/twilio/error_codes.h"
#include "common/twilio/twiml.h"

namespace understudy::twilio {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kSchemaFile[] = "tests/testdata/twiml_schema.json";

struct Attribute {
  std::string type = {};                 // "string", "boolean", "integer", "enum", "list"
  std::vector<std::string> values = {};  // of an enum or list
};

struct Element {
  std::string tag = {};
  std::string text = {};  // "none", "allowed", "required"
  std::vector<std::string> children = {};
  std::map<std::string, Attribute> attributes = {};
};

// By key, which is the tag unless two elements share one.
using Elements = std::map<std::string, Element>;

Elements ReadElements(const nlohmann::json& schema, const char* kind) {
  Elements elements;
  for (const auto& [key, from] : schema.at(kind).items()) {
    Element& element = elements[key];
    element.tag = from.value("tag", key);
    element.text = from.at("text");
    element.children = from.at("children").get<std::vector<std::string>>();
    for (const auto& [name, type] : from.at("attributes").items()) {
      const std::string written = type;
      const size_t colon = written.find(':');
      Attribute& attribute = element.attributes[name];
      attribute.type = written.substr(0, colon);
      if (colon == std::string::npos) continue;
      const std::string of = written.substr(colon + 1);
      if (of == "integer") continue;
      attribute.values = schema.at("values").at(of).get<std::vector<std::string>>();
    }
  }
  return elements;
}

void Remove(const std::string& child, std::vector<std::string>& children) {
  children.erase(std::find(children.begin(), children.end(), child));
}

// The schema as the platform has it: what its pages say beyond the SDKs, and against them.
class Schema {
 public:
  Schema() {
    std::ifstream file(kSchemaFile);
    const nlohmann::json schema = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
    if (schema.is_discarded()) {
      ADD_FAILURE() << "cannot read " << kSchemaFile;
      return;
    }
    Elements& voice = kinds_[Kind::kVoice] = ReadElements(schema, "voice");
    Elements& messaging = kinds_[Kind::kMessaging] = ReadElements(schema, "messaging");
    // There for the convenience of the SDKs only.
    Remove("Queue", voice["Response"].children);
    Remove("Prompt", voice["Response"].children);
    // On the page of Dial.
    voice["Dial"].attributes["callReason"] = {.type = "string"};
    voice["Dial"].attributes["record"].values.insert(
        voice["Dial"].attributes["record"].values.end(), {"true", "false"});
    // In published documents.
    std::vector<std::string>& errors = voice["Prompt"].attributes["errorType"].values;
    errors.insert(errors.end(), {"invalid-bank-routing-number", "invalid-bank-account-number"});
    // Has a code for a value that is wrong.
    voice["Sip"].attributes["sendDigits"] = {.type = "string"};
    // The old name of Message, in the texts of the platform's own warnings.
    messaging["Response"].children.push_back("Sms");
    messaging["Sms"] = voice["Sms"];
    // A body or media will do.
    messaging["Message"].text = "allowed";
  }

  const Elements& of(Kind kind) const { return kinds_.at(kind); }

 private:
  std::map<Kind, Elements> kinds_ = {{Kind::kVoice, {}}, {Kind::kMessaging, {}}};
};

const Schema& TheSchema() {
  static const auto* const schema = new Schema;
  return *schema;
}

std::string GoodText(const std::string& tag) {
  if (tag == "Play" || tag == "Redirect" || tag == "Media") return "https://www.example.com/a";
  if (tag == "Dial" || tag == "Number") return "+14155550100";
  if (tag == "Sip" || tag == "Uri") return "sip:alice@sip.example.com";
  return "some text";
}

using Given = std::vector<std::pair<std::string, std::string>>;

// An element with what it cannot do without, and what is given.
std::string Written(const Element& element, const Given& attributes, const std::string& inside) {
  std::string out = absl::StrCat("<", element.tag);
  std::set<std::string> given;
  for (const auto& [name, value] : attributes) {
    absl::StrAppend(&out, " ", name, "=\"", value, "\"");
    given.insert(name);
  }
  const auto needs = [&](const char* tag, const std::string& name, const char* value) {
    if (element.tag != tag || given.count(name) == 1) return;
    absl::StrAppend(&out, " ", name, "=\"", value, "\"");
  };
  needs("Parameter", "name", "a");
  needs("Parameter", "value", "b");
  if (element.attributes.count("url") == 1) needs("Stream", "url", "wss://www.example.com/a");
  const bool needs_text = element.text == "required" ||
                          (element.text == "allowed" && inside.empty()) || element.tag == "Enqueue";
  absl::StrAppend(&out, ">", inside, needs_text ? GoodText(element.tag) : "", "</", element.tag,
                  ">");
  return out;
}

// The keys from Response down to each element, by the shortest way.
std::map<std::string, std::vector<std::string>> Paths(const Elements& elements) {
  std::map<std::string, std::vector<std::string>> paths = {{"Response", {"Response"}}};
  std::vector<std::string> queue = {"Response"};
  for (size_t i = 0; i < queue.size(); ++i) {
    const std::string parent = queue[i];
    for (const std::string& child : elements.at(parent).children) {
      if (paths.count(child) == 1) continue;
      paths[child] = paths[parent];
      paths[child].push_back(child);
      queue.push_back(child);
    }
  }
  return paths;
}

// A document with `inner`, written out, directly inside the last element of the path.
std::string Around(const Elements& elements, const std::vector<std::string>& path,
                   std::string inner) {
  for (size_t i = path.size(); i-- > 0;) inner = Written(elements.at(path[i]), {}, inner);
  return inner;
}

// The path without its last element, which is to be written in another way.
std::vector<std::string> Above(std::vector<std::string> path) {
  path.pop_back();
  return path;
}

// A document whose last element of the path has the attributes.
std::string With(const Elements& elements, const std::vector<std::string>& path,
                 const Given& attributes) {
  const Element& element = elements.at(path.back());
  return Around(elements, Above(path),
                Written(element, attributes, element.tag == "Response" ? "<!-- -->" : ""));
}

std::vector<std::string> GoodValues(const std::string& name, const Attribute& attribute) {
  if (attribute.type == "boolean") return {"true", "false"};
  if (attribute.type == "integer") return {"1", "600"};
  if (attribute.type == "enum") return attribute.values;
  if (attribute.type == "list" && attribute.values.empty()) return {"1", "1 2 3"};
  if (attribute.type == "list") {
    std::vector<std::string> values = attribute.values;
    values.push_back(absl::StrJoin(attribute.values, " "));
    return values;
  }
  if (absl::EndsWithIgnoreCase(name, "method")) return {"GET", "POST", "post"};
  if (name == "sendDigits" || name == "digits") return {"12w#*", ""};
  if (name == "finishOnKey") return {"#", ""};
  if (name == "speechTimeout") return {"auto", "3"};
  return {"https://www.example.com/a", "/a"};
}

std::vector<std::string> Said(const TwimlReport& report) {
  std::vector<std::string> said;
  if (report.fatal) said.push_back(absl::StrCat(report.fatal->code, " ", report.fatal->message));
  for (const Finding& finding : report.warnings) {
    said.push_back(absl::StrCat(finding.code, " ", finding.message));
  }
  return said;
}

class SchemaWalk : public ::testing::TestWithParam<Kind> {
 protected:
  const Elements& elements_ = TheSchema().of(GetParam());
  const std::map<std::string, std::vector<std::string>> paths_ = Paths(elements_);

  TwimlReport Judge(const std::string& document) const { return CheckTwiml(document, GetParam()); }
};

TEST_P(SchemaWalk, EveryElementIsReached) {
  for (const auto& [key, element] : elements_) EXPECT_EQ(paths_.count(key), 1u) << key;
  EXPECT_EQ(elements_.size(), GetParam() == Kind::kVoice ? 59u : 6u);
}

TEST_P(SchemaWalk, WhatBelongsSomewhereIsTakenThere) {
  for (const auto& [key, element] : elements_) {
    for (const std::string& child : element.children) {
      const std::string document =
          Around(elements_, paths_.at(key), Written(elements_.at(child), {}, ""));
      EXPECT_THAT(Said(Judge(document)), IsEmpty()) << document;
    }
  }
}

TEST_P(SchemaWalk, WhatBelongsElsewhereIsSkipped) {
  int cases = 0;
  for (const auto& [key, parent] : elements_) {
    std::set<std::string> allowed;
    for (const std::string& child : parent.children) allowed.insert(elements_.at(child).tag);
    for (const auto& [child, element] : elements_) {
      if (allowed.count(element.tag) == 1) continue;
      // What is skipped does for nothing.
      const bool lacks_text = parent.text == "allowed" && key != "Enqueue";
      const std::string document =
          Around(elements_, paths_.at(key),
                 absl::StrCat("<", element.tag, "/>", lacks_text ? GoodText(parent.tag) : ""));
      const TwimlReport report = Judge(document);
      ASSERT_EQ(report.warnings.size(), 1u) << document << absl::StrJoin(Said(report), "\n");
      EXPECT_EQ(report.warnings[0].code, 12200) << document;
      EXPECT_EQ(report.warnings[0].level, Level::kWarning);
      EXPECT_THAT(report.warnings[0].message,
                  ::testing::StartsWith(
                      absl::StrCat("<", element.tag, "> is not allowed in <", parent.tag, ">")));
      EXPECT_EQ(static_cast<size_t>(report.warnings[0].column - 1),
                document.rfind(absl::StrCat("<", element.tag, "/>")));
      ++cases;
    }
  }
  EXPECT_GT(cases, GetParam() == Kind::kVoice ? 3000 : 25);
}

TEST_P(SchemaWalk, EveryAttributeIsTakenWithEveryGoodValue) {
  int cases = 0;
  for (const auto& [key, element] : elements_) {
    for (const auto& [name, attribute] : element.attributes) {
      for (const std::string& value : GoodValues(name, attribute)) {
        const std::string document = With(elements_, paths_.at(key), {{name, value}});
        EXPECT_THAT(Said(Judge(document)), IsEmpty()) << document;
        ++cases;
      }
    }
  }
  EXPECT_GT(cases, GetParam() == Kind::kVoice ? 1900 : 20);
}

TEST_P(SchemaWalk, EveryAttributeIsTakenInEveryPlaceOfItsElement) {
  for (const auto& [key, parent] : elements_) {
    for (const std::string& child : parent.children) {
      std::vector<std::string> path = paths_.at(key);
      path.push_back(child);
      for (const auto& [name, attribute] : elements_.at(child).attributes) {
        // The page of Gather has a Play that only plays files.
        if (key == "Gather" && child == "Play" && name == "digits") continue;
        const std::string document =
            With(elements_, path, {{name, GoodValues(name, attribute)[0]}});
        EXPECT_THAT(Said(Judge(document)), IsEmpty()) << document;
      }
    }
  }
}

TEST_P(SchemaWalk, EveryBadValueOfATypedAttributeIsFound) {
  int cases = 0;
  for (const auto& [key, element] : elements_) {
    for (const auto& [name, attribute] : element.attributes) {
      if (attribute.type == "string") continue;
      std::vector<std::string> bad = {"", "no such value", "nosuchvalue", " "};
      if (!attribute.values.empty()) {
        bad.push_back(attribute.values[0] + " ");
        bad.push_back(attribute.values[0] + "  " + attribute.values[0]);
        bad.push_back(attribute.values[0] + "," + attribute.values[0]);
      } else {
        bad.insert(bad.end(), {"-1", "+1", "1.5", "1,2", "1  2", "TRUE", "1s", "99999999999"});
      }
      for (const std::string& value : bad) {
        const std::string document = With(elements_, paths_.at(key), {{name, value}});
        const TwimlReport report = Judge(document);
        ASSERT_EQ(report.warnings.size(), 1u) << document << absl::StrJoin(Said(report), "\n");
        const Finding& finding = report.warnings[0];
        const ErrorCode* const code = FindErrorCode(finding.code);
        ASSERT_NE(code, nullptr) << finding.code;
        EXPECT_EQ(finding.level, code->level) << document;
        EXPECT_EQ(static_cast<size_t>(finding.column - 1),
                  document.find(absl::StrCat(name, "=\"", value)));
        EXPECT_THAT(finding.message,
                    ::testing::StartsWith(absl::StrCat("Attribute ", name, " of <", element.tag)));
        ++cases;
      }
    }
  }
  EXPECT_GE(cases, GetParam() == Kind::kVoice ? 700 : 0);  // those of messages are all strings
}

TEST_P(SchemaWalk, AnAttributeOfAnotherElementIsFound) {
  std::set<std::string> names = {"noSuchAttribute"};
  for (const auto& [key, element] : elements_) {
    for (const auto& [name, attribute] : element.attributes) names.insert(name);
  }
  int cases = 0;
  for (const auto& [key, element] : elements_) {
    for (const std::string& name : names) {
      if (element.attributes.count(name) == 1) continue;
      const std::string document = With(elements_, paths_.at(key), {{name, "1"}});
      const TwimlReport report = Judge(document);
      ASSERT_EQ(report.warnings.size(), 1u) << document << absl::StrJoin(Said(report), "\n");
      EXPECT_EQ(report.warnings[0].code, 12200) << document;
      EXPECT_EQ(static_cast<size_t>(report.warnings[0].column - 1), document.find(name + "=\"1"));
      ++cases;
    }
  }
  EXPECT_GT(cases, GetParam() == Kind::kVoice ? 5000 : 20);
}

TEST_P(SchemaWalk, RequiredTextIsMissed) {
  for (const auto& [key, element] : elements_) {
    if (element.text != "required") continue;
    for (const std::string inside : {"", " \n\t", "<!-- text -->"}) {
      const std::string document =
          Around(elements_, Above(paths_.at(key)),
                 absl::StrCat("<", element.tag, ">", inside, "</", element.tag, ">"));
      const TwimlReport report = Judge(document);
      ASSERT_EQ(report.warnings.size(), 1u) << document << absl::StrJoin(Said(report), "\n");
      EXPECT_THAT(report.warnings[0].message, ::testing::HasSubstr(" needs ")) << document;
      EXPECT_EQ(static_cast<size_t>(report.warnings[0].column - 1),
                document.rfind(absl::StrCat("<", element.tag, ">")));
    }
  }
}

TEST_P(SchemaWalk, TextIsFoundWhereNoneMayBe) {
  for (const auto& [key, element] : elements_) {
    if (element.text != "none") continue;
    const std::string document =
        Around(elements_, Above(paths_.at(key)), Written(element, {}, "lost words"));
    const TwimlReport report = Judge(document);
    ASSERT_EQ(report.warnings.size(), 1u) << document << absl::StrJoin(Said(report), "\n");
    EXPECT_EQ(report.warnings[0].code, 12200);
    EXPECT_EQ(static_cast<size_t>(report.warnings[0].column - 1), document.find("lost words"));
  }
}

std::string NameOfKind(const ::testing::TestParamInfo<Kind>& info) {
  return info.param == Kind::kVoice ? "Voice" : "Messaging";
}

INSTANTIATE_TEST_SUITE_P(Kinds, SchemaWalk, ::testing::Values(Kind::kVoice, Kind::kMessaging),
                         NameOfKind);

TEST(SchemaWalkTest, NoElementOfCallsIsOneOfMessages) {
  const Elements& messaging = TheSchema().of(Kind::kMessaging);
  const Element& response = TheSchema().of(Kind::kVoice).at("Response");
  for (const auto& [key, element] : TheSchema().of(Kind::kVoice)) {
    if (messaging.count(element.tag) == 1) continue;
    const std::string document = absl::StrCat("<Response><", element.tag, "/></Response>");
    std::vector<int> codes;
    for (const Finding& finding : CheckTwiml(document, Kind::kMessaging).warnings) {
      codes.push_back(finding.code);
    }
    const bool is_verb = std::find(response.children.begin(), response.children.end(), key) !=
                         response.children.end();
    if (is_verb) {
      EXPECT_THAT(codes, ElementsAre(12200, 14110)) << document;
    } else {
      EXPECT_THAT(codes, ElementsAre(12200)) << document;
    }
  }
  for (const auto& [key, element] : messaging) {
    if (TheSchema().of(Kind::kVoice).count(key) == 1) continue;
    EXPECT_THAT(Said(CheckTwiml(absl::StrCat("<Response><", key, "/></Response>"), Kind::kVoice)),
                Contains(::testing::HasSubstr("it belongs to messages")));
  }
}

}  // namespace
}  // namespace understudy::twilio
