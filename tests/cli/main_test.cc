// The command line around its commands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/version.h"
#include "tests/testing/program.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

ProgramEnd Understudy(std::vector<std::string> words) {
  words.insert(words.begin(), UNDERSTUDY_BINARY);
  return RunProgram(words);
}

TEST(UnderstudyTest, ExplainsItself) {
  const std::vector<std::vector<std::string>> kCases = {
      {"--help"},      {"help"},         {"resolve", "--help"},
      {"check", "-h"}, {"health", "-h"}, {"demo", "--help"}};
  for (const auto& words : kCases) {
    const ProgramEnd end = Understudy(words);
    EXPECT_EQ(end.status, 0);
    EXPECT_THAT(end.out, StartsWith("Usage: understudy"));
    EXPECT_THAT(end.err, IsEmpty());
  }
  EXPECT_EQ(Understudy({"--version"}).out, std::string("understudy ") + kVersion + "\n");
}

TEST(UnderstudyTest, WrongUsageIsStatusTwoWithAReason) {
  const struct {
    std::vector<std::string> words;
    const char* reason;
  } kCases[] = {
      {{}, "Usage: understudy"},
      {{"reslove"}, "understudy: there is no command reslove; did you mean resolve?"},
      {{"frobnicate"}, "understudy: there is no command frobnicate\n"},
      {{"--verison"}, "understudy: there is no option --verison; did you mean --version?"},
      {{"resolve"}, "one of --number and --url"},
      {{"resolve", "--number", "+14155550199", "--url", "http://a/"}, "one of --number and --url"},
      {{"resolve", "http://a/"}, "a URL follows --url"},
      {{"resolve", "--number", "+14155550199", "--fallback-url", "http://a/"}, "goes with --url"},
      {{"resolve", "--url", "http://a/", "--local", "--router", "a:1"}, "--local asks no router"},
      {{"resolve", "--url", "http://a/", "--config", "x"}, "--config goes with --local"},
      {{"resolve", "--url", "http://a/", "--allow", "10.0.0.0/8"}, "--allow goes with --local"},
      {{"resolve", "--nubmer", "+1"}, "did you mean --number?"},
      {{"resolve", "--url", "http://a/", "--local", "--config", "/nonexistent"}, "/nonexistent"},
      {{"check"}, "takes a FILE, a URL or -"},
      {{"check", "a.xml", "ftp://a/"}, "ftp://a/: the URL does not begin with http"},
      {{"check", "http://u:p@"}, "http://: the URL names no host"},
      {{"check", "a.xml", "-", "b.xml", "-"}, "- is given twice"},
      {{"check", "--bin", "http://a/"}, "--bin is for files"},
      {{"check", "a.xml", "--method", "GET"}, "--method is for URLs"},
      {{"check", "--ca-file=x", "a.xml"}, "--ca-file is for URLs"},
      {{"check", "a.xml", "--json=yes"}, "--json takes no value"},
      {{"check", "http://a/", "--kind", "fax"}, "--kind: is voice or messaging"},
      {{"check", "http://a/", "--auth-token-file", "/nonexistent"}, "cannot read /nonexistent"},
      {{"health"}, "takes one HOST:PORT"},
      {{"health", "a:1", "b:2"}, "takes one HOST:PORT"},
      {{"health", "9090"}, "must be host:port"},
      {{"health", "a:1", "--timeout", "never"}, "--timeout: is a time"},
      {{"demo", "now"}, "takes no now"},
      {{"demo", "--router-binray", "x"}, "did you mean --router-binary?"},
  };
  for (const auto& c : kCases) {
    const ProgramEnd end = Understudy(c.words);
    EXPECT_EQ(end.status, 2) << end.err;
    EXPECT_THAT(end.err, HasSubstr(c.reason));
    EXPECT_THAT(end.out, IsEmpty());
  }
}

}  // namespace
}  // namespace understudy::testing
