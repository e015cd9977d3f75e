// Configuration files, read strictly: a mapping into fields, where unknown, missing and repeated
// keys and values of the wrong type are mistakes, and all mistakes of a file are told at once.
//
//   absl::Status status = ReadYamlFile(path, [&](YamlMapping& root) {
//     root.Mapping("grpc", [&](YamlMapping& grpc) { grpc.Listen("listen", config.listen); });
//   });
//
// The subset of YAML: one document, mappings and lists of plain values in UTF-8, without anchors,
// aliases and tags. A key without a value is a mistake: nobody can tell whether it is meant.
#ifndef COMMON_SERVING_STRICT_YAML_H_
#define COMMON_SERVING_STRICT_YAML_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/secret.h"
#include "common/serving/listen_address.h"

namespace understudy::serving {

inline constexpr size_t kMaxYamlBytes = 4 << 20;
inline constexpr int kMaxYamlDepth = 32;         // mappings and lists within each other
inline constexpr size_t kMaxYamlMistakes = 100;  // told one by one; the rest is a number
inline constexpr size_t kMaxSecretFileBytes = 4096;

class YamlMapping;
class YamlReader;
struct YamlNode;

// Reads the file at `path` with `read`, which asks the root mapping for every key it may have; a
// key nobody asked for is unknown. InvalidArgument if there is any mistake, with a message of one
// line each in the order of the file, "file:line: key: what is wrong" (without line and key where
// there is none). What `read` has filled in is then not to be used. Values of *_file keys are
// opened here; nothing else is touched.
absl::Status ReadYamlFile(const std::string& path, absl::FunctionRef<void(YamlMapping&)> read);

// The same for `text`, as if it had been read from `path`.
absl::Status ReadYaml(absl::string_view text, const std::string& path,
                      absl::FunctionRef<void(YamlMapping&)> read);

// A check of a value beyond its type: the message of a status that is not OK is the mistake.
using TextCheck = absl::FunctionRef<absl::Status(absl::string_view)>;
absl::Status AnyText(absl::string_view text);

// A mapping of the file while it is read; valid inside the callback that got it. Every reader
// leaves `out` as it is (its default) if the key is absent or wrong.
class YamlMapping {
 public:
  // A mistake for each of `keys` that is absent.
  void Require(absl::Span<const absl::string_view> keys);

  bool Has(absl::string_view key) const;
  // Line of `key`, or of the mapping itself if it is absent; from 1.
  int LineOf(absl::string_view key) const;
  // Adds a mistake at the value of `key`, or at the mapping itself if `key` is empty.
  void AddMistake(absl::string_view key, absl::string_view what);

  // Texts are UTF-8 without control characters other than tabs and line ends.
  void Text(absl::string_view key, std::string& out, TextCheck check = AnyText);
  // A list of texts, each given to `read`, whose status is the item's mistake.
  void Texts(absl::string_view key, TextCheck read);
  void Boolean(absl::string_view key, bool& out);
  // Between `min` and `max`, both included.
  template <typename Number>
  void Integer(absl::string_view key, Number min, Number max, Number& out) {
    static_assert(std::is_integral_v<Number>);
    if (auto number = ReadInteger(key, static_cast<int64_t>(min), static_cast<int64_t>(max))) {
      out = static_cast<Number>(*number);
    }
  }
  // A whole number and a unit, "300ms", "5s", "10m", "2h" or "30d", or 0; between `min` and `max`.
  void Duration(absl::string_view key, absl::Duration min, absl::Duration max, absl::Duration& out);
  // One of `choices` by its name.
  template <typename Enum>
  void Choice(absl::string_view key, const std::vector<std::pair<absl::string_view, Enum>>& choices,
              Enum& out) {
    std::vector<absl::string_view> names;
    names.reserve(choices.size());
    for (const auto& [name, value] : choices) names.push_back(name);
    if (auto index = ReadChoice(key, names)) out = choices[*index].second;
  }
  void Listen(absl::string_view key, ListenAddress& out);
  // The content of the file that `key` names, without a line end after it. Missing, empty and too
  // long files are mistakes. A relative path is relative to the folder of the configuration.
  void SecretFile(absl::string_view key, Secret& out);
  // The content of the file that `key` names, at most `max_bytes` of any bytes, and its path; the
  // path is relative as for SecretFile. False if the key is absent or the file cannot be had.
  bool WholeFile(absl::string_view key, size_t max_bytes, std::string& content, std::string& path);
  // The path of a file that can be opened; relative ones as for SecretFile.
  void ReadableFile(absl::string_view key, std::string& out);

  // A path, which need not lead anywhere; relative ones as for SecretFile.
  void Path(absl::string_view key, std::string& out);

  void Mapping(absl::string_view key, absl::FunctionRef<void(YamlMapping&)> read);
  // A list of mappings, one call for each. False if it is a list without items.
  bool Mappings(absl::string_view key, absl::FunctionRef<void(YamlMapping&)> read);
  // A mapping from names of the user's to mappings, one call for each.
  void NamedMappings(absl::string_view key,
                     absl::FunctionRef<void(absl::string_view name, YamlMapping&)> read);

  // The files that values named so far and were opened, to notice when one changes.
  const std::vector<std::string>& files() const;

 private:
  friend class YamlReader;
  YamlMapping(YamlReader& reader, const YamlNode& node, std::string path);

  const YamlNode* Find(absl::string_view key) const;
  // Find(), remembering that `key` is a known one; null also if it has no value, a mistake.
  const YamlNode* Ask(absl::string_view key);
  const YamlNode* AskList(absl::string_view key);
  const std::string* AskText(absl::string_view key);
  std::string PathOf(absl::string_view key) const;
  std::optional<int64_t> ReadInteger(absl::string_view key, int64_t min, int64_t max);
  std::optional<size_t> ReadChoice(absl::string_view key,
                                   absl::Span<const absl::string_view> names);
  void TellUnknownKeys();

  YamlReader& reader_;
  const YamlNode& node_;
  std::string path_;  // "numbers[0].voice"; empty for the root
  std::vector<std::string> known_keys_ = {};
};

}  // namespace understudy::serving

#endif  // COMMON_SERVING_STRICT_YAML_H_
