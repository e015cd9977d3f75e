// Walks every combination of choices a test makes, in place of picking some at random.
//
//   EveryChoice choice;
//   while (!choice.Done()) {
//     const int outcome = choice.Pick(3);
//     const bool has_fallback = choice.Pick(2) == 1;
//     ...
//   }
//
// Later choices may depend on earlier ones; the same picks must always lead to the same questions.
#ifndef TESTS_TESTING_EVERY_CHOICE_H_
#define TESTS_TESTING_EVERY_CHOICE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/require.h"

namespace understudy::testing {

class EveryChoice {
 public:
  // Ends a walk and prepares the next; true when there is none left. The loop's condition.
  bool Done() {
    if (!started_) {
      started_ = true;
      return false;
    }
    Require(next_ == turns_.size(), "a walk asks what the walk before it asked");
    next_ = 0;
    // Counts up like an odometer, last choice fastest; choices that are used up drop off.
    while (!turns_.empty() && turns_.back().pick + 1 == turns_.back().options) turns_.pop_back();
    if (turns_.empty()) return true;
    ++turns_.back().pick;
    return false;
  }

  // One of 0 to `options` - 1. REQUIRES: options > 0, and Done() said false before.
  int Pick(int options) {
    Require(started_ && options > 0, "a choice has options and is made inside the loop");
    if (next_ == turns_.size()) turns_.push_back({.pick = 0, .options = options});
    const Turn& turn = turns_[next_++];
    Require(turn.options == options, "a walk asks what the walk before it asked");
    return turn.pick;
  }

  // The picks of this walk so far, such as "2/3 0/2" (pick/options): for a failure's message.
  std::string ToString() const {
    std::string picks;
    for (size_t i = 0; i < next_; ++i) {
      absl::StrAppend(&picks, i > 0 ? " " : "", turns_[i].pick, "/", turns_[i].options);
    }
    return picks;
  }

 private:
  struct Turn {
    int pick = 0;
    int options = 0;
  };

  std::vector<Turn> turns_;
  size_t next_ = 0;  // the turn that the next Pick takes
  bool started_ = false;
};

}  // namespace understudy::testing

#endif  // TESTS_TESTING_EVERY_CHOICE_H_
