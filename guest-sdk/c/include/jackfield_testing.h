/* A stand-in for the host, so that a plugin's logic can be tested by an ordinary program, without a server and without
 * WebAssembly. Compile the plugin, the tests and the SDK's library for tests (build/native/libjackfield.a, which
 * `make native` builds) with the machine's own compiler:
 *
 *     #include <assert.h>
 *     #include <jackfield_testing.h>
 *
 *     int main(void) {
 *       jackfield_connection connection = jackfield_testing_connect("/");
 *       jackfield_hooks_handler.business_handler(connection, jackfield_text_message("hello"));
 *       const jackfield_sent *sent = jackfield_testing_sent(connection);
 *       assert(sent && sent->kind == JACKFIELD_SENT_TEXT && jackfield_text_is(sent->text, "hello"));
 *     }
 *
 * Hooks are called as the host calls them, by the structs that JACKFIELD_EXPORT and JACKFIELD_PLUGIN define. The stand-in
 * keeps the contract's rules (order of fragments, close codes, sizes of control frames and attributes) and remembers what
 * was sent. What it hands out lives until jackfield_testing_reset. A mistake of the test itself ends the program in words.
 */
#ifndef JACKFIELD_TESTING_H
#define JACKFIELD_TESTING_H

#include <jackfield.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What was done to a connection. */
typedef enum jackfield_sent_kind {
  JACKFIELD_SENT_TEXT,
  JACKFIELD_SENT_BINARY,
  JACKFIELD_SENT_PING,
  JACKFIELD_SENT_PONG,
  JACKFIELD_SENT_CLOSE,
  JACKFIELD_SENT_DISCONNECT
} jackfield_sent_kind;

/* One thing that was sent. */
typedef struct jackfield_sent {
  jackfield_sent_kind kind;
  /* The payload, ended by a NUL that its size does not count; of a close its reason, as it would go out. */
  jackfield_text text;
  /* Of a close: its code. */
  int code;
  /* It is a part of a message, and whether it is the last one. */
  bool fragment, last;
  /* It must not be compressed. */
  bool uncompressed;
} jackfield_sent;

/* A new open connection, from 192.0.2.1, on this route. */
jackfield_connection jackfield_testing_connect(const char *route);

/* An upgrade request for a target such as "/chat?room=1", of a new connection that is not open yet. `headers` are names and
 * values in turn, `count` strings in all; the subprotocols offered are read from the sec-websocket-protocol fields. */
jackfield_request *jackfield_testing_request(const char *target, const char *const *headers, size_t count);

/* Completes the upgrade: from now on the connection can be sent to. A NULL protocol is none. */
void jackfield_testing_accept(jackfield_connection connection, const char *protocol);

/* Takes the next of what was sent on a connection; NULL when there is nothing more. */
const jackfield_sent *jackfield_testing_sent(jackfield_connection connection);

/* From now on every send on this connection fails with this status; JACKFIELD_OK ends that. */
void jackfield_testing_refuse_sends(jackfield_connection connection, jackfield_status status);

/* The connection ended: nothing more can be sent, attributes can still be read. */
void jackfield_testing_end(jackfield_connection connection);

/* A response for check_custom_header to fill in. */
jackfield_response *jackfield_testing_response(void);

/* The status of a response: that of the rejection, or 101. */
int jackfield_testing_status(const jackfield_response *response);

/* The body of a rejection; NULL when it is none. */
const char *jackfield_testing_body(const jackfield_response *response);

/* The value of a response's first field of this name; NULL when there is none. */
const char *jackfield_testing_header(const jackfield_response *response, const char *name);

/* A state for `save` to write, or for `restore` to refuse. */
jackfield_state *jackfield_testing_state(void);

/* What was written to it. */
jackfield_bytes jackfield_testing_saved(const jackfield_state *state);

/* Why it failed; NULL when it did not. */
const char *jackfield_testing_failure(const jackfield_state *state);

/* Forgets every connection and frees everything that was handed out. */
void jackfield_testing_reset(void);

#ifdef __cplusplus
}
#endif
#endif
