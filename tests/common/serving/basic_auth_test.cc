#include "common/serving/basic_auth.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace understudy::serving {
namespace {

std::string Header(absl::string_view scheme, absl::string_view credentials) {
  return absl::StrCat(scheme, absl::Base64Escape(credentials));
}

TEST(ReadBasicTest, GoodAndBad) {
  const struct {
    std::string header;
    const char* user;
    const char* password;
  } kGood[] = {
      {Header("Basic ", "AC1:secret"), "AC1", "secret"},
      {Header("bAsIc   ", "AC1:secret") + " ", "AC1", "secret"},
      {Header("Basic ", ":"), "", ""},
      {Header("Basic ", "a:b:c"), "a", "b:c"},
      {Header("Basic ", "a:\xC3\xB1"), "a", "\xC3\xB1"},
  };
  for (const auto& c : kGood) {
    const auto read = ReadBasic(c.header);
    ASSERT_TRUE(read.has_value()) << c.header;
    EXPECT_EQ(read->user, c.user);
    EXPECT_EQ(read->password.Reveal(), c.password);
  }
  const std::string kBad[] = {"",
                              "Basic",
                              "Basic ",
                              "Basic !!!",
                              Header("Bearer ", "a:b"),
                              Header("Basic", "a:b"),
                              Header("Basic ", "no colon"),
                              Header("Basic ", "a:b\n"),
                              Header("Basic ", absl::string_view("a\0:b", 4))};
  for (const std::string& header : kBad) EXPECT_FALSE(ReadBasic(header).has_value()) << header;
}

TEST(IsSameSecretTest, ByteForByte) {
  EXPECT_TRUE(IsSameSecret(Secret("abc"), Secret("abc")));
  EXPECT_TRUE(IsSameSecret(Secret(), Secret()));
  EXPECT_FALSE(IsSameSecret(Secret("abc"), Secret("abd")));
  EXPECT_FALSE(IsSameSecret(Secret("abc"), Secret("ab")));
  EXPECT_FALSE(IsSameSecret(Secret("abc"), Secret()));
}

class LoginLimiterTest : public ::testing::Test {
 protected:
  // How many of `count` attempts, made at once, count.
  int Attempts(int count, const std::string& address, const std::string& user, bool is_right) {
    int counted = 0;
    for (int i = 0; i < count; ++i) {
      if (!limiter_.Attempt(address, user, is_right, now_).has_value()) ++counted;
    }
    return counted;
  }

  absl::Time now_ = absl::UnixEpoch();
  LoginLimiter limiter_{{.burst = 3, .interval = absl::Seconds(10), .entries = 4}};
};

TEST_F(LoginLimiterTest, ABurstThenOneAnInterval) {
  EXPECT_EQ(Attempts(10, "192.0.2.1", "AC1", false), 3);
  EXPECT_EQ(limiter_.Attempt("192.0.2.1", "AC1", false, now_), absl::Seconds(10));
  now_ += absl::Seconds(10) - absl::Nanoseconds(1);
  EXPECT_EQ(Attempts(10, "192.0.2.1", "AC1", false), 0);
  now_ += absl::Nanoseconds(1);
  EXPECT_EQ(Attempts(10, "192.0.2.1", "AC1", false), 1);
  now_ += absl::Minutes(5);
  EXPECT_EQ(Attempts(10, "192.0.2.1", "AC1", false), 3);
}

TEST_F(LoginLimiterTest, TheRightPasswordIsNotLookedAtEither) {
  EXPECT_EQ(Attempts(3, "192.0.2.1", "AC1", false), 3);
  EXPECT_EQ(Attempts(5, "192.0.2.1", "AC1", true), 0);
  EXPECT_EQ(Attempts(5, "192.0.2.1", "AC2", true), 0);
}

TEST_F(LoginLimiterTest, RightPasswordsCostNothing) {
  EXPECT_EQ(Attempts(1000, "192.0.2.1", "AC1", true), 1000);
  EXPECT_EQ(Attempts(10, "192.0.2.1", "AC1", false), 3);
}

TEST_F(LoginLimiterTest, ManyAddressesOneName) {
  int counted = 0;
  for (int i = 0; i < 100; ++i) {
    counted += Attempts(1, absl::StrCat("192.0.2.", i), "AC1", false);
  }
  EXPECT_EQ(counted, 3);
  EXPECT_EQ(Attempts(1, "192.0.2.200", "AC2", true), 1);
}

TEST_F(LoginLimiterTest, OneAddressManyNames) {
  int counted = 0;
  for (int i = 0; i < 100; ++i) counted += Attempts(1, "192.0.2.1", absl::StrCat("AC", i), false);
  EXPECT_EQ(counted, 3);
}

TEST_F(LoginLimiterTest, WhoKnowsIsNotLockedOutByWhoGuesses) {
  EXPECT_EQ(Attempts(1, "192.0.2.1", "AC1", true), 1);
  for (int i = 10; i < 100; ++i) Attempts(2, absl::StrCat("192.0.2.", i), "AC1", false);
  EXPECT_EQ(Attempts(1, "192.0.2.1", "AC1", true), 1);
  // From the same address, at another name.
  EXPECT_EQ(Attempts(10, "192.0.2.1", "AC2", false), 3);
  EXPECT_EQ(Attempts(1, "192.0.2.1", "AC1", true), 1);
  // And a stranger who would be right waits like those who are not.
  EXPECT_EQ(Attempts(1, "192.0.2.200", "AC1", true), 0);
}

TEST_F(LoginLimiterTest, TheMistakesOfWhoKnowsCountForNobodyElse) {
  EXPECT_EQ(Attempts(1, "192.0.2.1", "AC1", true), 1);
  EXPECT_EQ(Attempts(10, "192.0.2.1", "AC1", false), 3);
  EXPECT_EQ(Attempts(1, "192.0.2.2", "AC1", true), 1);
  EXPECT_EQ(Attempts(1, "192.0.2.1", "AC2", true), 1);
}

TEST_F(LoginLimiterTest, AnIPv6NetworkIsOneAddress) {
  int counted = 0;
  for (int i = 0; i < 100; ++i) {
    counted += Attempts(1, absl::StrCat("2001:db8::", i), absl::StrCat("AC", i), false);
  }
  EXPECT_EQ(counted, 3);
  EXPECT_EQ(Attempts(1, "2001:db8:0:1::1", "AC200", true), 1);
}

TEST_F(LoginLimiterTest, LongNamesAreCut) {
  const std::string name(64, 'a');
  int counted = 0;
  for (int i = 0; i < 10; ++i) {
    counted += Attempts(1, absl::StrCat("192.0.2.", i), absl::StrCat(name, i), false);
  }
  EXPECT_EQ(counted, 3);
}

TEST_F(LoginLimiterTest, ForgetsTheOneHeardOfLeastRecently) {
  EXPECT_EQ(Attempts(3, "192.0.2.1", "AC1", false), 3);
  for (int i = 2; i < 5; ++i) {
    Attempts(1, absl::StrCat("192.0.2.", i), absl::StrCat("AC", i), false);
    EXPECT_EQ(Attempts(1, "192.0.2.1", "AC1", false), 0);  // heard of again
  }
  for (int i = 5; i < 9; ++i) {
    Attempts(1, absl::StrCat("192.0.2.", i), absl::StrCat("AC", i), false);
  }
  EXPECT_EQ(Attempts(1, "192.0.2.1", "AC1", false), 1);
}

TEST_F(LoginLimiterTest, ManyThreads) {
  LoginLimiter limiter({.burst = 50, .interval = absl::Seconds(10)});
  std::vector<std::thread> threads;
  std::atomic<int> counted = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        if (!limiter.Attempt("192.0.2.1", "AC1", false, now_).has_value()) ++counted;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counted, 50);
}

}  // namespace
}  // namespace understudy::serving
