#include "common/twilio/twiml.h"

#include <expat.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/twiml_schema.h"

namespace understudy::twilio {
namespace {

using absl::string_view;

// Of a name or value from the document, in a message about it.
constexpr size_t kBytesShownMax = 64;
// Longer names are not compared with known ones; the longest known has 34 bytes.
constexpr size_t kComparedBytesMax = 40;

string_view AsView(const XML_Char* text) {
  return string_view(text);
}

// `text` cut to kBytesShownMax, between characters.
std::string Shown(string_view text) {
  if (text.size() <= kBytesShownMax) return std::string(text);
  size_t size = kBytesShownMax;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return absl::StrCat(text.substr(0, size), "...");
}

// Insertions, deletions, replacements and swaps of neighbours that make one name the other; the
// case of letters does not count. REQUIRES: both have at most kComparedBytesMax bytes.
size_t Distance(string_view a, string_view b) {
  using Row = std::array<size_t, kComparedBytesMax + 1>;
  Row before_last = {};
  Row last = {};
  Row row = {};
  const auto same = [](char x, char y) {
    return absl::ascii_tolower(static_cast<unsigned char>(x)) ==
           absl::ascii_tolower(static_cast<unsigned char>(y));
  };
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min(
          {last[j] + 1, row[j - 1] + 1, last[j - 1] + (same(a[i - 1], b[j - 1]) ? 0u : 1u)});
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1])) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last = last;
    last = row;
  }
  return last[b.size()];
}

// The candidate that `name` was most likely meant to be; empty if none is near.
string_view Nearest(string_view name, const std::vector<string_view>& candidates) {
  if (name.size() > kComparedBytesMax) return {};
  string_view nearest;
  size_t smallest = name.size() <= 4 ? 2 : 3;  // the first distance that is no longer near
  for (const string_view candidate : candidates) {
    const size_t distance = Distance(name, candidate);
    if (distance < smallest) {
      nearest = candidate;
      smallest = distance;
    }
  }
  return nearest;
}

std::string Listed(const std::vector<string_view>& names) {
  std::string out;
  for (const string_view name : names) absl::StrAppend(&out, out.empty() ? "" : ", ", name);
  return out;
}

std::vector<string_view> ChildTags(Kind kind, const ElementRule& element) {
  std::vector<string_view> tags;
  for (const uint8_t child : element.children) tags.push_back(ElementRules(kind)[child].tag);
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
    if (FindChild(kind, element, tag) != nullptr) parents.push_back(element.tag);
  }
  return parents;
}

std::string WhatItMayHold(Kind kind, const ElementRule& element) {
  const std::vector<string_view> tags = ChildTags(kind, element);
  if (tags.empty()) return absl::StrCat("<", element.tag, "> holds no elements");
  return absl::StrCat("<", element.tag, "> may hold ", Listed(tags));
}

std::string MisplacedElement(Kind kind, string_view tag, const ElementRule& parent) {
  std::string message = absl::StrCat("<", Shown(tag), "> is not allowed in <", parent.tag, ">");
  const std::vector<string_view> proper_parents = ParentTags(kind, tag);
  const string_view nearest = Nearest(tag, ChildTags(kind, parent));
  if (!proper_parents.empty()) {
    absl::StrAppend(&message, "; its place is in ", Listed(proper_parents), ".");
  } else if (kind == Kind::kMessaging && !ParentTags(Kind::kVoice, tag).empty()) {
    absl::StrAppend(&message, " of a message: it belongs to calls.");
  } else if (!nearest.empty()) {
    absl::StrAppend(&message, "; did you mean <", nearest, ">?");
  } else {
    absl::StrAppend(&message, ".");
  }
  absl::StrAppend(&message, " ", WhatItMayHold(kind, parent));
  return message;
}

std::string MisplacedAttribute(string_view name, const ElementRule& element) {
  std::string message =
      absl::StrCat("Attribute ", Shown(name), " is not allowed on <", element.tag, ">");
  const std::vector<string_view> names = AttributeNames(element);
  const string_view nearest = Nearest(name, names);
  if (!nearest.empty()) {
    absl::StrAppend(&message, "; did you mean ", nearest, "?");
  } else {
    absl::StrAppend(&message, ".");
  }
  if (names.empty()) {
    absl::StrAppend(&message, " <", element.tag, "> has no attributes");
  } else {
    absl::StrAppend(&message, " <", element.tag, "> may have ", Listed(names));
  }
  return message;
}

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

class Checker {
 public:
  Checker(Kind kind, XML_Parser parser) : kind_(kind), parser_(parser) {
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(parser_, OnStart, OnEnd);
    XML_SetCharacterDataHandler(parser_, OnText);
    XML_SetStartDoctypeDeclHandler(parser_, OnDoctype);
  }
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  TwimlReport Check(string_view document) {
    const XML_Status status = XML_Parse(parser_, document.data(), static_cast<int>(document.size()),
                                        /*isFinal=*/XML_TRUE);
    if (status != XML_STATUS_OK && !stopped_) {
      const bool no_memory = XML_GetErrorCode(parser_) == XML_ERROR_NO_MEMORY;
      SetFatal(no_memory ? 12400 : 12100, WhyNotWellFormed());
    }
    if (report_.fatal) report_.warnings.clear();
    return std::move(report_);
  }

 private:
  struct Frame {
    const ElementRule* rule = nullptr;  // null: skipped, with all that is in it
    bool text_reported = false;
  };

  static void XMLCALL OnStart(void* self, const XML_Char* tag, const XML_Char** attributes) {
    static_cast<Checker*>(self)->Start(AsView(tag), attributes);
  }
  static void XMLCALL OnEnd(void* self, const XML_Char* /*tag*/) {
    auto* const checker = static_cast<Checker*>(self);
    if (!checker->stopped_) --checker->depth_;
  }
  static void XMLCALL OnText(void* self, const XML_Char* text, int size) {
    static_cast<Checker*>(self)->Text(string_view(text, static_cast<size_t>(size)));
  }
  static void XMLCALL OnDoctype(void* self, const XML_Char* /*name*/, const XML_Char* /*system_id*/,
                                const XML_Char* /*public_id*/, int /*has_internal_subset*/) {
    static_cast<Checker*>(self)->Stop(
        "A document type declaration (<!DOCTYPE ...>) is not allowed");
  }

  void Start(string_view tag, const XML_Char** attributes) {
    if (stopped_) return;
    if (depth_ == kTwimlDepthMax) {
      Stop(absl::StrCat("Elements are nested deeper than ", kTwimlDepthMax));
      return;
    }
    if (++elements_ > kTwimlElementsMax) {
      Stop(absl::StrCat("The document has more than ", kTwimlElementsMax, " elements"));
      return;
    }
    const ElementRule* const rule = depth_ == 0 ? Root(tag, attributes) : Child(tag);
    if (rule != nullptr) CheckAttributes(*rule, attributes);
    frames_[static_cast<size_t>(depth_++)] = {.rule = rule};
  }

  // The parser sees to it that there is only one.
  const ElementRule* Root(string_view tag, const XML_Char** attributes) {
    const ElementRule& response = ResponseRule(kind_);
    if (tag != response.tag) {
      // Read on: a document that is not well-formed either is a 12100.
      SetFatal(12102,
               absl::StrCat("The root element is <", Shown(tag), ">; it must be <Response>"));
      return nullptr;
    }
    for (; *attributes != nullptr; attributes += 2) {
      const string_view value = AsView(attributes[1]);
      if (AsView(attributes[0]) == "version" && value != "1.0" && value != "2010-04-01") {
        SetFatal(12101, absl::StrCat("Version \"", Shown(value),
                                     "\" of <Response> is not known; leave it out"));
        return nullptr;
      }
    }
    return &response;
  }

  const ElementRule* Child(string_view tag) {
    const ElementRule* const parent = Top().rule;
    if (parent == nullptr) return nullptr;
    const ElementRule* const rule = FindChild(kind_, *parent, tag);
    if (rule == nullptr && MayWarn()) Warn(MisplacedElement(kind_, tag, *parent), 0);
    return rule;
  }

  void CheckAttributes(const ElementRule& element, const XML_Char** attributes) {
    for (; *attributes != nullptr && MayWarn(); attributes += 2) {
      const string_view name = AsView(*attributes);
      if (FindAttribute(element, name) != nullptr) continue;
      if (name == "xmlns" || absl::StartsWith(name, "xmlns:")) continue;
      if (depth_ == 0 && name == "version") continue;
      Warn(MisplacedAttribute(name, element), 0);
    }
  }

  // Comes once for each stretch without a line end or reference in it.
  void Text(string_view text) {
    if (stopped_ || Top().rule == nullptr || Top().rule->text != TextRule::kNone) return;
    if (Top().text_reported || !MayWarn()) return;
    const auto word = std::find_if_not(text.begin(), text.end(), IsSpace);
    if (word == text.end()) return;
    Top().text_reported = true;
    Warn(absl::StrCat("Text is not allowed in <", Top().rule->tag, ">. ",
                      WhatItMayHold(kind_, *Top().rule)),
         static_cast<int>(word - text.begin()));
  }

  // Ends the parse.
  void Stop(std::string why) {
    SetFatal(12100, std::move(why));
    stopped_ = true;
    XML_StopParser(parser_, XML_FALSE);
  }

  void SetFatal(int code, std::string message) {
    report_.fatal = Finding{.code = code,
                            .level = Level::kError,
                            .message = std::move(message),
                            .line = Line(),
                            .column = Column()};
  }

  bool MayWarn() const { return report_.warnings.size() < kTwimlWarningsMax; }

  void Warn(std::string message, int columns_further) {
    report_.warnings.push_back({.code = 12200,
                                .level = Level::kWarning,
                                .message = std::move(message),
                                .line = Line(),
                                .column = Column() + columns_further});
  }

  std::string WhyNotWellFormed() const {
    const std::string open =
        depth_ > 0 && frames_[static_cast<size_t>(depth_ - 1)].rule != nullptr
            ? absl::StrCat("<", frames_[static_cast<size_t>(depth_ - 1)].rule->tag, ">")
            : "the element";
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

  Frame& Top() { return frames_[static_cast<size_t>(depth_ - 1)]; }
  int Line() const { return static_cast<int>(XML_GetCurrentLineNumber(parser_)); }
  int Column() const { return static_cast<int>(XML_GetCurrentColumnNumber(parser_)) + 1; }

  const Kind kind_;
  const XML_Parser parser_;
  TwimlReport report_;
  std::array<Frame, kTwimlDepthMax> frames_;
  int depth_ = 0;  // frames in use
  int elements_ = 0;
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

struct FreeParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};

}  // namespace

TwimlReport CheckTwiml(string_view utf8_document, Kind kind) {
  if (utf8_document.size() > kTwimlBytesMax) {
    return Refused(11750, absl::StrCat("The document has ", utf8_document.size(),
                                       " bytes, more than ", kTwimlBytesMax));
  }
  if (BeginsLikeUtf16(utf8_document)) {
    return Refused(12100, "The document is not in the encoding it was said to be in");
  }
  const std::unique_ptr<XML_ParserStruct, FreeParser> parser(XML_ParserCreate("UTF-8"));
  if (parser == nullptr) return Refused(12400, "No memory to read the document");
  return Checker(kind, parser.get()).Check(utf8_document);
}

}  // namespace understudy::twilio
