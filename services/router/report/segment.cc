#include "services/router/report/segment.h"

#include <zlib.h>

#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace understudy::router {
namespace {

constexpr absl::string_view kRecordMark(
    "\xFF"
    "EV1",
    4);
constexpr absl::string_view kCursorMark(
    "\xFF"
    "CU1",
    4);
constexpr size_t kCheckAt = 8;  // after mark and length

void AppendNumber(uint64_t number, size_t bytes, std::string& out) {
  for (size_t i = 0; i < bytes; ++i) out.push_back(static_cast<char>(number >> (8 * i) & 0xff));
}

uint64_t ReadNumber(absl::string_view bytes) {
  uint64_t number = 0;
  for (size_t i = bytes.size(); i > 0; --i) {
    number = number << 8 | static_cast<unsigned char>(bytes[i - 1]);
  }
  return number;
}

uint64_t CheckOf(absl::string_view bytes, uint64_t before = 0) {
  return crc32(static_cast<uLong>(before), reinterpret_cast<const Bytef*>(bytes.data()),
               static_cast<uInt>(bytes.size()));
}

// REQUIRES: `record` is as long as a head.
uint64_t CheckOfRecord(absl::string_view record) {
  return CheckOf(record.substr(kCheckAt + 4), CheckOf(record.substr(4, 4)));
}

std::optional<Record> RecordAt(absl::string_view segment, size_t begin) {
  const absl::string_view rest = segment.substr(begin);
  if (rest.size() < kRecordHeadBytes || !absl::StartsWith(rest, kRecordMark)) return std::nullopt;
  const uint64_t length = ReadNumber(rest.substr(4, 4));
  if (length == 0 || length > kMaxRecordBytes || length > rest.size() - kRecordHeadBytes) {
    return std::nullopt;
  }
  const size_t end = kRecordHeadBytes + length;
  if (ReadNumber(rest.substr(kCheckAt, 4)) != CheckOfRecord(rest.substr(0, end))) {
    return std::nullopt;
  }
  return Record{
      .payload = rest.substr(kRecordHeadBytes, length),
      .appended_at = absl::FromUnixMillis(static_cast<int64_t>(ReadNumber(rest.substr(12, 8)))),
      .begin = begin,
      .end = begin + end};
}

}  // namespace

void AppendRecord(absl::string_view payload, absl::Time appended_at, std::string& segment) {
  const size_t begin = segment.size();
  absl::StrAppend(&segment, kRecordMark);
  AppendNumber(payload.size(), 4, segment);
  AppendNumber(0, 4, segment);
  AppendNumber(static_cast<uint64_t>(absl::ToUnixMillis(appended_at)), 8, segment);
  absl::StrAppend(&segment, payload);
  std::string check;
  AppendNumber(CheckOfRecord(absl::string_view(segment).substr(begin)), 4, check);
  segment.replace(begin + kCheckAt, check.size(), check);
}

std::optional<Record> FindRecord(absl::string_view segment, size_t from) {
  for (size_t begin = segment.find(kRecordMark, from); begin != absl::string_view::npos;
       begin = segment.find(kRecordMark, begin + 1)) {
    if (std::optional<Record> record = RecordAt(segment, begin)) return record;
  }
  return std::nullopt;
}

std::string EncodeCursor(const Cursor& cursor) {
  std::string place;
  AppendNumber(static_cast<uint64_t>(cursor.segment), 8, place);
  AppendNumber(static_cast<uint64_t>(cursor.offset), 8, place);
  std::string bytes(kCursorMark);
  AppendNumber(CheckOf(place), 4, bytes);
  return bytes + place;
}

std::optional<Cursor> DecodeCursor(absl::string_view bytes) {
  constexpr size_t kBytes = 24;
  if (bytes.size() != kBytes || !absl::StartsWith(bytes, kCursorMark) ||
      ReadNumber(bytes.substr(4, 4)) != CheckOf(bytes.substr(8))) {
    return std::nullopt;
  }
  return Cursor{.segment = static_cast<int64_t>(ReadNumber(bytes.substr(8, 8))),
                .offset = static_cast<int64_t>(ReadNumber(bytes.substr(16, 8)))};
}

}  // namespace understudy::router
