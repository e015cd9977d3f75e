#include "services/notifier/mail/smtp_dialogue.h"

#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include <string>
#include <vector>

namespace understudy::notifier {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// "> MAIL FROM:<a@b>" is ours, "< 250 Ok" the server's.
SmtpDialogue After(const std::vector<std::string>& lines) {
  SmtpDialogue dialogue;
  OnStep(SmtpStep::kGreeting, dialogue);
  for (const std::string& line : lines) {
    const std::string text = line.substr(2) + "\r\n";
    if (line[0] == '>') {
      OnSent(text, dialogue);
    } else {
      OnReceived(text, dialogue);
    }
  }
  return dialogue;
}

TEST(SmtpDialogueTest, KnowsWhatIsWaitedFor) {
  const struct {
    std::vector<std::string> lines;
    SmtpStep step;
    bool answered;
    int code;
  } kCases[] = {
      {{}, SmtpStep::kGreeting, false, 0},
      {{"< 220 hello"}, SmtpStep::kGreeting, true, 220},
      {{"< 220-hello"}, SmtpStep::kGreeting, false, 0},
      {{"< 220 hello", "> EHLO me"}, SmtpStep::kEhlo, false, 220},
      {{"> EHLO me", "< 502 what", "> HELO me"}, SmtpStep::kEhlo, false, 502},
      {{"> STARTTLS", "< 220 go"}, SmtpStep::kStartTls, true, 220},
      {{"> AUTH PLAIN", "< 334 "}, SmtpStep::kAuth, true, 334},
      // Credentials that look like commands.
      {{"> AUTH LOGIN", "< 334 a", "> QUIT", "< 334 b", "> MAIL"}, SmtpStep::kAuth, false, 334},
      {{"> AUTH LOGIN", "< 334 a", "> x", "< 235 ok", "> MAIL FROM:<a@b>"},
       SmtpStep::kMail,
       false,
       235},
      {{"> MAIL FROM:<a@b>", "< 250 ok", "> RCPT TO:<c@d>"}, SmtpStep::kRcpt, false, 250},
      {{"> DATA"}, SmtpStep::kData, false, 0},
      {{"> DATA", "< 354 go"}, SmtpStep::kBody, false, 354},
      {{"> DATA", "< 354-go", "< 354 on"}, SmtpStep::kBody, false, 354},
      {{"> DATA", "< 250 ok"}, SmtpStep::kData, true, 250},
      // The end is what came before QUIT.
      {{"> RCPT TO:<c@d>", "< 550 no", "> QUIT", "< 221 bye"}, SmtpStep::kRcpt, true, 550},
  };
  for (const auto& c : kCases) {
    const SmtpDialogue dialogue = After(c.lines);
    const std::string last = c.lines.empty() ? "" : c.lines.back();
    EXPECT_EQ(dialogue.step, c.step) << last;
    EXPECT_EQ(dialogue.answered, c.answered) << last;
    EXPECT_EQ(dialogue.code, c.code) << last;
  }
}

TEST(SmtpDialogueTest, RepliesAreOneLine) {
  const struct {
    std::vector<std::string> lines;
    std::string reply;
  } kCases[] = {
      {{"< 250 Ok"}, "250 Ok"},
      {{"< 250"}, "250"},
      {{"< 550-5.1.1 nobody", "< 550-5.1.1 of that name", "< 550 5.1.1 here"},
       "550-5.1.1 nobody / 5.1.1 of that name / 5.1.1 here"},
      {{"< 250-half"}, "250-half"},
      {{"< 220 first", "< 221 second"}, "221 second"},
      {{"< no code"}, "no code"},
      {{"< 99 problems"}, "99 problems"},
      {{std::string("< 250 a\0b\x7F\xFF", 11)}, "250 a\\x00b\\x7F\xEF\xBF\xBD"},
      {{"< 250 " + std::string(kMaxReplyBytes - 4, 'x')},
       "250 " + std::string(kMaxReplyBytes - 4, 'x')},
      {{"< 250 " + std::string(kMaxReplyBytes, 'x')},
       "250 " + std::string(kMaxReplyBytes - 4, 'x')},
      // Cut between characters.
      {{"< 250 " + std::string(kMaxReplyBytes - 5, 'x') + "\xC3\xA9"},
       "250 " + std::string(kMaxReplyBytes - 5, 'x')},
      {{"< 250 ok", "> EHLO me"}, "250 ok"},
  };
  for (const auto& c : kCases) EXPECT_EQ(After(c.lines).reply, c.reply);
}

struct EndRow {
  std::vector<std::string> lines = {};
  int curl_code = CURLE_OK;
  SendState state = SendState::kTemporary;
  SendReason reason = SendReason::kNone;
  bool server_failed = true;
};

// Refusals by what they say; what servers do to bring them about is in the table of faults.
TEST(SmtpEndTest, Refusals) {
  const std::string kMail = "> MAIL FROM:<a@b>";
  const std::string kRcpt = "> RCPT TO:<c@d>";
  using enum SendState;
  using enum SendReason;
  const EndRow kRows[] = {
      {{"< 421 busy"}, CURLE_WEIRD_SERVER_REPLY, kTemporary, kRateLimited},
      {{"< 554 no"}, CURLE_WEIRD_SERVER_REPLY, kTemporary, kGreetingRefused},
      {{"< 354 odd"}, CURLE_WEIRD_SERVER_REPLY, kTemporary, kGreetingRefused},
      {{"> EHLO x", "< 550 bad name"}, CURLE_REMOTE_ACCESS_DENIED, kTemporary, kGreetingRefused},
      {{"> EHLO x", "< 250 ok"}, CURLE_USE_SSL_FAILED, kTemporary, kTlsMissing},
      {{"> STARTTLS", "< 454 no"}, CURLE_USE_SSL_FAILED, kTemporary, kTlsMissing},
      {{"> STARTTLS", "< 220 go"}, CURLE_WEIRD_SERVER_REPLY, kTemporary, kTlsFailed},
      {{"> AUTH PLAIN", "< 535 5.7.8 no"}, CURLE_LOGIN_DENIED, kTemporary, kAuthentication},
      {{"> AUTH PLAIN", "< 504 no"}, CURLE_LOGIN_DENIED, kTemporary, kAuthentication},
      {{"> AUTH PLAIN", "< 454 4.7.0 later"}, CURLE_LOGIN_DENIED, kTemporary, kRateLimited},
      {{"> AUTH PLAIN", "< 454 later"}, CURLE_LOGIN_DENIED, kTemporary, kRateLimited},
      {{"> EHLO x", "< 250 ok"}, CURLE_LOGIN_DENIED, kTemporary, kAuthentication},
      // Authentication is wanted, wherever that is said.
      {{kMail, "< 530 5.7.0 first"}, CURLE_SEND_ERROR, kTemporary, kAuthentication},
      {{kRcpt, "< 530 first"}, CURLE_SEND_ERROR, kTemporary, kAuthentication},
      {{kMail, "< 535 bad"}, CURLE_SEND_ERROR, kTemporary, kAuthentication},
      {{kMail, "< 530 5.7.0 Must issue a STARTTLS command first"},
       CURLE_SEND_ERROR,
       kTemporary,
       kTlsMissing},
      {{"> AUTH PLAIN", "< 538 encryption"}, CURLE_LOGIN_DENIED, kTemporary, kTlsMissing},
      {{kMail, "< 529 first"}, CURLE_SEND_ERROR, kPermanent, kSenderRefused},
      // The sender is that of all mails.
      {{kMail, "< 451 later"}, CURLE_SEND_ERROR, kTemporary, kSenderRefused, true},
      {{kMail, "< 550 no"}, CURLE_SEND_ERROR, kPermanent, kSenderRefused, true},
      {{kMail, "< 599 no"}, CURLE_SEND_ERROR, kPermanent, kSenderRefused, true},
      {{kMail, "< 600 odd"}, CURLE_SEND_ERROR, kTemporary, kProtocol, true},
      {{kMail, "< 399 odd"}, CURLE_SEND_ERROR, kTemporary, kProtocol, true},
      {{kMail, "< 400 odd"}, CURLE_SEND_ERROR, kTemporary, kSenderRefused, true},
      {{kRcpt, "< 450 later"}, CURLE_SEND_ERROR, kTemporary, kRecipientRefused, false},
      {{kRcpt, "< 550 no"}, CURLE_SEND_ERROR, kPermanent, kRecipientRefused, false},
      {{"> DATA", "< 451 later"}, CURLE_SEND_ERROR, kTemporary, kContentRefused, false},
      {{"> DATA", "< 554 no"}, CURLE_SEND_ERROR, kPermanent, kContentRefused, false},
      {{"> DATA", "< 250 odd"}, CURLE_SEND_ERROR, kTemporary, kProtocol, true},
      // Sizes.
      {{kMail, "< 552 5.3.4 big"}, CURLE_SEND_ERROR, kPermanent, kTooLarge, false},
      {{kMail, "< 452 4.3.4 big"}, CURLE_SEND_ERROR, kTemporary, kTooLarge, false},
      {{kMail, "< 552 big"}, CURLE_SEND_ERROR, kPermanent, kTooLarge, false},
      {{kRcpt, "< 552 5.2.3 big"}, CURLE_SEND_ERROR, kPermanent, kTooLarge, false},
      {{kRcpt, "< 552 full"}, CURLE_SEND_ERROR, kPermanent, kRecipientRefused, false},
      {{kRcpt, "< 552 5.2.2 full"}, CURLE_SEND_ERROR, kPermanent, kRecipientRefused, false},
      {{kMail, "< 552 5.13.4 no"}, CURLE_SEND_ERROR, kPermanent, kSenderRefused, true},
      // Paces.
      {{kMail, "< 450 4.7.1 slow"}, CURLE_SEND_ERROR, kTemporary, kRateLimited, true},
      {{kMail, "< 550 5.7.1 never"}, CURLE_SEND_ERROR, kPermanent, kSenderRefused, true},
      {{kMail, "< 450 4.17.1 no"}, CURLE_SEND_ERROR, kTemporary, kSenderRefused, true},
      {{kMail, "< 450 4.7.x no"}, CURLE_SEND_ERROR, kTemporary, kSenderRefused, true},
      {{kMail, "< 451 Too many mails"}, CURLE_SEND_ERROR, kTemporary, kRateLimited, true},
      {{kRcpt, "< 450 4.2.0 Greylisted"}, CURLE_SEND_ERROR, kTemporary, kRateLimited, false},
      {{kRcpt, "< 451 4.7.1 Graylisting in action"},
       CURLE_SEND_ERROR,
       kTemporary,
       kRateLimited,
       false},
      {{kRcpt, "< 550 greylisted"}, CURLE_SEND_ERROR, kPermanent, kRecipientRefused, false},
      // What servers put off until they hear of the recipient.
      {{kRcpt, "< 553 5.7.1 <a@b>: Sender address rejected: not yours"},
       CURLE_SEND_ERROR,
       kPermanent,
       kSenderRefused,
       true},
      {{kRcpt, "< 550 5.1.8 domain of the sender does not exist"},
       CURLE_SEND_ERROR,
       kPermanent,
       kSenderRefused,
       true},
      {{kRcpt, "< 450 4.1.7 <a@b>: unverified"},
       CURLE_SEND_ERROR,
       kTemporary,
       kSenderRefused,
       true},
      {{kRcpt, "< 550 5.1.71 odd"}, CURLE_SEND_ERROR, kPermanent, kRecipientRefused, false},
      {{kRcpt, "< 554 5.7.1 Client host rejected: Access denied"},
       CURLE_SEND_ERROR,
       kTemporary,
       kGreetingRefused,
       true},
      {{kRcpt, "< 504 5.5.2 <pod>: Helo command rejected: need fully-qualified hostname"},
       CURLE_SEND_ERROR,
       kTemporary,
       kGreetingRefused,
       true},
      {{kRcpt, "< 554 5.7.1 <c@d>: Relay access denied"},
       CURLE_SEND_ERROR,
       kTemporary,
       kAuthentication,
       true},
      {{kRcpt, "< 454 4.7.1 <c@d>: Relay access denied"},
       CURLE_SEND_ERROR,
       kTemporary,
       kAuthentication,
       true},
      {{kRcpt, "< 421 4.7.0 bye"}, CURLE_SEND_ERROR, kTemporary, kRateLimited, true},
  };
  for (const EndRow& row : kRows) {
    const SendResult result = UnderstandEnd({.dialogue = After(row.lines),
                                             .curl_code = row.curl_code,
                                             .server = "mail.test:25",
                                             .recipient = "c@d"});
    EXPECT_EQ(result.state, row.state) << row.lines.back();
    EXPECT_STREQ(SendReasonName(result.reason), SendReasonName(row.reason)) << row.lines.back();
    EXPECT_EQ(result.server_failed, row.server_failed) << row.lines.back();
    EXPECT_EQ(result.reply, row.lines.back().substr(2));
    EXPECT_THAT(result.detail, HasSubstr("mail.test:25"));
  }
}

// Whether the mail was all sent, and the verdict, decide; libcurl's code only where they do not.
TEST(SmtpEndTest, Verdicts) {
  using enum SendState;
  using enum SendReason;
  const struct {
    const char* verdict;  // null: none came
    int curl_code;
    bool expired;
    SendState state;
    SendReason reason;
  } kCases[] = {
      {"250 Ok", CURLE_OK, false, kAccepted, kNone},
      {"200 Ok", CURLE_WEIRD_SERVER_REPLY, false, kAccepted, kNone},
      {"299 Ok", CURLE_WEIRD_SERVER_REPLY, false, kAccepted, kNone},
      // Said yes, and then something broke.
      {"250 Ok", CURLE_RECV_ERROR, false, kAccepted, kNone},
      {"250 Ok", CURLE_ABORTED_BY_CALLBACK, true, kAccepted, kNone},
      {"300 odd", CURLE_WEIRD_SERVER_REPLY, false, kAmbiguous, kProtocol},
      {"199 odd", CURLE_WEIRD_SERVER_REPLY, false, kAmbiguous, kProtocol},
      {"600 odd", CURLE_WEIRD_SERVER_REPLY, false, kAmbiguous, kProtocol},
      {"400 later", CURLE_WEIRD_SERVER_REPLY, false, kTemporary, kContentRefused},
      {"599 no", CURLE_WEIRD_SERVER_REPLY, false, kPermanent, kContentRefused},
      {nullptr, CURLE_RECV_ERROR, false, kAmbiguous, kConnectionLost},
      {nullptr, CURLE_GOT_NOTHING, false, kAmbiguous, kConnectionLost},
      {nullptr, CURLE_ABORTED_BY_CALLBACK, true, kAmbiguous, kTimeout},
      {nullptr, CURLE_OPERATION_TIMEDOUT, false, kAmbiguous, kTimeout},
      // The dot itself could not be sent.
      {nullptr, CURLE_SEND_ERROR, false, kTemporary, kConnectionLost},
  };
  for (const auto& c : kCases) {
    SmtpDialogue dialogue = After({"> DATA", "< 354 go"});
    OnStep(SmtpStep::kVerdict, dialogue);
    if (c.verdict != nullptr) OnReceived(c.verdict, dialogue);
    const SendResult result = UnderstandEnd(
        {.dialogue = dialogue, .curl_code = c.curl_code, .expired = c.expired, .server = "m:25"});
    const std::string about = c.verdict != nullptr ? c.verdict : "none";
    EXPECT_EQ(result.state, c.state) << about << " " << c.curl_code;
    EXPECT_STREQ(SendReasonName(result.reason), SendReasonName(c.reason)) << about;
  }
}

TEST(SmtpEndTest, BrokenBeforeTheEndIsNotAmbiguous) {
  for (const int code : {CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING}) {
    for (const std::string& line : {std::string("> EHLO x"), std::string("> MAIL FROM:<a@b>"),
                                    std::string("> DATA"), std::string("< 220 hi")}) {
      const SendResult result = UnderstandEnd({.dialogue = After({line}), .curl_code = code});
      EXPECT_EQ(result.state, SendState::kTemporary);
      EXPECT_EQ(result.reason, SendReason::kConnectionLost) << line;
    }
    const SendResult in_body =
        UnderstandEnd({.dialogue = After({"> DATA", "< 354 go"}), .curl_code = code});
    EXPECT_EQ(in_body.state, SendState::kTemporary);
    EXPECT_EQ(in_body.reason, SendReason::kConnectionLost);
  }
}

TEST(SmtpEndTest, EveryStepCanExpire) {
  for (int i = 0; i <= static_cast<int>(SmtpStep::kVerdict); ++i) {
    SmtpDialogue dialogue;
    OnStep(static_cast<SmtpStep>(i), dialogue);
    const SendResult result = UnderstandEnd({.dialogue = dialogue,
                                             .curl_code = CURLE_ABORTED_BY_CALLBACK,
                                             .expired = true,
                                             .server = "mail.test:25"});
    const bool all_sent = static_cast<SmtpStep>(i) == SmtpStep::kVerdict;
    EXPECT_EQ(result.state, all_sent ? SendState::kAmbiguous : SendState::kTemporary);
    EXPECT_EQ(result.reason, i == 0 ? SendReason::kConnectFailed : SendReason::kTimeout);
    EXPECT_TRUE(result.server_failed);
    EXPECT_THAT(result.detail, HasSubstr("in time"));
  }
}

TEST(SmtpEndTest, Certificates) {
  const struct {
    long verify_result;
    const char* detail;
  } kCases[] = {
      {X509_V_ERR_CERT_HAS_EXPIRED, "has expired"},
      {X509_V_ERR_CERT_NOT_YET_VALID, "not valid yet"},
      {X509_V_ERR_HOSTNAME_MISMATCH, "another name"},
      {X509_V_ERR_IP_ADDRESS_MISMATCH, "another name"},
      {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "self-signed"},
      {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "issuer"},
  };
  for (const auto& c : kCases) {
    SmtpDialogue dialogue;
    OnStep(SmtpStep::kTls, dialogue);
    const SendResult result = UnderstandEnd({.dialogue = dialogue,
                                             .curl_code = CURLE_PEER_FAILED_VERIFICATION,
                                             .verify_result = c.verify_result,
                                             .server = "mail.test:25"});
    EXPECT_EQ(result.state, SendState::kTemporary);
    EXPECT_EQ(result.reason, SendReason::kCertificate);
    EXPECT_THAT(result.detail, HasSubstr(c.detail));
  }
}

TEST(SmtpEndTest, DetailsAreOneLine) {
  const SendResult result =
      UnderstandEnd({.curl_code = CURLE_COULDNT_CONNECT, .error_text = "a\r\nb"});
  EXPECT_THAT(result.detail, Not(HasSubstr("\n")));
}

TEST(SmtpEndTest, StaleConnections) {
  const std::string kMail = "> MAIL FROM:<a@b>";
  const struct {
    std::vector<std::string> lines;
    int curl_code;
    bool expired;
    bool stale;
  } kCases[] = {
      {{kMail}, CURLE_SEND_ERROR, false, true},
      {{kMail}, CURLE_RECV_ERROR, false, true},
      {{kMail}, CURLE_GOT_NOTHING, false, true},
      {{kMail}, CURLE_ABORTED_BY_CALLBACK, true, true},
      {{kMail, "< 421 idle"}, CURLE_SEND_ERROR, false, true},
      {{kMail, "< 450 no"}, CURLE_SEND_ERROR, false, false},
      {{kMail, "< 550 no"}, CURLE_SEND_ERROR, false, false},
      {{kMail, "< 250 ok", "> RCPT TO:<c@d>"}, CURLE_RECV_ERROR, false, false},
      {{kMail, "< 250 ok", "> RCPT TO:<c@d>", "< 421 bye"}, CURLE_SEND_ERROR, false, false},
      {{"> DATA", "< 354 go"}, CURLE_SEND_ERROR, false, false},
  };
  for (const auto& c : kCases) {
    SmtpEnd end{.dialogue = After(c.lines), .curl_code = c.curl_code, .expired = c.expired};
    EXPECT_FALSE(WasStaleConnection(end)) << "on a new connection";
    end.reused = true;
    EXPECT_EQ(WasStaleConnection(end), c.stale) << c.lines.back();
  }
}

}  // namespace
}  // namespace understudy::notifier
