#include "services/cli/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace understudy::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Reads `text` in pieces of `size` bytes.
std::vector<CsvRecord> ReadAll(const std::string& text, size_t size = 1000) {
  size_t at = 0;
  CsvReader reader([&](char* to, size_t max) {
    const size_t count = std::min({size, max, text.size() - at});
    std::copy_n(text.data() + at, count, to);
    at += count;
    return count;
  });
  std::vector<CsvRecord> records;
  while (auto record = reader.Next()) records.push_back(*std::move(record));
  return records;
}

// "1:a|b 3:c!": the records with their lines, "!" behind those with a mistake.
std::string Text(const std::vector<CsvRecord>& records) {
  return absl::StrJoin(records, " ", [](std::string* out, const CsvRecord& record) {
    absl::StrAppend(out, record.line, ":", absl::StrJoin(record.fields, "|"),
                    record.mistake.empty() ? "" : "!");
  });
}

TEST(CsvReaderTest, ReadsWhatTheRfcAllowsAndSomeMore) {
  const struct {
    const char* text;
    const char* records;
  } kCases[] = {
      {"", ""},
      {"a", "1:a"},
      {"a\n", "1:a"},
      {"a,b\r\nc,d\r\n", "1:a|b 2:c|d"},
      {"a,b\nc,", "1:a|b 2:c|"},
      {",\n,,", "1:| 2:||"},
      {"\n\r\n\na\n\nb\n\n", "4:a 6:b"},
      {"\xEF\xBB\xBF"
       "a,b",
       "1:a|b"},
      {"\"a\",\"b\"\n", "1:a|b"},
      {"\"\",\"\"\"\",\"a\"\"b\"", "1:|\"|a\"b"},
      {"\"a,b\",\"c\r\nd\ne\"\nf", "1:a,b|c\r\nd\ne 4:f"},
      {" a , b ", "1: a | b "},
      {"a\rb", "1:a\rb"},
      {"a\r", "1:a\r"},
      {"\"a\"\r\nb", "1:a 2:b"},
      // Mistakes, and how it goes on.
      {"a\"b\nc", "1:a\"b! 2:c"},
      {"\"a\"b\nc", "1:ab! 2:c"},
      {"\"a\" ,b\nc", "1:a |b! 2:c"},
      {"x\n\"a\nb", "1:x 2:a\nb!"},
      {"\"a\"\"", "1:a\"!"},
  };
  for (const auto& c : kCases) {
    for (const size_t size : {1, 2, 1000}) {
      EXPECT_EQ(Text(ReadAll(c.text, size)), c.records) << c.text << " by " << size;
    }
  }
}

TEST(CsvReaderTest, SaysWhatIsWrong) {
  const auto mistake = [](const char* text) { return ReadAll(text).front().mistake; };
  EXPECT_EQ(mistake("a\"b\"\n"), "a quote stands in a field that is not quoted");
  EXPECT_EQ(mistake("\"a\"b\n"), "text stands behind a closing quote");
  EXPECT_EQ(mistake("\"a\n"), "a quote is opened and never closed");
}

TEST(CsvReaderTest, ARecordWithoutItsClosingQuoteIsNotReadForEver) {
  const std::string most = absl::StrCat("\"", std::string(kMaxCsvRecordBytes - 2, 'x'), "\"");
  EXPECT_EQ(ReadAll(absl::StrCat(most, "\nb")).size(), 2u);
  const std::vector<CsvRecord> records =
      ReadAll(absl::StrCat("a\n\"", std::string(2 * kMaxCsvRecordBytes, '\n')), 65536);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1].line, 2);
  EXPECT_THAT(records[1].mistake, HasSubstr("longer than 1048576 bytes"));
}

TEST(CsvTest, WhatIsWrittenIsReadAgain) {
  std::string text;
  AppendCsv({"a", "", "b,c", "d\"e", "f\ng", " h", "i ", "\r"}, &text);
  EXPECT_EQ(text, "a,,\"b,c\",\"d\"\"e\",\"f\ng\",\" h\",\"i \",\"\r\"\n");
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::vector<std::string>> rows(1 + random() % 4);
    std::string written;
    for (std::vector<std::string>& row : rows) {
      row.resize(2 + random() % 3);
      for (std::string& field : row) {
        for (auto left = random() % 5; left > 0; --left) field += "a,\"\r\n x"[random() % 7];
      }
      AppendCsv(row, &written);
    }
    std::vector<std::vector<std::string>> read;
    for (CsvRecord& record : ReadAll(written, 1 + random() % 9)) {
      EXPECT_EQ(record.mistake, "") << written;
      read.push_back(std::move(record.fields));
    }
    ASSERT_EQ(read, rows) << written;
  }
}

}  // namespace
}  // namespace understudy::cli
