#include "common/twilio/twiml_messages.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/twiml_checks.h"

namespace understudy::twilio {
namespace {

using absl::string_view;

constexpr size_t kBytesShownMax = 64;
// Longer names are not compared with known ones; the longest known has 34 bytes.
constexpr size_t kComparedBytesMax = 40;
// Longer sets of values are counted, not listed.
constexpr size_t kValuesListedMax = 20;

bool IsSameLetter(char x, char y) {
  return absl::ascii_tolower(static_cast<unsigned char>(x)) ==
         absl::ascii_tolower(static_cast<unsigned char>(y));
}

// Insertions, deletions, replacements and swaps of neighbours that make one name the other; the
// case of letters does not count. `limit` stands for it and all that is more: looks no further.
// REQUIRES: both have at most kComparedBytesMax bytes.
size_t Distance(string_view a, string_view b, size_t limit) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) >= limit) return limit;
  using Row = std::array<size_t, kComparedBytesMax + 1>;
  Row rows[3] = {};
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    Row& row = rows[i % 3];
    const Row& last = rows[(i + 2) % 3];
    const Row& before_last = rows[(i + 1) % 3];
    row[0] = i;
    size_t smallest = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (IsSameLetter(a[i - 1], b[j - 1]) ? 0u : 1u);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && IsSameLetter(a[i - 1], b[j - 2]) && IsSameLetter(a[i - 2], b[j - 1])) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
      smallest = std::min(smallest, row[j]);
    }
    // No later row has less: a swap reaches back to the row before, which has one less at most, and
    // costs one.
    if (smallest >= limit) return limit;
  }
  return std::min(rows[a.size() % 3][b.size()], limit);
}

std::string Listed(absl::Span<const string_view> names) {
  std::string out;
  for (const string_view name : names) absl::StrAppend(&out, out.empty() ? "" : ", ", name);
  return out;
}

std::vector<string_view> ChildTags(Kind kind, const ElementRule& element) {
  const absl::Span<const ElementRule> rules = ElementRules(kind);
  std::vector<string_view> tags;
  for (size_t i = 0; i < rules.size(); ++i) {
    if ((element.children >> i & 1) != 0) tags.push_back(rules[i].tag);
  }
  return tags;
}

std::vector<string_view> AttributeNames(const ElementRule& element) {
  std::vector<string_view> names;
  for (const AttributeRule& attribute : element.attributes) names.push_back(attribute.name);
  return names;
}

// The tags of the elements that may hold a `tag`; none if no element of the kind is called so.
std::vector<string_view> ParentTags(Kind kind, string_view tag) {
  std::vector<string_view> parents;
  for (const ElementRule& element : ElementRules(kind)) {
    if (FindChild(kind, element, tag) == nullptr) continue;
    if (parents.empty() || parents.back() != element.tag) parents.push_back(element.tag);
  }
  return parents;
}

// "<Say>", or "<Sip> in <Refer>" where the tag means another element elsewhere.
std::string Named(const ElementRule& element) {
  if (element.only_in.empty()) return absl::StrCat("<", element.tag, ">");
  return absl::StrCat("<", element.tag, "> in <", element.only_in, ">");
}

std::string WhatItMayHold(Kind kind, const ElementRule& element) {
  const std::vector<string_view> tags = ChildTags(kind, element);
  if (tags.empty()) return absl::StrCat(Named(element), " holds no elements");
  return absl::StrCat(Named(element), " may hold ", Listed(tags));
}

std::string DidYouMean(string_view before, string_view nearest, string_view after) {
  if (nearest.empty()) return ".";
  return absl::StrCat("; did you mean ", before, nearest, after, "?");
}

std::string IntegersBetween(const AttributeRule& attribute) {
  std::string out = absl::StrCat("whole numbers from ", attribute.least);
  if (attribute.most != kUnbounded) absl::StrAppend(&out, " to ", attribute.most);
  return out;
}

std::string ValuesListed(ValueSet set) {
  const absl::Span<const string_view> values = ValuesOf(set);
  if (values.size() <= kValuesListedMax) return Listed(values);
  return absl::StrCat("any of ", values.size(), " known ones",
                      IsOpen(set) ? ", or a newer one" : "", ", such as ",
                      Listed(values.subspan(values.size() - 3)));
}

// "It may be ...", without the beginning.
std::string WhatItMayBe(const AttributeRule& attribute) {
  switch (attribute.type) {
    case ValueType::kString:
      return absl::StrCat("at most ", attribute.most, " characters");
    case ValueType::kBoolean:
      return "true or false";
    case ValueType::kInteger:
      return absl::StrCat("one of the ", IntegersBetween(attribute));
    case ValueType::kIntegers:
      return absl::StrCat(IntegersBetween(attribute), " with single spaces between");
    case ValueType::kIntegerOrAuto:
      return absl::StrCat("auto or one of the ", IntegersBetween(attribute));
    case ValueType::kOneOf:
      return ValuesListed(attribute.values);
    case ValueType::kSomeOf:
      return absl::StrCat(ValuesListed(attribute.values), "; several with single spaces between");
    case ValueType::kMethod:
      return "GET or POST";
    case ValueType::kKeys:
      if (attribute.most == kUnbounded) return absl::StrCat("made of ", attribute.keys);
      return absl::StrCat("at most ", attribute.most, " of ", attribute.keys);
    case ValueType::kUrl:
      return "an http or https URL, or a relative one, without blanks";
    case ValueType::kUrlOrSocketUrl:
      return "a URL of the scheme wss, ws, https or http, without blanks";
  }
  return {};
}

string_view WhatTextItNeeds(const ElementRule& element) {
  switch (element.value) {
    case TextValue::kAny:
    case TextValue::kPart:
      return "text";
    case TextValue::kSpeech:
      return "words to say";
    case TextValue::kMessage:
      return "text to send";
    case TextValue::kUrl:
      return "a URL";
    case TextValue::kPhoneNumber:
      return "a phone number";
    case TextValue::kQueueName:
      return "the name of a queue";
    case TextValue::kSipUri:
      return "a SIP URI";
  }
  return {};
}

}  // namespace

std::string Shown(string_view text) {
  if (text.size() <= kBytesShownMax) return std::string(text);
  size_t size = kBytesShownMax;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return absl::StrCat(text.substr(0, size), "...");
}

bool IsOnlyVoiceVerb(string_view tag) {
  const auto is_verb = [tag](Kind kind) {
    return FindChild(kind, ResponseRule(kind), tag) != nullptr;
  };
  return is_verb(Kind::kVoice) && !is_verb(Kind::kMessaging);
}

// The candidate that `name` was most likely meant to be; empty if none is near.
string_view TwimlMessages::Nearest(string_view name, absl::Span<const string_view> candidates) {
  if (name.empty() || name.size() > kComparedBytesMax) return {};
  string_view nearest;
  size_t smallest = name.size() <= 4 ? 2 : 3;  // the first distance that is no longer near
  for (const string_view candidate : candidates) {
    if (comparisons_left_ == 0) return {};
    --comparisons_left_;
    const size_t distance = Distance(name, candidate, smallest);
    if (distance < smallest) {
      nearest = candidate;
      smallest = distance;
    }
  }
  return nearest;
}

std::string TwimlMessages::MisplacedElement(string_view tag, const ElementRule& parent) {
  std::string message = absl::StrCat("<", Shown(tag), "> is not allowed in ", Named(parent));
  const std::vector<string_view> proper_parents = ParentTags(kind_, tag);
  if (!proper_parents.empty()) {
    absl::StrAppend(&message, "; its place is in ", Listed(proper_parents), ".");
  } else if (kind_ == Kind::kMessaging && !ParentTags(Kind::kVoice, tag).empty()) {
    absl::StrAppend(&message, " of a message: it belongs to calls.");
  } else if (kind_ == Kind::kVoice && !ParentTags(Kind::kMessaging, tag).empty()) {
    absl::StrAppend(&message, " of a call: it belongs to messages.");
  } else {
    absl::StrAppend(&message, DidYouMean("<", Nearest(tag, ChildTags(kind_, parent)), ">"));
  }
  absl::StrAppend(&message, " ", WhatItMayHold(kind_, parent));
  return message;
}

std::string TwimlMessages::MisplacedAttribute(string_view name, const ElementRule& element) {
  const std::vector<string_view> names = AttributeNames(element);
  return absl::StrCat("Attribute ", Shown(name), " is not allowed on ", Named(element),
                      DidYouMean("", Nearest(name, names), ""), " ", Named(element),
                      names.empty() ? " has no attributes" : " may have ", Listed(names));
}

std::string TwimlMessages::MisplacedText(const ElementRule& element) const {
  return absl::StrCat("Text is not allowed in ", Named(element), ". ",
                      WhatItMayHold(kind_, element));
}

std::string TwimlMessages::MissingText(const ElementRule& element) const {
  std::string message = absl::StrCat(Named(element), " needs ", WhatTextItNeeds(element));
  if (element.text == TextRule::kRequiredOrElement) {
    absl::StrAppend(&message, ", or one of ", Listed(ChildTags(kind_, element)));
  } else if (element.text == TextRule::kRequiredOrReplaced) {
    for (const AttributeRule& attribute : element.attributes) {
      if (attribute.role != AttributeRole::kInsteadOfText) continue;
      absl::StrAppend(&message, ", or attribute ", attribute.name);
    }
  }
  return message;
}

std::string TwimlMessages::MissingAttribute(const AttributeRule& attribute,
                                            const ElementRule& element) const {
  return absl::StrCat(Named(element), " needs attribute ", attribute.name);
}

std::string TwimlMessages::BadValue(const AttributeRule& attribute, const ElementRule& element,
                                    string_view value) {
  std::string message = absl::StrCat("Attribute ", attribute.name, " of ", Named(element), " is \"",
                                     Shown(value), "\"");
  const string_view word = attribute.type == ValueType::kSomeOf
                               ? FirstUnknownWord(attribute, value).value_or(value)
                               : value;
  if (word.size() != value.size()) {
    absl::StrAppend(&message, ", where \"", Shown(word), "\" is not known");
  }
  static constexpr string_view kBooleans[] = {"true", "false"};
  static constexpr string_view kMethods[] = {"GET", "POST"};
  string_view nearest;
  if (attribute.type == ValueType::kBoolean) nearest = Nearest(word, kBooleans);
  if (attribute.type == ValueType::kMethod) nearest = Nearest(word, kMethods);
  if (attribute.values != ValueSet::kAny) nearest = Nearest(word, ValuesOf(attribute.values));
  absl::StrAppend(&message, DidYouMean("\"", nearest, "\""), " It may be ", WhatItMayBe(attribute));
  return message;
}

std::string TwimlMessages::BadText(const ElementRule& element, string_view text) const {
  std::string message = absl::StrCat("\"", Shown(text), "\" in ", Named(element));
  switch (element.value) {
    case TextValue::kUrl:
      absl::StrAppend(&message,
                      " is not a URL: it may be an http or https URL, or a relative one, without "
                      "blanks");
      break;
    case TextValue::kPhoneNumber:
      absl::StrAppend(&message,
                      " is not a phone number: it may be + and at most 15 digits, such as "
                      "+14155550100");
      break;
    case TextValue::kQueueName:
      absl::StrAppend(&message, " is too long for the name of a queue: it may have ",
                      kQueueNameCharactersMax, " characters");
      break;
    case TextValue::kSipUri:
      absl::StrAppend(&message, " is not a SIP URI: it may be such as sip:alice@sip.example.com");
      break;
    case TextValue::kAny:
    case TextValue::kSpeech:
    case TextValue::kMessage:
    case TextValue::kPart:
      break;
  }
  return message;
}

}  // namespace understudy::twilio
