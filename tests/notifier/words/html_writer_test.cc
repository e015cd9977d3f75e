#include "services/notifier/words/html_writer.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace understudy::notifier {
namespace {

static_assert(!std::is_convertible_v<std::string, Markup>);
static_assert(!std::is_convertible_v<const char*, Markup>);
static_assert(!std::is_convertible_v<absl::string_view, Markup>);

TEST(HtmlWriterTest, EscapesAllButLiterals) {
  HtmlWriter writer;
  writer.Put("<b title=\"").Text("\"><i>'&").Put("\">").Text("a\r\n<b>").Put("</b>");
  EXPECT_EQ(writer.Take(), "<b title=\"&quot;&gt;&lt;i&gt;&#39;&amp;\">a\\x0D\\x0A&lt;b&gt;</b>");
  EXPECT_EQ(writer.Take(), "");
}

TEST(HtmlWriterTest, KeepsLines) {
  HtmlWriter writer;
  writer.Lines("<a>\r\n b\n\n\x01");
  EXPECT_EQ(writer.Take(), "&lt;a&gt;<br> b<br><br>\\x01");
}

TEST(HtmlWriterTest, LinksToTheWebAlone) {
  HtmlWriter writer;
  writer.Link("class=\"x\"", "https://example.com/?a=1&b='2'", "<here>");
  EXPECT_EQ(writer.Take(),
            "<a class=\"x\" href=\"https://example.com/?a=1&amp;b=&#39;2&#39;\">&lt;here&gt;</a>");
  writer.Link("class=\"x\"", "javascript:alert(1)", "<here>");
  EXPECT_EQ(writer.Take(), "&lt;here&gt;");
}

TEST(IsWebUrlTest, HttpAndHttps) {
  const struct {
    const char* url;
    bool is_web;
  } kRows[] = {
      {"http://a", true},      {"HTTPS://a/b?c#d", true}, {"", false},
      {"/groups/1", false},    {"ftp://a", false},        {"javascript:alert(1)", false},
      {" https://a", false},   {"https://a b", false},    {"https://a\n", false},
      {"https://a\"b", false}, {"https://a<b", false},    {"https://\xC3\xBC", false},
  };
  for (const auto& row : kRows) EXPECT_EQ(IsWebUrl(row.url), row.is_web) << row.url;
}

}  // namespace
}  // namespace understudy::notifier
