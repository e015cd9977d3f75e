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
      {"--help"},       {"help"},           {"resolve", "--help"}, {"check", "-h"},
      {"health", "-h"}, {"demo", "--help"}, {"errors", "--help"},  {"numbers", "--help"}};
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
      {{"errors"}, "takes list, groups, show or tail"},
      {{"errors", "lst"}, "did you mean list?"},
      {{"errors", "show"}, "takes the ID of an event"},
      {{"errors", "show", "a", "b"}, "show takes no b"},
      {{"errors", "show", "a", "--code", "11200"}, "show takes an ID and no filters"},
      {{"errors", "list", "a"}, "list takes no a"},
      {{"errors", "list", "--state", "open"}, "--state is for groups"},
      {{"errors", "groups", "--call", "CA1"}, "--number and --call are for list and tail"},
      {{"errors", "groups", "--state", "shut"}, "--state: is open or recovered"},
      {{"errors", "tail", "--to", "2026-11-24"}, "--to is not for it"},
      {{"errors", "list", "--code", "0"}, "--code: is a number"},
      {{"errors", "list", "--since", "0s"}, "--since: is a time such as 30s"},
      {{"errors", "list", "--since", "2h", "--from", "2026-11-24"}, "one of the two"},
      {{"errors", "list", "--from", "2026-11-24", "--to", "2026-11-24 00:00"}, "not before --to"},
      {{"errors", "list", "--from", "yesterday"}, "--from: is a time such as 2026-11-24"},
      {{"errors", "list", "--limit", "-1"}, "--limit: is a number or"},
      {{"errors", "list", "--tls-key", "x"}, "go together"},
      {{"numbers"}, "takes list, show, set, rm, import or export"},
      {{"numbers", "remove"}, "not remove\n"},
      {{"numbers", "exprot"}, "did you mean export?"},
      {{"numbers", "list", "+1"}, "list takes no +1"},
      {{"numbers", "show"}, "show takes one NUMBER"},
      {{"numbers", "rm", "+1", "+2"}, "rm takes one NUMBER"},
      {{"numbers", "set", "+1"}, "set takes a NUMBER and what to set"},
      {{"numbers", "import"}, "import takes one FILE, or -"},
      {{"numbers", "list"}, "one of --config and --database"},
      {{"numbers", "list", "--config", "x", "--database", "y"}, "one of --config and --database"},
      {{"numbers", "list", "--database", "x", "--number", "abc"}, "--number: is digits"},
      {{"numbers", "show", "+1", "--database", "x", "--number", "1"}, "is for list and export"},
      {{"numbers", "export", "--database", "x", "--limit", "1"}, "--limit is for list"},
      {{"numbers", "rm", "+1", "--database", "x", "--json"}, "--json is for"},
      {{"numbers", "list", "--database", "x", "--account", "AC1"}, "--account: is AC and 32"},
      {{"numbers", "list", "--config", "/nonexistent"}, "/nonexistent"},
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
