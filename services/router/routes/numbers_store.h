// Numbers and applications that were made over REST or by `understudy numbers`, in a SQLite file.
// Several processes of one machine may have the file open: routers and the command line.
//
// A write that answers well is on the disk (WAL, synchronous=FULL). Each transaction has a number,
// and rows keep that of their last change: so a reader asks for what is newer than it knows.
#ifndef SERVICES_ROUTER_ROUTES_NUMBERS_STORE_H_
#define SERVICES_ROUTER_ROUTES_NUMBERS_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/twilio/form.h"
#include "services/router/routes/number_resource.h"
#include "services/router/routes/number_table.h"

namespace understudy::router {

// How long a write waits for other writers, of this process and others: an import is one write.
inline constexpr absl::Duration kNumbersBusyTimeout = absl::Seconds(5);
inline constexpr int kMaxNumbersPage = 1000;

// What was asked for, or why not. Beside the errors of ApplyChanges and MakeNumber:
//   404 20404  no such sid in this account
//   400 21422  the phone number is taken, by this account or another
//   400 21420  an application that the account does not have
//   400 21481  a page token that is none of ours
//   409 20409  the number is of the configuration (Numbers, numbers.h)
//   503 20503  the disk, or another writer; the message says which. May pass by itself. After an
//              input or output error it is not known whether the write is kept.
//   500 20500  the file is damaged, or it is our mistake
template <typename T>
using Answer = std::variant<T, ResourceError>;

struct Deleted {};

struct NumberFilter {
  // Digits, with "*" for any digits; matches a part of the number, with its "+" if one is given.
  std::string phone_number = {};
  std::optional<std::string> friendly_name = {};  // exactly this
  std::string type = {};                          // "local", ...; empty: all
};

struct ApplicationFilter {
  std::optional<std::string> friendly_name = {};
};

struct PageRequest {
  int size = 50;           // 1 to kMaxNumbersPage
  std::string token = {};  // `next_token` or `previous_token` of a page; empty: the first page
};

// Newest first. Going from page to page shows each item that is there all the time exactly once,
// whatever is made and deleted meanwhile.
template <typename T>
struct Page {
  std::vector<T> items = {};
  std::string next_token = {};      // empty: this is the last page
  std::string previous_token = {};  // empty: this is the first page
};

struct NumbersStoreOptions {
  std::string path = {};  // in a folder that is there; PATH-wal and PATH-shm beside it
  References references = {};
  absl::Duration busy_timeout = kNumbersBusyTimeout;
  // Told how long each attempt to write took, and how it ended. From any thread; may be empty.
  std::function<void(absl::Duration took, bool good)> on_write = {};
};

// A table of what the file holds, and as of when.
struct NumbersSnapshot {
  NumberTable table = {};
  int64_t commit = 0;            // the last transaction in it
  absl::Time committed_at = {};  // the date of that
};

// Many numbers, all or none: other writers wait from the first row until Commit() or until it goes,
// and nobody sees anything of it before. Used by one thread; goes before its store.
class NumbersImport {
 public:
  ~NumbersImport();  // undoes what was not committed
  NumbersImport(const NumbersImport&) = delete;
  NumbersImport& operator=(const NumbersImport&) = delete;

  // One number, as fields by either name. phone_number and account_sid are required. One that is
  // there, in this account, is changed as by UpdateNumber, else it is made, with the `sid` that is
  // given if one is. Returns what is wrong with the row; then Commit() will refuse, but more rows
  // may come, so that all their mistakes can be told. 503 and 500 as above: give up.
  std::vector<ResourceError> Put(const twilio::Form& row);
  // FailedPrecondition if a row was wrong. Else what failed; nothing is kept then.
  absl::Status Commit();

  int64_t created() const;
  int64_t changed() const;
  int64_t unchanged() const;

 private:
  friend class NumbersStore;
  struct Parts;
  explicit NumbersImport(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

// From any thread. An account's calls neither see nor change what is another's. `now` is the date.
class NumbersStore {
 public:
  // Opens the file, makes it if it is not there, brings it up to date. FailedPrecondition if a
  // newer or another program wrote it, DataLoss if it is damaged, Unavailable if the disk or a lock
  // keeps it from being read; a file that can be read and not written is opened.
  static absl::StatusOr<std::unique_ptr<NumbersStore>> Open(NumbersStoreOptions options);
  ~NumbersStore();
  NumbersStore(const NumbersStore&) = delete;
  NumbersStore& operator=(const NumbersStore&) = delete;

  // Fields and changes are as ApplyChanges and MakeNumber take them (number_resource.h).
  Answer<IncomingPhoneNumber> CreateNumber(const std::string& account_sid, absl::string_view type,
                                           const twilio::Form& fields, absl::Time now);
  Answer<IncomingPhoneNumber> FetchNumber(const std::string& account_sid, const std::string& sid);
  // AccountSid among the changes gives the number to another account.
  Answer<IncomingPhoneNumber> UpdateNumber(const std::string& account_sid, const std::string& sid,
                                           const twilio::Form& changes, absl::Time now);
  Answer<Deleted> DeleteNumber(const std::string& account_sid, const std::string& sid,
                               absl::Time now);
  Answer<Page<IncomingPhoneNumber>> ListNumbers(const std::string& account_sid,
                                                const NumberFilter& filter,
                                                const PageRequest& page);

  Answer<Application> CreateApplication(const std::string& account_sid, const twilio::Form& fields,
                                        absl::Time now);
  Answer<Application> FetchApplication(const std::string& account_sid, const std::string& sid);
  Answer<Application> UpdateApplication(const std::string& account_sid, const std::string& sid,
                                        const twilio::Form& changes, absl::Time now);
  // Numbers that had it have none afterwards.
  Answer<Deleted> DeleteApplication(const std::string& account_sid, const std::string& sid,
                                    absl::Time now);
  Answer<Page<Application>> ListApplications(const std::string& account_sid,
                                             const ApplicationFilter& filter,
                                             const PageRequest& page);

  // For the operator, who sees every account: the number, whoever has it.
  Answer<IncomingPhoneNumber> FindNumber(const std::string& phone_number);
  // Every number, by account if `account_sid` is not empty, in the order of phone numbers, as they
  // are at one moment. `visit` may return false to end it. Holds no more than one in memory.
  absl::Status ForEachNumber(const std::string& account_sid,
                             absl::FunctionRef<bool(const IncomingPhoneNumber&)> visit);

  std::unique_ptr<NumbersImport> BeginImport(absl::Time now);

  // Brings a snapshot up to date, in time that grows with what has changed; whether anything has. A
  // new one reads everything. `texts` must be the same for all snapshots of a row.
  absl::StatusOr<bool> Refresh(PackedTexts& texts, NumbersSnapshot& snapshot);

 private:
  struct Parts;
  explicit NumbersStore(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_ROUTES_NUMBERS_STORE_H_
