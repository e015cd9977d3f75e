#include "common/twilio/content_type.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace understudy::twilio {
namespace {

using absl::string_view;

// Takes the text up to the next ';' outside quotes, and that ';', from the front of `rest`.
string_view TakePiece(string_view& rest) {
  bool quoted = false;
  size_t i = 0;
  for (; i < rest.size() && (quoted || rest[i] != ';'); ++i) {
    if (rest[i] == '"') {
      quoted = !quoted;
    } else if (quoted && rest[i] == '\\') {
      ++i;
    }
  }
  const string_view piece = rest.substr(0, i);
  rest.remove_prefix(i < rest.size() ? i + 1 : rest.size());
  return absl::StripAsciiWhitespace(piece);
}

std::string Unquoted(string_view value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::string(value);
  value = value.substr(1, value.size() - 2);
  std::string out;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) ++i;
    out.push_back(value[i]);
  }
  return out;
}

}  // namespace

ContentType ParseContentType(string_view header_value) {
  ContentType result;
  result.type = absl::AsciiStrToLower(TakePiece(header_value));
  while (!header_value.empty() && result.charset.empty()) {
    const string_view piece = TakePiece(header_value);
    const size_t equals = piece.find('=');
    if (equals == string_view::npos) continue;
    const string_view name = absl::StripTrailingAsciiWhitespace(piece.substr(0, equals));
    if (!absl::EqualsIgnoreCase(name, "charset")) continue;
    result.charset = Unquoted(absl::StripLeadingAsciiWhitespace(piece.substr(equals + 1)));
  }
  return result;
}

ContentClass Classify(const ContentType& content_type) {
  static constexpr string_view kTwimlTypes[] = {"text/xml", "application/xml", "text/html"};
  static constexpr string_view kAudioTypes[] = {
      "audio/mpeg",   "audio/wav",    "audio/wave",  "audio/x-wav", "audio/aiff",
      "audio/x-aifc", "audio/x-aiff", "audio/x-gsm", "audio/gsm",   "audio/ulaw"};
  for (const string_view type : kTwimlTypes) {
    if (content_type.type == type) return ContentClass::kTwiml;
  }
  if (content_type.type == "text/plain") return ContentClass::kText;
  for (const string_view type : kAudioTypes) {
    if (content_type.type == type) return ContentClass::kAudio;
  }
  return ContentClass::kOther;
}

}  // namespace understudy::twilio
