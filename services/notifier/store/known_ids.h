// Whether an event_id may be known, and where. An index of all ids would be touched in a page of
// its own for each event; so ids are indexed by block, and filters in memory say which blocks need
// not be asked. A filter (Bloom's) of a segment of sixteen blocks never says no for an id it was
// told of, and says yes for about one in a thousand others.
//
// Two bytes of memory for each event that is kept.
#ifndef SERVICES_NOTIFIER_STORE_KNOWN_IDS_H_
#define SERVICES_NOTIFIER_STORE_KNOWN_IDS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/sqlite/sqlite.h"
#include "services/notifier/store/event_blocks.h"

namespace understudy::notifier {

using sqlite::Blob;
using sqlite::Connection;
using sqlite::Rows;

// Written into every file: never to be changed.
inline constexpr int kSegmentBits = kBlockBits + 4;
inline constexpr int kFilterBitsPerEvent = 16;
inline constexpr int kFilterProbes = 6;

inline constexpr int64_t SegmentOf(int64_t row) {
  return row >> kSegmentBits;
}
inline constexpr int64_t FirstRowOfSegment(int64_t segment) {
  return segment << kSegmentBits;
}

// Of one open database; goes with its connection.
class KnownIds {
 public:
  // Reads the filters of full segments, and makes the others from their events. Failures are the
  // connection's.
  explicit KnownIds(Connection& connection);

  // Blocks where the id may be, the newest first.
  std::vector<int64_t> BlocksFor(absl::string_view id) const;

  // In order of rows, none left out. That the transaction then fails does no harm. A segment that
  // is full is written; what is purged, forgotten.
  void Add(Connection& connection, int64_t row, absl::string_view id);

 private:
  using Filter = std::string;  // of bytes, from the lowest bit on

  void Set(int64_t segment, absl::string_view id);
  void EndSegment(Connection& connection, int64_t segment);

  std::map<int64_t, Filter> filters_;  // by segment
  int64_t last_row_ = 0;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_KNOWN_IDS_H_
