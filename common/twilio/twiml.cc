#include "common/twilio/twiml.h"

#include <expat.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/twilio/text_place.h"
#include "common/twilio/twiml_checks.h"
#include "common/twilio/twiml_messages.h"
#include "common/twilio/twiml_schema.h"

namespace understudy::twilio {
namespace {

using absl::string_view;

// Names that are none of TwiML's, in one document, after which the parser is not kept: it remembers
// every name it saw in a table that never shrinks, and clearing it takes as long for every later
// document.
constexpr int kForeignNamesMax = 64;

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct FreeParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using Parser = std::unique_ptr<XML_ParserStruct, FreeParser>;

// An open element.
struct Frame {
  const ElementRule* rule = nullptr;  // null: skipped, with all that is in it
  size_t offset = 0;                  // of its start tag
  size_t text_begin = 0;              // of what is kept of its text, in text_
  // Characters of its text up to the last that is no white space, from the first.
  size_t characters = 0;
  size_t spaces = 0;  // after those
  int media = 0;
  bool has_words = false;
  bool has_elements = false;
  bool is_replaced = false;  // by an attribute of role kInsteadOfText
  bool is_pollys = false;
  bool text_reported = false;
  bool has_conference = false;
  bool has_number = false;
};

// What a thread keeps from one document to the next, so that none has to make it anew.
struct Workspace {
  Parser parser = nullptr;
  std::string text = {};
  std::array<Frame, kTwimlDepthMax> frames = {};
};

// Finds the attributes of a start tag; quick if they are asked for in their order.
class TagReader {
 public:
  // Where the attribute `number`, from 0, of the tag at `tag_offset` begins. REQUIRES: the tag is
  // well-formed and has that many, as the parser saw to.
  size_t AttributeOffset(string_view document, size_t tag_offset, size_t number) {
    constexpr string_view kSpaces = " \t\r\n";
    if (tag_offset != tag_offset_ || number < number_) {
      tag_offset_ = tag_offset;
      number_ = 0;
      at_ = document.find_first_not_of(kSpaces, document.find_first_of(kSpaces, tag_offset));
    }
    for (; number_ < number; ++number_) {
      const size_t quote = document.find_first_of("'\"", at_);
      const size_t end = document.find(document[quote], quote + 1);
      at_ = document.find_first_not_of(kSpaces, end + 1);
    }
    return at_;
  }

 private:
  size_t tag_offset_ = static_cast<size_t>(-1);
  size_t number_ = 0;
  size_t at_ = 0;  // where attribute number_ begins
};

// Judges one document.
class Checker {
 public:
  Checker(string_view document, Kind kind, Workspace& workspace)
      : document_(document),
        kind_(kind),
        parser_(workspace.parser.get()),
        text_(workspace.text),
        frames_(workspace.frames),
        messages_(kind) {
    text_.clear();
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(parser_, OnStart, OnEnd);
    XML_SetCharacterDataHandler(parser_, OnText);
    XML_SetStartDoctypeDeclHandler(parser_, OnDoctype);
  }
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  TwimlReport Check() {
    const XML_Status status =
        XML_Parse(parser_, document_.data(), static_cast<int>(document_.size()),
                  /*isFinal=*/XML_TRUE);
    if (status != XML_STATUS_OK && !stopped_) {
      const bool no_memory = XML_GetErrorCode(parser_) == XML_ERROR_NO_MEMORY;
      SetFatal(no_memory ? 12400 : 12100, Offset(), WhyNotWellFormed());
    }
    return Report();
  }

  bool MayKeepParser() const { return foreign_names_ <= kForeignNamesMax; }

 private:
  struct Found {
    size_t offset = 0;
    Finding finding = {};
  };

  static void XMLCALL OnStart(void* self, const XML_Char* tag, const XML_Char** attributes) {
    static_cast<Checker*>(self)->Start(string_view(tag), attributes);
  }
  static void XMLCALL OnEnd(void* self, const XML_Char* /*tag*/) {
    static_cast<Checker*>(self)->End();
  }
  static void XMLCALL OnText(void* self, const XML_Char* text, int size) {
    static_cast<Checker*>(self)->Text(string_view(text, static_cast<size_t>(size)));
  }
  static void XMLCALL OnDoctype(void* self, const XML_Char* /*name*/, const XML_Char* /*system_id*/,
                                const XML_Char* /*public_id*/, int /*has_internal_subset*/) {
    static_cast<Checker*>(self)->Doctype();
  }

  void Start(string_view tag, const XML_Char** attributes) {
    if (stopped_) return;
    if (depth_ == kTwimlDepthMax) {
      Stop(Offset(), absl::StrCat("Elements are nested deeper than ", kTwimlDepthMax));
      return;
    }
    if (++elements_ > kTwimlElementsMax) {
      Stop(Offset(), absl::StrCat("The document has more than ", kTwimlElementsMax, " elements"));
      return;
    }
    const size_t offset = Offset();
    const ElementRule* const rule =
        depth_ == 0 ? Root(tag, attributes, offset) : Child(tag, offset);
    Frame& frame = frames_[depth_++];
    frame = {.rule = rule, .offset = offset, .text_begin = text_.size()};
    if (rule != nullptr) {
      CheckAttributes(frame, attributes);
    } else {
      foreign_names_ += 1 + XML_GetSpecifiedAttributeCount(parser_) / 2;
    }
  }

  // The parser sees to it that there is only one.
  const ElementRule* Root(string_view tag, const XML_Char** attributes, size_t offset) {
    const ElementRule& response = ResponseRule(kind_);
    if (tag != response.tag) {
      // Read on: a document that is not well-formed either is a 12100.
      SetFatal(12102, offset,
               absl::StrCat("The root element is <", Shown(tag), ">; it must be <Response>"));
      return nullptr;
    }
    for (size_t i = 0; attributes[i] != nullptr; i += 2) {
      const string_view value(attributes[i + 1]);
      if (string_view(attributes[i]) != "version" || value == "1.0" || value == "2010-04-01") {
        continue;
      }
      SetFatal(
          12101, AttributeOffset(offset, i / 2),
          absl::StrCat("Version \"", Shown(value), "\" of <Response> is not known; leave it out"));
      return nullptr;
    }
    return &response;
  }

  const ElementRule* Child(string_view tag, size_t offset) {
    Frame& parent = Top();
    if (parent.rule == nullptr) return nullptr;
    const ElementRule* const rule = FindChild(kind_, *parent.rule, tag);
    if (rule == nullptr) {
      if (!MayWarn()) return nullptr;
      Warn(kSchemaWarning, offset, messages_.MisplacedElement(tag, *parent.rule));
      if (kind_ == Kind::kMessaging && depth_ == 1 && IsOnlyVoiceVerb(tag)) {
        Warn(14110, offset,
             absl::StrCat("<", tag, "> is a verb of calls; a message has Message, Redirect, Sms"));
      }
      return nullptr;
    }
    parent.has_elements = true;
    if (rule->role != ElementRole::kPlain) Count(*rule, parent, offset);
    return rule;
  }

  void Count(const ElementRule& rule, Frame& parent, size_t offset) {
    switch (rule.role) {
      case ElementRole::kConference:
      case ElementRole::kNumber: {
        const bool was_mixed = parent.has_conference && parent.has_number;
        (rule.role == ElementRole::kNumber ? parent.has_number : parent.has_conference) = true;
        if (!was_mixed && parent.has_conference && parent.has_number) {
          Warn(13000, offset, "<Conference> and <Number> are not allowed in the same <Dial>");
        }
        break;
      }
      case ElementRole::kMessage:
        if (++replies_ == kMessagesMax + 1) {
          Warn(14109, offset,
               absl::StrCat("The document has more than ", kMessagesMax,
                            " messages; a reply may be that many"));
        }
        break;
      case ElementRole::kMedia:
        if (++parent.media == kMediaMax + 1) {
          Warn(kSchemaWarning, offset,
               absl::StrCat("<Message> has more than ", kMediaMax, " <Media>"));
        }
        break;
      case ElementRole::kSilence:
        parent.has_words = true;
        break;
      case ElementRole::kPlain:
        break;
    }
  }

  void CheckAttributes(Frame& frame, const XML_Char** attributes) {
    const ElementRule& element = *frame.rule;
    size_t required = 0;
    int longest_s = 0;      // maxLength
    size_t longest_at = 0;  // its number
    bool transcribes = false;
    size_t auto_at = kNowhere;  // number of speechTimeout, if it is "auto"
    bool is_default_model = false;
    for (size_t i = 0; attributes[i] != nullptr; i += 2) {
      const string_view name(attributes[i]);
      const string_view value(attributes[i + 1]);
      const AttributeRule* const rule = FindAttribute(kind_, element, name);
      if (rule == nullptr) {
        ForeignAttribute(frame, name, i / 2);
        continue;
      }
      if (const int code = CheckValue(*rule, value); code != 0 && MayWarn()) {
        Warn(code, AttributeOffset(frame.offset, i / 2), messages_.BadValue(*rule, element, value));
      }
      if (rule->required) ++required;
      switch (rule->role) {
        case AttributeRole::kPlain:
          break;
        case AttributeRole::kInsteadOfText:
          frame.is_replaced = true;
          break;
        case AttributeRole::kVoice:
          frame.is_pollys = absl::StartsWith(value, "Polly.");
          break;
        case AttributeRole::kMaxLength:
          longest_s = ReadInteger(value);
          longest_at = i / 2;
          break;
        case AttributeRole::kTranscribe:
          transcribes = value == "true";
          break;
        case AttributeRole::kSpeechTimeout:
          if (value == "auto") auto_at = i / 2;
          break;
        case AttributeRole::kSpeechModel:
          is_default_model = value == "default";
          break;
      }
    }
    if (required < element.required_attributes) MissingAttributes(frame, attributes);
    if (transcribes && longest_s > kTranscribedSecondsMax) {
      Warn(13615, AttributeOffset(frame.offset, longest_at),
           absl::StrCat("Attribute maxLength of <Record> is \"", longest_s,
                        "\"; a recording that is transcribed may have at most ",
                        kTranscribedSecondsMax, " seconds"));
    }
    if (is_default_model && auto_at != kNowhere) {
      Warn(
          13335, AttributeOffset(frame.offset, auto_at),
          "Attribute speechTimeout of <Gather> is \"auto\", which speechModel \"default\" does not "
          "have");
    }
  }

  void ForeignAttribute(const Frame& frame, string_view name, size_t number) {
    if (depth_ == 1 && name == "version") return;
    ++foreign_names_;
    if (name == "xmlns" || absl::StartsWith(name, "xmlns:") || !MayWarn()) return;
    Warn(kSchemaWarning, AttributeOffset(frame.offset, number),
         messages_.MisplacedAttribute(name, *frame.rule));
  }

  void MissingAttributes(const Frame& frame, const XML_Char** attributes) {
    for (const AttributeRule& rule : frame.rule->attributes) {
      if (!rule.required) continue;
      size_t i = 0;
      while (attributes[i] != nullptr && string_view(attributes[i]) != rule.name) i += 2;
      if (attributes[i] != nullptr) continue;
      Warn(rule.code, frame.offset, messages_.MissingAttribute(rule, *frame.rule));
    }
  }

  // Comes once for each stretch without a line end or reference in it.
  void Text(string_view text) {
    if (stopped_) return;
    Frame& frame = Top();
    if (frame.rule == nullptr) return;
    const auto is_word = [](char c) { return !IsSpace(c); };
    size_t begin = 0;
    if (!frame.has_words || frame.characters == 0) {
      begin = static_cast<size_t>(std::find_if(text.begin(), text.end(), is_word) - text.begin());
      if (begin == text.size()) return;
      frame.has_words = true;
      if (frame.rule->text == TextRule::kNone && !frame.text_reported && MayWarn()) {
        frame.text_reported = true;
        Warn(kSchemaWarning, Offset() + begin, messages_.MisplacedText(*frame.rule));
      }
    }
    switch (frame.rule->value) {
      case TextValue::kAny:
        frame.characters = 1;  // that there are some is all there is to know
        break;
      case TextValue::kSpeech:
      case TextValue::kMessage:
      case TextValue::kPart: {
        size_t end = text.size();
        while (end > begin && IsSpace(text[end - 1])) --end;
        if (end > begin) {
          frame.characters += frame.spaces + CountCharacters(text.substr(begin, end - begin));
          frame.spaces = 0;
        }
        frame.spaces += text.size() - end;
        break;
      }
      case TextValue::kUrl:
      case TextValue::kPhoneNumber:
      case TextValue::kQueueName:
      case TextValue::kSipUri:
        frame.characters = 1;
        text_.append(text.data() + begin, text.size() - begin);
        break;
    }
  }

  void End() {
    if (stopped_) return;
    const Frame& frame = frames_[--depth_];
    if (frame.rule == nullptr) return;
    CheckText(frame);
    text_.resize(frame.text_begin);
    if (frame.rule->value == TextValue::kPart) {
      frames_[depth_ - 1].has_words |= frame.has_words;
      frames_[depth_ - 1].characters += frame.characters;
    }
  }

  // At the end of an element: whether its text is what it should be.
  void CheckText(const Frame& frame) {
    if (!MayWarn()) return;
    const ElementRule& element = *frame.rule;
    const bool is_missing =
        !frame.has_words &&
        (element.text == TextRule::kRequired ||
         (element.text == TextRule::kRequiredOrElement && !frame.has_elements) ||
         (element.text == TextRule::kRequiredOrReplaced && !frame.is_replaced));
    if (is_missing) {
      Warn(element.missing_code, frame.offset, messages_.MissingText(element));
      return;
    }
    bool is_good = true;
    const string_view text = string_view(text_).substr(frame.text_begin);
    switch (element.value) {
      case TextValue::kAny:
      case TextValue::kPart:
        return;
      case TextValue::kSpeech: {
        const int most = frame.is_pollys ? kPollyCharactersMax : kSayCharactersMax;
        if (frame.characters > static_cast<size_t>(most)) TooLong(frame, most);
        return;
      }
      case TextValue::kMessage:
        if (frame.characters > static_cast<size_t>(kMessageCharactersMax)) {
          TooLong(frame, kMessageCharactersMax);
        }
        return;
      case TextValue::kUrl:
        is_good = IsUrl(text, /*or_socket=*/false);
        break;
      case TextValue::kPhoneNumber:
        is_good = text.empty() || IsDialable(text);
        break;
      case TextValue::kQueueName:
        is_good = CountCharacters(absl::StripAsciiWhitespace(text)) <=
                  static_cast<size_t>(kQueueNameCharactersMax);
        break;
      case TextValue::kSipUri:
        is_good = text.empty() || IsSipUri(text);
        break;
    }
    if (is_good) return;
    Warn(element.text_code, frame.offset,
         messages_.BadText(element, absl::StripAsciiWhitespace(text)));
  }

  void TooLong(const Frame& frame, int most) {
    Warn(frame.rule->text_code, frame.offset,
         absl::StrCat("<", frame.rule->tag, "> has ", frame.characters, " characters of text; ",
                      frame.is_pollys ? "with a voice of Polly's " : "", "it may have ", most));
  }

  // Called at the end of the declaration, or where its internal subset begins.
  void Doctype() {
    const size_t begin = document_.rfind("<!DOCTYPE", Offset());
    Stop(begin == string_view::npos ? Offset() : begin,
         "A document type declaration (<!DOCTYPE ...>) is not allowed");
  }

  // Ends the parse.
  void Stop(size_t offset, std::string why) {
    SetFatal(12100, offset, std::move(why));
    stopped_ = true;
    XML_StopParser(parser_, XML_FALSE);
  }

  void SetFatal(int code, size_t offset, std::string message) {
    fatal_ = Found{offset, {.code = code, .level = Level::kError, .message = std::move(message)}};
  }

  bool MayWarn() const { return found_.size() < kTwimlWarningsMax; }

  void Warn(int code, size_t offset, std::string message) {
    if (!MayWarn()) return;
    found_.push_back(
        {offset,
         {.code = code, .level = FindErrorCode(code)->level, .message = std::move(message)}});
  }

  // What was found, in its places.
  TwimlReport Report() {
    if (fatal_.has_value()) {
      found_.clear();
    } else if (found_.empty()) {
      return {};
    }
    const size_t mark_size = absl::StartsWith(document_, "\xEF\xBB\xBF") ? 3 : 0;
    TextCursor cursor(document_.substr(mark_size));
    const auto placed = [&](Found& found) {
      const TextPlace place = cursor.PlaceOf(found.offset - std::min(mark_size, found.offset));
      found.finding.line = place.line;
      found.finding.column = place.column;
      return std::move(found.finding);
    };
    TwimlReport report;
    if (fatal_.has_value()) report.fatal = placed(*fatal_);
    // Missing text is found where its element ends.
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Found& a, const Found& b) { return a.offset < b.offset; });
    report.warnings.reserve(found_.size());
    for (Found& found : found_) report.warnings.push_back(placed(found));
    return report;
  }

  std::string WhyNotWellFormed() const {
    const bool is_known = depth_ > 0 && frames_[depth_ - 1].rule != nullptr;
    const std::string open =
        is_known ? absl::StrCat("<", frames_[depth_ - 1].rule->tag, ">") : "the element";
    const XML_Error error = XML_GetErrorCode(parser_);
    switch (error) {
      case XML_ERROR_NO_ELEMENTS:
        if (depth_ == 0) return "The document has no elements";
        return absl::StrCat("The document ends before ", open, " is closed");
      case XML_ERROR_UNCLOSED_TOKEN:
        return "The document ends within a tag, comment or section";
      case XML_ERROR_INVALID_TOKEN:
        return "Not well-formed: often an unescaped & or <, an attribute without quotes or value, "
               "or a character XML does not have";
      case XML_ERROR_TAG_MISMATCH:
        return absl::StrCat("The end tag does not match the start tag of ", open);
      case XML_ERROR_MISPLACED_XML_PI:
        return "The XML declaration must be the very first thing in the document";
      case XML_ERROR_JUNK_AFTER_DOC_ELEMENT:
        return "Only white space and comments may follow the root element";
      case XML_ERROR_UNDEFINED_ENTITY:
        return "The entity is not defined: XML has amp, lt, gt, quot and apos; write & as &amp;";
      case XML_ERROR_NO_MEMORY:
        return "No memory to read the document";
      default:
        return absl::StrCat("Not well-formed: ", XML_ErrorString(error));
    }
  }

  // Of what the parser is at. As it reads UTF-8 it counts the document's own bytes.
  size_t Offset() const {
    return static_cast<size_t>(std::max(XML_Index{0}, XML_GetCurrentByteIndex(parser_)));
  }

  size_t AttributeOffset(size_t tag_offset, size_t number) {
    return tag_reader_.AttributeOffset(document_, tag_offset, number);
  }

  Frame& Top() { return frames_[depth_ - 1]; }

  static constexpr size_t kNowhere = static_cast<size_t>(-1);

  const string_view document_;
  const Kind kind_;
  const XML_Parser parser_;
  std::string& text_;  // of the open elements whose text is looked at, in the order they opened
  std::array<Frame, kTwimlDepthMax>& frames_;  // the first depth_ are open
  TwimlMessages messages_;
  TagReader tag_reader_;
  std::optional<Found> fatal_;
  std::vector<Found> found_;
  size_t depth_ = 0;
  int elements_ = 0;
  int replies_ = 0;
  int foreign_names_ = 0;
  bool stopped_ = false;  // by us; the parser may still call once or twice
};

// Whether expat would read the document as UTF-16, though told that it is UTF-8. No UTF-8 that is
// XML begins like this.
bool BeginsLikeUtf16(string_view document) {
  const string_view start = document.substr(0, 2);
  return start == "\xFE\xFF" || start == "\xFF\xFE" || absl::StrContains(start, '\0');
}

TwimlReport Refused(int code, std::string message) {
  return {.fatal = Finding{.code = code, .message = std::move(message), .line = 1, .column = 1}};
}

}  // namespace

TwimlReport CheckTwiml(string_view utf8_document, Kind kind) {
  if (utf8_document.size() > kTwimlBytesMax) {
    return Refused(11750, absl::StrCat("The document has ", utf8_document.size(),
                                       " bytes, more than ", kTwimlBytesMax));
  }
  if (BeginsLikeUtf16(utf8_document)) {
    return Refused(12100, "The document is not in the encoding it was said to be in");
  }
  static thread_local Workspace workspace;
  if (workspace.parser == nullptr) {
    workspace.parser.reset(XML_ParserCreate("UTF-8"));
    if (workspace.parser == nullptr) return Refused(12400, "No memory to read the document");
  } else {
    XML_ParserReset(workspace.parser.get(), "UTF-8");
  }
  Checker checker(utf8_document, kind, workspace);
  TwimlReport report = checker.Check();
  if (!checker.MayKeepParser()) workspace = {};
  return report;
}

}  // namespace understudy::twilio
