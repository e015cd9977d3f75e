#include "services/notifier/mail/mime.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/twilio/charset.h"

namespace understudy::notifier {
namespace {

using absl::string_view;

// RFC 5322, 2.1.1: what a header line should not exceed.
constexpr size_t kHeaderColumns = 78;
// RFC 2045, 6.7: of an encoded line, "=" of a soft line break included.
constexpr size_t kPartColumns = 76;
// Bytes that make a line of base64 of that length.
constexpr size_t kBase64LineBytes = kPartColumns / 4 * 3;
// RFC 2047: a line with an encoded word has at most 76 columns; the longest name before one is
// "Subject: ".
constexpr string_view kWordBegin = "=?UTF-8?Q?";
constexpr string_view kWordEnd = "?=";
constexpr size_t kWordColumns = 76 - 9 - kWordBegin.size() - kWordEnd.size();
// RFC 5321, 4.5.3.1: what an address and its parts may have.
constexpr size_t kMaxAddressBytes = 254;
constexpr size_t kMaxLocalBytes = 64;
constexpr size_t kMaxLabelBytes = 63;

constexpr string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool IsAlnum(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c));
}

bool IsVisible(char c) {
  return c > ' ' && c <= '~';
}

// RFC 5322, 3.2.3: what stands unquoted in the left part of an address, dots aside.
bool IsAtomText(char c) {
  return IsAlnum(c) || string_view("!#$%&'*+-/=?^_`{|}~").find(c) != string_view::npos;
}

bool IsControl(char c) {
  return absl::ascii_iscntrl(static_cast<unsigned char>(c));
}

void AppendHex(char c, string_view escape, std::string& out) {
  constexpr char kHex[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out.append(escape.data(), escape.size());
  out.push_back(kHex[byte >> 4]);
  out.push_back(kHex[byte & 0xF]);
}

// `text` as UTF-8 with LF line ends. What is no UTF-8, and control characters but for tabs and line
// ends, become U+FFFD.
std::string Clean(string_view text) {
  std::string clean;
  clean.reserve(text.size());
  const auto replace = [&clean] { clean.append(kReplacement.data(), kReplacement.size()); };
  while (!text.empty()) {
    const size_t valid = twilio::ValidUtf8Prefix(text);
    for (size_t i = 0; i < valid; ++i) {
      const char c = text[i];
      if (c == '\r') {
        if (i + 1 == text.size() || text[i + 1] != '\n') clean.push_back('\n');
      } else if (IsControl(c) && c != '\n' && c != '\t') {
        replace();
      } else {
        clean.push_back(c);
      }
    }
    text.remove_prefix(valid);
    if (!text.empty()) {
      replace();
      text.remove_prefix(1);
    }
  }
  return clean;
}

// The same, as one line.
std::string CleanLine(string_view text) {
  std::string line = Clean(text);
  for (char& c : line) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return line;
}

bool IsPlainAscii(string_view line) {
  return std::all_of(line.begin(), line.end(), [](char c) { return c == ' ' || IsVisible(c); }) &&
         !absl::StrContains(line, "=?");  // would be taken for an encoded word
}

// `line`, clean, as encoded words (RFC 2047) on as many lines as it takes; no character is cut in
// two. The alphabet is the one that is safe in names as well.
std::string EncodedWords(string_view line) {
  std::string words;
  std::string word;
  const auto end_word = [&] {
    absl::StrAppend(&words, words.empty() ? "" : "\r\n ", kWordBegin, word, kWordEnd);
    word.clear();
  };
  while (!line.empty()) {
    size_t bytes = 1;  // of the next character
    while (bytes < line.size() && (static_cast<unsigned char>(line[bytes]) & 0xC0) == 0x80) ++bytes;
    std::string encoded;
    for (const char c : line.substr(0, bytes)) {
      if (c == ' ') {
        encoded.push_back('_');
      } else if (IsAlnum(c) || string_view("!*+-/").find(c) != string_view::npos) {
        encoded.push_back(c);
      } else {
        AppendHex(c, "=", encoded);
      }
    }
    if (word.size() + encoded.size() > kWordColumns) end_word();
    word += encoded;
    line.remove_prefix(bytes);
  }
  if (!word.empty()) end_word();
  return words;
}

std::string SubjectHeader(string_view subject) {
  const std::string line = CleanLine(absl::StripAsciiWhitespace(subject));
  std::string header = absl::StrCat("Subject: ", line);
  if (IsPlainAscii(line) && header.size() <= kHeaderColumns) return header;
  return absl::StrCat("Subject: ", EncodedWords(line));
}

// What can stand in an address or a message id, of what should be one.
std::string Atoms(string_view text) {
  std::string atoms;
  for (const char c : text) {
    if (IsAtomText(c) || c == '.' || c == '@') atoms.push_back(c);
    if (atoms.size() == kMaxAddressBytes) break;
  }
  return atoms;
}

std::string FromHeader(const Mailbox& from) {
  const std::string address = Atoms(from.address);
  const std::string name = CleanLine(absl::StripAsciiWhitespace(from.name));
  if (name.empty()) return absl::StrCat("From: ", address);
  std::string phrase =
      absl::StrCat("From: \"", absl::StrReplaceAll(name, {{"\\", "\\\\"}, {"\"", "\\\""}}), "\"");
  if (!IsPlainAscii(name) || phrase.size() > kHeaderColumns) {
    phrase = absl::StrCat("From: ", EncodedWords(name));
  }
  const size_t last_line = phrase.size() - (phrase.rfind('\n') + 1);
  const bool fits = last_line + address.size() + 3 <= kHeaderColumns;
  return absl::StrCat(phrase, fits ? " " : "\r\n ", "<", address, ">");
}

// RFC 2045, 6.7, of clean text. No line begins with what a mail program on the way might take for
// its own: "." (SMTP) and "From " (mailbox files).
std::string QuotedPrintable(string_view text) {
  std::string out;
  size_t column = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      out += "\r\n";
      column = 0;
      continue;
    }
    const bool ends_line = i + 1 == text.size() || text[i + 1] == '\n';
    const bool is_blank = c == ' ' || c == '\t';
    bool literal = is_blank ? !ends_line : IsVisible(c) && c != '=';
    if (column + (literal ? 1 : 3) >= kPartColumns) {
      out += "=\r\n";
      column = 0;
    }
    if (column == 0 && (c == '.' || absl::StartsWith(text.substr(i), "From "))) literal = false;
    if (literal) {
      out.push_back(c);
    } else {
      AppendHex(c, "=", out);
    }
    column += literal ? 1 : 3;
  }
  return out;
}

// RFC 2045, 6.8, of clean text.
std::string Base64(string_view text) {
  const std::string bytes = absl::StrReplaceAll(text, {{"\n", "\r\n"}});
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += kBase64LineBytes) {
    absl::StrAppend(&out, absl::Base64Escape(string_view(bytes).substr(at, kBase64LineBytes)),
                    "\r\n");
  }
  return out;
}

std::string Part(string_view type, string_view text) {
  const std::string clean = Clean(text);
  const std::string quoted = QuotedPrintable(clean);
  const std::string base64 = Base64(clean);
  const bool is_readable = quoted.size() <= base64.size();  // most of it is ASCII
  return absl::StrCat("Content-Type: ", type, "; charset=utf-8\r\nContent-Transfer-Encoding: ",
                      is_readable ? "quoted-printable" : "base64", "\r\n\r\n",
                      is_readable ? quoted : base64);
}

// Another for each mail, so that one mail inside another never ends it. Neither of our encodings
// has "=_", so it stands in no part.
std::string Boundary(string_view message_id) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(message_id.data()), message_id.size(),
         digest.data());
  const string_view bytes(reinterpret_cast<const char*>(digest.data()), digest.size() / 2);
  return absl::StrCat("=_", absl::BytesToHexString(bytes));
}

absl::Status Refused(string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("must be local@domain or Name <local@domain>: ", why));
}

bool IsDotAtom(string_view text) {
  for (const string_view atom : absl::StrSplit(text, '.')) {
    if (atom.empty() || !std::all_of(atom.begin(), atom.end(), IsAtomText)) return false;
  }
  return true;
}

bool IsDomain(string_view text) {
  for (const string_view label : absl::StrSplit(text, '.')) {
    if (label.empty() || label.size() > kMaxLabelBytes || label.front() == '-' ||
        label.back() == '-' ||
        !std::all_of(label.begin(), label.end(), [](char c) { return IsAlnum(c) || c == '-'; })) {
      return false;
    }
  }
  return true;
}

absl::Status CheckAddress(string_view address) {
  if (address.size() > kMaxAddressBytes) {
    return Refused(absl::StrCat("the address has more than ", kMaxAddressBytes, " bytes"));
  }
  const size_t at = address.rfind('@');
  if (at == string_view::npos) return Refused("the address has no \"@\"");
  const string_view local = address.substr(0, at);
  if (local.size() > kMaxLocalBytes) {
    return Refused(absl::StrCat("left of \"@\" are more than ", kMaxLocalBytes, " bytes"));
  }
  if (!IsDotAtom(local)) {
    return Refused("left of \"@\" stands something else than ASCII letters, digits and marks");
  }
  if (!IsDomain(address.substr(at + 1))) return Refused("right of \"@\" stands no domain name");
  return absl::OkStatus();
}

// The name before "<", as it reads; nullopt if it has something that has to be quoted or is quoted
// badly.
std::optional<std::string> UnquotedName(string_view name) {
  if (name.empty() || name.front() != '"') {
    if (name.find_first_of("()<>[]:;@\\,\"") != string_view::npos) return std::nullopt;
    return std::string(name);
  }
  name.remove_prefix(1);
  std::string unquoted;
  while (!name.empty() && name.front() != '"') {
    if (name.front() == '\\') name.remove_prefix(1);
    if (name.empty()) return std::nullopt;
    unquoted.push_back(name.front());
    name.remove_prefix(1);
  }
  if (name != "\"") return std::nullopt;
  return unquoted;
}

}  // namespace

std::string Mailbox::domain() const {
  return address.substr(address.rfind('@') + 1);
}

absl::StatusOr<Mailbox> ParseMailbox(string_view text) {
  if (twilio::ValidUtf8Prefix(text) != text.size()) return Refused("it is not UTF-8");
  if (std::any_of(text.begin(), text.end(), IsControl)) {
    return Refused("it has a control character");
  }
  text = absl::StripAsciiWhitespace(text);
  Mailbox mailbox;
  if (absl::EndsWith(text, ">")) {
    const size_t open = text.rfind('<');
    if (open == string_view::npos) return Refused("\">\" has no \"<\"");
    std::optional<std::string> name =
        UnquotedName(absl::StripAsciiWhitespace(text.substr(0, open)));
    if (!name.has_value()) {
      return Refused("the name has a character that must stand between double quotes");
    }
    if (name->size() > kMaxMailboxNameBytes) {
      return Refused(absl::StrCat("the name has more than ", kMaxMailboxNameBytes, " bytes"));
    }
    mailbox.name = *std::move(name);
    text = text.substr(open + 1, text.size() - open - 2);
  }
  if (absl::Status status = CheckAddress(text); !status.ok()) return status;
  mailbox.address = std::string(text);
  return mailbox;
}

std::string BuildMail(const MailHead& head, const Digest& digest) {
  std::string mail;
  const auto line = [&mail](const auto&... pieces) { absl::StrAppend(&mail, pieces..., "\r\n"); };
  line(FromHeader(head.from));
  line("To: ", Atoms(head.to));
  line(SubjectHeader(digest.subject));
  line("Date: ", absl::FormatTime("%a, %d %b %E4Y %H:%M:%S +0000", head.date, absl::UTCTimeZone()));
  line("Message-ID: <", Atoms(head.message_id), ">");
  if (!head.in_reply_to.empty()) line("In-Reply-To: <", Atoms(head.in_reply_to), ">");
  if (!head.references.empty()) line("References: <", Atoms(head.references), ">");
  if (!head.list_id.empty()) line("List-Id: <", Atoms(head.list_id), ">");
  line("Auto-Submitted: auto-generated");
  line("X-Auto-Response-Suppress: All");
  line("MIME-Version: 1.0");
  const std::string boundary = Boundary(head.message_id);
  line("Content-Type: multipart/alternative;");
  line(" boundary=\"", boundary, "\"");
  line();
  line("--", boundary);
  line(Part("text/plain", digest.text));
  line("--", boundary);
  line(Part("text/html", digest.html));
  line("--", boundary, "--");
  return mail;
}

}  // namespace understudy::notifier
