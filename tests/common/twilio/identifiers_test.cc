#include "common/twilio/identifiers.h"

#include <gtest/gtest.h>

namespace understudy::twilio {
namespace {

TEST(Identifiers, AnAccountSidIsAcAndThirtyTwoLowerCaseHexDigits) {
  EXPECT_TRUE(IsAccountSid("AC0123456789abcdef0123456789abcdef"));
  for (const char* bad :
       {"", "AC", "AC0123456789abcdef0123456789abcde", "AC0123456789abcdef0123456789abcdef0",
        "AC0123456789abcdef0123456789abcdeg", "AC0123456789ABCDEF0123456789abcdef",
        "ac0123456789abcdef0123456789abcdef", "CA0123456789abcdef0123456789abcdef",
        " AC0123456789abcdef0123456789abcde"}) {
    EXPECT_FALSE(IsAccountSid(bad)) << bad;
  }
}

TEST(Identifiers, ASidBeginsWithWhatItIsOf) {
  EXPECT_TRUE(IsSid("PN0123456789abcdef0123456789abcdef", "PN"));
  EXPECT_FALSE(IsSid("AP0123456789abcdef0123456789abcdef", "PN"));
  EXPECT_FALSE(IsSid("PN0123456789abcdef0123456789abcde", "PN"));
}

TEST(Identifiers, APhoneNumberIsE164) {
  for (const char* good : {"+12", "+14155550199", "+123456789012345"}) {
    EXPECT_TRUE(IsPhoneNumber(good)) << good;
  }
  for (const char* bad : {"", "+", "+1", "+1234567890123456", "14155550199", "+04155550199",
                          "+1415555019a", "+1 4155550199", "client:name"}) {
    EXPECT_FALSE(IsPhoneNumber(bad)) << bad;
  }
}

}  // namespace
}  // namespace understudy::twilio
