#include "services/notifier/words/shown_text.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/string_view.h"

namespace understudy::notifier {
namespace {

TEST(OneLineTest, ShowsWhatWouldNotBeSeen) {
  const struct {
    absl::string_view text;
    const char* shown;
  } kRows[] = {
      {"", ""},
      {"plain ~", "plain ~"},
      {"gr\xC3\xBC\xC3\x9F \xF0\x9F\x93\x9E", "gr\xC3\xBC\xC3\x9F \xF0\x9F\x93\x9E"},
      {absl::string_view("a\0b", 3), "a\\x00b"},
      {"\r\n\t", "\\x0D\\x0A\\x09"},
      {"\x1F \x20", "\\x1F  "},
      {"~\x7F", "~\\x7F"},
      {"\xC2\x80\xC2\x9F\xC2\xA0", "\\u0080\\u009F\xC2\xA0"},
      {"\xC2\xAC\xC2\xAD\xC2\xAE", "\xC2\xAC\\u00AD\xC2\xAE"},
      {"\xD8\x9B\xD8\x9C\xD8\x9D", "\xD8\x9B\\u061C\xD8\x9D"},
      {"\xE2\x80\x8A\xE2\x80\x8B\xE2\x80\x8F\xE2\x80\x90",
       "\xE2\x80\x8A\\u200B\\u200F\xE2\x80\x90"},
      {"\xE2\x80\xA7\xE2\x80\xA8\xE2\x80\xAE\xE2\x80\xAF",
       "\xE2\x80\xA7\\u2028\\u202E\xE2\x80\xAF"},
      {"\xE2\x81\x9F\xE2\x81\xA0\xE2\x81\xA6\xE2\x81\xAF\xE2\x81\xB0",
       "\xE2\x81\x9F\\u2060\\u2066\\u206F\xE2\x81\xB0"},
      {"\xEF\xBB\xBE\xEF\xBB\xBF\xEF\xBC\x80", "\xEF\xBB\xBE\\uFEFF\xEF\xBC\x80"},
      {"\xF3\xA0\x81\x81", "\\uE0041"},
      {"\xFF"
       "a\xC3",
       "\xEF\xBF\xBD"
       "a\xEF\xBF\xBD"},
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(OneLine(row.text), row.shown);
    EXPECT_EQ(OneLine(OneLine(row.text)), row.shown) << "what is fit stays as it is";
  }
}

TEST(KeepLinesTest, KnowsEveryEndOfALine) {
  EXPECT_EQ(KeepLines("a\nb\r\nc\rd\r\r\ne\tf\r"), "a\nb\nc\nd\n\ne  f\n");
  EXPECT_EQ(KeepLines("a\xE2\x80\xA8"
                      "b\x0B"),
            "a\\u2028b\\x0B");
}

TEST(CutEndTest, CountsCharacters) {
  const struct {
    const char* text;
    size_t max;
    const char* cut;
  } kRows[] = {
      {"", 1, ""},
      {"abc", 3, "abc"},
      {"abcd", 3, "ab\xE2\x80\xA6"},
      {"abcd", 1, "\xE2\x80\xA6"},
      {"\xC3\xBC\xC3\xBC\xC3\xBC", 3, "\xC3\xBC\xC3\xBC\xC3\xBC"},
      {"\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC", 3, "\xC3\xBC\xC3\xBC\xE2\x80\xA6"},
      {"several short words", 16, "several short\xE2\x80\xA6"},
      {"a verylongwordindeed", 16, "a verylongwordi\xE2\x80\xA6"},
  };
  for (const auto& row : kRows) EXPECT_EQ(CutEnd(row.text, row.max), row.cut);
}

TEST(CutMiddleTest, KeepsBothEnds) {
  const struct {
    const char* text;
    size_t max;
    const char* cut;
  } kRows[] = {
      {"abcde", 5, "abcde"},
      {"abcdef", 5,
       "ab\xE2\x80\xA6"
       "ef"},
      {"abcdef", 4,
       "ab\xE2\x80\xA6"
       "f"},
      {"abcdef", 1, "\xE2\x80\xA6"},
      {"\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC", 3, "\xC3\xBC\xE2\x80\xA6\xC3\xBC"},
  };
  for (const auto& row : kRows) EXPECT_EQ(CutMiddle(row.text, row.max), row.cut);
}

TEST(NumberTextTest, GroupsDigits) {
  const struct {
    int64_t number;
    const char* text;
  } kRows[] = {{0, "0"},
               {999, "999"},
               {1'000, "1,000"},
               {-999, "-999"},
               {-1'000, "-1,000"},
               {999'999, "999,999"},
               {1'000'000, "1,000,000"},
               {INT64_MAX, "9,223,372,036,854,775,807"}};
  for (const auto& row : kRows) EXPECT_EQ(NumberText(row.number), row.text);
}

TEST(TimeTextTest, IsUtc) {
  EXPECT_EQ(TimeText(absl::FromUnixSeconds(1'800'000'000)), "2027-01-15 08:00:00 UTC");
  EXPECT_EQ(TimeText(absl::InfinitePast()), "unknown");
  EXPECT_EQ(TimeText(absl::InfiniteFuture()), "unknown");
}

TEST(DurationTextTest, HasTwoUnitsAtMost) {
  const struct {
    absl::Duration duration;
    const char* text;
  } kRows[] = {
      {-absl::Seconds(1), "under 1 ms"}, {absl::Microseconds(999), "under 1 ms"},
      {absl::Milliseconds(1), "1 ms"},   {absl::Milliseconds(999), "999 ms"},
      {absl::Seconds(1), "1.0 s"},       {absl::Milliseconds(9949), "9.9 s"},
      {absl::Seconds(10), "10 s"},       {absl::Seconds(59), "59 s"},
      {absl::Seconds(60), "1 min"},      {absl::Seconds(125), "2 min 5 s"},
      {absl::Minutes(60), "1 h"},        {absl::Minutes(200), "3 h 20 min"},
      {absl::Hours(24), "24 h"},         {absl::Hours(48), "2 d"},
      {absl::Hours(52), "2 d 4 h"},
  };
  for (const auto& row : kRows) EXPECT_EQ(DurationText(row.duration), row.text);
}

}  // namespace
}  // namespace understudy::notifier
