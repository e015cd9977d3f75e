#include "common/sqlite/schema.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/testing/temp_dir.h"

namespace understudy::sqlite {
namespace {

using understudy::testing::TempDir;
using understudy::testing::TempMedium;

int64_t NumberIn(const std::string& path, absl::string_view sql) {
  Connection connection(path, Connection::Access::kReadOnly, absl::Seconds(1));
  Rows rows = connection.Query(sql);
  EXPECT_TRUE(rows.Next()) << connection.failure().message;
  return rows.Int();
}

TEST(SchemaTest, AnOlderSchemaIsBroughtUpToDateInOneTransaction) {
  const TempDir folder(TempMedium::kMemory);
  const std::string path = folder.path() + "/a.db";
  const char* const scripts[] = {"CREATE TABLE a (x); INSERT INTO a VALUES (1);",
                                 "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1;",
                                 "CREATE TABLE b (z); INSERT INTO b SELECT y FROM a;",
                                 "INSERT INTO b VALUES (9); INSERT INTO nowhere VALUES (1);"};
  const auto open = [&] {
    return std::make_unique<Connection>(path, Connection::Access::kReadWrite, absl::Seconds(1));
  };
  const absl::Span<const char* const> all(scripts);
  const auto first = [&](size_t count) {
    return Schema{.application_id = 1, .migrations = all.first(count)};
  };
  {
    const auto connection = open();
    ASSERT_EQ(CheckSchema(*connection, first(1)), absl::OkStatus());
    Migrate(*connection, first(1));
    ASSERT_TRUE(connection->ok());
  }
  {
    const auto connection = open();
    ASSERT_EQ(CheckSchema(*connection, first(3)), absl::OkStatus());
    Migrate(*connection, first(3));
    Migrate(*connection, first(3));  // nothing is left to be done
    ASSERT_TRUE(connection->ok()) << connection->failure().message;
  }
  EXPECT_EQ(NumberIn(path, "SELECT z FROM b"), 2);
  EXPECT_EQ(NumberIn(path, "PRAGMA user_version"), 3);
  {
    const auto connection = open();
    EXPECT_EQ(CheckSchema(*connection, first(2)).code(), absl::StatusCode::kFailedPrecondition);
    Migrate(*connection, first(4));
    EXPECT_FALSE(connection->ok());
  }
  // What failed has left nothing.
  EXPECT_EQ(NumberIn(path, "SELECT count(*) FROM b"), 1);
  EXPECT_EQ(NumberIn(path, "PRAGMA user_version"), 3);
}

}  // namespace
}  // namespace understudy::sqlite
