/* What a plugin may do with a connection: arguments checked, then given to the host. */

#include "host.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t NOTHING[1] = {0};

static jackfield_bytes bytes_of(const void *data, size_t size) {
  jackfield_bytes bytes = {size > 0 ? (const uint8_t *)data : NOTHING, size};
  return bytes;
}

static bool is_sendable(jackfield_message *message) {
  if (message->size == 0) message->data = NOTHING;
  return message->kind != JACKFIELD_TEXT || jackfield_is_utf8(message->data, message->size);
}

static bool is_name(jackfield_text text) {
  return jackfield_is_utf8((const uint8_t *)text.data, text.size);
}

const char *jackfield_status_text(jackfield_status status) {
  switch (status) {
    case JACKFIELD_OK: return "done";
    case JACKFIELD_GONE: return "there is no such open connection";
    case JACKFIELD_BACKLOG_FULL: return "the connection's outgoing buffer is full";
    case JACKFIELD_TOO_LARGE: return "above the largest that the host takes";
    case JACKFIELD_FRAGMENT_ORDER: return "not a part of the fragmented message that is open";
    case JACKFIELD_CONTROL_TOO_LARGE: return "the payload of a ping or pong is above 125 bytes";
    case JACKFIELD_INVALID_CODE: return "a close code that may not be sent";
    case JACKFIELD_NOT_UTF8: return "text that is not UTF-8";
  }
  return "unknown status";
}

jackfield_text jackfield_text_of(const char *string) {
  jackfield_text text = {string ? string : "", string ? strlen(string) : 0};
  return text;
}

bool jackfield_text_is(jackfield_text text, const char *string) {
  return text.size == strlen(string) && (text.size == 0 || memcmp(text.data, string, text.size) == 0);
}

jackfield_message jackfield_text_message(const char *string) {
  jackfield_text text = jackfield_text_of(string);
  jackfield_message message = {JACKFIELD_TEXT, (const uint8_t *)text.data, text.size};
  return message;
}

jackfield_message jackfield_binary_message(const void *data, size_t size) {
  jackfield_message message = {JACKFIELD_BINARY, (const uint8_t *)data, size};
  return message;
}

jackfield_status jackfield_send(jackfield_connection connection, jackfield_message message) {
  return is_sendable(&message) ? host_send(connection, message) : JACKFIELD_NOT_UTF8;
}

jackfield_status jackfield_send_uncompressed(jackfield_connection connection, jackfield_message message) {
  return is_sendable(&message) ? host_send_uncompressed(connection, message) : JACKFIELD_NOT_UTF8;
}

jackfield_status jackfield_send_fragment(jackfield_connection connection, jackfield_message part, bool last) {
  return is_sendable(&part) ? host_send_fragment(connection, part, last) : JACKFIELD_NOT_UTF8;
}

jackfield_status jackfield_ping(jackfield_connection connection, const void *payload, size_t size) {
  return host_ping(connection, bytes_of(payload, size));
}

jackfield_status jackfield_pong(jackfield_connection connection, const void *payload, size_t size) {
  return host_pong(connection, bytes_of(payload, size));
}

jackfield_status jackfield_close(jackfield_connection connection, int code, const char *reason) {
  /* What is no u16 would be cut to one on its way to the host: 66536 would close with 1000. */
  if (code < 0 || code > 0xffff) return JACKFIELD_INVALID_CODE;
  jackfield_text text = jackfield_text_of(reason);
  return is_name(text) ? host_close(connection, (uint16_t)code, text) : JACKFIELD_NOT_UTF8;
}

jackfield_status jackfield_disconnect(jackfield_connection connection) { return host_disconnect(connection); }

jackfield_status jackfield_attribute(jackfield_connection connection, const char *name, jackfield_bytes *value) {
  value->data = NULL;
  value->size = 0;
  jackfield_text text = jackfield_text_of(name);
  return is_name(text) ? host_attribute(connection, text, value) : JACKFIELD_NOT_UTF8;
}

jackfield_status jackfield_set_attribute(jackfield_connection connection, const char *name, const void *value,
                                         size_t size) {
  jackfield_text text = jackfield_text_of(name);
  return is_name(text) ? host_set_attribute(connection, text, bytes_of(value, size)) : JACKFIELD_NOT_UTF8;
}

jackfield_status jackfield_remove_attribute(jackfield_connection connection, const char *name) {
  jackfield_text text = jackfield_text_of(name);
  return is_name(text) ? host_remove_attribute(connection, text) : JACKFIELD_NOT_UTF8;
}

bool jackfield_info_of(jackfield_connection connection, jackfield_info *info) {
  memset(info, 0, sizeof *info);
  return host_info(connection, info);
}

void jackfield_info_free(jackfield_info *info) {
  free(info->peer);
  free(info->route);
  free(info->protocol);
  memset(info, 0, sizeof *info);
}

char *jackfield_copy_text(jackfield_text text) {
  char *copy = malloc(text.size + 1);
  if (!copy) abort();
  if (text.size > 0) memcpy(copy, text.data, text.size);
  copy[text.size] = 0;
  return copy;
}

/* RFC 3629 section 4: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool jackfield_is_utf8(const uint8_t *data, size_t size) {
  size_t at = 0;
  while (at < size) {
    /* Most text is ASCII: eight bytes at once. */
    uint64_t eight;
    while (size - at >= sizeof eight) {
      memcpy(&eight, data + at, sizeof eight);
      if (eight & 0x8080808080808080u) break;
      at += sizeof eight;
    }
    if (at == size) break;
    uint8_t first = data[at++];
    if (first < 0x80) continue;
    size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || size - at < more) return false;
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (data[at] < low || data[at] > high) return false;
    for (size_t next = 1; next < more; next++) {
      if ((data[at + next] & 0xc0) != 0x80) return false;
    }
    at += more;
  }
  return true;
}
