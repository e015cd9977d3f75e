#include "services/notifier/words/html_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "services/notifier/words/shown_text.h"

namespace understudy::notifier {
namespace {

void AppendEscaped(absl::string_view text, std::string& html) {
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  }
}

}  // namespace

HtmlWriter& HtmlWriter::Put(Markup markup) {
  html_ += markup.literal();
  return *this;
}

HtmlWriter& HtmlWriter::Text(absl::string_view text) {
  AppendEscaped(OneLine(text), html_);
  return *this;
}

HtmlWriter& HtmlWriter::Lines(absl::string_view text) {
  const std::string shown = KeepLines(text);
  bool is_first = true;
  for (const absl::string_view line : absl::StrSplit(shown, '\n')) {
    if (!is_first) html_ += "<br>";
    is_first = false;
    AppendEscaped(line, html_);
  }
  return *this;
}

HtmlWriter& HtmlWriter::Link(Markup attributes, absl::string_view url, absl::string_view text) {
  if (!IsWebUrl(url)) return Text(text);
  return Put("<a ").Put(attributes).Put(" href=\"").Text(url).Put("\">").Text(text).Put("</a>");
}

std::string HtmlWriter::Take() {
  return std::exchange(html_, {});
}

bool IsWebUrl(absl::string_view url) {
  return (absl::StartsWithIgnoreCase(url, "https://") ||
          absl::StartsWithIgnoreCase(url, "http://")) &&
         std::all_of(url.begin(), url.end(), [](char c) {
           return absl::ascii_isgraph(static_cast<unsigned char>(c)) && c != '"' && c != '<' &&
                  c != '>' && c != '\\' && c != '`';
         });
}

}  // namespace understudy::notifier
