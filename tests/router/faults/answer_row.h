// Rows of the fault tables about what a web server answers once it has been asked.
#ifndef TESTS_ROUTER_FAULTS_ANSWER_ROW_H_
#define TESTS_ROUTER_FAULTS_ANSWER_ROW_H_

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/router/faults/fault_world.h"

namespace understudy::testing {

inline constexpr char kIndex[] = "/index";

// `piece` so many times.
inline std::string Repeated(absl::string_view piece, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all.append(piece.data(), piece.size());
  return all;
}

// An answer that is none: the fallback is asked, and told why.
struct FaultRow {
  std::string id = {};  // of the table, and what it is about: the test's name
  Script script = {};
  ExpectedFault fault = {};
  Asking asking = {};
  std::string fragment = {};  // of the primary's URL
};

// An answer that is odd and good.
struct AnswerRow {
  std::string id = {};
  Script script = {};
  std::string document = kPrimaryDocument;
  Asking asking = {};
  std::vector<int> warnings = {};  // their codes
};

inline void PrintTo(const FaultRow& row, std::ostream* out) {
  *out << row.id;
}
inline void PrintTo(const AnswerRow& row, std::ostream* out) {
  *out << row.id;
}

// Names a test after its row.
inline constexpr auto kRowName = [](const auto& info) { return info.param.id; };

// A world whose primary plays the row's script.
class FaultTable : public ::testing::TestWithParam<FaultRow> {
 protected:
  void ExpectFallback() {
    const FaultRow& row = GetParam();
    primary_.On(kIndex, row.script);
    world_.ExpectFallback(primary_.url(kIndex) + row.fragment, row.fault, row.asking);
  }

  Origin primary_;
  FaultWorld world_;
};

class AnswerTable : public ::testing::TestWithParam<AnswerRow> {
 protected:
  void ExpectPrimary() {
    const AnswerRow& row = GetParam();
    primary_.On(kIndex, row.script);
    const Answer answer = world_.ExpectPrimary(primary_.url(kIndex), row.asking, row.document);
    std::vector<int> codes;
    for (const router::Warning& warning : answer.outcome.warnings) {
      codes.push_back(warning.code);
      EXPECT_NE(warning.message, "");
    }
    EXPECT_EQ(codes, row.warnings);
  }

  Origin primary_;
  FaultWorld world_;
};

}  // namespace understudy::testing

#endif  // TESTS_ROUTER_FAULTS_ANSWER_ROW_H_
