#include "services/router/resolve/session_seal.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"

namespace understudy::router {
namespace {

const Secret kKey(std::string(kMinSessionKeyBytes, 'k'));
const absl::Time kSealedAt = absl::FromUnixSeconds(1764000000);
constexpr SessionSalt kSalt = {1, 2, 3};

Call VoiceCall() {
  return {.account_sid = "AC1", .parameters = {{"CallSid", "CA1"}, {"From", "+14155550100"}}};
}
Call Message() {
  return {.kind = Kind::kMessaging,
          .account_sid = "AC1",
          .parameters = {{"MessageSid", "SM1"}, {"From", "+14155550100"}, {"To", "+14155550199"}}};
}
Session SomeSession() {
  return {.cookies = {"www.example.com\tFALSE\t/\tFALSE\t0\tid\tsecret-value"},
          .grants = {{.origin = "https://www.example.com:443",
                      .credentials = {.user = "u", .password = Secret("hunter2")}}}};
}

SessionUse UseOf(absl::string_view sealed, const Call& call, absl::Time now = kSealedAt) {
  return OpenSession(sealed, call, kKey, now).use;
}

TEST(SessionSealTest, OpensForTheCallItWasSealedFor) {
  for (const Call& call : {VoiceCall(), Message()}) {
    const std::string sealed = SealSession(SomeSession(), call, kKey, kSalt, kSealedAt);
    const OpenedSession opened = OpenSession(sealed, call, kKey, kSealedAt);
    EXPECT_EQ(opened.use, SessionUse::kAccepted);
    EXPECT_EQ(opened.session, SomeSession());
  }
}

TEST(SessionSealTest, NothingToRememberIsNoBytes) {
  EXPECT_EQ(SealSession({}, VoiceCall(), kKey, kSalt, kSealedAt), "");
  EXPECT_EQ(UseOf("", VoiceCall()), SessionUse::kNone);
}

TEST(SessionSealTest, ShowsNothingOfWhatIsInIt) {
  const std::string sealed = SealSession(SomeSession(), VoiceCall(), kKey, kSalt, kSealedAt);
  for (const char* secret : {"secret-value", "hunter2", "example", "AC1", "CA1"}) {
    EXPECT_EQ(sealed.find(secret), std::string::npos) << secret;
  }
}

TEST(SessionSealTest, TwoSaltsHaveNoBytesInCommon) {
  const std::string one = SealSession(SomeSession(), VoiceCall(), kKey, {1}, kSealedAt);
  const std::string other = SealSession(SomeSession(), VoiceCall(), kKey, {2}, kSealedAt);
  ASSERT_EQ(one.size(), other.size());
  // The same text under the same key stream would be the same bytes behind the salt.
  EXPECT_NE(one.substr(17), other.substr(17));
}

TEST(SessionSealTest, EveryBitCounts) {
  const std::string sealed = SealSession(SomeSession(), VoiceCall(), kKey, kSalt, kSealedAt);
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string altered = sealed;
    altered[i] = static_cast<char>(altered[i] ^ (1 << (i % 8)));
    EXPECT_EQ(UseOf(altered, VoiceCall()), SessionUse::kForged) << i;
  }
  for (size_t size = 1; size < sealed.size(); ++size) {
    EXPECT_EQ(UseOf(sealed.substr(0, size), VoiceCall()), SessionUse::kForged) << size;
  }
  EXPECT_EQ(UseOf(sealed + "x", VoiceCall()), SessionUse::kForged);
}

TEST(SessionSealTest, AnotherKeyOpensNothing) {
  const std::string sealed = SealSession(SomeSession(), VoiceCall(), kKey, kSalt, kSealedAt);
  EXPECT_EQ(OpenSession(sealed, VoiceCall(), Secret("other"), kSealedAt).use, SessionUse::kForged);
}

TEST(SessionSealTest, BelongsToOneCallOrOnePairOfNumbers) {
  const std::string call = SealSession(SomeSession(), VoiceCall(), kKey, kSalt, kSealedAt);
  Call other = VoiceCall();
  other.parameters[1].value = "+14155550101";  // of the call only its sid counts
  EXPECT_EQ(UseOf(call, other), SessionUse::kAccepted);
  other.parameters[0].value = "CA2";
  EXPECT_EQ(UseOf(call, other), SessionUse::kForeign);
  other = VoiceCall();
  other.account_sid = "AC2";
  EXPECT_EQ(UseOf(call, other), SessionUse::kForeign);

  const std::string message = SealSession(SomeSession(), Message(), kKey, kSalt, kSealedAt);
  other = Message();
  other.parameters[0].value = "SM2";  // the next message between the two
  EXPECT_EQ(UseOf(message, other), SessionUse::kAccepted);
  for (const size_t number : {size_t{1}, size_t{2}}) {
    other = Message();
    other.parameters[number].value = "+14155550101";
    EXPECT_EQ(UseOf(message, other), SessionUse::kForeign);
  }
  other = Message();
  other.kind = Kind::kVoice;
  EXPECT_EQ(UseOf(message, other), SessionUse::kForeign);
}

TEST(SessionSealTest, HasAnAge) {
  const struct {
    Call call;
    absl::Duration age;
  } kCases[] = {{VoiceCall(), kVoiceSessionAge}, {Message(), kMessagingSessionAge}};
  for (const auto& c : kCases) {
    const std::string sealed = SealSession(SomeSession(), c.call, kKey, kSalt, kSealedAt);
    EXPECT_EQ(UseOf(sealed, c.call, kSealedAt + c.age), SessionUse::kAccepted);
    EXPECT_EQ(UseOf(sealed, c.call, kSealedAt + c.age + absl::Seconds(1)), SessionUse::kStale);
    // Another replica's clock may be behind.
    EXPECT_EQ(UseOf(sealed, c.call, kSealedAt - absl::Minutes(1)), SessionUse::kAccepted);
  }
}

TEST(SessionSealTest, TheLargestSessionFitsAndOpens) {
  Session session = {.cookies = {std::string(kMaxEncodedSessionBytes - 8, 'x')}};
  ASSERT_EQ(FitSession(session, kMaxEncodedSessionBytes), 0);
  Call call = VoiceCall();
  call.account_sid = std::string(34, 'A');
  call.parameters[0].value = std::string(10000, 'C');
  const std::string sealed = SealSession(session, call, kKey, kSalt, kSealedAt);
  EXPECT_LE(sealed.size(), kMaxSessionBytes);
  EXPECT_EQ(UseOf(sealed, call), SessionUse::kAccepted);
  session.cookies[0] += "x";
  EXPECT_EQ(FitSession(session, kMaxEncodedSessionBytes), 1);
}

TEST(SessionSealTest, MoreBytesThanASessionHasAreNone) {
  Session session = {.cookies = {std::string(kMaxSessionBytes, 'x')}};
  const std::string sealed = SealSession(session, VoiceCall(), kKey, kSalt, kSealedAt);
  ASSERT_GT(sealed.size(), kMaxSessionBytes);
  EXPECT_EQ(UseOf(sealed, VoiceCall()), SessionUse::kForged);
}

TEST(SessionSealTest, EachUseHasANameOfItsOwn) {
  std::set<std::string> names;
  for (int use = 0; use < kSessionUses; ++use) {
    names.insert(SessionUseName(static_cast<SessionUse>(use)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kSessionUses));
}

}  // namespace
}  // namespace understudy::router
