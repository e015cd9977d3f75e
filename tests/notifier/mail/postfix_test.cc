// Our mails and a mail server that is not ours.
#include "tests/notifier/mail/postfix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/notifier/mail/mime.h"
#include "tests/notifier/mail/parsed_mail.h"
#include "tests/notifier/mail/smtp_world.h"
#include "tests/testing/socket.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using notifier::BuildMail;
using notifier::Digest;
using notifier::OutgoingMail;
using notifier::SendReason;
using notifier::SendReasonName;
using notifier::SendResult;
using notifier::SendState;
using notifier::SmtpOptions;
using notifier::StartTls;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kSoon = absl::Seconds(20);

OutgoingMail MailOf(const std::string& message_id, const Digest& digest) {
  return {
      .recipient = kRecipient,
      .message_id = message_id,
      .bytes = BuildMail({.from = {.name = "Understudy \xE2\x80\x93 alerts", .address = kSender},
                          .to = kRecipient,
                          .date = absl::FromUnixSeconds(1795500900),
                          .message_id = message_id,
                          .list_id = "alerts.understudy.example.com"},
                         digest)};
}

class PostfixTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (geteuid() == 0) postfix_ = std::make_unique<Postfix>(GoodCertificate());
  }
  static void TearDownTestSuite() { postfix_.reset(); }
  void SetUp() override {
    if (postfix_ == nullptr) GTEST_SKIP() << "postfix runs as root only";
  }

  // The delivered mail of that id, as Python reads it.
  static ParsedMail Delivered(const std::string& message_id) {
    std::string found;
    const bool is_there = WaitFor(
        [&] {
          for (const std::string& mail : postfix_->delivered()) {
            if (absl::StrContains(mail, message_id)) found = mail;
          }
          return !found.empty();
        },
        kSoon);
    EXPECT_TRUE(is_there) << postfix_->log();
    return is_there ? ParseMail(found) : ParsedMail{};
  }

  static std::unique_ptr<Postfix> postfix_;
};

std::unique_ptr<Postfix> PostfixTest::postfix_;

TEST_F(PostfixTest, WhatArrivesIsWhatWasWritten) {
  std::string text = "Three calls \xE2\x80\x94 one lost.\n\n.\n..\n.hidden\nFrom here on\n";
  for (size_t i = 0; i < 300; ++i) text += absl::StrCat(".line ", i, std::string(i, '.'), "\n");
  const Digest digest{.subject = "11200 bei www.example.com: 3 Anrufe, \xE4\xB8\x89\xE9\x80\x9A",
                      .text = text,
                      .html = absl::StrCat("<!DOCTYPE html><p>", std::string(5000, 'x'), "</p>\n")};
  const struct {
    PostfixPort port;
    StartTls starttls;
    const char* message_id;
  } kWays[] = {
      {PostfixPort::kPlain, StartTls::kOff, "plain@example.com"},
      {PostfixPort::kPlain, StartTls::kOpportunistic, "opportunistic@example.com"},
      {PostfixPort::kPlain, StartTls::kRequired, "required@example.com"},
      {PostfixPort::kStartTls, StartTls::kRequired, "demanded@example.com"},
      {PostfixPort::kTls, StartTls::kRequired, "implicit@example.com"},
  };
  for (const auto& way : kWays) {
    SmtpOptions options = PlainOptions(postfix_->url(way.port));
    options.starttls = way.starttls;
    const SendResult result = MailerOf(options)->Send(MailOf(way.message_id, digest));
    EXPECT_EQ(result.state, SendState::kAccepted) << way.message_id << ": " << result.detail;
    EXPECT_THAT(result.reply, HasSubstr("queued as"));
    const ParsedMail mail = Delivered(way.message_id);
    EXPECT_THAT(mail.defects, IsEmpty());
    EXPECT_EQ(mail.header("Subject"), digest.subject);
    EXPECT_EQ(mail.header("Message-ID"), absl::StrCat("<", way.message_id, ">"));
    EXPECT_EQ(mail.header("Return-Path"), absl::StrCat("<", kSender, ">"));
    EXPECT_EQ(absl::StrContains(mail.header("Received"), " ESMTPS "),
              way.starttls != StartTls::kOff)
        << mail.header("Received");
    ASSERT_THAT(mail.parts, SizeIs(2));
    EXPECT_EQ(mail.parts[0].text, digest.text);
    EXPECT_EQ(mail.parts[1].text, digest.html);
  }
}

TEST_F(PostfixTest, ManyMailsOverOneConnection) {
  const auto mailer = MailerOf(TlsOnlyOptions(postfix_->url(PostfixPort::kPlain)));
  for (int i = 0; i < 10; ++i) {
    const SendResult result = mailer->Send(MailOf(absl::StrCat("many.", i, "@example.com"),
                                                  {.subject = "s", .text = "t", .html = "h"}));
    EXPECT_EQ(result.state, SendState::kAccepted) << result.detail;
  }
  for (int i = 0; i < 10; ++i) Delivered(absl::StrCat("many.", i, "@example.com"));
}

TEST_F(PostfixTest, M10_ACertificateThatIsNotTrusted) {
  const TestAuthority other("another root");
  const TempDir folder;
  SmtpOptions options = TlsOnlyOptions(postfix_->url(PostfixPort::kStartTls));
  options.ca_file = other.WriteCaFile(folder.path());
  const SendResult result = MailerOf(options)->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_STREQ(SendReasonName(result.reason), "certificate") << result.detail;
}

TEST_F(PostfixTest, TlsIsDemandedAndNotConfigured) {
  const SendResult result =
      MailerOf(PlainOptions(postfix_->url(PostfixPort::kStartTls)))->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_STREQ(SendReasonName(result.reason), "tls_missing") << result.reply;
}

// Postfix says what it has against us when it hears of the recipient, who is not to blame.
TEST_F(PostfixTest, M5_M11_M13_ItIsNotTheRecipient) {
  SmtpOptions blocked = PlainOptions(postfix_->url(PostfixPort::kPlain));
  blocked.sender = "blocked@example.com";
  const SendResult sender = MailerOf(blocked)->Send(TestMail());
  EXPECT_STREQ(SendReasonName(sender.reason), "sender_refused") << sender.reply;
  EXPECT_TRUE(sender.server_failed);
  EXPECT_THAT(sender.reply, HasSubstr("553 5.7.1"));

  const SendResult closed =
      MailerOf(PlainOptions(postfix_->url(PostfixPort::kClosed)))->Send(TestMail());
  EXPECT_STREQ(SendReasonName(closed.reason), "greeting_refused") << closed.reply;
  EXPECT_EQ(closed.state, SendState::kTemporary);

  const SendResult stranger = MailerOf(PlainOptions(postfix_->url(PostfixPort::kStranger)))
                                  ->Send(TestMail("somebody@elsewhere.example"));
  EXPECT_STREQ(SendReasonName(stranger.reason), "authentication") << stranger.reply;
  EXPECT_EQ(stranger.state, SendState::kTemporary);
}

TEST_F(PostfixTest, M14_M15_M16_RecipientsForThemselves) {
  const auto mailer = MailerOf(PlainOptions(postfix_->url(PostfixPort::kPlain)));
  const SendResult unknown = mailer->Send(TestMail("nobody@example.com"));
  EXPECT_EQ(unknown.state, SendState::kPermanent);
  EXPECT_STREQ(SendReasonName(unknown.reason), "recipient_refused");
  EXPECT_THAT(unknown.reply, HasSubstr("550 5.1.1 <nobody@example.com>"));
  EXPECT_FALSE(unknown.server_failed);

  const SendResult grey = mailer->Send(TestMail("grey@example.com"));
  EXPECT_EQ(grey.state, SendState::kTemporary);
  EXPECT_STREQ(SendReasonName(grey.reason), "rate_limited");
  EXPECT_FALSE(grey.server_failed);

  const SendResult elsewhere = mailer->Send(TestMail("somebody@elsewhere.example"));
  EXPECT_EQ(elsewhere.state, SendState::kAccepted) << "relayed for our network";

  EXPECT_EQ(mailer->Send(TestMail()).state, SendState::kAccepted);
}

TEST_F(PostfixTest, M22_ATooLargeMail) {
  const auto mailer = MailerOf(PlainOptions(postfix_->url(PostfixPort::kPlain)));
  OutgoingMail mail = TestMail();
  const std::string line(76, 'x');
  while (mail.bytes.size() + line.size() + 2 <= kPostfixSizeMax) mail.bytes += line + "\r\n";
  mail.bytes.append(kPostfixSizeMax - mail.bytes.size() - 2, 'y');
  mail.bytes += "\r\n";
  ASSERT_EQ(mail.bytes.size(), kPostfixSizeMax);
  mail.bytes += "z\r\n";
  const SendResult result = mailer->Send(mail);
  EXPECT_EQ(result.state, SendState::kPermanent);
  EXPECT_STREQ(SendReasonName(result.reason), "too_large");
  EXPECT_THAT(result.reply, HasSubstr("552 5.3.4"));
}

TEST_F(PostfixTest, M4_AFullServer) {
  const Socket other =
      Dial("127.0.0.1", postfix_->port(PostfixPort::kOneAtATime), absl::Seconds(5));
  ASSERT_TRUE(WaitReadable(other, kSoon));  // it has its place
  const SendResult result =
      MailerOf(PlainOptions(postfix_->url(PostfixPort::kOneAtATime)))->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_STREQ(SendReasonName(result.reason), "rate_limited");
  EXPECT_THAT(result.reply, HasSubstr("421 4.7.0"));
  EXPECT_TRUE(result.server_failed);
}

TEST_F(PostfixTest, M25_TooManyMails) {
  const auto mailer = MailerOf(PlainOptions(postfix_->url(PostfixPort::kOneAtATime)));
  std::vector<SendResult> results;
  // The connection of another test may still have its place for a moment.
  EXPECT_TRUE(WaitFor(
      [&] {
        results.push_back(mailer->Send(TestMail()));
        return absl::StartsWith(results.back().reply, "450 4.7.1");
      },
      kSoon))
      << results.back().reply;
  EXPECT_EQ(results.back().state, SendState::kTemporary);
  EXPECT_STREQ(SendReasonName(results.back().reason), "rate_limited");
  EXPECT_TRUE(results.back().server_failed);
}

TEST_F(PostfixTest, M26_AConnectionThatWasIdleForTooLong) {
  const auto mailer = MailerOf(PlainOptions(postfix_->url(PostfixPort::kImpatient)));
  EXPECT_EQ(mailer->Send(TestMail()).state, SendState::kAccepted);
  EXPECT_TRUE(WaitFor([&] { return absl::StrContains(postfix_->log(), "timeout after"); }, kSoon));
  const SendResult result = mailer->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kAccepted) << result.detail;
}

}  // namespace
}  // namespace understudy::testing
