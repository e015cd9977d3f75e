#include "common/twilio/url.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace understudy::twilio {
namespace {

std::string Of(size_t bytes) {
  return std::string(bytes, 'a');
}

// A host of so many bytes, in labels as long as they may be.
std::string HostOf(size_t bytes) {
  std::string host;
  while (bytes - host.size() > 63) absl::StrAppend(&host, Of(63), ".");
  return host + Of(bytes - host.size());
}

Url Parsed(absl::string_view text) {
  absl::StatusOr<Url> url = ParseUrl(text);
  EXPECT_TRUE(url.ok()) << text << ": " << url.status();
  return url.ok() ? *std::move(url) : Url{};
}

TEST(ParseUrlTest, TakesAUrlApart) {
  const Url url = Parsed("https://us%2Fer:p%40ss:word@www.example.com:8443/a/b?x=1&y#rc=2&tt=500");
  EXPECT_EQ(url.canonical, "https://www.example.com:8443/a/b?x=1&y");
  EXPECT_EQ(url.scheme, "https");
  EXPECT_EQ(url.host, "www.example.com");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.user, "us/er");
  EXPECT_EQ(url.password, "p@ss:word");
  EXPECT_EQ(url.fragment, "rc=2&tt=500");
}

TEST(ParseUrlTest, AcceptsAndMakesCanonical) {
  const struct {
    std::string text;
    std::string canonical;
    std::string host;
    int port;
  } kRows[] = {
      {"http://a.example", "http://a.example/", "a.example", 80},
      {"http://a.example/", "http://a.example/", "a.example", 80},
      {"http://a.example?x", "http://a.example/?x", "a.example", 80},
      {"http://a.example#f", "http://a.example/", "a.example", 80},
      {"http://a.example/?", "http://a.example/", "a.example", 80},
      {"HTTPS://A.Example/X", "https://A.Example/X", "A.Example", 443},
      {"http://a.example./", "http://a.example./", "a.example.", 80},
      {"http://localhost/", "http://localhost/", "localhost", 80},
      {"http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/", "xn--bcher-kva.example",
       80},
      {"http://%61.example/", "http://a.example/", "a.example", 80},
      {"http://a%2eexample/", "http://a.example/", "a.example", 80},

      {"http://a.example/b/../c/./d", "http://a.example/c/d", "a.example", 80},
      {"http://a.example/../../b", "http://a.example/b", "a.example", 80},
      {"http://a.example//b", "http://a.example//b", "a.example", 80},
      {"http://a.example/%2e%2e/b", "http://a.example/%2e%2e/b", "a.example", 80},
      {"http://a.example/b c", "http://a.example/b%20c", "a.example", 80},
      {"http://a.example/b?c d", "http://a.example/b?c+d", "a.example", 80},
      {"http://a.example/\xC3\xA4", "http://a.example/%c3%a4", "a.example", 80},
      {"http://a.example/?a=%41&b=%2F", "http://a.example/?a=%41&b=%2F", "a.example", 80},
      {"http://a.example/a?b?c#d#e", "http://a.example/a?b?c", "a.example", 80},

      {"http://a.example:/", "http://a.example/", "a.example", 80},
      {"http://a.example:80/", "http://a.example:80/", "a.example", 80},
      {"http://a.example:080/", "http://a.example:80/", "a.example", 80},
      {"https://a.example:443/", "https://a.example:443/", "a.example", 443},
      {"http://a.example:443/", "http://a.example:443/", "a.example", 443},
      {"http://a.example:1/", "http://a.example:1/", "a.example", 1},
      {"http://a.example:65535/", "http://a.example:65535/", "a.example", 65535},

      {absl::StrCat("http://", Of(63), ".b/"), absl::StrCat("http://", Of(63), ".b/"),
       Of(63) + ".b", 80},
      {absl::StrCat("http://", HostOf(253), "/"), absl::StrCat("http://", HostOf(253), "/"),
       HostOf(253), 80},
      {absl::StrCat("http://", HostOf(253), "./"), absl::StrCat("http://", HostOf(253), "./"),
       HostOf(253) + ".", 80},
  };
  for (const auto& row : kRows) {
    const Url url = Parsed(row.text);
    EXPECT_EQ(url.canonical, row.canonical) << row.text;
    EXPECT_EQ(url.host, row.host) << row.text;
    EXPECT_EQ(url.port, row.port) << row.text;
    EXPECT_EQ(Parsed(url.canonical).canonical, url.canonical) << row.text;
  }
}

// An address hides in many spellings. All are made plain here, so that the egress rule, the
// signature and the request are about one host.
TEST(ParseUrlTest, MakesAddressesPlain) {
  const struct {
    const char* text;
    const char* canonical;
    const char* host;
  } kRows[] = {
      {"http://127.0.0.1/", "http://127.0.0.1/", "127.0.0.1"},
      {"http://2130706433/", "http://127.0.0.1/", "127.0.0.1"},
      {"http://0177.0.0.1/", "http://127.0.0.1/", "127.0.0.1"},
      {"http://0x7f000001/", "http://127.0.0.1/", "127.0.0.1"},
      {"http://0x7f.1/", "http://127.0.0.1/", "127.0.0.1"},
      {"http://127.1/", "http://127.0.0.1/", "127.0.0.1"},
      {"http://\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x97.1/", "http://127.0.0.1/", "127.0.0.1"},
      {"http://%31%32%37.1/", "http://127.0.0.1/", "127.0.0.1"},
      {"http://%35/", "http://0.0.0.5/", "0.0.0.5"},
      {"http://u%35:p@5/", "http://0.0.0.5/", "0.0.0.5"},
      {"http://[::1]:8080/", "http://[::1]:8080/", "::1"},
      {"http://[0:0:0:0:0:0:0:1]/", "http://[::1]/", "::1"},
      {"http://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1"},
      // No addresses: names for the name server to refuse.
      {"http://256.256.256.256/", "http://256.256.256.256/", "256.256.256.256"},
      {"http://1.2.3.4.5/", "http://1.2.3.4.5/", "1.2.3.4.5"},
  };
  for (const auto& row : kRows) {
    const Url url = Parsed(row.text);
    EXPECT_EQ(url.canonical, row.canonical) << row.text;
    EXPECT_EQ(url.host, row.host) << row.text;
  }
}

TEST(ParseUrlTest, MakesInternationalNamesPlain) {
  const struct {
    const char* text;
    const char* canonical;
  } kRows[] = {
      {"http://b\xC3\xBC"
       "cher.example:8080/x",
       "http://xn--bcher-kva.example:8080/x"},
      {"http://B\xC3\x9C"
       "CHER.example/",
       "http://xn--bcher-kva.example/"},
      {"http://b%C3%BC"
       "cher.example/",
       "http://xn--bcher-kva.example/"},
      {"http://a\xE3\x80\x82"
       "example/",
       "http://a.example/"},  // an ideographic full stop
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(Parsed(row.text).canonical, row.canonical) << row.text;
  }
  const Url with_all = Parsed(
      "https://u:p@b\xC3\xBC"
      "cher.example/#rc=0");
  EXPECT_EQ(with_all.host, "xn--bcher-kva.example");
  EXPECT_EQ(with_all.user, "u");
  EXPECT_EQ(with_all.password, "p");
  EXPECT_EQ(with_all.fragment, "rc=0");

  for (const char* text : {"http://\xFF.example/",  // no UTF-8
                           "http://a\xEF\xBC\x8F"
                           "b.example/",                       // a slash in disguise
                           "http://\xE2\x84\x80.example/"}) {  // "a/c" as one character
    EXPECT_FALSE(ParseUrl(text).ok()) << text;
  }
}

TEST(ParseUrlTest, FindsTheHostBehindTheLastAt) {
  const struct {
    const char* text;
    const char* host;
    const char* user;
    const char* password;
  } kRows[] = {
      {"http://user@host.example/", "host.example", "user", ""},
      {"http://user:@host.example/", "host.example", "user", ""},
      {"http://:word@host.example/", "host.example", "", "word"},
      {"http://@host.example/", "host.example", "", ""},
      {"http://u:p:q@host.example/", "host.example", "u", "p:q"},
      {"http://u%3Ap:q@host.example/", "host.example", "u:p", "q"},
      {"http://bank.example@host.example/", "host.example", "bank.example", ""},
      {"http://bank.example:80@host.example/", "host.example", "bank.example", "80"},
      {"http://bank.example\\@host.example/", "host.example", "bank.example\\", ""},
      {"http://bank.example/@host.example", "bank.example", "", ""},
      {"http://bank.example?@host.example/", "bank.example", "", ""},
      {"http://bank.example#@host.example/", "bank.example", "", ""},
  };
  for (const auto& row : kRows) {
    const Url url = Parsed(row.text);
    EXPECT_EQ(url.host, row.host) << row.text;
    EXPECT_EQ(url.user, row.user) << row.text;
    EXPECT_EQ(url.password, row.password) << row.text;
  }
}

TEST(ParseUrlTest, RefusesWhatIsNoHttpUrl) {
  const std::string texts[] = {
      // Not absolute, or not http.
      "",
      "a.example",
      "//a.example/",
      "/voice",
      "http:a.example",
      "http:/a.example/",
      "htp:/x",
      "ftp://a.example/",
      "file:///etc/passwd",
      "gopher://a.example/",
      "data:text/plain,x",
      "javascript:x",
      "bin:apology",
      " http://a.example/",
      // No host, or none that DNS has.
      "http://",
      "https://",
      "http:///a.example/",
      "http://?x",
      "http://#x",
      "http:// /",
      "http://./",
      "http://.a.example/",
      "http://a..example/",
      "http://a.example../",
      "http://a_b.example/",
      "http://a b.example/",
      "http://a.example,b.example/",
      "http://a'b.example/",
      "http://a!b.example/",
      "http://a$b.example/",
      "http://a*b.example/",
      "http://a.example%00.b/",
      "http://a.example%2fb/",
      absl::StrCat("http://", Of(64), ".b/"),
      absl::StrCat("http://", HostOf(254), "/"),
      // Addresses with mistakes, and with a zone.
      "http://[::1",
      "http://[]/",
      "http://[::g]/",
      "http://[::1]a/",
      "http://[v1.a]/",
      "http://%5b::1%5d/",
      "http://[fe80::1%25eth0]/",
      "http://[fe80::1%eth0]/",
      // Ports.
      "http://a.example:0/",
      "http://a.example:65536/",
      "http://a.example:-1/",
      "http://a.example: 80/",
      "http://a.example:8x/",
      "http://a.example:99999999999999999999/",
      // Credentials that should have been encoded.
      "http://a@b@host.example/",
      "http://us er@host.example/",
      "http://us%00er@host.example/",
      "http://us%0aer@host.example/",
      "http://u:p/q@host.example/",
      "http://u:p?q@host.example/",
      "http://u:p#q@host.example/",
      // Control characters.
      "http://a.example/\n",
      "http://a.example/\t",
      "http://a.ex\rample/",
      std::string("http://a.example/\0x", 19),
      "http://a.example/\x7f",
  };
  for (const std::string& text : texts) {
    const absl::StatusOr<Url> url = ParseUrl(text);
    ASSERT_FALSE(url.ok()) << text << " became " << url->canonical;
    EXPECT_EQ(url.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_FALSE(url.status().message().empty()) << text;
  }
}

TEST(ParseUrlTest, SaysWhatIsWrongWithoutShowingCredentials) {
  for (const char* text : {"http://user:secret/word@host.example/", "ftp://user:secret@h/",
                           "http://user:secret@a_b/", "http://user:secret%00@h/"}) {
    const absl::StatusOr<Url> url = ParseUrl(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_FALSE(absl::StrContains(url.status().message(), "secret")) << url.status();
  }
}

TEST(ParseUrlTest, TakesUrlsOfUpTo8192Bytes) {
  const std::string start = "http://a.example/";
  EXPECT_EQ(kMaxUrlBytes, 8192u);
  EXPECT_TRUE(ParseUrl(start + Of(kMaxUrlBytes - start.size())).ok());
  EXPECT_FALSE(ParseUrl(start + Of(kMaxUrlBytes - start.size() + 1)).ok());
}

TEST(UrlTest, OriginIsWhereAConnectionGoes) {
  const std::string origin = Parsed("https://www.example.com/a").origin();
  for (const char* same : {"https://www.example.com/b?c", "https://www.example.com:443/",
                           "https://u:p@www.example.com/", "https://WWW.Example.COM/"}) {
    EXPECT_EQ(Parsed(same).origin(), origin) << same;
  }
  for (const char* other : {"http://www.example.com/", "https://www.example.com:8443/",
                            "https://example.com/", "https://www.example.com.evil.example/"}) {
    EXPECT_NE(Parsed(other).origin(), origin) << other;
  }
}

TEST(JoinUrlTest, JoinsAsABrowserDoes) {
  const Url base = Parsed("https://user:word@www.example.com:8443/a/b/c?x=1#rc=2");
  const struct {
    const char* location;
    const char* joined;
  } kRows[] = {
      {"d", "https://www.example.com:8443/a/b/d"},
      {"./d", "https://www.example.com:8443/a/b/d"},
      {"../d", "https://www.example.com:8443/a/d"},
      {"../../../d", "https://www.example.com:8443/d"},
      {".", "https://www.example.com:8443/a/b/"},
      {"..", "https://www.example.com:8443/a/"},
      {"/d", "https://www.example.com:8443/d"},
      {"?y=2", "https://www.example.com:8443/a/b/c?y=2"},
      {"d?u=http://other.example/", "https://www.example.com:8443/a/b/d?u=http://other.example/"},
      {"d;p=1", "https://www.example.com:8443/a/b/d;p=1"},
      {"/a:b", "https://www.example.com:8443/a:b"},
      {"d#f", "https://www.example.com:8443/a/b/d"},
      {"#f", "https://www.example.com:8443/a/b/c?x=1"},
      {"d e", "https://www.example.com:8443/a/b/d%20e"},
      {"d%20e", "https://www.example.com:8443/a/b/d%20e"},
      {"d\xC3\xA4", "https://www.example.com:8443/a/b/d%c3%a4"},
      {" /d\t", "https://www.example.com:8443/d"},
      {"//other.example/d", "https://other.example/d"},
      {"http://other.example", "http://other.example/"},
      {"HTTP://Other.Example:80/D", "http://Other.Example:80/D"},
      {"http://127.1/", "http://127.0.0.1/"},
      {"//b\xC3\xBC"
       "cher.example/",
       "https://xn--bcher-kva.example/"},
      // A backslash separates nothing: the host stays ours.
      {"/\\other.example/d", "https://www.example.com:8443/\\other.example/d"},
  };
  for (const auto& row : kRows) {
    const absl::StatusOr<Url> joined = JoinUrl(base, row.location);
    ASSERT_TRUE(joined.ok()) << row.location << ": " << joined.status();
    EXPECT_EQ(joined->canonical, row.joined) << row.location;
    EXPECT_EQ(joined->user, "") << row.location;
    EXPECT_EQ(joined->password, "") << row.location;
    EXPECT_EQ(joined->fragment, "") << row.location;
  }
}

TEST(JoinUrlTest, TakesTheCredentialsOfTheLocationAlone) {
  const Url base = Parsed("https://user:word@www.example.com/a");
  for (const char* location : {"https://other:key@www.example.com/b", "//other:key@b.example/"}) {
    const absl::StatusOr<Url> joined = JoinUrl(base, location);
    ASSERT_TRUE(joined.ok()) << location;
    EXPECT_EQ(joined->user, "other") << location;
    EXPECT_EQ(joined->password, "key") << location;
    EXPECT_FALSE(absl::StrContains(joined->canonical, "key")) << location;
  }
}

TEST(JoinUrlTest, RefusesWhatLeadsNowhere) {
  const Url base = Parsed("https://www.example.com/a");
  const std::string locations[] = {
      "",
      " ",
      "ftp://a.example/",
      "file:///etc/passwd",
      "data:text/xml,x",
      "gopher://a.example/",
      "javascript:x",
      "mailto:a@b.example",
      "http://",
      "//",
      "http:x",
      "http://a_b.example/",
      "//a..example/",
      "http://a.example:65536/",
      "http://u:p/q@host.example/",
      "/a\x01",
      "/a\nb",
      std::string("/a\0b", 4),
      std::string(kMaxUrlBytes + 1, 'a'),
      // As long as it may be, but not behind the base.
      std::string(kMaxUrlBytes, 'a'),
  };
  for (const std::string& location : locations) {
    const absl::StatusOr<Url> joined = JoinUrl(base, location);
    ASSERT_FALSE(joined.ok()) << location << " became " << joined->canonical;
    EXPECT_EQ(joined.status().code(), absl::StatusCode::kInvalidArgument) << location;
  }
}

TEST(RedactUrlTest, LeavesEveryOtherByteAsItIs) {
  const struct {
    const char* text;
    const char* redacted;
  } kRows[] = {
      {"http://www.example.com/index", "http://www.example.com/index"},
      {"HTTP://U:P@WWW.Example.com", "HTTP://WWW.Example.com"},
      {"https://u:p@h.example:443/a b/../c?x=%41&y=z@w#rc=2",
       "https://h.example:443/a b/../c?x=%41&y=z@w"},
      {"http://u@h.example?x", "http://h.example?x"},
      {"http://h.example/a@b", "http://h.example/a@b"},
      {"http://h.example?a@b", "http://h.example?a@b"},
      {"http://h.example#a@b", "http://h.example"},
      {"http://[::1]:80/?", "http://[::1]:80/?"},
      {"http://u:p\\@h.example/", "http://h.example/"},
      {"", ""},
      {"not a url", "not a url"},
  };
  for (const auto& row : kRows) EXPECT_EQ(RedactUrl(row.text), row.redacted) << row.text;
}

TEST(RedactUrlTest, HidesCredentialsItCannotPlace) {
  const struct {
    const char* text;
    const char* redacted;
  } kRows[] = {
      {"http://u:p/q@h.example/x", "http://h.example/x"},
      {"http://u:p#q@h.example/x#rc=1", "http://h.example/x"},
      {"http://u:p?q@h.example/x?y", "http://h.example/x?y"},
      {"http://a@b@h.example/", "http://h.example/"},
      {"u:p@h.example/x", "h.example/x"},
      {"u:p@h.example/?to=http://x", "h.example/?to=http://x"},
      {"//u:p@h.example/", "h.example/"},
      {"http:/u:p@h.example/", "h.example/"},
      {"ftp://u:p@h.example/", "ftp://h.example/"},
      {"http://u:p@", "http://"},
  };
  for (const auto& row : kRows) EXPECT_EQ(RedactUrl(row.text), row.redacted) << row.text;
}

}  // namespace
}  // namespace understudy::twilio
