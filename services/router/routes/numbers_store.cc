#include "services/router/routes/numbers_store.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/twilio/identifiers.h"
#include "services/router/routes/number_pattern.h"
#include "services/router/routes/numbers_database.h"
#include "services/router/routes/numbers_rows.h"

namespace understudy::router {
namespace {

using sqlite::Connection;
using sqlite::Rows;
using Transaction = NumbersDatabase::Transaction;

constexpr int64_t kNewest = std::numeric_limits<int64_t>::max();

// A pattern that begins with so many digits leaves few numbers to look through.
constexpr size_t kSelectiveDigits = 7;

std::string NewSid(absl::string_view prefix) {
  thread_local absl::BitGen bits;
  return absl::StrFormat("%s%016x%016x", prefix, absl::Uniform<uint64_t>(bits),
                         absl::Uniform<uint64_t>(bits));
}

absl::Time WholeSeconds(absl::Time time) {
  return absl::FromUnixSeconds(absl::ToUnixSeconds(time));
}

ResourceError NotFound(absl::string_view what, absl::string_view sid) {
  return {.status = 404,
          .code = 20404,
          .message = absl::StrCat("there is no ", what, " ", sid, " in this account")};
}

ResourceError Taken(const std::string& phone_number) {
  return {.status = 400,
          .code = 21422,
          .field = "PhoneNumber",
          .message = absl::StrCat("PhoneNumber ", phone_number, " is not available")};
}

// What failed for us, in the words of the interface.
ResourceError ErrorOf(const absl::Status& status) {
  if (absl::IsUnavailable(status)) {
    return {.status = 503,
            .code = 20503,
            .message = absl::StrCat("the numbers' database is not available: ", status.message())};
  }
  return {.status = 500, .code = 20500, .message = std::string(status.message())};
}

// Runs `work` in a transaction, which is committed if it answers no error.
template <typename T>
Answer<T> Write(NumbersDatabase& database, absl::Time now,
                absl::FunctionRef<Answer<T>(Transaction&)> work) {
  Transaction transaction(database, now);
  if (absl::Status begun = transaction.status(); !begun.ok()) return ErrorOf(begun);
  Answer<T> answer = work(transaction);
  if (absl::Status status = transaction.status(); !status.ok()) return ErrorOf(status);
  if (std::holds_alternative<ResourceError>(answer)) return answer;
  if (absl::Status status = transaction.Commit(); !status.ok()) return ErrorOf(status);
  return answer;
}

template <typename T>
Answer<T> Read(NumbersDatabase& database, absl::FunctionRef<Answer<T>(Connection&)> work) {
  Answer<T> answer;
  const absl::Status status =
      database.Read([&](Connection& connection) { answer = work(connection); });
  if (!status.ok()) return ErrorOf(status);
  return answer;
}

std::optional<NumberRow> FindNumberBy(Connection& connection, absl::string_view where,
                                      absl::string_view value) {
  static const auto* const by_phone = new std::string(
      absl::StrCat("SELECT ", kNumberColumns, " FROM numbers WHERE phone_number = ?"));
  static const auto* const by_sid =
      new std::string(absl::StrCat("SELECT ", kNumberColumns, " FROM numbers WHERE sid = ?"));
  Rows rows = connection.Query(where == "sid" ? *by_sid : *by_phone, value);
  if (!rows.Next()) return std::nullopt;
  return ReadNumber(rows);
}

std::optional<NumberRow> FindNumberOf(Connection& connection, const std::string& account_sid,
                                      const std::string& sid) {
  std::optional<NumberRow> row = FindNumberBy(connection, "sid", sid);
  if (row.has_value() && row->number.account_sid != account_sid) return std::nullopt;
  return row;
}

std::optional<ApplicationRow> FindApplicationOf(Connection& connection,
                                                const std::string& account_sid,
                                                const std::string& sid) {
  static const auto* const sql = new std::string(absl::StrCat(
      "SELECT ", kApplicationColumns, " FROM applications WHERE sid = ? AND account_sid = ?"));
  Rows rows = connection.Query(*sql, sid, account_sid);
  if (!rows.Next()) return std::nullopt;
  return ReadApplication(rows);
}

// Applications are those of the number's account.
void CheckApplications(Connection& connection, const IncomingPhoneNumber& number,
                       std::vector<ResourceError>& errors) {
  const auto check = [&](const std::string& sid, const char* parameter) {
    if (sid.empty()) return;
    Rows rows = connection.Query("SELECT 1 FROM applications WHERE sid = ? AND account_sid = ?",
                                 sid, number.account_sid);
    if (rows.Next()) return;
    errors.push_back(
        {.status = 400,
         .code = 21420,
         .field = parameter,
         .message = absl::StrCat(parameter, " ", sid, " is no application of this account")});
  };
  check(number.voice_application_sid, "VoiceApplicationSid");
  check(number.sms_application_sid, "SmsApplicationSid");
}

// Makes `number`, unless something is wrong with it; sets its sid, if it has none, and its dates.
std::vector<ResourceError> Insert(Transaction& transaction, absl::Time now,
                                  IncomingPhoneNumber& number) {
  std::vector<ResourceError> errors;
  Connection& connection = transaction.connection();
  CheckApplications(connection, number, errors);
  if (!errors.empty()) return errors;
  if (number.sid.empty()) number.sid = NewSid("PN");
  number.date_created = number.date_updated = WholeSeconds(now);
  WriteNumber(connection, transaction.number(), {.number = number});
  return errors;
}

// Applies changes to a row and writes it; whether it is another one now.
std::vector<ResourceError> Change(Transaction& transaction, const twilio::Form& changes,
                                  const References& references, absl::Time now, NumberRow& row,
                                  bool& is_changed) {
  const IncomingPhoneNumber before = row.number;
  std::vector<ResourceError> errors = ApplyChanges(changes, references, row.number);
  if (errors.empty()) CheckApplications(transaction.connection(), row.number, errors);
  is_changed = errors.empty() && !(row.number == before);
  if (!is_changed) return errors;
  row.number.date_updated = WholeSeconds(now);
  WriteNumber(transaction.connection(), transaction.number(), row);
  return errors;
}

// Which way a page lies from a row's id.
struct PageStart {
  bool goes_back = false;  // to newer ones
  int64_t id = kNewest;
};

std::optional<PageStart> ReadToken(const std::string& token) {
  if (token.empty()) return PageStart{};
  absl::string_view text = token;
  PageStart start;
  if (absl::ConsumePrefix(&text, "PB")) {
    start.goes_back = true;
  } else if (!absl::ConsumePrefix(&text, "PA")) {
    return std::nullopt;
  }
  const bool is_number = text.find_first_not_of("0123456789") == absl::string_view::npos;
  if (!is_number || !absl::SimpleAtoi(text, &start.id)) return std::nullopt;
  return start;
}

ResourceError BadToken() {
  return {.status = 400, .code = 21481, .field = "PageToken", .message = "Invalid PageToken"};
}

// What `rows` found from `start` on, one more than fits if there is more, as a page. `Row` has an
// id, `take` moves its resource out.
template <typename Resource, typename Row, typename Take>
Page<Resource> MakePage(std::vector<Row> rows, const PageStart& start, const PageRequest& request,
                        Take take) {
  const bool has_more = rows.size() > static_cast<size_t>(request.size);
  if (has_more) rows.pop_back();
  if (start.goes_back) std::reverse(rows.begin(), rows.end());
  Page<Resource> page;
  const int64_t newest = rows.empty() ? start.id : rows.front().id;
  const int64_t oldest = rows.empty() ? start.id : rows.back().id;
  if (start.goes_back || has_more) page.next_token = absl::StrCat("PA", oldest);
  if (start.goes_back ? has_more : !request.token.empty()) {
    // An empty page begins where it was to begin.
    page.previous_token = absl::StrCat("PB", rows.empty() ? newest - 1 : newest);
  }
  for (Row& row : rows) page.items.push_back(take(row));
  return page;
}

HandlerText ViewHandler(Rows& rows) {
  HandlerText handler;
  handler.url = rows.View();
  handler.method = rows.View() == "GET" ? Method::kGet : Method::kPost;
  handler.fallback_url = rows.View();
  handler.fallback_method = rows.View() == "GET" ? Method::kGet : Method::kPost;
  return handler;
}

// `rows` are of phone_number, account_sid, voice_url, ... as in the schema.
void SetNumbers(Rows rows, NumberTableChange& change) {
  while (rows.Next()) {
    const absl::string_view phone_number = rows.View();
    NumberText number;
    number.account_sid = rows.View();
    number.voice = ViewHandler(rows);
    number.voice_application_sid = rows.View();
    number.trunk_sid = rows.View();
    number.messaging = ViewHandler(rows);
    number.messaging_application_sid = rows.View();
    change.SetNumber(phone_number, number);
  }
}

void SetApplications(Rows rows, NumberTableChange& change) {
  while (rows.Next()) {
    const absl::string_view sid = rows.View();
    ApplicationText application;
    application.voice = ViewHandler(rows);
    application.messaging = ViewHandler(rows);
    change.SetApplication(sid, application);
  }
}

}  // namespace

struct NumbersStore::Parts {
  References references;
  std::unique_ptr<NumbersDatabase> database;
};

NumbersStore::NumbersStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
NumbersStore::~NumbersStore() = default;

absl::StatusOr<std::unique_ptr<NumbersStore>> NumbersStore::Open(NumbersStoreOptions options) {
  absl::StatusOr<std::unique_ptr<NumbersDatabase>> database =
      NumbersDatabase::Open({.path = std::move(options.path),
                             .busy_timeout = options.busy_timeout,
                             .on_write = std::move(options.on_write)});
  if (!database.ok()) return database.status();
  auto parts = std::make_unique<Parts>();
  parts->references = std::move(options.references);
  parts->database = *std::move(database);
  return std::unique_ptr<NumbersStore>(new NumbersStore(std::move(parts)));
}

Answer<IncomingPhoneNumber> NumbersStore::CreateNumber(const std::string& account_sid,
                                                       absl::string_view type,
                                                       const twilio::Form& fields, absl::Time now) {
  // What is wrong in itself needs no transaction.
  IncomingPhoneNumber number;
  std::vector<ResourceError> errors =
      MakeNumber(account_sid, type, fields, parts_->references, number);
  if (!errors.empty()) return std::move(errors.front());
  return Write<IncomingPhoneNumber>(
      *parts_->database, now, [&](Transaction& transaction) -> Answer<IncomingPhoneNumber> {
        if (FindNumberBy(transaction.connection(), "phone_number", number.phone_number)) {
          return Taken(number.phone_number);
        }
        std::vector<ResourceError> more = Insert(transaction, now, number);
        if (!more.empty()) return std::move(more.front());
        return number;
      });
}

Answer<IncomingPhoneNumber> NumbersStore::FetchNumber(const std::string& account_sid,
                                                      const std::string& sid) {
  return Read<IncomingPhoneNumber>(
      *parts_->database, [&](Connection& connection) -> Answer<IncomingPhoneNumber> {
        std::optional<NumberRow> row = FindNumberOf(connection, account_sid, sid);
        if (!row.has_value()) return NotFound("number", sid);
        return std::move(row->number);
      });
}

Answer<IncomingPhoneNumber> NumbersStore::UpdateNumber(const std::string& account_sid,
                                                       const std::string& sid,
                                                       const twilio::Form& changes,
                                                       absl::Time now) {
  return Write<IncomingPhoneNumber>(
      *parts_->database, now, [&](Transaction& transaction) -> Answer<IncomingPhoneNumber> {
        std::optional<NumberRow> row = FindNumberOf(transaction.connection(), account_sid, sid);
        if (!row.has_value()) return NotFound("number", sid);
        bool is_changed = false;
        std::vector<ResourceError> errors =
            Change(transaction, changes, parts_->references, now, *row, is_changed);
        if (!errors.empty()) return std::move(errors.front());
        return std::move(row->number);
      });
}

Answer<Deleted> NumbersStore::DeleteNumber(const std::string& account_sid, const std::string& sid,
                                           absl::Time now) {
  return Write<Deleted>(*parts_->database, now, [&](Transaction& transaction) -> Answer<Deleted> {
    Connection& connection = transaction.connection();
    const std::optional<NumberRow> row = FindNumberOf(connection, account_sid, sid);
    if (!row.has_value()) return NotFound("number", sid);
    connection.Run("DELETE FROM numbers WHERE id = ?", row->id);
    connection.Run("INSERT INTO deletions VALUES (?, ?)", transaction.number(),
                   row->number.phone_number);
    return Deleted();
  });
}

Answer<Page<IncomingPhoneNumber>> NumbersStore::ListNumbers(const std::string& account_sid,
                                                            const NumberFilter& filter,
                                                            const PageRequest& request) {
  const std::optional<PageStart> start = ReadToken(request.token);
  if (!start.has_value()) return BadToken();
  const std::optional<NumberPattern> pattern = ReadNumberPattern(filter.phone_number);
  if (!pattern.has_value()) return Page<IncomingPhoneNumber>();
  // By account in the order of ids, unless few numbers begin as asked for. All digits come before
  // the colon.
  const bool is_selective = pattern->prefix.size() > kSelectiveDigits;
  const std::string sql = absl::StrCat(
      "SELECT ", kNumberColumns, " FROM numbers WHERE ",
      is_selective ? "phone_number >= ?1 AND phone_number < ?1 || ':' AND +account_sid = ?2"
                   : "?1 = ?1 AND account_sid = ?2",
      start->goes_back ? " AND id > ?3" : " AND id < ?3",
      " AND phone_number GLOB ?4 AND (?5 = '' OR type = ?5) AND (?6 = 0 OR friendly_name = ?7)",
      start->goes_back ? " ORDER BY id ASC" : " ORDER BY id DESC", " LIMIT ?8");
  const std::string name = filter.friendly_name.value_or("");
  return Read<Page<IncomingPhoneNumber>>(
      *parts_->database, [&](Connection& connection) -> Answer<Page<IncomingPhoneNumber>> {
        std::vector<NumberRow> found;
        Rows rows =
            connection.Query(sql, pattern->prefix, account_sid, start->id, pattern->glob,
                             filter.type, filter.friendly_name.has_value(), name, request.size + 1);
        while (rows.Next()) found.push_back(ReadNumber(rows));
        return MakePage<IncomingPhoneNumber>(std::move(found), *start, request,
                                             [](NumberRow& row) { return std::move(row.number); });
      });
}

Answer<Application> NumbersStore::CreateApplication(const std::string& account_sid,
                                                    const twilio::Form& fields, absl::Time now) {
  ApplicationRow row = {.application = {.account_sid = account_sid}};
  std::vector<ResourceError> errors = ApplyChanges(fields, parts_->references, row.application);
  if (!errors.empty()) return std::move(errors.front());
  row.application.sid = NewSid("AP");
  row.application.date_created = row.application.date_updated = WholeSeconds(now);
  return Write<Application>(*parts_->database, now,
                            [&](Transaction& transaction) -> Answer<Application> {
                              WriteApplication(transaction.connection(), transaction.number(), row);
                              return row.application;
                            });
}

Answer<Application> NumbersStore::FetchApplication(const std::string& account_sid,
                                                   const std::string& sid) {
  return Read<Application>(*parts_->database, [&](Connection& connection) -> Answer<Application> {
    std::optional<ApplicationRow> row = FindApplicationOf(connection, account_sid, sid);
    if (!row.has_value()) return NotFound("application", sid);
    return std::move(row->application);
  });
}

Answer<Application> NumbersStore::UpdateApplication(const std::string& account_sid,
                                                    const std::string& sid,
                                                    const twilio::Form& changes, absl::Time now) {
  return Write<Application>(
      *parts_->database, now, [&](Transaction& transaction) -> Answer<Application> {
        std::optional<ApplicationRow> row =
            FindApplicationOf(transaction.connection(), account_sid, sid);
        if (!row.has_value()) return NotFound("application", sid);
        const Application before = row->application;
        std::vector<ResourceError> errors =
            ApplyChanges(changes, parts_->references, row->application);
        if (!errors.empty()) return std::move(errors.front());
        if (!(row->application == before)) {
          row->application.date_updated = WholeSeconds(now);
          WriteApplication(transaction.connection(), transaction.number(), *row);
        }
        return std::move(row->application);
      });
}

Answer<Deleted> NumbersStore::DeleteApplication(const std::string& account_sid,
                                                const std::string& sid, absl::Time now) {
  return Write<Deleted>(*parts_->database, now, [&](Transaction& transaction) -> Answer<Deleted> {
    Connection& connection = transaction.connection();
    const std::optional<ApplicationRow> row = FindApplicationOf(connection, account_sid, sid);
    if (!row.has_value()) return NotFound("application", sid);
    const int64_t commit = transaction.number();
    const absl::Time date = WholeSeconds(now);
    connection.Run(
        "UPDATE numbers SET voice_application_sid = '', commit_number = ?, date_updated = ? "
        "WHERE voice_application_sid = ? AND voice_application_sid <> ''",
        commit, date, sid);
    connection.Run(
        "UPDATE numbers SET sms_application_sid = '', commit_number = ?, date_updated = ? "
        "WHERE sms_application_sid = ? AND sms_application_sid <> ''",
        commit, date, sid);
    connection.Run("DELETE FROM applications WHERE id = ?", row->id);
    connection.Run("INSERT INTO deletions VALUES (?, ?)", commit, sid);
    return Deleted();
  });
}

Answer<Page<Application>> NumbersStore::ListApplications(const std::string& account_sid,
                                                         const ApplicationFilter& filter,
                                                         const PageRequest& request) {
  const std::optional<PageStart> start = ReadToken(request.token);
  if (!start.has_value()) return BadToken();
  const std::string sql = absl::StrCat(
      "SELECT ", kApplicationColumns, " FROM applications WHERE account_sid = ?",
      start->goes_back ? " AND id > ?" : " AND id < ?", " AND (? = 0 OR friendly_name = ?)",
      start->goes_back ? " ORDER BY id ASC" : " ORDER BY id DESC", " LIMIT ?");
  const std::string name = filter.friendly_name.value_or("");
  return Read<Page<Application>>(
      *parts_->database, [&](Connection& connection) -> Answer<Page<Application>> {
        std::vector<ApplicationRow> found;
        Rows rows = connection.Query(sql, account_sid, start->id, filter.friendly_name.has_value(),
                                     name, request.size + 1);
        while (rows.Next()) found.push_back(ReadApplication(rows));
        return MakePage<Application>(std::move(found), *start, request, [](ApplicationRow& row) {
          return std::move(row.application);
        });
      });
}

Answer<IncomingPhoneNumber> NumbersStore::FindNumber(const std::string& phone_number) {
  return Read<IncomingPhoneNumber>(
      *parts_->database, [&](Connection& connection) -> Answer<IncomingPhoneNumber> {
        std::optional<NumberRow> row = FindNumberBy(connection, "phone_number", phone_number);
        if (!row.has_value()) {
          return ResourceError{.status = 404,
                               .code = 20404,
                               .field = "PhoneNumber",
                               .message = absl::StrCat("there is no number ", phone_number)};
        }
        return std::move(row->number);
      });
}

absl::Status NumbersStore::ForEachNumber(
    const std::string& account_sid, absl::FunctionRef<bool(const IncomingPhoneNumber&)> visit) {
  static const auto* const sql = new std::string(
      absl::StrCat("SELECT ", kNumberColumns,
                   " FROM numbers WHERE ?1 = '' OR +account_sid = ?1 ORDER BY phone_number"));
  return parts_->database->Read([&](Connection& connection) {
    Rows rows = connection.Query(*sql, account_sid);
    while (rows.Next()) {
      if (!visit(ReadNumber(rows).number)) break;
    }
  });
}

absl::StatusOr<bool> NumbersStore::Refresh(PackedTexts& texts, NumbersSnapshot& snapshot) {
  static constexpr char kNumbers[] =
      "SELECT phone_number, account_sid, voice_url, voice_method, voice_fallback_url, "
      "voice_fallback_method, voice_application_sid, trunk_sid, sms_url, sms_method, "
      "sms_fallback_url, sms_fallback_method, sms_application_sid FROM numbers";
  static constexpr char kApplications[] =
      "SELECT sid, voice_url, voice_method, voice_fallback_url, voice_fallback_method, sms_url, "
      "sms_method, sms_fallback_url, sms_fallback_method FROM applications";
  static const auto* const newer_numbers =
      new std::string(absl::StrCat(kNumbers, " WHERE commit_number > ?"));
  static const auto* const newer_applications =
      new std::string(absl::StrCat(kApplications, " WHERE commit_number > ?"));
  NumbersSnapshot next;
  bool is_changed = false;
  const absl::Status status = parts_->database->Read([&](Connection& connection) {
    connection.Run("BEGIN");  // all of it as of one moment
    int64_t kept_from = 0;
    {
      Rows rows = connection.Query("SELECT last, at, kept_from FROM commits");
      if (rows.Next()) {
        next.commit = rows.Int();
        next.committed_at = rows.Time();
        kept_from = rows.Int();
      }
    }
    const int64_t since = snapshot.commit;
    is_changed = connection.ok() && next.commit != since;
    if (is_changed) {
      // Everything, if deletions are missing, or if the file is an older one than before.
      const bool is_new = since == 0 || since + 1 < kept_from || next.commit < since;
      NumberTableChange change(is_new ? NumberTable() : snapshot.table, texts);
      if (is_new) {
        SetNumbers(connection.Query(kNumbers), change);
        SetApplications(connection.Query(kApplications), change);
      } else {
        {
          Rows rows = connection.Query("SELECT name FROM deletions WHERE commit_number > ?", since);
          while (rows.Next()) {
            const absl::string_view name = rows.View();
            if (absl::StartsWith(name, "+")) {
              change.EraseNumber(name);
            } else {
              change.EraseApplication(name);
            }
          }
        }
        // What was made again after it was deleted is newer than that.
        SetNumbers(connection.Query(*newer_numbers, since), change);
        SetApplications(connection.Query(*newer_applications, since), change);
      }
      if (connection.ok()) next.table = change.Finish();
    }
    connection.Run("COMMIT");
  });
  if (!status.ok()) return status;
  if (is_changed) snapshot = std::move(next);
  return is_changed;
}

struct NumbersImport::Parts {
  NumbersDatabase& database;
  const References& references;
  absl::Time now = {};
  std::unique_ptr<Transaction> transaction = {};  // since the first row
  bool has_mistakes = false;
  int64_t created = 0;
  int64_t changed = 0;
  int64_t unchanged = 0;

  std::vector<ResourceError> Put(const twilio::Form& row);
  std::vector<ResourceError> Create(const std::string& account_sid, const twilio::Form& row);
};

std::unique_ptr<NumbersImport> NumbersStore::BeginImport(absl::Time now) {
  std::unique_ptr<NumbersImport::Parts> parts(new NumbersImport::Parts{
      .database = *parts_->database, .references = parts_->references, .now = now});
  return std::unique_ptr<NumbersImport>(new NumbersImport(std::move(parts)));
}

NumbersImport::NumbersImport(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
NumbersImport::~NumbersImport() = default;

int64_t NumbersImport::created() const {
  return parts_->created;
}
int64_t NumbersImport::changed() const {
  return parts_->changed;
}
int64_t NumbersImport::unchanged() const {
  return parts_->unchanged;
}

std::vector<ResourceError> NumbersImport::Put(const twilio::Form& row) {
  std::vector<ResourceError> errors = parts_->Put(row);
  if (!errors.empty()) parts_->has_mistakes = true;
  return errors;
}

std::vector<ResourceError> NumbersImport::Parts::Put(const twilio::Form& row) {
  if (transaction == nullptr) transaction = std::make_unique<Transaction>(database, now);
  if (absl::Status status = transaction->status(); !status.ok()) return {ErrorOf(status)};
  const std::string* const account = FindField(row, "AccountSid");
  if (account == nullptr || !twilio::IsAccountSid(*account)) {
    return {{.status = 400,
             .code = 21470,
             .field = "AccountSid",
             .message = "AccountSid is required, AC and 32 lower-case hexadecimal digits"}};
  }
  if (references.has_account && !references.has_account(*account)) {
    return {{.status = 400,
             .code = 21471,
             .field = "AccountSid",
             .message = "AccountSid is not an account that is configured here"}};
  }
  const std::string* const phone_number = FindField(row, "PhoneNumber");
  std::optional<NumberRow> found;
  if (phone_number != nullptr) {
    found = FindNumberBy(transaction->connection(), "phone_number", *phone_number);
  }
  std::vector<ResourceError> errors;
  if (!found.has_value()) {
    errors = Create(*account, row);
  } else if (found->number.account_sid != *account) {
    return {Taken(*phone_number)};
  } else {
    const std::string* const sid = FindField(row, "Sid");
    if (sid != nullptr && !sid->empty() && *sid != found->number.sid) {
      errors.push_back({.status = 400,
                        .code = 20423,
                        .field = "Sid",
                        .message = absl::StrCat("Sid of this number is ", found->number.sid)});
    }
    bool is_changed = false;
    std::vector<ResourceError> more =
        Change(*transaction, row, references, now, *found, is_changed);
    std::move(more.begin(), more.end(), std::back_inserter(errors));
    ++(is_changed ? changed : unchanged);
  }
  if (absl::Status status = transaction->status(); !status.ok()) return {ErrorOf(status)};
  return errors;
}

std::vector<ResourceError> NumbersImport::Parts::Create(const std::string& account_sid,
                                                        const twilio::Form& row) {
  IncomingPhoneNumber number;
  const std::string* const type = FindField(row, "Type");
  const std::string* const sid = FindField(row, "Sid");
  std::vector<ResourceError> errors;
  if (type != nullptr && !type->empty() && *type != "local" && *type != "mobile" &&
      *type != "toll-free") {
    errors.push_back({.status = 400,
                      .code = 20422,
                      .field = "Type",
                      .message = "Type must be local, mobile or toll-free"});
  }
  if (sid != nullptr && !sid->empty()) {
    if (!twilio::IsSid(*sid, "PN") ||
        FindNumberBy(transaction->connection(), "sid", *sid).has_value()) {
      errors.push_back({.status = 400,
                        .code = 20423,
                        .field = "Sid",
                        .message = "Sid is not PN and 32 lower-case hexadecimal digits, or is "
                                   "another number's"});
    }
  }
  std::vector<ResourceError> more = MakeNumber(
      account_sid, type == nullptr ? absl::string_view() : *type, row, references, number);
  std::move(more.begin(), more.end(), std::back_inserter(errors));
  if (!errors.empty()) return errors;
  if (sid != nullptr) number.sid = *sid;
  errors = Insert(*transaction, now, number);
  if (errors.empty()) ++created;
  return errors;
}

absl::Status NumbersImport::Commit() {
  if (parts_->has_mistakes) {
    return absl::FailedPreconditionError("rows had mistakes: nothing was imported");
  }
  if (parts_->transaction == nullptr) return absl::OkStatus();  // there were no rows
  return parts_->transaction->Commit();
}

}  // namespace understudy::router
