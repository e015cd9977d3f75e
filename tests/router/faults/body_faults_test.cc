// Faults of bodies: their size, coding, type and charset, by their rows in the fault table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/twilio/documents.h"
#include "tests/router/faults/answer_row.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using router::Kind;
using router::Phase;

constexpr absl::Duration kAtOnce = absl::Milliseconds(100);
constexpr absl::Duration kSoon = absl::Seconds(10);  // a test that waits longer has failed
constexpr size_t kLimit = 65536;

// A document of exactly `bytes` bytes.
std::string DocumentOf(size_t bytes) {
  constexpr absl::string_view kStart = "<Response><!-- ";
  constexpr absl::string_view kEnd = " --></Response>";
  return absl::StrCat(kStart, std::string(bytes - kStart.size() - kEnd.size(), 'x'), kEnd);
}

Reply Coded(absl::string_view coding, std::string body) {
  return {.headers = {{"Content-Encoding", std::string(coding)}}, .body = std::move(body)};
}

Reply InChunks(absl::string_view body) {
  return {.headers = {{"Transfer-Encoding", "chunked"}}, .body = Chunked(body)};
}

Reply OfType(absl::string_view type, std::string body = kPrimaryDocument) {
  return {.content_type = std::string(type), .body = std::move(body)};
}

ExpectedFault TooLarge(absl::string_view detail) {
  return {.classic = 11750,
          .phase = Phase::kContent,
          .detail = std::string(detail),
          .http_status = 200,
          .no_later = kAtOnce};
}

// The head was in order, unless the status is 0.
ExpectedFault Malformed(Phase phase, absl::string_view detail, int status) {
  return {.classic = 11206,
          .specific = 11251,
          .phase = phase,
          .detail = std::string(detail),
          .http_status = status,
          .no_later = kAtOnce};
}

ExpectedFault BadCoding() {
  return Malformed(Phase::kProtocol, "the Content-Encoding is not gzip, once", 0);
}

ExpectedFault TooManyCodings() {
  return Malformed(Phase::kProtocol, "too many codings", 0);
}

ExpectedFault WrongType(int classic, int specific, absl::string_view detail) {
  return {.classic = classic,
          .specific = specific,
          .phase = Phase::kContent,
          .detail = std::string(detail),
          .http_status = 200,
          .no_later = kAtOnce};
}

ExpectedFault NotADocument(absl::string_view detail) {
  return {.classic = 12100,
          .phase = Phase::kParse,
          .detail = std::string(detail),
          .http_status = 200,
          .no_later = kAtOnce};
}

// UTF-16 with a byte order mark.
std::string Utf16(absl::string_view ascii, bool little_endian) {
  std::string text = little_endian ? "\xFF\xFE" : "\xFE\xFF";
  for (const char c : ascii) {
    text += little_endian ? std::string({c, '\0'}) : std::string({'\0', c});
  }
  return text;
}

std::vector<FaultRow> SizeRows() {
  const std::string head = ToBytes({.headers = {{"Content-Length", "65537"}}});
  return {
      {"B1_OneByteTooMuchByLength", Script{}.Send(head).SendEndlessly(std::string(4096, 'x')),
       TooLarge("65537 bytes; the limit is 65536")},
      {"B1_OneByteTooMuchByLengthAndNoneSent", Script{}.Send(head).Stall(),
       TooLarge("65537 bytes; the limit is 65536")},
      {"B2_OneByteTooMuchInChunks", InChunks(DocumentOf(kLimit + 1)),
       TooLarge("more than 65536 bytes")},
      {"B2_AMegabyteInChunks", InChunks(DocumentOf(1 << 20)), TooLarge("more than 65536 bytes")},
      {"B2_ChunksWithoutEnd",
       Script{}
           .Send(ToBytes({.headers = {{"Transfer-Encoding", "chunked"}}}))
           .SendEndlessly(absl::StrCat("1000\r\n", std::string(4096, 'x'), "\r\n")),
       TooLarge("more than 65536 bytes")},
      {"B2_BytesWithoutEnd",
       Script{}
           .Send("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n")
           .SendEndlessly(std::string(4096, 'x')),
       TooLarge("more than 65536 bytes")},
      {"B4_OneByteTooMuchDecoded", Coded("gzip", Gzip(DocumentOf(kLimit + 1))),
       TooLarge("more than 65536 bytes, decoded")},
      {"B4_FiftyMegabytesDecoded", Coded("gzip", Gzip(DocumentOf(50 << 20))),
       TooLarge("more than 65536 bytes, decoded")},
  };
}

std::vector<FaultRow> CodingRows() {
  const std::string gzip = Gzip(kPrimaryDocument);
  std::string corrupt = gzip;
  corrupt[corrupt.size() / 2] ^= 0x55;
  std::string wrong_sum = gzip;
  wrong_sum[wrong_sum.size() - 5] ^= 0x55;
  return {
      {"B5_CorruptGzip", Coded("gzip", corrupt), Malformed(Phase::kBody, "Content-Encoding", 200)},
      {"B5_GzipWithAWrongSum", Coded("gzip", wrong_sum),
       Malformed(Phase::kBody, "Content-Encoding", 200)},
      {"B5_NoGzipThoughItSaysSo", Coded("gzip", kPrimaryDocument),
       Malformed(Phase::kBody, "Content-Encoding", 200)},
      // libcurl hands on what it could decode and does not say that the end is missing: the
      // document is found to be cut, not the coding.
      {"B5_CutGzip", Coded("gzip", gzip.substr(0, gzip.size() / 2)), NotADocument("ends")},
      {"B5_CutGzipInChunks",
       Reply{.headers = {{"Content-Encoding", "gzip"}, {"Transfer-Encoding", "chunked"}},
             .body = Chunked(gzip.substr(0, gzip.size() / 2))},
       NotADocument("ends")},
      {"B6_Br", Coded("br", kPrimaryDocument), BadCoding()},
      {"B6_Deflate", Coded("deflate", kPrimaryDocument), BadCoding()},
      {"B6_Zstd", Coded("zstd", kPrimaryDocument), BadCoding()},
      {"B6_Unknown", Coded("foo", kPrimaryDocument), BadCoding()},
      {"B7_TwoStacked", Coded("gzip, gzip", Gzip(gzip)), BadCoding()},
      {"B7_SixStacked", Coded("gzip, gzip, gzip, gzip, gzip, gzip", gzip), TooManyCodings()},
      {"B7_SixHeaders", Reply{.headers = Fields(6, {"Content-Encoding", "gzip"}), .body = gzip},
       TooManyCodings()},
  };
}

std::vector<FaultRow> TimeRows() {
  const std::string half = absl::StrCat(
      "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n<Response>");
  ExpectedFault slow = {.classic = 11205,
                        .specific = 11203,
                        .phase = Phase::kBody,
                        .detail = "total time was over in the middle of the response's body",
                        .http_status = 200,
                        .no_sooner = absl::Milliseconds(300),
                        .no_later = absl::Milliseconds(300)};
  ExpectedFault silent = slow;
  silent.specific = 0;
  silent.detail = "read timeout passed in the middle of the response's body";
  return {
      {"B8_AByteNowAndThen",
       Script{}.Send(half).SendSlowly(std::string(500, 'x'), absl::Milliseconds(20)).Stall(),
       slow,
       {},
       "#rt=200&tt=300"},
      {"B9_HalfThenSilenceUntilTheTimeIsOver", Script{}.Send(half).Stall(), slow, {}, "#tt=300"},
      {"B9_HalfThenSilenceUntilTheReadTimeout", Script{}.Send(half).Stall(), silent, {}, "#rt=300"},
      {"B9_APartialAnswerIsNotAskedForAgain",
       Script{}.Send(half).Stall(),
       silent,
       {},
       "#rt=300&rc=3&rp=all"},
  };
}

std::vector<FaultRow> TypeRows() {
  const Asking message = {.kind = Kind::kMessaging};
  return {
      {"B10_NoContentType", OfType(""), WrongType(12300, 11200, "no Content-Type")},
      {"B10_EmptyContentType",
       Reply{.content_type = "", .headers = {{"Content-Type", ""}}, .body = kPrimaryDocument},
       WrongType(12300, 11200, "no Content-Type")},
      {"B11_Json", OfType("application/json"), WrongType(12300, 0, "is application/json")},
      {"B11_Png", OfType("image/png"), WrongType(12300, 0, "is image/png")},
      {"B11_Octets", OfType("application/octet-stream"), WrongType(12300, 0, "octet-stream")},
      {"B11_XhtmlXml", OfType("application/xhtml+xml"), WrongType(12300, 0, "xhtml")},
      {"B11_NoType", OfType("; charset=utf-8"), WrongType(12300, 0, "Content-Type")},
      {"B13_AudioForAMessage", OfType("audio/mpeg"), WrongType(12300, 0, "audio/mpeg"), message},
      {"B13_AudioOfAnUnknownKind", OfType("audio/ogg"), WrongType(12300, 0, "audio/ogg")},
      {"B19_Mp3LabelledWav", OfType("audio/x-wav", "ID3\x04 and so on"),
       WrongType(11200, 0, "is audio/x-wav, but the body begins like MPEG audio")},
      {"B19_WavLabelledMp3", OfType("audio/mpeg", "RIFF....WAVEfmt "),
       WrongType(11200, 0, "is audio/mpeg, but the body begins like a WAVE file")},
      {"B14_TwoTypes",
       Reply{.headers = {{"Content-Type", "application/xml"}}, .body = kPrimaryDocument},
       WrongType(12300, 0, "two Content-Type")},
      {"B15_BytesTheCharsetDoesNotHave",
       OfType("text/xml; charset=utf-8",
              "<?xml version=\"1.0\" "
              "encoding=\"iso-8859-1\"?><Response><Say>caf\xe9</Say></Response>"),
       NotADocument("not UTF-8")},
      {"B15_BytesAsciiDoesNotHave",
       OfType("text/xml; charset=us-ascii", "<Response><Say>caf\xc3\xa9</Say></Response>"),
       NotADocument("not US-ASCII")},
      {"B15_UnknownCharset", OfType("text/xml; charset=klingon"), NotADocument("\"klingon\"")},
      {"B17_TrailingNul", OfType("text/xml", absl::StrCat(kPrimaryDocument, std::string(1, '\0'))),
       NotADocument("line 1, column 38")},
  };
}

using BodyFault = FaultTable;

TEST_P(BodyFault, IsAnsweredByTheFallback) {
  ExpectFallback();
  // Whatever was left of the body was not waited for.
  EXPECT_TRUE(WaitFor([this] { return primary_.open_connections() <= 1; }, kSoon));
}

INSTANTIATE_TEST_SUITE_P(Sizes, BodyFault, ::testing::ValuesIn(SizeRows()), kRowName);
INSTANTIATE_TEST_SUITE_P(Codings, BodyFault, ::testing::ValuesIn(CodingRows()), kRowName);
INSTANTIATE_TEST_SUITE_P(Times, BodyFault, ::testing::ValuesIn(TimeRows()), kRowName);
INSTANTIATE_TEST_SUITE_P(Types, BodyFault, ::testing::ValuesIn(TypeRows()), kRowName);

std::vector<AnswerRow> GoodRows() {
  const Asking message = {.kind = Kind::kMessaging};
  const std::string largest = DocumentOf(kLimit);
  const std::string latin1 =
      "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><Response><Say>caf\xe9</Say></Response>";
  const std::string latin1_as_utf8 =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"     ?><Response><Say>caf\xc3\xa9</Say></Response>";
  const std::string utf8 = "<Response><Say>caf\xc3\xa9</Say></Response>";
  return {
      {"B3_TheLargestByLength", Reply{.body = largest}, largest},
      {"B3_TheLargestInChunks", InChunks(largest), largest},
      {"B3_TheLargestUntilTheEnd",
       Script{}.Send("HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n" + largest).Close(),
       largest},
      {"B3_TheLargestDecoded", Coded("gzip", Gzip(largest)), largest},
      {"B6_Gzip", Coded("gzip", Gzip(kPrimaryDocument))},
      {"B6_XGzip", Coded("x-gzip", Gzip(kPrimaryDocument))},
      {"B6_Identity", Coded("identity", kPrimaryDocument)},
      {"B12_TypeInCapitalsWithCharset", OfType("TEXT/XML; Charset=\"utf-8\"")},
      {"B12_TypeWithATrailingSemicolon", OfType("application/xml;")},
      {"B12_TheSameTypeTwice",
       Reply{.headers = {{"Content-Type", "text/xml"}}, .body = kPrimaryDocument}},
      {"B13_HtmlThatIsTwiml", OfType("text/html")},
      {"B13_TextThatIsTwiml", OfType("text/plain")},
      {"B13_TextIsSaidToACaller", OfType("text/plain", "Hello & goodbye"),
       twilio::SayDocument("Hello & goodbye")},
      {"B13_TextIsTheReplyToAMessage", OfType("text/plain", "Hello & goodbye"),
       twilio::MessageDocument("Hello & goodbye"), message},
      {"B15_TheHeaderGoesBeforeTheDeclaration",
       OfType("text/xml; charset=utf-8", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" + utf8),
       "<?xml version=\"1.0\" encoding=\"UTF-8\"     ?>" + utf8},
      {"B15_TheByteOrderMarkGoesBeforeTheHeader",
       OfType("text/xml; charset=iso-8859-1", "\xEF\xBB\xBF" + utf8), utf8},
      {"B16_Utf8WithAMark", OfType("text/xml", std::string("\xEF\xBB\xBF") + kPrimaryDocument)},
      {"B16_Utf16LittleEndian", OfType("text/xml", Utf16(kPrimaryDocument, true))},
      {"B16_Utf16BigEndian", OfType("text/xml", Utf16(kPrimaryDocument, false))},
      {"B16_Latin1Declared", OfType("text/xml", latin1), latin1_as_utf8},
      {"B16_Latin1InTheHeader",
       OfType("text/xml; charset=iso-8859-1", "<Response><Say>caf\xe9</Say></Response>"), utf8},
      {"B17_TrailingWhiteSpace", OfType("text/xml", absl::StrCat(kPrimaryDocument, " \r\n\t\n")),
       absl::StrCat(kPrimaryDocument, " \r\n\t\n")},
  };
}

using GoodBody = AnswerTable;

TEST_P(GoodBody, IsTaken) {
  ExpectPrimary();
}

INSTANTIATE_TEST_SUITE_P(Table, GoodBody, ::testing::ValuesIn(GoodRows()), kRowName);

TEST(BodyFaults, B6_GzipIsTheOnlyCodingOffered) {
  FaultWorld world;
  Origin primary;
  primary.On(kIndex, Reply{.body = kPrimaryDocument});
  world.ExpectPrimary(primary.url(kIndex));
  EXPECT_EQ(primary.requests()[0].header("Accept-Encoding"), "gzip");
}

// The limit is that of documents.
TEST(BodyFaults, B18_AudioMayBeOfAnySize) {
  FaultWorld world;
  Origin primary;
  const std::string url = primary.url("/sound");
  const std::string document = twilio::PlayDocument(url);
  for (const size_t bytes : {kLimit, kLimit + 1, 100 * kLimit}) {
    const std::string sound = "ID3" + std::string(bytes - 3, '\0');
    primary.On("/sound", OfType("audio/mpeg", sound));
    world.ExpectPrimary(url, {}, document);
    Reply chunked = InChunks(sound);
    chunked.content_type = "audio/mpeg";
    primary.On("/sound", chunked);
    world.ExpectPrimary(url, {}, document);
  }
  // A live stream is not waited for.
  primary.On("/sound", Script{}
                           .Send("HTTP/1.1 200 OK\r\nContent-Type: audio/ulaw\r\n\r\n")
                           .SendEndlessly(std::string(4096, '\xFF')));
  world.ExpectPrimary(url, {}, document);
  EXPECT_TRUE(WaitFor([&] { return primary.open_connections() <= 1; }, kSoon));
}

TEST(BodyFaults, B13_AudioIsPlayedToACaller) {
  FaultWorld world;
  Origin primary;
  for (const std::string type : {"audio/mpeg", "audio/wav", "audio/x-gsm"}) {
    primary.On("/sound", OfType(type, std::string("\x00\xff not a document", 17)));
    const std::string url = primary.url("/sound?a=1&b=2");
    world.ExpectPrimary(url, {}, twilio::PlayDocument(url));
  }
}

}  // namespace
}  // namespace understudy::testing
