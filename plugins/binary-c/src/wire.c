/* Reading and writing the protocol's bytes; see wire.h. */

#include "wire.h"

uint32_t wire_u32(const uint8_t *data) {
  return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

void wire_put(uint8_t *to, uint64_t number, size_t bytes) {
  for (size_t at = bytes; at > 0; at--) {
    to[at - 1] = (uint8_t)number;
    number >>= 8;
  }
}

enum wire_status wire_next(wire_reader *reader, wire_request *request) {
  const uint8_t *data = reader->data;
  request->id = reader->size >= 2 ? (uint16_t)(data[0] << 8 | data[1]) : 0;
  if (reader->size < WIRE_HEADER || data[3] != 0) return WIRE_BAD_FRAME;
  uint32_t size = wire_u32(data + 4);
  /* Subtracted, not added: a length near 2^32 must not come out small. */
  if (size > reader->size - WIRE_HEADER) return WIRE_BAD_FRAME;
  request->operation = data[2];
  request->payload = data + WIRE_HEADER;
  request->size = size;
  reader->data += WIRE_HEADER + size;
  reader->size -= WIRE_HEADER + size;
  return WIRE_OK;
}

void wire_answer(uint8_t to[WIRE_HEADER], uint16_t id, enum wire_status status, uint32_t size) {
  wire_put(to, id, 2);
  to[2] = (uint8_t)status;
  to[3] = 0;
  wire_put(to + 4, size, 4);
}

uint32_t wire_crc32(const uint8_t *data, size_t size) {
  uint32_t crc = 0xffffffff;
  for (size_t at = 0; at < size; at++) {
    crc ^= data[at];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}
