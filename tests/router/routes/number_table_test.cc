#include "services/router/routes/number_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace understudy::router {
namespace {

using ::testing::UnorderedElementsAre;

// The texts of a number that is told from others by `i`.
struct Texts {
  explicit Texts(int i)
      : url(absl::StrCat("https://example.com/", i)), account(absl::StrFormat("AC%032d", i)) {}
  NumberText number() const {
    return {.account_sid = account, .voice = {.url = url, .method = Method::kGet}};
  }

  const std::string url;
  const std::string account;
};

TEST(NumberTableTest, GivesBackWhatItWasGiven) {
  const std::string long_url = "https://example.com/" + std::string(8172, 'x');
  const NumberText all = {.account_sid = "AC1",
                          .voice = {.url = long_url,
                                    .method = Method::kGet,
                                    .fallback_url = "bin:apology",
                                    .fallback_method = Method::kPost},
                          .voice_application_sid = "AP1",
                          .trunk_sid = "TK1",
                          .messaging = {.url = "https://m.example.com/",
                                        .method = Method::kPost,
                                        .fallback_url = "https://f.example.com/",
                                        .fallback_method = Method::kGet},
                          .messaging_application_sid = "AP2"};
  const ApplicationText application = {.voice = all.messaging, .messaging = all.voice};
  PackedTexts texts;
  NumberTableChange change({}, texts);
  change.SetNumber("+14155550199", all);
  change.SetNumber("+12", {});
  change.SetApplication("AP0123456789abcdef0123456789abcdef", application);
  const NumberTable table = change.Finish();
  EXPECT_EQ(table.FindNumber("+14155550199"), all);
  EXPECT_EQ(table.FindNumber("+12"), NumberText());
  EXPECT_EQ(table.FindApplication("AP0123456789abcdef0123456789abcdef"), application);
  EXPECT_EQ(table.numbers(), 2u);
  EXPECT_EQ(table.applications(), 1u);
  EXPECT_THAT(table.Bins(), UnorderedElementsAre("apology"));
}

TEST(NumberTableTest, KnowsOnlyWhatIsWritten) {
  PackedTexts texts;
  NumberTableChange change({}, texts);
  for (const char* number : {"+14155550199", "+1415555019", "+123456789012345"}) {
    change.SetNumber(number, {.account_sid = number});
  }
  for (const char* no_number : {"", "+", "14155550198", "+04155550199", "+1234567890123456"}) {
    change.SetNumber(no_number, {.account_sid = "x"});
  }
  const NumberTable table = change.Finish();
  EXPECT_EQ(table.numbers(), 3u);
  EXPECT_EQ(table.FindNumber("+14155550199")->account_sid, "+14155550199");
  EXPECT_EQ(table.FindNumber("+1415555019")->account_sid, "+1415555019");
  EXPECT_EQ(table.FindNumber("+123456789012345")->account_sid, "+123456789012345");
  for (const char* other : {"", "14155550199", "+141555501990", "+0014155550199", "+14155550198",
                            " +14155550199", "+1415555019x"}) {
    EXPECT_FALSE(table.FindNumber(other).has_value()) << other;
  }
}

TEST(NumberTableTest, AnOlderTableStaysAsItWas) {
  PackedTexts texts;
  const Texts old_texts(1);
  const Texts new_texts(2);
  NumberTableChange first({}, texts);
  first.SetNumber("+14155550199", old_texts.number());
  first.SetNumber("+14155550198", old_texts.number());
  const NumberTable before = first.Finish();
  NumberTableChange second(before, texts);
  second.SetNumber("+14155550199", new_texts.number());
  second.EraseNumber("+14155550198");
  second.EraseNumber("+14155550197");  // which is not there
  const NumberTable after = second.Finish();
  EXPECT_EQ(before.FindNumber("+14155550199"), old_texts.number());
  EXPECT_EQ(before.FindNumber("+14155550198"), old_texts.number());
  EXPECT_EQ(before.numbers(), 2u);
  EXPECT_EQ(after.FindNumber("+14155550199"), new_texts.number());
  EXPECT_FALSE(after.FindNumber("+14155550198").has_value());
  EXPECT_EQ(after.numbers(), 1u);
}

TEST(NumberTableTest, OfChangesOfTheSameNumberTheLastCounts) {
  PackedTexts texts;
  NumberTableChange change({}, texts);
  change.SetNumber("+12", Texts(1).number());
  change.SetNumber("+12", Texts(2).number());
  change.SetNumber("+13", Texts(1).number());
  change.EraseNumber("+13");
  change.EraseNumber("+14");
  change.SetNumber("+14", Texts(3).number());
  const NumberTable table = change.Finish();
  EXPECT_EQ(table.FindNumber("+12"), Texts(2).number());
  EXPECT_FALSE(table.FindNumber("+13").has_value());
  EXPECT_EQ(table.FindNumber("+14"), Texts(3).number());
  EXPECT_EQ(table.numbers(), 2u);
}

TEST(NumberTableTest, EqualTextsAreThereOnce) {
  PackedTexts texts;
  NumberTable table;
  {
    NumberTableChange change(table, texts);
    for (int i = 0; i < 1000; ++i) {
      change.SetNumber(absl::StrCat("+1415555", i), Texts(1).number());
    }
    table = change.Finish();
  }
  EXPECT_EQ(texts.size(), 1u);
  // What no table has any more goes, by and by.
  for (int i = 0; i < 5000; ++i) {
    NumberTableChange change(table, texts);
    change.SetNumber("+12", Texts(i).number());
    table = change.Finish();
  }
  EXPECT_LE(texts.size(), 2048u);
  texts.Prune();
  EXPECT_EQ(texts.size(), 2u);
  EXPECT_EQ(table.FindNumber("+1415555999"), Texts(1).number());
}

// However keys lie in a shard: evenly, all at one end, or in heaps.
TEST(ShardedMapTest, FindsWhatIsThereAndNothingElse) {
  using Map = ShardedMap<PhoneKey>;
  std::mt19937_64 random(20261124);
  PackedTexts texts;
  const PackedText text = texts.Keep("x");
  const uint64_t shard = uint64_t{1} << (64 - Map::kShardBits);
  for (const int shape : {0, 1, 2, 3}) {
    for (const size_t size : {1u, 2u, 24u, 25u, 48u, 49u, 50u, 400u}) {
      std::set<uint64_t> keys;
      for (size_t i = 0; i < size; ++i) {
        const uint64_t low[] = {random() % shard, i * 2, shard - 2 - i * 2,
                                (random() % 4) * (shard / 4) + random() % 500 * 2};
        keys.insert(low[shape]);
      }
      Map::Change change{Map()};
      for (const uint64_t key : keys) change.Set({key}, text);
      const Map map = change.Finish();
      EXPECT_EQ(map.size(), keys.size());
      for (const uint64_t key : keys) {
        EXPECT_NE(map.Find({key}), nullptr);
        for (const uint64_t near : {key - 1, key + 1}) {
          EXPECT_EQ(map.Find({near}) != nullptr, keys.count(near) > 0);
        }
      }
      for (const uint64_t border : {uint64_t{0}, shard - 1, shard, ~uint64_t{0}}) {
        EXPECT_EQ(map.Find({border}) != nullptr, keys.count(border) > 0);
      }
    }
  }
}

// Any changes, in tables one after the other, against a std::map.
TEST(NumberTableTest, IsAMap) {
  std::mt19937 random(20261124);
  PackedTexts texts;
  NumberTable table;
  std::map<std::string, int> model;
  std::vector<Texts> all;
  for (int i = 0; i < 50; ++i) all.emplace_back(i);
  for (int round = 0; round < 300; ++round) {
    NumberTableChange change(table, texts);
    for (auto n = random() % 30; n > 0; --n) {
      const std::string number = absl::StrCat("+1", random() % 200);
      if (random() % 3 == 0) {
        change.EraseNumber(number);
        model.erase(number);
      } else {
        const int text = static_cast<int>(random() % all.size());
        change.SetNumber(number, all[static_cast<size_t>(text)].number());
        model[number] = text;
      }
    }
    table = change.Finish();
    ASSERT_EQ(table.numbers(), model.size()) << "round " << round;
    for (int i = 0; i < 200; ++i) {
      const std::string number = absl::StrCat("+1", i);
      const auto expected = model.find(number);
      const auto found = table.FindNumber(number);
      ASSERT_EQ(found.has_value(), expected != model.end()) << number << " round " << round;
      if (found) {
        ASSERT_EQ(*found, all[static_cast<size_t>(expected->second)].number());
      }
    }
  }
}

}  // namespace
}  // namespace understudy::router
