#include "common/twilio/bin_template.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/bin_pieces.h"
#include "common/twilio/documents.h"
#include "common/twilio/identifiers.h"
#include "common/twilio/text_place.h"

namespace understudy::twilio {
namespace {

using absl::string_view;

constexpr int kNotWellFormed = 12100;

// What a name stands for in one rendering.
struct Bound {
  string_view value = {};               // of {{Name}}
  std::vector<string_view> items = {};  // {{#Name}} is rendered for
};

// Where a piece of a rendering comes from.
struct Origin {
  size_t begin = 0;  // in the rendering
  const BinPiece* piece = nullptr;
};

// The first E.164 number in `text`; empty if there is none.
string_view FindPhoneNumber(string_view text) {
  for (size_t plus = text.find('+'); plus != string_view::npos; plus = text.find('+', plus + 1)) {
    size_t end = plus + 1;
    while (end < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[end]))) ++end;
    const string_view number = text.substr(plus, end - plus);
    if (IsPhoneNumber(number)) return number;
  }
  return {};
}

class Renderer {
 public:
  // Both must outlive this. If `origins` is not null it is told where the rendering comes from.
  Renderer(const BinParts& parts, const std::vector<Bound>& bound, std::vector<Origin>* origins)
      : parts_(parts), bound_(bound), origins_(origins) {}

  absl::StatusOr<std::string> Render() {
    std::string out;
    Render(0, parts_.pieces.size(), /*item=*/{}, out);
    if (!over_.empty()) return absl::ResourceExhaustedError(over_);
    return out;
  }

 private:
  // The pieces from `begin` to `end`; `item` is what {{.}} stands for.
  void Render(size_t begin, size_t end, string_view item, std::string& out) {
    size_t next = begin;
    for (size_t i = begin; i < end && over_.empty(); i = next) {
      const BinPiece& piece = parts_.pieces[i];
      next = std::max(piece.after, i + 1);
      if (++steps_ > kBinStepsMax) {
        over_ = absl::StrCat("The bin takes more than ", kBinStepsMax, " steps to render");
        return;
      }
      switch (piece.kind) {
        case BinPiece::Kind::kText:
          AppendText(piece, out);
          break;
        case BinPiece::Kind::kValue:
          AppendEscaped(piece, bound_[piece.name].value, out);
          break;
        case BinPiece::Kind::kItem:
          AppendEscaped(piece, item, out);
          break;
        case BinPiece::Kind::kSection:
          for (const string_view value : bound_[piece.name].items) {
            Render(i + 1, next, value, out);
            if (!piece.repeats || !over_.empty()) break;
          }
          break;
        case BinPiece::Kind::kInverse:
          if (bound_[piece.name].items.empty()) Render(i + 1, next, item, out);
          break;
        case BinPiece::Kind::kE164: {
          std::string inside;
          std::vector<Origin>* const origins = std::exchange(origins_, nullptr);
          Render(i + 1, next, item, inside);
          origins_ = origins;
          Append(piece, FindPhoneNumber(inside), out);
          break;
        }
      }
    }
  }

  void AppendText(const BinPiece& piece, std::string& out) {
    elements_ += piece.elements;
    if (elements_ > kTwimlElementsMax) {
      over_ =
          absl::StrCat("The document of the bin has more than ", kTwimlElementsMax, " elements");
    }
    Append(piece, string_view(parts_.text).substr(piece.begin, piece.end - piece.begin), out);
  }

  void AppendEscaped(const BinPiece& piece, string_view value, std::string& out) {
    // Escaping makes nothing shorter.
    if (Fits(value.size())) Append(piece, XmlEscape(value), out);
  }

  void Append(const BinPiece& piece, string_view text, std::string& out) {
    if (!Fits(text.size())) return;
    bytes_ += text.size();
    if (origins_ != nullptr) origins_->push_back({.begin = out.size(), .piece = &piece});
    out.append(text.data(), text.size());
  }

  // What e164 looks through counts as well: it is no less work.
  bool Fits(size_t bytes) {
    if (bytes <= kTwimlBytesMax - bytes_) return true;
    over_ = absl::StrCat("The document of the bin has more than ", kTwimlBytesMax, " bytes");
    return false;
  }

  const BinParts& parts_;
  const std::vector<Bound>& bound_;
  std::vector<Origin>* origins_;
  size_t steps_ = 0;
  size_t bytes_ = 0;
  int elements_ = 0;
  std::string over_;  // which limit, once one is exceeded
};

std::vector<Bound> Bind(const BinParts& parts, const Form& parameters) {
  std::vector<Bound> bound(parts.names.size());
  std::vector<bool> has_value(bound.size());
  std::vector<std::vector<string_view>> lists(bound.size());
  for (const Parameter& parameter : parameters) {
    string_view name = parameter.name;
    const bool in_list = absl::EndsWith(name, "[]");
    if (in_list) name.remove_suffix(2);
    const auto found = parts.names.find(name);
    if (found == parts.names.end()) continue;
    const size_t number = found->second;
    if (in_list) {
      if (!parameter.value.empty()) lists[number].push_back(parameter.value);
    } else if (!has_value[number]) {
      has_value[number] = true;
      bound[number].value = parameter.value;
    }
  }
  for (size_t i = 0; i < bound.size(); ++i) {
    if (!lists[i].empty()) {
      bound[i].items = std::move(lists[i]);
    } else if (!bound[i].value.empty()) {
      bound[i].items = {bound[i].value};
    }
  }
  return bound;
}

// Each fits some of what a value is usually for, so that what is found with all of them is the
// bin's own mistake.
constexpr string_view kSamples[] = {"+14155550100", "https://www.example.com/a",
                                    "sip:a@example.com", "1"};

// Which sections have a value, by number of name.
using Presence = std::vector<bool>;

// The fewest parameters that make the piece be rendered which is inside of `sections`; none if it
// never is.
std::optional<Presence> FewestFor(const std::vector<const BinPiece*>& sections, size_t names) {
  Presence present(names);
  for (const BinPiece* section : sections) {
    if (section->kind == BinPiece::Kind::kSection) present[section->name] = true;
  }
  for (const BinPiece* section : sections) {
    if (section->kind == BinPiece::Kind::kInverse && present[section->name]) return std::nullopt;
  }
  return present;
}

// Those to judge a template with: together they render every piece there is a way to render. The
// last has a value for every section.
std::vector<Presence> Presences(const BinParts& parts) {
  const size_t names = parts.names.size();
  std::set<Presence> different = {Presence(names)};
  Presence all(names);
  std::vector<const BinPiece*> open;
  for (size_t i = 0; i < parts.pieces.size(); ++i) {
    const BinPiece& piece = parts.pieces[i];
    while (!open.empty() && open.back()->after <= i) open.pop_back();
    if (piece.after == 0) continue;
    open.push_back(&piece);
    if (piece.kind == BinPiece::Kind::kE164) continue;
    all[piece.name] = true;
    Presence alone(names);
    alone[piece.name] = true;
    different.insert(std::move(alone));
    if (std::optional<Presence> fewest = FewestFor(open, names); fewest.has_value()) {
      different.insert(*std::move(fewest));
    }
  }
  different.insert(std::move(all));
  return {different.begin(), different.end()};
}

// A finding in a rendering.
struct Found {
  size_t offset = 0;  // its place in the template
  Finding finding = {};
};

bool operator==(const Found& a, const Found& b) {
  return a.offset == b.offset && a.finding.code == b.finding.code &&
         a.finding.message == b.finding.message;
}

Finding InTemplate(Found found, string_view text) {
  const TextPlace place = PlaceOf(text, found.offset);
  found.finding.line = place.line;
  found.finding.column = place.column;
  return std::move(found.finding);
}

class BinJudge {
 public:
  BinJudge(const BinParts& parts, Kind kind) : parts_(parts), kind_(kind) {}

  // The first fatal finding in the rendering with `present`; warnings are kept.
  std::optional<Found> Judge(const Presence& present) {
    Rendered rendered = RenderWith(present, kSamples[0]);
    std::vector<Found> found = std::move(rendered.warnings);
    for (size_t i = 1; i < std::size(kSamples) && !found.empty(); ++i) {
      const std::vector<Found> others = RenderWith(present, kSamples[i]).warnings;
      found.erase(std::remove_if(found.begin(), found.end(),
                                 [&](const Found& one) {
                                   return std::find(others.begin(), others.end(), one) ==
                                          others.end();
                                 }),
                  found.end());
    }
    renderings_.push_back({.origins = std::move(rendered.origins), .found = std::move(found)});
    return std::move(rendered.fatal);
  }

  // Of all the renderings judged, in the order of the template.
  std::vector<Finding> Warnings() const {
    std::vector<Found> all;
    for (const Rendering& rendering : renderings_) {
      for (const Found& found : rendering.found) {
        if (std::find(all.begin(), all.end(), found) == all.end() && IsTheBins(found)) {
          all.push_back(found);
        }
      }
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const Found& a, const Found& b) { return a.offset < b.offset; });
    std::vector<Finding> warnings;
    for (size_t i = 0; i < std::min(all.size(), kTwimlWarningsMax); ++i) {
      warnings.push_back(InTemplate(std::move(all[i]), parts_.text));
    }
    return warnings;
  }

 private:
  struct Rendered {
    std::vector<Origin> origins = {};
    std::optional<Found> fatal = {};
    std::vector<Found> warnings = {};
  };
  struct Rendering {
    std::vector<Origin> origins = {};
    std::vector<Found> found = {};
  };

  Rendered RenderWith(const Presence& present, string_view sample) const {
    std::vector<Bound> bound(parts_.names.size());
    for (size_t i = 0; i < bound.size(); ++i) {
      bound[i].value = sample;
      if (present[i]) bound[i].items = {sample};
    }
    Rendered rendered;
    const absl::StatusOr<std::string> document =
        Renderer(parts_, bound, &rendered.origins).Render();
    if (!document.ok()) {
      // No list makes it so: it is like this without.
      rendered.fatal =
          Found{0, {.code = kNotWellFormed, .message = std::string(document.status().message())}};
      return rendered;
    }
    TwimlReport report = CheckTwiml(*document, kind_);
    TextCursor cursor(*document);
    const auto in_template = [&](Finding finding) {
      const size_t offset = cursor.OffsetOf({finding.line, finding.column});
      return Found{OffsetIn(rendered.origins, offset), std::move(finding)};
    };
    if (report.fatal.has_value()) rendered.fatal = in_template(*std::move(report.fatal));
    for (Finding& warning : report.warnings) {
      rendered.warnings.push_back(in_template(std::move(warning)));
    }
    return rendered;
  }

  // Where in the template the byte at `offset` of a rendering comes from.
  static size_t OffsetIn(const std::vector<Origin>& origins, size_t offset) {
    const auto behind =
        std::upper_bound(origins.begin(), origins.end(), offset,
                         [](size_t value, const Origin& origin) { return value < origin.begin; });
    if (behind == origins.begin()) return 0;
    const Origin& origin = *std::prev(behind);
    if (origin.piece->kind != BinPiece::Kind::kText) return origin.piece->begin;
    return origin.piece->begin + (offset - origin.begin);
  }

  // Whether it is found wherever its place is rendered.
  bool IsTheBins(const Found& found) const {
    return std::all_of(renderings_.begin(), renderings_.end(), [&](const Rendering& rendering) {
      return !Renders(rendering.origins, found.offset) ||
             std::find(rendering.found.begin(), rendering.found.end(), found) !=
                 rendering.found.end();
    });
  }

  static bool Renders(const std::vector<Origin>& origins, size_t offset) {
    return std::any_of(origins.begin(), origins.end(), [offset](const Origin& origin) {
      return origin.piece->begin <= offset && offset < origin.piece->end;
    });
  }

  const BinParts& parts_;
  const Kind kind_;
  std::vector<Rendering> renderings_;
};

Finding ToFinding(const BinMistake& mistake, string_view text) {
  return InTemplate({mistake.offset, {.code = mistake.code, .message = mistake.message}}, text);
}

}  // namespace

absl::StatusOr<BinTemplate> BinTemplate::Parse(string_view utf8_text) {
  BinReading reading = ReadBin(utf8_text);
  for (const std::optional<BinMistake>& mistake : {reading.mistake, reading.misplaced}) {
    if (!mistake.has_value()) continue;
    const TextPlace place = PlaceOf(utf8_text, mistake->offset);
    return absl::InvalidArgumentError(
        absl::StrCat("line ", place.line, ", column ", place.column, ": ", mistake->message));
  }
  return BinTemplate(std::make_shared<const BinParts>(std::move(reading.parts)));
}

absl::StatusOr<std::string> BinTemplate::Render(const Form& parameters) const {
  const std::vector<Bound> bound = Bind(*parts_, parameters);
  return Renderer(*parts_, bound, /*origins=*/nullptr).Render();
}

TwimlReport CheckBin(string_view utf8_text, Kind kind) {
  const BinReading reading = ReadBin(utf8_text);
  if (reading.mistake.has_value()) return {.fatal = ToFinding(*reading.mistake, utf8_text)};
  BinJudge judge(reading.parts, kind);
  const std::vector<Presence> presences = Presences(reading.parts);
  if (reading.misplaced.has_value()) {
    // It may follow from a mistake before it that has nothing to do with braces.
    std::optional<Found> fatal = judge.Judge(presences.back());
    if (fatal.has_value() && fatal->finding.code == kNotWellFormed &&
        fatal->offset < reading.misplaced->offset) {
      return {.fatal = InTemplate(*std::move(fatal), utf8_text)};
    }
    return {.fatal = ToFinding(*reading.misplaced, utf8_text)};
  }
  for (const Presence& present : presences) {
    if (std::optional<Found> fatal = judge.Judge(present); fatal.has_value()) {
      return {.fatal = InTemplate(*std::move(fatal), utf8_text)};
    }
  }
  return {.warnings = judge.Warnings()};
}

}  // namespace understudy::twilio
