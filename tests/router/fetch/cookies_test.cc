// Cookies as the fetcher sends and takes them: RFC 6265 by libcurl's engine, one jar a call.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/serving/monotonic_clock.h"
#include "common/twilio/url.h"
#include "services/router/fetch/curl_fetcher.h"
#include "services/router/resolve/request.h"
#include "tests/router/faults/fault_world.h"
#include "tests/testing/dns_server.h"

namespace understudy::router {
namespace {

using serving::MonotonicNow;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Origin;
using ::testing::SizeIs;

class CookiesTest : public ::testing::Test {
 protected:
  CookiesTest() {
    for (const char* name :
         {"www.example.com", "other.example.com", "example.com", "shop.co.uk", "www.shop.co.uk"}) {
      names_.On(name, {.addresses = {"127.0.0.1"}});
    }
    origin_.OnAny(testing::Reply{.body = "<Response/>"});
    FetcherOptions options = testing::OpenLoopback();
    options.dns_servers = {names_.address()};
    fetcher_ = *CurlFetcher::Start(std::move(options));
  }

  // The reply to a request to `host`, made with `cookies`.
  Reply Fetch(const std::string& host, const std::string& path, Cookies cookies) {
    std::promise<Reply> promise;
    Exchange exchange = ExchangeTo(*twilio::ParseUrl(origin_.url_for_host(host, path)));
    exchange.method = Method::kGet;
    exchange.cookies = std::move(cookies);
    exchange.connect_timeout = absl::Seconds(10);
    exchange.read_timeout = absl::Seconds(20);
    exchange.give_up_at = MonotonicNow() + absl::Seconds(20);
    fetcher_->Fetch(++ticket_, std::move(exchange),
                    [&promise](Reply reply) { promise.set_value(std::move(reply)); });
    return promise.get_future().get();
  }
  // The jar after `host` has set a cookie so.
  Cookies Set(const std::string& set_cookie, const std::string& host = "www.example.com",
              Cookies before = {}) {
    origin_.On("/set",
               testing::Reply{.headers = {{"Set-Cookie", set_cookie}}, .body = "<Response/>"});
    const Reply reply = Fetch(host, "/set", std::move(before));
    EXPECT_EQ(reply.error, NetError::kNone) << reply.detail;
    EXPECT_TRUE(reply.cookies.has_value());
    return reply.cookies.value_or(Cookies{});
  }
  // The Cookie header that `host` gets.
  std::string SentTo(const std::string& host, const std::string& path, const Cookies& cookies) {
    Fetch(host, path, cookies);
    return origin_.requests().back().header("Cookie");
  }

  testing::DnsServer names_;
  Origin origin_;
  Ticket ticket_ = 0;
  std::unique_ptr<CurlFetcher> fetcher_;
};

TEST_F(CookiesTest, ComeBackToTheHostThatSetThem) {
  const Cookies jar = Set("id=7; HttpOnly");
  EXPECT_THAT(jar, SizeIs(1));
  EXPECT_EQ(SentTo("www.example.com", "/next", jar), "id=7");
  EXPECT_EQ(SentTo("other.example.com", "/next", jar), "");
  EXPECT_EQ(SentTo("example.com", "/next", jar), "");
}

TEST_F(CookiesTest, ADomainCoversItsHosts) {
  const Cookies jar = Set("id=7; Domain=example.com");
  EXPECT_EQ(SentTo("other.example.com", "/next", jar), "id=7");
  EXPECT_EQ(SentTo("www.shop.co.uk", "/next", jar), "");
}

TEST_F(CookiesTest, NobodySetsCookiesForOthers) {
  EXPECT_THAT(Set("id=7; Domain=other.example.com"), IsEmpty());
  EXPECT_THAT(Set("id=7; Domain=shop.co.uk"), IsEmpty());
}

TEST_F(CookiesTest, NotForAPublicSuffix) {
  EXPECT_THAT(Set("id=7; Domain=com"), IsEmpty());
  EXPECT_THAT(Set("id=7; Domain=co.uk", "www.shop.co.uk"), IsEmpty());
  EXPECT_THAT(Set("id=7; Domain=shop.co.uk", "www.shop.co.uk"), SizeIs(1));
}

TEST_F(CookiesTest, APathCoversWhatIsBelowIt) {
  const Cookies jar = Set("id=7; Path=/calls");
  EXPECT_EQ(SentTo("www.example.com", "/calls/next", jar), "id=7");
  EXPECT_EQ(SentTo("www.example.com", "/callsign", jar), "");
  EXPECT_EQ(SentTo("www.example.com", "/", jar), "");
}

TEST_F(CookiesTest, SecureOnesAreNotSentInClear) {
  // Set over https, as the jar says.
  EXPECT_EQ(SentTo("www.example.com", "/", {"www.example.com\tFALSE\t/\tTRUE\t0\tid\t7"}), "");
  EXPECT_THAT(Set("id=7; Secure"), IsEmpty());  // nor set in clear
}

TEST_F(CookiesTest, ExpireAndAreDeleted) {
  const Cookies jar = Set("id=7; Max-Age=3600");
  ASSERT_THAT(jar, SizeIs(1));
  EXPECT_EQ(SentTo("www.example.com", "/", Set("id=; Max-Age=0", "www.example.com", jar)), "");
  EXPECT_EQ(SentTo("www.example.com", "/", {"www.example.com\tFALSE\t/\tFALSE\t1000\tid\t7"}), "");
}

TEST_F(CookiesTest, ANewValueReplacesTheOld) {
  EXPECT_EQ(SentTo("www.example.com", "/", Set("id=8", "www.example.com", Set("id=7"))), "id=8");
}

TEST_F(CookiesTest, SurviveTheirOwnFormat) {
  const Cookies jar = Set("id=\"a, b\"; Path=/");
  EXPECT_EQ(SentTo("www.example.com", "/", jar), "id=\"a, b\"");
  EXPECT_EQ(SentTo("www.example.com", "/", Set("empty=")), "empty=");
}

TEST_F(CookiesTest, AreOfOneCallAlone) {
  // The second request is made with the handle, and on the connection, of the first.
  Set("id=7; Domain=example.com");
  const Reply reply = Fetch("www.example.com", "/next", {});
  EXPECT_EQ(origin_.requests().back().header("Cookie"), "");
  EXPECT_EQ(origin_.connections(), 1);
  EXPECT_THAT(reply.cookies.value_or(Cookies{"missing"}), IsEmpty());
}

TEST_F(CookiesTest, AreTakenFromErrorsAndRedirectsToo) {
  for (const int status : {302, 401, 500}) {
    origin_.On("/set", testing::Reply{.status = status, .headers = {{"Set-Cookie", "id=7"}}});
    EXPECT_THAT(Fetch("www.example.com", "/set", {}).cookies.value_or(Cookies{}), SizeIs(1))
        << status;
  }
}

TEST_F(CookiesTest, AnEndBeforeAnyResponseChangesNothing) {
  origin_.On("/cut", testing::Script{}.Reset());
  const Cookies jar = Set("id=7");
  EXPECT_EQ(Fetch("www.example.com", "/cut", jar).cookies.value_or(jar), jar);
  EXPECT_EQ(Fetch("no.such.invalid", "/", jar).cookies, std::nullopt);
}

TEST_F(CookiesTest, OneResponseSetsSoMany) {
  testing::Reply reply{.body = "<Response/>"};
  for (int i = 0; i < 60; ++i) {
    reply.headers.push_back({"Set-Cookie", absl::StrCat("id", i, "=1")});
  }
  origin_.On("/many", reply);
  EXPECT_THAT(Fetch("www.example.com", "/many", {}).cookies.value_or(Cookies{}), SizeIs(50));
}

}  // namespace
}  // namespace understudy::router
