#include "services/notifier/mail/smtp_dialogue.h"

#include <curl/curl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/twilio/charset.h"
#include "services/notifier/words/shown_text.h"

namespace understudy::notifier {
namespace {

using absl::string_view;

bool IsDigit(char c) {
  return absl::ascii_isdigit(static_cast<unsigned char>(c));
}

// The code a line begins with; 0 if it has none.
int CodeOf(string_view line) {
  if (line.size() < 3 || !std::all_of(line.begin(), line.begin() + 3, IsDigit)) return 0;
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

// The enhanced status code of a reply without its class: "7.1" of "550 5.7.1 no"; empty if it has
// none.
string_view DetailOf(string_view reply) {
  string_view rest = reply.substr(std::min<size_t>(4, reply.size()));
  rest = rest.substr(0, rest.find(' '));
  const bool is_enhanced = rest.size() >= 5 && rest[1] == '.' && IsDigit(rest[0]) &&
                           IsDigit(rest[2]) && IsDigit(rest.back()) &&
                           rest.find_first_not_of("0123456789.") == string_view::npos &&
                           std::count(rest.begin(), rest.end(), '.') == 2;
  return is_enhanced ? rest.substr(2) : string_view();
}

bool SaysAnyOf(string_view reply, std::initializer_list<string_view> words) {
  const std::string text = absl::AsciiStrToLower(reply);
  return std::any_of(words.begin(), words.end(),
                     [&](string_view word) { return absl::StrContains(text, word); });
}

// What the server was to answer, for sentences.
const char* NameOf(SmtpStep step) {
  switch (step) {
    case SmtpStep::kConnect:
      return "the connection";
    case SmtpStep::kTls:
      return "the TLS handshake";
    case SmtpStep::kGreeting:
      return "the connection with a greeting";
    case SmtpStep::kEhlo:
      return "EHLO";
    case SmtpStep::kStartTls:
      return "STARTTLS";
    case SmtpStep::kAuth:
      return "AUTH";
    case SmtpStep::kMail:
      return "MAIL FROM";
    case SmtpStep::kRcpt:
      return "RCPT TO";
    case SmtpStep::kData:
      return "DATA";
    case SmtpStep::kBody:
      return "the mail's bytes";
    case SmtpStep::kVerdict:
      return "the end of the mail";
  }
  return "";
}

SendResult Temporary(SendReason reason, std::string detail) {
  return {.state = SendState::kTemporary,
          .reason = reason,
          .detail = std::move(detail),
          .server_failed = true};
}

SendResult Ambiguous(SendReason reason, std::string detail) {
  return {.state = SendState::kAmbiguous,
          .reason = reason,
          .detail = std::move(detail),
          .server_failed = true};
}

SendResult Expired(const SmtpEnd& end) {
  const SmtpStep step = end.dialogue.step;
  switch (step) {
    case SmtpStep::kConnect:
      return Temporary(SendReason::kConnectFailed,
                       absl::StrCat(end.server,
                                    " did not answer the connection in time; check "
                                    "mail.smtp.url and the firewalls on the way"));
    case SmtpStep::kGreeting:
      return Temporary(
          SendReason::kTimeout,
          absl::StrCat(end.server,
                       " accepted the connection and did not greet in time; if its port "
                       "speaks TLS from the start, mail.smtp.url must begin with smtps://"));
    case SmtpStep::kVerdict:
      return Ambiguous(SendReason::kTimeout,
                       absl::StrCat(end.server,
                                    " was sent the whole mail and did not say in time "
                                    "whether it took it; it may arrive twice"));
    default:
      return Temporary(SendReason::kTimeout,
                       absl::StrCat(end.server, " did not answer ", NameOf(step), " in time"));
  }
}

// RFC 3463: 3.4 is too big for the system, 2.3 for the mailbox. A 552 that says no more is about
// the mail, but where it names a recipient it is about a full mailbox.
bool IsTooLarge(SmtpStep step, int code, string_view detail) {
  if (!detail.empty()) return detail == "3.4" || detail == "2.3";
  return code == 552 && step != SmtpStep::kRcpt;
}

bool IsGreylisting(string_view reply) {
  return SaysAnyOf(reply, {"greylist", "graylist"});
}

bool IsAboutRelaying(string_view reply) {
  return SaysAnyOf(
      reply, {"relay access denied", "relaying denied", "unable to relay", "relay not permitted"});
}

// Why the server said no to `step`. Many servers say what they have against us, our credentials or
// the sender only when they hear of the recipient, so their words count as well.
SendReason WhyRefused(SmtpStep step, int code, string_view reply) {
  const string_view detail = DetailOf(reply);
  const bool is_final = code / 100 == 5;
  if (code == 421) return SendReason::kRateLimited;
  if (step == SmtpStep::kGreeting || step == SmtpStep::kEhlo) return SendReason::kGreetingRefused;
  // 538 is about the connection, and so may 530 be (RFC 3207, 4).
  if (step == SmtpStep::kStartTls || code == 538 ||
      (code == 530 && SaysAnyOf(reply, {"starttls"}))) {
    return SendReason::kTlsMissing;
  }
  // 530: authentication is required; 534, 535: this one is not good enough.
  if (code == 530 || code == 534 || code == 535 || (step == SmtpStep::kAuth && is_final)) {
    return SendReason::kAuthentication;
  }
  if (code / 100 != 4 && !is_final) return SendReason::kProtocol;
  if (IsTooLarge(step, code, detail)) return SendReason::kTooLarge;
  if (SaysAnyOf(reply, {"client host rejected", "helo command rejected"})) {
    return SendReason::kGreetingRefused;
  }
  if (IsAboutRelaying(reply)) return SendReason::kAuthentication;
  if (!is_final &&
      (step == SmtpStep::kAuth || absl::StartsWith(detail, "7.") || IsGreylisting(reply) ||
       SaysAnyOf(reply, {"rate limit", "too many", "too much", "throttl"}))) {
    return SendReason::kRateLimited;
  }
  if (step == SmtpStep::kMail || detail == "1.7" || detail == "1.8" ||
      SaysAnyOf(reply, {"sender address rejected"})) {
    return SendReason::kSenderRefused;
  }
  return step == SmtpStep::kRcpt ? SendReason::kRecipientRefused : SendReason::kContentRefused;
}

// Goes on after the server's name.
std::string WhatToDo(SendReason reason, const SmtpEnd& end) {
  const SmtpDialogue& dialogue = end.dialogue;
  switch (reason) {
    case SendReason::kRateLimited:
      return IsGreylisting(dialogue.reply) ? " asks to come back later (greylisting)"
                                           : " asks to come back later";
    case SendReason::kGreetingRefused:
      return " refuses to talk to this machine; its administrator has to let this address in, or "
             "mail.smtp.helo_name has to be a name it accepts";
    case SendReason::kTlsMissing:
      return dialogue.step == SmtpStep::kStartTls
                 ? " offers STARTTLS and refuses it; nothing is sent in the clear"
                 : " takes mail over TLS only; mail.smtp.starttls must be required";
    case SendReason::kAuthentication:
      return IsAboutRelaying(dialogue.reply)
                 ? " passes on no mail for us; it may want credentials: see mail.smtp.username"
                 : " does not take mail with these credentials; check mail.smtp.username and "
                   "mail.smtp.password_file";
    case SendReason::kTooLarge:
      return " takes no mail of this size";
    case SendReason::kSenderRefused:
      return " takes no mail from the sender; check mail.from";
    case SendReason::kRecipientRefused:
      return absl::StrCat(" takes no mail for ", end.recipient);
    case SendReason::kContentRefused:
      return dialogue.code / 100 == 5 ? " refuses this mail" : " could not take this mail just now";
    default:
      return absl::StrCat(" answered ", NameOf(dialogue.step), " with ", dialogue.code,
                          ", which is no answer to it");
  }
}

SendResult Refused(const SmtpEnd& end) {
  const SmtpDialogue& dialogue = end.dialogue;
  const SendReason reason = WhyRefused(dialogue.step, dialogue.code, dialogue.reply);
  SendResult result = Temporary(reason, absl::StrCat(end.server, WhatToDo(reason, end)));
  const bool is_about_this_mail = reason == SendReason::kRecipientRefused ||
                                  reason == SendReason::kContentRefused ||
                                  reason == SendReason::kTooLarge;
  // The sender is that of all mails: the others would fare no better.
  if (dialogue.code / 100 == 5 && (is_about_this_mail || reason == SendReason::kSenderRefused)) {
    result.state = SendState::kPermanent;
  }
  result.server_failed =
      !is_about_this_mail && !(reason == SendReason::kRateLimited && IsGreylisting(dialogue.reply));
  return result;
}

SendResult CertificateRefused(const SmtpEnd& end) {
  std::string why;
  switch (end.verify_result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      why = "has expired; its administrator has to renew it";
      break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      why = "is not valid yet; compare the clocks of both machines";
      break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      why = "is for another name; mail.smtp.url must have the name that is in it";
      break;
    default:
      why = absl::StrCat("is not to be trusted (", X509_verify_cert_error_string(end.verify_result),
                         "); if it comes from an authority of your own, name that in "
                         "mail.smtp.ca_file");
      break;
  }
  return Temporary(SendReason::kCertificate,
                   absl::StrCat("the certificate of ", end.server, " ", why));
}

SendResult Understand(const SmtpEnd& end) {
  const SmtpDialogue& dialogue = end.dialogue;
  const SmtpStep step = dialogue.step;
  if (step == SmtpStep::kVerdict && dialogue.answered) {
    if (dialogue.code / 100 == 2) return {.state = SendState::kAccepted};
    if (dialogue.code / 100 == 4 || dialogue.code / 100 == 5) return Refused(end);
    return Ambiguous(SendReason::kProtocol,
                     absl::StrCat(end.server, " answered the end of the mail with ", dialogue.code,
                                  ", which says neither yes nor no; it may arrive twice"));
  }
  if (end.curl_code == CURLE_OK) return {.state = SendState::kAccepted};
  if (end.expired || end.curl_code == CURLE_OPERATION_TIMEDOUT) return Expired(end);
  if (absl::StartsWith(end.error_text, "Too large response headers")) {
    std::string detail = absl::StrCat(end.server, " answered ", NameOf(step),
                                      " with more than libcurl reads of a reply");
    return step == SmtpStep::kVerdict ? Ambiguous(SendReason::kProtocol, std::move(detail))
                                      : Temporary(SendReason::kProtocol, std::move(detail));
  }
  if (step == SmtpStep::kVerdict && end.curl_code != CURLE_SEND_ERROR) {
    return Ambiguous(SendReason::kConnectionLost,
                     absl::StrCat(end.server,
                                  " was sent the whole mail and hung up without saying "
                                  "whether it took it; it may arrive twice"));
  }

  switch (end.curl_code) {
    case CURLE_COULDNT_CONNECT:
      return Temporary(SendReason::kConnectFailed,
                       absl::StrCat(end.server,
                                    " cannot be reached; check mail.smtp.url and "
                                    "whether it is running: ",
                                    end.error_text));
    case CURLE_PEER_FAILED_VERIFICATION:
      return CertificateRefused(end);
    case CURLE_SSL_CACERT_BADFILE:
      return Temporary(SendReason::kCertificate,
                       absl::StrCat("mail.smtp.ca_file cannot be read: ", end.error_text));
    case CURLE_USE_SSL_FAILED:
      if (dialogue.step != SmtpStep::kStartTls) {
        return Temporary(
            SendReason::kTlsMissing,
            absl::StrCat(end.server,
                         " does not offer STARTTLS; nothing is sent in the clear unless "
                         "mail.smtp.starttls says so"));
      }
      return Refused(end);
    case CURLE_LOGIN_DENIED:
      if (dialogue.answered && dialogue.step == SmtpStep::kAuth) return Refused(end);
      return Temporary(SendReason::kAuthentication,
                       absl::StrCat(end.server,
                                    " has no way to authenticate that we speak "
                                    "(PLAIN and LOGIN)"));
    default:
      break;
  }
  // In one piece with the reply to STARTTLS: somebody on the way added it (CVE-2011-0411).
  if (step == SmtpStep::kStartTls && dialogue.answered && dialogue.code == 220) {
    return Temporary(SendReason::kTlsFailed,
                     absl::StrCat("something that was not asked for followed the reply of ",
                                  end.server, " to STARTTLS; somebody may be tampering"));
  }
  if (step == SmtpStep::kTls) {
    return Temporary(SendReason::kTlsFailed, absl::StrCat("the TLS handshake with ", end.server,
                                                          " failed: ", end.error_text));
  }
  if (dialogue.answered && (dialogue.code / 100 != 2 || step == SmtpStep::kData)) {
    return Refused(end);
  }
  if (end.curl_code == CURLE_SEND_ERROR || end.curl_code == CURLE_RECV_ERROR ||
      end.curl_code == CURLE_GOT_NOTHING) {
    return Temporary(SendReason::kConnectionLost,
                     absl::StrCat(end.server, " hung up before the mail was sent to its end (at ",
                                  NameOf(step), ")"));
  }
  return Temporary(SendReason::kProtocol,
                   absl::StrCat(end.server, " does not speak SMTP as it should (at ", NameOf(step),
                                "): ", end.error_text));
}

}  // namespace

void OnSent(string_view line, SmtpDialogue& dialogue) {
  static constexpr std::pair<string_view, SmtpStep> kVerbs[] = {
      {"EHLO", SmtpStep::kEhlo}, {"HELO", SmtpStep::kEhlo}, {"STARTTLS", SmtpStep::kStartTls},
      {"AUTH", SmtpStep::kAuth}, {"MAIL", SmtpStep::kMail}, {"RCPT", SmtpStep::kRcpt},
      {"DATA", SmtpStep::kData}};
  const string_view verb = line.substr(0, line.find_first_of(" \r\n"));
  // What follows a 334 is an answer, whatever it looks like.
  const bool is_command = dialogue.step != SmtpStep::kAuth || dialogue.code != 334;
  if (is_command && verb == "QUIT") {
    dialogue.is_quitting = true;  // the end is what came before it
    return;
  }
  dialogue.answered = false;
  dialogue.in_reply = false;
  if (!is_command) return;
  for (const auto& [name, step] : kVerbs) {
    if (verb == name) dialogue.step = step;
  }
}

void OnReceived(string_view line, SmtpDialogue& dialogue) {
  if (dialogue.is_quitting) return;
  absl::ConsumeSuffix(&line, "\n");
  absl::ConsumeSuffix(&line, "\r");
  const int code = CodeOf(line);
  if (!dialogue.in_reply) dialogue.reply.clear();
  const string_view more =
      dialogue.in_reply && code != 0 ? line.substr(std::min<size_t>(4, line.size())) : line;
  absl::StrAppend(&dialogue.reply, dialogue.in_reply ? " / " : "", OneLine(more));
  dialogue.reply.resize(
      std::min(dialogue.reply.size(),
               twilio::ValidUtf8Prefix(string_view(dialogue.reply).substr(0, kMaxReplyBytes))));
  const bool is_last = code != 0 && (line.size() == 3 || line[3] == ' ');
  dialogue.in_reply = !is_last;
  if (!is_last) return;
  dialogue.code = code;
  dialogue.answered = true;
  if (dialogue.step == SmtpStep::kData && code == 354) OnStep(SmtpStep::kBody, dialogue);
}

void OnStep(SmtpStep step, SmtpDialogue& dialogue) {
  dialogue.step = step;
  dialogue.answered = false;
}

bool WasStaleConnection(const SmtpEnd& end) {
  const SmtpDialogue& dialogue = end.dialogue;
  if (!end.reused) return false;
  if (dialogue.step != SmtpStep::kConnect && dialogue.step != SmtpStep::kMail) return false;
  if (dialogue.answered) return dialogue.code == 421;
  return end.curl_code == CURLE_SEND_ERROR || end.curl_code == CURLE_RECV_ERROR ||
         end.curl_code == CURLE_GOT_NOTHING || end.expired;
}

SendResult UnderstandEnd(const SmtpEnd& end) {
  SendResult result = Understand(end);
  result.detail = OneLine(result.detail);
  result.reply = end.dialogue.reply;
  return result;
}

}  // namespace understudy::notifier
