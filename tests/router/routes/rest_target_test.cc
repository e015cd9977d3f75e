#include "services/router/routes/rest_target.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace understudy::router {
namespace {

constexpr char kAccount[] = "AC00000000000000000000000000000001";
constexpr char kNumber[] = "PN00000000000000000000000000000001";

using Kind = RestTarget::Kind;

TEST(ReadRestTargetTest, WhatThereIs) {
  const struct {
    std::string rest;
    RestTarget target;
  } kCases[] = {
      {"IncomingPhoneNumbers.json", {Kind::kNumbers, kAccount, "", ""}},
      {"IncomingPhoneNumbers/Local.json", {Kind::kNumbers, kAccount, "", "local"}},
      {"IncomingPhoneNumbers/Mobile.json", {Kind::kNumbers, kAccount, "", "mobile"}},
      {"IncomingPhoneNumbers/TollFree.json", {Kind::kNumbers, kAccount, "", "toll-free"}},
      {absl::StrCat("IncomingPhoneNumbers/", kNumber, ".json"),
       {Kind::kNumber, kAccount, kNumber, ""}},
      {"IncomingPhoneNumbers/local.json", {Kind::kNumber, kAccount, "local", ""}},
      {"Applications.json", {Kind::kApplications, kAccount, "", ""}},
      {"Applications/AP1.json", {Kind::kApplication, kAccount, "AP1", ""}},
      {"Applications/Local.json", {Kind::kApplication, kAccount, "Local", ""}},
  };
  for (const auto& c : kCases) {
    const auto target =
        ReadRestTarget(absl::StrCat("/2010-04-01/Accounts/", kAccount, "/", c.rest));
    ASSERT_TRUE(target.has_value()) << c.rest;
    EXPECT_EQ(*target, c.target) << c.rest;
  }
}

TEST(ReadRestTargetTest, WhatThereIsNot) {
  const std::string base = absl::StrCat("/2010-04-01/Accounts/", kAccount);
  const std::string kCases[] = {
      "",
      "*",
      "/",
      "/2010-04-01",
      "/2010-04-01/Accounts.json",
      absl::StrCat(base, ".json"),
      absl::StrCat(base, "/.json"),
      absl::StrCat(base, "/IncomingPhoneNumbers"),
      absl::StrCat(base, "/IncomingPhoneNumbers.xml"),
      absl::StrCat(base, "/IncomingPhoneNumbers/.json"),
      absl::StrCat(base, "/IncomingPhoneNumbers//.json"),
      absl::StrCat(base, "//IncomingPhoneNumbers.json"),
      absl::StrCat(base, "/IncomingPhoneNumbers/", kNumber),
      absl::StrCat(base, "/IncomingPhoneNumbers/", kNumber, "/AssignedAddOns.json"),
      absl::StrCat(base, "/IncomingPhoneNumbers/a%41.json"),
      absl::StrCat(base, "/IncomingPhoneNumbers/a'--.json"),
      absl::StrCat(base, "/IncomingPhoneNumbers/..json"),
      absl::StrCat(base, "/IncomingPhoneNumbers/", std::string(65, 'a'), ".json"),
      absl::StrCat(base, "/IncomingPhoneNumbersX.json"),
      absl::StrCat(base, "/Messages.json"),
      absl::StrCat("/v1", base, "/Applications.json"),
      "/2010-04-01/Accounts/AC1/Applications.json",
      "/2010-04-01/Accounts//Applications.json",
      "/2010-04-01/Accounts/AC0000000000000000000000000000000A/Applications.json",
      "/2008-08-01/Accounts/AC00000000000000000000000000000001/Applications.json",
  };
  for (const std::string& path : kCases) {
    EXPECT_FALSE(ReadRestTarget(path).has_value()) << path;
  }
  EXPECT_TRUE(
      ReadRestTarget(absl::StrCat(base, "/IncomingPhoneNumbers/", std::string(64, 'a'), ".json"))
          .has_value());
}

TEST(ReadRestTargetTest, ReadsThePathsWeWrite) {
  EXPECT_EQ(ReadRestTarget(NumberPath(kAccount, kNumber)),
            (RestTarget{Kind::kNumber, kAccount, kNumber, ""}));
  EXPECT_EQ(ReadRestTarget(ApplicationPath(kAccount, "AP1")),
            (RestTarget{Kind::kApplication, kAccount, "AP1", ""}));
}

}  // namespace
}  // namespace understudy::router
