// Numbers from a file to a router's database: all of them or none.
#ifndef SERVICES_CLI_NUMBERS_IMPORT_H_
#define SERVICES_CLI_NUMBERS_IMPORT_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "services/cli/csv.h"
#include "services/cli/numbers_file.h"

namespace understudy::cli {

// More are refused: what is remembered of each, so as to find the same number twice, would take too
// much memory.
inline constexpr int64_t kMaxImportedNumbers = 20'000'000;

struct LineMistake {
  int64_t line = 0;
  std::string field = {};  // the column; empty: the line as a whole
  int code = 0;            // Twilio's; 0: none
  std::string message = {};
};

struct Imported {
  int64_t created = 0;
  int64_t changed = 0;
  int64_t unchanged = 0;
  int64_t mistakes = 0;
};

struct ImportOptions {
  CsvReader::Read read = {};
  std::string account = {};  // of lines that name none; empty: they have to
  // Told of each mistake as it is found, and of each line that was read.
  std::function<void(const LineMistake&)> on_mistake = {};
  std::function<void(int64_t line)> on_line = {};
  // Asked at the end: false if what was read is not all, so that nothing is kept.
  std::function<bool()> may_keep = {};
};

// The first line has the names of the fields, as resources have them ("voice_url") or as parameters
// ("VoiceUrl"); fields without a column stay as they are, and empty ones are cleared. A number that
// is there is changed, another is made. With any mistake nothing is kept. An error: the database
// could not be written, and nothing is kept.
absl::StatusOr<Imported> ImportNumbers(NumbersFile& file, const ImportOptions& options,
                                       absl::Time now);

}  // namespace understudy::cli

#endif  // SERVICES_CLI_NUMBERS_IMPORT_H_
