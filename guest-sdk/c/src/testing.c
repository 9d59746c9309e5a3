/* The host of the tests: keeps the contract's rules and remembers what was sent. Not a part of a component.
 * The public names are described in jackfield_testing.h. */

#include <jackfield_testing.h>

#include "answer.h"
#include "host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The attribute limit of a host that is not configured otherwise. */
#define ATTRIBUTES_MAX (16 * 1024)
#define PEER "192.0.2.1:5000"

/* What JACKFIELD_EXPORT refers to: in a component it brings the group's exports with it. */
const char jackfield_exports_handshake = 0;
const char jackfield_exports_handler = 0;
const char jackfield_exports_connection_events = 0;
const char jackfield_exports_socket_events = 0;
const char jackfield_exports_health_events = 0;
const char jackfield_exports_server_events = 0;
const char jackfield_exports_state = 0;

typedef struct sent {
  jackfield_sent shown;
  struct sent *next;
} sent;

typedef struct attribute {
  char *name;
  jackfield_bytes value;
  struct attribute *next;
} attribute;

typedef struct entry {
  jackfield_connection id;
  bool open, fragmented;
  jackfield_kind fragment_kind;
  jackfield_status refuse;
  char *route, *protocol;
  sent *first, **end, *taken;
  attribute *attributes;
  struct entry *next;
} entry;

/* Whatever was handed out otherwise, to be freed. */
typedef struct kept {
  void *data;
  struct kept *next;
} kept;

static entry *entries;
static kept *keeps;
static jackfield_connection last_id;

static void wrong(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("jackfield_testing: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  abort();
}

static void *zeroed(size_t size) {
  void *data = calloc(1, size);
  if (!data) abort();
  return data;
}

static void *keep(void *data) {
  kept *one = zeroed(sizeof *one);
  *one = (kept){data, keeps};
  keeps = one;
  return data;
}

static entry *find(jackfield_connection id) {
  entry *each = entries;
  while (each && each->id != id) each = each->next;
  return each;
}

static entry *known(jackfield_connection id) {
  entry *found = find(id);
  if (!found) wrong("there is no connection %llu", (unsigned long long)id);
  return found;
}

static entry *add(const char *route, size_t size, bool open) {
  entry *one = zeroed(sizeof *one);
  one->id = ++last_id;
  one->open = open;
  one->route = jackfield_copy_text((jackfield_text){route, size});
  one->end = &one->first;
  one->next = entries;
  entries = one;
  return one;
}

static sent *push(entry *to, jackfield_sent_kind kind, const void *data, size_t size) {
  sent *one = zeroed(sizeof *one);
  one->shown.kind = kind;
  one->shown.text = (jackfield_text){jackfield_copy_text((jackfield_text){data, size}), size};
  *to->end = one;
  to->end = &one->next;
  return one;
}

static jackfield_status sendable(jackfield_connection connection, entry **to) {
  *to = find(connection);
  if (!*to || !(*to)->open) return JACKFIELD_GONE;
  return (*to)->refuse;
}

static jackfield_sent_kind kind_of(jackfield_message message) {
  return message.kind == JACKFIELD_TEXT ? JACKFIELD_SENT_TEXT : JACKFIELD_SENT_BINARY;
}

static jackfield_status whole(jackfield_connection connection, jackfield_message message, bool uncompressed) {
  entry *to;
  jackfield_status status = sendable(connection, &to);
  if (status != JACKFIELD_OK) return status;
  if (to->fragmented) return JACKFIELD_FRAGMENT_ORDER;
  push(to, kind_of(message), message.data, message.size)->shown.uncompressed = uncompressed;
  return JACKFIELD_OK;
}

jackfield_status host_send(jackfield_connection connection, jackfield_message message) {
  return whole(connection, message, false);
}

jackfield_status host_send_uncompressed(jackfield_connection connection, jackfield_message message) {
  return whole(connection, message, true);
}

jackfield_status host_send_fragment(jackfield_connection connection, jackfield_message part, bool last) {
  entry *to;
  jackfield_status status = sendable(connection, &to);
  if (status != JACKFIELD_OK) return status;
  if (to->fragmented && to->fragment_kind != part.kind) return JACKFIELD_FRAGMENT_ORDER;
  to->fragmented = !last;
  to->fragment_kind = part.kind;
  sent *one = push(to, kind_of(part), part.data, part.size);
  one->shown.fragment = true;
  one->shown.last = last;
  return JACKFIELD_OK;
}

static jackfield_status control(jackfield_connection connection, jackfield_sent_kind kind, jackfield_bytes payload) {
  entry *to;
  jackfield_status status = sendable(connection, &to);
  if (status != JACKFIELD_OK) return status;
  /* RFC 6455 section 5.5: "All control frames MUST have a payload length of 125 bytes or less". */
  if (payload.size > 125) return JACKFIELD_CONTROL_TOO_LARGE;
  push(to, kind, payload.data, payload.size);
  return JACKFIELD_OK;
}

jackfield_status host_ping(jackfield_connection connection, jackfield_bytes payload) {
  return control(connection, JACKFIELD_SENT_PING, payload);
}

jackfield_status host_pong(jackfield_connection connection, jackfield_bytes payload) {
  return control(connection, JACKFIELD_SENT_PONG, payload);
}

jackfield_status host_close(jackfield_connection connection, uint16_t code, jackfield_text reason) {
  /* RFC 6455 section 7.4: the codes that may be sent. */
  bool may = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1009) || (code >= 1011 && code <= 1014) ||
             (code >= 3000 && code <= 4999);
  if (!may) return JACKFIELD_INVALID_CODE;
  entry *to = find(connection);
  if (!to || !to->open) return JACKFIELD_GONE;
  to->open = false;
  size_t size = reason.size;
  if (size > 123) {
    /* Back to where a character begins. */
    for (size = 123; ((uint8_t)reason.data[size] & 0xc0) == 0x80;) size--;
  }
  push(to, JACKFIELD_SENT_CLOSE, reason.data, size)->shown.code = code;
  return JACKFIELD_OK;
}

jackfield_status host_disconnect(jackfield_connection connection) {
  entry *to = find(connection);
  if (!to) return JACKFIELD_GONE;
  to->open = false;
  push(to, JACKFIELD_SENT_DISCONNECT, "", 0);
  return JACKFIELD_OK;
}

jackfield_status host_attribute(jackfield_connection connection, jackfield_text name, jackfield_bytes *value) {
  entry *of = find(connection);
  if (!of) return JACKFIELD_GONE;
  for (attribute *each = of->attributes; each; each = each->next) {
    if (!jackfield_text_is(name, each->name)) continue;
    jackfield_text text = {(const char *)each->value.data, each->value.size};
    *value = (jackfield_bytes){(uint8_t *)jackfield_copy_text(text), text.size};
  }
  return JACKFIELD_OK;
}

jackfield_status host_remove_attribute(jackfield_connection connection, jackfield_text name) {
  entry *of = find(connection);
  if (!of) return JACKFIELD_GONE;
  for (attribute **at = &of->attributes; *at; at = &(*at)->next) {
    if (!jackfield_text_is(name, (*at)->name)) continue;
    attribute *gone = *at;
    *at = gone->next;
    free(gone->name);
    free((void *)gone->value.data);
    free(gone);
    break;
  }
  return JACKFIELD_OK;
}

jackfield_status host_set_attribute(jackfield_connection connection, jackfield_text name, jackfield_bytes value) {
  entry *of = find(connection);
  if (!of) return JACKFIELD_GONE;
  size_t total = name.size + value.size;
  for (attribute *each = of->attributes; each; each = each->next) {
    if (!jackfield_text_is(name, each->name)) total += strlen(each->name) + each->value.size;
  }
  if (total > ATTRIBUTES_MAX) return JACKFIELD_TOO_LARGE;
  attribute *one = zeroed(sizeof *one);
  one->name = jackfield_copy_text(name);
  jackfield_text text = {(const char *)value.data, value.size};
  one->value = (jackfield_bytes){(uint8_t *)jackfield_copy_text(text), value.size};
  host_remove_attribute(connection, name);
  one->next = of->attributes;
  of->attributes = one;
  return JACKFIELD_OK;
}

bool host_info(jackfield_connection connection, jackfield_info *info) {
  entry *of = find(connection);
  if (!of) return false;
  info->peer = jackfield_copy_text(jackfield_text_of(PEER));
  info->route = jackfield_copy_text(jackfield_text_of(of->route));
  if (of->protocol) info->protocol = jackfield_copy_text(jackfield_text_of(of->protocol));
  return true;
}

jackfield_connection jackfield_testing_connect(const char *route) { return add(route, strlen(route), true)->id; }

/* Adds the offers of one field, `a, b`. */
static void offers(jackfield_request *request, const char *value) {
  jackfield_text *list = keep(zeroed((request->protocol_count + strlen(value) + 1) * sizeof *list));
  if (request->protocol_count > 0) memcpy(list, request->protocols, request->protocol_count * sizeof *list);
  while (*value) {
    value += strspn(value, ", \t");
    size_t size = strcspn(value, ", \t");
    if (size > 0) list[request->protocol_count++] = (jackfield_text){value, size};
    value += size;
  }
  request->protocols = list;
}

jackfield_request *jackfield_testing_request(const char *target, const char *const *headers, size_t count) {
  if (count % 2 != 0) wrong("headers are names and values in turn, and these are %zu strings", count);
  jackfield_request *request = keep(zeroed(sizeof *request));
  const char *own = keep(jackfield_copy_text(jackfield_text_of(target)));
  size_t path = strcspn(own, "?");
  request->connection = add(own, path, false)->id;
  request->peer = jackfield_text_of(PEER);
  request->authority = jackfield_text_of("localhost");
  request->path = (jackfield_text){own, path};
  if (own[path]) request->query = jackfield_text_of(own + path + 1);
  jackfield_header *list = keep(zeroed((count / 2 + 1) * sizeof *list));
  for (size_t at = 0; at < count; at += 2) {
    char *name = keep(jackfield_copy_text(jackfield_text_of(headers[at])));
    char *value = keep(jackfield_copy_text(jackfield_text_of(headers[at + 1])));
    for (char *c = name; *c; c++) *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    list[request->header_count++] = (jackfield_header){{name, strlen(name)}, {(uint8_t *)value, strlen(value)}};
    if (strcmp(name, "sec-websocket-protocol") == 0) offers(request, value);
  }
  request->headers = list;
  return request;
}

void jackfield_testing_accept(jackfield_connection connection, const char *protocol) {
  entry *of = known(connection);
  of->open = true;
  free(of->protocol);
  of->protocol = protocol ? jackfield_copy_text(jackfield_text_of(protocol)) : NULL;
}

const jackfield_sent *jackfield_testing_sent(jackfield_connection connection) {
  entry *of = known(connection);
  sent *next = of->taken ? of->taken->next : of->first;
  if (!next) return NULL;
  of->taken = next;
  return &next->shown;
}

void jackfield_testing_refuse_sends(jackfield_connection connection, jackfield_status status) {
  known(connection)->refuse = status;
}

void jackfield_testing_end(jackfield_connection connection) { known(connection)->open = false; }

/* Responses and states are freed with what is in them. */
typedef struct answer {
  jackfield_response response;
  jackfield_state state;
  struct answer *next;
} answer;

static answer *answers;

static answer *new_answer(void) {
  answer *one = zeroed(sizeof *one);
  one->next = answers;
  answers = one;
  return one;
}

jackfield_response *jackfield_testing_response(void) { return &new_answer()->response; }

int jackfield_testing_status(const jackfield_response *response) { return response->status ? response->status : 101; }

const char *jackfield_testing_body(const jackfield_response *response) { return response->body; }

const char *jackfield_testing_header(const jackfield_response *response, const char *name) {
  for (size_t at = 0; at < response->header_count; at++) {
    /* Values end with a NUL: jackfield_response_header copied them. */
    if (jackfield_text_is(response->headers[at].name, name)) return (const char *)response->headers[at].value.data;
  }
  return NULL;
}

jackfield_state *jackfield_testing_state(void) { return &new_answer()->state; }

jackfield_bytes jackfield_testing_saved(const jackfield_state *state) {
  return (jackfield_bytes){state->data, state->size};
}

const char *jackfield_testing_failure(const jackfield_state *state) { return state->failure; }

static void free_entry(entry *gone) {
  while (gone->attributes) host_remove_attribute(gone->id, jackfield_text_of(gone->attributes->name));
  while (gone->first) {
    sent *one = gone->first;
    gone->first = one->next;
    free((void *)one->shown.text.data);
    free(one);
  }
  free(gone->route);
  free(gone->protocol);
}

void jackfield_testing_reset(void) {
  while (entries) {
    entry *gone = entries;
    free_entry(gone);
    entries = gone->next;
    free(gone);
  }
  while (answers) {
    answer *gone = answers;
    answers = gone->next;
    for (size_t at = 0; at < gone->response.header_count; at++) {
      free((void *)gone->response.headers[at].name.data);
      free((void *)gone->response.headers[at].value.data);
    }
    free(gone->response.headers);
    free(gone->response.body);
    free(gone->state.data);
    free(gone->state.failure);
    free(gone);
  }
  while (keeps) {
    kept *gone = keeps;
    keeps = gone->next;
    free(gone->data);
    free(gone);
  }
}
