#include "common/twilio/signature.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace understudy::twilio {
namespace {

constexpr char kUrl[] = "https://mycompany.com/myapp.php?foo=1&bar=2";
constexpr char kBodyHash[] = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
constexpr char kEmptyHash[] = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
constexpr char kJsonBody[] = R"({"property": "value", "boolean": true})";

Secret Token() {
  return Secret("12345");
}

Form Digits() {
  return {{"CallSid", "CA1234567890ABCDE"},
          {"Caller", "+14158675309"},
          {"Digits", "1234"},
          {"From", "+14158675309"},
          {"To", "+18005551212"}};
}

// Known answers: the URL is signed as it stands.
TEST(SignTest, Vectors) {
  const std::string url = kUrl;
  const struct {
    int number;
    std::string url;
    Form body;
    const char* signature;
  } kVectors[] = {
      {1, url, Digits(), "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
      {2, "http://mycompany.com:1234/myapp.php?foo=1&bar=2", Digits(),
       "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="},
      {3, "https://mycompany.com:443/myapp.php?foo=1&bar=2", Digits(),
       "kvajT1Ptam85bY51eRf/AJRuM3w="},
      {4, "http://mycompany.com:80/myapp.php?foo=1&bar=2", Digits(),
       "0ZXoZLH/DfblKGATFgpif+LLRf4="},
      {5, "https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", Digits(),
       "CukzLTc1tT5dXEDIHm/tKBanW10="},
      {6, "https://user:pass@mycompany.com:443/myapp.php?foo=1&bar=2", Digits(),
       "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="},
      {7, "https://user@mycompany.com/myapp.php?foo=1&bar=2", Digits(),
       "2YRLlVAflCqxaNicjMpJcSTgzSs="},
      {8, url + "&Body=It%27s+amazing", Digits(), "TfZzewPq8wqrGlMfyAud8+/IvJ0="},
      {9, url + "&Body=It's+amazing", Digits(), "dsq4Ehbj6cs+KdTkpF5sSSplOWw="},
      {10,
       url,
       {{"MessagingBinding.Address", "+1415xxxxxxx"}, {"MessagingBinding.Address", "+1325xxxxxxx"}},
       "83O6e2vORAoJHUNzJjDWN1jz+BA="},
      {11,
       url,
       {{"Sid", "CA123"},
        {"SidAccount", "AC123"},
        {"Digits", "5678"},
        {"Digits", "1234"},
        {"Digits", "1234"}},
       "IK+Dwps556ElfBT0I3Rgjkr1wJU="},
      {12, absl::StrCat(url, "&bodySHA256=", kBodyHash), {}, "a9nBmqA0ju/hNViExpshrM61xv4="},
      {13,
       absl::StrCat("https://mycompany.com/myapp.php?bodySHA256=", kBodyHash),
       {},
       "y77kIzt2vzLz71DgmJGsen2scGs="},
      {14, absl::StrCat(url, "&bodySHA256=", kEmptyHash), {}, "rw/jVviOgicj2+kHZULvebnA4ag="},
      {15,
       absl::StrCat("https://mycompany.com:443/myapp.php?foo=1&bar=2&bodySHA256=", kEmptyHash),
       {},
       "Ldidvp12m26NI7eqEvxnEpkd9Hc="},
      {16, url, {}, "zYQTYrRWXE7LtzbG4PfP7/bkkGo="},
      {17,
       url,
       {{"CallSid", "CA1234567890ABCDE"}, {"Digits", ""}, {"EmptyParam", ""}},
       "9HHp/OqQMEwdrVebHDdA/+tqjX8="},
      {18,
       url,
       {{"Message", "Hello & goodbye! @#$%^*()"},
        {"From", "+1 (415) 867-5309"},
        {"Special", "unicode: \u00F1\u00E1\u00E9\u00ED\u00F3\u00FA"}},
       "dCPiR4WtQ6QFN6pJh81CtlCcWLQ="},
      {19,
       url,
       {{"callSid", "lowercase"}, {"CallSid", "uppercase"}, {"CALLSID", "allcaps"}},
       "jDK7WKT8wiNrwggd4ceTv4e1MJ4="},
      {20,
       url,
       {{"Zebra", "last"}, {"Alpha", "first"}, {"Beta", "second"}, {"Gamma", "third"}},
       "enveUe73ZTVLAekHxez3Qx6JuuQ="},
      {21, "https://mycompany.com/myapp.php", Digits(), "1xaxFBvyzXYvWplzNOSs28HWO94="},
      {22, "https://mycompany.com/myapp.php?foo=hello%20world&bar=test%2Bvalue", Digits(),
       "er2tvAP1Wx+iuTTE2BPgvEaN1cs="},
      {23,
       "https://example.com/myapp.php?foo=1&bar=2",
       {{"CallSid", "CA1234567890ABCDE"},
        {"Caller", "+14158675310"},
        {"Digits", "1234"},
        {"From", "+14158675310"},
        {"To", "+18005551212"}},
       "L/OH5YylLD5NRKLltdqwSvS0BnU="},
  };
  for (const auto& v : kVectors) {
    SCOPED_TRACE(v.number);
    EXPECT_EQ(Sign(Token(), v.url, v.body), v.signature);
    EXPECT_TRUE(SignatureMatches(Token(), v.url, v.body, v.signature));
    EXPECT_FALSE(SignatureMatches(Secret("12346"), v.url, v.body, v.signature));
    EXPECT_FALSE(SignatureMatches(Token(), v.url + "x", v.body, v.signature));
  }
}

TEST(SignTest, OrderAndRepetitionMeanNothing) {
  const std::string signature = Sign(Token(), kUrl, {{"a", "1"}, {"b", "2"}, {"a", "0"}});
  EXPECT_EQ(Sign(Token(), kUrl, {{"b", "2"}, {"a", "0"}, {"a", "1"}, {"b", "2"}}), signature);
  EXPECT_NE(Sign(Token(), kUrl, {{"a", "1"}, {"b", "2"}}), signature);
}

TEST(SignatureMatchesTest, LenientAsTwiliosValidators) {
  const std::string with_443 = "https://mycompany.com:443/myapp.php?foo=1&bar=2";
  const struct {
    const char* what;
    std::string url;
    const char* signature;
    bool matches;
  } kCases[] = {
      {"port dropped", "https://mycompany.com:1234/myapp.php?foo=1&bar=2",
       "RSOYDt4T1cUTdK1PDd93/VVr8B8=", true},
      {"https port added", kUrl, "kvajT1Ptam85bY51eRf/AJRuM3w=", true},
      {"http port added", "http://mycompany.com/myapp.php?foo=1&bar=2",
       "0ZXoZLH/DfblKGATFgpif+LLRf4=", true},
      {"not another port", "http://mycompany.com/myapp.php?foo=1&bar=2",
       "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=", false},
      {"not another scheme's port", "http://mycompany.com/myapp.php?foo=1&bar=2",
       "kvajT1Ptam85bY51eRf/AJRuM3w=", false},
      {"credentials are no port", "https://user:pass@mycompany.com/myapp.php?foo=1&bar=2",
       "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI=", true},
      {"apostrophe as it is", absl::StrCat(kUrl, "&Body=It's+amazing"),
       "dsq4Ehbj6cs+KdTkpF5sSSplOWw=", true},
      {"apostrophe escaped by the sender", absl::StrCat(kUrl, "&Body=It's+amazing"),
       "TfZzewPq8wqrGlMfyAud8+/IvJ0=", true},
      {"not the other way round", absl::StrCat(kUrl, "&Body=It%27s+amazing"),
       "dsq4Ehbj6cs+KdTkpF5sSSplOWw=", false},
      {"empty", kUrl, "", false},
      {"cut", kUrl, "RSOYDt4T1cUTdK1PDd93/VVr8B8", false},
      {"longer", kUrl, "RSOYDt4T1cUTdK1PDd93/VVr8B8==", false},
      {"one letter off", kUrl, "RSOYDt4T1cUTdK1PDd93/VVr8B9=", false},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(SignatureMatches(Token(), c.url, Digits(), c.signature), c.matches) << c.what;
  }
}

TEST(SignatureMatchesTest, NothingMatchesWithoutAToken) {
  const std::string signature = Sign(Secret(), kUrl, Digits());
  EXPECT_FALSE(SignatureMatches(Secret(), kUrl, Digits(), signature));
}

TEST(JsonSignatureMatchesTest, UrlAndBodyMustBothFit) {
  const std::string url = absl::StrCat(kUrl, "&bodySHA256=", kBodyHash);
  const struct {
    const char* what;
    std::string url;
    const char* body;
    const char* signature;
    bool matches;
  } kCases[] = {
      {"both", url, kJsonBody, "a9nBmqA0ju/hNViExpshrM61xv4=", true},
      {"alone in the query", absl::StrCat("https://mycompany.com/myapp.php?bodySHA256=", kBodyHash),
       kJsonBody, "y77kIzt2vzLz71DgmJGsen2scGs=", true},
      {"empty object", absl::StrCat(kUrl, "&bodySHA256=", kEmptyHash), "{}",
       "rw/jVviOgicj2+kHZULvebnA4ag=", true},
      {"port added", absl::StrCat(kUrl, "&bodySHA256=", kEmptyHash), "{}",
       "Ldidvp12m26NI7eqEvxnEpkd9Hc=", true},
      {"another body", url, "{}", "a9nBmqA0ju/hNViExpshrM61xv4=", false},
      {"another signature", url, kJsonBody, "y77kIzt2vzLz71DgmJGsen2scGs=", false},
      {"no hash", kUrl, kJsonBody, "zYQTYrRWXE7LtzbG4PfP7/bkkGo=", false},
      {"no query", "https://mycompany.com/myapp.php", kJsonBody, "", false},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(JsonSignatureMatches(Token(), c.url, c.body, c.signature), c.matches) << c.what;
  }
}

TEST(SignedUrlTest, WhatIsLeftOut) {
  const struct {
    const char* url;
    const char* voice;
    const char* messaging;
  } kCases[] = {
      {"https://a.example/v", "https://a.example/v", "https://a.example/v"},
      {"https://a.example:8443/v?x=1", "https://a.example/v?x=1", "https://a.example:8443/v?x=1"},
      {"HTTPS://a.example:8443/v", "HTTPS://a.example/v", "HTTPS://a.example:8443/v"},
      {"http://a.example:8080/v", "http://a.example:8080/v", "http://a.example:8080/v"},
      {"http://a.example/v", "http://a.example/v", "http://a.example/v"},
      {"https://user:pass@a.example/v", "https://a.example/v", "https://a.example/v"},
      {"https://user:p@ss@a.example:1/v", "https://a.example/v", "https://a.example:1/v"},
      {"https://a.example/v#rc=2&rp=all", "https://a.example/v", "https://a.example/v"},
      {"https://a.example:1#rc=2", "https://a.example", "https://a.example:1"},
      {"https://a.example:1?x=:2@b", "https://a.example?x=:2@b", "https://a.example:1?x=:2@b"},
      {"https://a.example/v@:1", "https://a.example/v@:1", "https://a.example/v@:1"},
      {"https://[2001:db8::1]:8443/v", "https://[2001:db8::1]/v", "https://[2001:db8::1]:8443/v"},
      {"https://[2001:db8::1]/v", "https://[2001:db8::1]/v", "https://[2001:db8::1]/v"},
      {"a.example/v?u=http://b:1/#x", "a.example/v?u=http://b:1/", "a.example/v?u=http://b:1/"},
      {"", "", ""},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(SignedUrl(c.url, Kind::kVoice), c.voice);
    EXPECT_EQ(SignedUrl(c.url, Kind::kMessaging), c.messaging);
  }
}

}  // namespace
}  // namespace understudy::twilio
