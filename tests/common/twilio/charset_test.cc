#include "common/twilio/charset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace understudy::twilio {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// ASCII text in UTF-16.
std::string Wide(const std::string& ascii, bool little_endian) {
  std::string out;
  for (const char c : ascii) {
    out.push_back(little_endian ? c : '\0');
    out.push_back(little_endian ? '\0' : c);
  }
  return out;
}

TEST(ToUtf8Test, MarkThenHeaderThenDeclaration) {
  const std::string le = "\xFF\xFE";
  const std::string be = "\xFE\xFF";
  const std::string mark = "\xEF\xBB\xBF";
  const struct {
    const char* what;
    std::string bytes;
    const char* header;
    std::string text;
  } kCases[] = {
      {"nothing said", "<R>\xC3\xA9</R>", "", "<R>\xC3\xA9</R>"},
      {"empty", "", "", ""},
      {"empty, UTF-16", "", "utf-16", ""},
      {"UTF-8 mark", mark + "<R/>", "", "<R/>"},
      {"mark alone", mark, "", ""},
      {"mark over header", mark + "\xC3\xA9", "iso-8859-1", "\xC3\xA9"},
      {"UTF-16LE mark", le + Wide("<R/>", true), "", "<R/>"},
      {"UTF-16BE mark", be + Wide("<R/>", false), "", "<R/>"},
      {"UTF-16 mark over header", le + Wide("<R/>", true), "utf-8", "<R/>"},
      {"UTF-16LE by header", Wide("<R/>", true), "UTF-16LE", "<R/>"},
      {"UTF-16BE by header", Wide("<R/>", false), "utf-16be", "<R/>"},
      {"UTF-16 by header, big-endian", Wide("<R/>", false), "utf-16", "<R/>"},
      {"UTF-16 by header, little-endian", Wide("<R/>", true), "utf-16", "<R/>"},
      {"UTF-16LE by its looks", Wide("<R/>", true), "", "<R/>"},
      {"UTF-16BE by its looks", Wide("<R/>", false), "", "<R/>"},
      {"pair of surrogates", std::string("\xFE\xFF\xD8\x3D\xDE\x00", 6), "", "\xF0\x9F\x98\x80"},
      {"last code point", std::string("\xFE\xFF\xDB\xFF\xDF\xFF", 6), "", "\xF4\x8F\xBF\xBF"},
      {"three bytes", "\xFE\xFF\x20\xAC", "", "\xE2\x82\xAC"},
      {"Latin-1 by header", "\xE9\xFF", "Latin1", "\xC3\xA9\xC3\xBF"},
      {"ASCII by header", "a\x7F", "us-ascii", "a\x7F"},
      {"header over declaration", "<?xml version='1.0' encoding='ISO-8859-1'?><R>\xC3\xA9</R>",
       "utf-8", "<?xml version='1.0' encoding='UTF-8'     ?><R>\xC3\xA9</R>"},
      {"header over unknown declaration", "<?xml version='1.0' encoding='x'?><R/>", "utf-8",
       "<?xml version='1.0' encoding='UTF-8'?><R/>"},
      {"Latin-1 by declaration", "<?xml version=\"1.0\"\nencoding = \"iso-8859-1\" ?>\n<R>\xE9</R>",
       "", "<?xml version=\"1.0\"\nencoding = \"UTF-8\"      ?>\n<R>\xC3\xA9</R>"},
      {"standalone stays", "<?xml version='1.0' encoding='latin1' standalone='yes'?><R/>", "",
       "<?xml version='1.0' encoding='UTF-8'  standalone='yes'?><R/>"},
      {"declared as what it is", "<?xml version='1.0' encoding='utf-8'?><R/>", "",
       "<?xml version='1.0' encoding='utf-8'?><R/>"},
      {"claim within another value", "<?xml version='encoding=\"x\"'?><R/>", "",
       "<?xml version='encoding=\"x\"'?><R/>"},
      {"broken declaration is the parser's business", "<?xml encoding?><R/>", "",
       "<?xml encoding?><R/>"},
      {"no name of an encoding", "<?xml version='1.0' encoding='?'?><R/>", "",
       "<?xml version='1.0' encoding='?'?><R/>"},
      {"empty name", "<?xml version='1.0' encoding=''?><R/>", "",
       "<?xml version='1.0' encoding=''?><R/>"},
      {"declared twice is left to the parser", "<?xml encoding='latin1' encoding='x'?>", "",
       "<?xml encoding='UTF-8'  encoding='x'?>"},
      {"name that is not UTF-8's", "<?xml version='1.0' encoding='utf8'?><R/>", "",
       "<?xml version='1.0' encoding='UTF-8'?><R/>"},
      {"open declaration", "<?xml encoding='x", "", "<?xml encoding='x"},
      {"not the first thing", " <?xml version='1.0' encoding='x'?>", "",
       " <?xml version='1.0' encoding='x'?>"},
      {"declared within UTF-16", le + Wide("<?xml version='1.0' encoding='utf-16'?><R/>", true), "",
       "<?xml version='1.0' encoding='UTF-8' ?><R/>"},
      {"plain text", "encoding='x'", "", "encoding='x'"},
  };
  for (const auto& c : kCases) {
    const absl::StatusOr<std::string> text = ToUtf8(c.bytes, c.header);
    ASSERT_TRUE(text.ok()) << c.what << ": " << text.status();
    EXPECT_EQ(*text, c.text) << c.what;
  }
}

TEST(ToUtf8Test, RefusedWithTheOffset) {
  const struct {
    const char* what;
    std::string bytes;
    const char* header;
    const char* start;
  } kCases[] = {
      {"not UTF-8", "abc\xFF", "", "byte 3: not UTF-8"},
      {"offset counts the mark",
       "\xEF\xBB\xBF"
       "a\x80",
       "", "byte 4: not UTF-8"},
      {"header says ASCII", "ab\x80", "US-ASCII", "byte 2: not US-ASCII"},
      {"declared ASCII", "<?xml version='1.0' encoding='ascii'?>\x80", "", "byte 38: not US-ASCII"},
      {"half a unit", std::string("\xFF\xFE<\0x", 5), "", "byte 4: not UTF-16LE"},
      {"low surrogate first", std::string("\xFE\xFF\xDC\x00", 4), "", "byte 2: not UTF-16BE"},
      {"high surrogate last", std::string("\xFE\xFF\0a\xD8\x00", 6), "", "byte 4: not UTF-16BE"},
      {"high surrogate and letter", std::string("\xFE\xFF\xD8\x00\0a", 6), "",
       "byte 2: not UTF-16BE"},
      {"unknown header", "<R/>", "windows-1252", "byte 0: encoding \"windows-1252\" is not known"},
      {"unknown declaration", "<?xml version='1.0' encoding='klingon'?><R/>", "",
       "byte 0: encoding \"klingon\" is not known"},
      {"declaration that cannot be", "<?xml version='1.0' encoding='utf-16'?><R/>", "",
       "byte 0: not UTF-16"},
  };
  for (const auto& c : kCases) {
    const absl::Status status = ToUtf8(c.bytes, c.header).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.what;
    EXPECT_THAT(std::string(status.message()), StartsWith(c.start)) << c.what;
  }
}

TEST(ToUtf8Test, AnUnknownNameIsShownInPart) {
  const absl::Status status = ToUtf8("<R/>", std::string(40, 'a') + "bcd\n").status();
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("\"" + std::string(40, 'a') + "\" is not known"));
  EXPECT_THAT(std::string(ToUtf8("", "\n").status().message()), HasSubstr("\"\\n\""));
}

TEST(ToUtf8Test, DeclarationsAreReadUpToALimit) {
  // A claim of which the last byte is the 256th is seen, one byte further it is not.
  const std::string claim = "encoding='x'";
  const std::string start = "<?xml version='1.0'";
  const std::string inside = start + std::string(256 - start.size() - claim.size(), ' ') + claim;
  EXPECT_FALSE(ToUtf8(inside + "?><R/>", "").ok());
  const std::string outside = start + std::string(257 - start.size() - claim.size(), ' ') + claim;
  EXPECT_TRUE(ToUtf8(outside + "?><R/>", "").ok());
}

TEST(ValidUtf8PrefixTest, BordersOfEveryLength) {
  const struct {
    const char* text;
    size_t valid;
  } kCases[] = {
      {"", 0},
      {"a", 1},
      {"\x7F", 1},
      {"\x80", 0},
      {"\xC1\xBF", 0},  // overlong
      {"\xC2\x80", 2},  // first of two bytes
      {"\xDF\xBF", 2},  // last of two bytes
      {"\xC2", 0},
      {"\xC2\x7F", 0},
      {"\xC2\xC0", 0},
      {"\xE0\x9F\xBF", 0},  // overlong
      {"\xE0\xA0\x80", 3},  // first of three bytes
      {"\xED\x9F\xBF", 3},  // last before the surrogates
      {"\xED\xA0\x80", 0},  // a surrogate
      {"\xEE\x80\x80", 3},  // first after them
      {"\xEF\xBF\xBF", 3},
      {"\xE2\x82", 0},
      {"\xF0\x8F\xBF\xBF", 0},  // overlong
      {"\xF0\x90\x80\x80", 4},  // first of four bytes
      {"\xF4\x8F\xBF\xBF", 4},  // the last there is
      {"\xF4\x90\x80\x80", 0},
      {"\xF5\x80\x80\x80", 0},
      {"\xF0\x90\x80", 0},
      {"12345678", 8},
      {"1234567\x80", 7},
      {"12345678\x80", 8},
      {"1234567\xC3\xA9"
       "1",
       10},
  };
  for (const auto& c : kCases) EXPECT_EQ(ValidUtf8Prefix(c.text), c.valid) << c.text;
}

TEST(Utf8TextTest, ReplacesWhatIsNone) {
  const struct {
    const char* text;
    const char* safe;
  } kCases[] = {
      {"", ""},
      {"caf\xC3\xA9", "caf\xC3\xA9"},
      {"caf\xE9", "caf\xEF\xBF\xBD"},
      {"\xFF\xFE", "\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"a\x80z", "a\xEF\xBF\xBDz"},
      {"\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Utf8Text(c.text), c.safe) << c.text;
}

TEST(Utf8TextTest, IsCutBetweenCharacters) {
  const struct {
    const char* text;
    size_t max_bytes;
    const char* safe;
  } kCases[] = {
      {"abc", 4, "abc"},
      {"abc", 3, "abc"},
      {"abc", 2, "ab"},
      {"abc", 0, ""},
      {"a\xC3\xA9", 3, "a\xC3\xA9"},
      {"a\xC3\xA9", 2, "a"},
      {"a\xF0\x9F\x98\x80z", 5, "a\xF0\x9F\x98\x80"},
      {"a\xF0\x9F\x98\x80z", 4, "a"},
      {"a\xF0\x9F\x98\x80z", 1, "a"},
      {"a\xFFz", 4, "a\xEF\xBF\xBD"},  // longer than it was
      {"a\xFFz", 3, "a"},
      {"a\xFF\xFF\xFF\xFF\xFF", 7, "a\xEF\xBF\xBD\xEF\xBF\xBD"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Utf8Text(c.text, c.max_bytes), c.safe) << c.text;
}

}  // namespace
}  // namespace understudy::twilio
