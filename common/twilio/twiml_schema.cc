#include "common/twilio/twiml_schema.h"

#include <cstddef>
#include <initializer_list>
#include <iterator>

#include "common/twilio/name_table.h"

namespace understudy::twilio {
namespace {

using absl::string_view;

// What the keys of a telephone are to the attributes that take them.
constexpr string_view kFinishKeys = "0123456789*#";
constexpr string_view kSentKeys = "0123456789*#w";
constexpr string_view kPlayedKeys = "0123456789ABCDwW*#";

constexpr int kInvalidUrl = 11100;  // its own page: texts of Play and Redirect, and any action

constexpr AttributeRule Text(string_view name, AttributeRole role = AttributeRole::kPlain) {
  return {.name = name, .role = role};
}
constexpr AttributeRule TextUpTo(string_view name, int characters) {
  return {.name = name, .most = characters};
}
constexpr AttributeRule Bool(string_view name, int code = kSchemaWarning,
                             AttributeRole role = AttributeRole::kPlain) {
  return {.name = name, .code = code, .type = ValueType::kBoolean, .role = role};
}
constexpr AttributeRule Int(string_view name, int code = kSchemaWarning, int least = 0,
                            int most = kUnbounded, AttributeRole role = AttributeRole::kPlain) {
  return {.name = name,
          .code = code,
          .least = least,
          .most = most,
          .type = ValueType::kInteger,
          .role = role};
}
constexpr AttributeRule Ints(string_view name) {
  return {.name = name, .type = ValueType::kIntegers};
}
constexpr AttributeRule OneOf(string_view name, ValueSet values, int code = kSchemaWarning,
                              AttributeRole role = AttributeRole::kPlain) {
  return {.name = name, .code = code, .type = ValueType::kOneOf, .values = values, .role = role};
}
constexpr AttributeRule SomeOf(string_view name, ValueSet values, int code = kSchemaWarning) {
  return {.name = name, .code = code, .type = ValueType::kSomeOf, .values = values};
}
constexpr AttributeRule Method(string_view name, int code = kSchemaWarning) {
  return {.name = name, .code = code, .type = ValueType::kMethod};
}
constexpr AttributeRule Url(string_view name, int code = kSchemaWarning) {
  return {.name = name, .code = code, .type = ValueType::kUrl};
}
constexpr AttributeRule SocketUrl(string_view name) {
  return {.name = name, .type = ValueType::kUrlOrSocketUrl};
}
constexpr AttributeRule Keys(string_view name, string_view keys, int code) {
  return {
      .name = name, .keys = keys, .code = code, .too_long_code = code, .type = ValueType::kKeys};
}
constexpr AttributeRule Required(AttributeRule rule) {
  rule.required = true;
  return rule;
}

constexpr uint64_t Bits(std::initializer_list<int> elements) {
  uint64_t bits = 0;
  for (const int element : elements) bits |= uint64_t{1} << element;
  return bits;
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
  kGatherPlay,
  kPrompt,
  kQueue,
  kRecord,
  kRecording,
  kRedirect,
  kRefer,
  kReject,
  kRoom,
  kSay,
  kGatherSay,
  kSim,
  kSip,
  kReferSip,
  kSiprec,
  kSms,
  kStart,
  kStop,
  kStream,
  kStopStream,
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

// More than one key is another mistake than a wrong one.
constexpr AttributeRule kGatherFinishOnKey = {.name = "finishOnKey",
                                              .keys = kFinishKeys,
                                              .code = 13310,
                                              .most = 1,
                                              .too_long_code = 13311,
                                              .type = ValueType::kKeys};
constexpr AttributeRule kGatherSpeechTimeout = {.name = "speechTimeout",
                                                .code = 13327,
                                                .least = 1,
                                                .type = ValueType::kIntegerOrAuto,
                                                .role = AttributeRole::kSpeechTimeout};
constexpr AttributeRule kPlayDigits = {.name = "digits",
                                       .keys = kPlayedKeys,
                                       .code = 13430,
                                       .too_long_code = 13430,
                                       .type = ValueType::kKeys,
                                       .role = AttributeRole::kInsteadOfText};

constexpr AttributeRule kAiSessionAttributes[] = {Text("aiConnector"),
                                                  Text("aiSessionConfiguration")};
constexpr AttributeRule kApplicationAttributes[] = {
    Bool("copyParentTo"),
    Text("customerId"),
    Method("method"),
    Url("statusCallback"),
    SomeOf("statusCallbackEvent", ValueSet::kCallEvent),
    Method("statusCallbackMethod"),
    Url("url")};
constexpr AttributeRule kClientAttributes[] = {Method("method"), Url("statusCallback"),
                                               SomeOf("statusCallbackEvent", ValueSet::kCallEvent),
                                               Method("statusCallbackMethod"), Url("url")};
constexpr AttributeRule kConferenceAttributes[] = {
    OneOf("beep", ValueSet::kConferenceBeep, 13235),
    Text("coach"),
    Bool("endConferenceOnExit", 13231),
    Url("eventCallbackUrl"),
    OneOf("jitterBufferSize", ValueSet::kConferenceJitterBufferSize),
    Int("maxParticipants"),
    Bool("muted", 13230),
    Text("participantLabel"),
    OneOf("record", ValueSet::kConferenceRecord),
    Text("recordingConfigurationId"),
    Url("recordingStatusCallback", 13256),
    SomeOf("recordingStatusCallbackEvent", ValueSet::kRecordingEvent, 13621),
    Method("recordingStatusCallbackMethod"),
    OneOf("region", ValueSet::kConferenceRegion),
    Bool("startConferenceOnEnter", 13232),
    Url("statusCallback"),
    SomeOf("statusCallbackEvent", ValueSet::kConferenceEvent),
    Method("statusCallbackMethod"),
    OneOf("trim", ValueSet::kTrim, 13239),
    Method("waitMethod", 13234),
    Url("waitUrl", 13233)};
constexpr AttributeRule kConfigAttributes[] = {Text("name"), Text("value")};
constexpr AttributeRule kConnectAttributes[] = {Url("action", kInvalidUrl), Method("method")};
constexpr AttributeRule kConversationAttributes[] = {
    Bool("inboundAutocreation"),
    Int("inboundTimeout"),
    Method("method"),
    OneOf("record", ValueSet::kRecord),
    Url("recordingStatusCallback", 13256),
    SomeOf("recordingStatusCallbackEvent", ValueSet::kRecordingEvent, 13621),
    Method("recordingStatusCallbackMethod"),
    Int("routingAssignmentTimeout"),
    Text("serviceInstanceSid"),
    Url("statusCallback"),
    SomeOf("statusCallbackEvent", ValueSet::kConversationEvent),
    Method("statusCallbackMethod"),
    OneOf("trim", ValueSet::kTrim),
    Url("url")};
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
                                                          SocketUrl("url"),
                                                          Text("voice"),
                                                          Text("welcomeGreeting"),
                                                          Text("welcomeGreetingInterruptible")};
constexpr AttributeRule kConversationRelaySessionAttributes[] = {Text("connector"),
                                                                 Text("sessionConfiguration")};
constexpr AttributeRule kDialAttributes[] = {
    Url("action", kInvalidUrl),
    Bool("answerOnBridge", 13219),
    TextUpTo("callReason", 50),
    Text("callerId"),
    OneOf("events", ValueSet::kDialEvents),
    Bool("hangupOnStar", 13213),
    Method("method", 13210),
    Text("passports"),
    OneOf("record", ValueSet::kRecord, 13217),
    Text("recordingConfigurationId"),
    Url("recordingStatusCallback", 13256),
    SomeOf("recordingStatusCallbackEvent", ValueSet::kRecordingEvent, 13621),
    Method("recordingStatusCallbackMethod"),
    OneOf("recordingTrack", ValueSet::kRecordingTrack, 13622),
    Method("referMethod"),
    Url("referUrl"),
    OneOf("ringTone", ValueSet::kRingTone, 13220),
    Bool("sequential", 13218),
    Int("timeLimit", 13216, 1),
    Int("timeout", 13212, 1),
    OneOf("trim", ValueSet::kTrim, 13699)};
constexpr AttributeRule kEnqueueAttributes[] = {
    Url("action", 14203),           Int("maxQueueSize", kSchemaWarning, 0, 5000),
    Method("method", 14201),        Url("waitUrl", 14202),
    Method("waitUrlMethod", 14206), Text("workflowSid", AttributeRole::kInsteadOfText)};
constexpr AttributeRule kGatherAttributes[] = {Url("action", kInvalidUrl),
                                               Bool("actionOnEmptyResult", 13338),
                                               Bool("bargeIn", 13332),
                                               Bool("debug"),
                                               Bool("enhanced"),
                                               kGatherFinishOnKey,
                                               Text("hints"),
                                               SomeOf("input", ValueSet::kGatherInput, 13326),
                                               OneOf("language", ValueSet::kGatherLanguage, 13331),
                                               Int("maxSpeechTime", 13328, 1),
                                               Method("method", 13312),
                                               Int("numDigits", 13314, 1),
                                               Url("partialResultCallback"),
                                               Method("partialResultCallbackMethod", 13329),
                                               Bool("profanityFilter", 13333),
                                               Text("speechModel", AttributeRole::kSpeechModel),
                                               kGatherSpeechTimeout,
                                               Int("timeout", 13313, 1)};
constexpr AttributeRule kGatherPlayAttributes[] = {Int("loop", 13410)};
constexpr AttributeRule kGatherSayAttributes[] = {
    OneOf("language", ValueSet::kSayLanguage, 13512), Int("loop", 13322),
    OneOf("voice", ValueSet::kSayVoice, 13321, AttributeRole::kVoice)};
constexpr AttributeRule kHeaderAttributes[] = {Text("name"), Text("value")};
constexpr AttributeRule kLanguageAttributes[] = {Text("code"), Text("speechModel"),
                                                 Text("transcriptionProvider"), Text("ttsProvider"),
                                                 Text("voice")};
constexpr AttributeRule kNumberAttributes[] = {Url("amdStatusCallback"),
                                               Method("amdStatusCallbackMethod"),
                                               Text("byoc"),
                                               Text("machineDetection"),
                                               Int("machineDetectionSilenceTimeout"),
                                               Int("machineDetectionSpeechEndThreshold"),
                                               Int("machineDetectionSpeechThreshold"),
                                               Int("machineDetectionTimeout"),
                                               Method("method", 13221),
                                               Keys("sendDigits", kSentKeys, 13222),
                                               Url("statusCallback"),
                                               SomeOf("statusCallbackEvent", ValueSet::kCallEvent),
                                               Method("statusCallbackMethod"),
                                               Url("url")};
constexpr AttributeRule kParameterAttributes[] = {Required(Text("name")), Required(Text("value"))};
constexpr AttributeRule kPauseAttributes[] = {Int("length", 13910, 1)};
constexpr AttributeRule kPayAttributes[] = {Url("action", kInvalidUrl),
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
                                            Url("statusCallback"),
                                            Method("statusCallbackMethod"),
                                            Int("timeout"),
                                            OneOf("tokenType", ValueSet::kPayTokenType),
                                            SomeOf("validCardTypes", ValueSet::kCardType)};
constexpr AttributeRule kPlayAttributes[] = {kPlayDigits, Int("loop", 13410)};
constexpr AttributeRule kPromptAttributes[] = {
    Ints("attempt"), SomeOf("cardType", ValueSet::kCardType),
    SomeOf("errorType", ValueSet::kPromptErrorType), OneOf("for", ValueSet::kPromptFor),
    Bool("requireMatchingInputs")};
constexpr AttributeRule kQueueAttributes[] = {Method("method", 14210), Text("postWorkActivitySid"),
                                              Text("reservationSid"), Url("url", 14211)};
constexpr AttributeRule kRecordAttributes[] = {
    Url("action", kInvalidUrl),
    Keys("finishOnKey", kFinishKeys, 13613),
    Int("maxLength", 13612, 1, kUnbounded, AttributeRole::kMaxLength),
    Method("method", 13610),
    Bool("playBeep", 13616),
    Text("recordingConfigurationId"),
    Url("recordingStatusCallback", 13256),
    SomeOf("recordingStatusCallbackEvent", ValueSet::kRecordingEvent, 13621),
    Method("recordingStatusCallbackMethod"),
    Int("timeout", 13611, 1),
    Bool("transcribe", 13614, AttributeRole::kTranscribe),
    Url("transcribeCallback", 13257),
    OneOf("trim", ValueSet::kTrim, 13699)};
constexpr AttributeRule kRecordingAttributes[] = {
    OneOf("channels", ValueSet::kRecordingChannels),
    Text("recordingConfigurationId"),
    Url("recordingStatusCallback", 13256),
    SomeOf("recordingStatusCallbackEvent", ValueSet::kRecordingEvent, 13621),
    Method("recordingStatusCallbackMethod"),
    OneOf("track", ValueSet::kRecordingTrack),
    OneOf("trim", ValueSet::kTrim)};
constexpr AttributeRule kRedirectAttributes[] = {Method("method", 13710)};
constexpr AttributeRule kReferAttributes[] = {Url("action", kInvalidUrl), Method("method")};
constexpr AttributeRule kRejectAttributes[] = {OneOf("reason", ValueSet::kRejectReason, 13810)};
constexpr AttributeRule kRoomAttributes[] = {Text("participantIdentity")};
constexpr AttributeRule kSayAttributes[] = {
    OneOf("language", ValueSet::kSayLanguage, 13512), Int("loop", 13510),
    OneOf("voice", ValueSet::kSayVoice, 13511, AttributeRole::kVoice)};
constexpr AttributeRule kSipAttributes[] = {Url("amdStatusCallback"),
                                            Method("amdStatusCallbackMethod"),
                                            Text("machineDetection"),
                                            Int("machineDetectionSilenceTimeout"),
                                            Int("machineDetectionSpeechEndThreshold"),
                                            Int("machineDetectionSpeechThreshold"),
                                            Int("machineDetectionTimeout"),
                                            Method("method", 13241),
                                            Text("password"),
                                            Keys("sendDigits", kSentKeys, 13242),
                                            Url("statusCallback"),
                                            SomeOf("statusCallbackEvent", ValueSet::kCallEvent),
                                            Method("statusCallbackMethod"),
                                            Url("url"),
                                            Text("username")};
constexpr AttributeRule kSiprecAttributes[] = {
    Text("connectorName"), Text("name"), Url("statusCallback"), Method("statusCallbackMethod"),
    OneOf("track", ValueSet::kMediaTrack)};
constexpr AttributeRule kSmsAttributes[] = {Url("action", kInvalidUrl), Text("from"),
                                            Method("method", 14104), Url("statusCallback", 14105),
                                            Text("to")};
constexpr AttributeRule kStartAttributes[] = {Url("action", kInvalidUrl), Method("method")};
constexpr AttributeRule kStopStreamAttributes[] = {Text("audioFormat"),
                                                   Text("connectorName"),
                                                   Text("name"),
                                                   Text("sampleRate"),
                                                   Url("statusCallback"),
                                                   Method("statusCallbackMethod"),
                                                   OneOf("track", ValueSet::kMediaTrack),
                                                   SocketUrl("url")};
constexpr AttributeRule kStreamAttributes[] = {Text("audioFormat"),
                                               Text("connectorName"),
                                               Text("name"),
                                               Text("sampleRate"),
                                               Url("statusCallback"),
                                               Method("statusCallbackMethod"),
                                               OneOf("track", ValueSet::kMediaTrack),
                                               Required(SocketUrl("url"))};
constexpr AttributeRule kTaskAttributes[] = {Int("priority"), Int("timeout")};
constexpr AttributeRule kTranscriptionAttributes[] = {Bool("enableAutomaticPunctuation"),
                                                      Text("hints"),
                                                      Text("inboundTrackLabel"),
                                                      Text("intelligenceService"),
                                                      Text("languageCode"),
                                                      Text("name"),
                                                      Text("outboundTrackLabel"),
                                                      Bool("partialResults"),
                                                      Bool("profanityFilter"),
                                                      Text("speechModel"),
                                                      Method("statusCallbackMethod"),
                                                      Url("statusCallbackUrl"),
                                                      OneOf("track", ValueSet::kMediaTrack),
                                                      Text("transcriptionEngine")};
constexpr AttributeRule kUriAttributes[] = {Text("password"), Text("priority"), Text("username"),
                                            Text("weight")};
constexpr AttributeRule kVirtualAgentAttributes[] = {
    Text("connectorName"), Text("language"), Bool("sentimentAnalysis"), Url("statusCallback"),
    Method("statusCallbackMethod")};
constexpr AttributeRule kWhatsAppAttributes[] = {
    Method("method"), Url("statusCallback"), SomeOf("statusCallbackEvent", ValueSet::kCallEvent),
    Method("statusCallbackMethod"), Url("url")};
constexpr AttributeRule kSsmlBreakAttributes[] = {OneOf("strength", ValueSet::kBreakStrength),
                                                  Text("time")};
constexpr AttributeRule kSsmlEmphasisAttributes[] = {OneOf("level", ValueSet::kEmphasisLevel)};
constexpr AttributeRule kSsmlLangAttributes[] = {OneOf("xml:lang", ValueSet::kSsmlLanguage)};
constexpr AttributeRule kSsmlPhonemeAttributes[] = {OneOf("alphabet", ValueSet::kPhonemeAlphabet),
                                                    Text("ph")};
constexpr AttributeRule kSsmlProsodyAttributes[] = {Text("pitch"), Text("rate"), Text("volume")};
constexpr AttributeRule kSsmlSayAsAttributes[] = {
    OneOf("format", ValueSet::kSayAsFormat), OneOf("interpret-as", ValueSet::kSayAsInterpretAs)};
constexpr AttributeRule kSsmlSubAttributes[] = {Text("alias")};
constexpr AttributeRule kSsmlWAttributes[] = {Text("role")};

constexpr uint64_t kResponseChildren =
    Bits({kConnect, kDial, kEcho, kEnqueue, kGather, kHangup, kLeave, kPause, kPay, kPlay, kRecord,
          kRedirect, kRefer, kReject, kSay, kSms, kStart, kStop});
constexpr uint64_t kSsmlInWord =
    Bits({kSsmlBreak, kSsmlEmphasis, kSsmlPhoneme, kSsmlProsody, kSsmlSayAs, kSsmlSub});
constexpr uint64_t kSsmlInSentence = kSsmlInWord | Bits({kSsmlLang, kSsmlW});
constexpr uint64_t kSsmlInParagraph = kSsmlInSentence | Bits({kSsmlS});
constexpr uint64_t kSsmlAnywhere = kSsmlInParagraph | Bits({kSsmlP});

constexpr ElementRule kRules[] = {
    {.tag = "Response", .children = kResponseChildren},
    {.tag = "AiSession", .attributes = kAiSessionAttributes},
    {.tag = "Application",
     .attributes = kApplicationAttributes,
     .children = Bits({kApplicationSid, kParameter}),
     .text = TextRule::kAllowed},
    {.tag = "ApplicationSid", .text = TextRule::kRequired},
    {.tag = "Autopilot", .text = TextRule::kRequired},
    {.tag = "Client",
     .attributes = kClientAttributes,
     .children = Bits({kIdentity, kParameter}),
     .text = TextRule::kAllowed},
    {.tag = "Conference",
     .attributes = kConferenceAttributes,
     .text = TextRule::kRequired,
     .missing_code = 13237,
     .role = ElementRole::kConference},
    {.tag = "Config", .attributes = kConfigAttributes},
    {.tag = "Connect",
     .attributes = kConnectAttributes,
     .children = Bits({kAiSession, kAutopilot, kConversation, kConversationRelay,
                       kConversationRelaySession, kRoom, kStream, kVirtualAgent})},
    {.tag = "Conversation", .attributes = kConversationAttributes},
    {.tag = "ConversationRelay",
     .attributes = kConversationRelayAttributes,
     .children = Bits({kLanguage, kParameter})},
    {.tag = "ConversationRelaySession", .attributes = kConversationRelaySessionAttributes},
    {.tag = "Dial",
     .attributes = kDialAttributes,
     .children = Bits({kApplication, kClient, kConference, kNumber, kQueue, kSim, kSip, kWhatsApp}),
     .text = TextRule::kRequiredOrElement,
     .value = TextValue::kPhoneNumber,
     .missing_code = 13223,
     .text_code = 13223},
    {.tag = "Echo"},
    {.tag = "Enqueue",
     .attributes = kEnqueueAttributes,
     .children = Bits({kTask}),
     .text = TextRule::kRequiredOrReplaced,
     .value = TextValue::kQueueName,
     .missing_code = 14204,
     .text_code = 14205},
    {.tag = "Gather",
     .attributes = kGatherAttributes,
     .children = Bits({kPause, kGatherPlay, kGatherSay})},
    {.tag = "Hangup", .children = Bits({kParameter})},
    {.tag = "Header", .attributes = kHeaderAttributes},
    {.tag = "Headers", .children = Bits({kHeader})},
    {.tag = "Identity", .text = TextRule::kRequired},
    {.tag = "Language", .attributes = kLanguageAttributes},
    {.tag = "Leave"},
    {.tag = "Number",
     .attributes = kNumberAttributes,
     .text = TextRule::kRequired,
     .value = TextValue::kPhoneNumber,
     .missing_code = 13223,
     .text_code = 13223,
     .role = ElementRole::kNumber},
    {.tag = "Parameter", .attributes = kParameterAttributes, .required_attributes = 2},
    {.tag = "Pause", .attributes = kPauseAttributes},
    {.tag = "Pay", .attributes = kPayAttributes, .children = Bits({kParameter, kPrompt})},
    {.tag = "Play",
     .attributes = kPlayAttributes,
     .text = TextRule::kRequiredOrReplaced,
     .value = TextValue::kUrl,
     .text_code = kInvalidUrl},
    {.tag = "Play",
     .attributes = kGatherPlayAttributes,
     .text = TextRule::kRequired,
     .value = TextValue::kUrl,
     .text_code = kInvalidUrl,
     .only_in = "Gather"},
    {.tag = "Prompt", .attributes = kPromptAttributes, .children = Bits({kPause, kPlay, kSay})},
    {.tag = "Queue",
     .attributes = kQueueAttributes,
     .text = TextRule::kRequired,
     .value = TextValue::kQueueName,
     .missing_code = 14212,
     .text_code = 14213},
    {.tag = "Record", .attributes = kRecordAttributes},
    {.tag = "Recording", .attributes = kRecordingAttributes},
    {.tag = "Redirect",
     .attributes = kRedirectAttributes,
     .text = TextRule::kRequired,
     .value = TextValue::kUrl,
     .text_code = kInvalidUrl},
    {.tag = "Refer", .attributes = kReferAttributes, .children = Bits({kReferSip})},
    {.tag = "Reject", .attributes = kRejectAttributes, .children = Bits({kParameter})},
    {.tag = "Room", .attributes = kRoomAttributes, .text = TextRule::kRequired},
    {.tag = "Say",
     .attributes = kSayAttributes,
     .children = kSsmlAnywhere,
     .text = TextRule::kRequired,
     .value = TextValue::kSpeech,
     .missing_code = 13520,
     .text_code = 13521},
    {.tag = "Say",
     .attributes = kGatherSayAttributes,
     .children = kSsmlAnywhere,
     .text = TextRule::kRequired,
     .value = TextValue::kSpeech,
     .missing_code = 13520,
     .text_code = 13521,
     .only_in = "Gather"},
    {.tag = "Sim", .text = TextRule::kRequired},
    {.tag = "Sip",
     .attributes = kSipAttributes,
     .children = Bits({kHeaders, kUri}),
     .text = TextRule::kAllowed,
     .value = TextValue::kSipUri,
     .text_code = 13243},
    {.tag = "Sip", .text = TextRule::kRequired, .only_in = "Refer"},
    {.tag = "Siprec", .attributes = kSiprecAttributes, .children = Bits({kParameter})},
    {.tag = "Sms", .attributes = kSmsAttributes, .text = TextRule::kRequired},
    {.tag = "Start",
     .attributes = kStartAttributes,
     .children = Bits({kRecording, kSiprec, kStream, kTranscription})},
    {.tag = "Stop", .children = Bits({kSiprec, kStopStream, kTranscription})},
    {.tag = "Stream",
     .attributes = kStreamAttributes,
     .children = Bits({kParameter}),
     .required_attributes = 1},
    {.tag = "Stream",
     .attributes = kStopStreamAttributes,
     .children = Bits({kParameter}),
     .only_in = "Stop"},
    {.tag = "Task", .attributes = kTaskAttributes, .text = TextRule::kRequired},
    {.tag = "Transcription",
     .attributes = kTranscriptionAttributes,
     .children = Bits({kConfig, kParameter})},
    {.tag = "Uri",
     .attributes = kUriAttributes,
     .text = TextRule::kAllowed,
     .value = TextValue::kSipUri,
     .text_code = 13243},
    {.tag = "VirtualAgent",
     .attributes = kVirtualAgentAttributes,
     .children = Bits({kConfig, kParameter})},
    {.tag = "WhatsApp", .attributes = kWhatsAppAttributes, .text = TextRule::kRequired},
    {.tag = "break", .attributes = kSsmlBreakAttributes, .role = ElementRole::kSilence},
    {.tag = "emphasis",
     .attributes = kSsmlEmphasisAttributes,
     .children = kSsmlInSentence,
     .text = TextRule::kRequired,
     .value = TextValue::kPart},
    {.tag = "lang",
     .attributes = kSsmlLangAttributes,
     .children = kSsmlAnywhere,
     .text = TextRule::kRequired,
     .value = TextValue::kPart},
    {.tag = "p",
     .children = kSsmlInParagraph,
     .text = TextRule::kRequired,
     .value = TextValue::kPart},
    {.tag = "phoneme",
     .attributes = kSsmlPhonemeAttributes,
     .text = TextRule::kRequired,
     .value = TextValue::kPart},
    {.tag = "prosody",
     .attributes = kSsmlProsodyAttributes,
     .children = kSsmlAnywhere,
     .text = TextRule::kRequired,
     .value = TextValue::kPart},
    {.tag = "s",
     .children = kSsmlInSentence,
     .text = TextRule::kRequired,
     .value = TextValue::kPart},
    {.tag = "say-as",
     .attributes = kSsmlSayAsAttributes,
     .text = TextRule::kRequired,
     .value = TextValue::kPart},
    {.tag = "sub",
     .attributes = kSsmlSubAttributes,
     .text = TextRule::kRequired,
     .value = TextValue::kPart},
    {.tag = "w",
     .attributes = kSsmlWAttributes,
     .children = kSsmlInWord,
     .text = TextRule::kRequired,
     .value = TextValue::kPart},
};
static_assert(std::size(kRules) <= 64 && kRules[kSip].tag == "Sip" && kRules[kSsmlW].tag == "w");

}  // namespace voice

namespace messaging {

enum Element : uint8_t { kResponse, kBody, kMedia, kMessage, kRedirect, kSms };

constexpr AttributeRule kMessageAttributes[] = {Url("action", kInvalidUrl), Text("from"),
                                                Method("method", 14104),
                                                Url("statusCallback", 14105), Text("to")};
constexpr AttributeRule kRedirectAttributes[] = {Method("method", 13710)};

constexpr ElementRule kRules[] = {
    {.tag = "Response", .children = Bits({kMessage, kRedirect, kSms})},
    {.tag = "Body", .text = TextRule::kRequired, .value = TextValue::kPart, .missing_code = 14103},
    {.tag = "Media",
     .text = TextRule::kRequired,
     .value = TextValue::kUrl,
     .role = ElementRole::kMedia},
    {.tag = "Message",
     .attributes = kMessageAttributes,
     .children = Bits({kBody, kMedia}),
     .text = TextRule::kRequiredOrElement,
     .value = TextValue::kMessage,
     .missing_code = 14103,
     .text_code = 14103,
     .role = ElementRole::kMessage},
    {.tag = "Redirect",
     .attributes = kRedirectAttributes,
     .text = TextRule::kRequired,
     .value = TextValue::kUrl,
     .text_code = kInvalidUrl},
    {.tag = "Sms",
     .attributes = kMessageAttributes,
     .text = TextRule::kRequired,
     .value = TextValue::kMessage,
     .missing_code = 14103,
     .text_code = 14103,
     .role = ElementRole::kMessage},
};
static_assert(kRules[kSms].tag == "Sms");

}  // namespace messaging

// Where in a table of rules a name is. Twice as many places as there are names, and more.
struct Index {
  NameTable<128> tags = {};         // of the first element of that tag
  NameTable<1024> attributes = {};  // element * kAttributesMax + its place in the element
};
constexpr size_t kAttributesMax = 32;  // of one element

// Where the attribute is looked for. The element is spread over all bits, as the name is.
constexpr uint64_t HashAttribute(size_t element, string_view name) {
  return HashName(name) ^ (element * 0x9E3779B97F4A7C15u >> 32);
}

template <size_t size>
constexpr Index MakeIndex(const ElementRule (&rules)[size]) {
  Index index;
  for (size_t element = 0; element < size; ++element) {
    const ElementRule& rule = rules[element];
    if (element == 0 || rules[element - 1].tag != rule.tag) {
      index.tags.Add(HashName(rule.tag), element);
    }
    for (size_t i = 0; i < rule.attributes.size(); ++i) {
      index.attributes.Add(HashAttribute(element, rule.attributes[i].name),
                           element * kAttributesMax + i);
    }
  }
  return index;
}

constexpr Index kVoiceIndex = MakeIndex(voice::kRules);
constexpr Index kMessagingIndex = MakeIndex(messaging::kRules);

const Index& IndexOf(Kind kind) {
  return kind == Kind::kVoice ? kVoiceIndex : kMessagingIndex;
}

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
  size_t element = IndexOf(kind).tags.Find(HashName(tag),
                                           [&](size_t number) { return rules[number].tag == tag; });
  if (element == NameTable<128>::kNone) return nullptr;
  do {
    if ((parent.children >> element & 1) != 0) return &rules[element];
    ++element;
  } while (element < rules.size() && rules[element].tag == tag);
  return nullptr;
}

const AttributeRule* FindAttribute(Kind kind, const ElementRule& element, string_view name) {
  const absl::Span<const ElementRule> rules = ElementRules(kind);
  const auto number = static_cast<size_t>(&element - rules.data());
  const size_t found =
      IndexOf(kind).attributes.Find(HashAttribute(number, name), [&](size_t candidate) {
        return candidate / kAttributesMax == number &&
               element.attributes[candidate % kAttributesMax].name == name;
      });
  if (found == NameTable<1024>::kNone) return nullptr;
  return &element.attributes[found % kAttributesMax];
}

}  // namespace understudy::twilio
