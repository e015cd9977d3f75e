#include "services/notifier/page/mask.h"

#include <gtest/gtest.h>

namespace understudy::notifier {
namespace {

TEST(MaskTest, NumbersAreMaskedAndOtherThingsAreNot) {
  struct Case {
    const char* text;
    const char* masked;
  };
  constexpr Case kCases[] = {
      {"", ""},
      {"+14155550199", "+14•••••0199"},
      {"14155550199", "14•••••0199"},
      {"4155550199", "41••••0199"},  // ten digits: the shortest of which both ends are shown
      {"415555019", "•••••••19"},
      {"+1234567", "+•••••67"},
      {"+123456", "+123456"},  // six digits are no number
      {"+123456789012345", "+12•••••••••2345"},
      {"1234567890123456", "1234567890123456"},  // nor are sixteen
      {"sip:+14155550199@example.com", "sip:+14•••••0199@example.com"},
      {"whatsapp:+14155550199", "whatsapp:+14•••••0199"},
      {"+14155550199,+14155550142", "+14•••••0199,+14•••••0142"},
      {"CA00000000000000000000000000000001", "CA00000000000000000000000000000001"},
      {"ab14155550199", "ab14155550199"},
      {"14155550199ab", "14155550199ab"},
      {"client:alice", "client:alice"},
  };
  for (const Case& c : kCases) EXPECT_EQ(MaskNumbers(c.text), c.masked) << c.text;
}

TEST(MaskTest, InOtherTextsOnlyWhatIsMarkedAsANumber) {
  EXPECT_EQ(MaskMarkedNumbers("https://example.com/orders/14155550199"),
            "https://example.com/orders/14155550199");
  EXPECT_EQ(
      MaskMarkedNumbers("https://example.com/?From=%2B14155550199&To=%2b14155550142&t=1800000000"),
      "https://example.com/?From=%2B14•••••0199&To=%2b14•••••0142&t=1800000000");
  EXPECT_EQ(MaskMarkedNumbers("called +14155550199."), "called +14•••••0199.");
}

}  // namespace
}  // namespace understudy::notifier
