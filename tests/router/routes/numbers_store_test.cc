// What the store promises, on a file.
#include "services/router/routes/numbers_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "common/twilio/identifiers.h"
#include "services/router/routes/numbers_database.h"
#include "tests/router/routes/numbers_world.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using router::Application;

using router::IncomingPhoneNumber;
using router::NumbersSnapshot;
using router::NumbersStore;
using router::NumberText;
using router::PackedTexts;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class NumbersStoreTest : public ::testing::Test {
 protected:
  std::string Path() const { return folder_.path() + "/numbers.db"; }

  void Execute(const std::string& sql) {
    sqlite3* database = nullptr;
    Require(sqlite3_open(Path().c_str(), &database) == SQLITE_OK, Path());
    Require(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK,
            sqlite3_errmsg(database));
    sqlite3_close(database);
  }

  TempDir folder_{TempMedium::kMemory};
};

TEST_F(NumbersStoreTest, KeepsANumberAsItWasMade) {
  IncomingPhoneNumber made;
  {
    const auto store = OpenStore(Path());
    made = Make(*store, 1,
                {{"VoiceUrl", "https://example.com/v#rc=2"},
                 {"VoiceMethod", "GET"},
                 {"VoiceFallbackUrl", "https://example.com/f"},
                 {"SmsUrl", "bin:apology"},
                 {"FriendlyName", "It's \"<b>\" \xC3\xA9; DROP TABLE numbers; --"},
                 {"StatusCallback", "https://example.com/s"},
                 {"VoiceCallerIdLookup", "true"},
                 {"TrunkSid", "TK000000000000000000000000000000a1"},
                 {"AddressSid", "AD000000000000000000000000000000a1"}});
    EXPECT_TRUE(twilio::IsSid(made.sid, "PN"));
    EXPECT_EQ(made.account_sid, kOwner);
    EXPECT_EQ(made.date_created, kToday);
    EXPECT_EQ(Good(store->FetchNumber(kOwner, made.sid)), made);
  }
  const auto store = OpenStore(Path());
  EXPECT_EQ(Good(store->FetchNumber(kOwner, made.sid)), made);
  EXPECT_EQ(Good(store->FindNumber(made.phone_number)), made);
  EXPECT_THAT(ListAll(*store, kOwner), ElementsAre(made));
}

TEST_F(NumbersStoreTest, ChangesWhatIsNamed) {
  const auto store = OpenStore(Path());
  const IncomingPhoneNumber made = Make(*store, 1, {{"VoiceUrl", "https://example.com/v"}});
  const absl::Time later = kToday + absl::Milliseconds(2500);
  const auto changed = Good(store->UpdateNumber(
      kOwner, made.sid, {{"VoiceFallbackUrl", "https://example.com/f"}}, later));
  IncomingPhoneNumber expected = made;
  expected.voice.fallback_url = "https://example.com/f";
  expected.date_updated = kToday + absl::Seconds(2);
  EXPECT_EQ(changed, expected);
  EXPECT_EQ(Good(store->FetchNumber(kOwner, made.sid)), expected);
  // What changes nothing leaves the date.
  EXPECT_EQ(Good(store->UpdateNumber(kOwner, made.sid, {}, later + absl::Hours(1))), expected);
  // What is refused changes nothing.
  EXPECT_EQ(CodeOf(store->UpdateNumber(kOwner, made.sid,
                                       {{"FriendlyName", "x"}, {"VoiceMethod", "PUT"}}, later)),
            21403);
  EXPECT_EQ(Good(store->FetchNumber(kOwner, made.sid)), expected);
}

TEST_F(NumbersStoreTest, APhoneNumberIsThereOnce) {
  const auto store = OpenStore(Path());
  const IncomingPhoneNumber made = Make(*store, 1);
  for (const char* account : {kOwner, kStranger}) {
    EXPECT_EQ(
        CodeOf(store->CreateNumber(account, "", {{"PhoneNumber", made.phone_number}}, kToday)),
        21422);
  }
  Good(store->DeleteNumber(kOwner, made.sid, kToday));
  EXPECT_EQ(CodeOf(store->FetchNumber(kOwner, made.sid)), 20404);
  EXPECT_EQ(CodeOf(store->DeleteNumber(kOwner, made.sid, kToday)), 20404);
  EXPECT_EQ(CodeOf(store->FindNumber(made.phone_number)), 20404);
  const auto again =
      Good(store->CreateNumber(kStranger, "", {{"PhoneNumber", made.phone_number}}, kToday));
  EXPECT_NE(again.sid, made.sid);
}

TEST_F(NumbersStoreTest, AnAccountSeesAndChangesItsOwnAlone) {
  const auto store = OpenStore(Path());
  const IncomingPhoneNumber number = Make(*store, 1);
  const Application application =
      Good(store->CreateApplication(kOwner, {{"FriendlyName", "App"}}, kToday));
  EXPECT_EQ(CodeOf(store->FetchNumber(kStranger, number.sid)), 20404);
  EXPECT_EQ(CodeOf(store->UpdateNumber(kStranger, number.sid, {{"FriendlyName", "x"}}, kToday)),
            20404);
  EXPECT_EQ(CodeOf(store->DeleteNumber(kStranger, number.sid, kToday)), 20404);
  EXPECT_THAT(ListAll(*store, kStranger), IsEmpty());
  EXPECT_EQ(CodeOf(store->FetchApplication(kStranger, application.sid)), 20404);
  EXPECT_EQ(CodeOf(store->UpdateApplication(kStranger, application.sid, {}, kToday)), 20404);
  EXPECT_EQ(CodeOf(store->DeleteApplication(kStranger, application.sid, kToday)), 20404);
  EXPECT_THAT(Good(store->ListApplications(kStranger, {}, {})).items, IsEmpty());
  // Nor does it use them.
  EXPECT_EQ(CodeOf(store->CreateNumber(
                kStranger, "",
                {{"PhoneNumber", NumberOf(2)}, {"VoiceApplicationSid", application.sid}}, kToday)),
            21420);
  EXPECT_EQ(Good(store->FetchNumber(kOwner, number.sid)), number);
  EXPECT_EQ(Good(store->FetchApplication(kOwner, application.sid)), application);
}

TEST_F(NumbersStoreTest, ANumberGoesToAnotherAccountWithoutItsApplications) {
  const auto store = OpenStore(Path());
  const Application application = Good(store->CreateApplication(kOwner, {}, kToday));
  const IncomingPhoneNumber number =
      Make(*store, 1, {{"SmsApplicationSid", application.sid}, {"SmsUrl", "http://example.com/"}});
  const twilio::Form gift = {{"AccountSid", kStranger}};
  EXPECT_EQ(CodeOf(store->UpdateNumber(kOwner, number.sid, gift, kToday)), 21420);
  Good(store->UpdateNumber(kOwner, number.sid, {{"SmsApplicationSid", ""}}, kToday));
  Good(store->UpdateNumber(kOwner, number.sid, gift, kToday));
  EXPECT_EQ(CodeOf(store->FetchNumber(kOwner, number.sid)), 20404);
  EXPECT_EQ(Good(store->FetchNumber(kStranger, number.sid)).sms.url, "http://example.com/");
}

TEST_F(NumbersStoreTest, AnApplicationThatGoesIsTakenFromItsNumbers) {
  const auto store = OpenStore(Path());
  const Application application = Good(store->CreateApplication(
      kOwner, {{"VoiceUrl", "https://example.com/v"}, {"FriendlyName", "App"}}, kToday));
  EXPECT_TRUE(twilio::IsSid(application.sid, "AP"));
  const Application changed = Good(store->UpdateApplication(
      kOwner, application.sid, {{"VoiceMethod", "GET"}}, kToday + absl::Seconds(1)));
  EXPECT_EQ(changed.voice.method, "GET");
  EXPECT_EQ(changed.date_updated, kToday + absl::Seconds(1));
  EXPECT_EQ(Good(store->FetchApplication(kOwner, application.sid)), changed);
  const auto voice = Make(*store, 1, {{"VoiceApplicationSid", application.sid}});
  const auto sms = Make(*store, 2, {{"SmsApplicationSid", application.sid}});
  const auto neither = Make(*store, 3);
  Good(store->DeleteApplication(kOwner, application.sid, kToday + absl::Seconds(9)));
  EXPECT_EQ(CodeOf(store->FetchApplication(kOwner, application.sid)), 20404);
  const auto now = Good(store->FetchNumber(kOwner, voice.sid));
  EXPECT_EQ(now.voice_application_sid, "");
  EXPECT_EQ(now.date_updated, kToday + absl::Seconds(9));
  EXPECT_EQ(Good(store->FetchNumber(kOwner, sms.sid)).sms_application_sid, "");
  EXPECT_EQ(Good(store->FetchNumber(kOwner, neither.sid)), neither);
}

TEST_F(NumbersStoreTest, ListsPagesNewestFirstEachNumberOnce) {
  const auto store = OpenStore(Path());
  std::vector<IncomingPhoneNumber> made;
  for (int i = 0; i < 25; ++i) made.insert(made.begin(), Make(*store, i));
  for (const int size : {1, 4, 5, 24, 25, 26, 1000}) {
    EXPECT_EQ(ListAll(*store, kOwner, size), made) << size;
  }
  // Back again, page by page.
  const auto first = Good(store->ListNumbers(kOwner, {}, {.size = 10}));
  const auto second = Good(store->ListNumbers(kOwner, {}, {.size = 10, .token = first.next_token}));
  const auto third = Good(store->ListNumbers(kOwner, {}, {.size = 10, .token = second.next_token}));
  EXPECT_EQ(first.previous_token, "");
  EXPECT_EQ(third.next_token, "");
  EXPECT_EQ(third.items.size(), 5u);
  const auto back =
      Good(store->ListNumbers(kOwner, {}, {.size = 10, .token = third.previous_token}));
  EXPECT_EQ(back.items, second.items);
  EXPECT_EQ(back.next_token, second.next_token);
  const auto begin =
      Good(store->ListNumbers(kOwner, {}, {.size = 10, .token = back.previous_token}));
  EXPECT_EQ(begin.items, first.items);
  EXPECT_EQ(begin.previous_token, "");
}

TEST_F(NumbersStoreTest, PagesShowWhatStaysOnceWhateverComesAndGoes) {
  const auto store = OpenStore(Path());
  std::vector<IncomingPhoneNumber> made;
  for (int i = 0; i < 20; ++i) made.push_back(Make(*store, i));
  const auto first = Good(store->ListNumbers(kOwner, {}, {.size = 5}));
  Make(*store, 100);
  Good(store->DeleteNumber(kOwner, made[15].sid, kToday));  // where the page ended
  Good(store->DeleteNumber(kOwner, made[3].sid, kToday));
  std::set<std::string> seen;
  for (const auto& number : first.items) seen.insert(number.phone_number);
  std::string token = first.next_token;
  while (!token.empty()) {
    const auto page = Good(store->ListNumbers(kOwner, {}, {.size = 5, .token = token}));
    for (const auto& number : page.items) EXPECT_TRUE(seen.insert(number.phone_number).second);
    token = page.next_token;
  }
  EXPECT_EQ(seen.size(), 19u);
  EXPECT_EQ(seen.count(NumberOf(3)), 0u);
  EXPECT_EQ(seen.count(NumberOf(100)), 0u);
}

TEST_F(NumbersStoreTest, RefusesTokensThatAreNoneOfOurs) {
  const auto store = OpenStore(Path());
  for (const char* token : {"x", "PA", "PAx", "PA-1", "PA 1", "PC0", "PB1x", "pa1",
                            "PA99999999999999999999", "PA1' OR 1=1"}) {
    EXPECT_EQ(CodeOf(store->ListNumbers(kOwner, {}, {.token = token})), 21481) << token;
    EXPECT_EQ(CodeOf(store->ListApplications(kOwner, {}, {.token = token})), 21481) << token;
  }
}

TEST_F(NumbersStoreTest, ListsWhatIsAskedFor) {
  const auto store = OpenStore(Path());
  for (int i = 0; i < 12; ++i) Make(*store, i, {{"FriendlyName", i % 2 == 0 ? "Even" : "Odd"}});
  Good(store->CreateNumber(kOwner, "mobile", {{"PhoneNumber", "+4915112345678"}}, kToday));
  Good(store->CreateNumber(kOwner, "", {{"PhoneNumber", "+18005551001"}}, kToday));
  Good(store->CreateNumber(kStranger, "", {{"PhoneNumber", "+14155559999"}}, kToday));
  const auto count = [&](const router::NumberFilter& filter) {
    return ListAll(*store, kOwner, 3, filter).size();
  };
  EXPECT_EQ(count({}), 14u);
  EXPECT_EQ(count({.phone_number = "+14155551003"}), 1u);
  EXPECT_EQ(count({.phone_number = "+1415555100"}), 10u);
  EXPECT_EQ(count({.phone_number = "1003"}), 1u);
  EXPECT_EQ(count({.phone_number = "555*00*1"}), 2u);
  EXPECT_EQ(count({.phone_number = "+1*1001"}), 2u);
  EXPECT_EQ(count({.phone_number = "(415) 555-1011"}), 1u);
  EXPECT_EQ(count({.phone_number = "[1-9]"}), 0u);
  EXPECT_EQ(count({.phone_number = "+14155559999"}), 0u);
  EXPECT_EQ(count({.phone_number = "?"}), 0u);
  EXPECT_EQ(count({.friendly_name = "Odd"}), 6u);
  EXPECT_EQ(count({.friendly_name = "odd"}), 0u);
  EXPECT_EQ(count({.friendly_name = ""}), 0u);
  EXPECT_EQ(count({.type = "mobile"}), 1u);
  EXPECT_EQ(count({.type = "toll-free"}), 1u);
  EXPECT_EQ(count({.phone_number = "+1415555", .friendly_name = "Even", .type = "local"}), 6u);
  Good(store->CreateApplication(kOwner, {{"FriendlyName", "A"}}, kToday));
  Good(store->CreateApplication(kOwner, {{"FriendlyName", "B"}}, kToday));
  EXPECT_EQ(Good(store->ListApplications(kOwner, {.friendly_name = "A"}, {})).items.size(), 1u);
  EXPECT_EQ(Good(store->ListApplications(kOwner, {}, {})).items.front().friendly_name, "B");
}

TEST_F(NumbersStoreTest, VisitsAllInTheOrderOfNumbers) {
  const auto store = OpenStore(Path());
  for (const int i : {3, 1, 2}) Make(*store, i);
  Good(store->CreateNumber(kStranger, "", {{"PhoneNumber", "+12"}}, kToday));
  std::vector<std::string> seen;
  const auto visit = [&](const IncomingPhoneNumber& number) {
    seen.push_back(number.phone_number);
    return seen.size() < 3;
  };
  ASSERT_TRUE(store->ForEachNumber("", visit).ok());
  EXPECT_THAT(seen, ElementsAre("+12", NumberOf(1), NumberOf(2)));
  seen.clear();
  ASSERT_TRUE(store->ForEachNumber(kStranger, visit).ok());
  EXPECT_THAT(seen, ElementsAre("+12"));
}

TEST_F(NumbersStoreTest, AnImportIsAllOrNothing) {
  const auto store = OpenStore(Path());
  const IncomingPhoneNumber there = Make(*store, 1, {{"VoiceUrl", "https://example.com/old"}});
  {
    const auto import = store->BeginImport(kToday);
    EXPECT_THAT(import->Put({{"account_sid", kOwner},
                             {"phone_number", NumberOf(1)},
                             {"voice_url", "https://example.com/new"}}),
                IsEmpty());
    EXPECT_THAT(import->Put({{"account_sid", kOwner}, {"phone_number", NumberOf(2)}}), IsEmpty());
    // Nobody sees it, and it goes without a trace.
    EXPECT_EQ(Good(store->FetchNumber(kOwner, there.sid)), there);
  }
  EXPECT_THAT(ListAll(*store, kOwner), ElementsAre(there));
  {
    const auto import = store->BeginImport(kToday);
    EXPECT_THAT(import->Put({{"account_sid", kOwner}, {"phone_number", NumberOf(2)}}), IsEmpty());
    const auto errors = import->Put(
        {{"account_sid", kOwner}, {"phone_number", NumberOf(3)}, {"voice_method", "PUT"}});
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].code, 21403);
    EXPECT_THAT(import->Put({{"account_sid", kOwner}, {"phone_number", NumberOf(4)}}), IsEmpty());
    EXPECT_EQ(import->Commit().code(), absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_THAT(ListAll(*store, kOwner), ElementsAre(there));
  const auto import = store->BeginImport(kToday + absl::Seconds(5));
  EXPECT_THAT(import->Put({{"account_sid", kOwner},
                           {"phone_number", NumberOf(1)},
                           {"sid", there.sid},
                           {"voice_url", "https://example.com/new"}}),
              IsEmpty());
  EXPECT_THAT(import->Put({{"account_sid", kOwner},
                           {"phone_number", NumberOf(2)},
                           {"sid", "PN000000000000000000000000000000a1"},
                           {"type", "mobile"}}),
              IsEmpty());
  EXPECT_THAT(import->Put({{"account_sid", kOwner}, {"phone_number", NumberOf(1)}}), IsEmpty());
  EXPECT_TRUE(import->Commit().ok());
  EXPECT_EQ(import->created(), 1);
  EXPECT_EQ(import->changed(), 1);
  EXPECT_EQ(import->unchanged(), 1);
  EXPECT_EQ(Good(store->FetchNumber(kOwner, there.sid)).voice.url, "https://example.com/new");
  const auto made = Good(store->FetchNumber(kOwner, "PN000000000000000000000000000000a1"));
  EXPECT_EQ(made.phone_number, NumberOf(2));
  EXPECT_EQ(made.type, "mobile");
}

TEST_F(NumbersStoreTest, AnImportTellsTheMistakesOfEachRow) {
  const auto store = OpenStore(Path());
  const IncomingPhoneNumber there = Make(*store, 1);
  const auto import = store->BeginImport(kToday);
  const auto codes = [&](const twilio::Form& row) {
    std::vector<int> all;
    for (const auto& error : import->Put(row)) all.push_back(error.code);
    return all;
  };
  EXPECT_THAT(codes({{"phone_number", NumberOf(2)}}), ElementsAre(21470));
  EXPECT_THAT(codes({{"account_sid", "x"}, {"phone_number", NumberOf(2)}}), ElementsAre(21470));
  EXPECT_THAT(codes({{"account_sid", kOwner}}), ElementsAre(21421));
  EXPECT_THAT(codes({{"account_sid", kStranger}, {"phone_number", NumberOf(1)}}),
              ElementsAre(21422));
  EXPECT_THAT(codes({{"account_sid", kOwner},
                     {"phone_number", NumberOf(1)},
                     {"sid", "PN000000000000000000000000000000a1"}}),
              ElementsAre(20423));
  EXPECT_THAT(codes({{"account_sid", kOwner}, {"phone_number", NumberOf(2)}, {"sid", there.sid}}),
              ElementsAre(20423));
  EXPECT_THAT(codes({{"account_sid", kOwner},
                     {"phone_number", NumberOf(2)},
                     {"type", "satellite"},
                     {"voice_url", "x"},
                     {"sms_method", "PUT"}}),
              ElementsAre(20422, 21402, 21403));
  EXPECT_THAT(codes({{"account_sid", kOwner},
                     {"phone_number", NumberOf(2)},
                     {"sms_application_sid", "AP000000000000000000000000000000a1"}}),
              ElementsAre(21420));
}

TEST_F(NumbersStoreTest, AnImportKeepsOthersWaitingForSoLong) {
  const auto store = OpenStore(Path(), absl::Milliseconds(50));
  const auto other = OpenStore(Path(), absl::Milliseconds(50));
  auto import = store->BeginImport(kToday);
  EXPECT_THAT(import->Put({{"account_sid", kOwner}, {"phone_number", NumberOf(1)}}), IsEmpty());
  const auto busy = other->CreateNumber(kOwner, "", {{"PhoneNumber", NumberOf(2)}}, kToday);
  ASSERT_EQ(CodeOf(busy), 20503);
  EXPECT_THAT(std::get<router::ResourceError>(busy).message, HasSubstr("locked"));
  EXPECT_EQ(CodeOf(store->CreateNumber(kOwner, "", {{"PhoneNumber", NumberOf(2)}}, kToday)), 20503);
  EXPECT_THAT(ListAll(*other, kOwner), IsEmpty());
  import.reset();
  Make(*other, 2);
  Make(*store, 3);
}

// Makes a snapshot's table and one that is read anew the same, after each change.
TEST_F(NumbersStoreTest, ASnapshotFollowsWhatAnyStoreChanges) {
  const auto store = OpenStore(Path());
  const auto other = OpenStore(Path());
  PackedTexts texts;
  NumbersSnapshot snapshot;
  EXPECT_EQ(store->Refresh(texts, snapshot).value(), false);  // a new file is empty
  const IncomingPhoneNumber one =
      Make(*other, 1, {{"VoiceUrl", "https://example.com/v"}, {"VoiceMethod", "GET"}});
  EXPECT_EQ(store->Refresh(texts, snapshot).value(), true);
  EXPECT_EQ(store->Refresh(texts, snapshot).value(), false);
  EXPECT_EQ(
      snapshot.table.FindNumber(one.phone_number),
      (NumberText{.account_sid = kOwner,
                  .voice = {.url = "https://example.com/v", .method = router::Method::kGet}}));
  EXPECT_EQ(snapshot.committed_at, kToday);
  const Application application =
      Good(store->CreateApplication(kOwner, {{"SmsUrl", "https://example.com/s"}}, kToday));
  Good(other->UpdateNumber(kOwner, one.sid, {{"SmsApplicationSid", application.sid}}, kToday));
  EXPECT_EQ(store->Refresh(texts, snapshot).value(), true);
  EXPECT_EQ(snapshot.table.FindNumber(one.phone_number)->messaging_application_sid,
            application.sid);
  EXPECT_EQ(snapshot.table.FindApplication(application.sid)->messaging.url,
            "https://example.com/s");
  // Gone and there again, between two looks.
  Good(other->DeleteNumber(kOwner, one.sid, kToday));
  Make(*other, 1, {{"VoiceUrl", "https://example.com/again"}});
  const IncomingPhoneNumber two = Make(*other, 2);
  Good(other->DeleteNumber(kOwner, two.sid, kToday));
  Good(store->DeleteApplication(kOwner, application.sid, kToday));
  EXPECT_EQ(store->Refresh(texts, snapshot).value(), true);
  EXPECT_EQ(snapshot.table.FindNumber(one.phone_number)->voice.url, "https://example.com/again");
  EXPECT_FALSE(snapshot.table.FindNumber(two.phone_number).has_value());
  EXPECT_FALSE(snapshot.table.FindApplication(application.sid).has_value());
  EXPECT_EQ(snapshot.table.numbers(), 1u);
  EXPECT_EQ(snapshot.table.applications(), 0u);
}

TEST_F(NumbersStoreTest, ASnapshotThatIsFarBehindIsReadAnew) {
  const auto store = OpenStore(Path());
  const auto other = OpenStore(Path());
  PackedTexts texts;
  NumbersSnapshot snapshot;
  const IncomingPhoneNumber one = Make(*store, 1);
  Make(*store, 2);
  ASSERT_TRUE(store->Refresh(texts, snapshot).value());
  Good(other->DeleteNumber(kOwner, one.sid, kToday));
  // As if there had been so many transactions that the deletion is forgotten.
  Execute("UPDATE commits SET last = last + 20000");
  Make(*other, 3);
  ASSERT_TRUE(store->Refresh(texts, snapshot).value());
  EXPECT_FALSE(snapshot.table.FindNumber(one.phone_number).has_value());
  EXPECT_EQ(snapshot.table.numbers(), 2u);
}

TEST_F(NumbersStoreTest, ItsFilesAreNotForEverybody) {
  const auto store = OpenStore(Path());
  Make(*store, 1);
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat file = {};
    ASSERT_EQ(::stat((Path() + suffix).c_str(), &file), 0) << suffix;
    EXPECT_EQ(file.st_mode & 0007u, 0u) << suffix;
  }
}

TEST_F(NumbersStoreTest, RefusesWhatIsNoneOfItsFiles) {
  const auto message = [&] {
    return std::string(NumbersStore::Open({.path = Path()}).status().message());
  };
  Execute("CREATE TABLE t (x)");
  EXPECT_THAT(message(), HasSubstr("another program"));
  std::remove(Path().c_str());
  OpenStore(Path());
  Execute("PRAGMA user_version = 99");
  EXPECT_THAT(message(), HasSubstr("newer program"));
  std::remove(Path().c_str());
  folder_.Write("numbers.db", std::string(4096, 'x'));
  EXPECT_EQ(NumbersStore::Open({.path = Path()}).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(NumbersStore::Open({.path = folder_.path() + "/nowhere/numbers.db"}).ok());
}

TEST_F(NumbersStoreTest, ManyThreadsAndStoresWriteAtOnce) {
  const auto store = OpenStore(Path());
  const auto other = OpenStore(Path());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      NumbersStore& mine = t % 2 == 0 ? *store : *other;
      for (int i = 0; i < 50; ++i) {
        const IncomingPhoneNumber made = Make(mine, t * 100 + i);
        if (i % 2 == 0) Good(mine.DeleteNumber(kOwner, made.sid, kToday));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ListAll(*store, kOwner).size(), 100u);
}

}  // namespace
}  // namespace understudy::testing
