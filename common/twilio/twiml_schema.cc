#include "common/twilio/twiml_schema.h"

#include <cstddef>

namespace understudy::twilio {
namespace {

using absl::string_view;

constexpr AttributeRule Text(string_view name) {
  return {.name = name};
}
constexpr AttributeRule Bool(string_view name) {
  return {.name = name, .type = ValueType::kBoolean};
}
constexpr AttributeRule Int(string_view name) {
  return {.name = name, .type = ValueType::kInteger};
}
constexpr AttributeRule Ints(string_view name) {
  return {.name = name, .type = ValueType::kIntegers};
}
constexpr AttributeRule OneOf(string_view name, ValueSet values) {
  return {.name = name, .type = ValueType::kOneOf, .values = values};
}
constexpr AttributeRule SomeOf(string_view name, ValueSet values) {
  return {.name = name, .type = ValueType::kSomeOf, .values = values};
}

// In each table an element's number is its place, and <Response> is number 0.

namespace voice {

enum Element : uint8_t {
  kResponse,
  kAiSession,
  kApplication,
  kApplicationSid,
  kAutopilot,
  kClient,
  kConference,
  kConfig,
  kConnect,
  kConversation,
  kConversationRelay,
  kConversationRelaySession,
  kDial,
  kEcho,
  kEnqueue,
  kGather,
  kHangup,
  kHeader,
  kHeaders,
  kIdentity,
  kLanguage,
  kLeave,
  kNumber,
  kParameter,
  kPause,
  kPay,
  kPlay,
  kPrompt,
  kQueue,
  kRecord,
  kRecording,
  kRedirect,
  kRefer,
  kReject,
  kRoom,
  kSay,
  kSim,
  kSip,
  kReferSip,
  kSiprec,
  kSms,
  kStart,
  kStop,
  kStream,
  kTask,
  kTranscription,
  kUri,
  kVirtualAgent,
  kWhatsApp,
  kSsmlBreak,
  kSsmlEmphasis,
  kSsmlLang,
  kSsmlP,
  kSsmlPhoneme,
  kSsmlProsody,
  kSsmlS,
  kSsmlSayAs,
  kSsmlSub,
  kSsmlW
};

constexpr uint8_t kResponseChildren[] = {kConnect, kDial,   kEcho, kEnqueue, kGather, kHangup,
                                         kLeave,   kPause,  kPay,  kPlay,    kRecord, kRedirect,
                                         kRefer,   kReject, kSay,  kSms,     kStart,  kStop};
constexpr AttributeRule kAiSessionAttributes[] = {Text("aiConnector"),
                                                  Text("aiSessionConfiguration")};
constexpr AttributeRule kApplicationAttributes[] = {
    Bool("copyParentTo"),
    Text("customerId"),
    Text("method"),
    Text("statusCallback"),
    SomeOf("statusCallbackEvent", ValueSet::kCallEvent),
    Text("statusCallbackMethod"),
    Text("url")};
constexpr uint8_t kApplicationChildren[] = {kApplicationSid, kParameter};
constexpr AttributeRule kClientAttributes[] = {Text("method"), Text("statusCallback"),
                                               SomeOf("statusCallbackEvent", ValueSet::kCallEvent),
                                               Text("statusCallbackMethod"), Text("url")};
constexpr uint8_t kClientChildren[] = {kIdentity, kParameter};
constexpr AttributeRule kConferenceAttributes[] = {
    OneOf("beep", ValueSet::kConferenceBeep),
    Text("coach"),
    Bool("endConferenceOnExit"),
    Text("eventCallbackUrl"),
    OneOf("jitterBufferSize", ValueSet::kConferenceJitterBufferSize),
    Int("maxParticipants"),
    Bool("muted"),
    Text("participantLabel"),
    OneOf("record", ValueSet::kConferenceRecord),
    Text("recordingConfigurationId"),
    Text("recordingStatusCallback"),
    SomeOf("recordingStatusCallbackEvent", ValueSet::kRecordingEvent),
    Text("recordingStatusCallbackMethod"),
    OneOf("region", ValueSet::kConferenceRegion),
    Bool("startConferenceOnEnter"),
    Text("statusCallback"),
    SomeOf("statusCallbackEvent", ValueSet::kConferenceEvent),
    Text("statusCallbackMethod"),
    OneOf("trim", ValueSet::kTrim),
    Text("waitMethod"),
    Text("waitUrl")};
constexpr AttributeRule kConfigAttributes[] = {Text("name"), Text("value")};
constexpr AttributeRule kConnectAttributes[] = {Text("action"), Text("method")};
constexpr uint8_t kConnectChildren[] = {
    kAiSession, kAutopilot, kConversation, kConversationRelay, kConversationRelaySession,
    kRoom,      kStream,    kVirtualAgent};
constexpr AttributeRule kConversationAttributes[] = {
    Bool("inboundAutocreation"),
    Int("inboundTimeout"),
    Text("method"),
    OneOf("record", ValueSet::kRecord),
    Text("recordingStatusCallback"),
    SomeOf("recordingStatusCallbackEvent", ValueSet::kRecordingEvent),
    Text("recordingStatusCallbackMethod"),
    Int("routingAssignmentTimeout"),
    Text("serviceInstanceSid"),
    Text("statusCallback"),
    SomeOf("statusCallbackEvent", ValueSet::kConversationEvent),
    Text("statusCallbackMethod"),
    OneOf("trim", ValueSet::kTrim),
    Text("url")};
constexpr AttributeRule kConversationRelayAttributes[] = {Text("backgroundnoisereduction"),
                                                          Text("debug"),
                                                          Text("deepgramsmartformat"),
                                                          Bool("dtmfDetection"),
                                                          Text("elevenlabsTextNormalization"),
                                                          Text("events"),
                                                          Text("hints"),
                                                          Text("ignorebackchannel"),
                                                          Text("intelligenceService"),
                                                          Text("interruptSensitivity"),
                                                          Text("interruptible"),
                                                          Text("language"),
                                                          Bool("partialPrompts"),
                                                          Bool("preemptible"),
                                                          Bool("profanityFilter"),
                                                          Bool("reportInputDuringAgentSpeech"),
                                                          Text("speechModel"),
                                                          Text("speechtimeout"),
                                                          Text("transcriptionLanguage"),
                                                          Text("transcriptionProvider"),
                                                          Text("ttsLanguage"),
                                                          Text("ttsProvider"),
                                                          Text("url"),
                                                          Text("voice"),
                                                          Text("welcomeGreeting"),
                                                          Text("welcomeGreetingInterruptible")};
constexpr uint8_t kConversationRelayChildren[] = {kLanguage, kParameter};
constexpr AttributeRule kConversationRelaySessionAttributes[] = {Text("connector"),
                                                                 Text("sessionConfiguration")};
constexpr AttributeRule kDialAttributes[] = {
    Text("action"),
    Bool("answerOnBridge"),
    Text("callReason"),
    Text("callerId"),
    OneOf("events", ValueSet::kDialEvents),
    Bool("hangupOnStar"),
    Text("method"),
    Text("passports"),
    OneOf("record", ValueSet::kRecord),
    Text("recordingConfigurationId"),
    Text("recordingStatusCallback"),
    SomeOf("recordingStatusCallbackEvent", ValueSet::kRecordingEvent),
    Text("recordingStatusCallbackMethod"),
    OneOf("recordingTrack", ValueSet::kRecordingTrack),
    Text("referMethod"),
    Text("referUrl"),
    OneOf("ringTone", ValueSet::kRingTone),
    Bool("sequential"),
    Int("timeLimit"),
    Int("timeout"),
    OneOf("trim", ValueSet::kTrim)};
constexpr uint8_t kDialChildren[] = {kApplication, kClient, kConference, kNumber,
                                     kQueue,       kSim,    kSip,        kWhatsApp};
constexpr AttributeRule kEnqueueAttributes[] = {Text("action"),        Int("maxQueueSize"),
                                                Text("method"),        Text("waitUrl"),
                                                Text("waitUrlMethod"), Text("workflowSid")};
constexpr uint8_t kEnqueueChildren[] = {kTask};
constexpr AttributeRule kGatherAttributes[] = {Text("action"),
                                               Bool("actionOnEmptyResult"),
                                               Bool("bargeIn"),
                                               Bool("debug"),
                                               Bool("enhanced"),
                                               Text("finishOnKey"),
                                               Text("hints"),
                                               SomeOf("input", ValueSet::kGatherInput),
                                               OneOf("language", ValueSet::kGatherLanguage),
                                               Int("maxSpeechTime"),
                                               Text("method"),
                                               Int("numDigits"),
                                               Text("partialResultCallback"),
                                               Text("partialResultCallbackMethod"),
                                               Bool("profanityFilter"),
                                               Text("speechModel"),
                                               Text("speechTimeout"),
                                               Int("timeout")};
constexpr uint8_t kGatherChildren[] = {kPause, kPlay, kSay};
constexpr uint8_t kHangupChildren[] = {kParameter};
constexpr AttributeRule kHeaderAttributes[] = {Text("name"), Text("value")};
constexpr uint8_t kHeadersChildren[] = {kHeader};
constexpr AttributeRule kLanguageAttributes[] = {Text("code"), Text("speechModel"),
                                                 Text("transcriptionProvider"), Text("ttsProvider"),
                                                 Text("voice")};
constexpr AttributeRule kNumberAttributes[] = {Text("amdStatusCallback"),
                                               Text("amdStatusCallbackMethod"),
                                               Text("byoc"),
                                               Text("machineDetection"),
                                               Int("machineDetectionSilenceTimeout"),
                                               Int("machineDetectionSpeechEndThreshold"),
                                               Int("machineDetectionSpeechThreshold"),
                                               Int("machineDetectionTimeout"),
                                               Text("method"),
                                               Text("sendDigits"),
                                               Text("statusCallback"),
                                               SomeOf("statusCallbackEvent", ValueSet::kCallEvent),
                                               Text("statusCallbackMethod"),
                                               Text("url")};
constexpr AttributeRule kParameterAttributes[] = {Text("name"), Text("value")};
constexpr AttributeRule kPauseAttributes[] = {Int("length")};
constexpr AttributeRule kPayAttributes[] = {Text("action"),
                                            OneOf("bankAccountType", ValueSet::kPayBankAccountType),
                                            Text("chargeAmount"),
                                            Text("currency"),
                                            Text("description"),
                                            OneOf("input", ValueSet::kPayInput),
                                            OneOf("language", ValueSet::kPayLanguage),
                                            Int("maxAttempts"),
                                            Int("minPostalCodeLength"),
                                            Text("paymentConnector"),
                                            OneOf("paymentMethod", ValueSet::kPayPaymentMethod),
                                            Text("postalCode"),
                                            Bool("securityCode"),
                                            Text("statusCallback"),
                                            OneOf("statusCallbackMethod", ValueSet::kHttpMethod),
                                            Int("timeout"),
                                            OneOf("tokenType", ValueSet::kPayTokenType),
                                            SomeOf("validCardTypes", ValueSet::kCardType)};
constexpr uint8_t kPayChildren[] = {kParameter, kPrompt};
constexpr AttributeRule kPlayAttributes[] = {Text("digits"), Int("loop")};
constexpr AttributeRule kPromptAttributes[] = {
    Ints("attempt"), SomeOf("cardType", ValueSet::kCardType),
    SomeOf("errorType", ValueSet::kPromptErrorType), OneOf("for", ValueSet::kPromptFor),
    Bool("requireMatchingInputs")};
constexpr uint8_t kPromptChildren[] = {kPause, kPlay, kSay};
constexpr AttributeRule kQueueAttributes[] = {Text("method"), Text("postWorkActivitySid"),
                                              Text("reservationSid"), Text("url")};
constexpr AttributeRule kRecordAttributes[] = {
    Text("action"),
    Text("finishOnKey"),
    Int("maxLength"),
    Text("method"),
    Bool("playBeep"),
    Text("recordingConfigurationId"),
    Text("recordingStatusCallback"),
    SomeOf("recordingStatusCallbackEvent", ValueSet::kRecordingEvent),
    Text("recordingStatusCallbackMethod"),
    Int("timeout"),
    Bool("transcribe"),
    Text("transcribeCallback"),
    OneOf("trim", ValueSet::kTrim)};
constexpr AttributeRule kRecordingAttributes[] = {
    OneOf("channels", ValueSet::kRecordingChannels),
    Text("recordingConfigurationId"),
    Text("recordingStatusCallback"),
    SomeOf("recordingStatusCallbackEvent", ValueSet::kRecordingEvent),
    OneOf("recordingStatusCallbackMethod", ValueSet::kHttpMethod),
    OneOf("track", ValueSet::kRecordingTrack),
    OneOf("trim", ValueSet::kTrim)};
constexpr AttributeRule kRedirectAttributes[] = {Text("method")};
constexpr AttributeRule kReferAttributes[] = {Text("action"), Text("method")};
constexpr uint8_t kReferChildren[] = {kReferSip};
constexpr AttributeRule kRejectAttributes[] = {OneOf("reason", ValueSet::kRejectReason)};
constexpr uint8_t kRejectChildren[] = {kParameter};
constexpr AttributeRule kRoomAttributes[] = {Text("participantIdentity")};
constexpr AttributeRule kSayAttributes[] = {OneOf("language", ValueSet::kSayLanguage), Int("loop"),
                                            OneOf("voice", ValueSet::kSayVoice)};
constexpr uint8_t kSayChildren[] = {kSsmlBreak,   kSsmlEmphasis, kSsmlLang,  kSsmlP,   kSsmlPhoneme,
                                    kSsmlProsody, kSsmlS,        kSsmlSayAs, kSsmlSub, kSsmlW};
constexpr AttributeRule kSipAttributes[] = {Text("amdStatusCallback"),
                                            Text("amdStatusCallbackMethod"),
                                            Text("machineDetection"),
                                            Int("machineDetectionSilenceTimeout"),
                                            Int("machineDetectionSpeechEndThreshold"),
                                            Int("machineDetectionSpeechThreshold"),
                                            Int("machineDetectionTimeout"),
                                            Text("method"),
                                            Text("password"),
                                            Text("statusCallback"),
                                            SomeOf("statusCallbackEvent", ValueSet::kCallEvent),
                                            Text("statusCallbackMethod"),
                                            Text("url"),
                                            Text("username")};
constexpr uint8_t kSipChildren[] = {kHeaders, kUri};
constexpr AttributeRule kSiprecAttributes[] = {
    Text("connectorName"), Text("name"), Text("statusCallback"),
    OneOf("statusCallbackMethod", ValueSet::kHttpMethod), OneOf("track", ValueSet::kMediaTrack)};
constexpr uint8_t kSiprecChildren[] = {kParameter};
constexpr AttributeRule kSmsAttributes[] = {Text("action"), Text("from"), Text("method"),
                                            Text("statusCallback"), Text("to")};
constexpr AttributeRule kStartAttributes[] = {Text("action"), Text("method")};
constexpr uint8_t kStartChildren[] = {kRecording, kSiprec, kStream, kTranscription};
constexpr uint8_t kStopChildren[] = {kSiprec, kStream, kTranscription};
constexpr AttributeRule kStreamAttributes[] = {Text("audioFormat"),
                                               Text("connectorName"),
                                               Text("name"),
                                               Text("sampleRate"),
                                               Text("statusCallback"),
                                               OneOf("statusCallbackMethod", ValueSet::kHttpMethod),
                                               OneOf("track", ValueSet::kMediaTrack),
                                               Text("url")};
constexpr uint8_t kStreamChildren[] = {kParameter};
constexpr AttributeRule kTaskAttributes[] = {Int("priority"), Int("timeout")};
constexpr AttributeRule kTranscriptionAttributes[] = {
    Bool("enableAutomaticPunctuation"),
    Text("hints"),
    Text("inboundTrackLabel"),
    Text("intelligenceService"),
    Text("languageCode"),
    Text("name"),
    Text("outboundTrackLabel"),
    Bool("partialResults"),
    Bool("profanityFilter"),
    Text("speechModel"),
    OneOf("statusCallbackMethod", ValueSet::kHttpMethod),
    Text("statusCallbackUrl"),
    OneOf("track", ValueSet::kMediaTrack),
    Text("transcriptionEngine")};
constexpr uint8_t kTranscriptionChildren[] = {kConfig, kParameter};
constexpr AttributeRule kUriAttributes[] = {Text("password"), Text("priority"), Text("username"),
                                            Text("weight")};
constexpr AttributeRule kVirtualAgentAttributes[] = {
    Text("connectorName"), Text("language"), Bool("sentimentAnalysis"), Text("statusCallback"),
    Text("statusCallbackMethod")};
constexpr uint8_t kVirtualAgentChildren[] = {kConfig, kParameter};
constexpr AttributeRule kWhatsAppAttributes[] = {
    Text("method"), Text("statusCallback"), SomeOf("statusCallbackEvent", ValueSet::kCallEvent),
    Text("statusCallbackMethod"), Text("url")};
constexpr AttributeRule kSsmlBreakAttributes[] = {OneOf("strength", ValueSet::kBreakStrength),
                                                  Text("time")};
constexpr AttributeRule kSsmlEmphasisAttributes[] = {OneOf("level", ValueSet::kEmphasisLevel)};
constexpr uint8_t kSsmlEmphasisChildren[] = {kSsmlBreak,   kSsmlEmphasis, kSsmlLang, kSsmlPhoneme,
                                             kSsmlProsody, kSsmlSayAs,    kSsmlSub,  kSsmlW};
constexpr AttributeRule kSsmlLangAttributes[] = {OneOf("xml:lang", ValueSet::kSsmlLanguage)};
constexpr uint8_t kSsmlLangChildren[] = {kSsmlBreak,   kSsmlEmphasis, kSsmlLang, kSsmlP,
                                         kSsmlPhoneme, kSsmlProsody,  kSsmlS,    kSsmlSayAs,
                                         kSsmlSub,     kSsmlW};
constexpr uint8_t kSsmlPChildren[] = {kSsmlBreak,   kSsmlEmphasis, kSsmlLang,
                                      kSsmlPhoneme, kSsmlProsody,  kSsmlS,
                                      kSsmlSayAs,   kSsmlSub,      kSsmlW};
constexpr AttributeRule kSsmlPhonemeAttributes[] = {OneOf("alphabet", ValueSet::kPhonemeAlphabet),
                                                    Text("ph")};
constexpr AttributeRule kSsmlProsodyAttributes[] = {Text("pitch"), Text("rate"), Text("volume")};
constexpr uint8_t kSsmlProsodyChildren[] = {kSsmlBreak,   kSsmlEmphasis, kSsmlLang, kSsmlP,
                                            kSsmlPhoneme, kSsmlProsody,  kSsmlS,    kSsmlSayAs,
                                            kSsmlSub,     kSsmlW};
constexpr uint8_t kSsmlSChildren[] = {kSsmlBreak,   kSsmlEmphasis, kSsmlLang, kSsmlPhoneme,
                                      kSsmlProsody, kSsmlSayAs,    kSsmlSub,  kSsmlW};
constexpr AttributeRule kSsmlSayAsAttributes[] = {
    OneOf("format", ValueSet::kSayAsFormat), OneOf("interpret-as", ValueSet::kSayAsInterpretAs)};
constexpr AttributeRule kSsmlSubAttributes[] = {Text("alias")};
constexpr AttributeRule kSsmlWAttributes[] = {Text("role")};
constexpr uint8_t kSsmlWChildren[] = {kSsmlBreak,   kSsmlEmphasis, kSsmlPhoneme,
                                      kSsmlProsody, kSsmlSayAs,    kSsmlSub};

constexpr ElementRule kRules[] = {
    {"Response", {}, kResponseChildren, TextRule::kNone},
    {"AiSession", kAiSessionAttributes, {}, TextRule::kNone},
    {"Application", kApplicationAttributes, kApplicationChildren, TextRule::kAllowed},
    {"ApplicationSid", {}, {}, TextRule::kRequired},
    {"Autopilot", {}, {}, TextRule::kRequired},
    {"Client", kClientAttributes, kClientChildren, TextRule::kAllowed},
    {"Conference", kConferenceAttributes, {}, TextRule::kRequired},
    {"Config", kConfigAttributes, {}, TextRule::kNone},
    {"Connect", kConnectAttributes, kConnectChildren, TextRule::kNone},
    {"Conversation", kConversationAttributes, {}, TextRule::kNone},
    {"ConversationRelay", kConversationRelayAttributes, kConversationRelayChildren,
     TextRule::kNone},
    {"ConversationRelaySession", kConversationRelaySessionAttributes, {}, TextRule::kNone},
    {"Dial", kDialAttributes, kDialChildren, TextRule::kAllowed},
    {"Echo", {}, {}, TextRule::kNone},
    {"Enqueue", kEnqueueAttributes, kEnqueueChildren, TextRule::kAllowed},
    {"Gather", kGatherAttributes, kGatherChildren, TextRule::kNone},
    {"Hangup", {}, kHangupChildren, TextRule::kNone},
    {"Header", kHeaderAttributes, {}, TextRule::kNone},
    {"Headers", {}, kHeadersChildren, TextRule::kNone},
    {"Identity", {}, {}, TextRule::kRequired},
    {"Language", kLanguageAttributes, {}, TextRule::kNone},
    {"Leave", {}, {}, TextRule::kNone},
    {"Number", kNumberAttributes, {}, TextRule::kRequired},
    {"Parameter", kParameterAttributes, {}, TextRule::kNone},
    {"Pause", kPauseAttributes, {}, TextRule::kNone},
    {"Pay", kPayAttributes, kPayChildren, TextRule::kNone},
    {"Play", kPlayAttributes, {}, TextRule::kAllowed},
    {"Prompt", kPromptAttributes, kPromptChildren, TextRule::kNone},
    {"Queue", kQueueAttributes, {}, TextRule::kRequired},
    {"Record", kRecordAttributes, {}, TextRule::kNone},
    {"Recording", kRecordingAttributes, {}, TextRule::kNone},
    {"Redirect", kRedirectAttributes, {}, TextRule::kRequired},
    {"Refer", kReferAttributes, kReferChildren, TextRule::kNone},
    {"Reject", kRejectAttributes, kRejectChildren, TextRule::kNone},
    {"Room", kRoomAttributes, {}, TextRule::kRequired},
    {"Say", kSayAttributes, kSayChildren, TextRule::kRequired},
    {"Sim", {}, {}, TextRule::kRequired},
    {"Sip", kSipAttributes, kSipChildren, TextRule::kAllowed},
    {"Sip", {}, {}, TextRule::kRequired},
    {"Siprec", kSiprecAttributes, kSiprecChildren, TextRule::kNone},
    {"Sms", kSmsAttributes, {}, TextRule::kRequired},
    {"Start", kStartAttributes, kStartChildren, TextRule::kNone},
    {"Stop", {}, kStopChildren, TextRule::kNone},
    {"Stream", kStreamAttributes, kStreamChildren, TextRule::kNone},
    {"Task", kTaskAttributes, {}, TextRule::kRequired},
    {"Transcription", kTranscriptionAttributes, kTranscriptionChildren, TextRule::kNone},
    {"Uri", kUriAttributes, {}, TextRule::kAllowed},
    {"VirtualAgent", kVirtualAgentAttributes, kVirtualAgentChildren, TextRule::kNone},
    {"WhatsApp", kWhatsAppAttributes, {}, TextRule::kRequired},
    {"break", kSsmlBreakAttributes, {}, TextRule::kNone},
    {"emphasis", kSsmlEmphasisAttributes, kSsmlEmphasisChildren, TextRule::kRequired},
    {"lang", kSsmlLangAttributes, kSsmlLangChildren, TextRule::kRequired},
    {"p", {}, kSsmlPChildren, TextRule::kRequired},
    {"phoneme", kSsmlPhonemeAttributes, {}, TextRule::kRequired},
    {"prosody", kSsmlProsodyAttributes, kSsmlProsodyChildren, TextRule::kRequired},
    {"s", {}, kSsmlSChildren, TextRule::kRequired},
    {"say-as", kSsmlSayAsAttributes, {}, TextRule::kRequired},
    {"sub", kSsmlSubAttributes, {}, TextRule::kRequired},
    {"w", kSsmlWAttributes, kSsmlWChildren, TextRule::kRequired},
};
static_assert(kRules[kSip].tag == "Sip" && kRules[kSsmlW].tag == "w");

}  // namespace voice

namespace messaging {

enum Element : uint8_t { kResponse, kBody, kMedia, kMessage, kRedirect, kSms };

constexpr uint8_t kResponseChildren[] = {kMessage, kRedirect, kSms};
constexpr AttributeRule kMessageAttributes[] = {Text("action"), Text("from"), Text("method"),
                                                Text("statusCallback"), Text("to")};
constexpr uint8_t kMessageChildren[] = {kBody, kMedia};
constexpr AttributeRule kRedirectAttributes[] = {Text("method")};
constexpr AttributeRule kSmsAttributes[] = {Text("action"), Text("from"), Text("method"),
                                            Text("statusCallback"), Text("to")};

constexpr ElementRule kRules[] = {
    {"Response", {}, kResponseChildren, TextRule::kNone},
    {"Body", {}, {}, TextRule::kRequired},
    {"Media", {}, {}, TextRule::kRequired},
    {"Message", kMessageAttributes, kMessageChildren, TextRule::kAllowed},
    {"Redirect", kRedirectAttributes, {}, TextRule::kRequired},
    {"Sms", kSmsAttributes, {}, TextRule::kRequired},
};
static_assert(kRules[kSms].tag == "Sms");

}  // namespace messaging

}  // namespace

absl::Span<const ElementRule> ElementRules(Kind kind) {
  if (kind == Kind::kVoice) return voice::kRules;
  return messaging::kRules;
}

const ElementRule& ResponseRule(Kind kind) {
  return ElementRules(kind)[0];
}

const ElementRule* FindChild(Kind kind, const ElementRule& parent, string_view tag) {
  const absl::Span<const ElementRule> rules = ElementRules(kind);
  for (const uint8_t child : parent.children) {
    if (rules[child].tag == tag) return &rules[child];
  }
  return nullptr;
}

const AttributeRule* FindAttribute(const ElementRule& element, string_view name) {
  for (const AttributeRule& attribute : element.attributes) {
    if (attribute.name == name) return &attribute;
  }
  return nullptr;
}

}  // namespace understudy::twilio
