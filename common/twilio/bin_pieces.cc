#include "common/twilio/bin_pieces.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/bin_places.h"
#include "common/twilio/bin_template.h"
#include "common/twilio/charset.h"

namespace understudy::twilio {
namespace {

using absl::string_view;

constexpr string_view kOpen = "{{";
constexpr string_view kClose = "}}";
constexpr string_view kE164 = "e164";
constexpr int kInvalidToken = 11310;
constexpr int kUnclosed = 11320;
constexpr int kTooLarge = 11750;
constexpr int kNotWellFormed = 12100;

// Of what stands between braces, in a message about it.
constexpr size_t kBytesShownMax = 64;

string_view Shown(string_view text) {
  return text.substr(0, ValidUtf8Prefix(text.substr(0, kBytesShownMax)));
}

bool IsName(string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
}

// What other users of braces have and bins do not.
const char* Advice(string_view inside) {
  if (inside == "else") return "the other case is {{^Name}}...{{/Name}}";
  if (inside == "this") return "the value of a section is {{.}}";
  if (absl::StartsWith(inside, "!")) return "a comment is <!-- ... -->";
  if (absl::StartsWith(inside, "{") || absl::StartsWith(inside, "&")) {
    return "values are always escaped";
  }
  if (absl::StartsWith(inside, "#if ") || absl::StartsWith(inside, "#each ")) {
    return "a condition and a list are both {{#Name}}...{{/Name}}";
  }
  return "a name has letters, digits, _ and -";
}

class Reader {
 public:
  explicit Reader(string_view text) : text_(text), places_(text) {}

  BinReading Read() {
    if (text_.size() > kBinBytesMax) {
      Fail(kTooLarge, 0,
           absl::StrCat("The template has ", text_.size(), " bytes, more than ", kBinBytesMax));
    } else if (const size_t valid = ValidUtf8Prefix(text_); valid != text_.size()) {
      Fail(kNotWellFormed, valid, "Not UTF-8");
    } else {
      ReadPieces();
    }
    if (reading_.mistake.has_value()) {
      reading_.parts = {};
    } else {
      reading_.parts.text = std::string(text_);
      places_.End();
      if (const auto& misplaced = places_.misplaced(); misplaced.has_value()) {
        reading_.misplaced = BinMistake{kNotWellFormed, misplaced->offset, misplaced->message};
      }
    }
    return std::move(reading_);
  }

 private:
  struct Open {
    size_t piece = 0;
    string_view name = {};
  };

  void ReadPieces() {
    size_t at = 0;
    while (!reading_.mistake.has_value()) {
      const size_t begin = std::min(text_.find(kOpen, at), text_.size());
      if (begin > at) AddText(at, begin);
      if (begin == text_.size()) break;
      const size_t inside = begin + kOpen.size();
      const size_t close = text_.find(kClose, inside);
      // From three braces the inner two open, but for {{{Name}}}, which is reported as it is meant.
      if (close == string_view::npos ||
          text_.substr(inside, close - inside).find(kOpen, 1) != string_view::npos) {
        Fail(kUnclosed, begin, "{{ is not closed by }}");
        return;
      }
      if (++tags_ > kBinTagsMax) {
        Fail(kNotWellFormed, begin,
             absl::StrCat("The template has more than ", kBinTagsMax, " {{...}}"));
        return;
      }
      at = close + kClose.size();
      AddTag(begin, at, absl::StripAsciiWhitespace(text_.substr(inside, close - inside)));
    }
    if (!open_.empty() && !reading_.mistake.has_value()) {
      Fail(kUnclosed, Pieces()[open_.back().piece].begin,
           absl::StrCat("Section ", open_.back().name, " is not closed by {{/", open_.back().name,
                        "}}"));
    }
  }

  void AddText(size_t begin, size_t end) {
    const int elements = in_e164_ == 0 ? places_.Text(begin, end) : 0;
    Pieces().push_back(
        {.kind = BinPiece::Kind::kText, .elements = elements, .begin = begin, .end = end});
  }

  // `inside` has no blanks around it.
  void AddTag(size_t begin, size_t end, string_view inside) {
    const char sign = inside.empty() ? '\0' : inside[0];
    const bool signed_name = sign == '#' || sign == '^' || sign == '/';
    const string_view name =
        signed_name ? absl::StripLeadingAsciiWhitespace(inside.substr(1)) : inside;
    if (name.empty()) {
      Fail(kInvalidToken, begin, "There is no name between the braces");
    } else if (name == "." && !signed_name) {
      AddItem(begin, end);
    } else if (!IsName(name) || name == "else" || name == "this") {
      Fail(
          kInvalidToken, begin,
          absl::StrCat("{{", Shown(inside), "}} is none of the forms a bin has: ", Advice(inside)));
    } else if (name.size() > kBinNameBytesMax) {
      Fail(kInvalidToken, begin,
           absl::StrCat("The name has ", name.size(), " bytes, more than ", kBinNameBytesMax));
    } else if (sign == '/') {
      CloseSection(begin, name);
    } else if (name == kE164 && sign != '#') {
      Fail(kInvalidToken, begin, "e164 is a function: {{#e164}}...{{/e164}}");
    } else if (!signed_name) {
      if (in_e164_ == 0) places_.Value(begin);
      Pieces().push_back(
          {.kind = BinPiece::Kind::kValue, .begin = begin, .end = end, .name = NumberOf(name)});
    } else {
      OpenSection(begin, end, name, sign == '^');
    }
  }

  void AddItem(size_t begin, size_t end) {
    if (sections_ == 0) {
      Fail(kInvalidToken, begin, "{{.}} has a value in {{#Name}}...{{/Name}} only");
      return;
    }
    if (in_e164_ == 0) places_.Value(begin);
    Pieces().push_back({.kind = BinPiece::Kind::kItem, .begin = begin, .end = end});
  }

  void OpenSection(size_t begin, size_t end, string_view name, bool inverse) {
    if (open_.size() == kBinDepthMax) {
      Fail(kNotWellFormed, begin, absl::StrCat("Sections are nested deeper than ", kBinDepthMax));
      return;
    }
    BinPiece piece = {.begin = begin, .end = end};
    if (name == kE164) {
      if (in_e164_++ == 0) places_.Value(begin);
      piece.kind = BinPiece::Kind::kE164;
    } else {
      piece.kind = inverse ? BinPiece::Kind::kInverse : BinPiece::Kind::kSection;
      piece.name = NumberOf(name);
      // What is inside of e164 is gone through for a number, wherever it stands.
      piece.repeats = in_e164_ > 0 || places_.OpenSection(begin, piece.name, inverse);
      if (!inverse) ++sections_;
    }
    open_.push_back({.piece = Pieces().size(), .name = name});
    Pieces().push_back(piece);
  }

  void CloseSection(size_t begin, string_view name) {
    if (open_.empty()) {
      Fail(kInvalidToken, begin, absl::StrCat("Section ", Shown(name), " is not open"));
      return;
    }
    const Open open = open_.back();
    if (name != open.name) {
      Fail(kInvalidToken, begin, absl::StrCat("Section ", open.name, " is open, not ", name));
      return;
    }
    open_.pop_back();
    BinPiece& piece = Pieces()[open.piece];
    piece.after = Pieces().size();
    switch (piece.kind) {
      case BinPiece::Kind::kE164:
        --in_e164_;
        return;
      case BinPiece::Kind::kSection:
        --sections_;
        break;
      default:
        break;
    }
    if (in_e164_ == 0) places_.CloseSection(begin);
  }

  size_t NumberOf(string_view name) {
    return reading_.parts.names.emplace(name, reading_.parts.names.size()).first->second;
  }

  void Fail(int code, size_t offset, std::string message) {
    reading_.mistake = BinMistake{code, offset, std::move(message)};
  }

  std::vector<BinPiece>& Pieces() { return reading_.parts.pieces; }

  const string_view text_;
  BinPlaces places_;
  BinReading reading_;
  std::vector<Open> open_;
  size_t tags_ = 0;
  int sections_ = 0;  // of open_, those with a value
  int in_e164_ = 0;   // of open_
};

}  // namespace

BinReading ReadBin(string_view text) {
  return Reader(text).Read();
}

}  // namespace understudy::twilio
