#include "services/cli/mail_text.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "services/notifier/mail/mime.h"

namespace understudy::cli {
namespace {

std::string Mail(const std::string& text) {
  return notifier::BuildMail({.from = {.address = "understudy@example.com"},
                              .to = "ops@example.com",
                              .message_id = "g1.1@example.com"},
                             {.subject = "s", .text = text, .html = "<p>Not this.</p>"});
}

TEST(MailTextTest, ReadsWhatTheNotifierWrites) {
  for (const std::string& text : {
           std::string("Failing: 11200\n\nTwo calls.\n"),
           absl::StrCat("=41 is no letter, ", std::string(200, 'x'), " \n.\nFrom here"),
           std::string("gr\u00fc\u00df\n"),                        // quoted-printable
           std::string("\u96fb\u8a71\u96fb\u8a71\u96fb\u8a71\n"),  // base64
           std::string(),
       }) {
    EXPECT_EQ(PlainTextOf(Mail(text)), text);
  }
}

TEST(MailTextTest, IsEmptyOfAnythingElse) {
  const std::string mail = Mail("Hello\n");
  EXPECT_EQ(PlainTextOf(""), "");
  EXPECT_EQ(PlainTextOf("Subject: no parts\r\n\r\nHello"), "");
  for (size_t size = 0; size < mail.find("<p>"); ++size) {
    const std::string text = PlainTextOf(mail.substr(0, size));
    EXPECT_TRUE(text.empty() || text == "Hello\n") << size;
  }
}

}  // namespace
}  // namespace understudy::cli
