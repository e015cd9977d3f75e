// The values TwiML's enumerated attributes may have.
#ifndef COMMON_TWILIO_TWIML_VALUES_H_
#define COMMON_TWILIO_TWIML_VALUES_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace understudy::twilio {

// Attributes whose values are the same share a set.
enum class ValueSet : uint8_t {
  kAny,  // not enumerated
  kBreakStrength,
  kCallEvent,
  kCardType,
  kConferenceBeep,
  kConferenceEvent,
  kConferenceJitterBufferSize,
  kConferenceRecord,
  kConferenceRegion,
  kConversationEvent,
  kDialEvents,
  kEmphasisLevel,
  kGatherInput,
  kGatherLanguage,
  kHttpMethod,
  kMediaTrack,
  kPayBankAccountType,
  kPayInput,
  kPayLanguage,
  kPayPaymentMethod,
  kPayTokenType,
  kPhonemeAlphabet,
  kPromptErrorType,
  kPromptFor,
  kRecord,
  kRecordingChannels,
  kRecordingEvent,
  kRecordingTrack,
  kRejectReason,
  kRingTone,
  kSayAsFormat,
  kSayAsInterpretAs,
  kSayLanguage,
  kSayVoice,
  kSsmlLanguage,
  kTrim,
};

// The values of a set, as written in a document; none for kAny. Lives as long as the program.
absl::Span<const absl::string_view> ValuesOf(ValueSet set);

// Whether the set has that value. kSayLanguage also has every language without its region: Twilio's
// own examples say "es". False for kAny.
bool HasValue(ValueSet set, absl::string_view value);

// Whether Twilio adds to the set all the time, so that a value it lacks may just be newer.
bool IsOpen(ValueSet set);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_TWIML_VALUES_H_
