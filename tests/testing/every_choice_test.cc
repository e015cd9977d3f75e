#include "tests/testing/every_choice.h"

#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Walks(const std::vector<int>& options) {
  std::vector<std::string> walks;
  EveryChoice choice;
  while (!choice.Done()) {
    for (int count : options) choice.Pick(count);
    walks.push_back(choice.ToString());
  }
  return walks;
}

TEST(EveryChoiceTest, WalksEveryCombinationOnce) {
  EXPECT_THAT(Walks({2, 3}),
              ElementsAre("0/2 0/3", "0/2 1/3", "0/2 2/3", "1/2 0/3", "1/2 1/3", "1/2 2/3"));
}

TEST(EveryChoiceTest, WalksOnceWhenThereIsNothingToChoose) {
  EXPECT_THAT(Walks({}), ElementsAre(""));
  EXPECT_THAT(Walks({1, 1}), ElementsAre("0/1 0/1"));
}

TEST(EveryChoiceTest, LaterChoicesMayDependOnEarlierOnes) {
  std::vector<std::string> walks;
  EveryChoice choice;
  while (!choice.Done()) {
    if (choice.Pick(3) == 1) choice.Pick(2);
    walks.push_back(choice.ToString());
  }
  EXPECT_THAT(walks, ElementsAre("0/3", "1/3 0/2", "1/3 1/2", "2/3"));
}

TEST(EveryChoiceTest, CountsUpToTheProduct) {
  EXPECT_EQ(Walks({4, 5, 6, 7}).size(), 4u * 5 * 6 * 7);
}

TEST(EveryChoiceDeathTest, RefusesAWalkThatAsksOtherQuestions) {
  EXPECT_DEATH(
      {
        EveryChoice choice;
        int options = 2;
        while (!choice.Done()) {
          choice.Pick(options++);
          choice.Pick(2);
        }
      },
      "a walk asks what the walk before it asked");
  EXPECT_DEATH(EveryChoice().Pick(2), "inside the loop");
}

}  // namespace
}  // namespace understudy::testing
