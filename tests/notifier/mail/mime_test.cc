#include "services/notifier/mail/mime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/notifier/mail/mail_rules.h"

namespace understudy::notifier {
namespace {

using testing::BrokenMailRule;
using ::testing::HasSubstr;
using ::testing::Not;

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

TEST(BuildMailTest, GoldenBytes) {
  MailHead head = Head();
  head.in_reply_to = "g7.2.1795500000@example.com";
  head.references = "g7.1.1795400000@example.com";
  head.list_id = "alerts.understudy.example.com";
  const std::string mail =
      BuildMail(head, {.subject = "11200 at www.example.com: 3 calls",
                       .text = "Three calls \xE2\x80\x94 1 lost.\n.\nFrom here on = trouble \n",
                       .html = "<!DOCTYPE html><p class=\"lead\">\xE4\xB8\x89\xE9\x80\x9A</p>"});
  EXPECT_EQ(absl::StrReplaceAll(mail, {{"\r\n", "\n"}}),
            R"(From: "Understudy" <understudy@example.com>
To: ops@example.com
Subject: 11200 at www.example.com: 3 calls
Date: Tue, 24 Nov 2026 06:15:00 +0000
Message-ID: <g7.1.1795500900@example.com>
In-Reply-To: <g7.2.1795500000@example.com>
References: <g7.1.1795400000@example.com>
List-Id: <alerts.understudy.example.com>
Auto-Submitted: auto-generated
X-Auto-Response-Suppress: All
MIME-Version: 1.0
Content-Type: multipart/alternative;
 boundary="=_6787409c832ebff30911a2635f5bb890"

--=_6787409c832ebff30911a2635f5bb890
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Three calls =E2=80=94 1 lost.
=2E
=46rom here on =3D trouble=20

--=_6787409c832ebff30911a2635f5bb890
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<!DOCTYPE html><p class=3D"lead">=E4=B8=89=E9=80=9A</p>
--=_6787409c832ebff30911a2635f5bb890--
)");
  EXPECT_EQ(BrokenMailRule(mail), "");
}

TEST(BuildMailTest, TheFirstOfAThreadRefersToNothing) {
  const std::string mail = BuildMail(Head(), {.subject = "s", .text = "t", .html = "h"});
  EXPECT_THAT(mail, Not(HasSubstr("In-Reply-To")));
  EXPECT_THAT(mail, Not(HasSubstr("References")));
  EXPECT_THAT(mail, Not(HasSubstr("List-Id")));
}

TEST(BuildMailTest, SameMailSameBytesOtherMailOtherBoundary) {
  const Digest digest{.subject = "s", .text = "t", .html = "h"};
  MailHead other = Head();
  other.message_id = "g7.2@example.com";
  EXPECT_EQ(BuildMail(Head(), digest), BuildMail(Head(), digest));
  const auto boundary = [](const std::string& mail) {
    return mail.substr(mail.find("boundary="), 48);
  };
  EXPECT_NE(boundary(BuildMail(Head(), digest)), boundary(BuildMail(other, digest)));
}

TEST(BuildMailTest, SubjectsOnOneLineOrInWords) {
  const struct {
    std::string subject;
    const char* header;
  } kCases[] = {
      {"", "Subject: \r\n"},
      {"plain", "Subject: plain\r\n"},
      {" trimmed\n", "Subject: trimmed\r\n"},
      {"a  b", "Subject: a  b\r\n"},
      // 78 columns with the name, then 79.
      {Repeated("x", 69), nullptr},
      {Repeated("x", 70), "Subject: =?UTF-8?Q?xxxxxxxx"},
      {"=?UTF-8?Q?fake?=", "Subject: =?UTF-8?Q?=3D=3FUTF-8=3FQ=3Ffake=3F=3D?=\r\n"},
      {"\xC3\xA9t\xC3\xA9", "Subject: =?UTF-8?Q?=C3=A9t=C3=A9?=\r\n"},
      {"two words\xC3\xA9", "Subject: =?UTF-8?Q?two_words=C3=A9?=\r\n"},
      {"a_b\xC3\xA9", "Subject: =?UTF-8?Q?a=5Fb=C3=A9?=\r\n"},
      // A line end in it is a blank, and a header in it is text.
      {"a\r\nBcc: all@example.com", "Subject: a Bcc: all@example.com\r\n"},
      {"a\nb", "Subject: a b\r\n"},
      {"a\rb\tc", "Subject: a b c\r\n"},
      {std::string("nul\0nul", 7), "Subject: =?UTF-8?Q?nul=EF=BF=BDnul?=\r\n"},
      {"bad\xFF", "Subject: =?UTF-8?Q?bad=EF=BF=BD?=\r\n"},
  };
  for (const auto& c : kCases) {
    const std::string mail = BuildMail(Head(), {.subject = c.subject, .text = "t", .html = "h"});
    EXPECT_EQ(BrokenMailRule(mail), "") << c.subject;
    const std::string expected =
        c.header != nullptr ? c.header : absl::StrCat("Subject: ", c.subject, "\r\n");
    EXPECT_THAT(mail, HasSubstr("\r\n" + expected)) << c.subject;
  }
}

TEST(BuildMailTest, WordsFoldWithinTheirColumnsAndBetweenCharacters) {
  for (size_t ascii_before = 0; ascii_before < 60; ++ascii_before) {
    const std::string subject =
        Repeated("x", ascii_before) + Repeated("\xF0\x9F\x94\xA5", 40) + " end";
    const std::string mail = BuildMail(Head(), {.subject = subject, .text = "t", .html = "h"});
    ASSERT_EQ(BrokenMailRule(mail), "");
    size_t begin = mail.find("Subject:");
    const size_t end = mail.find("\r\nDate:");
    while (begin < end) {
      const size_t line_end = mail.find("\r\n", begin);
      const std::string line = mail.substr(begin, line_end - begin);
      EXPECT_LE(line.size(), 76u) << line;
      // A word never ends within the four bytes of a flame.
      const size_t flames = static_cast<size_t>(
          (line.size() - absl::StrReplaceAll(line, {{"=F0=9F=94=A5", ""}}).size()) / 12);
      EXPECT_EQ(flames * 12 + absl::StrReplaceAll(line, {{"=F0=9F=94=A5", ""}}).size(),
                line.size());
      EXPECT_THAT(absl::StrReplaceAll(line, {{"=F0=9F=94=A5", ""}}), Not(HasSubstr("=9F")));
      begin = line_end + 2;
    }
  }
}

TEST(BuildMailTest, FromHasItsNameQuotedOrInWords) {
  const std::string a64 = Repeated("a", 64);
  const struct {
    Mailbox from;
    std::string header;
  } kCases[] = {
      {{.address = "a@b.example"}, "From: a@b.example"},
      {{.name = "A B", .address = "a@b.example"}, "From: \"A B\" <a@b.example>"},
      {{.name = "A \"B\" \\C", .address = "a@b.example"},
       "From: \"A \\\"B\\\" \\\\C\" <a@b.example>"},
      {{.name = "Caf\xC3\xA9", .address = "a@b.example"},
       "From: =?UTF-8?Q?Caf=C3=A9?= <a@b.example>"},
      {{.name = "x\" <evil@e.example>, \"y", .address = "a@b.example"},
       "From: \"x\\\" <evil@e.example>, \\\"y\" <a@b.example>"},
      {{.name = "a\r\nBcc: b@c", .address = "a@b.example"}, "From: \"a Bcc: b@c\" <a@b.example>"},
      // 78 columns, then a line of its own for the address.
      {{.name = Repeated("n", 55), .address = "a@b.example"},
       absl::StrCat("From: \"", Repeated("n", 55), "\" <a@b.example>")},
      {{.name = Repeated("n", 56), .address = "a@bb.example"},
       absl::StrCat("From: \"", Repeated("n", 56), "\"\r\n <a@bb.example>")},
      // What cannot stand in an address leaves it.
      {{.address = "a@b.example>\r\nBcc: <c@d"}, "From: a@b.exampleBccc@d"},
      {{.address = std::string("a\0@b", 4)}, "From: a@b"},
  };
  for (const auto& c : kCases) {
    MailHead head = Head();
    head.from = c.from;
    const std::string mail = BuildMail(head, {.subject = "s", .text = "t", .html = "h"});
    EXPECT_EQ(BrokenMailRule(mail), "") << c.header;
    EXPECT_EQ(mail.substr(0, mail.find("\r\nTo:")), c.header);
  }
}

TEST(BuildMailTest, NothingInAnyFieldMakesAHeaderOrALineOfItsOwn) {
  // Every field in turn, every such text.
  const std::string kTexts[] = {
      "x\r\nBcc: evil@example.com",
      "x\nBcc: evil@example.com",
      "x\rBcc: evil@example.com",
      "x\r\n\r\nA body of its own",
      "x\r\n.\r\nMAIL FROM:<evil@example.com>",
      "x\n.\nMAIL FROM:<evil@example.com>",
      "x\r\n.\nMAIL FROM:<evil@example.com>",
      std::string("x\0y\r\n.\r\n", 9),
      "\xE2\x80\xA8\xC2\x85line separators",
      "\xFF\xFE\xC3",
      Repeated("long ", 4000),
      Repeated("unbroken", 4000),
      Repeated(".\r\n", 500),
      Repeated("\xE4\xB8\x89", 4000),
      Repeated("From x\n", 20),
      " \t ",
  };
  for (const std::string& text : kTexts) {
    for (int field = 0; field < 10; ++field) {
      MailHead head = Head();
      Digest digest{.subject = "s", .text = "t", .html = "h"};
      std::string* const kFields[] = {&head.from.name,  &head.from.address, &head.to,
                                      &head.message_id, &head.in_reply_to,  &head.references,
                                      &head.list_id,    &digest.subject,    &digest.text,
                                      &digest.html};
      *kFields[field] = text;
      EXPECT_EQ(BrokenMailRule(BuildMail(head, digest)), "") << "field " << field << ": " << text;
    }
  }
}

TEST(BuildMailTest, TheBoundaryInABodyIsText) {
  const std::string mail = BuildMail(Head(), {.subject = "s", .text = "t", .html = "h"});
  const size_t begin = mail.find("boundary=\"") + 10;
  const std::string boundary = mail.substr(begin, mail.find('"', begin) - begin);
  const std::string forged = absl::StrCat("a\n--", boundary, "\n\nb\n--", boundary, "--\n");
  EXPECT_EQ(BrokenMailRule(BuildMail(Head(), {.subject = "s", .text = forged, .html = forged})),
            "");
}

TEST(BuildMailTest, EncodingIsTheShorterOne) {
  const auto encodings = [](const std::string& text) {
    const std::string mail = BuildMail(Head(), {.subject = "s", .text = text, .html = "h"});
    const size_t begin = mail.find("Encoding: ") + 10;
    return mail.substr(begin, mail.find("\r\n", begin) - begin);
  };
  EXPECT_EQ(encodings("plain"), "quoted-printable");
  EXPECT_EQ(encodings("mostly plain, with an \xC3\xA9 in it"), "quoted-printable");
  EXPECT_EQ(encodings(Repeated("\xE4\xB8\x89", 20)), "base64");
}

TEST(MailboxTest, Accepted) {
  const std::string local64 = Repeated("l", 64);
  const std::string label63 = Repeated("d", 63);
  // 254 bytes: 64, "@", 63 + 1 + 63 + 1 + 61.
  const std::string longest =
      absl::StrCat(local64, "@", label63, ".", label63, ".", Repeated("d", 61));
  const struct {
    std::string text;
    Mailbox mailbox;
  } kCases[] = {
      {"a@b", {.address = "a@b"}},
      {"  a@b.example ", {.address = "a@b.example"}},
      {"<a@b.example>", {.address = "a@b.example"}},
      {"Understudy <understudy@example.com>",
       {.name = "Understudy", .address = "understudy@example.com"}},
      {"\"Ops (night)\" <ops@example.com>", {.name = "Ops (night)", .address = "ops@example.com"}},
      {"\"a \\\"b\\\" \\\\\" <ops@example.com>",
       {.name = "a \"b\" \\", .address = "ops@example.com"}},
      {"Caf\xC3\xA9 <cafe@example.com>", {.name = "Caf\xC3\xA9", .address = "cafe@example.com"}},
      {"a.b+c_d-e@sub.example.com", {.address = "a.b+c_d-e@sub.example.com"}},
      {"!#$%&'*+-/=?^_`{|}~@example.com", {.address = "!#$%&'*+-/=?^_`{|}~@example.com"}},
      {"a@xn--bcher-kva.example", {.address = "a@xn--bcher-kva.example"}},
      {"a@192.0.2.1", {.address = "a@192.0.2.1"}},
      {longest, {.address = longest}},
      {absl::StrCat(Repeated("n", kMaxMailboxNameBytes), " <a@b>"),
       {.name = Repeated("n", kMaxMailboxNameBytes), .address = "a@b"}},
  };
  for (const auto& c : kCases) {
    const absl::StatusOr<Mailbox> mailbox = ParseMailbox(c.text);
    ASSERT_TRUE(mailbox.ok()) << c.text << ": " << mailbox.status();
    EXPECT_EQ(*mailbox, c.mailbox);
  }
  EXPECT_EQ(ParseMailbox("A <a@b.example>")->domain(), "b.example");
}

TEST(MailboxTest, Refused) {
  const std::string label63 = Repeated("d", 63);
  const struct {
    std::string text;
    const char* why;
  } kCases[] = {
      {"", "has no \"@\""},
      {"ops", "has no \"@\""},
      {"Ops <>", "has no \"@\""},
      {"ops@", "no domain name"},
      {"ops@-a.example", "no domain name"},
      {"ops@a-.example", "no domain name"},
      {"ops@a..example", "no domain name"},
      {"ops@example.com.", "no domain name"},
      {"ops@b\xC3\xBC"
       "cher.example",
       "no domain name"},
      {"ops@[192.0.2.1]", "no domain name"},
      {"ops@exa mple.com", "no domain name"},
      {absl::StrCat("a@", label63, "d"), "no domain name"},
      {"@example.com", "left of \"@\""},
      {".a@example.com", "left of \"@\""},
      {"a.@example.com", "left of \"@\""},
      {"a..b@example.com", "left of \"@\""},
      {"a b@example.com", "left of \"@\""},
      {"a@b@example.com", "left of \"@\""},
      {"\"a b\"@example.com", "left of \"@\""},
      {"a, b@example.com", "left of \"@\""},
      {"caf\xC3\xA9@example.com", "left of \"@\""},
      {"ops@example.com (night)", "no domain name"},
      {Repeated("l", 65) + "@example.com", "more than 64 bytes"},
      {absl::StrCat(Repeated("l", 64), "@", label63, ".", label63, ".", Repeated("d", 62)),
       "more than 254 bytes"},
      {"Ops (night) <ops@example.com>", "double quotes"},
      {"a@b, Ops <ops@example.com>", "double quotes"},
      {"group: Ops <ops@example.com>", "double quotes"},
      {"\"Ops <ops@example.com>", "double quotes"},
      {"\"Ops\\\" <ops@example.com>", "double quotes"},
      {"\"Ops\" x <ops@example.com>", "double quotes"},
      {"Ops <<ops@example.com>", "double quotes"},
      {"Ops <ops@example.com>>", "no domain name"},
      {"ops@example.com>", "no \"<\""},
      {absl::StrCat(Repeated("n", kMaxMailboxNameBytes + 1), " <a@b>"), "more than 200 bytes"},
      {"ops@example.com\r\nBcc: evil@example.com", "control character"},
      {std::string("a\0@example.com", 14), "control character"},
      {"\xFF <ops@example.com>", "not UTF-8"},
  };
  for (const auto& c : kCases) {
    const absl::StatusOr<Mailbox> mailbox = ParseMailbox(c.text);
    ASSERT_FALSE(mailbox.ok()) << c.text;
    EXPECT_EQ(mailbox.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(mailbox.status().message()), HasSubstr(c.why)) << c.text;
  }
}

}  // namespace
}  // namespace understudy::notifier
