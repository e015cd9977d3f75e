// Which elements TwiML knows, what each may hold, what its attributes may be and which code says
// that one is not: one table for calls and one for messages, from Twilio's "TwiML for Programmable
// Voice", "TwiML for Programmable Messaging", the pages of the single verbs and the "Error and
// Warning Dictionary". Names are case-sensitive.
//
// All of it is constant and lives as long as the program.
#ifndef COMMON_TWILIO_TWIML_SCHEMA_H_
#define COMMON_TWILIO_TWIML_SCHEMA_H_

#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/twilio/kind.h"
#include "common/twilio/twiml_values.h"

namespace understudy::twilio {

inline constexpr int kSchemaWarning = 12200;  // of whatever has no code of its own

// Characters said by one <Say>, and by one with a voice of Polly's.
inline constexpr int kSayCharactersMax = 4096;
inline constexpr int kPollyCharactersMax = 3000;
// Characters of one message, its bodies together.
inline constexpr int kMessageCharactersMax = 1600;
inline constexpr int kQueueNameCharactersMax = 63;
// <Message> and <Sms> of one document, and <Media> of one message.
inline constexpr int kMessagesMax = 10;
inline constexpr int kMediaMax = 10;
// Seconds of a recording that is to be transcribed.
inline constexpr int kTranscribedSecondsMax = 120;

inline constexpr int kUnbounded = std::numeric_limits<int>::max();

enum class ValueType : uint8_t {
  kString,
  kBoolean,         // "true" or "false"
  kInteger,         // decimal digits
  kIntegers,        // integers with single spaces between
  kIntegerOrAuto,   // an integer, or "auto"
  kOneOf,           // one of a ValueSet
  kSomeOf,          // values of a ValueSet with single spaces between
  kMethod,          // "GET" or "POST", in any case
  kKeys,            // keys of a telephone; may be empty
  kUrl,             // http or https, or relative; may be empty, which is relative too
  kUrlOrSocketUrl,  // or of a web socket
};

// What else an attribute decides.
enum class AttributeRole : uint8_t {
  kPlain,
  kInsteadOfText,  // with it, the element needs no text
  kVoice,          // how much may be said depends on it
  kMaxLength,
  kTranscribe,
  kSpeechTimeout,
  kSpeechModel,
};

struct AttributeRule {
  absl::string_view name = {};
  absl::string_view keys = {};  // of kKeys: those there are
  int code = kSchemaWarning;    // of a value that is not as it should be
  // Bounds, both of them inside: of the number for integers, of how many characters for the others.
  int least = 0;
  int most = kUnbounded;
  int too_long_code = kSchemaWarning;  // of too many keys
  ValueType type = ValueType::kString;
  ValueSet values = ValueSet::kAny;  // of kOneOf and kSomeOf
  AttributeRole role = AttributeRole::kPlain;
  bool required = false;
};

enum class TextRule : uint8_t {
  kNone,                // white space at most
  kAllowed,             // may hold character data
  kRequired,            // has no meaning without
  kRequiredOrElement,   // or without a child
  kRequiredOrReplaced,  // or without its attribute of role kInsteadOfText
};

// What the text of an element is, white space around it left out.
enum class TextValue : uint8_t {
  kAny,
  kSpeech,   // said: at most k...CharactersMax, that of its kPart children included
  kMessage,  // sent: likewise
  kPart,     // counts as its parent's
  kUrl,
  kPhoneNumber,  // E.164, or as it is written in the country
  kQueueName,
  kSipUri,
};

// What a document or a parent counts of its children.
enum class ElementRole : uint8_t {
  kPlain,
  kConference,  // not beside a kNumber
  kNumber,
  kMessage,  // kMessagesMax in a document
  kMedia,    // kMediaMax in a message
  kSilence,  // does for text
};

struct ElementRule {
  absl::string_view tag = {};
  absl::Span<const AttributeRule> attributes = {};
  uint64_t children = 0;  // bit i: ElementRules(kind)[i] of the same kind
  TextRule text = TextRule::kNone;
  TextValue value = TextValue::kAny;
  int missing_code = kSchemaWarning;  // no text, where it is required
  int text_code = kSchemaWarning;     // text that is not what it should be, or too much of it
  ElementRole role = ElementRole::kPlain;
  size_t required_attributes = 0;
  absl::string_view only_in = {};  // its parent, if the tag stands for another element elsewhere
};

// Every element of a kind, at most 64. A tag may stand for two, next to each other: <Sip> in <Dial>
// is not <Sip> in <Refer>.
absl::Span<const ElementRule> ElementRules(Kind kind);

// The root of every document.
const ElementRule& ResponseRule(Kind kind);

// The element `tag` is directly inside `parent`; null if it has no place there.
const ElementRule* FindChild(Kind kind, const ElementRule& parent, absl::string_view tag);

// Null if the element has no attribute of that name. REQUIRES: `element` is of `kind`.
const AttributeRule* FindAttribute(Kind kind, const ElementRule& element, absl::string_view name);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_TWIML_SCHEMA_H_
