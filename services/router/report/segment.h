// The bytes of the outbox's segments (their grammar: outbox.h). Pure.
#ifndef SERVICES_ROUTER_REPORT_SEGMENT_H_
#define SERVICES_ROUTER_REPORT_SEGMENT_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace understudy::router {

// Of one record's payload. The largest event (notifier_client.h) fits.
inline constexpr size_t kMaxRecordBytes = size_t{64} * 1024;
// What a record has beside its payload.
inline constexpr size_t kRecordHeadBytes = 20;

// Adds a record to `segment`. `appended_at` is a date; parts of a millisecond are lost.
// REQUIRES: payload has 1 to kMaxRecordBytes bytes.
void AppendRecord(absl::string_view payload, absl::Time appended_at, std::string& segment);

struct Record {
  absl::string_view payload = {};  // lies in the segment
  absl::Time appended_at = {};
  size_t begin = 0;
  size_t end = 0;
};

// The first whole record of `segment` that begins at `from` or later; what lies before it is
// damaged. nullopt: there is none, and all the rest is.
std::optional<Record> FindRecord(absl::string_view segment, size_t from);

// Where the sender was.
struct Cursor {
  int64_t segment = 0;  // its number
  int64_t offset = 0;   // the records before it need not be sent any more

  friend bool operator==(const Cursor&, const Cursor&) = default;
};
std::string EncodeCursor(const Cursor& cursor);
// nullopt for anything EncodeCursor does not make.
std::optional<Cursor> DecodeCursor(absl::string_view bytes);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_REPORT_SEGMENT_H_
