// What we build, read by somebody else's parser.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "services/notifier/mail/mime.h"
#include "tests/notifier/mail/mail_rules.h"
#include "tests/notifier/mail/parsed_mail.h"

namespace understudy::notifier {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using testing::ParsedMail;
using testing::ParseMail;
using testing::ParseMails;

std::string Repeated(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

MailHead Head() {
  return {.from = {.name = "Understudy", .address = "understudy@example.com"},
          .to = "ops@example.com",
          .date = absl::FromUnixSeconds(1795500900),
          .message_id = "g7.1.1795500900@example.com"};
}

TEST(MailParseTest, EverythingIsWhereItWasPut) {
  MailHead head = Head();
  head.in_reply_to = "g7.2.1795500000@example.com";
  head.references = "g7.1.1795400000@example.com";
  head.list_id = "alerts.understudy.example.com";
  const ParsedMail mail = ParseMail(BuildMail(
      head, {.subject = "11200 at www.example.com", .text = "One line.\n", .html = "<p>x</p>\n"}));
  EXPECT_THAT(mail.defects, IsEmpty());
  EXPECT_THAT(mail.header_names(),
              ElementsAre("From", "To", "Subject", "Date", "Message-ID", "In-Reply-To",
                          "References", "List-Id", "Auto-Submitted", "X-Auto-Response-Suppress",
                          "MIME-Version", "Content-Type"));
  EXPECT_THAT(mail.from, ElementsAre(Pair("Understudy", "understudy@example.com")));
  EXPECT_THAT(mail.to, ElementsAre(Pair("", "ops@example.com")));
  EXPECT_EQ(mail.date, "2026-11-24T06:15:00+00:00");
  EXPECT_EQ(mail.header("Message-ID"), "<g7.1.1795500900@example.com>");
  EXPECT_EQ(mail.header("In-Reply-To"), "<g7.2.1795500000@example.com>");
  EXPECT_EQ(mail.header("References"), "<g7.1.1795400000@example.com>");
  EXPECT_EQ(mail.header("List-Id"), "<alerts.understudy.example.com>");
  EXPECT_EQ(mail.header("Auto-Submitted"), "auto-generated");
  EXPECT_EQ(mail.type, "multipart/alternative");
  ASSERT_EQ(mail.parts.size(), 2u);
  EXPECT_EQ(mail.parts[0].type, "text/plain");
  EXPECT_EQ(mail.parts[0].charset, "utf-8");
  EXPECT_EQ(mail.parts[0].text, "One line.\n");
  EXPECT_EQ(mail.parts[1].type, "text/html");
  EXPECT_EQ(mail.parts[1].text, "<p>x</p>\n");
}

// Subjects, names and bodies come out as they went in.
TEST(MailParseTest, TextSurvives) {
  const std::vector<std::string> kTexts = {
      "plain",
      "two  blanks",
      "=?UTF-8?Q?no_word?=",
      "a=b_c?d",
      "quote \" backslash \\ <angle> (paren), comma; colon:",
      "Gr\xC3\xBC\xC3\x9F"
      "e aus K\xC3\xB6ln",
      "\xE4\xB8\x89\xE9\x80\x9A\xE9\x9B\xBB\xE8\xA9\xB1\xE3\x81\x8C\xE5\xA4\xB1\xE6\x95\x97",
      Repeated("\xF0\x9F\x94\xA5 fire ", 12) + "out",
      Repeated("a", 69),
      Repeated("a", 70),
      Repeated("a", 150),
      Repeated("word ", 25) + "end",
      Repeated("\xC3\xA9", 100),
      ".",
      "..",
      "From here",
  };
  std::vector<std::string> mails;
  for (const std::string& text : kTexts) {
    MailHead head = Head();
    head.from.name = text;
    mails.push_back(BuildMail(head, {.subject = text, .text = text + "\n", .html = text}));
  }
  const std::vector<ParsedMail> parsed = ParseMails(mails);
  for (size_t i = 0; i < kTexts.size(); ++i) {
    EXPECT_THAT(parsed[i].defects, IsEmpty()) << kTexts[i];
    EXPECT_EQ(parsed[i].header("Subject"), kTexts[i]);
    EXPECT_THAT(parsed[i].from, ElementsAre(Pair(kTexts[i], "understudy@example.com")));
    EXPECT_EQ(parsed[i].parts.at(0).text, kTexts[i] + "\n");
    EXPECT_EQ(parsed[i].parts.at(1).text, kTexts[i]);
  }
}

TEST(MailParseTest, LinesOfEveryLengthSurvive) {
  std::string text;
  std::vector<std::string> mails;
  for (size_t length = 0; length < 160; ++length) {
    text += Repeated("x", length) + "\n";           // soft breaks at every place
    text += Repeated("y", length) + " \n";          // and trailing blanks
    text += Repeated("z", length) + ".\t\n";        // and tabs
    text += Repeated("w", length) + "\xC3\xA9=\n";  // and escapes
    text += Repeated("x", length) + Repeated(".", 80) + "\n";
  }
  text += Repeated("no line end for a long while ", 1000);
  mails.push_back(BuildMail(Head(), {.subject = "s", .text = text, .html = text}));
  const std::string wide = Repeated("\xE4\xB8\x89\n", 500) + Repeated("\xE9\x80\x9A", 1001);
  mails.push_back(BuildMail(Head(), {.subject = "s", .text = wide, .html = wide}));
  for (const std::string& mail : mails) EXPECT_EQ(testing::BrokenMailRule(mail), "");
  const std::vector<ParsedMail> parsed = ParseMails(mails);
  EXPECT_EQ(parsed[0].parts.at(0).encoding, "quoted-printable");
  EXPECT_EQ(parsed[0].parts.at(0).text, text);
  EXPECT_EQ(parsed[0].parts.at(1).text, text);
  EXPECT_EQ(parsed[1].parts.at(0).encoding, "base64");
  EXPECT_EQ(parsed[1].parts.at(0).text, wide);
}

// What no mail can carry as it is: it becomes something that any can.
TEST(MailParseTest, HostileTextIsMadeFit) {
  const struct {
    std::string text;
    std::string line;  // as subject
    std::string body;
  } kCases[] = {
      {"a\r\nBcc: b@example.com", "a Bcc: b@example.com", "a\nBcc: b@example.com"},
      {"a\rb", "a b", "a\nb"},
      {"a\r\r\nb", "a  b", "a\n\nb"},
      {std::string("a\0b", 3),
       "a\xEF\xBF\xBD"
       "b",
       "a\xEF\xBF\xBD"
       "b"},
      {"a\x1B[31mb\x7F", "a\xEF\xBF\xBD[31mb\xEF\xBF\xBD", "a\xEF\xBF\xBD[31mb\xEF\xBF\xBD"},
      {"a\xFF\xC3", "a\xEF\xBF\xBD\xEF\xBF\xBD", "a\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"a\tb", "a b", "a\tb"},
      {"a\r\n.\r\nQUIT", "a . QUIT", "a\n.\nQUIT"},
  };
  std::vector<std::string> mails;
  for (const auto& c : kCases) {
    mails.push_back(BuildMail(Head(), {.subject = c.text, .text = c.text, .html = c.text}));
  }
  const std::vector<ParsedMail> parsed = ParseMails(mails);
  for (size_t i = 0; i < parsed.size(); ++i) {
    EXPECT_THAT(parsed[i].defects, IsEmpty());
    EXPECT_EQ(parsed[i].headers.size(), 9u);
    EXPECT_EQ(parsed[i].header("Subject"), kCases[i].line);
    EXPECT_EQ(parsed[i].parts.at(0).text, kCases[i].body);
    EXPECT_EQ(parsed[i].parts.at(1).text, kCases[i].body);
  }
}

}  // namespace
}  // namespace understudy::notifier
