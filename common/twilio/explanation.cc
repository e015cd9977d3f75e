#include "common/twilio/explanation.h"

#include <algorithm>
#include <iterator>

namespace understudy::twilio {
namespace {

struct Row {
  int code = 0;
  Explanation explanation = {};
};

// Ascending.
constexpr Row kRows[] = {
    {11100,
     {"The URL cannot be requested: it is malformed, or neither http nor https.",
      {"The URL of the number, and those in Redirect, Play and action attributes.",
       "Characters that have to be percent-encoded, also in a user name or password before the "
       "@."}}},
    {11200,
     {"The web server answered, but with an HTTP error (4xx or 5xx) or with content of another "
      "type than it says.",
      {"The web server's own log at the times below.",
       "The URL, requested with the method the number has: does it answer 200 with TwiML?",
       "A recent deployment, and any proxy, firewall or login that answers in place of the "
       "application."}}},
    {11201,
     {"No TCP connection to the web server came about in time, in two attempts.",
      {"Whether the host can be reached on the URL's port from outside of your network.",
       "A firewall that drops packets without a word.",
       "The load of the web server: a full backlog looks the same."}}},
    {11202,
     {"The host of the web server refused the TCP connection, in two attempts.",
      {"Whether the web server runs, and listens on the port in the URL.",
       "A firewall or load balancer that refuses because nothing healthy is behind it."}}},
    {11203,
     {"All attempts together took longer than there is time for one document.",
      {"How long the application takes to answer. Let it answer first and work afterwards.",
       "Redirects and retries, which share that time.",
       "Shortened times in the URL's fragment (#tt=, #rt=, #ct=)."}}},
    {11205,
     {"The exchange with the web server broke off: it could not be reached, did not answer in time "
      "or closed the connection early, or its address is one that is never requested.",
      {"Phase connect: whether the web server runs and can be reached from outside of your "
       "network.",
       "Phase headers or body: whether the application answers in full within 15 seconds.",
       "Phase policy: the host's address is private or loopback, which is shut unless the router's "
       "configuration allows it."}}},
    {11206,
     {"What the web server sent is not HTTP, or ends before it is complete.",
      {"A Content-Length that differs from the body, often after a proxy or a compression filter.",
       "An http:// URL that points at a TLS port, or the other way round.",
       "Cookies with an empty name or characters that cookies may not have."}}},
    {11210,
     {"The URL's host name has no address.",
      {"How the host is spelled.",
       "The name's DNS records, as a public resolver sees them: names known only inside of your "
       "network do not resolve here.",
       "Whether the domain has expired and its name servers answer."}}},
    {11215,
     {"The URL redirected more than ten times.",
      {"A circle of redirects: from http to https and back, with www and without.",
       "The URL of the number: use the one the redirects end at."}}},
    {11216,
     {"The web server redirected in a way that is not followed: with a status other than 301, 302, "
      "303 and 307, or without a usable Location.",
      {"The status and the Location header of the answer.",
       "The URL of the number: use the one the redirect is meant to lead to."}}},
    {11217,
     {"The web server answered with an HTTP error (4xx or 5xx).",
      {"The web server's own log at the times below.",
       "The URL, requested with the method the number has: does it answer 200 with TwiML?",
       "Rate limits: a 429 counts as a failure, as any 4xx does."}}},
    {11220,
     {"The TLS handshake with the web server failed before a certificate could be judged.",
      {"Whether the server offers TLS 1.2 or newer with a common cipher.",
       "Whether the load balancer has a certificate for this host name.",
       "openssl s_client -connect HOST:443 -servername HOST shows how it ends."}}},
    {11235,
     {"The web server's certificate is for another host name.",
      {"The names in the certificate: the URL's host has to be among them.",
       "Whether the server picks the certificate by the name that was asked for (SNI)."}}},
    {11236,
     {"The web server's certificate has expired.",
      {"Renew it, and see that every server behind the load balancer serves the new one.",
       "Why the renewal did not happen by itself."}}},
    {11237,
     {"The web server's certificate does not lead to an authority that is trusted: it is "
      "self-signed, or a certificate in between is missing.",
      {"Whether the server sends the whole chain, with the intermediate certificates.",
       "Whether a public authority issued it."}}},
    {11240,
     {"The URL's fragment names an edge location that does not exist.",
      {"The value of the key e in the fragment of the URL."}}},
    {11241,
     {"The URL's fragment names an edge location that webhooks cannot be sent from.",
      {"The value of the key e in the fragment of the URL."}}},
    {11242,
     {"The URL's fragment asks for a private Interconnect edge that the account may not use.",
      {"The value of the key e in the fragment of the URL: names that end in -ix are private.",
       "Whether Interconnect is set up for the account."}}},
    {11243,
     {"The URL's fragment has a retry policy that does not exist.",
      {"The value of the key rp in the fragment of the URL: 4xx, 5xx, ct, rt or all."}}},
    {11251,
     {"What the web server sent breaks the HTTP protocol so badly that nothing can be read from "
      "it.",
      {"Whether what listens on the URL's port is a web server at all.",
       "A proxy in between that rewrites or cuts answers."}}},
    {11750,
     {"The web server's answer is larger than a document may be, 64 kB.",
      {"Whether it is TwiML: an HTML error page is often what is this large.",
       "A document that grows with data, such as a menu or a list of numbers."}}},
    {11770,
     {"The web server answered without content.",
      {"What the application returns for these requests: an empty Response element is needed to "
       "say nothing.",
       "An error after the headers were sent, in the application's log."}}},
    {12100,
     {"The answer is not well-formed XML.",
      {"The line and column below.",
       "An & or < that is not escaped, a tag that is not closed, an attribute without quotes.",
       "Anything before the XML declaration, such as blank lines or the text of a warning."}}},
    {12101,
     {"The Response element has a version that is not known.",
      {"The version attribute: leave it out."}}},
    {12102,
     {"The outermost element of the document is not Response.",
      {"Its spelling: upper and lower case matter.",
       "Whether the answer is TwiML, rather than a page or another XML format."}}},
    {12200,
     {"The document was used, but parts of it were skipped: a verb, noun or attribute that is "
      "unknown, misspelled or not allowed where it stands.",
      {"The line and column below.",
       "Upper and lower case: verbs begin with a capital, attributes do not.",
       "Verbs for calls in the document of a message, or the other way round."}}},
    {12300,
     {"The answer's Content-Type is none that can be executed.",
      {"The Content-Type header: text/xml or application/xml for TwiML.",
       "A download or a file server in place of the application."}}},
    {12400,
     {"The platform itself failed while it executed the document.",
      {"The platform's status page.",
       "Whether it comes again: if so, report it with a call sid."}}},
};

constexpr Explanation kAccount = {"The account may not do what was asked for.",
                                  {"Whether the account is active, and what it is allowed."}};
constexpr Explanation kRetrieval = {
    "The document or media could not be retrieved from the web server.",
    {"The URL, requested with the method the number has.",
     "The web server's own log at the times below."}};
constexpr Explanation kDocument = {"The document could not be executed.",
                                   {"The document that the web server returns."}};
constexpr Explanation kVoiceVerb = {
    "A verb in the document of a call could not be executed as it is written.",
    {"The verb that the code's name begins with: its attributes and what it contains.",
     "The numbers, addresses and URLs that the verb uses."}};
constexpr Explanation kMessagingVerb = {
    "A part of the document that sends messages, or uses queues, tasks or streams, could not be "
    "executed as it is written.",
    {"The verb that the code's name speaks of: its attributes and what it contains.",
     "Whether a verb for calls stands in the document of a message."}};
constexpr Explanation kCallback = {
    "A callback failed. The call or message itself went on.",
    {"The URL of the callback, and the web server's log at the times below."}};
constexpr Explanation kNoCode = {
    "The report of the failure has no error code.",
    {"The details below, and the web server's own log at their times."}};
constexpr Explanation kOther = {"This code is not one of retrieving or reading documents.",
                                {"The page on the code, below.", "The details of each event."}};

Explanation ExplainClass(int code) {
  switch (code / 1000) {
    case 10:
      return kAccount;
    case 11:
      return kRetrieval;
    case 12:
      return kDocument;
    case 13:
      return kVoiceVerb;
    case 14:
      return kMessagingVerb;
    case 15:
      return kCallback;
    default:
      return code == 0 ? kNoCode : kOther;
  }
}

}  // namespace

Explanation Explain(int error_code) {
  const auto* const row =
      std::lower_bound(std::begin(kRows), std::end(kRows), error_code,
                       [](const Row& candidate, int code) { return candidate.code < code; });
  if (row == std::end(kRows) || row->code != error_code) return ExplainClass(error_code);
  return row->explanation;
}

}  // namespace understudy::twilio
