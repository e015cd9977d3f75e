// The few documents we write ourselves. Whatever the text, CheckTwiml finds nothing in them but
// what is wrong with the text itself: that it is empty or too long to be said or sent, or no URL.
#ifndef COMMON_TWILIO_DOCUMENTS_H_
#define COMMON_TWILIO_DOCUMENTS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "common/twilio/kind.h"

namespace understudy::twilio {

// `text` fit for the content of an element or for an attribute's value. Characters and bytes that
// XML cannot carry at all become U+FFFD, so the result is always well-formed UTF-8.
std::string XmlEscape(absl::string_view text);

// The last resort, when neither web server gave a document: a call hears `voice_text` and ends, a
// message gets no reply. The text may be empty; the call then just ends.
std::string DefaultDocument(Kind kind, absl::string_view voice_text);

// Says the text, then hangs up: what a call makes of an answer in text/plain.
std::string SayDocument(absl::string_view text);

// Plays the audio file, then hangs up: what a call makes of an answer in audio.
std::string PlayDocument(absl::string_view url);

// Replies with the text, or not at all if it is empty: what a message makes of text/plain.
std::string MessageDocument(absl::string_view text);

// Goes on with the document at `url`, for calls and messages.
std::string RedirectDocument(absl::string_view url);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_DOCUMENTS_H_
