#include "services/notifier/ingest/sender_check.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/serving/basic_auth.h"
#include "common/twilio/signature.h"

namespace understudy::notifier {
namespace {

// Reported to be added after signing by some of Twilio's products.
constexpr absl::string_view kUnsignedParameters[] = {"CallToken", "StirVerstat"};

const Account* FindAccount(const std::vector<Account>& accounts, absl::string_view sid) {
  const auto account = std::find_if(accounts.begin(), accounts.end(),
                                    [&](const Account& a) { return a.sid == sid; });
  return account == accounts.end() ? nullptr : &*account;
}

std::vector<std::string> SignedUrls(absl::string_view public_url,
                                    const serving::HttpRequest& request) {
  const std::string target =
      absl::StrCat(request.path, request.query.empty() ? "" : "?", request.query);
  if (!public_url.empty()) return {absl::StrCat(absl::StripSuffix(public_url, "/"), target)};
  const std::string* host = serving::FindHeader(request.headers, "Host");
  if (host == nullptr) return {};
  return {absl::StrCat("https://", *host, target), absl::StrCat("http://", *host, target)};
}

twilio::Form WithoutUnsigned(const twilio::Form& body) {
  twilio::Form rest;
  for (const twilio::Parameter& parameter : body) {
    if (std::find(std::begin(kUnsignedParameters), std::end(kUnsignedParameters), parameter.name) ==
        std::end(kUnsignedParameters)) {
      rest.push_back(parameter);
    }
  }
  return rest;
}

SenderProblem AccountUnknown(const char* name) {
  return {.http_status = 403,
          .reason = "ACCOUNT_UNKNOWN",
          .message = absl::StrCat(name, " is not one of the accounts this service knows")};
}

SenderProblem SignatureMissing() {
  return {.http_status = 400,
          .reason = "SIGNATURE_MISSING",
          .message = "the header X-Twilio-Signature is missing"};
}

SenderProblem SignatureWrong() {
  return {.http_status = 403,
          .reason = "SIGNATURE_WRONG",
          .message =
              "X-Twilio-Signature is not that of this request; is "
              "http.public_url the address Twilio uses?"};
}

SenderProblem Unauthorized(const char* message) {
  return {.http_status = 401, .reason = "UNAUTHORIZED", .message = message};
}

}  // namespace

std::optional<SenderProblem> CheckTwilioRequest(const std::vector<Account>& accounts,
                                                absl::string_view public_url,
                                                const serving::HttpRequest& request,
                                                const twilio::Form& body,
                                                const twilio::Form& parameters) {
  if (accounts.empty()) return std::nullopt;
  const std::string* sid = twilio::FindParameter(parameters, "AccountSid");
  const Account* account = sid == nullptr ? nullptr : FindAccount(accounts, *sid);
  if (account == nullptr) return AccountUnknown("AccountSid");
  if (account->auth_token.empty()) return std::nullopt;
  const std::string* signature = serving::FindHeader(request.headers, "X-Twilio-Signature");
  if (signature == nullptr || signature->empty()) return SignatureMissing();
  const twilio::Form rest = WithoutUnsigned(body);
  for (const std::string& url : SignedUrls(public_url, request)) {
    if (twilio::SignatureMatches(account->auth_token, url, body, *signature) ||
        (rest.size() != body.size() &&
         twilio::SignatureMatches(account->auth_token, url, rest, *signature))) {
      return std::nullopt;
    }
  }
  return SignatureWrong();
}

BasicSender CheckBasicRequest(const std::vector<Account>& accounts,
                              const serving::HttpRequest& request) {
  const bool anybody = std::all_of(accounts.begin(), accounts.end(),
                                   [](const Account& a) { return a.auth_token.empty(); });
  if (anybody) return {};
  const std::string* header = serving::FindHeader(request.headers, "Authorization");
  const std::optional<serving::BasicCredentials> credentials =
      header == nullptr ? std::nullopt : serving::ReadBasic(*header);
  if (!credentials.has_value()) {
    return {.problem = Unauthorized("HTTP Basic with an account's sid and auth token is required")};
  }
  const Account* account = FindAccount(accounts, credentials->user);
  if (account == nullptr || account->auth_token.empty() ||
      !serving::IsSameSecret(credentials->password, account->auth_token)) {
    return {.problem = Unauthorized("the account or its auth token is not right")};
  }
  return {.account_sid = account->sid};
}

StreamSender CheckStreamRequest(const std::vector<Account>& accounts, absl::string_view public_url,
                                const serving::HttpRequest& request,
                                const std::vector<std::string>& named) {
  if (accounts.empty()) return {};
  if (serving::FindHeader(request.headers, "Authorization") != nullptr) {
    BasicSender sender = CheckBasicRequest(accounts, request);
    if (sender.problem.has_value() || !sender.account_sid.empty()) {
      return {.problem = std::move(sender.problem),
              .account_sid = std::move(sender.account_sid),
              .is_proven = true};
    }
  }
  const std::string* signature = serving::FindHeader(request.headers, "X-Twilio-Signature");
  const bool is_signed = signature != nullptr && !signature->empty();
  const Account* believed = nullptr;
  bool is_known = false;
  for (const std::string& sid : named) {
    const Account* account = FindAccount(accounts, sid);
    if (account == nullptr) continue;
    is_known = true;
    if (account->auth_token.empty()) {
      if (believed == nullptr) believed = account;
      continue;
    }
    if (!is_signed) continue;
    for (const std::string& url : SignedUrls(public_url, request)) {
      if (twilio::JsonSignatureMatches(account->auth_token, url, request.body, *signature)) {
        return {.account_sid = account->sid, .is_proven = true};
      }
    }
  }
  if (believed != nullptr) return {.account_sid = believed->sid};
  if (!is_known) return {.problem = AccountUnknown("account_sid")};
  return {.problem = is_signed ? SignatureWrong() : SignatureMissing()};
}

bool MayTellOf(const std::vector<Account>& accounts, const StreamSender& sender,
               absl::string_view account_sid, absl::string_view master_account_sid) {
  if (sender.account_sid.empty() || sender.account_sid == account_sid) return true;
  if (!sender.is_proven || sender.account_sid != master_account_sid) return false;
  const Account* account = FindAccount(accounts, account_sid);
  return account == nullptr || account->auth_token.empty();
}

}  // namespace understudy::notifier
