// The numbers of a router: the configuration's and the database's, as list and as table.
#include "services/router/routes/numbers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "absl/time/clock.h"
#include "common/mutex.h"
#include "tests/router/routes/numbers_world.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/wait.h"

namespace understudy::testing {
namespace {

using router::Account;
using router::Application;
using router::Bin;
using router::Handler;
using router::HandlerFields;
using router::IncomingPhoneNumber;
using router::Number;
using router::Numbers;
using router::NumbersStore;
using router::NumberTable;
using router::ResourceError;
using router::RouteTable;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using twilio::Kind;

constexpr absl::Duration kBound = absl::Seconds(10);

std::vector<std::shared_ptr<const Bin>> OneBin() {
  return {std::make_shared<const Bin>(
      Bin{.name = "apology", .text = *twilio::BinTemplate::Parse("<Response/>")})};
}

// A router, as far as its numbers go.
class Replica {
 public:
  explicit Replica(const std::string& path, std::vector<Number> configured = {},
                   absl::Duration busy_timeout = absl::Seconds(5))
      : configured_(std::move(configured)),
        routes_({{.sid = kOwner}, {.sid = kStranger}}, configured_, OneBin()) {
    auto numbers = Numbers::Open({.path = path,
                                  .busy_timeout = busy_timeout,
                                  .publish =
                                      [this](const NumberTable& table) {
                                        MutexLock lock(mutex_);
                                        table_ = table;
                                      },
                                  .on_write =
                                      [this](absl::Duration, bool good) {
                                        MutexLock lock(mutex_);
                                        (good ? kept_ : failed_)++;
                                      }},
                                 routes_, configured_, kToday);
    Require(numbers.ok(), numbers.ok() ? "" : std::string(numbers.status().message()));
    numbers_ = *std::move(numbers);
  }

  Numbers& numbers() { return *numbers_; }

  // By which calls go now.
  RouteTable Routes() {
    MutexLock lock(mutex_);
    return routes_.WithStored(table_);
  }
  // Where a call goes now: a URL, "" for none, "?" for no such number.
  std::string Goes(const std::string& number, Kind kind = Kind::kVoice) {
    const auto route = Routes().FindNumber(number, kind);
    if (!route.has_value()) return "?";
    return route->handler.has_value() ? route->handler->primary.url : "";
  }
  int kept() {
    MutexLock lock(mutex_);
    return kept_;
  }
  int failed() {
    MutexLock lock(mutex_);
    return failed_;
  }

 private:
  std::vector<Number> configured_;
  RouteTable routes_;
  Mutex mutex_;
  NumberTable table_ GUARDED_BY(mutex_);
  int kept_ GUARDED_BY(mutex_) = 0;
  int failed_ GUARDED_BY(mutex_) = 0;
  std::unique_ptr<Numbers> numbers_;  // goes before what it publishes to
};

class NumbersTest : public ::testing::Test {
 protected:
  std::string Path() const { return folder_.path() + "/numbers.db"; }

  static IncomingPhoneNumber Create(Replica& replica, int i, twilio::Form more = {}) {
    more.insert(more.begin(), {"PhoneNumber", NumberOf(i)});
    return Good(replica.numbers().CreateNumber(kOwner, "", more, kToday));
  }

  TempDir folder_{TempMedium::kMemory};
};

std::vector<Number> Configured(int count) {
  std::vector<Number> numbers;
  for (int i = 0; i < count; ++i) {
    numbers.push_back({.phone_number = NumberOf(5000 + i),
                       .account_sid = kOwner,
                       .voice = Handler{.primary = {.url = "https://configured.example.com/",
                                                    .method = router::Method::kGet},
                                        .fallback = router::Endpoint{.url = "bin:apology"}}});
  }
  return numbers;
}

TEST_F(NumbersTest, WhatAWriteHasAnsweredCountsForTheNextCall) {
  Replica replica(Path());
  EXPECT_EQ(replica.Goes(NumberOf(1)), "?");
  const IncomingPhoneNumber made = Create(replica, 1, {{"VoiceUrl", "https://example.com/1"}});
  EXPECT_EQ(replica.Goes(NumberOf(1)), "https://example.com/1");
  EXPECT_EQ(replica.Goes(NumberOf(1), Kind::kMessaging), "");
  Numbers& numbers = replica.numbers();
  Good(numbers.UpdateNumber(kOwner, made.sid, {{"SmsUrl", "bin:apology"}}, kToday));
  EXPECT_EQ(replica.Goes(NumberOf(1), Kind::kMessaging), "bin:apology");
  const Application application =
      Good(numbers.CreateApplication(kOwner, {{"VoiceUrl", "https://app.example.com/"}}, kToday));
  Good(numbers.UpdateNumber(kOwner, made.sid, {{"VoiceApplicationSid", application.sid}}, kToday));
  EXPECT_EQ(replica.Goes(NumberOf(1)), "https://app.example.com/");
  Good(numbers.UpdateApplication(kOwner, application.sid,
                                 {{"VoiceUrl", "https://app.example.com/2"}}, kToday));
  EXPECT_EQ(replica.Goes(NumberOf(1)), "https://app.example.com/2");
  Good(numbers.DeleteApplication(kOwner, application.sid, kToday));
  EXPECT_EQ(replica.Goes(NumberOf(1)), "https://example.com/1");
  Good(numbers.DeleteNumber(kOwner, made.sid, kToday));
  EXPECT_EQ(replica.Goes(NumberOf(1)), "?");
  EXPECT_EQ(replica.kept(), 7);
  EXPECT_EQ(replica.failed(), 0);
}

TEST_F(NumbersTest, ReadsWhatThereIsAtTheStart) {
  {
    Replica replica(Path());
    Create(replica, 1, {{"VoiceUrl", "https://example.com/1"}});
  }
  Replica replica(Path());
  EXPECT_EQ(replica.Goes(NumberOf(1)), "https://example.com/1");
  EXPECT_EQ(replica.numbers().stats().stored, 1);
}

TEST_F(NumbersTest, SeesWhatOthersChangeWithinASecond) {
  Replica one(Path());
  Replica two(Path());
  one.numbers().Watch();
  two.numbers().Watch();
  const auto store = OpenStore(Path());  // as the command line has it
  const IncomingPhoneNumber made = Create(one, 1, {{"VoiceUrl", "https://example.com/1"}});
  EXPECT_TRUE(WaitFor([&] { return two.Goes(NumberOf(1)) == "https://example.com/1"; }, kBound));
  Good(store->UpdateNumber(kOwner, made.sid, {{"VoiceUrl", "https://example.com/2"}}, absl::Now()));
  EXPECT_TRUE(WaitFor([&] { return one.Goes(NumberOf(1)) == "https://example.com/2"; }, kBound));
  EXPECT_TRUE(WaitFor([&] { return two.Goes(NumberOf(1)) == "https://example.com/2"; }, kBound));
  EXPECT_TRUE(WaitFor([&] { return one.numbers().stats().lag < absl::Seconds(1); }, kBound));
  const auto import = store->BeginImport(kToday);
  for (int i = 100; i < 200; ++i) {
    EXPECT_THAT(import->Put({{"account_sid", kOwner}, {"phone_number", NumberOf(i)}}), IsEmpty());
  }
  ASSERT_TRUE(import->Commit().ok());
  EXPECT_TRUE(WaitFor([&] { return one.numbers().stats().stored == 101; }, kBound));
}

TEST_F(NumbersTest, ConfiguredNumbersAreListedLastAndReadOnly) {
  Replica replica(Path(), Configured(7));
  Numbers& numbers = replica.numbers();
  std::vector<std::string> expected;
  for (int i = 5; i-- > 0;) expected.push_back(NumberOf(i));
  for (int i = 0; i < 5; ++i) Create(replica, i);
  for (int i = 0; i < 7; ++i) expected.push_back(NumberOf(5000 + i));
  for (const int size : {1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 50}) {
    std::vector<std::string> listed;
    for (const auto& number : ListAll(numbers, kOwner, size)) listed.push_back(number.phone_number);
    EXPECT_EQ(listed, expected) << size;
  }
  EXPECT_THAT(ListAll(numbers, kStranger), IsEmpty());
  EXPECT_EQ(ListAll(numbers, kOwner, 50, {.phone_number = NumberOf(5003)}).size(), 1u);
  EXPECT_EQ(ListAll(numbers, kOwner, 50, {.phone_number = "x"}).size(), 0u);
  EXPECT_EQ(ListAll(numbers, kOwner, 50, {.type = "mobile"}).size(), 0u);
  EXPECT_EQ(ListAll(numbers, kOwner, 50, {.friendly_name = "(415) 555-6001"}).size(), 1u);

  const IncomingPhoneNumber configured = ListAll(numbers, kOwner).back();
  EXPECT_TRUE(configured.is_read_only);
  EXPECT_EQ(configured.voice, (HandlerFields{.url = "https://configured.example.com/",
                                             .method = "GET",
                                             .fallback_url = "bin:apology"}));
  EXPECT_EQ(Good(numbers.FetchNumber(kOwner, configured.sid)), configured);
  EXPECT_EQ(CodeOf(numbers.FetchNumber(kStranger, configured.sid)), 20404);
  const auto refused = numbers.UpdateNumber(kOwner, configured.sid, {{"SmsUrl", ""}}, kToday);
  ASSERT_EQ(CodeOf(refused), 20409);
  EXPECT_EQ(std::get<ResourceError>(refused).status, 409);
  EXPECT_THAT(std::get<ResourceError>(refused).message, HasSubstr("router.yaml"));
  EXPECT_EQ(CodeOf(numbers.DeleteNumber(kOwner, configured.sid, kToday)), 20409);
  EXPECT_EQ(CodeOf(numbers.UpdateNumber(kStranger, configured.sid, {}, kToday)), 20404);
  EXPECT_EQ(CodeOf(numbers.DeleteNumber(kStranger, configured.sid, kToday)), 20404);
  EXPECT_EQ(
      CodeOf(numbers.CreateNumber(kOwner, "", {{"PhoneNumber", configured.phone_number}}, kToday)),
      20409);
  EXPECT_EQ(replica.Goes(configured.phone_number), "https://configured.example.com/");
}

TEST_F(NumbersTest, PagesOfConfiguredNumbersLeadBack) {
  Replica replica(Path(), Configured(5));
  for (int i = 0; i < 4; ++i) Create(replica, i);
  Numbers& numbers = replica.numbers();
  const auto last = Good(numbers.ListNumbers(kOwner, {}, {.size = 3, .token = "PC2"}));
  EXPECT_EQ(last.items.size(), 3u);
  EXPECT_EQ(last.next_token, "");
  const auto back =
      Good(numbers.ListNumbers(kOwner, {}, {.size = 3, .token = last.previous_token}));
  EXPECT_FALSE(back.items.empty());
  EXPECT_FALSE(back.items.front().is_read_only);
  EXPECT_EQ(CodeOf(numbers.ListNumbers(kOwner, {}, {.token = "PCx"})), 21481);
  EXPECT_THAT(Good(numbers.ListNumbers(kOwner, {}, {.token = "PC99"})).items, IsEmpty());
}

// The same number in both: first it was made over REST, then written into the file.
TEST_F(NumbersTest, TheConfigurationsNumberCountsBeforeTheDatabases) {
  IncomingPhoneNumber shadowed;
  {
    Replica before(Path());
    shadowed = Create(before, 5000, {{"VoiceUrl", "https://example.com/stored"}});
  }
  Replica replica(Path(), Configured(1));
  Numbers& numbers = replica.numbers();
  EXPECT_EQ(replica.Goes(NumberOf(5000)), "https://configured.example.com/");
  EXPECT_EQ(ListAll(numbers, kOwner).size(), 1u);
  EXPECT_TRUE(ListAll(numbers, kOwner).front().is_read_only);
  EXPECT_EQ(CodeOf(numbers.UpdateNumber(kOwner, shadowed.sid, {{"VoiceUrl", ""}}, kToday)), 20409);
  // Out of the file again.
  numbers.Reconfigure(RouteTable({{.sid = kOwner}}, {}), {}, kToday);
  EXPECT_EQ(ListAll(numbers, kOwner).front(), shadowed);
  Good(numbers.UpdateNumber(kOwner, shadowed.sid, {{"FriendlyName", "x"}}, kToday));
  numbers.Reconfigure(RouteTable({{.sid = kOwner}}, Configured(1)), Configured(1), kToday);
  Good(numbers.DeleteNumber(kOwner, shadowed.sid, kToday));
}

TEST_F(NumbersTest, BinsAndAccountsAreThoseOfTheConfigurationNow) {
  Replica replica(Path());
  Numbers& numbers = replica.numbers();
  const IncomingPhoneNumber made = Create(replica, 1, {{"VoiceUrl", "bin:apology"}});
  EXPECT_NE(replica.Routes().FindNumber(NumberOf(1), Kind::kVoice)->handler->primary.bin, nullptr);
  EXPECT_EQ(CodeOf(numbers.UpdateNumber(kOwner, made.sid, {{"SmsUrl", "bin:gone"}}, kToday)),
            21402);
  EXPECT_EQ(CodeOf(numbers.UpdateNumber(
                kOwner, made.sid, {{"AccountSid", "AC00000000000000000000000000000003"}}, kToday)),
            21471);
  numbers.Reconfigure(RouteTable({{.sid = kOwner}}, {}), {}, kToday);
  EXPECT_EQ(CodeOf(numbers.UpdateNumber(kOwner, made.sid, {{"SmsUrl", "bin:apology"}}, kToday)),
            21402);
  EXPECT_EQ(CodeOf(numbers.UpdateNumber(kOwner, made.sid, {{"AccountSid", kStranger}}, kToday)),
            21471);
  // What it had is left as it is, and may be left so.
  EXPECT_EQ(Good(numbers.UpdateNumber(kOwner, made.sid, {{"FriendlyName", "x"}}, kToday)).voice.url,
            "bin:apology");
}

// Any sequence of calls leaves table, database and list equal, here, in another replica, and after
// a new start.
class NumbersModelTest : public NumbersTest, public ::testing::WithParamInterface<unsigned> {
 protected:
  std::string Url() { return absl::StrCat("https://example.com/", random_() % 1000); }
  size_t Dice(size_t sides) { return random_() % sides; }

  template <typename Resource>
  const Resource* AnyOf(const std::map<std::string, Resource>& all) {
    if (all.empty()) return nullptr;
    return &std::next(all.begin(), static_cast<std::ptrdiff_t>(Dice(all.size())))->second;
  }

  // Fields that are good, and some that are not.
  twilio::Form Changes() {
    twilio::Form changes;
    for (const char* name : {"VoiceUrl", "SmsUrl", "VoiceFallbackUrl", "SmsFallbackUrl"}) {
      if (Dice(3) == 0) changes.push_back({name, Dice(4) == 0 ? "" : Url()});
    }
    if (Dice(4) == 0) changes.push_back({"VoiceMethod", Dice(2) == 0 ? "GET" : ""});
    if (Dice(5) == 0) changes.push_back({"FriendlyName", absl::StrCat("Name ", Dice(3))});
    if (Dice(20) == 0) changes.push_back({"SmsMethod", "PUT"});
    return changes;
  }
  twilio::Form NumberChanges() {
    twilio::Form changes = Changes();
    for (const char* name : {"VoiceApplicationSid", "SmsApplicationSid"}) {
      if (Dice(5) != 0) continue;
      const Application* const application = AnyOf(applications_);
      changes.push_back({name, application == nullptr || Dice(3) == 0 ? "" : application->sid});
    }
    if (Dice(8) == 0) {
      changes.push_back({"TrunkSid", Dice(2) == 0 ? "" : "TK000000000000000000000000000000a1"});
    }
    return changes;
  }

  void Step(Numbers& numbers) {
    switch (Dice(10)) {
      case 0:
      case 1:
      case 2: {
        twilio::Form fields = NumberChanges();
        const std::string phone = NumberOf(static_cast<int>(Dice(40)));
        fields.push_back({"PhoneNumber", phone});
        const auto answer = numbers.CreateNumber(kOwner, "", fields, Now());
        const bool was_there = numbers_.count(phone) > 0;
        if (const auto* made = std::get_if<IncomingPhoneNumber>(&answer)) {
          EXPECT_FALSE(was_there);
          numbers_[phone] = *made;
        } else if (!was_there) {
          EXPECT_NE(CodeOf(answer), 21422);
        }
        break;
      }
      case 3:
      case 4:
      case 5:
        if (const IncomingPhoneNumber* const number = AnyOf(numbers_)) {
          IncomingPhoneNumber expected = *number;
          const twilio::Form changes = NumberChanges();
          const auto wrong = ApplyChanges(changes, {}, expected);
          const auto answer = numbers.UpdateNumber(kOwner, number->sid, changes, Now());
          ASSERT_EQ(CodeOf(answer) == 0, wrong.empty());
          if (const auto* changed = std::get_if<IncomingPhoneNumber>(&answer)) {
            expected.date_updated = changed->date_updated;
            EXPECT_EQ(*changed, expected);
            numbers_[expected.phone_number] = expected;
          }
        }
        break;
      case 6:
        if (const IncomingPhoneNumber* const number = AnyOf(numbers_)) {
          Good(numbers.DeleteNumber(kOwner, number->sid, Now()));
          numbers_.erase(std::string(number->phone_number));
        }
        break;
      case 7: {
        const auto answer = numbers.CreateApplication(kOwner, Changes(), Now());
        if (const auto* made = std::get_if<Application>(&answer)) applications_[made->sid] = *made;
        break;
      }
      case 8:
        if (const Application* const application = AnyOf(applications_)) {
          const auto answer = numbers.UpdateApplication(kOwner, application->sid, Changes(), Now());
          if (const auto* changed = std::get_if<Application>(&answer)) {
            applications_[changed->sid] = *changed;
          }
        }
        break;
      case 9:
        if (const Application* const application = AnyOf(applications_); Dice(3) == 0) {
          if (application == nullptr) break;
          const std::string sid = application->sid;
          Good(numbers.DeleteApplication(kOwner, sid, Now()));
          applications_.erase(sid);
          for (auto& [phone, number] : numbers_) {
            for (std::string* field :
                 {&number.voice_application_sid, &number.sms_application_sid}) {
              if (*field != sid) continue;
              field->clear();
              number.date_updated = absl::FromUnixSeconds(absl::ToUnixSeconds(now_));
            }
          }
        }
        break;
    }
  }
  absl::Time Now() { return now_ += absl::Milliseconds(700); }

  // What a number's handler is, by the rules.
  std::string Expected(const IncomingPhoneNumber& number, Kind kind) const {
    const bool is_voice = kind == Kind::kVoice;
    if (is_voice && !number.trunk_sid.empty()) return "";
    const std::string& application =
        is_voice ? number.voice_application_sid : number.sms_application_sid;
    if (application.empty()) return is_voice ? number.voice.url : number.sms.url;
    const Application& found = applications_.at(application);
    return is_voice ? found.voice.url : found.sms.url;
  }

  void CheckCalls(Replica& replica) {
    for (int i = 0; i < 40; ++i) {
      for (const Kind kind : {Kind::kVoice, Kind::kMessaging}) {
        const auto number = numbers_.find(NumberOf(i));
        ASSERT_EQ(replica.Goes(NumberOf(i), kind),
                  number == numbers_.end() ? "?" : Expected(number->second, kind));
      }
    }
  }
  void CheckList(Replica& replica) {
    std::map<std::string, IncomingPhoneNumber> listed;
    for (const auto& number : ListAll(replica.numbers(), kOwner, 7)) {
      listed[number.phone_number] = number;
    }
    ASSERT_EQ(listed, numbers_);
    std::map<std::string, Application> applications;
    for (const auto& application :
         Good(replica.numbers().ListApplications(kOwner, {}, {.size = 1000})).items) {
      applications[application.sid] = application;
    }
    ASSERT_EQ(applications, applications_);
    EXPECT_EQ(replica.numbers().stats().stored, static_cast<int64_t>(numbers_.size()));
    EXPECT_EQ(replica.numbers().stats().applications, static_cast<int64_t>(applications_.size()));
  }

  std::mt19937 random_{GetParam()};
  absl::Time now_ = kToday;
  std::map<std::string, IncomingPhoneNumber> numbers_;
  std::map<std::string, Application> applications_;
};

TEST_P(NumbersModelTest, TableDatabaseAndListAreEqual) {
  Replica one(Path());
  Replica two(Path());
  two.numbers().Watch();
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 40; ++i) {
      Step(one.numbers());
      if (HasFatalFailure()) return;
      CheckCalls(one);
    }
    CheckList(one);
    // The other one comes after, and then writes itself.
    const auto follows = [&] {
      for (const auto& [phone, number] : numbers_) {
        if (two.Goes(phone) != Expected(number, Kind::kVoice)) return false;
      }
      return two.numbers().stats().stored == static_cast<int64_t>(numbers_.size());
    };
    ASSERT_TRUE(WaitFor(follows, kBound)) << "round " << round;
    Step(two.numbers());
    CheckCalls(two);
    CheckList(two);
    ASSERT_TRUE(one.numbers().ListNumbers(kOwner, {}, {}).index() == 0);
    Good(one.numbers().CreateApplication(kOwner, {}, Now()));  // which makes it look
    applications_.clear();
    for (const auto& application :
         Good(one.numbers().ListApplications(kOwner, {}, {.size = 1000})).items) {
      applications_[application.sid] = application;
    }
    CheckCalls(one);
  }
  Replica restarted(Path());
  CheckCalls(restarted);
  CheckList(restarted);
}

INSTANTIATE_TEST_SUITE_P(Seeds, NumbersModelTest, ::testing::Range(1u, 7u));

}  // namespace
}  // namespace understudy::testing
