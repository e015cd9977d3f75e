// What a mail says, in parts that plain text and HTML are both made of, so that they say the same.
// Whatever the parts hold, the renderings hold no more than text: see shown_text.h, html_writer.h.
// Pure.
#ifndef SERVICES_NOTIFIER_MAIL_LETTER_H_
#define SERVICES_NOTIFIER_MAIL_LETTER_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace understudy::notifier {

// Names and values.
struct Facts {
  struct Fact {
    std::string name = {};
    std::string value = {};
  };
  std::vector<Fact> facts = {};
};

// How many of what.
struct Tally {
  struct Row {
    int64_t count = 0;
    std::string what = {};
    std::string more = {};  // in a line below; may be empty
  };
  std::vector<Row> rows = {};
};

struct Bullets {
  std::vector<std::string> items = {};
};

// Things that went wrong in one and the same way.
struct Case {
  std::string title = {};
  std::string url = {};
  std::string detail = {};              // may be empty, as may the next
  std::string quote = {};               // verbatim, with its lines
  std::vector<std::string> calls = {};  // a line each
};

struct Paragraph {
  std::string text = {};
};

struct Links {
  struct Link {
    std::string text = {};
    std::string url = {};  // http or https; else the text alone is shown in HTML
  };
  std::vector<Link> links = {};
};

using Block = std::variant<Facts, Tally, Bullets, Case, Paragraph, Links>;

struct Section {
  std::string title = {};
  std::vector<Block> blocks = {};
};

enum class Tone : uint8_t { kPlain, kGood, kWarning, kBad };

struct Letter {
  Tone tone = Tone::kPlain;
  std::string status = {};  // a word or two above the headline
  std::string headline = {};
  std::vector<std::string> lead = {};  // paragraphs
  std::vector<Section> sections = {};
  std::string footer = {};
};

// Lines end in LF; paragraphs are broken at 76 columns, other lines as they come.
std::string LetterText(const Letter& letter);
// A whole document: readable without its style sheet, which turns it dark where the reader's
// device is, and without any other resource.
std::string LetterHtml(const Letter& letter);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_MAIL_LETTER_H_
