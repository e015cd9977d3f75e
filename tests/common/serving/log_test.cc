#include "common/serving/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace understudy::serving {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr absl::string_view kEllipsis = "\xE2\x80\xA6";

const absl::Time kTime = absl::FromUnixMillis(1'700'000'000'042);

using Members = std::vector<std::pair<std::string, std::string>>;

// Reads a JSON string at the start of `rest`; false if there is none.
bool TakeString(absl::string_view& rest, std::string& out) {
  out.clear();
  if (!absl::ConsumePrefix(&rest, "\"")) return false;
  while (!rest.empty() && rest[0] != '"') {
    if (static_cast<unsigned char>(rest[0]) < 0x20) return false;
    if (rest[0] != '\\') {
      out += rest[0];
      rest.remove_prefix(1);
      continue;
    }
    if (rest.size() < 2) return false;
    const char escaped = rest[1];
    rest.remove_prefix(2);
    switch (escaped) {
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case '"':
      case '\\':
        out += escaped;
        break;
      case 'u': {
        int code = 0;
        if (rest.size() < 4 || !absl::SimpleHexAtoi(rest.substr(0, 4), &code) || code > 0x7F) {
          return false;
        }
        out += static_cast<char>(code);
        rest.remove_prefix(4);
        break;
      }
      default:
        return false;
    }
  }
  return absl::ConsumePrefix(&rest, "\"");
}

// The members of a JSON object without objects in it, in order; empty if `line` is none.
Members ParseLine(absl::string_view line) {
  Members members;
  if (!absl::ConsumePrefix(&line, "{") || !absl::ConsumeSuffix(&line, "}\n")) return {};
  while (!line.empty()) {
    std::string name;
    std::string value;
    if (!members.empty() && !absl::ConsumePrefix(&line, ",")) return {};
    if (!TakeString(line, name) || !absl::ConsumePrefix(&line, ":")) return {};
    if (!TakeString(line, value)) {
      value = std::string(line.substr(0, line.find(',')));
      line.remove_prefix(value.size());
    }
    members.emplace_back(std::move(name), std::move(value));
  }
  return members;
}

TEST(LogLineTest, IsOneJsonObject) {
  const std::string id = "RS123";
  const std::vector<LogField> fields = {{"resolution_id", id}, {"attempts", 2},
                                        {"duration_ms", 12.5}, {"cancelled", false},
                                        {"forwarded", true},   {"error_code", int64_t{-11200}}};
  EXPECT_EQ(FormatLogLine(kTime, LogLevel::kInfo, "resolution", fields),
            "{\"time\":\"2023-11-14T22:13:20.042Z\",\"level\":\"info\",\"message\":\"resolution\","
            "\"resolution_id\":\"RS123\",\"attempts\":2,\"duration_ms\":12.5,\"cancelled\":false,"
            "\"forwarded\":true,\"error_code\":-11200}\n");
  EXPECT_EQ(FormatLogLine(kTime, LogLevel::kError, "gone", {}),
            "{\"time\":\"2023-11-14T22:13:20.042Z\",\"level\":\"error\",\"message\":\"gone\"}\n");
}

TEST(LogLineTest, NumbersWithoutAValueAreNull) {
  for (const double number :
       {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
        std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT(ParseLine(FormatLogLine(kTime, LogLevel::kInfo, "m", {{"x", number}})),
                testing::Contains(Pair("x", "null")));
  }
}

TEST(LogLineTest, HostileTextsStayInTheirField) {
  const struct {
    absl::string_view text;
    std::string read_back;
  } kCases[] = {
      {"", ""},
      {"\"},{\"level\":\"error", "\"},{\"level\":\"error"},
      {"back\\slash\\", "back\\slash\\"},
      {"two\nlines\r\n\ttab", "two\nlines\r\n\ttab"},
      {absl::string_view("nul\0\x01\x1F\x7F", 7), std::string("nul\0\x01\x1F\x7F", 7)},
      {"\x1B[31mred", "\x1B[31mred"},
      {"gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80", "gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"},
      {"\xFF\xC3", "\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"a\xED\xA0\x80z", "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz"},
  };
  for (const auto& c : kCases) {
    const std::string line = FormatLogLine(kTime, LogLevel::kWarning, c.text, {{"f", c.text}});
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_THAT(ParseLine(line),
                ElementsAre(Pair("time", "2023-11-14T22:13:20.042Z"), Pair("level", "warning"),
                            Pair("message", c.read_back), Pair("f", c.read_back)));
  }
}

TEST(LogLineTest, CutsLongTextsBetweenCharacters) {
  const std::string full(kMaxLogFieldBytes, 'x');
  const std::string smile = "\xF0\x9F\x98\x80";
  const struct {
    std::string text;
    std::string read_back;
  } kCases[] = {
      {full, full},
      {full + "y", absl::StrCat(full, kEllipsis)},
      {full.substr(4) + smile, full.substr(4) + smile},
      {full.substr(3) + smile, absl::StrCat(full.substr(3), kEllipsis)},
      {full.substr(1) + smile, absl::StrCat(full.substr(1), kEllipsis)},
      {full + smile, absl::StrCat(full, kEllipsis)},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(
        ParseLine(FormatLogLine(kTime, LogLevel::kInfo, c.text, {{"f", c.text}})),
        ElementsAre(testing::_, testing::_, Pair("message", c.read_back), Pair("f", c.read_back)));
  }
  // Continuation bytes without a character are no reason to look back further.
  const std::string junk(2 * kMaxLogFieldBytes, '\x80');
  const std::string cut = ParseLine(FormatLogLine(kTime, LogLevel::kInfo, junk, {}))[2].second;
  EXPECT_EQ(cut.size(), 3 * kMaxLogFieldBytes + kEllipsis.size());
}

// Standard error as a pipe whose other end this test reads, or does not.
class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(FlushLog(absl::Seconds(60)));
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    read_end_ = ends[0];
    saved_ = ::dup(STDERR_FILENO);
    ASSERT_EQ(::dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    ::close(ends[1]);
    SetLogLevel(LogLevel::kInfo);
  }

  void TearDown() override { CloseWriteEnd(); }

  // What was written, until nobody can write any more.
  std::vector<std::string> ReadLines() {
    std::string text;
    char buffer[65536];
    ssize_t got = 0;
    while ((got = ::read(read_end_, buffer, sizeof(buffer))) > 0) {
      text.append(buffer, static_cast<size_t>(got));
    }
    ::close(read_end_);
    std::vector<std::string> lines;
    for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      lines.push_back(absl::StrCat(line, "\n"));
    }
    return lines;
  }

  void CloseWriteEnd() {
    if (saved_ < 0) return;
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    saved_ = -1;
  }

  int read_end_ = -1;
  int saved_ = -1;
};

TEST_F(LogTest, WritesLinesInOrderFromTheLevelOn) {
  Log(LogLevel::kDebug, "hidden");
  Log(LogLevel::kInfo, "first", {{"n", 1}});
  SetLogLevel(LogLevel::kDebug);
  Log(LogLevel::kDebug, "second");
  SetLogLevel(LogLevel::kError);
  Log(LogLevel::kWarning, "hidden");
  Log(LogLevel::kError, "third");
  ASSERT_TRUE(FlushLog(absl::Seconds(60)));
  CloseWriteEnd();
  std::vector<std::string> messages;
  for (const std::string& line : ReadLines()) messages.push_back(ParseLine(line).at(2).second);
  EXPECT_THAT(messages, ElementsAre("first", "second", "third"));
}

TEST_F(LogTest, DropsAndCountsWhenNobodyReads) {
  const int64_t dropped_before = DroppedLogLines();
  constexpr int64_t kLines = 3 * static_cast<int64_t>(kMaxQueuedLogLines);
  for (int64_t i = 0; i < kLines; ++i) Log(LogLevel::kInfo, "line", {{"n", i}});
  EXPECT_FALSE(FlushLog(absl::Milliseconds(1)));
  EXPECT_GT(DroppedLogLines(), dropped_before);

  std::vector<std::string> lines;
  std::thread reader([&] { lines = ReadLines(); });
  EXPECT_TRUE(FlushLog(absl::Seconds(60)));
  CloseWriteEnd();
  reader.join();
  // What is neither written nor counted as dropped is the request to flush, pushed out or not.
  EXPECT_NEAR(
      static_cast<double>(static_cast<int64_t>(lines.size()) + DroppedLogLines() - dropped_before),
      static_cast<double>(kLines), 2);
  EXPECT_THAT(ParseLine(lines.back()).back(), Pair("n", absl::StrCat(kLines - 1)));
  for (const std::string& line : lines) ASSERT_EQ(ParseLine(line).size(), 4u) << line;
}

TEST_F(LogTest, CountsLinesThatCannotBeWritten) {
  const int full = ::open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  ASSERT_EQ(::dup2(full, STDERR_FILENO), STDERR_FILENO);
  ::close(full);
  const int64_t dropped_before = DroppedLogLines();
  Log(LogLevel::kError, "lost");
  ASSERT_TRUE(FlushLog(absl::Seconds(60)));
  EXPECT_EQ(DroppedLogLines(), dropped_before + 1);
  ::close(read_end_);
}

TEST_F(LogTest, WritesToADescriptorThatWouldBlock) {
  ASSERT_EQ(::fcntl(STDERR_FILENO, F_SETFL, O_WRONLY | O_NONBLOCK), 0);
  const int64_t dropped_before = DroppedLogLines();
  constexpr size_t kLines = kMaxQueuedLogLines / 2;  // more than a pipe holds, less than the queue
  for (size_t i = 0; i < kLines; ++i) Log(LogLevel::kInfo, std::string(100, 'x'));
  std::vector<std::string> lines;
  std::thread reader([&] { lines = ReadLines(); });
  EXPECT_TRUE(FlushLog(absl::Seconds(60)));
  CloseWriteEnd();
  reader.join();
  EXPECT_EQ(lines.size(), kLines);
  EXPECT_EQ(DroppedLogLines(), dropped_before);
}

}  // namespace
}  // namespace understudy::serving
