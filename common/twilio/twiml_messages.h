// What a finding about a document says: what was found, where it would belong, what is allowed
// there, and what was probably meant.
#ifndef COMMON_TWILIO_TWIML_MESSAGES_H_
#define COMMON_TWILIO_TWIML_MESSAGES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "common/twilio/kind.h"
#include "common/twilio/twiml_schema.h"

namespace understudy::twilio {

// Comparisons of a name with a known one that one document gets, looking for what was meant.
// A document full of mistakes costs no more.
inline constexpr int kComparisonsMax = 10000;

// Writes the messages about one document of `kind`. Each is UTF-8 if the document is, is of bounded
// length, whatever the document holds, and has no full stop at its end.
class TwimlMessages {
 public:
  explicit TwimlMessages(Kind kind) : kind_(kind) {}

  std::string MisplacedElement(absl::string_view tag, const ElementRule& parent);
  std::string MisplacedAttribute(absl::string_view name, const ElementRule& element);
  std::string MisplacedText(const ElementRule& element) const;
  std::string MissingText(const ElementRule& element) const;
  std::string MissingAttribute(const AttributeRule& attribute, const ElementRule& element) const;
  // `value` is one that CheckValue refuses.
  std::string BadValue(const AttributeRule& attribute, const ElementRule& element,
                       absl::string_view value);
  // `text` is not what the element's `value` says.
  std::string BadText(const ElementRule& element, absl::string_view text) const;

 private:
  absl::string_view Nearest(absl::string_view name, absl::Span<const absl::string_view> candidates);

  const Kind kind_;
  int comparisons_left_ = kComparisonsMax;
};

// `text` from a document, cut between characters to a length fit for a message.
std::string Shown(absl::string_view text);

// Whether `tag` is a verb of calls that messages do not have.
bool IsOnlyVoiceVerb(absl::string_view tag);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_TWIML_MESSAGES_H_
