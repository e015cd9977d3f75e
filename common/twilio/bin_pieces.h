// A bin template (bin_template.h, which has the rules) taken apart.
#ifndef COMMON_TWILIO_BIN_PIECES_H_
#define COMMON_TWILIO_BIN_PIECES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace understudy::twilio {

struct BinPiece {
  enum class Kind : uint8_t {
    kText,
    kValue,    // {{Name}}
    kItem,     // {{.}}
    kSection,  // {{#Name}}
    kInverse,  // {{^Name}}
    kE164,     // {{#e164}}
  };
  Kind kind = Kind::kText;
  bool repeats = false;  // of kSection: for each value of a list, rather than for the first
  int elements = 0;      // of kText: those that begin in it
  size_t begin = 0;      // in the template: the text, or the {{...}} that opens it
  size_t end = 0;
  size_t name = 0;   // of kValue, kSection and kInverse: a number in BinParts::names
  size_t after = 0;  // of kSection, kInverse and kE164: the first piece that is not inside
};

struct BinParts {
  std::string text = {};
  std::vector<BinPiece> pieces =
      {};  // in document order, what is inside behind what it is inside of
  // Of the parameters, numbered from 0.
  std::map<std::string, size_t, std::less<>> names = {};
};

struct BinMistake {
  int code = 0;
  size_t offset = 0;  // in the template
  std::string message = {};
};

struct BinReading {
  BinParts parts = {};
  // Set if the text is no template; there are no parts then.
  std::optional<BinMistake> mistake = {};
  // Set if there are parts, but one of them is where it cannot be.
  std::optional<BinMistake> misplaced = {};
};

BinReading ReadBin(absl::string_view text);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_BIN_PIECES_H_
