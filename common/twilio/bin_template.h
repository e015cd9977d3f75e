// TwiML bins: documents kept in our own configuration, with places for the parameters of the
// request they answer. The forms are those of Twilio's "How to use templates with TwiML Bins":
//
//   {{Name}}                 the parameter's value; nothing if there is no such parameter
//   {{#Name}}...{{/Name}}    what is inside, if the parameter is there and not empty. Of a list,
//                            Name[]=a&Name[]=b, once for each value that is not empty
//   {{.}}                    inside {{#Name}}: the value it is rendered for
//   {{^Name}}...{{/Name}}    what is inside, if {{#Name}} would render nothing
//   {{#e164}}...{{/e164}}    the first E.164 number in what the inside renders to, such as
//                            +15125551212 of sip:+15125551212@x.sip.example; nothing if none is
//
// Names are letters, digits, '_' and '-', and count by case; blanks around them and around the sign
// before them do not matter. Sections nest. All other text, lone braces too, stays as it is. Of
// parameters of the same name without [] the first counts; where there is Name and Name[], a
// section goes by Name[], {{Name}} by Name.
//
// Values are escaped as XML. So that no value can harm the document, and no combination of sections
// can, both have their places:
//
//   values   in the content of an element, and in an attribute's value except the version of the
//            root; not in names, between attributes, in comments, CDATA and the like
//   sections there, between attributes, and around the root. Each ends where it began: what opens
//            in it, be it element or attribute, closes in it. Around the root there is exactly one
//            root element whatever is rendered. Between attributes and around the root a section is
//            not repeated: of a list it is rendered for the first value
//
// Pure, safe from any thread. Templates come in UTF-8 without a byte order mark (ToUtf8 sees to
// both).
#ifndef COMMON_TWILIO_BIN_TEMPLATE_H_
#define COMMON_TWILIO_BIN_TEMPLATE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/twilio/form.h"
#include "common/twilio/kind.h"
#include "common/twilio/twiml.h"

namespace understudy::twilio {

// A template's bytes: as many as an answer of a web server may have.
inline constexpr size_t kBinBytesMax = 65536;
// Of a parameter's name.
inline constexpr size_t kBinNameBytesMax = 128;
// {{...}} of every form.
inline constexpr size_t kBinTagsMax = 1000;
// Sections open at the same time.
inline constexpr size_t kBinDepthMax = 16;
// Pieces of text, values and sections gone through in one rendering, each as often as a list
// repeats it.
inline constexpr size_t kBinStepsMax = 100000;

struct BinParts;  // the template, read; defined where it is used

// A template that can be rendered. Copies share what was read.
class BinTemplate {
 public:
  // InvalidArgument, "line 3, column 7: ..." with what is wrong there, for anything but the forms
  // above in their places, and over one of the limits. `utf8_text` need not outlive the template.
  // What is between the braces is not judged as TwiML: CheckBin does that.
  static absl::StatusOr<BinTemplate> Parse(absl::string_view utf8_text);

  // ResourceExhausted, with a sentence about it, if the document would have more than
  // kTwimlElementsMax elements or, with what {{#e164}} looks through, more than kTwimlBytesMax
  // bytes, or if it would take more than kBinStepsMax. Otherwise a document: one CheckTwiml finds
  // nothing fatal in, whatever the parameters, if CheckBin found nothing fatal in the template.
  absl::StatusOr<std::string> Render(const Form& parameters) const;

 private:
  explicit BinTemplate(std::shared_ptr<const BinParts> parts) : parts_(std::move(parts)) {}

  std::shared_ptr<const BinParts> parts_;
};

// Judges a template before anybody calls: is it one, and is what it renders to TwiML. It is
// rendered with no section's parameter there, with all, with each alone, and so that every section
// is rendered once; CheckTwiml judges each rendering. Lines and columns are those of the template.
//
// Fatal, next to what CheckTwiml calls so:
//   11310  a {{...}} that is none of the forms, and {{/Name}} where no {{#Name}} is open
//   11320  {{ without }}, and a section without its end
//   11750  more than kBinBytesMax
//   12100  a form where it has no place, or over another limit
//
// Values are made up: what is found with some of them only, or only while a section around or in
// the element is rendered, is not the bin's mistake and not reported.
TwimlReport CheckBin(absl::string_view utf8_text, Kind kind);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_BIN_TEMPLATE_H_
