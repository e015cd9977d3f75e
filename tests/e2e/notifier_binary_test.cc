// The notifier as a process: its options, signals, reload, and its end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/e2e/door_world.h"
#include "tests/notifier/mail/smtp_world.h"
#include "tests/testing/program.h"
#include "tests/testing/smtp_server.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
namespace v1 = notifier::v1;

constexpr absl::Duration kSoon = absl::Seconds(60);

twilio::Form VoiceForm(const std::string& call = "CA0123456789abcdef0123456789abcdef") {
  return {{"AccountSid", kNotifierAccount},
          {"CallSid", call},
          {"ErrorCode", "11200"},
          {"ErrorUrl", "https://www.example.com/voice"}};
}

ProgramEnd RunNotifier(std::vector<std::string> words) {
  words.insert(words.begin(), UNDERSTUDY_NOTIFIER_BINARY);
  return RunProgram(words);
}

TEST(NotifierBinaryTest, ChecksAConfiguration) {
  const ProgramEnd good = RunNotifier(
      {"--check-config", "--config", "tests/testdata/good_config_notifier/every_key.yaml"});
  EXPECT_EQ(good.status, 0);
  EXPECT_EQ(good.out,
            "tests/testdata/good_config_notifier/every_key.yaml: good: 2 accounts, 3 routes\n");
  const ProgramEnd bad = RunNotifier(
      {"--check-config", "--config", "tests/testdata/bad_config_notifier/mail_missing.yaml"});
  EXPECT_EQ(bad.status, 2);
  EXPECT_EQ(bad.err, "tests/testdata/bad_config_notifier/mail_missing.yaml:2: mail: missing\n");
  EXPECT_EQ(bad.out, "");
  EXPECT_EQ(RunNotifier({}).status, 2);
  EXPECT_EQ(RunNotifier({"--no-such-option"}).status, 2);
  EXPECT_THAT(RunNotifier({"--help"}).out, HasSubstr("--send-test-mail"));
  EXPECT_THAT(RunNotifier({"--version"}).out, HasSubstr("understudy-notifier "));
}

TEST(NotifierBinaryTest, AStoreHasOneNotifier) {
  DoorWorld world;
  const ProgramEnd second = RunNotifier({"--config", world.config_path()});
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.err, HasSubstr("another"));
  EXPECT_THAT(second.err, HasSubstr("notifier.db"));
  EXPECT_EQ(world.PostForm("/fallback", VoiceForm()).status, 200);
  EXPECT_EQ(world.Stop(), 0);
  world.Start();
}

TEST(NotifierBinaryTest, SaysWhyItCannotStart) {
  DoorWorld world;
  const TempDir dir;
  const std::string path = dir.Write(
      "notifier.yaml",
      absl::StrCat("http: {listen: \"127.0.0.1:", world.process().http_port(),
                   "\"}\nstore: {sqlite: n.db}\nmail: {from: a@example.com, directory: mail}\n"
                   "alerts: {routes: [{to: [a@example.com]}]}\n"));
  const ProgramEnd taken = RunNotifier({"--config", path});
  EXPECT_EQ(taken.status, 1);
  EXPECT_THAT(taken.err, HasSubstr(absl::StrCat(world.process().http_port())));
}

// A mail server that speaks TLS and wants credentials, and a configuration for it.
class TestMailTest : public ::testing::Test {
 protected:
  TestMailTest() {
    dir_.Write("password", "correct horse\n");
    dir_.Write("wrong", "battery staple\n");
  }

  ProgramEnd Send(const std::string& password_file, const std::string& ca_file) {
    const std::string path =
        dir_.Write("notifier.yaml",
                   absl::StrCat("store: {sqlite: n.db}\nalerts: {routes: [{to: [a@example.com]}]}\n"
                                "mail:\n  from: understudy@example.com\n  smtp:\n    url: ",
                                server_.url(), "\n    username: understudy\n    password_file: ",
                                password_file, "\n    ca_file: ", ca_file, "\n"));
    return RunNotifier({"--config", path, "--send-test-mail", "ops@example.com"});
  }

  TempDir dir_;
  SmtpServer server_{{.tls = TlsOptions{.certificate = GoodCertificate()},
                      .username = "understudy",
                      .password = "correct horse"}};
};

TEST_F(TestMailTest, ATestMailIsAccepted) {
  const ProgramEnd end = Send("password", TestCaFile());
  EXPECT_EQ(end.status, 0) << end.out << end.err;
  EXPECT_THAT(end.out, HasSubstr("Accepted: "));
  ASSERT_THAT(server_.mails(), SizeIs(1));
  EXPECT_EQ(server_.mails()[0].recipient, "ops@example.com");
}

TEST_F(TestMailTest, AWrongPasswordIsSaidAndNotShown) {
  const ProgramEnd end = Send("wrong", TestCaFile());
  EXPECT_EQ(end.status, 1);
  EXPECT_THAT(end.out, HasSubstr("Not sent (authentication)"));
  EXPECT_THAT(end.out + end.err, ::testing::Not(HasSubstr("battery")));
  EXPECT_THAT(server_.mails(), IsEmpty());
}

TEST_F(TestMailTest, AnUntrustedCertificateIsSaid) {
  const TestAuthority other;
  const ProgramEnd end = Send("password", other.WriteCaFile(dir_.path()));
  EXPECT_EQ(end.status, 1);
  EXPECT_THAT(end.out, HasSubstr("Not sent (certificate)"));
  EXPECT_THAT(server_.mails(), IsEmpty());
}

TEST_F(TestMailTest, WrongUsageIsSaid) {
  EXPECT_EQ(RunNotifier({"--send-test-mail", "ops@example.com"}).status, 2);
  EXPECT_EQ(RunNotifier({"--config", "x", "--send-test-mail"}).status, 2);
  EXPECT_EQ(RunNotifier({"--config", "absent", "--send-test-mail", "ops@example.com"}).status, 2);
  EXPECT_EQ(RunNotifier({"--config", "absent", "--send-test-mail=nobody"}).status, 2);
}

TEST(NotifierBinaryTest, ReadsItsConfigurationAgain) {
  NotifierYaml yaml;
  DoorWorld world(yaml);
  yaml.fallback = "fallback: {voice_text: Changed.}\n";
  yaml.alerts = "group_wait: 0, heartbeat: 0, routes: [{to: [new@example.com]}]";
  world.Rewrite(yaml);  // noticed without a signal
  ASSERT_TRUE(world.process().WaitForLog("configuration loaded"));
  EXPECT_THAT(world.PostForm("/fallback", VoiceForm()).body, HasSubstr("<Say>Changed.</Say>"));
  ASSERT_TRUE(world.WaitForMails(1));
  EXPECT_THAT(world.mails()[0], HasSubstr("To: new@example.com\r\n"));

  NotifierYaml bad = yaml;
  bad.alerts = "group_wait: 0, routes: []";
  bad.fallback = "fallback: {voice_text: Bad.}\n";
  world.Rewrite(bad);
  ASSERT_TRUE(world.process().WaitForLog("configuration refused"));
  EXPECT_THAT(world.PostForm("/fallback", VoiceForm("CA1")).body, HasSubstr("<Say>Changed.</Say>"));
  EXPECT_EQ(world.Metric("understudy_config_reloads_total{result=\"refused\"}"), 1);

  // Accounts, too: from now on signatures are asked for.
  yaml.accounts = SigningAccount();
  world.Rewrite(yaml);
  ASSERT_TRUE(world.process().WaitForLog("configuration loaded", 2));
  EXPECT_EQ(world.PostForm("/fallback", VoiceForm("CA2")).status, 400);
  world.process().Signal(SIGHUP);
  EXPECT_TRUE(world.process().WaitForLog("configuration loaded", 3));
  EXPECT_EQ(world.Metric("understudy_config_reloads_total{result=\"loaded\"}"), 3);
}

// What was acknowledged before a SIGTERM under load is there after it, and is told.
TEST(NotifierBinaryTest, SigtermUnderLoadLosesNothing) {
  NotifierYaml yaml;
  yaml.alerts =
      "group_wait: 1h, heartbeat: 0, recovered_after: 1d, routes: [{to: [ops@example.com]}]";
  DoorWorld world(yaml);
  std::atomic<bool> is_over = false;
  Mutex mutex;
  std::set<std::string> acknowledged;
  const auto size = [&] {
    MutexLock lock(mutex);
    return acknowledged.size();
  };
  std::vector<std::thread> senders;
  for (int sender = 0; sender < 4; ++sender) {
    senders.emplace_back([&, sender] {
      for (int i = 0; !is_over; ++i) {
        v1::ReportErrorEventsRequest request;
        for (int k = 0; k < 10; ++k) {
          v1::ErrorEvent* event = request.add_events();
          event->set_event_id(absl::StrCat(sender, "-", i, "-", k));
          event->set_account_sid(kNotifierAccount);
          event->set_kind(v1::KIND_VOICE);
          event->set_error_code(11200);
          event->set_error_url("https://www.example.com/");
        }
        grpc::ClientContext context;
        v1::ReportErrorEventsResponse response;
        if (!world.stub().ReportErrorEvents(&context, request, &response).ok()) continue;
        MutexLock lock(mutex);
        for (const v1::ErrorEvent& event : request.events()) acknowledged.insert(event.event_id());
      }
    });
  }
  EXPECT_TRUE(WaitFor([&] { return size() >= 1000; }, kSoon));
  const absl::Time begin = absl::Now();
  EXPECT_EQ(world.Stop(), 0);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
  is_over = true;
  for (std::thread& sender : senders) sender.join();

  yaml.alerts = "group_wait: 0, heartbeat: 0, routes: [{to: [ops@example.com]}]";
  world.Rewrite(yaml);
  world.Start();
  std::set<std::string> kept;
  v1::ListErrorEventsRequest request;
  request.set_page_size(200);
  do {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    v1::ListErrorEventsResponse page;
    ASSERT_TRUE(world.stub().ListErrorEvents(&context, request, &page).ok());
    for (const v1::ErrorEvent& event : page.events()) kept.insert(event.event_id());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  for (const std::string& id : acknowledged) EXPECT_TRUE(kept.contains(id)) << id;
  // One more makes the group due by the new rules.
  EXPECT_EQ(world.PostForm("/fallback", VoiceForm()).status, 200);
  EXPECT_TRUE(world.WaitForMails(1));
}

// A mail server that hangs does not hold up the end; its mail goes out after the restart.
TEST(NotifierBinaryTest, SigtermDoesNotWaitForAMailServerThatHangs) {
  SmtpServer server;
  server.On(SmtpStep::kMail, Script{}.Stall());
  DoorWorld world({.mail = absl::StrCat("smtp: {url: \"", server.url(), "\", starttls: \"off\"}")});
  EXPECT_EQ(world.PostForm("/fallback", VoiceForm()).status, 200);
  ASSERT_TRUE(WaitFor(
      [&] {
        for (const SmtpCommand& command : server.commands()) {
          if (command.line.substr(0, 4) == "MAIL") return true;
        }
        return false;
      },
      kSoon));
  const absl::Time begin = absl::Now();
  EXPECT_EQ(world.Stop(), 0);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
  EXPECT_THAT(
      world.LogLines("stopped while a mail was being sent: the next process sends it again", 1),
      SizeIs(1));
  server.On(SmtpStep::kMail, Script{});
  world.Start();
  EXPECT_TRUE(WaitFor([&] { return server.mails().size() == 1; }, kSoon));
}

TEST(NotifierBinaryTest, ASecondSigtermEndsItAtOnce) {
  SmtpServer server;
  server.On(SmtpStep::kMail, Script{}.Stall());
  DoorWorld world({.mail = absl::StrCat("smtp: {url: \"", server.url(), "\", starttls: \"off\"}")});
  EXPECT_EQ(world.PostForm("/fallback", VoiceForm()).status, 200);
  ASSERT_TRUE(WaitFor([&] { return server.connections() == 1; }, kSoon));
  world.process().Signal(SIGTERM);
  ASSERT_TRUE(world.process().WaitForLog("\"message\":\"stopping"));
  const absl::Time begin = absl::Now();
  world.process().Signal(SIGTERM);
  EXPECT_EQ(world.process().WaitForExit(), 1);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
  server.On(SmtpStep::kMail, Script{});
  world.Start();
  EXPECT_TRUE(WaitFor([&] { return server.mails().size() == 1; }, kSoon));
}

}  // namespace
}  // namespace understudy::testing
