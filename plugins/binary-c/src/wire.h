/* The protocol's bytes. A message is requests, one behind the other; it is answered by answers, in the order of the
 * requests. All numbers are unsigned and big-endian.
 *
 *     request:  id 2 bytes | operation 1 | reserved 1, zero | length 4 | payload
 *     answer:   id 2 bytes | status 1    | reserved 1, zero | length 4 | payload
 *
 * Nothing here knows of connections: bytes in, bytes out, every length checked before what it counts is touched.
 */
#ifndef BINARY_C_WIRE_H
#define BINARY_C_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_HEADER 8

enum wire_operation {
  /* The sum of numbers of 4 bytes each; the answer is one of 8. */
  WIRE_SUM = 1,
  /* The CRC-32 (ISO-HDLC) of the payload; 4 bytes. */
  WIRE_CRC32 = 2,
  /* Keeps a value under a key: length of the key 1 byte, key, value. It outlives a swap of this plugin. */
  WIRE_STORE = 3,
  /* The value under a key: the payload is the key. */
  WIRE_LOAD = 4
};

enum wire_status {
  WIRE_OK = 0,
  WIRE_UNKNOWN_OPERATION = 1,
  /* The payload is not what the operation takes. */
  WIRE_BAD_PAYLOAD = 2,
  WIRE_NOT_FOUND = 3,
  /* No room: the connection's attributes are full, or the answer is larger than one can be. */
  WIRE_TOO_LARGE = 4,
  /* The header is cut off, its reserved byte is not zero, or its length is beyond the end of the message. What follows
   * cannot be found, so this is the message's last answer. */
  WIRE_BAD_FRAME = 5,
  /* More requests than a message may hold. The rest was not looked at: also a last answer. */
  WIRE_TOO_MANY = 6
};

typedef struct wire_request {
  uint16_t id;
  uint8_t operation;
  const uint8_t *payload;
  size_t size;
} wire_request;

/* Bytes that were not read yet. */
typedef struct wire_reader {
  const uint8_t *data;
  size_t size;
} wire_reader;

/* Reads the next request; call it while reader->size is above 0. WIRE_BAD_FRAME: the rest cannot be read, the request has
 * what is known of its id. */
enum wire_status wire_next(wire_reader *reader, wire_request *request);

uint32_t wire_u32(const uint8_t *data);

/* Writes `bytes` bytes of a number; at most 8. */
void wire_put(uint8_t *to, uint64_t number, size_t bytes);

/* Writes an answer's header. */
void wire_answer(uint8_t to[WIRE_HEADER], uint16_t id, enum wire_status status, uint32_t size);

uint32_t wire_crc32(const uint8_t *data, size_t size);

#endif
