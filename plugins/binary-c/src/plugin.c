/* A binary protocol over WebSocket: requests in, answers out. The bytes are in wire.h; here is what is done with them. */

#include "wire.h"

#include <jackfield.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many requests in a message are answered: a small message must not cost an endless one. */
#define REQUESTS_MAX 64
/* The longest key, and with it the longest name of an attribute. */
#define KEY_MAX 64
/* What goes out in one message. */
#define OUT_SIZE (32 * 1024)

/* The answers that were not sent yet. One call at a time, so one buffer serves everyone. */
static uint8_t out[OUT_SIZE];
static size_t out_size;

/* Sends what is there; false when the connection takes no more. */
static bool flush(jackfield_connection connection) {
  if (out_size == 0) return true;
  jackfield_status status = jackfield_send(connection, jackfield_binary_message(out, out_size));
  out_size = 0;
  if (status == JACKFIELD_OK) return true;
  fprintf(stderr, "answers not sent: %s\n", jackfield_status_text(status));
  return false;
}

/* Adds an answer; false when the connection takes no more. */
static bool answer(jackfield_connection connection, uint16_t id, enum wire_status status, const void *data, size_t size) {
  if (size > OUT_SIZE - WIRE_HEADER) {
    status = WIRE_TOO_LARGE;
    size = 0;
  }
  if (size + WIRE_HEADER > OUT_SIZE - out_size && !flush(connection)) return false;
  wire_answer(out + out_size, id, status, (uint32_t)size);
  out_size += WIRE_HEADER;
  if (size > 0) memcpy(out + out_size, data, size);
  out_size += size;
  return true;
}

/* The name of a key's attribute; false for a key that cannot have one. Keys are printable ASCII. */
static bool name_of(const uint8_t *key, size_t size, char name[KEY_MAX + 5]) {
  if (size == 0 || size > KEY_MAX) return false;
  for (size_t at = 0; at < size; at++) {
    if (key[at] < 0x21 || key[at] > 0x7e) return false;
  }
  memcpy(name, "key:", 4);
  memcpy(name + 4, key, size);
  name[4 + size] = 0;
  return true;
}

static enum wire_status store(jackfield_connection connection, const wire_request *request) {
  char name[KEY_MAX + 5];
  if (request->size < 1 || request->payload[0] > request->size - 1) return WIRE_BAD_PAYLOAD;
  size_t key = request->payload[0];
  if (!name_of(request->payload + 1, key, name)) return WIRE_BAD_PAYLOAD;
  const uint8_t *value = request->payload + 1 + key;
  jackfield_status status = jackfield_set_attribute(connection, name, value, request->size - 1 - key);
  return status == JACKFIELD_OK ? WIRE_OK : WIRE_TOO_LARGE;
}

static bool serve(jackfield_connection connection, const wire_request *request) {
  uint8_t number[8];
  switch (request->operation) {
    case WIRE_SUM: {
      if (request->size % 4 != 0) break;
      uint64_t sum = 0;
      for (size_t at = 0; at < request->size; at += 4) sum += wire_u32(request->payload + at);
      wire_put(number, sum, 8);
      return answer(connection, request->id, WIRE_OK, number, 8);
    }
    case WIRE_CRC32:
      wire_put(number, wire_crc32(request->payload, request->size), 4);
      return answer(connection, request->id, WIRE_OK, number, 4);
    case WIRE_STORE:
      return answer(connection, request->id, store(connection, request), NULL, 0);
    case WIRE_LOAD: {
      char name[KEY_MAX + 5];
      jackfield_bytes value;
      if (!name_of(request->payload, request->size, name)) break;
      if (jackfield_attribute(connection, name, &value) != JACKFIELD_OK || !value.data) {
        return answer(connection, request->id, WIRE_NOT_FOUND, NULL, 0);
      }
      bool taken = answer(connection, request->id, WIRE_OK, value.data, value.size);
      free((void *)value.data);
      return taken;
    }
    default:
      return answer(connection, request->id, WIRE_UNKNOWN_OPERATION, NULL, 0);
  }
  return answer(connection, request->id, WIRE_BAD_PAYLOAD, NULL, 0);
}

static void on_message(jackfield_connection connection, jackfield_message message) {
  if (message.kind != JACKFIELD_BINARY) {
    /* RFC 6455 section 7.4.1: 1003 is a kind of data that cannot be accepted. */
    jackfield_close(connection, 1003, "binary messages only");
    return;
  }
  wire_reader reader = {message.data, message.size};
  out_size = 0;
  for (size_t count = 0; reader.size > 0; count++) {
    wire_request request;
    enum wire_status status = wire_next(&reader, &request);
    if (status == WIRE_OK && count == REQUESTS_MAX) status = WIRE_TOO_MANY;
    if (status != WIRE_OK) {
      answer(connection, request.id, status, NULL, 0);
      break;
    }
    if (!serve(connection, &request)) return;
  }
  flush(connection);
}

JACKFIELD_EXPORT(handler, .business_handler = on_message);
