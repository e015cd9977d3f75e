#include "common/twilio/bin_places.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/bin_template.h"
#include "common/twilio/charset.h"

namespace understudy::twilio {
namespace {

using absl::string_view;

// Of a name from the document, in a message about it.
constexpr size_t kBytesShownMax = 64;

string_view Shown(string_view name) {
  return name.substr(0, ValidUtf8Prefix(name.substr(0, kBytesShownMax)));
}

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool BeginsName(char c) {
  return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_' || c == ':' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool BelongsToReference(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '#' || c == '_' || c == '-' ||
         c == '.' || c == ':' || static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

int BinPlaces::Text(size_t begin, size_t end) {
  elements_ = 0;
  behind_tag_ = begin != 0 && where_ == Where::kContent;
  at_ = begin;
  end_ = end;
  while (at_ < end_ && !misplaced_.has_value()) Step();
  return elements_;
}

void BinPlaces::Value(size_t offset) {
  if (where_ == Where::kContent && depth_ > 0) return;
  if (where_ == Where::kAttributeValue && !InRootVersion()) return;
  Complain(offset, absl::StrCat("A value cannot stand ", NameOfPlace(),
                                "; its places are the content of elements and the values of "
                                "attributes"));
}

bool BinPlaces::OpenSection(size_t offset, size_t name, bool inverse) {
  if (where_ == Where::kTagName && offset > tag_ + 1) {
    where_ = Where::kInTag;
    space_ = false;
  }
  if ((where_ != Where::kContent && where_ != Where::kInTag && where_ != Where::kAttributeValue) ||
      InRootVersion()) {
    Complain(offset, absl::StrCat("A section cannot begin ", NameOfPlace()));
  }
  sections_.push_back({where_, depth_, space_, name, inverse});
  return where_ == Where::kAttributeValue || (where_ == Where::kContent && depth_ > 0);
}

void BinPlaces::CloseSection(size_t offset) {
  const Section section = sections_.back();
  sections_.pop_back();
  if (where_ != section.where) {
    Complain(offset, absl::StrCat("A section cannot end ", NameOfPlace(),
                                  " that began in it: it ends where it begins"));
  } else if (depth_ != section.depth) {
    Complain(offset, "An element that begins in the section does not end in it");
  }
  space_ = space_ && section.space;
}

void BinPlaces::End() {
  // Each section there must or must not be for a root takes away half of all the combinations.
  constexpr uint64_t kAll = uint64_t{1} << kBinDepthMax;
  uint64_t covered = 0;
  for (size_t i = 0; i < roots_.size(); ++i) {
    if (Excludes(roots_[i], roots_[i])) continue;  // never there
    for (size_t j = 0; j < i; ++j) {
      if (Excludes(roots_[i], roots_[j])) continue;
      Complain(roots_[i].offset,
               "There can be another root element beside this one; the document has one, whichever "
               "sections are rendered");
      return;
    }
    std::set<size_t> names;
    for (const Section& section : roots_[i].within) names.insert(section.name);
    covered += kAll >> names.size();
  }
  if (!roots_.empty() && covered != kAll) {
    Complain(roots_[0].offset,
             "The root element is not there whichever sections are rendered; a document without "
             "one is none");
  }
}

void BinPlaces::Step() {
  const char c = text_[at_];
  switch (where_) {
    case Where::kContent:
      StepInContent();
      return;
    case Where::kReference:
      if (BelongsToReference(c)) {
        ++at_;
      } else {
        where_ = referring_;
        if (c == ';') ++at_;
      }
      return;
    case Where::kTagName:
      if (IsSpace(c) || c == '/' || c == '>') {
        where_ = Where::kInTag;
      } else {
        ++at_;
      }
      return;
    case Where::kInTag:
      StepInTag();
      return;
    case Where::kAttributeName:
      StepInAttributeName();
      return;
    case Where::kBeforeValue:
      if (c == '>') {
        BeginElement(/*empty=*/false);
      } else if (c == '"' || c == '\'') {
        where_ = Where::kAttributeValue;
        quote_ = c;
      }
      ++at_;
      return;
    case Where::kAttributeValue:
      if (c == '&') {
        where_ = Where::kReference;
        referring_ = Where::kAttributeValue;
      } else if (c == quote_) {
        if (InSectionOf(Where::kAttributeValue)) {
          Complain(at_, "The attribute's value ends in a section that began in it");
        }
        where_ = Where::kInTag;
        space_ = false;
      }
      ++at_;
      return;
    case Where::kEmptyElementEnd:
      if (c == '>') BeginElement(/*empty=*/true);
      ++at_;
      return;
    case Where::kEndTag:
      if (c == '>') {
        where_ = Where::kContent;
        if (depth_ > 0) --depth_;
      }
      ++at_;
      return;
    case Where::kComment:
      SkipBehind("-->");
      return;
    case Where::kCdata:
      SkipBehind("]]>");
      return;
    case Where::kInstruction:
      SkipBehind("?>");
      return;
    case Where::kDeclaration:
      SkipBehind(">");
      return;
  }
}

void BinPlaces::StepInContent() {
  const char c = text_[at_];
  if (c == '>' && behind_tag_) {
    // Content may not have ]]> in it, and how the text before ends is not known.
    Complain(at_, "Right behind {{...}} write &gt; for >: after ]] it would not be XML");
  }
  if (c != ']') behind_tag_ = false;
  if (c == '<') {
    BeginMarkup();
    return;
  }
  if (c == '&') {
    where_ = Where::kReference;
    referring_ = Where::kContent;
  }
  ++at_;
}

void BinPlaces::BeginMarkup() {
  const string_view rest = text_.substr(at_, end_ - at_);
  if (absl::StartsWith(rest, "<!--")) {
    where_ = Where::kComment;
    at_ += 4;
  } else if (absl::StartsWith(rest, "<![CDATA[")) {
    where_ = Where::kCdata;
    at_ += 9;
  } else if (absl::StartsWith(rest, "<!")) {
    where_ = Where::kDeclaration;
    at_ += 2;
  } else if (absl::StartsWith(rest, "<?")) {
    if (at_ > 0 && absl::StartsWith(rest, "<?xml") && rest.size() > 5 && IsSpace(rest[5])) {
      Complain(at_, "The XML declaration must be the very first thing in the template");
    }
    where_ = Where::kInstruction;
    at_ += 2;
  } else if (absl::StartsWith(rest, "</")) {
    if (InSectionOf(Where::kContent) && depth_ == sections_.back().depth) {
      Complain(at_, "An element that begins outside of the section ends in it");
    }
    where_ = Where::kEndTag;
    at_ += 2;
  } else if (rest.size() == 1 || BeginsName(rest[1])) {
    where_ = Where::kTagName;
    tag_ = at_;
    attributes_.clear();
    space_ = false;
    at_ += 1;
  } else {
    at_ += 1;  // a '<' that should have been escaped
  }
}

void BinPlaces::StepInTag() {
  const char c = text_[at_];
  if (c == '>' || c == '/') {
    if (InSectionOf(Where::kInTag)) Complain(at_, "The tag ends in a section that began in it");
    if (c == '>') {
      BeginElement(/*empty=*/false);
    } else {
      where_ = Where::kEmptyElementEnd;
    }
    ++at_;
  } else if (IsSpace(c)) {
    space_ = true;
    ++at_;
  } else {
    if (!space_) Complain(at_, "White space is missing before the attribute");
    attribute_ = at_;
    where_ = Where::kAttributeName;
  }
}

void BinPlaces::StepInAttributeName() {
  const char c = text_[at_];
  if (c == '>') {
    BeginElement(/*empty=*/false);
  } else if (c == '=') {
    where_ = Where::kBeforeValue;
    const string_view name =
        absl::StripTrailingAsciiWhitespace(text_.substr(attribute_, at_ - attribute_));
    if (std::find(attributes_.begin(), attributes_.end(), name) != attributes_.end()) {
      // Also where one is in {{#Name}}, the other in {{^Name}}: they can as well be in the value.
      Complain(attribute_, absl::StrCat("The tag has two attributes ", Shown(name),
                                        "; what differs can be in sections of the value of one"));
    }
    attributes_.push_back(name);
  }
  ++at_;
}

void BinPlaces::SkipBehind(string_view end) {
  const size_t found = text_.substr(0, end_).find(end, at_);
  if (found == string_view::npos) {
    at_ = end_;
    return;
  }
  at_ = found + end.size();
  where_ = Where::kContent;
}

void BinPlaces::BeginElement(bool empty) {
  ++elements_;
  if (depth_ == 0) roots_.push_back({tag_, sections_});
  if (!empty) ++depth_;
  where_ = Where::kContent;
}

void BinPlaces::Complain(size_t offset, std::string message) {
  if (!misplaced_.has_value()) misplaced_ = Misplaced{offset, std::move(message)};
}

bool BinPlaces::InSectionOf(Where where) const {
  return !sections_.empty() && sections_.back().where == where;
}

bool BinPlaces::InRootVersion() const {
  return where_ == Where::kAttributeValue && depth_ == 0 && attributes_.back() == "version";
}

const char* BinPlaces::NameOfPlace() const {
  switch (where_) {
    case Where::kContent:
      return depth_ > 0 ? "in the content of an element" : "outside of the root element";
    case Where::kReference:
      return "in a reference (&...;)";
    case Where::kTagName:
    case Where::kInTag:
    case Where::kEmptyElementEnd:
    case Where::kEndTag:
      return "in a tag";
    case Where::kAttributeName:
      return "in the name of an attribute";
    case Where::kBeforeValue:
      return "between the name and the value of an attribute";
    case Where::kAttributeValue:
      return InRootVersion() ? "in the version of the root element"
                             : "in the value of an attribute";
    case Where::kComment:
      return "in a comment";
    case Where::kCdata:
      return "in a CDATA section";
    case Where::kInstruction:
      return "in a processing instruction";
    case Where::kDeclaration:
      return "in a declaration";
  }
  return "";
}

bool BinPlaces::Excludes(const Root& a, const Root& b) {
  for (const Section& one : a.within) {
    for (const Section& other : b.within) {
      if (one.name == other.name && one.inverse != other.inverse) return true;
    }
  }
  return false;
}

}  // namespace understudy::twilio
