#include "common/serving/strict_yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <random>

#include "absl/strings/str_cat.h"

namespace understudy::serving {
namespace {

using testing::ElementsAre;

// Something to configure, with a key of every sort.
struct Farm {
  std::string name = "none";
  std::vector<std::string> animals = {};
  bool open = false;
  int acres = 7;
  uint16_t gates = 1;
  absl::Duration milking = absl::Hours(1);
  int soil = 0;
  ListenAddress listen = {};
  Secret recipe = {};
  std::string map = {};
  std::vector<std::string> fields = {};
  std::string tractor = {};
};

absl::Status OnlySmallLetters(absl::string_view text) {
  if (text.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == absl::string_view::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("only small letters");
}

void ReadFarm(YamlMapping& root, Farm& farm) {
  root.Text("name", farm.name, OnlySmallLetters);
  root.Texts("animals", [&](absl::string_view animal) {
    farm.animals.emplace_back(animal);
    return OnlySmallLetters(animal);
  });
  root.Boolean("open", farm.open);
  root.Integer("acres", -5, 100, farm.acres);
  root.Integer<uint16_t>("gates", 0, 65535, farm.gates);
  root.Duration("milking", absl::Milliseconds(100), absl::Hours(24 * 30), farm.milking);
  root.Choice<int>("soil", {{"clay", 1}, {"sand", 2}}, farm.soil);
  root.Listen("listen", farm.listen);
  root.SecretFile("recipe_file", farm.recipe);
  root.ReadableFile("map_file", farm.map);
  root.Mapping("tractor", [&](YamlMapping& tractor) {
    tractor.Require({"maker"});
    tractor.Text("maker", farm.tractor);
  });
  root.Mappings("fields", [&](YamlMapping& field) {
    field.Require({"crop", "size"});
    field.Text("crop", farm.fields.emplace_back());
    int size = 0;
    field.Integer("size", 1, 10, size);
    if (size == 4) field.AddMistake("size", "four is right out");
    if (size == 5) field.AddMistake("", "no such field");
  });
}

// The mistakes of `yaml`, as told for the file "farm.yaml"; empty if there are none.
std::string Mistakes(absl::string_view yaml, Farm* farm = nullptr) {
  Farm scratch;
  const absl::Status status = ReadYaml(yaml, "farm.yaml", [&](YamlMapping& root) {
    ReadFarm(root, farm == nullptr ? scratch : *farm);
  });
  if (status.ok()) return "";
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(StrictYamlTest, ReadsEverySortOfValue) {
  Farm farm;
  ASSERT_EQ(Mistakes(R"(
# a comment
name: "greenacre"
animals: [cow, 'pig']
open: true
acres: -5
gates: 65535
milking: 300ms
soil: sand
listen: "[::1]:80"
tractor: {maker: lanz}
fields:
  - crop: rye
    size: 3
  - {crop: oats, size: 10}
)",
                     &farm),
            "");
  EXPECT_EQ(farm.name, "greenacre");
  EXPECT_THAT(farm.animals, ElementsAre("cow", "pig"));
  EXPECT_TRUE(farm.open);
  EXPECT_EQ(farm.acres, -5);
  EXPECT_EQ(farm.gates, 65535);
  EXPECT_EQ(farm.milking, absl::Milliseconds(300));
  EXPECT_EQ(farm.soil, 2);
  EXPECT_EQ(farm.listen, (ListenAddress{.host = "::1", .port = 80}));
  EXPECT_EQ(farm.tractor, "lanz");
  EXPECT_THAT(farm.fields, ElementsAre("rye", "oats"));
}

TEST(StrictYamlTest, AbsentKeysKeepTheirDefaults) {
  Farm farm;
  ASSERT_EQ(Mistakes("{}", &farm), "");
  EXPECT_EQ(farm.name, "none");
  EXPECT_EQ(farm.acres, 7);
  EXPECT_EQ(farm.milking, absl::Hours(1));
}

TEST(StrictYamlTest, ReadsDurations) {
  const struct {
    const char* text;
    absl::Duration duration;
  } kCases[] = {
      {"100ms", absl::Milliseconds(100)}, {"5s", absl::Seconds(5)},
      {"90m", absl::Minutes(90)},         {"2h", absl::Hours(2)},
      {"30d", absl::Hours(24 * 30)},      {"0005s", absl::Seconds(5)},
      {"720h", absl::Hours(24 * 30)},     {"2592000s", absl::Hours(720)},
  };
  for (const auto& c : kCases) {
    Farm farm;
    EXPECT_EQ(Mistakes(absl::StrCat("milking: ", c.text), &farm), "");
    EXPECT_EQ(farm.milking, c.duration) << c.text;
  }
  for (const char* text : {"99ms", "31d", "721h", "0", "5", "s", "5 s", "5S", "1.5s", "-5s", "+5s",
                           "5s5", "1h30m", "inf", "1000000000ms", "99999999999999999999s"}) {
    Farm farm;
    EXPECT_EQ(Mistakes(absl::StrCat("milking: ", text), &farm),
              absl::StrCat("farm.yaml:1: milking: must be a duration from 100ms to 30d "
                           "(units ms, s, m, h, d), not \"",
                           text, "\""));
    EXPECT_EQ(farm.milking, absl::Hours(1));
  }
}

TEST(StrictYamlTest, ReadsZeroAsADurationWithoutUnit) {
  absl::Duration duration = absl::Hours(1);
  const absl::Status status = ReadYaml("every: 0", "f", [&](YamlMapping& root) {
    root.Duration("every", absl::ZeroDuration(), absl::Hours(1), duration);
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(duration, absl::ZeroDuration());
}

TEST(StrictYamlTest, ReadsIntegersToTheirBorders) {
  for (const char* text : {"-6", "101", "", "abc", "1.0", "1e2", "0x10", "+1", "1 0", "-", "--1",
                           "99999999999999999999"}) {
    EXPECT_EQ(Mistakes(absl::StrCat("acres: \"", text, "\"")),
              absl::StrCat("farm.yaml:1: acres: must be a whole number from -5 to 100, not \"",
                           text, "\""));
  }
  EXPECT_EQ(Mistakes("acres: 100"), "");
  EXPECT_EQ(Mistakes("acres: -5"), "");
}

TEST(StrictYamlTest, TellsEveryMistakeWithLineAndKey) {
  const struct {
    const char* yaml;
    const char* mistakes;
  } kCases[] = {
      {"nam: x", "farm.yaml:1: nam: unknown key; did you mean name?"},
      {"anmials: []", "farm.yaml:1: anmials: unknown key; did you mean animals?"},
      {"weather: wet", "farm.yaml:1: weather: unknown key"},
      {"pen: true", "farm.yaml:1: pen: unknown key; did you mean open?"},
      {"\"a\\nb\": 1", "farm.yaml:1: a\\nb: unknown key"},
      {"tractor: {}", "farm.yaml:1: tractor.maker: missing"},
      {"tractor:\n  maker: a\n  maker: b",
       "farm.yaml:3: tractor.maker: given twice, first in line 2"},
      {"name: a\nopen: true\nname: b", "farm.yaml:3: name: given twice, first in line 1"},
      {"name:", "farm.yaml:1: name: has no value: give it one or remove the key"},
      {"name: ~", "farm.yaml:1: name: has no value: give it one or remove the key"},
      {"animals:", "farm.yaml:1: animals: has no value: give it one or remove the key"},
      {"tractor:\n# maker: x", "farm.yaml:1: tractor: has no value: give it one or remove the key"},
      {"name: [a]", "farm.yaml:1: name: must be a plain value, not a list"},
      {"name: {a: b}", "farm.yaml:1: name: must be a plain value, not a mapping"},
      {"name: UP", "farm.yaml:1: name: only small letters"},
      {"animals: cow", "farm.yaml:1: animals: must be a list, not a plain value"},
      {"animals:\n- cow\n- PIG", "farm.yaml:3: animals[1]: only small letters"},
      {"animals:\n- [cow]\n-",
       "farm.yaml:2: animals[0]: must be a plain value, not a list\n"
       "farm.yaml:3: animals[1]: must be a plain value, not empty"},
      {"open: yes", "farm.yaml:1: open: must be one of true, false, not \"yes\""},
      {"soil: Clay", "farm.yaml:1: soil: must be one of clay, sand, not \"Clay\""},
      {"listen: 80",
       "farm.yaml:1: listen: must be host:port, such as 0.0.0.0:8080, [::]:8080 or localhost:0, "
       "not \"80\""},
      {"tractor: lanz", "farm.yaml:1: tractor: must be a mapping, not a plain value"},
      {"fields: {crop: rye}", "farm.yaml:1: fields: must be a list, not a mapping"},
      {"fields: [rye]", "farm.yaml:1: fields[0]: must be a mapping, not a plain value"},
      {"fields:\n- {crop: a, size: 4}\n- {crop: b, size: 5}\n",
       "farm.yaml:2: fields[0].size: four is right out\nfarm.yaml:3: fields[1]: no such field"},
      {"fields:\n- crop: a\n  sizee: 1\nname: 1\n",
       "farm.yaml:2: fields[0].size: missing\n"
       "farm.yaml:3: fields[0].sizee: unknown key; did you mean size?\n"
       "farm.yaml:4: name: only small letters"},
      {"soil: a\"\\b", "farm.yaml:1: soil: must be one of clay, sand, not \"a\\\"\\\\b\""},
      {"soil: \"a\\x01\"", "farm.yaml:1: soil: control characters are not allowed"},
      {"soil: \"a\\0\"", "farm.yaml:1: soil: control characters are not allowed"},
      {"animals:\n- cow\n- \"\\e[31m\"",
       "farm.yaml:3: animals[1]: control characters are not allowed"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Mistakes(c.yaml), c.mistakes) << c.yaml;
}

TEST(StrictYamlTest, RefusesWhatIsNotOfTheSubset) {
  const struct {
    std::string yaml;
    const char* mistakes;
  } kCases[] = {
      {"", "farm.yaml:1: the file has no settings"},
      {"# only a comment\n", "farm.yaml:1: the file has no settings"},
      {"---\n...\n", "farm.yaml:1: the file has no settings"},
      {"- a", "farm.yaml:1: must be a mapping, not a list"},
      {"a", "farm.yaml:1: must be a mapping, not a plain value"},
      {"name: &a x", "farm.yaml:1: anchors and aliases are not supported"},
      {"name: &a", "farm.yaml:1: anchors and aliases are not supported"},
      {"tractor: &a\n  maker: b", "farm.yaml:1: anchors and aliases are not supported"},
      {"name: *a", "farm.yaml:1: the referenced anchor is not defined"},
      {"name: !!str x", "farm.yaml:1: tags are not supported"},
      {"animals: !!set []", "farm.yaml:1: tags are not supported"},
      {"name: a\n---\nname: b", "farm.yaml:2: only one document is allowed"},
      {"? [a]\n: b", "farm.yaml:1: a key must be plain text"},
      {": b", "farm.yaml:1: a key is missing"},
      {"name: [a", "farm.yaml:1: end of sequence flow not found"},
      {"name: a\n\tb: c", "farm.yaml:2: illegal tab when looking for indentation"},
      {"name: \xFF", "farm.yaml:1: not UTF-8"},
      {"name: a\nopen: \x04true", "farm.yaml:2: control characters are not allowed"},
      {std::string("a\0b", 3), "farm.yaml:1: control characters are not allowed"},
      {"name: \x7F", "farm.yaml:1: control characters are not allowed"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Mistakes(c.yaml), c.mistakes) << c.yaml;
}

TEST(StrictYamlTest, TakesDosLineEndsAndAByteOrderMark) {
  EXPECT_EQ(Mistakes("\xEF\xBB\xBFname: a\r\nopen: true\r\n"), "");
}

TEST(StrictYamlTest, BoundsTheNesting) {
  const auto nested = [](int depth) {
    return absl::StrCat("weather: ", std::string(static_cast<size_t>(depth - 1), '['),
                        std::string(static_cast<size_t>(depth - 1), ']'));
  };
  EXPECT_EQ(Mistakes(nested(kMaxYamlDepth)), "farm.yaml:1: weather: unknown key");
  EXPECT_EQ(Mistakes(nested(kMaxYamlDepth + 1)), "farm.yaml:1: nested deeper than 32");
  for (const char* opening : {"[", "{", "- ", "? ", "{a: ", "[a: "}) {
    std::string yaml;
    for (int i = 0; i < 100'000; ++i) yaml += opening;
    EXPECT_NE(Mistakes(yaml), "") << opening;
  }
}

TEST(StrictYamlTest, BoundsTheSize) {
  std::string yaml = "name: a\n#";
  yaml.resize(kMaxYamlBytes, 'x');
  EXPECT_EQ(Mistakes(yaml), "");
  EXPECT_EQ(Mistakes(yaml + "x"), "farm.yaml:1: longer than 4194304 bytes");
}

TEST(StrictYamlTest, BoundsTheMistakesTold) {
  std::string yaml;
  for (size_t i = 0; i < kMaxYamlMistakes; ++i) absl::StrAppend(&yaml, "key", i, ": 1\n");
  const auto lines = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n') + 1;
  };
  EXPECT_EQ(lines(Mistakes(yaml)), 100);
  yaml += "more: 1\nand_more: 1\n";
  EXPECT_EQ(lines(Mistakes(yaml)), 101);
  EXPECT_THAT(Mistakes(yaml), testing::EndsWith("\nfarm.yaml: and 2 more mistakes"));
}

TEST(StrictYamlTest, SurvivesGarbage) {
  const std::string seed_text =
      "name: a\nanimals: [cow, \"p\\u0041g\"]\ntractor: {maker: |-\n  x}\nfields:\n - crop: >\n"
      "     y\n   size: 3\n - ? crop\n   : 'z'\n";
  std::mt19937 random(1);  // NOLINT: the same bytes each time are what is wanted
  const std::string signs = "[]{}:,-?|>&*!%@`'\"#\n\t \\~<=.0aZ\x04\xC3\xBF";
  for (int round = 0; round < 3000; ++round) {
    std::string yaml = round % 2 == 0 ? seed_text : std::string();
    const size_t edits = round % 2 == 0 ? 1 + random() % 8 : 1 + random() % 60;
    for (size_t i = 0; i < edits; ++i) {
      const size_t at = random() % (yaml.size() + 1);
      yaml.insert(
          at, 1, random() % 16 == 0 ? static_cast<char>(random()) : signs[random() % signs.size()]);
      if (random() % 4 == 0) yaml.erase(at / 2, random() % 4);
    }
    SCOPED_TRACE(yaml);
    Mistakes(yaml);  // no crash, no exception
  }
}

class StrictYamlFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              absl::StrCat("strict_yaml_", testing::UnitTest::GetInstance()->random_seed(), "_",
                           testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }

  std::string Write(const std::string& name, absl::string_view content) const {
    std::ofstream(Path(name), std::ios::binary) << content;
    return Path(name);
  }

  // The mistakes of the file at `path`; empty if there are none.
  std::string MistakesIn(const std::string& path) {
    return std::string(
        ReadYamlFile(path, [&](YamlMapping& root) { ReadFarm(root, farm_); }).message());
  }

  std::filesystem::path folder_;
  Farm farm_;
};

TEST_F(StrictYamlFileTest, ReadsSecretsFromFilesBesideIt) {
  Write("recipe", "sour dough\r\n\n");
  Write("map.txt", "");
  ASSERT_EQ(MistakesIn(Write("farm.yaml", "recipe_file: recipe\nmap_file: map.txt\n")), "");
  EXPECT_EQ(farm_.recipe.Reveal(), "sour dough");
  EXPECT_EQ(farm_.map, Path("map.txt"));
  ASSERT_EQ(MistakesIn(Write("farm.yaml", absl::StrCat("recipe_file: ", Path("recipe")))), "");
  EXPECT_EQ(farm_.recipe.Reveal(), "sour dough");
}

TEST_F(StrictYamlFileTest, TellsWhatIsWrongWithASecretFile) {
  Write("empty", "");
  Write("newline", "\n");
  Write("full", std::string(kMaxSecretFileBytes, 'x'));
  Write("too_long", std::string(kMaxSecretFileBytes + 1, 'x'));
  std::filesystem::create_directory(Path("folder"));
  const struct {
    std::string name;
    std::string mistake;
  } kCases[] = {
      {"absent", absl::StrCat("cannot read ", Path("absent"), ": No such file or directory")},
      {"empty", absl::StrCat(Path("empty"), " is empty")},
      {"newline", absl::StrCat(Path("newline"), " is empty")},
      {"folder", absl::StrCat("cannot read ", Path("folder"), ": not a regular file")},
      {"too_long", absl::StrCat("cannot read ", Path("too_long"), ": longer than 4096 bytes")},
  };
  for (const auto& c : kCases) {
    const std::string path = Write("farm.yaml", absl::StrCat("recipe_file: ", c.name));
    EXPECT_EQ(MistakesIn(path), absl::StrCat(path, ":1: recipe_file: ", c.mistake));
  }
  EXPECT_EQ(MistakesIn(Write("farm.yaml", "recipe_file: full")), "");
}

TEST_F(StrictYamlFileTest, TellsWhatIsWrongWithAFileItOnlyNames) {
  const std::string path = Write("farm.yaml", "map_file: absent");
  EXPECT_EQ(MistakesIn(path), absl::StrCat(path, ":1: map_file: cannot read ", Path("absent"),
                                           ": No such file or directory"));
}

TEST_F(StrictYamlFileTest, TellsWhatIsWrongWithTheFileItself) {
  EXPECT_EQ(MistakesIn(Path("absent.yaml")),
            absl::StrCat("cannot read ", Path("absent.yaml"), ": No such file or directory"));
  EXPECT_EQ(MistakesIn("/dev/zero"), "cannot read /dev/zero: not a regular file");
  const std::string path = Write("long.yaml", std::string(10 << 20, '#'));
  EXPECT_EQ(MistakesIn(path), absl::StrCat("cannot read ", path, ": longer than 4194304 bytes"));
}

}  // namespace
}  // namespace understudy::serving
