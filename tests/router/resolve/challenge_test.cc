#include "services/router/resolve/challenge.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace understudy::router {
namespace {

using Hash = Challenge::Hash;
using Scheme = Challenge::Scheme;

std::optional<Challenge> Pick(absl::string_view value) {
  return PickChallenge({{"WWW-Authenticate", std::string(value)}});
}

Challenge Picked(absl::string_view value) {
  const std::optional<Challenge> challenge = Pick(value);
  EXPECT_TRUE(challenge.has_value()) << value;
  return challenge.value_or(Challenge{});
}

// The value of a parameter of an Authorization header, without its quotes.
std::string ParameterOf(absl::string_view authorization, absl::string_view name) {
  const std::string start = absl::StrCat(" ", name, "=");
  const size_t at = authorization.find(start);
  if (at == absl::string_view::npos) return "(absent)";
  absl::string_view rest = authorization.substr(at + start.size());
  if (!rest.empty() && rest.front() == '"') {
    rest.remove_prefix(1);
    return std::string(rest.substr(0, rest.find('"')));
  }
  return std::string(rest.substr(0, rest.find(',')));
}

TEST(PickChallengeTest, UnderstandsBasic) {
  for (const char* value : {"Basic realm=\"calls\"", "basic realm=calls", "BASIC REALM=\"calls\"",
                            "Basic  realm = \"calls\" ", "Basic realm=\"calls\", charset=\"UTF-8\"",
                            "Basic charset=\"UTF-8\", realm=\"calls\"", ", ,Basic realm=\"calls\",",
                            "Basic realm=\"ca\\lls\"", "Basic realm=\"calls"}) {
    const Challenge challenge = Picked(value);
    EXPECT_EQ(challenge.scheme, Scheme::kBasic) << value;
    EXPECT_EQ(challenge.realm, "calls") << value;
  }
  EXPECT_EQ(Picked("Basic realm=\"\"").realm, "");
  EXPECT_EQ(Picked("Basic realm=\"a, b = \\\"c\\\"\"").realm, "a, b = \"c\"");
}

TEST(PickChallengeTest, UnderstandsDigest) {
  const struct {
    const char* value;
    Hash hash;
    bool session;
    bool qop_auth;
    const char* opaque;
  } kRows[] = {
      {"Digest realm=\"r\", nonce=\"n\"", Hash::kMd5, false, false, ""},
      {"Digest realm=\"r\", nonce=\"n\", algorithm=MD5, opaque=\"o\"", Hash::kMd5, false, false,
       "o"},
      {"digest nonce=n,realm=r,qop=auth", Hash::kMd5, false, true, ""},
      {"Digest realm=\"r\", nonce=\"n\", qop=\"auth-int, auth\"", Hash::kMd5, false, true, ""},
      {"Digest realm=\"r\", nonce=\"n\", qop=\"AUTH\", algorithm=\"sha-256\"", Hash::kSha256, false,
       true, ""},
      {"Digest realm=\"r\", nonce=\"n\", algorithm=MD5-sess", Hash::kMd5, true, false, ""},
      {"Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256-SESS, qop=auth", Hash::kSha256, true,
       true, ""},
  };
  for (const auto& row : kRows) {
    const Challenge challenge = Picked(row.value);
    EXPECT_EQ(challenge.scheme, Scheme::kDigest) << row.value;
    EXPECT_EQ(challenge.realm, "r") << row.value;
    EXPECT_EQ(challenge.nonce, "n") << row.value;
    EXPECT_EQ(challenge.hash, row.hash) << row.value;
    EXPECT_EQ(challenge.session, row.session) << row.value;
    EXPECT_EQ(challenge.qop_auth, row.qop_auth) << row.value;
    EXPECT_EQ(challenge.opaque, row.opaque) << row.value;
  }
}

TEST(PickChallengeTest, RefusesWhatItCannotAnswer) {
  const std::string values[] = {
      "", " ", ",", "Basic", "Basic charset=\"UTF-8\"", "realm=\"r\"", "\"Basic\" realm=\"r\"",
      "Bearer realm=\"r\"", "Negotiate", "NTLM TlRMTVNTUAAC==", "Digest realm=\"r\"",
      "Digest nonce=\"n\"", "Digest realm=\"r\", nonce=\"\"",
      "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512-256",
      "Digest realm=\"r\", nonce=\"n\", algorithm=-sess-sess",
      "Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"",
      "Digest realm=\"r\", nonce=\"n\", qop=\"\"",
      // What no grammar has.
      "=", "====", "\"", "\"\"\"", "\\", "Basic =\"r\"", "Basic realm", std::string(3, '\0'),
      std::string(10000, ','), std::string(10000, '='), std::string(10000, '"'),
      std::string(10000, 'a')};
  for (const std::string& value : values) EXPECT_FALSE(Pick(value).has_value()) << value;
  EXPECT_FALSE(PickChallenge({}).has_value());
  EXPECT_FALSE(PickChallenge({{"Proxy-Authenticate", "Basic realm=\"r\""}}).has_value());
}

TEST(PickChallengeTest, TakesTheStrongestOfSeveral) {
  const std::string basic = "Basic realm=\"basic\"";
  const std::string md5 = "Digest realm=\"md5\", nonce=\"n\", algorithm=MD5, qop=\"auth\"";
  const std::string sha = "Digest realm=\"sha\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"";
  const std::string unknown = "Digest realm=\"new\", nonce=\"n\", algorithm=SHA-512-256";
  const struct {
    std::vector<std::string> values;
    const char* realm;
  } kRows[] = {
      {{basic, md5}, "md5"},
      {{md5, basic}, "md5"},
      {{basic, md5, sha}, "sha"},
      {{sha, md5, basic}, "sha"},
      {{unknown, basic}, "basic"},
      {{unknown, md5, basic}, "md5"},
      {{"Negotiate", "NTLM", basic}, "basic"},
      {{"Negotiate YIIB==", basic}, "basic"},
      {{"Bearer error=\"invalid_token\"", basic}, "basic"},
      {{basic, "Basic realm=\"second\""}, "basic"},
  };
  for (const auto& row : kRows) {
    Headers apart;
    for (const std::string& value : row.values) apart.push_back({"www-authenticate", value});
    const std::string together = absl::StrJoin(row.values, ", ");
    const std::optional<Challenge> from_several = PickChallenge(apart);
    ASSERT_TRUE(from_several.has_value()) << together;
    EXPECT_EQ(from_several->realm, row.realm) << together;
    EXPECT_EQ(Picked(together).realm, row.realm) << together;
  }
}

TEST(AuthorizeTest, Basic) {
  const Challenge challenge = Picked("Basic realm=\"WallyWorld\"");
  // The example of RFC 7617, section 2.
  EXPECT_EQ(Authorize(challenge, {.user = "Aladdin", .password = Secret("open sesame")},
                      Method::kPost, "/", 1, "unused"),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(Authorize(challenge, {.user = "test", .password = Secret("123\xC2\xA3")}, Method::kGet,
                      "/", 1, ""),
            "Basic dGVzdDoxMjPCow==");
  EXPECT_EQ(Authorize(challenge, {.user = "u"}, Method::kGet, "/", 1, ""), "Basic dTo=");
}

// RFC 7616, section 3.9.1.
TEST(AuthorizeTest, DigestOfTheStandardsExample) {
  const Credentials mufasa = {.user = "Mufasa", .password = Secret("Circle of Life")};
  const char kOffer[] =
      "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=$0, "
      "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
      "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
  const struct {
    const char* algorithm;
    const char* response;
  } kRows[] = {
      {"MD5", "8ca523f5e9506fed4657c9700eebdbec"},
      {"SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
  };
  for (const auto& row : kRows) {
    const std::string value = Authorize(
        Picked(absl::StrReplaceAll(kOffer, {{"$0", row.algorithm}})), mufasa, Method::kGet,
        "/dir/index.html", 1, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
    EXPECT_EQ(value.substr(0, 7), "Digest ");
    EXPECT_EQ(ParameterOf(value, "username"), "Mufasa");
    EXPECT_EQ(ParameterOf(value, "realm"), "http-auth@example.org");
    EXPECT_EQ(ParameterOf(value, "uri"), "/dir/index.html");
    EXPECT_EQ(ParameterOf(value, "algorithm"), row.algorithm);
    EXPECT_EQ(ParameterOf(value, "nonce"), "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v");
    EXPECT_EQ(ParameterOf(value, "nc"), "00000001");
    EXPECT_EQ(ParameterOf(value, "cnonce"), "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
    EXPECT_EQ(ParameterOf(value, "qop"), "auth");
    EXPECT_EQ(ParameterOf(value, "opaque"), "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS");
    EXPECT_EQ(ParameterOf(value, "response"), row.response);
  }
}

// The example of RFC 2069, section 2.4, with the response its errata give.
TEST(AuthorizeTest, DigestWithoutACount) {
  const std::string value = Authorize(
      Picked("Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\""),
      {.user = "Mufasa", .password = Secret("CircleOfLife")}, Method::kGet, "/dir/index.html", 1,
      "unused");
  EXPECT_EQ(ParameterOf(value, "response"), "1949323746fe6a43ef61f9606e7febea");
  for (const char* name : {"nc", "cnonce", "qop", "opaque"}) {
    EXPECT_EQ(ParameterOf(value, name), "(absent)") << name;
  }
}

TEST(AuthorizeTest, DigestOfASessionCoversBothNonces) {
  const Credentials mufasa = {.user = "Mufasa", .password = Secret("Circle of Life")};
  const std::string counted =
      Authorize(Picked("Digest realm=\"r\", nonce=\"n\", qop=auth, algorithm=MD5-sess"), mufasa,
                Method::kPost, "/v?x", 10, "c");
  EXPECT_EQ(ParameterOf(counted, "algorithm"), "MD5-sess");
  EXPECT_EQ(ParameterOf(counted, "nc"), "0000000a");
  EXPECT_EQ(ParameterOf(counted, "response"), "ee2f90dc7d460680f61fcd681310da68");

  const std::string uncounted =
      Authorize(Picked("Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256-sess"), mufasa,
                Method::kPost, "/v?x", 1, "c");
  EXPECT_EQ(ParameterOf(uncounted, "cnonce"), "c");
  EXPECT_EQ(ParameterOf(uncounted, "response"),
            "bb031327c7fa1c968577e78c832c480a19932a849aed50ec542503ea6a7fe28a");
}

TEST(AuthorizeTest, QuotesWhatIsNotItsOwn) {
  const std::string value =
      Authorize(Picked("Digest realm=\"a \\\"b\\\\\", nonce=\"n\\\"\", opaque=\"\\\\\""),
                {.user = "us\"er\\", .password = Secret("p")}, Method::kGet, "/\"x", 1, "c");
  EXPECT_TRUE(absl::StrContains(value, R"(username="us\"er\\", realm="a \"b\\")")) << value;
  EXPECT_TRUE(absl::StrContains(value, R"(nonce="n\"")")) << value;
  EXPECT_TRUE(absl::StrContains(value, R"(uri="/\"x")")) << value;
  EXPECT_TRUE(absl::StrContains(value, R"(opaque="\\")")) << value;
}

}  // namespace
}  // namespace understudy::router
