// Where in a document a piece of a template stands, and what may stand there.
//
// Follows the XML between the tags of a bin template (bin_template.h, which has the rules), from
// front to back and without knowing which sections will be rendered: every section must leave the
// document as it found it, so it makes no difference. What is not well-formed in itself, whatever
// is rendered, is left to who reads a rendering.
#ifndef COMMON_TWILIO_BIN_PLACES_H_
#define COMMON_TWILIO_BIN_PLACES_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace understudy::twilio {

struct Misplaced {
  size_t offset = 0;  // in the template
  std::string message = {};
};

class BinPlaces {
 public:
  // `text` is the template; it must outlive this.
  explicit BinPlaces(absl::string_view text) : text_(text) {}

  // The pieces of the template, in order. Offsets are where they begin.

  // Returns how many elements begin in it.
  int Text(size_t begin, size_t end);
  void Value(size_t offset);
  // Returns whether a list may repeat the section. `name` as a number, the same for the same name.
  bool OpenSection(size_t offset, size_t name, bool inverse);
  void CloseSection(size_t offset);
  // No piece is left.
  void End();

  // The first piece that is out of place. Of what comes behind it nothing is said.
  const std::optional<Misplaced>& misplaced() const { return misplaced_; }

 private:
  enum class Where {
    kContent,
    kReference,        // from '&' to ';'
    kTagName,          // of a start tag
    kInTag,            // between attributes
    kAttributeName,    // up to '='
    kBeforeValue,      // up to the quote
    kAttributeValue,   // up to the other quote
    kEmptyElementEnd,  // between '/' and '>'
    kEndTag,
    kComment,
    kCdata,
    kInstruction,  // <?...?>
    kDeclaration,  // <!...>
  };
  struct Section {
    Where where = Where::kContent;  // it began in
    size_t depth = 0;
    bool space = false;
    size_t name = 0;
    bool inverse = false;
  };
  // A root element, and the sections that must be rendered for it to be there.
  struct Root {
    size_t offset = 0;
    std::vector<Section> within = {};
  };

  void Step();
  void StepInContent();
  void BeginMarkup();
  void StepInTag();
  void StepInAttributeName();
  // To behind the next `end`, or to the end of the text.
  void SkipBehind(absl::string_view end);
  void BeginElement(bool empty);
  void Complain(size_t offset, std::string message);
  // Whether a section that began in `where` is the innermost one.
  bool InSectionOf(Where where) const;
  bool InRootVersion() const;
  const char* NameOfPlace() const;

  static bool Excludes(const Root& a, const Root& b);

  const absl::string_view text_;
  size_t at_ = 0;
  size_t end_ = 0;  // of the piece of text at_ is in
  int elements_ = 0;
  Where where_ = Where::kContent;
  Where referring_ = Where::kContent;          // of kReference: where to go on
  size_t depth_ = 0;                           // elements open
  size_t tag_ = 0;                             // where the start tag began
  std::vector<absl::string_view> attributes_;  // of the start tag, so far
  size_t attribute_ = 0;                       // where the attribute began
  char quote_ = '"';
  bool space_ = false;       // of kInTag: white space is before, whatever is rendered
  bool behind_tag_ = false;  // of kContent: nothing but ']' since a {{...}}
  std::vector<Section> sections_;
  std::vector<Root> roots_;
  std::optional<Misplaced> misplaced_;
};

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_BIN_PLACES_H_
