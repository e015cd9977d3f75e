// `understudy numbers`, the real binary, on a router's database, and on that of a router that runs.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <understudy/cli/v1/import_report.pb.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "services/router/routes/numbers_store.h"
#include "tests/e2e/router_process.h"
#include "tests/testing/origin.h"
#include "tests/testing/program.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using router::IncomingPhoneNumber;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kOwner[] = "AC00000000000000000000000000000001";
constexpr char kOther[] = "AC00000000000000000000000000000002";
constexpr char kOne[] = "+14155550101";
constexpr char kTwo[] = "+14155550102";
constexpr char kConfigured[] = "+14155550199";

std::vector<std::string> LinesOf(const std::string& text) {
  return absl::StrSplit(text, '\n', absl::SkipEmpty());
}

class NumbersCommandTest : public ::testing::Test {
 protected:
  NumbersCommandTest() { WriteConfig({kOwner}); }

  void WriteConfig(const std::vector<std::string>& accounts, const std::string& more = "") {
    std::string text = "accounts:\n";
    for (const std::string& sid : accounts) absl::StrAppend(&text, "  - sid: ", sid, "\n");
    absl::StrAppend(&text, "numbers_database: numbers.db\nnumbers:\n  - phone_number: \"",
                    kConfigured, "\"\n    account_sid: ", kOwner,
                    "\n    voice: {url: \"https://www.example.com/file\"}\n"
                    "bins: {apology: {document_file: apology.xml}}\n",
                    more);
    folder_.Write("apology.xml", "<Response><Say>Sorry</Say></Response>");
    config_ = folder_.Write("router.yaml", text);
  }

  std::vector<std::string> Words(const std::vector<std::string>& words) {
    std::vector<std::string> all = {UNDERSTUDY_BINARY, "numbers"};
    all.insert(all.end(), words.begin(), words.end());
    all.insert(all.end(), {"--config", config_});
    return all;
  }
  ProgramEnd Numbers(const std::vector<std::string>& words) { return RunProgram(Words(words)); }
  // What goes well, and its output.
  std::string Done(const std::vector<std::string>& words) {
    const ProgramEnd end = Numbers(words);
    EXPECT_EQ(end.status, 0) << end.err;
    EXPECT_THAT(end.err, IsEmpty());
    return end.out;
  }
  // What does not, and why.
  std::string Refused(const std::vector<std::string>& words, int status = 1) {
    const ProgramEnd end = Numbers(words);
    EXPECT_EQ(end.status, status) << end.out;
    EXPECT_THAT(end.out, IsEmpty());
    return end.err;
  }
  std::string Write(const std::string& csv) { return folder_.Write("numbers.csv", csv); }

  // What is in the database, as its file says.
  std::vector<IncomingPhoneNumber> Stored() {
    auto store = router::NumbersStore::Open({.path = database()});
    EXPECT_TRUE(store.ok()) << store.status();
    std::vector<IncomingPhoneNumber> numbers;
    EXPECT_TRUE((*store)
                    ->ForEachNumber("",
                                    [&](const IncomingPhoneNumber& number) {
                                      numbers.push_back(number);
                                      return true;
                                    })
                    .ok());
    return numbers;
  }
  std::string database() const { return folder_.path() + "/numbers.db"; }

  TempDir folder_;
  std::string config_;
};

TEST_F(NumbersCommandTest, ANumberIsMadeChangedClearedAndRemoved) {
  EXPECT_THAT(Done({"set", "+1 (415) 555-0101", "voice_url=https://www.example.com/voice",
                    "voice_method=GET", "voice_fallback_url=bin:apology"}),
              HasSubstr("voice_fallback_url      bin:apology\n"));
  ASSERT_THAT(Stored(), SizeIs(1));
  IncomingPhoneNumber number = Stored()[0];
  EXPECT_EQ(number.phone_number, kOne);
  EXPECT_EQ(number.account_sid, kOwner);
  EXPECT_EQ(number.voice.url, "https://www.example.com/voice");
  EXPECT_EQ(number.voice.method, "GET");
  EXPECT_EQ(number.voice.fallback_url, "bin:apology");

  Done({"set", kOne, "VoiceFallbackUrl=", "sms_url=https://www.example.com/sms?a=b=c"});
  const IncomingPhoneNumber after = Stored()[0];
  EXPECT_EQ(after.sid, number.sid);
  EXPECT_EQ(after.voice.url, "https://www.example.com/voice");
  EXPECT_EQ(after.voice.fallback_url, "");
  EXPECT_EQ(after.sms.url, "https://www.example.com/sms?a=b=c");

  EXPECT_THAT(Done({"show", kOne}),
              HasSubstr("sms_url                 https://www.example.com/sms"));
  EXPECT_THAT(Done({"show", kOne, "--json"}), HasSubstr("\"voice_method\":\"GET\""));
  EXPECT_EQ(Done({"rm", kOne}), absl::StrCat("removed ", kOne, "\n"));
  EXPECT_THAT(Stored(), IsEmpty());
  for (const char* verb : {"show", "rm"}) {
    EXPECT_THAT(Refused({verb, kOne}), HasSubstr(absl::StrCat("there is no number ", kOne)));
  }
  EXPECT_THAT(Refused({"show", "14155550101"}), HasSubstr("numbers begin with +"));
}

TEST_F(NumbersCommandTest, WhatIsWrongIsSaidAndNothingIsChanged) {
  Done({"set", kOne, "voice_url=https://www.example.com/voice"});
  const std::vector<IncomingPhoneNumber> before = Stored();
  const std::string errors =
      Refused({"set", kOne, "voice_method=PUT", "voice_fallback_url=bin:nobody", "sms_url="});
  EXPECT_THAT(errors, HasSubstr("VoiceMethod must be GET or POST [21403]\n"));
  EXPECT_THAT(errors, HasSubstr("[21402]\n"));
  EXPECT_THAT(Refused({"set", "+1", "voice_url=https://a/"}), HasSubstr("[21421]"));
  EXPECT_THAT(Refused({"set", kOne, "voice_url=", "--account", kOther}), HasSubstr("[21471]"));
  EXPECT_THAT(Refused({"set", kOne, "voice_ulr=https://a/"}, 2), HasSubstr("mean voice_url?"));
  EXPECT_THAT(Refused({"set", kOne, "sid=x"}, 2), HasSubstr("no field sid that may be set"));
  EXPECT_THAT(Refused({"set", kOne, "voice_url"}, 2), HasSubstr("is not FIELD=VALUE"));
  EXPECT_THAT(Refused({"set", kOne, "sms_url=", "SmsUrl="}, 2), HasSubstr("SmsUrl is given twice"));
  EXPECT_EQ(Stored(), before);
}

TEST_F(NumbersCommandTest, NumbersOfTheConfigurationAreShownAndNotChanged) {
  Done({"set", kOne, "voice_url=https://www.example.com/voice"});
  const std::vector<std::string> lines = LinesOf(Done({"list"}));
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_THAT(lines[1], HasSubstr("https://www.example.com/voice"));
  EXPECT_THAT(lines[1], HasSubstr("  database  "));
  EXPECT_THAT(lines[2], StartsWith(kConfigured));
  EXPECT_THAT(lines[2], HasSubstr("  configuration  "));
  EXPECT_THAT(Done({"show", kConfigured}), HasSubstr("is of the configuration"));
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"set", kConfigured, "voice_url="}, {"rm", kConfigured}}) {
    EXPECT_THAT(Refused(words), HasSubstr("change it there, below numbers in router.yaml [20409]"));
  }
  const std::string csv = Write(absl::StrCat("phone_number\n", kTwo, "\n", kConfigured, "\n"));
  EXPECT_THAT(Refused({"import", csv}), HasSubstr(":3: phone_number: the number "));
  EXPECT_THAT(Stored(), SizeIs(1));
  EXPECT_THAT(Done({"export"}), Not(HasSubstr(kConfigured)));
}

TEST_F(NumbersCommandTest, ListsAreNarrowed) {
  WriteConfig({kOwner, kOther});
  EXPECT_THAT(Refused({"set", kOne, "voice_url="}), HasSubstr("--account says whose"));
  Done({"set", kOne, "voice_url=", "--account", kOwner});
  Done({"set", kTwo, "voice_url=", "--account", kOther});
  Done({"set", "+442079460123", "friendly_name=London", "--account", kOther});
  const auto list = [&](std::vector<std::string> options) {
    options.insert(options.begin(), "list");
    std::vector<std::string> numbers;
    for (const std::string& line : LinesOf(Done(options))) {
      if (line[0] == '+') numbers.push_back(line.substr(0, line.find(' ')));
    }
    return numbers;
  };
  EXPECT_THAT(list({}), ElementsAre(kOne, kTwo, "+442079460123", kConfigured));
  EXPECT_THAT(list({"--limit", "2"}), ElementsAre(kOne, kTwo));
  EXPECT_THAT(list({"--account", kOther}), ElementsAre(kTwo, "+442079460123"));
  EXPECT_THAT(list({"--number", "+1415*2"}), ElementsAre(kTwo));
  EXPECT_THAT(list({"--number", "0101"}), ElementsAre(kOne));
  EXPECT_EQ(Numbers({"list", "--number", "777"}).err, "no numbers\n");
  EXPECT_THAT(LinesOf(Done({"list", "--json"})), SizeIs(4));
  const std::string exported = Done({"export", "--account", kOther, "--number", "+44"});
  EXPECT_THAT(LinesOf(exported), SizeIs(2));
  EXPECT_THAT(exported, HasSubstr("London"));
}

TEST_F(NumbersCommandTest, ATerminalGetsATableThatFits) {
  Done({"set", kOne, "voice_url=https://www.example.com/voice"});
  RunningProgram narrow(Words({"list"}), Stdout::kTerminal, 40);
  EXPECT_EQ(narrow.WaitForExit(), 0);
  EXPECT_THAT(narrow.out(),
              HasSubstr(absl::StrCat("\x1b[1m", kOne, "\x1b[0m  https://www.example.com...\r\n")));
}

TEST_F(NumbersCommandTest, WhatIsExportedIsImported) {
  const std::string csv = Write(
      "\xEF\xBB\xBF"
      "VoiceUrl,phone_number,friendly_name,voice_fallback_url\r\n"
      "https://www.example.com/1,+14155550101,\"Shop, \"\"old\"\" and new\",bin:apology\r\n"
      "\r\n"
      ",+14155550102,,\r\n");
  EXPECT_THAT(Done({"import", csv}), StartsWith("imported 2 numbers in "));
  const std::vector<IncomingPhoneNumber> before = Stored();
  ASSERT_THAT(before, SizeIs(2));
  EXPECT_EQ(before[0].friendly_name, "Shop, \"old\" and new");
  EXPECT_EQ(before[0].voice.fallback_url, "bin:apology");
  EXPECT_EQ(before[1].friendly_name, "(415) 555-0102");

  const std::string exported = Done({"export"});
  EXPECT_THAT(exported, StartsWith("phone_number,sid,account_sid,friendly_name,"));
  EXPECT_THAT(exported, HasSubstr("\"Shop, \"\"old\"\" and new\""));
  EXPECT_THAT(Done({"import", Write(exported)}), EndsWith(": 0 new, 0 changed, 2 as they were\n"));
  EXPECT_EQ(Stored(), before);

  // Another database gets the same, sids and all.
  const std::string copy = folder_.path() + "/copy.db";
  const ProgramEnd piped =
      RunProgram({"/bin/sh", "-c",
                  absl::StrCat(UNDERSTUDY_BINARY, " numbers export --config ", config_, " | ",
                               UNDERSTUDY_BINARY, " numbers import - --database ", copy)});
  EXPECT_EQ(piped.status, 0) << piped.err;
  EXPECT_THAT(piped.out, HasSubstr(": 2 new, 0 changed, 0 as they were"));
  std::filesystem::rename(copy, database());
  const std::vector<IncomingPhoneNumber> copied = Stored();
  ASSERT_THAT(copied, SizeIs(2));
  EXPECT_EQ(copied[0].sid, before[0].sid);
  EXPECT_EQ(copied[0].friendly_name, before[0].friendly_name);

  // Columns that are not there leave their fields alone; empty ones clear them.
  Done({"import", Write("phone_number,voice_fallback_url\n+14155550101,\n")});
  EXPECT_EQ(Stored()[0].voice.url, "https://www.example.com/1");
  EXPECT_EQ(Stored()[0].voice.fallback_url, "");
}

TEST_F(NumbersCommandTest, EveryMistakeIsToldWithItsLineAndNothingIsKept) {
  Done({"set", kOne, "voice_url=https://www.example.com/voice"});
  const std::vector<IncomingPhoneNumber> before = Stored();
  const std::string csv = Write(
      "phone_number,voice_url,voice_method,friendly_name\n"
      "+14155550101,https://www.example.com/other,POST,good\n"
      "+14155550102,not a url,PUT,\"three mistakes\n"
      "on two lines\"\n"
      "+14155550103,https://a/\n"
      "4155550104,,,\n"
      "\n"
      "+14155550105,\"x\"y,,\n"
      "+14155550101,,,\n"
      "+14155550106,bin:nobody,,\n"
      "+14155550107,,,\xFF\n"
      "+14155550108,,,\"never closed\n");
  const ProgramEnd end = Numbers({"import", csv});
  EXPECT_EQ(end.status, 1);
  EXPECT_THAT(end.out, IsEmpty());
  const std::vector<std::string> lines = LinesOf(end.err);
  const std::vector<std::string> kExpected = {
      ":3: voice_url: ",
      ":3: voice_method: VoiceMethod must be GET or POST [21403]",
      ":3: friendly_name: ",
      ":5: has 2 fields; the first line has 4",
      ":6: phone_number: ",
      ":8: text stands behind a closing quote",
      ":9: phone_number: +14155550101 is on line 2 already",
      ":10: voice_url: ",
      ":11: friendly_name: ",
      ":12: a quote is opened and never closed",
      "understudy numbers: 10 mistakes: nothing was imported"};
  ASSERT_THAT(lines, SizeIs(kExpected.size())) << end.err;
  for (size_t i = 0; i < kExpected.size(); ++i) EXPECT_THAT(lines[i], HasSubstr(kExpected[i]));
  EXPECT_EQ(Stored(), before);

  const ProgramEnd json = Numbers({"import", csv, "--json"});
  EXPECT_EQ(json.status, 1);
  EXPECT_THAT(json.err, IsEmpty());
  std::vector<cli::v1::ImportLine> told;
  for (const std::string& line : LinesOf(json.out)) {
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(line, &told.emplace_back()).ok())
        << line;
  }
  ASSERT_THAT(told, SizeIs(11));
  EXPECT_EQ(told[1].mistake().line(), 3);
  EXPECT_EQ(told[1].mistake().field(), "voice_method");
  EXPECT_EQ(told[1].mistake().code(), 21403);
  EXPECT_EQ(told[10].report().mistakes(), 10);
  EXPECT_EQ(told[10].report().created(), 0);
  EXPECT_EQ(Stored(), before);
}

TEST_F(NumbersCommandTest, AFileWithoutItsFieldsIsRefused) {
  const struct {
    const char* csv;
    const char* said;
  } kCases[] = {
      {"", ":1: the file is empty"},
      {"\n\n", ":1: the file is empty"},
      {"phone_number,voice_ulr\n", ":1: voice_ulr: is no field of a number; is it voice_url?"},
      {"phone_number,voice_url,VoiceUrl\n", ":1: VoiceUrl: has two columns"},
      {"voice_url\n", ":1: phone_number: has no column"},
      {"\n\"phone_number\n", ":2: a quote is opened and never closed"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(Refused({"import", Write(c.csv)}), HasSubstr(c.said)) << c.csv;
  }
  WriteConfig({kOwner, kOther});
  EXPECT_THAT(Refused({"import", Write("phone_number\n+14155550101\n")}),
              HasSubstr(":1: account_sid: has no column, and --account"));
  EXPECT_THAT(Done({"import", Write("phone_number\n+14155550101\n"), "--account", kOther}),
              HasSubstr(": 1 new"));
  EXPECT_THAT(Refused({"import", Write(absl::StrCat("phone_number,account_sid\n+14155550101,",
                                                    kOwner, "\n"))}),
              HasSubstr("[21422]"))
      << "it is another account's";
  EXPECT_THAT(Refused({"import", folder_.path() + "/none.csv"}), HasSubstr("No such file"));
  EXPECT_THAT(Refused({"import", folder_.path()}), HasSubstr("Is a directory; nothing was"));
}

TEST_F(NumbersCommandTest, ATerminalSeesHowFarItIs) {
  std::string csv = "phone_number,voice_url\n";
  for (int i = 0; i < 20000; ++i) {
    absl::StrAppendFormat(&csv, "+1415555%04d%02d,https://www.example.com/%d\n", i / 100, i % 100,
                          i);
  }
  const std::string path = Write(csv);
  // A terminal for standard error alone: a shell lets us put it there.
  RunningProgram import({"/bin/sh", "-c",
                         absl::StrCat("exec ", UNDERSTUDY_BINARY, " numbers import ", path,
                                      " --config ", config_, " 2>&1 >/dev/null")},
                        Stdout::kTerminal);
  EXPECT_EQ(import.WaitForExit(), 0);
  EXPECT_THAT(import.out(), HasSubstr("\r["));
  EXPECT_THAT(import.out(), HasSubstr("lines, "));
  EXPECT_THAT(import.out(), EndsWith("\r\x1b[K")) << "nothing of it stays";
  EXPECT_THAT(Stored(), SizeIs(20000));
  // In a pipe there is none.
  EXPECT_THAT(Done({"import", path}), HasSubstr("20,000 as they were"));

  RunningProgram exported(Words({"export"}));
  ASSERT_TRUE(exported.Wait([&] { return !exported.out().empty(); }));
  exported.CloseOut();
  EXPECT_EQ(exported.WaitForExit(), 0);
  EXPECT_EQ(exported.err(), "");
}

TEST_F(NumbersCommandTest, ARunningRouterSeesAChange) {
  Origin web;
  web.On("/voice", Reply{.body = "<Response><Say>set</Say></Response>"});
  WriteConfig({kOwner},
              "grpc: {listen: 127.0.0.1:0}\nhttp: {listen: 127.0.0.1:0}\n"
              "admin: {listen: 127.0.0.1:0}\negress: {allow: [127.0.0.0/8]}\n");
  RouterProcess router(config_);
  ASSERT_TRUE(router.Ready());
  const auto resolve = [&] {
    return RunProgram({UNDERSTUDY_BINARY, "resolve", "--router",
                       absl::StrCat("127.0.0.1:", router.grpc_port()), "--number", kOne});
  };
  EXPECT_THAT(resolve().err, HasSubstr("NUMBER_NOT_FOUND"));
  Done({"set", kOne, absl::StrCat("voice_url=", web.url("/voice"))});
  EXPECT_TRUE(WaitFor([&] { return resolve().status == 0; }, absl::Seconds(30)));
  Done({"rm", kOne});
  EXPECT_TRUE(WaitFor([&] { return resolve().status == 1; }, absl::Seconds(30)));
  Done({"import",
        Write(absl::StrCat("phone_number,voice_url\n", kOne, ",", web.url("/voice"), "\n"))});
  EXPECT_TRUE(WaitFor([&] { return resolve().status == 0; }, absl::Seconds(30)));
}

TEST_F(NumbersCommandTest, ADatabaseThatIsNoneIsSaidToBeNone) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"list"}, {"show", kOne}, {"rm", kOne}, {"export"}}) {
    EXPECT_THAT(Refused(words), HasSubstr("numbers.db is not there; set and import make it"));
  }
  folder_.Write("numbers.db", std::string(5000, 'x'));
  EXPECT_THAT(Refused({"list"}), HasSubstr("numbers.db: "));
  folder_.Write("router.yaml", "accounts: []\n");
  EXPECT_THAT(Refused({"list"}, 2), HasSubstr("has no numbers_database"));
  folder_.Write("router.yaml", "acounts: []\n");
  EXPECT_THAT(Refused({"list"}, 2), HasSubstr("router.yaml:1: acounts"));
}

}  // namespace
}  // namespace understudy::testing
