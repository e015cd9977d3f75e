#include "services/router/report/segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace understudy::router {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kDate = absl::FromUnixMillis(1700000000123);

std::string RecordOf(absl::string_view payload) {
  std::string bytes;
  AppendRecord(payload, kDate, bytes);
  return bytes;
}

// The payloads of all records there are.
std::vector<std::string> Payloads(absl::string_view segment) {
  std::vector<std::string> payloads;
  size_t at = 0;
  while (const std::optional<Record> record = FindRecord(segment, at)) {
    EXPECT_GE(record->begin, at);
    EXPECT_EQ(record->appended_at, kDate);
    payloads.emplace_back(record->payload);
    at = record->end;
  }
  return payloads;
}

TEST(SegmentTest, ReadsWhatWasAppended) {
  const std::string largest(kMaxRecordBytes, 'x');
  std::string segment;
  AppendRecord("a", kDate, segment);
  EXPECT_EQ(segment.size(), kRecordHeadBytes + 1);
  AppendRecord(largest, kDate, segment);
  AppendRecord(std::string(3, '\0'), kDate, segment);
  EXPECT_THAT(Payloads(segment), ElementsAre("a", largest, std::string(3, '\0')));
}

// What is on disks must stay readable. Made by another program, from the grammar.
TEST(SegmentTest, TheFormatStaysWhatItIs) {
  const std::string record(
      "\xff\x45\x56\x31\x05\x00\x00\x00\x9f\xfd\xd2\x44\x7b\x68\xe5\xcf\x8b\x01\x00\x00"
      "event",
      kRecordHeadBytes + 5);
  EXPECT_EQ(RecordOf("event"), record);
  const std::string cursor(
      "\xff\x43\x55\x31\x8d\xcf\xec\x19\x07\x00\x00\x00\x00\x00\x00\x00\x2c\x01\x00\x00\x00\x00"
      "\x00\x00",
      24);
  EXPECT_EQ(EncodeCursor({.segment = 7, .offset = 300}), cursor);
}

TEST(SegmentTest, FindsFromAnyPlaceOn) {
  const std::string segment = RecordOf("first") + RecordOf("second");
  const size_t second = RecordOf("first").size();
  EXPECT_EQ(FindRecord(segment, 0)->begin, 0u);
  EXPECT_EQ(FindRecord(segment, 1)->begin, second);
  EXPECT_EQ(FindRecord(segment, second)->end, segment.size());
  EXPECT_FALSE(FindRecord(segment, second + 1).has_value());
  EXPECT_FALSE(FindRecord(segment, segment.size()).has_value());
  EXPECT_FALSE(FindRecord(segment, segment.size() + 1).has_value());
}

TEST(SegmentTest, KeepsDatesToTheMillisecond) {
  for (const int64_t millis : {int64_t{0}, int64_t{-1}, int64_t{4102444800000}}) {
    std::string segment;
    AppendRecord("a", absl::FromUnixMillis(millis), segment);
    EXPECT_EQ(FindRecord(segment, 0)->appended_at, absl::FromUnixMillis(millis));
  }
}

TEST(SegmentTest, CutAnywhereItKeepsTheWholeRecordsBefore) {
  const std::string first = RecordOf("first");
  const std::string second = RecordOf("second, the longer one");
  const std::string whole = first + second;
  for (size_t size = 0; size <= whole.size(); ++size) {
    std::vector<std::string> expected;
    if (size >= first.size()) expected.push_back("first");
    if (size == whole.size()) expected.push_back("second, the longer one");
    EXPECT_EQ(Payloads(whole.substr(0, size)), expected) << size;
  }
}

TEST(SegmentTest, AByteThatChangedCostsItsRecordAlone) {
  const std::string first = RecordOf("first");
  const std::string second = RecordOf("second");
  const std::string third = RecordOf("third");
  for (size_t i = 0; i < second.size(); ++i) {
    for (const int bit : {0x01, 0x80}) {
      std::string damaged = second;
      damaged[i] = static_cast<char>(damaged[i] ^ bit);
      EXPECT_THAT(Payloads(first + damaged + third), ElementsAre("first", "third")) << i;
    }
  }
}

TEST(SegmentTest, SkipsWhatIsNoRecord) {
  const std::string record = RecordOf("record");
  const std::string mark = record.substr(0, 4);
  const struct {
    const char* what;
    std::string bytes;
  } kRows[] = {
      {"text", "some words"},
      {"zeros", std::string(5000, '\0')},
      {"a mark", mark},
      {"marks", mark + mark + mark},
      {"a part of a mark", mark.substr(0, 3)},
      {"an empty record", absl::StrCat(mark, std::string(16, '\0'))},
      {"a length over the limit", mark + std::string("\x01\x40\0\0", 4) + std::string(20000, 'x')},
      {"a length over the file", mark + std::string("\0\x10\0\0", 4) + std::string(12, 'x')},
      {"a length over everything", mark + std::string("\xff\xff\xff\xff", 4)},
      {"the head of a record", record.substr(0, kRecordHeadBytes)},
      {"the rest of a record", record.substr(1)},
      {"a record in a broken one", mark + std::string("\x30\0\0\0", 4) + std::string(12, 'x')},
  };
  for (const auto& row : kRows) {
    EXPECT_THAT(Payloads(row.bytes), IsEmpty()) << row.what;
    EXPECT_THAT(Payloads(row.bytes + record), ElementsAre("record")) << row.what;
    EXPECT_THAT(Payloads(record + row.bytes), ElementsAre("record")) << row.what;
    EXPECT_THAT(Payloads(record + row.bytes + record), ElementsAre("record", "record")) << row.what;
  }
}

TEST(CursorTest, ReadsWhatWasEncoded) {
  for (const Cursor& cursor : {Cursor{}, Cursor{.segment = 1, .offset = 20},
                               Cursor{.segment = int64_t{1} << 40, .offset = int64_t{1} << 33}}) {
    EXPECT_EQ(DecodeCursor(EncodeCursor(cursor)), cursor);
  }
}

TEST(CursorTest, RefusesEverythingElse) {
  const std::string good = EncodeCursor({.segment = 7, .offset = 300});
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(DecodeCursor(good.substr(0, size)), std::nullopt) << size;
  }
  EXPECT_EQ(DecodeCursor(good + "x"), std::nullopt);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string damaged = good;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_EQ(DecodeCursor(damaged), std::nullopt) << i;
  }
}

}  // namespace
}  // namespace understudy::router
