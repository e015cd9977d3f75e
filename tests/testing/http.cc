#include "tests/testing/http.h"

#include <zlib.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // the largest window, in a gzip frame

bool Has(const Fields& fields, absl::string_view name) {
  return std::any_of(fields.begin(), fields.end(), [name](const auto& field) {
    return absl::EqualsIgnoreCase(field.first, name);
  });
}

bool IsHex(char c) {
  return absl::ascii_isxdigit(static_cast<unsigned char>(c));
}

std::string Decode(absl::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && IsHex(text[i + 1]) && IsHex(text[i + 2])) {
      decoded += absl::HexStringToBytes(text.substr(i + 1, 2));
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

bool AllowsBody(int status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace

std::string Find(const Fields& fields, absl::string_view name) {
  for (const auto& [key, value] : fields) {
    if (absl::EqualsIgnoreCase(key, name)) return value;
  }
  return "";
}

Fields ParseForm(absl::string_view form) {
  Fields fields;
  for (const absl::string_view pair : absl::StrSplit(form, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(pair, absl::MaxSplits('=', 1));
    fields.emplace_back(Decode(parts.first), Decode(parts.second));
  }
  return fields;
}

std::string ToBytes(const Reply& reply) {
  std::string bytes =
      absl::StrCat("HTTP/1.1 ", reply.status, reply.status < 400 ? " OK\r\n" : " Error\r\n");
  const auto add = [&bytes](absl::string_view name, absl::string_view value) {
    absl::StrAppend(&bytes, name, ": ", value, "\r\n");
  };
  if (!reply.content_type.empty()) add("Content-Type", reply.content_type);
  for (const auto& [name, value] : reply.headers) add(name, value);
  if (AllowsBody(reply.status) && !Has(reply.headers, "Content-Length") &&
      !Has(reply.headers, "Transfer-Encoding")) {
    add("Content-Length", absl::StrCat(reply.body.size()));
  }
  if (reply.closes) add("Connection", "close");
  return absl::StrCat(bytes, "\r\n", reply.body);
}

std::string Chunked(absl::string_view body, size_t chunk_bytes) {
  Require(chunk_bytes > 0, "chunks have bytes");
  std::string chunked;
  for (; !body.empty(); body.remove_prefix(std::min(chunk_bytes, body.size()))) {
    const absl::string_view chunk = body.substr(0, chunk_bytes);
    absl::StrAppend(&chunked, absl::Hex(chunk.size()), "\r\n", chunk, "\r\n");
  }
  return chunked + "0\r\n\r\n";
}

std::string Gzip(absl::string_view bytes) {
  z_stream stream = {};
  Require(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindowBits, MAX_MEM_LEVEL,
                       Z_DEFAULT_STRATEGY) == Z_OK,
          "deflateInit2");
  std::string compressed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  Require(deflate(&stream, Z_FINISH) == Z_STREAM_END, "deflate");
  compressed.resize(stream.total_out);
  deflateEnd(&stream);
  return compressed;
}

}  // namespace understudy::testing
