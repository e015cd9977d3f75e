#include "common/twilio/documents.h"

#include "absl/strings/str_cat.h"
#include "common/twilio/charset.h"

namespace understudy::twilio {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";  // U+FFFD

}  // namespace

std::string XmlEscape(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  // Up to here `text` is known to be UTF-8.
  size_t valid = ValidUtf8Prefix(text);
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == valid) {
      out += kReplacement;
      valid = i + 1 + ValidUtf8Prefix(text.substr(i + 1));
      continue;
    }
    const char c = text[i];
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&apos;";
        break;
      case '\r':
        // Bare, a parser would hand it on as a line feed.
        out += "&#13;";
        break;
      case '\xEF':
        // U+FFFE and U+FFFF are UTF-8 but no characters of XML.
        if (text.substr(i, 3) == "\xEF\xBF\xBE" || text.substr(i, 3) == "\xEF\xBF\xBF") {
          out += kReplacement;
          i += 2;
        } else {
          out.push_back(c);
        }
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n') {
          out += kReplacement;
        } else {
          out.push_back(c);
        }
    }
  }
  return out;
}

std::string DefaultDocument(Kind kind, absl::string_view voice_text) {
  if (kind == Kind::kMessaging) return "<Response/>";
  if (voice_text.empty()) return "<Response><Hangup/></Response>";
  return SayDocument(voice_text);
}

std::string SayDocument(absl::string_view text) {
  return absl::StrCat("<Response><Say>", XmlEscape(text), "</Say><Hangup/></Response>");
}

std::string PlayDocument(absl::string_view url) {
  return absl::StrCat("<Response><Play>", XmlEscape(url), "</Play><Hangup/></Response>");
}

std::string MessageDocument(absl::string_view text) {
  if (text.empty()) return "<Response/>";
  return absl::StrCat("<Response><Message>", XmlEscape(text), "</Message></Response>");
}

std::string RedirectDocument(absl::string_view url) {
  return absl::StrCat("<Response><Redirect>", XmlEscape(url), "</Redirect></Response>");
}

}  // namespace understudy::twilio
