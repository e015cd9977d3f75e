// The notifier's database, asked as an operator might while the notifier runs.
#ifndef TESTS_E2E_NOTIFIER_DATABASE_H_
#define TESTS_E2E_NOTIFIER_DATABASE_H_

#include <sqlite3.h>

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "tests/testing/require.h"

namespace understudy::testing {

// Groups of which some recipient, or everybody, was not told all that is counted.
inline constexpr char kCountUntoldGroups[] =
    "SELECT count(*) FROM groups AS g LEFT JOIN told AS t ON t.group_id = g.id "
    "WHERE t.group_id IS NULL OR t.mail_pending OR "
    "t.unknown_count <> g.unknown_count OR "
    "t.fallback_answered_count <> g.fallback_answered_count OR "
    "t.default_answered_count <> g.default_answered_count OR "
    "t.warning_count <> g.warning_count";

class NotifierDatabase {
 public:
  explicit NotifierDatabase(const std::string& path) {
    Require(sqlite3_open_v2(path.c_str(), &database_, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK,
            "the notifier's database");
    sqlite3_busy_timeout(database_, 10'000);
  }
  ~NotifierDatabase() { sqlite3_close(database_); }
  NotifierDatabase(const NotifierDatabase&) = delete;
  NotifierDatabase& operator=(const NotifierDatabase&) = delete;

  // Values as text. Ends the process if it cannot be asked so.
  std::vector<std::vector<std::string>> Rows(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    Require(sqlite3_prepare_v2(database_, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK, sql);
    std::vector<std::vector<std::string>> rows;
    int result = SQLITE_ROW;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
      auto& row = rows.emplace_back();
      for (int i = 0; i < sqlite3_column_count(statement); ++i) {
        const unsigned char* text = sqlite3_column_text(statement, i);
        row.emplace_back(text == nullptr ? "" : reinterpret_cast<const char*>(text));
      }
    }
    Require(result == SQLITE_DONE, sql);
    sqlite3_finalize(statement);
    return rows;
  }
  int64_t Number(const std::string& sql) {
    int64_t number = 0;
    Require(absl::SimpleAtoi(Rows(sql).at(0).at(0), &number), sql);
    return number;
  }

 private:
  sqlite3* database_ = nullptr;
};

}  // namespace understudy::testing

#endif  // TESTS_E2E_NOTIFIER_DATABASE_H_
