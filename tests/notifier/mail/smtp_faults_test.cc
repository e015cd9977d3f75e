// Every way we know in which a mail server can fail us, by the rows of docs/mail.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/serving/monotonic_clock.h"
#include "services/notifier/mail/smtp_dialogue.h"
#include "tests/notifier/mail/smtp_world.h"
#include "tests/testing/black_hole.h"
#include "tests/testing/closed_port.h"
#include "tests/testing/dns_server.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using notifier::OutgoingMail;
using notifier::SendReason;
using notifier::SendReasonName;
using notifier::SendResult;
using notifier::SendState;
using notifier::SmtpOptions;
using notifier::StartTls;
using serving::MonotonicNow;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

constexpr absl::Duration kSoon = absl::Seconds(10);

std::string Repeated(absl::string_view piece, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all.append(piece.data(), piece.size());
  return all;
}

// A server without TLS, of which one step fails.
struct FaultRow {
  std::string id = {};  // of the table, and what it is about: the test's name
  SmtpStep step = SmtpStep::kGreeting;
  Script script = {};
  SendState state = SendState::kTemporary;
  SendReason reason = SendReason::kNone;
  bool server_failed = true;
  std::string reply = {};   // begins so
  std::string detail = {};  // is in it
  bool is_impatient = false;
  size_t mails = 0;  // that came in to their end
};

void PrintTo(const FaultRow& row, std::ostream* out) {
  *out << row.id;
}

inline constexpr auto kRowName = [](const auto& info) { return info.param.id; };

class SmtpFault : public ::testing::TestWithParam<FaultRow> {};

TEST_P(SmtpFault, IsAsTheTableSays) {
  const FaultRow& row = GetParam();
  SmtpServer server;
  server.On(row.step, row.script);
  SmtpOptions options = PlainOptions(server.url());
  if (row.is_impatient) options = Impatient(options);
  const auto mailer = MailerOf(options);

  const absl::Time begin = MonotonicNow();
  const SendResult result = mailer->Send(TestMail());
  EXPECT_LE(MonotonicNow() - begin, absl::Seconds(8));
  EXPECT_EQ(result.state, row.state) << result.detail;
  EXPECT_STREQ(SendReasonName(result.reason), SendReasonName(row.reason)) << result.detail;
  EXPECT_EQ(result.server_failed, row.server_failed) << result.detail;
  EXPECT_EQ(result.reply.substr(0, row.reply.size()), row.reply) << result.reply;
  EXPECT_THAT(result.detail, HasSubstr(row.detail));
  EXPECT_THAT(server.mails(), SizeIs(row.mails));

  // Whatever it was, the next mail is not the worse for it.
  server.On(row.step, Script());
  EXPECT_EQ(mailer->Send(TestMail("second@example.com")).state, SendState::kAccepted);
  ASSERT_THAT(server.mails(), SizeIs(row.mails + 1));
  EXPECT_EQ(server.mails().back().recipient, "second@example.com");
  EXPECT_EQ(server.mails().back().bytes, TestMail("second@example.com").bytes);
  // And is not sent where replies to the first may still come.
  EXPECT_THAT(server.verbs(0), Contains("MAIL").Times(Le(1)));
}

Script Say(std::string line) {
  return Script{}.Send(line + "\r\n");
}

INSTANTIATE_TEST_SUITE_P(
    All, SmtpFault,
    ::testing::Values(
        FaultRow{.id = "M3_SilentAtTheGreeting",
                 .step = SmtpStep::kGreeting,
                 .script = Script{}.Stall(),
                 .reason = SendReason::kTimeout,
                 .detail = "did not greet in time",
                 .is_impatient = true},
        FaultRow{.id = "M3_SilentAtEhlo",
                 .step = SmtpStep::kEhlo,
                 .script = Script{}.Stall(),
                 .reason = SendReason::kTimeout,
                 .reply = "220 ",
                 .detail = "EHLO",
                 .is_impatient = true},
        FaultRow{.id = "M3_SilentAtMail",
                 .step = SmtpStep::kMail,
                 .script = Script{}.Stall(),
                 .reason = SendReason::kTimeout,
                 .detail = "MAIL FROM",
                 .is_impatient = true},
        FaultRow{.id = "M3_SilentAtRcpt",
                 .step = SmtpStep::kRcpt,
                 .script = Script{}.Stall(),
                 .reason = SendReason::kTimeout,
                 .detail = "RCPT TO",
                 .is_impatient = true},
        FaultRow{.id = "M3_SilentAtData",
                 .step = SmtpStep::kData,
                 .script = Script{}.Stall(),
                 .reason = SendReason::kTimeout,
                 .detail = "DATA",
                 .is_impatient = true},
        FaultRow{.id = "M3_AReplyThatDrips",
                 .step = SmtpStep::kMail,
                 .script = Script{}.SendSlowly(Repeated("250-still thinking\r\n", 1000),
                                               absl::Milliseconds(5)),
                 .reason = SendReason::kTimeout,
                 .detail = "MAIL FROM",
                 .is_impatient = true},
        FaultRow{.id = "M4_BusyAtTheGreeting",
                 .step = SmtpStep::kGreeting,
                 .script = Say("421 4.3.2 too busy").Close(),
                 .reason = SendReason::kRateLimited,
                 .reply = "421 4.3.2 too busy"},
        FaultRow{.id = "M5_RefusedAtTheGreeting",
                 .step = SmtpStep::kGreeting,
                 .script = Say("554 5.7.1 your address is on a list"),
                 .reason = SendReason::kGreetingRefused,
                 .reply = "554 5.7.1 your address is on a list"},
        FaultRow{.id = "M13_SenderRefusedForNow",
                 .step = SmtpStep::kMail,
                 .script = Say("451 4.3.0 queue trouble"),
                 .reason = SendReason::kSenderRefused,
                 .reply = "451 4.3.0"},
        FaultRow{.id = "M13_SenderRefused",
                 .step = SmtpStep::kMail,
                 .script = Say("553 5.7.1 not your address"),
                 .state = SendState::kPermanent,
                 .reason = SendReason::kSenderRefused,
                 .reply = "553 5.7.1"},
        FaultRow{.id = "M15_Greylisted",
                 .step = SmtpStep::kRcpt,
                 .script = Say("450 4.2.0 Greylisted, see http://postgrey.example/"),
                 .reason = SendReason::kRateLimited,
                 .server_failed = false,
                 .reply = "450 4.2.0"},
        FaultRow{.id = "M15_RecipientRefusedForNow",
                 .step = SmtpStep::kRcpt,
                 .script = Say("450 4.2.1 mailbox busy"),
                 .reason = SendReason::kRecipientRefused,
                 .server_failed = false,
                 .reply = "450 4.2.1"},
        FaultRow{.id = "M16_RecipientRefused",
                 .step = SmtpStep::kRcpt,
                 .script = Say("550 5.1.1 nobody here"),
                 .state = SendState::kPermanent,
                 .reason = SendReason::kRecipientRefused,
                 .server_failed = false,
                 .reply = "550 5.1.1 nobody here",
                 .detail = kRecipient},
        FaultRow{.id = "M17_DataRefusedForNow",
                 .step = SmtpStep::kData,
                 .script = Say("451 4.3.0 local error"),
                 .reason = SendReason::kContentRefused,
                 .server_failed = false,
                 .reply = "451 4.3.0"},
        FaultRow{.id = "M17_NoRoom",
                 .step = SmtpStep::kData,
                 .script = Say("452 4.3.1 insufficient storage"),
                 .reason = SendReason::kContentRefused,
                 .server_failed = false,
                 .reply = "452 4.3.1"},
        FaultRow{.id = "M17_DataAnsweredOddly",
                 .step = SmtpStep::kData,
                 .script = Say("250 Ok"),
                 .reason = SendReason::kProtocol,
                 .reply = "250 Ok",
                 .detail = "DATA"},
        FaultRow{.id = "M18_VerdictForNow",
                 .step = SmtpStep::kVerdict,
                 .script = Say("451 4.3.0 try again"),
                 .reason = SendReason::kContentRefused,
                 .server_failed = false,
                 .reply = "451 4.3.0",
                 .mails = 1},
        FaultRow{.id = "M18_VerdictNo",
                 .step = SmtpStep::kVerdict,
                 .script = Say("554 5.6.0 looks like spam"),
                 .state = SendState::kPermanent,
                 .reason = SendReason::kContentRefused,
                 .server_failed = false,
                 .reply = "554 5.6.0 looks like spam",
                 .mails = 1},
        FaultRow{.id = "M19_ClosedAtEhlo",
                 .step = SmtpStep::kEhlo,
                 .script = Script{}.Close(),
                 .reason = SendReason::kConnectionLost,
                 .reply = "220 "},
        FaultRow{.id = "M19_ResetAtRcpt",
                 .step = SmtpStep::kRcpt,
                 .script = Script{}.Reset(),
                 .reason = SendReason::kConnectionLost,
                 .detail = "RCPT TO"},
        FaultRow{.id = "M19_ClosedAtData",
                 .step = SmtpStep::kData,
                 .script = Script{}.Close(),
                 .reason = SendReason::kConnectionLost,
                 .detail = "DATA"},
        FaultRow{.id = "M20_ClosedAfterTheDot",
                 .step = SmtpStep::kVerdict,
                 .script = Script{}.Close(),
                 .state = SendState::kAmbiguous,
                 .reason = SendReason::kConnectionLost,
                 .detail = "may arrive twice",
                 .mails = 1},
        FaultRow{.id = "M20_ResetAfterTheDot",
                 .step = SmtpStep::kVerdict,
                 .script = Script{}.Reset(),
                 .state = SendState::kAmbiguous,
                 .reason = SendReason::kConnectionLost,
                 .mails = 1},
        FaultRow{.id = "M20_SilentAfterTheDot",
                 .step = SmtpStep::kVerdict,
                 .script = Script{}.Stall(),
                 .state = SendState::kAmbiguous,
                 .reason = SendReason::kTimeout,
                 .detail = "may arrive twice",
                 .is_impatient = true,
                 .mails = 1},
        FaultRow{.id = "M20_HalfAVerdict",
                 .step = SmtpStep::kVerdict,
                 .script = Say("250-queued").Close(),
                 .state = SendState::kAmbiguous,
                 .reason = SendReason::kConnectionLost,
                 .reply = "250-queued",
                 .mails = 1},
        FaultRow{.id = "M20_AVerdictThatIsNone",
                 .step = SmtpStep::kVerdict,
                 .script = Say("354 go on"),
                 .state = SendState::kAmbiguous,
                 .reason = SendReason::kProtocol,
                 .reply = "354 go on",
                 .mails = 1},
        FaultRow{.id = "M21_ClosedAfterYes",
                 .step = SmtpStep::kVerdict,
                 .script = Say("250 2.0.0 queued as 7").Close(),
                 .state = SendState::kAccepted,
                 .server_failed = false,
                 .reply = "250 2.0.0 queued as 7",
                 .mails = 1},
        FaultRow{.id = "M21_AnotherYes",
                 .step = SmtpStep::kVerdict,
                 .script = Say("252 taken"),
                 .state = SendState::kAccepted,
                 .server_failed = false,
                 .reply = "252 taken",
                 .mails = 1},
        FaultRow{.id = "M22_TooLargeAtMail",
                 .step = SmtpStep::kMail,
                 .script = Say("552 5.3.4 message size exceeds fixed limit"),
                 .state = SendState::kPermanent,
                 .reason = SendReason::kTooLarge,
                 .server_failed = false,
                 .reply = "552 5.3.4"},
        FaultRow{.id = "M22_TooLargeAtTheEnd",
                 .step = SmtpStep::kVerdict,
                 .script = Say("552 too much mail data"),
                 .state = SendState::kPermanent,
                 .reason = SendReason::kTooLarge,
                 .server_failed = false,
                 .mails = 1},
        FaultRow{.id = "M22_AFullMailboxIsNoSize",
                 .step = SmtpStep::kRcpt,
                 .script = Say("552 5.2.2 mailbox full"),
                 .state = SendState::kPermanent,
                 .reason = SendReason::kRecipientRefused,
                 .server_failed = false},
        FaultRow{.id = "M23_AReplyWithoutEnd",
                 .step = SmtpStep::kMail,
                 .script = Script{}.Send("250 ").SendEndlessly(Repeated("x", 4096)),
                 .reason = SendReason::kProtocol,
                 .detail = "MAIL FROM"},
        FaultRow{.id = "M23_LinesWithoutEnd",
                 .step = SmtpStep::kRcpt,
                 .script = Script{}.SendEndlessly("250-more\r\n"),
                 .reason = SendReason::kProtocol,
                 .reply = "250-more / more / "},
        FaultRow{.id = "M23_AVerdictWithoutEnd",
                 .step = SmtpStep::kVerdict,
                 .script = Script{}.SendEndlessly(Repeated("x", 4096)),
                 .state = SendState::kAmbiguous,
                 .reason = SendReason::kProtocol,
                 .mails = 1},
        FaultRow{.id = "M23_AMegabyteOfReply",
                 .step = SmtpStep::kGreeting,
                 .script = Script{}.Send("220 " + Repeated("x", 1 << 20) + "\r\n"),
                 .reason = SendReason::kProtocol},
        FaultRow{.id = "M23_NoSmtpAtAll",
                 .step = SmtpStep::kGreeting,
                 .script = Say("SSH-2.0-OpenSSH_9.2").Stall(),
                 .reason = SendReason::kTimeout,
                 .reply = "SSH-2.0-OpenSSH_9.2",
                 .is_impatient = true},
        FaultRow{.id = "M23_ACodeWithoutText",
                 .step = SmtpStep::kRcpt,
                 .script = Say("550"),
                 .state = SendState::kPermanent,
                 .reason = SendReason::kRecipientRefused,
                 .server_failed = false,
                 .reply = "550"},
        FaultRow{.id = "M25_RateLimited",
                 .step = SmtpStep::kMail,
                 .script = Say("450 4.7.1 Error: too much mail from 192.0.2.1"),
                 .reason = SendReason::kRateLimited,
                 .reply = "450 4.7.1"},
        FaultRow{.id = "M25_RateLimitedAtTheEnd",
                 .step = SmtpStep::kVerdict,
                 .script = Say("421 4.7.0 Try again later, closing connection").Close(),
                 .reason = SendReason::kRateLimited,
                 .reply = "421 4.7.0",
                 .mails = 1}),
    kRowName);

// Replies that are odd and good.
struct OddReply {
  std::string id = {};
  SmtpStep step = SmtpStep::kGreeting;
  std::string bytes = {};
  std::string reply = "250 2.0.0 Ok: queued as 4F2A1";
};

void PrintTo(const OddReply& row, std::ostream* out) {
  *out << row.id;
}

class SmtpOddReply : public ::testing::TestWithParam<OddReply> {};

TEST_P(SmtpOddReply, IsTaken) {
  SmtpServer server;
  server.On(GetParam().step, Script{}.Send(GetParam().bytes));
  const SendResult result = MailerOf(PlainOptions(server.url()))->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kAccepted) << result.detail;
  EXPECT_EQ(result.reply, GetParam().reply);
  EXPECT_THAT(server.mails(), SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(
    All, SmtpOddReply,
    ::testing::Values(
        OddReply{.id = "M23_ManyLines",
                 .step = SmtpStep::kGreeting,
                 .bytes = "220-first\r\n220-second\r\n220 last\r\n"},
        OddReply{.id = "M23_BareLineFeeds", .step = SmtpStep::kMail, .bytes = "250-a\n250 b\n"},
        OddReply{.id = "M23_CodesAlone", .step = SmtpStep::kRcpt, .bytes = "250-\r\n250\r\n"},
        OddReply{.id = "M23_ALongLine",
                 .step = SmtpStep::kRcpt,
                 .bytes = "250 " + Repeated("x", 100000) + "\r\n"},
        OddReply{.id = "M23_NotUtf8",
                 .step = SmtpStep::kVerdict,
                 .bytes = "250-ta\xFFken\r\n250 as \x1B[31m7\r\n",
                 .reply = "250-ta\xEF\xBF\xBDken / as \\x1B[31m7"},
        OddReply{.id = "M23_KeptShort",
                 .step = SmtpStep::kVerdict,
                 .bytes = "250 " + Repeated("x", 600) + "\r\n",
                 .reply = "250 " + Repeated("x", notifier::kMaxReplyBytes - 4)}),
    kRowName);

// A mail too large for the buffers on the way, so that it matters when the server stops reading.
const OutgoingMail& LargeMail() {
  static const auto* const mail = [] {
    auto* large = new OutgoingMail(TestMail());
    large->bytes += Repeated("A line that fills the buffers of both sides, and more.\r\n", 100000);
    return large;
  }();
  return *mail;
}

SmtpServerOptions SmallBuffer() {
  return {.receive_buffer_bytes = 4096};
}

TEST(SmtpBodyFault, M3_SilentInTheMiddle) {
  SmtpServer server(SmallBuffer());
  // Silent for longer than the mailer waits; then it reads on, to see what was sent meanwhile.
  server.OnBody(10000, Script{}.Wait(absl::Seconds(5)));
  const auto mailer = MailerOf(Impatient(PlainOptions(server.url())));
  const OutgoingMail& mail = LargeMail();
  const absl::Time begin = MonotonicNow();
  const SendResult result = mailer->Send(mail);
  EXPECT_LE(MonotonicNow() - begin, absl::Milliseconds(4900));
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_EQ(result.reason, SendReason::kTimeout);
  EXPECT_THAT(result.detail, HasSubstr("the mail's bytes"));
  // No dot came behind the half: that would have been a mail.
  EXPECT_TRUE(WaitFor([&] { return server.open_connections() == 0; }, kSoon));
  EXPECT_THAT(server.mails(), IsEmpty());
}

TEST(SmtpBodyFault, M19_GoneInTheMiddle) {
  SmtpServer server(SmallBuffer());
  server.OnBody(10000, Script{}.Reset());
  const SendResult result = MailerOf(PlainOptions(server.url()))->Send(LargeMail());
  EXPECT_EQ(result.state, SendState::kTemporary) << result.detail;
  EXPECT_EQ(result.reason, SendReason::kConnectionLost);
  EXPECT_THAT(result.detail, HasSubstr("before the mail was sent to its end"));
}

// It says no more and reads all of it: nobody can tell that it does not keep it.
TEST(SmtpBodyFault, M20_HungUpAndReadOn) {
  SmtpServer server(SmallBuffer());
  server.OnBody(10000, Script{}.Close());
  const SendResult result = MailerOf(PlainOptions(server.url()))->Send(LargeMail());
  EXPECT_EQ(result.state, SendState::kAmbiguous) << result.detail;
}

// A mail that takes longer than a step may is fine as long as it moves.
TEST(SmtpBodyFault, M3_SlowIsNotSilent) {
  SmtpServer server(SmallBuffer());
  SmtpOptions options = PlainOptions(server.url());
  options.step_timeout = absl::Milliseconds(700);
  // The verdict is no step of that kind: it may take what is left of the whole.
  server.On(SmtpStep::kVerdict, Script{}.Wait(absl::Milliseconds(1500)).Send("250 Ok\r\n"));
  OutgoingMail mail = TestMail();
  mail.bytes += Repeated("A line of a mail that is taken in small bites.\r\n", 10000);
  const SendResult result = MailerOf(options)->Send(mail);
  EXPECT_EQ(result.state, SendState::kAccepted) << result.detail;
  ASSERT_THAT(server.mails(), SizeIs(1));
  EXPECT_EQ(server.mails()[0].bytes, mail.bytes);
}

TEST(SmtpFaultM1, TheHostDoesNotExist) {
  DnsServer names;
  SmtpOptions options = PlainOptions("smtp://mail.test:25");
  options.dns_servers = {names.address()};
  const SendResult result = MailerOf(options)->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_EQ(result.reason, SendReason::kHostUnknown);
  EXPECT_TRUE(result.server_failed);
  EXPECT_THAT(result.detail, HasSubstr("does not exist"));
}

TEST(SmtpFaultM1, TheNameServersAreSilent) {
  DnsServer names;
  names.On("mail.test", {.is_silent = true});
  SmtpOptions options = PlainOptions("smtp://mail.test:25");
  options.dns_servers = {names.address()};
  options.connect_timeout = absl::Milliseconds(500);
  const auto mailer = MailerOf(options);
  const absl::Time begin = MonotonicNow();
  const SendResult result = mailer->Send(TestMail());
  EXPECT_LE(MonotonicNow() - begin, absl::Seconds(2));
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_EQ(result.reason, SendReason::kHostUnknown);
  EXPECT_THAT(result.detail, HasSubstr("do not tell the address"));
}

TEST(SmtpFaultM1, TheNameServersFail) {
  DnsServer names;
  names.On("mail.test", {.code = DnsCode::kServFail});
  SmtpOptions options = PlainOptions("smtp://mail.test:25");
  options.dns_servers = {names.address()};
  const SendResult result = MailerOf(options)->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_EQ(result.reason, SendReason::kHostUnknown);
}

TEST(SmtpFaultM2, Refused) {
  const ClosedPort port;
  const SendResult result =
      MailerOf(PlainOptions(absl::StrCat("smtp://127.0.0.1:", port.port())))->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_EQ(result.reason, SendReason::kConnectFailed);
  EXPECT_TRUE(result.server_failed);
  EXPECT_THAT(result.detail, HasSubstr("Connection refused"));
}

TEST(SmtpFaultM2, NothingAnswersTheConnection) {
  const BlackHole hole;
  SmtpOptions options = PlainOptions(absl::StrCat("smtp://127.0.0.1:", hole.port()));
  options.connect_timeout = absl::Milliseconds(500);
  const auto mailer = MailerOf(options);
  const absl::Time begin = MonotonicNow();
  const SendResult result = mailer->Send(TestMail());
  EXPECT_LE(MonotonicNow() - begin, absl::Seconds(2));
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_EQ(result.reason, SendReason::kConnectFailed);
  EXPECT_THAT(result.detail, HasSubstr("did not answer the connection"));
}

TEST(SmtpFaultM6, EhloRefusedAndHeloTaken) {
  SmtpServer server;
  server.On(SmtpStep::kEhlo, Say("502 5.5.1 what?"));
  const auto mailer = MailerOf(PlainOptions(server.url()));
  EXPECT_EQ(mailer->Send(TestMail()).state, SendState::kAccepted);
  EXPECT_THAT(server.verbs(0), ElementsAre("EHLO", "HELO", "MAIL", "RCPT", "DATA"));
}

TEST(SmtpFaultM6, EhloRefusedWhereTlsIsRequired) {
  SmtpServer server({.tls = TlsOptions{.certificate = GoodCertificate()}});
  server.On(SmtpStep::kEhlo, Say("502 5.5.1 what?"));
  const SendResult result = MailerOf(TlsOnlyOptions(server.url()))->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_EQ(result.reason, SendReason::kGreetingRefused);
  EXPECT_EQ(result.reply, "502 5.5.1 what?");
  EXPECT_THAT(server.verbs(0), ElementsAre("EHLO"));
}

TEST(SmtpFaultM7, NoStartTlsWhereItIsRequired) {
  SmtpServer server;
  const SendResult result = MailerOf(TlsOnlyOptions(server.url()))->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_EQ(result.reason, SendReason::kTlsMissing);
  EXPECT_TRUE(result.server_failed);
  EXPECT_THAT(result.detail, HasSubstr("does not offer STARTTLS"));
  EXPECT_THAT(server.verbs(0), ElementsAre("EHLO"));
}

TEST(SmtpFaultM8, StartTlsRefused) {
  SmtpServer server({.tls = TlsOptions{.certificate = GoodCertificate()}});
  server.On(SmtpStep::kStartTls, Say("454 4.7.0 TLS not available"));
  const SendResult result = MailerOf(TlsOnlyOptions(server.url()))->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_EQ(result.reason, SendReason::kTlsMissing);
  EXPECT_EQ(result.reply, "454 4.7.0 TLS not available");
  EXPECT_THAT(server.verbs(0), ElementsAre("EHLO", "STARTTLS"));
}

TEST(SmtpFaultM9, BytesBehindTheReplyToStartTls) {
  const Script kInjections[] = {
      Script{}.Send("220 go ahead\r\n250 injected\r\n"),
      Script{}.Send("220 go ahead\r\n250-injected"),
      // In a packet of its own, in the middle of the handshake.
      Script{}.Send("220 go ahead\r\n").AwaitBytes().Send("250 injected\r\n"),
  };
  for (const Script& injection : kInjections) {
    for (const StartTls starttls : {StartTls::kRequired, StartTls::kOpportunistic}) {
      SmtpServer server({.tls = TlsOptions{.certificate = GoodCertificate()}});
      server.On(SmtpStep::kStartTls, injection);
      SmtpOptions options = TlsOnlyOptions(server.url());
      options.starttls = starttls;
      const SendResult result = MailerOf(options)->Send(TestMail());
      EXPECT_EQ(result.state, SendState::kTemporary);
      EXPECT_STREQ(SendReasonName(result.reason), "tls_failed") << result.detail;
      EXPECT_THAT(server.mails(), IsEmpty());
    }
  }
}

// What a server's certificate is worth.
struct CertificateRow {
  std::string id = {};
  CertificateOptions certificate = {};
  std::string detail = {};  // empty: good
  std::string host = "mail.test";
};

void PrintTo(const CertificateRow& row, std::ostream* out) {
  *out << row.id;
}

class SmtpCertificate : public ::testing::TestWithParam<CertificateRow> {};

// After STARTTLS and from the start alike.
TEST_P(SmtpCertificate, IsJudged) {
  const CertificateRow& row = GetParam();
  DnsServer names;
  names.On(row.host, {.addresses = {"127.0.0.1"}});
  for (const bool is_implicit : {false, true}) {
    SmtpServer server({.tls = TlsOptions{.certificate = TestRoot().Issue(row.certificate)},
                       .is_tls_implicit = is_implicit});
    SmtpOptions options = TlsOnlyOptions(server.url_for_host(row.host));
    options.dns_servers = {names.address()};
    const SendResult result = MailerOf(options)->Send(TestMail());
    if (row.detail.empty()) {
      EXPECT_EQ(result.state, SendState::kAccepted) << result.detail;
      ASSERT_THAT(server.mails(), SizeIs(1));
      EXPECT_EQ(server.mails()[0].bytes, TestMail().bytes);
      // In the clear is nothing but what asks for TLS.
      std::vector<std::string> in_clear;
      for (const SmtpCommand& command : server.commands()) {
        if (!command.is_over_tls) in_clear.push_back(command.line);
      }
      if (is_implicit) {
        EXPECT_THAT(in_clear, IsEmpty());
      } else {
        EXPECT_THAT(in_clear, ElementsAre("EHLO notifier.test", "STARTTLS"));
      }
    } else {
      EXPECT_EQ(result.state, SendState::kTemporary);
      EXPECT_STREQ(SendReasonName(result.reason), "certificate") << result.detail;
      EXPECT_TRUE(result.server_failed);
      EXPECT_THAT(result.detail, HasSubstr(row.detail));
      EXPECT_THAT(server.mails(), IsEmpty());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, SmtpCertificate,
    ::testing::Values(
        CertificateRow{.id = "M10_Good", .certificate = {.dns_names = {"mail.test"}}},
        CertificateRow{.id = "M10_Wildcard",
                       .certificate = {.dns_names = {"*.mail.test"}},
                       .host = "a.mail.test"},
        CertificateRow{.id = "M10_Address",
                       .certificate = {.ip_addresses = {"127.0.0.1"}},
                       .host = "127.0.0.1"},
        CertificateRow{.id = "M10_WithIntermediate",
                       .certificate = {.dns_names = {"mail.test"}, .intermediates = 1}},
        CertificateRow{.id = "M10_WithoutItsIntermediate",
                       .certificate = {.dns_names = {"mail.test"},
                                       .intermediates = 1,
                                       .omits_intermediates = true},
                       .detail = "not to be trusted"},
        CertificateRow{.id = "M10_SelfSigned",
                       .certificate = {.dns_names = {"mail.test"}, .is_self_signed = true},
                       .detail = "mail.smtp.ca_file"},
        CertificateRow{.id = "M10_WrongName",
                       .certificate = {.dns_names = {"other.test"}},
                       .detail = "is for another name"},
        CertificateRow{.id = "M10_NameInTheSubjectOnly",
                       .certificate = {.common_name = "mail.test"},
                       .detail = "is for another name"},
        CertificateRow{.id = "M10_WrongAddress",
                       .certificate = {.ip_addresses = {"127.0.0.2"}},
                       .detail = "is for another name",
                       .host = "127.0.0.1"},
        CertificateRow{.id = "M10_Expired",
                       .certificate = {.dns_names = {"mail.test"}, .not_after = -absl::Seconds(1)},
                       .detail = "has expired"},
        CertificateRow{.id = "M10_NotYetValid",
                       .certificate = {.dns_names = {"mail.test"}, .not_before = absl::Hours(1)},
                       .detail = "not valid yet"}),
    kRowName);

TEST(SmtpFaultM10, AnotherAuthority) {
  const TestAuthority other("another root");
  SmtpServer server(
      {.tls = TlsOptions{.certificate = other.Issue({.ip_addresses = {"127.0.0.1"}})}});
  const SendResult result = MailerOf(TlsOnlyOptions(server.url()))->Send(TestMail());
  EXPECT_EQ(result.reason, SendReason::kCertificate);
  EXPECT_THAT(result.detail, HasSubstr("not to be trusted"));
}

TEST(SmtpFaultM10, OldTls) {
  SmtpServer server(
      {.tls = TlsOptions{.certificate = GoodCertificate(), .max_version = TlsVersion::k11}});
  const SendResult result = MailerOf(TlsOnlyOptions(server.url()))->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_STREQ(SendReasonName(result.reason), "tls_failed") << result.detail;

  SmtpServer newer(
      {.tls = TlsOptions{.certificate = GoodCertificate(), .max_version = TlsVersion::k12}});
  EXPECT_EQ(MailerOf(TlsOnlyOptions(newer.url()))->Send(TestMail()).state, SendState::kAccepted);
}

TEST(SmtpFaultM3, SilentInTheHandshake) {
  SmtpServer server({.tls = TlsOptions{.certificate = GoodCertificate()}});
  server.On(SmtpStep::kStartTls, Script{}.Send("220 go ahead\r\n").Stall());
  const SendResult result = MailerOf(Impatient(TlsOnlyOptions(server.url())))->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_STREQ(SendReasonName(result.reason), "timeout");
  EXPECT_THAT(result.detail, HasSubstr("TLS handshake"));
}

// The two mistakes of a port.
TEST(SmtpFaultM3, TlsAndPlainMixedUp) {
  SmtpServer plain;
  const SendResult tls_to_plain =
      MailerOf(Impatient(PlainOptions(absl::StrCat("smtps://127.0.0.1:", plain.port()))))
          ->Send(TestMail());
  EXPECT_STREQ(SendReasonName(tls_to_plain.reason), "tls_failed") << tls_to_plain.detail;

  SmtpServer tls({.tls = TlsOptions{.certificate = GoodCertificate()}, .is_tls_implicit = true});
  const SendResult plain_to_tls =
      MailerOf(Impatient(PlainOptions(absl::StrCat("smtp://127.0.0.1:", tls.port()))))
          ->Send(TestMail());
  EXPECT_STREQ(SendReasonName(plain_to_tls.reason), "timeout");
  EXPECT_THAT(plain_to_tls.detail, HasSubstr("must begin with smtps://"));
}

}  // namespace
}  // namespace understudy::testing
