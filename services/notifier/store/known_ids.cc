#include "services/notifier/store/known_ids.h"

#include <algorithm>
#include <array>
#include <utility>

namespace understudy::notifier {
namespace {

constexpr size_t kFilterBits = size_t{kFilterBitsPerEvent} << kSegmentBits;
constexpr size_t kFilterBytes = kFilterBits / 8;

// FNV-1a, then the finalizer of MurmurHash3, so that all bits depend on all characters. Not any
// library's: it is in the file.
uint64_t HashOf(absl::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccd;
  hash ^= hash >> 33;
  hash *= 0xc4ceb9fe1a85ec53;
  hash ^= hash >> 33;
  return hash;
}

// The bits that stand for an id.
std::array<size_t, kFilterProbes> BitsFor(absl::string_view id) {
  const uint64_t hash = HashOf(id);
  const uint64_t step = (hash >> 32) | 1;
  std::array<size_t, kFilterProbes> bits = {};
  uint64_t at = hash;
  for (size_t& bit : bits) {
    bit = at % kFilterBits;
    at += step;
  }
  return bits;
}

bool IsSet(const std::string& filter, size_t bit) {
  return (static_cast<unsigned char>(filter[bit / 8]) >> (bit % 8) & 1) != 0;
}

}  // namespace

KnownIds::KnownIds(Connection& connection) {
  {
    Rows rows = connection.Query("SELECT segment, bits FROM id_filters");
    while (rows.Next()) {
      const int64_t segment = rows.Int();
      std::string bits = rows.Text();
      if (bits.size() == kFilterBytes) filters_.emplace(segment, std::move(bits));
    }
  }
  std::vector<int64_t> without_filter;
  {
    Rows rows = connection.Query("SELECT block FROM event_blocks");
    while (rows.Next()) {
      const int64_t block = rows.Int();
      if (filters_.count(SegmentOf(FirstRowOf(block))) == 0) without_filter.push_back(block);
    }
  }
  for (const int64_t block : without_filter) {
    Rows rows = connection.Query(
        "SELECT event_id FROM events INDEXED BY events_by_id WHERE block = ?", block);
    while (rows.Next()) Set(SegmentOf(FirstRowOf(block)), rows.Text());
  }
  Rows rows = connection.Query("SELECT last_event_row FROM counters");
  if (rows.Next()) last_row_ = rows.Int();
}

std::vector<int64_t> KnownIds::BlocksFor(absl::string_view id) const {
  const std::array<size_t, kFilterProbes> bits = BitsFor(id);
  std::vector<int64_t> blocks;
  for (auto entry = filters_.rbegin(); entry != filters_.rend(); ++entry) {
    const int64_t segment = entry->first;
    const Filter& filter = entry->second;
    if (!std::all_of(bits.begin(), bits.end(), [&](size_t bit) { return IsSet(filter, bit); })) {
      continue;
    }
    const int64_t first = BlockOf(FirstRowOfSegment(segment));
    const int64_t last = BlockOf(std::min(last_row_, FirstRowOfSegment(segment + 1) - 1));
    for (int64_t block = last; block >= first; --block) blocks.push_back(block);
  }
  return blocks;
}

void KnownIds::Add(Connection& connection, int64_t row, absl::string_view id) {
  const int64_t segment = SegmentOf(row);
  if (row == FirstRowOfSegment(segment)) EndSegment(connection, segment - 1);
  Set(segment, id);
  last_row_ = row;
}

void KnownIds::Set(int64_t segment, absl::string_view id) {
  Filter& filter = filters_[segment];
  filter.resize(kFilterBytes);
  for (const size_t bit : BitsFor(id)) {
    filter[bit / 8] = static_cast<char>(filter[bit / 8] | (1 << (bit % 8)));
  }
}

void KnownIds::EndSegment(Connection& connection, int64_t segment) {
  if (const auto full = filters_.find(segment); full != filters_.end()) {
    connection.Run("INSERT OR REPLACE INTO id_filters (segment, bits) VALUES (?, ?)", segment,
                   Blob{full->second});
  }
  Rows rows = connection.Query("SELECT min(block) FROM event_blocks");
  const int64_t first_block = rows.Next() ? rows.Int() : 0;
  filters_.erase(filters_.begin(), filters_.lower_bound(SegmentOf(FirstRowOf(first_block))));
}

}  // namespace understudy::notifier
