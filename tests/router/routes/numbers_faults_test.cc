// The numbers' database on a disk that fails: calls go on, writes say so, and nothing that was
// acknowledged is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>

#include "tests/router/routes/numbers_world.h"
#include "tests/testing/faulty_disk.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using router::IncomingPhoneNumber;
using router::NumbersSnapshot;
using router::NumbersStore;
using router::PackedTexts;
using router::ResourceError;
using ::testing::HasSubstr;

constexpr uint64_t kSeed = 20261124;

using Names = std::map<std::string, std::string>;  // friendly names by phone number

Names NamesIn(NumbersStore& store) {
  Names names;
  for (const auto& number : ListAll(store, kOwner))
    names[number.phone_number] = number.friendly_name;
  return names;
}

class NumbersFaultsTest : public ::testing::Test {
 protected:
  std::string Path() const { return folder_.path() + "/numbers.db"; }

  const TempDir folder_{TempMedium::kMemory};
  FaultyDisk disk_;
};

TEST_F(NumbersFaultsTest, AWriteSaysWhatIsWrongWithTheDiskAndCallsGoOn) {
  const struct {
    DiskFault fault;
    const char* message;
  } kRows[] = {{DiskFault::kFull, "the disk is full"},
               {DiskFault::kReadOnly, "read-only"},
               {DiskFault::kWrite, "the disk failed"},
               {DiskFault::kFlush, "the disk failed"}};
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.message);
    const auto store = OpenStore(Path());
    PackedTexts texts;
    NumbersSnapshot snapshot;
    const IncomingPhoneNumber before = Make(*store, static_cast<int>(&row - kRows));
    ASSERT_TRUE(store->Refresh(texts, snapshot).value());
    disk_.Fail(row.fault);
    for (int i = 0; i < 3; ++i) {
      const auto refused = store->CreateNumber(kOwner, "", {{"PhoneNumber", NumberOf(99)}}, kToday);
      ASSERT_EQ(CodeOf(refused), 20503);
      EXPECT_EQ(std::get<ResourceError>(refused).status, 503);
      EXPECT_THAT(std::get<ResourceError>(refused).message, HasSubstr(row.message));
    }
    EXPECT_GT(disk_.faults(), 0);
    // What is read goes on.
    EXPECT_EQ(Good(store->FetchNumber(kOwner, before.sid)), before);
    EXPECT_TRUE(store->Refresh(texts, snapshot).ok());
    EXPECT_TRUE(snapshot.table.FindNumber(before.phone_number).has_value());
    disk_.Heal();
    const IncomingPhoneNumber after = Make(*store, 99);
    EXPECT_TRUE(store->Refresh(texts, snapshot).value());
    EXPECT_TRUE(snapshot.table.FindNumber(after.phone_number).has_value());
    Good(store->DeleteNumber(kOwner, after.sid, kToday));
  }
}

// Each operation of the disk that a few writes make fails once; later the power goes. What was
// acknowledged is there, and of what was not, all or nothing.
TEST_F(NumbersFaultsTest, AnyOperationMayFail) {
  std::mt19937_64 random(kSeed);
  int64_t refused = 0;
  for (const DiskFault fault :
       {DiskFault::kFull, DiskFault::kReadOnly, DiskFault::kWrite, DiskFault::kFlush}) {
    bool has_failed = true;
    for (int nth = 1; has_failed; ++nth) {
      SCOPED_TRACE(absl::StrCat("fault ", static_cast<int>(fault), " at operation ", nth));
      for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(Path() + suffix);
      Names expected;
      Names uncertain;
      const auto check = [&](const std::string& path) {
        const auto store = OpenStore(path);
        Names found = NamesIn(*store);
        for (const auto& [phone, name] : uncertain) {
          if (found.count(phone) == 0) continue;
          EXPECT_EQ(found[phone], name);
          found.erase(phone);
        }
        EXPECT_EQ(found, expected);
      };
      const int64_t faults = disk_.faults();
      {
        const auto store = OpenStore(Path());
        disk_.Fail(fault, nth, 1);
        for (int i = 0; i < 3; ++i) {
          const std::string phone = NumberOf(i);
          const auto made = store->CreateNumber(
              kOwner, "", {{"PhoneNumber", phone}, {"FriendlyName", "made"}}, kToday);
          (CodeOf(made) == 0 ? expected : uncertain)[phone] = "made";
        }
        disk_.Heal();
        // It works again by itself.
        Make(*store, 50, {{"FriendlyName", "last"}});
        expected[NumberOf(50)] = "last";
        has_failed = disk_.faults() > faults;
        refused += static_cast<int64_t>(uncertain.size());
        const TempDir cut(TempMedium::kMemory);
        disk_.CutPower(Path(), cut.path(), random);
        check(cut.path() + "/numbers.db");
      }
      check(Path());
    }
  }
  EXPECT_GT(refused, 0);
}

TEST_F(NumbersFaultsTest, APowerCutLeavesWhatWasAcknowledged) {
  std::mt19937_64 random(kSeed);
  const auto store = OpenStore(Path());
  Names expected;
  std::map<std::string, std::string> sids;
  for (int i = 0; i < 400; ++i) {
    const std::string phone = NumberOf(static_cast<int>(random() % 40));
    const std::string name = absl::StrCat("name ", i);
    if (sids.count(phone) == 0) {
      sids[phone] = Good(store->CreateNumber(
                             kOwner, "", {{"PhoneNumber", phone}, {"FriendlyName", name}}, kToday))
                        .sid;
      expected[phone] = name;
    } else if (random() % 3 == 0) {
      Good(store->DeleteNumber(kOwner, sids[phone], kToday));
      sids.erase(phone);
      expected.erase(phone);
    } else {
      Good(store->UpdateNumber(kOwner, sids[phone], {{"FriendlyName", name}}, kToday));
      expected[phone] = name;
    }
    if (i % 20 != 19) continue;
    SCOPED_TRACE(absl::StrCat("after ", i + 1, " writes, seed ", kSeed));
    const TempDir cut(TempMedium::kMemory);
    disk_.CutPower(Path(), cut.path(), random);
    const auto survivor = OpenStore(cut.path() + "/numbers.db");
    EXPECT_EQ(NamesIn(*survivor), expected);
  }
}

TEST_F(NumbersFaultsTest, OpensWhatCanBeReadAndNotWritten) {
  IncomingPhoneNumber made;
  {
    const auto store = OpenStore(Path());
    made = Make(*store, 1);
  }
  const auto holder = OpenStore(Path());  // keeps the log's index there
  const auto import = holder->BeginImport(kToday);
  EXPECT_TRUE(import->Put({{"account_sid", kOwner}, {"phone_number", NumberOf(2)}}).empty());
  disk_.Fail(DiskFault::kReadOnly);
  const auto store = OpenStore(Path(), absl::Milliseconds(20));
  EXPECT_EQ(Good(store->FetchNumber(kOwner, made.sid)), made);
  EXPECT_EQ(CodeOf(store->DeleteNumber(kOwner, made.sid, kToday)), 20503);
  disk_.Heal();
}

}  // namespace
}  // namespace understudy::testing
