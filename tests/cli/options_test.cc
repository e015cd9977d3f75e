#include "services/cli/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Given {
  bool json = false;
  std::string url = {};
  std::vector<std::string> params = {};
};

absl::StatusOr<std::vector<std::string>> Parse(Given& given,
                                               const std::vector<absl::string_view>& args) {
  const Option param = {.name = "--param", .repeats = true, .set = [&](absl::string_view value) {
                          if (value == "bad") return absl::InvalidArgumentError("is bad");
                          given.params.emplace_back(value);
                          return absl::OkStatus();
                        }};
  return ParseOptions(args, {Flag("--json", given.json), Text("--url", given.url), param});
}

TEST(OptionsTest, GivesEachOptionItsValueAndReturnsTheOtherWords) {
  Given given;
  const auto words = Parse(given, {"one", "--json", "--url", "http://a/?b=c", "--param=x=y",
                                   "--param", "--json", "-", "--", "--url", "two"});
  ASSERT_TRUE(words.ok()) << words.status();
  EXPECT_THAT(*words, ElementsAre("one", "-", "--url", "two"));
  EXPECT_TRUE(given.json);
  EXPECT_EQ(given.url, "http://a/?b=c");
  EXPECT_THAT(given.params, ElementsAre("x=y", "--json"));
}

TEST(OptionsTest, LeavesAloneWhatIsNotGiven) {
  Given given;
  const auto words = Parse(given, {});
  ASSERT_TRUE(words.ok());
  EXPECT_THAT(*words, IsEmpty());
  EXPECT_FALSE(given.json);
}

TEST(OptionsTest, SaysWhatIsWrong) {
  const struct {
    std::vector<absl::string_view> args;
    const char* message;
  } kCases[] = {
      {{"--ulr", "x"}, "there is no option --ulr; did you mean --url?"},
      {{"--param-file=x"}, "there is no option --param-file"},
      {{"-v"}, "there is no option -v"},
      {{"--hlep"}, "there is no option --hlep; did you mean --help?"},
      {{"--url"}, "--url needs a value"},
      {{"--url="}, "--url: is empty"},
      {{"--url", "x", "--url", "y"}, "--url is given twice"},
      {{"--json", "--json"}, "--json is given twice"},
      {{"--json=yes"}, "--json takes no value"},
      {{"--param", "bad"}, "--param: is bad"},
  };
  for (const auto& c : kCases) {
    Given given;
    EXPECT_EQ(Parse(given, c.args).status(), absl::InvalidArgumentError(c.message));
  }
}

TEST(OptionsTest, FindsNearMissesUpToTwoEdits) {
  const absl::string_view kNames[] = {"resolve", "check", "demo", "ab"};
  const struct {
    absl::string_view word;
    absl::string_view nearest;
  } kCases[] = {{"resolve", "resolve"}, {"reslove", "resolve"},
                {"resol", "resolve"},   {"reso", ""},
                {"chekc", "check"},     {"ckekc", "check"},
                {"ckkec", ""},          {"dmo", "demo"},
                {"dem0s", ""},          {"", ""},
                {"ab", "ab"},           {"ac", ""}};
  for (const auto& c : kCases) EXPECT_EQ(NearestName(c.word, kNames), c.nearest) << c.word;
}

}  // namespace
}  // namespace understudy::cli
