#include "tests/tidy/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace understudy::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(CodeOfTest, BlanksCommentsAndLiterals) {
  const struct {
    const char* cpp;
    const char* code;
  } kRows[] = {
      {"a // b\nc", "a     \nc"},
      {"a /* b */ c", "a         c"},
      {"a /* b\nc */ d", "a     \n     d"},
      {"\"a // b\" c", "\"      \" c"},
      {"\"a\\\"b\" c", "\"    \" c"},
      {"'\"' a '\\'' b", "' ' a '  ' b"},
      {"1'000 + 2'000", "1'000 + 2'000"},
      {"R\"(a\" // )\" b", "R\"(      )\" b"},
      {"R\"x(a)\" )x\" b", "R\"x(    )x\" b"},
      {"a / b", "a / b"},
      {"\"not closed", "\"          "},
      {"/* not closed", "             "},
      {"", ""},
  };
  for (const auto& row : kRows) EXPECT_EQ(CodeOf(row.cpp), row.code) << row.cpp;
}

// A file of that path with that one include.
Complaints Including(const char* path, const char* include) {
  return CheckIncludes({.path = path, .text = absl::StrCat("\n#include ", include, "\n")});
}

TEST(IncludesTest, GoDownwards) {
  const struct {
    const char* path;
    const char* include;
  } kRows[] = {
      {"common/twilio/form.cc", "\"common/twilio/form.h\""},
      {"common/twilio/form.cc", "\"common/secret.h\""},
      {"common/twilio/twiml.cc", "<expat.h>"},
      {"common/twilio/form.cc", "<algorithm>"},
      {"common/twilio/form.cc", "\"absl/strings/str_cat.h\""},
      {"common/serving/log.cc", "<unistd.h>"},
      {"common/serving/log.cc", "\"common/mutex.h\""},
      {"common/serving/grpc_error.cc", "<google/rpc/status.pb.h>"},
      {"common/serving/public_server.cc", "<boost/asio/post.hpp>"},
      {"common/serving/request_reader.cc", "<boost/beast/http/basic_parser.hpp>"},
      {"common/serving/request_check.h", "\"common/serving/http_message.h\""},
      {"common/sqlite/sqlite.h", "<sqlite3.h>"},
      {"common/twilio/url.cc", "<curl/urlapi.h>"},
      {"services/router/resolve/plan.cc", "\"common/twilio/form.h\""},
      {"services/router/resolve/challenge.cc", "<openssl/evp.h>"},
      {"services/router/routes/route_table.h", "\"services/router/resolve/call.h\""},
      {"services/router/routes/numbers_store.cc", "\"common/sqlite/sqlite.h\""},
      {"services/router/report/error_event.h", "\"services/router/resolve/call.h\""},
      {"services/router/report/segment.cc", "<zlib.h>"},
      {"services/router/report/outbox.cc", "\"common/serving/log.h\""},
      {"services/router/report/outbox.cc", "<fcntl.h>"},
      {"services/router/report/notifier_client.cc",
       "<understudy/notifier/v1/notifier_service.grpc.pb.h>"},
      {"services/router/fetch/egress.h", "\"services/router/fetch/address.h\""},
      {"services/router/fetch/transfer_end.cc", "<curl/curl.h>"},
      {"services/router/fetch/transfer.cc", "<curl/curl.h>"},
      {"services/router/fetch/transfer.cc", "\"common/serving/monotonic_clock.h\""},
      {"services/router/service.cc", "<understudy/router/v1/router_service.grpc.pb.h>"},
      {"services/router/router.cc", "\"services/router/fetch/curl_fetcher.h\""},
      {"services/cli/main.cc", "\"services/router/router.h\""},
      {"services/cli/main.cc", "<understudy/router/v1/router_service.pb.h>"},
      {"tests/e2e/grpc_test.cc", "<understudy/router/v1/router_service.pb.h>"},
      {"tests/router/resolve/plan_test.cc", "\"services/router/resolve/plan.h\""},
  };
  for (const auto& row : kRows) {
    EXPECT_THAT(Including(row.path, row.include), IsEmpty()) << row.path << " " << row.include;
  }
}

TEST(IncludesTest, DoNotGoUpwardsOrOut) {
  const struct {
    const char* path;
    const char* include;
  } kRows[] = {
      {"common/mutex.h", "\"services/router/resolve/call.h\""},
      {"common/twilio/form.cc", "\"common/serving/log.h\""},
      {"common/twilio/form.cc", "\"services/router/resolve/call.h\""},
      {"common/twilio/form.cc", "<curl/curl.h>"},
      {"common/twilio/form.cc", "<unistd.h>"},
      {"common/twilio/form.cc", "<chrono>"},
      {"common/twilio/form.cc", "\"absl/time/clock.h\""},
      {"common/serving/log.cc", "\"services/router/config.h\""},
      {"common/serving/log.cc", "<google/rpc/status.pb.h>"},
      {"common/serving/log.cc", "\"tests/testing/wait.h\""},
      {"common/serving/public_server.h", "<boost/asio/post.hpp>"},
      {"common/serving/request_reader.cc", "<boost/asio/post.hpp>"},
      {"common/serving/request_reader.cc", "\"common/serving/log.h\""},
      {"common/serving/request_check.cc", "<chrono>"},
      {"common/serving/http_message.h", "\"common/serving/request_check.h\""},
      {"services/router/resolve/plan.cc", "<curl/urlapi.h>"},
      {"common/twilio/url.cc", "<curl/curl.h>"},
      {"services/router/resolve/plan.cc", "\"services/router/routes/route_table.h\""},
      {"services/router/resolve/plan.cc", "\"services/router/fetch/curl_fetcher.h\""},
      {"services/router/resolve/plan.cc", "\"common/serving/log.h\""},
      {"services/router/resolve/plan.cc", "\"router_service.pb.h\""},
      {"services/router/resolve/plan.cc", "<thread>"},
      {"services/router/routes/route_table.cc", "\"common/sqlite/sqlite.h\""},
      {"services/router/routes/numbers_store.cc", "<sqlite3.h>"},
      {"services/router/report/error_event.cc", "\"services/router/routes/route_table.h\""},
      {"services/router/report/error_event.cc", "\"services/router/report/outbox.h\""},
      {"services/router/report/segment.cc", "<fcntl.h>"},
      {"services/router/report/outbox.cc", "<understudy/notifier/v1/error_event.pb.h>"},
      {"services/router/report/outbox.cc", "\"services/router/service.h\""},
      {"services/router/fetch/egress.cc", "<arpa/inet.h>"},
      {"services/router/fetch/egress.cc", "\"services/router/fetch/transfer.h\""},
      {"services/router/fetch/transfer_end.cc", "\"services/router/fetch/transfer.h\""},
      {"services/router/fetch/transfer.cc", "\"services/router/routes/route_table.h\""},
      {"services/router/fetch/transfer.cc", "\"services/router/router.h\""},
      {"services/router/router.cc", "\"services/cli/main.h\""},
      {"services/router/router.cc", "<understudy/router/v1/router_service.pb.h>"},
      {"services/cli/main.cc", "\"tests/testing/origin.h\""},
      {"services/cli/main.cc", "<boost/asio/post.hpp>"},
      {"tests/e2e/grpc_test.cc", "<boost/asio/post.hpp>"},
  };
  for (const auto& row : kRows) {
    EXPECT_THAT(Including(row.path, row.include),
                ElementsAre(HasSubstr(absl::StrCat(row.path, ":2: includes "))))
        << row.path << " " << row.include;
  }
}

TEST(IncludesTest, OnlyDirectivesCount) {
  EXPECT_THAT(CheckIncludes({.path = "common/twilio/form.cc",
                             .text = "// #include <curl/curl.h>\n"
                                     "const char* s = \"#include <curl/curl.h>\";\n"
                                     "/*\n#include <curl/curl.h>\n*/\n"}),
              IsEmpty());
  EXPECT_THAT(
      CheckIncludes({.path = "common/twilio/form.cc", .text = "  #  include <curl/curl.h>\n"}),
      SizeIs(1));
  EXPECT_THAT(CheckIncludes({.path = "common/twilio/form.md", .text = "#include <curl/curl.h>\n"}),
              IsEmpty());
}

TEST(ExceptionsTest, AreThereForAReason) {
  const Complaints without = CheckExceptions({});
  EXPECT_THAT(without, ::testing::Contains(HasSubstr("curl/urlapi.h")));
  const Complaints with =
      CheckExceptions({{.path = "common/twilio/url.cc", .text = "#include <curl/urlapi.h>\n"}});
  EXPECT_EQ(with.size() + 1, without.size());
}

TEST(ClocksTest, AreNotReadInAPureRoom) {
  for (const char* line :
       {"absl::Time t = absl::Now();", "auto t = std::chrono::steady_clock::now();",
        "t = time(nullptr);", "t = std::time(nullptr);", "clock_gettime(CLOCK_MONOTONIC, &t);",
        "serving::MonotonicNow();"}) {
    const std::string text = absl::StrCat("\n", line, "\n");
    EXPECT_THAT(CheckClocks({.path = "services/router/resolve/plan.cc", .text = text}),
                ElementsAre(HasSubstr("plan.cc:2: reads a clock")))
        << line;
    EXPECT_THAT(CheckClocks({.path = "services/router/service.cc", .text = text}), IsEmpty());
    EXPECT_THAT(CheckClocks({.path = "tests/sim/sim_origins.cc", .text = text}), IsEmpty());
  }
  for (const char* line : {"// absl::Now", "finished_at = now;", "lifetime(x);", "Now();",
                           "\"absl::Now\"", "runtime_(1);", "absl::Nowhere"}) {
    EXPECT_THAT(CheckClocks({.path = "services/router/resolve/plan.cc", .text = line}), IsEmpty())
        << line;
  }
}

TEST(StringViewsTest, AreAbseils) {
  const std::string absl = "#include \"absl/strings/string_view.h\"\n";
  EXPECT_THAT(CheckStringViews({.path = "a.cc", .text = absl + "std::string_view v;\n"}),
              ElementsAre("a.cc:2: std::string_view next to Abseil"));
  EXPECT_THAT(CheckStringViews({.path = "a.cc", .text = absl + "absl::string_view v;\n"}),
              IsEmpty());
  EXPECT_THAT(CheckStringViews({.path = "a.cc", .text = absl + "// no std::string_view\n"}),
              IsEmpty());
  EXPECT_THAT(CheckStringViews({.path = "a.cc", .text = "std::string_view v;\n"}), IsEmpty());
}

TEST(GuardTest, IsThePath) {
  const std::string good =
      "// What it is.\n#ifndef COMMON_A_B_H_\n#define COMMON_A_B_H_\n\n#endif  // COMMON_A_B_H_\n";
  EXPECT_THAT(CheckGuard({.path = "common/a-b.h", .text = good}), IsEmpty());
  EXPECT_THAT(CheckGuard({.path = "common/a/b.h", .text = good}), IsEmpty());
  EXPECT_THAT(CheckGuard({.path = "a.cc", .text = ""}), IsEmpty());
  for (const std::string& text : std::vector<std::string>{
           "", "#pragma once\n", "#include <string>\n" + good, good + "int a;\n",
           "#ifndef A_B_H_\n#define A_B_H_\n\n#endif  // A_B_H_\n"}) {
    EXPECT_THAT(CheckGuard({.path = "common/a/b.h", .text = text}),
                ElementsAre("common/a/b.h:0: is not guarded by COMMON_A_B_H_"))
        << text;
  }
}

TEST(TextTest, HasAHundredColumns) {
  const std::string inside(100, 'a');
  for (const char* path : {"a.h", "a.cc", "a.proto"}) {
    EXPECT_THAT(CheckText({.path = path, .text = inside + "\n"}), IsEmpty()) << path;
    EXPECT_THAT(CheckText({.path = path, .text = "\n" + inside + "a\n"}),
                ElementsAre(absl::StrCat(path, ":2: is longer than 100 columns")))
        << path;
  }
  EXPECT_THAT(CheckText({.path = "a.md", .text = inside + "a"}), IsEmpty());
  // Characters, not bytes.
  EXPECT_THAT(CheckText({.path = "a.cc", .text = std::string(99, 'a') + "\xC3\xA4"}), IsEmpty());
}

TEST(TextTest, HasNoTabsInCpp) {
  EXPECT_THAT(CheckText({.path = "a.cc", .text = "\n\n\tint a;"}),
              ElementsAre("a.cc:3: has a tab"));
  EXPECT_THAT(CheckText({.path = "Makefile", .text = "\tcmake"}), IsEmpty());
}

TEST(TextTest, LeavesNothingToDo) {
  for (const char* word : {"TO"
                           "DO",
                           "FIX"
                           "ME"}) {
    for (const char* path : {"a.cc", "a.md", "Makefile", "a.yaml"}) {
      EXPECT_THAT(CheckText({.path = path, .text = absl::StrCat("# ", word, "(me): more")}),
                  ElementsAre(absl::StrCat(path, ":1: leaves work undone")))
          << path;
    }
    EXPECT_THAT(CheckText({.path = "a.cc", .text = absl::StrCat("MAS", word, "N")}), IsEmpty());
  }
}

TEST(NameTest, SaysSomething) {
  for (const char* path :
       {"common/utils/a.h", "common/string_util.cc", "helpers.h", "services/router/call-manager.cc",
        "services/router/plan_impl.h", "common/base/a.h", "services/core/a.cc", "misc.md",
        "deploy/kubernetes/base/utils.yaml"}) {
    EXPECT_THAT(CheckName({.path = path}), SizeIs(1)) << path;
  }
  for (const char* path : {"common/twilio/form.h", "database.cc", "coreopsis.h", "implicit.cc",
                           "deploy/kubernetes/base/router.yaml"}) {
    EXPECT_THAT(CheckName({.path = path}), IsEmpty()) << path;
  }
}

TEST(BuiltTest, EveryFileIsInABuildFile) {
  const std::vector<SourceFile> files = {
      {.path = "a/CMakeLists.txt",
       .text = "add_library(a STATIC one.cc sub/two.cc\n  ../b/three.cc)\n# four.cc\n"},
      {.path = "a/one.cc"},
      {.path = "a/sub/two.cc"},
      {.path = "b/three.cc"},
      {.path = "a/four.cc"},
      {.path = "b/one.cc"},
      {.path = "a/one.h"}};
  EXPECT_THAT(CheckBuilt(files), ElementsAre("a/four.cc:0: is in no CMakeLists.txt",
                                             "b/one.cc:0: is in no CMakeLists.txt"));
}

TEST(LinksTest, LeadSomewhere) {
  const std::vector<SourceFile> files = {
      {.path = "README.md",
       .text =
           "[a](docs/a.md) [b](docs/a.md#part) [c](docs) [d](docs/) [e](https://example.com/f)\n"
           "[g](#part), [h](docs/h.md) and [i](a.md)\n"},
      {.path = "docs/a.md", .text = "[up](../README.md) [wrong](README.md) [not closed](a.md\n"},
      {.path = "docs/a.cc", .text = "values[i](nothing);\n"}};
  EXPECT_THAT(CheckLinks(files), ElementsAre("README.md:2: links to no file: docs/h.md",
                                             "README.md:2: links to no file: a.md",
                                             "docs/a.md:1: links to no file: README.md"));
}

}  // namespace
}  // namespace understudy::testing
