// Comma-separated values as RFC 4180 has them, read and written as a stream. Pure, but for what the
// caller's own function reads.
#ifndef SERVICES_CLI_CSV_H_
#define SERVICES_CLI_CSV_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace understudy::cli {

// A longer record has lost its closing quote.
inline constexpr size_t kMaxCsvRecordBytes = size_t{1} << 20;

struct CsvRecord {
  int64_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields = {};
  std::string mistake = {};  // a sentence; empty: it is well-formed
};

// Lines end in LF or CRLF, the last one also without; empty lines and a byte order mark at the
// beginning are passed over. Holds no more than a record and a piece of the input.
class CsvReader {
 public:
  // `read` puts at most `size` bytes to `to`; 0: there are no more.
  using Read = std::function<size_t(char* to, size_t size)>;
  explicit CsvReader(Read read);

  // The next record; nullopt at the end. After a mistake it goes on with the next line, where there
  // is one; behind a record that is too long there is not.
  std::optional<CsvRecord> Next();

 private:
  // Where in the record the reader is.
  enum class Place : uint8_t { kFieldBegins, kPlain, kQuoted, kQuoteInQuoted };

  int Get();   // the next byte, -1 at the end
  int Peek();  // the same, without taking it
  void SkipByteOrderMark();
  void Take(char c, CsvRecord& record, Place& place);

  const Read read_;
  std::string piece_;
  size_t at_ = 0;
  int64_t line_ = 1;
  bool is_over_ = false;
};

// Adds `fields` as a line, which ends in LF. Quoted are those that have to be.
void AppendCsv(const std::vector<std::string>& fields, std::string* out);

}  // namespace understudy::cli

#endif  // SERVICES_CLI_CSV_H_
