#include "services/router/resolve/overrides.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"

namespace understudy::router {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr RetryPolicy kAll = {
    .connect = true, .read = true, .status_4xx = true, .status_5xx = true};

// A fragment that says nothing wrong.
Overrides Parsed(absl::string_view fragment) {
  Overrides overrides = ParseOverrides(fragment);
  EXPECT_EQ(overrides.error_code, 0) << fragment << ": " << overrides.error;
  EXPECT_THAT(overrides.warnings, IsEmpty()) << fragment;
  return overrides;
}

TEST(OverridesTest, NothingSaidIsTheDefault) {
  for (const char* fragment : {"", "anchor", "section-2", "&", "&&", "x=1", "anchor&x=1", "CT=500",
                               "rc", "sni", "e", "rp"}) {
    const Overrides overrides = Parsed(fragment);
    EXPECT_EQ(overrides.connect_timeout, std::nullopt) << fragment;
    EXPECT_EQ(overrides.read_timeout, std::nullopt) << fragment;
    EXPECT_EQ(overrides.total_timeout, std::nullopt) << fragment;
    EXPECT_EQ(overrides.retries, 1) << fragment;
    EXPECT_EQ(overrides.retry_on, RetryPolicy{.connect = true}) << fragment;
    EXPECT_TRUE(overrides.send_sni) << fragment;
  }
}

TEST(OverridesTest, ReadsEveryKey) {
  const Overrides overrides = Parsed("ct=500&rt=2000&tt=4000&rc=3&rp=ct,5xx&sni=n&e=dublin,tokyo");
  EXPECT_EQ(overrides.connect_timeout, absl::Milliseconds(500));
  EXPECT_EQ(overrides.read_timeout, absl::Milliseconds(2000));
  EXPECT_EQ(overrides.total_timeout, absl::Milliseconds(4000));
  EXPECT_EQ(overrides.retries, 3);
  EXPECT_EQ(overrides.retry_on, (RetryPolicy{.connect = true, .status_5xx = true}));
  EXPECT_FALSE(overrides.send_sni);
}

TEST(OverridesTest, TheLastOfTwoCounts) {
  EXPECT_EQ(Parsed("rc=1&rc=4").retries, 4);
  EXPECT_EQ(Parsed("rp=all&rp=rt").retry_on, (RetryPolicy{.connect = false, .read = true}));
}

TEST(OverridesTest, TimesAndRetriesStayInTheirRange) {
  using Field = std::optional<absl::Duration> Overrides::*;
  const struct {
    const char* key;
    Field field;
    int low;
    int high;
  } kTimes[] = {
      {"ct", &Overrides::connect_timeout, 100, 10000},
      {"rt", &Overrides::read_timeout, 100, 15000},
      {"tt", &Overrides::total_timeout, 100, 15000},
  };
  for (const auto& row : kTimes) {
    for (const int inside : {row.low, row.low + 1, row.high - 1, row.high}) {
      const std::string fragment = absl::StrCat(row.key, "=", inside);
      EXPECT_EQ(Parsed(fragment).*row.field, absl::Milliseconds(inside)) << fragment;
    }
    const struct {
      int written;
      int used;
    } kOutside[] = {{row.low - 1, row.low},
                    {0, row.low},
                    {-1, row.low},
                    {row.high + 1, row.high},
                    {std::numeric_limits<int>::max(), row.high}};
    for (const auto& outside : kOutside) {
      const std::string fragment = absl::StrCat(row.key, "=", outside.written);
      const Overrides overrides = ParseOverrides(fragment);
      EXPECT_EQ(overrides.*row.field, absl::Milliseconds(outside.used)) << fragment;
      EXPECT_EQ(overrides.error_code, 0) << fragment;
      EXPECT_THAT(overrides.warnings, ElementsAre(HasSubstr(fragment))) << fragment;
    }
  }

  EXPECT_EQ(Parsed("rc=0").retries, 0);
  EXPECT_EQ(Parsed("rc=5").retries, 5);
  for (const auto& [fragment, used] : {std::pair<const char*, int>{"rc=6", 5}, {"rc=-1", 0}}) {
    const Overrides overrides = ParseOverrides(fragment);
    EXPECT_EQ(overrides.retries, used) << fragment;
    EXPECT_THAT(overrides.warnings, ElementsAre(HasSubstr(fragment))) << fragment;
  }
}

TEST(OverridesTest, WhatIsNoNumberCostsTheKeyItsEffect) {
  for (const char* key : {"ct", "rt", "tt", "rc"}) {
    for (const char* value : {"", "x", "1s", "1.5", "1e3", "0x100", "99999999999", "1,2"}) {
      const std::string fragment = absl::StrCat(key, "=", value);
      const Overrides overrides = ParseOverrides(fragment);
      EXPECT_EQ(overrides.connect_timeout, std::nullopt) << fragment;
      EXPECT_EQ(overrides.read_timeout, std::nullopt) << fragment;
      EXPECT_EQ(overrides.total_timeout, std::nullopt) << fragment;
      EXPECT_EQ(overrides.retries, 1) << fragment;
      EXPECT_EQ(overrides.error_code, 0) << fragment;
      EXPECT_THAT(overrides.warnings, ElementsAre(HasSubstr(fragment))) << fragment;
    }
  }
}

TEST(OverridesTest, ServerNameIsYesOrNo) {
  EXPECT_TRUE(Parsed("sni=y").send_sni);
  EXPECT_FALSE(Parsed("sni=n").send_sni);
  for (const char* fragment : {"sni=", "sni=N", "sni=no", "sni=0"}) {
    const Overrides overrides = ParseOverrides(fragment);
    EXPECT_TRUE(overrides.send_sni) << fragment;
    EXPECT_THAT(overrides.warnings, SizeIs(1)) << fragment;
  }
}

TEST(OverridesTest, RetryPolicies) {
  const struct {
    const char* value;
    RetryPolicy policy;
  } kKnown[] = {
      {"ct", {.connect = true}},
      {"rt", {.connect = false, .read = true}},
      {"4xx", {.connect = false, .status_4xx = true}},
      {"5xx", {.connect = false, .status_5xx = true}},
      {"4xx,5xx", {.connect = false, .status_4xx = true, .status_5xx = true}},
      {"ct,rt,4xx,5xx", kAll},
      {"5xx,5xx", {.connect = false, .status_5xx = true}},
      {"all", kAll},
      {"all,ct", kAll},
      {"rt,all", kAll},
  };
  for (const auto& row : kKnown) {
    EXPECT_EQ(Parsed(absl::StrCat("rp=", row.value)).retry_on, row.policy) << row.value;
  }
  for (const char* value : {"", "ct,", ",ct", "CT", "500", "6xx", "ct 5xx", "ct;rt", "none"}) {
    const Overrides overrides = ParseOverrides(absl::StrCat("rp=", value));
    EXPECT_EQ(overrides.error_code, 11243) << value;
    EXPECT_THAT(overrides.error, HasSubstr(absl::StrCat("rp=", value))) << value;
  }
}

TEST(OverridesTest, Edges) {
  for (const char* edge : {"ashburn", "dublin", "frankfurt", "sao-paulo", "singapore", "sydney",
                           "tokyo", "umatilla", "ashburn,umatilla"}) {
    Parsed(absl::StrCat("e=", edge));
    Parsed(absl::StrCat("r=", edge));
  }
  const struct {
    const char* fragment;
    int code;
  } kRefused[] = {
      {"e=", 11240},
      {"e=london", 11240},
      {"e=Dublin", 11240},
      {"e=dublin,", 11240},
      {"e=dublin,nowhere", 11240},
      {"r=nowhere", 11240},
      {"e=ashburn-ix", 11242},
      {"e=frankfurt-ix", 11242},
      {"e=london-ix", 11242},
      {"e=san-jose-ix", 11242},
      {"e=singapore-ix", 11242},
      {"e=tokyo-ix", 11240},
  };
  for (const auto& row : kRefused) {
    const Overrides overrides = ParseOverrides(row.fragment);
    EXPECT_EQ(overrides.error_code, row.code) << row.fragment;
    EXPECT_FALSE(overrides.error.empty()) << row.fragment;
  }
}

TEST(OverridesTest, OfTwoMistakesTheFirstIsReported) {
  EXPECT_EQ(ParseOverrides("e=nowhere&rp=6xx").error_code, 11240);
  EXPECT_EQ(ParseOverrides("rp=6xx&e=nowhere").error_code, 11243);
}

}  // namespace
}  // namespace understudy::router
