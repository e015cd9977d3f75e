// What an error code means to who runs the web server, and what they may look at first. Pure.
#ifndef COMMON_TWILIO_EXPLANATION_H_
#define COMMON_TWILIO_EXPLANATION_H_

#include <array>

#include "absl/strings/string_view.h"

namespace understudy::twilio {

// Lives as long as the program.
struct Explanation {
  absl::string_view meaning = {};                  // a sentence or two
  std::array<absl::string_view, 3> checks = {{}};  // the most likely first; empty ones are none
};

// Of every code: those of retrieval and of documents have their own, others that of their class.
Explanation Explain(int error_code);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_EXPLANATION_H_
