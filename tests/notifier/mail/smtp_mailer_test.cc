// What the mailer does with a server that is well: connections, credentials, bytes, options.
#include "services/notifier/mail/smtp_mailer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/serving/monotonic_clock.h"
#include "services/notifier/mail/mime.h"
#include "tests/notifier/mail/smtp_world.h"
#include "tests/testing/closed_port.h"
#include "tests/testing/dns_server.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using notifier::BuildMail;
using notifier::OutgoingMail;
using notifier::SendReason;
using notifier::SendReasonName;
using notifier::SendResult;
using notifier::SendState;
using notifier::SmtpMailer;
using notifier::SmtpOptions;
using notifier::StartTls;
using serving::MonotonicNow;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr absl::Duration kSoon = absl::Seconds(10);
constexpr char kUsername[] = "understudy";
constexpr char kPassword[] = "correct horse battery";

std::string Repeated(absl::string_view piece, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all.append(piece.data(), piece.size());
  return all;
}

TEST(SmtpMailerTest, AMailArrivesAsItIs) {
  SmtpServer server;
  const SendResult result = MailerOf(PlainOptions(server.url()))->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kAccepted);
  EXPECT_EQ(result.reason, SendReason::kNone);
  EXPECT_FALSE(result.server_failed);
  EXPECT_EQ(result.detail, "");
  EXPECT_EQ(result.reply, "250 2.0.0 Ok: queued as 4F2A1");
  ASSERT_THAT(server.mails(), SizeIs(1));
  EXPECT_EQ(server.mails()[0].sender, kSender);
  EXPECT_EQ(server.mails()[0].recipient, kRecipient);
  EXPECT_EQ(server.mails()[0].bytes, TestMail().bytes);
  EXPECT_EQ(server.commands()[0].line, "EHLO notifier.test");
  // The size is told beforehand, so that a server can refuse it there.
  EXPECT_EQ(server.commands()[1].line,
            absl::StrCat("MAIL FROM:<", kSender, "> SIZE=", TestMail().bytes.size()));
}

TEST(SmtpMailerTest, TheNextMailUsesTheSameConnection) {
  SmtpServer server({.tls = TlsOptions{.certificate = GoodCertificate()}});
  const auto mailer = MailerOf(TlsOnlyOptions(server.url()));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(mailer->Send(TestMail(absl::StrCat("r", i, "@example.com"))).state,
              SendState::kAccepted);
  }
  EXPECT_EQ(server.connections(), 1);
  ASSERT_THAT(server.mails(), SizeIs(3));
  EXPECT_EQ(server.mails()[2].recipient, "r2@example.com");
  EXPECT_EQ(server.open_connections(), 1);
}

// Sends a mail every `pause` for 3 seconds; how many connections that takes.
int ConnectionsOf(SmtpOptions options, SmtpServer& server, absl::Duration pause) {
  options.url = server.url();
  const auto mailer = MailerOf(options);
  const absl::Time begin = MonotonicNow();
  while (MonotonicNow() - begin < absl::Seconds(3)) {
    EXPECT_EQ(mailer->Send(TestMail()).state, SendState::kAccepted);
    const absl::Time until = MonotonicNow() + pause;
    static_cast<void>(WaitFor([&] { return MonotonicNow() >= until; }, kSoon));
  }
  return server.connections();
}

TEST(SmtpMailerTest, AConnectionIsNotUsedAgainAfterLongIdling) {
  SmtpServer busy;
  SmtpServer idle;
  SmtpOptions options = PlainOptions("");
  options.max_connection_idle = absl::Seconds(1);
  EXPECT_EQ(ConnectionsOf(options, busy, absl::Milliseconds(100)), 1);
  EXPECT_EQ(ConnectionsOf(options, idle, absl::Milliseconds(2100)), 2);
}

TEST(SmtpMailerTest, AConnectionIsNotUsedAgainWhenItIsOld) {
  SmtpServer server;
  SmtpOptions options = PlainOptions("");
  options.max_connection_age = absl::Seconds(1);
  EXPECT_GE(ConnectionsOf(options, server, absl::Milliseconds(100)), 2);
}

TEST(SmtpMailerTest, SaysWhoItIs) {
  const struct {
    std::string helo_name;
    std::string line;
  } kCases[] = {
      {"notifier.example.com", "EHLO notifier.example.com"},
      {"[192.0.2.1]", "EHLO [192.0.2.1]"},
      {"[IPv6:2001:db8::1]", "EHLO [IPv6:2001:db8::1]"},
      {"", "EHLO "},  // and this machine's name
  };
  for (const auto& c : kCases) {
    SmtpServer server;
    SmtpOptions options = PlainOptions(server.url());
    options.helo_name = c.helo_name;
    EXPECT_EQ(MailerOf(options)->Send(TestMail()).state, SendState::kAccepted) << c.line;
    if (c.helo_name.empty()) {
      EXPECT_GT(server.commands()[0].line.size(), c.line.size());
    } else {
      EXPECT_EQ(server.commands()[0].line, c.line);
    }
  }
}

TEST(SmtpMailerTest, SaysQuitAtItsEnd) {
  SmtpServer server({.tls = TlsOptions{.certificate = GoodCertificate()}});
  MailerOf(TlsOnlyOptions(server.url()))->Send(TestMail());
  EXPECT_TRUE(WaitFor([&] { return server.open_connections() == 0; }, kSoon));
  EXPECT_EQ(server.verbs(0).back(), "QUIT");
}

// Neither at its end nor after a refusal does it wait for the reply to QUIT.
TEST(SmtpMailerTest, AServerThatIsSilentAtQuitHoldsUpNobody) {
  for (const char* const refusal : {"", "550 5.1.1 nobody\r\n"}) {
    SmtpServer server;
    server.On(SmtpStep::kQuit, Script{}.Stall());
    if (*refusal != '\0') server.On(SmtpStep::kRcpt, Script{}.Send(refusal));
    const absl::Time begin = MonotonicNow();
    MailerOf(PlainOptions(server.url()))->Send(TestMail());
    EXPECT_LE(MonotonicNow() - begin, absl::Seconds(2));
    EXPECT_TRUE(WaitFor([&] { return server.verbs(0).back() == "QUIT"; }, kSoon));
  }
}

TEST(SmtpMailerTest, M26_AConnectionThatTheServerHasClosed) {
  SmtpServer server;
  server.OnSequence(SmtpStep::kVerdict, {Script{}.Send("250 2.0.0 Ok\r\n").Close(), Script{}});
  const auto mailer = MailerOf(PlainOptions(server.url()));
  EXPECT_EQ(mailer->Send(TestMail()).state, SendState::kAccepted);
  EXPECT_EQ(mailer->Send(TestMail()).state, SendState::kAccepted);
  EXPECT_EQ(server.connections(), 2);
}

// All that can meet a mail on a kept connection that has had its day: it is sent anew at once, and
// arrives once.
TEST(SmtpMailerTest, M26_AConnectionThatEndsAsItIsUsedAgain) {
  const Script kEnds[] = {
      Script{}.Send("421 4.4.2 idle for too long\r\n").Close(),
      Script{}.Close(),
      Script{}.Reset(),
      Script{}.Stall(),
  };
  for (const Script& end : kEnds) {
    SmtpServer server;
    server.OnSequence(SmtpStep::kMail, {Script{}, end, Script{}});
    SmtpOptions options = PlainOptions(server.url());
    options.step_timeout = absl::Milliseconds(700);
    const auto mailer = MailerOf(options);
    EXPECT_EQ(mailer->Send(TestMail()).state, SendState::kAccepted);
    const SendResult again = mailer->Send(TestMail("second@example.com"));
    EXPECT_EQ(again.state, SendState::kAccepted) << again.detail;
    EXPECT_EQ(server.connections(), 2);
    ASSERT_THAT(server.mails(), SizeIs(2));
    EXPECT_EQ(server.mails()[1].recipient, "second@example.com");
  }
}

// Its last word was said before the next mail: that is not the reply to it.
TEST(SmtpMailerTest, M26_AConnectionWithAnUnreadGoodbye) {
  SmtpServer server;
  server.OnSequence(SmtpStep::kVerdict,
                    {Script{}.Send("250 2.0.0 Ok\r\n421 4.4.2 idle\r\n"), Script{}});
  const auto mailer = MailerOf(PlainOptions(server.url()));
  EXPECT_EQ(mailer->Send(TestMail()).state, SendState::kAccepted);
  EXPECT_EQ(mailer->Send(TestMail()).state, SendState::kAccepted);
  EXPECT_THAT(server.mails(), SizeIs(2));
}

// On a new connection the same ends are the server's fault, and one try is enough.
TEST(SmtpMailerTest, ANewConnectionIsNotTriedAgain) {
  SmtpServer server;
  server.On(SmtpStep::kMail, Script{}.Send("421 4.3.2 down\r\n").Close());
  EXPECT_EQ(MailerOf(PlainOptions(server.url()))->Send(TestMail()).state, SendState::kTemporary);
  EXPECT_EQ(server.connections(), 1);
}

TEST(SmtpMailerTest, M20_ALateVerdictIsNotTheNextMails) {
  SmtpServer server;
  server.OnSequence(SmtpStep::kVerdict,
                    {Script{}.Wait(absl::Seconds(3)).Send("250 2.0.0 late\r\n"), Script{}});
  server.OnSequence(SmtpStep::kRcpt, {Script{}, Script{}.Send("550 5.1.1 nobody\r\n")});
  SmtpOptions options = PlainOptions(server.url());
  options.total_timeout = absl::Seconds(1);
  const auto mailer = MailerOf(options);
  EXPECT_EQ(mailer->Send(TestMail()).state, SendState::kAmbiguous);
  const SendResult second = mailer->Send(TestMail("nobody@example.com"));
  EXPECT_EQ(second.state, SendState::kPermanent);
  EXPECT_STREQ(SendReasonName(second.reason), "recipient_refused");
  EXPECT_EQ(server.connections(), 2);
}

TEST(SmtpMailerTest, M14_OneBadRecipientIsNoConcernOfTheNext) {
  SmtpServer server;
  server.OnSequence(SmtpStep::kRcpt, {Script{}.Send("550 5.1.1 nobody\r\n"), Script{}});
  const auto mailer = MailerOf(PlainOptions(server.url()));
  EXPECT_EQ(mailer->Send(TestMail("bad@example.com")).state, SendState::kPermanent);
  EXPECT_EQ(mailer->Send(TestMail("good@example.com")).state, SendState::kAccepted);
  ASSERT_THAT(server.mails(), SizeIs(1));
  EXPECT_EQ(server.mails()[0].recipient, "good@example.com");
}

// Bytes.

// A dot at the beginning of a line, wherever it falls in the pieces that libcurl sends a mail in
// (64 KiB), and whatever stands around it.
TEST(SmtpMailerTest, M24_DotsAreStuffedWhereverTheyFall) {
  constexpr size_t kPiece = 65536;
  SmtpServer server;
  const auto mailer = MailerOf(PlainOptions(server.url()));
  std::vector<std::string> sent;
  for (size_t shift = 0; shift < 8; ++shift) {
    std::string bytes = "Subject: dots\r\n\r\n";
    while (bytes.size() < kPiece - 200) bytes += "An ordinary line of a mail.\r\n";
    bytes += Repeated("x", kPiece - 4 - shift - bytes.size());
    bytes += "\r\n.\r\n..\r\n.dot\r\n\r\n.\r\n";
    bytes += Repeated(".\r\n", kPiece / 3);
    bytes += "the end\r\n.\r\n";
    sent.push_back(bytes);
  }
  sent.emplace_back(".\r\n");
  sent.emplace_back(".first\r\n");
  sent.emplace_back("\r\n.\r\n");
  sent.emplace_back("no end of line");
  sent.emplace_back("ends in a dot\r\n.");
  for (const std::string& bytes : sent) {
    OutgoingMail mail = TestMail();
    mail.bytes = bytes;
    EXPECT_EQ(mailer->Send(mail).state, SendState::kAccepted);
  }
  ASSERT_THAT(server.mails(), SizeIs(sent.size()));
  for (size_t i = 0; i < sent.size(); ++i) {
    const bool ends_whole = sent[i].size() >= 2 && sent[i].substr(sent[i].size() - 2) == "\r\n";
    EXPECT_EQ(server.mails()[i].bytes, ends_whole ? sent[i] : sent[i] + "\r\n") << i;
  }
}

TEST(SmtpMailerTest, M24_WhatWeBuildSmugglesNothing) {
  SmtpServer server;
  const std::string kSmuggled[] = {
      "\r\n.\r\nMAIL FROM:<evil@example.com>\r\n",
      "\n.\nMAIL FROM:<evil@example.com>\n",
      "\r.\rMAIL FROM:<evil@example.com>\r",
      "\n.\r\nMAIL FROM:<evil@example.com>\r\n",
  };
  const auto mailer = MailerOf(PlainOptions(server.url()));
  for (const std::string& text : kSmuggled) {
    OutgoingMail mail = TestMail();
    mail.bytes = BuildMail({.from = {.name = text, .address = kSender},
                            .to = kRecipient,
                            .date = absl::UnixEpoch(),
                            .message_id = "a@b"},
                           {.subject = text, .text = text, .html = text});
    EXPECT_EQ(mailer->Send(mail).state, SendState::kAccepted);
    EXPECT_EQ(server.mails().back().bytes, mail.bytes);
  }
  EXPECT_THAT(server.mails(), SizeIs(std::size(kSmuggled)));
  for (const SmtpCommand& command : server.commands()) {
    EXPECT_THAT(command.line, Not(HasSubstr("evil")));
  }
}

TEST(SmtpMailerTest, M24_ARecipientThatIsACommandIsRefusedHere) {
  SmtpServer server;
  const auto mailer = MailerOf(PlainOptions(server.url()));
  for (const std::string recipient : {"a@b>\r\nRCPT TO:<evil@example.com", "a@b\nQUIT", "", "ops",
                                      "A <a@b>", "a b@c", "caf\xC3\xA9@example.com"}) {
    const SendResult result = mailer->Send(TestMail(recipient));
    EXPECT_EQ(result.state, SendState::kPermanent) << recipient;
    EXPECT_EQ(result.reason, SendReason::kRecipientRefused);
  }
  EXPECT_EQ(server.connections(), 0);
}

// Credentials.

class SmtpAuthTest : public ::testing::Test {
 protected:
  SmtpAuthTest() { folder_.Write("password", absl::StrCat(kPassword, "\n")); }

  SmtpServerOptions Server(std::string mechanisms = "PLAIN LOGIN") {
    return {.tls = TlsOptions{.certificate = GoodCertificate()},
            .username = kUsername,
            .password = kPassword,
            .mechanisms = std::move(mechanisms)};
  }
  SmtpOptions Options(const SmtpServer& server) {
    SmtpOptions options = TlsOnlyOptions(server.url());
    options.username = kUsername;
    options.password_file = folder_.path() + "/password";
    return options;
  }

  TempDir folder_;
};

TEST_F(SmtpAuthTest, EitherMechanismOverTls) {
  for (const char* const mechanisms :
       {"PLAIN LOGIN", "LOGIN PLAIN", "PLAIN", "LOGIN", "GSSAPI CRAM-MD5 XOAUTH2 LOGIN"}) {
    SmtpServer server(Server(mechanisms));
    const SendResult result = MailerOf(Options(server))->Send(TestMail());
    EXPECT_EQ(result.state, SendState::kAccepted) << mechanisms << ": " << result.detail;
    for (const SmtpCommand& command : server.commands()) {
      if (!command.is_over_tls) {
        EXPECT_THAT(command.line, ::testing::AnyOf("EHLO notifier.test", "STARTTLS"));
      }
    }
  }
}

TEST_F(SmtpAuthTest, M11_AWrongPasswordAndThenTheRightOne) {
  SmtpServer server(Server());
  const auto mailer = MailerOf(Options(server));
  folder_.Write("password", "wrong horse");
  const SendResult result = mailer->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_EQ(result.reason, SendReason::kAuthentication);
  EXPECT_TRUE(result.server_failed);
  EXPECT_EQ(result.reply, "535 5.7.8 Error: authentication failed");
  EXPECT_THAT(result.detail, HasSubstr("password_file"));
  // One try, of one mechanism.
  EXPECT_EQ(server.connections(), 1);
  EXPECT_THAT(server.verbs(0), Contains("AUTH").Times(1));

  folder_.Write("password", kPassword);
  EXPECT_EQ(mailer->Send(TestMail()).state, SendState::kAccepted);
}

TEST_F(SmtpAuthTest, M11_ANewPasswordIsANewConnection) {
  SmtpServer server(Server());
  const auto mailer = MailerOf(Options(server));
  EXPECT_EQ(mailer->Send(TestMail()).state, SendState::kAccepted);
  folder_.Write("password", "wrong horse");
  EXPECT_EQ(mailer->Send(TestMail()).reason, SendReason::kAuthentication);
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(SmtpAuthTest, M12_NotJustNow) {
  SmtpServer server(Server());
  server.On(SmtpStep::kAuth, Script{}.Send("454 4.7.0 Temporary authentication failure\r\n"));
  const SendResult result = MailerOf(Options(server))->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_STREQ(SendReasonName(result.reason), "rate_limited");
  EXPECT_TRUE(result.server_failed);
}

TEST_F(SmtpAuthTest, M3_SilentAtAuth) {
  for (const bool in_the_middle : {false, true}) {
    SmtpServer server(Server("PLAIN"));
    server.On(SmtpStep::kAuth,
              in_the_middle ? Script{}.Send("334 \r\n").AwaitBytes().Stall() : Script{}.Stall());
    const SendResult result = MailerOf(Impatient(Options(server)))->Send(TestMail());
    EXPECT_EQ(result.state, SendState::kTemporary);
    EXPECT_STREQ(SendReasonName(result.reason), "timeout");
    EXPECT_THAT(result.detail, HasSubstr("AUTH"));
  }
}

TEST_F(SmtpAuthTest, M11_NoMechanismThatWeSpeak) {
  SmtpServer server(Server("CRAM-MD5 GSSAPI"));
  const SendResult result = MailerOf(Options(server))->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_EQ(result.reason, SendReason::kAuthentication);
  EXPECT_THAT(result.detail, HasSubstr("PLAIN and LOGIN"));
}

// A server that wants credentials and is given none: the setting is at fault, not the mail.
TEST_F(SmtpAuthTest, M11_CredentialsAreMissing) {
  SmtpServer server;
  server.On(SmtpStep::kMail, Script{}.Send("530 5.7.0 Authentication required\r\n"));
  const SendResult result = MailerOf(PlainOptions(server.url()))->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_EQ(result.reason, SendReason::kAuthentication);
}

TEST_F(SmtpAuthTest, P9_APasswordFileThatIsEmptyOrGoneIsNotUsed) {
  SmtpServer server(Server());
  const auto mailer = MailerOf(Options(server));
  for (const char* const content : {"", "\n", "\r\n\n"}) {
    folder_.Write("password", content);
    const SendResult result = mailer->Send(TestMail());
    EXPECT_EQ(result.state, SendState::kTemporary);
    EXPECT_EQ(result.reason, SendReason::kAuthentication);
    EXPECT_TRUE(result.server_failed);
    EXPECT_THAT(result.detail, AllOf(HasSubstr(folder_.path()), HasSubstr("is empty")));
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(SmtpAuthTest, ThePasswordIsInNothingThatIsTold) {
  const std::string plain(
      absl::StrCat(absl::string_view("\0", 1), kUsername, absl::string_view("\0", 1), kPassword));
  const std::string kEchoes[] = {kPassword, absl::Base64Escape(kPassword),
                                 absl::Base64Escape(plain)};
  for (const std::string& echo : kEchoes) {
    SmtpServer server(Server());
    server.On(SmtpStep::kAuth, Script{}.Send(absl::StrCat("535 5.7.8 bad: ", echo, " !\r\n")));
    const SendResult result = MailerOf(Options(server))->Send(TestMail());
    EXPECT_EQ(result.reply, "535 5.7.8 bad: *** !");
    EXPECT_THAT(result.detail, Not(HasSubstr(echo)));
  }
}

TEST_F(SmtpAuthTest, InTheClearOnlyIfToldSo) {
  SmtpServerOptions clear = Server();
  clear.tls.reset();
  SmtpServer server(clear);
  SmtpOptions options = Options(server);
  for (const StartTls starttls : {StartTls::kOff, StartTls::kOpportunistic}) {
    options.starttls = starttls;
    options.allow_credentials_in_clear = false;
    EXPECT_THAT(std::string(SmtpMailer::Create(options).status().message()),
                HasSubstr("in the clear"));
    options.allow_credentials_in_clear = true;
    EXPECT_EQ(MailerOf(options)->Send(TestMail()).state, SendState::kAccepted);
  }
}

TEST(SmtpMailerTest, OpportunisticTakesWhatThereIs) {
  SmtpServer with({.tls = TlsOptions{.certificate = GoodCertificate()}});
  SmtpServer without;
  for (SmtpServer* const server : {&with, &without}) {
    SmtpOptions options = PlainOptions(server->url());
    options.starttls = StartTls::kOpportunistic;
    EXPECT_EQ(MailerOf(options)->Send(TestMail()).state, SendState::kAccepted);
    EXPECT_EQ(server->commands().back().is_over_tls, server == &with);
  }
}

// Names.

TEST(SmtpMailerTest, TriesTheAddressesInTurnAndRemembersTheOneThatWorks) {
  const ClosedPort refused("127.0.0.2");
  SmtpServer server;
  DnsServer names;
  names.On("mail.test", {.addresses = {"127.0.0.2", "127.0.0.1"}});
  SmtpOptions options = PlainOptions(server.url_for_host("mail.test"));
  options.dns_servers = {names.address()};
  const auto mailer = MailerOf(options);
  EXPECT_EQ(mailer->Send(TestMail()).state, SendState::kAccepted);
  EXPECT_EQ(mailer->Send(TestMail()).state, SendState::kAccepted);
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(names.queries("mail.test", DnsType::kA), 1);
}

TEST(SmtpMailerTest, AServerThatHasMovedIsLookedUpAnew) {
  auto old_home = std::make_unique<SmtpServer>();
  const int port = old_home->port();
  DnsServer names;
  names.On("mail.test", {.addresses = {"127.0.0.1"}});
  SmtpOptions options = PlainOptions(absl::StrCat("smtp://mail.test:", port));
  options.dns_servers = {names.address()};
  const auto mailer = MailerOf(options);
  EXPECT_EQ(mailer->Send(TestMail()).state, SendState::kAccepted);
  old_home.reset();
  names.On("mail.test", {.addresses = {"127.0.0.3"}});
  EXPECT_EQ(mailer->Send(TestMail()).reason, SendReason::kConnectFailed);
  EXPECT_EQ(mailer->Send(TestMail()).reason, SendReason::kConnectFailed);
  EXPECT_EQ(names.queries("mail.test", DnsType::kA), 2);
}

// Mail about the name servers must go out while they are down, also when the mail server was out of
// reach meanwhile.
TEST(SmtpMailerTest, M1_KnownAddressesServeWhileTheNameServersDoNot) {
  auto server = std::make_unique<SmtpServer>();
  const int port = server->port();
  auto names = std::make_unique<DnsServer>();
  names->On("mail.test", {.addresses = {"127.0.0.1"}});
  SmtpOptions options = PlainOptions(server->url_for_host("mail.test"));
  options.dns_servers = {names->address()};
  options.connect_timeout = absl::Seconds(1);
  const auto mailer = MailerOf(options);
  EXPECT_EQ(mailer->Send(TestMail()).state, SendState::kAccepted);
  server.reset();
  EXPECT_EQ(mailer->Send(TestMail()).reason, SendReason::kConnectFailed);
  names.reset();
  server = std::make_unique<SmtpServer>(SmtpServerOptions{.port = port});
  const SendResult result = mailer->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kAccepted) << result.detail;
}

// Options.

TEST(SmtpMailerTest, OptionsThatCannotWorkAreRefused) {
  const TempDir folder;
  const std::string no_certificate = folder.Write("ca.pem", "no certificate\n");
  const auto options = [](auto change) {
    SmtpOptions changed = TlsOnlyOptions("smtp://mail.test:587");
    change(changed);
    return changed;
  };
  const struct {
    SmtpOptions options;
    const char* why;  // empty: good
  } kCases[] = {
      {options([](SmtpOptions&) {}), ""},
      {options([](SmtpOptions& o) { o.url = "smtps://mail.test"; }), ""},
      {options([](SmtpOptions& o) { o.url = "smtp://[::1]:25"; }), ""},
      {options([](SmtpOptions& o) { o.url = "SMTP://mail.test:25/"; }), ""},
      {options([](SmtpOptions& o) { o.url = ""; }), "url must be"},
      {options([](SmtpOptions& o) { o.url = "mail.test:25"; }), "url must be"},
      {options([](SmtpOptions& o) { o.url = "http://mail.test"; }), "url must be"},
      {options([](SmtpOptions& o) { o.url = "smtp://"; }), "url must be"},
      {options([](SmtpOptions& o) { o.url = "smtp://mail.test:99999"; }), "url must be"},
      {options([](SmtpOptions& o) { o.url = "smtp://u:p@mail.test"; }), "url must be"},
      {options([](SmtpOptions& o) { o.url = "smtp://mail.test/helo"; }), "url must be"},
      {options([](SmtpOptions& o) { o.url = "smtp://mail.test?x"; }), "url must be"},
      {options([](SmtpOptions& o) { o.url = "smtp://mail.test#x"; }), "url must be"},
      {options([](SmtpOptions& o) { o.url = "smtp://mail test"; }), "url must be"},
      {options([](SmtpOptions& o) { o.url = "smtp://mail.test\r\nx"; }), "url must be"},
      {options([](SmtpOptions& o) {
         o.url =
             "smtp://b\xC3\xBC"
             "cher.test";
       }),
       "url must be"},
      {options([](SmtpOptions& o) { o.sender = ""; }), "sender"},
      {options([](SmtpOptions& o) { o.sender = "A <a@b>"; }), "sender"},
      {options([](SmtpOptions& o) { o.helo_name = ""; }), ""},
      {options([](SmtpOptions& o) { o.helo_name = "[192.0.2.1]"; }), ""},
      {options([](SmtpOptions& o) { o.helo_name = "a b"; }), "helo_name"},
      {options([](SmtpOptions& o) { o.helo_name = "a\r\nQUIT"; }), "helo_name"},
      {options([](SmtpOptions& o) { o.helo_name = std::string(255, 'a'); }), ""},
      {options([](SmtpOptions& o) { o.helo_name = std::string(256, 'a'); }), "helo_name"},
      {options([](SmtpOptions& o) { o.username = "u"; }), "password_file"},
      {options([](SmtpOptions& o) {
         o.username = "u\n";
         o.password_file = "p";
       }),
       "control characters"},
      {options([](SmtpOptions& o) {
         o.username = "u";
         o.password_file = "p";
       }),
       ""},
      {options([](SmtpOptions& o) { o.ca_file = "/no/such"; }), "/no/such"},
      {options([&](SmtpOptions& o) { o.ca_file = no_certificate; }), "holds no certificate"},
      {options([](SmtpOptions& o) {
         o.ca_file = "/no/such";
         o.starttls = StartTls::kOff;
       }),
       ""},
      {options([](SmtpOptions& o) { o.connect_timeout = absl::ZeroDuration(); }), "timeouts"},
      {options([](SmtpOptions& o) { o.step_timeout = -absl::Seconds(1); }), "timeouts"},
      {options([](SmtpOptions& o) {
         o.total_timeout = notifier::kSendTimeout - notifier::kSendOverrun;
       }),
       ""},
      {options([](SmtpOptions& o) {
         o.total_timeout = notifier::kSendTimeout - notifier::kSendOverrun + absl::Milliseconds(1);
       }),
       "timeouts"},
      {options([](SmtpOptions& o) { o.max_connection_idle = absl::Milliseconds(999); }),
       "a second"},
      {options([](SmtpOptions& o) { o.max_connection_age = absl::ZeroDuration(); }), "a second"},
  };
  for (const auto& c : kCases) {
    const absl::Status status = SmtpMailer::Create(c.options).status();
    EXPECT_EQ(status.ok(), *c.why == '\0') << c.options.url << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.why));
  }
}

TEST(SmtpMailerTest, ProxiesInTheEnvironmentAreNoneOfOurs) {
  SmtpServer server;
  setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  const SendResult result = MailerOf(PlainOptions(server.url()))->Send(TestMail());
  unsetenv("ALL_PROXY");
  EXPECT_EQ(result.state, SendState::kAccepted) << result.detail;
}

}  // namespace
}  // namespace understudy::testing
