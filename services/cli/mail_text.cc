#include "services/cli/mail_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace understudy::cli {
namespace {

using absl::string_view;

// What stands between the first `before` and the first `after` behind it; empty if either is
// missing.
string_view Between(string_view text, string_view before, string_view after) {
  const size_t at = text.find(before);
  if (at == string_view::npos) return {};
  const size_t begin = at + before.size();
  const size_t end = text.find(after, begin);
  return end == string_view::npos ? string_view() : text.substr(begin, end - begin);
}

bool IsHex(char c) {
  return absl::ascii_isxdigit(static_cast<unsigned char>(c));
}

// RFC 2045, 6.7. A "=" that begins no escape stays as it is.
std::string FromQuotedPrintable(string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const string_view rest = text.substr(i);
    if (absl::StartsWith(rest, "=\r\n")) {
      i += 2;
      continue;
    }
    const bool is_escape = rest.size() >= 3 && rest[0] == '=' && IsHex(rest[1]) && IsHex(rest[2]);
    out += is_escape ? absl::HexStringToBytes(rest.substr(1, 2)) : std::string(1, rest[0]);
    if (is_escape) i += 2;
  }
  return out;
}

}  // namespace

std::string PlainTextOf(string_view mail) {
  const string_view boundary = Between(mail, "boundary=\"", "\"");
  const string_view part =
      Between(mail, "\r\nContent-Type: text/plain", absl::StrCat("\r\n--", boundary));
  const size_t head_end = part.find("\r\n\r\n");
  if (boundary.empty() || head_end == string_view::npos) return {};
  const string_view head = part.substr(0, head_end);
  const string_view body = part.substr(head_end + 4);
  std::string text;
  if (absl::StrContains(head, "quoted-printable")) {
    text = FromQuotedPrintable(body);
  } else if (!absl::Base64Unescape(absl::StrReplaceAll(body, {{"\r\n", ""}}), &text)) {
    return {};
  }
  return absl::StrReplaceAll(text, {{"\r\n", "\n"}});
}

}  // namespace understudy::cli
