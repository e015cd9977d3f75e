// `understudy errors`, the real binary, against a real notifier.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <understudy/notifier/v1/notifier_service.pb.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/e2e/notifier_world.h"
#include "tests/testing/certificates.h"
#include "tests/testing/closed_port.h"
#include "tests/testing/origin.h"
#include "tests/testing/program.h"
#include "tests/testing/secret_mount.h"

namespace understudy::testing {
namespace {

namespace v1 = notifier::v1;
using google::protobuf::util::TimeUtil;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kOtherAccount[] = "AC00000000000000000000000000000002";

class ErrorsCommandTest : public ::testing::Test {
 protected:
  ErrorsCommandTest() { world_.Start(); }

  std::vector<std::string> Words(const std::vector<std::string>& options) {
    std::vector<std::string> words = {UNDERSTUDY_BINARY, "errors"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"--notifier", world_.grpc_address()});
    return words;
  }
  ProgramEnd Errors(const std::vector<std::string>& options) { return RunProgram(Words(options)); }

  // The ids of the events that `options` list.
  std::vector<std::string> Ids(std::vector<std::string> options) {
    options.insert(options.begin(), "list");
    options.emplace_back("--json");
    const ProgramEnd end = Errors(options);
    EXPECT_EQ(end.status, 0) << end.err;
    return IdsIn(end.out);
  }
  static std::vector<std::string> IdsIn(const std::string& lines) {
    std::vector<std::string> ids;
    for (const auto& line : absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
      v1::ErrorEvent event;
      EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(std::string(line), &event).ok())
          << line;
      ids.push_back(event.event_id());
    }
    return ids;
  }

  void Report(const std::vector<v1::ErrorEvent>& events) {
    ASSERT_TRUE(world_.caller().Report(events).ok());
  }
  // "e0" to "e<count - 1>", or more of them from `first` on.
  void ReportMany(int first, int count) {
    std::vector<v1::ErrorEvent> events;
    for (int i = first; i < first + count; ++i) {
      events.push_back(ReportedEvent(absl::StrCat("e", i), kWorldAccount));
      if (events.size() == 500 || i + 1 == first + count) {
        Report(events);
        events.clear();
      }
    }
  }

  NotifierWorld world_;
};

TEST_F(ErrorsCommandTest, ListsTheNewestFirstAndSaysWhatIsNot) {
  const ProgramEnd none = Errors({"list"});
  EXPECT_EQ(none.status, 0);
  EXPECT_THAT(none.out, IsEmpty());
  EXPECT_EQ(none.err, "no events\n");
  EXPECT_EQ(Errors({"list", "--json"}).err, "");

  ReportMany(0, 3);
  const ProgramEnd end = Errors({"list"});
  EXPECT_EQ(end.status, 0) << end.err;
  EXPECT_THAT(end.err, IsEmpty());
  EXPECT_THAT(end.out, Not(HasSubstr("\x1b"))) << "colour in a pipe";
  const std::vector<std::string> lines = absl::StrSplit(end.out, '\n');
  ASSERT_THAT(lines, SizeIs(5));
  EXPECT_THAT(lines[0], StartsWith("TIME (UTC)"));
  EXPECT_THAT(lines[1], HasSubstr("  e2  https://www.example.com/"));
  EXPECT_THAT(lines[3], HasSubstr("  e0  https://www.example.com/"));
  EXPECT_EQ(lines[0].find("URL"), lines[3].find("https"));
}

TEST_F(ErrorsCommandTest, ListsAreNarrowedByEveryFilter) {
  std::vector<v1::ErrorEvent> events(6, ReportedEvent("", kWorldAccount));
  for (size_t i = 0; i < events.size(); ++i) events[i].set_event_id(absl::StrCat("e", i));
  events[0].set_error_code(12100);
  events[1].set_error_url("https://other.example.com:8443/voice");
  events[2].set_phone_number("+14155550123");
  events[3].set_resource_sid("CA00000000000000000000000000000123");
  events[4].set_account_sid(kOtherAccount);
  *events[5].mutable_occurred_at() = TimeUtil::GetCurrentTime() - TimeUtil::HoursToDuration(3);
  Report(events);

  EXPECT_THAT(Ids({"--code", "12100"}), ElementsAre("e0"));
  EXPECT_THAT(Ids({"--host", "OTHER.example.com:8443"}), ElementsAre("e1"));
  EXPECT_THAT(Ids({"--number", "+14155550123"}), ElementsAre("e2"));
  EXPECT_THAT(Ids({"--call", "CA00000000000000000000000000000123"}), ElementsAre("e3"));
  EXPECT_THAT(Ids({"--account", kOtherAccount}), ElementsAre("e4"));
  EXPECT_THAT(Ids({"--group", "1"}), ElementsAre("e0"));
  EXPECT_THAT(Ids({"--since", "2h"}), ElementsAre("e4", "e3", "e2", "e1", "e0"));
  EXPECT_THAT(Ids({"--since", "4h", "--limit", "1"}), ElementsAre("e5"));
  const std::string hour_ago =
      TimeUtil::ToString(TimeUtil::GetCurrentTime() - TimeUtil::HoursToDuration(1));
  EXPECT_THAT(Ids({"--to", hour_ago}), ElementsAre("e5"));
  EXPECT_THAT(Ids({"--from", hour_ago, "--code", "12100"}), ElementsAre("e0"));
  EXPECT_THAT(Ids({"--code", "12100", "--account", kOtherAccount}), IsEmpty());
  EXPECT_THAT(Ids({"--limit", "0"}), IsEmpty());

  const ProgramEnd bad = Errors({"list", "--group", "x"});
  EXPECT_EQ(bad.status, 1);
  EXPECT_EQ(bad.err, "understudy errors: group_id is not one of ours\n");
}

TEST_F(ErrorsCommandTest, AllPagesAreListed) {
  ReportMany(0, 1001);
  const std::vector<std::string> all = Ids({"--limit", "all"});
  ASSERT_THAT(all, SizeIs(1001));
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], absl::StrCat("e", 1000 - i));
  EXPECT_THAT(Ids({}), SizeIs(50));
  EXPECT_THAT(Ids({"--limit", "399"}), SizeIs(399));
}

TEST_F(ErrorsCommandTest, GroupsAreListed) {
  v1::ErrorEvent other = ReportedEvent("o", kWorldAccount, "other.example.com");
  other.set_error_code(12100);
  other.set_outcome(v1::OUTCOME_DEFAULT_ANSWERED);
  Report({ReportedEvent("e1", kWorldAccount), ReportedEvent("e2", kWorldAccount), other});
  const ProgramEnd end = Errors({"groups"});
  EXPECT_EQ(end.status, 0) << end.err;
  const std::vector<std::string> lines = absl::StrSplit(end.out, '\n', absl::SkipEmpty());
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_THAT(lines[1], HasSubstr("open   12100       1         0        1      2  "
                                  "other.example.com  Document parse failure"));
  EXPECT_THAT(lines[2], HasSubstr("www.example.com"));

  const auto hosts = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"groups", "--json"});
    const ProgramEnd listed = Errors(options);
    EXPECT_EQ(listed.status, 0) << listed.err;
    std::vector<std::string> all;
    for (const auto& line : absl::StrSplit(listed.out, '\n', absl::SkipEmpty())) {
      v1::ErrorGroup group;
      EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(std::string(line), &group).ok());
      all.push_back(group.host());
    }
    return all;
  };
  EXPECT_THAT(hosts({}), ElementsAre("other.example.com", "www.example.com"));
  EXPECT_THAT(hosts({"--limit", "1"}), ElementsAre("other.example.com"));
  EXPECT_THAT(hosts({"--code", "11200"}), ElementsAre("www.example.com"));
  EXPECT_THAT(hosts({"--host", "other.example.com"}), ElementsAre("other.example.com"));
  EXPECT_THAT(hosts({"--group", "1"}), ElementsAre("www.example.com"));
  EXPECT_THAT(hosts({"--state", "recovered"}), IsEmpty());
  EXPECT_THAT(hosts({"--state", "open", "--since", "1h"}), SizeIs(2));
  EXPECT_THAT(hosts({"--to", "2026-01-01"}), IsEmpty());
  EXPECT_THAT(hosts({"--account", kOtherAccount}), IsEmpty());
  EXPECT_EQ(Errors({"groups", "--code", "1"}).err, "no groups\n");
}

TEST_F(ErrorsCommandTest, OneEventIsShownWithAllThatIsKnown) {
  v1::ErrorEvent event = ReportedEvent("one", kWorldAccount);
  event.set_resource_sid("CA00000000000000000000000000000123");
  event.set_detail("the web server answered 502\x1b[2J");
  Report({event, ReportedEvent("two", kWorldAccount)});
  const ProgramEnd end = Errors({"show", "one"});
  EXPECT_EQ(end.status, 0) << end.err;
  EXPECT_THAT(end.out, StartsWith("11200 "));
  for (const char* part : {"CA00000000000000000000000000000123", "1 (open, 2 events, the last at ",
                           "What to check", "docs/errors/11200"}) {
    EXPECT_THAT(end.out, HasSubstr(part));
  }
  EXPECT_THAT(end.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(IdsIn(Errors({"show", "two", "--json"}).out), ElementsAre("two"));

  const ProgramEnd none = Errors({"show", "three"});
  EXPECT_EQ(none.status, 1);
  EXPECT_THAT(none.err, HasSubstr("there is no event three"));
  EXPECT_THAT(none.out, IsEmpty());
}

TEST_F(ErrorsCommandTest, OnATerminalLinesFitAndHaveColor) {
  ReportMany(0, 2);
  RunningProgram narrow(Words({"list"}), Stdout::kTerminal, 60);
  EXPECT_EQ(narrow.WaitForExit(), 0);
  EXPECT_THAT(narrow.out(), HasSubstr("\x1b[31m11200\x1b[0m"));
  EXPECT_THAT(narrow.out(), HasSubstr("..."));
  EXPECT_THAT(narrow.out(), Not(HasSubstr("https://www.example.com/voice")));
  RunningProgram wide(Words({"list"}), Stdout::kTerminal, 200);
  EXPECT_EQ(wide.WaitForExit(), 0);
  EXPECT_THAT(wide.out(), HasSubstr("https://www.example.com/voice?step=1\r\n"));
  const ProgramEnd plain = RunProgram(Words({"list"}), Stdout::kTerminal, {"NO_COLOR=1"});
  EXPECT_THAT(plain.out, HasSubstr(" 11200  "));
  EXPECT_THAT(plain.out, Not(HasSubstr("\x1b")));
}

TEST_F(ErrorsCommandTest, TailShowsWhatThereIsAndThenWhatComes) {
  ReportMany(0, 12);
  RunningProgram tail(Words({"tail", "--json"}));
  ASSERT_TRUE(tail.WaitForOut("\"e11\""));
  EXPECT_THAT(IdsIn(tail.out()), SizeIs(10));
  EXPECT_EQ(IdsIn(tail.out()).front(), "e2");
  ReportMany(12, 1);
  ASSERT_TRUE(tail.WaitForOut("\"e12\""));
  ReportMany(13, 1000);  // more than a page at once
  ASSERT_TRUE(tail.WaitForOut("\"e1012\""));
  tail.Signal(SIGINT);
  EXPECT_EQ(tail.WaitForExit(), 0);
  EXPECT_EQ(tail.err(), "");
  const std::vector<std::string> ids = IdsIn(tail.out());
  ASSERT_THAT(ids, SizeIs(1011));
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], absl::StrCat("e", i + 2));
}

TEST_F(ErrorsCommandTest, TailIsNarrowedAndBeginsWhereAsked) {
  ReportMany(0, 300);
  RunningProgram none(Words({"tail", "--json", "--limit", "0", "--host", "other.example.com"}));
  RunningProgram most(Words({"tail", "--json", "--limit", "250"}));
  ASSERT_TRUE(most.WaitForOut("\"e299\""));
  EXPECT_THAT(IdsIn(most.out()), SizeIs(250));
  // Reported until it is seen: when tail has begun to look cannot be seen from outside.
  int others = 0;
  ASSERT_TRUE(none.Wait([&] {
    Report({ReportedEvent(absl::StrCat("other", others++), kWorldAccount, "other.example.com")});
    return !none.out().empty();
  }));
  EXPECT_THAT(none.out(), Not(HasSubstr("\"e2")));
  none.Signal(SIGTERM);
  EXPECT_EQ(none.WaitForExit(), 0);
}

TEST_F(ErrorsCommandTest, TailOutlivesItsNotifier) {
  ReportMany(0, 1);
  RunningProgram tail(Words({"tail", "--json"}));
  ASSERT_TRUE(tail.WaitForOut("\"e0\""));
  int next = 1;
  for (const bool is_killed : {true, false}) {
    ReportMany(next, 5);
    if (is_killed) {
      world_.Kill();
    } else {
      EXPECT_EQ(world_.Stop(), 0);
    }
    const int times = is_killed ? 1 : 2;
    const auto said = [&](absl::string_view what) {
      return tail.Wait([&] {
        const std::vector<absl::string_view> parts = absl::StrSplit(tail.err(), what);
        return static_cast<int>(parts.size()) == times + 1;
      });
    };
    EXPECT_TRUE(said("does not answer, trying again")) << tail.err();
    world_.Start();
    ReportMany(next + 5, 5);
    EXPECT_TRUE(said("the notifier is back")) << tail.err();
    next += 10;
    ASSERT_TRUE(tail.WaitForOut(absl::StrCat("\"e", next - 1, "\"")));
  }
  // Another database, as after a damaged one was put aside.
  EXPECT_EQ(world_.Stop(), 0);
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(absl::StrCat(world_.store(), suffix));
  }
  world_.Start();
  ReportMany(next, 1);
  ASSERT_TRUE(tail.WaitForOut(absl::StrCat("\"e", next, "\"")));
  EXPECT_THAT(tail.err(), HasSubstr("has begun a new database"));
  tail.Signal(SIGINT);
  EXPECT_EQ(tail.WaitForExit(), 0);
  const std::vector<std::string> ids = IdsIn(tail.out());
  ASSERT_THAT(ids, SizeIs(next + 1));
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], absl::StrCat("e", i));
}

TEST_F(ErrorsCommandTest, NobodyWhoReadsIsTheEnd) {
  ReportMany(0, 3);
  RunningProgram tail(Words({"tail"}));
  ASSERT_TRUE(tail.WaitForOut("e2"));
  tail.CloseOut();  // with nothing more to come
  EXPECT_EQ(tail.WaitForExit(), 0);
  EXPECT_EQ(tail.err(), "");

  ReportMany(3, 5000);  // more than fits a pipe
  RunningProgram list(Words({"list", "--limit", "all", "--json"}));
  ASSERT_TRUE(list.Wait([&] { return !list.out().empty(); }));
  list.CloseOut();
  EXPECT_EQ(list.WaitForExit(), 0);
  EXPECT_EQ(list.err(), "");
}

TEST_F(ErrorsCommandTest, AFullDiskIsAFailure) {
  ReportMany(0, 1);
  const ProgramEnd end = RunProgram({"/bin/sh", "-c",
                                     absl::StrCat(UNDERSTUDY_BINARY, " errors list --notifier ",
                                                  world_.grpc_address(), " > /dev/full")});
  EXPECT_EQ(end.status, 1);
  EXPECT_THAT(end.err, HasSubstr("cannot write to standard output: No space left on device"));
}

TEST(ErrorsCommandAloneTest, WithoutANotifierItSaysWhereItLookedAndWhatToStart) {
  const ClosedPort closed;
  const std::string address = absl::StrCat("127.0.0.1:", closed.port());
  for (const char* verb : {"list", "groups", "tail"}) {
    const ProgramEnd end = RunProgram({UNDERSTUDY_BINARY, "errors", verb, "--notifier", address});
    EXPECT_EQ(end.status, 1);
    EXPECT_THAT(end.err, HasSubstr(absl::StrCat("no notifier answers at ", address)));
    EXPECT_THAT(end.err, HasSubstr("understudy-notifier --config"));
    EXPECT_THAT(end.out, IsEmpty());
  }
}

TEST(ErrorsCommandAloneTest, ItWaitsNoLongerThanAskedAndStopsAtOnce) {
  Origin silent;
  silent.OnAccept(Script{}.Stall());
  const std::string address = absl::StrCat("127.0.0.1:", silent.port());
  const ProgramEnd end = RunProgram(
      {UNDERSTUDY_BINARY, "errors", "list", "--notifier", address, "--timeout", "200ms"});
  EXPECT_EQ(end.status, 1);
  EXPECT_THAT(end.err, HasSubstr("within 200ms (--timeout)"));
  RunningProgram tail(
      {UNDERSTUDY_BINARY, "errors", "tail", "--notifier", address, "--timeout", "10m"});
  ASSERT_TRUE(tail.Wait([&] { return silent.connections() > 1; }));
  tail.Signal(SIGINT);
  EXPECT_EQ(tail.WaitForExit(), 0);
}

TEST(ErrorsCommandAloneTest, OverTlsItShowsAndBelievesWhatItIsTold) {
  const TestAuthority authority;
  const SecretMount server(authority.Issue({.ip_addresses = {"127.0.0.1"}}), authority.ca_pem());
  const SecretMount client(authority.Issue({}), authority.ca_pem());
  const TempDir folder;
  const std::string config = folder.Write(
      "notifier.yaml",
      absl::StrCat("grpc:\n  listen: \"127.0.0.1:0\"\n  tls: {certificate_file: ",
                   server.Path("tls.crt"), ", key_file: ", server.Path("tls.key"),
                   ", client_ca_file: ", server.Path("ca.crt"), "}\n",
                   "http: {listen: \"127.0.0.1:0\"}\nadmin: {listen: \"127.0.0.1:0\"}\n"
                   "store: {sqlite: notifier.db}\n"
                   "mail: {from: u@example.com, directory: mail}\n"
                   "alerts: {routes: [{to: [ops@example.com]}]}\n"));
  NotifierProcess notifier(config);
  ASSERT_TRUE(notifier.Ready());
  const auto list = [&](const std::vector<std::string>& options) {
    std::vector<std::string> words = {UNDERSTUDY_BINARY, "errors", "list", "--notifier",
                                      absl::StrCat("127.0.0.1:", notifier.grpc_port())};
    words.insert(words.end(), options.begin(), options.end());
    return RunProgram(words);
  };
  const ProgramEnd good = list({"--tls-ca", client.Path("ca.crt"), "--tls-certificate",
                                client.Path("tls.crt"), "--tls-key", client.Path("tls.key")});
  EXPECT_EQ(good.status, 0) << good.err;
  const ProgramEnd plain = list({});
  EXPECT_EQ(plain.status, 1);
  EXPECT_THAT(plain.err, HasSubstr("a notifier that wants TLS, --tls-ca"));
  EXPECT_EQ(list({"--tls-ca", client.Path("absent")}).status, 2);
}

}  // namespace
}  // namespace understudy::testing
