// A string that does not print itself: auth tokens and passwords travel in it, so that no log
// line, error or test failure can show one by accident.
#ifndef COMMON_SECRET_H_
#define COMMON_SECRET_H_

#include <string>
#include <utility>

namespace understudy {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  bool empty() const { return value_.empty(); }
  // The one way to read it; grep for Reveal to find every place that does.
  const std::string& Reveal() const { return value_; }

  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  std::string value_;
};

}  // namespace understudy

#endif  // COMMON_SECRET_H_
