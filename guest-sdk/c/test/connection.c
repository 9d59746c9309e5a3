/* The calls on a connection, checked against the contract's rules. */

#include <jackfield_testing.h>

#include "check.h"

#include <stdlib.h>
#include <string.h>

static bool sent_text(jackfield_connection connection, const char *text) {
  const jackfield_sent *sent = jackfield_testing_sent(connection);
  return sent && sent->kind == JACKFIELD_SENT_TEXT && jackfield_text_is(sent->text, text);
}

static void messages(void) {
  jackfield_connection connection = jackfield_testing_connect("/");
  CHECK(jackfield_send(connection, jackfield_text_message("h\xc3\xa9")) == JACKFIELD_OK);
  CHECK(jackfield_send(connection, jackfield_binary_message("\0\xff", 2)) == JACKFIELD_OK);
  CHECK(jackfield_send(connection, jackfield_binary_message(NULL, 0)) == JACKFIELD_OK);
  CHECK(jackfield_send_uncompressed(connection, jackfield_text_message("secret")) == JACKFIELD_OK);
  CHECK(sent_text(connection, "h\xc3\xa9"));
  const jackfield_sent *sent = jackfield_testing_sent(connection);
  CHECK(sent->kind == JACKFIELD_SENT_BINARY && sent->text.size == 2 && memcmp(sent->text.data, "\0\xff", 2) == 0);
  sent = jackfield_testing_sent(connection);
  CHECK(sent->kind == JACKFIELD_SENT_BINARY && sent->text.size == 0);
  sent = jackfield_testing_sent(connection);
  CHECK(sent->uncompressed && jackfield_text_is(sent->text, "secret"));
  CHECK(jackfield_testing_sent(connection) == NULL);
}

/* RFC 3629 section 4, and what it forbids. */
static void text_is_utf8(void) {
  jackfield_connection connection = jackfield_testing_connect("/");
  const char *good[] = {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
  for (size_t at = 0; at < sizeof good / sizeof *good; at++) {
    CHECK(jackfield_send(connection, jackfield_text_message(good[at])) == JACKFIELD_OK);
  }
  const char *bad[] = {"\x80",         "\xc0\x80",         "\xc1\xbf",         "\xc3",     "\xc3(",
                       "\xe0\x9f\xbf", "\xed\xa0\x80",     "\xe2\x82",         "\xe2(\xa1", "\xf0\x8f\xbf\xbf",
                       "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x90\x80", "\xff",     "a\xfe"};
  for (size_t at = 0; at < sizeof bad / sizeof *bad; at++) {
    CHECK(jackfield_send(connection, jackfield_text_message(bad[at])) == JACKFIELD_NOT_UTF8);
    CHECK(jackfield_send_fragment(connection, jackfield_text_message(bad[at]), true) == JACKFIELD_NOT_UTF8);
    CHECK(jackfield_send_uncompressed(connection, jackfield_text_message(bad[at])) == JACKFIELD_NOT_UTF8);
    CHECK(jackfield_close(connection, 1000, bad[at]) == JACKFIELD_NOT_UTF8);
    CHECK(jackfield_set_attribute(connection, bad[at], "", 0) == JACKFIELD_NOT_UTF8);
    CHECK(jackfield_remove_attribute(connection, bad[at]) == JACKFIELD_NOT_UTF8);
    jackfield_bytes value;
    CHECK(jackfield_attribute(connection, bad[at], &value) == JACKFIELD_NOT_UTF8);
    CHECK(jackfield_send(connection, jackfield_binary_message(bad[at], strlen(bad[at]))) == JACKFIELD_OK);
  }
}

/* The check looks at eight bytes at once where it can: the same answers wherever something stands. */
static void text_is_utf8_everywhere(void) {
  char text[32];
  for (size_t before = 0; before < 20; before++) {
    for (size_t after = 0; after < 10; after++) {
      memset(text, 'a', before);
      memcpy(text + before, "\xc3\xa9", 2);
      memset(text + before + 2, 'a', after);
      jackfield_message message = {JACKFIELD_TEXT, (const uint8_t *)text, before + 2 + after};
      CHECK(jackfield_send(jackfield_testing_connect("/"), message) == JACKFIELD_OK);
      text[before + 1] = '(';
      CHECK(jackfield_send(jackfield_testing_connect("/"), message) == JACKFIELD_NOT_UTF8);
    }
  }
}

static void fragments(void) {
  jackfield_connection connection = jackfield_testing_connect("/");
  jackfield_message text = jackfield_text_message("a"), binary = jackfield_binary_message("b", 1);
  CHECK(jackfield_send_fragment(connection, text, false) == JACKFIELD_OK);
  CHECK(jackfield_send_fragment(connection, binary, true) == JACKFIELD_FRAGMENT_ORDER);
  CHECK(jackfield_send(connection, text) == JACKFIELD_FRAGMENT_ORDER);
  CHECK(jackfield_ping(connection, "still there?", 12) == JACKFIELD_OK);
  CHECK(jackfield_send_fragment(connection, text, true) == JACKFIELD_OK);
  CHECK(jackfield_send(connection, binary) == JACKFIELD_OK);
  const jackfield_sent *first = jackfield_testing_sent(connection), *ping = jackfield_testing_sent(connection);
  const jackfield_sent *last = jackfield_testing_sent(connection), *after = jackfield_testing_sent(connection);
  CHECK(first->fragment && !first->last && ping->kind == JACKFIELD_SENT_PING && last->fragment && last->last);
  CHECK(!after->fragment);
}

static void control_frames(void) {
  jackfield_connection connection = jackfield_testing_connect("/");
  char payload[126] = {0};
  CHECK(jackfield_ping(connection, payload, 125) == JACKFIELD_OK);
  CHECK(jackfield_ping(connection, payload, 126) == JACKFIELD_CONTROL_TOO_LARGE);
  CHECK(jackfield_pong(connection, NULL, 0) == JACKFIELD_OK);
  CHECK(jackfield_pong(connection, payload, 126) == JACKFIELD_CONTROL_TOO_LARGE);
}

static void closing(void) {
  const int bad[] = {-1, 0, 999, 1004, 1005, 1006, 1010, 1015, 2999, 5000, 65535, 66536, 1 << 20};
  for (size_t at = 0; at < sizeof bad / sizeof *bad; at++) {
    CHECK(jackfield_close(jackfield_testing_connect("/"), bad[at], "") == JACKFIELD_INVALID_CODE);
  }
  const int good[] = {1000, 1001, 1003, 1007, 1009, 1011, 1014, 3000, 4999};
  for (size_t at = 0; at < sizeof good / sizeof *good; at++) {
    CHECK(jackfield_close(jackfield_testing_connect("/"), good[at], NULL) == JACKFIELD_OK);
  }
  jackfield_connection connection = jackfield_testing_connect("/");
  char reason[202];
  for (size_t at = 0; at < 200; at += 2) memcpy(reason + at, "\xc3\xa9", 2);
  reason[200] = 0;
  CHECK(jackfield_close(connection, 4001, reason) == JACKFIELD_OK);
  CHECK(jackfield_close(connection, 4001, "") == JACKFIELD_GONE);
  CHECK(jackfield_send(connection, jackfield_text_message("late")) == JACKFIELD_GONE);
  const jackfield_sent *sent = jackfield_testing_sent(connection);
  CHECK(sent->kind == JACKFIELD_SENT_CLOSE && sent->code == 4001 && sent->text.size == 122);
  CHECK(jackfield_disconnect(12345) == JACKFIELD_GONE);
  CHECK(jackfield_disconnect(jackfield_testing_connect("/")) == JACKFIELD_OK);
}

static void attributes(void) {
  jackfield_connection connection = jackfield_testing_connect("/");
  jackfield_bytes value;
  CHECK(jackfield_attribute(connection, "user", &value) == JACKFIELD_OK && value.data == NULL);
  CHECK(jackfield_set_attribute(connection, "user", "ada", 3) == JACKFIELD_OK);
  CHECK(jackfield_set_attribute(connection, "empty", NULL, 0) == JACKFIELD_OK);
  char *large = calloc(1, 20000);
  CHECK(jackfield_set_attribute(connection, "user", large, 20000) == JACKFIELD_TOO_LARGE);
  CHECK(jackfield_set_attribute(connection, "other", large, 16 * 1024 - 5 - 4 - 3 - 5) == JACKFIELD_OK);
  CHECK(jackfield_set_attribute(connection, "x", large, 0) == JACKFIELD_TOO_LARGE);
  free(large);
  jackfield_testing_end(connection);
  CHECK(jackfield_attribute(connection, "user", &value) == JACKFIELD_OK);
  CHECK(value.size == 3 && memcmp(value.data, "ada", 3) == 0);
  free((void *)value.data);
  CHECK(jackfield_attribute(connection, "empty", &value) == JACKFIELD_OK && value.data != NULL && value.size == 0);
  free((void *)value.data);
  CHECK(jackfield_remove_attribute(connection, "user") == JACKFIELD_OK);
  CHECK(jackfield_remove_attribute(connection, "user") == JACKFIELD_OK);
  CHECK(jackfield_attribute(connection, "user", &value) == JACKFIELD_OK && value.data == NULL);
  CHECK(jackfield_attribute(12345, "user", &value) == JACKFIELD_GONE);
  CHECK(jackfield_set_attribute(12345, "user", "", 0) == JACKFIELD_GONE);
  CHECK(jackfield_remove_attribute(12345, "user") == JACKFIELD_GONE);
}

static void before_and_after(void) {
  jackfield_request *request = jackfield_testing_request("/chat", NULL, 0);
  jackfield_connection connection = request->connection;
  CHECK(jackfield_send(connection, jackfield_text_message("early")) == JACKFIELD_GONE);
  jackfield_testing_accept(connection, "a");
  CHECK(jackfield_send(connection, jackfield_text_message("now")) == JACKFIELD_OK);
  jackfield_info info;
  CHECK(jackfield_info_of(connection, &info));
  CHECK(strcmp(info.route, "/chat") == 0 && strcmp(info.protocol, "a") == 0 && strcmp(info.peer, "192.0.2.1:5000") == 0);
  jackfield_info_free(&info);
  CHECK(info.route == NULL);
  CHECK(!jackfield_info_of(12345, &info));
  jackfield_testing_refuse_sends(connection, JACKFIELD_BACKLOG_FULL);
  CHECK(jackfield_send(connection, jackfield_text_message("x")) == JACKFIELD_BACKLOG_FULL);
  CHECK(jackfield_ping(connection, NULL, 0) == JACKFIELD_BACKLOG_FULL);
  jackfield_testing_refuse_sends(connection, JACKFIELD_OK);
  jackfield_testing_end(connection);
  CHECK(jackfield_send(connection, jackfield_text_message("late")) == JACKFIELD_GONE);
  CHECK(sent_text(connection, "now") && jackfield_testing_sent(connection) == NULL);
}

int main(void) {
  messages();
  text_is_utf8();
  text_is_utf8_everywhere();
  fragments();
  control_frames();
  closing();
  attributes();
  before_and_after();
  for (int status = JACKFIELD_OK; status <= JACKFIELD_NOT_UTF8; status++) {
    CHECK(strcmp(jackfield_status_text((jackfield_status)status), "unknown status") != 0);
  }
  jackfield_testing_reset();
  return checked("connection");
}
