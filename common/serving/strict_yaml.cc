#include "common/serving/strict_yaml.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <system_error>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/twilio/charset.h"

namespace understudy::serving {

struct YamlNode {
  enum class Kind : uint8_t { kNull, kText, kList, kMapping };

  Kind kind = Kind::kNull;
  int line = 0;                         // of its key in a mapping, else of the value
  std::string key = {};                 // in a mapping
  std::string text = {};                // of kText
  std::vector<YamlNode> children = {};  // of kList and kMapping, in order
};

namespace {

constexpr size_t kMaxShownBytes = 64;

// A part of the file as it may stand in a message.
std::string Shown(absl::string_view text) {
  const bool is_cut = text.size() > kMaxShownBytes;
  return absl::StrCat(absl::CHexEscape(text.substr(0, kMaxShownBytes)), is_cut ? "..." : "");
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", Shown(text), "\"");
}

absl::string_view KindName(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kNull:
      return "empty";
    case YamlNode::Kind::kText:
      return "a plain value";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMapping:
      return "a mapping";
  }
  return "";
}

absl::Status CannotRead(const std::string& path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": ", why));
}

// A file opened for reading.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path)
      // Not blocking: opening a pipe nobody writes to would wait for ever.
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), error_(errno) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int descriptor() const { return descriptor_; }

  // OK if this is a file with content to read.
  absl::Status Check(const std::string& path) const {
    if (descriptor_ < 0) return CannotRead(path, std::generic_category().message(error_));
    struct stat facts = {};
    if (::fstat(descriptor_, &facts) != 0 || !S_ISREG(facts.st_mode)) {
      return CannotRead(path, "not a regular file");
    }
    return absl::OkStatus();
  }

 private:
  const int descriptor_;
  const int error_;  // if there is no descriptor
};

absl::StatusOr<std::string> ReadWholeFile(const std::string& path, size_t max_bytes) {
  const OpenFile file(path);
  if (absl::Status status = file.Check(path); !status.ok()) return status;
  // One more than allowed: the size told beforehand may have changed.
  std::string content(max_bytes + 1, '\0');
  size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = ::read(file.descriptor(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return CannotRead(path, std::generic_category().message(errno));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > max_bytes) {
    return CannotRead(path, absl::StrCat("longer than ", max_bytes, " bytes"));
  }
  content.resize(size);
  return content;
}

struct DurationUnit {
  absl::string_view name;
  absl::Duration duration;
};
constexpr DurationUnit kDurationUnits[] = {{"ms", absl::Milliseconds(1)},
                                           {"s", absl::Seconds(1)},
                                           {"m", absl::Minutes(1)},
                                           {"h", absl::Hours(1)},
                                           {"d", absl::Hours(24)}};

std::optional<absl::Duration> ParseDuration(absl::string_view text) {
  constexpr size_t kMaxDigits = 9;
  if (text == "0") return absl::ZeroDuration();
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  int64_t number = 0;
  if (digits == 0 || digits > kMaxDigits || !absl::SimpleAtoi(text.substr(0, digits), &number)) {
    return std::nullopt;
  }
  for (const DurationUnit& unit : kDurationUnits) {
    if (text.substr(digits) == unit.name) return number * unit.duration;
  }
  return std::nullopt;
}

std::string DurationText(absl::Duration duration) {
  std::string text = "0";
  for (const DurationUnit& unit : kDurationUnits) {
    absl::Duration rest;
    const int64_t number = absl::IDivDuration(duration, unit.duration, &rest);
    if (number > 0 && rest == absl::ZeroDuration()) text = absl::StrCat(number, unit.name);
  }
  return text;
}

// Keystrokes that turn `from` into `to`: a letter more, less, or other, or two swapped.
size_t TypingDistance(absl::string_view from, absl::string_view to) {
  std::vector<std::vector<size_t>> cost(from.size() + 1, std::vector<size_t>(to.size() + 1));
  for (size_t i = 0; i <= from.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= to.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= from.size(); ++i) {
    for (size_t j = 1; j <= to.size(); ++j) {
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                             cost[i - 1][j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[from.size()][to.size()];
}

// The one of `known` that `key` looks like, or nothing.
absl::string_view NearestKey(absl::string_view key, const std::vector<std::string>& known) {
  constexpr size_t kMaxTypingDistance = 2;
  absl::string_view nearest;
  size_t best = kMaxTypingDistance + 1;
  if (key.size() > kMaxShownBytes) return nearest;
  for (const std::string& candidate : known) {
    const size_t distance = TypingDistance(key, candidate);
    // Short keys are all near each other: more than a third changed is another word.
    if (distance < best && 3 * distance <= candidate.size()) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

// Bytes no configuration has and the parser would take for something else: it ends at a 0x04.
// `line` is where they are.
absl::Status CheckCharacters(absl::string_view text, int& line) {
  const auto is_control = [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t') ||
           c == 0x7F;
  };
  const size_t valid = twilio::ValidUtf8Prefix(text);
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(valid);
  const auto bad = std::find_if(text.begin(), end, is_control);
  line = 1 + static_cast<int>(std::count(text.begin(), bad, '\n'));
  if (bad != end) return absl::InvalidArgumentError("control characters are not allowed");
  return valid == text.size() ? absl::OkStatus() : absl::InvalidArgumentError("not UTF-8");
}

// Makes nodes of the parser's events. What the subset leaves out ends the parsing.
class TreeBuilder final : public YAML::EventHandler {
 public:
  YamlNode TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (has_document_) throw YAML::ParserException(mark, "only one document is allowed");
    has_document_ = true;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Refuse(mark, "", anchor);
    if (AwaitsKey()) throw YAML::ParserException(mark, "a key is missing");
    Add(mark, YamlNode::Kind::kNull);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw YAML::ParserException(mark, "anchors and aliases are not supported");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Refuse(mark, tag, anchor);
    if (AwaitsKey()) {
      key_ = Key{value, mark.line + 1};
    } else {
      Add(mark, YamlNode::Kind::kText).text = value;
    }
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kList);
  }
  void OnSequenceEnd() override { open_.pop_back(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kMapping);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct Key {
    std::string text;
    int line;
  };

  static void Refuse(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) throw YAML::ParserException(mark, "anchors and aliases are not supported");
    // "?" is a plain value and "!" a quoted one.
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw YAML::ParserException(mark, "tags are not supported");
    }
  }

  bool AwaitsKey() const {
    return !open_.empty() && open_.back()->kind == YamlNode::Kind::kMapping && !key_;
  }

  // Pointers in `open_` stay good: a list of children grows only when none of them is open.
  YamlNode& Add(const YAML::Mark& mark, YamlNode::Kind kind) {
    YamlNode& node = open_.empty() ? root_ : open_.back()->children.emplace_back();
    node.kind = kind;
    node.line = key_ ? key_->line : mark.line + 1;
    if (key_) node.key = std::move(key_->text);
    key_.reset();
    return node;
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    Refuse(mark, tag, anchor);
    if (AwaitsKey()) throw YAML::ParserException(mark, "a key must be plain text");
    if (open_.size() >= kMaxYamlDepth) {
      throw YAML::ParserException(mark, absl::StrCat("nested deeper than ", kMaxYamlDepth));
    }
    open_.push_back(&Add(mark, kind));
  }

  YamlNode root_ = {};
  std::vector<YamlNode*> open_ = {};
  std::optional<Key> key_ = {};  // read, and its value is not
  bool has_document_ = false;
};

}  // namespace

// One file: where it is and what is wrong with it.
class YamlReader {
 public:
  explicit YamlReader(const std::string& path) : path_(path) {}

  absl::Status Read(absl::string_view text, absl::FunctionRef<void(YamlMapping&)> read) {
    YamlNode root;
    if (Parse(text, root)) ReadMapping(root, "", read);
    return Verdict();
  }

  void ReadMapping(const YamlNode& node, std::string path,
                   absl::FunctionRef<void(YamlMapping&)> read) {
    YamlMapping mapping(*this, node, std::move(path));
    read(mapping);
    mapping.TellUnknownKeys();
  }

  // `key` is empty where no key is to blame.
  void Add(int line, absl::string_view key, absl::string_view what) {
    ++mistake_count_;
    if (mistakes_.size() >= kMaxYamlMistakes) return;
    mistakes_.push_back(
        {line, absl::StrCat(path_, ":", line, ": ", key, key.empty() ? "" : ": ", what)});
  }

  // The text of `node`, the value of `path`; null if it has none that may be used, a mistake.
  const std::string* TextOf(const YamlNode& node, absl::string_view path) {
    int line = 0;
    absl::Status status = node.kind == YamlNode::Kind::kText
                              ? CheckCharacters(node.text, line)  // escapes can stand for anything
                              : absl::InvalidArgumentError(absl::StrCat(
                                    "must be a plain value, not ", KindName(node.kind)));
    if (status.ok()) return &node.text;
    Add(node.line, path, status.message());
    return nullptr;
  }

  // `file` as seen from the folder of this file.
  std::string Beside(const std::string& file) const {
    const size_t slash = path_.rfind('/');
    if (absl::StartsWith(file, "/") || slash == std::string::npos) return file;
    return absl::StrCat(path_.substr(0, slash + 1), file);
  }
  // The same, remembered as one that matters.
  std::string Watched(const std::string& file) {
    files_.push_back(Beside(file));
    return files_.back();
  }

  const std::vector<std::string>& files() const { return files_; }

 private:
  struct Mistake {
    int line;
    std::string text;
  };

  bool Parse(absl::string_view text, YamlNode& root) {
    if (text.size() > kMaxYamlBytes) {
      Add(1, "", absl::StrCat("longer than ", kMaxYamlBytes, " bytes"));
      return false;
    }
    int line = 0;
    if (absl::Status status = CheckCharacters(text, line); !status.ok()) {
      Add(line, "", status.message());
      return false;
    }
    try {
      std::istringstream stream{std::string(text)};
      YAML::Parser parser(stream);
      TreeBuilder builder;
      while (parser.HandleNextDocument(builder)) {
      }
      root = builder.TakeRoot();
    } catch (const YAML::Exception& error) {
      Add(error.mark.line + 1, "", error.msg);
      return false;
    }
    if (root.kind == YamlNode::Kind::kNull) {
      Add(1, "", "the file has no settings");
    } else if (root.kind != YamlNode::Kind::kMapping) {
      Add(root.line, "", absl::StrCat("must be a mapping, not ", KindName(root.kind)));
    }
    return root.kind == YamlNode::Kind::kMapping;
  }

  absl::Status Verdict() {
    if (mistakes_.empty()) return absl::OkStatus();
    std::stable_sort(mistakes_.begin(), mistakes_.end(),
                     [](const Mistake& a, const Mistake& b) { return a.line < b.line; });
    std::string message =
        absl::StrJoin(mistakes_, "\n",
                      [](std::string* out, const Mistake& mistake) { out->append(mistake.text); });
    if (mistake_count_ > mistakes_.size()) {
      absl::StrAppend(&message, "\n", path_, ": and ", mistake_count_ - mistakes_.size(),
                      " more mistakes");
    }
    return absl::InvalidArgumentError(message);
  }

  const std::string path_;
  std::vector<std::string> files_ = {};
  std::vector<Mistake> mistakes_ = {};
  size_t mistake_count_ = 0;
};

absl::Status ReadYaml(absl::string_view text, const std::string& path,
                      absl::FunctionRef<void(YamlMapping&)> read) {
  return YamlReader(path).Read(text, read);
}

absl::Status ReadYamlFile(const std::string& path, absl::FunctionRef<void(YamlMapping&)> read) {
  const absl::StatusOr<std::string> text = ReadWholeFile(path, kMaxYamlBytes);
  if (!text.ok()) return text.status();
  return ReadYaml(*text, path, read);
}

absl::Status AnyText(absl::string_view) {
  return absl::OkStatus();
}

YamlMapping::YamlMapping(YamlReader& reader, const YamlNode& node, std::string path)
    : reader_(reader), node_(node), path_(std::move(path)) {
  absl::flat_hash_map<absl::string_view, int> lines;
  for (const YamlNode& child : node_.children) {
    const auto [first, is_new] = lines.emplace(child.key, child.line);
    if (is_new) continue;
    reader_.Add(child.line, PathOf(child.key),
                absl::StrCat("given twice, first in line ", first->second));
  }
}

std::string YamlMapping::PathOf(absl::string_view key) const {
  if (key.empty()) return path_;
  return absl::StrCat(path_, path_.empty() ? "" : ".", Shown(key));
}

const YamlNode* YamlMapping::Find(absl::string_view key) const {
  const auto child = std::find_if(node_.children.begin(), node_.children.end(),
                                  [&](const YamlNode& node) { return node.key == key; });
  return child == node_.children.end() ? nullptr : &*child;
}

const YamlNode* YamlMapping::Ask(absl::string_view key) {
  known_keys_.emplace_back(key);
  const YamlNode* const node = Find(key);
  if (node == nullptr || node->kind != YamlNode::Kind::kNull) return node;
  AddMistake(key, "has no value: give it one or remove the key");
  return nullptr;
}

const std::string* YamlMapping::AskText(absl::string_view key) {
  const YamlNode* const node = Ask(key);
  return node == nullptr ? nullptr : reader_.TextOf(*node, PathOf(key));
}

const YamlNode* YamlMapping::AskList(absl::string_view key) {
  const YamlNode* const node = Ask(key);
  if (node == nullptr || node->kind == YamlNode::Kind::kList) return node;
  AddMistake(key, absl::StrCat("must be a list, not ", KindName(node->kind)));
  return nullptr;
}

void YamlMapping::Require(absl::Span<const absl::string_view> keys) {
  for (const absl::string_view key : keys) {
    if (!Has(key)) reader_.Add(node_.line, PathOf(key), "missing");
  }
}

bool YamlMapping::Has(absl::string_view key) const {
  return Find(key) != nullptr;
}

int YamlMapping::LineOf(absl::string_view key) const {
  const YamlNode* const node = Find(key);
  return node == nullptr ? node_.line : node->line;
}

void YamlMapping::AddMistake(absl::string_view key, absl::string_view what) {
  reader_.Add(LineOf(key), PathOf(key), what);
}

void YamlMapping::Text(absl::string_view key, std::string& out, TextCheck check) {
  const std::string* const text = AskText(key);
  if (text == nullptr) return;
  if (absl::Status status = check(*text); !status.ok()) {
    AddMistake(key, status.message());
    return;
  }
  out = *text;
}

void YamlMapping::Texts(absl::string_view key, TextCheck read) {
  const YamlNode* const list = AskList(key);
  if (list == nullptr) return;
  for (size_t i = 0; i < list->children.size(); ++i) {
    const YamlNode& item = list->children[i];
    const std::string path = absl::StrCat(PathOf(key), "[", i, "]");
    const std::string* const text = reader_.TextOf(item, path);
    if (text == nullptr) continue;
    if (absl::Status status = read(*text); !status.ok()) {
      reader_.Add(item.line, path, status.message());
    }
  }
}

void YamlMapping::Boolean(absl::string_view key, bool& out) {
  Choice<bool>(key, {{"true", true}, {"false", false}}, out);
}

std::optional<int64_t> YamlMapping::ReadInteger(absl::string_view key, int64_t min, int64_t max) {
  const std::string* const text = AskText(key);
  if (text == nullptr) return std::nullopt;
  int64_t number = 0;
  // Digits only: SimpleAtoi would also take blanks and a plus sign.
  const bool is_number =
      text->find_first_not_of("0123456789", absl::StartsWith(*text, "-") ? 1 : 0) ==
          std::string::npos &&
      absl::SimpleAtoi(*text, &number);
  if (is_number && number >= min && number <= max) return number;
  AddMistake(
      key, absl::StrCat("must be a whole number from ", min, " to ", max, ", not ", Quoted(*text)));
  return std::nullopt;
}

void YamlMapping::Duration(absl::string_view key, absl::Duration min, absl::Duration max,
                           absl::Duration& out) {
  const std::string* const text = AskText(key);
  if (text == nullptr) return;
  const std::optional<absl::Duration> duration = ParseDuration(*text);
  if (duration && *duration >= min && *duration <= max) {
    out = *duration;
    return;
  }
  AddMistake(key, absl::StrCat("must be a duration from ", DurationText(min), " to ",
                               DurationText(max), " (units ms, s, m, h, d), not ", Quoted(*text)));
}

std::optional<size_t> YamlMapping::ReadChoice(absl::string_view key,
                                              absl::Span<const absl::string_view> names) {
  const std::string* const text = AskText(key);
  if (text == nullptr) return std::nullopt;
  const auto name = std::find(names.begin(), names.end(), *text);
  if (name != names.end()) return static_cast<size_t>(name - names.begin());
  AddMistake(key,
             absl::StrCat("must be one of ", absl::StrJoin(names, ", "), ", not ", Quoted(*text)));
  return std::nullopt;
}

void YamlMapping::Listen(absl::string_view key, ListenAddress& out) {
  const std::string* const text = AskText(key);
  if (text == nullptr) return;
  if (absl::StatusOr<ListenAddress> address = ParseListenAddress(*text); address.ok()) {
    out = *std::move(address);
  } else {
    AddMistake(key, absl::StrCat(address.status().message(), ", not ", Quoted(*text)));
  }
}

void YamlMapping::SecretFile(absl::string_view key, Secret& out) {
  std::string content;
  std::string path;
  if (!WholeFile(key, kMaxSecretFileBytes, content, path)) return;
  while (absl::EndsWith(content, "\n") || absl::EndsWith(content, "\r")) content.pop_back();
  if (content.empty()) {
    AddMistake(key, absl::StrCat(path, " is empty"));
    return;
  }
  out = Secret(std::move(content));
}

bool YamlMapping::WholeFile(absl::string_view key, size_t max_bytes, std::string& content,
                            std::string& path) {
  const std::string* const name = AskText(key);
  if (name == nullptr) return false;
  path = reader_.Watched(*name);
  absl::StatusOr<std::string> read = ReadWholeFile(path, max_bytes);
  if (!read.ok()) {
    AddMistake(key, read.status().message());
    return false;
  }
  content = *std::move(read);
  return true;
}

void YamlMapping::ReadableFile(absl::string_view key, std::string& out) {
  const std::string* const name = AskText(key);
  if (name == nullptr) return;
  std::string path = reader_.Watched(*name);
  if (absl::Status status = OpenFile(path).Check(path); !status.ok()) {
    AddMistake(key, status.message());
    return;
  }
  out = std::move(path);
}

void YamlMapping::Path(absl::string_view key, std::string& out) {
  if (const std::string* const name = AskText(key)) out = reader_.Beside(*name);
}

void YamlMapping::Mapping(absl::string_view key, absl::FunctionRef<void(YamlMapping&)> read) {
  const YamlNode* const node = Ask(key);
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::kMapping) {
    AddMistake(key, absl::StrCat("must be a mapping, not ", KindName(node->kind)));
    return;
  }
  reader_.ReadMapping(*node, PathOf(key), read);
}

bool YamlMapping::Mappings(absl::string_view key, absl::FunctionRef<void(YamlMapping&)> read) {
  const YamlNode* const list = AskList(key);
  if (list == nullptr) return true;
  for (size_t i = 0; i < list->children.size(); ++i) {
    const YamlNode& item = list->children[i];
    std::string path = absl::StrCat(PathOf(key), "[", i, "]");
    if (item.kind == YamlNode::Kind::kMapping) {
      reader_.ReadMapping(item, std::move(path), read);
    } else {
      reader_.Add(item.line, path, absl::StrCat("must be a mapping, not ", KindName(item.kind)));
    }
  }
  return !list->children.empty();
}

void YamlMapping::NamedMappings(absl::string_view key,
                                absl::FunctionRef<void(absl::string_view, YamlMapping&)> read) {
  Mapping(key, [&](YamlMapping& named) {
    for (const YamlNode& child : named.node_.children) {
      named.Mapping(child.key, [&](YamlMapping& mapping) { read(child.key, mapping); });
    }
  });
}

const std::vector<std::string>& YamlMapping::files() const {
  return reader_.files();
}

void YamlMapping::TellUnknownKeys() {
  for (const YamlNode& child : node_.children) {
    if (std::find(known_keys_.begin(), known_keys_.end(), child.key) != known_keys_.end()) continue;
    const absl::string_view nearest = NearestKey(child.key, known_keys_);
    reader_.Add(
        child.line, PathOf(child.key),
        nearest.empty() ? "unknown key" : absl::StrCat("unknown key; did you mean ", nearest, "?"));
  }
}

}  // namespace understudy::serving
