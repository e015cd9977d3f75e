#include "services/notifier/page/page_query.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace understudy::notifier {
namespace {

TEST(PageQueryTest, NumbersOfPaths) {
  EXPECT_EQ(ReadNumber("1"), 1);
  EXPECT_EQ(ReadNumber("999999999999999999"), 999999999999999999);
  for (const char* text :
       {"", "0", "-1", "+1", " 1", "1 ", "1.0", "0x1", "a", "1000000000000000000",
        "99999999999999999999999999", "../1", "1/2", "%31"}) {
    EXPECT_EQ(ReadNumber(text), std::nullopt) << text;
  }
}

TEST(PageQueryTest, PlacesComeBackAsTheyWent) {
  const auto place = ReadGroupPlace(WriteGroupPlace({.last_event_row = 12, .id = 3}));
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(place->last_event_row, 12);
  EXPECT_EQ(place->id, 3);
  for (const char* text : {"", "1", "1.", ".1", "1.2.3", "a.b", "-1.2"}) {
    EXPECT_FALSE(ReadGroupPlace(text).has_value()) << text;
  }
}

TEST(PageQueryTest, HoursAreThoseOffered) {
  for (const int hours : kOfferedHours) EXPECT_EQ(ReadHours(absl::StrCat(hours)), hours);
  for (const char* text : {"", "0", "2", "25", "x", "99999999999"}) {
    EXPECT_EQ(ReadHours(text), kDefaultHours) << text;
  }
}

TEST(PageQueryTest, TimesAreOfUtc) {
  const absl::Time minute = absl::FromUnixSeconds(1'795'500'900);  // 2026-11-24T06:15
  EXPECT_EQ(ReadTime("2026-11-24T06:15"), minute);
  EXPECT_EQ(ReadTime("2026-11-24 06:15:07Z"), minute + absl::Seconds(7));
  EXPECT_EQ(ReadTime("2026-11-24"), minute - absl::Hours(6) - absl::Minutes(15));
  for (const char* text :
       {"", "yesterday", "infinite-future", "infinite-past", "2026-13-01", "2026-11-24T25:00",
        "24.11.2026", "1969-01-01", "2026-11-24T06:15+01:00"}) {
    EXPECT_EQ(ReadTime(text), std::nullopt) << text;
  }
}

TEST(PageQueryTest, WhatIsTypedIsUnderstoodAsOneThing) {
  const auto of = [](const std::string& what) { return ReadSearch(what, "", ""); };
  EXPECT_EQ(of(" CA00000000000000000000000000000001 ").search.filter.resource_sid,
            "CA00000000000000000000000000000001");
  EXPECT_EQ(of("SM0123456789abcdef0123456789abcdef").search.filter.resource_sid,
            "SM0123456789abcdef0123456789abcdef");
  EXPECT_EQ(of("AC00000000000000000000000000000001").search.filter.account_sid,
            "AC00000000000000000000000000000001");
  EXPECT_EQ(of("11200").search.filter.error_code, 11200);
  EXPECT_EQ(of("+1 (415) 555-0199").search.filter.phone_number, "+14155550199");
  EXPECT_EQ(of("112000").search.filter.phone_number, "112000");  // a short code
  EXPECT_EQ(of("www.Example.com").search.host, "www.example.com");
  EXPECT_EQ(of("https://www.example.com:8443/voice?x").search.host, "www.example.com:8443");
  EXPECT_EQ(of("https://www.example.com:8443/voice?x").search.url_begins,
            "https://www.example.com:8443/voice?x");
  EXPECT_EQ(of("resolution-7:primary").search.filter.event_id, "resolution-7:primary");
  EXPECT_EQ(of("").understood, "");
  EXPECT_EQ(of("").problem, "");
}

TEST(PageQueryTest, WhatCannotBeLookedForIsTold) {
  for (const std::string& what :
       {std::string("what is this"), std::string("https:///path"), std::string("gopher://a.b/"),
        std::string(kMaxSearchBytes + 1, 'x')}) {
    const PageSearch read = ReadSearch(what, "", "");
    EXPECT_NE(read.problem, "") << what;
    EXPECT_EQ(read.understood, "") << what;
  }
  EXPECT_NE(ReadSearch("11200", "tomorrow", "").problem, "");
  EXPECT_NE(ReadSearch("11200", "", "tomorrow").problem, "");
}

TEST(PageQueryTest, TimesAloneAskForAllEvents) {
  const PageSearch read = ReadSearch("", "2026-11-24", "2026-11-25");
  EXPECT_EQ(read.understood, "All events");
  EXPECT_EQ(read.search.filter.end - read.search.filter.start, absl::Hours(24));
}

}  // namespace
}  // namespace understudy::notifier
