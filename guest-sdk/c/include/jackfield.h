/* Write the business logic of a Jackfield WebSocket server in C.
 *
 * A plugin is functions, and one JACKFIELD_EXPORT for each group of hooks that it implements. Only the groups that it
 * names enter the component; the host never calls the others.
 *
 *     #include <jackfield.h>
 *
 *     static void echo(jackfield_connection connection, jackfield_message message) {
 *       jackfield_send(connection, message);
 *     }
 *
 *     JACKFIELD_EXPORT(handler, .business_handler = echo);
 *
 * What a hook is given belongs to the SDK and is valid until the hook returns. One call at a time: no locks. What is
 * printed to stdout ends in the host's log at INFO, to stderr at WARN. abort(), a failed assert() and a bad memory access
 * are traps: the connection of the call is closed with 1011 (in the handshake: refused with 500), the others go on with a
 * fresh instance, whose variables have their first values again.
 */
#ifndef JACKFIELD_H
#define JACKFIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One connection, by its id: opaque, below 2^53, never used again while the server process lives. A plugin reaches the
 * connections of the routes that it serves; on any other id everything answers JACKFIELD_GONE. */
typedef uint64_t jackfield_connection;

/* UTF-8, not ended by a NUL. */
typedef struct jackfield_text {
  const char *data;
  size_t size;
} jackfield_text;

/* Bytes. */
typedef struct jackfield_bytes {
  const uint8_t *data;
  size_t size;
} jackfield_bytes;

/* The two kinds of message (RFC 6455 section 5.6). */
typedef enum jackfield_kind { JACKFIELD_TEXT = 0, JACKFIELD_BINARY = 1 } jackfield_kind;

/* One whole message, or a part of one. */
typedef struct jackfield_message {
  jackfield_kind kind;
  const uint8_t *data;
  size_t size;
} jackfield_message;

/* What became of a call. */
typedef enum jackfield_status {
  /* It was done. For a send: queued behind everything sent before; for a connection that another worker thread owns, it
   * was handed to that worker. */
  JACKFIELD_OK = 0,
  /* There is no such open connection: it ended, is closing, or was never this plugin's. */
  JACKFIELD_GONE,
  /* The connection's outgoing buffer is full: the peer reads too slowly. Nothing was queued. */
  JACKFIELD_BACKLOG_FULL,
  /* A message above the largest that the host sends; or attributes that would exceed the connection's limit (16 KiB unless
   * configured otherwise), in which case the old value is kept. */
  JACKFIELD_TOO_LARGE,
  /* A fragmented message is open, and this is not a part of it; or of the other kind. */
  JACKFIELD_FRAGMENT_ORDER,
  /* A ping's or pong's payload is above 125 bytes (RFC 6455 section 5.5). */
  JACKFIELD_CONTROL_TOO_LARGE,
  /* A close code that may not be sent (RFC 6455 section 7.4): below 1000, 1004 to 1006, 1010, 1015 to 2999, 5000 and up. */
  JACKFIELD_INVALID_CODE,
  /* Text that is not UTF-8. The SDK finds it: the host would end the instance. */
  JACKFIELD_NOT_UTF8
} jackfield_status;

/* A status in words; never NULL. */
const char *jackfield_status_text(jackfield_status status);

/* A text of a string that ends with a NUL; NULL is the empty text. */
jackfield_text jackfield_text_of(const char *string);

/* Whether a text is this string. */
bool jackfield_text_is(jackfield_text text, const char *string);

/* A text message of a string that ends with a NUL. */
jackfield_message jackfield_text_message(const char *string);

/* A binary message. */
jackfield_message jackfield_binary_message(const void *data, size_t size);

/* Sends one message in one frame. */
jackfield_status jackfield_send(jackfield_connection connection, jackfield_message message);

/* Sends one message that is never compressed, whatever was agreed on with the peer: for payloads that are compressed
 * already, and for secrets beside what an attacker chooses. */
jackfield_status jackfield_send_uncompressed(jackfield_connection connection, jackfield_message message);

/* Sends a part of a message as a fragment (RFC 6455 section 5.4). The first part begins the message and gives its kind,
 * every part is of that kind, and `last` ends it. Until then no other message can be sent on the connection; pings, pongs
 * and a close can. Text is cut between characters. */
jackfield_status jackfield_send_fragment(jackfield_connection connection, jackfield_message part, bool last);

/* Sends a ping with a payload of at most 125 bytes (RFC 6455 section 5.5.2). The answer counts as a sign of life for the
 * host's health check; no hook hears of it. */
jackfield_status jackfield_ping(jackfield_connection connection, const void *payload, size_t size);

/* Sends a pong that nobody asked for, with at most 125 bytes (RFC 6455 section 5.5.3). The host answers pings. */
jackfield_status jackfield_pong(jackfield_connection connection, const void *payload, size_t size);

/* Starts the closing handshake, after everything sent so far (RFC 6455 section 7.1.2). Messages that the peer still sends
 * are no longer delivered. 1000 is the normal closure, 1008 a broken rule of yours, 1011 a failure of yours; 3000 to 4999
 * are free for applications. A reason above 123 bytes is cut on a character boundary. */
jackfield_status jackfield_close(jackfield_connection connection, int code, const char *reason);

/* Ends the TCP connection without a close frame and without waiting; what is queued is dropped. */
jackfield_status jackfield_disconnect(jackfield_connection connection);

/* Reads an attribute. It is yours: free() its data. When it is not set, `value->data` is NULL. Attributes live in the host:
 * they survive traps and swaps of the plugin, and every plugin of the route sees them. They can be written from
 * check_custom_header on, and still be read in on_disconnected. */
jackfield_status jackfield_attribute(jackfield_connection connection, const char *name, jackfield_bytes *value);

/* Sets an attribute, replacing its value. */
jackfield_status jackfield_set_attribute(jackfield_connection connection, const char *name, const void *value, size_t size);

/* Removes an attribute; ok also when it was not set. */
jackfield_status jackfield_remove_attribute(jackfield_connection connection, const char *name);

/* What the host knows about a connection. */
typedef struct jackfield_info {
  /* Address and port of the peer. */
  char *peer;
  /* The path of the route that it was accepted on. */
  char *route;
  /* The subprotocol agreed on; NULL when there is none. */
  char *protocol;
  /* Whether the connection is encrypted. */
  bool secure;
  /* Milliseconds since the socket was accepted, and since the last byte from the peer. */
  uint64_t age_ms, idle_ms;
  /* Bytes waiting in the outgoing buffer. */
  uint64_t backlog;
} jackfield_info;

/* Asks for it; false when there is no such connection. Give it to jackfield_info_free afterwards. */
bool jackfield_info_of(jackfield_connection connection, jackfield_info *info);

/* Frees what jackfield_info_of allocated. */
void jackfield_info_free(jackfield_info *info);

/* One HTTP field line. Names come in lower case; values are the bytes as received. */
typedef struct jackfield_header {
  jackfield_text name;
  jackfield_bytes value;
} jackfield_header;

/* An upgrade request that passed every check of RFC 6455 section 4.2.1. */
typedef struct jackfield_request {
  /* The connection that asks; it keeps its id when the upgrade succeeds. Attributes can be set on it now. */
  jackfield_connection connection;
  /* Address and port of the peer, as 192.0.2.1:5000 or [2001:db8::1]:5000. */
  jackfield_text peer;
  /* Whether the connection is encrypted (wss). */
  bool secure;
  /* The Host field: host and optional port. */
  jackfield_text authority;
  /* The path of the request target, percent-encoding untouched. */
  jackfield_text path;
  /* What follows the first ? of the target; its data is NULL when there is no ?. */
  jackfield_text query;
  /* Every field line, in the order received. */
  const jackfield_header *headers;
  size_t header_count;
  /* The subprotocols offered (Sec-WebSocket-Protocol), in the client's order of preference. */
  const jackfield_text *protocols;
  size_t protocol_count;
} jackfield_request;

/* The value of the first field of this name, in whatever case; false when there is none. It may not be UTF-8. */
bool jackfield_request_header(const jackfield_request *request, const char *name, jackfield_text *value);

/* The token of `Authorization: Bearer <token>` (RFC 6750 section 2.1); false also when there are several Authorization
 * fields, of which nobody can say which one counts. */
bool jackfield_request_bearer_token(const jackfield_request *request, jackfield_text *token);

/* The value of a cookie (RFC 6265 section 4.2.1), as it was sent; of several of the same name, the first. */
bool jackfield_request_cookie(const jackfield_request *request, const char *name, jackfield_text *value);

/* The answer to an upgrade request. */
typedef struct jackfield_response jackfield_response;

/* Adds a field to the 101 response, or to the rejection. The host drops and logs framing and connection fields, and values
 * with CR, LF or NUL. A name that is not UTF-8 is not added. */
void jackfield_response_header(jackfield_response *response, const char *name, const char *value);

/* Refuses the upgrade: `status` is 400 to 599, anything else is sent as 500; the body is sent as text/plain; charset=utf-8
 * unless a header says otherwise. */
void jackfield_reject(jackfield_response *response, int status, const char *body);

/* How a connection ended (RFC 6455 sections 7.1.5 and 7.1.6). */
typedef struct jackfield_ending {
  /* The close code received, or 1005 when the peer's close frame had none, or 1006 when the connection ended without a
   * close frame from the peer. */
  uint16_t code;
  /* The reason received. */
  jackfield_text reason;
  /* Whether both close frames were exchanged. */
  bool clean;
} jackfield_ending;

/* What went wrong on a socket. */
typedef enum jackfield_error_kind {
  /* Reading or writing failed, or the peer vanished. */
  JACKFIELD_ERROR_TRANSPORT = 0,
  /* The peer broke RFC 6455. */
  JACKFIELD_ERROR_PROTOCOL,
  /* A call of a plugin trapped or ran out of time. */
  JACKFIELD_ERROR_PLUGIN,
  /* A limit was met: backlog, message size, time. */
  JACKFIELD_ERROR_LIMIT
} jackfield_error_kind;

/* What is carried over a swap, while it is saved or restored. */
typedef struct jackfield_state jackfield_state;

/* Adds bytes to what is saved. */
void jackfield_state_write(jackfield_state *state, const void *data, size_t size);

/* Saving, or restoring, cannot be done: the old version goes on serving, and the text is logged. */
void jackfield_state_fail(jackfield_state *state, const char *text);

/* ------------------------------------------------------------------------------------------------ the hooks
 * A group is a struct of functions; those that are NULL do nothing. */

/* The handshake: who may connect, and under which subprotocol. */
struct jackfield_handshake {
  /* Called when an upgrade request passed every check of the RFC. Unless the response is a rejection, the upgrade goes on.
   * Fails closed: a trap is answered with 500, running out of time with 503. With several plugins on a route, the first
   * rejection ends it. */
  void (*check_custom_header)(const jackfield_request *request, jackfield_response *response);
  /* Chooses one of the `count` subprotocols offered, by its index; any other number is none. Not called when the client
   * offered none. With several plugins on a route, the first answer wins. */
  int (*select_protocol)(jackfield_connection connection, const jackfield_text *offered, size_t count);
};

/* The messages. */
struct jackfield_handler {
  /* Called with each message, reassembled from its fragments, one call at a time per connection, in the order of arrival.
   * With several plugins on a route, the first that exports this group gets the message. */
  void (*business_handler)(jackfield_connection connection, jackfield_message message);
};

/* The life of an upgraded connection. Each function is called exactly once for each. */
struct jackfield_connection_events {
  /* The 101 response is in the outgoing buffer; no message was delivered yet. The first moment to send. */
  void (*on_handshake_success)(jackfield_connection connection);
  /* The connection ended; nothing more can be sent. Attributes can still be read. */
  void (*on_disconnected)(jackfield_connection connection, jackfield_ending ending);
};

/* The raw life of a socket. The route is not known yet when a socket is accepted: a plugin with this hears of every one. */
struct jackfield_socket_events {
  /* A socket was accepted; nothing of a request has been read yet. `peer` is its address and port, or those that
     a PROXY protocol header named. */
  void (*on_connected)(jackfield_connection connection, jackfield_text peer);
  /* A part of the upgrade request arrived, and the request is not complete; `received` bytes so far. */
  void (*on_upgrade_part_receive)(jackfield_connection connection, uint32_t received);
  /* The upgrade was refused with this HTTP status; 0 when the peer left before an answer. */
  void (*on_handshake_failure)(jackfield_connection connection, uint16_t status, jackfield_text reason);
  /* The socket is closed and the id is gone. Called once for each on_connected. */
  void (*on_after_remove_socket)(jackfield_connection connection);
  /* Something went wrong on a socket; what follows (close frame, removal) is reported by itself. */
  void (*on_error)(jackfield_connection connection, jackfield_error_kind kind, jackfield_text detail);
};

/* The result of the periodic health check. */
struct jackfield_health_events {
  /* Called after a check that found connections of this plugin's routes unhealthy. They are being closed. */
  void (*on_after_health_check)(const jackfield_connection *unhealthy, size_t count);
};

/* The life of the plugin itself. */
struct jackfield_server_events {
  /* Called once on each instance before any other hook. */
  void (*on_started)(void);
  /* The server is stopping, or this instance is being replaced; connections are still open. */
  void (*on_shutdown)(void);
};

/* Carries what an instance remembers over a swap. It is read by another version: give it a format that can grow. */
struct jackfield_state_hooks {
  /* Writes what the next version must know. */
  void (*save)(jackfield_state *state);
  /* Called on the new instance after on_started and before any other hook, with what `save` wrote and the version (digest)
   * that wrote it. */
  void (*restore)(jackfield_state *state, jackfield_text from_version, jackfield_bytes saved);
};

/* Exports a group of hooks: handshake, handler, connection_events, socket_events, health_events, server_events, state.
 * Once for each, in one file of the plugin, at the top level. */
#define JACKFIELD_EXPORT(group, ...)                                                              \
  extern const char jackfield_exports_##group;                                                    \
  __attribute__((used)) static const char *const jackfield_uses_##group = &jackfield_exports_##group; \
  const struct JACKFIELD_HOOKS_##group jackfield_hooks_##group = {__VA_ARGS__}

#define JACKFIELD_HOOKS_handshake jackfield_handshake
#define JACKFIELD_HOOKS_handler jackfield_handler
#define JACKFIELD_HOOKS_connection_events jackfield_connection_events
#define JACKFIELD_HOOKS_socket_events jackfield_socket_events
#define JACKFIELD_HOOKS_health_events jackfield_health_events
#define JACKFIELD_HOOKS_server_events jackfield_server_events
#define JACKFIELD_HOOKS_state jackfield_state_hooks

extern const struct jackfield_handshake jackfield_hooks_handshake;
extern const struct jackfield_handler jackfield_hooks_handler;
extern const struct jackfield_connection_events jackfield_hooks_connection_events;
extern const struct jackfield_socket_events jackfield_hooks_socket_events;
extern const struct jackfield_health_events jackfield_hooks_health_events;
extern const struct jackfield_server_events jackfield_hooks_server_events;
extern const struct jackfield_state_hooks jackfield_hooks_state;

#ifdef __cplusplus
}
#endif
#endif
