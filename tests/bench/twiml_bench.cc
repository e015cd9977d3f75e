// What judging a document costs, beside what its parser alone costs on the same bytes; and how long
// the worst documents take.
//
//   twiml_bench [FILE]    prints tables, and writes them to FILE as JSON
//
// Times are CPU time of this thread. All ways of reading a document take turns, round by round, so
// that whatever else the machine does meets all of them. Exit status: 0, or 1 if a promise of
// docs/performance.md does not hold.
#include <expat.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/twilio/twiml.h"
#include "services/router/resolve/judge.h"

namespace understudy::testing {
namespace {

using absl::string_view;
using twilio::Kind;

constexpr int kRounds = 31;
constexpr double kRoundNanoseconds = 8e6;
constexpr double kRatioMax = 1.5;
constexpr double kWorstMillisecondsMax = 10;

double CpuNanoseconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// A result nobody reads might not be computed.
volatile size_t g_sink = 0;

void Keep(size_t result) {
  g_sink = g_sink + result;
}

std::string Repeated(size_t times, string_view text) {
  std::string out;
  for (size_t i = 0; i < times; ++i) absl::StrAppend(&out, text);
  return out;
}

constexpr char kHead[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

// A menu as an application writes it.
constexpr char kSmall[] =
    "<Response>\n"
    "  <Gather numDigits=\"1\" action=\"/menu\" timeout=\"5\">\n"
    "    <Say>For sales, press 1.</Say>\n"
    "  </Gather>\n"
    "  <Redirect>/menu</Redirect>\n"
    "</Response>\n";

constexpr char kSmallWithWarnings[] =
    "<Response>\n"
    "  <Gather numDigit=\"1\" action=\"/menu\" timeout=\"5s\">\n"
    "    <Say>For sales, press 1.</Say>\n"
    "  </Gather>\n"
    "  <redirect>/menu</redirect>\n"
    "</Response>\n";

// Of everything a little; the large document is many of these.
constexpr char kBlock[] =
    "  <Gather input=\"dtmf speech\" numDigits=\"1\" timeout=\"3\" speechTimeout=\"auto\"\n"
    "          action=\"https://www.example.com/voice/menu?step=2&amp;lang=en\" method=\"POST\"\n"
    "          language=\"en-US\" hints=\"sales, support, billing\">\n"
    "    <Say voice=\"Polly.Joanna\" language=\"en-US\">Welcome back. <break time=\"300ms\"/>\n"
    "      Your balance is <say-as interpret-as=\"cardinal\">1,250</say-as> dollars &amp; "
    "<emphasis level=\"moderate\">nothing</emphasis> is due.\n"
    "      <prosody rate=\"slow\">For sales press one, for support press two.</prosody></Say>\n"
    "    <Pause length=\"1\"/>\n"
    "    <Play loop=\"1\">https://media.example.com/prompts/menu-en.mp3</Play>\n"
    "  </Gather>\n"
    "  <Say voice=\"alice\" language=\"en-GB\">We did not hear anything, let me connect you to "
    "somebody who can help. This call may be recorded.</Say>\n"
    "  <!-- the night shift -->\n"
    "  <Dial callerId=\"+14155550100\" timeout=\"20\" record=\"record-from-answer\"\n"
    "        recordingStatusCallback=\"https://www.example.com/recordings\" "
    "answerOnBridge=\"true\"\n"
    "        action=\"/dialed\">\n"
    "    <Number statusCallback=\"https://www.example.com/events\"\n"
    "            statusCallbackEvent=\"initiated ringing answered completed\">+14155550123"
    "</Number>\n"
    "    <Client>\n"
    "      <Identity>jenny</Identity>\n"
    "      <Parameter name=\"queue\" value=\"support\"/>\n"
    "    </Client>\n"
    "  </Dial>\n"
    "  <Record maxLength=\"60\" transcribe=\"true\" playBeep=\"true\" finishOnKey=\"#\"\n"
    "          transcribeCallback=\"/transcriptions\"/>\n"
    "  <Enqueue waitUrl=\"https://www.example.com/wait\">support</Enqueue>\n";

constexpr char kBlockWithWarnings[] =
    "  <Gather input=\"dtmf voice\" numDigit=\"1\" timeout=\"3s\">\n"
    "    <Say voice=\"Polly.Joana\">Welcome back.</Say>\n"
    "    <Dial>+14155550123</Dial>\n"
    "  </Gather>\n";

constexpr char kMessage[] =
    "<Response>\n"
    "  <Message to=\"+14155550100\" statusCallback=\"/events\">\n"
    "    <Body>Your order has shipped.</Body>\n"
    "    <Media>https://media.example.com/order.png</Media>\n"
    "  </Message>\n"
    "</Response>\n";

std::string Large(string_view some_block) {
  constexpr size_t kBytes = 60000;
  std::string document = absl::StrCat(kHead, "<Response>\n", some_block);
  constexpr string_view kEnd = "</Response>\n";
  while (document.size() + sizeof(kBlock) + kEnd.size() <= kBytes) {
    absl::StrAppend(&document, kBlock);
  }
  return absl::StrCat(document, kEnd);
}

struct FreeParser {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};

// The parser and nothing else: kept, reset, told nothing to call.
void ParseAlone(string_view document) {
  static const std::unique_ptr<XML_ParserStruct, FreeParser> parser(XML_ParserCreate(nullptr));
  XML_ParserReset(parser.get(), nullptr);
  Keep(static_cast<size_t>(
      XML_Parse(parser.get(), document.data(), static_cast<int>(document.size()), XML_TRUE)));
}

struct Spread {
  double median = 0;
  double low = 0;  // a quarter of the rounds was below
  double high = 0;
};

Spread SpreadOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values[values.size() / 4], values[values.size() * 3 / 4]};
}

nlohmann::ordered_json ToJson(const Spread& spread) {
  return {{"median", spread.median}, {"low", spread.low}, {"high", spread.high}};
}

// What one call takes, in rounds in which all take turns.
std::vector<std::vector<double>> Measure(const std::vector<std::function<void()>>& ways) {
  std::vector<size_t> times(ways.size(), 1);
  for (size_t i = 0; i < ways.size(); ++i) {
    for (double took = 0; took < kRoundNanoseconds; times[i] *= 2) {
      const double begun = CpuNanoseconds();
      for (size_t k = 0; k < times[i]; ++k) ways[i]();
      took = CpuNanoseconds() - begun;
    }
  }
  std::vector<std::vector<double>> rounds(ways.size());
  for (int round = 0; round < kRounds; ++round) {
    for (size_t i = 0; i < ways.size(); ++i) {
      const double begun = CpuNanoseconds();
      for (size_t k = 0; k < times[i]; ++k) ways[i]();
      rounds[i].push_back((CpuNanoseconds() - begun) / static_cast<double>(times[i]));
    }
  }
  return rounds;
}

struct Subject {
  const char* name = "";
  std::string document = {};
  Kind kind = Kind::kVoice;
  bool is_clean = true;  // the ratio is promised of these
};

bool MeasureOrdinary(nlohmann::ordered_json& json) {
  const std::vector<Subject> subjects = {
      {"call, 200 bytes", absl::StrCat(kHead, kSmall)},
      {"call, 60 kB", Large("")},
      {"message, 200 bytes", absl::StrCat(kHead, kMessage), Kind::kMessaging},
      {"call, 200 bytes, 3 warnings", absl::StrCat(kHead, kSmallWithWarnings), Kind::kVoice, false},
      {"call, 60 kB, 5 warnings", Large(kBlockWithWarnings), Kind::kVoice, false},
      {"call, 60 kB, 100 warnings", Large(Repeated(25, kBlockWithWarnings)), Kind::kVoice, false},
  };
  absl::PrintF("%-28s %6s %9s | %9s %5s %-12s | %9s %5s %-12s\n", "document", "bytes", "expat",
               "judge", "ratio", "quartiles", "answer", "ratio", "quartiles");
  bool holds = true;
  for (const Subject& subject : subjects) {
    const router::Reply reply = {.status = 200,
                                 .headers = {{"Content-Type", "text/xml; charset=utf-8"}},
                                 .body = subject.document};
    const std::vector<std::vector<double>> rounds = Measure({
        [&] { ParseAlone(subject.document); },
        [&] { Keep(twilio::CheckTwiml(subject.document, subject.kind).warnings.size()); },
        [&] {
          Keep(router::Judge(reply, subject.kind, router::RetrievalCodes::kClassic,
                             "https://www.example.com/")
                   .index());
        },
    });
    const auto ratios = [&](size_t way) {
      std::vector<double> out;
      for (size_t i = 0; i < rounds[0].size(); ++i) out.push_back(rounds[way][i] / rounds[0][i]);
      return SpreadOf(out);
    };
    const Spread judge = ratios(1);
    const Spread answer = ratios(2);
    absl::PrintF("%-28s %6d %6.2f us | %6.2f us %5.2f %.2f to %.2f | %6.2f us %5.2f %.2f to %.2f\n",
                 subject.name, subject.document.size(), SpreadOf(rounds[0]).median / 1e3,
                 SpreadOf(rounds[1]).median / 1e3, judge.median, judge.low, judge.high,
                 SpreadOf(rounds[2]).median / 1e3, answer.median, answer.low, answer.high);
    json.push_back(
        {{"document", subject.name},
         {"bytes", subject.document.size()},
         {"warnings", twilio::CheckTwiml(subject.document, subject.kind).warnings.size()},
         {"expat_ns", ToJson(SpreadOf(rounds[0]))},
         {"judge_ns", ToJson(SpreadOf(rounds[1]))},
         {"answer_ns", ToJson(SpreadOf(rounds[2]))},
         {"judge_to_expat", ToJson(judge)},
         {"answer_to_expat", ToJson(answer)}});
    if (subject.is_clean && judge.median > kRatioMax) holds = false;
  }
  return holds;
}

std::string BillionLaughs() {
  std::string document = "<!DOCTYPE r [<!ENTITY l0 \"laugh\">";
  for (int i = 1; i <= 9; ++i) {
    absl::StrAppend(&document, "<!ENTITY l", i, " \"", Repeated(10, absl::StrCat("&l", i - 1, ";")),
                    "\">");
  }
  return document + "]><Response><Say>&l9;</Say></Response>";
}

// As many different attributes as `bytes` hold.
std::string Attributes(string_view tag, size_t bytes) {
  std::string document = absl::StrCat("<Response><", tag);
  constexpr string_view kEnd = "/></Response>";
  for (int i = 0; document.size() + 9 + kEnd.size() <= bytes; ++i) {
    absl::StrAppendFormat(&document, " a%x=''", i);
  }
  return absl::StrCat(document, kEnd);
}

bool MeasureWorst(nlohmann::ordered_json& json) {
  constexpr size_t kAnswerBytes = 65536;  // as many as an answer may have
  const auto filled = [](string_view begin, string_view part, size_t bytes) {
    return absl::StrCat("<Response>", begin,
                        Repeated((bytes - begin.size() - 40) / part.size(), part), "</Response>");
  };
  // Those that declare namespaces are no mistakes.
  std::string behind = "<Response><Say";
  for (int i = 0; behind.size() < kAnswerBytes - 2000; ++i) {
    absl::StrAppend(&behind, " xmlns:n", i, "=''");
  }
  for (int i = 0; i < 100; ++i) absl::StrAppend(&behind, " a", i, "=''");
  std::string million = "<Response><Say";
  for (int i = 0; i < 1000000; ++i) absl::StrAppend(&million, " a", i, "=''");
  million += "/></Response>";
  const std::vector<Subject> subjects = {
      {"billion laughs", BillionLaughs()},
      {"nested as deep as 64 KiB", Repeated(kAnswerBytes / 3, "<a>")},
      {"nested 64 deep, again and again",
       filled("", absl::StrCat(Repeated(63, "<a>"), Repeated(63, "</a>")), kAnswerBytes)},
      {"unknown attributes, 64 KiB", Attributes("Say", kAnswerBytes)},
      {"the same of a skipped element", Attributes("Sing", kAnswerBytes)},
      {"unknown attributes behind others", absl::StrCat(behind, ">a</Say></Response>")},
      {"unknown attributes, 128 KiB", Attributes("Say", twilio::kTwimlBytesMax)},
      {"a million attributes", million},
      {"64 KiB of <", std::string(kAnswerBytes, '<')},
      {"64 KiB of <a/>", filled("", "<a/>", kAnswerBytes)},
      {"misspelt voices, 64 KiB", filled("", "<Say voice='Polly.Joana'>a</Say>", kAnswerBytes)},
      {"bad URLs, 64 KiB", filled("", "<Play>a b</Play>", kAnswerBytes)},
      {"references, 64 KiB", filled("", "&#65;", kAnswerBytes)},
      {"one value of 64 KiB", absl::StrCat("<Response><Play digits='",
                                           std::string(kAnswerBytes - 60, '1'), "'/></Response>")},
  };
  absl::PrintF("\n%-34s %8s %7s %9s %9s\n", "worst documents", "bytes", "code", "median",
               "longest");
  bool holds = true;
  for (const Subject& subject : subjects) {
    const twilio::TwimlReport report = twilio::CheckTwiml(subject.document, subject.kind);
    std::vector<double> rounds;
    for (int round = 0; round < kRounds; ++round) {
      const double begun = CpuNanoseconds();
      Keep(twilio::CheckTwiml(subject.document, subject.kind).warnings.size());
      rounds.push_back((CpuNanoseconds() - begun) / 1e6);
    }
    const Spread spread = SpreadOf(rounds);
    const double longest = *std::max_element(rounds.begin(), rounds.end());
    const int code = report.fatal              ? report.fatal->code
                     : report.warnings.empty() ? 0
                                               : report.warnings[0].code;
    absl::PrintF("%-34s %8d %7d %6.3f ms %6.3f ms\n", subject.name, subject.document.size(), code,
                 spread.median, longest);
    json.push_back({{"document", subject.name},
                    {"bytes", subject.document.size()},
                    {"code", code},
                    {"ms", ToJson(spread)},
                    {"longest_ms", longest}});
    if (spread.median > kWorstMillisecondsMax) holds = false;
  }
  return holds;
}

int Run(const char* path) {
  nlohmann::ordered_json json = {{"rounds", kRounds}, {"spread", "quartiles"}};
  const bool ordinary = MeasureOrdinary(json["documents"]);
  const bool worst = MeasureWorst(json["worst"]);
  absl::PrintF("\njudge at most %.1f times expat: %s; worst under %.0f ms: %s\n", kRatioMax,
               ordinary ? "yes" : "NO", kWorstMillisecondsMax, worst ? "yes" : "NO");
  if (path != nullptr) {
    std::error_code ignored;  // that there is no folder shows when the file is written
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    std::ofstream file(path);
    file << json.dump(2) << "\n";
    if (!file.flush()) {
      absl::FPrintF(stderr, "cannot write %s\n", path);
      return 1;
    }
  }
  return ordinary && worst ? 0 : 1;
}

}  // namespace
}  // namespace understudy::testing

int main(int argc, char** argv) {
  return understudy::testing::Run(argc > 1 ? argv[1] : nullptr);
}
