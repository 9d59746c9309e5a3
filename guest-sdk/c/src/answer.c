/* Filling in a response or a state. */

#include "answer.h"

#include <stdlib.h>
#include <string.h>

static void *grown(void *data, size_t size) {
  void *larger = realloc(data, size);
  if (!larger) abort();
  return larger;
}

void jackfield_response_header(jackfield_response *response, const char *name, const char *value) {
  jackfield_text key = jackfield_text_of(name), text = jackfield_text_of(value);
  if (!jackfield_is_utf8((const uint8_t *)key.data, key.size)) return;
  response->headers = grown(response->headers, (response->header_count + 1) * sizeof *response->headers);
  jackfield_header *header = &response->headers[response->header_count++];
  header->name = (jackfield_text){jackfield_copy_text(key), key.size};
  header->value = (jackfield_bytes){(uint8_t *)jackfield_copy_text(text), text.size};
}

void jackfield_reject(jackfield_response *response, int status, const char *body) {
  jackfield_text text = jackfield_text_of(body);
  if (!jackfield_is_utf8((const uint8_t *)text.data, text.size)) text = jackfield_text_of("");
  free(response->body);
  response->body = jackfield_copy_text(text);
  response->status = status >= 400 && status <= 599 ? (uint16_t)status : 500;
}

void jackfield_state_write(jackfield_state *state, const void *data, size_t size) {
  if (size > SIZE_MAX / 2 - state->size) abort();
  if (state->size + size > state->room) {
    state->room = (state->size + size) * 2;
    state->data = grown(state->data, state->room);
  }
  if (size > 0) memcpy(state->data + state->size, data, size);
  state->size += size;
}

void jackfield_state_fail(jackfield_state *state, const char *text) {
  jackfield_text failure = jackfield_text_of(text);
  if (!jackfield_is_utf8((const uint8_t *)failure.data, failure.size)) failure = jackfield_text_of("failed");
  free(state->failure);
  state->failure = jackfield_copy_text(failure);
}
