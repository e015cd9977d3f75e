#include "common/twilio/json_writer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/twilio/charset.h"

namespace understudy::twilio {
namespace {

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool NeedsEscape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == 0x7F;
}

void AppendEscaped(char c, std::string& json) {
  switch (c) {
    case '"':
      json += "\\\"";
      return;
    case '\\':
      json += "\\\\";
      return;
    case '\n':
      json += "\\n";
      return;
    case '\r':
      json += "\\r";
      return;
    case '\t':
      json += "\\t";
      return;
    default:
      absl::StrAppend(&json, "\\u", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad4));
  }
}

void AppendUtf8(absl::string_view text, std::string& json) {
  while (!text.empty()) {
    const auto end = std::find_if(text.begin(), text.end(), NeedsEscape);
    json.append(text.begin(), end);
    if (end == text.end()) return;
    AppendEscaped(*end, json);
    text.remove_prefix(static_cast<size_t>(end - text.begin()) + 1);
  }
}

}  // namespace

void AppendJsonText(absl::string_view text, std::string& json) {
  for (;;) {
    const size_t valid = ValidUtf8Prefix(text);
    AppendUtf8(text.substr(0, valid), json);
    if (valid == text.size()) return;
    absl::StrAppend(&json, kReplacement);
    text.remove_prefix(valid + 1);
  }
}

void JsonWriter::Separate() {
  if (needs_comma_) json_ += ',';
  needs_comma_ = true;
}

void JsonWriter::Open(char bracket) {
  Separate();
  json_ += bracket;
  needs_comma_ = false;
}

void JsonWriter::Close(char bracket) {
  json_ += bracket;
  needs_comma_ = true;
}

void JsonWriter::Key(absl::string_view name) {
  Text(name);
  json_ += ':';
  needs_comma_ = false;
}

void JsonWriter::Text(absl::string_view text) {
  Separate();
  json_ += '"';
  AppendJsonText(text, json_);
  json_ += '"';
}

void JsonWriter::Number(int64_t number) {
  Json(absl::StrCat(number));
}

void JsonWriter::Flag(bool flag) {
  Json(flag ? "true" : "false");
}

void JsonWriter::Null() {
  Json("null");
}

void JsonWriter::Json(absl::string_view json) {
  Separate();
  absl::StrAppend(&json_, json);
}

void JsonWriter::TextOrNull(absl::string_view key, absl::string_view text) {
  Key(key);
  if (text.empty()) {
    Null();
  } else {
    Text(text);
  }
}

}  // namespace understudy::twilio
