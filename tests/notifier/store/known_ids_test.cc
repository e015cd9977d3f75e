#include "services/notifier/store/known_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/sqlite/sqlite.h"
#include "services/notifier/store/event_blocks.h"
#include "services/notifier/store/schema.h"
#include "tests/testing/temp_dir.h"

namespace understudy::notifier {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using understudy::testing::TempDir;
using understudy::testing::TempMedium;

constexpr int64_t kSegmentRows = int64_t{1} << kSegmentBits;

class KnownIdsTest : public ::testing::Test {
 protected:
  KnownIdsTest() { Migrate(connection_, StoreSchema()); }
  ~KnownIdsTest() override { EXPECT_TRUE(connection_.ok()) << connection_.failure().message; }

  static std::string Id(int64_t row) { return absl::StrCat("id of row ", row); }

  // As EventBatch does, but for what an event has beside its id.
  void AddBlock(int64_t block) {
    connection_.Run("INSERT OR IGNORE INTO event_blocks VALUES (?, 0, 0, 0, 0, 1, 0, 0, 0)", block);
  }
  void AddEvent(int64_t row) {
    connection_.Run(
        "INSERT INTO events VALUES (?, ?, ?, 0, 1, 0, 0, '', 0, NULL, NULL, 0, 0, '', 0, 0, 0, 0, "
        "'', 0, 0, '', '')",
        row, BlockOf(row), Id(row));
    AddBlock(BlockOf(row));
    connection_.Run("UPDATE counters SET last_event_row = ?", row);
  }

  const TempDir folder_{TempMedium::kMemory};
  Connection connection_{folder_.path() + "/a.db", Connection::Access::kReadWrite,
                         absl::Seconds(1)};
};

TEST_F(KnownIdsTest, SaysYesForEveryIdAndNoForMostOthers) {
  KnownIds known(connection_);
  EXPECT_THAT(known.BlocksFor("anything"), IsEmpty());
  for (int64_t row = 1; row < kSegmentRows; ++row) known.Add(connection_, row, Id(row));
  for (int64_t row = 1; row < kSegmentRows; row += 101) {
    EXPECT_THAT(known.BlocksFor(Id(row)), Contains(BlockOf(row))) << row;
  }
  int mistaken = 0;
  constexpr int kOthers = 100'000;
  for (int i = 0; i < kOthers; ++i) {
    mistaken += known.BlocksFor(absl::StrCat("other ", i)).empty() ? 0 : 1;
  }
  EXPECT_LT(mistaken, kOthers / 500);
}

TEST_F(KnownIdsTest, AsksTheNewestBlocksFirstAndNoneThatIsNotThere) {
  KnownIds known(connection_);
  constexpr int64_t kLast = 3 * (int64_t{1} << kBlockBits) + 5;
  for (int64_t row = 1; row <= kLast; ++row) known.Add(connection_, row, "the same");
  EXPECT_THAT(known.BlocksFor("the same"), ::testing::ElementsAre(3, 2, 1, 0));
}

TEST_F(KnownIdsTest, IsTheSameAfterItIsReadAgain) {
  {
    KnownIds known(connection_);
    for (int64_t row = 1; row < kSegmentRows + 40; ++row) {
      // Of the full segment only the filter is kept here: that it is read, not made, shows.
      if (row >= kSegmentRows) AddEvent(row);
      if (row % (1 << kBlockBits) == 1) AddBlock(BlockOf(row));
      known.Add(connection_, row, Id(row));
    }
  }
  const KnownIds known(connection_);
  for (const int64_t row :
       {int64_t{1}, int64_t{777}, kSegmentRows - 1, kSegmentRows, kSegmentRows + 39}) {
    EXPECT_THAT(known.BlocksFor(Id(row)), Contains(BlockOf(row))) << row;
  }
}

TEST_F(KnownIdsTest, AFilterThatIsMissingIsMadeFromTheEvents) {
  for (int64_t row = kSegmentRows - 3; row < kSegmentRows + 3; ++row) AddEvent(row);
  const KnownIds known(connection_);
  for (int64_t row = kSegmentRows - 3; row < kSegmentRows + 3; ++row) {
    EXPECT_THAT(known.BlocksFor(Id(row)), Contains(BlockOf(row))) << row;
  }
}

TEST_F(KnownIdsTest, ATransactionThatFailedAtTheEndOfASegmentDoesNoHarm) {
  AddBlock(0);
  KnownIds known(connection_);
  const int64_t end = kSegmentRows;
  known.Add(connection_, end - 2, Id(end - 2));
  connection_.Run("BEGIN");
  for (int64_t row = end - 1; row < end + 3; ++row) known.Add(connection_, row, Id(row));
  connection_.Run("ROLLBACK");
  // The same rows are given to others.
  const auto other = [](int64_t row) { return absl::StrCat("other of row ", row); };
  for (int64_t row = end - 1; row < end + 3; ++row) known.Add(connection_, row, other(row));
  connection_.Run("UPDATE counters SET last_event_row = ?", end + 2);
  const KnownIds read(connection_);
  for (const int64_t row : {end - 2, end - 1}) {
    const std::string id = row == end - 2 ? Id(row) : other(row);
    EXPECT_THAT(known.BlocksFor(id), Contains(BlockOf(row)));
    EXPECT_THAT(read.BlocksFor(id), Contains(BlockOf(row)));
  }
}

TEST_F(KnownIdsTest, ForgetsWhatIsPurged) {
  KnownIds known(connection_);
  known.Add(connection_, 1, "old");
  known.Add(connection_, kSegmentRows, "new");
  EXPECT_THAT(known.BlocksFor("old"), Contains(0));
  AddBlock(BlockOf(kSegmentRows));  // and no older one
  known.Add(connection_, 2 * kSegmentRows, "newest");
  EXPECT_THAT(known.BlocksFor("old"), IsEmpty());
  EXPECT_THAT(known.BlocksFor("new"), Contains(BlockOf(kSegmentRows)));
}

}  // namespace
}  // namespace understudy::notifier
