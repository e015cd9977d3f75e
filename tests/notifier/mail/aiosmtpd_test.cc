// Our mails and another mail server that is not ours: one that wants credentials.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/notifier/mail/mime.h"
#include "tests/notifier/mail/parsed_mail.h"
#include "tests/notifier/mail/smtp_world.h"
#include "tests/testing/require.h"
#include "tests/testing/socket.h"
#include "tests/testing/temp_dir.h"

extern char** environ;

namespace understudy::testing {
namespace {

using notifier::BuildMail;
using notifier::OutgoingMail;
using notifier::SendReason;
using notifier::SendReasonName;
using notifier::SendResult;
using notifier::SendState;
using notifier::SmtpOptions;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kUsername[] = "understudy";
constexpr char kPassword[] = "pass\xC3\xA9 word \"'<>&";

// The server's process, for as long as this lives.
class Aiosmtpd {
 public:
  Aiosmtpd() {
    const Certificate certificate = GoodCertificate();
    Require(mkdir((folder_.path() + "/mail").c_str(), 0700) == 0, "a mailbox");
    std::vector<std::string> words = {"/usr/bin/python3",
                                      "tests/notifier/mail/aiosmtpd_server.py",
                                      folder_.Write("chain.pem", certificate.chain_pem),
                                      folder_.Write("key.pem", certificate.key_pem),
                                      folder_.path() + "/mail",
                                      kUsername,
                                      kPassword};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    int in[2];
    int out[2];
    Require(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipes");
    input_ = Socket(in[1]);
    const Socket output(out[0]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    const int error =
        posix_spawn(&pid_, words[0].c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    Require(error == 0, words[0]);
    std::string line;
    for (char c = 0; read(output.fd(), &c, 1) == 1 && c != '\n';) line.push_back(c);
    Require(absl::SimpleAtoi(line, &port_), "the port of aiosmtpd");
  }
  ~Aiosmtpd() {
    input_.Close();
    waitpid(pid_, nullptr, 0);
  }
  Aiosmtpd(const Aiosmtpd&) = delete;
  Aiosmtpd& operator=(const Aiosmtpd&) = delete;

  SmtpOptions Options() const {
    SmtpOptions options = TlsOnlyOptions(absl::StrCat("smtp://127.0.0.1:", port_));
    options.username = kUsername;
    options.password_file = folder_.path() + "/password";
    return options;
  }
  void WritePassword(const std::string& password) const { folder_.Write("password", password); }

  // Its nth mail, from 1; empty if there is none.
  std::string taken(int number) const {
    std::ifstream file(absl::StrCat(folder_.path(), "/mail/", number, ".eml"), std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(file)), {});
  }

 private:
  TempDir folder_;
  Socket input_;
  pid_t pid_ = 0;
  int port_ = 0;
};

TEST(AiosmtpdTest, TakesMailWithTheRightCredentialsOnly) {
  const Aiosmtpd server;
  const auto mailer = MailerOf(server.Options());
  OutgoingMail mail = TestMail();
  mail.bytes =
      BuildMail({.from = {.name = "Understudy", .address = kSender},
                 .to = kRecipient,
                 .date = absl::UnixEpoch(),
                 .message_id = mail.message_id},
                {.subject = "\xE4\xB8\x89", .text = ".\n..\nFrom x\n", .html = "<p>x</p>"});

  server.WritePassword("another");
  const SendResult refused = mailer->Send(mail);
  EXPECT_EQ(refused.state, SendState::kTemporary);
  EXPECT_STREQ(SendReasonName(refused.reason), "authentication") << refused.detail;
  EXPECT_THAT(refused.reply, HasSubstr("535 5.7.8"));

  server.WritePassword(absl::StrCat(kPassword, "\n"));
  for (int i = 0; i < 2; ++i) {
    const SendResult taken = mailer->Send(mail);
    EXPECT_EQ(taken.state, SendState::kAccepted) << taken.detail;
    EXPECT_EQ(taken.reply, absl::StrCat("250 taken as ", i + 1));
  }
  EXPECT_EQ(server.taken(1), mail.bytes);
  EXPECT_EQ(server.taken(2), mail.bytes);
  EXPECT_THAT(ParseMail(server.taken(1)).defects, IsEmpty());
}

TEST(AiosmtpdTest, M11_CredentialsAreDemandedAndNotConfigured) {
  const Aiosmtpd server;
  SmtpOptions options = server.Options();
  options.username.clear();
  options.password_file.clear();
  const SendResult result = MailerOf(options)->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_STREQ(SendReasonName(result.reason), "authentication") << result.reply;
  EXPECT_EQ(server.taken(1), "");
}

TEST(AiosmtpdTest, M7_TlsIsDemandedAndNotConfigured) {
  const Aiosmtpd server;
  SmtpOptions options = PlainOptions(server.Options().url);
  const SendResult result = MailerOf(options)->Send(TestMail());
  EXPECT_EQ(result.state, SendState::kTemporary);
  EXPECT_STREQ(SendReasonName(result.reason), "tls_missing") << result.reply;
}

}  // namespace
}  // namespace understudy::testing
