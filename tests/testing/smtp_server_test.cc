#include "tests/testing/smtp_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "absl/strings/match.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kSoon = absl::Seconds(10);

// A client that says what it is told.
class Client {
 public:
  explicit Client(const SmtpServer& server) : socket_(Dial("127.0.0.1", server.port(), kSoon)) {}

  void Send(const std::string& bytes) { SendAll(socket_, bytes); }

  // Sends `bytes`; all that has come when `last` has, or the end.
  std::string Say(const std::string& bytes, const std::string& last) {
    Send(bytes);
    std::string came;
    std::array<char, 1024> buffer;
    while (!absl::StrContains(came, last) && WaitReadable(socket_, kSoon)) {
      const ssize_t count = recv(socket_.fd(), buffer.data(), buffer.size(), 0);
      if (count <= 0) break;
      came.append(buffer.data(), static_cast<size_t>(count));
    }
    return came;
  }

 private:
  Socket socket_;
};

TEST(SmtpServerTest, TakesAMail) {
  SmtpServer server;
  Client client(server);
  EXPECT_EQ(client.Say("", "\n"), "220 mail.test ESMTP\r\n");
  EXPECT_THAT(client.Say("EHLO me\r\n", "HELP\r\n"), HasSubstr("250-SIZE 10485760\r\n"));
  client.Say("MAIL FROM:<a@b> SIZE=9\r\nRCPT TO:<c@d>\r\nDATA\r\n", "354");
  EXPECT_THAT(client.Say("..one\r\ntwo.\r\n..\r\n.\r\nQUIT\r\n", "221"), HasSubstr("queued as"));
  ASSERT_THAT(server.mails(), SizeIs(1));
  EXPECT_EQ(server.mails()[0].sender, "a@b");
  EXPECT_EQ(server.mails()[0].recipient, "c@d");
  EXPECT_EQ(server.mails()[0].wire, "..one\r\ntwo.\r\n..\r\n");
  EXPECT_EQ(server.mails()[0].bytes, ".one\r\ntwo.\r\n.\r\n");
  EXPECT_THAT(server.verbs(0), ElementsAre("EHLO", "MAIL", "RCPT", "DATA", "QUIT"));
}

TEST(SmtpServerTest, AMailOfNothing) {
  SmtpServer server;
  Client client(server);
  client.Say("DATA\r\n", "354");
  client.Say(".\r\n", "250");
  ASSERT_THAT(server.mails(), SizeIs(1));
  EXPECT_EQ(server.mails()[0].bytes, "");
}

TEST(SmtpServerTest, AMailThatIsNotEndedIsNone) {
  SmtpServer server;
  {
    Client client(server);
    client.Say("DATA\r\n", "354");
    client.Send("half\r\n.");
  }
  EXPECT_TRUE(WaitFor([&] { return server.open_connections() == 0; }, kSoon));
  EXPECT_THAT(server.mails(), IsEmpty());
}

TEST(SmtpServerTest, ScriptsInTurn) {
  SmtpServer server;
  server.OnSequence(SmtpStep::kRcpt, {Script{}.Send("450 no\r\n"), Script{}});
  server.On(SmtpStep::kOther, Script{}.Send("211 help\r\n").Close());
  Client client(server);
  client.Say("", "220");
  EXPECT_EQ(client.Say("RCPT TO:<a@b>\r\n", "\n"), "450 no\r\n");
  EXPECT_EQ(client.Say("RCPT TO:<a@b>\r\n", "\n"), "250 2.1.5 Ok\r\n");
  EXPECT_THAT(client.Say("HELP\r\n", "nothing more"), EndsWith("211 help\r\n"));
}

TEST(SmtpServerTest, ChecksCredentials) {
  SmtpServer server({.username = "me", .password = "secret"});
  Client client(server);
  client.Say("", "220");
  EXPECT_THAT(client.Say("EHLO x\r\n", "HELP\r\n"), HasSubstr("250-AUTH PLAIN LOGIN\r\n"));
  // "\0me\0secret", then "\0me\0wrong".
  EXPECT_THAT(client.Say("AUTH PLAIN AG1lAHNlY3JldA==\r\n", "\n"), HasSubstr("235"));
  EXPECT_THAT(client.Say("AUTH PLAIN AG1lAHdyb25n\r\n", "\n"), HasSubstr("535"));
  EXPECT_THAT(client.Say("AUTH LOGIN\r\n", "\n"), HasSubstr("334"));
  EXPECT_THAT(client.Say("bWU=\r\n", "\n"), HasSubstr("334"));
  EXPECT_THAT(client.Say("c2VjcmV0\r\n", "\n"), HasSubstr("235"));
  EXPECT_THAT(client.Say("AUTH GSSAPI\r\n", "\n"), HasSubstr("504"));
}

}  // namespace
}  // namespace understudy::testing
