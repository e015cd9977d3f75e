#include "common/twilio/charset.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace understudy::twilio {
namespace {

using absl::string_view;

// Longer than any XML declaration a serializer writes; none is looked for beyond.
constexpr size_t kDeclarationBytesMax = 256;
// Of an unknown encoding's name, in the message about it.
constexpr size_t kNameBytesShownMax = 40;

enum class Encoding { kUtf8, kUtf16, kUtf16Le, kUtf16Be, kLatin1, kAscii };

std::optional<Encoding> Named(string_view name) {
  struct Label {
    string_view name = {};
    Encoding encoding = Encoding::kUtf8;
  };
  static constexpr Label kLabels[] = {
      {"utf-8", Encoding::kUtf8},       {"utf8", Encoding::kUtf8},
      {"utf-16", Encoding::kUtf16},     {"utf-16le", Encoding::kUtf16Le},
      {"utf-16be", Encoding::kUtf16Be}, {"iso-8859-1", Encoding::kLatin1},
      {"iso8859-1", Encoding::kLatin1}, {"iso_8859-1", Encoding::kLatin1},
      {"latin1", Encoding::kLatin1},    {"us-ascii", Encoding::kAscii},
      {"ascii", Encoding::kAscii},
  };
  for (const Label& label : kLabels) {
    if (absl::EqualsIgnoreCase(label.name, name)) return label.encoding;
  }
  return std::nullopt;
}

absl::Status UnknownEncoding(string_view name) {
  return absl::InvalidArgumentError(
      absl::StrCat("byte 0: encoding \"", absl::CHexEscape(name.substr(0, kNameBytesShownMax)),
                   "\" is not known; known are UTF-8, UTF-16, ISO-8859-1 and US-ASCII"));
}

absl::Status BadBytes(size_t offset, string_view encoding) {
  return absl::InvalidArgumentError(absl::StrCat("byte ", offset, ": not ", encoding));
}

size_t SkipSpace(string_view text, size_t at) {
  while (at < text.size() && absl::ascii_isspace(static_cast<unsigned char>(text[at]))) ++at;
  return at;
}

// As the XML grammar has it; anything else in its place is for the parser to refuse.
bool IsEncodingName(string_view name) {
  const auto is_alpha = [](char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); };
  return !name.empty() && is_alpha(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
    return is_alpha(c) || absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '.' ||
           c == '_' || c == '-';
  });
}

// The encoding an XML declaration names, as a view into `text`; empty if it names none.
string_view DeclaredEncoding(string_view text) {
  constexpr string_view kStart = "<?xml";
  if (!absl::StartsWith(text, kStart)) return {};
  text = text.substr(0, kDeclarationBytesMax);
  text = text.substr(0, text.find("?>"));
  for (size_t at = SkipSpace(text, kStart.size()); at < text.size(); at = SkipSpace(text, at)) {
    const size_t equals = text.find('=', at);
    if (equals == string_view::npos) return {};
    const string_view name = absl::StripTrailingAsciiWhitespace(text.substr(at, equals - at));
    const size_t quote = SkipSpace(text, equals + 1);
    if (quote == text.size() || (text[quote] != '"' && text[quote] != '\'')) return {};
    const size_t end = text.find(text[quote], quote + 1);
    if (end == string_view::npos) return {};
    const string_view value = text.substr(quote + 1, end - quote - 1);
    if (name == "encoding") return IsEncodingName(value) ? value : string_view();
    at = end + 1;
  }
  return {};
}

// Makes the XML declaration, if there is one that names an encoding, name UTF-8. Spaces behind the
// closing quote take up what a longer name leaves.
void DeclareUtf8(std::string& text) {
  constexpr string_view kName = "UTF-8";
  const string_view declared = DeclaredEncoding(text);
  if (declared.empty() || absl::EqualsIgnoreCase(declared, kName)) return;
  const auto begin = static_cast<size_t>(declared.data() - text.data());
  const size_t size = declared.size();
  std::string name_and_quote = absl::StrCat(kName, text.substr(begin + size, 1));
  if (size > kName.size()) name_and_quote.append(size - kName.size(), ' ');
  text.replace(begin, size + 1, name_and_quote);
}

struct Source {
  Encoding encoding = Encoding::kUtf8;
  size_t mark_size = 0;
};

absl::StatusOr<Source> FindEncoding(string_view bytes, string_view header_charset) {
  if (absl::StartsWith(bytes, "\xEF\xBB\xBF")) return Source{Encoding::kUtf8, 3};
  if (absl::StartsWith(bytes, "\xFF\xFE")) return Source{Encoding::kUtf16Le, 2};
  if (absl::StartsWith(bytes, "\xFE\xFF")) return Source{Encoding::kUtf16Be, 2};
  const bool looks_little_endian = bytes.size() >= 2 && bytes[0] == '<' && bytes[1] == '\0';
  if (!header_charset.empty()) {
    const std::optional<Encoding> encoding = Named(header_charset);
    if (!encoding) return UnknownEncoding(header_charset);
    if (*encoding != Encoding::kUtf16) return Source{*encoding};
    // RFC 2781: big-endian unless told otherwise.
    return Source{looks_little_endian ? Encoding::kUtf16Le : Encoding::kUtf16Be};
  }
  if (looks_little_endian) return Source{Encoding::kUtf16Le};
  if (bytes.size() >= 2 && bytes[0] == '\0' && bytes[1] == '<') return Source{Encoding::kUtf16Be};
  const string_view claimed = DeclaredEncoding(bytes);
  if (claimed.empty()) return Source{Encoding::kUtf8};
  const std::optional<Encoding> encoding = Named(claimed);
  if (!encoding) return UnknownEncoding(claimed);
  switch (*encoding) {
    case Encoding::kUtf16:
    case Encoding::kUtf16Le:
    case Encoding::kUtf16Be:
      // The declaration could not have been read if it told the truth.
      return BadBytes(0, "UTF-16, as the XML declaration has it");
    default:
      return Source{*encoding};
  }
}

// Appends a code point below 0x110000.
void AppendUtf8(uint32_t point, std::string& out) {
  const auto push = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    push(point);
  } else if (point < 0x800) {
    push(0xC0 | (point >> 6));
    push(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    push(0xE0 | (point >> 12));
    push(0x80 | ((point >> 6) & 0x3F));
    push(0x80 | (point & 0x3F));
  } else {
    push(0xF0 | (point >> 18));
    push(0x80 | ((point >> 12) & 0x3F));
    push(0x80 | ((point >> 6) & 0x3F));
    push(0x80 | (point & 0x3F));
  }
}

absl::StatusOr<std::string> FromUtf16(string_view bytes, size_t at, bool little_endian) {
  const auto unit = [bytes, little_endian](size_t i) -> uint32_t {
    const uint32_t first = static_cast<unsigned char>(bytes[i]);
    const uint32_t second = static_cast<unsigned char>(bytes[i + 1]);
    return little_endian ? first | (second << 8) : (first << 8) | second;
  };
  const string_view name = little_endian ? "UTF-16LE" : "UTF-16BE";
  std::string out;
  out.reserve(bytes.size());
  while (at < bytes.size()) {
    if (at + 2 > bytes.size()) return BadBytes(at, name);
    uint32_t point = unit(at);
    size_t size = 2;
    if (point >= 0xDC00 && point <= 0xDFFF) return BadBytes(at, name);
    if (point >= 0xD800 && point <= 0xDBFF) {
      if (at + 4 > bytes.size()) return BadBytes(at, name);
      const uint32_t low = unit(at + 2);
      if (low < 0xDC00 || low > 0xDFFF) return BadBytes(at, name);
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
      size = 4;
    }
    AppendUtf8(point, out);
    at += size;
  }
  return out;
}

absl::StatusOr<std::string> Decode(string_view bytes, const Source& source) {
  switch (source.encoding) {
    case Encoding::kUtf8: {
      const string_view text = bytes.substr(source.mark_size);
      const size_t valid = ValidUtf8Prefix(text);
      if (valid != text.size()) return BadBytes(source.mark_size + valid, "UTF-8");
      return std::string(text);
    }
    case Encoding::kUtf16Le:
      return FromUtf16(bytes, source.mark_size, /*little_endian=*/true);
    case Encoding::kUtf16:
    case Encoding::kUtf16Be:
      return FromUtf16(bytes, source.mark_size, /*little_endian=*/false);
    case Encoding::kLatin1: {
      std::string out;
      out.reserve(bytes.size());
      for (const char c : bytes) AppendUtf8(static_cast<unsigned char>(c), out);
      return out;
    }
    case Encoding::kAscii: {
      for (size_t i = 0; i < bytes.size(); ++i) {
        if (static_cast<unsigned char>(bytes[i]) >= 0x80) return BadBytes(i, "US-ASCII");
      }
      return std::string(bytes);
    }
  }
  return absl::InternalError("an encoding without a decoder");
}

// Length of the one character at the front of `text`, 0 if there is no valid one. The borders are
// those of the Unicode standard, "Well-Formed UTF-8 Byte Sequences": no surrogates, nothing
// overlong, nothing past U+10FFFF.
size_t CharacterSize(string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](size_t i, unsigned char low, unsigned char high) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1, 0x80, 0xBF) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned char low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned char high = lead == 0xED ? 0x9F : 0xBF;
    return continues(1, low, high) && continues(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned char low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xF4 ? 0x8F : 0xBF;
    return continues(1, low, high) && continues(2, 0x80, 0xBF) && continues(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

}  // namespace

size_t ValidUtf8Prefix(string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    // Nearly every document is nearly all ASCII: eight bytes at a stride.
    uint64_t word = 0;
    if (at + sizeof(word) <= text.size()) {
      std::memcpy(&word, text.data() + at, sizeof(word));
      if ((word & 0x8080808080808080u) == 0) {
        at += sizeof(word);
        continue;
      }
    }
    const size_t size = CharacterSize(text.substr(at));
    if (size == 0) return at;
    at += size;
  }
  return at;
}

absl::StatusOr<std::string> ToUtf8(string_view bytes, string_view header_charset) {
  const absl::StatusOr<Source> source = FindEncoding(bytes, header_charset);
  if (!source.ok()) return source.status();
  absl::StatusOr<std::string> text = Decode(bytes, *source);
  if (!text.ok()) return text;
  DeclareUtf8(*text);
  return text;
}

std::string Utf8Text(absl::string_view text) {
  std::string safe;
  while (true) {
    const size_t good = ValidUtf8Prefix(text);
    absl::StrAppend(&safe, text.substr(0, good));
    if (good == text.size()) return safe;
    absl::StrAppend(&safe, "\xEF\xBF\xBD");
    text.remove_prefix(good + 1);
  }
}

std::string Utf8Text(absl::string_view text, size_t max_bytes) {
  // No character has more than four bytes, so one that is cut here would have been cut below.
  std::string safe = Utf8Text(text.substr(0, max_bytes + 4));
  if (safe.size() <= max_bytes) return safe;
  while ((static_cast<unsigned char>(safe[max_bytes]) & 0xC0) == 0x80) --max_bytes;
  safe.resize(max_bytes);
  return safe;
}

}  // namespace understudy::twilio
