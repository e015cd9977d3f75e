#include "services/cli/csv.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace understudy::cli {
namespace {

constexpr size_t kPieceBytes = size_t{64} * 1024;
constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

void Complain(CsvRecord& record, absl::string_view what) {
  if (record.mistake.empty()) record.mistake = std::string(what);
}

}  // namespace

CsvReader::CsvReader(Read read) : read_(std::move(read)) {}

int CsvReader::Peek() {
  if (at_ == piece_.size()) {
    piece_.resize(kPieceBytes);
    piece_.resize(read_(piece_.data(), piece_.size()));
    at_ = 0;
    if (piece_.empty()) return -1;
  }
  return static_cast<unsigned char>(piece_[at_]);
}

int CsvReader::Get() {
  const int c = Peek();
  if (c >= 0) ++at_;
  return c;
}

void CsvReader::SkipByteOrderMark() {
  for (const char c : kByteOrderMark) {
    if (Peek() != static_cast<unsigned char>(c)) return;
    Get();
  }
}

std::optional<CsvRecord> CsvReader::Next() {
  if (is_over_) return std::nullopt;
  if (line_ == 1) SkipByteOrderMark();
  while (Peek() == '\n' || Peek() == '\r') {
    if (Get() == '\n') ++line_;
  }
  if (Peek() < 0) return std::nullopt;

  CsvRecord record = {.line = line_, .fields = {""}};
  Place place = Place::kFieldBegins;
  size_t size = 0;
  for (;;) {
    const int c = Get();
    if (c < 0) {
      if (place == Place::kQuoted) Complain(record, "a quote is opened and never closed");
      return record;
    }
    if (c == '\n') ++line_;
    if (place != Place::kQuoted && (c == '\n' || (c == '\r' && Peek() == '\n'))) {
      if (c == '\r') {
        Get();
        ++line_;
      }
      return record;
    }
    if (++size > kMaxCsvRecordBytes) {
      Complain(record, absl::StrCat("the record is longer than ", kMaxCsvRecordBytes,
                                    " bytes: a quote is opened and not closed"));
      is_over_ = true;
      return record;
    }
    Take(static_cast<char>(c), record, place);
  }
}

void CsvReader::Take(char c, CsvRecord& record, Place& place) {
  std::string& field = record.fields.back();
  if (place == Place::kQuoted) {
    if (c == '"') {
      place = Place::kQuoteInQuoted;
    } else {
      field.push_back(c);
    }
    return;
  }
  if (c == ',') {
    record.fields.emplace_back();
    place = Place::kFieldBegins;
    return;
  }
  if (c == '"') {
    if (place == Place::kPlain) Complain(record, "a quote stands in a field that is not quoted");
    // Within quotes two of them are one.
    if (place != Place::kFieldBegins) field.push_back(c);
    if (place != Place::kPlain) place = Place::kQuoted;
    return;
  }
  if (place == Place::kQuoteInQuoted) Complain(record, "text stands behind a closing quote");
  place = Place::kPlain;
  field.push_back(c);
}

void AppendCsv(const std::vector<std::string>& fields, std::string* out) {
  absl::string_view comma;
  for (const std::string& field : fields) {
    const bool has_edge = !field.empty() && (field.front() == ' ' || field.back() == ' ');
    if (has_edge || field.find_first_of("\",\r\n") != std::string::npos) {
      absl::StrAppend(out, comma, "\"", absl::StrReplaceAll(field, {{"\"", "\"\""}}), "\"");
    } else {
      absl::StrAppend(out, comma, field);
    }
    comma = ",";
  }
  out->push_back('\n');
}

}  // namespace understudy::cli
