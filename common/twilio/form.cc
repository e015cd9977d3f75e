#include "common/twilio/form.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

namespace understudy::twilio {
namespace {

bool StaysAsIs(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' ||
         c == '*';
}

void AppendEncoded(absl::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (StaysAsIs(c)) {
      out.push_back(c);
    } else if (c == ' ') {
      out.push_back('+');
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 0xF]);
    }
  }
}

// The value of a hex digit, or -1.
int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::string Decoded(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out.push_back(' ');
      continue;
    }
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = HexValue(text[i + 1]);
      const int low = HexValue(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out.push_back(static_cast<char>(high * 16 + low));
        i += 2;
        continue;
      }
    }
    out.push_back(text[i]);
  }
  return out;
}

}  // namespace

std::string EncodeForm(const Form& form) {
  std::string out;
  for (const Parameter& parameter : form) {
    if (!out.empty()) out.push_back('&');
    AppendEncoded(parameter.name, out);
    out.push_back('=');
    AppendEncoded(parameter.value, out);
  }
  return out;
}

Form DecodeForm(absl::string_view encoded) {
  Form form;
  for (const absl::string_view piece : absl::StrSplit(encoded, '&', absl::SkipEmpty())) {
    const size_t equals = piece.find('=');
    if (equals == absl::string_view::npos) {
      form.push_back({.name = Decoded(piece)});
    } else {
      form.push_back(
          {.name = Decoded(piece.substr(0, equals)), .value = Decoded(piece.substr(equals + 1))});
    }
  }
  return form;
}

std::string AppendQuery(absl::string_view url, const Form& form) {
  std::string out(url);
  if (form.empty()) return out;
  const size_t question = out.find('?');
  if (question == std::string::npos) {
    out.push_back('?');
  } else if (question + 1 != out.size() && out.back() != '&') {
    out.push_back('&');
  }
  out += EncodeForm(form);
  return out;
}

const std::string* FindParameter(const Form& form, absl::string_view name) {
  for (const Parameter& parameter : form) {
    if (parameter.name == name) return &parameter.value;
  }
  return nullptr;
}

}  // namespace understudy::twilio
