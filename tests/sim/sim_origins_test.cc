#include "tests/sim/sim_origins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/sim/replies.h"

namespace understudy::testing {
namespace {

using router::Exchange;
using router::NetError;
using router::Reply;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SimOriginsTest : public ::testing::Test {
 protected:
  void Fetch(router::Ticket ticket, const char* url) {
    origins_.Fetch(ticket,
                   {.url = url,
                    .read_timeout = absl::Seconds(2),
                    .give_up_at = origins_.Now() + absl::Seconds(3)},
                   [this, ticket](Reply reply) {
                     told_.push_back(absl::StrCat(
                         ticket, ": ", reply.status, "/", static_cast<int>(reply.error), " at ",
                         absl::ToInt64Milliseconds(reply.finished_at - begun_at_)));
                   });
  }
  std::string Told(router::Ticket ticket, int status, NetError error, int64_t ms) {
    return absl::StrCat(ticket, ": ", status, "/", static_cast<int>(error), " at ", ms);
  }

  SimOrigins origins_;
  const absl::Time begun_at_ = origins_.Now();
  std::vector<std::string> told_;
};

TEST_F(SimOriginsTest, AnswersInOrderOfTimeAndThenOfSubmission) {
  origins_.Script("http://slow/", {{.reply = Status(201), .delay = absl::Milliseconds(30)}});
  origins_.Script("http://fast/", {{.reply = Status(202), .delay = absl::Milliseconds(10)}});
  Fetch(1, "http://slow/");
  Fetch(2, "http://fast/?x=1");
  Fetch(3, "http://fast/");
  EXPECT_THAT(told_, IsEmpty()) << "nothing is answered from within Fetch";
  origins_.RunUntilIdle();
  EXPECT_THAT(told_,
              ElementsAre(Told(2, 202, NetError::kNone, 10), Told(3, 202, NetError::kNone, 10),
                          Told(1, 201, NetError::kNone, 30)));
  EXPECT_EQ(origins_.Now(), begun_at_ + absl::Milliseconds(30));
  EXPECT_FALSE(origins_.RunNext());
}

TEST_F(SimOriginsTest, FollowsTheScriptAndStaysAtItsEnd) {
  origins_.Script("http://a/", {{.reply = Status(500)}, {.reply = Status(200)}});
  for (router::Ticket ticket = 1; ticket <= 3; ++ticket) {
    Fetch(ticket, "http://a/");
    origins_.RunUntilIdle();
  }
  EXPECT_THAT(told_,
              ElementsAre(Told(1, 500, NetError::kNone, 20), Told(2, 200, NetError::kNone, 40),
                          Told(3, 200, NetError::kNone, 60)));
}

TEST_F(SimOriginsTest, WhoHasNoScriptHasNoServer) {
  Fetch(1, "http://nobody/");
  origins_.RunUntilIdle();
  EXPECT_THAT(told_, ElementsAre(Told(1, 0, NetError::kNameNotFound, 20)));
}

TEST_F(SimOriginsTest, TimesOutAtTheBorder) {
  const auto answer_after = [&](absl::Duration delay) {
    origins_ = SimOrigins();
    origins_.Script("http://a/", {{.reply = Status(200), .delay = delay}});
    told_.clear();
  };
  const absl::Duration kInstant = absl::Nanoseconds(1);

  answer_after(absl::Seconds(2));
  Fetch(1, "http://a/");
  origins_.RunUntilIdle();
  EXPECT_THAT(told_, ElementsAre(Told(1, 200, NetError::kNone, 2000)));

  answer_after(absl::Seconds(2) + kInstant);
  Fetch(1, "http://a/");
  origins_.RunUntilIdle();
  EXPECT_THAT(told_, ElementsAre(Told(1, 0, NetError::kReadTimeout, 2000)));

  for (const absl::Duration delay : {absl::Seconds(2), absl::Seconds(2) + kInstant}) {
    answer_after(delay);
    origins_.Fetch(1,
                   {.url = "http://a/",
                    .read_timeout = absl::Seconds(9),
                    .give_up_at = begun_at_ + absl::Seconds(2)},
                   [&](Reply reply) {
                     EXPECT_EQ(reply.error, delay == absl::Seconds(2) ? NetError::kNone
                                                                      : NetError::kTotalTimeout);
                     EXPECT_EQ(reply.finished_at, begun_at_ + absl::Seconds(2));
                   });
    origins_.RunUntilIdle();
  }
}

TEST_F(SimOriginsTest, CancelIsHeardAtOnceByItsCallAlone) {
  origins_.Script("http://a/", {{.reply = Status(200), .delay = absl::Seconds(1)}});
  Fetch(1, "http://a/");
  Fetch(2, "http://a/");
  origins_.Cancel(2);
  origins_.Cancel(3);
  EXPECT_THAT(told_, IsEmpty()) << "nothing is answered from within Cancel";
  origins_.RunUntilIdle();
  EXPECT_THAT(
      told_, ElementsAre(Told(2, 0, NetError::kCancelled, 0), Told(1, 200, NetError::kNone, 1000)));
  origins_.Cancel(1);
  EXPECT_FALSE(origins_.RunNext());
}

TEST_F(SimOriginsTest, KeepsARecord) {
  Fetch(1, "http://a/?x=1");
  origins_.RunUntilIdle();
  Fetch(2, "http://b/");
  ASSERT_THAT(origins_.requests(), SizeIs(2));
  EXPECT_EQ(origins_.requests()[1].ticket, 2u);
  EXPECT_EQ(origins_.requests()[1].at, begun_at_ + absl::Milliseconds(20));
  ASSERT_THAT(origins_.RequestsTo("http://a/"), SizeIs(1));
  EXPECT_EQ(origins_.RequestsTo("http://a/")[0].exchange.url, "http://a/?x=1");
}

}  // namespace
}  // namespace understudy::testing
