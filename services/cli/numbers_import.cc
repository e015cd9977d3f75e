#include "services/cli/numbers_import.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/twilio/form.h"
#include "services/cli/options.h"
#include "services/router/routes/numbers.h"

namespace understudy::cli {
namespace {

using router::NumberField;
using router::ResourceError;

constexpr absl::string_view kPhoneNumber = "phone_number";
constexpr absl::string_view kAccountSid = "account_sid";
// More digits than E.164 has, and fewer than do not fit.
constexpr size_t kMaxDigits = 18;

// Null if no field has that name.
const NumberField* FieldNamed(absl::string_view name) {
  for (const NumberField& field : router::NumberFields()) {
    if (name == field.name || name == field.parameter) return &field;
  }
  return nullptr;
}

class Import {
 public:
  Import(NumbersFile& file, const ImportOptions& options, absl::Time now)
      : file_(file),
        options_(options),
        reader_(options.read),
        import_(file.store().BeginImport(now)) {}

  absl::StatusOr<Imported> Run() {
    if (!ReadHeader()) return result_;
    while (std::optional<CsvRecord> record = reader_.Next()) {
      if (absl::Status status = Put(*record); !status.ok()) return status;
      options_.on_line(record->line);
    }
    if (result_.mistakes > 0 || !options_.may_keep()) return result_;
    if (absl::Status status = import_->Commit(); !status.ok()) return status;
    result_.created = import_->created();
    result_.changed = import_->changed();
    result_.unchanged = import_->unchanged();
    return result_;
  }

 private:
  void Complain(int64_t line, std::string field, int code, std::string message) {
    ++result_.mistakes;
    options_.on_mistake(
        {.line = line, .field = std::move(field), .code = code, .message = std::move(message)});
  }

  // False if there is no reading the rest.
  bool ReadHeader() {
    const std::optional<CsvRecord> header = reader_.Next();
    if (!header.has_value()) {
      Complain(1, "", 0, "the file is empty; its first line names the fields");
      return false;
    }
    if (!header->mistake.empty()) Complain(header->line, "", 0, header->mistake);
    for (const std::string& name : header->fields) {
      const NumberField* const field = FieldNamed(name);
      if (field == nullptr) {
        Complain(header->line, name, 0, absl::StrCat("is no field of a number", Nearest(name)));
      } else if (std::any_of(columns_.begin(), columns_.end(), [&](const twilio::Parameter& other) {
                   return other.name == field->name;
                 })) {
        Complain(header->line, name, 0, "has two columns");
      } else {
        row_.push_back({std::string(field->name), ""});
        columns_.push_back({std::string(field->name), name});
        continue;
      }
    }
    if (FieldNamedInHeader(kPhoneNumber) == nullptr) {
      Complain(header->line, std::string(kPhoneNumber), 0, "has no column");
    }
    if (FieldNamedInHeader(kAccountSid) == nullptr) {
      if (options_.account.empty()) {
        Complain(header->line, std::string(kAccountSid), 0,
                 "has no column, and --account does not say whose the numbers are");
      }
      row_.push_back({std::string(kAccountSid), options_.account});
    }
    return result_.mistakes == 0;
  }

  static std::string Nearest(absl::string_view name) {
    std::vector<absl::string_view> names;
    for (const NumberField& field : router::NumberFields()) names.push_back(field.name);
    const absl::string_view near = NearestName(name, names);
    return near.empty() ? "" : absl::StrCat("; is it ", near, "?");
  }

  const std::string* FieldNamedInHeader(absl::string_view field) const {
    return twilio::FindParameter(columns_, field);
  }

  // As the header has it.
  std::string ColumnOf(const std::string& parameter) const {
    const NumberField* const field = FieldNamed(parameter);
    if (field == nullptr) return parameter;
    const std::string* const column = FieldNamedInHeader(field->name);
    return column == nullptr ? std::string(field->name) : *column;
  }

  absl::Status Put(CsvRecord& record) {
    if (!record.mistake.empty()) {
      Complain(record.line, "", 0, record.mistake);
      return absl::OkStatus();
    }
    if (record.fields.size() != columns_.size()) {
      Complain(record.line, "", 0,
               absl::StrCat("has ", record.fields.size(), " fields; the first line has ",
                            columns_.size()));
      return absl::OkStatus();
    }
    for (size_t i = 0; i < record.fields.size(); ++i) row_[i].value = std::move(record.fields[i]);
    for (twilio::Parameter& field : row_) {
      if (field.name == kAccountSid && field.value.empty()) field.value = options_.account;
    }
    const std::string& phone_number = *twilio::FindParameter(row_, kPhoneNumber);
    if (file_.IsConfigured(phone_number)) {
      const ResourceError error = router::NotChangedHere(phone_number);
      Complain(record.line, ColumnOf(error.field), error.code, error.message);
      return absl::OkStatus();
    }
    if (const int64_t other = LineOf(phone_number, record.line); other != record.line) {
      Complain(record.line, ColumnOf(std::string(kPhoneNumber)), 0,
               absl::StrCat(phone_number, " is on line ", other, " already"));
      return absl::OkStatus();
    }
    if (lines_.size() > static_cast<size_t>(kMaxImportedNumbers)) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the file has more than ", kMaxImportedNumbers,
                       " numbers, which is the most at a time; nothing was imported"));
    }
    for (const ResourceError& error : import_->Put(row_)) {
      if (error.status >= 500) return absl::UnavailableError(error.message);
      Complain(record.line, ColumnOf(error.field), error.code, error.message);
    }
    return absl::OkStatus();
  }

  // Where the number was read first; `line` if that is there, or if it is no number.
  int64_t LineOf(absl::string_view phone_number, int64_t line) {
    uint64_t digits = 0;
    if (!absl::ConsumePrefix(&phone_number, "+") || phone_number.size() > kMaxDigits ||
        !absl::SimpleAtoi(phone_number, &digits)) {
      return line;
    }
    return lines_.emplace(digits, line).first->second;
  }

  NumbersFile& file_;
  const ImportOptions& options_;
  CsvReader reader_;
  const std::unique_ptr<router::NumbersImport> import_;
  twilio::Form columns_;  // the field of each, and what the header calls it
  twilio::Form row_;      // the columns in order, and the account if it has none
  absl::flat_hash_map<uint64_t, uint32_t> lines_;
  Imported result_;
};

}  // namespace

absl::StatusOr<Imported> ImportNumbers(NumbersFile& file, const ImportOptions& options,
                                       absl::Time now) {
  return Import(file, options, now).Run();
}

}  // namespace understudy::cli
