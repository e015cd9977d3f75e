#include "services/router/resolve/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/sim/replies.h"

namespace understudy::router {
namespace {

using ::testing::ElementsAre;
using testing::Failed;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kMessagingTwiml;
using testing::kVoiceTwiml;
using testing::RedirectTo;
using testing::Status;

constexpr char kUrl[] = "https://www.example.com/voice?a=1&b=2";
constexpr char kPlayed[] =
    "<Response><Play>https://www.example.com/voice?a=1&amp;b=2</Play><Hangup/></Response>";
constexpr Kind kKinds[] = {Kind::kVoice, Kind::kMessaging};
constexpr RetrievalCodes kBothCodes[] = {RetrievalCodes::kClassic, RetrievalCodes::kSpecific};

Verdict Judged(const Reply& reply, Kind kind = Kind::kVoice,
               RetrievalCodes codes = RetrievalCodes::kClassic) {
  return Judge(reply, kind, codes, kUrl);
}

// "TwiML", "to LOCATION" or "CODE": enough to tell verdicts apart.
std::string Brief(const Verdict& verdict) {
  if (const auto* document = std::get_if<Document>(&verdict)) return document->twiml;
  if (const auto* redirect = std::get_if<Redirect>(&verdict)) {
    return absl::StrCat(redirect->keep_method ? "again to " : "to ", redirect->location);
  }
  return absl::StrCat(std::get<Failure>(verdict).code);
}

Failure FailureOf(const Verdict& verdict) {
  EXPECT_TRUE(std::holds_alternative<Failure>(verdict)) << Brief(verdict);
  return std::holds_alternative<Failure>(verdict) ? std::get<Failure>(verdict) : Failure{};
}

Document DocumentOf(const Verdict& verdict) {
  EXPECT_TRUE(std::holds_alternative<Document>(verdict)) << Brief(verdict);
  return std::holds_alternative<Document>(verdict) ? std::get<Document>(verdict) : Document{};
}

Reply Body(absl::string_view body, absl::string_view content_type = "text/xml", int status = 200) {
  Reply reply = testing::Document(body, content_type);
  reply.status = status;
  return reply;
}

TEST(JudgeTest, EveryErrorBelowHttpHasItsCodes) {
  const struct {
    NetError error;
    int classic;
    int specific;
    RetryClass retry;
  } kRows[] = {
      {NetError::kNameNotFound, 11210, 11210, RetryClass::kNever},
      {NetError::kDnsFailed, 11210, 11210, RetryClass::kNever},
      {NetError::kDnsTimeout, 11210, 11210, RetryClass::kNever},
      {NetError::kAddressDenied, 11205, 11205, RetryClass::kNever},
      {NetError::kConnectTimeout, 11205, 11201, RetryClass::kConnect},
      {NetError::kConnectRefused, 11205, 11202, RetryClass::kConnect},
      {NetError::kUnreachable, 11205, 11202, RetryClass::kConnect},
      {NetError::kTlsHandshake, 11220, 11220, RetryClass::kConnect},
      {NetError::kTlsTimeout, 11220, 11220, RetryClass::kConnect},
      {NetError::kCertificateName, 11235, 11235, RetryClass::kNever},
      {NetError::kCertificateExpired, 11236, 11236, RetryClass::kNever},
      {NetError::kCertificateUntrusted, 11237, 11237, RetryClass::kNever},
      {NetError::kReadTimeout, 11205, 11205, RetryClass::kRead},
      {NetError::kTotalTimeout, 11205, 11203, RetryClass::kNever},
      {NetError::kConnectionLost, 11205, 11205, RetryClass::kNever},
      {NetError::kMalformed, 11206, 11251, RetryClass::kNever},
      {NetError::kBodyTooLarge, 11750, 11750, RetryClass::kNever},
      {NetError::kNoResources, 12400, 12400, RetryClass::kNever},
  };
  // Neither a failure nor the caller's going away has a code; every other error is in the table.
  EXPECT_EQ(std::size(kRows), static_cast<size_t>(NetError::kNoResources) + 1 - 2);
  EXPECT_EQ(CodeOf(NetError::kNone, RetrievalCodes::kClassic), 0);
  EXPECT_EQ(CodeOf(NetError::kCancelled, RetrievalCodes::kSpecific), 0);

  for (const auto& row : kRows) {
    SCOPED_TRACE(static_cast<int>(row.error));
    for (const Kind kind : kKinds) {
      for (const RetrievalCodes codes : kBothCodes) {
        const int code = codes == RetrievalCodes::kClassic ? row.classic : row.specific;
        EXPECT_EQ(CodeOf(row.error, codes), code);

        Reply reply = Failed(row.error);
        reply.phase = Phase::kTls;
        reply.detail = "as it was told";
        const Failure failure = FailureOf(Judged(reply, kind, codes));
        EXPECT_EQ(failure.code, code);
        EXPECT_EQ(failure.phase, Phase::kTls);
        EXPECT_EQ(failure.detail, "as it was told");
        EXPECT_EQ(failure.retry, row.retry);

        // What was answered in part is never asked for again.
        EXPECT_EQ(FailureOf(Judged(Failed(row.error, /*answered=*/true), kind, codes)).retry,
                  RetryClass::kNever);
      }
    }
  }
}

TEST(JudgeTest, StatusesThatAreFailures) {
  const struct {
    int status;
    RetryClass retry;
  } kRows[] = {
      {100, RetryClass::kNever}, {101, RetryClass::kNever}, {199, RetryClass::kNever},
      {400, RetryClass::k4xx},   {401, RetryClass::k4xx},   {403, RetryClass::k4xx},
      {404, RetryClass::k4xx},   {405, RetryClass::k4xx},   {410, RetryClass::k4xx},
      {429, RetryClass::k4xx},   {499, RetryClass::k4xx},   {500, RetryClass::k5xx},
      {502, RetryClass::k5xx},   {503, RetryClass::k5xx},   {504, RetryClass::k5xx},
      {599, RetryClass::k5xx},   {600, RetryClass::kNever}, {999, RetryClass::kNever},
  };
  for (const auto& row : kRows) {
    for (const Kind kind : kKinds) {
      // A document in the body of an error is not read.
      const Reply reply =
          Body(kind == Kind::kVoice ? kVoiceTwiml : kMessagingTwiml, "text/xml", row.status);
      const Failure classic = FailureOf(Judged(reply, kind, RetrievalCodes::kClassic));
      EXPECT_EQ(classic.code, 11200) << row.status;
      EXPECT_EQ(classic.phase, Phase::kStatus) << row.status;
      EXPECT_EQ(classic.retry, row.retry) << row.status;
      EXPECT_THAT(classic.detail, HasSubstr(absl::StrCat(row.status)));
      EXPECT_EQ(FailureOf(Judged(reply, kind, RetrievalCodes::kSpecific)).code, 11217)
          << row.status;
    }
  }
}

TEST(JudgeTest, EveryStatusOf2xxCanCarryADocument) {
  for (const int status : {200, 201, 202, 203, 206, 299}) {
    EXPECT_EQ(Brief(Judged(Body(kVoiceTwiml, "text/xml", status))), kVoiceTwiml) << status;
  }
}

TEST(JudgeTest, Redirects) {
  const struct {
    int status;
    const char* verdict;
  } kRows[] = {
      {300, "11216"}, {301, "to /next"}, {302, "to /next"},       {303, "to /next"}, {304, "11216"},
      {305, "11216"}, {306, "11216"},    {307, "again to /next"}, {308, "11216"},    {399, "11216"},
  };
  for (const auto& row : kRows) {
    for (const RetrievalCodes codes : kBothCodes) {
      const Verdict verdict = Judged(RedirectTo("/next", row.status), Kind::kVoice, codes);
      EXPECT_EQ(Brief(verdict), row.verdict) << row.status;
      if (const auto* failure = std::get_if<Failure>(&verdict)) {
        EXPECT_EQ(failure->phase, Phase::kRedirect) << row.status;
        EXPECT_EQ(failure->retry, RetryClass::kNever) << row.status;
      }
    }
  }
}

TEST(JudgeTest, ARedirectNeedsOneLocation) {
  Reply reply = Status(302);
  EXPECT_EQ(Brief(Judged(reply)), "11216");

  reply.headers = {{"location", "/a"}};
  EXPECT_EQ(Brief(Judged(reply)), "to /a");
  reply.headers = {{"Location", "/a"}, {"LOCATION", "/a"}};
  EXPECT_EQ(Brief(Judged(reply)), "to /a");
  reply.headers = {{"Location", "/a"}, {"Location", "/b"}};
  EXPECT_EQ(Brief(Judged(reply)), "11216");

  // Empty or unreadable is for the one who follows it to find out.
  EXPECT_EQ(Brief(Judged(RedirectTo(""))), "to ");
}

TEST(JudgeTest, EmptyBodies) {
  const struct {
    int status;
    bool chunked;
    const char* voice;
    const char* messaging;
  } kRows[] = {
      {200, false, "12100", "11200"},
      {200, true, "11770", "11770"},
      {201, false, "12100", "11200"},
      {204, false, "12100", "<Response/>"},
  };
  for (const auto& row : kRows) {
    Reply reply = Status(row.status);
    reply.chunked = row.chunked;
    for (const RetrievalCodes codes : kBothCodes) {
      EXPECT_EQ(Brief(Judged(reply, Kind::kVoice, codes)), row.voice) << row.status;
      EXPECT_EQ(Brief(Judged(reply, Kind::kMessaging, codes)), row.messaging) << row.status;
    }
    // With a type it is as empty.
    reply.headers = {{"Content-Type", "text/xml"}};
    EXPECT_EQ(Brief(Judged(reply, Kind::kVoice)), row.voice) << row.status;
  }
}

TEST(JudgeTest, TypesOfDocuments) {
  for (const char* type :
       {"text/xml", "application/xml", "text/html", "TEXT/XML; Charset=\"utf-8\"",
        "application/xml;", "text/html; charset=UTF-8; level=1", " text/xml "}) {
    EXPECT_EQ(Brief(Judged(Body(kVoiceTwiml, type))), kVoiceTwiml) << type;
    EXPECT_EQ(Brief(Judged(Body(kMessagingTwiml, type), Kind::kMessaging)), kMessagingTwiml)
        << type;
  }
}

TEST(JudgeTest, TypesThatAreRefused) {
  for (const char* type :
       {"application/pdf", "application/json", "image/png", "text/xhtml", "application/xhtml+xml",
        "text", "xml", "video/mp4", "audio/ogg", "text/xml, text/html", ";charset=utf-8"}) {
    for (const Kind kind : kKinds) {
      for (const RetrievalCodes codes : kBothCodes) {
        const Failure failure = FailureOf(Judged(Body(kVoiceTwiml, type), kind, codes));
        EXPECT_EQ(failure.code, 12300) << type;
        EXPECT_EQ(failure.phase, Phase::kContent) << type;
      }
    }
  }
}

TEST(JudgeTest, WithoutAType) {
  Reply reply = Body(kVoiceTwiml);
  for (const Headers& headers : {Headers{}, Headers{{"Content-Type", " "}}}) {
    reply.headers = headers;
    EXPECT_EQ(Brief(Judged(reply, Kind::kVoice, RetrievalCodes::kClassic)), "12300");
    EXPECT_EQ(Brief(Judged(reply, Kind::kVoice, RetrievalCodes::kSpecific)), "11200");
  }
}

TEST(JudgeTest, WithTwoTypes) {
  Reply reply = Body(kVoiceTwiml);
  reply.headers = {{"Content-Type", "text/xml"}, {"content-type", "text/xml"}};
  EXPECT_EQ(Brief(Judged(reply)), kVoiceTwiml);
  reply.headers = {{"Content-Type", "text/xml"}, {"content-type", "text/html"}};
  EXPECT_EQ(Brief(Judged(reply)), "12300");
}

TEST(JudgeTest, PlainTextIsTwimlOrWords) {
  EXPECT_EQ(Brief(Judged(Body(kVoiceTwiml, "text/plain"))), kVoiceTwiml);
  EXPECT_EQ(Brief(Judged(Body(kMessagingTwiml, "text/plain"), Kind::kMessaging)), kMessagingTwiml);

  const Reply words = Body("Please call later & <soon>", "text/plain; charset=utf-8");
  EXPECT_EQ(Brief(Judged(words)),
            "<Response><Say>Please call later &amp; &lt;soon&gt;</Say><Hangup/></Response>");
  EXPECT_EQ(Brief(Judged(words, Kind::kMessaging)),
            "<Response><Message>Please call later &amp; &lt;soon&gt;</Message></Response>");
  // Well-formed, and still no TwiML.
  EXPECT_EQ(Brief(Judged(Body("<a/>", "text/plain"))),
            "<Response><Say>&lt;a/&gt;</Say><Hangup/></Response>");
}

TEST(JudgeTest, OfTextItIsSaidThatItIsTooLong) {
  const struct {
    Kind kind;
    size_t most;
    int code;
  } kRows[] = {{Kind::kVoice, 4096, 13521}, {Kind::kMessaging, 1600, 14103}};
  for (const auto& row : kRows) {
    const auto warnings = [&row](size_t characters) {
      return DocumentOf(Judged(Body(std::string(characters, 'x'), "text/plain"), row.kind))
          .warnings;
    };
    EXPECT_THAT(warnings(row.most), IsEmpty());
    ASSERT_EQ(warnings(row.most + 1).size(), 1u);
    EXPECT_EQ(warnings(row.most + 1)[0].code, row.code);
    // What escaping makes larger than any document is still said or sent.
    EXPECT_THAT(DocumentOf(Judged(Body(std::string(65536, '&'), "text/plain"), row.kind)).twiml,
                HasSubstr("&amp;&amp;"));
  }
}

TEST(JudgeTest, AudioIsPlayedToACall) {
  for (const char* type :
       {"audio/mpeg", "audio/wav", "audio/wave", "audio/x-wav", "audio/aiff", "audio/x-aifc",
        "audio/x-aiff", "audio/x-gsm", "audio/gsm", "audio/ulaw", "Audio/MPEG; rate=8000"}) {
    EXPECT_EQ(Brief(Judged(Body("sound", type))), kPlayed) << type;
    EXPECT_EQ(Brief(Judged(Body("sound", type), Kind::kMessaging)), "12300") << type;
  }
}

TEST(JudgeTest, AudioThatIsOfAnotherFormatThanItSays) {
  const struct {
    std::string bytes;
    std::vector<const char*> types;  // that the bytes do not contradict, of those with a head
  } kRows[] = {
      {"ID3\x04", {"audio/mpeg"}},
      {"\xFF\xFB\x90\x64", {"audio/mpeg"}},
      {"RIFF....WAVEfmt ", {"audio/wav", "audio/wave", "audio/x-wav"}},
      {"FORM....AIFFCOMM", {"audio/aiff", "audio/x-aiff", "audio/x-aifc"}},
      {"FORM....AIFCFVER", {"audio/aiff", "audio/x-aiff", "audio/x-aifc"}},
  };
  for (const auto& row : kRows) {
    for (const char* type : {"audio/mpeg", "audio/wav", "audio/wave", "audio/x-wav", "audio/aiff",
                             "audio/x-aiff", "audio/x-aifc"}) {
      const bool fits =
          std::find(row.types.begin(), row.types.end(), std::string(type)) != row.types.end();
      for (const RetrievalCodes codes : kBothCodes) {
        const Verdict verdict = Judged(Body(row.bytes, type), Kind::kVoice, codes);
        EXPECT_EQ(Brief(verdict), fits ? kPlayed : "11200") << type << row.bytes;
        if (fits) continue;
        EXPECT_EQ(FailureOf(verdict).phase, Phase::kContent);
        EXPECT_EQ(FailureOf(verdict).retry, RetryClass::kNever);
        EXPECT_THAT(FailureOf(verdict).detail, HasSubstr(type));
      }
    }
    for (const char* headless : {"audio/gsm", "audio/x-gsm", "audio/ulaw"}) {
      EXPECT_EQ(Brief(Judged(Body(row.bytes, headless))), kPlayed) << headless;
    }
  }
}

TEST(JudgeTest, DocumentsThatCannotBeExecuted) {
  const struct {
    const char* body;
    int code;
  } kRows[] = {
      {"<Response><Say>Hello</Say>", 12100},
      {"Hello", 12100},
      {" ", 12100},
      {" <?xml version=\"1.0\"?><Response/>", 12100},
      {"<!DOCTYPE Response><Response/>", 12100},
      {"<Response>\xFF</Response>", 12100},
      {"<Response version=\"2.0\"/>", 12101},
      {"<Foo/>", 12102},
      {"<html><body>502 Bad Gateway</body></html>", 12102},
  };
  for (const auto& row : kRows) {
    for (const Kind kind : kKinds) {
      for (const RetrievalCodes codes : kBothCodes) {
        const Failure failure = FailureOf(Judged(Body(row.body), kind, codes));
        EXPECT_EQ(failure.code, row.code) << row.body;
        EXPECT_EQ(failure.phase, Phase::kParse) << row.body;
        EXPECT_EQ(failure.retry, RetryClass::kNever) << row.body;
        EXPECT_FALSE(failure.detail.empty()) << row.body;
      }
    }
  }
  EXPECT_THAT(FailureOf(Judged(Body("<Response>\n  <Say></Sai>\n</Response>"))).detail,
              HasSubstr("line 2, column "));
}

TEST(JudgeTest, WarningsTravelWithTheDocument) {
  const Document document =
      DocumentOf(Judged(Body("<Response><Say mood=\"glad\">Hello</Say></Response>")));
  EXPECT_EQ(document.twiml, "<Response><Say mood=\"glad\">Hello</Say></Response>");
  ASSERT_EQ(document.warnings.size(), 1u);
  EXPECT_EQ(document.warnings[0].code, 12200);
  EXPECT_EQ(document.warnings[0].line, 1);
  EXPECT_GT(document.warnings[0].column, 0);
  EXPECT_THAT(document.warnings[0].message, HasSubstr("mood"));

  EXPECT_EQ(document.warnings[0].level, twilio::Level::kWarning);

  // Whatever its level, a finding about a verb is no reason to leave the document.
  const std::string misspelt = "<Response><Gather actionOnEmptyResult=\"x\"/></Response>";
  const Document taken = DocumentOf(Judged(Body(misspelt)));
  EXPECT_EQ(taken.twiml, misspelt);
  ASSERT_EQ(taken.warnings.size(), 1u);
  EXPECT_EQ(taken.warnings[0].code, 13338);
  EXPECT_EQ(taken.warnings[0].level, twilio::Level::kError);

  // A call's verb in a message is skipped.
  EXPECT_EQ(DocumentOf(Judged(Body(kVoiceTwiml), Kind::kMessaging)).warnings.size(), 2u);
  EXPECT_THAT(DocumentOf(Judged(Body(kVoiceTwiml))).warnings, IsEmpty());
}

TEST(JudgeTest, DocumentsLeaveInUtf8) {
  EXPECT_EQ(Brief(Judged(Body("<Response><Say>gr\xFC\xDF"
                              "e</Say></Response>",
                              "text/xml; charset=iso-8859-1"))),
            "<Response><Say>gr\xC3\xBC\xC3\x9F"
            "e</Say></Response>");
  EXPECT_EQ(Brief(Judged(Body("\xEF\xBB\xBF<Response/>"))), "<Response/>");
  const Failure failure = FailureOf(Judged(Body(kVoiceTwiml, "text/xml; charset=ebcdic")));
  EXPECT_EQ(failure.code, 12100);
  EXPECT_FALSE(failure.detail.empty());
}

}  // namespace
}  // namespace understudy::router
