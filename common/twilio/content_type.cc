#include "common/twilio/content_type.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace understudy::twilio {
namespace {

using absl::string_view;

// Takes the text up to the next ';' outside quotes, and that ';', from the front of `rest`.
string_view TakePiece(string_view& rest) {
  bool quoted = false;
  size_t i = 0;
  for (; i < rest.size() && (quoted || rest[i] != ';'); ++i) {
    if (rest[i] == '"') {
      quoted = !quoted;
    } else if (quoted && rest[i] == '\\') {
      ++i;
    }
  }
  const string_view piece = rest.substr(0, i);
  rest.remove_prefix(i < rest.size() ? i + 1 : rest.size());
  return absl::StripAsciiWhitespace(piece);
}

std::string Unquoted(string_view value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::string(value);
  value = value.substr(1, value.size() - 2);
  std::string out;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) ++i;
    out.push_back(value[i]);
  }
  return out;
}

// The head of an MPEG audio frame: eleven bits set, then fields some of whose values are reserved.
// ISO/IEC 11172-3, 2.4.2.3.
bool BeginsWithMpegFrame(string_view bytes) {
  if (bytes.size() < 4) return false;
  const auto bits = [bytes](size_t byte, int shift, unsigned mask) {
    return static_cast<unsigned>(static_cast<unsigned char>(bytes[byte])) >> shift & mask;
  };
  constexpr unsigned kReservedVersion = 1;
  constexpr unsigned kReservedLayer = 0;
  constexpr unsigned kBadBitrate = 15;
  constexpr unsigned kReservedSampleRate = 3;
  return bits(0, 0, 0xFF) == 0xFF && bits(1, 5, 7) == 7 && bits(1, 3, 3) != kReservedVersion &&
         bits(1, 1, 3) != kReservedLayer && bits(2, 4, 15) != kBadBitrate &&
         bits(2, 2, 3) != kReservedSampleRate;
}

}  // namespace

ContentType ParseContentType(string_view header_value) {
  ContentType result;
  result.type = absl::AsciiStrToLower(TakePiece(header_value));
  while (!header_value.empty() && result.charset.empty()) {
    const string_view piece = TakePiece(header_value);
    const size_t equals = piece.find('=');
    if (equals == string_view::npos) continue;
    const string_view name = absl::StripTrailingAsciiWhitespace(piece.substr(0, equals));
    if (!absl::EqualsIgnoreCase(name, "charset")) continue;
    result.charset = Unquoted(absl::StripLeadingAsciiWhitespace(piece.substr(equals + 1)));
  }
  return result;
}

ContentClass Classify(const ContentType& content_type) {
  static constexpr string_view kTwimlTypes[] = {"text/xml", "application/xml", "text/html"};
  static constexpr string_view kAudioTypes[] = {
      "audio/mpeg",   "audio/wav",    "audio/wave",  "audio/x-wav", "audio/aiff",
      "audio/x-aifc", "audio/x-aiff", "audio/x-gsm", "audio/gsm",   "audio/ulaw"};
  for (const string_view type : kTwimlTypes) {
    if (content_type.type == type) return ContentClass::kTwiml;
  }
  if (content_type.type == "text/plain") return ContentClass::kText;
  for (const string_view type : kAudioTypes) {
    if (content_type.type == type) return ContentClass::kAudio;
  }
  return ContentClass::kOther;
}

AudioFormat DetectAudio(string_view first_bytes) {
  const string_view form = first_bytes.substr(std::min<size_t>(8, first_bytes.size()), 4);
  if (absl::StartsWith(first_bytes, "RIFF") && form == "WAVE") return AudioFormat::kWave;
  if (absl::StartsWith(first_bytes, "FORM") && (form == "AIFF" || form == "AIFC")) {
    return AudioFormat::kAiff;
  }
  if (absl::StartsWith(first_bytes, "ID3") || BeginsWithMpegFrame(first_bytes)) {
    return AudioFormat::kMpeg;
  }
  return AudioFormat::kUnknown;
}

AudioFormat NamedAudio(const ContentType& content_type) {
  const string_view type = content_type.type;
  if (type == "audio/mpeg") return AudioFormat::kMpeg;
  if (type == "audio/wav" || type == "audio/wave" || type == "audio/x-wav") {
    return AudioFormat::kWave;
  }
  if (type == "audio/aiff" || type == "audio/x-aiff" || type == "audio/x-aifc") {
    return AudioFormat::kAiff;
  }
  return AudioFormat::kUnknown;
}

string_view AudioFormatName(AudioFormat format) {
  switch (format) {
    case AudioFormat::kUnknown:
      break;
    case AudioFormat::kMpeg:
      return "MPEG audio";
    case AudioFormat::kWave:
      return "a WAVE file";
    case AudioFormat::kAiff:
      return "an AIFF file";
  }
  return "audio of an unknown format";
}

}  // namespace understudy::twilio
