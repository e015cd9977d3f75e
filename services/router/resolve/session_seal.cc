#include "services/router/resolve/session_seal.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/form.h"

namespace understudy::router {
namespace {

constexpr unsigned char kVersion = 1;
constexpr size_t kTagBytes = 16;
constexpr size_t kHeadBytes = 1 + std::tuple_size_v<SessionSalt>;

using Key = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
int Size(absl::string_view text) {
  return static_cast<int>(text.size());
}

Key KeyOf(const Secret& key, absl::string_view salt) {
  Key derived = {};
  unsigned length = 0;
  HMAC(EVP_sha256(), key.Reveal().data(), static_cast<int>(key.Reveal().size()), Bytes(salt),
       salt.size(), derived.data(), &length);
  return derived;
}

// The cipher for one session, ready for its text; `head` is authenticated with it. The nonce is
// zero: no key is used twice.
Cipher StartCipher(const Key& key, absl::string_view head, bool encrypt) {
  constexpr unsigned char kNonce[12] = {};
  Cipher cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  const bool ok = cipher != nullptr &&
                  EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key.data(), kNonce,
                                    encrypt ? 1 : 0) == 1 &&
                  EVP_CipherUpdate(cipher.get(), nullptr, &length, Bytes(head), Size(head)) == 1;
  return ok ? std::move(cipher) : nullptr;
}

// Whom a session belongs to, in few bytes whatever the caller's parameters are.
std::string ScopeOf(const Call& call) {
  const auto parameter = [&](absl::string_view name) {
    const std::string* value = twilio::FindParameter(call.parameters, name);
    return value == nullptr ? std::string() : *value;
  };
  twilio::Form scope = {{"account", call.account_sid}, {"kind", KindName(call.kind)}};
  if (call.kind == Kind::kVoice) {
    scope.push_back({"call", parameter("CallSid")});
  } else {
    scope.push_back({"from", parameter("From")});
    scope.push_back({"to", parameter("To")});
  }
  const std::string text = twilio::EncodeForm(scope);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash = {};
  SHA256(Bytes(text), text.size(), hash.data());
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()));
}

std::optional<std::string> Decrypt(absl::string_view sealed, const Secret& key) {
  if (sealed.size() < kHeadBytes + kTagBytes || sealed.size() > kMaxSessionBytes ||
      static_cast<unsigned char>(sealed[0]) != kVersion) {
    return std::nullopt;
  }
  const absl::string_view head = sealed.substr(0, kHeadBytes);
  const absl::string_view body = sealed.substr(kHeadBytes, sealed.size() - kHeadBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  const Cipher cipher = StartCipher(KeyOf(key, head.substr(1)), head, /*encrypt=*/false);
  std::string text(body.size(), '\0');
  int length = 0;
  int rest = 0;
  if (cipher == nullptr ||
      EVP_DecryptUpdate(cipher.get(), Bytes(text), &length, Bytes(body), Size(body)) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(cipher.get(), Bytes(text) + length, &rest) != 1) {
    return std::nullopt;
  }
  return text;
}

}  // namespace

const char* SessionUseName(SessionUse use) {
  switch (use) {
    case SessionUse::kNone:
      break;
    case SessionUse::kAccepted:
      return "accepted";
    case SessionUse::kForged:
      return "forged";
    case SessionUse::kForeign:
      return "foreign";
    case SessionUse::kStale:
      return "stale";
  }
  return "none";
}

std::string SealSession(const Session& session, const Call& call, const Secret& key,
                        const SessionSalt& salt, absl::Time now) {
  if (session.empty()) return {};
  const std::string text =
      twilio::EncodeForm({{"at", absl::StrCat(absl::ToUnixSeconds(now))}, {"for", ScopeOf(call)}}) +
      "&" + EncodeSession(session);
  std::string sealed(1, static_cast<char>(kVersion));
  sealed.append(reinterpret_cast<const char*>(salt.data()), salt.size());
  const Cipher cipher =
      StartCipher(KeyOf(key, absl::string_view(sealed).substr(1)), sealed, /*encrypt=*/true);
  std::string body(text.size(), '\0');
  std::string tag(kTagBytes, '\0');
  int length = 0;
  int rest = 0;
  if (cipher == nullptr ||
      EVP_EncryptUpdate(cipher.get(), Bytes(body), &length, Bytes(text), Size(text)) != 1 ||
      EVP_EncryptFinal_ex(cipher.get(), Bytes(body) + length, &rest) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) != 1) {
    return {};  // no memory: a call without a session is better than none
  }
  return absl::StrCat(sealed, body, tag);
}

OpenedSession OpenSession(absl::string_view sealed, const Call& call, const Secret& key,
                          absl::Time now) {
  if (sealed.empty()) return {};
  const std::optional<std::string> text = Decrypt(sealed, key);
  if (!text.has_value()) return {.use = SessionUse::kForged};
  // What authenticates is ours, so its shape is known.
  const size_t at_end = text->find('&');
  const size_t for_end = text->find('&', at_end + 1);
  const twilio::Form head = twilio::DecodeForm(text->substr(0, for_end));
  int64_t at = 0;
  if (at_end == std::string::npos || for_end == std::string::npos || head.size() != 2 ||
      !absl::SimpleAtoi(head[0].value, &at)) {
    return {.use = SessionUse::kForged};
  }
  if (head[1].value != ScopeOf(call)) return {.use = SessionUse::kForeign};
  const absl::Duration age = now - absl::FromUnixSeconds(at);
  if (age > (call.kind == Kind::kVoice ? kVoiceSessionAge : kMessagingSessionAge)) {
    return {.use = SessionUse::kStale};
  }
  std::optional<Session> session = DecodeSession(text->substr(for_end + 1));
  if (!session.has_value()) return {.use = SessionUse::kForged};
  return {.use = SessionUse::kAccepted, .session = *std::move(session)};
}

}  // namespace understudy::router
