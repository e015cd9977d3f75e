#include "services/router/routes/numbers_rows.h"

#include "absl/strings/string_view.h"

namespace understudy::router {
namespace {

using sqlite::Connection;
using sqlite::Rows;

HandlerFields ReadHandler(Rows& rows) {
  HandlerFields handler;
  handler.url = rows.Text();
  handler.method = rows.Text();
  handler.fallback_url = rows.Text();
  handler.fallback_method = rows.Text();
  return handler;
}

}  // namespace

const char kNumberColumns[] =
    "id, phone_number, account_sid, voice_url, voice_method, voice_fallback_url, "
    "voice_fallback_method, voice_application_sid, trunk_sid, sms_url, sms_method, "
    "sms_fallback_url, sms_fallback_method, sms_application_sid, sid, friendly_name, type, "
    "api_version, voice_caller_id_lookup, voice_receive_mode, status_callback, "
    "status_callback_method, emergency_status, emergency_address_sid, address_sid, identity_sid, "
    "bundle_sid, date_created, date_updated";

const char kApplicationColumns[] =
    "id, sid, account_sid, voice_url, voice_method, voice_fallback_url, voice_fallback_method, "
    "sms_url, sms_method, sms_fallback_url, sms_fallback_method, friendly_name, api_version, "
    "voice_caller_id_lookup, status_callback, status_callback_method, sms_status_callback, "
    "message_status_callback, public_application_connect_enabled, date_created, date_updated";

NumberRow ReadNumber(Rows& rows) {
  NumberRow row;
  IncomingPhoneNumber& number = row.number;
  row.id = rows.Int();
  number.phone_number = rows.Text();
  number.account_sid = rows.Text();
  number.voice = ReadHandler(rows);
  number.voice_application_sid = rows.Text();
  number.trunk_sid = rows.Text();
  number.sms = ReadHandler(rows);
  number.sms_application_sid = rows.Text();
  number.sid = rows.Text();
  number.friendly_name = rows.Text();
  number.type = rows.Text();
  number.api_version = rows.Text();
  number.voice_caller_id_lookup = rows.Bool();
  number.voice_receive_mode = rows.Text();
  number.status_callback = rows.Text();
  number.status_callback_method = rows.Text();
  number.emergency_status = rows.Text();
  number.emergency_address_sid = rows.Text();
  number.address_sid = rows.Text();
  number.identity_sid = rows.Text();
  number.bundle_sid = rows.Text();
  number.date_created = rows.Time();
  number.date_updated = rows.Time();
  return row;
}

ApplicationRow ReadApplication(Rows& rows) {
  ApplicationRow row;
  Application& application = row.application;
  row.id = rows.Int();
  application.sid = rows.Text();
  application.account_sid = rows.Text();
  application.voice = ReadHandler(rows);
  application.sms = ReadHandler(rows);
  application.friendly_name = rows.Text();
  application.api_version = rows.Text();
  application.voice_caller_id_lookup = rows.Bool();
  application.status_callback = rows.Text();
  application.status_callback_method = rows.Text();
  application.sms_status_callback = rows.Text();
  application.message_status_callback = rows.Text();
  application.public_application_connect_enabled = rows.Bool();
  application.date_created = rows.Time();
  application.date_updated = rows.Time();
  return row;
}

void WriteNumber(Connection& connection, int64_t commit, const NumberRow& row) {
  const IncomingPhoneNumber& number = row.number;
  const auto run = [&](absl::string_view sql, const auto&... more) {
    connection.Run(sql, commit, number.account_sid, number.voice.url, number.voice.method,
                   number.voice.fallback_url, number.voice.fallback_method,
                   number.voice_application_sid, number.trunk_sid, number.sms.url,
                   number.sms.method, number.sms.fallback_url, number.sms.fallback_method,
                   number.sms_application_sid, number.friendly_name, number.type,
                   number.api_version, number.voice_caller_id_lookup, number.voice_receive_mode,
                   number.status_callback, number.status_callback_method, number.emergency_status,
                   number.emergency_address_sid, number.address_sid, number.identity_sid,
                   number.bundle_sid, number.date_created, number.date_updated, more...);
  };
  if (row.id == 0) {
    run("INSERT INTO numbers (commit_number, account_sid, voice_url, voice_method, "
        "voice_fallback_url, voice_fallback_method, voice_application_sid, trunk_sid, sms_url, "
        "sms_method, sms_fallback_url, sms_fallback_method, sms_application_sid, friendly_name, "
        "type, api_version, voice_caller_id_lookup, voice_receive_mode, status_callback, "
        "status_callback_method, emergency_status, emergency_address_sid, address_sid, "
        "identity_sid, bundle_sid, date_created, date_updated, phone_number, sid) VALUES "
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        number.phone_number, number.sid);
  } else {
    run("UPDATE numbers SET commit_number = ?, account_sid = ?, voice_url = ?, voice_method = ?, "
        "voice_fallback_url = ?, voice_fallback_method = ?, voice_application_sid = ?, "
        "trunk_sid = ?, sms_url = ?, sms_method = ?, sms_fallback_url = ?, "
        "sms_fallback_method = ?, sms_application_sid = ?, friendly_name = ?, type = ?, "
        "api_version = ?, voice_caller_id_lookup = ?, voice_receive_mode = ?, "
        "status_callback = ?, status_callback_method = ?, emergency_status = ?, "
        "emergency_address_sid = ?, address_sid = ?, identity_sid = ?, bundle_sid = ?, "
        "date_created = ?, date_updated = ? WHERE id = ?",
        row.id);
  }
}

void WriteApplication(Connection& connection, int64_t commit, const ApplicationRow& row) {
  const Application& application = row.application;
  const auto run = [&](absl::string_view sql, const auto&... more) {
    connection.Run(sql, commit, application.voice.url, application.voice.method,
                   application.voice.fallback_url, application.voice.fallback_method,
                   application.sms.url, application.sms.method, application.sms.fallback_url,
                   application.sms.fallback_method, application.friendly_name,
                   application.api_version, application.voice_caller_id_lookup,
                   application.status_callback, application.status_callback_method,
                   application.sms_status_callback, application.message_status_callback,
                   application.public_application_connect_enabled, application.date_created,
                   application.date_updated, more...);
  };
  if (row.id == 0) {
    run("INSERT INTO applications (commit_number, voice_url, voice_method, voice_fallback_url, "
        "voice_fallback_method, sms_url, sms_method, sms_fallback_url, sms_fallback_method, "
        "friendly_name, api_version, voice_caller_id_lookup, status_callback, "
        "status_callback_method, sms_status_callback, message_status_callback, "
        "public_application_connect_enabled, date_created, date_updated, sid, account_sid) VALUES "
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        application.sid, application.account_sid);
  } else {
    run("UPDATE applications SET commit_number = ?, voice_url = ?, voice_method = ?, "
        "voice_fallback_url = ?, voice_fallback_method = ?, sms_url = ?, sms_method = ?, "
        "sms_fallback_url = ?, sms_fallback_method = ?, friendly_name = ?, api_version = ?, "
        "voice_caller_id_lookup = ?, status_callback = ?, status_callback_method = ?, "
        "sms_status_callback = ?, message_status_callback = ?, "
        "public_application_connect_enabled = ?, date_created = ?, date_updated = ? WHERE id = ?",
        row.id);
  }
}

}  // namespace understudy::router
