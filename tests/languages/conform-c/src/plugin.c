/* The conformance plugin in C; what it does is in ../../README.md. */

#include <jackfield.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned count;

__attribute__((noinline)) static void deep_fault(void) {
  fprintf(stderr, "on purpose\n");
  abort();
}

static void check(const jackfield_request *request, jackfield_response *response) {
  jackfield_text value;
  if (jackfield_request_header(request, "x-fault", &value)) deep_fault();
  jackfield_response_header(response, "x-lang", "c");
  if (jackfield_request_header(request, "x-refuse", &value)) {
    jackfield_reject(response, 403, "refused by c\n");
    return;
  }
  jackfield_set_attribute(request->connection, "who", request->path.data, request->path.size);
}

static int choose(jackfield_connection connection, const jackfield_text *offered, size_t offers) {
  (void)connection;
  return jackfield_text_is(offered[offers - 1], "none") ? -1 : (int)offers - 1;
}

static void opened(jackfield_connection connection) { jackfield_send(connection, jackfield_text_message("welcome")); }

static void closed(jackfield_connection connection, jackfield_ending ending) {
  (void)connection;
  printf("ended %d %.*s\n", ending.code, (int)ending.reason.size, ending.reason.data);
}

static void who(jackfield_connection connection) {
  jackfield_bytes value;
  jackfield_attribute(connection, "who", &value);
  jackfield_message answer = {JACKFIELD_TEXT, value.data, value.size};
  jackfield_send(connection, answer);
  free((void *)value.data);
}

static void info(jackfield_connection connection) {
  char text[200];
  jackfield_info known;
  if (!jackfield_info_of(connection, &known)) abort();
  snprintf(text, sizeof text, "%s %s", known.route, known.protocol ? known.protocol : "");
  jackfield_info_free(&known);
  jackfield_send(connection, jackfield_text_message(text));
}

static void churn(void) {
  for (int at = 0; at < 64; at++) {
    char *garbage = malloc(4096);
    if (!garbage) abort();
    memset(garbage, at, 4096);
    free(garbage);
  }
}

static void on_message(jackfield_connection connection, jackfield_message message) {
  count++;
  jackfield_text text = {(const char *)message.data, message.size};
  if (message.kind == JACKFIELD_BINARY) {
    jackfield_send(connection, message);
  } else if (jackfield_text_is(text, "who")) {
    who(connection);
  } else if (jackfield_text_is(text, "info")) {
    info(connection);
  } else if (jackfield_text_is(text, "fragments")) {
    jackfield_send_fragment(connection, jackfield_text_message("a"), false);
    jackfield_send_fragment(connection, jackfield_text_message("b"), false);
    jackfield_send_fragment(connection, jackfield_text_message("c"), true);
  } else if (jackfield_text_is(text, "print")) {
    printf("printed by c\n");
  } else if (jackfield_text_is(text, "warn")) {
    fprintf(stderr, "warned by c\n");
  } else if (jackfield_text_is(text, "close")) {
    jackfield_close(connection, 4001, "bye");
  } else if (jackfield_text_is(text, "bad close")) {
    if (jackfield_close(connection, 1005, "") == JACKFIELD_INVALID_CODE) jackfield_send(connection, jackfield_text_message("refused"));
  } else if (jackfield_text_is(text, "count")) {
    char number[20];
    snprintf(number, sizeof number, "%u", count);
    jackfield_send(connection, jackfield_text_message(number));
  } else if (jackfield_text_is(text, "churn")) {
    churn();
    jackfield_send(connection, jackfield_text_message("churned"));
  } else if (jackfield_text_is(text, "fault")) {
    deep_fault();
  } else {
    jackfield_send(connection, message);
  }
}

static void save(jackfield_state *state) { jackfield_state_write(state, &count, sizeof count); }

static void restore(jackfield_state *state, jackfield_text from_version, jackfield_bytes saved) {
  (void)from_version;
  if (saved.size != sizeof count) {
    jackfield_state_fail(state, "not a count");
    return;
  }
  memcpy(&count, saved.data, sizeof count);
}

JACKFIELD_EXPORT(handshake, .check_custom_header = check, .select_protocol = choose);
JACKFIELD_EXPORT(handler, .business_handler = on_message);
JACKFIELD_EXPORT(connection_events, .on_handshake_success = opened, .on_disconnected = closed);
JACKFIELD_EXPORT(state, .save = save, .restore = restore);
