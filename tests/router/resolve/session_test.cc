#include "services/router/resolve/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "services/router/resolve/set_cookie.h"
#include "tests/sim/replies.h"

namespace understudy::router {
namespace {

using ::testing::ElementsAre;

Session FullSession() {
  return {.cookies = {"www.example.com\tFALSE\t/\tTRUE\t0\tid\t7",
                      "#HttpOnly_.example.com\tTRUE\t/a\tFALSE\t4102444800\tcart\t\xC3\xA9 &=%"},
          .grants = {{.origin = "https://www.example.com:443",
                      .credentials = {.user = "u&=", .password = Secret("p w")},
                      .challenge = {.scheme = Challenge::Scheme::kDigest,
                                    .hash = Challenge::Hash::kSha256,
                                    .session = true,
                                    .qop_auth = true,
                                    .realm = "calls",
                                    .nonce = "n1",
                                    .opaque = "o"},
                      .uses = 3},
                     {.origin = "http://b.example:80",
                      .credentials = {.user = "v", .password = Secret("x")},
                      .challenge = {.realm = "r"}}}};
}

TEST(SessionTest, ComesBackAsItWas) {
  for (const Session& session : {Session{}, FullSession()}) {
    EXPECT_EQ(DecodeSession(EncodeSession(session)), session);
  }
}

TEST(SessionTest, WhatWasNotEncodedHereIsNoSession) {
  const std::string good = EncodeSession(FullSession());
  for (const std::string& text :
       {std::string("x=1"), "Cookie=" + good, good + "&more=1", std::string("grant=origin%3Da"),
        std::string("grant="), good.substr(0, good.size() - 10)}) {
    EXPECT_EQ(DecodeSession(text), std::nullopt) << text;
  }
}

TEST(SessionTest, TheLargestCookiesAreLeftOutUntilTheRestFits) {
  Session session = {.cookies = {"a", std::string(100, 'b'), "c", std::string(200, 'd')}};
  const size_t all = EncodeSession(session).size() + 1;
  EXPECT_EQ(FitSession(session, all), 0);
  EXPECT_EQ(FitSession(session, all - 1), 1);
  EXPECT_THAT(session.cookies, ElementsAre("a", std::string(100, 'b'), "c"));
  EXPECT_EQ(FitSession(session, 40), 1);
  EXPECT_THAT(session.cookies, ElementsAre("a", "c"));
  EXPECT_EQ(FitSession(session, 0), 2);
  EXPECT_TRUE(session.empty());
}

TEST(SessionTest, GrantsAreKeptBeforeCookiesAndTheNewestOnes) {
  Session session = FullSession();
  const size_t grants = EncodeSession({.grants = session.grants}).size() + 1;
  EXPECT_EQ(FitSession(session, grants), 2);
  EXPECT_EQ(session.grants, FullSession().grants);
  EXPECT_EQ(FitSession(session, grants - 1), 1);
  ASSERT_EQ(session.grants.size(), 1u);
  EXPECT_EQ(session.grants[0].origin, "http://b.example:80");

  Session many;
  for (size_t i = 0; i <= kMaxGrants; ++i) many.grants.push_back({.origin = absl::StrCat(i)});
  EXPECT_EQ(FitSession(many, kMaxEncodedSessionBytes), 1);
  ASSERT_EQ(many.grants.size(), kMaxGrants);
  EXPECT_EQ(many.grants[0].origin, "1");
}

TEST(SetCookieTest, NamelessCookiesAndBrokenOnesAreMistakes) {
  const struct {
    std::string value;
    bool good;
  } kCases[] = {
      {"a=b", true},
      {"a=", true},
      {"a=b=c", true},
      {"a=b; Path=/; HttpOnly", true},
      {"a=b c", true},
      {"a=\xC3\xA9", true},
      {"a=b; Expires=Tue,\t24 Nov 2026 10:00:00 GMT", true},  // not in name or value
      {"=b", false},
      {" =b", false},
      {"b", false},
      {"", false},
      {"; Path=/", false},
      {"a\t=b", false},
      {"a=b\tc", false},
      {"a=b\vc", false},
      {"a=b\fc", false},
      {"a=b\rc", false},
      {"a=b\nc", false},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(FindCookieMistake({{"X", "\t"}, {"sEt-cookie", c.value}}).has_value(), !c.good)
        << c.value;
  }
  EXPECT_FALSE(FindCookieMistake({}).has_value());
  EXPECT_TRUE(FindCookieMistake({{"Set-Cookie", "a=b"}, {"Set-Cookie", "c"}}).has_value());
}

}  // namespace
}  // namespace understudy::router
