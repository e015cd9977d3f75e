// Which elements TwiML knows, what each may hold, and what its attributes mean: one table for calls
// and one for messages, from Twilio's "TwiML for Programmable Voice", "TwiML for Programmable
// Messaging" and the pages of the single verbs. Names are case-sensitive.
//
// All of it is constant and lives as long as the program.
#ifndef COMMON_TWILIO_TWIML_SCHEMA_H_
#define COMMON_TWILIO_TWIML_SCHEMA_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/twilio/kind.h"
#include "common/twilio/twiml_values.h"

namespace understudy::twilio {

enum class ValueType : uint8_t {
  kString,
  kBoolean,   // "true" or "false"
  kInteger,   // decimal
  kIntegers,  // integers with single spaces between
  kOneOf,     // one of a ValueSet
  kSomeOf,    // values of a ValueSet with single spaces between
};

struct AttributeRule {
  absl::string_view name = {};
  ValueType type = ValueType::kString;
  ValueSet values = ValueSet::kAny;  // of kOneOf and kSomeOf
};

enum class TextRule : uint8_t {
  kNone,      // white space at most
  kAllowed,   // may hold character data
  kRequired,  // has no meaning without
};

struct ElementRule {
  absl::string_view tag = {};
  absl::Span<const AttributeRule> attributes = {};
  absl::Span<const uint8_t> children = {};  // places in ElementRules of the same kind
  TextRule text = TextRule::kNone;
};

// Every element of a kind. A tag may stand for two: <Sip> in <Dial> is not <Sip> in <Refer>.
absl::Span<const ElementRule> ElementRules(Kind kind);

// The root of every document.
const ElementRule& ResponseRule(Kind kind);

// The element `tag` is directly inside `parent`; null if it has no place there.
const ElementRule* FindChild(Kind kind, const ElementRule& parent, absl::string_view tag);

// Null if the element has no attribute of that name.
const AttributeRule* FindAttribute(const ElementRule& element, absl::string_view name);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_TWIML_SCHEMA_H_
