#include "services/notifier/mail/letter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "services/notifier/words/html_writer.h"
#include "services/notifier/words/shown_text.h"

namespace understudy::notifier {
namespace {

using absl::string_view;

constexpr size_t kTextColumns = 76;

// Plain text. Every word of the letter comes through OneLine or KeepLines.
class TextWriter {
 public:
  void Line(string_view text, string_view indent = "") {
    absl::StrAppend(&text_, indent, OneLine(text), "\n");
  }

  // Broken between words.
  void Paragraph(string_view text, string_view first_indent = "", string_view indent = "") {
    const std::string shown = OneLine(text);
    std::string line(first_indent);
    bool has_word = false;
    for (const string_view word : absl::StrSplit(shown, ' ', absl::SkipEmpty())) {
      if (has_word && Characters(line) + 1 + Characters(word) > kTextColumns) {
        absl::StrAppend(&text_, line, "\n");
        line = std::string(indent);
        has_word = false;
      }
      absl::StrAppend(&line, has_word ? " " : "", word);
      has_word = true;
    }
    absl::StrAppend(&text_, line, "\n");
  }

  void Quote(string_view text, string_view indent) {
    const std::string shown = KeepLines(text);
    for (const string_view line : absl::StrSplit(shown, '\n')) {
      absl::StrAppend(&text_, indent, "| ", line, "\n");
    }
  }

  void Gap() { text_ += "\n"; }

  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string Padded(string_view text, size_t width) {
  const size_t characters = Characters(text);
  return absl::StrCat(text, std::string(characters < width ? width - characters : 0, ' '));
}

struct TextBlock {
  TextWriter& writer;

  void operator()(const Facts& block) const {
    size_t width = 0;
    for (const Facts::Fact& fact : block.facts) width = std::max(width, Characters(fact.name));
    for (const Facts::Fact& fact : block.facts) {
      writer.Line(absl::StrCat(Padded(fact.name, width), "  ", fact.value), "  ");
    }
  }

  void operator()(const Tally& block) const {
    size_t width = 0;
    for (const Tally::Row& row : block.rows) width = std::max(width, NumberText(row.count).size());
    for (const Tally::Row& row : block.rows) {
      const std::string count = NumberText(row.count);
      writer.Line(absl::StrCat(std::string(width - count.size(), ' '), count, "  ", row.what),
                  "  ");
      if (!row.more.empty()) writer.Line(row.more, std::string(width + 4, ' '));
    }
  }

  void operator()(const Bullets& block) const {
    for (const std::string& item : block.items) writer.Paragraph(item, "  - ", "    ");
  }

  void operator()(const Case& block) const {
    writer.Line(block.title, "  ");
    if (!block.url.empty()) writer.Line(block.url, "    ");
    if (!block.detail.empty()) writer.Paragraph(block.detail, "    ", "    ");
    if (!block.quote.empty()) writer.Quote(block.quote, "    ");
    for (const std::string& call : block.calls) writer.Line(call, "    ");
  }

  void operator()(const Paragraph& block) const { writer.Paragraph(block.text); }

  void operator()(const Links& block) const {
    for (const Links::Link& link : block.links) {
      writer.Line(absl::StrCat(link.text, ": ", link.url), "  ");
    }
  }
};

// Inline, since many readers of mail drop style sheets; the classes are what the style sheet of
// those that keep it has to override in the dark.
constexpr char kHead[] = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<style>
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background-color: #0d1117 !important; }
  .card { background-color: #161b22 !important; border-color: #30363d !important; }
  .ink { color: #e6edf3 !important; }
  .dim { color: #9da7b3 !important; }
  .box { background-color: #0d1117 !important; border-color: #30363d !important; }
  .rule { border-color: #30363d !important; }
  .link { color: #6cb6ff !important; }
  .plain { color: #6cb6ff !important; border-color: #6cb6ff !important; }
  .good { color: #56d364 !important; border-color: #56d364 !important; }
  .warning { color: #e3b341 !important; border-color: #e3b341 !important; }
  .bad { color: #ff8e87 !important; border-color: #ff8e87 !important; }
}
@media (max-width: 480px) {
  .pad { padding-left: 16px !important; padding-right: 16px !important; }
}
</style>
<title>)";

constexpr char kBegin[] =
    "</title>\n</head>\n"
    "<body class=\"page\" style=\"margin:0;padding:0;background-color:#f3f4f6;\">\n"
    "<table class=\"page\" role=\"presentation\" width=\"100%\" cellpadding=\"0\" "
    "cellspacing=\"0\" border=\"0\" style=\"background-color:#f3f4f6;\"><tr>"
    "<td align=\"center\" style=\"padding:16px 8px;\">\n"
    "<table class=\"card\" role=\"presentation\" width=\"100%\" cellpadding=\"0\" "
    "cellspacing=\"0\" border=\"0\" style=\"max-width:640px;background-color:#ffffff;"
    "border:1px solid #d5d9de;border-collapse:separate;border-radius:8px;"
    "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:15px;"
    "line-height:1.5;\">\n";
constexpr char kEnd[] = "</table>\n</td></tr></table>\n</body>\n</html>\n";

constexpr char kTable[] =
    "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" "
    "border=\"0\">\n";
constexpr char kTableEnd[] = "</table>\n";

// The line above the headline, under the card's coloured edge.
Markup StatusOf(Tone tone) {
  switch (tone) {
    case Tone::kPlain:
      return "<tr><td class=\"pad plain\" style=\"padding:20px 24px 0;color:#0757ba;"
             "border-top:4px solid #0757ba;border-radius:8px 8px 0 0;font-size:13px;"
             "font-weight:600;\">";
    case Tone::kGood:
      return "<tr><td class=\"pad good\" style=\"padding:20px 24px 0;color:#166f33;"
             "border-top:4px solid #166f33;border-radius:8px 8px 0 0;font-size:13px;"
             "font-weight:600;\">";
    case Tone::kWarning:
      return "<tr><td class=\"pad warning\" style=\"padding:20px 24px 0;color:#8a5a00;"
             "border-top:4px solid #8a5a00;border-radius:8px 8px 0 0;font-size:13px;"
             "font-weight:600;\">";
    case Tone::kBad:
      break;
  }
  return "<tr><td class=\"pad bad\" style=\"padding:20px 24px 0;color:#b3261e;"
         "border-top:4px solid #b3261e;border-radius:8px 8px 0 0;font-size:13px;"
         "font-weight:600;\">";
}

struct HtmlBlock {
  HtmlWriter& writer;

  void operator()(const Facts& block) const {
    writer.Put(kTable);
    for (const Facts::Fact& fact : block.facts) {
      writer
          .Put(
              "<tr><td class=\"dim\" width=\"76\" valign=\"top\" style=\"padding:1px 12px 1px 0;"
              "color:#5b6570;\">")
          .Text(fact.name)
          .Put(
              "</td><td class=\"ink\" valign=\"top\" style=\"padding:1px 0;color:#1f2328;"
              "word-break:break-word;overflow-wrap:anywhere;\">")
          .Text(fact.value)
          .Put("</td></tr>\n");
    }
    writer.Put(kTableEnd);
  }

  void operator()(const Tally& block) const {
    writer.Put(kTable);
    for (const Tally::Row& row : block.rows) {
      writer
          .Put(
              "<tr><td class=\"ink\" width=\"1%\" align=\"right\" valign=\"top\" "
              "style=\"padding:1px 12px 1px 0;white-space:nowrap;color:#1f2328;font-weight:600;\">")
          .Text(NumberText(row.count))
          .Put(
              "</td><td class=\"ink\" valign=\"top\" style=\"padding:1px 0;color:#1f2328;"
              "word-break:break-word;overflow-wrap:anywhere;\">")
          .Text(row.what);
      if (!row.more.empty()) {
        writer.Put("<br><span class=\"dim\" style=\"color:#5b6570;font-size:13px;\">")
            .Text(row.more)
            .Put("</span>");
      }
      writer.Put("</td></tr>\n");
    }
    writer.Put(kTableEnd);
  }

  void operator()(const Bullets& block) const {
    writer.Put("<ul class=\"ink\" style=\"margin:0;padding:0 0 0 20px;color:#1f2328;\">\n");
    for (const std::string& item : block.items) {
      writer.Put("<li style=\"margin:0 0 4px;word-break:break-word;overflow-wrap:anywhere;\">")
          .Text(item)
          .Put("</li>\n");
    }
    writer.Put("</ul>\n");
  }

  void operator()(const Case& block) const {
    writer.Put("<div class=\"ink\" style=\"margin:8px 0 2px;color:#1f2328;font-weight:600;\">")
        .Text(block.title)
        .Put("</div>\n");
    if (!block.url.empty()) {
      writer
          .Put(
              "<div class=\"dim\" style=\"color:#5b6570;font-size:13px;word-break:break-all;"
              "font-family:ui-monospace,Menlo,Consolas,monospace;\">")
          .Text(block.url)
          .Put("</div>\n");
    }
    if (!block.detail.empty()) {
      writer
          .Put(
              "<div class=\"ink\" style=\"color:#1f2328;word-break:break-word;"
              "overflow-wrap:anywhere;\">")
          .Text(block.detail)
          .Put("</div>\n");
    }
    if (!block.quote.empty()) {
      writer
          .Put(
              "<div class=\"box dim\" style=\"margin:6px 0 0;padding:8px 10px;"
              "background-color:#f6f8fa;border:1px solid #e3e6ea;border-radius:6px;color:#424a53;"
              "font-size:13px;white-space:pre-wrap;word-break:break-word;"
              "overflow-wrap:anywhere;font-family:ui-monospace,Menlo,Consolas,monospace;\">")
          .Lines(block.quote)
          .Put("</div>\n");
    }
    writer.Put("<div style=\"padding:6px 0 0;\">\n");
    for (const std::string& call : block.calls) {
      writer
          .Put(
              "<div class=\"dim rule\" style=\"padding:3px 0;border-top:1px solid #e3e6ea;"
              "color:#5b6570;font-size:13px;word-break:break-word;overflow-wrap:anywhere;\">")
          .Text(call)
          .Put("</div>\n");
    }
    writer.Put("</div>\n");
  }

  void operator()(const Paragraph& block) const {
    writer
        .Put(
            "<p class=\"dim\" style=\"margin:8px 0 0;color:#5b6570;word-break:break-word;"
            "overflow-wrap:anywhere;\">")
        .Text(block.text)
        .Put("</p>\n");
  }

  void operator()(const Links& block) const {
    for (const Links::Link& link : block.links) {
      writer.Put("<div style=\"padding:1px 0;word-break:break-word;overflow-wrap:anywhere;\">")
          .Link("class=\"link\" style=\"color:#0757ba;\"", link.url, link.text)
          .Put("</div>\n");
    }
  }
};

}  // namespace

std::string LetterText(const Letter& letter) {
  TextWriter writer;
  writer.Paragraph(absl::StrCat(letter.status, ": ", letter.headline));
  for (const std::string& paragraph : letter.lead) {
    writer.Gap();
    writer.Paragraph(paragraph);
  }
  for (const Section& section : letter.sections) {
    writer.Gap();
    if (!section.title.empty()) writer.Line(absl::AsciiStrToUpper(section.title));
    bool is_first = true;
    for (const Block& block : section.blocks) {
      if (!is_first) writer.Gap();
      is_first = false;
      std::visit(TextBlock{writer}, block);
    }
  }
  if (!letter.footer.empty()) {
    writer.Gap();
    writer.Paragraph(letter.footer);
  }
  return writer.Take();
}

std::string LetterHtml(const Letter& letter) {
  HtmlWriter writer;
  writer.Put(kHead).Text(letter.headline).Put(kBegin);
  writer.Put(StatusOf(letter.tone)).Text(letter.status).Put("</td></tr>\n");
  writer
      .Put(
          "<tr><td class=\"pad ink\" style=\"padding:2px 24px 0;color:#1f2328;font-size:20px;"
          "line-height:1.3;font-weight:600;word-break:break-word;overflow-wrap:anywhere;\">")
      .Text(letter.headline)
      .Put("</td></tr>\n");
  for (const std::string& paragraph : letter.lead) {
    writer
        .Put(
            "<tr><td class=\"pad ink\" style=\"padding:8px 24px 0;color:#1f2328;"
            "word-break:break-word;overflow-wrap:anywhere;\">")
        .Text(paragraph)
        .Put("</td></tr>\n");
  }
  for (const Section& section : letter.sections) {
    writer.Put("<tr><td class=\"pad\" style=\"padding:18px 24px 0;\">\n");
    if (!section.title.empty()) {
      writer
          .Put(
              "<div class=\"dim\" style=\"margin:0 0 4px;color:#5b6570;font-size:13px;"
              "font-weight:600;\">")
          .Text(section.title)
          .Put("</div>\n");
    }
    for (const Block& block : section.blocks) std::visit(HtmlBlock{writer}, block);
    writer.Put("</td></tr>\n");
  }
  writer.Put("<tr><td class=\"pad dim\" style=\"padding:20px 24px;color:#5b6570;font-size:13px;\">")
      .Text(letter.footer)
      .Put("</td></tr>\n");
  return writer.Put(kEnd).Take();
}

}  // namespace understudy::notifier
