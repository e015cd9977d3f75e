#include "services/notifier/store/schema.h"

#include "absl/strings/str_cat.h"

namespace understudy::notifier {
namespace {

// "Udst", by which a file of ours is known (PRAGMA application_id).
constexpr int kApplicationId = 0x55647374;

int64_t NumberOf(Connection& connection, absl::string_view sql) {
  Rows rows = connection.Query(sql);
  return rows.Next() ? rows.Int() : 0;
}

int64_t SchemaOf(Connection& connection) {
  return NumberOf(connection, "PRAGMA user_version");
}

}  // namespace

absl::Status CheckSchema(Connection& connection, absl::Span<const char* const> migrations) {
  const bool has_tables = NumberOf(connection, "SELECT count(*) FROM sqlite_schema") > 0;
  const int64_t application = NumberOf(connection, "PRAGMA application_id");
  const int64_t schema = SchemaOf(connection);
  if (!connection.ok()) return ToStatus(connection.failure());
  if (has_tables && application != kApplicationId) {
    return absl::FailedPreconditionError("the file is a database of another program");
  }
  if (schema > static_cast<int64_t>(migrations.size())) {
    return absl::FailedPreconditionError(
        absl::StrCat("the file was written by a newer program (schema ", schema,
                     "; this one knows up to ", migrations.size(), ")"));
  }
  return absl::OkStatus();
}

void Migrate(Connection& connection, absl::Span<const char* const> migrations) {
  const int64_t schema = SchemaOf(connection);
  if (schema == static_cast<int64_t>(migrations.size())) return;
  connection.Run("BEGIN IMMEDIATE");
  for (const char* script : migrations.subspan(static_cast<size_t>(schema))) {
    connection.RunScript(script);
  }
  connection.RunScript(absl::StrCat("PRAGMA application_id = ", kApplicationId,
                                    "; PRAGMA user_version = ", migrations.size()));
  connection.Run("COMMIT");
}

}  // namespace understudy::notifier
