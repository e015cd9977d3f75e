// Any bytes as a segment of the outbox, and as its cursor.
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "services/router/report/segment.h"
#include "tests/fuzz/fuzz_target.h"

using understudy::router::AppendRecord;
using understudy::router::Cursor;
using understudy::router::DecodeCursor;
using understudy::router::EncodeCursor;
using understudy::router::FindRecord;
using understudy::router::kMaxRecordBytes;
using understudy::router::kRecordHeadBytes;
using understudy::router::Record;
using understudy::testing::Require;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  size_t at = 0;
  while (const std::optional<Record> record = FindRecord(bytes, at)) {
    Require(record->begin >= at && record->end <= size, "records lie one behind the other");
    Require(!record->payload.empty() && record->payload.size() <= kMaxRecordBytes,
            "a payload keeps to its limit");
    Require(record->end - record->begin == kRecordHeadBytes + record->payload.size(),
            "a record is its head and its payload");
    at = record->end;
  }
  if (const std::optional<Cursor> cursor = DecodeCursor(bytes)) {
    Require(EncodeCursor(*cursor) == bytes, "a cursor is written in one way");
  }
  // Whatever stands before a record, it is found.
  std::string damaged(bytes);
  AppendRecord("record", absl::UnixEpoch(), damaged);
  size_t end = 0;
  while (const std::optional<Record> record = FindRecord(damaged, end)) end = record->end;
  Require(end > bytes.size(), "a record behind damage is found");
  return 0;
}
